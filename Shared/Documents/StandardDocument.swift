// The service standards' file to priorities and targets (K-02, K-03); docs/calendars.md explains the file line by line.

public import Domain

public enum StandardDocument {
  /// The file that comes with the programs.
  public static let shipped = "deploy/standards.yaml"
  static let rulesMax = 500

  /// Throws all faults of the file, each with its line.
  ///
  /// - Parameters:
  ///   - ladder: the tiers there are; the file may speak of no other.
  ///   - calendars: those that targets may name.
  public static func decode(
    _ bytes: [UInt8], source: String, ladder: TierLadder, calendars: CalendarBook, limits: DocumentLimits = .standard
  ) throws(DocumentFaults) -> ServiceStandards {
    var decoding = try DocumentDecoding(bytes, source: source, limits: limits)
    let standards = decoding.standards(ladder, calendars)
    return try decoding.finish(standards)
  }

  public static func load(_ path: String, ladder: TierLadder, calendars: CalendarBook) throws(DocumentFaults) -> ServiceStandards {
    try decode(try DocumentFile.read(path), source: path, ladder: ladder, calendars: calendars)
  }
}

extension DocumentDecoding {
  fileprivate mutating func standards(_ ladder: TierLadder, _ calendars: CalendarBook) -> ServiceStandards? {
    guard let root = rootFields(keys: ["standards", "author", "priorities", "service"]) else { return nil }
    let version = integer(root, "standards", in: 1...1_000_000)
    let author = text(root, "author", bytesMax: Scorecard.authorBytesMax)
    let matrix = required(root, "priorities").flatMap { self.matrix($0, ladder) }
    guard let nodes = required(root, "service").flatMap({ items($0, "service") }) else { return nil }
    if nodes.count > StandardDocument.rulesMax { add(root.node, "service", "at most \(StandardDocument.rulesMax) rules, not \(nodes.count)") }
    var rules: [ServiceRule?] = []
    for (place, node) in nodes.prefix(StandardDocument.rulesMax).enumerated() { rules.append(rule(node, "service[\(place)]", ladder, calendars)) }
    let whole = rules.compactMap { $0 }
    // What rules come to together means nothing before each can be read.
    guard let version, let author, let matrix, whole.count == nodes.count else { return nil }
    do throws(ConfigurationFaults) {
      return try ServiceStandards(
        version: version, author: author, ladder: ladder, priorities: matrix, rules: whole, calendars: calendars.calendars)
    } catch {
      add(error)
      return nil
    }
  }

  private mutating func matrix(_ node: YAMLNode, _ ladder: TierLadder) -> [ContactEvent.Urgency: [ServicePriority]]? {
    guard let rows = fields(node, "priorities", keys: ContactEvent.Urgency.allCases.map(\.rawValue)) else { return nil }
    var matrix: [ContactEvent.Urgency: [ServicePriority]] = [:]
    for urgency in ContactEvent.Urgency.allCases {
      let path = "priorities.\(urgency.rawValue)"
      guard let node = required(rows, urgency.rawValue), let row = fields(node, path, keys: ladder.tiers.map(\.id.text)) else { continue }
      let found = ladder.tiers.map { tier in
        required(row, tier.id.text).flatMap { choice($0, "\(path).\(tier.id)", of: ServicePriority.self) }
      }
      let whole = found.compactMap { $0 }
      if whole.count == found.count { matrix[urgency] = whole }
    }
    return matrix.count == ContactEvent.Urgency.allCases.count ? matrix : nil
  }

  private mutating func rule(_ node: YAMLNode, _ path: String, _ ladder: TierLadder, _ calendars: CalendarBook) -> ServiceRule? {
    let clocks = ServiceClock.allCases.map(\.rawValue)
    guard let fields = fields(node, path, keys: ["tiers", "kinds", "priorities"] + clocks) else { return nil }
    let before = faults.count
    let tiers = list(fields, "tiers") { decoding, node, path in
      let id = decoding.text(node, path).flatMap { TierID($0) }
      if let id, ladder.tiers.contains(where: { $0.id == id }) { return id }
      decoding.add(node, path, "one of \(ladder.tiers.map(\.id.text).joined(separator: ", ")) is needed here")
      return nil
    }
    let kinds = list(fields, "kinds") { $0.choice($1, $2, of: ContactEvent.Kind.self) }
    let priorities = list(fields, "priorities") { $0.choice($1, $2, of: ServicePriority.self) }
    var promises: [ServiceClock: ServiceRule.Promise] = [:]
    for clock in ServiceClock.allCases { if let node = fields[clock.rawValue] { promises[clock] = promise(node, join(path, clock.rawValue), calendars) } }
    if promises.isEmpty, faults.count == before { add(node, path, "a rule names at least one of \(clocks.joined(separator: ", "))") }
    guard faults.count == before else { return nil }
    return ServiceRule(tiers: tiers, kinds: kinds, priorities: priorities, promises: promises)
  }

  /// Nil where the rule leaves it open.
  private mutating func list<Value: Hashable>(
    _ fields: DocumentFields, _ key: String, _ read: (inout DocumentDecoding, YAMLNode, String) -> Value?
  ) -> Set<Value>? {
    guard let node = fields[key], let nodes = items(node, join(fields.path, key)) else { return nil }
    if nodes.isEmpty { add(node, join(fields.path, key), "a list that is empty fits nothing; leave the line out to fit all") }
    var values: Set<Value> = []
    for (place, node) in nodes.enumerated() { if let value = read(&self, node, "\(join(fields.path, key))[\(place)]") { values.insert(value) } }
    return values
  }

  private mutating func promise(_ node: YAMLNode, _ path: String, _ calendars: CalendarBook) -> ServiceRule.Promise? {
    if node.content == .scalar("none", isPlain: true) { return ServiceRule.Promise.none }
    guard let fields = fields(node, path, keys: ["within", "calendar", "days_off"]) else { return nil }
    let calendar = text(fields, "calendar", bytesMax: 64)
    let measured = calendar.flatMap { calendars[$0] }
    let seconds = required(fields, "within").flatMap { span($0, "\(path).within", measured) }
    var daysOff: ServiceTarget.DaysOff?
    if let node = fields["days_off"], let other = self.fields(node, "\(path).days_off", keys: ["of", "within"]) {
      let of = text(other, "of", bytesMax: 64)
      if let seconds = required(other, "within").flatMap({ span($0, "\(path).days_off.within", measured) }), let of {
        daysOff = ServiceTarget.DaysOff(of: of, seconds: seconds)
      }
    }
    guard let seconds, let calendar else { return nil }
    return .target(ServiceTarget(seconds: seconds, calendar: calendar, daysOff: daysOff))
  }

  /// `30m`, `4h`, `3d` (of 24 hours), `5wd` (usual working days of the calendar).
  private mutating func span(_ node: YAMLNode, _ path: String, _ calendar: WorkCalendar?) -> Int64? {
    guard let text = text(node, path, bytesMax: 16) else { return nil }
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    let unit: Int64? =
      switch text.dropFirst(digits.count) {
      case "m": 60
      case "h": 3_600
      case "d": 86_400
      // An unknown calendar is told by its own line.
      case "wd": calendar == nil ? 86_400 : calendar?.workingDaySeconds
      default: nil
      }
    guard let unit, let number = Int64(digits), !digits.hasPrefix("0"), number <= WorkCalendar.secondsMax / unit else {
      add(node, path, "a time is needed here, as 30m, 4h, 3d (of 24 hours) or 5wd (working days of a calendar with hours)")
      return nil
    }
    return number * unit
  }
}
