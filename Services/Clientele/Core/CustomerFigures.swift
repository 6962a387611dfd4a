// One customer's figures on a day, as the profile service lists them.
public import Domain
public import Text

/// A line of `GET /v1/indicators` (P-07).
public struct CustomerFigures: Hashable, Sendable {
  public var id: CustomerID
  public var memberID: String?
  public var purchases: Purchases
  /// The stage of the customer's life cycle, by its name.
  public var lifecycle: String
  public var lastInteraction: Day?
  public var industry: String?

  public init(id: CustomerID, memberID: String?, purchases: Purchases, lifecycle: String, lastInteraction: Day?, industry: String?) {
    self.id = id
    self.memberID = memberID
    self.purchases = purchases
    self.lifecycle = lifecycle
    self.lastInteraction = lastInteraction
    self.industry = industry
  }

  /// The longest text of a line, in bytes.
  static let textBytesMax = 500

  /// Reads one line; `day` is the day the figures were asked for.
  public init(line: [UInt8], day: Day) throws(JSONFault) {
    let outcome = line.withUnsafeBytes { bytes -> Result<CustomerFigures, JSONFault> in
      do throws(JSONFault) {
        var reader = JSONReader(bytes)
        return .success(try CustomerFigures(reading: &reader, day: day))
      } catch { return .failure(error) }
    }
    self = try outcome.get()
  }

  private init(reading reader: inout JSONReader, day: Day) throws(JSONFault) {
    var id: CustomerID?, member: String?, lifecycle = "", last: Day?, industry: String?
    var purchases = Purchases(
      day: day, recencyDays: nil, frequency: 0, monetary: 0, repeatOrders: 0, ordersLastQuarter: 0, ordersQuarterBefore: 0)
    var seen: UInt64 = 0
    try reader.beginObject("$")
    while let key = try reader.nextKey() {
      if key.is("customer_id") {
        id = CustomerID(try reader.text("customer_id", bytesMax: CustomerFigures.textBytesMax).string)
      } else if key.is("member_id") {
        member = try reader.textOrNull("member_id", bytesMax: CustomerFigures.textBytesMax)?.string
      } else if key.is("recency_days") {
        purchases.recencyDays = try reader.integerOrNull("recency_days").map { Int(clamping: $0) }
      } else if key.is("frequency") {
        try reader.once(&seen, 0, "frequency")
        purchases.frequency = try reader.integer("frequency")
      } else if key.is("monetary") {
        try reader.once(&seen, 1, "monetary")
        purchases.monetary = try reader.integer("monetary")
      } else if key.is("repeat_orders") {
        purchases.repeatOrders = try reader.integer("repeat_orders")
      } else if key.is("orders_last_quarter") {
        purchases.ordersLastQuarter = try reader.integer("orders_last_quarter")
      } else if key.is("orders_quarter_before") {
        purchases.ordersQuarterBefore = try reader.integer("orders_quarter_before")
      } else if key.is("lifecycle") {
        lifecycle = try reader.text("lifecycle", bytesMax: CustomerFigures.textBytesMax).string
      } else if key.is("last_interaction_day") {
        last = try reader.textOrNull("last_interaction_day", bytesMax: CustomerFigures.textBytesMax).flatMap { Day($0.string) }
      } else if key.is("industry") {
        industry = try reader.textOrNull("industry", bytesMax: CustomerFigures.textBytesMax)?.string
      } else {
        try reader.skip()
      }
    }
    try reader.finish()
    try reader.require(seen, 0, "frequency")
    try reader.require(seen, 1, "monetary")
    guard let id else { throw reader.fault(.missing, "customer_id") }
    self.init(id: id, memberID: member, purchases: purchases, lifecycle: lifecycle, lastInteraction: last, industry: industry)
  }
}
