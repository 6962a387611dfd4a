// A new built-in broker begins empty at offset 0: positions are set to it, and what the former one took along is told.
import Contracts
import Messaging
public import Postgres

public struct SuiteAnchor: Sendable {
  public static let services = ["ingest", "profile", "tiering", "tickets", "feedback", "connector"]

  /// Services that came later than the others, and what they read; and what others read since: older folders have no positions of theirs.
  private static let newer: [(service: String, topics: [Topic])] = [
    ("tickets", Topics.ofTickets), ("feedback", Topics.ofFeedback), ("tiering", [Topics.tickets]),
    ("connector", Topics.ofConnector), ("feedback", [Topics.outcomes]),
  ]

  /// Records that were published to the former broker and never read by the service they were for.
  public struct Loss: Hashable, Sendable, CustomStringConvertible {
    public let lane: String
    public let destination: String
    public let records: Int64
    public var description: String { "\(records) records of \(lane) on \(destination)" }
  }

  private static func positions(_ schema: String) -> Statement {
    Statement(name: "", sql: "SELECT consumer, topic, part, lanes_in, lanes_out FROM \(schema).positions")
  }

  /// What lanes gave out, what of it still waits in an outbox, and what the reader of each destination saw.
  private struct Traffic {
    var sent: [(lane: String, destination: String, number: Int64)] = []
    var waiting: [String: Int64] = [:]
    /// By destination, then by the service that reads it.
    var seen: [String: [String: LaneTable]] = [:]

    /// The last number of a lane that the former broker had.
    func last(_ lane: String, _ destination: String, _ number: Int64) -> Int64 { number - (waiting[lane + ">" + destination] ?? 0) }
  }

  private static func traffic(_ session: PostgresSession) throws -> Traffic {
    var traffic = Traffic()
    for service in services {
      let rows = try session.query(positions(service))
      for row in 0..<rows.count {
        let topic = try rows.text(row, 1)
        let partition = try rows.int32(row, 2)
        let lane = LaneTable.lane(service: try rows.text(row, 0), topic: topic, partition: partition)
        for (destination, number) in LaneTable(encoded: try rows.bytes(row, 4))?.numbers ?? [:] { traffic.sent.append((lane, destination, number)) }
        traffic.seen[LaneTable.destination(topic, partition), default: [:]][service] = LaneTable(encoded: try rows.bytes(row, 3))
      }
      // Records still in an outbox are not lost: they go to the new broker.
      let outbox = try session.query(
        Statement(name: "", sql: "SELECT lane, topic, part, sum(records)::int8 FROM \(service).outbox GROUP BY 1, 2, 3"))
      for row in 0..<outbox.count {
        let destination = LaneTable.destination(try outbox.text(row, 1), try outbox.int32(row, 2))
        traffic.waiting[try outbox.text(row, 0) + ">" + destination, default: 0] += try outbox.int64(row, 3)
      }
    }
    return traffic
  }

  /// Compares what each lane gave out with what its readers saw. Nothing is lost when all agree.
  public static func losses(_ session: PostgresSession) throws -> [Loss] {
    let traffic = try traffic(session)
    return traffic.sent.compactMap { entry in
      // Topics that no service of the suite reads (merges, tickets, parked) have no reader to miss anything.
      let last = traffic.last(entry.lane, entry.destination, entry.number)
      let missing = (traffic.seen[entry.destination] ?? [:]).values.map { last - $0[entry.lane] }.max() ?? 0
      return missing > 0 ? Loss(lane: entry.lane, destination: entry.destination, records: missing) : nil
    }.sorted { ($0.lane, $0.destination) < ($1.lane, $1.destination) }
  }

  /// Services that are new to this database never saw what the former broker had of their topics: they go on behind the numbers given out by then, instead
  /// of missing them. Returns those for which there were any: they have to be told the states that they never heard.
  public static func welcome(in cluster: String, _ session: PostgresSession) throws -> [String] {
    let traffic = try traffic(session)
    return try newer.filter { service, topics in try welcome(service, to: topics, traffic, in: cluster, session) }.map(\.service)
  }

  private static func welcome(
    _ service: String, to topics: [Topic], _ traffic: Traffic, in cluster: String, _ session: PostgresSession
  ) throws -> Bool {
    var tables: [String: LaneTable] = [:]
    for entry in traffic.sent where traffic.seen[entry.destination]?[service] == nil {
      let last = traffic.last(entry.lane, entry.destination, entry.number)
      if last > 0 { tables[entry.destination, default: LaneTable()][entry.lane] = last }
    }
    var isAny = false
    for (destination, table) in tables {
      guard let slash = destination.lastIndex(of: "/"), let partition = Int32(destination[destination.index(after: slash)...]) else { continue }
      let topic = String(destination[..<slash])
      guard topics.contains(where: { $0.name == topic }) else { continue }
      isAny = true
      _ = try session.run(
        Statement(
          name: "",
          sql: """
            INSERT INTO \(service).positions (consumer, cluster, topic, part, next_offset, epoch, owner, owner_pid, lanes_in, lanes_out, moved_at)
            VALUES ('\(service)', $1, $2, $3, 0, 0, '', 0, $4, '', now())
            """)
      ) { parameters in
        parameters.text(cluster)
        parameters.text(topic)
        parameters.int32(partition)
        parameters.bytes(table.encoded)
      }
    }
    return isAny
  }

  /// Moves every position to the beginning of the new broker. Lane numbers go on, so that nothing can be taken twice.
  ///
  /// Also one that bears the new broker's name already: the built-in broker is named by a place in its memory, which another may have had.
  public static func move(to cluster: String, _ session: PostgresSession) throws {
    for service in services {
      _ = try session.run(
        Statement(
          name: "",
          sql: """
            UPDATE \(service).positions SET cluster = $1, next_offset = CASE WHEN topic = 'due' THEN next_offset ELSE 0 END, anchor = NULL
            """)
      ) { $0.text(cluster) }
    }
  }
}
