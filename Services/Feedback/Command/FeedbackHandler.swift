// Answers, moves, tiers, tickets, profiles and results of sends in: the use cases behind their topics.
import Contracts
import Domain
import FeedbackCore
import FeedbackStore
import Handling
import Hashing
import Kafka
import Messaging
import Telemetry
import Text

/// One record of any of the topics that this service reads.
enum FeedbackItem: Sendable {
  case answer(ReceivedAnswer)
  case move(IdentityMove)
  case tier(TierSnapshot)
  case ticket(TicketSnapshot)
  case profile(ProfileSnapshot)
  case outcome(DeliveryOutcome)
}

struct FeedbackHandler: RecordHandler {
  let comments: CommentRules
  let asking: AskingSource
  /// In which profile sums up what was bought.
  let currency: Currency
  let measures: FeedbackMeasures
  let consumer = "feedback"
  let hasLanes = true

  func read(_ record: borrowing BorrowedRecord, topic: String) -> Reading<FeedbackItem> {
    guard let value = record.value else { return .ignored }
    return FeedbackHandler.read(value, topic: topic, currency: currency)
  }

  static func read(_ value: UnsafeRawBufferPointer, topic: String, currency: Currency) -> Reading<FeedbackItem> {
    do {
      var reader = JSONReader(value)
      switch topic {
      case Topics.customerAnswers.name:
        let content = try CustomerAnswer(reading: &reader)
        return .item(.answer(ReceivedAnswer(number: try number(of: content), content: content)))
      case Topics.moves.name: return .item(.move(try IdentityMove(reading: &reader)))
      case Topics.outcomes.name: return .item(.outcome(try DeliveryOutcome(reading: &reader)))
      case Topics.tickets.name: return .item(.ticket(try TicketSnapshot(reading: &reader)))
      case Topics.profiles.name:
        let snapshot = try ProfileSnapshot(reading: &reader)
        let faults = snapshot.faults(in: currency)
        return faults.isEmpty ? .item(.profile(snapshot)) : .refused(faults)
      default:
        let snapshot = try TierSnapshot(reading: &reader)
        guard TierID(snapshot.tier) != nil else {
          return .refused([Fault(field: "tier", rule: "format", detail: "a tier is small letters, digits and hyphens")])
        }
        return .item(.tier(snapshot))
      }
    } catch { return .refused(because: error) }
  }

  private func send(_ contact: CustomerContact, _ scope: inout BatchScope) {
    scope.send(
      OutgoingMessage(
        topic: Topics.feedbackContacts.name, key: Array(contact.customer.description.utf8), value: JSONWriter.bytes { contact.write(to: &$0) },
        id: contact.eventID, type: EventType.feedbackContact, time: scope.now))
  }

  /// The same for the same answer, whoever reads it and whenever.
  static func number(of content: CustomerAnswer) throws -> Int64 {
    let digest = try Hasher256().digest(texts: ["answer", content.identity.description, content.answer.source, content.answer.eventID])
    return Int64(bitPattern: digest.high >> 1)
  }

  func apply(_ items: [FeedbackItem], _ kept: inout NothingKept, _ scope: inout BatchScope) throws -> [Refusal] {
    var store = PostgresFeedbackStore(scope.session)
    // A partition belongs to one topic: only one of these has anything.
    let answers = items.compactMap { item in if case .answer(let answer) = item { answer } else { nil } }
    let moves = items.compactMap { item in if case .move(let move) = item { move } else { nil } }
    let tiers = items.compactMap { item in if case .tier(let tier) = item { tier } else { nil } }
    let tickets = items.compactMap { item in if case .ticket(let ticket) = item { ticket } else { nil } }
    let profiles = items.compactMap { item in if case .profile(let profile) = item { profile } else { nil } }
    let outcomes = items.compactMap { item in if case .outcome(let outcome) = item { outcome } else { nil } }
    if !answers.isEmpty {
      let outcome = try FeedbackBatch.receive(answers, &store, comments: comments)
      measures.note(answers.count, outcome)
      for contact in outcome.contacts { send(contact, &scope) }
    }
    if !moves.isEmpty { try FeedbackBatch.moved(moves, &store, at: scope.now) }
    if !tiers.isEmpty { try AskingDesk.rated(tiers, &store, asking.value, at: scope.now) }
    if !tickets.isEmpty { try AskingDesk.tickets(tickets, &store, asking.value, at: scope.now) }
    if !profiles.isEmpty { try AskingDesk.profiled(profiles, &store, asking.value, at: scope.now) }
    if !outcomes.isEmpty { measures.noteUndelivered(try AskingDesk.delivered(outcomes, &store, at: scope.now)) }
    return []
  }
}

/// By what customers are asked, with the surveys as everybody in the process sees them.
struct AskingSource: Sendable {
  let rules: AskingRules
  let surveys: SharedSurveys
  let zone: BusinessZone

  var value: Asking { Asking(rules: rules, surveys: surveys.value, zone: zone) }
}

/// What was said on survey pages becomes answers, told to profile and back from there like all others (F-03). Planned invitations are sent, and those who
/// have not answered reminded (F-02).
struct FeedbackDueHandler: DueHandler {
  let asking: AskingSource
  let pages: PageSettings
  let measures: FeedbackMeasures
  let kinds = [FeedbackWork.answer, FeedbackWork.send, FeedbackWork.remind, FeedbackWork.withdraw].map { DueKind($0) }

  func apply(_ due: [DueItem], _ scope: inout BatchScope) throws -> [DueItem] {
    // One kind in a transaction: each locks what it is about in one go, in order.
    guard let kind = due.first?.kind else { return [] }
    let ours = due.filter { $0.kind == kind }
    let again =
      switch kind {
      case FeedbackWork.answer: try settle(ours, &scope)
      case FeedbackWork.withdraw: try withdraw(ours, &scope)
      default: try send(ours, isReminder: kind == FeedbackWork.remind, &scope)
      }
    return again + due.filter { $0.kind != kind }
  }

  private func send(_ due: [DueItem], isReminder: Bool, _ scope: inout BatchScope) throws -> [DueItem] {
    var store = PostgresFeedbackStore(scope.session)
    let ids = due.map { InvitationID(number: $0.id) }
    let outcome =
      isReminder
      ? try AskingDesk.remind(ids, &store, asking.value, at: scope.now) : try AskingDesk.send(ids, &store, asking.value, at: scope.now)
    for send in outcome.sends {
      let request = SurveySend(send, link: try pages.link(to: send.invitation.id))
      scope.send(
        OutgoingMessage(
          topic: Topics.surveySends.name, key: Array(request.customer.description.utf8), value: JSONWriter.bytes { request.write(to: &$0) },
          id: request.eventID, type: EventType.surveySend, time: scope.now))
    }
    measures.note(outcome, isReminder: isReminder)
    return due.compactMap { item in outcome.again[InvitationID(number: item.id)].map { DueItem(kind: item.kind, id: item.id, at: $0) } }
  }

  private func withdraw(_ due: [DueItem], _ scope: inout BatchScope) throws -> [DueItem] {
    var store = PostgresFeedbackStore(scope.session)
    tell(try AskingDesk.withdraw(from: due.map { CustomerID(number: $0.id) }, &store, at: scope.now), &scope)
    return []
  }

  private func tell(_ withdrawals: [SurveyWithdrawal], _ scope: inout BatchScope) {
    for withdrawal in withdrawals {
      scope.send(
        OutgoingMessage(
          topic: Topics.surveyWithdrawals.name, key: Array(withdrawal.customer.description.utf8), value: JSONWriter.bytes { withdrawal.write(to: &$0) },
          id: withdrawal.eventID, type: EventType.surveyWithdrawal, time: scope.now))
    }
    measures.noteWithdrawn(withdrawals.count)
  }

  private func settle(_ due: [DueItem], _ scope: inout BatchScope) throws -> [DueItem] {
    var store = PostgresFeedbackStore(scope.session)
    let settled = try InvitationDesk.settle(due.map { InvitationID(number: $0.id) }, &store, surveys: asking.surveys.value, at: scope.now)
    for answer in settled.answers {
      scope.send(
        OutgoingMessage(
          topic: Topics.pageAnswers.name, key: Array(answer.identity.description.utf8), value: JSONWriter.bytes { answer.write(to: &$0) }, id: answer.eventID,
          type: EventType.pageAnswer, time: scope.now))
    }
    tell(settled.withdrawals, &scope)
    measures.noteGiven(settled.answers.count)
    return due.compactMap { item in settled.waiting[InvitationID(number: item.id)].map { DueItem(kind: item.kind, id: item.id, at: $0) } }
  }
}

extension SurveySend {
  init(_ send: AskingDesk.Send, link: String) {
    let invitation = send.invitation
    self.init(
      kind: send.isReminder ? .reminder : .invitation, invitation: CustomerID(number: invitation.id.number), customer: invitation.customer,
      survey: invitation.survey.name, surveyVersion: Int64(invitation.survey.version), metric: invitation.metric, purpose: invitation.purpose,
      channel: invitation.channel, language: invitation.language, title: send.survey.title, link: link,
      stopLink: PageSettings.stopLink(of: link), expiresAt: invitation.expiresAt)
  }
}

/// Metrics of answers. Work that is done again after a conflict counts again.
struct FeedbackMeasures: Sendable {
  private let taken: Counter
  private let repeated: Counter
  private let told: Counter
  private let invited: Counter
  private let given: Counter
  private let sent: Counter
  private let reminded: Counter
  private let held: Counter
  private let dropped: Counter
  private let undelivered: Counter
  private let withdrawn: Counter
  let stored: Gauge
  /// Requests to survey pages that were turned away, by the reason.
  let turnedAway: [PageRefusal: Counter]

  init(_ metrics: Metrics) {
    taken = metrics.counter("clientele_answers_taken_total", help: "Answers to surveys that were new.")
    repeated = metrics.counter("clientele_answers_repeated_total", help: "Answers that had come before.")
    told = metrics.counter("clientele_answers_told_total", help: "Answers that somebody has to get back to, told as contacts.")
    invited = metrics.counter("clientele_invitations_total", help: "Invitations to surveys that were made.")
    let sends = "Invitations to surveys that were given to whoever sends them."
    sent = metrics.counter("clientele_survey_sends_total", help: sends, labels: ["kind": SurveySend.Kind.invitation.rawValue])
    reminded = metrics.counter("clientele_survey_sends_total", help: sends, labels: ["kind": SurveySend.Kind.reminder.rawValue])
    held = metrics.counter("clientele_survey_sends_held_total", help: "Times that an invitation was put off because of the contact budget.")
    dropped = metrics.counter("clientele_survey_sends_dropped_total", help: "Planned invitations that are not sent.")
    undelivered = metrics.counter("clientele_invitations_undelivered_total", help: "Invitations to surveys that were sent and did not arrive.")
    withdrawn = metrics.counter(
      "clientele_survey_sends_withdrawn_total", help: "Invitations to surveys that were called back: the customer wants none, or has answered.")
    given = metrics.counter("clientele_page_answers_total", help: "Answers that were given on survey pages.")
    turnedAway = Dictionary(
      uniqueKeysWithValues: PageRefusal.allCases.map { reason in
        let help = "Requests to survey pages that were turned away."
        return (reason, metrics.counter("clientele_survey_pages_refused_total", help: help, labels: ["reason": reason.rawValue]))
      })
    stored = metrics.gauge("clientele_answers_stored", help: "Answers that are kept.")
  }

  func noteInvited(_ count: Int) { invited.increment(by: count) }
  func noteUndelivered(_ count: Int) { undelivered.increment(by: count) }
  func noteWithdrawn(_ count: Int) { withdrawn.increment(by: count) }
  func noteGiven(_ count: Int) { given.increment(by: count) }

  func note(_ outcome: AskingDesk.Outcome, isReminder: Bool) {
    (isReminder ? reminded : sent).increment(by: outcome.sends.count)
    held.increment(by: outcome.held)
    dropped.increment(by: outcome.dropped)
  }

  func note(_ all: Int, _ outcome: FeedbackBatch.Outcome) {
    taken.increment(by: outcome.new)
    repeated.increment(by: all - outcome.new)
    told.increment(by: outcome.contacts.count)
  }
}
