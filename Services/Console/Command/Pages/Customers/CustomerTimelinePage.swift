// The whole timeline of a customer, page by page, all of it or some kinds (P-13).
import Access
import Domain
import HTML
import HTTP
import Text

struct CustomerTimelinePage: Sendable {
  let site: Site

  private static let entriesMax = 50
  private static let othersMax = "200"
  private static let kind = "kind"

  func add(to router: inout Router) {
    router.page("/customers/{id}/timeline", site, needs: .customersRead, look: .contacts) { visit in
      try await CustomerFile.with(visit, "/timeline") { try await show($0) }
    }
  }

  private func show(_ file: CustomerFile) async throws -> Response {
    let (visit, api) = (file.visit, file.visit.api)
    // Without a choice everything is shown.
    let known = TimelineView.kinds + (file.days.isPast ? [] : TimelineView.others.filter { mayAsk($0, visit) })
    let chosen = visit.request.query.all(CustomerTimelinePage.kind).filter(known.contains)
    let wanted = Set(chosen.isEmpty ? known : chosen)
    let kept = TimelineView.kinds.filter(wanted.contains)
    let before = visit.request.query["before"]
    async let ratings = wanted.contains("tier")
      ? api.section(.tiering, "/v1/customers/\(file.id)/ratings", [("limit", CustomerTimelinePage.othersMax)]) : nil
    async let tickets = wanted.contains("ticket")
      ? api.section(.tickets, "/v1/tickets", [("customer_id", file.id), ("limit", CustomerTimelinePage.othersMax)]) : nil
    async let invitations = wanted.contains("invitation")
      ? api.section(.feedback, "/v1/invitations", [("customer_id", file.id), ("limit", CustomerTimelinePage.othersMax)]) : nil
    let answer: JSONValue = kept.isEmpty
      ? ["entries": []]
      : try await api.get(
        .profile, "/v1/customers/\(file.id)/timeline",
        [("limit", String(CustomerTimelinePage.entriesMax)), ("kinds", kept.joined(separator: ",")), ("before", before)] + file.days.query)
    let view = TimelineView(visit: visit)
    let own = (answer["entries"]?.arrayValue ?? []).compactMap { view.line($0, visit.text(file.json["currency"])) }
    let next = answer["next"]?.stringValue
    let sections = [await ratings, await tickets, await invitations]
    let others = view.tiers(sections[0]?.json, file) + view.tickets(sections[1]?.json) + view.invitations(sections[2]?.json)
    let start = before.flatMap { $0.split(separator: ":").first }.flatMap { Int64($0) }
    let lines = TimelineView.merged(own, others, from: next == nil ? nil : own.last?.at, before: start)
    let table = self.table(visit, lines)
    if let found = visit.file(of: [table]) { return found }
    return file.page(.timeline) {
      choice(file, known, wanted)
      for section in sections { if case .failure(let failure)? = section { Notice.failure(failure, visit) } }
      Element(.p) {
        Parts.link(visit.say("This page as a file (CSV)", "本页导出 CSV"), visit.here([(name: DataTable.parameter, value: table.id)]))
        if before != nil {
          " · "
          Parts.link(visit.say("To the newest", "返回最新"), visit.here([(name: "before", value: nil)]))
        }
      }
      view.shown(lines)
      Parts.pager(visit, next: next)
    }
  }

  private func mayAsk(_ kind: String, _ visit: Visit) -> Bool {
    switch kind {
    case "tier": visit.may(.tiersRead)
    case "ticket": visit.may(.ticketsRead)
    default: visit.may(.invitationsRead)
    }
  }

  private func choice(_ file: CustomerFile, _ known: [String], _ wanted: Set<String>) -> Element {
    let visit = file.visit
    return Parts.search(CustomerFile.target(file.id, .timeline), visit.say("Filter", "筛选")) {
      for (name, value) in file.days.query { if let value { Parts.hidden(name, value) } }
      Element(.fieldset, [.class("checks")]) {
        Element(.legend, visit.say("Show", "显示"))
        for kind in known {
          Element(.label) {
            Element(
              .input,
              [.input(.checkbox), .label(.name, CustomerTimelinePage.kind), .label(.value, kind)] + Attribute.on(.checked, if: wanted.contains(kind)))
            " " + visit.word(kind, of: CustomerWords.entries)
          }
        }
      }
      Element(.button, visit.say("Show these", "应用"))
    }
  }

  private func table(_ visit: Visit, _ lines: [TimelineView.Line]) -> DataTable {
    DataTable(
      "timeline", visit.say("Timeline", "时间线"),
      [visit.say("At", "时间"), visit.say("What", "类型"), visit.say("Where", "渠道"), visit.say("Details", "详情"), visit.say("Words", "原文")],
      lines.map { [.text(visit.moment($0.at)), .text(visit.word($0.type, of: CustomerWords.entries)), .text($0.place), .text($0.text), .text($0.quote)] })
  }
}
