// Injects faults by a seeded schedule while the load runs.
import Embedded
import Glibc
import Lifecycle
import Postgres
import Telemetry

struct Director {
  let plan: RunPlan
  let stack: Stack
  let fleet: Fleet
  let pauses: Pauses
  let disk: Disk?
  let published: @Sendable () -> Int
  let say: @Sendable (String) -> Void

  /// Goes on until the kills are done or the time is over.
  func run() async throws {
    var random = SeededRandom(seed: plan.seed, part: "faults")
    let connection = try PostgresConnection(try stack.databaseSettings(), connectWaitLimit: .seconds(2))
    let deadline = SystemTime.monotonicNanoseconds() + Int64(plan.minutesMax) * 60_000_000_000
    var restarts = schedule(&random)
    var others = 0
    var saidAt = SystemTime.monotonicNanoseconds()
    while !pauses.stop.isStopping, SystemTime.monotonicNanoseconds() < deadline {
      if plan.kills > 0 ? fleet.kills >= plan.kills : others >= plan.otherFaults { break }
      await pauses.wait(milliseconds: random.within(plan.faults.everyMilliseconds))
      let progress = plan.kills > 0 ? fleet.kills * 1_000 / plan.kills : others * 1_000 / max(1, plan.otherFaults)
      if let due = restarts.first, due.perMille <= progress {
        restarts.removeFirst()
        try await carryOut(due.act, connection)
        others += 1
        continue
      }
      await inject(&random, connection)
      others += 1
      if plan.kills > 0, secondsSince(saidAt) > 5 {
        saidAt = SystemTime.monotonicNanoseconds()
        say("\(fleet.kills) of \(plan.kills) kills, \(published()) of \(plan.events) records")
      }
    }
    await connection.close()
    stack.databaseProxy?.withdraw()
    stack.kafkaProxy?.withdraw()
  }

  // MARK: - Restarts and disks

  private enum Act: Sendable {
    case postgres(Stack.Ending)
    case backend
    case broker(Stack.Ending)
    case disk
  }

  /// The rare and slow ones, spread over the run.
  private func schedule(_ random: inout SeededRandom) -> [(perMille: Int, act: Act)] {
    var acts: [Act] = []
    for _ in 0..<plan.faults.postgresRestarts { acts += [.postgres(.clean), .postgres(.immediate), .backend] }
    if !stack.isBuiltIn, stack.kafkaProxy != nil {
      for _ in 0..<plan.faults.brokerRestarts { acts += [.broker(.clean), .broker(.crash)] }
    }
    for _ in 0..<(disk == nil ? 0 : plan.faults.fullDisks) { acts.append(.disk) }
    acts.shuffle(using: &random)
    return acts.enumerated().map { (($0.offset + 1) * 1_000 / (acts.count + 1), $0.element) }
  }

  private func carryOut(_ act: Act, _ connection: PostgresConnection) async throws {
    let began = SystemTime.monotonicNanoseconds()
    let kind: String
    switch act {
    case .postgres(let ending):
      kind = "PostgreSQL restarted (\(ending == .clean ? "fast" : ending.rawValue))"
      say(kind)
      try await stack.restartPostgres(ending)
    case .backend:
      kind = "PostgreSQL recovers from kill -9 of a backend"
      say(kind)
      let pid = try? await connection.withSession { session in
        let sql = "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'clientele-%' ORDER BY random() LIMIT 1"
        let rows = try session.query(Statement(name: "", sql: sql))
        return rows.count > 0 ? try rows.int32(0, 0) : 0
      }
      if let pid, pid > 1 { Glibc.kill(pid, SIGKILL) }
    case .broker(let ending):
      kind = "Kafka restarted (\(ending == .clean ? "clean" : "kill -9"))"
      say(kind)
      try await stack.restartKafka(ending)
    case .disk:
      kind = "disk of PostgreSQL full"
      say(kind)
      try await disk?.fill(for: 4_000, pauses)
      // A server that could not write its log has ended, and cannot come back by itself.
      if let postgres = stack.postgres, Glibc.kill(postgres.pid, 0) != 0 { try await stack.restartPostgres(.clean) }
    }
    fleet.count(kind)
    let back = SystemTime.unixMicroseconds()
    _ = try await pauses.until(withinSeconds: 60) { (try? await lastMove(connection)).map { $0 > back } ?? false }
    fleet.recovered(kind, seconds: secondsSince(began))
  }

  /// When a partition was moved last, in microseconds since 1970.
  private func lastMove(_ connection: PostgresConnection) async throws -> Int64 {
    let sql = Stack.services.map { "SELECT max(moved_at) AS at FROM \($0).positions" }.joined(separator: " UNION ALL ")
    return try await connection.withSession {
      try $0.query(Statement(name: "last_move", sql: "SELECT coalesce(max(at), '1970-01-01') FROM (\(sql)) AS moves")).timestamptz(0, 0)
    }
  }

  // MARK: - Frequent faults

  private func inject(_ random: inout SeededRandom, _ connection: PostgresConnection) async {
    let faults = plan.faults
    let draw = random.below(1_000)
    guard let place = fleet.draw(&random) else { return }
    if draw < faults.cutsPerMille {
      cut(&random)
    } else if draw < faults.cutsPerMille + faults.freezesPerMille {
      let session = stack.plan.sessionMilliseconds
      fleet.freeze(place, milliseconds: session + random.within(session / 3...session * 3 / 2), "SIGSTOP beyond the session, then SIGCONT")
    } else if draw < faults.cutsPerMille + faults.freezesPerMille + faults.terminationsPerMille {
      let count = random.within(1...3)
      let sql = """
        SELECT count(pg_terminate_backend(pid)) FROM
          (SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'clientele-%' ORDER BY random() LIMIT \(count)) AS chosen
        """
      let ended = try? await connection.withSession { try $0.query(Statement(name: "", sql: sql)).int64(0, 0) }
      for _ in 0..<(ended ?? 0) { fleet.count("PostgreSQL session terminated") }
    } else if random.chance(perMille: faults.brokerPausesPerMille) {
      await pauseBroker(place)
    } else if plan.kills > 0, fleet.kills < plan.kills, !faults.onlyAtPoints {
      fleet.kill(place)
      // Now and then several at once.
      if random.chance(perMille: faults.severalPerMille), let other = fleet.draw(&random) { fleet.kill(other) }
    }
  }

  /// What a relay has handed over cannot be sent; a process that ends now takes it along.
  private func pauseBroker(_ place: Int) async {
    let broker = stack.brokerProcess
    guard broker > 1, Glibc.kill(broker, SIGSTOP) == 0 else { return }
    fleet.count("broker stands still for 0.6 s")
    await pauses.wait(milliseconds: 600)
    if plan.kills > 0 { fleet.kill(place) }
    _ = Glibc.kill(broker, SIGCONT)
  }

  private func cut(_ random: inout SeededRandom) {
    if plan.faults.onlyCommitRequests {
      stack.databaseProxy?.inject(.commitRequest)
      return
    }
    if let kafka = stack.kafkaProxy, random.chance(perMille: 400) {
      let fits = Proxy.Fault.allCases.filter { !$0.isAboutCommits }
      kafka.inject(fits[random.below(fits.count)])
    } else {
      stack.databaseProxy?.inject(Proxy.Fault.allCases[random.below(Proxy.Fault.allCases.count)])
    }
  }
}
