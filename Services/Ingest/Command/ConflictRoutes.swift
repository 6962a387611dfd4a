// Conflicts side by side, and a try of what a correction would do, before anything is published (I-05, I-06).
import Access
import Contracts
import Domain
import Handling
import HTTP
import IngestCore
import IngestStore
import Kafka
import Lifecycle
import Messaging
import Postgres
import Text

extension IngestRoutes {
  /// Conflicts in one answer: for each the first record is read from its topic.
  static let conflictsMax: Int64 = 100
  static let conflictsDefault: Int64 = 20

  /// The rule alone, whatever the field: `order_id.conflict`, `event_id.conflict`, `reference.conflict`.
  func listConflicts(_ request: Request) async throws -> Response {
    let after = try IngestRoutes.number(request, "after", default: 0, in: 0...Int64.max)
    let limit = try IngestRoutes.number(request, "limit", default: IngestRoutes.conflictsDefault, in: 1...IngestRoutes.conflictsMax)
    let look = try raw(request)
    let source = try IngestRoutes.text(request, "source")
    let records = try await pool.withSession { session in
      try QuarantineTable.list(after: after, state: .open, source: source, rule: Rule.conflict, limit: Int(limit), session)
    }
    var conflicts: [JSONValue] = []
    for record in records {
      conflicts.append(.object(IngestRoutes.describe(record, look) + (await conflict(record, look))))
    }
    return IngestRoutes.json([
      "conflicts": .array(conflicts), "last_id": .integer(records.last?.id ?? after), "more": .boolean(records.count == Int(limit)),
    ])
  }

  /// What a conflicting record is shown beside; nothing for one that was refused for something else.
  func conflict(_ record: QuarantinedRecord, _ look: Look?) async -> [JSONMember] {
    let details = (record.reasons.arrayValue ?? []).filter { $0["rule"]?.stringValue == Rule.conflict }.compactMap { $0["detail"]?.stringValue }
    guard let first = details.lazy.compactMap({ FirstOfConflict(in: $0) }).first else { return [] }
    let value = await value(at: first.place)
    var members = [
      JSONMember("topic", .text(first.place.topic)), JSONMember("partition", .integer(Int64(first.place.partition))),
      JSONMember("offset", .integer(first.place.offset)), JSONMember("received_at", .text(first.receivedAt)),
      JSONMember("is_gone", .boolean(value == nil)),
    ]
    guard let value else { return [JSONMember("first", .object(members))] }
    let isRaw = IngestRoutes.isRaw(look, "\(first.place.topic) \(first.place.partition) \(first.place.offset)")
    members.append(JSONMember("value", IngestRoutes.shown(value, isRaw: isRaw)))
    guard let comparison = RecordComparison(first: value, second: record.value ?? []) else { return [JSONMember("first", .object(members))] }
    func shown(_ value: JSONValue?) -> JSONValue { value.map { isRaw ? $0 : MaskedValue.of($0) } ?? .null }
    let differences = comparison.differences.map { difference -> JSONValue in
      ["field": .text(difference.field), "first": shown(difference.first), "second": shown(difference.second)]
    }
    return [
      JSONMember("first", .object(members)), JSONMember("differences", .array(differences)),
      JSONMember("has_more_differences", .boolean(comparison.isCut)),
    ]
  }

  /// A record of a topic, as long as its log holds it.
  private func value(at place: InputPlace) async -> [UInt8]? {
    guard let probe = parts.probe else { return nil }
    let found = try? await OwnedThread.value(name: "first-record") {
      Result { try probe.record(TopicPartition(topic: place.topic, partition: place.partition), at: place.offset) }
    }
    guard case .success(let record?) = found, record.offset == place.offset else { return nil }
    return record.value
  }

  /// What would become of a quarantined record if it were replayed, corrected as said. Nothing is published.
  ///
  /// Whether it repeats or contradicts another is only found out behind the topic.
  func tryOne(_ request: Request) async throws -> Response {
    let record = try await quarantined(request)
    let look = try raw(request)
    let value = request.body.isEmpty ? record.value ?? [] : request.body
    let replacement = try await replacement(request)
    let input = InputRecord(stream: InputStream(topic: record.topic) ?? .orders, value: value) { name in
      if name == Header.mapping, let replacement { return replacement }
      return record.headers.first { $0.name == name }?.value.map { String(decoding: $0, as: UTF8.self) }
    }
    let catalog = parts.catalog
    let defaults = try await pool.withSession { session in
      try catalog.load(mappings: input.mapping.map { [$0] } ?? [], sources: input.mapping == nil ? input.source.map { [$0] } ?? [] : [], session)
    }
    let wanted = input.mapping ?? input.source.flatMap { defaults[$0] ?? nil }
    let verdict: Verdict =
      if let wanted, catalog[wanted] == nil { .refused([IngestHandler.unknownMapping]) } else {
        parts.reading.read(input, mapping: wanted.flatMap { catalog[$0] }, now: clock.now())
      }
    var isRaw = false
    if case .fact = verdict { isRaw = IngestRoutes.isRaw(look, "quarantine \(record.id)") }
    return IngestRoutes.json(.object([JSONMember("id", .integer(record.id))] + IngestRoutes.describe(verdict, isRaw: isRaw)))
  }

  static func describe(_ verdict: Verdict, isRaw: Bool) -> [JSONMember] {
    switch verdict {
    case .fact(let fact):
      [
        JSONMember("outcome", "accepted"), JSONMember("kind", .text(fact.kindName)),
        JSONMember("event", isRaw ? fact.message : MaskedValue.of(fact.message)),
      ]
    case .skipped(let reason): [JSONMember("outcome", "skipped"), JSONMember("reason", .text(reason))]
    case .refused(let faults): [JSONMember("outcome", "refused"), JSONMember("reasons", reasonsJSON(faults))]
    }
  }
}
