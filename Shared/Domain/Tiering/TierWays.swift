// The smallest change of one figure that reaches a score: found exactly, by going through the curve piece by piece (T-05).

extension Scorecard {
  /// The least raw value above the present one with which the exact score is at least `target`, all other values staying as
  /// they are; nil when no value is enough, or the scorecard does not weigh the indicator.
  ///
  /// Raw values are whole multiples of `step` (1 order, one minor unit). Without a present value the search starts at zero,
  /// included, and the indicator's weight counts from then on.
  public func leastRaise(of key: IndicatorKey, step: Rational, toReach target: Rational, from values: IndicatorValues) throws(RationalFault)
    -> Rational?
  {
    guard step > .zero, let indicator = indicators.first(where: { $0.key == key }) else { return nil }
    let needed = try pointsNeeded(of: indicator, toReach: target, from: values)
    guard needed <= .oneHundred else { return nil }
    let start: Int128
    if let raw = values[key] { start = (try raw / step).floor + 1 } else { start = 0 }
    for piece in try indicator.curve.pieces() {
      guard let steps = try piece.steps(step), max(steps.low, start) <= steps.high else { continue }
      if let found = try piece.first(atLeast: needed, in: max(steps.low, start)...steps.high, step: step) {
        return try multiple(found, of: step)
      }
    }
    return nil
  }

  /// The least raw value from which up to the present one the exact score stays at least `target`, all other values staying as
  /// they are. Zero when not even none of it would matter; nil without a present value, or when the present score is below.
  public func floor(of key: IndicatorKey, step: Rational, keeping target: Rational, from values: IndicatorValues) throws(RationalFault)
    -> Rational?
  {
    guard step > .zero, let raw = values[key], let indicator = indicators.first(where: { $0.key == key }) else { return nil }
    let needed = try pointsNeeded(of: indicator, toReach: target, from: values)
    guard try indicator.curve.points(at: raw) >= needed else { return nil }
    guard needed > .zero else { return min(raw, .zero) }
    let start = (try raw / step).floor
    for piece in try indicator.curve.pieces().reversed() {
      guard let steps = try piece.steps(step), steps.low <= min(steps.high, start), min(steps.high, start) >= 0 else { continue }
      if let failing = try piece.last(below: needed, in: max(steps.low, 0)...min(steps.high, start), step: step) {
        return min(raw, try multiple(failing + 1, of: step))
      }
    }
    return min(raw, .zero)
  }

  /// The points one indicator must have for the whole to reach `target`. At most 0: any will do; above 100: none will.
  private func pointsNeeded(of wanted: ScorecardIndicator, toReach target: Rational, from values: IndicatorValues) throws(RationalFault)
    -> Rational
  {
    var weightSum = wanted.weight
    var weighted = Rational.zero
    for indicator in indicators where indicator.key != wanted.key {
      guard let points = try indicator.points(of: values[indicator.key]).points else { continue }
      weightSum = try weightSum + indicator.weight
      weighted = try weighted + (try indicator.weight * points)
    }
    return try (try (try target * weightSum) - weighted) / wanted.weight
  }

  private func multiple(_ count: Int128, of step: Rational) throws(RationalFault) -> Rational {
    guard let whole = Rational(count, over: 1) else { throw .overflow }
    return try whole * step
  }
}

extension CurvePiece {
  /// More steps than any figure of a business has; keeps open ends within the range.
  private static let stepsCountMax: Int128 = 1_000_000_000_000_000_000_000

  /// The multiples of `step` that lie in the piece; nil when none does.
  fileprivate func steps(_ step: Rational) throws(RationalFault) -> (low: Int128, high: Int128)? {
    var low = -CurvePiece.stepsCountMax
    var high = CurvePiece.stepsCountMax
    if let from { low = max(low, (try from / step).ceiling) }
    if let to {
      let border = try to / step
      high = min(high, border.isInteger && !includesTo ? border.floor - 1 : border.floor)
    }
    return low <= high ? (low, high) : nil
  }

  /// The first step whose points are at least `points`. Clamping changes nothing: `points` is at most 100, and at or below 0
  /// every step will do.
  fileprivate func first(atLeast points: Rational, in steps: ClosedRange<Int128>, step: Rational) throws(RationalFault) -> Int128? {
    if points <= .zero { return steps.lowerBound }
    if slope == .zero { return intercept >= points ? steps.lowerBound : nil }
    let border = try (try (try points - intercept) / slope) / step
    if slope > .zero { return border.ceiling <= steps.upperBound ? max(steps.lowerBound, border.ceiling) : nil }
    return border.floor >= steps.lowerBound ? steps.lowerBound : nil
  }

  /// The last step whose points are below `points`, which is above 0.
  fileprivate func last(below points: Rational, in steps: ClosedRange<Int128>, step: Rational) throws(RationalFault) -> Int128? {
    if slope == .zero { return intercept < points ? steps.upperBound : nil }
    let border = try (try (try points - intercept) / slope) / step
    if slope < .zero { return border.floor < steps.upperBound ? steps.upperBound : nil }
    return border.ceiling - 1 >= steps.lowerBound ? min(steps.upperBound, border.ceiling - 1) : nil
  }
}
