// Waits until everything published so far has gone through the whole suite.
public import HTTP
public import Kafka
import Contracts
import Synchronization
import Text

/// Where the services are and which broker they share.
public struct SuiteAddresses: Sendable {
  public var ingest: String
  public var profile: String
  public var tiering: String
  public var tickets: String
  public var feedback: String
  public var connector: String
  /// What they are shown.
  public var credentials: Credentials

  public init(ingest: String, profile: String, tiering: String, tickets: String, feedback: String, connector: String, credentials: Credentials) {
    self.ingest = ingest
    self.profile = profile
    self.tiering = tiering
    self.tickets = tickets
    self.feedback = feedback
    self.connector = connector
    self.credentials = credentials
  }

  public init?(_ state: SuiteState, _ credentials: Credentials) {
    guard let ingest = state.services["ingest"]?.url, let profile = state.services["profile"]?.url, let tiering = state.services["tiering"]?.url,
      let tickets = state.services["tickets"]?.url, let feedback = state.services["feedback"]?.url, let connector = state.services["connector"]?.url
    else { return nil }
    self.init(
      ingest: ingest, profile: profile, tiering: tiering, tickets: tickets, feedback: feedback, connector: connector, credentials: credentials)
  }
}

/// What one service has read and what it still has to publish: `GET /v1/positions`.
public struct ServicePositions: Sendable {
  public let next: [TopicPartition: Int64]
  public let outboxRecords: Int64

  public static func read(_ url: String, _ client: HTTPClient, _ headers: HTTPHeaders) async throws -> ServicePositions {
    let answer = try await client.get(url + "/v1/positions", headers: headers)
    guard answer.isSuccess, let json = try? JSONValue(answer.body) else {
      throw SuiteFailure("\(url)/v1/positions answered \(answer.status): \(String(decoding: answer.body.prefix(300), as: UTF8.self))")
    }
    var next: [TopicPartition: Int64] = [:]
    for row in json["positions"]?.arrayValue ?? [] {
      guard let topic = row["topic"]?.stringValue, let partition = row["partition"]?.int64Value.flatMap({ Int32(exactly: $0) }),
        let offset = row["next_offset"]?.int64Value
      else { continue }
      let key = TopicPartition(topic: topic, partition: partition)
      next[key] = max(next[key] ?? 0, offset)
    }
    return ServicePositions(next: next, outboxRecords: json["outbox_records"]?.int64Value ?? 0)
  }
}

public struct CatchUp: Sendable {
  private let addresses: SuiteAddresses
  private let client: HTTPClient
  private let admin: KafkaAdmin
  private let partitions: Int32

  /// How often is asked.
  static let pause: Duration = .milliseconds(50)

  public init(addresses: SuiteAddresses, client: HTTPClient, admin: KafkaAdmin, partitions: Int32) {
    self.addresses = addresses
    self.client = client
    self.admin = admin
    self.partitions = partitions
  }

  public struct TooSlow: Error, Sendable, CustomStringConvertible { public let description: String }

  /// Returns when all services have read everything, in the order records flow; throws ``TooSlow`` naming what was waited for.
  /// - Parameters:
  ///   - ends: for public topics, up to where; the end of the topic where nothing is given.
  ///   - said: told what is waited for, for progress.
  public func wait(ends: [TopicPartition: Int64] = [:], limit: Duration, said: @Sendable (String) -> Void = { _ in }) async throws {
    let deadline = ContinuousClock.now + limit
    let steps: [Step] = [
      Step(service: "ingest", url: addresses.ingest, topics: InputStream.allCases.map(\.topic.name)),
      // What was answered on survey pages.
      Step(service: "feedback", url: addresses.feedback, topics: []),
      Step(service: "profile", url: addresses.profile, topics: Topics.ofProfile.map(\.name)),
      Step(service: "tiering", url: addresses.tiering, topics: [Topics.profiles.name]),
    ]
    for step in steps { try await reads(step, ends, deadline, said) }
    _ = try await client.post(addresses.tiering + "/v1/ratings/due", headers: try addresses.credentials.headers("tiering"), body: [])
    try await until(deadline, said) {
      let headers = try addresses.credentials.headers("tiering")
      let answer = try await client.get(addresses.tiering + "/v1/ratings/waiting", headers: headers)
      let waiting = (try? JSONValue(answer.body))?["waiting"]?.int64Value ?? 0
      if waiting > 0 { return "tiering has \(waiting) customers to rate" }
      let positions = try await ServicePositions.read(addresses.tiering, client, headers)
      return positions.outboxRecords > 0 ? "tiering has \(positions.outboxRecords) records to publish" : nil
    }
    let last = [
      Step(service: "feedback", url: addresses.feedback, topics: Topics.ofFeedback.map(\.name)),
      Step(service: "tickets", url: addresses.tickets, topics: Topics.ofTickets.map(\.name)),
      // Where customers are reached, and what is to be sent to them: whether it was is not waited for.
      Step(service: "connector", url: addresses.connector, topics: Topics.ofConnector.map(\.name)),
      // Which tickets were resolved.
      Step(service: "feedback", url: addresses.feedback, topics: [Topics.tickets.name]),
      // Which complaints were upheld. Who is rated because of one is told to tickets in turn, where it opens none.
      Step(service: "tiering", url: addresses.tiering, topics: [Topics.tickets.name]),
    ]
    for step in last { try await reads(step, [:], deadline, said) }
  }

  /// A service and what it reads.
  private struct Step {
    let service: String
    let url: String
    let topics: [String]
  }

  private func reads(_ step: Step, _ ends: [TopicPartition: Int64], _ deadline: ContinuousClock.Instant, _ said: @Sendable (String) -> Void) async throws {
    // Asked once the service before has published everything: the end does not move any more because of what we wait for.
    var wanted: [TopicPartition: Int64] = [:]
    for topic in step.topics {
      for number in 0..<partitions {
        let partition = TopicPartition(topic: topic, partition: number)
        if let end = ends[partition] { wanted[partition] = end } else { wanted[partition] = try await admin.watermarks(partition).high }
      }
    }
    let targets = wanted
    try await until(deadline, said) {
      let positions = try await ServicePositions.read(step.url, client, try addresses.credentials.headers(step.service))
      let behind = targets.reduce(Int64(0)) { $0 + max(0, $1.value - (positions.next[$1.key] ?? 0)) }
      if behind > 0 { return "\(step.service) has \(behind) records to read" }
      return positions.outboxRecords > 0 ? "\(step.service) has \(positions.outboxRecords) records to publish" : nil
    }
  }

  /// Asks again and again until nothing is in the way.
  private func until(_ deadline: ContinuousClock.Instant, _ said: @Sendable (String) -> Void, _ obstacle: @Sendable () async throws -> String?) async throws {
    while let waiting = try await obstacle() {
      said(waiting)
      guard ContinuousClock.now < deadline else { throw TooSlow(description: "gave up waiting: \(waiting)") }
      try await Task.sleep(for: CatchUp.pause)
    }
  }
}
