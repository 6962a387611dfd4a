/// Who is who: identities, the customers they belong to, and what an event that names several of them does (P-01 to P-03).
///
/// Events leave evidence (identities, bonds, links), operators leave decisions, and customers are worked out from both anew
/// (`IdentityGrouping`). Evidence is joined without regard to order, so the outcome does not depend on the order of events, and the guards of
/// P-03 and an undone merge do not depend on it either.
public struct IdentityBoard: Sendable {
  public private(set) var identities: [IdentityKey: Identity] = [:]
  /// Identities that differ from what was loaded, or are new.
  public private(set) var changed: Set<IdentityKey> = []
  /// Customers that gained or lost an identity they had before: their aggregates are worked out from facts.
  public private(set) var regrouped: Set<CustomerID> = []
  public private(set) var merges: [MergeRecord] = []
  private let rules: IdentityRules
  private var loaded: [IdentityKey: Identity] = [:]
  private var keyByID: [CustomerID: IdentityKey] = [:]
  private var groups: [CustomerID: Set<IdentityKey>] = [:]
  private var bonds: [IdentityPair: Bond] = [:]
  private var loadedBonds: [IdentityPair: Bond] = [:]
  /// How many others an identity was named before, as far as they are loaded.
  private var led: [IdentityKey: Int] = [:]
  private var decisions: [Int64: IdentityDecision] = [:]
  /// Identities of which everything that hangs together with them is loaded: only they are put to customers anew.
  private var whole: Set<IdentityKey> = []

  /// An identifier that was named before more others than this is no person's own either.
  public static let ledMax = 50

  public init(rules: IdentityRules = .standard) { self.rules = rules }

  // MARK: - What is stored

  /// Takes in more of what is stored; what is there already stays as it is.
  public mutating func load(_ known: some Sequence<Identity>) {
    for identity in known where loaded[identity.key] == nil {
      loaded[identity.key] = identity
      identities[identity.key] = identity
      keyByID[identity.id] = identity.key
      groups[identity.customer, default: []].insert(identity.key)
    }
  }

  public mutating func load(_ known: some Sequence<Bond>) {
    for bond in known where loadedBonds.updateValue(bond, forKey: bond.pair) == nil {
      bonds[bond.pair] = bond
      led[bond.pair.leader, default: 0] += 1
    }
  }

  public mutating func load(_ known: some Sequence<IdentityDecision>) { for decision in known { decisions[decision.id] = decision } }

  /// Says that everything these identities hang together with is loaded.
  public mutating func complete(_ keys: some Sequence<IdentityKey>) { whole.formUnion(keys) }

  /// The pairs that an event names, to be loaded before `changes(_:)` is asked.
  public static func pairs(of sighting: Sighting) -> [IdentityPair] { evidence(of: sighting, max: .max).map(\.pair) }

  /// Whether an event says anything about who is who that is not known yet.
  public func changes(_ sighting: Sighting) -> Bool {
    for named in sighting.named {
      guard let identity = identities[named.key] else { return true }
      if sighting.at < identity.firstSeenAt || (named.identifier.isStrong && !identity.isStrong) { return true }
    }
    for bond in IdentityBoard.evidence(of: sighting, max: rules.customersPerEventMax) {
      guard var standing = bonds[bond.pair], !standing.join(bond) else { return true }
    }
    return links(of: sighting).contains { key, link in identities[key]?.link.map { link.isBetter(than: $0) } ?? true }
  }

  /// Whether nothing beyond this identity counts: it is shared, named before too many others, or names nobody.
  public func isBlocked(_ key: IdentityKey) -> Bool { whyBlocked(key) != nil }

  private func whyBlocked(_ key: IdentityKey) -> MergeGuard? {
    guard let identity = identities[key] else { return nil }
    if rules.junk.contains(identity.value) { return .junk }
    return identity.isShared || (led[key] ?? 0) > IdentityBoard.ledMax ? .sharedIdentifier : nil
  }

  /// What hangs together with an identity: those it was named with and those a decision names with it.
  public func neighbours(of key: IdentityKey, _ bonds: [Bond], _ decisions: [IdentityDecision]) -> [IdentityKey] {
    var found: [IdentityKey] = []
    for decision in decisions where decision.left.contains(key) || decision.right.contains(key) { found += decision.left + decision.right }
    guard !isBlocked(key) else { return found }
    for bond in bonds where bond.pair.other == key || bond.pair.leader == key {
      found.append(bond.pair.other)
      found.append(bond.pair.leader)
    }
    return found
  }

  /// Whom these weak identities follow, where that is not loaded.
  public func unknownLeaders(of keys: Set<IdentityKey>) -> Set<CustomerID> {
    var result: Set<CustomerID> = []
    for key in keys {
      if let identity = identities[key], !identity.isStrong, let link = identity.link, keyByID[link.identity] == nil { result.insert(link.identity) }
    }
    return result
  }

  // MARK: - What is asked

  /// The customer an identity belongs to now.
  public func customer(of key: IdentityKey) -> CustomerID? { identities[key]?.customer }

  /// Identities that were stored with another customer than the one they belong to now, in order.
  public var moved: [Identity] {
    changed.compactMap { key in
      guard let identity = identities[key], let former = loaded[key], former.customer != identity.customer else { return nil }
      return identity
    }.sorted { $0.key < $1.key }
  }

  /// Whether no one had seen this identity before.
  public func isNew(_ key: IdentityKey) -> Bool { loaded[key] == nil }

  /// All identities of a customer, as far as they are loaded.
  public func members(of customer: CustomerID) -> Set<IdentityKey> { groups[customer] ?? [] }

  /// The numbers of the identities that were stored: any of them may become, or have been, a customer's.
  public var numbers: [CustomerID] { loaded.values.map(\.id) }

  /// The identity that bears this number.
  public func identity(_ id: CustomerID) -> Identity? { keyByID[id].flatMap { identities[$0] } }

  /// Bonds that are new or differ from what was loaded, in order.
  public var changedBonds: [Bond] { bonds.values.filter { loadedBonds[$0.pair] != $0 }.sorted { $0.pair < $1.pair } }

  /// Customers whose count of changes must grow although none of their identities changed: a bond of theirs is new, and who reads both without
  /// a lock must notice.
  public var bonded: Set<CustomerID> {
    var result: Set<CustomerID> = []
    for bond in bonds.values where loadedBonds[bond.pair] != bond {
      // Beyond one that is blocked nothing hangs on its bonds.
      for key in [bond.pair.other, bond.pair.leader] where whole.contains(key) && !isBlocked(key) {
        if let customer = identities[key]?.customer { result.insert(customer) }
      }
    }
    return result
  }

  // MARK: - Evidence

  /// Takes in what an event says. Customers are worked out when all events are in.
  public mutating func apply(_ sighting: Sighting) {
    for named in sighting.named { see(named, at: sighting.at) }
    for bond in IdentityBoard.evidence(of: sighting, max: rules.customersPerEventMax) { take(bond) }
    for (key, link) in links(of: sighting) {
      if let standing = identities[key]?.link, !link.isBetter(than: standing) { continue }
      identities[key]?.link = link
      changed.insert(key)
    }
  }

  private mutating func see(_ named: Sighting.Named, at: Instant) {
    guard let identity = identities[named.key] else {
      let identity = Identity(
        key: named.key, kind: named.identifier.kind, value: named.identifier.value, isStrong: named.identifier.isStrong, firstSeenAt: at)
      identities[named.key] = identity
      keyByID[identity.id] = named.key
      groups[identity.customer, default: []].insert(named.key)
      changed.insert(named.key)
      whole.insert(named.key)
      return
    }
    if at < identity.firstSeenAt {
      identities[named.key]?.firstSeenAt = at
      changed.insert(named.key)
    }
    if named.identifier.isStrong && !identity.isStrong {
      identities[named.key]?.isStrong = true
      changed.insert(named.key)
    }
  }

  /// The strongest identifier of an event, by which the others are counted; its home when it names no strong one.
  private static func leader(of sighting: Sighting) -> Sighting.Named? {
    sighting.named.filter { $0.identifier.isStrong }.min { $0.identifier < $1.identifier } ?? sighting.named.first
  }

  /// The strong identifiers of an event, each with the strongest, strongest first.
  private static func evidence(of sighting: Sighting, max count: Int) -> [Bond] {
    var strong = sighting.named.filter { $0.identifier.isStrong }
    guard strong.count > 1 else { return [] }
    strong.sort { $0.identifier < $1.identifier }
    func bond(_ other: Sighting.Named, _ leader: Sighting.Named, isBeyond: Bool) -> Bond {
      Bond(pair: IdentityPair(other: other.key, leader: leader.key), at: sighting.at, evidence: sighting.eventID, isBeyond: isBeyond)
    }
    var result: [Bond] = []
    for (place, other) in strong.dropFirst().enumerated() where other.key != strong[0].key {
      result.append(bond(other, strong[0], isBeyond: place >= count))
    }
    // A phone or an address that leads has no stronger identifier to be counted by, and may be a shop's: the next one counts it.
    if strong[0].identifier.kind == .phone || strong[0].identifier.kind == .email { result.append(bond(strong[0], strong[1], isBeyond: count < 1)) }
    return result
  }

  private mutating func take(_ bond: Bond) {
    let pair = bond.pair
    if var standing = bonds[pair] {
      if standing.join(bond) { bonds[pair] = standing }
      return
    }
    bonds[pair] = bond
    led[pair.leader, default: 0] += 1
    guard let other = identities[pair.other], !other.isShared, !other.partners.contains(pair.leader.identityID) else { return }
    identities[pair.other]?.partners = (other.partners + [pair.leader.identityID]).sorted()
    changed.insert(pair.other)
  }

  /// Whom the weak identifiers of an event follow. Among weak ones only the weaker kind follows, so that no two follow each other.
  private func links(of sighting: Sighting) -> [(key: IdentityKey, link: Identity.Link)] {
    guard let leader = IdentityBoard.leader(of: sighting) else { return [] }
    return sighting.named.compactMap { named in
      guard named.key != leader.key, !named.identifier.isStrong, leader.identifier.isStrong || leader.identifier.kind < named.identifier.kind
      else { return nil }
      return (named.key, Identity.Link(identity: leader.key.identityID, isWeak: !leader.identifier.isStrong, at: sighting.at))
    }
  }

  // MARK: - Customers

  /// Puts every identity that is wholly known to the customer that evidence and decisions give it.
  public mutating func regroup() {
    guard !whole.isEmpty else { return }
    var grouping = IdentityGrouping(nodes: whole.compactMap { identities[$0] }, loaded: loaded, rules: rules)
    let among = bonds.values.filter { whole.contains($0.pair.other) && whole.contains($0.pair.leader) }
    let verdicts = grouping.group(among, Array(decisions.values)) { whyBlocked($0) }
    for (pair, stopped) in verdicts { bonds[pair]?.stopped = stopped }
    for bond in bonds.values where !whole.contains(bond.pair.other) || !whole.contains(bond.pair.leader) {
      // Of one that nobody follows further: it is blocked, and stays so.
      if bond.stopped == nil, let why = whyBlocked(bond.pair.other) ?? whyBlocked(bond.pair.leader) { bonds[bond.pair]?.stopped = why }
    }
    for (key, customer) in grouping.customers {
      guard let former = identities[key]?.customer, former != customer else { continue }
      identities[key]?.customer = customer
      changed.insert(key)
      groups[former]?.remove(key)
      if groups[former]?.isEmpty ?? false { groups[former] = nil }
      groups[customer, default: []].insert(key)
      // Nothing is stored yet under an identity that nobody had seen.
      if loaded[key] != nil { regrouped.formUnion([former, customer]) }
    }
    merges += grouping.merges
  }
}
