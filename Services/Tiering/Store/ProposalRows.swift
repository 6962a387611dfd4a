// The queue of proposals: what waits for a person to confirm it, one row per customer (T-07).
public import Domain
public import Postgres
public import TieringCore

/// Which proposals are asked for.
public struct ProposalFilter: Hashable, Sendable {
  public var tier: TierID?
  public var proposed: TierID?
  /// True: overrides that persons ask for; false: what ratings propose; nil: both.
  public var isOverride: Bool?

  public init(tier: TierID? = nil, proposed: TierID? = nil, isOverride: Bool? = nil) {
    self.tier = tier
    self.proposed = proposed
    self.isOverride = isOverride
  }
}

/// A place in the queue: the oldest come first.
public struct ProposalPlace: Hashable, Sendable {
  public let openedAt: Instant
  public let customer: CustomerID

  public init(openedAt: Instant, customer: CustomerID) {
    self.openedAt = openedAt
    self.customer = customer
  }
}

public enum ProposalRow {
  private static let arrays = ColumnArrays(
    names: [
      "customer_id", "member_id", "tier", "proposed_tier", "score", "cause", "rating_version", "opened_at", "expires_on", "terms_until",
      "terms_at_next_rating", "terms_actor", "terms_reason",
    ],
    types: [.int8, .text, .text, .text, .int2, .text, .int8, .timestamptz, .date, .date, .text, .text, .text])

  // A customer's row is locked by whoever writes here, so that two never wait for each other.
  private static let upsert = Statement(
    name: "proposals_write",
    sql: """
      INSERT INTO proposals (\(arrays.list)) SELECT \(arrays.values) FROM \(arrays.unnest) ORDER BY u.customer_id
      ON CONFLICT (customer_id) DO UPDATE SET
        \(arrays.names.dropFirst().map { "\($0) = excluded.\($0)" }.joined(separator: ", "))
      """)
  private static let close = Statement(name: "proposals_close", sql: "DELETE FROM proposals WHERE customer_id = ANY($1::int8[])")
  private static let conditions = """
    ($1::text IS NULL OR tier = $1) AND ($2::text IS NULL OR proposed_tier = $2) AND ($3::bool IS NULL OR (terms_actor IS NOT NULL) = $3)
    """
  private static let page = Statement(
    name: "proposals_page",
    sql: """
      SELECT \(arrays.list) FROM proposals WHERE \(conditions) AND (opened_at, customer_id) > ($4, $5) ORDER BY opened_at, customer_id LIMIT $6
      """)
  private static let one = Statement(name: "proposals_one", sql: "SELECT \(arrays.list) FROM proposals WHERE customer_id = $1")
  private static let count = Statement(name: "proposals_count", sql: "SELECT count(*) FROM proposals WHERE \(conditions)")

  static func write(_ proposals: [Proposal], closed: [CustomerID], _ session: PostgresSession) throws {
    if !closed.isEmpty { try session.runLater(close) { $0.int64Array(closed.map(\.number)) } }
    guard !proposals.isEmpty else { return }
    try session.runLater(upsert) { parameters in
      parameters.int64Array(proposals.map(\.customer.number))
      parameters.textArray(nullable: proposals.map(\.memberID))
      parameters.textArray(proposals.map(\.tier.text))
      parameters.textArray(proposals.map(\.open.tier.text))
      parameters.int16Array(nullable: proposals.map { $0.score.map { Int16(clamping: $0) } })
      parameters.textArray(proposals.map(\.cause.rawValue))
      parameters.int64Array(proposals.map(\.version))
      parameters.timestamptzArray(proposals.map(\.open.openedAt.microseconds))
      StandingColumns.dates(proposals.map(\.open.expires), &parameters)
      StandingColumns.dates(proposals.map { $0.open.terms?.until }, &parameters)
      parameters.textArray(nullable: proposals.map { $0.open.terms?.atNextRating.rawValue })
      parameters.textArray(nullable: proposals.map { $0.open.terms?.actor })
      parameters.textArray(nullable: proposals.map { $0.open.terms?.reason })
    }
  }

  /// The oldest first.
  public static func list(_ filter: ProposalFilter, after: ProposalPlace?, limit: Int, _ session: PostgresSession) throws -> [Proposal] {
    let rows = try session.query(page) { parameters in
      bind(filter, &parameters)
      parameters.timestamptz(after?.openedAt.microseconds ?? .min)
      parameters.int64(after?.customer.number ?? .min)
      parameters.int64(Int64(limit))
    }
    return try (0..<rows.count).map { try read(rows, $0) }
  }

  public static func count(_ filter: ProposalFilter, _ session: PostgresSession) throws -> Int64 {
    try session.query(count) { bind(filter, &$0) }.int64(0, 0)
  }

  public static func proposal(of customer: CustomerID, _ session: PostgresSession) throws -> Proposal? {
    let rows = try session.query(one) { $0.int64(customer.number) }
    return rows.count == 0 ? nil : try read(rows, 0)
  }

  private static func bind(_ filter: ProposalFilter, _ parameters: inout Parameters) {
    parameters.text(filter.tier?.text)
    parameters.text(filter.proposed?.text)
    parameters.bool(filter.isOverride)
  }

  private static func read(_ rows: Rows, _ row: Int) throws -> Proposal {
    guard let tier = TierID(try rows.text(row, 2)), let proposed = TierID(try rows.text(row, 3)),
      let cause = RatingReason(rawValue: try rows.text(row, 5))
    else { throw damaged("proposal") }
    let open = OpenProposal(
      tier: proposed, openedAt: Instant(microseconds: try rows.timestamptz(row, 7)), expires: Day(number: try rows.date(row, 8)),
      terms: try terms(rows, row, proposed))
    return Proposal(
      customer: CustomerID(number: try rows.int64(row, 0)), memberID: try rows.textOrNil(row, 1), tier: tier, open: open,
      score: try rows.int16OrNil(row, 4).map(Int.init), cause: cause, version: try rows.int64(row, 6))
  }

  private static func terms(_ rows: Rows, _ row: Int, _ tier: TierID) throws -> OverrideTerms? {
    guard let until = try rows.dateOrNil(row, 9) else { return nil }
    guard let next = OverrideTerms.AtNextRating(rawValue: try rows.text(row, 10)) else { throw damaged("proposal") }
    return OverrideTerms(
      tier: tier, until: Day(number: until), atNextRating: next, actor: try rows.text(row, 11), reason: try rows.text(row, 12))
  }
}
