// Deliveries over HTTP, what comes back of them, and settings (E-05).
import ConnectorCore
import ConnectorStore
import Contracts
import Domain
import HTTP
import Handling
@testable import Messaging
import Postgres
import Runtime
import TestSupport
import Testing
import Text

@testable import connector

@Suite(.enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)")) struct DeliveriesAPITests {
  private static let now = moment("2026-11-29", hours: 9)
  private static let key = Array("0123456789abcdef".utf8)

  private struct Site {
    let router: Router
    let tables: PostgresSettings
    let pool: PostgresPool

    func ask(_ method: HTTPMethod, _ target: String, _ body: JSONValue? = nil, headers: HTTPHeaders = [:]) async throws -> (status: Int, answer: JSONValue) {
      var headers = headers
      headers["Content-Type"] = "application/json"
      let response = try await router.respond(to: try Request(method, target, headers: headers, body: body?.encoded ?? []))
      return (response.status.rawValue, try JSONValue(response.bytes ?? []))
    }

    /// What a receiver of the webhook tells, signed with a key.
    func hear(_ body: JSONValue, key: [UInt8] = DeliveriesAPITests.key, ago seconds: Int64 = 0) async throws -> (status: Int, answer: JSONValue) {
      let second = Sender.machineTime().microseconds / 1_000_000 - seconds
      let signed = try WebhookSignature(key: key).sign(id: "m-1", second: second, body: body.encoded)
      return try await ask(
        .post, "/v1/outcomes", body,
        headers: [WebhookSignature.idHeader: "m-1", WebhookSignature.timeHeader: String(second), WebhookSignature.signatureHeader: signed])
    }
  }

  /// Three deliveries: one that arrived, one that bounced, one that waits.
  private func with(hasWebhook: Bool = true, _ body: (Site, [DeliveryID]) async throws -> Void) async throws {
    try await Tables.with { tables in
      let requests = (1...3).map { send($0, to: $0) }
      let ids = try requests.map { try ConnectorHandler.id(of: $0) }
      try await Tables.session(tables) { session in
        try Tables.take(requests.map { .send(try ConnectorHandler.id(of: $0), $0) }, session)
        try session.transaction { session in
          for claimed in try DeliveryQueries.claim(max: 2, at: Sender.machineTime(), session) {
            let isFirst = claimed.delivery.request.invitation.number == requests[0].invitation.number
            _ = try DeliveryQueries.end(
              DeliveryQueries.Ending(
                claimed.delivery, isFirst ? .accepted : .refusedMessage, isFirst ? .done : .over(.bounced, reason: "refused"), way: .webhook, code: 202,
                at: Self.now), session)
          }
        }
        // Which two were taken is not said: the others are brought to the same.
        let states = try DeliveryQueries.records(ids.sorted(), session)
        for (id, wanted) in zip(ids, ["accepted", "bounced", "waiting"]) {
          guard states.first(where: { $0.delivery.id == id })?.delivery.state.rawValue != wanted else { continue }
          let reason = wanted == "bounced" ? "refused" : ""
          try session.execute("UPDATE deliveries SET state = '\(wanted)', reason = '\(reason)' WHERE delivery_id = \(id.number)")
        }
        // It was not tried yet.
        try session.execute("UPDATE deliveries SET attempts = 0, leased_until = NULL WHERE state = 'waiting'")
        try session.execute("DELETE FROM due_work")
      }
      let settings = ConnectorSettings(
        webhook: hasWebhook ? ("https://example.com/hook", try WebhookSignature(key: Self.key)) : nil, texts: try shippedTexts())
      let pool = PostgresPool(tables)
      var router = Router()
      DeliveriesAPI(settings: settings, clock: FixedClock(Self.now), pool: pool).add(to: &router)
      let result: Result<Void, any Error>
      do { result = .success(try await body(Site(router: router, tables: tables, pool: pool), ids)) } catch { result = .failure(error) }
      await pool.close()
      try result.get()
    }
  }

  @Test("Deliveries are listed page by page, by state and customer, and none shows an address or a link")
  func listed() async throws {
    try await with { site, ids in
      let first = try await site.ask(.get, "/v1/deliveries?limit=2").answer
      let place = try #require(first["next"]?.stringValue)
      let rest = try await site.ask(.get, "/v1/deliveries?limit=2&after=\(place)").answer
      let all = (first["deliveries"]?.arrayValue ?? []) + (rest["deliveries"]?.arrayValue ?? [])
      #expect(Set(all.compactMap { $0["delivery_id"]?.stringValue }) == Set(ids.map(\.description)) && rest["next"] == .null)
      #expect(!first.encodedText.contains("ask.example.com") && !first.encodedText.contains("@"))
      let waiting = try await site.ask(.get, "/v1/deliveries?state=waiting").answer["deliveries"]?.arrayValue
      #expect(waiting?.count == 1 && waiting?[0]["delivery_id"]?.stringValue == ids[2].description)
      let one = try await site.ask(.get, "/v1/deliveries?customer_id=\(CustomerID(number: 2))").answer["deliveries"]?.arrayValue
      #expect(one?.count == 1 && one?[0]["reason"] == "refused")
      let ways = try await site.ask(.get, "/v1/ways").answer
      #expect(ways["email"] == false && ways["webhook"] == true && ways["deliveries"] == ["waiting": 1, "accepted": 1, "bounced": 1, "undeliverable": 0])
    }
  }

  @Test("Everything that is wrong with a question is said at once, and an unknown delivery is not found")
  func refused() async throws {
    try await with { site, _ in
      let bad = try await site.ask(.get, "/v1/deliveries?state=lost&limit=0&after=x&customer_id=9")
      #expect(bad.status == 422 && bad.answer["errors"]?.arrayValue?.count == 4, "\(bad)")
      #expect(try await site.ask(.get, "/v1/deliveries/00000000000000ff").status == 404)
      #expect(try await site.ask(.get, "/v1/deliveries/x").status == 422)
    }
  }

  @Test("A failed delivery is tried anew on a person's word, and only such a one")
  func retried() async throws {
    try await with { site, ids in
      let body: JSONValue = ["actor": "Wang"]
      let again = try await site.ask(.post, "/v1/deliveries/\(ids[1])/retry", body)
      #expect(again.status == 200 && again.answer["state"] == "waiting" && again.answer["reason"] == .null)
      for id in [ids[0], ids[2]] { #expect(try await site.ask(.post, "/v1/deliveries/\(id)/retry", body).status == 409) }
      #expect(try await site.ask(.post, "/v1/deliveries/\(ids[1])/retry", [:]).status == 422)
    }
  }

  @Test("What is told of a delivery counts once, only with the right signature, and only of one that was handed over")
  func heard() async throws {
    try await with { site, ids in
      let body: JSONValue = ["delivery_id": .text(ids[0].description), "result": "delivered"]
      #expect(try await site.ask(.post, "/v1/outcomes", body).status == 400)
      #expect(try await site.hear(body, key: Array("fedcba9876543210".utf8)).status == 401)
      #expect(try await site.hear(body, ago: 301).status == 401)
      #expect(try await site.hear(body).answer["is_new"] == true)
      #expect(try await site.hear(body).answer["is_new"] == false)
      #expect(try await site.hear(["delivery_id": .text(ids[0].description), "result": "opened"]).answer["is_new"] == true)
      #expect(try await site.hear(["delivery_id": .text(ids[2].description), "result": "delivered"]).answer["is_new"] == false)
      let bounce: JSONValue = ["delivery_id": .text(ids[0].description), "result": "bounced", "reason": "mailbox_full"]
      #expect(try await site.hear(bounce).answer["is_new"] == true)
      let shown = try await site.ask(.get, "/v1/deliveries/\(ids[0])").answer
      #expect(shown["state"] == "bounced" && shown["reason"] == "mailbox_full" && shown["delivered_at"] == "2026-11-29T09:00:00Z")
      let number = ids[0].number
      let kinds = [ConnectorWork.delivered, ConnectorWork.opened, ConnectorWork.bounced]
      let told = try await Tables.session(site.tables) { try Tables.told($0) }
      #expect(told == kinds.map { "\($0) \(number)" })
      let wrong = try await site.hear(["delivery_id": "x", "result": "lost", "reason": "No!", "more": 1])
      #expect(wrong.status == 422 && wrong.answer["errors"]?.arrayValue?.count == 4)
      #expect(try await site.hear(["delivery_id": "00000000000000ff", "result": "delivered"]).status == 404)
    }
    try await with(hasWebhook: false) { site, ids in
      let told = try await site.hear(["delivery_id": .text(ids[0].description), "result": "delivered"])
      #expect(told.status == 404)
    }
  }

  @Test("What is told before the answer to the call is noted counts, and the message is not sent once more", arguments: ["delivered", "opened", "bounced"])
  func heardEarly(result: String) async throws {
    try await with { site, ids in
      let claimed = try await site.pool.transaction { try DeliveryQueries.claim(max: 1, at: Sender.machineTime(), $0) }
      let delivery = try #require(claimed.first?.delivery)
      #expect(delivery.id == ids[2])
      #expect(try await site.hear(["delivery_id": .text(ids[2].description), "result": .text(result)]).answer["is_new"] == true)
      // Then the answer itself, or that none came.
      for (verdict, end) in [(AttemptVerdict.done, AttemptResult.accepted), (.again(at: Self.now), .later)] {
        let told = try await site.pool.transaction {
          try DeliveryQueries.end(DeliveryQueries.Ending(delivery, end, verdict, way: .webhook, at: Self.now), $0)
        }
        #expect(!told)
      }
      #expect(try await site.pool.transaction { try DeliveryQueries.claim(max: 9, at: Sender.machineTime().adding(seconds: 86_400), $0) }.isEmpty)
      let shown = try await site.ask(.get, "/v1/deliveries/\(ids[2])").answer
      #expect(shown["state"]?.stringValue == (result == "bounced" ? "bounced" : "accepted") && shown["way"] == "webhook")
      let work = result == "delivered" ? ConnectorWork.delivered : result == "opened" ? ConnectorWork.opened : ConnectorWork.bounced
      let told = try await Tables.session(site.tables) { try Tables.told($0) }
      let number = ids[2].number
      #expect(told == [ConnectorWork.accepted, work].map { "\($0) \(number)" })
    }
  }

  @Test("Each result is told once as an outcome of its request")
  func told() async throws {
    try await with { site, ids in
      let second = ids[1]
      let sent = try await Tables.session(site.tables) { session in
        try session.transaction { session in
          let outbox = OutboxWriter(layout: TopicLayout([Topics.outcomes.name: 1]), lanes: LaneTable(), statesByName: [])
          var scope = LaneScope(session: session, now: Self.now, outbox: outbox, lane: "due")
          let due = DueItem(kind: ConnectorWork.bounced, id: second.number, at: moment("2026-11-28"))
          let unknown = DueItem(kind: ConnectorWork.bounced, id: 77, at: moment("2026-11-28"))
          let again = try ConnectorDueHandler().apply([due, unknown], &scope)
          #expect(again.isEmpty)
          return try scope.outbox.finish().rows.reduce(0) { $0 + $1.records }
        }
      }
      #expect(sent == 1)
    }
  }
}

@Suite("The connector's settings") struct ConnectorSettingsTests {
  private func faults(_ environment: [String: String]) -> [String] {
    var reader = SettingsReader(arguments: [:], environment: environment)
    _ = ConnectorSettings(&reader)
    return reader.faults.map(\.setting)
  }

  @Test("Nothing has to be set; what is set is whole, and mail and calls never travel readable beyond this machine")
  func checked() {
    #expect(faults([:]).isEmpty)
    let mail = ["CONNECTOR_SMTP_URL": "smtp://mail.example.com:587", "CONNECTOR_MAIL_FROM": "service@shop.example"]
    let webhook = ["CONNECTOR_WEBHOOK_URL": "https://crm.example.com/hook", "CONNECTOR_WEBHOOK_KEY": "0123456789abcdef"]
    func with(_ base: [String: String], _ more: [String: String?]) -> [String: String] {
      var all = base
      for (name, value) in more { all[name] = value }
      return all
    }
    #expect(faults(mail).isEmpty && faults(webhook).isEmpty && faults(mail.merging(webhook) { $1 }).isEmpty)
    #expect(faults(with(mail, ["CONNECTOR_MAIL_FROM": nil])) == ["mail-from"])
    #expect(faults(with(mail, ["CONNECTOR_MAIL_FROM": "Shop <a@b.example>"])) == ["mail-from"])
    #expect(faults(with(mail, ["CONNECTOR_SMTP_USER": "u"])) == ["smtp-user"])
    #expect(faults(with(mail, ["CONNECTOR_SMTP_SECURITY": "none"])) == ["smtp-security"])
    #expect(faults(with(mail, ["CONNECTOR_SMTP_SECURITY": "none", "CONNECTOR_SMTP_URL": "smtp://127.0.0.1:25"])).isEmpty)
    for url in ["mail.example.com", "smtp://mail.example.com", "smtp://u:p@mail.example.com:25", "smtp://mail.example.com:0", "http://mail.example.com:25"] {
      #expect(faults(with(mail, ["CONNECTOR_SMTP_URL": url])) == ["smtp-url"], "\(url)")
    }
    #expect(faults(["CONNECTOR_MAIL_FROM": "a@b.example", "CONNECTOR_WEBHOOK_KEY": "0123456789abcdef"]) == ["mail-from", "CONNECTOR_WEBHOOK_KEY"])
    #expect(faults(with(webhook, ["CONNECTOR_WEBHOOK_KEY": "short"])) == ["CONNECTOR_WEBHOOK_KEY"])
    #expect(faults(with(webhook, ["CONNECTOR_WEBHOOK_KEY": nil])) == ["CONNECTOR_WEBHOOK_KEY"])
    // A name that begins like an address of this machine is none.
    #expect(faults(with(mail, ["CONNECTOR_SMTP_SECURITY": "none", "CONNECTOR_SMTP_URL": "smtp://127.0.0.1.example.com:25"])) == ["smtp-security"])
    for url in ["http://127.0.0.1.example.com/hook", "http://crm.example.com/hook", "https://u@crm.example.com/", "https://", "https://127.0.0.1 /x"] {
      #expect(faults(with(webhook, ["CONNECTOR_WEBHOOK_URL": url])) == ["webhook-url"], "\(url)")
    }
    #expect(faults(with(webhook, ["CONNECTOR_WEBHOOK_URL": "http://127.0.0.1:9/hook"])).isEmpty)
    #expect(faults(["CONNECTOR_LINK_BASE": "https://ask.example.com/", "CONNECTOR_SENDERS": "0"]) == ["link-base", "senders"])
    #expect(faults(["CONNECTOR_CA_FILE": "/nowhere.pem", "CONNECTOR_MESSAGES_FILE": "/nowhere.yaml"]) == ["ca-file", "messages-file"])
  }
}
