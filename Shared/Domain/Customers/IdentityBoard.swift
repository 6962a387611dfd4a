/// Who is who: identities, the customers they belong to, and what an event that names several of them does (P-01 to P-03).
///
/// The rules are built so that the outcome does not depend on the order of events: strong identifiers of one event belong
/// together, the oldest identity of a group gives the customer its number, and a weak identifier follows the identity it was
/// first seen with. Only the guards of P-03 depend on order, and only once one of them is reached.

/// One identifier that was seen, and the customer it belongs to.
public struct Identity: Hashable, Sendable {
  public let key: IdentityKey
  public let kind: IdentifierKind
  public let value: String
  public var customer: CustomerID
  /// Whether it may merge: once verified, always.
  public var isStrong: Bool
  /// The earliest moment an event named it: the older customer survives a merge (P-02).
  public var firstSeenAt: Instant
  /// Weak identities only: the identity it follows, and since when.
  public var link: Link?
  /// The distinct identities it was named after by events, up to one more than allowed: more make it shared (P-03).
  public var partners: [CustomerID]

  public struct Link: Hashable, Sendable {
    public var identity: CustomerID
    public var isWeak: Bool
    public var at: Instant
    public init(identity: CustomerID, isWeak: Bool, at: Instant) {
      self.identity = identity
      self.isWeak = isWeak
      self.at = at
    }
    func isBetter(than other: Link) -> Bool {
      if isWeak != other.isWeak { return !isWeak }
      if at != other.at { return at < other.at }
      return identity < other.identity
    }
  }

  public init(
    key: IdentityKey, kind: IdentifierKind, value: String, customer: CustomerID? = nil, isStrong: Bool, firstSeenAt: Instant,
    link: Link? = nil, partners: [CustomerID] = []
  ) {
    self.key = key
    self.kind = kind
    self.value = value
    self.customer = customer ?? key.identityID
    self.isStrong = isStrong
    self.firstSeenAt = firstSeenAt
    self.link = link
    self.partners = partners
  }

  public var id: CustomerID { key.identityID }

  /// An identifier named beside more than this many others is a shop's own phone, not a person's (P-03).
  public static let partnersMax = 5
  public var isShared: Bool { partners.count > Identity.partnersMax }
}

/// Identifiers of one event, with their keys.
public struct Sighting: Sendable {
  public struct Named: Sendable {
    public let key: IdentityKey
    public let identifier: Identifier
    public init(key: IdentityKey, identifier: Identifier) {
      self.key = key
      self.identifier = identifier
    }
  }
  /// The home first (see ``OrderEvent/identifiers``).
  public let named: [Named]
  public let at: Instant
  public let eventID: String

  public init(named: [Named], at: Instant, eventID: String) {
    self.named = named
    self.at = at
    self.eventID = eventID
  }
}

/// Two customers became one, or did not although an event named both.
public struct MergeRecord: Hashable, Sendable {
  public enum Outcome: Hashable, Sendable {
    case merged
    /// The rule of P-03 that stopped it; goes to the review list.
    case refused(MergeGuard)
  }
  public let survivor: CustomerID
  public let absorbed: CustomerID
  public let outcome: Outcome
  /// The event that named both.
  public let evidence: String
  public let at: Instant
}

/// Why two customers were not merged (P-03).
public enum MergeGuard: String, Hashable, Sendable, CaseIterable {
  case sharedIdentifier = "shared_identifier"
  case differentNationalIDs = "different_national_ids"
  case tooManyValues = "too_many_values"
  case tooManyCustomers = "too_many_customers"
}

public struct IdentityBoard: Sendable {
  public private(set) var identities: [IdentityKey: Identity]
  /// Identities that differ from what was loaded, or are new.
  public private(set) var changed: Set<IdentityKey> = []
  /// Customers that gained or lost an identity they had before: their aggregates are worked out from facts.
  public private(set) var regrouped: Set<CustomerID> = []
  public private(set) var merges: [MergeRecord] = []
  private var loaded: [IdentityKey: Identity]
  private var keyByID: [CustomerID: IdentityKey] = [:]
  private var groups: [CustomerID: Set<IdentityKey>] = [:]
  /// Stored customers of which only some identities are loaded: nothing may be concluded from who is missing.
  private var partial: Set<CustomerID> = []

  /// One event merges at most this many customers (P-03).
  public static let customersPerEventMax = 10

  public init(_ known: some Sequence<Identity>) {
    identities = [:]
    loaded = [:]
    load(known)
  }

  /// Takes in more of what is stored; what is there already stays as it is. `completing` names the customers all of whose identities
  /// are loaded with this.
  public mutating func load(_ known: some Sequence<Identity>, completing customers: Set<CustomerID> = []) {
    partial.subtract(customers)
    for identity in known where loaded[identity.key] == nil {
      if !customers.contains(identity.customer) { partial.insert(identity.customer) }
      loaded[identity.key] = identity
      identities[identity.key] = identity
      keyByID[identity.id] = identity.key
      groups[identity.customer, default: []].insert(identity.key)
    }
  }

  /// The stored customers all of whose identities must be loaded before these events are applied: those an event may join,
  /// split or rename.
  public func customersToLoad(for sightings: some Sequence<Sighting>) -> Set<CustomerID> {
    var result: Set<CustomerID> = []
    for sighting in sightings {
      let known = sighting.named.compactMap { loaded[$0.key] }
      guard !known.isEmpty else { continue }
      let customers = Set(known.map(\.customer))
      let hasNew = known.count < sighting.named.count
      let becomesStrong = sighting.named.contains { named in
        named.identifier.isStrong && loaded[named.key].map { !$0.isStrong } ?? false
      }
      let becomesOldest = known.contains { sighting.at < $0.firstSeenAt && $0.id != $0.customer }
      if customers.count > 1 || hasNew || becomesStrong || becomesOldest { result.formUnion(customers) }
    }
    return result
  }

  /// The customer an identity belongs to now.
  public func customer(of key: IdentityKey) -> CustomerID? { identities[key]?.customer }

  /// Whether no one had seen this identity before.
  public func isNew(_ key: IdentityKey) -> Bool { loaded[key] == nil }

  /// All identities of a customer, as far as they are loaded.
  public func members(of customer: CustomerID) -> Set<IdentityKey> { groups[customer] ?? [] }

  public mutating func apply(_ sighting: Sighting) {
    guard let home = sighting.named.first else { return }
    for named in sighting.named { see(named, at: sighting.at) }
    let strong = sighting.named.filter { $0.identifier.isStrong }
    // Partners are counted from the strongest identifier of the event, which may not be the order's home.
    let leader = strong.min { $0.identifier < $1.identifier } ?? home
    // A phone or an address that leads has no stronger identifier to be counted by: the strongest it is named with counts.
    if leader.identifier.kind == .phone || leader.identifier.kind == .email,
      let second = strong.filter({ $0.key != leader.key }).min(by: { $0.identifier < $1.identifier }) {
      meet(leader.key, second.key)
    }
    var joined = 0
    for other in strong where other.key != leader.key {
      meet(other.key, leader.key)
      if joinIfAllowed(leader.key, other.key, sighting, joined: joined) { joined += 1 }
    }
    for named in sighting.named where named.key != leader.key && !(identities[named.key]?.isStrong ?? true) {
      follow(named.key, leader.key, at: sighting.at)
    }
    renumber(groupOf: leader.key)
  }

  // MARK: - Steps

  private mutating func see(_ named: Sighting.Named, at: Instant) {
    guard var identity = identities[named.key] else {
      let identity = Identity(
        key: named.key, kind: named.identifier.kind, value: named.identifier.value, isStrong: named.identifier.isStrong, firstSeenAt: at)
      identities[named.key] = identity
      keyByID[identity.id] = named.key
      groups[identity.customer, default: []].insert(named.key)
      changed.insert(named.key)
      return
    }
    if at < identity.firstSeenAt {
      identity.firstSeenAt = at
      changed.insert(named.key)
    }
    let becomesStrong = named.identifier.isStrong && !identity.isStrong
    if becomesStrong {
      identity.isStrong = true
      changed.insert(named.key)
    }
    identities[named.key] = identity
    if becomesStrong { standAlone(named.key) }
  }

  /// A weak identity that became strong no longer follows another: it starts from its own customer and may merge from there.
  /// What followed it keeps following.
  private mutating func standAlone(_ key: IdentityKey) {
    guard let identity = identities[key], identity.customer != identity.id || (groups[identity.customer]?.count ?? 0) > 1 else { return }
    let former = identity.customer
    let group = groups[former] ?? []
    let strongOthers = group.filter { $0 != key && (identities[$0]?.isStrong ?? false) }
    guard identity.link != nil || !strongOthers.isEmpty else { return }
    let followers = group.filter { $0 != key && root(of: $0) == key }
    move([key] + Array(followers), to: identity.id)
    if let rest = strongOthers.first { renumber(groupOf: rest) }
  }

  /// The identity a weak one follows in the end.
  private func root(of key: IdentityKey) -> IdentityKey {
    var current = key
    // Weak identities follow stronger kinds only, so the chain is at most as long as there are kinds.
    for _ in IdentifierKind.allCases {
      guard let identity = identities[current], !identity.isStrong, let link = identity.link, let next = keyByID[link.identity] else { break }
      current = next
    }
    return current
  }

  private mutating func meet(_ key: IdentityKey, _ leader: IdentityKey) {
    guard var identity = identities[key], let partner = identities[leader]?.id, !identity.isShared, !identity.partners.contains(partner) else { return }
    identity.partners.append(partner)
    identity.partners.sort()
    identities[key] = identity
    changed.insert(key)
  }

  private mutating func joinIfAllowed(_ leader: IdentityKey, _ other: IdentityKey, _ sighting: Sighting, joined: Int) -> Bool {
    guard let into = identities[leader]?.customer, let from = identities[other]?.customer, into != from else { return false }
    let survivor = older(into, from)
    let absorbed = survivor == into ? from : into
    if let stopped = guardAgainst(into, from, identities[other], identities[leader], joined: joined) {
      let record = MergeRecord(survivor: survivor, absorbed: absorbed, outcome: .refused(stopped), evidence: sighting.eventID, at: sighting.at)
      // A new identifier that a guard keeps apart is no pair of customers to review: the pair repeats with every later event.
      if !merges.contains(where: { $0.survivor == survivor && $0.absorbed == absorbed }) { merges.append(record) }
      return false
    }
    // An identity no one had seen before joins without a merge to record.
    let isMerge = hasStood(into) && hasStood(from)
    move(Array(groups[absorbed] ?? []), to: survivor)
    if isMerge { merges.append(MergeRecord(survivor: survivor, absorbed: absorbed, outcome: .merged, evidence: sighting.eventID, at: sighting.at)) }
    return true
  }

  private func hasStood(_ customer: CustomerID) -> Bool { (groups[customer] ?? []).contains { loaded[$0] != nil } }

  private func guardAgainst(_ into: CustomerID, _ from: CustomerID, _ other: Identity?, _ leader: Identity?, joined: Int) -> MergeGuard? {
    if other?.isShared ?? false || leader?.isShared ?? false { return .sharedIdentifier }
    if joined >= IdentityBoard.customersPerEventMax { return .tooManyCustomers }
    var counts: [IdentifierKind: Int] = [:]
    for key in (groups[into] ?? []).union(groups[from] ?? []) { if let kind = identities[key]?.kind { counts[kind, default: 0] += 1 } }
    if (counts[.nationalIDHash] ?? 0) > 1 { return .differentNationalIDs }
    return counts.contains { $0.value > $0.key.valuesPerCustomerMax } ? .tooManyValues : nil
  }

  private mutating func follow(_ key: IdentityKey, _ leader: IdentityKey, at: Instant) {
    guard var identity = identities[key], let target = identities[leader] else { return }
    // Among weak identities only the weaker kind follows, so that no two follow each other.
    guard target.isStrong || target.kind < identity.kind else { return }
    let link = Identity.Link(identity: target.id, isWeak: !target.isStrong, at: at)
    if let standing = identity.link, !link.isBetter(than: standing) { return }
    identity.link = link
    identities[key] = identity
    changed.insert(key)
    if identity.customer != target.customer {
      let former = identity.customer
      let followers = (groups[former] ?? []).filter { $0 != key && root(of: $0) == root(of: key) }
      move([key] + Array(followers), to: target.customer)
    }
  }

  private mutating func move(_ keys: [IdentityKey], to customer: CustomerID) {
    for key in keys {
      guard let former = identities[key]?.customer, former != customer else { continue }
      identities[key]?.customer = customer
      changed.insert(key)
      groups[former]?.remove(key)
      if groups[former]?.isEmpty ?? false { groups[former] = nil }
      groups[customer, default: []].insert(key)
      regrouped.insert(former)
      regrouped.insert(customer)
    }
  }

  /// Gives a group the number of its oldest identity; strong ones come before weak ones.
  private mutating func renumber(groupOf key: IdentityKey) {
    guard let customer = identities[key]?.customer, !partial.contains(customer), let group = groups[customer] else { return }
    guard let founder = founder(of: group), founder.id != customer else { return }
    move(Array(group), to: founder.id)
  }

  private func founder(of group: Set<IdentityKey>) -> Identity? {
    let members = group.compactMap { identities[$0] }
    let strong = members.filter(\.isStrong)
    let candidates = strong.isEmpty ? members.filter { $0.link == nil || root(of: $0.key) == $0.key } : strong
    return candidates.min { ($0.firstSeenAt, $0.kind.rawValue, $0.id) < ($1.firstSeenAt, $1.kind.rawValue, $1.id) }
  }

  private func older(_ left: CustomerID, _ right: CustomerID) -> CustomerID {
    guard let one = founder(of: groups[left] ?? []), let other = founder(of: groups[right] ?? []) else { return left }
    if one.isStrong != other.isStrong { return one.isStrong ? left : right }
    return (one.firstSeenAt, one.kind.rawValue, one.id) < (other.firstSeenAt, other.kind.rawValue, other.id) ? left : right
  }
}
