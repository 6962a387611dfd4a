// One question to the server and its whole answer: sending, draining, and what a failure means.
import CPostgres

/// What is known about a statement in hand, to judge its failure.
struct Exchange {
  let name: String
  /// Losing the connection now leaves it open whether the work was committed.
  let mayCommit: Bool
  /// A failed transaction answers COMMIT with ROLLBACK instead of an error.
  let mustNotRollBack: Bool
  /// How many rows it must touch, and what it is when it touches others.
  var expected: Expected?

  struct Expected {
    let rows: Int
    let kind: PostgresFailure.Kind
  }

  init(name: String, effect: Statement.Effect, inTransaction: Bool) {
    self.name = name
    mustNotRollBack = effect == .commits && !name.isEmpty
    switch effect {
    case .commits: mayCommit = true
    case .begins, .rollsBack: mayCommit = false
    case .none: mayCommit = !inTransaction
    }
  }
}

extension PostgresSession {
  /// Prepared statements of one connection. Each costs memory in the server; a program has some hundred.
  static let preparedMax = 1_000

  /// The name under which the connection knows the statement; nil when it must be prepared first.
  func preparedName(_ statement: Statement, _ types: [PostgresType]) throws(PostgresFailure) -> String? {
    if statement.name.isEmpty { return "" }
    guard let known = prepared[statement.name] else {
      guard statement.name.utf8.count <= Statement.nameBytesMax else {
        throw PostgresFailure(kind: .other, message: "a statement's name is too long", statementName: statement.name)
      }
      guard preparedCount < Self.preparedMax else {
        throw PostgresFailure(kind: .other, message: "over \(Self.preparedMax) statements prepared", statementName: statement.name)
      }
      return nil
    }
    return try known.name(for: statement, types)
  }

  /// Asks the server to prepare the statement; it counts as prepared once the answer was good. A plan that has gone stale keeps its
  /// name in the server, so each preparation has a name of its own.
  func sendPrepare(_ wire: Wire, _ statement: Statement, _ types: [PostgresType]) -> Prepared? {
    preparedCount += 1
    let name = "\(statement.name)~\(preparedCount)"
    let oids = types.map(\.rawValue)
    guard PQsendPrepare(wire.connection, name, statement.sql, Int32(oids.count), oids) == 1 else { return nil }
    return Prepared(serverName: name, sql: statement.sql, types: types)
  }

  /// Puts a statement and its values into the library's send buffer.
  func send(_ wire: Wire, _ statement: Statement, as name: String, _ parameters: borrowing Parameters) -> Bool {
    let count = Int32(parameters.count)
    parameters.pointers(into: &pointers)
    while formats.count < parameters.count { formats.append(1) }
    if name.isEmpty {
      let oids = parameters.types.map(\.rawValue)
      return PQsendQueryParams(wire.connection, statement.sql, count, oids, pointers, parameters.lengths, formats, 1) == 1
    }
    return PQsendQueryPrepared(wire.connection, name, count, pointers, parameters.lengths, formats, 1) == 1
  }

  /// Reads to the end of the answer. Gives the last good result, or throws the first failure: later ones are its consequences.
  func answer(_ wire: Wire, _ exchange: Exchange) throws(PostgresFailure) -> Rows? {
    var rows: Rows?
    var failure: PostgresFailure?
    do throws(PostgresFailure) {
      try wire.flush()
      while let result = try wire.nextResult() {
        switch PQresultStatus(result) {
        case PGRES_TUPLES_OK, PGRES_COMMAND_OK:
          rows = Rows(consuming: result, statement: exchange.name)
        case PGRES_EMPTY_QUERY: PQclear(result)
        case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
          PQclear(result)
          failure = failure ?? PostgresFailure(kind: .other, message: "COPY needs copyIn or copyOut", statementName: exchange.name)
          try refuseCopy(wire)
        default:
          let found = PostgresFailure(result, statement: exchange.name, connectionIsGone: wire.hasLostConnection)
          failure = failure ?? found
          PQclear(result)
        }
      }
    } catch {
      failure = failure ?? error
    }
    if let failure { throw judged(failure, exchange) }
    if wire.hasLostConnection {
      throw judged(PostgresFailure(kind: .connectionLost, message: "the connection was closed"), exchange)
    }
    if exchange.mustNotRollBack, rows?.commandTag == "ROLLBACK" {
      throw PostgresFailure(
        kind: .other, message: "the transaction had failed and was rolled back instead of committed", statementName: exchange.name)
    }
    return rows
  }

  /// A copy that nobody feeds or reads would hold the connection for ever.
  private func refuseCopy(_ wire: Wire) throws(PostgresFailure) {
    if PQputCopyEnd(wire.connection, "not expected here") == 1 {
      try wire.flush()
      return
    }
    wire.sendCancel()
    while let (row, _) = try wire.nextCopiedRow() { PQfreemem(row) }
  }

  /// Adds what the failure means for the work in hand, and forgets what the server has forgotten.
  func judged(_ failure: PostgresFailure, _ exchange: Exchange) -> PostgresFailure {
    if failure.isStalePlan { prepared.removeValue(forKey: exchange.name) }
    return failure.with(
      statementName: exchange.name.isEmpty ? nil : exchange.name, isOutcomeUnknown: failure.kind == .connectionLost && exchange.mayCommit)
  }

  /// The library did not even take the statement: the connection is gone, or the session was misused.
  func unsent(_ wire: Wire, _ exchange: Exchange) -> PostgresFailure {
    let text = PQerrorMessage(wire.connection).map { String(cString: $0) } ?? ""
    let kind: PostgresFailure.Kind = wire.hasLostConnection ? .connectionLost : .other
    return PostgresFailure(kind: kind, message: Redaction.message(text, sqlState: ""), statementName: exchange.name)
  }
}

extension PostgresFailure {
  /// The server no longer knows the statement, or its plan no longer fits the tables.
  var isStalePlan: Bool { kind == .retryTransaction && (sqlState == "26000" || sqlState == "0A000") }
}
