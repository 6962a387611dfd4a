// The words of the desk in both languages: kinds, urgencies, steps, what happened, and who did it.
import Domain
import HTML
import HTTP
import Text

/// What answers say in words of the services', as people read it. A word that is not known stays as it is.
enum DeskWords {
  static func say(_ word: String?, _ visit: Visit, _ name: (String) -> LocalizedName?) -> String {
    guard let word, !word.isEmpty else { return "–" }
    return name(word).map { visit.say($0) } ?? word
  }

  static func state(_ word: String?, _ visit: Visit) -> String { say(word, visit) { TicketState(rawValue: $0)?.name } }
  static func kind(_ word: String?, _ visit: Visit) -> String { say(word, visit) { ContactEvent.Kind(rawValue: $0)?.title } }
  static func urgency(_ word: String?, _ visit: Visit) -> String { say(word, visit) { ContactEvent.Urgency(rawValue: $0)?.title } }
  static func clock(_ word: String?, _ visit: Visit) -> String { say(word, visit) { ServiceClock(rawValue: $0)?.name } }
  static func role(_ word: String?, _ visit: Visit) -> String { say(word, visit) { $0 == "owner" ? owner : StaffRole(rawValue: $0)?.name } }
  private static let owner = LocalizedName(en: "whoever has it", zh: "负责人")

  /// The tiers as they are shipped; others by their id.
  static func tier(_ word: String?, _ visit: Visit) -> String { say(word, visit) { tiers[$0] } }
  private static let tiers = [
    "vip": LocalizedName(en: "VIP", zh: "VIP 客户"), "key": LocalizedName(en: "Key", zh: "重点客户"), "normal": LocalizedName(en: "Normal", zh: "普通客户"),
    "watch": LocalizedName(en: "Watch", zh: "观察客户"),
  ]

  static func channel(_ word: String?, _ visit: Visit) -> String { say(word, visit) { channels[$0] } }
  static let channels = [
    "web": LocalizedName(en: "web", zh: "网站"), "app": LocalizedName(en: "app", zh: "App"), "mini_program": LocalizedName(en: "mini program", zh: "小程序"),
    "shop": LocalizedName(en: "shop", zh: "门店"), "hotline": LocalizedName(en: "hotline", zh: "热线"), "email": LocalizedName(en: "e-mail", zh: "邮件"),
    "wechat": LocalizedName(en: "WeChat", zh: "微信"), "sms": LocalizedName(en: "text message", zh: "短信"),
    "social": LocalizedName(en: "social media", zh: "社交媒体"),
  ]
  static let channelNames = ["hotline", "email", "wechat", "app", "mini_program", "web", "shop", "sms", "social"]

  static func calendar(_ word: String?, _ visit: Visit) -> String { say(word, visit) { calendars[$0] } }
  private static let calendars = [
    "always": LocalizedName(en: "round the clock", zh: "全天候"), "office": LocalizedName(en: "in office hours", zh: "工作时间"),
  ]

  /// Who did something; the suite and the customer are no names.
  static func actor(_ name: String?, _ visit: Visit) -> String {
    switch name {
    case TicketActor.system.name: visit.say("the suite", "系统")
    case TicketActor.customer.name: visit.say("customer", "客户")
    default: name ?? "–"
    }
  }

  /// Why somebody was given a ticket, in the words of the rules (K-07); else as a person wrote it.
  static func placement(_ reason: String, _ visit: Visit) -> String {
    if reason.hasPrefix("covers for ") { return visit.say("stands in for \(reason.dropFirst(11))", "代理 \(reason.dropFirst(11))") }
    return switch reason {
    case "looks after the customer": visit.say("looks after this customer by name", "该客户的专属负责人")
    case "fewest open tickets": visit.say("had the fewest open tickets of those who may", "符合条件者中未解决工单最少")
    case "stays": visit.say("it was in good hands already", "保持原负责人")
    default: reason
    }
  }

  /// How badly something runs late or was missed.
  static func badge(_ priority: String?) -> Parts.Badge {
    switch priority {
    case "P1": .bad
    case "P2": .warn
    default: .plain
    }
  }

  static func badge(state word: String?) -> Parts.Badge {
    switch word.flatMap(TicketState.init(rawValue:)) {
    case .resolved, .closed: .good
    case .reopened: .warn
    default: .plain
    }
  }
}

extension ContactEvent.Kind {
  var title: LocalizedName {
    switch self {
    case .question: LocalizedName(en: "question", zh: "咨询")
    case .fault: LocalizedName(en: "fault", zh: "故障")
    case .complaint: LocalizedName(en: "complaint", zh: "投诉")
    case .changeRequest: LocalizedName(en: "change request", zh: "变更请求")
    case .suggestion: LocalizedName(en: "suggestion", zh: "建议")
    case .tailoredNeed: LocalizedName(en: "tailored need", zh: "定制需求")
    case .delivery: LocalizedName(en: "delivery", zh: "交付")
    }
  }
}

extension ContactEvent.Urgency {
  var title: LocalizedName {
    switch self {
    case .systemDown: LocalizedName(en: "nothing works", zh: "系统瘫痪")
    case .blocked: LocalizedName(en: "cannot go on", zh: "业务受阻")
    case .degraded: LocalizedName(en: "works badly", zh: "功能降级")
    case .question: LocalizedName(en: "just a question", zh: "一般咨询")
    }
  }
}

extension TicketStep {
  /// As the button says it.
  var deed: LocalizedName {
    switch self {
    case .start: LocalizedName(en: "Start work", zh: "开始处理")
    case .reply: LocalizedName(en: "Reply", zh: "回复")
    case .message: LocalizedName(en: "Note what the customer said", zh: "记录客户留言")
    case .waitForCustomer: LocalizedName(en: "Wait for the customer", zh: "等待客户")
    case .waitForThirdParty: LocalizedName(en: "Wait for a third party", zh: "等待第三方")
    case .resume: LocalizedName(en: "Go on", zh: "继续处理")
    case .resolve: LocalizedName(en: "Resolve", zh: "解决")
    case .close: LocalizedName(en: "Close", zh: "关闭")
    case .reopen: LocalizedName(en: "Open again", zh: "重新打开")
    }
  }
}

extension TicketEvent.Kind {
  var title: LocalizedName {
    switch self {
    case .opened: LocalizedName(en: "opened", zh: "开启")
    case .started: LocalizedName(en: "work started", zh: "开始处理")
    case .replied: LocalizedName(en: "replied", zh: "已回复")
    case .message: LocalizedName(en: "the customer wrote", zh: "客户留言")
    case .waitsForCustomer: LocalizedName(en: "waits for the customer", zh: "等待客户")
    case .waitsForThirdParty: LocalizedName(en: "waits for a third party", zh: "等待第三方")
    case .resumed: LocalizedName(en: "goes on", zh: "继续处理")
    case .resolved: LocalizedName(en: "resolved", zh: "已解决")
    case .closed: LocalizedName(en: "closed", zh: "已关闭")
    case .reopened: LocalizedName(en: "opened again", zh: "重新打开")
    case .fulfilled: LocalizedName(en: "promise kept", zh: "承诺已兑现")
    case .assigned: LocalizedName(en: "given to", zh: "分派给")
    case .grantAsked: LocalizedName(en: "asked for", zh: "申请授予")
    case .granted: LocalizedName(en: "granted", zh: "已授予")
    case .grantRejected: LocalizedName(en: "not granted", zh: "申请被驳回")
    case .acceptanceAsked: LocalizedName(en: "to be accepted", zh: "待验收")
    case .accepted: LocalizedName(en: "accepted", zh: "验收通过")
    case .acceptanceRejected: LocalizedName(en: "not accepted", zh: "验收未通过")
    case .retargeted: LocalizedName(en: "promises changed", zh: "承诺时限已调整")
    case .moved: LocalizedName(en: "belongs to another customer now", zh: "客户归属变更")
    case .linked: LocalizedName(en: "linked", zh: "已关联")
    case .merged: LocalizedName(en: "merged", zh: "已合并")
    case .warned: LocalizedName(en: "warning", zh: "预警")
    case .breached: LocalizedName(en: "promise missed", zh: "超出时限")
    case .escalated: LocalizedName(en: "escalated", zh: "升级")
    case .corrected: LocalizedName(en: "was in time after all", zh: "更正为按时")
    }
  }

  var badge: Parts.Badge {
    switch self {
    case .resolved, .accepted, .granted, .corrected, .fulfilled: .good
    case .warned, .reopened, .grantAsked: .warn
    case .breached, .escalated, .acceptanceRejected, .grantRejected: .bad
    default: .plain
    }
  }
}
