// Where a quota cuts the population, looked at and drawn anew on request (T-04).
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
    router.get("/v1/quota/borders") { try await show($0) }
    router.post("/v1/quota/borders") { _ in try await draw() }
  }

  private func show(_ request: Request) async throws -> Response {
    _ = try quota()
    guard let borders = try await pool.withSession({ try QuotaTable.current($0) }) else { throw QuotaAPI.none }
    return .json(RatingView.borders(borders).encoded).tagged(for: request)
  }

  /// Whatever the interval; whose tier is another one by them is rated anew.
  private func draw() async throws -> Response {
    let quota = try quota()
    let (now, real) = (clock.now(), Instant(microseconds: SystemTime.unixMicroseconds()))
    let borders = try await pool.withSession { try QuotaTable.renew(quota, at: now, real: real, intervalSeconds: 0, $0) }
    guard let borders else { throw QuotaAPI.none }
    return .json(RatingView.borders(borders).encoded)
  }

  private func quota() throws(Problem) -> QuotaPolicy {
    if case .quota(let quota) = settings.rules.policy { return quota }
    let name = settings.rules.policy.reference.name
    throw Problem(.conflict, title: "No quota", detail: "customers are rated by the policy \(name): set TIERING_POLICY to quota to divide them by shares")
  }

  private static let none = Problem(.notFound, title: "No borders yet", detail: "no borders were drawn: nobody has a score yet")
}
