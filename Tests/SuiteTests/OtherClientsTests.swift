// What upstream systems do: publish with clients of their own, and send what they should not.
import Embedded
import Kafka
import TestSupport
import Testing
import Text

@Suite(.serialized, .enabled(if: Programs.isAvailable, Programs.whyNot)) struct OtherClientsTests {
  private func brokers(_ suite: RunningSuite) async throws -> String {
    let environment = try await suite.clientele("env")
    let line = try #require(environment.lines.first { $0.contains("KAFKA_BROKERS=") })
    return String(line.split(separator: "'")[1])
  }

  @Test(.enabled(if: Executables.onPath("kcat") != nil, "needs kcat")) func anOrderPublishedByAnotherClientBecomesATierThatCanBeRead() async throws {
    try await RunningSuite.with(clock: "1998-07-01") { suite in
      let file = suite.folder + "/order.json"
      let order = #"{"order_id":"1","occurred_at":"1998-06-20T10:00:00+08:00","status":"paid","total":"128.00","customer":{"member_id":"M1"}}"#
      try Programs.write(file, Array(order.utf8))
      let kcat = try #require(Executables.onPath("kcat"))
      let sent = try await Programs.run(
        kcat, ["-P", "-b", try await brokers(suite), "-t", "in.orders.v1", "-H", "source=shop", file], in: suite.folder)
      #expect(sent.status == 0, "\(sent.errors)")
      var shown = try await suite.clientele("customer", "show", "--member", "M1", "--json")
      let deadline = ContinuousClock.now + .seconds(60)
      while shown.status != 0 || !shown.output.contains("\"tier\""), ContinuousClock.now < deadline {
        shown = try await suite.clientele("customer", "show", "--member", "M1", "--json")
      }
      #expect(shown.output.contains("\"tier\""), "\(shown.output) \(shown.errors)")
    }
  }

  /// What must end in quarantine, each with the reason it must carry.
  static let bad: [(value: [UInt8], reason: String)] = [
    (Array("{".utf8), "record."), (Array(#"{"order_id":1}"#.utf8), "order_id."), (Array("[]".utf8), "record."), (Array("nonsense".utf8), "record."),
    (Array(String(repeating: "[", count: 1_000).utf8), "record."), ([0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x31, 0x7D], "record."),
    (Array(#"{"order_id":"a\u0000b","occurred_at":"1998-06-20T10:00:00Z","total":"1","customer":{"member_id":"M1"}}"#.utf8), ""),
    (Array(#"{"order_id":"f","occurred_at":"2098-06-20T10:00:00Z","total":"1","customer":{"member_id":"M1"}}"#.utf8), "occurred_at.future"),
    (Array(#"{"order_id":"n","occurred_at":"-998-06-20T10:00:00Z","total":"1","customer":{"member_id":"M1"}}"#.utf8), "occurred_at."),
    (Array(#"{"order_id":"c","occurred_at":"1998-06-20T10:00:00Z","total":"1","currency":"XXQ","customer":{"member_id":"M1"}}"#.utf8), "currency."),
    (Array(#"{"order_id":"r","occurred_at":"1998-06-20T10:00:00Z","total":"-1","customer":{"member_id":"M1"}}"#.utf8), "total."),
    (Array(#"{"order_id":"m","occurred_at":"1998-06-20T10:00:00Z","total":"1"}"#.utf8), "customer.missing"),
    (Array(#"{"order_id":"j","occurred_at":"1998-06-20T10:00:00Z","total":"1","customer":{"member_id":"anonymous"}}"#.utf8), "customer.missing"),
  ]

  @Test func badRecordsEndInQuarantineEachWithItsReasonAndTheSuiteGoesOn() async throws {
    try await RunningSuite.with(clock: "1998-07-01") { suite in
      let producer = try Producer(KafkaSettings(brokers: try await brokers(suite), clientId: "test", isBuiltIn: true))
      try producer.start()
      for (number, bad) in OtherClientsTests.bad.enumerated() {
        _ = try await producer.send(
          OutgoingRecord(topic: "in.orders.v1", key: Array("k\(number)".utf8), value: bad.value, headers: [KafkaHeader("source", "shop")]))
      }
      _ = await producer.close(within: .seconds(5))
      var listed = try await suite.json("quarantine", "list", "--json", "--limit", "100")
      let deadline = ContinuousClock.now + .seconds(60)
      func records() -> [JSONValue] { listed.arrayValue ?? listed["records"]?.arrayValue ?? [] }
      while records().count < OtherClientsTests.bad.count, ContinuousClock.now < deadline {
        listed = try await suite.json("quarantine", "list", "--json", "--limit", "100")
      }
      #expect(records().count == OtherClientsTests.bad.count)
      let text = listed.encodedText
      #expect(!text.contains("\"reasons\":[]"))
      #expect(try await suite.clientele("status").status == 0)
    }
  }

  @Test func wrongArgumentsAndMissingFilesAreSaidPlainly() async throws {
    try await RunningSuite.with(clock: "1998-07-01") { suite in
      let mapping = Programs.repository + "/deploy/mappings/cdnow.yaml"
      let missing = try await suite.clientele("import", "nowhere.txt", "--source", "x", "--mapping", mapping)
      #expect(missing.status == 1 && missing.errors.contains("nowhere.txt"))
      let file = suite.folder + "/bad.yaml"
      try Programs.write(file, Array("mapping: broken\nformat: [\n".utf8))
      let broken = try await suite.clientele("import", file, "--source", "x", "--mapping", file)
      #expect(broken.status == 1 && broken.errors.contains("bad.yaml"))
      let word = try await suite.clientele("improt")
      #expect(word.status == 64 && word.errors.contains("import"))
      let day = try await suite.clientele("report", "tiers", "--as-of", "yesterday")
      #expect(day.status == 64 && day.errors.contains("as-of"))
    }
  }

  @Test(.enabled(if: Executables.onPath("promtool") != nil && Executables.onPath("curl") != nil, "needs promtool and curl"))
  func everyServicesMetricsAreCleanUnderPromtool() async throws {
    let curl = try #require(Executables.onPath("curl"))
    let shell = try #require(Executables.onPath("sh"))
    try await RunningSuite.with(clock: "1998-07-01") { suite in
      let environment = try await suite.clientele("env")
      for line in environment.lines where line.contains("_URL='http") {
        let url = String(line.split(separator: "'")[1])
        let checked = try await Programs.run(shell, ["-c", "\"$0\" -s \"$1/metrics\" | promtool check metrics", curl, url], in: suite.folder)
        #expect(checked.status == 0 && checked.errors.isEmpty, "\(line): \(checked.errors)")
        // The console reads no topic. A service counts its partitions from when it has some.
        if line.contains("CLIENTELE_CONSOLE_URL") { continue }
        let names = ["clientele_partition_lag_records", "clientele_outbox_age_seconds", "clientele_batch_duration_seconds"]
        var metrics = try await Programs.run(curl, ["-s", url + "/metrics"], in: suite.folder)
        let deadline = ContinuousClock.now + .seconds(60)
        while !names.allSatisfy(metrics.output.contains), ContinuousClock.now < deadline {
          metrics = try await Programs.run(curl, ["-s", url + "/metrics"], in: suite.folder)
        }
        for name in names { #expect(metrics.output.contains(name), "\(line) lacks \(name)") }
      }
    }
  }
}
