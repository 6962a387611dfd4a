// What every message about something a customer did says of the customer: whose it was, by which identity, and which word about that is the later one.
import Domain
import Text

/// The members `customer_id`, `identity` and `version`. They are the bits from 61 on of what was seen.
struct CustomerMembers {
  private var customer: CustomerID?
  private var identity: CustomerID?
  private var version: Int64 = 0

  static func write(_ customer: CustomerID, _ identity: CustomerID, _ version: Int64, to writer: inout JSONWriter) {
    writer.key("customer_id")
    writer.text(customer.description)
    writer.key("identity")
    writer.text(identity.description)
    writer.key("version")
    writer.integer(version)
  }

  mutating func take(_ key: JSONText, _ seen: inout UInt64, _ reader: inout JSONReader) throws(JSONFault) -> Bool {
    if key.is("customer_id") {
      try reader.once(&seen, 61, "customer_id")
      customer = try readCustomerID(&reader, "customer_id")
    } else if key.is("identity") {
      try reader.once(&seen, 62, "identity")
      identity = try readCustomerID(&reader, "identity")
    } else if key.is("version") {
      try reader.once(&seen, 63, "version")
      version = try reader.integer("version")
    } else {
      return false
    }
    return true
  }

  func values(_ seen: UInt64, _ reader: inout JSONReader) throws(JSONFault) -> (customer: CustomerID, identity: CustomerID, version: Int64) {
    guard let customer else { throw reader.fault(.missing, "customer_id") }
    guard let identity else { throw reader.fault(.missing, "identity") }
    try reader.require(seen, 63, "version")
    return (customer, identity, version)
  }
}
