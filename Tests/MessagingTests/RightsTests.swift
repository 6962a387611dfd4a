// Rights on a real broker: a missing one is named at once, one that is taken away pauses the partition, and work goes on when it is back.
@testable import Messaging
import Embedded
import Kafka
import Lifecycle
import Postgres
import TestSupport
import Testing

@Suite(
  .serialized, .enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)"), .enabled(if: TestKafka.isDistribution, "\(TestKafka.whyNot)"),
  .timeLimit(.minutes(4)))
struct RightsTests {
  /// Tests administer without a password; the service, which has one, may do what it was given only.
  private static func withRights(_ body: (TestCluster, _ service: KafkaSettings) async throws -> Void) async throws {
    let place = try KafkaPlace.free()
    let login = "org.apache.kafka.common.security.plain.PlainLoginModule required user_suite=\"secret\";"
    let settings = [
      "listeners": "PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller,SERVICES://127.0.0.1:\(place.port)",
      "advertised.listeners": "PLAINTEXT://127.0.0.1:$port,SERVICES://127.0.0.1:\(place.port)",
      "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SERVICES:SASL_PLAINTEXT",
      "listener.name.services.sasl.enabled.mechanisms": "PLAIN", "listener.name.services.plain.sasl.jaas.config": login,
      "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer", "super.users": "User:ANONYMOUS",
    ]
    try await TestCluster.with(settings: settings) { cluster in
      let service = KafkaSettings(
        brokers: "127.0.0.1:\(place.port)", clientId: "test", security: .saslPlain(user: "suite", password: KafkaSecret("secret"), tls: nil),
        sessionTimeoutMilliseconds: 1_500)
      try await TestKafka.makeAnew(Toy.topics.map { ($0, 1) }, await cluster.settings)
      try await body(cluster, service)
    }
  }

  private static func allow(_ operation: String, on resource: [String], _ cluster: TestCluster, isTakenAway: Bool = false) async throws {
    let change = isTakenAway ? ["--remove", "--force"] : ["--add"]
    try await cluster.tool("kafka-acls.sh", change + ["--allow-principal", "User:suite", "--operation", operation] + resource)
  }

  @Test("a missing right to a topic is said within five seconds, with the topic's name") func missingAtTheStart() async throws {
    try await RightsTests.withRights { _, service in
      let start = ContinuousClock.now
      let failure = try await TestDatabase.blocking {
        let probe = try KafkaProbe(service)
        defer { probe.close() }
        return #expect(throws: KafkaFailure.self) { try probe.partitionCount("toy.in") }
      }
      #expect(failure?.kind == .authorization)
      #expect(failure?.description.contains("toy.in") ?? false)
      #expect(ContinuousClock.now - start < .seconds(5))
    }
  }

  @Test("a right taken away pauses the partition, and work goes on by itself when it is given again") func takenAwayAndGivenAgain() async throws {
    try await RightsTests.withRights { cluster, service in
      let input = ["--topic", "toy.in"]
      for topic in Toy.topics { try await RightsTests.allow("All", on: ["--topic", topic], cluster) }
      try await RightsTests.allow("All", on: ["--group", "*"], cluster)
      try await RightsTests.allow("IdempotentWrite", on: ["--cluster"], cluster)
      let open = await cluster.settings
      try await Toy.with(service, partitions: 1) { toy in
        func publish(_ numbers: Range<Int>) async throws {
          let producer = try Producer(open)
          try producer.start()
          for number in numbers { _ = try await producer.send(toy.record(String(number))) }
          _ = await producer.close(within: .seconds(5))
        }
        let stop = StopSignal()
        let consumer = toy.consumer("one")
        let running = Task { try await consumer.run(stop) }
        try await publish(1_000..<1_050)
        try await eventually { try await toy.numbers("one").count == 50 }
        try await RightsTests.allow("All", on: input, cluster, isTakenAway: true)
        // What was fetched before may still be applied; a record that is published once the pause is seen is not.
        try await eventually { consumer.states.contains { $0.state.isHalted } || consumer.states.isEmpty }
        try await publish(1_050..<1_100)
        #expect(try await toy.numbers("one").count == 50)
        try await RightsTests.allow("All", on: input, cluster)
        try await eventually { try await toy.numbers("one").count == 100 }
        #expect(try await toy.numbers("one") == Array(1_000..<1_100))
        stop.stop()
        try await running.value
      }
    }
  }
}
