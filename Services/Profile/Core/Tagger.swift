// Sets and clears the tags of customers (P-10): by what lies in the customer's row while facts come in, by everything where that is not enough.
public import Domain

/// Works with the rules of one day. What a customer has by rules is a function of its facts and the day, so it is the same whatever order they came in.
public struct Tagger: Sendable {
  private let judge: TagJudge
  private let zone: BusinessZone
  private let purchaseRules: [Int]
  private let rowRules: [Int]
  public let looksAtInteractions: Bool

  public init(_ rules: ProfileRules, today: Day) {
    judge = TagJudge(rules.tags, on: today, lifecycle: rules.lifecycle)
    zone = rules.zone
    purchaseRules = rules.tags.places(lookingAt: .purchases)
    rowRules = rules.tags.places(lookingAt: [.purchases, .attributes])
    looksAtInteractions = !rules.tags.places(lookingAt: .interactions).isEmpty
  }

  public var looksAtPurchases: Bool { !purchaseRules.isEmpty }

  /// Judges the rules that look at these parts of the row, and leaves the others as they stand. The day on which time alone changes something comes
  /// nearer where it must.
  ///
  /// - Returns: whether something hangs on what is not in the row.
  func settle(_ customer: inout Customer, by sources: TagSources) -> Bool {
    let places = sources == .purchases ? purchaseRules : rowRules
    guard !places.isEmpty else { return false }
    let view = TagView(ledger: customer.ledger, attributes: customer.attributes)
    // Mostly a customer has no tags and gets none.
    let standing = customer.tags.isEmpty ? [] : customer.tags.derived
    var (derived, isUnsure, isSame) = (standing, false, true)
    for place in places {
      let holds = judge.holds(place, view)
      if holds == false && standing.isEmpty { continue }
      let id = judge.rules.rules[place].id.text
      switch holds {
      case nil: isUnsure = true
      case true? where !standing.contains(id):
        derived.append(id)
        isSame = false
      case false? where standing.contains(id):
        derived.removeAll { $0 == id }
        isSame = false
      default: break
      }
    }
    if !isSame { customer.tags = CustomerTags(derived: derived, manual: customer.tags.manual) }
    customer.bringDueDayForward(to: judge.nextChange(view, of: sources))
    return isUnsure
  }

  /// Judges all rules by everything that is known, what people gave included.
  ///
  /// - Parameters:
  ///   - owners: the customers by their identities.
  ///   - more: what this transaction has not written yet.
  /// - Returns: of each customer no later than the first day on which time alone changes its tags.
  func settle(
    _ customers: inout [Customer], owners: [CustomerID: CustomerID], with more: [(identity: CustomerID, event: InteractionEvent)] = [],
    _ store: inout some ProfileStore
  ) throws -> [CustomerID: Day] {
    guard !customers.isEmpty else { return [:] }
    let identities = owners.keys.sorted()
    var interactions: [CustomerID: [TagInteraction]] = [:]
    if looksAtInteractions {
      let since = judge.rules.firstInteractionDay(at: judge.day).map { zone.startOfDay($0) }
      var seen: Set<String> = []
      for fact in try store.interactions(of: identities, since: since) + more.map({ KnownInteraction(identity: $0.identity, event: $0.event) }) {
        let key = "\(fact.identity.number) \(fact.event.kindName) \(fact.event.source) \(fact.event.eventID)"
        guard let owner = owners[fact.identity], seen.insert(key).inserted else { continue }
        interactions[owner, default: []].append(TagInteraction(fact.event, in: zone))
      }
    }
    var manual: [CustomerID: [ManualTag]] = [:]
    for tag in try store.manualTags(of: identities) where tag.holdsNow(on: judge.day) {
      if let owner = owners[tag.identity] { manual[owner, default: []].append(tag) }
    }
    var next: [CustomerID: Day] = [:]
    for place in customers.indices {
      let id = customers[place].id
      let view = TagView(ledger: customers[place].ledger, attributes: customers[place].attributes, interactions: interactions[id] ?? [])
      customers[place].tags = CustomerTags(derived: tags(view), manual: (manual[id] ?? []).map(\.tag))
      let ends = (manual[id] ?? []).compactMap { $0.until.map { $0 + 1 } }
      next[id] = (ends + [judge.nextChange(view, of: [.purchases, .attributes, .interactions])].compactMap { $0 }).min()
    }
    return next
  }

  /// The tags that all rules together give.
  public func tags(_ view: borrowing TagView) -> [String] {
    var tags: [String] = []
    for (place, rule) in judge.rules.rules.enumerated() where judge.holds(place, view) == true { tags.append(rule.id.text) }
    return tags
  }
}

public enum Tagging {
  /// Customers of one transaction: of each a year of contacts, behaviours and answers may have to be read.
  public static let customersMax = 200

  /// Judges these customers by everything that is known; who is part of another customer by now is passed over. Returns those whose snapshot changed.
  public static func apply(_ ids: [CustomerID], to store: inout some ProfileStore, rules: ProfileRules, at now: Instant) throws -> [Customer] {
    let before = try store.lockCustomers(ids.sorted()).filter { $0.mergedInto == nil }
    var after = before
    let owners = try Tagging.owners(of: before.map(\.id), &store)
    let next = try Tagger(rules, today: rules.zone.day(of: now)).settle(&after, owners: owners, &store)
    var changes = ProfileChanges()
    var changed: [Customer] = []
    for (standing, var customer) in zip(before, after) {
      customer.bringDueDayForward(to: next[customer.id])
      guard customer != standing else { continue }
      if customer.tags != standing.tags {
        customer.version += 1
        changes.tagChanges.append(TagChange(customer: customer.id, before: standing.tags, after: customer.tags))
        changed.append(customer)
      } else {
        changes.silentCustomers.insert(customer.id)
      }
      changes.changedCustomers.append(customer)
    }
    if !changes.isEmpty { try store.write(changes) }
    return changed
  }

  /// What these customers would be marked with by these rules; nothing is locked and nothing changes.
  public static func preview(
    _ customers: [Customer], _ store: inout some ProfileStore, rules: ProfileRules, at now: Instant
  ) throws -> [(customer: Customer, tags: CustomerTags)] {
    var after = customers
    let owners = try Tagging.owners(of: customers.map(\.id), &store)
    _ = try Tagger(rules, today: rules.zone.day(of: now)).settle(&after, owners: owners, &store)
    return zip(customers, after).map { ($0, $1.tags) }
  }

  /// The identities of customers, and whose each is.
  static func owners(of customers: [CustomerID], _ store: inout some ProfileStore) throws -> [CustomerID: CustomerID] {
    guard !customers.isEmpty else { return [:] }
    return Dictionary(try store.members(of: customers).map { ($0.identity.id, $0.identity.customer) }) { first, _ in first }
  }
}
