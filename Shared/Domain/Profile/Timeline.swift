/// Where something lies on a customer's timeline (P-13): by moment, then by kind, source and id, so that no two lie in one place.
public struct TimelinePlace: Hashable, Sendable, Comparable {
  public var at: Instant
  /// 0 for what orders and registrations bring; contacts, behaviours and answers have their own.
  public var kind: Int16
  public var source: String
  public var id: String

  public init(at: Instant, kind: Int16, source: String, id: String) {
    self.at = at
    self.kind = kind
    self.source = source
    self.id = id
  }

  /// After everything.
  public static let end = TimelinePlace(at: Instant(microseconds: 253_402_300_799_000_000), kind: .max, source: "", id: "")

  public static func < (left: TimelinePlace, right: TimelinePlace) -> Bool {
    if left.at != right.at { return left.at < right.at }
    if left.kind != right.kind { return left.kind < right.kind }
    if left.source != right.source { return left.source.utf8.lexicographicallyPrecedes(right.source.utf8) }
    return left.id.utf8.lexicographicallyPrecedes(right.id.utf8)
  }
}
