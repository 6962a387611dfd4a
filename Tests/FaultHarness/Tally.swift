// What was injected, how often, and how long it took until others had taken over.
import Synchronization

/// Counts by kind of fault, with the seconds to recover.
public struct Tally: Sendable {
  public private(set) var injected: [String: Int] = [:]
  public private(set) var seconds: [String: [Double]] = [:]
  /// Processes that were ended by SIGKILL.
  public internal(set) var kills = 0
  /// Processes that ended by themselves, with what they said last.
  public internal(set) var crashes: [String] = []

  public init() {}

  public mutating func count(_ kind: String, _ number: Int = 1) { injected[kind, default: 0] += number }
  public mutating func recovered(_ kind: String, seconds value: Double) { seconds[kind, default: []].append(value) }

  /// The value below which so many of a hundred lie; nil without any.
  public static func percentile(_ values: [Double], _ percent: Int) -> Double? {
    guard !values.isEmpty else { return nil }
    let sorted = values.sorted()
    return sorted[min(sorted.count - 1, max(0, (sorted.count * percent + 99) / 100 - 1))]
  }

  mutating func add(_ other: Tally) {
    for (kind, number) in other.injected { injected[kind, default: 0] += number }
    for (kind, values) in other.seconds { seconds[kind, default: []] += values }
    kills += other.kills
    crashes += other.crashes
  }
}
