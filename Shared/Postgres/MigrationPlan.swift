// Which migrations are still to be made, decided from two lists: what the program brings and what the database has.

/// One step of a schema's history: a number, a name and its SQL. Steps are only ever added.
public struct Migration: Sendable, Equatable {
  public let number: Int32
  /// `0001_create_orders`: four digits, then lower-case words.
  public let name: String
  /// With line ends as `\n`, so that a checkout on another system does not count as a change.
  public let sql: String

  /// - Parameter name: as the file's name; an ending `.sql` is ignored.
  public init(name: String, sql: String) throws(MigrationFailure) {
    let stem = name.hasSuffix(".sql") ? String(name.dropLast(4)) : name
    let bytes = Array(stem.utf8)
    let isNumbered = bytes.count > 5 && bytes.prefix(4).allSatisfy { (48...57).contains($0) } && bytes[4] == UInt8(ascii: "_")
    let words = stem.dropFirst(5).split(separator: "_", omittingEmptySubsequences: false)
    let areWords =
      words.count >= 2
      && words.allSatisfy { word in
        !word.isEmpty && word.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) }
      }
    guard isNumbered, areWords, let number = Int32(stem.prefix(4)) else { throw .badName(name) }
    self.number = number
    self.name = stem
    self.sql = String(sql.map { $0 == "\r\n" ? "\n" : $0 })
  }
}

/// Why the database's schema and the program do not go together, or why a step failed.
public enum MigrationFailure: Error, Equatable, CustomStringConvertible {
  /// A name that is not `NNNN_verb_object`.
  case badName(String)
  /// The program's list has no step with this number although it has later ones, or has it twice.
  case badNumbering(Int32)
  /// The database has a step that the program does not have, among those it should.
  case missingInProgram(String)
  /// The database skipped a step and has a later one.
  case missingInDatabase(String)
  /// A step was altered after it had been made.
  case changed(String)
  /// The database is further than this program: start the newer one.
  case databaseIsNewer(String)
  /// The schema is behind: run the `migrate` subcommand.
  case pending([String])
  /// The step ended its transaction itself; it must not contain BEGIN, COMMIT or ROLLBACK.
  case endedTransaction(String)
  /// The step's SQL failed; nothing of it stayed.
  case failed(String, sqlState: String, reason: String)

  public var description: String {
    switch self {
    case .badName(let name): "migration \(name): the name must be NNNN_verb_object in lower case"
    case .badNumbering(let number): "migration number \(number) is missing or repeated in this program"
    case .missingInProgram(let name): "the database has migration \(name), which this program does not contain"
    case .missingInDatabase(let name): "the database lacks migration \(name) but has a later one"
    case .changed(let name): "migration \(name) was changed after it had been applied; add a new one instead"
    case .databaseIsNewer(let name): "the database is newer than this program: it has migration \(name); start the newer program"
    case .pending(let names): "the database is behind by \(names.joined(separator: ", ")); run the migrate subcommand"
    case .endedTransaction(let name): "migration \(name) ended its own transaction; remove BEGIN, COMMIT and ROLLBACK from it"
    case .failed(let name, let sqlState, let reason): "migration \(name) failed: \(reason) (SQLSTATE \(sqlState))"
    }
  }
}

enum MigrationPlan {
  struct Entry: Equatable {
    var number: Int32
    var name: String
    var checksum: String
  }

  /// Numbers run from 1 without a gap: a file left out of the build is found at once.
  static func checkNumbering(_ migrations: [Migration]) throws(MigrationFailure) {
    for (index, migration) in migrations.enumerated() where migration.number != Int32(index + 1) {
      throw .badNumbering(min(migration.number, Int32(index + 1)))
    }
  }

  /// How many of the program's steps the database has: always a beginning of the list.
  static func appliedCount(program: [Entry], database: [Entry]) throws(MigrationFailure) -> Int {
    let ordered = database.sorted { $0.number < $1.number }
    for entry in ordered {
      guard let known = program.first(where: { $0.number == entry.number }) else {
        throw entry.number > (program.last?.number ?? 0) ? .databaseIsNewer(entry.name) : .missingInProgram(entry.name)
      }
      if known.name != entry.name { throw .missingInProgram(entry.name) }
      if known.checksum != entry.checksum { throw .changed(entry.name) }
    }
    for (index, entry) in ordered.enumerated() where entry.number != program[index].number {
      throw .missingInDatabase(program[index].name)
    }
    return ordered.count
  }
}
