// A mapping's file to a mapping (I-03); docs/mappings.md explains the file line by line.

public import Domain

public enum MappingDocument {
  /// Throws all faults of the file, each with its line.
  public static func decode(_ bytes: [UInt8], source: String, limits: DocumentLimits = .standard) throws(DocumentFaults) -> Mapping {
    let decoding = try DocumentDecoding(bytes, source: source, limits: limits)
    var reader = MappingReader(decoding: decoding)
    let mapping = reader.mapping()
    return try reader.decoding.finish(mapping)
  }

  public static func load(_ path: String) throws(DocumentFaults) -> Mapping { try decode(try DocumentFile.read(path), source: path) }
}

/// Takes a mapping's document apart.
private struct MappingReader {
  var decoding: DocumentDecoding
  var fields = MappingFields()
  var isDelimited = true

  init(decoding: DocumentDecoding) { self.decoding = decoding }

  private static let rootKeys = ["mapping", "version", "source", "owner", "format", "group_by", "skip", "kinds"]

  mutating func mapping() -> Mapping? {
    guard let root = decoding.rootFields(keys: MappingReader.rootKeys + MappedKind.allCases.map(\.rawValue)) else { return nil }
    let name = decoding.text(root, "mapping")
    let version = decoding.integer(root, "version", in: 1...1_000_000)
    let source = decoding.text(root, "source")
    let owner = decoding.text(root, "owner")
    let format = decoding.required(root, "format").flatMap { self.format($0) }
    var groupBy: FieldReference?
    if let node = root["group_by"] { groupBy = field(node, "group_by") }
    let skips = root["skip"].map { skipRules($0) } ?? []
    let kinds = decoding.required(root, "kinds").flatMap { kindRules($0) }
    var sections: [MappedKind: RecordMapping] = [:]
    var isWhole = true
    for kind in MappedKind.allCases {
      guard let node = root[kind.rawValue] else { continue }
      if let section = section(node, kind) { sections[kind] = section } else { isWhole = false }
    }
    // With a part missing the rules would complain about its absence; its own faults are enough.
    guard let name, let version, let source, let owner, let format, let kinds, isWhole else { return nil }
    do throws(ConfigurationFaults) {
      return try Mapping(
        name: name, version: version, source: source, owner: owner, format: format, groupBy: groupBy, fields: fields, skips: skips,
        kinds: kinds, sections: sections)
    } catch {
      decoding.add(error)
      return nil
    }
  }

  // MARK: Format

  private enum FormatKind: String, CaseIterable { case csv, blanks, json, ndjson }

  private mutating func format(_ node: YAMLNode) -> SourceFormat? {
    guard let format = decoding.fields(node, "format", keys: ["kind", "delimiter", "quote", "columns"]) else { return nil }
    guard let kind = decoding.required(format, "kind").flatMap({ decoding.choice($0, "format.kind", of: FormatKind.self) }) else {
      return nil
    }
    isDelimited = kind == .csv || kind == .blanks
    let allowed = kind == .csv ? ["delimiter", "quote", "columns"] : kind == .blanks ? ["columns"] : []
    for entry in format.entries where entry.key != "kind" && !allowed.contains(entry.key) {
      decoding.add(entry.value, "format.\(entry.key)", "`\(entry.key)` means nothing for `kind: \(kind.rawValue)`")
    }
    switch kind {
    case .json: return .json
    case .ndjson: return .jsonLines
    case .csv, .blanks: break
    }
    var columns: [String]?
    if let node = format["columns"] {
      guard let list = decoding.items(node, "format.columns") else { return nil }
      var names: [String] = []
      for (number, node) in list.enumerated() {
        guard let name = decoding.text(node, "format.columns[\(number)]", bytesMax: SourcePath.bytesMax) else { continue }
        if names.contains(name) { decoding.add(node, "format.columns[\(number)]", "`\(name)` is listed already") }
        names.append(name)
      }
      columns = names
    }
    if kind == .blanks { return .delimited(DelimitedFormat(delimiter: .blanks, quote: nil, columns: columns)) }
    let delimiter = format["delimiter"].map { byte($0, "format.delimiter") } ?? 0x2C
    var quote: UInt8? = 0x22
    if let node = format["quote"] { quote = node.content == .scalar("none", isPlain: true) ? nil : byte(node, "format.quote") }
    guard let delimiter else { return nil }
    if delimiter == quote { decoding.add(node, "format.quote", "delimiter and quote must differ") }
    return .delimited(DelimitedFormat(delimiter: .byte(delimiter), quote: quote, columns: columns))
  }

  private mutating func byte(_ node: YAMLNode, _ path: String) -> UInt8? {
    if case .scalar(let text, _) = node.content {
      if text == "tab" { return 0x09 }
      if text.utf8.count == 1, let byte = text.utf8.first, byte >= 0x20 || byte == 0x09, byte < 0x7F { return byte }
    }
    decoding.add(node, path, "one ASCII character or `tab` is needed here")
    return nil
  }

  // MARK: Fields and conditions

  private mutating func field(_ node: YAMLNode, _ path: String) -> FieldReference? {
    guard let text = decoding.text(node, path, bytesMax: SourcePath.bytesMax) else { return nil }
    guard let source = isDelimited ? SourcePath(column: text) : SourcePath(path: text) else {
      decoding.add(node, path, "a path is needed here, as customer.id or line_items[].price")
      return nil
    }
    return fields.reference(to: source)
  }

  private static let tests = ["equals", "one_of", "starts_with", "ends_with", "matches", "empty", "negative"]

  private mutating func condition(_ node: YAMLNode, _ path: String) -> MappingCondition? {
    guard let parts = decoding.fields(node, path, keys: ["field", "all", "any", "not"] + MappingReader.tests) else { return nil }
    if parts["field"] != nil { return fieldCondition(parts) }
    guard parts.entries.count == 1, let entry = parts.entries.first else {
      decoding.add(node, path, "a `field` with a test is needed, or one of `all`, `any`, `not`")
      return nil
    }
    let place = "\(path).\(entry.key)"
    switch entry.key {
    case "not": return condition(entry.value, place).map(MappingCondition.not)
    case "all", "any":
      guard let list = decoding.items(entry.value, place) else { return nil }
      var conditions: [MappingCondition] = []
      for (number, node) in list.enumerated() {
        if let condition = condition(node, "\(place)[\(number)]") { conditions.append(condition) }
      }
      if list.isEmpty { decoding.add(entry.value, place, "at least one condition is needed") }
      return conditions.count == list.count ? (entry.key == "all" ? .all(conditions) : .any(conditions)) : nil
    default:
      if MappingReader.tests.contains(entry.key) { decoding.add(node, path, "`\(entry.key)` needs a `field` beside it") }
      return nil
    }
  }

  /// Several tests of one field must all hold.
  private mutating func fieldCondition(_ parts: DocumentFields) -> MappingCondition? {
    let named = decoding.required(parts, "field").flatMap { field($0, "\(parts.path).field") }
    var conditions: [MappingCondition] = []
    var isWhole = true
    for entry in parts.entries where entry.key != "field" {
      guard MappingReader.tests.contains(entry.key) else {
        decoding.add(entry.value, "\(parts.path).\(entry.key)", "`\(entry.key)` cannot stand beside `field`")
        isWhole = false
        continue
      }
      if let named, let test = test(entry, "\(parts.path).\(entry.key)", named) { conditions.append(test) } else { isWhole = false }
    }
    if parts.entries.count == 1 { decoding.add(parts.node, parts.path, "a test is needed: \(MappingReader.tests.joined(separator: ", "))") }
    guard isWhole, let first = conditions.first else { return nil }
    return conditions.count == 1 ? first : .all(conditions)
  }

  private mutating func test(_ entry: YAMLEntry, _ path: String, _ field: FieldReference) -> MappingCondition? {
    switch entry.key {
    case "empty": return decoding.boolean(entry.value, path).map { $0 ? .empty(field) : .not(.empty(field)) }
    case "negative": return decoding.boolean(entry.value, path).map { $0 ? .negative(field) : .not(.negative(field)) }
    case "one_of":
      guard let list = decoding.items(entry.value, path) else { return nil }
      var texts: [String] = []
      for (number, node) in list.enumerated() { if let text = decoding.text(node, "\(path)[\(number)]") { texts.append(text) } }
      return texts.count == list.count ? .oneOf(field, texts) : nil
    default:
      guard let text = decoding.text(entry.value, path) else { return nil }
      switch entry.key {
      case "starts_with": return .startsWith(field, text)
      case "ends_with": return .endsWith(field, text)
      case "matches": return .matches(field, text)
      default: return .equals(field, text)
      }
    }
  }

  private mutating func skipRules(_ node: YAMLNode) -> [SkipRule] {
    var rules: [SkipRule] = []
    for (number, node) in (decoding.items(node, "skip") ?? []).enumerated() {
      guard let fields = decoding.fields(node, "skip[\(number)]", keys: ["when", "reason"]) else { continue }
      let condition = decoding.required(fields, "when").flatMap { self.condition($0, "\(fields.path).when") }
      let reason = decoding.text(fields, "reason")
      if let condition, let reason { rules.append(SkipRule(when: condition, reason: reason)) }
    }
    return rules
  }

  private mutating func kindRules(_ node: YAMLNode) -> [KindRule]? {
    guard let list = decoding.items(node, "kinds") else { return nil }
    var rules: [KindRule] = []
    for (number, node) in list.enumerated() {
      guard let fields = decoding.fields(node, "kinds[\(number)]", keys: ["kind", "when"]) else { continue }
      let kind = decoding.required(fields, "kind").flatMap { decoding.choice($0, "\(fields.path).kind", of: MappedKind.self) }
      var condition: MappingCondition?
      if let node = fields["when"] {
        condition = self.condition(node, "\(fields.path).when")
        if condition == nil { continue }
      }
      if let kind { rules.append(KindRule(kind: kind, when: condition)) }
    }
    return rules.count == list.count ? rules : nil
  }

  // MARK: Values

  private static let valueKeys = [
    "field", "first_of", "constant", "line_number", "remove", "trim_prefix", "trim_suffix", "case", "default", "table", "otherwise", "pad",
    "prefix",
  ]

  /// `more`: keys that the place itself reads beside the value's.
  private mutating func value(_ node: YAMLNode, _ path: String, more: [String] = []) -> MappedValue? {
    guard let parts = decoding.fields(node, path, keys: MappingReader.valueKeys + more) else { return nil }
    guard let origin = origin(parts) else { return nil }
    var value = MappedValue(origin)
    let known = decoding.faults.count
    func text(_ key: String) -> String { parts[key].flatMap { decoding.text($0, "\(path).\(key)") } ?? "" }
    value.removing = text("remove")
    value.trimmedPrefix = text("trim_prefix")
    value.trimmedSuffix = text("trim_suffix")
    value.prefix = text("prefix")
    value.letterCase = parts["case"].flatMap { decoding.choice($0, "\(path).case", of: MappedValue.LetterCase.self) }
    value.defaultText = parts["default"].flatMap { decoding.text($0, "\(path).default") }
    value.padding = parts["pad"].flatMap { padding($0, "\(path).pad") }
    value.table = table(parts)
    return decoding.faults.count == known ? value : nil
  }

  private mutating func value(_ fields: DocumentFields, _ key: String) -> MappedValue? {
    fields[key].flatMap { value($0, "\(fields.path).\(key)") }
  }

  private mutating func origin(_ parts: DocumentFields) -> MappedValue.Origin? {
    let given = ["field", "first_of", "constant", "line_number"].filter { parts[$0] != nil }
    guard given.count == 1, let key = given.first, let node = parts[key] else {
      decoding.add(parts.node, parts.path, "exactly one of `field`, `first_of`, `constant`, `line_number` is needed")
      return nil
    }
    let path = "\(parts.path).\(key)"
    switch key {
    case "field": return field(node, path).map(MappedValue.Origin.field)
    case "constant": return decoding.text(node, path).map(MappedValue.Origin.constant)
    case "first_of":
      guard let list = decoding.items(node, path) else { return nil }
      var references: [FieldReference] = []
      for (number, node) in list.enumerated() { if let reference = field(node, "\(path)[\(number)]") { references.append(reference) } }
      if list.isEmpty { decoding.add(node, path, "at least one field is needed") }
      return references.count == list.count && !list.isEmpty ? .firstOf(references) : nil
    default:
      guard decoding.boolean(node, path) == true else {
        if node.content == .scalar("false", isPlain: true) { decoding.add(node, path, "`true`, or leave it out") }
        return nil
      }
      return .lineNumber
    }
  }

  private mutating func table(_ parts: DocumentFields) -> MappedValue.Table? {
    guard let node = parts["table"] else {
      if let node = parts["otherwise"] { decoding.add(node, "\(parts.path).otherwise", "`otherwise` needs a `table` beside it") }
      return nil
    }
    let path = "\(parts.path).table"
    guard case .mapping(let entries) = node.content, !entries.isEmpty, entries.count <= MappedValue.Table.entriesCountMax else {
      decoding.add(node, path, "1 to \(MappedValue.Table.entriesCountMax) texts are needed, each with what it becomes")
      return nil
    }
    var texts: [String: String] = [:]
    for entry in entries { texts[entry.key] = decoding.text(entry.value, "\(path).\(entry.key)") }
    return MappedValue.Table(entries: texts, otherwise: parts["otherwise"].flatMap { decoding.text($0, "\(parts.path).otherwise") })
  }

  private mutating func padding(_ node: YAMLNode, _ path: String) -> MappedValue.Padding? {
    guard let fields = decoding.fields(node, path, keys: ["to", "with"]) else { return nil }
    let width = decoding.integer(fields, "to", in: 1...MappedValue.Padding.widthCharactersMax)
    let text = decoding.text(fields, "with")
    guard let width, let text else { return nil }
    guard let character = text.first, text.count == 1 else {
      decoding.add(fields["with"] ?? node, "\(path).with", "one character is needed")
      return nil
    }
    return MappedValue.Padding(width: width, with: character)
  }

  // MARK: Sections

  private static func keys(of kind: MappedKind) -> [String] {
    let common = ["event_id", "occurred_at", "customer"]
    let money = ["currency", "units", "lines"]
    return switch kind {
    case .order: common + money + ["order_id", "revision", "paid_at", "total", "channel", "status", "attributes"]
    case .payment: common + money + ["payment_id", "order_id", "amount", "channel", "status"]
    case .refund: common + money + ["refund_id", "order_id", "amount", "channel", "status"]
    case .cancellation: common + ["order_id", "channel", "status"]
    case .customer: common + ["attributes"]
    case .contact, .answer: common + ["attributes", "channel", "order_id"] + kind.details.map(\.rawValue)
    case .behaviour: common + ["attributes", "channel"] + kind.details.map(\.rawValue)
    }
  }

  private mutating func section(_ node: YAMLNode, _ kind: MappedKind) -> RecordMapping? {
    guard let parts = decoding.fields(node, kind.rawValue, keys: MappingReader.keys(of: kind)) else { return nil }
    let known = decoding.faults.count
    let occurredAt = decoding.required(parts, "occurred_at").flatMap { time($0, "\(kind.rawValue).occurred_at") }
    guard let occurredAt else {
      // The rest is still looked at, for its own faults.
      _ = rest(parts, kind, TimeRule(value: MappedValue(.constant("")), form: 0))
      return nil
    }
    let section = rest(parts, kind, occurredAt)
    return decoding.faults.count == known ? section : nil
  }

  private mutating func rest(_ parts: DocumentFields, _ kind: MappedKind, _ occurredAt: TimeRule) -> RecordMapping {
    var section = RecordMapping(
      occurredAt: occurredAt, identifiers: parts["customer"].map { identifiers($0, "\(parts.path).customer") } ?? [])
    section.eventID = value(parts, "event_id")
    section.orderID = value(parts, "order_id")
    if kind == .payment || kind == .refund { section.reference = value(parts, "\(kind.rawValue)_id") }
    section.revision = value(parts, "revision")
    section.channel = value(parts, "channel")
    section.status = value(parts, "status")
    if let node = parts["paid_at"] {
      if node.content == .scalar("occurred_at", isPlain: true) {
        section.paid = .whenOccurred
      } else if let rule = time(node, "\(parts.path).paid_at") {
        section.paid = .at(rule)
      }
    }
    if let node = parts["currency"], node.content != .scalar("base", isPlain: true), let value = value(node, "\(parts.path).currency") {
      section.currency = .value(value)
    }
    if let units = parts["units"].flatMap({ decoding.choice($0, "\(parts.path).units", of: RecordMapping.Units.self) }) {
      section.units = units
    }
    let key = kind == .order ? "total" : "amount"
    section.amount = parts[key].flatMap { amount($0, "\(parts.path).\(key)") }
    section.attributes = parts["attributes"].map { attributes($0, "\(parts.path).attributes") } ?? []
    for field in kind.details { section.details[field] = value(parts, field.rawValue) }
    section.lines = parts["lines"].flatMap { lines($0, "\(parts.path).lines") }
    return section
  }

  private static let spellings: [String: TimeForm.Spelling] = [
    "rfc3339": .rfc3339, "unix_seconds": .unixSeconds, "unix_milliseconds": .unixMilliseconds,
  ]

  private mutating func time(_ node: YAMLNode, _ path: String) -> TimeRule? {
    let value = value(node, path, more: ["pattern", "time_zone"])
    guard let patternNode = node["pattern"] else {
      decoding.add(node, "\(path).pattern", "`pattern` is missing: rfc3339, unix_seconds, unix_milliseconds, or as \"%Y-%m-%d %H:%M:%S\"")
      return nil
    }
    guard let pattern = decoding.text(patternNode, "\(path).pattern", bytesMax: 100) else { return nil }
    let zoneNode = node["time_zone"]
    if let spelling = MappingReader.spellings[pattern] {
      if let zoneNode { decoding.add(zoneNode, "\(path).time_zone", "`\(pattern)` says the offset itself") }
      return value.map { TimeRule(value: $0, form: fields.form(TimeForm(spelling: spelling, zone: .business))) }
    }
    guard pattern.utf8.contains(0x25) else {
      decoding.add(patternNode, "\(path).pattern", "rfc3339, unix_seconds, unix_milliseconds, or a pattern with %Y, %m, %d is needed")
      return nil
    }
    guard let zoneNode else {
      decoding.add(node, "\(path).time_zone", "`time_zone` is missing: `business`, or a name as Europe/London")
      return nil
    }
    guard let zone = decoding.text(zoneNode, "\(path).time_zone", bytesMax: 64), let value else { return nil }
    return TimeRule(
      value: value, form: fields.form(TimeForm(spelling: .pattern(pattern), zone: zone == "business" ? .business : .named(zone))))
  }

  private mutating func amount(_ node: YAMLNode, _ path: String) -> AmountRule? {
    if node.content == .scalar("sum_of_lines", isPlain: true) { return AmountRule(.sumOfLines) }
    var isAbsolute = false
    if let node = node["absolute"] { isAbsolute = decoding.boolean(node, "\(path).absolute") ?? false }
    let roundedTo = node["round_to"].flatMap { decoding.integer($0, "\(path).round_to", in: 0...AmountRule.roundedToDigitsMax) }
    if let sum = node["sum_of_lines"] {
      _ = decoding.fields(node, path, keys: ["sum_of_lines", "absolute", "round_to"])
      if decoding.boolean(sum, "\(path).sum_of_lines") == false {
        decoding.add(sum, "\(path).sum_of_lines", "`true`, or take the amount from a field")
      }
      return AmountRule(.sumOfLines, isAbsolute: isAbsolute, roundedTo: roundedTo)
    }
    return value(node, path, more: ["absolute", "round_to"]).map { AmountRule(.value($0), isAbsolute: isAbsolute, roundedTo: roundedTo) }
  }

  private mutating func lines(_ node: YAMLNode, _ path: String) -> LineRule? {
    guard let parts = decoding.fields(node, path, keys: ["sku", "name", "category", "quantity", "amount", "unit_price", "round_to"]) else {
      return nil
    }
    let (sku, name, category) = (value(parts, "sku"), value(parts, "name"), value(parts, "category"))
    let quantity = value(parts, "quantity")
    let roundedTo = parts["round_to"].flatMap { decoding.integer($0, "\(path).round_to", in: 0...AmountRule.roundedToDigitsMax) }
    switch (parts["amount"], parts["unit_price"]) {
    case (.some, nil):
      guard let amount = value(parts, "amount") else { return nil }
      return LineRule(sku: sku, name: name, category: category, quantity: quantity, amount: .value(amount), roundedTo: roundedTo)
    case (nil, .some):
      if parts["quantity"] == nil { decoding.add(node, "\(path).quantity", "`quantity` is needed beside `unit_price`") }
      guard let price = value(parts, "unit_price") else { return nil }
      return LineRule(
        sku: sku, name: name, category: category, quantity: quantity, amount: .quantityTimes(price: price), roundedTo: roundedTo)
    default:
      decoding.add(node, path, "either `amount` or `unit_price` is needed")
      return nil
    }
  }

  private mutating func identifiers(_ node: YAMLNode, _ path: String) -> [IdentifierRule] {
    guard let parts = decoding.fields(node, path, keys: IdentifierKind.allCases.map(\.name)) else { return [] }
    var rules: [IdentifierRule] = []
    for entry in parts.entries {
      guard let kind = IdentifierKind(name: entry.key) else { continue }
      let place = "\(path).\(entry.key)"
      var isVerified: Bool?
      if let node = entry.value["verified"] {
        isVerified = decoding.boolean(node, "\(place).verified")
        if kind != .phone, kind != .email { decoding.add(node, "\(place).verified", "only a phone or an e-mail address is verified") }
      }
      if let value = value(entry.value, place, more: ["verified"]) {
        rules.append(IdentifierRule(kind: kind, value: value, isVerified: isVerified))
      }
    }
    return rules
  }

  private mutating func attributes(_ node: YAMLNode, _ path: String) -> [AttributeRule] {
    guard let parts = decoding.fields(node, path, keys: CustomerAttribute.allCases.map(\.key)) else { return [] }
    var rules: [AttributeRule] = []
    for entry in parts.entries {
      guard let attribute = CustomerAttribute(key: entry.key), let value = value(entry.value, "\(path).\(entry.key)") else { continue }
      rules.append(AttributeRule(attribute: attribute, value: value))
    }
    return rules
  }
}
