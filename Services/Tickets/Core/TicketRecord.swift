// A ticket as the service keeps it, and the port to its tables.
public import Domain
public import Handling

/// Where a ticket came from; never changes.
public struct TicketOrigin: Hashable, Sendable {
  public var channel: String
  public var source: String
  /// The source's conversation: contacts with the same one belong to the same ticket.
  public var reference: String
  public var orderID: String?
  public var text: String
  public var attachments: [ContactEvent.Attachment]

  public init(
    channel: String = "", source: String = "", reference: String = "", orderID: String? = nil, text: String = "",
    attachments: [ContactEvent.Attachment] = []
  ) {
    self.channel = channel
    self.source = source
    self.reference = reference
    self.orderID = orderID
    self.text = text
    self.attachments = attachments
  }
}

public struct TicketRecord: Hashable, Sendable {
  public var ticket: Ticket
  /// Grows by one with every change that others may see.
  public var version: Int64
  /// The identity that the ticket follows, and the customer it belongs to now.
  public let identity: CustomerID
  public var customer: CustomerID
  public let origin: TicketOrigin
  /// Who works on it; empty: nobody yet.
  public var owner: String
  /// In whose queue it lies, or lay when it was resolved; empty: it is from before there were teams, or its owner is in none.
  public var team: String
  /// Lines of its history so far.
  public var events: Int
  /// Who wrote the row that this was read from.
  public var writtenBy = RowWriter()

  public var id: TicketID { ticket.id }
  public var place: Placement { Placement(owner: owner, team: team) }

  public init(
    ticket: Ticket, version: Int64, identity: CustomerID, customer: CustomerID, origin: TicketOrigin, owner: String = "", team: String = "",
    events: Int = 0, writtenBy: RowWriter = RowWriter()
  ) {
    self.ticket = ticket
    self.version = version
    self.identity = identity
    self.customer = customer
    self.origin = origin
    self.owner = owner
    self.team = team
    self.events = events
    self.writtenBy = writtenBy
  }
}

/// The tier of a customer, as its newest snapshot says, and who looks after it.
public struct KnownTier: Hashable, Sendable {
  public var customer: CustomerID
  /// 0: none came yet.
  public var version: Int64
  public var tier: TierID?
  public var before: TierID?
  public var since: Instant?
  /// Who looks after the customer by name; empty: nobody yet.
  public var attendant: String
  /// How often that was decided.
  public var attendantVersion: Int32

  public init(
    customer: CustomerID, version: Int64 = 0, tier: TierID? = nil, before: TierID? = nil, since: Instant? = nil, attendant: String = "",
    attendantVersion: Int32 = 0
  ) {
    self.customer = customer
    self.attendant = attendant
    self.attendantVersion = attendantVersion
    self.version = version
    self.tier = tier
    self.before = before
    self.since = since
  }

  /// The tier that the customer had at a moment, as far as is known.
  func tier(at moment: Instant) -> TierID? {
    if let since, moment < since, let before { return before }
    return tier
  }
}

/// Somebody begins to look after a customer.
public struct NewAttendant: Hashable, Sendable {
  public let customer: CustomerID
  /// 1 for the first of a customer.
  public let version: Int32
  public let person: String
  public let actor: TicketActor

  public init(customer: CustomerID, version: Int32, person: String, actor: TicketActor) {
    self.customer = customer
    self.version = version
    self.person = person
    self.actor = actor
  }
}

/// All that one transaction changes.
public struct TicketChanges: Sendable {
  public var opened: [TicketRecord] = []
  public var changed: [TicketRecord] = []
  /// In the order in which they happened to each ticket.
  public var events: [(ticket: TicketID, event: TicketEvent)] = []
  public var contacts: [(contact: Int64, ticket: TicketID)] = []
  public var tiers: [KnownTier] = []
  public var attendants: [NewAttendant] = []
  public var grants: [Grant] = []

  public init() {}

  public var isEmpty: Bool {
    opened.isEmpty && changed.isEmpty && contacts.isEmpty && tiers.isEmpty && attendants.isEmpty && grants.isEmpty
  }
}

/// This service's tables. Rows are locked in the order identities, customers, tickets, each by number, then what everybody has to do, by name: so no two
/// transactions wait for each other.
public protocol TicketStore {
  /// The owners of these identities, locked. One that is not known is noted as given.
  mutating func owners(noting believed: [IdentityOwner]) throws -> [IdentityOwner]
  /// Takes in what is newer than what is known; returns those that were.
  mutating func move(_ moves: [IdentityOwner]) throws -> [IdentityOwner]
  /// The tiers of these customers, locked; each is there afterwards.
  mutating func lockTiers(of customers: [CustomerID]) throws -> [KnownTier]
  /// Which of these contacts were taken before.
  mutating func known(_ contacts: [Int64]) throws -> Set<Int64>
  /// The tickets of these customers that are not closed, locked.
  mutating func unclosed(of customers: [CustomerID]) throws -> [TicketRecord]
  /// Every ticket that follows one of these identities, locked.
  mutating func tickets(following identities: [CustomerID]) throws -> [TicketRecord]
  /// These tickets, locked.
  mutating func lock(_ tickets: [TicketID]) throws -> [TicketRecord]
  /// What everybody has to do and who is away, locked until the transaction ends: choices of one moment are made one after another, and nobody becomes
  /// absent unseen.
  mutating func lockStaff(on today: Day) throws -> StaffSituation
  /// What was given for a ticket ever, and to a customer from a moment until before another, over all tickets that are the customer's now. Both are
  /// locked.
  mutating func given(for ticket: TicketID, to customer: CustomerID, from start: Instant, until end: Instant) throws -> GivenBefore
  mutating func write(_ changes: TicketChanges, _ rules: TicketRules) throws
}
