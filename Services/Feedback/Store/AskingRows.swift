// The budget's and the planned invitations' tables for their use cases (F-02).
public import Domain
public import FeedbackCore
import Postgres

extension PostgresFeedbackStore: AskingStore {
  // MARK: - The budget

  private static let contactRows = Statement(
    name: "contacts_of",
    sql: "SELECT customer_id, purpose, at FROM contacts WHERE customer_id = ANY($1::int8[]) AND at > $2 ORDER BY customer_id, at, invitation_id")

  public mutating func contacts(of customers: [CustomerID], since: Instant) throws -> [CustomerID: [PastContact]] {
    guard !customers.isEmpty else { return [:] }
    let rows = try session.query(PostgresFeedbackStore.contactRows) { parameters in
      parameters.int64Array(customers.map(\.number))
      parameters.timestamptz(since.microseconds)
    }
    var contacts: [CustomerID: [PastContact]] = [:]
    for row in 0..<rows.count {
      guard let purpose = Survey.Purpose(rawValue: try rows.text(row, 1)) else { throw damaged("purpose") }
      contacts[CustomerID(number: try rows.int64(row, 0)), default: []].append(
        PastContact(purpose, at: Instant(microseconds: try rows.timestamptz(row, 2))))
    }
    return contacts
  }

  private static let plannedRows = Statement(
    name: "invitations_planned_of",
    sql: """
      SELECT invitation_id, customer_id, purpose, planned_at, cause FROM invitations
      WHERE customer_id = ANY($1::int8[]) AND planned_at IS NOT NULL AND sent_at IS NULL AND dropped_at IS NULL ORDER BY customer_id, invitation_id
      """)

  public mutating func planned(of customers: [CustomerID]) throws -> [PlannedContact] {
    guard !customers.isEmpty else { return [] }
    let rows = try session.query(PostgresFeedbackStore.plannedRows) { $0.int64Array(customers.map(\.number)) }
    return try (0..<rows.count).map { row in
      guard let purpose = Survey.Purpose(rawValue: try rows.text(row, 2)) else { throw damaged("purpose") }
      guard let cause = InvitationCause.Kind(rawValue: try rows.text(row, 4)) else { throw damaged("cause") }
      return PlannedContact(
        invitation: InvitationID(number: try rows.int64(row, 0)), customer: CustomerID(number: try rows.int64(row, 1)), because: cause,
        contact: PastContact(purpose, at: Instant(microseconds: try rows.timestamptz(row, 3))))
    }
  }

  private static let contactNotes = Statement(
    name: "contacts_note",
    sql: """
      INSERT INTO contacts (invitation_id, identity_id, customer_id, purpose, at)
      SELECT u.id, u.identity, u.customer, u.purpose, $5 FROM unnest($1::int8[], $2::int8[], $3::int8[], $4::text[]) AS u(id, identity, customer, purpose)
      ON CONFLICT DO NOTHING
      """)

  public mutating func noteContacts(_ invitations: [Invitation], at now: Instant) throws {
    guard !invitations.isEmpty else { return }
    _ = try session.run(PostgresFeedbackStore.contactNotes) { parameters in
      parameters.int64Array(invitations.map(\.id.number))
      parameters.int64Array(invitations.map(\.identity.number))
      parameters.int64Array(invitations.map(\.customer.number))
      parameters.textArray(invitations.map(\.purpose.rawValue))
      parameters.timestamptz(now.microseconds)
    }
  }

  private static let contactsForget = Statement(name: "contacts_forget", sql: "DELETE FROM contacts WHERE invitation_id = ANY($1::int8[])")

  public mutating func forgetContacts(_ invitations: [InvitationID]) throws {
    guard !invitations.isEmpty else { return }
    _ = try session.run(PostgresFeedbackStore.contactsForget) { $0.int64Array(invitations.map(\.number)) }
  }

  // MARK: - Planned invitations

  public mutating func peek(_ invitations: [InvitationID]) throws -> [Invitation] { try InvitationRows.peek(invitations, session) }
  public mutating func lockPlanned(aboutTickets tickets: [String]) throws -> [Invitation] { try InvitationRows.lockPlanned(aboutTickets: tickets, session) }

  public mutating func lockSent(to customers: [CustomerID], at now: Instant) throws -> [Invitation] {
    try InvitationRows.lockSent(to: customers, at: now, session)
  }

  private static let holdRows = Statement(
    name: "invitation_holds_note",
    sql: """
      INSERT INTO invitation_holds (invitation_id, at, reason, until) SELECT * FROM unnest($1::int8[], $2::timestamptz[], $3::text[], $4::timestamptz[])
      ON CONFLICT DO NOTHING
      """)

  public mutating func note(_ holds: [InvitationHold]) throws {
    guard !holds.isEmpty else { return }
    _ = try session.run(PostgresFeedbackStore.holdRows) { parameters in
      parameters.int64Array(holds.map(\.invitation.number))
      parameters.timestamptzArray(holds.map(\.at.microseconds))
      parameters.textArray(holds.map(\.reason.rawValue))
      parameters.timestamptzArray(holds.map(\.until.microseconds))
    }
  }

  public mutating func send(_ invitations: [Invitation]) throws {
    let planned = invitations.compactMap { invitation in invitation.plan.map { (invitation.id, $0.at) } }
    try schedule(FeedbackWork.send, planned.map(\.0.number), at: planned.map(\.1))
  }

  public mutating func remind(_ invitations: [InvitationID], at: Instant) throws {
    try schedule(FeedbackWork.remind, invitations.map(\.number), at: invitations.map { _ in at })
  }
}
