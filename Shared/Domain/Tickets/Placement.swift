// Whose a ticket becomes (K-07). Pure: who is away and how much everybody has are arguments; the same arguments give the same answer.

/// What a choice depends on beside the rules.
public struct StaffSituation: Hashable, Sendable {
  public var absent: Set<String>
  /// Open tickets of each person and of each team; none: 0.
  public var people: [String: Int64]
  public var teams: [String: Int64]
  public var today: Day

  public init(absent: Set<String> = [], people: [String: Int64] = [:], teams: [String: Int64] = [:], today: Day) {
    self.absent = absent
    self.people = people
    self.teams = teams
    self.today = today
  }

  /// An open ticket went from one to another; empty: nobody, no team.
  public mutating func move(_ from: Placement, to place: Placement) {
    if !from.owner.isEmpty { people[from.owner, default: 0] -= 1 }
    if !from.team.isEmpty { teams[from.team, default: 0] -= 1 }
    if !place.owner.isEmpty { people[place.owner, default: 0] += 1 }
    if !place.team.isEmpty { teams[place.team, default: 0] += 1 }
  }
}

/// With whom a ticket is.
public struct Placement: Hashable, Sendable {
  /// Empty: it lies in the team's queue.
  public var owner: String
  /// Empty: nobody has placed it yet.
  public var team: String

  public init(owner: String = "", team: String = "") {
    self.owner = owner
    self.team = team
  }
}

/// Where a ticket goes, and why.
public struct PlacementChoice: Hashable, Sendable {
  public enum Reason: Hashable, Sendable {
    /// The person who looks after the customer.
    case named
    /// In place of somebody who is away.
    case covers(String)
    /// The team, and in it the person, with the fewest open tickets.
    case fewest
    /// It is in good hands already.
    case stays

    public var words: String {
      switch self {
      case .named: "looks after the customer"
      case .covers(let name): "covers for \(name)"
      case .fewest: "fewest open tickets"
      case .stays: "stays"
      }
    }
  }

  public var place: Placement
  public var reason: Reason
  /// Who looks after the customer from now on; nil: nobody by name.
  public var attendant: String?
}

extension StaffRules {
  public func named(_ tier: TierID) -> NamedService? { named.first { $0.tier == tier } }

  /// Where a ticket belongs.
  ///
  /// - Parameters:
  ///   - tier: that it is served by.
  ///   - attendant: who looks after its customer so far; empty: nobody.
  ///   - current: with whom it is. Who may work on it keeps it.
  public func place(
    _ subject: TicketSubject, tier: TierID, attendant: String, current: Placement, _ situation: StaffSituation
  ) -> PlacementChoice {
    let needed = skill(for: subject)
    if let service = named(tier), let person = person(for: service, attendant, current.owner, situation) {
      if let choice = choice(for: person, current, situation) { return choice }
      var choice = teamChoice(tier, needed, current, situation)
      choice.attendant = person.name
      if choice.reason == .fewest { choice.reason = .covers(person.name) }
      return choice
    }
    return teamChoice(tier, needed, current, situation)
  }

  // MARK: - By name

  /// Who looks after the customer: who did so far, else who works on the ticket, if fit for it, else who has the least to do. Ties go by name.
  private func person(for service: NamedService, _ attendant: String, _ owner: String, _ situation: StaffSituation) -> StaffMember? {
    if let known = self[attendant], service.accepts(known, on: situation.today) { return known }
    if let known = self[owner], service.accepts(known, on: situation.today), !situation.absent.contains(owner) { return known }
    let fit = people.filter { service.accepts($0, on: situation.today) }
    return fewest(fit.filter { !situation.absent.contains($0.name) }, situation) ?? fewest(fit, situation)
  }

  /// The person, or whoever stands in; nil: all of them are away.
  private func choice(for person: StaffMember, _ current: Placement, _ situation: StaffSituation) -> PlacementChoice? {
    guard let present = present(person, situation) else { return nil }
    let place = Placement(owner: present.name, team: present.team)
    let reason: PlacementChoice.Reason = place == current ? .stays : present == person ? .named : .covers(person.name)
    return PlacementChoice(place: place, reason: reason, attendant: person.name)
  }

  /// The first who is there: the person, the deputy, the deputy's deputy. Deputies may stand in for each other in a circle.
  private func present(_ person: StaffMember, _ situation: StaffSituation) -> StaffMember? {
    var (next, seen): (StaffMember?, Set<String>) = (person, [])
    while let candidate = next, seen.insert(candidate.name).inserted {
      if !situation.absent.contains(candidate.name) { return candidate }
      next = candidate.deputy.flatMap { self[$0] }
    }
    return nil
  }

  // MARK: - By team

  private func teamChoice(_ tier: TierID, _ needed: String?, _ current: Placement, _ situation: StaffSituation) -> PlacementChoice {
    let fit = teams.filter { $0.serves(tier, needed) }
    let isAway = situation.absent.contains(current.owner)
    let mayStay = fit.contains { $0.id == current.team }
    if mayStay, let owner = self[current.owner], owner.team == current.team, owner.has(needed) {
      if !isAway { return PlacementChoice(place: current, reason: .stays) }
      if let deputy = present(owner, situation), deputy.has(needed) {
        return PlacementChoice(place: Placement(owner: deputy.name, team: deputy.team), reason: .covers(owner.name))
      }
    }
    let least = fit.min { (situation.teams[$0.id] ?? 0, $0.id) < (situation.teams[$1.id] ?? 0, $1.id) }
    guard let team = mayStay ? current.team : least?.id else { return PlacementChoice(place: current, reason: .stays) }
    // As long as the file names nobody, people are whoever they say they are.
    let next = people.isEmpty ? current.owner : owner(in: team, needed, situation)?.name ?? ""
    let place = Placement(owner: next, team: team)
    if place == current { return PlacementChoice(place: current, reason: .stays) }
    return PlacementChoice(place: place, reason: isAway ? .covers(current.owner) : .fewest)
  }

  /// An agent of the team who is there and knows what is needed, else a team lead.
  private func owner(in team: String, _ needed: String?, _ situation: StaffSituation) -> StaffMember? {
    let there = people.filter { $0.team == team && $0.has(needed) && !situation.absent.contains($0.name) }
    return fewest(there.filter { $0.role == .agent }, situation) ?? fewest(there.filter { $0.role == .teamLead }, situation)
  }

  private func fewest(_ people: [StaffMember], _ situation: StaffSituation) -> StaffMember? {
    people.min { (situation.people[$0.name] ?? 0, $0.name) < (situation.people[$1.name] ?? 0, $1.name) }
  }
}
