// Contact data in full (S-02): for whoever may, with a reason, on record in the trail of the service that shows it before it is shown.
import Access
import Domain
import HTML
import HTTP
import Text

enum Look {
  /// What is seen in full.
  enum Kind: Sendable {
    /// Contact data, and what customers wrote.
    case contacts
    /// Refused records as they came.
    case records

    /// Beside that to see contact data.
    var needs: Permission { self == .records ? .quarantineRaw : .contactsRead }

    var title: LocalizedName {
      switch self {
      case .contacts: LocalizedName(en: "Show contact data in full", zh: "完整显示联系方式")
      case .records: LocalizedName(en: "Show values as they came", zh: "显示原始内容")
      }
    }

    /// Before the reason.
    var shown: LocalizedName {
      switch self {
      case .contacts: LocalizedName(en: "Contact data is shown in full, and this look is on record: ", zh: "联系方式已完整显示，本次查看已记录在案：")
      case .records: LocalizedName(en: "Values are shown as they came, and this look is on record: ", zh: "已显示原始内容，本次查看已记录在案：")
      }
    }
  }

  /// Behind the address of a page: the same with contact data in full.
  static let ending = "/unmasked"
  static let field = "unmask_reason"
  /// Characters of a reason, as the services take them.
  private static let characters = Access.Look.reasonLength

  /// What of the services' answers holds contact data that a page shows; anything else is asked for as always, and is no look.
  static func isAsked(_ peer: Peer, _ method: HTTPMethod, _ path: String) -> Bool {
    let parts = path.prefix { $0 != "?" }.split(separator: "/").dropFirst().map(String.init)
    // A trial of a corrected record changes nothing either.
    if peer == .ingest, parts.first == "quarantine" { return method == .get ? parts.count == 2 : parts.count == 3 && parts[2] == "try" }
    guard method == .get else { return false }
    switch (peer, parts.first) {
    case (.ingest, "conflicts"): return parts.count == 1
    case (.feedback, "answers"): return parts.count == 1
    case (.tickets, "tickets"): return parts.count == 2 || parts.count == 3 && parts[2] == "history"
    case (.profile, "customers"): return parts.count == 2 || parts.count == 3 && parts[2] == "timeline"
    case (.tickets, "questions"), (.profile, "reviews"): return parts.count == 2
    default: return false
    }
  }

  static func take(_ visit: Visit, _ look: Kind, _ handler: PageHandler) async throws -> Response {
    var visit = visit
    visit.look = look
    visit.reason = try reason(visit)
    if visit.reason == nil {
      visit.lookFault = visit.say(
        "Give the reason in \(characters.lowerBound) to \(characters.upperBound) characters.", "请填写 \(characters.lowerBound) 至 \(characters.upperBound) 个字的原因。")
    }
    var answer = try await handler(visit)
    if visit.lookFault != nil { answer.status = .unprocessable }
    return answer
  }

  /// The reason that a form gives; nil: none that the services take.
  static func reason(_ visit: Visit) throws -> String? {
    let text = TextNormal.trimmed(try visit.request.form()[field] ?? "")
    // What cannot be shown, and what a browser puts where it could not read a letter.
    let isPlain = text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control && $0 != "\u{FFFD}" }
    return isPlain && characters.contains(text.unicodeScalars.count) ? text : nil
  }

  /// The way to it, at the end of a page.
  @NodeBuilder static func shown(_ visit: Visit) -> [Node] {
    if let reason = visit.reason {
      Notice.plain(visit.say(visit.look?.shown ?? Kind.contacts.shown) + reason)
    } else if let look = visit.look, visit.may(.contactsRead), visit.may(look.needs) {
      Element(.details, [.class("look")] + Attribute.on(.open, if: visit.lookFault != nil)) {
        Element(.summary, visit.say(look.title))
        Parts.form(visit, visit.unmasked, [.class("sheet")]) {
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
