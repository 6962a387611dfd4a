// K-08 on the tables and over HTTP: four eyes, the year's cap over merges and under concurrency, the history, the report.
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

@Suite("What customers are given", .enabled(if: TestDatabase.isAvailable, Comment(rawValue: TestDatabase.whyNot)))
struct GrantTableTests {
  private struct Answer {
    let status: Int
    let body: JSONValue
    let tag: String
  }

  private struct Desk: Sendable {
    let router: Router
    let pool: PostgresPool

    func ask(_ method: HTTPMethod = .get, _ target: String, _ body: String = "", seen: String? = nil) async throws -> Answer {
      let headers: HTTPHeaders = seen.map { ["If-Match": $0] } ?? [:]
      let response = try await router.respond(to: try Request(method, target, headers: headers, body: Array(body.utf8)))
      return Answer(
        status: response.status.rawValue, body: response.bytes.flatMap { $0.isEmpty ? nil : try? JSONValue($0) } ?? .null,
        tag: response.headers["ETag"] ?? "")
    }

    /// Opens a ticket of a customer; its path and its tag.
    func open(_ customer: String) async throws -> (path: String, tag: String) {
      let opened = try await ask(.post, "/v1/tickets", #"{"actor":"Wang","customer_id":"\#(customer)","text":"down"}"#)
      return ("/v1/tickets/\(opened.body["ticket_id"]?.stringValue ?? "")", opened.tag)
    }

    func give(_ amount: String, by actor: String, on path: String, seen: String = "*") async throws -> Answer {
      try await ask(.post, "\(path)/grants", #"{"actor":"\#(actor)","amount":\#(amount),"reason":"late"}"#, seen: seen)
    }
  }

  private func withDesk(_ body: (Desk, PostgresSettings, TicketRules) async throws -> Void) async throws {
    let settings = try People.settings()
    try await Tables.with { database in
      let pool = PostgresPool(database)
      var router = Router()
      TicketsAPI(settings: settings, clock: FixedClock(minute(0)), pool: pool).add(to: &router)
      GrantsAPI(settings: settings, clock: FixedClock(minute(0)), pool: pool).add(to: &router)
      ServiceFiguresAPI(settings: settings, zone: .utc, clock: FixedClock(minute(0)), pool: pool).add(to: &router)
      try await body(Desk(router: router, pool: pool), database, settings.rules.value)
      await pool.close()
    }
  }

  private static let (one, two) = ("00000000000000c5", "00000000000000c6")

  @Test("What is more than the role may give waits for somebody else; who asked cannot agree; the ticket's history and the report tell it")
  func fourEyes() async throws {
    try await withDesk { desk, _, _ in
      let (path, tag) = try await desk.open(Self.one)
      let given = try await desk.give("40.5", by: "An", on: path, seen: tag)
      #expect(given.status == 201 && given.body["state"] == "granted" && given.body["decided_by"] == "An", "\(given.body)")
      #expect(try await desk.give("1", by: "An", on: path, seen: tag).status == 412, "the same once more gives nothing twice")
      let asked = try await desk.give("20", by: "An", on: path)
      #expect(asked.status == 202 && asked.body["state"] == "waiting" && asked.body["decided_at"] == .null)
      let grant = "/v1/grants/\(asked.body["grant_id"]?.stringValue ?? "")"
      #expect(try await desk.ask(.get, "/v1/grants?state=waiting").body["grants"]?.arrayValue?.count == 1)
      #expect(try await desk.ask(.post, "\(grant)/approval", #"{"actor":"An"}"#, seen: asked.tag).status == 409)
      #expect(try await desk.ask(.post, "\(grant)/approval", #"{"actor":"Xu"}"#, seen: asked.tag).status == 422)
      #expect(try await desk.ask(.post, "\(grant)/approval", #"{"actor":"Le"}"#).status == 428)
      let approved = try await desk.ask(.post, "\(grant)/approval", #"{"actor":"Le"}"#, seen: asked.tag)
      #expect(approved.status == 200 && approved.body["state"] == "granted" && approved.body["decided_by"] == "Le")
      #expect(try await desk.ask(.post, "\(grant)/rejection", #"{"actor":"Mo","reason":"r"}"#, seen: asked.tag).status == 412)
      let upgrade = try await desk.ask(.post, "\(path)/grants", #"{"actor":"Le","upgrade":"express","reason":"late"}"#, seen: "*")
      #expect(upgrade.status == 201 && upgrade.body["amount"]?.numberText == "30.50")
      let kinds = try await desk.ask(.get, "\(path)/history").body["events"]?.arrayValue?.compactMap { $0["kind"]?.stringValue }
      #expect(kinds?.suffix(4) == ["granted", "grant_asked", "granted", "granted"])
      let total = try await desk.ask(.get, "/v1/reports/service?month=2026-11&by=team").body["total"]
      #expect(total?["compensation"]?.numberText == "60.50" && total?["upgrades"]?.numberText == "30.50")
      let left = try await desk.ask(.get, "/v1/customers/\(Self.one)/allowance").body
      #expect(left["year"] == 2026 && left["cap"]?.numberText == "100.00" && left["given"]?.numberText == "91.00" && left["left"]?.numberText == "9.00")
      let beyond = try await desk.give("9.01", by: "Mo", on: path)
      #expect(beyond.status == 409 && beyond.body["detail"]?.stringValue?.contains("9.00 CNY more this year") == true)
    }
  }

  @Test("What is wrong is told by field, and nothing is given for a ticket that is part of another")
  func refusals() async throws {
    try await withDesk { desk, _, _ in
      let (path, _) = try await desk.open(Self.one)
      for body in [#""amount":0"#, #""amount":1.001"#, #""amount":"5""#, #""amount":-1"#, #""amount":5,"upgrade":"express""#, #""upgrade":"gold""#, ""] {
        let members = body.isEmpty ? "" : ",\(body)"
        let answer = try await desk.ask(.post, "\(path)/grants", #"{"actor":"An","reason":"r"\#(members)}"#, seen: "*")
        #expect(answer.status == 422, "\(body): \(answer.body)")
      }
      #expect(try await desk.ask(.post, "\(path)/grants", #"{"actor":"An","amount":5}"#, seen: "*").body["errors"]?.arrayValue?.first?["field"] == "reason")
      let (other, tag) = try await desk.open(Self.one)
      _ = try await desk.ask(.post, "\(other)/merge", #"{"actor":"Li","into":"\#(path.dropFirst(12))"}"#, seen: tag)
      #expect(try await desk.give("1", by: "An", on: other).status == 409)
      #expect(try await desk.ask(.get, "/v1/grants/00000000000000ff").status == 404)
      #expect(try await desk.ask(.get, "/v1/grants?state=lost").status == 422)
    }
  }

  @Test("What a customer was given before it became part of another counts for that one, and no longer when the merge is undone")
  func merges() async throws {
    try await withDesk { desk, database, rules in
      let ((first, _), (second, _)) = (try await desk.open(Self.one), try await desk.open(Self.two))
      #expect(try await desk.give("80", by: "Le", on: first).status == 201)
      #expect(try await desk.give("15", by: "Le", on: second).status == 201)
      func relocate(_ customer: Int64, _ version: Int64) async throws {
        try await Tables.session(database) { session in
          _ = try session.transaction { session in
            var store = PostgresTicketStore(session, lane: "l", at: minute(1))
            return try TicketBatch.moved([move(0xC6, to: customer, version, at: minute(1))], &store, rules: rules, at: minute(1))
          }
        }
      }
      try await relocate(0xC5, 4)
      #expect(try await desk.ask(.get, "/v1/customers/\(Self.one)/allowance").body["left"]?.numberText == "5.00")
      #expect(try await desk.give("5.01", by: "Le", on: second).status == 409)
      try await relocate(0xC6, 6)
      #expect(try await desk.ask(.get, "/v1/customers/\(Self.one)/allowance").body["left"]?.numberText == "20.00")
      #expect(try await desk.give("85", by: "Le", on: second).status == 201)
    }
  }

  @Test("Of many grants at once on several tickets of one customer no two slip under the cap together")
  func atOnce() async throws {
    try await withDesk { desk, _, _ in
      var paths: [String] = []
      for _ in 0..<6 { paths.append(try await desk.open(Self.one).path) }
      let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
        for path in paths { group.addTask { try await desk.give("30", by: "An", on: path).status } }
        return try await group.reduce(into: [Int]()) { $0.append($1) }
      }
      #expect(statuses.sorted() == [201, 201, 201, 409, 409, 409])
      #expect(try await desk.ask(.get, "/v1/customers/\(Self.one)/allowance").body["given"]?.numberText == "90.00")
    }
  }
}

extension JSONValue {
  fileprivate var numberText: String? { if case .number(let text) = self { text } else { nil } }
}
