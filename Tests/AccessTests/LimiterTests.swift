// How often one may ask.
import HTTP
import Telemetry
import Testing

@testable import Access

@Suite("So many requests in a minute") struct LimiterTests {
  @Test("So many in a minute, and then the minute is waited out")
  func minute() {
    let limiter = RequestLimiter(requestsPerMinuteMax: 3)
    let second: Int64 = 1_000_000_000
    for _ in 0..<3 { #expect(limiter.refused("a", now: 61 * second) == nil) }
    #expect(limiter.refused("a", now: 100 * second) == 20 && limiter.refused("b", now: 100 * second) == nil)
    #expect(limiter.refused("a", now: 120 * second) == nil)
  }

  @Test("However many names there are, the memory is bounded")
  func bounded() {
    let limiter = RequestLimiter(requestsPerMinuteMax: 2)
    for number in 0..<RequestLimiter.namesMax { #expect(limiter.refused("\(number)", now: 0) == nil) }
    // The rest share one count; those that were counted before keep theirs.
    #expect([limiter.refused("x", now: 0), limiter.refused("y", now: 0)] == [nil, nil] && limiter.refused("z", now: 0) == 60)
    #expect(limiter.refused("7", now: 0) == nil)
  }

  @Test("One person gets no more than their share, others and programs go on; a refused token costs nobody their share")
  func shares() async throws {
    let guarded = AccessGuard.tokens(Fixed.verifier([try Fixed.key()]), RequestLimiter(requestsPerMinuteMax: 2)).guarding(.silent, now: { 0 })
    func ask(_ subject: String, _ role: Role, token: String? = nil) async throws -> Int {
      let token = try token ?? Fixed.key().token(subject: subject, roles: [role], now: Fixed.now, lifetimeSeconds: 60)
      do {
        _ = try await guarded(try Request(.get, "/", headers: ["Authorization": "Bearer \(token)"]), Permission.tiersRead.need)
        return 200
      } catch let problem as Problem {
        if problem.status == .tooManyRequests { #expect(problem.headers["Retry-After"] == "60") }
        return problem.status.rawValue
      }
    }
    for _ in 0..<5 { #expect(try await ask("a", .agent, token: "x.y.z") == 401) }
    #expect(try await [ask("a", .agent), ask("a", .agent), ask("a", .agent)] == [200, 200, 429])
    #expect(try await ask("b", .agent) == 200)
    for _ in 0..<9 { #expect(try await ask("shop", .service) == 200) }
  }
}
