// The partition processor: one thread, one connection, one partition. Take, begin, fence, load, decide, write, commit, relay.
import Contracts
import Dispatch
import Domain
import Failpoints
import Handling
import Kafka
import Lifecycle
import Postgres
import Synchronization
import Telemetry

/// What a partition is doing, for `/readyz`, metrics and `clientele doctor`.
public enum PartitionState: Sendable, Equatable {
  case starting
  case running
  case waitingForDatabase(String)
  case halted(String)
  case stopped

  var isHalted: Bool { if case .halted = self { true } else { false } }
}

/// Sizes of one batch. The larger, the less an event costs; the smaller, the less memory a partition needs: records lie there as they came, as rows
/// and as what is published of them.
public struct BatchLimits: Sendable {
  public static let recordsDefault = 3_000
  /// A record alone may take so much.
  static let bytesMin = 1 << 20
  static let bytesMost = 12 << 20
  /// What a record has on the average before the bytes of a batch end it.
  static let bytesPerRecord = 640

  public let recordsMax: Int
  public let bytesMax: Int
  /// Records fetched ahead for one partition, in KiB of what arrived.
  public let prefetchKibibytesMax: Int
  /// How long an empty partition is waited for, in milliseconds; also how late a stop is noticed.
  public var waitMilliseconds = 50
  /// How often the log is compared with the position while the partition runs, in nanoseconds.
  public var checkNanoseconds = LogCheck.everyNanoseconds

  /// - Parameter recordsMax: of one batch; bytes and what is fetched ahead go with it, within limits.
  public init(recordsMax: Int = BatchLimits.recordsDefault) {
    self.recordsMax = max(1, recordsMax)
    bytesMax = min(BatchLimits.bytesMost, max(BatchLimits.bytesMin, self.recordsMax * BatchLimits.bytesPerRecord))
    prefetchKibibytesMax = min(KafkaSettings.prefetchKibibytesDefault, max(2 * BatchLimits.bytesMin >> 10, bytesMax >> 10))
  }
}

final class PartitionWorker<Handler: RecordHandler>: Sendable where Handler.Session == PostgresSession {
  private struct Shared {
    var stream: PartitionStream?
    var isStopping = false
    var isLost = false
    /// The client reported something after which the log is to be looked at.
    var mustCheck = false
    var state = PartitionState.starting
    var thread: OwnedThread?
  }

  let partition: TopicPartition
  private let handler: Handler
  private let environment: LaneEnvironment
  private let limits: BatchLimits
  private let release: @Sendable (TopicPartition, Int64) -> Void
  private let probe: KafkaProbe
  private let shared = Mutex(Shared())
  private let wakeUp = DispatchSemaphore(value: 0)
  private let logger: Logger
  private let measures: PartitionMeasures
  /// Whether the brokers have begun to name another cluster.
  private let isClusterChanged: @Sendable () -> Bool

  /// How long the last reports are waited for at a stop, in milliseconds.
  static var closeMillisecondsMax: Int { 5_000 }
  /// How long a halted partition waits before it looks whether it may go on, in milliseconds.
  static var haltMilliseconds: Int { 2_000 }
  /// How often a stream that leaves records out is begun anew at the same place before that counts as damage.
  static var restartsMax: Int { 7 }

  init(
    partition: TopicPartition, handler: Handler, environment: LaneEnvironment,
    release: @escaping @Sendable (TopicPartition, Int64) -> Void, isClusterChanged: @escaping @Sendable () -> Bool, probe: KafkaProbe
  ) {
    self.isClusterChanged = isClusterChanged
    self.partition = partition
    self.handler = handler
    self.environment = environment
    limits = environment.batches
    self.release = release
    self.probe = probe
    logger = environment.logger.with([.topic: .string(partition.topic), .partition: .int(partition.partition)])
    measures = PartitionMeasures(environment.metrics, partition)
  }

  var state: PartitionState { shared.withLock { $0.state } }
  private var isStopping: Bool { shared.withLock { $0.isStopping } }

  func start() {
    do throws(ThreadFailure) {
      let thread = try OwnedThread.start(name: "part-\(partition.partition)") { [self] in run() }
      shared.withLock { $0.thread = thread }
    } catch {
      become(.halted(error.description))
    }
  }

  func took(_ stream: PartitionStream) {
    shared.withLock { $0.stream = stream }
    wakeUp.signal()
  }

  func askToStop(lost: Bool) {
    let stream = shared.withLock { shared in
      shared.isStopping = true
      shared.isLost = shared.isLost || lost
      return shared.stream
    }
    stream?.wake()
    wakeUp.signal()
  }

  /// The log is to be compared with the position soon.
  func askToCheck() { shared.withLock { $0.mustCheck = true } }

  func join() { shared.withLock { $0.thread }?.join() }

  private func become(_ state: PartitionState) {
    let changed = shared.withLock { shared in
      defer { shared.state = state }
      return shared.state != state
    }
    measures.halted.set(state.isHalted ? 1 : 0)
    guard changed else { return }
    switch state {
    case .halted(let reason): logger.error("partition stands still until a person looks", [.reason: .string(reason)])
    case .waitingForDatabase(let reason): logger.warning("partition waits for the database", [.reason: .string(reason)])
    case .running: logger.info("partition runs")
    case .starting, .stopped: break
    }
  }

  // MARK: - Life

  private func run() {
    var backoff = Backoff()
    while !isStopping {
      do {
        try live { backoff.reset() }
      } catch let halt as Halt {
        become(.halted(halt.description))
        pause(Self.haltMilliseconds)
      } catch is Fenced {
        logger.warning("fenced: another owner moved this partition, claiming anew")
        pause(backoff.nextMilliseconds())
      } catch let failure as PostgresFailure where failure.kind == .configuration || failure.kind == .damaged {
        become(.halted(failure.description))
        pause(Self.haltMilliseconds)
      } catch let failure as PostgresFailure {
        become(.waitingForDatabase(failure.description))
        pause(backoff.nextMilliseconds())
      } catch let failure as KafkaFailure {
        if isStopping { break }
        switch failure.kind {
        case .closed: shared.withLock { $0.stream = nil }
        case .authorization, .unknownTopic: become(.halted(failure.description))
        // The next claim looks at the log, and says what is missing.
        default: logger.warning("the broker refused this partition", [.error: .string(failure.description)])
        }
        pause(backoff.nextMilliseconds())
      } catch {
        become(.halted(String(describing: error)))
        pause(Self.haltMilliseconds)
      }
    }
    become(.stopped)
  }

  @discardableResult
  private func pause(_ milliseconds: Int) -> Bool {
    if !isStopping { _ = wakeUp.wait(timeout: .now() + .milliseconds(milliseconds)) }
    return !isStopping
  }

  private typealias Writer = LaneWriter<PostgresLaneStore, Producer>

  /// From claim to the end of ownership, or to the first failure that needs a new claim.
  private func live(_ succeeded: () -> Void) throws {
    let session = try PostgresSession(environment.database, logger: logger)
    defer { session.close() }
    let key = PositionKey(consumer: handler.consumer, cluster: environment.cluster, topic: partition.topic, partition: partition.partition)
    let store = PostgresLaneStore(session, logger: logger, states: environment.states)
    let owner = PartitionOwner(key: key, partition: partition, store: store, probe: probe, logger: logger, isClusterChanged: isClusterChanged)
    do {
      try owner.refuseOtherCluster()
      let writer = try Writer(
        key: key, environment: environment, store: store,
        makeProducer: { [environment, logger] in try Producer(environment.kafka, logger: logger) }, keepGoing: { !self.isStopping })
      defer { writer.close(withinMilliseconds: shared.withLock { $0.isLost } ? 0 : Self.closeMillisecondsMax) }
      try owner.begin(writer)
      guard let stream = try stream(at: writer.position.nextOffset) else { return }
      become(.running)
      succeeded()
      try process(stream, writer, owner)
      Failpoints.reach(.revoked)
    } catch let halt as Halt {
      if !session.isBroken { try store.note(halt, of: key) }
      throw halt
    }
  }

  private func process(_ stream: PartitionStream, _ writer: Writer, _ owner: PartitionOwner) throws {
    let reading = PartitionReading(handler, partition)
    let applier = BatchApplier<Handler, PostgresLaneStore, Producer>(
      handler: handler, partition: partition, recordsMax: limits.recordsMax, logger: logger, measures: measures, pause: { self.pause($0) })
    applier.stormAcceptedBelow = owner.stormAcceptedBelow
    let memory = BatchMemory<Handler.Item>()
    var restarts = 0
    var lagKnownAt: Int64 = 0
    var checkedAt = SystemTime.monotonicNanoseconds()
    var pace = BatchPace()
    while !isStopping {
      let rest = pace.restMilliseconds(SystemTime.monotonicNanoseconds())
      if rest > 0 { pause(rest) }
      try writer.collect()
      if writer.relay.isFull {
        try writer.tidy()
        try writer.relay.collect(waitMilliseconds: limits.waitMilliseconds)
        continue
      }
      var batch = Batch<Handler.Item>(from: writer.position, memory: memory)
      defer { batch.giveBack(memory) }
      // While reports are awaited the wait is short, so that rows are deleted soon after they are confirmed.
      let wait = writer.relay.isIdle ? limits.waitMilliseconds : LaneRelayLimits.fullQueueMilliseconds
      do throws(KafkaFailure) {
        _ = try stream.take(max: applier.size.records, bytesMax: limits.bytesMax, waitMilliseconds: wait) { record in
          reading.read(record, into: &batch) { LogCheck.hasRecords(partition, from: $0, before: $1, probe) }
        }
      } catch {
        guard error.kind == .corrupt else { throw error }
        // Nothing was taken: failures are told alone. Bytes may have been damaged on the way only.
        logger.warning("damaged bytes arrived", [.error: .string(error.description)])
        batch.mustRestart = true
      }
      measures.repeats.increment(by: batch.repeats)
      if batch.next > writer.position.nextOffset {
        Failpoints.reach(.taken)
        pace.began(SystemTime.monotonicNanoseconds(), records: batch.entries.count, of: applier.size.records)
        try applier.apply(batch, writer)
        measures.delay(since: batch.oldestTimestamp, now: SystemTime.unixMicroseconds())
        restarts = 0
      } else {
        try writer.tidy()
      }
      if let halt = batch.halt { throw halt }
      if batch.mustRestart {
        restarts += 1
        try restart(stream, at: writer.position.nextOffset, try: restarts)
      }
      measures.position(writer.position.nextOffset, outboxAgeNanoseconds: writer.relay.ageNanoseconds)
      measureLag(writer.position.nextOffset, &lagKnownAt)
      try check(writer.position, owner, &checkedAt)
    }
  }

  private func restart(_ stream: PartitionStream, at next: Int64, try count: Int) throws {
    guard count <= Self.restartsMax else {
      throw Halt(
        reason: "\(partition) cannot be read at offset \(next): what the log holds there arrives damaged or not at all",
        missing: Missing(.damagedRecords, from: next, to: next))
    }
    logger.warning("the stream begins anew where something was left out", [.offset: .int(next)])
    pause(Backoff.firstMilliseconds << count)
    try stream.restart(at: next)
  }

  /// How often the end of the partition is asked for, in nanoseconds.
  private static var lagNanoseconds: Int64 { 5_000_000_000 }

  private func measureLag(_ next: Int64, _ knownAt: inout Int64) {
    let now = SystemTime.monotonicNanoseconds()
    guard now - knownAt >= Self.lagNanoseconds else { return }
    knownAt = now
    // Only a figure: an end that cannot be had now is asked for again.
    if let reach = try? probe.watermarks(partition) { measures.lag(reach.high - next) }
  }

  private func check(_ position: Position, _ owner: PartitionOwner, _ checkedAt: inout Int64) throws {
    let now = SystemTime.monotonicNanoseconds()
    let isAsked = shared.withLock { shared in
      defer { shared.mustCheck = false }
      return shared.mustCheck
    }
    guard isAsked || now - checkedAt >= limits.checkNanoseconds else { return }
    checkedAt = now
    do { try owner.check(position) } catch let failure as KafkaFailure {
      // Brokers that do not answer now are asked again; while they are away nothing is read either.
      logger.debug("the log could not be compared with the position", [.error: .string(failure.description)])
      shared.withLock { $0.mustCheck = true }
      if failure.kind == .retriable || failure.kind == .timedOut { return }
      throw failure
    }
  }

  private func stream(at offset: Int64) throws -> PartitionStream? {
    if let stream = shared.withLock({ $0.stream }) {
      try stream.restart(at: offset)
      return stream
    }
    release(partition, offset)
    while !isStopping {
      if let stream = shared.withLock({ $0.stream }) { return stream }
      _ = wakeUp.wait(timeout: .now() + .milliseconds(limits.waitMilliseconds))
    }
    return nil
  }
}
