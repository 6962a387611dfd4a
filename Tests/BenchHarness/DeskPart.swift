// A year of a desk of fifty (K-01 to K-07) in virtual time: what the service does with contacts, orders and deadlines, over tickets in memory.
import Contracts
import Domain
import Lifecycle
import Telemetry
import TicketsCore

struct DeskPart: Sendable {
  static let figures = ["desk_year_seconds"]
  static let days = 365

  let bench: Bench

  func run(_ report: inout Report) async throws {
    bench.say("living through a year of a desk of \(DeskYear.agents)")
    let stop = bench.stop
    let (year, seconds, own) = try await blocking { () throws -> (DeskYear, Double, Double) in
      var year = try DeskYear(ShippedDesk(), days: DeskPart.days)
      let (began, thread) = (SystemTime.monotonicNanoseconds(), ThreadTime.seconds())
      try year.live { stop.isStopping }
      return (year, secondsSince(began), ThreadTime.seconds() - thread)
    }
    let result = try year.checked()
    let tickets = Double(result.tickets)
    var table = TextTable(
      "a year of \(DeskYear.agents) agents and \(NumberText.grouped(Double(DeskYear.customers))) customers",
      ["tickets", "transactions", "lines of history", "breaches", "reopened", "seconds", "own us a ticket"])
    table.rows.append(
      [NumberText.grouped(tickets)] + [result.transactions, result.lines, result.breaches, result.reopened].map { NumberText.grouped(Double($0)) }
        + [NumberText.fixed(seconds, 1), NumberText.fixed(own * 1e6 / max(1, tickets), 1)])
    report.tables.append(table)
    report.figures.append(Figure("desk_year_seconds", seconds, digits: 1))
  }
}

/// What happens at the desk, moment by moment. The same every time: chance has a seed.
struct DeskYear: Sendable {
  static let agents = 50
  static let teams = 5
  static let customers = 20_000
  /// In the year 2025, whose holidays come with the suite.
  static let firstDay = "2025-01-01"
  static let contactsADay = 340
  static let categories = ["bill", "parcel", "app", "goods", "account", "return", "coupon", "other"]

  private enum Happening: Sendable {
    case contact(Int)
    /// The customer answers, or writes again after the solution.
    case answer(TicketID)
    case workEnds(agent: String, TicketID)
  }

  struct Result: Sendable, Equatable {
    var tickets = 0
    var transactions = 0
    var lines = 0
    var breaches = 0
    var reopened = 0
  }

  private let days: Int
  private let rules: TicketRules
  private let office: WorkCalendar
  private let start: Instant
  private var store: MemoryTicketStore
  private var chance = Draw(seed: 50)
  private var queue = MomentQueue<Happening>()
  /// What each agent is to work on, in order; who has something in hand is busy.
  private var waiting: [String: [TicketID]] = [:]
  private var queued: Set<TicketID> = []
  private var busy: Set<String> = []
  private var transactions = 0

  /// - Parameter days: on which customers write; the desk goes on until all of them are answered.
  init(_ shipped: ShippedDesk, days: Int) throws {
    guard let day = Day(DeskYear.firstDay) else { throw BenchFailure("\(DeskYear.firstDay) is no day") }
    self.days = days
    var rules = shipped.rules
    rules.staff = try DeskYear.staff(shipped)
    self.rules = rules
    office = shipped.office
    start = office.zone.startOfDay(day)
    store = MemoryTicketStore(today: day)
    for number in 0..<days * DeskYear.contactsADay {
      let day = office.zone.startOfDay(day + number / DeskYear.contactsADay)
      // Four of five between eight and ten in the evening.
      let second = chance.below(5) == 0 ? chance.below(8 * 3_600) : 8 * 3_600 + chance.below(14 * 3_600)
      queue.push(.contact(number), at: day.adding(seconds: Int64(second)))
    }
    try rateCustomers(day)
  }

  /// One team for those that pay most, the others for everybody else.
  private static func staff(_ shipped: ShippedDesk) throws -> StaffRules {
    let tiers = shipped.ladder.tiers.map(\.id)
    let teams = (0..<DeskYear.teams).map { number in
      let name = "Team \(number + 1)"
      return StaffTeam(
        id: "team-\(number + 1)", name: LocalizedName(en: name, zh: name), tiers: Set(number == 0 ? tiers.prefix(2) : tiers.dropFirst(2)))
    }
    let people = (0..<DeskYear.agents).map { number in
      StaffMember(name: "Agent \(number + 1)", team: teams[number % DeskYear.teams].id, role: .agent)
    }
    return try StaffRules(
      version: 1, author: "bench", ladder: shipped.ladder, named: [], needs: [], teams: teams, people: people, grants: shipped.rules.staff.grants)
  }

  private static func customer(_ number: Int) -> CustomerID { CustomerID(number: Int64(number) + 1) }

  /// Of twenty customers one is in the highest tier, three in the second, two in the lowest.
  private mutating func rateCustomers(_ day: Day) throws {
    let before = start.adding(seconds: -86_400)
    let snapshots = (0..<DeskYear.customers).map { number in
      let tier = switch number % 20 {
      case 0: "vip"
      case 1...3: "key"
      case 4, 5: "watch"
      default: "normal"
      }
      return TierSnapshot(
        customer: DeskYear.customer(number), version: 1, memberID: nil, tier: tier, tierBefore: nil, score: 50, scorecard: "bench", scorecardVersion: 1,
        policy: "score", asOf: day, ratedAt: before)
    }
    _ = try TicketBatch.rated(snapshots, &store, rules: rules, at: before)
  }

  // MARK: - Time

  /// Until nothing is left to happen: every ticket is closed then.
  mutating func live(isStopping: () -> Bool) throws {
    while true {
      let (next, due) = (queue.first?.at, store.nextDue())
      guard let now = [next, due].compactMap(\.self).min() else { return }
      if transactions % 1_000 == 0, isStopping() { throw Stopped() }
      // What time brings comes before what somebody does at the same moment.
      if due == now {
        let outcome = try TicketBatch.pass(store.takeDue(until: now), &store, rules: rules, at: now)
        for (id, next) in outcome.next { store.schedule(id, next) }
        transactions += 1
      } else if let (_, happening) = queue.pop() {
        try happen(happening, now)
      }
    }
  }

  private mutating func happen(_ happening: Happening, _ now: Instant) throws {
    switch happening {
    case .contact(let number):
      let outcome = try TicketBatch.receive([try contact(number, at: now)], &store, rules: rules, at: now)
      transactions += 1
      for record in outcome.published { hand(record, now) }
    case .answer(let id):
      guard let record = store.records[id], record.ticket.state != .closed else { return }
      try order(.step(.message, .customer, text: "an answer", nil), record, now)
      if let record = store.records[id] { hand(record, now) }
    case .workEnds(let agent, let id):
      busy.remove(agent)
      if let record = store.records[id], record.owner == agent, record.ticket.state.isOpen { try finish(record, now) }
      begin(agent, now)
    }
  }

  private mutating func contact(_ number: Int, at now: Instant) throws -> ReceivedContact {
    let customer = DeskYear.customer(chance.below(DeskYear.customers))
    let kinds: [ContactEvent.Kind] = [.question, .question, .question, .fault, .complaint]
    let urgencies: [ContactEvent.Urgency?] = [nil, nil, .question, .degraded, .blocked]
    let contact = ContactEvent(
      source: "bench", eventID: "c\(number)", occurredAt: now, direction: .inbound, channel: "app", kind: kinds[chance.below(kinds.count)],
      category: DeskYear.categories[chance.below(DeskYear.categories.count)], urgency: urgencies[chance.below(urgencies.count)], text: "contact \(number)",
      reference: "", identifiers: [])
    return ReceivedContact(
      number: Int64(bitPattern: Draw.mixed(UInt64(number) + 1) >> 1),
      content: CustomerContact(customer: customer, identity: customer, version: 1, contact: contact))
  }

  // MARK: - Work

  private mutating func order(_ order: TicketOrder, _ record: TicketRecord, _ now: Instant) throws {
    let known = store.lockTiers(of: [record.customer]).first
    _ = try TicketDesk.apply(order, to: record, beside: nil, of: known, &store, rules: rules, at: now)
    transactions += 1
  }

  /// Lies on its owner's desk, once, unless it waits for somebody else.
  private mutating func hand(_ record: TicketRecord, _ now: Instant) {
    guard record.ticket.state.isOpen, !record.ticket.state.waits, queued.insert(record.id).inserted else { return }
    waiting[record.owner, default: []].append(record.id)
    begin(record.owner, now)
  }

  /// Six minutes to half an hour of office hours, one ticket after another.
  private mutating func begin(_ agent: String, _ now: Instant) {
    guard !busy.contains(agent), let id = waiting[agent]?.first else { return }
    waiting[agent]?.removeFirst()
    queued.remove(id)
    guard let end = office.instant(microseconds: Int64(360 + chance.below(1_440)) * 1_000_000, after: now) else { return }
    busy.insert(agent)
    queue.push(.workEnds(agent: agent, id), at: end)
  }

  /// Of a hundred tickets 55 are solved, for 25 something is asked of the customer, 20 need another look.
  private mutating func finish(_ record: TicketRecord, _ now: Instant) throws {
    let actor = TicketActor(record.owner, because: "")
    let luck = chance.below(100)
    if luck < 55 {
      try order(.step(.resolve, actor, text: "", TicketResolution(code: "fixed", rootCause: "product")), record, now)
      if chance.below(25) == 0 { queue.push(.answer(record.id), at: now.adding(seconds: 3_600 * Int64(1 + chance.below(60)))) }
      return
    }
    try order(.step(.reply, actor, text: "an answer", nil), record, now)
    guard let replied = store.records[record.id] else { return }
    if luck < 80, replied.ticket.state == .open {
      try order(.step(.waitForCustomer, actor, text: "", nil), replied, now)
      queue.push(.answer(record.id), at: now.adding(seconds: 1_800 + Int64(chance.below(48 * 3_600))))
    } else {
      hand(replied, now)
    }
  }

  // MARK: - What became of it

  /// What happened, when it can be right: every ticket closed, nobody with anything to do, each missed promise breached once.
  func checked() throws -> Result {
    let tickets = store.records.values.map(\.ticket)
    let result = Result(
      tickets: tickets.count, transactions: transactions, lines: store.lines, breaches: store.breaches, reopened: tickets.count { $0.timesReopened > 0 })
    guard tickets.allSatisfy({ $0.state == .closed }) else { throw BenchFailure("\(tickets.count { $0.state != .closed }) tickets are not closed") }
    guard store.situation.people.values.allSatisfy({ $0 == 0 }), store.situation.teams.values.allSatisfy({ $0 == 0 }) else {
      throw BenchFailure("somebody has tickets that are open although all are closed")
    }
    let missed = tickets.reduce(0) { $0 + $1.clocks.count(where: \.isMissed) }
    guard missed == result.breaches else { throw BenchFailure("\(result.breaches) breaches are recorded of \(missed) missed promises") }
    guard result.tickets > days * DeskYear.contactsADay * 9 / 10 else { throw BenchFailure("only \(result.tickets) tickets were opened") }
    return result
  }
}
