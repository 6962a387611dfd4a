// Whole runs of the three services by seed: whatever goes wrong on the way, the end is the same.
import Glibc
import Synchronization
import TestSupport
import Testing

/// Many seeds, on all processors.
enum Runs {
  static let seedsUsual = Sanitized.rounds(300)
  static let seeds = Runs.number("CLIENTELE_SEEDS") ?? seedsUsual
  static let one = Runs.number("CLIENTELE_SEED")
  /// Seeds between two lines of progress.
  private static let block = 500

  private static func number(_ variable: String) -> Int? { getenv(variable).flatMap { Int(String(cString: $0)) } }

  /// What does not hold, by seed.
  static func problems(_ seeds: Range<Int>, showsProgress: Bool = false) async throws -> [(seed: Int, problems: [String])] {
    let counts = Mutex((done: 0, found: 0))
    return try await everywhere(UInt64(seeds.lowerBound)..<UInt64(seeds.upperBound)) { number -> (seed: Int, problems: [String])? in
      let seed = Int(number)
      let problems = run(seed)
      let (done, found) = counts.withLock { counts in
        counts.done += 1
        if !problems.isEmpty { counts.found += 1 }
        return counts
      }
      if showsProgress, done % block == 0 { print("\(done) of \(seeds.count) seeds, \(found) with problems") }
      return problems.isEmpty ? nil : (seed, problems)
    }
  }

  static func run(_ seed: Int, mistake: Mistake? = nil, lossy: Bool = false) -> [String] {
    do {
      let world = try World(
        seed: UInt64(seed), setting: try Setting.shared.get(), mistake: mistake, lossy: lossy)
      defer { world.end() }
      world.run()
      return world.judge()
    } catch { return ["\(error)"] }
  }
}

@Suite("Simulation") struct SimulationTests {
  @Test("Whatever goes wrong, figures, tiers, refusals and lane numbers end as the truth says")
  func everySeedEndsInTheTruth() async throws {
    if let seed = Runs.one {
      let world = try World(seed: UInt64(seed), setting: try Setting.shared.get(), isTraced: true)
      world.run()
      let problems = world.judge()
      for line in world.trace { print(line) }
      for problem in problems { print("PROBLEM \(problem)") }
      #expect(problems.isEmpty, "seed \(seed)")
      return
    }
    let found = try await Runs.problems(1..<Runs.seeds + 1, showsProgress: Runs.seeds > Runs.seedsUsual)
    for (seed, problems) in found.prefix(10) { Issue.record("CLIENTELE_SEED=\(seed): \(problems.prefix(3).joined(separator: "; "))") }
    let count = found.count
    #expect(count == 0, "seeds with problems, of \(Runs.seeds)")
  }
}
