// The rules that tickets are worked by.
public import Domain

public struct TicketRules: Sendable {
  public var book: ServiceRuleBook
  public var desk: DeskRules
  public var staff: StaffRules
  /// What days, months and years are counted in.
  public var zone: BusinessZone

  public init(book: ServiceRuleBook, desk: DeskRules, staff: StaffRules, zone: BusinessZone) {
    self.book = book
    self.desk = desk
    self.staff = staff
    self.zone = zone
  }

  var ladder: EscalationLadder { desk.ladder }

  /// When a resolved ticket closes by itself.
  func closesAt(_ ticket: Ticket) -> Instant? {
    ticket.state == .resolved ? ticket.resolvedAt?.adding(seconds: desk.closeAfterSeconds) : nil
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
