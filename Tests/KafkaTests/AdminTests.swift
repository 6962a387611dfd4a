// Questions and administrative requests.
import Kafka
import Testing

@Suite("Probe and admin") struct AdminTests {
  @Test(arguments: Cluster.available)
  func theEndsOfALogAndSingleRecordsCanBeAskedFor(cluster: Cluster) async throws {
    let settings = try await cluster.settings()
    let topic = try await cluster.makeTopic(partitions: 2)
    try fill(topic, [1: 10], settings)
    let partition = TopicPartition(topic: topic, partition: 1)
    let admin = try KafkaAdmin(settings)
    #expect(try await admin.partitionCount(topic) == 2)
    #expect(try await admin.topics().contains(topic))
    let ends = try await admin.watermarks(partition)
    #expect(ends == Watermarks(low: 0, high: 10))
    #expect(ends.contains(next: 10) && ends.contains(next: 0) && !ends.contains(next: 11) && !ends.contains(next: -1))
    #expect(try await admin.watermarks(TopicPartition(topic: topic, partition: 0)) == Watermarks(low: 0, high: 0))
    #expect(string(try await admin.record(partition, at: 7)?.value) == "7")
    #expect(string(try await admin.record(partition, at: 3)?.value) == "3", "backwards too")
    #expect(try await admin.record(partition, at: 10) == nil, "at the end there is none")
    let failure = await #expect(throws: KafkaFailure.self) { try await admin.record(partition, at: 11) }
    #expect(failure?.kind == .outOfRange)
    #expect(try await !admin.clusterId().isEmpty)
    #expect(try await admin.readAll(topic).count == 10)
    await admin.close()
    let closed = await #expect(throws: KafkaFailure.self) { try await admin.clusterId() }
    #expect(closed?.kind == .closed)
  }

  @Test(arguments: Cluster.available)
  func aPartitionThatDoesNotExistIsNamed(cluster: Cluster) async throws {
    let topic = try await cluster.makeTopic(partitions: 2)
    let admin = try KafkaAdmin(try await cluster.settings(), limitMilliseconds: 1_000)
    let failure = await #expect(throws: KafkaFailure.self) {
      try await admin.record(TopicPartition(topic: topic, partition: 99), at: 0)
    }
    #expect(failure?.kind == .unknownTopic)
    await admin.close()
  }

  @Test func anUnreachableClusterIsSaidWithinTheLimit() async throws {
    let admin = try KafkaAdmin(KafkaSettings(brokers: "127.0.0.1:1", clientId: "t"), limitMilliseconds: 300)
    let failure = await #expect(throws: KafkaFailure.self) { try await admin.topics() }
    #expect(failure?.isRetriable == true)
    await admin.close()
  }

  @Test func onTheBuiltInBrokerATopicAppearsWhenAskedForAndAnotherSizeIsRefused() async throws {
    let admin = try KafkaAdmin(try await Cluster.builtIn.settings())
    try await admin.ensureTopics([TopicPlan(name: "tests.appears.v1", partitions: BuiltInBroker.partitionsDefault)])
    let failure = await #expect(throws: KafkaFailure.self) {
      try await admin.ensureTopics([TopicPlan(name: "tests.appears.v1", partitions: 6)])
    }
    #expect(failure?.kind == .configuration)
    await admin.close()
  }

  @Test(.enabled(if: Cluster.home != nil, "needs Apache Kafka: set KAFKA_HOME"))
  func topicsAreMadeOnceEmptiedAndDeleted() async throws {
    let settings = try await Cluster.distribution.settings()
    let name = "tests.\(UInt64.random(in: 0 ... .max)).v1"
    let admin = try KafkaAdmin(settings)
    let unknown = await #expect(throws: KafkaFailure.self) { try await admin.partitionCount(name) }
    #expect(unknown?.kind == .unknownTopic)
    let plan = TopicPlan(name: name, partitions: 3, settings: ["cleanup.policy": "compact"])
    try await admin.createTopics([plan])
    try await admin.createTopics([plan])
    try await admin.ensureTopics([plan])
    #expect(try await admin.topicSettings(name)["cleanup.policy"] == "compact")
    let refused = await #expect(throws: KafkaFailure.self) {
      try await admin.createTopics([TopicPlan(name: "bad/name", partitions: 1)])
    }
    #expect(refused?.kind == .configuration)
    let emptied = "\(name).delete"
    try await admin.createTopics([TopicPlan(name: emptied, partitions: 1)])
    try fill(emptied, [0: 10], settings)
    let partition = TopicPartition(topic: emptied, partition: 0)
    try await admin.deleteRecords(partition, before: 4)
    #expect(try await admin.watermarks(partition) == Watermarks(low: 4, high: 10))
    let gone = await #expect(throws: KafkaFailure.self) { try await admin.record(partition, at: 2) }
    #expect(gone?.kind == .outOfRange)
    try await admin.deleteTopic(emptied)
    #expect(try await !admin.topics().contains(emptied))
    let missing = await #expect(throws: KafkaFailure.self) { try await admin.deleteTopic(emptied) }
    #expect(missing?.kind == .unknownTopic)
    await admin.close()
  }
}
