// Ingest's HTTP API: events in, mappings, sources, imports, quarantine.
import Access
import Domain
import Handling
import HTTP
import IngestCore
import IngestStore
import Kafka
import Postgres
import Text

struct IngestRoutes: Sendable {
  let parts: IngestParts
  let pool: PostgresPool
  let clock: any BusinessClock

  /// The largest body of a request with events, in bytes.
  static let eventsBytesMax = 16 << 20
  /// The largest mapping, in bytes.
  static let mappingBytesMax = 1 << 20
  /// Days of counts shown for each source.
  static let sourceDaysMax = 30

  func add(to router: inout Router) {
    router.get("/v1/mappings", needs: .sourcesRead) { _ in try await listMappings() }
    router.get("/v1/mappings/{id}", needs: .sourcesRead) { try await showMapping($0) }
    router.get("/v1/sources", needs: .sourcesRead) { _ in try await listSources() }
    router.get("/v1/sources/{name}", needs: .sourcesRead) { try await showSource($0) }
    router.get("/v1/quality", needs: .sourcesRead) { try await showQuality($0) }
    router.get("/v1/imports", needs: .sourcesRead) { try await listImports($0) }
    router.get("/v1/imports/{id}", needs: .sourcesRead) { try await showImport($0) }
    router.get("/v1/waiting", needs: .operationsRead) { _ in try await showWaiting() }
    router.get("/v1/quarantine", needs: .quarantineRead) { try await listQuarantine($0) }
    router.get("/v1/quarantine/counts", needs: .quarantineRead) { _ in try await countQuarantine() }
    router.get("/v1/quarantine/{id}", needs: .quarantineRead) { try await showQuarantined($0) }
    router.get("/v1/conflicts", needs: .quarantineRead) { try await listConflicts($0) }
    router.post("/v1/events", needs: .eventsWrite, limits: RouteLimits(bodyBytesMax: IngestRoutes.eventsBytesMax)) { try await publish($0) }
    router.put("/v1/sources/{name}", needs: .sourcesWrite, limits: RouteLimits(bodyBytesMax: IngestRoutes.sourceBytesMax)) { try await putSource($0) }
    router.put("/v1/mappings", needs: .sourcesWrite, limits: RouteLimits(bodyBytesMax: IngestRoutes.mappingBytesMax)) { try await registerMapping($0) }
    router.post("/v1/quarantine/replay", needs: .quarantineAct) { try await replayMany($0) }
    router.post("/v1/quarantine/{id}/replay", needs: .quarantineAct, limits: RouteLimits(bodyBytesMax: IngestRules.valueBytesMax)) { try await replayOne($0) }
    // Publishes nothing, but what a corrected record comes to is for those who may correct it.
    router.post("/v1/quarantine/{id}/try", needs: .quarantineAct, limits: RouteLimits(bodyBytesMax: IngestRules.valueBytesMax)) { try await tryOne($0) }
    router.post("/v1/quarantine/dismiss", needs: .quarantineAct) { try await dismissMany($0) }
    router.post("/v1/quarantine/{id}/dismiss", needs: .quarantineAct) { try await dismiss($0) }
  }

  /// Records as they came hold personal data: seeing them raw needs a permission of its own and a reason, and is noted.
  /// - Returns: nil where values stay masked.
  func raw(_ request: Request) throws -> Look? {
    guard try IngestRoutes.flag(request, "raw") else { return nil }
    try request.demand(.quarantineRaw)
    guard request.look != nil || request.method == .head else {
      throw Look.refused("missing", "say in this header why records are to be seen as they came")
    }
    return request.look
  }

  /// Whether a record is shown as it came; if so it is noted. Nobody knows whose it is: it was refused.
  static func isRaw(_ look: Look?, _ record: String) -> Bool { look?.shows(["record.value"], of: nil, in: record) ?? false }

  /// The producer, or 503 while brokers are waited for.
  func producer() throws -> Producer {
    guard let producer = parts.producer else {
      throw Problem(.serviceUnavailable, detail: "the service waits for its dependencies; see /readyz", headers: ["Retry-After": "2"])
    }
    return producer
  }

  static func json(_ value: JSONValue, status: HTTPStatus = .ok) -> Response { .json(value.encoded, status: status) }

  static func text(_ instant: Instant) -> JSONValue { .text(RFC3339.text(instant.microseconds)) }

  /// A text of the query. No stored text has a NUL in it.
  static func text(_ request: Request, _ name: String) throws -> String? {
    guard let text = request.query[name] else { return nil }
    guard !text.contains("\0") else { throw Problem(.badRequest, detail: "\(name) must not contain a NUL") }
    return text
  }

  /// A name in the path, likewise.
  static func name(_ request: Request, _ name: String) throws -> String {
    let text = try request.parameter(name)
    guard !text.contains("\0") else { throw Problem(.notFound, detail: "no \(name) contains a NUL") }
    return text
  }

  /// A whole number of the query, or its default; 400 when it is something else.
  static func number(_ request: Request, _ name: String, default standard: Int64, in range: ClosedRange<Int64>) throws -> Int64 {
    guard let text = request.query[name] else { return standard }
    guard let number = Int64(text), range.contains(number) else {
      throw Problem(.badRequest, detail: "\(name) must be a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  static func flag(_ request: Request, _ name: String) throws -> Bool {
    switch request.query[name] {
    case nil, "0", "false": return false
    case "", "1", "true": return true
    default: throw Problem(.badRequest, detail: "\(name) must be 1 or 0")
    }
  }
}

// MARK: - Mappings, sources, imports

extension IngestRoutes {
  private func registerMapping(_ request: Request) async throws -> Response {
    let rules = parts.settings.rules
    let compiled: CompiledMapping
    do {
      compiled = try MappingTable.compile(request.body, zone: rules.zone, zoneNamed: rules.zoneNamed)
    } catch { throw MappingRefusal.problem(error) }
    let isDefault = try IngestRoutes.flag(request, "default")
    if isDefault, case .delimited = compiled.mapping.format {
      throw Problem(
        .unprocessable, detail: "only a mapping for JSON can be a source's default: records made from a file always name theirs")
    }
    let yaml = String(decoding: request.body, as: UTF8.self)
    let now = clock.now()
    let isNew = try await pool.transaction { session in
      try MappingTable.register(compiled.mapping, id: compiled.id, yaml: yaml, isDefault: isDefault, at: now, session)
    }
    parts.catalog.keep(compiled)
    return IngestRoutes.json(["id": .text(compiled.id), "source": .text(compiled.mapping.source)], status: isNew ? .created : .ok)
  }

  private static func describe(_ mapping: StoredMapping) -> [JSONMember] {
    [
      JSONMember("id", .text(mapping.id)), JSONMember("name", .text(mapping.name)), JSONMember("version", .integer(Int64(mapping.version))),
      JSONMember("source", .text(mapping.source)), JSONMember("owner", .text(mapping.owner)),
      JSONMember("registered_at", text(mapping.registeredAt)),
    ]
  }

  private func listMappings() async throws -> Response {
    let mappings = try await pool.withSession { try MappingTable.list($0) }
    return IngestRoutes.json(.array(mappings.map { .object(IngestRoutes.describe($0)) }))
  }

  private func showMapping(_ request: Request) async throws -> Response {
    let id = try IngestRoutes.name(request, "id")
    guard let mapping = try await pool.withSession({ try MappingTable.find([id], $0) }).first else {
      throw Problem(.notFound, detail: "there is no mapping \(id)")
    }
    return IngestRoutes.json(.object(IngestRoutes.describe(mapping) + [JSONMember("yaml", .text(mapping.yaml))]))
  }

  private func showWaiting() async throws -> Response {
    let waiting = try await pool.withSession { try WaitingReport.read($0) }
    return IngestRoutes.json(["facts": .integer(waiting.facts), "since": waiting.since.map(IngestRoutes.text) ?? .null])
  }

  /// Imports of one answer.
  static let importsMax: Int64 = 200
  static let importsUsual: Int64 = 50

  private func listImports(_ request: Request) async throws -> Response {
    let limit = Int(try IngestRoutes.number(request, "limit", default: IngestRoutes.importsUsual, in: 1...IngestRoutes.importsMax))
    let before = try IngestRoutes.text(request, "before")
    let place = before.flatMap { ImportSum.Place($0) }
    if before != nil, place == nil { throw Problem(.badRequest, detail: "before must be the next of the answer before") }
    let found = try await pool.withSession { try ImportSum.newest(before: place, limit: limit + 1, $0) }
    let page = found.prefix(limit)
    let imports = page.map { one -> JSONValue in
      let sums = ImportCount.Outcome.allCases.map { JSONMember($0.rawValue, IngestRoutes.describe(one.total($0))) }
      return .object(
        [JSONMember("id", .text(one.id)), JSONMember("first_at", IngestRoutes.text(one.firstAt)), JSONMember("last_at", IngestRoutes.text(one.lastAt))] + sums)
    }
    return IngestRoutes.json(["imports": .array(imports), "next": .textOrNull(found.count > limit ? page.last?.place.description : nil)])
  }

  private static func describe(_ sum: (records: Int64, lines: Int64)) -> JSONValue { ["records": .integer(sum.records), "lines": .integer(sum.lines)] }

  private func showImport(_ request: Request) async throws -> Response {
    let id = try IngestRoutes.name(request, "id")
    guard let report = try await pool.withSession({ try ImportReport.find(id, $0) }) else {
      throw Problem(.notFound, detail: "no record of an import \(id) has come")
    }
    var members = [
      JSONMember("id", .text(id)), JSONMember("first_at", IngestRoutes.text(report.firstAt)),
      JSONMember("last_at", IngestRoutes.text(report.lastAt)),
    ]
    for outcome in ImportCount.Outcome.allCases {
      members.append(JSONMember(outcome.rawValue, IngestRoutes.describe(report.total(outcome))))
    }
    let reasons = report.lines.filter { !$0.reason.isEmpty }.map { line -> JSONValue in
      ["outcome": .text(line.outcome), "reason": .text(line.reason), "records": .integer(line.records), "lines": .integer(line.lines)]
    }
    members.append(JSONMember("reasons", .array(reasons)))
    return IngestRoutes.json(.object(members))
  }
}
