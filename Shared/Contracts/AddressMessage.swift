// `profile.addresses.v1`: where a person can be reached, with the customer it belongs to. Besides ingest's facts the only topic with readable addresses.
public import Domain
public import Text

/// What an address is for whoever sends.
public enum AddressKind: String, Hashable, Sendable, CaseIterable {
  case email, phone
  /// Of a messenger, as WeChat.
  case openID = "open_id"

  /// nil for identifiers by which nobody is reached.
  public init?(_ kind: IdentifierKind) {
    switch kind {
    case .email: self = .email
    case .phone: self = .phone
    case .openID: self = .openID
    case .memberID, .nationalIDHash, .unionID, .posCard, .deviceID, .external: return nil
    }
  }
}

/// A snapshot of an identity that is an address. Where it belongs later, `profile.moves.v1` says.
public struct CustomerAddress: Hashable, Sendable {
  public var identity: CustomerID
  public var customer: CustomerID
  /// Which of two owners of an identity is the later one; comparable with the version of a move.
  public var version: Int64
  public var kind: AddressKind
  public var value: String
  /// Once it was, it stays so (P-01).
  public var isVerified: Bool
  /// Named beside so many others that it is a shop's, say, and nobody's own (P-03). Once it is, it stays so.
  public var isShared: Bool
  /// The earliest moment at which it was named.
  public var firstSeenAt: Instant

  public init(
    identity: CustomerID, customer: CustomerID, version: Int64, kind: AddressKind, value: String, isVerified: Bool, isShared: Bool = false,
    firstSeenAt: Instant
  ) {
    self.identity = identity
    self.customer = customer
    self.version = version
    self.kind = kind
    self.value = value
    self.isVerified = isVerified
    self.isShared = isShared
    self.firstSeenAt = firstSeenAt
  }

  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    CustomerMembers.write(customer, identity, version, to: &writer)
    writer.key("kind")
    writer.text(kind.rawValue)
    writer.key("value")
    writer.text(value)
    writer.key("verified")
    writer.boolean(isVerified)
    writer.key("shared")
    writer.boolean(isShared)
    writer.key("first_seen_at")
    writer.text(RFC3339.text(firstSeenAt.microseconds))
    writer.endObject()
  }

  public init(reading reader: inout JSONReader) throws(JSONFault) {
    var members = CustomerMembers(), kind: AddressKind?, value = "", isVerified = false, isShared = false, firstSeenAt: Instant?
    var seen: UInt64 = 0
    try reader.beginObject("$")
    while let key = try reader.nextKey() {
      if try members.take(key, &seen, &reader) {
        continue
      } else if key.is("kind") {
        try reader.once(&seen, 0, "kind")
        kind = try readChoice(&reader, "kind")
      } else if key.is("value") {
        try reader.once(&seen, 1, "value")
        value = try reader.text("value", bytesMax: Identifier.valueBytesMax).string
      } else if key.is("verified") {
        try reader.once(&seen, 2, "verified")
        isVerified = try reader.boolean("verified")
      } else if key.is("shared") {
        try reader.once(&seen, 3, "shared")
        isShared = try reader.boolean("shared")
      } else if key.is("first_seen_at") {
        try reader.once(&seen, 4, "first_seen_at")
        firstSeenAt = try readInstant(&reader, "first_seen_at")
      } else {
        try reader.skip()
      }
    }
    try reader.finish()
    let (customer, identity, version) = try members.values(seen, &reader)
    guard let kind else { throw reader.fault(.missing, "kind") }
    guard !value.isEmpty else { throw reader.fault(.missing, "value") }
    guard let firstSeenAt else { throw reader.fault(.missing, "first_seen_at") }
    self.init(
      identity: identity, customer: customer, version: version, kind: kind, value: value, isVerified: isVerified, isShared: isShared,
      firstSeenAt: firstSeenAt)
  }
}
