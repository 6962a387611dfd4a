// Making invitations, and turning what was said on their pages into answers, over the tables' port (F-02, F-03).
public import Contracts
public import Domain
import Handling
import Hashing

/// What is asked of several customers at once.
public struct InvitationOrder: Sendable {
  public var survey: Survey
  public var customers: [CustomerID]
  public var cause: InvitationCause
  public var subject: InvitationSubject
  public var channel: String
  public var language: Language?
  public var actor: String
  /// False: somebody else sends them later.
  public var isSent: Bool
  /// When it is sent by itself; nil: it is made by hand.
  public var plan: InvitationPlan?
  /// What it counts as in the budget; the survey's own purpose unless given.
  public var purpose: Survey.Purpose

  public init(
    _ survey: Survey, to customers: [CustomerID], because cause: InvitationCause, about subject: InvitationSubject = InvitationSubject(), channel: String = "",
    in language: Language? = nil, by actor: String, isSent: Bool, plan: InvitationPlan? = nil, purpose: Survey.Purpose? = nil
  ) {
    self.survey = survey
    self.customers = customers
    self.cause = cause
    self.subject = subject
    self.channel = channel
    self.language = language
    self.actor = actor
    self.isSent = isSent
    self.plan = plan
    self.purpose = purpose ?? survey.purpose
  }
}

/// Why a customer is not invited.
public enum InvitationRefusal: String, Hashable, Sendable {
  /// Nothing was ever heard of such a customer.
  case unknown
  /// The customer wants no surveys.
  case optedOut = "opted_out"
  /// Another one of the same order is the same customer.
  case twice
}

public enum InvitationOutcome: Hashable, Sendable {
  case invited(Invitation)
  /// There is one for this reference already; it stays as it is.
  case known(Invitation)
  case refused(InvitationRefusal)
  /// The budget does not allow it before this moment.
  case held(HoldReason, until: Instant)
}

/// The tables of invitations. Rows are locked in the order identities, customers, invitations.
public protocol InvitationStore: FeedbackStore {
  /// Which of these customers anything was ever heard of.
  mutating func known(_ customers: [CustomerID]) throws -> Set<CustomerID>
  /// Which of these customers want no surveys.
  mutating func optedOut(_ customers: [CustomerID]) throws -> Set<CustomerID>
  /// Writes what is new; returns the numbers of those.
  mutating func insert(_ invitations: [Invitation]) throws -> Set<InvitationID>
  /// Those that there are, locked, by number.
  mutating func lock(_ invitations: [InvitationID]) throws -> [Invitation]
  /// Writes how far they came; they are locked.
  mutating func update(_ invitations: [Invitation]) throws
  /// When these customers, who are locked, were asked since a moment.
  mutating func contacts(of customers: [CustomerID], since: Instant) throws -> [CustomerID: [PastContact]]
  /// What is planned for these customers and neither sent nor dropped.
  mutating func planned(of customers: [CustomerID]) throws -> [PlannedContact]
  /// Notes that customers who are locked are asked: one contact for each of these invitations.
  mutating func noteContacts(_ invitations: [Invitation], at now: Instant) throws
  /// Lets what is under way to these customers be called back soon, where they want no surveys.
  mutating func withdraw(from customers: [CustomerID], at now: Instant) throws
  /// From now on this customer, who is locked, gets no invitation; what was said first stays.
  mutating func optOut(_ identity: CustomerID, of customer: CustomerID, by actor: String, because reason: String, at now: Instant) throws
}

/// A planned invitation, as the budget sees it.
public struct PlannedContact: Hashable, Sendable {
  public let invitation: InvitationID
  public let customer: CustomerID
  public let cause: InvitationCause.Kind
  public let contact: PastContact

  public init(invitation: InvitationID, customer: CustomerID, because cause: InvitationCause.Kind, contact: PastContact) {
    self.invitation = invitation
    self.customer = customer
    self.cause = cause
    self.contact = contact
  }
}

public enum InvitationDesk {
  /// Invites each of the customers by hand, in their order, unless something speaks against it.
  public static func invite(
    _ order: InvitationOrder, _ store: inout some InvitationStore, budget: ContactBudget, at now: Instant
  ) throws -> [InvitationOutcome] {
    let known = try store.known(Set(order.customers).sorted())
    // A customer's number is that of one of its identities: the invitation follows it.
    let believed = IdentityOwner.newest(known.map { IdentityOwner(identity: $0, customer: $0, version: 0, since: now) })
    let owners = Dictionary(try store.owners(noting: believed).map { ($0.identity, $0.customer) }) { first, _ in first }
    let tiers = Dictionary(try store.lockTiers(of: Set(owners.values).sorted()).map { ($0.customer, $0) }) { first, _ in first }
    let optedOut = try store.optedOut(Set(owners.values).sorted())
    var (outcomes, made, taken): ([InvitationOutcome], [Int: Invitation], Set<CustomerID>) = ([], [:], [])
    for (place, customer) in order.customers.enumerated() {
      guard let owner = owners[customer] else {
        outcomes.append(.refused(.unknown))
        continue
      }
      guard !optedOut.contains(owner), taken.insert(owner).inserted else {
        outcomes.append(.refused(optedOut.contains(owner) ? .optedOut : .twice))
        continue
      }
      let invitation = try invitation(order, identity: customer, customer: owner, tier: tiers[owner]?.tier(at: now), at: now)
      made[place] = invitation
      outcomes.append(.invited(invitation))
    }
    let standing = Dictionary(try store.lock(made.values.map(\.id).sorted()).map { ($0.id, $0) }) { first, _ in first }
    // Whoever asks a customer holds it: what was asked before is all there.
    let asked = made.values.filter { standing[$0.id] == nil }.map(\.customer).sorted()
    let past = try store.contacts(of: asked, since: now.adding(seconds: -ContactBudget.yearSeconds))
    let planned = Dictionary(grouping: try store.planned(of: asked), by: \.customer)
    for (place, invitation) in made {
      if let former = standing[invitation.id] {
        outcomes[place] = .known(former)
        made[place] = nil
      } else if case .held(let reason, let until) = budget.verdict(
        for: invitation.purpose, at: now, past: past[invitation.customer] ?? [], planned: planned[invitation.customer]?.map(\.contact) ?? [])
      {
        outcomes[place] = .held(reason, until: until)
        made[place] = nil
      }
    }
    let invited = made.values.sorted { $0.id < $1.id }
    _ = try store.insert(invited)
    try store.noteContacts(invited.filter { $0.sentAt != nil }, at: now)
    return outcomes
  }

  /// From now on this customer gets no invitation; false where nothing was ever heard of one.
  public static func optOut(
    _ customer: CustomerID, by actor: String, because reason: String, _ store: some InvitationStore, at now: Instant
  ) throws -> Bool {
    var store = store
    guard try store.known([customer]).contains(customer),
      let owner = try store.owners(noting: [IdentityOwner(identity: customer, customer: customer, version: 0, since: now)]).first?.customer
    else { return false }
    // Whoever is about to invite the customer holds it, and has asked already; all others find this.
    _ = try store.lockTiers(of: [owner])
    try store.optOut(customer, of: owner, by: actor, because: reason, at: now)
    try store.withdraw(from: [owner], at: now)
    return true
  }

  static func invitation(
    _ order: InvitationOrder, identity: CustomerID, customer: CustomerID, tier: TierID?, at now: Instant
  ) throws -> Invitation {
    let (survey, cause) = (order.survey, order.cause)
    let digest = try Hasher256().digest(texts: ["invitation", survey.reference.name, identity.description, cause.kind.rawValue, cause.reference])
    var invitation = Invitation(
      id: InvitationID(number: max(1, Int64(bitPattern: digest.high >> 1))), survey: survey.reference, metric: survey.metric, identity: identity,
      customer: customer, tier: tier, cause: cause, subject: order.subject, channel: order.channel, language: order.language, actor: order.actor,
      createdAt: now, expiresAt: (order.plan?.notAfter ?? now).adding(seconds: Int64(survey.expiresAfterDays) * 86_400), plan: order.plan,
      purpose: order.purpose)
    invitation.sentAt = order.isSent ? now : nil
    return invitation
  }

  /// What a turn of due work made of what was said on pages.
  public struct Settled: Sendable {
    /// Each once.
    public var answers: [CustomerAnswer] = []
    /// Their invitations and reminders that may not have been handed over yet.
    public var withdrawals: [SurveyWithdrawal] = []
    /// Those to which something may still be said, with the moment when what there is counts.
    public var waiting: [InvitationID: Instant] = [:]
  }

  /// While services are renewed one of them may meet a survey that came after it: others know it.
  public static let newSurveySeconds: Int64 = 60

  /// Turns what was said into answers, where it is whole or nobody added to it for a while.
  public static func settle(
    _ ids: [InvitationID], _ store: inout some InvitationStore, surveys: SurveyBook, at now: Instant
  ) throws -> Settled {
    var (settled, changed): (Settled, [Invitation]) = (Settled(), [])
    for var invitation in try store.lock(ids.sorted()) {
      guard let countsAt = invitation.countsAt else { continue }
      guard let survey = surveys[invitation.survey] else {
        settled.waiting[invitation.id] = now.adding(seconds: newSurveySeconds)
        continue
      }
      guard countsAt <= now else {
        settled.waiting[invitation.id] = countsAt
        continue
      }
      let standing = invitation
      invitation.answeredAt = invitation.answeredAt ?? countsAt
      if let withdrawal = invitation.withdraw(because: .answered, at: now) { settled.withdrawals.append(withdrawal) }
      if invitation != standing { changed.append(invitation) }
      guard let answer = invitation.answer(to: survey) else { continue }
      // Whose the identity is profile knows best, and tells it with the answer.
      settled.answers.append(CustomerAnswer(customer: invitation.customer, identity: invitation.identity, version: 1, answer: answer))
    }
    try store.update(changed)
    return settled
  }
}
