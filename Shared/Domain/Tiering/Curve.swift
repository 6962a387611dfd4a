// From an indicator's raw value to points: a line through points, or bands (T-01).

/// How a raw value becomes 0 to 100 points.
public enum Curve: Hashable, Sendable {
  /// Straight lines between neighbouring points; before the first and after the last the curve is level. Raw values ascend.
  case line([CurvePoint])
  /// Steps: a band reaches from its own start to just below the next one's. The first starts at nil, below everything.
  case bands([CurveBand])

  /// Points or bands of one curve.
  public static let stepsCountMax = 64
}

public struct CurvePoint: Hashable, Sendable {
  public let raw: Rational
  /// May lie outside 0...100; the curve's result is clamped.
  public let points: Rational

  public init(raw: Rational, points: Rational) {
    self.raw = raw
    self.points = points
  }
}

public struct CurveBand: Hashable, Sendable {
  /// The least raw value of the band; nil for the lowest band.
  public let from: Rational?
  public let points: Rational

  public init(from: Rational?, points: Rational) {
    self.from = from
    self.points = points
  }
}

extension Curve {
  /// The points of a raw value, exact, from 0 to 100.
  public func points(at raw: Rational) throws(RationalFault) -> Rational {
    switch self {
    case .line(let points): min(max(try Curve.interpolate(points, at: raw), .zero), .oneHundred)
    case .bands(let bands): min(max(Curve.band(of: raw, in: bands), .zero), .oneHundred)
    }
  }

  private static func interpolate(_ points: [CurvePoint], at raw: Rational) throws(RationalFault) -> Rational {
    guard let first = points.first, let last = points.last else { return .zero }
    if raw <= first.raw { return first.points }
    if raw >= last.raw { return last.points }
    var index = 1
    while points[index].raw < raw { index += 1 }
    let (low, high) = (points[index - 1], points[index])
    let share = try (try raw - low.raw) / (try high.raw - low.raw)
    return try low.points + (try share * (try high.points - low.points))
  }

  private static func band(of raw: Rational, in bands: [CurveBand]) -> Rational {
    var points = bands.first?.points ?? .zero
    for band in bands.dropFirst() {
      guard let from = band.from, from <= raw else { break }
      points = band.points
    }
    return points
  }
}

extension Curve {
  /// Whether a growing raw value first raises the points and then lowers them, or the other way round. What is clamped away does not count.
  public var turns: Bool {
    let points =
      switch self {
      case .line(let points): points.map(\.points)
      case .bands(let bands): bands.map(\.points)
      }
    let clamped = points.map { min(max($0, .zero), .oneHundred) }
    let steps = zip(clamped, clamped.dropFirst())
    return steps.contains { $0 < $1 } && steps.contains { $0 > $1 }
  }
}

/// A stretch of a curve on which it is one straight line: `points = slope * raw + intercept`, not clamped.
struct CurvePiece: Hashable, Sendable {
  /// nil: from below everything. The piece includes it.
  let from: Rational?
  /// nil: without end.
  let to: Rational?
  let includesTo: Bool
  let slope: Rational
  let intercept: Rational
}

extension Curve {
  /// The curve as pieces in ascending order that cover every raw value; a shared border belongs to both where the curve is unbroken.
  func pieces() throws(RationalFault) -> [CurvePiece] {
    switch self {
    case .bands(let bands):
      return bands.indices.map { index in
        let next = index + 1 < bands.count ? bands[index + 1].from : nil
        return CurvePiece(from: bands[index].from, to: next, includesTo: false, slope: .zero, intercept: bands[index].points)
      }
    case .line(let points):
      guard let first = points.first, let last = points.last else { return [] }
      var pieces = [CurvePiece(from: nil, to: first.raw, includesTo: true, slope: .zero, intercept: first.points)]
      for (low, high) in zip(points, points.dropFirst()) {
        let slope = try (try high.points - low.points) / (try high.raw - low.raw)
        pieces.append(
          CurvePiece(from: low.raw, to: high.raw, includesTo: true, slope: slope, intercept: try low.points - (try slope * low.raw)))
      }
      pieces.append(CurvePiece(from: last.raw, to: nil, includesTo: false, slope: .zero, intercept: last.points))
      return pieces
    }
  }
}

// MARK: Faults

extension Curve {
  /// Every fault of the curve; `path` is where it stands in its document.
  func faults(at path: String) -> [ConfigurationFault] {
    switch self {
    case .line(let points):
      var faults = Curve.countFaults(points.count, least: 2, at: "\(path).points", what: "points")
      for index in points.indices {
        let place = "\(path).points[\(index)]"
        faults += Curve.numberFaults(points[index].raw, at: place, what: "raw value") + Curve.pointsFaults(points[index].points, at: place)
        if index > 0, points[index].raw <= points[index - 1].raw {
          faults.append(
            ConfigurationFault(path: place, problem: "raw values must ascend: \(points[index].raw) follows \(points[index - 1].raw)"))
        }
      }
      return faults
    case .bands(let bands):
      var faults = Curve.countFaults(bands.count, least: 1, at: "\(path).bands", what: "bands")
      for index in bands.indices {
        let place = "\(path).bands[\(index)]"
        faults += Curve.pointsFaults(bands[index].points, at: place)
        guard let from = bands[index].from else {
          if index > 0 { faults.append(ConfigurationFault(path: place, problem: "only the first band may start from `lowest`")) }
          continue
        }
        faults += Curve.numberFaults(from, at: place, what: "start")
        if index == 0 {
          faults.append(ConfigurationFault(path: place, problem: "the first band must start from `lowest`, so that every value has points"))
        }
        if index > 0, let before = bands[index - 1].from, from <= before {
          faults.append(ConfigurationFault(path: place, problem: "bands must ascend: \(from) follows \(before)"))
        }
      }
      return faults
    }
  }

  private static func countFaults(_ count: Int, least: Int, at path: String, what: String) -> [ConfigurationFault] {
    if count < least { return [ConfigurationFault(path: path, problem: "at least \(least) \(what) are needed, there are \(count)")] }
    if count > stepsCountMax {
      return [ConfigurationFault(path: path, problem: "at most \(stepsCountMax) \(what) are possible, there are \(count)")]
    }
    return []
  }

  /// Points outside 0...100 are clamped; far outside they are more likely a slip of the pen.
  private static let pointsMagnitudeMax = Rational(1_000)

  private static func pointsFaults(_ points: Rational, at path: String) -> [ConfigurationFault] {
    if points.magnitude > pointsMagnitudeMax {
      return [
        ConfigurationFault(path: path, problem: "points must lie between -1000 and 1000 (results are clamped to 0 to 100), not \(points)")
      ]
    }
    return numberFaults(points, at: path, what: "points")
  }

  /// Bounds that keep every score within the range of exact arithmetic.
  static let numberMagnitudeMax = Rational(1_000_000_000_000)
  static let numberDenominatorMax: Int128 = 1_000_000

  static func numberFaults(_ number: Rational, at path: String, what: String) -> [ConfigurationFault] {
    guard number.magnitude <= numberMagnitudeMax, number.denominator <= numberDenominatorMax else {
      return [
        ConfigurationFault(path: path, problem: "\(what) must be within 1,000,000,000,000 and have at most 6 decimals, not \(number)")
      ]
    }
    return []
  }
}
