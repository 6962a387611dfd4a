// Rules of tags, and what they were judged by, in sentences: English and Chinese.

extension TagRule {
  /// What a customer must be like.
  public func text(in language: Language, minorDigits: Int) -> String {
    let words = TagWords(language: language, minorDigits: minorDigits)
    var parts = all.map { words.wish($0) }
    if !any.isEmpty { parts.append(any.map { words.wish($0) }.joined(separator: language == .english ? " or " : " 或 ")) }
    return parts.joined(separator: language == .english ? "; " : "；")
  }
}

extension TagReason {
  public func text(in language: Language, minorDigits: Int) -> String {
    let words = TagWords(language: language, minorDigits: minorDigits)
    if lines.isEmpty { return words.say("the rules of version \(version) have no such tag", "规则第 \(version) 版已无此标签") }
    return lines.map { words.finding($0) }.joined(separator: language == .english ? "; " : "；")
  }
}

private struct TagWords {
  let language: Language
  let minorDigits: Int

  func say(_ english: @autoclosure () -> String, _ chinese: @autoclosure () -> String) -> String {
    switch language {
    case .english: english()
    case .chinese: chinese()
    }
  }

  func wish(_ condition: TagCondition) -> String { "\(name(condition.figure)) \(bounds(condition))" }

  func finding(_ line: TagReason.Line) -> String {
    "\(name(line.condition.figure)) \(value(line.value, line.condition.figure)) (\(bounds(line.condition)))"
  }

  private func bounds(_ condition: TagCondition) -> String {
    if !condition.words.isEmpty { return say("is ", "为 ") + condition.words.sorted().joined(separator: say(" or ", " 或 ")) }
    let least = condition.least.map { number($0, condition.figure) }
    let most = condition.most.map { number($0, condition.figure) }
    switch (least, most) {
    case (let least?, let most?): return say("\(least) to \(most)", "\(least) 至 \(most)")
    case (let least?, nil): return say("at least \(least)", "至少 \(least)")
    case (nil, let most?): return say("at most \(most)", "至多 \(most)")
    case (nil, nil): return say("any", "任意")
    }
  }

  private func value(_ value: TagValue, _ figure: TagFigure) -> String {
    switch value {
    case .number(let count): number(count, figure)
    case .word(let word): word
    case .none, .unknown: say("none", "无")
    }
  }

  private func number(_ number: Int64, _ figure: TagFigure) -> String {
    switch figure {
    case .spend, .averageOrderValue:
      let amount = Rational(Int128(number), over: Rational.powerOfTen(minorDigits)) ?? Rational(number)
      return amount.decimalText(fractionDigitsMax: minorDigits, keepsZeros: true)
    default: return String(number)
    }
  }

  private func name(_ figure: TagFigure) -> String {
    switch figure {
    case .orders(let window): say("orders\(within(window))", "\(within(window))订单数")
    case .spend(let window): say("spend\(within(window))", "\(within(window))消费额")
    case .averageOrderValue(let window): say("average order value\(within(window))", "\(within(window))客单价")
    case .recencyDays: say("days since the last order", "距上次订单天数")
    case .firstOrderDays: say("days since the first order", "距首单天数")
    case .lifecycle: say("lifecycle", "生命周期")
    case .age: say("age", "年龄")
    case .attribute(let attribute): say(attribute.key, TagWords.chinese(attribute))
    case .behaviour(let name, let window): say("times of \(name)\(within(window))", "\(within(window)) \(name) 次数")
    case .behaviourValue(let name, let window): say("latest figure of \(name)\(within(window))", "\(within(window)) \(name) 最新数值")
    case .contacts(let kind, let window):
      say("contacts\(kind.map { " of kind \($0.rawValue)" } ?? "")\(within(window))", "\(within(window))联系次数\(kind.map { "（\($0.rawValue)）" } ?? "")")
    case .answer(let metric, let window): say("latest \(metric.rawValue) score\(within(window))", "\(within(window))最新 \(metric.rawValue) 评分")
    }
  }

  private static func chinese(_ attribute: CustomerAttribute) -> String {
    switch attribute {
    case .name: "姓名"
    case .gender: "性别"
    case .birthday: "生日"
    case .region: "地区"
    case .industry: "行业"
    }
  }

  private func within(_ window: TagWindow) -> String {
    switch window {
    case .ever: say("", "累计")
    case .days(let count): say(" in \(count) days", "近 \(count) 天")
    case .months(let count): say(" in \(count) months", "近 \(count) 个月")
    }
  }
}
