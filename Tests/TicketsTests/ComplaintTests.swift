// K-10 on the tables and over HTTP: complaints by matter against the period before, and the record of what is done about them.
import Domain
import HTTP
import Handling
import Postgres
import Runtime
import Synchronization
import TestSupport
import Testing
import Text
import TicketsCore
import TicketsStore

@testable import tickets

/// A business clock that a test moves.
private final class MovedClock: BusinessClock {
  private let at: Mutex<Instant>

  init(_ at: Instant) { self.at = Mutex(at) }
  func now() -> Instant { at.withLock { $0 } }
  func move(to moment: Instant) { at.withLock { $0 = moment } }
}

@Suite("Complaints and what is done about them", .enabled(if: TestDatabase.isAvailable, Comment(rawValue: TestDatabase.whyNot)))
struct ComplaintTests {
  /// Noon of a day of the business year 2026, in UTC.
  private static func noon(_ day: String) -> Instant { (Day(day).map(BusinessZone.utc.startOfDay) ?? minute(0)).adding(seconds: 43_200) }

  /// A ticket opened at noon, resolved with a root cause if there is one.
  private static func ticket(
    _ number: Int64, _ day: String, _ kind: ContactEvent.Kind, _ category: String, _ cause: String?, isMerged: Bool = false, rules: TicketRules
  ) throws -> TicketRecord {
    let (book, ladder) = (rules.book, rules.desk.ladder)
    let subject = TicketSubject(kind: kind, category: category)
    var ticket = Ticket.open(TicketID(number: number), subject, tier: nil, at: noon(day), by: .customer, rules: book).ticket
    if let cause {
      let resolution = TicketResolution(code: "fixed", rootCause: cause)
      _ = try ticket.take(.resolve, by: TicketActor("Li"), at: noon(day), resolution: resolution, rules: book, ladder: ladder)
    }
    if isMerged { _ = try ticket.merge(into: TicketID(number: 1), by: TicketActor("Li"), at: noon(day), rules: book, ladder: ladder) }
    let customer = CustomerID(number: 100 + number)
    return TicketRecord(ticket: ticket, version: 1, identity: customer, customer: customer, origin: TicketOrigin())
  }

  private func withComplaints(_ body: (Router, MovedClock) async throws -> Void) async throws {
    let settings = try Shipped.settings()
    let rules = settings.rules.value
    try await Tables.with { database in
      try await Tables.session(database) { session in
        var changes = TicketChanges()
        // One in September, two in the first half of October and one at its end, three in the first half of November; a fault is no complaint, one that
        // became part of another is none of its own.
        let days = ["2026-09-20", "2026-10-02", "2026-10-09", "2026-10-30", "2026-11-03", "2026-11-04", "2026-11-10"]
        changes.opened = try days.enumerated().map { try Self.ticket(Int64($0.offset + 1), $0.element, .complaint, "late", "logistics", rules: rules) }
        changes.opened.append(try Self.ticket(20, "2026-11-05", .complaint, "", nil, rules: rules))
        changes.opened.append(try Self.ticket(22, "2026-11-05", .complaint, "late", nil, isMerged: true, rules: rules))
        changes.opened.append(try Self.ticket(21, "2026-11-05", .fault, "late", "logistics", rules: rules))
        var store = PostgresTicketStore(session, at: minute(0))
        try store.write(changes, rules)
      }
      let pool = PostgresPool(database)
      let clock = MovedClock(Self.noon("2026-12-05"))
      var router = Router()
      ComplaintsAPI(settings: settings, clock: clock, pool: pool).add(to: &router)
      try await body(router, clock)
      await pool.close()
    }
  }

  private func ask(
    _ router: Router, _ method: HTTPMethod, _ target: String, _ body: String = "", headers: HTTPHeaders = [:]
  ) async throws -> (status: Int, body: JSONValue, tag: String) {
    let response = try await router.respond(to: try Request(method, target, headers: headers, body: Array(body.utf8)))
    return (response.status.rawValue, response.bytes.flatMap { $0.isEmpty ? nil : try? JSONValue($0) } ?? .null, response.headers["ETag"] ?? "")
  }

  private func spots(_ report: JSONValue) -> [String] {
    (report["spots"]?.arrayValue ?? []).map { spot in
      let words = [spot["root_cause"]?.stringValue ?? "-", spot["category"]?.stringValue ?? "-"]
      let counts = ["complaints", "before"].map { spot[$0]?.int64Value.map(String.init) ?? "?" }
      return (words + counts + (spot["is_hot"] == true ? ["hot"] : [])).joined(separator: " ")
    }
  }

  @Test("A month is told against the month before; one that runs against as much of the month before")
  func hotSpots() async throws {
    try await withComplaints { router, clock in
      let whole = try await ask(router, .get, "/v1/reports/complaints?month=2026-11").body
      #expect(spots(whole) == ["logistics late 3 3", "- - 1 0"] && whole["complaints"] == 4 && whole["before"] == 3)
      clock.move(to: Self.noon("2026-11-10").adding(seconds: 60))
      let running = try await ask(router, .get, "/v1/reports/complaints").body
      #expect(spots(running) == ["logistics late 3 2 hot", "- - 1 0"], "the end of October is left out")
      #expect(running["before_until"]?.stringValue?.hasPrefix("2026-10-10T12:01") == true && running["month"] == "2026-11")
      #expect(try await ask(router, .get, "/v1/reports/complaints?month=2026-12").status == 422)
    }
  }

  @Test("The loop is written step by step, each over what was seen, and closed with the complaints before and after")
  func loop() async throws {
    try await withComplaints { router, clock in
      clock.move(to: Self.noon("2026-10-05"))
      let new = #"{"actor":"Li","text":"parcels late","root_cause":"logistics","window_days":20}"#
      let opened = try await ask(router, .post, "/v1/improvements", new, headers: ["Idempotency-Key": "k"])
      #expect(opened.status == 201 && opened.body["next"] == "cause" && opened.body["figures"] == .null, "\(opened.body)")
      #expect(try await ask(router, .post, "/v1/improvements", new, headers: ["Idempotency-Key": "k"]).status == 200)
      let path = "/v1/improvements/\(opened.body["improvement_id"]?.stringValue ?? "")"
      func step(_ body: String, _ tag: String) async throws -> (status: Int, body: JSONValue, tag: String) {
        try await ask(router, .post, "\(path)/steps", body, headers: ["If-Match": tag])
      }
      #expect(try await ask(router, .post, "\(path)/steps", #"{"actor":"Li","step":"cause","text":"c"}"#).status == 428)
      let cause = try await step(#"{"actor":"Li","step":"cause","text":"one carrier"}"#, opened.tag)
      #expect(try await step(#"{"actor":"Wu","step":"cause","text":"another"}"#, opened.tag).status == 412)
      #expect(try await step(#"{"actor":"Li","step":"effect","text":"x"}"#, cause.tag).status == 409)
      let measure = try await step(#"{"actor":"Li","step":"measure","text":"a second carrier","effective_at":"2026-10-20T00:00:00Z"}"#, cause.tag)
      #expect(measure.body["figures"]?["before"] == 2 && measure.body["figures"]?["is_whole"] == false)
      #expect(try await step(#"{"actor":"Li","step":"effect","text":"better"}"#, measure.tag).status == 409)
      clock.move(to: Self.noon("2026-11-20"))
      let effect = try await step(#"{"actor":"Li","step":"effect","text":"no better","reason":"counted"}"#, measure.tag)
      #expect(effect.status == 200 && effect.body["figures"]?["before"] == 2 && effect.body["figures"]?["after"] == 3)
      #expect(effect.body["figures"]?["change_percent"] == 50 && effect.body["next"] == .null)
      let shown = try await ask(router, .get, path)
      #expect(shown.body == effect.body && shown.body["steps"]?.arrayValue?.map { $0["actor"]?.stringValue } == ["Li", "Li", "Li", "Li"])
      #expect(try await ask(router, .get, "/v1/improvements?reached=effect").body["improvements"]?.arrayValue?.count == 1)
      #expect(try await ask(router, .get, "/v1/improvements?reached=cause").body["improvements"]?.arrayValue?.isEmpty == true)
    }
  }

  @Test("What is wrong is told by field")
  func refusals() async throws {
    try await withComplaints { router, _ in
      let answer = try await ask(router, .post, "/v1/improvements", #"{"actor":"Li","text":" ","root_cause":"moon","window_days":0}"#)
      #expect(answer.body["errors"]?.arrayValue?.compactMap { $0["field"]?.stringValue } == ["text", "root_cause", "window_days"])
      #expect(try await ask(router, .post, "/v1/improvements", #"{"actor":"Li","text":"t"}"#).body["errors"]?.arrayValue?.first?["rule"] == "missing")
      #expect(try await ask(router, .get, "/v1/improvements/00000000000000ff").status == 404)
      #expect(try await ask(router, .get, "/v1/improvements?reached=moon").status == 422)
    }
  }
}
