// Bringing the lines of a file together that are one record: a machine fed line by line.

/// Lines that belong together, in the file's order.
public struct LineGroup: Hashable, Sendable {
  public let key: String
  public internal(set) var records: [SourceRecord]
  /// Whether there are more lines of this key than an order can have, so that this is not all of them.
  public internal(set) var isPiece: Bool
}

/// Groups lines by a key while a file streams by, within bounded memory.
///
/// Exports put an order's lines next to each other, but a few lines may have slipped in between: a group therefore stays open
/// until more than ``openGroupsMax`` others were opened after it. Groups come out in the order of their first lines. A group
/// longer than an order can be comes out in pieces that say so, and ``Mapping/apply(_:)`` refuses every one of them.
public struct LineGrouper: Sendable {
  public static let openGroupsMax = 16
  /// So many of the keys that were cut into pieces are remembered; a file with more of them at once is not grouped by orders.
  static let cutKeysMax = 64

  private var open: [LineGroup] = []
  private var cutKeys: [String] = []

  public init() {}

  /// The first line that has not come out yet: an import that stops here goes on from it.
  public var firstOpenLine: Int64? { open.first?.records.first?.lineNumber }

  /// Takes a line; returns the groups it completes. Lines without a key stand alone, each a group of its own.
  public mutating func add(_ record: SourceRecord, key: String?) -> [LineGroup] {
    let key = key.map { trimmed($0[...]) } ?? ""
    if !key.isEmpty, let index = open.lastIndex(where: { $0.key == key }) {
      if open[index].records.count < OrderEvent.linesMax {
        open[index].records.append(record)
        return []
      }
      open[index].isPiece = true
      if !cutKeys.contains(key) {
        cutKeys.append(key)
        if cutKeys.count > LineGrouper.cutKeysMax { cutKeys.removeFirst() }
      }
    }
    open.append(LineGroup(key: key, records: [record], isPiece: !key.isEmpty && cutKeys.contains(key)))
    return open.count > LineGrouper.openGroupsMax ? [open.removeFirst()] : []
  }

  /// The end of the file: what is still open.
  public mutating func finish() -> [LineGroup] {
    defer { open = [] }
    return open
  }
}

extension Mapping {
  /// The text by which lines are grouped; nil when each line is a record.
  public func groupKey(of record: SourceRecord) -> String? {
    guard case .record(let index) = groupBy, index < record.values.count else { return nil }
    return record.values[index]
  }
}
