// Profile snapshots and tickets in, tiers out: the use cases behind their topics.
import Contracts
import Domain
import Handling
import Kafka
import Messaging
import Telemetry
import Text
import TieringCore
import TieringStore

/// One record of any of the topics that this service reads.
enum TieringItem: Sendable {
  case profile(ReceivedSnapshot)
  case ticket(TicketVerdict)
}

struct TieringHandler: RecordHandler {
  let inForce: RulesInForce
  let measures: TieringMeasures
  /// The machine's time; the business clock comes with each transaction.
  var realTime: @Sendable () -> Instant = { Instant(microseconds: SystemTime.unixMicroseconds()) }

  let consumer = "tiering"
  let hasLanes = true

  func read(_ record: borrowing BorrowedRecord, topic: String) -> Reading<TieringItem> {
    guard let value = record.value else { return .ignored }
    guard topic != Topics.tickets.name else { return TieringHandler.read(ticket: value, zone: inForce.settings.zone) }
    let madeAt = record.headerText(Header.time).flatMap { try? RFC3339.parse($0) }
    return TieringHandler.read(
      value, madeAt: madeAt.map(Instant.init(microseconds:)), traceParent: record.headerText(Header.traceParent) ?? "",
      rules: inForce.settings)
  }

  static func read(_ value: UnsafeRawBufferPointer, madeAt: Instant?, traceParent: String, rules: TieringRules) -> Reading<TieringItem> {
    let snapshot: ProfileSnapshot
    do throws(JSONFault) {
      var reader = JSONReader(value)
      snapshot = try ProfileSnapshot(reading: &reader)
    } catch {
      return .refused([Fault(field: error.field, rule: error.rule.rawValue, detail: error.description)])
    }
    let faults = snapshot.faults(in: rules.currency)
    guard faults.isEmpty else { return .refused(faults) }
    return .item(.profile(ReceivedSnapshot(snapshot, madeAt: madeAt ?? rules.zone.startOfDay(snapshot.asOf), traceParent: traceParent)))
  }

  /// A complaint counts on the day on which it was resolved.
  static func read(ticket value: UnsafeRawBufferPointer, zone: BusinessZone) -> Reading<TieringItem> {
    do {
      var reader = JSONReader(value)
      let ticket = try TicketSnapshot(reading: &reader)
      let resolved = ticket.resolvedAt ?? ticket.closedAt ?? ticket.openedAt
      guard ticket.version > 0 else { return .refused([Fault(field: "version", rule: "range", detail: "versions begin at 1")]) }
      return .item(
        .ticket(
          TicketVerdict(
            ticket: ticket.ticket, version: ticket.version, customer: ticket.customer, isUpheld: ticket.isUpheldComplaint, day: zone.day(of: resolved))))
    } catch { return .refused(because: error) }
  }

  func apply(_ items: [TieringItem], _ kept: inout NothingKept, _ scope: inout BatchScope) throws -> [Refusal] {
    // A partition belongs to one topic: the first is like all others.
    guard case .ticket = items.first else {
      return try rate(items.compactMap { item in if case .profile(let snapshot) = item { snapshot } else { nil } }, &scope)
    }
    var store = PostgresTieringStore(scope.session, lane: scope.lane, zone: inForce.settings.zone)
    try UpheldComplaints.receive(items.compactMap { item in if case .ticket(let verdict) = item { verdict } else { nil } }, &store)
    return []
  }

  private func rate(_ items: [ReceivedSnapshot], _ scope: inout BatchScope) throws -> [Refusal] {
    let began = SystemTime.monotonicNanoseconds()
    let moment = RatingMoment(business: scope.now, real: realTime())
    let rules = try inForce.hold(scope.session)
    var store = PostgresTieringStore(scope.session, lane: scope.lane, zone: rules.zone)
    let outcome = try TieringBatch.receive(items, &store, rules: rules, at: moment)
    TierPublisher.send(outcome.published, &scope)
    measures.batch(outcome, nanoseconds: SystemTime.monotonicNanoseconds() - began)
    if !outcome.published.isEmpty {
      let madeAt = Dictionary(items.map { ($0.snapshot.customer, $0.madeAt) }) { max($0, $1) }
      measures.delays(of: outcome.published.compactMap { madeAt[$0.snapshot.customer] }, until: moment.real)
    }
    return outcome.refused.map { Refusal(index: $0.index, faults: $0.faults) }
  }
}
