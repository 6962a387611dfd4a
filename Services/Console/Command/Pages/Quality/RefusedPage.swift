// One refused record: why, what helps, and the record itself, to be corrected, tried, sent again or put aside (I-05).
import Access
import Domain
import HTML
import HTTP
import Text

struct RefusedPage {
  private(set) var visit: Visit
  let id: Int64

  /// A record has 2 MiB at most, and what people correct by hand is far smaller.
  static let formBytesMax = 1 << 20
  /// Longer records are corrected at their source.
  private static let valueBytesMax = 64 << 10

  private enum Wish: String { case attempt = "try", replay, dismiss }

  /// What was entered, and what came of it.
  private struct Entry {
    /// nil: the record as it came.
    var value: String?
    var mapping = ""
    var trial: JSONValue?
    var failure: PeerFailure?
    var status = HTTPStatus.ok
  }

  init(_ visit: Visit) throws {
    self.visit = visit
    guard let id = Int64(try visit.request.parameter("id")), id > 0 else { throw Problem(.notFound) }
    self.id = id
  }

  private var source: String { "/v1/quarantine/\(id)" }
  private var path: String { "\(QuarantinePage.path)/\(id)" }
  /// Values as they came are shown to those who say why, and may.
  private var isRaw: Bool { visit.reason != nil }

  func show() async throws -> Response { try await page(Entry()) }

  mutating func take() async throws -> Response {
    let form = try visit.request.form()
    visit.look = .records
    // Who corrects a record goes on looking at it, by the reason of before.
    if visit.may(.quarantineRaw), visit.may(.contactsRead) { visit.reason = try Look.reason(visit) }
    var entry = Entry()
    entry.mapping = form["mapping"] ?? ""
    if let value = form["value"]?.replacing("\r\n", with: "\n"), value != form["shown"]?.replacing("\r\n", with: "\n") { entry.value = value }
    let query: [(name: String, value: String?)] = [("mapping", entry.mapping.isEmpty ? nil : entry.mapping)]
    do throws(PeerFailure) {
      switch form["do"].flatMap(Wish.init) {
      case .dismiss:
        _ = try await visit.api.send(.post, .ingest, source + "/dismiss")
        return visit.go(to: path, done: .dismissed)
      case .replay:
        _ = try await send("/replay", query, entry.value)
        return visit.go(to: path, done: .replayed)
      case .attempt, nil: entry.trial = try await send("/try", query + [("raw", isRaw ? "1" : nil)], entry.value)
      }
    } catch { (entry.failure, entry.status) = (error, error.status) }
    return try await page(entry)
  }

  /// The corrected value as it was entered; nothing where it stays as it came.
  private func send(_ step: String, _ query: [(name: String, value: String?)], _ value: String?) async throws(PeerFailure) -> JSONValue {
    let body = value.map { Array($0.utf8) } ?? []
    return try await visit.api.call(
      .ingest, .post, PercentEncoding.path(source + step, query), body: body, headers: body.isEmpty ? [:] : ["Content-Type": "application/octet-stream"]
    ).json
  }

  // MARK: - Page

  private func page(_ entry: Entry) async throws -> Response {
    let api = visit.api
    let acts = visit.may(.quarantineAct)
    async let asked = acts && visit.may(.sourcesRead) ? api.section(.ingest, "/v1/mappings") : nil
    let record = try await api.get(.ingest, source, [("raw", isRaw ? "1" : nil)])
    let mappings = (await asked)?.json?.arrayValue ?? []
    let reasons = reasons(record)
    let differences = DataTable(
      "differences", visit.say("Differences to the first record, which stands", "与先到（有效）记录的差异"),
      [visit.say("Field", "字段"), visit.say("First, which stands", "先到（有效）"), visit.say("This one", "本条")],
      (record["differences"]?.arrayValue ?? []).map(ConflictPage.cells))
    if let file = visit.file(of: [reasons, differences]) { return file }
    let title = visit.say("Refused record #\(id)", "隔离记录 #\(id)")
    let state = record["state"]?.stringValue
    return visit.page(title, .quality, status: entry.status) {
      Element(.p, [.class("trail")]) { Parts.link(visit.say("Refused records", "隔离记录"), visit.target(QuarantinePage.path)) }
      Element(.h1) {
        title + " "
        Parts.badge(visit.say(QualityWords.state(state)), QualityWords.badge(state))
      }
      if let failure = entry.failure { Notice.failure(failure, visit) }
      if let trial = entry.trial { RefusedParts.tried(trial, visit) }
      facts(record)
      reasons.element(visit, empty: "")
      if record["first"] != nil {
        if record["first"]?["is_gone"]?.booleanValue == true {
          Notice.plain(visit.say("The first record is no longer kept.", "先到的记录已不再保留。"))
        } else { differences.element(visit, empty: visit.say("They do not differ in a field.", "两条记录没有字段差异。")) }
      }
      Element(.h2, visit.say("The record", "记录内容"))
      RawLink.element(visit)
      if isCorrected(record) {
        Element(.details) {
          Element(.summary, visit.say("As it came", "原始内容"))
          Element(.pre, RefusedParts.text(record["value"]))
        }
      } else { Element(.pre, RefusedParts.text(record["value"])) }
      if state == "open", acts { settle(record, mappings, entry) }
    }
  }

  /// Whether the record stands in a field, to be corrected.
  private func isCorrected(_ record: JSONValue) -> Bool {
    isRaw && visit.may(.quarantineAct) && record["state"]?.stringValue == "open"
      && RefusedParts.text(record["value"]).utf8.count <= RefusedPage.valueBytesMax
  }

  private func facts(_ record: JSONValue) -> Element {
    let place = "\(visit.text(record["topic"]))/\(visit.text(record["partition"]))@\(visit.text(record["offset"]))"
    var facts: [(name: String, value: [Node])] = [
      (visit.say("Source", "来源"), [.text(visit.text(record["source"]))]), (visit.say("Received", "接收时间"), [.text(visit.moment(record["received_at"]))]),
      (visit.say("Place", "位置"), [.text(place)]), (visit.say("Lines", "记录数"), [.text(visit.number(record["lines"]))]),
    ]
    for header in record["headers"]?.members ?? [] where header.key != "source" {
      let value = header.value.stringValue ?? "–"
      let target: PageTarget? =
        switch header.key {
        case "mapping": visit.may(.sourcesRead) ? visit.target("/mappings/\(PercentEncoding.encoded(value))") : nil
        case "import-id": visit.may(.sourcesRead) ? visit.target("/imports/\(PercentEncoding.encoded(value))") : nil
        case "replay-of": visit.target("\(QuarantinePage.path)/\(PercentEncoding.encoded(value))")
        default: nil
        }
      facts.append((header.key, [.element(Parts.link(value, target))]))
    }
    return Parts.facts(facts)
  }

  private func reasons(_ record: JSONValue) -> DataTable {
    DataTable(
      "reasons", visit.say("Why it was refused, and what helps", "拒收原因与处理建议"),
      [visit.say("Field", "字段"), visit.say("Rule", "规则"), visit.say("Why", "原因"), visit.say("As told to the source", "系统提示"), visit.say("What helps", "处理建议")],
      (record["reasons"]?.arrayValue ?? []).map { RefusedParts.cells($0, visit) })
  }

  // MARK: - Settling

  @NodeBuilder private func settle(_ record: JSONValue, _ mappings: [JSONValue], _ entry: Entry) -> [Node] {
    let shown = RefusedParts.text(record["value"])
    let target = visit.target(path)
    Element(.h2, visit.say("Settle it", "处理"))
    Parts.form(visit, target, [.label(.spoken, visit.say("Send it again", "重放"))]) {
      if let reason = visit.reason { Parts.hidden(Look.field, reason) }
      if isCorrected(record) {
        Parts.hidden("shown", shown)
        Parts.area(
          visit.say("The record, to be corrected", "更正记录"), "value", value: entry.value ?? shown, rows: 16, [.class("code")])
      } else {
        Element(
          .p,
          isRaw
            ? visit.say("This record is too long to be corrected here; it can be sent again as it came.", "记录过长，无法在此更正；可原样重放。")
            : visit.say("To correct it, show its values as they came. It can be tried and sent again as it is.", "如需更正，请先显示原始内容；也可原样试算或重放。"))
      }
      MappingChoice.element(visit, mappings, source: record["source"]?.stringValue, chosen: entry.mapping)
      Element(.p, [.class("note")], visit.say(RefusedText.replay))
      Element(.div, [.class("actions")]) {
        Element(.button, [.label(.name, "do"), .label(.value, "try")], visit.say("Try it", "试算"))
        Element(.button, [.class("main"), .label(.name, "do"), .label(.value, "replay")], visit.say("Send it again", "重放"))
      }
    }
    Element(.details) {
      Element(.summary, visit.say("Put it aside…", "搁置…"))
      Parts.form(visit, target) {
        if let reason = visit.reason { Parts.hidden(Look.field, reason) }
        Element(.p, visit.say(ManyText.dismiss))
        Element(.div, [.class("actions")]) {
          Element(.button, [.class("danger"), .label(.name, "do"), .label(.value, "dismiss")], visit.say("Put it aside", "搁置"))
        }
      }
    }
  }
}

/// Parts of a refused record.
enum RefusedParts {
  static func cells(_ reason: JSONValue, _ visit: Visit) -> [Cell] {
    let words = RefusalWords(reason["rule"]?.stringValue)
    let (field, rule) = (reason["field"]?.stringValue ?? "", reason["rule"]?.stringValue ?? "")
    return [
      .shown([.element(Element(.code, field))], plain: field), .shown([.element(Element(.code, rule))], plain: rule), .text(visit.say(words.meaning)),
      .text(visit.text(reason["detail"])), .text(visit.say(words.advice)),
    ]
  }

  /// A record's value for people: JSON over several lines, all else as it is.
  static func text(_ value: JSONValue?) -> String {
    guard let value else { return "" }
    let tree: JSONValue? = if let text = value.stringValue { try? JSONValue(parsing: text) } else { value }
    guard let tree, tree.arrayValue != nil || tree.members != nil else { return value.stringValue ?? value.encodedText }
    return pretty(tree, "")
  }

  private static func pretty(_ value: JSONValue, _ indent: String) -> String {
    let inner = indent + "  "
    switch value {
    case .object(let members) where !members.isEmpty:
      let lines = members.map { "\(inner)\(JSONValue.text($0.key).encodedText): \(pretty($0.value, inner))" }
      return "{\n" + lines.joined(separator: ",\n") + "\n\(indent)}"
    case .array(let items) where !items.isEmpty: return "[\n" + items.map { inner + pretty($0, inner) }.joined(separator: ",\n") + "\n\(indent)]"
    default: return value.encodedText
    }
  }

  /// What a replay would come to.
  @NodeBuilder static func tried(_ trial: JSONValue, _ visit: Visit) -> [Node] {
    switch trial["outcome"]?.stringValue {
    case "accepted":
      Element(.div, [.class("notice good"), .label(.role, "status")]) {
        Element(
          .p,
          visit.say(
            "It would be accepted as \(visit.text(trial["kind"])). Nothing was sent yet.", "将被接受为 \(visit.text(trial["kind"]))。尚未发送。"))
        Element(.details) {
          Element(.summary, visit.say("What would be published", "将发布的内容"))
          Element(.pre, text(trial["event"]))
        }
      }
    case "skipped": Notice.plain(visit.say("It would be skipped: \(visit.text(trial["reason"])).", "将被跳过：\(visit.text(trial["reason"]))。"))
    default:
      Element(.div, [.class("notice bad"), .label(.role, "alert")]) {
        Element(.p, visit.say("It would be refused again:", "仍将被拒收："))
        Element(.ul) {
          for reason in trial["reasons"]?.arrayValue ?? [] {
            Element(.li) {
              Element(.code, reason["field"]?.stringValue ?? "")
              visit.say(": ", "：") + visit.say(RefusalWords(reason["rule"]?.stringValue).meaning) + visit.say(" ", "") + visit.text(reason["detail"])
            }
          }
        }
      }
    }
  }
}

enum RefusedText {
  static let replay = LocalizedName(
    en: "A try tells what would become of it and sends nothing. Sent again, it is read by today's rules; whether it repeats or contradicts another "
      + "record is found out then. What is refused again comes back as a new record.",
    zh: "试算仅预览结果，不会发送。重放时按现行规则读取，是否与其他记录重复或冲突届时才能得知；再次被拒的会以新记录出现。")
}
