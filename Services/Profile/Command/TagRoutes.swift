// Tags over HTTP (P-10): the rules, who has a tag, what people give and take away, and what other rules would do.
import Access
import Documents
import Domain
import HTTP
import Handling
import Postgres
import ProfileCore
import ProfileStore
import Runtime
import Text

struct TagRoutes: Sendable {
  let environment: ProfileEnvironment
  let pool: PostgresPool
  let clock: any BusinessClock

  /// The longest file of rules that is taken, bytes.
  static let rulesBytesMax = 1 << 20

  func add(to router: inout Router) {
    let limits = RouteLimits(bodyBytesMax: Instruction.bodyBytesMax)
    router.get("/v1/tags", needs: .figuresRead) { _ in try await list() }
    router.get("/v1/tags/customers", needs: .customersExport) { try await bearers($0) }
    router.post("/v1/tags/simulations", needs: .figuresRead, limits: RouteLimits(bodyBytesMax: TagRoutes.rulesBytesMax)) { try await simulate($0) }
    router.get("/v1/customers/{id}/tags", needs: .customersRead) { try await show($0) }
    router.post("/v1/customers/{id}/tags", needs: .tagsGive, limits: limits) { try await give($0) }
    router.post("/v1/customers/{id}/tags/removals", needs: .tagsGive, limits: limits) { try await takeAway($0) }
  }

  private func today(_ now: Instant) -> Day { environment.rules.zone.day(of: now) }

  // MARK: - Rules and their bearers

  private func list() async throws -> Response {
    let rules = environment.rules.tags
    let counts = try await pool.withSession { try TagRows.counts($0) }
    let byTag = Dictionary(counts.map { ($0.tag, $0.customers) }) { first, _ in first }
    let digits = environment.currency.minorDigits
    let tags = rules.rules.map { rule -> JSONValue in
      [
        "tag": .text(rule.id.text), "group": .text(rule.group.rawValue), "name": .name(rule.name),
        "rule": ["en": .text(rule.text(in: .english, minorDigits: digits)), "zh": .text(rule.text(in: .chinese, minorDigits: digits))],
        "customers": .integer(byTag[rule.id.text] ?? 0),
      ]
    }
    let others = counts.filter { rules[$0.tag] == nil }.map { count -> JSONValue in ["tag": .text(count.tag), "customers": .integer(count.customers)] }
    return .json(
      JSONValue.object([
        JSONMember("version", .integer(Int64(rules.version))), JSONMember("author", .text(rules.author)), JSONMember("tags", .array(tags)),
        JSONMember("given", .array(others)),
      ]).encoded)
  }

  /// Customers with a tag, page by page. The tag may be any text, so it is no part of the path.
  private func bearers(_ request: Request) async throws -> Response {
    let query = Query(request)
    let (limit, after) = (try query.limit(), try query.customer("after"))
    guard let tag = request.query["tag"] else { throw Problem.invalid([.init(field: "tag", rule: "missing", detail: "name the tag")]) }
    guard ManualTag.isName(tag) else { throw Problem.invalid([.init(field: "tag", rule: "format", detail: TagRoutes.nameDetail)]) }
    let found = try await pool.withSession { try TagRows.customers(with: tag, after: after, limit: limit + 1, $0) }
    let page = found.prefix(limit)
    let rows = page.map { customer -> JSONValue in
      [
        "customer_id": .text(customer.id.description), "member_id": .textOrNull(customer.memberID), "tags": .array(customer.tags.all.map { .text($0) }),
      ]
    }
    return .json(
      JSONValue.object([
        JSONMember("tag", .text(tag)), JSONMember("customers", .array(rows)),
        JSONMember("next", found.count > limit ? .textOrNull(page.last?.id.description) : .null),
      ]).encoded)
  }

  // MARK: - One customer

  private func show(_ request: Request) async throws -> Response {
    let asked = try request.customerID("id")
    let (asOf, knownOn) = try Query(request).days()
    let day = asOf ?? today(clock.now())
    let environment = environment
    let body = try await pool.transaction { session -> [UInt8]? in
      guard let customer = try ProfileAPI.standing(asked, session) else { return nil }
      var store = PostgresProfileStore(session)
      let facts = try CustomerFacts.load([customer.id], knownOn: knownOn, from: &store)
      let view = try TagView(of: customer.id, facts, environment, on: day, isPast: asOf != nil, session)
      return JSONValue.object([JSONMember("customer_id", .text(customer.id.description))] + view.json).encoded
    }
    guard let body else { throw ProfileAPI.noCustomer(asked) }
    return .single(body, request)
  }

  /// The customer that stands, locked, and the tags that people gave it.
  private static func locked(_ asked: CustomerID, _ session: PostgresSession) throws -> (id: CustomerID, given: [ManualTag]) {
    var store = PostgresProfileStore(session)
    // It may become part of another one before the lock is had.
    for _ in 0..<ProfileAPI.mergesFollowedMax {
      guard let standing = try ProfileAPI.standing(asked, session) else { throw ProfileAPI.noCustomer(asked) }
      guard let customer = try store.lockCustomers([standing.id]).first, customer.mergedInto == nil else { continue }
      let members = try store.members(of: [customer.id]).map(\.identity.id)
      return (customer.id, try store.manualTags(of: members))
    }
    throw Problem(.conflict, title: "Being merged", detail: "customer \(asked) is being merged: try again")
  }

  private static func tag(_ order: Instruction) throws -> String {
    guard let tag = order.body["tag"]?.stringValue, ManualTag.isName(tag) else {
      throw Problem.invalid([.init(field: "tag", rule: "format", detail: TagRoutes.nameDetail)])
    }
    return tag
  }

  private static let nameDetail =
    "a tag has 1 to \(ManualTag.charactersMax) characters, without commas, bars, slashes, control characters and blanks at its ends"

  private func give(_ request: Request) async throws -> Response {
    let asked = try request.customerID("id")
    let order = try Instruction(request, members: ["tag", "until"])
    let tag = try TagRoutes.tag(order)
    let now = clock.now()
    let today = today(now)
    var until: Day?
    if let given = order.body["until"], given != .null {
      until = given.stringValue.flatMap { Day($0) }
      guard let until, until >= today else {
        let detail = "until is the last day on which the tag holds, as 2027-01-31, and not before today"
        throw Problem.invalid([.init(field: "until", rule: "range", detail: detail)])
      }
    }
    let last = until
    let given = try await pool.transaction { session -> ManualTag in
      let (customer, given) = try TagRoutes.locked(asked, session)
      let holding = given.filter { $0.holdsNow(on: today) }
      if holding.contains(where: { $0.tag == tag }) {
        throw Problem(.conflict, title: "Given already", detail: "customer \(customer) has the tag \(tag) from a person already")
      }
      guard holding.count < ManualTag.perCustomerMax else {
        throw Problem(.conflict, title: "Too many tags", detail: "customer \(customer) has \(holding.count) tags from people; take one away first")
      }
      let wanted = ManualTag(identity: customer, tag: tag, actor: order.actor, reason: order.reason, at: now, until: last)
      let id = try TagRows.give(wanted, session)
      return ManualTag(id: id, identity: customer, tag: tag, actor: order.actor, reason: order.reason, at: now, until: last)
    }
    return .json(TagView.record(given).encoded, status: .created)
  }

  private func takeAway(_ request: Request) async throws -> Response {
    let asked = try request.customerID("id")
    let order = try Instruction(request, members: ["tag"])
    let tag = try TagRoutes.tag(order)
    let now = clock.now()
    let today = today(now)
    let removed = try await pool.transaction { session -> [ManualTag] in
      let (customer, given) = try TagRoutes.locked(asked, session)
      // Both sides of a merge may have brought it.
      let holding = given.filter { $0.tag == tag && $0.holdsNow(on: today) }
      guard !holding.isEmpty else {
        let detail = "nobody gave customer \(customer) the tag \(tag); what a rule gives goes when the rule no longer holds"
        throw Problem(.notFound, title: "No such tag", detail: detail)
      }
      try TagRows.takeAway(holding.map(\.id), of: customer, by: order.actor, because: order.reason, at: now, session)
      return holding.map { tag in
        var tag = tag
        (tag.removedAt, tag.removedBy, tag.removalReason) = (now, order.actor, order.reason)
        return tag
      }
    }
    return .json(JSONValue.object([JSONMember("removed", .array(removed.map(TagView.record)))]).encoded)
  }

  // MARK: - Simulation

  /// What rules that are not in force would mark all stored customers with: one line for every customer for whom something would change.
  private func simulate(_ request: Request) async throws -> Response {
    let file: TagFile
    do throws(DocumentFaults) { file = try TagFile(request.body, source: "tags", currency: environment.currency) } catch {
      let faults = error.faults.map { Problem.FieldFault(field: $0.path, rule: "tags", detail: "\($0.line):\($0.column): \($0.problem)") }
      throw Problem.invalid(faults, detail: "the tags cannot be used: each fault is named by its line and column")
    }
    let isOther = try await pool.withSession { try TagRegister.isRegisteredOtherwise(file, $0) }
    var rules = environment.rules
    rules.tags = file.rules
    let chosen = rules
    let now = clock.now()
    let day = today(now)
    return .stream(contentType: "application/x-ndjson") { body in
      let head: JSONValue = [
        "version": .integer(Int64(chosen.tags.version)), "version_in_force": .integer(Int64(environment.rules.tags.version)), "as_of": .text(day.description),
        "registered_otherwise": .boolean(isOther),
      ]
      try await body.write(head.encoded + [0x0A])
      var tally = TagTally()
      var last: CustomerID?
      while true {
        let after = last
        let page = try await pool.transaction { session -> [(customer: Customer, tags: CustomerTags)] in
          let customers = try ProfileQueries.customers(after: after, limit: Tagging.customersMax, session)
          var store = PostgresProfileStore(session)
          return try Tagging.preview(customers, &store, rules: chosen, at: now)
        }
        var writer = JSONWriter(capacityBytes: 64 * page.count)
        for (customer, tags) in page { tally.add(customer, tags, &writer) }
        let lines = writer.array()
        if !lines.isEmpty { try await body.write(lines) }
        guard page.count == Tagging.customersMax, let next = page.last?.customer.id else { break }
        last = next
      }
      try await body.write(tally.end(file.rules, environment.rules.tags) + [0x0A])
    }
  }
}

/// Sums up a simulation.
private struct TagTally {
  private struct Count {
    var now: Int64 = 0
    var then: Int64 = 0
    var set: Int64 = 0
    var cleared: Int64 = 0
  }
  private var customers: Int64 = 0
  private var counts: [String: Count] = [:]

  /// Writes a line where something would change.
  mutating func add(_ customer: Customer, _ then: CustomerTags, _ writer: inout JSONWriter) {
    customers += 1
    let (before, after) = (customer.tags.derived, then.derived)
    let (set, cleared) = (after.filter { !before.contains($0) }, before.filter { !after.contains($0) })
    for tag in before { counts[tag, default: Count()].now += 1 }
    for tag in after { counts[tag, default: Count()].then += 1 }
    for tag in set { counts[tag, default: Count()].set += 1 }
    for tag in cleared { counts[tag, default: Count()].cleared += 1 }
    guard !set.isEmpty || !cleared.isEmpty else { return }
    writer.beginObject()
    writer.key("customer_id")
    writer.text(customer.id.description)
    writer.key("member_id")
    writer.textOrNull(customer.memberID)
    for (key, tags) in [("set", set), ("cleared", cleared)] {
      writer.key(key)
      writer.beginArray()
      for tag in tags { writer.text(tag) }
      writer.endArray()
    }
    writer.endObject()
    writer.endLine()
  }

  func end(_ rules: TagRules, _ inForce: TagRules) -> [UInt8] {
    let gone = counts.keys.filter { rules[$0] == nil }.sorted()
    let tags = (rules.rules.map(\.id.text) + gone).map { id -> JSONValue in
      let (count, name) = (counts[id] ?? Count(), (rules[id] ?? inForce[id])?.name)
      return [
        "tag": .text(id), "name": name.map(JSONValue.name) ?? .null, "customers_now": .integer(count.now),
        "customers_then": .integer(count.then), "set": .integer(count.set), "cleared": .integer(count.cleared),
      ]
    }
    return JSONValue.object([JSONMember("end", true), JSONMember("customers", .integer(customers)), JSONMember("tags", .array(tags))]).encoded
  }
}
