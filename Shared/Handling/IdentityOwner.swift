// Whose an identity is, for services that follow customers others own: told on topics, the newest word wins.
public import Domain

/// Whose an identity is, as the newest message about it says.
public struct IdentityOwner: Hashable, Sendable {
  public let identity: CustomerID
  public let customer: CustomerID
  /// The owner with the highest version is the later one, whichever topic told it.
  public let version: Int64
  public let since: Instant

  public init(identity: CustomerID, customer: CustomerID, version: Int64, since: Instant) {
    self.identity = identity
    self.customer = customer
    self.version = version
    self.since = since
  }

  /// Of each identity the newest word, in the order in which rows are locked.
  public static func newest(_ owners: some Sequence<IdentityOwner>) -> [IdentityOwner] {
    Dictionary(owners.map { ($0.identity, $0) }) { $0.version >= $1.version ? $0 : $1 }.values.sorted { $0.identity < $1.identity }
  }
}
