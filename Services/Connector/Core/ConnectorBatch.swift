// What addresses, moves of identities and requests do: each request is kept once, addresses follow the customers they belong to (E-05).
public import Contracts
import Domain
public import Handling

/// The service's tables, as its use cases need them. Identities are locked before addresses, and these before deliveries, each by number.
public protocol ConnectorStore {
  /// The owners of these identities, locked. One that is not known is noted as given.
  mutating func owners(noting believed: [IdentityOwner]) throws -> [IdentityOwner]
  /// Takes in what is newer than what is known; returns those that were.
  mutating func move(_ moves: [IdentityOwner]) throws -> [IdentityOwner]
  /// Adds addresses, or joins them with what is known: once verified or shared they stay so.
  mutating func learn(_ addresses: [KnownAddress]) throws
  /// Addresses follow these identities to their owners.
  mutating func give(_ owners: [IdentityOwner]) throws
  /// Keeps what is new; returns how many were.
  mutating func insert(_ deliveries: [Delivery]) throws -> Int
  /// Notes that messages about these invitations are wanted no longer, and has those that wait looked at soon; what was said first stays.
  mutating func withdraw(_ withdrawals: [SurveyWithdrawal]) throws
}

public enum ConnectorBatch {
  /// Those of one batch may come in any order, and twice.
  public static func learn(_ addresses: [CustomerAddress], _ store: inout some ConnectorStore) throws {
    let believed = addresses.map { IdentityOwner(identity: $0.identity, customer: $0.customer, version: $0.version, since: $0.firstSeenAt) }
    // A newer word about the owner than the one that is known counts, whichever topic brings it.
    let newer = IdentityOwner.newest(believed)
    let moved = try store.move(newer)
    try store.give(moved.sorted { $0.identity < $1.identity })
    let owners = Dictionary(try store.owners(noting: newer).map { ($0.identity, $0.customer) }) { first, _ in first }
    var known: [CustomerID: KnownAddress] = [:]
    for address in addresses {
      guard let owner = owners[address.identity] else { continue }
      var next = KnownAddress(
        identity: address.identity, customer: owner, kind: address.kind, value: address.value, isVerified: address.isVerified, isShared: address.isShared,
        firstSeenAt: address.firstSeenAt)
      if let other = known[address.identity] {
        next.isVerified = next.isVerified || other.isVerified
        next.isShared = next.isShared || other.isShared
        next.firstSeenAt = min(next.firstSeenAt, other.firstSeenAt)
      }
      known[address.identity] = next
    }
    try store.learn(known.values.sorted { $0.identity < $1.identity })
  }

  public static func moved(_ moves: [IdentityMove], _ store: inout some ConnectorStore) throws {
    let taken = try store.move(IdentityOwner.newest(
      moves.map { IdentityOwner(identity: $0.identity, customer: $0.customer, version: $0.version, since: $0.at) }))
    try store.give(taken.sorted { $0.identity < $1.identity })
  }

  /// Requests that came before change nothing. Returns how many were new.
  public static func receive(_ deliveries: [Delivery], _ store: inout some ConnectorStore) throws -> Int {
    let unique = Dictionary(deliveries.map { ($0.id, $0) }) { first, _ in first }.values.sorted { $0.id < $1.id }
    return unique.isEmpty ? 0 : try store.insert(unique)
  }

  /// They count for requests that come later as well.
  public static func withdraw(_ withdrawals: [SurveyWithdrawal], _ store: inout some ConnectorStore) throws {
    let unique = Dictionary(withdrawals.map { ($0.invitation, $0) }) { first, _ in first }.values.sorted { $0.invitation < $1.invitation }
    if !unique.isEmpty { try store.withdraw(unique) }
  }
}
