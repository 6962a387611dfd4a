// A simulation that notices nothing proves nothing: each safeguard is taken away in the fakes, and some seed must show it.
import Testing

@testable import Messaging

@Suite("Planted mistakes") struct PlantedMistakeTests {
  /// Seeds within which each mistake must show itself.
  static let seedsMax = 240
  /// Seeds of runs in which a record is lost.
  static let lossySeeds = 30

  @Test("A safeguard that is taken away is missed within 240 seeds", arguments: Mistake.allCases.filter { $0 != .laneNumbersNotLookedAt })
  func isNoticed(_ mistake: Mistake) {
    let seed = (1...PlantedMistakeTests.seedsMax).first { !Runs.run($0, mistake: mistake).isEmpty }
    #expect(seed != nil, "\(mistake.rawValue) was not noticed")
    if let seed { print("\(mistake.rawValue): noticed with seed \(seed), \(Runs.run(seed, mistake: mistake).first ?? "")") }
  }

  @Test("When the brokers lose a confirmed record its readers halt; without lane numbers nobody would notice")
  func aLostRecordIsLoudWithLaneNumbersAndSilentWithout() throws {
    var halted = 0
    var silent = 0
    for seed in 1...PlantedMistakeTests.lossySeeds {
      let halts = try haltsOfLossyRun(seed, nil)
      // The last record of its lane, or none at all: nobody misses it yet.
      guard !halts.isEmpty else { continue }
      halted += 1
      let strange = halts.filter { $0.missing?.kind != .laneGap }
      #expect(strange.isEmpty, "seed \(seed)")
      if try haltsOfLossyRun(seed, .laneNumbersNotLookedAt).isEmpty { silent += 1 }
    }
    #expect(halted > 0)
    #expect(silent == halted, "lane numbers are not what made it loud")
  }

  private func haltsOfLossyRun(_ seed: Int, _ mistake: Mistake?) throws -> [Halt] {
    let world = try World(seed: UInt64(seed), setting: try Setting.shared.get(), mistake: mistake, lossy: true)
    world.run()
    return world.halts
  }
}
