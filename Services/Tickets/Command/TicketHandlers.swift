// Contacts, answers, moves and tiers in, tickets out: the use cases behind their topics, and what time brings.
import Contracts
import Domain
import Handling
import Hashing
import Kafka
import Messaging
import Postgres
import Telemetry
import Text
import TicketsCore
import TicketsStore

/// One record of any of the topics that this service reads.
enum TicketItem: Sendable {
  case contact(ReceivedContact)
  case move(IdentityMove)
  case tier(TierSnapshot)
  case answer(TicketAnswer)
}

struct TicketHandler: RecordHandler {
  let rules: SharedRules
  let measures: TicketMeasures
  let consumer = "tickets"
  let hasLanes = true

  func read(_ record: borrowing BorrowedRecord, topic: String) -> Reading<TicketItem> {
    guard let value = record.value else { return .ignored }
    return TicketHandler.read(value, topic: topic)
  }

  static func read(_ value: UnsafeRawBufferPointer, topic: String) -> Reading<TicketItem> {
    do {
      var reader = JSONReader(value)
      switch topic {
      case Topics.customerContacts.name, Topics.feedbackContacts.name:
        let content = try CustomerContact(reading: &reader)
        return .item(.contact(ReceivedContact(number: try number(of: content), content: content)))
      case Topics.moves.name: return .item(.move(try IdentityMove(reading: &reader)))
      case Topics.customerAnswers.name:
        let content = try CustomerAnswer(reading: &reader)
        return TicketAnswer(content, number: try number(of: content)).map { .item(.answer($0)) } ?? .ignored
      default:
        let snapshot = try TierSnapshot(reading: &reader)
        guard TierID(snapshot.tier) != nil else {
          return .refused([Fault(field: "tier", rule: "format", detail: "a tier is small letters, digits and hyphens")])
        }
        return .item(.tier(snapshot))
      }
    } catch { return .refused(because: error) }
  }

  /// The same for the same contact, whoever reads it and whenever.
  static func number(of content: CustomerContact) throws -> Int64 {
    let digest = try Hasher256().digest(texts: ["contact", content.identity.description, content.contact.source, content.contact.eventID])
    return TicketID(number: Int64(bitPattern: digest.high)).number
  }

  private static func number(of content: CustomerAnswer) throws -> Int64 {
    let digest = try Hasher256().digest(texts: ["answer", content.identity.description, content.answer.source, content.answer.eventID])
    return Int64(bitPattern: digest.high)
  }

  func apply(_ items: [TicketItem], _ kept: inout NothingKept, _ scope: inout BatchScope) throws -> [Refusal] {
    let rules = rules.value
    var store = PostgresTicketStore(scope.session, lane: scope.lane, at: scope.now)
    // A partition belongs to one topic: only one of these has anything.
    let contacts = items.compactMap { item in if case .contact(let contact) = item { contact } else { nil } }
    let moves = items.compactMap { item in if case .move(let move) = item { move } else { nil } }
    let tiers = items.compactMap { item in if case .tier(let tier) = item { tier } else { nil } }
    try TicketAnswerRows.insert(items.compactMap { item in if case .answer(let answer) = item { answer } else { nil } }, scope.session)
    if !contacts.isEmpty { TicketPublisher.send(try TicketBatch.receive(contacts, &store, rules: rules, at: scope.now), rules, measures, &scope) }
    if !moves.isEmpty { TicketPublisher.send(try TicketBatch.moved(moves, &store, rules: rules, at: scope.now), rules, measures, &scope) }
    if !tiers.isEmpty { TicketPublisher.send(try TicketBatch.rated(tiers, &store, rules: rules, at: scope.now), rules, measures, &scope) }
    return []
  }
}

/// Deadlines, tickets that close by themselves, promises by files that are no longer in force, absences that begin.
struct TicketDueHandler: DueHandler {
  let rules: SharedRules
  let measures: TicketMeasures
  let kinds = [DueKind(TicketWork.deadline), DueKind(TicketWork.promise), DueKind(TicketWork.absence)]

  func apply(_ due: [DueItem], _ scope: inout BatchScope) throws -> [DueItem] {
    let rules = rules.value
    var store = PostgresTicketStore(scope.session, lane: scope.lane, at: scope.now)
    let promises = due.filter { $0.kind == TicketWork.promise }.map { TicketID(number: $0.id) }
    // One kind in a transaction: each locks its tickets in one go, in order.
    guard promises.isEmpty else {
      TicketPublisher.send(try TicketBatch.promiseAnew(promises, &store, rules: rules, at: scope.now), rules, measures, &scope)
      return due.filter { $0.kind != TicketWork.promise }
    }
    if let absence = due.first(where: { $0.kind == TicketWork.absence }) {
      let hasMore = try cover(absence, &store, rules, &scope)
      return due.filter { $0 != absence } + (hasMore ? [absence] : [])
    }
    let (outcome, next) = try TicketBatch.pass(due.map { TicketID(number: $0.id) }, &store, rules: rules, at: scope.now)
    TicketPublisher.send(outcome, rules, measures, &scope)
    return due.compactMap { item in next[TicketID(number: item.id)].map { DueItem(kind: item.kind, id: item.id, at: $0) } }
  }

  /// A piece of what somebody has who is away now. Returns whether there may be more.
  private func cover(_ absence: DueItem, _ store: inout PostgresTicketStore, _ rules: TicketRules, _ scope: inout BatchScope) throws -> Bool {
    guard let person = try StaffQueries.absentee(absence.id, at: scope.now, scope.session) else { return false }
    let tickets = try StaffQueries.owned(by: person, scope.session)
    let outcome = try TicketBatch.cover(tickets, of: person, &store, rules: rules, at: scope.now)
    TicketPublisher.send(outcome, rules, measures, &scope)
    return tickets.count == StaffQueries.coveredMax && !outcome.published.isEmpty
  }

  func lockVersions(of tickets: [Int64], _ scope: inout BatchScope) throws -> [Int64: Int64] {
    var store = PostgresTicketStore(scope.session, lane: scope.lane, at: scope.now)
    return Dictionary(try store.lock(tickets.map(TicketID.init(number:))).map { ($0.id.number, $0.version) }) { first, _ in first }
  }

  /// The same version again: a reader that has it passes over it, one that lost it takes it.
  func sendAgain(_ tickets: [Int64], _ scope: inout BatchScope) throws {
    var store = PostgresTicketStore(scope.session, lane: scope.lane, at: scope.now)
    for record in try store.lock(tickets.map(TicketID.init(number:))) { TicketPublisher.send(record, &scope) }
  }
}

enum TicketPublisher {
  /// What a transaction made known, counted as well.
  static func send(_ outcome: TicketOutcome, _ rules: TicketRules, _ measures: TicketMeasures, _ scope: inout BatchScope) {
    measures.note(outcome, at: scope.now)
    for record in outcome.published { send(record, &scope) }
    for (record, event) in outcome.alerts {
      guard let alert = alert(event, of: record, rules) else { continue }
      scope.send(
        OutgoingMessage(
          topic: Topics.ticketAlerts.name, key: Array(record.id.description.utf8), value: JSONWriter.bytes { alert.write(to: &$0) }, id: alert.eventID,
          type: EventType.ticketAlert, time: scope.now))
    }
  }

  /// What a step makes known; nil where the event is none. It follows from the step, the ticket and the rules: done again it has the same bytes.
  static func alert(_ event: TicketEvent, of record: TicketRecord, _ rules: TicketRules) -> TicketAlert? {
    guard let clock = event.clock, let step = event.step else { return nil }
    return TicketAlert(
      ticket: record.id, customer: record.customer, clock: clock, percent: step.percent, role: step.role, at: event.at, priority: record.ticket.priority,
      tier: record.ticket.tier?.text, owner: record.owner, onCall: rules.onCall(step, of: record, at: event.at))
  }

  static func send(_ record: TicketRecord, _ scope: inout BatchScope) {
    let snapshot = record.snapshot
    CustomerID(number: record.id.number).withHexadecimal { key in
      scope.outbox.send(topic: Topics.tickets.name, key: key, version: snapshot.version, type: EventType.ticket) { snapshot.write(to: &$0) }
    }
  }
}

extension TicketRecord {
  var snapshot: TicketSnapshot {
    TicketSnapshot(
      ticket: id, version: version, customer: customer, state: ticket.state, subject: ticket.subject, priority: ticket.priority, tier: ticket.tier?.text,
      channel: origin.channel, orderID: origin.orderID, owner: owner, openedAt: ticket.openedAt, replies: Int64(ticket.replies),
      timesReopened: Int64(ticket.timesReopened), clocks: ticket.clocks.suffix(TicketClockState.clocksMax).map { TicketClockState($0) },
      resolutionCode: ticket.resolution?.code, rootCause: ticket.resolution.flatMap { $0.rootCause.isEmpty ? nil : $0.rootCause },
      isUpheldComplaint: ticket.isUpheldComplaint,
      resolvedAt: ticket.resolvedAt, closedAt: ticket.closedAt, mergedInto: ticket.mergedInto)
  }
}

/// Metrics of tickets. Work that is done again after a conflict counts again.
struct TicketMeasures: Sendable {
  static let latenessBounds: [Double] = [0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 600, 3_600, 86_400]

  private let metrics: Metrics
  private let lateness: Histogram
  let open: Gauge

  init(_ metrics: Metrics) {
    self.metrics = metrics
    lateness = metrics.histogram(
      "clientele_deadline_lateness_seconds", help: "From the moment of a warning or breach to its record, in business time.",
      bounds: TicketMeasures.latenessBounds)
    open = metrics.gauge("clientele_open_tickets", help: "Tickets that are neither resolved nor closed.")
  }

  func note(_ outcome: TicketOutcome, at now: Instant) {
    for (_, event) in outcome.alerts {
      lateness.observe(max(0, Double(now.microseconds - event.at.microseconds) / 1e6))
      metrics.counter("clientele_ticket_alerts_total", help: "Steps of the escalation ladder that were reached.", labels: ["kind": event.kind.rawValue])
        .increment()
    }
  }
}
