// Spend by period, for finance to compare with its own ledger (I-08), and what putting customers together has done (P-04).
import Access
import Domain
import HTTP
import Handling
import Postgres
import ProfileCore
import ProfileStore
import Runtime
import Text

/// A calendar month or year, as `2025-03` or `2025`.
struct SpendPeriod: Sendable, Equatable {
  let text: String
  let first: Day
  let last: Day

  init?(_ text: String) {
    guard text.utf8.count == 4 || text.utf8.count == 7, let first = Day(text + (text.utf8.count == 4 ? "-01-01" : "-01")) else { return nil }
    self.text = text
    self.first = first
    last = first.adding(months: text.utf8.count == 4 ? 12 : 1) + -1
  }

  func contains(_ day: Day) -> Bool { day >= first && day <= last }

  static func read(_ query: Query) throws -> SpendPeriod {
    guard let period = try query.value("period", rule: "format", "give a month as 2025-03 or a year as 2025", { SpendPeriod($0) }) else {
      throw Problem.invalid([.init(field: "period", rule: "missing", detail: "give a month as 2025-03 or a year as 2025")])
    }
    return period
  }
}

struct SpendRoutes: Sendable {
  let environment: ProfileEnvironment
  let pool: PostgresPool

  func add(to router: inout Router) {
    router.get("/v1/spend", needs: .customersExport) { try all($0) }
    router.get("/v1/customers/{id}/spend", needs: .customersRead) { try await one($0) }
    router.get("/v1/unification", needs: .figuresRead) { try await unification($0) }
  }

  private func money(_ minorUnits: Int64) -> JSONValue { .text(MinorUnits.text(minorUnits, digits: environment.currency.minorDigits)) }

  // MARK: - Spend

  /// One line of JSON for every customer whose payments and refunds of the period do not cancel out, or who had any.
  private func all(_ request: Request) throws -> Response {
    let period = try SpendPeriod.read(Query(request))
    return .stream(contentType: "application/x-ndjson") { body in
      var last: CustomerID?
      while true {
        let (bytes, next) = try await page(after: last, period)
        if !bytes.isEmpty { try await body.write(bytes) }
        guard let next else { return }
        last = next
      }
    }
  }

  private func page(after last: CustomerID?, _ period: SpendPeriod) async throws -> ([UInt8], CustomerID?) {
    let zone = environment.rules.zone
    let digits = environment.currency.minorDigits
    return try await pool.transaction { session in
      let customers = try ProfileQueries.customers(after: last, limit: ProfileAPI.customersPerPageMax, session)
      // Days that are summed up in the customer's row are asked of the facts.
      let summed = customers.filter { $0.ledger.older != DayLedger.Older() && period.first <= $0.ledger.days.first?.day ?? period.first }.map(\.id)
      var store = PostgresProfileStore(session)
      let facts = try CustomerFacts.load(summed, from: &store)
      let fromFacts = Set(summed)
      var writer = JSONWriter(capacityBytes: 128 * max(1, customers.count))
      for customer in customers {
        let entries = fromFacts.contains(customer.id) ? facts.contributions(of: customer.id, in: zone) : customer.ledger.days
        let inPeriod = entries.filter { period.contains($0.day) }
        guard !inPeriod.isEmpty else { continue }
        writer.beginObject()
        writer.key("customer_id")
        writer.text(customer.id.description)
        writer.key("member_id")
        writer.textOrNull(customer.memberID)
        writer.key("spend")
        writer.text(MinorUnits.text(inPeriod.reduce(0) { $0 &+ $1.spend }, digits: digits))
        writer.endObject()
        writer.endLine()
      }
      return (writer.array(), customers.count < ProfileAPI.customersPerPageMax ? nil : customers.last?.id)
    }
  }

  /// One customer's spend of the period, and the orders behind it.
  private func one(_ request: Request) async throws -> Response {
    let asked = try request.customerID("id")
    let period = try SpendPeriod.read(Query(request))
    let body = try await pool.transaction { session -> [UInt8]? in
      guard let customer = try ProfileAPI.standing(asked, session) else { return nil }
      var store = PostgresProfileStore(session)
      let facts = try CustomerFacts.load([customer.id], from: &store)
      return spend(of: customer, facts, period).encoded
    }
    guard let body else { throw ProfileAPI.noCustomer(asked) }
    return .single(body, request)
  }

  private func spend(of customer: Customer, _ facts: CustomerFacts, _ period: SpendPeriod) -> JSONValue {
    var total: Int64 = 0
    var orders: [(record: OrderRecord, amount: Int64)] = []
    for (_, record) in facts.orders[customer.id] ?? [] {
      let entries = record.contribution(in: environment.rules.zone).filter { period.contains($0.day) }
      guard !entries.isEmpty else { continue }
      let amount = entries.reduce(Int64(0)) { $0 &+ $1.spend }
      total &+= amount
      orders.append((record, amount))
    }
    orders.sort { ($0.record.source, $0.record.orderID, $0.record.creditNote) < ($1.record.source, $1.record.orderID, $1.record.creditNote) }
    let listed = orders.prefix(SpendRoutes.ordersMax).map { record, amount -> JSONValue in
      [
        "source": .text(record.source), "order_id": .text(record.orderID.isEmpty ? record.creditNote : record.orderID),
        "paid_at": .textOrNull(record.header?.paidAt.map { RFC3339.text($0.microseconds) }), "spend": money(amount),
      ]
    }
    return [
      "customer_id": .text(customer.id.description), "member_id": .textOrNull(customer.memberID), "period": .text(period.text), "spend": money(total),
      "currency": .text(environment.currency.description), "order_count": .integer(Int64(orders.count)), "orders": .array(listed),
    ]
  }

  /// Orders listed behind a figure.
  static let ordersMax = 1_000

  // MARK: - Unification

  /// What putting identifiers together did to the records of a source or a period: customers before and after, spend of each (P-04).
  private func unification(_ request: Request) async throws -> Response {
    let query = Query(request)
    let source = request.query["source"]
    let (from, to) = (try query.day("from"), try query.day("to"))
    if let from, let to, to < from { throw Problem.invalid([.init(field: "to", rule: "range", detail: "to is not before from")]) }
    var tally = UnificationTally(zone: environment.rules.zone, from: from, to: to)
    var place: UnificationPlace? = UnificationPlace()
    while let start = place {
      let (records, next) = try await pool.withSession { try UnificationQueries.orders(of: source, after: start, $0) }
      for (identity, record) in records { tally.add(record, under: identity) }
      place = next
    }
    let zone = environment.rules.zone
    let start = from.map { zone.startOfDay($0) }
    let end = to.map { zone.startOfDay($0 + 1) }
    let others = try await pool.withSession { try UnificationQueries.otherIdentities(of: source, from: start, to: end, $0) }
    tally.add(others: others.records, identities: others.identities)
    let identities = tally.identities.sorted()
    var customers: Set<CustomerID> = []
    for piece in stride(from: 0, to: identities.count, by: SpendRoutes.identitiesPerQuestionMax) {
      let some = Array(identities[piece..<min(identities.count, piece + SpendRoutes.identitiesPerQuestionMax)])
      let owners = try await pool.withSession { session in
        var store = PostgresProfileStore(session)
        return try store.identities(numbered: some).map(\.identity.customer)
      }
      customers.formUnion(owners)
    }
    return .json(report(tally, identities.count, customers.count, source, from, to).encoded)
  }

  static let identitiesPerQuestionMax = 5_000

  private func report(_ tally: UnificationTally, _ before: Int, _ after: Int, _ source: String?, _ from: Day?, _ to: Day?) -> JSONValue {
    func average(_ count: Int) -> JSONValue {
      count > 0 ? money(Int64(clamping: Rational(Int128(tally.spend), over: Int128(count))?.roundedHalfUp ?? 0)) : .null
    }
    let share = Rational(Int128(before - after), over: Int128(before))
    return [
      "source": .textOrNull(source), "from": .textOrNull(from?.description), "to": .textOrNull(to?.description), "records": .integer(tally.records),
      "identities": .integer(Int64(before)), "customers": .integer(Int64(after)), "merged": .integer(Int64(before - after)),
      "merged_share": .textOrNull(share?.decimalText(fractionDigitsMax: 4, keepsZeros: true)), "spend": money(tally.spend),
      "currency": .text(environment.currency.description), "average_spend_before": average(before), "average_spend_after": average(after),
    ]
  }
}

/// Records of a source or a period, counted under the identifiers they came in with.
struct UnificationTally {
  private let zone: BusinessZone
  private let from: Day?
  private let to: Day?
  private(set) var records: Int64 = 0
  private(set) var spend: Int64 = 0
  private(set) var identities: Set<CustomerID> = []

  init(zone: BusinessZone, from: Day?, to: Day?) {
    self.zone = zone
    self.from = from
    self.to = to
  }

  private func contains(_ day: Day) -> Bool { from.map { day >= $0 } ?? true && to.map { day <= $0 } ?? true }

  mutating func add(_ record: OrderRecord, under identity: CustomerID) {
    let moments = (record.header.map { [$0.orderedAt] } ?? []) + record.movements.map(\.at)
    let count = moments.count { contains(zone.day(of: $0)) }
    guard count > 0 else { return }
    records += Int64(count)
    identities.insert(identity)
    for entry in record.contribution(in: zone) where contains(entry.day) { spend &+= entry.spend }
  }

  mutating func add(others count: Int64, identities found: [CustomerID]) {
    records += count
    identities.formUnion(found)
  }
}
