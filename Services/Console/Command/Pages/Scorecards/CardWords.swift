// Scorecards in words: states, events, indicators, units and curves in both languages, and what is wrong with a file.
import Domain
import Text

enum CardWords {
  static func state(_ word: String?) -> LocalizedName {
    switch word {
    case "draft": LocalizedName(en: "draft", zh: "草稿")
    case "simulated": LocalizedName(en: "simulated", zh: "已试算")
    case "canary": LocalizedName(en: "on trial", zh: "试行")
    case "active": LocalizedName(en: "in force", zh: "启用")
    case "retired": LocalizedName(en: "retired", zh: "停用")
    case let other: LocalizedName(en: other ?? "–", zh: other ?? "–")
    }
  }

  static func badge(_ state: String?) -> Parts.Badge {
    switch state {
    case "active": .good
    case "canary": .warn
    default: .plain
    }
  }

  static func event(_ word: String?) -> LocalizedName {
    switch word {
    case "registered": LocalizedName(en: "registered", zh: "登记")
    case "simulated": LocalizedName(en: "simulated", zh: "试算")
    case "canary": LocalizedName(en: "trial begun", zh: "开始试行")
    case "activated": LocalizedName(en: "put in force", zh: "启用")
    case "replaced": LocalizedName(en: "replaced", zh: "被替换")
    case "restored": LocalizedName(en: "put in force again", zh: "恢复启用")
    case "retired": LocalizedName(en: "retired", zh: "停用")
    case let other: LocalizedName(en: other ?? "–", zh: other ?? "–")
    }
  }

  static func unit(_ unit: IndicatorUnit, _ currency: Currency) -> LocalizedName {
    switch unit {
    case .days: LocalizedName(en: "days", zh: "天")
    case .orders: LocalizedName(en: "orders", zh: "单")
    case .currency: LocalizedName(en: currency.description, zh: currency.description)
    case .percent: LocalizedName(en: "%", zh: "%")
    case .count: LocalizedName(en: "number", zh: "次")
    }
  }

  /// What an indicator is called unless a scorecard calls it otherwise.
  static func indicator(_ key: String) -> LocalizedName {
    switch IndicatorKey(name: key) {
    case .recencyDays: LocalizedName(en: "Recency", zh: "最近购买")
    case .frequency: LocalizedName(en: "Frequency", zh: "购买频次")
    case .monetary: LocalizedName(en: "Spend in 12 months", zh: "近 12 个月消费")
    case .averageOrderValue: LocalizedName(en: "Average order value", zh: "客单价")
    case .repurchaseRate: LocalizedName(en: "Repurchase rate", zh: "复购率")
    case .industryGrowth: LocalizedName(en: "Industry growth", zh: "行业增长")
    case .orderGrowth: LocalizedName(en: "Order growth", zh: "订单增长")
    case .newNeeds: LocalizedName(en: "New needs", zh: "新需求")
    case .referrals: LocalizedName(en: "Referrals", zh: "转介绍")
    case .complaintRate: LocalizedName(en: "Complaint rate", zh: "投诉率")
    case nil: LocalizedName(en: key, zh: key)
    }
  }

  /// What an indicator measures.
  static func meaning(_ key: IndicatorKey) -> LocalizedName {
    switch key {
    case .recencyDays: LocalizedName(en: "days since the last paid order", zh: "距最近一次付款订单的天数")
    case .frequency: LocalizedName(en: "paid orders of 12 months that are not fully refunded", zh: "近 12 个月未全额退款的付款订单数")
    case .monetary: LocalizedName(en: "net spend of 12 months", zh: "近 12 个月净消费额")
    case .averageOrderValue: LocalizedName(en: "spend of 12 months divided by orders", zh: "近 12 个月消费额除以订单数")
    case .repurchaseRate: LocalizedName(en: "share of orders that follow another within 90 days", zh: "90 天内再次购买的订单占比")
    case .industryGrowth: LocalizedName(en: "growth of the customer's industry in a year", zh: "客户所在行业年增长率")
    case .orderGrowth: LocalizedName(en: "orders of the last three months against the three before", zh: "近三个月订单较前三个月的增长")
    case .newNeeds: LocalizedName(en: "new needs raised in 12 months", zh: "近 12 个月提出的新需求数")
    case .referrals: LocalizedName(en: "customers brought in 12 months", zh: "近 12 个月带来的新客户数")
    case .complaintRate: LocalizedName(en: "upheld complaints per hundred orders", zh: "每百单成立的投诉数")
    }
  }

  static func missing(_ rule: MissingRule) -> LocalizedName {
    switch rule {
    case .leaveOut: LocalizedName(en: "is left out, the other weights share its part", zh: "不计入，其余权重按比例分摊")
    case .standInPoints(let points): LocalizedName(en: "counts as \(CardDraft.text(points)) points", zh: "按 \(CardDraft.text(points)) 分计")
    case .standInValue(let value): LocalizedName(en: "counts as the value \(CardDraft.text(value))", zh: "按数值 \(CardDraft.text(value)) 计")
    }
  }

  /// A curve in a line: `0 → 100; 300 → 0`, or `below: 20; from 1: 60`.
  static func curve(_ curve: Curve) -> LocalizedName {
    switch curve {
    case .line(let points):
      let words = points.map { "\(thousands($0.raw)) → \(CardDraft.text($0.points))" }.joined(separator: "; ")
      return LocalizedName(en: words, zh: words)
    case .bands(let bands):
      func words(_ lowest: String, _ from: (String) -> String) -> String {
        bands.map { ($0.from.map { from(thousands($0)) } ?? lowest) + ": " + CardDraft.text($0.points) }.joined(separator: "; ")
      }
      return LocalizedName(en: words("below") { "from \($0)" }, zh: words("以下") { "≥ \($0)" })
    }
  }

  /// A whole number with its thousands apart.
  private static func thousands(_ number: Rational) -> String {
    guard number.isInteger, number.magnitude >= Rational(10_000) else { return CardDraft.text(number) }
    var text = ""
    let digits = number.magnitude.description
    for (place, digit) in digits.enumerated() {
      if place > 0, (digits.count - place) % 3 == 0 { text.append(",") }
      text.append(digit)
    }
    return (number.isNegative ? "-" : "") + text
  }
}

// MARK: - Faults

extension CardWords {
  /// What is wrong with a file, by the sentences that the files' rules say it with; one that is not known here stays as it is.
  static func fault(_ problem: String) -> LocalizedName {
    for (start, chinese) in faults where problem.hasPrefix(start) { return LocalizedName(en: problem, zh: chinese + numbers(problem)) }
    return LocalizedName(en: problem, zh: problem)
  }

  private static let faults: [(start: String, chinese: String)] = [
    ("the weights of all dimensions must sum to", "各维度权重之和须为 100%"),
    ("the weights of the indicators of this dimension must sum to", "本维度各指标权重之和须等于维度权重"),
    ("a weight is above 0 and at most 100 %", "权重须大于 0 且不超过 100"),
    ("a number is needed here", "此处须填数字，如 12、12.5 或 100/3"),
    ("a whole number", "此处须填整数"),
    ("raw values must ascend", "数值须递增"), ("bands must ascend", "区间起点须递增"),
    ("points must lie between -1000 and 1000", "得分须在 -1000 与 1000 之间"),
    ("points that stand in must lie between 0 and 100", "替代得分须在 0 与 100 之间"),
    ("the curve both rises and falls", "曲线先升后降（或先降后升），多为笔误；若确需如此，请勾选“允许升降”"),
    ("at least 2 points are needed", "至少需要 2 个点"), ("at least 1 bands are needed", "至少需要 1 个区间"),
    ("at least one indicator is needed", "至少需要一个指标"),
    ("a name is small letters, digits and hyphens", "名称只能用小写字母、数字和连字符"),
    ("an author is named", "请填写负责人（1 至 200 字节）"), ("a text is needed here", "此处须填文字"), ("a name of 1 to", "请填写名称（1 至 200 字节）"),
    ("no such indicator", "没有该指标"), ("unknown key", "未知的键"), ("either `points` or `bands` is needed", "须给出 points 或 bands 之一"),
    ("the last line must be `end: true`", "最后一行必须是 end: true，以防文件被截断"),
  ]

  /// `they sum to 101 %`, with which a sum says what it is now.
  private static func numbers(_ problem: String) -> String {
    guard problem.contains("they sum to "), let sum = problem.split(separator: " ").dropLast().last else { return "" }
    return "，现为 \(sum)%"
  }
}
