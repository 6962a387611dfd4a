// The services' handlers over simulated tables: they read, decide and word messages by the services' own code.
import Contracts
import Domain
import Handling
import Hashing
import IngestCore
import Kafka
import Messaging
import ProfileCore
import ProfileStore
import TieringCore
import TieringStore
import Text

@testable import ingest
@testable import profile
@testable import tiering

struct SimulatedIngest: RecordHandler {
  typealias Session = SimulatedSession
  let real: IngestHandler
  let rules: IngestRules
  let keys: [UInt8]
  let consumer = "ingest"
  let hasLanes = false

  func source(of record: borrowing BorrowedRecord) -> String { real.source(of: record) }
  func read(_ record: borrowing BorrowedRecord, topic: String) -> Reading<IngestItem> { real.read(record, topic: topic) }

  func apply(_ items: [IngestItem], _ kept: inout NothingKept, _ scope: inout LaneScope<SimulatedSession>) throws -> [Refusal] {
    let reading = RecordReading(rules: rules)
    let judged = items.map { item in
      Judged(
        record: item.record, place: item.place,
        verdict: item.verdict ?? reading.read(item.record, mapping: nil, now: scope.now))
    }
    var store = SimulatedIngestStore(scope.session)
    let outcome = try IngestBatch.apply(judged, to: &store, hasher: try FactHasher(), zone: rules.zone, at: scope.now)
    let keys = try KeyedHasher(key: keys)
    for publication in outcome.publications { scope.send(try IngestHandler.message(publication, keys)) }
    return outcome.refusals.map { Refusal(index: $0.index, faults: $0.faults) }
  }
}

struct SimulatedProfile: RecordHandler {
  typealias Session = SimulatedSession
  let environment: ProfileEnvironment
  let consumer = "profile"
  /// False: a planted mistake.
  let hasLanes: Bool

  func read(_ record: borrowing BorrowedRecord, topic: String) -> Reading<ProfileItem> {
    profile.ProfileHandler(environment: environment).read(record, topic: topic)
  }

  func read(_ record: borrowing BorrowedRecord, topic: String, place: Int) -> Reading<ProfileItem> {
    profile.ProfileHandler(environment: environment).read(record, topic: topic, place: place)
  }

  func apply(_ items: [ProfileItem], _ known: inout KnownCustomers, _ scope: inout LaneScope<SimulatedSession>) throws -> [Refusal] {
    try apply(items, UnsafeRawBufferPointer(start: nil, count: 0), &known, &scope)
  }

  func apply(
    _ items: [ProfileItem], _ bytes: UnsafeRawBufferPointer, _ known: inout KnownCustomers, _ scope: inout LaneScope<SimulatedSession>
  ) throws -> [Refusal] {
    var store = SimulatedProfileStore(scope.session, lane: scope.lane)
    let outcome = try ProfileBatch.apply(items, bytes, to: &store, known: &known, rules: environment.rules, at: scope.now)
    environment.send(outcome, known, at: scope.now, scope.outbox)
    return outcome.refusals
  }

  func due(_ items: [DueItem], _ scope: inout LaneScope<SimulatedSession>) throws -> [DueItem] {
    var store = SimulatedProfileStore(scope.session, lane: scope.lane)
    // One kind in a transaction, as in the service; the others are as due as before.
    let decisions = items.filter { $0.kind == DecisionDesk.decisionWork }
    if !decisions.isEmpty {
      try follow(decisions.map(\.id), &scope)
      return items.filter { $0.kind != DecisionDesk.decisionWork }
    }
    let tags = items.filter { $0.kind == TagRows.tagWork }
    if !tags.isEmpty {
      let changed = try Tagging.apply(tags.map { CustomerID(number: $0.id) }, to: &store, rules: environment.rules, at: scope.now)
      environment.send(changed, merges: [], at: scope.now, scope.outbox)
      return items.filter { $0.kind != TagRows.tagWork }
    }
    let outcome = try LifecycleDue.apply(to: &store, rules: environment.rules, at: scope.now, max: 5)
    environment.send(outcome.changed, merges: [], at: scope.now, scope.outbox)
    return items.map { DueItem(kind: $0.kind, id: $0.id, at: environment.rules.zone.startOfDay(outcome.next)) }
  }

  private func follow(_ decisions: [Int64], _ scope: inout LaneScope<SimulatedSession>) throws {
    let session = scope.session
    let found = try session.statement("decisions to follow") { transaction in decisions.compactMap { session.database.decisions[$0, transaction] } }
    var store = SimulatedProfileStore(session, lane: scope.lane)
    let outcome = try ProfileBatch.regroup(Set(found.flatMap { $0.left + $0.right }), in: &store, rules: environment.rules, at: scope.now)
    environment.send(outcome.changed, merges: outcome.merges, at: scope.now, scope.outbox)
  }

  func lockVersions(of customers: [Int64], _ scope: inout LaneScope<SimulatedSession>) throws -> [Int64: Int64] {
    var store = SimulatedProfileStore(scope.session, lane: scope.lane)
    return Dictionary(try store.lockCustomers(customers.map(CustomerID.init(number:))).map { ($0.id.number, $0.version) }) { first, _ in first }
  }

  func sendAgain(_ customers: [Int64], _ scope: inout LaneScope<SimulatedSession>) throws {
    var store = SimulatedProfileStore(scope.session, lane: scope.lane)
    environment.send(try store.lockCustomers(customers.map(CustomerID.init(number:))), merges: [], at: scope.now, scope.outbox)
  }
}

struct SimulatedTiering: RecordHandler {
  typealias Session = SimulatedSession
  let rules: TieringRules
  let consumer = "tiering"
  let hasLanes: Bool

  func read(_ record: borrowing BorrowedRecord, topic: String) -> Reading<TieringItem> {
    guard let value = record.value else { return .ignored }
    let madeAt = record.headerText(Header.time).flatMap { try? RFC3339.parse($0) }
    return tiering.TieringHandler.read(
      value, madeAt: madeAt.map(Instant.init(microseconds:)), traceParent: record.headerText(Header.traceParent) ?? "", rules: rules)
  }

  private func moment(_ scope: borrowing LaneScope<SimulatedSession>) -> RatingMoment {
    RatingMoment(business: scope.now, real: scope.session.world.machineTime)
  }

  func apply(_ items: [TieringItem], _ kept: inout NothingKept, _ scope: inout LaneScope<SimulatedSession>) throws -> [Refusal] {
    let items = items.compactMap { item in if case .profile(let snapshot) = item { snapshot } else { nil } }
    var store = SimulatedTieringStore(scope.session, lane: scope.lane)
    let outcome = try TieringBatch.receive(items, &store, rules: rules, at: moment(scope))
    TierPublisher.send(outcome.published, &scope)
    return outcome.refused.map { Refusal(index: $0.index, faults: $0.faults) }
  }

  func due(_ items: [DueItem], _ scope: inout LaneScope<SimulatedSession>) throws -> [DueItem] {
    var store = SimulatedTieringStore(scope.session, lane: scope.lane)
    let refusals = items.filter { $0.kind == TieringWork.refusal }
    if !refusals.isEmpty {
      let outcome = try TieringBatch.settleRefusals(below: refusals.map { CustomerID(number: $0.id) }, &store, rules: rules, at: moment(scope))
      TierPublisher.send(outcome.published, &scope)
      let again = outcome.tooEarly.map { DueItem(kind: TieringWork.refusal, id: $0.customer.number, at: $0.after) }
      return again + items.filter { $0.kind != TieringWork.refusal }
    }
    var again: [DueItem] = []
    let ratings = items.filter { $0.kind == TieringWork.rating }.map { CustomerID(number: $0.id) }
    if !ratings.isEmpty {
      let outcome = try TieringBatch.rateDue(ratings, &store, rules: rules, at: moment(scope))
      again += outcome.tooEarly.map { DueItem(kind: TieringWork.rating, id: $0.customer.number, at: $0.after) }
      TierPublisher.send(outcome.published, &scope)
    }
    let days = items.filter { $0.kind == TieringWork.day }.map { CustomerID(number: $0.id) }
    if !days.isEmpty {
      let outcome = try TieringBatch.dayCame(days, &store, rules: rules, at: moment(scope))
      again += outcome.nextDays.map { DueItem(kind: TieringWork.day, id: $0.customer.number, at: rules.zone.startOfDay($0.day)) }
      TierPublisher.send(outcome.published, &scope)
    }
    return again
  }

  private func lock(_ customers: [Int64], _ scope: inout LaneScope<SimulatedSession>) throws -> [RatedCustomer] {
    var store = SimulatedTieringStore(scope.session, lane: scope.lane)
    return try store.lockCustomers(customers.map(CustomerID.init(number:)))
  }

  func lockVersions(of customers: [Int64], _ scope: inout LaneScope<SimulatedSession>) throws -> [Int64: Int64] {
    let rated = try lock(customers, &scope).compactMap { customer in customer.standing.map { (customer.id.number, $0.rating.version) } }
    return Dictionary(rated) { first, _ in first }
  }

  func sendAgain(_ customers: [Int64], _ scope: inout LaneScope<SimulatedSession>) throws {
    TierPublisher.send(try lock(customers, &scope).compactMap { PublishedTier($0, tierBefore: nil) }, &scope)
  }
}

/// A service's part in the lane of due work.
protocol SimulatedDue: Sendable {
  func due(_ items: [DueItem], _ scope: inout LaneScope<SimulatedSession>) throws -> [DueItem]
  func lockVersions(of customers: [Int64], _ scope: inout LaneScope<SimulatedSession>) throws -> [Int64: Int64]
  func sendAgain(_ customers: [Int64], _ scope: inout LaneScope<SimulatedSession>) throws
}

extension SimulatedProfile: SimulatedDue {}
extension SimulatedTiering: SimulatedDue {}
