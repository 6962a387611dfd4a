// What the tests of ingest share: rules, records, a store in memory, seeded chance.
import Contracts
import Domain
import Documents
import Handling
import Hashing
import Testing
import Text

@testable import IngestCore

/// Random numbers from a seed, so that a failure can be repeated (SplitMix64).
struct Chance: RandomNumberGenerator {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1 }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var bits = state
    bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
    return bits ^ bits >> 31
  }
}

enum Kit {
  /// 2026-07-01T12:00:00Z
  static let now = Instant(seconds: 1_782_907_200)
  static let shanghai: BusinessZone = {
    let periods = TimeZoneFile.builtIn("Asia/Shanghai") ?? (0, [])
    return BusinessZone(
      name: "Asia/Shanghai", firstOffsetSeconds: periods.firstOffset,
      periods: periods.periods.map { .init(startsAt: $0.startsAt, offsetSeconds: $0.offset) })
  }()

  static func rules(_ rates: String = "USD=7.12,JPY=0.0475,KWD=23.1") throws -> IngestRules {
    IngestRules(zone: shanghai, rates: try ExchangeRates(rates, base: .cny), zoneNamed: { $0 == "UTC" ? .utc : $0 == "Asia/Shanghai" ? shanghai : nil })
  }

  static func input(_ json: String, headers: [String: String] = [:], stream: InputStream = .orders) -> InputRecord {
    InputRecord(stream: stream, value: Array(json.utf8)) { headers[$0] }
  }

  static func read(_ json: String, headers: [String: String] = [:], stream: InputStream = .orders, now: Instant = Kit.now) throws -> Verdict {
    RecordReading(rules: try rules()).read(input(json, headers: headers, stream: stream), mapping: nil, now: now)
  }

  /// The order that a good record becomes.
  static func order(_ json: String, headers: [String: String] = [:]) throws -> OrderFact {
    let verdict = try read(json, headers: headers)
    guard case .fact(.order(let fact)) = verdict else { throw Surprise("\(verdict)") }
    return fact
  }

  static func customer(_ json: String, headers: [String: String] = [:]) throws -> CustomerEvent {
    let verdict = try read(json, headers: headers, stream: .customers)
    guard case .fact(.customer(let event)) = verdict else { throw Surprise("\(verdict)") }
    return event
  }

  /// `field.rule` of every reason, in order.
  static func codes(_ json: String, headers: [String: String] = [:], stream: InputStream = .orders) throws -> [String] {
    codes(try read(json, headers: headers, stream: stream))
  }

  static func codes(_ verdict: Verdict) -> [String] {
    guard case .refused(let faults) = verdict else { return [] }
    return faults.map { "\($0.field).\($0.rule)" }
  }

  /// A mapping of this text, ready to use.
  static func mapping(_ yaml: String) throws -> CompiledMapping {
    let rules = try rules()
    let mapping = try MappingDocument.decode(Array(yaml.utf8), source: "test")
    return try CompiledMapping(id: "test@1", mapping, zone: rules.zone, zoneNamed: rules.zoneNamed)
  }

  /// The repository's root, from where this file stands.
  static let root: String = {
    var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
    parts.removeLast(3)
    return parts.joined(separator: "/")
  }()
}

struct Surprise: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// The tables of ingest in memory; commits what a batch wrote at once.
struct MemoryIngestStore: IngestStore {
  var facts: [Digest128: StoredFact] = [:]
  var orders: [Digest128: OrderHome] = [:]
  var waiting: [WaitingFact] = []
  var imports: [ImportCount.Key: (records: Int64, lines: Int64)] = [:]
  var sources: [String: SourceCount] = [:]

  mutating func load(facts keys: [Digest128], orders wanted: [Digest128]) -> (facts: [StoredFact], orders: [OrderHome]) {
    (keys.compactMap { facts[$0] }, wanted.compactMap { orders[$0] })
  }
  mutating func takeWaiting(_ keys: [Digest128]) -> [WaitingFact] {
    let taken = waiting.filter { keys.contains($0.orderKey) }
    waiting.removeAll { keys.contains($0.orderKey) }
    return taken
  }

  mutating func write(_ changes: IngestChanges) throws {
    for fact in changes.facts { facts[fact.key] = fact }
    for order in changes.newOrders + changes.foundOrders { orders[order.key] = order }
    waiting += changes.waiting
    for count in changes.imports {
      let standing = imports[count.key] ?? (0, 0)
      imports[count.key] = (standing.records + count.records, standing.lines + count.lines)
    }
    for count in changes.sources {
      var sum = sources[count.source] ?? SourceCount(source: count.source)
      sum.records += count.records
      sum.accepted += count.accepted
      sum.duplicates += count.duplicates
      sum.refused += count.refused
      sources[count.source] = sum
    }
  }

  func import_(_ outcome: ImportCount.Outcome) -> (records: Int64, lines: Int64) {
    imports.filter { $0.key.outcome == outcome }.reduce((0, 0)) { ($0.0 + $1.value.records, $0.1 + $1.value.lines) }
  }
}

/// Records of one partition, applied in batches.
struct Feed {
  var reading: RecordReading
  var topic = Topics.ordersIn.name
  var partition: Int32 = 0
  var offset: Int64 = 0

  init() throws { reading = RecordReading(rules: try Kit.rules()) }

  mutating func judged(_ record: InputRecord, mapping: CompiledMapping? = nil) -> Judged {
    defer { offset += 1 }
    return Judged(
      record: record, place: InputPlace(topic: topic, partition: partition, offset: offset),
      verdict: reading.read(record, mapping: mapping, now: Kit.now))
  }

  mutating func apply(_ records: [InputRecord], to store: inout some IngestStore) throws -> IngestOutcome {
    let batch = records.map { judged($0) }
    return try IngestBatch.apply(batch, to: &store, hasher: try FactHasher(), zone: Kit.shanghai, at: Kit.now)
  }
}

extension IngestOutcome {
  var orders: [OrderEvent] { publications.compactMap { if case .order(let event) = $0.event { event } else { nil } } }
  var customers: [CustomerEvent] { publications.compactMap { if case .customer(let event) = $0.event { event } else { nil } } }
  /// `field.rule` of the first reason of every refusal.
  var codes: [String] { refusals.map { $0.faults.first?.code ?? "" } }
}
