// The pure state of one request and its response on the server. Every effect is the caller's.

/// What is to be sent: the response, its stream when the body is written bit by bit, and whether the connection closes after it.
struct Reply: Sendable {
  var response: Response
  var channel: StreamChannel?
  var closes = false
}

/// From the request line to the end of the response. Only the server's thread moves it, except for ``answer(_:)``.
struct ExchangeMachine {
  /// Of a body that is too long, as many bytes are read and dropped so that a refusal can be told; then the connection is cut.
  static let discardBytesMax = 1 << 20

  enum Phase {
    case head
    case body
    case discarding(Problem, bytes: Int)
    /// Complete; the server's thread is choosing who answers.
    case complete
    /// The connection is suspended and waits for ``answer(_:)``.
    case handling
    case answered(Reply)
    case replying
    case done
  }

  /// What is to be done with a piece of the body.
  enum Taking: Equatable { case kept, dropped, cut }

  /// What follows when libmicrohttpd asks for a response.
  enum Step {
    case handle([UInt8])
    case send(Reply)
    /// The request was dropped; the connection closes after the answer.
    case refuse(Problem)
    /// Nothing can be sent any more.
    case cut
  }

  private(set) var phase = Phase.head
  private(set) var status: HTTPStatus?
  /// Set once the peer was seen to be gone; its metrics then say so.
  private(set) var isPeerGone = false
  private(set) var channel: StreamChannel?
  private var bodyBytesMax = 0
  private var body: [UInt8] = []
  /// The handler's task, from its start to the end of the exchange.
  private var task: Task<Void, Never>?

  var isHead: Bool { if case .head = phase { true } else { false } }

  /// Headers are accepted; a body of at most `bodyBytesMax` may follow.
  mutating func accept(bodyBytesMax: Int, expecting length: Int) {
    phase = .body
    self.bodyBytesMax = bodyBytesMax
    // Never what the client announces alone: memory follows what has arrived.
    body.reserveCapacity(min(length, bodyBytesMax, 64 << 10))
  }

  /// One piece of the body. `fits` says whether the server as a whole has room for it.
  mutating func take(_ piece: UnsafeRawBufferPointer, fits: Bool) -> Taking {
    switch phase {
    case .body:
      if body.count + piece.count > bodyBytesMax {
        discard(Problem(.contentTooLarge, detail: "the body may have \(bodyBytesMax) bytes"), piece.count)
        return .dropped
      }
      guard fits else {
        discard(Problem(.serviceUnavailable, detail: "too many requests at once", headers: ["Retry-After": "1"]), piece.count)
        return .dropped
      }
      body.append(contentsOf: piece)
      return .kept
    case .discarding(let problem, let bytes):
      guard bytes + piece.count <= ExchangeMachine.discardBytesMax else { return .cut }
      phase = .discarding(problem, bytes: bytes + piece.count)
      return .dropped
    case .head, .complete, .handling, .answered, .replying, .done:
      return .cut
    }
  }

  private mutating func discard(_ problem: Problem, _ bytes: Int) {
    phase = .discarding(problem, bytes: bytes)
    body = []
  }

  /// The request is complete, or a suspended connection was resumed.
  mutating func next() -> Step {
    switch phase {
    case .body:
      phase = .complete
      defer { body = [] }
      return .handle(body)
    case .discarding(let problem, _):
      return .refuse(problem)
    case .answered(let reply):
      sending(reply)
      return .send(reply)
    case .head, .complete, .handling, .replying, .done:
      return .cut
    }
  }

  /// A response that needs no handler: a refusal, or one computed on the spot.
  mutating func sending(_ reply: Reply) {
    phase = .replying
    status = reply.response.status
  }

  /// A handler is to answer. The caller suspends the connection before it lets go of the lock: from then on an answer may come.
  mutating func suspended() { phase = .handling }

  /// The first answer counts: a handler's, or that of a deadline or stop. True when the connection is to be resumed.
  mutating func answer(_ reply: Reply) -> Bool {
    guard case .handling = phase else { return false }
    phase = .answered(reply)
    channel = reply.channel
    return true
  }

  /// Keeps the handler's task so that it can be cancelled; false when it is too late for that.
  mutating func keep(_ task: Task<Void, Never>) -> Bool {
    if case .done = phase { return false }
    self.task = task
    return true
  }

  mutating func peerGone() -> (Task<Void, Never>?, StreamChannel?) {
    isPeerGone = true
    return (task, channel)
  }

  var running: (Task<Void, Never>?, StreamChannel?) { (task, channel) }

  /// libmicrohttpd is done with the request, well or not. What still runs for it is returned, to be ended.
  mutating func complete() -> (Task<Void, Never>?, StreamChannel?) {
    defer {
      phase = .done
      task = nil
      channel = nil
      body = []
    }
    if case .handling = phase { isPeerGone = true }
    return (task, channel)
  }
}
