// Rows of customers and orders, to and from the domain's values.
import Domain
import Failpoints
import Handling
import Postgres
import ProfileCore

enum CustomerRow {
  static let columns = "c.id, c.version, c.membership, c.merged_into, c.member_id, c.first_seen_at, c.days, c.older, c.attributes, c.due_day, c.tags,"
    + " c.last_interaction_day, c.order_marks, c.xmin"
  static let columnCount = 14

  static func read(_ rows: Rows, _ row: Int) throws -> Customer {
    var customer = Customer(
      id: CustomerID(number: try rows.int64(row, 0)), version: try rows.int64(row, 1), membership: try rows.int64(row, 2),
      mergedInto: try rows.int64OrNil(row, 3).map(CustomerID.init(number:)), memberID: try rows.textOrNil(row, 4),
      firstSeenAt: Instant(microseconds: try rows.timestamptz(row, 5)), ledger: try DayLedger(rows, row, days: 6, older: 7),
      attributes: try ColumnText.attributes(try rows.text(row, 8)), dueDay: try rows.dateOrNil(row, 9).map(Day.init(number:)),
      tags: CustomerTags(text: try rows.textOrNil(row, 10) ?? ""),
      lastInteractionDay: try rows.dateOrNil(row, 11).map(Day.init(number:)))
    customer.orderMarks = try OrderMarks(bytes: try rows.bytes(row, 12))
    customer.writtenBy = RowWriter(try rows.transactionID(row, 13))
    return customer
  }

  /// Aggregates and tags of customers that nobody locked; orders do not touch the day of the last interaction.
  ///
  /// Arrays of fixed width are subscripted: unnesting each of them would fill a tuple store of its own.
  static let move = Statement(
    name: "customers_move_on",
    sql: """
      UPDATE customers c SET version = c.version + 1, days = u.days, older = u.older, due_day = ($5::date[])[u.place], tags = u.tags,
        order_marks = u.order_marks
      FROM unnest($1::int8[], $2::bytea[], $3::bytea[], $6::text[], $7::bytea[]) WITH ORDINALITY AS u(id, days, older, tags, order_marks, place)
      WHERE c.id = u.id AND c.version = ($4::int8[])[u.place]
      """)

  static func moveOn(_ customers: [Customer], _ session: PostgresSession) throws {
    try session.runLater(move, rows: customers.count) { parameters in
      parameters.int64Array(customers.map(\.id.number))
      parameters.bytesArray(customers.map(\.ledger.daysEncoded))
      parameters.bytesArray(customers.map(\.ledger.olderEncoded))
      parameters.int64Array(customers.map { $0.version - 1 })
      days(customers.map(\.dueDay), &parameters)
      parameters.textArray(nullable: customers.map(\.tags.stored))
      parameters.bytesArray(customers.map(\.orderMarks.encoded))
    }
  }

  private static func days(_ days: [Day?], _ parameters: inout Parameters) {
    parameters.beginArray(.date)
    for day in days { if let day { parameters.element(unixDays: day.number) } else { parameters.elementNull() } }
    parameters.endArray()
  }

  private static let arrays =
    "unnest($1::int8[], $2::int8[], $3::int8[], $4::int8[], $5::text[], $6::timestamptz[], $7::bytea[], $8::bytea[], $9::text[], $10::date[],"
    + " $11::text[], $12::date[], $13::bytea[])"
    + " AS u(id, version, membership, merged_into, member_id, first_seen_at, days, older, attributes, due_day, tags, last_interaction_day, order_marks)"
  static let update = Statement(
    name: "customers_update",
    sql: """
      UPDATE customers c SET version = u.version, membership = u.membership, merged_into = u.merged_into, member_id = u.member_id,
        first_seen_at = u.first_seen_at, days = u.days, older = u.older, attributes = u.attributes, due_day = u.due_day,
        tags = u.tags, last_interaction_day = u.last_interaction_day, order_marks = u.order_marks
      FROM \(arrays) WHERE c.id = u.id
      """)

  static func update(_ customers: [Customer], _ session: PostgresSession) throws {
    try session.runLater(update, rows: customers.count, otherwise: .damaged) { parameters in
      parameters.int64Array(customers.map(\.id.number))
      parameters.int64Array(customers.map(\.version))
      parameters.int64Array(customers.map(\.membership))
      parameters.int64Array(nullable: customers.map { $0.mergedInto?.number })
      parameters.textArray(nullable: customers.map(\.memberID))
      parameters.timestamptzArray(customers.map(\.firstSeenAt.microseconds))
      parameters.bytesArray(customers.map(\.ledger.daysEncoded))
      parameters.bytesArray(customers.map(\.ledger.olderEncoded))
      parameters.textArray(customers.map { ColumnText.attributes($0.attributes) })
      days(customers.map(\.dueDay), &parameters)
      parameters.textArray(nullable: customers.map(\.tags.stored))
      days(customers.map(\.lastInteractionDay), &parameters)
      parameters.bytesArray(customers.map(\.orderMarks.encoded))
    }
  }
}

enum OrderRow {
  static let columns =
    "o.identity_id, o.order_key, o.tie, o.source, o.order_id, o.revision, o.ordered_at, o.paid_at, o.minor_units, o.base_minor_units, o.labels,"
    + " o.lines, o.movements, o.earlier, o.month"
  static let columnCount = 15

  /// The key of a row.
  static func place(_ rows: Rows, _ row: Int) throws -> KeyedOrder.Place {
    KeyedOrder.Place(
      month: OrderMonth(number: try rows.int16(row, 14)), identity: CustomerID(number: try rows.int64(row, 0)), key: try rows.int64(row, 1),
      tie: try rows.int16(row, 2))
  }

  static func read(_ rows: Rows, _ row: Int) throws -> (OrderReference, OrderRecord) {
    let labels = try OrderLabels.read(try rows.bytes(row, 10))
    let reference = OrderReference(
      identity: CustomerID(number: try rows.int64(row, 0)), source: try rows.text(row, 3), orderID: try rows.text(row, 4), creditNote: labels.creditNote)
    var header: OrderRecord.Header?
    if let revision = try rows.int64OrNil(row, 5) {
      guard let currency = Currency(labels.currency) else { throw damaged("order's currency") }
      header = OrderRecord.Header(
        revision: revision, orderedAt: Instant(microseconds: try rows.timestamptz(row, 6)),
        paidAt: try rows.timestamptzOrNil(row, 7).map(Instant.init(microseconds:)), money: Money(minorUnits: try rows.int64(row, 8), currency: currency),
        baseMinorUnits: try rows.int64(row, 9), channel: labels.channel, lines: try ColumnText.lines(try rows.textOrNil(row, 11)),
        knownOn: labels.knownOn)
    }
    let record = OrderRecord(
      source: reference.source, orderID: reference.orderID, creditNote: reference.creditNote, header: header,
      movements: try ColumnText.movements(try rows.textOrNil(row, 12)), earlier: try ColumnText.earlier(try rows.textOrNil(row, 13)))
    return (reference, record)
  }

  static func labels(_ record: OrderRecord) -> [UInt8] {
    OrderLabels.encoded(
      currency: record.header?.money.currency.description ?? "", channel: record.header?.channel ?? "", creditNote: record.creditNote,
      knownOn: record.header?.knownOn)
  }

  private static let arrays =
    "unnest($1::int8[], $2::int8[], $3::int8[], $4::timestamptz[], $5::timestamptz[], $6::int8[], $7::int8[], $8::int2[], $9::text[], $10::text[],"
    + " $11::bytea[], $12::text[], $13::text[], $14::text[], $15::int2[]) AS u(identity_id, order_key, revision, ordered_at, paid_at, minor_units,"
    + " base_minor_units, tie, source, order_id, labels, lines, movements, earlier, month)"
  static let update = Statement(
    name: "orders_update",
    sql: """
      UPDATE orders o SET revision = u.revision, ordered_at = u.ordered_at, paid_at = u.paid_at, minor_units = u.minor_units,
        base_minor_units = u.base_minor_units, labels = u.labels, lines = u.lines, movements = u.movements, earlier = u.earlier
      FROM \(arrays) WHERE o.month = u.month AND o.identity_id = u.identity_id AND o.order_key = u.order_key AND o.tie = u.tie
      """)

  /// For a mutant only: what COPY cannot do, passing over rows that are there.
  private static let insertMissing = Statement(
    name: "orders_insert_missing", sql: "INSERT INTO orders SELECT u.* FROM \(arrays) ON CONFLICT DO NOTHING")

  static func insertMissing(_ orders: [KeyedOrder], _ session: PostgresSession) throws { try run(orders, insertMissing, session) }

  static func update(_ orders: [KeyedOrder], _ session: PostgresSession) throws { try run(orders, update, session) }

  private static func run(_ orders: [KeyedOrder], _ statement: Statement, _ session: PostgresSession) throws {
    let headers = orders.map(\.record.header)
    let written = try session.run(statement) { parameters in
      parameters.int64Array(orders.map(\.place.identity.number))
      parameters.int64Array(orders.map(\.place.key))
      parameters.int64Array(nullable: headers.map { $0?.revision })
      parameters.timestamptzArray(nullable: headers.map { $0?.orderedAt.microseconds })
      parameters.timestamptzArray(nullable: headers.map { $0?.paidAt?.microseconds })
      parameters.int64Array(nullable: headers.map { $0?.money.minorUnits })
      parameters.int64Array(nullable: headers.map { $0?.baseMinorUnits })
      parameters.int16Array(orders.map(\.place.tie))
      parameters.textArray(orders.map(\.reference.source))
      parameters.textArray(orders.map(\.reference.orderID))
      parameters.bytesArray(orders.map { labels($0.record) })
      parameters.textArray(nullable: headers.map { $0.flatMap { ColumnText.lines($0.lines) } })
      parameters.textArray(nullable: orders.map { ColumnText.movements($0.record.movements) })
      parameters.textArray(nullable: orders.map { ColumnText.earlier($0.record.earlier) })
      parameters.int16Array(orders.map(\.place.month.number))
    }
    if written == orders.count || Mutant.repeatWithoutProbe.isOn { return }
    throw try ColdRows.areCold(orders.map(\.place), session) ? OrdersMoved() : damaged("set of orders")
  }
}

/// An order with the key of its row.
struct KeyedOrder {
  struct Place: Hashable, Comparable {
    let month: OrderMonth
    let identity: CustomerID
    let key: Int64
    /// Which of several rows with one key.
    let tie: Int16

    static func < (left: Place, right: Place) -> Bool {
      (left.month, left.identity, left.key, left.tie) < (right.month, right.identity, right.key, right.tie)
    }

    /// Before all.
    static let start = Place(month: .none, identity: CustomerID(number: 0), key: .min, tie: 0)

    func put(into parameters: inout Parameters) {
      parameters.int16(month.number)
      parameters.int64(identity.number)
      parameters.int64(key)
      parameters.int16(tie)
    }
  }

  let place: Place
  let reference: OrderReference
  let record: OrderRecord
}

extension CustomerTags {
  /// As the row has it: NULL for none, which most have.
  var stored: String? { isEmpty ? nil : text }
}
