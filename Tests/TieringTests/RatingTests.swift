// The rules of rating on change: T-03, T-05, T-06, T-08, on the tables as dictionaries.
import Contracts
import Documents
import Domain
import Testing
import TieringCore
import TieringStore

@Suite("Ratings that follow from snapshots")
struct RatingTests {
  /// Twelve orders a month apart up to 1998-06-01, 800,000 yuan in all.
  static let big: [(String, Int32, Int64)] =
    (7...12).map { ("1997-\($0 < 10 ? "0" : "")\($0)-02", 1, 6_000_000) }
    + (1...6).map { ("1998-0\($0)-01", 1, $0 == 6 ? 14_000_000 : 6_000_000) }

  @Test("The indicators are the figures of the business day, exact, and what has no value stays without one (T-05, P-07)")
  func indicators() throws {
    // Asked of Python's fractions: M = 1234.57 + 100.00 over 3 orders; 2 of 3 repeat within 90 days; 2 orders in Apr..Jun, 1 in Jan..Mar.
    let figures = RatingFigures(
      ledger: ledger([("1998-03-10", 1, 123_457), ("1998-04-01", 1, 5_000), ("1998-06-20", 1, 5_000)]), industry: "Retail",
      growth: IndustryGrowth(["retail": Rational(5)]), currency: .cny, today: day("1998-07-01"))
    #expect(figures.values[.recencyDays] == Rational(11))
    #expect(figures.values[.frequency] == Rational(3))
    #expect(figures.values[.monetary] == Rational(133_457, over: 100))
    #expect(figures.values[.averageOrderValue] == Rational(133_457, over: 300))
    #expect(figures.values[.repurchaseRate] == Rational(200, over: 3))
    #expect(figures.values[.orderGrowth] == Rational(100))
    #expect(figures.values[.industryGrowth] == Rational(5))
    for key in [IndicatorKey.newNeeds, .referrals, .complaintRate] { #expect(figures.values[key] == nil) }
    let nobody = RatingFigures(ledger: DayLedger(), industry: "mining", growth: .none, currency: .cny, today: day("1998-07-01"))
    for key in [IndicatorKey.recencyDays, .averageOrderValue, .repurchaseRate, .orderGrowth, .industryGrowth] {
      #expect(nobody.values[key] == nil)
    }
    #expect(nobody.values[.frequency] == .zero)
    #expect(nobody.values[.monetary] == .zero)
  }

  @Test("Amounts become units by the currency's own decimals")
  func decimals() throws {
    let yen = try #require(Currency("JPY"))
    let figures = RatingFigures(
      ledger: ledger([("1998-06-01", 1, 5_000)]), industry: nil, growth: .none, currency: yen, today: day("1998-07-01"))
    #expect(figures.values[.monetary] == Rational(5_000))
  }

  @Test("A first snapshot is rated at once, by the scorecard's exact arithmetic, and published (T-03, T-08)")
  func first() throws {
    var store = MemoryTieringStore()
    let rules = try Shipped.rules(growth: IndustryGrowth(["retail": Rational(15)]))
    let outcome = try TieringBatch.receive(
      [received(snapshot(1, 1, RatingTests.big, industry: "retail"))], &store, rules: rules, at: moment("1998-07-01"))
    // R 30 days 90 x 20 %, F 12 90 x 15 %, M 800,000 100 x 35 %, I +15 87.5 x 15 %, L 12 of 12... the first has no earlier one: 11/12.
    // 18 + 13.5 + 35 + 13.125 + 13.75 = 93.375
    let standing = try #require(store.standing(1))
    #expect(standing.rating.exactScore == Rational(93_375, over: 1_000))
    #expect(standing.rating.score == 93)
    #expect(standing.rating.version == 1)
    #expect(standing.monetary == 80_000_000)
    let published = try #require(outcome.published.first?.snapshot)
    #expect(outcome.published.count == 1)
    #expect(
      published
        == TierSnapshot(
          customer: customer(1), version: 1, memberID: "M1", tier: "vip", tierBefore: nil, score: 93, scorecard: "rfm-plus",
          scorecardVersion: 1,
          policy: "score", asOf: day("1998-07-01"), ratedAt: moment("1998-07-01").business))
    #expect(store.history.map(\.reason) == [.first])
  }

  @Test("Old and repeated snapshots have no effect")
  func stale() throws {
    var store = MemoryTieringStore()
    let rules = try Shipped.rules()
    _ = try TieringBatch.receive([received(snapshot(1, 3, RatingTests.big))], &store, rules: rules, at: moment("1998-07-01"))
    let before = store.customers
    let outcome = try TieringBatch.receive(
      [received(snapshot(1, 3, [])), received(snapshot(1, 2, [("1998-06-30", 1, 1)])), received(snapshot(1, 1, []))], &store, rules: rules,
      at: moment("1998-07-01", seconds: 600))
    #expect(outcome.stale == 3)
    #expect(outcome.published.isEmpty)
    let older = try TieringBatch.receive([received(snapshot(1, 2, []))], &store, rules: rules, at: moment("1998-07-01", seconds: 700))
    #expect(older.stale == 1)
    #expect(store.customers == before)
    #expect(store.history.count == 1)
  }

  @Test("A customer is rated at most once a minute; what comes meanwhile waits and is rated once when the minute is over (T-06)")
  func onceAMinute() throws {
    var store = MemoryTieringStore()
    let rules = try Shipped.rules()
    _ = try TieringBatch.receive([received(snapshot(1, 1, []))], &store, rules: rules, at: moment("1998-07-01"))
    for version in 2...5 {
      let outcome = try TieringBatch.receive(
        [received(snapshot(1, Int64(version), RatingTests.big))], &store, rules: rules,
        at: moment("1998-07-01", seconds: Int64(version) * 10))
      #expect(outcome.waiting == 1)
      #expect(outcome.published.isEmpty)
    }
    #expect(store.waiting == [customer(1): moment("1998-07-01", seconds: 60).real])
    #expect(store.customers[customer(1)]?.rateAfter == moment("1998-07-01", seconds: 60).real)
    let early = try store.rateDue([customer(1)], rules, at: moment("1998-07-01", seconds: 59))
    #expect(early.rated == 0)
    #expect(early.tooEarly.map(\.after) == [moment("1998-07-01", seconds: 60).real])
    let due = try store.rateDue([customer(1)], rules, at: moment("1998-07-01", seconds: 60))
    #expect(due.published.map(\.snapshot.version) == [2])
    #expect(due.published.first?.snapshot.tierBefore == "watch")
    #expect(store.waiting.isEmpty)
    #expect(store.customers[customer(1)]?.rateAfter == nil)
    // The new minute begins with that rating.
    let next = try TieringBatch.receive([received(snapshot(1, 6, []))], &store, rules: rules, at: moment("1998-07-01", seconds: 119))
    #expect(next.waiting == 1)
    let later = try TieringBatch.receive([received(snapshot(1, 7, []))], &store, rules: rules, at: moment("1998-07-01", seconds: 120))
    #expect(later.rated == 1)
  }

  @Test("A machine clock that was set back does not hold ratings back")
  func clockSetBack() throws {
    var store = MemoryTieringStore()
    let rules = try Shipped.rules()
    _ = try TieringBatch.receive([received(snapshot(1, 1))], &store, rules: rules, at: moment("1998-07-01", seconds: 7_200))
    let outcome = try TieringBatch.receive([received(snapshot(1, 2))], &store, rules: rules, at: moment("1998-07-01"))
    #expect(outcome.rated == 1)
  }

  @Test("Of several snapshots of one customer in a batch the newest counts, whatever their order")
  func newestOfBatch() throws {
    let rules = try Shipped.rules()
    let items = [snapshot(1, 2, RatingTests.big), snapshot(1, 1, []), snapshot(2, 1, []), snapshot(1, 2, RatingTests.big)].map(received)
    var store = MemoryTieringStore()
    let outcome = try TieringBatch.receive(items, &store, rules: rules, at: moment("1998-07-01"))
    #expect(outcome.rated == 2)
    #expect(outcome.stale == 2)
    #expect(store.customers[customer(1)]?.profileVersion == 2)
  }

  @Test("The same score from other inputs gets a version and a place in the history, but nobody is told")
  func sameScoreOtherInputs() throws {
    var store = MemoryTieringStore()
    let rules = try Shipped.rules()
    _ = try TieringBatch.receive([received(snapshot(1, 1, RatingTests.big))], &store, rules: rules, at: moment("1998-07-01"))
    // Spend beyond 500,000 yuan has 100 points whatever it is.
    var bigger = RatingTests.big
    bigger[11].2 += 1_000
    let outcome = try TieringBatch.receive([received(snapshot(1, 2, bigger))], &store, rules: rules, at: moment("1998-07-01", seconds: 60))
    #expect(outcome.rated == 1)
    #expect(outcome.published.isEmpty)
    #expect(store.standing(1)?.rating.version == 2)
    #expect(store.history.map(\.standing.monetary) == [80_000_000, 80_001_000])
    // And with the same inputs not even that.
    let same = try TieringBatch.receive([received(snapshot(1, 3, bigger))], &store, rules: rules, at: moment("1998-07-01", seconds: 120))
    #expect(same.rated == 1)
    #expect(store.history.count == 2)
    #expect(store.standing(1)?.rating.version == 2)
  }

  @Test("A merged customer's rating is retired at once: kept, told to all, and rated no more (P-02)")
  func merged() throws {
    var store = MemoryTieringStore()
    let rules = try Shipped.rules()
    _ = try TieringBatch.receive([received(snapshot(1, 1, RatingTests.big))], &store, rules: rules, at: moment("1998-07-01"))
    let outcome = try TieringBatch.receive(
      [received(snapshot(1, 2, merged: 2))], &store, rules: rules, at: moment("1998-07-01", seconds: 5))
    let told = try #require(outcome.published.first?.snapshot)
    #expect(told.mergedInto == customer(2))
    #expect(told.version == 2)
    #expect(told.memberID == "M1")
    #expect(store.standing(1)?.rating.tier == tierID("vip"))
    #expect(store.standing(1)?.isRetired == true)
    let due = try store.rateDue([customer(1)], rules, at: moment("1998-07-01", seconds: 600))
    #expect(due.rated == 0)
    let came = try TieringBatch.dayCame([customer(1)], &store, rules: rules, at: moment("2000-07-01"))
    #expect(came.rated == 0)
    #expect(came.nextDays.isEmpty)
  }

  @Test("A customer that was merged before it was ever rated is known, but nobody is told of a tier")
  func mergedUnrated() throws {
    var store = MemoryTieringStore()
    let rules = try Shipped.rules()
    let outcome = try TieringBatch.receive(
      [received(snapshot(1, 5, merged: 2)), received(snapshot(1, 4, RatingTests.big))], &store, rules: rules, at: moment("1998-07-01"))
    #expect(outcome.published.isEmpty)
    #expect(store.customers[customer(1)]?.mergedInto == customer(2))
    #expect(store.history.isEmpty)
  }

  @Test("When a merge is undone the customer is rated at once and all are told, even if the score is what it was")
  func restored() throws {
    var store = MemoryTieringStore()
    let rules = try Shipped.rules()
    _ = try TieringBatch.receive([received(snapshot(1, 1, RatingTests.big))], &store, rules: rules, at: moment("1998-07-01"))
    _ = try TieringBatch.receive([received(snapshot(1, 2, merged: 2))], &store, rules: rules, at: moment("1998-07-01", seconds: 5))
    let outcome = try TieringBatch.receive(
      [received(snapshot(1, 3, RatingTests.big))], &store, rules: rules, at: moment("1998-07-01", seconds: 6))
    #expect(outcome.published.map(\.snapshot.version) == [3])
    #expect(outcome.published.first?.snapshot.mergedInto == nil)
    #expect(store.standing(1)?.isRetired == false)
    #expect(store.history.map(\.reason) == [.first, .merged, .restored])
  }

  @Test("An event minutes ahead of midnight counts: figures are of the ledger's newest day when that is later than today")
  func aheadOfMidnight() throws {
    var store = MemoryTieringStore()
    let rules = try Shipped.rules()
    _ = try TieringBatch.receive([received(snapshot(1, 1, [("1998-07-02", 1, 100)]))], &store, rules: rules, at: moment("1998-07-01"))
    #expect(store.standing(1)?.ratedDay == day("1998-07-02"))
    #expect(store.standing(1)?.recencyDays == 0)
    #expect(store.standing(1)?.frequency == 1)
  }

  @Test("Another scorecard rates everybody it was not made by anew, and says so in the history")
  func otherRules() throws {
    var store = MemoryTieringStore()
    _ = try TieringBatch.receive([received(snapshot(1, 1, RatingTests.big))], &store, rules: try Shipped.rules(), at: moment("1998-07-01"))
    let outcome = try TieringBatch.rateDue(
      [customer(1)], &store, rules: try Shipped.rules(scorecard: "standard"), at: moment("1998-07-01", seconds: 1), ignoringInterval: true)
    #expect(outcome.published.first?.snapshot.scorecard == "standard")
    #expect(store.history.map(\.reason) == [.first, .rules])
  }

  @Test("The spend policy rates by a year's spend, and three months without interaction are the lowest tier (T-04)")
  func spendPolicy() throws {
    var rules = try Shipped.rules()
    rules.policy = .spend(try #require(try Shipped.policies().content.spend))
    var store = MemoryTieringStore()
    _ = try TieringBatch.receive([received(snapshot(1, 1, RatingTests.big))], &store, rules: rules, at: moment("1998-07-01"))
    #expect(store.standing(1)?.rating.tier == tierID("vip"))
    #expect(store.dueDays[customer(1)] == day("1998-08-01"))
    _ = try TieringBatch.dayCame([customer(1)], &store, rules: rules, at: moment("1998-08-31"))
    #expect(store.standing(1)?.rating.tier == tierID("vip"))
    #expect(store.customers[customer(1)]?.dueDay == day("1998-09-01"))
    let came = try TieringBatch.dayCame([customer(1)], &store, rules: rules, at: moment("1998-09-01"))
    #expect(store.standing(1)?.rating.tier == tierID("watch"))
    #expect(came.published.first?.snapshot.tierBefore == "vip")
    #expect(store.history.last?.reason == .quiet)
  }

  @Test("Any order, batches and timing of the same snapshots end in the same current ratings", arguments: 1...60)
  func shuffled(seed: UInt64) throws {
    var random = SplitMix(seed)
    let stream = SnapshotStream(seed: seed)
    let rules = try Shipped.rules(review: [nil, "b2c", "b2b"][Int(seed % 3)])
    var ends: [[CustomerID: SnapshotStream.Essence]] = []
    for _ in 0..<4 {
      var store = MemoryTieringStore()
      try stream.play(&random) { step in
        switch step {
        case .batch(let items, let moment): _ = try TieringBatch.receive(items, &store, rules: rules, at: moment)
        case .due(let moment): _ = try store.rateDue(store.waiting.filter { $0.value <= moment.real }.map(\.key), rules, at: moment)
        }
      }
      #expect(store.waiting.isEmpty)
      ends.append(SnapshotStream.essence(store.customers.values))
    }
    for end in ends.dropFirst() { #expect(end == ends[0]) }
  }
}
