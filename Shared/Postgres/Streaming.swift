// Large answers in pieces, through a cursor.

extension PostgresSession {
  /// Rows fetched at a time at most.
  public static let rowsPerFetchMax = 100_000

  /// Runs a query and gives its rows in pieces of at most `rowsPerFetch`. Between pieces the session may be used for other statements
  /// of the same transaction. Outside a transaction one is opened for the duration, and committed when `body` was given all.
  public func stream(
    _ statement: Statement, _ parameters: borrowing Parameters, rowsPerFetch: Int = 1_000, _ body: (Rows) throws -> Void
  ) throws {
    let isOwner = transactionStatus == .idle
    if isKept { try refuseBesideTransactions(statement) }
    if isOwner { try atEdge { () throws(PostgresFailure) in try begin() } }
    do {
      try fetchAll(statement, parameters, max(1, min(rowsPerFetch, Self.rowsPerFetchMax)), body)
      if isOwner { try atEdge { () throws(PostgresFailure) in try commit() } }
    } catch {
      if isOwner {
        do throws(PostgresFailure) { try rollback() } catch let second {
          wire?.markBroken()
          throw TransactionFailure(cause: error, rollback: second)
        }
      }
      throw error
    }
  }

  /// As above, with values built in place.
  public func stream(
    _ statement: Statement, rowsPerFetch: Int = 1_000, _ build: (inout Parameters) -> Void = { _ in }, _ body: (Rows) throws -> Void
  ) throws {
    var values = Parameters()
    build(&values)
    try stream(statement, values, rowsPerFetch: rowsPerFetch, body)
  }

  private func fetchAll(
    _ statement: Statement, _ parameters: borrowing Parameters, _ rowsPerFetch: Int, _ body: (Rows) throws -> Void
  ) throws {
    cursorNumber &+= 1
    let cursor = SQLText.identifier("cursor_\(cursorNumber)")
    // Unnamed: neither the declaration nor the fetch is worth keeping in the server.
    try query(Statement(name: "", sql: "DECLARE \(cursor) NO SCROLL CURSOR FOR " + statement.sql), parameters)
    let fetch = Statement(name: "", sql: "FETCH FORWARD \(rowsPerFetch) FROM \(cursor)")
    while true {
      let rows = try query(fetch)
      if rows.count > 0 { try body(rows) }
      if rows.count < rowsPerFetch { break }
    }
    try query(Statement(name: "", sql: "CLOSE \(cursor)"))
  }
}
