// Failures out of libpq's results and messages, copied before they are freed.
import CPostgres

enum ResultField {
  static func text(_ result: OpaquePointer, _ field: Int32) -> String? {
    PQresultErrorField(result, field).map { String(cString: $0) }
  }
}

extension PostgresFailure {
  /// Copies what a failed result says. `connectionIsGone` decides about results of the library's own, which have no SQLSTATE.
  init(_ result: OpaquePointer, statement: String, connectionIsGone: Bool) {
    let sqlState = ResultField.text(result, cpg_diag_sqlstate) ?? ""
    var kind = Kind.of(sqlState: sqlState)
    if sqlState.isEmpty, !connectionIsGone { kind = .other }
    // A plan that no longer fits its table is prepared anew and the work repeated; the same code otherwise means "not supported".
    if sqlState == "0A000", ResultField.text(result, cpg_diag_source_function) == "RevalidateCachedQuery" { kind = .retryTransaction }
    let text = ResultField.text(result, cpg_diag_message) ?? PQresultErrorMessage(result).map { String(cString: $0) } ?? ""
    self.init(
      kind: kind, message: Redaction.message(text, sqlState: sqlState), sqlState: sqlState,
      constraint: ResultField.text(result, cpg_diag_constraint), table: ResultField.text(result, cpg_diag_table),
      column: ResultField.text(result, cpg_diag_column), statementName: statement)
  }

  /// A connection that could not be made. The verbose message is `…FATAL:  28P01: password authentication failed …`.
  init(refusing connection: OpaquePointer, _ server: PostgresSettings.Server) {
    let text = PQerrorMessage(connection).map { String(cString: $0) } ?? ""
    let sqlState = Self.sqlState(inVerbose: text) ?? ""
    let kind = sqlState.isEmpty || sqlState.hasPrefix("08") ? Kind.unavailable : Kind.of(sqlState: sqlState)
    let line = text.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
    self.init(kind: kind == .connectionLost ? .unavailable : kind, message: Redaction.message(line, sqlState: ""), sqlState: sqlState)
  }

  /// The code in a verbose message: five capitals or digits between two blanks and a colon.
  static func sqlState(inVerbose text: String) -> String? {
    let bytes = Array(text.utf8)
    guard bytes.count >= 9 else { return nil }
    for start in 0...(bytes.count - 9) where bytes[start] == 32 && bytes[start + 1] == 32 {
      let code = bytes[start + 2..<start + 7]
      let isCode = code.allSatisfy { (48...57).contains($0) || (65...90).contains($0) }
      if isCode, bytes[start + 7] == 58, bytes[start + 8] == 32 { return String(decoding: code, as: UTF8.self) }
    }
    return nil
  }
}
