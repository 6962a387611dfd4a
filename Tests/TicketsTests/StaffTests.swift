// K-07 on the tables and over HTTP: whom tickets go to, what everybody has to do, absences, attendants.
import Documents
import Domain
import HTTP
import Handling
import Postgres
import Runtime
import TestSupport
import Testing
import Text
import TicketsCore
import TicketsStore

@testable import tickets

enum People {
  /// Two teams of agents; Mo is the manager of three years, Cy and Di the agents of one year. A usual customer may be given 100 a year.
  static let file = """
    staff: 1
    author: t
    named:
      - {tier: vip, role: manager, years: 3}
      - {tier: key, role: agent, years: 1}
    skills:
      - {kind: fault, skill: technical}
    teams:
      - {id: east, name: {en: East, zh: 东组}}
      - {id: west, skills: [technical], name: {en: West, zh: 西组}}
    people:
      - {name: An, team: east, role: agent, deputy: Bo}
      - {name: Bo, team: east, role: agent}
      - {name: Cy, team: west, role: agent, skills: [technical], since: 2020-01-01}
      - {name: Di, team: west, role: agent, skills: [technical], since: 2020-01-01}
      - {name: Le, team: west, role: team_lead}
      - {name: Mo, team: west, role: manager, deputy: Le, since: 2020-01-01}
      - {name: Na, team: west, role: manager, since: 2026-01-01}
    grants:
      limits: {agent: 50, team_lead: 500, manager: 5000, director: 5000}
      yearly: {vip: 1000, key: 600, normal: 100, watch: 0}
      upgrades:
        - {id: express, worth: 30.5, name: {en: Express, zh: 加急}}
    end: true
    """

  /// Twelve hours from nine o'clock in Shanghai: Mo on the Monday of ``minute(_:)``, Na on the Tuesday.
  static let shifts = """
    BEGIN:VCALENDAR
    BEGIN:VEVENT
    DTSTART;TZID=Asia/Shanghai:20261130T090000
    DURATION:PT12H
    SUMMARY:Mo
    END:VEVENT
    BEGIN:VEVENT
    DTSTART:20261201T010000Z
    DTEND:20261201T130000Z
    SUMMARY:Na
    END:VEVENT
    END:VCALENDAR

    """

  static func settings() throws -> TicketsSettings {
    let known: Set = ["Mo", "Na"]
    let east = try OnCallDocument.decode(
      Array(shifts.utf8), source: "on-call", zone: .utc, zoneNamed: TimeZones.zone, isKnown: known.contains)
    return try Shipped.settings(staff: file, rosters: ["east": east])
  }
}

@Suite("Whom tickets go to", .enabled(if: TestDatabase.isAvailable, Comment(rawValue: TestDatabase.whyNot)))
struct StaffTests {
  private func withStore(_ body: @escaping @Sendable (PostgresSession, TicketRules) throws -> Void) async throws {
    let rules = try People.settings().rules.value
    try await Tables.with { settings in try await Tables.session(settings) { try body($0, rules) } }
  }

  private static func change<Value>(
    _ session: PostgresSession, at now: Instant, _ body: (inout PostgresTicketStore) throws -> Value
  ) throws -> Value {
    try session.transaction { session in
      var store = PostgresTicketStore(session, lane: "l", at: now)
      return try body(&store)
    }
  }

  private static func receive(_ contacts: [ReceivedContact], _ session: PostgresSession, _ rules: TicketRules, at now: Instant = minute(0)) throws {
    _ = try change(session, at: now) { try TicketBatch.receive(contacts, &$0, rules: rules, at: now) }
  }

  private static func order(
    _ order: TicketOrder, _ id: TicketID, _ session: PostgresSession, _ rules: TicketRules, at now: Instant = minute(1)
  ) throws -> TicketRecord {
    try change(session, at: now) { store in
      let customer = try #require(try StaffQueries.customer(of: id, session))
      let known = try store.lockTiers(of: [customer]).first
      let record = try #require(try store.lock([id]).first)
      return try TicketDesk.apply(order, to: record, beside: nil, of: known, &store, rules: rules, at: now).first ?? record
    }
  }

  /// What everybody has, counted by going through all tickets, against what is kept.
  private static func expectLoadsHold(_ session: PostgresSession, _ rules: TicketRules) throws {
    let kept = try StaffQueries.situation(on: Day(number: 0), at: minute(0), session)
    var counted = StaffSituation(today: Day(number: 0))
    for record in try Tables.all(session) where record.ticket.state.isOpen { counted.move(Placement(), to: record.place) }
    #expect(kept.people.filter { $0.value != 0 } == counted.people)
    #expect(kept.teams.filter { $0.value != 0 } == counted.teams)
  }

  @Test("Tickets go round by load and skill, each as if those before it were there, and the counts are what a count of all tickets gives")
  func loads() async throws {
    try await withStore { session, rules in
      let kinds: [ContactEvent.Kind] = [.question, .question, .question, .fault, .fault, .fault]
      let contacts = try (0..<6).map { place in
        try contact("c\(place)", Int64(place + 1), of: Int64(place + 1), at: minute(Int64(place) - 10), kind: kinds[place])
      }
      try StaffTests.receive(contacts, session, rules)
      let owners = Dictionary(try Tables.all(session).map { ($0.customer.number, "\($0.team) \($0.owner)") }) { first, _ in first }
      // Placed in the order of their numbers: what matters is that nobody has two before everybody who may has one.
      #expect(Set((4...6).compactMap { owners[Int64($0)] }) == ["west Cy", "west Di"])
      #expect(owners.values.allSatisfy { !$0.hasSuffix(" ") })
      try StaffTests.expectLoadsHold(session, rules)
      let id = try #require(try Tables.all(session).first { $0.owner == "Cy" }).id
      _ = try StaffTests.order(
        .step(.resolve, TicketActor("Cy"), text: "", TicketResolution(code: "fixed", rootCause: "product")), id, session, rules)
      try StaffTests.expectLoadsHold(session, rules)
      _ = try StaffTests.order(.step(.reopen, TicketActor("Cy", because: "again"), text: "", nil), id, session, rules, at: minute(2))
      #expect(try TicketQueries.ticket(id, session)?.owner == "Cy", "who had it has it again")
      try StaffTests.expectLoadsHold(session, rules)
    }
  }

  @Test("A ticket that is reopened with others that come counts again before the next is placed")
  func reopened() async throws {
    try await withStore { session, rules in
      // One for An, resolved; then its customer writes again, while four others come.
      try StaffTests.receive([try contact("a", 1, of: 1, at: minute(-9), reference: "r")], session, rules)
      let first = try #require(try Tables.all(session).first)
      #expect(first.place == Placement(owner: "An", team: "east"))
      _ = try StaffTests.order(.step(.resolve, TicketActor("An"), text: "", TicketResolution(code: "answered")), first.id, session, rules)
      try StaffTests.expectLoadsHold(session, rules)
      let more = [try contact("b", 1, of: 1, at: minute(3), reference: "r")] + (try (2...5).map { try contact("c\($0)", $0, of: $0, at: minute(3)) })
      try StaffTests.receive(more, session, rules, at: minute(4))
      let open = try Tables.all(session).filter { $0.ticket.state.isOpen }
      #expect(open.count == 5 && open.first { $0.id == first.id }?.owner == "An")
      // Five open tickets over two teams of two agents: nobody has two while somebody has none.
      let owned = Dictionary(grouping: open, by: \.owner).mapValues(\.count)
      #expect(Set(owned.keys) == ["An", "Bo", "Cy", "Di"] && owned.values.allSatisfy { $0 <= 2 }, "\(owned)")
      try StaffTests.expectLoadsHold(session, rules)
    }
  }

  @Test("A VIP's tickets all go to one manager, from the moment the tier is known; a merged customer's follow")
  func named() async throws {
    try await withStore { session, rules in
      try StaffTests.receive([try contact("a", 1, of: 1, at: minute(-5), category: "a")], session, rules)
      #expect(try Tables.all(session).first?.team != "", "served as most are until the tier is known")
      let snapshots = [tier(1, 1, "vip", at: minute(-9_000))]
      let outcome = try StaffTests.change(session, at: minute(1)) { try TicketBatch.rated(snapshots, &$0, rules: rules, at: minute(1)) }
      #expect(outcome.published.map(\.owner) == ["Mo"])
      #expect(try StaffQueries.attendant(of: CustomerID(number: 1), session).person == "Mo")
      let again = try StaffTests.change(session, at: minute(2)) { try TicketBatch.rated(snapshots, &$0, rules: rules, at: minute(2)) }
      #expect(again.published.isEmpty, "the same snapshot once more changes nothing")
      try StaffTests.receive(
        [try contact("b", 1, of: 1, at: minute(2), kind: .complaint, category: "b"), try contact("c", 2, of: 2, at: minute(2), category: "c")], session, rules,
        at: minute(3))
      _ = try StaffTests.change(session, at: minute(4)) {
        try TicketBatch.moved([move(2, to: 1, 4, at: minute(4))], &$0, rules: rules, at: minute(4))
      }
      #expect(try Tables.all(session).map(\.owner) == ["Mo", "Mo", "Mo"])
      try StaffTests.expectLoadsHold(session, rules)
      #expect(throws: DeskRefusal.self, "a VIP is not given to an agent") {
        _ = try StaffTests.change(session, at: minute(5)) {
          try TicketBatch.attend(
            CustomerID(number: 1), by: "Cy", TicketActor("Li", because: "r"), seen: { _ in true }, &$0, rules: rules, at: minute(5))
        }
      }
    }
  }

  @Test("What somebody has is handed over when the absence begins, and new tickets go to the deputy, until the absence ends")
  func absence() async throws {
    try await withStore { session, rules in
      _ = try StaffTests.change(session, at: minute(0)) { try TicketBatch.rated([tier(1, 1, "vip", at: minute(-9_000))], &$0, rules: rules, at: minute(0)) }
      try StaffTests.receive([try contact("a", 1, of: 1, at: minute(0), category: "a")], session, rules)
      try session.transaction {
        try StaffQueries.note(StoredAbsence(person: "Mo", from: minute(10), until: minute(100), actor: "Li", reason: "ill"), $0)
      }
      let due = try session.query(Statement(name: "", sql: "SELECT id, due_at FROM due_work WHERE kind = 3"))
      try #require(due.count == 1)
      #expect(Instant(microseconds: try due.timestamptz(0, 1)) == minute(10))
      let absence = try due.int64(0, 0)
      #expect(try StaffQueries.absentee(absence, at: minute(9), session) == nil)
      let person = try #require(try StaffQueries.absentee(absence, at: minute(10), session))
      let covered = try StaffTests.change(session, at: minute(10)) { store in
        try TicketBatch.cover(try StaffQueries.owned(by: person, session), of: person, &store, rules: rules, at: minute(10))
      }
      #expect(covered.published.map(\.owner) == ["Le"])
      let first = try #require(covered.published.first)
      let line = try #require(try TicketQueries.history(of: first.id, after: 0, limit: 50, session).last { $0.event.kind == .assigned })
      #expect(line.event.actor == TicketActor("clientele", because: "covers for Mo") && line.event.text == "Le" && line.event.at == minute(10))
      try StaffTests.receive([try contact("b", 1, of: 1, at: minute(11), category: "b")], session, rules, at: minute(11))
      try session.transaction { _ = try StaffQueries.end(of: "Mo", at: minute(20), $0) }
      try StaffTests.receive([try contact("c", 1, of: 1, at: minute(21), category: "c")], session, rules, at: minute(21))
      #expect(try Tables.all(session).map(\.owner) == ["Le", "Le", "Mo"])
      #expect(try StaffQueries.attendant(of: CustomerID(number: 1), session).person == "Mo")
      try StaffTests.expectLoadsHold(session, rules)
    }
  }

  @Test("By hand a ticket goes to a person or a team; its clocks go on; what is wrong with that is told")
  func byHand() async throws {
    try await withStore { session, rules in
      try StaffTests.receive([try contact("a", 1, of: 1, at: minute(0))], session, rules)
      let before = try #require(try Tables.all(session).first)
      func assign(_ place: Placement, _ reason: String = "busy") throws -> TicketRecord {
        try StaffTests.order(.assign(place, TicketActor("Li", because: reason)), before.id, session, rules)
      }
      let given = try assign(Placement(owner: "Mo"))
      #expect(given.place == Placement(owner: "Mo", team: "west") && given.ticket.clocks == before.ticket.clocks)
      #expect(try assign(Placement(owner: "Mo")).version == given.version, "to whom has it already is no change")
      #expect(try assign(Placement(team: "east")).place == Placement(team: "east"))
      #expect(try assign(Placement()).owner == "An", "by the rules")
      #expect(throws: DeskRefusal.reasonMissing) { try assign(Placement(owner: "Mo"), "") }
      #expect(throws: DeskRefusal.unknownPerson("Xu")) { try assign(Placement(owner: "Xu")) }
      #expect(throws: DeskRefusal.unknownTeam("north")) { try assign(Placement(team: "north")) }
      try StaffTests.expectLoadsHold(session, rules)
    }
  }

  @Test("Over HTTP: loads, absences, and a customer's attendant that nobody overwrites unseen")
  func api() async throws {
    let settings = try People.settings()
    try await Tables.with { database in
      let pool = PostgresPool(database)
      var router = Router()
      StaffAPI(settings: settings, clock: FixedClock(minute(0)), pool: pool).add(to: &router)
      TicketsAPI(settings: settings, clock: FixedClock(minute(0)), pool: pool).add(to: &router)
      let served = router
      func ask(_ method: HTTPMethod, _ target: String, _ body: String = "", seen: String? = nil) async throws -> (status: Int, body: JSONValue, tag: String) {
        let headers: HTTPHeaders = seen.map { ["If-Match": $0] } ?? [:]
        let response = try await served.respond(to: try Request(method, target, headers: headers, body: Array(body.utf8)))
        return (
          response.status.rawValue, response.bytes.flatMap { $0.isEmpty ? nil : try? JSONValue($0) } ?? .null, response.headers["ETag"] ?? ""
        )
      }
      let opened = try await ask(.post, "/v1/tickets", #"{"actor":"Wang","customer_id":"00000000000000c5","text":"down"}"#)
      #expect(opened.body["owner"] == "An" && opened.body["team"] == "east")
      let staff = try await ask(.get, "/v1/staff").body
      #expect(staff["teams"]?.arrayValue?.map { $0["open"]?.int64Value } == [1, 0])
      #expect(staff["people"]?.arrayValue?.first?["open"] == 1)
      let onCall = JSONValue.object([
        JSONMember("now", ["person": "Mo", "from": "2026-11-30T01:00:00Z", "until": "2026-11-30T13:00:00Z"]),
        JSONMember("next", ["person": "Na", "from": "2026-12-01T01:00:00Z", "until": "2026-12-01T13:00:00Z"]),
      ])
      #expect(staff["teams"]?.arrayValue?.map { $0["on_call"] } == [onCall, .null])
      let away = #"{"actor":"Li","from":"2026-11-30T00:00:00Z","until":"2026-12-01T00:00:00Z","reason":"ill"}"#
      #expect(try await ask(.post, "/v1/staff/An/absences", away).body["absences"]?.arrayValue?.count == 1)
      #expect(try await ask(.post, "/v1/staff/Xu/absences", away).status == 404)
      let backwards = #"{"actor":"Li","from":"2026-11-30T00:00:00Z","until":"2026-11-29T00:00:00Z"}"#
      #expect(try await ask(.post, "/v1/staff/An/absences", backwards).body["errors"]?.arrayValue?.first?["field"] == "until")
      #expect(try await ask(.get, "/v1/staff").body["people"]?.arrayValue?.first?["is_absent"] == true)
      #expect(try await ask(.post, "/v1/staff/An/return", #"{"actor":"Li"}"#).body["absences"]?.arrayValue?.isEmpty == true)
      let path = "/v1/customers/00000000000000c5/attendant"
      let nobody = try await ask(.get, path)
      #expect(nobody.status == 200 && nobody.body["person"] == .null)
      let named = #"{"actor":"Li","person":"Mo","reason":"knows them"}"#
      #expect(try await ask(.post, path, named).status == 428)
      let first = try await ask(.post, path, named, seen: nobody.tag)
      #expect(first.status == 200 && first.body["person"] == "Mo" && first.tag != nobody.tag)
      #expect(try await ask(.post, path, named, seen: nobody.tag).status == 412)
      #expect(try await ask(.post, path, #"{"actor":"Li","person":"Xu","reason":"r"}"#, seen: first.tag).status == 422)
      #expect(try await ask(.get, "/v1/tickets?team=east").body["tickets"]?.arrayValue?.count == 1)
      await pool.close()
    }
  }
}
