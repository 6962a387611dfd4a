// What an operator sees when something is missing, and the ways on: `doctor`, `gaps`, `republish`.
import Embedded
import Kafka
import TestSupport
import Testing
import Text

@Suite(.serialized, .enabled(if: Programs.isAvailable, Programs.whyNot)) struct GapTests {
  private func settings(_ suite: RunningSuite) async throws -> KafkaSettings {
    let environment = try await suite.clientele("env")
    let line = try #require(environment.lines.first { $0.contains("KAFKA_BROKERS=") })
    return KafkaSettings(brokers: String(line.split(separator: "'")[1]), clientId: "test", isBuiltIn: true)
  }

  private func publish(_ records: [OutgoingRecord], _ settings: KafkaSettings) async throws {
    let producer = try Producer(settings)
    try producer.start()
    for record in records { _ = try await producer.send(record) }
    _ = await producer.close(within: .seconds(5))
  }

  private func wait(_ condition: () async throws -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(60)
    while try await !condition() { guard ContinuousClock.now < deadline else { throw HelperFailure("it did not happen within a minute") } }
  }

  @Test func doctorNamesAGapWithWhatToDoAndAcceptingItLetsThePartitionGoOn() async throws {
    try await RunningSuite.with(clock: "1998-07-01") { suite in
      let kafka = try await settings(suite)
      let planted = OutgoingRecord(
        topic: "ingest.orders.v1", partition: 0, key: [1], value: nil, headers: [KafkaHeader("lane", "elsewhere/x/0"), KafkaHeader("seq", "5")])
      try await publish([planted], kafka)
      try await wait { try await suite.clientele("doctor").output.contains("lane-gap") }
      let doctor = try await suite.clientele("doctor")
      #expect(doctor.status == 1)
      #expect(doctor.output.contains("lacks the records 1 to 4 of lane elsewhere/x/0"))
      #expect(doctor.output.contains("clientele gaps accept profile 1"))
      let gaps = try await suite.json("gaps", "list", "--json")
      #expect(gaps["gaps"]?.arrayValue?.count == 1)
      let unknown = try await suite.clientele("gaps", "accept", "profile", "99")
      #expect(unknown.status == 1 && unknown.errors.contains("no open gap 99"), "\(unknown.errors)")
      let accepted = try await suite.clientele("gaps", "accept", "profile", "1")
      #expect(accepted.status == 0, "\(accepted.errors)")
      try await wait { try await suite.clientele("doctor").status == 0 }
      let all = try await suite.json("gaps", "list", "--all", "--json")
      #expect(all["gaps"]?.arrayValue?.first?["state"]?.stringValue == "settled")
    }
  }

  @Test func republishSendsEverySnapshotAgainUnderItsVersion() async throws {
    try await RunningSuite.with(clock: "1998-07-01") { suite in
      let kafka = try await settings(suite)
      let order = #"{"order_id":"1","occurred_at":"1998-06-20T10:00:00+08:00","status":"paid","total":"128.00","customer":{"member_id":"M1"}}"#
      try await publish([OutgoingRecord(topic: "in.orders.v1", key: [1], value: Array(order.utf8), headers: [KafkaHeader("source", "shop")])], kafka)
      for (service, topic) in [("profile", "profile.profiles.v1"), ("tiering", "tiering.tiers.v1")] {
        try await wait { try await records(topic, kafka).count == 1 }
        let asked = try await suite.json("republish", service, "--json")
        #expect(asked["snapshots"]?.int64Value == 1)
        try await wait { try await records(topic, kafka).count == 2 }
        let both = try await records(topic, kafka)
        #expect(both.first?.value == both.last?.value)
        let ids = both.map { $0.header("ce_id") }
        #expect(ids.first == ids.last)
        #expect(both.first?.header("seq") != nil)
      }
      let wrong = try await suite.clientele("republish", "ingest")
      #expect(wrong.status != 0 && wrong.errors.contains("snapshots"))
    }
  }

  private func records(_ topic: String, _ settings: KafkaSettings) async throws -> [KafkaRecord] {
    try await TestDatabase.blocking {
      let probe = try KafkaProbe(settings)
      defer { probe.close() }
      return try probe.readAll(topic)
    }
  }
}
