// Lane numbers and outbox rows: pure.
@testable import Messaging
import Domain
import Kafka
import Testing

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
      var writer = OutboxWriter(layout: layout, lanes: lanes)
      for number in 0..<20 { try writer.add(message("out", "k\(batch)-\(number)", "v")) }
      for row in writer.finish() { numbers[row.partition, default: []] += (0..<Int64(row.records)).map { row.firstSequence + $0 } }
      lanes = writer.lanes
    }
    #expect(numbers.values.reduce(0) { $0 + $1.count } == 100)
    for (partition, given) in numbers { #expect(given == Array(1...Int64(given.count)), "partition \(partition)") }
  }

  @Test func aRowGivesBackTheRecordsThatWereFramedIntoIt() throws {
    var writer = OutboxWriter(layout: TopicLayout(["out": 1]), lanes: LaneTable())
    let sent = [message("out", "a", "1"), message("out", "", ""), message("out", "c", nil)]
    for one in sent { try writer.add(one) }
    let row = try #require(writer.finish().first)
    let read = try Frame.read(row.body, topic: "out")
    #expect(read.map(\.key) == sent.map(\.key))
    #expect(read.map(\.value) == sent.map(\.value))
    #expect(read.map(\.time) == sent.map(\.time))
    #expect(read.map { $0.headers.map(\.name) } == sent.map { $0.headers.map(\.name) })
    for length in 1..<row.body.count where length != row.body.count {
      // A damaged row is refused, or (cut between records) holds fewer of them: never others.
      if let some = try? Frame.read(Array(row.body.prefix(length)), topic: "out") { #expect(some.count < sent.count) }
    }
  }

  @Test func aTopicThatIsNotInTheLayoutIsRefused() {
    var writer = OutboxWriter(layout: TopicLayout(["out": 1]), lanes: LaneTable())
    #expect(throws: OutboxFault.unknownTopic("elsewhere")) { try writer.add(message("elsewhere", "k", nil)) }
  }

  @Test func headersComeBackFromTheirColumn() {
    let headers = [KafkaHeader("source", "pos"), KafkaHeader(name: "none", value: nil), KafkaHeader("empty", "")]
    #expect(HeaderBytes.decode(HeaderBytes.encode(headers)) == headers)
    #expect(HeaderBytes.decode([]) == [])
  }
}
