// One transfer as libcurl sees it: options in, failure out. On the client's thread only.

import CCurl

struct EasyHandle {
  let raw: UnsafeMutableRawPointer
  private let list: UnsafeMutablePointer<curl_slist>?
  private let errorText: UnsafeMutablePointer<CChar>

  init(_ transfer: Transfer, _ settings: HTTPClientSettings, milliseconds: Int) throws(HTTPClientFailure) {
    guard let raw = curl_easy_init() else { throw HTTPClientFailure(.other, "libcurl is out of memory") }
    self.raw = raw
    self.errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
    self.errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    self.list = EasyHandle.headerList(transfer.request)
    var codes = [
      ccurl_set_error_buffer(raw, errorText),
      ccurl_set_headers(raw, list),
      // Unretained: the loop holds the transfer as long as this handle lives.
      ccurl_set_callbacks(raw, ccurlHeader, ccurlBody, Unmanaged.passUnretained(transfer).toOpaque()),
    ]
    codes += EasyHandle.setLimits(raw, transfer, settings, milliseconds)
    codes += EasyHandle.setManners(raw, transfer.request, settings)
    codes += EasyHandle.setMethod(raw, transfer.request)
    if let code = codes.first(where: { $0 != CURLE_OK }) {
      let failure = HTTPClientFailure(.other, "libcurl refuses an option: \(String(cString: curl_easy_strerror(code)))")
      free()
      throw failure
    }
  }

  func free() {
    curl_easy_cleanup(raw)
    curl_slist_free_all(list)
    errorText.deallocate()
  }

  private static func headerList(_ request: ClientRequest) -> UnsafeMutablePointer<curl_slist>? {
    var list: UnsafeMutablePointer<curl_slist>?
    // A name with a semicolon sends an empty value; one with nothing after the colon sends none of libcurl's own.
    for field in request.headers.fields {
      list = curl_slist_append(list, field.value.isEmpty ? "\(field.name);" : "\(field.name): \(field.value)") ?? list
    }
    // Without this a long body waits a second for a "100 Continue" that many servers do not send.
    list = curl_slist_append(list, "Expect:") ?? list
    if !request.headers.contains("Content-Type") { list = curl_slist_append(list, "Content-Type:") ?? list }
    return list
  }

  private static func setLimits(
    _ raw: UnsafeMutableRawPointer, _ transfer: Transfer, _ settings: HTTPClientSettings, _ milliseconds: Int
  ) -> [CURLcode] {
    let limits = settings.limits
    var codes = [
      ccurl_set_long(raw, CURLOPT_TIMEOUT_MS, max(1, milliseconds)),
      ccurl_set_long(raw, CURLOPT_CONNECTTIMEOUT_MS, max(1, min(limits.connectMillisecondsMax, milliseconds))),
      ccurl_set_long(raw, CURLOPT_LOW_SPEED_TIME, limits.stallSecondsMax),
      ccurl_set_long(raw, CURLOPT_LOW_SPEED_LIMIT, limits.stallBytesPerSecondMin),
    ]
    // Refuses an announced length before its first byte; what is not announced meets our own count.
    if !transfer.isStreamed { codes.append(ccurl_set_size(raw, CURLOPT_MAXFILESIZE_LARGE, curl_off_t(limits.responseBytesMax))) }
    return codes
  }

  private static func setManners(
    _ raw: UnsafeMutableRawPointer, _ request: ClientRequest, _ settings: HTTPClientSettings
  ) -> [CURLcode] {
    var codes = [
      ccurl_set_text(raw, CURLOPT_URL, request.url),
      ccurl_set_text(raw, CURLOPT_PROTOCOLS_STR, settings.policy.schemes.map(\.rawValue).sorted().joined(separator: ",")),
      ccurl_set_text(raw, CURLOPT_USERAGENT, settings.userAgent),
      // A proxy named in the environment would see every request, and connect where a policy does not allow it.
      ccurl_set_text(raw, CURLOPT_PROXY, ""),
      ccurl_set_long(raw, CURLOPT_FOLLOWLOCATION, 0),
      ccurl_set_long(raw, CURLOPT_DISALLOW_USERNAME_IN_URL, 1),
      ccurl_set_long(raw, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1),
      // Without it a timeout in a name lookup would use a signal, which belongs to the whole process.
      ccurl_set_long(raw, CURLOPT_NOSIGNAL, 1),
    ]
    if let path = settings.certificatesPath { codes.append(ccurl_set_text(raw, CURLOPT_CAINFO, path)) }
    return codes
  }

  private static func setMethod(_ raw: UnsafeMutableRawPointer, _ request: ClientRequest) -> [CURLcode] {
    var codes: [CURLcode] = []
    let takesBody = [.post, .put, .patch].contains(request.method)
    if takesBody || !request.body.isEmpty {
      codes.append(
        request.body.isEmpty
          ? ccurl_set_body(raw, "", 0)
          : request.body.withUnsafeBytes { ccurl_set_body(raw, $0.baseAddress, curl_off_t($0.count)) })
    }
    if request.method == .head {
      codes.append(ccurl_set_long(raw, CURLOPT_NOBODY, 1))
    } else if request.method != .get || !request.body.isEmpty {
      codes.append(ccurl_set_text(raw, CURLOPT_CUSTOMREQUEST, request.method.rawValue))
    }
    return codes
  }

  /// What libcurl's code means, with its own words where it has some.
  func failure(_ code: CURLcode) -> HTTPClientFailure {
    let own = String(cString: errorText)
    let text = own.isEmpty ? String(cString: curl_easy_strerror(code)) : own
    return HTTPClientFailure(EasyHandle.kind(code), text)
  }

  private static func kind(_ code: CURLcode) -> HTTPClientFailure.Kind {
    switch code {
    case CURLE_URL_MALFORMAT: .invalidRequest
    case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: .unresolved
    case CURLE_COULDNT_CONNECT, CURLE_INTERFACE_FAILED: .unreachable
    case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
      CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_USE_SSL_FAILED:
      .insecure
    case CURLE_OPERATION_TIMEDOUT: .timedOut
    case CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE, CURLE_SEND_ERROR, CURLE_RECV_ERROR: .disconnected
    // The scheme was checked before: an "unsupported protocol" is a reply without a status line (HTTP/0.9).
    case CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING, CURLE_HTTP2, CURLE_UNSUPPORTED_PROTOCOL: .malformedResponse
    case CURLE_FILESIZE_EXCEEDED: .responseTooLarge
    default: .other
    }
  }
}

// Global functions, because a closure could inherit an actor's isolation. Both run on the client's thread, inside `curl_multi_perform`
// or `curl_easy_pause`; the transfer is alive because the loop holds it as long as its handle.

private func ccurlHeader(_ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?) -> Int {
  guard let context else { return 0 }
  let transfer = Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
  return transfer.header(UnsafeRawBufferPointer(start: bytes, count: size * count)) ? size * count : 0
}

private func ccurlBody(_ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?) -> Int {
  guard let context else { return 0 }
  let transfer = Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
  guard size * count > 0 else { return 0 }
  switch transfer.piece(UnsafeRawBufferPointer(start: bytes, count: size * count)) {
  case .kept: return size * count
  case .pause: return ccurl_pause
  case .abort: return 0
  }
}
