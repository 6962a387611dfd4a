// Where data come from: what became of an import, and what a mapping takes from which field (I-02, I-03).
import Access
import Documents
import Domain
import HTML
import HTTP
import Text

struct SourcePages {
  let visit: Visit

  static func trail(_ visit: Visit, toImports: Bool = false) -> Element {
    Element(.p, [.class("trail")]) {
      Parts.link(visit.say("Data quality", "数据质量"), visit.target(QualityPages.path))
      if toImports {
        " / "
        Parts.link(visit.say("Imports", "导入"), visit.target(SourcePages.imports))
      }
    }
  }

  // MARK: - Imports

  static let imports = "/imports"
  private static let outcomes = ["accepted", "duplicate", "skipped", "quarantined"]

  /// The newest ones; the field with an import's id leads to that one.
  func listImports() async throws -> Response {
    let id = (visit.request.query["id"] ?? "").trimmed
    if !id.isEmpty { return visit.go(to: "\(SourcePages.imports)/\(PercentEncoding.encoded(id))") }
    let json = try await visit.api.get(.ingest, "/v1/imports", [("before", visit.request.query["before"])])
    let table = DataTable(
      "imports", visit.say("Imports, the newest first", "导入（由新到旧）"),
      [visit.say("Import", "导入编号"), visit.say("Last record", "末条记录")] + SourcePages.outcomes.map { visit.say(QualityWords.outcome($0)) },
      (json["imports"]?.arrayValue ?? []).map { one in
        let id = one["id"]?.stringValue ?? ""
        return [.link(id, visit.target("\(SourcePages.imports)/\(PercentEncoding.encoded(id))")), visit.cell(moment: one["last_at"])]
          + SourcePages.outcomes.map { .number(visit.number(one[$0]?["lines"])) }
      })
    if let file = visit.file(of: [table]) { return file }
    let title = visit.say("Imports", "导入")
    return visit.page(title, .quality) {
      SourcePages.trail(visit)
      Element(.h1, title)
      SourcePages.find(visit)
      Element(.p, [.class("note")], visit.say("Lines of the file by what became of them.", "按处理结果统计的文件行数。"))
      table.element(visit, empty: visit.say("Nothing was imported yet.", "尚无导入。"))
      Parts.pager(visit, next: json["next"]?.stringValue)
    }
  }

  static func find(_ visit: Visit) -> Element {
    Parts.search(visit.target(imports), visit.say("Find an import", "查找导入")) {
      Parts.field(visit.say("What became of an import: its id", "导入编号（查看导入结果）"), "id", [.on(.required)])
      Element(.button, visit.say("Show", "查看"))
    }
  }

  func showImport() async throws -> Response {
    let id = try visit.request.parameter("id")
    let json = try await visit.api.get(.ingest, "/v1/imports/\(PercentEncoding.encoded(id))")
    let (sums, reasons) = (sums(json), reasons(json))
    if let file = visit.file(of: [sums, reasons]) { return file }
    let title = visit.say("Import \(id)", "导入 \(id)")
    return visit.page(title, .quality) {
      SourcePages.trail(visit, toImports: true)
      Element(.h1, title)
      Parts.facts([
        (visit.say("First record", "首条记录"), visit.moment(json["first_at"])), (visit.say("Last record", "末条记录"), visit.moment(json["last_at"])),
      ])
      sums.element(visit, empty: "")
      reasons.element(visit, empty: visit.say("None was refused or skipped.", "没有被拒收或跳过的记录。"))
    }
  }

  private func sums(_ json: JSONValue) -> DataTable {
    DataTable(
      "import", visit.say("What became of it", "处理结果"), [visit.say("Outcome", "结果"), visit.say("Records", "消息数"), visit.say("Lines", "行数")],
      SourcePages.outcomes.map { outcome in
        [
          .text(visit.say(QualityWords.outcome(outcome))), .number(visit.number(json[outcome]?["records"])),
          .number(visit.number(json[outcome]?["lines"])),
        ]
      })
  }

  private func reasons(_ json: JSONValue) -> DataTable {
    DataTable(
      "import-reasons", visit.say("Why", "原因"),
      [visit.say("Reason", "原因"), visit.say("Outcome", "结果"), visit.say("Records", "消息数"), visit.say("Lines", "行数")],
      (json["reasons"]?.arrayValue ?? []).map { row in
        let reason = row["reason"]?.stringValue ?? ""
        let isRefused = row["outcome"]?.stringValue == "quarantined" && visit.may(.quarantineRead)
        return [
          .link(reason, isRefused ? visit.target(QuarantinePage.path, [("reason", reason)]) : nil),
          .text(visit.say(QualityWords.outcome(row["outcome"]?.stringValue))), .number(visit.number(row["records"])), .number(visit.number(row["lines"])),
        ]
      })
  }

  // MARK: - Mappings

  func showMapping() async throws -> Response {
    let id = try visit.request.parameter("id")
    let json = try await visit.api.get(.ingest, "/v1/mappings/\(PercentEncoding.encoded(id))")
    let yaml = json["yaml"]?.stringValue ?? ""
    let origins = (try? YAMLReader.read(Array(yaml.utf8), source: id)).map { MappingOrigins($0).rows } ?? []
    let table = DataTable(
      "mapping", visit.say("Which field comes from where", "字段来源"),
      [visit.say("Field of ours", "本系统字段"), visit.say("Comes from", "来源字段"), visit.say("What is done to it", "处理")],
      origins.map { origin in
        [
          .shown([.element(Element(.code, origin.field))], plain: origin.field), .text(said(origin)),
          .shown(origin.steps.isEmpty ? [] : [.element(Element(.code, origin.steps))], plain: origin.steps),
        ]
      })
    if let file = visit.file(of: [table]) { return file }
    let (name, version) = (visit.text(json["name"]), visit.number(json["version"]))
    let title = visit.say("Mapping \(name) version \(version)", "映射 \(name) 版本 \(version)")
    return visit.page(title, .quality) {
      SourcePages.trail(visit)
      Element(.h1, title)
      Parts.facts([
        (visit.say("Source", "来源"), visit.text(json["source"])), (visit.say("Owner", "负责人"), visit.text(json["owner"])),
        (visit.say("Registered", "登记时间"), visit.moment(json["registered_at"])), ("ID", id),
      ])
      table.element(visit, empty: visit.say("The file cannot be read by this program.", "无法读取该文件。"))
      Element(.details) {
        Element(.summary, visit.say("The whole file", "完整文件"))
        Element(.pre, yaml)
      }
    }
  }

  private func said(_ origin: MappingOrigins.Row) -> String {
    switch origin.kind {
    case .field: origin.from
    case .first: visit.say("the first that is not empty: ", "取首个非空：") + origin.from
    case .constant: visit.say("always: ", "固定值：") + origin.from
    case .line: visit.say("the number of its line", "行号")
    case .other: origin.from
    }
  }
}

/// The values of a mapping's file with what they are taken from.
struct MappingOrigins {
  enum Kind: Equatable { case field, first, constant, line, other }

  struct Row: Equatable {
    let field: String
    let kind: Kind
    let from: String
    /// As the file has them: `remove: "¥", table: {...}`.
    let steps: String
  }

  private(set) var rows: [Row] = []
  private static let origins = ["field", "first_of", "constant", "line_number"]

  init(_ root: YAMLNode) {
    for section in MappedKind.allCases { if let node = root[section.rawValue] { add(node, section.rawValue) } }
  }

  private mutating func add(_ node: YAMLNode, _ path: String) {
    guard case .mapping(let entries) = node.content else {
      rows.append(Row(field: path, kind: .other, from: MappingOrigins.text(node), steps: ""))
      return
    }
    guard let origin = entries.first(where: { MappingOrigins.origins.contains($0.key) }) else {
      for entry in entries { add(entry.value, "\(path).\(entry.key)") }
      return
    }
    let steps = entries.filter { $0.key != origin.key }.map { "\($0.key): \(MappingOrigins.text($0.value))" }.joined(separator: ", ")
    let kind: Kind =
      switch origin.key {
      case "field": .field
      case "first_of": .first
      case "constant": .constant
      default: .line
      }
    rows.append(Row(field: path, kind: kind, from: MappingOrigins.text(origin.value, inside: false), steps: steps))
  }

  /// A value as a line of text.
  private static func text(_ node: YAMLNode, inside: Bool = true) -> String {
    switch node.content {
    case .scalar(let text, let isPlain): return isPlain || !inside ? text : "\"\(text)\""
    case .sequence(let items):
      let all = items.map { text($0) }.joined(separator: ", ")
      return inside ? "[\(all)]" : all
    case .mapping(let entries): return "{" + entries.map { "\($0.key): \(text($0.value))" }.joined(separator: ", ") + "}"
    }
  }
}
