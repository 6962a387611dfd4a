// The server over real sockets: answers, framing, limits.
import HTTP
import Lifecycle
import Synchronization
import Telemetry
import Testing

@Suite(.timeLimit(.minutes(1)))
struct ServerTests {
  static func echo() -> Router {
    var router = Router()
    router.get("/hello") { _ in .text("hello") }
    router.post("/echo") { request in Response(.ok, headers: ["Content-Type": request.mediaType ?? "none"], body: request.body) }
    router.post("/small", limits: RouteLimits(bodyBytesMax: 10)) { request in Response(.ok, body: request.body) }
    router.get("/items/{id}") { request in
      let values = request.query.all("x").joined(separator: ",")
      return .text("\(try request.parameter("id"))|\(values)|\(request.path)|\(request.route ?? "")")
    }
    router.get("/stream") { _ in
      .stream(contentType: "application/x-ndjson") { body in for number in 1...3 { try await body.write("{\"n\":\(number)}\n") } }
    }
    router.immediate(.get, "/healthz") { _ in .text("ok") }
    return router
  }

  @Test func oneConnectionAnswersOneRequestAfterAnother() async throws {
    try await withServer(Self.echo()) { port, _, _ in
      let socket = try RawSocket(port: port)
      for _ in 1...3 {
        try socket.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
        let response = try await socket.response()
        #expect(response.status == 200)
        #expect(response.text == "hello")
        #expect(response["Content-Type"] == "text/plain; charset=utf-8")
      }
    }
  }

  @Test func pipelinedRequestsAreAnsweredInOrder() async throws {
    try await withServer(Self.echo()) { port, _, _ in
      let socket = try RawSocket(port: port)
      let ids = (1...20).map { "GET /items/\($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined()
      try socket.send(ids + "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nend")
      for number in 1...20 {
        let response = try await socket.response()
        #expect(response.text.hasPrefix("\(number)|"))
      }
      #expect(try await socket.response().text == "end")
    }
  }

  @Test func pathPartsAndQueryComeDecoded() async throws {
    try await withServer(Self.echo()) { port, _, _ in
      let socket = try RawSocket(port: port)
      try socket.send("GET /items/a%2Fb%20%E5%AE%A2?x=1+2&y=3&x=%26 HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(try await socket.response().text == "a/b 客|1 2,&|/items/a/b 客|/items/{id}")
    }
  }

  @Test func aBodyComesBackWholeByLengthAndByChunks() async throws {
    try await withServer(Self.echo()) { port, _, _ in
      let socket = try RawSocket(port: port)
      let body = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
      try socket.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: Text/CSV; x=1\r\nContent-Length: \(body.count)\r\n\r\n")
      async let sent = socket.sendAll(body)
      let response = try await socket.response()
      #expect(try await sent == body.count)
      #expect(response.body == body)
      #expect(response["Content-Type"] == "text/csv")
      let chunks = "5\r\nhello\r\n6\r\n world\r\n0\r\nX-Trailer: 1\r\n\r\n"
      try socket.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)
      #expect(try await socket.response().text == "hello world")
    }
  }

  @Test func headHasTheHeadersOfGetAndNoBody() async throws {
    try await withServer(Self.echo()) { port, _, _ in
      let socket = try RawSocket(port: port)
      try socket.send("HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\nGET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
      let head = try await socket.response(toHEAD: true)
      #expect(head.status == 200)
      #expect(head["Content-Length"] == "5")
      // What follows is the next response and no stray byte.
      #expect(try await socket.response().text == "hello")
    }
  }

  @Test func headOfAStreamSaysNeitherLengthNorChunksAndSendsNothingMore() async throws {
    try await withServer(Self.echo()) { port, _, _ in
      let socket = try RawSocket(port: port)
      try socket.send("HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n")
      let head = try await socket.response(toHEAD: true)
      #expect(head.status == 200)
      #expect(head["Content-Type"] == "application/x-ndjson")
      #expect(head["Content-Length"] == nil)
      #expect(head["Transfer-Encoding"] == nil)
      #expect(try await socket.rest() == [])
    }
  }

  @Test func anUnknownPathIs404AndAnotherMethod405WithAllow() async throws {
    try await withServer(Self.echo()) { port, _, _ in
      let socket = try RawSocket(port: port)
      for line in ["GET /nothing", "DELETE /hello", "OPTIONS /hello"] { try socket.send("\(line) HTTP/1.1\r\nHost: a\r\n\r\n") }
      let missing = try await socket.response()
      #expect(missing.status == 404)
      #expect(missing["Content-Type"] == "application/problem+json")
      #expect(missing.text == #"{"type":"about:blank","title":"Not Found","status":404}"#)
      let wrong = try await socket.response()
      #expect(wrong.status == 405)
      #expect(wrong["Allow"] == "GET, HEAD, OPTIONS")
      let options = try await socket.response()
      #expect(options.status == 204)
      #expect(options["Allow"] == "GET, HEAD, OPTIONS")
    }
  }

  @Test func aBodyForAnUnknownPathIsRefusedBeforeItIsSent() async throws {
    try await withServer(Self.echo()) { port, _, _ in
      let socket = try RawSocket(port: port)
      try socket.send("POST /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n")
      #expect(try await socket.response().status == 404)
      #expect(try await socket.rest() == [])
    }
  }

  @Test func aClientThatAsksMayContinue() async throws {
    try await withServer(Self.echo()) { port, _, _ in
      let socket = try RawSocket(port: port)
      try socket.send("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
      #expect(try await socket.response().status == 100)
      try socket.send("late")
      #expect(try await socket.response().text == "late")
    }
  }

  @Test func aClientWhoseBodyIsTooLongIsNotAskedForIt() async throws {
    try await withServer(Self.echo()) { port, _, _ in
      let socket = try RawSocket(port: port)
      try socket.send("POST /small HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n")
      let response = try await socket.response()
      #expect(response.status == 413)
      #expect(response["Connection"]?.lowercased() == "close")
      #expect(try await socket.rest() == [])
    }
  }

  @Test func aBlindSenderOfTooLongABodyReadsIts413() async throws {
    try await withServer(Self.echo()) { port, _, _ in
      let socket = try RawSocket(port: port)
      let length = 60 << 20
      try socket.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: \(length)\r\n\r\n")
      async let sent = socket.sendAll([UInt8](repeating: 120, count: length))
      #expect(try await socket.response().status == 413)
      #expect(try await sent < length)
    }
  }

  @Test func aBodyOfExactlyTheLimitPassesAndOneByteMoreDoesNot() async throws {
    try await withServer(Self.echo()) { port, _, _ in
      let socket = try RawSocket(port: port)
      try socket.send("POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789")
      #expect(try await socket.response().text == "0123456789")
      try socket.send("POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n")
      #expect(try await socket.response().status == 413)
    }
  }

  @Test func chunksBeyondTheLimitAreReadToTheirEndAndRefused() async throws {
    try await withServer(Self.echo()) { port, _, _ in
      let socket = try RawSocket(port: port)
      try socket.send("POST /small HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n012345\r\n6\r\n678901\r\n0\r\n\r\n")
      #expect(try await socket.response().status == 413)
      #expect(try await socket.rest() == [])
    }
  }

  @Test func whatTheServerItselfRefusesIsWordedAsTheProgramWantsIt() async throws {
    var router = Router(refusing: { problem, request in Response(problem.status, headers: ["X-Route": request.route ?? "none"], body: Array("sorry".utf8)) })
    router.post("/small", limits: RouteLimits(bodyBytesMax: 10)) { _ in .text("taken") }
    router.get("/slow", limits: RouteLimits(handlerMillisecondsMax: 50)) { _ in
      try await untilCancelled()
      return .text("late")
    }
    try await withServer(router) { port, _, _ in
      let requests = [
        "POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n",
        "POST /small HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n012345\r\n6\r\n678901\r\n0\r\n\r\n",
        "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n", "POST /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n",
      ]
      var told: [String] = []
      for request in requests {
        let socket = try RawSocket(port: port)
        try socket.send(request)
        let response = try await socket.response()
        #expect(response.text == "sorry" && response["Connection"]?.lowercased() == "close")
        told.append("\(response.status) \(response["X-Route"] ?? "-")")
      }
      #expect(told == ["413 /small", "413 /small", "503 /slow", "404 none"])
    }
  }

  @Test func chunksWithoutEndAreCut() async throws {
    try await withServer(Self.echo()) { port, _, _ in
      let socket = try RawSocket(port: port)
      try socket.send("POST /small HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
      let chunk = Array("10000\r\n".utf8) + [UInt8](repeating: 120, count: 0x10000) + Array("\r\n".utf8)
      var all: [UInt8] = []
      for _ in 0..<600 { all += chunk }
      #expect(try await socket.sendAll(all) < all.count)
    }
  }

  @Test func bodiesTogetherHaveALimitToo() async throws {
    var limits = HTTPServerLimits.quick
    limits.bodiesTotalBytesMax = 1_000
    try await withServer(Self.echo(), limits: limits) { port, _, _ in
      let first = try RawSocket(port: port)
      try first.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\nExpect: 100-continue\r\n\r\n")
      #expect(try await first.response().status == 100)
      try first.send([UInt8](repeating: 120, count: 800))
      let second = try RawSocket(port: port)
      // Until the first body has arrived there is room for the second.
      var status = 200
      for _ in 0..<10_000 where status == 200 {
        try second.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 300\r\n\r\n" + String(repeating: "y", count: 300))
        status = try await second.response().status
      }
      #expect(status == 503)
      try first.send([UInt8](repeating: 120, count: 100))
      #expect(try await first.response().body.count == 900)
      let third = try RawSocket(port: port)
      try third.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n" + String(repeating: "y", count: 1_000))
      #expect(try await third.response().status == 200)
    }
  }

  @Test func anOldClientGetsItsStreamUpToTheEndOfTheConnection() async throws {
    try await withServer(Self.echo()) { port, _, _ in
      let socket = try RawSocket(port: port)
      try socket.send("GET /stream HTTP/1.0\r\n\r\n")
      let response = try await socket.response()
      #expect(response["Transfer-Encoding"] == nil)
      #expect(response.text == "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n")
    }
  }

  @Test func aStreamEndsProperlyAndTheConnectionLivesOn() async throws {
    try await withServer(Self.echo()) { port, _, _ in
      let socket = try RawSocket(port: port)
      try socket.send("GET /stream HTTP/1.1\r\nHost: a\r\n\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(try await socket.response().text == "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n")
      #expect(try await socket.response().text == "ok")
    }
  }

  @Test func manyClientsAtOnceAllGetTheirOwnAnswer() async throws {
    let observed = Event()
    try await withServer(Self.echo(), observer: { _, _, _, _ in observed.happened() }) { port, server, _ in
      let wrong = try await withThrowingTaskGroup(of: Int.self) { group in
        for client in 0..<40 {
          group.addTask {
            let socket = try RawSocket(port: port)
            var wrong = 0
            for turn in 0..<10 {
              try socket.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n\(10_000_000 + client * 1_000 + turn)")
              if try await socket.response().text != "\(10_000_000 + client * 1_000 + turn)" { wrong += 1 }
            }
            return wrong
          }
        }
        return try await group.reduce(0, +)
      }
      #expect(wrong == 0)
      await observed.wait(times: 400)
      #expect(server.counts.requests == 0)
    }
  }

  @Test func moreConnectionsThanTheLimitWaitAndAreServed() async throws {
    var limits = HTTPServerLimits.quick
    limits.connectionsMax = 4
    try await withServer(Self.echo(), limits: limits) { port, _, _ in
      let sockets = try (0..<8).map { _ in try RawSocket(port: port) }
      for socket in sockets { try socket.send("GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n") }
      for socket in sockets { #expect(try await socket.response().text == "hello") }
    }
  }

  @Test func aPortInUseIsNamedAsSuch() async throws {
    try await withServer(Self.echo()) { port, _, _ in
      let second = HTTPServer(settings: HTTPServerSettings(port: port), router: Router(), logger: .silent)
      let failure = await #expect(throws: HTTPServerFailure.self) { try await second.run(StopSignal()) }
      #expect(failure?.kind == .addressInUse)
      await #expect(throws: HTTPServerFailure.self) { try await second.boundPort }
    }
  }

  @Test(arguments: [("203.0.113.1", 0), ("", 0), ("127.0.0.1", 70_000), ("no such host", 0)])
  func anAddressThatIsNoneIsRefused(host: String, port: Int) async throws {
    let server = HTTPServer(settings: HTTPServerSettings(host: host, port: port), router: Router(), logger: .silent)
    let failure = await #expect(throws: HTTPServerFailure.self) { try await server.run(StopSignal()) }
    #expect(failure?.kind == .badAddress)
  }

  @Test(.enabled(if: hasIPv6, "this machine has no IPv6")) func oneListenerServesBothKindsOfAddress() async throws {
    var router = Router()
    router.get("/peer") { .text($0.peer) }
    let server = HTTPServer(settings: HTTPServerSettings(host: "::", port: 0), router: router, logger: .silent)
    let stop = StopSignal()
    let running = Task { try await server.run(stop) }
    let socket = try RawSocket(port: try await server.boundPort)
    try socket.send("GET /peer HTTP/1.1\r\nHost: a\r\n\r\n")
    let peer = try await socket.response().text
    stop.stop()
    try await running.value
    #expect(peer.hasPrefix("127.0.0.1:"))
  }

  @Test func thePeersAddressIsKnown() async throws {
    var router = Router()
    router.get("/peer") { .text($0.peer) }
    try await withServer(router) { port, _, _ in
      let socket = try RawSocket(port: port)
      try socket.send("GET /peer HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(try await socket.response().text.hasPrefix("127.0.0.1:"))
    }
  }
}
