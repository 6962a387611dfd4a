// What the sender and the API read and write of deliveries.
public import ConnectorCore
public import Contracts
public import Domain
public import Postgres

/// A delivery to be tried now, with the addresses of its customer.
public struct ClaimedDelivery: Hashable, Sendable {
  public let delivery: Delivery
  public let addresses: [KnownAddress]
  /// Why it is wanted no longer; nil: it is to be tried.
  public let withdrawn: SurveyWithdrawal.Reason?
}

/// A delivery as people look at it.
public struct DeliveryRecord: Hashable, Sendable {
  public let delivery: Delivery
  public let way: DeliveryOutcome.Way?
  public let reason: String
  public let finishedAt: Instant?
  public let deliveredAt: Instant?
  public let openedAt: Instant?
}

public struct AttemptRecord: Hashable, Sendable {
  public let number: Int
  public let at: Instant
  public let way: DeliveryOutcome.Way?
  /// nil: it began, and how it ended was not heard.
  public let result: String?
  public let code: Int
}

/// Which deliveries are asked for; nil: all.
public struct DeliveryFilter: Hashable, Sendable {
  public var state: Delivery.State?
  public var customer: CustomerID?

  public init(state: Delivery.State? = nil, customer: CustomerID? = nil) {
    self.state = state
    self.customer = customer
  }
}

/// A place in the list: the newest come first.
public struct DeliveryPlace: Hashable, Sendable {
  public let askedAt: Instant
  public let id: DeliveryID

  public init(askedAt: Instant, id: DeliveryID) {
    self.askedAt = askedAt
    self.id = id
  }
}

public enum DeliveryQueries {
  // MARK: - Trying

  /// Whoever has taken a delivery has so long for it. Longer than any attempt takes; when it is over, the process is gone, and another tries once more.
  public static let leaseSeconds: Int64 = 180

  private static let take = Statement(
    name: "deliveries_claim",
    sql: """
      WITH due AS (
        SELECT delivery_id FROM deliveries WHERE state = 'waiting' AND due_at <= $1 AND (leased_until IS NULL OR leased_until <= $1)
        ORDER BY due_at, delivery_id LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
      )
      UPDATE deliveries d SET leased_until = $3, attempts = d.attempts + 1 FROM due WHERE d.delivery_id = due.delivery_id
      RETURNING \(DeliveryRows.columns), (SELECT w.reason FROM withdrawals w WHERE w.invitation_id = d.invitation_id)
      """)
  private static let begin = Statement(
    name: "attempts_begin",
    sql: "INSERT INTO attempts (delivery_id, number, at) SELECT u.id, u.number, $3 FROM unnest($1::int8[], $2::int4[]) AS u(id, number) ON CONFLICT DO NOTHING")

  /// Takes deliveries that are due, so that nobody else tries them meanwhile, and notes that an attempt begins.
  ///
  /// - Parameter now: by the machine's clock.
  public static func claim(max count: Int, at now: Instant, _ session: PostgresSession) throws -> [ClaimedDelivery] {
    let rows = try session.query(take) { parameters in
      parameters.timestamptz(now.microseconds)
      parameters.int64(Int64(count))
      parameters.timestamptz(now.adding(seconds: leaseSeconds).microseconds)
    }
    let deliveries = try (0..<rows.count).map { try DeliveryRows.read(rows, $0) }
    // Called back for a reason that only a newer process knows is called back all the same.
    let withdrawn = try (0..<rows.count).map { row in
      try rows.textOrNil(row, DeliveryRows.columnsCount).map { SurveyWithdrawal.Reason(rawValue: $0) ?? .optedOut }
    }
    guard !deliveries.isEmpty else { return [] }
    _ = try session.run(begin) { parameters in
      parameters.int64Array(deliveries.map(\.id.number))
      parameters.int32Array(deliveries.map { Int32(clamping: $0.attempts) })
      parameters.timestamptz(now.microseconds)
    }
    let addresses = Dictionary(grouping: try AddressRows.all(of: Set(deliveries.map(\.customer)).sorted(), session), by: \.customer)
    return zip(deliveries, withdrawn).map { ClaimedDelivery(delivery: $0, addresses: addresses[$0.customer] ?? [], withdrawn: $1) }
  }

  /// What an attempt came to.
  public struct Ending: Sendable {
    public let delivery: Delivery
    public let result: AttemptResult
    public let verdict: AttemptVerdict
    public let way: DeliveryOutcome.Way?
    public let code: Int
    /// The address that was refused.
    public let refused: CustomerID?
    /// By the business's clock.
    public let at: Instant

    public init(
      _ delivery: Delivery, _ result: AttemptResult, _ verdict: AttemptVerdict, way: DeliveryOutcome.Way?, code: Int = 0, refused: CustomerID? = nil,
      at: Instant
    ) {
      self.delivery = delivery
      self.result = result
      self.verdict = verdict
      self.way = way
      self.code = code
      self.refused = refused
      self.at = at
    }
  }

  private static let noteEnd = Statement(
    name: "attempt_end", sql: "UPDATE attempts SET way = $3, result = $4, code = $5 WHERE delivery_id = $1 AND number = $2")
  // A later attempt of another process knows better, unless this one got it there.
  private static let finish = Statement(
    name: "delivery_finish",
    sql: """
      UPDATE deliveries SET state = $3, way = $4, reason = $5, finished_at = $6, leased_until = NULL,
        link = CASE WHEN $3 = 'accepted' THEN '' ELSE link END, stop_link = CASE WHEN $3 = 'accepted' THEN '' ELSE stop_link END
      WHERE delivery_id = $1 AND state = 'waiting' AND (attempts = $2 OR $3 = 'accepted')
      """)
  private static let postpone = Statement(
    name: "delivery_postpone",
    sql: "UPDATE deliveries SET due_at = $3, leased_until = NULL WHERE delivery_id = $1 AND attempts = $2 AND state = 'waiting'")
  private static let tell = Statement(
    name: "outcome_tell",
    sql: """
      INSERT INTO due_work (kind, id, due_at) VALUES ($1, $2, $3)
      ON CONFLICT (kind, id) DO UPDATE SET due_at = excluded.due_at, failures = 0, not_before = NULL
      """)

  /// Notes how an attempt ended, and lets what follows from it be told. True when there is something to be told.
  public static func end(_ ending: Ending, _ session: PostgresSession) throws -> Bool {
    let delivery = ending.delivery
    if let refused = ending.refused { try AddressRows.noteBounced(refused, at: ending.at, session) }
    _ = try session.run(noteEnd) { parameters in
      parameters.int64(delivery.id.number)
      parameters.int32(Int32(clamping: delivery.attempts))
      parameters.text(ending.way?.rawValue)
      parameters.text(ending.result.word)
      parameters.int32(Int32(clamping: ending.code))
    }
    switch ending.verdict {
    case .done: return try finish(ending, .accepted, ConnectorWork.accepted, "", session)
    case .over(let result, let reason):
      let isBounce = result == .bounced
      return try finish(ending, isBounce ? .bounced : .undeliverable, isBounce ? ConnectorWork.bounced : ConnectorWork.undeliverable, reason, session)
    case .again(let at):
      _ = try session.run(postpone) { parameters in
        parameters.int64(delivery.id.number)
        parameters.int32(Int32(clamping: delivery.attempts))
        parameters.timestamptz(at.microseconds)
      }
      return false
    }
  }

  private static let forgetAttempt = Statement(
    name: "attempt_forget", sql: "DELETE FROM attempts WHERE delivery_id = $1 AND number = $2 AND result IS NULL")
  private static let giveBack = Statement(
    name: "delivery_release",
    sql: "UPDATE deliveries SET due_at = $3, leased_until = NULL, attempts = attempts - 1 WHERE delivery_id = $1 AND attempts = $2 AND state = 'waiting'")

  /// Gives one back that was taken and not tried: there was no attempt. False: it is somebody else's by now.
  public static func release(_ delivery: Delivery, until: Instant, _ session: PostgresSession) throws -> Bool {
    let released = try session.run(giveBack) { parameters in
      parameters.int64(delivery.id.number)
      parameters.int32(Int32(clamping: delivery.attempts))
      parameters.timestamptz(until.microseconds)
    }
    guard released > 0 else { return false }
    _ = try session.run(forgetAttempt) { parameters in
      parameters.int64(delivery.id.number)
      parameters.int32(Int32(clamping: delivery.attempts))
    }
    return true
  }

  private static func finish(
    _ ending: Ending, _ state: Delivery.State, _ work: Int16, _ reason: String, _ session: PostgresSession
  ) throws -> Bool {
    let finished = try session.run(finish) { parameters in
      parameters.int64(ending.delivery.id.number)
      parameters.int32(Int32(clamping: ending.delivery.attempts))
      parameters.text(state.rawValue)
      parameters.text(ending.way?.rawValue)
      parameters.text(reason)
      parameters.timestamptz(ending.at.microseconds)
    }
    guard finished > 0 else { return false }
    try tell(work, of: ending.delivery.id, at: ending.at, session)
    return true
  }

  private static func tell(_ work: Int16, of id: DeliveryID, at: Instant, _ session: PostgresSession) throws {
    _ = try session.run(tell) { parameters in
      parameters.int16(work)
      parameters.int64(id.number)
      parameters.timestamptz(at.microseconds)
    }
  }

  // MARK: - What is heard later

  private static let hear = Statement(
    name: "delivery_hear",
    sql: """
      UPDATE deliveries SET delivered_at = CASE WHEN $2 = 'delivered' THEN coalesce(delivered_at, $3) ELSE delivered_at END,
        opened_at = CASE WHEN $2 = 'opened' THEN coalesce(opened_at, $3) ELSE opened_at END,
        state = CASE WHEN $2 = 'bounced' THEN 'bounced' ELSE state END, reason = CASE WHEN $2 = 'bounced' THEN $4 ELSE reason END,
        finished_at = CASE WHEN $2 = 'bounced' THEN $3 ELSE finished_at END
      WHERE delivery_id = $1 AND state = 'accepted' AND (($2 = 'delivered' AND delivered_at IS NULL) OR ($2 = 'opened' AND opened_at IS NULL) OR $2 = 'bounced')
      """)
  // Whoever tells of it has it: what they say may come before their answer to the call is noted, or after that was lost and the message was given up.
  private static let receipt = Statement(
    name: "delivery_receipt",
    sql: """
      UPDATE deliveries SET state = 'accepted', way = 'webhook', reason = '', finished_at = $2, leased_until = NULL, link = '',
        stop_link = ''
      WHERE delivery_id = $1 AND ((state = 'waiting' AND attempts > 0) OR (state = 'undeliverable' AND EXISTS (
        SELECT FROM attempts a WHERE a.delivery_id = $1 AND (a.result IS NULL OR a.result = 'later'))))
      """)

  /// What whoever carried a message on says of it. False: it changes nothing, as it was said before or the message was never handed over.
  public static func hear(_ result: DeliveryOutcome.Result, of id: DeliveryID, reason: String, at now: Instant, _ session: PostgresSession) throws -> Bool {
    let received = try session.run(receipt) { parameters in
      parameters.int64(id.number)
      parameters.timestamptz(now.microseconds)
    }
    if received > 0 { try tell(ConnectorWork.accepted, of: id, at: now, session) }
    let changed = try session.run(hear) { parameters in
      parameters.int64(id.number)
      parameters.text(result.rawValue)
      parameters.timestamptz(now.microseconds)
      parameters.text(reason)
    }
    guard changed > 0 else { return false }
    let work = result == .delivered ? ConnectorWork.delivered : result == .opened ? ConnectorWork.opened : ConnectorWork.bounced
    try tell(work, of: id, at: now, session)
    return true
  }

  // MARK: - Looking

  private static let recordColumns = "\(DeliveryRows.columns), d.way, d.reason, d.finished_at, d.delivered_at, d.opened_at"

  private static func record(_ rows: Rows, _ row: Int) throws -> DeliveryRecord {
    let first = DeliveryRows.columnsCount
    func moment(_ column: Int) throws -> Instant? { try rows.timestamptzOrNil(row, column).map(Instant.init(microseconds:)) }
    return DeliveryRecord(
      delivery: try DeliveryRows.read(rows, row), way: try rows.textOrNil(row, first).flatMap { DeliveryOutcome.Way(rawValue: $0) },
      reason: try rows.text(row, first + 1), finishedAt: try moment(first + 2), deliveredAt: try moment(first + 3), openedAt: try moment(first + 4))
  }

  private static let some = Statement(
    name: "deliveries_find", sql: "SELECT \(recordColumns) FROM deliveries d WHERE d.delivery_id = ANY($1::int8[]) ORDER BY d.delivery_id")

  public static func records(_ ids: [DeliveryID], _ session: PostgresSession) throws -> [DeliveryRecord] {
    let rows = try session.query(some) { $0.int64Array(ids.map(\.number)) }
    return try (0..<rows.count).map { try record(rows, $0) }
  }

  private static let list = Statement(
    name: "deliveries_page",
    sql: """
      SELECT \(recordColumns) FROM deliveries d WHERE ($1::text IS NULL OR d.state = $1) AND ($2::int8 IS NULL OR d.customer_id = $2)
        AND (d.asked_at, d.delivery_id) < ($3, $4) ORDER BY d.asked_at DESC, d.delivery_id DESC LIMIT $5
      """)
  /// The end of the year 9999.
  private static let latest: Int64 = 253_402_300_799_999_999

  /// The newest first.
  public static func page(_ filter: DeliveryFilter, after place: DeliveryPlace?, limit: Int, _ session: PostgresSession) throws -> [DeliveryRecord] {
    let rows = try session.query(list) { parameters in
      parameters.text(filter.state?.rawValue)
      parameters.int64(filter.customer?.number)
      parameters.timestamptz(place?.askedAt.microseconds ?? latest)
      parameters.int64(place?.id.number ?? .max)
      parameters.int64(Int64(limit))
    }
    return try (0..<rows.count).map { try record(rows, $0) }
  }

  private static let history = Statement(
    name: "attempts_of", sql: "SELECT number, at, way, result, code FROM attempts WHERE delivery_id = $1 ORDER BY number DESC LIMIT $2")

  /// The newest first.
  public static func attempts(of id: DeliveryID, max count: Int, _ session: PostgresSession) throws -> [AttemptRecord] {
    let rows = try session.query(history) { parameters in
      parameters.int64(id.number)
      parameters.int64(Int64(count))
    }
    return try (0..<rows.count).map { row in
      AttemptRecord(
        number: Int(try rows.int32(row, 0)), at: Instant(microseconds: try rows.timestamptz(row, 1)),
        way: try rows.textOrNil(row, 2).flatMap { DeliveryOutcome.Way(rawValue: $0) }, result: try rows.textOrNil(row, 3), code: Int(try rows.int32(row, 4)))
    }
  }

  private static let states = Statement(name: "deliveries_states", sql: "SELECT state, count(*) FROM deliveries GROUP BY state")
  private static let waiting = Statement(name: "deliveries_waiting", sql: "SELECT count(*) FROM deliveries WHERE state = 'waiting'")

  public static func states(_ session: PostgresSession) throws -> [Delivery.State: Int64] {
    let rows = try session.query(states)
    var counts: [Delivery.State: Int64] = [:]
    for row in 0..<rows.count {
      guard let state = Delivery.State(rawValue: try rows.text(row, 0)) else { throw damaged("state of a delivery") }
      counts[state] = try rows.int64(row, 1)
    }
    return counts
  }

  public static func waiting(_ session: PostgresSession) throws -> Int64 { try session.query(waiting).int64(0, 0) }

  // MARK: - Once more

  private static let retry = Statement(
    name: "delivery_retry",
    sql: """
      UPDATE deliveries SET state = 'waiting', attempts_before = attempts, due_at = 'epoch', leased_until = NULL, reason = '', finished_at = NULL, way = NULL
      WHERE delivery_id = $1 AND state IN ('bounced', 'undeliverable') AND link <> '' AND expires_at > $2
      """)
  private static let trust = Statement(
    name: "addresses_trust",
    sql: """
      UPDATE addresses SET bounced_at = NULL WHERE bounced_at IS NOT NULL AND customer_id = (
        SELECT coalesce(i.customer_id, d.customer_id) FROM deliveries d LEFT JOIN identities i ON i.identity_id = d.customer_id WHERE d.delivery_id = $1)
      """)

  /// Lets one that failed be tried again, at addresses that were refused before as well. Throws ``NothingToRetry``.
  public static func retry(_ id: DeliveryID, at now: Instant, _ session: PostgresSession) throws {
    // Addresses before deliveries: so everybody locks them.
    _ = try session.run(trust) { $0.int64(id.number) }
    let changed = try session.run(retry) { parameters in
      parameters.int64(id.number)
      parameters.timestamptz(now.microseconds)
    }
    guard changed > 0 else { throw NothingToRetry() }
  }

  /// There is nothing to be tried: it is under way or done, or its link is over. What was done before that turned out is rolled back.
  public struct NothingToRetry: Error, Sendable {
    public init() {}
  }
}
