// Hands mail over to a server: a few threads, each with a connection that is kept from one mail to the next.

import CCurl
import Dispatch
import Lifecycle
import Synchronization

/// Hands mail over to one server. Never use one transport for two servers or two levels of security: a kept connection would carry a mail past a check that
/// was made when it was opened.
public final class MailTransport: Sendable {
  private typealias Outcome = Result<Void, MailFailure>

  /// What the sender waits for: given once, by the thread or by whoever no longer waits.
  private final class Answer: Sendable {
    private let state = Mutex<(outcome: Outcome?, waiter: CheckedContinuation<Outcome, Never>?)>((nil, nil))

    func give(_ outcome: Outcome) {
      let waiter = state.withLock { state -> CheckedContinuation<Outcome, Never>? in
        guard state.outcome == nil else { return nil }
        state.outcome = outcome
        defer { state.waiter = nil }
        return state.waiter
      }
      waiter?.resume(returning: outcome)
    }

    var isGiven: Bool { state.withLock { $0.outcome != nil } }

    func value() async -> Outcome {
      await withCheckedContinuation { waiter in
        let outcome = state.withLock { state -> Outcome? in
          if state.outcome == nil { state.waiter = waiter }
          return state.outcome
        }
        if let outcome { waiter.resume(returning: outcome) }
      }
    }
  }

  private struct Job: Sendable {
    let mail: MailEnvelope
    let answer: Answer
  }

  private struct State {
    var jobs: [Job] = []
    var threads: [OwnedThread] = []
    var isClosed = false
  }

  /// Between the transport and its threads: a transport that is let go of can end them.
  private final class Desk: Sendable {
    let state = Mutex(State())
    let work = DispatchSemaphore(value: 0)

    /// Waits for the next mail; nil: there will be none.
    func next() -> Job? {
      work.wait()
      return state.withLock { state in
        // Each thread that ends lets the next one see it.
        if state.isClosed { return nil }
        return state.jobs.isEmpty ? nil : state.jobs.removeFirst()
      }
    }
  }

  private let desk = Desk()
  private let server: MailServer
  private let limits: MailLimits

  public init(_ server: MailServer, limits: MailLimits = MailLimits()) {
    self.server = server
    self.limits = limits
  }

  deinit { shut() }

  /// Returns once the server has taken the mail over. A failure other than a refusal does not say whether it did; nor does that of a task that was cancelled.
  public func send(_ mail: MailEnvelope) async throws(MailFailure) {
    guard mail.fault == nil else { throw MailFailure(.invalidMail) }
    let answer = Answer()
    if let refusal = enqueue(Job(mail: mail, answer: answer)) { throw refusal }
    desk.work.signal()
    let outcome = await withTaskCancellationHandler { await answer.value() } onCancel: { answer.give(.failure(MailFailure(.cancelled))) }
    try outcome.get()
  }

  /// Why it cannot wait here; nil when it does.
  private func enqueue(_ job: Job) -> MailFailure? {
    desk.state.withLock { state in
      if state.isClosed { return MailFailure(.closed) }
      guard state.jobs.count < limits.waitingMax else { return MailFailure(.overloaded) }
      if state.threads.count < limits.connectionsMax {
        do throws(ThreadFailure) {
          state.threads.append(try OwnedThread.start(name: "mail") { [desk, server, limits] in MailTransport.serve(desk, server, limits) })
        } catch {
          if state.threads.isEmpty { return MailFailure(.other) }
        }
      }
      state.jobs.append(job)
      return nil
    }
  }

  /// Ends all connections. Mails that wait are refused, those under way have their time, which is not waited for.
  public func close() { shut() }

  private func shut() {
    let (jobs, threads) = desk.state.withLock { state in
      defer { (state.isClosed, state.jobs) = (true, []) }
      return (state.jobs, state.threads)
    }
    for job in jobs { job.answer.give(.failure(MailFailure(.closed))) }
    for _ in threads { desk.work.signal() }
  }

  /// The body of a thread.
  private static func serve(_ desk: Desk, _ server: MailServer, _ limits: MailLimits) {
    let connection = MailConnection(server, limits)
    defer { connection?.free() }
    while let job = desk.next() {
      // Nobody waits for it any more: it has not begun, and is not sent.
      if job.answer.isGiven { continue }
      job.answer.give(connection?.send(job.mail) ?? .failure(MailFailure(.other)))
    }
  }
}

/// One connection, on its thread only.
private struct MailConnection {
  private let raw: UnsafeMutableRawPointer
  private let errorText: UnsafeMutablePointer<CChar>

  /// nil: libcurl is out of memory or refuses an option.
  init?(_ server: MailServer, _ limits: MailLimits) {
    guard Library.isReady, let raw = curl_easy_init() else { return nil }
    self.raw = raw
    errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
    errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    let scheme = server.security == .tls ? "smtps" : "smtp"
    var codes = [
      ccurl_set_error_buffer(raw, errorText),
      ccurl_set_text(raw, CURLOPT_URL, "\(scheme)://\(server.host):\(server.port)/\(server.ownName)"),
      ccurl_set_text(raw, CURLOPT_PROTOCOLS_STR, scheme),
      // A proxy named in the environment would see every mail.
      ccurl_set_text(raw, CURLOPT_PROXY, ""),
      ccurl_set_long(raw, CURLOPT_NOSIGNAL, 1),
      ccurl_set_long(raw, CURLOPT_CONNECTTIMEOUT_MS, limits.connectMillisecondsMax),
      ccurl_set_long(raw, CURLOPT_TIMEOUT_MS, limits.totalMillisecondsMax),
      ccurl_set_callbacks(raw, ignored, ignored, nil),
    ]
    if server.security != .none { codes.append(ccurl_set_long(raw, CURLOPT_USE_SSL, ccurl_tls_required)) }
    if let path = server.certificatesPath { codes.append(ccurl_set_text(raw, CURLOPT_CAINFO, path)) }
    if let user = server.user {
      codes += [ccurl_set_text(raw, CURLOPT_USERNAME, user), ccurl_set_text(raw, CURLOPT_PASSWORD, server.password)]
    }
    guard codes.allSatisfy({ $0 == CURLE_OK }) else {
      free()
      return nil
    }
  }

  func free() {
    curl_easy_cleanup(raw)
    errorText.deallocate()
  }

  /// Blocks until the server has answered.
  func send(_ mail: MailEnvelope) -> Result<Void, MailFailure> {
    errorText.pointee = 0
    guard let recipients = curl_slist_append(nil, "<\(mail.to)>") else { return .failure(MailFailure(.other)) }
    defer { curl_slist_free_all(recipients) }
    var reading = MailReading(bytes: mail.message)
    let code = withUnsafeMutablePointer(to: &reading) { reading -> CURLcode in
      let codes = [
        ccurl_set_text(raw, CURLOPT_MAIL_FROM, "<\(mail.from)>"), ccurl_set_recipients(raw, recipients),
        ccurl_set_upload(raw, upload, reading, curl_off_t(mail.message.count)),
      ]
      return codes.first { $0 != CURLE_OK } ?? curl_easy_perform(raw)
    }
    return code == CURLE_OK ? .success(()) : .failure(failure(code))
  }

  /// libcurl's code says what went wrong with the connection, the server's code and the first word of libcurl's text which command it refused.
  private func failure(_ code: CURLcode) -> MailFailure {
    let answer = ccurl_response_code(raw)
    let isRecipient = String(cString: errorText).hasPrefix("RCPT")
    let isSender = String(cString: errorText).hasPrefix("MAIL")
    let isGreeting = String(cString: errorText).hasPrefix("Got unexpected smtp-server response")
    if answer >= 400, answer < 500, code == CURLE_SEND_ERROR || code == CURLE_WEIRD_SERVER_REPLY { return MailFailure(.later, code: answer) }
    if answer >= 500, answer < 600 {
      if isRecipient { return MailFailure(.refusedRecipient, code: answer) }
      // A server that greets with a refusal, or with none of what it could be greeted with, has not heard of any mail yet.
      if isSender || isGreeting { return MailFailure(.refusedSender, code: answer) }
      if code == CURLE_SEND_ERROR || code == CURLE_WEIRD_SERVER_REPLY { return MailFailure(.refusedMessage, code: answer) }
    }
    return MailFailure(MailConnection.kind(code), code: answer)
  }

  private static func kind(_ code: CURLcode) -> MailFailure.Kind {
    switch code {
    case CURLE_COULDNT_RESOLVE_HOST: .unresolved
    case CURLE_COULDNT_CONNECT, CURLE_INTERFACE_FAILED: .unreachable
    case CURLE_OPERATION_TIMEDOUT: .timedOut
    case CURLE_LOGIN_DENIED, CURLE_REMOTE_ACCESS_DENIED: .refusedSender
    case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER, CURLE_SSL_CACERT_BADFILE,
      CURLE_SSL_ISSUER_ERROR, CURLE_USE_SSL_FAILED:
      .insecure
    case CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE, CURLE_SEND_ERROR, CURLE_RECV_ERROR: .disconnected
    default: .other
    }
  }
}

/// What is left of a message.
private struct MailReading {
  let bytes: [UInt8]
  var sent = 0
}

// Global functions, because a closure could inherit an actor's isolation. They run on the connection's thread, inside `curl_easy_perform`, while what the
// context points at is on that thread's stack.

private func upload(_ target: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?) -> Int {
  guard let target, let reading = context?.assumingMemoryBound(to: MailReading.self) else { return 0 }
  let rest = min(size * count, reading.pointee.bytes.count - reading.pointee.sent)
  guard rest > 0 else { return 0 }
  let start = reading.pointee.sent
  UnsafeMutableRawBufferPointer(start: target, count: rest).copyBytes(from: reading.pointee.bytes[start..<start + rest])
  reading.pointee.sent += rest
  return rest
}

private func ignored(_ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?) -> Int { size * count }
