// The tables of ingest, on a real PostgreSQL: the same rules as in memory, and two partitions that meet.
import Contracts
import Dispatch
import Domain
import Handling
import IngestStore
import Lifecycle
import Messaging
import Postgres
import Runtime
import Synchronization
import TestSupport
import Testing
import Text

@testable import IngestCore

enum Database {
  /// A fresh database with the service's tables.
  static func with<Value: Sendable>(_ body: @escaping @Sendable (PostgresSettings) throws -> Value) async throws -> Value {
    try await TestDatabase.withDatabase { settings in
      var settings = settings
      settings.schema = "ingest"
      let chosen = settings
      return try await TestDatabase.blocking {
        try Migrations(schema: "ingest", Resources.migrations(of: "ingest")).apply(to: chosen)
        return try body(chosen)
      }
    }
  }

  /// One batch in a transaction of its own, done again while other transactions are in its way.
  static func apply(_ records: [InputRecord], _ feed: inout Feed, _ session: PostgresSession) throws -> IngestOutcome {
    let judged = records.map { feed.judged($0) }
    for _ in 0..<triesMax {
      do {
        return try session.transaction { session in
          var store = PostgresIngestStore(session)
          return try IngestBatch.apply(judged, to: &store, hasher: try FactHasher(), zone: Kit.shanghai, at: Kit.now)
        }
      } catch is KeysTaken {
        continue
      } catch let failure as PostgresFailure where failure.kind == .retryTransaction {
        continue
      }
    }
    throw Surprise("a batch was in conflict \(triesMax) times")
  }
  private static let triesMax = 100

  static let clear = "TRUNCATE facts, orders, waiting, imports, source_days, quality_days, sources"
  static let waiting = Statement(name: "", sql: "SELECT count(*) FROM waiting")
}

/// Throws where `#expect` would be told on a thread that no test is known on.
private func check(_ holds: Bool, _ what: String = "", line: Int = #line) throws {
  if !holds { throw Surprise("line \(line) does not hold \(what)") }
}

@Suite(.enabled(if: TestDatabase.isAvailable, Comment(rawValue: TestDatabase.whyNot))) struct StoreTests {
  @Test("on PostgreSQL, too, any order and any batches end in the same published facts: 200 seeds")
  func anyOrder() async throws {
    try await Database.with { settings in
      let session = try PostgresSession(settings)
      defer { session.close() }
      for seed in 0..<200 {
        var chance = Chance(UInt64(1_000 + seed))
        let history = Sample.history(&chance, orders: 3)
        let wanted = try IdentityTests.published(history, &chance)
        try session.execute(Database.clear)
        var feed = try Feed()
        var events: [OrderEvent] = []
        var rest = history.shuffled(using: &chance)[...]
        while !rest.isEmpty {
          let batch = rest.prefix(Int.random(in: 1...12, using: &chance))
          rest = rest.dropFirst(batch.count)
          events += try Database.apply(Array(batch), &feed, session).orders
        }
        try check(Set(events) == wanted.events && events.count == wanted.events.count, "seed \(seed)")
        try check(try WaitingReport.read(session).facts == 2, "seed \(seed)")
      }
    }
  }

  @Test("two partitions that meet on the same orders lose no link and publish nothing twice")
  func twoPartitions() async throws {
    try await Database.with { settings in
      for round in 0..<8 {
        let clearing = try PostgresSession(settings)
        try clearing.execute(Database.clear)
        var chance = Chance(UInt64(7_000 + round))
        // Without a customer, every refund depends on its order, which comes in the other partition half of the time.
        var records: [InputRecord] = []
        for order in 0..<40 {
          records.append(Sample.order("o\(order)"))
          records.append(Sample.refund("r\(order)", of: "o\(order)"))
        }
        records += records
        records.shuffle(using: &chance)
        let halves = [Array(records[..<80]), Array(records[80...])]
        let published = Mutex<[OrderEvent]>([])
        let failures = Mutex<[String]>([])
        let threads = try halves.enumerated().map { number, half in
          try OwnedThread.start(name: "partition-\(number)") {
            do {
              let session = try PostgresSession(settings)
              defer { session.close() }
              var feed = try Feed()
              feed.partition = Int32(number)
              for start in stride(from: 0, to: half.count, by: 8) {
                let outcome = try Database.apply(Array(half[start..<start + 8]), &feed, session)
                published.withLock { $0 += outcome.orders }
                if !outcome.refusals.isEmpty { failures.withLock { $0.append("\(outcome.codes)") } }
              }
            } catch { failures.withLock { $0.append("\(error)") } }
          }
        }
        for thread in threads { thread.join() }
        try check(failures.withLock { $0 }.isEmpty)
        let events = published.withLock { $0 }
        try check(events.count == 80 && Set(events).count == 80, "round \(round)")
        try check(events.allSatisfy { $0.identifiers == [Identifier(kind: .memberID, value: "M1")] })
        try check(try clearing.query(Database.waiting).int64(0, 0) == 0)
        clearing.close()
      }
    }
  }

  @Test("a refund that waits while its order is written elsewhere is not left behind") func lostLink() async throws {
    try await Database.with { settings in
      let one = try PostgresSession(settings)
      let two = try PostgresSession(settings)
      defer {
        one.close()
        two.close()
      }
      var feedOne = try Feed()
      let refund = [feedOne.judged(Sample.refund("r", of: "1"))]
      // The first partition has looked and found no order; before it commits, the second brings the order and must wait for it.
      try one.begin()
      var store = PostgresIngestStore(one)
      try check(try IngestBatch.apply(refund, to: &store, hasher: try FactHasher(), zone: Kit.shanghai, at: Kit.now).orders.isEmpty)
      try one.settle()
      let outcome = Mutex<[OrderEvent]>([])
      let isFree = Mutex(false)
      let thread = try OwnedThread.start(name: "second") {
        defer { isFree.withLock { $0 = true } }
        guard let session = try? PostgresSession(settings), var feed = try? Feed() else { return }
        defer { session.close() }
        feed.partition = 1
        if let applied = try? Database.apply([Sample.order("1")], &feed, session) { outcome.withLock { $0 = applied.orders } }
      }
      // Wait until the second stands at the first's lock, as the server sees it.
      let blocked = Statement(
        name: "", sql: "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")
      let deadline = DispatchTime.now() + .seconds(10)
      while try two.query(blocked).int64(0, 0) == 0, DispatchTime.now() < deadline, !isFree.withLock({ $0 }) {}
      try one.commit()
      thread.join()
      try check(Set(outcome.withLock { $0 }.map(\.kind)) == [.order, .refund])
    }
  }

  @Test("mappings are kept by the id of their content, with their source and its default") func mappings() async throws {
    try await Database.with { settings in
      let session = try PostgresSession(settings)
      defer { session.close() }
      let yaml = MappedRecordTests.json
      let compiled = try MappingTable.compile(Array(yaml.utf8), zone: Kit.shanghai) { $0 == "UTC" ? .utc : nil }
      try check(compiled.id.hasPrefix("shop-json@3-") && compiled.id.count == "shop-json@3-".count + 12)
      try check(try MappingTable.register(compiled.mapping, id: compiled.id, yaml: yaml, isDefault: false, at: Kit.now, session))
      try check(try SourceTable.known(["shop", "other"], session).mapValues(\.mappingID) == ["shop": nil])
      try check(try !MappingTable.register(compiled.mapping, id: compiled.id, yaml: yaml, isDefault: true, at: Kit.now, session))
      try check(try SourceTable.known(["shop"], session).mapValues(\.mappingID) == ["shop": compiled.id])
      try check(try MappingTable.find([compiled.id], session).first?.yaml == yaml)
      try SourceTable.note(["shop", "till"], at: Kit.now, session)
      try check(try SourceTable.list(session).map(\.name) == ["shop", "till"])
    }
  }

  @Test("counts of an import add up over batches and partitions") func counts() async throws {
    try await Database.with { settings in
      let session = try PostgresSession(settings)
      defer { session.close() }
      for partition in 0..<2 {
        var feed = try Feed()
        feed.partition = Int32(partition)
        for _ in 0..<2 {
          var record = Sample.order("p\(partition)")
          record.importID = "i"
          record.lines = 4
          var bad = Sample.order("q", customer: nil)
          bad.importID = "i"
          _ = try Database.apply([record, bad], &feed, session)
        }
      }
      let report = try #require(try ImportReport.find("i", session))
      try check(report.total(.accepted) == (2, 8) && report.total(.duplicate) == (2, 8) && report.total(.quarantined) == (4, 4))
      try check(try SourceDay.list(since: Day(number: 0), session).map(\.records) == [4])
      try check(try ImportReport.find("none", session) == nil)
    }
  }
}
