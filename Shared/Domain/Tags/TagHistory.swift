// When tags were set and cleared, and why (P-10): worked out from facts, so that late facts, merges and undone merges put the past right as well.

/// A time during which a customer had a tag.
public struct TagSpan: Hashable, Sendable {
  public let tag: TagID
  public let name: LocalizedName
  public let group: TagGroup
  /// The first day on which the rule held.
  public let from: Day
  public let reason: TagReason
  /// The first day on which it no longer did, and why; nil while it does.
  public internal(set) var cleared: (day: Day, reason: TagReason)?

  public static func == (left: TagSpan, right: TagSpan) -> Bool {
    left.tag == right.tag && left.from == right.from && left.reason == right.reason && left.cleared?.day == right.cleared?.day
      && left.cleared?.reason == right.cleared?.reason
  }
  public func hash(into hasher: inout Hasher) {
    hasher.combine(tag)
    hasher.combine(from)
  }
}

/// The conditions that decided, with what they were judged by.
public struct TagReason: Hashable, Sendable {
  public struct Line: Hashable, Sendable {
    public let condition: TagCondition
    public let value: TagValue
  }
  /// The rules' version.
  public let version: Int
  /// Of a tag that was set, what holds; of one that was cleared, what does not; empty when the rules no longer have the tag.
  public let lines: [Line]
}

/// The facts of one customer.
public struct TagFacts: Sendable {
  public var orders: [OrderRecord]
  public var registrations: [CustomerEvent]
  public var interactions: [TagInteraction]

  public init(orders: [OrderRecord], registrations: [CustomerEvent], interactions: [TagInteraction]) {
    self.orders = orders
    self.registrations = registrations
    self.interactions = interactions
  }
}

/// Rules, and the first day on which they were in force.
public struct TagRulesInForce: Sendable {
  public let since: Day
  public let rules: TagRules

  public init(since: Day, rules: TagRules) {
    self.since = since
    self.rules = rules
  }
}

public struct TagHistory: Sendable {
  /// In the order in which they began.
  public private(set) var spans: [TagSpan] = []
  private let facts: TagFacts
  private let zone: BusinessZone
  private let lifecycle: LifecycleRule
  private var view: TagView
  private var contributions: [[DayEntry]]
  private var open: [TagID: Int] = [:]

  /// Goes through the days on which anything may change, from the first fact up to a day.
  ///
  /// - Parameter inForce: ascending by day; the first ones count for the days before, too.
  public init(_ facts: TagFacts, by inForce: [TagRulesInForce], lifecycle: LifecycleRule, in zone: BusinessZone, through last: Day) {
    self.facts = facts
    self.zone = zone
    self.lifecycle = lifecycle
    view = TagView(ledger: DayLedger(), attributes: CustomerAttributes(), interactions: facts.interactions)
    contributions = facts.orders.map { _ in [] }
    let registered = facts.registrations.sorted { $0.occurredAt < $1.occurredAt }.map { (day: zone.day(of: $0.occurredAt), event: $0) }
    var moments = facts.orders.enumerated().flatMap { place, order in order.days(in: zone).map { (day: $0, order: place) } }
    moments.sort { ($0.day, $0.order) < ($1.day, $1.order) }
    var days = Set(moments.map(\.day)).union(registered.map(\.day)).union(facts.interactions.map(\.day)).union(inForce.map(\.since))
    let heard = moments.first.map { [$0.day] } ?? []
    guard var day = (heard + registered.prefix(1).map(\.day) + facts.interactions.map(\.day)).min() else { return }
    days = days.filter { $0 > day }
    var coming = days.sorted()[...]
    var (nextMoment, nextRegistration) = (0, 0)
    while day <= last {
      var changed: Set<Int> = []
      while nextMoment < moments.count, moments[nextMoment].day <= day {
        changed.insert(moments[nextMoment].order)
        nextMoment += 1
      }
      take(changed, on: day)
      while nextRegistration < registered.count, registered[nextRegistration].day <= day {
        _ = view.attributes.apply(registered[nextRegistration].event)
        nextRegistration += 1
      }
      guard let rules = (inForce.last { $0.since <= day } ?? inForce.first)?.rules else { return }
      let judge = TagJudge(rules, on: day, lifecycle: lifecycle)
      judgeAll(judge)
      while let next = coming.first, next <= day { coming.removeFirst() }
      let byTime = judge.nextChange(view, of: [.purchases, .attributes, .interactions])
      guard let next = [coming.first, byTime].compactMap({ $0 }).min() else { return }
      day = next
    }
  }

  /// Orders whose facts reach this day are added up anew.
  private mutating func take(_ orders: Set<Int>, on day: Day) {
    var isExact = true
    for place in orders {
      let after = facts.orders[place].contribution(in: zone, asOf: day)
      isExact = view.ledger.replace(contributions[place], by: after) && isExact
      contributions[place] = after
    }
    if !isExact { view.ledger = DayLedger(contributions: contributions.joined()) }
  }

  private mutating func judgeAll(_ judge: TagJudge) {
    for (place, rule) in judge.rules.rules.enumerated() {
      let holds = judge.holds(place, view) ?? false
      if let standing = open[rule.id] {
        if holds { continue }
        spans[standing].cleared = (judge.day, judge.reason(place, view, holds: false))
        open[rule.id] = nil
      } else if holds {
        open[rule.id] = spans.count
        spans.append(TagSpan(tag: rule.id, name: rule.name, group: rule.group, from: judge.day, reason: judge.reason(place, view, holds: true)))
      }
    }
    for (tag, standing) in open where judge.rules[tag.text] == nil {
      spans[standing].cleared = (judge.day, TagReason(version: judge.rules.version, lines: []))
      open[tag] = nil
    }
  }
}

extension TagJudge {
  /// Why a rule holds, or why it does not.
  public func reason(_ place: Int, _ view: borrowing TagView, holds: Bool) -> TagReason {
    var lines: [TagReason.Line] = []
    for index in rules.starts[place]..<rules.starts[place + 1] {
      let value = value(index, view)
      let condition = rules.conditions[index]
      if (isMet(condition, value) ?? false) == holds { lines.append(TagReason.Line(condition: condition, value: value)) }
    }
    return TagReason(version: rules.version, lines: lines)
  }
}

extension OrderRecord {
  /// The days on which something became so for this order.
  func days(in zone: BusinessZone) -> Set<Day> {
    var days = Set(movements.map { zone.day(of: $0.at) })
    if let paidAt = header?.paidAt { days.insert(zone.day(of: paidAt)) }
    return days
  }
}
