// `connector.outcomes.v1`: what became of a message that was to be brought to a customer (E-05, F-02).
public import Domain
public import Text

/// A fact; of each delivery every result is told at most once.
public struct DeliveryOutcome: Hashable, Sendable {
  public enum Result: String, Hashable, Sendable, CaseIterable {
    /// The mail server or the webhook took it over.
    case accepted
    /// Whoever carried it on says that it is there.
    case delivered
    /// Whoever carried it on says that it was looked at.
    case opened
    /// It was refused for good.
    case bounced
    /// It was not brought to anybody: no address, no way to send, its time was over, or it was wanted no longer.
    case undeliverable
  }

  public enum Way: String, Hashable, Sendable, CaseIterable { case email, webhook }

  /// Sixteen hexadecimal digits.
  public var delivery: CustomerID
  public var result: Result
  public var kind: SurveySend.Kind
  public var invitation: CustomerID
  /// As the request named it.
  public var customer: CustomerID
  /// nil: it went no way at all.
  public var way: Way?
  /// A word, as `no_address`; empty where the result says it all.
  public var reason: String
  public var at: Instant

  public init(
    delivery: CustomerID, result: Result, kind: SurveySend.Kind, invitation: CustomerID, customer: CustomerID, way: Way?, reason: String = "", at: Instant
  ) {
    self.delivery = delivery
    self.result = result
    self.kind = kind
    self.invitation = invitation
    self.customer = customer
    self.way = way
    self.reason = reason
    self.at = at
  }

  /// The same however often it is published.
  public var eventID: String { "\(delivery):\(result.rawValue)" }

  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("delivery_id")
    writer.text(delivery.description)
    writer.key("result")
    writer.text(result.rawValue)
    writer.key("kind")
    writer.text(kind.rawValue)
    writer.key("invitation_id")
    writer.text(invitation.description)
    writer.key("customer_id")
    writer.text(customer.description)
    writeUnlessEmpty("way", way?.rawValue ?? "", to: &writer)
    writeUnlessEmpty("reason", reason, to: &writer)
    writer.key("at")
    writer.text(RFC3339.text(at.microseconds))
    writer.endObject()
  }

  public init(reading reader: inout JSONReader) throws(JSONFault) {
    var delivery: CustomerID?, result: Result?, kind: SurveySend.Kind?, invitation: CustomerID?, customer: CustomerID?, way: Way?, reason = "", at: Instant?
    var seen: UInt64 = 0
    try reader.beginObject("$")
    while let key = try reader.nextKey() {
      if key.is("delivery_id") {
        try reader.once(&seen, 0, "delivery_id")
        delivery = try readCustomerID(&reader, "delivery_id")
      } else if key.is("result") {
        try reader.once(&seen, 1, "result")
        result = try readChoice(&reader, "result")
      } else if key.is("kind") {
        try reader.once(&seen, 2, "kind")
        kind = try readChoice(&reader, "kind")
      } else if key.is("invitation_id") {
        try reader.once(&seen, 3, "invitation_id")
        invitation = try readCustomerID(&reader, "invitation_id")
      } else if key.is("customer_id") {
        try reader.once(&seen, 4, "customer_id")
        customer = try readCustomerID(&reader, "customer_id")
      } else if key.is("way") {
        try reader.once(&seen, 5, "way")
        way = try readChoice(&reader, "way")
      } else if key.is("reason") {
        try reader.once(&seen, 6, "reason")
        reason = try reader.text("reason", bytesMax: ContractLimits.wordBytesMax).string
      } else if key.is("at") {
        try reader.once(&seen, 7, "at")
        at = try readInstant(&reader, "at")
      } else {
        try reader.skip()
      }
    }
    try reader.finish()
    guard let delivery else { throw reader.fault(.missing, "delivery_id") }
    guard let result else { throw reader.fault(.missing, "result") }
    guard let kind else { throw reader.fault(.missing, "kind") }
    guard let invitation else { throw reader.fault(.missing, "invitation_id") }
    guard let customer else { throw reader.fault(.missing, "customer_id") }
    guard let at else { throw reader.fault(.missing, "at") }
    self.init(delivery: delivery, result: result, kind: kind, invitation: invitation, customer: customer, way: way, reason: reason, at: at)
  }
}
