// The customer of a ticket in a few lines: tier, score, what the customer said of the business last.
import Domain
import HTML
import HTTP
import Text

struct TicketCustomer {
  let look: TicketLook
  let visit: Visit

  @NodeBuilder var nodes: [Node] {
    Element(.section, [.class("card"), .label(.labelled, "customer")]) {
      Element(.h2, [.id("customer")], visit.say("Customer", "客户"))
      Element(.p) { DeskParts.customer(look.customer, visit) }
      Parts.facts(facts)
      ForEachFailure.of([look.tier, look.profile, look.nps], visit)
      if let text = look.tier?.json?["decision"]?["text"] {
        Element(.details) {
          Element(.summary, visit.say("Why this tier", "等级说明"))
          Element(.p, [.class("words")], visit.say(text))
        }
      }
    }
  }

  private var facts: [(name: String, value: [Node])] {
    var facts: [(name: String, value: [Node])] = []
    if let tier = look.tier?.json {
      facts.append((visit.say("Tier", "等级"), [.element(DeskParts.tier(tier["tier"]?.stringValue, visit))]))
      facts.append((visit.say("Score", "评分"), [.text(visit.number(tier["score"]))]))
    } else {
      facts.append((visit.say("Served as", "服务等级"), [.element(DeskParts.tier(look.ticket["tier"]?.stringValue, visit))]))
    }
    if let profile = look.profile?.json {
      let names = (profile["identifiers"]?.arrayValue ?? []).prefix(3).compactMap { $0["value"]?.stringValue }
      if !names.isEmpty { facts.append((visit.say("Known by", "标识"), [.text(names.joined(separator: visit.say(", ", "、")))])) }
      facts.append((visit.say("Orders in 12 months", "近 12 个月订单"), [.text(visit.number(profile["frequency"]))]))
    }
    if let answers = look.nps?.json {
      let answer = answers["answers"]?.arrayValue?.first
      let words = answer.map { "\(visit.number($0["score"])) · \(visit.moment($0["occurred_at"]).prefix(10))" }
      facts.append((visit.say("Last NPS answer", "最近 NPS 回答"), [.text(words ?? visit.say("none", "无"))]))
    }
    if let allowance = look.allowance?.json {
      let (left, cap) = (visit.text(allowance["left"]), visit.text(allowance["cap"]))
      facts.append((visit.say("May still be given this year", "本年度剩余额度"), [.text("\(left) / \(cap) \(visit.text(allowance["currency"]))")]))
    }
    return facts
  }
}

/// Why parts of a card are missing, each once.
enum ForEachFailure {
  static func of(_ sections: [Section?], _ visit: Visit) -> [Node] {
    var (nodes, seen): ([Node], Set<Element>) = ([], [])
    for case .failure(let failure)? in sections where !failure.isMissing {
      let notice = Notice.failure(failure, visit)
      if seen.insert(notice).inserted { nodes.append(.element(notice)) }
    }
    return nodes
  }
}
