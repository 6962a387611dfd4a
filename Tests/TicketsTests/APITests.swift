// Tickets over HTTP: opening, steps, conflicts, explanations, refusals by field.
import Domain
import HTTP
import Handling
import Postgres
import Runtime
import TestSupport
import Testing
import Text
import TicketsCore
import TicketsStore

@testable import tickets

@Suite("HTTP API of tickets", .enabled(if: TestDatabase.isAvailable, Comment(rawValue: TestDatabase.whyNot)))
struct TicketsAPITests {
  private struct Answer {
    let status: Int
    let body: JSONValue
    let tag: String
  }

  private func withAPI(_ body: (Router) async throws -> Void) async throws {
    let settings = try Shipped.settings()
    try await Tables.with { database in
      let pool = PostgresPool(database)
      var router = Router()
      TicketsAPI(settings: settings, clock: FixedClock(minute(0)), pool: pool).add(to: &router)
      try await body(router)
      await pool.close()
    }
  }

  private func ask(_ router: Router, _ method: HTTPMethod = .get, _ target: String, _ body: String = "", headers: HTTPHeaders = [:]) async throws -> Answer {
    let response = try await router.respond(to: try Request(method, target, headers: headers, body: Array(body.utf8)))
    return Answer(
      status: response.status.rawValue, body: response.bytes.flatMap { $0.isEmpty ? nil : try? JSONValue($0) } ?? .null, tag: response.headers["ETag"] ?? "")
  }

  private static let new = #"{"actor":"Wang","customer_id":"00000000000000c5","kind":"fault","urgency":"blocked","text":"down"}"#

  @Test("A ticket is opened once by its key, worked on, explained and told in full")
  func life() async throws {
    try await withAPI { router in
      let opened = try await ask(router, .post, "/v1/tickets", Self.new, headers: ["Idempotency-Key": "k1"])
      #expect(opened.status == 201)
      let again = try await ask(router, .post, "/v1/tickets", Self.new, headers: ["Idempotency-Key": "k1"])
      #expect(again.status == 200 && again.body == opened.body)
      let id = try #require(opened.body["ticket_id"]?.stringValue)
      let path = "/v1/tickets/\(id)"
      #expect(opened.body["state"] == "new" && opened.body["priority"] == "P2")
      var tag = opened.tag
      for (what, body, state) in [
        ("steps", #"{"actor":"Li","step":"reply","text":"we look"}"#, "open"),
        ("steps", #"{"actor":"Li","step":"wait_for_customer"}"#, "waiting_for_customer"),
        ("assignment", #"{"actor":"Li","owner":"Zhao"}"#, "waiting_for_customer"),
        ("steps", #"{"actor":"Li","step":"resolve","code":"fixed","root_cause":"product"}"#, "resolved"),
        ("steps", #"{"actor":"Li","step":"reopen","reason":"again"}"#, "reopened"),
      ] {
        let answer = try await ask(router, .post, "\(path)/\(what)", body, headers: ["If-Match": tag])
        #expect(answer.status == 200, "\(body): \(answer.body)")
        #expect(answer.body["state"]?.stringValue == state)
        tag = answer.tag
      }
      let explanation = try await ask(router, .get, "\(path)/explanation")
      #expect(explanation.body["clocks"]?.arrayValue?.count == 3)
      let history = try await ask(router, .get, "\(path)/history?limit=3")
      #expect(history.body["events"]?.arrayValue?.compactMap { $0["kind"]?.stringValue } == ["opened", "reply", "wait_for_customer"])
      #expect(history.body["next"]?.int64Value == 3)
      #expect(try await ask(router, .get, "/v1/tickets?state=unresolved&owner=Zhao").body["tickets"]?.arrayValue?.count == 1)
      #expect(try await ask(router, .get, "/v1/tickets?customer_id=00000000000000c6").body["tickets"]?.arrayValue?.isEmpty == true)
    }
  }

  @Test("Of two people who change a ticket at once the second is told, and nothing is lost")
  func conflict() async throws {
    try await withAPI { router in
      let opened = try await ask(router, .post, "/v1/tickets", Self.new)
      let path = "/v1/tickets/\(opened.body["ticket_id"]?.stringValue ?? "")/steps"
      let reply = #"{"actor":"Li","step":"reply"}"#
      #expect(try await ask(router, .post, path, reply).status == 428)
      let first = try await ask(router, .post, path, reply, headers: ["If-Match": opened.tag])
      #expect(first.status == 200)
      #expect(try await ask(router, .post, path, reply, headers: ["If-Match": opened.tag]).status == 412)
      #expect(try await ask(router, .post, path, reply, headers: ["If-Match": first.tag]).body["replies"]?.int64Value == 2)
    }
  }

  @Test("What is wrong is told by field, what is not possible by state")
  func refusals() async throws {
    try await withAPI { router in
      let bad = try await ask(router, .post, "/v1/tickets", #"{"actor":"Wang","customer_id":"x","kind":"bug","text":" "}"#)
      #expect(bad.status == 422)
      #expect(Set(bad.body["errors"]?.arrayValue?.compactMap { $0["field"]?.stringValue } ?? []) == ["customer_id", "kind", "text"])
      let opened = try await ask(router, .post, "/v1/tickets", Self.new)
      let path = "/v1/tickets/\(opened.body["ticket_id"]?.stringValue ?? "")/steps"
      func step(_ body: String) async throws -> Answer { try await ask(router, .post, path, body, headers: ["If-Match": opened.tag]) }
      #expect(try await step(#"{"actor":"Li","step":"close"}"#).status == 409)
      #expect(try await step(#"{"actor":"Li","step":"resolve","code":"fixed"}"#).body["errors"]?.arrayValue?.first?["field"] == "root_cause")
      #expect(try await step(#"{"actor":"Li","step":"resolve","code":"none"}"#).body["errors"]?.arrayValue?.first?["rule"] == "unknown")
      #expect(try await ask(router, .get, "/v1/tickets/00000000000000ff").status == 404)
      #expect(try await ask(router, .get, "/v1/tickets?state=lost").status == 422)
    }
  }

  @Test("Tickets of one customer become one with both histories; those of two are linked")
  func merging() async throws {
    try await withAPI { router in
      let one = try await ask(router, .post, "/v1/tickets", Self.new)
      let two = try await ask(router, .post, "/v1/tickets", Self.new)
      let other = try await ask(router, .post, "/v1/tickets", #"{"actor":"Wang","customer_id":"00000000000000c6","text":"q"}"#)
      func id(_ answer: Answer) -> String { answer.body["ticket_id"]?.stringValue ?? "" }
      let refused = try await ask(
        router, .post, "/v1/tickets/\(id(one))/merge", #"{"actor":"Li","into":"\#(id(other))"}"#, headers: ["If-Match": one.tag])
      #expect(refused.status == 409)
      let merged = try await ask(router, .post, "/v1/tickets/\(id(one))/merge", #"{"actor":"Li","into":"\#(id(two))"}"#, headers: ["If-Match": one.tag])
      #expect(merged.body["merged_into"]?.stringValue == id(two) && merged.body["state"] == "closed")
      #expect(try await ask(router, .get, "/v1/tickets/\(id(two))/history").body["events"]?.arrayValue?.count == 2)
      let target = try await ask(router, .get, "/v1/tickets/\(id(two))")
      let linked = try await ask(
        router, .post, "/v1/tickets/\(id(two))/links", #"{"actor":"Li","ticket_id":"\#(id(other))"}"#, headers: ["If-Match": target.tag])
      #expect(linked.status == 200)
      #expect(try await ask(router, .get, "/v1/tickets/\(id(other))/history").body["events"]?.arrayValue?.count == 2)
    }
  }
}
