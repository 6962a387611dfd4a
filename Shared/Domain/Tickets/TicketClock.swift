// One clock of a ticket: what was promised, until when, and what became of it (K-03 to K-05).

/// Which versions of the files a promise was made by.
public struct ServiceRuleVersions: Hashable, Sendable {
  public var standards: Int
  public var calendars: Int

  public init(standards: Int, calendars: Int) {
    self.standards = standards
    self.calendars = calendars
  }
}

public struct TicketClock: Hashable, Sendable {
  public enum Outcome: Hashable, Sendable {
    case running
    /// It was done before the deadline.
    case met(at: Instant)
    /// The deadline passed; nil while it is still not done.
    case missed(doneAt: Instant?)
    /// Nothing is promised any more.
    case withdrawn(at: Instant)

    public var word: String {
      switch self {
      case .running: "running"
      case .met: "met"
      case .missed: "missed"
      case .withdrawn: "withdrawn"
      }
    }
  }

  public let clock: ServiceClock
  /// What it was started by: the contact, a later message, a reopening.
  public let startedAt: Instant
  /// From here on its time counts: the start, or a later change that left less than nothing from there.
  public var countedFrom: Instant
  /// Working time of the calendar.
  public var seconds: Int64
  public var calendar: String
  public var versions: ServiceRuleVersions
  /// The place of the standards' rule it comes from, and whether that spoke of a day off.
  public var rule: Int
  public var isOnDayOff: Bool
  public var deadline: Deadline
  public var outcome: Outcome
  /// The highest step of the ladder that was reached, in percent of the time.
  public var percentReached: Int

  public init(
    clock: ServiceClock, startedAt: Instant, countedFrom: Instant, seconds: Int64, calendar: String, versions: ServiceRuleVersions, rule: Int,
    isOnDayOff: Bool, deadline: Deadline, outcome: Outcome = .running, percentReached: Int = 0
  ) {
    self.clock = clock
    self.startedAt = startedAt
    self.countedFrom = countedFrom
    self.seconds = seconds
    self.calendar = calendar
    self.versions = versions
    self.rule = rule
    self.isOnDayOff = isOnDayOff
    self.deadline = deadline
    self.outcome = outcome
    self.percentReached = percentReached
  }

  public var isRunning: Bool { outcome == .running }
  /// Whether what it waits for is still to be done, in time or not.
  public var isUnanswered: Bool { outcome == .running || outcome == .missed(doneAt: nil) }
  public var isMissed: Bool { if case .missed = outcome { true } else { false } }

  /// When so much of its time has passed.
  func moment(percent: Int, _ calendar: WorkCalendar, _ pauses: [Pause]) -> Deadline {
    // A hundred years in seconds leave room for any percent of the ladder.
    calendar.deadline(seconds: seconds * Int64(percent) / 100, from: countedFrom, pauses: pauses)
  }
}

/// The calendars that clocks were ever started by, and the standards that new ones are promised by.
public struct ServiceRuleBook: Sendable {
  public let standards: ServiceStandards
  /// By version; that in force among them.
  private let books: [Int: CalendarBook]
  public let versions: ServiceRuleVersions

  public init(standards: ServiceStandards, calendars: CalendarBook, former: [CalendarBook] = []) {
    self.standards = standards
    versions = ServiceRuleVersions(standards: standards.version, calendars: calendars.version)
    books = Dictionary((former + [calendars]).map { ($0.version, $0) }) { _, last in last }
  }

  /// The calendar that a clock runs by. One whose version is no longer known runs by the calendar in force of the same name, if there is one.
  public func calendar(of clock: TicketClock) -> WorkCalendar? {
    books[clock.versions.calendars]?[clock.calendar] ?? books[versions.calendars]?[clock.calendar]
  }
}

/// What open deadlines do when tier, kind, standards or calendars change (K-04). What is met or missed stays as it is in any case.
public enum DeadlinePolicy: String, Hashable, Sendable, CaseIterable {
  /// Nothing.
  case keep
  /// The earlier deadline holds.
  case onlyBetter = "only_better"
  /// The new one holds.
  case recompute
}

/// A step of the escalation ladder (K-05).
public struct LadderStep: Hashable, Sendable {
  public enum Role: String, Hashable, Sendable, CaseIterable {
    case owner
    case teamLead = "team_lead"
    case manager, director

    public var name: LocalizedName {
      switch self {
      case .owner: LocalizedName(en: "owner", zh: "负责人")
      case .teamLead: LocalizedName(en: "team lead", zh: "组长")
      case .manager: LocalizedName(en: "manager", zh: "经理")
      case .director: LocalizedName(en: "director", zh: "总监")
      }
    }
  }
  /// Of the clock's time; 100 is the deadline, more comes after it as long as nothing was done.
  public let percent: Int
  public let role: Role

  public init(percent: Int, role: Role) {
    self.percent = percent
    self.role = role
  }
}

public struct EscalationLadder: Hashable, Sendable {
  /// Ascending by percent.
  public let steps: [LadderStep]

  public static let percentRange = 1...1_000
  public static let stepsMax = 20
  /// The steps that K-05 asks for.
  public static let percentsNeeded = [50, 75, 100]

  /// Owner at half of the time, team lead at three quarters, manager at the deadline, director at half of the time beyond.
  public static let standard = EscalationLadder(sorted: [
    LadderStep(percent: 50, role: .owner), LadderStep(percent: 75, role: .teamLead), LadderStep(percent: 100, role: .manager),
    LadderStep(percent: 150, role: .director),
  ])

  private init(sorted: [LadderStep]) { steps = sorted }

  public init(_ steps: [LadderStep]) throws(ConfigurationFaults) {
    var faults: [ConfigurationFault] = []
    if steps.count > EscalationLadder.stepsMax {
      faults.append(ConfigurationFault(path: "ladder", problem: "at most \(EscalationLadder.stepsMax) steps, not \(steps.count)"))
    }
    for (place, step) in steps.enumerated() {
      if !EscalationLadder.percentRange.contains(step.percent) {
        faults.append(ConfigurationFault(path: "ladder[\(place)].percent", problem: "a step lies between 1 and 1000 percent of the time"))
      }
      if place > 0, step.percent <= steps[place - 1].percent {
        faults.append(ConfigurationFault(path: "ladder[\(place)].percent", problem: "each step comes later than the one before"))
      }
    }
    for percent in EscalationLadder.percentsNeeded where !steps.contains(where: { $0.percent == percent }) {
      faults.append(ConfigurationFault(path: "ladder", problem: "a step at \(percent) percent is missing"))
    }
    guard faults.isEmpty else { throw ConfigurationFaults(faults) }
    self.steps = steps
  }
}
