/// A registration or a change of what is known about a person: validated, normalised. A fact.
public struct CustomerEvent: Hashable, Sendable {
  public var source: String
  public var eventID: String
  public var occurredAt: Instant
  /// Strongest first, none twice, never empty.
  public var identifiers: [Identifier]
  public var attributes: [CustomerAttribute: String]

  public init(source: String, eventID: String, occurredAt: Instant, identifiers: [Identifier], attributes: [CustomerAttribute: String] = [:]) {
    self.source = source
    self.eventID = eventID
    self.occurredAt = occurredAt
    self.identifiers = identifiers
    self.attributes = attributes
  }
}

/// What may be known about a customer besides identifiers and purchases (P-10).
public enum CustomerAttribute: Int16, CaseIterable, Hashable, Sendable, Comparable {
  case name = 1
  case gender = 2
  case birthday = 3
  case region = 4
  case industry = 5

  public var key: String {
    switch self {
    case .name: "name"
    case .gender: "gender"
    case .birthday: "birthday"
    case .region: "region"
    case .industry: "industry"
    }
  }
  public init?(key: String) {
    guard let attribute = CustomerAttribute.allCases.first(where: { $0.key == key }) else { return nil }
    self = attribute
  }
  public static func < (left: CustomerAttribute, right: CustomerAttribute) -> Bool { left.rawValue < right.rawValue }
}

/// The attributes of a customer, each with the event that said it last. The latest event wins field by field, whatever the order
/// of arrival; of two at the same moment the greater event id.
public struct CustomerAttributes: Hashable, Sendable {
  public struct Stated: Hashable, Sendable {
    public var value: String
    public var at: Instant
    public var eventID: String
    public init(value: String, at: Instant, eventID: String) {
      self.value = value
      self.at = at
      self.eventID = eventID
    }
  }
  public private(set) var values: [CustomerAttribute: Stated]

  public init(_ values: [CustomerAttribute: Stated] = [:]) { self.values = values }

  public subscript(_ attribute: CustomerAttribute) -> String? { values[attribute]?.value }

  /// False when nothing became different.
  public mutating func state(_ attribute: CustomerAttribute, _ stated: Stated) -> Bool {
    if let standing = values[attribute], (standing.at, standing.eventID) >= (stated.at, stated.eventID) { return false }
    values[attribute] = stated
    return true
  }

  public mutating func apply(_ event: CustomerEvent) -> Bool {
    var changed = false
    for (attribute, value) in event.attributes {
      if state(attribute, Stated(value: value, at: event.occurredAt, eventID: event.eventID)) { changed = true }
    }
    return changed
  }
}
