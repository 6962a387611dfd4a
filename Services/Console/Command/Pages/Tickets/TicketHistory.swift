// What happened to a ticket, the newest first: who did what, why, and when it was (K-06).
import Domain
import HTML
import HTTP
import Text

struct TicketHistory {
  let look: TicketLook
  let visit: Visit

  /// Lines that are shown before somebody asks for all of them.
  private static let shownMax = 40

  @NodeBuilder var nodes: [Node] {
    Element(.section, [.label(.labelled, "history")]) {
      Element(.h2, [.id("history")], visit.say("What happened", "处理记录"))
      look.history.shown(visit) { json in
        let events = Array((json["events"]?.arrayValue ?? []).enumerated()).sorted(by: isNewer).map(\.element)
        let isWhole = visit.request.query["history"] == "all" || visit.request.query["line"] != nil
        let shown = isWhole ? events : Array(events.prefix(TicketHistory.shownMax))
        Element(.ol, [.class("timeline")]) { for event in shown { line(event) } }
        if shown.count < events.count {
          Element(.p) { Parts.link(visit.say("All \(events.count) lines", "全部 \(events.count) 条"), here("history", "all")) }
        }
        if let next = json["next"]?.int64Value {
          Element(.p) { Parts.link(visit.say("What came after", "之后的记录"), here("line", String(next))) }
        }
      }
    }
  }

  private func here(_ name: String, _ value: String) -> PageTarget? { visit.target("/tickets/\(look.id)", [(name: name, value: value)]) }

  /// By the moment at which it happened; of one moment by what became known later.
  private func isNewer(_ left: (offset: Int, element: JSONValue), _ right: (offset: Int, element: JSONValue)) -> Bool {
    (ClockView.moment(left.element["at"]) ?? 0, left.offset) > (ClockView.moment(right.element["at"]) ?? 0, right.offset)
  }

  private func line(_ event: JSONValue) -> Element {
    let kind = event["kind"]?.stringValue.flatMap(TicketEvent.Kind.init(rawValue:))
    let title = kind.map { visit.say($0.title) } ?? visit.text(event["kind"])
    return Element(.li) {
      Element(.p) {
        visit.time(event["at"])
        " "
        Parts.badge(title, kind?.badge ?? .plain)
        if let about = about(event, kind) {
          " "
          [about]
        }
        " "
        Element(.span, [.class("soft")], DeskWords.actor(event["actor"]?.stringValue, visit) + late(event))
      }
      if let words = words(event, kind) { Element(.p, [.class("words")], words) }
      if let reason = event["reason"]?.stringValue {
        Element(.p, [.class("soft")], visit.say("Why: \(placed(reason, kind))", "理由：\(placed(reason, kind))"))
      }
    }
  }

  private func placed(_ reason: String, _ kind: TicketEvent.Kind?) -> String { kind == .assigned ? DeskWords.placement(reason, visit) : reason }

  /// Since when it is known, where that was more than a minute later.
  private func late(_ event: JSONValue) -> String {
    guard let at = ClockView.moment(event["at"]), let known = ClockView.moment(event["known_at"]), known - at >= 60_000_000 else { return "" }
    return visit.say(" · known since \(visit.moment(known))", " · 得知于 \(visit.moment(known))")
  }

  /// What it is about, in words of the suite.
  private func about(_ event: JSONValue, _ kind: TicketEvent.Kind?) -> Node? {
    let text = event["text"]?.stringValue ?? ""
    switch kind {
    case .warned, .breached, .escalated, .corrected, .fulfilled:
      let clock = DeskWords.clock(event["clock"]?.stringValue, visit)
      let percent = event["percent"]?.numberText.map { " \($0) %" } ?? ""
      let role = event["role"]?.stringValue.map { " → \(DeskWords.role($0, visit))" } ?? ""
      return .text(clock + percent + role)
    case .assigned: return .element(Element(.strong, text))
    case .linked, .merged, .moved:
      guard let id = text.split(separator: " ").compactMap({ TicketID(String($0))?.description }).last else { return .text(text) }
      let target = kind == .moved ? nil : visit.target("/tickets/\(id)")
      return kind == .moved ? .element(DeskParts.customer(id, visit)) : .element(Element(.a, [.class("code")] + Parts.href(target), id))
    case .retargeted: return .text(text.split(separator: " ").map { part(String($0)) }.joined(separator: " · "))
    case .resolved:
      let parts = text.split(separator: ":", maxSplits: 1).map { String($0.drop { $0 == " " }) }
      let code = parts.first.map { TicketPage.name($0, look.desk.json?["resolution_codes"], visit) }
      let cause = parts.dropFirst().first.map { TicketPage.name($0, look.desk.json?["root_causes"], visit) }
      return .text([code, cause].compactMap(\.self).joined(separator: " · "))
    case .granted, .grantAsked, .grantRejected: return .text(TicketGrants.words(text, look, visit))
    case .acceptanceAsked: return .text(visit.say("until \(text)", "截止 \(text)"))
    case .accepted, .acceptanceRejected:
      let parts = text.split(separator: ":", maxSplits: 1).map { String($0.drop { $0 == " " }) }
      let value = parts.first.flatMap { ValueGiven(rawValue: $0) }.map { visit.say($0.name) } ?? parts.first ?? ""
      return .text(([value] + parts.dropFirst()).joined(separator: ": "))
    default: return nil
    }
  }

  /// A word of tier, kind, urgency or priority.
  private func part(_ word: String) -> String {
    let names = [DeskWords.tier(word, visit), DeskWords.kind(word, visit), DeskWords.urgency(word, visit)]
    return names.first { $0 != word } ?? word
  }

  /// What a person said.
  private func words(_ event: JSONValue, _ kind: TicketEvent.Kind?) -> String? {
    guard let text = event["text"]?.stringValue, !text.isEmpty else { return nil }
    switch kind {
    case .opened, .started, .replied, .message, .waitsForCustomer, .waitsForThirdParty, .resumed, .closed, .reopened, nil: return text
    default: return nil
    }
  }
}
