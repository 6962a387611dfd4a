// The HTTP API of reviews: the queue, decisions under If-Match, many at once, overrides, automated tiering, history (T-07, S-07).
import Contracts
import Domain
import HTTP
import Handling
import Lifecycle
import Postgres
import TestSupport
import Testing
import Text
import TieringCore
import TieringStore

@testable import tiering

@Suite("HTTP API of reviews", .enabled(if: TestDatabase.isAvailable, Comment(rawValue: TestDatabase.whyNot)))
struct ReviewAPITests {
  private struct Asked {
    let router: Router
    let database: PostgresSettings

    func callAsFunction(
      _ method: HTTPMethod = .get, _ target: String, _ body: String? = nil, seen: String? = nil
    ) async throws -> (status: HTTPStatus, body: JSONValue, tag: String?) {
      var headers: HTTPHeaders = [:]
      if let seen { headers["If-Match"] = seen }
      let response = try await router.respond(to: try Request(method, target, headers: headers, body: Array((body ?? "").utf8)))
      let bytes = response.bytes ?? []
      return (response.status, bytes.isEmpty ? .null : try JSONValue(bytes), response.headers["ETag"])
    }
  }

  /// So many customers whose figures give VIP, numbered from 1, and one in the lowest tier.
  private func withQueue(_ count: Int64, _ body: (Asked) async throws -> Void) async throws {
    let rules = try Shipped.rules(review: "b2c")
    let settings = try Shipped.settings(rules)
    try await Tables.with { database in
      try await Tables.session(database) { session in
        try RuleRegister.register(settings.scorecards, settings.policies, settings.benefits, at: Instant(seconds: 0), session)
        var store = PostgresTieringStore(session, zone: .utc)
        let items = (1...count).map { received(snapshot($0, 1, RatingTests.big)) } + [received(snapshot(count + 1, 1))]
        _ = try TieringBatch.receive(items, &store, rules: rules, at: moment("1998-07-01"))
      }
      let pool = PostgresPool(database)
      var router = Router()
      TieringAPI(settings: settings, clock: HandClock(moment("1998-07-02").business), pool: pool).add(to: &router)
      try await body(Asked(router: router, database: database))
      await pool.close()
    }
  }

  private static let one = "/v1/proposals/0000000000000001"
  private static let wang = #"{"actor":"Wang"}"#

  @Test("What waits is listed oldest first, page by page, with its count, and shown with the figures behind it")
  func queue() async throws {
    try await withQueue(3) { ask in
      let all = try await ask(.get, "/v1/proposals?proposed_tier=vip&kind=rating")
      #expect(all.body["count"] == 3)
      #expect(all.body["proposals"]?.arrayValue?.count == 3)
      #expect(all.body["proposals"]?.arrayValue?.first?["tier"] == "key")
      let first = try await ask(.get, "/v1/proposals?limit=2")
      let next = try #require(first.body["next"]?.stringValue)
      let second = try await ask(.get, "/v1/proposals?limit=2&after=\(next)")
      #expect(second.body["proposals"]?.arrayValue?.map { $0["customer_id"]?.stringValue } == ["0000000000000003"])
      #expect(second.body["next"] == .null)
      #expect(try await ask(.get, "/v1/proposals?kind=override").body["count"] == 0)
      let shown = try await ask(.get, Self.one)
      #expect(shown.tag != nil)
      #expect(shown.body["proposed_tier"] == "vip")
      #expect(shown.body["explanation"]?["score"] == 94)
      #expect(shown.body["explanation"]?["thresholds"]?.arrayValue?.first?["at_least"] == .number("90"))
      for bad in ["?limit=0", "?after=x", "?kind=x", "?tier=A+B"] { #expect(try await ask(.get, "/v1/proposals" + bad).status == .unprocessable) }
      #expect(try await ask(.get, "/v1/proposals/0000000000000004").status == .notFound)
      let tier = try await ask(.get, "/v1/tiers/0000000000000001")
      #expect(tier.body["decision"]?["text"]?["en"]?.stringValue?.contains("VIP is proposed since 1998-07-01") == true)
      #expect(tier.body["decision"]?["text"]?["zh"]?.stringValue?.contains("待人工确认") == true)
    }
  }

  @Test("Of two reviewers the second is told that something changed; without If-Match nobody decides; what was decided is published by the lane")
  func conflict() async throws {
    try await withQueue(1) { ask in
      let tag = try #require(try await ask(.get, Self.one).tag)
      #expect(try await ask(.post, Self.one + "/confirmation", Self.wang).status.rawValue == 428)
      #expect(try await ask(.post, Self.one + "/confirmation", "{}", seen: tag).status == .unprocessable)
      #expect(try await ask(.post, Self.one + "/confirmation", Self.wang, seen: "\"other\"").status == .preconditionFailed)
      let confirmed = try await ask(.post, Self.one + "/confirmation", Self.wang, seen: tag)
      #expect(confirmed.status == .ok)
      #expect(confirmed.body["tier"] == "vip")
      #expect(confirmed.body["confirmed_by"] == "Wang")
      #expect(try await ask(.post, Self.one + "/rejection", #"{"actor":"Zhao","reason":"no"}"#, seen: tag).status == .notFound)
      let unsettled = try await Tables.session(ask.database) {
        try $0.query(Statement(name: "", sql: "SELECT id, version IS NULL FROM unsettled")).int64(0, 0)
      }
      #expect(unsettled == 1)
    }
  }

  @Test("A rejection needs a reason; a changed rating is another ETag")
  func rejection() async throws {
    try await withQueue(1) { ask in
      let tag = try #require(try await ask(.get, Self.one).tag)
      try await Tables.session(ask.database) { session in
        var store = PostgresTieringStore(session, zone: .utc)
        var more = RatingTests.big
        more[3].2 += 100
        _ = try TieringBatch.receive(
          [received(snapshot(1, 2, more))], &store, rules: try Shipped.rules(review: "b2c"), at: moment("1998-07-01", seconds: 90))
      }
      #expect(try await ask(.post, Self.one + "/rejection", #"{"actor":"Zhao","reason":"no"}"#, seen: tag).status == .preconditionFailed)
      let newer = try #require(try await ask(.get, Self.one).tag)
      #expect(try await ask(.post, Self.one + "/rejection", Self.wang, seen: newer).status == .unprocessable)
      let rejected = try await ask(.post, Self.one + "/rejection", #"{"actor":"Zhao","reason":"no"}"#, seen: newer)
      #expect(rejected.body["tier"] == "key")
      #expect(rejected.body["proposed_tier"] == .null)
    }
  }

  @Test("Many are confirmed at once only as the preview showed them, a bounded number")
  func bulk() async throws {
    try await withQueue(3) { ask in
      let path = "/v1/confirmations"
      let preview = try await ask(.post, path, #"{"actor":"Wang","limit":2}"#)
      #expect(preview.body["confirmed"] == false)
      #expect(preview.body["count"] == 2)
      #expect(preview.body["left"] == 1)
      #expect(try await ask(.get, "/v1/proposals").body["count"] == 3)
      let digest = try #require(preview.body["digest"]?.stringValue)
      #expect(try await ask(.post, path, #"{"actor":"Wang","limit":3,"digest":"\#(digest)"}"#).status == .preconditionFailed)
      let done = try await ask(.post, path, #"{"actor":"Wang","limit":2,"digest":"\#(digest)"}"#)
      #expect(done.body["confirmed"] == true)
      #expect(done.body["left"] == 1)
      #expect(try await ask(.get, "/v1/proposals").body["count"] == 1)
      #expect(try await ask(.get, "/v1/tiers/0000000000000001").body["confirmed_by"] == "Wang")
      #expect(try await ask(.post, path, #"{"actor":"Wang","limit":501}"#).status == .unprocessable)
    }
  }

  @Test("An override is asked for by one person and confirmed by another; the whole course is in the history, each rating explained")
  func override() async throws {
    try await withQueue(1) { ask in
      let tag = try #require(try await ask(.get, "/v1/tiers/0000000000000001").tag)
      let path = "/v1/customers/0000000000000001/override"
      let good = #"{"actor":"Li","reason":"flagship","tier":"normal","until":"1998-12-31","at_next_rating":"floor"}"#
      let bad = #"{"actor":"Li","reason":"x","tier":"gold","until":"soon","at_next_rating":"now"}"#
      #expect(try await ask(.post, path, bad, seen: tag).status == .unprocessable)
      #expect(try await ask(.post, path, good.replacing("1998-12-31", with: "1998-07-01"), seen: tag).status == .unprocessable)
      let asked = try await ask(.post, path, good, seen: tag)
      #expect(asked.status == .created)
      #expect(asked.body["tier"] == "key")
      let mine = try #require(try await ask(.get, Self.one).tag)
      #expect(try await ask(.post, Self.one + "/confirmation", #"{"actor":"Li"}"#, seen: mine).status == .forbidden)
      let preview = try await ask(.post, "/v1/confirmations", Self.wang)
      #expect(preview.body["count"] == 0)
      #expect(try await ask(.post, Self.one + "/confirmation", Self.wang, seen: mine).body["tier"] == "normal")
      let history = try await ask(.get, "/v1/customers/0000000000000001/ratings?limit=2")
      let lines = try #require(history.body["ratings"]?.arrayValue)
      #expect(lines.map { $0["reason"]?.stringValue } == ["confirmed", "override_asked"])
      #expect(lines[1]["action"]?["terms"]?["at_next_rating"] == "floor")
      #expect(history.body["next"] == 2)
      let first = try await ask(.get, "/v1/customers/0000000000000001/ratings?before=2")
      #expect(first.body["ratings"]?.arrayValue?.map { $0["decided_tier"]?.stringValue } == ["vip"])
      let past = try await ask(.get, "/v1/customers/0000000000000001/ratings/1")
      #expect(past.body["explanation"]?["score"] == 94)
      #expect(past.body["proposed_tier"] == "vip")
      #expect(try await ask(.get, "/v1/customers/0000000000000009/ratings").status == .notFound)
    }
  }

  @Test("A customer can be taken out of automated tiering and back, with a reason (S-07)")
  func automation() async throws {
    try await withQueue(1) { ask in
      let path = "/v1/customers/0000000000000002/automated-tiering"
      let before = try await ask(.get, path)
      #expect(before.body["allowed"] == true && before.body["refused_by"] == .null)
      let tag = try #require(before.tag)
      let out = #"{"actor":"Li","reason":"asked by phone","allowed":false}"#
      #expect(try await ask(.put, path, out).status.rawValue == 428)
      #expect(try await ask(.put, path, #"{"actor":"Li","reason":"x"}"#, seen: tag).status == .unprocessable)
      #expect(try await ask(.put, path, out, seen: tag).body["allowed"] == false)
      #expect(try await ask(.put, path, out, seen: tag).status == .preconditionFailed)
      let why = try await ask(.get, "/v1/tiers/0000000000000002")
      #expect(why.body["decision"]?["automated"] == false)
      #expect(why.body["decision"]?["text"]?["en"]?.stringValue?.contains("refused automated tiering") == true)
      #expect(try await ask(.get, path).body["refused_by"] == "0000000000000002")
      let now = try #require(try await ask(.get, path).tag)
      #expect(try await ask(.put, path, out, seen: now).status == .conflict)
    }
  }
}
