// States that an outbox row names: sent from memory right after the commit, read anew by whoever comes later.
@testable import Messaging
import Domain
import Kafka
import Postgres
import Telemetry
import TestSupport
import Testing
import Text

/// Keeps what it is given, and reports it as stored when asked to.
private final class KeepingProducer: LaneProducer {
  struct Sent: Equatable {
    var id: String
    var value: String?
    var sequence: String
  }
  private(set) var sent: [Sent] = []
  private var unreported: [UInt64] = []
  let reports: Bool
  let fatalFailure: KafkaFailure? = nil

  init(reports: Bool) { self.reports = reports }

  func enqueue(_ record: OutgoingRecord, token: UInt64) throws(KafkaFailure) {
    func header(_ name: String) -> String { record.headers.first { $0.name == name }?.value.map { String(decoding: $0, as: UTF8.self) } ?? "" }
    sent.append(Sent(id: header("ce_id"), value: record.value.map { String(decoding: $0, as: UTF8.self) }, sequence: header("seq")))
    unreported.append(token)
  }

  func drainReports(into reports: inout [DeliveryReport], waitMilliseconds: Int) throws(KafkaFailure) -> Int {
    guard self.reports else { return 0 }
    reports += unreported.map { DeliveryReport(token: $0, result: .success(RecordPlace(partition: 0, offset: 0))) }
    defer { unreported = [] }
    return unreported.count
  }

  func closeBlocking(withinMilliseconds limit: Int, into reports: inout [DeliveryReport]) -> Int { unreported.count }
}

@Suite("States by name", .serialized)
struct NamedStateTests {
  private static let time = Instant(microseconds: 1_000)

  private static func add(_ key: String, _ version: Int64, to writer: OutboxWriter) throws {
    try Array(key.utf8).withUnsafeBytes { key in
      try writer.add(topic: "states", key: key, version: version, type: "state", time: time, traceParent: "tp") { $0.text(String(repeating: "x", count: 500)) }
    }
  }

  private static func writer() -> OutboxWriter { OutboxWriter(layout: TopicLayout(["states": 1]), lanes: LaneTable(), statesByName: ["states"]) }
  private static func bytes(_ body: OutboxBody) -> [UInt8] { body.withUnsafeBytes { Array($0) } }

  @Test("The table keeps the names of states, and their records are read anew: newer ones as they are now, those that are no more as tombstones")
  func namesAreKeptAndStatesAreReadAnew() throws {
    let writer = NamedStateTests.writer()
    for (key, version) in [("a", 1), ("b", 7), ("c", 2)] as [(String, Int64)] { try NamedStateTests.add(key, version, to: writer) }
    let row = try #require(writer.finish().rows.first)
    #expect(row.records == 3)
    #expect(row.stored.count < 100 && row.body.count > 1_500)
    let named = try #require(try NamedStates(NamedStateTests.bytes(row.stored)))
    #expect(named.type == "state" && named.time == NamedStateTests.time)
    #expect(named.names.map { "\(String(decoding: $0.key, as: UTF8.self)) \($0.version) \($0.traceParent)" } == ["a 1 tp", "b 7 tp", "c 2 tp"])
    #expect(try NamedStates(NamedStateTests.bytes(row.body)) == nil)

    let now = [CurrentState(version: 1, value: Array("one".utf8)), CurrentState(version: 9, value: Array("nine".utf8)), nil]
    let read = try NamedStateTests.records(try named.framed(now))
    #expect(read == ["a:1 one", "b:9 nine", "c:2 -"])
    #expect(throws: OutboxFault.damagedRow) { _ = try named.framed([nil]) }
  }

  @Test("A damaged row is refused or holds fewer names, never others")
  func aDamagedRowIsRefused() throws {
    let writer = NamedStateTests.writer()
    for number in 0..<3 { try NamedStateTests.add("key\(number)", 1, to: writer) }
    let stored = NamedStateTests.bytes(try #require(writer.finish().rows.first).stored)
    let whole = try #require(try NamedStates(stored))
    for length in 4..<stored.count {
      guard let part = try? NamedStates(Array(stored.prefix(length))) else { continue }
      #expect(part.names.count < 3 && part.names == Array(whole.names.prefix(part.names.count)))
    }
  }

  @Test("A message between states closes their row, and the numbers go on")
  func rowsHoldOneKindOfRecord() throws {
    let writer = NamedStateTests.writer()
    try NamedStateTests.add("a", 1, to: writer)
    try NamedStateTests.add("b", 1, to: writer)
    try writer.add(OutgoingMessage(topic: "states", key: Array("a".utf8), value: nil, id: "gone", type: "state", time: NamedStateTests.time))
    try NamedStateTests.add("c", 1, to: writer)
    let (rows, lanes) = writer.finish()
    #expect(rows.map(\.firstSequence) == [1, 3, 4] && rows.map(\.records) == [2, 1, 1] && rows.map { $0.names != nil } == [true, false, true])
    #expect(lanes["states/0"] == 4)
  }

  @Test("What an owner committed and could not send, the next one sends under the same numbers, as it is then")
  func theNextOwnerReadsTheStateAnew() async throws {
    try await Toy.with { toy in
      try await TestDatabase.blocking {
        var environment = toy.environment("one")
        // All of them in one row's numbers.
        environment.layout = TopicLayout(["toy.out": 1])
        environment.states["toy.out"] = { keys, session in
          let rows = try session.query(Statement(name: "", sql: "SELECT value FROM numbers ORDER BY value DESC LIMIT 1"))
          let value = try rows.int64(0, 0)
          return keys.map { $0 == Array("gone".utf8) ? nil : CurrentState(version: value, value: Array("state \(value)".utf8)) }
        }
        let key = PositionKey(consumer: "one", cluster: toy.cluster, topic: "toy.in", partition: 0)
        let (silent, reporting) = (KeepingProducer(reports: false), KeepingProducer(reports: true))
        func writer(_ producer: KeepingProducer) throws -> LaneWriter<PostgresLaneStore, KeepingProducer> {
          let store = PostgresLaneStore(try PostgresSession(environment.database), logger: .silent, states: environment.states)
          return try LaneWriter(key: key, environment: environment, store: store, makeProducer: { producer }, keepGoing: { true })
        }
        let first = try writer(silent)
        func commit(_ version: Int64, _ names: [String]) throws {
          let step = Step(nextOffset: first.position.nextOffset + 1, anchor: nil, lanesIn: first.position.lanesIn)
          _ = try first.commit(step) { scope in
            try scope.session.execute("INSERT INTO numbers VALUES (\(version))")
            for name in names {
              name.utf8CString.withUnsafeBytes { bytes in
                let key = UnsafeRawBufferPointer(rebasing: bytes.dropLast())
                scope.outbox.send(topic: "toy.out", key: key, version: version, type: "state") { $0.text("state \(version)") }
              }
            }
          }
        }
        try commit(1, ["a", "gone"])
        try commit(2, ["a"])
        #expect(silent.sent == [.init(id: "a:1", value: "\"state 1\"", sequence: "1"), .init(id: "gone:1", value: "\"state 1\"", sequence: "2"),
          .init(id: "a:2", value: "\"state 2\"", sequence: "3")])

        let second = try writer(reporting)
        #expect(reporting.sent == [.init(id: "a:2", value: "state 2", sequence: "1"), .init(id: "gone:1", value: nil, sequence: "2"),
          .init(id: "a:2", value: "state 2", sequence: "3")])
        try second.tidy()
        try second.tidy()
        #expect(try PositionReport.outboxRecords(second.store.session) == 0)
      }
    }
  }

  private static func records(_ body: OutboxBody) throws -> [String] {
    func text(_ bytes: UnsafeRawBufferPointer) -> String { String(decoding: bytes, as: UTF8.self) }
    return try body.withUnsafeBytes { bytes in
      var reader = FrameReader(bytes)
      var found: [String] = []
      while !reader.isAtEnd {
        let record = try reader.next()
        found.append("\(text(record.id)) \(record.value.map(text) ?? "-")")
      }
      return found
    }
  }
}
