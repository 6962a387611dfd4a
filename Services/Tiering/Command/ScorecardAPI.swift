// Scorecards over HTTP: kept, tried, put in force and taken out of it, with who and why on record (T-10).
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

struct ScorecardAPI: Sendable {
  let settings: TieringSettings
  let clock: any BusinessClock
  let pool: PostgresPool
  let places: SimulationPlaces

  /// Events of one answer, unless asked otherwise.
  static let eventsUsual = 50
  /// A scorecard as JSON text, with who and why, bytes.
  static let bodyBytesMax = 2 * SimulationAPI.scorecardBytesMax

  func add(to router: inout Router) {
    let limits = RouteLimits(bodyBytesMax: Instruction.bodyBytesMax)
    router.get("/v1/scorecards", needs: .scorecardsRead) { _ in try await list() }
    router.post("/v1/scorecards", needs: .scorecardsDecide, limits: RouteLimits(bodyBytesMax: ScorecardAPI.bodyBytesMax)) { try await register($0) }
    router.get("/v1/scorecards/history", needs: .scorecardsRead) { try await history($0) }
    router.get("/v1/scorecards/{name}/{version}", needs: .scorecardsRead) { try await show($0) }
    router.get("/v1/scorecards/{name}/{version}/file", needs: .scorecardsRead) { try await file($0) }
    router.get("/v1/scorecards/{name}/{version}/comparison", needs: .scorecardsRead) { try await compare($0) }
    router.post("/v1/scorecards/{name}/{version}/canary", needs: .scorecardsDecide, limits: limits) { request in
      try await step(.canary, request, members: ["percent"]) { wish, body in wish.percent = try ScorecardAPI.percent(body) }
    }
    router.post("/v1/scorecards/{name}/{version}/activate", needs: .scorecardsDecide, limits: limits) { request in
      try await step(.activate, request, members: ["without_canary"]) { wish, body in
        guard let given = body["without_canary"], given != .null else { return }
        guard let skips = given.booleanValue else {
          throw Problem.invalid([.init(field: "without_canary", rule: "type", detail: "without_canary is true or false")])
        }
        wish.skipsCanary = skips
      }
    }
    router.post("/v1/scorecards/{name}/{version}/retire", needs: .scorecardsDecide, limits: limits) { try await step(.retire, $0) }
    router.post("/v1/scorecards/{name}/{version}/back", needs: .scorecardsDecide, limits: limits) { try await step(.back, $0) }
  }

  // MARK: - Registering

  private func register(_ request: Request) async throws -> Response {
    let limits = JSONLimits(documentBytesMax: ScorecardAPI.bodyBytesMax)
    let order = try ScorecardRequest(request, members: ["yaml"], limits: limits, at: clock.now())
    guard let yaml = order.body["yaml"]?.stringValue else {
      throw Problem.invalid([.init(field: "yaml", rule: "missing", detail: "the scorecard is needed as a text, as its file has it")])
    }
    let file = try ScorecardRequest.file(Array(yaml.utf8))
    let reference = file.content.reference
    let (isNew, card) = try await ScorecardAPI.told {
      try await pool.transaction { session in (try ScorecardLife.register(file, by: order.actor, session), try ScorecardLife.card(reference, session)) }
    }
    guard let card else { throw ScorecardRequest.unknown(reference) }
    let path = "/v1/scorecards/\(reference.name)/\(reference.version)"
    return .json(
      try ScorecardAPI.body(card, nil), status: isNew ? .created : .ok,
      headers: ["Location": path, "ETag": ScorecardRequest.tag(card.revision).description])
  }

  // MARK: - Steps

  private static func percent(_ body: JSONValue) throws(Problem) -> Int {
    guard let given = body["percent"], given != .null else { return CanaryTrial.percentDefault }
    guard let percent = ScorecardRequest.whole(given), CanaryTrial.percentRange.contains(percent) else {
      let (least, most) = (CanaryTrial.percentRange.lowerBound, CanaryTrial.percentRange.upperBound)
      throw Problem.invalid([.init(field: "percent", rule: "range", detail: "a whole number from \(least) to \(most): so many of a hundred customers")])
    }
    return percent
  }

  private func step(
    _ step: ScorecardStep, _ request: Request, members: Set<String> = [], _ fill: (inout ScorecardWish, JSONValue) throws -> Void = { _, _ in }
  ) async throws -> Response {
    let reference = try ScorecardRequest.reference(request)
    let order = try ScorecardRequest(request, members: members, at: clock.now())
    var wish = ScorecardWish(step, reference, by: order.actor)
    wish.revisions = order.seen
    try fill(&wish, order.body)
    let chosen = wish
    let (card, simulated) = try await ScorecardAPI.told {
      try await pool.withSession { session in
        let card = try ScorecardLife.step(chosen, session)
        return (card, try ScorecardAPI.simulation(of: reference, session))
      }
    }
    settings.lane.ring()
    return .json(try ScorecardAPI.body(card, simulated), headers: ["ETag": ScorecardRequest.tag(card.revision).description])
  }

  /// What stands against a change, told to whoever asked for it.
  private static func told<Value>(_ work: () async throws -> Value) async throws -> Value {
    do { return try await work() } catch let problem as ScorecardProblem {
      switch problem {
      case .unknown(let reference): throw ScorecardRequest.unknown(reference)
      case .changed: throw Problem(.preconditionFailed, title: "Changed meanwhile", detail: "somebody has changed the scorecard since you looked at it")
      case .taken(let reference):
        throw Problem(
          .conflict, title: "Version taken", detail: "scorecard \(reference) is registered with another content: raise the version in the file")
      case .refused(let refusal): throw Problem(.conflict, title: "Not possible now", detail: refusal.description)
      }
    }
  }

  // MARK: - Looking

  private func list() async throws -> Response {
    let cards = try await pool.withSession { try ScorecardLife.cards($0) }
    let rows = try cards.map { JSONValue.object(try ScorecardAPI.members($0)) }
    return .json(JSONValue.object([JSONMember("scorecards", .array(rows))]).encoded)
  }

  private func show(_ request: Request) async throws -> Response {
    let reference = try ScorecardRequest.reference(request)
    let found = try await pool.transaction { session in
      try ScorecardLife.card(reference, session).map { ($0, try ScorecardAPI.simulation(of: reference, session)) }
    }
    guard let (card, simulated) = found else { throw ScorecardRequest.unknown(reference) }
    return .json(try ScorecardAPI.body(card, simulated)).tagged(for: request, as: ScorecardRequest.tag(card.revision))
  }

  /// The bytes as they were registered: imported elsewhere, it is the same scorecard.
  private func file(_ request: Request) async throws -> Response {
    let reference = try ScorecardRequest.reference(request)
    guard let card = try await pool.withSession({ try ScorecardLife.card(reference, $0) }) else { throw ScorecardRequest.unknown(reference) }
    return Response(headers: ["Content-Type": "application/yaml"], body: Array(card.yaml.utf8)).tagged(for: request)
  }

  private static func simulation(of reference: ScorecardReference, _ session: PostgresSession) throws -> ScorecardEvent? {
    try ScorecardLife.events(of: reference.name, version: reference.version, kind: .simulated, limit: 1, session).first
  }

  private static func members(_ card: RegisteredScorecard) throws -> [JSONMember] {
    let content = try ScorecardDocument.decode(Array(card.yaml.utf8), source: "scorecard \(card.reference)", isKept: true)
    return [
      JSONMember("name", .text(card.reference.name)), JSONMember("version", .integer(Int64(card.reference.version))),
      JSONMember("author", .text(content.author)), JSONMember("state", .text(card.state.rawValue)), JSONMember("revision", .integer(card.revision)),
      JSONMember("registered_at", RatingView.instant(card.registeredAt)), JSONMember("in_force", .boolean(card.state == .active)),
      JSONMember("canary_percent", RatingView.integer(card.canaryPercent)),
      JSONMember("indicators", .array(content.indicators.map { .text($0.key.name) })),
    ]
  }

  private static func body(_ card: RegisteredScorecard, _ simulated: ScorecardEvent?) throws -> [UInt8] {
    JSONValue.object(try members(card) + [JSONMember("simulation", try simulated.map(event) ?? .null)]).encoded
  }

  // MARK: - History

  private func history(_ request: Request) async throws -> Response {
    func number(_ name: String, _ range: ClosedRange<Int64>) throws(Problem) -> Int64? {
      guard let text = request.query[name] else { return nil }
      guard let number = Int64(text), range.contains(number) else {
        throw Problem.invalid([.init(field: name, rule: "range", detail: "a whole number from \(range.lowerBound) to \(range.upperBound)")])
      }
      return number
    }
    let limit = Int(try number("limit", 1...Int64(ScorecardLife.eventsMax)) ?? Int64(ScorecardAPI.eventsUsual))
    let version = try number("version", 1...Int64(Int32.max)).map { Int($0) }
    let before = try number("before", 1...Int64.max)
    let name = request.query["name"]
    if let name { try ScorecardRequest.check(name: name) }
    let events = try await pool.withSession { try ScorecardLife.events(of: name, version: version, before: before, limit: limit, $0) }
    let next: JSONValue = events.count == limit ? events.last.map { .integer($0.id) } ?? .null : .null
    return .json(JSONValue.object([JSONMember("events", .array(try events.map(ScorecardAPI.event))), JSONMember("next", next)]).encoded)
  }

  private static func event(_ event: ScorecardEvent) throws -> JSONValue {
    let replaced: JSONValue = event.replaced.map { ["name": .text($0.name), "version": .integer(Int64($0.version))] } ?? .null
    return [
      "id": .integer(event.id), "at": RatingView.instant(event.actor.at), "name": .text(event.scorecard.name),
      "version": .integer(Int64(event.scorecard.version)), "kind": .text(event.kind.rawValue), "state_before": .textOrNull(event.stateBefore?.rawValue),
      "state_after": .text(event.stateAfter.rawValue), "actor": .text(event.actor.name), "reason": .text(event.actor.reason), "replaced": replaced,
      "detail": try event.detail.map { try JSONValue(Array($0.utf8)) } ?? .null,
    ]
  }

  // MARK: - Comparing

  private func compare(_ request: Request) async throws -> Response {
    let reference = try ScorecardRequest.reference(request)
    let comparison = CanaryComparison(inForce: settings.inForce, pool: pool, now: clock.now())
    guard let trial = try await comparison.trial(of: reference) else {
      guard try await pool.withSession({ try ScorecardLife.card(reference, $0) }) != nil else { throw ScorecardRequest.unknown(reference) }
      throw Problem(.conflict, title: "Not possible now", detail: "scorecard \(reference) is not tried on customers: make it the canary first")
    }
    return try await LongAnswer.respond(request, try places.takeOrRefuse()) { try await comparison.run(trial, $0) }
  }
}
