// Where a quota cuts the population, looked at and drawn anew on request (T-04).
import Access
import Domain
import HTTP
import Handling
import Postgres
import Telemetry
import Text
import TieringCore
import TieringStore

struct QuotaAPI: Sendable {
  let settings: TieringSettings
  let clock: any BusinessClock
  let pool: PostgresPool

  func add(to router: inout Router) {
    router.get("/v1/quota/borders", needs: .scorecardsRead) { try await show($0) }
    router.post("/v1/quota/borders", needs: .operationsAct) { _ in try await draw() }
  }

  private func show(_ request: Request) async throws -> Response {
    let quota = try quota()
    guard let borders = try await pool.withSession({ try QuotaTable.current(quota.reference, $0) }) else { throw QuotaAPI.none }
    return .json(RatingView.borders(borders).encoded).tagged(for: request)
  }

  /// Whatever the interval; whose tier is another one by them is rated anew.
  private func draw() async throws -> Response {
    let quota = try quota()
    let moment = QuotaMoment(business: clock.now(), real: Instant(microseconds: SystemTime.unixMicroseconds()), intervalSeconds: 0)
    guard case .inForce(let renewed) = try await pool.withSession({ try QuotaTable.renew(quota, at: moment, $0) }) else { throw QuotaAPI.unfinished }
    guard let borders = renewed else { throw QuotaAPI.none }
    return .json(RatingView.borders(borders).encoded)
  }

  private func quota() throws(Problem) -> QuotaPolicy {
    if case .quota(let quota) = settings.rules.policy { return quota }
    let name = settings.rules.policy.reference.name
    throw Problem(.conflict, title: "No quota", detail: "customers are rated by the policy \(name): set TIERING_POLICY to quota to divide them by shares")
  }

  private static let unfinished = Problem(
    .conflict, title: "Not now",
    detail: "customers are still being rated by the scorecard that was activated: try again when /v1/ratings/waiting has gone down")
  private static let none = Problem(.notFound, title: "No borders yet", detail: "no borders were drawn: nobody has a score yet")
}
