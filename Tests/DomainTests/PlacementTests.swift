// Whose a ticket becomes (K-07): by name, by team, by skill and load, with absences; the same arguments always give the same answer.
import Domain
import TestSupport
import Testing

private func tier(_ text: String) throws -> TierID { try #require(TierID(text)) }

private func ladder() throws -> TierLadder {
  let name = LocalizedName(en: "tier", zh: "等级")
  return try TierLadder(try ["vip", "key", "normal", "watch"].map { Tier(id: try tier($0), name: name, reviewMonths: 3) })
}

private func day(_ text: String) throws -> Day { try #require(Day(text)) }

/// Two teams: everything but faults goes to either, faults only to the second. Mo is the one manager of three years, Ma has one.
private func staff(_ change: ([StaffMember]) -> [StaffMember] = { $0 }) throws -> StaffRules {
  let name = LocalizedName(en: "team", zh: "团队")
  func person(_ name: String, _ team: String, _ role: StaffRole = .agent, _ skills: Set<String> = [], deputy: String? = nil, since: String? = nil) throws
    -> StaffMember
  { StaffMember(name: name, team: team, role: role, skills: skills, deputy: deputy, since: try since.map(day)) }
  let people = [
    try person("An", "east", deputy: "Bo"), try person("Bo", "east", deputy: "An"), try person("Cy", "west", .agent, ["technical"], since: "2024-01-01"),
    try person("Di", "west", since: "2026-01-01"), try person("Le", "west", .teamLead, ["technical"]),
    try person("Ma", "east", .manager, since: "2025-06-01"), try person("Mo", "west", .manager, deputy: "Ma", since: "2020-01-01"),
  ]
  return try StaffRules(
    version: 1, author: "t", ladder: try ladder(),
    named: [NamedService(tier: try tier("vip"), role: .manager, years: 3), NamedService(tier: try tier("key"), role: .agent, years: 1)],
    needs: [SkillNeed(kind: .fault, category: "网络", skill: "network"), SkillNeed(kind: .fault, skill: "technical")],
    teams: [StaffTeam(id: "east", name: name), StaffTeam(id: "west", name: name, skills: ["technical", "network"])], people: change(people),
    grants: try GrantRules(ladder: try ladder(), limits: [:], yearly: [:], upgrades: []))
}

struct PlacementTests {
  private func place(
    _ tierText: String, _ kind: ContactEvent.Kind? = .question, category: String = "", attendant: String = "", current: Placement = Placement(),
    away: Set<String> = [], people: [String: Int64] = [:], teams: [String: Int64] = [:], on today: String = "2026-11-30", _ rules: StaffRules? = nil
  ) throws -> PlacementChoice {
    let situation = StaffSituation(absent: away, people: people, teams: teams, today: try day(today))
    return try (rules ?? staff()).place(
      TicketSubject(kind: kind, category: category), tier: try tier(tierText), attendant: attendant, current: current, situation)
  }

  @Test func aVIPGoesToTheManagerWhoLooksAfterIt() throws {
    let choice = try place("vip", attendant: "Mo", people: ["Mo": 90])
    #expect(choice.place == Placement(owner: "Mo", team: "west") && choice.attendant == "Mo" && choice.reason == .named)
  }

  @Test func whoHasServedTooShortIsNotNamedYetAndIsOnTheDay() throws {
    #expect(try place("vip", attendant: "Ma").attendant == "Mo")
    #expect(try place("vip", attendant: "Ma", on: "2028-05-31").attendant == "Mo")
    #expect(try place("vip", attendant: "Ma", on: "2028-06-01").attendant == "Ma")
    // Without a first day nobody has years of service.
    #expect(try place("key", attendant: "An").attendant == "Cy")
  }

  @Test func aKeyCustomerGetsTheAgentWithTheLeastToDoAndKeepsTheOneWhoHasTheTicket() throws {
    #expect(try place("key", people: ["Cy": 3], on: "2027-02-01").place.owner == "Di")
    #expect(try place("key", people: ["Cy": 3, "Di": 3], on: "2027-02-01").place.owner == "Cy", "of two with the same the first by name")
    #expect(try place("key", current: Placement(owner: "Cy", team: "west"), people: ["Cy": 3], on: "2027-02-01").attendant == "Cy")
  }

  @Test func theDeputyCoversAndTheCustomerKeepsItsManager() throws {
    let covered = try place("vip", attendant: "Mo", away: ["Mo"])
    #expect(covered.place == Placement(owner: "Ma", team: "east") && covered.attendant == "Mo" && covered.reason == .covers("Mo"))
    let nobody = try place("vip", attendant: "Mo", away: ["Mo", "Ma"], teams: ["east": 1])
    #expect(nobody.place == Placement(owner: "Cy", team: "west") && nobody.attendant == "Mo" && nobody.reason == .covers("Mo"))
    #expect(try place("vip", attendant: "Mo", current: covered.place).place.owner == "Mo", "who is back gets it at the next occasion")
  }

  @Test func othersGoToTheTeamWithTheFewestOpenTicketsAndInItToWhoHasTheFewest() throws {
    #expect(try place("normal", people: ["Cy": 9], teams: ["east": 5, "west": 4]).place == Placement(owner: "Di", team: "west"))
    #expect(try place("normal", people: ["An": 1], teams: ["east": 4, "west": 4]).place == Placement(owner: "Bo", team: "east"))
    #expect(try place("watch", nil, teams: ["east": 4, "west": 4]).reason == .fewest)
  }

  @Test func whatNeedsASkillGoesOnlyWhereItIs() throws {
    #expect(try place("normal", .fault, teams: ["west": 1_000]).place == Placement(owner: "Cy", team: "west"))
    #expect(try place("normal", .fault, away: ["Cy"]).place.owner == "Le", "a team lead before nobody, nobody before somebody who does not know it")
    #expect(try place("normal", .fault, away: ["Cy", "Le"]).place == Placement(team: "west"))
    #expect(try place("normal", .fault, category: "网络").place == Placement(team: "west"), "the first line of the skills that fits holds")
  }

  @Test func whoMayKeepATicketKeepsItHoweverMuchThereIs() throws {
    let current = Placement(owner: "Bo", team: "east")
    #expect(try place("normal", current: current, people: ["Bo": 50], teams: ["east": 50]).reason == .stays)
    #expect(try place("normal", .fault, current: current).place.owner == "Cy", "without the skill it goes on")
    let covered = try place("normal", current: current, away: ["Bo"], people: ["An": 70], teams: ["east": 50])
    #expect(covered.place == Placement(owner: "An", team: "east") && covered.reason == .covers("Bo"))
  }

  @Test func deputiesInACircleWhoAreAllAwayEndTheSearch() throws {
    let choice = try place("normal", current: Placement(owner: "Bo", team: "east"), away: ["An", "Bo"])
    #expect(choice.place == Placement(team: "east"))
  }

  @Test func choicesDependOnNothingButTheirArguments() throws {
    var chance = Seeded(state: 7)
    let rules = try staff()
    for _ in 0..<2_000 {
      let people = Dictionary(uniqueKeysWithValues: rules.people.map { ($0.name, Int64.random(in: 0...3, using: &chance)) })
      let away = Set(rules.people.map(\.name).filter { _ in Int.random(in: 0...3, using: &chance) == 0 })
      let tiers = ["vip", "key", "normal", "watch"]
      let (named, kind) = (tiers.randomElement(using: &chance) ?? "vip", ContactEvent.Kind.allCases.randomElement(using: &chance))
      let shuffled = try staff { $0.shuffled(using: &chance) }
      let choice = try place(named, kind, away: away, people: people, rules)
      #expect(try place(named, kind, away: away, people: people, shuffled) == choice)
      #expect(!away.contains(choice.place.owner) && !choice.place.team.isEmpty)
      // Where it was put it stays as long as nothing changes.
      let again = try place(named, kind, attendant: choice.attendant ?? "", current: choice.place, away: away, people: people, rules)
      #expect(again.place == choice.place, "\(named) \(String(describing: kind)) \(away)")
    }
  }
}
