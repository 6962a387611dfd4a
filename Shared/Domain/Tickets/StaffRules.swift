// Who works on tickets (K-07) and what they may give (K-08): people, teams, skills, who looks after customers, limits. Data, one file, one version.

/// What somebody is at the desk.
public enum StaffRole: String, Hashable, Sendable, CaseIterable {
  case agent
  case teamLead = "team_lead"
  case manager, director

  public var name: LocalizedName {
    switch self {
    case .agent: LocalizedName(en: "agent", zh: "客服")
    case .teamLead: LocalizedName(en: "team lead", zh: "组长")
    case .manager: LocalizedName(en: "manager", zh: "经理")
    case .director: LocalizedName(en: "director", zh: "总监")
    }
  }
}

public struct StaffTeam: Hashable, Sendable {
  public let id: String
  public let name: LocalizedName
  /// The tiers it serves; nil: all.
  public let tiers: Set<TierID>?
  /// The skills that its people have between them.
  public let skills: Set<String>

  public init(id: String, name: LocalizedName, tiers: Set<TierID>? = nil, skills: Set<String> = []) {
    self.id = id
    self.name = name
    self.tiers = tiers
    self.skills = skills
  }

  func serves(_ tier: TierID, _ skill: String?) -> Bool { (tiers?.contains(tier) ?? true) && (skill.map(skills.contains) ?? true) }
}

/// A person, known by the name that stands in histories.
public struct StaffMember: Hashable, Sendable {
  public let name: String
  public let team: String
  public let role: StaffRole
  public let skills: Set<String>
  /// Who takes over while this one is away.
  public let deputy: String?
  /// The first day at the desk: years of service count from it.
  public let since: Day?

  public init(name: String, team: String, role: StaffRole, skills: Set<String> = [], deputy: String? = nil, since: Day? = nil) {
    self.name = name
    self.team = team
    self.role = role
    self.skills = skills
    self.deputy = deputy
    self.since = since
  }

  func has(_ skill: String?) -> Bool { skill.map(skills.contains) ?? true }
}

/// What a ticket needs somebody to know; of several that fit, the first holds.
public struct SkillNeed: Hashable, Sendable {
  /// nil: whatever the kind.
  public let kind: ContactEvent.Kind?
  /// nil: whatever the category.
  public let category: String?
  public let skill: String

  public init(kind: ContactEvent.Kind? = nil, category: String? = nil, skill: String) {
    self.kind = kind
    self.category = category
    self.skill = skill
  }

  func fits(_ subject: TicketSubject) -> Bool {
    (kind.map { $0 == subject.kind ?? ServiceStandards.kindDefault } ?? true) && (category.map { $0 == subject.category } ?? true)
  }
}

/// Customers of a tier have one person who looks after them.
public struct NamedService: Hashable, Sendable {
  public let tier: TierID
  public let role: StaffRole
  /// Years of service that the person has at least.
  public let years: Int

  public init(tier: TierID, role: StaffRole, years: Int) {
    self.tier = tier
    self.role = role
    self.years = years
  }

  public func accepts(_ person: StaffMember, on day: Day) -> Bool {
    guard person.role == role else { return false }
    return years == 0 || person.since.map { $0.adding(months: years * 12) <= day } ?? false
  }
}

public struct StaffRules: Hashable, Sendable {
  public let version: Int
  public let author: String
  public let named: [NamedService]
  public let needs: [SkillNeed]
  public let teams: [StaffTeam]
  public let people: [StaffMember]
  public let grants: GrantRules
  private let places: [String: Int]

  public static let teamsMax = 200
  public static let peopleMax = 2_000
  public static let needsMax = 200
  public static let yearsMax = 50
  public static let codeBytesMax = 64
  /// Characters of a person's name, as of everybody who does something.
  public static let nameMax = 100

  public init(
    version: Int, author: String, ladder: TierLadder, named: [NamedService], needs: [SkillNeed], teams: [StaffTeam], people: [StaffMember],
    grants: GrantRules
  ) throws(ConfigurationFaults) {
    var faults = StaffRules.faults(ladder, named, needs, teams)
    faults += StaffRules.faults(people, teams)
    guard faults.isEmpty else { throw ConfigurationFaults(faults) }
    self.version = version
    self.author = author
    self.named = named
    self.needs = needs
    self.teams = teams
    self.people = people
    self.grants = grants
    places = Dictionary(people.enumerated().map { ($0.element.name, $0.offset) }) { first, _ in first }
  }

  public subscript(name: String) -> StaffMember? { places[name].map { people[$0] } }
  public func team(_ id: String) -> StaffTeam? { teams.first { $0.id == id } }

  /// Whether there is anything to choose for a ticket.
  public var hasChoice: Bool { !people.isEmpty || teams.count > 1 }

  public func skill(for subject: TicketSubject) -> String? { needs.first { $0.fits(subject) }?.skill }

  // MARK: - What a file may say

  private static func faults(_ ladder: TierLadder, _ named: [NamedService], _ needs: [SkillNeed], _ teams: [StaffTeam]) -> [ConfigurationFault] {
    var faults: [ConfigurationFault] = []
    func add(_ path: String, _ problem: String) { faults.append(ConfigurationFault(path: path, problem: problem)) }
    for (place, entry) in named.enumerated() where named[..<place].contains(where: { $0.tier == entry.tier }) {
      add("named[\(place)].tier", "`\(entry.tier)` is listed already")
    }
    if needs.count > needsMax { add("skills", "at most \(needsMax), not \(needs.count)") }
    for (place, need) in needs.enumerated() where !isSlug(need.skill, bytesMax: codeBytesMax) {
      add("skills[\(place)].skill", "small letters, digits and hyphens, at most \(codeBytesMax)")
    }
    if teams.isEmpty || teams.count > teamsMax { add("teams", "from 1 to \(teamsMax) are needed, not \(teams.count)") }
    for (place, team) in teams.enumerated() {
      if !isSlug(team.id, bytesMax: codeBytesMax) { add("teams[\(place)].id", "small letters, digits and hyphens, at most \(codeBytesMax)") }
      if teams[..<place].contains(where: { $0.id == team.id }) { add("teams[\(place)].id", "`\(team.id)` is listed already") }
    }
    // Every ticket has a team to go to, whatever it is about and whoever is away.
    for tier in ladder.tiers {
      for skill in [nil] + Set(needs.map(\.skill)).sorted().map(Optional.some) where !teams.contains(where: { $0.serves(tier.id, skill) }) {
        add("teams", "no team serves `\(tier.id)`" + (skill.map { " with the skill `\($0)`" } ?? ""))
      }
    }
    return faults
  }

  private static func faults(_ people: [StaffMember], _ teams: [StaffTeam]) -> [ConfigurationFault] {
    var faults: [ConfigurationFault] = []
    func add(_ path: String, _ problem: String) { faults.append(ConfigurationFault(path: path, problem: problem)) }
    if people.count > peopleMax { add("people", "at most \(peopleMax), not \(people.count)") }
    var names: Set<String> = []
    for (place, person) in people.enumerated() {
      let path = "people[\(place)]"
      if !names.insert(person.name).inserted { add("\(path).name", "`\(person.name)` is listed already") }
      if person.name.unicodeScalars.count > nameMax || person.name.allSatisfy(\.isWhitespace) {
        add("\(path).name", "a name of at most \(nameMax) characters is needed")
      }
      if !teams.contains(where: { $0.id == person.team }) { add("\(path).team", "there is no team `\(person.team)`") }
    }
    for (place, person) in people.enumerated() {
      guard let deputy = person.deputy else { continue }
      if deputy == person.name { add("people[\(place)].deputy", "nobody stands in for themselves") }
      if !names.contains(deputy) { add("people[\(place)].deputy", "there is nobody named `\(deputy)`") }
    }
    return faults
  }
}
