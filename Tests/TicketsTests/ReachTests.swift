// Whose tickets a caller sees and works on, by whom it is noted, and what of a customer's words they read.
import Access
import Auditing
import Domain
import HTTP
import Handling
import Postgres
import TestSupport
import Testing
import Text
import TicketsCore
import TicketsStore

@testable import tickets

@Suite("Tickets and who asks", .enabled(if: TestDatabase.isAvailable, Comment(rawValue: TestDatabase.whyNot)))
struct ReachTests {
  private struct Answer {
    let status: Int
    let body: JSONValue
    let tag: String
    var names: [String] { (body["tickets"]?.arrayValue ?? []).compactMap { $0["owner"]?.stringValue ?? "nobody" }.sorted() }
  }

  private func withAPI(_ body: (Router, PostgresPool) async throws -> Void) async throws {
    let settings = try People.settings()
    try await Tables.with { database in
      let pool = PostgresPool(database)
      var router = Router(guarded: [AuditTrail.middleware(pool: pool, zone: .utc, clock: { minute(0).microseconds })])
      TicketsAPI(settings: settings, clock: FixedClock(minute(0)), pool: pool).add(to: &router)
      GrantsAPI(settings: settings, clock: FixedClock(minute(0)), pool: pool).add(to: &router)
      QuestionsAPI(settings: settings, clock: FixedClock(minute(0)), pool: pool).add(to: &router)
      let rules = settings.rules
      ArticlesAPI(zone: .utc, clock: FixedClock(minute(0)), pool: pool) { try $0.check($1, rules.value.staff) }.add(to: &router)
      try await body(router, pool)
      await pool.close()
    }
  }

  /// A person of the staff's file with a role, as their token says; nil: access is off.
  private func ask(
    _ router: Router, _ method: HTTPMethod, _ target: String, _ body: String = "", as name: String? = nil, _ role: Role = .agent, tag: String? = nil,
    reason: String? = nil
  ) async throws -> Answer {
    var request = try Request(method, target, headers: tag.map { ["If-Match": $0] } ?? [:], body: Array(body.utf8))
    request.headers["Unmask-Reason"] = reason
    if let name { request.principal = Principal(issuer: "i", subject: "u-\(name)", staff: name, roles: [role]) }
    let response = try await router.respond(to: request)
    return Answer(
      status: response.status.rawValue, body: response.bytes.flatMap { $0.isEmpty ? nil : try? JSONValue($0) } ?? .null, tag: response.headers["ETag"] ?? "")
  }

  private func ask(_ router: Router, _ target: String, as name: String? = nil, _ role: Role = .agent, reason: String? = nil) async throws -> Answer {
    try await ask(router, .get, target, as: name, role, reason: reason)
  }

  private func open(_ router: Router, _ place: String) async throws -> (path: String, answer: Answer) {
    let new = #"{"actor":"Wang","customer_id":"00000000000000c5","kind":"question","text":"call 13812340000 or mail anna@example.org"}"#
    let opened = try await ask(router, .post, "/v1/tickets", new)
    let path = "/v1/tickets/\(opened.body["ticket_id"]?.stringValue ?? "")"
    return (path, try await ask(router, .post, path + "/assignment", #"{"actor":"Le","reason":"r",\#(place)}"#, tag: opened.tag))
  }

  @Test("An agent sees and works on their own and their team's tickets; those of others are refused by name of the permission")
  func own() async throws {
    try await withAPI { router, _ in
      let east = try await open(router, #""owner":"Bo""#)
      let west = try await open(router, #""owner":"Cy""#)
      #expect(try await ask(router, "/v1/tickets").names == ["Bo", "Cy"])
      #expect(try await ask(router, "/v1/tickets", as: "An").names == ["Bo"])
      #expect(try await ask(router, "/v1/tickets?owner=Cy", as: "An").names.isEmpty)
      #expect(try await ask(router, "/v1/tickets?state=unresolved&order=due", as: "An").names == ["Bo"])
      for (name, role, count) in [("An", Role.agent, Int64(1)), ("somebody else", .agent, 0), ("Le", .lead, 2)] {
        #expect(try await ask(router, "/v1/tickets/counts", as: name, role).body["tickets"] == .integer(count), "\(name)")
      }
      #expect(try await ask(router, "/v1/tickets?customer_id=00000000000000c5", as: "Cy").names == ["Cy"])
      #expect(try await ask(router, "/v1/tickets", as: "somebody else").names.isEmpty)
      #expect(try await ask(router, "/v1/tickets", as: "Le", .lead).names == ["Bo", "Cy"])
      #expect(try await ask(router, "/v1/acceptances", as: "An").status == 200)
      for what in ["", "/history", "/explanation", "/suggestions"] {
        #expect(try await ask(router, east.path + what, as: "An").status == 200, "\(what)")
        let refused = try await ask(router, west.path + what, as: "An")
        #expect(refused.status == 403 && refused.body["permission"] == "tickets:all", "\(what): \(refused.body)")
        #expect(try await ask(router, west.path + what, as: "Le", .lead).status == 200, "\(what)")
        #expect(try await ask(router, west.path + what, as: "Au", .auditor).status == 200, "\(what)")
      }
      let other = west.path.split(separator: "/").last ?? ""
      for (path, tag, body, expected) in [
        (west.path + "/steps", west.answer.tag, #"{"step":"reply"}"#, 403), (west.path + "/assignment", west.answer.tag, #"{"owner":"An","reason":"r"}"#, 403),
        (west.path + "/grants", west.answer.tag, #"{"amount":10,"reason":"late"}"#, 403),
        // Another's ticket is not reached over one's own.
        (east.path + "/links", east.answer.tag, #"{"ticket_id":"\#(other)"}"#, 403), (east.path + "/merge", east.answer.tag, #"{"into":"\#(other)"}"#, 403),
        (east.path + "/steps", east.answer.tag, #"{"step":"reply","text":"we look"}"#, 200),
      ] { #expect(try await ask(router, .post, path, body, as: "An", tag: tag).status == expected, "\(path) \(body)") }
      #expect(try await ask(router, west.path).body["version"] == west.answer.body["version"], "what was refused changed nothing")
    }
  }

  @Test("The ticket that a question has become is no way to the tickets of others, and a question's key none to its contact data")
  func questions() async throws {
    try await withAPI { router, _ in
      func ask(as name: String?, _ role: Role = .agent) async throws -> Answer {
        let body = #"{"text":"call 13812340000","category":"x","customer_id":"00000000000000c5"}"#
        var request = try Request(.post, "/v1/questions", headers: ["Idempotency-Key": "chat-7"], body: Array(body.utf8))
        if let name { request.principal = Principal(issuer: "i", subject: "u-\(name)", staff: name, roles: [role]) }
        let response = try await router.respond(to: request)
        return Answer(status: response.status.rawValue, body: try JSONValue(response.bytes ?? []), tag: "")
      }
      let asked = try await ask(as: nil)
      #expect(asked.body["text"] == "call 138****0000")
      for (name, role) in [("An", Role.agent), ("bot", .service), ("Le", .lead)] { #expect(try await ask(as: name, role).body["text"] == "call 138****0000") }
      let path = "/v1/questions/\(asked.body["question_id"]?.stringValue ?? "")/ticket"
      func become(as name: String, _ role: Role) async throws -> Answer { try await self.ask(router, .post, path, "{}", as: name, role) }
      let opened = try await become(as: "bot", .service)
      #expect(opened.status == 201)
      let given = try await self.ask(
        router, .post, "/v1/tickets/\(opened.body["ticket_id"]?.stringValue ?? "")/assignment", #"{"actor":"Le","reason":"r","owner":"Cy"}"#, tag: opened.tag)
      #expect(given.status == 200)
      let refused = try await become(as: "An", .agent)
      #expect(refused.status == 403 && refused.body["permission"] == "tickets:all", "\(refused.body)")
      for (name, role) in [("Cy", Role.agent), ("Le", .lead), ("bot", .service)] { #expect(try await become(as: name, role).status == 200, "\(name)") }
    }
  }

  @Test("The key of another's request to open a ticket shows it to nobody who may not see it; whoever opened it may ask again")
  func openedBefore() async throws {
    try await withAPI { router, _ in
      func open(as name: String) async throws -> Answer {
        let body = #"{"customer_id":"00000000000000c5","kind":"question","text":"hello"}"#
        var request = try Request(.post, "/v1/tickets", headers: ["Idempotency-Key": "call-7"], body: Array(body.utf8))
        request.principal = Principal(issuer: "i", subject: "u-\(name)", staff: name, roles: [.agent])
        let response = try await router.respond(to: request)
        return Answer(status: response.status.rawValue, body: try JSONValue(response.bytes ?? []), tag: response.headers["ETag"] ?? "")
      }
      let opened = try await open(as: "An")
      #expect(opened.status == 201)
      let path = "/v1/tickets/\(opened.body["ticket_id"]?.stringValue ?? "")/assignment"
      #expect(try await ask(router, .post, path, #"{"actor":"Le","reason":"r","owner":"Cy"}"#, tag: opened.tag).status == 200)
      #expect(try await open(as: "An").status == 200)
      #expect(try await open(as: "Cy").status == 200)
      #expect(try await open(as: "Bo").status == 403)
    }
  }

  @Test("Whoever has the token is who did it: a body that names another is refused, and one that names nobody is theirs")
  func actor() async throws {
    try await withAPI { router, _ in
      let (path, opened) = try await open(router, #""team":"east""#)
      let forged = try await ask(router, .post, path + "/steps", #"{"actor":"Bo","step":"reply"}"#, as: "An", tag: opened.tag)
      #expect(forged.status == 403 && forged.body["rule"] == "actor", "\(forged.body)")
      for actor in [#""actor":7"#, #""actor":null"#] {
        #expect(try await ask(router, .post, path + "/steps", "{\(actor),\"step\":\"reply\"}", as: "An", tag: opened.tag).status == 422)
      }
      let first = try await ask(router, .post, path + "/steps", #"{"step":"reply"}"#, as: "An", tag: opened.tag)
      #expect(first.status == 200, "\(first.body)")
      #expect(try await ask(router, .post, path + "/steps", #"{"actor":"An","step":"reply"}"#, as: "An", tag: first.tag).status == 200)
      let events = try await ask(router, path + "/history").body["events"]?.arrayValue ?? []
      #expect(events.suffix(2).compactMap { $0["actor"]?.stringValue } == ["An", "An"])
      #expect(try await ask(router, .post, path + "/steps", #"{"step":"reply"}"#, tag: "*").status == 422, "where access is off somebody has to be named")
    }
  }

  @Test("Everybody reads a customer's words without contact data; a lead who says why reads them whole, and that is recorded for each look with its fields")
  func masked() async throws {
    try await withAPI { router, pool in
      let (path, _) = try await open(router, #""team":"east""#)
      let (words, hidden) = ("call 13812340000 or mail anna@example.org", "call 138****0000 or mail a***@example.org")
      func texts(_ target: String, _ role: Role, _ reason: String?) async throws -> [String] {
        let answer: Answer = try await self.ask(router, target, as: "Le", role, reason: reason)
        let rows = ["tickets", "events", "questions"].compactMap { answer.body[$0]?.arrayValue }.first ?? [answer.body]
        return rows.compactMap { $0["text"]?.stringValue }.filter { $0.contains("call") }
      }
      for body in [#"{"text":"\#(words)"}"#, #"{"text":"\#(words)","customer_id":"00000000000000c6"}"#] {
        #expect(try await ask(router, .post, "/v1/questions", body).status == 201)
      }
      let pages = [(path, 1), ("/v1/tickets?state=unresolved", 1), (path + "/history", 1), ("/v1/questions", 2)]
      for (target, count) in pages {
        for role in [Role.lead, .manager, .auditor, .admin] {
          #expect(try await texts(target, role, nil) == Array(repeating: hidden, count: count), "\(target) \(role)")
        }
        #expect(try await texts(target, .lead, "calling back") == Array(repeating: words, count: count), "\(target)")
      }
      #expect(try await ask(router, path, as: "An", .agent, reason: "calling back").body["permission"] == "contacts:read")
      let (seen, customers) = try await pool.withSession { session -> ([String], Int) in
        let day = Day(number: 0)
        func looks(_ customer: Int64?) throws -> [AuditEntry] {
          try AuditRows.looks(
            from: day, to: day + 99_999, actor: "Le", customer: customer.map { CustomerID(number: $0) }, before: nil, limit: 100, session)
        }
        return (try looks(nil).reversed().map(\.seen), try looks(0xc5).count)
      }
      #expect(customers == 3 && seen.count == 4)
      #expect(seen.prefix(2).allSatisfy { $0 == #"[{"customer":"00000000000000c5","fields":["ticket.text"]}]"# })
      #expect(seen.dropFirst(2).first == #"[{"customer":"00000000000000c5","fields":["ticket.history.text"]}]"#)
      let last = seen.last ?? ""
      #expect(last.hasPrefix(#"[{"customer":null,"record":"question "#))
      #expect(last.hasSuffix(#"{"customer":"00000000000000c6","fields":["question.text"]}]"#), "\(last)")
    }
  }
}
