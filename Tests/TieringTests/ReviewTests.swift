// Proposals and what people decide, on the tables as dictionaries (T-07, T-09, S-07).
import Contracts
import Domain
import Testing
import TieringCore
import TieringStore

@Suite("Changes of a tier that wait for a person")
struct ReviewTests {
  private static let id = customer(1)
  /// One customer whose figures give VIP, rated on the first of July.
  private func vip(_ review: String = "b2c") throws -> (MemoryTieringStore, TieringRules) {
    var store = MemoryTieringStore()
    let rules = try Shipped.rules(review: review)
    _ = try TieringBatch.receive([received(snapshot(1, 1, RatingTests.big))], &store, rules: rules, at: moment("1998-07-01"))
    return (store, rules)
  }

  private func apply(_ order: ReviewOrder, _ store: inout MemoryTieringStore, _ rules: TieringRules, at day: String, seconds: Int64 = 30) throws {
    let customers = try store.lockCustomers([ReviewTests.id])
    _ = try ReviewDesk.apply(order, to: customers, &store, rules: rules, at: moment(day, seconds: seconds))
  }

  private func action(_ actor: String, _ terms: OverrideTerms? = nil) -> ReviewAction { ReviewAction(actor: actor, reason: "because", terms: terms) }

  private func terms(_ tier: String, until: String, _ next: OverrideTerms.AtNextRating = .hold, actor: String = "Li") throws -> OverrideTerms {
    OverrideTerms(tier: try #require(tierID(tier)), until: day(until), atNextRating: next, actor: actor, reason: "flagship")
  }

  @Test("A first VIP is Key at once, and VIP waits in the queue with its reason, score and last day; all are told both tiers")
  func firstWaits() throws {
    let (store, _) = try vip()
    let standing = try #require(store.standing(1))
    #expect(standing.rating.tier == tierID("key"))
    #expect(standing.rating.decided == tierID("vip"))
    let proposal = try #require(store.proposals[Self.id])
    #expect(proposal.tier == tierID("key"))
    #expect(proposal.open.tier == tierID("vip"))
    #expect(proposal.cause == .first)
    #expect(proposal.score == standing.rating.score)
    #expect(proposal.version == 1)
    #expect(proposal.open.expires == day("1998-07-31"))
    #expect(store.dueDays[Self.id] == day("1998-07-31"))
    let stored = try #require(store.customers[Self.id])
    let told = try #require(PublishedTier(stored, tierBefore: nil)).snapshot
    #expect(told.tier == "key")
    #expect(told.proposedTier == "vip")
  }

  @Test("A confirmed proposal is the tier from then on, by the reviewer's name, with a review day of its own; the history says who")
  func confirmed() throws {
    var (store, rules) = try vip()
    try apply(.confirm(action("Wang")), &store, rules, at: "1998-07-02")
    let standing = try #require(store.standing(1))
    #expect(standing.rating.tier == tierID("vip"))
    #expect(standing.rating.confirmedBy == .reviewer("Wang"))
    #expect(standing.rating.nextReview == day("1998-10-02"))
    #expect(standing.rating.version == 2)
    #expect(standing.proposed == nil)
    #expect(store.proposals.isEmpty)
    #expect(store.history.map(\.reason) == [.first, .confirmed])
    #expect(store.history.last?.action?.actor == "Wang")
    #expect(store.history.last?.tierBefore == tierID("key"))
    // The next rating keeps it.
    _ = try TieringBatch.receive([received(snapshot(1, 2, RatingTests.big))], &store, rules: rules, at: moment("1998-07-02", seconds: 120))
    #expect(store.standing(1)?.rating.tier == tierID("vip"))
    #expect(store.standing(1)?.rating.confirmedBy == .reviewer("Wang"))
    #expect(throws: ReviewRefusal.nothingWaits) { try apply(.confirm(action("Wang")), &store, rules, at: "1998-07-02", seconds: 150) }
  }

  @Test("A rejected proposal is not made again by the same figures, but by the next review")
  func rejected() throws {
    var (store, rules) = try vip()
    try apply(.reject(action("Wang")), &store, rules, at: "1998-07-01")
    #expect(store.proposals.isEmpty)
    var more = RatingTests.big
    more[11].2 += 1_000
    _ = try TieringBatch.receive([received(snapshot(1, 2, more))], &store, rules: rules, at: moment("1998-07-01", seconds: 90))
    #expect(store.proposals.isEmpty)
    #expect(store.standing(1)?.rating.tier == tierID("key"))
    var current = more
    current.append(("1998-12-20", 1, 90_000_000))
    _ = try TieringBatch.receive([received(snapshot(1, 3, current))], &store, rules: rules, at: moment("1998-12-20", seconds: 300))
    _ = try TieringBatch.dayCame([Self.id], &store, rules: rules, at: moment("1999-01-01"))
    #expect(store.history.last?.reason == .review)
    let decided = try #require(store.standing(1)?.rating.decided)
    #expect(store.proposals[Self.id]?.open.tier == (decided == tierID("vip") ? tierID("vip") : nil))
  }

  @Test("A proposal that nobody decides ends by itself, and says so in the history")
  func expired() throws {
    var (store, rules) = try vip("b2b")
    _ = try TieringBatch.dayCame([Self.id], &store, rules: rules, at: moment("1998-07-30"))
    #expect(store.proposals.count == 1)
    let outcome = try TieringBatch.dayCame([Self.id], &store, rules: rules, at: moment("1998-07-31"))
    #expect(store.proposals.isEmpty)
    #expect(store.history.last?.reason == .expired)
    #expect(outcome.published.first?.snapshot.proposedTier == nil)
    #expect(outcome.published.first?.snapshot.tier == "key")
  }

  @Test("An override comes into force when another person confirms it, holds to its last day, and then the customer is rated from where it was")
  func override() throws {
    var (store, rules) = try vip()
    try apply(.ask(action("Li", try terms("normal", until: "1998-07-15"))), &store, rules, at: "1998-07-01")
    #expect(store.standing(1)?.rating.tier == tierID("key"))
    #expect(store.proposals[Self.id]?.open.terms?.actor == "Li")
    for own in ["Li", " li "] {
      #expect(throws: ReviewRefusal.ownOverride) { try apply(.confirm(action(own)), &store, rules, at: "1998-07-01", seconds: 40) }
    }
    try apply(.confirm(action("Wang")), &store, rules, at: "1998-07-01", seconds: 50)
    #expect(store.standing(1)?.rating.tier == tierID("normal"))
    #expect(store.customers[Self.id]?.dueDay == day("1998-07-16"))
    _ = try TieringBatch.receive([received(snapshot(1, 2, RatingTests.big))], &store, rules: rules, at: moment("1998-07-15", seconds: 120))
    #expect(store.standing(1)?.rating.tier == tierID("normal"))
    #expect(store.proposals.isEmpty)
    _ = try TieringBatch.dayCame([Self.id], &store, rules: rules, at: moment("1998-07-16"))
    #expect(store.history.last?.reason == .overrideEnded)
    #expect(store.standing(1)?.rating.tier == tierID("key"))
    #expect(store.proposals[Self.id]?.open.tier == tierID("vip"))
    #expect(store.history.map(\.reason) == [.first, .overrideAsked, .confirmed, .change, .overrideEnded])
  }

  @Test("After a rejected override the figures' own proposal waits again")
  func overrideRejected() throws {
    var (store, rules) = try vip()
    try apply(.ask(action("Li", try terms("watch", until: "1998-08-01"))), &store, rules, at: "1998-07-01")
    try apply(.reject(action("Wang")), &store, rules, at: "1998-07-01", seconds: 40)
    #expect(store.proposals[Self.id]?.open.tier == tierID("vip"))
    #expect(store.proposals[Self.id]?.open.terms == nil)
  }

  @Test("An override without a day to come, or of a tier that is not there, is refused")
  func overrideRefused() throws {
    var (store, rules) = try vip()
    let past = try terms("vip", until: "1998-06-30")
    #expect(throws: ReviewRefusal.lastDay(day("1998-07-01") + ReviewDesk.overrideDaysMax)) {
      try apply(.ask(action("Li", past)), &store, rules, at: "1998-07-01")
    }
    let gold = try terms("gold", until: "1998-07-30")
    #expect(throws: ReviewRefusal.noSuchTier(gold.tier)) { try apply(.ask(action("Li", gold)), &store, rules, at: "1998-07-01") }
  }

  @Test("A merge withdraws what waits; when it is undone the customer is rated anew and it waits again (P-02)")
  func merged() throws {
    var (store, rules) = try vip()
    let outcome = try TieringBatch.receive([received(snapshot(1, 2, merged: 2))], &store, rules: rules, at: moment("1998-07-01", seconds: 5))
    #expect(store.proposals.isEmpty)
    #expect(outcome.published.first?.snapshot.proposedTier == nil)
    #expect(throws: ReviewRefusal.merged(into: customer(2))) { try apply(.confirm(action("Wang")), &store, rules, at: "1998-07-01") }
    _ = try TieringBatch.receive([received(snapshot(1, 3, RatingTests.big))], &store, rules: rules, at: moment("1998-07-01", seconds: 9))
    #expect(store.proposals[Self.id]?.open.tier == tierID("vip"))
    #expect(store.standing(1)?.rating.tier == tierID("key"))
  }

  @Test("Who refuses automated tiering keeps the tier until a person decides, and is rated at once when they accept again (S-07)")
  func optedOut() throws {
    var (store, rules) = try vip()
    try apply(.optOut(true, action("Li")), &store, rules, at: "1998-07-01")
    #expect(throws: ReviewRefusal.alreadySo) { try apply(.optOut(true, action("Li")), &store, rules, at: "1998-07-01", seconds: 31) }
    _ = try TieringBatch.receive([received(snapshot(1, 2))], &store, rules: rules, at: moment("1998-07-02", seconds: 120))
    #expect(store.standing(1)?.rating.tier == tierID("key"))
    #expect(store.proposals[Self.id]?.open.tier == tierID("watch"))
    try apply(.optOut(false, action("Li")), &store, rules, at: "1998-07-02", seconds: 130)
    #expect(store.waiting[Self.id] == RatingMoment.atOnce)
    _ = try TieringBatch.rateDue([Self.id], &store, rules: rules, at: moment("1998-07-02", seconds: 131), ignoringInterval: true)
    #expect(store.standing(1)?.rating.tier == tierID("watch"))
    #expect(store.proposals.isEmpty)
  }

  @Test("Confirmed out of VIP, a customer falls no further for a month, and is then looked at by itself (T-09)")
  func stepsDown() throws {
    var (store, rules) = try vip()
    try apply(.confirm(action("Wang")), &store, rules, at: "1998-07-01")
    _ = try TieringBatch.receive([received(snapshot(1, 2))], &store, rules: rules, at: moment("1998-07-02", seconds: 120))
    #expect(store.proposals[Self.id]?.open.tier == tierID("key"))
    try apply(.confirm(action("Wang")), &store, rules, at: "1998-07-03")
    _ = try TieringBatch.dayCame([Self.id], &store, rules: rules, at: moment("1998-07-10", seconds: 180))
    #expect(store.customers[Self.id]?.dueDay == day("1998-08-02"))
    _ = try TieringBatch.receive([received(snapshot(1, 3, [("1997-01-01", 1, 1)]))], &store, rules: rules, at: moment("1998-07-20", seconds: 240))
    #expect(store.standing(1)?.rating.tier == tierID("key"))
    _ = try TieringBatch.dayCame([Self.id], &store, rules: rules, at: moment("1998-08-02"))
    #expect(store.standing(1)?.rating.tier == tierID("watch"))
    #expect(store.history.last?.reason == .step)
  }

  @Test("A month before a review that would cost the tier the customer is told the day and what would keep it, and when it is no more so (T-09)")
  func notice() throws {
    var store = MemoryTieringStore()
    var rules = try Shipped.rules(review: "b2c")
    // Orders of a year ago, which the review of January will count no more.
    let old: [(String, Int32, Int64)] = (7...12).map { ("1997-\($0 < 10 ? "0" : "")\($0)-02", 1, 6_000_000) }
    _ = try TieringBatch.receive([received(snapshot(1, 1, old))], &store, rules: rules, at: moment("1998-01-02"))
    let first = try #require(store.standing(1)?.rating.tier)
    #expect(first != tierID("watch"))
    var days: [Day] = []
    var told: [TierSnapshot] = []
    var today = day("1998-01-02")
    while told.allSatisfy({ $0.notice == nil }), let next = store.customers[Self.id]?.dueDay, days.count < 20 {
      today = next
      days.append(next)
      let now = moment(next.description, seconds: Int64(days.count) * 120)
      told += try TieringBatch.dayCame([Self.id], &store, rules: rules, at: now).published.map(\.snapshot)
    }
    let notice = try #require(told.last?.notice)
    #expect(notice.day - today == rules.schedule.noticeDays)
    #expect(notice.en.hasPrefix("Without further orders "))
    #expect(notice.zh.hasPrefix("若无新订单，"))
    #expect(store.history.last?.reason == .notice)
    #expect(store.customers[Self.id]?.course.review.notice?.day == notice.day)
    // What was foreseen is what happens, if nothing more is bought.
    var unchanged = store
    rules.decisions.review = .none
    _ = try TieringBatch.dayCame([Self.id], &unchanged, rules: rules, at: moment(notice.day.description, seconds: 9_000))
    #expect(unchanged.standing(1)?.rating.decided == tierID(notice.tier))
    // Bought enough: told as well.
    let more = old + [(today.description, 12, 90_000_000)]
    let saved = try TieringBatch.receive([received(snapshot(1, 2, more))], &store, rules: rules, at: moment(today.description, seconds: 9_000))
    #expect(saved.published.last?.snapshot.notice == nil)
    #expect(store.customers[Self.id]?.course.review.notice == nil)
  }
}
