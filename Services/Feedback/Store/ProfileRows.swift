// The table `profiles`: what every customer bought, day by day, and for whom the steps of its life were planned.
public import Contracts
public import Domain
public import FeedbackCore
import Postgres
import Text

enum ProfileRows {
  // The rows of a batch are locked in the order of their customers. Who became part of another is planned for anew when it stands by itself again.
  private static let keepRows = Statement(
    name: "profiles_keep",
    sql: """
      INSERT INTO profiles AS p (customer_id, version, is_merged, first_day, days, older)
      SELECT * FROM unnest($1::int8[], $2::int8[], $3::bool[], $4::date[], $5::bytea[], $6::bytea[]) AS u(id, version, is_merged, first_day, days, older)
      ORDER BY u.id
      ON CONFLICT (customer_id) DO UPDATE SET version = excluded.version, is_merged = excluded.is_merged, first_day = excluded.first_day,
        days = excluded.days, older = excluded.older, asked_rules = CASE WHEN excluded.is_merged THEN NULL ELSE p.asked_rules END
      WHERE p.version < excluded.version RETURNING customer_id, asked_rules, asked_day
      """)

  /// Keeps those that are newer than what is known; returns them.
  static func keep(_ snapshots: [ProfileSnapshot], _ session: PostgresSession) throws -> [KeptProfile] {
    guard !snapshots.isEmpty else { return [] }
    let rows = try session.query(keepRows) { parameters in
      parameters.int64Array(snapshots.map(\.customer.number))
      parameters.int64Array(snapshots.map(\.version))
      parameters.boolArray(snapshots.map { $0.mergedInto != nil })
      parameters.beginArray(.date)
      for snapshot in snapshots {
        if snapshot.mergedInto == nil, let day = snapshot.ledger.firstPaidDay { parameters.element(unixDays: day.number) } else { parameters.elementNull() }
      }
      parameters.endArray()
      var buffer = ByteBuffer(capacityBytes: 4_096)
      put(snapshots, LedgerBytes.putDays, &buffer, &parameters)
      put(snapshots, LedgerBytes.putOlder, &buffer, &parameters)
    }
    return try (0..<rows.count).map { row in
      KeptProfile(
        customer: CustomerID(number: try rows.int64(row, 0)), askedRules: try rows.int32OrNil(row, 1).map(Int.init),
        askedDay: try rows.dateOrNil(row, 2).map(Day.init(number:)))
    }
  }

  /// A column of bytes; of who became part of another there are none.
  private static func put(
    _ snapshots: [ProfileSnapshot], _ write: (DayLedger, inout ByteBuffer) -> Void, _ buffer: inout ByteBuffer, _ parameters: inout Parameters
  ) {
    parameters.beginArray(.bytea)
    for snapshot in snapshots {
      buffer.removeAll()
      if snapshot.mergedInto == nil { write(snapshot.ledger, &buffer) }
      buffer.withUnsafeBytes { parameters.element(bytes: $0) }
    }
    parameters.endArray()
  }

  /// The ledger whose days and older sums lie in these columns; nil where they are NULL.
  static func ledger(_ rows: Rows, _ row: Int, days: Int, older: Int) throws -> DayLedger? {
    guard let daysRead = try rows.withBytes(row, days, { $0.map(LedgerBytes.days) }),
      let olderRead = try rows.withBytes(row, older, { $0.map(LedgerBytes.older) })
    else { return nil }
    guard let entries = daysRead, let sum = olderRead else { throw damaged("ledger") }
    return DayLedger(days: entries, older: sum)
  }

  private static let some = Statement(
    name: "profiles_of", sql: "SELECT customer_id, days, older FROM profiles WHERE customer_id = ANY($1::int8[]) AND NOT is_merged")

  static func ledgers(of customers: [CustomerID], _ session: PostgresSession) throws -> [CustomerID: DayLedger] {
    let rows = try session.query(some) { $0.int64Array(customers.map(\.number)) }
    var found: [CustomerID: DayLedger] = [:]
    for row in 0..<rows.count { found[CustomerID(number: try rows.int64(row, 0))] = try ledger(rows, row, days: 1, older: 2) }
    return found
  }
}

extension PostgresFeedbackStore: StepStore {
  public mutating func keep(_ profiles: [ProfileSnapshot]) throws -> [KeptProfile] { try ProfileRows.keep(profiles, session) }

  private static let unplanned = Statement(
    name: "profiles_unplanned",
    sql: """
      SELECT customer_id, first_day FROM profiles
      WHERE customer_id > $1 AND first_day >= $2 AND (asked_rules IS DISTINCT FROM $3 OR asked_day IS DISTINCT FROM first_day)
      ORDER BY customer_id LIMIT $4 FOR NO KEY UPDATE
      """)

  public mutating func lockUnplanned(after customer: CustomerID?, from day: Day, rules: Int, limit: Int) throws -> [FirstOrder] {
    let rows = try session.query(PostgresFeedbackStore.unplanned) { parameters in
      parameters.int64(customer?.number ?? .min)
      parameters.date(unixDays: day.number)
      parameters.int32(Int32(clamping: rules))
      parameters.int64(Int64(limit))
    }
    return try (0..<rows.count).map { FirstOrder(customer: CustomerID(number: try rows.int64($0, 0)), day: Day(number: try rows.date($0, 1))) }
  }

  private static let planned = Statement(
    name: "profiles_planned",
    sql: "UPDATE profiles p SET asked_rules = $3, asked_day = u.day FROM unnest($1::int8[], $2::date[]) AS u(id, day) WHERE p.customer_id = u.id")

  public mutating func notePlanned(_ orders: [FirstOrder], rules: Int) throws {
    guard !orders.isEmpty else { return }
    _ = try session.run(PostgresFeedbackStore.planned) { parameters in
      parameters.int64Array(orders.map(\.customer.number))
      parameters.beginArray(.date)
      for order in orders { parameters.element(unixDays: order.day.number) }
      parameters.endArray()
      parameters.int32(Int32(clamping: rules))
    }
  }

  private static let stepRows = Statement(
    name: "invitations_steps_of",
    sql: """
      SELECT customer_id, identity_id, reference, sent_at IS NOT NULL FROM invitations
      WHERE customer_id = ANY($1::int8[]) AND cause = 'lifecycle' AND dropped_at IS NULL
      """)

  public mutating func steps(of customers: [CustomerID]) throws -> [StepInvitation] {
    guard !customers.isEmpty else { return [] }
    let rows = try session.query(PostgresFeedbackStore.stepRows) { $0.int64Array(customers.map(\.number)) }
    return try (0..<rows.count).map { row in
      StepInvitation(
        customer: CustomerID(number: try rows.int64(row, 0)), identity: CustomerID(number: try rows.int64(row, 1)), step: try rows.text(row, 2),
        isSent: try rows.bool(row, 3))
    }
  }

  private static let firstDays = Statement(
    name: "profiles_first_days", sql: "SELECT customer_id, first_day FROM profiles WHERE customer_id = ANY($1::int8[]) AND NOT is_merged")

  public mutating func firstOrders(of customers: [CustomerID]) throws -> [CustomerID: Day?] {
    guard !customers.isEmpty else { return [:] }
    let rows = try session.query(PostgresFeedbackStore.firstDays) { $0.int64Array(customers.map(\.number)) }
    var days: [CustomerID: Day?] = [:]
    for row in 0..<rows.count { days.updateValue(try rows.dateOrNil(row, 1).map(Day.init(number:)), forKey: CustomerID(number: try rows.int64(row, 0))) }
    return days
  }
}
