// Lane numbers and outbox rows: pure.
@testable import Messaging
import Domain
import Kafka
import Testing
import Text

@Suite struct LaneTests {
  @Test func theNextNumberIsAppliedARepeatIsDroppedAndAJumpIsAGap() {
    var table = LaneTable()
    let verdicts = [("a", 1), ("a", 1), ("a", 2), ("a", 5), ("a", 3), ("b", 1)].map { table.judge(lane: $0.0, sequence: Int64($0.1), offset: 0) }
    #expect(verdicts == [.next, .repeated, .next, .gap(after: 2), .next, .next])
  }

  @Test func whatCompactionTookOutOfTheLogIsNoGapAndMoreThanThatIsOne() {
    var table = LaneTable()
    table.holes += 3
    #expect(table.judge(lane: "a", sequence: 3, offset: 3) == .next)
    #expect(table.holes == 1)
    #expect(table.judge(lane: "b", sequence: 3, offset: 4) == .gap(after: 0))
    #expect(table.judge(lane: "b", sequence: 2, offset: 4) == .next)
    #expect(table.judge(lane: "a", sequence: 5, offset: 5) == .gap(after: 3))
  }

  @Test func aReaderOfALogWithoutItsBeginningTakesLanesUpAtAnyNumberButOnlyThere() {
    var table = LaneTable()
    table.adoptBelow = 100
    #expect(table.judge(lane: "a", sequence: 500, offset: 40) == .next)
    #expect(table.judge(lane: "a", sequence: 501, offset: 41) == .next)
    #expect(table.judge(lane: "a", sequence: 503, offset: 100) == .gap(after: 501))
    #expect(LaneTable(encoded: table.encoded) == table)
  }

  @Test func aTableComesBackFromItsBytesAndBrokenBytesAreRefused() {
    let table = LaneTable(["ingest/in.orders.v1/0": 7, "": 1, "profile.profiles.v1/1": .max])
    #expect(LaneTable(encoded: table.encoded) == table)
    #expect(LaneTable(encoded: []) == LaneTable())
    #expect(LaneTable(encoded: Array(table.encoded.dropLast())) == nil)
  }

  private func message(_ topic: String, _ key: String, _ value: String?) -> OutgoingMessage {
    OutgoingMessage(
      topic: topic, key: Array(key.utf8), value: value.map { Array($0.utf8) }, id: "id-\(key)", type: "t", time: Instant(microseconds: -5), traceParent: "tp",
      headers: [("h", "v"), ("empty", "")])
  }

  @Test func recordsOfOneDestinationAreNumberedWithoutGapsAcrossTransactions() throws {
    let layout = TopicLayout(["out": 3])
    var lanes = LaneTable()
    var numbers: [Int32: [Int64]] = [:]
    for batch in 0..<5 {
      let writer = OutboxWriter(layout: layout, lanes: lanes)
      for number in 0..<20 { try writer.add(message("out", "k\(batch)-\(number)", "v")) }
      let done = writer.finish()
      for row in done.rows { numbers[row.partition, default: []] += (0..<Int64(row.records)).map { row.firstSequence + $0 } }
      lanes = done.lanes
    }
    #expect(numbers.values.reduce(0) { $0 + $1.count } == 100)
    for (partition, given) in numbers { #expect(given == Array(1...Int64(given.count)), "partition \(partition)") }
  }

  @Test func aRowGivesBackTheRecordsThatWereFramedIntoIt() throws {
    let writer = OutboxWriter(layout: TopicLayout(["out": 1]), lanes: LaneTable())
    let sent = [message("out", "a", "1"), message("out", "", ""), message("out", "c", nil)]
    for one in sent { try writer.add(one) }
    try "d".utf8CString.withUnsafeBytes { key in
      let one = UnsafeRawBufferPointer(rebasing: key[..<1])
      try writer.add(topic: "out", key: one, version: 107, type: "t", time: Instant(microseconds: -5)) { $0.text("value") }
    }
    let row = try #require(writer.finish().rows.first)
    #expect(row.records == 4)
    let body = row.body.withUnsafeBytes { Array($0) }
    let read = try records(body)
    #expect(read.map(\.key) == sent.map { String(decoding: $0.key, as: UTF8.self) } + ["d"])
    #expect(read.map(\.value) == ["1", "", nil, #""value""#])
    #expect(read.map(\.id) == ["id-a", "id-", "id-c", "d:107"])
    #expect(read.map(\.time) == [-5, -5, -5, -5])
    #expect(read.map(\.headers) == Array(repeating: ["h=v", "empty="], count: 3) + [[]])
    for length in 1..<body.count {
      // A damaged row is refused, or (cut between records) holds fewer of them: never others.
      if let some = try? records(Array(body.prefix(length))) { #expect(some.count < read.count) }
    }
  }

  private struct Read {
    var key: String
    var value: String?
    var id: String
    var time: Int64
    var headers: [String]
  }

  private func records(_ body: [UInt8]) throws -> [Read] {
    func text(_ bytes: UnsafeRawBufferPointer) -> String { String(decoding: bytes, as: UTF8.self) }
    return try body.withUnsafeBytes { bytes in
      var reader = FrameReader(bytes)
      var found: [Read] = []
      while !reader.isAtEnd {
        let record = try reader.next()
        var headers: [String] = []
        try record.forEachHeader { headers.append(text($0) + "=" + text($1)) }
        found.append(
          Read(key: text(record.key), value: record.value.map(text), id: text(record.id), time: record.time.microseconds, headers: headers))
      }
      return found
    }
  }

  @Test func aRecordTooLargeForBrokersIsRefusedAndLeavesNothingBehind() throws {
    let writer = OutboxWriter(layout: TopicLayout(["out": 1]), lanes: LaneTable())
    let large = String(repeating: "x", count: OutboxWriter.recordBytesMax)
    #expect(throws: OutboxFault.tooLarge("out")) { try writer.add(message("out", "k", large)) }
    #expect(throws: OutboxFault.tooLarge("out")) {
      try writer.add(topic: "out", key: UnsafeRawBufferPointer(start: nil, count: 0), version: 1, type: "t", time: Instant(microseconds: 0)) { $0.text(large) }
    }
    #expect(writer.finish().rows.isEmpty)
  }

  @Test func aTopicThatIsNotInTheLayoutIsRefused() {
    let writer = OutboxWriter(layout: TopicLayout(["out": 1]), lanes: LaneTable())
    #expect(throws: OutboxFault.unknownTopic("elsewhere")) { try writer.add(message("elsewhere", "k", nil)) }
  }

  @Test func headersComeBackFromTheirColumn() {
    let headers = [KafkaHeader("source", "pos"), KafkaHeader(name: "none", value: nil), KafkaHeader("empty", "")]
    #expect(HeaderBytes.decode(HeaderBytes.encode(headers)) == headers)
    #expect(HeaderBytes.decode([]) == [])
  }
}
