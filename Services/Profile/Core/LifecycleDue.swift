// Time alone moves a customer from one stage to the next (P-08) and sets and clears tags (P-10): what happens on the day it is due.
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
    let entries = try store.customersDue(by: today, max: count)
    var outcome = Outcome(next: entries.count < count ? today + 1 : today)
    var changes = ProfileChanges()
    changes.doneDueDays = entries
    let before = try store.lockCustomers(Set(entries.map(\.customer)).sorted()).filter { $0.mergedInto == nil && $0.dueDay.map { $0 <= today } ?? false }
    var due = before
    let owners = try Tagging.owners(of: due.map(\.id), &store)
    let nextTags = try Tagger(rules, today: today).settle(&due, owners: owners, &store)
    for (standing, var customer) in zip(before, due) {
      guard let dueDay = customer.dueDay else { continue }
      let first = customer.ledger.firstPaidDay
      let last = customer.ledger.lastPaidDay
      let passed = rules.lifecycle.nextChange(firstPaidDay: first, lastPaidDay: last, after: dueDay + -1).map { $0 <= today } ?? false
      let nextStage = rules.lifecycle.nextChange(firstPaidDay: first, lastPaidDay: last, after: today)
      customer.dueDay = [nextStage, nextTags[customer.id]].compactMap { $0 }.min()
      let isRetagged = customer.tags != standing.tags
      if passed || isRetagged { customer.version += 1 }
      if isRetagged { changes.tagChanges.append(TagChange(customer: customer.id, before: standing.tags, after: customer.tags)) }
      changes.changedCustomers.append(customer)
      if passed || isRetagged { outcome.changed.append(customer) } else { changes.silentCustomers.insert(customer.id) }
    }
    if !changes.isEmpty { try store.write(changes) }
    return outcome
  }
}
