// What the tables must say in the end: worked out from what was told, in no particular order, without the services' code.
import Domain

struct Truth {
  /// What one day of a customer brought.
  struct DaySum: Equatable {
    var paid = 0
    var counted = 0
    var spend: Int64 = 0
    var isEmpty: Bool { paid == 0 && counted == 0 && spend == 0 }
  }
  struct Person {
    var names: Set<Name> = []
    var days: [Day: DaySum] = [:]
    var industry: String?
    /// The day of the last visit.
    var lastVisit: Day?
    fileprivate var industryKey: (Instant, String)?

    /// The day of the last paid order or visit.
    var lastInteraction: Day? { [days.filter { $0.value.paid > 0 }.keys.max(), lastVisit].compactMap { $0 }.max() }

    /// Recency, frequency and spend of the twelve months up to a day.
    func figures(on day: Day) -> (recency: Int?, frequency: Int, spend: Int64) {
      let last = days.filter { $0.value.paid > 0 }.keys.max()
      let start = day.adding(months: -12)
      let window = days.filter { $0.key > start && $0.key <= day }.values
      return (last.map { day - $0 }, window.reduce(0) { $0 + $1.counted }, window.reduce(0) { $0 + $1.spend })
    }
  }

  private struct Order {
    var names: Set<Name> = []
    var revision = 0
    var total: Int64 = 0
    var paidAt: Instant?
    var payments: [String: (at: Instant, amount: Int64)] = [:]
    var refunds: [String: (at: Instant, amount: Int64)] = [:]
    var cancelledAt: Instant?
  }

  private(set) var persons: [Person] = []
  /// Everything that must have been published as a fact, by `ce_id`.
  private(set) var facts: Set<String> = []
  private var groupOf: [Name: Name] = [:]

  /// - Parameters:
  ///   - owners: where people decided who is who: whose each identifier is; nil: what was told together is one person's.
  ///   - homes: then, of each order, credit note, registration and visit the identifier that it is kept under.
  init(_ told: [Told], owners: [Name: CustomerID]? = nil, homes: [String: Name] = [:]) {
    var orders: [String: Order] = [:]
    var notes: [(name: Name, at: Instant, amount: Int64)] = []
    func home(_ key: String, _ names: some Collection<Name>) -> Name? { owners == nil ? names.first : homes[key] }
    for event in told {
      switch event.what {
      case .registration, .visit: join(event.names)
      case .creditNote:
        join(event.names)
        if let name = home("\(event.source) note \(Truth.reference(event))", event.names) { notes.append((name, event.at, event.minorUnits)) }
      default: Truth.add(event, to: &orders["\(event.source) \(event.id)", default: Order()])
      }
    }
    for order in orders.values { join(Array(order.names)) }
    if let owners {
      var first: [CustomerID: Name] = [:]
      for (name, owner) in owners.sorted(by: { $0.key < $1.key }) { groupOf[name] = first[owner] ?? name; first[owner] = first[owner] ?? name }
    }
    var byGroup: [Name: Person] = [:]
    for name in groupOf.keys { byGroup[root(name), default: Person()].names.insert(name) }
    for (key, order) in orders where !order.names.isEmpty {
      guard let name = home(key, order.names) else { continue }
      Truth.sum(order, into: &byGroup[root(name), default: Person()].days)
    }
    for note in notes { byGroup[root(note.name), default: Person()].days[Truth.day(note.at), default: DaySum()].spend -= note.amount }
    for event in told {
      guard case .registration(let industry?) = event.what, let name = home("\(event.source) registration \(event.id)", event.names) else { continue }
      var person = byGroup[root(name), default: Person()]
      if person.industryKey.map({ $0 < (event.at, event.id) }) ?? true { (person.industry, person.industryKey) = (industry, (event.at, event.id)) }
      byGroup[root(name)] = person
    }
    for event in told {
      guard case .visit = event.what, let name = home("\(event.source) visit \(event.id)", event.names) else { continue }
      let day = Truth.day(event.at)
      let known = byGroup[root(name)]?.lastVisit
      byGroup[root(name), default: Person()].lastVisit = max(known ?? day, day)
    }
    persons = byGroup.values.map { person in
      var person = person
      person.days = person.days.filter { !$0.value.isEmpty }
      return person
    }
    facts = Set(
      told.filter { event in
        switch event.what {
        case .registration, .creditNote, .visit: true
        default: !(orders["\(event.source) \(event.id)"]?.names.isEmpty ?? true)
        }
      }.map(\.eventID))
  }

  private static func reference(_ event: Told) -> String {
    if case .creditNote(let reference) = event.what { return reference }
    return ""
  }

  private static func day(_ at: Instant) -> Day { Day(number: Int32(at.microseconds / 86_400_000_000)) }

  // MARK: - Who is who

  private func root(_ name: Name) -> Name {
    var current = name
    while let next = groupOf[current], next != current { current = next }
    return current
  }

  private mutating func join(_ names: [Name]) {
    for name in names where groupOf[name] == nil { groupOf[name] = name }
    guard let first = names.first.map(root) else { return }
    for name in names { groupOf[root(name)] = first }
  }

  // MARK: - Orders

  private static func add(_ event: Told, to order: inout Order) {
    order.names.formUnion(event.names)
    switch event.what {
    case .order(let revision, let paidAt):
      guard revision > order.revision else { return }
      (order.revision, order.total, order.paidAt) = (revision, event.minorUnits, paidAt)
    case .payment(let reference): order.payments[reference] = (event.at, event.minorUnits)
    case .refund(let reference): order.refunds[reference] = (event.at, event.minorUnits)
    case .cancellation: order.cancelledAt = event.at
    case .creditNote, .registration, .visit: break
    }
  }

  /// Paid when paid, given back when given back; an order counts on the day of its first payment unless all of it came back.
  private static func sum(_ order: Order, into days: inout [Day: DaySum]) {
    var received = Array(order.payments.values)
    if received.isEmpty, let paidAt = order.paidAt { received = [(paidAt, order.total)] }
    guard let first = received.map({ day($0.at) }).min() else { return }
    let paid = received.reduce(0) { $0 + $1.amount }
    let returned = order.refunds.values.reduce(0) { $0 + $1.amount }
    for payment in received { days[day(payment.at), default: DaySum()].spend += payment.amount }
    for refund in order.refunds.values { days[day(refund.at), default: DaySum()].spend -= refund.amount }
    if let cancelledAt = order.cancelledAt, paid > returned { days[day(cancelledAt), default: DaySum()].spend -= paid - returned }
    days[first, default: DaySum()].paid += 1
    let cameBack = order.cancelledAt != nil || (!order.refunds.isEmpty && returned >= paid)
    if !cameBack { days[first, default: DaySum()].counted += 1 }
  }
}
