// Which tags a customer has on a day, and the first day after it on which time alone may change one (P-10).

/// A contact, a behaviour or an answer, as far as tags look at it.
public struct TagInteraction: Hashable, Sendable {
  public enum What: Hashable, Sendable {
    case behaviour(String)
    case contact(ContactEvent.Kind?)
    case answer(AnswerEvent.Metric)
  }
  public let day: Day
  public let at: Instant
  public let id: String
  public let what: What
  public let count: Int64
  public let value: Int64?

  public init(_ event: InteractionEvent, in zone: BusinessZone) {
    at = event.occurredAt
    day = zone.day(of: event.occurredAt)
    id = event.source + " " + event.eventID
    switch event {
    case .behaviour(let event): (what, count, value) = (.behaviour(event.name), event.count, event.value)
    case .contact(let event): (what, count, value) = (.contact(event.kind), 1, nil)
    case .answer(let event): (what, count, value) = (.answer(event.metric), 1, event.score)
    }
  }
}

/// What is known of a customer when its tags are judged.
public struct TagView: Sendable {
  public var ledger: DayLedger
  public var attributes: CustomerAttributes
  /// nil: they were not read.
  public var interactions: [TagInteraction]?

  public init(ledger: DayLedger, attributes: CustomerAttributes, interactions: [TagInteraction]? = nil) {
    self.ledger = ledger
    self.attributes = attributes
    self.interactions = interactions
  }
}

/// What a figure comes to.
public enum TagValue: Hashable, Sendable {
  case number(Int64)
  case word(String)
  /// The customer has no such figure: it meets no bound.
  case none
  /// It was not read.
  case unknown
}

/// Judges the rules for one day, for any number of customers.
public struct TagJudge: Sendable {
  public let rules: TagRules
  public let day: Day
  private let lifecycle: LifecycleRule
  /// Of each condition the last day before its window.
  private let before: [Day]

  public init(_ rules: TagRules, on day: Day, lifecycle: LifecycleRule) {
    self.rules = rules
    self.day = day
    self.lifecycle = lifecycle
    before = rules.conditions.map { $0.figure.window.dayBefore(at: day) ?? Day(number: .min) }
  }

  /// A rule by its place in the file: nil when it hangs on something that was not read.
  public func holds(_ place: Int, _ view: borrowing TagView) -> Bool? {
    let start = rules.starts[place]
    let all = rules.rules[place].all.count
    var isSure = true
    for index in start..<start + all {
      switch isMet(index, view) {
      case false?: return false
      case nil: isSure = false
      case true?: break
      }
    }
    if start + all < rules.starts[place + 1] {
      var one: Bool? = false
      for index in start + all..<rules.starts[place + 1] {
        let isMet = isMet(index, view)
        if isMet == true {
          one = true
          break
        }
        if isMet == nil { one = nil }
      }
      if one == false { return false }
      if one == nil { isSure = false }
    }
    return isSure ? true : nil
  }

  private func isMet(_ index: Int, _ view: borrowing TagView) -> Bool? {
    isMet(rules.conditions[index], value(index, view))
  }

  func isMet(_ condition: TagCondition, _ value: TagValue) -> Bool? {
    switch value {
    case .unknown: nil
    case .none: false
    case .number(let number): condition.least.map { number >= $0 } ?? true && condition.most.map { number <= $0 } ?? true
    case .word(let word): condition.words.contains(word.lowercased())
    }
  }

  // MARK: - Figures

  func value(_ index: Int, _ view: borrowing TagView) -> TagValue {
    let first = before[index]
    switch rules.conditions[index].figure {
    case .orders(let window): return .number(purchases(view.ledger, window, after: first).orders)
    case .spend(let window): return .number(purchases(view.ledger, window, after: first).spend)
    case .averageOrderValue(let window):
      let sums = purchases(view.ledger, window, after: first)
      guard let average = Rational(Int128(sums.spend), over: Int128(sums.orders)) else { return .none }
      return .number(Int64(clamping: average.roundedHalfUp))
    case .recencyDays: return lastPaidDay(view.ledger).map { .number(Int64(day - $0)) } ?? .none
    case .firstOrderDays: return firstPaidDay(view.ledger).map { .number(Int64(day - $0)) } ?? .none
    case .lifecycle:
      return .word(lifecycle.stage(firstPaidDay: firstPaidDay(view.ledger), lastPaidDay: lastPaidDay(view.ledger), at: day).name)
    case .age: return birthday(view).flatMap { age($0) }.map { .number($0) } ?? .none
    case .attribute(let attribute): return view.attributes[attribute].map { .word($0) } ?? .none
    case .behaviour(let name, _): return count(view, .behaviour(name), after: first)
    case .contacts(let kind, _): return contacts(view, kind, after: first)
    case .behaviourValue(let name, _): return latest(view, .behaviour(name), after: first)
    case .answer(let metric, _): return latest(view, .answer(metric), after: first)
    }
  }

  private func purchases(_ ledger: DayLedger, _ window: TagWindow, after first: Day) -> (orders: Int64, spend: Int64) {
    var sums = (orders: Int64(0), spend: Int64(0))
    if window == .ever { sums = (ledger.older.countedOrders, ledger.older.spend) }
    for entry in ledger.days.reversed() where entry.day <= day {
      if entry.day <= first { break }
      sums.orders += Int64(entry.countedOrders)
      sums.spend &+= entry.spend
    }
    return sums
  }

  private func lastPaidDay(_ ledger: DayLedger) -> Day? { ledger.days.last { $0.paidOrders > 0 && $0.day <= day }?.day ?? ledger.older.lastPaidDay }

  private func firstPaidDay(_ ledger: DayLedger) -> Day? { ledger.firstPaidDay.flatMap { $0 <= day ? $0 : nil } }

  private func birthday(_ view: borrowing TagView) -> Day? { view.attributes[.birthday].flatMap { Day($0) } }

  private func age(_ birthday: Day) -> Int64? {
    let years = day.civil.year - birthday.civil.year
    guard years >= 0, birthday <= day else { return nil }
    return Int64(birthday.adding(months: 12 * years) <= day ? years : years - 1)
  }

  private func count(_ view: borrowing TagView, _ what: TagInteraction.What, after first: Day) -> TagValue {
    guard let interactions = view.interactions else { return .unknown }
    var sum: Int64 = 0
    for one in interactions where one.day > first && one.day <= day && one.what == what { sum &+= one.count }
    return .number(sum)
  }

  private func contacts(_ view: borrowing TagView, _ kind: ContactEvent.Kind?, after first: Day) -> TagValue {
    if kind != nil { return count(view, .contact(kind), after: first) }
    guard let interactions = view.interactions else { return .unknown }
    let count = interactions.count { one in
      guard case .contact = one.what else { return false }
      return one.day > first && one.day <= day
    }
    return .number(Int64(count))
  }

  private func latest(_ view: borrowing TagView, _ what: TagInteraction.What, after first: Day) -> TagValue {
    guard let interactions = view.interactions else { return .unknown }
    var latest: TagInteraction?
    for one in interactions where one.what == what && one.value != nil && one.day > first && one.day <= day {
      if let standing = latest, (standing.at, standing.id) >= (one.at, one.id) { continue }
      latest = one
    }
    return latest?.value.map { .number($0) } ?? .none
  }
}

// MARK: - Time alone

extension TagJudge {
  /// The earliest day after the judge's.
  private struct Earliest {
    let day: Day
    var next: Day?

    init(after day: Day) { self.day = day }

    @inline(__always)
    mutating func consider(_ candidate: Day?) {
      guard let candidate, candidate > day else { return }
      if let next, next <= candidate { return }
      next = candidate
    }
  }

  /// No later than the first day after the judge's on which a rule of these sources changes if nothing more is heard; nil when none does.
  public func nextChange(_ view: borrowing TagView, of sources: TagSources) -> Day? {
    var earliest = Earliest(after: day)
    // Days that are written down already and have not come.
    if sources.contains(.purchases), let last = view.ledger.lastDay, last > day { earliest.consider(view.ledger.days.first { $0.day > day }?.day) }
    for (place, needed) in rules.sources.enumerated() where !needed.isDisjoint(with: sources) {
      for index in rules.starts[place]..<rules.starts[place + 1] where sources.contains(rules.conditions[index].figure.source) {
        consider(index, view, &earliest)
      }
    }
    return earliest.next
  }

  private func consider(_ index: Int, _ view: borrowing TagView, _ earliest: inout Earliest) {
    switch rules.conditions[index].figure {
    case .orders(let window), .spend(let window), .averageOrderValue(let window):
      if window != .ever, mayFall(index, view) { earliest.consider(leaving(view.ledger, window, after: before[index])) }
    case .recencyDays: borders(index, since: lastPaidDay(view.ledger), &earliest)
    case .firstOrderDays: borders(index, since: firstPaidDay(view.ledger), &earliest)
    case .lifecycle:
      earliest.consider(lifecycle.nextChange(firstPaidDay: firstPaidDay(view.ledger), lastPaidDay: lastPaidDay(view.ledger), after: day))
    case .age:
      guard let birthday = birthday(view) else { return }
      earliest.consider(birthday)
      if let least = rules.conditions[index].least { earliest.consider(birthday.adding(months: 12 * Int(clamping: least))) }
      if let most = rules.conditions[index].most { earliest.consider(birthday.adding(months: 12 * Int(clamping: most + 1))) }
    case .attribute: break
    case .behaviour(_, let window), .behaviourValue(_, let window), .contacts(_, let window), .answer(_, let window):
      for one in view.interactions ?? [] {
        if one.day > day { earliest.consider(one.day) } else if one.day > before[index] { earliest.consider(window.leaves(one.day)) }
      }
    }
  }

  private func borders(_ index: Int, since first: Day?, _ earliest: inout Earliest) {
    guard let first else { return }
    if let least = rules.conditions[index].least { earliest.consider(first + Int(clamping: least)) }
    if let most = rules.conditions[index].most { earliest.consider(first + Int(clamping: most + 1)) }
  }

  /// Whether a sum that grows smaller as days leave the window could change the answer: one that is too small stays so.
  private func mayFall(_ index: Int, _ view: borrowing TagView) -> Bool {
    switch rules.conditions[index].figure {
    case .averageOrderValue: return true
    case .spend where view.ledger.days.contains(where: { $0.spend < 0 }): return true
    default: break
    }
    guard case .number(let number) = value(index, view) else { return false }
    return rules.conditions[index].most.map { number > $0 } ?? false || rules.conditions[index].least.map { number >= $0 } ?? false
  }

  private func leaving(_ ledger: DayLedger, _ window: TagWindow, after first: Day) -> Day? {
    ledger.days.first { $0.day > first && $0.day <= day }.flatMap { window.leaves($0.day) }
  }
}
