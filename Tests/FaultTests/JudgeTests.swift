// The judge itself: each statement breaks on what was planted for it, and only there.
@testable import FaultHarness
import Contracts
import Failpoints
import Testing

/// One thing made wrong, and the statements that must say so.
struct Plant: Sendable, CustomTestStringConvertible {
  let name: String
  let invariant: String
  let statement: String
  let kind: Finding.Kind
  let act: @Sendable (inout Evidence) -> Void
  var testDescription: String { name }

  init(_ name: String, _ invariant: String, _ statement: String, _ kind: Finding.Kind = .other, _ act: @escaping @Sendable (inout Evidence) -> Void) {
    (self.name, self.invariant, self.statement, self.kind, self.act) = (name, invariant, statement, kind, act)
  }

  static let lane = "ingest/in.orders.v1/0"

  static let input: [Plant] = [
    Plant("a record is not in the log", "I0", "every record made") { $0.input[Topics.customersIn.name] = [0: []] },
    Plant("ingest forgot a fact", "I1", "facts that ingest knows", .lost) { $0.ingestFacts = 3 },
    Plant("ingest has a fact twice", "I2", "facts that ingest knows twice", .duplicated) { $0.ingestFacts = 5 },
    Plant("a counter lacks a record", "I1", "ingest's counters", .lost) { $0.sourceCounts.accepted = 3 },
    Plant("a counter has a record twice", "I2", "ingest's counters", .duplicated) { $0.sourceCounts.duplicates = 2 },
    Plant("a fact waits", "I1", "facts still waiting", .lost) { $0.waitingFacts = 1 },
    Plant("a fact was not published", "I5", "facts published", .lost) {
      $0.audits[Topics.customers.name] = LaneAudit(topic: Topics.customers.name)
    },
    Plant("an event with another id", "I5", "events published that no fact stands for", .duplicated) {
      $0.audits[Topics.customers.name] = HandMade.audit(Topics.customers.name, lane: "ingest/in.customers.v1/0", ["drawn"])
    },
  ]

  static let profile: [Plant] = [
    Plant("an order is missing", "I1", "orders in profile", .lost) { $0.orders.removeLast() },
    Plant("an order stands twice", "I2", "orders in profile that stand there twice", .duplicated) { $0.orders.append($0.orders[0]) },
    Plant("a refund is missing", "I1", "orders in profile without", .lost) { $0.orders[1].refund = -1 },
    Plant("a registration is missing", "I1", "registrations in profile", .lost) { $0.registrations = 0 },
    Plant("a registration stands twice", "I2", "registrations in profile that stand", .duplicated) { $0.registrations = 2 },
    Plant("a customer is missing", "I1", "customers in profile", .lost) { $0.members[Truth.member(0)] = nil },
    Plant("a customer lacks spend", "I1", "customers whose figures lack", .lost) { $0.profile[11]?.figures.spend = 999 },
    Plant("a customer has an order twice", "I2", "customers whose figures count", .duplicated) { $0.profile[12]?.figures.orders = 2 },
    Plant("a customer nobody named", "I2", "customers in profile whom", .duplicated) {
      $0.profile[13] = StoredCustomer(version: 1, figures: .init())
    },
    Plant("a merge nobody asked for", "I2", "merges noted", .duplicated) { $0.merges = 1 },
    Plant("a merge that was not told", "I5", "merges announced", .lost) { $0.merges = 1 },
    Plant("a rebuild finds a difference", "I10", "customers that a rebuild") { $0.rebuildDifferences = 1 },
    Plant("a rebuild does not end", "I10", "customers that a rebuild") { $0.rebuildDifferences = nil },
  ]

  static let topics: [Plant] = [
    Plant("a lane number is missing", "I3", "lane numbers missing", .lost) {
      $0.audits[Topics.orders.name]?.take(HandMade.record(lane: lane, 5, "x"))
    },
    Plant("a number with another event", "I3", "lane numbers that carry", .reordered) {
      $0.audits[Topics.orders.name]?.take(HandMade.record(lane: lane, 2, "x"))
    },
    Plant("a fact under two numbers", "I3", "facts under two numbers", .duplicated) {
      $0.audits[Topics.orders.name]?.take(HandMade.record(lane: lane, 4, HandMade.facts[0]))
    },
    Plant("a record without a lane", "I3", "records without a lane") { $0.audits[Topics.orders.name]?.take(HandMade.record(lane: "", 0, "x")) },
    Plant("a snapshot that another lane's overtook", "I3", "keys whose last snapshot", .reordered) {
      $0.audits[Topics.profiles.name]?.take(HandMade.record(lane: "profile/due/0", 1, "11:0", version: 1))
    },
    Plant("an older snapshot after a newer one", "I3", "snapshots older", .reordered) {
      $0.audits[Topics.profiles.name]?.take(HandMade.record(lane: "profile/ingest.orders.v1/0", 3, "11:0", version: 1))
    },
    Plant("a number given out and not published", "I5", "lane numbers given out", .lost) {
      $0.positions[0].lanesOut["\(Topics.orders.name)/0"] = 4
    },
    Plant("a number published and never given out", "I5", "lane numbers published", .duplicated) { $0.positions[0].lanesOut = [:] },
    Plant("an outbox row is left", "I5", "outbox rows left", .lost) { $0.outboxRows = 1 },
  ]

  static let others: [Plant] = [
    Plant("a position behind the end", "I4", "positions at the end", .lost) { $0.positions[2].next = 2 },
    Plant("a position beyond the end", "I4", "positions beyond") { $0.positions[4].next = 3 },
    Plant("a partition stands still", "I4", "partitions that stand still") { $0.halted = ["profile: it says why"] },
    Plant("the time was over", "I4", "parts that had not caught up") { $0.unread = ["something"] },
    Plant("tiering lacks a customer", "I6", "customers in tiering", .lost) { $0.tiering[11] = nil },
    Plant("tiering has an old snapshot", "I6", "customers in tiering without the newest", .lost) { $0.tiering[12]?.version = 1 },
    Plant("tiering rates by other figures", "I6", "customers rated by other figures", .duplicated) { $0.tiering[12]?.figures.spend = 600 },
    Plant("a refused record is not in quarantine", "I7", "invalid records in quarantine", .lost) { $0.quarantine = [:] },
    Plant("a refused record stands there twice", "I7", "records in quarantine twice", .duplicated) { $0.quarantine[HandMade.refused] = 2 },
    Plant("a valid record is in quarantine", "I7", "records in quarantine twice", .duplicated) {
      $0.quarantine[PlaceKey(topic: Topics.ordersIn.name, partition: 0, offset: 0)] = 1
    },
    Plant("a fact is refused further on", "I7", "facts and snapshots refused", .lost) { $0.laterQuarantine = 1 },
    Plant("a refused record was not announced", "I7", "refused records announced", .lost) {
      $0.audits[Topics.parked("ingest", Topics.ordersIn.name).name] = nil
    },
    Plant("a session is stuck", "I8", "sessions that hold") { $0.stuckSessions = 1 },
    Plant("a deadlock", "I8", "deadlocks") { $0.deadlocks = 1 },
    Plant("an open gap", "I8", "gaps noted") { $0.openGaps = 1 },
  ]

  static let all = input + profile + topics + others
}

@Suite("The judge")
struct JudgeTests {
  @Test func whatARunWithoutFaultLeavesHolds() {
    let broken = Judge.judge(HandMade.truth, HandMade.evidence).broken
    #expect(broken.isEmpty, "\(broken)")
  }

  @Test(arguments: Plant.all) func aPlantedViolationBreaksItsStatement(_ plant: Plant) {
    var evidence = HandMade.evidence
    plant.act(&evidence)
    let broken = Judge.judge(HandMade.truth, evidence).broken
    let found = broken.filter { $0.invariant == plant.invariant && $0.statement.hasPrefix(plant.statement) && $0.kind == plant.kind }
    #expect(found.count == 1, "\(broken)")
  }

  @Test func everyStatementIsBrokenBySomePlant() {
    let all = Set(Judge.judge(HandMade.truth, HandMade.evidence).map { "\($0.invariant) \($0.statement)" })
    var broken: Set<String> = []
    for plant in Plant.all {
      var evidence = HandMade.evidence
      plant.act(&evidence)
      broken.formUnion(Judge.judge(HandMade.truth, evidence).broken.map { "\($0.invariant) \($0.statement)" })
    }
    // Two members of one pair are needed for this one; see below.
    let left = all.subtracting(broken).filter { !$0.contains("who should be one") }
    #expect(left.isEmpty, "\(left)")
  }

  @Test func aPairThatATelephoneMadeOneMustBeOne() {
    var truth = HandMade.truth
    truth.register(0, withPhoneOf: 0)
    truth.register(1, withPhoneOf: 0)
    let apart = Judge.judge(truth, HandMade.evidence).broken.filter { $0.statement.contains("who should be one") }
    #expect(apart.map(\.broken) == [1])
    var evidence = HandMade.evidence
    evidence.members = [Truth.member(0): 11, Truth.member(1): 11]
    evidence.profile = [
      11: StoredCustomer(version: 3, figures: .init(orders: 2, spend: 1_300)), 12: StoredCustomer(version: 3, figures: .init(), isMerged: true),
    ]
    evidence.tiering = evidence.profile
    let broken = Judge.judge(truth, evidence).broken
    #expect(broken.isEmpty, "\(broken)")
  }

  @Test func theClosingLinesCountByKind() {
    var report = Report()
    var tally = Tally()
    tally.kills = 3
    let findings = [
      Finding("I1", "a", examined: 9, broken: 2, kind: .lost), Finding("I2", "b", examined: 9, broken: 1, kind: .duplicated),
      Finding("I3", "c", examined: 9, broken: 0, kind: .reordered),
    ]
    report.runs = [
      RunResult(
        name: "x", seed: 1, findings: findings, tally: tally, events: 9, seconds: 1, settleSeconds: 1, copies: 0, records: 9, notRun: [])
    ]
    report.mutants = [
      MutantVerdict(mutant: .fenceOff, caughtBy: [findings[0]], brokenWithout: []), MutantVerdict(mutant: .cursorRelay, caughtBy: [], brokenWithout: []),
      MutantVerdict(mutant: .guessedCommit, caughtBy: [findings[0]], brokenWithout: [findings[1]]),
    ]
    #expect(
      report.closing == [
        "faults kills 3", "faults events 9", "faults lost 2", "faults duplicated 1", "faults reordered 0", "faults mutants 3", "faults mutants_caught 1",
      ])
    #expect(!report.isGood)
  }
}
