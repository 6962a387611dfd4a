// The file of tags to rules over the profile (P-10); docs/tags.md explains the file line by line.

public import Domain

public enum TagDocument {
  /// The file that comes with the programs.
  public static let shipped = "deploy/tags.yaml"

  /// Throws all faults of the file, each with its line.
  ///
  /// - Parameter currency: the suite's base currency, which amounts are in.
  public static func decode(
    _ bytes: [UInt8], source: String, currency: Currency, limits: DocumentLimits = .standard
  ) throws(DocumentFaults) -> TagRules {
    var decoding = try DocumentDecoding(bytes, source: source, limits: limits)
    let rules = decoding.tagRules(currency)
    return try decoding.finish(rules)
  }

  public static func load(_ path: String, currency: Currency) throws(DocumentFaults) -> TagRules {
    try decode(try DocumentFile.read(path), source: path, currency: currency)
  }

  /// Bounds of a figure.
  static let boundsRange: ClosedRange<Int64> = -1_000_000_000_000_000...1_000_000_000_000_000
  /// Bounds of days and of years of age.
  static let daysRange: ClosedRange<Int64> = 0...36_500
  static let yearsRange: ClosedRange<Int64> = 0...150
  /// Words of one list.
  static let wordsMax = 500
}

/// Figures that are named by one word.
private enum FigureWord: String, CaseIterable {
  case orders, spend, age, lifecycle
  case averageOrderValue = "average_order_value"
  case recencyDays = "recency_days"
  case firstOrderDays = "first_order_days"
}

private enum BehaviourFigure: String, CaseIterable { case count, value }

extension DocumentDecoding {
  fileprivate mutating func tagRules(_ currency: Currency) -> TagRules? {
    guard let root = rootFields(keys: ["tags", "author", "list"]) else { return nil }
    let version = integer(root, "tags", in: 1...1_000_000)
    let author = text(root, "author", bytesMax: Scorecard.authorBytesMax)
    guard let node = required(root, "list"), let items = items(node, "list") else { return nil }
    if items.count > TagRules.rulesMax { add(node, "list", "at most \(TagRules.rulesMax) tags are possible, there are \(items.count)") }
    var rules: [TagRule?] = []
    var seen: Set<TagID> = []
    for (number, item) in items.enumerated() {
      let rule = tagRule(item, "list[\(number)]", currency)
      if let rule, !seen.insert(rule.id).inserted { add(item, "list[\(number)].id", "`\(rule.id)` is listed twice") }
      rules.append(rule)
    }
    let whole = rules.compactMap { $0 }
    guard let version, let author, whole.count == rules.count else { return nil }
    return TagRules(version: version, author: author, rules: whole)
  }

  private mutating func tagRule(_ node: YAMLNode, _ path: String, _ currency: Currency) -> TagRule? {
    guard let fields = fields(node, path, keys: ["id", "group", "name", "all", "any"]) else { return nil }
    var id: TagID?
    if let node = required(fields, "id"), let text = text(node, "\(path).id") {
      id = TagID(text)
      if id == nil { add(node, "\(path).id", "an id is small letters, digits and hyphens, at most \(TagID.bytesMax)") }
    }
    let group = required(fields, "group").flatMap { choice($0, "\(path).group", of: TagGroup.self) }
    let name = name(fields, "name")
    let all = fields["all"].map { conditions($0, "\(path).all", currency) } ?? []
    let any = fields["any"].map { conditions($0, "\(path).any", currency) } ?? []
    if fields["all"] == nil, fields["any"] == nil { add(node, path, "a tag needs a rule: `all` that must be so, `any` of which one must be so, or both") }
    guard let id, let group, let name, let all, let any, !(all.isEmpty && any.isEmpty) else { return nil }
    return TagRule(id: id, group: group, name: name, all: all, any: any)
  }

  private mutating func conditions(_ node: YAMLNode, _ path: String, _ currency: Currency) -> [TagCondition]? {
    guard let items = items(node, path) else { return nil }
    if items.isEmpty { add(node, path, "the list is empty") }
    if items.count > TagRule.conditionsMax { add(node, path, "at most \(TagRule.conditionsMax) conditions are possible") }
    var conditions: [TagCondition?] = []
    for (number, item) in items.enumerated() { conditions.append(condition(item, "\(path)[\(number)]", currency)) }
    let whole = conditions.compactMap { $0 }
    return whole.count == conditions.count && !whole.isEmpty ? whole : nil
  }

  private static let subjects = ["figure", "attribute", "behaviour", "contact", "answer"]

  private mutating func condition(_ node: YAMLNode, _ path: String, _ currency: Currency) -> TagCondition? {
    let keys = DocumentDecoding.subjects + ["of", "days", "months", "at_least", "at_most", "is"]
    guard let fields = fields(node, path, keys: keys) else { return nil }
    let named = DocumentDecoding.subjects.filter { fields[$0] != nil }
    guard named.count == 1, let subject = named.first, let subjectNode = fields[subject] else {
      add(node, path, "a condition looks at one thing: \(DocumentDecoding.subjects.joined(separator: ", "))")
      return nil
    }
    switch subject {
    case "figure": return figureCondition(fields, subjectNode, currency)
    case "attribute": return attributeCondition(fields, subjectNode)
    default: return interactionCondition(fields, subject, subjectNode)
    }
  }

  /// Notes every key that means nothing for this condition.
  private mutating func refuse(_ keys: [String], _ fields: DocumentFields, _ what: String) {
    for key in keys { if let node = fields[key] { add(node, join(fields.path, key), "\(what) has no `\(key)`") } }
  }

  private mutating func figureCondition(_ fields: DocumentFields, _ node: YAMLNode, _ currency: Currency) -> TagCondition? {
    guard let word = choice(node, join(fields.path, "figure"), of: FigureWord.self) else { return nil }
    refuse(["of"], fields, word.rawValue)
    switch word {
    case .orders, .spend, .averageOrderValue:
      refuse(["is"], fields, word.rawValue)
      let digits = word == .orders ? 0 : currency.minorDigits
      guard let window = window(fields), let bounds = bounds(fields, digits: digits) else { return nil }
      let figure: TagFigure = word == .orders ? .orders(window) : word == .spend ? .spend(window) : .averageOrderValue(window)
      return TagCondition(figure, least: bounds.least, most: bounds.most)
    case .recencyDays, .firstOrderDays, .age:
      refuse(["is", "days", "months"], fields, word.rawValue)
      let range = word == .age ? TagDocument.yearsRange : TagDocument.daysRange
      guard let bounds = bounds(fields, digits: 0, in: range) else { return nil }
      return TagCondition(word == .age ? .age : word == .recencyDays ? .recencyDays : .firstOrderDays, least: bounds.least, most: bounds.most)
    case .lifecycle:
      refuse(["at_least", "at_most", "days", "months"], fields, word.rawValue)
      guard let words = words(fields, among: LifecycleStage.allCases.map(\.name)) else { return nil }
      return TagCondition(.lifecycle, words: words)
    }
  }

  private mutating func attributeCondition(_ fields: DocumentFields, _ node: YAMLNode) -> TagCondition? {
    refuse(["of", "days", "months", "at_least", "at_most"], fields, "an attribute")
    // A name marks nobody out, and of a birthday the age counts.
    let known: [CustomerAttribute] = [.gender, .region, .industry]
    guard case .scalar(let text, _) = node.content, let attribute = known.first(where: { $0.key == text }) else {
      add(node, join(fields.path, "attribute"), "one of \(known.map(\.key).joined(separator: ", ")) is needed here")
      return nil
    }
    guard let words = words(fields, among: attribute == .gender ? ["female", "male", "other"] : nil) else { return nil }
    return TagCondition(.attribute(attribute), words: words)
  }

  private mutating func interactionCondition(_ fields: DocumentFields, _ subject: String, _ node: YAMLNode) -> TagCondition? {
    refuse(["is"] + (subject == "behaviour" ? [] : ["of"]), fields, "`\(subject)`")
    let path = join(fields.path, subject)
    let window = window(fields)
    let bounds = bounds(fields, digits: 0)
    var figure: TagFigure?
    switch subject {
    case "behaviour":
      let name = text(node, path, bytesMax: 64)
      let of = fields["of"].map { choice($0, join(fields.path, "of"), of: BehaviourFigure.self) } ?? .count
      if let name, let of, let window { figure = of == .count ? .behaviour(name, window) : .behaviourValue(name, window) }
    case "contact":
      if case .scalar("any", _) = node.content {
        figure = window.map { .contacts(nil, $0) }
      } else if let kind = choice(node, path, of: ContactEvent.Kind.self), let window {
        figure = .contacts(kind, window)
      }
    default:
      if let metric = choice(node, path, of: AnswerEvent.Metric.self), let window { figure = .answer(metric, window) }
    }
    guard let figure, let bounds else { return nil }
    return TagCondition(figure, least: bounds.least, most: bounds.most)
  }

  private mutating func window(_ fields: DocumentFields) -> TagWindow? {
    switch (fields["days"], fields["months"]) {
    case (nil, nil): return .ever
    case (let days?, nil): return integer(days, join(fields.path, "days"), in: TagWindow.daysRange).map { .days($0) }
    case (nil, let months?): return integer(months, join(fields.path, "months"), in: TagWindow.monthsRange).map { .months($0) }
    case (_?, let months?):
      add(months, join(fields.path, "months"), "give either `days` or `months`")
      return nil
    }
  }

  /// At least one bound. An amount is in units of the currency, and whole in its smallest unit.
  private mutating func bounds(
    _ fields: DocumentFields, digits: Int, in range: ClosedRange<Int64> = TagDocument.boundsRange
  ) -> (least: Int64?, most: Int64?)? {
    if fields["at_least"] == nil, fields["at_most"] == nil {
      add(fields.node, fields.path, "`at_least`, `at_most` or both are needed here")
      return nil
    }
    var values: [Int64?] = []
    for key in ["at_least", "at_most"] {
      guard let node = fields[key] else {
        values.append(nil)
        continue
      }
      guard let number = number(node, join(fields.path, key)) else { return nil }
      let scale = (0..<digits).reduce(Int128(1)) { power, _ in power * 10 }
      guard let scaled = try? number * (Rational(scale, over: 1) ?? .one), scaled.isInteger, let value = Int64(exactly: scaled.numerator) else {
        let what = digits > 0 ? "an amount with at most \(digits) decimals is needed here" : "a whole number is needed here"
        add(node, join(fields.path, key), what)
        return nil
      }
      guard range.contains(value) else {
        add(node, join(fields.path, key), "from \(range.lowerBound) to \(range.upperBound), not \(value)")
        return nil
      }
      values.append(value)
    }
    if let least = values[0], let most = values[1], least > most {
      add(fields.node, fields.path, "no number is at least \(least) and at most \(most)")
      return nil
    }
    return (values[0], values[1])
  }

  private mutating func words(_ fields: DocumentFields, among known: [String]?) -> Set<String>? {
    let path = join(fields.path, "is")
    guard let node = required(fields, "is"), let items = items(node, path) else { return nil }
    if items.isEmpty { add(node, path, "the list is empty") }
    if items.count > TagDocument.wordsMax { add(node, path, "at most \(TagDocument.wordsMax) words are possible") }
    var words: Set<String> = []
    var isWhole = !items.isEmpty
    for (number, item) in items.enumerated() {
      guard let word = text(item, "\(path)[\(number)]", bytesMax: 256)?.lowercased() else {
        isWhole = false
        continue
      }
      if let known, !known.contains(word) {
        add(item, "\(path)[\(number)]", "one of \(known.joined(separator: ", ")) is needed here")
        isWhole = false
      } else if !words.insert(word).inserted {
        add(item, "\(path)[\(number)]", "`\(word)` is listed twice")
      }
    }
    return isWhole ? words : nil
  }
}
