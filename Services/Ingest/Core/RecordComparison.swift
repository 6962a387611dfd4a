// Two records side by side: where their contents differ (I-06).
import Contracts
import Domain
public import Text

/// Compares the first and the second of two records with one id, field by field.
public struct RecordComparison: Sendable {
  public struct Difference: Equatable, Sendable {
    /// `customer.phone`, `lines[1].amount`.
    public let field: String
    /// nil where the record does not have the field.
    public let first: JSONValue?
    public let second: JSONValue?
  }

  public private(set) var differences: [Difference] = []
  /// Whether there are more than are listed.
  public private(set) var isCut = false

  public static let differencesMax = 200

  /// nil when one of them is not JSON: then only the whole texts can be looked at.
  public init?(first: [UInt8], second: [UInt8]) {
    guard let first = try? JSONValue(first), let second = try? JSONValue(second) else { return nil }
    compare(RecordComparison.content(first), RecordComparison.content(second), "")
  }

  /// A CloudEvents envelope is no part of the content.
  private static func content(_ value: JSONValue) -> JSONValue {
    value["specversion"] == nil ? value : value["data"] ?? value
  }

  private mutating func compare(_ first: JSONValue?, _ second: JSONValue?, _ field: String) {
    guard first != second else { return }
    guard differences.count < RecordComparison.differencesMax else { return isCut = true }
    switch (first, second) {
    case (.object(let left)?, .object(let right)?):
      for key in RecordComparison.keys(left, right) {
        compare(first?[key], second?[key], field.isEmpty ? key : "\(field).\(key)")
      }
    case (.array(let left)?, .array(let right)?):
      for place in 0..<max(left.count, right.count) {
        // An item that is not there is no null.
        let (first, second) = (left.dropFirst(place).first, right.dropFirst(place).first)
        compare(first, second, "\(field)[\(place)]")
      }
    default: differences.append(Difference(field: field.isEmpty ? "record" : field, first: first, second: second))
    }
  }

  /// Of both, in the order they come, each once.
  private static func keys(_ first: [JSONMember], _ second: [JSONMember]) -> [String] {
    var seen: Set<String> = []
    return (first + second).map(\.key).filter { seen.insert($0).inserted }
  }
}

extension Fact {
  /// What would be published, as JSON.
  public var message: JSONValue {
    let bytes = JSONWriter.bytes { writer in
      switch self {
      case .order(let fact): fact.event.write(to: &writer)
      case .customer(let event): event.write(to: &writer)
      case .interaction(let fact): fact.event.write(to: &writer)
      }
    }
    return (try? JSONValue(bytes)) ?? .null
  }

  /// `order`, `refund`, `contact`...
  public var kindName: String {
    switch self {
    case .order(let fact): fact.event.kind.name
    case .customer: "customer"
    case .interaction(let fact): fact.event.kindName
    }
  }
}
