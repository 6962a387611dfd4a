// The pure parts: who waits for which report, when silence is an alarm, where a key belongs, what an error means.
@testable import Kafka
import Testing

@Suite("Delivery ledger") struct DeliveryLedgerTests {
  @Test func aReportThatComesBeforeItsSenderWaitsIsNotLost() {
    var ledger = DeliveryLedger<String, Int>(inFlightMax: 2)
    let id = reserved(&ledger)
    #expect(ledger.settle(id, 7) == nil)
    guard case .alreadyReported(7) = ledger.park(id, "sender") else {
      Issue.record("the report was forgotten")
      return
    }
    #expect(ledger.inFlight == 0)
  }

  @Test func aReportResumesTheOneWhoWaits() {
    var ledger = DeliveryLedger<String, Int>(inFlightMax: 2)
    let id = reserved(&ledger)
    guard case .parked = ledger.park(id, "sender") else {
      Issue.record("not parked")
      return
    }
    #expect(ledger.settle(id, 7) == "sender")
    #expect(ledger.settle(id, 7) == nil, "a second report resumes nobody")
  }

  @Test func aSendCancelledBeforeItWaitsStillCountsUntilItsReport() {
    var ledger = DeliveryLedger<String, Int>(inFlightMax: 1)
    let id = reserved(&ledger)
    #expect(ledger.cancel(id) == nil)
    guard case .alreadyCancelled = ledger.park(id, "sender") else {
      Issue.record("a cancelled send was parked")
      return
    }
    #expect(ledger.reserve() == nil, "the record is still under way")
    #expect(ledger.settle(id, 7) == nil)
    #expect(ledger.reserve() != nil)
  }

  @Test func aFullLedgerRefusesToReserve() {
    var ledger = DeliveryLedger<String, Int>(inFlightMax: 2)
    #expect(ledger.reserve() == 1)
    #expect(ledger.reserve() == 2)
    #expect(ledger.reserve() == nil)
  }

  /// A number that must be there.
  private func reserved(_ ledger: inout DeliveryLedger<String, Int>) -> UInt64 {
    let id = ledger.reserve()
    #expect(id != nil)
    return id ?? 0
  }

  @Test func closingReachesThoseWhoWaitAndThoseAboutTo() {
    var ledger = DeliveryLedger<String, Int>(inFlightMax: 3)
    let waiting = reserved(&ledger)
    let about = reserved(&ledger)
    _ = ledger.park(waiting, "waiting")
    #expect(ledger.abandonAll(-1) == ["waiting"])
    guard case .alreadyReported(-1) = ledger.park(about, "about") else {
      Issue.record("one about to wait would wait for ever")
      return
    }
  }
}

@Suite("Stall watch") struct StallWatchTests {
  private let second: Int64 = 1_000_000_000

  @Test func silenceWithRecordsWaitingIsAnAlarmOncePerPeriod() {
    var watch = StallWatch(quietMillisecondsMax: 10_000)
    watch.handedOver(3, at: 0)
    #expect(watch.check(at: 9 * self.second) == nil)
    #expect(watch.check(at: 10 * self.second) == StallWatch.Alarm(waiting: 3, quietMilliseconds: 10_000))
    #expect(watch.check(at: 15 * self.second) == nil)
    #expect(watch.check(at: 20 * self.second) == StallWatch.Alarm(waiting: 3, quietMilliseconds: 20_000))
    #expect(watch.isStalled)
  }

  @Test func aReportEndsTheAlarmAndAnEmptyQueueRaisesNone() {
    var watch = StallWatch(quietMillisecondsMax: 10_000)
    watch.handedOver(2, at: 0)
    _ = watch.check(at: 11 * self.second)
    watch.reported(1, at: 12 * self.second)
    #expect(!watch.isStalled)
    #expect(watch.check(at: 21 * self.second) == nil)
    watch.reported(1, at: 21 * self.second)
    #expect(watch.check(at: 99 * self.second) == nil)
  }

  @Test func timeBeforeTheFirstRecordDoesNotCount() {
    var watch = StallWatch(quietMillisecondsMax: 10_000)
    watch.handedOver(1, at: 100 * self.second)
    #expect(watch.check(at: 105 * self.second) == nil)
  }
}

@Suite("Fetch watch") struct FetchWatchTests {
  private let second: Int64 = 1_000_000_000
  private let partition = TopicPartition(topic: "orders.v1", partition: 3)

  /// As librdkafka 2.0.2 writes it, shortened.
  static let statistics = """
    { "name": "t#consumer-1", "client_id": "t", "brokers":{ "127.0.0.1:9092/1": { "name":"127.0.0.1:9092/1", "nodeid":1, \
    "nodename":"127.0.0.1:9092", "state":"UP", "rx":10, "rxidle":125000, "toppars":{ "orders.v1-0":{ "topic":"orders.v1", "partition":0} , \
    "orders.v1-3":{ "topic":"orders.v1", "partition":3} } } , "127.0.0.1:9093/2": { "name":"127.0.0.1:9093/2", "nodeid":2, \
    "state":"TRY_CONNECT", "rxidle":45000000, "toppars":{ "in.x-1":{ "topic":"in.x", "partition":1} } } }, \
    "topics":{ "orders.v1": { "topic":"orders.v1", "age":1, "partitions":{ "9": { "partition":9, "broker":1 } } } }, "tx":1 }
    """

  @Test func theStatisticsSayWhichBrokerAnswersForWhichPartition() {
    #expect(BrokerFetching.all(in: Self.statistics) == [
      BrokerFetching(isUp: true, quietMilliseconds: 125, partitions: [TopicPartition(topic: "orders.v1", partition: 0), self.partition]),
      BrokerFetching(isUp: false, quietMilliseconds: 45_000, partitions: [TopicPartition(topic: "in.x", partition: 1)]),
    ])
    #expect(BrokerFetching.all(in: "") == [])
  }

  @Test func anIdlePartitionOfAnAnsweringBrokerIsNoStall() {
    var watch = FetchWatch(quietMillisecondsMax: 30_000)
    let broker = BrokerFetching(isUp: true, quietMilliseconds: 500, partitions: [self.partition])
    #expect(watch.check([broker], hungrySince: [self.partition: 0], at: 99 * self.second) == nil)
    #expect(watch.stalled.isEmpty)
  }

  @Test func aWaitingPartitionOfASilentBrokerIsSaidOncePerPeriodUntilItRecovers() {
    var watch = FetchWatch(quietMillisecondsMax: 30_000)
    let silent = BrokerFetching(isUp: true, quietMilliseconds: 40_000, partitions: [self.partition])
    #expect(watch.check([silent], hungrySince: [self.partition: 0], at: 29 * self.second) == nil)
    #expect(watch.check([silent], hungrySince: [self.partition: 0], at: 31 * self.second) == [self.partition])
    #expect(watch.check([silent], hungrySince: [self.partition: 0], at: 40 * self.second) == nil)
    #expect(watch.stalled == [self.partition])
    #expect(watch.check([silent], hungrySince: [self.partition: 0], at: 61 * self.second) == [self.partition])
    #expect(watch.check([silent], hungrySince: [:], at: 70 * self.second) == nil, "records come again")
    #expect(watch.stalled.isEmpty)
  }

  @Test func aPartitionWithoutALeaderIsAStallAndOneWithAFullQueueIsNone() {
    var watch = FetchWatch(quietMillisecondsMax: 30_000)
    #expect(watch.check([], hungrySince: [self.partition: 0], at: 31 * self.second) == [self.partition])
    let silent = BrokerFetching(isUp: true, quietMilliseconds: 40_000, partitions: [self.partition])
    #expect(watch.check([silent], hungrySince: [:], at: 99 * self.second) == nil)
  }
}

@Suite("Murmur2") struct Murmur2Tests {
  /// From the unit tests of Apache Kafka's own `Utils`.
  @Test(arguments: [
    ("21", -973_932_308), ("foobar", -790_332_482), ("a-little-bit-long-string", -985_981_536),
    ("a-little-bit-longer-string", -1_486_304_829), ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
    ("abc", 479_470_107),
  ])
  func theHashEqualsThatOfTheJavaClients(key: String, expected: Int32) {
    #expect(Murmur2.hash(Array(key.utf8)) == expected)
    #expect(Murmur2.hash(key.utf8) == expected, "also for bytes that are not an array")
  }

  @Test func aTopicWithoutPartitionsHasNoPlaceForAKey() {
    #expect(Murmur2.partition(key: [1, 2], count: 0) == nil)
    #expect(Murmur2.partition(key: Array("21".utf8), count: 1) == 0)
  }

  @Test func aNegativeHashGivesAPartitionWithinTheTopic() {
    // -973932308 without its sign bit is 1173551340.
    let expected: Int32? = 340
    #expect(Murmur2.partition(key: Array("21".utf8), count: 1_000) == expected)
  }
}

@Suite("Failures and settings") struct FailureTests {
  static let kinds: [(Int32, KafkaFailure.Kind)] = [
    (-195, .retriable), (-187, .retriable), (-150, .fatal), (82, .fatal), (-140, .outOfRange), (1, .outOfRange),
    (29, .authorization), (30, .authorization), (-169, .authorization), (-188, .unknownTopic), (-190, .unknownTopic), (3, .unknownTopic),
    (-184, .queueFull), (-185, .timedOut), (-192, .timedOut), (-152, .closed), (-199, .corrupt), (-170, .corrupt), (10, .configuration),
    (-1, .other),
  ]

  @Test(arguments: kinds)
  func everyErrorHasTheKindACallerActsOn(code: Int32, kind: KafkaFailure.Kind) {
    #expect(KafkaFailure.Kind(code: code) == kind)
  }

  @Test func anUnknownSettingIsRefusedWithItsName() {
    let failure = #expect(throws: KafkaFailure.self) {
      try Producer(KafkaSettings(brokers: "127.0.0.1:1", clientId: "t", overrides: ["no.such.setting": "1"]))
    }
    #expect(failure?.kind == .configuration)
    #expect(failure?.text.contains("no.such.setting") == true)
  }

  @Test func aPasswordIsNeverPrinted() {
    let tls = KafkaTLS(keyPassword: KafkaSecret("geheim-1"))
    let settings = KafkaSettings(
      brokers: "b:1", clientId: "t", security: .saslPlain(user: "u", password: KafkaSecret("geheim-2"), tls: tls))
    var dumped = ""
    dump(settings, to: &dumped)
    for text in ["\(settings)", String(reflecting: settings), dumped] { #expect(!text.contains("geheim")) }
  }

  @Test func passwordsOfAMemberReachTheLibraryAndNothingIsResetInSilence() {
    let settings = KafkaSettings(brokers: "b:1", clientId: "t", security: .saslPlain(user: "u", password: KafkaSecret("p"), tls: nil))
    let entries = Dictionary(settings.memberEntries(group: "g").map { ($0.name, $0.value) }) { $1 }
    #expect(entries["sasl.password"] == "p")
    #expect(entries["auto.offset.reset"] == "error")
    #expect(entries["enable.auto.commit"] == "false")
    let reader = Dictionary(settings.readerEntries(endsAreSeen: false).map { ($0.name, $0.value) }) { $1 }
    #expect(reader["check.crcs"] == "true")
    #expect(reader["isolation.level"] == "read_committed")
    let producer = Dictionary(settings.producerEntries(ProducerOptions()).map { ($0.name, $0.value) }) { $1 }
    #expect(producer["message.timeout.ms"] == "0")
    #expect(producer["enable.idempotence"] == "true")
  }
}
