// Who is on call (K-05): overlaps by hand, and drawn rosters against looking at every shift.

import Domain
import TestSupport
import Testing

struct OnCallRosterTests {
  private static func shift(_ person: String, _ from: Int64, _ until: Int64) -> OnCallShift {
    OnCallShift(person: person, from: Instant(seconds: from), until: Instant(seconds: until))
  }
  private static func words(_ roster: OnCallRoster) -> [String] {
    roster.stretches.map { "\($0.person) \($0.from.microseconds / 1_000_000) \($0.until.microseconds / 1_000_000)" }
  }

  @Test("Of shifts that overlap the one that began last holds, and the other goes on behind it")
  func overlaps() {
    let roster = OnCallRoster([Self.shift("Bo", 20, 30), Self.shift("An", 0, 50), Self.shift("Cy", 20, 25), Self.shift("An", 50, 60), Self.shift("Di", 9, 9)])
    #expect(Self.words(roster) == ["An 0 20", "Cy 20 25", "Bo 25 30", "An 30 60"])
    #expect(roster.person(at: Instant(seconds: -1)) == nil && roster.person(at: Instant(seconds: 60)) == nil)
    #expect(roster.person(at: Instant(seconds: 0)) == "An" && roster.person(at: Instant(seconds: 20)) == "Cy")
    #expect(roster.next(after: Instant(seconds: 20))?.person == "Bo" && roster.next(after: Instant(seconds: 30)) == nil)
    #expect(OnCallRoster([]).person(at: Instant(seconds: 0)) == nil)
  }

  @Test("2,000 drawn rosters say at every moment what looking at all their shifts says")
  func drawn() {
    var numbers = Seeded(state: 5)
    for round in 0..<2_000 {
      let shifts = (0..<Int.random(in: 0...12, using: &numbers)).map { _ in
        let from = Int64.random(in: 0...40, using: &numbers)
        return Self.shift(["An", "Bo", "Cy"].randomElement(using: &numbers) ?? "", from, from + Int64.random(in: 0...20, using: &numbers))
      }
      let roster = OnCallRoster(shifts)
      for second in -1...62 as ClosedRange<Int64> {
        let moment = Instant(seconds: second)
        let latest = shifts.enumerated().filter { $0.element.from <= moment && moment < $0.element.until }
          .max { ($0.element.from, $0.offset) < ($1.element.from, $1.offset) }
        #expect(roster.person(at: moment) == latest?.element.person, "round \(round), second \(second)")
        #expect(roster.next(after: moment) == roster.stretches.first { $0.from > moment })
      }
      for (one, next) in zip(roster.stretches, roster.stretches.dropFirst()) {
        #expect(one.until < next.from || (one.until == next.from && one.person != next.person), "round \(round)")
      }
    }
  }
}
