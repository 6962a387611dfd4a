// The service standards' file: what is shipped keeps the rule's promises, and files with many things wrong (K-02, K-03).

import Documents
import Domain
import Testing

struct StandardDocumentTests {
  private static let shanghai = BusinessZone(name: "Asia/Shanghai", firstOffsetSeconds: 28_800, periods: [])

  private static func calendars() throws -> CalendarBook {
    try CalendarDocument.load("\(Repository.root)/deploy/calendars.yaml") { $0 == "Asia/Shanghai" ? shanghai : nil }
  }
  private static func ladder() throws -> TierLadder { try PolicyDocument.load("\(Repository.root)/deploy/policies.yaml").ladder }

  private static func shipped() throws -> ServiceStandards {
    try StandardDocument.load("\(Repository.root)/deploy/standards.yaml", ladder: try ladder(), calendars: try calendars())
  }

  private func faults(_ text: String) throws -> [String] {
    let (ladder, calendars) = (try Self.ladder(), try Self.calendars())
    let error = #expect(throws: DocumentFaults.self) {
      try StandardDocument.decode(Array(text.utf8), source: "s.yaml", ladder: ladder, calendars: calendars)
    }
    return error?.faults.map { "\($0.line) \($0.path): \($0.problem)" } ?? []
  }

  /// Shanghai's clock.
  private func at(_ text: String) throws -> Instant {
    let day = try #require(Day(String(text.prefix(10))))
    let clock = text.dropFirst(11).split(separator: ":").compactMap { Int64($0) }
    return Self.shanghai.instant(localSeconds: Int64(day.number) * 86_400 + clock[0] * 3_600 + clock[1] * 60)
  }

  private func promised(_ tier: String, _ kind: ContactEvent.Kind?, _ from: String, _ priority: ServicePriority = .p3) throws -> [String] {
    try Self.shipped().deadlines(tier: try #require(TierID(tier)), kind: kind, priority: priority, from: try at(from)).map {
      "\($0.clock.rawValue) \($0.seconds / 60)"
    }
  }

  // A Wednesday with nothing special.
  private static let workday = "2026-11-25 10:00"

  @Test func theShippedStandardsAreThoseOfTheirRule() throws {
    #expect(try promised("vip", .question, Self.workday) == ["first_response 30", "next_response 30", "resolution 240"])
    #expect(try promised("key", .question, Self.workday) == ["first_response 480", "next_response 480", "resolution 1440"])
    #expect(try promised("normal", nil, Self.workday) == ["first_response 1440", "next_response 1440", "resolution 2880"])
    #expect(try promised("watch", .complaint, Self.workday) == ["first_response 2880", "next_response 2880", "resolution \(5 * 9 * 60)"])
    #expect(try promised("vip", .fault, Self.workday) == ["first_response 120", "next_response 30", "resolution 240", "on_site 240"])
    #expect(try promised("normal", .tailoredNeed, Self.workday) == ["first_response 1440", "next_response 1440", "quote 4320"])
    #expect(try promised("vip", .suggestion, Self.workday) == ["first_response 4320", "next_response 30", "feasibility 10080"])
  }

  @Test(arguments: [("2026-11-28 10:00", 120), ("2026-02-17 10:00", 120), ("2026-02-28 10:00", 240), ("2026-11-25 23:00", 240)])
  func aVIPIsHelpedWithinTwoHoursOnDaysOffAndFourOnOthersMakeUpDaysIncluded(from: String, minutes: Int) throws {
    #expect(try promised("vip", .question, from).last == "resolution \(minutes)")
  }

  @Test func fiveWorkingDaysPassOverTheSpringFestival() throws {
    let clocks = try Self.shipped().deadlines(tier: try #require(TierID("watch")), kind: .question, priority: .p4, from: try at("2026-02-12 10:00"))
    // Thursday from ten, Friday, the worked Saturday; the 24th, the 25th, and until ten on the 26th.
    #expect(clocks.last?.deadline == .at(try at("2026-02-26 10:00")))
  }

  @Test func nobodysQuestionOutranksASystemThatIsDown() throws {
    let standards = try Self.shipped()
    let tiers = standards.ladder.tiers.map(\.id)
    let questions = tiers.compactMap { standards.priority(.question, tier: $0) }
    let down = tiers.compactMap { standards.priority(.systemDown, tier: $0) }
    #expect(questions.count == 4 && down.count == 4)
    #expect(try #require(questions.min()) >= #require(down.max()))
    // Not judged yet counts as a question.
    for tier in tiers { #expect(standards.priority(nil, tier: tier) == standards.priority(.question, tier: tier)) }
    #expect(standards.priority(.question, tier: try #require(TierID("gold"))) == nil)
  }

  private static let matrix = """
    priorities:
      system_down: {vip: P1, key: P1, normal: P1, watch: P1}
      blocked: {vip: P2, key: P2, normal: P2, watch: P2}
      degraded: {vip: P3, key: P3, normal: P3, watch: P3}
      question: {vip: P4, key: P4, normal: P4, watch: P4}
    """
  private static let all = "  - {first_response: {within: 1h, calendar: always}}\n"

  private func file(_ matrix: String = StandardDocumentTests.matrix, _ rules: String) -> String {
    "standards: 1\nauthor: me\n\(matrix)\nservice:\n\(rules)end: true\n"
  }

  @Test(arguments: [
    ("question: {vip: P4, key: P4", "question: {vip: P1, key: P4", "degraded", true),
    ("system_down: {vip: P1, key: P1, normal: P1, watch: P1}", "system_down: {vip: P1, key: P1, normal: P1, watch: P2}", "blocked", false),
    ("blocked: {vip: P2, key: P2", "blocked: {vip: P3, key: P2", "a higher tier must not have a lower priority", true),
    ("degraded: {vip: P3, key: P3", "degraded: {vip: P1, key: P3", "must not come before blocked", true),
    ("question: {vip: P4", "question: {vip: P5", "one of P1, P2, P3, P4 is needed here", true),
    ("watch: P4}", "}", "`watch` is missing", true),
  ])
  func aMatrixThatPutsPeopleBeforeFaultsIsRefused(line: String, instead: String, problem: String, isWrong: Bool) throws {
    let text = file(Self.matrix.replacing(line, with: instead), Self.all)
    if isWrong {
      #expect(try faults(text).contains { $0.contains(problem) })
    } else {
      let (ladder, calendars) = (try Self.ladder(), try Self.calendars())
      _ = try StandardDocument.decode(Array(text.utf8), source: "s.yaml", ladder: ladder, calendars: calendars)
    }
  }

  @Test func aQuestionThatOutranksAFaultElsewhereIsNamed() throws {
    // Within each tier the order is right; across tiers a VIP's question would come before the system fault of a Watch customer.
    let matrix = """
      priorities:
        system_down: {vip: P1, key: P1, normal: P1, watch: P3}
        blocked: {vip: P1, key: P1, normal: P1, watch: P3}
        degraded: {vip: P1, key: P1, normal: P1, watch: P3}
        question: {vip: P1, key: P1, normal: P1, watch: P3}
      """
    #expect(try faults(file(matrix, Self.all)).contains { $0.contains("nobody's question may outrank anybody's system_down (P1 before P3)") })
  }

  @Test func everyFaultOfTheRulesIsToldWithItsLine() throws {
    let problems = try faults(
      file(
        Self.matrix,
        """
          - {tiers: [gold], first_response: {within: 1h, calendar: always}}
          - {kinds: [praise], resolution: {within: 30, calendar: always}}
          - {priorities: [], resolution: {within: 01h, calendar: always}}
          - {tiers: [vip]}
          - {first_response: {within: 1h}}

        """))
    #expect(
      problems == [
        "9 service[0].tiers[0]: one of vip, key, normal, watch is needed here",
        "10 service[1].kinds[0]: one of question, fault, complaint, change_request, suggestion, tailored_need, delivery is needed here",
        "10 service[1].resolution.within: a time is needed here, as 30m, 4h, 3d (of 24 hours) or 5wd (working days of a calendar with hours)",
        "11 service[2].priorities: a list that is empty fits nothing; leave the line out to fit all",
        "11 service[2].resolution.within: a time is needed here, as 30m, 4h, 3d (of 24 hours) or 5wd (working days of a calendar with hours)",
        "12 service[3]: a rule names at least one of first_response, next_response, resolution, on_site, quote, feasibility",
        "13 service[4].first_response.calendar: `calendar` is missing",
      ])
  }

  @Test func aTicketWithoutAFirstResponseAnUnknownCalendarAndARuleInVainAreRefused() throws {
    let uncovered = try faults(file(Self.matrix, "  - {tiers: [vip], first_response: {within: 1h, calendar: always}}\n"))
    #expect(uncovered.contains { $0.contains("key, question, P1: no rule names first_response; every ticket is answered") })
    let unknown = try faults(file(Self.matrix, "  - {first_response: {within: 1h, calendar: nights}}\n"))
    #expect(unknown.contains("9 service[0].first_response.calendar: there is no calendar `nights`; known are always, office"))
    let vain = try faults(file(Self.matrix, Self.all + "  - {tiers: [vip], first_response: {within: 30m, calendar: always}}\n"))
    #expect(vain == ["10 service[1]: rules before it fit everything that it fits: it never holds"])
  }
}
