// Ratings that time brings: changes whose minute is over, reviews, months that ended (T-06).
import Domain
import Messaging
import Telemetry
import TieringCore
import TieringStore

struct DueRatings: DueHandler {
  let inForce: RulesInForce
  let measures: TieringMeasures
  var realTime: @Sendable () -> Instant = { Instant(microseconds: SystemTime.unixMicroseconds()) }

  /// Short work: one commit for many. Snapshots of the same customers wait for it, a few tenths of a second at most.
  let itemsMax = 4_000
  let kinds = [
    DueKind(TieringWork.rating, usesRealTime: true), DueKind(TieringWork.day), DueKind(TieringWork.refusal, usesRealTime: true),
    DueKind(TieringWork.complaint, usesRealTime: true),
  ]

  func apply(_ due: [DueItem], _ scope: inout BatchScope) throws -> [DueItem] {
    let began = SystemTime.monotonicNanoseconds()
    let moment = RatingMoment(business: scope.now, real: realTime())
    let rules = try inForce.hold(scope.session)
    var store = PostgresTieringStore(scope.session, lane: scope.lane, zone: rules.zone)
    // Alone in a transaction: it locks the customers that it comes to in one go, in order.
    let refusals = due.filter { $0.kind == TieringWork.refusal }
    if !refusals.isEmpty {
      let outcome = try TieringBatch.settleRefusals(below: refusals.map { CustomerID(number: $0.id) }, &store, rules: rules, at: moment)
      finish(outcome, began, &scope)
      let again = outcome.tooEarly.map { DueItem(kind: TieringWork.refusal, id: $0.customer.number, at: $0.after) }
      return again + due.filter { $0.kind != TieringWork.refusal }
    }
    let complaints = due.filter { $0.kind == TieringWork.complaint }
    if !complaints.isEmpty {
      let outcome = try TieringBatch.settleComplaints(of: complaints.map { CustomerID(number: $0.id) }, &store, rules: rules, at: moment)
      finish(outcome, began, &scope)
      let again = outcome.tooEarly.map { DueItem(kind: TieringWork.complaint, id: $0.customer.number, at: $0.after) }
      return again + due.filter { $0.kind != TieringWork.complaint }
    }
    var again: [DueItem] = []
    let ratings = due.filter { $0.kind == TieringWork.rating }
    for isAskedNow in [true, false] {
      let ids = ratings.filter { ($0.at <= TieringWork.now) == isAskedNow }.map { CustomerID(number: $0.id) }
      guard !ids.isEmpty else { continue }
      let outcome = try TieringBatch.rateDue(ids, &store, rules: rules, at: moment, ignoringInterval: isAskedNow)
      again += outcome.tooEarly.map { DueItem(kind: TieringWork.rating, id: $0.customer.number, at: $0.after) }
      finish(outcome, began, &scope)
    }
    let days = due.filter { $0.kind == TieringWork.day }.map { CustomerID(number: $0.id) }
    if !days.isEmpty {
      let outcome = try TieringBatch.dayCame(days, &store, rules: rules, at: moment)
      again += outcome.nextDays.map { DueItem(kind: TieringWork.day, id: $0.customer.number, at: rules.zone.startOfDay($0.day)) }
      finish(outcome, began, &scope)
    }
    return again
  }

  private func lock(_ customers: [Int64], _ scope: inout BatchScope) throws -> [RatedCustomer] {
    var store = PostgresTieringStore(scope.session, lane: scope.lane, zone: inForce.settings.zone)
    return try store.lockCustomers(customers.map(CustomerID.init(number:)))
  }

  func lockVersions(of customers: [Int64], _ scope: inout BatchScope) throws -> [Int64: Int64] {
    let rated = try lock(customers, &scope).compactMap { customer in customer.standing.map { (customer.id.number, $0.rating.version) } }
    return Dictionary(rated) { first, _ in first }
  }

  /// The same version again: a reader that has it passes over it, one that lost it takes it.
  func sendAgain(_ customers: [Int64], _ scope: inout BatchScope) throws {
    let customers = try lock(customers, &scope)
    let records = try TierQueries.recordsInForce(customers, scope.session)
    let before = Dictionary(records.map { ($0.customer, $0.tierBefore) }) { first, _ in first }
    TierPublisher.send(customers.compactMap { PublishedTier($0, tierBefore: before[$0.id] ?? nil) }, &scope)
  }

  private func finish(_ outcome: TieringOutcome, _ began: Int64, _ scope: inout BatchScope) {
    TierPublisher.send(outcome.published, &scope)
    measures.batch(outcome, nanoseconds: SystemTime.monotonicNanoseconds() - began)
  }
}
