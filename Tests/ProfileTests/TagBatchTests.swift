// Tags in the tables (P-10): whatever order facts come in and whichever way they take, a customer has on every day what its facts say.
import Domain
import ProfileCore
import TestSupport
import Testing

private let zone = BusinessZone.utc
private let member = Identifier(kind: .memberID, value: "M1")
private let phone = Identifier(kind: .phone, value: "+8613800001001")

private func tag(_ id: String, _ all: [TagCondition]) throws -> TagRule {
  TagRule(id: try #require(TagID(id)), group: .behavioural, name: LocalizedName(en: id, zh: id), all: all)
}

func tagged() throws -> ProfileRules {
  let rules = [
    try tag("regular", [TagCondition(.orders(.months(12)), least: 2)]), try tag("spender", [TagCondition(.spend(.days(400)), least: 60_000)]),
    try tag("basket", [TagCondition(.averageOrderValue(.months(6)), least: 20_000)]), try tag("away", [TagCondition(.recencyDays, least: 200, most: 600)]),
    try tag("churned", [TagCondition(.lifecycle, words: ["churned"])]), try tag("old-friend", [TagCondition(.firstOrderDays, least: 900)]),
    try tag("southern", [TagCondition(.attribute(.region), words: ["r1"])]),
    try tag("visitor", [TagCondition(.behaviour("visit", .days(300)), least: 4)]),
    try tag("looks-only", [TagCondition(.behaviour("visit", .days(500)), least: 1), TagCondition(.orders(.days(365)), most: 0)]),
  ]
  return ProfileRules(zone: zone, tags: TagRules(version: 1, author: "t", rules: rules))
}

/// One lane that takes facts as they come, and the lane of due work.
private struct Suite1 {
  var store = MemoryProfileStore()
  var lanes = [TestLane(), TestLane(customersMax: 100, recentOrdersMax: 100)]
  let rules: ProfileRules

  init(_ rules: ProfileRules) { self.rules = rules }

  mutating func take(_ facts: [Arrival], lane: Int, at now: Instant) throws {
    let rules = rules
    var store = store
    try lanes[lane].apply(facts) { known, batch in
      var transaction = store
      _ = try batch.bytes.withUnsafeBytes { try ProfileBatch.apply(batch.items, $0, to: &transaction, known: &known, rules: rules, at: now) }
      store = transaction
    }
    self.store = store
  }

  /// What the lane of due work does until nothing is due.
  mutating func work(at now: Instant) throws {
    while !store.toTag.isEmpty {
      let some = Array(store.toTag.sorted().prefix(3))
      store.toTag.subtract(some)
      _ = try Tagging.apply(some, to: &store, rules: rules, at: now)
    }
    while try LifecycleDue.apply(to: &store, rules: rules, at: now, max: 2).next <= zone.day(of: now) {}
  }

  /// By the facts, without anything that is kept.
  func expected(_ id: CustomerID, on day: Day) -> Set<String> {
    let members = Set(store.identities.values.filter { $0.customer == id }.map(\.id))
    let facts = TagFacts(
      orders: store.orders.filter { members.contains($0.key.identity) }.map(\.value.record),
      registrations: store.registered.filter { members.contains($0.identity) }.map(\.event),
      interactions: store.interactions.filter { members.contains($0.identity) }.map { TagInteraction($0.event, in: zone) })
    var view = TagView(
      ledger: DayLedger(contributions: facts.orders.flatMap { $0.contribution(in: zone, asOf: day) }), attributes: CustomerAttributes(),
      interactions: facts.interactions)
    for event in facts.registrations where zone.day(of: event.occurredAt) <= day { _ = view.attributes.apply(event) }
    return Set(Tagger(rules, today: day).tags(view))
  }

  func history(_ id: CustomerID, through day: Day) -> TagHistory {
    let members = Set(store.identities.values.filter { $0.customer == id }.map(\.id))
    return TagHistory(
      TagFacts(
        orders: store.orders.filter { members.contains($0.key.identity) }.map(\.value.record),
        registrations: store.registered.filter { members.contains($0.identity) }.map(\.event),
        interactions: store.interactions.filter { members.contains($0.identity) }.map { TagInteraction($0.event, in: zone) }),
      by: [TagRulesInForce(since: Day(number: .min), rules: rules.tags)], lifecycle: rules.lifecycle, in: zone, through: day)
  }

  var standing: [Customer] { store.customers.values.filter { $0.mergedInto == nil } }
}

/// Facts of a few people who also visit.
private func facts(_ seed: UInt64, _ random: inout SplitMix) -> [Arrival] {
  var facts = Stream(seed: seed).facts
  let start = zone.startOfDay(Day("1997-01-01") ?? Day(number: 0))
  for number in 0..<Int.random(in: 0...6, using: &random) {
    let at = start.adding(seconds: Int64.random(in: 0..<(1_460 * 86_400), using: &random))
    let who = Identifier(kind: .memberID, value: "M\(Int.random(in: 0...3, using: &random))")
    let event = BehaviourEvent(
      source: "app", eventID: "v\(number)", occurredAt: at, name: "visit", count: Int64.random(in: 1...3, using: &random), identifiers: [who])
    facts.append(
      Arrival(event: .interaction(.behaviour(event)), sighting: Sighting(named: [.init(key: testKey(who), identifier: who)], at: at, eventID: event.eventID)))
  }
  return facts
}

@Suite struct TagBatchTests {
  @Test("Shuffled, repeated, over two lanes, and then by time alone: tags are what the facts say on every day", arguments: 0..<UInt64(Sanitized.rounds(10)))
  func tagsAreWhatTheFactsSay(block: UInt64) throws {
    let rules = try tagged()
    for seed in block * 8..<(block + 1) * 8 {
      var random = SplitMix(seed ^ 0x7467)
      let all = facts(seed, &random)
      var rest = (all + all.filter { _ in Int.random(in: 0..<3, using: &random) == 0 }).shuffled(using: &random)[...]
      var suite = Suite1(rules)
      var now = zone.startOfDay(Day("2001-03-01") ?? Day(number: 0))
      while !rest.isEmpty {
        let batch = Array(rest.prefix(Int.random(in: 1...6, using: &random)))
        rest = rest.dropFirst(batch.count)
        try suite.take(batch, lane: Int.random(in: 0...1, using: &random), at: now)
        if Bool.random(using: &random) { try suite.work(at: now) }
        // Days pass while facts come in.
        now = now.adding(seconds: Int64.random(in: 0...3, using: &random) * 86_400)
      }
      for _ in 0..<25 {
        try suite.work(at: now)
        let today = zone.day(of: now)
        for customer in suite.standing {
          let expected = suite.expected(customer.id, on: today)
          #expect(Set(customer.tags.derived) == expected, "seed \(seed), day \(today), customer \(customer.id)")
          let open = Set(suite.history(customer.id, through: today).spans.filter { $0.cleared == nil }.map(\.tag.text))
          #expect(open == expected, "history, seed \(seed), day \(today)")
          if Set(customer.tags.derived) != expected || open != expected { return }
        }
        now = now.adding(seconds: Int64.random(in: 1...60, using: &random) * 86_400)
      }
      try rebuildChangesNothing(&suite, at: now, seed)
    }
  }

  private func rebuildChangesNothing(_ suite: inout Suite1, at now: Instant, _ seed: UInt64) throws {
    try suite.work(at: now)
    let before = suite.store.essence
    _ = try Rebuild.apply(suite.standing.map(\.id), to: &suite.store, rules: suite.rules)
    #expect(!suite.store.toTag.isEmpty)
    try suite.work(at: now)
    #expect(suite.store.essence == before, "seed \(seed)")
  }

  @Test("The days on which tags were set and cleared are those on which a day-by-day look finds a change", arguments: 0..<UInt64(Sanitized.rounds(5)))
  func historyHasEveryChangeOnItsDay(block: UInt64) throws {
    let rules = try tagged()
    for seed in block * 4..<(block + 1) * 4 {
      var random = SplitMix(seed ^ 0x6869)
      var suite = Suite1(rules)
      let now = zone.startOfDay(Day("2001-03-01") ?? Day(number: 0))
      try suite.take(facts(seed, &random), lane: 0, at: now)
      for customer in suite.standing.prefix(2) {
        let last = zone.day(of: now)
        let spans = suite.history(customer.id, through: last).spans
        var held: Set<String> = []
        var day = (Day("1996-12-31") ?? last)
        while day <= last {
          let holds = suite.expected(customer.id, on: day)
          let set = Set(spans.filter { $0.from == day }.map(\.tag.text))
          let cleared = Set(spans.filter { $0.cleared?.day == day }.map(\.tag.text))
          #expect(set == holds.subtracting(held) && cleared == held.subtracting(holds), "seed \(seed), day \(day)")
          if set != holds.subtracting(held) { return }
          held = holds
          day = day + 1
        }
      }
    }
  }

  private func order(_ id: String, _ who: Identifier, _ at: Instant) -> Arrival {
    arrival(
      OrderEvent(
        kind: .order, source: "s", eventID: id, orderID: id, occurredAt: at, paidAt: at, money: Money(minorUnits: 100, currency: .cny), baseMinorUnits: 100,
        identifiers: [who]))
  }

  @Test("A merge gives the customer the tags of both histories, an undone one gives each its own back, and what people gave goes with its identity")
  func tagsFollowMergesAndUndoneMerges() throws {
    var suite = Suite1(try tagged())
    let now = zone.startOfDay(Day("2000-06-01") ?? Day(number: 0))
    try suite.take([order("1", member, now)], lane: 0, at: now)
    try suite.take([order("2", phone, now.adding(seconds: 5))], lane: 0, at: now)
    let second = testKey(phone).identityID
    suite.store.manual.append(ManualTag(id: 1, identity: second, tag: "介绍", actor: "wang", reason: "r", at: now, until: Day("2000-07-01")))
    suite.store.toTag.insert(second)
    try suite.work(at: now)
    #expect(suite.store.customers[second]?.tags.text == "|介绍")
    let meeting = CustomerEvent(source: "m", eventID: "both", occurredAt: now.adding(seconds: 9), identifiers: [member, phone])
    try suite.take([arrival(meeting)], lane: 1, at: now)
    let survivor = try #require(suite.standing.first)
    #expect(suite.standing.count == 1 && survivor.tags.text == "regular|介绍" && suite.store.customers[second]?.tags == CustomerTags.none)
    // Time alone takes away what had an end.
    var later = suite
    try later.work(at: zone.startOfDay(Day("2000-07-01") ?? Day(number: 0)))
    #expect(later.standing.first?.tags.text == "regular|介绍")
    try later.work(at: zone.startOfDay(Day("2000-07-02") ?? Day(number: 0)))
    #expect(later.standing.first?.tags.text == "regular")
    let merge = try #require(suite.store.merges.first)
    suite.store.decided.append(IdentityDecision(id: 1, kind: .apart, at: now, left: merge.survivorMembers, right: merge.absorbedMembers))
    _ = try ProfileBatch.regroup(Set(merge.survivorMembers + merge.absorbedMembers), in: &suite.store, rules: suite.rules, at: now)
    #expect(Set(suite.standing.map(\.tags.text)) == ["", "|介绍"])
  }

  @Test("A batch of orders that no rule looks at judges nothing, and one that changes no tag writes none")
  func ordersThatChangeNoTagWriteNone() throws {
    let now = zone.startOfDay(Day("2000-06-01") ?? Day(number: 0))
    let southern = try tag("southern", [TagCondition(.attribute(.region), words: ["r1"])])
    let attributes = ProfileRules(zone: zone, tags: TagRules(version: 1, author: "t", rules: [southern]))
    #expect(!Tagger(attributes, today: zone.day(of: now)).looksAtPurchases)
    var suite = Suite1(try tagged())
    try suite.take([order("1", member, now)], lane: 0, at: now)
    #expect(suite.standing.map(\.tags) == [.none] && suite.store.toTag.isEmpty)
    try suite.take([order("2", member, now.adding(seconds: 5))], lane: 0, at: now)
    #expect(suite.standing.map(\.tags.text) == ["regular"] && suite.standing.map(\.version) == [2])
  }
}
