// Sources, refused records and the rules that refused them, in words: what each means, and what to do about it.
import Domain
import Text

enum QualityWords {
  /// What may be refused of a day's records, and how late a record may be (I-07).
  static let ceilingPercent = 0.3
  static let lateSeconds: Int64 = 300

  static func kind(_ word: String?) -> LocalizedName {
    switch word {
    case "order_platform": LocalizedName(en: "order platform", zh: "订单平台")
    case "mini_program": LocalizedName(en: "mini-program", zh: "小程序")
    case "pos": LocalizedName(en: "point of sale", zh: "收银系统（POS）")
    case "member_system": LocalizedName(en: "member system", zh: "会员系统")
    case "customer_service": LocalizedName(en: "customer service", zh: "客服系统")
    case "survey": LocalizedName(en: "survey", zh: "问卷调研")
    case "behaviour": LocalizedName(en: "behaviour", zh: "行为数据")
    case "file": LocalizedName(en: "files", zh: "文件导入")
    case "other": LocalizedName(en: "other", zh: "其他")
    case let other: LocalizedName(en: other ?? "–", zh: other ?? "–")
    }
  }

  static func source(_ state: String?) -> LocalizedName {
    switch state {
    case "seen": LocalizedName(en: "not registered", zh: "未登记")
    case "active": LocalizedName(en: "active", zh: "启用")
    case "blocked": LocalizedName(en: "blocked", zh: "停用")
    case let other: LocalizedName(en: other ?? "–", zh: other ?? "–")
    }
  }

  static func stream(_ word: String?) -> LocalizedName {
    switch word {
    case "orders": LocalizedName(en: "orders", zh: "订单")
    case "customers": LocalizedName(en: "customers", zh: "客户")
    case "contacts": LocalizedName(en: "contacts", zh: "沟通")
    case "behaviours": LocalizedName(en: "behaviour", zh: "行为")
    case "answers": LocalizedName(en: "answers", zh: "调研回答")
    case let other: LocalizedName(en: other ?? "–", zh: other ?? "–")
    }
  }

  static func state(_ word: String?) -> LocalizedName {
    switch word {
    case "open": LocalizedName(en: "open", zh: "待处理")
    case "replayed": LocalizedName(en: "sent again", zh: "已重放")
    case "dismissed": LocalizedName(en: "put aside", zh: "已搁置")
    case "all": LocalizedName(en: "all", zh: "全部")
    case let other: LocalizedName(en: other ?? "–", zh: other ?? "–")
    }
  }

  static func badge(_ state: String?) -> Parts.Badge {
    switch state {
    case "open": .warn
    case "replayed": .good
    default: .plain
    }
  }

  static func outcome(_ word: String?) -> LocalizedName {
    switch word {
    case "accepted": LocalizedName(en: "accepted", zh: "已接受")
    case "duplicate": LocalizedName(en: "duplicates", zh: "重复")
    case "skipped": LocalizedName(en: "skipped", zh: "已跳过")
    case "quarantined": LocalizedName(en: "refused", zh: "被拒收")
    case let other: LocalizedName(en: other ?? "–", zh: other ?? "–")
    }
  }

  /// How late records were: up to so many seconds, nil for later ones.
  static func late(upTo seconds: Int64?) -> LocalizedName {
    switch seconds {
    case 1: LocalizedName(en: "within 1 second", zh: "1 秒以内")
    case 10: LocalizedName(en: "within 10 seconds", zh: "10 秒以内")
    case 60: LocalizedName(en: "within 1 minute", zh: "1 分钟以内")
    case 300: LocalizedName(en: "within 5 minutes", zh: "5 分钟以内")
    case 3_600: LocalizedName(en: "within 1 hour", zh: "1 小时以内")
    case 86_400: LocalizedName(en: "within 1 day", zh: "1 天以内")
    case nil: LocalizedName(en: "later", zh: "更晚")
    case let other?: LocalizedName(en: "within \(other) seconds", zh: "\(other) 秒以内")
    }
  }

  /// `field.rule`, as refused records are counted by it.
  static func code(_ reason: JSONValue) -> String { "\(reason["field"]?.stringValue ?? "").\(reason["rule"]?.stringValue ?? "")" }
  static func rule(ofCode code: String) -> String { code.split(separator: ".").last.map(String.init) ?? code }
}

/// Why a record was refused, and what helps.
struct RefusalWords {
  let meaning: LocalizedName
  let advice: LocalizedName

  private init(_ meaning: LocalizedName, _ advice: LocalizedName) {
    self.meaning = meaning
    self.advice = advice
  }

  /// By the rule, whatever the field.
  init(_ rule: String?) {
    switch rule {
    case "missing": self.init(RefusalText.missing, RefusalText.enter)
    case "type", "not_a_number": self.init(RefusalText.type, RefusalText.enter)
    case "format": self.init(RefusalText.format, RefusalText.enter)
    case "range", "length", "decimals", "out_of_range": self.init(RefusalText.range, RefusalText.enter)
    case "enum", "not_in_table", "unknown", "no_kind": self.init(RefusalText.choice, RefusalText.table)
    case "too_many", "too_many_lines", "size", "depth": self.init(RefusalText.tooMuch, RefusalText.split)
    case "future": self.init(RefusalText.future, RefusalText.clock)
    case "unknown_currency": self.init(RefusalText.currency, RefusalText.enter)
    case "no_rate": self.init(RefusalText.rate, RefusalText.setRate)
    case "conflict": self.init(RefusalText.conflict, RefusalText.sides)
    case "order_moved": self.init(RefusalText.moved, RefusalText.sides)
    case "blocked": self.init(RefusalText.blocked, RefusalText.unblock)
    case "truncated", "unterminated_quote": self.init(RefusalText.cut, RefusalText.whole)
    case "quote", "field_count", "line_break", "too_many_fields": self.init(RefusalText.line, RefusalText.mapping)
    default: self.init(RefusalText.syntax, RefusalText.whole)
    }
  }
}

enum RefusalText {
  static let missing = LocalizedName(en: "Something needed is not there.", zh: "缺少必填内容。")
  static let type = LocalizedName(en: "The value is of another type than it must be.", zh: "值的类型不符。")
  static let format = LocalizedName(en: "The value is not written as it must be.", zh: "值的格式不符。")
  static let range = LocalizedName(en: "The value is too small, too large or too long.", zh: "值超出允许的大小或长度。")
  static let choice = LocalizedName(en: "The value is none of those that are known.", zh: "值不在已知范围内。")
  static let tooMuch = LocalizedName(en: "The record holds more than one may.", zh: "记录内容超出上限。")
  static let future = LocalizedName(en: "It lies more than 5 minutes in the future.", zh: "时间晚于当前时间 5 分钟以上。")
  static let currency = LocalizedName(en: "There is no such currency.", zh: "没有该币种。")
  static let rate = LocalizedName(en: "There is no rate to convert this currency with.", zh: "缺少该币种的汇率。")
  static let conflict = LocalizedName(en: "A record with the same id came before with other content.", zh: "同一编号的记录此前已到，内容不同。")
  static let moved = LocalizedName(en: "The order belongs to another customer already.", zh: "该订单已属于另一位客户。")
  static let blocked = LocalizedName(en: "Its source is blocked.", zh: "该来源已被停用。")
  static let cut = LocalizedName(en: "The record ends in the middle.", zh: "记录不完整，中途截断。")
  static let line = LocalizedName(en: "The line of the file cannot be taken apart.", zh: "文件中的该行无法解析。")
  static let syntax = LocalizedName(en: "The record is not strict JSON.", zh: "记录不是合规的 JSON。")

  static let enter = LocalizedName(
    en: "Correct it below, try it and send it again; better still, have the source correct it and send it under a new id.", zh: "在下方更正、试算后重放；最好由来源系统更正并以新编号重发。")
  static let table = LocalizedName(
    en: "Correct it below, or add the value to the source's mapping and send the record again with the new mapping.", zh: "在下方更正，或在来源映射中补充该值后以新映射重放。")
  static let split = LocalizedName(en: "Have the source send it in several records, and put this one aside.", zh: "请来源系统拆分后重发，并搁置本条。")
  static let clock = LocalizedName(
    en: "Set the source's clock or time zone right and send it again; where the time has come meanwhile, sending it again is enough.",
    zh: "请校准来源系统的时钟或时区后重放；若该时间已过，直接重放即可。")
  static let setRate = LocalizedName(en: "Set the rate in ingest's settings, and send the record again.", zh: "在 ingest 设置中补充汇率后重放。")
  static let sides = LocalizedName(
    en: "The first stands. If this one is right, the source sends it under another revision or event id; else put it aside.",
    zh: "先到的有效。若本条正确，请来源以新的修订号或事件号重发；否则搁置。")
  static let unblock = LocalizedName(en: "Let the source in again, and send its records again.", zh: "重新启用该来源后重放。")
  static let whole = LocalizedName(en: "Have the source send the whole record, and put this one aside; or complete it below.", zh: "请来源重发完整记录并搁置本条，或在下方补全。")
  static let mapping = LocalizedName(en: "Correct the mapping of the file, and send the record again with it.", zh: "修正文件映射后以新映射重放。")
}
