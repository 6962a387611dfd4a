// The quality of what sources send, and how long it takes to a customer's page (I-07).
import CommandLine
public import Text
import HTTP

/// Figures by source, stream and day from ingest, and delays from the services' own measures.
public struct QualityReport: Sendable {
  /// How long the records of one service took from the broker to its tables, since its process began.
  public struct Delay: Sendable, Equatable {
    public var records: Int64 = 0
    /// At most so many seconds for half, and for 95 %, of the batches; nil: longer than the largest bound, or no batch yet.
    public var median: Double?
    public var most: Double?

    public init(records: Int64 = 0, median: Double? = nil, most: Double? = nil) {
      self.records = records
      self.median = median
      self.most = most
    }
  }

  /// As ingest tells it: one object for each source, stream and day.
  public let rows: [JSONValue]
  public let ingest: Delay
  public let profile: Delay

  /// From a source to the customer's profile, in seconds (I-07).
  public static let delaySecondsMax = 300

  public init(rows: [JSONValue], ingest: Delay, profile: Delay) {
    self.rows = rows
    self.ingest = ingest
    self.profile = profile
  }

  public static func read(source: String?, days: Int, _ services: ServiceClient) async throws -> QualityReport {
    let path = ServiceClient.path("/v1/quality", [("source", source), ("days", String(days))])
    let rows = try await services.call("ingest", .get, path).arrayValue ?? []
    return QualityReport(rows: rows, ingest: try await delay("ingest", services), profile: try await delay("profile", services))
  }

  private static func delay(_ service: String, _ services: ServiceClient) async throws -> Delay {
    let answer = try await services.client.get(try services.connection.url(of: service) + "/metrics")
    guard answer.isSuccess else { throw SuiteFailure("\(service) answered \(answer.status) to /metrics") }
    return delay(inMetrics: String(decoding: answer.body, as: UTF8.self))
  }

  /// Adds the histogram's series of all topics up. Each observation is the oldest record of a batch.
  public static func delay(inMetrics text: String) -> Delay {
    var counts: [Double: Int64] = [:]
    for line in text.split(separator: "\n") where line.hasPrefix("clientele_source_to_table_seconds_bucket{") {
      // `name{topic="in.orders.v1",le="0.5"} 12`: texts in quotation marks stand behind their labels.
      let parts = line.split(separator: "\"", omittingEmptySubsequences: false)
      guard let label = parts.firstIndex(where: { $0.hasSuffix("le=") }), parts.indices.contains(label + 1),
        let value = line.split(separator: " ").last.flatMap({ Double($0) }).flatMap({ Int64(exactly: $0.rounded()) })
      else { continue }
      counts[parts[label + 1] == "+Inf" ? .infinity : Double(parts[label + 1]) ?? .infinity, default: 0] += value
    }
    let sorted = counts.sorted { $0.key < $1.key }
    guard let total = sorted.last?.value, total > 0 else { return Delay() }
    func bound(_ share: Double) -> Double? {
      sorted.first { Double($0.value) >= share * Double(total) }.flatMap { $0.key.isFinite ? $0.key : nil }
    }
    return Delay(records: total, median: bound(0.5), most: bound(0.95))
  }

  /// Whether the last mile, ingest and profile together, keeps within five minutes for 95 % of the batches; nil: nothing was measured.
  public var isDelayAboveCeiling: Bool? {
    guard ingest.records > 0, profile.records > 0 else { return nil }
    guard let first = ingest.most, let second = profile.most else { return true }
    return first + second > Double(QualityReport.delaySecondsMax)
  }

  /// Whether any source was above its ceiling on any of the days, or the way to the profile is.
  public var isAboveCeiling: Bool { isDelayAboveCeiling == true || rows.contains { $0["is_above_ceiling"]?.booleanValue == true } }

  // MARK: - For people and programs

  public var json: JSONValue {
    func told(_ delay: Delay) -> JSONValue {
      [
        "batches": .integer(delay.records), "p50_seconds_at_most": delay.median.map { .number("\($0)") } ?? .null,
        "p95_seconds_at_most": delay.most.map { .number("\($0)") } ?? .null,
      ]
    }
    return [
      "quality": .array(rows),
      "delay": [
        "ingest": told(ingest), "profile": told(profile), "ceiling_seconds": .integer(Int64(QualityReport.delaySecondsMax)),
        "is_above_ceiling": isDelayAboveCeiling.map { .boolean($0) } ?? .null,
      ],
    ]
  }

  public func text(isChinese: Bool, showsFields: Bool) -> String {
    func say(_ english: String, _ chinese: String) -> String { isChinese ? chinese : english }
    if rows.isEmpty { return say("no records came in these days\n", "所选日期内没有记录\n") + delayText(isChinese) }
    var table = Table([
      .init(say("Day", "日期")), .init(say("Source", "来源")), .init(say("Stream", "数据流")), .init(say("Records", "记录"), .right),
      .init(say("Duplicates", "重复"), .right), .init(say("Refused", "拒收"), .right), .init(say("Rate", "错误率"), .right),
      .init(say("Late", "迟到"), .right), .init(say("Latest", "最迟"), .right), .init(""),
    ])
    for row in rows {
      let lateness = row["lateness"]
      table.add([
        row["day"]?.stringValue ?? "", row["source"]?.stringValue ?? "", row["stream"]?.stringValue ?? "", number(row["records"]),
        number(row["duplicates"]), number(row["refused"]), QualityReport.percent(row["error_rate"]), QualityReport.percent(lateness?["late_share"]),
        (lateness?["records"]?.int64Value ?? 0) > 0 ? number(lateness?["latest_seconds"]) + " s" : "-",
        row["is_above_ceiling"]?.booleanValue == true ? say("above 0.3 %", "超过 0.3%") : "",
      ])
    }
    var text = table.render()
    if showsFields { for row in rows { text += "\n" + fields(of: row, isChinese) } }
    return text + "\n" + delayText(isChinese)
  }

  private func fields(of row: JSONValue, _ isChinese: Bool) -> String {
    func say(_ english: String, _ chinese: String) -> String { isChinese ? chinese : english }
    var table = Table([
      .init(say("Field", "字段")), .init(say("Filled", "已填"), .right), .init(say("Completeness", "完整率"), .right), .init(say("Errors", "错误"), .right),
      .init(say("Rate", "错误率"), .right), .init(""),
    ])
    for field in row["fields"]?.arrayValue ?? [] {
      table.add([
        field["field"]?.stringValue ?? "", number(field["filled"]), QualityReport.percent(field["completeness"]), number(field["errors"]),
        QualityReport.percent(field["error_rate"]), field["is_above_ceiling"]?.booleanValue == true ? say("above 0.3 %", "超过 0.3%") : "",
      ])
    }
    return "\(row["day"]?.stringValue ?? "") \(row["source"]?.stringValue ?? "") \(row["stream"]?.stringValue ?? "")\n" + table.render()
  }

  private func delayText(_ isChinese: Bool) -> String {
    func told(_ delay: Delay) -> String {
      guard delay.records > 0 else { return isChinese ? "尚无批次" : "no batch yet" }
      func seconds(_ value: Double?) -> String { value.map { "<= \($0) s" } ?? (isChinese ? "超出量程" : "beyond measure") }
      return "p50 \(seconds(delay.median)), p95 \(seconds(delay.most))"
    }
    let verdict =
      switch isDelayAboveCeiling {
      case true?: isChinese ? "超过 5 分钟" : "above 5 minutes"
      case false?: isChinese ? "未超过 5 分钟" : "within 5 minutes"
      case nil: "-"
      }
    return isChinese
      ? "从 Kafka 到 ingest：\(told(ingest))；到 profile：\(told(profile))；合计：\(verdict)\n"
      : "from Kafka to ingest: \(told(ingest)); to profile: \(told(profile)); together: \(verdict)\n"
  }

  private func number(_ value: JSONValue?) -> String { value?.int64Value.map { String($0) } ?? "0" }

  /// `0.0031` is `0.31 %`.
  static func percent(_ value: JSONValue?) -> String {
    guard case .number(let text)? = value, let units = try? MinorUnits.parse(text, digits: 4) else { return "-" }
    let cents = String(units % 100)
    return "\(units / 100)." + String(repeating: "0", count: 2 - cents.count) + cents + " %"
  }

  /// One line for each source, stream, day and field (R-03); the field `record` stands for the record as a whole.
  public var csv: [UInt8] {
    var writer = DelimitedWriter()
    writer.record([
      "day", "source", "stream", "records", "accepted", "duplicates", "refused", "late", "latest_seconds", "field", "filled", "completeness", "errors",
      "error_rate", "is_above_ceiling",
    ])
    for row in rows {
      for field in row["fields"]?.arrayValue ?? [] {
        writer.record(
          ["day", "source", "stream"].map { row[$0]?.stringValue ?? "" } + ["records", "accepted", "duplicates", "refused"].map { number(row[$0]) }
            + [number(row["lateness"]?["late"]), number(row["lateness"]?["latest_seconds"]), field["field"]?.stringValue ?? "", number(field["filled"])]
            + [plain(field["completeness"]), number(field["errors"]), plain(field["error_rate"])]
            + [field["is_above_ceiling"]?.booleanValue == true ? "true" : "false"])
      }
    }
    return writer.take()
  }

  private func plain(_ value: JSONValue?) -> String { if case .number(let text)? = value { text } else { "" } }
}
