// Why a customer has its score (T-05): what each indicator gives, drawn and as a table, and in words what would reach or keep a tier.
import Domain
import HTML
import Text

struct ScoreView {
  let visit: Visit
  /// As the tiering service tells a rating, or a proposal with its explanation.
  let rating: JSONValue

  private var explanation: JSONValue? { rating["explanation"].flatMap { $0.isNull ? nil : $0 } }
  private var indicators: [JSONValue] { explanation?["indicators"]?.arrayValue ?? [] }

  private static let colors = ["a", "b", "c", "d", "e", "f"]
  private static func number(_ value: JSONValue?) -> Double { value?.doubleValue ?? 0 }

  /// Dimensions in their order, with the colour and the points of each.
  private var dimensions: [(name: String, color: String, points: Double)] {
    var found: [(name: String, color: String, points: Double)] = []
    for indicator in indicators {
      let (name, points) = (visit.say(indicator["dimension"]), ScoreView.number(indicator["contribution"]))
      if let place = found.firstIndex(where: { $0.name == name }) { found[place].points += points } else {
        found.append((name, ScoreView.colors[found.count % ScoreView.colors.count], points))
      }
    }
    return found
  }

  private var total: Double { indicators.reduce(0) { $0 + ScoreView.number($1["contribution"]) } }

  private func share(_ points: Double) -> String { total > 0 ? "\(CustomerWords.tenths(points / total * 100)) %" : "–" }

  // MARK: - Drawn

  @NodeBuilder var chart: [Node] {
    if explanation == nil {
      Element(.p, [.class("soft")], visit.say("No indicator has a value, so there is no score to explain.", "没有可计分的数据，因此没有得分说明。"))
    } else {
      let known = dimensions
      let score = visit.number(explanation?["score"])
      Element(.p) {
        Element(.strong, visit.say("Score \(score) of 100", "得分 \(score) / 100"))
        let (card, policy) = (visit.text(explanation?["scorecard"]), visit.text(explanation?["policy"]))
        let moment = visit.moment(explanation?["facts_as_of"])
        visit.say(" by scorecard \(card), policy \(policy); figures as of \(moment).", "，评分卡 \(card)，策略 \(policy)；数据截至 \(moment)。")
      }
      Chart.bars(
        visit.say("What each indicator gives to the score of \(score)", "各项指标对得分 \(score) 的贡献"),
        indicators.map { indicator in
          let points = ScoreView.number(indicator["contribution"])
          let isCounted = indicator["note"]?.stringValue != "left_out"
          return Chart.Bar(
            label: visit.say(indicator["name"]), value: points,
            text: isCounted ? "\(CustomerWords.tenths(points)) (\(share(points)))" : visit.say("no data", "无数据"),
            color: known.first { $0.name == visit.say(indicator["dimension"]) }?.color ?? "a")
        })
      Chart.legend(
        known.map {
          let points = CustomerWords.tenths($0.points)
          let name = visit.say("\($0.name): \(points) points, \(share($0.points))", "\($0.name)：\(points) 分，\(share($0.points))")
          return Chart.Line(name: name, values: [], color: $0.color)
        })
    }
  }

  // MARK: - As a table

  var table: DataTable {
    DataTable(
      "score", visit.say("The score, indicator by indicator", "得分明细"),
      [
        visit.say("Indicator", "指标"), visit.say("Dimension", "维度"), visit.say("Figure", "数据"), visit.say("Points of 100", "得分（满分 100）"),
        visit.say("Weight %", "权重 %"), visit.say("Gives", "贡献"), visit.say("Share", "占比"), visit.say("How", "说明"),
      ],
      indicators.map { indicator in
        let weight = visit.amount(indicator["effective_weight"])
        return [
          .text(visit.say(indicator["name"])), .text(visit.say(indicator["dimension"])), .number(raw(indicator["raw"], indicator)),
          .number(visit.amount(indicator["points"])), .number(weight), .number(visit.amount(indicator["contribution"])),
          .number(share(ScoreView.number(indicator["contribution"]))), .text(note(indicator)),
        ]
      })
  }

  private func raw(_ value: JSONValue?, _ indicator: JSONValue) -> String {
    guard let value, !value.isNull else { return "–" }
    let unit = indicator["unit"]?.stringValue ?? ""
    return visit.amount(value, unit: unit == "currency" ? visit.text(explanation?["currency"]) : visit.word(unit, of: CustomerWords.units))
  }

  private func note(_ indicator: JSONValue) -> String {
    let instead = indicator["weight"] == indicator["effective_weight"]
      ? "" : visit.say("of \(visit.amount(indicator["weight"])) % before sharing out", "分摊前权重 \(visit.amount(indicator["weight"]))%")
    switch indicator["note"]?.stringValue {
    case "left_out":
      return visit.say("no data: left out, its weight is shared among the others", "无数据：不计入，权重由其他指标分摊")
    case "default_points": return visit.say("no data: the scorecard's own points stand in", "无数据：采用评分卡规定的默认得分")
    case "default_value": return visit.say("no data: the scorecard's own figure stands in", "无数据：采用评分卡规定的默认数据")
    default: return instead.isEmpty ? visit.say("measured", "实测") : instead
    }
  }

  // MARK: - In words

  /// What would reach the next tier or keep this one; what the table says already is left out.
  var ways: [String] {
    let lines = sentences
    guard let total = lines.firstIndex(where: { $0.hasPrefix("Total:") || $0.hasPrefix("合计：") }) else { return [] }
    return Array(lines[(total + 1)...])
  }

  private var sentences: [String] {
    (explanation?["text"].map { visit.say($0) } ?? "").split(separator: "\n").map(String.init)
  }

  /// What is decided and what waits.
  var decision: [String] { (rating["decision"]?["text"].map { visit.say($0) } ?? "").split(separator: "\n").map(String.init) }

  @NodeBuilder var words: [Node] {
    if !ways.isEmpty { Element(.ul) { for line in ways { Element(.li, line) } } }
  }

  /// Chart, table and words, one below the other.
  ///
  /// - Parameter isWhole: the table stands open, with every sentence of the explanation.
  @NodeBuilder func shown(isWhole: Bool) -> [Node] {
    chart
    if explanation != nil {
      words
      if isWhole { table.element(visit, empty: "") }
      Element(.details) {
        Element(.summary, isWhole ? visit.say("The whole explanation in words", "完整文字说明") : visit.say("The figures behind it", "查看明细数据"))
        if isWhole { Element(.ul) { for line in sentences { Element(.li, line) } } } else { table.element(visit, empty: "") }
      }
    }
  }
}
