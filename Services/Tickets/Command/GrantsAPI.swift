// Compensation and upgrades over HTTP (K-08): give or ask, agree or not, and what a customer may still be given.
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

struct GrantsAPI: Sendable {
  let settings: TicketsSettings
  let clock: any BusinessClock
  let pool: PostgresPool

  init(settings: TicketsSettings, context: ServiceContext) { self.init(settings: settings, clock: context.settings.clock, pool: context.pool) }

  init(settings: TicketsSettings, clock: any BusinessClock, pool: PostgresPool) {
    self.settings = settings
    self.clock = clock
    self.pool = pool
  }

  func add(to router: inout Router) {
    let limits = RouteLimits(bodyBytesMax: Instruction.bodyBytesMax)
    router.post("/v1/tickets/{ticket_id}/grants", needs: .grantsAsk, limits: limits) { try await ask($0) }
    router.get("/v1/grants", needs: .grantsRead) { try await list($0) }
    router.get("/v1/grants/{grant_id}", needs: .grantsRead) { request in
      let found = try await find(try GrantsAPI.id(request))
      return answer(found).tagged(for: request, as: GrantsAPI.tag(found.grant))
    }
    router.post("/v1/grants/{grant_id}/approval", needs: .grantsDecide, limits: limits) { try await decide($0, isApproved: true) }
    router.post("/v1/grants/{grant_id}/rejection", needs: .grantsDecide, limits: limits) { try await decide($0, isApproved: false) }
    router.get("/v1/customers/{customer_id}/allowance", needs: .grantsAsk) { try await allowance($0) }
  }

  // MARK: - Looking

  private static func tag(_ grant: Grant) -> EntityTag { EntityTag(opaque: grant.state.rawValue) }

  private static func id(_ request: Request) throws(Problem) -> TicketID {
    guard let id = TicketID(try request.parameter("grant_id")) else {
      throw Problem.invalid([.init(field: "grant_id", rule: "format", detail: "a grant id has 16 hexadecimal digits")])
    }
    return id
  }

  private func find(_ id: TicketID) async throws -> StoredGrant {
    guard let found = try await pool.withSession({ try GrantQueries.grant(id, $0) }) else {
      throw Problem(.notFound, title: "No such grant", detail: "there is no grant \(id)")
    }
    return found
  }

  private func amount(_ units: Int64) -> JSONValue { .number(MinorUnits.text(units, digits: settings.rules.value.currency.minorDigits)) }

  private func view(_ stored: StoredGrant) -> [JSONMember] {
    let grant = stored.grant
    return [
      JSONMember("grant_id", .text(grant.id.description)), JSONMember("ticket_id", .text(grant.ticket.description)),
      JSONMember("customer_id", .text(stored.customer.description)), JSONMember("state", .text(grant.state.rawValue)),
      JSONMember("state_name", .name(grant.state.name)), JSONMember("kind", .text(grant.kind.word)),
      JSONMember("upgrade", .textOrNull(grant.kind.upgradeID)), JSONMember("amount", amount(grant.minorUnits)),
      JSONMember("currency", .text(settings.rules.value.currency.description)), JSONMember("asked_at", TicketView.instant(grant.askedAt)),
      JSONMember("asked_by", .text(grant.asker.name)), JSONMember("reason", TicketView.textOrNull(grant.asker.reason)),
      JSONMember("decided_at", TicketView.instant(grant.decidedAt)), JSONMember("decided_by", .textOrNull(grant.decider?.name)),
      JSONMember("decision_reason", TicketView.textOrNull(grant.decider?.reason ?? "")),
    ]
  }

  private func answer(_ stored: StoredGrant, status: HTTPStatus = .ok) -> Response {
    .json(JSONValue.object(view(stored)).encoded, status: status, headers: ["ETag": GrantsAPI.tag(stored.grant).description])
  }

  private func list(_ request: Request) async throws -> Response {
    let query = request.query
    var reader = BodyReader(.object(query["state"].map { [JSONMember("state", .text($0))] } ?? []))
    var filter = GrantFilter(state: reader.choice("state", of: GrantState.self))
    if let text = query["ticket_id"] {
      filter.ticket = TicketID(text)
      if filter.ticket == nil { reader.refuse("ticket_id", "format", "a ticket id has 16 hexadecimal digits") }
    }
    if let text = query["customer_id"] {
      filter.customer = CustomerID(text)
      if filter.customer == nil { reader.refuse("customer_id", "format", "a customer id has 16 hexadecimal digits") }
    }
    try reader.finish()
    let limit = try TicketsAPI.number(request, "limit", in: 1...TicketsAPI.rowsMax) ?? TicketsAPI.rowsUsual
    let (chosen, after) = (filter, try TicketsAPI.place(request))
    let found = try await pool.withSession { try GrantQueries.page(chosen, after: after, limit: limit + 1, $0) }
    let page = found.prefix(limit)
    let next = found.count > limit ? page.last.map { "\($0.grant.askedAt.microseconds)-\($0.grant.id)" } : nil
    return .json(
      JSONValue.object([JSONMember("grants", .array(page.map { .object(view($0)) })), JSONMember("next", .textOrNull(next))]).encoded)
  }

  private func allowance(_ request: Request) async throws -> Response {
    let customer = try request.customerID("customer_id")
    let rules = settings.rules.value
    let year = rules.year(of: clock.now())
    let found = try await pool.withSession { try GrantQueries.allowance(of: customer, from: year.from, until: year.until, $0) }
    let cap = rules.staff.grants.cap(rules.served(found.tier))
    return .json(
      JSONValue.object([
        JSONMember("customer_id", .text(customer.description)), JSONMember("year", .integer(Int64(year.number))),
        JSONMember("tier", .textOrNull(found.tier?.text)), JSONMember("currency", .text(rules.currency.description)), JSONMember("cap", amount(cap)),
        JSONMember("given", amount(found.minorUnits)), JSONMember("left", amount(max(0, cap - found.minorUnits))),
      ]).encoded)
  }

  // MARK: - Giving

  /// Does something while the customer and the ticket are locked, in that order.
  private func locked<Value: Sendable>(
    _ ticket: TicketID, _ rules: TicketRules, at now: Instant,
    _ body: @escaping @Sendable (TicketRecord, KnownTier, inout PostgresTicketStore, PostgresSession) throws -> Value
  ) async throws -> Value {
    try await pool.transaction { session -> Value in
      var store = PostgresTicketStore(session, at: now)
      guard let customer = try StaffQueries.customer(of: ticket, session), let known = try store.lockTiers(of: [customer]).first,
        let record = try store.lock([ticket]).first
      else { throw TicketsAPI.unknown(ticket) }
      guard record.customer == customer else {
        throw Problem(.preconditionFailed, title: "Changed meanwhile", detail: "the ticket is another customer's now: look again and decide anew")
      }
      do {
        return try body(record, known, &store, session)
      } catch let refusal as GrantRefusal {
        throw refusal.problem(rules.currency)
      } catch let refusal as TicketRefusal { throw refusal.problem }
    }
  }

  private func ask(_ request: Request) async throws -> Response {
    let ticket = try request.ticketID()
    let order = try Instruction(request, members: ["amount", "upgrade"])
    let (rules, now, actor) = (settings.rules.value, clock.now(), order.ticketActor)
    var reader = BodyReader(order.body)
    let upgrade = reader.text("upgrade", max: StaffRules.codeBytesMax, isNeeded: order.body["upgrade"] != nil)
    var units: Int64?
    if order.body["upgrade"] == nil {
      units = reader.amount("amount", rules.currency)
    } else if order.body["amount"] != nil {
      reader.refuse("amount", "both", "give amount or upgrade; what an upgrade is worth is known")
    }
    try reader.finish()
    let tags = try request.expectedTags()
    let (kind, amount): (GrantKind, Int64?) = (upgrade.isEmpty ? .compensation : .upgrade(upgrade), units)
    let granted = try await locked(ticket, rules, at: now) { record, known, store, _ in
      try request.check(record, rules.staff)
      guard record.tag.isNamed(in: tags) else {
        throw Problem(.preconditionFailed, title: "Changed meanwhile", detail: "the ticket is not what If-Match names: look again and decide anew")
      }
      let digest = try Hasher256().digest(texts: ["grant", record.id.description, String(record.version)])
      let id = TicketID(number: Int64(bitPattern: digest.high))
      let (changed, grant) = try GrantDesk.ask(id, kind, minorUnits: amount, by: actor, for: record, of: known, &store, rules: rules, at: now)
      return StoredGrant(grant: grant, customer: changed.customer)
    }
    settings.lane.ring()
    return answer(granted, status: granted.grant.state == .granted ? .created : .accepted)
  }

  private func decide(_ request: Request, isApproved: Bool) async throws -> Response {
    let id = try GrantsAPI.id(request)
    let order = try Instruction(request, needsReason: !isApproved)
    let tags = try request.expectedTags(of: "the grant")
    let (rules, now, actor) = (settings.rules.value, clock.now(), order.ticketActor)
    let ticket = try await find(id).grant.ticket
    let decided = try await locked(ticket, rules, at: now) { record, known, store, session in
      // Grants change only while their ticket is locked.
      guard let grant = try GrantQueries.grant(id, session)?.grant, GrantsAPI.tag(grant).isNamed(in: tags) else {
        throw Problem(.preconditionFailed, title: "Changed meanwhile", detail: "the grant is not what If-Match names: look again and decide anew")
      }
      let decided = try GrantDesk.decide(grant, isApproved: isApproved, by: actor, for: record, of: known, &store, rules: rules, at: now)
      return StoredGrant(grant: decided, customer: record.customer)
    }
    settings.lane.ring()
    return answer(decided)
  }
}
