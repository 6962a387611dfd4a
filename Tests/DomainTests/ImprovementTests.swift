// Complaint hot spots, and the loop problem, cause, measure, effect (K-10).
import Domain
import TestSupport
import Testing

private let start = Instant(seconds: 1_796_004_000)
private func day(_ days: Int64) -> Instant { start.adding(seconds: days * 86_400) }

struct ImprovementTests {
  @Test(
    arguments: [(3, 2, true), (2, 0, false), (3, 3, false), (4, 3, false), (6, 4, true), (5, 4, false), (3, 0, true), (10, 20, false)]
      as [(Int64, Int64, Bool)])
  func aHotSpotHasThreeComplaintsAndHalfAsManyMoreAsBefore(count: Int64, before: Int64, isHot: Bool) {
    #expect(ComplaintSpot(rootCause: "product", category: nil, count: count, before: before).isHot == isHot)
  }

  @Test func growthOfNothingHasNoPercentage() {
    #expect(ComplaintSpot(rootCause: nil, category: nil, count: 5, before: 0).growth == nil)
    #expect(ComplaintSpot(rootCause: nil, category: nil, count: 1, before: 4).growth == Rational(-75))
  }

  @Test func hotSpotsComeFirstThenWhereThereAreMostWhateverTheOrderTheyComeIn() {
    let spots = [
      ComplaintSpot(rootCause: "staff", category: "a", count: 3, before: 1), ComplaintSpot(rootCause: "price", category: "b", count: 40, before: 40),
      ComplaintSpot(rootCause: "price", category: nil, count: 9, before: 2), ComplaintSpot(rootCause: nil, category: "b", count: 40, before: 40),
      ComplaintSpot(rootCause: "price", category: "a", count: 40, before: 39),
    ]
    let ordered = ["price -", "staff a", "price a", "price b", "- b"]
    var chance = Seeded(state: 3)
    for _ in 0..<20 {
      let found = ComplaintSpot.ordered(spots.shuffled(using: &chance))
      #expect(found.map { "\($0.rootCause ?? "-") \($0.category ?? "-")" } == ordered)
    }
  }

  private func opened() -> Improvement {
    Improvement(
      id: TicketID(number: 7), rootCause: "logistics", category: "", windowDays: 30,
      lines: [ImprovementLine(.problem, text: "late", by: TicketActor("Li"), at: day(0))])
  }

  private func take(
    _ step: ImprovementStep, on number: Int64, from effective: Int64? = nil, _ improvement: inout Improvement, counted: ImprovementFigures? = nil
  ) throws {
    try improvement.take(ImprovementLine(step, text: "t", by: TicketActor("Li"), at: day(number)), effectiveAt: effective.map(day)) { try #require(counted) }
  }

  @Test func theLoopGoesFromTheProblemToTheEffectAndIsThenClosed() throws {
    var improvement = opened()
    #expect(improvement.window == nil && improvement.next == .cause)
    #expect(throws: ImprovementRefusal.notPossible(.measure, next: .cause)) { try take(.measure, on: 1, &improvement) }
    try take(.cause, on: 1, &improvement)
    try take(.measure, on: 2, from: 5, &improvement)
    let window = try #require(improvement.window)
    #expect(window.from == day(-25) && window.effectiveAt == day(5) && window.until == day(35))
    #expect(throws: ImprovementRefusal.tooEarly(until: day(35))) { try take(.effect, on: 34, &improvement) }
    #expect(improvement.reached == .measure && improvement.figures == nil, "what was refused left nothing behind")
    try take(.effect, on: 35, &improvement, counted: ImprovementFigures(before: 8, after: 2))
    #expect(improvement.figures?.change == Rational(-75) && improvement.next == nil)
    #expect(throws: ImprovementRefusal.notPossible(.effect, next: nil)) { try take(.effect, on: 40, &improvement) }
    #expect(improvement.lines.map(\.step) == [.problem, .cause, .measure, .effect])
  }

  @Test func aMeasureHoldsFromTheMomentItIsToldUnlessAnotherIsGiven() throws {
    var improvement = opened()
    try take(.cause, on: 1, &improvement)
    try take(.measure, on: 2, &improvement)
    #expect(improvement.effectiveAt == day(2))
  }
}
