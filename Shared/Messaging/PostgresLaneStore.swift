// A lane's tables in PostgreSQL.
import Domain
import Handling
import Postgres
import Telemetry

final class PostgresLaneStore: LaneStore {
  let session: PostgresSession
  private let logger: Logger
  private let states: [String: StateReading]
  let statesByName: Set<String>

  /// How often a claim that meets a lock is tried.
  static let claimTriesMax = 10

  init(_ session: PostgresSession, logger: Logger, states: [String: StateReading] = [:]) {
    self.session = session
    self.logger = logger
    self.states = states
    statesByName = Set(states.keys)
  }

  var isBroken: Bool { session.isBroken }
  func reconnect() throws { try session.reconnect() }
  func transaction<Value>(_ body: () throws -> Value) throws -> Value { try session.transaction { _ in try body() } }

  // MARK: - Position

  private static let others = Statement(
    name: "position_others", sql: "SELECT cluster FROM positions WHERE consumer = $1 AND topic = $2 AND part = $3 AND cluster <> $4 LIMIT 1")

  func otherCluster(_ key: PositionKey) throws -> String? {
    let rows = try session.query(PostgresLaneStore.others) { parameters in
      parameters.text(key.consumer)
      parameters.text(key.topic)
      parameters.int32(key.partition)
      parameters.text(key.cluster)
    }
    return rows.count == 0 ? nil : try rows.text(0, 0)
  }

  func claim(_ key: PositionKey, owner: String) throws -> Position {
    var tries = 1
    while true {
      do {
        return try PositionTable.claim(key, owner: owner, at: SystemTime.unixMicroseconds(), session)
      } catch let failure as PostgresFailure where failure.kind == .retryTransaction && tries < PostgresLaneStore.claimTriesMax {
        tries += 1
        try endStoppedOwner(of: key)
      }
    }
  }

  /// An owner that was stopped in the middle of a transaction still holds the row, and neither the statement's nor the idle limit reaches it inside a
  /// copy. The group has given its partition away: its session is ended. Whose transaction locks the row, the row itself says.
  private static let endOwner = Statement(
    name: "position_end_owner",
    sql: """
      SELECT a.pid, pg_terminate_backend(a.pid)
      FROM positions p
      JOIN pg_locks l ON l.locktype = 'transactionid' AND l.granted AND l.transactionid = p.xmax
      JOIN pg_stat_activity a ON a.pid = l.pid
      WHERE p.consumer = $1 AND p.cluster = $2 AND p.topic = $3 AND p.part = $4
        AND a.usename = current_user AND a.pid <> pg_backend_pid() AND a.wait_event = 'ClientRead' AND a.state_change < clock_timestamp() - $5::interval
      """)
  /// How long a session must have waited for its client before it counts as stopped.
  private static let stoppedAfter = "1500 milliseconds"

  private func endStoppedOwner(of key: PositionKey) throws {
    let rows = try session.query(PostgresLaneStore.endOwner) { parameters in
      PositionTable.bind(key, &parameters)
      parameters.text(PostgresLaneStore.stoppedAfter)
    }
    guard rows.count > 0 else { return }
    let backend = try rows.int32(0, 0)
    logger.warning(
      "a stopped owner held the position: its session was ended",
      [.topic: .string(key.topic), .partition: .int(key.partition), "backend_pid": .int(backend)])
  }

  func position(_ key: PositionKey) throws -> Position? { try PositionTable.read(key, session) }

  /// `BEGIN` and the fence travel with what the body asks first: at a thousand small transactions a second every round trip counts. Who is fenced out
  /// learns it from the answer, and what was asked is rolled back.
  func transaction<Value>(moving key: PositionKey, to step: Step, from position: Position, _ body: () throws -> Value) throws -> Value {
    do {
      return try session.transaction(opening: PositionTable.move, rows: 1, { bindMove(key, step, position, &$0) }, body)
    } catch let failure as PostgresFailure where failure.isCountWrong && failure.statementName == PositionTable.move.name {
      throw Fenced()
    }
  }

  func settle() throws { try session.settle() }

  func move(_ key: PositionKey, to step: Step, from position: Position) throws -> Bool {
    try session.run(PositionTable.move) { bindMove(key, step, position, &$0) } == 1
  }

  private func bindMove(_ key: PositionKey, _ step: Step, _ position: Position, _ parameters: inout Parameters) {
    bind(key, step, &parameters)
    parameters.int64(position.epoch)
    parameters.int64(position.nextOffset)
  }

  private func bind(_ key: PositionKey, _ step: Step, _ parameters: inout Parameters) {
    PositionTable.bind(key, &parameters)
    parameters.int64(step.nextOffset)
    parameters.bytes(step.anchor)
    parameters.bytes(step.lanesIn.encoded)
    parameters.timestamptz(SystemTime.unixMicroseconds())
  }

  func count(_ key: PositionKey, lanesOut: LaneTable, epoch: Int64) throws -> Bool {
    try session.run(PositionTable.count) { bindCount(key, lanesOut, epoch, &$0) } == 1
  }

  private func bindCount(_ key: PositionKey, _ lanesOut: LaneTable, _ epoch: Int64, _ parameters: inout Parameters) {
    PositionTable.bind(key, &parameters)
    parameters.bytes(lanesOut.encoded)
    parameters.int64(epoch)
  }

  func moveUnfenced(_ key: PositionKey, to step: Step, lanesOut: LaneTable?) throws {
    _ = try session.run(PositionTable.moveUnfenced) { parameters in
      bind(key, step, &parameters)
      parameters.bytes(lanesOut?.encoded)
    }
  }

  // MARK: - Outbox

  private static let load = Statement(
    name: "outbox_load",
    sql: "SELECT id, topic, part, first_seq, records, body FROM outbox WHERE lane = $1 AND id > $2 ORDER BY id LIMIT \(LaneRelayLimits.rowsPerReadMax)")
  private static let insert = Statement(
    name: "outbox_insert",
    sql: """
      INSERT INTO outbox (lane, topic, part, first_seq, records, body, made_at)
      SELECT $1, u.topic, u.part, u.first_seq, u.records, u.body, $2
      FROM unnest($3::text[], $4::int4[], $5::int8[], $6::int4[], $7::bytea[]) WITH ORDINALITY AS u(topic, part, first_seq, records, body, place)
      ORDER BY u.place RETURNING id
      """)
  private static let delete = Statement(name: "outbox_delete", sql: "DELETE FROM outbox WHERE id = ANY($1::int8[])")

  func addOutgoing(_ rows: [OutboxRow], lane: String) throws -> [Int64] {
    try PostgresLaneStore.ids(try session.query(PostgresLaneStore.insert) { PostgresLaneStore.bind(rows, lane, &$0) })
  }

  private static func ids(_ rows: Rows) throws -> [Int64] { try (0..<rows.count).map { try rows.int64($0, 0) } }

  private static func bind(_ rows: [OutboxRow], _ lane: String, _ parameters: inout Parameters) {
    parameters.text(lane)
    parameters.timestamptz(SystemTime.unixMicroseconds())
    parameters.textArray(rows.map(\.topic))
    parameters.int32Array(rows.map(\.partition))
    parameters.int64Array(rows.map(\.firstSequence))
    parameters.int32Array(rows.map { Int32(truncatingIfNeeded: $0.records) })
    parameters.beginArray(.bytea)
    for row in rows { row.stored.withUnsafeBytes { parameters.element(bytes: $0) } }
    parameters.endArray()
  }

  func exchangeOutgoing(
    removing done: [Int64], adding rows: [OutboxRow], of key: PositionKey, lanesOut: LaneTable, epoch: Int64
  ) throws -> (ids: [Int64], isCounted: Bool) {
    let answers = try session.pipeline { pipeline in
      if !done.isEmpty { try pipeline.add(PostgresLaneStore.delete) { $0.int64Array(done) } }
      try pipeline.add(PostgresLaneStore.insert) { PostgresLaneStore.bind(rows, key.lane, &$0) }
      try pipeline.add(PositionTable.count) { bindCount(key, lanesOut, epoch, &$0) }
    }
    let added = answers[answers.count - 2]
    return (try PostgresLaneStore.ids(added), answers[answers.count - 1].affected == 1)
  }

  func outgoing(lane: String, after id: Int64) throws -> [(id: Int64, row: OutboxRow)] {
    let found = try session.query(PostgresLaneStore.load) { parameters in
      parameters.text(lane)
      parameters.int64(id)
    }
    return try (0..<found.count).map { row in
      let topic = try found.text(row, 1)
      return (
        try found.int64(row, 0),
        OutboxRow(
          topic: topic, partition: try found.int32(row, 2), firstSequence: try found.int64(row, 3), records: Int(try found.int32(row, 4)),
          body: try body(try found.bytes(row, 5), topic))
      )
    }
  }

  private func body(_ stored: [UInt8], _ topic: String) throws -> OutboxBody {
    guard let named = try NamedStates(stored) else { return stored.withUnsafeBytes { OutboxBody($0) } }
    guard let read = states[topic] else { throw OutboxFault.unknownTopic(topic) }
    return try named.framed(try read(named.names.map(\.key), session))
  }

  func removeOutgoing(_ ids: [Int64]) throws { _ = try session.run(PostgresLaneStore.delete) { $0.int64Array(ids) } }

  func unsettle(_ customers: [Int64], afterRow: Int64, seconds: Int64) throws {
    try Unsettled.mark(customers.map { ($0, afterRow) }, lookAt: SystemTime.unixMicroseconds() + seconds * 1_000_000, session)
  }

  func quarantine(_ refused: [(record: RawRecord, faults: [Fault])], topic: String, partition: Int32, at now: Instant) throws {
    try QuarantineTable.insert(refused, topic: topic, partition: partition, at: now, session)
  }

  // MARK: - Gaps

  /// Puts on record what is missing, once.
  func note(_ halt: Halt, of key: PositionKey) throws {
    guard let missing = halt.missing else { return }
    _ = try session.run(GapLog.insert) { parameters in
      parameters.text(key.consumer)
      parameters.text(key.cluster)
      parameters.text(key.topic)
      parameters.int32(key.partition)
      parameters.text(missing.kind.rawValue)
      parameters.text(missing.lane)
      parameters.int64(missing.from)
      parameters.int64(missing.to)
      parameters.text(QuarantineTable.storable(halt.reason))
      parameters.timestamptz(SystemTime.unixMicroseconds())
    }
  }

  /// What an operator has accepted and the partition has not acted on.
  func acceptedGaps(_ key: PositionKey) throws -> [GapRecord] {
    try GapLog.read(try session.query(GapLog.accepted) { parameters in
      parameters.text(key.consumer)
      parameters.text(key.topic)
      parameters.int32(key.partition)
    })
  }

  /// A gap that nobody has spoken about yet, of a kind that does not end by itself.
  func standingGap(_ key: PositionKey) throws -> GapRecord? {
    try GapLog.read(
      try session.query(GapLog.standing) { parameters in
        parameters.text(key.consumer)
        parameters.text(key.topic)
        parameters.int32(key.partition)
        parameters.textArray(HaltKind.needingWord)
      }
    ).first
  }

  func settle(_ gap: GapRecord) throws {
    _ = try session.run(GapLog.settle) { parameters in
      parameters.int64(gap.id)
      parameters.timestamptz(SystemTime.unixMicroseconds())
    }
  }

  func withdrawGaps(_ key: PositionKey) throws {
    _ = try session.run(GapLog.withdraw) { parameters in
      parameters.text(key.consumer)
      parameters.text(key.topic)
      parameters.int32(key.partition)
      parameters.timestamptz(SystemTime.unixMicroseconds())
      parameters.textArray(HaltKind.needingWord)
    }
  }

  private static let adopt = Statement(
    name: "position_adopt_cluster",
    sql: """
      UPDATE positions SET cluster = $4, next_offset = $5, anchor = NULL, epoch = epoch + 1
      WHERE consumer = $1 AND topic = $2 AND part = $3 AND cluster <> $4
      """)

  /// Goes on with the position of another cluster at an offset of this one. Lane numbers go on.
  func adopt(_ key: PositionKey, at offset: Int64, settling gap: GapRecord) throws {
    try transaction {
      _ = try session.run(PostgresLaneStore.adopt) { parameters in
        parameters.text(key.consumer)
        parameters.text(key.topic)
        parameters.int32(key.partition)
        parameters.text(key.cluster)
        parameters.int64(offset)
      }
      try settle(gap)
    }
  }
}
