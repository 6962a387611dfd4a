// Several statements in one round trip: sent together, answered together, undone together.
import CPostgres

/// Collects the statements of one segment. Values are copied when added, so the same `Parameters` may be reset and reused.
public struct Pipeline: ~Copyable {
  /// Statements of one segment: its answers wait in memory until all are read.
  public static let statementsMax = 256

  private let session: PostgresSession
  private let wire: Wire
  /// Whether a transaction is open at this place of the segment.
  private var isOpen: Bool
  fileprivate let wasOpen: Bool
  var steps: [Step] = []
  private var statementCount = 0
  /// Prepared in this very segment, not answered yet.
  private var preparing: [String: PostgresSession.Prepared] = [:]

  enum Step {
    case prepare(name: String, PostgresSession.Prepared)
    case run(Exchange, answers: Bool)
  }

  /// Goes on with what waits in the session.
  init(_ session: PostgresSession, _ wire: Wire) {
    self.session = session
    self.wire = wire
    wasOpen = session.transactionStatus == .open
    isOpen = wasOpen
    swap(&steps, &session.waiting)
    for case .prepare(let name, let made) in steps { preparing[name] = made }
  }

  /// Adds a statement with its values. Its rows are found in the results at the place it was added, counted from 0.
  public mutating func add(_ statement: Statement, _ parameters: borrowing Parameters) throws(PostgresFailure) {
    try add(statement, parameters, expected: nil, answers: true)
  }

  mutating func add(
    _ statement: Statement, _ parameters: borrowing Parameters, expected: Exchange.Expected?, answers: Bool
  ) throws(PostgresFailure) {
    try parameters.check(statement.name)
    if session.isKept { try session.refuseBesideTransactions(statement) }
    guard statementCount < Self.statementsMax else {
      throw PostgresFailure(kind: .other, message: "over \(Self.statementsMax) statements in one pipeline", statementName: statement.name)
    }
    var exchange = Exchange(name: statement.name, effect: statement.effect, inTransaction: isOpen)
    exchange.expected = expected
    let name: String
    if let made = preparing[statement.name] {
      name = try made.name(for: statement, parameters.types)
    } else if let known = try session.preparedName(statement, parameters.types) {
      name = known
    } else {
      guard let made = session.sendPrepare(wire, statement, parameters.types) else {
        throw session.unsent(wire, exchange)
      }
      steps.append(.prepare(name: statement.name, made))
      preparing[statement.name] = made
      name = made.serverName
    }
    guard session.send(wire, statement, as: name, parameters) else { throw session.unsent(wire, exchange) }
    steps.append(.run(exchange, answers: answers))
    statementCount += 1
    switch statement.effect {
    case .begins: isOpen = true
    case .commits:
      isOpen = false
      wire.isShielded = true
    case .rollsBack: isOpen = false
    case .none: break
    }
  }

  /// Adds a statement whose values are built in place.
  public mutating func add(_ statement: Statement, _ build: (inout Parameters) -> Void = { _ in }) throws(PostgresFailure) {
    try add(statement, expected: nil, answers: true, build)
  }

  mutating func add(
    _ statement: Statement, expected: Exchange.Expected?, answers: Bool, _ build: (inout Parameters) -> Void
  ) throws(PostgresFailure) {
    var values = session.scratch.take() ?? Parameters()
    values.reset()
    build(&values)
    do throws(PostgresFailure) {
      try add(statement, values, expected: expected, answers: answers)
      session.scratch = consume values
    } catch {
      session.scratch = consume values
      throw error
    }
  }

  /// Adds `BEGIN`.
  public mutating func begin() throws(PostgresFailure) { try add(.begin) }

  /// Adds `COMMIT`.
  public mutating func commit() throws(PostgresFailure) { try add(.commit) }

  /// Undoes what was sent when the caller gives up half way: a rollback ends the implicit transaction of the segment too.
  fileprivate mutating func abandon() {
    if wasOpen { return }
    if PQsendQueryParams(wire.connection, "ROLLBACK", 0, nil, nil, nil, nil, 1) == 1 {
      steps.append(.run(Exchange(name: "", effect: .rollsBack, inTransaction: true), answers: false))
    }
  }
}

extension PostgresSession {
  /// Sends the statements that `build` adds in one round trip and returns their rows, one `Rows` per `add`, in order.
  ///
  /// When one fails, those after it are not run, the first failure is thrown (its `statementName` says which), and a transaction that
  /// the segment had begun is rolled back. Without `BEGIN` the whole segment is one transaction. A segment with a commit in it is not
  /// cut off by a cancel once it was sent; the server's limits still hold for the statements before the commit.
  @discardableResult
  public func pipeline(_ build: (inout Pipeline) throws -> Void) throws -> [Rows] {
    let wire = try usableWire("", takesWaiting: true)
    try enterPipeline(wire)
    defer { wire.isShielded = false }
    var segment = Pipeline(self, wire)
    var failure: (any Error)?
    isOccupied = true
    defer { isOccupied = false }
    do {
      try build(&segment)
    } catch {
      failure = error
      segment.abandon()
    }
    let wasOpen = segment.wasOpen
    var rows: [Rows] = []
    do throws(PostgresFailure) {
      rows = try finish(wire, segment.steps)
    } catch {
      // What the caller threw came first; but a lost connection outweighs it.
      if failure == nil || error.kind == .connectionLost { failure = error }
    }
    guard let failure else { return rows }
    isOccupied = false
    wire.isShielded = false
    if !wasOpen { try rollback() }
    throw failure
  }

  /// Statements may wait in it already.
  func enterPipeline(_ wire: Wire) throws(PostgresFailure) {
    guard PQpipelineStatus(wire.connection) == PQ_PIPELINE_OFF else { return }
    guard PQenterPipelineMode(wire.connection) == 1 else { throw unsent(wire, Exchange(name: "", effect: .none, inTransaction: true)) }
  }

  func finish(_ wire: Wire, _ steps: [Pipeline.Step]) throws(PostgresFailure) -> [Rows] {
    guard PQpipelineSync(wire.connection) == 1 else {
      wire.markBroken()
      throw PostgresFailure(kind: .connectionLost, message: "the pipeline could not be sent", isOutcomeUnknown: mayHaveCommitted(steps))
    }
    var rows: [Rows] = []
    var failure: PostgresFailure?
    var place = 0
    do throws(PostgresFailure) {
      try wire.flush()
      while place < steps.count {
        let outcome = try settle(wire, steps[place])
        switch outcome {
        case .rows(let found): if let found { rows.append(found) }
        case .failed(let found): failure = failure ?? found
        case .skipped: break
        }
        if wire.hasLostConnection { break }
        place += 1
      }
      let late = try leave(wire)
      failure = failure ?? late
    } catch {
      wire.markBroken()
      failure = failure ?? error
    }
    if wire.hasLostConnection {
      let first = failure ?? PostgresFailure(kind: .connectionLost, message: "the connection was closed")
      throw first.with(statementName: nil, isOutcomeUnknown: first.kind == .connectionLost && mayHaveCommitted(steps[place...]))
    }
    if let failure { throw failure }
    return rows
  }

  /// The unanswered rest of the segment holds something that commits.
  private func mayHaveCommitted(_ steps: some Sequence<Pipeline.Step>) -> Bool {
    steps.contains { step in
      if case .run(let exchange, _) = step { exchange.mayCommit } else { false }
    }
  }

  private enum Outcome {
    case rows(Rows?)
    case failed(PostgresFailure)
    case skipped
  }

  /// Reads the answer to one step, up to the null that ends it.
  private func settle(_ wire: Wire, _ step: Pipeline.Step) throws(PostgresFailure) -> Outcome {
    var outcome = Outcome.skipped
    while let result = try wire.nextResult() {
      switch PQresultStatus(result) {
      case PGRES_TUPLES_OK, PGRES_COMMAND_OK: outcome = accepted(result, step)
      case PGRES_PIPELINE_ABORTED: PQclear(result)
      default:
        let name = if case .run(let exchange, _) = step { exchange.name } else if case .prepare(let name, _) = step { name } else { "" }
        var failure = PostgresFailure(result, statement: name, connectionIsGone: wire.hasLostConnection)
        if failure.isStalePlan { prepared.removeValue(forKey: name) }
        if failure.kind == .connectionLost { wire.markBroken() }
        if case .failed(let first) = outcome { failure = first }
        outcome = .failed(failure)
        PQclear(result)
      }
    }
    return outcome
  }

  private func accepted(_ result: OpaquePointer, _ step: Pipeline.Step) -> Outcome {
    switch step {
    case .prepare(let name, let made):
      PQclear(result)
      prepared[name] = made
      return .rows(nil)
    case .run(let exchange, let answers):
      let rows = Rows(consuming: result, statement: exchange.name)
      if let expected = exchange.expected, rows.affected != expected.rows { return .failed(.wrongCount(rows.affected, expected, exchange.name)) }
      if exchange.mustNotRollBack, rows.commandTag == "ROLLBACK" {
        return .failed(
          PostgresFailure(
            kind: .other, message: "the transaction had failed and was rolled back instead of committed", statementName: exchange.name))
      }
      return .rows(answers ? rows : nil)
    }
  }

  /// Reads the mark that ends the segment and goes back to single statements. Gives the failure that came with the mark: deferred
  /// constraints are checked there.
  private func leave(_ wire: Wire) throws(PostgresFailure) -> PostgresFailure? {
    if wire.hasLostConnection { return nil }
    var failure: PostgresFailure?
    var isSynced = false
    var ends = 0
    // Such a failure has an end of its own before the mark.
    while !isSynced, ends < 2, !wire.hasLostConnection {
      guard let result = try wire.nextResult() else {
        ends += 1
        continue
      }
      isSynced = PQresultStatus(result) == PGRES_PIPELINE_SYNC
      if !isSynced { failure = failure ?? PostgresFailure(result, statement: "", connectionIsGone: wire.hasLostConnection) }
      PQclear(result)
    }
    guard isSynced, PQexitPipelineMode(wire.connection) == 1 else {
      throw failure ?? PostgresFailure(kind: .connectionLost, message: "the pipeline ended out of step")
    }
    return failure
  }
}
