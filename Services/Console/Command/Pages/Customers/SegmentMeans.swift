// Where the lines between segments lie (P-09). They are means of all customers, which a large suite works out for seconds: they are asked for once in a
// while, and no page waits long for them.
import Domain
import Runtime
import Synchronization
import Text

/// The means of one business day, as the profile service tells them.
final class SegmentMeans: Sendable {
  struct Means: Sendable {
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

  private struct State {
    var day: Day?
    var means: Means?
    var askedAt: Int64 = 0
    var isAsked = false
  }
  private let state = Mutex(State())

  /// They are asked for anew after so many seconds.
  private static let keptSeconds: Int64 = 600
  /// A page waits no longer, in milliseconds.
  private static let waitMilliseconds = 300
  private static let stepMilliseconds = 5

  /// Those of today; nil while they are not known. Only for somebody who may see figures of all.
  func today(_ visit: Visit) async -> Means? {
    let (day, now) = (visit.today, visit.site.now())
    let isMine = state.withLock { state in
      let isFresh = state.day == day && now - state.askedAt < SegmentMeans.keptSeconds * 1_000_000
      guard !state.isAsked, !isFresh else { return false }
      state.isAsked = true
      return true
    }
    if isMine { Task { await ask(visit, day) } }
    for _ in 0..<SegmentMeans.waitMilliseconds / SegmentMeans.stepMilliseconds {
      let (found, isOver) = state.withLock { ($0.day == day ? $0.means : nil, !$0.isAsked) }
      if let found { return found }
      if isOver { return nil }
      try? await Task.sleep(for: .milliseconds(SegmentMeans.stepMilliseconds))
    }
    return nil
  }

  private func ask(_ visit: Visit, _ day: Day) async {
    let answer = await visit.api.section(.profile, "/v1/segments")
    let now = visit.site.now()
    state.withLock { state in
      state.isAsked = false
      // A service that is away is asked again by the next page.
      guard let means = answer.json.flatMap(Means.init) else { return }
      (state.day, state.means, state.askedAt) = (day, means, now)
    }
  }
}
