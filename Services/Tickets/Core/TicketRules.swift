// The rules that tickets are worked by.
public import Domain

public struct TicketRules: Sendable {
  public var book: ServiceRuleBook
  public var desk: DeskRules
  public var staff: StaffRules
  /// By team; most have none.
  public var rosters: [String: OnCallRoster]
  /// What days, months and years are counted in.
  public var zone: BusinessZone

  /// What amounts are in.
  public var currency: Currency

  public init(book: ServiceRuleBook, desk: DeskRules, staff: StaffRules, rosters: [String: OnCallRoster] = [:], zone: BusinessZone, currency: Currency) {
    self.book = book
    self.desk = desk
    self.staff = staff
    self.rosters = rosters
    self.zone = zone
    self.currency = currency
  }

  var ladder: EscalationLadder { desk.ladder }

  /// The tier that a customer is served by, also one that is not known.
  public func served(_ tier: TierID?) -> TierID {
    let ladder = book.standards.ladder
    return tier.flatMap { ladder[$0]?.id } ?? Ticket.tier(unknown: ladder)
  }

  /// Who is on call for a step that a clock of the ticket reached at a moment (K-05). The owner's own step is nobody else's, unless nobody owns the ticket.
  public func onCall(_ step: LadderStep, of record: TicketRecord, at moment: Instant) -> String? {
    step.role == .owner && !record.owner.isEmpty ? nil : rosters[record.team]?.person(at: moment)
  }

  /// The calendar year of a moment, from its first moment to that of the next.
  public func year(of moment: Instant) -> (from: Instant, until: Instant, number: Int) {
    let number = zone.day(of: moment).civil.year
    func start(_ year: Int) -> Instant { zone.startOfDay(Day(year: min(max(year, 1), 9999), month: 1, day: 1) ?? zone.day(of: moment)) }
    return (start(number), start(number + 1), number)
  }

  /// When a resolved ticket closes by itself: not before its work is accepted.
  func closesAt(_ ticket: Ticket) -> Instant? {
    guard ticket.state == .resolved, !ticket.isAcceptanceAwaited, let at = ticket.resolvedAt?.adding(seconds: desk.closeAfterSeconds) else { return nil }
    return max(at, ticket.acceptance?.accepted?.at ?? at)
  }

  /// When time alone next brings something to a ticket.
  public func nextMoment(_ ticket: Ticket) -> Instant? {
    [ticket.nextMoment(book, ladder), closesAt(ticket)].compactMap(\.self).min()
  }

  /// Brings a ticket to a moment: steps of the ladder, and the closing of what was resolved long enough.
  func pass(_ ticket: inout Ticket, to now: Instant) -> [TicketEvent] {
    var events = ticket.pass(to: now, book, ladder)
    if let at = closesAt(ticket), at <= now, let closed = try? ticket.take(.close, by: .system, at: at, rules: book, ladder: ladder) { events += closed }
    return events
  }
}
