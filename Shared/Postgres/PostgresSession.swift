// A synchronous conversation with PostgreSQL, for use on one thread that may block.
import CPostgres
public import Telemetry

/// One connection, used by one thread at a time. Every call blocks until the server has answered: call only on threads of our own
/// (`PostgresConnection` gives one to tasks; partition workers have theirs). Not Sendable, so the compiler keeps it there.
///
/// After a failure with `endsConnection` the session `isBroken` until `reconnect()`; statements are prepared anew by themselves.
public final class PostgresSession {
  /// Asks this session, from any thread, to give up the statement in hand.
  public let cancelHandle: CancelHandle
  let settings: PostgresSettings
  let logger: Logger

  /// nil while there is no connection.
  var wire: Wire?
  /// What this connection has prepared, by name.
  var prepared: [String: Prepared] = [:]
  /// Reused by the calls that build their values in a closure.
  var scratch: Parameters? = Parameters()
  /// Reused by copies whose rows are made in a closure.
  var copyMemory: BinaryCopy? = BinaryCopy()
  var pointers: [UnsafePointer<CChar>?] = []
  /// All values travel in binary form.
  var formats: [Int32] = []
  /// In the middle of a copy or a pipeline, where no other statement may stand.
  var isOccupied = false
  /// Statements of `runLater` that were not sent to their end yet: the next round trip takes them along.
  var waiting: [Pipeline.Step] = []

  /// Done at the end of each transaction, inside it.
  var closing: (@Sendable (PostgresSession) throws -> Void)?
  /// Writes in its own transactions alone: what was written beside them would go without `closing`.
  var isKept = false
  /// How far one of its own transactions is.
  var stage = TransactionStage.outside

  enum TransactionStage: Sendable { case outside, edge, body }

  var preparedCount = 0
  var cursorNumber = 0

  struct Prepared {
    let serverName: String
    let sql: String
    let types: [PostgresType]

    /// Refuses what would be misread: other SQL or other types under the same name.
    func name(for statement: Statement, _ types: [PostgresType]) throws(PostgresFailure) -> String {
      if types == self.types, statement.sql == sql { return serverName }
      throw PostgresFailure(
        kind: .other, message: "the statement was prepared with other SQL or other types of values", statementName: statement.name)
    }
  }

  /// Connects at once, to the first server that takes the connection.
  public init(_ settings: PostgresSettings, logger: Logger = .silent) throws(PostgresFailure) {
    self.settings = settings
    self.logger = logger
    cancelHandle = try CancelHandle()
    try reconnect()
  }

  // MARK: State.

  /// True when the connection is gone or out of step; only `reconnect()` helps.
  public var isBroken: Bool { wire.map(\.hasLostConnection) ?? true }

  /// Looks whether the server has closed the connection while it was idle, without asking it anything. True when it can be used.
  public func checkConnection() -> Bool { wire?.isStillOpen() ?? false }

  /// The server's process for this session, 0 without a connection.
  public var backendPID: Int32 { wire.map { PQbackendPID($0.connection) } ?? 0 }

  /// The server's version as a number: 150018 is 15.18. 0 without a connection.
  public var serverVersion: Int { wire.map { Int(PQserverVersion($0.connection)) } ?? 0 }

  /// Where the session stands between two statements.
  public enum TransactionStatus: Sendable { case idle, open, failed, unknown }

  public var transactionStatus: TransactionStatus {
    guard let wire, !wire.hasLostConnection else { return .unknown }
    // Only in an open transaction does anything wait.
    if !waiting.isEmpty { return .open }
    switch PQtransactionStatus(wire.connection) {
    case PQTRANS_IDLE: return .idle
    case PQTRANS_INTRANS: return .open
    case PQTRANS_INERROR: return .failed
    default: return .unknown
    }
  }

  // MARK: Connecting.

  /// Closes what is left of the connection and makes a new one. One attempt at each server; pauses between attempts are the
  /// caller's (`Backoff`). An open transaction is gone, and with it everything that was not committed.
  public func reconnect() throws(PostgresFailure) {
    close()
    var failure = PostgresFailure(kind: .configuration, message: "no database server was named")
    for server in settings.servers {
      do throws(PostgresFailure) {
        wire = try Wire(settings, server, cancelHandle, logger)
        try open()
        return
      } catch {
        close()
        // A refusal that a person must mend says more than a neighbour that is down.
        if failure.kind != .configuration || server == settings.servers.first { failure = error }
      }
    }
    throw failure
  }

  private func open() throws(PostgresFailure) {
    guard let wire else { return }
    wire.isShielded = true
    defer { wire.isShielded = false }
    try execute(settings.openingSQL(), Exchange(name: "", effect: .begins, inTransaction: true))
    logger.debug("database session opened", ["backend_pid": .int(backendPID), "server_version": .int(serverVersion)])
  }

  /// Ends the connection. The session can be used again after `reconnect()`.
  public func close() {
    wire = nil
    prepared.removeAll(keepingCapacity: true)
    preparedCount = 0
    isOccupied = false
    waiting = []
  }

  /// The connection, when it can carry a statement. What waits is sent first, unless the caller takes it along.
  func usableWire(_ statement: String, takesWaiting: Bool = false) throws(PostgresFailure) -> Wire {
    guard let wire, !wire.hasLostConnection else {
      throw PostgresFailure(kind: .connectionLost, message: "there is no connection", statementName: statement)
    }
    if isOccupied {
      throw PostgresFailure(kind: .other, message: "the session is in the middle of a copy or a pipeline", statementName: statement)
    }
    try wire.refuseIfCancelled(statement)
    if !takesWaiting { try sendWaiting(wire) }
    return wire
  }

  // MARK: Statements.

  /// Sends SQL as it stands, one statement or many. Many run as one transaction unless they say otherwise. No values, no rows.
  public func execute(_ sql: String) throws(PostgresFailure) {
    if isKept { try refuseBesideTransactions(Statement(name: "", sql: sql)) }
    try execute(sql, Exchange(name: "", effect: .commits, inTransaction: false))
  }

  func execute(_ sql: String, _ exchange: Exchange) throws(PostgresFailure) {
    let wire = try usableWire("")
    guard PQsendQuery(wire.connection, sql) == 1 else { throw unsent(wire, exchange) }
    _ = try answer(wire, exchange)
  }

  /// Runs a statement with values and returns its rows.
  @discardableResult
  public func query(_ statement: Statement, _ parameters: borrowing Parameters) throws(PostgresFailure) -> Rows {
    try parameters.check(statement.name)
    do throws(PostgresFailure) {
      return try queryOnce(statement, parameters)
    } catch {
      // Outside a transaction nothing was done yet, so a stale plan is the session's own affair.
      guard error.isStalePlan, transactionStatus == .idle else { throw error }
      return try queryOnce(statement, parameters)
    }
  }

  private func queryOnce(_ statement: Statement, _ parameters: borrowing Parameters) throws(PostgresFailure) -> Rows {
    if isKept { try refuseBesideTransactions(statement) }
    if !waiting.isEmpty, statement.effect == .none { return try queryBehindWaiting(statement, parameters) }
    let wire = try usableWire(statement.name)
    let exchange = Exchange(name: statement.name, effect: statement.effect, inTransaction: transactionStatus == .open)
    wire.isShielded = statement.effect == .commits
    defer { wire.isShielded = false }
    let name: String
    if let known = try preparedName(statement, parameters.types) {
      name = known
    } else {
      guard let made = sendPrepare(wire, statement, parameters.types) else { throw unsent(wire, exchange) }
      // Nothing was executed yet: a connection lost here leaves no doubt.
      _ = try answer(wire, Exchange(name: statement.name, effect: .none, inTransaction: true))
      prepared[statement.name] = made
      name = made.serverName
    }
    guard send(wire, statement, as: name, parameters) else { throw unsent(wire, exchange) }
    guard let rows = try answer(wire, exchange) else {
      throw PostgresFailure(kind: .other, message: "the statement is empty", statementName: statement.name)
    }
    return rows
  }

  /// Runs a statement whose values are built in place: `session.query(find) { $0.int64(id) }`.
  @discardableResult
  public func query(_ statement: Statement, _ build: (inout Parameters) -> Void = { _ in }) throws(PostgresFailure) -> Rows {
    // Taken out for the time being: `build` must not find the session's own values half written.
    var values = scratch.take() ?? Parameters()
    values.reset()
    build(&values)
    do throws(PostgresFailure) {
      let rows = try query(statement, values)
      scratch = consume values
      return rows
    } catch {
      scratch = consume values
      throw error
    }
  }

  /// Runs a statement and returns how many rows it touched.
  @discardableResult
  public func run(_ statement: Statement, _ parameters: borrowing Parameters) throws(PostgresFailure) -> Int {
    try query(statement, parameters).affected
  }

  /// Runs a statement whose values are built in place, and returns how many rows it touched.
  @discardableResult
  public func run(_ statement: Statement, _ build: (inout Parameters) -> Void = { _ in }) throws(PostgresFailure) -> Int {
    try query(statement, build).affected
  }
}
