// What callers changed and looked at, for those who look after them (S-05, S-06): the trail, whether it was altered, and whose data was seen by whom.
import Access
import Auditing
import Domain
import HTTP
import Postgres
import Text

enum AuditRoutes {
  static let rowsMax = 200
  static let rowsUsual = 50
  static let actorMax = 100

  static func add(to router: inout Router, _ context: ServiceContext) {
    router.get("/v1/audit", needs: .auditRead) { try await list($0, context) }
    router.get("/v1/audit/exposure", needs: .auditRead) { try await exposure($0, context) }
    router.get("/v1/audit/verification", needs: .auditRead) { _ in
      let verdict = try await context.pool.transaction { try AuditRows.verify($0) }
      return .json(view(verdict).encoded)
    }
  }

  /// Looks at contact data in full between two days: who was affected, which fields, seen by whom, and why (S-06).
  private static func exposure(_ request: Request, _ context: ServiceContext) async throws -> Response {
    var reader = QueryReader(request.query)
    let (first, last) = (reader.day("from"), reader.day("to"))
    for (name, day) in [("from", first), ("to", last)] where day == nil && request.query[name] == nil {
      reader.refuse(name, "missing", "\(name) is needed: a day, as 1998-07-01")
    }
    if let first, let last, last < first { reader.refuse("to", "range", "\(last) lies before \(first)") }
    let actor = reader.text("actor", max: actorMax)
    let customer = reader.customer("customer")
    let (limit, before) = page(&reader, request)
    try reader.finish()
    guard let first, let last else { throw Problem(.internalServerError) }
    let found = try await context.pool.withSession {
      try AuditRows.looks(from: first, to: last, actor: actor, customer: customer, before: before, limit: limit + 1, $0)
    }
    return answer("looks", found, limit, view(look:))
  }

  private static func page(_ reader: inout QueryReader, _ request: Request) -> (limit: Int, before: AuditRows.Place?) {
    let limit = reader.number("limit", in: 1...rowsMax) ?? rowsUsual
    let before = request.query["before"].flatMap { place($0) }
    if before == nil, request.query["before"] != nil { reader.refuse("before", "format", "give what the page before says under next") }
    return (limit, before)
  }

  private static func answer(_ name: String, _ found: [AuditEntry], _ limit: Int, _ view: (AuditEntry) -> JSONValue) -> Response {
    let page = found.prefix(limit)
    let next = found.count > limit ? page.last.map { "\(Day(number: $0.day))/\($0.sequence)" } : nil
    return .json(JSONValue.object([JSONMember(name, .array(page.map(view))), JSONMember("next", .textOrNull(next))]).encoded)
  }

  private static func list(_ request: Request, _ context: ServiceContext) async throws -> Response {
    var reader = QueryReader(request.query)
    let actor = reader.text("actor", max: actorMax)
    let day = reader.day("day")
    let (limit, before) = page(&reader, request)
    try reader.finish()
    let found = try await context.pool.withSession { try AuditRows.page(actor: actor, day: day, before: before, limit: limit + 1, $0) }
    return answer("entries", found, limit, view(entry:))
  }

  private static func place(_ text: String) -> AuditRows.Place? {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let day = Day(String(parts[0])), let sequence = Int64(parts[1]), sequence > 0 else { return nil }
    return AuditRows.Place(day: day, sequence: sequence)
  }

  private static func view(entry: AuditEntry) -> JSONValue {
    [
      "day": .text(Day(number: entry.day).description), "entry": .integer(entry.sequence), "at": .text(RFC3339.text(entry.at)), "actor": .text(entry.actor),
      "subject": .text(entry.subject), "issuer": .text(entry.issuer), "roles": .text(entry.roles), "method": .text(entry.method),
      "route": .text(entry.route), "path": .text(entry.path), "body_sha256": .text(Base64.encoded(entry.body)),
      "reason": entry.reason.isEmpty ? .null : .text(entry.reason), "seen": seen(entry),
    ]
  }

  private static func view(look entry: AuditEntry) -> JSONValue {
    [
      "day": .text(Day(number: entry.day).description), "entry": .integer(entry.sequence), "at": .text(RFC3339.text(entry.at)), "actor": .text(entry.actor),
      "subject": .text(entry.subject), "issuer": .text(entry.issuer), "roles": .text(entry.roles), "reason": .text(entry.reason),
      "route": .text(entry.route), "path": .text(entry.path), "seen": seen(entry),
    ]
  }

  /// null for a change; also where somebody has altered it into no JSON, which verifying tells.
  private static func seen(_ entry: AuditEntry) -> JSONValue { (try? JSONValue(Array(entry.seen.utf8))) ?? .null }

  private static func view(_ verdict: AuditVerdict) -> JSONValue {
    let broken = verdict.firstBreak
    return [
      "intact": .boolean(broken == nil), "entries": .integer(verdict.entries), "days": .integer(Int64(verdict.days)),
      "first_break": broken.map { ["day": .text($0.day.description), "entry": .integer($0.sequence), "problem": .text($0.problem)] } ?? .null,
      "head": .text(Base64.encoded(verdict.head)),
    ]
  }
}
