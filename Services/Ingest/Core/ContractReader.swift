// Reads a record that speaks our contract into a draft. A field of the wrong type is noted and passed over, so that every fault is found.
import Contracts
import Domain
import Handling
import Text

/// What a CloudEvents envelope says, for fields that the record itself leaves out.
struct Envelope {
  var id: String?
  var source: String?
  var type: String?
  var time: String?
}

struct ContractReader {
  var draft: Draft
  private(set) var faults: [Fault] = []
  /// Where the document begins in the record's value, in bytes.
  private let offset: Int
  private var envelope: Envelope

  private init(_ kind: Draft.Kind, envelope: Envelope, offset: Int) {
    draft = Draft(kind)
    self.envelope = envelope
    self.offset = offset
  }

  /// Reads one document. Faults of single fields are in `faults`; a document that is not JSON has one fault more.
  static func read(_ bytes: UnsafeRawBufferPointer, _ stream: InputStream, envelope: Envelope = Envelope(), offset: Int = 0) -> ContractReader {
    var result = ContractReader(Draft.Kind(stream), envelope: envelope, offset: offset)
    var reader = JSONReader(bytes)
    do throws(JSONFault) {
      guard reader.peek() == .object else {
        if reader.peek() != .other, reader.peek() != .end {
          try reader.skip()
          try reader.finish()
          result.note("record", Rule.type, "must be a JSON object")
          return result
        }
        try reader.beginObject("record")
        return result
      }
      switch stream {
      case .orders: try result.readOrder(&reader)
      case .customers: try result.readCustomerRecord(&reader)
      case .contacts, .behaviours, .answers: try result.readInteraction(&reader, Draft.Kind(stream))
      }
      try reader.finish()
    } catch {
      // Said once, first: what comes after it in the document was not seen.
      result.faults.insert(ContractReader.fault(error, offset: offset), at: 0)
      result.draft.unreadable.insert("record")
    }
    result.fillFromEnvelope()
    return result
  }

  /// A refusal of the strict reader in the words of refusals.
  static func fault(_ fault: JSONFault, offset: Int = 0) -> Fault {
    var place = "byte \(fault.offset + offset)"
    if let item = fault.item { place = "item \(item), " + place }
    let advice = fault.description.split(separator: ": ", maxSplits: 1).last.map(String.init) ?? fault.description
    return Fault(field: isOfField(fault.rule) ? fault.field : "record", rule: word(fault.rule), detail: "\(advice) (\(place))")
  }

  private static func isOfField(_ rule: JSONRule) -> Bool {
    switch rule {
    case .duplicateKey, .textLength, .numberRange, .wrongType, .missing, .value: true
    case .syntax, .truncated, .trailing, .nul, .control, .utf8, .surrogate, .byteOrderMark, .depth, .documentSize, .valueCount: false
    }
  }

  private static func word(_ rule: JSONRule) -> String {
    switch rule {
    case .syntax: "syntax"
    case .truncated: "truncated"
    case .trailing: "trailing"
    case .duplicateKey: "duplicate_key"
    case .nul: "nul"
    case .control: "control"
    case .utf8: "utf8"
    case .surrogate: "surrogate"
    case .byteOrderMark: "byte_order_mark"
    case .depth: "depth"
    case .documentSize: "size"
    case .valueCount: Rule.tooMany
    case .textLength: Rule.length
    case .numberRange, .value: Rule.range
    case .wrongType: Rule.type
    case .missing: Rule.missing
    }
  }

  mutating func note(_ field: String, _ rule: String, _ detail: String) {
    if faults.count < IngestRules.faultsMax { faults.append(Fault(field: field, rule: rule, detail: detail)) }
    draft.unreadable.insert(field)
  }

  // MARK: - Single values

  /// A text; a number where `takesNumber`, as it is written. nil for null, and, with a fault, for anything else.
  mutating func text(_ reader: inout JSONReader, _ field: @autoclosure () -> String, takesNumber: Bool = false) throws(JSONFault)
    -> String?
  {
    switch reader.peek() {
    case .text: return try reader.text("record", bytesMax: .max).string
    case .number where takesNumber: return try reader.number("record").string
    case .null where reader.takeNull(): return nil
    case .end, .other: return try reader.text("record", bytesMax: .max).string
    case .object, .array, .number, .boolean, .null:
      let place = try passed(&reader)
      note(field(), Rule.type, "must be a text\(takesNumber ? " or a number" : "") (byte \(place))")
      return nil
    }
  }

  private mutating func flag(_ reader: inout JSONReader, _ field: String) throws(JSONFault) -> Bool? {
    switch reader.peek() {
    case .boolean: return try reader.boolean("record")
    case .null where reader.takeNull(): return nil
    case .end, .other: return try reader.boolean("record")
    case .object, .array, .number, .text, .null:
      let place = try passed(&reader)
      note(field, Rule.type, "must be true or false (byte \(place))")
      return nil
    }
  }

  /// Passes a value that is of no use; where it begins.
  func passed(_ reader: inout JSONReader) throws(JSONFault) -> Int {
    let raw = try reader.rawValue("record")
    _ = raw
    return reader.offset + offset
  }

  mutating func time(_ reader: inout JSONReader, _ field: String) throws(JSONFault) -> DraftTime? {
    guard let text = try text(&reader, field), !TextNormal.trimmed(text).isEmpty else { return nil }
    return .rfc3339(text)
  }

  // MARK: - Records

  private mutating func readOrder(_ reader: inout JSONReader) throws(JSONFault) {
    var seen: UInt64 = 0
    var total: String?
    var amount: String?
    var kind: String?
    try reader.beginObject("record")
    while let key = try reader.nextKey() {
      if key.is("type") {
        try reader.once(&seen, 0, "type")
        kind = try text(&reader, "type")
      } else if key.is("order_id") {
        try reader.once(&seen, 1, "order_id")
        draft.orderID = try text(&reader, "order_id", takesNumber: true)
      } else if key.is("revision") {
        try reader.once(&seen, 2, "revision")
        draft.revision = try text(&reader, "revision", takesNumber: true)
      } else if key.is("reference") || key.is("payment_id") || key.is("refund_id") {
        try reader.once(&seen, 3, "reference")
        draft.reference = try text(&reader, "reference", takesNumber: true)
      } else if key.is("occurred_at") || key.is("ordered_at") || key.is("refunded_at") || key.is("cancelled_at") {
        try reader.once(&seen, 4, "occurred_at")
        draft.occurredAt = try time(&reader, "occurred_at")
      } else if key.is("paid_at") {
        try reader.once(&seen, 5, "paid_at")
        draft.paidAt = try time(&reader, "paid_at")
      } else if key.is("status") {
        try reader.once(&seen, 6, "status")
        draft.status = try text(&reader, "status")
      } else if key.is("currency") {
        try reader.once(&seen, 7, "currency")
        draft.currency = try text(&reader, "currency")
        draft.isCurrencyStated = draft.currency != nil || draft.unreadable.contains("currency")
      } else if key.is("total") {
        try reader.once(&seen, 8, "total")
        total = try text(&reader, "total", takesNumber: true)
      } else if key.is("amount") {
        try reader.once(&seen, 9, "amount")
        amount = try text(&reader, "amount", takesNumber: true)
      } else if key.is("channel") {
        try reader.once(&seen, 10, "channel")
        draft.channel = try text(&reader, "channel")
      } else if key.is("lines") {
        try reader.once(&seen, 11, "lines")
        try readLines(&reader)
      } else {
        try readCommon(key, &reader, &seen)
      }
    }
    settleKind(kind)
    settleAmount(total: total, amount: amount)
  }

  private mutating func readCustomerRecord(_ reader: inout JSONReader) throws(JSONFault) {
    var seen: UInt64 = 0
    try reader.beginObject("record")
    while let key = try reader.nextKey() {
      if key.is("occurred_at") {
        try reader.once(&seen, 4, "occurred_at")
        draft.occurredAt = try time(&reader, "occurred_at")
      } else {
        try readCommon(key, &reader, &seen)
      }
    }
  }

  mutating func readCommon(_ key: JSONText, _ reader: inout JSONReader, _ seen: inout UInt64) throws(JSONFault) {
    if key.is("source") {
      try reader.once(&seen, 60, "source")
      draft.source = try text(&reader, "source")
    } else if key.is("event_id") {
      try reader.once(&seen, 61, "event_id")
      draft.eventID = try text(&reader, "event_id", takesNumber: true)
    } else if key.is("customer") {
      try reader.once(&seen, 62, "customer")
      try readCustomer(&reader)
    } else {
      try reader.skip()
    }
  }

  private mutating func settleKind(_ text: String?) {
    if let text {
      let word = TextNormal.normal(text).lowercased()
      if let kind = OrderEvent.Kind(name: word) {
        draft.kind = .order(kind)
      } else {
        note("type", Rule.choice, "must be order, payment, refund or cancellation")
      }
    } else if let type = envelope.type, let kind = ContractReader.kind(ofType: type) {
      draft.kind = .order(kind)
    }
  }

  /// `com.example.shop.refund.v1` is a refund: the last word that is a kind decides.
  private static func kind(ofType type: String) -> OrderEvent.Kind? {
    type.lowercased().split(whereSeparator: { $0 == "." || $0 == "/" || $0 == "-" || $0 == "_" }).reversed().lazy
      .compactMap { OrderEvent.Kind(name: String($0)) }.first
  }

  private mutating func settleAmount(total: String?, amount: String?) {
    let isOrder = if case .order(.order) = draft.kind { true } else { false }
    draft.amount = isOrder ? total ?? amount : amount ?? total
    draft.amountField =
      isOrder ? (total == nil && amount != nil ? "amount" : "total") : (amount == nil && total != nil ? "total" : "amount")
    // A value of the wrong type under either name has been told.
    if draft.unreadable.contains("total") || draft.unreadable.contains("amount") { draft.unreadable.formUnion(["total", "amount"]) }
  }

  private mutating func fillFromEnvelope() {
    if draft.source.map({ TextNormal.trimmed($0).isEmpty }) ?? true, !draft.unreadable.contains("source") { draft.source = envelope.source }
    if draft.eventID.map({ TextNormal.trimmed($0).isEmpty }) ?? true, !draft.unreadable.contains("event_id") { draft.eventID = envelope.id }
    if draft.occurredAt == nil, !draft.unreadable.contains("occurred_at") { draft.occurredAt = envelope.time.map { .rfc3339($0) } }
  }

  // MARK: - Customer

  private static let identifierPlaces: [(key: StaticString, kind: IdentifierKind)] = [
    ("member_id", .memberID), ("phone", .phone), ("email", .email), ("national_id_hash", .nationalIDHash), ("union_id", .unionID),
    ("open_id", .openID), ("pos_card", .posCard), ("device_id", .deviceID), ("external_id", .external),
  ]
  private static let attributePlaces: [(key: StaticString, attribute: CustomerAttribute)] = [
    ("name", .name), ("gender", .gender), ("birthday", .birthday), ("region", .region), ("industry", .industry),
  ]

  private mutating func readCustomer(_ reader: inout JSONReader) throws(JSONFault) {
    switch reader.peek() {
    case .null where reader.takeNull(): return
    case .object, .end, .other, .null: try reader.beginObject("customer")
    case .array, .text, .number, .boolean:
      let place = try passed(&reader)
      return note("customer", Rule.type, "must be an object (byte \(place))")
    }
    var seen: UInt64 = 0
    var phoneVerified: Bool?
    var emailVerified: Bool?
    next: while let key = try reader.nextKey() {
      for (bit, place) in ContractReader.identifierPlaces.enumerated() where key.is(place.key) {
        try reader.once(&seen, bit, place.key)
        if let value = try text(&reader, "customer.\(place.kind.name)", takesNumber: true) {
          draft.identifiers.append(DraftIdentifier(kind: place.kind, value: value, isVerified: nil))
        }
        continue next
      }
      for (bit, place) in ContractReader.attributePlaces.enumerated() where key.is(place.key) {
        try reader.once(&seen, 20 + bit, place.key)
        draft.attributes[place.attribute] = try text(&reader, "customer.\(place.attribute.key)", takesNumber: true)
        continue next
      }
      if key.is("phone_verified") {
        try reader.once(&seen, 40, "customer.phone_verified")
        phoneVerified = try flag(&reader, "customer.phone_verified")
      } else if key.is("email_verified") {
        try reader.once(&seen, 41, "customer.email_verified")
        emailVerified = try flag(&reader, "customer.email_verified")
      } else {
        try reader.skip()
      }
    }
    for place in draft.identifiers.indices {
      switch draft.identifiers[place].kind {
      case .phone: draft.identifiers[place].isVerified = phoneVerified
      case .email: draft.identifiers[place].isVerified = emailVerified
      default: break
      }
    }
  }

  // MARK: - Lines

  private mutating func readLines(_ reader: inout JSONReader) throws(JSONFault) {
    switch reader.peek() {
    case .null where reader.takeNull(): return
    case .array, .end, .other, .null: try reader.beginArray("lines")
    case .object, .text, .number, .boolean:
      let place = try passed(&reader)
      return note("lines", Rule.type, "must be an array (byte \(place))")
    }
    var number = 0
    while try reader.nextItem() {
      defer { number += 1 }
      guard number < OrderEvent.linesMax else {
        if number == OrderEvent.linesMax { note("lines", Rule.tooMany, "an order has at most \(OrderEvent.linesMax) lines") }
        try reader.skip()
        continue
      }
      guard reader.peek() == .object else {
        let place = try passed(&reader)
        note("lines[\(number)]", Rule.type, "must be an object (byte \(place))")
        continue
      }
      draft.lines.append(try readLine(&reader, number))
    }
  }

  private mutating func readLine(_ reader: inout JSONReader, _ number: Int) throws(JSONFault) -> DraftLine {
    var line = DraftLine()
    var seen: UInt64 = 0
    try reader.beginObject("lines")
    while let key = try reader.nextKey() {
      if key.is("sku") {
        try reader.once(&seen, 0, "lines.sku")
        line.sku = try text(&reader, "lines[\(number)].sku", takesNumber: true)
      } else if key.is("name") {
        try reader.once(&seen, 1, "lines.name")
        line.name = try text(&reader, "lines[\(number)].name")
      } else if key.is("quantity") {
        try reader.once(&seen, 2, "lines.quantity")
        line.quantity = try text(&reader, "lines[\(number)].quantity", takesNumber: true)
      } else if key.is("unit_price") {
        try reader.once(&seen, 3, "lines.unit_price")
        line.unitPrice = try text(&reader, "lines[\(number)].unit_price", takesNumber: true)
      } else if key.is("amount") {
        try reader.once(&seen, 4, "lines.amount")
        line.amount = try text(&reader, "lines[\(number)].amount", takesNumber: true)
      } else if key.is("category") {
        try reader.once(&seen, 5, "lines.category")
        line.category = try text(&reader, "lines[\(number)].category")
      } else {
        try reader.skip()
      }
    }
    return line
  }
}
