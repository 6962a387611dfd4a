// `profile.moves.v1`: an identity that was known belongs to another customer, by a merge or because one was undone (P-02).
public import Domain
public import Text

/// A snapshot of where an identity belongs; one that never moved has none. A customer's number is that of one of its identities, so a reader that keeps
/// something under a customer follows it by the same number.
public struct IdentityMove: Hashable, Sendable {
  public var identity: CustomerID
  public var customer: CustomerID
  /// Only grows with every move of this identity.
  public var version: Int64
  public var at: Instant

  public init(identity: CustomerID, customer: CustomerID, version: Int64, at: Instant) {
    self.identity = identity
    self.customer = customer
    self.version = version
    self.at = at
  }

  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("identity")
    writer.text(identity.description)
    writer.key("customer_id")
    writer.text(customer.description)
    writer.key("version")
    writer.integer(version)
    writer.key("at")
    writer.text(RFC3339.text(at.microseconds))
    writer.endObject()
  }

  public init(reading reader: inout JSONReader) throws(JSONFault) {
    var identity: CustomerID?, customer: CustomerID?, version: Int64 = 0, at: Instant?
    var seen: UInt64 = 0
    try reader.beginObject("$")
    while let key = try reader.nextKey() {
      if key.is("identity") {
        try reader.once(&seen, 0, "identity")
        identity = try readCustomerID(&reader, "identity")
      } else if key.is("customer_id") {
        try reader.once(&seen, 1, "customer_id")
        customer = try readCustomerID(&reader, "customer_id")
      } else if key.is("version") {
        try reader.once(&seen, 2, "version")
        version = try reader.integer("version")
      } else if key.is("at") {
        try reader.once(&seen, 3, "at")
        at = try readInstant(&reader, "at")
      } else {
        try reader.skip()
      }
    }
    try reader.finish()
    try reader.require(seen, 2, "version")
    guard let identity else { throw reader.fault(.missing, "identity") }
    guard let customer else { throw reader.fault(.missing, "customer_id") }
    guard let at else { throw reader.fault(.missing, "at") }
    self.init(identity: identity, customer: customer, version: version, at: at)
  }
}
