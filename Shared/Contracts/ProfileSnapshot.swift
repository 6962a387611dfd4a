// `profile.profiles.v1`: the whole state of one customer that other services may build on, with a version that only grows (P-11).
public import Domain
public import Text

public struct ProfileSnapshot: Hashable, Sendable {
  public var customer: CustomerID
  public var version: Int64
  /// The day the derived figures below were worked out for.
  public var asOf: Day
  /// The customer this one became part of; then there is nothing else.
  public var mergedInto: CustomerID?
  public var memberID: String?
  public var firstSeenAt: Instant
  public var stage: LifecycleStage
  public var industry: String?
  /// What rules and people have marked the customer with, in order (P-10).
  public var tags: [String]
  /// The newest business day of a contact, a behaviour or an answer; paid orders are in the ledger. nil: none, or older than this member.
  public var lastInteractionDay: Day?
  /// The suite's base currency, which all amounts are in.
  public var currency: Currency
  /// Purchases by day: from these a reader works out the figures of any later day by itself.
  public var ledger: DayLedger

  public init(
    customer: CustomerID, version: Int64, asOf: Day, mergedInto: CustomerID? = nil, memberID: String? = nil, firstSeenAt: Instant,
    stage: LifecycleStage, industry: String? = nil, tags: [String] = [], lastInteractionDay: Day? = nil, currency: Currency, ledger: DayLedger
  ) {
    self.customer = customer
    self.version = version
    self.asOf = asOf
    self.mergedInto = mergedInto
    self.memberID = memberID
    self.firstSeenAt = firstSeenAt
    self.stage = stage
    self.industry = industry
    self.tags = tags
    self.lastInteractionDay = lastInteractionDay
    self.currency = currency
    self.ledger = ledger
  }

  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("customer_id")
    customer.withHexadecimal { writer.text(utf8: $0) }
    writer.key("version")
    writer.integer(version)
    writer.key("as_of")
    writer.date(Int(asOf.number))
    if let mergedInto {
      writer.key("merged_into")
      writer.text(mergedInto.description)
    }
    if let memberID {
      writer.key("member_id")
      writer.text(memberID)
    }
    writer.key("first_seen_at")
    writer.instant(firstSeenAt.microseconds)
    writer.key("lifecycle")
    writer.text(stage.name)
    if let industry {
      writer.key("industry")
      writer.text(industry)
    }
    if !tags.isEmpty {
      writer.key("tags")
      writer.beginArray()
      for tag in tags { writer.text(tag) }
      writer.endArray()
    }
    if let lastInteractionDay {
      writer.key("last_interaction_day")
      writer.date(Int(lastInteractionDay.number))
    }
    writer.key("currency")
    writer.text(currency.description)
    writeFigures(to: &writer)
    writer.endObject()
  }

  private func writeFigures(to writer: inout JSONWriter) {
    let figures = ledger.purchases(at: max(asOf, ledger.lastDay ?? asOf))
    writer.key("recency_days")
    writer.integerOrNull(figures.recencyDays.map(Int64.init))
    writer.key("frequency")
    writer.integer(figures.frequency)
    writer.key("monetary")
    writer.integer(figures.monetary)
    writer.key("repeat_orders")
    writer.integer(figures.repeatOrders)
    if ledger.older != DayLedger.Older() {
      writer.key("older")
      writer.beginObject()
      writer.key("paid_orders")
      writer.integer(ledger.older.paidOrders)
      writer.key("orders")
      writer.integer(ledger.older.countedOrders)
      writer.key("spend")
      writer.integer(ledger.older.spend)
      if let first = ledger.older.firstPaidDay {
        writer.key("first_day")
        writer.text(first.description)
      }
      if let last = ledger.older.lastPaidDay {
        writer.key("last_day")
        writer.text(last.description)
      }
      writer.endObject()
    }
    writer.key("days")
    writer.beginArray()
    for entry in ledger.days {
      writer.beginArray()
      writer.integer(Int64(entry.day.number))
      writer.integer(Int64(entry.paidOrders))
      writer.integer(Int64(entry.countedOrders))
      writer.integer(entry.spend)
      writer.endArray()
    }
    writer.endArray()
  }

  public init(reading reader: inout JSONReader) throws(JSONFault) {
    var customer: CustomerID?, version: Int64 = 0, asOf: Day?, mergedInto: CustomerID?, memberID: String?, firstSeenAt: Instant?
    var stage: LifecycleStage?, industry: String?, currency: Currency?, older = DayLedger.Older(), days: [DayEntry] = [], tags: [String] = []
    var lastInteractionDay: Day?
    var seen: UInt64 = 0
    try reader.beginObject("$")
    while let key = try reader.nextKey() {
      if key.is("customer_id") {
        try reader.once(&seen, 0, "customer_id")
        customer = try readCustomerID(&reader, "customer_id")
      } else if key.is("version") {
        try reader.once(&seen, 1, "version")
        version = try reader.integer("version")
      } else if key.is("as_of") {
        try reader.once(&seen, 2, "as_of")
        asOf = try readDay(&reader, "as_of")
      } else if key.is("merged_into") {
        try reader.once(&seen, 3, "merged_into")
        mergedInto = reader.takeNull() ? nil : try readCustomerID(&reader, "merged_into")
      } else if key.is("member_id") {
        try reader.once(&seen, 4, "member_id")
        memberID = try reader.textOrNull("member_id", bytesMax: Identifier.valueBytesMax)?.string
      } else if key.is("first_seen_at") {
        try reader.once(&seen, 5, "first_seen_at")
        firstSeenAt = try readInstant(&reader, "first_seen_at")
      } else if key.is("lifecycle") {
        try reader.once(&seen, 6, "lifecycle")
        stage = LifecycleStage(name: try reader.text("lifecycle", bytesMax: ContractLimits.wordBytesMax).string)
        if stage == nil { throw reader.fault(.value, "lifecycle") }
      } else if key.is("industry") {
        try reader.once(&seen, 7, "industry")
        industry = try reader.textOrNull("industry", bytesMax: ContractLimits.textBytesMax)?.string
      } else if key.is("currency") {
        try reader.once(&seen, 8, "currency")
        currency = Currency(try reader.text("currency", bytesMax: 3).string)
        if currency == nil { throw reader.fault(.value, "currency") }
      } else if key.is("older") {
        try reader.once(&seen, 9, "older")
        older = try ProfileSnapshot.readOlder(&reader)
      } else if key.is("days") {
        try reader.once(&seen, 10, "days")
        days = try ProfileSnapshot.readDays(&reader)
      } else if key.is("tags") {
        try reader.once(&seen, 11, "tags")
        tags = try ProfileSnapshot.readTags(&reader)
      } else if key.is("last_interaction_day") {
        try reader.once(&seen, 12, "last_interaction_day")
        lastInteractionDay = reader.takeNull() ? nil : try readDay(&reader, "last_interaction_day")
      } else {
        try reader.skip()
      }
    }
    try reader.finish()
    try reader.require(seen, 1, "version")
    try reader.require(seen, 10, "days")
    guard let customer else { throw reader.fault(.missing, "customer_id") }
    guard let asOf else { throw reader.fault(.missing, "as_of") }
    guard let firstSeenAt else { throw reader.fault(.missing, "first_seen_at") }
    guard let stage else { throw reader.fault(.missing, "lifecycle") }
    guard let currency else { throw reader.fault(.missing, "currency") }
    self.init(
      customer: customer, version: version, asOf: asOf, mergedInto: mergedInto, memberID: memberID, firstSeenAt: firstSeenAt, stage: stage,
      industry: industry, tags: tags, lastInteractionDay: lastInteractionDay, currency: currency, ledger: DayLedger(days: days, older: older))
  }

  private static func readTags(_ reader: inout JSONReader) throws(JSONFault) -> [String] {
    var tags: [String] = []
    try reader.beginArray("tags")
    while try reader.nextItem() {
      guard tags.count < ContractLimits.tagsMax else { throw reader.fault(.value, "tags") }
      tags.append(try reader.text("tags", bytesMax: ContractLimits.tagBytesMax).string)
    }
    return tags
  }

  private static func readDays(_ reader: inout JSONReader) throws(JSONFault) -> [DayEntry] {
    var days: [DayEntry] = []
    try reader.beginArray("days")
    while try reader.nextItem() {
      guard days.count < ContractLimits.daysMax else { throw reader.fault(.value, "days") }
      var values: [Int64] = []
      try reader.beginArray("days")
      while try reader.nextItem() {
        guard values.count < 4 else { throw reader.fault(.value, "days") }
        values.append(try reader.integer("days"))
      }
      guard values.count == 4, let day = Int32(exactly: values[0]), let paid = Int32(exactly: values[1]), let counted = Int32(exactly: values[2]),
        day > days.last?.day.number ?? .min
      else { throw reader.fault(.value, "days") }
      days.append(DayEntry(day: Day(number: day), paidOrders: paid, countedOrders: counted, spend: values[3]))
    }
    return days
  }

  private static func readOlder(_ reader: inout JSONReader) throws(JSONFault) -> DayLedger.Older {
    var older = DayLedger.Older()
    var seen: UInt64 = 0
    try reader.beginObject("older")
    while let key = try reader.nextKey() {
      if key.is("paid_orders") {
        try reader.once(&seen, 0, "older.paid_orders")
        older.paidOrders = try reader.integer("older.paid_orders")
      } else if key.is("orders") {
        try reader.once(&seen, 1, "older.orders")
        older.countedOrders = try reader.integer("older.orders")
      } else if key.is("spend") {
        try reader.once(&seen, 2, "older.spend")
        older.spend = try reader.integer("older.spend")
      } else if key.is("first_day") {
        try reader.once(&seen, 3, "older.first_day")
        older.firstPaidDay = try readDay(&reader, "older.first_day")
      } else if key.is("last_day") {
        try reader.once(&seen, 4, "older.last_day")
        older.lastPaidDay = try readDay(&reader, "older.last_day")
      } else {
        try reader.skip()
      }
    }
    for (bit, field) in [(0, "older.paid_orders"), (1, "older.orders"), (2, "older.spend")] as [(Int, StaticString)] {
      try reader.require(seen, bit, field)
    }
    return older
  }
}
