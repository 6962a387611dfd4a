// Spend by period, and the unification report on planted duplicates (P-04, I-08).
import Domain
import HTTP
import Handling
import Hashing
import Postgres
import ProfileCore
import ProfileStore
import Runtime
import TestSupport
import Testing
import Text

@testable import profile

private let zone = BusinessZone.utc
private func moment(_ day: String) -> Instant { Day(day).map { zone.startOfDay($0) } ?? Instant(seconds: 0) }
private func memberID(_ number: Int) -> Identifier { Identifier(kind: .memberID, value: "M\(number)") }
private func phone(_ number: Int) -> Identifier { Identifier(kind: .phone, value: "+861380000\(1_000 + number)") }

private func order(_ id: String, _ identifier: Identifier, _ day: String, _ amount: Int64, source: String = "shop") -> Arrival {
  arrival(
    OrderEvent(
      kind: .order, source: source, eventID: id, orderID: id, occurredAt: moment(day), paidAt: moment(day), money: Money(minorUnits: amount, currency: .cny),
      baseMinorUnits: amount, identifiers: [identifier]))
}

@Suite(.enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)")) struct SpendRoutesTests {
  private func withRoutes(_ facts: [Arrival], _ body: (Router) async throws -> Void) async throws {
    try await TestDatabase.withDatabase { settings in
      var own = settings
      own.schema = "profile"
      let used = own
      try await TestDatabase.blocking {
        try Migrations(schema: "profile", Resources.migrations(of: "profile")).apply(to: used)
        let session = try PostgresSession(used)
        defer { session.close() }
        try session.transaction { session in
          var store = PostgresProfileStore(session)
          _ = try ProfileBatch.apply(facts, to: &store, rules: rules, at: evaluation)
        }
      }
      let pool = PostgresPool(used)
      var router = Router()
      let pseudonyms = try Pseudonyms(key: Array("0123456789abcdef0123456789abcdef".utf8))
      SpendRoutes(environment: ProfileEnvironment(rules: rules, currency: .cny, pseudonyms: pseudonyms), pool: pool).add(to: &router)
      try await body(router)
      await pool.close()
    }
  }

  private func ask(_ router: Router, _ target: String) async throws -> JSONValue {
    try JSONValue(try await router.respond(to: try Request(.get, target)).bytes ?? [])
  }

  @Test func plantedDuplicatesAreFoundAndTheAverageSpendRises() async throws {
    // Ten people buy once as a member and once by phone; of four a registration says that both are one person's.
    var facts: [Arrival] = []
    for person in 0..<10 {
      facts.append(order("m\(person)", memberID(person), "2001-03-01", 10_000))
      facts.append(order("p\(person)", phone(person), "2001-04-01", 6_000))
    }
    for person in 0..<4 {
      facts.append(
        arrival(
          CustomerEvent(source: "members", eventID: "r\(person)", occurredAt: moment("2001-05-01"), identifiers: [memberID(person), phone(person)])))
    }
    try await withRoutes(facts) { router in
      let all = try await ask(router, "/v1/unification")
      #expect(all["records"] == 24 && all["identities"] == 20 && all["customers"] == 16 && all["merged"] == 4)
      #expect(all["merged_share"] == "0.2000")
      // 1600.00 over 20 identifiers and over 16 customers.
      #expect(all["spend"] == "1600.00" && all["average_spend_before"] == "80.00" && all["average_spend_after"] == "100.00")
      let april = try await ask(router, "/v1/unification?source=shop&from=2001-04-01&to=2001-04-30")
      #expect(april["records"] == 10 && april["identities"] == 10 && april["merged"] == 0 && april["spend"] == "600.00")
      let nobody = try await ask(router, "/v1/unification?source=nobody")
      #expect(nobody["records"] == 0 && nobody["average_spend_after"] == .null && nobody["merged_share"] == .null)
    }
  }

  @Test func spendOfAPeriodIsShownWithTheOrdersBehindItAlsoWhereDaysAreSummedUp() async throws {
    let facts = [order("a", memberID(1), "1997-02-03", 500), order("b", memberID(1), "1997-02-28", 700), order("c", memberID(1), "2001-08-01", 900)]
    try await withRoutes(facts) { router in
      let id = testKey(memberID(1)).identityID
      let february = try await ask(router, "/v1/customers/\(id)/spend?period=1997-02")
      #expect(february["spend"] == "12.00" && february["order_count"] == 2)
      #expect(february["orders"]?.arrayValue?.compactMap { $0["order_id"]?.stringValue } == ["a", "b"])
      #expect(try await ask(router, "/v1/customers/\(id)/spend?period=2001")["spend"] == "9.00")
    }
  }

  @Test func whatIsNoPeriodIsRefused() async throws {
    #expect(SpendPeriod("2025-02")?.last == Day("2025-02-28"))
    #expect(SpendPeriod("2024")?.last == Day("2024-12-31"))
    for text in ["", "202", "2025-13", "2025-1", "25-01-0", "2025-02-01"] { #expect(SpendPeriod(text) == nil, "\(text)") }
  }
}
