// Statements that take no round trip of their own: they are sent with whatever comes next.
import CPostgres

extension PostgresSession {
  /// In a transaction: sends a statement along with the next one that is waited for, and with the commit at the latest. What goes wrong in it is
  /// thrown there.
  ///
  /// At a thousand small transactions a second it is round trips that cost, not statements: each is two changes of process on a busy machine.
  /// - Parameters:
  ///   - rows: how many it must touch; nil: as many as it finds.
  ///   - kind: what it is when it touches others (`PostgresFailure.isCountWrong`).
  public func runLater(
    _ statement: Statement, rows: Int? = nil, otherwise kind: PostgresFailure.Kind = .retryTransaction, _ build: (inout Parameters) -> Void
  ) throws(PostgresFailure) {
    let expected = rows.map { Exchange.Expected(rows: $0, kind: kind) }
    if transactionStatus == .open { return try addWaiting(statement, expected, build) }
    // Outside a transaction nothing comes that it could go with.
    let found = try run(statement, build)
    if let expected, found != expected.rows { throw .wrongCount(found, expected, statement.name) }
  }

  /// Sends what waits, and throws what went wrong in it.
  public func settle() throws(PostgresFailure) { _ = try usableWire("") }

  func beginLater() throws(PostgresFailure) { try addWaiting(.begin, nil) { _ in } }

  private func addWaiting(
    _ statement: Statement, _ expected: Exchange.Expected?, _ build: (inout Parameters) -> Void
  ) throws(PostgresFailure) {
    let wire = try usableWire(statement.name, takesWaiting: true)
    try enterPipeline(wire)
    var segment = Pipeline(self, wire)
    let result: Result<Void, PostgresFailure>
    do throws(PostgresFailure) {
      try segment.add(statement, expected: expected, answers: false, build)
      result = .success(())
    } catch { result = .failure(error) }
    waiting = segment.steps
    try result.get()
  }

  /// Sends what waits and reads its answers. Throws the first failure among them.
  func sendWaiting(_ wire: Wire) throws(PostgresFailure) {
    guard PQpipelineStatus(wire.connection) != PQ_PIPELINE_OFF, !isOccupied else { return }
    let steps = waiting
    waiting = []
    _ = try finish(wire, steps)
  }

  /// Ends what waits before a rollback, whatever became of it.
  func dropWaiting(_ wire: Wire) {
    // A failure of it is what the rollback is for, or says that the connection is gone.
    try? sendWaiting(wire)
  }

  /// A statement and what waits, in one round trip.
  func queryBehindWaiting(_ statement: Statement, _ parameters: borrowing Parameters) throws(PostgresFailure) -> Rows {
    let wire = try usableWire(statement.name, takesWaiting: true)
    var segment = Pipeline(self, wire)
    do throws(PostgresFailure) { try segment.add(statement, parameters) } catch {
      waiting = segment.steps
      throw error
    }
    guard let rows = try finish(wire, segment.steps).first else {
      throw PostgresFailure(kind: .other, message: "the statement is empty", statementName: statement.name)
    }
    return rows
  }
}
