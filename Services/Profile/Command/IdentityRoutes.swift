// Who is who, worked on by people: cases for review, merges by hand, merges undone (P-02, P-03).
import Access
import Domain
import HTTP
import Handling
import Postgres
import ProfileCore
import ProfileStore
import Runtime
import Text

struct IdentityRoutes: Sendable {
  let environment: ProfileEnvironment
  let pool: PostgresPool
  let clock: any BusinessClock

  /// Rows of one answer.
  static let rowsMax = 200
  static let rowsUsual = 50

  func add(to router: inout Router) {
    let limits = RouteLimits(bodyBytesMax: Instruction.bodyBytesMax)
    router.get("/v1/reviews", needs: .identitiesRead) { try await cases($0) }
    router.get("/v1/reviews/{id}", needs: .identitiesRead) { try await showCase($0) }
    router.post("/v1/reviews/{id}/decision", needs: .identitiesDecide, limits: limits) { try await decideCase($0) }
    router.get("/v1/merges", needs: .identitiesRead) { try await merges($0) }
    router.get("/v1/merges/{id}", needs: .identitiesRead) { try await showMerge($0) }
    router.post("/v1/merges", needs: .identitiesDecide, limits: limits) { try await merge($0) }
    router.post("/v1/merges/{id}/undo", needs: .identitiesDecide, limits: limits) { try await undo($0) }
    router.get("/v1/decisions", needs: .identitiesRead) { try await decisions($0) }
    router.get("/v1/decisions/{id}", needs: .identitiesRead) { try await showDecision($0) }
  }

  // MARK: - Cases

  private func cases(_ request: Request) async throws -> Response {
    let query = Query(request)
    let limit = try query.limit()
    let stopped = try query.choice("guard", of: MergeGuard.allCases.filter(\.needsReview)) { $0.rawValue }
    let customer = try query.customer("customer")
    let after = try query.value("after", rule: "format", "give the id of the last case of the page before") { IdentityRoutes.pair($0) }
    let found = try await pool.withSession {
      try DecisionDesk.cases(stoppedBy: stopped, of: customer, after: after, limit: limit + 1, $0)
    }
    let page = found.prefix(limit)
    return .json(
      JSONValue.object([
        JSONMember("reviews", .array(page.map { .object(IdentityRoutes.describe($0, to: request)) })),
        JSONMember("next", found.count > limit ? .textOrNull(page.last.map { IdentityRoutes.id($0.bond.pair) }) : .null),
      ]).encoded)
  }

  private static func id(_ pair: IdentityPair) -> String { pair.other.hexadecimal + "-" + pair.leader.hexadecimal }

  private static func pair(_ text: String) -> IdentityPair? {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false).map { part in
      Array(part.utf8).withUnsafeBytes { IdentityKey(hexadecimal: $0) }
    }
    guard parts.count == 2, let other = parts[0], let leader = parts[1] else { return nil }
    return IdentityPair(other: other, leader: leader)
  }

  private static func describe(_ found: DecisionDesk.Case, to request: Request) -> [JSONMember] {
    [
      JSONMember("id", .text(id(found.bond.pair))), JSONMember("guard", .textOrNull(found.bond.stopped?.rawValue)),
      JSONMember("at", .text(RFC3339.text(found.bond.at.microseconds))), JSONMember("evidence", .text(found.bond.evidence)),
      JSONMember("sides", .array([found.leader, found.other].map { side($0, to: request) })),
    ]
  }

  private static func side(_ identity: Identity, to request: Request) -> JSONValue {
    [
      "customer_id": .text(identity.customer.description), "kind": .text(identity.kind.name), "value": .text(request.shown(identity, of: identity.customer)),
      "shared": .boolean(identity.isShared), "first_seen_at": .text(RFC3339.text(identity.firstSeenAt.microseconds)),
    ]
  }

  private func showCase(_ request: Request) async throws -> Response {
    let pair = try pair(request)
    let environment = environment
    let body = try await pool.transaction { session -> [UInt8]? in
      guard let found = try DecisionDesk.reviewCase(pair, session) else { return nil }
      let sides = try [found.leader, found.other].map { identity -> JSONValue in
        guard case .object(let members) = IdentityRoutes.side(identity, to: request) else { return .null }
        return .object(members + (try IdentityRoutes.customer(identity.customer, environment, to: request, session)))
      }
      let members = IdentityRoutes.describe(found, to: request).filter { $0.key != "sides" }
      return JSONValue.object(members + [JSONMember("sides", .array(sides))]).encoded
    }
    guard let body else { throw IdentityRoutes.noCase }
    return .single(body, request)
  }

  /// What there is to know of a customer before one decides.
  private static func customer(_ id: CustomerID, _ environment: ProfileEnvironment, to request: Request, _ session: PostgresSession) throws -> [JSONMember] {
    var store = PostgresProfileStore(session)
    let members = try store.members(of: [id]).map(\.identity).sorted { ($0.kind, $0.value) < ($1.kind, $1.value) }
    guard let customer = try ProfileQueries.customer(id, session) else { return [] }
    let digits = environment.currency.minorDigits
    let identifiers = members.map { member -> JSONValue in
      ["kind": .text(member.kind.name), "value": .text(request.shown(member, of: id)), "strong": .boolean(member.isStrong)]
    }
    return [
      JSONMember("identifiers", .array(identifiers)),
      JSONMember("name", .textOrNull(customer.attributes[.name].map { request.masking($0, as: masked($0), "attribute.name", of: id) })),
      JSONMember("orders_of_all_time", .integer(customer.ledger.orderCount)),
      JSONMember("spend_of_all_time", .text(MinorUnits.text(customer.ledger.spend, digits: digits))),
    ]
  }

  private func pair(_ request: Request) throws -> IdentityPair {
    guard let pair = IdentityRoutes.pair(try request.parameter("id")) else {
      throw Problem.invalid([.init(field: "id", rule: "format", detail: "a case's id is two times 32 hexadecimal digits with a hyphen between")])
    }
    return pair
  }

  private static let noCase = Problem(.notFound, title: "No such case", detail: "no event has named these two identifiers together")

  private func decideCase(_ request: Request) async throws -> Response {
    let pair = try pair(request)
    let order = try Instruction(request, members: ["decision"])
    let kind: IdentityDecision.Kind
    switch order.body["decision"]?.stringValue {
    case "merge": kind = .together
    case "keep_apart": kind = .apart
    default: throw Problem.invalid([.init(field: "decision", rule: "enum", detail: "decision is merge or keep_apart")])
    }
    return try await record { session in
      guard let found = try DecisionDesk.reviewCase(pair, session) else { throw IdentityRoutes.noCase }
      return try wish(kind, found.leader.customer, found.other.customer, order, session)
    }
  }

  /// Two customers, whole: later events of either do not matter to the decision.
  private func wish(
    _ kind: IdentityDecision.Kind, _ left: CustomerID, _ right: CustomerID, _ order: Instruction, _ session: PostgresSession
  ) throws -> DecisionDesk.Wish {
    guard left != right else {
      throw Problem(.conflict, title: "Already one customer", detail: "both are customer \(left)")
    }
    var store = PostgresProfileStore(session)
    func keys(_ id: CustomerID) throws -> [IdentityKey] {
      let members = try store.members(of: [id]).map(\.identity)
      guard !members.isEmpty else { throw Problem(.notFound, title: "No such customer", detail: "there is no customer \(id), or it was merged") }
      let strong = members.filter(\.isStrong)
      return (strong.isEmpty ? members : strong).sorted { ($0.id == id ? 0 : 1, $0.key) < ($1.id == id ? 0 : 1, $1.key) }.map(\.key)
    }
    return DecisionDesk.Wish(kind: kind, left: try keys(left), right: try keys(right), actor: order.actor, reason: order.reason)
  }

  // MARK: - Merges

  private func merges(_ request: Request) async throws -> Response {
    let query = Query(request)
    let (limit, after, customer) = (try query.limit(), try query.number("after") ?? 0, try query.customer("customer"))
    let found = try await pool.withSession { try DecisionDesk.merges(of: customer, after: after, limit: limit + 1, $0) }
    let page = found.prefix(limit)
    return .json(
      JSONValue.object([
        JSONMember("merges", .array(page.map(IdentityRoutes.describe))),
        JSONMember("next", found.count > limit ? page.last.map { .integer($0.id) } ?? .null : .null),
      ]).encoded)
  }

  private static func describe(_ merge: DecisionDesk.Merge) -> JSONValue {
    [
      "id": .integer(merge.id), "survivor": .text(merge.record.survivor.description), "absorbed": .text(merge.record.absorbed.description),
      "evidence": .text(merge.record.evidence), "at": .text(RFC3339.text(merge.record.at.microseconds)),
      "identifiers": [
        "survivor": .integer(Int64(merge.record.survivorMembers.count)), "absorbed": .integer(Int64(merge.record.absorbedMembers.count)),
      ],
      "undone_by": merge.undoneBy.map { .integer($0) } ?? .null,
    ]
  }

  private func showMerge(_ request: Request) async throws -> Response {
    let id = try Query.id(request)
    guard let merge = try await pool.withSession({ try DecisionDesk.merge(id, $0) }) else { throw IdentityRoutes.noMerge(id) }
    return .single(IdentityRoutes.describe(merge).encoded, request)
  }

  private static func noMerge(_ id: Int64) -> Problem { Problem(.notFound, title: "No such merge", detail: "there is no merge \(id)") }

  private func merge(_ request: Request) async throws -> Response {
    let order = try Instruction(request, members: ["customers"])
    let ids = (order.body["customers"]?.arrayValue ?? []).compactMap { $0.stringValue.flatMap { CustomerID($0) } }
    guard ids.count == 2, order.body["customers"]?.arrayValue?.count == 2 else {
      throw Problem.invalid([.init(field: "customers", rule: "format", detail: "give two customer ids of 16 hexadecimal digits")])
    }
    return try await record { try wish(.together, ids[0], ids[1], order, $0) }
  }

  private func undo(_ request: Request) async throws -> Response {
    let id = try Query.id(request)
    let order = try Instruction(request, members: [])
    return try await record { session in
      guard let merge = try DecisionDesk.merge(id, session) else { throw IdentityRoutes.noMerge(id) }
      if let decision = merge.undoneBy {
        throw Problem(.conflict, title: "Already undone", detail: "merge \(id) was undone by decision \(decision)")
      }
      return try IdentityRoutes.undoing(merge, order, session)
    }
  }

  private static func undoing(_ merge: DecisionDesk.Merge, _ order: Instruction, _ session: PostgresSession) throws -> DecisionDesk.Wish {
    var store = PostgresProfileStore(session)
    var (left, right) = (merge.record.survivorMembers, merge.record.absorbedMembers)
    // Merges of before the members were kept: divided by the identities that gave the two their numbers.
    if left.isEmpty { left = try store.identities(numbered: [merge.record.survivor]).map(\.identity.key) }
    if right.isEmpty { right = try store.identities(numbered: [merge.record.absorbed]).map(\.identity.key) }
    let owners = try store.identities(left + right).map(\.identity)
    let lefts = Set(owners.filter { left.contains($0.key) }.map(\.customer))
    let rights = Set(owners.filter { right.contains($0.key) }.map(\.customer))
    guard !lefts.isDisjoint(with: rights) else {
      throw Problem(.conflict, title: "Not one customer", detail: "the two sides of merge \(merge.id) are different customers already")
    }
    return DecisionDesk.Wish(kind: .apart, left: left, right: right, mergeID: merge.id, actor: order.actor, reason: order.reason)
  }

  // MARK: - Decisions

  private func decisions(_ request: Request) async throws -> Response {
    let query = Query(request)
    let (limit, after) = (try query.limit(), try query.number("after") ?? 0)
    let found = try await pool.withSession { try DecisionDesk.decisions(after: after, limit: limit + 1, $0) }
    let page = found.prefix(limit)
    return .json(
      JSONValue.object([
        JSONMember("decisions", .array(page.map(IdentityRoutes.describe))),
        JSONMember("next", found.count > limit ? page.last.map { .integer($0.id) } ?? .null : .null),
      ]).encoded)
  }

  private static func describe(_ decision: DecisionDesk.Decision) -> JSONValue {
    [
      "id": .integer(decision.id), "decision": .text(decision.kind == .together ? "merge" : "keep_apart"),
      "at": .text(RFC3339.text(decision.at.microseconds)), "actor": .text(decision.actor), "reason": .text(decision.reason),
      "merge_id": decision.mergeID.map { .integer($0) } ?? .null,
      "applied_at": .textOrNull(decision.appliedAt.map { RFC3339.text($0.microseconds) }),
    ]
  }

  private func showDecision(_ request: Request) async throws -> Response {
    let id = try Query.id(request)
    guard let decision = try await pool.withSession({ try DecisionDesk.decision(id, $0) }) else {
      throw Problem(.notFound, title: "No such decision", detail: "there is no decision \(id)")
    }
    return .single(IdentityRoutes.describe(decision).encoded, request)
  }

  private func record(_ wish: @escaping @Sendable (PostgresSession) throws -> DecisionDesk.Wish) async throws -> Response {
    let now = clock.now()
    let decision = try await pool.transaction { session -> DecisionDesk.Decision? in
      let id = try DecisionDesk.record(try wish(session), at: now, session)
      return try DecisionDesk.decision(id, session)
    }
    guard let decision else { throw Problem(.internalServerError) }
    let place: HTTPHeaders = ["Location": "/v1/decisions/\(decision.id)"]
    return .json(IdentityRoutes.describe(decision).encoded, status: .accepted, headers: place)
  }
}
