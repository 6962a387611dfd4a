// The spot check (K-11): a tenth of each tier, drawn so that anybody can draw it again, and what a result needs.
import Domain
import TestSupport
import Testing

struct SpotCheckTests {
  private static func tickets(_ count: Int, from first: Int64 = 1) -> [TicketID] { (0..<Int64(count)).map { TicketID(number: first + $0 * 7_919) } }

  private func draw(_ seed: UInt64, _ strata: [(TierID?, [TicketID])]) -> [SpotDraw.Stratum] {
    var draw = SpotDraw(seed: seed)
    for (tier, tickets) in strata { for ticket in tickets { draw.add(ticket, tier) } }
    return draw.result
  }

  @Test(arguments: [(1, 1), (9, 1), (10, 1), (11, 2), (100, 10), (101, 11), (1_000, 100)])
  func aTenthOfEachTierIsDrawnAndAtLeastOne(population: Int, drawn: Int) throws {
    let (vip, normal) = (TierID("vip"), TierID("normal"))
    let strata = draw(7, [(normal, Self.tickets(population)), (vip, Self.tickets(25, from: 2)), (nil, Self.tickets(3, from: 3))])
    #expect(strata.map(\.tier) == [normal, vip, nil] && strata.map(\.population) == [population, 25, 3] && strata.map(\.drawn.count) == [drawn, 3, 1])
    for stratum in strata { #expect(Set(stratum.drawn).count == stratum.drawn.count && stratum.drawn == stratum.drawn.sorted()) }
  }

  @Test func theSameSeedDrawsTheSameInWhateverOrderTicketsComeAndAnotherSeedDrawsOthers() {
    let tickets = Self.tickets(500)
    var chance = Seeded(state: 11)
    let first = draw(42, [(nil, tickets)])
    for _ in 0..<5 { #expect(draw(42, [(nil, tickets.shuffled(using: &chance))]) == first) }
    #expect(draw(43, [(nil, tickets)]) != first)
  }

  @Test func everyTicketIsDrawnAboutEquallyOften() {
    let tickets = Self.tickets(50)
    var times: [TicketID: Int] = [:]
    for seed in 0..<4_000 { for ticket in draw(UInt64(seed), [(nil, tickets)]).flatMap(\.drawn) { times[ticket, default: 0] += 1 } }
    // 400 are expected of each; ten standard deviations of a fair draw are 190.
    for ticket in tickets { #expect((210...590).contains(times[ticket] ?? 0), "\(ticket): \(times[ticket] ?? 0)") }
  }

  private static let checklist = ["polite", "complete"].map { DeskRules.Code(id: $0, name: LocalizedName(en: $0, zh: $0)) }

  private func result(_ marks: [String: SpotMark], by checker: String = "Wu") throws -> SpotResult {
    try SpotResult(
      marks, note: "", by: TicketActor(checker), at: Instant(seconds: 0), checklist: Self.checklist, owner: "An")
  }

  @Test func aResultHasAMarkForEachPointAndPassesIfNothingFailed() throws {
    #expect(try result(["polite": .pass, "complete": .none]).isPassed)
    #expect(try !result(["polite": .pass, "complete": .fail]).isPassed)
    #expect(throws: SpotRefusal.missing("complete")) { try result(["polite": .pass]) }
    #expect(throws: SpotRefusal.unknown("fast")) { try result(["polite": .pass, "complete": .pass, "fast": .pass]) }
    #expect(throws: SpotRefusal.nothingFound) { try result(["polite": .none, "complete": .none]) }
  }

  @Test func nobodyChecksTheirOwnWork() throws {
    #expect(throws: SpotRefusal.ownWork) { try result(["polite": .pass, "complete": .pass], by: "An") }
  }
}
