// Compares what a run left behind with what it must have come to. Pure: the same for real runs and for tables made by hand.
import Contracts

/// One statement that must hold, with its number; `broken` zero: it holds.
public struct Finding: Sendable, Equatable {
  public enum Kind: String, Sendable { case lost, duplicated, reordered, other }
  public let invariant: String
  public let statement: String
  /// How many were looked at.
  public let examined: Int64
  /// How many broke the statement.
  public let broken: Int64
  public let kind: Kind
  public let detail: String

  public init(_ invariant: String, _ statement: String, examined: Int64, broken: Int64, kind: Kind = .other, detail: String = "") {
    self.invariant = invariant
    self.statement = statement
    self.examined = examined
    self.broken = broken
    self.kind = kind
    self.detail = detail
  }

  public var holds: Bool { broken == 0 }
}

public struct Judge {
  private let truth: Truth
  private let evidence: Evidence
  private var findings: [Finding] = []

  /// The topics of the input, of facts and of snapshots.
  public static let inputs = [Topics.ordersIn.name, Topics.customersIn.name]
  static let consumed: [(consumer: String, topics: [String])] = [
    ("ingest", inputs), ("profile", [Topics.orders.name, Topics.customers.name]), ("tiering", [Topics.profiles.name]),
  ]

  public static func judge(_ truth: Truth, _ evidence: Evidence) -> [Finding] {
    var judge = Judge(truth: truth, evidence: evidence)
    judge.input()
    judge.facts()
    judge.orders()
    judge.figures()
    judge.order()
    judge.positions()
    judge.outbox()
    judge.tiers()
    judge.quarantine()
    judge.database()
    return judge.findings
  }

  private init(truth: Truth, evidence: Evidence) {
    self.truth = truth
    self.evidence = evidence
  }

  private mutating func find(
    _ invariant: String, _ statement: String, of examined: some BinaryInteger, broken: some BinaryInteger, _ kind: Finding.Kind = .other,
    detail: String = ""
  ) {
    findings.append(
      Finding(invariant, statement, examined: Int64(examined), broken: Int64(broken), kind: kind, detail: broken == 0 ? "" : detail))
  }

  // MARK: - I0: what was published

  /// How often each record lies in the logs: the producer may have sent one again whose report was lost.
  private var copiesInLog: [Int] {
    var copies = [Int](repeating: 0, count: truth.meanings.count)
    for partitions in evidence.input.values {
      for records in partitions.values { for number in records where copies.indices.contains(Int(number)) { copies[Int(number)] += 1 } }
    }
    return copies
  }

  private mutating func input() {
    let copies = copiesInLog
    find("I0", "every record made lies in the input topics", of: copies.count, broken: copies.count { $0 == 0 })
  }

  // MARK: - I1, I2: facts

  private mutating func facts() {
    let facts = truth.facts
    find("I1", "facts that ingest knows", of: facts, broken: max(0, Int64(facts) - evidence.ingestFacts), .lost)
    find("I2", "facts that ingest knows twice", of: facts, broken: max(0, evidence.ingestFacts - Int64(facts)), .duplicated)
    var expected = SourceCounts()
    for (number, copies) in copiesInLog.enumerated() {
      expected.records += Int64(copies)
      if truth.meanings[number] == .invalid { expected.refused += Int64(copies) }
    }
    expected.accepted = Int64(facts)
    expected.duplicates = expected.records - expected.accepted - expected.refused
    let found = evidence.sourceCounts
    let pairs = [
      (found.records, expected.records), (found.accepted, expected.accepted), (found.duplicates, expected.duplicates), (found.refused, expected.refused),
    ]
    find("I1", "ingest's counters: counted too little", of: expected.records, broken: pairs.reduce(0) { $0 + max(0, $1.1 - $1.0) }, .lost,
      detail: "found \(found), expected \(expected)")
    find("I2", "ingest's counters: counted too much", of: expected.records, broken: pairs.reduce(0) { $0 + max(0, $1.0 - $1.1) }, .duplicated,
      detail: "found \(found), expected \(expected)")
    find("I1", "facts still waiting for an order that came", of: facts, broken: evidence.waitingFacts, .lost)
    var published: Set<UInt64> = []
    for topic in [Topics.orders.name, Topics.customers.name] { published.formUnion(evidence.audits[topic]?.eventIDs ?? []) }
    find("I5", "facts published, by event id", of: facts, broken: truth.eventIDs.subtracting(published).count, .lost)
    find("I5", "events published that no fact stands for (ids are those of the facts)", of: published.count,
      broken: published.subtracting(truth.eventIDs).count, .duplicated)
  }

  // MARK: - I1, I2: orders and figures

  private mutating func orders() {
    var rows = [Int](repeating: 0, count: truth.orders.count)
    var wrong = 0
    var unknown = 0
    var first = ""
    for stored in evidence.orders {
      guard rows.indices.contains(stored.number) else {
        unknown += 1
        continue
      }
      rows[stored.number] += 1
      let entry = truth.orders[stored.number]
      let expected = StoredOrder(
        number: stored.number, revision: Int64(entry.revision), total: Int64(entry.total), isPaid: entry.isPaidAtOnce, payment: Int64(entry.payment),
        refund: Int64(entry.refund), isCancelled: entry.isCancelled)
      if stored != expected {
        wrong += 1
        if first.isEmpty { first = "found \(stored), expected \(expected)" }
      }
    }
    find("I1", "orders in profile", of: rows.count, broken: rows.count { $0 == 0 }, .lost)
    find("I2", "orders in profile that stand there twice", of: rows.count, broken: rows.reduce(0) { $0 + max(0, $1 - 1) } + unknown, .duplicated)
    find("I1", "orders in profile without their newest revision, payment, refund or cancellation", of: rows.count, broken: wrong, .lost, detail: first)
    let missing = Int64(truth.customerFacts) - evidence.registrations
    find("I1", "registrations in profile", of: truth.customerFacts, broken: max(0, missing), .lost)
    find("I2", "registrations in profile that stand there twice", of: truth.customerFacts, broken: max(0, -missing), .duplicated)
  }

  private mutating func figures() {
    var unknown = 0
    var less = 0
    var more = 0
    var split = 0
    var first = ""
    let people = truth.people
    for (members, figures) in people {
      let ids = Set(members.compactMap { evidence.members[Truth.member($0)] })
      guard ids.count == 1, let id = ids.first, let stored = evidence.profile[id] else {
        if ids.isEmpty { unknown += 1 } else { split += 1 }
        continue
      }
      if stored.figures == figures { continue }
      if stored.figures.orders > figures.orders || stored.figures.spend > figures.spend { more += 1 } else { less += 1 }
      if first.isEmpty { first = "customer of \(Truth.member(members[0])): found \(stored.figures), expected \(figures)" }
    }
    find("I1", "customers in profile", of: people.count, broken: unknown, .lost)
    find("I1", "customers who should be one and are not, or the other way round", of: people.count, broken: split, .lost)
    find("I1", "customers whose figures lack something", of: people.count, broken: less, .lost, detail: first)
    find("I2", "customers whose figures count something twice", of: people.count, broken: more, .duplicated, detail: first)
    let standing = evidence.profile.values.count { !$0.isMerged }
    find("I2", "customers in profile whom no record named", of: people.count, broken: max(0, standing - people.count), .duplicated)
    // Somebody who is heard of for the first time together with the shared telephone joins without a merge.
    find("I2", "merges noted beyond the pairs that became one", of: truth.mergedPairs, broken: max(0, evidence.merges - Int64(truth.mergedPairs)), .duplicated)
    let announced = evidence.audits[Topics.merges.name]?.distinct ?? 0
    find("I5", "merges announced", of: evidence.merges, broken: abs(evidence.merges - Int64(announced)), .lost)
  }

  // MARK: - I3: order

  private mutating func order() {
    find("I3", "lane numbers missing", .lost) { $0.missing }
    find("I3", "lane numbers that carry another event the second time", .reordered) { Int64($0.changedEvents) }
    find("I3", "snapshots older than the one before them of their key and lane", .reordered) { Int64($0.reordered) }
    find("I3", "keys whose last snapshot in the log is not their newest", .reordered) { Int64($0.overtaken) }
    find("I3", "facts under two numbers", .duplicated) { Int64($0.twice) }
    find("I3", "records without a lane", .other) { Int64($0.foreign) }
  }

  /// The sum over all topics of the suite.
  private mutating func find(_ invariant: String, _ statement: String, _ kind: Finding.Kind, _ count: (LaneAudit) -> Int64) {
    let audits = evidence.audits.values
    let topics = audits.filter { count($0) > 0 }.map(\.topic).sorted().joined(separator: ", ")
    find(invariant, statement, of: audits.reduce(0) { $0 + $1.records }, broken: audits.reduce(0) { $0 + count($1) }, kind, detail: topics)
  }

  // MARK: - I4, I5

  private mutating func positions() {
    var behind = 0
    var beyond = 0
    var count = 0
    var first = ""
    for (consumer, topics) in Judge.consumed {
      for topic in topics {
        for (partition, end) in evidence.ends[topic] ?? [:] {
          count += 1
          let next = evidence.positions.first { $0.consumer == consumer && $0.topic == topic && $0.partition == partition }?.next ?? 0
          if next < end { behind += 1 }
          if next > end { beyond += 1 }
          if next != end, first.isEmpty { first = "\(consumer) stands at \(next) of \(topic)/\(partition), which ends at \(end)" }
        }
      }
    }
    find("I4", "positions at the end of their topics", of: count, broken: behind, .lost, detail: first)
    find("I4", "positions beyond the end of their topics", of: count, broken: beyond, detail: first)
    find("I4", "partitions that stand still", of: count, broken: evidence.halted.count, detail: evidence.halted.first ?? "")
    find("I4", "parts that had not caught up when the time was over", of: count, broken: evidence.unread.count,
      detail: evidence.unread.joined(separator: "; "))
  }

  private mutating func outbox() {
    find("I5", "outbox rows left", of: evidence.positions.count, broken: evidence.outboxRows, .lost)
    var given: Int64 = 0
    var lost: Int64 = 0
    var phantoms: Int64 = 0
    var found: [String: Int64] = [:]
    for (topic, audit) in evidence.audits {
      for (lane, last) in audit.lastNumbers { found["\(lane.name)>\(topic)/\(lane.partition)"] = last }
    }
    for position in evidence.positions {
      for (destination, last) in position.lanesOut {
        given += last
        let name = "\(position.consumer)/\(position.topic)/\(position.partition)>\(destination)"
        let reached = found.removeValue(forKey: name) ?? 0
        lost += max(0, last - reached)
        phantoms += max(0, reached - last)
      }
    }
    phantoms += found.values.reduce(0, +)
    find("I5", "lane numbers given out and not published", of: given, broken: lost, .lost)
    find("I5", "lane numbers published and never given out", of: given, broken: phantoms, .duplicated)
  }

  // MARK: - I6: the service behind

  private mutating func tiers() {
    var missing = 0
    var stale = 0
    var wrong = 0
    var first = ""
    for (id, customer) in evidence.profile {
      guard let rated = evidence.tiering[id] else {
        missing += 1
        continue
      }
      if rated.version != customer.version {
        stale += 1
      } else if !customer.isMerged, rated.figures != customer.figures {
        wrong += 1
        if first.isEmpty { first = "customer \(id): tiering has \(rated.figures), profile \(customer.figures)" }
      }
    }
    find("I6", "customers in tiering", of: evidence.profile.count, broken: missing, .lost)
    find("I6", "customers in tiering without the newest snapshot", of: evidence.profile.count, broken: stale, .lost)
    find("I6", "customers rated by other figures than profile's", of: evidence.profile.count, broken: wrong, .duplicated, detail: first)
  }

  // MARK: - I7

  private mutating func quarantine() {
    var expected: Set<PlaceKey> = []
    for (topic, partitions) in evidence.input {
      for (partition, records) in partitions {
        for (offset, number) in records.enumerated() where truth.meanings.indices.contains(Int(number)) && truth.meanings[Int(number)] == .invalid {
          expected.insert(PlaceKey(topic: topic, partition: partition, offset: Int64(offset)))
        }
      }
    }
    let extra = evidence.quarantine.reduce(0) { $0 + (expected.contains($1.key) ? $1.value - 1 : $1.value) }
    let wrong = evidence.quarantine.keys.first { !expected.contains($0) }.map { "\($0) is valid" } ?? ""
    find("I7", "invalid records in quarantine", of: expected.count, broken: expected.count { evidence.quarantine[$0] == nil }, .lost)
    find("I7", "records in quarantine twice, or without being invalid", of: expected.count, broken: extra, .duplicated, detail: wrong)
    find("I7", "facts and snapshots refused further on", of: truth.facts, broken: evidence.laterQuarantine, .lost)
    var parked: Set<UInt64> = []
    for topic in Judge.inputs { parked.formUnion(evidence.audits[Topics.parked("ingest", topic).name]?.eventIDs ?? []) }
    find("I7", "refused records announced", of: expected.count, broken: abs(expected.count - parked.count), .lost)
  }

  // MARK: - I8, I10

  private mutating func database() {
    find("I8", "sessions that hold a transaction open for more than 30 s", of: 1, broken: evidence.stuckSessions)
    find("I8", "deadlocks counted by the database", of: 1, broken: evidence.deadlocks)
    find("I8", "gaps noted and open", of: 1, broken: evidence.openGaps)
    find("I10", "customers that a rebuild from their facts finds different", of: evidence.profile.count, broken: evidence.rebuildDifferences ?? 1,
      detail: evidence.rebuildDifferences == nil ? "the rebuild did not come to an end" : "")
  }
}

extension [Finding] {
  public var holds: Bool { allSatisfy(\.holds) }
  public func sum(_ kind: Finding.Kind) -> Int64 { reduce(0) { $0 + ($1.kind == kind ? $1.broken : 0) } }
  public var broken: [Finding] { filter { !$0.holds } }
}
