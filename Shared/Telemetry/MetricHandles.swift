// What code keeps in order to count: cheap, shared, usable from any thread.
import Synchronization

/// A number that only grows: records read, bytes sent.
public final class Counter: Sendable {
  private let total = Atomic<Int>(0)

  init() {}

  /// Adds so many; a negative number is ignored, since a counter never falls.
  public func increment(by count: Int = 1) {
    guard count > 0 else { return }
    self.total.wrappingAdd(count, ordering: .relaxed)
  }

  /// What was counted so far.
  public var value: Int { self.total.load(ordering: .relaxed) }
}

/// A number that rises and falls: queue length, lag.
public final class Gauge: Sendable {
  private let bits = Atomic<UInt64>(Double.zero.bitPattern)

  init() {}

  public func set(_ value: Double) { self.bits.store(value.bitPattern, ordering: .relaxed) }
  public func set(_ value: some BinaryInteger) { self.set(Double(value)) }

  /// Adds so much, or takes away when it is negative.
  public func add(_ difference: Double) {
    var seen = self.bits.load(ordering: .relaxed)
    while true {
      let wanted = (Double(bitPattern: seen) + difference).bitPattern
      let (exchanged, original) = self.bits.weakCompareExchange(expected: seen, desired: wanted, ordering: .relaxed)
      if exchanged { return }
      seen = original
    }
  }

  public var value: Double { Double(bitPattern: self.bits.load(ordering: .relaxed)) }
}

/// How often values fell into which range: durations in seconds, batch sizes in records.
public final class Histogram: Sendable {
  /// Upper bounds for durations in seconds, from a millisecond to ten seconds.
  public static let secondsBounds: [Double] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
  /// Upper bounds for the way of a record, from a millisecond to an hour.
  public static let delayBounds: [Double] = secondsBounds + [30, 60, 120, 300, 600, 1_800, 3_600]
  /// Upper bounds for sizes, from 1 to 100,000.
  public static let sizeBounds: [Double] = [1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000]
  /// Most upper bounds of one histogram; each is a series of its own.
  public static let boundsMax = 40

  struct Snapshot: Sendable {
    /// Values per range, not added up; one more than there are bounds.
    var counts: [Int]
    var sum: Double
  }

  /// Upper bounds, growing; the last range has none.
  let bounds: [Double]
  private let state: Mutex<Snapshot>

  init(bounds: [Double]) {
    let usable = Array(Set(bounds.filter(\.isFinite))).sorted().prefix(Self.boundsMax)
    self.bounds = Array(usable)
    self.state = Mutex(Snapshot(counts: Array(repeating: 0, count: usable.count + 1), sum: 0))
  }

  /// Counts one value. What is not a number is ignored.
  public func observe(_ value: Double) {
    guard !value.isNaN else { return }
    var low = 0
    var high = self.bounds.count
    while low < high {
      let middle = (low + high) / 2
      if value <= self.bounds[middle] { high = middle } else { low = middle + 1 }
    }
    self.state.withLock { state in
      state.counts[low] += 1
      state.sum += value
    }
  }

  /// Counts one duration, in seconds.
  public func observe(_ duration: Duration) { self.observe(duration / .seconds(1)) }

  /// How many values were counted.
  public var count: Int { self.snapshot.counts.reduce(0, +) }
  /// The sum of all values.
  public var sum: Double { self.snapshot.sum }

  var snapshot: Snapshot { self.state.withLock { $0 } }
}
