// The client against our own server, and against servers that misbehave.
import Glibc
import HTTP
import Lifecycle
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1)))
struct ClientTests {
  private func withClient<Value: Sendable>(
    _ change: (inout HTTPClientLimits) -> Void = { _ in }, _ body: (HTTPClient) async throws -> Value
  ) async throws -> Value {
    var settings = HTTPClientSettings()
    change(&settings.limits)
    let client = HTTPClient(settings: settings)
    do {
      let value = try await body(client)
      await client.close()
      return value
    } catch {
      await client.close()
      throw error
    }
  }

  /// What a request is answered with by a server that writes `reply` and then does `after`.
  private func failure(
    of reply: String, _ change: (inout HTTPClientLimits) -> Void = { _ in }, after: @escaping @Sendable (RawSocket) -> Void = { $0.close() }
  ) async throws -> HTTPClientFailure? {
    let listener = try RawListener()
    return try await withClient(change) { client in
      async let served: Void = {
        let socket = try await listener.accept()
        _ = try await socket.text(until: "\r\n\r\n")
        _ = try await socket.sendAll(Array(reply.utf8))
        after(socket)
        // Keeps the connection until the client gives up.
        _ = try? await socket.rest()
      }()
      let failure = await #expect(throws: HTTPClientFailure.self) { try await client.get("http://127.0.0.1:\(listener.port)/") }
      try await served
      return failure
    }
  }

  // MARK: requests and responses

  @Test func methodHeadersAndBodyArriveAsTheyAre() async throws {
    var router = Router()
    for method in [HTTPMethod.get, .post, .put, .delete, .patch] {
      router.on(method, "/e") { request in
        let names = request.headers.fields.map { $0.name.lowercased() }.sorted().joined(separator: ",")
        return Response(
          .created, headers: ["X-Method": request.method.rawValue, "X-Names": names, "X-Custom": request.headers["X-Custom"] ?? ""],
          body: request.body)
      }
    }
    try await withServer(router) { port, _, _ in
      try await withClient { client in
        let url = "http://127.0.0.1:\(port)/e"
        let body = (0..<2_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let posted = try await client.post(url, headers: ["X-Custom": "a, b"], body: body)
        #expect(posted.status == .created)
        #expect(posted.body == body)
        #expect(posted.headers["x-custom"] == "a, b")
        // No Expect, which would cost a second with servers that do not answer it.
        #expect(posted.headers["X-Names"] == "accept,content-length,content-type,host,user-agent,x-custom")
        #expect(try await client.put(url, body: []).headers["X-Method"] == "PUT")
        let got = try await client.get(url, headers: ["X-Custom": ""])
        #expect(got.headers["X-Names"] == "accept,host,user-agent,x-custom")
        #expect(got.headers["X-Method"] == "GET")
        let patched = try await client.send(ClientRequest(.patch, url, body: [1, 0, 2]))
        #expect(patched.body == [1, 0, 2])
        #expect(patched.headers["X-Names"] == "accept,content-length,host,user-agent")
        #expect(try await client.send(ClientRequest(.delete, url)).headers["X-Method"] == "DELETE")
        let head = try await client.send(ClientRequest(.head, url))
        #expect(head.status == .created)
        #expect(head.body == [])
      }
    }
  }

  @Test func aRedirectIsHandedBack() async throws {
    var router = Router()
    let followed = Event()
    router.get("/from") { _ in Response(.found, headers: ["Location": "/to"]) }
    router.get("/to") { _ in
      followed.happened()
      return .text("to")
    }
    try await withServer(router) { port, _, _ in
      try await withClient { client in
        let response = try await client.get("http://127.0.0.1:\(port)/from")
        #expect(response.status == .found)
        #expect(response.headers["Location"] == "/to")
        #expect(!response.isSuccess)
      }
    }
    #expect(followed.count == 0)
  }

  @Test func aConnectionIsUsedAgain() async throws {
    var router = Router()
    router.get("/") { .text($0.peer) }
    try await withServer(router) { port, _, _ in
      try await withClient { client in
        let first = try await client.get("http://127.0.0.1:\(port)/").body
        #expect(try await client.get("http://127.0.0.1:\(port)/").body == first)
      }
    }
  }

  @Test func aProxyOfTheEnvironmentIsNotUsed() async throws {
    setenv("http_proxy", "http://127.0.0.1:1", 1)
    defer { unsetenv("http_proxy") }
    var router = Router()
    router.get("/") { _ in .text("direct") }
    try await withServer(router) { port, _, _ in
      try await withClient { client in
        let body = try await client.get("http://127.0.0.1:\(port)/").body
        #expect(body == Array("direct".utf8))
      }
    }
  }

  @Test func moreRequestsThanTransfersTakeTurns() async throws {
    let running = Mutex((now: 0, most: 0))
    var router = Router()
    router.get("/{n}") { request in
      running.withLock {
        $0.now += 1
        $0.most = max($0.most, $0.now)
      }
      defer { running.withLock { $0.now -= 1 } }
      await Task.yield()
      return .text(try request.parameter("n"))
    }
    try await withServer(router) { port, _, _ in
      try await withClient({ $0.transfersMax = 4 }) { client in
        try await withThrowingTaskGroup(of: Bool.self) { group in
          for number in 0..<60 {
            group.addTask { try await client.get("http://127.0.0.1:\(port)/\(number)").body == Array("\(number)".utf8) }
          }
          for try await isRight in group { #expect(isRight) }
        }
      }
    }
    #expect(running.withLock { $0.most } <= 4)
  }

  // MARK: what is not sent

  @Test(arguments: [
    ("ftp://a/", "X", "1"), ("file:///etc/passwd", "X", "1"), ("a", "X", "1"), ("http://", "X", "1"), ("http:///a", "X", "1"),
    ("http://:80/", "X", "1"), ("http://user@a/", "X", "1"), ("http://u:p@a/", "X", "1"), ("http://a/ b", "X", "1"),
    ("http://a/\r\nX: y", "X", "1"), ("http://a.ok\0.example/", "X", "1"), ("http://a\\@b/", "X", "1"), ("http://客/", "X", "1"),
    ("http://a/", "X", "1\r\nY: 2"),
    ("http://a/", "X", "1\0"), ("http://a/", "X\n", "1"), ("http://a/", "", "1"),
    ("http://a/" + String(repeating: "x", count: 9_000), "X", "1"),
  ])
  func whatWouldMeanSomethingElseIsNotSent(url: String, name: String, value: String) async throws {
    try await withClient { client in
      let request = ClientRequest(.get, url, headers: HTTPHeaders([.init(name: name, value: value)]))
      let failure = await #expect(throws: HTTPClientFailure.self) { try await client.send(request) }
      #expect(failure?.kind == .invalidRequest)
    }
  }

  @Test func aPolicyNamesTheSchemes() async throws {
    let client = HTTPClient(settings: HTTPClientSettings(policy: ConnectionPolicy(schemes: [.https])))
    let failure = await #expect(throws: HTTPClientFailure.self) { try await client.get("http://127.0.0.1/") }
    #expect(failure?.description == "the URL does not begin with https://")
    await client.close()
  }

  // MARK: servers that misbehave

  @Test func nobodyListening() async throws {
    let listener = try RawListener(listens: false)
    try await withClient { client in
      let failure = await #expect(throws: HTTPClientFailure.self) { try await client.get("http://127.0.0.1:\(listener.port)/") }
      #expect(failure?.kind == .unreachable)
      #expect(failure?.isTransient == true)
    }
  }

  @Test func aServerThatDoesNotAnswerTimesOut() async throws {
    let failure = try await failure(of: "", { $0.totalMillisecondsMax = 100 }, after: { _ in })
    #expect(failure?.kind == .timedOut)
  }

  @Test func aResponseThatStallsTimesOutLongBeforeTheTotal() async throws {
    let failure = try await failure(
      of: "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nabc",
      {
        $0.stallSecondsMax = 1
        $0.totalMillisecondsMax = 60_000
      }, after: { _ in })
    #expect(failure?.kind == .timedOut)
  }

  @Test func aResponseCutShortIsNotTakenForWhole() async throws {
    #expect(try await failure(of: "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")?.kind == .disconnected)
    #expect(try await failure(of: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")?.kind == .disconnected)
    #expect(try await failure(of: "")?.kind == .disconnected)
  }

  @Test func aReplyThatIsNotHTTPIsRefused() async throws {
    #expect(try await failure(of: "SSH-2.0-OpenSSH_9.2\r\n")?.kind == .malformedResponse)
  }

  @Test func anAnnouncedLengthBeyondTheLimitIsRefused() async throws {
    let failure = try await failure(of: "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", { $0.responseBytesMax = 1_000 }, after: { _ in })
    #expect(failure?.kind == .responseTooLarge)
  }

  @Test func anUnannouncedLengthBeyondTheLimitIsRefused() async throws {
    let chunk = "3e8\r\n" + String(repeating: "x", count: 1_000) + "\r\n"
    let failure = try await failure(
      of: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk + chunk, { $0.responseBytesMax = 1_999 }, after: { _ in })
    #expect(failure?.kind == .responseTooLarge)
  }

  @Test func headersBeyondTheLimitAreRefused() async throws {
    let line = "X-Padding: " + String(repeating: "x", count: 1_000) + "\r\n"
    let failure = try await failure(of: "HTTP/1.1 200 OK\r\n" + line + line + "\r\n", { $0.headerBytesMax = 2_000 }, after: { _ in })
    #expect(failure?.kind == .responseTooLarge)
  }

  @Test func plainHTTPBehindAnHTTPSAddressIsInsecure() async throws {
    let listener = try RawListener()
    try await withClient { client in
      async let served: Void = {
        let socket = try await listener.accept()
        _ = try await socket.receive()
        try socket.send("HTTP/1.1 400 Bad Request\r\n\r\n")
        // The client ends first: an end over unread bytes would be a reset.
        _ = try await socket.rest()
      }()
      let failure = await #expect(throws: HTTPClientFailure.self) { try await client.get("https://127.0.0.1:\(listener.port)/") }
      #expect(failure?.kind == .insecure)
      try await served
    }
  }

  // MARK: streams

  @Test func aStreamComesLineByLine() async throws {
    var router = Router()
    router.get("/") { _ in
      .stream(contentType: "application/x-ndjson") { body in for number in 0..<5_000 { try await body.write("{\"n\":\(number)}\n") } }
    }
    try await withServer(router) { port, _, _ in
      try await withClient { client in
        let response = try await client.stream(ClientRequest(.get, "http://127.0.0.1:\(port)/"))
        #expect(response.status == .ok)
        #expect(response.headers["Content-Type"] == "application/x-ndjson")
        var number = 0
        for try await line in response.body.lines(lineBytesMax: 100) {
          #expect(line == Array("{\"n\":\(number)}".utf8))
          number += 1
        }
        #expect(number == 5_000)
      }
    }
  }

  @Test func aLineBeyondItsLimitIsAFailure() async throws {
    var router = Router()
    router.get("/") { _ in .text("short\n" + String(repeating: "x", count: 101)) }
    try await withServer(router) { port, _, _ in
      try await withClient { client in
        let response = try await client.stream(ClientRequest(.get, "http://127.0.0.1:\(port)/"))
        var lines = response.body.lines(lineBytesMax: 99).makeAsyncIterator()
        #expect(try await lines.next() == Array("short".utf8))
        let failure = await #expect(throws: HTTPClientFailure.self) { _ = try await lines.next() }
        #expect(failure?.kind == .responseTooLarge)
      }
    }
  }

  @Test func aReaderThatRestsHoldsTheServerBackAndLosesNothing() async throws {
    let total = 32 << 20
    let written = Mutex(0)
    let isDone = Event()
    var router = Router()
    router.get("/") { _ in
      .stream(contentType: "application/octet-stream") { body in
        for number in 0..<(total >> 16) {
          try await body.write([UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 1 << 16))
          written.withLock { $0 += 1 << 16 }
        }
        isDone.happened()
      }
    }
    try await withServer(router) { port, _, _ in
      try await withClient({ $0.streamBufferBytesMax = 64 << 10 }) { client in
        let response = try await client.stream(ClientRequest(.get, "http://127.0.0.1:\(port)/"))
        let first = try await response.body.next()
        // Other requests of the same client are not held back.
        for _ in 0..<20 { _ = try await client.get("http://127.0.0.1:\(port)/nothing") }
        #expect(isDone.count == 0)
        #expect(written.withLock { $0 } < total)
        var received = first?.count ?? 0
        var isInOrder = true
        while let piece = try await response.body.next() {
          isInOrder = isInOrder && piece.first == UInt8(truncatingIfNeeded: received >> 16)
          received += piece.count
        }
        #expect(received == total)
        #expect(isInOrder)
      }
    }
  }

  @Test func lettingGoOfAStreamEndsIt() async throws {
    let ended = Event()
    var router = Router()
    router.get("/") { _ in
      .events { events in
        defer { ended.happened() }
        try await events.send("one")
        try await untilCancelled()
      }
    }
    try await withServer(router) { port, _, _ in
      // Only the letting go may end it.
      try await withClient({ $0.stallSecondsMax = 3_600 }) { client in
        do {
          let response = try await client.stream(ClientRequest(.get, "http://127.0.0.1:\(port)/"))
          #expect(try await response.body.next() == Array("data: one\n\n".utf8))
        }
        await ended.wait()
      }
    }
  }

  @Test func aStreamCutByTheServerIsAFailureNotAnEnd() async throws {
    var router = Router()
    router.get("/") { _ in
      .stream(contentType: "text/plain") { body in
        try await body.write("half")
        throw Problem(.internalServerError)
      }
    }
    try await withServer(router) { port, _, _ in
      try await withClient { client in
        let failure = await #expect(throws: HTTPClientFailure.self) {
          let response = try await client.stream(ClientRequest(.get, "http://127.0.0.1:\(port)/"))
          while try await response.body.next() != nil {}
        }
        #expect(failure?.kind == .disconnected)
      }
    }
  }

  // MARK: giving up

  @Test func aCancelledRequestEndsAtOnceOnBothSides() async throws {
    let entered = Event()
    let cancelled = Event()
    var router = Router()
    router.get("/") { _ in
      entered.happened()
      do { try await untilCancelled() } catch { cancelled.happened() }
      return .text("")
    }
    try await withServer(router) { port, _, _ in
      try await withClient { client in
        let request = Task { try await client.get("http://127.0.0.1:\(port)/") }
        await entered.wait()
        request.cancel()
        let failure = await #expect(throws: HTTPClientFailure.self) { try await request.value }
        #expect(failure?.kind == .cancelled)
        await cancelled.wait()
      }
    }
  }

  @Test func moreThanMayWaitAreRefusedAtOnce() async throws {
    let entered = Event()
    let open = Event()
    var router = Router()
    router.get("/") { _ in
      entered.happened()
      await open.wait()
      return .text("")
    }
    try await withServer(router) { port, _, _ in
      try await withClient({
        $0.transfersMax = 1
        $0.waitingTransfersMax = 0
      }) { client in
        let url = "http://127.0.0.1:\(port)/"
        async let first = client.get(url)
        await entered.wait()
        let failure = await #expect(throws: HTTPClientFailure.self) { try await client.get(url) }
        #expect(failure?.kind == .overloaded)
        open.happened()
        let statuses = try await [first.status, client.get(url).status]
        #expect(statuses == [.ok, .ok])
      }
    }
  }

  @Test func aRequestThatWaitsTooLongForItsTurnTimesOut() async throws {
    let entered = Event()
    let open = Event()
    var router = Router()
    router.get("/") { _ in
      entered.happened()
      await open.wait()
      return .text("")
    }
    try await withServer(router) { port, _, _ in
      try await withClient({ $0.transfersMax = 1 }) { client in
        let url = "http://127.0.0.1:\(port)/"
        async let first = client.get(url)
        await entered.wait()
        let failure = await #expect(throws: HTTPClientFailure.self) {
          try await client.send(ClientRequest(.get, url), totalMillisecondsMax: 50)
        }
        #expect(failure?.kind == .timedOut)
        open.happened()
        let status = try await first.status
        #expect(status == .ok)
      }
    }
  }

  @Test func aClosedClientFailsWhatIsUnderWayAndWhatComes() async throws {
    let entered = Event()
    var router = Router()
    router.get("/") { _ in
      entered.happened()
      try await untilCancelled()
      return .text("")
    }
    try await withServer(router) { port, _, _ in
      let client = HTTPClient()
      let url = "http://127.0.0.1:\(port)/"
      let request = Task { try await client.get(url) }
      await entered.wait()
      await client.close()
      let failure = await #expect(throws: HTTPClientFailure.self) { try await request.value }
      #expect(failure?.kind == .closed)
      let later = await #expect(throws: HTTPClientFailure.self) { try await client.get(url) }
      #expect(later?.kind == .closed)
    }
  }

  @Test func asAServiceItClosesWhenItsGroupStops() async throws {
    let client = HTTPClient()
    let stop = StopSignal()
    let running = Task { try await client.run(stop) }
    stop.stop()
    try await running.value
    let failure = await #expect(throws: HTTPClientFailure.self) { try await client.get("http://127.0.0.1/") }
    #expect(failure?.kind == .closed)
  }
}
