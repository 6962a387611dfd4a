// Rows of customers and of the rating history, to and from the use cases' values.
import Contracts
import Domain
import Postgres
import Text
import TieringCore

/// Memory for one value at a time, used again and again.
final class Scratch {
  private var buffer = ByteBuffer(capacityBytes: 4_096)
  private var number = ByteBuffer()

  func filled<Value>(_ fill: (inout ByteBuffer) -> Void, _ body: (UnsafeRawBufferPointer) -> Value) -> Value {
    buffer.removeAll()
    fill(&buffer)
    return buffer.withUnsafeBytes(body)
  }

  func inputs<Value>(_ inputs: RatingInputs, _ body: (UnsafeRawBufferPointer) -> Value) -> Value {
    buffer.removeAll()
    InputsText.put(inputs, into: &buffer, number: &number)
    return buffer.withUnsafeBytes(body)
  }
}

/// The columns a rating has in both tables, in this order.
enum StandingColumns {
  static let names = [
    "tier", "score", "exact_score", "scorecard", "scorecard_version", "policy", "policy_version", "tier_since", "rated_at", "rated_day",
    "next_review",
    "confirmed_by", "inputs", "recency_days", "frequency", "monetary", "retired", "decided_tier", "proposed_tier",
  ]
  static let types: [PostgresType] = [
    .text, .int2, .text, .text, .int4, .text, .int4, .timestamptz, .timestamptz, .date, .date, .text, .text, .int4, .int8,
    .int8, .bool, .text, .text,
  ]

  /// The rating whose first column is `first`; nil when there is none yet.
  static func read(_ rows: Rows, _ row: Int, version: Int64, from first: Int) throws -> Standing? {
    guard let tier = try rows.textOrNil(row, first) else { return nil }
    guard let id = TierID(tier) else { throw damaged("tier") }
    let rating = Rating(
      version: version, tier: id, decided: try tierOrNil(rows, row, first + 17), score: try rows.int16OrNil(row, first + 1).map(Int.init),
      exactScore: try rows.withBytes(row, first + 2) { $0.flatMap(RationalText.read) },
      scorecard: ScorecardReference(name: try rows.text(row, first + 3), version: Int(try rows.int32(row, first + 4))),
      policy: PolicyReference(name: try rows.text(row, first + 5), version: Int(try rows.int32(row, first + 6))),
      tierSince: Instant(microseconds: try rows.timestamptz(row, first + 7)),
      ratedAt: Instant(microseconds: try rows.timestamptz(row, first + 8)),
      nextReview: Day(number: try rows.date(row, first + 10)),
      confirmedBy: try rows.textOrNil(row, first + 11).map(RatingConfirmation.reviewer) ?? .policy)
    return Standing(
      rating: rating, inputs: try rows.withBytes(row, first + 12) { bytes throws(PostgresFailure) in try InputsText.decode(bytes) },
      ratedDay: Day(number: try rows.date(row, first + 9)), recencyDays: try rows.int32OrNil(row, first + 13).map(Int.init),
      frequency: try rows.int64(row, first + 14), monetary: try rows.int64(row, first + 15), isRetired: try rows.bool(row, first + 16),
      proposed: try tierOrNil(rows, row, first + 18))
  }

  static func tierOrNil(_ rows: Rows, _ row: Int, _ column: Int) throws -> TierID? {
    try rows.textOrNil(row, column).map { text in
      guard let tier = TierID(text) else { throw damaged("tier") }
      return tier
    }
  }

  /// The same columns in a row that is copied.
  static func put(_ standing: Standing, _ scratch: Scratch, _ rows: inout BinaryCopy) {
    let rating = standing.rating
    rows.text(rating.tier.text)
    if let score = rating.score { rows.int16(Int16(clamping: score)) } else { rows.null() }
    if let exact = rating.exactScore { scratch.filled({ RationalText.put(exact, into: &$0) }) { rows.text(utf8: $0) } } else { rows.null() }
    rows.text(rating.scorecard.name)
    rows.int32(Int32(clamping: rating.scorecard.version))
    rows.text(rating.policy.name)
    rows.int32(Int32(clamping: rating.policy.version))
    rows.timestamptz(rating.tierSince.microseconds)
    rows.timestamptz(rating.ratedAt.microseconds)
    rows.date(unixDays: standing.ratedDay.number)
    rows.date(unixDays: rating.nextReview.number)
    if case .reviewer(let name) = rating.confirmedBy { rows.text(name) } else { rows.null() }
    scratch.inputs(standing.inputs) { rows.text(utf8: $0) }
    if let days = standing.recencyDays { rows.int32(Int32(clamping: days)) } else { rows.null() }
    rows.int64(standing.frequency)
    rows.int64(standing.monetary)
    rows.bool(standing.isRetired)
    rows.text(rating.decided.text)
    if let proposed = standing.proposed { rows.text(proposed.text) } else { rows.null() }
  }

  /// And for a customer without a rating.
  static func putNone(_ rows: inout BinaryCopy) {
    for name in names { if name == "retired" { rows.bool(false) } else { rows.null() } }
  }

  static func bind(_ standings: [Standing?], _ scratch: Scratch, _ parameters: inout Parameters) {
    parameters.textArray(nullable: standings.map { $0?.rating.tier.text })
    parameters.int16Array(nullable: standings.map { $0?.rating.score.map { Int16(clamping: $0) } })
    parameters.textArray(nullable: standings.map { $0?.rating.exactScore?.description })
    parameters.textArray(nullable: standings.map { $0?.rating.scorecard.name })
    parameters.int32Array(nullable: standings.map { $0.map { Int32(clamping: $0.rating.scorecard.version) } })
    parameters.textArray(nullable: standings.map { $0?.rating.policy.name })
    parameters.int32Array(nullable: standings.map { $0.map { Int32(clamping: $0.rating.policy.version) } })
    parameters.timestamptzArray(nullable: standings.map { $0?.rating.tierSince.microseconds })
    parameters.timestamptzArray(nullable: standings.map { $0?.rating.ratedAt.microseconds })
    dates(standings.map { $0?.ratedDay }, &parameters)
    dates(standings.map { $0?.rating.nextReview }, &parameters)
    parameters.textArray(
      nullable: standings.map { standing in if case .reviewer(let name)? = standing?.rating.confirmedBy { name } else { nil } })
    parameters.beginArray(.text)
    for standing in standings {
      if let standing { scratch.inputs(standing.inputs) { parameters.element(utf8: $0) } } else { parameters.elementNull() }
    }
    parameters.endArray()
    parameters.int32Array(nullable: standings.map { $0?.recencyDays.map { Int32(clamping: $0) } })
    parameters.int64Array(nullable: standings.map { $0?.frequency })
    parameters.int64Array(nullable: standings.map { $0?.monetary })
    parameters.boolArray(standings.map { $0?.isRetired ?? false })
    parameters.textArray(nullable: standings.map { $0?.rating.decided.text })
    parameters.textArray(nullable: standings.map { $0?.proposed?.text })
  }

  static func dates(_ days: [Day?], _ parameters: inout Parameters) {
    parameters.beginArray(.date)
    for day in days { if let day { parameters.element(unixDays: day.number) } else { parameters.elementNull() } }
    parameters.endArray()
  }
}

/// Columns bound as arrays: `unnest($1, ...) AS u(a, ...)`. Values bring their types with them.
struct ColumnArrays {
  let names: [String]
  let types: [PostgresType]

  var list: String { names.joined(separator: ", ") }
  var unnest: String {
    let arrays = types.indices.map { "$\($0 + 1)" }.joined(separator: ", ")
    return "unnest(\(arrays)) AS u(\(list))"
  }
  var values: String { names.map { "u.\($0)" }.joined(separator: ", ") }
  func assignments(except key: String) -> String { names.filter { $0 != key }.map { "\($0) = u.\($0)" }.joined(separator: ", ") }
}

enum CustomerRow {
  private static let own = [
    "customer_id", "profile_version", "merged_into", "member_id", "first_seen_at", "stage", "industry", "days", "older", "facts_at",
    "rated_real_at",
    "rate_after", "due_day", "day_start", "day_decided", "day_tier", "review", "last_interaction_day",
    "complaint_days", "rating_version",
  ]
  private static let arrays = ColumnArrays(
    names: own + StandingColumns.names,
    types: [
      .int8, .int8, .int8, .text, .timestamptz, .int2, .text, .bytea, .bytea, .timestamptz, .timestamptz, .timestamptz, .date,
      .date, .text, .text, .text, .date, .text, .int8,
    ]
      + StandingColumns.types)
  static let columns = arrays.list
  static let columnCount = arrays.names.count

  private static let target = LoadTarget("customers", arrays.names, arrays.types)
  private static let update = Statement(
    name: "customers_update",
    sql: "UPDATE customers c SET \(arrays.assignments(except: "customer_id")) FROM \(arrays.unnest) WHERE c.customer_id = u.customer_id")

  static func read(_ rows: Rows, _ row: Int) throws -> RatedCustomer {
    guard let stage = LifecycleStage(rawValue: try rows.int16(row, 5)) else { throw damaged("lifecycle stage") }
    return RatedCustomer(
      id: CustomerID(number: try rows.int64(row, 0)), profileVersion: try rows.int64(row, 1),
      mergedInto: try rows.int64OrNil(row, 2).map(CustomerID.init(number:)), memberID: try rows.textOrNil(row, 3),
      firstSeenAt: Instant(microseconds: try rows.timestamptz(row, 4)), stage: stage, industry: try rows.textOrNil(row, 6),
      ledger: try LedgerColumns.read(rows, row, days: 7, older: 8),
      lastContactDay: try rows.dateOrNil(row, 17).map(Day.init(number:)),
      complaintDays: try rows.textOrNil(row, 18).map { try ComplaintRows.days($0) } ?? [], factsAsOf: Instant(microseconds: try rows.timestamptz(row, 9)),
      standing: try StandingColumns.read(rows, row, version: try rows.int64(row, own.count - 1), from: own.count),
      course: try course(rows, row),
      ratedRealAt: try rows.timestamptzOrNil(row, 10).map(Instant.init(microseconds:)),
      rateAfter: try rows.timestamptzOrNil(row, 11).map(Instant.init(microseconds:)),
      dueDay: try rows.dateOrNil(row, 12).map(Day.init(number:)))
  }

  static func insert(_ customers: [RatedCustomer], _ scratch: Scratch, _ session: PostgresSession) throws {
    guard !customers.isEmpty else { return }
    try session.load(target) { rows in for customer in customers { put(customer, scratch, &rows) } }
  }

  private static func course(_ rows: Rows, _ row: Int) throws -> TierCourse {
    let start = try rows.dateOrNil(row, 13).map { day in
      DayStart(
        day: Day(number: day), decided: try StandingColumns.tierOrNil(rows, row, 14), confirmed: try StandingColumns.tierOrNil(rows, row, 15))
    }
    return TierCourse(
      start: start, review: try rows.withBytes(row, 16) { bytes throws(PostgresFailure) in try ReviewText.decode(bytes) })
  }

  private static func put(_ customer: RatedCustomer, _ scratch: Scratch, _ rows: inout BinaryCopy) {
    rows.row(columns: arrays.names.count)
    rows.int64(customer.id.number)
    rows.int64(customer.profileVersion)
    if let survivor = customer.mergedInto { rows.int64(survivor.number) } else { rows.null() }
    if let member = customer.memberID { rows.text(member) } else { rows.null() }
    rows.timestamptz(customer.firstSeenAt.microseconds)
    rows.int16(customer.stage.rawValue)
    if let industry = customer.industry { rows.text(industry) } else { rows.null() }
    scratch.filled({ LedgerBytes.putDays(customer.ledger, into: &$0) }) { rows.bytes($0) }
    scratch.filled({ LedgerBytes.putOlder(customer.ledger, into: &$0) }) { rows.bytes($0) }
    rows.timestamptz(customer.factsAsOf.microseconds)
    if let rated = customer.ratedRealAt { rows.timestamptz(rated.microseconds) } else { rows.null() }
    if let after = customer.rateAfter { rows.timestamptz(after.microseconds) } else { rows.null() }
    if let day = customer.dueDay { rows.date(unixDays: day.number) } else { rows.null() }
    if let start = customer.course.start { rows.date(unixDays: start.day.number) } else { rows.null() }
    if let tier = customer.course.start?.decided { rows.text(tier.text) } else { rows.null() }
    if let tier = customer.course.start?.confirmed { rows.text(tier.text) } else { rows.null() }
    if let review = ReviewText.encode(customer.course.review) { review.withUnsafeBytes { rows.text(utf8: $0) } } else { rows.null() }
    if let day = customer.lastContactDay { rows.date(unixDays: day.number) } else { rows.null() }
    if let days = ComplaintRows.text(customer.complaintDays) { rows.text(days) } else { rows.null() }
    rows.int64(customer.standing?.rating.version ?? 0)
    if let standing = customer.standing { StandingColumns.put(standing, scratch, &rows) } else { StandingColumns.putNone(&rows) }
  }

  static func update(_ customers: [RatedCustomer], _ scratch: Scratch, _ session: PostgresSession) throws {
    guard !customers.isEmpty else { return }
    try session.runLater(update, rows: customers.count, otherwise: .damaged) { parameters in
      parameters.int64Array(customers.map(\.id.number))
      parameters.int64Array(customers.map(\.profileVersion))
      parameters.int64Array(nullable: customers.map { $0.mergedInto?.number })
      parameters.textArray(nullable: customers.map(\.memberID))
      parameters.timestamptzArray(customers.map(\.firstSeenAt.microseconds))
      parameters.int16Array(customers.map(\.stage.rawValue))
      parameters.textArray(nullable: customers.map(\.industry))
      parameters.beginArray(.bytea)
      for customer in customers { scratch.filled({ LedgerBytes.putDays(customer.ledger, into: &$0) }) { parameters.element(bytes: $0) } }
      parameters.endArray()
      parameters.beginArray(.bytea)
      for customer in customers { scratch.filled({ LedgerBytes.putOlder(customer.ledger, into: &$0) }) { parameters.element(bytes: $0) } }
      parameters.endArray()
      parameters.timestamptzArray(customers.map(\.factsAsOf.microseconds))
      parameters.timestamptzArray(nullable: customers.map { $0.ratedRealAt?.microseconds })
      parameters.timestamptzArray(nullable: customers.map { $0.rateAfter?.microseconds })
      StandingColumns.dates(customers.map(\.dueDay), &parameters)
      StandingColumns.dates(customers.map { $0.course.start?.day }, &parameters)
      parameters.textArray(nullable: customers.map { $0.course.start?.decided?.text })
      parameters.textArray(nullable: customers.map { $0.course.start?.confirmed?.text })
      ReviewText.bind(customers, &parameters)
      StandingColumns.dates(customers.map(\.lastContactDay), &parameters)
      parameters.textArray(nullable: customers.map { ComplaintRows.text($0.complaintDays) })
      parameters.int64Array(customers.map { $0.standing?.rating.version ?? 0 })
      StandingColumns.bind(customers.map(\.standing), scratch, &parameters)
    }
  }
}

enum RatingRow {
  private static let own = ["customer_id", "version", "reason", "tier_before", "action"]
  private static let arrays = ColumnArrays(
    names: own + StandingColumns.names, types: [.int8, .int8, .text, .text, .text] + StandingColumns.types)
  static let columns = arrays.list

  private static let target = LoadTarget("ratings", arrays.names, arrays.types)

  static func read(_ rows: Rows, _ row: Int) throws -> RatingRecord {
    guard let reason = RatingReason(rawValue: try rows.text(row, 2)),
      let standing = try StandingColumns.read(rows, row, version: try rows.int64(row, 1), from: own.count)
    else { throw damaged("rating") }
    return RatingRecord(
      customer: CustomerID(number: try rows.int64(row, 0)), reason: reason, standing: standing,
      tierBefore: try rows.textOrNil(row, 3).flatMap { TierID($0) },
      action: try rows.withBytes(row, 4) { bytes throws(PostgresFailure) in try ReviewText.decodeAction(bytes) })
  }

  static func insert(_ records: [RatingRecord], _ scratch: Scratch, _ session: PostgresSession) throws {
    guard !records.isEmpty else { return }
    try session.load(target) { rows in
      for record in records {
        rows.row(columns: arrays.names.count)
        rows.int64(record.customer.number)
        rows.int64(record.standing.rating.version)
        rows.text(record.reason.rawValue)
        if let before = record.tierBefore { rows.text(before.text) } else { rows.null() }
        if let action = record.action { ReviewText.encode(action).withUnsafeBytes { rows.text(utf8: $0) } } else { rows.null() }
        StandingColumns.put(record.standing, scratch, &rows)
      }
    }
  }
}
