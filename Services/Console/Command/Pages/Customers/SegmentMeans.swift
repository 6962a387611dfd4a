// Where the lines between segments lie on a day, and on which side of them a customer is (P-09).
import Domain
import Text

/// The means of one business day, as the profile service tells them.
struct SegmentMeans: Sendable {
  let recencyDays: Double
  let frequency: Double
  let monetary: Double

  init?(_ answer: JSONValue) {
    func number(_ name: String) -> Double? { answer["thresholds"]?[name].flatMap { ($0.stringValue ?? $0.numberText).flatMap(Double.init) } }
    guard let recency = number("recency_days_at_most"), let frequency = number("frequency_at_least"), let monetary = number("monetary_at_least")
    else { return nil }
    (recencyDays, self.frequency, self.monetary) = (recency, frequency, monetary)
  }

  /// Where a customer stands in both divisions; nil: nothing is known to divide it by.
  func segment(of customer: JSONValue) -> CustomerSegment? {
    guard let recency = customer["recency_days"]?.int64Value else { return customer["recency_days"] == .null ? .potential : nil }
    guard let orders = customer["frequency"]?.int64Value, let spend = customer["monetary"]?.stringValue.flatMap(Double.init) else { return nil }
    let (recent, frequent, high) = (Double(recency) <= recencyDays, Double(orders) >= frequency, spend >= monetary)
    let contribution: ContributionSegment =
      recency > Int64(LifecycleRule().activeDaysMax) ? .fading : frequent && high ? .frequentHigh : !frequent && !high ? .occasionalLow : .steadyMiddle
    return .paying(RFMSegment(recent: recent, frequent: frequent, highSpend: high), contribution)
  }
}
