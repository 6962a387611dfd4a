// `ingest.orders.v1`: one fact about one order.
public import Domain
public import Text

extension OrderEvent {
  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("type")
    writer.text(kind.name)
    writer.key("source")
    writer.text(source)
    writer.key("event_id")
    writer.text(eventID)
    writer.key("order_id")
    writer.textOrNull(orderID)
    writer.key("revision")
    writer.integer(revision)
    if !reference.isEmpty {
      writer.key("reference")
      writer.text(reference)
    }
    writer.key("occurred_at")
    writer.text(RFC3339.text(occurredAt.microseconds))
    if let paidAt {
      writer.key("paid_at")
      writer.text(RFC3339.text(paidAt.microseconds))
    }
    writer.key("currency")
    writer.text(money.currency.description)
    writer.key("amount")
    writer.integer(money.minorUnits)
    writer.key("base_amount")
    writer.integer(baseMinorUnits)
    if !channel.isEmpty {
      writer.key("channel")
      writer.text(channel)
    }
    writer.key("identifiers")
    writeIdentifiers(identifiers, to: &writer)
    if !lines.isEmpty {
      writer.key("lines")
      OrderLine.write(lines, to: &writer)
    }
    writer.endObject()
  }

  public init(reading reader: inout JSONReader) throws(JSONFault) {
    var kind: Kind?, source = "", eventID = "", orderID: String?, revision: Int64 = 1, reference = "", occurredAt: Instant?, paidAt: Instant?
    var currency: Currency?, amount: Int64 = 0, base: Int64 = 0, channel = "", identifiers: [Identifier] = [], lines: [OrderLine] = []
    var seen: UInt64 = 0
    try reader.beginObject("$")
    while let key = try reader.nextKey() {
      if key.is("type") {
        try reader.once(&seen, 0, "type")
        kind = Kind(name: try reader.text("type", bytesMax: ContractLimits.wordBytesMax).string)
        if kind == nil { throw reader.fault(.value, "type") }
      } else if key.is("source") {
        try reader.once(&seen, 1, "source")
        source = try reader.text("source", bytesMax: ContractLimits.wordBytesMax).string
      } else if key.is("event_id") {
        try reader.once(&seen, 2, "event_id")
        eventID = try reader.text("event_id", bytesMax: ContractLimits.idBytesMax).string
      } else if key.is("order_id") {
        try reader.once(&seen, 3, "order_id")
        orderID = try reader.textOrNull("order_id", bytesMax: ContractLimits.idBytesMax)?.string
      } else if key.is("revision") {
        try reader.once(&seen, 4, "revision")
        revision = try reader.integer("revision")
      } else if key.is("reference") {
        try reader.once(&seen, 5, "reference")
        reference = try reader.text("reference", bytesMax: ContractLimits.idBytesMax).string
      } else if key.is("occurred_at") {
        try reader.once(&seen, 6, "occurred_at")
        occurredAt = try readInstant(&reader, "occurred_at")
      } else if key.is("paid_at") {
        try reader.once(&seen, 7, "paid_at")
        paidAt = reader.takeNull() ? nil : try readInstant(&reader, "paid_at")
      } else if key.is("currency") {
        try reader.once(&seen, 8, "currency")
        currency = Currency(try reader.text("currency", bytesMax: 3).string)
        if currency == nil { throw reader.fault(.value, "currency") }
      } else if key.is("amount") {
        try reader.once(&seen, 9, "amount")
        amount = try reader.integer("amount")
      } else if key.is("base_amount") {
        try reader.once(&seen, 10, "base_amount")
        base = try reader.integer("base_amount")
      } else if key.is("channel") {
        try reader.once(&seen, 11, "channel")
        channel = try reader.text("channel", bytesMax: ContractLimits.wordBytesMax).string
      } else if key.is("identifiers") {
        try reader.once(&seen, 12, "identifiers")
        identifiers = try readIdentifiers(&reader)
      } else if key.is("lines") {
        try reader.once(&seen, 13, "lines")
        lines = try OrderLine.read(&reader)
      } else {
        try reader.skip()
      }
    }
    try reader.finish()
    for (bit, field) in [(1, "source"), (2, "event_id"), (3, "order_id"), (9, "amount"), (10, "base_amount"), (12, "identifiers")] as [(Int, StaticString)] {
      try reader.require(seen, bit, field)
    }
    guard let kind else { throw reader.fault(.missing, "type") }
    guard let occurredAt else { throw reader.fault(.missing, "occurred_at") }
    guard let currency else { throw reader.fault(.missing, "currency") }
    guard !identifiers.isEmpty else { throw reader.fault(.value, "identifiers") }
    guard orderID != nil || (kind == .refund && !reference.isEmpty) else { throw reader.fault(.missing, "order_id") }
    self.init(
      kind: kind, source: source, eventID: eventID, orderID: orderID, revision: revision, reference: reference, occurredAt: occurredAt,
      paidAt: paidAt, money: Money(minorUnits: amount, currency: currency), baseMinorUnits: base, channel: channel, identifiers: identifiers,
      lines: lines)
  }
}

extension OrderLine {
  public static func write(_ lines: [OrderLine], to writer: inout JSONWriter) {
    writer.beginArray()
    for line in lines {
      writer.beginObject()
      writer.key("sku")
      writer.text(line.sku)
      if !line.name.isEmpty {
        writer.key("name")
        writer.text(line.name)
      }
      writer.key("quantity")
      writer.text(line.quantity)
      writer.key("amount")
      writer.integer(line.minorUnits)
      if !line.category.isEmpty {
        writer.key("category")
        writer.text(line.category)
      }
      writer.endObject()
    }
    writer.endArray()
  }

  public static func read(_ reader: inout JSONReader) throws(JSONFault) -> [OrderLine] {
    var lines: [OrderLine] = []
    try reader.beginArray("lines")
    while try reader.nextItem() {
      guard lines.count < OrderEvent.linesMax else { throw reader.fault(.value, "lines") }
      lines.append(try line(&reader, isKept: true))
    }
    return lines
  }

  /// Refuses what `read` refuses, and keeps nothing.
  public static func check(_ reader: inout JSONReader) throws(JSONFault) {
    var count = 0
    try reader.beginArray("lines")
    while try reader.nextItem() {
      guard count < OrderEvent.linesMax else { throw reader.fault(.value, "lines") }
      _ = try line(&reader, isKept: false)
      count += 1
    }
  }

  @inline(__always)
  private static func line(_ reader: inout JSONReader, isKept: Bool) throws(JSONFault) -> OrderLine {
    var line = OrderLine(sku: "", minorUnits: 0)
    var seen: UInt64 = 0
    try reader.beginObject("lines")
    while let key = try reader.nextKey() {
      if key.is("sku") {
        try reader.once(&seen, 0, "lines.sku")
        let text = try reader.text("lines.sku", bytesMax: ContractLimits.idBytesMax)
        if isKept { line.sku = text.string }
      } else if key.is("name") {
        try reader.once(&seen, 1, "lines.name")
        let text = try reader.text("lines.name", bytesMax: ContractLimits.textBytesMax)
        if isKept { line.name = text.string }
      } else if key.is("quantity") {
        try reader.once(&seen, 2, "lines.quantity")
        let text = try reader.text("lines.quantity", bytesMax: ContractLimits.wordBytesMax)
        if isKept { line.quantity = text.string }
      } else if key.is("amount") {
        try reader.once(&seen, 3, "lines.amount")
        line.minorUnits = try reader.integer("lines.amount")
      } else if key.is("category") {
        try reader.once(&seen, 4, "lines.category")
        let text = try reader.text("lines.category", bytesMax: ContractLimits.textBytesMax)
        if isKept { line.category = text.string }
      } else {
        try reader.skip()
      }
    }
    for (bit, field) in [(0, "lines.sku"), (2, "lines.quantity"), (3, "lines.amount")] as [(Int, StaticString)] {
      try reader.require(seen, bit, field)
    }
    return line
  }
}
