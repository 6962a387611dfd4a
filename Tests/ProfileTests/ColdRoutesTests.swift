// Orders that were put away, over HTTP (S-09): what the summary says, and that the export has every one of them once, over several pages.
import Domain
import HTTP
import Handling
import Hashing
import Lifecycle
import Postgres
import ProfileCore
import ProfileStore
import Runtime
import Telemetry
import TestSupport
import Testing
import Text

@testable import profile

private let zone = BusinessZone.utc
private let now = zone.startOfDay(Day(number: 13_163))  // 2006-01-15
private let member = Identifier(kind: .memberID, value: "M1")

private func order(_ number: Int, daysAgo: Int) -> Arrival {
  let at = zone.startOfDay(zone.day(of: now) + -daysAgo)
  return arrival(
    OrderEvent(
      kind: .order, source: "s", eventID: "\(number)", orderID: "\(number)", revision: 1, occurredAt: at, paidAt: at,
      money: Money(minorUnits: 1_250, currency: .cny), baseMinorUnits: 1_250, identifiers: [member], lines: [OrderLine(sku: "x", minorUnits: 1_250)]))
}

@Suite(.enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)")) struct ColdRoutesTests {
  private static var rules: ProfileRules {
    var rules = ProfileRules(zone: zone)
    rules.coldAfterMonths = 36
    return rules
  }

  /// More than two pages of orders, of which the last three are young.
  private static let orders = (0..<2 * ColdRows.ordersMax + 10).map { order($0, daysAgo: 2_000) }
  private static let young = (0..<3).map { order(100_000 + $0, daysAgo: 20) }

  @Test func theExportHasEveryOrderThatWasPutAwayOnceAndNoOther() async throws {
    try await TestDatabase.withDatabase { settings in
      var own = settings
      own.schema = "profile"
      let used = own
      try await TestDatabase.blocking { try Self.fill(used) }
      let pool = PostgresPool(used)
      var router = Router()
      let pseudonyms = try Pseudonyms(key: Array("0123456789abcdef0123456789abcdef".utf8))
      ColdRoutes(environment: ProfileEnvironment(rules: Self.rules, currency: .cny, pseudonyms: pseudonyms), pool: pool).add(to: &router)
      let empty = try await router.respond(to: try Request(.get, "/v1/cold-orders/summary"))
      #expect(try JSONValue(empty.bytes ?? []) == ["cold_after_months": 36, "cold_before": .null, "moved": 0])
      try await TestDatabase.blocking { try Self.putAway(used) }
      let full = try await router.respond(to: try Request(.get, "/v1/cold-orders/summary"))
      let before = Day(year: 2003, month: 1, day: 15)?.description ?? ""
      #expect(try JSONValue(full.bytes ?? []) == ["cold_after_months": 36, "cold_before": .text(before), "moved": .integer(Int64(Self.orders.count))])
      let lines = try await Self.lines(of: "/v1/cold-orders", router)
      #expect(lines.compactMap { $0["order_id"]?.stringValue }.sorted() == (0..<Self.orders.count).map(String.init).sorted())
      let first = try #require(lines.first)
      #expect(first["customer_id"] == .text(testKey(member).identityID.description))
      #expect(first["total"] == "12.50" && first["revision"] == 1 && first["ordered_at"] == "2000-07-25T00:00:00Z")
      #expect(first["lines"]?.arrayValue?.first?["sku"] == "x")
      await pool.close()
    }
  }

  private static func fill(_ settings: PostgresSettings) throws {
    try Migrations(schema: "profile", Resources.migrations(of: "profile")).apply(to: settings)
    let session = try PostgresSession(settings)
    defer { session.close() }
    try session.transaction { session in
      var store = PostgresProfileStore(session)
      _ = try ProfileBatch.apply(orders + young, to: &store, rules: rules, at: now)
    }
  }

  private static func putAway(_ settings: PostgresSettings) throws {
    let session = try PostgresSession(settings)
    defer { session.close() }
    var hasMore = true
    while hasMore {
      hasMore = try session.transaction { session in
        var store = PostgresProfileStore(session)
        return try ColdRows.movePiece(before: zone.day(of: now).adding(months: -36), in: zone, &store)
      }
    }
  }

  /// Over a socket: a body that is written bit by bit.
  private static func lines(of path: String, _ router: Router) async throws -> [JSONValue] {
    let server = HTTPServer(settings: HTTPServerSettings(port: 0), router: router, logger: .silent)
    let client = HTTPClient()
    let stop = StopSignal()
    async let group = ServiceGroup(services: [server, client], logger: .silent).run(signals: [], stop: stop)
    let response = try await client.stream(ClientRequest(.get, "http://127.0.0.1:\(try await server.boundPort)\(path)"))
    var found: [JSONValue] = []
    for try await line in response.body.lines(lineBytesMax: 4_096) { found.append(try JSONValue(line)) }
    stop.stop()
    #expect(await group.isClean)
    return found
  }
}
