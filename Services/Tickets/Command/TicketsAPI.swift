// Tickets over HTTP: open, look, work on, explain. Whoever changes one says which state they saw.
import Access
import Domain
import HTTP
import Handling
import Hashing
import Messaging
import Postgres
import Runtime
import Text
import TicketsCore
import TicketsStore

struct TicketsAPI: Sendable {
  let settings: TicketsSettings
  let clock: any BusinessClock
  let pool: PostgresPool
  /// What makes two requests without a key of their own two tickets.
  var draw: @Sendable () -> UInt64 = { UInt64.random(in: 0 ... .max) }

  /// Rows of one answer.
  static let rowsMax = 200
  static let rowsUsual = 50
  /// A message of 10,000 characters, escaped, with what stands beside it.
  static let bodyBytesMax = 128 << 10
  static let keyMax = 200

  init(settings: TicketsSettings, context: ServiceContext) { self.init(settings: settings, clock: context.settings.clock, pool: context.pool) }

  init(settings: TicketsSettings, clock: any BusinessClock, pool: PostgresPool) {
    self.settings = settings
    self.clock = clock
    self.pool = pool
  }

  func add(to router: inout Router) {
    let limits = RouteLimits(bodyBytesMax: TicketsAPI.bodyBytesMax)
    router.get("/v1/tickets", needs: .ticketsRead) { try await list($0) }
    router.post("/v1/tickets", needs: .ticketsAct, limits: limits) { try await open($0) }
    router.get("/v1/tickets/counts", needs: .ticketsRead) { try await count($0) }
    router.get("/v1/tickets/{ticket_id}", needs: .ticketsRead) { try await show($0) }
    router.get("/v1/tickets/{ticket_id}/history", needs: .ticketsRead) { try await history($0) }
    router.get("/v1/tickets/{ticket_id}/explanation", needs: .ticketsRead) { try await explain($0) }
    router.post("/v1/tickets/{ticket_id}/steps", needs: .ticketsAct, limits: limits) { try await step($0) }
    router.post("/v1/tickets/{ticket_id}/milestones", needs: .ticketsAct, limits: limits) { request in
      try await carryOut(request, members: ["clock"]) { reader, actor in
        let clock = reader.choice("clock", of: ServiceClock.self, isNeeded: true) ?? .onSite
        return .fulfil(clock, actor)
      }
    }
    router.post("/v1/tickets/{ticket_id}/assignment", needs: .ticketsAct, limits: limits) { request in
      try await carryOut(request, members: ["owner", "team"]) { reader, actor in
        let owner = reader.text("owner", max: StaffRules.nameMax, isNeeded: reader.body["owner"] != nil)
        let team = reader.text("team", max: StaffRules.codeBytesMax, isNeeded: reader.body["team"] != nil)
        if !owner.isEmpty, !team.isEmpty { reader.refuse("team", "both", "give owner or team; a person's team is known") }
        return .assign(Placement(owner: owner, team: team), actor)
      }
    }
    router.post("/v1/tickets/{ticket_id}/subject", needs: .ticketsAct, limits: limits) { request in
      try await carryOut(request, members: ["kind", "category", "urgency"]) { reader, actor in .sort(reader.subject(), actor) }
    }
    router.post("/v1/tickets/{ticket_id}/links", needs: .ticketsAct, limits: limits) { request in
      try await carryOut(request, members: ["ticket_id"]) { reader, actor in .link(reader.ticket("ticket_id") ?? TicketID(number: 0), actor) }
    }
    router.post("/v1/tickets/{ticket_id}/merge", needs: .ticketsAct, limits: limits) { request in
      try await carryOut(request, members: ["into"]) { reader, actor in .merge(into: reader.ticket("into") ?? TicketID(number: 0), actor) }
    }
    AcceptancesAPI(tickets: self).add(to: &router)
    router.get("/v1/desk", needs: .ticketsRead) { _ in .json(desk()) }
    router.post("/v1/republications", needs: .operationsAct) { _ in
      let asked = try await pool.transaction { try TicketQueries.askRepublish($0) }
      settings.lane.ring()
      return .json(JSONValue.object([JSONMember("snapshots", .integer(Int64(asked)))]).encoded, status: .accepted)
    }
    router.get("/v1/republications", needs: .operationsRead) { _ in
      .json(JSONValue.object([JSONMember("waiting", .integer(try await pool.withSession { try Unsettled.count($0) }))]).encoded)
    }
  }

  // MARK: - Looking

  static func unknown(_ id: TicketID) -> Problem { Problem(.notFound, title: "No such ticket", detail: "there is no ticket \(id)") }

  private static func answer(_ record: TicketRecord, to request: Request, status: HTTPStatus = .ok, headers: HTTPHeaders = [:]) -> Response {
    var headers = headers
    headers["ETag"] = record.tag.description
    return .json(request.shown(record).encoded, status: status, headers: headers)
  }

  private func find(_ request: Request) async throws -> TicketRecord {
    let id = try request.ticketID()
    guard let record = try await pool.withSession({ try TicketQueries.ticket(id, $0) }) else { throw TicketsAPI.unknown(id) }
    try request.check(record, settings.rules.value.staff)
    return record
  }

  private func show(_ request: Request) async throws -> Response {
    let record = try await find(request)
    return TicketsAPI.answer(record, to: request).tagged(for: request, as: record.tag)
  }

  private func explain(_ request: Request) async throws -> Response {
    let record = try await find(request)
    let (rules, now) = (settings.rules.value, clock.now())
    let clocks = record.ticket.clocks.map { TicketView.explanation($0, of: record.ticket, at: now, rules) }
    let pauses = record.ticket.pauses.map { wait -> JSONValue in
      [
        "from": TicketView.instant(wait.pause.from), "to": TicketView.instant(wait.pause.to),
        "waits_for": .text(wait.isForCustomer ? "customer" : "third_party"),
      ]
    }
    return .json(
      JSONValue.object([
        JSONMember("ticket_id", .text(record.id.description)), JSONMember("state", .text(record.ticket.state.rawValue)),
        JSONMember("as_of", TicketView.instant(now)), JSONMember("pauses", .array(pauses)), JSONMember("clocks", .array(clocks)),
      ]).encoded)
  }

  private func history(_ request: Request) async throws -> Response {
    let record = try await find(request)
    let limit = try TicketsAPI.number(request, "limit", in: 1...TicketsAPI.rowsMax) ?? TicketsAPI.rowsUsual
    let after = try TicketsAPI.number(request, "after", in: 0...Int(Int32.max)) ?? 0
    let events = try await pool.withSession { try TicketQueries.history(of: record.id, after: after, limit: limit + 1, $0) }
    let page = events.prefix(limit)
    let next: JSONValue = events.count > limit ? page.last.map { .integer(Int64($0.number)) } ?? .null : .null
    return .json(
      JSONValue.object([
        JSONMember("ticket_id", .text(record.id.description)),
        JSONMember("events", .array(page.map { request.masking(TicketView.event($0), "ticket.history", of: record.customer) })), JSONMember("next", next),
      ]).encoded)
  }

  static func number(_ request: Request, _ name: String, in range: ClosedRange<Int>) throws(Problem) -> Int? {
    guard let text = request.query[name] else { return nil }
    guard let number = Int(text), range.contains(number) else {
      throw Problem.invalid([.init(field: name, rule: "range", detail: "\(name) is a whole number from \(range.lowerBound) to \(range.upperBound)")])
    }
    return number
  }

  private func list(_ request: Request) async throws -> Response {
    var reader = QueryReader(request.query)
    var filter = filter(&reader)
    // Of closed tickets nothing is due: in that order there are none.
    let order = reader.choice("order", of: TicketSort.self) ?? .opened
    try reader.finish()
    filter.reach = request.reach(settings.rules.value.staff)
    let wanted = filter
    let limit = try TicketsAPI.number(request, "limit", in: 1...TicketsAPI.rowsMax) ?? TicketsAPI.rowsUsual
    let after = try TicketsAPI.place(request)
    let found = try await pool.withSession { try TicketQueries.page(wanted, in: order, after: after, limit: limit + 1, $0) }
    let page = found.prefix(limit)
    let last = found.count > limit ? page.last.map { TicketPlace(of: $0, in: order) } : nil
    return .json(
      JSONValue.object([
        JSONMember("tickets", .array(page.map { request.shown($0) })),
        JSONMember("next", .textOrNull(last.map { "\($0.moment.microseconds)-\($0.ticket)" })),
      ]).encoded)
  }

  private func count(_ request: Request) async throws -> Response {
    var reader = QueryReader(request.query)
    var filter = filter(&reader)
    let (mine, team) = (reader.text("mine", max: StaffRules.nameMax), reader.text("my_team", max: StaffRules.codeBytesMax))
    try reader.finish()
    filter.reach = request.reach(settings.rules.value.staff)
    let (wanted, now) = (filter, clock.now())
    let counts = try await pool.withSession { try TicketQueries.counts(wanted, of: mine, team: team, at: now, $0) }
    return .json(
      JSONValue.object([
        JSONMember("as_of", TicketView.instant(now)), JSONMember("tickets", .integer(counts.tickets)), JSONMember("late", .integer(counts.late)),
        JSONMember("due_soon", .integer(counts.dueSoon)), JSONMember("unassigned", .integer(counts.unassigned)),
        JSONMember("mine", mine == nil ? .null : .integer(counts.owned)), JSONMember("my_team", team == nil ? .null : .integer(counts.ofTeam)),
      ]).encoded)
  }

  /// Where a page begins.
  static func place(_ request: Request) throws(Problem) -> TicketPlace? {
    guard let text = request.query["after"] else { return nil }
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 2, let at = Int64(parts[0]), RFC3339.micros.contains(at), let ticket = TicketID(String(parts[1])) else {
      throw Problem.invalid([.init(field: "after", rule: "format", detail: "give what the page before says under next")])
    }
    return TicketPlace(moment: Instant(microseconds: at), ticket: ticket)
  }

  private func filter(_ reader: inout QueryReader) -> TicketFilter {
    var filter = TicketFilter(
      owner: reader.text("owner", max: StaffRules.nameMax), team: reader.text("team", max: StaffRules.codeBytesMax),
      customer: reader.customer("customer_id"), kind: reader.choice("kind", of: ContactEvent.Kind.self),
      priority: reader.choice("priority", of: ServicePriority.self))
    switch reader.text("state", max: StaffRules.codeBytesMax) {
    case nil: break
    case "unresolved": filter.states = TicketState.allCases.filter(\.isOpen)
    case .some(let word):
      filter.states = TicketState(rawValue: word).map { [$0] }
      if filter.states == nil { reader.refuse("state", "enum", "state is unresolved or one of \(BodyReader.words(TicketState.self))") }
    }
    if let text = reader.text("tier", max: StaffRules.codeBytesMax) {
      filter.tier = TierID(text)
      if filter.tier == nil { reader.refuse("tier", "format", "tier is the id of a tier") }
    }
    filter.isUnassigned = reader.flag("unassigned")
    // Late is what was due before the next moment; of both the earlier one counts.
    let ends = [
      reader.flag("late") ? Instant(microseconds: clock.now().microseconds + 1) : nil,
      reader.day("due_by").map { settings.rules.value.zone.startOfDay($0 + 1) },
    ]
    filter.dueBefore = ends.compactMap { $0 }.min()
    return filter
  }

  private func desk() -> [UInt8] {
    let rules = settings.rules.value
    func codes(_ list: [DeskRules.Code], and more: (DeskRules.Code) -> [JSONMember] = { _ in [] }) -> JSONValue {
      .array(list.map { .object([JSONMember("id", .text($0.id)), JSONMember("name", .name($0.name))] + more($0)) })
    }
    let ladder = rules.desk.ladder.steps.map { step -> JSONValue in
      ["percent": .integer(Int64(step.percent)), "role": .text(step.role.rawValue), "role_name": .name(step.role.name)]
    }
    return JSONValue.object([
      JSONMember("version", .integer(Int64(rules.desk.version))), JSONMember("on_change", .text(rules.desk.onChange.rawValue)),
      JSONMember("ladder", .array(ladder)),
      JSONMember("resolution_codes", codes(rules.desk.resolutionCodes) { [JSONMember("upheld", .boolean($0.isUpheld))] }),
      JSONMember("root_causes", codes(rules.desk.rootCauses)), JSONMember("checklist", codes(rules.desk.checklist)),
      JSONMember(
        "acceptance",
        rules.desk.acceptance.map { rule in
          [
            "kinds": .array(rule.kinds.map(\.rawValue).sorted().map { .text($0) }), "codes": .array(rule.codes.sorted().map { .text($0) }),
            "days": .integer(Int64(rule.days)),
          ]
        } ?? .null),
      JSONMember("standards_version", .integer(Int64(rules.book.versions.standards))),
      JSONMember("calendars_version", .integer(Int64(rules.book.versions.calendars))),
    ]).encoded
  }

  // MARK: - Opening

  private static func isKeyByte(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || [0x2D, 0x2E, 0x5F].contains(byte)
  }

  /// By which a request that comes again is known.
  static func key(_ request: Request, _ reader: inout BodyReader) -> String? {
    let key = request.headers["Idempotency-Key"]
    if let key, key.isEmpty || key.utf8.count > keyMax || !key.utf8.allSatisfy(isKeyByte) {
      reader.refuse("Idempotency-Key", "format", "the key is 1 to \(keyMax) letters, digits, dots, hyphens and underscores")
    }
    return key
  }

  private static let openMembers: Set<String> = [
    "customer_id", "kind", "category", "urgency", "channel", "text", "reference", "order_id", "attachments",
  ]

  private func open(_ request: Request) async throws -> Response {
    let order = try Instruction(request, members: TicketsAPI.openMembers, needsReason: false)
    var reader = BodyReader(order.body)
    let customer = order.body["customer_id"]?.stringValue.flatMap { CustomerID($0) }
    if customer == nil { reader.refuse("customer_id", "format", "customer_id is needed: 16 hexadecimal digits") }
    let subject = reader.subject()
    let orderID = reader.text("order_id", max: 90)
    let origin = TicketOrigin(
      channel: reader.text("channel", max: 60), source: "desk", reference: reader.text("reference", max: 60), orderID: orderID.isEmpty ? nil : orderID,
      text: reader.text("text", max: BodyReader.textMax, isNeeded: true), attachments: reader.attachments())
    let key = TicketsAPI.key(request, &reader)
    try reader.finish()
    guard let customer else { throw Problem(.internalServerError) }
    let digest = try Hasher256().digest(texts: ["desk", customer.description, key ?? "", key == nil ? String(draw(), radix: 16) : ""])
    let (id, rules, now, actor) = (TicketID(number: Int64(bitPattern: digest.high)), settings.rules.value, clock.now(), order.ticketActor)
    let (record, isNew) = try await pool.transaction { session in
      var store = PostgresTicketStore(session, at: now)
      let opened = try TicketDesk.open(id, subject, origin, for: customer, by: actor, &store, rules: rules, at: now)
      if !opened.isNew { try request.check(opened.record, openedBy: actor, rules.staff, session) }
      return opened
    }
    settings.lane.ring()
    return TicketsAPI.answer(record, to: request, status: isNew ? .created : .ok, headers: ["Location": "/v1/tickets/\(record.id)"])
  }

  // MARK: - Working

  private func step(_ request: Request) async throws -> Response {
    try await carryOut(request, members: ["step", "text", "code", "root_cause"]) { reader, actor in
      let step = reader.choice("step", of: TicketStep.self, isNeeded: true) ?? .start
      let text = reader.text("text", max: BodyReader.textMax)
      let (code, cause) = (reader.text("code", max: 64), reader.text("root_cause", max: 64))
      if step != .resolve, !code.isEmpty || !cause.isEmpty { reader.refuse("code", "unknown", "only resolve takes a code and a root cause") }
      if step == .reopen, actor.reason.isEmpty { reader.refuse("reason", "missing", "reopening needs a reason") }
      return .step(step, actor, text: text, step == .resolve ? TicketResolution(code: code, rootCause: cause) : nil)
    }
  }

  /// Carries out an order if the ticket is as the person saw it: so that of two people the second is told.
  func carryOut(
    _ request: Request, members: Set<String>, _ read: (inout BodyReader, TicketActor) -> TicketOrder
  ) async throws -> Response {
    let id = try request.ticketID()
    let instruction = try Instruction(request, members: members, needsReason: false)
    var reader = BodyReader(instruction.body)
    let order = read(&reader, instruction.ticketActor)
    try reader.finish()
    let tags = try request.expectedTags()
    let (rules, now) = (settings.rules.value, clock.now())
    let record = try await pool.transaction { session -> TicketRecord in
      var store = PostgresTicketStore(session, at: now)
      let others: [TicketID] =
        switch order {
        case .merge(let other, _), .link(let other, _): other == id ? [] : [other]
        default: []
        }
      // Customers before tickets.
      var known: KnownTier?
      if order.mayPlace, let customer = try StaffQueries.customer(of: id, session) { known = try store.lockTiers(of: [customer]).first }
      let found = try store.lock(([id] + others).sorted())
      guard let record = found.first(where: { $0.id == id }) else { throw TicketsAPI.unknown(id) }
      for record in found { try request.check(record, rules.staff) }
      guard record.tag.isNamed(in: tags), known.map({ $0.customer == record.customer }) ?? true else {
        throw Problem(.preconditionFailed, title: "Changed meanwhile", detail: "the ticket is not what If-Match names: look again and decide anew")
      }
      do {
        let changed = try TicketDesk.apply(order, to: record, beside: found.first { $0.id != id }, of: known, &store, rules: rules, at: now)
        return changed.first ?? record
      } catch let refusal as TicketRefusal { throw refusal.problem } catch let refusal as DeskRefusal { throw refusal.problem }
    }
    settings.lane.ring()
    return TicketsAPI.answer(record, to: request)
  }
}
