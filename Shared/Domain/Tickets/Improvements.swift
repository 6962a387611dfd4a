// Complaint hot spots, and the loop problem, cause, measure, effect (K-10). Pure: counts and time are arguments.

/// Complaints about one matter in a period and in the one before.
public struct ComplaintSpot: Hashable, Sendable {
  /// nil: nobody has said yet why.
  public let rootCause: String?
  /// nil: the source has none.
  public let category: String?
  public let count: Int64
  public let before: Int64

  public init(rootCause: String?, category: String?, count: Int64, before: Int64) {
    self.rootCause = rootCause
    self.category = category
    self.count = count
    self.before = before
  }

  private var both: Growth { Growth(count, before: before) }
  public var change: Int64 { both.change }
  /// Percent; nil: there was none before.
  public var growth: Rational? { both.percent }
  public var isHot: Bool { both.isHot }

  /// Hot spots first, then where there are most, then where most came; what is not known after what is.
  public static func ordered(_ spots: [ComplaintSpot]) -> [ComplaintSpot] {
    func rank(_ spot: ComplaintSpot) -> (Int, Int64, Int64) { (spot.isHot ? 0 : 1, -spot.count, -spot.change) }
    func words(_ spot: ComplaintSpot) -> (Int, String, Int, String) {
      (spot.rootCause == nil ? 1 : 0, spot.rootCause ?? "", spot.category == nil ? 1 : 0, spot.category ?? "")
    }
    return spots.sorted { rank($0) == rank($1) ? words($0) < words($1) : rank($0) < rank($1) }
  }
}

/// The steps of an improvement, each taken once, in this order.
public enum ImprovementStep: String, Hashable, Sendable, CaseIterable {
  /// What customers complain about.
  case problem
  /// Why it happens.
  case cause
  /// What is done about it, and from when on.
  case measure
  /// What became of it, by the figures before and after.
  case effect

  public var name: LocalizedName {
    switch self {
    case .problem: LocalizedName(en: "problem", zh: "问题")
    case .cause: LocalizedName(en: "cause", zh: "原因")
    case .measure: LocalizedName(en: "improvement", zh: "改进")
    case .effect: LocalizedName(en: "effect", zh: "效果")
    }
  }

  var next: ImprovementStep? { ImprovementStep.allCases.firstIndex(of: self).flatMap { ImprovementStep.allCases.dropFirst($0 + 1).first } }
}

public struct ImprovementLine: Hashable, Sendable {
  public let step: ImprovementStep
  public let text: String
  public let actor: TicketActor
  public let at: Instant

  public init(_ step: ImprovementStep, text: String, by actor: TicketActor, at: Instant) {
    self.step = step
    self.text = text
    self.actor = actor
    self.at = at
  }
}

/// Complaints about an improvement's matter, in as many days before it held as after.
public struct ImprovementFigures: Hashable, Sendable {
  public var before: Int64
  public var after: Int64

  public init(before: Int64, after: Int64) {
    self.before = before
    self.after = after
  }

  /// Percent; nil: there was none before.
  public var change: Rational? { before > 0 ? Rational(Int128(after - before) * 100, over: Int128(before)) : nil }
}

/// Why a step is not taken.
public enum ImprovementRefusal: Error, Hashable, Sendable {
  case notPossible(ImprovementStep, next: ImprovementStep?)
  /// The figures after the improvement are whole only then.
  case tooEarly(until: Instant)
}

/// A record of something that customers complain about and what is done about it.
public struct Improvement: Hashable, Sendable {
  public let id: TicketID
  /// The complaints it is about: with this root cause, of this category; empty: any. One of the two is given.
  public let rootCause: String
  public let category: String
  /// Days before the measure and after it that are compared.
  public let windowDays: Int
  /// At least the problem.
  public private(set) var lines: [ImprovementLine]
  /// From when on the measure holds.
  public private(set) var effectiveAt: Instant?
  /// As they were when the effect was told.
  public private(set) var figures: ImprovementFigures?

  public static let windowDaysMax = 366

  public init(
    id: TicketID, rootCause: String, category: String, windowDays: Int, lines: [ImprovementLine], effectiveAt: Instant? = nil,
    figures: ImprovementFigures? = nil
  ) {
    self.id = id
    self.rootCause = rootCause
    self.category = category
    self.windowDays = windowDays
    self.lines = lines
    self.effectiveAt = effectiveAt
    self.figures = figures
  }

  /// The step that was taken last.
  public var reached: ImprovementStep { lines.last?.step ?? .problem }
  /// The step that comes next; nil: the loop is closed.
  public var next: ImprovementStep? { reached.next }

  /// What is counted: from, the moment between, until. nil: it is not known yet from when on the measure holds.
  public var window: (from: Instant, effectiveAt: Instant, until: Instant)? {
    effectiveAt.map { at in
      let span = Int64(windowDays) * 86_400
      return (at.adding(seconds: -span), at, at.adding(seconds: span))
    }
  }

  /// Takes the next step.
  ///
  /// - Parameters:
  ///   - effectiveAt: of the measure; the moment of the step unless given.
  ///   - counted: of the effect; asked for only then.
  public mutating func take(_ line: ImprovementLine, effectiveAt: Instant? = nil, counted: () throws -> ImprovementFigures) throws {
    guard let next, line.step == next else { throw ImprovementRefusal.notPossible(line.step, next: next) }
    if next == .measure { self.effectiveAt = effectiveAt ?? line.at }
    if next == .effect, let window {
      guard line.at >= window.until else { throw ImprovementRefusal.tooEarly(until: window.until) }
      figures = try counted()
    }
    lines.append(line)
  }
}
