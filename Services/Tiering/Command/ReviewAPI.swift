// What people decide about tiers, over HTTP: the queue of proposals, decisions one by one and many at once, overrides, automated tiering (T-07, S-07).
import Access
import Domain
import HTTP
import Handling
import Messaging
import Postgres
import Runtime
import Telemetry
import Text
import TieringCore
import TieringStore

struct ReviewAPI: Sendable {
  let settings: TieringSettings
  let clock: any BusinessClock
  let pool: PostgresPool
  private var rules: TieringRules { settings.rules }

  /// Rows of one answer.
  static let rowsMax = 200
  static let rowsUsual = 50
  /// Proposals that are confirmed at once.
  static let bulkMax = 500

  init(settings: TieringSettings, clock: any BusinessClock, pool: PostgresPool) {
    self.settings = settings
    self.clock = clock
    self.pool = pool
  }

  func add(to router: inout Router) {
    let limits = RouteLimits(bodyBytesMax: Instruction.bodyBytesMax)
    router.get("/v1/proposals", needs: .tiersRead) { try await list($0) }
    router.post("/v1/confirmations", needs: .tiersDecide, limits: limits) { try await confirmMany($0) }
    router.get("/v1/proposals/{customer_id}", needs: .tiersRead) { try await show($0) }
    router.post("/v1/proposals/{customer_id}/confirmation", needs: .tiersDecide, limits: limits) { request in
      let order = try Instruction(request, members: [], needsReason: false)
      return try await decide(request, .confirm(order.action))
    }
    router.post("/v1/proposals/{customer_id}/rejection", needs: .tiersDecide, limits: limits) { request in
      try await decide(request, .reject(try Instruction(request, members: []).action))
    }
    router.post("/v1/customers/{customer_id}/override", needs: .tiersDecide, limits: limits) { try await override($0) }
    router.get("/v1/customers/{customer_id}/automated-tiering", needs: .tiersRead) { try await automation($0) }
    router.put("/v1/customers/{customer_id}/automated-tiering", needs: .consentsChange, limits: limits) { try await automate($0) }
    router.get("/v1/customers/{customer_id}/ratings", needs: .tiersRead) { try await history($0) }
  }

  // MARK: - The queue

  private func list(_ request: Request) async throws -> Response {
    let filter = try filter(request.query["tier"], request.query["proposed_tier"], kind: request.query["kind"])
    let limit = try ReviewAPI.number(request, "limit", in: 1...Int64(ReviewAPI.rowsMax)).map { Int($0) } ?? ReviewAPI.rowsUsual
    let after = try request.query["after"].map { text -> ProposalPlace in
      guard let place = ReviewAPI.place(text) else {
        throw Problem.invalid([.init(field: "after", rule: "format", detail: "give what the page before says under next")])
      }
      return place
    }
    let (found, count) = try await pool.transaction { session in
      (try ProposalRow.list(filter, after: after, limit: limit + 1, session), try ProposalRow.count(filter, session))
    }
    let page = found.prefix(limit)
    let next = found.count > limit ? page.last.map { "\($0.open.openedAt.microseconds)-\($0.customer)" } : nil
    return .json(
      JSONValue.object([
        JSONMember("proposals", .array(page.map { .object(ReviewView.proposal($0, rules.policy.ladder)) })), JSONMember("count", .integer(count)),
        JSONMember("next", .textOrNull(next)),
      ]).encoded)
  }

  private static func place(_ text: String) -> ProposalPlace? {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 2, let at = Int64(parts[0]), let customer = CustomerID(String(parts[1])) else { return nil }
    return ProposalPlace(openedAt: Instant(microseconds: at), customer: customer)
  }

  private static func number(_ request: Request, _ name: String, in range: ClosedRange<Int64>) throws -> Int64? {
    try request.query[name].map { text in
      guard let number = Int64(text), range.contains(number) else {
        throw Problem.invalid([.init(field: name, rule: "range", detail: "\(name) is a whole number from \(range.lowerBound) to \(range.upperBound)")])
      }
      return number
    }
  }

  private func filter(_ tier: String?, _ proposed: String?, kind: String?) throws -> ProposalFilter {
    func id(_ field: String, _ text: String?) throws -> TierID? {
      try text.map { text in
        guard let id = TierID(text) else { throw Problem.invalid([.init(field: field, rule: "format", detail: "\(field) is the id of a tier")]) }
        return id
      }
    }
    let isOverride: Bool?
    switch kind {
    case nil: isOverride = nil
    case "rating": isOverride = false
    case "override": isOverride = true
    case .some: throw Problem.invalid([.init(field: "kind", rule: "enum", detail: "kind is rating or override")])
    }
    return ProposalFilter(tier: try id("tier", tier), proposed: try id("proposed_tier", proposed), isOverride: isOverride)
  }

  private func show(_ request: Request) async throws -> Response {
    let id = try request.customerID("customer_id")
    let rules = rules
    let body = try await pool.transaction { try ReviewAPI.body(of: id, rules, $0) }
    guard let body else { throw ReviewRefusal.nothingWaits.problem }
    return Response.json(body).tagged(for: request)
  }

  /// One proposal with the figures behind it: what a reviewer looks at, and what its ETag stands for.
  private static func body(of id: CustomerID, _ rules: TieringRules, _ session: PostgresSession) throws -> [UInt8]? {
    guard let proposal = try ProposalRow.proposal(of: id, session), let standing = try TierQueries.customer(id, session)?.standing else { return nil }
    let explanation = JSONMember("explanation", try TieringAPI.explanation(of: standing, rules, session))
    return JSONValue.object(ReviewView.proposal(proposal, rules.policy.ladder) + [explanation]).encoded
  }

  // MARK: - Deciding

  private func moment() -> RatingMoment { RatingMoment(business: clock.now(), real: Instant(microseconds: SystemTime.unixMicroseconds())) }

  /// Carries out an order on one customer, if what stands there is what the person saw: so that of two reviewers the second is told.
  private func carryOut(
    _ request: Request, _ id: CustomerID, _ order: ReviewOrder, _ seen: @escaping @Sendable (RatedCustomer, PostgresSession) throws -> [UInt8]?
  ) async throws -> RatedCustomer {
    let tags = try request.expectedTags()
    let (rules, moment) = (rules, moment())
    let decided = try await pool.transaction { session -> RatedCustomer? in
      var store = PostgresTieringStore(session, zone: rules.zone)
      // Who is part of the customer accepts automated tiering with it.
      let parts = if case .optOut(false, _) = order { try store.refusals(under: [id]).map(\.part).filter { $0 != id } } else { [CustomerID]() }
      let locked = try store.lockCustomers(([id] + parts).sorted())
      guard let customer = locked.first(where: { $0.id == id }) else { throw ReviewRefusal.notRated.problem }
      guard let body = try seen(customer, session) else { throw ReviewRefusal.nothingWaits.problem }
      guard EntityTag(of: body).isNamed(in: tags) else {
        throw Problem(.preconditionFailed, title: "Changed meanwhile", detail: "what stands there is not what If-Match names: look again and decide anew")
      }
      do {
        let customers = try ReviewDesk.apply(order, to: [customer], &store, rules: rules, at: moment)
        try ReviewDesk.accept(locked.filter { $0.id != id }, &store)
        try store.publishLater(customers.map(\.id))
        return customers.first
      } catch let refusal as ReviewRefusal { throw refusal.problem }
    }
    settings.lane.ring()
    guard let decided else { throw Problem(.internalServerError) }
    return decided
  }

  private func decide(_ request: Request, _ order: ReviewOrder) async throws -> Response {
    let id = try request.customerID("customer_id")
    let rules = rules
    let decided = try await carryOut(request, id, order) { _, session in try ReviewAPI.body(of: id, rules, session) }
    return try await rating(decided)
  }

  private func rating(_ customer: RatedCustomer, status: HTTPStatus = .ok, headers: HTTPHeaders = [:]) async throws -> Response {
    let rules = rules
    let body = try await pool.transaction { session in try customer.standing.map { try TieringAPI.body(customer, $0, nil, rules, session) } }
    return .json(body ?? [], status: status, headers: headers)
  }

  private func override(_ request: Request) async throws -> Response {
    let id = try request.customerID("customer_id")
    let order = try Instruction(request, members: ["tier", "until", "at_next_rating"])
    let action = ReviewAction(actor: order.actor, reason: order.reason, terms: try order.terms(rules.policy.ladder))
    let rules = rules
    let decided = try await carryOut(request, id, .ask(action)) { customer, session in
      guard let standing = customer.standing else { throw ReviewRefusal.notRated.problem }
      return try TieringAPI.body(customer, standing, nil, rules, session)
    }
    return try await rating(decided, status: .created, headers: ["Location": "/v1/proposals/\(id)"])
  }

  // MARK: - Automated tiering

  private func automation(_ request: Request) async throws -> Response {
    let id = try request.customerID("customer_id")
    let customer = try await pool.withSession { try TierQueries.customer(id, $0) }
    guard let customer else { throw ReviewRefusal.notRated.problem }
    return Response.json(ReviewAPI.automation(customer)).tagged(for: request)
  }

  private static func automation(_ customer: RatedCustomer) -> [UInt8] {
    JSONValue.object([
      JSONMember("customer_id", .text(customer.id.description)), JSONMember("allowed", .boolean(!customer.course.review.refusesAutomation)),
      JSONMember("refused_by", .textOrNull((customer.course.review.isOptedOut ? customer.id : customer.course.review.refusingPart)?.description)),
    ]).encoded
  }

  private func automate(_ request: Request) async throws -> Response {
    let id = try request.customerID("customer_id")
    let order = try Instruction(request, members: ["allowed"])
    guard let isAllowed = order.body["allowed"]?.booleanValue else {
      throw Problem.invalid([.init(field: "allowed", rule: "missing", detail: "allowed is true, or false when a person is to decide every change")])
    }
    let decided = try await carryOut(request, id, .optOut(!isAllowed, order.action)) { customer, _ in ReviewAPI.automation(customer) }
    return .json(ReviewAPI.automation(decided))
  }

  // MARK: - Many at once

  /// Without a digest: what would be confirmed, and its digest. With it: confirmed, if that is still so. Overrides are never among them: each needs a
  /// look of its own.
  private func confirmMany(_ request: Request) async throws -> Response {
    let order = try Instruction(request, members: ["tier", "proposed_tier", "limit", "digest"], needsReason: false)
    func text(_ field: String) throws -> String? {
      guard let value = order.body[field] else { return nil }
      guard let text = value.stringValue else { throw Problem.invalid([.init(field: field, rule: "type", detail: "\(field) is a text")]) }
      return text
    }
    let filter = try filter(try text("tier"), try text("proposed_tier"), kind: "rating")
    // 56.0 is a whole number as well.
    let limit = order.body["limit"].map { $0.doubleValue.flatMap { Int(exactly: $0) } ?? 0 } ?? ReviewAPI.bulkMax
    guard (1...ReviewAPI.bulkMax).contains(limit) else {
      throw Problem.invalid([.init(field: "limit", rule: "range", detail: "limit is a whole number from 1 to \(ReviewAPI.bulkMax)")])
    }
    let digest = try text("digest")
    let (rules, moment) = (rules, moment())
    let (found, count) = try await pool.transaction { session -> ([Proposal], Int64) in
      func queue() throws -> [Proposal] { try ProposalRow.list(filter, after: nil, limit: limit, session) }
      var store = PostgresTieringStore(session, zone: rules.zone)
      guard let digest else { return (try queue(), try ProposalRow.count(filter, session)) }
      let customers = try store.lockCustomers(try queue().map(\.customer).sorted())
      // Looked at once more under their locks: nothing moves any longer.
      let found = try queue()
      guard ReviewAPI.digest(found) == digest, Set(found.map(\.customer)) == Set(customers.map(\.id)) else {
        throw Problem(.preconditionFailed, title: "Changed meanwhile", detail: "what would be confirmed is no longer what the digest stands for: look again")
      }
      do {
        try store.publishLater(try ReviewDesk.apply(.confirm(order.action), to: customers, &store, rules: rules, at: moment).map(\.id))
      } catch let refusal as ReviewRefusal { throw refusal.problem }
      return (found, try ProposalRow.count(filter, session))
    }
    if digest != nil { settings.lane.ring() }
    return .json(
      JSONValue.object([
        JSONMember("confirmed", .boolean(digest != nil)), JSONMember("count", .integer(Int64(found.count))),
        JSONMember("left", .integer(digest == nil ? count - Int64(found.count) : count)), JSONMember("digest", .text(ReviewAPI.digest(found))),
        JSONMember("proposals", .array(found.map { .object(ReviewView.proposal($0, rules.policy.ladder)) })),
      ]).encoded)
  }

  /// Stands for exactly these proposals as they are.
  private static func digest(_ proposals: [Proposal]) -> String {
    let lines = proposals.map { "\($0.customer) \($0.version) \($0.tier) \($0.open.tier)\n" }.joined()
    return EntityTag(of: Array(lines.utf8)).description.filter { $0 != "\"" }
  }

  // MARK: - History

  /// The newest first.
  private func history(_ request: Request) async throws -> Response {
    let id = try request.customerID("customer_id")
    let limit = try ReviewAPI.number(request, "limit", in: 1...Int64(ReviewAPI.rowsMax)).map { Int($0) } ?? ReviewAPI.rowsUsual
    let before = try ReviewAPI.number(request, "before", in: 1...Int64.max)
    let found = try await pool.transaction { session -> [RatingRecord]? in
      guard try TierQueries.entitled(id, session) != nil else { return nil }
      return try TierQueries.history(id, before: before, limit: limit + 1, session)
    }
    guard let found else { throw ReviewRefusal.notRated.problem }
    let page = found.prefix(limit)
    return .json(
      JSONValue.object([
        JSONMember("customer_id", .text(id.description)), JSONMember("ratings", .array(page.map(ReviewView.line))),
        JSONMember("next", found.count > limit ? page.last.map { .integer($0.standing.rating.version) } ?? .null : .null),
      ]).encoded)
  }
}
