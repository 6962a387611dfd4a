// The tables in PostgreSQL do what the dictionaries do, and rules stay explainable.
import Documents
import Contracts
import Domain
import Postgres
import Runtime
import TestSupport
import Testing
import TieringCore
import TieringStore

@testable import tiering

@Suite("Tables in PostgreSQL", .enabled(if: TestDatabase.isAvailable, Comment(rawValue: TestDatabase.whyNot)))
struct StoreTests {
  @Test(
    "The same snapshots leave in PostgreSQL what they leave in memory, to the last column, and end in the same ratings in any order",
    arguments: 1...4)
  func sameAsMemory(seed: UInt64) async throws {
    let rules = try Shipped.rules(growth: IndustryGrowth(["retail": Rational(5)]), review: seed.isMultiple(of: 2) ? "b2c" : "b2b")
    var random = SplitMix(seed)
    let stream = SnapshotStream(seed: seed + 1_000)
    var ends: [[CustomerID: SnapshotStream.Essence]] = []
    for _ in 0..<2 {
      let start = random
      let (stored, next) = try await Tables.session { session -> ([CustomerID: RatedCustomer], SplitMix) in
        var random = start
        var memory = MemoryTieringStore()
        try stream.play(&random) { step in
          switch step {
          case .batch(let items, let moment):
            _ = try TieringBatch.receive(items, &memory, rules: rules, at: moment)
            try session.transaction { session in
              var store = PostgresTieringStore(session, zone: rules.zone)
              _ = try TieringBatch.receive(items, &store, rules: rules, at: moment)
            }
          case .due(let moment):
            _ = try memory.rateDue(memory.waiting.filter { $0.value <= moment.real }.map(\.key), rules, at: moment)
            try Tables.rateDue(rules, at: moment, session)
          }
          try same(try Tables.due(kind: TieringWork.rating, session), memory.waiting)
        }
        let stored = try Tables.customers(session)
        try same(stored, memory.customers)
        let history = memory.history.sorted { ($0.customer, $0.standing.rating.version) < ($1.customer, $1.standing.rating.version) }
        try same(try Tables.history(session), history)
        try same(try ProposalRow.list(ProposalFilter(), after: nil, limit: 100, session).map(\.customer).sorted(), memory.proposals.keys.sorted())
        for (id, proposal) in memory.proposals { try same(try ProposalRow.proposal(of: id, session), proposal) }
        try same(try Tables.due(kind: TieringWork.day, session), memory.dueDays.mapValues { rules.zone.startOfDay($0) })
        return (stored, random)
      }
      random = next
      ends.append(SnapshotStream.essence(stored.values))
    }
    #expect(ends[0] == ends[1])
  }

  @Test("Every column of a customer and of a rating comes back as it was written, empty ones too")
  func roundTrip() async throws {
    let (vip, key, normal) = (try #require(tierID("vip")), try #require(tierID("key")), try #require(tierID("normal")))
    let terms = OverrideTerms(tier: vip, until: day("1999-01-01"), atNextRating: .floor, actor: "李", reason: "战略客户")
    let full = RatedCustomer(
      id: customer(7), profileVersion: 3, mergedInto: customer(9), memberID: "会员", firstSeenAt: Instant(microseconds: 1), stage: .dormant,
      industry: "retail",
      ledger: DayLedger(
        days: [DayEntry(day: day("1998-01-01"), paidOrders: 2, countedOrders: 1, spend: -5)],
        older: .init(paidOrders: 4, countedOrders: 3, spend: 2, firstPaidDay: day("1960-01-01"), lastPaidDay: day("1997-01-01"))),
      lastContactDay: day("1998-02-03"), factsAsOf: Instant(microseconds: 2),
      standing: Standing(
        rating: Rating(
          version: 12, tier: key, decided: tierID("normal"), score: 75, exactScore: Rational(301, over: 4),
          scorecard: .init(name: "a", version: 2),
          policy: .init(name: "score", version: 3), tierSince: Instant(microseconds: 3), ratedAt: Instant(microseconds: 4),
          nextReview: day("1999-01-01"),
          confirmedBy: .reviewer("li")),
        inputs: RatingInputs(
          values: IndicatorValues([.monetary: try #require(Rational(-7, over: 3)), .recencyDays: Rational(4)]),
          lastInteraction: day("1998-01-01"),
          factsAsOf: Instant(microseconds: 2)),
        ratedDay: day("1998-07-01"), recencyDays: 4, frequency: 5, monetary: 6, isRetired: true,
        proposed: tierID("vip")),
      course: TierCourse(
        start: DayStart(day: day("1998-07-01"), decided: tierID("vip"), confirmed: tierID("watch")),
        review: ReviewState(
          proposal: OpenProposal(tier: vip, openedAt: Instant(microseconds: 7), expires: day("1998-07-31"), terms: terms),
          closed: ClosedProposal(tier: vip, cause: .rejected(score: nil)),
          override: TierOverride(terms: terms, before: normal, since: day("1998-06-30"), confirmedBy: "王\n\"5\""), isOptedOut: true,
          landing: Landing(tier: key, until: day("1998-08-02")),
          notice: LossNotice(day: day("1998-10-01"), tier: normal, text: LocalizedName(en: "2 more orders", zh: "再下 2 单")))),
      ratedRealAt: Instant(microseconds: 5), rateAfter: Instant(microseconds: 6), dueDay: day("1998-08-01"))
    let empty = RatedCustomer(
      id: customer(8), profileVersion: 1, firstSeenAt: Instant(microseconds: 1), stage: .potential, ledger: DayLedger(),
      factsAsOf: Instant(microseconds: 2))
    let standing = try #require(full.standing)
    let record = RatingRecord(
      customer: customer(7), reason: .overrideAsked, standing: standing, tierBefore: tierID("vip"),
      action: ReviewAction(actor: "李", reason: "战略客户", terms: terms))
    let proposal = Proposal(
      customer: customer(7), memberID: "会员", tier: key, open: try #require(full.course.review.proposal), score: 75, cause: .overrideAsked, version: 12)
    var changes = TieringChanges()
    changes.newCustomers = [full, empty]
    changes.history = [record]
    changes.proposals = [proposal]
    let written = changes
    try await Tables.session { session in
      var store = PostgresTieringStore(session, zone: .utc)
      try store.write(written)
      try same(try Tables.customers(session), [full.id: full, empty.id: empty])
      try same(try Tables.history(session), [record])
      try same(try ProposalRow.proposal(of: full.id, session), proposal)
      // The row by which many customers are rated anew holds the same.
      var again = TieringChanges()
      var moved = full
      moved.standing?.rating.version = 13
      moved.course.start = nil
      moved.course.review = ReviewState(closed: ClosedProposal(tier: vip, cause: .expired))
      again.ratedCustomers = [moved]
      again.closedProposals = [full.id]
      try store.write(again)
      try same(try Tables.customers(session)[full.id], moved)
      try same(try ProposalRow.proposal(of: full.id, session), nil)
    }
  }

  @Test("Rules are registered once; a file that changed under the same version is refused with the way out")
  func register() async throws {
    let scorecard = try Shipped.scorecard("rfm-plus")
    let policies = try Shipped.policies()
    let benefits = try Shipped.benefits()
    try await Tables.session { session in
      for _ in 0..<2 { try RuleRegister.register([scorecard], policies, benefits, at: Instant(seconds: 0), session) }
      try same(try ScorecardLife.cards(session).map(\.reference), [scorecard.content.reference])
      let changed = RuleFile(content: scorecard.content, yaml: scorecard.yaml + "# more\n", source: "mine.yaml")
      let refusal = Result { try RuleRegister.register([changed], policies, benefits, at: Instant(seconds: 0), session) }
      try same(
        refusal.problem,
        "mine.yaml differs from the registered scorecard rfm-plus v1: ratings were made by that one; "
          + "raise the version in the file, or restore the file"
      )
      let other = RuleFile(content: policies.content, yaml: policies.yaml + "# more\n", source: "policies.yaml")
      let second = Result { try RuleRegister.register([scorecard], other, benefits, at: Instant(seconds: 0), session) }
      try same(second.problem?.hasPrefix("policies.yaml differs from the registered policies v2"), true)
      let better = RuleFile(content: benefits.content, yaml: benefits.yaml + "# more\n", source: "gifts.yaml")
      let third = Result { try RuleRegister.register([scorecard], policies, better, at: Instant(seconds: 0), session) }
      try same(
        third.problem,
        "gifts.yaml differs from the registered benefits v2: customers were answered by that one; raise the version in the file, or restore the file")
      try same(try RuleRegister.scorecard(scorecard.content.reference, session), scorecard.content)
      try same(try RuleRegister.policy(policies.content.inForce.reference, session), policies.content.inForce)
    }
  }

  @Test("At a start with another scorecard exactly the customers rated by the former one are marked to be rated")
  func markOthers() async throws {
    let rules = try Shipped.rules()
    let other = try Shipped.rules(scorecard: "standard")
    try await Tables.session { session in
      var store = PostgresTieringStore(session, zone: .utc)
      let items = [snapshot(1, 1), snapshot(2, 1), snapshot(3, 1)].map(received)
      _ = try TieringBatch.receive(items, &store, rules: rules, at: moment("1998-07-01"))
      _ = try TieringBatch.receive([received(snapshot(3, 2, merged: 1))], &store, rules: rules, at: moment("1998-07-01"))
      try same(try RuleRegister.markRatedByOthers(rules, session), 0)
      _ = try TieringBatch.rateDue([customer(2)], &store, rules: other, at: moment("1998-07-01"), ignoringInterval: true)
      try same(try RuleRegister.markRatedByOthers(other, session), 1)
      try same(try Tables.due(kind: TieringWork.rating, session), [customer(1): TieringWork.now])
    }
  }

  @Test("While a tier is on its way its customer is marked to be looked at: by another lane that rates it, and by its own that publishes nothing more")
  func overtakingIsNoticed() async throws {
    let rules = try Shipped.rules()
    try await Tables.session { session in
      let marked = Statement(name: "", sql: "SELECT count(*) FROM unsettled WHERE after_row = 1")
      try session.transaction { session in
        var store = PostgresTieringStore(session, lane: "snapshots", zone: .utc)
        _ = try TieringBatch.receive([received(snapshot(1, 1)), received(snapshot(2, 1))], &store, rules: rules, at: moment("1998-07-01"))
        try session.execute("INSERT INTO outbox (lane, topic, part, first_seq, records, body, made_at) VALUES ('snapshots', 't', 0, 1, 1, '', now())")
      }
      for (lane, id, expected) in [("snapshots", 1, 1), ("due", 2, 2)] as [(String, Int64, Int64)] {
        try session.transaction { session in
          var store = PostgresTieringStore(session, lane: lane, zone: .utc)
          _ = try TieringBatch.rateDue([customer(id)], &store, rules: rules, at: moment("1998-07-01"), ignoringInterval: true)
        }
        try same(try session.query(marked).int64(0, 0), expected)
      }
    }
  }

  @Test("Asking for all ratings now passes over those the due lane is at, and never waits for it")
  func rateNowSkips() async throws {
    try await Tables.with { settings in
      try await Tables.session(settings) { holder in
        try holder.execute("INSERT INTO due_work (kind, id, due_at) SELECT \(TieringWork.rating), n, now() FROM generate_series(1, 3) n")
        try holder.execute("BEGIN; SELECT FROM due_work WHERE id = 2 FOR UPDATE")
        let other = try PostgresSession(settings)
        defer { other.close() }
        try same(try TierQueries.rateNow(other), 2)
        try same(try TierQueries.waiting(other), 3)
        try holder.execute("ROLLBACK")
      }
    }
  }

  @Test("A change that comes while the due lane rates its customer waits for it and is marked again: no change is forgotten")
  func changeDuringDueRating() async throws {
    let rules = try Shipped.rules()
    try await Tables.with { settings in
      try await Tables.session(settings) { session in
        var store = PostgresTieringStore(session, zone: .utc)
        _ = try TieringBatch.receive([received(snapshot(1, 1))], &store, rules: rules, at: moment("1998-07-01"))
        _ = try TieringBatch.receive([received(snapshot(1, 2))], &store, rules: rules, at: moment("1998-07-01", seconds: 1))
      }
      let lane = try await Tables.session(settings) { LaneHold(session: try PostgresSession(settings), pid: $0.backendPID) }
      try await TestDatabase.blocking {
        let session = lane.session
        try session.execute("BEGIN; SELECT FROM due_work WHERE kind = 1 FOR UPDATE SKIP LOCKED")
        var store = PostgresTieringStore(session, zone: .utc)
        let outcome = try TieringBatch.rateDue([customer(1)], &store, rules: rules, at: moment("1998-07-01", seconds: 61))
        try same(outcome.rated, 1)
      }
      async let change: Void = Tables.session(settings) { session in
        try session.transaction { session in
          var store = PostgresTieringStore(session, zone: .utc)
          let outcome = try TieringBatch.receive([received(snapshot(1, 3))], &store, rules: rules, at: moment("1998-07-01", seconds: 62))
          try same(outcome.waiting, 1)
        }
      }
      let isBlocked = Statement(
        name: "", sql: "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database())")
      _ = try await eventually("the change waits for the lane") {
        try await Tables.session(settings) { try $0.query(isBlocked).bool(0, 0) } ? true : nil
      }
      try await TestDatabase.blocking {
        try lane.session.execute("DELETE FROM due_work WHERE kind = 1; COMMIT")
        lane.session.close()
      }
      try await change
      try await Tables.session(settings) { session in
        try same(try Tables.due(kind: TieringWork.rating, session), [customer(1): moment("1998-07-01", seconds: 121).real])
        let stored = try Tables.customers(session)
        try same(stored[customer(1)]?.profileVersion, 3)
      }
    }
  }
}

/// A session handed from one blocking call to the next, which never overlap.
///
/// `@unchecked` is true because the test awaits each call before it makes the next.
struct LaneHold: @unchecked Sendable {
  let session: PostgresSession
  let pid: Int32
}

extension Result {
  /// What the error says; nil when there is none.
  fileprivate var problem: String? { if case .failure(let error) = self { "\(error)" } else { nil } }
}
