// The HTTP API over this service's tables.
import Access
import Documents
import Domain
import HTTP
import Handling
import Messaging
import Postgres
import Runtime
import Text
import TieringCore
import TieringStore

struct TieringAPI: Sendable {
  let settings: TieringSettings
  let clock: any BusinessClock
  let pool: PostgresPool

  /// Customers read at once for the list of all.
  static let pageCustomersMax = 1_000

  func add(to router: inout Router) {
    router.get("/v1/tiers", needs: .customersExport) { _ in list() }
    router.get("/v1/tiers/summary", needs: .figuresRead) { _ in try await summary() }
    router.get("/v1/tiers/{customer_id}", needs: .tiersRead) { try await one($0, version: $0.query["version"]) }
    let places = SimulationPlaces()
    SimulationAPI(settings: settings, clock: clock, pool: pool, places: places).add(to: &router)
    DevelopmentAPI(settings: settings, clock: clock, pool: pool, places: places).add(to: &router)
    QuotaAPI(settings: settings, clock: clock, pool: pool).add(to: &router)
    ScorecardAPI(settings: settings, clock: clock, pool: pool, places: places).add(to: &router)
    ReviewAPI(settings: settings, clock: clock, pool: pool).add(to: &router)
    router.get("/v1/customers/{customer_id}/ratings/{version}", needs: .tiersRead) { try await one($0, version: try $0.parameter("version")) }
    EntitlementsAPI(rules: settings.rules, catalogue: settings.benefits.content, pool: pool).add(to: &router)
    router.get("/v1/ratings/waiting", needs: .operationsRead) { _ in
      .json(JSONValue.object([JSONMember("waiting", .integer(try await pool.withSession { try TierQueries.waiting($0) }))]).encoded)
    }
    router.post("/v1/republications", needs: .operationsAct) { _ in
      let asked = try await pool.transaction { try TierQueries.askRepublish($0) }
      settings.lane.ring()
      return .json(JSONValue.object([JSONMember("snapshots", .integer(Int64(asked)))]).encoded, status: .accepted)
    }
    router.get("/v1/republications", needs: .operationsRead) { _ in
      .json(JSONValue.object([JSONMember("waiting", .integer(try await pool.withSession { try Unsettled.count($0) }))]).encoded)
    }
    router.post("/v1/ratings/due", needs: .operationsAct) { _ in
      let waiting = try await pool.transaction { try TierQueries.rateNow($0) }
      settings.lane.ring()
      return .json(JSONValue.object([JSONMember("waiting", .integer(Int64(waiting)))]).encoded, status: .accepted)
    }
  }

  // MARK: - One customer

  private func one(_ request: Request, version: String?) async throws -> Response {
    let id = try request.customerID("customer_id")
    let version = try version.map { text in
      guard let version = Int64(text), version > 0 else {
        throw Problem.invalid([.init(field: "version", rule: "range", detail: "a version is a whole number from 1")])
      }
      return version
    }
    let rules = settings.rules
    let body = try await pool.transaction { session -> [UInt8]? in
      guard let customer = try TierQueries.customer(id, session) else { return nil }
      if let version {
        guard let record = try TierQueries.rating(id, version: version, session) else { return nil }
        return try TieringAPI.body(customer, record.standing, record, rules, session)
      }
      return try customer.standing.map { try TieringAPI.body(customer, $0, nil, rules, session) }
    }
    guard let body else {
      throw Problem(.notFound, title: "No such rating", detail: "there is no rating\(version.map { " \($0)" } ?? "") of a customer \(id)")
    }
    return Response.json(body).tagged(for: request)
  }

  static func body(
    _ customer: RatedCustomer, _ standing: Standing, _ record: RatingRecord?, _ rules: TieringRules, _ session: PostgresSession
  ) throws -> [UInt8] {
    var members = [JSONMember("customer_id", .text(customer.id.description)), JSONMember("member_id", .textOrNull(customer.memberID))]
    if let mergedInto = customer.mergedInto { members.append(JSONMember("merged_into", .text(mergedInto.description))) }
    members += RatingView.rating(standing)
    if let record {
      members.append(JSONMember("reason", .text(record.reason.rawValue)))
      members.append(JSONMember("tier_before", .textOrNull(record.tierBefore?.text)))
      members.append(JSONMember("action", ReviewView.action(record.action)))
    } else {
      members.append(JSONMember("rate_after", customer.rateAfter.map(RatingView.instant) ?? .null))
      members.append(JSONMember("decision", ReviewView.decision(standing, customer.course.review, rules)))
    }
    members.append(JSONMember("explanation", try explanation(of: standing, rules, session)))
    return JSONValue.object(members).encoded
  }

  /// Worked out anew by the scorecard and policy that made the rating; null when no indicator had a value.
  static func explanation(of standing: Standing, _ rules: TieringRules, _ session: PostgresSession) throws -> JSONValue {
    let rating = standing.rating
    let scorecard =
      rating.scorecard == rules.scorecard.reference ? rules.scorecard : try RuleRegister.scorecard(rating.scorecard, session)
    let borders = try QuotaTable.borders(of: standing.inputs, session)
    // A quota is explained by the borders that the rating was made by.
    let isCurrent = rating.policy == rules.policy.reference && standing.inputs.quotaBorders == nil
    let policy = isCurrent ? rules.policy : try RuleRegister.policy(rating.policy, borders: standing.inputs.quotaBorders, session)
    guard let scorecard, let policy, let score = try? scorecard.score(standing.inputs.values) else { return .null }
    let explanation = Explanation(
      of: score, inputs: standing.inputs, scorecard: scorecard, policy: policy, current: rating.tier, day: standing.ratedDay,
      currency: rules.currency)
    return RatingView.explanation(explanation, policy: policy, borders: borders, zone: rules.zone)
  }

  // MARK: - All customers

  /// One line per customer in id order. Read page by page as the client takes them, so not all of one moment.
  private func list() -> Response {
    .stream(contentType: "application/x-ndjson") { body in
      var last = Int64.min
      while true {
        let after = last
        let page = try await pool.withSession { try TierQueries.page(after: after, limit: TieringAPI.pageCustomersMax, $0) }
        if !page.isEmpty { try await body.write(TieringAPI.lines(page)) }
        guard page.count == TieringAPI.pageCustomersMax, let next = page.last else { return }
        last = next.customer.number
      }
    }
  }

  static func lines(_ page: [TierLine]) -> [UInt8] {
    var writer = JSONWriter(capacityBytes: 256 * page.count)
    for line in page {
      writer.beginObject()
      writer.key("customer_id")
      writer.text(line.customer.description)
      writer.key("member_id")
      writer.textOrNull(line.memberID)
      writer.key("version")
      writer.integer(line.version)
      writer.key("tier")
      writer.text(line.tier)
      writer.key("proposed_tier")
      writer.textOrNull(line.proposed)
      writer.key("score")
      writer.integerOrNull(line.score.map(Int64.init))
      writer.key("scorecard")
      writer.text(line.scorecard.name)
      writer.key("scorecard_version")
      writer.integer(line.scorecard.version)
      writer.key("policy")
      writer.text(line.policy.name)
      writer.key("rated_day")
      writer.text(line.ratedDay.description)
      writer.key("recency_days")
      writer.integerOrNull(line.recencyDays.map(Int64.init))
      writer.key("frequency")
      writer.integer(line.frequency)
      writer.key("monetary")
      writer.integer(line.monetary)
      writer.endObject()
      writer.endLine()
    }
    return writer.array()
  }

  // MARK: - Counts

  private func summary() async throws -> Response {
    let inForce = settings.inForce
    let (counts, waiting, rules) = try await pool.transaction { session in
      (try TierQueries.summary(session), try TierQueries.waiting(session), try inForce.read(session))
    }
    return .json(TieringAPI.summary(counts, waiting: waiting, rules: rules).encoded)
  }

  /// Every tier of the policy, highest first, also empty ones; then tiers that are no longer configured.
  static func summary(_ counts: [TierCount], waiting: Int64, rules: TieringRules) -> JSONValue {
    let ladder = rules.policy.ladder
    let customers = counts.reduce(0) { $0 + $1.customers }
    let revenue = counts.reduce(0) { $0 &+ $1.revenue }
    func share(_ part: Int64, _ whole: Int64) -> JSONValue {
      guard whole > 0, let percent = Rational(Int128(part) * 100, over: Int128(whole)) else { return .null }
      return .number(percent.decimalText(fractionDigitsMax: 2))
    }
    let former = counts.filter { count in !ladder.tiers.contains { $0.id.text == count.tier } }
    let ids = ladder.tiers.map(\.id.text) + former.map(\.tier)
    let tiers = ids.map { id -> JSONValue in
      let count = counts.first { $0.tier == id }
      return [
        "tier": .text(id), "name": TierID(id).flatMap { ladder[$0] }.map { .name($0.name) } ?? .null,
        "customers": .integer(count?.customers ?? 0), "share_percent": share(count?.customers ?? 0, customers),
        "revenue": .integer(count?.revenue ?? 0), "revenue_share_percent": share(count?.revenue ?? 0, revenue),
      ]
    }
    return [
      "scorecard": .text(rules.scorecard.reference.description), "canary": .textOrNull(rules.canary?.scorecard.reference.description),
      "policy": .text(rules.policy.reference.description),
      "currency": .text(rules.currency.description), "customers": .integer(customers), "revenue": .integer(revenue),
      "waiting": .integer(waiting),
      "tiers": .array(tiers),
    ]
  }
}
