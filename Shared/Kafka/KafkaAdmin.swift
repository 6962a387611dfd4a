// Topics: made, looked at, emptied and deleted; and the probe's questions, for tasks.
import CRdKafka
import Lifecycle
public import Telemetry

/// A topic as it should be.
public struct TopicPlan: Hashable, Sendable {
  public var name: String
  public var partitions: Int32
  /// Copies of each partition; -1 leaves it to the cluster.
  public var replication: Int32
  /// Topic settings by name, e.g. `cleanup.policy`.
  public var settings: [String: String]

  public init(name: String, partitions: Int32, replication: Int32 = -1, settings: [String: String] = [:]) {
    self.name = name
    self.partitions = partitions
    self.replication = replication
    self.settings = settings
  }
}

/// Administrative requests. An actor on a thread of its own: the library's calls block, and block nobody else here.
public actor KafkaAdmin {
  /// How often, and how long at most, metadata is asked until a new topic is seen, in milliseconds.
  private static let appearPollMilliseconds = 50
  private static let appearMillisecondsMax = 15_000
  /// How long one administrative request may take, in milliseconds.
  private static let requestMillisecondsMax: Int32 = 15_000

  private let thread: ThreadExecutor
  private let probe: KafkaProbe
  private let handle: ClientHandle
  private let watch: ClientWatch
  private let isBuiltIn: Bool

  public nonisolated var unownedExecutor: UnownedSerialExecutor { self.thread.asUnownedSerialExecutor() }

  public init(_ settings: KafkaSettings, limitMilliseconds: Int = 10_000, logger: Logger = .silent) throws(KafkaFailure) {
    do throws(ThreadFailure) {
      self.thread = try ThreadExecutor(name: "kafka-admin")
    } catch {
      throw KafkaFailure(kind: .other, text: error.description)
    }
    self.probe = try KafkaProbe(settings, limitMilliseconds: limitMilliseconds, logger: logger)
    self.handle = try ClientHandle(.reader, settings.adminEntries())
    self.watch = ClientWatch(logger: logger.with([.part: .string("kafka admin")]), onStatistics: nil)
    self.isBuiltIn = settings.isBuiltIn
  }

  /// Makes topics that do not exist, and returns when metadata shows all their partitions. One that exists is left as it is.
  ///
  /// The built-in broker takes no administrative request: kind `configuration`. See `ensureTopics`.
  public func createTopics(_ plans: [TopicPlan]) throws(KafkaFailure) {
    guard !plans.isEmpty else { return }
    var topics: [OpaquePointer?] = []
    defer { for topic in topics { if let topic { rd_kafka_NewTopic_destroy(topic) } } }
    for plan in plans { topics.append(try newTopic(plan)) }
    try self.request(RD_KAFKA_ADMIN_OP_CREATETOPICS) { client, options, queue in
      rd_kafka_CreateTopics(client, &topics, topics.count, options, queue)
    } answer: { event throws(KafkaFailure) in
      var count = 0
      guard let result = rd_kafka_event_CreateTopics_result(event),
        let answers = rd_kafka_CreateTopics_result_topics(result, &count)
      else { return }
      try check(answers, count, besides: RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
    }
    // The answer may come before the partitions can be used.
    for plan in plans { try self.awaitTopic(plan.name) { $0 >= plan.partitions } }
  }

  /// Makes the topics that do not exist, and checks that every one has the planned number of partitions: `configuration` when one has
  /// another. The built-in broker makes a topic by itself when it is asked for, with ``BuiltInBroker/partitionsDefault`` partitions unless
  /// it was told of it before.
  public func ensureTopics(_ plans: [TopicPlan]) throws(KafkaFailure) {
    var missing: [TopicPlan] = []
    for plan in plans where try self.count(plan.name) == 0 { missing.append(plan) }
    try self.createTopics(missing)
    for plan in plans {
      let count = try self.probe.partitionCount(plan.name)
      guard count == plan.partitions else {
        throw KafkaFailure(kind: .configuration, text: "topic \(plan.name) has \(count) partitions instead of \(plan.partitions)")
      }
    }
  }

  /// Deletes a topic, and returns when metadata no longer shows it. `unknownTopic` when there is none.
  public func deleteTopic(_ name: String) throws(KafkaFailure) {
    var topics: [OpaquePointer?] = [rd_kafka_DeleteTopic_new(name)]
    defer { for topic in topics { if let topic { rd_kafka_DeleteTopic_destroy(topic) } } }
    try self.request(RD_KAFKA_ADMIN_OP_DELETETOPICS) { client, options, queue in
      rd_kafka_DeleteTopics(client, &topics, topics.count, options, queue)
    } answer: { event throws(KafkaFailure) in
      var count = 0
      guard let result = rd_kafka_event_DeleteTopics_result(event),
        let answers = rd_kafka_DeleteTopics_result_topics(result, &count)
      else { return }
      try check(answers, count, besides: RD_KAFKA_RESP_ERR_NO_ERROR)
    }
    try self.awaitTopic(name) { $0 == 0 }
  }

  /// Drops the records below `offset` of a partition; they are gone for every reader.
  public func deleteRecords(_ partition: TopicPartition, before offset: Int64) throws(KafkaFailure) {
    guard let list = rd_kafka_topic_partition_list_new(1) else { throw KafkaFailure(kind: .other, text: "out of memory") }
    defer { rd_kafka_topic_partition_list_destroy(list) }
    rd_kafka_topic_partition_list_add(list, partition.topic, partition.partition).pointee.offset = offset
    var requests: [OpaquePointer?] = [rd_kafka_DeleteRecords_new(list)]
    defer { for request in requests { if let request { rd_kafka_DeleteRecords_destroy(request) } } }
    try self.request(RD_KAFKA_ADMIN_OP_DELETERECORDS) { client, options, queue in
      rd_kafka_DeleteRecords(client, &requests, requests.count, options, queue)
    } answer: { event throws(KafkaFailure) in
      guard let result = rd_kafka_event_DeleteRecords_result(event),
        let answers = rd_kafka_DeleteRecords_result_offsets(result)
      else { return }
      for index in 0..<Int(answers.pointee.cnt) where answers.pointee.elems[index].err != RD_KAFKA_RESP_ERR_NO_ERROR {
        throw KafkaFailure(answers.pointee.elems[index].err, text: "\(partition): \(words(answers.pointee.elems[index].err))")
      }
    }
  }

  /// The settings of a topic by name, the cluster's defaults among them.
  public func topicSettings(_ name: String) throws(KafkaFailure) -> [String: String] {
    var resources: [OpaquePointer?] = [rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name)]
    defer { for resource in resources { if let resource { rd_kafka_ConfigResource_destroy(resource) } } }
    var settings: [String: String] = [:]
    try self.request(RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS) { client, options, queue in
      rd_kafka_DescribeConfigs(client, &resources, resources.count, options, queue)
    } answer: { event throws(KafkaFailure) in
      var count = 0
      guard let result = rd_kafka_event_DescribeConfigs_result(event),
        let answers = rd_kafka_DescribeConfigs_result_resources(result, &count)
      else { return }
      for index in 0..<count { settings.merge(try settingsOf(answers[index], name)) { _, new in new } }
    }
    return settings
  }

  /// See ``KafkaProbe/partitionCount(_:)``.
  public func partitionCount(_ topic: String) throws(KafkaFailure) -> Int32 { try self.probe.partitionCount(topic) }
  /// See ``KafkaProbe/topics()``.
  public func topics() throws(KafkaFailure) -> [String] { try self.probe.topics() }
  /// See ``KafkaProbe/watermarks(_:)``.
  public func watermarks(_ partition: TopicPartition) throws(KafkaFailure) -> Watermarks { try self.probe.watermarks(partition) }
  /// See ``KafkaProbe/clusterId()``.
  public func clusterId() throws(KafkaFailure) -> String { try self.probe.clusterId() }
  /// See ``KafkaProbe/record(_:at:)``.
  public func record(_ partition: TopicPartition, at offset: Int64) throws(KafkaFailure) -> KafkaRecord? {
    try self.probe.record(partition, at: offset)
  }
  /// See ``KafkaProbe/readAll(_:)``.
  public func readAll(_ topic: String) throws(KafkaFailure) -> [KafkaRecord] { try self.probe.readAll(topic) }

  /// Ends the clients; every later call throws `closed`.
  public func close() {
    self.probe.close()
    self.handle.destroy()
    self.thread.stop()
  }

  /// The number of partitions, 0 for no such topic.
  private func count(_ topic: String) throws(KafkaFailure) -> Int32 {
    do throws(KafkaFailure) {
      return try self.probe.partitionCount(topic)
    } catch where error.kind == .unknownTopic {
      return 0
    }
  }

  private func awaitTopic(_ name: String, _ isThere: (Int32) -> Bool) throws(KafkaFailure) {
    let deadline = SystemTime.monotonicNanoseconds() + Int64(KafkaAdmin.appearMillisecondsMax) * 1_000_000
    while try !isThere(self.count(name)) {
      guard SystemTime.monotonicNanoseconds() < deadline else {
        throw KafkaFailure(kind: .timedOut, text: "topic \(name) did not change within \(KafkaAdmin.appearMillisecondsMax) ms")
      }
      self.takeEvents(waitMilliseconds: Int32(KafkaAdmin.appearPollMilliseconds))
    }
  }

  /// Sends one request and hands its answer over. The request's own failure is thrown; what it says of each topic is up to `answer`.
  private func request(
    _ operation: rd_kafka_admin_op_t, _ send: (OpaquePointer, OpaquePointer?, OpaquePointer) -> Void,
    answer: (OpaquePointer) throws(KafkaFailure) -> Void
  ) throws(KafkaFailure) {
    // It would not answer, and the library would wait for it.
    guard !self.isBuiltIn else { throw KafkaFailure(kind: .configuration, text: "the built-in broker takes no administrative request") }
    defer { self.takeEvents(waitMilliseconds: 0) }
    try self.handle.use { pointers throws(KafkaFailure) in
      guard let queue = rd_kafka_queue_new(pointers.client.raw) else { throw KafkaFailure(kind: .other, text: "out of memory") }
      defer { rd_kafka_queue_destroy(queue) }
      let options = rd_kafka_AdminOptions_new(pointers.client.raw, operation)
      defer { if let options { rd_kafka_AdminOptions_destroy(options) } }
      if let options {
        var text = [CChar](repeating: 0, count: failureTextBytesMax)
        _ = rd_kafka_AdminOptions_set_request_timeout(options, KafkaAdmin.requestMillisecondsMax, &text, text.count)
      }
      send(pointers.client.raw, options, queue)
      // The library answers within its own limit; the second one is for a library that does not.
      guard let event = rd_kafka_queue_poll(queue, KafkaAdmin.requestMillisecondsMax * 2) else {
        throw KafkaFailure(kind: .timedOut, text: "no answer to an administrative request (\(self.watch.lastErrorText))")
      }
      defer { rd_kafka_event_destroy(event) }
      let error = rd_kafka_event_error(event)
      if error != RD_KAFKA_RESP_ERR_NO_ERROR {
        throw KafkaFailure(error, text: rd_kafka_event_error_string(event).map { String(cString: $0) })
      }
      try answer(event)
    }
  }

  private func takeEvents(waitMilliseconds: Int32) {
    try? self.handle.use { pointers in
      var wait = waitMilliseconds
      while let event = rd_kafka_queue_poll(pointers.events.raw, wait) {
        _ = self.watch.take(event, of: pointers.client.raw)
        rd_kafka_event_destroy(event)
        wait = 0
      }
    }
  }
}

private func newTopic(_ plan: TopicPlan) throws(KafkaFailure) -> OpaquePointer {
  var text = [CChar](repeating: 0, count: failureTextBytesMax)
  guard let topic = rd_kafka_NewTopic_new(plan.name, plan.partitions, plan.replication, &text, text.count) else {
    throw KafkaFailure(kind: .configuration, text: "topic \(plan.name): \(failureText(text))")
  }
  for (name, value) in plan.settings {
    let error = rd_kafka_NewTopic_set_config(topic, name, value)
    if error != RD_KAFKA_RESP_ERR_NO_ERROR {
      rd_kafka_NewTopic_destroy(topic)
      throw KafkaFailure(error, text: "topic \(plan.name): \(name) was refused")
    }
  }
  return topic
}

private func check(
  _ answers: UnsafeMutablePointer<OpaquePointer?>, _ count: Int, besides accepted: rd_kafka_resp_err_t
) throws(KafkaFailure) {
  for index in 0..<count {
    guard let answer = answers[index] else { continue }
    let error = rd_kafka_topic_result_error(answer)
    guard error != RD_KAFKA_RESP_ERR_NO_ERROR, error != accepted else { continue }
    let name = rd_kafka_topic_result_name(answer).map { String(cString: $0) } ?? ""
    let reason = rd_kafka_topic_result_error_string(answer).map { String(cString: $0) } ?? words(error)
    throw KafkaFailure(error, text: "topic \(name): \(reason)")
  }
}

private func settingsOf(_ answer: OpaquePointer?, _ name: String) throws(KafkaFailure) -> [String: String] {
  guard let answer else { return [:] }
  let error = rd_kafka_ConfigResource_error(answer)
  if error != RD_KAFKA_RESP_ERR_NO_ERROR { throw KafkaFailure(error, text: "topic \(name): \(words(error))") }
  var count = 0
  guard let entries = rd_kafka_ConfigResource_configs(answer, &count) else { return [:] }
  var settings: [String: String] = [:]
  for index in 0..<count {
    guard let entry = entries[index], let key = rd_kafka_ConfigEntry_name(entry), let value = rd_kafka_ConfigEntry_value(entry) else {
      continue
    }
    settings[String(cString: key)] = String(cString: value)
  }
  return settings
}
