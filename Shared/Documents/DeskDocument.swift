// The desk's file to its rules (K-01, K-04, K-05, K-09, K-11); docs/tickets.md explains the file line by line.

public import Domain

public enum DeskDocument {
  /// The file that comes with the programs.
  public static let shipped = "deploy/desk.yaml"

  /// Throws all faults of the file, each with its line.
  public static func decode(_ bytes: [UInt8], source: String, limits: DocumentLimits = .standard) throws(DocumentFaults) -> DeskRules {
    var decoding = try DocumentDecoding(bytes, source: source, limits: limits)
    let rules = decoding.desk()
    return try decoding.finish(rules)
  }
}

extension DocumentDecoding {
  fileprivate mutating func desk() -> DeskRules? {
    let keys = [
      "desk", "author", "on_change", "join_hours", "intake_days", "close_after_hours", "ladder", "resolution_codes", "root_causes", "checklist", "acceptance",
    ]
    guard let root = rootFields(keys: keys) else { return nil }
    let version = integer(root, "desk", in: 1...1_000_000)
    let author = text(root, "author", bytesMax: Scorecard.authorBytesMax)
    let policy = required(root, "on_change").flatMap { choice($0, "on_change", of: DeadlinePolicy.self) }
    let join = integer(root, "join_hours", in: 0...8_760)
    let intake = integer(root, "intake_days", in: 1...36_500)
    let close = integer(root, "close_after_hours", in: 1...8_760)
    let ladder = required(root, "ladder").flatMap { self.ladder($0) }
    let codes = self.codes(root, "resolution_codes", isUpheldAsked: true)
    let causes = self.codes(root, "root_causes")
    let checklist = self.codes(root, "checklist")
    // A file without it awaits no acceptance.
    let (node, acceptance) = (root["acceptance"], self.acceptance(root))
    guard let version, let author, let policy, let join, let intake, let close, let ladder, let codes, let causes, let checklist,
      node == nil || acceptance != nil
    else { return nil }
    do throws(ConfigurationFaults) {
      return try DeskRules(
        version: version, author: author, onChange: policy, ladder: ladder, joinSeconds: Int64(join) * 3_600, intakeSeconds: Int64(intake) * 86_400,
        closeAfterSeconds: Int64(close) * 3_600, resolutionCodes: codes, rootCauses: causes, checklist: checklist, acceptance: acceptance)
    } catch {
      add(error)
      return nil
    }
  }

  private mutating func acceptance(_ root: DocumentFields) -> AcceptanceRule? {
    guard let node = root["acceptance"], let fields = fields(node, "acceptance", keys: ["kinds", "codes", "days"]) else { return nil }
    let days = integer(fields, "days", in: 0...AcceptanceRule.daysMax)
    let kinds = required(fields, "kinds").flatMap { items($0, "acceptance.kinds") }?.enumerated().map {
      choice($0.element, "acceptance.kinds[\($0.offset)]", of: ContactEvent.Kind.self)
    }
    let codes = required(fields, "codes").flatMap { items($0, "acceptance.codes") }?.enumerated().map {
      text($0.element, "acceptance.codes[\($0.offset)]", bytesMax: DeskRules.codeBytesMax)
    }
    guard let days, let kinds, let codes, !kinds.contains(nil), !codes.contains(nil) else { return nil }
    return AcceptanceRule(kinds: Set(kinds.compactMap(\.self)), codes: Set(codes.compactMap(\.self)), days: days)
  }

  private mutating func ladder(_ node: YAMLNode) -> EscalationLadder? {
    guard let nodes = items(node, "ladder") else { return nil }
    var steps: [LadderStep] = []
    for (place, node) in nodes.prefix(EscalationLadder.stepsMax + 1).enumerated() {
      let path = "ladder[\(place)]"
      guard let fields = fields(node, path, keys: ["percent", "role"]) else { continue }
      let percent = integer(fields, "percent", in: EscalationLadder.percentRange)
      let role = required(fields, "role").flatMap { choice($0, "\(path).role", of: LadderStep.Role.self) }
      if let percent, let role { steps.append(LadderStep(percent: percent, role: role)) }
    }
    guard steps.count == nodes.count else { return nil }
    do throws(ConfigurationFaults) { return try EscalationLadder(steps) } catch {
      add(error)
      return nil
    }
  }

  private mutating func codes(_ root: DocumentFields, _ key: String, isUpheldAsked: Bool = false) -> [DeskRules.Code]? {
    guard let nodes = required(root, key).flatMap({ items($0, key) }) else { return nil }
    var codes: [DeskRules.Code] = []
    for (place, node) in nodes.prefix(DeskRules.codesMax + 1).enumerated() {
      guard let fields = fields(node, "\(key)[\(place)]", keys: isUpheldAsked ? ["id", "name", "upheld"] : ["id", "name"]) else { continue }
      let (id, name) = (text(fields, "id", bytesMax: DeskRules.codeBytesMax), name(fields, "name"))
      let isUpheld = fields["upheld"].map { boolean($0, "\(key)[\(place)].upheld") } ?? false
      if let id, let name, let isUpheld { codes.append(DeskRules.Code(id: id, name: name, isUpheld: isUpheld)) }
    }
    return codes.count == nodes.count ? codes : nil
  }
}
