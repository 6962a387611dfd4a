// The pure state of one request to another server: header lines in, body pieces in, one outcome.

/// What has arrived of one response. `Waiter` is whatever resumes a task that waits for more.
struct TransferMachine<Waiter: Sendable>: Sendable {
  enum Taking: Sendable, Equatable { case kept, pause, abort }

  /// What a reader of a streamed body gets.
  enum Reading: Sendable, Equatable {
    /// `goesOn`: the transfer was paused and there is room again.
    case piece([UInt8], goesOn: Bool)
    case end
    case failed(HTTPClientFailure)
    /// Nothing there: wait.
    case none
  }

  struct Head: Sendable, Equatable {
    var status: HTTPStatus
    var headers: HTTPHeaders
  }

  private let isStreamed: Bool
  private let limits: HTTPClientLimits
  private var status: HTTPStatus?
  private var headers = HTTPHeaders()
  private var headerBytes = 0
  private var body: [UInt8] = []
  private var isPaused = false
  private var waiter: Waiter?
  /// Response headers are complete.
  private(set) var head: Head?
  /// nil while under way.
  private(set) var outcome: Result<Void, HTTPClientFailure>?
  /// What made us abort; the library only knows that we did.
  private(set) var fault: HTTPClientFailure?

  init(isStreamed: Bool, limits: HTTPClientLimits) {
    self.isStreamed = isStreamed
    self.limits = limits
  }

  // MARK: from the network

  /// One header line, its line end included. A status line begins anew (after 100 Continue).
  mutating func header(_ line: some Collection<UInt8>) -> (Taking, Waiter?) {
    if outcome != nil { return (.abort, nil) }
    headerBytes += line.count
    guard headerBytes <= limits.headerBytesMax else {
      return abort(.responseTooLarge, "the response's headers have more than \(limits.headerBytesMax) bytes")
    }
    let bytes = Array(line.prefix { $0 != 0x0D && $0 != 0x0A })
    if bytes.starts(with: Array("HTTP/".utf8)) {
      let code = bytes.split(separator: 0x20, maxSplits: 2).dropFirst().first ?? []
      guard let number = HTTPText.number(code), (100...999).contains(number) else {
        return abort(.malformedResponse, "the response has no status")
      }
      status = HTTPStatus(rawValue: number)
      headers = HTTPHeaders()
      return (.kept, nil)
    }
    if bytes.isEmpty {
      // Trailers also end with an empty line; the head stays what it was.
      guard head == nil, let status, status.rawValue >= 200 else { return (.kept, nil) }
      head = Head(status: status, headers: headers)
      return (.kept, isStreamed ? take() : nil)
    }
    if head == nil, let colon = bytes.firstIndex(of: 0x3A) {
      headers.add(
        String(decoding: bytes[..<colon], as: UTF8.self), String(decoding: HTTPText.trimmed(bytes[(colon + 1)...]), as: UTF8.self))
    }
    return (.kept, nil)
  }

  mutating func piece(_ bytes: UnsafeRawBufferPointer) -> (Taking, Waiter?) {
    if outcome != nil { return (.abort, nil) }
    if isStreamed {
      // A piece larger than the whole buffer must pass an empty one, or it would never pass.
      guard body.isEmpty || body.count + bytes.count <= limits.streamBufferBytesMax else {
        isPaused = true
        return (.pause, nil)
      }
      body.append(contentsOf: bytes)
      return (.kept, take())
    }
    guard body.count + bytes.count <= limits.responseBytesMax else {
      return abort(.responseTooLarge, "the response has more than \(limits.responseBytesMax) bytes")
    }
    body.append(contentsOf: bytes)
    return (.kept, nil)
  }

  /// The transfer is over. The first outcome counts.
  mutating func finish(_ outcome: Result<Void, HTTPClientFailure>) -> Waiter? {
    guard self.outcome == nil else { return nil }
    self.outcome = fault.map { .failure($0) } ?? outcome
    return take()
  }

  // MARK: to the caller

  /// The whole response, once there; nil while it is not.
  mutating func response() -> Result<ClientResponse, HTTPClientFailure>? {
    switch outcome {
    case nil: return nil
    case .failure(let failure): return .failure(failure)
    case .success:
      guard let head else { return .failure(HTTPClientFailure(.malformedResponse, "the response has no headers")) }
      defer { body = [] }
      return .success(ClientResponse(status: head.status, headers: head.headers, body: body))
    }
  }

  /// Status and headers, once there.
  var start: Result<Head, HTTPClientFailure>? {
    if let head { return .success(head) }
    switch outcome {
    case nil: return nil
    case .failure(let failure): return .failure(failure)
    case .success: return .failure(HTTPClientFailure(.malformedResponse, "the response has no headers"))
    }
  }

  mutating func read() -> Reading {
    if !body.isEmpty {
      defer {
        body = []
        isPaused = false
      }
      return .piece(body, goesOn: isPaused)
    }
    switch outcome {
    case nil: return .none
    case .success: return .end
    case .failure(let failure): return .failed(failure)
    }
  }

  /// Keeps who waits; false when there is something already, or somebody waits.
  mutating func wait(_ waiter: Waiter, forHead: Bool) -> Bool {
    guard outcome == nil, self.waiter == nil, forHead ? head == nil : body.isEmpty else { return false }
    self.waiter = waiter
    return true
  }

  private mutating func take() -> Waiter? {
    defer { waiter = nil }
    return waiter
  }

  private mutating func abort(_ kind: HTTPClientFailure.Kind, _ text: String) -> (Taking, Waiter?) {
    fault = HTTPClientFailure(kind, text)
    return (.abort, nil)
  }
}
