// One run from an empty folder to a verdict.
import Contracts
import Embedded
import Failpoints
import Glibc
import Kafka
public import Lifecycle
import Postgres
import Synchronization
import Telemetry

public struct Run: Sendable {
  let plan: RunPlan
  let pauses: Pauses
  let say: @Sendable (String) -> Void

  public init(_ plan: RunPlan, stop: StopSignal, say: @escaping @Sendable (String) -> Void) {
    self.plan = plan
    pauses = Pauses(stop: stop)
    self.say = say
  }

  /// Runs, judges, and takes everything down; the folder stays only when something is broken.
  public func result() async throws -> RunResult {
    let began = SystemTime.monotonicNanoseconds()
    mkdir(plan.stack.folder, 0o755)
    var notRun: [String] = []
    let disk = await makeDisk(&notRun)
    let stack = Stack(plan.stack)
    let outcome: Result<RunResult, any Error>
    do {
      try await stack.start()
      outcome = .success(try await run(stack, disk, began, notRun))
    } catch {
      outcome = .failure(error)
    }
    await stack.stop()
    await disk?.unmount()
    if case .success(let result) = outcome, result.findings.holds { await remove() }
    return try outcome.get()
  }

  private func makeDisk(_ notRun: inout [String]) async -> Disk? {
    guard plan.faults.fullDisks > 0 else { return nil }
    switch await Disk.mount(plan.stack.folder + "/postgres", mebibytes: 1_024) {
    case .success(let disk): return disk
    case .failure(let failure):
      notRun.append("disk full: \(failure)")
      return nil
    }
  }

  private func remove() async {
    guard let program = Executables.onPath("rm") else { return }
    let process = try? await HelperProcess.start(.init(executable: program, arguments: ["-rf", "--", plan.stack.folder]))
    _ = await process?.waitForExit(within: .seconds(60))
  }

  private func run(_ stack: Stack, _ disk: Disk?, _ began: Int64, _ notRun: [String]) async throws -> RunResult {
    let fleet = Fleet(stack, plan: plan, pauses: pauses)
    let keeping = Task { await fleet.run() }
    do {
      let (truth, evidence, planted, settleSeconds) = try await work(stack, fleet, disk)
      let unclean = await fleet.end()
      await keeping.value
      var tally = fleet.tally
      for (fault, count) in stack.databaseProxy?.done ?? [:] { tally.count("PostgreSQL connection: \(fault.rawValue)", count) }
      for (fault, count) in stack.kafkaProxy?.done ?? [:] { tally.count("Kafka connection: \(fault.rawValue)", count) }
      if disk != nil { tally.count("statements that found the disk full", Int(stack.fullDisksLogged)) }
      var notRun = notRun
      if plan.faults.failpoints, plan.faults.onlyPoints.isEmpty, plan.kills >= 200 {
        notRun += Failpoint.allCases.filter { tally.injected["kill at \($0.rawValue)"] == nil }.map { "kill at \($0.rawValue): no process came so far" }
      }
      let audits = evidence.audits.values
      var findings = Judge.judge(truth, evidence) + planted
      findings.append(
        Finding(
          "I8", "processes that ended by themselves", examined: Int64(tally.kills), broken: Int64(tally.crashes.count), detail: tally.crashes.first ?? ""))
      findings.append(
        Finding("I8", "processes that did not stop cleanly", examined: Int64(fleet.members.count), broken: Int64(unclean.count), detail: unclean.first ?? ""))
      if disk != nil, tally.injected["statements that found the disk full"] == 0 {
        findings.append(Finding("I7", "the disk was full", examined: 1, broken: 1, detail: "no statement met the full disk: this run shows nothing"))
      }
      return RunResult(
        name: plan.name, seed: plan.seed, findings: findings, tally: tally,
        events: evidence.input.values.reduce(0) { $0 + $1.values.reduce(0) { $0 + $1.count } }, seconds: secondsSince(began),
        settleSeconds: settleSeconds, copies: audits.reduce(0) { $0 + $1.copies }, records: audits.reduce(0) { $0 + $1.records }, notRun: notRun)
    } catch {
      _ = await fleet.end()
      await keeping.value
      throw error
    }
  }

  private typealias Outcome = (truth: Truth, evidence: Evidence, planted: [Finding], settleSeconds: Double)

  private func work(_ stack: Stack, _ fleet: Fleet, _ disk: Disk?) async throws -> Outcome {
    let generator = Generator(seed: plan.seed, mix: plan.mix)
    let publisher = Publisher(stack.kafkaSettings("faults-publisher"), pauses)
    let plan = plan
    let isOver = Mutex(false)
    let director = Director(plan: plan, stack: stack, fleet: fleet, pauses: pauses, disk: disk, published: { publisher.published }, say: say)
    // The load lasts as long as the faults do: no more is out than the part of the faults that is done, and a little.
    async let published = publisher.publish(generator, count: plan.events, perSecond: plan.perSecond) {
      if isOver.withLock({ $0 }) || plan.kills == 0 { return plan.events }
      return plan.events * (fleet.kills + max(2, plan.kills / 100)) / plan.kills
    }
    if !plan.faults.isEmpty { try await director.run() }
    isOver.withLock { $0 = true }
    let truth = try await published.truth
    say("\(truth.meanings.count) records published, \(fleet.kills) kills; healing")
    fleet.calm()
    let healedAt = SystemTime.monotonicNanoseconds()
    let settle = Settle(stack: stack, fleet: fleet, pauses: pauses, say: say)
    var evidence = Evidence()
    evidence.unread = try await settle.untilRead(quietSecondsMax: plan.quietSecondsMax)
    let settleSeconds = secondsSince(healedAt)
    if evidence.unread.isEmpty {
      evidence.rebuildDifferences = try await settle.rebuild(withinSeconds: 120)
      evidence.unread = try await settle.untilRead(quietSecondsMax: plan.quietSecondsMax)
    }
    evidence.halted = await settle.halted()
    say("all read after \(Int(settleSeconds)) s; reading topics and tables")
    let drained = try await Drain.all(stack, pauses)
    (evidence.audits, evidence.input, evidence.ends) = (drained.audits, drained.input, drained.ends)
    evidence.deadlocks = stack.deadlocksLogged
    try await Collector.collect(into: &evidence, try stack.databaseSettings())
    let planted = plan.plantsGap ? [try await PlantedGap.plant(stack, evidence, pauses)] : []
    return (truth, evidence, planted, settleSeconds)
  }
}

/// A record whose number jumps: the reader must stand still and say what is missing.
enum PlantedGap {
  static func plant(_ stack: Stack, _ evidence: Evidence, _ pauses: Pauses) async throws -> Finding {
    let settings = stack.kafkaSettings("faults-gap")
    let found = try await blocking { () -> KafkaRecord? in
      let probe = try KafkaProbe(settings)
      defer { probe.close() }
      for number in 0..<Int32(stack.plan.partitions) {
        let partition = TopicPartition(topic: Topics.orders.name, partition: number)
        if try probe.watermarks(partition).high > 0 { return try probe.record(partition, at: 0) }
      }
      return nil
    }
    guard let found, let lane = found.header(Header.lane).map({ String(decoding: $0, as: UTF8.self) }) else {
      throw HarnessFailure("there is no record to plant a gap with")
    }
    let last = evidence.audits[found.topic]?.lastNumbers[.init(partition: found.partition, name: lane)] ?? 0
    let headers = found.headers.map { $0.name == Header.sequence ? KafkaHeader($0.name, String(last + 3)) : $0 }
    let producer = try Producer(settings)
    try producer.start()
    _ = try await producer.send(OutgoingRecord(topic: found.topic, partition: found.partition, key: found.key, value: found.value, headers: headers))
    _ = await producer.close(within: .seconds(5))
    let database = try stack.databaseSettings()
    let noted = try await pauses.until(withinSeconds: 15) {
      try await blocking {
        let session = try PostgresSession(database)
        defer { session.close() }
        let gaps = "SELECT count(*) FROM profile.gap_log WHERE settled_at IS NULL AND from_number = \(last + 1) AND to_number = \(last + 2)"
        return try Collector.number(session, gaps) == 1
      }
    }
    return Finding("I8", "numbers left out on purpose that halt the reader and are noted", examined: 2, broken: noted ? 0 : 2, kind: .lost)
  }
}
