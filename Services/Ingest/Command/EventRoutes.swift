// POST /v1/events: every record is checked, published, and its outcome told (I-02).
import Contracts
import Domain
import Handling
import HTTP
import IngestCore
import Kafka
import Messaging
import Postgres
import Text

/// The bodies of one request, as bytes of their own.
struct EventBodies {
  var values: [[UInt8]] = []

  /// Records of one request.
  static let recordsMax = 1_000

  /// Cuts a request's body up by its media type. Throws a 400 for a body that is not what it says, 413 for too many records.
  init(_ request: Request) throws {
    switch request.mediaType {
    case "application/x-ndjson", "application/ndjson", "application/jsonl":
      for line in request.body.split(separator: 0x0A) where line.contains(where: { $0 > 0x20 }) { try add(Array(line)) }
    case "application/json", "application/cloudevents+json", "application/cloudevents-batch+json", nil: try cut(request.body)
    default:
      throw Problem(
        .unsupportedMediaType,
        detail: "send application/json, application/x-ndjson, application/cloudevents+json or application/cloudevents-batch+json")
    }
    if values.isEmpty { throw Problem(.badRequest, detail: "the body holds no record") }
  }

  private mutating func add(_ value: [UInt8]) throws {
    guard values.count < EventBodies.recordsMax else {
      throw Problem(.contentTooLarge, detail: "at most \(EventBodies.recordsMax) records in one request")
    }
    values.append(value)
  }

  private mutating func cut(_ body: [UInt8]) throws {
    let cut = body.withUnsafeBytes { bytes -> Result<[[UInt8]], JSONFault> in
      do throws(JSONFault) {
        var values: [[UInt8]] = []
        var reader = JSONReader(bytes, limits: JSONLimits(documentBytesMax: IngestRoutes.eventsBytesMax))
        if reader.peek() == .array {
          try reader.beginArray("(body)")
          while try reader.nextItem() {
            let raw = try reader.rawValue("(body)")
            if values.count <= EventBodies.recordsMax { values.append([UInt8](raw)) }
          }
        } else {
          values.append([UInt8](try reader.rawValue("(body)")))
        }
        try reader.finish()
        return .success(values)
      } catch { return .failure(error) }
    }
    switch cut {
    case .success(let values): for value in values { try add(value) }
    // A body that is one broken record could go to quarantine, but its sender is still there to be told.
    case .failure(let fault): throw Problem(.badRequest, detail: fault.description)
    }
  }
}

extension IngestRoutes {
  private struct Prepared {
    let record: OutgoingRecord
    let verdict: Verdict
  }

  func publish(_ request: Request) async throws -> Response {
    let producer = try producer()
    let stated = try IngestRoutes.statedStream(request)
    let headers = try IngestRoutes.headers(of: request)
    let bodies = try EventBodies(request)
    let mapping = try await mapping(headers)
    let now = clock.now()
    var prepared: [Prepared] = []
    for value in bodies.values {
      let stream = stated ?? IngestRoutes.stream(of: value, mapping, headers)
      let input = InputRecord(stream: stream, value: value) { name in headers.first { $0.0 == name }?.1 }
      let verdict: Verdict =
        switch mapping {
        case .contract: parts.reading.read(input, mapping: nil, now: now)
        case .mapped(let mapping): parts.reading.read(input, mapping: mapping, now: now)
        case .unknown: .refused([IngestHandler.unknownMapping])
        }
      let record = OutgoingRecord(
        topic: stream.topic.name, key: IngestRoutes.key(of: verdict), value: value, headers: headers.map { KafkaHeader($0.0, $0.1) })
      prepared.append(Prepared(record: record, verdict: verdict))
    }
    let failures = await IngestRoutes.send(prepared.map(\.record), by: producer)
    return IngestRoutes.answer(
      zip(prepared.map(\.verdict), failures).enumerated().map { index, result in
        IngestRoutes.outcome(index, result.0, failure: result.1)
      })
  }

  /// nil: each record says by its type where it belongs.
  private static func statedStream(_ request: Request) throws -> InputStream? {
    guard let name = request.query["stream"], !name.isEmpty else { return nil }
    guard let stream = InputStream(rawValue: name) else {
      throw Problem(.badRequest, detail: "stream must be one of " + InputStream.allCases.map(\.rawValue).joined(separator: ", "))
    }
    return stream
  }

  /// What a mapped record becomes is the mapping's to say; it goes where the mapping's files go.
  private static func stream(of value: [UInt8], _ choice: Choice, _ headers: [(String, String)]) -> InputStream {
    if case .mapped(let mapping) = choice { return InputStream(topic: FileRecords.topic(of: mapping.mapping).name) ?? .orders }
    return RecordStream.find(value, envelopeType: headers.first { $0.0 == Header.type }?.1)
  }

  private static func headers(of request: Request) throws -> [(String, String)] {
    var headers: [(String, String)] = []
    func add(_ name: String, _ value: String?) { if let value, !value.isEmpty { headers.append((name, value)) } }
    add(Header.inputSource, try text(request, "source"))
    add(Header.mapping, try text(request, "mapping"))
    add(Header.importID, try text(request, "import"))
    // CloudEvents in binary mode: attributes in headers, here `ce-`, in Kafka `ce_`.
    add(Header.specVersion, request.headers["ce-specversion"])
    add(Header.id, request.headers["ce-id"])
    add(Header.source, request.headers["ce-source"])
    add(Header.type, request.headers["ce-type"])
    add(Header.time, request.headers["ce-time"])
    add(Header.traceParent, request.headers["traceparent"])
    return headers
  }

  private enum Choice {
    case contract
    case mapped(CompiledMapping)
    case unknown
  }

  /// By what records with these headers are read, asked of the tables, so that a mapping that was just registered counts.
  private func mapping(_ headers: [(String, String)]) async throws -> Choice {
    let given = headers.first { $0.0 == Header.mapping }?.1
    let source = headers.first { $0.0 == Header.inputSource }?.1
    guard given != nil || source != nil else { return .contract }
    let catalog = parts.catalog
    let defaults = try await pool.withSession { session in
      try catalog.load(mappings: given.map { [$0] } ?? [], sources: given == nil ? source.map { [$0] } ?? [] : [], session)
    }
    guard let id = given ?? source.flatMap({ defaults[$0] ?? nil }) else { return .contract }
    return catalog[id].map { .mapped($0) } ?? .unknown
  }

  /// What belongs to one order goes to one partition. Holds no personal data.
  private static func key(of verdict: Verdict) -> [UInt8]? {
    guard case .fact(let fact) = verdict else { return nil }
    switch fact {
    case .order(let fact): return Array("\(fact.event.source)/\(fact.event.orderID ?? fact.event.reference)".utf8)
    case .customer(let event): return Array("\(event.source)/\(event.eventID)".utf8)
    case .interaction(let fact): return Array("\(fact.event.source)/\(fact.event.eventID)".utf8)
    }
  }

  /// Sends all at once and waits for all; what went wrong with each, in order.
  static func send(_ records: [OutgoingRecord], by producer: Producer) async -> [String?] {
    await withTaskGroup(of: (Int, String?).self) { group in
      for (index, record) in records.enumerated() {
        group.addTask {
          do {
            _ = try await producer.send(record)
            return (index, nil)
          } catch { return (index, "\(error)") }
        }
      }
      var failures = [String?](repeating: nil, count: records.count)
      for await (index, failure) in group { failures[index] = failure }
      return failures
    }
  }

  private static func outcome(_ index: Int, _ verdict: Verdict, failure: String?) -> (status: String, json: JSONValue) {
    var status = "accepted"
    var members: [JSONMember] = []
    switch verdict {
    case .fact(let fact): members.append(JSONMember("event_id", .text(fact.eventID)))
    case .skipped(let reason):
      status = "skipped"
      members.append(JSONMember("reasons", reasonsJSON([Fault(field: "record", rule: "skip", detail: reason)])))
    case .refused(let faults):
      status = "quarantined"
      members.append(JSONMember("reasons", reasonsJSON(faults)))
    }
    if failure != nil {
      status = "failed"
      members = [
        JSONMember(
          "reasons", reasonsJSON([Fault(field: "record", rule: "not_stored", detail: "the brokers did not confirm it; send it again")]))
      ]
    }
    return (status, .object([JSONMember("index", .integer(Int64(index))), JSONMember("status", .text(status))] + members))
  }

  /// 202: all taken. 422: none was good. 503: some are not known to be stored. Else 200, and each result says its own.
  private static func answer(_ results: [(status: String, json: JSONValue)]) -> Response {
    let statuses = results.map(\.status)
    let status: HTTPStatus =
      if statuses.contains("failed") {
        .serviceUnavailable
      } else if !statuses.contains("quarantined") {
        .accepted
      } else {
        statuses.allSatisfy { $0 == "quarantined" } ? .unprocessable : .ok
      }
    return json(.array(results.map(\.json)), status: status)
  }
}
