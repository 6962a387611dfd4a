// Customers are asked at steps of their lives, each once (F-02), by what profile tells of their orders.
import Contracts
import Documents
import Domain
import FeedbackCore
import FeedbackStore
import Handling
import Messaging
import Postgres
import TestSupport
import Testing

@testable import feedback

extension AskingTests.Desk {
  func learn(_ profiles: [ProfileSnapshot], at now: Instant) throws { try change { try AskingDesk.profiled(profiles, &$0, asking, at: now) } }

  /// What was asked at steps until a moment: customer, step, day and hour.
  func steps(to end: Instant) throws -> [(customer: Int64, step: String, day: String, hour: Int64)] {
    try pass(to: end, kinds: [FeedbackWork.send]).map(\.invitation).filter { $0.cause.kind == .lifecycle }.map { asked in
      let at = asked.sentAt ?? end
      return (asked.customer.number, asked.cause.reference, zone.day(of: at).description, (at.microseconds / 3_600_000_000) % 24)
    }.sorted { ($0.0, $0.2) < ($1.0, $1.2) }
  }
}

@Suite("Asking at steps", .enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)")) struct StepTests {
  typealias Desk = AskingTests.Desk
  private let asking: Asking
  private static let start = moment("2026-07-01", hours: 12)
  private static let yearEnd = moment("2026-12-31")

  init() throws { asking = try Self.asking(version: nil) }

  /// The shipped rules, under another version and with other steps where that is asked.
  private static func asking(version: Int?, steps: [AskingRules.Step]? = nil) throws -> Asking {
    let surveys = SurveyBook(current: try FeedbackSettings.shippedSurveys().map(\.content))
    let rules = try FeedbackSettings.asking(at: nil, surveys: Set(surveys.current.map(\.reference.name))).content
    return Asking(
      rules: try AskingRules(
        version: version ?? rules.version, author: rules.author, budget: rules.budget, reminderDays: rules.reminderDays, triggers: rules.triggers,
        again: rules.again, schedules: rules.schedules, steps: steps ?? rules.steps), surveys: surveys, zone: zone)
  }

  private func with(_ body: @escaping @Sendable (Desk) throws -> Void) async throws {
    let asking = asking
    try await Tables.with { settings in try await Tables.session(settings) { try body(Desk(session: $0, asking: asking)) } }
  }

  private static let bought: [(day: String, orders: Int32, spend: Int64)] = [("2026-07-01", 1, 100)]

  @Test("Seven and ninety days after the first order its customer is asked, once each, between nine and seven, however often and in what order that is told")
  func once() async throws {
    try await with { desk in
      var random = Seeded(state: 7)
      var told: [ProfileSnapshot] = []
      for customer in 1...20 as ClosedRange<Int64> {
        told.append(profile(customer, 1))
        told.append(profile(customer, 2, Self.bought))
        told.append(profile(customer, 3, Self.bought + [("2026-07-05", 2, 300)]))
      }
      let all = (told + told).shuffled(using: &random)
      for start in stride(from: 0, to: all.count, by: 17) { try desk.learn(Array(all[start..<min(start + 17, all.count)]), at: Self.start) }
      let asked = try desk.steps(to: Self.yearEnd)
      #expect(asked.count == 40 && asked.allSatisfy { (9..<19).contains($0.hour) })
      for customer in 1...20 as ClosedRange<Int64> {
        let own = asked.filter { $0.customer == customer }
        #expect(own.map(\.step) == ["first-order", "ninety-days"] && own.map(\.day) == ["2026-07-08", "2026-09-29"])
      }
      #expect(Set(asked.map(\.hour)).count > 3)
      let surveys = try desk.all(at: Self.yearEnd).map(\.survey.name)
      #expect(Set(surveys) == ["csat-first-order", "nps-quarterly"] && surveys.count == 40)
    }
  }

  @Test("A history plans nothing whose window is over, and of a younger one only what is not over")
  func history() async throws {
    try await with { desk in
      let years = (0..<60).map { number in
        let customer = Int64(number)
        return profile(100 + customer, 1, [("20\(10 + number % 16)-03-01", 1, 100), ("2026-06-30", 1, 100)])
      }
      // The windows of these two close on the day before, and on the day itself.
      try desk.learn(years + [profile(1, 1, [("2026-03-02", 1, 1)]), profile(2, 1, [("2026-03-03", 1, 1)])], at: Self.start)
      #expect(try desk.all(at: Self.start).map(\.customer.number) == [2])
      try desk.learn([profile(3, 1, [("2026-04-15", 1, 1)])], at: Self.start)
      let planned = try desk.all(InvitationFilter(customer: CustomerID(number: 3)), at: Self.start)
      #expect(planned.map(\.cause.reference) == ["ninety-days"])
    }
  }

  @Test("Whoever is heard of late is asked within a day at an hour of its own, not at night and not all at once")
  func late() async throws {
    try await with { desk in
      let night = moment("2026-07-12", hours: 2)
      try desk.learn((1...50).map { profile($0, 1, [("2026-06-28", 1, 100)]) }, at: night)
      let asked = try desk.steps(to: moment("2026-07-14")).filter { $0.step == "first-order" }
      #expect(asked.count == 50 && asked.allSatisfy { $0.day == "2026-07-12" && (9..<19).contains($0.hour) } && Set(asked.map(\.hour)).count > 5)
      try desk.learn([profile(99, 1, [("2026-06-28", 1, 100)])], at: moment("2026-07-12", hours: 20))
      #expect(try desk.steps(to: moment("2026-07-14")).map(\.day) == ["2026-07-13"])
    }
  }

  @Test("Customers who became one are not asked again at a step that either was asked at, whichever word comes first", arguments: [true, false])
  func merged(isMoveFirst: Bool) async throws {
    try await with { desk in
      // Two have been asked by the time they become part of one and three.
      let later = moment("2026-07-10", hours: 12)
      try desk.learn([profile(2, 1, Self.bought)], at: Self.start)
      #expect(try desk.steps(to: later).map(\.step) == ["first-order"])
      func merge() throws { try desk.move(2, to: 1, 5) }
      if isMoveFirst { try merge() }
      try desk.learn([profile(1, 2, Self.bought), profile(2, 2, mergedInto: 1)], at: later)
      if !isMoveFirst { try merge() }
      let asked = try desk.steps(to: Self.yearEnd)
      #expect(asked.map(\.step) == ["ninety-days"] && asked.map(\.customer) == [1], "\(asked)")
      let dropped = try desk.all(InvitationFilter(state: .dropped), at: Self.yearEnd).map(\.dropped)
      #expect(dropped.allSatisfy { $0 == .asked } && dropped.count == (isMoveFirst ? 0 : 2))
    }
  }

  @Test("Parted again, the survivor is asked at its own step while there is time")
  func parted() async throws {
    try await with { desk in
      let (later, undone) = (moment("2026-07-10", hours: 12), moment("2026-07-11", hours: 12))
      try desk.learn([profile(2, 1, Self.bought)], at: Self.start)
      #expect(try desk.steps(to: later).count == 1)
      try desk.move(2, to: 1, 5)
      try desk.learn([profile(1, 1, Self.bought), profile(2, 2, mergedInto: 1)], at: later)
      try desk.move(2, to: 2, 6)
      try desk.learn([profile(1, 2, Self.bought), profile(2, 3, Self.bought)], at: undone)
      let asked = try desk.steps(to: Self.yearEnd)
      #expect(asked.map(\.customer) == [1, 1, 2] && asked.map(\.step) == ["first-order", "ninety-days", "ninety-days"], "\(asked)")
    }
  }

  @Test("Whose first order turns out to lie long before is not asked about it, nor at a step that there is no more")
  func corrected() async throws {
    try await with { desk in
      try desk.learn([profile(1, 1, Self.bought), profile(2, 1, Self.bought)], at: Self.start)
      try desk.learn([profile(1, 2, [("2019-05-05", 1, 50)] + Self.bought)], at: Self.start)
      let others = Desk(session: desk.session, asking: try Self.asking(version: 3, steps: asking.rules.steps.filter { $0.id == "ninety-days" }))
      let asked = try others.steps(to: Self.yearEnd)
      #expect(asked.map(\.customer) == [2] && asked.map(\.step) == ["ninety-days"])
      #expect(try desk.all(InvitationFilter(state: .dropped), at: Self.yearEnd).map(\.dropped) == [.step, .step, .step])
    }
  }

  @Test("Under other rules the steps of customers of whom nothing new comes are planned too, none twice")
  func replanned() async throws {
    try await with { desk in
      try desk.learn((1...700).map { profile($0, 1, Self.bought) } + [profile(900, 1, [("2020-01-01", 1, 1)])], at: Self.start)
      #expect(try desk.all(at: Self.start).count == 1_400)
      let steps = asking.rules.steps + [.init(id: "month", after: .firstOrder, survey: "csat-first-order", delayDays: 30, windowDays: 5)]
      let others = try Self.asking(version: 9, steps: steps)
      var last: CustomerID?
      var pieces = 0
      repeat {
        let after = last
        last = try desk.change { try AskingDesk.replan(after: after, &$0, others, at: Self.start) }
        pieces += 1
      } while last != nil
      #expect(pieces == 3)
      let planned = try desk.all(at: Self.start)
      #expect(planned.count == 2_100 && planned.count { $0.cause.reference == "month" } == 700)
    }
  }

  @Test("Profiles, tiers, moves and segments of the same customers are locked in one order: none waits for another for ever")
  func lockOrder() async throws {
    let asking = asking
    try await Tables.with { settings in
      let crowd = 1...60 as ClosedRange<Int64>
      try await Tables.session(settings) { session in
        _ = try Tables.take(crowd.map { .answer(try answer("a\($0)", $0, of: $0, at: Self.start)) }, session)
      }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for lane in 0..<5 {
          group.addTask {
            try await Tables.session(settings) { session in
              let desk = Desk(session: session, asking: asking)
              for round in 1...15 as ClosedRange<Int64> {
                switch lane {
                case 0: try desk.learn(crowd.map { profile($0, round, [("2026-07-0\(1 + round % 2)", 1, round)]) }, at: Self.start)
                case 1: try desk.change { try AskingDesk.rated(crowd.map { tier($0, round, "normal", at: Self.start) }, &$0, asking, at: Self.start) }
                case 2: try desk.change { try FeedbackBatch.moved(crowd.map { move($0, to: $0 % 7 + 1, round) }, &$0, at: moment("2026-11-02")) }
                case 3: _ = try desk.change { try AskingDesk.replan(after: nil, &$0, asking, at: Self.start) }
                default:
                  // On the first day other borders come again and again.
                  try session.execute("UPDATE segment_borders SET profiles = 0")
                  try SegmentQueries.draw(on: Day("2026-07-01") ?? Day(number: 0), at: Self.start, session)
                  for turn in [SegmentQueries.Turn.fresh, .open] {
                    _ = try SegmentQueries.divide(turn, by: try SegmentQueries.book(session), at: Self.start, in: zone, session)
                  }
                }
              }
            }
          }
        }
        try await group.waitForAll()
      }
    }
  }

  @Test("The newest snapshot of a customer counts; of who became part of another nothing is left until it stands by itself again")
  func newest() async throws {
    try await with { desk in
      var random = Seeded(state: 3)
      let told = [
        profile(1, 1, Self.bought), profile(1, 3, Self.bought + [("2026-07-02", 1, 7)]), profile(2, 4, mergedInto: 1), profile(2, 2, Self.bought),
        profile(3, 5, mergedInto: 1), profile(3, 6, Self.bought),
      ]
      for _ in 0..<4 {
        try desk.session.execute("TRUNCATE profiles")
        let all = (told + told).shuffled(using: &random)
        for start in stride(from: 0, to: all.count, by: 5) { try desk.learn(Array(all[start..<min(start + 5, all.count)]), at: Self.start) }
        let rows = try desk.session.query(
          Statement(name: "", sql: "SELECT version, is_merged, first_day IS NULL, days FROM profiles ORDER BY customer_id"))
        #expect(try (0..<rows.count).map { try rows.int64($0, 0) } == [3, 4, 6])
        #expect(try (0..<rows.count).map { try rows.bool($0, 1) } == [false, true, false])
        #expect(try (0..<rows.count).map { try rows.bool($0, 2) } == [false, true, false])
        #expect(try (0..<rows.count).map { try rows.bytes($0, 3).withUnsafeBytes(LedgerBytes.days)?.count } == [2, 0, 1])
      }
    }
  }

  @Test("Rules that say something else under a version that is registered end the start")
  func registered() async throws {
    try await Tables.with { settings in
      let changed = try await Tables.session(settings) { session -> RuleChanged? in
        let file = try FeedbackSettings.asking(at: nil, surveys: Set(try FeedbackSettings.shippedSurveys().map(\.content.reference.name)))
        try AskingRegister.register(file, at: Self.start, session)
        try AskingRegister.register(file, at: Self.start, session)
        let other = RuleFile(content: file.content, yaml: file.yaml + "\n", source: "own.yaml")
        return #expect(throws: RuleChanged.self) { try AskingRegister.register(other, at: Self.start, session) }
      }
      #expect(changed?.description.hasPrefix("own.yaml differs from the registered asking v2") == true)
    }
  }

  @Test("A snapshot in another currency, or of a customer that is part of itself, is refused")
  func refused() {
    func read(_ snapshot: ProfileSnapshot) -> [String] {
      JSONBytes.of(snapshot).withUnsafeBytes { bytes in
        guard case .refused(let faults) = FeedbackHandler.read(bytes, topic: Topics.profiles.name, currency: .cny) else { return [] }
        return faults.map(\.field)
      }
    }
    var foreign = profile(1, 1, Self.bought)
    foreign.currency = Currency("USD") ?? .cny
    #expect(read(foreign) == ["currency"] && read(profile(1, 1, mergedInto: 1)) == ["merged_into"] && read(profile(1, 0)) == ["version"])
    #expect(read(profile(1, 1, Self.bought)).isEmpty)
  }
}
