// A scorecard is data (T-01): dimensions, indicators, weights, curves, and what to do where a value is missing.

/// Where a scorecard stands on its way into use (T-10).
public enum ScorecardState: String, Hashable, Sendable, CaseIterable {
  case draft, simulated, canary, active, retired
}

/// What an indicator without a value does to the score (T-05).
public enum MissingRule: Hashable, Sendable {
  /// The indicator is left out and the other weights are re-scaled to 100 %.
  case leaveOut
  /// These points stand in, 0 to 100.
  case standInPoints(Rational)
  /// This raw value stands in and goes through the curve.
  case standInValue(Rational)
}

public struct ScorecardIndicator: Hashable, Sendable {
  public let key: IndicatorKey
  public let name: LocalizedName
  /// Percent of the whole score, above 0.
  public let weight: Rational
  public let unit: IndicatorUnit
  public let curve: Curve
  /// The author has stated that the curve both rises and falls; any other must not (T-01).
  public let mayTurn: Bool
  public let missing: MissingRule

  public init(
    key: IndicatorKey, name: LocalizedName, weight: Rational, unit: IndicatorUnit, curve: Curve, mayTurn: Bool = false, missing: MissingRule
  ) {
    self.key = key
    self.name = name
    self.weight = weight
    self.unit = unit
    self.curve = curve
    self.mayTurn = mayTurn
    self.missing = missing
  }
}

public struct ScorecardDimension: Hashable, Sendable {
  public let name: LocalizedName
  /// Percent of the whole score: the sum of its indicators' weights.
  public let weight: Rational
  public let indicators: [ScorecardIndicator]

  public init(name: LocalizedName, weight: Rational, indicators: [ScorecardIndicator]) {
    self.name = name
    self.weight = weight
    self.indicators = indicators
  }
}

/// Which scorecard a score came from; the explanation of a past score names it (T-05).
public struct ScorecardReference: Hashable, Sendable, CustomStringConvertible {
  public let name: String
  public let version: Int

  public init(name: String, version: Int) {
    self.name = name
    self.version = version
  }

  /// `standard v3`
  public var description: String { "\(name) v\(version)" }
}

/// A scorecard without a fault: it cannot be made with one.
public struct Scorecard: Hashable, Sendable {
  public let name: String
  public let version: Int
  public let author: String
  public let state: ScorecardState
  public let dimensions: [ScorecardDimension]
  /// The indicators of all dimensions, in order.
  public let indicators: [ScorecardIndicator]

  public static let nameBytesMax = 64
  public static let authorBytesMax = 200
  public static let dimensionsCountMax = 16

  /// Whether a scorecard may be called so.
  public static func isName(_ text: String) -> Bool { isSlug(text, bytesMax: nameBytesMax) }

  public var reference: ScorecardReference { ScorecardReference(name: name, version: version) }

  /// Throws every fault at once.
  public init(
    name: String, version: Int, author: String, state: ScorecardState, dimensions: [ScorecardDimension]
  ) throws(ConfigurationFaults) {
    let faults = Scorecard.faults(name: name, version: version, author: author, dimensions: dimensions)
    guard faults.isEmpty else { throw ConfigurationFaults(faults) }
    self.name = name
    self.version = version
    self.author = author
    self.state = state
    self.dimensions = dimensions
    self.indicators = dimensions.flatMap(\.indicators)
  }

  /// The same scorecard in another state.
  public func with(state: ScorecardState) -> Scorecard { Scorecard(copying: self, state: state) }

  private init(copying other: Scorecard, state: ScorecardState) {
    self.name = other.name
    self.version = other.version
    self.author = other.author
    self.state = state
    self.dimensions = other.dimensions
    self.indicators = other.indicators
  }
}

// MARK: Faults

extension Scorecard {
  static func faults(name: String, version: Int, author: String, dimensions: [ScorecardDimension]) -> [ConfigurationFault] {
    var faults: [ConfigurationFault] = []
    if !isSlug(name, bytesMax: nameBytesMax) {
      faults.append(ConfigurationFault(path: "scorecard", problem: "a name is small letters, digits and hyphens, at most \(nameBytesMax)"))
    }
    if version < 1 { faults.append(ConfigurationFault(path: "version", problem: "versions count from 1, not \(version)")) }
    if author.isEmpty || author.utf8.count > authorBytesMax {
      faults.append(ConfigurationFault(path: "author", problem: "an author is named in 1 to \(authorBytesMax) bytes"))
    }
    if dimensions.isEmpty || dimensions.count > dimensionsCountMax {
      faults.append(
        ConfigurationFault(path: "dimensions", problem: "1 to \(dimensionsCountMax) dimensions are needed, there are \(dimensions.count)"))
    }
    faults += sumFaults(dimensions.map(\.weight), mustBe: .oneHundred, at: "dimensions", what: "the weights of all dimensions")
    var places: [IndicatorKey: String] = [:]
    for (number, dimension) in dimensions.enumerated() {
      let path = "dimensions[\(number)]"
      if dimension.indicators.isEmpty {
        faults.append(ConfigurationFault(path: "\(path).indicators", problem: "at least one indicator is needed"))
      }
      faults += nameFaults(dimension.name, at: "\(path).name") + weightFaults(dimension.weight, at: "\(path).weight")
      if !dimension.indicators.isEmpty {
        let what = "the weights of the indicators of this dimension"
        faults += sumFaults(dimension.indicators.map(\.weight), mustBe: dimension.weight, at: "\(path).weight", what: what)
      }
      for (position, indicator) in dimension.indicators.enumerated() {
        let place = "\(path).indicators[\(position)]"
        faults += self.faults(of: indicator, at: place)
        if let first = places[indicator.key] {
          faults.append(ConfigurationFault(path: "\(place).key", problem: "`\(indicator.key.name)` is weighed already at \(first)"))
        } else {
          places[indicator.key] = place
        }
      }
    }
    return faults
  }

  private static func faults(of indicator: ScorecardIndicator, at path: String) -> [ConfigurationFault] {
    var faults = nameFaults(indicator.name, at: "\(path).name") + weightFaults(indicator.weight, at: "\(path).weight")
    if indicator.unit != indicator.key.unit {
      let problem = "`\(indicator.key.name)` is given in \(indicator.key.unit.rawValue), not in \(indicator.unit.rawValue)"
      faults.append(ConfigurationFault(path: "\(path).unit", problem: problem))
    }
    let curveFaults = indicator.curve.faults(at: "\(path).curve")
    faults += curveFaults
    if curveFaults.isEmpty, !indicator.mayTurn, indicator.curve.turns {
      let problem = "the curve both rises and falls, which is mostly a slip of the pen; if it is meant, say `turns: true` beside its points"
      faults.append(ConfigurationFault(path: "\(path).curve", problem: problem))
    }
    switch indicator.missing {
    case .leaveOut: break
    case .standInPoints(let points):
      if points.isNegative || points > .oneHundred || points.denominator > Curve.numberDenominatorMax {
        faults.append(
          ConfigurationFault(path: "\(path).missing", problem: "points that stand in must lie between 0 and 100, not \(points)"))
      }
    case .standInValue(let value): faults += Curve.numberFaults(value, at: "\(path).missing", what: "the value that stands in")
    }
    return faults
  }

  private static func nameFaults(_ name: LocalizedName, at path: String) -> [ConfigurationFault] {
    [("en", name.en), ("zh", name.zh)].filter { $0.1.isEmpty || $0.1.utf8.count > authorBytesMax }.map {
      ConfigurationFault(path: "\(path).\($0.0)", problem: "a name of 1 to \(authorBytesMax) bytes is needed")
    }
  }

  private static func weightFaults(_ weight: Rational, at path: String) -> [ConfigurationFault] {
    guard weight > .zero, weight <= .oneHundred, weight.denominator <= Curve.numberDenominatorMax else {
      return [ConfigurationFault(path: path, problem: "a weight is above 0 and at most 100 %, not \(weight)")]
    }
    return []
  }

  private static func sumFaults(_ weights: [Rational], mustBe whole: Rational, at path: String, what: String) -> [ConfigurationFault] {
    guard !weights.isEmpty else { return [] }
    do throws(RationalFault) {
      var sum = Rational.zero
      for weight in weights { sum = try sum + weight }
      if sum == whole { return [] }
      return [ConfigurationFault(path: path, problem: "\(what) must sum to \(whole.shortText) %, they sum to \(sum.shortText) %")]
    } catch {
      return [ConfigurationFault(path: path, problem: "\(what) cannot be added up exactly; use fewer decimals")]
    }
  }
}

/// Small letters, digits and single hyphens between them, as names in files and topics are spelled.
public func isSlug(_ text: String, bytesMax: Int) -> Bool {
  let bytes = text.utf8
  guard (1...bytesMax).contains(bytes.count), bytes.first != 0x2D, bytes.last != 0x2D else { return false }
  return bytes.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D }
}

extension Rational {
  /// For messages and explanations: decimal, at most four decimals.
  var shortText: String { decimalText(fractionDigitsMax: 4) }
}
