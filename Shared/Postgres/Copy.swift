// COPY in both directions.
import CPostgres

extension PostgresSession {
  /// Bytes given to the library at a time. Whole batches of the hot path fit in one piece; a long load keeps its memory bounded.
  static let copyChunkBytesMax = 1 << 20

  /// Loads rows with `COPY … FROM STDIN (FORMAT binary)`. The SQL may begin with `BEGIN;`. Returns the number of rows loaded.
  /// On failure nothing of them stays; a transaction the SQL had opened is left failed, for the caller to roll back.
  ///
  /// - Parameter beforeEnd: called when every row is sent and the copy is not yet ended: the fault harness ends processes there.
  @discardableResult
  public func copyIn(_ sql: String, beforeEnd: () -> Void = {}, rows fill: (inout BinaryCopy) -> Void) throws(PostgresFailure) -> Int {
    var rows = copyMemory.take() ?? BinaryCopy()
    rows.reset()
    fill(&rows)
    let affected: Int
    do throws(PostgresFailure) { affected = try copyIn(sql, rows, beforeEnd: beforeEnd) } catch {
      copyMemory = consume rows
      throw error
    }
    copyMemory = consume rows
    return affected
  }

  /// The same with rows that were made before.
  @discardableResult
  public func copyIn(_ sql: String, _ rows: borrowing BinaryCopy, beforeEnd: () -> Void = {}) throws(PostgresFailure) -> Int {
    try rows.check()
    if isKept { try refuseBesideTransactions(Statement(name: "copy", sql: sql)) }
    let wire = try usableWire("copy")
    let isOpen = transactionStatus == .open || Statement.effect(of: sql) == .begins
    let exchange = Exchange(name: "copy", effect: .none, inTransaction: isOpen)
    try startCopy(wire, sql, exchange, PGRES_COPY_IN)
    do throws(PostgresFailure) {
      var offset = 0
      while offset < rows.arena.count {
        let length = min(Self.copyChunkBytesMax, rows.arena.count - offset)
        try put(wire, UnsafeRawBufferPointer(rebasing: rows.arena.bytes[offset..<offset + length]))
        offset += length
      }
      beforeEnd()
      // The trailer of the format: a row of -1 columns.
      var trailer = Int16(-1)
      try withUnsafeBytes(of: &trailer) { bytes throws(PostgresFailure) in try put(wire, bytes) }
      try endCopy(wire, nil)
    } catch {
      // The server's own words, if there are any, say more than the broken pipe.
      if !wire.isBroken { _ = try answer(wire, exchange) }
      throw judged(error, exchange)
    }
    return try answer(wire, exchange)?.affected ?? 0
  }

  /// Reads with `COPY … TO STDOUT`, row by row, in the format the SQL asks for. The bytes are valid only inside `body`. When the body
  /// throws, the rest is cancelled and its error is thrown. Returns the number of rows the server sent.
  @discardableResult
  public func copyOut(_ sql: String, _ body: (UnsafeRawBufferPointer) throws -> Void) throws -> Int {
    let wire = try usableWire("copy")
    let exchange = Exchange(name: "copy", effect: .begins, inTransaction: true)
    try startCopy(wire, sql, exchange, PGRES_COPY_OUT)
    isOccupied = true
    defer { isOccupied = false }
    var failure: (any Error)?
    do {
      while let (row, length) = try wire.nextCopiedRow() {
        defer { PQfreemem(row) }
        // After a failure the rest is read and dropped, so that the connection stays usable.
        if failure != nil { continue }
        do {
          try body(UnsafeRawBufferPointer(start: row, count: length))
        } catch {
          failure = error
          wire.sendCancel()
        }
      }
    } catch {
      failure = failure ?? error
    }
    let rows: Rows?
    do throws(PostgresFailure) {
      rows = try answer(wire, exchange)
    } catch {
      throw failure ?? error
    }
    if let failure { throw failure }
    return rows?.affected ?? 0
  }

  /// Sends the SQL and reads up to the point where the copy begins.
  private func startCopy(_ wire: Wire, _ sql: String, _ exchange: Exchange, _ direction: ExecStatusType) throws(PostgresFailure) {
    guard PQsendQuery(wire.connection, sql) == 1 else { throw unsent(wire, exchange) }
    try wire.flush()
    while let result = try wire.nextResult() {
      let status = PQresultStatus(result)
      if status == PGRES_COMMAND_OK || status == PGRES_EMPTY_QUERY {
        PQclear(result)
        continue
      }
      if status == direction {
        let isBinary = PQbinaryTuples(result) == 1
        PQclear(result)
        if direction == PGRES_COPY_IN, !isBinary { try refuse(wire, exchange, "the SQL must say FORMAT binary") }
        return
      }
      let failure = PostgresFailure(result, statement: exchange.name, connectionIsGone: wire.hasLostConnection)
      PQclear(result)
      if status == PGRES_COPY_IN { try refuse(wire, exchange, "the SQL copies the other way") }
      if status == PGRES_COPY_OUT { wire.sendCancel() }
      _ = try? answer(wire, exchange)
      throw judged(failure, exchange)
    }
    throw judged(PostgresFailure(kind: .other, message: "the SQL does not copy"), exchange)
  }

  private func refuse(_ wire: Wire, _ exchange: Exchange, _ why: String) throws(PostgresFailure) {
    try endCopy(wire, why)
    _ = try? answer(wire, exchange)
    throw PostgresFailure(kind: .other, message: why, statementName: exchange.name)
  }

  private func put(_ wire: Wire, _ bytes: UnsafeRawBufferPointer) throws(PostgresFailure) {
    guard let base = bytes.assumingMemoryBound(to: CChar.self).baseAddress else { return }
    while true {
      let taken = PQputCopyData(wire.connection, base, Int32(clamping: bytes.count))
      // Sent before the next piece, so that the library's buffer stays as small as one.
      if taken == 1 { return try wire.flush() }
      if taken < 0 { throw PostgresFailure(kind: .connectionLost, message: "the copy could not be sent") }
      try wire.flush()
    }
  }

  private func endCopy(_ wire: Wire, _ complaint: String?) throws(PostgresFailure) {
    while true {
      let taken = PQputCopyEnd(wire.connection, complaint)
      if taken == 1 { return try wire.flush() }
      if taken < 0 { throw PostgresFailure(kind: .connectionLost, message: "the copy could not be ended") }
      try wire.flush()
    }
  }
}
