// The profile's HTTP API over its own tables.
import Access
import Domain
import HTTP
import Handling
import Hashing
import Messaging
import Postgres
import ProfileCore
import ProfileStore
import Runtime
import Text

struct ProfileAPI: Sendable {
  let environment: ProfileEnvironment
  let context: ServiceContext

  /// Customers read for one piece of a streamed answer.
  static let customersPerPageMax = 1_000
  /// Merges that are followed from a customer's former number to the one it has now.
  static let mergesFollowedMax = 100
  /// Orders shown with a customer, newest first.
  static let ordersShownMax = 200

  func add(to router: inout Router) {
    router.get("/v1/customers/{id}", needs: .customersRead) { try await one(try $0.customerID("id"), $0) }
    router.get("/v1/customers/{id}/timeline", needs: .customersRead) { try await timeline($0) }
    router.get("/v1/customers", needs: .customersRead) { try await find($0) }
    IdentityRoutes(environment: environment, pool: context.pool, clock: context.settings.clock).add(to: &router)
    TagRoutes(environment: environment, pool: context.pool, clock: context.settings.clock).add(to: &router)
    SpendRoutes(environment: environment, pool: context.pool).add(to: &router)
    ColdRoutes(environment: environment, pool: context.pool).add(to: &router)
    router.get("/v1/indicators", needs: .customersExport) { try indicators($0) }
    router.get("/v1/segments", needs: .figuresRead) { try await segments($0) }
    router.get("/v1/statistics", needs: .figuresRead) { _ in try await statistics() }
    router.get("/v1/sources/{source}/unification", needs: .figuresRead) { try await unification(of: try $0.parameter("source")) }
    router.post("/v1/rebuilds", needs: .operationsAct) { _ in
      let asked = try await context.pool.transaction { try ProfileQueries.askRebuild($0) }
      return .json(JSONValue.object([JSONMember("customers", .integer(Int64(asked)))]).encoded, status: .accepted)
    }
    router.post("/v1/republications", needs: .operationsAct) { _ in
      let asked = try await context.pool.transaction { session in
        _ = try AddressRows.askAll(session)
        return try ProfileQueries.askRepublish(session)
      }
      return .json(JSONValue.object([JSONMember("snapshots", .integer(Int64(asked)))]).encoded, status: .accepted)
    }
    router.get("/v1/republications", needs: .operationsRead) { _ in
      let waiting = try await context.pool.withSession { try Unsettled.count($0) }
      return .json(JSONValue.object([JSONMember("waiting", .integer(waiting))]).encoded)
    }
    router.get("/v1/rebuilds", needs: .operationsRead) { _ in
      let state = try await context.pool.withSession { try ProfileQueries.rebuildState($0) }
      return .json(JSONValue.object([JSONMember("waiting", .integer(state.waiting)), JSONMember("differences", .integer(state.differences))]).encoded)
    }
  }

  private var today: Day { environment.rules.zone.day(of: context.settings.clock.now()) }

  // MARK: - One customer

  private func find(_ request: Request) async throws -> Response {
    let kinds: [(String, IdentifierKind)] = IdentifierKind.allCases.map { ($0.name, $0) }
    let asked = kinds.compactMap { name, kind in request.query[name].map { (kind, $0) } }
    guard let (kind, value) = asked.first, asked.count == 1 else {
      throw Problem.invalid([.init(field: "query", rule: "missing", detail: "give exactly one of \(kinds.map(\.0).joined(separator: ", "))")])
    }
    let key = try environment.key(Identifier(kind: kind, value: value))
    guard let id = try await context.pool.withSession({ try ProfileQueries.customer(with: key, $0) }) else {
      throw Problem(.notFound, title: "No such customer", detail: "no event has named this \(kind.name)")
    }
    return try await one(id, request)
  }

  /// With `as_of` only what had happened by the end of that day counts, with `known_on` only what was known by the end of that one (P-12).
  private func one(_ asked: CustomerID, _ request: Request) async throws -> Response {
    let (asOf, knownOn) = try Query(request).days()
    let environment = environment
    let today = asOf ?? today
    let body = try await context.pool.transaction { session -> [UInt8]? in
      guard let customer = try ProfileAPI.standing(asked, session) else { return nil }
      var store = PostgresProfileStore(session)
      let facts = try CustomerFacts.load([customer.id], knownOn: knownOn, from: &store)
      let shown = asOf.map { environment.state(of: customer, facts, on: $0) } ?? customer
      let tags = try TagView(of: customer.id, facts, environment, on: today, isPast: asOf != nil, session)
      return CustomerView(
        customer: shown, facts: facts, asked: asked, environment: environment, today: today, asOf: asOf, tags: tags, request: request
      ).json.encoded
    }
    guard let body else { throw ProfileAPI.noCustomer(asked) }
    return .single(body, request)
  }

  private func timeline(_ request: Request) async throws -> Response {
    let asked = try request.customerID("id")
    let question = try TimelineQuestion(request, zone: environment.rules.zone)
    let view = TimelineView(environment: environment)
    let body = try await context.pool.transaction { session -> [UInt8]? in
      guard let customer = try ProfileAPI.standing(asked, session) else { return nil }
      return try view.page(of: customer.id, question, to: request, session).encoded
    }
    guard let body else { throw ProfileAPI.noCustomer(asked) }
    return .json(body)
  }

  /// The customer with this number, or the one it became part of. A chain of merges ends; each step goes to a customer that stands longer.
  static func standing(_ asked: CustomerID, _ session: PostgresSession) throws -> Customer? {
    guard var customer = try ProfileQueries.customer(asked, session) else { return nil }
    for _ in 0..<mergesFollowedMax {
      guard let next = customer.mergedInto, let found = try ProfileQueries.customer(next, session) else { break }
      customer = found
    }
    return customer
  }

  static func noCustomer(_ asked: CustomerID) -> Problem { Problem(.notFound, title: "No such customer", detail: "there is no customer \(asked)") }

  // MARK: - All customers

  /// One line of JSON per customer with the figures of a day, worked out from facts where the day lies before the newest event.
  private func indicators(_ request: Request) throws -> Response {
    let asOf = try Query(request).day("as_of") ?? today
    return .stream(contentType: "application/x-ndjson") { body in
      var last: CustomerID?
      while true {
        let (bytes, next) = try await page(after: last, asOf: asOf)
        if !bytes.isEmpty { try await body.write(bytes) }
        guard let next else { return }
        last = next
      }
    }
  }

  private func page(after last: CustomerID?, asOf: Day) async throws -> ([UInt8], CustomerID?) {
    let (customers, next) = try await customers(after: last, on: asOf)
    var writer = JSONWriter(capacityBytes: 256 * max(1, customers.count))
    for (customer, ledger) in customers { CustomerView.writeIndicators(customer, ledger, environment.rules, asOf, to: &writer) }
    return (writer.array(), next)
  }

  /// One page of the customers there were on a day, with their ledgers of that day, and after whom the next page begins.
  private func customers(after last: CustomerID?, on asOf: Day) async throws -> ([(customer: Customer, ledger: DayLedger)], CustomerID?) {
    let environment = environment
    return try await context.pool.transaction { session in
      let customers = try ProfileQueries.customers(after: last, limit: ProfileAPI.customersPerPageMax, session)
      let past = customers.filter { ($0.ledger.lastDay ?? asOf) > asOf }.map(\.id)
      var store = PostgresProfileStore(session)
      let facts = try CustomerFacts.load(past, from: &store)
      let pastIDs = Set(past)
      let lastDays = try ProfileAPI.lastInteractionDays(of: customers, on: asOf, environment.rules.zone, &store)
      var page: [(customer: Customer, ledger: DayLedger)] = []
      for var customer in customers {
        customer.lastInteractionDay = lastDays[customer.id]
        let ledger = pastIDs.contains(customer.id)
          ? DayLedger(contributions: facts.contributions(of: customer.id, in: environment.rules.zone, asOf: asOf)) : customer.ledger
        // Who was first heard of later was no customer on that day.
        guard environment.rules.zone.day(of: customer.firstSeenAt) <= asOf || ledger.lastPaidDay != nil else { continue }
        page.append((customer, ledger))
      }
      return (page, customers.count < ProfileAPI.customersPerPageMax ? nil : customers.last?.id)
    }
  }

  /// The day of each customer's last contact, behaviour or answer as of a day; looked up only where there was a later one.
  private static func lastInteractionDays(
    of customers: [Customer], on asOf: Day, _ zone: BusinessZone, _ store: inout PostgresProfileStore
  ) throws -> [CustomerID: Day] {
    var days: [CustomerID: Day] = [:]
    var later: [CustomerID] = []
    for customer in customers {
      guard let day = customer.lastInteractionDay else { continue }
      if day <= asOf { days[customer.id] = day } else { later.append(customer.id) }
    }
    guard !later.isEmpty else { return days }
    let owners = Dictionary(try store.members(of: later).map { ($0.identity.id, $0.identity.customer) }) { first, _ in first }
    return days.merging(try store.lastInteractionDays(owners, before: zone.startOfDay(asOf + 1), in: zone)) { $1 }
  }

  /// The eight and the four segments of everyone who ever paid for an order, on a day (P-09).
  private func segments(_ request: Request) async throws -> Response {
    let asOf = try Query(request).day("as_of") ?? today
    var report = SegmentReport(fadingAfterDays: environment.rules.lifecycle.activeDaysMax)
    var last: CustomerID?
    repeat {
      let (customers, next) = try await customers(after: last, on: asOf)
      for (_, ledger) in customers { report.add(ledger.purchases(at: asOf)) }
      last = next
    } while last != nil
    report.divide()
    return .json(SegmentView(report: report, day: asOf, currency: environment.currency).json.encoded)
  }

  private func statistics() async throws -> Response {
    let totals = try await context.pool.withSession { try ProfileQueries.totals($0) }
    return .json(
      JSONValue.object([
        JSONMember("customers", .integer(totals.customers)), JSONMember("identities", .integer(totals.identities)),
        JSONMember("orders", .integer(totals.orders)), JSONMember("merges", .integer(totals.merges)),
        JSONMember("refused_merges", .integer(totals.refusedMerges)),
      ]).encoded)
  }

  private func unification(of source: String) async throws -> Response {
    let found = try await context.pool.withSession { try ProfileQueries.unification(of: source, $0) }
    return .json(
      JSONValue.object([
        JSONMember("source", .text(source)), JSONMember("identities", .integer(found.identities)), JSONMember("customers", .integer(found.customers)),
        JSONMember("merged", .integer(found.identities - found.customers)),
      ]).encoded)
  }
}
