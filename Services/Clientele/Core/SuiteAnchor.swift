// A new built-in broker begins empty at offset 0: positions are set to it, and what the former one took along is told.
import Messaging
public import Postgres

public struct SuiteAnchor: Sendable {
  public static let services = ["ingest", "profile", "tiering", "tickets"]

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

  /// Compares what each lane gave out with what its readers saw. Nothing is lost when all agree.
  public static func losses(_ session: PostgresSession) throws -> [Loss] {
    var sent: [(lane: String, destination: String, number: Int64)] = []
    var waiting: [String: Int64] = [:]
    var seen: [String: LaneTable] = [:]
    for service in services {
      let rows = try session.query(positions(service))
      for row in 0..<rows.count {
        let topic = try rows.text(row, 1)
        let partition = try rows.int32(row, 2)
        let lane = LaneTable.lane(service: try rows.text(row, 0), topic: topic, partition: partition)
        for (destination, number) in LaneTable(encoded: try rows.bytes(row, 4))?.numbers ?? [:] { sent.append((lane, destination, number)) }
        seen[LaneTable.destination(topic, partition)] = LaneTable(encoded: try rows.bytes(row, 3))
      }
      // Records still in an outbox are not lost: they go to the new broker.
      let outbox = try session.query(
        Statement(name: "", sql: "SELECT lane, topic, part, sum(records)::int8 FROM \(service).outbox GROUP BY 1, 2, 3"))
      for row in 0..<outbox.count {
        let destination = LaneTable.destination(try outbox.text(row, 1), try outbox.int32(row, 2))
        waiting[try outbox.text(row, 0) + ">" + destination, default: 0] += try outbox.int64(row, 3)
      }
    }
    return sent.compactMap { entry in
      // Topics that no service of the suite reads (tiers, merges, parked) have no reader to miss anything.
      guard let reader = seen[entry.destination] else { return nil }
      let missing = entry.number - reader[entry.lane] - (waiting[entry.lane + ">" + entry.destination] ?? 0)
      return missing > 0 ? Loss(lane: entry.lane, destination: entry.destination, records: missing) : nil
    }.sorted { ($0.lane, $0.destination) < ($1.lane, $1.destination) }
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
