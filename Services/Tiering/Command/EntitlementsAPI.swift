// "May this customer have ...?": the benefits of a customer's tier, for programs that ask before they act (T-11).
import Access
import Domain
import HTTP
import Postgres
import Runtime
import Text
import TieringCore
import TieringStore

struct EntitlementsAPI: Sendable {
  let rules: TieringRules
  let catalogue: BenefitCatalogue
  let pool: PostgresPool

  /// How many merges in a row are followed to the customer that counts (P-02).
  static let mergesMax = 16

  func add(to router: inout Router) {
    router.get("/v1/customers/{customer_id}/entitlements", needs: .tiersRead) { request in try await answer(request).tagged(for: request) }
  }

  /// One benefit, and to what extent.
  private struct Question {
    let benefit: Benefit
    let value: Rational?
  }

  private func answer(_ request: Request) async throws -> Response {
    let id = try request.customerID("customer_id")
    let question = try question(request.query)
    guard let customer = try await pool.withSession({ try EntitlementsAPI.standing(of: id, $0) }) else {
      throw Problem(.notFound, title: "No such customer", detail: "no customer \(id) has been rated or waits to be")
    }
    var members = head(customer, askedFor: id)
    if let question {
      members += decision(question, customer)
    } else {
      let grants = customer.rating.flatMap { catalogue.grants(of: $0.tier) } ?? []
      members.append(JSONMember("benefits", .array(grants.map { .object(EntitlementsAPI.benefit($0.benefit, $0.limit)) })))
    }
    // About one person: no cache that others share may keep it, and a program's own asks before each use.
    return .json(JSONValue.object(members).encoded, headers: ["Cache-Control": "private, no-cache"])
  }

  // MARK: - The question

  private func question(_ query: QueryItems) throws(Problem) -> Question? {
    var faults: [Problem.FieldFault] = []
    func refuse(_ field: String, _ rule: String, _ detail: String) -> Problem {
      .invalid([.init(field: field, rule: rule, detail: detail)])
    }
    for field in ["benefit", "value"] where query.all(field).count > 1 {
      faults.append(.init(field: field, rule: "repeated", detail: "is given twice; ask one question at a time"))
    }
    guard faults.isEmpty else { throw Problem.invalid(faults) }
    guard let name = query["benefit"] else {
      guard query["value"] == nil else { throw refuse("benefit", "missing", "a value needs the benefit that it is asked of") }
      return nil
    }
    guard let benefit = BenefitID(name).flatMap({ catalogue[$0] }) else {
      let known = catalogue.benefits.map(\.id.text).joined(separator: ", ")
      throw refuse("benefit", "unknown", "there is no such benefit; known are \(known)")
    }
    guard let text = query["value"] else { return Question(benefit: benefit, value: nil) }
    guard let unit = benefit.unit else { throw refuse("value", "no_limit", "\(benefit.id) has no limit: a customer has it or has it not; leave the value out") }
    guard let value = Rational(decimal: text), value >= .zero, BenefitCatalogue.isShownWhole(value) else {
      let most = BenefitCatalogue.limitFractionDigitsMax
      throw refuse("value", "range", "a number from 0 is needed, as 10 or 7.5, with at most \(most) decimals, in \(unit.rawValue)")
    }
    return Question(benefit: benefit, value: value)
  }

  // MARK: - The customer

  /// The customer that counts: of a merged one the survivor, which has no rating here while its own snapshot is on its way.
  private static func standing(of id: CustomerID, _ session: PostgresSession) throws -> EntitledCustomer? {
    guard var customer = try TierQueries.entitled(id, session) else { return nil }
    for _ in 0..<mergesMax {
      guard let survivor = customer.mergedInto else { return customer }
      customer = try TierQueries.entitled(survivor, session) ?? EntitledCustomer(id: survivor, mergedInto: nil, rating: nil)
    }
    // Merges that lead round in a circle: nobody counts.
    return customer.mergedInto == nil ? customer : EntitledCustomer(id: id, mergedInto: nil, rating: nil)
  }

  // MARK: - The answer

  private func head(_ customer: EntitledCustomer, askedFor id: CustomerID) -> [JSONMember] {
    let rating = customer.rating
    return [
      JSONMember("customer_id", .text(customer.id.description)), JSONMember("asked_for", .text(id.description)),
      JSONMember("tier", .textOrNull(rating?.tier.text)), JSONMember("tier_name", tierName(rating?.tier).map(JSONValue.name) ?? .null),
      JSONMember("score", RatingView.integer(rating?.score)), JSONMember("rating_version", rating.map { .integer($0.version) } ?? .null),
      JSONMember("valid_until", .textOrNull(rating?.nextReview.description)),
      JSONMember("benefits_version", .integer(Int64(catalogue.version))),
    ]
  }

  private func tierName(_ tier: TierID?) -> LocalizedName? {
    tier.map { id in rules.policy.ladder[id]?.name ?? LocalizedName(en: id.text, zh: id.text) }
  }

  private func decision(_ question: Question, _ customer: EntitledCustomer) -> [JSONMember] {
    let decision = catalogue.decide(question.benefit, value: question.value, tier: customer.rating?.tier)
    let tier = tierName(customer.rating?.tier)
    func words(_ language: Domain.Language) -> JSONValue { .text(decision.text(question.benefit, value: question.value, tier: tier, in: language)) }
    return [
      JSONMember("allowed", .boolean(decision.isAllowed)), JSONMember("reason", .text(decision.reason.rawValue)),
      JSONMember("text", ["en": words(.english), "zh": words(.chinese)]), JSONMember("value", RatingView.number(question.value)),
    ] + EntitlementsAPI.benefit(question.benefit, decision.grant?.limit)
  }

  private static func benefit(_ benefit: Benefit, _ limit: Rational?) -> [JSONMember] {
    [
      JSONMember("benefit", .text(benefit.id.text)), JSONMember("kind", .text(benefit.kind.rawValue)),
      JSONMember("name", .name(benefit.name)), JSONMember("limit", RatingView.number(limit)),
      JSONMember("unit", .textOrNull(benefit.unit?.rawValue)), JSONMember("touches_price", .boolean(benefit.touchesPrice)),
    ]
  }
}
