// What is kept and shown of one customer over HTTP: as of a day, and on one timeline over all channels (P-05, P-12, P-13).
import Access
import Domain
import HTTP
import Handling
import Hashing
import Postgres
import ProfileCore
import ProfileStore
import Runtime
import TestSupport
import Testing
import Text

@testable import profile

private let member = Identifier(kind: .memberID, value: "M1")
private let phone = Identifier(kind: .phone, value: "+8613800001001")
private let zone = BusinessZone.utc

private func moment(_ day: String, _ seconds: Int64 = 0) -> Instant { (Day(day).map { zone.startOfDay($0) } ?? Instant(seconds: 0)).adding(seconds: seconds) }

private func interaction(_ event: InteractionEvent) throws -> Arrival {
  let named = event.identifiers.map { Sighting.Named(key: testKey($0), identifier: $0) }
  return Arrival(event: .interaction(event), sighting: Sighting(named: named, at: event.occurredAt, eventID: event.eventID))
}

@Suite(.enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)")) struct CustomerViewTests {
  private static let environment: ProfileEnvironment? = (try? Pseudonyms(key: Array("0123456789abcdef0123456789abcdef".utf8))).map {
    ProfileEnvironment(rules: rules, currency: .cny, pseudonyms: $0)
  }

  private func facts() throws -> [Arrival] {
    let order = OrderEvent(
      kind: .order, source: "shop", eventID: "o1", orderID: "o1", occurredAt: moment("2001-01-05"), paidAt: moment("2001-01-06"),
      money: Money(minorUnits: 10_000, currency: .cny), baseMinorUnits: 10_000, channel: "web", identifiers: [member])
    let refund = OrderEvent(
      kind: .refund, source: "shop", eventID: "r1", orderID: "o1", reference: "r1", occurredAt: moment("2001-03-01"),
      money: Money(minorUnits: 4_000, currency: .cny), baseMinorUnits: 4_000, identifiers: [member])
    return [
      arrival(order), arrival(refund),
      arrival(
        CustomerEvent(
          source: "members", eventID: "reg", occurredAt: moment("2001-01-01"), identifiers: [member, phone], attributes: [.region: "Shanghai"])),
      arrival(CustomerEvent(source: "members", eventID: "moved", occurredAt: moment("2001-06-01"), identifiers: [member], attributes: [.region: "Beijing"])),
      try interaction(
        .contact(
          ContactEvent(
            source: "hotline", eventID: "c1", occurredAt: moment("2001-02-01"), channel: "phone", kind: .complaint, text: "late", identifiers: [phone]))),
      try interaction(
        .behaviour(BehaviourEvent(source: "app", eventID: "b1", occurredAt: moment("2001-02-02"), name: "visit", count: 3, identifiers: [member]))),
      try interaction(
        .behaviour(BehaviourEvent(source: "app", eventID: "b2", occurredAt: moment("2001-04-02"), name: "visit", count: 2, identifiers: [phone]))),
      try interaction(
        .answer(
          AnswerEvent(source: "survey", eventID: "a1", occurredAt: moment("2001-02-03"), survey: "nps", metric: .nps, score: 3, identifiers: [member]))),
    ]
  }

  private func withTables(_ body: @escaping @Sendable (PostgresSession, CustomerID) throws -> Void) async throws {
    let facts = try facts()
    try await withProfileTables { session in
      // Twice, and the second time in the opposite order.
      for fact in facts + facts.reversed() {
        try session.transaction { session in
          var store = PostgresProfileStore(session)
          _ = try ProfileBatch.apply([fact], to: &store, rules: rules, at: evaluation)
        }
      }
      try body(session, try #require(try ProfileQueries.customer(with: testKey(member), session)))
    }
  }

  private func entries(_ page: JSONValue) -> [String] { (page["entries"]?.arrayValue ?? []).compactMap { $0["type"]?.stringValue } }

  @Test func everythingLiesOnOneTimelineOnceNewestFirstWhateverItsChannel() async throws {
    let environment = try #require(Self.environment)
    try await withTables { session, id in
      let view = TimelineView(environment: environment)
      let all = try view.page(of: id, try TimelineQuestion(try Request(.get, "/x"), zone: zone), to: try Request(.get, "/x"), session)
      #expect(
        entries(all) == ["registration", "behaviour", "refund", "answer", "behaviour", "contact", "payment", "order", "registration"])
      #expect(all["next"] == .null)
      #expect(all["entries"]?[5]?["text"] == "late")
    }
  }

  @Test func pagesFollowEachOtherWithoutAGapOrARepeat() async throws {
    let environment = try #require(Self.environment)
    try await withTables { session, id in
      let view = TimelineView(environment: environment)
      var found: [String] = []
      var next: String? = nil
      repeat {
        let target = "/x?limit=2" + (next.map { "&before=\($0)" } ?? "")
        let page = try view.page(of: id, try TimelineQuestion(try Request(.get, target), zone: zone), to: try Request(.get, target), session)
        found += entries(page)
        next = page["next"]?.stringValue?.replacing(" ", with: "%20")
      } while next != nil
      #expect(found == ["registration", "behaviour", "refund", "answer", "behaviour", "contact", "payment", "order", "registration"])
      let asked = try Request(.get, "/x?kinds=contact,answer&as_of=2001-02-02")
      let some = try view.page(of: id, try TimelineQuestion(asked, zone: zone), to: asked, session)
      #expect(entries(some) == ["contact"])
      for bad in ["/x?limit=0", "/x?before=1", "/x?kinds=dreams", "/x?as_of=soon"] {
        #expect(throws: Problem.self, "\(bad)") { try TimelineQuestion(try Request(.get, bad), zone: zone) }
      }
    }
  }

  @Test func wordsAndIdentifiersAreMaskedAndALookShowsThemAndNotesWhose() async throws {
    let environment = try #require(Self.environment)
    let call = try interaction(
      .contact(
        ContactEvent(
          source: "hotline", eventID: "c1", occurredAt: moment("2001-02-01"), channel: "phone", text: "call 13812340000", identifiers: [member, phone])))
    try await withProfileTables { session in
      try Self.take([("2001-02-02", call)], plain: false, session)
      let id = try #require(try ProfileQueries.customer(with: testKey(member), session))
      let customer = try #require(try ProfileAPI.standing(id, session))
      var store = PostgresProfileStore(session)
      let facts = try CustomerFacts.load([customer.id], from: &store)
      let tags = try TagView(of: customer.id, facts, environment, on: Day(number: 12_000), isPast: true, session)
      func shown(_ look: Look?) throws -> (text: JSONValue?, identifiers: [String]) {
        var request = try Request(.get, "/x")
        request.look = look
        let page = try TimelineView(environment: environment).page(of: customer.id, try TimelineQuestion(request, zone: zone), to: request, session)
        let view = CustomerView(
          customer: customer, facts: facts, asked: customer.id, environment: environment, today: Day(number: 12_000), asOf: nil, tags: tags, request: request)
        return (page["entries"]?[0]?["text"], (view.json["identifiers"]?.arrayValue ?? []).compactMap { $0["value"]?.stringValue }.sorted())
      }
      let hidden = try shown(nil)
      #expect(hidden.text == "call 138****0000" && hidden.identifiers.count == 2 && !hidden.identifiers.contains("+8613800001001"))
      let look = Look(reason: "calling back")
      let full = try shown(look)
      #expect(full.text == "call 13812340000" && full.identifiers == ["+8613800001001", "M1"])
      #expect(look.end() == [SeenData(customer: customer.id, fields: ["contact.text", "identifier.phone"])])
    }
  }

  @Test func asKnownOnADayOnlyWhatHadComeInByThenCounts() async throws {
    let environment = try #require(Self.environment)
    func order(_ revision: Int64, _ amount: Int64) -> Arrival {
      arrival(
        OrderEvent(
          kind: .order, source: "shop", eventID: "o1-\(revision)", orderID: "o1", revision: revision, occurredAt: moment("2001-01-05"),
          paidAt: moment("2001-01-05"), money: Money(minorUnits: amount, currency: .cny), baseMinorUnits: amount, channel: "web", identifiers: [member]))
    }
    let refund = arrival(
      OrderEvent(
        kind: .refund, source: "shop", eventID: "r1", orderID: "o1", reference: "r1", occurredAt: moment("2001-02-01"),
        money: Money(minorUnits: 1_000, currency: .cny), baseMinorUnits: 1_000, identifiers: [member]))
    let moved = arrival(
      CustomerEvent(source: "m", eventID: "moved", occurredAt: moment("2001-01-20"), identifiers: [member], attributes: [.region: "Beijing"]))
    let visit = try interaction(
      .behaviour(BehaviourEvent(source: "app", eventID: "v", occurredAt: moment("2001-01-10"), name: "visit", count: 2, identifiers: [member])))
    // The day on which each becomes known; each once more long after, and the phone's customer joins late.
    let joined = arrival(CustomerEvent(source: "m", eventID: "both", occurredAt: moment("2001-04-01"), identifiers: [member, phone]))
    let taken: [(String, Arrival)] = [
      ("2001-01-06", order(1, 10_000)), ("2001-03-01", order(2, 8_000)), ("2001-03-05", refund), ("2001-03-07", moved), ("2001-03-09", visit),
      ("2001-05-01", joined), ("2001-06-01", order(1, 10_000)), ("2001-06-01", refund), ("2001-06-01", visit), ("2001-06-01", moved),
    ]
    try await withProfileTables { session in
      for plain in [false, true] {
        try session.execute("TRUNCATE identities, customers, orders, registrations, interactions, bonds, merges, due_work")
        try Self.take(taken, plain: plain, session)
        func shown(_ asOf: String, _ known: String) throws -> JSONValue {
          let id = try #require(try ProfileQueries.customer(with: testKey(member), session))
          let (asOf, known) = (try #require(Day(asOf)), try #require(Day(known)))
          let customer = try #require(try ProfileAPI.standing(id, session))
          var store = PostgresProfileStore(session)
          let facts = try CustomerFacts.load([customer.id], knownOn: known, from: &store)
          let tags = try TagView(of: customer.id, facts, environment, on: asOf, isPast: true, session)
          return CustomerView(
            customer: environment.state(of: customer, facts, on: asOf), facts: facts, asked: id, environment: environment, today: asOf, asOf: asOf, tags: tags,
            request: try Request(.get, "/")
          ).json
        }
        let first = try shown("2001-02-15", "2001-02-28")
        #expect(first["monetary"] == "100.00" && first["attributes"]?["region"] == nil && first["behaviours"]?["visit"] == nil)
        #expect(first["orders"]?[0]?["revision"] == 1 && first["orders"]?[0]?["known_on"] == "2001-01-06" && first["known_on"] == "2001-02-28")
        let revised = try shown("2001-02-15", "2001-03-01")
        #expect(revised["monetary"] == "80.00" && revised["orders"]?[0]?["revision"] == 2)
        let refunded = try shown("2001-02-15", "2001-03-06")
        #expect(refunded["monetary"] == "70.00" && refunded["attributes"]?["region"] == nil)
        #expect(try shown("2001-01-25", "2001-03-08")["attributes"]?["region"] == "Beijing")
        #expect(try shown("2001-01-25", "2001-03-08")["monetary"] == "80.00")
        #expect(try shown("2001-02-15", "2001-07-01")["behaviours"]?["visit"] == 2)
        #expect(try shown("2001-02-15", "2001-01-05")["orders"]?.arrayValue?.isEmpty == true)
        try Self.timelineIsOfWhatWasKnown(environment, session)
      }
    }
  }

  /// Each fact in a batch of its own, on its day.
  private static func take(_ taken: [(String, Arrival)], plain: Bool, _ session: PostgresSession) throws {
    var lane = TestLane(customersMax: 100, recentOrdersMax: 100)
    for (day, fact) in taken {
      let now = moment(day, 3_600)
      try lane.apply([fact]) { known, batch in
        try session.transaction { session in
          var store = PostgresProfileStore(session)
          if !plain { known.forget() }
          _ = try batch.bytes.withUnsafeBytes { try ProfileBatch.apply(batch.items, $0, to: &store, known: &known, rules: rules, at: now) }
        }
      }
    }
  }

  private static func timelineIsOfWhatWasKnown(_ environment: ProfileEnvironment, _ session: PostgresSession) throws {
    let id = try #require(try ProfileQueries.customer(with: testKey(member), session))
    func types(_ query: String) throws -> [String] {
      let request = try Request(.get, "/x?" + query)
      let page = try TimelineView(environment: environment).page(of: id, try TimelineQuestion(request, zone: zone), to: request, session)
      return (page["entries"]?.arrayValue ?? []).compactMap { $0["type"]?.stringValue }
    }
    #expect(try types("known_on=2001-02-28") == ["payment", "order"])
    #expect(try types("known_on=2001-03-09&as_of=2001-01-31") == ["registration", "behaviour", "payment", "order"])
    #expect(try types("known_on=2001-07-01") == ["registration", "refund", "registration", "behaviour", "payment", "order"])
  }

  @Test func asOfADayOnlyWhatHadHappenedByThenCounts() async throws {
    let environment = try #require(Self.environment)
    try await withTables { session, id in
      func shown(_ day: String) throws -> JSONValue {
        let asOf = try #require(Day(day))
        let customer = try #require(try ProfileAPI.standing(id, session))
        var store = PostgresProfileStore(session)
        let facts = try CustomerFacts.load([customer.id], from: &store)
        let tags = try TagView(of: customer.id, facts, environment, on: asOf, isPast: true, session)
        return CustomerView(
          customer: environment.state(of: customer, facts, on: asOf), facts: facts, asked: id, environment: environment, today: asOf, asOf: asOf, tags: tags,
          request: try Request(.get, "/")
        ).json
      }
      let february = try shown("2001-02-28")
      #expect(february["monetary"] == "100.00" && february["refund_rate"] == "0.0000" && february["attributes"]?["region"] == "Shanghai")
      #expect(february["behaviours"]?["visit"] == 3)
      let july = try shown("2001-07-01")
      #expect(july["monetary"] == "60.00" && july["refund_rate"] == "0.4000" && july["attributes"]?["region"] == "Beijing")
      #expect(july["average_order_value"] == "60.00" && july["channels"]?[0]?["name"] == "web")
      #expect(july["behaviours"]?["visit"] == 5)
      let before = try shown("2000-12-31")
      #expect(before["monetary"] == "0.00" && before["orders"]?.arrayValue?.isEmpty == true && before["identifiers"]?.arrayValue?.isEmpty == true)
    }
  }
}
