// Deadlines of open tickets (K-05): at a steady pace, how late each is recorded; all at once, how many a second are worked off.
import Contracts
import Domain
import Lifecycle
import Postgres
import Telemetry
import TicketsCore
import TicketsStore

struct DeadlinePart: Sendable {
  static let figures = ["deadlines_per_second", "deadline_lateness_p99_ms"]
  static let database = "bench_deadlines"
  static let partitions = 2
  static let perSecond = 1_000
  static let paceSeconds = 60
  /// Tickets whose deadlines come at the pace, all at one moment after it, and on another day.
  static let paced = perSecond * paceSeconds
  static let atOnce = 100_000
  static let later = 40_000
  static let tickets = paced + atOnce + later
  /// Nothing is due for so long before all are at once.
  static let quietSeconds = 5
  /// For the start of the service, and for what the disk has to catch up with.
  static let startSeconds = 30
  static let secondsMax = 600

  let bench: Bench

  /// When deadlines are.
  private struct Plan: Sendable {
    let paceBegins: Instant
    var burst: Instant { paceBegins.adding(seconds: Int64(DeadlinePart.paceSeconds + DeadlinePart.quietSeconds)) }
    /// One each millisecond, then all the others.
    func deadline(_ number: Int) -> Instant {
      number < DeadlinePart.paced ? Instant(microseconds: paceBegins.microseconds + Int64(number) * 1_000_000 / Int64(DeadlinePart.perSecond)) : burst
    }
  }

  func run(_ report: inout Report) async throws {
    let service = ServicePlan(service: "tickets", instance: "bench-tickets", database: DeadlinePart.database)
    try await bench.ground.startKafka("deadlines")
    try await bench.ground.makeTopics(Topics.all, partitions: DeadlinePart.partitions)
    try await bench.ground.makeDatabase(service.database)
    try await RunningService.migrate(service, bench)
    bench.say("storing \(DeadlinePart.tickets) open tickets")
    let plan = try await store(service.database)
    let running = try await RunningService.start(service, bench)
    guard Self.now < plan.paceBegins else { throw BenchFailure("the first deadlines passed before tickets was ready: the machine has too much other work") }
    bench.say("working off \(DeadlinePart.perSecond) deadlines a second for \(DeadlinePart.paceSeconds) s, then \(DeadlinePart.atOnce) at once")
    let stretch = Stretch(running, bench)
    try await wait(running, "the deadlines are worked off", DeadlinePart.left(until: plan.burst), notBefore: plan.burst)
    let used = stretch.end()
    try await wait(running, "everything is published", "SELECT (SELECT count(*) FROM tickets.outbox)", notBefore: plan.burst)
    try await running.stop()
    let pace = try await figures("at < \(DeadlinePart.moment(plan.burst))", plan.burst)
    let burst = try await figures("at = \(DeadlinePart.moment(plan.burst))", plan.burst)
    await bench.ground.dropDatabase(DeadlinePart.database)
    await bench.ground.stopKafka()
    guard pace.count == DeadlinePart.paced, burst.count == DeadlinePart.atOnce else {
      throw BenchFailure("\(pace.count) and \(burst.count) breaches are recorded, not \(DeadlinePart.paced) and \(DeadlinePart.atOnce)")
    }
    tell(pace, burst, used, &report)
  }

  private static var now: Instant { Instant(microseconds: SystemTime.unixMicroseconds()) }
  private static func moment(_ instant: Instant) -> String { "('epoch'::timestamptz + \(instant.microseconds) * interval '1 microsecond')" }

  // MARK: - What is stored

  /// Those of another day first: how long they take says when the first deadline may be.
  private func store(_ database: String) async throws -> Plan {
    try await bench.ground.execute("postgres", ["ALTER DATABASE \(database) SET synchronous_commit = off"])
    var own = try await bench.ground.settings(database)
    own.schema = "tickets"
    let settings = own
    let (rules, stop) = (try ShippedDesk().rules, bench.stop)
    let plan = try await blocking { () throws -> Plan in
      let session = try PostgresSession(settings)
      defer { session.close() }
      func insert(_ numbers: Range<Int>, deadline: (Int) -> Instant) throws {
        for first in stride(from: numbers.lowerBound, to: numbers.upperBound, by: 1_000) {
          if stop.isStopping { throw Stopped() }
          var changes = TicketChanges()
          let now = DeadlinePart.now
          for number in first..<min(first + 1_000, numbers.upperBound) { try DeadlinePart.add(number, due: deadline(number), now, rules, &changes) }
          let made = changes
          try session.transaction { session in
            var store = PostgresTicketStore(session, lane: "bench", at: now)
            try store.write(made, rules)
          }
        }
      }
      let began = SystemTime.monotonicNanoseconds()
      let tomorrow = DeadlinePart.now.adding(seconds: 2 * 86_400)
      try insert(DeadlinePart.paced + DeadlinePart.atOnce..<DeadlinePart.tickets) { _ in tomorrow }
      // Twice as long as they should take: a busy machine is not the same from one minute to the next.
      let rest = secondsSince(began) * 2 * Double(DeadlinePart.paced + DeadlinePart.atOnce) / Double(DeadlinePart.later)
      let plan = Plan(paceBegins: DeadlinePart.now.adding(seconds: Int64(rest) + Int64(DeadlinePart.startSeconds)))
      try insert(0..<DeadlinePart.paced + DeadlinePart.atOnce, deadline: plan.deadline)
      return plan
    }
    try await bench.ground.execute(database, ["VACUUM ANALYZE", "CHECKPOINT"])
    try await bench.ground.execute("postgres", ["ALTER DATABASE \(database) RESET synchronous_commit"])
    return plan
  }

  /// A ticket that nobody has answered, opened so long ago that its first response is due then; what the ladder brought until now has happened.
  private static func add(_ number: Int, due: Instant, _ now: Instant, _ rules: TicketRules, _ changes: inout TicketChanges) throws {
    let id = TicketID(number: Int64(bitPattern: Draw.mixed(UInt64(number) + 1)))
    let subject = TicketSubject(kind: .question, category: "bench")
    func open(_ at: Instant) -> (ticket: Ticket, events: [TicketEvent]) {
      Ticket.open(id, subject, tier: TierID("normal"), at: at, by: .customer, text: "ticket \(number)", rules: rules.book)
    }
    guard let promised = open(due).ticket.clocks.first(where: { $0.clock == .firstResponse })?.seconds else {
      throw BenchFailure("no first response is promised")
    }
    var (ticket, events) = open(due.adding(seconds: -promised))
    events += ticket.pass(to: now, rules.book, rules.desk.ladder)
    guard ticket.clocks.contains(where: { $0.clock == .firstResponse && $0.deadline == .at(due) }) else {
      throw BenchFailure("a ticket has another deadline than it was to have")
    }
    let customer = CustomerID(number: id.number)
    let origin = TicketOrigin(channel: "app", source: "bench", text: "ticket \(number)")
    changes.opened.append(
      TicketRecord(
        ticket: ticket, version: 1, identity: customer, customer: customer, origin: origin, team: rules.staff.teams.first?.id ?? "", events: events.count))
    changes.events += events.map { (id, $0) }
  }

  // MARK: - What is measured

  /// 1 as long as deadlines are left, then 0.
  private static func left(until burst: Instant) -> String {
    "SELECT EXISTS (SELECT FROM tickets.due_work WHERE kind = \(TicketWork.deadline) AND due_at <= \(moment(burst)))::int::int8"
  }

  /// Until nothing is left of what is counted. The moments of commits are what is measured: asking late makes nothing longer.
  private func wait(_ service: RunningService, _ what: String, _ left: String, notBefore: Instant) async throws {
    let settings = try await bench.ground.settings(DeadlinePart.database)
    let bench = bench
    try await blocking {
      let session = try PostgresSession(settings)
      defer { session.close() }
      let statement = Statement(name: "bench_deadlines_left", sql: left)
      let began = SystemTime.monotonicNanoseconds()
      while try DeadlinePart.now <= notBefore || session.query(statement).int64(0, 0) > 0 {
        try bench.checkStop()
        try service.check()
        guard secondsSince(began) < Double(DeadlinePart.secondsMax) else {
          throw BenchFailure("\(what): not within \(DeadlinePart.secondsMax) s, see \(service.log)")
        }
        _ = bench.stop.waitBlocking(milliseconds: 500)
      }
    }
  }

  /// From the moment of each deadline until the commit of its breach, by the server's stamp.
  private struct Lateness {
    let count: Int
    /// p50, p90, p99 and the latest.
    let milliseconds: [Double]
  }

  private func figures(_ condition: String, _ burst: Instant) async throws -> Lateness {
    let late = "(extract(epoch FROM pg_xact_commit_timestamp(xmin) - at) * 1000000)::int8"
    let percentiles = [0.5, 0.9, 0.99, 1].map { "coalesce(percentile_disc(\($0)) WITHIN GROUP (ORDER BY \(late)), 0)" }.joined(separator: ", ")
    let found = try await bench.ground.numbers(
      DeadlinePart.database,
      "SELECT count(DISTINCT ticket_id) + 1000000 * (count(*) - count(DISTINCT ticket_id)), \(percentiles) FROM tickets.ticket_events "
        + "WHERE kind = 'breached' AND \(condition)")
    return Lateness(count: Int(found.first ?? 0), milliseconds: found.dropFirst().map { Double($0) / 1e3 })
  }

  private func tell(_ pace: Lateness, _ burst: Lateness, _ used: Stretch.Figures, _ report: inout Report) {
    var table = TextTable(
      "\(NumberText.grouped(Double(DeadlinePart.tickets))) open tickets: from a deadline until its breach is committed",
      ["deadlines", "p50 ms", "p90 ms", "p99 ms", "max ms"])
    for (name, lateness) in [
      ("\(DeadlinePart.perSecond) a second for \(DeadlinePart.paceSeconds) s", pace), ("\(NumberText.grouped(Double(DeadlinePart.atOnce))) at once", burst),
    ] {
      table.rows.append([name] + lateness.milliseconds.map { NumberText.fixed($0, 0) })
    }
    report.tables.append(table)
    let each = 1e6 / Double(DeadlinePart.paced + DeadlinePart.atOnce)
    var time = TextTable("processor time of a deadline, everything included", ["", "own us", "PostgreSQL us"])
    time.rows.append(["tickets", NumberText.fixed(used.own * each, 1), NumberText.fixed(used.postgres * each, 1)])
    report.tables.append(time)
    let seconds = (burst.milliseconds.last ?? 0) / 1e3
    report.figures.append(Figure("deadlines_per_second", Statistics.ratio(Double(burst.count), seconds), digits: 0))
    report.figures.append(Figure("deadline_lateness_p99_ms", pace.milliseconds.dropFirst(2).first, digits: 0))
  }
}
