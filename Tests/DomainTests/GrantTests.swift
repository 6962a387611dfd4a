// What the front line may give and who has to agree (K-08): limits that cannot be split, four eyes, the year's cap.
import Domain
import Testing

private let at = Instant(seconds: 1_796_004_000)

struct GrantTests {
  private static func staff() throws -> StaffRules {
    let name = LocalizedName(en: "name", zh: "名称")
    let ids = ["vip", "normal"].compactMap { TierID($0) }
    let ladder = try TierLadder(ids.map { Tier(id: $0, name: name, reviewMonths: 3) })
    let roles: [(String, StaffRole)] = [("An", .agent), ("Le", .teamLead), ("Ma", .manager), ("Mo", .manager), ("Di", .director)]
    return try StaffRules(
      version: 1, author: "t", ladder: ladder, named: [], needs: [], teams: [StaffTeam(id: "desk", name: name)],
      people: roles.map { StaffMember(name: $0.0, team: "desk", role: $0.1) },
      grants: try GrantRules(
        ladder: ladder, limits: [.agent: 50_00, .teamLead: 500_00, .manager: 5_000_00, .director: 5_000_00],
        yearly: [ids[0]: 20_000_00, ids[1]: 1_000_00], upgrades: [GrantRules.Upgrade(id: "express", name: name, minorUnits: 30_00)]))
  }

  private func ask(
    _ units: Int64, by name: String, ticket: Int64 = 0, year: Int64 = 0, _ tier: String = "vip", _ kind: GrantKind = .compensation
  ) throws -> Grant {
    let staff = try Self.staff()
    let grant = Grant(
      id: TicketID(number: 1), ticket: TicketID(number: 2), kind: kind, minorUnits: units, askedAt: at, asker: TicketActor(name, because: "late"))
    return try staff.grants.ask(
      grant, GivenBefore(ticketMinorUnits: ticket, yearMinorUnits: year), tier: try #require(TierID(tier)), staff: staff)
  }

  private func approve(_ grant: Grant, by name: String, ticket: Int64 = 0, year: Int64 = 0, _ tier: String = "vip") throws -> Grant {
    let staff = try Self.staff()
    return try staff.grants.approve(
      grant, by: TicketActor(name), at: at.adding(seconds: 60), GivenBefore(ticketMinorUnits: ticket, yearMinorUnits: year),
      tier: try #require(TierID(tier)), staff: staff)
  }

  @Test(arguments: [("An", 50_00), ("Le", 500_00), ("Ma", 5_000_00)] as [(String, Int64)])
  func upToTheLimitOfTheRoleItIsGivenAtOnceAndACentMoreIsAskedFor(name: String, limit: Int64) throws {
    let given = try ask(limit, by: name)
    #expect(given.state == .granted && given.decider == given.asker && given.decidedAt == at)
    if name != "Ma" {
      let asked = try ask(limit + 1, by: name)
      #expect(asked.state == .waiting && asked.decider == nil && asked.decidedAt == nil)
    } else {
      #expect(throws: GrantRefusal.beyondAnybody(minorUnits: 5_000_00)) { try ask(limit + 1, by: name) }
    }
  }

  @Test func aLimitCannotBeSplit() throws {
    #expect(try ask(20_00, by: "An", ticket: 30_00).state == .granted)
    #expect(try ask(20_01, by: "An", ticket: 30_00).state == .waiting)
    #expect(throws: GrantRefusal.beyondAnybody(minorUnits: 5_000_00)) { try ask(1, by: "An", ticket: 5_000_00) }
  }

  @Test func somebodyElseWhoMayAgrees() throws {
    let asked = try ask(400_00, by: "An")
    #expect(throws: GrantRefusal.ownRequest) { try approve(asked, by: "An") }
    let high = try ask(600_00, by: "An")
    #expect(throws: GrantRefusal.beyondLimit(minorUnits: 500_00)) { try approve(high, by: "Le") }
    #expect(throws: GrantRefusal.beyondLimit(minorUnits: 500_00)) { try approve(asked, by: "Le", ticket: 100_01) }
    #expect(throws: GrantRefusal.notStaff("Xu")) { try approve(asked, by: "Xu") }
    let given = try approve(asked, by: "Le", ticket: 100_00)
    #expect(given.state == .granted && given.decider?.name == "Le" && given.asker.name == "An" && given.decidedAt == at.adding(seconds: 60))
    #expect(throws: GrantRefusal.decided(.granted)) { try approve(given, by: "Ma") }
  }

  @Test func aRequestOfAManagerNeedsAnotherOne() throws {
    // What a ticket was given meanwhile lets even a manager's own request wait: then another pair of eyes is needed.
    let staff = try Self.staff()
    let waiting = Grant(
      id: TicketID(number: 1), ticket: TicketID(number: 2), kind: .compensation, minorUnits: 100, askedAt: at, asker: TicketActor("Ma"))
    #expect(throws: GrantRefusal.ownRequest) { try approve(waiting, by: "Ma") }
    #expect(throws: GrantRefusal.ownRequest) { try staff.grants.reject(waiting, by: TicketActor("Ma"), at: at, staff: staff) }
    let rejected = try staff.grants.reject(waiting, by: TicketActor("Le", because: "no"), at: at, staff: staff)
    #expect(rejected.state == .rejected && rejected.decider == TicketActor("Le", because: "no"))
    #expect(throws: GrantRefusal.decided(.rejected)) { try approve(rejected, by: "Mo") }
  }

  @Test func theYearsCapOfTheTierHoldsWhoeverGivesAndWhoeverAgrees() throws {
    #expect(try ask(100, by: "An", year: 999_00, "normal").state == .granted)
    #expect(throws: GrantRefusal.beyondYear(leftMinorUnits: 100)) { try ask(101, by: "An", year: 999_00, "normal") }
    #expect(try ask(101, by: "An", year: 999_00, "vip").state == .granted)
    let asked = try ask(400_00, by: "An", "normal")
    #expect(throws: GrantRefusal.beyondYear(leftMinorUnits: 399_99)) { try approve(asked, by: "Le", year: 600_01, "normal") }
    #expect(throws: GrantRefusal.beyondYear(leftMinorUnits: 0)) { try ask(1, by: "Di", year: 5_000_00, "normal") }
  }

  @Test func onlyPeopleOfTheFileGiveAndOnlyWhatThereIs() throws {
    #expect(throws: GrantRefusal.notStaff("Xu")) { try ask(1, by: "Xu") }
    #expect(throws: GrantRefusal.unknownUpgrade("gold")) { try ask(1, by: "An", "vip", .upgrade("gold")) }
    #expect(try ask(30_00, by: "An", "vip", .upgrade("express")).state == .granted)
    #expect(try ask(30_00, by: "An", ticket: 30_00, "vip", .upgrade("express")).state == .waiting, "upgrades count by their worth")
  }
}
