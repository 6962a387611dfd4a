// One scorecard: what it measures and by how much, its curves, what can be done with it, and what was done.
import Access
import Domain
import HTML
import HTTP
import Text

struct ScorecardPage {
  let visit: Visit
  let reference: CardReference

  init(_ visit: Visit) throws {
    self.visit = visit
    reference = try CardReference(visit.request)
  }

  func show() async throws -> Response {
    let api = visit.api
    async let asked = api.section(
      .tiering, "/v1/scorecards/history", [("name", reference.name), ("version", String(reference.version)), ("limit", "30")])
    let card = try await ShownCard(reference, api)
    let history = await asked
    let (weights, events) = (weights(card.card), CardHistory.table(history.json, visit))
    if let file = visit.file(of: [weights, events]) { return file }
    return visit.page(reference.title, .scorecards) {
      CardTrail.element(visit, nil)
      Element(.h1) {
        reference.title + " "
        Parts.badge(visit.say(CardWords.state(card.state)), CardWords.badge(card.state))
      }
      facts(card)
      CardActions(visit: visit, card: card).element
      weights.element(visit, empty: visit.say("Its file cannot be read by this program.", "无法读取该评分卡文件。"))
      if let content = card.card { curves(content) }
      if let summary = card.json["simulation"]?["detail"], card.json["simulation"]?.isNull == false { recorded(card, summary) }
      Element(.h2, visit.say("What was done", "变更记录"))
      history.shown(visit) { _ in events.element(visit, empty: visit.say("Nothing yet.", "暂无记录。")) }
    }
  }

  /// The file as it was registered.
  func file() async throws -> Response {
    let bytes = try await ShownCard.file(reference, visit.api).get()
    return Response(
      .ok,
      headers: [
        "Content-Type": "application/yaml", "Content-Disposition": "attachment; filename=\"\(reference.name)-\(reference.version).yaml\"",
        "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
      ], body: bytes)
  }

  private func facts(_ card: ShownCard) -> Element {
    var facts: [(name: String, value: [Node])] = [
      (visit.say("Author", "负责人"), [.text(visit.text(card.json["author"]))]),
      (visit.say("Registered", "登记时间"), [.text(visit.moment(card.json["registered_at"]))]),
    ]
    if let percent = card.json["canary_percent"]?.int64Value {
      facts.append((visit.say("Rates", "评级范围"), [.text(visit.say("\(percent) % of the customers", "\(percent)% 的客户"))]))
    }
    facts.append(
      (visit.say("File", "文件"), [.element(Parts.link(visit.say("Download", "下载"), visit.target(reference.path + "/file")))]))
    return Parts.facts(facts)
  }

  private func recorded(_ card: ShownCard, _ summary: JSONValue) -> [Node] {
    let parts = MoveParts(visit, summary, currency: nil)
    let event = card.json["simulation"]
    return [
      .element(Element(.h2, visit.say("Last simulation on record", "最近一次正式试算"))),
      .element(
        Element(.p) {
          visit.say(
            "\(visit.moment(event?["at"])) by \(visit.text(event?["actor"])): ", "\(visit.moment(event?["at"]))，\(visit.text(event?["actor"]))：")
          parts.sentence
        }),
    ]
  }

  // MARK: - What it measures

  private func weights(_ card: Scorecard?) -> DataTable {
    let rows = (card?.dimensions ?? []).flatMap { dimension in
      dimension.indicators.map { indicator -> [Cell] in
        [
          .text(visit.say(indicator.name)), .text(visit.say(dimension.name)), .number(CardDraft.text(indicator.weight)),
          .text(visit.say(CardWords.meaning(indicator.key))), .text(visit.say(CardWords.unit(indicator.unit, visit.site.currency))),
          .text(visit.say(CardWords.curve(indicator.curve))), .text(visit.say(CardWords.missing(indicator.missing))),
        ]
      }
    }
    return DataTable(
      "indicators", visit.say("What it measures", "评分内容"),
      [
        visit.say("Indicator", "指标"), visit.say("Dimension", "维度"), visit.say("Weight %", "权重 %"), visit.say("What it is", "含义"),
        visit.say("Unit", "单位"), visit.say("Value → points", "数值 → 得分"), visit.say("Without a value", "无数值时"),
      ], rows)
  }

  @NodeBuilder private func curves(_ card: Scorecard) -> [Node] {
    Element(.h2, visit.say("Weights", "权重"))
    Chart.bars(
      visit.say("Weights of the indicators in percent", "各指标权重（%）"),
      card.dimensions.enumerated().flatMap { place, dimension in
        dimension.indicators.map { indicator in
          Chart.Bar(
            label: visit.say(indicator.name), value: indicator.weight.double, text: CardDraft.text(indicator.weight) + " %",
            color: ["a", "b", "c", "d", "e", "f"][place % 6])
        }
      })
    Element(.h2, visit.say("From a value to points", "数值如何换算为得分"))
    Element(.div, [.class("columns curves")]) {
      for indicator in card.indicators {
        Element(.div, [.class("card")]) {
          Element(.h3, visit.say(indicator.name))
          CurveChart.element(title(indicator), [.init(curve: indicator.curve)])
          Element(.p, [.class("note")]) {
            visit.say(CardWords.unit(indicator.unit, visit.site.currency)) + visit.say(": ", "：")
            visit.say(CardWords.curve(indicator.curve))
          }
        }
      }
    }
  }

  private func title(_ indicator: ScorecardIndicator) -> String {
    let (name, curve) = (visit.say(indicator.name), visit.say(CardWords.curve(indicator.curve)))
    return visit.say("Points by \(name): \(curve)", "\(name)的得分曲线：\(curve)")
  }
}

/// The way back, above a page's title.
enum CardTrail {
  static func element(_ visit: Visit, _ reference: CardReference?) -> Element {
    Element(.p, [.class("trail")]) {
      Parts.link(visit.say("Scorecards", "评分卡"), visit.target(ScorecardPages.path))
      if let reference {
        " › "
        Parts.link(reference.title, visit.target(reference.path))
      }
    }
  }
}

/// What somebody may do with a scorecard as it stands.
struct CardActions {
  let visit: Visit
  let card: ShownCard

  var element: Element {
    let path = card.reference.path
    func link(_ name: String, _ text: String, _ look: String = "button") -> Element {
      Element(.a, [.class(look)] + Parts.href(visit.target(path + "/" + name)), text)
    }
    return Element(.div, [.class("actions")]) {
      if visit.may(.scorecardsSimulate) {
        link("edit", visit.say("Change a copy", "编辑副本"))
        link("moves", visit.say("Who would move", "试算：谁会变动"))
      }
      if card.state == "canary" { link("comparison", visit.say("Compare with the rest", "与其余客户比较")) }
      if visit.may(.scorecardsDecide) {
        for step in steps { link(step.rawValue, visit.say(StepWords.button(step)), step == .canary || step == .activate ? "button main" : "button") }
      }
    }
  }

  private var steps: [ScorecardStep] {
    switch card.state {
    case "draft": [.retire]
    case "simulated": [.canary, .activate, .retire]
    case "canary": [.activate, .retire]
    case "active": [.back]
    default: []
    }
  }
}
