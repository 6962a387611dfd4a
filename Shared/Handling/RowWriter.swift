// Who wrote a row last: known beside the row, not part of what it says.

/// The transaction that wrote a row last, as PostgreSQL keeps it (`xmin`). Any two are equal: rows are compared by what they say.
public struct RowWriter: Hashable, Sendable {
  /// 0: none but the lane that asks.
  public var transaction: UInt32

  public init(_ transaction: UInt32 = 0) { self.transaction = transaction }
  public static func == (left: RowWriter, right: RowWriter) -> Bool { true }
  public func hash(into hasher: inout Hasher) {}
}
