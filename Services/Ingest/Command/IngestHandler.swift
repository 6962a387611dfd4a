// The use case behind the public topics: records in, facts out, everything else to quarantine.
import Contracts
import Domain
import Handling
import Hashing
import IngestCore
import IngestStore
import Kafka
import Messaging
import Postgres
import Synchronization
import Telemetry
import Text

struct IngestItem: Sendable {
  let record: InputRecord
  let place: InputPlace
  /// What reading it came to; nil where that needs something that only the database knows.
  let verdict: Verdict?
  /// The mapping it was read by; nil: the contract.
  let mapping: String?
}

final class IngestHandler: RecordHandler {
  typealias Item = IngestItem

  let consumer = "ingest"
  let hasLanes = false
  private let settings: IngestSettings
  private let reading: RecordReading
  private let catalog: MappingCatalog
  private let clock: any BusinessClock
  private let logger: Logger
  private let knownSources = Mutex<Set<String>>([])

  /// Sources remembered as registered.
  private static let knownSourcesMax = 10_000

  init(settings: IngestSettings, catalog: MappingCatalog, clock: any BusinessClock, logger: Logger = .silent) {
    self.settings = settings
    self.catalog = catalog
    self.clock = clock
    self.logger = logger
    reading = RecordReading(rules: settings.rules)
  }

  func source(of record: borrowing BorrowedRecord) -> String {
    if let source = record.headerText(Header.inputSource), !source.isEmpty { return shortened(source) }
    // A record in our contract names its source itself.
    if let value = record.value, value.count <= IngestRules.valueBytesMax, let source = SourceField.find(value) { return shortened(source) }
    return record.headerText(Header.source).map(shortened) ?? ""
  }

  private func shortened(_ text: String) -> String { String(text.prefix(ContractLimits.wordBytesMax)) }

  func read(_ record: borrowing BorrowedRecord, topic: String) -> Reading<IngestItem> {
    guard let value = record.value else { return .ignored }
    var headers: [String: String] = [:]
    record.forEachHeader { name, value in
      let name = String(decoding: name, as: UTF8.self)
      if let value, headers[name] == nil { headers[name] = String(decoding: value, as: UTF8.self) }
    }
    // Of a record that is refused for its size nothing more is needed than that.
    let kept = value.count <= IngestRules.valueBytesMax ? [UInt8](value) : [UInt8](repeating: 0x20, count: IngestRules.valueBytesMax + 1)
    let input = InputRecord(stream: InputStream(topic: topic) ?? .orders, value: kept) { headers[$0] }
    let place = InputPlace(topic: topic, partition: record.partition, offset: record.offset)
    return .item(item(input, place))
  }

  private func item(_ input: InputRecord, _ place: InputPlace) -> IngestItem {
    var id = input.mapping
    if id == nil, let source = input.source {
      guard let known = catalog.defaultMapping(of: source) else {
        return IngestItem(record: input, place: place, verdict: nil, mapping: nil)
      }
      id = known
    }
    if let id {
      guard let mapping = catalog[id] else { return IngestItem(record: input, place: place, verdict: nil, mapping: id) }
      return IngestItem(record: input, place: place, verdict: reading.read(input, mapping: mapping, now: clock.now()), mapping: id)
    }
    return IngestItem(record: input, place: place, verdict: reading.read(input, mapping: nil, now: clock.now()), mapping: nil)
  }

  func apply(_ items: [IngestItem], _ kept: inout NothingKept, _ scope: inout BatchScope) throws -> [Refusal] {
    let judged = try settle(items, scope.session, at: scope.now)
    var store = PostgresIngestStore(scope.session)
    let outcome = try IngestBatch.apply(judged, to: &store, hasher: try FactHasher(), zone: settings.rules.zone, at: scope.now)
    try noteSources(judged, scope.session, at: scope.now)
    let keys = try KeyedHasher(key: settings.pseudonymKey)
    for publication in outcome.publications { scope.send(try IngestHandler.message(publication, keys)) }
    return outcome.refusals.map { Refusal(index: $0.index, faults: $0.faults) }
  }

  /// What is known of sources, all in one question: those of the records, and whose the records say they are as far as they have been read.
  private struct Sources {
    var asked: Set<String>
    var known: [String: KnownSource]

    init(of items: [IngestItem], _ session: PostgresSession) throws {
      asked = Set(items.compactMap(\.record.source))
      for item in items { if let name = IngestHandler.name(of: item.record, item.verdict) { asked.insert(name) } }
      known = asked.isEmpty ? [:] : try SourceTable.known(asked.sorted(), session)
    }

    /// Names that came up since.
    mutating func ask(_ names: [String?], _ session: PostgresSession) throws {
      let new = Set(names.compactMap { $0 }).subtracting(asked)
      guard !new.isEmpty else { return }
      asked.formUnion(new)
      known.merge(try SourceTable.known(new.sorted(), session)) { $1 }
    }
  }

  /// Reads what could not be read before, and anew what was read by a mapping that is no longer its source's.
  private func settle(_ items: [IngestItem], _ session: PostgresSession, at now: Instant) throws -> [Judged] {
    var mappings: Set<String> = []
    var sources: Set<String> = []
    for item in items {
      if let mapping = item.record.mapping {
        if item.verdict == nil { mappings.insert(mapping) }
      } else if let source = item.record.source {
        sources.insert(source)
      }
    }
    var known = try Sources(of: items, session)
    let isNothing = mappings.isEmpty && sources.isEmpty
    let defaults = isNothing ? [:] : try catalog.load(mappings: mappings, sources: sources, known.known, session)
    let judged = items.map { item -> Judged in
      let wanted = item.record.mapping ?? item.record.source.flatMap { defaults[$0] ?? nil }
      if let verdict = item.verdict, wanted == item.mapping { return Judged(record: item.record, place: item.place, verdict: verdict) }
      let verdict: Verdict =
        if let wanted, catalog[wanted] == nil { .refused([IngestHandler.unknownMapping]) } else {
          reading.read(item.record, mapping: wanted.flatMap { catalog[$0] }, now: now)
        }
      return Judged(record: item.record, place: item.place, verdict: verdict)
    }
    return try stopped(judged, &known, session)
  }

  /// Whose a record is; nil where it names nobody who could be known.
  private static func name(of record: InputRecord, _ verdict: Verdict?) -> String? {
    let name = if case .fact(let fact)? = verdict { fact.source } else { record.source ?? SourceField.find(record.value) }
    return name.flatMap { $0.utf8.count <= ContractLimits.wordBytesMax && !$0.utf8.contains(0) ? $0 : nil }
  }

  /// Refuses the records of sources that are blocked, and says whose the refused ones are that name a source which is known (I-01).
  private func stopped(_ judged: [Judged], _ known: inout Sources, _ session: PostgresSession) throws -> [Judged] {
    let names = judged.map { IngestHandler.name(of: $0.record, $0.verdict) }
    try known.ask(names, session)
    let states = known.known
    guard !states.isEmpty else { return judged }
    return zip(judged, names).map { record, name in
      guard let name, let source = states[name] else { return record }
      var record = record
      record.knownSource = name
      if source.state == .blocked { record.verdict = .refused([IngestHandler.blocked]) }
      return record
    }
  }

  static let blocked = Fault(
    field: "source", rule: Rule.blocked, detail: "the source is blocked; `clientele source set NAME --state active` lets it in again, then replay")

  static let unknownMapping = Fault(
    field: "mapping", rule: Rule.unknown, detail: "there is no usable mapping of this id; register it with PUT /v1/mappings, then replay")

  private func noteSources(_ judged: [Judged], _ session: PostgresSession, at now: Instant) throws {
    var names: Set<String> = []
    for record in judged { if case .fact(let fact) = record.verdict { names.insert(fact.source) } }
    let new = knownSources.withLock { names.subtracting($0) }
    guard !new.isEmpty else { return }
    try SourceTable.note(Array(new), at: now, session)
    // A transaction that fails leaves a name here that is not in the table; the next process notes it. Nothing depends on it.
    knownSources.withLock { known in
      if known.count + new.count > IngestHandler.knownSourcesMax { known = [] }
      known.formUnion(new)
    }
  }

  static func message(_ publication: Publication, _ keys: KeyedHasher) throws -> OutgoingMessage {
    var key: [UInt8] = []
    if let home = publication.home {
      let digest = try keys.hash(word: UInt8(truncatingIfNeeded: home.kind.rawValue), home.value)
      key = Array(IdentityKey(high: digest.high, low: digest.low).hexadecimal.utf8)
    }
    switch publication.event {
    case .order(let event):
      return OutgoingMessage(
        topic: Topics.orders.name, key: key, value: JSONWriter.bytes { event.write(to: &$0) }, id: event.source + "/" + event.eventID,
        type: EventType.order, time: event.occurredAt, traceParent: publication.traceParent)
    case .customer(let event):
      return OutgoingMessage(
        topic: Topics.customers.name, key: key, value: JSONWriter.bytes { event.write(to: &$0) }, id: event.source + "/" + event.eventID,
        type: EventType.customer, time: event.occurredAt, traceParent: publication.traceParent)
    case .interaction(let event):
      let (topic, type) = IngestHandler.place(of: event)
      return OutgoingMessage(
        topic: topic.name, key: key, value: JSONWriter.bytes { event.write(to: &$0) }, id: event.source + "/" + event.eventID, type: type,
        time: event.occurredAt, traceParent: publication.traceParent)
    }
  }

  private static func place(of event: InteractionEvent) -> (topic: Topic, type: String) {
    switch event {
    case .contact: (Topics.contacts, EventType.contact)
    case .behaviour: (Topics.behaviours, EventType.behaviour)
    case .answer: (Topics.answers, EventType.answer)
    }
  }
}

/// The `source` of a record in our contract, found without reading the rest.
enum SourceField {
  static func find(_ value: [UInt8]) -> String? { value.withUnsafeBytes { find($0) } }

  static func find(_ bytes: UnsafeRawBufferPointer) -> String? {
    var reader = JSONReader(bytes)
    do throws(JSONFault) {
      guard reader.peek() == .object else { return nil }
      try reader.beginObject("record")
      while let key = try reader.nextKey() {
        if key.is("source"), reader.peek() == .text { return try reader.text("source", bytesMax: .max).string }
        try reader.skip()
      }
    } catch { return nil }
    return nil
  }
}
