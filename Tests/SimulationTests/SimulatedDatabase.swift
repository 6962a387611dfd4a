// PostgreSQL as the services use it: read committed, row locks, lost connections, commits whose answer never comes.
import Handling

@testable import Postgres

/// A table of one database. Rows written by an open transaction are seen by it alone; a row it touched is locked until it ends.
final class Table<Key: Hashable & Comparable, Row>: SimulatedTable {
  private(set) var rows: [Key: Row] = [:]
  private var written: [Int: [Key: Row?]] = [:]
  private var locks: [Key: Int] = [:]
  /// The transaction that wrote a row last, as `xmin`.
  private var writers: [Key: Int] = [:]
  private unowned let database: SimulatedDatabase

  init(_ database: SimulatedDatabase) {
    self.database = database
    database.add(self)
  }

  subscript(_ key: Key, _ transaction: Int) -> Row? { written[transaction]?[key] ?? rows[key] }

  func lock(_ key: Key, _ transaction: Int) throws {
    if let holder = locks[key], holder != transaction { try database.wait(for: holder, by: transaction) }
    locks[key] = transaction
  }

  func put(_ key: Key, _ row: Row?, _ transaction: Int) throws {
    try lock(key, transaction)
    written[transaction, default: [:]][key] = .some(row)
  }

  /// A row that is there from the beginning.
  func seed(_ key: Key, _ row: Row) { rows[key] = row }

  func writer(_ key: Key, _ transaction: Int) -> RowWriter {
    RowWriter(UInt32(truncatingIfNeeded: written[transaction]?[key] == nil ? writers[key] ?? 0 : transaction))
  }

  /// False when there is such a row.
  func insert(_ key: Key, _ row: Row, _ transaction: Int) throws -> Bool {
    try lock(key, transaction)
    guard self[key, transaction] == nil else { return false }
    try put(key, row, transaction)
    return true
  }

  /// In key order, as this transaction sees them.
  func all(_ transaction: Int) -> [(key: Key, row: Row)] {
    var seen = rows
    for (key, row) in written[transaction] ?? [:] { seen[key] = row }
    return seen.sorted { $0.key < $1.key }.map { (key: $0.key, row: $0.value) }
  }

  /// What is committed, in key order.
  var committed: [(key: Key, row: Row)] { rows.sorted { $0.key < $1.key }.map { (key: $0.key, row: $0.value) } }

  func end(_ transaction: Int, isCommitted: Bool) {
    if isCommitted {
      for (key, row) in written[transaction] ?? [:] {
        rows[key] = row
        writers[key] = row == nil ? nil : transaction
      }
    }
    written[transaction] = nil
    locks = locks.filter { $0.value != transaction }
  }
}

protocol SimulatedTable: AnyObject {
  func end(_ transaction: Int, isCommitted: Bool)
}

class SimulatedDatabase {
  unowned let world: World
  private var tables: [any SimulatedTable] = []
  private var transactionLast = 0
  /// Who runs an open transaction; nil: nobody any more, and how it ends is not known yet.
  private var open: [Int: SimulatedSession?] = [:]
  /// Transactions nobody runs any more that may still commit.
  private var undecided: Set<Int> = []

  init(_ world: World) { self.world = world }

  func add(_ table: any SimulatedTable) { tables.append(table) }

  func begin(_ session: SimulatedSession) -> Int {
    transactionLast += 1
    open[transactionLast] = session
    return transactionLast
  }

  func end(_ transaction: Int, isCommitted: Bool) {
    guard open.removeValue(forKey: transaction) != nil else { return }
    undecided.remove(transaction)
    for table in tables { table.end(transaction, isCommitted: isCommitted) }
  }

  /// The server goes on with a transaction, or has not noticed yet that its client is gone.
  func abandon(_ transaction: Int, mayCommit: Bool) {
    open[transaction] = .some(nil)
    if mayCommit { undecided.insert(transaction) }
  }

  var hasAbandoned: Bool { open.contains { $0.value == nil } }

  func settleAbandoned() {
    for transaction in open.filter({ $0.value == nil }).keys.sorted() { settle(transaction) }
  }

  private func settle(_ transaction: Int) {
    let commits = undecided.contains(transaction) && world.chance.happens(500)
    world.note { "an abandoned transaction \(commits ? "is committed" : "is rolled back")" }
    end(transaction, isCommitted: commits)
  }

  /// Another transaction holds a row. Whoever waits here cannot wait in a simulation: the other ends, or this one does.
  func wait(for holder: Int, by transaction: Int) throws {
    guard let runner = open[holder] else { return }
    guard let session = runner else { return settle(holder) }
    if world.chance.happens(500) {
      world.note { "a session that held a lock for too long is ended" }
      return session.endedByServer()
    }
    throw PostgresFailure(kind: .retryTransaction, message: "a lock was not had in time", sqlState: "55P03")
  }
}

/// A connection of one process.
final class SimulatedSession {
  let database: Tables
  let process: SimulatedProcess
  unowned let world: World
  private(set) var isBroken = false
  private var transaction: Int?
  /// A statement failed: until it is rolled back the transaction does nothing more.
  private var isAborted = false
  /// What is done once the transaction has committed: for a planted mistake.
  var afterCommit: [(Int) throws -> Void] = []

  init(_ database: Tables, _ process: SimulatedProcess) throws {
    self.database = database
    self.process = process
    world = database.world
    try world.breathe(process, "connect")
    if world.draw(world.faults.database) { throw PostgresFailure(kind: .unavailable, message: "the server is starting", sqlState: "57P03") }
  }

  private var lost: PostgresFailure { PostgresFailure(kind: .connectionLost, message: "the connection is gone") }

  func endedByServer() {
    isBroken = true
    finish(isCommitted: false)
  }

  private func finish(isCommitted: Bool) {
    if let transaction { database.end(transaction, isCommitted: isCommitted) }
    transaction = nil
  }

  func close() { endedByServer() }

  /// The process is gone: the server may notice at once or later.
  func vanish() {
    if let transaction {
      if world.chance.happens(500) { database.end(transaction, isCommitted: false) } else { database.abandon(transaction, mayCommit: false) }
    }
    transaction = nil
    isBroken = true
  }

  func reconnect() throws {
    try world.breathe(process, "reconnect")
    finish(isCommitted: false)
    if world.draw(world.faults.database) { throw PostgresFailure(kind: .unavailable, message: "the server is starting", sqlState: "57P03") }
    isBroken = false
  }

  /// One statement: in the open transaction, or in one of its own.
  func statement<Value>(_ name: String, _ body: (Int) throws -> Value) throws -> Value {
    try world.breathe(process, name)
    guard !isBroken else { throw lost }
    if let transaction {
      guard !isAborted else { throw PostgresFailure(kind: .other, message: "the transaction is aborted", sqlState: "25P02") }
      do {
        try drawFailure(name)
        return try body(transaction)
      } catch {
        isAborted = true
        throw error
      }
    }
    return try alone(name, body)
  }

  private func drawFailure(_ name: String) throws {
    guard world.draw(world.faults.database) else { return }
    world.note { "\(process.name): \(name) fails" }
    switch world.chance.below(8) {
    case 0, 1, 2:
      endedByServer()
      throw lost
    case 3, 4: throw PostgresFailure(kind: .retryTransaction, message: "deadlock", sqlState: "40P01")
    case 5: throw PostgresFailure(kind: .timedOut, message: "cancelled", sqlState: "57014")
    case 6: throw PostgresFailure(kind: .uniqueViolation, message: "a row with this key exists", sqlState: "23505")
    default: throw PostgresFailure(kind: .resourceExhausted, message: "no space", sqlState: "53100")
    }
  }

  private func alone<Value>(_ name: String, _ body: (Int) throws -> Value) throws -> Value {
    let transaction = database.begin(self)
    self.transaction = transaction
    isAborted = false
    let value: Value
    do {
      try drawFailure(name)
      value = try body(transaction)
    } catch {
      finish(isCommitted: false)
      throw error
    }
    try commit()
    return value
  }

  func inTransaction<Value>(_ body: () throws -> Value) throws -> Value {
    try world.breathe(process, "begin")
    guard !isBroken else { throw lost }
    transaction = database.begin(self)
    isAborted = false
    afterCommit = []
    let value: Value
    do {
      value = try body()
      try world.breathe(process, "commit")
    } catch {
      // A process that is gone rolls nothing back: the server does.
      if !process.isGone { try rollback(after: error) }
      throw error
    }
    let later = afterCommit
    afterCommit = []
    try commit()
    for work in later { try statement("in another transaction", work) }
    return value
  }

  private func rollback(after cause: any Error) throws {
    guard !isBroken else { return }
    finish(isCommitted: false)
    // The answer to the rollback may be lost as well.
    if world.draw(world.faults.database) {
      isBroken = true
      throw TransactionFailure(cause: cause, rollback: lost)
    }
  }

  private func commit() throws {
    guard !isBroken, let transaction else { throw lost.unknown }
    guard !isAborted else {
      finish(isCommitted: false)
      throw PostgresFailure(kind: .other, message: "the transaction was aborted", sqlState: "25P02")
    }
    guard world.draw(world.faults.commit) else { return finish(isCommitted: true) }
    if world.chance.happens(250) {
      finish(isCommitted: false)
      throw PostgresFailure(kind: .retryTransaction, message: "could not serialise", sqlState: "40001")
    }
    isBroken = true
    switch world.chance.below(3) {
    case 0: finish(isCommitted: true)
    case 1: finish(isCommitted: false)
    default:
      database.abandon(transaction, mayCommit: true)
      self.transaction = nil
    }
    world.note { "\(process.name): the answer to a commit is lost" }
    if world.mistake == .commitGuessed { return }
    throw lost.unknown
  }
}

extension PostgresFailure {
  fileprivate var unknown: PostgresFailure { PostgresFailure(kind: kind, message: message, sqlState: sqlState, isOutcomeUnknown: true) }
}
