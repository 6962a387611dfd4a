// When time alone asks for a rating (T-06).
import Contracts
import Documents
import Domain
import Testing
import TieringStore

@testable import TieringCore

@Suite("Ratings that time asks for")
struct ScheduleTests {
  private func rated(_ days: [(String, Int32, Int64)], on text: String) throws -> (MemoryTieringStore, TieringRules) {
    var store = MemoryTieringStore()
    let rules = try Shipped.rules()
    _ = try TieringBatch.receive([received(snapshot(1, 1, days))], &store, rules: rules, at: moment(text))
    return (store, rules)
  }

  @Test("VIP customers are reviewed every quarter, others every half year")
  func reviewDays() throws {
    let (vip, _) = try rated(RatingTests.big, on: "1998-07-01")
    #expect(vip.standing(1)?.rating.nextReview == day("1998-10-01"))
    let (watch, _) = try rated([], on: "1998-07-01")
    #expect(watch.standing(1)?.rating.nextReview == day("1999-01-01"))
    #expect(watch.dueDays[customer(1)] == day("1999-01-01"))
  }

  @Test("On its review day, or later when the service was down, a customer is rated by that day's figures and gets the next day")
  func review() throws {
    var (store, rules) = try rated([], on: "1998-07-01")
    let early = try TieringBatch.dayCame([customer(1)], &store, rules: rules, at: moment("1998-12-31"))
    #expect(early.rated == 0)
    #expect(early.nextDays.map(\.day) == [day("1999-01-01")])
    let late = try TieringBatch.dayCame([customer(1)], &store, rules: rules, at: moment("1999-01-05"))
    #expect(late.published.count == 1)
    #expect(late.nextDays.map(\.day) == [day("1999-07-05")])
    #expect(store.history.last?.reason == .review)
    #expect(store.customers[customer(1)]?.dueDay == day("1999-07-05"))
  }

  @Test(
    "Spend fell twice when each of two full months has at most half of the month before, and a month without spend cannot fall",
    arguments: [
      ([400, 200, 100], true), ([400, 201, 100], false), ([400, 200, 101], false), ([400, 200, 0], true), ([400, 0, 0], false),
      ([0, 0, 0], false),
      ([0, 200, 100], false), ([401, 200, 100], true), ([400, -50, -100], false), ([400, 100, -10], true),
    ] as [([Int64], Bool)])
  func fallenTwice(spends: [Int64], expected: Bool) {
    let days = zip(["1998-04-10", "1998-05-31", "1998-06-30"], spends).filter { $0.1 != 0 }.map { ($0.0, Int32(1), $0.1) }
    #expect(RatingSchedule.hasFallenTwice(ledger(days), before: day("1998-07-15").month) == expected)
  }

  @Test("When the second month of falling spend has ended, the customer is rated on the first of the next")
  func spendFell() throws {
    var (store, rules) = try rated([("1998-04-10", 1, 40_000), ("1998-05-10", 1, 20_000)], on: "1998-05-20")
    #expect(store.dueDays[customer(1)] == day("1998-06-01"))
    let june = try TieringBatch.dayCame([customer(1)], &store, rules: rules, at: moment("1998-06-01"))
    #expect(june.rated == 0)
    #expect(june.nextDays.map(\.day) == [day("1998-07-01")])
    let july = try TieringBatch.dayCame([customer(1)], &store, rules: rules, at: moment("1998-07-01"))
    #expect(july.rated == 1)
    #expect(store.history.last?.reason == .spendFell)
    // Once, not again on every day of July.
    let again = try TieringBatch.dayCame([customer(1)], &store, rules: rules, at: moment("1998-07-02"))
    #expect(again.rated == 0)
  }

  @Test(
    "The first quiet day is the first whose three months hold no interaction, also where months differ in length",
    arguments: [
      ("1998-06-15", "1998-09-15"), ("1997-11-30", "1998-03-01"), ("1997-11-29", "1998-03-01"), ("1998-01-31", "1998-05-01"),
      ("1998-11-28", "1999-02-28"),
    ])
  func quietDay(last: String, quiet: String) {
    let ordered = rated(ledger([(last, 1, 100)]), contact: nil)
    #expect(RatingSchedule().quietDay(ordered) == day(quiet))
    // A visit counts as an order does; the newer of the two.
    #expect(RatingSchedule().quietDay(rated(DayLedger(), contact: last)) == day(quiet))
    #expect(RatingSchedule().quietDay(rated(ledger([("1997-01-01", 1, 100)]), contact: last)) == day(quiet))
    #expect(RatingSchedule().quietDay(rated(ledger([(last, 1, 100)]), contact: "1997-01-01")) == day(quiet))
    #expect(RatingSchedule().quietDay(rated(DayLedger(), contact: nil)) == nil)
  }

  private func rated(_ ledger: DayLedger, contact: String?) -> RatedCustomer {
    RatedCustomer(
      id: customer(1), profileVersion: 1, firstSeenAt: Instant(seconds: 0), stage: .active, ledger: ledger, lastContactDay: contact.map(day),
      factsAsOf: Instant(seconds: 0))
  }

  @Test("Who ordered four months ago but visited last week is neither quiet nor in the lowest tier, until three months after the visit")
  func visited() throws {
    var rules = try Shipped.rules()
    rules.policy = .spend(try #require(try Shipped.policies().content.spend))
    var store = MemoryTieringStore()
    let days: [(String, Int32, Int64)] = [("1998-03-01", 1, 60_000_000)]
    _ = try TieringBatch.receive([received(snapshot(1, 1, days))], &store, rules: rules, at: moment("1998-03-01"))
    #expect(store.standing(1)?.rating.tier == tierID("vip"))
    _ = try TieringBatch.receive([received(snapshot(1, 2, days, visited: "1998-05-25"))], &store, rules: rules, at: moment("1998-05-25", seconds: 100))
    // Its review comes round on the day on which it would have been quiet.
    let june = try TieringBatch.dayCame([customer(1)], &store, rules: rules, at: moment("1998-06-01", seconds: 200))
    #expect(june.rated == 1 && store.history.last?.reason == .review)
    #expect(store.standing(1)?.rating.decided == tierID("vip"))
    let august = try TieringBatch.dayCame([customer(1)], &store, rules: rules, at: moment("1998-08-24", seconds: 300))
    #expect(august.rated == 0)
    #expect(august.nextDays.map(\.day) == [day("1998-08-25")])
    _ = try TieringBatch.dayCame([customer(1)], &store, rules: rules, at: moment("1998-08-25", seconds: 400))
    #expect(store.history.last?.reason == .quiet)
    #expect(store.standing(1)?.rating.decided == tierID("watch"))
  }

  @Test("The quiet day that was scheduled before a visit comes and finds nothing to do; the one three months after it asks for a rating by itself")
  func movedOn() throws {
    let days: [(String, Int32, Int64)] = [("1998-04-01", 1, 100)]
    var (store, rules) = try rated(days, on: "1998-04-01")
    _ = try TieringBatch.receive([received(snapshot(1, 2, days, visited: "1998-06-25"))], &store, rules: rules, at: moment("1998-06-25", seconds: 100))
    let scheduled = try TieringBatch.dayCame([customer(1)], &store, rules: rules, at: moment("1998-07-01", seconds: 200))
    #expect(scheduled.rated == 0)
    #expect(scheduled.nextDays.map(\.day) == [day("1998-09-25")])
    let quiet = try TieringBatch.dayCame([customer(1)], &store, rules: rules, at: moment("1998-09-25", seconds: 300))
    #expect(quiet.rated == 1 && store.history.last?.reason == .quiet)
  }

  @Test("A day that is due earlier replaces the one that stands, a later one does not")
  func earlierDay() throws {
    var (store, rules) = try rated([], on: "1998-07-01")
    #expect(store.dueDays[customer(1)] == day("1999-01-01"))
    _ = try TieringBatch.receive([received(snapshot(1, 2, RatingTests.big))], &store, rules: rules, at: moment("1998-07-01", seconds: 60))
    #expect(store.dueDays[customer(1)] == day("1998-08-01") || store.dueDays[customer(1)] == day("1998-09-01"))
    let standing = store.dueDays[customer(1)]
    _ = try TieringBatch.receive([received(snapshot(1, 3, []))], &store, rules: rules, at: moment("1998-07-01", seconds: 120))
    #expect(store.dueDays[customer(1)] == standing)
  }
}
