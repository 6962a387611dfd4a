// What one batch of records does (I-05, I-06): duplicates dropped, conflicts refused, orders given their home, the rest published.
import Contracts
public import Domain
public import Handling
import Hashing

/// One record with the verdict on it.
public struct Judged: Sendable {
  public var record: InputRecord
  public var place: InputPlace
  public var verdict: Verdict
  /// The source that a refused record names itself, where it is one that is known: anything may stand there.
  public var knownSource: String?

  public init(record: InputRecord, place: InputPlace, verdict: Verdict, knownSource: String? = nil) {
    self.record = record
    self.place = place
    self.verdict = verdict
    self.knownSource = knownSource
  }
}

/// An event to be published when the transaction has committed.
public struct Publication: Hashable, Sendable {
  public enum Event: Hashable, Sendable {
    case order(OrderEvent)
    case customer(CustomerEvent)
    case interaction(InteractionEvent)
  }
  public var event: Event
  public var traceParent: String

  /// The identifier whose hash is the record's key: the home.
  public var home: Identifier? {
    switch event {
    case .order(let event): event.identifiers.first
    case .customer(let event): event.identifiers.first
    case .interaction(let event): event.identifiers.first
    }
  }
}

public struct IngestOutcome: Sendable {
  public var publications: [Publication] = []
  /// Places in the batch, with every reason.
  public var refusals: [(index: Int, faults: [Fault])] = []
}

public struct IngestBatch {
  private let hasher: FactHasher
  private let now: Instant
  private var facts: [Digest128: StoredFact] = [:]
  private var homes: [Digest128: OrderHome] = [:]
  private var standingOrders: Set<Digest128> = []
  private var foundOrders: Set<Digest128> = []
  /// Facts of this batch that wait, until it is known whether their order comes in it.
  private var waiting: [WaitingFact] = []
  private var changes = IngestChanges()
  private var imports: [ImportCount.Key: (records: Int64, lines: Int64)] = [:]
  private var sources: [String: SourceCount] = [:]
  private var quality: [String: QualityCount] = [:]
  private var outcome = IngestOutcome()

  private struct Keys {
    let natural: Digest128
    /// nil where the source named no event, or the natural key is the event's.
    let event: Digest128?
    let order: Digest128?
    let digest: Int64
  }

  private init(hasher: FactHasher, now: Instant) {
    self.hasher = hasher
    self.now = now
  }

  /// Applies a batch of one partition. The same records in any order and any batches end in the same published events, but for
  /// conflicts: of those the first stands.
  public static func apply(
    _ records: [Judged], to store: inout some IngestStore, hasher: FactHasher, zone: BusinessZone, at now: Instant
  ) throws -> IngestOutcome {
    var batch = IngestBatch(hasher: hasher, now: now)
    let keys = try records.map { record in try batch.keys(of: record.verdict) }
    try batch.load(keys, &store)
    for (index, record) in records.enumerated() { batch.decide(record, keys[index], index) }
    try batch.release(&store)
    try batch.write(&store, lane: records.first?.place.lane ?? "", day: zone.day(of: now))
    return batch.outcome
  }

  private func keys(of verdict: Verdict) throws -> Keys? {
    guard case .fact(let fact) = verdict else { return nil }
    let natural = try hasher.naturalKey(fact)
    let digest = try hasher.contentDigest(fact)
    guard case .order(let order) = fact else { return Keys(natural: natural, event: nil, order: nil, digest: digest) }
    return Keys(
      natural: natural, event: order.hasOwnEventID ? try hasher.eventKey(order.event.source, order.event.eventID) : nil,
      order: try order.event.orderID.map { try hasher.orderKey(order.event.source, $0) }, digest: digest)
  }

  private mutating func load(_ keys: [Keys?], _ store: inout some IngestStore) throws {
    var wanted: Set<Digest128> = []
    // Orders of facts that came before too: to leave them out would take a round trip more.
    var orders: Set<Digest128> = []
    for case let keys? in keys {
      wanted.insert(keys.natural)
      if let event = keys.event { wanted.insert(event) }
      if let order = keys.order { orders.insert(order) }
    }
    guard !wanted.isEmpty else { return }
    let found = try store.load(facts: wanted.sorted(), orders: orders.sorted())
    for fact in found.facts { facts[fact.key] = fact }
    for order in found.orders {
      homes[order.key] = order
      standingOrders.insert(order.key)
    }
  }

  // MARK: - Deciding

  private mutating func decide(_ record: Judged, _ keys: Keys?, _ index: Int) {
    switch record.verdict {
    case .refused(let faults): refuse(record, index, faults)
    case .skipped(let reason): count(record, .skipped, reason)
    case .fact(let fact):
      guard let keys else { return }
      if let standing = facts[keys.natural] {
        if standing.digest == keys.digest { return count(record, .duplicate) }
        return refuse(record, index, [conflict(with: standing, fact)])
      }
      if let event = keys.event, let standing = facts[event] {
        return refuse(record, index, [IngestBatch.conflict("event_id", "event id", standing)])
      }
      if case .order(let order) = fact, let orderKey = keys.order, let fault = moved(order.event, orderKey) {
        return refuse(record, index, [fault])
      }
      accept(record, fact, keys)
    }
  }

  private func conflict(with standing: StoredFact, _ fact: Fact) -> Fault {
    switch fact {
    case .customer, .interaction: IngestBatch.conflict("event_id", "event id", standing)
    case .order(let order):
      switch order.event.kind {
      case .order, .cancellation: IngestBatch.conflict("order_id", "order id and revision", standing)
      case .payment, .refund: IngestBatch.conflict("reference", "reference", standing)
      }
    }
  }

  private static func conflict(_ field: String, _ name: String, _ standing: StoredFact) -> Fault {
    Fault(
      field: field, rule: Rule.conflict,
      detail: "another content with this \(name) came first, \(FirstOfConflict(standing).description), and stands")
  }

  /// An order belongs to one person: strong identifiers that contradict those it came with first are refused, unless another agrees.
  private func moved(_ event: OrderEvent, _ orderKey: Digest128) -> Fault? {
    guard let home = homes[orderKey]?.home, !home.isEmpty else { return nil }
    let strong = event.identifiers.filter(\.isStrong)
    let standing = home.filter(\.isStrong)
    guard !strong.contains(where: standing.contains),
      let other = strong.first(where: { given in standing.contains { $0.kind == given.kind } })
    else { return nil }
    return Fault(
      field: "customer.\(other.kind.name)", rule: Rule.orderMoved,
      detail: "`\(masked(other.value))` is another person than the order came with first")
  }

  private mutating func accept(_ record: Judged, _ fact: Fact, _ keys: Keys) {
    for key in [keys.natural, keys.event].compactMap({ $0 }) {
      let stored = StoredFact(key: key, digest: keys.digest, receivedAt: now, place: record.place)
      facts[key] = stored
      changes.facts.append(stored)
    }
    count(record, .accepted)
    let trace = record.record.traceParent ?? TraceText.made(of: record.place)
    switch fact {
    case .customer(let event): outcome.publications.append(Publication(event: .customer(event), traceParent: trace))
    case .order(let order): accept(order, keys.order, trace)
    case .interaction(let fact):
      outcome.publications.append(Publication(event: .interaction(fact.event), traceParent: trace))
      tell(fact.attributes, source: fact.event.source, of: fact.event.eventID, fact.event.occurredAt, fact.event.identifiers, trace)
    }
  }

  /// What a record about something else told about the person is a fact of its own.
  private mutating func tell(
    _ attributes: [CustomerAttribute: String], source: String, of eventID: String, _ occurredAt: Instant, _ identifiers: [Identifier], _ trace: String
  ) {
    guard !attributes.isEmpty else { return }
    let told = CustomerEvent(
      source: source, eventID: eventID + "/customer", occurredAt: occurredAt, identifiers: identifiers, attributes: attributes)
    outcome.publications.append(Publication(event: .customer(told), traceParent: trace))
  }

  private mutating func accept(_ fact: OrderFact, _ orderKey: Digest128?, _ trace: String) {
    var event = fact.event
    if let orderKey {
      let known = homes[orderKey]
      if event.identifiers.isEmpty, known?.home.isEmpty ?? true {
        if known == nil { homes[orderKey] = OrderHome(key: orderKey, home: []) }
        waiting.append(WaitingFact(orderKey: orderKey, event: event, traceParent: trace))
        return
      }
      if known?.home.isEmpty ?? true {
        homes[orderKey] = OrderHome(key: orderKey, home: event.identifiers)
        if standingOrders.contains(orderKey) { foundOrders.insert(orderKey) }
      }
      event.identifiers = IngestBatch.identifiers(of: event, home: homes[orderKey]?.home ?? [])
    }
    outcome.publications.append(Publication(event: .order(event), traceParent: trace))
    tell(fact.attributes, source: event.source, of: event.eventID, event.occurredAt, event.identifiers, trace)
  }

  /// The home first, then the event's own, strongest first, none twice.
  private static func identifiers(of event: OrderEvent, home: [Identifier]) -> [Identifier] {
    guard let first = home.first else { return event.identifiers }
    let own = event.identifiers.first { $0.kind == first.kind && $0.value == first.value }
    let head = own.map { $0.isStrong ? $0 : first } ?? first
    return [head] + event.identifiers.filter { $0.kind != first.kind || $0.value != first.value }
  }

  // MARK: - Waiting

  /// Publishes what waited for the orders of this batch; keeps what still waits.
  private mutating func release(_ store: inout some IngestStore) throws {
    let before = foundOrders.isEmpty ? [] : try store.takeWaiting(foundOrders.sorted())
    for fact in before + waiting {
      let home = homes[fact.orderKey]?.home ?? []
      if home.isEmpty {
        changes.waiting.append(fact)
      } else {
        var event = fact.event
        event.identifiers = IngestBatch.identifiers(of: event, home: home)
        outcome.publications.append(Publication(event: .order(event), traceParent: fact.traceParent))
      }
    }
  }

  // MARK: - Counting and writing

  private mutating func refuse(_ record: Judged, _ index: Int, _ faults: [Fault]) {
    outcome.refusals.append((index, faults))
    count(record, .quarantined, faults.first?.code ?? "", faults)
  }

  private mutating func count(_ record: Judged, _ what: ImportCount.Outcome, _ reason: String = "", _ faults: [Fault] = []) {
    if let importID = record.record.importID {
      let key = ImportCount.Key(
        importID: importID, outcome: what, reason: InputRecord.shortened(reason, bytesMax: ContractLimits.idBytesMax))
      let counted = imports[key] ?? (0, 0)
      imports[key] = (counted.records + 1, counted.lines + record.record.lines)
    }
    guard let source = source(of: record) else { return }
    var counts = sources[source] ?? SourceCount(source: source)
    counts.records += 1
    switch what {
    case .accepted: counts.accepted += 1
    case .duplicate: counts.duplicates += 1
    case .quarantined: counts.refused += 1
    case .skipped: break
    }
    sources[source] = counts
    if what != .skipped { judge(record, what, source, faults) }
  }

  /// What was left out on purpose says nothing about quality.
  private mutating func judge(_ record: Judged, _ what: ImportCount.Outcome, _ source: String, _ faults: [Fault]) {
    let stream = if case .fact(let fact) = record.verdict { fact.stream } else { record.record.stream }
    let key = stream.rawValue + "/" + source
    var counts = quality[key] ?? QualityCount(source: source, stream: stream.rawValue)
    counts.records += 1
    switch what {
    case .accepted:
      counts.accepted += 1
      if case .fact(let fact) = record.verdict { counts.accept(fact, at: now, isImported: record.record.importID != nil) }
    case .duplicate: counts.duplicates += 1
    case .quarantined:
      counts.refused += 1
      counts.refuse(faults)
    case .skipped: break
    }
    quality[key] = counts
  }

  /// Only names that a record got through with, or that were given beside it, are counted: anything may stand in a refused one.
  private func source(of record: Judged) -> String? {
    if case .fact(let fact) = record.verdict { return fact.source }
    return (record.record.source ?? record.knownSource).map { InputRecord.shortened($0, bytesMax: ContractLimits.wordBytesMax) }
  }

  private mutating func write(_ store: inout some IngestStore, lane: String, day: Day) throws {
    changes.facts.sort { $0.key < $1.key }
    changes.newOrders = homes.values.filter { !standingOrders.contains($0.key) }.sorted { $0.key < $1.key }
    changes.foundOrders = foundOrders.compactMap { homes[$0] }.sorted { $0.key < $1.key }
    changes.imports = imports.map { ImportCount(key: $0, records: $1.records, lines: $1.lines) }
      .sorted { ($0.key.importID, $0.key.outcome.rawValue, $0.key.reason) < ($1.key.importID, $1.key.outcome.rawValue, $1.key.reason) }
    changes.sources = sources.values.sorted { $0.source < $1.source }
    changes.quality = quality.values.sorted { ($0.source, $0.stream) < ($1.source, $1.stream) }
    changes.lane = lane
    changes.day = day
    changes.now = now
    try store.write(changes)
  }
}

/// Where and when the first of two conflicting records came, as it stands in a reason and can be read back from it.
public struct FirstOfConflict: Hashable, Sendable, CustomStringConvertible {
  public let place: InputPlace
  public let receivedAt: String

  init(_ fact: StoredFact) {
    place = fact.place
    receivedAt = InstantText.text(fact.receivedAt)
  }

  public var description: String { "at \(receivedAt) in \(place.topic)/\(place.partition)@\(place.offset)" }

  /// Reads it out of a reason's detail; nil when it is not there.
  public init?(in detail: String) {
    let words = detail.split(separator: " ")
    guard let at = words.firstIndex(of: "at"), words.count > at + 3, words[at + 2] == "in" else { return nil }
    let text = words[at + 3].last == "," ? words[at + 3].dropLast() : words[at + 3]
    guard let slash = text.lastIndex(of: "/"), let mark = text.lastIndex(of: "@"), slash < mark,
      let partition = Int32(text[text.index(after: slash)..<mark]), let offset = Int64(text[text.index(after: mark)...])
    else { return nil }
    place = InputPlace(topic: String(text[..<slash]), partition: partition, offset: offset)
    receivedAt = String(words[at + 1])
  }
}
