// Who would move, on a page: in a sentence, as a matrix, as bars before and after, and with examples.
import Access
import Domain
import HTML
import HTTP
import Text

struct MoveParts {
  let visit: Visit
  let summary: JSONValue
  let currency: Currency

  init(_ visit: Visit, _ summary: JSONValue, currency: String?) {
    self.visit = visit
    self.summary = summary
    self.currency = currency.flatMap { Currency($0) } ?? visit.site.currency
  }

  // MARK: - Figures

  private func count(_ name: String) -> Int64 { summary[name]?.counted ?? 0 }
  var all: Int64 { count("customers") }
  /// Those whose tier would be another one.
  var moving: Int64 { all - count("kept") }

  /// Without the minor unit: where many stand beside each other.
  private func whole(_ minor: JSONValue?) -> String { String(money(minor).prefix { $0 != "." }) }

  func money(_ minor: JSONValue?) -> String { minor?.numberText.flatMap { Rational(decimal: $0) }.map { money($0.roundedHalfUp) } ?? "–" }

  func money(_ minor: Int128) -> String {
    var scale: Int128 = 1
    for _ in 0..<currency.minorDigits { scale *= 10 }
    let text = Rational(minor, over: scale)?.decimalText(fractionDigitsMax: currency.minorDigits, keepsZeros: true) ?? ""
    let parts = text.split(separator: ".")
    guard let whole = parts.first.flatMap({ Int64($0) }) else { return text }
    return visit.number(whole) + (parts.count > 1 ? "." + parts[1] : "")
  }

  static func percent(_ value: JSONValue?, _ digits: Int = 1) -> String {
    value?.numberText.flatMap { Rational(decimal: $0) }.map { $0.decimalText(fractionDigitsMax: digits) + " %" } ?? "–"
  }

  private func percent(_ part: Int64) -> String {
    Rational(Int128(part) * 100, over: Int128(max(all, 1))).map { $0.decimalText(fractionDigitsMax: 1) + " %" } ?? "–"
  }

  private var tiers: [JSONValue] { summary["tiers"]?.arrayValue ?? [] }
  func tier(_ id: String?) -> String {
    let known = tiers.first { $0["tier"]?.stringValue == id }
    let name = visit.say(known?["name"])
    return name.isEmpty ? id ?? "–" : name
  }

  /// What it comes to, in a sentence.
  var sentence: String {
    let (up, down) = (visit.number(count("up")), visit.number(count("down")))
    guard moving > 0 else {
      return visit.say("None of the \(visit.number(all)) customers would change their tier.", "\(visit.number(all)) 名客户的等级均不变。")
    }
    return visit.say(
      "\(visit.number(moving)) of \(visit.number(all)) customers (\(percent(moving))) would change their tier: \(up) up, \(down) down.",
      "\(visit.number(all)) 名客户中有 \(visit.number(moving)) 名（\(percent(moving))）等级会变化：升级 \(up) 名，降级 \(down) 名。")
  }

  // MARK: - Parts of a page

  /// Below a heading of the second rank.
  @NodeBuilder func shown(hasFile: Bool) -> [Node] {
    let revenue = MoveParts.percent(summary["agreement_revenue_percent"])
    Element(.div, [.class("tiles")]) {
      Parts.tile(visit.say("Change their tier", "等级变化"), visit.number(moving), percent(moving))
      Parts.tile(visit.say("Up", "升级"), visit.number(count("up")))
      Parts.tile(visit.say("Down", "降级"), visit.number(count("down")))
      Parts.tile(
        visit.say("Keep their tier", "等级不变"), visit.number(count("kept")),
        visit.say("with \(revenue) of revenue", "占消费额 \(revenue)"))
    }
    if count("unratable") > 0 {
      Notice.plain(
        visit.say(
          "\(visit.number(count("unratable"))) customers have figures beyond exact arithmetic and keep their rating.",
          "\(visit.number(count("unratable"))) 名客户的数据超出精确计算范围，保持原评级。"))
    }
    Element(.div, [.class("columns")]) {
      matrix("matrix", visit.say("Customers: from the tier of today (rows) to the tier then (columns)", "客户数：从现等级（行）到新等级（列）"), "customers") { visit.number($0) }
        .element(visit, empty: "", hasFile: false)
      matrix("matrix-revenue", visit.say("Their revenue in \(currency)", "对应消费额（\(currency)）"), "revenue") { whole($0) }
        .element(visit, empty: "", hasFile: false)
    }
    chart
    pairs.element(visit, empty: visit.say("Nobody moves.", "没有客户变动。"), hasFile: hasFile)
    loads.element(visit, empty: "", hasFile: hasFile)
  }

  /// Tables that can be had as files.
  var tables: [DataTable] { [pairs, loads] }

  /// Who stays stands on the diagonal.
  private func matrix(_ id: String, _ caption: String, _ figure: String, _ text: (JSONValue) -> String) -> DataTable {
    let pairs = summary["matrix"]?.arrayValue ?? []
    let rows = tiers.map { from -> [Cell] in
      [.text(tier(from["tier"]?.stringValue))]
        + tiers.map { to -> Cell in
          let pair = pairs.first { $0["tier_now"] == from["tier"] && $0["tier_then"] == to["tier"] }
          guard let value = pair?[figure], (pair?["customers"]?.counted ?? 0) > 0 else { return .number("–") }
          return .number(text(value))
        } + [.number(from["now"]?[figure].map(text) ?? "–")]
    }
    let total: [Cell] = [.text(visit.say("all", "合计"))] + tiers.map { .number($0["then"]?[figure].map(text) ?? "–") }
    return DataTable(
      id, caption,
      [visit.say("Today", "现等级")] + tiers.map { visit.say("to ", "→ ") + tier($0["tier"]?.stringValue) } + [visit.say("all today", "现合计")],
      rows + [total + [.number(figure == "customers" ? visit.number(all) : "")]])
  }

  @NodeBuilder private var chart: [Node] {
    Element(.h3, visit.say("Before and after", "前后对比"))
    bars
  }

  private var bars: Element {
    let bars = tiers.flatMap { tier -> [Chart.Bar] in
      let name = self.tier(tier["tier"]?.stringValue)
      return [("now", visit.say("today", "现在"), "a"), ("then", visit.say("then", "之后"), "b")].map { key, word, color in
        let part = tier[key]
        return Chart.Bar(
          label: "\(name) · \(word)", value: part?["revenue_share_percent"]?.doubleValue ?? 0,
          text: MoveParts.percent(part?["revenue_share_percent"]), color: color)
      }
    }
    let people = tiers.flatMap { tier -> [Chart.Bar] in
      let name = self.tier(tier["tier"]?.stringValue)
      return [("now", visit.say("today", "现在"), "a"), ("then", visit.say("then", "之后"), "b")].map { key, word, color in
        let customers = tier[key]?["customers"]
        return Chart.Bar(label: "\(name) · \(word)", value: customers?.doubleValue ?? 0, text: visit.number(customers), color: color)
      }
    }
    return Element(.div, [.class("columns")]) {
      Element(.div) {
        Element(.p, [.class("soft")], visit.say("Customers of each tier", "各等级客户数"))
        Chart.bars(visit.say("Customers of each tier, today and then", "各等级客户数：现在与之后"), people)
      }
      Element(.div) {
        Element(.p, [.class("soft")], visit.say("Share of revenue of each tier", "各等级消费额占比"))
        Chart.bars(visit.say("Share of revenue of each tier, today and then", "各等级消费额占比：现在与之后"), bars)
      }
    }
  }

  private var pairs: DataTable {
    let rows = (summary["matrix"]?.arrayValue ?? []).filter { $0["tier_now"] != $0["tier_then"] && ($0["customers"]?.counted ?? 0) > 0 }
    return DataTable(
      "moves-by-tier", visit.say("Moves", "等级变动"),
      [visit.say("From", "从"), visit.say("To", "到"), visit.say("Customers", "客户数"), visit.say("Revenue (\(currency))", "消费额（\(currency)）")],
      rows.map { row in
        [
          .text(tier(row["tier_now"]?.stringValue)), .text(tier(row["tier_then"]?.stringValue)), .number(visit.number(row["customers"])),
          .number(money(row["revenue"])),
        ]
      })
  }

  private var loads: DataTable {
    func cells(_ name: String, _ now: JSONValue?, _ then: JSONValue?, all: JSONValue? = nil) -> [Cell] {
      func minutes(_ value: JSONValue?) -> Cell {
        .number(value?["service_minutes_a_day"]?.numberText.flatMap { Rational(decimal: $0) }?.decimalText(fractionDigitsMax: 1) ?? "–")
      }
      return [
        .text(name), .number(visit.number(all ?? now?["customers"])), .number(visit.number(all ?? then?["customers"])), .number(money(now?["benefit_cost"])),
        .number(money(then?["benefit_cost"])), minutes(now), minutes(then),
      ]
    }
    let whole: [Cell] = cells(visit.say("all", "合计"), summary["now"], summary["then"], all: .integer(all))
    return DataTable(
      "tiers-then", visit.say("Tiers today and then, with what their benefits cost and what service they take", "各等级现在与之后：人数、权益成本与服务量"),
      [
        visit.say("Tier", "等级"), visit.say("Customers today", "现客户数"), visit.say("Then", "之后"), visit.say("Benefits a year, \(currency)", "权益年成本（\(currency)）"),
        visit.say("Then", "之后"), visit.say("Service minutes a day", "每日服务分钟"), visit.say("Then", "之后"),
      ], tiers.map { cells(tier($0["tier"]?.stringValue), $0["now"], $0["then"]) } + [whole])
  }

  /// Customers by name of their move; only those who may look at a customer get a link.
  func customers(_ customers: [Moves.Customer]) -> DataTable {
    let isLinked = visit.may(.customersRead)
    return DataTable(
      "moves", visit.say("Customers who would move, the largest revenue first", "会变动的客户（消费额从高到低）"),
      [
        visit.say("Customer", "客户"), visit.say("Member", "会员号"), visit.say("From", "从"), visit.say("To", "到"), visit.say("Score today", "现得分"),
        visit.say("Then", "之后"), visit.say("Revenue (\(currency))", "消费额（\(currency)）"),
      ],
      customers.map { customer in
        [
          .link(customer.id, isLinked ? visit.target("/customers/\(PercentEncoding.encoded(customer.id))") : nil), .text(customer.member ?? "–"),
          .text(tier(customer.from)), .text(tier(customer.to)), .number(customer.score.map { String($0) } ?? "–"),
          .number(customer.scoreThen.map { String($0) } ?? "–"), .number(money(Int128(customer.revenue))),
        ]
      })
  }
}
