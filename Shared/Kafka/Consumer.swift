// A member of a consumer group: which partitions are ours, from which offset they are read, and how they are given back.
import CRdKafka
public import Lifecycle
import Synchronization
public import Telemetry

/// Where to begin with an assigned partition.
public struct PartitionStart: Hashable, Sendable {
  public enum Position: Hashable, Sendable {
    /// From this absolute offset. An offset outside the log is reported by the stream, kind `outOfRange`.
    case offset(Int64)
    /// Not at all, for now: see ``Consumer/release(_:at:)``.
    case hold
  }
  public let partition: TopicPartition
  public let position: Position

  public init(_ partition: TopicPartition, _ position: Position) {
    self.partition = partition
    self.position = position
  }
}

/// Told by a ``Consumer`` what happens to its partitions. All calls come from the consumer's own thread, one after the other.
public protocol ConsumerHandler: AnyObject, Sendable {
  /// These partitions are ours. Says where to begin with each; one that is left out is held. May block (membership is kept meanwhile, for
  /// five minutes at most), so this is the place to read positions from a database.
  func assigned(_ partitions: [TopicPartition]) -> [PartitionStart]

  /// The partition is being fetched. The handler's worker takes from the stream, on a thread of its own.
  func started(_ stream: PartitionStream)

  /// These partitions are no longer ours, held ones among them. The workers must have stopped using their streams when this returns.
  /// `lost`: another member may have them already, so what is in hand is dropped rather than finished.
  func revoked(_ partitions: [TopicPartition], lost: Bool)

  /// Something failed that concerns the group, the connection or a partition as a whole. Kind `retriable` passes by itself, but positions
  /// should be checked again after it; kind `fatal` means that the consumer is finished.
  func failed(_ failure: KafkaFailure, _ partition: TopicPartition?)
}

/// Reads topics as a member of a group. Positions come from the handler, never from Kafka.
///
/// Two clients of the library work here: one is the member and fetches nothing, the other fetches and knows no group. So a partition can be
/// restarted without disturbing the others, and neither a slow worker nor an idle one touches the membership.
public final class Consumer: Sendable {
  /// Best-effort commits so far.
  public struct CommitCounts: Hashable, Sendable {
    public var accepted: Int
    public var refused: Int

    public init(accepted: Int = 0, refused: Int = 0) {
      self.accepted = accepted
      self.refused = refused
    }
  }

  private struct State {
    var isStarted = false
    var isStopping = false
    var hasEnded = false
    var stopWaiters: [CheckedContinuation<Void, Never>] = []
    var orders: [(partition: TopicPartition, offset: Int64)] = []
    var commits = CommitCounts()
    var fatal: KafkaFailure?
    var stalled: Set<TopicPartition> = []
  }

  /// The longest wait for an event, in milliseconds: how late an order or a reader's error may be noticed.
  private static let pollMillisecondsMax: Int32 = 50
  /// Events of the reader taken in one turn.
  private static let readerEventsMax = 100
  /// How long leaving the group may take, in nanoseconds, before the client is given up.
  private static let closeNanosecondsMax: Int64 = 10_000_000_000
  /// Orders that may wait for the consumer's thread.
  public static let ordersMax = 10_000

  public let group: String
  public let topics: [String]
  private let member: ClientHandle
  private let reader: ClientHandle
  private let memberWatch: ClientWatch
  private let readerWatch: ClientWatch
  private let handler: any ConsumerHandler
  private let logger: Logger
  private let state = Mutex(State())
  private let fetchQuietMillisecondsMax: Int64
  /// The reader's latest statistics that have not been looked at.
  private let fetching = Shared<String?>(nil)

  /// Makes the clients. Settings that they refuse are reported here; nothing is joined before `start()`.
  ///
  /// - Parameter onStatistics: gets the library's statistics as JSON, every `statisticsMilliseconds`, of each of the two clients.
  public init(
    _ settings: KafkaSettings, group: String, topics: [String], handler: any ConsumerHandler, logger: Logger = .silent,
    onStatistics: (@Sendable (String) -> Void)? = nil
  ) throws(KafkaFailure) {
    guard !topics.isEmpty else { throw KafkaFailure(kind: .configuration, text: "no topic to subscribe to") }
    self.group = group
    self.topics = topics
    self.handler = handler
    self.logger = logger.with([.part: .string("consumer"), .group: .string(group)])
    self.memberWatch = ClientWatch(logger: self.logger, onStatistics: onStatistics)
    let fetching = self.fetching
    let wanted = settings.statisticsMilliseconds > 0 ? onStatistics : nil
    self.readerWatch = ClientWatch(logger: self.logger) { statistics in
      fetching.withLock { $0 = statistics }
      wanted?(statistics)
    }
    self.fetchQuietMillisecondsMax = settings.fetchQuietMillisecondsMax
    self.member = try ClientHandle(.member, settings.memberEntries(group: group))
    self.reader = try ClientHandle(.reader, settings.streamEntries())
  }

  /// Joins the group, on a thread of the consumer's own.
  public func start() throws(KafkaFailure) {
    let mayStart = self.state.withLock { state in
      guard !state.isStarted, !state.isStopping else { return false }
      state.isStarted = true
      return true
    }
    guard mayStart else { return }
    do throws(KafkaFailure) {
      try self.subscribe()
      _ = try OwnedThread.starting("kafka-consumer") { self.serve() }
      self.logger.info("joining the group", ["topics": .list(self.topics.map { .string($0) }), "librdkafka": .string(KafkaLibrary.version)])
    } catch {
      self.state.withLock { $0.isStarted = false }
      throw error
    }
  }

  /// Gives all partitions back through `revoked`, leaves the group and ends the thread. Not cut short by cancellation.
  public func stop() async {
    await withCheckedContinuation { waiter in
      enum Next { case wait, endHere, already }
      let next = self.state.withLock { state -> Next in
        if state.hasEnded { return .already }
        let isFirst = !state.isStopping
        state.isStopping = true
        state.stopWaiters.append(waiter)
        return state.isStarted || !isFirst ? .wait : .endHere
      }
      switch next {
      case .already: waiter.resume()
      case .wait: self.member.wake()
      case .endHere:
        // Never started: only the clients are to be ended, which may block.
        if (try? OwnedThread.starting("kafka-consumer") { self.finish(memberLeft: true) }) == nil { self.finish(memberLeft: false) }
      }
    }
  }

  /// Begins with a partition that is assigned but held. The handler hears `started`; a partition that is no longer ours is left alone.
  /// Returns false when too many orders wait.
  @discardableResult
  public func release(_ partition: TopicPartition, at offset: Int64) -> Bool {
    let isTaken = self.state.withLock { state in
      guard state.orders.count < Consumer.ordersMax else { return false }
      state.orders.append((partition, offset))
      return true
    }
    if isTaken { self.member.wake() }
    return isTaken
  }

  /// Tells Kafka the next offset of each partition, only so that the usual tools show the lag. Returns at once; refusals are only counted.
  public func commit(_ offsets: [TopicPartition: Int64]) {
    guard !offsets.isEmpty else { return }
    do throws(KafkaFailure) {
      try self.member.use { pointers throws(KafkaFailure) in
        guard let list = rd_kafka_topic_partition_list_new(Int32(clamping: offsets.count)) else { return }
        defer { rd_kafka_topic_partition_list_destroy(list) }
        for (partition, offset) in offsets {
          rd_kafka_topic_partition_list_add(list, partition.topic, partition.partition).pointee.offset = offset
        }
        let error = rd_kafka_commit_queue(pointers.client.raw, list, pointers.events.raw, nil, nil)
        if error != RD_KAFKA_RESP_ERR_NO_ERROR { throw KafkaFailure(error) }
      }
    } catch {
      self.state.withLock { $0.commits.refused += 1 }
    }
  }

  public var commitCounts: CommitCounts { self.state.withLock { $0.commits } }
  /// Why nothing comes any more; nil while all is well.
  public var fatalFailure: KafkaFailure? { self.state.withLock { $0.fatal } }
  /// The partitions whose reader waits although nothing has come from their broker for `fetchQuietMillisecondsMax`. Idle ones are not
  /// among them.
  public var stalledPartitions: Set<TopicPartition> { self.state.withLock { $0.stalled } }
  /// Whether brokers have begun to name another cluster: everything known about offsets is then void.
  public var isClusterChanged: Bool { self.memberWatch.isClusterChanged || self.readerWatch.isClusterChanged }
  /// The latest complaint of the library, often the only sign of why it goes on retrying; empty when there was none.
  public var lastErrorText: String {
    let ofReader = self.readerWatch.lastErrorText
    return ofReader.isEmpty ? self.memberWatch.lastErrorText : ofReader
  }

  private func subscribe() throws(KafkaFailure) {
    try self.member.use { pointers throws(KafkaFailure) in
      guard let list = rd_kafka_topic_partition_list_new(Int32(clamping: self.topics.count)) else {
        throw KafkaFailure(kind: .other, text: "out of memory")
      }
      defer { rd_kafka_topic_partition_list_destroy(list) }
      for topic in self.topics { rd_kafka_topic_partition_list_add(list, topic, crdkafka_partition_unassigned) }
      let error = rd_kafka_subscribe(pointers.client.raw, list)
      if error != RD_KAFKA_RESP_ERR_NO_ERROR { throw KafkaFailure(error) }
    }
  }
}

// MARK: - The consumer's own thread

extension Consumer: Service {
  public var name: String { "kafka consumer \(self.group)" }

  /// Is a member until the stop is asked.
  public func run(_ stop: StopSignal) async throws {
    try self.start()
    await stop.wait()
    await self.stop()
  }

  /// What only the consumer's thread touches.
  private struct Holdings {
    var assigned: Set<TopicPartition> = []
    var streams: [TopicPartition: PartitionStream] = [:]
    var watch: FetchWatch
  }

  private func serve() {
    var holdings = Holdings(watch: FetchWatch(quietMillisecondsMax: self.fetchQuietMillisecondsMax))
    while !self.state.withLock({ $0.isStopping }) {
      self.turn(&holdings, events: nil)
    }
    let hasLeft = self.leaveGroup(&holdings)
    // A group that was not left in time has not revoked; the streams end all the same, before their client does.
    if !holdings.assigned.isEmpty { self.giveBack(Array(holdings.assigned), lost: true, &holdings) }
    self.finish(memberLeft: hasLeft)
  }

  /// One wait for an event of the member, then everything else that has come up. Returns whether the member had an event.
  @discardableResult
  private func turn(_ holdings: inout Holdings, events: LibraryPointer?) -> Bool {
    let hadEvent = try? self.member.use { pointers in
      guard let event = rd_kafka_queue_poll((events ?? pointers.events).raw, Consumer.pollMillisecondsMax) else { return false }
      defer { rd_kafka_event_destroy(event) }
      self.takeMemberEvent(event, pointers.client.raw, &holdings)
      return true
    }
    try? self.reader.use { pointers in
      var count = 0
      while count < Consumer.readerEventsMax, let event = rd_kafka_queue_poll(pointers.events.raw, 0) {
        if let (failure, partition) = self.readerWatch.take(event, of: pointers.client.raw) { self.tell(failure, partition) }
        rd_kafka_event_destroy(event)
        count += 1
      }
    }
    self.carryOutOrders(&holdings)
    self.lookForStall(&holdings)
    return hadEvent ?? false
  }

  private func lookForStall(_ holdings: inout Holdings) {
    let statistics = self.fetching.withLock { fetching in
      defer { fetching = nil }
      return fetching
    }
    guard let statistics else { return }
    let hungry = holdings.streams.compactMapValues { $0.hungrySince }
    let alarm = holdings.watch.check(BrokerFetching.all(in: statistics), hungrySince: hungry, at: SystemTime.monotonicNanoseconds())
    let stalled = holdings.watch.stalled
    self.state.withLock { $0.stalled = stalled }
    guard let alarm else { return }
    self.logger.warning("nothing comes from the brokers of these partitions", [
      .count: .int(alarm.count), "partitions": listed(alarm), .reason: .string(self.lastErrorText),
    ])
  }

  private func takeMemberEvent(_ event: OpaquePointer, _ client: OpaquePointer, _ holdings: inout Holdings) {
    switch rd_kafka_event_type(event) {
    case RD_KAFKA_EVENT_REBALANCE: self.rebalance(event, client, &holdings)
    case RD_KAFKA_EVENT_OFFSET_COMMIT:
      let isAccepted = rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR_NO_ERROR
      self.state.withLock { state in
        if isAccepted { state.commits.accepted += 1 } else { state.commits.refused += 1 }
      }
    default:
      if let (failure, partition) = self.memberWatch.take(event, of: client) { self.tell(failure, partition) }
    }
  }

  private func tell(_ failure: KafkaFailure, _ partition: TopicPartition?) {
    if failure.isFatal { self.state.withLock { $0.fatal = $0.fatal ?? failure } }
    self.handler.failed(failure, partition)
  }

  private func rebalance(_ event: OpaquePointer, _ client: OpaquePointer, _ holdings: inout Holdings) {
    let partitions = rd_kafka_event_topic_partition_list(event).map { partitionsOf($0) } ?? []
    switch rd_kafka_event_error(event) {
    case RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS:
      // The member acknowledges with an empty list: fetching is the reader's work, and only the reader's.
      if let none = rd_kafka_topic_partition_list_new(0) {
        self.note(rd_kafka_assign(client, none), client)
        rd_kafka_topic_partition_list_destroy(none)
      }
      self.begin(partitions, &holdings)
    case let error:
      let lost = rd_kafka_assignment_lost(client) != 0
      self.giveBack(partitions.isEmpty ? Array(holdings.assigned) : partitions, lost: lost, &holdings)
      self.note(rd_kafka_assign(client, nil), client)
      if error != RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS { self.tell(KafkaFailure(error), nil) }
    }
  }

  /// An assignment the library does not accept leaves the member without work: said, not swallowed.
  private func note(_ error: rd_kafka_resp_err_t, _ client: OpaquePointer) {
    guard error != RD_KAFKA_RESP_ERR_NO_ERROR else { return }
    self.tell(KafkaFailure(fatalErrorOf: client) ?? KafkaFailure(error), nil)
  }

  private func begin(_ partitions: [TopicPartition], _ holdings: inout Holdings) {
    holdings.assigned.formUnion(partitions)
    self.logger.info("partitions assigned", [.count: .int(partitions.count), "partitions": listed(partitions)])
    guard !partitions.isEmpty else { return }
    for start in self.handler.assigned(partitions) {
      guard case .offset(let offset) = start.position else { continue }
      self.startStream(start.partition, at: offset, &holdings)
    }
  }

  private func startStream(_ partition: TopicPartition, at offset: Int64, _ holdings: inout Holdings) {
    guard holdings.assigned.contains(partition), holdings.streams[partition] == nil else {
      self.logger.warning("a start was asked for a partition that is not held", [
        .topic: .string(partition.topic), .partition: .int(partition.partition),
      ])
      return
    }
    do throws(KafkaFailure) {
      let stream = try PartitionStream(partition, at: offset, reader: self.reader)
      holdings.streams[partition] = stream
      self.handler.started(stream)
    } catch {
      self.tell(error, partition)
    }
  }

  private func giveBack(_ partitions: [TopicPartition], lost: Bool, _ holdings: inout Holdings) {
    let ours = partitions.filter { holdings.assigned.contains($0) }
    self.logger.info("partitions revoked", [.count: .int(ours.count), "lost": .bool(lost), "partitions": listed(ours)])
    if !ours.isEmpty { self.handler.revoked(ours, lost: lost) }
    for partition in ours {
      holdings.assigned.remove(partition)
      holdings.streams.removeValue(forKey: partition)?.close()
    }
  }

  private func carryOutOrders(_ holdings: inout Holdings) {
    let orders = self.state.withLock { state in
      defer { state.orders.removeAll(keepingCapacity: true) }
      return state.orders
    }
    for order in orders { self.startStream(order.partition, at: order.offset, &holdings) }
  }

  /// Leaves the group; revocations come during it. Returns false when it took too long.
  private func leaveGroup(_ holdings: inout Holdings) -> Bool {
    let closing = try? self.member.use { pointers throws(KafkaFailure) -> LibraryPointer in
      guard let queue = rd_kafka_queue_new(pointers.client.raw) else { throw KafkaFailure(kind: .other, text: "out of memory") }
      if let failure = KafkaFailure(consuming: rd_kafka_consumer_close_queue(pointers.client.raw, queue)) {
        rd_kafka_queue_destroy(queue)
        throw failure
      }
      return LibraryPointer(raw: queue)
    }
    guard let closing else { return false }
    var deadline = SystemTime.monotonicNanoseconds() + Consumer.closeNanosecondsMax
    var hasLeft = false
    while !hasLeft, SystemTime.monotonicNanoseconds() < deadline {
      // The limit is for the library alone: a handler that finishes its work during the revocation does not use it up.
      if self.turn(&holdings, events: closing) { deadline = SystemTime.monotonicNanoseconds() + Consumer.closeNanosecondsMax }
      hasLeft = (try? self.member.use { pointers in rd_kafka_consumer_closed(pointers.client.raw) != 0 }) ?? false
    }
    guard hasLeft else { return false }
    // What came last, the outcomes of commits among it.
    while self.turn(&holdings, events: closing) {}
    rd_kafka_queue_destroy(closing.raw)
    return true
  }

  private func finish(memberLeft: Bool) {
    if memberLeft {
      self.member.destroy()
    } else {
      // A client that does not close would block its end too.
      self.logger.warning("the group was not left in time", [.reason: .string(self.memberWatch.lastErrorText)])
      self.member.abandon()
    }
    self.reader.destroy()
    let waiters = self.state.withLock { state in
      state.hasEnded = true
      defer { state.stopWaiters = [] }
      return state.stopWaiters
    }
    for waiter in waiters { waiter.resume() }
  }
}

/// A locked value that a closure and its owner share.
private final class Shared<Value: Sendable>: Sendable {
  private let value: Mutex<Value>

  init(_ value: Value) { self.value = Mutex(value) }

  func withLock<Result>(_ body: (inout Value) -> sending Result) -> sending Result {
    self.value.withLock { value in body(&value) }
  }
}

private func partitionsOf(_ list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>) -> [TopicPartition] {
  (0..<Int(list.pointee.cnt)).compactMap { index in
    let element = list.pointee.elems[index]
    guard let topic = element.topic else { return nil }
    return TopicPartition(topic: String(cString: topic), partition: element.partition)
  }
}

private func listed(_ partitions: [TopicPartition]) -> LogValue {
  .list(partitions.sorted().prefix(100).map { .string($0.description) })
}

extension OwnedThread {
  /// The same with this room's error.
  static func starting(_ name: String, _ body: @escaping @Sendable () -> Void) throws(KafkaFailure) -> OwnedThread {
    do throws(ThreadFailure) {
      return try OwnedThread.start(name: name, body)
    } catch {
      throw KafkaFailure(kind: .other, text: error.description)
    }
  }
}
