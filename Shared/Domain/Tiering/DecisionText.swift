// What became of a decided tier, in sentences, English or Chinese: who confirmed it, what waits, what people set (T-05, T-07, S-07).

extension Rating {
  /// One fact per line.
  public func decisionLines(_ review: ReviewState, ladder: TierLadder, zone: BusinessZone, in language: Language) -> [String] {
    let words = DecisionWords(ladder: ladder, zone: zone, language: language)
    var lines = [words.decided(self)]
    if let proposal = review.proposal { lines.append(words.waits(proposal)) }
    if let override = review.override { lines.append(words.holds(override)) }
    if let closed = review.closed { lines.append(words.closed(closed)) }
    if let landing = review.landing { lines.append(words.landed(landing.until)) }
    if let notice = review.notice { lines.append(notice.text.text(in: language)) }
    if review.refusesAutomation { lines.append(words.optedOut) }
    return lines
  }
}

private struct DecisionWords {
  let ladder: TierLadder
  let zone: BusinessZone
  let language: Language

  func say(_ english: @autoclosure () -> String, _ chinese: @autoclosure () -> String) -> String {
    switch language {
    case .english: english()
    case .chinese: chinese()
    }
  }

  func name(_ tier: TierID) -> String { ladder[tier]?.name.text(in: language) ?? tier.text }

  func decided(_ rating: Rating) -> String {
    let tier = name(rating.tier)
    let by: String
    switch rating.confirmedBy {
    case .policy: by = say("by the policy", "由策略自动确认")
    case .reviewer(let reviewer): by = say("by \(reviewer)", "由 \(reviewer) 确认")
    }
    let since = zone.day(of: rating.tierSince)
    let confirmed = say("Confirmed tier: \(tier), since \(since), \(by)", "已确认等级：\(tier)，自 \(since) 起，\(by)")
    guard rating.decided != rating.tier else { return confirmed }
    let decided = name(rating.decided)
    return confirmed + say("; the figures decide \(decided)", "；按数据判定为\(decided)")
  }

  func waits(_ open: OpenProposal) -> String {
    let (tier, since) = (name(open.tier), zone.day(of: open.openedAt))
    guard let terms = open.terms else {
      return say(
        "\(tier) is proposed since \(since) and waits for a person to confirm it until \(open.expires)",
        "自 \(since) 起建议调整为\(tier)，待人工确认，\(open.expires) 到期")
    }
    return say(
      "\(terms.actor) asks for \(tier) until \(terms.until) (\(terms.reason)); another person must confirm it until \(open.expires)",
      "\(terms.actor) 申请设为\(tier)至 \(terms.until)（\(terms.reason)），须由他人在 \(open.expires) 前确认")
  }

  func holds(_ override: TierOverride) -> String {
    let terms = override.terms
    let tier = name(terms.tier)
    let next: String
    switch terms.atNextRating {
    case .hold: next = say("it holds whatever the figures give", "期间不受评分影响")
    case .floor: next = say("it is the least, the figures may give more", "期间为最低等级，评分更高时可上调")
    case .drop: next = say("it ends with the next rating of a later day", "次日起下一次评分时失效")
    }
    return say(
      "\(tier) was set by \(terms.actor) until \(terms.until), confirmed by \(override.confirmedBy): \(terms.reason); \(next)",
      "\(terms.actor) 设为\(tier)至 \(terms.until)，由 \(override.confirmedBy) 确认：\(terms.reason)；\(next)")
  }

  func closed(_ closed: ClosedProposal) -> String {
    let tier = name(closed.tier)
    switch closed.cause {
    case .rejected: return say("\(tier) was proposed and a person rejected it", "曾建议调整为\(tier)，已被人工驳回")
    case .expired: return say("\(tier) was proposed and nobody decided in time", "曾建议调整为\(tier)，逾期无人处理")
    }
  }

  func landed(_ day: Day) -> String { say("After the step down it falls no further before \(day)", "降级后在 \(day) 之前不再下调") }

  var optedOut: String {
    say("The customer refused automated tiering: a person decides every change", "客户已拒绝自动分级：任何等级变更均由人工决定")
  }
}
