// The tables of invitations for their use cases, and what a request does with one of them.
public import Domain
public import FeedbackCore
import Postgres

/// Kinds of due work of this service.
public enum FeedbackWork {
  /// What was said on a survey's page becomes an answer; the id is the invitation's.
  public static let answer: Int16 = 1
  /// A planned invitation is to be sent; the id is its own.
  public static let send: Int16 = 2
  /// Whoever has not answered is reminded; the id is the invitation's.
  public static let remind: Int16 = 3
  /// What is under way to a customer who wants no surveys is called back; the id is the customer's.
  public static let withdraw: Int16 = 4
}

extension PostgresFeedbackStore: InvitationStore {
  private static let knownOnes = Statement(
    name: "customers_known",
    sql: """
      SELECT u.id FROM unnest($1::int8[]) AS u(id)
      WHERE EXISTS (SELECT FROM customers c WHERE c.customer_id = u.id) OR EXISTS (SELECT FROM identities i WHERE i.identity_id = u.id)
        OR EXISTS (SELECT FROM profiles p WHERE p.customer_id = u.id)
      """)
  private static let optedOutOnes = Statement(name: "opt_outs_of", sql: "SELECT DISTINCT customer_id FROM opt_outs WHERE customer_id = ANY($1::int8[])")

  private func customers(_ statement: Statement, among customers: [CustomerID]) throws -> Set<CustomerID> {
    guard !customers.isEmpty else { return [] }
    let rows = try session.query(statement) { $0.int64Array(customers.map(\.number)) }
    return Set(try (0..<rows.count).map { CustomerID(number: try rows.int64($0, 0)) })
  }

  public mutating func known(_ customers: [CustomerID]) throws -> Set<CustomerID> {
    try self.customers(PostgresFeedbackStore.knownOnes, among: customers)
  }
  public mutating func optedOut(_ customers: [CustomerID]) throws -> Set<CustomerID> {
    try self.customers(PostgresFeedbackStore.optedOutOnes, among: customers)
  }
  public mutating func insert(_ invitations: [Invitation]) throws -> Set<InvitationID> { try InvitationRows.insert(invitations, session) }
  public mutating func lock(_ invitations: [InvitationID]) throws -> [Invitation] { try InvitationRows.lock(invitations, session) }
  public mutating func update(_ invitations: [Invitation]) throws { try InvitationRows.update(invitations, session) }

  private static let due = Statement(
    name: "work_due",
    sql: """
      INSERT INTO due_work (kind, id, due_at) SELECT $1, u.id, u.at FROM unnest($2::int8[], $3::timestamptz[]) AS u(id, at) ON CONFLICT DO NOTHING
      """)

  /// Lets the lane of due work do something for each of these, at its moment; what is planned for one already stays.
  func schedule(_ kind: Int16, _ ids: [Int64], at moments: [Instant]) throws {
    guard !ids.isEmpty else { return }
    _ = try session.run(PostgresFeedbackStore.due) { parameters in
      parameters.int16(kind)
      parameters.int64Array(ids)
      parameters.timestamptzArray(moments.map(\.microseconds))
    }
  }

  public mutating func withdraw(from customers: [CustomerID], at now: Instant) throws {
    try schedule(FeedbackWork.withdraw, customers.map(\.number), at: customers.map { _ in now })
  }

  private static let optOutRow = Statement(
    name: "opt_out",
    sql: "INSERT INTO opt_outs (identity_id, customer_id, since, actor, reason) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (identity_id) DO NOTHING")

  public mutating func optOut(_ identity: CustomerID, of customer: CustomerID, by actor: String, because reason: String, at now: Instant) throws {
    _ = try session.run(PostgresFeedbackStore.optOutRow) { parameters in
      parameters.int64(identity.number)
      parameters.int64(customer.number)
      parameters.timestamptz(now.microseconds)
      parameters.text(actor)
      parameters.text(reason)
    }
  }
}
