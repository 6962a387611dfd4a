// K-09 on the tables and over HTTP: what was delivered is accepted with its value before the ticket closes, or the ticket is open again.
import Domain
import HTTP
import Handling
import Messaging
import Postgres
import Synchronization
import TestSupport
import Testing
import Text
import TicketsCore
import TicketsStore

@testable import tickets

@Suite("Acceptance of delivered work over HTTP", .enabled(if: TestDatabase.isAvailable, Comment(rawValue: TestDatabase.whyNot)))
struct AcceptanceAPITests {
  private final class MovedClock: BusinessClock {
    private let at: Mutex<Instant>

    init(_ at: Instant) { self.at = Mutex(at) }
    func now() -> Instant { at.withLock { $0 } }
    func pass(days: Int64) { at.withLock { $0 = $0.adding(seconds: days * 86_400) } }
  }

  private struct Answer {
    let status: Int
    let body: JSONValue
    let tag: String
  }

  private func withAPI(_ body: (Router, MovedClock, PostgresSettings, TicketRules) async throws -> Void) async throws {
    let settings = try Shipped.settings()
    try await Tables.with { database in
      let (pool, clock) = (PostgresPool(database), MovedClock(minute(0)))
      var router = Router()
      TicketsAPI(settings: settings, clock: clock, pool: pool).add(to: &router)
      try await body(router, clock, database, settings.rules.value)
      await pool.close()
    }
  }

  private func ask(_ router: Router, _ method: HTTPMethod, _ target: String, _ body: String = "", tag: String? = nil) async throws -> Answer {
    let headers: HTTPHeaders = tag.map { ["If-Match": $0] } ?? [:]
    let response = try await router.respond(to: try Request(method, target, headers: headers, body: Array(body.utf8)))
    return Answer(
      status: response.status.rawValue, body: response.bytes.flatMap { $0.isEmpty ? nil : try? JSONValue($0) } ?? .null, tag: response.headers["ETag"] ?? "")
  }

  /// A ticket whose work was delivered just now.
  private func delivered(_ router: Router, code: String = "delivered") async throws -> (path: String, answer: Answer) {
    let new = #"{"actor":"Wang","customer_id":"00000000000000c5","kind":"tailored_need","text":"a report of my own"}"#
    let opened = try await ask(router, .post, "/v1/tickets", new)
    let path = "/v1/tickets/\(opened.body["ticket_id"]?.stringValue ?? "")"
    let resolved = try await ask(router, .post, "\(path)/steps", #"{"actor":"Li","step":"resolve","code":"\#(code)"}"#, tag: opened.tag)
    #expect(resolved.status == 200, "\(resolved.body)")
    return (path, resolved)
  }

  private func awaited(_ router: Router, _ query: String = "") async throws -> [String] {
    let answer = try await ask(router, .get, "/v1/acceptances\(query)")
    #expect(answer.status == 200, "\(answer.body)")
    return (answer.body["tickets"]?.arrayValue ?? []).compactMap { $0["acceptance"]?["due_on"]?.stringValue }
  }

  @Test("What was delivered is awaited until its day, and accepted with what it gave; only then the ticket closes, by hand or by itself")
  func accepted() async throws {
    try await withAPI { router, clock, database, rules in
      let today = BusinessZone.utc.day(of: minute(0))
      let (path, resolved) = try await delivered(router)
      #expect(resolved.body["acceptance"]?["state"] == "awaited" && resolved.body["acceptance"]?["due_on"]?.stringValue == "\(today + 7)")
      #expect(try await awaited(router) == ["\(today + 7)"])
      #expect(try await ask(router, .post, "\(path)/steps", #"{"actor":"Li","step":"close"}"#, tag: resolved.tag).status == 409)
      let id = try #require(TicketID(resolved.body["ticket_id"]?.stringValue ?? ""))
      #expect(try await Tables.session(database) { try Tables.due($0)[id.number] } == nil, "it does not close by itself either")
      clock.pass(days: 7)
      #expect(try await awaited(router, "?overdue=true").isEmpty, "on its day it is not overdue")
      clock.pass(days: 1)
      #expect(try await awaited(router, "?overdue=true") == ["\(today + 7)"])
      let words = #"{"actor":"Li","outcome":"accepted","value":"partial","note":"two of three figures"}"#
      #expect(try await ask(router, .post, "\(path)/acceptance", words).status == 428)
      let accepted = try await ask(router, .post, "\(path)/acceptance", words, tag: resolved.tag)
      #expect(accepted.status == 200 && accepted.body["state"] == "resolved" && accepted.body["acceptance"]?["value"] == "partial", "\(accepted.body)")
      #expect(accepted.body["acceptance"]?["note"] == "two of three figures" && accepted.body["acceptance"]?["actor"] == "Li")
      #expect(try await awaited(router).isEmpty)
      #expect(try await ask(router, .get, path).body == accepted.body, "it is stored as it was answered")
      #expect(try await ask(router, .post, "\(path)/acceptance", words, tag: accepted.tag).status == 409)
      // Long after it was solved: it closes at the moment of the acceptance.
      let now = clock.now()
      let closed = try await Tables.session(database) { session -> TicketRecord? in
        #expect(try Tables.due(session)[id.number] == now)
        var store = PostgresTicketStore(session, at: now)
        _ = try TicketBatch.pass([id], &store, rules: rules, at: now)
        return try TicketQueries.ticket(id, session)
      }
      #expect(closed?.ticket.state == .closed && closed?.ticket.closedAt == now)
      let history = try await ask(router, .get, "\(path)/history").body["events"]?.arrayValue ?? []
      #expect(history.compactMap { $0["kind"]?.stringValue }.suffix(4) == ["resolve", "acceptance_asked", "accepted", "close"])
    }
  }

  @Test("What is rejected opens the ticket again, with a reason; the next delivery is accepted anew")
  func rejected() async throws {
    try await withAPI { router, clock, _, _ in
      let (path, resolved) = try await delivered(router, code: "fixed")
      let without = try await ask(router, .post, "\(path)/acceptance", #"{"actor":"Li","outcome":"rejected","value":"none"}"#, tag: resolved.tag)
      #expect(without.body["errors"]?.arrayValue?.first?["field"] == "reason")
      clock.pass(days: 1)
      let words = #"{"actor":"Li","outcome":"rejected","value":"none","reason":"it shows another year"}"#
      let rejected = try await ask(router, .post, "\(path)/acceptance", words, tag: resolved.tag)
      #expect(rejected.status == 200 && rejected.body["state"] == "reopened" && rejected.body["acceptance"] == .null, "\(rejected.body)")
      #expect(rejected.body["times_reopened"] == 1)
      #expect(try await awaited(router).isEmpty)
      let history = try await ask(router, .get, "\(path)/history").body["events"]?.arrayValue ?? []
      #expect(history.filter { $0["kind"] == "acceptance_rejected" }.first?["reason"] == "it shows another year")
      let again = try await ask(router, .post, "\(path)/steps", #"{"actor":"Li","step":"resolve","code":"delivered"}"#, tag: rejected.tag)
      #expect(again.body["acceptance"]?["due_on"]?.stringValue == "\(BusinessZone.utc.day(of: minute(0)) + 8)")
      // The customer writes before anybody said anything: there is nothing to accept any more.
      let message = try await ask(router, .post, "\(path)/steps", #"{"actor":"Li","step":"message","text":"still wrong"}"#, tag: again.tag)
      #expect(message.body["state"] == "reopened" && message.body["acceptance"] == .null)
      #expect(try await awaited(router).isEmpty)
    }
  }

  @Test("What was declined is no delivery; pages follow one another by the day")
  func others() async throws {
    try await withAPI { router, clock, _, _ in
      #expect(try await delivered(router, code: "declined").answer.body["acceptance"] == .null)
      for _ in 0..<3 {
        _ = try await delivered(router)
        clock.pass(days: 1)
      }
      let first = try await ask(router, .get, "/v1/acceptances?limit=2")
      let rest = try await awaited(router, "?limit=2&after=\(first.body["next"]?.stringValue ?? "")")
      #expect(first.body["tickets"]?.arrayValue?.count == 2 && rest == ["\(BusinessZone.utc.day(of: minute(0)) + 9)"])
      for query in ["?after=x", "?overdue=maybe", "?limit=0"] { #expect(try await ask(router, .get, "/v1/acceptances\(query)").status == 422) }
    }
  }
}
