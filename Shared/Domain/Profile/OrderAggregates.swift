/// What the orders of a customer say beyond RFM, over the 12 months up to a day (P-07): refunds, categories, channels.
public struct OrderAggregates: Hashable, Sendable {
  /// Orders and what they brought under one word.
  public struct Share: Hashable, Sendable {
    public var name: String
    public var orders: Int64
    /// Minor units of the base currency: of a channel payments less what was given back, of a category its lines before that.
    public var minorUnits: Int64

    public init(name: String, orders: Int64, minorUnits: Int64) {
      self.name = name
      self.orders = orders
      self.minorUnits = minorUnits
    }
  }
  /// Received, and given back by refunds and cancellations, each on its own day; minor units of the base currency.
  public private(set) var received: Int64 = 0
  public private(set) var returned: Int64 = 0
  /// The largest amounts first.
  public private(set) var categories: [Share] = []
  public private(set) var channels: [Share] = []

  /// Share of the money received that was given back; nil without any.
  public var refundRate: Rational? { Rational(Int128(returned), over: Int128(received)) }

  public init(_ orders: some Sequence<OrderRecord>, on day: Day, in zone: BusinessZone) {
    let start = day.adding(months: -Purchases.windowMonths)
    var byCategory: [String: Share] = [:]
    var byChannel: [String: Share] = [:]
    for order in orders {
      var net: Int64 = 0
      var isPaid = false
      for entry in order.contribution(in: zone, asOf: day) where entry.day > start {
        net &+= entry.spend
        isPaid = isPaid || entry.paidOrders > 0
      }
      let money = OrderAggregates.money(order, after: start, upTo: day, in: zone)
      received &+= money.received
      returned &+= money.returned
      guard isPaid || net != 0 else { continue }
      OrderAggregates.add(order.header?.channel ?? "", orders: isPaid ? 1 : 0, net, to: &byChannel)
      guard isPaid, let header = order.header, header.money.minorUnits != 0 else { continue }
      var amounts: [String: Int64] = [:]
      for line in header.lines { amounts[line.category, default: 0] &+= line.minorUnits }
      for (category, amount) in amounts {
        let base = Int128(amount) * Int128(header.baseMinorUnits) / Int128(header.money.minorUnits)
        OrderAggregates.add(category, orders: 1, Int64(clamping: base), to: &byCategory)
      }
    }
    func sorted(_ shares: [String: Share]) -> [Share] { shares.values.sorted { ($1.minorUnits, $0.name) < ($0.minorUnits, $1.name) } }
    categories = sorted(byCategory)
    channels = sorted(byChannel)
  }

  private static func add(_ name: String, orders: Int64, _ amount: Int64, to shares: inout [String: Share]) {
    var share = shares[name] ?? Share(name: name, orders: 0, minorUnits: 0)
    share.orders += orders
    share.minorUnits &+= amount
    shares[name] = share
  }

  /// What came in and what went back on the days of the window. A cancellation gives back what was still paid.
  private static func money(
    _ order: OrderRecord, after start: Day, upTo day: Day, in zone: BusinessZone
  ) -> (received: Int64, returned: Int64) {
    var received: Int64 = 0
    let payments = order.movements.filter { $0.kind == .payment }
    if !order.orderID.isEmpty {
      for payment in payments where inWindow(payment.at, start, day, zone) { received &+= payment.baseMinorUnits }
      if payments.isEmpty, let header = order.header, let paidAt = header.paidAt, inWindow(paidAt, start, day, zone) { received &+= header.baseMinorUnits }
    }
    // Spend of the window is what came in less what went back, so the one follows from the other two.
    var net: Int64 = 0
    for entry in order.contribution(in: zone, asOf: day) where entry.day > start { net &+= entry.spend }
    return (received, max(0, received &- net))
  }

  private static func inWindow(_ at: Instant, _ start: Day, _ end: Day, _ zone: BusinessZone) -> Bool {
    let day = zone.day(of: at)
    return day > start && day <= end
  }
}

extension Purchases {
  /// M / F; nil without a counted order.
  public var averageOrderValue: Rational? { Rational(Int128(monetary), over: Int128(frequency)) }
  /// Share of the window's orders that follow an earlier one within 90 days; nil without a counted order.
  public var repurchaseRate: Rational? { Rational(Int128(repeatOrders), over: Int128(frequency)) }
  /// Orders of the last three full months against the three before, less one; nil when there were none before.
  public var orderGrowth: Rational? { Rational(Int128(ordersLastQuarter - ordersQuarterBefore), over: Int128(ordersQuarterBefore)) }
}
