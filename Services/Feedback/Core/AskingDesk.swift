// Who is asked by itself, when and what (F-02): after tickets, by schedule, again after a fix, at steps; and what of it the budget lets through.
public import Contracts
public import Domain
import Handling
import Hashing

/// By what customers are asked.
public struct Asking: Sendable {
  public let rules: AskingRules
  public let surveys: SurveyBook
  public let zone: BusinessZone

  public init(rules: AskingRules, surveys: SurveyBook, zone: BusinessZone) {
    self.rules = rules
    self.surveys = surveys
    self.zone = zone
  }
}

/// An invitation that was put off, kept for ever.
public struct InvitationHold: Hashable, Sendable {
  public let invitation: InvitationID
  public let at: Instant
  public let reason: HoldReason
  public let until: Instant

  public init(invitation: InvitationID, at: Instant, reason: HoldReason, until: Instant) {
    self.invitation = invitation
    self.at = at
    self.reason = reason
    self.until = until
  }
}

/// The tables, as asking by itself needs them.
public protocol AskingStore: StepStore {
  /// As they stand, without a lock.
  mutating func peek(_ invitations: [InvitationID]) throws -> [Invitation]
  /// Planned ones about these tickets, neither sent nor dropped, locked by number.
  mutating func lockPlanned(aboutTickets tickets: [String]) throws -> [Invitation]
  /// Those that went to whoever sends them, were not called back and are not over, locked by number.
  mutating func lockSent(to customers: [CustomerID], at now: Instant) throws -> [Invitation]
  mutating func note(_ holds: [InvitationHold]) throws
  /// Lets the lane of due work send these at their moments.
  mutating func send(_ invitations: [Invitation]) throws
  /// These were no contacts after all.
  mutating func forgetContacts(_ invitations: [InvitationID]) throws
  /// Lets it remind whoever has not answered by then.
  mutating func remind(_ invitations: [InvitationID], at: Instant) throws
}

public enum AskingDesk {
  public static let actor = "clientele"

  /// What is to be told to whoever sends.
  public struct Send: Hashable, Sendable {
    public let invitation: Invitation
    public let survey: Survey
    public let isReminder: Bool
  }

  public struct Outcome: Sendable {
    public var sends: [Send] = []
    public var held = 0
    public var dropped = 0
    /// What is tried again, and when.
    public var again: [InvitationID: Instant] = [:]
  }

  // MARK: - Planning

  /// Plans what follows from tickets that were resolved; of those that were opened again, nothing is sent.
  public static func tickets(_ snapshots: [TicketSnapshot], _ store: inout some AskingStore, _ asking: Asking, at now: Instant) throws {
    let newest = Dictionary(snapshots.map { ($0.ticket, $0) }) { $0.version >= $1.version ? $0 : $1 }.values.sorted { $0.ticket < $1.ticket }
    let orders = newest.compactMap { order(for: $0, asking, at: now) }
    // Customers before invitations: so everybody locks them.
    if !orders.isEmpty { try plan(orders, try Held(orders.flatMap(\.customers), &store, at: now), &store, at: now) }
    let undone = newest.filter { $0.mergedInto != nil || $0.state.isOpen }.map(\.ticket.description)
    if !undone.isEmpty { try store.update(try store.lockPlanned(aboutTickets: undone).map { $0.dropping(.reopened, at: now) }) }
  }

  /// nil: nobody is asked, or it is history.
  private static func order(for ticket: TicketSnapshot, _ asking: Asking, at now: Instant) -> InvitationOrder? {
    guard ticket.mergedInto == nil, !ticket.state.isOpen, let resolved = ticket.resolvedAt else { return nil }
    func order(_ survey: Survey, _ kind: InvitationCause.Kind, _ purpose: Survey.Purpose, hours: Int, days: Int) -> InvitationOrder? {
      let at = resolved.adding(seconds: Int64(hours) * 3_600)
      let plan = InvitationPlan(at: at, notAfter: at.adding(seconds: Int64(days) * 86_400))
      guard plan.notAfter > now else { return nil }
      return InvitationOrder(
        survey, to: [ticket.customer], because: InvitationCause(kind, reference: "\(ticket.ticket)/\(ticket.timesReopened)"),
        about: InvitationSubject(ticketID: ticket.ticket.description, orderID: ticket.orderID), channel: ticket.channel, by: actor, isSent: false, plan: plan,
        purpose: purpose)
    }
    // The ticket of an unfavourable answer bears the survey's name as its category (F-05).
    if ticket.subject.kind == .complaint, let again = asking.rules.again, let survey = asking.surveys.current(named: ticket.subject.category) {
      return order(survey, .recovery, .recovery, hours: again.delayHours, days: again.windowDays)
    }
    guard let trigger = asking.rules.trigger(for: ticket.subject.kind), let survey = asking.surveys.current(named: trigger.survey) else { return nil }
    let isDelivery = ticket.subject.kind == .delivery || ticket.subject.kind == .tailoredNeed
    return order(survey, isDelivery ? .delivery : .ticket, survey.purpose, hours: trigger.delayHours, days: trigger.windowDays)
  }

  /// Takes in tiers, and plans what follows from those that are new.
  public static func rated(_ snapshots: [TierSnapshot], _ store: inout some AskingStore, _ asking: Asking, at now: Instant) throws {
    let held = try Held(snapshots.map(\.customer), &store, at: now)
    try schedule(try FeedbackBatch.rated(snapshots, &store), held, &store, asking, at: now)
  }

  /// Plans the next question of customers whose tier has a schedule: in this period, or in the next one when its day is over or it is done with, so that
  /// something is planned for each of them.
  ///
  /// - Parameter former: a period that is done with.
  private static func schedule(
    _ tiers: [KnownTier], _ held: Held, _ store: inout some AskingStore, _ asking: Asking, after former: Day? = nil, at now: Instant
  ) throws {
    let held = held.with(tiers)
    try plan(try tiers.compactMap { try order(for: $0, asking, after: former, at: now) }, held, &store, at: now)
    // Who left the tier in this period and is back has been asked, or dropped, in it.
    let scheduled = tiers.filter { asking.rules.schedule(for: $0.tier) != nil }
    let planned = Set(try store.planned(of: scheduled.map(\.customer)).filter { $0.cause == .schedule }.map(\.customer))
    let today = asking.zone.day(of: now)
    try plan(
      try scheduled.filter { !planned.contains($0.customer) }.compactMap { known in
        let period = asking.rules.schedule(for: known.tier)?.period(of: today)
        return try order(for: known, asking, after: max(period ?? today, former ?? period ?? today), at: now)
      }, held, &store, at: now)
  }

  /// Between nine and seven o'clock.
  private static let (hourFirst, hours): (Int64, UInt64) = (9, 10)

  static func moment(on day: Day, draw: UInt64, in zone: BusinessZone) -> Instant {
    zone.startOfDay(day).adding(seconds: (hourFirst * 3_600) + Int64(draw % (hours * 3_600)))
  }

  private static func order(for known: KnownTier, _ asking: Asking, after former: Day?, at now: Instant) throws -> InvitationOrder? {
    guard let schedule = asking.rules.schedule(for: known.tier), let survey = asking.surveys.current(named: schedule.survey) else { return nil }
    func moment(in period: Day) throws -> Instant {
      let draw = try Hasher256().digest(texts: [schedule.id, known.customer.description, period.description])
      return AskingDesk.moment(on: schedule.day(in: period, draw: draw.high), draw: draw.low, in: asking.zone)
    }
    var period = schedule.period(of: asking.zone.day(of: now))
    if let former, period <= former { period = schedule.next(after: period) }
    var at = try moment(in: period)
    if at < now {
      period = schedule.next(after: period)
      at = try moment(in: period)
    }
    let plan = InvitationPlan(at: at, notAfter: at.adding(seconds: Int64(schedule.windowDays) * 86_400))
    return InvitationOrder(
      survey, to: [known.customer], because: InvitationCause(.schedule, reason: schedule.id, reference: "\(schedule.id) \(period)"), by: actor, isSent: false,
      plan: plan)
  }

  /// Customers, and whose they are by now, locked: identities first, then all customers in one go, as everybody locks them.
  struct Held {
    /// By the number that a customer was named by.
    let owners: [CustomerID: CustomerID]
    private(set) var tiers: [CustomerID: KnownTier]

    init(_ customers: [CustomerID], _ store: inout some AskingStore, at now: Instant) throws {
      let asked = Set(customers).sorted()
      let found = try store.owners(noting: asked.map { IdentityOwner(identity: $0, customer: $0, version: 0, since: now) })
      owners = Dictionary(found.map { ($0.identity, $0.customer) }) { first, _ in first }
      let locked = try store.lockTiers(of: Set(asked).union(owners.values).sorted())
      tiers = Dictionary(locked.map { ($0.customer, $0) }) { first, _ in first }
    }

    /// With what is known newer of some of them.
    func with(_ known: [KnownTier]) -> Held {
      var held = self
      for tier in known { held.tiers[tier.customer] = tier }
      return held
    }
  }

  static func plan(_ orders: [InvitationOrder], _ held: Held, _ store: inout some AskingStore, at now: Instant) throws {
    guard !orders.isEmpty else { return }
    let made = try orders.flatMap { order in
      try order.customers.compactMap { identity in
        try held.owners[identity].map {
          try InvitationDesk.invitation(order, identity: identity, customer: $0, tier: held.tiers[$0]?.tier(at: now), at: now)
        }
      }
    }
    let unique = Dictionary(made.map { ($0.id, $0) }) { first, _ in first }.values.sorted { $0.id < $1.id }
    let new = try store.insert(unique)
    try store.send(unique.filter { new.contains($0.id) })
  }

  // MARK: - Sending

  /// A try that something but time may turn out otherwise is made again after so long.
  static let retrySeconds: Int64 = 86_400
  /// The customer of an invitation changed while it was looked up.
  static let movedSeconds: Int64 = 1

  /// Sends what is due, as far as the budget allows; what it does not is put off with its reason, or dropped when its time is over.
  public static func send(_ ids: [InvitationID], _ store: inout some AskingStore, _ asking: Asking, at now: Instant) throws -> Outcome {
    let held = try Held(try store.peek(ids).map(\.customer), &store, at: now)
    let customers = held.tiers.keys.sorted()
    var sending = Sending(asking, now, try StepCheck(customers, &store, asking, at: now))
    let due = try store.lock(ids.sorted())
    sending.past = try store.contacts(of: customers, since: now.adding(seconds: -ContactBudget.yearSeconds))
    sending.planned = Dictionary(grouping: try store.planned(of: customers), by: \.customer)
    sending.optedOut = try store.optedOut(customers)
    let ranks = Dictionary(asking.rules.budget.priority.enumerated().map { ($0.element, $0.offset) }) { first, _ in first }
    // The most important first: what it uses up is not there for the others.
    for invitation in due.sorted(by: { (ranks[$0.purpose] ?? 0, $0.id) < (ranks[$1.purpose] ?? 0, $1.id) }) {
      if let known = held.tiers[invitation.customer] {
        try sending.decide(invitation, known)
      } else {
        sending.outcome.again[invitation.id] = now.adding(seconds: movedSeconds)
      }
    }
    try store.update(sending.changed.sorted { $0.id < $1.id })
    try store.noteContacts(sending.outcome.sends.map(\.invitation).sorted { $0.id < $1.id }, at: now)
    try store.note(sending.holds)
    if asking.rules.reminderDays > 0, !sending.outcome.sends.isEmpty {
      try store.remind(sending.outcome.sends.map(\.invitation.id).sorted(), at: now.adding(seconds: Int64(asking.rules.reminderDays) * 86_400))
    }
    // Whoever is on a schedule always has something planned.
    for invitation in sending.changed where invitation.cause.kind == .schedule && (invitation.sentAt ?? invitation.droppedAt) == now {
      guard let known = held.tiers[invitation.customer], let plan = invitation.plan, let schedule = asking.rules.schedule(for: known.tier) else { continue }
      try self.schedule([known], held, &store, asking, after: schedule.period(of: asking.zone.day(of: plan.at)), at: now)
    }
    return sending.outcome
  }

  private struct Sending {
    let asking: Asking
    let now: Instant
    var past: [CustomerID: [PastContact]] = [:]
    var planned: [CustomerID: [PlannedContact]] = [:]
    var optedOut: Set<CustomerID> = []
    var steps: StepCheck
    var changed: [Invitation] = []
    var holds: [InvitationHold] = []
    var outcome = Outcome()

    init(_ asking: Asking, _ now: Instant, _ steps: StepCheck) {
      self.asking = asking
      self.now = now
      self.steps = steps
    }

    mutating func decide(_ invitation: Invitation, _ known: KnownTier) throws {
      guard invitation.sentAt == nil, invitation.droppedAt == nil, let plan = invitation.plan else { return }
      guard let survey = asking.surveys[invitation.survey] else {
        outcome.again[invitation.id] = now.adding(seconds: InvitationDesk.newSurveySeconds)
        return
      }
      if optedOut.contains(invitation.customer) { return drop(invitation, .optedOut) }
      if invitation.cause.kind == .schedule, asking.rules.schedule(for: known.tier)?.id != invitation.cause.reason { return drop(invitation, .tier) }
      if let reason = try steps.reason(against: invitation) { return drop(invitation, reason) }
      if now > plan.notAfter { return drop(invitation, .budget) }
      let others = (planned[invitation.customer] ?? []).filter { $0.invitation != invitation.id }.map(\.contact)
      switch asking.rules.budget.verdict(for: invitation.purpose, at: now, past: past[invitation.customer] ?? [], planned: others) {
      case .granted: send(invitation, survey)
      case .held(let reason, let until): hold(invitation, plan, reason, until)
      }
    }

    private mutating func send(_ invitation: Invitation, _ survey: Survey) {
      var invitation = invitation
      invitation.sentAt = now
      invitation.expiresAt = now.adding(seconds: Int64(survey.expiresAfterDays) * 86_400)
      changed.append(invitation)
      outcome.sends.append(Send(invitation: invitation, survey: survey, isReminder: false))
      past[invitation.customer, default: []].append(PastContact(invitation.purpose, at: now))
      steps.noteSent(invitation)
      planned[invitation.customer]?.removeAll { $0.invitation == invitation.id }
    }

    private mutating func hold(_ invitation: Invitation, _ plan: InvitationPlan, _ reason: HoldReason, _ until: Instant) {
      holds.append(InvitationHold(invitation: invitation.id, at: now, reason: reason, until: until))
      var invitation = invitation
      invitation.holds += 1
      invitation.held = reason
      // Time alone decides on these two; what else is planned may change any day.
      let isCertain = reason == .gap || reason == .yearly
      if isCertain, until > plan.notAfter { return drop(invitation, .budget) }
      outcome.held += 1
      changed.append(invitation)
      outcome.again[invitation.id] = isCertain ? until : min(until, now.adding(seconds: AskingDesk.retrySeconds))
    }

    private mutating func drop(_ invitation: Invitation, _ reason: DropReason) {
      outcome.dropped += 1
      changed.append(invitation.dropping(reason, at: now))
      planned[invitation.customer]?.removeAll { $0.invitation == invitation.id }
    }
  }

  // MARK: - Reminding

  /// Reminds those who have neither answered nor said that they want no surveys, once.
  public static func remind(_ ids: [InvitationID], _ store: inout some AskingStore, _ asking: Asking, at now: Instant) throws -> Outcome {
    let customers = Set(try store.peek(ids).map(\.customer)).sorted()
    _ = try store.lockTiers(of: customers)
    let optedOut = try store.optedOut(customers)
    var outcome = Outcome()
    var changed: [Invitation] = []
    for var invitation in try store.lock(ids.sorted()) {
      guard [.sent, .opened].contains(invitation.state(at: now)), invitation.remindedAt == nil, !optedOut.contains(invitation.customer) else { continue }
      guard let survey = asking.surveys[invitation.survey] else {
        outcome.again[invitation.id] = now.adding(seconds: InvitationDesk.newSurveySeconds)
        continue
      }
      invitation.remindedAt = now
      changed.append(invitation)
      outcome.sends.append(Send(invitation: invitation, survey: survey, isReminder: true))
    }
    try store.update(changed)
    return outcome
  }
}

extension Invitation {
  func dropping(_ reason: DropReason, at now: Instant) -> Invitation {
    var invitation = self
    invitation.droppedAt = now
    invitation.dropped = reason
    return invitation
  }
}
