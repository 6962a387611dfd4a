// P-07 and P-09 by known answers.
import Domain
import Testing

@Suite struct SegmentTests {
  private let zone = BusinessZone.utc
  private func day(_ text: String) throws -> Day { try #require(Day(text)) }

  private func order(
    _ id: String, _ paid: String, _ amount: Int64, channel: String = "web", lines: [OrderLine] = [], refund: (day: String, amount: Int64)? = nil
  ) throws -> OrderRecord {
    let at = zone.startOfDay(try day(paid))
    var record = OrderRecord(
      source: "s", orderID: id,
      header: .init(
        revision: 1, orderedAt: at, paidAt: at, money: Money(minorUnits: amount, currency: .cny), baseMinorUnits: amount, channel: channel, lines: lines))
    if let refund {
      _ = try record.apply(
        OrderEvent(
          kind: .refund, source: "s", eventID: "r\(id)", orderID: id, reference: "r", occurredAt: zone.startOfDay(try day(refund.day)),
          money: Money(minorUnits: refund.amount, currency: .cny), baseMinorUnits: refund.amount, identifiers: []))
    }
    return record
  }

  @Test func refundsCategoriesAndChannelsAreOfTheTwelveMonths() throws {
    let orders = [
      try order("old", "2024-01-10", 9_000),
      try order(
        "a", "2025-03-01", 1_000,
        lines: [OrderLine(sku: "x", minorUnits: 600, category: "tea"), OrderLine(sku: "y", minorUnits: 400, category: "cups")]),
      try order("b", "2025-05-01", 3_000, channel: "shop", lines: [OrderLine(sku: "x", minorUnits: 3_000, category: "tea")], refund: ("2025-06-01", 1_000)),
    ]
    let found = OrderAggregates(orders, on: try day("2025-12-31"), in: zone)
    #expect(found.received == 4_000 && found.returned == 1_000)
    #expect(found.refundRate == Rational(1, over: 4))
    #expect(found.categories == [.init(name: "tea", orders: 2, minorUnits: 3_600), .init(name: "cups", orders: 1, minorUnits: 400)])
    #expect(found.channels == [.init(name: "shop", orders: 1, minorUnits: 2_000), .init(name: "web", orders: 1, minorUnits: 1_000)])
    // Before the refund nothing had gone back.
    #expect(OrderAggregates(orders, on: try day("2025-05-31"), in: zone).refundRate == Rational(0))
  }

  private func figures(_ recency: Int?, _ frequency: Int64, _ monetary: Int64) throws -> Purchases {
    Purchases(
      day: try day("2025-12-31"), recencyDays: recency, frequency: frequency, monetary: monetary, repeatOrders: 0, ordersLastQuarter: 3,
      ordersQuarterBefore: 2)
  }

  @Test func growthAndAverageHaveNoValueWhereThereIsNothingToDivideBy() throws {
    let some = try figures(1, 4, 1_000)
    #expect(some.averageOrderValue == Rational(250) && some.orderGrowth == Rational(1, over: 2) && some.repurchaseRate == Rational(0))
    #expect(try figures(1, 0, 0).averageOrderValue == nil)
    #expect(try figures(1, 0, 0).repurchaseRate == nil)
  }

  @Test func customersAreDividedAgainstTheMeansOfTheirPopulation() throws {
    var report = SegmentReport()
    // Means: 100 days, 4 orders, 400.
    for person in [try figures(10, 10, 1_000), try figures(100, 4, 200), try figures(190, 1, 300), try figures(100, 1, 100)] { report.add(person) }
    report.add(try figures(nil, 0, 0))
    report.divide()
    #expect(report.total == .init(customers: 4, revenue: 1_600))
    #expect(report.rfm[RFMSegment.champions.rawValue] == .init(customers: 1, revenue: 1_000))
    #expect(report.rfm[RFMSegment.regulars.rawValue] == .init(customers: 1, revenue: 200))
    #expect(report.rfm[RFMSegment.prospects.rawValue] == .init(customers: 1, revenue: 100))
    #expect(report.rfm[RFMSegment.lost.rawValue] == .init(customers: 1, revenue: 300))
    #expect(report.contribution.map(\.customers) == [1, 0, 0, 3])
  }
}
