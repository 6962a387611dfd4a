// The answer to a statement: rows in binary form, read by type, freed with the last reference.
import CPostgres

/// The rows a statement returned, still in the library's memory. Columns and rows count from 0.
///
/// Getters check the column's type: what does not fit is a mistake between program and schema and throws `.configuration`.
/// Not Sendable: read the rows where the session is, and hand on values.
public final class Rows {
  private let result: OpaquePointer
  private let types: [PostgresType]
  private let statement: String
  /// Number of rows.
  public let count: Int
  /// Number of columns.
  public var columnCount: Int { types.count }

  /// Takes over the result, which must be a good one.
  init(consuming result: OpaquePointer, statement: String) {
    self.result = result
    self.statement = statement
    count = Int(PQntuples(result))
    types = (0..<PQnfields(result)).map { PostgresType(rawValue: PQftype(result, $0)) }
  }

  deinit { PQclear(result) }

  /// Rows inserted, updated, deleted or copied; rows returned by a SELECT.
  public var affected: Int {
    guard let text = PQcmdTuples(result) else { return 0 }
    return Int(String(cString: text)) ?? 0
  }

  /// The server's word for what it did, such as `UPDATE 3`.
  public var commandTag: String { PQcmdStatus(result).map { String(cString: $0) } ?? "" }

  /// The number of a column by its name.
  public func column(_ name: String) throws(PostgresFailure) -> Int {
    for index in types.indices where PQfname(result, Int32(index)).map({ String(cString: $0) }) == name { return index }
    throw misfit("no column \(name)")
  }

  /// The type of a column.
  public func type(_ column: Int) throws(PostgresFailure) -> PostgresType {
    guard types.indices.contains(column) else { throw misfit("no column \(column)") }
    return types[column]
  }

  /// True for NULL.
  public func isNull(_ row: Int, _ column: Int) throws(PostgresFailure) -> Bool {
    try check(row, column)
    return PQgetisnull(result, Int32(row), Int32(column)) == 1
  }

  // MARK: Values that must be there.

  public func bool(_ row: Int, _ column: Int) throws(PostgresFailure) -> Bool { try present(boolOrNil(row, column), row, column) }
  public func int16(_ row: Int, _ column: Int) throws(PostgresFailure) -> Int16 { try present(int16OrNil(row, column), row, column) }
  public func int32(_ row: Int, _ column: Int) throws(PostgresFailure) -> Int32 { try present(int32OrNil(row, column), row, column) }
  /// An integer of any width.
  public func int64(_ row: Int, _ column: Int) throws(PostgresFailure) -> Int64 { try present(int64OrNil(row, column), row, column) }
  /// The number of a transaction, as in the system column `xmin`.
  public func transactionID(_ row: Int, _ column: Int) throws(PostgresFailure) -> UInt32 {
    try present(fixed(row, column, .xid), row, column)
  }
  public func float64(_ row: Int, _ column: Int) throws(PostgresFailure) -> Double { try present(float64OrNil(row, column), row, column) }
  public func text(_ row: Int, _ column: Int) throws(PostgresFailure) -> String { try present(textOrNil(row, column), row, column) }
  public func uuid(_ row: Int, _ column: Int) throws(PostgresFailure) -> UInt128 { try present(uuidOrNil(row, column), row, column) }
  /// The bytes as the server sent them, whatever the type.
  public func bytes(_ row: Int, _ column: Int) throws(PostgresFailure) -> [UInt8] { try present(bytesOrNil(row, column), row, column) }
  /// Unix microseconds.
  public func timestamptz(_ row: Int, _ column: Int) throws(PostgresFailure) -> Int64 {
    try present(timestamptzOrNil(row, column), row, column)
  }
  /// Days since 1970-01-01.
  public func date(_ row: Int, _ column: Int) throws(PostgresFailure) -> Int32 { try present(dateOrNil(row, column), row, column) }

  // MARK: Values that may be NULL.

  public func boolOrNil(_ row: Int, _ column: Int) throws(PostgresFailure) -> Bool? {
    guard let value: UInt8 = try fixed(row, column, .bool) else { return nil }
    return value != 0
  }

  public func int16OrNil(_ row: Int, _ column: Int) throws(PostgresFailure) -> Int16? { try fixed(row, column, .int2) }

  public func int32OrNil(_ row: Int, _ column: Int) throws(PostgresFailure) -> Int32? {
    if try type(column) == .int2 { return try int16OrNil(row, column).map(Int32.init) }
    return try fixed(row, column, .int4)
  }

  public func int64OrNil(_ row: Int, _ column: Int) throws(PostgresFailure) -> Int64? {
    switch try type(column) {
    case .int8: return try fixed(row, column, .int8)
    case .oid:
      let value: UInt32? = try fixed(row, column, .oid)
      return value.map(Int64.init)
    default: return try int32OrNil(row, column).map(Int64.init)
    }
  }

  public func float64OrNil(_ row: Int, _ column: Int) throws(PostgresFailure) -> Double? {
    if try type(column) == .float4 {
      let bits: UInt32? = try fixed(row, column, .float4)
      return bits.map { Double(Float(bitPattern: $0)) }
    }
    let bits: UInt64? = try fixed(row, column, .float8)
    return bits.map(Double.init(bitPattern:))
  }

  public func uuidOrNil(_ row: Int, _ column: Int) throws(PostgresFailure) -> UInt128? { try fixed(row, column, .uuid) }

  public func timestamptzOrNil(_ row: Int, _ column: Int) throws(PostgresFailure) -> Int64? {
    let value: Int64? = try fixed(row, column, .timestamptz)
    return value.map(ServerTime.decode)
  }

  public func dateOrNil(_ row: Int, _ column: Int) throws(PostgresFailure) -> Int32? {
    let value: Int32? = try fixed(row, column, .date)
    return value.map { $0 == .max || $0 == .min ? $0 : $0 &+ ServerTime.unixDaysOfEpoch }
  }

  /// Text of any text type, or the JSON text of a `json` or `jsonb`.
  public func textOrNil(_ row: Int, _ column: Int) throws(PostgresFailure) -> String? {
    let type = try type(column)
    guard type.isText || type == .jsonb else { throw misfit("column \(column) has type \(type.rawValue), not text") }
    return try cell(row, column).map { cell in
      String(decoding: type == .jsonb ? UnsafeRawBufferPointer(rebasing: cell.dropFirst()) : cell, as: UTF8.self)
    }
  }

  public func bytesOrNil(_ row: Int, _ column: Int) throws(PostgresFailure) -> [UInt8]? { try cell(row, column).map([UInt8].init) }

  /// The bytes of a value without a copy, nil for NULL; valid only inside `body`.
  public func withBytes<Value, Failure: Error>(
    _ row: Int, _ column: Int, _ body: (UnsafeRawBufferPointer?) throws(Failure) -> Value
  ) throws -> Value {
    let cell = try cell(row, column)
    return try withExtendedLifetime(self) { () throws(Failure) in try body(cell) }
  }

  // MARK: Arrays.

  /// A column of type `bigint[]`; NULL elements are nil.
  public func int64Array(_ row: Int, _ column: Int) throws(PostgresFailure) -> [Int64?] {
    try array(row, column, .int8) { $0.count == 8 ? Int64(bigEndian: $0.loadUnaligned(as: Int64.self)) : nil }
  }
  /// A column of type `integer[]`; NULL elements are nil.
  public func int32Array(_ row: Int, _ column: Int) throws(PostgresFailure) -> [Int32?] {
    try array(row, column, .int4) { $0.count == 4 ? Int32(bigEndian: $0.loadUnaligned(as: Int32.self)) : nil }
  }
  /// A column of type `text[]`; NULL elements are nil.
  public func textArray(_ row: Int, _ column: Int) throws(PostgresFailure) -> [String?] {
    try array(row, column, .text) { String(decoding: $0, as: UTF8.self) }
  }
  /// A column of type `bytea[]`; NULL elements are nil.
  public func bytesArray(_ row: Int, _ column: Int) throws(PostgresFailure) -> [[UInt8]?] {
    try array(row, column, .bytea) { [UInt8]($0) }
  }

  private func array<Element>(
    _ row: Int, _ column: Int, _ type: PostgresType, _ read: (UnsafeRawBufferPointer) -> Element?
  ) throws(PostgresFailure) -> [Element?] {
    guard let cell = try cell(row, column) else { throw misfit("NULL in row \(row), column \(column)") }
    guard try self.type(column) == type.array, let elements = BinaryArray.elements(of: cell, type) else {
      throw misfit("column \(column) is not an array of type \(type.rawValue) with at most one dimension")
    }
    return elements.map { $0.flatMap(read) }
  }

  // MARK: Building blocks.

  @inline(__always)
  private func check(_ row: Int, _ column: Int) throws(PostgresFailure) {
    guard row >= 0, row < count, column >= 0, column < types.count else { throw misfit("no row \(row), column \(column)") }
  }

  /// The value's bytes, or nil for NULL. They live as long as this object.
  @inline(__always)
  private func cell(_ row: Int, _ column: Int) throws(PostgresFailure) -> UnsafeRawBufferPointer? {
    try check(row, column)
    let length = PQgetlength(result, Int32(row), Int32(column))
    if length == 0, PQgetisnull(result, Int32(row), Int32(column)) == 1 { return nil }
    return UnsafeRawBufferPointer(start: PQgetvalue(result, Int32(row), Int32(column)), count: Int(length))
  }

  @inline(__always)
  private func fixed<Value: FixedWidthInteger & BitwiseCopyable>(
    _ row: Int, _ column: Int, _ type: PostgresType
  ) throws(PostgresFailure) -> Value? {
    guard let cell = try cell(row, column) else {
      guard types[column] == type else { throw misfit("column \(column) has type \(types[column].rawValue), not \(type.rawValue)") }
      return nil
    }
    guard types[column] == type, cell.count == MemoryLayout<Value>.size else {
      throw misfit("column \(column) has type \(types[column].rawValue), not \(type.rawValue)")
    }
    return Value(bigEndian: cell.loadUnaligned(as: Value.self))
  }

  @inline(__always)
  private func present<Value>(_ value: Value?, _ row: Int, _ column: Int) throws(PostgresFailure) -> Value {
    guard let value else { throw misfit("NULL in row \(row), column \(column)") }
    return value
  }

  @inline(never)
  private func misfit(_ text: String) -> PostgresFailure {
    PostgresFailure(kind: .configuration, message: "the answer does not fit the program: \(text)", statementName: statement)
  }
}

/// The server's binary form of arrays: dimensions, a flag, the element type, then length and bytes of each element.
enum BinaryArray {
  static func elements(of bytes: UnsafeRawBufferPointer, _ type: PostgresType) -> [UnsafeRawBufferPointer?]? {
    var offset = 0
    func int32() -> Int32? {
      guard offset + 4 <= bytes.count else { return nil }
      defer { offset += 4 }
      return Int32(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Int32.self))
    }
    guard let dimensions = int32(), int32() != nil, let element = int32(), UInt32(bitPattern: element) == type.rawValue else { return nil }
    if dimensions == 0 { return [] }
    guard dimensions == 1, let count = int32(), int32() != nil, count >= 0, Int(count) <= bytes.count / 4 else { return nil }
    var elements: [UnsafeRawBufferPointer?] = []
    elements.reserveCapacity(Int(count))
    for _ in 0..<count {
      guard let length = int32() else { return nil }
      if length < 0 {
        elements.append(nil)
        continue
      }
      guard offset + Int(length) <= bytes.count else { return nil }
      elements.append(UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + Int(length)]))
      offset += Int(length)
    }
    return elements
  }
}
