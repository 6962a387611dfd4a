// The file of tags: the shipped one can be used, and faults are named with their lines.
import Documents
import Domain
import Testing

@Suite struct TagDocumentTests {
  @Test func theShippedFileCoversBasicBehaviouralAndSocialTags() throws {
    let rules = try TagDocument.load("deploy/tags.yaml", currency: .cny)
    #expect(rules.version == 1 && rules.rules.count == 21)
    #expect(Set(rules.rules.map(\.group)) == Set(TagGroup.allCases))
    let spender = try #require(rules["big-spender"])
    #expect(spender.all == [TagCondition(.spend(.months(12)), least: 5_000_000)])
    #expect(spender.text(in: .chinese, minorDigits: 2) == "近 12 个月消费额 至少 50000.00")
    // One ordinary order marks nobody: new customers cost nothing more.
    let day = Day(number: 20_000)
    let judge = TagJudge(rules, on: day, lifecycle: LifecycleRule())
    let ledger = DayLedger(contributions: [DayEntry(day: day, paidOrders: 1, countedOrders: 1, spend: 9_900)])
    let view = TagView(ledger: ledger, attributes: CustomerAttributes(), interactions: [])
    for place in rules.rules.indices { #expect(judge.holds(place, view) == false, "\(rules.rules[place].id)") }
  }

  @Test func everyFaultIsNamedWithItsLine() {
    let text = """
      tags: 2
      author: Li
      list:
        - {id: Big, group: behavioural, name: {en: Big, zh: 大}, all: [{figure: spend, at_least: 1.234}]}
        - {id: a, group: economic, name: {en: A, zh: A}, all: [{figure: orders, at_least: 1}]}
        - {id: b, group: basic, name: {en: B, zh: B}}
        - {id: c, group: basic, name: {en: C, zh: C}, all: [{figure: orders, days: 30, months: 2, at_least: 1}]}
        - {id: d, group: basic, name: {en: D, zh: D}, all: [{figure: age, days: 30, at_least: 1}]}
        - {id: e, group: basic, name: {en: E, zh: E}, all: [{attribute: gender, is: [woman]}]}
        - {id: f, group: social, name: {en: F, zh: F}, any: [{behaviour: follow, of: stars, at_least: 1}, {contact: gossip, at_least: 1}]}
        - {id: g, group: basic, name: {en: G, zh: G}, all: [{figure: orders, at_least: 5, at_most: 4}]}
        - {id: h, group: basic, name: {en: H, zh: H}, all: [{figure: orders, answer: nps, at_least: 5}]}
        - {id: h, group: basic, name: {en: H, zh: H}, all: [{figure: orders}]}
        - {id: i, group: basic, name: {en: I, zh: I}, all: [{figure: orders, at_least: 1}]}
        - {id: i, group: basic, name: {en: I, zh: I}, all: [{figure: orders, at_least: 1}]}
        - {id: j, group: basic, name: {en: J, zh: J}, all: [{figure: recency_days, at_least: 99999999}]}
      end: true
      """
    do {
      _ = try TagDocument.decode(Array(text.utf8), source: "own.yaml", currency: .cny)
      Issue.record("the file was taken")
    } catch {
      #expect(error.faults.map(\.line) == [4, 4, 5, 6, 7, 8, 9, 10, 10, 11, 12, 13, 15, 16])
    }
  }
}
