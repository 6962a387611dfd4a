// What the API and the survey pages read and write of invitations.
public import Domain
public import FeedbackCore
public import Postgres

/// Which invitations are asked for; nil: all.
public struct InvitationFilter: Hashable, Sendable {
  public var customer: CustomerID?
  public var survey: String?
  public var state: Invitation.State?

  public init(customer: CustomerID? = nil, survey: String? = nil, state: Invitation.State? = nil) {
    self.customer = customer
    self.survey = survey
    self.state = state
  }
}

/// A place in the list: the newest come first.
public struct InvitationPlace: Hashable, Sendable {
  public let createdAt: Instant
  public let id: InvitationID

  public init(createdAt: Instant, id: InvitationID) {
    self.createdAt = createdAt
    self.id = id
  }
}

public enum InvitationQueries {
  private static let one = Statement(name: "invitation_find", sql: "SELECT \(InvitationRows.columns) FROM invitations WHERE invitation_id = $1")

  public static func invitation(_ id: InvitationID, _ session: PostgresSession) throws -> Invitation? {
    let rows = try session.query(one) { $0.int64(id.number) }
    return rows.count == 0 ? nil : try InvitationRows.read(rows, 0)
  }

  /// It was sent, did not arrive, and nobody found the page by another way.
  private static let hasFailed = "opened_at IS NULL AND score IS NULL AND coalesce(delivery IN ('bounced', 'undeliverable'), false)"
  /// As ``Invitation/state(at:)`` has it, at $4.
  private static let state = """
    CASE WHEN answered_at IS NOT NULL THEN 'answered' WHEN score IS NOT NULL THEN 'begun' WHEN dropped_at IS NOT NULL THEN 'dropped' \
    WHEN sent_at IS NULL AND planned_at IS NOT NULL THEN 'planned' WHEN \(hasFailed) THEN 'undelivered' WHEN expires_at <= $4 THEN 'expired' \
    WHEN opened_at IS NOT NULL THEN 'opened' WHEN sent_at IS NULL THEN 'planned' ELSE 'sent' END
    """
  private static let list = Statement(
    name: "invitations_page",
    sql: """
      SELECT \(InvitationRows.columns) FROM invitations WHERE ($1::int8 IS NULL OR customer_id = $1) AND ($2::text IS NULL OR survey = $2)
        AND ($3::text IS NULL OR \(state) = $3) AND (created_at, invitation_id) < ($5, $6)
      ORDER BY created_at DESC, invitation_id DESC LIMIT $7
      """)

  /// The newest first.
  public static func page(
    _ filter: InvitationFilter, at now: Instant, after place: InvitationPlace?, limit: Int, _ session: PostgresSession
  ) throws -> [Invitation] {
    let rows = try session.query(list) { parameters in
      parameters.int64(filter.customer?.number)
      parameters.text(filter.survey)
      parameters.text(filter.state?.rawValue)
      parameters.timestamptz(now.microseconds)
      parameters.timestamptz(place?.createdAt.microseconds ?? AnswerQueries.latest)
      parameters.int64(place?.id.number ?? .max)
      parameters.int64(Int64(limit))
    }
    return try (0..<rows.count).map { try InvitationRows.read(rows, $0) }
  }

  // MARK: - Figures

  private static func responses(_ name: String, _ group: String) -> Statement {
    Statement(
      name: "invitations_responses_\(name)",
      sql: """
        SELECT \(group), count(*), count(score) FROM invitations
        WHERE NOT (\(hasFailed))
          AND metric = $1 AND sent_at >= $2 AND sent_at < $3 AND ($4::text IS NULL OR survey = $4) AND cardinality($5::timestamptz[]) >= 0 GROUP BY 1
        """)
  }
  private static let byTier = responses("tier", "tier")
  private static let bySegment = responses("segment", "nullif(rfm, '')")
  private static let byContribution = responses("contribution", "nullif(contribution, '')")
  private static let bySurvey = responses("survey", "survey")
  private static let byChannel = responses("channel", "nullif(channel, '')")
  private static let byItem = responses("item", "nullif(item, '')")
  // The number of the month of the period.
  private static let byMonth = responses("month", "width_bucket(sent_at, $5::timestamptz[])::text")

  /// The invitations that were sent in the period of a report and arrived, as far as is known, and how many of them were answered.
  public static func responses(
    of report: AnswerReport, survey: String?, in zone: BusinessZone, _ session: PostgresSession
  ) throws -> ResponseReport {
    let months = report.period.months
    let statement =
      switch report.grouping {
      case .tier: byTier
      case .segment: bySegment
      case .contribution: byContribution
      case .survey: bySurvey
      case .channel: byChannel
      case .item: byItem
      case .month: byMonth
      }
    let rows = try session.query(statement) { parameters in
      parameters.text(report.metric.rawValue)
      parameters.timestamptz(report.period.start(in: zone).microseconds)
      parameters.timestamptz(report.period.end(in: zone).microseconds)
      parameters.text(survey)
      parameters.timestamptzArray(months.compactMap { Day("\($0)-01").map { zone.startOfDay($0).microseconds } })
    }
    var responses = ResponseReport()
    for row in 0..<rows.count {
      var word = try rows.textOrNil(row, 0)
      if report.grouping == .month { word = word.flatMap { Int($0) }.flatMap { months.indices.contains($0 - 1) ? months[$0 - 1].description : nil } }
      responses.add(ResponseFigures(invited: try rows.int64(row, 1), answered: try rows.int64(row, 2)), to: word)
    }
    return responses
  }

  // MARK: - Pages

  private static let open = Statement(
    name: "invitation_open", sql: "UPDATE invitations SET opened_at = $2 WHERE invitation_id = $1 AND opened_at IS NULL AND answered_at IS NULL")

  /// Notes that somebody looks at the page; the first time stays.
  public static func noteOpened(_ id: InvitationID, at now: Instant, _ session: PostgresSession) throws {
    _ = try session.run(open) { parameters in
      parameters.int64(id.number)
      parameters.timestamptz(now.microseconds)
    }
  }

  private static let plan = Statement(
    name: "invitation_plan",
    sql: """
      INSERT INTO due_work (kind, id, due_at) VALUES (\(FeedbackWork.answer), $1, $2)
      ON CONFLICT (kind, id) DO UPDATE SET due_at = excluded.due_at, failures = 0, not_before = NULL
      """)

  /// Lets the customer say something, while nobody else does, and lets it become an answer at its time. nil: there is no such invitation.
  public static func say(_ id: InvitationID, _ session: PostgresSession, _ change: (inout Invitation) throws -> Void) throws -> Invitation? {
    guard var invitation = try InvitationRows.lock([id], session).first else { return nil }
    try change(&invitation)
    let changed = invitation
    // Both in one round trip: each is time in which the customer waits.
    _ = try session.pipeline { pipeline in
      try pipeline.add(InvitationRows.write) { InvitationRows.bind([changed], &$0) }
      guard let countsAt = changed.countsAt else { return }
      try pipeline.add(plan) { parameters in
        parameters.int64(id.number)
        parameters.timestamptz(countsAt.microseconds)
      }
    }
    return changed
  }

  // MARK: - Who wants none

  private static let optInRow = Statement(name: "opt_in", sql: "DELETE FROM opt_outs WHERE customer_id = $1")

  /// Takes it back. False: the customer had not opted out.
  public static func optIn(_ customer: CustomerID, _ session: PostgresSession) throws -> Bool {
    try session.run(optInRow) { $0.int64(customer.number) } > 0
  }

  private static let optOutOf = Statement(
    name: "opt_out_of", sql: "SELECT since, actor, reason FROM opt_outs WHERE customer_id = $1 ORDER BY since, identity_id LIMIT 1")

  /// Since when, by whom and why the customer wants no surveys; nil: that was not said.
  public static func optOut(of customer: CustomerID, _ session: PostgresSession) throws -> (since: Instant, actor: String, reason: String)? {
    let rows = try session.query(optOutOf) { $0.int64(customer.number) }
    guard rows.count > 0 else { return nil }
    return (Instant(microseconds: try rows.timestamptz(0, 0)), try rows.text(0, 1), try rows.text(0, 2))
  }

  private static let ownerOf = Statement(name: "identity_owner", sql: "SELECT customer_id FROM identities WHERE identity_id = $1")

  /// Whose the identity of this number is; itself where nothing else is known.
  public static func owner(of identity: CustomerID, _ session: PostgresSession) throws -> CustomerID {
    let rows = try session.query(ownerOf) { $0.int64(identity.number) }
    return rows.count == 0 ? identity : CustomerID(number: try rows.int64(0, 0))
  }
}
