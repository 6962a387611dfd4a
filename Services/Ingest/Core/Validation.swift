// Judges a draft field by field and collects every fault (I-04). Pure: time comes as an argument.
import Contracts
import Domain
import Handling
import Phones
import Text

struct Validation {
  let rules: IngestRules
  let now: Instant
  /// Reads the times of mapped records.
  let times: CompiledMapping?
  private(set) var faults: [Fault]

  init(rules: IngestRules, now: Instant, times: CompiledMapping? = nil, faults: [Fault] = []) {
    self.rules = rules
    self.now = now
    self.times = times
    self.faults = faults
  }

  mutating func fact(_ draft: Draft) -> Verdict {
    let fact: Fact? =
      switch draft.kind {
      case .order(let kind): order(draft, kind).map(Fact.order)
      case .customer: customer(draft).map(Fact.customer)
      case .contact, .behaviour, .answer: interaction(draft).map(Fact.interaction)
      }
    if let fact, faults.isEmpty { return .fact(fact) }
    // A draft without a fact has said why; the last line is for the case that it did not.
    if faults.isEmpty { fault("record", Rule.missing, "nothing could be made of this record; compare it with the contract") }
    return .refused(faults)
  }

  mutating func fault(_ field: String, _ rule: String, _ detail: String) {
    if faults.count < IngestRules.faultsMax { faults.append(Fault(field: field, rule: rule, detail: detail)) }
  }

  // MARK: - Records

  private mutating func order(_ draft: Draft, _ kind: OrderEvent.Kind) -> OrderFact? {
    let source = required(draft.source, "source", bytesMax: ContractLimits.wordBytesMax, draft)
    let eventID = optional(draft.eventID, "event_id", bytesMax: IngestLimits.eventIDBytesMax)
    let orderID = orderID(draft, kind)
    let reference = reference(draft, kind)
    let revision = revision(draft, kind)
    let identifiers = identifiers(
      draft, isNeeded: kind == .order || (orderID == nil && draft.orderID == nil && !draft.unreadable.contains("order_id")), source: source)
    let attributes = attributes(draft)
    let occurredAt = time(draft.occurredAt, "occurred_at", draft, isNeeded: true)
    let paidAt = kind == .order ? paidAt(draft, occurredAt) : checkedStatus(draft)
    let currency = currency(draft)
    let money = money(draft, kind, currency)
    let lines = currency.map { self.lines(draft, $0) } ?? []
    let channel = optional(draft.channel.map(Normalising.channel), "channel", bytesMax: ContractLimits.wordBytesMax) ?? ""
    guard faults.isEmpty, let source, let occurredAt, let money, let base = rules.rates.baseMinorUnits(money) else { return nil }
    let ownID = eventID.flatMap { $0.isEmpty ? nil : $0 }
    let event = OrderEvent(
      kind: kind, source: source, eventID: ownID ?? Validation.derivedEventID(kind, orderID, reference, revision), orderID: orderID,
      revision: revision,
      reference: reference, occurredAt: occurredAt, paidAt: paidAt, money: money, baseMinorUnits: base, channel: channel,
      identifiers: identifiers,
      lines: lines)
    return OrderFact(event: event, attributes: identifiers.isEmpty ? [:] : attributes, hasOwnEventID: ownID != nil)
  }

  /// The id of an event that its source does not name: its natural key, in words.
  static func derivedEventID(_ kind: OrderEvent.Kind, _ orderID: String?, _ reference: String, _ revision: Int64) -> String {
    var parts = [kind.name]
    if let orderID { parts.append(orderID) }
    if !reference.isEmpty { parts.append(reference) }
    if kind == .order { parts.append(String(revision)) }
    return parts.joined(separator: "/")
  }

  private mutating func customer(_ draft: Draft) -> CustomerEvent? {
    let source = required(draft.source, "source", bytesMax: ContractLimits.wordBytesMax, draft)
    let eventID = required(draft.eventID, "event_id", bytesMax: IngestLimits.eventIDBytesMax, draft)
    let identifiers = identifiers(draft, isNeeded: true, source: source)
    let attributes = attributes(draft)
    let occurredAt = time(draft.occurredAt, "occurred_at", draft, isNeeded: true)
    guard faults.isEmpty, let source, let eventID, let occurredAt else { return nil }
    return CustomerEvent(source: source, eventID: eventID, occurredAt: occurredAt, identifiers: identifiers, attributes: attributes)
  }

  // MARK: - Ids

  private mutating func orderID(_ draft: Draft, _ kind: OrderEvent.Kind) -> String? {
    if kind == .refund, draft.orderID == nil { return nil }
    return required(draft.orderID, "order_id", bytesMax: IngestLimits.orderIDBytesMax, draft)
  }

  private mutating func reference(_ draft: Draft, _ kind: OrderEvent.Kind) -> String {
    switch kind {
    case .order, .cancellation: return ""
    case .payment, .refund: return required(draft.reference, "reference", bytesMax: IngestLimits.referenceBytesMax, draft) ?? ""
    }
  }

  private mutating func revision(_ draft: Draft, _ kind: OrderEvent.Kind) -> Int64 {
    guard kind == .order, let text = draft.revision.map(TextNormal.trimmed), !text.isEmpty else { return 1 }
    guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x2B }) else {
      fault("revision", Rule.type, "must be a whole number")
      return 1
    }
    guard let revision = Int64(text), revision >= 1 else {
      fault("revision", Rule.range, "counts from 1 and fits 64 bits")
      return 1
    }
    return revision
  }

  /// A text that must be there.
  mutating func required(_ text: String?, _ field: String, bytesMax: Int, _ draft: Draft) -> String? {
    if let value = optional(text, field, bytesMax: bytesMax), !value.isEmpty { return value }
    if !draft.unreadable.contains(field), text.map({ TextNormal.normal($0).isEmpty }) ?? true {
      fault(field, Rule.missing, "is missing; the record cannot be told apart from others without it")
    }
    return nil
  }

  /// A text for people: line breaks and tabs in it are blanks.
  mutating func prose(_ text: String?, _ field: String, bytesMax: Int) -> String? {
    guard let text, text.utf8.contains(where: { (0x09...0x0D).contains($0) }) else { return optional(text, field, bytesMax: bytesMax) }
    let blanks = String(String.UnicodeScalarView(text.unicodeScalars.map { (0x09...0x0D).contains($0.value) ? " " : $0 }))
    return optional(blanks, field, bytesMax: bytesMax)
  }

  /// In form C and trimmed; nil, with a fault, when it is too long or holds a control character.
  mutating func optional(_ text: String?, _ field: String, bytesMax: Int) -> String? {
    guard let text else { return nil }
    let value = TextNormal.normal(text)
    guard value.utf8.count <= bytesMax else {
      fault(field, Rule.length, "has \(value.utf8.count) bytes, at most \(bytesMax) are possible")
      return nil
    }
    guard !value.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
      fault(field, Rule.format, "holds control characters; remove them")
      return nil
    }
    return value
  }

  // MARK: - Persons

  mutating func identifiers(_ draft: Draft, isNeeded: Bool, source: String?) -> [Identifier] {
    var found: [Identifier] = []
    let before = faults.count
    for given in draft.identifiers {
      let value = TextNormal.normal(given.value)
      // Values that name nobody are left out, not held against the record (P-03).
      if rules.junk.contains(value) { continue }
      guard let normal = identifierValue(given.kind, value, source), !rules.junk.contains(normal) else { continue }
      let identifier = Identifier(kind: given.kind, value: normal, isVerified: given.isVerified ?? false)
      if let place = found.firstIndex(where: { $0.kind == identifier.kind && $0.value == identifier.value }) {
        if identifier.isStrong { found[place] = identifier }
      } else {
        found.append(identifier)
      }
    }
    if found.isEmpty, isNeeded, faults.count == before, !draft.unreadable.contains(where: { $0.hasPrefix("customer") }) {
      fault("customer", Rule.missing, "names nobody: no identifier, or only values that stand for none")
    }
    return found.sorted()
  }

  private mutating func identifierValue(_ kind: IdentifierKind, _ value: String, _ source: String?) -> String? {
    let field = "customer.\(kind.name)"
    switch kind {
    case .phone:
      if let phone = rules.phones.e164(value) { return phone }
      fault(field, Rule.format, "`\(masked(value))` is no phone number; send it as +8613912345678")
      return nil
    case .email:
      if let address = Normalising.email(value) { return address }
      fault(field, Rule.format, "`\(masked(value))` is no e-mail address")
      return nil
    case .external:
      // Two sources may give the same number to different people.
      return optional((source ?? "") + ":" + value, field, bytesMax: Identifier.valueBytesMax)
    case .memberID, .nationalIDHash, .unionID, .openID, .posCard, .deviceID:
      return optional(value, field, bytesMax: Identifier.valueBytesMax)
    }
  }

  mutating func attributes(_ draft: Draft) -> [CustomerAttribute: String] {
    var result: [CustomerAttribute: String] = [:]
    for attribute in CustomerAttribute.allCases {
      let field = "customer.\(attribute.key)"
      guard let text = prose(draft.attributes[attribute], field, bytesMax: ContractLimits.textBytesMax), !text.isEmpty else { continue }
      switch attribute {
      case .gender:
        guard let word = Normalising.gender(text) else {
          fault(field, Rule.choice, "must be male, female, other or unknown")
          continue
        }
        if !word.isEmpty { result[.gender] = word }
      case .birthday:
        guard let day = Day(text) else {
          fault(field, Rule.format, "must be a day as 1990-05-17")
          continue
        }
        guard rules.zone.day(of: IngestRules.earliest) <= day, day <= rules.zone.day(of: now) else {
          fault(field, Rule.range, "must lie between 1900 and today")
          continue
        }
        result[.birthday] = day.description
      case .name, .region, .industry: result[attribute] = text
      }
    }
    return result
  }

  // MARK: - Time

  mutating func time(_ given: DraftTime?, _ field: String, _ draft: Draft, isNeeded: Bool) -> Instant? {
    guard let given, !TextNormal.trimmed(given.text).isEmpty else {
      if isNeeded, !draft.unreadable.contains(field) {
        fault(field, Rule.missing, "is missing; without it nobody knows when this happened")
      }
      return nil
    }
    let instant: Instant
    do throws(TextFault) {
      switch given {
      case .rfc3339(let text): instant = Instant(microseconds: try RFC3339.parse(TextNormal.trimmed(text)))
      case .mapped(let time):
        guard let read = try times?.instant(time, rules) else { throw TextFault(.pattern, at: 0) }
        instant = read
      }
    } catch {
      fault(
        field, Rule.format,
        "is no time of the form asked for: \(error.rule.rawValue) at byte \(error.offset); the contract's form is 2026-07-01T09:30:00+08:00"
      )
      return nil
    }
    guard instant >= IngestRules.earliest else {
      fault(field, Rule.range, "lies before 1900")
      return nil
    }
    guard instant <= now.adding(seconds: IngestRules.aheadSecondsMax) else {
      fault(field, Rule.future, "lies more than 5 minutes after our clock; set the source's clock or its time zone right")
      return nil
    }
    return instant
  }

  /// When an order was paid: as said, or when it happened if its state says no more than that it was.
  private mutating func paidAt(_ draft: Draft, _ occurredAt: Instant?) -> Instant? {
    // Often the same value twice; what is wrong with it is said once.
    let isSame = draft.paidAt.map { $0.text == draft.occurredAt?.text } ?? false
    let paidAt = isSame ? occurredAt : time(draft.paidAt, "paid_at", draft, isNeeded: false)
    guard let text = draft.status, !TextNormal.normal(text).isEmpty else { return paidAt }
    switch Normalising.status(text) {
    case .paid: return paidAt ?? (draft.paidAt == nil ? occurredAt : nil)
    case .placed: return paidAt
    case .cancelled, .returned:
      fault("status", Rule.choice, "an order that was cancelled or given back is told by a record of type cancellation or refund")
    case nil: fault("status", Rule.choice, "is none of placed, paid, shipped, delivered, completed")
    }
    return nil
  }

  /// The state of a payment, refund or cancellation says nothing new, but must be a word.
  private mutating func checkedStatus(_ draft: Draft) -> Instant? {
    if let text = draft.status, !TextNormal.normal(text).isEmpty, Normalising.status(text) == nil {
      fault("status", Rule.choice, "is none of placed, paid, completed, cancelled, refunded")
    }
    return nil
  }

  // MARK: - Money

  private mutating func currency(_ draft: Draft) -> Currency? {
    guard draft.isCurrencyStated else { return rules.rates.base }
    let code = TextNormal.normal(draft.currency ?? "").uppercased()
    if code.isEmpty {
      if !draft.unreadable.contains("currency") {
        fault("currency", Rule.missing, "is empty; leave it out for the base currency, or name one")
      }
      return nil
    }
    guard let currency = Currency(code) else {
      fault("currency", Rule.unknownCurrency, "is no current ISO 4217 code, as CNY")
      return nil
    }
    guard rules.rates.has(currency) else {
      fault("currency", Rule.noRate, "\(currency) has no exchange rate; set exchange-rates and replay")
      return nil
    }
    return currency
  }

  private mutating func money(_ draft: Draft, _ kind: OrderEvent.Kind, _ currency: Currency?) -> Money? {
    guard let text = draft.amount.map(TextNormal.trimmed), !text.isEmpty else {
      if kind == .cancellation { return currency.map { Money(minorUnits: 0, currency: $0) } }
      if !draft.unreadable.contains(draft.amountField) { fault(draft.amountField, Rule.missing, "is missing") }
      return nil
    }
    // Without a currency the number of decimals is not known; the form can still be judged.
    guard let units = minorUnits(text, draft.amountField, currency, draft), let currency else { return nil }
    guard units >= 0 else {
      fault(draft.amountField, Rule.range, "is negative; what was given back is a refund with a positive amount")
      return nil
    }
    let money = Money(minorUnits: units, currency: currency)
    guard let base = rules.rates.baseMinorUnits(money), base <= Money.recordMinorUnitsMax else {
      fault(draft.amountField, Rule.range, "is more than one record may carry")
      return nil
    }
    return money
  }

  private mutating func minorUnits(_ text: String, _ field: String, _ currency: Currency?, _ draft: Draft) -> Int64? {
    let digits = draft.isInMinorUnits ? 0 : currency?.minorDigits ?? MinorUnits.digitsMax
    do throws(TextFault) {
      let units = try MinorUnits.parse(text, digits: digits)
      guard currency != nil else { return nil }
      if units.magnitude <= Money.recordMinorUnitsMax.magnitude { return units }
      fault(field, Rule.range, "is more than one record may carry")
    } catch {
      switch error.rule {
      case .decimals: fault(field, Rule.decimals, "has more decimals than the currency; round it at the source")
      case .range: if currency != nil { fault(field, Rule.range, "is more than one record may carry") }
      default: fault(field, Rule.type, "must be a decimal number, as 12.50: digits, a point, no grouping, no exponent")
      }
    }
    return nil
  }

  private mutating func lines(_ draft: Draft, _ currency: Currency) -> [OrderLine] {
    var lines: [OrderLine] = []
    lines.reserveCapacity(draft.lines.count)
    for (number, given) in draft.lines.enumerated() {
      func field(_ name: String) -> String { "lines[\(number)].\(name)" }
      let sku = optional(given.sku, field("sku"), bytesMax: ContractLimits.idBytesMax) ?? ""
      let name = prose(given.name, field("name"), bytesMax: ContractLimits.textBytesMax) ?? ""
      if sku.isEmpty, name.isEmpty, !draft.unreadable.contains(field("sku")) {
        fault(field("sku"), Rule.missing, "neither an article number nor a name is given")
      }
      let category = prose(given.category, field("category"), bytesMax: ContractLimits.textBytesMax) ?? ""
      let quantity = quantity(given, field("quantity"))
      guard let amount = lineAmount(given, quantity, currency, number, draft) else { continue }
      lines.append(OrderLine(sku: sku, name: name, quantity: quantity?.text ?? "1", minorUnits: amount, category: category))
      if faults.count >= IngestRules.faultsMax { break }
    }
    return lines
  }

  private mutating func quantity(_ line: DraftLine, _ field: String) -> ExactDecimal? {
    guard let text = line.quantity.map(TextNormal.trimmed), !text.isEmpty else { return ExactDecimal(1) }
    if text.utf8.count <= ContractLimits.wordBytesMax, let quantity = try? ExactDecimal.parse(text) { return quantity }
    fault(field, Rule.type, "must be a decimal number, as 2 or 0.75")
    return nil
  }

  private mutating func lineAmount(_ line: DraftLine, _ quantity: ExactDecimal?, _ currency: Currency, _ number: Int, _ draft: Draft)
    -> Int64?
  {
    if let text = line.amount.map(TextNormal.trimmed), !text.isEmpty { return minorUnits(text, "lines[\(number)].amount", currency, draft) }
    let field = "lines[\(number)].unit_price"
    guard let text = line.unitPrice.map(TextNormal.trimmed), !text.isEmpty else {
      if draft.unreadable.isDisjoint(with: ["lines[\(number)].amount", field]) {
        fault("lines[\(number)].amount", Rule.missing, "neither an amount nor a unit price is given")
      }
      return nil
    }
    guard let price = try? ExactDecimal.parse(text) else {
      fault(field, Rule.type, "must be a decimal number, as 12.50")
      return nil
    }
    guard let quantity else { return nil }
    guard let units = try? price.times(quantity, digits: draft.isInMinorUnits ? 0 : currency.minorDigits),
      units.magnitude <= Money.recordMinorUnitsMax.magnitude
    else {
      fault("lines[\(number)].amount", Rule.range, "quantity times price is more than one line may carry")
      return nil
    }
    return units
  }
}
