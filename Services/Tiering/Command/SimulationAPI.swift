// What another scorecard would make of all stored customers, before it comes into force (T-10).
import Access
import Documents
import Domain
import HTTP
import Handling
import Postgres
import Runtime
import Synchronization
import Telemetry
import Text
import TieringCore
import TieringStore

struct SimulationAPI: Sendable {
  let settings: TieringSettings
  let clock: any BusinessClock
  let pool: PostgresPool
  let places: SimulationPlaces

  /// The longest scorecard that is taken, bytes.
  static let scorecardBytesMax = 1 << 20
  /// The longest body: a scorecard and a list of labelled customers, bytes.
  static let bodyBytesMax = 8 << 20

  init(settings: TieringSettings, clock: any BusinessClock, pool: PostgresPool, places: SimulationPlaces = SimulationPlaces()) {
    self.settings = settings
    self.clock = clock
    self.pool = pool
    self.places = places
  }

  func add(to router: inout Router) {
    let limits = RouteLimits(bodyBytesMax: SimulationAPI.bodyBytesMax)
    router.post("/v1/scorecards/simulations", needs: .scorecardsSimulate, limits: limits) { try await simulate($0) }
    router.post("/v1/scorecards/{name}/{version}/simulation", needs: .scorecardsSimulate, limits: limits) { try await simulateRegistered($0) }
  }

  // MARK: - What is asked for

  /// Which customers are written.
  private enum Lines: String, CaseIterable { case all, moved, none }

  private struct Plan: Sendable {
    let file: RuleFile<Scorecard>
    let lines: Lines
    let labelled: LabelledCustomers?
    /// Puts the sums on record; nil: they are only told.
    var record: (@Sendable (String, FoundBorders?, PostgresSession) throws -> RegisteredScorecard)?
  }

  private func simulate(_ request: Request) async throws -> Response {
    let lines = try lines(request)
    guard request.mediaType == "application/json" else {
      return try await run(Plan(file: try file(request.body), lines: lines, labelled: nil, record: nil))
    }
    guard let body = try? JSONValue(request.body, limits: SimulationAPI.jsonLimits), let yaml = body["yaml"]?.stringValue else {
      throw Problem(.badRequest, detail: "the body must be a JSON object with the scorecard as `yaml`, or the scorecard itself as application/yaml")
    }
    return try await run(Plan(file: try file(Array(yaml.utf8)), lines: lines, labelled: try labelled(body), record: nil))
  }

  private func simulateRegistered(_ request: Request) async throws -> Response {
    let lines = try lines(request)
    let reference = try ScorecardRequest.reference(request)
    let order = try ScorecardRequest(request, members: ["labelled", "high_value_tiers"], limits: SimulationAPI.jsonLimits, at: clock.now())
    let labelled = try labelled(order.body)
    guard let card = try await pool.withSession({ try ScorecardLife.card(reference, $0) }) else { throw ScorecardRequest.unknown(reference) }
    try order.check(card.revision, of: reference)
    let file = RuleFile(content: try kept(card), yaml: card.yaml, source: "scorecard \(reference)")
    let actor = order.actor
    return try await run(
      Plan(file: file, lines: lines, labelled: labelled) { summary, borders, session in
        var wish = ScorecardWish(.simulate, reference, by: actor)
        (wish.detail, wish.borders) = (summary, borders)
        return try ScorecardLife.step(wish, session)
      })
  }

  private func kept(_ card: RegisteredScorecard) throws -> Scorecard {
    try ScorecardDocument.decode(Array(card.yaml.utf8), source: "scorecard \(card.reference)", isKept: true)
  }

  private static let jsonLimits = JSONLimits(documentBytesMax: bodyBytesMax, treeValuesMax: LabelledCustomers.countMax + 1_000)

  private func file(_ bytes: [UInt8]) throws -> RuleFile<Scorecard> { try ScorecardRequest.file(bytes) }

  private func lines(_ request: Request) throws(Problem) -> Lines {
    guard let text = request.query["lines"] else { return .all }
    guard let lines = Lines(rawValue: text) else {
      throw Problem.invalid([.init(field: "lines", rule: "enum", detail: "lines is all, moved or none: which customers are written")])
    }
    return lines
  }

  /// The list that the scorecard's finds are compared with, and the tiers that mean "worth most": the highest one unless said otherwise.
  private func labelled(_ body: JSONValue) throws(Problem) -> LabelledCustomers? {
    guard let list = body["labelled"], list != .null else { return nil }
    guard let names = list.arrayValue?.map(\.stringValue), !names.isEmpty, names.count <= LabelledCustomers.countMax, !names.contains(nil) else {
      let detail = "1 to \(LabelledCustomers.countMax) customer ids or member ids are needed, as texts"
      throw Problem.invalid([.init(field: "labelled", rule: "type", detail: detail)])
    }
    let ladder = settings.rules.policy.ladder
    guard let given = body["high_value_tiers"], given != .null else {
      return LabelledCustomers(names.compactMap { $0 }, tiers: [ladder.tier(atRank: 0).id])
    }
    let tiers = given.arrayValue?.map { $0.stringValue.flatMap { TierID($0) }.flatMap { ladder[$0]?.id } } ?? []
    guard !tiers.isEmpty, !tiers.contains(nil) else {
      let known = ladder.tiers.map(\.id.text).joined(separator: ", ")
      throw Problem.invalid([.init(field: "high_value_tiers", rule: "enum", detail: "a list of tiers is needed; known are \(known)")])
    }
    return LabelledCustomers(names.compactMap { $0 }, tiers: Set(tiers.compactMap { $0 }))
  }

  // MARK: - Running

  private func run(_ plan: Plan) async throws -> Response {
    let place = try places.takeOrRefuse()
    let now = clock.now()
    let inForce = settings.inForce
    let (present, isOther, waiting) = try await pool.withSession { session in
      (try inForce.read(session), try RuleRegister.isRegisteredOtherwise(plan.file, session), try TierQueries.waiting(session))
    }
    var rules = present
    rules.scorecard = plan.file.content
    rules.canary = nil
    let given = rules
    let quota: QuotaPolicy? = if case .quota(let quota) = settings.rules.policy { quota } else { nil }
    return .stream(contentType: "application/x-ndjson") { body in
      // Kept until the last line is written, or the client is gone.
      defer { place.leave() }
      let today = given.zone.day(of: now)
      try await body.write(SimulationAPI.head(given, today, isRegisteredOtherwise: isOther, waiting: waiting))
      let sign = ProgressSign(body)
      var (chosen, borders) = (given, FoundBorders?.none)
      if let quota {
        let divided = try await divided(given, by: quota, today: today, at: now, sign)
        borders = divided
        chosen.policy = .score(quota.frozen(at: divided.thresholds))
      }
      let rules = chosen
      var sum = SimulationSum(rules.policy.ladder, labelled: plan.labelled)
      try await RatedPages(pool: pool).each { customers in
        let ratings = customers.compactMap { SimulatedRating($0, rules: rules, today: today, at: now) }
        for rating in ratings { sum.add(rating) }
        let written = plan.lines == .all ? ratings : plan.lines == .none ? [] : ratings.filter { $0.tier != $0.tierThen }
        if !written.isEmpty { try await body.write(SimulationAPI.lines(written)) }
        if plan.lines != .all { try await sign.reached(sum.customers) }
      }
      try await body.write(try await end(plan, sum, rules, borders))
    }
  }

  /// A quota divides the customers by the scores that they would have, not by those of today.
  private func divided(
    _ rules: TieringRules, by quota: QuotaPolicy, today: Day, at now: Instant, _ sign: ProgressSign
  ) async throws -> FoundBorders {
    var scores: [Rational?] = []
    try await RatedPages(pool: pool).each { customers in
      scores += customers.map { (try? $0.decided(by: rules, today: today, at: now))?.decision.rating.exactScore }
      // Nobody is simulated yet.
      try await sign.reached(0)
    }
    let real = Instant(microseconds: SystemTime.unixMicroseconds())
    return FoundBorders(quota.frozen(over: scores), customers: Int64(scores.count { $0 != nil }), real: real)
  }

  /// The last line: everything is there, and what it comes to.
  private func end(_ plan: Plan, _ sum: SimulationSum, _ rules: TieringRules, _ borders: FoundBorders?) async throws -> [UInt8] {
    let view = SimulationView(
      sum: sum, catalogue: settings.benefits.content, ladder: rules.policy.ladder, currency: rules.currency, labelled: plan.labelled)
    let summary = view.json
    var members = [JSONMember("end", true), JSONMember("customers", .integer(sum.customers)), JSONMember("summary", summary)]
    if let record = plan.record {
      let text = summary.encodedText
      let card = try await pool.withSession { try record(text, borders, $0) }
      members.append(JSONMember("state", .text(card.state.rawValue)))
      members.append(JSONMember("revision", .integer(card.revision)))
    }
    return SimulationAPI.line(.object(members))
  }

  private static func line(_ value: JSONValue) -> [UInt8] { value.encoded + [0x0A] }

  /// The first line: by which rules, of which day, and the tiers, highest first.
  private static func head(_ rules: TieringRules, _ today: Day, isRegisteredOtherwise: Bool, waiting: Int64) -> [UInt8] {
    let tiers = rules.policy.ladder.tiers.map { tier -> JSONValue in ["tier": .text(tier.id.text), "name": .name(tier.name)] }
    return line([
      "scorecard": .text(rules.scorecard.reference.name), "scorecard_version": .integer(Int64(rules.scorecard.reference.version)),
      "policy": .text(rules.policy.reference.name), "policy_version": .integer(Int64(rules.policy.reference.version)),
      "as_of": .text(today.description), "currency": .text(rules.currency.description),
      "registered_otherwise": .boolean(isRegisteredOtherwise), "waiting": .integer(waiting), "tiers": .array(tiers),
    ])
  }

  private static func lines(_ ratings: [SimulatedRating]) -> [UInt8] {
    var writer = JSONWriter(capacityBytes: 200 * ratings.count)
    for rating in ratings {
      writer.beginObject()
      writer.key("customer_id")
      writer.text(rating.customer.description)
      writer.key("member_id")
      writer.textOrNull(rating.memberID)
      writer.key("tier")
      writer.text(rating.tier.text)
      writer.key("score")
      writer.integerOrNull(rating.score.map(Int64.init))
      writer.key("tier_then")
      writer.text(rating.tierThen.text)
      writer.key("score_then")
      writer.integerOrNull(rating.scoreThen.map(Int64.init))
      writer.key("monetary")
      writer.integer(rating.monetary)
      if rating.isUnratable {
        writer.key("unratable")
        writer.boolean(true)
      }
      writer.endObject()
      writer.endLine()
    }
    return writer.array()
  }
}

/// All customers with a rating in force, read page by page in id order.
struct RatedPages: Sendable {
  let pool: PostgresPool

  /// Customers read and rated at once.
  static let customersMax = 1_000

  /// While a page is worked on, the next one is read.
  func each(_ take: ([RatedCustomer]) async throws -> Void) async throws {
    var page = try await self.page(after: .min)
    while let last = page.last?.id.number {
      guard page.count == RatedPages.customersMax else { return try await take(page) }
      async let next = self.page(after: last)
      try await take(page)
      page = try await next
    }
  }

  private func page(after id: Int64) async throws -> [RatedCustomer] {
    try await pool.withSession { try TierQueries.ratedPage(after: id, limit: RatedPages.customersMax, $0) }
  }
}

/// Bounds how many simulations run at once: each reads all customers and rates them.
final class SimulationPlaces: Sendable {
  static let simulationsMax = 1
  /// When to ask again while another simulation runs, in seconds.
  static let retrySeconds = 5

  private let taken = Mutex(0)

  /// A place, which is free again when it is left or forgotten; nil when all are taken.
  func take() -> SimulationPlace? {
    let isFree = taken.withLock { taken -> Bool in
      guard taken < SimulationPlaces.simulationsMax else { return false }
      taken += 1
      return true
    }
    return isFree ? SimulationPlace(self) : nil
  }

  /// A place, or a refusal that says when to come again.
  func takeOrRefuse() throws(Problem) -> SimulationPlace {
    if let place = take() { return place }
    throw Problem(
      .serviceUnavailable, title: "Busy", detail: "\(SimulationPlaces.simulationsMax) simulation or comparison runs at a time; try again when it has ended",
      headers: ["Retry-After": String(SimulationPlaces.retrySeconds)])
  }

  fileprivate func free() { taken.withLock { $0 -= 1 } }
}

/// A response that is never written, because its client has gone, lets go of its place too.
final class SimulationPlace: Sendable {
  private let places: SimulationPlaces
  private let isLeft = Mutex(false)

  fileprivate init(_ places: SimulationPlaces) { self.places = places }

  func leave() {
    let isFirst = isLeft.withLock { isLeft -> Bool in
      defer { isLeft = true }
      return !isLeft
    }
    if isFirst { places.free() }
  }

  deinit { leave() }
}
