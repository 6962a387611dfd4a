// Columns of text for people.

/// A table in plain text. Columns are as wide as their widest cell; East Asian characters count two.
public struct Table: Sendable {
  /// Widest cell shown, in terminal columns; what is wider is cut.
  public static let cellColumnsMax = 60

  public struct Column: Sendable {
    public enum Alignment: Sendable { case left, right }

    public let title: String
    public let alignment: Alignment

    /// Numbers are easier to compare on the right.
    public init(_ title: String, _ alignment: Alignment = .left) {
      self.title = title
      self.alignment = alignment
    }
  }

  public let columns: [Column]
  private var rows: [[String]] = []

  public init(_ columns: [Column]) { self.columns = columns }

  /// Adds a row. Cells that are missing are empty, and those too many are left out.
  public mutating func add(_ cells: [String]) {
    let known = cells.prefix(self.columns.count).map { DisplayWidth.cut(DisplayWidth.plain($0), toColumns: Self.cellColumnsMax) }
    self.rows.append(known + Array(repeating: "", count: self.columns.count - known.count))
  }

  public var isEmpty: Bool { self.rows.isEmpty }

  /// Titles, a line, and the rows; each line ends with a line feed and has no trailing spaces.
  public func render() -> String {
    let titles = self.columns.map(\.title)
    let widths = self.columns.indices.map { index in
      ([titles] + self.rows).map { DisplayWidth.columns($0[index]) }.max() ?? 0
    }
    let lines =
      [self.line(titles, widths), widths.map { String(repeating: "-", count: $0) }.joined(separator: "  ")]
      + self.rows.map { self.line($0, widths) }
    return lines.map { $0 + "\n" }.joined()
  }

  private func line(_ cells: [String], _ widths: [Int]) -> String {
    var line = ""
    for (index, cell) in cells.enumerated() {
      if index > 0 { line += "  " }
      line += DisplayWidth.padded(cell, toColumns: widths[index], right: self.columns[index].alignment == .right)
    }
    while line.hasSuffix(" ") { line.removeLast() }
    return line
  }
}
