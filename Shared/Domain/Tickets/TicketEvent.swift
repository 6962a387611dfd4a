// What happened to a ticket: the lines of its history (K-06).

/// Who did something, and why.
public struct TicketActor: Hashable, Sendable {
  public let name: String
  /// Empty where none was given.
  public let reason: String

  public init(_ name: String, because reason: String = "") {
    self.name = name
    self.reason = reason
  }

  /// What time and other services bring about.
  public static let system = TicketActor("clientele")
  public static let customer = TicketActor("customer")
}

public struct TicketEvent: Hashable, Sendable {
  public enum Kind: String, Hashable, Sendable, CaseIterable {
    case opened
    /// A step of ``TicketStep``; the word of the event is the step's.
    case started = "start"
    case replied = "reply"
    case message
    case waitsForCustomer = "wait_for_customer"
    case waitsForThirdParty = "wait_for_third_party"
    case resumed = "resume"
    case resolved = "resolve"
    case closed = "close"
    case reopened = "reopen"
    /// A promise beside the answers was kept: somebody was on site, a quote was made.
    case fulfilled
    case assigned
    /// Something was asked for, given or refused (K-08).
    case grantAsked = "grant_asked"
    case granted
    case grantRejected = "grant_rejected"
    /// Delivered work is to be accepted, was accepted, or was not (K-09).
    case acceptanceAsked = "acceptance_asked"
    case accepted
    case acceptanceRejected = "acceptance_rejected"
    /// Tier, kind, urgency or the standards changed, and with them what is promised.
    case retargeted
    /// The customer became part of another, or stands by itself again.
    case moved
    case linked
    /// Another ticket became part of this one, or this one of another.
    case merged
    /// A step of the ladder before the deadline, at it, and after it.
    case warned, breached, escalated
    /// What was recorded as missed had been done in time; it became known late.
    case corrected
  }

  public var kind: Kind
  /// When it happened: of a warning or breach the moment itself, however late it was noticed.
  public var at: Instant
  public var actor: TicketActor
  public var before: TicketState
  public var after: TicketState
  /// The clock it is about.
  public var clock: ServiceClock?
  /// The step of the ladder that was reached.
  public var step: LadderStep?
  /// Words that belong to it: the message, the tier before and after, the ticket it was merged with.
  public var text: String

  public init(
    _ kind: Kind, at: Instant, by actor: TicketActor, before: TicketState, after: TicketState, clock: ServiceClock? = nil, step: LadderStep? = nil,
    text: String = ""
  ) {
    self.kind = kind
    self.at = at
    self.actor = actor
    self.before = before
    self.after = after
    self.clock = clock
    self.step = step
    self.text = text
  }
}

extension TicketStep {
  var eventKind: TicketEvent.Kind {
    switch self {
    case .start: .started
    case .reply: .replied
    case .message: .message
    case .waitForCustomer: .waitsForCustomer
    case .waitForThirdParty: .waitsForThirdParty
    case .resume: .resumed
    case .resolve: .resolved
    case .close: .closed
    case .reopen: .reopened
    }
  }
}

/// Why a step is not taken.
public enum TicketRefusal: Error, Hashable, Sendable {
  /// The state does not allow it.
  case notPossible(TicketStep, in: TicketState)
  /// It would have happened before what was done last.
  case tooEarly(last: Instant)
  case codeMissing
  /// Faults and complaints need one (K-09).
  case rootCauseMissing
  case noSuchClock(ServiceClock)
  case isMerged(into: TicketID)
  /// Its work is to be accepted first (K-09).
  case notAccepted
  case nothingToAccept
}
