// Commands against services that answer what they are told to.
import ClienteleCore
import CommandLine
import Domain
import Glibc
import HTTP
import Kafka
import Synchronization
import Testing
import Text

@Suite(.timeLimit(.minutes(1)))
struct ServiceCommandTests {
  private static let customer = Array(
    #"""
    {"customer_id":"5f4158138ec69708","asked_for":"5f4158138ec69708","member_id":"00002","first_seen_at":"1997-01-11T16:00:00Z",
     "identifiers":[{"kind":"phone","value":"+86********000","strong":true,"shared":false}],"attributes":{"industry":"retail"},
     "lifecycle":"churned","lifecycle_zh":"流失","as_of":"1998-07-01","currency":"CNY","recency_days":535,"frequency":0,"monetary":"0.00",
     "orders_of_all_time":1,"spend_of_all_time":"77.00",
     "orders":[{"source":"cdnow","order_id":"line-4","ordered_at":"1997-01-11T16:00:00Z","paid_at":null,"total":"77.00","channel":"web",
     "movements":[{"type":"refund","amount":"1.00"}]}]}
    """#.utf8)

  private static func customers(_ router: inout Router) {
    router.get("/v1/customers/{id}") { request in
      guard try request.parameter("id") == "5f4158138ec69708" else { throw Problem(.notFound, detail: "there is no customer") }
      return .json(customer)
    }
    router.get("/v1/customers") { _ in .json(customer) }
    router.get("/v1/tiers/{id}") { _ in .json(Array(#"{"tier":"watch","explanation":{"text":{"en":"Watch: score 4","zh":"观察：4 分"}}}"#.utf8)) }
  }

  @Test func aCustomerIsShownOnOnePage() async throws {
    let called = try await FakeSuite.run({ router, _ in Self.customers(&router) }) { await $0.call(["customer", "show", "5F4158138EC69708"]) }
    #expect(called.code == .ok)
    #expect(
      called.out == """
        Customer      5f4158138ec69708
        Member        00002
        Known by      phone +86********000
        First seen    1997-01-11T16:00:00Z
        Lifecycle     churned
        industry      retail
        On 1998-07-01: last paid order 535 days before; orders in 12 months: 0, 0.00 CNY; of all time: 1, 77.00 CNY

        Watch: score 4

        Latest orders (1 of 1)
        Ordered               Order   Source  Channel  Total  Paid  Movements
        --------------------  ------  ------  -------  -----  ----  -----------
        1997-01-11T16:00:00Z  line-4  cdnow   web      77.00  -     refund 1.00

        """)
  }

  @Test func phonesAndAddressesAreBroughtIntoTheFormTheyAreKeptIn() async throws {
    let requests = try await FakeSuite.run({ router, _ in Self.customers(&router) }) { suite in
      for words in [["--phone", "139 1234-5678"], ["--phone", "0044 20 7946 0958"], ["--email", "Li@Example.COM"], ["--member", "a&b=c d"]] {
        #expect(await suite.call(["customer", "show", "--json"] + words).code == .ok)
      }
      return suite.requests.filter { $0.hasPrefix("GET /v1/customers?") }
    }
    #expect(requests == ["+8613912345678", "+442079460958", "li@example.com", "a&b=c d"].map { "GET /v1/customers?\($0)" })
  }

  @Test func whoIsNotThereOrNotAskedForProperlyIsSaid() async throws {
    let (missing, phone) = try await FakeSuite.run({ router, _ in Self.customers(&router) }) { suite in
      (await suite.call(["customer", "show", "0000000000000001"]), await suite.call(["customer", "show", "--phone", "12345"]))
    }
    #expect(missing == Called(code: .failed, out: "", error: "clientele: there is no such customer\n"))
    #expect(phone.code == .failed && phone.error.contains("`12345` is no phone number"))
    #expect(await Tool.call(["customer", "show"]).code == .usage)
    #expect(await Tool.call(["customer", "show", "1", "--member", "2"]).code == .usage)
  }

  @Test func everythingOpenIsReplayedSourceBySourceAndPageByPage() async throws {
    let counts = #"""
      [{"source":"till","reason":"a","state":"open","records":1500,"lines":1500},{"source":"web","reason":"b","state":"open","records":1,"lines":9},
       {"source":"web","reason":"b","state":"replayed","records":7,"lines":7}]
      """#
    let (called, requests) = try await FakeSuite.run({ router, asked in
      router.get("/v1/quarantine/counts") { _ in .json(Array(counts.utf8)) }
      router.post("/v1/quarantine/replay") { request in
        let limit = Int(request.query["limit"] ?? "") ?? 0
        asked.add("\(request.query["source"] ?? "-") \(limit)")
        let after = Int(request.query["after"] ?? "") ?? 0
        return .json(Array(#"{"replayed":\#(limit - 1),"failed":1,"last_id":\#(after + limit),"more":true}"#.utf8), status: .accepted)
      }
    }) { suite in (await suite.call(["quarantine", "replay", "--all"]), suite.requests.filter { !$0.hasPrefix("GET") && !$0.hasPrefix("POST") }) }
    #expect(requests == ["till 1000", "till 500", "web 1"])
    #expect(called == Called(code: .failed, out: "1498 records sent again, 3 could not be\n", error: ""))
  }

  @Test func conflictsAreShownBesideTheRecordThatStands() async throws {
    let answer = #"""
      {"conflicts":[{"id":7,"state":"open","source":"shop","topic":"in.orders.v1","partition":0,"offset":9,"received_at":"2026-07-01T00:00:00Z",
       "reasons":[{"field":"order_id","rule":"conflict","detail":"first"}],"headers":{},"value":{"total":"6"},
       "first":{"topic":"in.orders.v1","partition":1,"offset":3,"received_at":"2026-06-30T00:00:00Z","is_gone":false,"value":{"total":"5"}},
       "differences":[{"field":"total","first":"5","second":"6"},{"field":"note","first":null,"second":{"a":1}}],"has_more_differences":false}],
       "last_id":7,"more":true}
      """#
    let called = try await FakeSuite.run({ router, _ in router.get("/v1/conflicts") { _ in .json(Array(answer.utf8)) } }) {
      await $0.call(["quarantine", "conflicts", "--source", "shop"])
    }
    #expect(called.code == .ok && called.out.contains("first record, which stands\n  in.orders.v1/1@3, 2026-06-30T00:00:00Z"), "\(called.out)")
    #expect(called.out.contains("  total  5              6\n  note   -              {\"a\":1}\n"), "\(called.out)")
    #expect(called.out.hasSuffix("there are more: --after 7\n"))
  }

  @Test func aCheckSaysWhatAReplayWouldComeToAndFailsWhenItIsRefused() async throws {
    let answers = [
      "1": #"{"outcome":"accepted","kind":"order","event":{"a":1}}"#,
      "2": #"{"outcome":"refused","reasons":[{"field":"a","rule":"b","detail":"c"}]}"#,
    ]
    let called = try await FakeSuite.run({ router, _ in
      router.post("/v1/quarantine/{id}/try") { request in .json(Array((answers[try request.parameter("id")] ?? "").utf8)) }
    }) { suite in [await suite.call(["quarantine", "check", "1", "--mapping", "m@2"]), await suite.call(["quarantine", "check", "2"])] }
    #expect(called[0] == Called(code: .ok, out: "would be accepted as order\n  {\"a\":1}\n", error: ""))
    #expect(called[1] == Called(code: .failed, out: "would be refused again\n  a.b: c\n", error: ""))
  }

  @Test func aMappingIsRegisteredAndItsIdPrinted() async throws {
    let folder = Folder()
    let file = folder.write("m.yaml", "mapping: m\n")
    let (called, requests) = try await FakeSuite.run({ router, asked in
      router.put("/v1/mappings") { request in
        asked.add("default=\(request.query["default"] ?? "") " + String(decoding: request.body, as: UTF8.self))
        return .json(Array(#"{"id":"m@1-abc","source":"s"}"#.utf8), status: .created)
      }
      router.get("/v1/mappings") { _ in
        .json(Array(#"[{"id":"m@1-abc","source":"s","owner":"o","registered_at":"2026-07-01T00:00:00Z"}]"#.utf8))
      }
      router.get("/v1/mappings/{id}") { request in .json(Array("{\"yaml\":\"of \(try request.parameter("id"))\"}".utf8)) }
    }) { suite in
      let called = [
        await suite.call(["mapping", "register", file, "--default"]), await suite.call(["mapping", "list"]),
        await suite.call(["mapping", "show", "m@1-abc"]),
      ]
      return (called, suite.requests)
    }
    #expect(called.map(\.code) == [.ok, .ok, .ok] && called[0].out == "m@1-abc\n" && called[2].out == "of m@1-abc")
    #expect(called[1].out.hasSuffix("m@1-abc  s       o      2026-07-01T00:00:00Z\n"), "\(called[1].out)")
    #expect(requests.contains("default=1 mapping: m\n"))
  }

  @Test func aSampleIsReadByAMappingWithoutASuite() async throws {
    let folder = Folder()
    let mapping = folder.write(
      "m.yaml",
      """
      mapping: till
      version: 1
      source: till
      owner: shop
      format: {kind: csv}
      skip: [{when: {field: Id, equals: T}, reason: test}]
      kinds: [{kind: order}]
      order:
        order_id: {field: Id}
        occurred_at: {field: At, pattern: "%Y-%m-%d", time_zone: business}
        total: {field: Total}
        customer: {phone: {field: Phone}}
      end: true

      """)
    let sample = folder.write("s.csv", "Id,At,Total,Phone\n1,2026-01-02,5,13912345678\nT,2026-01-02,5,\n2,2026-01-02,5,x\n")
    let shown = await Tool.call(["mapping", "check", mapping, "--sample", sample])
    #expect(shown.code == .failed && shown.error.isEmpty)
    #expect(shown.out.hasPrefix(#"line 2: order\n  {"type":"order","source":"till","event_id":"order/1/1""#.replacing("\\n", with: "\n")), "\(shown.out)")
    #expect(shown.out.contains("line 3: skipped, test\nline 4: refused\n  customer.phone.format: "))
    #expect(shown.out.hasSuffix("records   3\naccepted  1 (1 order)\nskipped   1  test\nrefused   1  customer.phone.format\n"))
    let json = try JSONValue(parsing: await Tool.call(["mapping", "check", mapping, "--sample", sample, "--limit", "1", "--json"]).out)
    #expect(json["records"] == 3 && json["results"]?.arrayValue?.count == 1 && json["results"]?[0]?["event"]?["identifiers"]?[0]?["value"] == "+8613912345678")
    #expect(await Tool.call(["mapping", "check", mapping]) == Called(code: .ok, out: "ok\n", error: ""))
    let other = folder.write("o.csv", "Id,At\n")
    #expect(await Tool.call(["mapping", "check", mapping, "--sample", other]).error.contains("the file has no column `Total`"))
  }

  @Test func dismissingManyNeedsASourceOrAReason() async {
    for words in [[], ["--all"], ["7", "--all"], ["7", "--source", "x"]] { #expect(await Tool.call(["quarantine", "dismiss"] + words).code == .usage) }
  }

  @Test func aReplayNeedsEitherANumberOrAll() async {
    #expect(await Tool.call(["quarantine", "replay"]).code == .usage)
    #expect(await Tool.call(["quarantine", "replay", "7", "--all"]).code == .usage)
    #expect(await Tool.call(["quarantine", "replay", "7", "--source", "till"]).code == .usage)
    #expect(await Tool.call(["quarantine", "show", "seven"]).code == .usage)
  }

  @Test func aRefusalOfAServiceIsToldWithItsFaults() async throws {
    let called = try await FakeSuite.run({ router, _ in
      router.get("/v1/quarantine/{id}") { _ in throw Problem.invalid([.init(field: "id", rule: "range", detail: "is too large")], detail: "no") }
    }) { await $0.call(["quarantine", "show", "7"]) }
    #expect(
      called.error == "clientele: ingest answered 422 Unprocessable Content to /v1/quarantine/7: no\n  id: range: is too large\n", "\(called.error)")
  }

  @Test(arguments: [(0, ExitCode.ok), (2, .failed)])
  func aRebuildIsWaitedForAndFailsWithDifferences(differences: Int, code: ExitCode) async throws {
    let left = Countdown(2)
    let called = try await FakeSuite.run({ router, _ in
      router.post("/v1/rebuilds") { _ in .json(Array(#"{"customers":3}"#.utf8), status: .accepted) }
      router.get("/v1/rebuilds") { _ in .json(Array(#"{"waiting":\#(left.next()),"differences":\#(differences)}"#.utf8)) }
    }) { await $0.call(["rebuild", "--json"]) }
    #expect(called == Called(code: code, out: "{\"customers\":3,\"differences\":\(differences)}\n", error: ""))
  }

  @Test func theDoctorSaysWhatIsWrongAndWhatToDo() async throws {
    let called = try await FakeSuite.run({ router, _ in
      router.get("/readyz") { _ in
        .json(Array(#"{"ready":false,"parts":{"lane":"ok","dependencies":"PostgreSQL is away"}}"#.utf8), status: .serviceUnavailable)
      }
    }) { await $0.call(["doctor"]) }
    #expect(called.code == .failed)
    #expect(called.out.hasPrefix("ingest dependencies: PostgreSQL is away\n  -> it waits for PostgreSQL and Kafka"))
    #expect(called.out.contains("\nbrokers: "))
  }
}

final class Countdown: Sendable {
  private let left: Mutex<Int>
  init(_ from: Int) { left = Mutex(from) }
  func next() -> Int {
    left.withLock { left in
      defer { left = max(0, left - 1) }
      return left
    }
  }
}

@Suite struct ConnectionTests {
  @Test func withoutASuiteEveryCommandSaysHowToStartOne() async {
    let folder = Folder()
    for words in [["report", "tiers"], ["customer", "show", "1"], ["quarantine", "list"], ["topics"], ["doctor"], ["rebuild"]] {
      let called = await Tool.call(words + ["--folder", folder.path])
      #expect(called.code == .failed && called.out.isEmpty)
      #expect(called.error.hasPrefix("clientele: no suite runs in \(folder.path): start one with `clientele up`, or set CLIENTELE_INGEST_URL"))
    }
  }

  private static func state(_ folder: Folder, pid: Int32, ready: Bool = true, kind: String = "built-in") {
    let state = SuiteState(
      pid: pid, isReady: ready, kafkaKind: kind, brokers: "127.0.0.1:9", databaseURL: "postgres://x", clock: "1998-07-01", businessZone: "Asia/Tokyo",
      baseCurrency: "JPY", services: ["profile": .init(pid: pid, url: "http://127.0.0.1:3/")])
    _ = folder.write(SuiteState.fileName, state.json.encodedText)
  }

  @Test func theStateOfARunningSuiteIsTaken() throws {
    let folder = Folder()
    Self.state(folder, pid: getpid())
    let found = try SuiteConnection.find(folder: folder.path, environment: ["CLIENTELE_PROFILE_URL": "http://elsewhere", "CLIENTELE_CLOCK": "2020-01-01"])
    #expect(try found.url(of: "profile") == "http://127.0.0.1:3")
    #expect(found.today.description == "1998-07-01" && found.zone.name == "Asia/Tokyo" && found.currency.description == "JPY")
    #expect(try found.kafka().isBuiltIn && found.kafka().brokers == "127.0.0.1:9")
    #expect(throws: SuiteFailure.self) { try found.url(of: "tiering") }
  }

  @Test func aSuiteThatHasDiedOrIsNotReadyIsNotTaken() {
    let folder = Folder()
    // No process has a number this high: the kernel's limit is 2^22.
    Self.state(folder, pid: 1 << 30)
    #expect(throws: SuiteFailure.self) { try SuiteConnection.find(folder: folder.path, environment: [:]) }
    Self.state(folder, pid: getpid(), ready: false)
    #expect(throws: SuiteFailure.self) { try SuiteConnection.find(folder: folder.path, environment: [:]) }
  }

  @Test func addressesOfTheEnvironmentDoWithoutAFolder() throws {
    let found = try SuiteConnection.find(
      folder: nil,
      environment: [
        "CLIENTELE_INGEST_URL": "http://a/", "KAFKA_BROKERS": "b:9092", "CLIENTELE_BASE_CURRENCY": "USD", "CLIENTELE_BUSINESS_ZONE": "Europe/London",
      ])
    #expect(try found.url(of: "ingest") == "http://a" && found.kafka().brokers == "b:9092" && !found.kafka().isBuiltIn)
    #expect(found.currency.description == "USD" && found.zone.name == "Europe/London" && found.kafkaKind == "external")
    #expect(throws: SuiteFailure.self) {
      try SuiteConnection.find(folder: nil, environment: ["CLIENTELE_INGEST_URL": "http://a", "CLIENTELE_BUSINESS_ZONE": "Mars/Base"])
    }
  }
}
