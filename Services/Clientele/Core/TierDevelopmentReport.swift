// What became of the tiers (T-12), as the tiering service answers it, in tables for people and CSV for spreadsheets.
import CommandLine
public import Domain
import HTTP
public import Text

public struct TierDevelopmentReport: Sendable {
  /// The service's own answer; amounts are minor units.
  public let answer: JSONValue

  public static func read(asOf: Day?, months: Int, _ services: ServiceClient) async throws -> TierDevelopmentReport {
    let path = ServiceClient.path("/v1/reports/tiers", [("as_of", asOf?.description), ("months", String(months))])
    return TierDevelopmentReport(answer: try await services.longAnswer("tiering", path))
  }

  private var currency: Currency { answer["currency"]?.stringValue.flatMap { Currency($0) } ?? .cny }
  private var tiers: [JSONValue] { answer["tiers"]?.arrayValue ?? [] }
  private var traffic: [JSONValue] { answer["traffic"]?.arrayValue ?? [] }

  private func number(_ value: JSONValue?, _ none: String) -> String { value?.numberText ?? none }
  /// Minor units to units, with all decimals.
  private func money(_ value: JSONValue?, _ none: String) -> String {
    guard let minor = value?.numberText.flatMap({ Rational(decimal: $0) }) else { return none }
    return TierReport.money(minor.roundedHalfUp, currency)
  }

  private func label(tier id: JSONValue?, _ isChinese: Bool) -> String {
    let tier = tiers.first { $0["tier"] == id }
    return tier?["name"]?[isChinese ? "zh" : "en"]?.stringValue ?? id?.stringValue ?? ""
  }

  // MARK: - For people

  /// Tiers, traffic by month, and the reasons of what has no value.
  public func text(isChinese: Bool) -> String {
    func say(_ english: String, _ chinese: String) -> String { isChinese ? chinese : english }
    let (day, before) = (answer["as_of"]?.stringValue ?? "", answer["before"]?.stringValue ?? "")
    var text = say(
      "Tiers as customers had them on \(day); retention of those who were in the tier on \(before); amounts in \(currency)\n\n",
      "\(day) 的实际等级；留存按 \(before) 的等级计算；币种 \(currency)\n\n")
    text += summary(isChinese).render() + "\n"
    var table = Table([
      .init(say("Month", "月份")), .init(say("Tier", "等级")), .init(say("In", "进入"), .right), .init(say("Of them first", "其中首次"), .right),
      .init(say("Out", "离开"), .right), .init(say("Of them merged", "其中合并"), .right),
    ])
    for row in traffic where ["in", "out"].contains(where: { row[$0]?.int64Value ?? 0 > 0 }) {
      let keys = ["in", "first", "out", "merged"]
      table.add([row["month"]?.stringValue ?? "", label(tier: row["tier"], isChinese)] + keys.map { number(row[$0], "-") })
    }
    text += table.render()
    let reasons = reasons(isChinese)
    for reason in reasons { text += "\n" + say("none: ", "无数据：") + reason }
    return text + (reasons.isEmpty ? "" : "\n")
  }

  /// Why something has no value, each once.
  private func reasons(_ isChinese: Bool) -> [String] {
    func say(_ english: String, _ chinese: String) -> String { isChinese ? chinese : english }
    func told(_ reason: JSONValue?) -> String? { reason?[isChinese ? "zh" : "en"]?.stringValue }
    let figures = [
      ("retention", say("retention", "留存率")), ("repurchase", say("repurchase", "复购率")),
      ("average_order_growth", say("growth of the average order", "客单价增长")),
    ]
    let names = ["referrals": say("referrals", "推荐"), "service_cost": say("service cost", "服务成本"), "return_on_service": say("return on service", "服务回报")]
    var found: [String] = []
    for tier in tiers where tier["customers"]?.int64Value ?? 0 > 0 || tier["cohort"]?.int64Value ?? 0 > 0 {
      let label = label(tier: tier["tier"], isChinese)
      for (key, name) in figures {
        guard let reason = told(tier["\(key)_none"]) else { continue }
        found.append(say("\(name) of \(label): \(reason)", "\(label)的\(name)：\(reason)"))
      }
    }
    for member in answer["none"]?.members ?? [] {
      found.append((names[member.key] ?? member.key) + say(": ", "：") + (told(member.value) ?? ""))
    }
    return found
  }

  private func summary(_ isChinese: Bool) -> Table {
    func say(_ english: String, _ chinese: String) -> String { isChinese ? chinese : english }
    let none = say("none", "无")
    var table = Table([
      .init(say("Tier", "等级")), .init(say("Customers", "客户数"), .right), .init(say("Share %", "占比 %"), .right), .init(say("Revenue", "消费额"), .right),
      .init(say("Of revenue %", "消费占比 %"), .right), .init(say("Retention %", "留存率 %"), .right), .init(say("Repurchase %", "复购率 %"), .right),
      .init(say("Average order", "客单价"), .right), .init(say("Growth %", "增长 %"), .right),
    ])
    for tier in tiers {
      table.add([
        label(tier: tier["tier"], isChinese), number(tier["customers"], "-"),
        number(tier["share_percent"], "-"), money(tier["revenue"], "-"), number(tier["revenue_share_percent"], "-"),
        number(tier["retention_percent"], none), number(tier["repurchase_percent"], none), money(tier["average_order"], none),
        number(tier["average_order_growth_percent"], none),
      ])
    }
    return table
  }

  // MARK: - CSV

  /// One record per tier; an empty field is no value.
  public var tiersCSV: [UInt8] {
    var writer = DelimitedWriter()
    writer.record([
      "as_of", "tier", "customers", "share", "revenue", "revenue_share", "cohort", "retention", "repurchase", "average_order", "average_order_before",
      "average_order_growth", "referrals", "service_cost", "return_on_service",
    ])
    for tier in tiers {
      writer.record([
        answer["as_of"]?.stringValue ?? "", tier["tier"]?.stringValue ?? "", number(tier["customers"], ""), number(tier["share_percent"], ""),
        money(tier["revenue"], ""), number(tier["revenue_share_percent"], ""), number(tier["cohort"], ""), number(tier["retention_percent"], ""),
        number(tier["repurchase_percent"], ""), money(tier["average_order"], ""), money(tier["average_order_before"], ""),
        number(tier["average_order_growth_percent"], ""), number(tier["referrals"], ""), number(tier["service_cost"], ""),
        number(tier["return_on_service"], ""),
      ])
    }
    return writer.take()
  }

  /// One record per month and tier.
  public var trafficCSV: [UInt8] {
    var writer = DelimitedWriter()
    writer.record(["month", "tier", "in", "out", "first", "merged"])
    for row in traffic {
      writer.record([row["month"]?.stringValue ?? "", row["tier"]?.stringValue ?? ""] + ["in", "out", "first", "merged"].map { number(row[$0], "") })
    }
    return writer.take()
  }
}
