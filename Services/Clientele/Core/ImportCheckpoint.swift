// How far an import has come, in a file of its own: with it a broken-off import of millions of lines goes on where it stopped (I-02).
import Glibc
import Hashing
import Text

/// What of a file is known to be stored by the brokers.
struct ImportCheckpoint: Equatable, Sendable {
  var importID: String
  var mappingID: String
  var source: String
  /// The beginning of the file, by which it is known again: its digest, and of how many bytes.
  var digest: String
  var digestBytes: Int
  /// The first line of the last record that is stored; everything before it is, too.
  var line: Int64
  /// Lines and events that are stored.
  var records: Int64
  var events: Int64

  /// So much of a file's beginning says which it is.
  static let digestBytesMax = 64 << 10
  /// The largest checkpoint, in bytes.
  private static let bytesMax = 64 << 10

  /// Which file this is.
  static func digest(of file: String) async throws -> (text: String, bytes: Int) {
    let opened = try InputFile(file)
    var start: [UInt8] = []
    while start.count < digestBytesMax {
      let piece = try await opened.next()
      if piece.isEmpty { break }
      start += piece.prefix(digestBytesMax - start.count)
    }
    return (try digest(of: start), start.count)
  }

  private static func digest(of bytes: [UInt8]) throws -> String {
    let digest = try Hasher256.sha256(bytes)
    return digest.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
  }

  /// nil where there is no such file yet.
  static func load(_ path: String) async throws -> ImportCheckpoint? {
    guard access(path, F_OK) == 0 else { return nil }
    let bytes = try await InputFile.whole(path, bytesMax: bytesMax)
    guard let json = try? JSONValue(bytes), let checkpoint = ImportCheckpoint(json) else {
      throw SuiteFailure("\(path) is no checkpoint of an import: name another file, or remove this one to begin anew")
    }
    return checkpoint
  }

  private init?(_ json: JSONValue) {
    func text(_ key: String) -> String? { json[key]?.stringValue }
    func number(_ key: String) -> Int64? { json[key]?.int64Value }
    guard let importID = text("import_id"), let mappingID = text("mapping_id"), let source = text("source"), let digest = text("file_digest"),
      let bytes = json["file_digest_bytes"]?.intValue, let line = number("line"), let records = number("records"), let events = number("events")
    else { return nil }
    self.init(
      importID: importID, mappingID: mappingID, source: source, digest: digest, digestBytes: bytes, line: line, records: records, events: events)
  }

  init(
    importID: String, mappingID: String, source: String, digest: String, digestBytes: Int, line: Int64 = 0, records: Int64 = 0, events: Int64 = 0
  ) {
    self.importID = importID
    self.mappingID = mappingID
    self.source = source
    self.digest = digest
    self.digestBytes = digestBytes
    self.line = line
    self.records = records
    self.events = events
  }

  var json: JSONValue {
    [
      "import_id": .text(importID), "mapping_id": .text(mappingID), "source": .text(source), "file_digest": .text(digest),
      "file_digest_bytes": .integer(Int64(digestBytes)), "line": .integer(line), "records": .integer(records), "events": .integer(events),
    ]
  }

  /// Why the import of this file cannot go on from here; nil when it can.
  func obstacle(file: String, mappingID: String, source: String, digest: (text: String, bytes: Int)) -> String? {
    if self.digest != digest.text || digestBytes != digest.bytes { return "it is of another file than \(file)" }
    if self.mappingID != mappingID { return "the mapping was \(self.mappingID) and is \(mappingID)" }
    if self.source != source { return "the source was \(self.source) and is \(source)" }
    return nil
  }

  /// Takes the place of what was there, at once or not at all.
  func save(_ path: String) throws {
    let part = path + ".part"
    guard let file = fopen(part, "w") else { throw SuiteFailure("\(part) cannot be written: \(String(cString: strerror(errno)))") }
    let bytes = json.encoded
    let written = fwrite(bytes, 1, bytes.count, file) == bytes.count && fflush(file) == 0 && fsync(fileno(file)) == 0
    guard fclose(file) == 0, written, rename(part, path) == 0 else {
      throw SuiteFailure("\(path) cannot be written: \(String(cString: strerror(errno)))")
    }
  }
}
