// Which route answers what, without a network.
import HTTP
import Synchronization
import Testing

@Suite struct RouterTests {
  private func answer(_ router: Router, _ method: HTTPMethod, _ target: String) async throws -> String {
    let response = try await router.respond(to: Request(method, target))
    guard response.status == .ok else { return "\(response.status.rawValue) \(response.headers["Allow"] ?? "")" }
    return String(decoding: response.bytes ?? [], as: UTF8.self)
  }

  private func router(_ routes: [(HTTPMethod, String)]) -> Router {
    var router = Router()
    for (method, pattern) in routes {
      router.on(method, pattern) { request in
        .text("\(pattern) \(request.parameters.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ","))")
      }
    }
    return router
  }

  @Test(arguments: [
    ("/", "/ "), ("/v1/customers", "/v1/customers "), ("/v1/customers/7", "/v1/customers/{id} id=7"),
    ("/v1/customers/new", "/v1/customers/new "), ("/v1/customers/new/tickets", "/v1/customers/{id}/tickets id=new"),
    ("/v1/customers/7/tickets/9", "/v1/customers/{customer}/tickets/{ticket} customer=7,ticket=9"),
    ("/files/a/b%2Fc/d", "/files/{path...} path=a/b/c/d"), ("/files", "404 "), ("/v1/customers/", "404 "), ("//", "404 "), ("/v2", "404 "),
    ("/v1/Customers", "404 "),
  ])
  func literalPartsWinOverNamedOnes(target: String, expected: String) async throws {
    let router = router([
      (.get, "/"), (.get, "/v1/customers"), (.get, "/v1/customers/{id}"), (.get, "/v1/customers/new"), (.get, "/v1/customers/{id}/tickets"),
      (.get, "/v1/customers/{customer}/tickets/{ticket}"), (.get, "/files/{path...}"),
    ])
    #expect(try await answer(router, .get, target) == expected)
  }

  @Test func aMethodIsLookedForInEveryRouteThatMatches() async throws {
    let router = router([(.get, "/a/{id}"), (.post, "/a/new"), (.delete, "/{rest...}")])
    #expect(try await answer(router, .get, "/a/new") == "/a/{id} id=new")
    #expect(try await answer(router, .post, "/a/new") == "/a/new ")
    #expect(try await answer(router, .delete, "/a/new") == "/{rest...} rest=a/new")
    #expect(try await answer(router, .put, "/a/new") == "405 DELETE, GET, HEAD, OPTIONS, POST")
    #expect(try await answer(router, .head, "/a/7") == "/a/{id} id=7")
  }

  @Test func middlewareGoesAroundFromTheOutsideInAndAroundUnknownPathsToo() async throws {
    let calls = Mutex<[String]>([])
    func around(_ name: String) -> Middleware {
      { request, next in
        calls.withLock { $0.append("\(name) before") }
        defer { calls.withLock { $0.append("\(name) after") } }
        var request = request
        request.headers.add("X-Through", name)
        return try await next(request)
      }
    }
    var router = Router(middleware: [around("a"), around("b")])
    router.group("/v1", middleware: [around("c")]) { group in
      group.get("/x") { request in .text(request.headers.all("X-Through").joined()) }
    }
    router.get("/y") { request in .text(request.headers.all("X-Through").joined()) }
    #expect(try await answer(router, .get, "/v1/x") == "abc")
    #expect(calls.withLock { $0 } == ["a before", "b before", "c before", "c after", "b after", "a after"])
    #expect(try await answer(router, .get, "/y") == "ab")
    calls.withLock { $0 = [] }
    #expect(try await answer(router, .get, "/nothing") == "404 ")
    #expect(calls.withLock { $0.count } == 4)
  }

  @Test func middlewareMayRefuse() async throws {
    var router = Router(middleware: [{ _, _ in throw Problem(.unauthorized) }])
    router.get("/") { _ in .text("secret") }
    #expect(try await answer(router, .get, "/") == "401 ")
  }

  @Test func theRoutesCanBeListed() {
    #expect(router([(.post, "/b"), (.get, "/a/{id}"), (.get, "/{r...}")]).routes == ["GET /a/{id}", "GET /{r...}", "POST /b"])
  }

  @Test(arguments: ["a", "/{", "/x{id}", "/{id}/{id}", "/{}", "/{rest...}/a"])
  func aMalformedPatternEndsTheProgramAtItsStart(pattern: String) async {
    await #expect(processExitsWith: .failure) { [pattern] in
      var router = Router()
      router.get(pattern) { _ in .text("") }
    }
  }

  @Test func aTakenRouteEndsTheProgramAtItsStart() async {
    await #expect(processExitsWith: .failure) {
      var router = Router()
      router.get("/a/{x}") { _ in .text("") }
      router.get("/a/{y}") { _ in .text("") }
    }
  }
}
