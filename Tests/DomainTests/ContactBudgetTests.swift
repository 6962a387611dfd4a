// How often one customer may be asked (F-02): known answers, and what holds for whatever comes.
import Domain
import TestSupport
import Testing

@Suite("The contact budget")
struct ContactBudgetTests {
  private static func day(_ number: Int) -> Instant { Instant(seconds: 1_782_864_000 + Int64(number) * 86_400) }
  private static func budget(gap: Int = 30, yearly: Int = 4, reserved: [Survey.Purpose: Int] = [.relationship: 3]) throws -> ContactBudget {
    try ContactBudget(gapDays: gap, yearlyMax: yearly, priority: [.recovery, .relationship, .transaction, .research], reserved: reserved)
  }
  private static func contact(_ purpose: Survey.Purpose, _ day: Int) -> PastContact { PastContact(purpose, at: self.day(day)) }

  @Test("Thirty days lie between two contacts, to the microsecond")
  func gap() throws {
    let budget = try Self.budget()
    let past = [Self.contact(.transaction, 0)]
    let early = Instant(microseconds: Self.day(30).microseconds - 1)
    #expect(budget.verdict(for: .recovery, at: early, past: past, planned: []) == .held(.gap, until: Self.day(30)))
    #expect(budget.verdict(for: .recovery, at: Self.day(30), past: past, planned: []) == .granted)
  }

  @Test("Four in any 365 days; the fifth waits until the first falls out")
  func yearly() throws {
    let budget = try Self.budget()
    let past = [0, 40, 80, 120].map { Self.contact(.research, $0) }
    #expect(budget.verdict(for: .relationship, at: Self.day(300), past: past, planned: []) == .held(.yearly, until: Self.day(365)))
    #expect(budget.verdict(for: .relationship, at: Self.day(365), past: past, planned: []) == .granted)
  }

  @Test("What is about to be asked with higher priority goes first; what has lower priority makes nobody wait")
  func priority() throws {
    let budget = try Self.budget(reserved: [:])
    let planned = [Self.contact(.relationship, 20)]
    #expect(budget.verdict(for: .transaction, at: Self.day(0), past: [], planned: planned) == .held(.priority, until: Self.day(50)))
    #expect(budget.verdict(for: .transaction, at: Self.day(0), past: [], planned: [Self.contact(.relationship, 30)]) == .granted)
    #expect(budget.verdict(for: .recovery, at: Self.day(0), past: [], planned: planned) == .granted)
    #expect(budget.verdict(for: .transaction, at: Self.day(0), past: [], planned: [Self.contact(.research, 1), Self.contact(.transaction, 1)]) == .granted)
  }

  @Test("While something is planned for it, its share of the year is kept; used shares are not kept twice")
  func reserved() throws {
    let budget = try Self.budget()
    let planned = [Self.contact(.relationship, 300)]
    func verdict(_ past: [PastContact], planned: [PastContact] = planned) -> BudgetVerdict {
      budget.verdict(for: .transaction, at: Self.day(200), past: past, planned: planned)
    }
    #expect(verdict([]) == .granted)
    #expect(verdict([Self.contact(.transaction, 0)]) == .held(.reserved, until: Self.day(365)))
    #expect(verdict([Self.contact(.transaction, 0)], planned: []) == .granted)
    #expect(verdict([Self.contact(.relationship, 0), Self.contact(.relationship, 90)]) == .granted)
    #expect(verdict([Self.contact(.relationship, 0), Self.contact(.transaction, 90)]) == .held(.reserved, until: Self.day(365)))
  }

  // Every day something small happens that asks for a survey; the quarterly one is planned all the time, as the desk plans it.
  @Test(
    "However often something small is asked, the quarterly survey is asked, and no customer more often than the budget says",
    arguments: 0..<60 as Range<UInt64>)
  func notStarved(seed: UInt64) throws {
    var random = Seeded(state: seed)
    let budget = try Self.budget()
    var past: [PastContact] = []
    var waiting: [Survey.Purpose: (at: Instant, notAfter: Instant)] = [:]
    var next = Self.day(Int.random(in: 0..<90, using: &random))
    for number in 0..<1_100 {
      let now = Self.day(number)
      if waiting[.transaction] == nil, Int.random(in: 0..<4, using: &random) == 0 { waiting[.transaction] = (now, Self.day(number + 14)) }
      if waiting[.research] == nil, Bool.random(using: &random) { waiting[.research] = (now, Self.day(number + 60)) }
      waiting[.relationship] = waiting[.relationship] ?? (next, next.adding(seconds: 30 * 86_400))
      for purpose in budget.priority {
        guard let plan = waiting[purpose], plan.at <= now else { continue }
        let others = waiting.filter { $0.key != purpose }.map { PastContact($0.key, at: $0.value.at) }
        let isOver = now > plan.notAfter
        if !isOver, budget.verdict(for: purpose, at: now, past: past, planned: others) == .granted { past.append(PastContact(purpose, at: now)) }
        if isOver || past.last == PastContact(purpose, at: now) {
          waiting[purpose] = nil
          if purpose == .relationship { next = plan.at.adding(seconds: 91 * 86_400) }
        }
      }
    }
    for (before, after) in zip(past, past.dropFirst()) { #expect(after.at >= before.at.adding(seconds: 30 * 86_400)) }
    for place in past.indices where place >= 4 { #expect(past[place].at >= past[place - 4].at.adding(seconds: ContactBudget.yearSeconds)) }
    let quarterly = past.filter { $0.purpose == .relationship }
    #expect(quarterly.count >= 9, "three of each of three years")
    #expect(past.contains { $0.purpose == .transaction || $0.purpose == .research })
  }

  @Test("What the budget cannot be is said, all at once")
  func faults() {
    do {
      _ = try ContactBudget(gapDays: 400, yearlyMax: 2, priority: [.recovery, .recovery], reserved: [.relationship: 3])
      Issue.record("it was taken")
    } catch {
      #expect(error.faults.map(\.path) == ["budget.gap_days", "budget.priority", "budget.reserved"])
    }
  }

  @Test("A period begins with its first month, whatever the day; a customer's day lies in it")
  func periods() throws {
    let schedule = AskingRules.Schedule(id: "q", tiers: [], survey: "s", everyMonths: 3, windowDays: 30)
    func day(_ text: String) throws -> Day { try #require(Day(text)) }
    for (text, first) in [("2026-01-01", "2026-01-01"), ("2026-03-31", "2026-01-01"), ("2026-04-01", "2026-04-01"), ("2026-12-31", "2026-10-01")] {
      #expect(try schedule.period(of: day(text)) == day(first))
    }
    let period = try day("2026-10-01")
    #expect(try schedule.next(after: period) == day("2027-01-01"))
    #expect(try schedule.day(in: period, draw: 0) == period && schedule.day(in: period, draw: 91) == day("2026-12-31"))
    #expect(schedule.day(in: period, draw: .max) >= period && schedule.day(in: period, draw: .max) < schedule.next(after: period))
  }
}
