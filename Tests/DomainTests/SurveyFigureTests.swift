// NPS, CSAT and CES with their intervals (F-01, F-04): published results, tables of Student's distribution, and how often the interval holds the truth.
import Domain
import TestSupport
import Testing

@Suite struct SurveyFigureTests {
  private func counts(_ metric: AnswerEvent.Metric, _ scores: [Int64: Int64]) -> ScoreCounts {
    var counts = ScoreCounts(metric)
    for (score, count) in scores { counts.add(score, count: count) }
    return counts
  }

  private func isNear(_ value: Double?, _ expected: Double, within: Double = 0.00005) -> Bool { value.map { abs($0 - expected) < within } ?? false }

  @Test("Who promotes, is satisfied, found it easy; and whom the loop is closed with", arguments: [
    (AnswerEvent.Metric.nps, [0, 1, 2, 3, 4, 5, 6], [9, 10]), (.csat, [1, 2], [4, 5]), (.ces, [1, 2, 3], [5, 6, 7]),
  ] as [(AnswerEvent.Metric, [Int64], [Int64])])
  func scoresHaveTheirSense(metric: AnswerEvent.Metric, unfavourable: [Int64], favourable: [Int64]) {
    for score in metric.scores {
      let one = counts(metric, [score: 1])
      #expect(one.favourable == (favourable.contains(score) ? 1 : 0), "\(metric) \(score)")
      #expect(one.unfavourable == (unfavourable.contains(score) ? 1 : 0), "\(metric) \(score)")
      #expect(one.answers == 1)
    }
    var other = ScoreCounts(metric)
    for score in [metric.scores.lowerBound - 1, metric.scores.upperBound + 1] { other.add(score) }
    #expect(other.answers == 0 && other.estimate == nil)
  }

  @Test func anNPSIsPromotersLessDetractorsInPercentOfAllAnswers() {
    let nps = counts(.nps, [10: 50, 9: 10, 8: 20, 7: 5, 6: 10, 0: 5])
    #expect(nps.estimate?.value == Rational(45))
    #expect(counts(.nps, [8: 3]).estimate?.value == .zero)
    #expect(counts(.nps, [6: 2, 10: 1]).estimate?.value == Rational(-100, over: 3))
  }

  @Test("Wilson's interval, as published by Newcombe (1998a) and as other programs have it", arguments: [
    (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718), (15, 20, 0.5313, 0.8881),
  ] as [(Int64, Int64, Double, Double)])
  func aShareHasWilsonsInterval(satisfied: Int64, of all: Int64, low: Double, high: Double) {
    let interval = counts(.csat, [5: satisfied, 3: all - satisfied]).estimate?.interval
    #expect(isNear(interval?.low, low * 100, within: 0.0051) && isNear(interval?.high, high * 100, within: 0.0051), "\(String(describing: interval))")
  }

  @Test("The difference of two shares, as published by Newcombe (1998b, method 10)", arguments: [
    (56, 70, 48, 80, 0.0524, 0.3339), (9, 10, 3, 10, 0.1705, 0.8090), (6, 7, 2, 7, 0.0582, 0.8062), (5, 56, 0, 29, -0.0381, 0.1926),
    (0, 10, 0, 20, -0.1611, 0.2775), (0, 10, 0, 10, -0.2775, 0.2775), (10, 10, 0, 20, 0.6791, 1), (10, 10, 0, 10, 0.6075, 1),
  ] as [(Int64, Int64, Int64, Int64, Double, Double)])
  func twoSharesDifferByNewcombesInterval(a: Int64, m: Int64, b: Int64, n: Int64, low: Double, high: Double) {
    let interval = counts(.csat, [4: a, 1: m - a]).difference(from: counts(.csat, [4: b, 1: n - b]))?.interval
    #expect(isNear(interval?.low, low * 100, within: 0.0051) && isNear(interval?.high, high * 100, within: 0.0051), "\(String(describing: interval))")
  }

  @Test("The mean of an effort score lies within Student's interval", arguments: [
    // Degrees of freedom and the tables' factor; two scores, half of the answers each, have a mean of 5 and a spread that is known.
    (3, 3.182446), (9, 2.262157), (29, 2.045230), (59, 2.000995), (99, 1.984217), (999, 1.962341),
  ] as [(Int64, Double)])
  func aMeanHasStudentsInterval(freedom: Int64, factor: Double) {
    let half = (freedom + 1) / 2
    let estimate = counts(.ces, [4: half, 6: half]).estimate
    let margin = factor * (1 / Double(freedom)).squareRoot()
    #expect(estimate?.value == Rational(5))
    #expect(isNear(estimate?.interval.high, min(7, 5 + margin)) && isNear(estimate?.interval.low, max(1, 5 - margin)), "\(String(describing: estimate))")
  }

  @Test func twoEffortScoresDifferByWelchsInterval() {
    // By scipy: ttest_ind([2] * 10 + [5] * 20, [4] * 15 + [7] * 25, equal_var=False).confidence_interval().
    let difference = counts(.ces, [2: 10, 5: 20]).difference(from: counts(.ces, [4: 15, 7: 25]))
    #expect(difference?.value == Rational(-15, over: 8))
    let interval = difference?.interval
    #expect(isNear(interval?.low, -2.575_92, within: 0.000_2) && isNear(interval?.high, -1.174_08, within: 0.000_2), "\(String(describing: interval))")
  }

  @Test func anIntervalOfAnNPSHoldsTheTruthAboutNinetyFiveTimesOfAHundred() {
    var random = Seeded(state: 1_998)
    for (promoters, detractors) in [(0.6, 0.15), (0.3, 0.3), (0.9, 0.02), (0.1, 0.7)] {
      for size in [30, 200] {
        var held = 0
        for _ in 0..<2_000 {
          var sample = ScoreCounts(.nps)
          for _ in 0..<size {
            let draw = Double.random(in: 0..<1, using: &random)
            sample.add(draw < promoters ? 10 : draw < promoters + detractors ? 3 : 8)
          }
          if let interval = sample.estimate?.interval, ((interval.low...interval.high) ~= (promoters - detractors) * 100) { held += 1 }
        }
        #expect((1_870...1_970).contains(held), "\(promoters) \(detractors) of \(size): \(held) of 2,000")
      }
    }
  }

  @Test func theDifferenceOfTwoNPSHoldsTheTruthAboutNinetyFiveTimesOfAHundred() {
    var random = Seeded(state: 2_004)
    func sample(_ promoters: Double, _ detractors: Double, _ size: Int) -> ScoreCounts {
      var sample = ScoreCounts(.nps)
      for _ in 0..<size {
        let draw = Double.random(in: 0..<1, using: &random)
        sample.add(draw < promoters ? 9 : draw < promoters + detractors ? 0 : 7)
      }
      return sample
    }
    var held = 0
    for _ in 0..<2_000 {
      let interval = sample(0.5, 0.2, 80).difference(from: sample(0.4, 0.3, 50))?.interval
      if let interval, ((interval.low...interval.high) ~= 20) { held += 1 }
    }
    #expect((1_870...1_970).contains(held), "\(held) of 2,000")
  }

  @Test func groupsAddUpAndOtherMetricsStayApart() {
    var all = counts(.csat, [5: 20])
    all.add(counts(.csat, [1: 9]))
    all.add(counts(.ces, [7: 100]))
    #expect(all.answers == 29 && !all.isEnough)
    all.add(3)
    #expect(all.isEnough && all.estimate?.value == Rational(200, over: 3))
    #expect(all.difference(from: counts(.ces, [7: 100])) == nil)
    #expect(all.difference(from: ScoreCounts(.csat)) == nil)
    #expect(counts(.ces, [7: 1]).estimate == nil)
  }
}
