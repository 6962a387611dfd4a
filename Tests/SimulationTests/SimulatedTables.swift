// The tables of one service, and a lane's port to them.
import Contracts
import Domain
import Handling
import Hashing
import IngestCore
import Kafka
import Postgres
import ProfileCore
import TieringCore

@testable import Messaging
@testable import profile

struct OutboxEntry {
  let lane: String
  let row: OutboxRow
}

struct QuarantineEntry {
  let topic: String
  let partition: Int32
  let offset: Int64
  let faults: [Fault]
}

struct DueKey: Hashable, Comparable {
  let kind: Int16
  let id: Int64
  static func < (left: DueKey, right: DueKey) -> Bool { (left.kind, left.id) < (right.kind, right.id) }
}

/// A customer whose last snapshot in the log may not be its newest.
struct UnsettledEntry {
  var afterRow: Int64
  var lookAt: Instant
  var sent: Int64?
  var sentIn: RowWriter?
}

struct FiledOrder: Hashable, Comparable {
  let month: OrderMonth
  let reference: OrderReference
  static func < (left: FiledOrder, right: FiledOrder) -> Bool { (left.month, left.reference) < (right.month, right.reference) }
}

struct RegistrationKey: Hashable, Comparable {
  let identity: CustomerID
  let source: String
  let eventID: String
  static func < (left: RegistrationKey, right: RegistrationKey) -> Bool {
    (left.identity, left.source, left.eventID) < (right.identity, right.source, right.eventID)
  }
}

struct InteractionKey: Hashable, Comparable {
  let identity: CustomerID
  let kind: String
  let source: String
  let eventID: String
  static func < (left: InteractionKey, right: InteractionKey) -> Bool {
    (left.identity, left.kind, left.source, left.eventID) < (right.identity, right.kind, right.source, right.eventID)
  }
}

/// One database. A service uses its own tables of it; none has rows of another's.
final class Tables: SimulatedDatabase {
  private(set) lazy var positions = Table<String, Position>(self)
  private(set) lazy var outbox = Table<Int64, OutboxEntry>(self)
  private(set) lazy var quarantine = Table<Int64, QuarantineEntry>(self)
  private(set) lazy var due = Table<DueKey, Instant>(self)
  private(set) lazy var unsettled = Table<Int64, UnsettledEntry>(self)

  private(set) lazy var facts = Table<Digest128, StoredFact>(self)
  private(set) lazy var homes = Table<Digest128, OrderHome>(self)
  private(set) lazy var waiting = Table<Int64, WaitingFact>(self)

  private(set) lazy var identities = Table<IdentityKey, Identity>(self)
  private(set) lazy var customers = Table<CustomerID, Customer>(self)
  private(set) lazy var dueCustomers = Table<DueCustomer, Bool>(self)
  private(set) lazy var orders = Table<FiledOrder, StoredOrder>(self)
  private(set) lazy var registrations = Table<RegistrationKey, CustomerEvent>(self)
  private(set) lazy var interactions = Table<InteractionKey, InteractionEvent>(self)
  private(set) lazy var bonds = Table<IdentityPair, Bond>(self)
  private(set) lazy var decisions = Table<Int64, IdentityDecision>(self)
  private(set) lazy var merges = Table<Int64, MergeRecord>(self)
  private(set) lazy var manualTags = Table<Int64, ManualTag>(self)

  private(set) lazy var rated = Table<CustomerID, RatedCustomer>(self)
  private(set) lazy var history = Table<Int64, RatingRecord>(self)
  private(set) lazy var refusals = Table<CustomerID, CustomerID>(self)
  private(set) lazy var proposals = Table<CustomerID, Proposal>(self)

  private var idLast: Int64 = 0
  /// Identity columns count on whatever becomes of the transaction.
  func nextID() -> Int64 {
    idLast += 1
    return idLast
  }

  /// Asks for due work, unless it is asked for already.
  func ask(_ kind: Int16, _ id: Int64, _ transaction: Int) throws {
    let key = DueKey(kind: kind, id: id)
    try due.lock(key, transaction)
    if due[key, transaction] == nil { try due.put(key, Instant(microseconds: 0), transaction) }
  }

  func unsettle(_ marks: [(id: Int64, afterRow: Int64)], lookAt: Instant, _ transaction: Int) throws {
    for (id, afterRow) in marks {
      try unsettled.lock(id, transaction)
      var entry = unsettled[id, transaction] ?? UnsettledEntry(afterRow: afterRow, lookAt: lookAt)
      entry.afterRow = max(entry.afterRow, afterRow)
      entry.lookAt = max(entry.lookAt, lookAt)
      entry.sent = nil
      try unsettled.put(id, entry, transaction)
    }
  }

  /// Those that may be looked at.
  func ready(_ lane: String, at now: Instant, _ transaction: Int) -> [Int64] {
    let rows = outbox.all(transaction)
    let sending = Set(rows.filter { $0.row.lane == lane }.map { outbox.writer($0.key, transaction).transaction })
    let first = rows.first?.key ?? .max
    return unsettled.all(transaction).filter { _, entry in
      entry.lookAt <= now && entry.afterRow < first && entry.sentIn.map { !sending.contains($0.transaction) } ?? true
    }.map(\.key)
  }
}

extension SimulatedSession {
  /// What the stores do behind what they write.
  func noteOvertaking(_ rewritten: [RewrittenCustomer], from lane: String) throws {
    guard world.mistake != .overtakingNotNoticed else { return }
    try statement("note overtaking") { transaction in
      var underWay = RowsUnderWay()
      for (id, entry) in database.outbox.all(transaction) {
        underWay.note(database.outbox.writer(id, transaction).transaction, lastRow: id, isOwnLane: entry.lane == lane)
      }
      try database.unsettle(underWay.overtakable(rewritten), lookAt: world.machineTime, transaction)
    }
  }
}

final class SimulatedLaneStore: LaneStore {
  let session: SimulatedSession

  init(_ session: SimulatedSession) { self.session = session }

  private var tables: Tables { session.database }
  private var mistake: Mistake? { session.world.mistake }
  var isBroken: Bool { session.isBroken }
  func transaction<Value>(_ body: () throws -> Value) throws -> Value { try session.inTransaction(body) }
  func reconnect() throws { try session.reconnect() }

  func otherCluster(_ key: PositionKey) throws -> String? { nil }

  func claim(_ key: PositionKey, owner: String) throws -> Position {
    try session.statement("claim \(key.lane)") { transaction in
      try tables.positions.lock(key.lane, transaction)
      var position = tables.positions[key.lane, transaction] ?? Position(nextOffset: 0, epoch: 0)
      position.epoch += 1
      try tables.positions.put(key.lane, position, transaction)
      return position
    }
  }

  func position(_ key: PositionKey) throws -> Position? {
    try session.statement("position \(key.lane)") { transaction in
      try tables.positions.lock(key.lane, transaction)
      return tables.positions[key.lane, transaction]
    }
  }

  func move(_ key: PositionKey, to step: Step, from position: Position) throws -> Bool {
    if mistake == .positionInAnotherTransaction {
      session.afterCommit.append { [tables] transaction in _ = try SimulatedLaneStore.move(key, step, nil, tables, transaction) }
      return true
    }
    return try session.statement("move \(key.lane) to \(step.nextOffset)") { transaction in
      try SimulatedLaneStore.move(key, step, mistake == .fenceSaysYes ? nil : position, tables, transaction)
    }
  }

  private static func move(_ key: PositionKey, _ step: Step, _ known: Position?, _ tables: Tables, _ transaction: Int) throws -> Bool {
    try tables.positions.lock(key.lane, transaction)
    guard var standing = tables.positions[key.lane, transaction] else { return false }
    if let known, standing.epoch != known.epoch || standing.nextOffset != known.nextOffset { return false }
    standing.nextOffset = step.nextOffset
    standing.anchor = step.anchor
    standing.lanesIn = step.lanesIn
    try tables.positions.put(key.lane, standing, transaction)
    return true
  }

  func count(_ key: PositionKey, lanesOut: LaneTable, epoch: Int64) throws -> Bool {
    try session.statement("count \(key.lane)") { transaction in
      guard var standing = tables.positions[key.lane, transaction] else { return false }
      if mistake != .fenceSaysYes, standing.epoch != epoch { return false }
      standing.lanesOut = lanesOut
      try tables.positions.put(key.lane, standing, transaction)
      return true
    }
  }

  func moveUnfenced(_ key: PositionKey, to step: Step, lanesOut: LaneTable?) throws {
    throw PostgresFailure(kind: .configuration, message: "only the mutants of the fault harness call this")
  }

  var statesByName: Set<String> { session.process.service.name == "profile" ? [Topics.profiles.name] : [] }

  /// What PostgreSQL would hold and give back: of states by name nothing but their names.
  private func stored(_ row: OutboxRow) -> OutboxRow {
    OutboxRow(topic: row.topic, partition: row.partition, firstSequence: row.firstSequence, records: row.records, body: row.stored)
  }

  private func readAnew(_ row: OutboxRow, _ transaction: Int) throws -> OutboxRow {
    let stored = row.body.withUnsafeBytes { Array($0) }
    guard let named = try NamedStates(stored) else { return row }
    let environment = session.world.setting.profileEnvironment
    let current = environment.currentStates(named.names.map(\.key), at: session.world.clock.now()) { ids in
      ids.compactMap { tables.customers[$0, transaction] }
    }
    return OutboxRow(
      topic: row.topic, partition: row.partition, firstSequence: row.firstSequence, records: row.records, body: try named.framed(current))
  }

  func addOutgoing(_ rows: [OutboxRow], lane: String) throws -> [Int64] {
    try session.statement("add \(rows.count) outbox rows") { transaction in
      try rows.map { row in
        let id = tables.nextID()
        try tables.outbox.put(id, OutboxEntry(lane: lane, row: stored(row)), transaction)
        return id
      }
    }
  }

  func outgoing(lane: String, after id: Int64) throws -> [(id: Int64, row: OutboxRow)] {
    try session.statement("read the outbox of \(lane)") { transaction in
      let found = tables.outbox.all(transaction).filter { $0.key > id && $0.row.lane == lane }
      return try found.prefix(LaneRelayLimits.rowsPerReadMax).map { (id: $0.key, row: try readAnew($0.row.row, transaction)) }
    }
  }

  func removeOutgoing(_ ids: [Int64]) throws {
    try session.statement("remove \(ids.count) outbox rows") { transaction in
      for id in ids { try tables.outbox.put(id, nil, transaction) }
    }
  }

  func unsettle(_ customers: [Int64], afterRow: Int64, seconds: Int64) throws {
    if mistake == .lateCopiesNotExpected { return }
    try session.statement("expect late copies of \(customers.count)") { transaction in
      try tables.unsettle(customers.map { ($0, afterRow) }, lookAt: session.world.machineTime.adding(seconds: seconds), transaction)
    }
  }

  func quarantine(_ refused: [(record: RawRecord, faults: [Fault])], topic: String, partition: Int32, at now: Instant) throws {
    try session.statement("quarantine \(refused.count)") { transaction in
      for (record, faults) in refused {
        let entry = QuarantineEntry(topic: topic, partition: partition, offset: record.offset, faults: faults)
        try tables.quarantine.put(tables.nextID(), entry, transaction)
      }
    }
  }
}
