// Whole runs of the three services by seed: whatever goes wrong on the way, the end is the same.
import Dispatch
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
  static func problems(
    _ seeds: Range<Int>, mistake: Mistake? = nil, lossy: Bool = false, showsProgress: Bool = false
  ) -> [(seed: Int, problems: [String])] {
    let found = Mutex<[(seed: Int, problems: [String])]>([])
    let done = Mutex(0)
    DispatchQueue.concurrentPerform(iterations: seeds.count) { index in
      let seed = seeds.lowerBound + index
      let problems = run(seed, mistake: mistake, lossy: lossy)
      if !problems.isEmpty { found.withLock { $0.append((seed, problems)) } }
      let count = done.withLock { done in
        done += 1
        return done
      }
      if showsProgress, count % block == 0 { print("\(count) of \(seeds.count) seeds, \(found.withLock { $0.count }) with problems") }
    }
    return found.withLock { $0.sorted { $0.seed < $1.seed } }
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
  func everySeedEndsInTheTruth() throws {
    if let seed = Runs.one {
      let world = try World(seed: UInt64(seed), setting: try Setting.shared.get(), isTraced: true)
      world.run()
      let problems = world.judge()
      for line in world.trace { print(line) }
      for problem in problems { print("PROBLEM \(problem)") }
      #expect(problems.isEmpty, "seed \(seed)")
      return
    }
    let found = Runs.problems(1..<Runs.seeds + 1, showsProgress: Runs.seeds > Runs.seedsUsual)
    for (seed, problems) in found.prefix(10) { Issue.record("CLIENTELE_SEED=\(seed): \(problems.prefix(3).joined(separator: "; "))") }
    let count = found.count
    #expect(count == 0, "seeds with problems, of \(Runs.seeds)")
  }
}
