// The labels of one series of a metric, ordered by name and bounded in length.

/// Label names and values of one series. Written as a dictionary; order does not matter.
public struct MetricLabels: Hashable, Sendable, ExpressibleByDictionaryLiteral {
  /// Longest value in bytes of UTF-8; what is longer is cut.
  public static let valueBytesMax = 128
  /// Value of every label of the series that takes what exceeds `Metrics.seriesMax`.
  public static let overflowValue = "overflow"

  struct Pair: Hashable, Sendable {
    let name: String
    let value: String
  }

  let pairs: [Pair]

  public init(dictionaryLiteral elements: (String, String)...) { self.init(elements) }

  /// From pairs of name and value. Of a repeated name the last value counts.
  public init(_ elements: some Sequence<(String, String)>) {
    var values: [String: String] = [:]
    for (name, value) in elements { values[name] = Self.bounded(value) }
    self.pairs = values.sorted { $0.key < $1.key }.map { Pair(name: $0.key, value: $0.value) }
  }

  private init(pairs: [Pair]) { self.pairs = pairs }

  public static let none = MetricLabels(pairs: [])

  var names: [String] { self.pairs.map(\.name) }

  /// The same names with the value that stands for all the rest.
  var overflow: MetricLabels { MetricLabels(pairs: self.pairs.map { Pair(name: $0.name, value: Self.overflowValue) }) }

  private static func bounded(_ value: String) -> String {
    guard value.utf8.count > self.valueBytesMax else { return value }
    var bounded = ""
    var used = 0
    for scalar in value.unicodeScalars {
      used += UTF8.width(scalar)
      guard used <= self.valueBytesMax else { break }
      bounded.unicodeScalars.append(scalar)
    }
    return bounded
  }
}
