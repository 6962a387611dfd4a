// What a customer did on a site, in an app or in a shop without buying or asking (P-05, P-10).

/// One action, or a count of equal ones: validated, normalised. A fact.
public struct BehaviourEvent: Hashable, Sendable {
  public var source: String
  /// Unique within the source (I-06).
  public var eventID: String
  public var occurredAt: Instant
  /// What was done, in lower case with `_` for blanks. Any word; the suite's own are `visit`, `login`, `browse`, `search`, `cart`, `favourite`,
  /// `review`, `share`, `follow` and `invite`.
  public var name: String
  /// How often, where the source counts before it tells.
  public var count: Int64
  /// How long it took in all; nil where nobody measured.
  public var durationSeconds: Int64?
  public var channel: String
  /// The article's number; empty where it is about none.
  public var item: String
  public var category: String
  /// The figure that belongs to the action: stars of a review, followers of an account; nil where there is none.
  public var value: Int64?
  /// Words that belong to the action, as those of a review or a search; line breaks included.
  public var text: String
  /// Strongest first, none twice, never empty.
  public var identifiers: [Identifier]

  public init(
    source: String, eventID: String, occurredAt: Instant, name: String, count: Int64 = 1, durationSeconds: Int64? = nil, channel: String = "",
    item: String = "", category: String = "", value: Int64? = nil, text: String = "", identifiers: [Identifier]
  ) {
    self.source = source
    self.eventID = eventID
    self.occurredAt = occurredAt
    self.name = name
    self.count = count
    self.durationSeconds = durationSeconds
    self.channel = channel
    self.item = item
    self.category = category
    self.value = value
    self.text = text
    self.identifiers = identifiers
  }

  /// What one record may count, and how long it may take in all: a million times, a year.
  public static let countRange: ClosedRange<Int64> = 1...1_000_000
  public static let durationRange: ClosedRange<Int64> = 0...31_622_400
  /// The figure of an action.
  public static let valueRange: ClosedRange<Int64> = -1_000_000_000_000...1_000_000_000_000
}
