// The same score, faster: a scorecard worked into whole numbers once, for ratings by the million.

/// A scorecard in whole numbers. Gives the same results as ``Scorecard/score(_:)``, to the last digit.
///
/// Every indicator's curve becomes pieces with whole coefficients over one common denominator, clamping included, and the
/// weights become whole numbers too. What is left per customer is a few multiplications and one division. Should a product not
/// fit 128 bits, the customer is scored by the scorecard itself.
public struct CompiledScorecard: Sendable {
  public let scorecard: Scorecard
  /// Indicators that have a slot in the values, in the scorecard's order.
  private let indicators: [Indicator]
  /// Points times weight are whole numbers over this.
  private let pointsDenominator: Int128

  fileprivate struct Indicator: Sendable {
    let slot: Int
    /// Whole, in proportion to the other indicators' weights.
    let weight: Int128
    let pieces: [Piece]
    /// Weighted points that stand in for a missing value, over the common denominator; nil: left out.
    let standIn: Int128?
  }

  /// On this piece the weighted points of `n/d` are `(slope * n + intercept * d) / (d * pointsDenominator)`.
  fileprivate struct Piece: Sendable {
    /// The piece holds raw values below this, or up to and with it.
    let endNumerator: Int128
    let endDenominator: Int128
    let includesEnd: Bool
    let isLast: Bool
    let slope: Int128
    let intercept: Int128
  }

  /// nil when the scorecard's numbers are too long for whole-number form; then the scorecard itself is to be used.
  public init?(_ scorecard: Scorecard) {
    guard let compiled = try? CompiledScorecard(compiling: scorecard) else { return nil }
    self = compiled
  }

  /// The score rounded half up, as ``Score/rounded``.
  public func rounded(_ values: IndicatorValues) throws(ScoringFault) -> Int {
    guard let fraction = fraction(values) else { return try scorecard.score(values).rounded }
    guard fraction.denominator > 0 else { throw .noIndicatorHasValue }
    let whole = fraction.numerator / fraction.denominator
    let rest = fraction.numerator - whole * fraction.denominator
    return Int(whole) + (rest >= fraction.denominator - rest ? 1 : 0)
  }

  /// The exact score, as ``Score/exact``.
  public func exact(_ values: IndicatorValues) throws(ScoringFault) -> Rational {
    guard let fraction = fraction(values) else { return try scorecard.score(values).exact }
    guard fraction.denominator > 0 else { throw .noIndicatorHasValue }
    guard let exact = Rational(fraction.numerator, over: fraction.denominator) else { return try scorecard.score(values).exact }
    return exact
  }

  /// The score, not reduced; a denominator of 0 when nothing has a value; nil when it does not fit.
  private func fraction(_ values: IndicatorValues) -> (numerator: Int128, denominator: Int128)? {
    var numerator: Int128 = 0
    var denominator: Int128 = 1
    var weightSum: Int128 = 0
    var overflow = false
    func times(_ a: Int128, _ b: Int128) -> Int128 {
      let (product, isOver) = a.multipliedReportingOverflow(by: b)
      if isOver { overflow = true }
      return product
    }
    func plus(_ a: Int128, _ b: Int128) -> Int128 {
      let (sum, isOver) = a.addingReportingOverflow(b)
      if isOver { overflow = true }
      return sum
    }
    for indicator in indicators {
      guard let raw = values.slots[indicator.slot] else {
        guard let standIn = indicator.standIn else { continue }
        numerator = plus(numerator, times(standIn, denominator))
        weightSum = plus(weightSum, indicator.weight)
        continue
      }
      guard let piece = indicator.piece(of: raw) else { return nil }
      weightSum = plus(weightSum, indicator.weight)
      if piece.slope == 0 {
        numerator = plus(numerator, times(piece.intercept, denominator))
      } else if raw.denominator == 1 {
        numerator = plus(numerator, times(plus(times(piece.slope, raw.numerator), piece.intercept), denominator))
      } else {
        let points = plus(times(piece.slope, raw.numerator), times(piece.intercept, raw.denominator))
        numerator = plus(times(numerator, raw.denominator), times(points, denominator))
        denominator = times(denominator, raw.denominator)
      }
    }
    denominator = times(times(denominator, weightSum), pointsDenominator)
    return overflow ? nil : (numerator, denominator)
  }
}

extension CompiledScorecard.Indicator {
  @inline(__always)
  fileprivate func piece(of raw: Rational) -> CompiledScorecard.Piece? {
    for piece in pieces {
      if piece.isLast { return piece }
      let (left, leftOver) = raw.numerator.multipliedReportingOverflow(by: piece.endDenominator)
      let (right, rightOver) = raw.denominator.multipliedReportingOverflow(by: piece.endNumerator)
      if leftOver || rightOver { return nil }
      if piece.includesEnd ? left <= right : left < right { return piece }
    }
    return nil
  }
}

// MARK: Compiling

extension CompiledScorecard {
  private init(compiling scorecard: Scorecard) throws(RationalFault) {
    // Clamped pieces with weights multiplied in, still as fractions; then everything over common denominators.
    var clamped: [[CurvePiece]] = []
    var weightDenominator: Int128 = 1
    for indicator in scorecard.indicators {
      clamped.append(try CompiledScorecard.clamped(try indicator.curve.pieces()))
      weightDenominator = try CompiledScorecard.commonMultiple(weightDenominator, indicator.weight.denominator)
    }
    let weightScale = Rational(reduced: weightDenominator, over: 1)
    var common: Int128 = 1
    var weights: [Rational] = []
    var standIns: [Rational?] = []
    for (indicator, pieces) in zip(scorecard.indicators, clamped) {
      let weight = try indicator.weight * weightScale
      weights.append(weight)
      let standIn = try indicator.points(of: nil).points
      standIns.append(try standIn.map { (points) throws(RationalFault) in try points * weight })
      common = try CompiledScorecard.commonMultiple(common, standIns.last??.denominator ?? 1)
      for piece in pieces {
        common = try CompiledScorecard.commonMultiple(common, (try piece.slope * weight).denominator)
        common = try CompiledScorecard.commonMultiple(common, (try piece.intercept * weight).denominator)
      }
    }
    let scale = Rational(reduced: common, over: 1)
    var indicators: [Indicator] = []
    for (index, indicator) in scorecard.indicators.enumerated() {
      let factor = try weights[index] * scale
      var pieces: [Piece] = []
      for piece in clamped[index] {
        pieces.append(
          Piece(
            endNumerator: piece.to?.numerator ?? 0, endDenominator: piece.to?.denominator ?? 1, includesEnd: piece.includesTo,
            isLast: piece.to == nil, slope: (try piece.slope * factor).numerator, intercept: (try piece.intercept * factor).numerator))
      }
      let standIn = try standIns[index].map { (points) throws(RationalFault) in (try points * scale).numerator }
      indicators.append(Indicator(slot: Int(indicator.key.rawValue), weight: weights[index].numerator, pieces: pieces, standIn: standIn))
    }
    self.scorecard = scorecard
    self.indicators = indicators
    self.pointsDenominator = common
  }

  private static func commonMultiple(_ left: Int128, _ right: Int128) throws(RationalFault) -> Int128 {
    let divisor = Int128(Rational.greatestCommonDivisor(left.magnitude, right.magnitude))
    let (product, overflow) = (left / divisor).multipliedReportingOverflow(by: right)
    guard !overflow else { throw .overflow }
    return product
  }

  /// Pieces cut where they cross 0 and 100, level beyond.
  private static func clamped(_ pieces: [CurvePiece]) throws(RationalFault) -> [CurvePiece] {
    var result: [CurvePiece] = []
    for piece in pieces {
      guard piece.slope != .zero, let from = piece.from, let to = piece.to else {
        let level = min(max(piece.intercept, .zero), .oneHundred)
        result.append(CurvePiece(from: piece.from, to: piece.to, includesTo: piece.includesTo, slope: .zero, intercept: level))
        continue
      }
      var cuts: [Rational] = []
      for level in [Rational.zero, .oneHundred] {
        let cut = try (try level - piece.intercept) / piece.slope
        if cut > from, cut < to { cuts.append(cut) }
      }
      let borders = [from] + cuts.sorted() + [to]
      for (start, end) in zip(borders, borders.dropFirst()) {
        let middle = try (try start + end) / Rational(2)
        let points = try (try piece.slope * middle) + piece.intercept
        let isWithin = points >= .zero && points <= .oneHundred
        result.append(
          CurvePiece(
            from: start, to: end, includesTo: true, slope: isWithin ? piece.slope : .zero,
            intercept: isWithin ? piece.intercept : min(max(points, .zero), .oneHundred)))
      }
    }
    return result
  }
}
