// Rows that a batch adds or moves on, those of plain orders straight from their messages: the hot path (`docs/performance.md`).
import Contracts
import Domain
import Failpoints
import Postgres
import ProfileCore
import Text

/// Memory for one column at a time, used again and again.
final class Scratch {
  var buffer = ByteBuffer(capacityBytes: 4_096)

  func filled<Value>(_ fill: (inout ByteBuffer) -> Void, _ body: (UnsafeRawBufferPointer) -> Value) -> Value {
    buffer.removeAll()
    fill(&buffer)
    return buffer.withUnsafeBytes(body)
  }
}

/// Rows of the long way, put between those of plain orders: both are sorted by the same key, and a table's rows are come to in one order.
struct Beside<Row, Key: Comparable> {
  private let rows: [Row]
  private let key: (Row) -> Key
  private var next = 0

  init(_ rows: [Row], by key: @escaping (Row) -> Key) {
    self.rows = rows
    self.key = key
  }

  /// Those that come before a key; without one, all that are left.
  mutating func take(before limit: Key? = nil, _ put: (Row) -> Void) {
    while next < rows.count {
      if let limit, key(rows[next]) >= limit { return }
      put(rows[next])
      next += 1
    }
  }
}

/// What a batch writes that was not there, each table by one statement: straight from the messages for plain orders, from values for the rest. A row that is
/// there already, or that another transaction wrote meanwhile, is a conflict (23505), and the batch is done again.
enum NewRows {
  private static let orders = LoadTarget(
    "orders",
    [
      "identity_id": .int8, "order_key": .int8, "revision": .int8, "ordered_at": .timestamptz, "paid_at": .timestamptz, "minor_units": .int8,
      "base_minor_units": .int8, "tie": .int2, "source": .text, "order_id": .text, "labels": .bytea, "lines": .text, "movements": .text, "month": .int2,
    ])

  static func orders(
    _ plain: PlainRows, _ items: [ProfileItem], _ bytes: UnsafeRawBufferPointer, beside others: [KeyedOrder], _ scratch: Scratch,
    _ session: PostgresSession
  ) throws {
    let count = plain.newOrders.count + others.count
    guard count > 0 else { return }
    var others = Beside(others) { $0.place }
    Failpoints.reach(.copyBefore)
    // Where the fault harness waits for a COPY there is one.
    let copies = Failpoints.isAwaited(.copyWithin) || Failpoints.isAwaited(.copyAfter)
    let written = try session.load(orders, alwaysCopies: copies, beforeEnd: { Failpoints.reach(.copyWithin) }) { rows in
      for new in plain.newOrders {
        others.take(before: KeyedOrder.Place(month: new.month, identity: new.identity, key: new.key, tie: 0)) { put($0, &rows) }
        if case .plain(let order) = items[new.item] { put(new, order, plain.knownOn, bytes, scratch, &rows) }
      }
      others.take { put($0, &rows) }
    }
    Failpoints.reach(.copyAfter)
    guard written == count else { throw damaged("set of orders") }
  }

  private static func put(
    _ new: PlainRows.NewOrder, _ order: PlainOrder, _ knownOn: Day?, _ bytes: UnsafeRawBufferPointer, _ scratch: Scratch, _ rows: inout BinaryCopy
  ) {
    rows.row(columns: 14)
    rows.int64(new.identity.number)
    rows.int64(new.key)
    rows.int64(order.revision)
    rows.timestamptz(order.occurredAt.microseconds)
    if let paidAt = order.paidAt { rows.timestamptz(paidAt.microseconds) } else { rows.null() }
    rows.int64(order.money.minorUnits)
    rows.int64(order.baseMinorUnits)
    rows.int16(0)
    rows.text(utf8: order.source.bytes(in: bytes))
    rows.text(utf8: order.orderID.bytes(in: bytes))
    scratch.filled({ labels(of: order, knownOn, bytes, into: &$0) }) { rows.bytes($0) }
    if order.lines.count > 0 { rows.text(utf8: order.lines.bytes(in: bytes)) } else { rows.null() }
    rows.null()
    rows.int16(new.month.number)
  }

  private static func put(_ order: KeyedOrder, _ rows: inout BinaryCopy) {
    rows.row(columns: 14)
    rows.int64(order.place.identity.number)
    rows.int64(order.place.key)
    put(order.record.header, &rows)
    rows.int16(order.place.tie)
    rows.text(order.reference.source)
    rows.text(order.reference.orderID)
    rows.bytes(OrderRow.labels(order.record))
    if let lines = order.record.header.flatMap({ ColumnText.lines($0.lines) }) { rows.text(lines) } else { rows.null() }
    if let movements = ColumnText.movements(order.record.movements) { rows.text(movements) } else { rows.null() }
    rows.int16(order.place.month.number)
  }

  private static func put(_ header: OrderRecord.Header?, _ rows: inout BinaryCopy) {
    guard let header else {
      for _ in 0..<5 { rows.null() }
      return
    }
    rows.int64(header.revision)
    rows.timestamptz(header.orderedAt.microseconds)
    if let paidAt = header.paidAt { rows.timestamptz(paidAt.microseconds) } else { rows.null() }
    rows.int64(header.money.minorUnits)
    rows.int64(header.baseMinorUnits)
  }

  private static func labels(of order: PlainOrder, _ knownOn: Day?, _ bytes: UnsafeRawBufferPointer, into buffer: inout ByteBuffer) {
    let letters = order.money.currency.letters
    buffer.put16(UInt16(3))
    for shift in [16, 8, 0] as [UInt32] { buffer.put8(UInt8(truncatingIfNeeded: letters >> shift)) }
    OrderLabels.put(order.channel.bytes(in: bytes), into: &buffer)
    OrderLabels.put(order.creditNote.bytes(in: bytes), into: &buffer)
    if let knownOn { OrderLabels.put(knownOn: knownOn, into: &buffer) }
  }

  // MARK: - New identities

  private static let identities = LoadTarget(
    "identities",
    [
      "key": .uuid, "id": .int8, "kind": .int2, "value": .text, "customer_id": .int8, "strong": .bool, "first_seen_at": .timestamptz, "link_id": .int8,
      "link_weak": .bool, "link_at": .timestamptz, "partners": .int8Array,
    ])
  /// An array of int8 without elements, as the server receives it: no dimensions, no nulls, and the type's number.
  private static let noPartners: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20]

  static func identities(
    _ plain: PlainRows, _ items: [ProfileItem], _ bytes: UnsafeRawBufferPointer, _ known: borrowing KnownCustomers, beside others: [Identity],
    _ session: PostgresSession
  ) throws {
    let count = plain.newCustomers.count + others.count
    guard count > 0 else { return }
    var others = Beside(others) { $0.key }
    let byKey = founders(plain, items)
    let written = try session.load(identities) { rows in
      for founder in byKey {
        others.take(before: founder.key) { put($0, &rows) }
        if case .plain(let order) = items[founder.item] { known.withCustomer(at: founder.place) { put(order, of: $0, bytes, &rows) } }
      }
      others.take { put($0, &rows) }
    }
    guard written == count else { throw damaged("set of identities") }
  }

  /// By key, as identities are written; customers are by id, which lacks the key's first bit.
  private static func founders(_ plain: PlainRows, _ items: [ProfileItem]) -> [(key: IdentityKey, place: Int, item: Int)] {
    var founders: [(key: IdentityKey, place: Int, item: Int)] = []
    founders.reserveCapacity(plain.newCustomers.count)
    for (place, founder) in plain.newCustomers { if case .plain(let order) = items[founder] { founders.append((order.home, place, founder)) } }
    founders.sort { $0.key < $1.key }
    return founders
  }

  private static func put(_ order: PlainOrder, of customer: borrowing Customer, _ bytes: UnsafeRawBufferPointer, _ rows: inout BinaryCopy) {
    rows.row(columns: 11)
    rows.uuid(order.home.uuid)
    rows.int64(order.home.identityID.number)
    rows.int16(order.identifierKind.rawValue)
    rows.text(utf8: order.identifier.bytes(in: bytes))
    rows.int64(customer.id.number)
    rows.bool(order.isStrong)
    rows.timestamptz(customer.firstSeenAt.microseconds)
    for _ in 0..<3 { rows.null() }
    rows.bytes(noPartners)
  }

  private static func put(_ identity: Identity, _ rows: inout BinaryCopy) {
    rows.row(columns: 11)
    rows.uuid(identity.key.uuid)
    rows.int64(identity.id.number)
    rows.int16(identity.kind.rawValue)
    rows.text(identity.value)
    rows.int64(identity.customer.number)
    rows.bool(identity.isStrong)
    rows.timestamptz(identity.firstSeenAt.microseconds)
    if let link = identity.link {
      rows.int64(link.identity.number)
      rows.bool(link.isWeak)
      rows.timestamptz(link.at.microseconds)
    } else {
      for _ in 0..<3 { rows.null() }
    }
    rows.bytes(partners(identity.partners))
  }

  /// An array of int8 as the server receives it: one dimension, no nulls, the type's number, its length and first index, each element behind its size.
  private static func partners(_ partners: [CustomerID]) -> [UInt8] {
    guard !partners.isEmpty else { return noPartners }
    var buffer = ByteBuffer(capacityBytes: 20 + partners.count * 12)
    for number in [1, 0, 20, UInt32(truncatingIfNeeded: partners.count), 1] { buffer.put32(number) }
    for partner in partners {
      buffer.put32(UInt32(8))
      buffer.put64(partner.number)
    }
    return buffer.array()
  }

  // MARK: - New customers

  private static let customers = LoadTarget(
    "customers",
    [
      "id": .int8, "version": .int8, "membership": .int8, "merged_into": .int8, "member_id": .text, "first_seen_at": .timestamptz, "days": .bytea,
      "older": .bytea, "attributes": .text, "due_day": .date, "tags": .text, "last_interaction_day": .date, "order_marks": .bytea,
    ])

  static func customers(
    _ plain: PlainRows, _ known: borrowing KnownCustomers, beside others: [Customer], _ scratch: Scratch, _ session: PostgresSession
  ) throws {
    let count = plain.newCustomers.count + others.count
    guard count > 0 else { return }
    var others = Beside(others) { $0.id }
    let written = try session.load(customers) { rows in
      for (place, _) in plain.newCustomers {
        known.withCustomer(at: place) { customer in
          others.take(before: customer.id) { put($0, scratch, &rows) }
          put(customer, scratch, &rows)
        }
      }
      others.take { put($0, scratch, &rows) }
    }
    guard written == count else { throw damaged("set of customers") }
  }

  private static func put(_ customer: borrowing Customer, _ scratch: Scratch, _ rows: inout BinaryCopy) {
    rows.row(columns: 13)
    rows.int64(customer.id.number)
    rows.int64(customer.version)
    rows.int64(customer.membership)
    if let merged = customer.mergedInto { rows.int64(merged.number) } else { rows.null() }
    if let member = customer.memberID { rows.text(member) } else { rows.null() }
    rows.timestamptz(customer.firstSeenAt.microseconds)
    scratch.filled({ LedgerBytes.putDays(customer.ledger, into: &$0) }) { rows.bytes($0) }
    scratch.filled({ LedgerBytes.putOlder(customer.ledger, into: &$0) }) { rows.bytes($0) }
    rows.text(ColumnText.attributes(customer.attributes))
    if let day = customer.dueDay { rows.date(unixDays: day.number) } else { rows.null() }
    if let tags = customer.tags.stored { rows.text(tags) } else { rows.null() }
    if let day = customer.lastInteractionDay { rows.date(unixDays: day.number) } else { rows.null() }
    scratch.filled({ customer.orderMarks.put(into: &$0) }) { rows.bytes($0) }
  }
}

enum MovedRows {
  /// Customers that are there, written where the stored version is the one remembered. One that has another makes the batch a conflict, as
  /// ``CustomersMoved`` does.
  static func write(_ plain: PlainRows, _ known: borrowing KnownCustomers, _ scratch: Scratch, _ session: PostgresSession) throws {
    let moved = plain.movedCustomers
    try session.runLater(CustomerRow.move, rows: moved.count) { parameters in
      func column(_ type: PostgresType, _ put: (borrowing Customer, inout Parameters) -> Void) {
        parameters.beginArray(type)
        for place in moved { known.withCustomer(at: place) { put($0, &parameters) } }
        parameters.endArray()
      }
      column(.int8) { $1.element(int64: $0.id.number) }
      column(.bytea) { customer, parameters in
        scratch.filled({ LedgerBytes.putDays(customer.ledger, into: &$0) }) { parameters.element(bytes: $0) }
      }
      column(.bytea) { customer, parameters in
        scratch.filled({ LedgerBytes.putOlder(customer.ledger, into: &$0) }) { parameters.element(bytes: $0) }
      }
      column(.int8) { $1.element(int64: $0.version - 1) }
      column(.date) { if let day = $0.dueDay { $1.element(unixDays: day.number) } else { $1.elementNull() } }
      column(.text) { if let tags = $0.tags.stored { $1.element(text: tags) } else { $1.elementNull() } }
      column(.bytea) { customer, parameters in
        scratch.filled({ customer.orderMarks.put(into: &$0) }) { parameters.element(bytes: $0) }
      }
    }
  }
}
