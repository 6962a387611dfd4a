// Messages that are wanted no longer: the customer wants no surveys, or has answered already (F-02). Whoever sends is told once, and lets be what was not
// handed over yet.
public import Contracts
public import Domain

extension Invitation {
  /// Whoever sends may still have it, or its reminder, in hand: one that arrived is over, one that failed may be tried once more.
  func isUnderWay(at now: Instant) -> Bool {
    guard plan != nil, sentAt != nil, withdrawnAt == nil, now < expiresAt else { return false }
    return remindedAt != nil || delivery?.hasFailed ?? true
  }

  /// Nil when there is nothing to be called back.
  mutating func withdraw(because reason: SurveyWithdrawal.Reason, at now: Instant) -> SurveyWithdrawal? {
    guard isUnderWay(at: now) else { return nil }
    withdrawnAt = now
    return SurveyWithdrawal(invitation: CustomerID(number: id.number), customer: customer, reason: reason, at: now)
  }
}

extension AskingDesk {
  /// Calls back what is under way to those of these customers, or of those who stand for them by now, who want no surveys.
  public static func withdraw(from customers: [CustomerID], _ store: inout some AskingStore, at now: Instant) throws -> [SurveyWithdrawal] {
    // Whoever is about to send holds the customer: it is all there, or finds that nothing is wanted.
    let held = try Held(customers, &store, at: now)
    let unwilling = try store.optedOut(Set(held.owners.values).sorted())
    var (withdrawals, changed): ([SurveyWithdrawal], [Invitation]) = ([], [])
    for var invitation in try store.lockSent(to: unwilling.sorted(), at: now) {
      guard let withdrawal = invitation.withdraw(because: .optedOut, at: now) else { continue }
      withdrawals.append(withdrawal)
      changed.append(invitation)
    }
    try store.update(changed)
    return withdrawals
  }
}
