// Tickets (K-04 to K-06): known answers, and thousands of drawn lives against a reference that counts minute by minute.
import Domain
import TestSupport
import Testing

private let shanghai = BusinessZone(name: "Asia/Shanghai", firstOffsetSeconds: 28_800, periods: [])
private let agent = TicketActor("Wang Fang", because: "test")

/// `2026-11-30 10:00` in Shanghai; that is a Monday.
private func at(_ text: String) throws -> Instant {
  let parts = text.split(separator: " ")
  let day = try #require(Day(String(parts[0])))
  let clock = parts[1].split(separator: ":").compactMap { Int64($0) }
  return shanghai.instant(localSeconds: Int64(day.number) * 86_400 + clock[0] * 3_600 + clock[1] * 60)
}

private func id(_ text: String) throws -> TierID { try #require(TierID(text)) }

/// VIP: 30 minutes, next 30, resolution 4 hours, all round the clock. Normal and watch by office hours: 4 hours, 4 hours, 8 hours (watch 16).
private struct Desk {
  let book: ServiceRuleBook
  let office: WorkCalendar
  let always: WorkCalendar
  var ladder: EscalationLadder { .standard }

  init(version: Int = 1, normalHours: Int64 = 4) throws {
    let day = try #require(DayHours([DayInterval(start: 540, end: 720), DayInterval(start: 810, end: 1_080)].compactMap(\.self)))
    let name = LocalizedName(en: "hours", zh: "时间")
    let holiday = SpecialDay(day: try #require(Day("2026-12-01")), kind: .holiday, hours: .closed, name: name)
    office = try #require(
      WorkCalendar(id: "office", name: name, zone: shanghai, week: Array(repeating: day, count: 5) + [.closed, .closed], specialDays: [holiday]))
    always = try #require(
      WorkCalendar(id: "always", name: name, zone: shanghai, week: Array(repeating: .aroundTheClock, count: 7), specialDays: []))
    let ladder = try TierLadder(try ["vip", "normal", "watch"].map { Tier(id: try id($0), name: name, reviewMonths: 3) })
    func target(_ hours: Int64, _ calendar: String) -> ServiceRule.Promise { .target(ServiceTarget(seconds: hours * 3_600, calendar: calendar)) }
    let rules = [
      ServiceRule(
        tiers: [try id("vip")], kinds: [.fault], priorities: nil,
        promises: [.onSite: target(4, "always")]),
      ServiceRule(
        tiers: [try id("vip")], kinds: nil, priorities: nil,
        promises: [
          .firstResponse: .target(ServiceTarget(seconds: 1_800, calendar: "always")), .nextResponse: .target(ServiceTarget(seconds: 1_800, calendar: "always")),
          .resolution: target(4, "always"),
        ]),
      ServiceRule(
        tiers: [try id("normal")], kinds: nil, priorities: nil,
        promises: [.firstResponse: target(normalHours, "office"), .nextResponse: target(normalHours, "office"), .resolution: target(8, "office")]),
      ServiceRule(
        tiers: [try id("watch")], kinds: nil, priorities: nil,
        promises: [.firstResponse: target(16, "office"), .nextResponse: target(16, "office"), .resolution: target(40, "office")]),
    ]
    let priorities = Dictionary(uniqueKeysWithValues: ContactEvent.Urgency.allCases.map { ($0, [ServicePriority.p2, .p2, .p2]) })
    let calendars = [office, always]
    book = ServiceRuleBook(
      standards: try ServiceStandards(version: version, author: "t", ladder: ladder, priorities: priorities, rules: rules, calendars: calendars),
      calendars: CalendarBook(version: 1, author: "t", calendars: calendars))
  }

  func open(_ tier: String?, _ moment: String, kind: ContactEvent.Kind = .question) throws -> Ticket {
    Ticket.open(TicketID(number: 7), TicketSubject(kind: kind), tier: try tier.map(id), at: try at(moment), by: .customer, rules: book).ticket
  }
}

extension Ticket {
  fileprivate func clock(_ clock: ServiceClock) -> TicketClock? { clocks.last { $0.clock == clock } }
}

@Suite("Tickets (K-04 to K-06)") struct TicketTests {
  private func take(
    _ ticket: inout Ticket, _ step: TicketStep, _ moment: String, _ desk: Desk, resolution: TicketResolution? = nil
  ) throws -> [TicketEvent] {
    try ticket.take(step, by: agent, at: try at(moment), resolution: resolution, rules: desk.book, ladder: desk.ladder)
  }

  @Test func anAnswerBeforeTheDeadlineMeetsItAndOneAtTheDeadlineDoesNot() throws {
    let desk = try Desk()
    var early = try desk.open("vip", "2026-11-30 10:00")
    #expect(early.clock(.firstResponse)?.deadline == .at(try at("2026-11-30 10:30")))
    _ = try take(&early, .reply, "2026-11-30 10:29", desk)
    #expect(early.clock(.firstResponse)?.outcome == .met(at: try at("2026-11-30 10:29")))
    var late = try desk.open("vip", "2026-11-30 10:00")
    let events = try take(&late, .reply, "2026-11-30 10:30", desk)
    #expect(late.clock(.firstResponse)?.outcome == .missed(doneAt: try at("2026-11-30 10:30")))
    #expect(events.filter { $0.kind == .breached }.map(\.at) == [try at("2026-11-30 10:30")])
  }

  @Test func aBreachIsStampedWithItsDeadlineHoweverLateItIsNoticed() throws {
    let desk = try Desk()
    var ticket = try desk.open("vip", "2026-11-30 10:00")
    let events = ticket.pass(to: try at("2026-12-24 00:00"), desk.book, desk.ladder).filter { $0.clock == .firstResponse }
    #expect(events.map(\.kind) == [.warned, .warned, .breached, .escalated])
    #expect(events.map(\.at) == (try ["2026-11-30 10:15", "2026-11-30 10:22", "2026-11-30 10:30", "2026-11-30 10:45"].enumerated().map { place, text in
      place == 1 ? try at(text).adding(seconds: 30) : try at(text)
    }))
    #expect(events.compactMap(\.step?.role) == [.owner, .teamLead, .manager, .director])
    #expect(ticket.pass(to: try at("2027-12-24 00:00"), desk.book, desk.ladder).isEmpty)
  }

  @Test func pausesCountForTheFirstResponseToo() throws {
    let desk = try Desk()
    var ticket = try desk.open("normal", "2026-11-30 09:00")
    _ = try take(&ticket, .waitForCustomer, "2026-11-30 10:00", desk)
    #expect(ticket.clock(.firstResponse)?.deadline == .paused(leftMicroseconds: 3 * 3_600_000_000))
    #expect(ticket.nextMoment(desk.book, desk.ladder) == nil)
    // Tuesday is a holiday: an hour of Monday was used, three are left on Wednesday, with a break for lunch.
    _ = try ticket.receive(messageAt: try at("2026-12-02 10:00"), text: "", rules: desk.book, ladder: desk.ladder)
    #expect(ticket.state == .open)
    #expect(ticket.clock(.firstResponse)?.deadline == .at(try at("2026-12-02 14:30")))
    let first = try #require(ticket.clock(.firstResponse))
    let segments = try #require(ticket.segments(of: first, until: first.startedAt, desk.book, countMax: 100))
    #expect(Set(segments.map(\.kind.word)) == ["counted", "outside_hours", "holiday", "paused"])
    for (one, next) in zip(segments, segments.dropFirst()) { #expect(one.to == next.from) }
  }

  @Test func everyLaterMessageStartsAClockUntilItIsAnswered() throws {
    let desk = try Desk()
    var ticket = try desk.open("vip", "2026-11-30 10:00")
    _ = try take(&ticket, .reply, "2026-11-30 10:10", desk)
    _ = try ticket.receive(messageAt: try at("2026-11-30 11:00"), text: "", rules: desk.book, ladder: desk.ladder)
    _ = try ticket.receive(messageAt: try at("2026-11-30 11:20"), text: "", rules: desk.book, ladder: desk.ladder)
    #expect(ticket.clocks.filter { $0.clock == .nextResponse }.map(\.deadline) == [.at(try at("2026-11-30 11:30"))])
    _ = try take(&ticket, .reply, "2026-11-30 11:25", desk)
    #expect(ticket.clock(.nextResponse)?.outcome == .met(at: try at("2026-11-30 11:25")))
    // One that becomes known only after it was answered needs no clock.
    _ = try ticket.receive(messageAt: try at("2026-11-30 11:24"), text: "", rules: desk.book, ladder: desk.ladder)
    #expect(ticket.clocks.filter { $0.clock == .nextResponse }.count == 1)
  }

  @Test func aBetterTierShortensAndAWorseOneChangesNothingUnlessThePolicySaysSo() throws {
    let desk = try Desk()
    for (policy, up, down) in [
      (DeadlinePolicy.keep, "2026-11-30 14:30", "2026-11-30 14:30"), (.onlyBetter, "2026-11-30 09:30", "2026-11-30 14:30"),
      (.recompute, "2026-11-30 09:30", "2026-12-03 10:00"),
    ] {
      var better = try desk.open("normal", "2026-11-30 09:00")
      _ = better.retarget(
        TicketTarget(tier: try id("vip")), by: .system, at: try at("2026-11-30 09:10"), policy: policy, rules: desk.book, ladder: desk.ladder)
      #expect(better.clock(.firstResponse)?.deadline == .at(try at(up)), "\(policy)")
      var worse = try desk.open("normal", "2026-11-30 09:00")
      _ = worse.retarget(
        TicketTarget(tier: try id("watch")), by: .system, at: try at("2026-11-30 09:10"), policy: policy, rules: desk.book, ladder: desk.ladder)
      #expect(worse.clock(.firstResponse)?.deadline == .at(try at(down)), "\(policy)")
    }
  }

  @Test func aPromiseThatWouldHaveRunOutBeforeTheChangeCountsFromTheChange() throws {
    let desk = try Desk()
    var ticket = try desk.open("normal", "2026-11-30 09:00")
    _ = ticket.retarget(
      TicketTarget(tier: try id("vip")), by: .system, at: try at("2026-11-30 10:00"), policy: .onlyBetter, rules: desk.book, ladder: desk.ladder)
    #expect(ticket.clock(.firstResponse)?.deadline == .at(try at("2026-11-30 10:30")))
    #expect(ticket.clock(.resolution)?.deadline == .at(try at("2026-11-30 13:00")))
  }

  @Test func aTierThatBecomesKnownLateIsAsIfItHadBeenKnownAtTheStart() throws {
    let desk = try Desk()
    for tier in ["vip", "normal", "watch"] {
      var late = try desk.open(nil, "2026-11-30 09:00")
      _ = late.retarget(
        TicketTarget(tier: try id(tier)), by: .system, at: try at("2026-11-30 09:05"), policy: .onlyBetter, rules: desk.book, ladder: desk.ladder)
      #expect(late.clocks == (try desk.open(tier, "2026-11-30 09:00")).clocks, "\(tier)")
    }
  }

  @Test func closingNeedsACodeAndForFaultsARootCause() throws {
    let desk = try Desk()
    var ticket = try desk.open("vip", "2026-11-30 10:00", kind: .fault)
    #expect(throws: TicketRefusal.codeMissing) { try self.take(&ticket, .resolve, "2026-11-30 11:00", desk) }
    #expect(throws: TicketRefusal.rootCauseMissing) {
      try self.take(&ticket, .resolve, "2026-11-30 11:00", desk, resolution: TicketResolution(code: "fixed"))
    }
    #expect(throws: TicketRefusal.notPossible(.close, in: .new)) { try self.take(&ticket, .close, "2026-11-30 11:00", desk) }
    _ = try take(&ticket, .resolve, "2026-11-30 11:00", desk, resolution: TicketResolution(code: "fixed", rootCause: "cable"))
    #expect(ticket.clock(.onSite)?.outcome == .withdrawn(at: try at("2026-11-30 11:00")))
    #expect(ticket.clock(.resolution)?.outcome == .met(at: try at("2026-11-30 11:00")))
    _ = try take(&ticket, .reopen, "2026-11-30 12:00", desk)
    #expect(ticket.clocks.filter { $0.clock == .resolution }.map(\.outcome) == [.met(at: try at("2026-11-30 11:00")), .running])
  }

  @Test func anAnswerThatBecomesKnownLateCorrectsWhatWasRecordedAsMissed() throws {
    let desk = try Desk()
    var ticket = try desk.open("vip", "2026-11-30 10:00")
    _ = ticket.pass(to: try at("2026-11-30 10:40"), desk.book, desk.ladder)
    let events = try ticket.take(
      .reply, by: agent, at: try at("2026-11-30 10:20"), isLate: true, rules: desk.book, ladder: desk.ladder)
    #expect(events.contains { $0.kind == .corrected })
    #expect(ticket.clock(.firstResponse)?.outcome == .met(at: try at("2026-11-30 10:20")))
  }

  @Test func aLadderNeedsTheStepsOfTheRuleInOrder() {
    #expect(throws: ConfigurationFaults.self) { try EscalationLadder([LadderStep(percent: 50, role: .owner), LadderStep(percent: 100, role: .manager)]) }
    #expect(throws: ConfigurationFaults.self) {
      try EscalationLadder([LadderStep(percent: 75, role: .owner), LadderStep(percent: 50, role: .owner), LadderStep(percent: 100, role: .manager)])
    }
  }
}

/// What a drawn life does next.
private enum Deed {
  case step(TicketStep)
  case message
  case tier(String)
  case kind(ContactEvent.Kind)
  case standards
}

@Suite("Drawn lives of tickets") struct TicketLifeTests {
  private static let tiers = ["vip", "normal", "watch"]

  private func draw(_ chance: inout Seeded) -> Deed {
    switch Int.random(in: 0..<14, using: &chance) {
    case 0..<8: .step(TicketStep.allCases[Int.random(in: 0..<TicketStep.allCases.count, using: &chance)])
    case 8..<10: .message
    case 10..<12: .tier(TicketLifeTests.tiers[Int.random(in: 0..<3, using: &chance)])
    case 12: .kind([.question, .fault, .complaint][Int.random(in: 0..<3, using: &chance)])
    default: .standards
    }
  }

  /// Does it if the table of steps allows; a refused deed must leave no trace.
  private func act(_ deed: Deed, _ ticket: inout Ticket, at now: Instant, _ desks: [Desk], _ place: inout Int, _ policy: DeadlinePolicy) -> [TicketEvent] {
    let untouched = ticket
    let desk = desks[place]
    do throws(TicketRefusal) {
      switch deed {
      case .step(let step):
        return try ticket.take(
          step, by: agent, at: now, resolution: TicketResolution(code: "c", rootCause: "r"), rules: desk.book, ladder: desk.ladder)
      case .message: return try ticket.receive(messageAt: now, text: "", rules: desk.book, ladder: desk.ladder)
      case .tier(let tier):
        return ticket.retarget(TicketTarget(tier: TierID(tier)), by: .system, at: now, policy: policy, rules: desk.book, ladder: desk.ladder)
      case .kind(let kind):
        let target = TicketTarget(subject: TicketSubject(kind: kind))
        return ticket.retarget(target, by: agent, at: now, policy: policy, rules: desk.book, ladder: desk.ladder)
      case .standards:
        place = 1
        return ticket.retarget(TicketTarget(), by: .system, at: now, policy: policy, rules: desks[1].book, ladder: desk.ladder)
      }
    } catch {
      if case .step(let step) = deed { #expect(untouched.state.next(step) == nil, "\(step) refused in \(untouched.state): \(error)") }
      #expect(ticket == untouched)
      return []
    }
  }

  /// Minute by minute: the first one at whose end so many open minutes outside the pauses have passed.
  private func counted(_ clock: TicketClock, _ ticket: Ticket, _ desk: Desk) -> Deadline? {
    let calendar = clock.calendar == "office" ? desk.office : desk.always
    var left = clock.seconds / 60
    var minute = clock.countedFrom
    for _ in 0..<200_000 {
      if left == 0 { return .at(minute) }
      if ticket.pauses.contains(where: { $0.pause.to == nil && $0.pause.from <= minute }) { return .paused(leftMicroseconds: left * 60_000_000) }
      let stands = ticket.pauses.contains { wait in wait.pause.from <= minute && wait.pause.to.map { minute < $0 } ?? false }
      if calendar.isOpen(at: minute), !stands { left -= 1 }
      minute = minute.adding(seconds: 60)
    }
    return nil
  }

  private func isSettled(_ clock: TicketClock) -> Bool { !clock.isUnanswered }

  @Test func whatIsMetOrMissedStaysAndEveryDeadlineIsWhatCountingMinutesSays() async throws {
    _ = try await everywhere(0..<24) { seed -> Void? in
      try live(seed: Int(seed))
      return nil
    }
  }

  private func live(seed: Int) throws {
    var chance = Seeded(state: UInt64(seed))
    let desks = [try Desk(), try Desk(version: 2, normalHours: 2)]
    let policy = DeadlinePolicy.allCases[seed % 3]
    for _ in 0..<8 {
      var place = 0
      let first = Bool.random(using: &chance) ? TicketLifeTests.tiers[Int.random(in: 0..<3, using: &chance)] : nil
      var now = try at("2026-11-30 08:00").adding(seconds: Int64.random(in: 0..<4_000, using: &chance) * 60)
      var watched = Ticket.open(
        TicketID(number: 1), TicketSubject(kind: .question), tier: first.flatMap { TierID($0) }, at: now, by: .customer, rules: desks[0].book).ticket
      var (neglected, watchedEvents, neglectedEvents): (Ticket, [TicketEvent], [TicketEvent]) = (watched, [], [])
      for _ in 0..<12 {
        let deed = draw(&chance)
        let next = now.adding(seconds: Int64.random(in: 0..<600, using: &chance) * 60)
        // One is looked at all the time, the other only when something happens: as in an outage.
        while let moment = watched.nextMoment(desks[place].book, .standard), moment <= next {
          watchedEvents += watched.pass(to: moment, desks[place].book, .standard)
        }
        var other = place
        let before = watched.clocks.filter(isSettled)
        watchedEvents += act(deed, &watched, at: next, desks, &place, policy)
        neglectedEvents += act(deed, &neglected, at: next, desks, &other, policy)
        #expect(before == Array(watched.clocks.filter(isSettled).filter { before.contains($0) }))
        now = next
        #expect(watched.state.waits == watched.pauses.contains { $0.pause.to == nil }, "the clocks stand still exactly while the ticket waits")
        for clock in watched.clocks where clock.isRunning { #expect(clock.deadline == counted(clock, watched, desks[0]), "\(clock)") }
      }
      let end = now.adding(seconds: 90 * 86_400)
      watchedEvents += watched.pass(to: end, desks[place].book, .standard)
      neglectedEvents += neglected.pass(to: end, desks[place].book, .standard)
      #expect(watched == neglected)
      func key(_ event: TicketEvent) -> String { "\(event.at.microseconds) \(event)" }
      #expect(watchedEvents.map(key).sorted() == neglectedEvents.map(key).sorted())
      for clock in watched.clocks where clock.isMissed { #expect(clock.percentReached >= 100 && clock.deadline <= .at(end)) }
      let breaches = watchedEvents.filter { $0.kind == .breached }
      #expect(breaches.count == watched.clocks.count { $0.isMissed })
      #expect(Set(breaches.map(\.at)) == Set(watched.clocks.filter(\.isMissed).compactMap { if case .at(let at) = $0.deadline { at } else { nil } }))
      for event in watchedEvents {
        if let step = TicketStep(rawValue: event.kind.rawValue), step != .message { #expect(event.before.next(step) == event.after) }
      }
    }
  }

  @Test func theTableOfStepsIsTheOneOfTheRule() {
    let table = TicketState.allCases.map { state in state.steps.map { "\($0.rawValue)>\(state.next($0)?.rawValue ?? "")" }.joined(separator: " ") }
    #expect(table == [
      "start>open reply>open message>new wait_for_customer>waiting_for_customer wait_for_third_party>waiting_for_third_party resolve>resolved",
      "reply>open message>open wait_for_customer>waiting_for_customer wait_for_third_party>waiting_for_third_party resolve>resolved",
      "reply>waiting_for_customer message>open wait_for_third_party>waiting_for_third_party resume>open resolve>resolved",
      "reply>waiting_for_third_party message>waiting_for_third_party wait_for_customer>waiting_for_customer resume>open resolve>resolved",
      "message>reopened close>closed reopen>reopened", "reopen>reopened",
      "start>open reply>open message>reopened wait_for_customer>waiting_for_customer wait_for_third_party>waiting_for_third_party resolve>resolved",
    ])
  }
}

private func <= (left: Deadline, right: Deadline) -> Bool {
  if case .at(let one) = left, case .at(let other) = right { one <= other } else { false }
}
