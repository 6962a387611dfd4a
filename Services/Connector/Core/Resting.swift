// A way that takes nothing any more rests (E-05): messages that go by another do not wait until each attempt by this one has run out of time.
public import Contracts
public import Domain
import Synchronization

/// What an attempt says of the way it went.
public enum WaySign: Hashable, Sendable {
  /// Somebody was there and dealt with the message, whatever became of it.
  case up
  /// Nobody was, or everybody is turned away.
  case down
  /// The attempt was given up by ourselves.
  case unknown
}

/// One way: after some failures in a row nothing goes by it for a while; then one message tries, and the others follow when it comes through.
public struct WayRest: Hashable, Sendable {
  /// Failures in a row, after which it rests.
  public static let failuresMax = 5
  /// The first rest, doubled with every trial that fails, and the longest.
  public static let secondsMin: Int64 = 10
  public static let secondsMax: Int64 = 300

  private var failures = 0
  private var rests = 0
  private var until: Instant?
  private var isTrying = false

  public init() {}

  /// Nil: it may go now. Otherwise when to ask again. Whoever may go notes how it ended.
  public mutating func refusal(at now: Instant) -> Instant? {
    guard let until else { return nil }
    if now < until { return until }
    if isTrying { return now.adding(seconds: WayRest.secondsMin) }
    isTrying = true
    return nil
  }

  /// When a rest is over that lasts at this moment.
  public func end(at now: Instant) -> Instant? { until.flatMap { $0 > now ? $0 : nil } }

  /// It rested, and nothing has come through since.
  var hasRested: Bool { rests > 0 }

  public mutating func note(_ sign: WaySign, at now: Instant) {
    switch sign {
    case .up: self = WayRest()
    case .unknown: isTrying = false
    case .down:
      failures += 1
      // Those that were under way when it began to rest say nothing new.
      guard failures >= WayRest.failuresMax, end(at: now) == nil else { return }
      until = now.adding(seconds: min(WayRest.secondsMax, WayRest.secondsMin << Int64(min(rests, 10))))
      rests += 1
      isTrying = false
    }
  }
}

/// The ways of one process, shared by its senders and by whoever asks.
public final class WayRests: Sendable {
  private let rests = Mutex<[DeliveryOutcome.Way: WayRest]>([:])

  public init() {}

  /// Nil: a message may go this way now. Otherwise when to try again.
  public func refusal(of way: DeliveryOutcome.Way, at now: Instant) -> Instant? { rests.withLock { $0[way, default: WayRest()].refusal(at: now) } }

  /// What there is to be told of it.
  public enum Change: Hashable, Sendable {
    case none
    case rests(until: Instant)
    case isBack
  }

  public func note(_ sign: WaySign, of way: DeliveryOutcome.Way, at now: Instant) -> Change {
    rests.withLock { rests in
      let before = rests[way] ?? WayRest()
      var after = before
      after.note(sign, at: now)
      rests[way] = after
      if let end = after.end(at: now), before.end(at: now) == nil { return .rests(until: end) }
      return before.hasRested && !after.hasRested ? .isBack : .none
    }
  }

  /// When its rest is over; nil: it does not rest.
  public func end(of way: DeliveryOutcome.Way, at now: Instant) -> Instant? { rests.withLock { $0[way]?.end(at: now) } }

  /// When the first of these is over, where all rest; nil: one of them does not.
  public func end(ofAll ways: [DeliveryOutcome.Way], at now: Instant) -> Instant? {
    let ends = ways.map { end(of: $0, at: now) }
    return ends.contains(nil) ? nil : ends.compactMap { $0 }.min()
  }
}
