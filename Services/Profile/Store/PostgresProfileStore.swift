// The profile's tables in PostgreSQL. Every statement is set-based, its keys sorted.
public import Domain
import Failpoints
import Handling
public import Postgres
public import ProfileCore
import Contracts
public import Messaging
import Hashing

/// Belongs to one transaction, on the thread of its session.
public struct PostgresProfileStore: ProfileStore {
  let session: PostgresSession
  /// The lane that publishes what is written; nil: nothing is published.
  private let lane: String?
  /// Who wrote the rows that this transaction has locked, and when they were due.
  private var locked: [CustomerID: (writer: RowWriter, dueDay: Day?)] = [:]
  private let keyOfOrder: OrderKey
  /// The rows of the orders that were read.
  private var places: [OrderReference: KeyedOrder.Place] = [:]
  private var nextTie: [KeyOfOrder: Int16] = [:]
  /// Orders that were put away.
  private var cold: Set<OrderReference> = []
  /// A column of varying length on its way into a row.
  private let scratch = Scratch()

  private static let nobody = KnownCustomers()

  private struct KeyOfOrder: Hashable {
    let month: OrderMonth
    let identity: CustomerID
    let key: Int64

    init(_ place: KeyedOrder.Place) { (month, identity, key) = (place.month, place.identity, place.key) }
  }

  /// The 64-bit hash of an order's source, id and credit note.
  public typealias OrderKey = (_ source: UnsafeRawBufferPointer, _ orderID: UnsafeRawBufferPointer, _ creditNote: UnsafeRawBufferPointer) -> Int64

  /// - Parameters:
  ///   - lane: the lane that publishes what is written.
  ///   - orderKey: collisions are told apart; tests plant some.
  public init(_ session: PostgresSession, lane: String? = nil, orderKey: @escaping OrderKey = PostgresProfileStore.usualOrderKey) {
    self.session = session
    self.lane = lane
    keyOfOrder = orderKey
  }

  /// SipHash under a key that never changes: rows are found by it.
  public static func usualOrderKey(_ source: UnsafeRawBufferPointer, _ orderID: UnsafeRawBufferPointer, _ creditNote: UnsafeRawBufferPointer) -> Int64 {
    var hash = SipHash(key0: 0x636c_6965_6e74_656c, key1: 0x6f72_6465_726b_6579)
    // A byte that no UTF-8 has stands between the parts.
    hash.add(source)
    hash.add(0xFF)
    hash.add(orderID)
    hash.add(0xFF)
    hash.add(creditNote)
    return Int64(bitPattern: hash.finish())
  }

  public func orderKey(source: UnsafeRawBufferPointer, orderID: UnsafeRawBufferPointer, creditNote: UnsafeRawBufferPointer) -> Int64 {
    keyOfOrder(source, orderID, creditNote)
  }

  // MARK: - Identities

  private static let identityColumns = "i.key, i.kind, i.value, i.customer_id, i.strong, i.first_seen_at, i.link_id, i.link_weak, i.link_at, i.partners"
  static let identitiesByKey = Statement(
    name: "identities_by_key",
    sql: "SELECT \(identityColumns), c.membership FROM identities i JOIN customers c ON c.id = i.customer_id WHERE i.key = ANY($1::uuid[])")
  /// Identities in a range of keys: sorted and limited, so that nobody can plan it but by the index. A number names one of them, unless keys agree in
  /// their first 63 bits.
  private static func between(_ condition: String) -> String {
    "LATERAL (SELECT * FROM identities y WHERE y.key BETWEEN u.low AND u.high\(condition) ORDER BY y.key LIMIT 100)"
  }
  /// The identity that a customer was born from is found by its key, the others by the customer.
  static let membersOf = Statement(
    name: "identities_of_customers",
    sql: """
      SELECT \(identityColumns), c.membership, c.order_marks FROM (
        SELECT x.* FROM identities x WHERE x.customer_id = ANY($1::int8[]) AND x.customer_id <> x.id
        UNION ALL
        SELECT x.* FROM unnest($2::uuid[], $3::uuid[]) AS u(low, high), \(between(" AND y.customer_id = y.id")) AS x
      ) AS i JOIN customers c ON c.id = i.customer_id
      """)

  public mutating func identities(_ keys: [IdentityKey]) throws -> [(identity: Identity, membership: Int64)] {
    guard !keys.isEmpty else { return [] }
    let rows = try session.query(PostgresProfileStore.identitiesByKey) { $0.uuidArray(keys.map(\.uuid)) }
    return try (0..<rows.count).map { (try identity(rows, $0), try rows.int64($0, 10)) }
  }

  /// A number is a key without its first bit: keys of a number lie in two places.
  static let identitiesByNumber = Statement(
    name: "identities_by_number",
    sql: """
      SELECT \(identityColumns), c.membership FROM unnest($1::uuid[], $2::uuid[]) AS u(low, high), \(between("")) AS i
        JOIN customers c ON c.id = i.customer_id
      """)

  public mutating func identities(numbered ids: [CustomerID]) throws -> [(identity: Identity, membership: Int64)] {
    let rows = try session.query(PostgresProfileStore.identitiesByNumber) { PostgresProfileStore.putKeys(numbered: ids, &$0) }
    return try (0..<rows.count).map { (try identity(rows, $0), try rows.int64($0, 10)) }
  }

  /// The first and the last key of each of the two places.
  private static func putKeys(numbered ids: [CustomerID], _ parameters: inout Parameters) {
    let firsts = ids.flatMap { id in [UInt64(bitPattern: id.number), UInt64(bitPattern: id.number) | 1 << 63] }.map { UInt128($0) << 64 }
    parameters.uuidArray(firsts)
    parameters.uuidArray(firsts.map { $0 | UInt128(UInt64.max) })
  }

  static let ownersOf = Statement(
    name: "owners_of_identities",
    sql: """
      SELECT \(CustomerRow.columns), i.key, i.strong, i.first_seen_at FROM identities i JOIN customers c ON c.id = i.customer_id
      WHERE i.key = ANY($1::uuid[])
      """)

  public mutating func owners(of keys: [IdentityKey]) throws -> [(identity: OwnedIdentity, customer: Customer)] {
    let rows = try session.query(PostgresProfileStore.ownersOf) { $0.uuidArray(keys.map(\.uuid)) }
    let first = CustomerRow.columnCount
    return try (0..<rows.count).map { row in
      let identity = OwnedIdentity(
        key: IdentityKey(uuid: try rows.uuid(row, first)), isStrong: try rows.bool(row, first + 1),
        firstSeenAt: Instant(microseconds: try rows.timestamptz(row, first + 2)))
      return (identity, try CustomerRow.read(rows, row))
    }
  }

  public mutating func members(of customers: [CustomerID]) throws -> [(identity: Identity, membership: Int64, marks: OrderMarks)] {
    let rows = try session.query(PostgresProfileStore.membersOf) { parameters in
      parameters.int64Array(customers.map(\.number))
      PostgresProfileStore.putKeys(numbered: customers, &parameters)
    }
    return try (0..<rows.count).map { (try identity(rows, $0), try rows.int64($0, 10), try OrderMarks(bytes: try rows.bytes($0, 11))) }
  }

  private func identity(_ rows: Rows, _ row: Int) throws -> Identity {
    guard let kind = IdentifierKind(rawValue: try rows.int16(row, 1)) else { throw damaged("identity") }
    var link: Identity.Link?
    if let id = try rows.int64OrNil(row, 6) {
      link = Identity.Link(
        identity: CustomerID(number: id), isWeak: try rows.boolOrNil(row, 7) ?? true, at: Instant(microseconds: try rows.timestamptzOrNil(row, 8) ?? 0))
    }
    return Identity(
      key: IdentityKey(uuid: try rows.uuid(row, 0)), kind: kind, value: try rows.text(row, 2), customer: CustomerID(number: try rows.int64(row, 3)),
      isStrong: try rows.bool(row, 4), firstSeenAt: Instant(microseconds: try rows.timestamptz(row, 5)), link: link,
      partners: try rows.int64Array(row, 9).compactMap { $0.map(CustomerID.init(number:)) })
  }

  // MARK: - Customers

  static let lock = Statement(
    name: "customers_lock",
    sql: """
      SELECT \(CustomerRow.columns) FROM customers c WHERE c.id = ANY($1::int8[]) ORDER BY c.id FOR UPDATE
      """)

  /// For a mutant only: every session locks in an order of its own, and takes its time, so that two of them meet whatever the machine does.
  private static let lockUnsorted = Statement(
    name: "customers_lock_unsorted",
    sql: lock.sql.replacing("ORDER BY c.id", with: "ORDER BY hashint8(c.id # pg_backend_pid()::int8)")
      .replacing(" FROM customers c", with: ", pg_sleep(0.002) FROM customers c"))

  public mutating func lockCustomers(_ ids: [CustomerID]) throws -> [Customer] {
    let rows = try session.query(Mutant.unsortedLocks.isOn ? PostgresProfileStore.lockUnsorted : PostgresProfileStore.lock) { $0.int64Array(ids.map(\.number)) }
    let customers = try (0..<rows.count).map { try CustomerRow.read(rows, $0) }
    for customer in customers { locked[customer.id] = (customer.writtenBy, customer.dueDay) }
    return customers
  }

  public mutating func customersDue(by day: Day, max count: Int) throws -> [DueCustomer] { try DueRows.due(by: day, max: count, session) }

  // MARK: - Orders

  // OFFSET 0 keeps the planner from reading all orders for a join with them: each place is looked at by index.
  static let ordersByKey = Statement(
    name: "orders_by_key",
    sql: """
      SELECT \(OrderRow.columns), o.is_cold FROM unnest($1::int2[], $2::int8[], $3::int8[]) AS u(month, identity_id, order_key),
        LATERAL (SELECT * FROM all_orders x WHERE x.month = u.month AND x.identity_id = u.identity_id AND x.order_key = u.order_key OFFSET 0) AS o
      """)
  static let ordersOf = Statement(
    name: "orders_of_identities",
    sql: """
      SELECT \(OrderRow.columns), o.is_cold FROM unnest($1::int2[], $2::int8[]) AS u(month, identity_id),
        LATERAL (SELECT * FROM all_orders x WHERE x.month = u.month AND x.identity_id = u.identity_id OFFSET 0) AS o
      """)
  static let allOrdersOf = Statement(
    name: "orders_anywhere",
    sql: """
      SELECT \(OrderRow.columns), o.is_cold FROM order_months AS m, unnest($1::int8[]) AS u(identity_id),
        LATERAL (SELECT * FROM all_orders x WHERE x.month = m.month AND x.identity_id = u.identity_id OFFSET 0) AS o
      """)

  public mutating func orders(_ sought: [SoughtOrder]) throws -> [OrderReference: StoredOrder] {
    if Mutant.repeatWithoutProbe.isOn { return [:] }
    let pairs = sought.flatMap { order in order.months.map { (month: $0, order: order) } }
    guard !pairs.isEmpty else { return [:] }
    let rows = try session.query(PostgresProfileStore.ordersByKey) { parameters in
      parameters.int16Array(pairs.map(\.month.number))
      parameters.int64Array(pairs.map(\.order.reference.identity.number))
      parameters.int64Array(pairs.map(\.order.key))
    }
    let wanted = Set(sought.map(\.reference))
    return try take(rows).filter { wanted.contains($0.key) }
  }

  public mutating func orders(of sought: [SoughtOrders]) throws -> [OrderReference: StoredOrder] {
    let pairs = sought.flatMap { identity in identity.months.map { (month: $0, identity: identity.identity) } }
    guard !pairs.isEmpty else { return [:] }
    let rows = try session.query(PostgresProfileStore.ordersOf) { parameters in
      parameters.int16Array(pairs.map(\.month.number))
      parameters.int64Array(pairs.map(\.identity.number))
    }
    return try take(rows)
  }

  public mutating func allOrders(of identities: [CustomerID]) throws -> [OrderReference: StoredOrder] {
    guard !identities.isEmpty else { return [:] }
    return try take(try session.query(PostgresProfileStore.allOrdersOf) { $0.int64Array(identities.map(\.number)) })
  }

  private mutating func take(_ rows: Rows) throws -> [OrderReference: StoredOrder] {
    var found: [OrderReference: StoredOrder] = [:]
    for row in 0..<rows.count {
      let (reference, record) = try OrderRow.read(rows, row)
      let place = try OrderRow.place(rows, row)
      places[reference] = place
      if try rows.bool(row, OrderRow.columnCount) { cold.insert(reference) }
      let key = KeyOfOrder(place)
      nextTie[key] = max(nextTie[key] ?? 0, place.tie + 1)
      found[reference] = StoredOrder(record, key: place.key, month: place.month)
    }
    return found
  }

  // MARK: - Registrations

  static let knownRegistrations = Statement(
    name: "registrations_known",
    sql: """
      SELECT u.place FROM unnest($1::int8[], $2::text[], $3::text[]) WITH ORDINALITY AS u(identity_id, source, event_id, place)
      JOIN registrations r USING (identity_id, source, event_id)
      """)
  static let registrationsOf = Statement(
    name: "registrations_of_identities",
    sql: "SELECT identity_id, source, event_id, occurred_at, attributes, known_on FROM registrations WHERE identity_id = ANY($1::int8[])")

  public mutating func knownRegistrations(_ events: [(identity: CustomerID, source: String, eventID: String)]) throws -> [Bool] {
    let rows = try session.query(PostgresProfileStore.knownRegistrations) { parameters in
      parameters.int64Array(events.map(\.identity.number))
      parameters.textArray(events.map(\.source))
      parameters.textArray(events.map(\.eventID))
    }
    var known = [Bool](repeating: false, count: events.count)
    for row in 0..<rows.count { known[Int(try rows.int64(row, 0)) - 1] = true }
    return known
  }

  public mutating func registrations(of identities: [CustomerID]) throws -> [KnownRegistration] {
    guard !identities.isEmpty else { return [] }
    let rows = try session.query(PostgresProfileStore.registrationsOf) { $0.int64Array(identities.map(\.number)) }
    return try (0..<rows.count).map { row in
      KnownRegistration(
        identity: CustomerID(number: try rows.int64(row, 0)),
        event: CustomerEvent(
          source: try rows.text(row, 1), eventID: try rows.text(row, 2), occurredAt: Instant(microseconds: try rows.timestamptz(row, 3)), identifiers: [],
          attributes: try ColumnText.plain(try rows.text(row, 4))), knownOn: try rows.dateOrNil(row, 5).map(Day.init(number:)))
    }
  }

  // MARK: - Writing

  public mutating func write(_ changes: ProfileChanges) throws {
    // A rebuild and the daily round have no plain orders.
    let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
    try write(PlainRows(), of: [], nothing, PostgresProfileStore.nobody, beside: changes)
  }

  public mutating func write(
    _ plain: PlainRows, of items: [ProfileItem], _ bytes: UnsafeRawBufferPointer, _ known: borrowing KnownCustomers, beside changes: ProfileChanges
  ) throws {
    // A mutant passes over rows that are there, which COPY cannot.
    if Mutant.repeatWithoutProbe.isOn, !plain.newOrders.isEmpty {
      return try write(plain.changes(of: items, bytes, known, beside: changes))
    }
    // Rows that are there before rows that are not: who waits for a key holds no row that its owner still wants.
    if !changes.unlockedCustomers.isEmpty { try CustomerRow.moveOn(changes.unlockedCustomers, session) }
    if !plain.movedCustomers.isEmpty { try MovedRows.write(plain, known, scratch, session) }
    try NewRows.identities(plain, items, bytes, known, beside: changes.newIdentities, session)
    if !changes.changedIdentities.isEmpty { try update(changes.changedIdentities) }
    try NewRows.customers(plain, known, beside: changes.newCustomers, scratch, session)
    if !changes.changedCustomers.isEmpty { try CustomerRow.update(changes.changedCustomers, session) }
    let due = dueAnew(changes) + plain.dueMoved.compactMap { known.withCustomer(at: $0) { DueRows.entry(of: $0) } }
    if !changes.doneDueDays.isEmpty { try DueRows.delete(changes.doneDueDays, session) }
    if !due.isEmpty { try DueRows.write(due.sorted(), session) }
    let newOrders = keyed(changes.newOrders)
    if Mutant.repeatWithoutProbe.isOn { try OrderRow.insertMissing(newOrders, session) } else {
      try NewRows.orders(plain, items, bytes, beside: newOrders, scratch, session)
    }
    if !changes.changedOrders.isEmpty {
      let changed = keyed(changes.changedOrders)
      let putAway = changed.filter { cold.contains($0.reference) }
      if !putAway.isEmpty { try ColdRows.takeBack(putAway.map(\.place), session) }
      try OrderRow.update(changed, session)
    }
    if !changes.registrations.isEmpty { try write(changes.registrations, knownOn: changes.knownOn) }
    if !changes.interactions.isEmpty { try InteractionRows.write(changes.interactions, knownOn: changes.knownOn, session) }
    if !changes.bonds.isEmpty { try EvidenceRows.write(changes.bonds, session) }
    if !changes.merges.isEmpty { try EvidenceRows.write(changes.merges, session) }
    if !changes.tagChanges.isEmpty { try TagRows.write(changes.tagChanges, session) }
    if !changes.toTag.isEmpty { try TagRows.ask(changes.toTag, session) }
    guard let lane else { return }
    // Of one that was read again under its lock, this counts: its row may have been written in between.
    let rewritten =
      (changes.changedCustomers + changes.unlockedCustomers).map {
        RewrittenCustomer(id: $0.id.number, former: locked[$0.id]?.writer ?? $0.writtenBy, isSilent: changes.silentCustomers.contains($0.id))
      } + plain.movedCustomers.map { known.withCustomer(at: $0) { RewrittenCustomer(id: $0.id.number, former: $0.writtenBy) } }
    try Unsettled.note(rewritten, from: lane, session)
  }

  /// Those of these customers who are due on another day than their rows said.
  private func dueAnew(_ changes: ProfileChanges) -> [DueCustomer] {
    let changed = changes.changedCustomers.filter { $0.dueDay != locked[$0.id]?.dueDay }
    return (changes.newCustomers + changed + changes.unlockedCustomers).compactMap { DueRows.entry(of: $0) }
  }

  private static let identityArrays =
    "unnest($1::uuid[], $2::int8[], $3::int2[], $4::text[], $5::int8[], $6::bool[], $7::timestamptz[], $8::int8[], $9::bool[], $10::timestamptz[], $11::text[])"
    + " AS u(key, id, kind, value, customer_id, strong, first_seen_at, link_id, link_weak, link_at, partners)"
  static let updateIdentities = Statement(
    name: "identities_update",
    sql: """
      UPDATE identities i SET customer_id = u.customer_id, strong = u.strong, first_seen_at = u.first_seen_at, link_id = u.link_id,
        link_weak = u.link_weak, link_at = u.link_at, partners = u.partners::int8[]
      FROM \(identityArrays) WHERE i.key = u.key
      """)

  private func update(_ identities: [Identity]) throws {
    _ = try session.run(PostgresProfileStore.updateIdentities) { parameters in
      parameters.uuidArray(identities.map(\.key.uuid))
      parameters.int64Array(identities.map(\.id.number))
      parameters.int16Array(identities.map(\.kind.rawValue))
      parameters.textArray(identities.map(\.value))
      parameters.int64Array(identities.map(\.customer.number))
      parameters.boolArray(identities.map(\.isStrong))
      parameters.timestamptzArray(identities.map(\.firstSeenAt.microseconds))
      parameters.int64Array(nullable: identities.map { $0.link?.identity.number })
      parameters.boolArray(identities.map { $0.link?.isWeak ?? false })
      parameters.timestamptzArray(nullable: identities.map { $0.link?.at.microseconds })
      parameters.textArray(identities.map { "{" + $0.partners.map { String($0.number) }.joined(separator: ",") + "}" })
    }
  }

  /// By the keys of their rows.
  private mutating func keyed(_ orders: [(reference: OrderReference, order: StoredOrder)]) -> [KeyedOrder] {
    orders.map { reference, order in
      if let place = places[reference] { return KeyedOrder(place: place, reference: reference, record: order.record) }
      let first = KeyedOrder.Place(month: order.month, identity: reference.identity, key: order.key, tie: 0)
      let tie = nextTie[KeyOfOrder(first), default: 0]
      nextTie[KeyOfOrder(first)] = tie + 1
      let place = KeyedOrder.Place(month: order.month, identity: reference.identity, key: order.key, tie: tie)
      places[reference] = place
      return KeyedOrder(place: place, reference: reference, record: order.record)
    }.sorted { $0.place < $1.place }
  }

  static let insertRegistrations = Statement(
    name: "registrations_insert",
    sql: """
      INSERT INTO registrations (identity_id, source, event_id, occurred_at, attributes, known_on)
      SELECT u.*, $6 FROM unnest($1::int8[], $2::text[], $3::text[], $4::timestamptz[], $5::text[]) AS u
      """)

  private func write(_ registrations: [(identity: CustomerID, event: CustomerEvent)], knownOn: Day?) throws {
    let sorted = registrations.sorted { ($0.identity, $0.event.source, $0.event.eventID) < ($1.identity, $1.event.source, $1.event.eventID) }
    try session.runLater(PostgresProfileStore.insertRegistrations) { parameters in
      parameters.int64Array(sorted.map(\.identity.number))
      parameters.textArray(sorted.map(\.event.source))
      parameters.textArray(sorted.map(\.event.eventID))
      parameters.timestamptzArray(sorted.map(\.event.occurredAt.microseconds))
      parameters.textArray(sorted.map { ColumnText.plain($0.event.attributes) })
      parameters.date(unixDays: knownOn?.number)
    }
  }

  public mutating func lastInteractions(of identities: [CustomerID], before end: Instant?) throws -> [(identity: CustomerID, at: Instant)] {
    try InteractionRows.newest(of: identities, before: end, session)
  }

  public mutating func interactions(of identities: [CustomerID], since: Instant?) throws -> [KnownInteraction] {
    try InteractionRows.all(of: identities, since: since, session)
  }

  public mutating func manualTags(of identities: [CustomerID]) throws -> [ManualTag] { try TagRows.manual(of: identities, session) }

  /// Kind of due work: the daily round through customers whose lifecycle stage may change by time alone (P-08). One row, made with the tables.
  public static let lifecycleWork: Int16 = 1
}

extension IdentitiesMoved: RetryableConflict {}
extension CustomersMoved: RetryableConflict {}
extension OrdersMoved: RetryableConflict {}
extension KnownCustomers: KeptState {}
