// Tiers on their way out, and the figures kept about them.
import Contracts
import Domain
import Handling
import Messaging
import Telemetry
import Text
import TieringCore

enum TierPublisher {
  /// Publishes with the transaction of `scope` (T-08).
  static func send<Session>(_ published: [PublishedTier], _ scope: inout LaneScope<Session>) {
    for tier in published {
      let snapshot = tier.snapshot
      snapshot.customer.withHexadecimal { key in
        scope.outbox.send(topic: Topics.tiers.name, key: key, version: snapshot.version, type: EventType.tier, traceParent: tier.traceParent) {
          snapshot.write(to: &$0)
        }
      }
    }
  }
}

/// Metrics of the ratings. Work that is done again after a conflict counts again.
struct TieringMeasures: Sendable {
  /// A longer delay is no delay but an old topic read anew, or a business clock that stands.
  static let delaySecondsMax: Double = 7 * 86_400
  static let delayBounds: [Double] = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3_600, 86_400]

  private let metrics: Metrics
  private let ratings: Histogram
  private let delays: Histogram
  private let stale: Counter
  private let unratable: Counter
  let waiting: Gauge

  init(_ metrics: Metrics) {
    self.metrics = metrics
    ratings = metrics.histogram("clientele_rating_duration_seconds", help: "Time to rate the customers of one batch, with its statements.")
    delays = metrics.histogram(
      "clientele_tier_delay_seconds", help: "From a profile's snapshot to the tier that follows from it.",
      bounds: TieringMeasures.delayBounds)
    stale = metrics.counter("clientele_stale_snapshots_total", help: "Profile snapshots without effect: no newer than what was known.")
    unratable = metrics.counter("clientele_unratable_total", help: "Due ratings left out because the figures are beyond exact arithmetic.")
    waiting = metrics.gauge("clientele_waiting_ratings", help: "Customers whose change waits until they may be rated again.")
  }

  func batch(_ outcome: TieringOutcome, nanoseconds: Int64) {
    if outcome.rated > 0 { ratings.observe(Double(nanoseconds) / 1e9) }
    if outcome.stale > 0 { stale.increment(by: outcome.stale) }
    if !outcome.unratable.isEmpty { unratable.increment(by: outcome.unratable.count) }
    var byTier: [String: Int] = [:]
    for tier in outcome.published { byTier[tier.snapshot.tier, default: 0] += 1 }
    for (tier, count) in byTier {
      metrics.counter("clientele_tiers_published_total", help: "Tiers published, by tier.", labels: ["tier": tier]).increment(by: count)
    }
  }

  /// - Parameter madeAt: when the snapshots behind the tiers were made.
  func delays(of madeAt: [Instant], until real: Instant) {
    for moment in madeAt {
      let seconds = Double(real.microseconds - moment.microseconds) / 1e6
      if (0..<TieringMeasures.delaySecondsMax).contains(seconds) { delays.observe(seconds) }
    }
  }
}
