// What operators see and decide about who is who: cases for review, merges, decisions (P-02, P-03).
public import Domain
public import Postgres
import ProfileCore

public enum DecisionDesk {
  /// Kind of due work: customers are worked out anew by a decision.
  public static let decisionWork: Int16 = 4

  // MARK: - Cases

  /// Two identifiers that an event named together and that are two customers'.
  public struct Case: Sendable {
    public let bond: Bond
    public let other: Identity
    public let leader: Identity
  }

  private static let identityColumns =
    "o.kind, o.value, o.customer_id, o.strong, o.first_seen_at, cardinality(o.partners), "
    + "l.kind, l.value, l.customer_id, l.strong, l.first_seen_at, cardinality(l.partners)"
  private static let caseColumns = "b.other, b.leader, b.at, b.evidence, b.beyond, b.stopped, \(identityColumns)"
  private static let caseTables = "bonds b JOIN identities o ON o.key = b.other JOIN identities l ON l.key = b.leader"
  private static let openGuards = MergeGuard.allCases.filter(\.needsReview).map { "'\($0.rawValue)'" }.joined(separator: ", ")
  private static let listCases = Statement(
    name: "cases_list",
    sql: """
      SELECT \(caseColumns) FROM \(caseTables)
      WHERE b.stopped IS NOT NULL AND b.stopped IN (\(openGuards)) AND ($1::text IS NULL OR b.stopped = $1)
        AND ($2::uuid IS NULL OR (b.other, b.leader) > ($2, $3::uuid)) AND o.customer_id <> l.customer_id
        AND ($4::int8 IS NULL OR o.customer_id = $4 OR l.customer_id = $4)
      ORDER BY b.other, b.leader LIMIT $5
      """)
  private static let oneCase = Statement(name: "cases_one", sql: "SELECT \(caseColumns) FROM \(caseTables) WHERE b.other = $1 AND b.leader = $2")

  /// Cases in the order of their ids, after one of them.
  public static func cases(
    stoppedBy stopped: MergeGuard?, of customer: CustomerID?, after: IdentityPair?, limit: Int, _ session: PostgresSession
  ) throws -> [Case] {
    let rows = try session.query(listCases) { parameters in
      parameters.text(stopped?.rawValue)
      parameters.uuid(after?.other.uuid)
      parameters.uuid(after?.leader.uuid)
      parameters.int64(customer?.number)
      parameters.int64(Int64(limit))
    }
    return try (0..<rows.count).map { try reviewCase(rows, $0) }
  }

  public static func reviewCase(_ pair: IdentityPair, _ session: PostgresSession) throws -> Case? {
    let rows = try session.query(oneCase) { parameters in
      parameters.uuid(pair.other.uuid)
      parameters.uuid(pair.leader.uuid)
    }
    return rows.count == 0 ? nil : try reviewCase(rows, 0)
  }

  private static func reviewCase(_ rows: Rows, _ row: Int) throws -> Case {
    let bond = try EvidenceRows.bond(rows, row)
    func identity(_ key: IdentityKey, from first: Int) throws -> Identity {
      guard let kind = IdentifierKind(rawValue: try rows.int16(row, first)) else { throw damaged("identity") }
      // Only how many it was named after is of interest here, not whom.
      let partners = (0..<Int(try rows.int32(row, first + 5))).map { CustomerID(number: Int64($0)) }
      return Identity(
        key: key, kind: kind, value: try rows.text(row, first + 1), customer: CustomerID(number: try rows.int64(row, first + 2)),
        isStrong: try rows.bool(row, first + 3), firstSeenAt: Instant(microseconds: try rows.timestamptz(row, first + 4)), partners: partners)
    }
    return Case(bond: bond, other: try identity(bond.pair.other, from: 6), leader: try identity(bond.pair.leader, from: 12))
  }

  // MARK: - Merges

  public struct Merge: Sendable {
    public let id: Int64
    public let record: MergeRecord
    /// The decision that undid it.
    public let undoneBy: Int64?
  }

  private static let mergeColumns =
    "m.id, m.survivor, m.absorbed, m.evidence, m.at, m.survivor_members, m.absorbed_members, (SELECT max(d.id) FROM decisions d WHERE d.merge_id = m.id)"
  private static let listMerges = Statement(
    name: "merges_list",
    sql: """
      SELECT \(mergeColumns) FROM merges m
      WHERE m.id > $1 AND ($2::int8 IS NULL OR m.survivor = $2 OR m.absorbed = $2) ORDER BY m.id LIMIT $3
      """)
  private static let oneMerge = Statement(name: "merges_one", sql: "SELECT \(mergeColumns) FROM merges m WHERE m.id = $1")

  public static func merges(of customer: CustomerID?, after: Int64, limit: Int, _ session: PostgresSession) throws -> [Merge] {
    let rows = try session.query(listMerges) { parameters in
      parameters.int64(after)
      parameters.int64(customer?.number)
      parameters.int64(Int64(limit))
    }
    return try (0..<rows.count).map { try merge(rows, $0) }
  }

  public static func merge(_ id: Int64, _ session: PostgresSession) throws -> Merge? {
    let rows = try session.query(oneMerge) { $0.int64(id) }
    return rows.count == 0 ? nil : try merge(rows, 0)
  }

  private static func merge(_ rows: Rows, _ row: Int) throws -> Merge {
    Merge(
      id: try rows.int64(row, 0),
      record: MergeRecord(
        survivor: CustomerID(number: try rows.int64(row, 1)), absorbed: CustomerID(number: try rows.int64(row, 2)), evidence: try rows.text(row, 3),
        at: Instant(microseconds: try rows.timestamptz(row, 4)), survivorMembers: try EvidenceRows.keys(try rows.bytes(row, 5)),
        absorbedMembers: try EvidenceRows.keys(try rows.bytes(row, 6))), undoneBy: try rows.int64OrNil(row, 7))
  }

  // MARK: - Decisions

  public struct Decision: Sendable {
    public let id: Int64
    public let kind: IdentityDecision.Kind
    public let at: Instant
    public let actor: String
    public let reason: String
    public let mergeID: Int64?
    public let appliedAt: Instant?
  }

  private static let decisionColumns = "id, kind, at, actor, reason, merge_id, applied_at"
  private static let listDecisions = Statement(
    name: "decisions_list", sql: "SELECT \(decisionColumns) FROM decisions WHERE id > $1 ORDER BY id LIMIT $2")
  private static let oneDecision = Statement(name: "decisions_one", sql: "SELECT \(decisionColumns) FROM decisions WHERE id = $1")

  public static func decisions(after: Int64, limit: Int, _ session: PostgresSession) throws -> [Decision] {
    let rows = try session.query(listDecisions) { parameters in
      parameters.int64(after)
      parameters.int64(Int64(limit))
    }
    return try (0..<rows.count).map { try decision(rows, $0) }
  }

  public static func decision(_ id: Int64, _ session: PostgresSession) throws -> Decision? {
    let rows = try session.query(oneDecision) { $0.int64(id) }
    return rows.count == 0 ? nil : try decision(rows, 0)
  }

  private static func decision(_ rows: Rows, _ row: Int) throws -> Decision {
    guard let kind = IdentityDecision.Kind(rawValue: try rows.text(row, 1)) else { throw damaged("decision") }
    return Decision(
      id: try rows.int64(row, 0), kind: kind, at: Instant(microseconds: try rows.timestamptz(row, 2)), actor: try rows.text(row, 3),
      reason: try rows.text(row, 4), mergeID: try rows.int64OrNil(row, 5), appliedAt: try rows.timestamptzOrNil(row, 6).map(Instant.init(microseconds:)))
  }

  /// What an operator wants to be so.
  public struct Wish: Sendable {
    public let kind: IdentityDecision.Kind
    public let left: [IdentityKey]
    public let right: [IdentityKey]
    public let mergeID: Int64?
    public let actor: String
    public let reason: String

    public init(kind: IdentityDecision.Kind, left: [IdentityKey], right: [IdentityKey], mergeID: Int64? = nil, actor: String, reason: String) {
      self.kind = kind
      self.left = left
      self.right = right
      self.mergeID = mergeID
      self.actor = actor
      self.reason = reason
    }
  }

  private static let insertDecision = Statement(
    name: "decisions_insert", sql: "INSERT INTO decisions (kind, at, actor, reason, merge_id) VALUES ($1, $2, $3, $4, $5) RETURNING id")
  private static let insertSides = Statement(
    name: "decision_sides_insert",
    sql: """
      INSERT INTO decision_sides (key, decision_id, side, place)
      SELECT u.key, $1, ($3::int2[])[u.place], u.place FROM unnest($2::uuid[]) WITH ORDINALITY AS u(key, place) ON CONFLICT DO NOTHING
      """)
  private static let schedule = Statement(
    name: "decisions_schedule", sql: "INSERT INTO due_work (kind, id, due_at) VALUES (\(decisionWork), $1, '-infinity') ON CONFLICT (kind, id) DO NOTHING")

  /// Records a decision. It holds from here on; the lane of due work brings the customers that stand into line with it.
  public static func record(_ wish: Wish, at now: Instant, _ session: PostgresSession) throws -> Int64 {
    let id = try session.query(insertDecision) { parameters in
      parameters.text(wish.kind.rawValue)
      parameters.timestamptz(now.microseconds)
      parameters.text(wish.actor)
      parameters.text(wish.reason)
      parameters.int64(wish.mergeID)
    }.int64(0, 0)
    _ = try session.run(insertSides) { parameters in
      parameters.int64(id)
      parameters.uuidArray((wish.left + wish.right).map(\.uuid))
      parameters.int16Array(wish.left.map { _ in 0 } + wish.right.map { _ in 1 })
    }
    _ = try session.run(schedule) { $0.int64(id) }
    return id
  }

  private static let keysOf = Statement(
    name: "decisions_keys", sql: "SELECT DISTINCT key FROM decision_sides WHERE decision_id = ANY($1::int8[]) ORDER BY key")
  private static let markApplied = Statement(
    name: "decisions_applied", sql: "UPDATE decisions SET applied_at = $2 WHERE id = ANY($1::int8[]) AND applied_at IS NULL")

  /// The identities that these decisions name.
  public static func keys(of decisions: [Int64], _ session: PostgresSession) throws -> Set<IdentityKey> {
    let rows = try session.query(keysOf) { $0.int64Array(decisions) }
    return Set(try (0..<rows.count).map { IdentityKey(uuid: try rows.uuid($0, 0)) })
  }

  public static func noteApplied(_ decisions: [Int64], at now: Instant, _ session: PostgresSession) throws {
    _ = try session.run(markApplied) { parameters in
      parameters.int64Array(decisions)
      parameters.timestamptz(now.microseconds)
    }
  }
}
