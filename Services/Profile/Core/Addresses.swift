// Which identities are addresses, told with their customers so that others can write to them (E-05).
public import Contracts
public import Domain

extension CustomerAddress {
  /// nil for an identity by which nobody is reached.
  init?(_ identity: Identity, of customer: Customer) {
    guard let kind = AddressKind(identity.kind) else { return nil }
    self.init(
      identity: identity.id, customer: customer.id, version: customer.membership, kind: kind, value: identity.value, isVerified: identity.isStrong,
      isShared: identity.isShared, firstSeenAt: identity.firstSeenAt)
  }
}

public enum Addresses {
  /// All addresses of these customers, by identity: for readers that did not hear of them yet, or no longer know them. The customers stay locked.
  public static func all(of customers: [CustomerID], in store: inout some ProfileStore) throws -> [CustomerAddress] {
    let standing = try store.lockCustomers(customers.sorted()).filter { $0.mergedInto == nil }
    let owners = Dictionary(standing.map { ($0.id, $0) }) { first, _ in first }
    return try store.members(of: standing.map(\.id)).compactMap { member in
      owners[member.identity.customer].flatMap { CustomerAddress(member.identity, of: $0) }
    }.sorted { $0.identity < $1.identity }
  }
}
