// The staff's file: what is shipped, a desk with people, and files with many things wrong (K-07, K-08).

import Documents
import Domain
import Testing

struct StaffDocumentTests {
  private static func ladder() throws -> TierLadder { try PolicyDocument.load("\(Repository.root)/deploy/policies.yaml").ladder }

  private func read(_ text: String) throws -> StaffRules {
    try StaffDocument.decode(Array(text.utf8), source: "s.yaml", ladder: try Self.ladder(), currency: .cny)
  }

  private func faults(_ text: String) throws -> [String] {
    let error = #expect(throws: DocumentFaults.self) { try read(text) }
    return error?.faults.map { "\($0.line) \($0.path): \($0.problem)" } ?? []
  }

  @Test func theShippedFileNamesNobodyAndServesVIPAndKeyByName() throws {
    let rules = try StaffDocument.decode(try DocumentFile.read("\(Repository.root)/deploy/staff.yaml"), source: "s", ladder: try Self.ladder(), currency: .cny)
    #expect(rules.people.isEmpty && rules.teams.map(\.id) == ["service-desk"] && !rules.hasChoice)
    #expect(rules.named.map { "\($0.tier) \($0.role.rawValue) \($0.years)" } == ["vip manager 3", "key agent 1"])
    #expect(StaffRole.allCases.map { rules.grants.limits[$0] } == [50_00, 500_00, 5_000_00, 50_000_00])
    #expect(rules.skill(for: TicketSubject(kind: .fault)) == "technical" && rules.skill(for: TicketSubject()) == nil)
  }

  /// The example of docs/tickets.md is a file that is taken.
  @Test func theDocumentsExampleIsRead() throws {
    let text = String(decoding: try DocumentFile.read("\(Repository.root)/docs/tickets.md"), as: UTF8.self)
    let start = try #require(text.firstRange(of: "    staff: 1 ")).lowerBound
    let end = try #require(text[start...].firstRange(of: "    end: true\n")).upperBound
    let example = text[start..<end].split(separator: "\n", omittingEmptySubsequences: false).map { $0.dropFirst(4) }.joined(separator: "\n")
    let rules = try read(example)
    #expect(rules["Wang Fang"]?.deputy == "李娜" && rules["李娜"]?.since == Day("2021-03-01"))
    #expect(rules.team("technical")?.tiers == nil && rules.hasChoice)
  }

  private static let grants = "grants: {limits: {agent: 1, team_lead: 1, manager: 1, director: 1}, yearly: {vip: 1, key: 1, normal: 1, watch: 1}, upgrades: []}"

  private func file(
    named: String = "named: []", skills: String = "skills: []", teams: String, people: String = "people: []",
    grants: String = StaffDocumentTests.grants
  ) -> String { "staff: 1\nauthor: me\n\(named)\n\(skills)\n\(teams)\n\(people)\n\(grants)\nend: true\n" }
  private static let desk = "teams:\n  - {id: desk, name: {en: d, zh: d}}"

  @Test func everyTicketMustHaveATeamToGoTo() throws {
    let teams = "teams:\n  - {id: a, tiers: [vip, key], name: {en: a, zh: a}}\n  - {id: b, tiers: [normal], skills: [tech], name: {en: b, zh: b}}"
    let problems = try faults(file(skills: "skills:\n  - {kind: fault, skill: tech}", teams: teams))
    #expect(
      problems == [
        "6 teams: no team serves `key` with the skill `tech`", "6 teams: no team serves `vip` with the skill `tech`",
        "6 teams: no team serves `watch`", "6 teams: no team serves `watch` with the skill `tech`",
      ])
  }

  @Test func everyFaultIsToldWithItsLine() throws {
    let people = """
      people:
        - {name: A, team: desk, role: agent, deputy: A}
        - {name: A, team: none, role: boss}
        - {name: B, team: none, role: agent, deputy: Z, since: soon}
      """
    #expect(
      try faults(file(named: "named:\n  - {tier: gold, role: agent, years: 1}", teams: Self.desk, people: people)) == [
        "4 named[0].tier: one of vip, key, normal, watch is needed here", "10 people[1].role: one of agent, team_lead, manager, director is needed here",
        "11 people[2].since: a day is needed here, as 2021-03-01",
      ])
    let whole = people.replacing("boss", with: "agent").replacing(", since: soon", with: "")
    #expect(
      try faults(file(named: "named:\n  - {tier: vip, role: agent, years: 1}\n  - {tier: vip, role: manager, years: 1}", teams: Self.desk, people: whole)) == [
        "5 named[1].tier: `vip` is listed already", "10 people[0].deputy: nobody stands in for themselves", "11 people[1].name: `A` is listed already",
        "11 people[1].team: there is no team `none`", "12 people[2].team: there is no team `none`", "12 people[2].deputy: there is nobody named `Z`",
      ])
  }

  @Test func amountsAreExactAndLimitsGrowWithTheRole() throws {
    func problems(_ from: String, _ to: String) throws -> [String] {
      try faults(file(teams: Self.desk, grants: Self.grants.replacing(from, with: to))).map { String($0.drop { $0 != "g" }) }
    }
    #expect(try problems("agent: 1", "agent: 0.005").first == "grants.limits.agent: an amount of CNY is needed here, not negative and with at most 2 decimals")
    #expect(try problems("watch: 1", "watch: -1").first?.hasPrefix("grants.yearly.watch: an amount of CNY") == true)
    #expect(
      try problems("team_lead: 1", "team_lead: 0.5") == [
        "grants.limits.team_lead: must not be less than what agent may give"
      ])
    #expect(try problems("watch: 1}", "watch: 1, gold: 1}").first?.hasPrefix("grants.yearly.gold: unknown key") == true)
    #expect(try read(file(teams: Self.desk, grants: Self.grants.replacing("agent: 1", with: "agent: 0.99"))).grants.limits[.agent] == 99)
  }
}
