// One librdkafka client and everything that must be gone before it: its queues and its topic handles.
import CRdKafka
import Dispatch
import Lifecycle
import Synchronization
import Telemetry

/// A pointer that librdkafka documents as usable from any thread (clients, queues and topics; see "Threads and callbacks" in its
/// introduction). That it is not used after its end is the work of ``ClientHandle`` and ``PartitionStream``.
struct LibraryPointer: @unchecked Sendable {
  let raw: OpaquePointer
}

/// The parts of a client that callers need together.
struct ClientPointers: Sendable {
  let client: LibraryPointer
  /// Where all its events arrive.
  let events: LibraryPointer
}

/// Owns a client. Users enter and leave; the end waits until the last one has left.
final class ClientHandle: Sendable {
  enum Role { case producer, member, reader }

  private struct State {
    var pointers: ClientPointers?
    var users = 0
    var isClosing = false
    var topics: [String: LibraryPointer] = [:]
  }
  private let state: Mutex<State>
  private let idle = DispatchSemaphore(value: 0)
  /// See ``wakeFetching()``. Empty without SASL.
  private let credentials: (user: String, password: KafkaSecret)

  /// Makes the client. It starts threads of the library, but no request is waited for here.
  init(_ role: Role, _ entries: KafkaSettings.Entries) throws(KafkaFailure) {
    var events = RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG | RD_KAFKA_EVENT_STATS
    switch role {
    case .producer: events |= RD_KAFKA_EVENT_DR
    case .member: events |= RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_OFFSET_COMMIT
    case .reader: break
    }
    let configuration = try makeConfiguration(entries, events: events)
    var words = [CChar](repeating: 0, count: failureTextBytesMax)
    let kind = role == .producer ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER
    guard let client = rd_kafka_new(kind, configuration, &words, words.count) else {
      rd_kafka_conf_destroy(configuration)  // ours until the client exists
      throw KafkaFailure(kind: .configuration, text: failureText(words))
    }
    if role == .member { rd_kafka_poll_set_consumer(client) }
    let queue = role == .member ? rd_kafka_queue_get_consumer(client) : rd_kafka_queue_get_main(client)
    guard let queue else {
      rd_kafka_destroy(client)
      throw KafkaFailure(kind: .other, text: "the client has no event queue")
    }
    rd_kafka_set_log_queue(client, queue)
    let pointers = ClientPointers(client: LibraryPointer(raw: client), events: LibraryPointer(raw: queue))
    func last(_ name: String) -> String { entries.last { $0.name == name }?.value ?? "" }
    self.credentials = (last("sasl.username"), KafkaSecret(last("sasl.password")))
    self.state = Mutex(State(pointers: pointers))
  }

  /// Runs `body` with the client, which cannot end before `body` does. Throws `closed` afterwards.
  func use<Value>(_ body: (ClientPointers) throws(KafkaFailure) -> Value) throws(KafkaFailure) -> Value {
    let pointers = try self.enter()
    defer { self.leave() }
    return try body(pointers)
  }

  private func enter() throws(KafkaFailure) -> ClientPointers {
    let pointers = self.state.withLock { state -> ClientPointers? in
      guard !state.isClosing, let pointers = state.pointers else { return nil }
      state.users += 1
      return pointers
    }
    guard let pointers else { throw .closedHandle }
    return pointers
  }

  private func leave() {
    let isLast = self.state.withLock { state in
      state.users -= 1
      return state.isClosing && state.users == 0
    }
    if isLast { self.idle.signal() }
  }

  /// The handle of a topic, made once and kept until the client ends. Only inside `use`.
  func topic(_ name: String, _ client: LibraryPointer) throws(KafkaFailure) -> LibraryPointer {
    // No lock over the call: two threads may both make one, and the second is given back.
    if let known = self.state.withLock({ $0.topics[name] }) { return known }
    guard let made = rd_kafka_topic_new(client.raw, name, nil) else {
      let error = rd_kafka_last_error()
      throw KafkaFailure(error, text: "topic \(name) was refused: \(words(error))")
    }
    let ours = LibraryPointer(raw: made)
    let kept = self.state.withLock { state in
      if let other = state.topics[name] { return other }
      state.topics[name] = ours
      return ours
    }
    if kept.raw != ours.raw { rd_kafka_topic_destroy(ours.raw) }
    return kept
  }

  /// Makes a wait on the event queue return at once.
  func wake() {
    try? self.use { pointers throws(KafkaFailure) in rd_kafka_queue_yield(pointers.events.raw) }
  }

  /// Makes the threads that talk to brokers look at once whether there is something to fetch. Costs no request and does not wait.
  ///
  /// A partition whose queue was full is looked at again when its broker's thread wakes, which is after up to a second when nothing else happens
  /// (releases before 2.2 have no setting for it). Of what is public only new credentials wake it: it is given those that it has, which counts for
  /// later connections alone.
  func wakeFetching() {
    try? self.use { pointers throws(KafkaFailure) in
      if let failure = rd_kafka_sasl_set_credentials(pointers.client.raw, self.credentials.user, self.credentials.password.revealed) {
        rd_kafka_error_destroy(failure)
      }
    }
  }

  /// Ends the client: waits for the users inside, then for the library's threads. Blocks: only on threads of our own. May be called twice.
  func destroy() {
    let (mustWait, isFirst) = self.state.withLock { state in
      let isFirst = !state.isClosing
      state.isClosing = true
      return (isFirst && state.users > 0, isFirst)
    }
    guard isFirst else { return }
    if mustWait { self.idle.wait() }
    let (pointers, topics) = self.state.withLock { state in
      defer { (state.pointers, state.topics) = (nil, [:]) }
      return (state.pointers, state.topics)
    }
    if let pointers { ClientHandle.end(pointers, topics) }
  }

  private static func end(_ pointers: ClientPointers, _ topics: [String: LibraryPointer]) {
    for topic in topics.values { rd_kafka_topic_destroy(topic.raw) }
    rd_kafka_queue_destroy(pointers.events.raw)
    // Groups are left by hand before; closing again here could block without a limit.
    rd_kafka_destroy_flags(pointers.client.raw, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE)
  }

  /// A client that nobody ended: ended elsewhere, since the library waits for its threads and this may be any thread.
  deinit {
    let (pointers, topics) = self.state.withLock { ($0.pointers, $0.topics) }
    if let pointers { _ = try? OwnedThread.start(name: "kafka-end") { ClientHandle.end(pointers, topics) } }
  }

  /// Gives the client up without ending it: its threads stay until the process ends. For a client that does not close in time.
  func abandon() {
    self.state.withLock { state in
      state.isClosing = true
      state.pointers = nil
    }
  }
}

/// The library's form of the settings. The caller owns the result until a client was made of it.
private func makeConfiguration(_ entries: KafkaSettings.Entries, events: Int32) throws(KafkaFailure) -> OpaquePointer {
  guard let configuration = rd_kafka_conf_new() else { throw KafkaFailure(kind: .other, text: "out of memory") }
  for (name, value) in entries {
    var words = [CChar](repeating: 0, count: failureTextBytesMax)
    guard rd_kafka_conf_set(configuration, name, value, &words, words.count) == RD_KAFKA_CONF_OK else {
      rd_kafka_conf_destroy(configuration)
      throw KafkaFailure(kind: .configuration, text: failureText(words))
    }
  }
  rd_kafka_conf_set_events(configuration, events)
  return configuration
}

/// What a client says about itself beside its work: log lines, errors, statistics.
final class ClientWatch: Sendable {
  /// Lines of the library that pass in ten seconds; a lost broker causes a storm of them.
  static let logLinesMax = 20

  private struct State {
    var lastErrorText = ""
    var isClusterChanged = false
  }
  let logger: Logger
  private let limiter = LogLimiter(linesMax: ClientWatch.logLinesMax, windowSeconds: 10)
  private let onStatistics: (@Sendable (String) -> Void)?
  private let state = Mutex(State())

  init(logger: Logger, onStatistics: (@Sendable (String) -> Void)?) {
    self.logger = logger
    self.onStatistics = onStatistics
  }

  /// The latest error or warning of the library, often the only cause to be had, since it retries without end; empty when there was none.
  var lastErrorText: String { self.state.withLock { $0.lastErrorText } }

  /// Whether a broker has named another cluster than before: everything known about offsets is then void.
  var isClusterChanged: Bool { self.state.withLock { $0.isClusterChanged } }

  /// Deals with the events every client has. Returns the failure an error event carries, with the partition it names.
  func take(_ event: OpaquePointer, of client: OpaquePointer) -> (failure: KafkaFailure, partition: TopicPartition?)? {
    switch rd_kafka_event_type(event) {
    case RD_KAFKA_EVENT_LOG: self.takeLog(event)
    case RD_KAFKA_EVENT_STATS:
      if let onStatistics, let words = rd_kafka_event_stats(event) { onStatistics(String(cString: words)) }
    case RD_KAFKA_EVENT_ERROR: return self.takeError(event, of: client)
    default: break
    }
    return nil
  }

  private func takeLog(_ event: OpaquePointer) {
    var facility: UnsafePointer<CChar>?
    var words: UnsafePointer<CChar>?
    var level: Int32 = 7
    guard rd_kafka_event_log(event, &facility, &words, &level) == 0, let facility, let words else { return }
    let (name, line) = (String(cString: facility), String(cString: words))
    if name == "CLUSTERID" {
      self.state.withLock { $0.isClusterChanged = true }
      self.logger.error(
        "another cluster answers at this address", [.reason: .string(line), .advice: .string("check the broker address")])
      return
    }
    // The built-in broker cannot be told not to make topics; every client made would say so.
    if name == "AUTOCREATE" { return }
    // Syslog levels: up to 4 is a warning or worse. The library recovers by itself from nearly all of it.
    if level <= 4 { self.state.withLock { $0.lastErrorText = line } }
    let ours: LogLevel = level <= 2 ? .error : level <= 4 ? .warning : level == 5 ? .info : .debug
    self.logger.log(ours, limitedBy: self.limiter, "kafka client", ["facility": .string(name), .reason: .string(line)])
  }

  private func takeError(_ event: OpaquePointer, of client: OpaquePointer) -> (failure: KafkaFailure, partition: TopicPartition?) {
    let words = rd_kafka_event_error_string(event).map { String(cString: $0) }
    var failure = KafkaFailure(rd_kafka_event_error(event), text: words)
    if rd_kafka_event_error_is_fatal(event) != 0, let fatal = KafkaFailure(fatalErrorOf: client) { failure = fatal }
    self.state.withLock { state in
      // That no broker is left follows from what was said before, which is the cause.
      let isConsequence = rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN
      if !isConsequence || state.lastErrorText.isEmpty { state.lastErrorText = failure.description }
    }
    var partition: TopicPartition?
    if let named = rd_kafka_event_topic_partition(event) {
      if let topic = named.pointee.topic {
        partition = TopicPartition(topic: String(cString: topic), partition: named.pointee.partition)
      }
      rd_kafka_topic_partition_destroy(named)
    }
    if failure.isFatal {
      self.logger.error("kafka client failed for good", [.error: .describing(failure)])
    } else {
      self.logger.log(.warning, limitedBy: self.limiter, "kafka client error", [.error: .describing(failure)])
    }
    return (failure, partition)
  }
}
