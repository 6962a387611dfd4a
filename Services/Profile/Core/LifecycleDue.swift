// Time alone moves a customer from one stage to the next (P-08): what happens on the day it is due.
public import Domain

public enum LifecycleDue {
  /// What came of it: customers whose snapshot changed, and when each of those asked about is due next.
  public struct Outcome: Sendable {
    public var changed: [Customer] = []
    public var next: [CustomerID: Day] = [:]
  }

  /// Customers may be asked about too early: orders move the border away without anyone rescheduling. Then only the day changes.
  public static func apply(_ ids: [CustomerID], to store: inout some ProfileStore, rules: ProfileRules, at now: Instant) throws -> Outcome {
    let today = rules.zone.day(of: now)
    var outcome = Outcome()
    var changes = ProfileChanges()
    for var customer in try store.lockCustomers(ids.sorted()) where customer.mergedInto == nil {
      guard let dueDay = customer.dueDay else { continue }
      let first = customer.ledger.firstPaidDay
      let last = customer.ledger.lastPaidDay
      let passed = rules.lifecycle.nextChange(firstPaidDay: first, lastPaidDay: last, after: dueDay + -1).map { $0 <= today } ?? false
      customer.dueDay = rules.lifecycle.nextChange(firstPaidDay: first, lastPaidDay: last, after: today)
      if passed { customer.version += 1 }
      outcome.next[customer.id] = customer.dueDay
      changes.changedCustomers.append(customer)
      if passed { outcome.changed.append(customer) }
    }
    if !changes.isEmpty { try store.write(changes) }
    return outcome
  }
}
