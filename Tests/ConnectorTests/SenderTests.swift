// Messages go out to a real mail server and to a webhook, and what becomes of them is noted once (E-05).
import ConnectorCore
import ConnectorStore
import Contracts
import Domain
import HTTP
import Handling
import Lifecycle
import Messaging
import Postgres
import Runtime
import Synchronization
import Telemetry
import TestSupport
import Testing
import Text

@testable import connector

/// What this service does with its tables while messages go out.
private struct Post {
  let tables: PostgresSettings
  let pool: PostgresPool

  func take(_ items: [ConnectorItem]) async throws { try await Tables.session(tables) { try Tables.take(items, $0) } }
  func ask(_ requests: SurveySend...) async throws { try await take(requests.map { .send(try ConnectorHandler.id(of: $0), $0) }) }

  /// As the tables have it.
  func record(_ request: SurveySend) async throws -> DeliveryRecord? {
    let id = try ConnectorHandler.id(of: request)
    return try await pool.withSession { try DeliveryQueries.records([id], $0).first }
  }
  func history(_ request: SurveySend) async throws -> [String] {
    let id = try ConnectorHandler.id(of: request)
    return try await pool.withSession { try DeliveryQueries.attempts(of: id, max: 100, $0).map { $0.result ?? "?" } }
  }
  /// Whether there was one attempt, which came to this, and there is to be another.
  func isPutOff(_ request: SurveySend, after result: String) async throws -> Bool {
    let (history, record) = (try await history(request), try await record(request))
    return history == [result] && record?.delivery.state == .waiting && record?.delivery.dueAt != nil
  }
  func told() async throws -> [String] { try await Tables.session(tables) { try Tables.told($0) } }

  /// A port at which somebody listened a moment ago.
  static func closedPort() async throws -> Int {
    let server = HTTPServer(settings: HTTPServerSettings(port: 0), router: Router(), logger: Logger(service: "nobody", level: .error))
    let stop = StopSignal()
    let running = Task { try await server.run(stop) }
    let port = try await server.boundPort
    stop.stop()
    try await running.value
    return port
  }

  static func with(_ body: (Post) async throws -> Void) async throws {
    try await Tables.with { tables in
      let pool = PostgresPool(tables)
      let result: Result<Void, any Error>
      do { result = .success(try await body(Post(tables: tables, pool: pool))) } catch { result = .failure(error) }
      await pool.close()
      try result.get()
    }
  }

  /// Runs the sender until a condition on the tables holds, then stops it.
  func run(_ settings: ConnectorSettings, clock: any BusinessClock = SystemClock(), until isDone: @escaping () async throws -> Bool) async throws {
    let stop = StopSignal()
    let sender = Sender(
      settings: settings, zone: zone, clock: clock, pool: pool, measures: ConnectorMeasures(Metrics()), logger: Logger(service: "connector", level: .error))
    let running = Task { try await sender.run(stop) }
    let limit = ContinuousClock.now + .seconds(30)
    while try await !isDone(), ContinuousClock.now < limit { await Task.yield() }
    stop.stop()
    try await running.value
    #expect(try await isDone())
  }
}

private func state(_ post: Post, _ request: SurveySend, _ state: Delivery.State) -> () async throws -> Bool {
  { try await post.record(request)?.delivery.state == state }
}

@Suite(
  "Sending by mail", .enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)"),
  .enabled("\(TestMailServer.whyNot)", { await TestMailServer.isAvailable() }))
struct MailSenderTests {
  private func settings(_ server: TestMailServer, from: String = "service@shop.example", base: String = "") throws -> ConnectorSettings {
    ConnectorSettings(
      mail: (MailServer(host: "127.0.0.1", port: server.port, security: .none), from), texts: try shippedTexts(), linkBase: base)
  }

  private func with(_ body: (Post, TestMailServer) async throws -> Void) async throws {
    let started = try await TestMailServer.start()
    let server = try #require(started)
    let result: Result<Void, any Error>
    do { result = .success(try await Post.with { try await body($0, server) }) } catch { result = .failure(error) }
    await server.stop()
    try result.get()
  }

  @Test("A request is mailed once to its customer's address, told once, and its link is kept no longer")
  func sent() async throws {
    try await with { post, server in
      let request = send(1, to: 1, language: .chinese, link: "/s/secret", stopLink: "/s/secret/stop")
      try await post.ask(request, request)
      try await post.take([.address(address(11, of: 1, "an@example.com"))])
      try await post.run(try settings(server, base: "https://ask.example.com"), until: state(post, request, .accepted))
      let mail = try #require(await server.next())
      let id = try ConnectorHandler.id(of: request)
      #expect(mail.to == "an@example.com" && mail.from == "service@shop.example" && mail.text.contains("Message-ID: <\(id)@"))
      let body = mail.text.split(separator: "\n\n", maxSplits: 1).last.map { $0.filter { !$0.isNewline } } ?? ""
      #expect(String(decoding: Base64.decoded(body) ?? [], as: UTF8.self).contains("https://ask.example.com/s/secret"))
      #expect(mail.text.contains("List-Unsubscribe: <https://ask.example.com/s/secret/stop>"))
      #expect(try await post.told() == ["\(ConnectorWork.accepted) \(id.number)"])
      let record = try #require(try await post.record(request))
      #expect(record.way == .email && record.delivery.request.link.isEmpty && record.delivery.attempts == 1)
      #expect(record.delivery.request.stopLink.isEmpty)
      #expect(await !server.hasMore())
    }
  }

  @Test("An address that is refused for good is never used again; the next one is tried at once, and when none is left it bounced")
  func bounced() async throws {
    try await with { post, server in
      let (first, second) = (send(1, to: 1), send(2, to: 2))
      try await post.take([
        .address(address(11, of: 1, "gone@example.com", since: moment("2026-05-01"))), .address(address(12, of: 1, "an@example.com")),
        .address(address(21, of: 2, "gone@example.org")),
      ])
      try await post.ask(first, second)
      try await post.run(try settings(server)) {
        let (one, two) = (try await post.record(first)?.delivery.state, try await post.record(second)?.delivery.state)
        return one == .accepted && two == .bounced
      }
      #expect(await server.next()?.to == "an@example.com")
      #expect(try await post.history(first) == ["accepted", "refused_address"])
      #expect(try await post.history(second) == ["refused_address"])
      let bounced = try await Tables.session(post.tables) { try Tables.addresses($0).filter { $0.hasSuffix(" t") } }
      #expect(bounced.count == 2)
      let number = try ConnectorHandler.id(of: second).number
      #expect(try await post.told().contains("\(ConnectorWork.bounced) \(number)"))
      #expect(try await post.record(second)?.reason == "refused")
      // A person may let it be tried once more, at the same address too; not one that has arrived.
      let (done, failed) = (try ConnectorHandler.id(of: first), try ConnectorHandler.id(of: second))
      try await post.pool.transaction { try DeliveryQueries.retry(failed, at: moment("2026-11-01"), $0) }
      #expect(try await post.record(second)?.delivery.state == .waiting)
      await #expect(throws: DeliveryQueries.NothingToRetry.self) {
        try await post.pool.transaction { try DeliveryQueries.retry(done, at: moment("2026-11-01"), $0) }
      }
    }
  }

  @Test("A server that says later, and one that lets us not in, keep a message waiting and blame no address")
  func later() async throws {
    try await with { post, server in
      let (busy, refused) = (send(1, to: 1), send(2, to: 2))
      try await post.take([.address(address(11, of: 1, "later@example.com")), .address(address(21, of: 2, "an@example.com"))])
      try await post.ask(busy)
      try await post.run(try settings(server)) { try await post.isPutOff(busy, after: "later") }
      try await post.ask(refused)
      try await post.run(try settings(server, from: "nobody@shop.example")) { try await post.isPutOff(refused, after: "later") }
      for request in [busy, refused] { #expect(try await post.record(request)?.delivery.state == .waiting) }
      #expect(try await Tables.session(post.tables) { try Tables.addresses($0).allSatisfy { $0.hasSuffix(" f") } })
      #expect(try await post.told().isEmpty)
      #expect(await !server.hasMore())
    }
  }

  @Test("A message without an address waits for one; whose link is over is not sent any more")
  func waiting() async throws {
    try await with { post, server in
      let (early, late) = (send(1, to: 1), send(2, to: 2, expires: moment("2026-11-20")))
      try await post.ask(early, late)
      try await post.take([.address(address(21, of: 2, "an@example.com"))])
      let clock = FixedClock(moment("2026-11-20"))
      try await post.run(try settings(server), clock: clock) {
        let (isOver, isPutOff) = (try await post.record(late)?.delivery.state == .undeliverable, try await post.isPutOff(early, after: "no_address"))
        return isOver && isPutOff
      }
      #expect(try await post.record(late)?.reason == "expired")
      #expect(await !server.hasMore())
    }
  }

  @Test("What is called back is not sent: what waits, what is to be tried once more, and what is asked for later")
  func calledBack() async throws {
    try await with { post, server in
      let (waiting, late, reminder, other) = (send(1, to: 1), send(2, to: 2), send(1, to: 1, kind: .reminder), send(3, to: 3))
      try await post.take([1, 2, 3].map { .address(address($0 * 10, of: $0, "c\($0)@example.com")) })
      // The first is put off: it was tried by somebody who is gone, and its next time is far.
      try await post.ask(waiting)
      let claimed = try await post.pool.transaction { try DeliveryQueries.claim(max: 5, at: Sender.machineTime(), $0) }
      let verdict = AttemptVerdict.again(at: Sender.machineTime().adding(seconds: 86_400))
      let ending = DeliveryQueries.Ending(try #require(claimed.first).delivery, .later, verdict, way: .email, at: moment("2026-11-01"))
      #expect(try await post.pool.transaction { try DeliveryQueries.end(ending, $0) } == false)
      try await post.take([withdrawal(1, of: 1, .optedOut), withdrawal(2, of: 2, .answered), withdrawal(1, of: 1, .answered)])
      try await post.ask(late, reminder, other)
      let requests = [waiting, late, reminder, other]
      try await post.run(try settings(server)) {
        var isOver = true
        for request in requests { isOver = try await post.record(request)?.delivery.state != .waiting && isOver }
        return isOver
      }
      #expect(await server.next()?.to == "c3@example.com")
      #expect(await !server.hasMore())
      var reasons: [String?] = []
      for request in requests { reasons.append(try await post.record(request)?.reason) }
      #expect(reasons == ["opted_out", "answered", "opted_out", ""])
      #expect(try await post.history(waiting) == ["withdrawn", "later"])
      let told = try await post.told()
      for request in [waiting, late, reminder] { #expect(told.contains("\(ConnectorWork.undeliverable) \(try ConnectorHandler.id(of: request).number)")) }
      // Nobody can have it sent all the same.
      let id = try ConnectorHandler.id(of: late)
      try await post.pool.transaction { try DeliveryQueries.retry(id, at: moment("2026-11-01"), $0) }
      try await post.run(try settings(server), until: state(post, late, .undeliverable))
      #expect(await !server.hasMore())
    }
  }

  @Test("What is called back while it is handed over arrives, and is told as what it is")
  func calledBackTooLate() async throws {
    try await with { post, server in
      let request = send(1, to: 1)
      try await post.ask(request)
      let claimed = try await post.pool.transaction { try DeliveryQueries.claim(max: 5, at: Sender.machineTime(), $0) }
      try await post.take([withdrawal(1, of: 1, .optedOut)])
      let ending = DeliveryQueries.Ending(try #require(claimed.first).delivery, .accepted, .done, way: .email, at: moment("2026-11-01"))
      #expect(try await post.pool.transaction { try DeliveryQueries.end(ending, $0) })
      #expect(try await post.record(request)?.delivery.state == .accepted)
      // Nobody knows how this attempt ended: it is given up, until whoever was called says that it is there.
      let lost = send(2, to: 2)
      try await post.ask(lost)
      #expect(try await post.pool.transaction { try DeliveryQueries.claim(max: 5, at: Sender.machineTime(), $0) }.count == 1)
      try await post.take([withdrawal(2, of: 2, .optedOut)])
      try await Tables.session(post.tables) { try $0.execute("UPDATE deliveries SET leased_until = now() - interval '1 second' WHERE state = 'waiting'") }
      try await post.run(try settings(server), until: state(post, lost, .undeliverable))
      let id = try ConnectorHandler.id(of: lost)
      #expect(try await post.pool.transaction { try DeliveryQueries.hear(.delivered, of: id, reason: "", at: moment("2026-11-02"), $0) })
      let record = try #require(try await post.record(lost))
      #expect(record.delivery.state == .accepted && record.reason.isEmpty && record.deliveredAt != nil)
      #expect(await !server.hasMore())
    }
  }

  @Test("A message whose link names no host is not sent: nobody could open it")
  func noLink() async throws {
    try await with { post, server in
      let request = send(1, to: 1, link: "/s/secret")
      try await post.take([.address(address(11, of: 1, "an@example.com"))])
      try await post.ask(request)
      try await post.run(try settings(server)) { try await post.isPutOff(request, after: "no_link") }
      #expect(await !server.hasMore())
    }
  }

  @Test("A message goes to whoever the customer of its request has become")
  func merged() async throws {
    try await with { post, server in
      let request = send(1, to: 2)
      try await post.take([.address(address(1, of: 1, "survivor@example.com")), .move(move(2, to: 1, 5))])
      try await post.ask(request)
      try await post.run(try settings(server), until: state(post, request, .accepted))
      #expect(await server.next()?.to == "survivor@example.com")
      #expect(try await post.record(request)?.delivery.request.customer == CustomerID(number: 2))
    }
  }

  @Test("Two senders at once send each message once")
  func together() async throws {
    try await with { post, server in
      let requests = (1...60).map { send($0, to: $0) }
      try await post.take((1...60).map { .address(address($0, of: $0, "c\($0)@example.com")) })
      try await post.take(requests.map { .send(try ConnectorHandler.id(of: $0), $0) })
      let stop = StopSignal()
      let settings = try settings(server)
      let senders = (0..<2).map { _ in
        Sender(
          settings: settings, zone: zone, clock: SystemClock(), pool: post.pool, measures: ConnectorMeasures(Metrics()),
          logger: Logger(service: "connector", level: .error))
      }
      let running = Task {
        try await withThrowingTaskGroup(of: Void.self) { group in
          for sender in senders { group.addTask { try await sender.run(stop) } }
          try await group.waitForAll()
        }
      }
      var came: [String] = []
      for _ in requests { came.append(try #require(await server.next()).to) }
      stop.stop()
      try await running.value
      #expect(came.sorted() == (1...60).map { "c\($0)@example.com" }.sorted())
      #expect(await !server.hasMore())
    }
  }

  @Test("A process that died in the middle of an attempt keeps a message for its lease; then another sends it, and the history says that nobody knows")
  func died() async throws {
    try await with { post, server in
      let request = send(1, to: 1)
      try await post.take([.address(address(11, of: 1, "an@example.com"))])
      try await post.ask(request)
      let now = Sender.machineTime()
      #expect(try await post.pool.transaction { try DeliveryQueries.claim(max: 5, at: now, $0) }.count == 1)
      #expect(try await post.pool.transaction { try DeliveryQueries.claim(max: 5, at: now, $0) }.isEmpty)
      try await Tables.session(post.tables) { try $0.execute("UPDATE deliveries SET leased_until = now() - interval '1 second'") }
      try await post.run(try settings(server), until: state(post, request, .accepted))
      #expect(try await post.history(request) == ["accepted", "?"])
      #expect(await server.next()?.to == "an@example.com")
    }
  }
}

@Suite("Sending by webhook", .enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)")) struct WebhookSenderTests {
  private static let key = Array("0123456789abcdef".utf8)

  /// Somebody else's server: remembers what came, answers what it is told to.
  private final class Site: Sendable {
    let calls = Mutex<[(headers: [String: String], body: [UInt8])]>([])
    let status = Mutex(HTTPStatus.ok)
  }

  private func with(_ body: (Post, Site, ConnectorSettings) async throws -> Void) async throws {
    let site = Site()
    var router = Router()
    router.post("/hook") { request in
      let names = [WebhookSignature.idHeader, WebhookSignature.timeHeader, WebhookSignature.signatureHeader]
      let headers = Dictionary(uniqueKeysWithValues: names.map { ($0, request.headers[$0] ?? "") })
      site.calls.withLock { $0.append((headers, request.body)) }
      return Response(site.status.withLock { $0 })
    }
    let server = HTTPServer(settings: HTTPServerSettings(port: 0), router: router, logger: Logger(service: "site", level: .error))
    let stop = StopSignal()
    let running = Task { try await server.run(stop) }
    let port = try await server.boundPort
    let settings = ConnectorSettings(
      webhook: ("http://127.0.0.1:\(port)/hook", try WebhookSignature(key: Self.key)), texts: try shippedTexts())
    let result: Result<Void, any Error>
    do { result = .success(try await Post.with { try await body($0, site, settings) }) } catch { result = .failure(error) }
    stop.stop()
    try await running.value
    try result.get()
  }

  @Test("A call names customer, addresses, words and link, and is signed so that its receiver can tell who calls")
  func called() async throws {
    try await with { post, site, settings in
      let request = send(1, to: 1, channel: "wechat", language: .chinese, stopLink: "https://ask.example.com/s/abc/stop")
      try await post.take([
        .address(address(11, of: 1, "wx-1", kind: .openID)), .address(address(12, of: 1, "+8613900000001", kind: .phone)),
        .address(address(13, of: 1, "x", kind: .phone, isShared: true)),
      ])
      try await post.ask(request)
      try await post.run(settings, until: state(post, request, .accepted))
      let call = try #require(site.calls.withLock { $0.first })
      let body = try JSONValue(call.body)
      #expect(body["type"] == "survey.invitation" && body["customer_id"]?.stringValue == CustomerID(number: 1).description && body["channel"] == "wechat")
      #expect(body["stop_link"] == "https://ask.example.com/s/abc/stop")
      #expect(body["addresses"] == ["phone": "+8613900000001", "open_id": "wx-1"])
      #expect(body["subject"] == "您对我们满意吗？" && body["text"]?.stringValue?.contains("https://ask.example.com/s/abc") == true)
      let signature = try WebhookSignature(key: Self.key)
      let second = try #require(Int64(call.headers[WebhookSignature.timeHeader] ?? ""))
      let id = try #require(call.headers[WebhookSignature.idHeader])
      #expect(id == body["delivery_id"]?.stringValue)
      let given = call.headers[WebhookSignature.signatureHeader] ?? ""
      #expect(try signature.check(given, id: id, second: second, body: call.body, now: Sender.machineTime()) == .genuine)
    }
  }

  @Test("A database that is away when a message was taken over has it noted later, and not sent twice")
  func notedLater() async throws {
    try await with { post, site, settings in
      let request = send(1, to: 1)
      try await post.ask(request)
      try await Tables.session(post.tables) { session in
        // What a sequence gave is not rolled back: so it is known that noting was tried.
        try session.execute("CREATE SEQUENCE tries")
        let raise = "BEGIN PERFORM nextval(''tries''); RAISE EXCEPTION ''away''; END"
        try session.execute("CREATE FUNCTION away() RETURNS trigger LANGUAGE plpgsql AS '\(raise)'")
        try session.execute("CREATE TRIGGER away BEFORE UPDATE ON attempts FOR EACH ROW EXECUTE FUNCTION away()")
      }
      let isBack = Mutex(false)
      try await post.run(settings) {
        if !isBack.withLock({ $0 }) {
          let isBackNow = try await Tables.session(post.tables) { session in
            guard try session.query(Statement(name: "", sql: "SELECT is_called FROM tries")).bool(0, 0) else { return false }
            try session.execute("DROP TRIGGER away ON attempts")
            return true
          }
          isBack.withLock { $0 = isBackNow }
        }
        return try await post.record(request)?.delivery.state == .accepted
      }
      #expect(site.calls.withLock { $0.count } == 1)
      #expect(try await post.history(request) == ["accepted"])
    }
  }

  @Test("An answer that refuses the message for good ends it, any other but success keeps it waiting")
  func answers() async throws {
    try await with { post, site, settings in
      let (refused, later) = (send(1, to: 1), send(2, to: 2))
      site.status.withLock { $0 = .gone }
      try await post.ask(refused)
      try await post.run(settings, until: state(post, refused, .bounced))
      for status in [HTTPStatus.notFound, .internalServerError] {
        site.status.withLock { $0 = status }
        let request = send(Int64(status.rawValue), to: 3)
        try await post.ask(request)
        try await post.run(settings) { try await post.isPutOff(request, after: "later") }
      }
      try await post.ask(later)
      #expect([302, 401, 429, 503].allSatisfy { WebhookMessage.result(ofStatus: $0) == .later } && WebhookMessage.result(ofStatus: 204) == .accepted)
    }
  }

  @Test("Where nobody takes anything a way rests, and messages wait untried; those that go another way are not kept by it")
  func rests() async throws {
    try await with { post, site, settings in
      // Nobody listens at this port of the machine's any more.
      let closed = try await Post.closedPort()
      let both = ConnectorSettings(
        mail: (MailServer(host: "127.0.0.1", port: closed, security: .none), "service@shop.example"), webhook: settings.webhook, texts: settings.texts,
        senders: 1)
      let mails = (1...9).map { send($0, to: $0, channel: "email") }
      let calls = (11...13).map { send($0, to: $0, channel: "sms") }
      try await post.take((1...9).map { .address(address($0, of: $0, "c\($0)@example.com")) })
      try await post.take((mails + calls).map { .send(try ConnectorHandler.id(of: $0), $0) })
      try await post.run(both) {
        var isDone = true
        for call in calls { isDone = try await post.record(call)?.delivery.state == .accepted && isDone }
        for mail in mails { isDone = try await post.record(mail)?.delivery.dueAt != nil && isDone }
        return isDone
      }
      #expect(site.calls.withLock { $0.count } == 3)
      var (tried, untried) = (0, 0)
      for mail in mails {
        let (history, record) = (try await post.history(mail), try await post.record(mail))
        #expect(record?.delivery.state == .waiting)
        if history == ["later"] { tried += 1 }
        if history.isEmpty, record?.delivery.attempts == 0 { untried += 1 }
      }
      #expect(tried == WayRest.failuresMax && untried == mails.count - WayRest.failuresMax)
      #expect(both.rests.end(of: .email, at: Sender.machineTime()) != nil && both.rests.end(of: .webhook, at: Sender.machineTime()) == nil)
    }
  }

  @Test("A known answer of Standard Webhooks: the same key, id, moment and body give the same signature")
  func signature() throws {
    // The example of the specification's own libraries.
    let key = try #require(Base64.decoded("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
    let signature = try WebhookSignature(key: key)
    let body = Array(#"{"test": 2432232314}"#.utf8)
    let signed = try signature.sign(id: "msg_p5jXN8AQM9LWM0D4loKWxJek", second: 1_614_265_330, body: body)
    #expect(signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
    func check(_ given: String, _ body: [UInt8] = body, after seconds: Int64 = 0) throws -> WebhookSignature.Verdict {
      try signature.check(
        given, id: "msg_p5jXN8AQM9LWM0D4loKWxJek", second: 1_614_265_330, body: body, now: Instant(microseconds: (1_614_265_330 + seconds) * 1_000_000))
    }
    #expect(try check("v1,AAAA v2,x \(signed)") == .genuine)
    #expect(try check(signed, body + [0x20]) == .forged && check("") == .forged && check("v1,") == .forged && check(String(signed.dropLast())) == .forged)
    for second in [Int64.min, .max] {
      let far = try signature.sign(id: "x", second: second, body: body)
      #expect(try signature.check(far, id: "x", second: second, body: body, now: Sender.machineTime()) == .tooOld)
    }
    #expect(try check(signed, after: 300) == .genuine && check(signed, after: 301) == .tooOld && check(signed, after: -301) == .tooOld)
  }
}
