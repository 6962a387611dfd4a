// The state of a customer as others see it.
public import Contracts
public import Domain

extension Customer {
  /// The snapshot of this state on a day.
  public func snapshot(rules: ProfileRules, currency: Currency, on day: Day) -> ProfileSnapshot {
    ProfileSnapshot(
      customer: id, version: version, asOf: day, mergedInto: mergedInto, memberID: memberID, firstSeenAt: firstSeenAt,
      stage: rules.lifecycle.stage(firstPaidDay: ledger.firstPaidDay, lastPaidDay: ledger.lastPaidDay, at: day),
      industry: attributes[.industry], tags: tags.all, lastInteractionDay: lastInteractionDay, currency: currency, ledger: ledger)
  }
}
