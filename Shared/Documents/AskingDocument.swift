// The file that says when customers are asked to its rules (F-02); docs/feedback.md explains the file line by line.

public import Domain

public enum AskingDocument {
  /// The file that comes with the programs.
  public static let shipped = "deploy/asking.yaml"

  /// Throws all faults of the file, each with its line.
  ///
  /// - Parameter surveys: the names of the surveys that there are; nil: that is not known here.
  public static func decode(
    _ bytes: [UInt8], source: String, surveys: Set<String>? = nil, limits: DocumentLimits = .standard
  ) throws(DocumentFaults) -> AskingRules {
    var decoding = try DocumentDecoding(bytes, source: source, limits: limits)
    let rules = decoding.asking(surveys)
    return try decoding.finish(rules)
  }

  /// Tickets that nobody sorted.
  static let unsorted = "unsorted"
}

extension DocumentDecoding {
  fileprivate mutating func asking(_ surveys: Set<String>?) -> AskingRules? {
    let keys = ["asking", "author", "budget", "reminder_days", "triggers", "again", "schedules", "steps"]
    guard let root = rootFields(keys: keys) else { return nil }
    let before = faults.count
    let version = integer(root, "asking", in: 1...1_000_000)
    let author = text(root, "author", bytesMax: Scorecard.authorBytesMax)
    let budget = required(root, "budget").flatMap { self.budget($0) }
    let reminder = integer(root, "reminder_days", in: AskingRules.reminderDaysRange)
    let triggers = required(root, "triggers").flatMap { items($0, "triggers") }?.enumerated().compactMap { place, node in
      trigger(node, "triggers[\(place)]", surveys)
    }
    let schedules = required(root, "schedules").flatMap { items($0, "schedules") }?.enumerated().compactMap { place, node in
      schedule(node, "schedules[\(place)]", surveys)
    }
    // Files of before have none.
    let steps = root["steps"].flatMap { items($0, "steps") }?.enumerated().compactMap { place, node in step(node, "steps[\(place)]", surveys) }
    var again: AskingRules.Again?
    if let node = root["again"], let fields = fields(node, "again", keys: ["delay_hours", "window_days"]) {
      let (delay, window) = (delay(fields), window(fields))
      if let delay, let window { again = AskingRules.Again(delayHours: delay, windowDays: window) }
    }
    guard faults.count == before, let version, let author, let budget, let reminder, let triggers, let schedules else { return nil }
    do throws(ConfigurationFaults) {
      return try AskingRules(
        version: version, author: author, budget: budget, reminderDays: reminder, triggers: triggers, again: again, schedules: schedules,
        steps: steps ?? [])
    } catch {
      add(error)
      return nil
    }
  }

  private mutating func delay(_ fields: DocumentFields) -> Int? { integer(fields, "delay_hours", in: AskingRules.delayHoursRange) }
  private mutating func window(_ fields: DocumentFields) -> Int? { integer(fields, "window_days", in: AskingRules.windowDaysRange) }

  private mutating func budget(_ node: YAMLNode) -> ContactBudget? {
    guard let fields = fields(node, "budget", keys: ["gap_days", "per_year", "priority", "reserved"]) else { return nil }
    let before = faults.count
    let gap = integer(fields, "gap_days", in: ContactBudget.gapDaysRange)
    let yearly = integer(fields, "per_year", in: ContactBudget.yearlyRange)
    let nodes = required(fields, "priority").flatMap { items($0, "budget.priority") } ?? []
    let priority = nodes.enumerated().compactMap { place, node in choice(node, "budget.priority[\(place)]", of: Survey.Purpose.self) }
    var reserved: [Survey.Purpose: Int] = [:]
    if let node = fields["reserved"], let kept = self.fields(node, "budget.reserved", keys: Survey.Purpose.allCases.map(\.rawValue)) {
      for entry in kept.entries {
        guard let purpose = Survey.Purpose(rawValue: entry.key) else { continue }
        reserved[purpose] = integer(kept, entry.key, in: ContactBudget.yearlyRange)
      }
    }
    guard faults.count == before, let gap, let yearly else { return nil }
    do throws(ConfigurationFaults) {
      return try ContactBudget(gapDays: gap, yearlyMax: yearly, priority: priority, reserved: reserved)
    } catch {
      add(error)
      return nil
    }
  }

  private mutating func survey(_ fields: DocumentFields, _ surveys: Set<String>?) -> String? {
    guard let name = text(fields, "survey", bytesMax: Survey.nameBytesMax) else { return nil }
    if let surveys, !surveys.contains(name), let node = fields["survey"] {
      add(node, join(fields.path, "survey"), "there is no survey `\(name)`; there are \(surveys.sorted().joined(separator: ", "))")
    }
    return name
  }

  private mutating func trigger(_ node: YAMLNode, _ path: String, _ surveys: Set<String>?) -> AskingRules.Trigger? {
    guard let fields = fields(node, path, keys: ["id", "kinds", "survey", "delay_hours", "window_days"]) else { return nil }
    let id = text(fields, "id", bytesMax: AskingRules.idBytesMax)
    let nodes = required(fields, "kinds").flatMap { items($0, join(path, "kinds")) } ?? []
    var kinds: [ContactEvent.Kind?] = []
    for (place, node) in nodes.enumerated() {
      if case .scalar(AskingDocument.unsorted, _) = node.content {
        kinds.append(nil)
      } else if let kind = choice(node, "\(path).kinds[\(place)]", of: ContactEvent.Kind.self) {
        kinds.append(kind)
      }
    }
    let (survey, delay, window) = (survey(fields, surveys), delay(fields), window(fields))
    guard let id, let survey, let delay, let window else { return nil }
    return AskingRules.Trigger(id: id, kinds: kinds, survey: survey, delayHours: delay, windowDays: window)
  }

  private mutating func schedule(_ node: YAMLNode, _ path: String, _ surveys: Set<String>?) -> AskingRules.Schedule? {
    guard let fields = fields(node, path, keys: ["id", "tiers", "survey", "every_months", "window_days"]) else { return nil }
    let id = text(fields, "id", bytesMax: AskingRules.idBytesMax)
    let nodes = required(fields, "tiers").flatMap { items($0, join(path, "tiers")) } ?? []
    let tiers = nodes.enumerated().compactMap { place, node -> TierID? in
      guard let word = text(node, "\(path).tiers[\(place)]") else { return nil }
      let tier = TierID(word)
      if tier == nil { add(node, "\(path).tiers[\(place)]", "a tier is small letters, digits and hyphens") }
      return tier
    }
    let (survey, months) = (survey(fields, surveys), integer(fields, "every_months", in: AskingRules.monthsRange))
    guard let id, let survey, let months, let window = window(fields) else { return nil }
    return AskingRules.Schedule(id: id, tiers: tiers, survey: survey, everyMonths: months, windowDays: window)
  }
  private mutating func step(_ node: YAMLNode, _ path: String, _ surveys: Set<String>?) -> AskingRules.Step? {
    guard let fields = fields(node, path, keys: ["id", "after", "survey", "delay_days", "window_days"]) else { return nil }
    let id = text(fields, "id", bytesMax: AskingRules.idBytesMax)
    let anchor = required(fields, "after").flatMap { choice($0, join(path, "after"), of: AskingRules.Step.Anchor.self) }
    let (survey, delay, window) = (survey(fields, surveys), integer(fields, "delay_days", in: AskingRules.delayDaysRange), window(fields))
    guard let id, let anchor, let survey, let delay, let window else { return nil }
    return AskingRules.Step(id: id, after: anchor, survey: survey, delayDays: delay, windowDays: window)
  }
}
