// What customers of a tier may have (T-11).

import Domain
import Testing

struct BenefitTests {
  private let ladder: TierLadder
  private let discount: Benefit
  private let desk: Benefit
  private let manager: Benefit
  private let catalogue: BenefitCatalogue

  init() throws {
    func benefit(_ id: String, _ kind: BenefitKind, _ name: LocalizedName, _ unit: BenefitUnit?, price: Bool = false) throws -> Benefit {
      Benefit(id: try #require(BenefitID(id)), kind: kind, name: name, unit: unit, touchesPrice: price)
    }
    ladder = try TierLadder([
      Tier(id: try #require(TierID("vip")), name: LocalizedName(en: "VIP", zh: "VIP 客户"), reviewMonths: 3),
      Tier(id: try #require(TierID("watch")), name: LocalizedName(en: "Watch", zh: "观察客户"), reviewMonths: 6),
    ])
    discount = try benefit("discount", .discount, LocalizedName(en: "Discount", zh: "折扣优惠"), .percent, price: true)
    desk = try benefit("desk", .contact, LocalizedName(en: "Basic desk", zh: "基础客服"), nil)
    manager = try benefit("manager", .contact, LocalizedName(en: "Named manager", zh: "专属客户经理"), .years)
    catalogue = try BenefitCatalogue(
      version: 1, author: "me", benefits: [discount, desk, manager], ladder: ladder,
      grants: [
        [BenefitGrant(benefit: discount, limit: Rational(10)), BenefitGrant(benefit: manager, limit: Rational(3))], [BenefitGrant(benefit: desk, limit: nil)],
      ])
  }

  private static let questions: [(String?, String?, EntitlementReason)] = [
    ("vip", "10", .withinLimit), ("vip", "0", .withinLimit), ("vip", "10.0001", .aboveLimit), ("vip", nil, .granted), ("watch", "1", .notInTier),
    ("watch", nil, .notInTier), ("gold", "1", .tierNotConfigured), (nil, "1", .notRated),
  ]

  @Test(arguments: questions)
  func aDiscountIsGrantedUpToTheLimitOfTheTierAndNotBeyond(tier: String?, value: String?, reason: EntitlementReason) throws {
    let value = try value.map { try #require(Rational(decimal: $0)) }
    let decision = catalogue.decide(discount, value: value, tier: tier.flatMap { TierID($0) })
    #expect(decision.reason == reason)
    #expect(decision.isAllowed == (reason == .granted || reason == .withinLimit))
    #expect(decision.grant?.limit == (tier == "vip" ? Rational(10) : nil))
  }

  @Test func aBenefitWithoutALimitIsHadOrNot() throws {
    #expect(catalogue.decide(desk, value: nil, tier: TierID("watch")).isAllowed)
    #expect(!catalogue.decide(desk, value: nil, tier: TierID("vip")).isAllowed)
  }

  @Test func theAnswerIsASentenceInBothLanguages() throws {
    func text(_ benefit: Benefit, _ value: Int?, _ tier: String?, _ language: Language) -> String {
      let id = tier.flatMap { TierID($0) }
      let value = value.map { Rational($0) }
      return catalogue.decide(benefit, value: value, tier: id).text(benefit, value: value, tier: id.flatMap { ladder[$0] }?.name, in: language)
    }
    #expect(text(discount, 8, "vip", .english) == "yes: customers of tier VIP have Discount, up to 10 %; 8 % is within it")
    #expect(text(discount, 12, "vip", .english) == "no: customers of tier VIP have Discount, up to 10 %; 12 % is beyond it")
    #expect(text(discount, 12, "vip", .chinese) == "不可以：VIP 客户享有折扣优惠（至多 10%），12%已超出")
    #expect(text(manager, nil, "vip", .english) == "yes: customers of tier VIP have Named manager, 3 years or more")
    #expect(text(manager, 1, "vip", .chinese) == "可以：VIP 客户享有专属客户经理（3 年及以上），1 年在此之内")
    #expect(text(discount, nil, "watch", .english) == "no: customers of tier Watch do not have Discount")
    #expect(text(desk, nil, nil, .english) == "no: the customer has no rating yet")
  }

  @Test func everyTierNeedsItsBenefitsAndEveryGrantItsBenefitAndLimit() throws {
    let foreign = Benefit(
      id: try #require(BenefitID("car")), kind: .service, name: LocalizedName(en: "Car", zh: "车"), unit: nil, touchesPrice: false)
    let error = #expect(throws: ConfigurationFaults.self) {
      try BenefitCatalogue(
        version: 1, author: "me", benefits: [discount, desk], ladder: ladder,
        grants: [[
          BenefitGrant(benefit: discount, limit: nil), BenefitGrant(benefit: desk, limit: Rational(1)), BenefitGrant(benefit: foreign, limit: nil),
        ]])
    }
    #expect(
      error?.faults.map(\.path) == ["tiers", "tiers.vip.discount", "tiers.vip.desk", "tiers.vip.car"], "\(error?.description ?? "")")
  }
}
