// Rows into a table: many by COPY, few by an INSERT that takes no round trip of its own.

/// A table and the columns that rows are added with, in the order of their values.
public struct LoadTarget: Sendable {
  /// Up to so many rows an INSERT costs less: a COPY is planned anew each time, and answers twice.
  static let insertedRowsMax = 250

  let columns: [PostgresType]
  let copy: String
  let insert: Statement

  public init(_ table: String, _ columns: KeyValuePairs<String, PostgresType>) { self.init(table, columns.map(\.key), columns.map(\.value)) }

  public init(_ table: String, _ columns: [String], _ types: [PostgresType]) {
    self.columns = types
    let names = columns.joined(separator: ", ")
    copy = "COPY \(table) (\(names)) FROM STDIN (FORMAT binary)"
    let arrays = columns.indices.map { "$\($0 + 1)" }.joined(separator: ", ")
    // There are no arrays of arrays: an array travels as its text.
    let values = zip(columns, types).map { $1 == .int8Array ? "u.\($0)::int8[]" : "u.\($0)" }.joined(separator: ", ")
    insert = Statement(
      name: "\(table)_load", sql: "INSERT INTO \(table) (\(names)) SELECT \(values) FROM unnest(\(arrays)) AS u(\(names))")
  }
}

extension PostgresSession {
  /// Adds rows, in their order; a key that is there already fails (23505). In a transaction few rows are sent with whatever comes next (`runLater`).
  ///
  /// - Parameters:
  ///   - alwaysCopies: also few rows.
  ///   - beforeEnd: as for `copyIn`.
  /// - Returns: how many rows there are.
  @discardableResult
  public func load(
    _ target: LoadTarget, alwaysCopies: Bool = false, beforeEnd: () -> Void = {}, rows fill: (inout BinaryCopy) -> Void
  ) throws(PostgresFailure) -> Int {
    var rows = copyMemory.take() ?? BinaryCopy()
    rows.reset()
    fill(&rows)
    let count = rows.rowCount
    do throws(PostgresFailure) {
      if !alwaysCopies, count <= LoadTarget.insertedRowsMax, transactionStatus == .open {
        try insertLater(rows, target)
      } else {
        let copied = try copyIn(target.copy, rows, beforeEnd: beforeEnd)
        guard copied == count else { throw PostgresFailure(kind: .damaged, message: "\(copied) of \(count) rows were copied") }
      }
    } catch {
      copyMemory = consume rows
      throw error
    }
    copyMemory = consume rows
    return count
  }

  private func insertLater(_ rows: borrowing BinaryCopy, _ target: LoadTarget) throws(PostgresFailure) {
    let fields = try rows.fields(columns: target.columns.count)
    let count = rows.rowCount
    let bytes = rows.arena.bytes
    try runLater(target.insert, rows: count, otherwise: .damaged) { parameters in
      for (column, type) in target.columns.enumerated() {
        parameters.beginArray(type == .int8Array ? .text : type)
        for row in 0..<count { parameters.element(copied: fields[row * target.columns.count + column], of: bytes, type) }
        parameters.endArray()
      }
    }
  }
}

extension BinaryCopy {
  /// Where the values lie, row by row; nil is NULL.
  func fields(columns: Int) throws(PostgresFailure) -> [Range<Int>?] {
    try check()
    var fields: [Range<Int>?] = []
    fields.reserveCapacity(rowCount * columns)
    var place = BinaryCopy.headerBytes
    for _ in 0..<rowCount {
      guard Int(arena.int32(at: place) >> 16) == columns else {
        throw PostgresFailure(kind: .other, message: "a row has other columns than its table")
      }
      place += 2
      for _ in 0..<columns {
        let length = Int(arena.int32(at: place))
        place += 4
        fields.append(length < 0 ? nil : place..<place + length)
        place += max(0, length)
      }
    }
    return fields
  }
}

extension Parameters {
  /// A value of a copied row as an element: both have the same form.
  fileprivate mutating func element(copied field: Range<Int>?, of bytes: UnsafeRawBufferPointer, _ type: PostgresType) {
    guard let field else { return elementNull() }
    let value = UnsafeRawBufferPointer(rebasing: bytes[field])
    if type == .int8Array { element(text: Parameters.text(ofArray: value)) } else { element(raw: value, type) }
  }

  /// An array of int8 in the server's text form: no dimension or one, of which each element is preceded by its length.
  private static func text(ofArray bytes: UnsafeRawBufferPointer) -> String {
    let firstElement = 20
    let numbers = stride(from: firstElement, to: bytes.count, by: 12).map { place in
      String(Int64(bigEndian: bytes.loadUnaligned(fromByteOffset: place + 4, as: Int64.self)))
    }
    return "{" + numbers.joined(separator: ",") + "}"
  }
}
