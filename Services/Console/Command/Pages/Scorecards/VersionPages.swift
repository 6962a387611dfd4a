// Two scorecards side by side, and the customers of a trial beside all others.
import Access
import Domain
import HTML
import HTTP
import Text

/// What two scorecards weigh, and by which curves.
struct VersionPages {
  let visit: Visit

  func show() async throws -> Response {
    guard let first = CardReference(word: visit.request.query["a"]), let second = CardReference(word: visit.request.query["b"]) else {
      throw Problem(.notFound)
    }
    let api = visit.api
    async let other = ShownCard(second, api)
    let (one, two) = (try await ShownCard(first, api), try await other)
    let table = table(one, two)
    if let file = visit.file(of: [table]) { return file }
    let title = visit.say("\(first.title) beside \(second.title)", "\(first.title) 与 \(second.title) 对比")
    return visit.page(title, .scorecards) {
      CardTrail.element(visit, nil)
      Element(.h1, title)
      Element(.ul, [.class("legend")]) {
        Element(.li, [.class("key-a")]) { Parts.link(first.title, visit.target(first.path)) }
        Element(.li, [.class("key-b")]) { Parts.link(second.title, visit.target(second.path)) }
      }
      table.element(visit, empty: visit.say("The files cannot be read by this program.", "无法读取评分卡文件。"))
      curves(one, two)
    }
  }

  private func keys(_ one: ShownCard, _ two: ShownCard) -> [IndicatorKey] {
    let first = one.card?.indicators.map(\.key) ?? []
    return first + (two.card?.indicators.map(\.key) ?? []).filter { !first.contains($0) }
  }

  private func find(_ key: IndicatorKey, _ card: ShownCard) -> ScorecardIndicator? { card.card?.indicators.first { $0.key == key } }

  private func name(_ key: IndicatorKey, _ one: ShownCard, _ two: ShownCard) -> String {
    visit.say(find(key, one)?.name ?? find(key, two)?.name ?? CardWords.indicator(key.name))
  }

  private func table(_ one: ShownCard, _ two: ShownCard) -> DataTable {
    let rows = keys(one, two).map { key -> [Cell] in
      let pair = [find(key, one), find(key, two)]
      let isSame = pair[0]?.weight == pair[1]?.weight && pair[0]?.curve == pair[1]?.curve && pair[0]?.missing == pair[1]?.missing
      return [
        .text(name(key, one, two)), .number(pair[0].map { CardDraft.text($0.weight) } ?? "–"), .number(pair[1].map { CardDraft.text($0.weight) } ?? "–"),
        .text(pair[0].map { visit.say(CardWords.curve($0.curve)) } ?? "–"), .text(pair[1].map { visit.say(CardWords.curve($0.curve)) } ?? "–"),
        .text(missing(pair)),
        .text(isSame ? visit.say("same", "相同") : visit.say("differs", "不同")),
      ]
    }
    let (first, second) = (one.reference.title, two.reference.title)
    return DataTable(
      "versions", visit.say("Weights in percent, curves, and what happens without a value", "权重（%）、曲线与无数值时的处理"),
      [
        visit.say("Indicator", "指标"), visit.say("Weight, \(first)", "权重：\(first)"), visit.say("Weight, \(second)", "权重：\(second)"),
        visit.say("Curve, \(first)", "曲线：\(first)"), visit.say("Curve, \(second)", "曲线：\(second)"), visit.say("Without a value", "无数值时"),
        visit.say("Together", "异同"),
      ], rows)
  }

  /// Once where both say the same, else one after the other.
  private func missing(_ pair: [ScorecardIndicator?]) -> String {
    let words = pair.map { $0.map { visit.say(CardWords.missing($0.missing)) } ?? "–" }
    return words[0] == words[1] ? words[0] : words.joined(separator: " / ")
  }

  private func curves(_ one: ShownCard, _ two: ShownCard) -> Element {
    Element(.div, [.class("columns curves")]) {
      for key in keys(one, two) {
        let drawn = [(find(key, one), "a"), (find(key, two), "b")].compactMap { indicator, color in
          indicator.map { CurveChart.Drawn(curve: $0.curve, color: color) }
        }
        let name = name(key, one, two)
        Element(.div, [.class("card")]) {
          Element(.h2, name)
          CurveChart.element(visit.say("Points by \(name), both scorecards", "\(name)：两个评分卡的得分曲线"), drawn)
        }
      }
    }
  }
}

/// The customers that a scorecard is tried on beside all others.
struct TrialPage {
  let visit: Visit
  let reference: CardReference

  init(_ visit: Visit) throws {
    self.visit = visit
    reference = try CardReference(visit.request)
  }

  func show() async throws -> Response {
    let outcome = try await comparison()
    let title = visit.say("The trial of \(reference.title) beside the rest", "\(reference.title)：试行客户与其余客户")
    guard let json = outcome else {
      return visit.page(title, .scorecards, status: .serviceUnavailable) {
        CardTrail.element(visit, reference)
        Element(.h1, title)
        Notice.fault(visit.say(MoveText.late))
      }
    }
    let parts = MoveParts(visit, json, currency: json["currency"]?.stringValue)
    let groups = [("canary", visit.say("On trial", "试行客户")), ("rest", visit.say("All others", "其余客户"))]
    let tables = [sums(json, groups, parts)] + groups.map { tiers(json[$0.0], $0.0, $0.1) }
    if let file = visit.file(of: tables) { return file }
    return visit.page(title, .scorecards) {
      CardTrail.element(visit, reference)
      Element(.h1, title)
      Element(.p, head(json))
      tables[0].element(visit, empty: "")
      for (place, group) in groups.enumerated() {
        Element(.h2, group.1)
        chart(json[group.0], group.1)
        tables[place + 1].element(visit, empty: "")
      }
    }
  }

  private func head(_ json: JSONValue) -> String {
    let (percent, since) = (visit.number(json["percent"]), visit.moment(json["since"]))
    let (active, day) = (visit.text(json["active"]), visit.text(json["as_of"]))
    return visit.say(
      "\(reference.title) rates \(percent) % of the customers since \(since), \(active) the rest. Figures of \(day).",
      "\(reference.title) 自 \(since) 起对 \(percent)% 的客户试行，其余由 \(active) 评级。数据日期 \(day)。")
  }

  /// nil: it takes longer than a page waits.
  private func comparison() async throws -> JSONValue? {
    var result: JSONValue?
    let request = ClientRequest(.get, reference.source + "/comparison?progress=true")
    let isWhole = try await visit.api.lines(.tiering, request, milliseconds: MoveRun.millisecondsMax) { line in
      if line["end"]?.booleanValue == true { result = line["result"] }
    }
    return isWhole ? result : nil
  }

  private func sums(_ json: JSONValue, _ groups: [(String, String)], _ parts: MoveParts) -> DataTable {
    func row(_ name: String, _ value: (JSONValue?) -> String) -> [Cell] { [.text(name)] + groups.map { .number(value(json[$0.0])) } }
    func decimal(_ value: JSONValue?) -> String {
      value?.numberText.flatMap { Rational(decimal: $0) }?.decimalText(fractionDigitsMax: 1) ?? "–"
    }
    return DataTable(
      "groups", visit.say("Both groups", "两组对比"), [visit.say("Figure", "项目")] + groups.map(\.1),
      [
        row(visit.say("Customers", "客户数")) { visit.number($0?["customers"]) },
        row(visit.say("Not rated by their scorecard yet", "尚待按所属评分卡评级")) { visit.number($0?["waiting"]) },
        row(visit.say("Average score", "平均得分")) { decimal($0?["average_score"]) },
        row(visit.say("Same tier by both scorecards", "两卡等级一致")) { MoveParts.percent($0?["agreement_percent"]) },
        row(visit.say("Higher by the trial", "按试行卡更高")) { visit.number($0?["up"]) },
        row(visit.say("Lower by the trial", "按试行卡更低")) { visit.number($0?["down"]) },
        row(visit.say("Bought since the trial began", "试行以来购买客户占比")) { MoveParts.percent($0?["since"]?["buyers_percent"]) },
        row(visit.say("Orders since", "试行以来订单数")) { visit.number($0?["since"]?["orders"]) },
        row(visit.say("Spend a customer since (\(parts.currency))", "试行以来人均消费（\(parts.currency)）")) { parts.money($0?["since"]?["spend_per_customer"]) },
      ])
  }

  private func name(_ tier: JSONValue) -> String {
    let name = visit.say(tier["name"])
    return name.isEmpty ? visit.text(tier["tier"]) : name
  }

  private func chart(_ group: JSONValue?, _ title: String) -> Element {
    let bars = (group?["tiers"]?.arrayValue ?? []).flatMap { tier in
      [("by_active", visit.say("in force", "现行"), "a"), ("by_canary", visit.say("trial", "试行"), "b")].map { key, word, color in
        Chart.Bar(
          label: "\(name(tier)) · \(word)", value: tier[key]?["share_percent"]?.doubleValue ?? 0, text: MoveParts.percent(tier[key]?["share_percent"]),
          color: color)
      }
    }
    return Chart.bars(visit.say("\(title): share of customers in each tier by both scorecards", "\(title)：按两个评分卡的各等级客户占比"), bars)
  }

  private func tiers(_ group: JSONValue?, _ id: String, _ title: String) -> DataTable {
    let rows = (group?["tiers"]?.arrayValue ?? []).map { tier -> [Cell] in
      let (active, trial) = (tier["by_active"], tier["by_canary"])
      return [
        .text(name(tier)), .number(visit.number(active?["customers"])), .number(visit.number(trial?["customers"])),
        .number(MoveParts.percent(active?["share_percent"])), .number(MoveParts.percent(trial?["share_percent"])),
        .number(MoveParts.percent(active?["revenue_share_percent"])), .number(MoveParts.percent(trial?["revenue_share_percent"])),
      ]
    }
    return DataTable(
      "tiers-\(id)", visit.say("\(title): tiers by both scorecards", "\(title)：按两个评分卡的等级"),
      [
        visit.say("Tier", "等级"), visit.say("Customers, in force", "客户数：现行"), visit.say("Trial", "试行"), visit.say("Share, in force", "占比：现行"),
        visit.say("Trial", "试行"), visit.say("Of revenue, in force", "消费占比：现行"), visit.say("Trial", "试行"),
      ], rows)
  }
}
