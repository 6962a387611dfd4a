// Groups, streams and how partitions change hands.
import Kafka
import Lifecycle
import Synchronization
import Telemetry
import Testing

@Suite("Consumer") struct ConsumerTests {
  @Test(arguments: Cluster.available)
  func everyPartitionIsAStreamFromTheOffsetItsHandlerNames(cluster: Cluster) async throws {
    let settings = try await cluster.settings()
    let topic = try await cluster.makeTopic(partitions: 2)
    try fill(topic, [0: 20, 1: 10], settings)
    let (first, second) = (TopicPartition(topic: topic, partition: 0), TopicPartition(topic: topic, partition: 1))
    let worker = Worker()
    worker.positions.set(first, 15)
    let consumer = try Consumer(settings, group: "g-\(topic)", topics: [topic], handler: worker)
    try consumer.start()
    #expect(await worker.events.wait { $0.records.count >= 15 })
    #expect(worker.events.all.records.filter { $0.0 == first }.map(\.1) == Array(15..<20))
    #expect(worker.events.all.records.filter { $0.0 == second }.map(\.1) == Array(0..<10))
    await consumer.stop()
    #expect(worker.positions.all == [first: 20, second: 10])
    guard case .revoked(let given, lost: false)? = worker.events.all.last else {
      Issue.record("nothing was given back")
      return
    }
    #expect(given == [first, second])
  }

  @Test(arguments: Cluster.available)
  func offsetsAreCommittedForLagToolsAndCounted(cluster: Cluster) async throws {
    let settings = try await cluster.settings()
    let topic = try await cluster.makeTopic(partitions: 1)
    let worker = Worker()
    let consumer = try Consumer(settings, group: "g-\(topic)", topics: [topic], handler: worker)
    try consumer.start()
    #expect(await worker.events.wait { $0.contains { if case .started = $0 { true } else { false } } })
    consumer.commit([TopicPartition(topic: topic, partition: 0): 5])
    await consumer.stop()
    #expect(consumer.commitCounts == Consumer.CommitCounts(accepted: 1, refused: 0))
    consumer.commit([TopicPartition(topic: topic, partition: 0): 6])
    #expect(consumer.commitCounts.refused == 1)
  }

  @Test(arguments: Cluster.available)
  func aTakerThatStopsHoldsItsOwnPartitionOnlyAndKeepsItsPlaceInTheGroup(cluster: Cluster) async throws {
    var settings = try await cluster.settings(["queued.max.messages.kbytes": "64", "fetch.message.max.bytes": "65536"])
    settings.statisticsMilliseconds = 200
    let topic = try await cluster.makeTopic(partitions: 2)
    // 3 MB wait in the slow partition, of which 64 KiB and one answer (a batch of up to 1 MB) may be fetched ahead.
    try fill(topic, [0: 3_000, 1: 100], settings, valueBytes: 1_000)
    let slow = TopicPartition(topic: topic, partition: 0)
    let gate = StopSignal()
    let worker = Worker(beforeRecord: { partition, _ in
      if partition == slow { while !gate.waitBlocking(milliseconds: 60_000) {} }
    })
    let queued = Events<Int>()
    let consumer = try Consumer(settings, group: "g-\(topic)", topics: [topic], handler: worker) { statistics in
      for size in numbers(after: "\"fetchq_size\":", in: statistics) { queued.add(size) }
    }
    try consumer.start()
    #expect(await worker.events.wait { $0.records.count >= 100 }, "the other partition goes on")
    // Longer than the session of two seconds: thirteen statistics of 200 ms from each of two partitions.
    let before = queued.all.count
    #expect(await queued.wait { $0.count > before + 26 })
    #expect((queued.all.max() ?? .max) < 2_500_000, "what is not taken is not fetched")
    #expect(worker.events.all.count(of: slow) == 0)
    #expect(!worker.events.all.contains { if case .revoked = $0 { true } else { false } })
    gate.stop()
    #expect(await worker.events.wait { $0.count(of: slow) == 3_000 })
    await consumer.stop()
  }

  @Test(arguments: Cluster.available)
  func twoMembersShareThePartitionsAndEveryRecordIsHandledOnce(cluster: Cluster) async throws {
    let settings = try await cluster.settings()
    let topic = try await cluster.makeTopic(partitions: 4)
    try fill(topic, [0: 200, 1: 200, 2: 200, 3: 200], settings)
    let events = Events<GroupEvent>()
    let positions = Positions()
    let gate = StopSignal()
    // The first member stands still in each partition after a few records, so that it has something in hand when the second comes.
    let first = Worker("first", events: events, positions: positions, beforeRecord: { _, offset in
      if offset >= 60 { _ = gate.waitBlocking(milliseconds: 60_000) }
    })
    let second = Worker("second", events: events, positions: positions)
    let one = try Consumer(settings, group: "g-\(topic)", topics: [topic], handler: first)
    let two = try Consumer(settings, group: "g-\(topic)", topics: [topic], handler: second)
    try one.start()
    #expect(await events.wait { $0.records.count >= 4 * 50 })
    try two.start()
    // The second cannot be given anything before the first has finished what it has in hand.
    gate.stop()
    #expect(await events.wait { $0.records.count >= 800 })
    #expect(await events.wait { $0.contains { if case .assigned(let given) = $0 { given.count == 2 } else { false } } })
    await one.stop()
    await two.stop()
    let records = events.all.records
    #expect(records.count == 800, "none twice")
    for number in 0..<4 as Range<Int32> {
      #expect(records.filter { $0.0.partition == number }.map(\.1) == Array(0..<200), "none missing, in order across the members")
    }
    noRecordFollowsItsRevocation(events.all)
  }

  @Test(arguments: Cluster.available)
  func stoppingInTheMiddleLosesAndRepeatsNothing(cluster: Cluster) async throws {
    let settings = try await cluster.settings()
    let topic = try await cluster.makeTopic(partitions: 1)
    try fill(topic, [0: 2_000], settings)
    let events = Events<GroupEvent>()
    let positions = Positions()
    let halfway = Events<Int64>()
    let log = LogCollector()
    let worker = Worker("one", events: events, positions: positions, beforeRecord: { _, offset in
      if offset == 500 { halfway.add(offset) }
    })
    let one = try Consumer(
      settings, group: "g-\(topic)", topics: [topic], handler: worker, logger: Logger(service: "t", sink: log))
    try one.start()
    #expect(await halfway.wait { !$0.isEmpty })
    await one.stop()
    #expect(!log.messages.contains("the group was not left in time"))
    let two = try Consumer(settings, group: "g-\(topic)", topics: [topic], handler: Worker("two", events: events, positions: positions))
    try two.start()
    #expect(await events.wait { $0.records.count >= 2_000 })
    await two.stop()
    #expect(events.all.records.map(\.1) == Array(0..<2_000))
  }

  @Test(arguments: Cluster.available)
  func anOffsetOutsideTheLogIsSaidAndTheStreamCanBeginAnew(cluster: Cluster) async throws {
    let settings = try await cluster.settings()
    let topic = try await cluster.makeTopic(partitions: 1)
    try fill(topic, [0: 10], settings)
    let partition = TopicPartition(topic: topic, partition: 0)
    let worker = Worker()
    worker.positions.set(partition, 1_000)
    let consumer = try Consumer(settings, group: "g-\(topic)", topics: [topic], handler: worker)
    try consumer.start()
    #expect(await worker.events.wait { $0.contains { if case .streamFailed = $0 { true } else { false } } })
    let failures = worker.events.all.compactMap { event -> KafkaFailure? in
      if case .streamFailed(_, let failure) = event { failure } else { nil }
    }
    #expect(failures.map(\.kind) == [.outOfRange])
    let stream = try #require(worker.stream(partition))
    let read = try await OwnedThread.value(name: "again") { () -> Result<[Int64], KafkaFailure> in
      do throws(KafkaFailure) {
        try stream.restart(at: 4)
        var offsets: [Int64] = []
        while offsets.count < 6 {
          guard try stream.take(max: 4, bytesMax: 1_000, waitMilliseconds: 10_000, { offsets.append($0.offset) }) > 0 else { break }
        }
        return .success(offsets)
      } catch {
        return .failure(error)
      }
    }
    #expect(try read.get() == Array(4..<10))
    #expect(stream.nextOffset == 10)
    await consumer.stop()
    #expect(stream.isClosed)
    let closed = #expect(throws: KafkaFailure.self) { try stream.take(max: 1, bytesMax: 1, waitMilliseconds: 0) { _ in } }
    #expect(closed?.kind == .closed)
  }

  @Test(arguments: Cluster.available)
  func aHeldPartitionBeginsWhenItIsReleasedAndNotBefore(cluster: Cluster) async throws {
    let settings = try await cluster.settings()
    let topic = try await cluster.makeTopic(partitions: 2)
    try fill(topic, [0: 5, 1: 5], settings)
    let held = TopicPartition(topic: topic, partition: 1)
    let worker = Worker(begins: { $0 != held })
    let consumer = try Consumer(settings, group: "g-\(topic)", topics: [topic], handler: worker)
    try consumer.start()
    #expect(await worker.events.wait { $0.records.count == 5 })
    #expect(worker.events.all.count(of: held) == 0)
    // One that is not ours is left alone.
    consumer.release(TopicPartition(topic: topic, partition: 7), at: 0)
    consumer.release(held, at: 2)
    #expect(await worker.events.wait { $0.count(of: held) == 3 })
    #expect(worker.events.all.records.filter { $0.0 == held }.map(\.1) == [2, 3, 4])
    await consumer.stop()
    guard case .revoked(let given, _)? = worker.events.all.last else {
      Issue.record("nothing was given back")
      return
    }
    #expect(given.contains(held))
  }

  @Test func aWaitingTakeReturnsAtOnceWhenWoken() async throws {
    let settings = try await Cluster.builtIn.settings()
    let topic = try await Cluster.builtIn.makeTopic(partitions: 1)
    let worker = Worker(begins: { _ in true })
    let consumer = try Consumer(settings, group: "g-\(topic)", topics: [topic], handler: worker)
    try consumer.start()
    #expect(await worker.events.wait { $0.contains { if case .started = $0 { true } else { false } } })
    // The worker waits up to a second at a time; ending it must not take even that.
    let clock = ContinuousClock()
    let stopped = clock.measure { worker.revoked([TopicPartition(topic: topic, partition: 0)], lost: false) }
    #expect(stopped < .milliseconds(700))
    await consumer.stop()
  }

  @Test func aTakeThatIsStillWaitingWhenItsPartitionGoesIsCalledBack() async throws {
    /// Forgets to stop its worker.
    final class Careless: ConsumerHandler {
      let outcomes = Events<Result<Int, KafkaFailure>>()
      let taking = Events<Void>()
      func assigned(_ partitions: [TopicPartition]) -> [PartitionStart] { partitions.map { PartitionStart($0, .offset(0)) } }
      func started(_ stream: PartitionStream) {
        _ = try? OwnedThread.start(name: "careless") {
          self.taking.add(())
          for _ in 0..<2 {
            do throws(KafkaFailure) {
              self.outcomes.add(.success(try stream.take(max: 1, bytesMax: 1, waitMilliseconds: 60_000) { _ in }))
            } catch {
              self.outcomes.add(.failure(error))
            }
          }
        }
      }
      func revoked(_ partitions: [TopicPartition], lost: Bool) {}
      func failed(_ failure: KafkaFailure, _ partition: TopicPartition?) {}
    }
    let topic = try await Cluster.builtIn.makeTopic(partitions: 1)
    let handler = Careless()
    let consumer = try Consumer(try await Cluster.builtIn.settings(), group: "g-\(topic)", topics: [topic], handler: handler)
    try consumer.start()
    #expect(await handler.taking.wait { !$0.isEmpty })
    await consumer.stop()
    // The stop has waited for the first take; the second finds the stream closed.
    #expect(await handler.outcomes.wait { $0.count == 2 })
    let failure = #expect(throws: KafkaFailure.self) { try handler.outcomes.all[1].get() }
    #expect(failure?.kind == .closed)
  }

  @Test func aBrokerThatFallsSilentIsSaidAloudAndItsPartitionsRecover() async throws {
    let broker = try BuiltInBroker()
    try broker.createTopic("t", partitions: 1)
    var settings = KafkaSettings(brokers: broker.address, clientId: "t", isBuiltIn: true)
    settings.fetchQuietMillisecondsMax = 400
    try fill("t", [0: 3], settings)
    let said = Events<String>()
    struct Sink: LogSink {
      let said: Events<String>
      func write(_ record: LogRecord) { self.said.add(record.message) }
    }
    let worker = Worker()
    let consumer = try Consumer(
      settings, group: "g", topics: ["t"], handler: worker, logger: Logger(service: "t", sink: Sink(said: said)))
    try consumer.start()
    #expect(await worker.events.wait { $0.records.count == 3 })
    #expect(consumer.stalledPartitions.isEmpty)
    try broker.setDelay(1, milliseconds: 2_000)
    #expect(await said.wait { $0.contains("nothing comes from the brokers of these partitions") })
    #expect(consumer.stalledPartitions == [TopicPartition(topic: "t", partition: 0)])
    try broker.setDelay(1, milliseconds: 0)
    try fill("t", [0: 1], settings)
    #expect(await worker.events.wait { $0.records.map(\.1) == [0, 1, 2, 3] })
    await consumer.stop()
  }

  @Test func aConsumerThatWasNeverStartedStopsAtOnce() async throws {
    let consumer = try Consumer(KafkaSettings(brokers: "127.0.0.1:1", clientId: "t"), group: "g", topics: ["t"], handler: Worker())
    await consumer.stop()
    await consumer.stop()
  }
}

/// What was taken from a partition after its revocation may belong to somebody else already.
private func noRecordFollowsItsRevocation(_ events: [GroupEvent]) {
  var revoked: Set<TopicPartition> = []
  for event in events {
    switch event {
    case .revoked(let partitions, _): revoked.formUnion(partitions)
    case .started(let partition): revoked.remove(partition)
    case .record(_, let partition, let offset, _): #expect(!revoked.contains(partition), "\(partition) at \(offset)")
    default: break
    }
  }
}

/// The whole numbers that follow a text.
private func numbers(after marker: String, in text: String) -> [Int] {
  var found: [Int] = []
  let (wanted, all) = (Array(marker.utf8), Array(text.utf8))
  var index = 0
  while index + wanted.count < all.count {
    guard all[index] == wanted[0], all[index..<(index + wanted.count)].elementsEqual(wanted) else {
      index += 1
      continue
    }
    index += wanted.count
    var number = 0
    while index < all.count, (48...57).contains(all[index]) {
      number = number * 10 + Int(all[index] - 48)
      index += 1
    }
    found.append(number)
  }
  return found
}
