// From a record as it came to a verdict: the envelope, then the contract or a mapping (I-02, I-03).
public import Contracts
public import Domain
import Handling
import Text

/// Where a record stands.
public struct InputPlace: Hashable, Sendable {
  public let topic: String
  public let partition: Int32
  public let offset: Int64

  public init(topic: String, partition: Int32, offset: Int64) {
    self.topic = topic
    self.partition = partition
    self.offset = offset
  }

  /// The lane that counts on their own rows are kept under.
  public var lane: String { "\(topic)/\(partition)" }
}

/// A record as it came: its value and the headers that ingest knows.
public struct InputRecord: Sendable {
  public var stream: InputStream
  public var value: [UInt8]
  public var source: String?
  public var mapping: String?
  public var importID: String?
  public var lines: Int64
  public var traceParent: String?
  public var contentType: String?
  var envelope = Envelope()

  /// - Parameter headers: by name; the first of several counts.
  public init(stream: InputStream, value: [UInt8], headers: (String) -> String?) {
    self.stream = stream
    self.value = value
    func present(_ name: String) -> String? { headers(name).flatMap { $0.isEmpty ? nil : $0 } }
    source = present(Header.inputSource)
    mapping = present(Header.mapping)
    importID = present(Header.importID).map { InputRecord.shortened($0, bytesMax: ContractLimits.wordBytesMax) }
    lines = present(Header.lines).flatMap { Int64($0) }.map { min(max($0, 1), InputRecord.linesMax) } ?? 1
    traceParent = present(Header.traceParent)
    contentType = present(Header.contentType)
    envelope = Envelope(id: present(Header.id), source: present(Header.source), type: present(Header.type), time: present(Header.time))
  }

  /// Lines that one record may stand for.
  public static let linesMax: Int64 = 10_000_000

  static func shortened(_ text: String, bytesMax: Int) -> String {
    var result = text
    while result.utf8.count > bytesMax { result.removeLast() }
    return result.filter { $0 >= " " }
  }
}

/// Reads records. Pure: what it does not know, as a mapping, is given to it.
public struct RecordReading: Sendable {
  public let rules: IngestRules

  public init(rules: IngestRules) { self.rules = rules }

  /// - Parameter mapping: the one that the record, or its source, names; nil: the record speaks our contract.
  public func read(_ record: InputRecord, mapping: CompiledMapping?, now: Instant) -> Verdict {
    guard record.value.count <= IngestRules.valueBytesMax else {
      return .refused([
        Fault(field: "record", rule: "size", detail: "has \(record.value.count) bytes, at most \(IngestRules.valueBytesMax) are possible")
      ])
    }
    return record.value.withUnsafeBytes { bytes in
      guard let mapping else { return contract(bytes, record, now) }
      switch mapping.mapping.format {
      case .delimited: return lines(bytes, record, mapping, now)
      case .json, .jsonLines: return tree(bytes, record, mapping, now)
      }
    }
  }

  // MARK: - Contract

  private func contract(_ bytes: UnsafeRawBufferPointer, _ record: InputRecord, _ now: Instant) -> Verdict {
    var envelope = record.envelope
    var body = bytes
    var offset = 0
    if CloudEvent.mayBeStructured(bytes, contentType: record.contentType) {
      switch CloudEvent.open(bytes) {
      case .event(let attributes, let data):
        envelope = attributes
        body = UnsafeRawBufferPointer(rebasing: bytes[data])
        offset = data.lowerBound
      case .plain: break
      case .refused(let fault): return .refused([fault])
      }
    }
    if let source = record.source { envelope.source = source }
    let reader = ContractReader.read(body, record.stream, envelope: envelope, offset: offset)
    // Behind a break in the document nothing was seen: what seems to be missing may be there.
    if reader.draft.unreadable.contains("record") { return .refused(reader.faults) }
    var draft = reader.draft
    if let source = record.source { draft.source = source }
    var validation = Validation(rules: rules, now: now, faults: reader.faults)
    return validation.fact(draft)
  }

  // MARK: - Mapped

  private func lines(_ bytes: UnsafeRawBufferPointer, _ record: InputRecord, _ mapping: CompiledMapping, _ now: Instant) -> Verdict {
    let message: SourceMessage
    do throws(JSONFault) {
      var reader = JSONReader(bytes)
      message = try SourceMessage(reading: &reader)
    } catch { return .refused([ContractReader.fault(error)]) }
    if let broken = message.lines.first(where: { $0.fault != nil }) {
      let detail = "line \(broken.number) of the file could not be taken apart; correct it in the file or here"
      return .refused([Fault(field: "record", rule: broken.fault ?? "", detail: detail)])
    }
    if message.isPiece {
      return .refused([
        Fault(field: "lines", rule: "too_many_lines", detail: "more than \(OrderEvent.linesMax) lines of the file belong to one record")
      ])
    }
    let names = mapping.mapping.fields.map(\.text)
    let records = message.lines.map { line in SourceRecord(lineNumber: line.number, values: names.map { line[$0] }) }
    return judged(mapping.mapping.apply(records), record, mapping, now)
  }

  private func tree(_ bytes: UnsafeRawBufferPointer, _ record: InputRecord, _ mapping: CompiledMapping, _ now: Instant) -> Verdict {
    let value: JSONValue
    do throws(JSONFault) { value = try JSONValue(bytes) } catch { return .refused([ContractReader.fault(error)]) }
    guard value.members != nil else { return .refused([Fault(field: "record", rule: Rule.type, detail: "must be a JSON object")]) }
    var flattening = Flattening()
    let source = flattening.record(value, mapping.mapping)
    guard flattening.faults.isEmpty else { return .refused(flattening.faults) }
    return judged(mapping.mapping.apply([source]), record, mapping, now)
  }

  private func judged(_ result: MappingResult, _ record: InputRecord, _ mapping: CompiledMapping, _ now: Instant) -> Verdict {
    switch result {
    case .skipped(let reason): return .skipped(reason: reason)
    case .refused(let faults):
      return .refused(
        faults.prefix(IngestRules.faultsMax).map { fault in
          Fault(field: RecordReading.withoutKind(fault.field), rule: fault.rule.rawValue, detail: fault.detail)
        })
    case .mapped(let mapped):
      var draft = Draft(mapped)
      draft.source = record.source ?? mapping.mapping.source
      var validation = Validation(rules: rules, now: now, times: mapping)
      return validation.fact(draft)
    }
  }

  /// `order.lines[3].quantity` of a mapping is `lines[3].quantity` of a record.
  static func withoutKind(_ field: String) -> String {
    guard let point = field.firstIndex(of: "."), MappedKind(rawValue: String(field[..<point])) != nil else {
      return field.isEmpty ? "record" : field
    }
    return String(field[field.index(after: point)...])
  }
}

extension Draft {
  init(_ mapped: MappedRecord) {
    switch mapped.kind {
    case .order: self.init(.order(.order))
    case .payment: self.init(.order(.payment))
    case .refund: self.init(.order(.refund))
    case .cancellation: self.init(.order(.cancellation))
    case .customer: self.init(.customer)
    case .contact: self.init(.contact)
    case .behaviour: self.init(.behaviour)
    case .answer: self.init(.answer)
    }
    eventID = mapped.eventID
    orderID = mapped.orderID
    reference = mapped.reference
    revision = mapped.revision
    occurredAt = mapped.occurredAt.map { .mapped($0) }
    paidAt = mapped.paidAt.map { .mapped($0) }
    status = mapped.status
    if case .stated(let code) = mapped.currency {
      isCurrencyStated = true
      currency = code
    }
    isInMinorUnits = mapped.units == .minor
    amount = mapped.amount
    amountField = mapped.kind == .order ? "total" : "amount"
    channel = mapped.channel
    identifiers = mapped.identifiers.map { DraftIdentifier(kind: $0.kind, value: $0.value, isVerified: $0.isVerified) }
    attributes = mapped.attributes
    lines = mapped.lines.map { DraftLine(sku: $0.sku, name: $0.name, quantity: $0.quantity, amount: $0.amount, category: $0.category) }
    details = mapped.details
  }
}

/// Picks the fields that a mapping asks for out of a JSON object.
struct Flattening {
  private(set) var faults: [Fault] = []

  mutating func record(_ value: JSONValue, _ mapping: Mapping) -> SourceRecord {
    let values = mapping.fields.map { scalar(at: $0.steps, in: value, $0.text) }
    var items: [[String?]] = []
    if let list = mapping.itemList, let found = Flattening.find(list, in: value), !found.isNull {
      guard let array = found.arrayValue else {
        faults.append(
          Fault(
            field: list.joined(separator: "."), rule: Rule.type, detail: "must be an array: the mapping takes the record's lines from it"))
        return SourceRecord(lineNumber: 1, values: values)
      }
      for item in array.prefix(OrderEvent.linesMax + 1) {
        items.append(mapping.itemFields.map { scalar(at: $0.itemSteps ?? [], in: item, $0.text) })
        if faults.count >= IngestRules.faultsMax { break }
      }
    }
    return SourceRecord(lineNumber: 1, values: values, items: items)
  }

  private static func find(_ steps: [String], in value: JSONValue) -> JSONValue? {
    var place = value
    for step in steps {
      guard let next = place[step] else { return nil }
      place = next
    }
    return place
  }

  private mutating func scalar(at steps: [String], in value: JSONValue, _ name: String) -> String? {
    guard let found = Flattening.find(steps, in: value) else { return nil }
    switch found {
    case .null: return nil
    case .boolean(let flag): return flag ? "true" : "false"
    case .number(let text), .text(let text): return text
    case .array, .object:
      faults.append(Fault(field: name, rule: Rule.type, detail: "must be a single value: the mapping takes one from here"))
      return nil
    }
  }
}
