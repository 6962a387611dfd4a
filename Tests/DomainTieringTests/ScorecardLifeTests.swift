// A scorecard's way into use: every step from every state, and who belongs to a canary (T-10).
import Domain
import Testing

@Suite struct ScorecardLifeTests {
  private static let other = ScorecardReference(name: "other", version: 3)
  private static let mine = ScorecardReference(name: "mine", version: 2)

  private func after(
    _ step: ScorecardStep, from state: ScorecardState, canary: ScorecardReference? = nil, before: ScorecardReference? = other, skips: Bool = false
  ) -> ScorecardState? {
    let situation = ScorecardSituation(scorecard: Self.mine, state: state, canary: state == .canary ? Self.mine : canary, before: before)
    return try? situation.state(after: step, skipsCanary: skips)
  }

  private func refusal(_ step: ScorecardStep, from state: ScorecardState, canary: ScorecardReference? = nil, before: ScorecardReference? = other) -> String? {
    let situation = ScorecardSituation(scorecard: Self.mine, state: state, canary: canary, before: before)
    do throws(ScorecardRefusal) { _ = try situation.state(after: step) } catch { return error.description }
    return nil
  }

  @Test func everyStepIsPossibleFromItsStatesAndFromNoOther() {
    let table: [(ScorecardStep, [ScorecardState: ScorecardState])] = [
      (.simulate, [.draft: .simulated, .simulated: .simulated, .retired: .simulated, .canary: .canary, .active: .active]),
      (.canary, [.simulated: .canary]), (.activate, [.canary: .active]),
      (.retire, [.draft: .retired, .simulated: .retired, .canary: .retired]), (.back, [.active: .retired]),
    ]
    for (step, allowed) in table {
      for state in ScorecardState.allCases { #expect(after(step, from: state) == allowed[state], "\(step) from \(state)") }
    }
  }

  @Test func activatingWithoutACanaryMustBeSaid() {
    #expect(after(.activate, from: .simulated) == nil)
    #expect(after(.activate, from: .simulated, skips: true) == .active)
    #expect(after(.activate, from: .draft, skips: true) == nil)
    #expect(refusal(.activate, from: .simulated)?.contains("make it the canary first, or say that it comes without one") == true)
  }

  @Test func oneScorecardIsTriedAtATime() {
    #expect(after(.canary, from: .simulated, canary: Self.other) == nil)
    #expect(after(.activate, from: .simulated, canary: Self.other, skips: true) == nil)
    #expect(after(.back, from: .active, canary: Self.other) == nil)
    #expect(
      refusal(.canary, from: .simulated, canary: Self.other) == "other v3 is tried on a part of the customers: activate or retire that one first")
  }

  @Test func everyRefusalSaysWhatToDo() {
    #expect(refusal(.canary, from: .draft) == "mine v2 is draft: simulate it on all customers first")
    #expect(refusal(.retire, from: .active) == "mine v2 rates all customers: activate another one, or go back to the one before it")
    #expect(refusal(.back, from: .active, before: nil) == "no scorecard rated all customers before mine v2: activate one by its name")
    #expect(refusal(.back, from: .retired) == "mine v2 does not rate all customers: one goes back from the active scorecard")
  }

  // Asked of Python, which knows the finaliser and FNV-1a in ten lines.
  @Test func whoBelongsToACanaryIsTheSameForEveryone() throws {
    let card = try Cards.card([Cards.indicator(.frequency, .oneHundred, Cards.line([(0, 0), (10, 100)]))])
    let trial = try #require(CanaryTrial(card, percent: 20))
    #expect((1...40).filter { trial.includes(CustomerID(number: $0)) } == [13, 20, 23, 33, 39])
    let again = try #require(CanaryTrial(try Cards.card([Cards.indicator(.monetary, .oneHundred, Cards.line([(0, 0), (10, 100)]))]), percent: 20))
    #expect((1...1_000).allSatisfy { trial.includes(CustomerID(number: $0)) == again.includes(CustomerID(number: $0)) })
  }

  @Test func aPartIsAsLargeAsItIsSaidToBeAndAnotherOneForAnotherScorecard() throws {
    func trial(_ version: Int, _ percent: Int) throws -> CanaryTrial {
      let card = try Cards.card([Cards.indicator(.frequency, .oneHundred, Cards.line([(0, 0), (10, 100)]))], version: version)
      return try #require(CanaryTrial(card, percent: percent))
    }
    let ids = (1...Int64(20_000)).map { CustomerID(number: $0) }
    for percent in [1, 20, 50] {
      let share = ids.count { (try? trial(1, percent).includes($0)) == true }
      #expect(abs(share - 200 * percent) < 250, "\(percent) %: \(share)")
    }
    // A larger part holds the smaller one; another version's is drawn anew.
    let (small, large, next) = (try trial(1, 10), try trial(1, 20), try trial(2, 20))
    #expect(ids.allSatisfy { !small.includes($0) || large.includes($0) })
    let both = ids.count { large.includes($0) && next.includes($0) }
    #expect((600...1_000).contains(both), "\(both)")
    #expect(CanaryTrial(large.scorecard, percent: 0) == nil && CanaryTrial(large.scorecard, percent: 51) == nil)
  }

  @Test func aCurveThatRisesAndFallsMustSaySo() {
    func faults(_ curve: Curve, mayTurn: Bool = false) -> [String] {
      let indicator = Cards.indicator(.frequency, .oneHundred, curve, mayTurn: mayTurn)
      do throws(ConfigurationFaults) { _ = try Cards.card([indicator]) } catch { return error.faults.map(\.path) }
      return []
    }
    let hill = Cards.line([(0, 0), (5, 100), (10, 50)])
    #expect(faults(hill) == ["dimensions[0].indicators[0].curve"])
    #expect(faults(hill, mayTurn: true).isEmpty)
    let valley = [CurveBand(from: nil, points: .of(50)), CurveBand(from: .of(1), points: .zero), CurveBand(from: .of(2), points: .of(60))]
    #expect(faults(.bands(valley)).count == 1)
    // What is clamped away is level.
    #expect(faults(Cards.line([(0, 0), (5, 120), (10, 110)])).isEmpty)
    #expect(faults(Cards.line([(0, 100), (5, 0), (10, 0)])).isEmpty)
  }

  @Test func aMonotoneScorecardNeverLowersAScoreWhenAnInputImproves() throws {
    var random = SeededRandom(state: 11)
    let keys: [IndicatorKey] = [.frequency, .monetary, .repurchaseRate, .referrals]
    for _ in 0..<150 {
      let indicators = keys.map { key in
        let raws = Set((0..<4).map { _ in Int.random(in: 0...40, using: &random) } + [0, 50]).sorted()
        let points = raws.map { _ in Int.random(in: -20...120, using: &random) }.sorted()
        let stated = Rational.of(Int.random(in: 0...60, using: &random))
        return Cards.indicator(key, .of(25), Cards.line(Array(zip(raws, points))), missing: .standInPoints(stated))
      }
      let card = try Cards.card(indicators)
      var values = IndicatorValues()
      for key in keys { values[key] = .of(Int.random(in: 0...200, using: &random), 4) }
      let before = try card.score(values).exact
      let key = try #require(keys.randomElement(using: &random))
      values[key] = try (values[key] ?? .zero) + .of(Int.random(in: 1...60, using: &random), 4)
      let after = try card.score(values)
      #expect(after.exact >= before)
      #expect(try after.indicators.reduce(Rational.zero) { try $0 + $1.contribution } == after.exact, "contributions sum to the score")
    }
  }
}
