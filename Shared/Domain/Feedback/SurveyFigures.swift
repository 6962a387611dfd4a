// What the answers to a survey come to (F-04): NPS, CSAT and CES, each with the interval in which the true figure lies, and the difference of two of them.
// Every report takes its figures from here.

/// From `low` to `high`, in the unit of the figure it belongs to.
public struct ConfidenceInterval: Hashable, Sendable {
  public let low: Double
  public let high: Double

  public init(low: Double, high: Double) {
    self.low = low
    self.high = high
  }
}

/// A figure, or the difference of two, with the interval that holds the true one 95 times of 100.
public struct SurveyEstimate: Hashable, Sendable {
  /// NPS from -100 to 100; CSAT in percent of the answers; CES as the mean score.
  public let value: Rational
  public let interval: ConfidenceInterval
}

extension AnswerEvent.Metric {
  /// 0 to 6 of an NPS, 1 and 2 of a CSAT, 1 to 3 of a CES (F-01).
  public var unfavourableScores: ClosedRange<Int64> {
    switch self {
    case .nps: 0...6
    case .csat: 1...2
    case .ces: 1...3
    }
  }
}

/// How often each score was given.
public struct ScoreCounts: Hashable, Sendable {
  public let metric: AnswerEvent.Metric
  /// By score, from the lowest of the scale.
  public private(set) var counts: [Int64]

  public init(_ metric: AnswerEvent.Metric) {
    self.metric = metric
    counts = Array(repeating: 0, count: metric.scores.count)
  }

  /// Scores outside the scale count nothing: readers have refused them.
  public mutating func add(_ score: Int64, count: Int64 = 1) {
    guard metric.scores.contains(score) else { return }
    counts[Int(score - metric.scores.lowerBound)] += count
  }

  /// The answers of another group, to the same metric.
  public mutating func add(_ other: ScoreCounts) {
    guard other.metric == metric else { return }
    for index in counts.indices { counts[index] += other.counts[index] }
  }

  public var answers: Int64 { counts.reduce(0, +) }

  func answers(in scores: ClosedRange<Int64>) -> Int64 {
    metric.scores.lazy.filter(scores.contains).reduce(0) { $0 + counts[Int($1 - metric.scores.lowerBound)] }
  }

  /// Who recommends, who is satisfied: 9 and 10 of an NPS, 4 and 5 of a CSAT, 5 to 7 of a CES (F-01).
  public var favourable: Int64 {
    switch metric {
    case .nps: answers(in: 9...10)
    case .csat: answers(in: 4...5)
    case .ces: answers(in: 5...7)
    }
  }

  /// Detractors, the dissatisfied, those who found it hard.
  public var unfavourable: Int64 { answers(in: metric.unfavourableScores) }
}

extension ScoreCounts {
  /// On fewer answers a figure may not be shown by itself (F-04).
  public static let answersMin: Int64 = 30

  /// Whether the figure may stand without its interval.
  public var isEnough: Bool { answers >= ScoreCounts.answersMin }

  /// nil without answers; of a CES with a single one, which has no spread.
  public var estimate: SurveyEstimate? {
    guard answers > 0, let value else { return nil }
    switch metric {
    case .nps:
      let (centre, variance) = adjusted
      let margin = Normal.z95 * variance.squareRoot()
      return SurveyEstimate(value: value, interval: ConfidenceInterval(low: max(-100, (centre - margin) * 100), high: min(100, (centre + margin) * 100)))
    case .csat:
      let interval = wilson
      return SurveyEstimate(value: value, interval: ConfidenceInterval(low: interval.low * 100, high: interval.high * 100))
    case .ces:
      guard answers > 1 else { return nil }
      let margin = StudentT.quantile975(answers - 1) * (variance / Double(answers)).squareRoot()
      let scale = (low: Double(metric.scores.lowerBound), high: Double(metric.scores.upperBound))
      return SurveyEstimate(
        value: value, interval: ConfidenceInterval(low: max(scale.low, mean - margin), high: min(scale.high, mean + margin)))
    }
  }

  /// This figure less another of the same metric; nil without answers on either side.
  public func difference(from other: ScoreCounts) -> SurveyEstimate? {
    guard metric == other.metric, let mine = value, let theirs = other.value, let value = try? mine - theirs else { return nil }
    switch metric {
    case .nps:
      let (left, right) = (adjusted, other.adjusted)
      let (centre, margin) = (left.centre - right.centre, Normal.z95 * (left.variance + right.variance).squareRoot())
      return SurveyEstimate(value: value, interval: ConfidenceInterval(low: max(-200, (centre - margin) * 100), high: min(200, (centre + margin) * 100)))
    case .csat:
      let (left, right, l, r) = (share, other.share, wilson, other.wilson)
      let below = Double.hypotenuse(left - l.low, r.high - right)
      let above = Double.hypotenuse(l.high - left, right - r.low)
      return SurveyEstimate(value: value, interval: ConfidenceInterval(low: (left - right - below) * 100, high: (left - right + above) * 100))
    case .ces:
      guard answers > 1, other.answers > 1 else { return nil }
      let (left, right) = (variance / Double(answers), other.variance / Double(other.answers))
      guard left + right > 0 else {
        return SurveyEstimate(value: value, interval: ConfidenceInterval(low: mean - other.mean, high: mean - other.mean))
      }
      // The degrees of freedom of Welch and Satterthwaite, rounded down: the interval is no narrower than it should be.
      let freedom = (left + right) * (left + right) / (left * left / Double(answers - 1) + right * right / Double(other.answers - 1))
      let margin = StudentT.quantile975(Int64(freedom)) * (left + right).squareRoot()
      return SurveyEstimate(value: value, interval: ConfidenceInterval(low: mean - other.mean - margin, high: mean - other.mean + margin))
    }
  }

  private var value: Rational? {
    switch metric {
    case .nps: Rational(Int128(favourable - unfavourable) * 100, over: Int128(answers))
    case .csat: Rational(Int128(favourable) * 100, over: Int128(answers))
    case .ces: Rational(Int128(sum), over: Int128(answers))
    }
  }

  private var sum: Int64 { zip(metric.scores, counts).reduce(0) { $0 + $1.0 * $1.1 } }
  private var mean: Double { Double(sum) / Double(answers) }

  /// The sample's, over one less than the answers.
  private var variance: Double {
    let mean = mean
    return zip(metric.scores, counts).reduce(0.0) { $0 + Double($1.1) * (Double($1.0) - mean) * (Double($1.0) - mean) } / Double(answers - 1)
  }

  private var share: Double { Double(favourable) / Double(answers) }

  /// Promoters less detractors as a share, and the variance of it, with three answers more, spread 1:2:1 (Rocks 2016, "Interval estimation for the Net
  /// Promoter Score"): without them an interval of few or of one-sided answers is much too narrow.
  private var adjusted: (centre: Double, variance: Double) {
    let count = Double(answers) + 3
    let (up, down) = ((Double(favourable) + 0.75) / count, (Double(unfavourable) + 0.75) / count)
    return (up - down, (up + down - (up - down) * (up - down)) / count)
  }

  /// Wilson's interval of a share (1927); the difference of two is Newcombe's of them (1998, method 10).
  private var wilson: ConfidenceInterval {
    let (count, square) = (Double(answers), Normal.z95 * Normal.z95)
    let centre = (share + square / (2 * count)) / (1 + square / count)
    let margin = Normal.z95 * ((share * (1 - share) + square / (4 * count)) / count).squareRoot() / (1 + square / count)
    return ConfidenceInterval(low: max(0, centre - margin), high: min(1, centre + margin))
  }
}

extension Double {
  fileprivate static func hypotenuse(_ a: Double, _ b: Double) -> Double { (a * a + b * b).squareRoot() }
}

enum Normal {
  /// Between it and its negative lie 95 of 100.
  static let z95 = 1.959_963_984_540_054
}

/// Student's distribution, as far as intervals need it.
enum StudentT {
  /// What 97.5 of 100 do not exceed, of one to thirty degrees of freedom, as tables have it.
  private static let quantiles975: [Double] = [
    12.706_205, 4.302_653, 3.182_446, 2.776_445, 2.570_582, 2.446_912, 2.364_624, 2.306_004, 2.262_157, 2.228_139,
    2.200_985, 2.178_813, 2.160_369, 2.144_787, 2.131_450, 2.119_905, 2.109_816, 2.100_922, 2.093_024, 2.085_963,
    2.079_614, 2.073_873, 2.068_658, 2.063_899, 2.059_539, 2.055_529, 2.051_831, 2.048_407, 2.045_230, 2.042_272,
  ]

  /// What 97.5 of 100 do not exceed, of so many degrees of freedom (at least one).
  static func quantile975(_ degrees: Int64) -> Double {
    let degrees = max(1, degrees)
    guard degrees > quantiles975.count else { return quantiles975[Int(degrees) - 1] }
    // Cornish and Fisher's expansion: from here on right to five decimals.
    let (z, n) = (Normal.z95, Double(degrees))
    let (z3, z5, z7) = (z * z * z, z * z * z * z * z, z * z * z * z * z * z * z)
    return z + (z3 + z) / (4 * n) + (5 * z5 + 16 * z3 + 3 * z) / (96 * n * n) + (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * n * n * n)
  }
}
