/// Identities put to customers: a pure function of evidence and decisions, whatever order they came in (P-02, P-03).
///
/// Decisions first, the newest before older ones; then bonds, those of heavier kinds before lighter ones and earlier before later ones, each
/// unless a guard stops it; then weak identities behind what they follow. A customer bears the number of the oldest of its identities.
struct IdentityGrouping {
  /// Sets of identities that grow together.
  private struct Cluster {
    /// How many values of each kind, strong ones only.
    var values = SIMD16<Int32>(repeating: 0)
    /// Sides of decisions that keep apart: twice the decision's place, plus one for the right side.
    var sides: Set<Int32> = []
    /// The customers its identities belonged to before.
    var former: Set<CustomerID> = []
    /// An operator put it together.
    var isDecided = false
  }

  private let rules: IdentityRules
  private let loaded: [IdentityKey: Identity]
  private var nodes: [Identity]
  private var places: [IdentityKey: Int] = [:]
  private var byID: [CustomerID: Int] = [:]
  private var byFormer: [CustomerID: [Int]] = [:]
  private var parents: [Int]
  private var clusters: [Cluster]
  private(set) var merges: [MergeRecord] = []
  private(set) var customers: [(key: IdentityKey, customer: CustomerID)] = []

  init(nodes: [Identity], loaded: [IdentityKey: Identity], rules: IdentityRules) {
    self.rules = rules
    self.loaded = loaded
    self.nodes = nodes.sorted { $0.key < $1.key }
    parents = Array(nodes.indices)
    clusters = []
    clusters.reserveCapacity(nodes.count)
    for (place, node) in self.nodes.enumerated() {
      places[node.key] = place
      byID[node.id] = place
      var cluster = Cluster()
      if node.isStrong { cluster.values[Int(node.kind.rawValue) - 1] = 1 }
      if let former = loaded[node.key]?.customer {
        cluster.former = [former]
        byFormer[former, default: []].append(place)
      }
      clusters.append(cluster)
    }
  }

  /// Returns of each bond why it was stopped; nil where the two are one customer.
  mutating func group(
    _ bonds: [Bond], _ decisions: [IdentityDecision], whyBlocked: (IdentityKey) -> MergeGuard?
  ) -> [(pair: IdentityPair, stopped: MergeGuard?)] {
    for (place, decision) in decisions.sorted(by: { $0.isNewer(than: $1) }).enumerated() { follow(decision, Int32(truncatingIfNeeded: place)) }
    var stopped: [IdentityPair: MergeGuard] = [:]
    for bond in bonds.sorted(by: precedes) {
      guard let other = places[bond.pair.other], let leader = places[bond.pair.leader] else { continue }
      if let why = whyBlocked(bond.pair.other) ?? whyBlocked(bond.pair.leader) ?? obstacle(bond, root(of: other), root(of: leader)) {
        stopped[bond.pair] = why
      } else {
        unite(other, leader, evidence: bond.evidence, at: bond.at)
      }
    }
    attachWeak()
    number()
    // Who left a customer for another's has not merged the two.
    merges = merges.filter { merge in
      guard let kept = merge.survivorMembers.first.flatMap({ places[$0] }), let gone = merge.absorbedMembers.first.flatMap({ places[$0] }) else { return false }
      return root(of: kept) == root(of: gone)
    }
    // What one bond was refused, another may have brought about.
    return bonds.map { bond in
      guard let other = places[bond.pair.other], let leader = places[bond.pair.leader] else { return (bond.pair, bond.stopped) }
      return (bond.pair, root(of: other) == root(of: leader) ? nil : stopped[bond.pair])
    }
  }

  private func precedes(_ left: Bond, _ right: Bond) -> Bool {
    let (one, two) = (weight(left), weight(right))
    if one != two { return one < two }
    return left.at != right.at ? left.at < right.at : left.pair < right.pair
  }

  /// As heavy as the lighter of the two kinds.
  private func weight(_ bond: Bond) -> Int {
    [bond.pair.other, bond.pair.leader].compactMap { places[$0] }.map { rules[nodes[$0].kind].priority }.max() ?? 0
  }

  // MARK: - Decisions

  private mutating func follow(_ decision: IdentityDecision, _ number: Int32) {
    switch decision.kind {
    case .together:
      guard let first = decision.left.first.flatMap({ places[$0] }), let second = decision.right.first.flatMap({ places[$0] }) else { return }
      let (one, two) = (root(of: first), root(of: second))
      guard one != two, !areKeptApart(one, two) else { return }
      unite(first, second, evidence: decision.evidence, at: decision.at)
      clusters[root(of: first)].isDecided = true
    case .apart:
      let left = decision.left.compactMap { places[$0] }
      let right = decision.right.compactMap { places[$0] }
      // Put together since: then this one counts no more.
      let lefts = Set(left.map { root(of: $0) })
      guard lefts.isDisjoint(with: right.map { root(of: $0) }) else { return }
      for place in left { clusters[root(of: place)].sides.insert(2 * number) }
      for place in right { clusters[root(of: place)].sides.insert(2 * number + 1) }
    }
  }

  private func areKeptApart(_ one: Int, _ two: Int) -> Bool { clusters[one].sides.contains { clusters[two].sides.contains($0 ^ 1) } }

  // MARK: - Bonds

  private func obstacle(_ bond: Bond, _ one: Int, _ two: Int) -> MergeGuard? {
    if one == two { return nil }
    if areKeptApart(one, two) { return .keptApart }
    if bond.isBeyond { return .tooManyCustomers }
    for kind in IdentifierKind.allCases {
      let place = Int(kind.rawValue) - 1
      let (left, right) = (clusters[one].values[place], clusters[two].values[place])
      // What brings no value of this kind is no matter of its limit, also where an operator went beyond it.
      guard left > 0, right > 0, Int(left + right) > rules[kind].perCustomerMax else { continue }
      return kind == .nationalIDHash ? .differentNationalIDs : .tooManyValues
    }
    return nil
  }

  private func root(of place: Int) -> Int {
    var place = place
    while parents[place] != place { place = parents[place] }
    return place
  }

  private mutating func unite(_ one: Int, _ two: Int, evidence: String, at: Instant) {
    var (large, small) = (root(of: one), root(of: two))
    guard large != small else { return }
    note(clusters[large].former, clusters[small].former, evidence: evidence, at: at)
    if count(clusters[large]) < count(clusters[small]) { swap(&large, &small) }
    parents[small] = large
    clusters[large].values &+= clusters[small].values
    clusters[large].sides.formUnion(clusters[small].sides)
    clusters[large].former.formUnion(clusters[small].former)
    clusters[large].isDecided = clusters[large].isDecided || clusters[small].isDecided
  }

  private func count(_ cluster: Cluster) -> Int32 { cluster.values.wrappedSum() }

  /// Customers that stood became one; an identity no one had seen before joins without a merge to record.
  private mutating func note(_ left: Set<CustomerID>, _ right: Set<CustomerID>, evidence: String, at: Instant) {
    guard !left.isEmpty, !right.isEmpty, left.isDisjoint(with: right) else { return }
    let one = members(of: left)
    let two = members(of: right)
    guard let first = one.first, let second = two.first else { return }
    let survives = IdentityGrouping.isOlder(first, second)
    let (kept, gone) = survives ? (one, two) : (two, one)
    func number(_ side: Set<CustomerID>, _ founder: Identity) -> CustomerID { side.contains(founder.id) ? founder.id : side.min() ?? founder.id }
    merges.append(
      MergeRecord(
        survivor: survives ? number(left, first) : number(right, second), absorbed: survives ? number(right, second) : number(left, first),
        evidence: evidence, at: at, survivorMembers: kept.map(\.key), absorbedMembers: gone.map(\.key)))
  }

  /// Oldest first; weak ones only of customers that have no others.
  private func members(of former: Set<CustomerID>) -> [Identity] {
    let all = former.flatMap { byFormer[$0] ?? [] }.map { nodes[$0] }
    let strong = all.filter(\.isStrong)
    return (strong.isEmpty ? all : strong).sorted(by: IdentityGrouping.isOlder)
  }

  // MARK: - Weak identities, numbers

  /// A weak identity goes with what it follows, unless an operator put it somewhere. Weak ones follow stronger kinds only, so the chain is at
  /// most as long as there are kinds.
  private mutating func attachWeak() {
    let weak = nodes.indices.filter { !nodes[$0].isStrong && nodes[$0].link != nil }
    for place in weak.sorted(by: { (nodes[$0].kind, nodes[$0].key) < (nodes[$1].kind, nodes[$1].key) }) {
      let own = root(of: place)
      guard !clusters[own].isDecided, let link = nodes[place].link, let target = byID[link.identity] else { continue }
      let there = root(of: target)
      guard own != there, !areKeptApart(own, there) else { continue }
      parents[own] = there
      clusters[there].sides.formUnion(clusters[own].sides)
    }
  }

  private mutating func number() {
    var groups: [Int: [Identity]] = [:]
    for (place, node) in nodes.enumerated() { groups[root(of: place), default: []].append(node) }
    for members in groups.values {
      guard let founder = IdentityGrouping.founder(of: members) else { continue }
      for member in members { customers.append((member.key, founder.id)) }
    }
    customers.sort { $0.key < $1.key }
  }

  /// The oldest; strong ones come before weak ones, and of weak ones those that follow nobody there.
  private static func founder(of members: [Identity]) -> Identity? {
    let strong = members.filter(\.isStrong)
    if !strong.isEmpty { return strong.min(by: isOlder) }
    let ids = Set(members.map(\.id))
    let roots = members.filter { member in member.link.map { !ids.contains($0.identity) } ?? true }
    return (roots.isEmpty ? members : roots).min(by: isOlder)
  }

  private static func isOlder(_ left: Identity, _ right: Identity) -> Bool {
    if left.isStrong != right.isStrong { return left.isStrong }
    return (left.firstSeenAt, left.kind.rawValue, left.id) < (right.firstSeenAt, right.kind.rawValue, right.id)
  }
}
