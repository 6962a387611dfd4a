// A clock that runs in calendar time and stands still while somebody else is waited for (K-04): its deadline, what has passed, and why.

/// A wait for the customer or a third party; without an end it still goes on.
public struct Pause: Hashable, Sendable {
  public let from: Instant
  public let to: Instant?

  public init(from: Instant, to: Instant?) {
    self.from = from
    self.to = to
  }

  /// In order, those that overlap or touch made one, those without a length left out. One that goes on is the last.
  public static func joined(_ pauses: [Pause]) -> [Pause] {
    var joined: [Pause] = []
    for pause in pauses.sorted(by: { $0.from < $1.from }) {
      if let to = pause.to, to <= pause.from { continue }
      guard let last = joined.last else {
        joined.append(pause)
        continue
      }
      guard let lastTo = last.to else { break }
      if pause.from <= lastTo {
        joined[joined.count - 1] = Pause(from: last.from, to: pause.to.map { max($0, lastTo) })
      } else {
        joined.append(pause)
      }
    }
    return joined
  }
}

/// When a clock runs out.
public enum Deadline: Hashable, Sendable {
  case at(Instant)
  /// Nobody knows while the clock stands still; so many microseconds of working time are left.
  case paused(leftMicroseconds: Int64)
  /// The calendar has no hours to come.
  case never
}

/// A piece of the time from a clock's start to its deadline, and what it counted as.
public struct ClockSegment: Hashable, Sendable {
  public enum Kind: Hashable, Sendable {
    case counted
    case outsideHours
    case holiday(LocalizedName)
    case paused

    /// As answers and commands spell it.
    public var word: String {
      switch self {
      case .counted: "counted"
      case .outsideHours: "outside_hours"
      case .holiday: "holiday"
      case .paused: "paused"
      }
    }
  }
  public let kind: Kind
  public let from: Instant
  public let to: Instant

  public init(kind: Kind, from: Instant, to: Instant) {
    self.kind = kind
    self.from = from
    self.to = to
  }
}

extension WorkCalendar {
  /// When so much working time outside the pauses has passed. Every pause counts, those before the first response too.
  public func deadline(seconds: Int64, from start: Instant, pauses: [Pause] = []) -> Deadline {
    // A duration of nothing is over at its start.
    guard seconds > 0 else { return .at(start) }
    guard seconds <= WorkCalendar.secondsMax else { return .never }
    var left = seconds * 1_000_000
    var now = start
    for pause in Pause.joined(pauses) {
      if pause.from > now {
        let passed = workingMicroseconds(from: now, to: pause.from)
        if passed >= left { break }
        left -= passed
        now = pause.from
      }
      guard let to = pause.to else { return .paused(leftMicroseconds: left) }
      now = max(now, to)
    }
    return instant(microseconds: left, after: now).map(Deadline.at) ?? .never
  }

  /// Working time outside the pauses, in microseconds.
  public func elapsedMicroseconds(from start: Instant, to end: Instant, pauses: [Pause] = []) -> Int64 {
    var elapsed = workingMicroseconds(from: start, to: end)
    for pause in Pause.joined(pauses) {
      elapsed -= workingMicroseconds(from: max(start, pause.from), to: min(end, pause.to ?? end))
    }
    return elapsed
  }

  /// The time between two moments, piece by piece without a hole: what was counted, and why the rest was not.
  ///
  /// A pause is told only where the clock would have run. Nil when there are more than `countMax` pieces.
  public func segments(from start: Instant, to end: Instant, pauses: [Pause] = [], countMax: Int) -> [ClockSegment]? {
    guard start < end else { return [] }
    var list = SegmentList(at: start)
    let waits = Pause.joined(pauses)
    var day = day(of: start)
    while list.at < end {
      let special = specialDay(day)
      let closed: ClockSegment.Kind = if let special, special.kind == .holiday { .holiday(special.name) } else { .outsideHours }
      let nextDay = min(end, zone.startOfDay(day + 1))
      for span in openSpans(from: list.at, to: nextDay, countMax: DayInterval.minutesOfDay) {
        list.extend(closed, to: span.from)
        for pause in waits where pause.from < span.to && (pause.to ?? end) > span.from {
          list.extend(.counted, to: max(list.at, pause.from))
          list.extend(.paused, to: min(span.to, pause.to ?? end))
        }
        list.extend(.counted, to: span.to)
      }
      list.extend(closed, to: nextDay)
      if list.segments.count > countMax { return nil }
      day = day + 1
    }
    return list.segments
  }
}

/// Grows from its start; what is like the piece before becomes part of it.
private struct SegmentList {
  private(set) var segments: [ClockSegment] = []
  private(set) var at: Instant

  init(at start: Instant) { at = start }

  mutating func extend(_ kind: ClockSegment.Kind, to end: Instant) {
    guard end > at else { return }
    if let last = segments.last, last.kind == kind {
      segments[segments.count - 1] = ClockSegment(kind: kind, from: last.from, to: end)
    } else {
      segments.append(ClockSegment(kind: kind, from: at, to: end))
    }
    at = end
  }
}
