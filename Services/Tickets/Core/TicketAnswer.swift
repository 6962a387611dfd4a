// What a customer said of how a ticket was solved (K-13).
public import Contracts
public import Domain

/// A CSAT answer that names a ticket.
public struct TicketAnswer: Hashable, Sendable {
  /// Made of identity, source and event id: the same answer has the same number whenever it comes.
  public let number: Int64
  public let ticket: TicketID
  public let score: Int64
  public let at: Instant

  /// nil for an answer to another metric, or about no ticket of this service.
  public init?(_ content: CustomerAnswer, number: Int64) {
    guard content.answer.metric == .csat, let ticket = content.answer.ticketID.flatMap({ TicketID($0) }) else { return nil }
    self.number = number
    self.ticket = ticket
    score = content.answer.score
    at = content.answer.occurredAt
  }
}
