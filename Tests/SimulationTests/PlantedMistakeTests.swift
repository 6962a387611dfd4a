// A simulation that notices nothing proves nothing: each safeguard is taken away in the fakes, and some seed must show it.
import Testing

@Suite("Planted mistakes") struct PlantedMistakeTests {
  /// Seeds within which each mistake must show itself.
  static let seedsMax = 120

  @Test("A safeguard that is taken away is missed within 120 seeds", arguments: Mistake.allCases.filter { $0 != .laneNumbersNotLookedAt })
  func isNoticed(_ mistake: Mistake) {
    let seed = (1...PlantedMistakeTests.seedsMax).first { !Runs.run($0, mistake: mistake).isEmpty }
    #expect(seed != nil, "\(mistake.rawValue) was not noticed")
    if let seed { print("\(mistake.rawValue): noticed with seed \(seed), \(Runs.run(seed, mistake: mistake).first ?? "")") }
  }
}
