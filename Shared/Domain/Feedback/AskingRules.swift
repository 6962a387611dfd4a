// When customers are asked, and what (F-02): triggers, schedules by tier, steps of their lives, the reminder and the budget. Data, one file, one version.

public struct AskingRules: Hashable, Sendable {
  /// After a ticket was resolved.
  public struct Trigger: Hashable, Sendable {
    public let id: String
    /// Tickets of these kinds; nil: one that nobody sorted.
    public let kinds: [ContactEvent.Kind?]
    /// The name of the survey.
    public let survey: String
    /// From the resolution to the question, and so long it may be put off.
    public let delayHours: Int
    public let windowDays: Int

    public init(id: String, kinds: [ContactEvent.Kind?], survey: String, delayHours: Int, windowDays: Int) {
      self.id = id
      self.kinds = kinds
      self.survey = survey
      self.delayHours = delayHours
      self.windowDays = windowDays
    }
  }

  /// The customers of some tiers, again and again, spread over the months of a period.
  public struct Schedule: Hashable, Sendable {
    public let id: String
    public let tiers: [TierID]
    public let survey: String
    public let everyMonths: Int
    public let windowDays: Int

    public init(id: String, tiers: [TierID], survey: String, everyMonths: Int, windowDays: Int) {
      self.id = id
      self.tiers = tiers
      self.survey = survey
      self.everyMonths = everyMonths
      self.windowDays = windowDays
    }

    /// The first day of the period that a day lies in; periods begin with the year 0.
    public func period(of day: Day) -> Day {
      let index = Int(day.month.index)
      return AskingRules.firstDay(of: Month(index: Int32(clamping: index - ((index % everyMonths) + everyMonths) % everyMonths)))
    }

    public func next(after period: Day) -> Day { AskingRules.firstDay(of: period.month.adding(everyMonths)) }

    /// The day on which a customer is asked in a period: any of its days, the same for the same customer and period.
    ///
    /// - Parameter draw: a number that follows from both.
    public func day(in period: Day, draw: UInt64) -> Day { period + Int(draw % UInt64(max(1, next(after: period) - period))) }
  }

  /// The customers to whom somebody got back because of an answer, when their ticket is resolved: the same survey again.
  public struct Again: Hashable, Sendable {
    public let delayHours: Int
    public let windowDays: Int

    public init(delayHours: Int, windowDays: Int) {
      self.delayHours = delayHours
      self.windowDays = windowDays
    }
  }

  /// A step of the customer's life with the business, once.
  public struct Step: Hashable, Sendable {
    /// What it is counted from.
    public enum Anchor: String, Hashable, Sendable, CaseIterable {
      /// The day of the first paid order, on which a potential customer becomes a new one (P-08).
      case firstOrder = "first_order"
    }

    /// Whoever was asked under it is not asked under it again.
    public let id: String
    public let anchor: Anchor
    public let survey: String
    public let delayDays: Int
    public let windowDays: Int

    public init(id: String, after anchor: Anchor, survey: String, delayDays: Int, windowDays: Int) {
      self.id = id
      self.anchor = anchor
      self.survey = survey
      self.delayDays = delayDays
      self.windowDays = windowDays
    }
  }

  public let version: Int
  public let author: String
  public let budget: ContactBudget
  /// Days after which those who have not answered are reminded, once; 0: never.
  public let reminderDays: Int
  public let triggers: [Trigger]
  public let again: Again?
  public let schedules: [Schedule]
  public let steps: [Step]

  public static let entriesMax = 50
  public static let idBytesMax = 64
  public static let delayHoursRange = 0...8_760
  public static let delayDaysRange = 0...730
  public static let windowDaysRange = 1...365
  public static let monthsRange = 1...36
  public static let reminderDaysRange = 0...60

  public init(
    version: Int, author: String, budget: ContactBudget, reminderDays: Int, triggers: [Trigger], again: Again?, schedules: [Schedule],
    steps: [Step]
  ) throws(ConfigurationFaults) {
    var faults: [ConfigurationFault] = []
    func check(_ ids: [String], _ path: String) {
      if ids.count > AskingRules.entriesMax { faults.append(ConfigurationFault(path: path, problem: "at most \(AskingRules.entriesMax) are possible")) }
      for (place, id) in ids.enumerated() {
        if !isSlug(id, bytesMax: AskingRules.idBytesMax) {
          faults.append(ConfigurationFault(path: "\(path)[\(place)].id", problem: "small letters, digits and hyphens, at most \(AskingRules.idBytesMax)"))
        }
        if ids[..<place].contains(id) { faults.append(ConfigurationFault(path: "\(path)[\(place)].id", problem: "`\(id)` is listed already")) }
      }
    }
    check(triggers.map(\.id), "triggers")
    check(schedules.map(\.id), "schedules")
    check(steps.map(\.id), "steps")
    for (place, schedule) in schedules.enumerated() {
      if let tier = schedule.tiers.first(where: { tier in schedules[..<place].contains { $0.tiers.contains(tier) } }) {
        faults.append(ConfigurationFault(path: "schedules[\(place)].tiers", problem: "`\(tier.text)` has a schedule already"))
      }
    }
    for (place, trigger) in triggers.enumerated() {
      if let kind = trigger.kinds.first(where: { kind in triggers[..<place].contains { $0.kinds.contains(kind) } }) {
        faults.append(ConfigurationFault(path: "triggers[\(place)].kinds", problem: "tickets of kind `\(kind?.rawValue ?? "unsorted")` have a trigger already"))
      }
    }
    guard faults.isEmpty else { throw ConfigurationFaults(faults) }
    self.version = version
    self.author = author
    self.budget = budget
    self.reminderDays = reminderDays
    self.triggers = triggers
    self.again = again
    self.schedules = schedules
    self.steps = steps
  }

  public func trigger(for kind: ContactEvent.Kind?) -> Trigger? { triggers.first { $0.kinds.contains(kind) } }
  public func schedule(for tier: TierID?) -> Schedule? { tier.flatMap { tier in schedules.first { $0.tiers.contains(tier) } } }
  public func step(_ id: String) -> Step? { steps.first { $0.id == id } }
  /// What it asks for; all of these surveys must be there.
  public var surveys: [String] { triggers.map(\.survey) + schedules.map(\.survey) + steps.map(\.survey) }

  static func firstDay(of month: Month) -> Day { Day(year: month.year, month: month.number, day: 1) ?? Day(number: .min) }
}
