// What another scorecard would make of all stored customers, before it comes into force (T-10).
import Documents
import Domain
import HTTP
import Handling
import Postgres
import Synchronization
import Text
import TieringCore
import TieringStore

struct SimulationAPI: Sendable {
  let settings: TieringSettings
  let clock: any BusinessClock
  let pool: PostgresPool
  private let places = SimulationPlaces()

  /// Customers read and rated at once.
  static let customersPerPageMax = 1_000
  /// The longest scorecard that is taken, bytes.
  static let scorecardBytesMax = 1 << 20
  /// When to ask again while another simulation runs, in seconds.
  static let retrySeconds = 5

  init(settings: TieringSettings, clock: any BusinessClock, pool: PostgresPool) {
    self.settings = settings
    self.clock = clock
    self.pool = pool
  }

  func add(to router: inout Router) {
    let limits = RouteLimits(bodyBytesMax: SimulationAPI.scorecardBytesMax)
    router.post("/v1/scorecards/simulations", limits: limits) { try await simulate($0) }
  }

  private func simulate(_ request: Request) async throws -> Response {
    let file: RuleFile<Scorecard>
    do throws(DocumentFaults) { file = try RuleFile(scorecard: request.body, source: "scorecard") } catch {
      let faults = error.faults.map { Problem.FieldFault(field: $0.path, rule: "scorecard", detail: "\($0.line):\($0.column): \($0.problem)") }
      throw Problem.invalid(faults, detail: "the scorecard cannot be used: each fault is named by its line and column")
    }
    guard let place = places.take() else {
      throw Problem(
        .serviceUnavailable, title: "Busy", detail: "\(SimulationPlaces.simulationsMax) simulation runs at a time; try again when it has ended",
        headers: ["Retry-After": String(SimulationAPI.retrySeconds)])
    }
    var rules = settings.rules
    rules.scorecard = file.content
    let chosen = rules
    let now = clock.now()
    let today = rules.zone.day(of: now)
    let (isOther, waiting) = try await pool.withSession { (try RuleRegister.isRegisteredOtherwise(file, $0), try TierQueries.waiting($0)) }
    return .stream(contentType: "application/x-ndjson") { body in
      // Kept until the last line is written, or the client is gone.
      defer { place.leave() }
      try await body.write(SimulationAPI.head(chosen, today, isRegisteredOtherwise: isOther, waiting: waiting))
      var (last, customers) = (Int64.min, 0)
      while true {
        let after = last
        let page = try await pool.withSession { session -> (lines: [UInt8], customers: Int, last: Int64?) in
          let rated = try TierQueries.ratedPage(after: after, limit: SimulationAPI.customersPerPageMax, session)
          let lines = SimulationAPI.lines(rated.compactMap { SimulatedRating($0, rules: chosen, today: today, at: now) })
          return (lines, rated.count, rated.last?.id.number)
        }
        customers += page.customers
        if !page.lines.isEmpty { try await body.write(page.lines) }
        guard page.customers == SimulationAPI.customersPerPageMax, let next = page.last else { break }
        last = next
      }
      try await body.write(JSONValue.object([JSONMember("end", true), JSONMember("customers", .integer(Int64(customers)))]).encoded + [0x0A])
    }
  }

  /// The first line: by which rules, of which day, and the tiers, highest first.
  private static func head(_ rules: TieringRules, _ today: Day, isRegisteredOtherwise: Bool, waiting: Int64) -> [UInt8] {
    let tiers = rules.policy.ladder.tiers.map { tier -> JSONValue in ["tier": .text(tier.id.text), "name": RatingView.name(tier.name)] }
    let line: JSONValue = [
      "scorecard": .text(rules.scorecard.reference.name), "scorecard_version": .integer(Int64(rules.scorecard.reference.version)),
      "policy": .text(rules.policy.reference.name), "policy_version": .integer(Int64(rules.policy.reference.version)),
      "as_of": .text(today.description), "currency": .text(rules.currency.description),
      "registered_otherwise": .boolean(isRegisteredOtherwise), "waiting": .integer(waiting), "tiers": .array(tiers),
    ]
    return line.encoded + [0x0A]
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

/// Bounds how many simulations run at once: each reads all customers and rates them.
final class SimulationPlaces: Sendable {
  static let simulationsMax = 1

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
