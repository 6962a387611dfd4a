// Applying a mapping: pure, one record (or one group of lines) at a time.

extension Mapping {
  /// Turns a record into an event.
  ///
  /// The group holds one record, or the lines of a delimited file that ``groupBy`` brought together (``LineGrouper``): then what
  /// is taken once per record comes from the first of them, and each is a line.
  public func apply(_ group: LineGroup) -> MappingResult {
    guard !group.isPiece else {
      let detail = "more than \(OrderEvent.linesMax) lines of the file belong to one record"
      return .refused([MappingFault(field: "lines", rule: .tooManyLines, detail: detail)])
    }
    return apply(group.records)
  }

  /// The same for a record that was not grouped, or for lines known to be whole.
  public func apply(_ records: [SourceRecord]) -> MappingResult {
    guard let first = records.first else {
      return .refused([MappingFault(field: "", rule: .missing, detail: "there is no record to map")])
    }
    for skip in skips where skip.condition.holds(for: first.values) { return .skipped(reason: skip.reason) }
    guard let rule = kinds.first(where: { $0.condition?.holds(for: first.values) ?? true }), let section = sections[rule.kind] else {
      return .refused([
        MappingFault(field: "kinds", rule: .noKind, detail: "no rule fits this record; add one, or one without `when` at the end")
      ])
    }
    let lineCount = itemList == nil ? records.count : first.items.count
    guard lineCount <= OrderEvent.linesMax else {
      let detail = "\(lineCount) lines, at most \(OrderEvent.linesMax) are possible"
      return .refused([MappingFault(field: "\(rule.kind.rawValue).lines", rule: .tooManyLines, detail: detail)])
    }
    var application = MappingApplication(mapping: self, kind: rule.kind, records: records, first: first)
    let record = application.record(section)
    return application.faults.isEmpty ? .mapped(record) : .refused(application.faults)
  }
}

/// One application of a mapping: gathers the faults on its way.
private struct MappingApplication {
  let mapping: Mapping
  let kind: MappedKind
  let records: [SourceRecord]
  let first: SourceRecord
  var faults: [MappingFault] = []

  /// Where a value's fields are looked up.
  struct Place {
    let record: SourceRecord
    let item: [String?]

    func text(_ field: FieldReference) -> String? {
      switch field {
      case .record(let index): index < record.values.count ? record.values[index] : nil
      case .item(let index): index < item.count ? item[index] : nil
      }
    }
  }

  init(mapping: Mapping, kind: MappedKind, records: [SourceRecord], first: SourceRecord) {
    self.mapping = mapping
    self.kind = kind
    self.records = records
    self.first = first
  }

  mutating func record(_ section: RecordMapping) -> MappedRecord {
    let place = Place(record: first, item: [])
    let kind = kind
    let occurredAt = time(section.occurredAt, place, "occurred_at")
    let paidAt: MappedTime? =
      switch section.paid {
      case .never: nil
      case .whenOccurred: occurredAt
      case .at(let rule): time(rule, place, "paid_at")
      }
    let lines = section.lines.map { self.lines($0) } ?? []
    let currency: MappedCurrency =
      switch section.currency {
      case .base: .base
      case .value(let rule): .stated(text(rule, place, "currency"))
      }
    var record = MappedRecord(
      kind: kind, eventID: text(section.eventID, place, "event_id"), orderID: text(section.orderID, place, "order_id"),
      reference: text(section.reference, place, "\(kind.rawValue)_id"), revision: text(section.revision, place, "revision"),
      occurredAt: occurredAt, paidAt: paidAt, currency: currency, units: section.units,
      amount: section.amount.flatMap { amount($0, lines, place) }, channel: text(section.channel, place, "channel"),
      status: text(section.status, place, "status"), identifiers: [], attributes: [:], lines: lines, lineNumbers: records.map(\.lineNumber))
    for rule in section.identifiers {
      guard let value = text(rule.value, place, "customer.\(rule.kind.name)") else { continue }
      record.identifiers.append(MappedIdentifier(kind: rule.kind, value: value, isVerified: rule.isVerified))
    }
    for rule in section.attributes {
      guard let value = text(rule.value, place, "attributes.\(rule.attribute.key)") else { continue }
      record.attributes[rule.attribute] = value
    }
    for field in kind.details { record.details[field] = text(section.details[field], place, field.rawValue) }
    return record
  }

  // MARK: Texts

  private mutating func text(_ value: MappedValue?, _ place: Place, _ field: @autoclosure () -> String) -> String? {
    guard let value else { return nil }
    switch value.evaluate(place) {
    case .text(let text): return text
    case .nothing: return nil
    case .notInTable:
      fault(field(), .notInTable, "the value table does not list this text; add it, or an `otherwise`")
      return nil
    }
  }

  private mutating func time(_ rule: TimeRule, _ place: Place, _ field: String) -> MappedTime? {
    text(rule.value, place, field).map { MappedTime(text: $0, form: rule.form) }
  }

  private mutating func fault(_ field: String, _ rule: MappingFault.Rule, _ detail: String) {
    faults.append(MappingFault(field: "\(kind.rawValue).\(field)", rule: rule, detail: detail))
  }

  // MARK: Lines and amounts

  private mutating func lines(_ rule: LineRule) -> [MappedLine] {
    let places =
      mapping.itemList == nil
      ? records.map { Place(record: $0, item: []) } : first.items.map { Place(record: first, item: $0) }
    var lines: [MappedLine] = []
    lines.reserveCapacity(places.count)
    for (number, place) in places.enumerated() {
      var line = MappedLine()
      line.sku = text(rule.sku, place, "lines[\(number)].sku")
      line.name = text(rule.name, place, "lines[\(number)].name")
      line.category = text(rule.category, place, "lines[\(number)].category")
      line.quantity = text(rule.quantity, place, "lines[\(number)].quantity")
      line.amount = lineAmount(rule, line, place, number)
      lines.append(line)
    }
    return lines
  }

  private mutating func lineAmount(_ rule: LineRule, _ line: MappedLine, _ place: Place, _ number: Int) -> String? {
    switch rule.amount {
    case .value(let value):
      guard let text = text(value, place, "lines[\(number)].amount"), let digits = rule.roundedTo else {
        return self.text(value, place, "lines[\(number)].amount")
      }
      return self.number(text, "lines[\(number)].amount").flatMap { shown($0, roundedTo: digits, "lines[\(number)].amount") }
    case .quantityTimes(let price):
      let quantity = self.number(line.quantity, "lines[\(number)].quantity")
      let unitPrice = self.number(text(price, place, "lines[\(number)].unit_price"), "lines[\(number)].unit_price")
      guard let quantity, let unitPrice else { return nil }
      guard let product = try? quantity * unitPrice else {
        fault("lines[\(number)].amount", .outOfRange, "quantity times price has too many digits")
        return nil
      }
      return shown(product, roundedTo: rule.roundedTo, "lines[\(number)].amount")
    }
  }

  private mutating func amount(_ rule: AmountRule, _ lines: [MappedLine], _ place: Place) -> String? {
    let field = kind == .order ? "total" : "amount"
    var value: Rational? = .zero
    switch rule.origin {
    case .value(let origin):
      guard let text = text(origin, place, field) else { return nil }
      guard rule.isAbsolute || rule.roundedTo != nil else { return text }
      value = number(text, field)
    case .sumOfLines:
      // A line without an amount has said so already.
      let known = faults.count
      for (index, line) in lines.enumerated() {
        guard let amount = number(line.amount, "lines[\(index)].amount", isKnown: known > 0) else { value = nil; continue }
        value = value.flatMap { try? $0 + amount }
      }
      if value == nil, faults.isEmpty { fault(field, .outOfRange, "the sum of the lines has too many digits") }
    }
    guard let value else { return nil }
    return shown(rule.isAbsolute ? value.magnitude : value, roundedTo: rule.roundedTo, field)
  }

  private mutating func number(_ text: String?, _ field: String, isKnown: Bool = false) -> Rational? {
    guard let text else {
      if !isKnown { fault(field, .missing, "this is empty, and the amount is calculated from it") }
      return nil
    }
    guard let number = Rational(decimal: text) else {
      fault(field, .notANumber, "a decimal number is needed, as 12.50: digits, a point, no grouping")
      return nil
    }
    return number
  }

  private mutating func shown(_ value: Rational, roundedTo digits: Int?, _ field: String) -> String? {
    if let digits { return value.decimalText(fractionDigitsMax: digits, keepsZeros: true) }
    // Sums and products of decimals are decimals; only their length can be in the way.
    guard let text = value.exactDecimalText else {
      fault(field, .outOfRange, "the amount has too many digits")
      return nil
    }
    return text
  }
}

// MARK: Values

extension MappedValue {
  fileprivate enum Outcome {
    case text(String)
    case nothing
    case notInTable
  }

  fileprivate func evaluate(_ place: MappingApplication.Place) -> Outcome {
    var text: Substring =
      switch origin {
      case .field(let field): trimmedBlanks(place.text(field) ?? "")
      case .firstOf(let fields): fields.lazy.map { trimmedBlanks(place.text($0) ?? "") }.first { !$0.isEmpty } ?? ""
      case .constant(let constant): constant[...]
      case .lineNumber: String(place.record.lineNumber)[...]
      }
    if !removing.isEmpty { text = Substring(text.filter { !removing.contains($0) }) }
    if !trimmedPrefix.isEmpty, text.hasPrefix(trimmedPrefix) { text = text.dropFirst(trimmedPrefix.count) }
    if !trimmedSuffix.isEmpty, text.hasSuffix(trimmedSuffix) { text = text.dropLast(trimmedSuffix.count) }
    switch letterCase {
    case .lower: text = text.lowercased()[...]
    case .upper: text = text.uppercased()[...]
    case nil: break
    }
    if text.isEmpty {
      guard let defaultText else { return .nothing }
      text = defaultText[...]
    }
    var result = String(text)
    if let table {
      guard let entry = table.entries[result] ?? table.otherwise else { return .notInTable }
      result = entry
    }
    if let padding, result.count < padding.width { result = String(repeating: padding.with, count: padding.width - result.count) + result }
    return .text(prefix.isEmpty ? result : prefix + result)
  }
}

/// Without spaces, tabs and line ends at either end.
func trimmedBlanks(_ text: String) -> Substring { trimmedBlanks(text[...]) }

func trimmedBlanks(_ text: Substring) -> Substring {
  let bytes = text.utf8
  func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
  guard let first = bytes.firstIndex(where: { !isBlank($0) }) else { return "" }
  var end = bytes.endIndex
  while end > first, isBlank(bytes[bytes.index(before: end)]) { end = bytes.index(before: end) }
  return text[first..<end]
}

func trimmed(_ text: Substring) -> String { String(trimmedBlanks(text)) }

// MARK: Conditions

extension MappingCondition {
  /// Whether a record with these values is meant. Blanks at either end of a value do not count.
  func holds(for values: [String?]) -> Bool {
    func text(_ field: FieldReference) -> Substring {
      guard case .record(let index) = field, index < values.count, let value = values[index] else { return "" }
      return trimmedBlanks(value)
    }
    switch self {
    case .equals(let field, let other): return text(field) == other
    case .oneOf(let field, let others): return others.contains { $0 == text(field) }
    case .startsWith(let field, let start): return text(field).hasPrefix(start)
    case .endsWith(let field, let end): return text(field).hasSuffix(end)
    case .matches(let field, let pattern): return globMatches(text(field), pattern)
    case .empty(let field): return text(field).isEmpty
    case .negative(let field): return Rational(decimal: text(field))?.isNegative ?? false
    case .not(let condition): return !condition.holds(for: values)
    case .all(let conditions): return conditions.allSatisfy { $0.holds(for: values) }
    case .any(let conditions): return conditions.contains { $0.holds(for: values) }
    }
  }
}

/// `*` any characters, `?` one. Goes back to the last `*` only, so the time is at most text times pattern.
func globMatches(_ text: Substring, _ pattern: String) -> Bool {
  let letters = Array(text)
  let wanted = Array(pattern)
  var (at, inPattern) = (0, 0)
  var star: (pattern: Int, text: Int)?
  while at < letters.count {
    if inPattern < wanted.count, wanted[inPattern] == "*" {
      star = (inPattern, at)
      inPattern += 1
    } else if inPattern < wanted.count, wanted[inPattern] == "?" || wanted[inPattern] == letters[at] {
      at += 1
      inPattern += 1
    } else if let back = star {
      star = (back.pattern, back.text + 1)
      (at, inPattern) = (back.text + 1, back.pattern + 1)
    } else {
      return false
    }
  }
  return wanted[inPattern...].allSatisfy { $0 == "*" }
}
