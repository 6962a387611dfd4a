// Tags (P-10): which a customer has on a day, since when and why, and when time alone changes them.
import Testing

@testable import Domain

private func day(_ text: String) -> Day { Day(text) ?? Day(number: 0) }
private func moment(_ text: String) -> Instant { BusinessZone.utc.startOfDay(day(text)) }

private func order(_ id: String, _ paid: String, _ amount: Int64, refunded: String? = nil) -> OrderRecord {
  let movements = refunded.map { [OrderRecord.Movement(kind: .refund, reference: "r", at: moment($0), baseMinorUnits: amount)] } ?? []
  return OrderRecord(
    source: "shop", orderID: id,
    header: .init(
      revision: 1, orderedAt: moment(paid), paidAt: moment(paid), money: Money(minorUnits: amount, currency: .cny), baseMinorUnits: amount, channel: "",
      lines: []), movements: movements)
}

private func visit(_ id: String, _ on: String, count: Int64 = 1, value: Int64? = nil, name: String = "visit") -> TagInteraction {
  TagInteraction(
    .behaviour(BehaviourEvent(source: "app", eventID: id, occurredAt: moment(on), name: name, count: count, value: value, identifiers: [])), in: .utc)
}

private func rule(_ id: String, _ all: [TagCondition], any: [TagCondition] = []) -> TagRule {
  TagRule(id: TagID(id) ?? frequent, group: .behavioural, name: LocalizedName(en: id, zh: id), all: all, any: any)
}

private let frequent = TagID("x").unsafelyUnwrapped

private func history(
  _ rules: [TagRule], orders: [OrderRecord] = [], registrations: [CustomerEvent] = [], interactions: [TagInteraction] = [], through last: String
) -> [TagSpan] {
  TagHistory(
    TagFacts(orders: orders, registrations: registrations, interactions: interactions),
    by: [TagRulesInForce(since: Day(number: .min), rules: TagRules(version: 3, author: "t", rules: rules))], lifecycle: LifecycleRule(), in: .utc,
    through: day(last)
  ).spans
}

@Suite struct TagTests {
  @Test("A tag is set on the day of the order that fulfils its rule, and cleared on the day on which an order leaves the window")
  func aTagIsSetByAnOrderAndClearedByTimeAlone() {
    let twice = rule("twice", [TagCondition(.orders(.months(12)), least: 2)])
    let orders = [order("1", "2024-02-29", 100), order("2", "2024-06-10", 100), order("3", "2025-02-01", 50, refunded: "2025-02-05")]
    let spans = history([twice], orders: orders, through: "2025-12-31")
    // The third counts until it is refunded; the first leaves on 28 February, when 29 February lies twelve months back no longer.
    #expect(spans.map(\.from) == [day("2024-06-10")])
    #expect(spans.map { $0.cleared?.day } == [day("2025-03-01")])
    #expect(spans[0].reason.text(in: .english, minorDigits: 2) == "orders in 12 months 2 (at least 2)")
    #expect(spans[0].cleared?.reason.text(in: .chinese, minorDigits: 2) == "近 12 个月订单数 1 (至少 2)")
    #expect(history([twice], orders: orders, through: "2025-02-28").map { $0.cleared?.day } == [nil])
  }

  @Test("Facts in any order give the same history, and a late fact puts the past right")
  func aLateFactPutsThePastRight() {
    let big = rule("big", [TagCondition(.spend(.ever), least: 1_000)])
    let (early, late) = (order("1", "2024-01-10", 600), order("2", "2024-03-10", 600))
    #expect(history([big], orders: [early, late], through: "2024-12-31").map(\.from) == [day("2024-03-10")])
    #expect(history([big], orders: [late, early], through: "2024-12-31") == history([big], orders: [early, late], through: "2024-12-31"))
    let missed = order("0", "2024-02-01", 500)
    #expect(history([big], orders: [early, late, missed], through: "2024-12-31").map(\.from) == [day("2024-02-01")])
  }

  @Test("An age band begins on the birthday, and one born on 29 February has it on the 28th in other years")
  func agesChangeOnTheBirthday() {
    let band = rule("band", [TagCondition(.age, least: 25, most: 26)])
    let born = CustomerEvent(source: "m", eventID: "1", occurredAt: moment("2020-01-01"), identifiers: [], attributes: [.birthday: "1996-02-29"])
    let spans = history([band], registrations: [born], through: "2030-01-01")
    #expect(spans.map(\.from) == [day("2021-02-28")] && spans.map { $0.cleared?.day } == [day("2023-02-28")])
  }

  @Test("Staying away is noticed on the day, coming back clears it")
  func recencyCrossesItsBordersOnTheDay() {
    let away = rule("away", [TagCondition(.orders(.ever), least: 1, most: 1), TagCondition(.recencyDays, least: 180)])
    let spans = history([away], orders: [order("1", "2024-01-01", 100), order("2", "2024-12-24", 1)], through: "2026-01-01")
    #expect(spans.map(\.from) == [day("2024-06-29")] && spans.map { $0.cleared?.day } == [day("2024-12-24")])
  }

  @Test("Counts and figures of behaviours look at their window alone, and the latest figure counts")
  func behavioursCountInTheirWindow() {
    let visitor = rule("visitor", [TagCondition(.behaviour("visit", .days(30)), least: 5)])
    let famous = rule("famous", [TagCondition(.behaviourValue("follow", .months(12)), least: 1_000)])
    let interactions = [
      visit("1", "2024-01-01", count: 3), visit("2", "2024-01-20", count: 2), visit("3", "2024-01-25", count: 1, value: 2_000, name: "follow"),
      visit("4", "2024-05-01", count: 1, value: 900, name: "follow"),
    ]
    let spans = history([visitor, famous], interactions: interactions, through: "2026-01-01")
    #expect(spans.map(\.tag.text) == ["visitor", "famous"])
    #expect(spans.map(\.from) == [day("2024-01-20"), day("2024-01-25")])
    #expect(spans.map { $0.cleared?.day } == [day("2024-01-31"), day("2024-05-01")])
  }

  @Test("Of `any` one condition is enough; without a value no bound is met")
  func oneOfAnyIsEnough() {
    let either = rule("either", [], any: [TagCondition(.recencyDays, most: 10), TagCondition(.behaviour("visit", .ever), least: 1)])
    #expect(history([either], interactions: [visit("1", "2024-01-05")], through: "2024-02-01").map(\.from) == [day("2024-01-05")])
    let recent = rule("recent", [TagCondition(.recencyDays, most: 10)])
    #expect(history([recent], interactions: [visit("1", "2024-01-05")], through: "2024-02-01").isEmpty)
  }

  @Test("A new version of the rules sets and clears on the day on which it comes into force")
  func rulesComeIntoForceOnADay() {
    let one = TagRules(version: 1, author: "t", rules: [rule("buyer", [TagCondition(.orders(.ever), least: 1)])])
    let two = TagRules(version: 2, author: "t", rules: [rule("fan", [TagCondition(.orders(.ever), least: 1)])])
    let spans = TagHistory(
      TagFacts(orders: [order("1", "2024-01-01", 100)], registrations: [], interactions: []),
      by: [TagRulesInForce(since: day("2024-03-01"), rules: one), TagRulesInForce(since: day("2024-06-01"), rules: two)], lifecycle: LifecycleRule(), in: .utc,
      through: day("2024-12-31")
    ).spans
    #expect(spans.map(\.tag.text) == ["buyer", "fan"] && spans.map(\.from) == [day("2024-01-01"), day("2024-06-01")])
    #expect(spans[0].cleared?.day == day("2024-06-01") && spans[0].cleared?.reason == TagReason(version: 2, lines: []))
    #expect(spans[1].reason.version == 2)
  }

  @Test("What is not read is not guessed: a rule that hangs on it is unknown, unless the rest decides")
  func whatIsNotReadIsUnknown() {
    let rules = TagRules(
      version: 1, author: "t",
      rules: [rule("looks", [TagCondition(.behaviour("browse", .days(30)), least: 5), TagCondition(.orders(.days(90)), most: 0)])])
    let judge = TagJudge(rules, on: day("2024-06-01"), lifecycle: LifecycleRule())
    let bought = DayLedger(contributions: [DayEntry(day: day("2024-05-30"), paidOrders: 1, countedOrders: 1, spend: 5)])
    #expect(judge.holds(0, TagView(ledger: DayLedger(), attributes: CustomerAttributes())) == nil)
    #expect(judge.holds(0, TagView(ledger: bought, attributes: CustomerAttributes())) == false)
    #expect(judge.holds(0, TagView(ledger: DayLedger(), attributes: CustomerAttributes(), interactions: [])) == false)
  }

  @Test("Tags are one text: ids of rules, a bar, what people gave; most have none")
  func tagsAreOneText() {
    let tags = CustomerTags(derived: ["b", "a"], manual: ["老客户", "b"])
    #expect(tags.text == "a,b|b,老客户" && tags.derived == ["a", "b"] && tags.manual == ["b", "老客户"] && tags.all == ["a", "b", "老客户"])
    #expect(CustomerTags(derived: [], manual: []) == .none && CustomerTags.none.all.isEmpty)
    #expect(CustomerTags(derived: [], manual: ["x"]).derived.isEmpty)
    for bad in ["", " a", "a ", "a,b", "a|b", "a/b", "a\nb", String(repeating: "a", count: 31)] { #expect(!ManualTag.isName(bad), "\(bad)") }
    #expect(ManualTag.isName("VIP of the boss") && ManualTag.isName("老客户介绍"))
  }
}
