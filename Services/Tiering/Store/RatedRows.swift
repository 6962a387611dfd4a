// Ratings that changed while nothing else did: the rows of many customers rated anew (`docs/performance.md`).
import Domain
import Postgres
import TieringCore

enum RatedRow {
  /// What few ratings differ in: sent once for all that have it in common, and named by its place.
  private struct Common: Hashable {
    let tier: TierID
    let scorecard: ScorecardReference
    let policy: PolicyReference
    let confirmedBy: RatingConfirmation
    let decided: TierID
    let proposed: TierID?
    let start: DayStart?

    init(_ standing: Standing, _ start: DayStart?) {
      let rating = standing.rating
      decided = rating.decided
      proposed = standing.proposed
      self.start = start
      tier = rating.tier
      scorecard = rating.scorecard
      policy = rating.policy
      confirmedBy = rating.confirmedBy
    }

    var reviewer: String? { if case .reviewer(let name) = confirmedBy { name } else { nil } }
  }

  // Arrays of fixed width are subscripted: unnesting each of them would fill a tuple store of its own. An array that holds a NULL is searched from
  // its beginning by every subscript: so no value is the least one of its type here. The arrays of what ratings have in common are short.
  private static let update = Statement(
    name: "customers_rate",
    sql: """
      UPDATE customers c SET exact_score = u.exact_score, inputs = u.inputs, rating_version = ($4::int8[])[u.place],
        score = nullif(($5::int2[])[u.place], -32768), tier_since = ($6::timestamptz[])[u.place], rated_at = ($7::timestamptz[])[u.place],
        rated_day = ($8::date[])[u.place], next_review = ($9::date[])[u.place], recency_days = nullif(($10::int4[])[u.place], -2147483648),
        frequency = ($11::int8[])[u.place], monetary = ($12::int8[])[u.place], retired = ($13::bool[])[u.place],
        rated_real_at = nullif(($14::timestamptz[])[u.place], '-infinity'), rate_after = nullif(($15::timestamptz[])[u.place], '-infinity'),
        due_day = date '1970-01-01' + nullif(($16::int4[])[u.place], -2147483648), tier = ($18::text[])[($17::int4[])[u.place]],
        scorecard = ($19::text[])[($17::int4[])[u.place]], scorecard_version = ($20::int4[])[($17::int4[])[u.place]],
        policy = ($21::text[])[($17::int4[])[u.place]], policy_version = ($22::int4[])[($17::int4[])[u.place]],
        confirmed_by = ($23::text[])[($17::int4[])[u.place]], decided_tier = ($24::text[])[($17::int4[])[u.place]],
        proposed_tier = ($25::text[])[($17::int4[])[u.place]], day_start = ($26::date[])[($17::int4[])[u.place]],
        day_decided = ($27::text[])[($17::int4[])[u.place]], day_tier = ($28::text[])[($17::int4[])[u.place]], review = u.review
      FROM unnest($1::int8[], $2::text[], $3::text[], $29::text[]) WITH ORDINALITY AS u(customer_id, exact_score, inputs, review, place)
      WHERE c.customer_id = u.customer_id
      """)

  static func update(_ customers: [RatedCustomer], _ scratch: Scratch, _ session: PostgresSession) throws {
    guard !customers.isEmpty else { return }
    let standings = customers.compactMap(\.standing)
    guard standings.count == customers.count else {
      // One without a rating has no values to be sent: rare, and written as a whole.
      try CustomerRow.update(customers.filter { $0.standing == nil }, scratch, session)
      return try update(customers.filter { $0.standing != nil }, scratch, session)
    }
    try session.runLater(update, rows: customers.count, otherwise: .damaged) { parameters in
      column(.int8, customers, &parameters) { $1.element(int64: $0.id.number) }
      column(.text, standings, &parameters) { standing, parameters in
        guard let exact = standing.rating.exactScore else { return parameters.elementNull() }
        scratch.filled({ RationalText.put(exact, into: &$0) }) { parameters.element(utf8: $0) }
      }
      column(.text, standings, &parameters) { standing, parameters in scratch.inputs(standing.inputs) { parameters.element(utf8: $0) } }
      figures(standings, &parameters)
      column(.timestamptz, customers, &parameters) { $1.element(timestamptz: $0.ratedRealAt?.microseconds ?? .min) }
      column(.timestamptz, customers, &parameters) { $1.element(timestamptz: $0.rateAfter?.microseconds ?? .min) }
      column(.int4, customers, &parameters) { $1.element(int32: $0.dueDay?.number ?? .min) }
      common(standings, customers.map(\.course.start), &parameters)
      ReviewText.bind(customers, &parameters)
    }
  }

  private static func figures(_ standings: [Standing], _ parameters: inout Parameters) {
    column(.int8, standings, &parameters) { $1.element(int64: $0.rating.version) }
    column(.int2, standings, &parameters) { $1.element(int16: $0.rating.score.map { Int16(clamping: $0) } ?? .min) }
    column(.timestamptz, standings, &parameters) { $1.element(timestamptz: $0.rating.tierSince.microseconds) }
    column(.timestamptz, standings, &parameters) { $1.element(timestamptz: $0.rating.ratedAt.microseconds) }
    column(.date, standings, &parameters) { $1.element(unixDays: $0.ratedDay.number) }
    column(.date, standings, &parameters) { $1.element(unixDays: $0.rating.nextReview.number) }
    column(.int4, standings, &parameters) { $1.element(int32: $0.recencyDays.map { Int32(clamping: $0) } ?? .min) }
    column(.int8, standings, &parameters) { $1.element(int64: $0.frequency) }
    column(.int8, standings, &parameters) { $1.element(int64: $0.monetary) }
    column(.bool, standings, &parameters) { $1.element(bool: $0.isRetired) }
  }

  /// One array. Rows are lent, not copied: they hold a dozen texts each.
  @inline(__always)
  private static func column<Row>(
    _ type: PostgresType, _ rows: [Row], _ parameters: inout Parameters, _ element: (borrowing Row, inout Parameters) -> Void
  ) {
    parameters.beginArray(type)
    for place in rows.indices { element(rows[place], &parameters) }
    parameters.endArray()
  }

  private static func common(_ standings: [Standing], _ starts: [DayStart?], _ parameters: inout Parameters) {
    var places: [Common: Int32] = [:]
    var all: [Common] = []
    parameters.beginArray(.int4)
    for place in standings.indices {
      let one = Common(standings[place], starts[place])
      if let place = places[one] {
        parameters.element(int32: place)
      } else {
        all.append(one)
        places[one] = Int32(all.count)
        parameters.element(int32: Int32(all.count))
      }
    }
    parameters.endArray()
    parameters.textArray(all.map(\.tier.text))
    parameters.textArray(all.map(\.scorecard.name))
    parameters.int32Array(all.map { Int32(clamping: $0.scorecard.version) })
    parameters.textArray(all.map(\.policy.name))
    parameters.int32Array(all.map { Int32(clamping: $0.policy.version) })
    parameters.textArray(nullable: all.map(\.reviewer))
    parameters.textArray(all.map(\.decided.text))
    parameters.textArray(nullable: all.map { $0.proposed?.text })
    StandingColumns.dates(all.map { $0.start?.day }, &parameters)
    parameters.textArray(nullable: all.map { $0.start?.decided?.text })
    parameters.textArray(nullable: all.map { $0.start?.confirmed?.text })
  }
}
