// What was refused: listed, looked at, corrected, sent again, or put aside (I-05).
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
  /// Records in one answer, or replayed by one request.
  static let quarantinedMax: Int64 = 1_000

  func listQuarantine(_ request: Request) async throws -> Response {
    let after = try IngestRoutes.number(request, "after", default: 0, in: 0...Int64.max)
    let limit = try IngestRoutes.number(request, "limit", default: 100, in: 1...IngestRoutes.quarantinedMax)
    let state = try IngestRoutes.state(request)
    let look = try raw(request)
    let (source, reason) = (try IngestRoutes.text(request, "source"), try IngestRoutes.text(request, "reason"))
    let records = try await pool.withSession { session in
      try QuarantineTable.list(after: after, state: state, source: source, reason: reason, limit: Int(limit), session)
    }
    return IngestRoutes.json(.array(records.map { .object(IngestRoutes.describe($0, look)) }))
  }

  private static func state(_ request: Request) throws -> QuarantinedRecord.State? {
    switch request.query["state"] {
    case nil, "open": return .open
    case "all": return nil
    case let name:
      guard let state = QuarantinedRecord.State.allCases.first(where: { $0.name == name }) else {
        throw Problem(.badRequest, detail: "state must be open, replayed, dismissed or all")
      }
      return state
    }
  }

  func countQuarantine() async throws -> Response {
    let counts = try await pool.withSession { try QuarantineTable.counts($0) }
    return IngestRoutes.json(
      .array(
        counts.map { count in
          [
            "source": .text(count.source), "reason": .text(count.reason),
            "state": .text(QuarantinedRecord.State(rawValue: count.state)?.name ?? String(count.state)), "records": .integer(count.records),
            "lines": .integer(count.lines),
          ]
        }))
  }

  func showQuarantined(_ request: Request) async throws -> Response {
    let record = try await quarantined(request)
    let look = try raw(request)
    var members = IngestRoutes.describe(record, look)
    members += await conflict(record, look)
    return IngestRoutes.json(.object(members))
  }

  func quarantined(_ request: Request) async throws -> QuarantinedRecord {
    let text = try request.parameter("id")
    guard let id = Int64(text), id > 0, let record = try await pool.withSession({ try QuarantineTable.find(id, $0) }) else {
      throw Problem(.notFound, detail: "there is no quarantined record \(text)")
    }
    return record
  }

  static func describe(_ record: QuarantinedRecord, _ look: Look?) -> [JSONMember] {
    let known = [
      Header.inputSource, Header.mapping, Header.importID, Header.line, Header.lines, Header.replayOf, Header.traceParent, Header.id,
    ]
    let headers = record.headers.filter { known.contains($0.name) }.map { header in
      JSONMember(header.name, .textOrNull(header.value.map { String(decoding: $0, as: UTF8.self) }))
    }
    return [
      JSONMember("id", .integer(record.id)), JSONMember("topic", .text(record.topic)),
      JSONMember("partition", .integer(Int64(record.partition))),
      JSONMember("offset", .integer(record.offset)), JSONMember("source", .text(record.source)),
      JSONMember("received_at", text(record.receivedAt)),
      JSONMember("state", .text(record.state.name)), JSONMember("lines", .integer(Int64(record.lines))),
      JSONMember("reasons", record.reasons),
      JSONMember("headers", .object(headers)), JSONMember("value", shown(record.value, isRaw: isRaw(look, "quarantine \(record.id)"))),
    ]
  }

  /// A value for people: as text when they ask for it raw, else as JSON with every text masked (S-02).
  static func shown(_ value: [UInt8]?, isRaw: Bool) -> JSONValue {
    guard let value else { return .null }
    if isRaw { return .text(String(decoding: value, as: UTF8.self).replacing("\0", with: "\u{FFFD}")) }
    if let tree = try? JSONValue(value) { return MaskedValue.of(tree) }
    return .text(masked(String(decoding: value.prefix(IngestRoutes.shownBytesMax), as: UTF8.self).replacing("\0", with: "\u{FFFD}")))
  }

  /// Of a value that is not JSON this much is shown, masked.
  private static let shownBytesMax = 200
}

/// A JSON value of which only the shape and the ends of texts can be seen.
enum MaskedValue {
  /// Shorter numbers are amounts and counts; longer ones may be phones.
  static let plainDigitsMax = 6

  static func of(_ value: JSONValue) -> JSONValue {
    switch value {
    case .null, .boolean: value
    case .number(let text): text.count <= plainDigitsMax ? value : .text(masked(text))
    case .text(let text): .text(masked(text))
    case .array(let items): .array(items.map(of))
    case .object(let members): .object(members.map { JSONMember($0.key, of($0.value)) })
    }
  }
}

// MARK: - Settling

extension IngestRoutes {
  func replayOne(_ request: Request) async throws -> Response {
    let producer = try producer()
    let record = try await quarantined(request)
    guard record.state == .open else { throw Problem(.conflict, detail: "record \(record.id) was \(record.state.name) before") }
    let value = request.body.isEmpty ? record.value : request.body
    let mapping = try await replacement(request)
    let failures = await IngestRoutes.send([IngestRoutes.again(record, value: value, mapping: mapping)], by: producer)
    if let failure = failures.first, failure != nil {
      throw Problem(.serviceUnavailable, detail: "the brokers did not confirm the record; it is still open", headers: ["Retry-After": "2"])
    }
    try await settle([record.id], as: .replayed)
    return IngestRoutes.json(["id": .integer(record.id), "state": .text(QuarantinedRecord.State.replayed.name)], status: .accepted)
  }

  /// Sends the open records of a source, or with a reason, again: at most ``quarantinedMax`` of them, those after `after`.
  func replayMany(_ request: Request) async throws -> Response {
    let producer = try producer()
    let (source, reason) = (try IngestRoutes.text(request, "source"), try IngestRoutes.text(request, "reason"))
    guard source != nil || reason != nil else { throw Problem(.badRequest, detail: "say which: source=, reason= or both") }
    let after = try IngestRoutes.number(request, "after", default: 0, in: 0...Int64.max)
    let limit = try IngestRoutes.number(request, "limit", default: IngestRoutes.quarantinedMax, in: 1...IngestRoutes.quarantinedMax)
    let records = try await pool.withSession { session in
      try QuarantineTable.list(after: after, state: .open, source: source, reason: reason, limit: Int(limit), session)
    }
    let mapping = try await replacement(request)
    let failures = await IngestRoutes.send(records.map { IngestRoutes.again($0, value: $0.value, mapping: mapping) }, by: producer)
    let done = zip(records, failures).filter { $0.1 == nil }.map(\.0.id)
    try await settle(done, as: .replayed)
    let failed = records.count - done.count
    return IngestRoutes.json(
      [
        "replayed": .integer(Int64(done.count)), "failed": .integer(Int64(failed)), "last_id": .integer(records.last?.id ?? after),
        "more": .boolean(records.count == Int(limit)),
      ], status: failed == 0 ? .accepted : .serviceUnavailable)
  }

  func dismiss(_ request: Request) async throws -> Response {
    let record = try await quarantined(request)
    guard try await settle([record.id], as: .dismissed) == 1 else {
      throw Problem(.conflict, detail: "record \(record.id) was settled before")
    }
    return IngestRoutes.json(["id": .integer(record.id), "state": .text(QuarantinedRecord.State.dismissed.name)])
  }

  /// Puts the open records of a source, or with a reason, aside: at most ``quarantinedMax`` of them, those after `after`.
  func dismissMany(_ request: Request) async throws -> Response {
    let (source, reason) = (try IngestRoutes.text(request, "source"), try IngestRoutes.text(request, "reason"))
    guard source != nil || reason != nil else { throw Problem(.badRequest, detail: "say which: source=, reason= or both") }
    let after = try IngestRoutes.number(request, "after", default: 0, in: 0...Int64.max)
    let limit = try IngestRoutes.number(request, "limit", default: IngestRoutes.quarantinedMax, in: 1...IngestRoutes.quarantinedMax)
    let records = try await pool.withSession { session in
      try QuarantineTable.list(after: after, state: .open, source: source, reason: reason, limit: Int(limit), session)
    }
    let settled = try await settle(records.map(\.id), as: .dismissed)
    return IngestRoutes.json([
      "dismissed": .integer(Int64(settled)), "last_id": .integer(records.last?.id ?? after), "more": .boolean(records.count == Int(limit)),
    ])
  }

  /// Published first and settled afterwards: between the two a record may go out twice, which the keys of facts make harmless.
  @discardableResult
  func settle(_ ids: [Int64], as state: QuarantinedRecord.State) async throws -> Int {
    if ids.isEmpty { return 0 }
    let now = clock.now()
    return try await pool.transaction { session in
      var settled = 0
      for id in ids where try QuarantineTable.settle(id, as: state, at: now, session) { settled += 1 }
      return settled
    }
  }

  /// The mapping that takes the place of the one that a record names: how a corrected mapping gets to its records.
  func replacement(_ request: Request) async throws -> String? {
    guard let id = try IngestRoutes.text(request, "mapping"), !id.isEmpty else { return nil }
    guard try await pool.withSession({ try !MappingTable.find([id], $0).isEmpty }) else {
      throw Problem(.unprocessable, detail: "there is no mapping \(id)")
    }
    return id
  }

  /// The record as it came, but for its import: that one has counted it already.
  private static func again(_ record: QuarantinedRecord, value: [UInt8]?, mapping: String?) -> OutgoingRecord {
    let left = [Header.importID, Header.replayOf, Header.lane, Header.sequence] + (mapping == nil ? [] : [Header.mapping])
    var headers = record.headers.filter { !left.contains($0.name) } + [KafkaHeader(Header.replayOf, String(record.id))]
    if let mapping { headers.append(KafkaHeader(Header.mapping, mapping)) }
    return OutgoingRecord(topic: record.topic, key: record.key, value: value, headers: headers)
  }
}
