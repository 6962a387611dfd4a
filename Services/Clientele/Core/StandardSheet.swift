// What service standards promise, for people and programs (K-02, K-03).
import Documents
public import Domain
public import Text
import CommandLine
import Runtime

/// Standards that come with the program, or those of files.
public enum Standards {
  /// Files instead of the shipped ones; nil: the shipped one.
  public struct Files {
    public var standards: String?
    public var calendars: String?
    public var policies: String?

    public init(standards: String? = nil, calendars: String? = nil, policies: String? = nil) {
      self.standards = standards
      self.calendars = calendars
      self.policies = policies
    }
  }

  public static func load(_ files: Files) throws -> ServiceStandards {
    let ladder = if let path = files.policies { try PolicyDocument.load(path).ladder } else { try RuleBook.policies().ladder }
    let calendars = try Calendars.book(files.calendars)
    if let path = files.standards { return try StandardDocument.load(path, ladder: ladder, calendars: calendars) }
    return try StandardDocument.decode(
      Resources.bytes(StandardDocument.shipped) ?? [], source: StandardDocument.shipped, ladder: ladder, calendars: calendars)
  }

  public static func tier(_ text: String, in standards: ServiceStandards) throws -> Tier {
    guard let tier = standards.ladder.tiers.first(where: { $0.id.text == text }) else {
      throw SuiteFailure("there is no tier `\(text)`; known are \(standards.ladder.tiers.map(\.id.text).joined(separator: ", "))")
    }
    return tier
  }
}

/// The clocks of one ticket, should it come at some moment.
public struct StandardSheet: Sendable {
  public let tier: Tier
  public let kind: ContactEvent.Kind
  public let urgency: ContactEvent.Urgency
  public let priority: ServicePriority
  public let from: Instant
  public let clocks: [PromisedDeadline]
  public let version: Int

  public init(
    _ standards: ServiceStandards, tier: Tier, kind: ContactEvent.Kind, urgency: ContactEvent.Urgency, from: Instant, pauses: [Pause]
  ) throws {
    guard let priority = standards.priority(urgency, tier: tier.id) else { throw SuiteFailure("tier `\(tier.id)` has no priorities") }
    self.tier = tier
    self.kind = kind
    self.urgency = urgency
    self.priority = priority
    self.from = from
    version = standards.version
    clocks = standards.deadlines(tier: tier.id, kind: kind, priority: priority, from: from, pauses: pauses)
  }

  public var json: JSONValue {
    let clocks = clocks.map { clock -> JSONValue in
      let (at, state, left): (JSONValue, String, JSONValue) =
        switch clock.deadline {
        case .at(let instant): (.text(Calendars.text(instant, clock.calendar.zone)), "known", .null)
        case .paused(let left): (.null, "paused", .integer(left / 1_000_000))
        case .never: (.null, "never", .null)
        }
      return [
        "clock": .text(clock.clock.rawValue), "within_seconds": .integer(clock.seconds), "calendar": .text(clock.calendar.id), "deadline": at,
        "state": .text(state), "left_seconds": left, "rule": .integer(Int64(clock.rule)), "day_off": .boolean(clock.isOnDayOff),
      ]
    }
    return [
      "tier": .text(tier.id.text), "kind": .text(kind.rawValue), "urgency": .text(urgency.rawValue), "priority": .text(priority.rawValue),
      "standards_version": .integer(Int64(version)), "clocks": .array(clocks),
    ]
  }

  public func text(in language: Domain.Language) -> String {
    func say(_ english: String, _ chinese: String) -> String { language == .chinese ? chinese : english }
    var table = Table([.init(say("Clock", "时限")), .init(say("Within", "时长"), .right), .init(say("Calendar", "日历")), .init(say("Due", "截止"))])
    for clock in clocks {
      let due: String =
        switch clock.deadline {
        case .at(let instant): Calendars.text(instant, clock.calendar.zone)
        case .paused(let left): say("standing still, \(Calendars.length(left)) left", "已暂停，剩余 \(Calendars.length(left))")
        case .never: say("never", "永不到期")
        }
      let within = Calendars.length(clock.seconds * 1_000_000) + (clock.isOnDayOff ? say(" (day off)", "（非工作日）") : "")
      table.add([clock.clock.name.text(in: language), within, clock.calendar.name.text(in: language), due])
    }
    return say("Priority \(priority.rawValue), standards version \(version)\n\n", "优先级 \(priority.rawValue)，服务标准版本 \(version)\n\n") + table.render()
  }
}
