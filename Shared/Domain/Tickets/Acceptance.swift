// Acceptance of delivered work, and a check of the value that it gave (K-09). Pure: time and rules are arguments.

/// What delivered work gave, by the word of who accepts it.
public enum ValueGiven: String, Hashable, Sendable, CaseIterable {
  /// What was promised.
  case full
  case partial, none

  public var name: LocalizedName {
    switch self {
    case .full: LocalizedName(en: "as promised", zh: "达到预期")
    case .partial: LocalizedName(en: "in part", zh: "部分达到")
    case .none: LocalizedName(en: "none", zh: "未达到")
    }
  }
}

/// What was said of delivered work.
public struct AcceptanceDecision: Hashable, Sendable {
  public let value: ValueGiven
  public let note: String
  public let actor: TicketActor
  public let at: Instant

  public static let noteMax = 2_000

  public init(value: ValueGiven, note: String, by actor: TicketActor, at: Instant) {
    self.value = value
    self.note = note
    self.actor = actor
    self.at = at
  }
}

/// The acceptance of the solution that holds. Work that was rejected, or a ticket that was opened again, has none until it is solved anew.
public struct Acceptance: Hashable, Sendable {
  /// The business day by whose end it is to be said.
  public let dueOn: Day
  /// nil: it is awaited.
  public internal(set) var accepted: AcceptanceDecision?

  public init(dueOn: Day, accepted: AcceptanceDecision? = nil) {
    self.dueOn = dueOn
    self.accepted = accepted
  }
}

/// Which solutions are followed by an acceptance, and until when.
public struct AcceptanceRule: Hashable, Sendable {
  public let kinds: Set<ContactEvent.Kind>
  public let codes: Set<String>
  /// Days after the one on which the work was delivered.
  public let days: Int

  public static let daysMax = 366

  public init(kinds: Set<ContactEvent.Kind>, codes: Set<String>, days: Int) {
    self.kinds = kinds
    self.codes = codes
    self.days = days
  }

  /// When the acceptance of a solution is due; nil: it needs none.
  public func due(_ kind: ContactEvent.Kind?, _ resolution: TicketResolution, on today: Day) -> Day? {
    guard let kind, kinds.contains(kind), codes.contains(resolution.code) else { return nil }
    return today + days
  }
}
