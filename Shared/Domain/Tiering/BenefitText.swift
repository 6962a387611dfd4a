// Benefits and entitlements in words, English or Chinese: string building only.

extension BenefitUnit {
  /// A number in words: `10 %`, `3 years`, `4 times a year`.
  public func text(_ value: Rational, in language: Language) -> String {
    let number = value.decimalText(fractionDigitsMax: BenefitCatalogue.limitFractionDigitsMax)
    let isOne = value == .one
    switch (self, language) {
    case (.percent, .english): return "\(number) %"
    case (.percent, .chinese): return "\(number)%"
    case (.years, .english): return isOne ? "1 year" : "\(number) years"
    case (.years, .chinese): return "\(number) 年"
    case (.timesAYear, .english): return isOne ? "once a year" : "\(number) times a year"
    case (.timesAYear, .chinese): return "每年 \(number) 次"
    }
  }

  /// What a limit assures, in words: `up to 10 %`; of experience `3 years or more`.
  public func limitText(_ limit: Rational, in language: Language) -> String {
    let words = text(limit, in: language)
    switch (self, language) {
    case (.years, .english): return "\(words) or more"
    case (.years, .chinese): return "\(words)及以上"
    case (_, .english): return "up to \(words)"
    case (_, .chinese): return "至多 \(words)"
    }
  }
}

extension BenefitGrant {
  /// `Discount, up to 10 %`; of experience `Named manager, 3 years or more`.
  public func text(in language: Language) -> String {
    let name = benefit.name.text(in: language)
    guard let unit = benefit.unit, let limit else { return name }
    let words = unit.limitText(limit, in: language)
    return language == .chinese ? "\(name)（\(words)）" : "\(name), \(words)"
  }
}

extension EntitlementDecision {
  /// The answer with its reason, as one sentence.
  ///
  /// - Parameters:
  ///   - tier: the customer's tier as people call it; nil without a rating.
  ///   - value: what was asked for.
  public func text(_ benefit: Benefit, value: Rational?, tier: LocalizedName?, in language: Language) -> String {
    let tier = tier?.text(in: language) ?? ""
    let name = benefit.name.text(in: language)
    let granted = grant?.text(in: language) ?? name
    let asked = benefit.unit.flatMap { unit in value.map { unit.text($0, in: language) } } ?? ""
    switch (reason, language) {
    case (.granted, .english): return "yes: customers of tier \(tier) have \(granted)"
    case (.granted, .chinese): return "可以：\(tier)享有\(granted)"
    case (.withinLimit, .english): return "yes: customers of tier \(tier) have \(granted); \(asked) is within it"
    case (.withinLimit, .chinese): return "可以：\(tier)享有\(granted)，\(asked)在此之内"
    case (.aboveLimit, .english): return "no: customers of tier \(tier) have \(granted); \(asked) is beyond it"
    case (.aboveLimit, .chinese): return "不可以：\(tier)享有\(granted)，\(asked)已超出"
    case (.notInTier, .english): return "no: customers of tier \(tier) do not have \(name)"
    case (.notInTier, .chinese): return "不可以：\(tier)不享有\(name)"
    case (.notRated, .english): return "no: the customer has no rating yet"
    case (.notRated, .chinese): return "不可以：客户尚未评级"
    case (.tierNotConfigured, .english): return "no: the customer's tier is no longer configured, a new rating is under way"
    case (.tierNotConfigured, .chinese): return "不可以：客户的等级已不在配置中，正在重新评级"
    }
  }
}
