// What became of an imported file: every line of it accounted for (I-02).
public import Text

/// The counts at the end of an import, in records of the file.
public struct ImportResult: Equatable, Sendable {
  public var importID: String
  public var mappingID: String
  public var source: String
  /// Records of the file: its lines, without the one that names the columns.
  public var records: Int64
  /// What was published: orders of several lines are one.
  public var events: Int64
  public var accepted: Int64 = 0
  public var acceptedEvents: Int64 = 0
  public var duplicates: Int64 = 0
  /// Left out by the mapping's own `skip` rules.
  public var skipped: [String: Int64] = [:]
  public var quarantined: [String: Int64] = [:]
  /// Customers that the source's records belong to, and how many identities were found to be one of them (P-02).
  public var customers: Int64 = 0
  public var merged: Int64 = 0
  public var milliseconds: Int64 = 0
  /// Whether it went on where an earlier one was broken off: then the last records before the break may have gone out twice.
  public var isResumed = false

  public init(importID: String, mappingID: String, source: String, records: Int64, events: Int64) {
    self.importID = importID
    self.mappingID = mappingID
    self.source = source
    self.records = records
    self.events = events
  }

  /// Takes over what ingest counted: `GET /v1/imports/{id}`.
  public mutating func take(import report: JSONValue) {
    func count(_ outcome: String, _ what: String) -> Int64 { report[outcome]?[what]?.int64Value ?? 0 }
    accepted = count("accepted", "lines")
    acceptedEvents = count("accepted", "records")
    duplicates = count("duplicate", "lines")
    for reason in report["reasons"]?.arrayValue ?? [] {
      guard let name = reason["reason"]?.stringValue, let lines = reason["lines"]?.int64Value else { continue }
      switch reason["outcome"]?.stringValue {
      case "quarantined": quarantined[name, default: 0] += lines
      case "skipped": skipped[name, default: 0] += lines
      default: continue
      }
    }
    // Refused or skipped without a reason would otherwise be missing.
    let unnamed = count("quarantined", "lines") - sum(quarantined)
    if unnamed > 0 { quarantined["unnamed", default: 0] += unnamed }
    let unexplained = count("skipped", "lines") - sum(skipped)
    if unexplained > 0 { skipped["unnamed", default: 0] += unexplained }
  }

  /// Takes over what the profile counted: `GET /v1/sources/{source}/unification`.
  public mutating func take(unification report: JSONValue) {
    customers = report["customers"]?.int64Value ?? 0
    merged = report["merged"]?.int64Value ?? 0
  }

  private func sum(_ counts: [String: Int64]) -> Int64 { counts.values.reduce(0, +) }

  /// Records of the file that nobody answers for; 0 when all is well. What a resumed import sent twice is answered for twice.
  public var unaccounted: Int64 {
    let rest = records - accepted - duplicates - sum(skipped) - sum(quarantined)
    return isResumed ? max(0, rest) : rest
  }

  /// Lines of the file for each second of this run, from the first byte to the last tier; nil for a run that went on.
  public var linesPerSecond: Int64? { isResumed || milliseconds <= 0 ? nil : records * 1_000 / milliseconds }

  private var seconds: String {
    let rest = String(milliseconds % 1_000)
    return "\(milliseconds / 1_000)." + String(repeating: "0", count: 3 - rest.count) + rest
  }

  public var json: JSONValue {
    func counts(_ counts: [String: Int64]) -> JSONValue { .object(counts.sorted { $0.key < $1.key }.map { JSONMember($0.key, .integer($0.value)) }) }
    return [
      "records": .integer(records), "events": .integer(events), "accepted": .integer(accepted), "accepted_events": .integer(acceptedEvents),
      "duplicates": .integer(duplicates), "skipped": counts(skipped), "quarantined": counts(quarantined), "customers": .integer(customers),
      "merged": .integer(merged), "seconds": .number(seconds), "lines_per_second": linesPerSecond.map { .integer($0) } ?? .null,
      "is_resumed": .boolean(isResumed), "import_id": .text(importID), "mapping_id": .text(mappingID),
    ]
  }

  /// One count per line, for people.
  public func text(isChinese: Bool) -> String {
    func say(_ english: String, _ chinese: String) -> String { isChinese ? chinese : english }
    var lines: [(String, String)] = [
      (say("records", "文件记录"), "\(records)"), (say("events", "发布事件"), "\(events)"),
      (say("accepted", "接受"), "\(accepted)" + say(" (\(acceptedEvents) events)", "（\(acceptedEvents) 个事件）")), (say("duplicates", "重复"), "\(duplicates)"),
    ]
    for (name, count) in skipped.sorted(by: { $0.key < $1.key }) { lines.append((say("skipped", "跳过"), "\(count)  \(name)")) }
    for (name, count) in quarantined.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }) {
      lines.append((say("quarantined", "隔离"), "\(count)  \(name)"))
    }
    if quarantined.isEmpty { lines.append((say("quarantined", "隔离"), "0")) }
    lines += [
      (say("customers", "客户"), "\(customers)"), (say("merged", "合并"), "\(merged)"), (say("seconds", "用时（秒）"), seconds),
    ]
    if isResumed { lines.append((say("resumed", "续传"), say("from the checkpoint", "自断点继续"))) }
    if let linesPerSecond { lines.append((say("lines/s", "行/秒"), "\(linesPerSecond)")) }
    // A Chinese character is as wide as two others.
    func columns(_ text: String) -> Int { text.unicodeScalars.reduce(0) { $0 + ($1.value > 0x2E80 ? 2 : 1) } }
    return lines.map { label, value in label + String(repeating: " ", count: max(1, 14 - columns(label))) + value + "\n" }.joined()
  }
}
