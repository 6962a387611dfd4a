// Settling all open records of a source, or with a reason: asked for once more, with how many there are.
import Access
import Domain
import HTML
import HTTP
import Text

struct ManyPage {
  let visit: Visit
  let act: Act

  enum Act: String, Sendable { case replay, dismiss }

  /// Requests of one form; each settles a thousand records at most. More than that is done by going on.
  private static let roundsMax = 5
  private static let recordsOfRound: Int64 = 1_000

  init(_ visit: Visit, _ act: Act) { (self.visit, self.act) = (visit, act) }

  /// Which records are meant.
  private struct Choice {
    let source: String?
    let reason: String?
    var isNone: Bool { source == nil && reason == nil }
    var query: [(name: String, value: String?)] { [("source", source), ("reason", reason)] }

    init(_ items: QueryItems) {
      source = items["source"].flatMap { $0.isEmpty ? nil : $0 }
      reason = items["reason"].flatMap { $0.isEmpty ? nil : $0 }
    }
  }

  func ask() async throws -> Response {
    let choice = Choice(visit.request.query)
    guard !choice.isNone else { return visit.go(to: QuarantinePage.path) }
    return try await show(choice, mapping: "", nil)
  }

  func take() async throws -> Response {
    let form = try visit.request.form()
    let choice = Choice(form)
    guard !choice.isNone else { return visit.go(to: QuarantinePage.path) }
    let mapping = act == .replay ? form["mapping"].flatMap { $0.isEmpty ? nil : $0 } : nil
    let api = visit.api
    // As many as somebody has seen: what is refused anew meanwhile stays for the next time.
    let open = max(0, form["open"].flatMap { Int64($0) } ?? 0)
    var (settled, failed, after, hasMore): (Int64, Int64, Int64, Bool) = (0, 0, 0, false)
    do throws(PeerFailure) {
      for _ in 0..<ManyPage.roundsMax {
        let limit = min(ManyPage.recordsOfRound, open - settled - failed)
        guard limit > 0 else { break }
        let query = choice.query + [("after", String(after)), ("limit", String(limit)), ("mapping", mapping)]
        let answer = try await api.send(.post, .ingest, PercentEncoding.path("/v1/quarantine/" + act.rawValue, query))
        settled += answer[act == .replay ? "replayed" : "dismissed"]?.counted ?? 0
        failed += answer["failed"]?.counted ?? 0
        hasMore = answer["more"]?.booleanValue == true && open > settled + failed
        guard hasMore, let last = answer["last_id"]?.int64Value, last > after else { break }
        after = last
      }
    } catch {
      // What went through before the failure is told too.
      guard settled > 0 else { return try await show(choice, mapping: mapping ?? "", error) }
      hasMore = true
    }
    return visit.go(
      to: QuarantinePage.path,
      choice.query + [("settled", String(settled)), ("failed", failed > 0 ? String(failed) : nil), ("more", hasMore ? "1" : nil)])
  }

  private func show(_ choice: Choice, mapping: String, _ failure: PeerFailure?) async throws -> Response {
    let api = visit.api
    async let asked = act == .replay ? api.section(.ingest, "/v1/mappings") : nil
    let counts = try await api.get(.ingest, "/v1/quarantine/counts").arrayValue ?? []
    let open = counts.filter { row in
      row["state"]?.stringValue == "open" && (choice.source.map { row["source"]?.stringValue == $0 } ?? true)
        && (choice.reason.map { row["reason"]?.stringValue == $0 } ?? true)
    }
    let count = open.reduce(Int64(0)) { $0 + ($1["records"]?.counted ?? 0) }
    let mappings = (await asked)?.json?.arrayValue ?? []
    let isReplay = act == .replay
    let title = isReplay ? visit.say("Send records again", "批量重放") : visit.say("Put records aside", "批量搁置")
    return visit.page(title, .quality, status: failure?.status ?? .ok) {
      Element(.p, [.class("trail")]) { Parts.link(visit.say("Refused records", "隔离记录"), visit.target(QuarantinePage.path, choice.query)) }
      Element(.h1, title)
      if let failure { Notice.failure(failure, visit) }
      Parts.facts([
        (visit.say("Source", "来源"), choice.source ?? visit.say("all", "全部")), (visit.say("Reason", "原因"), choice.reason ?? visit.say("all", "全部")),
        (visit.say("Open records", "待处理记录"), visit.number(count)),
      ])
      Element(.p, visit.say(isReplay ? ManyText.replay : ManyText.dismiss))
      if count > 0 {
        Parts.form(visit, visit.target("/quarantine/many/" + act.rawValue), [.class("sheet")]) {
          for item in choice.query { if let value = item.value { Parts.hidden(item.name, value) } }
          Parts.hidden("open", String(count))
          if isReplay { MappingChoice.element(visit, mappings, source: choice.source, chosen: mapping) }
          Element(.div, [.class("actions")]) {
            Element(
              .button, [.class(isReplay ? "main" : "danger")],
              isReplay
                ? visit.say("Send \(visit.number(count)) records again", "重放 \(visit.number(count)) 条记录")
                : visit.say("Put \(visit.number(count)) records aside", "搁置 \(visit.number(count)) 条记录"))
            Parts.link(visit.say("Leave them as they are", "取消"), visit.target(QuarantinePage.path, choice.query))
          }
        }
      }
    }
  }
}

/// The mapping that reads a record when it is sent again.
enum MappingChoice {
  static func element(_ visit: Visit, _ mappings: [JSONValue], source: String?, chosen: String) -> Element {
    let fitting = mappings.filter { source == nil || $0["source"]?.stringValue == source }.compactMap { $0["id"]?.stringValue }
    return Parts.choice(
      visit.say("Read with", "使用映射"), "mapping",
      [(value: "", text: visit.say("what it came with", "与原先相同"))] + fitting.map { (value: $0, text: $0) }, chosen: chosen)
  }
}

enum ManyText {
  static let replay = LocalizedName(
    en: "Each is read again by today's rules. What is refused again comes back as a new record with its reason; what was applied already has no second effect.",
    zh: "每条记录将按现行规则重新读取。再次被拒的会以新记录出现并注明原因；已生效过的不会重复生效。")
  static let dismiss = LocalizedName(
    en: "They are kept, and never read again. Who did it stands in the audit trail.", zh: "记录会保留但不再处理；操作人记入审计日志。")
}
