// Whose tickets somebody works on: their own and their team's.
public import TicketsCore

/// The tickets that somebody sees who may not see all.
public struct TicketReach: Hashable, Sendable {
  public let owner: String
  /// nil: of no team that the staff's file knows.
  public let team: String?

  public init(owner: String, team: String?) {
    self.owner = owner
    self.team = team
  }

  public func holds(_ record: TicketRecord) -> Bool { record.owner == owner || (team != nil && record.team == team) }
}
