// Complaint hot spots and what is done about them, over HTTP (K-10).
import Access
import Domain
import HTTP
import Handling
import Hashing
import Postgres
import Runtime
import Text
import TicketsCore
import TicketsStore

struct ComplaintsAPI: Sendable {
  let settings: TicketsSettings
  let clock: any BusinessClock
  let pool: PostgresPool
  /// What makes two requests without a key of their own two records.
  var draw: @Sendable () -> UInt64 = { UInt64.random(in: 0 ... .max) }

  static let windowDaysUsual = 30

  init(settings: TicketsSettings, context: ServiceContext) { self.init(settings: settings, clock: context.settings.clock, pool: context.pool) }

  init(settings: TicketsSettings, clock: any BusinessClock, pool: PostgresPool) {
    self.settings = settings
    self.clock = clock
    self.pool = pool
  }

  func add(to router: inout Router) {
    let limits = RouteLimits(bodyBytesMax: TicketsAPI.bodyBytesMax)
    router.get("/v1/reports/complaints", needs: .figuresRead) { try await report($0) }
    router.get("/v1/improvements", needs: .improvementsRead) { try await list($0) }
    router.post("/v1/improvements", needs: .improvementsAct, limits: limits) { try await open($0) }
    router.get("/v1/improvements/{improvement_id}", needs: .improvementsRead) { request in
      let id = try ComplaintsAPI.id(request)
      guard let found = try await pool.withSession({ try read(id, $0) }) else { throw ComplaintsAPI.unknown(id) }
      return answer(found)
    }
    router.post("/v1/improvements/{improvement_id}/steps", needs: .improvementsAct, limits: limits) { try await step($0) }
  }

  // MARK: - Hot spots

  private func report(_ request: Request) async throws -> Response {
    let (rules, now) = (settings.rules.value, clock.now())
    var reader = BodyReader(.object([]))
    let first = ServiceMonth.firstDay(request.query["month"], today: rules.zone.day(of: now), &reader)
    try reader.finish()
    guard let first else { throw Problem(.internalServerError) }
    let (start, end) = (rules.zone.startOfDay(first), rules.zone.startOfDay(first.adding(months: 1)))
    let former = rules.zone.startOfDay(first.adding(months: -1))
    // Of a month that still runs as much of the month before counts.
    let until = min(end, max(now, start))
    let formerUntil = until == end ? start : min(start, former.adding(seconds: (until.microseconds - start.microseconds) / 1_000_000))
    let spots = try await pool.withSession {
      try ComplaintQueries.spots(before: (former, formerUntil), period: (start, until), $0)
    }
    let causes = Dictionary(rules.desk.rootCauses.map { ($0.id, $0.name) }) { first, _ in first }
    let listed = ComplaintSpot.ordered(spots).map { spot -> JSONValue in
      [
        "root_cause": .textOrNull(spot.rootCause), "root_cause_name": spot.rootCause.flatMap { causes[$0] }.map(JSONValue.name) ?? .null,
        "category": .textOrNull(spot.category), "complaints": .integer(spot.count), "before": .integer(spot.before), "change": .integer(spot.change),
        "growth_percent": ComplaintsAPI.percent(spot.growth), "is_hot": .boolean(spot.isHot),
      ]
    }
    return .json(
      JSONValue.object([
        JSONMember("month", .text(first.month.description)), JSONMember("until", TicketView.instant(until)),
        JSONMember("before_from", TicketView.instant(former)), JSONMember("before_until", TicketView.instant(formerUntil)),
        JSONMember("complaints", .integer(spots.reduce(0) { $0 + $1.count })), JSONMember("before", .integer(spots.reduce(0) { $0 + $1.before })),
        JSONMember("spots", .array(listed)),
      ]).encoded)
  }

  private static func percent(_ value: Rational?) -> JSONValue {
    value.map { .number($0.decimalText(fractionDigitsMax: ServiceFiguresView.fractionDigitsMax)) } ?? .null
  }

  // MARK: - Improvements

  private struct Found {
    let improvement: Improvement
    /// As told, else as they are now; nil: the measure does not hold yet.
    let figures: ImprovementFigures?
  }

  private func read(_ id: TicketID, isLocking: Bool = false, _ session: PostgresSession) throws -> Found? {
    guard let improvement = try ImprovementQueries.improvement(id, isLocking: isLocking, session) else { return nil }
    return Found(improvement: improvement, figures: try improvement.figures ?? ComplaintQueries.figures(of: improvement, session))
  }

  private static func id(_ request: Request) throws(Problem) -> TicketID {
    guard let id = TicketID(try request.parameter("improvement_id")) else {
      throw Problem.invalid([.init(field: "improvement_id", rule: "format", detail: "an improvement's id has 16 hexadecimal digits")])
    }
    return id
  }

  private static func unknown(_ id: TicketID) -> Problem { Problem(.notFound, title: "No such improvement", detail: "there is no improvement \(id)") }
  /// Of the steps: the figures go on without anybody doing anything.
  private static func tag(_ improvement: Improvement) -> EntityTag { EntityTag(opaque: improvement.reached.rawValue) }

  private static func members(_ improvement: Improvement) -> [JSONMember] {
    let lines = improvement.lines.map { line -> JSONValue in
      [
        "step": .text(line.step.rawValue), "step_name": .name(line.step.name), "text": .text(line.text), "actor": .text(line.actor.name),
        "reason": TicketView.textOrNull(line.actor.reason), "at": TicketView.instant(line.at),
      ]
    }
    return [
      JSONMember("improvement_id", .text(improvement.id.description)), JSONMember("root_cause", TicketView.textOrNull(improvement.rootCause)),
      JSONMember("category", TicketView.textOrNull(improvement.category)), JSONMember("window_days", .integer(Int64(improvement.windowDays))),
      JSONMember("reached", .text(improvement.reached.rawValue)), JSONMember("next", .textOrNull(improvement.next?.rawValue)),
      JSONMember("effective_at", TicketView.instant(improvement.effectiveAt)), JSONMember("steps", .array(lines)),
    ]
  }

  private func answer(_ found: Found, status: HTTPStatus = .ok, headers: HTTPHeaders = [:]) -> Response {
    let (improvement, now) = (found.improvement, clock.now())
    var members = ComplaintsAPI.members(improvement)
    members.append(
      JSONMember(
        "figures",
        found.figures.map { figures in
          [
            "before": .integer(figures.before), "after": .integer(figures.after), "change_percent": ComplaintsAPI.percent(figures.change),
            "is_whole": .boolean(improvement.window.map { now >= $0.until } ?? false), "whole_at": TicketView.instant(improvement.window?.until),
          ]
        } ?? .null))
    var headers = headers
    headers["ETag"] = ComplaintsAPI.tag(improvement).description
    return .json(JSONValue.object(members).encoded, status: status, headers: headers)
  }

  private func list(_ request: Request) async throws -> Response {
    let query = request.query
    var reader = BodyReader(.object(query["reached"].map { [JSONMember("reached", .text($0))] } ?? []))
    let reached = reader.choice("reached", of: ImprovementStep.self)
    try reader.finish()
    let limit = try TicketsAPI.number(request, "limit", in: 1...TicketsAPI.rowsMax) ?? TicketsAPI.rowsUsual
    let after = try TicketsAPI.place(request)
    let found = try await pool.withSession { try ImprovementQueries.page(reached: reached, after: after, limit: limit + 1, $0) }
    let page = found.prefix(limit)
    let next = found.count > limit ? page.last.flatMap { last in last.lines.first.map { "\($0.at.microseconds)-\(last.id)" } } : nil
    return .json(
      JSONValue.object([
        JSONMember("improvements", .array(page.map { .object(ComplaintsAPI.members($0)) })), JSONMember("next", .textOrNull(next)),
      ]).encoded)
  }

  private func open(_ request: Request) async throws -> Response {
    let order = try Instruction(request, members: ["text", "root_cause", "category", "window_days"], needsReason: false)
    let (rules, now) = (settings.rules.value, clock.now())
    var reader = BodyReader(order.body)
    let text = reader.text("text", max: BodyReader.textMax, isNeeded: true)
    let (cause, category) = (reader.text("root_cause", max: DeskRules.codeBytesMax), reader.text("category", max: BodyReader.categoryMax))
    if !cause.isEmpty, !rules.desk.rootCauses.contains(where: { $0.id == cause }) {
      reader.refuse("root_cause", "unknown", "there is no root cause \(cause); `GET /v1/desk` lists them")
    }
    if cause.isEmpty, category.isEmpty { reader.refuse("root_cause", "missing", "say which complaints it is about: root_cause, category or both") }
    let days = reader.integer("window_days", in: 1...Improvement.windowDaysMax) ?? ComplaintsAPI.windowDaysUsual
    let key = TicketsAPI.key(request, &reader)
    try reader.finish()
    let digest = try Hasher256().digest(texts: ["improvement", key ?? "", key == nil ? String(draw(), radix: 16) : ""])
    let improvement = Improvement(
      id: TicketID(number: Int64(bitPattern: digest.high)), rootCause: cause, category: category, windowDays: days,
      lines: [ImprovementLine(.problem, text: text, by: order.ticketActor, at: now)])
    let (isNew, found) = try await pool.transaction { session in
      (try ImprovementQueries.open(improvement, session), try read(improvement.id, session))
    }
    guard let found else { throw Problem(.internalServerError) }
    return answer(found, status: isNew ? .created : .ok, headers: ["Location": "/v1/improvements/\(improvement.id)"])
  }

  private func step(_ request: Request) async throws -> Response {
    let id = try ComplaintsAPI.id(request)
    let order = try Instruction(request, members: ["step", "text", "effective_at"], needsReason: false)
    let now = clock.now()
    var reader = BodyReader(order.body)
    let step = reader.choice("step", of: ImprovementStep.self, isNeeded: true) ?? .cause
    let text = reader.text("text", max: BodyReader.textMax, isNeeded: true)
    let effectiveAt = order.body["effective_at"] == nil ? nil : reader.moment("effective_at")
    if step != .measure, order.body["effective_at"] != nil { reader.refuse("effective_at", "unknown", "only measure takes the moment it holds from") }
    try reader.finish()
    let tags = try request.expectedTags(of: "the improvement")
    let line = ImprovementLine(step, text: text, by: order.ticketActor, at: now)
    let found = try await pool.transaction { session -> Found in
      guard var improvement = try ImprovementQueries.improvement(id, isLocking: true, session) else { throw ComplaintsAPI.unknown(id) }
      guard ComplaintsAPI.tag(improvement).isNamed(in: tags) else {
        throw Problem(.preconditionFailed, title: "Changed meanwhile", detail: "the improvement is not what If-Match names: look again and decide anew")
      }
      do {
        let counted = improvement
        try improvement.take(line, effectiveAt: effectiveAt) {
          try ComplaintQueries.figures(of: counted, session) ?? ImprovementFigures(before: 0, after: 0)
        }
      } catch let refusal as ImprovementRefusal { throw refusal.problem }
      try ImprovementQueries.writeLast(improvement, session)
      return Found(improvement: improvement, figures: try improvement.figures ?? ComplaintQueries.figures(of: improvement, session))
    }
    return answer(found)
  }
}

extension ImprovementRefusal {
  fileprivate var problem: Problem {
    switch self {
    case .notPossible(let step, .some(let next)):
      Problem(.conflict, title: "Not possible now", detail: "\(step.rawValue) is not what comes now: \(next.rawValue) does")
    case .notPossible: Problem(.conflict, title: "Not possible now", detail: "the effect was told: the record is closed")
    case .tooEarly(let until):
      Problem(.conflict, title: "Not possible now", detail: "the figures after the improvement are whole on \(RFC3339.text(until.microseconds))")
    }
  }
}
