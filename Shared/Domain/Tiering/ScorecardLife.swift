// A scorecard's way into use and out of it (T-10): which step is possible when, and what to do where it is not. Pure.

/// What a person does with a scorecard.
public enum ScorecardStep: String, Hashable, Sendable, CaseIterable {
  /// Work out what it would make of all customers.
  case simulate
  /// Let it rate a part of the customers.
  case canary
  /// Let it rate all customers.
  case activate
  /// Take it out of the way, or end its canary.
  case retire
  /// Let the scorecard before it rate again.
  case back
}

/// What happened to a scorecard; kept for ever, with who and why.
public enum ScorecardEventKind: String, Hashable, Sendable, CaseIterable {
  case registered
  case simulated
  case canary
  case activated
  /// Another one was activated in its place.
  case replaced
  /// It rates again, because a person went back to it.
  case restored
  case retired
}

/// Why a step is not possible, and what to do instead.
public struct ScorecardRefusal: Error, Hashable, Sendable, CustomStringConvertible {
  public let description: String

  public init(_ description: String) { self.description = description }
}

/// Where a scorecard stands when a person asks for a step.
public struct ScorecardSituation: Hashable, Sendable {
  public var scorecard: ScorecardReference
  public var state: ScorecardState
  /// The one that is tried on a part of the customers, whichever it is.
  public var canary: ScorecardReference?
  /// The one that rated all customers before the active one.
  public var before: ScorecardReference?

  public init(scorecard: ScorecardReference, state: ScorecardState, canary: ScorecardReference?, before: ScorecardReference? = nil) {
    self.scorecard = scorecard
    self.state = state
    self.canary = canary
    self.before = before
  }

  /// The state after the step; throws what stands against it.
  ///
  /// - Parameter skipsCanary: whoever activates says that no part of the customers tries it first.
  public func state(after step: ScorecardStep, skipsCanary: Bool = false) throws(ScorecardRefusal) -> ScorecardState {
    switch step {
    // What rates already stays what it is: a simulation of it is only a report.
    case .simulate: return state == .canary || state == .active ? state : .simulated
    case .canary: return try canaryState()
    case .activate: return try activeState(skipsCanary)
    case .retire: return try retiredState()
    case .back: return try backState()
    }
  }

  private func canaryState() throws(ScorecardRefusal) -> ScorecardState {
    switch state {
    case .simulated: break
    case .draft, .retired: throw ScorecardRefusal("\(scorecard) is \(state.rawValue): simulate it on all customers first")
    case .canary: throw ScorecardRefusal("\(scorecard) rates a part of the customers already: compare it, then activate or retire it")
    case .active: throw ScorecardRefusal("\(scorecard) rates all customers already")
    }
    if let canary { throw ScorecardRefusal("\(canary) is tried on a part of the customers: activate or retire that one first") }
    return .canary
  }

  private func activeState(_ skipsCanary: Bool) throws(ScorecardRefusal) -> ScorecardState {
    switch state {
    case .canary: return .active
    case .draft, .retired: throw ScorecardRefusal("\(scorecard) is \(state.rawValue): simulate it on all customers first")
    case .active: throw ScorecardRefusal("\(scorecard) rates all customers already")
    case .simulated:
      if let canary { throw ScorecardRefusal("\(canary) is tried on a part of the customers: activate or retire that one first") }
      guard skipsCanary else {
        throw ScorecardRefusal("\(scorecard) was tried on no customers yet: make it the canary first, or say that it comes without one")
      }
      return .active
    }
  }

  private func retiredState() throws(ScorecardRefusal) -> ScorecardState {
    switch state {
    case .draft, .simulated, .canary: return .retired
    case .retired: throw ScorecardRefusal("\(scorecard) is retired already")
    case .active: throw ScorecardRefusal("\(scorecard) rates all customers: activate another one, or go back to the one before it")
    }
  }

  private func backState() throws(ScorecardRefusal) -> ScorecardState {
    guard state == .active else { throw ScorecardRefusal("\(scorecard) does not rate all customers: one goes back from the active scorecard") }
    if let canary { throw ScorecardRefusal("\(canary) is tried on a part of the customers: activate or retire that one first") }
    guard before != nil else { throw ScorecardRefusal("no scorecard rated all customers before \(scorecard): activate one by its name") }
    return .retired
  }
}

/// A scorecard that rates a part of the customers, chosen by a hash: the same customers whoever asks, and others for another scorecard.
public struct CanaryTrial: Hashable, Sendable {
  public let scorecard: Scorecard
  /// Of all customers, about so many in a hundred.
  public let percent: Int
  private let salt: UInt64

  /// A part that is more than half is no trial.
  public static let percentRange = 1...50
  public static let percentDefault = 20

  /// nil for a part out of range.
  public init?(_ scorecard: Scorecard, percent: Int) {
    guard CanaryTrial.percentRange.contains(percent) else { return nil }
    self.scorecard = scorecard
    self.percent = percent
    // FNV-1a over the scorecard's name and version.
    salt = "\(scorecard.reference)".utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }

  /// Whether the customer's place in a hundred, by the finaliser of SplitMix64 over its number and the scorecard's salt, lies in the part.
  public func includes(_ customer: CustomerID) -> Bool {
    var mixed = UInt64(bitPattern: customer.number) ^ salt
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    mixed ^= mixed >> 31
    return mixed % 100 < UInt64(percent)
  }
}
