// The processes of the services: what each of their threads does in one step, with the room's own parts.
import Contracts
import Domain
import Handling
import Kafka
import Postgres
import Telemetry

@testable import Messaging

/// The process is no more; nothing of it goes on.
struct ProcessCrashed: Error {}

/// One process of a service. What it believes to own may be out of date.
final class SimulatedProcess {
  let service: SimulatedService
  let name: String
  var isGone = false
  /// Stopped: it does nothing, and knows of nothing that happens meanwhile.
  var isStopped = false
  var workers: [TopicPartition: SimulatedWorker] = [:]
  var dueWorker: SimulatedWorker?
  var sessions: [SimulatedSession] = []
  var producers: [SimulatedProducer] = []

  init(_ service: SimulatedService, _ name: String) {
    self.service = service
    self.name = name
  }

  /// In an order that does not hang on hashing.
  var threads: [SimulatedWorker] { workers.sorted { $0.key < $1.key }.map(\.value) + [dueWorker].compactMap { $0 } }

  func crash() {
    isGone = true
    for session in sessions { session.vanish() }
    for producer in producers { producer.vanish() }
    forgetParts()
  }

  /// Parts know their process: without this neither would ever be freed.
  func forgetParts() {
    workers = [:]
    dueWorker = nil
    sessions = []
    producers = []
  }
}

/// One thread of a process.
class SimulatedWorker {
  unowned let world: World
  let process: SimulatedProcess
  let name: String
  var isBusy = false
  private var stepsToWait = 0

  init(_ world: World, _ process: SimulatedProcess, _ name: String) {
    self.world = world
    self.process = process
    self.name = name
  }

  func step() {
    guard !isBusy, !process.isGone, !process.isStopped else { return }
    if stepsToWait > 0 {
      stepsToWait -= 1
      return
    }
    isBusy = true
    defer { isBusy = false }
    do { try work() } catch {
      if process.isGone { return }
      world.note { "\(self.process.name) \(self.name): \(error)" }
      world.met(error, self)
      stop()
      stepsToWait = world.hasFaults ? world.chance.below(6) : 0
    }
  }

  /// One turn of the thread's loop.
  func work() throws {}
  /// Gives the lane back.
  func stop() {}
}

/// A lane: its connection, its tables, its producer.
class SimulatedLane: SimulatedWorker {
  typealias Writer = LaneWriter<SimulatedLaneStore, SimulatedProducer>
  var writer: Writer?
  private var session: SimulatedSession?

  func open(_ key: PositionKey) throws -> Writer {
    let session = try SimulatedSession(process.service.tables, process)
    process.sessions.append(session)
    self.session = session
    let writer = try Writer(
      key: key, environment: world.environment(process), store: SimulatedLaneStore(session),
      makeProducer: { [world, process] in
        let producer = try SimulatedProducer(world, process)
        process.producers.append(producer)
        return producer
      }, keepGoing: { [process] in !process.isGone })
    self.writer = writer
    return writer
  }

  override func stop() {
    guard !process.isGone else { return }
    writer?.close(withinMilliseconds: world.chance.happens(500) ? 0 : 5_000)
    writer = nil
    session?.close()
    process.sessions.removeAll { $0 === session }
    session = nil
  }

  /// Waits before a conflict is tried again; what holds the lock cannot go on meanwhile, so that it does not wait for ever.
  func pause() -> Bool { !process.isGone && (!world.isNested || world.chance.happens(600)) }
}

/// What `PartitionWorker` does, on simulated parts.
final class PartitionRunner<Handler: RecordHandler>: SimulatedLane where Handler.Session == SimulatedSession {
  private let partition: TopicPartition
  private let handler: Handler
  private var reading: PartitionReading<Handler>?
  private var applier: BatchApplier<Handler, SimulatedLaneStore, SimulatedProducer>?
  private var nextRead: Int64 = 0
  private var restarts = 0

  static var restartsMax: Int { 5 }

  init(_ world: World, _ process: SimulatedProcess, _ partition: TopicPartition, _ handler: Handler) {
    self.partition = partition
    self.handler = handler
    super.init(world, process, partition.description)
  }

  private var log: SimulatedLog { world.kafka.log(partition) }

  override func work() throws {
    guard let writer, let reading, let applier else { return try begin() }
    try writer.tidy()
    var batch = Batch<Handler.Item>(from: writer.position)
    for record in fetch(max: applier.size.records) {
      record.withBorrowed { record in
        reading.read(record, into: &batch) { from, before in self.log.record(atOrAfter: from).map { $0.offset < before } ?? true }
      }
    }
    if batch.next > writer.position.nextOffset {
      let (from, next, count) = (writer.position.nextOffset, batch.next, batch.entries.count)
      try applier.apply(batch, writer)
      world.note { "\(self.process.name) \(self.name): \(from) to \(next), \(count) records, \(batch.repeats) repeated" }
      restarts = 0
    }
    if let halt = batch.halt { throw halt }
    if batch.mustRestart {
      restarts += 1
      guard restarts <= Self.restartsMax else { throw Halt(reason: "\(partition) cannot be read") }
      nextRead = writer.position.nextOffset
    }
    if world.draw(20) { try look(writer.position) }
  }

  private func begin() throws {
    let key = PositionKey(consumer: handler.consumer, cluster: World.cluster, topic: partition.topic, partition: partition.partition)
    let writer = try open(key)
    try look(writer.position)
    reading = PartitionReading(handler, partition)
    applier = BatchApplier(
      handler: handler, partition: partition, recordsMax: world.chance.among(1...40), logger: .silent, measures: world.measures(partition),
      pause: { [unowned self] _ in self.pause() })
    nextRead = writer.position.nextOffset
    world.note { "\(self.process.name) \(self.name): claimed at \(writer.position.nextOffset), epoch \(writer.position.epoch)" }
  }

  /// The log must hold the position.
  private func look(_ position: Position) throws {
    var sight = LogSight(low: 0, high: log.high)
    if position.nextOffset > 0, let record = log.record(atOrAfter: position.nextOffset - 1), record.offset == position.nextOffset - 1 {
      sight.digestBefore = try world.digest(record)
    }
    if let halt = LogCheck.judge(position, sight, of: partition) { throw halt }
  }

  /// What the client hands out: late, in part, some of it again.
  private func fetch(max: Int) -> [KafkaRecord] {
    var count = max
    var leftOut: Int64?
    if world.hasFaults {
      if world.chance.happens(150) { return [] }
      count = Swift.min(max, world.chance.pick([1, 1, 2, 3, 5, 12]) ?? 1)
      if world.chance.happens(world.faults.refetch) { nextRead = Swift.max(0, nextRead - Int64(world.chance.below(6))) }
      if !handler.hasLanes, partition.topic.hasPrefix("in."), world.chance.happens(world.faults.leaveOut) { leftOut = nextRead + Int64(world.chance.below(3)) }
    }
    let records = log.read(from: nextRead, max: count, leavingOut: leftOut)
    if let last = records.last { nextRead = last.offset + 1 }
    return records
  }
}

/// What `DueLane` does: one transaction of due work a step.
final class DueRunner: SimulatedLane {
  private let handler: any SimulatedDue

  init(_ world: World, _ process: SimulatedProcess, _ handler: any SimulatedDue) {
    self.handler = handler
    super.init(world, process, "due work")
  }

  override func work() throws {
    let holder = process.service.dueHolder
    // The session lock: who holds it is the only one, for as long as the connection lives.
    if let holder, holder !== self, !holder.process.isGone { return }
    process.service.dueHolder = self
    guard let writer else {
      _ = try open(PositionKey(consumer: process.service.name, cluster: World.cluster, topic: "due", partition: 0))
      return
    }
    try writer.tidy()
    if world.due(process.service).isEmpty || world.chance.happens(300) { return try settle(writer) }
    let step = Step(nextOffset: writer.position.nextOffset + 1, anchor: nil, lanesIn: writer.position.lanesIn)
    _ = try writer.commit(step) { [handler] scope in
      let session = scope.session
      let items = try session.statement("take due work") { transaction in session.world.due(session.process.service, transaction) }
      guard !items.isEmpty else { return }
      let again = try handler.due(items, &scope)
      try session.statement("finish due work") { transaction in
        for item in items {
          let next = again.first { $0.kind == item.kind && $0.id == item.id }?.at
          try session.database.due.put(DueKey(kind: item.kind, id: item.id), next, transaction)
        }
      }
    }
  }

  /// What `SettlingTurn` does.
  private func settle(_ writer: Writer) throws {
    guard process.service.tables.unsettled.rows.contains(where: { $0.value.lookAt <= world.machineTime }) else { return }
    let step = Step(nextOffset: writer.position.nextOffset + 1, anchor: nil, lanesIn: writer.position.lanesIn)
    _ = try writer.commit(step) { [handler] scope in
      let (session, lane) = (scope.session, scope.lane)
      let now = session.world.machineTime
      let found = try session.statement("unsettled customers") { transaction in session.database.ready(lane, at: now, transaction) }
      guard !found.isEmpty else { return }
      let versions = try handler.lockVersions(of: found, &scope)
      let again = try session.statement("look at unsettled customers") { transaction in
        try DueRunner.look(at: found, versions, lane, session, transaction)
      }
      if !again.isEmpty { try handler.sendAgain(again, &scope) }
    }
  }

  /// Those that are to be published again.
  private static func look(
    at found: [Int64], _ versions: [Int64: Int64], _ lane: String, _ session: SimulatedSession, _ transaction: Int
  ) throws -> [Int64] {
    let table = session.database.unsettled
    for id in found { try table.lock(id, transaction) }
    let ready = Set(session.database.ready(lane, at: session.world.machineTime, transaction))
    var again: [Int64] = []
    for id in found where ready.contains(id) {
      guard var entry = table[id, transaction] else { continue }
      guard let version = versions[id], UnsettledSnapshot(id: id, sent: entry.sent).next(version) == .sendAgain else {
        try table.put(id, nil, transaction)
        continue
      }
      entry.sent = version
      entry.sentIn = RowWriter(UInt32(truncatingIfNeeded: transaction))
      try table.put(id, entry, transaction)
      again.append(id)
    }
    return again
  }

  override func stop() {
    super.stop()
    if process.service.dueHolder === self { process.service.dueHolder = nil }
  }
}
