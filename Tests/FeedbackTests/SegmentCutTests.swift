// NPS by segment and what the unhappy ordered after (F-04, F-05, P-09), against known results that are worked out here in another way.
import Contracts
import Domain
import FeedbackCore
import FeedbackStore
import HTTP
import Handling
import Postgres
import Runtime
import TestSupport
import Testing
import Text

@testable import feedback

@Suite(.enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)")) struct SegmentCutTests {
  private static let today = moment("2026-11-29", hours: 9)
  private static let day = Day("2026-11-29") ?? Day(number: 0)

  /// What the service does beside everything else, at a moment.
  private static func divide(at now: Instant = Self.today, _ session: PostgresSession) throws {
    for turn in [SegmentQueries.Turn.fresh, .open] {
      var hasMore = true
      while try hasMore && SegmentQueries.isWaiting(turn, session) {
        try SegmentQueries.draw(on: zone.day(of: now), at: now, session)
        hasMore = try SegmentQueries.divide(turn, by: try SegmentQueries.book(session), at: now, in: zone, session)
      }
    }
  }

  private func with(
    _ items: [FeedbackItem], _ prepare: @escaping @Sendable (PostgresSession) throws -> Void = { try Self.divide($0) }, _ body: (Router) async throws -> Void
  ) async throws {
    try await Tables.with { settings in
      try await Tables.session(settings) { session in
        _ = try Tables.take(items, session)
        try prepare(session)
      }
      let pool = PostgresPool(settings)
      var router = Router()
      let shipped = try #require(try FeedbackSettings.shipped())
      FeedbackAPI(settings: shipped, zone: zone, currency: .cny, clock: FixedClock(Self.today), pool: pool).add(to: &router)
      try await body(router)
      await pool.close()
    }
  }

  private func ask(_ router: Router, _ target: String) async throws -> JSONValue {
    try JSONValue(try await router.respond(to: try Request(.get, target)).bytes ?? [])
  }

  /// A customer as this test makes it up: orders as days before the day of the question, with their amounts.
  private struct Person {
    let number: Int64
    let orders: [(age: Int, amount: Int64)]
    let score: Int64

    var days: [(day: String, orders: Int32, spend: Int64)] { orders.map { (day: (SegmentCutTests.day + -$0.age).description, orders: 1, spend: $0.amount) } }
  }

  /// By plain loops over orders, in floating point: the means of all who ever ordered, and the words of each.
  private static func words(_ people: [Person]) -> [Int64: (rfm: String, contribution: String)] {
    let buyers = people.filter { !$0.orders.isEmpty }
    func recency(_ person: Person) -> Double { Double(person.orders.map(\.age).min() ?? 0) }
    // Twelve months before 2026-11-29 lie 365 days.
    func recent(_ person: Person) -> [(age: Int, amount: Int64)] { person.orders.filter { $0.age < 365 } }
    func spend(_ person: Person) -> Double { recent(person).reduce(0) { $0 + Double($1.amount) } }
    let count = Double(buyers.count)
    let means = (
      days: buyers.reduce(0) { $0 + recency($1) } / count, orders: buyers.reduce(0) { $0 + Double(recent($1).count) } / count,
      spend: buyers.reduce(0) { $0 + spend($1) } / count
    )
    let names = ["111": "important_value", "110": "important_keep", "101": "important_develop", "100": "important_retain"]
      .merging(["011": "general_value", "010": "general_keep", "001": "general_develop", "000": "general_retain"]) { $1 }
    var words: [Int64: (rfm: String, contribution: String)] = [:]
    for person in people {
      guard !person.orders.isEmpty else {
        words[person.number] = ("potential", "potential")
        continue
      }
      let (high, often, lately) = (spend(person) >= means.spend, Double(recent(person).count) >= means.orders, recency(person) <= means.days)
      let rfm = names["\(high ? 1 : 0)\(often ? 1 : 0)\(lately ? 1 : 0)"] ?? ""
      let contribution =
        recency(person) > 90 ? "fading" : high && often ? "frequent_high_spend" : high || often ? "steady_middle" : "occasional_low"
      words[person.number] = (rfm, contribution)
    }
    return words
  }

  private static func crowd() -> [Person] {
    var random = Seeded(state: 11)
    return (1...400 as ClosedRange<Int64>).map { number in
      let orders = (0..<Int.random(in: 0...6, using: &random)).map { _ in
        (age: Int.random(in: 0...600, using: &random), amount: Int64.random(in: 10...900, using: &random) * 100)
      }
      let unique = Dictionary(orders.map { ($0.age, $0) }) { first, _ in first }.values.sorted { $0.age < $1.age }
      return Person(number: number, orders: unique, score: Int64.random(in: 0...10, using: &random))
    }
  }

  @Test func promotersLessDetractorsBySegmentAreThoseOfAnotherCalculationWhateverComesFirst() async throws {
    let people = Self.crowd()
    let words = Self.words(people)
    var random = Seeded(state: 5)
    var items: [FeedbackItem] = []
    for person in people {
      items.append(.answer(try answer("a\(person.number)", person.number, of: person.number, at: moment("2026-11-29", hours: 5), score: person.score)))
      items.append(.profile(profile(person.number, 2, person.days)))
      items.append(.profile(profile(person.number, 1, Array(person.days.prefix(1)))))
    }
    try await with((items + items.prefix(300)).shuffled(using: &random)) { router in
      for (by, word) in [("segment", { (words: (rfm: String, contribution: String)) in words.rfm }), ("contribution", { $0.contribution })] {
        let report = try await ask(router, "/v1/reports/answers?by=\(by)&from=2026-11-29")
        let groups = report["groups"]?.arrayValue ?? []
        #expect(groups.count == (by == "segment" ? 9 : 5) && report["total"]?["answers"]?.int64Value == 400)
        for group in groups {
          let name = try #require(group["group"]?.stringValue)
          let scores = people.filter { words[$0.number].map(word) == name }.map(\.score)
          let (up, down) = (scores.count { $0 >= 9 }, scores.count { $0 <= 6 })
          #expect(group["answers"]?.int64Value == Int64(scores.count) && !scores.isEmpty, "\(name)")
          let value = scores.count < 30 ? nil : (Double(up - down) / Double(scores.count) * 10_000).rounded() / 100
          #expect((group["value"]?.encodedText).flatMap { Double($0) } == value, "\(name)")
          #expect(group["name"]?["zh"]?.stringValue?.isEmpty == false)
        }
      }
    }
  }

  private func segments(_ items: [FeedbackItem], _ prepare: @escaping @Sendable (PostgresSession) throws -> Void) async throws -> [String: JSONValue] {
    var segments: [String: JSONValue] = [:]
    try await with(items, prepare) { router in
      for answer in try await ask(router, "/v1/answers")["answers"]?.arrayValue ?? [] {
        segments[answer["event_id"]?.stringValue ?? ""] = answer["segment"] ?? .null
      }
    }
    return segments
  }

  @Test func theSegmentIsThatOfTheDayComesWithTheFirstProfileAndADayLaterIsNeverWorkedOutAgain() async throws {
    let items: [FeedbackItem] = [
      // Before the first order, and after it; then of somebody of whom no profile came yet.
      .answer(try answer("before", 1, of: 1, at: moment("2026-10-01"))), .answer(try answer("after", 1, of: 1, at: moment("2026-11-20"))),
      .answer(try answer("early", 3, of: 3, at: moment("2026-11-20"))), .profile(profile(1, 1, [("2026-11-10", 1, 100)])),
      .profile(profile(2, 1, [("2026-11-01", 9, 90_000)])),
    ]
    #expect(try await segments(items) { try Self.divide($0) } == ["before": "potential", "after": "general_develop", "early": .null])
    let later: [FeedbackItem] = [
      // By now the first customer is the best of all; the third has a profile.
      .profile(profile(1, 2, [("2026-11-10", 1, 100), ("2026-11-15", 90, 900_000)])), .profile(profile(3, 1, [("2026-11-19", 1, 10)])),
    ]
    func found(after seconds: Int64) async throws -> [String: JSONValue] {
      try await segments(items) { session in
        try Self.divide(session)
        try Self.divide(at: Self.today.adding(seconds: SegmentQueries.openSeconds), session)
        _ = try Tables.take(later, session)
        try Self.divide(at: Self.today.adding(seconds: seconds), session)
      }
    }
    #expect(try await found(after: 2 * 86_400) == ["before": "potential", "after": "general_develop", "early": "general_develop"])
    // What is known within the day counts: here the second word comes while it is open.
    let soon = try await segments(items) { session in
      try Self.divide(session)
      _ = try Tables.take(later, session)
      try Self.divide(at: Self.today.adding(seconds: 3_600), session)
    }
    #expect(soon == ["before": "potential", "after": "important_value", "early": "general_develop"])
  }

  @Test func whatWasDecidedWhileAHistoryFlowedInIsPutRightByTheBordersOfAllOfIt() async throws {
    let first: [FeedbackItem] = [.answer(try answer("a", 1, of: 1, at: moment("2026-11-20"))), .profile(profile(1, 1, [("2026-11-10", 1, 1_000)]))]
    #expect(try await segments(first) { try Self.divide($0) } == ["a": "important_value"])
    let found = try await segments(first) { session in
      try Self.divide(session)
      _ = try Tables.take((10...30).map { .profile(profile($0, 1, [("2026-11-11", 9, 90_000)])) }, session)
      try Self.divide(at: Self.today.adding(seconds: 60), session)
    }
    #expect(found == ["a": "general_develop"])
  }

  @Test func bordersOfADayAreDrawnOnceAndOnTheFirstDayAgainWhileAHistoryFlowsIn() async throws {
    try await Tables.with { settings in
      try await Tables.session(settings) { session in
        func customers() throws -> [Int64] {
          let rows = try session.query(Statement(name: "", sql: "SELECT customers FROM segment_borders ORDER BY day"))
          return try (0..<rows.count).map { try rows.int64($0, 0) }
        }
        func learn(_ numbers: ClosedRange<Int64>) throws {
          _ = try Tables.take(numbers.map { .profile(profile($0, 1, [("2026-11-01", 1, $0)])) }, session)
          try SegmentQueries.draw(on: Self.day, at: Self.today, session)
        }
        try SegmentQueries.draw(on: Self.day, at: Self.today, session)
        #expect(try customers().isEmpty)
        try learn(1...100)
        #expect(try customers() == [100])
        try learn(101...109)
        #expect(try customers() == [100])
        try learn(110...110)
        #expect(try customers() == [110])
        try SegmentQueries.draw(on: Self.day + 1, at: Self.today, session)
        #expect(try customers() == [110, 110])
        _ = try Tables.take((200...400).map { .profile(profile($0, 1, [("2026-11-01", 1, 1)])) }, session)
        for later in 1...2 { try SegmentQueries.draw(on: Self.day + later, at: Self.today, session) }
        #expect(try customers() == [110, 110, 311])
      }
    }
  }

  @Test func theResponseRateBySegmentIsOfTheDayOfAsking() async throws {
    let items: [FeedbackItem] = (1...4).map { .profile(profile($0, 1, $0 < 4 ? [("2026-11-01", $0 == 1 ? 9 : 1, $0 == 1 ? 9_000 : 1)] : [])) }
    try await with(items, { session in
      let survey = try shippedSurvey()
      let made = try session.transaction { session in
        var store = PostgresFeedbackStore(session)
        return try InvitationDesk.invite(try order([1, 2, 3, 4]), &store, budget: try freeBudget(), at: moment("2026-11-20"))
      }
      for case .invited(let invitation) in made.prefix(2) {
        _ = try InvitationQueries.say(invitation.id, session) { it in try it.give(9, in: survey, at: moment("2026-11-21")) }
      }
      try Self.divide(session)
    }) { router in
      let report = try await ask(router, "/v1/reports/answers?by=segment")
      func invited(_ word: String) -> [Int64?] {
        let group = report["groups"]?.arrayValue?.first { $0["group"]?.stringValue == word }
        return [group?["invited"]?.int64Value, group?["invited_answered"]?.int64Value]
      }
      #expect(invited("important_value") == [1, 1] && invited("general_develop") == [2, 1] && invited("potential") == [1, 0])
      #expect(report["groups"]?.arrayValue?.contains { $0["group"] == .null } == false)
    }
  }

  // MARK: - Orders after an unfavourable answer

  /// Forty won back of whom thirty ordered, forty not of whom ten did, five of whom there is no other answer and a profile only of some.
  private static func unhappy() throws -> [FeedbackItem] {
    var items: [FeedbackItem] = []
    for number in 1...85 as ClosedRange<Int64> {
      items.append(.answer(try answer("bad\(number)", number, of: number, at: moment("2026-06-01", hours: 12), score: 2)))
      if number <= 80 {
        items.append(.answer(try answer("again\(number)", number, of: number, at: moment("2026-07-01"), score: number <= 40 ? 9 : 3)))
      }
      // On the day of the answer, and on the day after the last: neither counts.
      var days: [(day: String, orders: Int32, spend: Int64)] = [("2026-06-01", 5, 50_000), ("2026-08-31", 5, 50_000)]
      if number <= 30 { days += [("2026-06-02", 1, 10_000), ("2026-08-30", 1, 5_001)] }
      if (71...80).contains(number) { days.append(("2026-07-01", 3, 2_000)) }
      if number != 85 { items.append(.profile(profile(number, 1, days))) }
    }
    // Not over yet, and of somebody who never was unhappy.
    items.append(.answer(try answer("late", 200, of: 200, at: moment("2026-11-01"), score: 1)))
    items.append(.profile(profile(200, 1, [("2026-11-02", 1, 100)])))
    items.append(.answer(try answer("glad", 201, of: 201, at: moment("2026-06-01"), score: 10)))
    return items
  }

  @Test func theShareOfTheWonBackAndOfTheOthersWhoOrderedWithinTheSpanIsCompared() async throws {
    try await with(try Self.unhappy()) { router in
      let report = try await ask(router, "/v1/reports/recovery?from=2026-06-01&to=2026-11-29")
      #expect(report["unfavourable"] == 86 && report["asked_again"] == 80 && report["recovered"] == 40 && report["days"] == 90 && report["currency"] == "CNY")
      let groups = report["groups"]?.arrayValue ?? []
      #expect(groups.map { $0["group"]?.stringValue } == ["recovered", "not_recovered", "not_again"])
      #expect(groups.map { $0["customers"]?.int64Value } == [40, 40, 6] && groups.map { $0["observed"]?.int64Value } == [40, 40, 4])
      #expect(groups.map { $0["ordered"]?.int64Value } == [30, 10, 0])
      // Python: Wilson's intervals of 30 and 10 of 40, and Newcombe's of their difference.
      #expect(groups[0]["reorder_rate"]?.encodedText == #"{"value":75,"low":59.81,"high":85.81}"# && groups[0]["difference"] == .null)
      #expect(groups[1]["reorder_rate"]?.encodedText == #"{"value":25,"low":14.19,"high":40.19}"#)
      #expect(groups[1]["difference"]?.encodedText == #"{"value":50,"low":28.51,"high":65.29}"#)
      // Thirty of forty ordered twice, for 150.01 together; ten of forty three times, for 20.
      #expect(groups[0]["orders_each"]?.encodedText == "1.5" && groups[0]["spend_each"] == "112.51")
      #expect(groups[1]["orders_each"]?.encodedText == "0.75" && groups[1]["spend_each"] == "5.00")
      // On fewer than thirty there is no bare figure.
      #expect(groups[2]["reorder_rate"]?["value"] == .null && groups[2]["reorder_rate"]?["high"] != .null && groups[2]["orders_each"] == .null)
      #expect(groups[2]["spend_each"] == .null && groups[2]["difference"]?["value"] == .null && groups[2]["difference"]?["low"] != .null)
      let week = try await ask(router, "/v1/reports/recovery?from=2026-06-01&to=2026-06-30&days=7")
      #expect(week["groups"]?.arrayValue?.map { $0["ordered"]?.int64Value } == [30, 0, 0])
      #expect(try await ask(router, "/v1/reports/recovery?from=2026-11-01&days=20")["groups"]?.arrayValue?.last?["ordered"] == 1)
    }
  }

  @Test func whoBecamePartOfAnotherIsLookedAtAsThatOneAndByItselfOnceMoreWhenParted() async throws {
    var items: [FeedbackItem] = [.answer(try answer("bad", 1, of: 1, at: moment("2026-06-01"), score: 0))]
    items += [.profile(profile(1, 2, mergedInto: 2)), .profile(profile(2, 1, [("2026-06-10", 2, 900)])), .move(move(1, to: 2, 3))]
    func observed(_ items: [FeedbackItem]) async throws -> [Int64?] {
      var found: [Int64?] = []
      try await with(items) { router in
        let group = try await ask(router, "/v1/reports/recovery?from=2026-06-01")["groups"]?.arrayValue?.last
        found = ["observed", "ordered"].map { group?[$0]?.int64Value }
      }
      return found
    }
    #expect(try await observed(items) == [1, 1])
    #expect(try await observed(items + [.move(move(1, to: 1, 4)), .profile(profile(1, 3, [("2026-05-01", 1, 1)]))]) == [1, 0])
  }
}

/// A snapshot as it goes over the wire.
enum JSONBytes {
  static func of(_ snapshot: ProfileSnapshot) -> [UInt8] { JSONWriter.bytes { snapshot.write(to: &$0) } }
}
