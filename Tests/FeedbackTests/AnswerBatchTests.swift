// What answers, tiers and moves of identities do to the tables (F-03, F-04).
import Contracts
import Domain
import FeedbackCore
import FeedbackStore
import Postgres
import TestSupport
import Testing

@testable import feedback

@Suite(.enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)")) struct AnswerBatchTests {
  @Test func anAnswerThatComesAgainCountsOnceAndStaysAsItWas() async throws {
    let first = try answer("a", 7, of: 7, score: 3, comment: "慢")
    let again = try answer("a", 7, of: 7, score: 10)
    let found = try await Tables.with { settings in
      try await Tables.session(settings) { session in
        #expect(try Tables.take([.answer(first)], session) == 1)
        #expect(try Tables.take([.answer(first), .answer(again)], session) == 0)
        return try Tables.all(session)
      }
    }
    #expect(found.map(\.answer) == [first.content.answer] && found.first?.tier == nil)
  }

  @Test("An answer counts under the tier of its moment, whichever comes first", arguments: [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]])
  func theTierIsThatOfTheMoment(order: [Int]) async throws {
    let items: [FeedbackItem] = [
      .answer(try answer("a", 7, of: 7, at: moment("2026-06-01"))), .tier(tier(7, 1, "normal", at: moment("2026-01-01"))),
      .tier(tier(7, 2, "key", before: "normal", at: moment("2026-07-01"))),
    ]
    let later = try answer("b", 7, of: 7, at: moment("2026-08-01"))
    let found = try await Tables.with { settings in
      try await Tables.session(settings) { session in
        for place in order { _ = try Tables.take([items[place]], session) }
        _ = try Tables.take([.answer(later)], session)
        return try Tables.all(session)
      }
    }
    #expect(found.map { $0.tier?.text } == ["key", "normal"], "\(order)")
  }

  @Test func answersFollowTheIdentityTheyCameByWhateverTheOrder() async throws {
    var random = Seeded(state: 26)
    var items: [FeedbackItem] = []
    var owner: [Int64: (customer: Int64, version: Int64)] = [:]
    for identity in Int64(1)...30 {
      owner[identity] = (identity, 1)
      for number in 0..<3 { items.append(.answer(try answer("\(identity)-\(number)", identity, of: identity))) }
      for version in Int64(2)..<Int64.random(in: 2...4, using: &random) {
        let customer = Int64.random(in: 1...30, using: &random)
        items.append(.move(move(identity, to: customer, version)))
        owner[identity] = (customer, version)
      }
      items.append(.tier(tier(identity, 1, "vip", at: moment("2026-01-01"))))
    }
    let wanted = owner.mapValues(\.customer)
    for _ in 0..<5 {
      let shuffled = (items + items.prefix(40)).shuffled(using: &random)
      let found = try await Tables.with { settings in
        try await Tables.session(settings) { session in
          for start in stride(from: 0, to: shuffled.count, by: 25) {
            _ = try Tables.take(Array(shuffled[start..<min(start + 25, shuffled.count)]), session)
          }
          return try Tables.all(session)
        }
      }
      #expect(found.count == 90)
      for record in found { #expect(record.customer.number == wanted[record.identity.number] && record.tier?.text == "vip") }
    }
  }

  @Test func whoBecamePartOfAnotherHasNoTierOfItsOwnAnyMore() async throws {
    let items: [FeedbackItem] = [
      .tier(tier(7, 3, "vip", at: moment("2026-01-01"))), .tier(tier(7, 4, "vip", at: moment("2026-02-01"), mergedInto: 8)),
      .answer(try answer("late", 7, of: 7, at: moment("2026-03-01"))), .tier(tier(8, 1, "key", at: moment("2026-01-01"))), .move(move(7, to: 8, 2)),
    ]
    let found = try await Tables.with { settings in
      try await Tables.session(settings) { session in
        _ = try Tables.take(items, session)
        return try Tables.all(session)
      }
    }
    #expect(found.map(\.customer.number) == [8] && found.first?.tier?.text == "key")
  }

  @Test func theNumberOfAnAnswerIsMadeOfWhoWhereAndWhich() throws {
    let numbers = try [answer("a", 7, of: 7), answer("a", 7, of: 9, version: 4, score: 1), answer("b", 7, of: 7), answer("a", 8, of: 7)].map(\.number)
    #expect(numbers[0] == numbers[1] && Set(numbers).count == 3 && numbers.allSatisfy { $0 > 0 })
  }
}
