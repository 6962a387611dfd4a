// Steps of a customer's life at which it is asked (F-02), planned from what profile says of its orders. Each is asked once, whomever the customer becomes
// one with.
public import Contracts
public import Domain
import Hashing

/// What is known of a customer's first order, and for which the steps were planned.
public struct FirstOrder: Hashable, Sendable {
  public let customer: CustomerID
  public let day: Day

  public init(customer: CustomerID, day: Day) {
    self.customer = customer
    self.day = day
  }
}

/// A profile that was kept, with what its steps were planned by last; nil: they were not.
public struct KeptProfile: Hashable, Sendable {
  public let customer: CustomerID
  public let askedRules: Int?
  public let askedDay: Day?

  public init(customer: CustomerID, askedRules: Int?, askedDay: Day?) {
    self.customer = customer
    self.askedRules = askedRules
    self.askedDay = askedDay
  }
}

/// An invitation at a step that was sent, or still is to be.
public struct StepInvitation: Hashable, Sendable {
  public let customer: CustomerID
  public let identity: CustomerID
  public let step: String
  public let isSent: Bool

  public init(customer: CustomerID, identity: CustomerID, step: String, isSent: Bool) {
    self.customer = customer
    self.identity = identity
    self.step = step
    self.isSent = isSent
  }
}

/// The tables, as steps need them. Rows of profiles are locked before identities.
public protocol StepStore: InvitationStore {
  /// Keeps those snapshots, one of a customer, that are newer than what is known; returns them.
  mutating func keep(_ profiles: [ProfileSnapshot]) throws -> [KeptProfile]
  /// First orders from a day on whose steps were not planned by these rules, locked by customer; the next ones in that order.
  mutating func lockUnplanned(after customer: CustomerID?, from day: Day, rules: Int, limit: Int) throws -> [FirstOrder]
  /// Notes that the steps of these were planned; their profiles are locked.
  mutating func notePlanned(_ orders: [FirstOrder], rules: Int) throws
  /// What these customers were, or are to be, asked at steps; what was dropped is left out.
  mutating func steps(of customers: [CustomerID]) throws -> [StepInvitation]
  /// The day of the first paid order of those of these customers whose profile is known; nil: there is none.
  mutating func firstOrders(of customers: [CustomerID]) throws -> [CustomerID: Day?]
}

extension AskingRules {
  /// The earliest first order after which somebody may still be asked on a day; nil where nobody is asked at any step.
  func firstOrderMin(on today: Day) -> Day? { steps.map { $0.delayDays + $0.windowDays }.max().map { today + -$0 } }
}

extension Asking {
  /// When a customer is asked at a step: on its day, between nine and seven; the hour follows from the customer. Who is heard of later is asked at that hour
  /// of the next day that has it, so that an import asks nobody at night, nor all at once.
  func plan(_ step: AskingRules.Step, of order: FirstOrder, at now: Instant) throws -> InvitationPlan {
    let draw = try Hasher256().digest(texts: [step.id, order.customer.description]).low
    func moment(on day: Day) -> Instant { AskingDesk.moment(on: day, draw: draw, in: zone) }
    let at = moment(on: order.day + step.delayDays)
    let notAfter = at.adding(seconds: Int64(step.windowDays) * 86_400)
    guard at < now else { return InvitationPlan(at: at, notAfter: notAfter) }
    let today = zone.day(of: now)
    return InvitationPlan(at: moment(on: today) < now ? moment(on: today + 1) : moment(on: today), notAfter: notAfter)
  }
}

extension AskingDesk {
  /// Keeps what is newer, and plans the steps that follow from it. History plans nothing: its windows are over.
  public static func profiled(_ snapshots: [ProfileSnapshot], _ store: inout some AskingStore, _ asking: Asking, at now: Instant) throws {
    let newest = Dictionary(snapshots.map { ($0.customer, $0) }) { $0.version >= $1.version ? $0 : $1 }.values.sorted { $0.customer < $1.customer }
    let kept = Dictionary(try store.keep(newest).map { ($0.customer, $0) }) { first, _ in first }
    guard let earliest = asking.rules.firstOrderMin(on: asking.zone.day(of: now)) else { return }
    let orders = newest.compactMap { snapshot -> FirstOrder? in
      guard snapshot.mergedInto == nil, let known = kept[snapshot.customer], let day = snapshot.ledger.firstPaidDay, day >= earliest else { return nil }
      let isPlanned = known.askedRules == asking.rules.version && known.askedDay == day
      return isPlanned ? nil : FirstOrder(customer: snapshot.customer, day: day)
    }
    try planSteps(orders, &store, asking, at: now)
  }

  /// Customers whose steps are planned anew in one transaction.
  public static let pieceMax = 500

  /// Plans the steps of the next customers that were planned by other rules. Returns the last of them; nil: that was all.
  public static func replan(after customer: CustomerID?, _ store: inout some AskingStore, _ asking: Asking, at now: Instant) throws -> CustomerID? {
    guard let earliest = asking.rules.firstOrderMin(on: asking.zone.day(of: now)) else { return nil }
    let orders = try store.lockUnplanned(after: customer, from: earliest, rules: asking.rules.version, limit: pieceMax)
    try planSteps(orders, &store, asking, at: now)
    return orders.last?.customer
  }

  /// The profiles of these customers are locked.
  private static func planSteps(_ orders: [FirstOrder], _ store: inout some AskingStore, _ asking: Asking, at now: Instant) throws {
    guard !orders.isEmpty else { return }
    let held = try Held(orders.map(\.customer), &store, at: now)
    // Whoever has become part of another by now is asked as that one.
    let own = orders.filter { held.owners[$0.customer] == $0.customer }
    let taken = Dictionary(grouping: try store.steps(of: own.map(\.customer)), by: \.customer)
    try plan(
      try own.flatMap { order in
        let asked = Set((taken[order.customer] ?? []).map(\.step))
        return try asking.rules.steps.filter { !asked.contains($0.id) }.compactMap { try invitation(at: $0, order, asking, at: now) }
      }, held, &store, at: now)
    // What keeps a step from being planned may go: the customer it came by may be parted again.
    let settled = own.filter { order in (taken[order.customer] ?? []).allSatisfy { $0.identity == order.customer } }
    try store.notePlanned(settled, rules: asking.rules.version)
  }

  /// nil: its window is over, or there is no such survey.
  private static func invitation(at step: AskingRules.Step, _ order: FirstOrder, _ asking: Asking, at now: Instant) throws -> InvitationOrder? {
    guard let survey = asking.surveys.current(named: step.survey) else { return nil }
    let plan = try asking.plan(step, of: order, at: now)
    guard plan.at <= plan.notAfter else { return nil }
    return InvitationOrder(
      survey, to: [order.customer], because: InvitationCause(.lifecycle, reason: step.id, reference: step.id), by: actor, isSent: false, plan: plan)
  }
}

/// What speaks against asking at a step once its moment has come.
struct StepCheck {
  private let asking: Asking
  private let now: Instant
  private let firstOrders: [CustomerID: Day?]
  private var sent: [CustomerID: Set<String>] = [:]

  init(_ customers: [CustomerID], _ store: inout some AskingStore, _ asking: Asking, at now: Instant) throws {
    self.asking = asking
    self.now = now
    firstOrders = try store.firstOrders(of: customers)
    for asked in try store.steps(of: customers) where asked.isSent { sent[asked.customer, default: []].insert(asked.step) }
  }

  mutating func noteSent(_ invitation: Invitation) {
    if invitation.cause.kind == .lifecycle { sent[invitation.customer, default: []].insert(invitation.cause.reference) }
  }

  /// nil: nothing does.
  func reason(against invitation: Invitation) throws -> DropReason? {
    guard invitation.cause.kind == .lifecycle else { return nil }
    if sent[invitation.customer]?.contains(invitation.cause.reference) == true { return .asked }
    guard let step = asking.rules.step(invitation.cause.reference) else { return .step }
    // Of somebody who has just become one with another nothing may be known yet.
    guard let known = firstOrders[invitation.customer] else { return nil }
    guard let day = known else { return .step }
    return try asking.plan(step, of: FirstOrder(customer: invitation.customer, day: day), at: now).notAfter < now ? .step : nil
  }
}
