// What these tests share: messages, and a database with this service's tables.
import Contracts
import Domain
import Messaging
import Postgres
import Runtime
import TestSupport
import FeedbackCore
import FeedbackStore

@testable import feedback

let zone = BusinessZone.utc

/// The first moment of a day, and hours after it.
func moment(_ day: String, hours: Int64 = 0) -> Instant { zone.startOfDay(Day(day) ?? Day(number: 0)).adding(seconds: hours * 3_600) }

func answer(
  _ id: String, _ identity: Int64, of customer: Int64, version: Int64 = 1, at: Instant = moment("2026-11-01"), metric: AnswerEvent.Metric = .nps,
  score: Int64 = 9, survey: String = "nps", channel: String = "", item: String = "", comment: String = "", suggestion: String = ""
) throws -> ReceivedAnswer {
  let content = CustomerAnswer(
    customer: CustomerID(number: customer), identity: CustomerID(number: identity), version: version,
    answer: AnswerEvent(
      source: "polls", eventID: id, occurredAt: at, survey: survey, metric: metric, score: score, comment: comment, channel: channel, item: item,
      followUps: [.init(question: "why", answer: "因为 \(id)")] + (suggestion.isEmpty ? [] : [.init(question: "suggestion", answer: suggestion)]),
      identifiers: []))
  return ReceivedAnswer(number: try FeedbackHandler.number(of: content), content: content)
}

func tier(_ customer: Int64, _ version: Int64, _ tier: String, before: String? = nil, at: Instant, mergedInto: Int64? = nil) -> TierSnapshot {
  TierSnapshot(
    customer: CustomerID(number: customer), version: version, mergedInto: mergedInto.map(CustomerID.init(number:)), memberID: nil, tier: tier,
    tierBefore: before, score: 50, scorecard: "s", scorecardVersion: 1, policy: "score", asOf: Day(number: 20_000), ratedAt: at)
}

/// What a customer bought: days with the orders paid on them and what they brought.
func profile(_ customer: Int64, _ version: Int64, _ days: [(day: String, orders: Int32, spend: Int64)] = [], mergedInto: Int64? = nil) -> ProfileSnapshot {
  let entries = days.map { DayEntry(day: Day($0.day) ?? Day(number: 0), paidOrders: $0.orders, countedOrders: $0.orders, spend: $0.spend) }
  return ProfileSnapshot(
    customer: CustomerID(number: customer), version: version, asOf: Day("2026-07-01") ?? Day(number: 0), mergedInto: mergedInto.map(CustomerID.init(number:)),
    firstSeenAt: moment("2026-01-01"), stage: .new, currency: .cny, ledger: DayLedger(contributions: entries))
}

func move(_ identity: Int64, to customer: Int64, _ version: Int64, at: Instant = moment("2026-11-02")) -> IdentityMove {
  IdentityMove(identity: CustomerID(number: identity), customer: CustomerID(number: customer), version: version, at: at)
}

/// Topics and words in the fewest words.
func commentRules(version: Int = 1, logistics: [String] = ["物流"]) throws -> CommentRules {
  try CommentRules(
    version: version, author: "t",
    topics: [
      .init(id: "logistics", name: LocalizedName(en: "Delivery", zh: "物流"), words: logistics),
      .init(id: "price", name: LocalizedName(en: "Price", zh: "价格"), words: ["价格"]),
    ], lists: [.positive: ["好"], .negative: ["差"], .negations: ["不"], .contrasts: ["但"]])
}

enum Tables {
  static func with<Value>(_ body: (PostgresSettings) async throws -> Value) async throws -> Value {
    try await TestDatabase.withDatabase { settings in
      var settings = settings
      settings.schema = "feedback"
      let chosen = settings
      try await TestDatabase.blocking { _ = try Migrations(schema: "feedback", Resources.migrations(of: "feedback")).apply(to: chosen) }
      return try await body(chosen)
    }
  }

  static func session<Value: Sendable>(_ settings: PostgresSettings, _ body: @escaping @Sendable (PostgresSession) throws -> Value) async throws -> Value {
    try await TestDatabase.blocking {
      let session = try PostgresSession(settings)
      defer { session.close() }
      return try body(session)
    }
  }

  /// Every answer, the newest first, as the tables have it.
  static func all(_ session: PostgresSession) throws -> [AnswerRecord] { try AnswerQueries.page(AnswerFilter(), after: nil, limit: 10_000, session) }

  static func take(_ items: [FeedbackItem], _ session: PostgresSession) throws -> Int {
    try session.transaction { session in
      var store = PostgresFeedbackStore(session)
      var new = 0
      for item in items {
        switch item {
        case .answer(let answer): new += try FeedbackBatch.receive([answer], &store, comments: try commentRules()).new
        case .move(let move): try FeedbackBatch.moved([move], &store, at: move.at)
        case .tier(let tier): try FeedbackBatch.rated([tier], &store)
        case .ticket, .outcome: break
        case .profile(let profile): _ = try store.keep([profile])
        }
      }
      return new
    }
  }
}
