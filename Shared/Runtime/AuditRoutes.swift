// What callers changed, for those who look after them (S-05): the trail, and whether it was altered.
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
    router.get("/v1/audit/verification", needs: .auditRead) { _ in
      let verdict = try await context.pool.transaction { try AuditRows.verify($0) }
      return .json(view(verdict).encoded)
    }
  }

  private static func list(_ request: Request, _ context: ServiceContext) async throws -> Response {
    var reader = QueryReader(request.query)
    let actor = reader.text("actor", max: actorMax)
    let day = reader.day("day")
    let limit = reader.number("limit", in: 1...rowsMax) ?? rowsUsual
    let before = request.query["before"].flatMap { place($0) }
    if before == nil, request.query["before"] != nil { reader.refuse("before", "format", "give what the page before says under next") }
    try reader.finish()
    let found = try await context.pool.withSession { try AuditRows.page(actor: actor, day: day, before: before, limit: limit + 1, $0) }
    let page = found.prefix(limit)
    let next = found.count > limit ? page.last.map { "\(Day(number: $0.day))/\($0.sequence)" } : nil
    return .json(JSONValue.object([JSONMember("entries", .array(page.map(view))), JSONMember("next", .textOrNull(next))]).encoded)
  }

  private static func place(_ text: String) -> AuditRows.Place? {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let day = Day(String(parts[0])), let sequence = Int64(parts[1]), sequence > 0 else { return nil }
    return AuditRows.Place(day: day, sequence: sequence)
  }

  private static func view(_ entry: AuditEntry) -> JSONValue {
    [
      "day": .text(Day(number: entry.day).description), "entry": .integer(entry.sequence), "at": .text(RFC3339.text(entry.at)), "actor": .text(entry.actor),
      "subject": .text(entry.subject), "issuer": .text(entry.issuer), "roles": .text(entry.roles), "method": .text(entry.method),
      "route": .text(entry.route), "path": .text(entry.path), "body_sha256": .text(Base64.encoded(entry.body)),
    ]
  }

  private static func view(_ verdict: AuditVerdict) -> JSONValue {
    let broken = verdict.firstBreak
    return [
      "intact": .boolean(broken == nil), "entries": .integer(verdict.entries), "days": .integer(Int64(verdict.days)),
      "first_break": broken.map { ["day": .text($0.day.description), "entry": .integer($0.sequence), "problem": .text($0.problem)] } ?? .null,
      "head": .text(Base64.encoded(verdict.head)),
    ]
  }
}
