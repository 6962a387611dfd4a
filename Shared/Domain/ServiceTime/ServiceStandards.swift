// What service a customer may expect (K-02, K-03): a priority from urgency and tier, and how soon each clock runs out. Data, checked as a whole.

/// P1 is the highest.
public enum ServicePriority: String, Hashable, Sendable, CaseIterable, Comparable {
  case p1 = "P1"
  case p2 = "P2"
  case p3 = "P3"
  case p4 = "P4"

  /// 1 to 4.
  public var rank: Int { (ServicePriority.allCases.firstIndex(of: self) ?? 0) + 1 }
  /// The higher one comes first.
  public static func < (left: ServicePriority, right: ServicePriority) -> Bool { left.rank < right.rank }
}

/// What is measured. The first three are every ticket's (K-04), the others are promised for some kinds.
public enum ServiceClock: String, Hashable, Sendable, CaseIterable {
  /// From the contact to the first answer of a person.
  case firstResponse = "first_response"
  /// From each later message of the customer to its answer.
  case nextResponse = "next_response"
  /// From the contact to the resolution.
  case resolution
  /// Somebody is with the customer.
  case onSite = "on_site"
  /// A prototype and a quote for a tailored need.
  case quote
  /// Whether a suggestion can be done.
  case feasibility

  public var name: LocalizedName {
    switch self {
    case .firstResponse: LocalizedName(en: "first response", zh: "首次响应")
    case .nextResponse: LocalizedName(en: "next response", zh: "后续响应")
    case .resolution: LocalizedName(en: "resolution", zh: "解决")
    case .onSite: LocalizedName(en: "on site", zh: "到场")
    case .quote: LocalizedName(en: "prototype and quote", zh: "原型与报价")
    case .feasibility: LocalizedName(en: "feasibility", zh: "可行性答复")
    }
  }
}

/// How soon a clock runs out.
public struct ServiceTarget: Hashable, Sendable {
  /// Working time of the calendar.
  public let seconds: Int64
  /// The calendar it is measured by.
  public let calendar: String
  /// Another time for what begins on a day on which some calendar is closed: "2 h on non-working days".
  public struct DaysOff: Hashable, Sendable {
    /// The calendar whose closed days are meant.
    public let of: String
    public let seconds: Int64

    public init(of: String, seconds: Int64) {
      self.of = of
      self.seconds = seconds
    }
  }
  public let daysOff: DaysOff?

  public init(seconds: Int64, calendar: String, daysOff: DaysOff? = nil) {
    self.seconds = seconds
    self.calendar = calendar
    self.daysOff = daysOff
  }
}

/// Targets for some tickets. What a list leaves open fits all.
public struct ServiceRule: Hashable, Sendable {
  public enum Promise: Hashable, Sendable {
    case target(ServiceTarget)
    /// These tickets have no such clock, whatever later rules say.
    case none
  }
  public let tiers: Set<TierID>?
  public let kinds: Set<ContactEvent.Kind>?
  public let priorities: Set<ServicePriority>?
  public let promises: [ServiceClock: Promise]

  public init(
    tiers: Set<TierID>?, kinds: Set<ContactEvent.Kind>?, priorities: Set<ServicePriority>?, promises: [ServiceClock: Promise]
  ) {
    self.tiers = tiers
    self.kinds = kinds
    self.priorities = priorities
    self.promises = promises
  }

  func fits(_ tier: TierID, _ kind: ContactEvent.Kind, _ priority: ServicePriority) -> Bool {
    tiers?.contains(tier) != false && kinds?.contains(kind) != false && priorities?.contains(priority) != false
  }
}

/// One clock of a ticket, when it begins at some moment.
public struct PromisedDeadline: Hashable, Sendable {
  public let clock: ServiceClock
  /// Seconds that hold for this moment.
  public let seconds: Int64
  public let calendar: WorkCalendar
  /// The place of the rule it comes from.
  public let rule: Int
  public let isOnDayOff: Bool
  public let deadline: Deadline
}

/// The standards of a business: one file, one version. For each clock the first rule that fits and names it holds, so rules may overlap.
public struct ServiceStandards: Hashable, Sendable {
  public let version: Int
  public let author: String
  public let ladder: TierLadder
  /// By urgency, then by the tier's place from the top.
  private let priorities: [ContactEvent.Urgency: [ServicePriority]]
  public let rules: [ServiceRule]
  private let calendars: [String: WorkCalendar]

  /// What a contact counts as that nobody has sorted or judged yet (K-01).
  public static let kindDefault = ContactEvent.Kind.question
  public static let urgencyDefault = ContactEvent.Urgency.question

  /// Throws everything that is wrong with them.
  ///
  /// - Parameter priorities: for each urgency one priority for each tier of the ladder, highest tier first.
  public init(
    version: Int, author: String, ladder: TierLadder, priorities: [ContactEvent.Urgency: [ServicePriority]], rules: [ServiceRule], calendars: [WorkCalendar]
  ) throws(ConfigurationFaults) {
    self.version = version
    self.author = author
    self.ladder = ladder
    self.priorities = priorities
    self.rules = rules
    self.calendars = Dictionary(calendars.map { ($0.id, $0) }) { first, _ in first }
    let faults = matrixFaults + calendarFaults + coverageFaults
    guard faults.isEmpty else { throw ConfigurationFaults(faults) }
  }

  /// Whether the matrix puts people before faults anywhere (K-02).
  private var matrixFaults: [ConfigurationFault] {
    var faults: [ConfigurationFault] = []
    let urgencies = ContactEvent.Urgency.allCases
    for (place, urgency) in urgencies.enumerated() {
      let row = priorities[urgency] ?? []
      let path = "priorities.\(urgency.rawValue)"
      guard row.count == ladder.tiers.count else {
        faults.append(ConfigurationFault(path: path, problem: "every tier needs a priority"))
        continue
      }
      if row != row.sorted() { faults.append(ConfigurationFault(path: path, problem: "a higher tier must not have a lower priority than a lower tier")) }
      let worse = place > 0 ? priorities[urgencies[place - 1]] ?? [] : []
      if zip(worse, row).contains(where: { $0 > $1 }) {
        faults.append(ConfigurationFault(path: path, problem: "must not come before \(urgencies[place - 1].rawValue) for the same tier"))
      }
    }
    if let question = priorities[.question]?.min(), let down = priorities[.systemDown]?.max(), question < down {
      let problem = "nobody's question may outrank anybody's system_down (\(question.rawValue) before \(down.rawValue))"
      faults.append(ConfigurationFault(path: "priorities.question", problem: problem))
    }
    return faults
  }

  private var calendarFaults: [ConfigurationFault] {
    var faults: [ConfigurationFault] = []
    func check(_ id: String, _ path: String) {
      guard calendars[id] == nil else { return }
      faults.append(ConfigurationFault(path: path, problem: "there is no calendar `\(id)`; known are \(calendars.keys.sorted().joined(separator: ", "))"))
    }
    for (place, rule) in rules.enumerated() {
      for clock in ServiceClock.allCases {
        guard case .target(let target)? = rule.promises[clock] else { continue }
        check(target.calendar, "service[\(place)].\(clock.rawValue).calendar")
        if let other = target.daysOff { check(other.of, "service[\(place)].\(clock.rawValue).days_off.of") }
      }
    }
    return faults
  }

  /// Every ticket needs a first response, and no rule may be there in vain.
  private var coverageFaults: [ConfigurationFault] {
    var faults: [ConfigurationFault] = []
    var used = Set<Int>()
    for tier in ladder.tiers {
      for kind in ContactEvent.Kind.allCases {
        for priority in ServicePriority.allCases {
          let promised = promises(tier.id, kind, priority)
          for (_, found) in promised { used.insert(found.rule) }
          guard case .target? = promised[.firstResponse]?.promise else {
            faults.append(ConfigurationFault(
              path: "service", problem: "\(tier.id), \(kind.rawValue), \(priority.rawValue): no rule names first_response; every ticket is answered"))
            continue
          }
        }
      }
    }
    for place in rules.indices where !used.contains(place) {
      faults.append(ConfigurationFault(path: "service[\(place)]", problem: "rules before it fit everything that it fits: it never holds"))
    }
    return faults
  }

  private func promises(
    _ tier: TierID, _ kind: ContactEvent.Kind, _ priority: ServicePriority
  ) -> [ServiceClock: (rule: Int, promise: ServiceRule.Promise)] {
    var found: [ServiceClock: (rule: Int, promise: ServiceRule.Promise)] = [:]
    for (place, rule) in rules.enumerated() where rule.fits(tier, kind, priority) {
      for (clock, promise) in rule.promises where found[clock] == nil { found[clock] = (place, promise) }
    }
    return found
  }

  // MARK: - Asking

  /// Nil for a tier that is not in the ladder.
  public func priority(_ urgency: ContactEvent.Urgency?, tier: TierID) -> ServicePriority? {
    guard let place = ladder.tiers.firstIndex(where: { $0.id == tier }) else { return nil }
    return priorities[urgency ?? ServiceStandards.urgencyDefault]?[place]
  }

  /// The clocks of such a ticket, should they begin at this moment; in the order of ``ServiceClock``.
  public func deadlines(
    tier: TierID, kind: ContactEvent.Kind?, priority: ServicePriority, from start: Instant, pauses: [Pause] = []
  ) -> [PromisedDeadline] {
    let promised = promises(tier, kind ?? ServiceStandards.kindDefault, priority)
    return ServiceClock.allCases.compactMap { clock in
      guard let found = promised[clock], case .target(let target) = found.promise, let calendar = calendars[target.calendar] else { return nil }
      let isOnDayOff = target.daysOff.flatMap { calendars[$0.of] }.map { $0.hours(on: $0.zone.day(of: start)).isClosed } ?? false
      let seconds = isOnDayOff ? target.daysOff?.seconds ?? target.seconds : target.seconds
      return PromisedDeadline(
        clock: clock, seconds: seconds, calendar: calendar, rule: found.rule, isOnDayOff: isOnDayOff,
        deadline: calendar.deadline(seconds: seconds, from: start, pauses: pauses))
    }
  }
}

extension WorkCalendar {
  /// A usual working day in seconds: the week's hours by its open days; nil where the week has none.
  public var workingDaySeconds: Int64? {
    let open = week.filter { !$0.isClosed }
    return open.isEmpty ? nil : Int64(open.reduce(0) { $0 + $1.minutes }) * 60 / Int64(open.count)
  }
}
