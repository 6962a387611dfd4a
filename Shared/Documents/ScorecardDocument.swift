// A scorecard's file to a scorecard (T-01); docs/scorecards.md explains the file line by line.

public import Domain

public enum ScorecardDocument {
  /// Throws all faults of the file, each with its line.
  ///
  /// - Parameter isKept: ratings were made by it already, so that it stays readable whatever is asked of new ones.
  public static func decode(
    _ bytes: [UInt8], source: String, isKept: Bool = false, limits: DocumentLimits = .standard
  ) throws(DocumentFaults) -> Scorecard {
    var decoding = try DocumentDecoding(bytes, source: source, limits: limits)
    decoding.acceptsTurns = isKept
    let card = decoding.scorecard()
    return try decoding.finish(card)
  }

  public static func load(_ path: String) throws(DocumentFaults) -> Scorecard { try decode(try DocumentFile.read(path), source: path) }
}

extension DocumentDecoding {
  fileprivate mutating func scorecard() -> Scorecard? {
    guard let root = rootFields(keys: ["scorecard", "version", "author", "state", "dimensions"]) else { return nil }
    let name = text(root, "scorecard") ?? standIn("unnamed", at: "scorecard")
    let version = integer(root, "version", in: 1...1_000_000) ?? 1
    let author = text(root, "author") ?? standIn("unnamed", at: "author")
    // Where it stands on its way into use is kept by the service; a file may say what its author thinks, or nothing.
    let state = root["state"].flatMap { choice($0, "state", of: ScorecardState.self) } ?? .draft
    guard let list = required(root, "dimensions").flatMap({ items($0, "dimensions") }) else { return nil }
    var spare = spareKeys(list)
    var dimensions: [ScorecardDimension] = []
    for (number, node) in list.enumerated() { dimensions.append(dimension(node, "dimensions[\(number)]", &spare)) }
    do throws(ConfigurationFaults) {
      return try Scorecard(name: name, version: version, author: author, state: state, dimensions: dimensions)
    } catch {
      add(error)
      return nil
    }
  }

  /// Keys that no indicator of the file has: stand-ins that collide with nothing.
  private func spareKeys(_ dimensions: [YAMLNode]) -> [IndicatorKey] {
    var used: Set<String> = []
    for dimension in dimensions {
      guard case .sequence(let indicators)? = dimension["indicators"]?.content else { continue }
      for indicator in indicators { if case .scalar(let key, _)? = indicator["key"]?.content { used.insert(key) } }
    }
    return IndicatorKey.allCases.filter { !used.contains($0.name) }
  }

  private mutating func standIn<Value>(_ value: Value, at path: String) -> Value {
    mute(path)
    return value
  }

  private mutating func dimension(_ node: YAMLNode, _ path: String, _ spare: inout [IndicatorKey]) -> ScorecardDimension {
    let nowhere = LocalizedName(en: "unnamed", zh: "unnamed")
    guard let fields = fields(node, path, keys: ["name", "weight", "indicators"]) else {
      mute(path)
      markUnsure("dimensions")
      return ScorecardDimension(name: nowhere, weight: .one, indicators: [])
    }
    let name = name(fields, "name") ?? standIn(nowhere, at: "\(path).name")
    let weight = weight(fields, sums: ["dimensions", "\(path).weight"])
    var indicators: [ScorecardIndicator] = []
    if let list = required(fields, "indicators").flatMap({ items($0, "\(path).indicators") }) {
      for (number, node) in list.enumerated() {
        indicators.append(indicator(node, "\(path).indicators[\(number)]", sum: "\(path).weight", &spare))
      }
    } else {
      mute("\(path).indicators")
      markUnsure("\(path).weight")
    }
    return ScorecardDimension(name: name, weight: weight, indicators: indicators)
  }

  /// `sums`: where the sums this weight is part of are judged.
  private mutating func weight(_ fields: DocumentFields, sums: [String]) -> Rational {
    if let weight = number(fields, "weight") { return weight }
    for sum in sums { markUnsure(sum) }
    return standIn(.one, at: "\(fields.path).weight")
  }

  private mutating func indicator(_ node: YAMLNode, _ path: String, sum: String, _ spare: inout [IndicatorKey]) -> ScorecardIndicator {
    let nowhere = LocalizedName(en: "unnamed", zh: "unnamed")
    let level = Curve.bands([CurveBand(from: nil, points: .zero)])
    guard let fields = fields(node, path, keys: ["key", "name", "weight", "unit", "curve", "missing"]) else {
      mute(path)
      markUnsure(sum)
      let key = spare.popLast() ?? .recencyDays
      return ScorecardIndicator(key: key, name: nowhere, weight: .one, unit: key.unit, curve: level, missing: .leaveOut)
    }
    let name = name(fields, "name") ?? standIn(nowhere, at: "\(path).name")
    let known = indicatorKey(fields)
    if known == nil {
      mute("\(path).key")
      mute("\(path).unit")
    }
    let key = known ?? spare.popLast() ?? .recencyDays
    let weight = weight(fields, sums: [sum])
    let unit = required(fields, "unit").flatMap { choice($0, "\(path).unit", of: IndicatorUnit.self) } ?? key.unit
    let curve = required(fields, "curve").flatMap { self.curve($0, "\(path).curve") } ?? (standIn(level, at: "\(path).curve"), false)
    let missing = required(fields, "missing").flatMap { self.missing($0, "\(path).missing") } ?? .leaveOut
    return ScorecardIndicator(key: key, name: name, weight: weight, unit: unit, curve: curve.0, mayTurn: curve.1, missing: missing)
  }

  private mutating func indicatorKey(_ fields: DocumentFields) -> IndicatorKey? {
    guard let node = required(fields, "key"), let text = text(node, "\(fields.path).key") else { return nil }
    if let key = IndicatorKey(name: text) { return key }
    add(node, "\(fields.path).key", "no such indicator; known are \(IndicatorKey.allCases.map(\.name).joined(separator: ", "))")
    return nil
  }

  // MARK: Curves

  /// The curve, and whether it is stated that it both rises and falls.
  private mutating func curve(_ node: YAMLNode, _ path: String) -> (Curve, Bool)? {
    guard let fields = fields(node, path, keys: ["points", "bands", "turns"]) else { return nil }
    let turns = fields["turns"].flatMap { boolean($0, "\(path).turns") } ?? false
    func stated(_ curve: Curve) -> (Curve, Bool) { (curve, turns || acceptsTurns && curve.turns) }
    switch (fields["points"], fields["bands"]) {
    case (let list?, nil): return line(list, "\(path).points").map { stated(.line($0)) }
    case (nil, let list?): return bands(list, "\(path).bands").map { stated(.bands($0)) }
    default:
      add(node, path, "either `points` or `bands` is needed")
      return nil
    }
  }

  private mutating func line(_ node: YAMLNode, _ path: String) -> [CurvePoint]? {
    guard let list = items(node, path) else { return nil }
    var points: [CurvePoint?] = []
    for (number, node) in list.enumerated() {
      let place = "\(path)[\(number)]"
      guard case .sequence(let pair) = node.content, pair.count == 2 else {
        add(node, place, "a pair is needed: [raw value, points]")
        points.append(nil)
        continue
      }
      let (raw, value) = (self.number(pair[0], "\(place)[0]"), self.number(pair[1], "\(place)[1]"))
      if let raw, let value { points.append(CurvePoint(raw: raw, points: value)) } else { points.append(nil) }
    }
    let whole = points.compactMap { $0 }
    return whole.count == points.count ? whole : nil
  }

  private mutating func bands(_ node: YAMLNode, _ path: String) -> [CurveBand]? {
    guard let list = items(node, path) else { return nil }
    var bands: [CurveBand?] = []
    for (number, node) in list.enumerated() {
      guard let fields = fields(node, "\(path)[\(number)]", keys: ["from", "points"]) else {
        bands.append(nil)
        continue
      }
      let points = self.number(fields, "points")
      guard let start = required(fields, "from") else {
        bands.append(nil)
        continue
      }
      var from: Rational?
      let isLowest = start.content == .scalar("lowest", isPlain: true)
      if !isLowest { from = self.number(start, "\(fields.path).from") }
      guard let points, isLowest || from != nil else {
        bands.append(nil)
        continue
      }
      bands.append(CurveBand(from: from, points: points))
    }
    let whole = bands.compactMap { $0 }
    return whole.count == bands.count ? whole : nil
  }

  private mutating func missing(_ node: YAMLNode, _ path: String) -> MissingRule? {
    switch node.content {
    case .scalar("leave_out", _): return .leaveOut
    case .scalar, .sequence:
      add(node, path, "`leave_out`, `{points: 50}` or `{value: 0}` is needed here")
      return nil
    case .mapping:
      guard let fields = fields(node, path, keys: ["points", "value"]) else { return nil }
      switch (fields["points"], fields["value"]) {
      case (let points?, nil): return number(points, "\(path).points").map(MissingRule.standInPoints)
      case (nil, let value?): return number(value, "\(path).value").map(MissingRule.standInValue)
      default:
        add(node, path, "either `points` or `value` is needed")
        return nil
      }
    }
  }
}
