// The cards on the first page of a customer: who it is, what it may have, who looks after it, what is open, how often it is asked.
import Access
import Domain
import HTML
import Text

struct CustomerCards {
  let file: CustomerFile
  private var visit: Visit { file.visit }
  private var json: JSONValue { file.json }

  static func card(_ title: String, @NodeBuilder _ content: () -> [Node]) -> Element {
    let inside = content()
    return Element(.section, [.class("card")]) {
      Element(.h2, title)
      inside
    }
  }

  private func more(_ text: String, _ tab: CustomerFile.Tab) -> Element {
    Element(.p) { Parts.link(text, visit.target(CustomerFile.path(file.id, tab), tab.knowsPast ? file.days.query : [])) }
  }

  // MARK: - Who it is

  /// Identifiers are masked by the profile service (S-02), unless somebody gave a reason at the end of the page.
  var who: Element {
    CustomerCards.card(visit.say("Who it is", "身份信息")) {
      Parts.facts(attributes + [(visit.say("First seen", "首次出现"), visit.moment(json["first_seen_at"]))])
      identifiers
      more(visit.say("Merges and cases", "合并与核实记录"), .identity)
    }
  }

  private var attributes: [(name: String, value: String)] {
    (json["attributes"]?.members ?? []).map { member in
      let value = member.key == "gender" ? visit.word(member.value, of: CustomerWords.genders) : visit.text(member.value)
      return (visit.word(member.key, of: CustomerWords.attributes), value)
    }
  }

  /// The card shows so many; the page of who it is has all.
  private static let identifiersMax = 12

  private var identifiers: Element {
    let all = json["identifiers"]?.arrayValue ?? []
    return Element(.ul, [.class("lines")]) {
      for item in all.prefix(CustomerCards.identifiersMax) {
        Element(.li) {
          Element(.span, [.class("soft")], visit.word(item["kind"], of: CustomerWords.kinds) + " ")
          visit.text(item["value"])
          if item["strong"] == false { " "; Parts.badge(visit.say("weak", "弱标识")) }
          if item["shared"] == true { " "; Parts.badge(visit.say("shared", "共用"), .warn) }
        }
      }
      if all.count > CustomerCards.identifiersMax {
        Element(.li, [.class("soft")], visit.say("and \(all.count - CustomerCards.identifiersMax) more", "另有 \(all.count - CustomerCards.identifiersMax) 个"))
      }
    }
  }

  // MARK: - Tags and segments

  func tags(_ segment: CustomerSegment?) -> Element {
    CustomerCards.card(visit.say("Segments and tags", "分群与标签")) {
      if case .paying(let rfm, let contribution)? = segment {
        Parts.facts([
          (visit.say("By recency, frequency, spend", "RFM 分群"), visit.say(rfm.title)), (visit.say("By contribution", "贡献分群"), visit.say(contribution.title)),
        ])
      } else if segment == nil, visit.may(.figuresRead), !file.days.isPast {
        Element(.p, [.class("soft")], visit.say("The segment is being worked out; load the page again in a moment.", "分群正在计算，请稍后刷新。"))
      }
      let tags = json["tags"]?.arrayValue ?? []
      if tags.isEmpty { Element(.p, [.class("soft")], visit.say("No tags.", "没有标签。")) } else {
        Element(.ul, [.class("chips")]) { for tag in tags { Element(.li) { badge(tag) } } }
      }
      more(visit.may(.tagsGive) && !file.days.isPast ? visit.say("Why, and give or take", "依据与打标") : visit.say("Since when and why", "起始时间与依据"), .tags)
    }
  }

  /// A tag that a person gave stands out from those of rules by a word.
  private func badge(_ tag: JSONValue) -> Element {
    let name = tag["name"].map { visit.say($0) } ?? visit.text(tag["tag"])
    return Parts.badge(tag["source"] == "person" ? "\(name) · \(visit.say("by hand", "人工"))" : name, tag["source"] == "person" ? .good : .plain)
  }

  // MARK: - What it may have

  func benefits(_ section: Section) -> Element {
    CustomerCards.card(visit.say("Benefits of the tier", "等级权益")) {
      section.shown(visit) { answer in
        let benefits = answer["benefits"]?.arrayValue ?? []
        if benefits.isEmpty { Element(.p, [.class("soft")], visit.say("None.", "没有权益。")) } else {
          Element(.ul, [.class("lines")]) {
            for benefit in benefits {
              Element(.li) {
                visit.say(benefit["name"]) + (CustomerCards.limit(benefit, visit).map { visit.say(": ", "：") + $0 } ?? "")
                if benefit["touches_price"] == true { " "; Parts.badge(visit.say("touches the price", "影响价格"), .warn) }
              }
            }
          }
        }
        if let until = answer["valid_until"]?.stringValue {
          Element(.p, [.class("soft")], visit.say("Until the next review on \(until)", "有效至下次复核 \(until)"))
        }
      }
    }
  }

  /// How much of it; a unit that this program does not know yet is shown by its name.
  static func limit(_ benefit: JSONValue, _ visit: Visit) -> String? {
    guard let text = benefit["limit"]?.numberText else { return nil }
    let unit = benefit["unit"]?.stringValue ?? ""
    guard let known = BenefitUnit(rawValue: unit), let limit = Rational(decimal: text) else { return "\(text) \(unit)" }
    return known.limitText(limit, in: visit.language == .chinese ? .chinese : .english)
  }

  // MARK: - Service

  func tickets(_ section: Section) -> Element {
    CustomerCards.card(visit.say("Open tickets", "未结工单")) {
      section.shown(visit) { answer in
        let tickets = answer["tickets"]?.arrayValue ?? []
        if tickets.isEmpty { Element(.p, [.class("soft")], visit.say("None that you may see.", "没有您可查看的未结工单。")) } else {
          Element(.ul, [.class("lines")]) { for ticket in tickets { Element(.li) { one(ticket) } } }
        }
        if answer["next"]?.stringValue != nil { Element(.p, [.class("soft")], visit.say("There are more.", "还有更多。")) }
        Element(.p) { Parts.link(visit.say("All tickets of this customer", "该客户的全部工单"), visit.target(DeskPage.path, [("customer", file.id)])) }
      }
    }
  }

  @NodeBuilder private func one(_ ticket: JSONValue) -> [Node] {
    let late = DeskTicket(ticket, visit).isLate
    Parts.badge(visit.text(ticket["priority"]), ["P1", "P2"].contains(ticket["priority"]?.stringValue) ? .warn : .plain)
    " "
    Parts.link(visit.word(ticket["kind"], of: CustomerWords.contactKinds), CustomerLinks.ticket(visit, ticket))
    " · \(visit.say(ticket["state_name"])) · \(visit.dayOf(ticket["opened_at"]))"
    if let owner = ticket["owner"]?.stringValue { " · \(owner)" }
    if late { " "; Parts.badge(visit.say("late", "已超时"), .bad) }
  }

  func attendant(_ section: Section) -> Element {
    CustomerCards.card(visit.say("Looked after by", "专属负责人")) {
      section.shown(visit) { answer in
        if let person = answer["person"]?.stringValue {
          Element(.p) {
            Element(.strong, person)
            visit.say(" since \(visit.dayOf(answer["since"]))", "，自 \(visit.dayOf(answer["since"])) 起")
          }
        } else {
          Element(.p, [.class("soft")], visit.say("Nobody by name: the team serves this customer.", "无专属人员，由团队服务。"))
        }
      }
    }
  }

  // MARK: - Surveys

  func surveys(_ contacts: Section?, _ answers: Section?) -> Element {
    CustomerCards.card(visit.say("Surveys", "问卷")) {
      if let contacts {
        contacts.shown(visit) { answer in
          let asked = answer["contacts"]?.arrayValue?.count ?? 0
          Element(.p) {
            if answer["is_opted_out"] == true { Parts.badge(visit.say("wants no surveys", "不接收问卷"), .warn); " " }
            visit.say("Asked in 365 days: \(asked)", "365 天内已询问 \(asked) 次")
          }
        }
      }
      if let answers {
        answers.shown(visit) { answer in
          let rows = answer["answers"]?.arrayValue ?? []
          if rows.isEmpty { Element(.p, [.class("soft")], visit.say("No answers yet.", "暂无回答。")) } else {
            Element(.ul, [.class("lines")]) {
              for row in rows {
                Element(.li) {
                  "\(visit.dayOf(row["occurred_at"])) "
                  Element(.strong, "\(visit.word(row["metric"], of: CustomerWords.metrics)) \(visit.number(row["score"]))")
                  if let comment = row["comment"]?.stringValue { " \(comment.prefix(120))" }
                }
              }
            }
          }
        }
      }
      if visit.may(.consentsRead) { more(visit.say("Consent, budget and invitations", "授权、配额与邀请"), .surveys) }
    }
  }
}
