// The report on tiers as tables for people, CSV for spreadsheets and JSON for programs.
public import CommandLine
import Domain
import Text

extension TierReport {
  // MARK: - For people

  /// The report as text in the console's language.
  public func text(for console: Console, listsCustomers: Bool) -> String {
    let isChinese = console.language == .zh
    let head = isChinese
      ? "\(day) 的客户分级：评分卡 \(scorecard.reference)，策略 \(policy.reference)，币种 \(currency)\n\n"
      : "Tiers on \(day) by scorecard \(scorecard.reference), policy \(policy.reference), amounts in \(currency)\n\n"
    var text = head + summary(isChinese).render()
    if listsCustomers { text += "\n" + list(isChinese).render() }
    return text
  }

  private func summary(_ isChinese: Bool) -> Table {
    func say(_ english: String, _ chinese: String) -> String { isChinese ? chinese : english }
    var table = Table([
      .init(say("Tier", "等级")), .init("English"), .init("中文"), .init(say("Customers", "客户数"), .right), .init(say("Share %", "占比 %"), .right),
      .init(say("Revenue", "消费额"), .right), .init(say("Of revenue %", "消费占比 %"), .right),
    ])
    for line in lines {
      table.add([
        line.tier.id.text, line.tier.name.en, line.tier.name.zh, String(line.customers), share(line) ?? "-", money(line.revenue), revenueShare(line) ?? "-",
      ])
    }
    table.add([say("all", "合计"), "", "", String(customers.count), "", money(revenue), ""])
    return table
  }

  private func list(_ isChinese: Bool) -> Table {
    func say(_ english: String, _ chinese: String) -> String { isChinese ? chinese : english }
    var columns: [Table.Column] = [
      .init(say("Customer", "客户")), .init(say("Member", "会员号")), .init("R", .right), .init("F", .right), .init("M", .right),
    ]
    for indicator in scorecard.indicators { columns.append(.init(isChinese ? indicator.name.zh : indicator.name.en, .right)) }
    var table = Table(columns + [.init(say("Score", "得分"), .right), .init(say("Tier", "等级"))])
    for customer in customers {
      let purchases = customer.figures.purchases
      let points = customer.points.map { $0.map { $0.decimalText(fractionDigitsMax: 2) } ?? "-" }
      table.add(
        [
          customer.figures.id.description, customer.figures.memberID ?? "-", purchases.recencyDays.map { String($0) } ?? "-",
          String(purchases.frequency), money(Int128(purchases.monetary)),
        ] + points + [customer.rounded.map { String($0) } ?? "-", isChinese ? customer.tier.name.zh : customer.tier.name.en])
    }
    return table
  }

  func share(_ line: Line) -> String? { TierReport.percent(Int128(line.customers), of: Int128(customers.count)) }
  func revenueShare(_ line: Line) -> String? { TierReport.percent(line.revenue, of: revenue) }

  // MARK: - CSV

  /// One record per tier: `tier,customers,share,revenue,revenue_share`, shares in percent.
  public func tiersCSV() -> [UInt8] {
    var writer = DelimitedWriter()
    writer.record(["tier", "customers", "share", "revenue", "revenue_share"])
    for line in lines {
      writer.record([line.tier.id.text, String(line.customers), share(line) ?? "", money(line.revenue), revenueShare(line) ?? ""])
    }
    return writer.take()
  }

  /// One record per customer; an empty field is no value.
  public func customersCSV() -> [UInt8] {
    var writer = DelimitedWriter()
    writer.record(
      ["customer_id", "member_id", "recency_days", "frequency", "monetary", "repurchase_rate"]
        + scorecard.indicators.map { $0.key.name + "_points" } + ["score", "tier"])
    for customer in customers {
      let purchases = customer.figures.purchases
      writer.field(customer.figures.id.description)
      writer.field(customer.figures.memberID ?? "")
      writer.field(purchases.recencyDays.map { String($0) } ?? "")
      writer.field(purchases.frequency)
      writer.field(money(Int128(purchases.monetary)))
      writer.field(TierReport.repurchaseRate(purchases) ?? "")
      for points in customer.points { writer.field(points?.decimalText(fractionDigitsMax: TierReport.fractionDigitsMax) ?? "") }
      writer.field(customer.rounded.map { String($0) } ?? "")
      writer.field(customer.tier.id.text)
      writer.endRecord()
    }
    return writer.take()
  }

  // MARK: - JSON

  /// Amounts are decimal texts, percent and points numbers with at most four decimals, no value is null.
  public func json(listsCustomers: Bool) -> [UInt8] {
    var writer = JSONWriter(capacityBytes: listsCustomers ? 512 * (customers.count + 1) : 2_048)
    writer.beginObject()
    writer.key("as_of")
    writer.text(day.description)
    writer.key("scorecard")
    writer.text(scorecard.reference.description)
    writer.key("policy")
    writer.text(policy.reference.description)
    writer.key("currency")
    writer.text(currency.description)
    writer.key("customers")
    writer.integer(customers.count)
    writer.key("revenue")
    writer.text(money(revenue))
    writer.key("tiers")
    JSONValue.array(lines.map(tierJSON)).write(to: &writer)
    if listsCustomers {
      writer.key("list")
      writer.beginArray()
      for customer in customers { write(customer, to: &writer) }
      writer.endArray()
    }
    writer.endObject()
    return writer.array()
  }

  private func tierJSON(_ line: Line) -> JSONValue {
    [
      "tier": .text(line.tier.id.text), "name": ["en": .text(line.tier.name.en), "zh": .text(line.tier.name.zh)],
      "customers": .integer(Int64(line.customers)), "share_percent": share(line).map { .number($0) } ?? .null, "revenue": .text(money(line.revenue)),
      "revenue_share_percent": revenueShare(line).map { .number($0) } ?? .null,
    ]
  }

  private func write(_ customer: Customer, to writer: inout JSONWriter) {
    let purchases = customer.figures.purchases
    writer.beginObject()
    writer.key("customer_id")
    writer.text(customer.figures.id.description)
    writer.key("member_id")
    writer.textOrNull(customer.figures.memberID)
    writer.key("recency_days")
    writer.integerOrNull(purchases.recencyDays.map { Int64($0) })
    writer.key("frequency")
    writer.integer(purchases.frequency)
    writer.key("monetary")
    writer.text(money(Int128(purchases.monetary)))
    writer.key("repurchase_rate")
    JSONValue.decimal(TierReport.repurchaseRate(purchases)).write(to: &writer)
    writer.key("points")
    writer.beginObject()
    for (indicator, points) in zip(scorecard.indicators, customer.points) {
      writer.key(indicator.key.name)
      JSONValue.decimal(points?.decimalText(fractionDigitsMax: TierReport.fractionDigitsMax)).write(to: &writer)
    }
    writer.endObject()
    writer.key("score")
    writer.integerOrNull(customer.rounded.map { Int64($0) })
    writer.key("score_exact")
    writer.textOrNull(customer.exact?.description)
    writer.key("tier")
    writer.text(customer.tier.id.text)
    writer.endObject()
  }
}

extension JSONValue {
  /// A number by its decimal text, or null.
  static func decimal(_ text: String?) -> JSONValue { text.map { .number($0) } ?? .null }
}
