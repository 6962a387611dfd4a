// The suite under kills, small enough for every test run.
@testable import FaultHarness
import Failpoints
import Lifecycle
import TestSupport
import Testing

@Suite("The suite under kills", .serialized)
struct ShortRunTests {
  private func plan(_ name: String, events: Int, kills: Int) -> RunPlan {
    let folder = "\(TestDatabase.temporaryFolder)/clientele-faults-\(UInt32.random(in: 0 ..< .max))"
    return Scenarios.short(seed: UInt64.random(in: 0..<1_000_000), events: events, kills: kills, folder: folder)
  }

  @Test(.enabled(if: TestDatabase.isPrivate, "needs PostgreSQL's server programs"), .timeLimit(.minutes(6)))
  func thirtyKillsLoseNothingAndDoubleNothing() async throws {
    let plan = plan("short", events: Sanitized.rounds(20_000), kills: 30)
    let result = try await Run(plan, stop: StopSignal(), say: { _ in }).result()
    let broken = result.findings.broken
    #expect(broken.isEmpty, "seed \(plan.seed), logs in \(plan.stack.folder): \(broken)")
    #expect(result.tally.kills >= 30)
    #expect(result.events >= plan.events)
    let points = result.tally.injected.keys.count { $0.hasPrefix("kill at ") }
    #expect(points >= 3 || !Failpoints.areBuiltIn, "\(result.tally.injected)")
  }
}
