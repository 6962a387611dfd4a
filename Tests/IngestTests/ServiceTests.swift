// Ingest whole: records on the public topics and over HTTP, facts on its own topics, the rest in quarantine and back (I-02, I-05).
import Access
import Auditing
import Contracts
import Dispatch
import Domain
import Handling
import HTTP
import Hashing
import IngestStore
import Kafka
import Lifecycle
import Messaging
import Postgres
import Runtime
import TestSupport
import Telemetry
import Testing
import Text

@testable import IngestCore
@testable import ingest

/// The service's consumer and API over a private database and the built-in broker.
private struct Running {
  let router: Router
  let producer: Producer
  let kafka: KafkaSettings
  let database: PostgresSettings

  static let secondsMax: UInt64 = 60

  static func with(_ body: (Running) async throws -> Void) async throws {
    try await TestDatabase.withDatabase { settings in
      var settings = settings
      settings.schema = "ingest"
      let database = settings
      let topics =
        InputStream.allCases.map(\.topic) + [Topics.orders, Topics.customers, Topics.contacts, Topics.behaviours, Topics.answers]
        + InputStream.allCases.map { Topics.parked("ingest", $0.topic.name) }
      try await TestKafka.with(topics: topics.map { ($0.name, 2) }) { try await with(database, $0, topics, body) }
    }
  }

  private static func with(
    _ database: PostgresSettings, _ kafka: KafkaSettings, _ topics: [Topic], _ body: (Running) async throws -> Void
  ) async throws {
    let environment = try await TestDatabase.blocking {
      try Migrations(schema: "ingest", Resources.migrations(of: "ingest")).apply(to: database)
      return LaneEnvironment(
        service: "ingest", owner: "test", cluster: try KafkaProbe(kafka).clusterId(), database: database, kafka: kafka,
        layout: TopicLayout(Dictionary(uniqueKeysWithValues: topics.map { ($0.name, 2) })), clock: FixedClock(Kit.now), logger: .silent,
        metrics: Metrics())
    }
    let own = IngestSettings(rules: try Kit.rules(), pseudonymKey: Array("0123456789abcdef".utf8))
    let parts = IngestParts(own)
    let probe = try KafkaProbe(kafka)
    let producer = try Producer(kafka)
    try producer.start()
    parts.connect(producer, probe)
    let pool = PostgresPool(database)
    var router = Router(guarded: [AuditTrail.middleware(pool: pool, zone: .utc, clock: { Kit.now.microseconds })])
    IngestRoutes(parts: parts, pool: pool, clock: FixedClock(Kit.now)).add(to: &router)
    let consumer = TopicConsumer(
      topics: InputStream.allCases.map(\.topic.name),
      handler: IngestHandler(settings: own, catalog: parts.catalog, clock: FixedClock(Kit.now)), environment: environment, probe: probe)
    let stop = StopSignal()
    let running = Running(router: router, producer: producer, kafka: kafka, database: database)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await consumer.run(stop) }
      do { try await body(running) } catch {
        stop.stop()
        throw error
      }
      stop.stop()
      try await group.waitForAll()
    }
    _ = await producer.close(within: .seconds(5))
    await pool.close()
  }

  func ask(_ method: HTTPMethod, _ target: String, _ body: String = "", headers: HTTPHeaders = ["Content-Type": "application/json"])
    async throws -> (Int, JSONValue)
  {
    let response = try await router.respond(to: try Request(method, target, headers: headers, body: Array(body.utf8)))
    return (response.status.rawValue, try JSONValue(response.bytes ?? []))
  }

  /// What was looked at as it came, the newest first.
  func seen() async throws -> [String] {
    let database = database
    return try await TestDatabase.blocking {
      let session = try PostgresSession(database)
      defer { session.close() }
      let day = Day(number: 0)
      return try AuditRows.looks(from: day, to: day + 99_999, actor: nil, customer: nil, before: nil, limit: 10, session).map(\.seen)
    }
  }

  func publish(_ json: String, topic: Topic = Topics.ordersIn, key: String = "k", headers: [(String, String)] = []) async throws {
    _ = try await producer.send(
      OutgoingRecord(topic: topic.name, key: Array(key.utf8), value: Array(json.utf8), headers: headers.map { KafkaHeader($0.0, $0.1) }))
  }

  /// The records of a topic, once there are so many of them.
  func records(_ topic: Topic, count: Int) async throws -> [KafkaRecord] {
    try await eventually("\(count) records on \(topic.name)") {
      let found = try await TestDatabase.blocking { try KafkaProbe(kafka).readAll(topic.name) }
      return found.count >= count ? found : nil
    }
  }

  /// Looks until there is an answer, within a bound; each look takes a round trip to broker or database.
  func eventually<Value>(_ what: String, _ look: () async throws -> Value?) async throws -> Value {
    let start = DispatchTime.now().uptimeNanoseconds
    while DispatchTime.now().uptimeNanoseconds - start < Running.secondsMax * 1_000_000_000 {
      if let found = try await look() { return found }
      await Task.yield()
    }
    throw Surprise("there never were \(what)")
  }

  /// The quarantined records, once there are so many open ones.
  func quarantine(_ query: String = "", count: Int) async throws -> [JSONValue] {
    try await eventually("\(count) records in quarantine") {
      let list = try await ask(.get, "/v1/quarantine?\(query)").1.arrayValue ?? []
      return list.count >= count ? list : nil
    }
  }
}

@Suite(.enabled(if: TestDatabase.isAvailable, Comment(rawValue: TestDatabase.whyNot)), .serialized) struct ServiceTests {
  static let reason: HTTPHeaders = ["Content-Type": "application/json", Look.header: "the till sends no prices"]
  static let order =
    #"{"source":"shop","order_id":"1","occurred_at":"2026-06-30T10:00:00Z","status":"paid","total":"5","customer":{"member_id":"M1"}}"#

  @Test("a contract record comes out as a fact, keyed by the hash of its home, with CloudEvents headers") func recordToFact() async throws {
    try await Running.with { running in
      let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
      try await running.publish(ServiceTests.order, headers: [(Header.traceParent, trace)])
      try await running.publish(ServiceTests.order, key: "other")
      try await running.publish(
        #"{"type":"refund","source":"shop","refund_id":"r","order_id":"1","occurred_at":"2026-06-30T11:00:00Z","amount":"2"}"#)
      try await running.publish(
        #"{"source":"crm","event_id":"c1","occurred_at":"2026-06-30T10:00:00Z","customer":{"member_id":"M1","name":"Li"}}"#,
        topic: Topics.customersIn)
      let facts = try await running.records(Topics.orders, count: 2)
      #expect(facts.count == 2)
      let digest = try KeyedHasher(key: Array("0123456789abcdef".utf8)).hash(word: UInt8(IdentifierKind.memberID.rawValue), "M1")
      let key = IdentityKey(high: digest.high, low: digest.low).hexadecimal
      #expect(facts.allSatisfy { $0.key == Array(key.utf8) })
      let fact = try #require(facts.first { $0.header(Header.id) == Array("shop/order/1/1".utf8) })
      #expect(fact.header(Header.type) == Array(EventType.order.utf8))
      let event = try (fact.value ?? []).withUnsafeBytes { raw in
        var reader = JSONReader(raw)
        return try OrderEvent(reading: &reader)
      }
      #expect(event.paidAt == event.occurredAt && event.identifiers == [Identifier(kind: .memberID, value: "M1")])
      let customers = try await running.records(Topics.customers, count: 1)
      #expect(customers.map { $0.header(Header.id) } == [Array("crm/c1".utf8)])
    }
  }

  @Test("over HTTP contacts, behaviours and answers go by their type, one body holding all of them, and come out once each") func types() async throws {
    try await Running.with { running in
      let typed = [("contact", InteractionTests.contact), ("behaviour", InteractionTests.behaviour), ("answer", InteractionTests.answer)].map { type, json in
        json.replacing("\n", with: " ").replacing("{\"source\"", with: "{\"type\":\"\(type)\",\"source\"")
      }
      let (status, results) = try await running.ask(
        .post, "/v1/events", ([ServiceTests.order] + typed + typed).joined(separator: "\n"), headers: ["Content-Type": "application/x-ndjson"])
      #expect(status == 202, "\(results.encodedText)")
      let event = #"{"specversion":"1.0","id":"ce-9","source":"desk","type":"com.example.contact","time":"2026-06-30T10:00:00Z","#
        + #""data":{"text":"hi","customer":{"member_id":"M1"}}}"#
      #expect(try await running.ask(.post, "/v1/events", event, headers: ["Content-Type": "application/cloudevents+json"]).0 == 202)
      let found = Set(try await running.records(Topics.contacts, count: 2).map { String(decoding: $0.header(Header.id) ?? [], as: UTF8.self) })
      #expect(found == ["desk/c-1", "desk/ce-9"])
      for (topic, type) in [(Topics.behaviours, EventType.behaviour), (Topics.answers, EventType.answer)] {
        let records = try await running.records(topic, count: 1)
        #expect(records.map { $0.header(Header.type) } == [Array(type.utf8)])
      }
      #expect(try await running.ask(.post, "/v1/events?stream=tickets", "{}").0 == 400)
      #expect(try await running.quarantine("state=all", count: 0).isEmpty)
    }
  }

  @Test("over HTTP each record is told its fate, and what is refused can be corrected and replayed, once") func httpAndReplay() async throws
  {
    try await Running.with { running in
      let bad = #"{"order_id":"2","occurred_at":"2026-06-30T10:00:00Z","total":"-5","customer":{"member_id":"M1"}}"#
      let (status, results) = try await running.ask(.post, "/v1/events?source=shop&import=i1", "[\(ServiceTests.order),\(bad)]")
      #expect(status == 200)
      #expect(results[0]?["status"] == "accepted" && results[0]?["event_id"] == "order/1/1")
      #expect(results[1]?["status"] == "quarantined" && results[1]?["reasons"]?[0]?["rule"] == "range")
      let list = try await running.quarantine("source=shop&reason=total.range", count: 1)
      let id = try #require(list.first?["id"]?.int64Value)
      // Masked unless asked for.
      #expect(list.first?["value"]?["customer"]?["member_id"] == "**")
      #expect(try await running.ask(.get, "/v1/quarantine/\(id)?raw=1").0 == 400)
      #expect(try await running.ask(.get, "/v1/quarantine/\(id)?raw=1", headers: ServiceTests.reason).1["value"] == .text(bad))
      #expect(try await running.seen() == [#"[{"customer":null,"record":"quarantine \#(id)","fields":["record.value"]}]"#])
      let parked = try await running.records(Topics.parked("ingest", Topics.ordersIn.name), count: 1)
      #expect(parked.first?.header(Header.parkedReasons) == Array("total.range".utf8))
      let counts = try await running.ask(.get, "/v1/quarantine/counts").1
      #expect(counts[0]?["records"] == 1 && counts[0]?["reason"] == "total.range")

      let good = bad.replacing("-5", with: "5")
      #expect(try await running.ask(.post, "/v1/quarantine/\(id)/replay", good).0 == 202)
      #expect(try await running.ask(.post, "/v1/quarantine/\(id)/replay", good).0 == 409)
      #expect(try await running.ask(.post, "/v1/quarantine/\(id)/dismiss").0 == 409)
      let facts = try await running.records(Topics.orders, count: 2)
      #expect(Set(facts.map { $0.header(Header.id) }) == [Array("shop/order/1/1".utf8), Array("shop/order/2/1".utf8)])
      let report = try await running.ask(.get, "/v1/imports/i1").1
      #expect(report["accepted"]?["records"] == 1 && report["quarantined"]?["records"] == 1)
      let third = ServiceTests.order.replacing("\"order_id\":\"1\"", with: "\"order_id\":\"3\"")
      #expect(try await running.ask(.post, "/v1/events?source=shop&import=i2%20(July)", third).0 == 202)
      _ = try await running.records(Topics.orders, count: 3)
      let newest = try await running.ask(.get, "/v1/imports?limit=1").1
      #expect(newest["imports"]?[0]?["id"] == "i2 (July)" && newest["imports"]?[0]?["accepted"] == ["records": 1, "lines": 1])
      let place = PercentEncoding.encoded(try #require(newest["next"]?.stringValue))
      let rest = try await running.ask(.get, "/v1/imports?limit=1&before=\(place)").1
      #expect(rest["imports"]?[0]?["id"] == "i1" && rest["imports"]?[0]?["accepted"] == ["records": 1, "lines": 1] && rest["next"] == .null)
      for bad in ["limit=0", "before=x", "before=9%20", "before=99999999999999999999%20i"] {
        #expect(try await running.ask(.get, "/v1/imports?\(bad)").0 == 400, "\(bad)")
      }
      let sources = try await running.ask(.get, "/v1/sources").1
      #expect(
        sources[0]?["name"] == "shop" && sources[0]?["days"]?[0]?["refused"] == 1 && sources[0]?["days"]?[0]?["is_above_ceiling"] == true)
    }
  }

  @Test("conflicting contents are shown side by side") func conflict() async throws {
    try await Running.with { running in
      try await running.publish(ServiceTests.order)
      _ = try await running.records(Topics.orders, count: 1)
      try await running.publish(ServiceTests.order.replacing("\"5\"", with: "\"6\""))
      let id = try #require(try await running.quarantine("reason=order_id.conflict", count: 1).first?["id"]?.int64Value)
      let shown = try await running.ask(.get, "/v1/quarantine/\(id)?raw=1", headers: ServiceTests.reason).1
      #expect(shown["value"] == .text(ServiceTests.order.replacing("\"5\"", with: "\"6\"")))
      #expect(shown["first"]?["value"] == .text(ServiceTests.order))
      #expect(shown["differences"] == [["field": "total", "first": "5", "second": "6"]])
      let report = try await running.ask(.get, "/v1/conflicts?source=shop").1
      #expect(report["conflicts"]?.arrayValue?.map { $0["id"] } == [.integer(id)] && report["more"] == false)
      // Masked, but for what differs only in short figures.
      #expect(report["conflicts"]?[0]?["differences"]?[0]?["field"] == "total" && report["conflicts"]?[0]?["first"]?["is_gone"] == false)
      #expect(report["conflicts"]?[0]?["first"]?["value"]?["customer"]?["member_id"] == "**")
      #expect(try await running.ask(.get, "/v1/conflicts?source=other").1["conflicts"] == [])
      #expect(try await running.ask(.post, "/v1/quarantine/\(id)/dismiss").0 == 200)
      #expect(try await running.ask(.get, "/v1/quarantine?state=dismissed").1.arrayValue?.count == 1)
    }
  }

  @Test("a source is registered with owner, kind and mapping; while it is blocked its records go to quarantine, and come in when it is not")
  func sources() async throws {
    try await Running.with { running in
      #expect(try await running.ask(.get, "/v1/sources/shop").0 == 404)
      let (status, source) = try await running.ask(.put, "/v1/sources/shop", #"{"owner":"Li Lei","kind":"pos"}"#)
      #expect(status == 200 && source["state"] == "active" && source["owner"] == "Li Lei" && source["kind"] == "pos" && source["mapping"] == .null)
      let refused = try await running.ask(.put, "/v1/sources/shop", #"{"owner":"","kind":"x","state":"seen","mapping":1,"size":2}"#)
      #expect(refused.0 == 422 && refused.1["errors"]?.arrayValue?.map { $0["field"] } == ["owner", "kind", "state", "mapping", "size"])
      #expect(try await running.ask(.put, "/v1/sources/shop", #"{"mapping":"none@1"}"#).0 == 422)
      let id = try #require(try await running.ask(.put, "/v1/mappings", MappedRecordTests.json).1["id"]?.stringValue)
      #expect(try await running.ask(.put, "/v1/sources/other", "{\"mapping\":\"\(id)\"}").0 == 422)
      let mapped = try await running.ask(.put, "/v1/sources/shop", "{\"mapping\":\"\(id)\"}").1
      #expect(mapped["mapping"] == .text(id) && mapped["mapping_version"]?.int64Value != nil && mapped["newest_mapping"] == .text(id))
      #expect(try await running.ask(.put, "/v1/sources/shop", #"{"mapping":null,"state":"blocked"}"#).1["state"] == "blocked")
      // By its header, and by its own word; another source is let in.
      try await running.publish(ServiceTests.order)
      try await running.publish(ServiceTests.order.replacing(#""order_id":"1""#, with: #""order_id":"2""#), headers: [(Header.inputSource, "shop")])
      try await running.publish(ServiceTests.order.replacing("shop", with: "web"))
      #expect(try await running.quarantine("reason=source.blocked", count: 2).count == 2)
      #expect(try await running.records(Topics.orders, count: 1).count == 1)
      #expect(try await running.ask(.put, "/v1/sources/shop", #"{"state":"active"}"#).1["owner"] == "Li Lei")
      #expect(try await running.ask(.post, "/v1/quarantine/replay?source=shop").1["replayed"] == 2)
      #expect(try await running.records(Topics.orders, count: 3).count == 3)
      #expect(try await running.ask(.get, "/v1/sources/web").1["state"] == "seen")
    }
  }

  @Test("quality is told by source, stream, day and field, the partitions added up") func quality() async throws {
    try await Running.with { running in
      for number in 0..<6 {
        try await running.publish(
          ServiceTests.order.replacing(#""order_id":"1""#, with: "\"order_id\":\"\(number)\"").replacing("\"5\"", with: number == 0 ? "\"x\"" : "\"5\""),
          key: "\(number)", headers: [(Header.inputSource, "shop")])
      }
      try await running.publish(InteractionTests.answer, topic: Topics.answersIn)
      _ = try await running.records(Topics.orders, count: 5)
      _ = try await running.records(Topics.answers, count: 1)
      _ = try await running.quarantine(count: 1)
      let rows = try await running.ask(.get, "/v1/quality?days=2").1
      let row = try #require(rows.arrayValue?.first { $0["stream"] == "orders" })
      #expect(row["records"] == 6 && row["accepted"] == 5 && row["refused"] == 1 && row["error_rate"] == .number("0.1667") && row["is_above_ceiling"] == true)
      #expect(row["lateness"]?["records"] == 5 && row["lateness"]?["late"] == 5 && row["lateness"]?["late_share"] == .number("1.0000"))
      let fields = Dictionary(uniqueKeysWithValues: (row["fields"]?.arrayValue ?? []).map { ($0["field"]?.stringValue ?? "", $0) })
      #expect(fields["amount"]?["errors"] == 1 && fields["amount"]?["filled"] == 5 && fields["customer.member_id"]?["completeness"] == .number("1.0000"))
      #expect(fields["channel"] == nil)
      #expect(try await running.ask(.get, "/v1/quality?source=polls").1.arrayValue?.map { $0["stream"] } == ["answers"])
      #expect(try await running.ask(.get, "/v1/quality?days=0").0 == 400)
    }
  }

  @Test("what a correction would come to is said before anything is published, and nothing is")
  func trial() async throws {
    try await Running.with { running in
      let bad = ServiceTests.order.replacing("\"5\"", with: "\"-5\"")
      try await running.publish(bad)
      try await running.publish(bad.replacing("\"order_id\":\"1\"", with: "\"order_id\":\"2\""), headers: [(Header.inputSource, "shop")])
      let list = try await running.quarantine(count: 2)
      let id = try #require(list.first?["id"]?.int64Value)
      let again = try await running.ask(.post, "/v1/quarantine/\(id)/try").1
      #expect(again["outcome"] == "refused" && again["reasons"]?[0]?["rule"] == "range")
      let good = try await running.ask(.post, "/v1/quarantine/\(id)/try?raw=1", ServiceTests.order, headers: ServiceTests.reason).1
      #expect(try await running.seen().count == 1)
      #expect(good["outcome"] == "accepted" && good["kind"] == "order" && good["event"]?["amount"] == 500)
      #expect(try await running.ask(.post, "/v1/quarantine/\(id)/try?mapping=none@1").0 == 422)
      #expect(try await running.ask(.post, "/v1/quarantine/dismiss").0 == 400)
      let dismissed = try await running.ask(.post, "/v1/quarantine/dismiss?source=shop&reason=total.range").1
      #expect(dismissed["dismissed"] == 2 && dismissed["more"] == false)
      #expect(try await running.ask(.post, "/v1/quarantine/dismiss?source=shop").1["dismissed"] == 0)
      #expect(try await running.ask(.get, "/v1/quarantine/\(id)").1["state"] == "dismissed")
    }
  }

  @Test("a mapping registered after its records came brings them in by a replay; as a source's default it reads what follows")
  func mapping() async throws {
    try await Running.with { running in
      let foreign = #"{"event":"paid","order":{"id":"7","at":1782813600000,"currency":"CNY","cents":1001},"buyer":{"tel":"13912345678"}}"#
      try await running.publish(foreign, headers: [(Header.inputSource, "shop")])
      _ = try await running.quarantine("source=shop", count: 1)
      #expect(try await running.ask(.put, "/v1/mappings", "mapping: x").0 == 422)
      let (status, registered) = try await running.ask(.put, "/v1/mappings?default=1", MappedRecordTests.json)
      #expect(status == 201)
      #expect(try await running.ask(.put, "/v1/mappings?default=1", MappedRecordTests.json).0 == 200)
      let id = try #require(registered["id"]?.stringValue)
      #expect(try await running.ask(.get, "/v1/mappings/\(id)").1["yaml"] == .text(MappedRecordTests.json))
      let (replayed, answer) = try await running.ask(.post, "/v1/quarantine/replay?source=shop")
      #expect(replayed == 202 && answer["replayed"] == 1)
      // Kafka's client has seen the source without a mapping before: what comes now must be read by the new one.
      try await running.publish(foreign.replacing("\"7\"", with: "\"8\""), headers: [(Header.inputSource, "shop")])
      try await running.publish(foreign.replacing("\"7\"", with: "\"9\""), headers: [(Header.mapping, id)])
      let facts = try await running.records(Topics.orders, count: 3)
      #expect(Set(facts.map { $0.header(Header.id) }) == Set(["7", "8", "9"].map { Array("shop/order/\($0)/1".utf8) }))
      let (code, checked) = try await running.ask(.post, "/v1/events?source=shop", foreign.replacing("1001", with: "-1"))
      #expect(code == 422 && checked[0]?["reasons"]?[0]?["field"] == "total")
    }
  }

  @Test("NDJSON and CloudEvents in all three modes are taken over HTTP") func formats() async throws {
    try await Running.with { running in
      let two = ServiceTests.order + "\n\n" + ServiceTests.order.replacing(#""order_id":"1""#, with: #""order_id":"2""#) + "\n"
      #expect(try await running.ask(.post, "/v1/events", two, headers: ["Content-Type": "application/x-ndjson"]).0 == 202)
      func event(_ id: String) -> String {
        #"{"specversion":"1.0","id":"\#(id)","source":"shop","type":"order","time":"2026-06-30T10:00:00Z","#
          + #""data":{"order_id":"\#(id)","total":1,"customer":{"member_id":"M"}}}"#
      }
      #expect(try await running.ask(.post, "/v1/events", event("3"), headers: ["Content-Type": "application/cloudevents+json"]).0 == 202)
      #expect(
        try await running.ask(
          .post, "/v1/events", "[\(event("4")),\(event("5"))]", headers: ["Content-Type": "application/cloudevents-batch+json"]
        ).0 == 202)
      let binary: HTTPHeaders = [
        "Content-Type": "application/json", "ce-specversion": "1.0", "ce-id": "6", "ce-source": "shop", "ce-type": "order",
        "ce-time": "2026-06-30T10:00:00Z",
      ]
      #expect(
        try await running.ask(.post, "/v1/events", #"{"order_id":"6","total":1,"customer":{"member_id":"M"}}"#, headers: binary).0 == 202)
      let facts = try await running.records(Topics.orders, count: 6)
      #expect(
        Set(facts.map { String(decoding: $0.header(Header.id) ?? [], as: UTF8.self) }) == [
          "shop/order/1/1", "shop/order/2/1", "shop/3", "shop/4", "shop/5", "shop/6",
        ])
      #expect(try await running.ask(.post, "/v1/events", "{").0 == 400)
      #expect(try await running.ask(.post, "/v1/events", "x", headers: ["Content-Type": "text/csv"]).0 == 415)
      #expect(try await running.ask(.post, "/v1/events?stream=x", "{}").0 == 400)
      let many = "[" + Array(repeating: "{}", count: 1_001).joined(separator: ",") + "]"
      #expect(try await running.ask(.post, "/v1/events", many).0 == 413)
    }
  }
}
