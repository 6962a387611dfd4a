// The short way of most orders: their customer is known, and nothing about who is who can change (P-05, P-06).
import Domain

/// Works out what plain orders change, from what is known of their customers and without a lock.
///
/// An order is plain when every identifier it names is known to belong to one customer already, or when it names a single one that nobody has seen.
/// A batch is divided so that no customer is in both parts.
struct PlainOrders {
  private enum Way {
    /// Through identities, locks and look-ups.
    static let long: Int32 = -1
    /// Names one identifier, of which nothing is known yet.
    static let asked: Int32 = -2
  }

  /// An order among those of its batch: by identity and order, those of one order as they came.
  struct Place {
    let identity: Int64
    let order: Int64
    let item: Int32
    let slot: Int32
    /// Whether it was looked up among the stored orders.
    var isAsked = false

    static func < (left: Place, right: Place) -> Bool {
      if left.identity != right.identity { return left.identity < right.identity }
      if left.order != right.order { return left.order < right.order }
      return left.item < right.item
    }
  }

  private let rules: ProfileRules
  private let today: Day
  private var batch: Int32 = 0
  /// The place of the customer among the known, or a way.
  private var ways: [Int32] = []
  private var touched: [Int32] = []
  /// Identifiers of what goes the long way, whose customers have been looked up.
  private var longKeys: Set<IdentityKey> = []
  private var hasLong = false
  private(set) var rows = PlainRows()
  /// Orders that were there before, and those of several events: written as on the long way.
  private(set) var newRecords: [(reference: OrderReference, order: StoredOrder, slot: Int32)] = []
  private(set) var changedRecords: [(reference: OrderReference, order: StoredOrder, slot: Int32)] = []
  private let tagger: Tagger
  private var tagChanges: [TagChange] = []
  private var toTag: Set<CustomerID> = []

  init(rules: ProfileRules, today: Day) {
    self.rules = rules
    self.today = today
    tagger = Tagger(rules, today: today)
    rows.knownOn = today
  }

  /// Applies what is plain, notes what became of it, and returns the items of the rest.
  mutating func apply(
    _ items: [ProfileItem], _ bytes: UnsafeRawBufferPointer, _ store: inout some ProfileStore, _ known: inout KnownCustomers,
    _ outcomes: inout [ArrivalOutcome]
  ) throws -> [Int] {
    batch = known.beginBatch()
    try divide(items, bytes, &store, &known)
    try leaveOutWhatOthersTouch(items, bytes, &store, &known)
    var places = sorted(items, bytes, store, known)
    let standing = try standingOrders(items, bytes, &places, &store, known)
    var start = 0
    while start < places.count {
      var end = start + 1
      while end < places.count, places[end].order == places[start].order, places[end].identity == places[start].identity { end += 1 }
      work(places[start..<end], items, bytes, standing, &outcomes, &known)
      start = end
    }
    // Some turned out not to be plain while they were worked on.
    try leaveOutWhatOthersTouch(items, bytes, &store, &known)
    settle(items, bytes, &known)
    return rest(items, &outcomes, &known)
  }

  // MARK: - Who is who

  private mutating func divide(
    _ items: [ProfileItem], _ bytes: UnsafeRawBufferPointer, _ store: inout some ProfileStore, _ known: inout KnownCustomers
  ) throws {
    ways.reserveCapacity(items.count)
    var unknown: [IdentityKey] = []
    var waiting: [Int] = []
    for (index, item) in items.enumerated() {
      let way = way(of: item, index, &known)
      if way == Way.asked, case .plain(let order) = item {
        unknown.append(order.home)
        waiting.append(index)
      }
      if way == Way.long { hasLong = true }
      ways.append(way)
    }
    guard !unknown.isEmpty else { return }
    unknown.sort()
    var asked: [IdentityKey] = []
    asked.reserveCapacity(unknown.count)
    for key in unknown where asked.last != key { asked.append(key) }
    for (identity, customer) in try store.owners(of: asked) {
      if let met = known.place(of: customer.id), known[met].batch == batch, known[met].customer.membership != customer.membership {
        // Who is who changed since: what was said of its other identities in this batch may be wrong.
        known[met].isLong = true
        hasLong = true
      }
      let place = known.note(customer)
      known.note(identity.key, of: place, isStrong: identity.isStrong, since: identity.firstSeenAt)
    }
    for index in waiting {
      guard case .plain(let order) = items[index] else { continue }
      let way = way(of: items[index], index, &known)
      ways[index] = way == Way.asked ? born(order, index, &known) : way
      if ways[index] == Way.long { hasLong = true }
    }
  }

  private mutating func way(of item: ProfileItem, _ index: Int, _ known: inout KnownCustomers) -> Int32 {
    switch item {
    case .plain(let order):
      guard let (member, slot) = known.member(order.home) else { return Way.asked }
      let noted = known[member: member]
      if known[slot].founder >= 0, known[slot].batch == batch { return joined(order, index, slot, &known) }
      guard order.occurredAt >= noted.since, noted.isStrong || !order.isStrong else { return Way.long }
      return party(slot, &known)
    case .full(let arrival):
      guard case .order = arrival.event, let home = arrival.sighting.named.first, let (member, slot) = known.member(home.key) else { return Way.long }
      let noted = known[member: member]
      guard arrival.sighting.at >= noted.since, noted.isStrong || !home.identifier.isStrong,
        arrival.sighting.named.count == noted.companions.count + 1,
        zip(arrival.sighting.named.dropFirst(), noted.companions).allSatisfy({ $0.key == $1.key && $0.identifier.isStrong == $1.identifier.isStrong })
      else { return Way.long }
      // One who is new in this batch is not known yet for more than its own identifier.
      return known[slot].founder >= 0 && known[slot].batch == batch ? Way.long : party(slot, &known)
    }
  }

  /// Takes a customer among those of this batch.
  private mutating func party(_ slot: Int, _ known: inout KnownCustomers) -> Int32 {
    if known[slot].batch != batch {
      known[slot].batch = batch
      known[slot].founder = -1
      known[slot].isChanged = false
      known[slot].isLong = false
      touched.append(Int32(truncatingIfNeeded: slot))
    }
    return Int32(truncatingIfNeeded: slot)
  }

  private mutating func born(_ order: PlainOrder, _ index: Int, _ known: inout KnownCustomers) -> Int32 {
    // A number that is taken by another identity's customer: the long way finds out whose it is.
    guard known.place(of: order.home.identityID) == nil else { return Way.long }
    let slot = known.add(Customer(id: order.home.identityID, firstSeenAt: order.occurredAt))
    known.note(order.home, of: slot, isStrong: order.isStrong, since: order.occurredAt)
    let way = party(slot, &known)
    known[slot].founder = Int32(truncatingIfNeeded: index)
    return way
  }

  /// Another event of a customer who is new in this batch.
  private mutating func joined(_ order: PlainOrder, _ index: Int, _ slot: Int, _ known: inout KnownCustomers) -> Int32 {
    known[slot].customer.firstSeenAt = min(known[slot].customer.firstSeenAt, order.occurredAt)
    if order.isStrong { known[slot].founder = Int32(truncatingIfNeeded: index) }
    return Int32(truncatingIfNeeded: slot)
  }

  /// What an event of the long way may touch goes the long way too. Whose its identifiers are is asked of the tables: what is known of a customer who
  /// goes the long way may be out of date.
  private mutating func leaveOutWhatOthersTouch(
    _ items: [ProfileItem], _ bytes: UnsafeRawBufferPointer, _ store: inout some ProfileStore, _ known: inout KnownCustomers
  ) throws {
    // Mostly there is nothing else in a batch.
    while hasLong {
      var keys: Set<IdentityKey> = []
      for (index, item) in items.enumerated() where ways[index] == Way.long || (ways[index] >= 0 && known[Int(ways[index])].isLong) {
        for key in item.keys where !longKeys.contains(key) { keys.insert(key) }
      }
      guard !keys.isEmpty else { return }
      longKeys.formUnion(keys)
      for (identity, _) in try store.identities(keys.sorted()) {
        guard let place = known.place(of: identity.customer) else { continue }
        let party = party(place, &known)
        known[Int(party)].isLong = true
      }
      for (index, item) in items.enumerated() where ways[index] >= 0 {
        if item.keys.contains(where: longKeys.contains) { known[Int(ways[index])].isLong = true }
      }
    }
  }

  // MARK: - Orders

  private func sorted(
    _ items: [ProfileItem], _ bytes: UnsafeRawBufferPointer, _ store: some ProfileStore, _ known: borrowing KnownCustomers
  ) -> [Place] {
    var places: [Place] = []
    places.reserveCapacity(items.count)
    for (index, item) in items.enumerated() where ways[index] >= 0 {
      let (identity, key) = item.orderKey(bytes, store)
      places.append(Place(identity: identity.number, order: key, item: Int32(truncatingIfNeeded: index), slot: ways[index]))
    }
    places.sort(by: <)
    return places
  }

  /// The stored orders of those that may be stored. The customer's marks say which are not, but for those that are filed under no month: of these,
  /// later revisions, payments, refunds and what came lately are looked up, and of the others the write itself finds out whether they are new.
  private func standingOrders(
    _ items: [ProfileItem], _ bytes: UnsafeRawBufferPointer, _ places: inout [Place], _ store: inout some ProfileStore, _ known: borrowing KnownCustomers
  ) throws -> [OrderReference: StoredOrder] {
    var asked: [OrderReference: SoughtOrder] = [:]
    // A repeat of one that was put away meets no row of its key.
    let cold = rules.coldLine(on: today)
    for index in places.indices {
      let item = Int(places[index].item)
      let key = places[index].order
      let months = known.withCustomer(at: Int(places[index].slot)) { customer -> [OrderMonth]? in
        let marks = customer.orderMarks
        if marks.mayHold(key) { return marks.months(of: key) }
        guard marks.hasUnfiled else { return nil }
        // One that is filed under a month meets no row that lies under none.
        let isLookedUp = !marks.isFull || items[item].mayBeStored || known.isRecent(key) || cold.map { items[item].occurredAt < $0 } ?? false
        return isLookedUp ? [.none] : nil
      }
      guard let months else { continue }
      places[index].isAsked = true
      let reference = items[item].reference(bytes)
      asked[reference] = SoughtOrder(reference: reference, key: key, months: months)
    }
    return asked.isEmpty ? [:] : try store.orders(asked.values.sorted { $0.reference < $1.reference })
  }

  /// Applies the events of one order.
  private mutating func work(
    _ places: ArraySlice<Place>, _ items: [ProfileItem], _ bytes: UnsafeRawBufferPointer, _ standing: [OrderReference: StoredOrder],
    _ outcomes: inout [ArrivalOutcome], _ known: inout KnownCustomers
  ) {
    guard let first = places.first else { return }
    let slot = Int(first.slot)
    guard !known[slot].isLong else { return }
    if case .plain(let order) = items[Int(first.item)], order.kind == .order, repeatsOnly(places, of: order, items, bytes),
      !first.isAsked || standing[items[Int(first.item)].reference(bytes)] == nil {
      if let paidAt = order.paidAt {
        let entry = DayEntry(day: rules.zone.day(of: paidAt), paidOrders: 1, countedOrders: 1, spend: order.baseMinorUnits)
        known[slot].customer.ledger.take(entry)
      }
      outcomes[Int(first.item)] = .applied
      let month = file(first, at: order.occurredAt, &known)
      rows.newOrders.append(PlainRows.NewOrder(identity: CustomerID(number: first.identity), key: first.order, month: month, item: Int(first.item)))
      return
    }
    workThrough(places, items, bytes, standing, &outcomes, &known)
  }

  /// Notes where a new order is filed.
  private func file(_ place: Place, at instant: Instant, _ known: inout KnownCustomers) -> OrderMonth {
    let slot = Int(place.slot)
    let month = known[slot].customer.orderMarks.monthOfNew(at: instant)
    known[slot].customer.orderMarks.insert(place.order, month)
    known[slot].isChanged = true
    if month == .none { known.note(order: place.order) }
    return month
  }

  /// Whether all events of one order but the first say what the first said: the same revision, of which the first counts (I-06).
  private func repeatsOnly(_ places: ArraySlice<Place>, of order: PlainOrder, _ items: [ProfileItem], _ bytes: UnsafeRawBufferPointer) -> Bool {
    places.dropFirst().allSatisfy { place in
      guard case .plain(let other) = items[Int(place.item)] else { return false }
      return other.kind == .order && other.revision == order.revision && other.orderID.isSame(as: order.orderID, in: bytes)
        && other.source.isSame(as: order.source, in: bytes)
    }
  }

  /// Events of an order that is stored, or several of one.
  private mutating func workThrough(
    _ places: ArraySlice<Place>, _ items: [ProfileItem], _ bytes: UnsafeRawBufferPointer, _ standing: [OrderReference: StoredOrder],
    _ outcomes: inout [ArrivalOutcome], _ known: inout KnownCustomers
  ) {
    guard let first = places.first else { return }
    let slot = Int(first.slot)
    let reference = items[Int(first.item)].reference(bytes)
    let stored = standing[reference]
    var record = stored?.record ?? OrderRecord(source: reference.source, orderID: reference.orderID, creditNote: reference.creditNote)
    // The first that is news speaks of the order first.
    var news: Instant?
    for place in places {
      guard case .order(let event) = items[Int(place.item)].arrival(bytes).event, items[Int(place.item)].reference(bytes) == reference else {
        // Two orders whose keys are equal by chance.
        known[slot].isLong = true
        hasLong = true
        return
      }
      do {
        let isNews = try record.apply(event, knownOn: today)
        outcomes[Int(place.item)] = isNews ? .applied : .duplicate
        if isNews, news == nil { news = items[Int(place.item)].occurredAt }
      } catch { outcomes[Int(place.item)] = .refused(error) }
    }
    guard let news else { return }
    let before = stored?.record.contribution(in: rules.zone) ?? []
    let after = record.contribution(in: rules.zone)
    if before != after {
      guard known[slot].customer.ledger.replace(before, by: after) else {
        known[slot].isLong = true
        hasLong = true
        return
      }
      known[slot].isChanged = true
    }
    guard let stored else {
      let month = file(first, at: news, &known)
      return newRecords.append((reference, StoredOrder(record, key: first.order, month: month), first.slot))
    }
    changedRecords.append((reference, StoredOrder(record, key: stored.key, month: stored.month), first.slot))
  }

  // MARK: - Result

  /// Orders that are written as on the long way.
  var records: ProfileChanges {
    var changes = ProfileChanges()
    changes.newOrders = newRecords.map { ($0.reference, $0.order) }
    changes.changedOrders = changedRecords.map { ($0.reference, $0.order) }
    changes.tagChanges = tagChanges
    changes.toTag = toTag
    changes.knownOn = today
    return changes
  }

  /// Versions and due days of the customers that changed.
  private mutating func settle(_ items: [ProfileItem], _ bytes: UnsafeRawBufferPointer, _ known: inout KnownCustomers) {
    for place in touched {
      let slot = Int(place)
      guard !known[slot].isLong else { continue }
      if known[slot].founder >= 0, case .plain(let order) = items[Int(known[slot].founder)] {
        known[slot].customer.version = 1
        known[slot].customer.membership = 1
        if order.identifierKind == .memberID { known[slot].customer.memberID = order.identifier.text(in: bytes) }
        moveDueDay(&known[slot].customer)
        if known[slot].isChanged { retag(&known[slot].customer) }
        known.note(order.home, of: slot, isStrong: order.isStrong, since: known[slot].customer.firstSeenAt)
        rows.newCustomers.append((slot, Int(known[slot].founder)))
        if known[slot].customer.dueDay != nil { rows.dueMoved.append(slot) }
      } else {
        let before = known[slot].customer.dueDay
        moveDueDay(&known[slot].customer)
        if known[slot].isChanged { retag(&known[slot].customer) }
        guard known[slot].isChanged || known[slot].customer.dueDay != before else { continue }
        known[slot].customer.version += 1
        rows.movedCustomers.append(slot)
        if known[slot].customer.dueDay != before { rows.dueMoved.append(slot) }
      }
    }
    rows.newOrders.sort { ($0.month, $0.identity, $0.key) < ($1.month, $1.identity, $1.key) }
    rows.newCustomers.sort { known[$0.place].customer.id < known[$1.place].customer.id }
    rows.movedCustomers.sort { known[$0].customer.id < known[$1].customer.id }
  }

  private func moveDueDay(_ customer: inout Customer) {
    customer.bringDueDayForward(
      to: rules.lifecycle.nextChange(firstPaidDay: customer.ledger.firstPaidDay, lastPaidDay: customer.ledger.lastPaidDay, after: today))
  }

  /// Only what an order can change is judged.
  private mutating func retag(_ customer: inout Customer) {
    guard tagger.looksAtPurchases else { return }
    let before = customer.tags
    if tagger.settle(&customer, by: .purchases) { toTag.insert(customer.id) }
    if customer.tags != before { tagChanges.append(TagChange(customer: customer.id, before: before, after: customer.tags)) }
  }

  /// What could not go the short way; nothing of it stays here.
  private mutating func rest(_ items: [ProfileItem], _ outcomes: inout [ArrivalOutcome], _ known: inout KnownCustomers) -> [Int] {
    guard hasLong else { return [] }
    var rest: [Int] = []
    var isMixed = false
    for index in ways.indices {
      if ways[index] >= 0 {
        guard known[Int(ways[index])].isLong else { continue }
        isMixed = true
      }
      outcomes[index] = .duplicate
      rest.append(index)
    }
    if isMixed {
      rows.newOrders.removeAll { known[Int(ways[$0.item])].isLong }
      newRecords.removeAll { known[Int($0.slot)].isLong }
      changedRecords.removeAll { known[Int($0.slot)].isLong }
    }
    for place in touched where known[Int(place)].isLong { known.forget(known[Int(place)].customer.id) }
    return rest
  }
}
