// Cases for review, merges and their undoing over HTTP, on PostgreSQL (P-02, P-03).
import Domain
import HTTP
import Handling
import Hashing
import Postgres
import ProfileCore
import ProfileStore
import Runtime
import TestSupport
import Testing
import Text

@testable import profile

private let start = Instant(seconds: 900_000_000)
private func memberID(_ number: Int) -> Identifier { Identifier(kind: .memberID, value: "M\(number)") }
private func phone(_ number: Int) -> Identifier { Identifier(kind: .phone, value: "+861380000\(1_000 + number)") }
private func national(_ hash: String) -> Identifier { Identifier(kind: .nationalIDHash, value: hash) }

private func registration(_ id: String, _ identifiers: [Identifier], after seconds: Int64) -> Arrival {
  arrival(CustomerEvent(source: "members", eventID: id, occurredAt: start.adding(seconds: seconds), identifiers: identifiers, attributes: [.name: "Li Lei"]))
}

private func order(_ id: String, _ identifier: Identifier, _ amount: Int64) -> Arrival {
  arrival(
    OrderEvent(
      kind: .order, source: "s", eventID: id, orderID: id, occurredAt: start, paidAt: start, money: Money(minorUnits: amount, currency: .cny),
      baseMinorUnits: amount, identifiers: [identifier]))
}

@Suite(.enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)")) struct IdentityRoutesTests {
  /// The routes over tables that hold these facts, each in a batch of its own.
  private func withRoutes(_ facts: [Arrival], _ body: (Router, PostgresPool) async throws -> Void) async throws {
    try await TestDatabase.withDatabase { settings in
      var own = settings
      own.schema = "profile"
      let used = own
      try await TestDatabase.blocking {
        try Migrations(schema: "profile", Resources.migrations(of: "profile")).apply(to: used)
        let session = try PostgresSession(used)
        defer { session.close() }
        for fact in facts {
          try session.transaction { session in
            var store = PostgresProfileStore(session)
            _ = try ProfileBatch.apply([fact], to: &store, rules: rules, at: evaluation)
          }
        }
      }
      let pool = PostgresPool(used)
      var router = Router()
      let environment = ProfileEnvironment(rules: rules, currency: .cny, pseudonyms: try Pseudonyms(key: Array("0123456789abcdef0123456789abcdef".utf8)))
      IdentityRoutes(environment: environment, pool: pool, clock: FixedClock(evaluation)).add(to: &router)
      try await body(router, pool)
      await pool.close()
    }
  }

  private func status(_ router: Router, _ method: HTTPMethod, _ target: String, _ body: JSONValue? = nil) async throws -> HTTPStatus {
    try await ask(router, method, target, body).0
  }

  private func ask(_ router: Router, _ method: HTTPMethod = .get, _ target: String, _ body: JSONValue? = nil) async throws -> (HTTPStatus, JSONValue) {
    do {
      let response = try await router.respond(to: try Request(method, target, body: body?.encoded ?? []))
      return (response.status, try JSONValue(response.bytes ?? []))
    } catch let problem as Problem { return (problem.status, try JSONValue(problem.json)) }
  }

  /// What the lane of due work does with decisions.
  private func followDecisions(_ pool: PostgresPool) async throws {
    try await pool.transaction { session in
      let ids = try DecisionDesk.decisions(after: 0, limit: 100, session).filter { $0.appliedAt == nil }.map(\.id)
      var store = PostgresProfileStore(session)
      _ = try ProfileBatch.regroup(try DecisionDesk.keys(of: ids, session), in: &store, rules: rules, at: evaluation)
      try DecisionDesk.noteApplied(ids, at: evaluation, session)
    }
  }

  private func spend(_ identifier: Identifier, _ pool: PostgresPool) async throws -> Int64? {
    try await pool.withSession { session in
      guard let id = try ProfileQueries.customer(with: testKey(identifier), session) else { return nil }
      return try ProfileQueries.customer(id, session)?.ledger.spend
    }
  }

  private let why: JSONValue = ["actor": "wang", "reason": "two brothers"]

  @Test func aMergeIsListedUndoneOnceAndBothSidesHaveTheirOwnAgain() async throws {
    let facts = [order("1", memberID(1), 100), order("2", phone(1), 30), registration("both", [memberID(1), phone(1)], after: 9)]
    try await withRoutes(facts) { router, pool in
      let together = try await spend(phone(1), pool)
      #expect(together == 130)
      let (_, list) = try await ask(router, .get, "/v1/merges")
      let merge = try #require(list["merges"]?[0])
      #expect(merge["evidence"] == "both")
      let (status, decision) = try await ask(router, .post, "/v1/merges/1/undo", why)
      #expect(status == .accepted)
      #expect(decision["actor"] == "wang" && decision["merge_id"] == 1 && decision["decision"] == "keep_apart")
      try await followDecisions(pool)
      let own = try await spend(memberID(1), pool)
      #expect(own == 100)
      let other = try await spend(phone(1), pool)
      #expect(other == 30)
      #expect(try await ask(router, .get, "/v1/decisions/1").1["applied_at"]?.stringValue != nil)
      let again = try await ask(router, .post, "/v1/merges/1/undo", why).0
      #expect(again == .conflict)
      let undoneBy = try await ask(router, .get, "/v1/merges/1").1["undone_by"]
      #expect(undoneBy == 1)
      let missing = try await ask(router, .post, "/v1/merges/9/undo", why).0
      #expect(missing == .notFound)
    }
  }

  @Test func aCaseIsShownWithItsEvidenceAndDecidedOnce() async throws {
    let meeting = registration("r", [national("aaaaaaaa"), national("bbbbbbbb")], after: 3)
    let facts = [order("1", national("aaaaaaaa"), 1), order("2", national("bbbbbbbb"), 2), meeting]
    try await withRoutes(facts) { router, pool in
      let (_, list) = try await ask(router, .get, "/v1/reviews?guard=different_national_ids&limit=1")
      let found = try #require(list["reviews"]?[0])
      let id = try #require(found["id"]?.stringValue)
      #expect(found["evidence"] == "r")
      let (_, shown) = try await ask(router, .get, "/v1/reviews/\(id)")
      #expect(shown["sides"]?[0]?["orders_of_all_time"] == 1)
      #expect(shown["sides"]?[0]?["identifiers"]?[0]?["value"]?.stringValue?.contains("aaaaaaaa") == false)
      let decided = try await ask(router, .post, "/v1/reviews/\(id)/decision", ["decision": "merge", "actor": "wang", "reason": "renewed card"]).0
      #expect(decided == .accepted)
      try await followDecisions(pool)
      let whole = try await spend(national("aaaaaaaa"), pool)
      #expect(whole == 3)
      let isEmpty = try await ask(router, .get, "/v1/reviews").1["reviews"]?.arrayValue?.isEmpty
      #expect(isEmpty == true)
      let twice = try await ask(router, .post, "/v1/reviews/\(id)/decision", ["decision": "merge", "actor": "wang", "reason": "again"]).0
      #expect(twice == .conflict)
    }
  }

  @Test func aCaseThatIsKeptApartLeavesTheListForGood() async throws {
    let facts = [registration("a", [national("h1"), phone(1)], after: 1), registration("b", [national("h2"), phone(2)], after: 2)]
    let meeting = registration("r", [phone(1), phone(2)], after: 3)
    try await withRoutes(facts + [meeting]) { router, pool in
      let (_, list) = try await ask(router, .get, "/v1/reviews")
      // The two phones count each other, so there is a case in either direction.
      let id = try #require(list["reviews"]?[0]?["id"]?.stringValue)
      let kept = try await ask(router, .post, "/v1/reviews/\(id)/decision", ["decision": "keep_apart", "actor": "wang", "reason": "father and son"]).0
      #expect(kept == .accepted)
      try await followDecisions(pool)
      try await pool.transaction { session in
        var store = PostgresProfileStore(session)
        _ = try ProfileBatch.apply([registration("later", [phone(1), phone(2)], after: 30)], to: &store, rules: rules, at: evaluation)
      }
      let isEmpty = try await ask(router, .get, "/v1/reviews").1["reviews"]?.arrayValue?.isEmpty
      #expect(isEmpty == true)
    }
  }

  @Test func requestsThatCannotBeFollowedAreRefusedByField() async throws {
    try await withRoutes([order("1", memberID(1), 1)]) { router, _ in
      let id = testKey(memberID(1)).identityID.description
      for (target, body, status) in [
        ("/v1/merges", ["customers": [.text(id)], "actor": "a", "reason": "b"] as JSONValue, HTTPStatus.unprocessable),
        ("/v1/merges", ["customers": [.text(id), .text(id)], "actor": "a", "reason": "b"], .conflict),
        ("/v1/merges", ["customers": [.text(id), "0000000000000001"], "actor": "a", "reason": "b"], .notFound),
        ("/v1/merges", ["customers": [.text(id), "0000000000000001"], "actor": " ", "reason": "b"], .unprocessable),
        ("/v1/merges/0/undo", why, .unprocessable), ("/v1/reviews/12/decision", why, .unprocessable), ("/v1/merges/1/undo", .text("x"), .badRequest),
        ("/v1/merges/1/undo", ["actor": "a", "reason": "b", "force": true], .unprocessable),
      ] {
        let answered = try await ask(router, .post, target, body).0
        #expect(answered == status, "\(target)")
      }
      for target in ["/v1/reviews?limit=0", "/v1/reviews?guard=x", "/v1/reviews?after=1", "/v1/merges?customer=1", "/v1/decisions?after=-1"] {
        let answered = try await ask(router, .get, target).0
        #expect(answered == .unprocessable, "\(target)")
      }
    }
  }
}
