// One request and its response: joins libmicrohttpd's callbacks, all on the server's thread, with the handler's task.

import CMicroHTTPD
import Synchronization
import Telemetry

/// Exists from the request line to libmicrohttpd's completion, which releases it; a running handler holds it too.
final class Exchange: Sendable {
  private struct Facts {
    var method = HTTPMethod(rawValue: "")
    var route: String?
    var head: RequestHead?
    var finding = Router.Finding.nothing
    var bodyBytes = 0
    var beatAt: Int64 = 0
    var beatBytes = -1
  }

  let connection: ConnectionHandle
  private let core: ServerCore
  private let record: ConnectionRecord
  private let target: String
  private let startedAt = SystemTime.monotonicNanoseconds()
  private let machine = Mutex(ExchangeMachine())
  private let facts = Mutex(Facts())

  init(_ connection: ConnectionHandle, _ core: ServerCore, _ record: ConnectionRecord, target: String) {
    self.connection = connection
    self.core = core
    self.record = record
    self.target = target
  }

  var isHead: Bool { machine.withLock { $0.isHead } }

  // MARK: on the server's thread, called by libmicrohttpd

  /// Request line and headers are there. Refuses now what can be refused without the body.
  func headers(method: String, version: String, _ headers: HTTPHeaders) -> Bool {
    let isWelcome = core.registry.enter(self)
    facts.withLock { $0.method = HTTPMethod(rawValue: method) }
    do throws(Problem) {
      guard isWelcome else { throw ServerCore.stopping }
      let head = try RequestHead(
        method: method, target: target, version: version, headers: headers, headerBytesMax: core.limits.headerBytesMax)
      let finding = core.router.find(head.method, head.target.segments)
      facts.withLock {
        $0.head = head
        $0.finding = finding
        if case .route(let route, _) = finding { $0.route = route.pattern }
      }
      let (bytesMax, millisecondsMax) = try core.bodyLimits(finding, head)
      let length = if case .length(let length) = head.body { length } else { 0 }
      guard length <= bytesMax else { throw Problem(.contentTooLarge, detail: "the body may have \(bytesMax) bytes") }
      machine.withLock { $0.accept(bodyBytesMax: bytesMax, expecting: length) }
      record.enter(.body(limitMilliseconds: millisecondsMax), self)
      return true
    } catch {
      return refuse(error)
    }
  }

  /// False cuts the connection.
  func take(_ piece: UnsafeRawBufferPointer) -> Bool {
    let fits = core.registry.reserve(piece.count)
    let taking = machine.withLock { $0.take(piece, fits: fits) }
    if taking == .kept {
      facts.withLock { $0.bodyBytes += piece.count }
    } else if fits {
      core.registry.release(piece.count)
    }
    return taking != .cut
  }

  /// The request is complete, or the connection was resumed because there is an answer.
  func proceed() -> Bool {
    switch machine.withLock({ $0.next() }) {
    case .handle(let body): handle(body)
    case .send(let reply): send(reply)
    case .refuse(let problem): refuse(problem)
    case .cut: false
    }
  }

  func completed() {
    let libraryStatus = Int(cmhd_status(connection.raw))
    let (machine, task, channel) = machine.withLock { machine in
      let (task, channel) = machine.complete()
      return (machine, task, channel)
    }
    // Both do nothing when handler and body have ended well.
    channel?.fail(.clientGone)
    task?.cancel()
    core.registry.leave(self)
    record.enter(.waiting, nil)
    let facts = facts.withLock { $0 }
    core.registry.release(facts.bodyBytes)
    // Without a status nothing was sent; with the library's own the request never got as far as to us.
    let status = machine.isPeerGone ? HTTPStatus.clientClosedRequest.rawValue : machine.status?.rawValue ?? libraryStatus
    guard status != 0 else { return }
    core.observe(facts.method, facts.route, status, SystemTime.monotonicNanoseconds() - startedAt)
  }

  // MARK: the handler

  private func handle(_ body: [UInt8]) -> Bool {
    let facts = facts.withLock { $0 }
    guard let head = facts.head else { return false }
    let request = Request(head.method, target, head.target, headers: head.headers, body: body, peer: record.peer)
    let (prepared, action) = core.router.prepared(request, facts.finding)
    switch action {
    case .immediate(let answer):
      let reply = Reply(response: core.sendable(answer(prepared), prepared))
      machine.withLock { $0.sending(reply) }
      return send(reply)
    case .handler(let handler):
      record.enter(.handling(limitMilliseconds: core.handlerLimit(facts.finding)), self)
      machine.withLock {
        // Inside the lock, so that no answer can resume the connection before it is suspended. The call takes only the library's own
        // lock, under which it never calls us.
        connection.suspend()
        $0.suspended()
      }
      start(handler, prepared)
      // A stop that came between: it has looked at this request too early to answer it.
      if core.registry.isClosed { _ = abandon() }
      return true
    }
  }

  /// A task of its own, not a child: the callback that starts it belongs to a C library. It ends at the latest when its exchange is
  /// complete or the server stops, both of which cancel it.
  private func start(_ handler: @escaping RequestHandler, _ request: Request) {
    let task = Task { [self] in
      let response: Response
      do {
        response = core.sendable(try await handler(request), request)
      } catch {
        response = core.response(to: error, request)
      }
      await deliver(response, request)
    }
    if !machine.withLock({ $0.keep(task) }) { task.cancel() }
  }

  private func deliver(_ response: Response, _ request: Request) async {
    switch response.body {
    case .bytes:
      _ = answer(Reply(response: response))
    case .stream(let write):
      await stream(response, request, StreamChannel(.body, connection)) { try await write(BodyStream($0)) }
    case .events(let write):
      await stream(response, request, StreamChannel(.events, connection)) { try await write(EventStream($0)) }
    }
  }

  private func stream(
    _ response: Response, _ request: Request, _ channel: StreamChannel, _ write: (StreamChannel) async throws -> Void
  ) async {
    // The answer to HEAD has no body: its writer does not run.
    let isWritten = request.method != .head
    guard answer(Reply(response: response, channel: isWritten ? channel : nil)), isWritten else { return }
    if channel.kind == .events, core.registry.isDraining { channel.stop() }
    do {
      try await write(channel)
      channel.finish()
    } catch {
      channel.giveUp(.closed)
      core.streamFailed(error, request)
    }
  }

  /// From any thread; the first answer counts.
  private func answer(_ reply: Reply) -> Bool {
    guard machine.withLock({ $0.answer(reply) }) else { return false }
    record.advance(reply.channel == nil ? .replying : .streaming, of: self)
    connection.resume()
    return true
  }

  /// What is said in place of a handler. From any thread.
  private func refusal(_ problem: Problem) -> Reply {
    let facts = facts.withLock { $0 }
    let request = facts.head.map { head in
      core.router.prepared(Request(head.method, target, head.target, headers: head.headers, body: [], peer: record.peer), facts.finding).0
    }
    return Reply(response: core.refusal(problem, request), closes: true)
  }

  // MARK: interventions, from the thread that sweeps and stops

  func peerGone() {
    let (task, channel) = machine.withLock { $0.peerGone() }
    channel?.fail(.clientGone)
    task?.cancel()
  }

  /// Answered first, cancelled then: a handler that turns its cancellation into a success must not win.
  func tookTooLong() {
    guard answer(refusal(ServerCore.tooLong)) else { return }
    machine.withLock { $0.running.0 }?.cancel()
    core.tookTooLong(facts.withLock { $0.route })
  }

  func heartbeat(_ now: Int64, _ limits: HTTPServerLimits) {
    guard let channel = machine.withLock({ $0.channel }), channel.kind == .events else { return }
    let sent = channel.bytesSent
    let isDue = facts.withLock { facts -> Bool in
      if facts.beatBytes != sent {
        facts.beatBytes = sent
        facts.beatAt = now
        return false
      }
      guard now - facts.beatAt >= Int64(limits.heartbeatMillisecondsMax) * 1_000_000 else { return false }
      facts.beatAt = now
      return true
    }
    if isDue { channel.heartbeat() }
  }

  /// Event streams have no end of their own; the others are given time.
  func stopEvents() {
    let (task, channel) = machine.withLock { $0.running }
    guard let channel, channel.kind == .events else { return }
    channel.stop()
    task?.cancel()
  }

  /// The stop's last step; true when a handler or stream had to be given up.
  func abandon() -> Bool {
    let answered = answer(refusal(ServerCore.stopping))
    let (task, channel) = machine.withLock { $0.running }
    channel?.fail(.serverStopping)
    task?.cancel()
    return answered || channel != nil
  }

  // MARK: sending, on the server's thread

  private func refuse(_ problem: Problem) -> Bool {
    let reply = refusal(problem)
    machine.withLock { $0.sending(reply) }
    return send(reply)
  }

  private func send(_ reply: Reply) -> Bool {
    record.enter(reply.channel == nil ? .replying : .streaming, self)
    let isHead = facts.withLock { $0.method } == .head
    var reply = reply
    reply.closes = reply.closes || core.registry.isDraining
    let isQueued = ResponseWriter.queue(reply, isHead: isHead, on: connection.raw)
    if !isQueued { core.couldNotSend(facts.withLock { $0.route }) }
    return isQueued
  }
}
