// Waiting until a suite that is left alone has read everything, and asking it to work everything out anew.
import Contracts
import HTTP
import Kafka
import Lifecycle
import Postgres
import Telemetry
import Text

struct Settle {
  let stack: Stack
  let fleet: Fleet
  let pauses: Pauses
  let say: @Sendable (String) -> Void

  /// What is not read or published yet, one line each; empty: nothing.
  private func left(_ probe: KafkaProbe, _ connection: PostgresConnection) async throws -> [String] {
    let partitions = stack.plan.partitions
    let ends = try await blocking { () throws -> [(consumer: String, topic: String, partition: Int32, end: Int64)] in
      var ends: [(consumer: String, topic: String, partition: Int32, end: Int64)] = []
      for (consumer, topics) in Judge.consumed {
        for topic in topics {
          for number in 0..<Int32(partitions) {
            ends.append((consumer, topic, number, try probe.watermarks(TopicPartition(topic: topic, partition: number)).high))
          }
        }
      }
      return ends
    }
    let sql = Stack.services.map { "SELECT consumer, topic, part, next_offset FROM \($0).positions" }.joined(separator: " UNION ALL ")
    let (positions, outbox, due, unsettled) = try await connection.withSession { session -> ([String: Int64], Int64, Int64, Int64) in
      let rows = try session.query(Statement(name: "settle_positions", sql: sql))
      var positions: [String: Int64] = [:]
      for row in 0..<rows.count { positions["\(try rows.text(row, 0))/\(try rows.text(row, 1))/\(try rows.int32(row, 2))"] = try rows.int64(row, 3) }
      // Ratings that wait for their second, and customers to be worked out anew.
      let works = "SELECT (SELECT count(*) FROM tiering.due_work WHERE kind = 1) + (SELECT count(*) FROM profile.due_work WHERE kind = 2)"
      let due = try Collector.number(session, works)
      return (positions, try Collector.everywhere(session, "outbox"), due, try Collector.everywhere(session, "unsettled"))
    }
    var left: [String] = []
    for (consumer, topic, partition, end) in ends {
      let next = positions["\(consumer)/\(topic)/\(partition)"] ?? 0
      if next < end { left.append("\(consumer) has \(end - next) records of \(topic)/\(partition) to read") }
    }
    if outbox > 0 { left.append("\(outbox) outbox rows to publish") }
    if due > 0 { left.append("\(due) pieces of due work") }
    if unsettled > 0 { left.append("\(unsettled) customers whose last snapshot may not be their newest") }
    return left
  }

  /// Waits until nothing is left. Returns what is left when nothing moved for so long.
  func untilRead(quietSecondsMax: Int) async throws -> [String] {
    let probe = try KafkaProbe(stack.kafkaSettings("faults-settle"), limitMilliseconds: 20_000)
    let connection = try PostgresConnection(try stack.databaseSettings())
    var last: [String] = ["unknown"]
    var changedAt = SystemTime.monotonicNanoseconds()
    var saidAt = changedAt
    var quiet = 0
    while !pauses.stop.isStopping {
      let now = SystemTime.monotonicNanoseconds()
      if let found = try? await left(probe, connection) {
        if found != last { changedAt = now }
        last = found
        // Twice: what was read may still be on its way to the outbox.
        quiet = found.isEmpty ? quiet + 1 : 0
        if quiet >= 2 { break }
      }
      if now - changedAt > Int64(quietSecondsMax) * 1_000_000_000 { break }
      if now - saidAt > 5_000_000_000 {
        saidAt = now
        say("waiting: \(last.prefix(3).joined(separator: "; "))\(last.count > 3 ? " and \(last.count - 3) more" : "")")
      }
      await pauses.wait(milliseconds: 200)
    }
    await connection.close()
    try await blocking { probe.close() }
    return last
  }

  /// Has every customer worked out anew; how many were different, nil when it did not come to an end.
  func rebuild(withinSeconds limit: Int) async throws -> Int64? {
    let client = HTTPClient()
    var differences: Int64?
    var asked = false
    _ = try await pauses.until(withinSeconds: limit) {
      guard let address = fleet.address(of: "profile") else { return false }
      if !asked {
        guard let answer = try? await client.post(address + "/v1/rebuilds", body: []), answer.isSuccess else { return false }
        asked = true
      }
      guard let answer = try? await client.get(address + "/v1/rebuilds"), answer.isSuccess,
        let state = try? JSONValue(parsing: String(decoding: answer.body, as: UTF8.self)), state["waiting"]?.int64Value == 0
      else { return false }
      differences = state["differences"]?.int64Value
      return differences != nil
    }
    await client.close()
    return differences
  }

  /// The partitions that stand still, as the services tell.
  func halted() async -> [String] {
    let client = HTTPClient()
    var halted: [String] = []
    for service in Stack.services {
      guard let address = fleet.address(of: service), let answer = try? await client.get(address + "/readyz"), !answer.isSuccess else { continue }
      halted.append("\(service): \(String(decoding: answer.body, as: UTF8.self))")
    }
    await client.close()
    return halted
  }
}
