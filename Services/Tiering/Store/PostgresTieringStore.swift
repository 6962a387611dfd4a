// This service's tables in PostgreSQL, for the use cases. Every statement is set-based, its keys sorted.
public import Domain
import Handling
import Messaging
public import Postgres
public import TieringCore

/// Kinds of due work of this service.
public enum TieringWork {
  /// A change that waits until the customer may be rated again; goes by the machine's time.
  public static let rating: Int16 = 1
  /// A day on which time alone asks for a rating; goes by business time.
  public static let day: Int16 = 2
  /// A customer became part of another one, or stands by itself again: who refused automated tiering is looked at (S-07); the machine's time.
  public static let refusal: Int16 = 3
  /// A complaint of a customer was upheld, or is no longer (T-06); the machine's time.
  public static let complaint: Int16 = 4
  /// The moment of a rating that was asked for now: it does not wait for the minute to be over.
  public static let now = RatingMoment.atOnce
}

/// Belongs to one transaction, on the thread of its session.
public struct PostgresTieringStore: TieringStore {
  let session: PostgresSession
  /// The lane that publishes what is written; nil: nothing is published.
  private let lane: String?
  /// Who wrote the rows that this transaction has locked.
  private var writers: [CustomerID: RowWriter] = [:]
  private let zone: BusinessZone
  private let scratch = Scratch()

  /// - Parameters:
  ///   - lane: the lane that publishes what is written.
  ///   - zone: in which a day begins.
  public init(_ session: PostgresSession, lane: String? = nil, zone: BusinessZone) {
    self.session = session
    self.lane = lane
    self.zone = zone
  }

  static let lock = Statement(
    name: "customers_lock",
    sql: "SELECT \(CustomerRow.columns), xmin FROM customers WHERE customer_id = ANY($1::int8[]) ORDER BY customer_id FOR NO KEY UPDATE")

  public mutating func lockCustomers(_ ids: [CustomerID]) throws -> [RatedCustomer] {
    guard !ids.isEmpty else { return [] }
    let rows = try session.query(PostgresTieringStore.lock) { $0.int64Array(ids.map(\.number)) }
    return try (0..<rows.count).map { row in
      let customer = try CustomerRow.read(rows, row)
      writers[customer.id] = RowWriter(try rows.transactionID(row, CustomerRow.columnCount))
      return customer
    }
  }

  // A row of due work may be held by the due lane, which then waits for a customer that is held here: never wait for it in turn. What
  // the lane holds it does after this transaction, and so sees what it changed.
  static let wait = Statement(
    name: "ratings_wait",
    sql: """
      INSERT INTO due_work (kind, id, due_at)
      SELECT \(TieringWork.rating), u.id, u.due_at FROM unnest($1::int8[], $2::timestamptz[]) AS u(id, due_at)
      ON CONFLICT (kind, id) DO NOTHING
      """)
  static let schedule = Statement(
    name: "days_schedule",
    sql: """
      INSERT INTO due_work AS d (kind, id, due_at)
      SELECT \(TieringWork.day), u.id, u.due_at FROM unnest($1::int8[], $2::timestamptz[]) AS u(id, due_at)
      ON CONFLICT (kind, id) DO UPDATE SET due_at = excluded.due_at WHERE d.due_at > excluded.due_at
      """)

  static let regrouped = Statement(
    name: "refusals_ask",
    sql: """
      INSERT INTO due_work (kind, id, due_at) SELECT \(TieringWork.refusal), u.id, '-infinity' FROM unnest($1::int8[]) AS u(id)
      ON CONFLICT (kind, id) DO NOTHING
      """)

  public mutating func write(_ changes: TieringChanges) throws {
    try CustomerRow.insert(changes.newCustomers, scratch, session)
    try CustomerRow.update(changes.changedCustomers, scratch, session)
    try RatedRow.update(changes.ratedCustomers, scratch, session)
    try RatingRow.insert(changes.history, scratch, session)
    try ProposalRow.write(changes.proposals, closed: changes.closedProposals, session)
    if !changes.waiting.isEmpty { try due(PostgresTieringStore.wait, changes.waiting.map { ($0.customer, $0.after) }) }
    if !changes.dueDays.isEmpty { try due(PostgresTieringStore.schedule, changes.dueDays.map { ($0.customer, zone.startOfDay($0.day)) }) }
    if !changes.regrouped.isEmpty { try session.runLater(PostgresTieringStore.regrouped) { $0.int64Array(changes.regrouped.map(\.number)) } }
    guard let lane else { return }
    let rewritten = (changes.changedCustomers + changes.ratedCustomers).compactMap { customer in
      writers[customer.id].map { RewrittenCustomer(id: customer.id.number, former: $0, isSilent: !changes.published.contains(customer.id)) }
    }
    try Unsettled.note(rewritten, from: lane, session)
  }

  public mutating func refusals(under customers: [CustomerID]) throws -> [(top: CustomerID, part: CustomerID)] { try RefusalRows.under(customers, session) }
  public mutating func survivors(of customers: [CustomerID]) throws -> [CustomerID: CustomerID] { try RefusalRows.survivors(of: customers, session) }
  public mutating func counted(_ parts: [CustomerID]) throws -> [CustomerID: CustomerID] { try RefusalRows.counted(parts, session) }
  public mutating func count(_ survivors: [CustomerID: CustomerID]) throws { try RefusalRows.count(survivors, session) }

  // Behind whatever of these customers is still under way; nobody else can write them while they are locked here.
  static let publish = Statement(
    name: "ratings_publish",
    sql: """
      INSERT INTO unsettled AS n (id, after_row, look_at)
      SELECT u.id, coalesce((SELECT max(id) FROM outbox), 0), '-infinity' FROM unnest($1::int8[]) AS u(id) ORDER BY u.id
      ON CONFLICT (id) DO UPDATE SET after_row = greatest(n.after_row, excluded.after_row), version = NULL
      """)

  /// Lets the lane of due work publish these customers, which are locked and written by a transaction that is no lane's.
  public func publishLater(_ customers: [CustomerID]) throws {
    guard !customers.isEmpty else { return }
    _ = try session.run(PostgresTieringStore.publish) { $0.int64Array(customers.map(\.number)) }
  }

  private func due(_ statement: Statement, _ work: [(customer: CustomerID, at: Instant)]) throws {
    try session.runLater(statement) { parameters in
      parameters.int64Array(work.map(\.customer.number))
      parameters.timestamptzArray(work.map(\.at.microseconds))
    }
  }
}
