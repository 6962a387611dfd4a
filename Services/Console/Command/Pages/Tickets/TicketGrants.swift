// What a ticket's customer was given or is to be given: asking, and deciding on what others asked for (K-08).
import Access
import Domain
import HTML
import HTTP
import Text

struct TicketGrants {
  let look: TicketLook
  let visit: Visit
  let forms: TicketForms

  @NodeBuilder var nodes: [Node] {
    if visit.may(.grantsAsk) || visit.may(.grantsRead) {
      Element(.section, [.class("card"), .label(.labelled, "grants")]) {
        Element(.h2, [.id("grants")], visit.say("Compensation and upgrades", "补偿与升级"))
        if let grants = look.grants {
          grants.shown(visit) { json in
            let list = json["grants"]?.arrayValue ?? []
            if list.isEmpty { Element(.p, [.class("soft")], visit.say("Nothing was given yet.", "尚未授予。")) }
            for grant in list { one(grant) }
          }
        }
        if visit.may(.grantsAsk), !look.isMerged { ask }
      }
    }
  }

  private func one(_ grant: JSONValue) -> Element {
    Element(.div, [.class("grant")]) {
      Element(.p) {
        Element(.strong, TicketGrants.what(grant, look.staff?.json, visit))
        " "
        Parts.badge(visit.say(grant["state_name"]), TicketGrants.badge(grant))
      }
      let asked = visit.moment(grant["asked_at"])
      let asker = visit.text(grant["asked_by"])
      Element(.p, [.class("soft")], visit.say("\(asker), \(asked): \(visit.text(grant["reason"]))", "\(asker)，\(asked)：\(visit.text(grant["reason"]))"))
      if let decider = grant["decided_by"]?.stringValue, decider != grant["asked_by"]?.stringValue {
        let words = grant["decision_reason"]?.stringValue.map { ": \($0)" } ?? ""
        Element(.p, [.class("soft")], visit.say("Decided by \(decider)\(words)", "\(decider) 决定\(words)"))
      }
      if grant["state"] == "waiting" { decide(grant) }
    }
  }

  @NodeBuilder private func decide(_ grant: JSONValue) -> [Node] {
    let me = visit.caller?.principal.actor
    if grant["asked_by"]?.stringValue == me {
      Element(.p, [.class("note")], visit.say("Somebody else has to decide on it.", "须由他人审批。"))
    } else if visit.may(.grantsDecide), let id = grant["grant_id"]?.stringValue {
      let fields = forms.fields(.decide, of: id)
      Parts.form(visit, visit.target("/tickets/\(look.id)/decide")) {
        Parts.hidden("grant", id)
        fields.field(visit.say("Why (needed when not)", "理由（驳回时必填）"), "reason")
        Element(.div, [.class("actions")]) {
          Element(.button, [.class("main"), .label(.name, "decision"), .label(.value, "approval")], visit.say("Approve", "批准"))
          Element(.button, [.class("danger"), .label(.name, "decision"), .label(.value, "rejection")], visit.say("Reject", "驳回"))
        }
      }
    }
  }

  @NodeBuilder private var ask: [Node] {
    let rules = look.staff?.json?["grants"]
    let currency = rules?["currency"]?.stringValue ?? visit.site.currency.description
    let upgrades = [(value: "", text: visit.say("none", "无"))] + (rules?["upgrades"]?.arrayValue ?? []).map { upgrade in
      (value: upgrade["id"]?.stringValue ?? "", text: "\(visit.say(upgrade["name"])) (\(visit.text(upgrade["worth"])) \(currency))")
    }
    let fields = forms.fields(.grant)
    Element(.details, Attribute.on(.open, if: fields.isRefused)) {
      Element(.summary, visit.say("Give something", "授予补偿或升级"))
      if let limit { Element(.p, [.class("note")], limit) }
      forms.form(.grant) {
        fields.field(visit.say("Compensation in \(currency)", "补偿金额（\(currency)）"), "amount", [.label(.inputmode, "decimal")])
        if upgrades.count > 1 { fields.choice(visit.say("or an upgrade", "或升级服务"), "upgrade", upgrades) }
        fields.field(visit.say("Why", "理由"), "reason", [.on(.required)])
        Element(.button, visit.say("Give or ask for it", "授予或提交审批"))
      }
    }
  }

  /// What whoever looks may give without asking.
  private var limit: String? {
    let me = visit.caller?.principal.actor
    guard let role = look.staff?.json?["people"]?.arrayValue?.first(where: { $0["name"]?.stringValue == me })?["role"]?.stringValue,
      let rules = look.staff?.json?["grants"], let amount = rules["limits"]?[role]
    else { return nil }
    let most = "\(visit.text(amount)) \(visit.text(rules["currency"]))"
    return visit.say("You may give up to \(most) for one ticket; more waits for somebody who may.", "您每张工单可直接授予至多 \(most)，超出部分须审批。")
  }

  // MARK: - Words

  static func badge(_ grant: JSONValue) -> Parts.Badge {
    switch grant["state"]?.stringValue {
    case "granted": .good
    case "waiting": .warn
    default: .bad
    }
  }

  /// Money, or which upgrade and what it is worth.
  static func what(_ grant: JSONValue, _ staff: JSONValue?, _ visit: Visit) -> String {
    let amount = "\(visit.text(grant["amount"])) \(visit.text(grant["currency"]))"
    guard let upgrade = grant["upgrade"]?.stringValue else { return visit.say("Compensation \(amount)", "补偿 \(amount)") }
    return "\(TicketPage.name(upgrade, staff?["grants"]?["upgrades"], visit)) (\(amount))"
  }

  /// A line of the history: `compensation 30.00 CNY` or `upgrade express-delivery 30.00 CNY`.
  static func words(_ text: String, _ look: TicketLook, _ visit: Visit) -> String {
    let parts = text.split(separator: " ").map(String.init)
    if parts.first == "compensation" { return visit.say("compensation", "补偿") + " " + parts.dropFirst().joined(separator: " ") }
    guard parts.first == "upgrade", parts.count > 1 else { return text }
    return "\(TicketPage.name(parts[1], look.staff?.json?["grants"]?["upgrades"], visit)) (\(parts.dropFirst(2).joined(separator: " ")))"
  }
}
