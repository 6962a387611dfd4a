// Reads what a request asks for in its address, and gathers everything that is wrong with it.
public import Domain
public import HTTP
import Text

/// A place in a list that is ordered by a moment and then by a number.
public struct ListPlace: Hashable, Sendable, CustomStringConvertible {
  public let at: Instant
  public let number: Int64

  /// What tables can hold: from the year 1970 to 9999.
  private static let moments: ClosedRange<Int64> = 0...RFC3339.micros.upperBound

  public init(at: Instant, number: Int64) {
    self.at = at
    self.number = number
  }

  /// nil for what no page says.
  init?(_ text: String) {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 2, let at = Int64(parts[0]), ListPlace.moments.contains(at), let id = CustomerID(String(parts[1])) else { return nil }
    self.init(at: Instant(microseconds: at), number: id.number)
  }

  public var description: String { "\(at.microseconds)-\(CustomerID(number: number))" }
}

public struct QueryReader {
  private let query: QueryItems
  private var faults: [Problem.FieldFault] = []

  public init(_ query: QueryItems) { self.query = query }

  public mutating func refuse(_ field: String, _ rule: String, _ detail: String) { faults.append(.init(field: field, rule: rule, detail: detail)) }

  /// Throws everything that was wrong at once.
  public func finish() throws(Problem) { if !faults.isEmpty { throw Problem.invalid(faults) } }

  public mutating func text(_ field: String, max: Int) -> String? {
    guard let text = query[field] else { return nil }
    if text.unicodeScalars.count > max { refuse(field, "length", "\(field) has at most \(max) characters") }
    if text.contains("\0") { refuse(field, "format", "\(field) must not contain a NUL") }
    return text
  }

  public mutating func choice<Choice: RawRepresentable<String> & CaseIterable>(_ field: String, of: Choice.Type) -> Choice? {
    guard let text = query[field] else { return nil }
    guard let choice = Choice(rawValue: text) else {
      refuse(field, "enum", "\(field) is one of \(Choice.allCases.map(\.rawValue).joined(separator: ", "))")
      return nil
    }
    return choice
  }

  public mutating func flag(_ field: String) -> Bool {
    guard let text = query[field] else { return false }
    if text != "true" && text != "false" { refuse(field, "enum", "\(field) is true or false") }
    return text == "true"
  }

  public mutating func number(_ field: String, in range: ClosedRange<Int>) -> Int? {
    guard let text = query[field] else { return nil }
    guard let number = Int(text), range.contains(number) else {
      refuse(field, "range", "\(field) is a whole number from \(range.lowerBound) to \(range.upperBound)")
      return nil
    }
    return number
  }

  public mutating func day(_ field: String) -> Day? {
    guard let text = query[field] else { return nil }
    guard let day = Day(text) else {
      refuse(field, "format", "\(field) is a day, as 1998-07-01")
      return nil
    }
    return day
  }

  /// What a page before has said under `next`: nil where the first page is asked for.
  public mutating func place(_ field: String) -> ListPlace? {
    guard let text = query[field] else { return nil }
    guard let place = ListPlace(text) else {
      refuse(field, "format", "give what the page before says under next")
      return nil
    }
    return place
  }

  public mutating func customer(_ field: String) -> CustomerID? {
    guard let text = query[field] else { return nil }
    guard let id = CustomerID(text) else {
      refuse(field, "format", "a customer id has 16 hexadecimal digits")
      return nil
    }
    return id
  }
}
