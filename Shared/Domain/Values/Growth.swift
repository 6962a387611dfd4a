// A count beside the one of the period before: what grew, and what is a hot spot (K-10, F-06).

public struct Growth: Hashable, Sendable {
  public let count: Int64
  public let before: Int64

  /// So many are a hot spot, if they became more by so many percent.
  public static let hotCountMin: Int64 = 3
  public static let hotPercentMin: Int64 = 50

  public init(_ count: Int64, before: Int64) {
    self.count = count
    self.before = before
  }

  public var change: Int64 { count - before }
  /// Percent; nil: there was none before.
  public var percent: Rational? { before > 0 ? Rational(Int128(change) * 100, over: Int128(before)) : nil }
  public var isHot: Bool { count >= Growth.hotCountMin && change > 0 && change * 100 >= before * Growth.hotPercentMin }
}
