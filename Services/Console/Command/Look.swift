// Contact data in full (S-02): for whoever may, with a reason, on record in the trail of the service that shows it before it is shown.
import Access
import Domain
import HTML
import HTTP

enum Look {
  /// Behind the address of a page: the same with contact data in full.
  static let ending = "/unmasked"
  private static let field = "unmask_reason"
  /// The part of a page with the way to it.
  static let place = "look"
  /// Characters of a reason, as the services take them.
  private static let characters = 3...200

  /// What of the services' answers holds contact data that a page shows; anything else is asked for as always, and is no look.
  static func isAsked(_ peer: Peer, _ method: HTTPMethod, _ path: String) -> Bool {
    // Records as they came are asked for in so many words, also with a try of a corrected one.
    if peer == .ingest { return path.contains("raw=1") }
    guard method == .get else { return false }
    let parts = path.prefix { $0 != "?" }.split(separator: "/").dropFirst().map(String.init)
    switch (peer, parts.first) {
    case (.feedback, "answers"): return parts.count == 1
    case (.tickets, "tickets"): return parts.count == 2 || parts.count == 3 && parts[2] == "history"
    case (.profile, "customers"): return parts.count == 2 || parts.count == 3 && parts[2] == "timeline"
    case (.tickets, "questions"), (.profile, "reviews"): return parts.count == 2
    default: return false
    }
  }

  static func take(_ visit: Visit, _ needs: Permission, _ handler: PageHandler) async throws -> Response {
    var visit = visit
    visit.look = needs
    let reason = try visit.request.form()[field].map { String($0.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed()) } ?? ""
    if characters.contains(reason.unicodeScalars.count) { visit.reason = reason } else {
      visit.lookFault = visit.say(
        "Give the reason in \(characters.lowerBound) to \(characters.upperBound) characters.", "请填写 \(characters.lowerBound) 至 \(characters.upperBound) 个字的原因。")
    }
    var answer = try await handler(visit)
    if visit.lookFault != nil { answer.status = .unprocessable }
    return answer
  }

  /// Where the page stands in full: with all that its address chose.
  static func target(_ visit: Visit) -> PageTarget? {
    let query = visit.request.query.items.filter { ![Done.parameter, DataTable.parameter].contains($0.name) }.map { (name: $0.name, value: Optional($0.value)) }
    return visit.target(visit.ownPath + ending, query)
  }

  /// Of a form of a page that is shown in full, so that it comes again in full.
  @NodeBuilder static func kept(_ visit: Visit) -> [Node] { if let reason = visit.reason { Parts.hidden(field, reason) } }

  /// The way to it, at the end of a page.
  @NodeBuilder static func shown(_ visit: Visit) -> [Node] {
    let isRaw = visit.look == .quarantineRaw
    if let reason = visit.reason {
      Notice.plain(
        isRaw
          ? visit.say("Values are shown as they came, and this look is on record: \(reason)", "已显示原始内容，本次查看已记录在案：\(reason)")
          : visit.say("Contact data is shown in full, and this look is on record: \(reason)", "联系方式已完整显示，本次查看已记录在案：\(reason)"))
    } else if let look = visit.look, visit.may(look) {
      Element(.details, [.class("look"), .id(place)] + Attribute.on(.open, if: visit.lookFault != nil)) {
        Element(.summary, isRaw ? visit.say("Show values as they came", "显示原始内容") : visit.say("Show contact data in full", "完整显示联系方式"))
        Parts.form(visit, target(visit), [.class("sheet")]) {
          Parts.field(
            visit.say("Why do you need it?", "查看原因"), field, [.on(.required), .label(.maxlength, String(characters.upperBound)), .label(.autocomplete, "off")],
            fault: visit.lookFault)
          Element(.p, [.class("soft")], visit.say("What you see, and why, is kept in the audit trail.", "所查看的内容与原因将记入审计记录。"))
          Element(.button, visit.say("Show", "显示"))
        }
      }
    }
  }
}
