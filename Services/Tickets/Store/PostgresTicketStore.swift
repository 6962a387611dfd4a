// This service's tables in PostgreSQL, for the use cases. Every statement is set-based, its keys sorted.
import Belonging
public import Domain
public import Handling
import Messaging
public import Postgres
public import TicketsCore

/// Kinds of due work of this service; all go by business time.
public enum TicketWork {
  /// A step of the ladder, or the closing of what was resolved.
  public static let deadline: Int16 = 1
  /// Promises of tickets whose standards or calendars are no longer in force.
  public static let promise: Int16 = 2
  /// The beginning of an absence: what the person has is to be covered.
  public static let absence: Int16 = 3
}

/// Belongs to one transaction, on the thread of its session.
public struct PostgresTicketStore: TicketStore {
  private let session: PostgresSession
  /// The lane that publishes what is written; nil: the lane of due work does so later.
  private let lane: String?
  private let now: Instant
  /// Who wrote the rows that this transaction has locked.
  private var writers: [TicketID: RowWriter] = [:]
  /// With whom the tickets are that this transaction has locked, as far as they are open.
  private var places: [TicketID: Placement] = [:]

  public init(_ session: PostgresSession, lane: String? = nil, at now: Instant) {
    self.session = session
    self.lane = lane
    self.now = now
  }

  // MARK: - Identities and tiers

  public mutating func owners(noting believed: [IdentityOwner]) throws -> [IdentityOwner] { try BelongingRows.owners(noting: believed, session) }
  public mutating func move(_ moves: [IdentityOwner]) throws -> [IdentityOwner] { try BelongingRows.move(moves, session) }

  private static let ensure = Statement(
    name: "customers_ensure",
    sql: "INSERT INTO customers (customer_id) SELECT u.id FROM unnest($1::int8[]) AS u(id) ORDER BY u.id ON CONFLICT DO NOTHING")
  private static let tiers = Statement(
    name: "customers_lock",
    sql: """
      SELECT customer_id, tier_version, tier, tier_before, tier_since, attendant, attendant_version FROM customers WHERE customer_id = ANY($1::int8[])
      ORDER BY customer_id FOR NO KEY UPDATE
      """)

  public mutating func lockTiers(of customers: [CustomerID]) throws -> [KnownTier] {
    guard !customers.isEmpty else { return [] }
    _ = try session.run(PostgresTicketStore.ensure) { $0.int64Array(customers.map(\.number)) }
    let rows = try session.query(PostgresTicketStore.tiers) { $0.int64Array(customers.map(\.number)) }
    return try (0..<rows.count).map { row in
      KnownTier(
        customer: CustomerID(number: try rows.int64(row, 0)), version: try rows.int64(row, 1), tier: try rows.textOrNil(row, 2).flatMap { TierID($0) },
        before: try rows.textOrNil(row, 3).flatMap { TierID($0) }, since: try rows.timestamptzOrNil(row, 4).map(Instant.init(microseconds:)),
        attendant: try rows.text(row, 5), attendantVersion: try rows.int32(row, 6))
    }
  }

  private static let contacts = Statement(name: "contacts_known", sql: "SELECT contact_id FROM contacts WHERE contact_id = ANY($1::int8[])")

  public mutating func known(_ contacts: [Int64]) throws -> Set<Int64> {
    guard !contacts.isEmpty else { return [] }
    let rows = try session.query(PostgresTicketStore.contacts) { $0.int64Array(contacts) }
    return Set(try (0..<rows.count).map { try rows.int64($0, 0) })
  }

  // MARK: - Tickets

  private static func lock(_ name: StaticString, _ condition: String) -> Statement {
    Statement(
      name: "\(name)", sql: "SELECT \(TicketRow.columns), xmin FROM tickets WHERE \(condition) ORDER BY ticket_id FOR NO KEY UPDATE")
  }
  private static let ofCustomers = lock("tickets_lock_customers", "customer_id = ANY($1::int8[]) AND state < 6")
  private static let ofIdentities = lock("tickets_lock_identities", "identity_id = ANY($1::int8[])")
  private static let byNumber = lock("tickets_lock", "ticket_id = ANY($1::int8[])")

  private mutating func lock(_ statement: Statement, _ numbers: [Int64]) throws -> [TicketRecord] {
    guard !numbers.isEmpty else { return [] }
    let rows = try session.query(statement) { $0.int64Array(numbers) }
    return try (0..<rows.count).map { row in
      var record = try TicketRow.read(rows, row)
      record.writtenBy = RowWriter(try rows.transactionID(row, TicketRow.columnCount))
      writers[record.id] = record.writtenBy
      places[record.id] = record.counted
      return record
    }
  }

  public mutating func unclosed(of customers: [CustomerID]) throws -> [TicketRecord] { try lock(PostgresTicketStore.ofCustomers, customers.map(\.number)) }
  public mutating func tickets(following identities: [CustomerID]) throws -> [TicketRecord] {
    try lock(PostgresTicketStore.ofIdentities, identities.map(\.number))
  }
  public mutating func lock(_ tickets: [TicketID]) throws -> [TicketRecord] { try lock(PostgresTicketStore.byNumber, tickets.map(\.number)) }

  public mutating func lockStaff(on today: Day) throws -> StaffSituation { try StaffRows.lock(on: today, at: now, session) }

  public mutating func given(for ticket: TicketID, to customer: CustomerID, from start: Instant, until end: Instant) throws -> GivenBefore {
    try GrantRow.given(for: ticket, to: customer, from: start, until: end, session)
  }

  // MARK: - Writing

  private static let take = Statement(
    name: "contacts_insert", sql: "INSERT INTO contacts (contact_id, ticket_id) SELECT * FROM unnest($1::int8[], $2::int8[]) ORDER BY 1")
  private static let rate = Statement(
    name: "customers_rate",
    sql: """
      UPDATE customers c SET tier_version = u.version, tier = u.tier, tier_before = u.before, tier_since = u.since
      FROM unnest($1::int8[], $2::int8[], $3::text[], $4::text[], $5::timestamptz[]) AS u(id, version, tier, before, since) WHERE c.customer_id = u.id
      """)
  // A row of due work may be held by the lane of due work, which waits for a ticket that is held here: it takes rows without locking them first, and
  // writes them after the ticket is locked.
  private static let schedule = Statement(
    name: "deadlines_schedule",
    sql: """
      INSERT INTO due_work AS d (kind, id, due_at)
      SELECT \(TicketWork.deadline), u.id, u.due_at FROM unnest($1::int8[], $2::timestamptz[]) AS u(id, due_at) ORDER BY u.id
      ON CONFLICT (kind, id) DO UPDATE SET due_at = excluded.due_at, failures = 0, not_before = NULL
      """)
  private static let unschedule = Statement(
    name: "deadlines_unschedule", sql: "DELETE FROM due_work WHERE kind = \(TicketWork.deadline) AND id = ANY($1::int8[])")
  // Behind whatever of these tickets is still under way; nobody else can write them while they are locked here.
  private static let publish = Statement(
    name: "tickets_publish",
    sql: """
      INSERT INTO unsettled AS n (id, after_row, look_at)
      SELECT u.id, coalesce((SELECT max(id) FROM outbox), 0), '-infinity' FROM unnest($1::int8[]) AS u(id) ORDER BY u.id
      ON CONFLICT (id) DO UPDATE SET after_row = greatest(n.after_row, excluded.after_row), version = NULL
      """)

  public mutating func write(_ changes: TicketChanges, _ rules: TicketRules) throws {
    let records = (changes.opened + changes.changed).sorted { $0.id < $1.id }
    try TicketRow.insert(changes.opened, session)
    try TicketRow.update(changes.changed, session)
    try TicketEventRow.insert(changes.events, of: records, at: now, session)
    if !changes.contacts.isEmpty {
      _ = try session.run(PostgresTicketStore.take) { parameters in
        parameters.int64Array(changes.contacts.map(\.contact))
        parameters.int64Array(changes.contacts.map(\.ticket.number))
      }
    }
    if !changes.tiers.isEmpty {
      _ = try session.run(PostgresTicketStore.rate) { parameters in
        parameters.int64Array(changes.tiers.map(\.customer.number))
        parameters.int64Array(changes.tiers.map(\.version))
        parameters.textArray(nullable: changes.tiers.map(\.tier?.text))
        parameters.textArray(nullable: changes.tiers.map(\.before?.text))
        parameters.timestamptzArray(nullable: changes.tiers.map(\.since?.microseconds))
      }
    }
    try GrantRow.write(changes.grants, session)
    try StaffRows.attend(changes.attendants, at: now, session)
    try schedule(records.map { ($0.id, rules.nextMoment($0.ticket)) })
    // Last of all: here everybody meets.
    var situation = StaffSituation(today: Day(number: 0))
    for record in records { situation.move(places[record.id] ?? Placement(), to: record.counted) }
    for record in records { places[record.id] = record.counted }
    try StaffRows.count(situation, session)
    guard let lane else {
      if !records.isEmpty { _ = try session.run(PostgresTicketStore.publish) { $0.int64Array(records.map(\.id.number)) } }
      return
    }
    try Unsettled.note(
      changes.changed.compactMap { record in writers[record.id].map { RewrittenCustomer(id: record.id.number, former: $0) } }, from: lane, session)
  }

  private func schedule(_ next: [(ticket: TicketID, at: Instant?)]) throws {
    let due = next.compactMap { entry in entry.at.map { (entry.ticket, $0) } }
    if !due.isEmpty {
      _ = try session.run(PostgresTicketStore.schedule) { parameters in
        parameters.int64Array(due.map(\.0.number))
        parameters.timestamptzArray(due.map(\.1.microseconds))
      }
    }
    let idle = next.filter { $0.at == nil }.map(\.ticket.number)
    if !idle.isEmpty { _ = try session.run(PostgresTicketStore.unschedule) { $0.int64Array(idle) } }
  }
}

extension TicketRecord {
  /// With whom it counts as open; nobody and no team when it is not.
  fileprivate var counted: Placement { ticket.state.isOpen ? place : Placement() }
}
