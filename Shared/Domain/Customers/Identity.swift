// What is kept of every identifier, and of which identifiers events named together: the facts that customers are worked out from (P-01 to P-03).
// All of it is joined so that the order of events does not matter: the earliest moment, the best link, once verified always verified.

/// One identifier that was seen, and the customer it belongs to.
public struct Identity: Hashable, Sendable {
  public let key: IdentityKey
  public let kind: IdentifierKind
  public let value: String
  public var customer: CustomerID
  /// Whether it may merge: once verified, always.
  public var isStrong: Bool
  /// The earliest moment an event named it: the older customer survives a merge (P-02).
  public var firstSeenAt: Instant
  /// Of events that named it as a weak one: the identity it follows as long as it is weak, and since when.
  public var link: Link?
  /// The distinct identities it was named after by events, up to one more than allowed: more make it shared (P-03).
  public var partners: [CustomerID]

  public struct Link: Hashable, Sendable {
    public var identity: CustomerID
    /// The event that made the link named the other as a weak one, too.
    public var isWeak: Bool
    public var at: Instant
    public init(identity: CustomerID, isWeak: Bool, at: Instant) {
      self.identity = identity
      self.isWeak = isWeak
      self.at = at
    }
    func isBetter(than other: Link) -> Bool {
      if isWeak != other.isWeak { return !isWeak }
      if at != other.at { return at < other.at }
      return identity < other.identity
    }
  }

  public init(
    key: IdentityKey, kind: IdentifierKind, value: String, customer: CustomerID? = nil, isStrong: Bool, firstSeenAt: Instant,
    link: Link? = nil, partners: [CustomerID] = []
  ) {
    self.key = key
    self.kind = kind
    self.value = value
    self.customer = customer ?? key.identityID
    self.isStrong = isStrong
    self.firstSeenAt = firstSeenAt
    self.link = link
    self.partners = partners
  }

  public var id: CustomerID { key.identityID }

  /// An identifier named beside more than this many others is a shop's own phone, not a person's (P-03).
  public static let partnersMax = 5
  public var isShared: Bool { partners.count > Identity.partnersMax }
}

/// Identifiers of one event, with their keys.
public struct Sighting: Sendable {
  public struct Named: Sendable {
    public let key: IdentityKey
    public let identifier: Identifier
    public init(key: IdentityKey, identifier: Identifier) {
      self.key = key
      self.identifier = identifier
    }
  }
  /// The home first (see ``OrderEvent/identifiers``).
  public let named: [Named]
  public let at: Instant
  public let eventID: String

  public init(named: [Named], at: Instant, eventID: String) {
    self.named = named
    self.at = at
    self.eventID = eventID
  }
}

/// The two identifiers of a bond.
public struct IdentityPair: Hashable, Sendable, Comparable {
  /// The one that was named beside the other.
  public let other: IdentityKey
  /// The strongest of the event, by which the other is counted.
  public let leader: IdentityKey

  public init(other: IdentityKey, leader: IdentityKey) {
    self.other = other
    self.leader = leader
  }
  public static func < (left: IdentityPair, right: IdentityPair) -> Bool {
    left.other != right.other ? left.other < right.other : left.leader < right.leader
  }
}

/// Two strong identifiers that an event named together: the evidence that they are one person's.
public struct Bond: Hashable, Sendable {
  public let pair: IdentityPair
  /// The earliest event that named both.
  public var at: Instant
  public var evidence: String
  /// Every event that named both named more identifiers than one event may merge (P-03).
  public var isBeyond: Bool
  /// Why the two are not one customer although they were named together; nil where they are.
  public var stopped: MergeGuard?

  public init(pair: IdentityPair, at: Instant, evidence: String, isBeyond: Bool = false, stopped: MergeGuard? = nil) {
    self.pair = pair
    self.at = at
    self.evidence = evidence
    self.isBeyond = isBeyond
    self.stopped = stopped
  }

  /// What two events say of the same pair. False when nothing became different.
  mutating func join(_ more: Bond) -> Bool {
    let before = self
    if (more.at, more.evidence) < (at, evidence) { (at, evidence) = (more.at, more.evidence) }
    isBeyond = isBeyond && more.isBeyond
    return self != before
  }
}

/// Why two customers were not merged (P-03).
public enum MergeGuard: String, Hashable, Sendable, CaseIterable {
  case sharedIdentifier = "shared_identifier"
  case differentNationalIDs = "different_national_ids"
  case tooManyValues = "too_many_values"
  case tooManyCustomers = "too_many_customers"
  /// One of the two names nobody (the list of junk values was extended after it was seen).
  case junk = "junk"
  /// An operator decided so.
  case keptApart = "kept_apart"

  /// Whether a person may have to decide.
  public var needsReview: Bool { self != .keptApart && self != .junk }
}

/// What an operator decided about who is who. A fact with a moment, like an event: it holds for everything that comes later or again.
public struct IdentityDecision: Hashable, Sendable {
  public enum Kind: String, Hashable, Sendable, CaseIterable {
    /// No identity of one side is ever in one customer with one of the other side.
    case apart
    /// The first identities of both sides are one person's, whatever the guards say.
    case together
  }
  public let id: Int64
  public let kind: Kind
  public let at: Instant
  public let left: [IdentityKey]
  public let right: [IdentityKey]

  public init(id: Int64, kind: Kind, at: Instant, left: [IdentityKey], right: [IdentityKey]) {
    self.id = id
    self.kind = kind
    self.at = at
    self.left = left
    self.right = right
  }

  /// Of two that contradict each other the later one counts.
  func isNewer(than other: IdentityDecision) -> Bool { (at, id) > (other.at, other.id) }

  /// The evidence of a merge that an operator made.
  public var evidence: String { "decision:\(id)" }
}

/// Two customers became one (P-02).
public struct MergeRecord: Hashable, Sendable {
  public let survivor: CustomerID
  public let absorbed: CustomerID
  /// The event that named both, or the decision.
  public let evidence: String
  public let at: Instant
  /// The identities that were the survivor's and the absorbed one's until then: what an undo divides by.
  public let survivorMembers: [IdentityKey]
  public let absorbedMembers: [IdentityKey]

  public init(
    survivor: CustomerID, absorbed: CustomerID, evidence: String, at: Instant, survivorMembers: [IdentityKey] = [], absorbedMembers: [IdentityKey] = []
  ) {
    self.survivor = survivor
    self.absorbed = absorbed
    self.evidence = evidence
    self.at = at
    self.survivorMembers = survivorMembers
    self.absorbedMembers = absorbedMembers
  }
}
