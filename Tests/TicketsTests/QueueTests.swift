// Queues by what is due first, and how many tickets are where (K-05, K-07).
import Domain
import HTTP
import Handling
import Postgres
import Runtime
import TestSupport
import Testing
import Text

@testable import tickets

@Suite("Queues of tickets", .enabled(if: TestDatabase.isAvailable, Comment(rawValue: TestDatabase.whyNot)))
struct QueueTests {
  private struct Desk {
    let settings: TicketsSettings
    let tables: PostgresSettings
    let pool: PostgresPool

    func ask(_ method: HTTPMethod = .get, _ target: String, _ body: String = "", tag: String? = nil, at now: Instant) async throws -> (
      status: Int, body: JSONValue, tag: String
    ) {
      var router = Router()
      TicketsAPI(settings: settings, clock: FixedClock(now), pool: pool).add(to: &router)
      let response = try await router.respond(
        to: try Request(method, target, headers: tag.map { ["If-Match": $0] } ?? [:], body: Array(body.utf8)))
      return (response.status.rawValue, response.bytes.flatMap { try? JSONValue($0) } ?? .null, response.headers["ETag"] ?? "")
    }

    /// All pages of a list.
    func list(_ query: String, limit: Int, at now: Instant) async throws -> [JSONValue] {
      var (tickets, after): ([JSONValue], String?) = ([], nil)
      repeat {
        let page = try await ask(.get, "/v1/tickets?\(query)&limit=\(limit)" + (after.map { "&after=\($0)" } ?? ""), at: now)
        #expect(page.status == 200, "\(page.body)")
        tickets += page.body["tickets"]?.arrayValue ?? []
        after = page.body["next"]?.stringValue
      } while after != nil && tickets.count < 1_000
      return tickets
    }
  }

  private func withDesk(_ body: (Desk) async throws -> Void) async throws {
    let settings = try Shipped.settings()
    try await Tables.with { tables in
      let pool = PostgresPool(tables)
      try await body(Desk(settings: settings, tables: tables, pool: pool))
      await pool.close()
    }
  }

  /// Tickets of many kinds, opened over a day, each left somewhere on its way; drawn by a seed.
  private func fill(_ desk: Desk, _ count: Int) async throws {
    var random = Seeded(state: 20_261_130)
    let kinds = ["question", "fault", "complaint", "suggestion", "delivery"]
    for number in 0..<count {
      let at = minute(Int64(random.next() % 1_440))
      let (kind, urgency) = (kinds[Int(random.next() % 5)], ["blocked", "degraded", "question"][Int(random.next() % 3)])
      let new = #"{"actor":"W","customer_id":"00000000000000\#(["c5", "c6", "c7"][number % 3])","kind":"\#(kind)","urgency":"\#(urgency)","text":"t"}"#
      var ticket = try await desk.ask(.post, "/v1/tickets", new, at: at)
      guard ticket.status == 201 else {
        Issue.record("\(ticket.body)")
        return
      }
      let path = "/v1/tickets/\(ticket.body["ticket_id"]?.stringValue ?? "")"
      let owner = ["Li", "Zhao", ""][Int(random.next() % 3)]
      if !owner.isEmpty { ticket = try await desk.ask(.post, "\(path)/assignment", #"{"actor":"W","owner":"\#(owner)"}"#, tag: ticket.tag, at: at) }
      let steps = [
        #"{"actor":"L","step":"reply"}"#, #"{"actor":"L","step":"wait_for_customer"}"#,
        #"{"actor":"L","step":"resolve","code":"fixed","root_cause":"product"}"#,
      ]
      for step in steps.prefix(Int(random.next() % 4)) {
        ticket = try await desk.ask(.post, "\(path)/steps", step, tag: ticket.tag, at: Instant(microseconds: at.microseconds + 60_000_000))
        #expect(ticket.status == 200, "\(ticket.body)")
      }
    }
  }

  /// When something is due, as the ticket's own clocks tell it; nil: nothing counts.
  private static func due(_ ticket: JSONValue) -> Int64? {
    (ticket["clocks"]?.arrayValue ?? []).filter { clock in
      clock["outcome"] == "running" || (clock["outcome"] == "missed" && clock["done_at"] == .null)
    }.compactMap { $0["deadline"]?.stringValue.flatMap { try? RFC3339.parse($0) } }.min()
  }

  @Test("What is due first comes first, page by page, each ticket once, and what nothing counts of last; the counts are those of the list")
  func byDeadline() async throws {
    try await withDesk { desk in
      try await fill(desk, 60)
      let now = minute(1_800)
      let all = try await desk.list("state=unresolved", limit: 200, at: now)
      func id(_ ticket: JSONValue) -> String { ticket["ticket_id"]?.stringValue ?? "" }
      let expected = all.sorted { (QueueTests.due($0) ?? .max, id($0)) < (QueueTests.due($1) ?? .max, id($1)) }
      #expect(all.count > 20 && expected.contains { QueueTests.due($0) == nil } && expected != all)
      let paged = try await desk.list("state=unresolved&order=due", limit: 7, at: now)
      #expect(paged.map(id) == expected.map(id))
      func isDue(_ ticket: JSONValue, by moment: Instant) -> Bool { QueueTests.due(ticket).map { $0 <= moment.microseconds } ?? false }
      let late = expected.filter { isDue($0, by: now) }
      #expect(!late.isEmpty && late.count < expected.count)
      #expect(try await desk.list("state=unresolved&order=due&late=true", limit: 200, at: now).map(id) == late.map(id))
      #expect(try await desk.list("state=unresolved&late=true", limit: 200, at: now).map(id).sorted() == late.map(id).sorted())
      let day = try #require(Day("2026-12-01"))
      let today = expected.filter { isDue($0, by: Instant(microseconds: BusinessZone.utc.startOfDay(day + 1).microseconds - 1)) }
      #expect(try await desk.list("state=unresolved&order=due&due_by=\(day)", limit: 3, at: now).map(id) == today.map(id))
      let free = expected.filter { $0["owner"] == .null }
      #expect(try await desk.list("state=unresolved&order=due&unassigned=true", limit: 4, at: now).map(id) == free.map(id))
      let ofOne = expected.filter { $0["customer_id"] == "00000000000000c6" }
      #expect(try await desk.list("state=unresolved&order=due&customer_id=00000000000000c6", limit: 5, at: now).map(id) == ofOne.map(id))

      let counts = try await desk.ask(.get, "/v1/tickets/counts?state=unresolved&mine=Li&my_team=none", at: now).body
      let soon = expected.filter { isDue($0, by: Instant(microseconds: now.microseconds + 3_600_000_000)) }.count - late.count
      #expect(counts["tickets"] == .integer(Int64(expected.count)) && counts["late"] == .integer(Int64(late.count)))
      #expect(counts["due_soon"] == .integer(Int64(soon)) && counts["unassigned"] == .integer(Int64(free.count)) && counts["my_team"] == 0)
      #expect(counts["mine"] == .integer(Int64(expected.count { $0["owner"] == "Li" })))
      let whole = try await desk.ask(.get, "/v1/tickets/counts", at: now).body
      #expect(whole["tickets"] == 60 && whole["late"] == .integer(Int64(late.count)) && whole["mine"] == .null)
      let one = try await desk.ask(.get, "/v1/tickets/counts?customer_id=00000000000000c6&state=unresolved", at: now).body
      #expect(one["tickets"] == .integer(Int64(ofOne.count)))
    }
  }

  @Test("Tickets from before the column was there get what their clocks say")
  func migrated() async throws {
    try await withDesk { desk in
      try await fill(desk, 40)
      try await Tables.session(desk.tables) { session in
        func due() throws -> [Int64] {
          let rows = try session.query(Statement(name: "", sql: "SELECT due_at FROM tickets ORDER BY ticket_id"))
          return try (0..<rows.count).map { try rows.timestamptz($0, 0) }
        }
        let written = try due()
        try session.execute("ALTER TABLE tickets DROP COLUMN due_at")
        try session.execute(try #require(Resources.text("Services/Tickets/Store/migrations/0014_add_due.sql")))
        #expect(try due() == written && Set(written).count > 10)
      }
    }
  }

  @Test("By what is due first there are open tickets only, and everything that is wrong with a question is said at once")
  func refused() async throws {
    try await withDesk { desk in
      try await fill(desk, 20)
      let (now, open) = (minute(1_800), try await desk.list("state=unresolved", limit: 200, at: minute(1_800)))
      #expect(try await desk.list("order=due", limit: 200, at: now).count == open.count && open.count < 20)
      #expect(try await desk.list("order=due&state=resolved", limit: 200, at: now).isEmpty)
      let name = String(repeating: "m", count: 101)
      let wrong = try await desk.ask(.get, "/v1/tickets/counts?state=lost&late=maybe&due_by=tomorrow&kind=x&mine=\(name)", at: now)
      #expect(wrong.body["errors"]?.arrayValue?.compactMap { $0["field"]?.stringValue }.sorted() == ["due_by", "kind", "late", "mine", "state"])
      let order = try await desk.ask(.get, "/v1/tickets?order=age", at: now)
      #expect(order.status == 422 && order.body["errors"]?[0]?["field"] == "order")
    }
  }
}
