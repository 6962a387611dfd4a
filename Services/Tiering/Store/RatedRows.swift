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

    init(_ rating: Rating) {
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
        confirmed_by = ($23::text[])[($17::int4[])[u.place]]
      FROM unnest($1::int8[], $2::text[], $3::text[]) WITH ORDINALITY AS u(customer_id, exact_score, inputs, place)
      WHERE c.customer_id = u.customer_id
      """)

  static func update(_ customers: [RatedCustomer], _ scratch: Scratch, _ session: PostgresSession) throws {
    guard !customers.isEmpty else { return }
    let rated = customers.compactMap { customer in customer.standing.map { (customer: customer, standing: $0) } }
    guard rated.count == customers.count else {
      // One without a rating has no values to be sent: rare, and written as a whole.
      try CustomerRow.update(customers.filter { $0.standing == nil }, scratch, session)
      return try update(rated.map(\.customer), scratch, session)
    }
    let written = try session.run(update) { parameters in
      parameters.int64Array(customers.lazy.map(\.id.number))
      texts(rated.lazy.map(\.standing), scratch, &parameters)
      figures(rated.lazy.map(\.standing), &parameters)
      parameters.timestamptzArray(customers.lazy.map { $0.ratedRealAt?.microseconds ?? .min })
      parameters.timestamptzArray(customers.lazy.map { $0.rateAfter?.microseconds ?? .min })
      parameters.int32Array(customers.lazy.map { $0.dueDay?.number ?? .min })
      common(rated.lazy.map(\.standing.rating), &parameters)
    }
    guard written == customers.count else { throw damaged("set of customers") }
  }

  private static func texts(_ standings: some Sequence<Standing>, _ scratch: Scratch, _ parameters: inout Parameters) {
    parameters.beginArray(.text)
    for standing in standings {
      guard let exact = standing.rating.exactScore else {
        parameters.elementNull()
        continue
      }
      scratch.filled({ RationalText.put(exact, into: &$0) }) { parameters.element(utf8: $0) }
    }
    parameters.endArray()
    parameters.beginArray(.text)
    for standing in standings { scratch.inputs(standing.inputs) { parameters.element(utf8: $0) } }
    parameters.endArray()
  }

  private static func figures(_ standings: some Sequence<Standing>, _ parameters: inout Parameters) {
    parameters.int64Array(standings.lazy.map(\.rating.version))
    parameters.int16Array(standings.lazy.map { $0.rating.score.map { Int16(clamping: $0) } ?? .min })
    parameters.timestamptzArray(standings.lazy.map(\.rating.tierSince.microseconds))
    parameters.timestamptzArray(standings.lazy.map(\.rating.ratedAt.microseconds))
    dates(standings.lazy.map(\.ratedDay), &parameters)
    dates(standings.lazy.map(\.rating.nextReview), &parameters)
    parameters.int32Array(standings.lazy.map { $0.recencyDays.map { Int32(clamping: $0) } ?? .min })
    parameters.int64Array(standings.lazy.map(\.frequency))
    parameters.int64Array(standings.lazy.map(\.monetary))
    parameters.boolArray(standings.lazy.map(\.isRetired))
  }

  private static func dates(_ days: some Sequence<Day>, _ parameters: inout Parameters) {
    parameters.beginArray(.date)
    for day in days { parameters.element(unixDays: day.number) }
    parameters.endArray()
  }

  private static func common(_ ratings: some Sequence<Rating>, _ parameters: inout Parameters) {
    var places: [Common: Int32] = [:]
    var all: [Common] = []
    parameters.beginArray(.int4)
    for rating in ratings {
      let one = Common(rating)
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
  }
}
