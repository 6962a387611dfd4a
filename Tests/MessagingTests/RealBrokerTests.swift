// What only real brokers do: crash and come back, lose the end of a log, elect a leader that has less, make a topic anew under a reader, and
// take rights away.
@testable import Messaging
import Embedded
import Glibc
import Kafka
import Lifecycle
import Postgres
import TestSupport
import Testing

@Suite(
  .serialized, .enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)"), .enabled(if: TestKafka.isDistribution, "\(TestKafka.whyNot)"),
  .timeLimit(.minutes(4)))
struct RealBrokerTests {
  private static let topics = Toy.topics.map { (name: $0, partitions: Int32(1)) }

  private func isHalted(_ consumer: TopicConsumer<NumberHandler>) -> Bool { consumer.states.contains { $0.state.isHalted } }

  /// Limits with which a partition looks at its log ten times in a second instead of twice in a minute.
  private var watchful: BatchLimits {
    var limits = BatchLimits()
    limits.checkNanoseconds = 100_000_000
    return limits
  }

  @Test("an idempotent producer stores every record once and in order though the broker is killed and comes back")
  func restarts() async throws {
    try await TestCluster.with { cluster in
      let settings = await cluster.settings
      try await TestKafka.makeAnew([("toy.in", 1)], settings)
      let stop = StopSignal()
      let sending = Task {
        try await TestDatabase.blocking {
          let producer = try Producer(settings)
          var reports: [DeliveryReport] = []
          var sent: UInt64 = 0
          while !stop.isStopping {
            // While the broker is away they wait here, and no more are made.
            guard producer.unreportedCount < 1_000 else {
              _ = try producer.drainReports(into: &reports, waitMilliseconds: 100)
              continue
            }
            try producer.enqueue(OutgoingRecord(topic: "toy.in", partition: 0, key: nil, value: Array("\(sent)".utf8)), token: sent)
            sent += 1
            _ = try producer.drainReports(into: &reports, waitMilliseconds: 1)
          }
          #expect(producer.closeBlocking(withinMilliseconds: 60_000, into: &reports) == 0)
          for report in reports { _ = try report.result.get() }
          #expect(reports.count == Int(sent))
          return Int(sent)
        }
      }
      for _ in 0..<2 {
        await cluster.kill(0)
        try await cluster.start(0)
      }
      stop.stop()
      let sent = try await sending.value
      let stored = try await TestDatabase.blocking { try KafkaProbe(settings).readAll("toy.in") }
      #expect(sent > 100)
      #expect(stored.map { $0.value ?? [] } == (0..<sent).map { Array("\($0)".utf8) })
    }
  }

  /// `before` records are read; then the topic is made anew, under the running consumer or before the next one, and holds `after` others.
  private func makeAnew(before: Int, after: Int, isRunning: Bool) async throws -> (kinds: [String], numbers: [Int64]) {
    var found: (kinds: [String], numbers: [Int64]) = ([], [])
    try await TestKafka.with(topics: RealBrokerTests.topics) { kafka in
      try await Toy.with(kafka, partitions: 1) { toy in
        try await toy.publish((0..<before).map { toy.record(String(1_000 + $0)) })
        if !isRunning { try await toy.run([toy.consumer("one")]) { try await toy.numbers("one").count == before } }
        let consumer = toy.consumer("one", limits: watchful)
        let stop = StopSignal()
        func start() -> Task<Void, any Error> { Task { try await consumer.run(stop) } }
        var running = isRunning ? start() : nil
        try await eventually { try await toy.numbers("one").count == before }
        try await TestKafka.makeAnew([("toy.in", 1)], kafka)
        try await toy.publish((0..<after).map { toy.record(String(5_000 + $0)) })
        if running == nil { running = start() }
        try await eventually { isHalted(consumer) }
        stop.stop()
        try await running?.value
        found = (try await toy.query("one", "SELECT DISTINCT kind FROM gap_log WHERE settled_at IS NULL"), try await toy.numbers("one"))
      }
    }
    return found
  }

  @Test("a topic made anew under a reader, with an end below its position, halts the partition", arguments: [true, false])
  func endBelow(isRunning: Bool) async throws {
    let found = try await makeAnew(before: 100, after: 20, isRunning: isRunning)
    #expect(found.kinds == ["ends-early"] || found.kinds == ["another-record"] || found.kinds == ["another-record", "ends-early"])
    #expect(found.numbers == Array(1_000..<1_100))
  }

  @Test("a topic made anew under a reader, with an end above its position, halts the partition", arguments: [true, false])
  func endAbove(isRunning: Bool) async throws {
    let found = try await makeAnew(before: 20, after: 100, isRunning: isRunning)
    // A reader that runs may look while the new topic has few records yet; the next one finds all of them.
    #expect(found.kinds.contains("another-record") || (isRunning && found.kinds.contains("ends-early")), "\(found.kinds)")
    #expect(found.numbers == Array(1_000..<1_020))
  }

  /// Cuts the last part off a partition's log, and removes what was derived from it, as a loss of power does.
  private func cutTail(_ folder: String, keeping share: Double) async throws {
    let log = folder + "/00000000000000000000.log"
    var facts = stat()
    guard stat(log, &facts) == 0, truncate(log, Int(Double(facts.st_size) * share)) == 0 else { throw HelperFailure("\(log) cannot be cut") }
    let script = "rm -f -- \"$1\"/*.snapshot \"$1\"/*.index \"$1\"/*.timeindex"
    let process = try await HelperProcess.start(.init(executable: "/bin/sh", arguments: ["-c", script, "sh", folder]))
    #expect(await process.waitForExit(within: .seconds(10)) == 0)
  }

  @Test("when a log lost its tail the reader halts, and the relay goes on with a new producer") func lostTail() async throws {
    try await TestCluster.with { cluster in
      let kafka = await cluster.settings
      try await TestKafka.makeAnew(RealBrokerTests.topics, kafka)
      try await Toy.with(kafka, partitions: 1) { toy in
        let (one, two) = (toy.consumer("one", limits: watchful), toy.consumer("two", limits: watchful))
        let stop = StopSignal()
        let running = [Task { try await one.run(stop) }, Task { try await two.run(stop) }]
        // Several batches, so that a whole part of the log can be missing.
        for round in 0..<5 {
          try await toy.publish((0..<100).map { toy.record(String(1_000 + round * 100 + $0)) })
          try await eventually { try await toy.numbers("two").count == (round + 1) * 100 }
        }
        await cluster.kill(0)
        try await cutTail(await cluster.logFolder(TopicPartition(topic: "toy.out", partition: 0)), keeping: 0.6)
        try await cluster.start(0)
        try await eventually { isHalted(two) }
        let kinds = try await toy.query("two", "SELECT DISTINCT kind FROM gap_log WHERE settled_at IS NULL")
        #expect(!kinds.isEmpty && Set(kinds).isSubset(of: ["ends-early", "another-record", "lane-gap"]), "\(kinds)")
        try await toy.publish((0..<100).map { toy.record(String(2_000 + $0)) })
        // Every row is confirmed at last: the producer that lost its place was replaced.
        try await eventually {
          let numbers = try await toy.numbers("one").count
          let waiting = try await toy.query("one", "SELECT count(*)::text FROM outbox")
          return numbers == 600 && waiting == ["0"]
        }
        #expect(try await toy.numbers("two").count == 500)
        stop.stop()
        for task in running { try await task.value }
      }
    }
  }

  @Test("an unclean election that loses confirmed records is seen by the numbers of their lane") func uncleanElection() async throws {
    // The group's own topic is on all three, the other topics on the first, which stays: only the one in question loses its leader.
    try await TestCluster.with(nodes: 3, settings: ["offsets.topic.replication.factor": "3"]) { cluster in
      let kafka = await cluster.settings
      for topic in Toy.topics where topic != "toy.out" {
        try await cluster.tool("kafka-topics.sh", ["--create", "--topic", topic, "--replica-assignment", "1"])
      }
      let loose = ["--config", "unclean.leader.election.enable=true", "--config", "min.insync.replicas=1"]
      try await cluster.tool("kafka-topics.sh", ["--create", "--topic", "toy.out", "--replica-assignment", "2:3"] + loose)
      try await Toy.with(kafka, partitions: 1) { toy in
        func applied(_ count: Int) async throws -> Bool {
          let numbers = try await toy.numbers("one").count
          let waiting = try await toy.query("one", "SELECT count(*)::text FROM outbox")
          return numbers == count && waiting == ["0"]
        }
        let one = toy.consumer("one")
        let stop = StopSignal()
        let running = Task { try await one.run(stop) }
        try await toy.publish((0..<50).map { toy.record(String(1_000 + $0)) })
        try await toy.run([toy.consumer("two")]) { try await toy.numbers("two").count == 50 }
        // One copy less, and what comes now has no other.
        await cluster.kill(2)
        try await toy.publish((0..<50).map { toy.record(String(1_100 + $0)) })
        try await eventually { try await applied(100) }
        await cluster.kill(1)
        try await cluster.start(2)
        try await toy.publish((0..<80).map { toy.record(String(1_200 + $0)) })
        try await eventually { try await applied(180) }
        let two = toy.consumer("two")
        try await toy.run([two]) { isHalted(two) }
        #expect(try await toy.query("two", "SELECT kind || ' ' || from_number || '-' || to_number FROM gap_log") == ["lane-gap 51-100"])
        #expect(try await toy.numbers("two") == Array(1_000..<1_050))
        stop.stop()
        try await running.value
      }
    }
  }
}
