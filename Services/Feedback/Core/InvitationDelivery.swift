// What is heard of bringing invitations to their customers (E-05): one that did not arrive was no contact, and is neither counted as sent nor reminded of.
public import Contracts
public import Domain

/// The newest that is known of it.
public struct InvitationDelivery: Hashable, Sendable {
  public let result: DeliveryOutcome.Result
  public let at: Instant
  /// A word; empty where the result says it all.
  public let reason: String

  public init(_ result: DeliveryOutcome.Result, at: Instant, reason: String = "") {
    self.result = result
    self.at = at
    self.reason = reason
  }

  public var hasFailed: Bool {
    switch result {
    case .bounced, .undeliverable: true
    case .accepted, .delivered, .opened: false
    }
  }

  /// Of two at the same moment the one that says more.
  func isNewer(than other: InvitationDelivery?) -> Bool {
    guard let other else { return true }
    return (at, rank) > (other.at, other.rank)
  }

  private var rank: Int {
    switch result {
    case .accepted: 0
    case .delivered: 1
    case .opened: 2
    case .bounced: 3
    case .undeliverable: 4
    }
  }
}

extension AskingDesk {
  /// Takes in what became of invitations. Of reminders nothing is kept: the invitation arrived before. Outcomes that came before change nothing, and the
  /// newest counts, in whatever order they come. Returns how many did not arrive.
  @discardableResult
  public static func delivered(_ outcomes: [DeliveryOutcome], _ store: inout some AskingStore, at now: Instant) throws -> Int {
    var newest: [InvitationID: InvitationDelivery] = [:]
    for outcome in outcomes where outcome.kind == .invitation {
      let (id, delivery) = (InvitationID(number: outcome.invitation.number), InvitationDelivery(outcome.result, at: outcome.at, reason: outcome.reason))
      if delivery.isNewer(than: newest[id]) { newest[id] = delivery }
    }
    let ids = newest.keys.sorted()
    guard !ids.isEmpty else { return 0 }
    // The budget of a customer changes: it is held, as everybody does who changes it.
    _ = try store.lockTiers(of: Set(try store.peek(ids).map(\.customer)).sorted())
    var (changed, lost, arrived): ([Invitation], [Invitation], [Invitation]) = ([], [], [])
    for var invitation in try store.lock(ids) {
      guard let delivery = newest[invitation.id], delivery.isNewer(than: invitation.delivery), invitation.sentAt != nil else { continue }
      let hadFailed = invitation.delivery?.hasFailed == true
      invitation.delivery = delivery
      changed.append(invitation)
      if delivery.hasFailed, !hadFailed, invitation.openedAt == nil { lost.append(invitation) }
      if !delivery.hasFailed, hadFailed { arrived.append(invitation) }
    }
    try store.update(changed)
    try store.forgetContacts(lost.map(\.id))
    for invitation in arrived { try store.noteContacts([invitation], at: invitation.delivery?.at ?? now) }
    return lost.count
  }
}
