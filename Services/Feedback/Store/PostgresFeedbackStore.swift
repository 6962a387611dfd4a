// This service's tables in PostgreSQL, for the use cases. Every statement is set-based, its keys sorted.
import Belonging
public import Domain
public import FeedbackCore
public import Handling
public import Postgres

/// Belongs to one transaction, on the thread of its session.
public struct PostgresFeedbackStore: FeedbackStore {
  let session: PostgresSession

  public init(_ session: PostgresSession) { self.session = session }

  public mutating func owners(noting believed: [IdentityOwner]) throws -> [IdentityOwner] { try BelongingRows.owners(noting: believed, session) }
  public mutating func move(_ moves: [IdentityOwner]) throws -> [IdentityOwner] { try BelongingRows.move(moves, session) }
  public mutating func lockTiers(of customers: [CustomerID]) throws -> [KnownTier] { try TierRows.lock(customers, session) }
  public mutating func rate(_ tiers: [KnownTier]) throws { try TierRows.rate(tiers, session) }
  public mutating func insert(_ answers: [AnswerRecord]) throws -> Set<Int64> { try AnswerRow.insert(answers, session) }

  private static let following = Statement(
    name: "answers_customers",
    sql: """
      SELECT customer_id FROM answers WHERE identity_id = ANY($1::int8[]) UNION SELECT customer_id FROM invitations WHERE identity_id = ANY($1::int8[])
      UNION SELECT customer_id FROM opt_outs WHERE identity_id = ANY($1::int8[]) ORDER BY 1
      """)

  public mutating func customers(following identities: [CustomerID]) throws -> [CustomerID] {
    let rows = try session.query(PostgresFeedbackStore.following) { $0.int64Array(identities.map(\.number)) }
    return try (0..<rows.count).map { CustomerID(number: try rows.int64($0, 0)) }
  }

  private static let give = Statement(
    name: "answers_give",
    sql: """
      UPDATE answers a SET customer_id = u.customer FROM unnest($1::int8[], $2::int8[]) AS u(identity, customer)
      WHERE a.identity_id = u.identity AND a.customer_id <> u.customer
      """)

  private static let giveOptOuts = Statement(
    name: "opt_outs_give",
    sql: """
      UPDATE opt_outs o SET customer_id = u.customer FROM unnest($1::int8[], $2::int8[]) AS u(identity, customer)
      WHERE o.identity_id = u.identity AND o.customer_id <> u.customer
      """)

  private static let giveContacts = Statement(
    name: "contacts_give",
    sql: """
      UPDATE contacts c SET customer_id = u.customer FROM unnest($1::int8[], $2::int8[]) AS u(identity, customer)
      WHERE c.identity_id = u.identity AND c.customer_id <> u.customer
      """)

  public mutating func give(_ owners: [IdentityOwner]) throws {
    let (identities, customers) = (owners.map(\.identity.number), owners.map(\.customer.number))
    for statement in [PostgresFeedbackStore.give, PostgresFeedbackStore.giveOptOuts, PostgresFeedbackStore.giveContacts] {
      _ = try session.run(statement) { parameters in
        parameters.int64Array(identities)
        parameters.int64Array(customers)
      }
    }
    try InvitationRows.give(identities: identities, customers: customers, session)
  }

  private static let count = Statement(
    name: "answers_count",
    sql: """
      UPDATE answers a SET tier = CASE WHEN a.occurred_at < u.since AND u.before IS NOT NULL THEN u.before ELSE u.tier END
      FROM unnest($1::int8[], $2::text[], $3::text[], $4::timestamptz[]) AS u(id, tier, before, since) WHERE a.customer_id = u.id AND a.tier IS NULL
      """)

  public mutating func count(_ tiers: [KnownTier]) throws {
    let known = tiers.filter { $0.tier != nil }
    guard !known.isEmpty else { return }
    _ = try session.run(PostgresFeedbackStore.count) { parameters in
      parameters.int64Array(known.map(\.customer.number))
      parameters.textArray(nullable: known.map(\.tier?.text))
      parameters.textArray(nullable: known.map(\.before?.text))
      parameters.timestamptzArray(nullable: known.map(\.since?.microseconds))
    }
  }
}
