// Time alone moves a customer from one stage to the next (P-08): what happens on the day it is due.
public import Domain

public enum LifecycleDue {
  /// What came of it: customers whose snapshot changed, and the day on which the round is to be made again.
  public struct Outcome: Sendable {
    public var changed: [Customer] = []
    public var next: Day
  }

  /// Customers of one transaction of the round.
  public static let customersMax = 1_000

  /// One part of the daily round: the customers that are due. They may be asked about too early: orders move the border away without anyone
  /// rescheduling. Then only the day changes.
  public static func apply(to store: inout some ProfileStore, rules: ProfileRules, at now: Instant, max count: Int = customersMax) throws -> Outcome {
    let today = rules.zone.day(of: now)
    let ids = try store.customersDue(by: today, max: count)
    var outcome = Outcome(next: ids.count < count ? today + 1 : today)
    var changes = ProfileChanges()
    for var customer in try store.lockCustomers(ids.sorted()) where customer.mergedInto == nil {
      guard let dueDay = customer.dueDay, dueDay <= today else { continue }
      let first = customer.ledger.firstPaidDay
      let last = customer.ledger.lastPaidDay
      let passed = rules.lifecycle.nextChange(firstPaidDay: first, lastPaidDay: last, after: dueDay + -1).map { $0 <= today } ?? false
      customer.dueDay = rules.lifecycle.nextChange(firstPaidDay: first, lastPaidDay: last, after: today)
      if passed { customer.version += 1 }
      changes.changedCustomers.append(customer)
      if passed { outcome.changed.append(customer) } else { changes.silentCustomers.insert(customer.id) }
    }
    if !changes.isEmpty { try store.write(changes) }
    return outcome
  }
}
