// Compensation and upgrades for a ticket's customer (K-08), written with a line of the ticket's history. Whoever comes here holds the customer's row and
// the ticket's: two grants at once do not both slip under the cap.
public import Domain
import Text

public enum GrantDesk {
  /// Gives something, or asks for it.
  ///
  /// - Parameters:
  ///   - number: of the grant; made of the ticket and its version, so that each state of a ticket is granted on once.
  ///   - known: the ticket's customer, locked.
  public static func ask(
    _ number: TicketID, _ kind: GrantKind, minorUnits: Int64?, by actor: TicketActor, for record: TicketRecord, of known: KnownTier,
    _ store: inout some TicketStore, rules: TicketRules, at now: Instant
  ) throws -> (record: TicketRecord, grant: Grant) {
    if let other = record.ticket.mergedInto { throw TicketRefusal.isMerged(into: other) }
    let at = max(now, record.ticket.lastStepAt)
    var worth = minorUnits ?? 0
    if case .upgrade(let id) = kind {
      guard let upgrade = rules.staff.grants.upgrade(id) else { throw GrantRefusal.unknownUpgrade(id) }
      worth = upgrade.minorUnits
    }
    let asked = Grant(id: number, ticket: record.id, kind: kind, minorUnits: worth, askedAt: at, asker: actor)
    let before = try before(record, known, &store, rules, at)
    let grant = try rules.staff.grants.ask(asked, before, tier: rules.served(known.tier), staff: rules.staff)
    return (try write(grant, grant.state == .granted ? .granted : .grantAsked, actor, record, &store, rules, at), grant)
  }

  /// Agrees to what somebody else asked for, or does not.
  public static func decide(
    _ grant: Grant, isApproved: Bool, by actor: TicketActor, for record: TicketRecord, of known: KnownTier, _ store: inout some TicketStore,
    rules: TicketRules, at now: Instant
  ) throws -> Grant {
    let at = max(now, record.ticket.lastStepAt, grant.askedAt)
    let decided: Grant
    if isApproved {
      let before = try before(record, known, &store, rules, at)
      decided = try rules.staff.grants.approve(grant, by: actor, at: at, before, tier: rules.served(known.tier), staff: rules.staff)
    } else {
      decided = try rules.staff.grants.reject(grant, by: actor, at: at, staff: rules.staff)
    }
    _ = try write(decided, isApproved ? .granted : .grantRejected, actor, record, &store, rules, at)
    return decided
  }

  private static func before(
    _ record: TicketRecord, _ known: KnownTier, _ store: inout some TicketStore, _ rules: TicketRules, _ at: Instant
  ) throws -> GivenBefore {
    let year = rules.year(of: at)
    return try store.given(for: record.id, to: known.customer, from: year.from, until: year.until)
  }

  private static func write(
    _ grant: Grant, _ kind: TicketEvent.Kind, _ actor: TicketActor, _ record: TicketRecord, _ store: inout some TicketStore, _ rules: TicketRules,
    _ at: Instant
  ) throws -> TicketRecord {
    var record = record
    record.version += 1
    record.events += 1
    let state = record.ticket.state
    let amount = "\(MinorUnits.text(grant.minorUnits, digits: rules.currency.minorDigits)) \(rules.currency)"
    let words = if case .upgrade(let id) = grant.kind { "upgrade \(id) \(amount)" } else { "compensation \(amount)" }
    var changes = TicketChanges()
    changes.changed = [record]
    changes.events = [(record.id, TicketEvent(kind, at: at, by: actor, before: state, after: state, text: words))]
    changes.grants = [grant]
    try store.write(changes, rules)
    return record
  }
}
