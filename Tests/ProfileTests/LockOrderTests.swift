// Lanes and the lane of due work come to the rows of customers in one order: none waits for another in a circle (`docs/decisions/0004-the-short-way.md`).
import Domain
import Messaging
import Postgres
import ProfileCore
import ProfileStore
import Runtime
import Synchronization
import TestSupport
import Testing

/// Facts of a crowd so small that every batch meets every other one; now and then two of it turn out to be the same person.
private struct Crowd {
  let lane: String
  var random: SplitMix
  private var number = 0

  init(lane: String, seed: UInt64) {
    self.lane = lane
    random = SplitMix(seed)
  }

  /// Half of the batches are plain orders and nothing else: those lock nothing before they write.
  mutating func batch() -> [Arrival] {
    let isPlain = Bool.random(using: &random)
    return (0..<Int.random(in: 1...300, using: &random)).map { _ in fact(isPlain: isPlain) }
  }

  private mutating func fact(isPlain: Bool) -> Arrival {
    number += 1
    let at = Instant(seconds: 990_000_000 + Int64.random(in: 0..<9_000_000, using: &random))
    let named = isPlain ? [identifier()] : identifiers()
    if !isPlain, Int.random(in: 0..<10, using: &random) == 0 {
      let visit = BehaviourEvent(source: "app", eventID: "\(lane)-v\(number)", occurredAt: at, name: "visit", identifiers: named)
      return Arrival(
        event: .interaction(.behaviour(visit)),
        sighting: Sighting(named: named.map { .init(key: testKey($0), identifier: $0) }, at: at, eventID: visit.eventID))
    }
    let amount = Int64.random(in: 1...100_000, using: &random)
    return arrival(
      OrderEvent(
        kind: .order, source: "shop", eventID: "\(lane)-\(number)", orderID: "\(lane)-\(number)", occurredAt: at, paidAt: at,
        money: Money(minorUnits: amount, currency: .cny), baseMinorUnits: amount, identifiers: named))
  }

  private mutating func identifiers() -> [Identifier] {
    let first = identifier()
    guard Int.random(in: 0..<40, using: &random) == 0 else { return [first] }
    let other = identifier()
    return other.kind == first.kind ? [first] : [first, other].sorted()
  }

  private mutating func identifier() -> Identifier {
    let person = Int.random(in: 0..<1_500, using: &random)
    return switch Int.random(in: 0..<4, using: &random) {
    case 0: Identifier(kind: .phone, value: "+86138000\(10_000 + person)")
    case 1: Identifier(kind: .deviceID, value: "d\(person)")
    default: Identifier(kind: .memberID, value: "M\(person)")
    }
  }
}

/// What the sessions of one run have met.
private final class Meetings: Sendable {
  private struct Seen {
    var deadlocks: [String] = []
    var conflicts = 0
    var lanesAtWork = 0
  }
  private let seen: Mutex<Seen>

  init(lanes: Int) { seen = Mutex(Seen(lanesAtWork: lanes)) }

  var deadlocks: [String] { seen.withLock { $0.deadlocks } }
  var conflicts: Int { seen.withLock { $0.conflicts } }
  var isAnyLaneAtWork: Bool { seen.withLock { $0.lanesAtWork > 0 } }

  func laneEnds() { seen.withLock { $0.lanesAtWork -= 1 } }

  /// Transactions of one batch: a crowd this small meets itself again and again.
  private static let attemptsMax = 100

  /// Does a transaction until it is through. Conflicts are what lanes live with.
  func persist(_ transaction: (_ isAgain: Bool) throws -> Void) throws {
    for attempt in 0..<Meetings.attemptsMax {
      do { return try transaction(attempt > 0) } catch let failure as PostgresFailure {
        if failure.sqlState == "40P01" { seen.withLock { $0.deadlocks.append(String(describing: failure)) } }
        guard [.uniqueViolation, .retryTransaction].contains(failure.kind) else { throw failure }
      } catch is any RetryableConflict {}
      seen.withLock { $0.conflicts += 1 }
    }
    Issue.record("a transaction met \(Meetings.attemptsMax) conflicts")
  }
}

/// One session that writes as lanes do, with rows under way that others may overtake.
private struct LaneSession {
  let name: String
  let session: PostgresSession
  let rules: ProfileRules
  let meetings: Meetings

  private static let tagsDue = Statement(name: "tags_due", sql: "SELECT id FROM due_work WHERE kind = \(TagRows.tagWork) ORDER BY due_at, id LIMIT 200")
  private static let tagsDone = Statement(
    name: "tags_done", sql: "DELETE FROM due_work d USING unnest($1::int8[]) AS u(id) WHERE d.kind = \(TagRows.tagWork) AND d.id = u.id")
  private static let marked = Statement(name: "marked", sql: "SELECT id FROM unsettled ORDER BY look_at, id LIMIT 300")
  private static let lockMarks = Statement(name: "marks_lock", sql: "SELECT id FROM unsettled WHERE id = ANY($1::int8[]) ORDER BY id FOR UPDATE")
  private static let removeMarks = Statement(name: "marks_remove", sql: "DELETE FROM unsettled WHERE id = ANY($1::int8[])")
  /// Merged ones too: whose rebuild was asked for may have become part of another by the time it is made.
  private static let some = Statement(name: "customers_some", sql: "SELECT id FROM customers WHERE id > $1 ORDER BY id LIMIT 100")

  private func transaction(_ body: (inout PostgresProfileStore) throws -> Void) throws {
    try session.transaction { session in
      var store = PostgresProfileStore(session, lane: name)
      try body(&store)
      try session.execute("DELETE FROM outbox WHERE lane = '\(name)'")
      try session.execute("INSERT INTO outbox (lane, topic, part, first_seq, records, body, made_at) VALUES ('\(name)', 't', 0, 1, 1, '', now())")
    }
  }

  func take(batches: Int, seed: UInt64) throws {
    var crowd = Crowd(lane: name, seed: seed)
    var known = KnownCustomers(customersMax: 2_000, recentOrdersMax: 2_000)
    for _ in 0..<batches {
      let batch = ItemBatch(crowd.batch())
      try meetings.persist { isAgain in
        if isAgain { known.forget() }
        try transaction { store in
          _ = try batch.bytes.withUnsafeBytes { try ProfileBatch.apply(batch.items, $0, to: &store, known: &known, rules: rules, at: evaluation) }
        }
        known.committed()
      }
    }
  }

  /// What the lane of due work does: the daily round, tags, marks of what was overtaken, rebuilds.
  func workWhileLanesDo(seed: UInt64) throws {
    var random = SplitMix(seed)
    var now = evaluation
    while meetings.isAnyLaneAtWork {
      let kind = Int.random(in: 0..<4, using: &random)
      let place = Int64.random(in: 0...Int64.max, using: &random)
      now = now.adding(seconds: 6 * 3_600)
      try meetings.persist { _ in
        try transaction { store in
          switch kind {
          case 0: _ = try LifecycleDue.apply(to: &store, rules: rules, at: now, max: 200)
          case 1: try tag(&store, at: now)
          case 2: try settle(&store)
          default: try rebuild(after: place, &store, at: now)
          }
        }
      }
    }
  }

  private func ids(_ statement: Statement, _ bind: (inout Parameters) -> Void = { _ in }) throws -> [Int64] {
    let rows = try session.query(statement) { bind(&$0) }
    return try (0..<rows.count).map { try rows.int64($0, 0) }
  }

  private func tag(_ store: inout PostgresProfileStore, at now: Instant) throws {
    let due = try ids(LaneSession.tagsDue)
    _ = try Tagging.apply(due.map(CustomerID.init(number:)), to: &store, rules: rules, at: now)
    _ = try session.run(LaneSession.tagsDone) { $0.int64Array(due) }
  }

  private func settle(_ store: inout PostgresProfileStore) throws {
    let marked = try ids(LaneSession.marked).sorted()
    _ = try store.lockCustomers(marked.map(CustomerID.init(number:)))
    let locked = try ids(LaneSession.lockMarks) { $0.int64Array(marked) }
    _ = try session.run(LaneSession.removeMarks) { $0.int64Array(locked) }
  }

  private func rebuild(after id: Int64, _ store: inout PostgresProfileStore, at now: Instant) throws {
    let asked = try ids(LaneSession.some) { $0.int64(id) }.map(CustomerID.init(number:))
    let keys = Set(try store.members(of: asked).map(\.identity.key))
    _ = try ProfileBatch.regroup(keys, alsoLocking: asked, in: &store, rules: rules, at: now)
    _ = try Rebuild.apply(asked, to: &store, rules: rules)
  }
}

@Suite(.enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)")) struct LockOrderTests {
  @Test func lanesAndDueWorkNeverWaitForEachOtherInACircle() async throws {
    let lanes = 3
    let (rules, meetings) = (try tagged(), Meetings(lanes: lanes))
    try await TestDatabase.withDatabase { settings in
      var own = settings
      own.schema = "profile"
      // As lanes plan their statements; whoever waits in a circle is told at once.
      own.sessionSettings += LaneEnvironment.planning + [("deadlock_timeout", "20ms")]
      let used = own
      _ = try await TestDatabase.blocking { try Migrations(schema: "profile", Resources.migrations(of: "profile")).apply(to: used) }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0...lanes {
          group.addTask {
            try await TestDatabase.blocking {
              let isLane = number < lanes
              defer { if isLane { meetings.laneEnds() } }
              let session = try PostgresSession(used)
              defer { session.close() }
              let lane = LaneSession(name: "l\(number)", session: session, rules: rules, meetings: meetings)
              if isLane { try lane.take(batches: Sanitized.rounds(60), seed: UInt64(number)) } else { try lane.workWhileLanesDo(seed: 99) }
            }
          }
        }
        try await group.waitForAll()
      }
    }
    #expect(meetings.deadlocks == [])
    #expect(meetings.conflicts > 0, "the lanes never met: nothing was tried")
  }
}
