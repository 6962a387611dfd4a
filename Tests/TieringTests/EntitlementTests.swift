// "May this customer have ...?" over HTTP (T-11): answers, reasons, tags, and questions that make no sense.
import Contracts
import Documents
import Domain
import HTTP
import Handling
import Lifecycle
import Postgres
import Telemetry
import TestSupport
import Testing
import Text
import TieringCore
@testable import TieringStore
@testable import tiering

@Suite("Entitlements", .enabled(if: TestDatabase.isAvailable, Comment(rawValue: TestDatabase.whyNot)))
struct EntitlementTests {
  /// Customer 1 is VIP, 2 Watch, 3 merged into 1, 4 merged before it was rated into one that nobody has heard of, 5 merged into 3.
  private func withAPI(_ body: (Router, PostgresSettings) async throws -> Void) async throws {
    let rules = try Shipped.rules()
    let catalogue = try Shipped.benefits().content
    try await Tables.with { database in
      try await Tables.session(database) { session in
        var store = PostgresTieringStore(session, zone: .utc)
        let first = [snapshot(1, 1, RatingTests.big), snapshot(2, 1), snapshot(3, 1), snapshot(4, 1, merged: 9), snapshot(5, 1, merged: 3)]
        _ = try TieringBatch.receive(first.map(received), &store, rules: rules, at: moment("1998-07-01"))
        _ = try TieringBatch.receive([received(snapshot(3, 2, merged: 1))], &store, rules: rules, at: moment("1998-07-01"))
      }
      let pool = PostgresPool(database)
      var router = Router()
      EntitlementsAPI(rules: rules, catalogue: catalogue, pool: pool).add(to: &router)
      try await body(router, database)
      await pool.close()
    }
  }

  private func path(_ id: Int64, _ query: String = "") -> String { "/v1/customers/\(customer(id))/entitlements\(query)" }

  private func ask(_ router: Router, _ target: String) async throws -> (HTTPStatus, JSONValue) {
    let response = try await router.respond(to: try Request(.get, target))
    return (response.status, try JSONValue(response.bytes ?? []))
  }

  @Test("All benefits of a customer come with tier, rating version, validity and limits; those that touch the price are marked (T-11, S-07)")
  func all() async throws {
    try await withAPI { router, _ in
      let (status, body) = try await ask(router, path(1))
      #expect(status == .ok)
      #expect(body["tier"] == "vip" && body["tier_name"] == ["en": "VIP", "zh": "VIP 客户"])
      #expect(body["rating_version"] == 1 && body["score"] == 94 && body["benefits_version"] == 2)
      // A quarter after the day of the rating.
      #expect(body["valid_until"] == "1998-10-01")
      let benefits = try #require(body["benefits"]?.arrayValue)
      #expect(
        benefits.compactMap { $0["benefit"]?.stringValue } == [
          "named-manager", "senior-support", "tailored-plan", "management-visit", "first-trial", "invitations", "discount", "green-channel",
        ])
      #expect(
        benefits[6] == [
          "benefit": "discount", "kind": "discount", "name": ["en": "Discount", "zh": "折扣优惠"], "limit": 10, "unit": "percent", "touches_price": true,
        ])
      #expect(benefits[1]["limit"] == .null && benefits[1]["unit"] == .null && benefits[1]["touches_price"] == false)
    }
  }

  @Test(
    "May this customer have it: yes or no with the reason",
    arguments: [
      (1, "discount&value=10", true, "within_limit"), (1, "discount&value=7.5", true, "within_limit"), (1, "discount&value=10.01", false, "above_limit"),
      (1, "discount", true, "granted"), (1, "green-channel", true, "granted"), (1, "basic-desk", false, "not_in_tier"),
      (2, "discount&value=1", false, "not_in_tier"), (2, "basic-desk", true, "granted"), (4, "discount&value=1", false, "not_rated"),
    ])
  func question(id: Int64, query: String, allowed: Bool, reason: String) async throws {
    try await withAPI { router, _ in
      let (status, body) = try await ask(router, path(id, "?benefit=\(query)"))
      #expect(status == .ok)
      #expect(body["allowed"] == .boolean(allowed) && body["reason"] == .text(reason), "\(body.encodedText)")
      #expect(body["text"]?["en"]?.stringValue?.hasPrefix(allowed ? "yes: " : "no: ") == true)
      #expect(body["text"]?["zh"]?.stringValue?.hasPrefix(allowed ? "可以：" : "不可以：") == true)
      #expect(body["touches_price"] == .boolean(query.hasPrefix("discount")))
      #expect(body["benefits"] == nil)
    }
  }

  @Test("A merged customer is answered by the one that it became part of, over several merges (P-02)")
  func merged() async throws {
    try await withAPI { router, _ in
      for id: Int64 in [3, 5] {
        let (_, body) = try await ask(router, path(id, "?benefit=discount&value=10"))
        #expect(body["customer_id"] == .text(customer(1).description) && body["asked_for"] == .text(customer(id).description))
        #expect(body["allowed"] == true && body["tier"] == "vip")
      }
      // The survivor's snapshot is on its way: it has nothing yet, and says so.
      let (status, body) = try await ask(router, path(4))
      #expect(status == .ok)
      #expect(body["customer_id"] == .text(customer(9).description) && body["tier"] == .null && body["valid_until"] == .null)
      #expect(body["benefits"] == [])
    }
  }

  @Test("Merges that lead round in a circle end, and nobody has anything")
  func circle() async throws {
    try await withAPI { router, database in
      try await Tables.session(database) { try $0.execute("UPDATE customers SET merged_into = 3 - customer_id WHERE customer_id IN (1, 2)") }
      let (status, body) = try await ask(router, path(2))
      #expect(status == .ok)
      #expect(body["tier"] == .null && body["benefits"] == [])
    }
  }

  @Test("Whoever names the tag of the answer is told that it still holds, until the rating changes")
  func tags() async throws {
    try await withAPI { router, database in
      let target = path(2, "?benefit=basic-desk")
      let first = try await router.respond(to: try Request(.get, target))
      let tag = try #require(first.headers["ETag"])
      #expect(first.headers["Cache-Control"] == "private, no-cache")
      let again = try await router.respond(to: try Request(.get, target, headers: ["If-None-Match": "\"x\", W/\(tag)"]))
      #expect(again.status == .notModified && again.bytes == [] && again.headers["ETag"] == tag)
      try await Tables.session(database) { session in
        var store = PostgresTieringStore(session, zone: .utc)
        _ = try TieringBatch.receive(
          [received(snapshot(2, 2, RatingTests.big))], &store, rules: try Shipped.rules(), at: moment("1998-07-01", seconds: 90))
      }
      let changed = try await router.respond(to: try Request(.get, target, headers: ["If-None-Match": tag]))
      #expect(changed.status == .ok && changed.headers["ETag"] != tag)
      #expect(try JSONValue(changed.bytes ?? [])["reason"] == "not_in_tier")
    }
  }

  @Test(
    "A question that makes no sense is refused with the field and what to do",
    arguments: [
      ("?benefit=gold-bar", "benefit", "unknown"), ("?benefit=Discount", "benefit", "unknown"), ("?value=10", "benefit", "missing"),
      ("?benefit=discount&value=ten", "value", "range"), ("?benefit=discount&value=-1", "value", "range"), ("?benefit=discount&value=", "value", "range"),
      ("?benefit=discount&value=9.99999", "value", "range"), ("?benefit=green-channel&value=1", "value", "no_limit"),
      ("?benefit=discount&benefit=offers", "benefit", "repeated"), ("?benefit=discount&value=1&value=99", "value", "repeated"),
    ])
  func nonsense(query: String, field: String, rule: String) async throws {
    try await withAPI { router, _ in
      let response = try await router.respond(to: try Request(.get, path(1, query)))
      #expect(response.status == .unprocessable)
      #expect(response.headers["Content-Type"] == Problem.mediaType)
      let fault = try JSONValue(response.bytes ?? [])["errors"]?.arrayValue?.first
      #expect(fault?["field"] == .text(field) && fault?["rule"] == .text(rule), "\(fault?.encodedText ?? "")")
      #expect(fault?["detail"]?.stringValue?.isEmpty == false)
    }
  }

  @Test("A customer that nobody has heard of is not found, and an id of another form is refused")
  func unknown() async throws {
    try await withAPI { router, _ in
      let statuses = [try await ask(router, path(77)).0, try await ask(router, "/v1/customers/7/entitlements").0]
      #expect(statuses == [.notFound, .unprocessable])
    }
  }

  @Test("An answer reads one row by its key")
  func oneRow() async throws {
    try await withAPI { _, database in
      let plan = try await Tables.session(database) { session -> String in
        try session.execute("SET enable_seqscan = off")
        let rows = try session.query(Statement(name: "", sql: "EXPLAIN " + TierQueries.entitlement.sql.replacing("$1", with: "1")))
        return try (0..<rows.count).map { try rows.text($0, 0) }.joined(separator: "\n")
      }
      #expect(plan.contains("Index Scan using customers_pkey") && plan.contains("Index Cond: (customer_id = "), "\(plan)")
    }
  }
}
