// The file of identity rules: priorities and limits of identifiers, and the list of values that name nobody (P-03); docs/customers.md explains it.

public import Domain

public enum IdentityDocument {
  /// The file that comes with the programs.
  public static let shipped = "deploy/identity.yaml"
  /// Values of the junk list.
  static let junkMax = 10_000

  /// Throws all faults of the file, each with its line.
  public static func decode(_ bytes: [UInt8], source: String, limits: DocumentLimits = .standard) throws(DocumentFaults) -> IdentityRules {
    var decoding = try DocumentDecoding(bytes, source: source, limits: limits)
    let rules = decoding.identityRules()
    return try decoding.finish(rules)
  }

  public static func load(_ path: String) throws(DocumentFaults) -> IdentityRules { try decode(try DocumentFile.read(path), source: path) }
}

extension DocumentDecoding {
  fileprivate mutating func identityRules() -> IdentityRules? {
    guard let root = rootFields(keys: ["identity", "version", "author", "kinds", "customers_per_event", "junk"]) else { return nil }
    let name = text(root, "identity", bytesMax: 64)
    _ = text(root, "author", bytesMax: Scorecard.authorBytesMax)
    let version = integer(root, "version", in: 1...1_000_000)
    let kinds = kindRules(root)
    let perEvent = integer(root, "customers_per_event", in: 1...Identity.partnersMax * 10)
    let junk = junkValues(root)
    guard let name, let version, let kinds, let perEvent, let junk else { return nil }
    return IdentityRules(name: name, version: version, kinds: kinds, customersPerEventMax: perEvent, junk: JunkIdentifiers(junk + [""]))
  }

  /// Of every strong kind a rule: weak ones merge nothing, so nothing is to be said of them.
  private mutating func kindRules(_ root: DocumentFields) -> [IdentifierKind: IdentityRules.KindRule]? {
    let strong = IdentifierKind.allCases.filter(\.canBeStrong)
    guard let node = required(root, "kinds"), let fields = fields(node, "kinds", keys: strong.map(\.name)) else { return nil }
    var rules: [IdentifierKind: IdentityRules.KindRule] = [:]
    var byPriority: [Int: String] = [:]
    for kind in strong {
      let path = "kinds.\(kind.name)"
      guard let node = required(fields, kind.name), let rule = self.fields(node, path, keys: ["priority", "per_customer"]) else { continue }
      let priority = integer(rule, "priority", in: 1...strong.count)
      let limit = integer(rule, "per_customer", in: 1...1_000)
      guard let priority, let limit else { continue }
      if let other = byPriority.updateValue(kind.name, forKey: priority) { add(node, path, "\(other) has priority \(priority) already") }
      rules[kind] = IdentityRules.KindRule(priority: priority, perCustomerMax: limit)
    }
    return rules.count == strong.count ? rules : nil
  }

  private mutating func junkValues(_ root: DocumentFields) -> [String]? {
    guard let node = required(root, "junk"), let items = items(node, "junk") else { return nil }
    if items.count > IdentityDocument.junkMax {
      add(node, "junk", "at most \(IdentityDocument.junkMax) values are possible")
      return nil
    }
    var values: [String] = []
    for (number, item) in items.enumerated() {
      guard let value = text(item, "junk[\(number)]", bytesMax: Identifier.valueBytesMax) else { continue }
      if values.contains(value.lowercased()) { add(item, "junk[\(number)]", "`\(value)` is listed twice") }
      values.append(value.lowercased())
    }
    return values.count == items.count ? values : nil
  }
}
