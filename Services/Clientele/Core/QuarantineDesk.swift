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

  public func list(_ filter: Filter, isRaw: Bool) async throws -> JSONValue {
    let path = ServiceClient.path(
      "/v1/quarantine",
      [
        ("source", filter.source), ("reason", filter.reason), ("state", filter.state), ("after", filter.after.map { String($0) }),
        ("limit", String(filter.limit)), ("raw", isRaw ? "1" : nil),
      ])
    return try await services.call(service, .get, path)
  }

  public func counts() async throws -> JSONValue { try await services.call(service, .get, "/v1/quarantine/counts") }

  public func show(_ id: Int, isRaw: Bool) async throws -> JSONValue {
    try await services.call(service, .get, ServiceClient.path("/v1/quarantine/\(id)", [("raw", isRaw ? "1" : nil)]))
  }

  /// Sends one record again, with another value when one is given.
  public func replay(_ id: Int, value: [UInt8], mapping: String?) async throws {
    let path = ServiceClient.path("/v1/quarantine/\(id)/replay", [("mapping", mapping)])
    _ = try await services.call(service, .post, path, body: value, contentType: value.isEmpty ? nil : "application/octet-stream")
  }

  public func dismiss(_ id: Int) async throws { _ = try await services.call(service, .post, "/v1/quarantine/\(id)/dismiss") }

  /// Sends every open record again that was there when it began: what is refused anew meanwhile stays for the next time.
  public func replayAll(source: String?, reason: String?, mapping: String?) async throws -> Replayed {
    var total = Replayed()
    let open = (try await counts().arrayValue ?? []).filter { row in
      row["state"]?.stringValue == "open" && (source == nil || row["source"]?.stringValue == source)
    }
    let counts = Dictionary(open.map { ($0["source"]?.stringValue ?? "", $0["records"]?.int64Value ?? 0) }, uniquingKeysWith: +)
    for (name, count) in counts.sorted(by: { $0.key < $1.key }) {
      var after: Int64 = 0
      var done: Int64 = 0
      for _ in 0..<QuarantineDesk.roundsMax where done < count {
        let query = [
          ("source", Optional(name)), ("reason", reason), ("mapping", mapping), ("after", String(after)), ("limit", String(min(1_000, count - done))),
        ]
        let answer = try await services.call(service, .post, ServiceClient.path("/v1/quarantine/replay", query.map { (name: $0.0, value: $0.1) }))
        let (replayed, failed) = (answer["replayed"]?.int64Value ?? 0, answer["failed"]?.int64Value ?? 0)
        total.replayed += replayed
        total.failed += failed
        done += replayed + failed
        guard let last = answer["last_id"]?.int64Value, last > after, answer["more"]?.booleanValue == true else { break }
        after = last
      }
    }
    return total
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
    if let first = record["first"] { lines.append(say("first record", "首条记录") + "\n  " + first.encodedText) }
    return lines.joined(separator: "\n") + "\n"
  }
}
