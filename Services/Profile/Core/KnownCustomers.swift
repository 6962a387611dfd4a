// What one lane remembers of the customers it saw last, so that their next orders need no reading (P-05).
import Domain

/// Customers and identities as this lane saw or left them last. A memory, never a truth: rows are written only where the stored version is still the
/// one remembered, and everything is forgotten when a transaction did not commit.
///
/// Bounded by two generations: when a batch begins and the younger is full, the older is given up, and what is asked for again moves to the younger.
public struct KnownCustomers: Sendable {
  /// An identity, as far as an order that names it must know it.
  struct Member: Sendable {
    let key: IdentityKey
    /// Where its customer lies.
    var slot: Int32
    /// The customer's count of changes to its identities when this was noted.
    var membership: Int64
    var isStrong: Bool
    /// An event earlier than this may change who is who.
    var since: Instant
    /// The other identifiers that were named with it, all of which have been taken in: an event that names the same ones later changes nothing.
    var companions: [Sighting.Named]
  }

  /// A customer. Changed in place: a transaction that does not commit forgets all.
  public struct Slot: Sendable {
    public internal(set) var customer: Customer
    /// The batch that has it among its customers.
    var batch: Int32 = 0
    /// The first item of the batch that names a customer who is new.
    var founder: Int32 = -1
    var isChanged = false
    /// It cannot be worked out from what is known, or others touch it: the long way.
    var isLong = false
    /// It was removed, or moved to the younger generation.
    var isStale = false
  }

  private struct Generation: Sendable {
    var members: [Member] = []
    var slots: [Slot] = []
    var memberPlaces = KeyTable()
    var slotPlaces = KeyTable()

    func member(_ key: IdentityKey) -> Int? { memberPlaces.find(key.low) { members[$0].key == key } }
    func slot(_ id: CustomerID) -> Int? { slotPlaces.find(UInt64(bitPattern: id.number)) { slots[$0].customer.id == id && !slots[$0].isStale } }
  }

  private var young = Generation()
  private var old = Generation()
  private var recentOrders: RecentKeys
  private let customersMax: Int
  private var batch: Int32 = 0
  /// After a conflict nothing is taken for known: rows are locked and looked up before they are written.
  public private(set) var isCareful = false

  /// Customers after which a generation is full; the batch that fills it may add its own.
  public static let customersMaxUsual = 16_384
  /// Orders under no month whose keys are remembered, twice over.
  public static let recentOrdersMaxUsual = 32_768

  public init() { self.init(customersMax: KnownCustomers.customersMaxUsual, recentOrdersMax: KnownCustomers.recentOrdersMaxUsual) }

  public init(customersMax: Int, recentOrdersMax: Int) {
    self.customersMax = max(1, customersMax)
    recentOrders = RecentKeys(countMax: recentOrdersMax)
  }

  public mutating func committed() { isCareful = false }

  public mutating func forget() {
    young = Generation()
    old = Generation()
    recentOrders.removeAll()
    isCareful = true
  }

  /// Places given out before are not to be used from here on.
  mutating func beginBatch() -> Int32 {
    if young.slots.count >= customersMax || young.members.count >= 4 * customersMax {
      swap(&old, &young)
      young.members.removeAll(keepingCapacity: true)
      young.slots.removeAll(keepingCapacity: true)
      young.memberPlaces.removeAll()
      young.slotPlaces.removeAll()
    }
    batch = batch == .max ? 1 : batch + 1
    return batch
  }

  // MARK: - Customers

  /// Read by `get`: what a `_read` yields of a value this large is garbage in builds without optimisation (Swift 6.3).
  public internal(set) subscript(_ place: Int) -> Slot {
    get { young.slots[place] }
    _modify { yield &young.slots[place] }
  }

  /// A known customer without a copy of it.
  public func withCustomer<Value>(at place: Int, _ body: (borrowing Customer) throws -> Value) rethrows -> Value { try body(young.slots[place].customer) }

  /// Where a known customer lies.
  mutating func place(of id: CustomerID) -> Int? {
    if let place = young.slot(id) { return place }
    guard let former = old.slot(id) else { return nil }
    old.slots[former].isStale = true
    return add(old.slots[former].customer)
  }

  /// Adds a customer who is not known.
  mutating func add(_ customer: Customer) -> Int {
    young.slots.append(Slot(customer: customer))
    young.slotPlaces.insert(UInt64(bitPattern: customer.id.number), young.slots.count - 1)
    return young.slots.count - 1
  }

  /// As read or left: what was known of the customer before does not count.
  @discardableResult
  mutating func note(_ customer: Customer) -> Int {
    if let place = place(of: customer.id) {
      young.slots[place].customer = customer
      return place
    }
    return add(customer)
  }

  /// Others are changing the customer, or it changed in a way that is not noted here.
  mutating func forget(_ id: CustomerID) {
    if let place = young.slot(id) { young.slots[place].isStale = true }
    if let place = old.slot(id) { old.slots[place].isStale = true }
  }

  // MARK: - Identities

  /// What is known of an identity, and where its customer lies; nil unless both are known and agree.
  mutating func member(_ key: IdentityKey) -> (member: Int, slot: Int)? {
    var place = young.member(key)
    if place == nil, let former = old.member(key) {
      let member = old.members[former]
      // Its customer may have moved to the younger generation before it.
      guard let slot = self.place(of: old.slots[Int(member.slot)].customer.id) else { return nil }
      place = add(member, slot)
    }
    guard let place else { return nil }
    let slot = Int(young.members[place].slot)
    guard !young.slots[slot].isStale, young.slots[slot].customer.membership == young.members[place].membership else { return nil }
    return (place, slot)
  }

  subscript(member place: Int) -> Member { young.members[place] }

  private mutating func add(_ member: Member, _ slot: Int) -> Int {
    var member = member
    member.slot = Int32(truncatingIfNeeded: slot)
    young.members.append(member)
    young.memberPlaces.insert(member.key.low, young.members.count - 1)
    return young.members.count - 1
  }

  mutating func note(_ key: IdentityKey, of slot: Int, isStrong: Bool, since: Instant, companions: [Sighting.Named] = []) {
    let member = Member(
      key: key, slot: Int32(truncatingIfNeeded: slot), membership: young.slots[slot].customer.membership, isStrong: isStrong, since: since,
      companions: companions)
    if let place = young.member(key) { young.members[place] = member } else { _ = add(member, slot) }
  }

  // MARK: - Orders

  /// Whether an order with this key, filed under no month, came lately: then it is looked up.
  func isRecent(_ order: Int64) -> Bool { recentOrders.contains(order) }
  mutating func note(order: Int64) { recentOrders.insert(order) }
}
