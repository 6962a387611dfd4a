// What plain orders change, straight from their messages into rows: the hot path (`docs/performance.md`).
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

enum PlainRows {
  static func insertOrders(
    _ plain: PlainOrders, _ items: [ProfileItem], _ bytes: UnsafeRawBufferPointer, _ scratch: Scratch, _ session: PostgresSession
  ) throws {
    Failpoints.reach(.copyBefore)
    let written = try session.copyIn(OrderRow.copy, beforeEnd: { Failpoints.reach(.copyWithin) }) { rows in
      for new in plain.newOrders { if case .plain(let order) = items[new.item] { put(new, order, bytes, scratch, &rows) } }
    }
    Failpoints.reach(.copyAfter)
    guard written == plain.newOrders.count else { throw damaged("set of orders") }
  }

  private static func put(
    _ new: PlainOrders.NewOrder, _ order: PlainOrder, _ bytes: UnsafeRawBufferPointer, _ scratch: Scratch, _ rows: inout BinaryCopy
  ) {
    rows.row(columns: 13)
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
    scratch.filled({ labels(of: order, bytes, into: &$0) }) { rows.bytes($0) }
    if order.lines.count > 0 { rows.text(utf8: order.lines.bytes(in: bytes)) } else { rows.null() }
    rows.null()
  }

  private static func labels(of order: PlainOrder, _ bytes: UnsafeRawBufferPointer, into buffer: inout ByteBuffer) {
    let letters = order.money.currency.letters
    buffer.put16(UInt16(3))
    for shift in [16, 8, 0] as [UInt32] { buffer.put8(UInt8(truncatingIfNeeded: letters >> shift)) }
    OrderLabels.put(order.channel.bytes(in: bytes), into: &buffer)
    OrderLabels.put(order.creditNote.bytes(in: bytes), into: &buffer)
  }

  // MARK: - New customers

  private static let copyIdentities = "COPY identities (key, id, kind, value, customer_id, strong, first_seen_at, partners) FROM STDIN (FORMAT binary)"
  /// An array of int8 without elements, as the server receives it: no dimensions, no nulls, and the type's number.
  private static let noPartners: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20]

  static func insertIdentities(
    _ plain: PlainOrders, _ items: [ProfileItem], _ bytes: UnsafeRawBufferPointer, _ known: borrowing KnownCustomers, _ session: PostgresSession
  ) throws {
    // By key, as the long way writes them; customers are by id, which lacks the key's first bit.
    func key(_ founder: Int) -> IdentityKey? { if case .plain(let order) = items[founder] { order.home } else { nil } }
    let byKey = plain.newCustomers.map { (place: $0.place, founder: $0.founder, key: key($0.founder)) }.sorted { left, right in
      guard let one = left.key, let other = right.key else { return left.key == nil && right.key != nil }
      return one < other
    }
    let written = try session.copyIn(copyIdentities) { rows in
      for (place, founder, _) in byKey {
        guard case .plain(let order) = items[founder] else { continue }
        rows.row(columns: 8)
        rows.uuid(order.home.uuid)
        rows.int64(order.home.identityID.number)
        rows.int16(order.identifierKind.rawValue)
        rows.text(utf8: order.identifier.bytes(in: bytes))
        rows.int64(known[place].customer.id.number)
        rows.bool(order.isStrong)
        rows.timestamptz(known[place].customer.firstSeenAt.microseconds)
        rows.bytes(noPartners)
      }
    }
    guard written == plain.newCustomers.count else { throw damaged("set of identities") }
  }

  private static let copyCustomers =
    "COPY customers (id, version, membership, member_id, first_seen_at, days, older, attributes, due_day) FROM STDIN (FORMAT binary)"

  static func insertCustomers(_ plain: PlainOrders, _ known: borrowing KnownCustomers, _ scratch: Scratch, _ session: PostgresSession) throws {
    let written = try session.copyIn(copyCustomers) { rows in
      for (place, _) in plain.newCustomers {
        rows.row(columns: 9)
        rows.int64(known[place].customer.id.number)
        rows.int64(known[place].customer.version)
        rows.int64(known[place].customer.membership)
        if let member = known[place].customer.memberID { rows.text(member) } else { rows.null() }
        rows.timestamptz(known[place].customer.firstSeenAt.microseconds)
        scratch.filled({ known[place].customer.ledger.putDays(into: &$0) }) { rows.bytes($0) }
        scratch.filled({ known[place].customer.ledger.putOlder(into: &$0) }) { rows.bytes($0) }
        rows.text("")
        if let day = known[place].customer.dueDay { rows.date(unixDays: day.number) } else { rows.null() }
      }
    }
    guard written == plain.newCustomers.count else { throw damaged("set of customers") }
  }

  // MARK: - Known customers

  static func move(_ plain: PlainOrders, _ known: borrowing KnownCustomers, _ scratch: Scratch, _ session: PostgresSession) throws {
    let moved = plain.movedCustomers
    let written = try session.run(CustomerRow.move) { parameters in
      parameters.beginArray(.int8)
      for place in moved { parameters.element(int64: known[place].customer.id.number) }
      parameters.endArray()
      parameters.beginArray(.bytea)
      for place in moved { scratch.filled({ known[place].customer.ledger.putDays(into: &$0) }) { parameters.element(bytes: $0) } }
      parameters.endArray()
      parameters.beginArray(.bytea)
      for place in moved { scratch.filled({ known[place].customer.ledger.putOlder(into: &$0) }) { parameters.element(bytes: $0) } }
      parameters.endArray()
      parameters.beginArray(.int8)
      for place in moved { parameters.element(int64: known[place].customer.version - 1) }
      parameters.endArray()
      parameters.beginArray(.date)
      for place in moved {
        if let day = known[place].customer.dueDay { parameters.element(unixDays: day.number) } else { parameters.elementNull() }
      }
      parameters.endArray()
    }
    guard written == moved.count else { throw CustomersMoved() }
  }
}
