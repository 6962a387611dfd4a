// What was refused: how many by source and reason, and the records themselves (I-05).
import Access
import Domain
import HTML
import HTTP
import Text

struct QuarantinePage {
  let visit: Visit

  static let path = "/quarantine"
  private static let recordsOnPage = 50
  private static let states = ["open", "replayed", "dismissed", "all"]
  private static let countsMax = 60

  private func asked(_ name: String) -> String? { visit.request.query[name].flatMap { $0.isEmpty ? nil : $0 } }
  private var state: String { asked("state").flatMap { QuarantinePage.states.contains($0) ? $0 : nil } ?? "open" }

  func show() async throws -> Response {
    let api = visit.api
    async let counted = api.section(.ingest, "/v1/quarantine/counts")
    let records = try await api.get(
      .ingest, "/v1/quarantine",
      [
        ("state", state), ("source", asked("source")), ("reason", asked("reason")), ("after", asked("after")),
        ("limit", String(QuarantinePage.recordsOnPage)),
      ]
    ).arrayValue ?? []
    let counts = await counted
    let (sums, list) = (countTable(counts.json?.arrayValue ?? []), recordTable(records))
    if let file = visit.file(of: [sums, list]) { return file }
    let next = records.count == QuarantinePage.recordsOnPage ? records.last?["id"]?.int64Value.map { String($0) } : nil
    return visit.page(visit.say("Refused records", "隔离记录"), .quality) {
      SourcePages.trail(visit)
      Element(.h1, visit.say("Refused records", "隔离记录"))
      settled
      counts.shown(visit) { _ in sums.element(visit, empty: visit.say("Nothing was ever refused.", "没有被拒收的记录。")) }
      Element(.h2, visit.say("Records", "记录"))
      filters(counts.json?.arrayValue ?? [])
      many(counts.json?.arrayValue ?? [])
      list.element(visit, empty: visit.say("No record is like this.", "没有符合条件的记录。"))
      Parts.pager(visit, next: next, parameter: "after")
    }
  }

  /// What a settling of many came to; only numbers are taken from the address.
  @NodeBuilder private var settled: [Node] {
    if let count = asked("settled").flatMap({ Int64($0) }) {
      Notice.good(visit.say("\(visit.number(count)) records settled.", "已处理 \(visit.number(count)) 条记录。"))
      if let failed = asked("failed").flatMap({ Int64($0) }), failed > 0 {
        Notice.fault(
          visit.say(
            "\(visit.number(failed)) were not confirmed by the brokers and are still open.", "\(visit.number(failed)) 条未获消息系统确认，仍待处理。"))
      }
      if asked("more") == "1" { Notice.plain(visit.say("There are more: go on with the same choice.", "还有更多，请以相同条件继续处理。")) }
    }
  }

  private func filters(_ counts: [JSONValue]) -> Element {
    func options(_ key: String, _ chosen: String?) -> [(value: String, text: String)] {
      let known = Set(counts.compactMap { $0[key]?.stringValue } + (chosen.map { [$0] } ?? [])).sorted()
      return [(value: "", text: visit.say("all", "全部"))] + known.map { (value: $0, text: $0) }
    }
    return Parts.search(visit.target(QuarantinePage.path), visit.say("Which records", "筛选")) {
      Parts.choice(
        visit.say("State", "状态"), "state", QuarantinePage.states.map { (value: $0, text: visit.say(QualityWords.state($0))) }, chosen: state)
      Parts.choice(visit.say("Source", "来源"), "source", options("source", asked("source")), chosen: asked("source") ?? "")
      Parts.choice(visit.say("Reason", "原因"), "reason", options("reason", asked("reason")), chosen: asked("reason") ?? "")
      Element(.button, visit.say("Show", "查看"))
    }
  }

  /// Settling all that are chosen, where a source or a reason says which.
  @NodeBuilder private func many(_ counts: [JSONValue]) -> [Node] {
    let open = counts.filter { row in
      row["state"]?.stringValue == "open" && (asked("source").map { row["source"]?.stringValue == $0 } ?? true)
        && (asked("reason").map { row["reason"]?.stringValue == $0 } ?? true)
    }
    let count = open.reduce(Int64(0)) { $0 + ($1["records"]?.int64Value ?? 0) }
    if visit.may(.quarantineAct), state == "open", asked("source") != nil || asked("reason") != nil, count > 0 {
      let query: [(name: String, value: String?)] = [("source", asked("source")), ("reason", asked("reason"))]
      Element(.div, [.class("actions")]) {
        Element(
          .a, [.class("button")] + Parts.href(visit.target("/quarantine/many/replay", query)), visit.say("Send all of them again…", "全部重放…"))
        Element(
          .a, [.class("button")] + Parts.href(visit.target("/quarantine/many/dismiss", query)), visit.say("Put all of them aside…", "全部搁置…"))
      }
    }
  }

  private func countTable(_ counts: [JSONValue]) -> DataTable {
    let sorted = counts.sorted { one, other in
      let (isOpen, isOtherOpen) = (one["state"]?.stringValue == "open", other["state"]?.stringValue == "open")
      if isOpen != isOtherOpen { return isOpen }
      return (one["records"]?.int64Value ?? 0) > (other["records"]?.int64Value ?? 0)
    }
    return DataTable(
      "refused-counts", visit.say("By reason and source", "按原因与来源统计"),
      [
        visit.say("Reason", "原因"), visit.say("What it means", "说明"), visit.say("Source", "来源"), visit.say("State", "状态"), visit.say("Records", "消息数"),
        visit.say("Lines", "记录数"),
      ],
      sorted.prefix(QuarantinePage.countsMax).map { row in
        let (source, reason, state) = (row["source"]?.stringValue ?? "", row["reason"]?.stringValue ?? "", row["state"]?.stringValue ?? "")
        let word = visit.say(QualityWords.state(state))
        return [
          .link(reason, visit.target(QuarantinePage.path, [("state", state), ("source", source), ("reason", reason)])),
          .text(visit.say(RefusalWords(QualityWords.rule(ofCode: reason)).meaning)), .text(source),
          .shown([.element(Parts.badge(word, QualityWords.badge(state)))], plain: word), .number(visit.number(row["records"])),
          .number(visit.number(row["lines"])),
        ]
      })
  }

  private func recordTable(_ records: [JSONValue]) -> DataTable {
    DataTable(
      "refused", visit.say("Refused records, oldest first", "隔离记录（最早在前）"),
      [
        visit.say("Record", "记录"), visit.say("Source", "来源"), visit.say("Received", "接收时间"), visit.say("Lines", "记录数"), visit.say("State", "状态"),
        visit.say("Reasons", "原因"),
      ],
      records.map { record in
        let id = record["id"]?.int64Value.map { String($0) } ?? ""
        let state = visit.say(QualityWords.state(record["state"]?.stringValue))
        return [
          .link("#\(id)", visit.target("\(QuarantinePage.path)/\(id)")), .text(visit.text(record["source"])), .text(visit.moment(record["received_at"])),
          .number(visit.number(record["lines"])),
          .shown([.element(Parts.badge(state, QualityWords.badge(record["state"]?.stringValue)))], plain: state),
          .text((record["reasons"]?.arrayValue ?? []).map(QualityWords.code).joined(separator: ", ")),
        ]
      })
  }
}

/// Records with the id of another and other content, each beside the one that stands (I-06).
struct ConflictPage {
  let visit: Visit

  private static let conflictsOnPage = 20

  func show() async throws -> Response {
    let query = visit.request.query
    let isRaw = visit.reason != nil
    let json = try await visit.api.get(
      .ingest, "/v1/conflicts",
      [
        ("source", query["source"].flatMap { $0.isEmpty ? nil : $0 }), ("after", query["after"]), ("limit", String(ConflictPage.conflictsOnPage)),
        ("raw", isRaw ? "1" : nil),
      ])
    let conflicts = json["conflicts"]?.arrayValue ?? []
    let table = DataTable(
      "conflicts", visit.say("Differences, field by field", "逐字段差异"),
      [
        visit.say("Record", "记录"), visit.say("Source", "来源"), visit.say("Received", "接收时间"), visit.say("Field", "字段"),
        visit.say("First, which stands", "先到（有效）"), visit.say("This one", "本条"),
      ], conflicts.flatMap(rows))
    if let file = visit.file(of: [table]) { return file }
    let next = json["more"]?.booleanValue == true ? json["last_id"]?.int64Value.map { String($0) } : nil
    return visit.page(visit.say("Conflicts", "数据冲突"), .quality) {
      SourcePages.trail(visit)
      Element(.h1, visit.say("Conflicts", "数据冲突"))
      Element(.p, visit.say(RefusalText.conflict) + visit.say(" ", "") + visit.say(RefusalText.sides))
      RawLink.element(visit)
      table.element(visit, empty: visit.say("There are no open conflicts.", "没有未处理的冲突。"))
      Parts.pager(visit, next: next, parameter: "after")
    }
  }

  private func rows(_ record: JSONValue) -> [[Cell]] {
    let id = record["id"]?.int64Value.map { String($0) } ?? ""
    let head: [Cell] = [
      .link("#\(id)", visit.target("\(QuarantinePage.path)/\(id)")), .text(visit.text(record["source"])), .text(visit.moment(record["received_at"])),
    ]
    if record["first"]?["is_gone"]?.booleanValue == true {
      let at = visit.moment(record["first"]?["received_at"])
      let place = visit.say("the first is no longer kept, it came \(at)", "先到记录已不再保留（到达于 \(at)）")
      return [head + [.text("–"), .text(place), .text("–")]]
    }
    let differences = record["differences"]?.arrayValue ?? []
    guard !differences.isEmpty else { return [head + [.text("–"), .text("–"), .text("–")]] }
    return differences.map { head + ConflictPage.cells($0) }
  }

  /// A field with both values.
  static func cells(_ difference: JSONValue) -> [Cell] {
    func text(_ name: String) -> Cell {
      guard let value = difference[name], !value.isNull else { return .text("–") }
      return .text(value.stringValue ?? value.encodedText)
    }
    let field = difference["field"]?.stringValue ?? ""
    return [.shown([.element(Element(.code, field))], plain: field), text("first"), text("second")]
  }
}

/// The way between values as they came and masked ones, for those who may see them.
enum RawLink {
  @NodeBuilder static func element(_ visit: Visit) -> [Node] {
    if visit.may(.quarantineRaw) {
      Element(.p) {
        if visit.reason == nil {
          visit.say("Personal data are masked. ", "个人信息已脱敏。")
          Parts.link(visit.say("How to see values as they came", "如何查看原始内容"), PageTarget("#" + Look.place))
        } else {
          visit.say("Values as they came, with personal data. ", "以下为原始内容，含个人信息。")
          Parts.link(visit.say("Mask them", "脱敏显示"), visit.here([]))
        }
      }
    }
  }
}
