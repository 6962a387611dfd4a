// Baselines over HTTP (F-07): figures taken before a measure, and what came after it.
import Access
import Domain
import FeedbackCore
import FeedbackStore
import HTTP
import Handling
import Postgres
import Runtime
import Text

struct BaselinesAPI: Sendable {
  let ladder: TierLadder
  let zone: BusinessZone
  let clock: any BusinessClock
  let pool: PostgresPool

  func add(to router: inout Router) {
    router.post("/v1/baselines", needs: .baselinesTake, limits: RouteLimits(bodyBytesMax: Instruction.bodyBytesMax)) { try await take($0) }
    router.get("/v1/baselines", needs: .figuresRead) { try await list($0) }
    router.get("/v1/baselines/{name}", needs: .figuresRead) { try await show($0) }
    router.get("/v1/baselines/{name}/comparison", needs: .figuresRead) { try await compare($0) }
  }

  private static let nameDetail = "small letters, digits and hyphens, at most \(Baseline.nameBytesMax)"

  // MARK: - Taking

  private func take(_ request: Request) async throws -> Response {
    let order = try Instruction(request, members: ["name", "from", "to"])
    let now = clock.now()
    var faults: [Problem.FieldFault] = []
    let name = order.body["name"]?.stringValue ?? ""
    if !isSlug(name, bytesMax: Baseline.nameBytesMax) { faults.append(.init(field: "name", rule: "format", detail: "name is \(BaselinesAPI.nameDetail)")) }
    func day(_ field: String) -> Day? {
      let day = order.body[field]?.stringValue.flatMap { Day($0) }
      if day == nil { faults.append(.init(field: field, rule: "format", detail: "\(field) is a day, as 2026-07-01")) }
      return day
    }
    let (first, last) = (day("from"), day("to"))
    let today = zone.day(of: now)
    var period: AnswerReport.Period?
    if let first, let last {
      period = AnswerReport.Period(from: first, to: last)
      if period == nil { faults.append(.init(field: "from", rule: "range", detail: "from lies after to")) }
      if let period, period.days > FeedbackAPI.daysMax {
        faults.append(.init(field: "from", rule: "range", detail: "at most \(FeedbackAPI.daysMax) days"))
      }
      if last > today { faults.append(.init(field: "to", rule: "range", detail: "\(last) is not over: today is \(today)")) }
    }
    guard faults.isEmpty, let period else { throw Problem.invalid(faults) }
    let zone = zone
    let taken = try await pool.withSession {
      try BaselineQueries.take(name, of: period, by: order.actor, because: order.reason, at: now, in: zone, $0)
    }
    switch taken {
    case .new(let baseline): return .json(view(baseline, hasFigures: true).encoded, status: .created)
    case .known(let baseline): return .json(view(baseline, hasFigures: true).encoded)
    case .taken(let baseline):
      throw Problem(
        .conflict, title: "The name is taken",
        detail: "\(name) is the baseline of \(baseline.period.first) to \(baseline.period.last), which stays: choose another name")
    }
  }

  // MARK: - Looking

  private func list(_ request: Request) async throws -> Response {
    var reader = QueryReader(request.query)
    let after = reader.text("after", max: Baseline.nameBytesMax)
    let limit = reader.number("limit", in: 1...FeedbackAPI.rowsMax) ?? FeedbackAPI.rowsUsual
    try reader.finish()
    let found = try await pool.withSession { try BaselineQueries.page(after: after, limit: limit + 1, $0) }
    let page = found.prefix(limit)
    let next = found.count > limit ? page.last?.name : nil
    return .json(
      JSONValue.object([
        JSONMember("baselines", .array(page.map { view($0, hasFigures: false) })), JSONMember("next", .textOrNull(next)),
      ]).encoded)
  }

  private func baseline(_ request: Request) async throws -> Baseline {
    let name = try request.parameter("name")
    guard isSlug(name, bytesMax: Baseline.nameBytesMax) else {
      throw Problem.invalid([.init(field: "name", rule: "format", detail: "a baseline's name is \(BaselinesAPI.nameDetail)")])
    }
    guard let found = try await pool.withSession({ try BaselineQueries.baseline(name, $0) }) else {
      throw Problem(.notFound, title: "No such baseline", detail: "there is no baseline \(name)")
    }
    return found
  }

  private func show(_ request: Request) async throws -> Response { .json(view(try await baseline(request), hasFigures: true).encoded) }

  // MARK: - Comparing

  private func compare(_ request: Request) async throws -> Response {
    let before = try await baseline(request)
    let now = clock.now()
    let (today, taken) = (zone.day(of: now), zone.day(of: before.takenAt))
    var reader = QueryReader(request.query)
    let metric = reader.choice("metric", of: AnswerEvent.Metric.self)
    let first = reader.day("from") ?? taken + 1
    let last = reader.day("to") ?? max(today, first)
    let period = FeedbackAPI.period(from: first, to: last, of: "a comparison", &reader)
    try reader.finish()
    guard let period else { throw Problem(.internalServerError) }
    let zone = zone
    let after = try await pool.withSession { try BaselineQueries.figures(over: period, in: zone, $0) }
    let metrics = AnswerEvent.Metric.allCases.filter { metric == nil || $0 == metric }
    let groups = metrics.flatMap { metric in
      Baseline.compare(before.figures[metric] ?? [:], after[metric] ?? [:], of: metric).map { group, before, after -> JSONValue in
        let change = after.difference(from: before)
        return .object(
          head(group, metric) + [
            JSONMember("before", .object(AnswerView.figure(before))), JSONMember("after", .object(AnswerView.figure(after))),
            JSONMember("change", change == nil ? .null : .object(AnswerView.estimate(change, isShown: before.isEnough && after.isEnough))),
          ])
      }
    }
    return .json(
      JSONValue.object([
        JSONMember("baseline", view(before, hasFigures: false)), JSONMember("from", .text(period.first.description)),
        JSONMember("to", .text(period.last.description)), JSONMember("as_of", .text(RFC3339.text(now.microseconds))),
        JSONMember("answers_min", .integer(ScoreCounts.answersMin)), JSONMember("groups", .array(groups)),
      ]).encoded)
  }

  // MARK: - As JSON

  private func head(_ group: BaselineGroup, _ metric: AnswerEvent.Metric) -> [JSONMember] {
    let tier = group.grouping == .tier ? group.word.flatMap { word in ladder.tiers.first { $0.id.text == word }?.name } : nil
    return [
      JSONMember("metric", .text(metric.rawValue)), JSONMember("by", .textOrNull(group.grouping?.rawValue)), JSONMember("group", .textOrNull(group.word)),
      JSONMember("name", tier.map(JSONValue.name) ?? .null),
    ]
  }

  private func view(_ baseline: Baseline, hasFigures: Bool) -> JSONValue {
    var members = [
      JSONMember("name", .text(baseline.name)), JSONMember("from", .text(baseline.period.first.description)),
      JSONMember("to", .text(baseline.period.last.description)), JSONMember("taken_at", .text(RFC3339.text(baseline.takenAt.microseconds))),
      JSONMember("actor", .text(baseline.actor)), JSONMember("reason", .text(baseline.reason)),
    ]
    if hasFigures {
      let groups = AnswerEvent.Metric.allCases.flatMap { metric in
        (baseline.figures[metric] ?? [:]).sorted { $0.key < $1.key }.map { group, counts in
          JSONValue.object(head(group, metric) + AnswerView.figure(counts))
        }
      }
      members.append(JSONMember("figures", .array(groups)))
    }
    return .object(members)
  }
}
