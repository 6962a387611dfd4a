// Kafka as the services may rely on it: order and single storage within a producer's life, nothing beyond it.
import Contracts
import Domain
import Kafka

@testable import Messaging

/// One partition: every record it ever stored, and which of them are still there.
final class SimulatedLog {
  let place: TopicPartition
  let isCompacted: Bool
  private(set) var records: [KafkaRecord] = []
  private(set) var isThere: [Bool] = []

  init(_ place: TopicPartition, isCompacted: Bool) {
    self.place = place
    self.isCompacted = isCompacted
  }

  var high: Int64 { Int64(records.count) }

  @discardableResult
  func append(key: [UInt8]?, value: [UInt8]?, headers: [KafkaHeader]) -> Int64 {
    let offset = high
    records.append(
      KafkaRecord(topic: place.topic, partition: place.partition, offset: offset, key: key, value: value, headers: headers))
    isThere.append(true)
    return offset
  }

  /// Records from an offset on; `leavingOut` makes a hole in what the client hands out, not in the log.
  func read(from offset: Int64, max: Int, leavingOut: Int64? = nil) -> [KafkaRecord] {
    var found: [KafkaRecord] = []
    var place = Int(Swift.max(0, offset))
    while place < records.count, found.count < max {
      if isThere[place], Int64(place) != leavingOut { found.append(records[place]) }
      place += 1
    }
    return found
  }

  func record(atOrAfter offset: Int64) -> KafkaRecord? { read(from: offset, max: 1).first }

  /// What a cleaner does: of every key the last record below `limit` stays.
  func compact(below limit: Int64) -> Int {
    var last: [[UInt8]: Int] = [:]
    for place in 0..<Int(limit) where isThere[place] { last[records[place].key ?? []] = place }
    var removed = 0
    for place in 0..<Int(limit) where isThere[place] {
      guard let end = last[records[place].key ?? []], end != place else { continue }
      isThere[place] = false
      removed += 1
    }
    return removed
  }
}

final class SimulatedKafka {
  private(set) var logs: [TopicPartition: SimulatedLog] = [:]
  let layout: TopicLayout
  let places: [TopicPartition]
  private var producers: [SimulatedProducer] = []
  /// What producers that are gone still have on the wire: per partition in order; some of it may yet be stored.
  private var ghosts: [(records: [OutgoingRecord], until: Instant)] = []
  /// In runs that lose confirmed records: how many are still to be lost.
  var lossesLeft = 0
  private(set) var lost: [TopicPartition: [OutgoingRecord]] = [:]

  init(_ partitions: [String: Int32]) {
    layout = TopicLayout(Dictionary(Topics.all.map { ($0.name, partitions[$0.name] ?? 1) }) { first, _ in first })
    var places: [TopicPartition] = []
    for topic in Topics.all {
      for partition in 0..<(partitions[topic.name] ?? 1) {
        let place = TopicPartition(topic: topic.name, partition: partition)
        places.append(place)
        logs[place] = SimulatedLog(place, isCompacted: topic.keeping == .compact)
      }
    }
    self.places = places
  }

  func log(_ place: TopicPartition) -> SimulatedLog {
    if let log = logs[place] { return log }
    let log = SimulatedLog(place, isCompacted: false)
    logs[place] = log
    return log
  }

  func add(_ producer: SimulatedProducer) { producers.append(producer) }
  func remove(_ producer: SimulatedProducer) { producers.removeAll { $0 === producer } }

  func store(_ record: OutgoingRecord, _ chance: inout Chance) {
    let place = TopicPartition(topic: record.topic, partition: record.partition ?? 0)
    if lossesLeft > 0, record.topic == Topics.orders.name, chance.happens(50) {
      lossesLeft -= 1
      lost[place, default: []].append(record)
      return
    }
    log(place).append(key: record.key, value: record.value, headers: record.headers)
  }

  func leaveOnTheWire(_ records: [OutgoingRecord], until: Instant) { if !records.isEmpty { ghosts.append((records, until)) } }

  var isQuiet: Bool { ghosts.isEmpty && producers.allSatisfy { !$0.hasInFlight } }

  /// Something arrives, or is given up.
  func move(_ world: World) {
    ghosts.removeAll { $0.until <= world.machineTime }
    if !ghosts.isEmpty, world.chance.happens(300) {
      let place = world.chance.below(ghosts.count)
      if world.chance.happens(200) {
        ghosts.remove(at: place)
        return
      }
      let record = ghosts[place].records.removeFirst()
      if ghosts[place].records.isEmpty { ghosts.remove(at: place) }
      world.note { "a late \(record.topic)/\(record.partition ?? 0) of a former producer is stored" }
      return store(record, &world.chance)
    }
    guard let producer = world.chance.pick(producers.filter(\.hasInFlight)) else { return }
    if world.hasFaults, world.chance.happens(world.faults.producer) { return producer.fail() }
    // What waited for too long is given up by its producer.
    if producer.isLate { producer.fail() } else { producer.deliver() }
  }
}

/// An idempotent producer: order and single storage while it lives.
final class SimulatedProducer: LaneProducer {
  private unowned let world: World
  let process: SimulatedProcess
  /// What is under way, with the moment from which nothing of it is stored any more.
  private var sending: [(record: OutgoingRecord, token: UInt64, until: Instant)] = []
  private var reports: [DeliveryReport] = []
  private(set) var fatalFailure: KafkaFailure?
  private var isClosed = false
  private let capacity: Int

  init(_ world: World, _ process: SimulatedProcess) throws {
    self.world = world
    self.process = process
    if world.hasFaults, world.chance.happens(world.faults.producer / 4) { throw KafkaFailure(kind: .retriable, text: "no broker") }
    capacity = world.chance.among(3...60)
    world.kafka.add(self)
  }

  var hasInFlight: Bool { !sending.isEmpty }
  var isLate: Bool { sending.first.map { $0.until <= world.machineTime } ?? false }

  func enqueue(_ record: OutgoingRecord, token: UInt64) throws(KafkaFailure) {
    guard !isClosed, !process.isGone else { throw KafkaFailure(kind: .closed, text: "the client is closed") }
    if let fatalFailure { throw fatalFailure }
    guard sending.count < capacity else { throw KafkaFailure(kind: .queueFull, text: "the queue is full") }
    sending.append((record, token, world.machineTime.adding(seconds: World.lateSeconds)))
    if world.mistake == .rowsDeletedAtHandOver {
      reports.append(DeliveryReport(token: token, result: .success(RecordPlace(partition: record.partition ?? 0, offset: 0))))
    }
  }

  /// The first record of some partition is stored.
  func deliver() {
    guard let chosen = world.chance.pick(sending)?.record.destination,
      let index = sending.firstIndex(where: { $0.record.destination == chosen })
    else { return }
    let (record, token, _) = sending.remove(at: index)
    world.kafka.store(record, &world.chance)
    report(token, .success(RecordPlace(partition: record.partition ?? 0, offset: world.kafka.log(chosen).high - 1)))
  }

  private func report(_ token: UInt64, _ result: Result<RecordPlace, KafkaFailure>) {
    if world.mistake == .rowsDeletedAtHandOver { return }
    reports.append(DeliveryReport(token: token, result: result))
  }

  /// It gives up: what is under way may have been stored, may yet be, or never will. Nothing more is sent after it (`enable.gapless.guarantee`).
  func fail() {
    let failure = KafkaFailure(kind: .fatal, text: "given up")
    if world.mistake != .producerGoesOnAfterAFailure { fatalFailure = failure }
    world.note { "a producer of \(process.name) fails, \(sending.count) records under way" }
    let tokens = sending.map(\.token)
    leave()
    for token in tokens { report(token, .failure(failure)) }
  }

  private func leave() {
    var byPlace: [TopicPartition: [OutgoingRecord]] = [:]
    var order: [TopicPartition] = []
    let until = sending.first?.until ?? world.machineTime
    for (record, _, _) in sending {
      if byPlace[record.destination] == nil { order.append(record.destination) }
      byPlace[record.destination, default: []].append(record)
    }
    sending = []
    for place in order {
      let records = byPlace[place] ?? []
      world.kafka.leaveOnTheWire(Array(records.prefix(world.chance.below(records.count + 1))), until: until)
    }
  }

  @discardableResult
  func drainReports(into found: inout [DeliveryReport], waitMilliseconds: Int) throws(KafkaFailure) -> Int {
    if waitMilliseconds > 0, !sending.isEmpty { for _ in 0..<world.chance.among(1...4) { deliver() } }
    // Some are still on their way here.
    let count = world.hasFaults ? world.chance.below(reports.count + 1) : reports.count
    found += reports.prefix(count)
    reports.removeFirst(count)
    return count
  }

  func closeBlocking(withinMilliseconds limit: Int, into found: inout [DeliveryReport]) -> Int {
    guard !isClosed else { return 0 }
    isClosed = true
    if limit > 0, !process.isGone {
      let patience = world.hasFaults ? world.chance.below(sending.count + 1) : sending.count
      for _ in 0..<patience { deliver() }
      found += reports
    }
    vanish()
    return found.count
  }

  /// The process is gone, or nobody asks any more.
  func vanish() {
    isClosed = true
    leave()
    reports = []
    world.kafka.remove(self)
  }
}

extension KafkaRecord {
  /// Of a snapshot, from its `ce_id`: `customer:version`.
  var version: Int64 {
    let id = header(Header.id).map { String(decoding: $0, as: UTF8.self) } ?? ""
    return id.split(separator: ":").last.flatMap { Int64($0) } ?? 0
  }
}

extension OutgoingRecord {
  var destination: TopicPartition { TopicPartition(topic: topic, partition: partition ?? 0) }
}
