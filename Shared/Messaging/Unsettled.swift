// Customers whose last snapshot in the log may not be their newest (`docs/decisions/0005-the-last-snapshot-is-the-newest.md`).
public import Handling
public import Postgres
import Telemetry

/// A customer whose row a transaction writes.
public struct RewrittenCustomer: Sendable {
  let id: Int64
  /// Who wrote the row before.
  let former: RowWriter
  /// Whether nothing is published of it: then its former writer, though of the same lane, is hidden from whoever writes it next.
  let isSilent: Bool

  public init(id: Int64, former: RowWriter, isSilent: Bool = false) {
    self.id = id
    self.former = former
    self.isSilent = isSilent
  }
}

/// What lanes have committed and the brokers have not confirmed yet: the last row of each transaction.
struct RowsUnderWay: Sendable {
  private var ofOthers: [UInt32: Int64] = [:]
  private var ofOwnLane: [UInt32: Int64] = [:]

  var isEmpty: Bool { ofOthers.isEmpty && ofOwnLane.isEmpty }

  mutating func note(_ transaction: UInt32, lastRow: Int64, isOwnLane: Bool) {
    if isOwnLane { ofOwnLane[transaction] = lastRow } else { ofOthers[transaction] = lastRow }
  }

  /// Customers to be looked at once the rows are published that their former writers have under way, in id order.
  func overtakable(_ rewritten: [RewrittenCustomer]) -> [(id: Int64, afterRow: Int64)] {
    let found = rewritten.compactMap { customer -> (id: Int64, afterRow: Int64)? in
      let transaction = customer.former.transaction
      return (ofOthers[transaction] ?? (customer.isSilent ? ofOwnLane[transaction] : nil)).map { (customer.id, $0) }
    }
    return found.sorted { $0.id < $1.id }
  }
}

/// One customer that is looked at.
struct UnsettledSnapshot: Equatable, Sendable {
  let id: Int64
  /// The version that was published again at the last look; nil when there was none since there is a reason to look.
  var sent: Int64?

  enum Next: Equatable, Sendable { case done, sendAgain }

  /// What comes next. Everything that was waited for lies in the log by now, what was published again too, and the customer is locked.
  ///
  /// A version that is published again lies behind all that. When the customer still has it once that is confirmed, nothing newer can lie before it.
  /// - Parameter current: the customer's version; nil when it has published none.
  func next(_ current: Int64?) -> Next { current == nil || current == sent ? .done : .sendAgain }
}

/// The table of them, as seen by stores and by the lane of due work.
public enum Unsettled {
  /// How long after a customer was published again it is looked at again, in milliseconds.
  static let lookMilliseconds: Int64 = 500
  /// Customers of one transaction.
  static let customersMax = 1_000
  /// A customer that cannot be published again is tried again after so long, in seconds.
  static let postponedSeconds: Int64 = 60

  static let underWay = Statement(
    name: "outbox_under_way", sql: "SELECT xmin, max(id), bool_and(lane = $1) FROM outbox GROUP BY xmin")
  static let mark = Statement(
    name: "unsettled_mark",
    sql: """
      INSERT INTO unsettled AS n (id, after_row, look_at)
      SELECT u.id, u.after_row, $3 FROM unnest($1::int8[], $2::int8[]) AS u(id, after_row)
      ON CONFLICT (id) DO UPDATE SET after_row = greatest(n.after_row, excluded.after_row), look_at = greatest(n.look_at, excluded.look_at), version = NULL
      """)
  private static let isReady = """
    u.look_at <= $1 AND u.after_row < coalesce((SELECT min(o.id) FROM outbox o), 9223372036854775807)
    AND (u.sent_in IS NULL OR NOT EXISTS (SELECT FROM outbox o WHERE o.lane = $2 AND o.xmin = u.sent_in))
    """
  static let any = Statement(name: "unsettled_any", sql: "SELECT EXISTS (SELECT FROM unsettled u WHERE \(isReady))")
  static let ready = Statement(
    name: "unsettled_ready", sql: "SELECT u.id FROM unsettled u WHERE \(isReady) ORDER BY u.look_at, u.id LIMIT $3")
  static let take = Statement(
    name: "unsettled_take",
    sql: "SELECT u.id, u.version FROM unsettled u WHERE u.id = ANY($3::int8[]) AND \(isReady) ORDER BY u.id FOR UPDATE")
  static let sent = Statement(
    name: "unsettled_sent",
    sql: """
      UPDATE unsettled n SET version = u.version, sent_in = pg_current_xact_id()::xid, look_at = $3
      FROM unnest($1::int8[], $2::int8[]) AS u(id, version) WHERE n.id = u.id
      """)
  static let remove = Statement(name: "unsettled_remove", sql: "DELETE FROM unsettled WHERE id = ANY($1::int8[])")
  static let postpone = Statement(name: "unsettled_postpone", sql: "UPDATE unsettled SET look_at = $2 WHERE id = $1")
  static let count = Statement(name: "unsettled_count", sql: "SELECT count(*) FROM unsettled")

  /// What is under way. Asked after the rows of this transaction are written: until it ends nobody else can write them.
  static func rowsUnderWay(seenFrom lane: String, _ session: PostgresSession) throws -> RowsUnderWay {
    let rows = try session.query(underWay) { $0.text(lane) }
    var underWay = RowsUnderWay()
    for row in 0..<rows.count {
      underWay.note(try rows.transactionID(row, 0), lastRow: try rows.int64(row, 1), isOwnLane: try rows.bool(row, 2))
    }
    return underWay
  }

  /// Marks the customers of this transaction whose former snapshots may still be on their way.
  public static func note(_ rewritten: [RewrittenCustomer], from lane: String, _ session: PostgresSession) throws {
    guard rewritten.contains(where: { $0.former.transaction != 0 }) else { return }
    let underWay = try rowsUnderWay(seenFrom: lane, session)
    guard !underWay.isEmpty else { return }
    try mark(underWay.overtakable(rewritten), lookAt: SystemTime.unixMicroseconds(), session)
  }

  /// - Parameter marks: in id order, each once.
  static func mark(_ marks: [(id: Int64, afterRow: Int64)], lookAt: Int64, _ session: PostgresSession) throws {
    guard !marks.isEmpty else { return }
    try session.runLater(mark) { parameters in
      parameters.int64Array(marks.map(\.id))
      parameters.int64Array(marks.map(\.afterRow))
      parameters.timestamptz(lookAt)
    }
  }

  /// How many customers are looked at.
  public static func count(_ session: PostgresSession) throws -> Int64 { try session.query(count).int64(0, 0) }
}
