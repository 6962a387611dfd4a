// The simulated world: services, processes, log and tables, and the one generator that decides what happens next.
import Contracts
import Documents
import Domain
import Handling
import Hashing
import IngestCore
import Kafka
import Postgres
import ProfileCore
import ProfileStore
import Runtime
import Synchronization
import Telemetry
import TieringCore
import TieringStore

@testable import Messaging
@testable import ingest
@testable import profile
@testable import tiering

/// A safeguard taken away in the fakes: the simulation must notice.
enum Mistake: String, CaseIterable {
  case fenceSaysYes, laneNumbersNotLookedAt, rowsDeletedAtHandOver, positionInAnotherTransaction, commitGuessed, customersNotLocked
  case producerGoesOnAfterAFailure, versionsNotCompared, overtakingNotNoticed, lateCopiesNotExpected
}

/// How often what goes wrong, in a thousand.
struct Faults {
  var database: Int
  var commit: Int
  var producer: Int
  var refetch: Int
  var leaveOut: Int
  var crash: Int
  var preemption: Int
  var chaos: Int
  var compaction: Int

  /// Each kind by itself is absent, rare or frequent: some runs are about crashes, others about threads in each other's way.
  init(_ chance: inout Chance) {
    func often(_ perMille: Int) -> Int { perMille * (chance.pick([0, 1, 1, 2, 5]) ?? 1) }
    database = often(3)
    commit = often(12)
    producer = often(20)
    refetch = often(40)
    leaveOut = often(20)
    crash = often(1)
    preemption = often(40)
    chaos = often(20)
    compaction = often(8)
  }
}

/// A business clock that is set by hand.
final class SimulatedClock: BusinessClock {
  private let instant: Mutex<Instant>
  init(_ instant: Instant) { self.instant = Mutex(instant) }
  func now() -> Instant { instant.withLock { $0 } }
  func advance(seconds: Int64) { instant.withLock { $0 = $0.adding(seconds: seconds) } }
}

final class SimulatedService {
  let name: String
  let tables: Tables
  let places: [TopicPartition]
  var processes: [SimulatedProcess] = []
  /// Whom the group has given each partition.
  var assignment: [TopicPartition: SimulatedProcess] = [:]
  var dueHolder: DueRunner?
  var serial = 0

  init(_ name: String, _ tables: Tables, _ places: [TopicPartition]) {
    self.name = name
    self.tables = tables
    self.places = places
  }
}

final class World {
  static let cluster = "simulated"
  static let metrics = Metrics()
  static let partitions: [String: Int32] = [
    Topics.ordersIn.name: 2, Topics.customersIn.name: 2, Topics.behavioursIn.name: 1, Topics.orders.name: 2, Topics.customers.name: 2,
    Topics.behaviours.name: 2, Topics.profiles.name: 2, Topics.tiers.name: 2, Topics.merges.name: 1,
  ]
  static let preemptionsMax = 3
  /// How long what was handed to a producer may be under way; what comes later, no broker stores.
  static let lateSeconds: Int64 = 240
  /// Merges one below the other that are followed.
  static let mergesMax = 64
  /// Rounds within which everything must have come to rest once nothing goes wrong any more.
  static let roundsMax = 2_000

  let setting: Setting
  var chance: Chance
  let faults: Faults
  private(set) var hasFaults = true
  let mistake: Mistake?
  private(set) var trace: [String] = []
  private let isTraced: Bool
  private(set) var problems: [String] = []
  /// Halts that were raised, by reason.
  private(set) var halts: [Halt] = []

  private(set) lazy var kafka = SimulatedKafka(World.partitions)
  let clock: SimulatedClock
  private(set) var machineTime = Instant(seconds: 1_780_000_000)
  private(set) var services: [SimulatedService] = []
  private(set) var workload: Workload
  private(set) var published = 0
  private var depth = 0
  private var steps = 0
  private var acts = 0
  private let hasher: Hasher256
  private var measuresMade: [TopicPartition: PartitionMeasures] = [:]

  var isNested: Bool { depth > 0 }

  /// - Parameter lossy: the brokers lose some confirmed records.
  init(
    seed: UInt64, setting: Setting, mistake: Mistake? = nil, lossy: Bool = false, isTraced: Bool = false
  ) throws {
    self.setting = setting
    self.mistake = mistake
    self.isTraced = isTraced
    chance = Chance(seed)
    faults = Faults(&chance)
    clock = SimulatedClock(Workload.begin)
    hasher = try Hasher256()
    workload = Workload(&chance)
    if lossy { kafka.lossesLeft = 1 }
    for (name, topics) in [
      ("ingest", [Topics.ordersIn, Topics.customersIn, Topics.behavioursIn]),
      ("profile", [Topics.orders, Topics.customers, Topics.behaviours]), ("tiering", [Topics.profiles]),
    ] {
      let names = topics.map(\.name)
      let service = SimulatedService(name, Tables(self), kafka.places.filter { names.contains($0.topic) })
      services.append(service)
      // As its migration does.
      if name == "profile" { service.tables.due.seed(DueKey(kind: PostgresProfileStore.lifecycleWork, id: 0), Instant(microseconds: 0)) }
      for _ in 0..<chance.among(1...3) { start(service) }
    }
  }

  // MARK: - What the parts ask for

  func note(_ text: () -> String) { if isTraced { trace.append("\(steps) " + String(repeating: "| ", count: depth) + text()) } }
  func draw(_ perMille: Int) -> Bool { hasFaults && chance.happens(perMille) }
  func problem(_ text: String) { if problems.count < 20 { problems.append(text) } }

  func environment(_ process: SimulatedProcess) -> LaneEnvironment {
    var environment = LaneEnvironment(
      service: process.service.name, owner: process.name, cluster: World.cluster,
      database: PostgresSettings(servers: [], database: "none", user: "none"), kafka: KafkaSettings(brokers: "none", clientId: "none"),
      layout: kafka.layout, clock: clock, logger: .silent, metrics: World.metrics)
    environment.snapshots = ["profile": Topics.profiles.name, "tiering": Topics.tiers.name][process.service.name]
    environment.lateSeconds = World.lateSeconds
    return environment
  }

  func measures(_ partition: TopicPartition) -> PartitionMeasures {
    if let measures = measuresMade[partition] { return measures }
    let measures = PartitionMeasures(World.metrics, partition)
    measuresMade[partition] = measures
    return measures
  }

  func digest(_ record: KafkaRecord) throws -> [UInt8] {
    try (record.key ?? []).withUnsafeBytes { key in try (record.value ?? []).withUnsafeBytes { try hasher.digest(parts: [key, $0]) } }.bytes
  }

  /// Due work as a transaction sees it, or as it is committed.
  func due(_ service: SimulatedService, _ transaction: Int? = nil) -> [DueItem] {
    let rows = transaction.map { service.tables.due.all($0) } ?? service.tables.due.committed
    return rows.compactMap { key, at in
      let isRealTime = service.name == "tiering" && key.kind != TieringWork.day
      return at <= (isRealTime ? machineTime : clock.now()) ? DueItem(kind: key.kind, id: key.id, at: at) : nil
    }
  }

  /// Every call to a database passes here: the process may end at it, or stand still while others go on.
  func breathe(_ process: SimulatedProcess, _ point: String) throws {
    if process.isGone { throw ProcessCrashed() }
    guard hasFaults else { return }
    if chance.happens(faults.crash) {
      note { "\(process.name) crashes before: \(point)" }
      crash(process)
      throw ProcessCrashed()
    }
    // Deeper down less often, or a run would never end.
    guard depth < World.preemptionsMax, chance.happens(faults.preemption / (1 + 7 * depth)) else { return }
    depth += 1
    note { "\(process.name) stands still before: \(point)" }
    for _ in 0..<chance.among(1...8) { if chance.happens(500) { turn(of: process.service) } else { step() } }
    depth -= 1
    if process.isGone { throw ProcessCrashed() }
  }

  /// Judges an error that ended a lane's turn as `PartitionWorker` does; what must not happen is a problem.
  func met(_ error: any Error, _ worker: SimulatedWorker) {
    switch error {
    case let halt as Halt:
      halts.append(halt)
      if kafka.lost.isEmpty { problem("\(worker.name) halts although nothing is missing: \(halt.reason)") }
    case is Fenced, is KafkaFailure: break
    case is TransactionFailure: break
    case let failure as PostgresFailure:
      if failure.kind == .configuration || failure.kind == .damaged { problem("\(worker.name): \(failure)") }
    default: problem("\(worker.name) fails for good: \(error)")
    }
  }

  // MARK: - What happens

  func run() {
    let stepsMin = chance.among(400...900)
    while (steps < stepsMin || published < workload.inputs.count), problems.isEmpty { step() }
    calm()
    for _ in 0..<World.roundsMax {
      // A partition that lacks a record stands: it is found out, and nobody here says that it may go on.
      if isAtRest || !problems.isEmpty || (!kafka.lost.isEmpty && !halts.isEmpty) { return }
      round()
    }
    if halts.isEmpty || kafka.lost.isEmpty { problem("does not come to rest: \(unrest)") }
  }

  func step() {
    steps += 1
    machineTime = machineTime.adding(seconds: Int64(chance.below(4)))
    clock.advance(seconds: Int64(chance.below(4)))
    if draw(faults.chaos) { return disturb() }
    if draw(faults.compaction) { return compact() }
    switch chance.below(20) {
    case 0: publish(chance.among(1...6))
    case 1: operate()
    case 2...5: kafka.move(self)
    case 6: if let service = chance.pick(services) { service.tables.settleAbandoned() }
    case 7: if let service = chance.pick(services), let process = chance.pick(service.processes), !process.isStopped { learn(process) }
    default: if let service = chance.pick(services) { turn(of: service) }
    }
  }

  /// What people may do in one run.
  static let actsMax = 8

  /// A person at profile, or at tiering. What fails may be done or not: nobody here tries again.
  private func operate() {
    guard depth == 0, acts < World.actsMax, chance.happens(250) else { return }
    let place = chance.happens(200) ? "tiering" : "profile"
    guard let service = services.first(where: { $0.name == place }),
      let process = chance.pick(service.processes), !process.isStopped
    else { return }
    acts += 1
    do {
      let session = try SimulatedSession(service.tables, process)
      defer { session.close() }
      if place == "profile" { try Operators.act(session) } else { try Operators.refuse(session, rules: setting.tieringRules) }
    } catch { note { "a person at \(process.name) is told: \(error)" } }
  }

  private func turn(of service: SimulatedService) {
    if let process = chance.pick(service.processes) { chance.pick(process.threads)?.step() }
  }

  private func disturb() {
    guard let service = chance.pick(services) else { return }
    let process = chance.pick(service.processes)
    switch chance.below(10) {
    case 0, 1, 2: rebalance(service)
    case 3: if let process { crash(process) }
    case 4, 5: if service.processes.count < 3 { start(service) }
    case 6: if let process { process.isStopped = true; note { "\(process.name) is stopped" } }
    case 7: if let process, process.isStopped { process.isStopped = false; note { "\(process.name) goes on" } }
    default: if chance.happens(100) { clock.advance(seconds: Int64(86_400 * chance.among(1...9))) }
    }
  }

  private func publish(_ count: Int) {
    for input in workload.inputs[published...].prefix(count) {
      let topic = input.topic.name
      let place = TopicPartition(topic: topic, partition: Int32(chance.below(Int(World.partitions[topic] ?? 1))))
      let offset = kafka.log(place).append(key: Array("k".utf8), value: Array(input.json.utf8), headers: [])
      workload.stand(input, place, offset)
      published += 1
    }
  }

  private func compact() {
    guard let log = chance.pick(kafka.places.filter { kafka.log($0).isCompacted }).map(kafka.log), log.high > 1 else { return }
    let removed = log.compact(below: Int64(chance.below(Int(log.high))))
    note { "\(removed) records are compacted out of \(log.place)" }
  }

  private func start(_ service: SimulatedService) {
    service.serial += 1
    let process = SimulatedProcess(service, "\(service.name)-\(service.serial)")
    service.processes.append(process)
    switch service.name {
    case "profile": process.dueWorker = DueRunner(self, process, setting.profile(true))
    case "tiering": process.dueWorker = DueRunner(self, process, setting.tiering(true))
    default: break
    }
    note { "\(process.name) starts" }
    rebalance(service)
    learn(process)
  }

  /// The run is over and judged.
  func end() {
    for service in services {
      service.dueHolder = nil
      for process in service.processes { process.forgetParts() }
      service.processes = []
      service.assignment = [:]
    }
  }

  private func crash(_ process: SimulatedProcess) {
    note { "\(process.name) is gone" }
    process.crash()
    process.service.processes.removeAll { $0 === process }
    if process.service.dueHolder?.process === process { process.service.dueHolder = nil }
    if process.service.processes.isEmpty { start(process.service) } else { rebalance(process.service) }
  }

  private func rebalance(_ service: SimulatedService) {
    for place in service.places { service.assignment[place] = chance.pick(service.processes) }
  }

  /// The process hears what the group has given it. A thread in the middle of its work hears it later.
  private func learn(_ process: SimulatedProcess) {
    for place in process.service.places {
      let isMine = process.service.assignment[place] === process
      if isMine, process.workers[place] == nil { process.workers[place] = worker(process, place) }
      if !isMine, let worker = process.workers[place], !worker.isBusy {
        worker.isBusy = true
        worker.stop()
        worker.isBusy = false
        process.workers[place] = nil
      }
    }
  }

  private func worker(_ process: SimulatedProcess, _ place: TopicPartition) -> SimulatedWorker {
    let looks = mistake != .laneNumbersNotLookedAt
    switch process.service.name {
    case "ingest": return PartitionRunner(self, process, place, setting.ingest(clock))
    case "profile": return PartitionRunner(self, process, place, setting.profile(looks))
    default: return PartitionRunner(self, process, place, setting.tiering(looks))
    }
  }

  // MARK: - Coming to rest

  /// From here on nothing goes wrong any more.
  private func calm() {
    hasFaults = false
    note { "nothing goes wrong from here on" }
    publish(workload.inputs.count - published)
    for service in services {
      service.tables.settleAbandoned()
      for process in service.processes { process.isStopped = false }
      rebalance(service)
      for process in service.processes { learn(process) }
    }
  }

  private func round() {
    steps += 1
    machineTime = machineTime.adding(seconds: 10)
    for service in services {
      service.tables.settleAbandoned()
      for process in service.processes {
        learn(process)
        for thread in process.threads { thread.step() }
      }
    }
    for _ in 0..<200 where !kafka.isQuiet { kafka.move(self) }
  }

  private var isAtRest: Bool { unrest.isEmpty }

  /// What is not done yet.
  private var unrest: String {
    if !kafka.isQuiet { return "records are under way" }
    for service in services {
      if !service.tables.outbox.rows.isEmpty { return "\(service.name) has \(service.tables.outbox.rows.count) outbox rows" }
      for place in service.places {
        let lane = LaneTable.lane(service: service.name, topic: place.topic, partition: place.partition)
        let next = service.tables.positions.rows[lane]?.nextOffset ?? 0
        if next != kafka.log(place).high { return "\(lane) stands at \(next) of \(kafka.log(place).high)" }
      }
      if !service.tables.unsettled.rows.isEmpty { return "\(service.name) has \(service.tables.unsettled.rows.count) unsettled customers" }
      if !due(service).isEmpty { return "\(service.name) has due work" }
      // Changes that wait for their minute to be over.
      if service.name == "tiering", service.tables.due.rows.keys.contains(where: { $0.kind != TieringWork.day }) { return "ratings wait" }
    }
    return ""
  }
}

/// What the services are set to.
struct Setting: Sendable {
  static let shared = Result { try Setting() }

  private static let tags = """
    tags: 1
    author: simulation
    list:
      - {id: regular, group: behavioural, name: {en: Regular, zh: 常客}, all: [{figure: orders, months: 12, at_least: 2}]}
      - {id: away, group: behavioural, name: {en: Away, zh: 离开}, all: [{figure: recency_days, at_least: 120, at_most: 200}]}
      - {id: retail, group: basic, name: {en: Retail, zh: 零售}, all: [{attribute: industry, is: [retail]}, {figure: spend, days: 300, at_least: 20000}]}
    end: true
    """

  let ingestSettings: IngestSettings
  let profileEnvironment: ProfileEnvironment
  let tieringRules: TieringRules

  init() throws {
    let key = Array("0123456789abcdef".utf8)
    ingestSettings = IngestSettings(rules: IngestRules(zone: .utc, rates: ExchangeRates(base: .cny)), pseudonymKey: key)
    let tags = try TagFile(Array(Setting.tags.utf8), source: "tags", currency: .cny).rules
    profileEnvironment = ProfileEnvironment(rules: ProfileRules(zone: .utc, tags: tags), currency: .cny, pseudonyms: try Pseudonyms(key: key))
    let scorecard = try RuleFile(scorecard: Resources.bytes("deploy/scorecards/rfm-plus.yaml") ?? [], source: "rfm-plus").content
    let policies = try TieringSettings.policies(at: nil).content
    tieringRules = TieringRules(
      zone: .utc, currency: .cny, scorecard: scorecard, policy: policies.inForce, growth: IndustryGrowth(["retail": Rational(5), "it": Rational(15)]),
      schedule: RatingSchedule(noticeDays: policies.steadiness.noticeDays), decisions: policies.decisions)
  }

  func ingest(_ clock: SimulatedClock) -> SimulatedIngest {
    let catalog = MappingCatalog(rules: ingestSettings.rules)
    return SimulatedIngest(
      real: IngestHandler(settings: ingestSettings, catalog: catalog, clock: clock), rules: ingestSettings.rules, keys: ingestSettings.pseudonymKey)
  }

  func profile(_ hasLanes: Bool) -> SimulatedProfile { SimulatedProfile(environment: profileEnvironment, hasLanes: hasLanes) }
  func tiering(_ hasLanes: Bool) -> SimulatedTiering { SimulatedTiering(rules: tieringRules, hasLanes: hasLanes) }
}
