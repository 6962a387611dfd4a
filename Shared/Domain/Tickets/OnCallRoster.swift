// Who is on call for a team, and when (K-05).

/// Somebody's time on call; the last moment is no part of it.
public struct OnCallShift: Hashable, Sendable {
  public let person: String
  public let from: Instant
  public let until: Instant

  public init(person: String, from: Instant, until: Instant) {
    self.person = person
    self.from = from
    self.until = until
  }
}

/// The shifts of a team. Where several overlap, the one that began last holds; of those that begin at the same moment, the last of the list.
public struct OnCallRoster: Hashable, Sendable {
  /// Who is on call from when until when: ascending, none overlaps another, and where two touch they are of two people.
  public let stretches: [OnCallShift]

  public init(_ shifts: [OnCallShift]) {
    var sweep = Sweep()
    let ordered = shifts.filter { $0.from < $0.until }.enumerated().sorted { ($0.element.from, $0.offset) < ($1.element.from, $1.offset) }
    for (_, shift) in ordered { sweep.begin(shift) }
    sweep.go(to: Instant(microseconds: .max))
    stretches = sweep.stretches
  }

  public func person(at moment: Instant) -> String? { shift(at: moment)?.person }

  /// The stretch that a moment lies in; nil while nobody is on call.
  public func shift(at moment: Instant) -> OnCallShift? {
    let begun = firstPlace(stretches.count) { stretches[$0].from > moment }
    return begun > 0 && moment < stretches[begun - 1].until ? stretches[begun - 1] : nil
  }

  /// The stretch that begins next.
  public func next(after moment: Instant) -> OnCallShift? {
    let place = firstPlace(stretches.count) { stretches[$0].from > moment }
    return place < stretches.count ? stretches[place] : nil
  }

  /// Goes through the shifts in the order of their beginnings.
  private struct Sweep {
    var stretches: [OnCallShift] = []
    /// Those that have begun, the last on top; what ended beneath another is dropped once it comes up.
    private var begun: [OnCallShift] = []
    private var moment = Instant(microseconds: .min)

    mutating func begin(_ shift: OnCallShift) {
      go(to: shift.from)
      moment = shift.from
      begun.append(shift)
    }

    mutating func go(to limit: Instant) {
      while let top = begun.last {
        if top.until <= moment {
          begun.removeLast()
        } else if moment < limit {
          let end = min(top.until, limit)
          add(OnCallShift(person: top.person, from: moment, until: end))
          moment = end
        } else {
          return
        }
      }
    }

    private mutating func add(_ stretch: OnCallShift) {
      if let last = stretches.last, last.person == stretch.person, last.until == stretch.from {
        stretches[stretches.count - 1] = OnCallShift(person: last.person, from: last.from, until: stretch.until)
      } else {
        stretches.append(stretch)
      }
    }
  }
}
