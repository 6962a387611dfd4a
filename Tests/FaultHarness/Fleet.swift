// The services as processes that die often: each is started again at once, with the next failpoint of a seeded shuffle.
import Embedded
import Failpoints
import Glibc
import Lifecycle
import Postgres
import Synchronization
import Telemetry

/// An order to a process to end or stop itself at a point.
struct FailpointOrder: Sendable, Hashable {
  let point: Failpoint
  let stops: Bool
  let count: Int
  var text: String { "\(point.rawValue):\(stops ? "stop" : "kill"):\(count)" }
  var name: String { "\(stops ? "stop" : "kill") at \(point.rawValue)" }
}

final class Fleet: Sendable {
  struct Member: Sendable {
    let service: String
    let index: Int
    var generation = 0
    var process: HelperProcess?
    var order: FailpointOrder?
    /// A signal of ours is on its way: what ends now was not the failpoint.
    var killedBy: String?
    var startedAt: Int64 = 0
    var resumeAt: Int64?
    var isStopped = false
    /// It was stopped and goes on; then it makes room for one that stops anew.
    var endAt: Int64?
    var instance: String { "\(service)-\(index)-\(generation)" }
  }

  /// Partitions of a process that is gone, until all are claimed by others.
  private struct Outage: Sendable {
    let kind: String
    let service: String
    let instance: String
    let since: Int64
  }

  private struct State {
    var members: [Member]
    var random: SeededRandom
    /// From the first start on, or a run that kills at points only would never begin.
    var drawsOrders: Bool
    var orders: [String: [FailpointOrder]] = [:]
    var tally = Tally()
    var outages: [Outage] = []
    /// Processes that hold partitions, as the tables say.
    var owners: Set<String> = []
    /// By service: when one of its processes was ended last, and since when it works again; nil: it does not yet.
    var endedAt: [String: Int64] = [:]
    var worksSince: [String: Int64] = [:]
  }

  private let stack: Stack
  private let faults: FaultMix
  private let mutant: Mutant?
  private let state: Mutex<State>
  private let pauses: Pauses
  private let ending = StopSignal()

  init(_ stack: Stack, plan: RunPlan, pauses: Pauses) {
    self.stack = stack
    self.pauses = pauses
    faults = plan.faults
    mutant = plan.mutant
    let members = Stack.services.flatMap { service in (0..<plan.processesEach).map { Member(service: service, index: $0) } }
    state = Mutex(State(members: members, random: SeededRandom(seed: plan.seed, part: "fleet"), drawsOrders: plan.faults.failpoints))
  }

  var tally: Tally { state.withLock { $0.tally } }
  var kills: Int { state.withLock { $0.tally.kills } }
  func count(_ kind: String) { state.withLock { $0.tally.count(kind) } }
  func recovered(_ kind: String, seconds: Double) { state.withLock { $0.tally.recovered(kind, seconds: seconds) } }
  var members: [Member] { state.withLock { $0.members } }

  // MARK: - Life

  /// Runs until `end`. Every process that ends is started again.
  func run() async {
    await withTaskGroup(of: Void.self) { group in
      for place in members.indices { group.addTask { await self.keep(place) } }
      group.addTask { await self.watchStops() }
      group.addTask { await self.watchOutages() }
    }
  }

  private func keep(_ place: Int) async {
    while !ending.isStopping, !pauses.stop.isStopping {
      do {
        let process = try await start(place)
        while process.exitStatus == nil, !pauses.stop.isStopping { _ = await process.waitForExit(within: .milliseconds(500)) }
        if let status = process.exitStatus { note(place, status) } else { process.terminate(SIGKILL) }
      } catch {
        state.withLock { $0.tally.crashes.append("could not be started: \(error)") }
        await pauses.wait(milliseconds: 500)
      }
    }
  }

  private func start(_ place: Int) async throws -> HelperProcess {
    let member = state.withLock { state -> Member in
      state.members[place].generation += 1
      state.members[place].order = state.drawsOrders ? drawOrder(state.members[place].service, &state) : nil
      state.members[place].killedBy = nil
      state.members[place].resumeAt = nil
      state.members[place].endAt = nil
      state.members[place].isStopped = false
      return state.members[place]
    }
    var environment = stack.environment(member.service, member.instance)
    environment[Failpoints.variable] = member.order?.text
    environment[Mutant.variable] = mutant?.rawValue
    let log = "\(stack.plan.folder)/\(member.service)-\(member.index).log"
    let process = try await HelperProcess.start(
      .init(
        executable: try stack.program(member.service), arguments: ["serve"], environment: environment, standardOutput: .file(path: log),
        standardError: .file(path: log)))
    state.withLock { state in
      state.members[place].process = process
      state.members[place].startedAt = SystemTime.monotonicNanoseconds()
    }
    return process
  }

  /// The points a service passes: only profile copies facts.
  static func points(of service: String) -> [Failpoint] {
    Failpoint.allCases.filter { service == "profile" || ![.copyBefore, .copyWithin, .copyAfter].contains($0) }
  }

  /// Points in turn, each with kill and stop, so that all are hit about equally often. Those that come once in a life are met the first time, and so are
  /// copies, which only batches with new orders make.
  private func drawOrder(_ service: String, _ state: inout State) -> FailpointOrder? {
    if state.random.chance(perMille: 100) { return nil }
    if state.orders[service]?.isEmpty ?? true {
      var orders: [FailpointOrder] = []
      for point in faults.onlyPoints.isEmpty ? Fleet.points(of: service) : faults.onlyPoints {
        let isRare = [.claimed, .revoked, .copyBefore, .copyWithin, .copyAfter].contains(point)
        for stops in faults.onlyPoints.isEmpty ? [false, false, false, true] : [faults.onlyStops] {
          let count = isRare ? state.random.within(1...2) : state.random.within(faults.failpointCounts)
          orders.append(FailpointOrder(point: point, stops: stops, count: count))
        }
      }
      state.orders[service] = orders.shuffled(using: &state.random)
    }
    return state.orders[service]?.removeLast()
  }

  private func note(_ place: Int, _ status: Int32) {
    unlink("\(stack.plan.folder)/\(members[place].instance).port")
    state.withLock { state in
      let member = state.members[place]
      state.members[place].process = nil
      guard status == 128 + SIGKILL else {
        // Asked to stop, it ends with 0; anything else is its own doing. One that had hardly begun ends as the signal says.
        let isYoung = SystemTime.monotonicNanoseconds() - member.startedAt < Fleet.youngNanoseconds
        if status == 128 + SIGTERM, member.killedBy != nil, isYoung { return }
        if status != 0 || member.killedBy == nil { state.tally.crashes.append("\(member.instance) ended with status \(status)") }
        return
      }
      let kind = member.killedBy ?? member.order.map(\.name) ?? "kill -9"
      state.tally.kills += 1
      state.endedAt[member.service] = SystemTime.unixMicroseconds()
      state.worksSince[member.service] = nil
      if member.killedBy == nil { state.tally.count(kind) }
      state.outages.append(Outage(kind: kind, service: member.service, instance: member.instance, since: SystemTime.monotonicNanoseconds()))
    }
  }

  // MARK: - Signals

  /// A process that was started so short a time ago may not have come to handle signals, in nanoseconds.
  private static let youngNanoseconds: Int64 = 2_000_000_000

  /// How long a service works before one of its processes is ended again, in nanoseconds: kills must hit work, not only starts.
  private static let workNanoseconds: Int64 = 400_000_000

  /// A process that holds partitions, of a service that works; now and then any, since starts must survive kills too. nil: none is ready.
  func draw(_ random: inout SeededRandom) -> Int? {
    if !faults.onlyWorking, random.chance(perMille: 40) { return random.below(members.count) }
    let now = SystemTime.monotonicNanoseconds()
    let working = state.withLock { state in
      state.members.indices.filter { place in
        let member = state.members[place]
        guard member.process != nil, member.resumeAt == nil, state.owners.contains(member.instance) else { return false }
        return state.worksSince[member.service].map { now - $0 >= Fleet.workNanoseconds } ?? false
      }
    }
    return working.isEmpty ? nil : working[random.below(working.count)]
  }

  /// Ends a process at this moment. False when there is none.
  @discardableResult
  func kill(_ place: Int) -> Bool {
    state.withLock { state in
      guard let process = state.members[place].process, process.exitStatus == nil, state.members[place].killedBy == nil else { return false }
      state.members[place].killedBy = "kill -9 at a random moment"
      state.tally.count("kill -9 at a random moment")
      return process.terminate(SIGKILL)
    }
  }

  /// Stops a process and lets it go on later.
  @discardableResult
  func freeze(_ place: Int, milliseconds: Int, _ kind: String) -> Bool {
    state.withLock { state in
      let member = state.members[place]
      guard let process = member.process, process.exitStatus == nil, member.resumeAt == nil, member.killedBy == nil else { return false }
      guard process.terminate(SIGSTOP) else { return false }
      let now = SystemTime.monotonicNanoseconds()
      state.members[place].resumeAt = now + Int64(milliseconds) * 1_000_000
      state.tally.count(kind)
      if milliseconds > stack.plan.sessionMilliseconds {
        state.outages.append(Outage(kind: kind, service: member.service, instance: member.instance, since: now))
      }
      return true
    }
  }

  /// How long a process that woke up may act, where it is ended afterwards, in nanoseconds.
  private static let afterStopNanoseconds: Int64 = 1_500_000_000

  /// Lets stopped processes go on when their time has come, and finds those that stopped themselves.
  private func watchStops() async {
    let connection = try? PostgresConnection(try stack.databaseSettings(), connectWaitLimit: .milliseconds(300))
    while !ending.isStopping, !pauses.stop.isStopping {
      let now = SystemTime.monotonicNanoseconds()
      for place in members.indices {
        let member = members[place]
        guard let process = member.process else { continue }
        if let due = member.resumeAt {
          if now >= due {
            process.terminate(SIGCONT)
            state.withLock { state in
              state.members[place].resumeAt = nil
              if faults.endsAfterStop { state.members[place].endAt = now + Fleet.afterStopNanoseconds }
            }
          }
        } else if let end = member.endAt {
          if now >= end { kill(place) }
        } else if let order = member.order, order.stops, !member.isStopped, Fleet.isStopped(process.pid) {
          if faults.brokerStandsStillAfterStop, let connection {
            await finishWithoutBroker(place, process, connection)
            continue
          }
          state.withLock { state in
            let milliseconds = state.random.within(faults.stopMilliseconds)
            state.members[place].isStopped = true
            state.members[place].resumeAt = now + Int64(milliseconds) * 1_000_000
            state.tally.count(order.name)
            if milliseconds > stack.plan.sessionMilliseconds {
              state.outages.append(Outage(kind: order.name, service: member.service, instance: member.instance, since: now))
            }
          }
        }
      }
      await pauses.wait(milliseconds: 50)
    }
    for member in members { member.process?.terminate(SIGCONT) }
    await connection?.close()
  }

  /// How long the rows of a batch may take to leave the outbox before the process is killed, in seconds: with every safeguard they stay.
  private static let rowsLeaveSecondsMax = 2

  /// A process with records in hand goes on while the broker stands still: it commits and hands over what it cannot send. Then it is killed.
  private func finishWithoutBroker(_ place: Int, _ process: HelperProcess, _ connection: PostgresConnection) async {
    let (broker, member) = (stack.brokerProcess, members[place])
    guard broker > 1, Glibc.kill(broker, SIGSTOP) == 0 else { return }
    state.withLock { state in
      state.members[place].isStopped = true
      state.tally.count("broker stands still while a batch is handed over")
    }
    let wokenAt = SystemTime.unixMicroseconds()
    process.terminate(SIGCONT)
    let moved = Statement(name: "moved", sql: "SELECT max(moved_at) FROM \(member.service).positions WHERE owner = '\(member.instance)'")
    let rows = Statement(name: "rows", sql: "SELECT count(*) FROM \(member.service).outbox")
    let hasMoved = try? await pauses.until(withinSeconds: Fleet.rowsLeaveSecondsMax) {
      try await connection.withSession { session in
        let found = try session.query(moved)
        return try !found.isNull(0, 0) && found.timestamptz(0, 0) > wokenAt
      }
    }
    if hasMoved == true {
      _ = try? await pauses.until(withinSeconds: Fleet.rowsLeaveSecondsMax) {
        try await connection.withSession { try $0.query(rows).int64(0, 0) == 0 }
      }
    }
    kill(place)
    _ = Glibc.kill(broker, SIGCONT)
  }

  /// The kernel's word for the state of a process: T is stopped.
  private static func isStopped(_ pid: Int32) -> Bool {
    guard let file = fopen("/proc/\(pid)/stat", "r") else { return false }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 256)
    let count = fread(&bytes, 1, bytes.count, file)
    guard let end = bytes[..<count].lastIndex(of: UInt8(ascii: ")")), end + 2 < count else { return false }
    return bytes[end + 2] == UInt8(ascii: "T")
  }

  // MARK: - Recovery

  /// A process that is gone has recovered when others have claimed all of its partitions.
  private func watchOutages() async {
    let owners = Stack.services.map { "SELECT '\($0)', owner, moved_at FROM \($0).positions WHERE topic <> 'due'" }.joined(separator: " UNION ALL ")
    guard let settings = try? stack.databaseSettings(), let connection = try? PostgresConnection(settings, connectWaitLimit: .milliseconds(300)) else { return }
    while !ending.isStopping, !pauses.stop.isStopping {
      await pauses.wait(milliseconds: 100)
      let rows = try? await connection.withSession { session -> [(service: String, owner: String, movedAt: Int64)] in
        let rows = try session.query(Statement(name: "owners", sql: owners))
        return try (0..<rows.count).map { (try rows.text($0, 0), try rows.text($0, 1), try rows.timestamptz($0, 2)) }
      }
      guard let rows else { continue }
      let found = Set(rows.map(\.owner))
      let now = SystemTime.monotonicNanoseconds()
      state.withLock { state in
        state.owners = found
        for service in Stack.services where state.worksSince[service] == nil {
          let movedAt = rows.filter { $0.service == service }.map(\.movedAt).max() ?? 0
          if movedAt > state.endedAt[service] ?? 0 { state.worksSince[service] = now }
        }
        for outage in state.outages where !found.contains(outage.instance) {
          // One that had claimed nothing yet is no sample.
          if now - outage.since > 100_000_000 { state.tally.recovered(outage.kind, seconds: Double(now - outage.since) / 1e9) }
        }
        state.outages.removeAll { !found.contains($0.instance) }
      }
    }
    await connection.close()
  }

  // MARK: - Calm and end

  /// From here on nothing ends or stops any more: what carries an order is asked to stop, and comes back without one.
  func calm() {
    state.withLock { state in
      state.drawsOrders = false
      for place in state.members.indices where state.members[place].order != nil {
        state.members[place].killedBy = "asked to stop"
        state.members[place].process?.terminate(SIGCONT)
        state.members[place].process?.terminate(SIGTERM)
      }
    }
  }

  /// Asks every process to stop; returns those that did not end cleanly in time.
  func end() async -> [String] {
    ending.stop()
    let running = state.withLock { state -> [(String, HelperProcess)] in
      for place in state.members.indices { state.members[place].killedBy = "asked to stop" }
      return state.members.compactMap { member in member.process.map { (member.instance, $0) } }
    }
    for (_, process) in running {
      process.terminate(SIGCONT)
      process.terminate(SIGTERM)
    }
    var unclean: [String] = []
    for (instance, process) in running {
      let status = await process.waitForExit(within: .seconds(12))
      if status != 0 { unclean.append("\(instance) ended with \(status.map { "status \($0)" } ?? "nothing within 12 s")") }
      if status == nil { process.terminate(SIGKILL) }
    }
    return unclean
  }

  /// Where a running profile answers HTTP; nil when none does yet.
  func address(of service: String) -> String? {
    for member in members where member.service == service && member.process?.exitStatus == nil {
      guard let file = fopen("\(stack.plan.folder)/\(member.instance).port", "r") else { continue }
      defer { fclose(file) }
      var bytes = [UInt8](repeating: 0, count: 32)
      let count = fread(&bytes, 1, bytes.count, file)
      let port = String(decoding: bytes[..<count], as: UTF8.self).filter(\.isNumber)
      if !port.isEmpty { return "http://127.0.0.1:\(port)" }
    }
    return nil
  }
}
