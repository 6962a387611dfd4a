// K-11 on the tables and over HTTP: a month is drawn once, from the records that count, and marked over what was seen.
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

@Suite("Spot checks", .enabled(if: TestDatabase.isAvailable, Comment(rawValue: TestDatabase.whyNot)))
struct SpotCheckTableTests {
  private static func ticket(
    _ number: Int64, at: Instant, _ tier: String?, isResolved: Bool = true, isMerged: Bool = false, rules: TicketRules
  ) throws -> TicketRecord {
    let (book, ladder) = (rules.book, rules.desk.ladder)
    var ticket = Ticket.open(
      TicketID(number: number), TicketSubject(), tier: tier.flatMap { TierID($0) }, at: at, by: .customer, rules: book).ticket
    if isResolved {
      let resolution = TicketResolution(code: "answered")
      _ = try ticket.take(.resolve, by: TicketActor("An"), at: at.adding(seconds: 60), resolution: resolution, rules: book, ladder: ladder)
    }
    if isMerged { _ = try ticket.merge(into: TicketID(number: 1), by: TicketActor("Li"), at: at, rules: book, ladder: ladder) }
    let customer = CustomerID(number: 10_000 + number)
    return TicketRecord(ticket: ticket, version: 1, identity: customer, customer: customer, origin: TicketOrigin(), owner: "An")
  }

  /// November 2026 in UTC: 25 of VIP, 11 of normal, one of an unknown tier; others that do not count. It is the third of December.
  private func withMonth(_ body: (Router, PostgresSettings) async throws -> Void) async throws {
    let settings = try Shipped.settings()
    let rules = settings.rules.value
    let start = BusinessZone.utc.startOfDay(try #require(Day("2026-11-01")))
    let end = BusinessZone.utc.startOfDay(try #require(Day("2026-12-01")))
    try await Tables.with { database in
      try await Tables.session(database) { session in
        var records: [TicketRecord] = []
        for number in Int64(1)...25 { records.append(try Self.ticket(number, at: start.adding(seconds: number), "vip", rules: rules)) }
        for number in Int64(26)...36 { records.append(try Self.ticket(number, at: start.adding(seconds: number), "normal", rules: rules)) }
        records.append(try Self.ticket(37, at: end.adding(seconds: -1), nil, rules: rules))
        records.append(try Self.ticket(38, at: start.adding(seconds: -1), "vip", rules: rules))
        records.append(try Self.ticket(39, at: end, "vip", rules: rules))
        records.append(try Self.ticket(40, at: start, "vip", isResolved: false, rules: rules))
        records.append(try Self.ticket(41, at: start, "vip", isResolved: false, isMerged: true, rules: rules))
        var changes = TicketChanges()
        changes.opened = records
        var store = PostgresTicketStore(session, at: minute(0))
        try store.write(changes, rules)
      }
      let pool = PostgresPool(database)
      var api = SpotChecksAPI(settings: settings, clock: FixedClock(end.adding(seconds: 200_000)), pool: pool)
      api.draw = { 0xABC }
      var router = Router()
      api.add(to: &router)
      try await body(router, database)
      await pool.close()
    }
  }

  private func ask(
    _ router: Router, _ method: HTTPMethod, _ target: String, _ body: String = "", seen: String? = nil
  ) async throws -> (status: Int, body: JSONValue, tag: String) {
    let headers: HTTPHeaders = seen.map { ["If-Match": $0] } ?? [:]
    let response = try await router.respond(to: try Request(method, target, headers: headers, body: Array(body.utf8)))
    return (response.status.rawValue, response.bytes.flatMap { $0.isEmpty ? nil : try? JSONValue($0) } ?? .null, response.headers["ETag"] ?? "")
  }

  private func strata(_ check: JSONValue) -> [String] {
    (check["strata"]?.arrayValue ?? []).map { stratum in
      let counts = ["population", "drawn", "checked", "passed"].map { stratum[$0]?.int64Value.map(String.init) ?? "?" }
      return ([stratum["tier"]?.stringValue ?? "-"] + counts).joined(separator: " ")
    }
  }

  @Test("A month that is over is drawn once, a tenth of each tier of what was resolved; the seed draws the same again")
  func drawing() async throws {
    try await withMonth { router, database in
      #expect(try await ask(router, .get, "/v1/spot-checks/2026-11").status == 404)
      let drawn = try await ask(router, .post, "/v1/spot-checks", #"{"actor":"Wu","month":"2026-11"}"#)
      #expect(drawn.status == 201 && strata(drawn.body) == ["normal 11 2 0 0", "vip 25 3 0 0", "- 1 1 0 0"], "\(drawn.body)")
      #expect(drawn.body["seed"] == "abc" && drawn.body["total"]?["drawn"] == 6 && drawn.body["total"]?["passed_percent"] == .null)
      let again = try await ask(router, .post, "/v1/spot-checks", #"{"actor":"Li","month":"2026-11","seed":"def"}"#)
      #expect(again.status == 200 && again.body == drawn.body, "who comes second gets what was drawn")
      let listed = try await ask(router, .get, "/v1/spot-checks/2026-11/tickets").body["tickets"]?.arrayValue?.compactMap { $0["ticket_id"]?.stringValue }
      // Anybody can draw it again from the tickets and the seed; here in small pages, in another database.
      var draw = SpotDraw(seed: 0xABC)
      for number in Int64(1)...37 { draw.add(TicketID(number: number), number <= 25 ? TierID("vip") : number <= 36 ? TierID("normal") : nil) }
      #expect(listed == draw.result.flatMap(\.drawn).sorted().map(\.description))
      let start = BusinessZone.utc.startOfDay(try #require(Day("2026-11-01")))
      let paged = try await Tables.session(database) { session in
        try session.transaction { session in
          _ = try session.run(Statement(name: "", sql: "DELETE FROM spot_checks"))
          _ = try session.run(Statement(name: "", sql: "DELETE FROM spot_check_strata"))
          _ = try session.run(Statement(name: "", sql: "DELETE FROM spot_check_tickets"))
          let month = try #require(Day("2026-11-01")).month
          _ = try SpotCheckQueries.draw(
            month, from: start, until: start.adding(seconds: 30 * 86_400), seed: 0xABC, by: TicketActor("Wu"), at: minute(0), limit: 4, session)
          return try SpotCheckQueries.page(month, isChecked: nil, after: nil, limit: 50, session).map(\.ticket.description)
        }
      }
      #expect(paged == listed)
      for month in ["2026-12", "2027-01", "2026-13", "november"] {
        let refused = try await ask(router, .post, "/v1/spot-checks", #"{"actor":"Wu","month":"\#(month)"}"#)
        #expect(refused.status == 422 && refused.body["errors"]?.arrayValue?.first?["field"] == "month", "\(month)")
      }
    }
  }

  @Test("What was drawn is marked point by point over what was seen, never by who worked on it, and the tiers tell how much passed")
  func marking() async throws {
    try await withMonth { router, _ in
      _ = try await ask(router, .post, "/v1/spot-checks", #"{"actor":"Wu","month":"2026-11"}"#)
      let page = try await ask(router, .get, "/v1/spot-checks/2026-11/tickets?limit=1").body
      #expect(page["next"] == page["tickets"]?.arrayValue?.first?["ticket_id"])
      let id = try #require(page["next"]?.stringValue)
      let path = "/v1/spot-checks/2026-11/tickets/\(id)"
      let seen = try await ask(router, .get, path)
      #expect(seen.body["is_passed"] == .null && seen.body["marks"]?["polite"] == .null)
      func marks(_ polite: String, by actor: String = "Wu") -> String {
        #"{"actor":"\#(actor)","note":"n","marks":{"understood":"pass","complete":"pass","polite":"\#(polite)","promised":"not_applicable","recorded":"pass"}}"#
      }
      #expect(try await ask(router, .post, path, marks("pass")).status == 428)
      #expect(try await ask(router, .post, path, marks("pass", by: "An"), seen: seen.tag).status == 409)
      #expect(try await ask(router, .post, path, marks("good"), seen: seen.tag).status == 422)
      let partly = try await ask(router, .post, path, #"{"actor":"Wu","marks":{"polite":"pass"}}"#, seen: seen.tag)
      #expect(partly.body["errors"]?.arrayValue?.first?["rule"] == "missing")
      let failed = try await ask(router, .post, path, marks("fail"), seen: seen.tag)
      #expect(failed.status == 200 && failed.body["is_passed"] == false && failed.body["checked_by"] == "Wu", "\(failed.body)")
      #expect(try await ask(router, .post, path, marks("pass"), seen: seen.tag).status == 412)
      #expect(try await ask(router, .post, path, marks("pass"), seen: failed.tag).body["is_passed"] == true)
      let total = try await ask(router, .get, "/v1/spot-checks/2026-11").body["total"]
      #expect(total?["checked"] == 1 && total?["passed"] == 1 && total?["passed_percent"] == 100)
      #expect(try await ask(router, .get, "/v1/spot-checks/2026-11/tickets?checked=false").body["tickets"]?.arrayValue?.count == 5)
      #expect(try await ask(router, .get, "/v1/spot-checks/2026-11/tickets?checked=maybe").status == 422)
      #expect(try await ask(router, .get, "/v1/spot-checks/2026-11/tickets/0000000000000028").status == 404)
    }
  }
}
