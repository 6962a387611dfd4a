// `clientele quarantine`: what ingest refused, looked at and settled (I-05).
public import CommandLine
public import Text
import HTTP

/// Speaks to the quarantine of one service.
public struct QuarantineDesk: Sendable {
  public struct Filter: Sendable {
    public var source: String?
    public var reason: String?
    public var state: String?
    public var after: Int?
    public var limit: Int

    public init(source: String?, reason: String?, state: String?, after: Int?, limit: Int) {
      self.source = source
      self.reason = reason
      self.state = state
      self.after = after
      self.limit = limit
    }
  }

  /// What became of records sent again.
  public struct Replayed: Sendable, Equatable {
    public var replayed: Int64 = 0
    public var failed: Int64 = 0
  }

  private let services: ServiceClient
  private let service: String
  /// Rounds of one replay of everything: each sends at most a thousand records.
  static let roundsMax = 10_000

  public init(_ services: ServiceClient, service: String = "ingest") {
    self.services = services
    self.service = service
  }

  public func list(_ filter: Filter, raw reason: String?) async throws -> JSONValue {
    let path = ServiceClient.path(
      "/v1/quarantine",
      [
        ("source", filter.source), ("reason", filter.reason), ("state", filter.state), ("after", filter.after.map { String($0) }),
        ("limit", String(filter.limit)), ("raw", reason.map { _ in "1" }),
      ])
    return try await services.call(service, .get, path, headers: ServiceClient.unmasking(reason))
  }

  public func counts() async throws -> JSONValue { try await services.call(service, .get, "/v1/quarantine/counts") }

  public func show(_ id: Int, raw reason: String?) async throws -> JSONValue {
    let path = ServiceClient.path("/v1/quarantine/\(id)", [("raw", reason.map { _ in "1" })])
    return try await services.call(service, .get, path, headers: ServiceClient.unmasking(reason))
  }

  /// Sends one record again, with another value when one is given.
  public func replay(_ id: Int, value: [UInt8], mapping: String?) async throws {
    let path = ServiceClient.path("/v1/quarantine/\(id)/replay", [("mapping", mapping)])
    _ = try await services.call(service, .post, path, body: value, contentType: value.isEmpty ? nil : "application/octet-stream")
  }

  /// What a replay would come to, without one.
  public func check(_ id: Int, value: [UInt8], mapping: String?, raw reason: String?) async throws -> JSONValue {
    let path = ServiceClient.path("/v1/quarantine/\(id)/try", [("mapping", mapping), ("raw", reason.map { _ in "1" })])
    return try await services.call(
      service, .post, path, body: value, contentType: value.isEmpty ? nil : "application/octet-stream", headers: ServiceClient.unmasking(reason))
  }

  /// Conflicts, each beside the record that came first.
  public func conflicts(source: String?, after: Int?, limit: Int, raw reason: String?) async throws -> JSONValue {
    let query = [("source", source), ("after", after.map { String($0) }), ("limit", String(limit)), ("raw", reason.map { _ in "1" })]
    let path = ServiceClient.path("/v1/conflicts", query.map { (name: $0.0, value: $0.1) })
    return try await services.call(service, .get, path, headers: ServiceClient.unmasking(reason))
  }

  public func dismiss(_ id: Int) async throws { _ = try await services.call(service, .post, "/v1/quarantine/\(id)/dismiss") }

  /// Puts every open record of a source, or with a reason, aside that was there when it began. Returns how many.
  public func dismissAll(source: String?, reason: String?) async throws -> Int64 {
    var total: Int64 = 0
    try await eachRound(source: source) { name, after, limit in
      let query = [("source", Optional(name)), ("reason", reason), ("after", String(after)), ("limit", String(limit))]
      let answer = try await services.call(service, .post, ServiceClient.path("/v1/quarantine/dismiss", query.map { (name: $0.0, value: $0.1) }))
      let dismissed = answer["dismissed"]?.int64Value ?? 0
      total += dismissed
      return (dismissed, answer)
    }
    return total
  }

  /// Sends every open record again that was there when it began: what is refused anew meanwhile stays for the next time.
  public func replayAll(source: String?, reason: String?, mapping: String?) async throws -> Replayed {
    var total = Replayed()
    try await eachRound(source: source) { name, after, limit in
      let query = [("source", Optional(name)), ("reason", reason), ("mapping", mapping), ("after", String(after)), ("limit", String(limit))]
      let answer = try await services.call(service, .post, ServiceClient.path("/v1/quarantine/replay", query.map { (name: $0.0, value: $0.1) }))
      let (replayed, failed) = (answer["replayed"]?.int64Value ?? 0, answer["failed"]?.int64Value ?? 0)
      total.replayed += replayed
      total.failed += failed
      return (replayed + failed, answer)
    }
    return total
  }

  /// Settles source by source, a thousand records at a time, as many as there were open when it began.
  private func eachRound(
    source: String?, _ settle: (_ source: String, _ after: Int64, _ limit: Int64) async throws -> (settled: Int64, answer: JSONValue)
  ) async throws {
    let open = (try await counts().arrayValue ?? []).filter { row in
      row["state"]?.stringValue == "open" && (source == nil || row["source"]?.stringValue == source)
    }
    let counts = Dictionary(open.map { ($0["source"]?.stringValue ?? "", $0["records"]?.int64Value ?? 0) }, uniquingKeysWith: +)
    for (name, count) in counts.sorted(by: { $0.key < $1.key }) {
      var after: Int64 = 0
      var done: Int64 = 0
      for _ in 0..<QuarantineDesk.roundsMax where done < count {
        let (settled, answer) = try await settle(name, after, min(1_000, count - done))
        done += settled
        guard let last = answer["last_id"]?.int64Value, last > after, answer["more"]?.booleanValue == true else { break }
        after = last
      }
    }
  }

  // MARK: - For people

  public static func table(ofRecords records: JSONValue, isChinese: Bool) -> Table {
    func say(_ english: String, _ chinese: String) -> String { isChinese ? chinese : english }
    var table = Table([
      .init("ID", .right), .init(say("Source", "来源")), .init(say("Received", "接收时间")), .init(say("Lines", "记录数"), .right), .init(say("State", "状态")),
      .init(say("Reasons", "原因")),
    ])
    for record in records.arrayValue ?? [] {
      let reasons = (record["reasons"]?.arrayValue ?? []).map { "\($0["field"]?.stringValue ?? "").\($0["rule"]?.stringValue ?? "")" }
      table.add([
        record["id"]?.int64Value.map { String($0) } ?? "", record["source"]?.stringValue ?? "", record["received_at"]?.stringValue ?? "",
        record["lines"]?.int64Value.map { String($0) } ?? "", record["state"]?.stringValue ?? "", reasons.joined(separator: " "),
      ])
    }
    return table
  }

  public static func table(ofCounts counts: JSONValue, isChinese: Bool) -> Table {
    func say(_ english: String, _ chinese: String) -> String { isChinese ? chinese : english }
    var table = Table([
      .init(say("Source", "来源")), .init(say("Reason", "原因")), .init(say("State", "状态")), .init(say("Records", "消息数"), .right),
      .init(say("Lines", "记录数"), .right),
    ])
    for row in counts.arrayValue ?? [] {
      table.add(
        ["source", "reason", "state"].map { row[$0]?.stringValue ?? "" } + ["records", "lines"].map { row[$0]?.int64Value.map { String($0) } ?? "" })
    }
    return table
  }

  /// One refused record: where it came from, why it was refused and what to do.
  public static func text(ofRecord record: JSONValue, isChinese: Bool) -> String {
    func say(_ english: String, _ chinese: String) -> String { isChinese ? chinese : english }
    let place = "\(record["topic"]?.stringValue ?? "")/\(record["partition"]?.int64Value ?? 0)@\(record["offset"]?.int64Value ?? 0)"
    var lines = [
      say("record    ", "记录  ") + "\(record["id"]?.int64Value ?? 0), \(record["state"]?.stringValue ?? "")",
      say("source    ", "来源  ") + (record["source"]?.stringValue ?? ""), say("place     ", "位置  ") + place,
      say("received  ", "接收  ") + (record["received_at"]?.stringValue ?? ""), say("reasons", "原因"),
    ]
    for reason in record["reasons"]?.arrayValue ?? [] {
      lines.append("  \(reason["field"]?.stringValue ?? "").\(reason["rule"]?.stringValue ?? ""): \(reason["detail"]?.stringValue ?? "")")
    }
    lines.append(say("headers", "消息头"))
    for header in record["headers"]?.members ?? [] { lines.append("  \(header.key) = \(header.value.stringValue ?? "")") }
    lines.append(say("value", "内容"))
    lines.append("  " + (record["value"]?.stringValue ?? record["value"]?.encodedText ?? "null"))
    if let first = record["first"] { lines += QuarantineDesk.lines(ofFirst: first, record, isChinese) }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The record that came first, and where the two differ.
  private static func lines(ofFirst first: JSONValue, _ record: JSONValue, _ isChinese: Bool) -> [String] {
    func say(_ english: String, _ chinese: String) -> String { isChinese ? chinese : english }
    let place = "\(first["topic"]?.stringValue ?? "")/\(first["partition"]?.int64Value ?? 0)@\(first["offset"]?.int64Value ?? 0)"
    var lines = [say("first record, which stands", "先到并有效的记录"), "  \(place), \(first["received_at"]?.stringValue ?? "")"]
    if first["is_gone"]?.booleanValue == true {
      return lines + [say("  the topic no longer holds it", "  主题中已不再保留该记录")]
    }
    lines.append("  " + (first["value"]?.stringValue ?? first["value"]?.encodedText ?? "null"))
    let differences = record["differences"]?.arrayValue ?? []
    guard !differences.isEmpty else { return lines }
    var table = Table([.init(say("Field", "字段")), .init(say("First, stands", "先到（有效）")), .init(say("This one", "本条"))])
    for difference in differences {
      func text(_ name: String) -> String {
        guard let value = difference[name], !value.isNull else { return "-" }
        return value.stringValue ?? value.encodedText
      }
      table.add([difference["field"]?.stringValue ?? "", text("first"), text("second")])
    }
    lines += [say("differences", "差异")] + table.render().split(separator: "\n").map { "  " + $0 }
    if record["has_more_differences"]?.booleanValue == true { lines.append(say("  and more", "  以及更多")) }
    return lines
  }

  /// Conflicts one below the other.
  public static func text(ofConflicts answer: JSONValue, isChinese: Bool) -> String {
    let conflicts = answer["conflicts"]?.arrayValue ?? []
    if conflicts.isEmpty { return isChinese ? "没有未处理的冲突\n" : "no open conflicts\n" }
    var text = conflicts.map { QuarantineDesk.text(ofRecord: $0, isChinese: isChinese) }.joined(separator: "\n")
    if answer["more"]?.booleanValue == true, let last = answer["last_id"]?.int64Value {
      text += "\n" + (isChinese ? "还有更多：--after \(last)\n" : "there are more: --after \(last)\n")
    }
    return text
  }

  /// What a replay would come to.
  public static func text(ofTrial trial: JSONValue, isChinese: Bool) -> String {
    func say(_ english: String, _ chinese: String) -> String { isChinese ? chinese : english }
    switch trial["outcome"]?.stringValue {
    case "accepted":
      return say("would be accepted as ", "将被接受为 ") + (trial["kind"]?.stringValue ?? "") + "\n  " + (trial["event"]?.encodedText ?? "") + "\n"
    case "skipped": return say("would be skipped: ", "将被跳过：") + (trial["reason"]?.stringValue ?? "") + "\n"
    default:
      let reasons = (trial["reasons"]?.arrayValue ?? []).map {
        "  \($0["field"]?.stringValue ?? "").\($0["rule"]?.stringValue ?? ""): \($0["detail"]?.stringValue ?? "")\n"
      }
      return say("would be refused again\n", "仍将被拒\n") + reasons.joined()
    }
  }
}
