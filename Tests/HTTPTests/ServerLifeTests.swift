// Time and endings: deadlines, clients that leave, handlers that fail or hang, and the stop.
import HTTP
import Lifecycle
import Synchronization
import Telemetry
import Testing

private struct Unforeseen: Error, CustomStringConvertible {
  var description: String { "the secret cause" }
}

@Suite(.timeLimit(.minutes(1)))
struct ServerLifeTests {
  private let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

  private func single(_ handler: @escaping RequestHandler) -> Router {
    var router = Router()
    router.get("/", handler: handler)
    return router
  }

  // MARK: deadlines

  @Test func headersThatDripAreCutAtTheirDeadline() async throws {
    var limits = HTTPServerLimits.quick
    limits.headerMillisecondsMax = 200
    try await withServer(single { _ in .text("late") }, limits: limits) { port, _, _ in
      let socket = try RawSocket(port: port)
      // Each byte is activity, so only a deadline for the whole can end this.
      let letters = Array("GET / HTTP/1.1\r\nX-Padding: ".utf8) + [UInt8](repeating: 120, count: 5_000)
      let started = ContinuousClock.now
      var sent = 0
      for letter in letters {
        if try await socket.sendAll([letter]) == 0 { break }
        sent += 1
      }
      #expect(sent < letters.count || ContinuousClock.now - started < .milliseconds(200))
      #expect(try await socket.rest() == [])
    }
  }

  @Test func anIdleConnectionIsClosedAtTheHeaderDeadline() async throws {
    var limits = HTTPServerLimits.quick
    limits.headerMillisecondsMax = 100
    try await withServer(single { _ in .text("ok") }, limits: limits) { port, _, _ in
      let socket = try RawSocket(port: port)
      try socket.send(get)
      #expect(try await socket.response().status == 200)
      #expect(try await socket.receive() == [])
    }
  }

  @Test func aBodyThatStallsIsCutAtItsDeadline() async throws {
    var limits = HTTPServerLimits.quick
    limits.bodyMillisecondsMax = 100
    var router = Router()
    router.post("/") { _ in .text("never") }
    try await withServer(router, limits: limits) { port, _, _ in
      let socket = try RawSocket(port: port)
      try socket.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n123")
      #expect(try await socket.rest() == [])
    }
  }

  @Test func aHandlerThatTakesTooLongIsCancelledAndAnsweredFor() async throws {
    let cancelled = Event()
    var router = Router()
    router.get("/", limits: RouteLimits(handlerMillisecondsMax: 50)) { _ in
      do { try await untilCancelled() } catch { cancelled.happened() }
      // A handler that makes a success of its cancellation must not win.
      return .text("done")
    }
    let statuses = Mutex<[Int]>([])
    try await withServer(router, limits: .quick, observer: { _, _, status, _ in statuses.withLock { $0.append(status) } }) { port, _, _ in
      let socket = try RawSocket(port: port)
      try socket.send(get)
      let response = try await socket.response()
      #expect(response.status == 503)
      #expect(response["Retry-After"] == "1")
      await cancelled.wait()
    }
    #expect(statuses.withLock { $0 } == [503])
  }

  // MARK: clients that leave

  @Test(arguments: [false, true]) func aClientThatLeavesCancelsItsHandler(byReset: Bool) async throws {
    let entered = Event()
    let cancelled = Event()
    let statuses = Mutex<[Int]>([])
    let observed = Event()
    let router = single { _ in
      entered.happened()
      do { try await untilCancelled() } catch { cancelled.happened() }
      throw CancellationError()
    }
    try await withServer(
      router,
      observer: { _, _, status, _ in
        statuses.withLock { $0.append(status) }
        observed.happened()
      }
    ) { port, _, _ in
      let socket = try RawSocket(port: port)
      try socket.send(get)
      await entered.wait()
      if byReset { socket.reset() } else { socket.close() }
      await cancelled.wait()
      await observed.wait()
    }
    #expect(statuses.withLock { $0 } == [499])
  }

  @Test func aClientThatLeavesAmidABodyLeavesNothingBehind() async throws {
    let observed = Event()
    var router = Router()
    router.post("/") { .text("\($0.body.count)") }
    try await withServer(router) { port, server, _ in
      for _ in 0..<20 {
        let socket = try RawSocket(port: port)
        try socket.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + String(repeating: "x", count: 50_000))
        socket.reset()
      }
      let socket = try RawSocket(port: port)
      while server.counts.requests > 0 || server.counts.connections > 1 {
        try socket.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n.")
        #expect(try await socket.response().status == 200)
      }
      observed.happened()
    }
    #expect(observed.count == 1)
  }

  @Test func aClientThatLeavesAmidAStreamStopsItsWriter() async throws {
    let failure = Mutex<StreamFailure?>(nil)
    let ended = Event()
    let router = single { _ in
      .stream(contentType: "text/plain") { body in
        defer { ended.happened() }
        do throws(StreamFailure) {
          while true { try await body.write([UInt8](repeating: 120, count: 4_096)) }
        } catch {
          failure.withLock { $0 = error }
          throw error
        }
      }
    }
    try await withServer(router) { port, server, _ in
      let socket = try RawSocket(port: port)
      try socket.send(get)
      #expect(try await socket.head().status == 200)
      _ = try await socket.chunk()
      socket.reset()
      await ended.wait()
    }
    #expect(failure.withLock { $0 } == .clientGone || failure.withLock { $0 } == .cancelled)
  }

  @Test func aClientThatLeavesAQuietEventStreamIsNoticed() async throws {
    let ended = Event()
    let router = single { _ in
      .events { events in
        defer { ended.happened() }
        try await events.send("first")
        try await untilCancelled()
      }
    }
    // Only the sweep may notice it, not a comment that cannot be sent.
    var limits = HTTPServerLimits.quick
    limits.heartbeatMillisecondsMax = 3_600_000
    try await withServer(router, limits: limits) { port, _, _ in
      let socket = try RawSocket(port: port)
      try socket.send(get)
      #expect(try await socket.head()["Content-Type"] == "text/event-stream")
      #expect(try await socket.chunk() == Array("data: first\n\n".utf8))
      socket.close()
      await ended.wait()
    }
  }

  @Test func aSlowReaderHoldsItsWriterBackAndLosesNothing() async throws {
    let written = Mutex(0)
    let finished = Event()
    let total = 8 << 20
    let router = single { _ in
      .stream(contentType: "application/octet-stream") { body in
        var next: UInt8 = 0
        for _ in 0..<(total / 4_096) {
          try await body.write([UInt8](repeating: next, count: 4_096))
          next &+= 1
          written.withLock { $0 += 4_096 }
        }
        finished.happened()
      }
    }
    try await withServer(router) { port, _, _ in
      let socket = try RawSocket(port: port, receiveBytes: 16 << 10)
      try socket.send(get)
      var received: [UInt8] = try await { () async throws -> [UInt8] in
        _ = try await socket.head()
        return try await socket.chunk()
      }()
      // What is written and not received lies in the kernel's buffers and in ours: far less than the whole.
      #expect(written.withLock { $0 } < total)
      #expect(finished.count == 0)
      while true {
        let chunk = try await socket.chunk()
        if chunk.isEmpty { break }
        received += chunk
      }
      #expect(received.count == total)
      let isInOrder = received.withUnsafeBufferPointer { bytes in
        stride(from: 0, to: total, by: 1_024).allSatisfy { bytes[$0] == UInt8(truncatingIfNeeded: $0 / 4_096) }
      }
      #expect(isInOrder)
    }
  }

  @Test func aReaderThatNeverReadsLosesItsConnection() async throws {
    var limits = HTTPServerLimits.quick
    limits.idleSecondsMax = 1
    let ended = Event()
    let router = single { _ in
      .stream(contentType: "text/plain") { body in
        defer { ended.happened() }
        while true { try await body.write([UInt8](repeating: 120, count: 64 << 10)) }
      }
    }
    try await withServer(router, limits: limits) { port, _, _ in
      let socket = try RawSocket(port: port, receiveBytes: 4_096)
      try socket.send(get)
      await ended.wait()
    }
  }

  // MARK: handlers that fail

  @Test func aForeignErrorIsTold500AndNothingMore() async throws {
    let lines = LogCollector()
    let router = single { _ in throw Unforeseen() }
    try await withServer(router, logger: Logger(service: "test", sink: lines)) { port, _, _ in
      let socket = try RawSocket(port: port)
      try socket.send(get)
      let response = try await socket.response()
      #expect(response.status == 500)
      #expect(response.text == #"{"type":"about:blank","title":"Internal Server Error","status":500}"#)
    }
    let line = lines.records.first { $0.message == "a request failed" }
    #expect(line?.fields[.error] == .string("the secret cause"))
    #expect(line?.level == .error)
  }

  @Test func aProblemIsToldAsItIs() async throws {
    let router = single { _ in
      throw Problem.invalid([.init(field: "items/0/amount", rule: "range", detail: "must be \"0\" or more")], detail: "1 fault")
    }
    try await withServer(router) { port, _, _ in
      let socket = try RawSocket(port: port)
      try socket.send(get)
      let response = try await socket.response()
      #expect(response.status == 422)
      #expect(response["Content-Type"] == "application/problem+json")
      let expected =
        #"{"type":"about:blank","title":"Unprocessable Content","status":422,"detail":"1 fault","#
        + #""errors":[{"field":"items/0/amount","rule":"range","detail":"must be \"0\" or more"}]}"#
      #expect(response.text == expected)
    }
  }

  @Test func aResponseWithALineBreakInAHeaderIsNotSent() async throws {
    let router = single { _ in Response(.ok, headers: ["X-Name": "a\r\nSet-Cookie: b=c"]) }
    try await withServer(router) { port, _, _ in
      let socket = try RawSocket(port: port)
      try socket.send(get)
      let response = try await socket.response()
      #expect(response.status == 500)
      #expect(response["Set-Cookie"] == nil)
    }
  }

  @Test func headersOfAResponseHaveALimitThatTheLongestRequestLeavesRoomFor() async throws {
    let router = single { request in
      Response(.ok, headers: ["X": String(repeating: "y", count: Int(request.query["n"] ?? "") ?? 0)])
    }
    try await withServer(router) { port, _, _ in
      let socket = try RawSocket(port: port)
      for (requestBytes, responseBytes, status) in [(0, 8_187, 200), (16_300, 8_187, 200), (16_384, 0, 431), (31_000, 0, 431)] {
        let padding = String(repeating: "x", count: requestBytes)
        let socket = status == 200 ? socket : try RawSocket(port: port)
        try socket.send("GET /?n=\(responseBytes) HTTP/1.1\r\nHost: a\r\nX: \(padding)\r\n\r\n")
        #expect(try await socket.response().status == status)
      }
      try socket.send("GET /?n=8188 HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(try await socket.response().status == 500)
    }
  }

  @Test func anEmptyHeaderIsLeftOut() async throws {
    let router = single { _ in Response(.ok, headers: ["X-Empty": "", "X-Tab": "a\tb"]) }
    try await withServer(router) { port, _, _ in
      let socket = try RawSocket(port: port)
      try socket.send(get)
      let response = try await socket.response()
      #expect(response["X-Empty"] == nil)
      #expect(response["X-Tab"] == "a\tb")
    }
  }

  @Test func framingHeadersOfAHandlerAreLeftOut() async throws {
    let router = single { _ in
      Response(.ok, headers: ["Content-Length": "1", "transfer-encoding": "chunked", "X-Kept": "yes"], body: Array("four".utf8))
    }
    try await withServer(router) { port, _, _ in
      let socket = try RawSocket(port: port)
      try socket.send(get)
      let response = try await socket.response()
      #expect(response["Content-Length"] == "4")
      #expect(response["X-Kept"] == "yes")
      #expect(response.text == "four")
    }
  }

  @Test func aStreamThatFailsIsCutWithoutItsEnd() async throws {
    let router = single { _ in
      .stream(contentType: "text/plain") { body in
        try await body.write("half")
        throw Unforeseen()
      }
    }
    try await withServer(router) { port, _, _ in
      let socket = try RawSocket(port: port)
      try socket.send(get)
      let all = String(decoding: try await socket.rest(), as: UTF8.self)
      #expect(all.hasPrefix("HTTP/1.1 200 "))
      #expect(!all.hasSuffix("0\r\n\r\n"))
    }
  }

  @Test func aQuietEventStreamGetsComments() async throws {
    var limits = HTTPServerLimits.quick
    limits.heartbeatMillisecondsMax = 50
    let router = single { _ in
      .events { events in
        try await events.send("one\ntwo", event: "note", id: "7")
        try await untilCancelled()
      }
    }
    try await withServer(router, limits: limits) { port, _, _ in
      let socket = try RawSocket(port: port)
      try socket.send(get)
      _ = try await socket.head()
      #expect(try await socket.chunk() == Array("event: note\nid: 7\ndata: one\ndata: two\n\n".utf8))
      #expect(try await socket.chunk() == Array(":\n\n".utf8))
      #expect(try await socket.chunk() == Array(":\n\n".utf8))
    }
  }

  // MARK: the stop

  @Test func aStopLetsRequestsInHandFinish() async throws {
    let entered = Event()
    let open = Event()
    let router = single { _ in
      entered.happened()
      await open.wait()
      return .text("finished")
    }
    let responses = try await withServer(router) { port, _, stop in
      let sockets = try (0..<20).map { _ in try RawSocket(port: port) }
      for socket in sockets { try socket.send(get) }
      await entered.wait(times: 20)
      stop.stop()
      // Refused at once, while the others still run.
      while let late = try? RawSocket(port: port) { late.close() }
      open.happened()
      var responses: [RawResponse] = []
      for socket in sockets { responses.append(try await socket.response()) }
      return responses
    }
    #expect(responses.count { $0.status == 200 && $0.text == "finished" && $0["Connection"]?.lowercased() == "close" } == 20)
  }

  @Test func aRequestDuringTheStopIsRefusedWith503() async throws {
    let entered = Event()
    let open = Event()
    let router = single { request in
      entered.happened()
      await open.wait()
      return .text("finished")
    }
    try await withServer(router) { port, _, stop in
      let idle = try RawSocket(port: port)
      let busy = try RawSocket(port: port)
      try idle.send("GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(try await idle.response().status == 404)
      try busy.send(get)
      await entered.wait()
      stop.stop()
      while let late = try? RawSocket(port: port) { late.close() }
      try idle.send(get)
      let refused = try await idle.response()
      #expect(refused.status == 503)
      #expect(refused["Connection"]?.lowercased() == "close")
      open.happened()
      #expect(try await busy.response().status == 200)
    }
  }

  @Test func pastTheStopLimitAllGet503EvenFromHandlersThatIgnoreCancellation() async throws {
    var limits = HTTPServerLimits.quick
    limits.stopMillisecondsMax = 100
    let entered = Event()
    let open = Event()
    let lines = LogCollector()
    let router = single { _ in
      entered.happened()
      await open.wait()
      return .text("too late")
    }
    let responses = try await withServer(router, limits: limits, logger: Logger(service: "test", sink: lines)) { port, _, stop in
      let sockets = try (0..<20).map { _ in try RawSocket(port: port) }
      for socket in sockets { try socket.send(get) }
      await entered.wait(times: 20)
      stop.stop()
      var responses: [RawResponse] = []
      for socket in sockets { responses.append(try await socket.response()) }
      return responses
    }
    open.happened()
    #expect(responses.count { $0.status == 503 } == 20)
    #expect(lines.records.last?.message == "stopped with requests unfinished")
    #expect(lines.records.last?.fields[.count] == .int(20))
  }

  @Test func aStopEndsEventStreamsProperlyAndAtOnce() async throws {
    let started = Event()
    let router = single { _ in
      .events { events in
        try await events.send("hello")
        started.happened()
        try await untilCancelled()
      }
    }
    // Were they waited for, this test would meet its time limit.
    var limits = HTTPServerLimits.quick
    limits.stopMillisecondsMax = 3_600_000
    try await withServer(router, limits: limits) { port, _, stop in
      let sockets = try (0..<30).map { _ in try RawSocket(port: port) }
      for socket in sockets { try socket.send(get) }
      await started.wait(times: 30)
      stop.stop()
      for socket in sockets { #expect(try await socket.response().text == "data: hello\n\n") }
    }
  }

  @Test func aStreamInHandIsCutAtTheStopLimit() async throws {
    var limits = HTTPServerLimits.quick
    limits.stopMillisecondsMax = 50
    let ended = Event()
    let router = single { _ in
      .stream(contentType: "text/plain") { body in
        defer { ended.happened() }
        try await body.write("part")
        try await untilCancelled()
      }
    }
    try await withServer(router, limits: limits) { port, _, stop in
      let socket = try RawSocket(port: port)
      try socket.send(get)
      _ = try await socket.head()
      #expect(try await socket.chunk() == Array("part".utf8))
      stop.stop()
      #expect(try await socket.rest() == [])
      await ended.wait()
    }
  }

  @Test func idleConnectionsDoNotDelayAStop() async throws {
    // Were they waited for, this test would meet its time limit.
    var limits = HTTPServerLimits.quick
    limits.stopMillisecondsMax = 3_600_000
    try await withServer(single { _ in .text("ok") }, limits: limits) { port, _, stop in
      let sockets = try (0..<10).map { _ in try RawSocket(port: port) }
      for socket in sockets {
        try socket.send(get)
        #expect(try await socket.response().status == 200)
      }
      stop.stop()
      for socket in sockets { #expect(try await socket.rest() == []) }
    }
  }

  @Test func aCancelledRunEndsWithoutWaitingForRequests() async throws {
    let entered = Event()
    let open = Event()
    let router = single { _ in
      entered.happened()
      await open.wait()
      return .text("")
    }
    let server = HTTPServer(settings: HTTPServerSettings(port: 0, limits: .quick), router: router, logger: .silent)
    let running = Task { try await server.run(StopSignal()) }
    let socket = try RawSocket(port: try await server.boundPort)
    try socket.send(get)
    await entered.wait()
    running.cancel()
    #expect(try await socket.response().status == 503)
    try await running.value
    open.happened()
  }

  @Test func aServerRunsOnce() async throws {
    let server = HTTPServer(settings: HTTPServerSettings(port: 0), router: Router(), logger: .silent)
    let stop = StopSignal()
    stop.stop()
    try await server.run(stop)
    let failure = await #expect(throws: HTTPServerFailure.self) { try await server.run(stop) }
    #expect(failure?.kind == .alreadyRun)
    await #expect(throws: HTTPServerFailure.self) { try await server.boundPort }
  }

  @Test func whoeverAsksForThePortOfAServerThatNeverRunsCanGiveUp() async throws {
    let server = HTTPServer(settings: HTTPServerSettings(port: 0), router: Router(), logger: .silent)
    let asking = Task { try await server.boundPort }
    asking.cancel()
    await #expect(throws: CancellationError.self) { try await asking.value }
  }

  @Test func eachRequestIsObservedWithItsPatternNotItsPath() async throws {
    let seen = Mutex<[String]>([])
    let observed = Event()
    var router = Router()
    router.get("/items/{id}") { _ in .text("x") }
    let observer: RequestObserver = { method, route, status, seconds in
      seen.withLock { $0.append("\(method) \(route) \(status) \(seconds >= 0 && seconds < 10)") }
      observed.happened()
    }
    try await withServer(router, observer: observer) { port, _, _ in
      let socket = try RawSocket(port: port)
      for line in ["GET /items/1", "BREW /items/2", "GET /else"] {
        try socket.send("\(line) HTTP/1.1\r\nHost: a\r\n\r\n")
        _ = try await socket.response()
      }
      try socket.send("GET /items/3 HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "x", count: 40_000))\r\n\r\n")
      #expect(try await socket.response().status == 431)
      await observed.wait(times: 4)
    }
    #expect(
      seen.withLock { $0 } == [
        "GET /items/{id} 200 true", "OTHER none 405 true", "GET none 404 true", "OTHER none 431 true",
      ])
  }
}
