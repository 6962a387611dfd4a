// Sending, on real brokers and on the built-in one.
import Kafka
import Synchronization
import Telemetry
import Testing

@Suite("Producer") struct ProducerTests {
  @Test(arguments: Cluster.available)
  func nullsEmptiesKeysAndHeadersArriveAsTheyWereSent(cluster: Cluster) async throws {
    let settings = try await cluster.settings()
    let topic = try await cluster.makeTopic(partitions: 1)
    let headers = [
      KafkaHeader("ce_id", "1"), KafkaHeader(name: "twice", value: nil), KafkaHeader(name: "twice", value: []), KafkaHeader("ü", "ß"),
    ]
    let sent: [(key: [UInt8]?, value: [UInt8]?, headers: [KafkaHeader])] = [
      (bytes("k"), bytes("v"), headers), (nil, bytes("no key"), []), ([], [], []), (bytes("gone"), nil, [KafkaHeader("x", "y")]),
    ]
    let producer = try Producer(settings)
    try producer.start()
    for (index, record) in sent.enumerated() {
      let place = try await producer.send(
        OutgoingRecord(topic: topic, partition: 0, key: record.key, value: record.value, headers: record.headers))
      #expect(place == RecordPlace(partition: 0, offset: Int64(index)))
    }
    #expect(await producer.close(within: .seconds(10)) == 0)
    let admin = try KafkaAdmin(settings)
    let read = try await admin.readAll(topic)
    await admin.close()
    #expect(read.map(\.key) == sent.map(\.key))
    #expect(read.map(\.value) == sent.map(\.value))
    #expect(read.map(\.headers) == sent.map(\.headers))
    #expect(read.map(\.offset) == [0, 1, 2, 3])
    #expect(read.allSatisfy { $0.timestampMilliseconds > 1_600_000_000_000 })
  }

  @Test(arguments: Cluster.available)
  func aKeyGoesWhereMurmur2Says(cluster: Cluster) async throws {
    let settings = try await cluster.settings()
    let topic = try await cluster.makeTopic(partitions: 7)
    let producer = try Producer(settings)
    let keys = (0..<300).map { bytes(String(repeating: "k", count: $0 % 9) + "\($0)") }
    var reports: [DeliveryReport] = []
    for (number, key) in keys.enumerated() {
      try producer.enqueue(OutgoingRecord(topic: topic, key: key, value: nil), token: UInt64(number))
    }
    #expect(producer.closeBlocking(withinMilliseconds: 20_000, into: &reports) == 0)
    #expect(reports.count == keys.count)
    for report in reports {
      #expect(try report.result.get().partition == Murmur2.partition(key: keys[Int(report.token)], count: 7))
    }
  }

  @Test(arguments: Cluster.available)
  func everyEnqueuedRecordHasOneReportAndOrderIsKept(cluster: Cluster) async throws {
    let settings = try await cluster.settings()
    let topic = try await cluster.makeTopic(partitions: 2)
    let producer = try Producer(settings)
    var reports: [DeliveryReport] = []
    for number in 0..<3_000 {
      let value = bytes("\(number)")
      try value.withUnsafeBytes { value in
        var headers = OutgoingHeaders(capacity: 1)
        headers.add("seq", value)
        try producer.enqueue(
          topic: topic, partition: Int32(number % 2), key: nil, value: value, headers: headers, token: UInt64(number))
      }
      if number % 500 == 0 { _ = try producer.drainReports(into: &reports, waitMilliseconds: 0) }
    }
    while reports.count < 3_000 {
      guard try producer.drainReports(into: &reports, waitMilliseconds: 10_000) > 0 else { break }
    }
    #expect(producer.unreportedCount == 0)
    #expect(Set(reports.map(\.token)).count == 3_000)
    for partition in 0..<2 {
      let places = try reports.filter { $0.token % 2 == partition }.sorted { $0.token < $1.token }.map { try $0.result.get() }
      #expect(places.map(\.offset) == Array(0..<1_500), "in order, without a hole or a copy")
      #expect(places.allSatisfy { $0.partition == Int32(partition) })
    }
    #expect(producer.closeBlocking(withinMilliseconds: 5_000, into: &reports) == 0)
  }

  @Test func otherEventsDoNotEndTheWaitForAReport() async throws {
    let topic = try await Cluster.builtIn.makeTopic(partitions: 1)
    var settings = try await Cluster.builtIn.settings()
    settings.statisticsMilliseconds = 10
    var options = ProducerOptions()
    options.lingerMilliseconds = 300
    let producer = try Producer(settings, options: options)
    try producer.enqueue(OutgoingRecord(topic: topic, partition: 0, key: nil, value: nil), token: 7)
    var reports: [DeliveryReport] = []
    #expect(try producer.drainReports(into: &reports, waitMilliseconds: 20_000) == 1)
    #expect(reports.map(\.token) == [7])
    #expect(producer.closeBlocking(withinMilliseconds: 5_000, into: &reports) == 0)
  }

  @Test func aFullQueueRefusesAndTakesAgainAfterReports() async throws {
    let topic = try await Cluster.builtIn.makeTopic(partitions: 1)
    var options = ProducerOptions()
    options.queuedRecordsMax = 5
    options.lingerMilliseconds = 1_000
    let producer = try Producer(try await Cluster.builtIn.settings(), options: options)
    let record = OutgoingRecord(topic: topic, partition: 0, key: nil, value: bytes("x"))
    for token in 0..<5 as Range<UInt64> { try producer.enqueue(record, token: token) }
    let failure = #expect(throws: KafkaFailure.self) { try producer.enqueue(record, token: 5) }
    #expect(failure?.kind == .queueFull)
    var reports: [DeliveryReport] = []
    #expect(try producer.flushBlocking(withinMilliseconds: 10_000, into: &reports))
    #expect(reports.count == 5)
    try producer.enqueue(record, token: 5)
    #expect(producer.closeBlocking(withinMilliseconds: 10_000, into: &reports) == 0)
    #expect(reports.count == 6)
  }

  @Test(arguments: Cluster.available)
  func closingFirstDeliversWhatWasHandedOver(cluster: Cluster) async throws {
    let settings = try await cluster.settings()
    let topic = try await cluster.makeTopic(partitions: 1)
    let reports = Events<DeliveryReport>()
    var options = ProducerOptions()
    options.lingerMilliseconds = 300
    let producer = try Producer(settings, options: options) { reports.add($0) }
    try producer.start()
    for number in 0..<500 {
      try producer.enqueue(OutgoingRecord(topic: topic, partition: 0, key: nil, value: bytes("\(number)")), token: UInt64(number))
    }
    #expect(await producer.close(within: .seconds(20)) == 0)
    #expect(reports.all.count == 500)
    let failure = #expect(throws: KafkaFailure.self) {
      try producer.enqueue(OutgoingRecord(topic: topic, key: nil, value: nil), token: 1)
    }
    #expect(failure?.kind == .closed)
    let admin = try KafkaAdmin(settings)
    #expect(try await admin.readAll(topic).compactMap { string($0.value) } == (0..<500).map { "\($0)" })
    await admin.close()
  }

  @Test func whatCannotBeDeliveredIsReportedAtTheEndOfTheLimit() async throws {
    let reports = Events<DeliveryReport>()
    // Nobody listens on port 1.
    let producer = try Producer(KafkaSettings(brokers: "127.0.0.1:1", clientId: "t")) { reports.add($0) }
    try producer.start()
    for token in 1...3 as ClosedRange<UInt64> {
      try producer.enqueue(OutgoingRecord(topic: "t", key: nil, value: nil), token: token)
    }
    let sent = Task { try await producer.send(OutgoingRecord(topic: "t", key: nil, value: nil)) }
    while producer.unreportedCount < 4 { await Task.yield() }
    #expect(await producer.flush(within: .milliseconds(50)) == false)
    #expect(await producer.close(within: .milliseconds(100)) == 4)
    #expect(reports.all.map(\.token).sorted() == [1, 2, 3])
    for report in reports.all { #expect(throws: KafkaFailure.self) { try report.result.get() } }
    let failure = await #expect(throws: KafkaFailure.self) { try await sent.value }
    #expect(failure?.kind == .closed)
  }

  @Test func cancellingEndsTheWaitingButNotTheSending() async throws {
    let settings = try await Cluster.builtIn.settings()
    let topic = try await Cluster.builtIn.makeTopic(partitions: 1)
    var options = ProducerOptions()
    options.lingerMilliseconds = 500
    let producer = try Producer(settings, options: options)
    try producer.start()
    let task = Task { try await producer.send(OutgoingRecord(topic: topic, partition: 0, key: nil, value: bytes("x"))) }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(await producer.close(within: .seconds(10)) == 0)
    let admin = try KafkaAdmin(settings)
    #expect(try await admin.readAll(topic).count == 1)
    await admin.close()
  }

  @Test(arguments: Cluster.available)
  func aPartitionThatDoesNotExistIsRefusedAndItsHeadersAreFreedOnce(cluster: Cluster) async throws {
    let settings = try await cluster.settings()
    let topic = try await cluster.makeTopic(partitions: 1)
    let producer = try Producer(settings)
    try producer.start()
    // Once the topic is known the library refuses at once, which is where release 2.0.2 frees headers twice.
    _ = try await producer.send(OutgoingRecord(topic: topic, partition: 0, key: nil, value: nil, headers: [KafkaHeader("a", "b")]))
    for _ in 0..<100 {
      let failure = #expect(throws: KafkaFailure.self) {
        try producer.enqueue(
          OutgoingRecord(topic: topic, partition: 99, key: nil, value: nil, headers: [KafkaHeader("a", "b"), KafkaHeader("c", "d")]),
          token: 1)
      }
      #expect(failure?.kind == .unknownTopic)
    }
    #expect(await producer.close(within: .seconds(10)) == 0)
  }

  @Test func silenceFromABlockedClusterIsSaidAloudAndEndsWithTheNextReport() async throws {
    let broker = try BuiltInBroker()
    try broker.createTopic("t", partitions: 1)
    let log = LogCollector()
    var options = ProducerOptions()
    options.quietMillisecondsMax = 200
    let producer = try Producer(
      KafkaSettings(brokers: broker.address, clientId: "t", isBuiltIn: true), options: options, logger: Logger(service: "t", sink: log))
    var reports: [DeliveryReport] = []
    try producer.enqueue(OutgoingRecord(topic: "t", partition: 0, key: nil, value: nil), token: 1)
    _ = try producer.flushBlocking(withinMilliseconds: 10_000, into: &reports)
    try broker.setDelay(1, milliseconds: 1_500)
    try producer.enqueue(OutgoingRecord(topic: "t", partition: 0, key: nil, value: nil), token: 2)
    for _ in 0..<100 where !producer.isStalled { _ = try producer.drainReports(into: &reports, waitMilliseconds: 50) }
    #expect(producer.isStalled)
    #expect(log.messages.contains("no delivery report although records wait"))
    try broker.setDelay(1, milliseconds: 0)
    #expect(try producer.flushBlocking(withinMilliseconds: 10_000, into: &reports))
    #expect(!producer.isStalled)
    #expect(reports.map(\.token) == [1, 2])
    _ = producer.closeBlocking(withinMilliseconds: 1_000, into: &reports)
  }

  @Test func afterAFatalFailureEverythingIsRefused() async throws {
    let broker = try BuiltInBroker()
    // The producer's id (request 22) is refused for want of a right (31), which the library takes as final.
    try broker.failNext(1, apiKey: 22, code: 31)
    let producer = try Producer(KafkaSettings(brokers: broker.address, clientId: "t", isBuiltIn: true))
    var reports: [DeliveryReport] = []
    var expected: [UInt64] = []
    do throws(KafkaFailure) {
      try producer.enqueue(OutgoingRecord(topic: "t", partition: 0, key: nil, value: nil), token: 1)
      expected = [1]
    } catch {
      // The refusal may come before the first record.
      #expect(error.kind == .fatal)
    }
    for _ in 0..<100 where producer.fatalFailure == nil || reports.count < expected.count {
      _ = try producer.drainReports(into: &reports, waitMilliseconds: 100)
    }
    #expect(producer.fatalFailure?.kind == .fatal)
    #expect(producer.fatalFailure?.name == "CLUSTER_AUTHORIZATION_FAILED")
    #expect(reports.map(\.token) == expected)
    let failure = #expect(throws: KafkaFailure.self) {
      try producer.enqueue(OutgoingRecord(topic: "t", partition: 0, key: nil, value: nil), token: 2)
    }
    #expect(failure?.kind == .fatal)
    _ = producer.closeBlocking(withinMilliseconds: 1_000, into: &reports)
  }
}
