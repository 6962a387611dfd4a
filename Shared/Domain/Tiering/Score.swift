// Working out a score, exactly: no rounding before the end, and there only once (T-01, T-03).

/// Where an indicator's points came from (T-05).
public enum ScoreNote: Hashable, Sendable {
  case measured
  /// No value: left out, the other weights re-scaled.
  case leftOut
  /// No value: the scorecard's stated points stood in.
  case stoodInPoints
  /// No value: the scorecard's stated raw value stood in.
  case stoodInValue(Rational)
}

/// One indicator's part in a score. Percent and points are exact.
public struct IndicatorScore: Hashable, Sendable {
  public let key: IndicatorKey
  /// The measured value; nil where there was none, also when something stood in.
  public let raw: Rational?
  /// 0 to 100; nil when left out.
  public let points: Rational?
  /// Percent, as the scorecard says.
  public let weight: Rational
  /// Percent after re-scaling; 0 when left out.
  public let effectiveWeight: Rational
  /// Points of the whole score: effective weight times points; 0 when left out. The contributions sum to the score.
  public let contribution: Rational
  public let note: ScoreNote

  public init(
    key: IndicatorKey, raw: Rational?, points: Rational?, weight: Rational, effectiveWeight: Rational, contribution: Rational,
    note: ScoreNote
  ) {
    self.key = key
    self.raw = raw
    self.points = points
    self.weight = weight
    self.effectiveWeight = effectiveWeight
    self.contribution = contribution
    self.note = note
  }
}

/// A customer's score under one scorecard.
public struct Score: Hashable, Sendable {
  public let scorecard: ScorecardReference
  /// In the scorecard's order.
  public let indicators: [IndicatorScore]
  /// 0 to 100.
  public let exact: Rational
  /// ``exact`` rounded half up.
  public let rounded: Int

  public init(scorecard: ScorecardReference, indicators: [IndicatorScore], exact: Rational, rounded: Int) {
    self.scorecard = scorecard
    self.indicators = indicators
    self.exact = exact
    self.rounded = rounded
  }
}

/// Why there is no score.
public enum ScoringFault: Error, Hashable, Sendable {
  /// Every indicator is without a value and left out (T-05: that is not a score of zero).
  case noIndicatorHasValue
  /// A value is so long that the exact sum does not fit. No fact of a business comes near; it is refused, not approximated.
  case outOfRange
}

extension Scorecard {
  /// The exact score of these values (T-03).
  public func score(_ values: IndicatorValues) throws(ScoringFault) -> Score {
    let exact: Score?
    do { exact = try exactScore(values) } catch { throw .outOfRange }
    guard let exact else { throw .noIndicatorHasValue }
    return exact
  }

  private func exactScore(_ values: IndicatorValues) throws(RationalFault) -> Score? {
    var parts: [(points: Rational?, note: ScoreNote)] = []
    parts.reserveCapacity(indicators.count)
    var weightSum = Rational.zero
    var weighted = Rational.zero
    for indicator in indicators {
      let part = try indicator.points(of: values[indicator.key])
      if let points = part.points {
        weightSum = try weightSum + indicator.weight
        weighted = try weighted + (try indicator.weight * points)
      }
      parts.append(part)
    }
    guard weightSum > .zero else { return nil }
    let exact = try weighted / weightSum
    var scores: [IndicatorScore] = []
    scores.reserveCapacity(indicators.count)
    let rescale = try Rational.oneHundred / weightSum
    for (indicator, part) in zip(indicators, parts) {
      let effectiveWeight = part.points == nil ? Rational.zero : try indicator.weight * rescale
      scores.append(
        IndicatorScore(
          key: indicator.key, raw: values[indicator.key], points: part.points, weight: indicator.weight, effectiveWeight: effectiveWeight,
          contribution: try (try effectiveWeight * (part.points ?? .zero)) / .oneHundred, note: part.note))
    }
    return Score(scorecard: reference, indicators: scores, exact: exact, rounded: Int(clamping: exact.roundedHalfUp))
  }
}

extension ScorecardIndicator {
  /// The points of a raw value, or of what stands in for it; nil when the indicator is left out.
  func points(of raw: Rational?) throws(RationalFault) -> (points: Rational?, note: ScoreNote) {
    if let raw { return (try curve.points(at: raw), .measured) }
    switch missing {
    case .leaveOut: return (nil, .leftOut)
    case .standInPoints(let points): return (points, .stoodInPoints)
    case .standInValue(let value): return (try curve.points(at: value), .stoodInValue(value))
    }
  }
}
