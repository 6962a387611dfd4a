// Orders of long ago in a table of their own (S-09): put away in pieces, read with the others, and taken back when something comes for them.
public import Domain
public import Postgres
import ProfileCore

public enum ColdRows {
  /// Kind of due work: the round through the orders. One row, made with the tables.
  public static let coldWork: Int16 = 6
  /// Orders looked at in one transaction.
  public static let ordersMax = 2_000

  private static let round = Statement(name: "cold_round", sql: "SELECT month, identity_id, order_key, tie FROM cold_round FOR UPDATE")
  private static let before = Statement(name: "cold_before", sql: "SELECT before FROM cold_round")
  private static let page = Statement(
    name: "cold_page",
    sql: """
      SELECT o.month, o.identity_id, o.order_key, o.tie FROM orders o WHERE (o.month, o.identity_id, o.order_key, o.tie) > ($1, $2, $3, $4) AND o.month <= $5
      ORDER BY o.month, o.identity_id, o.order_key, o.tie LIMIT \(ordersMax)
      """)
  private static let keys = "unnest($1::int2[], $2::int8[], $3::int8[], $4::int2[]) AS u(month, identity_id, order_key, tie)"
  private static let isOfKey = "o.month = u.month AND o.identity_id = u.identity_id AND o.order_key = u.order_key AND o.tie = u.tie"
  private static let ofPage = Statement(
    name: "cold_of_page",
    sql: "SELECT \(OrderRow.columns) FROM \(keys) JOIN orders o ON \(isOfKey)")
  private static func move(from: String, to: String) -> String {
    """
    WITH gone AS (
      DELETE FROM \(from) o USING \(keys) WHERE \(isOfKey) RETURNING o.*)
    INSERT INTO \(to) SELECT * FROM gone
    """
  }
  private static let putAway = Statement(name: "cold_put_away", sql: move(from: "orders", to: "cold_orders"))
  private static let takeBack = Statement(name: "cold_take_back", sql: move(from: "cold_orders", to: "orders"))
  private static let note = Statement(
    name: "cold_note",
    sql: """
      UPDATE cold_round SET month = $1, identity_id = $2, order_key = $3, tie = $4, before = greatest(before, $5), moved = moved + $6
      """)
  private static let areCold = Statement(
    name: "cold_any",
    sql: """
      SELECT EXISTS (SELECT 1 FROM \(keys) JOIN cold_orders o ON \(isOfKey))
      """)

  /// The day before which orders were ever put away; nil when none were.
  public static func before(_ session: PostgresSession) throws -> Day? {
    try session.query(before).dateOrNil(0, 0).map(Day.init(number:))
  }

  private static let arm = Statement(
    name: "cold_arm", sql: "UPDATE cold_round SET armed_months = $1, armed_on = $2 WHERE armed_months IS DISTINCT FROM $1")
  private static let armed = Statement(name: "cold_armed", sql: "SELECT armed_on < $1 FROM cold_round")

  /// Whether orders may be put away by this setting: from the day after it was met first. Until then a process that was started without it may still
  /// take a repeat of an order that it does not expect among those that were put away.
  public static func isArmed(_ months: Int, on today: Day, _ session: PostgresSession) throws -> Bool {
    _ = try session.run(arm) { parameters in
      parameters.int32(Int32(clamping: months))
      parameters.date(unixDays: today.number)
    }
    return try session.query(armed) { $0.date(unixDays: today.number) }.bool(0, 0)
  }

  private static let moved = Statement(name: "cold_moved", sql: "SELECT moved FROM cold_round")
  private static let some = Statement(
    name: "cold_orders_page",
    sql: """
      SELECT \(OrderRow.columns) FROM cold_orders o WHERE (o.month, o.identity_id, o.order_key, o.tie) > ($1, $2, $3, $4)
      ORDER BY o.month, o.identity_id, o.order_key, o.tie LIMIT \(ordersMax)
      """)

  /// How many times an order was put away.
  public static func moved(_ session: PostgresSession) throws -> Int64 { try session.query(moved).int64(0, 0) }

  /// Orders that were put away, after a place, and where to go on; nil at the end.
  public static func orders(
    after place: UnificationPlace, _ session: PostgresSession
  ) throws -> (records: [(identity: CustomerID, record: OrderRecord)], next: UnificationPlace?) {
    let rows = try session.query(some) { place.key.put(into: &$0) }
    return try UnificationQueries.page(rows, max: ordersMax)
  }

  /// One piece of the round: looks at the next orders and puts those away of which everything happened before a day. False at the end of the table.
  ///
  /// Their customers are locked: who changes an order holds its customer's row.
  public static func movePiece(before day: Day, in zone: BusinessZone, _ store: inout PostgresProfileStore) throws -> Bool {
    let session = store.session
    let reached = try session.query(round)
    let start = try place(reached, 0)
    let end = zone.startOfDay(day)
    let found = try session.query(page) { parameters in
      start.put(into: &parameters)
      // What was first spoken of later did not all happen before.
      parameters.int16(OrderMonth(of: end).number)
    }
    let all = try (0..<found.count).map { try place(found, $0) }
    let identities = Set(all.map(\.identity)).sorted()
    if !identities.isEmpty {
      _ = try store.lockCustomers(Set(try store.identities(numbered: identities).map(\.identity.customer)).sorted())
    }
    let rows = try session.query(ofPage) { bind(all, &$0) }
    var old: [KeyedOrder.Place] = []
    for row in 0..<rows.count {
      let (_, record) = try OrderRow.read(rows, row)
      guard let last = record.lastMoment, last < end else { continue }
      old.append(try OrderRow.place(rows, row))
    }
    if !old.isEmpty { _ = try session.run(putAway) { bind(old, &$0) } }
    let hasMore = all.count == ordersMax
    let next = hasMore ? all.last : nil
    _ = try session.run(note) { parameters in
      (next ?? .start).put(into: &parameters)
      parameters.date(unixDays: old.isEmpty ? nil : day.number)
      parameters.int64(Int64(old.count))
    }
    return hasMore
  }

  private static func place(_ rows: Rows, _ row: Int) throws -> KeyedOrder.Place {
    KeyedOrder.Place(
      month: OrderMonth(number: try rows.int16(row, 0)), identity: CustomerID(number: try rows.int64(row, 1)), key: try rows.int64(row, 2),
      tie: try rows.int16(row, 3))
  }

  private static func bind(_ places: [KeyedOrder.Place], _ parameters: inout Parameters) {
    parameters.int16Array(places.map(\.month.number))
    parameters.int64Array(places.map(\.identity.number))
    parameters.int64Array(places.map(\.key))
    parameters.int16Array(places.map(\.tie))
  }

  /// Puts orders back among those that change.
  static func takeBack(_ places: [KeyedOrder.Place], _ session: PostgresSession) throws {
    guard try session.run(takeBack, { bind(places, &$0) }) == places.count else { throw OrdersMoved() }
  }

  /// Whether any of these was put away.
  static func areCold(_ places: [KeyedOrder.Place], _ session: PostgresSession) throws -> Bool {
    try session.query(areCold) { bind(places, &$0) }.bool(0, 0)
  }
}

/// Orders were put away between being read and being written: roll back and do the batch again.
struct OrdersMoved: Error, Sendable {}
