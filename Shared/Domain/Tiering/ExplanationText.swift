// An explanation in sentences, English or Chinese: string building only, numbers with at most four decimals.

extension Explanation {
  /// The whole explanation, one fact per line. `zone` is the business time zone, in which the facts' moment is shown.
  public func text(in language: Language, zone: BusinessZone) -> String {
    let words = ExplanationWords(language: language, currency: currency)
    var output = [words.heading(self), words.asOf(self, zone)]
    output += lines.map(words.line)
    output.append(words.total(self))
    if let outlook { output += words.outlook(outlook, tier: tier) }
    return output.joined(separator: "\n")
  }
}

extension Explanation {
  /// What a customer is told before a tier is lost: when, what it would be then, and what would keep it; nil when the figures carry the tier.
  public func lossText(on day: Day) -> LocalizedName? {
    guard let outlook else { return nil }
    func text(_ language: Language) -> String? { ExplanationWords(language: language, currency: currency).loss(outlook, tier: tier, day: day) }
    guard let en = text(.english), let zh = text(.chinese) else { return nil }
    return LocalizedName(en: en, zh: zh)
  }
}

private struct ExplanationWords {
  let language: Language
  let currency: Currency

  /// One of two wordings.
  func say(_ english: @autoclosure () -> String, _ chinese: @autoclosure () -> String) -> String {
    switch language {
    case .english: english()
    case .chinese: chinese()
    }
  }

  // MARK: Numbers

  func number(_ value: Rational) -> String {
    let text = value.decimalText(fractionDigitsMax: 4)
    let digits = text.drop { $0 == "-" }
    let whole = digits.prefix { $0 != "." }
    var grouped = ""
    for (place, digit) in whole.enumerated() {
      if place > 0, (whole.count - place) % 3 == 0 { grouped.append(",") }
      grouped.append(digit)
    }
    return (text.hasPrefix("-") ? "-" : "") + grouped + digits.dropFirst(whole.count)
  }

  func amount(_ value: Rational) -> String {
    currency == .cny ? say("\(number(value)) yuan", "\(number(value)) 元") : "\(number(value)) \(currency)"
  }

  func raw(_ value: Rational, _ unit: IndicatorUnit) -> String {
    switch unit {
    case .days: say(value == .one ? "1 day" : "\(number(value)) days", "\(number(value)) 天")
    case .orders: say(value == .one ? "1 order" : "\(number(value)) orders", "\(number(value)) 单")
    case .currency: amount(value)
    case .percent: say("\(number(value)) %", "\(number(value))%")
    case .count: number(value)
    }
  }

  // MARK: Lines

  func heading(_ explanation: Explanation) -> String {
    let tier = explanation.tier.name.text(in: language)
    return say(
      "\(tier): score \(explanation.rounded) by scorecard \(explanation.scorecard), policy \(explanation.policy)",
      "\(tier)：评分卡 \(explanation.scorecard) 得分 \(explanation.rounded)，策略 \(explanation.policy)")
  }

  func asOf(_ explanation: Explanation, _ zone: BusinessZone) -> String {
    let moment = explanation.factsAsOf
    let seconds = floorDivide(moment.microseconds, 1_000_000)
    let local = seconds + Int64(zone.offsetSeconds(atUnixSeconds: seconds))
    let second = local - floorDivide(local, 86_400) * 86_400
    func two(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
    let clock = "\(two(second / 3_600)):\(two(second / 60 % 60)):\(two(second % 60))"
    return say("Facts as of \(zone.day(of: moment)) \(clock) (\(zone.name))", "数据截至 \(zone.day(of: moment)) \(clock)（\(zone.name)）")
  }

  func line(_ line: ExplanationLine) -> String {
    let score = line.score
    let name = line.name.text(in: language)
    guard let points = score.points else {
      return say(
        "\(name): no data, left out; its weight of \(number(score.weight)) % is shared among the others",
        "\(name)：无数据，不计入；其权重 \(number(score.weight))% 由其他指标分摊")
    }
    let value: String
    switch score.note {
    case .stoodInPoints: value = say("no data, the scorecard's default stands in", "无数据，按评分卡默认分计")
    case .stoodInValue(let stated): value = say("no data, taken as \(raw(stated, line.unit))", "无数据，按默认值 \(raw(stated, line.unit)) 计")
    case .measured, .leftOut: value = score.raw.map { raw($0, line.unit) } ?? ""
    }
    let isRescaled = score.effectiveWeight != score.weight
    let weight = say(
      isRescaled ? "\(number(score.effectiveWeight)) % (instead of \(number(score.weight)) %)" : "\(number(score.weight)) %",
      isRescaled ? "\(number(score.effectiveWeight))%（原 \(number(score.weight))%）" : "\(number(score.weight))%")
    return say(
      "\(name): \(value) -> \(number(points)) points x \(weight) = \(number(score.contribution))",
      "\(name)：\(value) → \(number(points)) 分 × \(weight) = \(number(score.contribution))")
  }

  func total(_ explanation: Explanation) -> String {
    say(
      "Total: \(number(explanation.exact)), rounded half up to \(explanation.rounded)",
      "合计：\(number(explanation.exact))，四舍五入为 \(explanation.rounded)")
  }

  // MARK: Ways

  func outlook(_ outlook: TierOutlook, tier: Tier) -> [String] {
    if outlook.isQuiet {
      return [say("No interaction for months: any contact, visit or order ends this", "数月无互动：任何联系、访问或下单即可恢复")]
    }
    var output: [String] = []
    if case .losing(let ways) = outlook.keeping {
      let name = tier.name.text(in: language)
      let scored = outlook.scored.name.text(in: language)
      output.append(say("The figures now give \(scored) instead of \(name)", "按当前数据为\(scored)，低于现等级\(name)"))
      output.append(ways.isEmpty ? none(name, isKeeping: true) : sentence(ways, name, isKeeping: true))
      if let both = outlook.keepingCombination { output.append(sentence(both, name, isKeeping: true)) }
    }
    if case .held(let margin, let floors) = outlook.keeping { output += keeping(margin, floors, tier) }
    if let next = outlook.next, next.id != tier.id || outlook.scored.id == tier.id {
      let name = next.name.text(in: language)
      output.append(outlook.ways.isEmpty ? none(name, isKeeping: false) : sentence(outlook.ways, name, isKeeping: false))
      if let both = outlook.combination { output.append(sentence(both, name, isKeeping: false)) }
    }
    return output
  }

  func loss(_ outlook: TierOutlook, tier: Tier, day: Day) -> String? {
    guard case .losing(let ways) = outlook.keeping else { return nil }
    let (name, then) = (tier.name.text(in: language), outlook.scored.name.text(in: language))
    let foreseen = say("Without further orders \(name) becomes \(then) on \(day)", "若无新订单，\(name)将于 \(day) 变为\(then)")
    let way =
      outlook.isQuiet
      ? say("any order before keeps it", "在此之前任一订单即可保持") : ways.isEmpty ? none(name, isKeeping: true) : sentence(ways, name, isKeeping: true)
    return foreseen + say(". ", "。") + way
  }

  /// `2 more orders or 1,200 yuan more keep Key`.
  private func sentence(_ ways: [TierWay], _ tier: String, isKeeping: Bool) -> String {
    let parts = ways.map { way in
      way.key.unit == .currency
        ? say("\(amount(way.change)) more", "再消费 \(amount(way.change))")
        : say(way.change == .one ? "1 more order" : "\(number(way.change)) more orders", "再下 \(number(way.change)) 单")
    }
    let either = parts.joined(separator: say(" or ", "或"))
    let isOne = ways.count == 1 && (ways[0].key.unit == .currency || ways[0].change == .one)
    return isKeeping
      ? say("\(either) in 12 months \(isOne ? "keeps" : "keep") \(tier)", "12 个月内\(either)可保持\(tier)")
      : say("\(either) in 12 months \(isOne ? "reaches" : "reach") \(tier)", "12 个月内\(either)可升至\(tier)")
  }

  /// `Together: 2 more orders with 1,200 yuan keep Key`.
  private func sentence(_ both: TierCombination, _ tier: String, isKeeping: Bool) -> String {
    let isOne = both.orders == .one
    let orders = say(isOne ? "1 more order" : "\(number(both.orders)) more orders", "再下 \(number(both.orders)) 单")
    let verb = isKeeping ? (isOne ? "keeps" : "keep") : (isOne ? "reaches" : "reach")
    return say(
      "Together: \(orders) with \(amount(both.spend)) more in 12 months \(verb) \(tier)",
      "合计：12 个月内\(orders)且多消费 \(amount(both.spend))可\(isKeeping ? "保持" : "升至")\(tier)")
  }

  private func none(_ tier: String, isKeeping: Bool) -> String {
    isKeeping
      ? say("More orders or spend alone do not keep \(tier)", "仅靠增加订单或消费不足以保持\(tier)")
      : say("More orders or spend alone do not reach \(tier)", "仅靠增加订单或消费不足以升至\(tier)")
  }

  private func keeping(_ margin: Rational?, _ floors: [TierFloor], _ tier: Tier) -> [String] {
    let name = tier.name.text(in: language)
    var output: [String] = []
    if let margin { output.append(say("\(name) is kept with \(number(margin)) points to spare", "保持\(name)，余量 \(number(margin)) 分")) }
    let parts = floors.filter { $0.least > .zero }.map { floor in
      say("at least \(raw(floor.least, floor.key.unit))", "不少于 \(raw(floor.least, floor.key.unit))")
    }
    if !parts.isEmpty {
      let joined = parts.joined(separator: say(", or ", "，或"))
      output.append(say("Each alone, all else unchanged, keeps \(name): \(joined) in 12 months", "其他不变时，单项保持\(name)的底线：12 个月内\(joined)"))
    }
    return output
  }
}
