// Entity tags: equal answers have equal tags, and whoever has an answer already is told so.
import HTTP
import Lifecycle
import Telemetry
import Testing

struct EntityTagTests {
  private let body = Array(#"{"tier":"vip"}"#.utf8)

  @Test func equalBodiesHaveEqualTagsAndOthersHaveOthers() {
    #expect(EntityTag(of: body) == EntityTag(of: body))
    #expect(EntityTag(of: body) != EntityTag(of: body + [0x0A]))
    #expect(EntityTag(of: []) != EntityTag(of: [0]))
    #expect(EntityTag(of: body).description.hasPrefix("\"") && EntityTag(of: body).description.hasSuffix("\""))
  }

  @Test func aTagIsNamedAloneInAListWeaklyOrByTheStar() {
    let tag = EntityTag(of: body)
    for values in [["\(tag)"], ["\"a\" ,  \(tag)"], ["W/\(tag)"], ["*"], ["\"a\"", "\(tag)"]] { #expect(tag.isNamed(in: values), "\(values)") }
    for values in [[], [""], ["\"a\""], ["w/\(tag)"], [String(tag.description.dropLast())]] { #expect(!tag.isNamed(in: values), "\(values)") }
  }

  @Test func onlyASuccessfulAnswerToAReadingRequestIsTagged() throws {
    #expect(Response.json(body).tagged(for: try Request(.get, "/")).headers["ETag"] == EntityTag(of: body).description)
    #expect(Response.json(body).tagged(for: try Request(.post, "/")).headers["ETag"] == nil)
    #expect(Response.json(body, status: .accepted).tagged(for: try Request(.get, "/")).headers["ETag"] == nil)
  }

  @Test func overTheNetworkAnAnswerThatStillHoldsHasNoBody() async throws {
    var router = Router()
    router.get("/") { [body] request in Response.json(body).tagged(for: request) }
    let server = HTTPServer(settings: HTTPServerSettings(port: 0), router: router, logger: .silent)
    let client = HTTPClient()
    let stop = StopSignal()
    async let group = ServiceGroup(services: [server, client], logger: .silent).run(signals: [], stop: stop)
    let url = "http://127.0.0.1:\(try await server.boundPort)/"
    let first = try await client.get(url)
    var request = ClientRequest(.get, url)
    request.headers["If-None-Match"] = first.headers["ETag"]
    let second = try await client.send(request)
    // The connection goes on: nothing was left in it.
    let third = try await client.get(url)
    stop.stop()
    #expect(await group.isClean)
    #expect(first.status == .ok && first.body == body)
    #expect(second.status == .notModified && second.body.isEmpty && second.headers["ETag"] == first.headers["ETag"])
    #expect(second.headers["Content-Type"] == nil)
    #expect(third.status == .ok && third.body == body)
  }
}
