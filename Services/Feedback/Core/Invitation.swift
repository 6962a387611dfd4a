// An invitation to a survey (F-02, F-03): whom it asks what and why, how far the customer came with it, and when its link no longer works.
public import Domain

/// Sixteen hexadecimal digits, as shown to people. It says nothing of the customer.
public struct InvitationID: Hashable, Sendable, Comparable, CustomStringConvertible {
  public let number: Int64

  public init(number: Int64) { self.number = number }

  public init?(_ text: String) {
    guard let id = CustomerID(text) else { return nil }
    number = id.number
  }

  public var description: String { CustomerID(number: number).description }
  public static func < (left: InvitationID, right: InvitationID) -> Bool { left.number < right.number }
}

/// Why a customer is asked.
public struct InvitationCause: Hashable, Sendable {
  public enum Kind: String, Hashable, Sendable, CaseIterable {
    /// Somebody chose the customer.
    case hand
    case ticket, delivery, schedule, lifecycle
    /// Somebody got back to the customer because of an answer, and the matter is resolved (F-05).
    case recovery
  }

  public let kind: Kind
  /// In words, for people; empty where the kind says it all.
  public let reason: String
  /// Of the same survey, customer and kind there is one invitation for one reference.
  public let reference: String

  public init(_ kind: Kind, reason: String = "", reference: String) {
    self.kind = kind
    self.reason = reason
    self.reference = reference
  }
}

/// What the score is about, besides the business as a whole; empty where it is about nothing else.
public struct InvitationSubject: Hashable, Sendable {
  public var ticketID: String?
  public var orderID: String?
  public var item: String

  public init(ticketID: String? = nil, orderID: String? = nil, item: String = "") {
    self.ticketID = ticketID
    self.orderID = orderID
    self.item = item
  }
}

/// When something of an invitation is to be sent that nobody made by hand.
public struct InvitationPlan: Hashable, Sendable {
  public let at: Instant
  /// When it could not be sent until then, it is dropped.
  public let notAfter: Instant

  public init(at: Instant, notAfter: Instant) {
    self.at = at
    self.notAfter = notAfter
  }
}

/// Why a planned invitation is not sent at all.
public enum DropReason: String, Hashable, Sendable, CaseIterable {
  /// The customer wants no surveys.
  case optedOut = "opted_out"
  /// The customer is in another tier by now, which is not asked this.
  case tier
  /// The ticket that it is about was opened again, or became part of another.
  case reopened
  /// The budget did not allow it in its time.
  case budget
  /// The step of the customer's life that it is about lies elsewhere, as is known by now, or nobody is asked at it any more.
  case step
  /// The customer was asked at this step before it became one with another.
  case asked

  public var name: LocalizedName {
    switch self {
    case .optedOut: LocalizedName(en: "the customer wants no surveys", zh: "客户不愿接收问卷")
    case .tier: LocalizedName(en: "the customer is in another tier by now", zh: "客户等级已变化")
    case .reopened: LocalizedName(en: "the ticket was opened again", zh: "工单已重新打开")
    case .budget: LocalizedName(en: "the budget did not allow it in its time", zh: "期限内触达额度不足")
    case .step: LocalizedName(en: "the step that it is about lies elsewhere by now", zh: "所属的客户历程节点已变化")
    case .asked: LocalizedName(en: "asked at this step already, before two customers became one", zh: "客户合并前已在该节点询问过")
    }
  }
}

public struct Invitation: Hashable, Sendable {
  public enum State: String, Hashable, Sendable, CaseIterable {
    /// Not sent yet.
    case planned
    /// It is not going to be sent.
    case dropped
    case sent
    /// It was sent, and did not arrive.
    case undelivered
    /// The page was looked at.
    case opened
    /// There is a score; the rest may follow.
    case begun
    case answered
    /// Its time is over, and there is no answer.
    case expired
  }

  public let id: InvitationID
  public let survey: SurveyReference
  public let metric: AnswerEvent.Metric
  /// It follows this identity, whomever that belongs to.
  public let identity: CustomerID
  public var customer: CustomerID
  /// The customer's tier when it was made; nil: none was known.
  public let tier: TierID?
  public let cause: InvitationCause
  public let subject: InvitationSubject
  /// How the customer is asked, as email; empty: that is not known.
  public let channel: String
  /// nil: as the customer's browser prefers.
  public let language: Language?
  /// Who made it.
  public let actor: String
  public let createdAt: Instant
  public var sentAt: Instant?
  /// Counted from when it was sent, once it was.
  public var expiresAt: Instant
  /// nil: it was made by hand, and nobody waits for it to be sent.
  public let plan: InvitationPlan?
  public let purpose: Survey.Purpose
  /// How often it was put off, and why last.
  public var holds = 0
  public var held: HoldReason?
  public var droppedAt: Instant?
  public var dropped: DropReason?
  /// When the customer was reminded.
  public var remindedAt: Instant?
  /// When whoever sends was told that it is wanted no longer.
  public var withdrawnAt: Instant?
  /// What is known of bringing it to the customer; nil: nothing, as of those that were made by hand.
  public var delivery: InvitationDelivery?
  public var openedAt: Instant?
  public var draft: SurveyDraft
  /// When the score was given first, and when something was said last.
  public var scoredAt: Instant?
  public var saidAt: Instant?
  public var answeredAt: Instant?

  public init(
    id: InvitationID, survey: SurveyReference, metric: AnswerEvent.Metric, identity: CustomerID, customer: CustomerID, tier: TierID?, cause: InvitationCause,
    subject: InvitationSubject = InvitationSubject(), channel: String = "", language: Language? = nil, actor: String, createdAt: Instant, expiresAt: Instant,
    plan: InvitationPlan? = nil, purpose: Survey.Purpose = .research
  ) {
    self.id = id
    self.survey = survey
    self.metric = metric
    self.identity = identity
    self.customer = customer
    self.tier = tier
    self.cause = cause
    self.subject = subject
    self.channel = channel
    self.language = language
    self.actor = actor
    self.createdAt = createdAt
    self.expiresAt = expiresAt
    self.plan = plan
    self.purpose = purpose
    draft = SurveyDraft()
  }

  public func state(at now: Instant) -> State {
    if answeredAt != nil { return .answered }
    if draft.score != nil { return .begun }
    if droppedAt != nil { return .dropped }
    if sentAt == nil, plan != nil { return .planned }
    if openedAt == nil, delivery?.hasFailed == true { return .undelivered }
    if now >= expiresAt { return .expired }
    if openedAt != nil { return .opened }
    return sentAt == nil ? .planned : .sent
  }

  // MARK: - What the customer does

  /// Why the page takes nothing any more.
  public enum Closed: Error, Hashable, Sendable { case answered, expired }

  /// Nil while something can be said.
  public func closed(at now: Instant) -> Closed? {
    if answeredAt != nil { return .answered }
    return now >= expiresAt ? .expired : nil
  }

  /// Customers who say nothing more for so long have said what they wanted to: what there is counts.
  public static let idleSeconds: Int64 = 1_800

  /// When what was said so far is an answer, whether or not more could follow; nil while there is no score.
  public var countsAt: Instant? {
    if let answeredAt { return answeredAt }
    return draft.score == nil ? nil : saidAt?.adding(seconds: Invitation.idleSeconds)
  }

  /// Takes a score of the survey's scale, and the answer as a whole where nothing else is asked.
  public mutating func give(_ score: Int64, in survey: Survey, at now: Instant) throws(Closed) {
    try say(in: survey, at: now) { $0.give(score) }
  }

  /// Takes what was said to some questions.
  public mutating func take(_ step: SurveyStep, _ said: [String: String], in survey: Survey, at now: Instant) throws(Closed) {
    try say(in: survey, at: now) { $0.take(step, said) }
  }

  private mutating func say(in survey: Survey, at now: Instant, _ change: (inout SurveyDraft) -> Void) throws(Closed) {
    if let closed = closed(at: now) { throw closed }
    openedAt = openedAt ?? now
    change(&draft)
    guard draft.score != nil else { return }
    scoredAt = scoredAt ?? now
    saidAt = now
    if draft.next(in: survey) == nil { answeredAt = now }
  }

  /// As an event it comes from here; its id is the invitation's, so that it counts once however often it is told.
  public static let source = "survey-link"

  /// What was said, as any answer from anywhere; nil while there is no score.
  public func answer(to survey: Survey) -> AnswerEvent? {
    guard let score = draft.score, let scoredAt else { return nil }
    return AnswerEvent(
      source: Invitation.source, eventID: id.description, occurredAt: scoredAt, survey: self.survey.name, surveyVersion: Int64(self.survey.version),
      metric: metric, score: score, comment: draft.comment, channel: channel, ticketID: subject.ticketID, orderID: subject.orderID, item: subject.item,
      followUps: draft.followUps(in: survey), identifiers: [])
  }
}
