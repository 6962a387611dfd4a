// The registry of sources and the quality of what they send, over HTTP (I-01, I-07).
import Domain
import Handling
import HTTP
import IngestCore
import IngestStore
import Postgres
import Text

extension IngestRoutes {
  /// Days of one report on quality.
  static let qualityDaysMax: Int64 = 400
  static let qualityDaysDefault: Int64 = 7
  /// The largest description of a source, in bytes.
  static let sourceBytesMax = 16 << 10

  func listSources() async throws -> Response {
    let first = parts.settings.rules.zone.day(of: clock.now()) + (1 - IngestRoutes.sourceDaysMax)
    let (sources, days) = try await pool.withSession { session in (try SourceTable.list(session), try SourceDay.list(since: first, session)) }
    let byName = Dictionary(grouping: days, by: \.source)
    return IngestRoutes.json(
      .array(
        sources.map { source in
          .object(IngestRoutes.describe(source) + [JSONMember("days", .array((byName[source.name] ?? []).map(IngestRoutes.describe)))])
        }))
  }

  func showSource(_ request: Request) async throws -> Response {
    let name = try IngestRoutes.name(request, "name")
    guard let source = try await pool.withSession({ try SourceTable.find(name, $0) }) else { throw Problem(.notFound, detail: "there is no source \(name)") }
    return IngestRoutes.json(.object(IngestRoutes.describe(source)))
  }

  /// Registers a source or changes it; what the body leaves out stays.
  func putSource(_ request: Request) async throws -> Response {
    let name = try request.parameter("name")
    guard isSourceName(name) else {
      throw Problem.invalid(
        [.init(field: "name", rule: Rule.format, detail: "1 to 64 bytes without blanks at the ends or control characters")], detail: "no source's name")
    }
    let change = try SourceBody.read(request.body)
    let now = clock.now()
    let source = try await pool.transaction { session in
      if case .some(.some(let id)) = change.mappingID { try IngestRoutes.check(mapping: id, for: name, session) }
      try SourceTable.change(name, change, at: now, session)
      return try SourceTable.find(name, session)
    }
    guard let source else { throw Problem(.notFound, detail: "there is no source \(name)") }
    return IngestRoutes.json(.object(IngestRoutes.describe(source)))
  }

  private func isSourceName(_ name: String) -> Bool {
    (1...64).contains(name.utf8.count) && TextNormal.normal(name) == name && !name.utf8.contains { $0 < 0x20 || $0 == 0x7F }
  }

  private static func check(mapping id: String, for source: String, _ session: PostgresSession) throws {
    guard let stored = try MappingTable.find([id], session).first else {
      throw Problem.invalid([.init(field: "mapping", rule: Rule.unknown, detail: "there is no mapping \(id); register it first")], detail: "no such mapping")
    }
    guard stored.source == source else {
      throw Problem.invalid(
        [.init(field: "mapping", rule: Rule.choice, detail: "\(id) is a mapping of the source \(stored.source)")], detail: "another source's mapping")
    }
    let compiled = try? MappingTable.compile(Array(stored.yaml.utf8), zone: .utc) { _ in .utc }
    if let compiled, case .delimited = compiled.mapping.format {
      throw Problem.invalid(
        [.init(field: "mapping", rule: Rule.choice, detail: "only a mapping for JSON can be a source's default")], detail: "a mapping of files")
    }
  }

  static func describe(_ source: StoredSource) -> [JSONMember] {
    [
      JSONMember("name", .text(source.name)), JSONMember("owner", .text(source.owner)), JSONMember("kind", .textOrNull(source.kind?.rawValue)),
      JSONMember("state", .text(source.state.name)), JSONMember("mapping", .textOrNull(source.mappingID)),
      JSONMember("mapping_version", source.mappingVersion.map { .integer(Int64($0)) } ?? .null),
      JSONMember("newest_mapping", .textOrNull(source.newestMappingID)),
      JSONMember("newest_mapping_version", source.newestMappingVersion.map { .integer(Int64($0)) } ?? .null),
      JSONMember("first_seen_at", text(source.firstSeenAt)), JSONMember("changed_at", source.changedAt.map(text) ?? .null),
    ]
  }

  /// Refused records of a day above 0.3 % are too many (I-07).
  private static func describe(_ day: SourceDay) -> JSONValue {
    [
      "day": .text(day.day.description), "records": .integer(day.records), "accepted": .integer(day.accepted), "duplicates": .integer(day.duplicates),
      "refused": .integer(day.refused), "is_above_ceiling": .boolean(QualityCount.isAboveCeiling(day.refused, of: day.records)),
    ]
  }

  // MARK: - Quality

  func showQuality(_ request: Request) async throws -> Response {
    let days = try IngestRoutes.number(request, "days", default: IngestRoutes.qualityDaysDefault, in: 1...IngestRoutes.qualityDaysMax)
    let source = try IngestRoutes.text(request, "source").flatMap { $0.isEmpty ? nil : $0 }
    let first = parts.settings.rules.zone.day(of: clock.now()) + Int(1 - days)
    let counts = try await pool.withSession { try QualityTable.list(since: first, source: source, $0) }
    return IngestRoutes.json(.array(counts.map { IngestRoutes.describe($0.count, on: $0.day) }))
  }

  /// A share as a decimal of four places, rounded half up; null of nothing.
  private static func share(_ part: Int64, of whole: Int64) -> JSONValue {
    guard whole > 0 else { return .null }
    let quotient = (Int128(part) * 10_000 + Int128(whole) / 2) / Int128(whole)
    let digits = String(quotient % 10_000)
    return .number("\(quotient / 10_000)." + String(repeating: "0", count: 4 - digits.count) + digits)
  }

  private static func describe(_ count: QualityCount, on day: Day) -> JSONValue {
    let timed = count.lateness.reduce(0, +)
    let bounds: [JSONValue] = QualityCount.latenessBounds.map { .integer($0) } + [.null]
    let fields = QualityField.allCases.compactMap { field -> JSONValue? in
      let (filled, errors) = (count.filled[field.rawValue], count.errors[field.rawValue])
      guard filled > 0 || errors > 0 else { return nil }
      return [
        "field": .text(field.key), "filled": .integer(filled), "completeness": share(filled, of: count.accepted), "errors": .integer(errors),
        "error_rate": share(errors, of: count.records), "is_above_ceiling": .boolean(QualityCount.isAboveCeiling(errors, of: count.records)),
      ]
    }
    return [
      "source": .text(count.source), "stream": .text(count.stream), "day": .text(day.description), "records": .integer(count.records),
      "accepted": .integer(count.accepted), "duplicates": .integer(count.duplicates), "refused": .integer(count.refused),
      "error_rate": share(count.refused, of: count.records), "is_above_ceiling": .boolean(QualityCount.isAboveCeiling(count.refused, of: count.records)),
      "lateness": [
        "records": .integer(timed), "late": .integer(count.late), "late_share": share(count.late, of: timed),
        "latest_seconds": .integer(count.latestSeconds),
        "counts": .array(zip(bounds, count.lateness).map { ["up_to_seconds": $0, "records": .integer($1)] }),
      ],
      "fields": .array(fields),
    ]
  }
}

/// The body of `PUT /v1/sources/{name}`.
enum SourceBody {
  static func read(_ bytes: [UInt8]) throws -> SourceChange {
    guard bytes.count <= IngestRoutes.sourceBytesMax else { throw Problem(.contentTooLarge, detail: "a source is described in a few lines") }
    guard let body = try? JSONValue(bytes), let members = body.members else { throw Problem(.badRequest, detail: "a JSON object is needed") }
    var change = SourceChange()
    var faults: [Problem.FieldFault] = []
    func refuse(_ field: String, _ rule: String, _ detail: String) { faults.append(.init(field: field, rule: rule, detail: detail)) }
    for member in members {
      switch member.key {
      case "owner":
        guard let owner = member.value.stringValue.map(TextNormal.normal), !owner.contains("\0"),
          (1...SourceTable.ownerBytesMax).contains(owner.utf8.count)
        else {
          refuse("owner", Rule.length, "a text of 1 to \(SourceTable.ownerBytesMax) bytes is needed")
          continue
        }
        change.owner = owner
      case "kind":
        guard let kind = member.value.stringValue.flatMap(SourceKind.init(rawValue:)) else {
          refuse("kind", Rule.choice, "must be one of " + SourceKind.allCases.map(\.rawValue).joined(separator: ", "))
          continue
        }
        change.kind = kind
      case "state":
        guard let state = SourceState.allCases.first(where: { $0.name == member.value.stringValue && $0 != .seen }) else {
          refuse("state", Rule.choice, "must be active or blocked")
          continue
        }
        change.state = state
      case "mapping":
        if member.value.isNull {
          change.mappingID = .some(nil)
        } else if let id = member.value.stringValue, !id.contains("\0") {
          change.mappingID = .some(id)
        } else {
          refuse("mapping", Rule.type, "must be a mapping's id, or null")
        }
      default: refuse(member.key, Rule.unknown, "owner, kind, state and mapping can be set")
      }
    }
    guard faults.isEmpty else { throw Problem.invalid(faults, detail: "the source cannot be changed so") }
    return change
  }
}
