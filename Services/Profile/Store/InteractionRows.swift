// Contacts, behaviours and answers in their table.
import Contracts
public import Domain
public import Postgres
import ProfileCore
import Text

extension InteractionEvent {
  /// How the table calls its kind.
  var kindNumber: Int16 {
    switch self {
    case .contact: 1
    case .behaviour: 2
    case .answer: 3
    }
  }

  fileprivate var message: String {
    let bytes = JSONWriter.bytes { writer in
      switch self {
      case .contact(let event): event.write(to: &writer)
      case .behaviour(let event): event.write(to: &writer)
      case .answer(let event): event.write(to: &writer)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  fileprivate init(kindNumber: Int16, message: String) throws {
    let event = Array(message.utf8).withUnsafeBytes { bytes -> InteractionEvent? in
      var reader = JSONReader(bytes)
      switch kindNumber {
      case 1: return (try? ContactEvent(reading: &reader)).map { .contact($0) }
      case 2: return (try? BehaviourEvent(reading: &reader)).map { .behaviour($0) }
      default: return (try? AnswerEvent(reading: &reader)).map { .answer($0) }
      }
    }
    guard let event else { throw damaged("interaction") }
    self = event
  }
}

public enum InteractionRows {
  private static let insert = Statement(
    name: "interactions_insert",
    sql: """
      INSERT INTO interactions (identity_id, kind, source, event_id, occurred_at, content, known_on)
      SELECT u.*, $7 FROM unnest($1::int8[], $2::int2[], $3::text[], $4::text[], $5::timestamptz[], $6::text[]) AS u ON CONFLICT DO NOTHING
      """)

  static func write(_ interactions: [(identity: CustomerID, event: InteractionEvent)], knownOn: Day?, _ session: PostgresSession) throws {
    let sorted = interactions.sorted {
      ($0.identity, $0.event.kindNumber, $0.event.source, $0.event.eventID) < ($1.identity, $1.event.kindNumber, $1.event.source, $1.event.eventID)
    }
    try session.runLater(insert) { parameters in
      parameters.int64Array(sorted.map(\.identity.number))
      parameters.int16Array(sorted.map(\.event.kindNumber))
      parameters.textArray(sorted.map(\.event.source))
      parameters.textArray(sorted.map(\.event.eventID))
      parameters.timestamptzArray(sorted.map(\.event.occurredAt.microseconds))
      parameters.textArray(sorted.map(\.event.message))
      parameters.date(unixDays: knownOn?.number)
    }
  }

  private static let latest = Statement(
    name: "interactions_latest",
    sql: """
      SELECT kind, content FROM interactions
      WHERE identity_id = ANY($1::int8[]) AND kind = ANY($2::int2[])
        AND (occurred_at, kind, source, event_id) < ($3, $4, $5 COLLATE "C", $6 COLLATE "C") AND occurred_at < $7
        AND ($9::date IS NULL OR known_on IS NULL OR known_on <= $9)
      ORDER BY occurred_at DESC, kind DESC, source DESC, event_id DESC LIMIT $8
      """)

  /// The newest of these identities before a place on the timeline, and before a moment, of those that were known at the end of a day.
  public static func latest(
    of identities: [CustomerID], kinds: [Int16], before place: TimelinePlace, until end: Instant, knownOn: Day?, limit: Int,
    _ session: PostgresSession
  ) throws -> [InteractionEvent] {
    let rows = try session.query(latest) { parameters in
      parameters.int64Array(identities.map(\.number))
      parameters.int16Array(kinds)
      parameters.timestamptz(place.at.microseconds)
      parameters.int16(place.kind)
      parameters.text(place.source)
      parameters.text(place.id)
      parameters.timestamptz(end.microseconds)
      parameters.int64(Int64(limit))
      parameters.date(unixDays: knownOn?.number)
    }
    return try (0..<rows.count).map { try InteractionEvent(kindNumber: try rows.int16($0, 0), message: try rows.text($0, 1)) }
  }

  private static let since = Statement(
    name: "interactions_since",
    sql: "SELECT identity_id, kind, content, known_on FROM interactions WHERE identity_id = ANY($1::int8[]) AND occurred_at >= $2")

  /// All of these identities from a moment on.
  static func all(of identities: [CustomerID], since start: Instant?, _ session: PostgresSession) throws -> [KnownInteraction] {
    guard !identities.isEmpty else { return [] }
    let rows = try session.query(since) { parameters in
      parameters.int64Array(identities.map(\.number))
      parameters.timestamptz((start ?? earliest).microseconds)
    }
    return try (0..<rows.count).map { row in
      KnownInteraction(
        identity: CustomerID(number: try rows.int64(row, 0)),
        event: try InteractionEvent(kindNumber: try rows.int16(row, 1), message: try rows.text(row, 2)),
        knownOn: try rows.dateOrNil(row, 3).map(Day.init(number:)))
    }
  }

  // One step into the index for each identity.
  private static let newest = Statement(
    name: "interactions_newest",
    sql: """
      SELECT u.id, i.occurred_at FROM unnest($1::int8[]) AS u(id) CROSS JOIN LATERAL
        (SELECT occurred_at FROM interactions
         WHERE identity_id = u.id AND ($2::timestamptz IS NULL OR occurred_at < $2) ORDER BY occurred_at DESC LIMIT 1) AS i
      """)

  static func newest(of identities: [CustomerID], before end: Instant?, _ session: PostgresSession) throws -> [(identity: CustomerID, at: Instant)] {
    guard !identities.isEmpty else { return [] }
    let rows = try session.query(newest) { parameters in
      parameters.int64Array(identities.map(\.number))
      parameters.timestamptz(end?.microseconds)
    }
    return try (0..<rows.count).map { (CustomerID(number: try rows.int64($0, 0)), Instant(microseconds: try rows.timestamptz($0, 1))) }
  }

  /// Before anything that a record may tell of.
  private static let earliest = Instant(seconds: -62_135_596_800)

}
