// Scorecards' states, their history and a trial's comparison in words and tables, English and Chinese.
import CommandLine
import Domain
public import Text

public enum ScorecardWords {
  private static let states = ["draft": "草稿", "simulated": "已试算", "canary": "试行", "active": "启用", "retired": "停用"]
  private static let events = [
    "registered": "登记", "simulated": "试算", "canary": "开始试行", "activated": "启用", "replaced": "被替换", "restored": "恢复", "retired": "停用",
  ]

  public static func state(_ name: String, _ isChinese: Bool) -> String { isChinese ? states[name] ?? name : name }
  public static func event(_ name: String, _ isChinese: Bool) -> String { isChinese ? events[name] ?? name : name }

  /// Either group by both scorecards, and what it bought since the trial began.
  public static func comparison(_ answer: JSONValue, isChinese: Bool) -> String {
    func say(_ english: String, _ chinese: String) -> String { isChinese ? chinese : english }
    let currency = answer["currency"]?.stringValue.flatMap { Currency($0) } ?? .cny
    let name = "\(answer["scorecard"]?.stringValue ?? "") v\(number(answer["scorecard_version"]))"
    let (active, percent) = (answer["active"]?.stringValue ?? "", number(answer["percent"]))
    let (since, day) = (answer["since"]?.stringValue ?? "", answer["as_of"]?.stringValue ?? "")
    var text = say(
      "\(name) rates \(percent) % of the customers since \(since), \(active) the rest; figures of \(day), amounts in \(currency)\n\n",
      "\(name) 自 \(since) 起对 \(percent)% 的客户试行，其余由 \(active) 评级；数据日期 \(day)，币种 \(currency)\n\n")
    for (key, title) in [("canary", say("Trial", "试行客户")), ("rest", say("Rest", "其余客户"))] {
      guard let group = answer[key] else { continue }
      text += tiers(group, title, currency, isChinese).render()
      text += say(
        "\(number(group["customers"])) customers, average score \(number(group["average_score"])); "
          + "both scorecards agree on \(number(group["agreement_percent"])) %, "
          + "\(number(group["up"])) are higher by \(name), \(number(group["down"])) lower\n",
        "客户 \(number(group["customers"]))，平均得分 \(number(group["average_score"]))；两卡一致 \(number(group["agreement_percent"]))%，"
          + "按 \(name) 更高 \(number(group["up"]))，更低 \(number(group["down"]))\n")
      let spend = money(group["since"]?["spend_per_customer"], currency)
      text += say(
        "Since then \(number(group["since"]?["buyers"])) have bought (\(number(group["since"]?["buyers_percent"])) %), "
          + "\(number(group["since"]?["orders"])) orders, \(spend) a customer\n",
        "试行以来购买客户 \(number(group["since"]?["buyers"]))（\(number(group["since"]?["buyers_percent"]))%），订单 \(number(group["since"]?["orders"]))，人均 \(spend)\n")
      let waiting = group["waiting"]?.intValue ?? 0
      if waiting > 0 { text += say("Not rated by their scorecard yet: \(waiting)\n", "尚待按新评分卡评级：\(waiting)\n") }
      text += "\n"
    }
    return text
  }

  private static func tiers(_ group: JSONValue, _ title: String, _ currency: Currency, _ isChinese: Bool) -> Table {
    func say(_ english: String, _ chinese: String) -> String { isChinese ? chinese : english }
    var table = Table([
      .init(title), .init(say("Customers by the active one", "按启用卡客户数"), .right), .init(say("By the trial", "按试行卡"), .right),
      .init(say("Share %", "占比 %"), .right), .init(say("By the trial", "按试行卡"), .right), .init(say("Of revenue %", "消费占比 %"), .right),
      .init(say("By the trial", "按试行卡"), .right),
    ])
    for tier in group["tiers"]?.arrayValue ?? [] {
      let (active, trial) = (tier["by_active"], tier["by_canary"])
      table.add([
        tier["name"]?[isChinese ? "zh" : "en"]?.stringValue ?? tier["tier"]?.stringValue ?? "", number(active?["customers"]), number(trial?["customers"]),
        number(active?["share_percent"]), number(trial?["share_percent"]), number(active?["revenue_share_percent"]),
        number(trial?["revenue_share_percent"]),
      ])
    }
    return table
  }

  private static func number(_ value: JSONValue?) -> String { value?.numberText ?? "-" }

  /// Minor units with decimals, as an average has them, to units.
  private static func money(_ value: JSONValue?, _ currency: Currency) -> String {
    guard let minor = value?.numberText.flatMap({ Rational(decimal: $0) }) else { return "-" }
    return TierReport.money(minor.roundedHalfUp, currency)
  }
}
