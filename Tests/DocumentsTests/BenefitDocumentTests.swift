// The benefits' file: what is shipped, and files with many things wrong (T-11).

import Documents
import Domain
import Testing

struct BenefitDocumentTests {
  private static func ladder() throws -> TierLadder { try PolicyDocument.load("\(Repository.root)/deploy/policies.yaml").ladder }

  private static func shipped() throws -> BenefitCatalogue {
    try BenefitDocument.load("\(Repository.root)/deploy/benefits.yaml", ladder: try ladder())
  }

  private func faults(_ text: String) throws -> [String] {
    let ladder = try Self.ladder()
    let error = #expect(throws: DocumentFaults.self) { try BenefitDocument.decode(Array(text.utf8), source: "b.yaml", ladder: ladder) }
    return error?.faults.map { "\($0.line) \($0.path): \($0.problem)" } ?? []
  }

  private func grants(_ tier: String, _ catalogue: BenefitCatalogue) -> [String] {
    (TierID(tier).flatMap { catalogue.grants(of: $0) } ?? []).map { grant in grant.benefit.id.text + (grant.limit.map { " \($0)" } ?? "") }
  }

  @Test func theShippedBenefitsAreThoseOfTheirRule() throws {
    let catalogue = try Self.shipped()
    #expect(
      grants("vip", catalogue) == [
        "named-manager 3", "senior-support", "tailored-plan", "management-visit 4", "first-trial", "invitations", "discount 10", "green-channel",
      ])
    #expect(grants("key", catalogue) == ["named-agent 1", "business-review 12", "training-first", "industry-reports", "discount 5"])
    #expect(grants("normal", catalogue) == ["standard-desk", "regular-training", "satisfaction-survey 4"])
    #expect(grants("watch", catalogue) == ["basic-desk", "sales-contact", "guides", "offers", "churn-watch"])
    #expect(catalogue.benefits.filter(\.touchesPrice).map(\.id.text) == ["offers", "discount"])
  }

  private static let tiers = """
    tiers:
      vip: {discount: 10}
      key: {}
      normal: {}
      watch: {}
    """

  @Test func everyFaultOfTheFileIsToldWithItsLine() throws {
    let problems = try faults(
      """
      benefits: 1
      author: me
      catalogue:
        - {id: Discount, kind: discount, limit: percent, touches_price: true, name: {en: D, zh: 折}}
        - {id: gift, kind: present, touches_price: "true", name: {en: G}}
        - {id: visit, kind: care, limit: often, touches_price: false, name: {en: V, zh: 访}}
      tiers:
        vip: {visit: 1}
        gold: {visit: 1}
      end: true
      """)
    #expect(
      problems == [
        "4 catalogue[0].id: an id is small letters, digits and hyphens, at most 32",
        "5 catalogue[1].kind: one of contact, service, care, access, information, discount is needed here",
        "5 catalogue[1].touches_price: `true` or `false` is needed here, without quotes",
        "5 catalogue[1].name.zh: `zh` is missing",
        "6 catalogue[2].limit: one of percent, years, times_a_year is needed here",
        "9 tiers.gold: unknown key; known are vip, key, normal, watch",
      ])
  }

  @Test func whatATierHasMustBeInTheCatalogueAndWithinItsLimits() throws {
    let problems = try faults(
      """
      benefits: 1
      author: me
      catalogue:
        - {id: discount, kind: discount, limit: percent, touches_price: true, name: {en: D, zh: 折}}
        - {id: desk, kind: contact, touches_price: false, name: {en: K, zh: 台}}
      tiers:
        vip: {discount: true, desk: 1}
        key: {discont: 5}
        watch: {desk: false}
      end: true
      """)
    #expect(
      problems == [
        "7 tiers.normal: `normal` is missing",
        "7 tiers.vip.discount: a number is needed here, as 12, 12.5 or 100/3, without quotes",
        "7 tiers.vip.desk: `true` or `false` is needed here, without quotes",
        "8 tiers.key.discont: unknown key; did you mean `discount`?",
        "9 tiers.watch.desk: what a tier does not have is left out",
      ])
  }

  private static let outside = "a limit is above 0 and at most 100, not"
  private static let way = "a tier without the benefit leaves the line out"

  @Test(arguments: [
    ("limit: percent, touches_price: false", "10", "catalogue[0].touches_price: a discount touches the price: this must be `true`"),
    ("limit: years, touches_price: true", "10", "catalogue[0].limit: a discount has the limit `percent`: without one it would have no end"),
    ("limit: percent, touches_price: true", "0", "tiers.vip.discount: \(outside) 0; \(way)"),
    ("limit: percent, touches_price: true", "100.5", "tiers.vip.discount: \(outside) 201/2; \(way)"),
    ("limit: percent, touches_price: true", "10/3", "tiers.vip.discount: at most 4 decimals are possible, not 10/3"),
  ])
  func aDiscountIsAPercentageThatTouchesThePrice(declared: String, limit: String, problem: String) throws {
    let problems = try faults(
      """
      benefits: 1
      author: me
      catalogue:
        - {id: discount, kind: discount, \(declared), name: {en: D, zh: 折}}
      \(Self.tiers.replacing("10", with: limit))
      end: true
      """)
    #expect(problems.map { $0.drop { $0 != " " }.dropFirst() } == [problem[...]])
  }

  @Test func aBenefitThatNoTierHasAndOneThatIsListedTwiceAreFaults() throws {
    let problems = try faults(
      """
      benefits: 1
      author: me
      catalogue:
        - {id: discount, kind: discount, limit: percent, touches_price: true, name: {en: D, zh: 折}}
        - {id: desk, kind: contact, touches_price: false, name: {en: K, zh: 台}}
        - {id: discount, kind: discount, limit: percent, touches_price: true, name: {en: E, zh: 折}}
      \(Self.tiers)
      end: true
      """)
    #expect(
      problems == [
        "5 catalogue[1]: no tier has `desk`: give it to one, or leave it out", "6 catalogue[2].id: `discount` is listed already at catalogue[0]",
      ])
  }

  @Test func costsAndMinutesAreReadAndTheirFaultsToldWithTheirLines() throws {
    let problems = try faults(
      """
      benefits: 1
      author: me
      working_days: 400
      catalogue:
        - {id: discount, kind: discount, limit: percent, touches_price: true, cost: 5, name: {en: D, zh: 折}}
        - {id: desk, kind: contact, touches_price: false, cost: -1, minutes: many, name: {en: K, zh: 台}}
      \(Self.tiers)
      end: true
      """)
    #expect(
      problems == [
        "3 working_days: from 1 to 366, not 400", "6 catalogue[1].minutes: a number is needed here, as 12, 12.5 or 100/3, without quotes",
      ])
    let further = try faults(
      """
      benefits: 1
      author: me
      catalogue:
        - {id: discount, kind: discount, limit: percent, touches_price: true, cost: 5, name: {en: D, zh: 折}}
        - {id: desk, kind: contact, touches_price: false, cost: -1, minutes: 1/3, name: {en: K, zh: 台}}
      \(Self.tiers.replacing("{discount: 10}", with: "{discount: 10, desk: true}"))
      end: true
      """)
    #expect(
      further == [
        "4 catalogue[0].cost: a discount costs what it takes off the price: leave this out",
        "5 catalogue[1].cost: from 0 to 1000000 with at most 4 decimals, not -1",
        "5 catalogue[1].minutes: from 0 to 1000000 with at most 4 decimals, not 1/3",
      ])
  }
}
