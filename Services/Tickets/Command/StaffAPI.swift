// Who works on tickets over HTTP (K-07): what everybody has to do, who is away, and who looks after which customer.
import Access
import Domain
import HTTP
import Handling
import Messaging
import Postgres
import Runtime
import Text
import TicketsCore
import TicketsStore

struct StaffAPI: Sendable {
  let settings: TicketsSettings
  let clock: any BusinessClock
  let pool: PostgresPool

  /// The longest absence; who is away for longer leaves the file.
  static let absenceDaysMax: Int64 = 1_000

  init(settings: TicketsSettings, context: ServiceContext) { self.init(settings: settings, clock: context.settings.clock, pool: context.pool) }

  init(settings: TicketsSettings, clock: any BusinessClock, pool: PostgresPool) {
    self.settings = settings
    self.clock = clock
    self.pool = pool
  }

  func add(to router: inout Router) {
    let limits = RouteLimits(bodyBytesMax: Instruction.bodyBytesMax)
    router.get("/v1/staff", needs: .staffRead) { _ in try await list() }
    router.get("/v1/staff/{person}/absences", needs: .staffRead) { request in
      let person = try known(request)
      return try await absences(of: person, at: clock.now())
    }
    router.post("/v1/staff/{person}/absences", needs: .staffAct, limits: limits) { try await leave($0) }
    router.post("/v1/staff/{person}/return", needs: .staffAct, limits: limits) { try await back($0) }
    router.get("/v1/customers/{customer_id}/attendant", needs: .staffRead) { request in
      let customer = try request.customerID("customer_id")
      let found = try await pool.withSession { try StaffQueries.attendant(of: customer, $0) }
      return StaffAPI.answer(found, of: customer).tagged(for: request, as: StaffAPI.tag(found.version))
    }
    router.post("/v1/customers/{customer_id}/attendant", needs: .staffAct, limits: limits) { try await attend($0) }
  }

  // MARK: - Everybody

  private func list() async throws -> Response {
    let (rules, now) = (settings.rules.value, clock.now())
    let today = rules.zone.day(of: now)
    let situation = try await pool.withSession { try StaffQueries.situation(on: today, at: now, $0) }
    return .json(StaffView(staff: rules.staff, rosters: rules.rosters, situation: situation, currency: rules.currency, at: now).json.encoded)
  }

  private static let nobody = "the staff's file names nobody like that; `GET /v1/staff` lists everybody"

  /// The person that the path names.
  private func known(_ request: Request) throws(Problem) -> StaffMember {
    let name = try request.parameter("person")
    guard let person = settings.rules.value.staff[name] else { throw Problem(.notFound, title: "No such person", detail: StaffAPI.nobody) }
    return person
  }

  // MARK: - Absences

  private func absences(of person: StaffMember, at now: Instant) async throws -> Response {
    let found = try await pool.withSession { try StaffQueries.absences(of: person.name, after: now, $0) }
    return .json(
      JSONValue.object([JSONMember("person", .text(person.name)), JSONMember("absences", .array(found.map(StaffView.absence)))]).encoded)
  }

  private func leave(_ request: Request) async throws -> Response {
    let person = try known(request)
    let order = try Instruction(request, members: ["from", "until"], needsReason: false)
    var reader = BodyReader(order.body)
    let (from, until) = (reader.moment("from"), reader.moment("until"))
    if let from, let until, !(from...max(from, from.adding(seconds: StaffAPI.absenceDaysMax * 86_400))).contains(until) {
      reader.refuse("until", "range", "from `from` on, at most \(StaffAPI.absenceDaysMax) days; the same moment calls the absence off")
    }
    try reader.finish()
    guard let from, let until else { throw Problem(.internalServerError) }
    let now = clock.now()
    let absence = StoredAbsence(person: person.name, from: from, until: until, actor: order.actor, reason: order.reason)
    try await pool.transaction { try StaffQueries.note(absence, $0) }
    settings.lane.ring()
    return try await absences(of: person, at: now)
  }

  private func back(_ request: Request) async throws -> Response {
    let person = try known(request)
    _ = try Instruction(request, needsReason: false)
    let now = clock.now()
    _ = try await pool.transaction { try StaffQueries.end(of: person.name, at: now, $0) }
    return try await absences(of: person, at: now)
  }

  // MARK: - Attendants

  private static func tag(_ version: Int32) -> EntityTag { EntityTag(opaque: "a\(version)") }

  private static func answer(_ found: StoredAttendant, of customer: CustomerID) -> Response {
    .json(
      JSONValue.object([
        JSONMember("customer_id", .text(customer.description)), JSONMember("person", TicketView.textOrNull(found.person)),
        JSONMember("since", TicketView.instant(found.since)), JSONMember("actor", TicketView.textOrNull(found.actor)),
        JSONMember("reason", TicketView.textOrNull(found.reason)),
      ]).encoded, headers: ["ETag": tag(found.version).description])
  }

  private func attend(_ request: Request) async throws -> Response {
    let customer = try request.customerID("customer_id")
    let order = try Instruction(request, members: ["person"])
    var reader = BodyReader(order.body)
    let name = reader.text("person", max: StaffRules.nameMax, isNeeded: true)
    let (rules, now, actor) = (settings.rules.value, clock.now(), order.ticketActor)
    if !name.isEmpty, rules.staff[name] == nil { reader.refuse("person", "unknown", StaffAPI.nobody) }
    try reader.finish()
    let tags = try request.expectedTags(of: "the attendant")
    let found = try await pool.transaction { session -> StoredAttendant in
      var store = PostgresTicketStore(session, at: now)
      let seen = { version in StaffAPI.tag(version).isNamed(in: tags) }
      let attended: KnownTier?
      do { attended = try TicketBatch.attend(customer, by: name, actor, seen: seen, &store, rules: rules, at: now) } catch let refusal as DeskRefusal {
        throw refusal.problem
      }
      guard attended != nil else {
        throw Problem(.preconditionFailed, title: "Changed meanwhile", detail: "somebody else was named since: look again and decide anew")
      }
      return try StaffQueries.attendant(of: customer, session)
    }
    settings.lane.ring()
    return StaffAPI.answer(found, of: customer)
  }
}

/// Teams and people with what they have to do, and who is on call at a moment, as JSON.
struct StaffView {
  let staff: StaffRules
  let rosters: [String: OnCallRoster]
  let situation: StaffSituation
  let currency: Currency
  let now: Instant

  init(staff: StaffRules, rosters: [String: OnCallRoster], situation: StaffSituation, currency: Currency, at now: Instant) {
    self.staff = staff
    self.rosters = rosters
    self.situation = situation
    self.currency = currency
    self.now = now
  }

  var json: JSONValue {
    let teams = staff.teams.map { team -> JSONValue in
      [
        "id": .text(team.id), "name": .name(team.name), "open": .integer(situation.teams[team.id] ?? 0),
        "on_call": rosters[team.id].map(onCall) ?? .null,
      ]
    }
    let known = staff.people.map { person -> JSONValue in
      [
        "name": .text(person.name), "team": .text(person.team), "role": .text(person.role.rawValue), "role_name": .name(person.role.name),
        "skills": .array(person.skills.sorted().map { .text($0) }), "deputy": .textOrNull(person.deputy),
        "is_absent": .boolean(situation.absent.contains(person.name)), "open": .integer(situation.people[person.name] ?? 0),
      ]
    }
    // Who left the file with tickets: nobody loses sight of those.
    let gone = situation.people.filter { $0.value > 0 && staff[$0.key] == nil }.sorted { $0.key < $1.key }.map { name, open -> JSONValue in
      [
        "name": .text(name), "team": .null, "role": .null, "role_name": .null, "skills": .array([]), "deputy": .null,
        "is_absent": .boolean(false), "open": .integer(open),
      ]
    }
    return ["version": .integer(Int64(staff.version)), "teams": .array(teams), "people": .array(known + gone), "grants": grants]
  }

  private func onCall(_ roster: OnCallRoster) -> JSONValue {
    func shift(_ shift: OnCallShift?) -> JSONValue {
      guard let shift else { return .null }
      return ["person": .text(shift.person), "from": TicketView.instant(shift.from), "until": TicketView.instant(shift.until)]
    }
    return ["now": shift(roster.shift(at: now)), "next": shift(roster.next(after: now))]
  }

  /// What may be given, by role and tier.
  private var grants: JSONValue {
    func amount(_ units: Int64) -> JSONValue { .number(MinorUnits.text(units, digits: currency.minorDigits)) }
    let rules = staff.grants
    let limits = StaffRole.allCases.map { JSONMember($0.rawValue, amount(rules.limits[$0] ?? 0)) }
    let yearly = rules.yearly.map { JSONMember($0.key.text, amount($0.value)) }.sorted { $0.key < $1.key }
    let upgrades = rules.upgrades.map { upgrade -> JSONValue in
      ["id": .text(upgrade.id), "name": .name(upgrade.name), "worth": amount(upgrade.minorUnits)]
    }
    return ["currency": .text(currency.description), "limits": .object(limits), "yearly": .object(yearly), "upgrades": .array(upgrades)]
  }

  static func absence(_ absence: StoredAbsence) -> JSONValue {
    [
      "from": TicketView.instant(absence.from), "until": TicketView.instant(absence.until), "actor": .text(absence.actor),
      "reason": TicketView.textOrNull(absence.reason),
    ]
  }
}
