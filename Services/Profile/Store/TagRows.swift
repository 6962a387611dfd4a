// Tags of customers and the rules they come from, in their tables (P-10).
public import Domain
public import Postgres
public import ProfileCore

public enum TagRows {
  /// Kind of due work: a customer's tags are to be judged by everything that is known.
  public static let tagWork: Int16 = 5

  // MARK: - What customers have

  private static let remove = Statement(
    name: "customer_tags_remove",
    sql: """
      DELETE FROM customer_tags t USING unnest($1::text[], $2::int8[]) AS u(tag, customer_id) WHERE t.tag = u.tag AND t.customer_id = u.customer_id
      """)
  /// Asked first, since that costs less than to be ready for a conflict at each row. A customer's row is written before its tags, so that nobody else
  /// adds them at the same time.
  private static let add = Statement(
    name: "customer_tags_add",
    sql: """
      INSERT INTO customer_tags (tag, customer_id) SELECT u.tag, u.customer_id FROM unnest($1::text[], $2::int8[]) AS u(tag, customer_id)
      WHERE NOT EXISTS (SELECT FROM customer_tags t WHERE t.tag = u.tag AND t.customer_id = u.customer_id)
      """)
  private static let ask = Statement(
    name: "customer_tags_ask",
    sql: "INSERT INTO due_work (kind, id, due_at) SELECT \(tagWork), id, '-infinity' FROM unnest($1::int8[]) AS u(id) ON CONFLICT (kind, id) DO NOTHING")

  /// The side of the tags; the customers' rows, which this transaction has written already, have their own.
  static func write(_ changes: [TagChange], _ session: PostgresSession) throws {
    var (removed, added) = (Bearers(), Bearers())
    for change in changes.sorted(by: { $0.customer < $1.customer }) {
      let (before, after) = (change.before.all, change.after.all)
      for tag in before where !after.contains(tag) { removed.add(tag, change.customer.number) }
      for tag in after where !before.contains(tag) { added.add(tag, change.customer.number) }
    }
    try removed.run(remove, session)
    try added.run(add, session)
  }

  /// Customers by tag. One tag after the other, each with its customers in order, they lie side by side in the table's index.
  private struct Bearers {
    private var tags: [(tag: String, customers: [Int64])] = []

    /// Customers come in order.
    mutating func add(_ tag: String, _ customer: Int64) {
      // There are few tags: a rule, or a person, has named each.
      guard let place = tags.firstIndex(where: { $0.tag == tag }) else { return tags.append((tag, [customer])) }
      // A tag that a rule and a person give is one.
      if tags[place].customers.last != customer { tags[place].customers.append(customer) }
    }

    func run(_ statement: Statement, _ session: PostgresSession) throws {
      guard !tags.isEmpty else { return }
      let sorted = tags.sorted { $0.tag < $1.tag }
      try session.runLater(statement) { parameters in
        parameters.textArray(sorted.flatMap { each in repeatElement(each.tag, count: each.customers.count) })
        parameters.int64Array(sorted.flatMap(\.customers))
      }
    }
  }

  /// Asks the lane of due work to judge these customers.
  static func ask(_ customers: some Collection<CustomerID>, _ session: PostgresSession) throws {
    try session.runLater(ask) { $0.int64Array(customers.map(\.number).sorted()) }
  }

  // MARK: - What people gave

  private static let manualColumns = "id, identity_id, tag, actor, reason, at, until, removed_at, removed_by, removal_reason"
  private static let manual = Statement(
    name: "manual_tags_of", sql: "SELECT \(manualColumns) FROM manual_tags WHERE identity_id = ANY($1::int8[]) ORDER BY id")
  private static let insert = Statement(
    name: "manual_tags_insert",
    sql: "INSERT INTO manual_tags (identity_id, tag, actor, reason, at, until) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id")
  private static let takeAway = Statement(
    name: "manual_tags_remove",
    sql: "UPDATE manual_tags SET removed_at = $2, removed_by = $3, removal_reason = $4 WHERE id = ANY($1::int8[]) AND removed_at IS NULL")

  static func manual(of identities: [CustomerID], _ session: PostgresSession) throws -> [ManualTag] {
    guard !identities.isEmpty else { return [] }
    let rows = try session.query(manual) { $0.int64Array(identities.map(\.number)) }
    return try (0..<rows.count).map { row in
      ManualTag(
        id: try rows.int64(row, 0), identity: CustomerID(number: try rows.int64(row, 1)), tag: try rows.text(row, 2), actor: try rows.text(row, 3),
        reason: try rows.text(row, 4), at: Instant(microseconds: try rows.timestamptz(row, 5)),
        until: try rows.dateOrNil(row, 6).map(Day.init(number:)), removedAt: try rows.timestamptzOrNil(row, 7).map(Instant.init(microseconds:)),
        removedBy: try rows.textOrNil(row, 8) ?? "", removalReason: try rows.textOrNil(row, 9) ?? "")
    }
  }

  /// Records that a person gives a tag; the lane of due work puts it into the customer's row and tells others. The customer is locked.
  public static func give(_ tag: ManualTag, _ session: PostgresSession) throws -> Int64 {
    let id = try session.query(insert) { parameters in
      parameters.int64(tag.identity.number)
      parameters.text(tag.tag)
      parameters.text(tag.actor)
      parameters.text(tag.reason)
      parameters.timestamptz(tag.at.microseconds)
      parameters.date(unixDays: tag.until?.number)
    }.int64(0, 0)
    try ask([tag.identity], session)
    return id
  }

  /// Records that a person takes tags of a customer away. The customer is locked.
  public static func takeAway(
    _ ids: [Int64], of customer: CustomerID, by actor: String, because reason: String, at now: Instant, _ session: PostgresSession
  ) throws {
    _ = try session.run(takeAway) { parameters in
      parameters.int64Array(ids)
      parameters.timestamptz(now.microseconds)
      parameters.text(actor)
      parameters.text(reason)
    }
    try ask([customer], session)
  }

  // MARK: - Who has a tag

  private static let bearers = Statement(
    name: "customer_tags_bearers",
    sql: """
      SELECT \(CustomerRow.columns) FROM customer_tags t JOIN customers c ON c.id = t.customer_id
      WHERE t.tag = $1 AND t.customer_id > $2 ORDER BY t.customer_id LIMIT $3
      """)
  private static let counts = Statement(name: "customer_tags_counts", sql: "SELECT tag, count(*) FROM customer_tags GROUP BY tag ORDER BY tag")

  /// Customers with a tag, in id order after one.
  public static func customers(with tag: String, after id: CustomerID?, limit: Int, _ session: PostgresSession) throws -> [Customer] {
    let rows = try session.query(bearers) { parameters in
      parameters.text(tag)
      parameters.int64(id?.number ?? 0)
      parameters.int64(Int64(limit))
    }
    return try (0..<rows.count).map { try CustomerRow.read(rows, $0) }
  }

  /// Tags that somebody has, and how many have them.
  public static func counts(_ session: PostgresSession) throws -> [(tag: String, customers: Int64)] {
    let rows = try session.query(counts)
    return try (0..<rows.count).map { (try rows.text($0, 0), try rows.int64($0, 1)) }
  }
}
