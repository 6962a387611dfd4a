// `feedback.withdrawals.v1`: a message that was to be brought to a customer is wanted no longer (F-02): whoever has not handed it over yet lets it be.
public import Domain
public import Text

/// A fact; of each invitation it is told at most once. It counts for the invitation and for its reminder, and may come before either.
public struct SurveyWithdrawal: Hashable, Sendable {
  public enum Reason: String, Hashable, Sendable, CaseIterable {
    /// The customer wants no surveys.
    case optedOut = "opted_out"
    /// There is an answer already.
    case answered
  }

  /// Sixteen hexadecimal digits.
  public var invitation: CustomerID
  public var customer: CustomerID
  public var reason: Reason
  public var at: Instant

  public init(invitation: CustomerID, customer: CustomerID, reason: Reason, at: Instant) {
    self.invitation = invitation
    self.customer = customer
    self.reason = reason
    self.at = at
  }

  /// The same however often it is published.
  public var eventID: String { "\(invitation):withdrawn" }

  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("invitation_id")
    writer.text(invitation.description)
    writer.key("customer_id")
    writer.text(customer.description)
    writer.key("reason")
    writer.text(reason.rawValue)
    writer.key("at")
    writer.text(RFC3339.text(at.microseconds))
    writer.endObject()
  }

  public init(reading reader: inout JSONReader) throws(JSONFault) {
    var invitation: CustomerID?, customer: CustomerID?, reason: Reason?, at: Instant?
    var seen: UInt64 = 0
    try reader.beginObject("$")
    while let key = try reader.nextKey() {
      if key.is("invitation_id") {
        try reader.once(&seen, 0, "invitation_id")
        invitation = try readCustomerID(&reader, "invitation_id")
      } else if key.is("customer_id") {
        try reader.once(&seen, 1, "customer_id")
        customer = try readCustomerID(&reader, "customer_id")
      } else if key.is("reason") {
        try reader.once(&seen, 2, "reason")
        reason = try readChoice(&reader, "reason")
      } else if key.is("at") {
        try reader.once(&seen, 3, "at")
        at = try readInstant(&reader, "at")
      } else {
        try reader.skip()
      }
    }
    try reader.finish()
    guard let invitation else { throw reader.fault(.missing, "invitation_id") }
    guard let customer else { throw reader.fault(.missing, "customer_id") }
    guard let reason else { throw reader.fault(.missing, "reason") }
    guard let at else { throw reader.fault(.missing, "at") }
    self.init(invitation: invitation, customer: customer, reason: reason, at: at)
  }
}
