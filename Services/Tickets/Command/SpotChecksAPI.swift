// Spot checks over HTTP (K-11): draw a month once, look at what was drawn, say what was found.
import Access
import Domain
import HTTP
import Handling
import Postgres
import Runtime
import Text
import TicketsCore
import TicketsStore

struct SpotChecksAPI: Sendable {
  let settings: TicketsSettings
  let clock: any BusinessClock
  let pool: PostgresPool
  /// The seed of a draw that names none.
  var draw: @Sendable () -> UInt64 = { UInt64.random(in: 0 ... .max) }

  /// A draw reads a month's tickets.
  static let drawMillisecondsMax = 60_000

  init(settings: TicketsSettings, context: ServiceContext) { self.init(settings: settings, clock: context.settings.clock, pool: context.pool) }

  init(settings: TicketsSettings, clock: any BusinessClock, pool: PostgresPool) {
    self.settings = settings
    self.clock = clock
    self.pool = pool
  }

  func add(to router: inout Router) {
    let limits = RouteLimits(bodyBytesMax: TicketsAPI.bodyBytesMax)
    let drawing = RouteLimits(bodyBytesMax: Instruction.bodyBytesMax, handlerMillisecondsMax: SpotChecksAPI.drawMillisecondsMax)
    router.post("/v1/spot-checks", needs: .checksMark, limits: drawing) { try await take($0) }
    router.get("/v1/spot-checks/{month}", needs: .checksRead) { request in
      .json(JSONValue.object(members(try await find(try SpotChecksAPI.month(request)))).encoded)
    }
    router.get("/v1/spot-checks/{month}/tickets", needs: .checksRead) { try await list($0) }
    router.get("/v1/spot-checks/{month}/tickets/{ticket_id}", needs: .checksRead) { request in
      let (month, ticket) = (try SpotChecksAPI.month(request), try request.ticketID())
      guard let found = try await pool.withSession({ try SpotCheckQueries.ticket(ticket, of: month, $0) }) else { throw SpotChecksAPI.notDrawn(ticket) }
      return answer(found).tagged(for: request, as: SpotChecksAPI.tag(found))
    }
    router.post("/v1/spot-checks/{month}/tickets/{ticket_id}", needs: .checksMark, limits: limits) { try await mark($0) }
  }

  // MARK: - Drawing

  private static func month(_ request: Request) throws(Problem) -> Month {
    guard let month = Day("\(try request.parameter("month"))-01")?.month else {
      throw Problem.invalid([.init(field: "month", rule: "format", detail: "a month as 1998-07")])
    }
    return month
  }

  private func find(_ month: Month) async throws -> StoredSpotCheck {
    guard let found = try await pool.withSession({ try SpotCheckQueries.check(month, $0) }) else {
      throw Problem(.notFound, title: "Not drawn", detail: "nothing was drawn of \(month) yet; `POST /v1/spot-checks` draws it")
    }
    return found
  }

  private func take(_ request: Request) async throws -> Response {
    let order = try Instruction(request, members: ["month", "seed"], needsReason: false)
    let (zone, now) = (settings.rules.value.zone, clock.now())
    var reader = BodyReader(order.body)
    let first = Day("\(reader.text("month", max: 7, isNeeded: true))-01")
    let end = first.map { zone.startOfDay($0.adding(months: 1)) }
    if end.map({ $0 > now }) ?? true { reader.refuse("month", "range", "a month that is over, as 1998-07") }
    var seed = draw()
    if order.body["seed"] != nil {
      let given = UInt64(reader.text("seed", max: 16, isNeeded: true), radix: 16)
      if given == nil { reader.refuse("seed", "format", "a seed has up to 16 hexadecimal digits") }
      seed = given ?? seed
    }
    try reader.finish()
    guard let first, let end else { throw Problem(.internalServerError) }
    let (month, start, chosen, actor) = (first.month, zone.startOfDay(first), seed, order.ticketActor)
    let isNew = try await pool.transaction {
      try SpotCheckQueries.draw(month, from: start, until: end, seed: chosen, by: actor, at: now, $0)
    }
    return .json(
      JSONValue.object(members(try await find(month))).encoded, status: isNew ? .created : .ok, headers: ["Location": "/v1/spot-checks/\(month)"])
  }

  private func members(_ check: StoredSpotCheck) -> [JSONMember] {
    func percent(_ part: Int64, _ whole: Int64) -> JSONValue {
      let share = whole > 0 ? Rational(Int128(part) * 100, over: Int128(whole)) : nil
      return share.map { .number($0.decimalText(fractionDigitsMax: ServiceFiguresView.fractionDigitsMax)) } ?? .null
    }
    func figures(_ strata: [StoredSpotCheck.Stratum]) -> [JSONMember] {
      func sum(_ part: (StoredSpotCheck.Stratum) -> Int64) -> Int64 { strata.reduce(0) { $0 + part($1) } }
      return [
        JSONMember("population", .integer(sum(\.population))), JSONMember("drawn", .integer(sum(\.drawn))), JSONMember("checked", .integer(sum(\.checked))),
        JSONMember("passed", .integer(sum(\.passed))), JSONMember("passed_percent", percent(sum(\.passed), sum(\.checked))),
      ]
    }
    let names = Dictionary(settings.rules.value.book.standards.ladder.tiers.map { ($0.id, $0.name) }) { first, _ in first }
    let strata = check.strata.map { stratum -> JSONValue in
      let name = stratum.tier.flatMap { names[$0] }
      return .object(
        [JSONMember("tier", .textOrNull(stratum.tier?.text)), JSONMember("name", name.map(JSONValue.name) ?? .null)] + figures([stratum]))
    }
    return [
      JSONMember("month", .text(check.month.description)), JSONMember("percent", .integer(Int64(SpotDraw.percent))),
      JSONMember("seed", .text(String(check.seed, radix: 16))), JSONMember("drawn_at", TicketView.instant(check.drawnAt)),
      JSONMember("actor", .text(check.actor.name)), JSONMember("reason", TicketView.textOrNull(check.actor.reason)),
      JSONMember("strata", .array(strata)), JSONMember("total", .object(figures(check.strata))),
    ]
  }

  // MARK: - Records

  private static func notDrawn(_ ticket: TicketID) -> Problem {
    Problem(.notFound, title: "Not drawn", detail: "ticket \(ticket) was not drawn in that month")
  }

  private static func tag(_ ticket: StoredSpotTicket) -> EntityTag { EntityTag(opaque: "s\(ticket.version)") }

  private func view(_ drawn: StoredSpotTicket) -> [JSONMember] {
    let points = settings.rules.value.desk.checklist
    let marks = drawn.result?.marks ?? [:]
    let others = marks.keys.filter { id in !points.contains { $0.id == id } }.sorted()
    let listed = points.map(\.id) + others
    return [
      JSONMember("ticket_id", .text(drawn.ticket.description)), JSONMember("tier", .textOrNull(drawn.tier?.text)),
      JSONMember("is_passed", drawn.result.map { .boolean($0.isPassed) } ?? .null),
      JSONMember("marks", .object(listed.map { JSONMember($0, .textOrNull(marks[$0]?.rawValue)) })),
      JSONMember("note", TicketView.textOrNull(drawn.result?.note ?? "")), JSONMember("checked_by", .textOrNull(drawn.result?.checker.name)),
      JSONMember("reason", TicketView.textOrNull(drawn.result?.checker.reason ?? "")), JSONMember("checked_at", TicketView.instant(drawn.result?.at)),
    ]
  }

  private func answer(_ drawn: StoredSpotTicket) -> Response {
    .json(JSONValue.object(view(drawn)).encoded, headers: ["ETag": SpotChecksAPI.tag(drawn).description])
  }

  private func list(_ request: Request) async throws -> Response {
    let month = try SpotChecksAPI.month(request)
    let limit = try TicketsAPI.number(request, "limit", in: 1...TicketsAPI.rowsMax) ?? TicketsAPI.rowsUsual
    var reader = BodyReader(.object([]))
    let isChecked: Bool? =
      switch request.query["checked"] {
      case nil: nil
      case "true": true
      case "false": false
      default:
        { reader.refuse("checked", "enum", "checked is true or false"); return nil }()
      }
    let after = request.query["after"].flatMap { TicketID($0) }
    if request.query["after"] != nil, after == nil { reader.refuse("after", "format", "give what the page before says under next") }
    try reader.finish()
    _ = try await find(month)
    let found = try await pool.withSession { try SpotCheckQueries.page(month, isChecked: isChecked, after: after, limit: limit + 1, $0) }
    let page = found.prefix(limit)
    let next = found.count > limit ? page.last?.ticket.description : nil
    return .json(
      JSONValue.object([JSONMember("tickets", .array(page.map { .object(view($0)) })), JSONMember("next", .textOrNull(next))]).encoded)
  }

  private func mark(_ request: Request) async throws -> Response {
    let (month, ticket) = (try SpotChecksAPI.month(request), try request.ticketID())
    let order = try Instruction(request, members: ["marks", "note"], needsReason: false)
    let (rules, now, actor) = (settings.rules.value, clock.now(), order.ticketActor)
    var reader = BodyReader(order.body)
    let note = reader.text("note", max: BodyReader.textMax)
    var marks: [String: SpotMark] = [:]
    if let given = order.body["marks"]?.members, given.count <= DeskRules.codesMax {
      for member in given {
        marks[member.key] = member.value.stringValue.flatMap { SpotMark(rawValue: $0) }
        if marks[member.key] == nil { reader.refuse("marks", "enum", "a mark is one of \(BodyReader.words(SpotMark.self))") }
      }
    } else {
      reader.refuse("marks", "type", "marks is an object with a mark for each point of the checklist (`GET /v1/desk`)")
    }
    try reader.finish()
    let tags = try request.expectedTags(of: "the record")
    let given = marks
    let marked = try await pool.transaction { session -> StoredSpotTicket in
      guard let drawn = try SpotCheckQueries.ticket(ticket, of: month, isLocking: true, session) else { throw SpotChecksAPI.notDrawn(ticket) }
      guard SpotChecksAPI.tag(drawn).isNamed(in: tags) else {
        throw Problem(.preconditionFailed, title: "Changed meanwhile", detail: "somebody else marked it since: look again and decide anew")
      }
      let owner = try TicketQueries.ticket(ticket, session)?.owner ?? ""
      do {
        let result = try SpotResult(given, note: note, by: actor, at: now, checklist: rules.desk.checklist, owner: owner)
        try SpotCheckQueries.mark(ticket, of: month, result, session)
      } catch let refusal as SpotRefusal { throw refusal.problem }
      return try SpotCheckQueries.ticket(ticket, of: month, session) ?? drawn
    }
    return answer(marked)
  }
}

extension SpotRefusal {
  fileprivate var problem: Problem {
    func invalid(_ rule: String, _ detail: String) -> Problem { .invalid([.init(field: "marks", rule: rule, detail: detail)]) }
    return switch self {
    case .missing(let id): invalid("missing", "the point \(id) has no mark; not_applicable where there was nothing to find")
    case .unknown(let id): invalid("unknown", "there is no point \(id.prefix(64)); `GET /v1/desk` lists them under checklist")
    case .nothingFound: invalid("empty", "with nothing to find there is no result")
    case .ownWork: Problem(.conflict, title: "Own work", detail: "who worked on the ticket cannot check it: somebody else has to")
    }
  }
}
