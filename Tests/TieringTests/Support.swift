// What the tests of tiering share: rules as shipped, snapshots in few words, the tables as dictionaries.
import Documents
import Contracts
import Domain
import Handling
import Lifecycle
import Runtime
import Synchronization
import Telemetry
import TieringCore
import TieringStore

@testable import tiering

func day(_ text: String) -> Day { Day(text) ?? Day(number: 0) }
func customer(_ number: Int64) -> CustomerID { CustomerID(number: number) }
func tierID(_ text: String) -> TierID? { TierID(text) }

enum Shipped {
  static func scorecard(_ name: String) throws -> RuleFile<Scorecard> {
    let path = "deploy/scorecards/\(name).yaml"
    return try RuleFile(scorecard: Resources.bytes(path) ?? [], source: path)
  }

  static func policies() throws -> RuleFile<TierConfiguration> { try TieringSettings.policies(at: nil) }
  static func benefits() throws -> RuleFile<BenefitCatalogue> { try TieringSettings.benefits(at: nil, try policies().content.ladder) }

  /// `rfm-plus` with the score policy, in a zone whose day is that of UTC.
  ///
  /// Every change confirms itself and no border has a width, unless the shipped review policy of this name is asked for.
  static func rules(scorecard: String = "rfm-plus", growth: IndustryGrowth = .none, review: String? = nil) throws -> TieringRules {
    let file = try policies().content
    let chosen = review.flatMap { name in file.reviews.first { $0.policy.name == name } }
    return TieringRules(
      zone: .utc, currency: .cny, scorecard: try self.scorecard(scorecard).content, policy: file.inForce, growth: growth,
      schedule: RatingSchedule(noticeDays: chosen == nil ? 0 : file.steadiness.noticeDays),
      decisions: chosen.map { DecisionRules(steadiness: file.steadiness, review: $0) } ?? .immediate)
  }

  static func settings(_ rules: TieringRules) throws -> TieringSettings {
    TieringSettings(
      rules: rules, scorecards: [try scorecard("standard"), try scorecard("rfm-plus")], policies: try policies(), benefits: try benefits())
  }
}

/// Noon of a day, so many seconds later; the machine's clock runs on a day of its own.
func moment(_ text: String, seconds: Int64 = 0) -> RatingMoment {
  RatingMoment(
    business: BusinessZone.utc.startOfDay(day(text)).adding(seconds: 43_200 + seconds),
    real: BusinessZone.utc.startOfDay(day("2026-03-01")).adding(seconds: seconds))
}

/// A customer's ledger: day, orders, minor units.
func ledger(_ days: [(String, Int32, Int64)]) -> DayLedger {
  DayLedger(contributions: days.map { DayEntry(day: day($0.0), paidOrders: $0.1, countedOrders: $0.1, spend: $0.2) })
}

func snapshot(
  _ id: Int64, _ version: Int64, _ days: [(String, Int32, Int64)] = [], merged: Int64? = nil, industry: String? = nil, member: String? = nil,
  visited: String? = nil
) -> ProfileSnapshot {
  ProfileSnapshot(
    customer: customer(id), version: version, asOf: day("1998-07-01"), mergedInto: merged.map(customer), memberID: member ?? "M\(id)",
    firstSeenAt: BusinessZone.utc.startOfDay(day("1997-01-01")), stage: .active, industry: industry,
    lastInteractionDay: visited.map(day), currency: .cny, ledger: ledger(days))
}

func received(_ snapshot: ProfileSnapshot) -> ReceivedSnapshot {
  ReceivedSnapshot(snapshot, madeAt: BusinessZone.utc.startOfDay(snapshot.asOf).adding(seconds: snapshot.version))
}

/// The tables in the fewest words.
struct MemoryTieringStore: TieringStore {
  var customers: [CustomerID: RatedCustomer] = [:]
  var history: [RatingRecord] = []
  var waiting: [CustomerID: Instant] = [:]
  var dueDays: [CustomerID: Day] = [:]
  var proposals: [CustomerID: Proposal] = [:]
  /// Who is to be looked at because of a refusal, and for whom refusals are counted.
  var regrouped: Set<CustomerID> = []
  var partsCounted: [CustomerID: CustomerID] = [:]
  /// What tickets say of complaints, and whose count is to be looked at.
  var complaints: [TicketID: TicketVerdict] = [:]
  var complainants: Set<CustomerID> = []

  mutating func lockCustomers(_ ids: [CustomerID]) throws -> [RatedCustomer] { ids.compactMap { customers[$0] } }

  mutating func write(_ changes: TieringChanges) throws {
    for customer in changes.newCustomers { precondition(customers.updateValue(customer, forKey: customer.id) == nil, "was there already") }
    for customer in changes.changedCustomers + changes.ratedCustomers {
      precondition(customers.updateValue(customer, forKey: customer.id) != nil, "was not there")
    }
    history += changes.history
    for customer in changes.closedProposals { proposals[customer] = nil }
    for proposal in changes.proposals { proposals[proposal.customer] = proposal }
    for (customer, after) in changes.waiting where waiting[customer] == nil { waiting[customer] = after }
    for (customer, day) in changes.dueDays { dueDays[customer] = min(dueDays[customer] ?? day, day) }
    regrouped.formUnion(changes.regrouped)
  }

  mutating func refusals(under ids: [CustomerID]) throws -> [(top: CustomerID, part: CustomerID)] {
    ids.flatMap { top in
      let parts = customers.values.filter { $0.course.review.isOptedOut && way(up: $0.id).contains(top) }
      return parts.map { (top: top, part: $0.id) }.sorted { $0.part < $1.part }
    }
  }
  mutating func survivors(of ids: [CustomerID]) throws -> [CustomerID: CustomerID] {
    Dictionary(uniqueKeysWithValues: ids.map { ($0, way(up: $0).last ?? $0) })
  }
  mutating func counted(_ parts: [CustomerID]) throws -> [CustomerID: CustomerID] { partsCounted.filter { parts.contains($0.key) } }
  mutating func count(_ survivors: [CustomerID: CustomerID]) throws {
    for (part, survivor) in survivors { partsCounted[part] = part == survivor ? nil : survivor }
  }

  /// The customer, whom it is part of, whom that one is part of.
  private func way(up id: CustomerID) -> [CustomerID] {
    var way = [id]
    while let next = customers[way.last ?? id]?.mergedInto, way.count < 64 { way.append(next) }
    return way
  }

  /// As the due lane does: takes what is due and keeps what must come again.
  mutating func rateDue(_ ids: [CustomerID], _ rules: TieringRules, at moment: RatingMoment) throws -> TieringOutcome {
    let outcome = try TieringBatch.rateDue(ids, &self, rules: rules, at: moment)
    for id in ids { waiting[id] = nil }
    for (customer, after) in outcome.tooEarly { waiting[customer] = after }
    return outcome
  }

  func standing(_ id: Int64) -> Standing? { customers[customer(id)]?.standing }
}

extension MemoryTieringStore: ComplaintStore {
  mutating func verdicts(_ tickets: [TicketID]) throws -> [TicketVerdict] { tickets.compactMap { complaints[$0] } }

  mutating func keep(_ verdicts: [TicketVerdict], changing customers: [CustomerID]) throws {
    for verdict in verdicts { complaints[verdict.ticket] = verdict }
    complainants.formUnion(customers)
  }

  mutating func complaintDays(of ids: [CustomerID]) throws -> [CustomerID: [Day]] {
    let upheld = complaints.values.filter { $0.isUpheld && ids.contains($0.customer) }
    return Dictionary(grouping: upheld, by: \.customer).mapValues { $0.map(\.day).sorted() }
  }

  /// As the due lane does, until nothing is left that can be done now.
  mutating func settleComplaints(_ rules: TieringRules, at moment: RatingMoment) throws -> TieringOutcome {
    let due = complainants.sorted()
    complainants = []
    let outcome = try TieringBatch.settleComplaints(of: due, &self, rules: rules, at: moment)
    complainants = Set(outcome.tooEarly.map(\.customer))
    return outcome
  }
}

/// A small generator whose whole run follows from its seed.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 0x1234_5678_9ABC_DEF1 }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// A business clock that is set by hand.
final class HandClock: BusinessClock {
  private let instant: Mutex<Instant>
  init(_ instant: Instant) { self.instant = Mutex(instant) }
  func now() -> Instant { instant.withLock { $0 } }
  func set(_ now: Instant) { instant.withLock { $0 = now } }
}

/// Looks at a condition again and again until it gives a value, at most for half a minute unless more is needed.
func eventually<Value>(_ what: String, withinSeconds seconds: Int64 = 30, _ look: () async throws -> Value?) async throws -> Value {
  let never = StopSignal()
  let end = SystemTime.monotonicNanoseconds() + seconds * 1_000_000_000
  while SystemTime.monotonicNanoseconds() < end {
    if let value = try await look() { return value }
    _ = await never.wait(atMost: .milliseconds(10))
  }
  throw TimedOut(what: what)
}

struct TimedOut: Error { let what: String }

/// What the test library cannot tell on a thread of ours, where it does not know which test runs: thrown to the test instead.
struct CheckFailed: Error, CustomStringConvertible { let description: String }

func same<Value: Equatable>(_ found: Value, _ expected: Value, line: Int = #line) throws {
  if found != expected { throw CheckFailed(description: "line \(line): found \(found), expected \(expected)") }
}
