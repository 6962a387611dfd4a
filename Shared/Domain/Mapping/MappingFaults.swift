// What makes a mapping unusable, found before its first record.

extension Mapping {
  func faults() -> [ConfigurationFault] {
    var faults: [ConfigurationFault] = []
    func add(_ path: String, _ problem: String) { faults.append(ConfigurationFault(path: path, problem: problem)) }
    if !isSlug(name, bytesMax: Scorecard.nameBytesMax) {
      add("mapping", "a name is small letters, digits and hyphens, at most \(Scorecard.nameBytesMax)")
    }
    if !isSlug(source, bytesMax: Scorecard.nameBytesMax) {
      add("source", "a source is small letters, digits and hyphens, at most \(Scorecard.nameBytesMax)")
    }
    if version < 1 { add("version", "versions count from 1, not \(version)") }
    if owner.isEmpty || owner.utf8.count > Scorecard.authorBytesMax {
      add("owner", "an owner is named in 1 to \(Scorecard.authorBytesMax) bytes")
    }
    if fields.count + itemFields.count > Mapping.fieldsCountMax { add("", "at most \(Mapping.fieldsCountMax) source fields can be used") }
    if Set(itemFields.map(\.steps)).count > 1 { add("", "the lines of a record come from one list, not from several: \(listNames)") }
    if case .delimited(let format) = format {
      if !itemFields.isEmpty { add("", "`[]` is for JSON; in a delimited file every line is an item") }
      if let columns = format.columns {
        for field in fields where !columns.contains(field.text) { add("format.columns", "the column `\(field)` is used, but not listed") }
      }
    } else if groupBy != nil {
      add("group_by", "only lines of a delimited file are grouped")
    }
    if case .item = groupBy { add("group_by", "a field of the line itself is needed") }
    return faults + kindFaults() + MappedKind.allCases.flatMap { kind in sections[kind].map { sectionFaults($0, of: kind) } ?? [] }
  }

  private var listNames: String { Set(itemFields.map { $0.steps.joined(separator: ".") }).sorted().joined(separator: ", ") }

  private func kindFaults() -> [ConfigurationFault] {
    var faults: [ConfigurationFault] = []
    if kinds.isEmpty { faults.append(ConfigurationFault(path: "kinds", problem: "at least one kind is needed")) }
    for (number, rule) in kinds.enumerated() {
      let path = "kinds[\(number)]"
      if sections[rule.kind] == nil {
        faults.append(ConfigurationFault(path: path, problem: "there is no section `\(rule.kind.rawValue)` to make one"))
      }
      if rule.condition == nil, number < kinds.count - 1 {
        faults.append(
          ConfigurationFault(path: path, problem: "a rule without `when` takes every record; the rules after it are never reached"))
      }
      if let condition = rule.condition, condition.usesItems {
        faults.append(ConfigurationFault(path: "\(path).when", problem: "a condition asks about the record, not about its list's items"))
      }
    }
    for (number, rule) in skips.enumerated() where rule.condition.usesItems {
      faults.append(
        ConfigurationFault(path: "skip[\(number)].when", problem: "a condition asks about the record, not about its list's items"))
    }
    for kind in MappedKind.allCases where sections[kind] != nil && !kinds.contains(where: { $0.kind == kind }) {
      faults.append(ConfigurationFault(path: kind.rawValue, problem: "no rule under `kinds` leads here"))
    }
    return faults
  }

  private func sectionFaults(_ section: RecordMapping, of kind: MappedKind) -> [ConfigurationFault] {
    var faults: [ConfigurationFault] = []
    func need(_ isGiven: Bool, _ key: String) {
      if !isGiven { faults.append(ConfigurationFault(path: "\(kind.rawValue).\(key)", problem: "this is needed for a \(kind.rawValue)")) }
    }
    switch kind {
    case .order:
      need(section.orderID != nil, "order_id")
      need(section.amount != nil, "total")
    case .payment:
      need(section.orderID != nil, "order_id")
      need(section.reference != nil, "payment_id")
      need(section.amount != nil, "amount")
    case .refund:
      need(section.reference != nil, "refund_id")
      need(section.amount != nil, "amount")
      // A credit note that belongs to no order belongs at least to somebody.
      need(section.orderID != nil || !section.identifiers.isEmpty, "customer")
    case .cancellation: need(section.orderID != nil, "order_id")
    case .customer, .contact: need(section.eventID != nil, "event_id")
    case .behaviour:
      need(section.eventID != nil, "event_id")
      need(section.details[.name] != nil, "name")
    case .answer:
      need(section.eventID != nil, "event_id")
      for field in [InteractionField.survey, .metric, .score] { need(section.details[field] != nil, field.rawValue) }
    }
    if ![.payment, .refund, .cancellation].contains(kind) { need(!section.identifiers.isEmpty, "customer") }
    if section.amount?.origin == .sumOfLines { need(section.lines != nil, "lines") }
    for (key, value) in section.recordValues(of: kind) where value.usesItems {
      let problem = "only `lines` can take fields of the list's items"
      faults.append(ConfigurationFault(path: "\(kind.rawValue).\(key)", problem: problem))
    }
    return faults
  }
}

extension RecordMapping {
  /// The values that are taken once per record, by their key in the file.
  fileprivate func recordValues(of kind: MappedKind) -> [(key: String, value: MappedValue)] {
    var values: [(String, MappedValue?)] = [
      ("event_id", eventID), ("order_id", orderID), ("\(kind.rawValue)_id", reference), ("revision", revision),
      ("occurred_at", occurredAt.value),
      ("channel", channel), ("status", status),
    ]
    if case .at(let rule) = paid { values.append(("paid_at", rule.value)) }
    if case .value(let value) = currency { values.append(("currency", value)) }
    if case .value(let value) = amount?.origin { values.append((kind == .order ? "total" : "amount", value)) }
    values += details.sorted { $0.key.rawValue < $1.key.rawValue }.map { ($0.key.rawValue, $0.value) }
    values += identifiers.map { ("customer.\($0.kind.name)", $0.value) } + attributes.map { ("attributes.\($0.attribute.key)", $0.value) }
    return values.compactMap { key, value in value.map { (key, $0) } }
  }
}

extension MappedValue {
  fileprivate var usesItems: Bool {
    switch origin {
    case .field(.item): true
    case .firstOf(let fields): fields.contains { if case .item = $0 { true } else { false } }
    case .field(.record), .constant, .lineNumber: false
    }
  }
}

extension MappingCondition {
  fileprivate var usesItems: Bool {
    switch self {
    case .equals(let field, _), .oneOf(let field, _), .startsWith(let field, _), .endsWith(let field, _), .matches(let field, _),
      .empty(let field), .negative(let field):
      if case .item = field { true } else { false }
    case .not(let condition): condition.usesItems
    case .all(let conditions), .any(let conditions): conditions.contains(where: \.usesItems)
    }
  }
}
