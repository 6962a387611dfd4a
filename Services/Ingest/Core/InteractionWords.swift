// Sources' words for contacts, behaviours and answers, brought to ours (I-04).
import Domain
import Text

extension Normalising {
  static func contactKind(_ text: String) -> ContactEvent.Kind? { ours(text, contactKinds) }
  static func urgency(_ text: String) -> ContactEvent.Urgency? { ours(text, urgencies) }
  static func direction(_ text: String) -> ContactEvent.Direction? { ours(text, directions) }
  static func metric(_ text: String) -> AnswerEvent.Metric? { ours(text, metrics) }

  /// One of our words where we have one; else the source's own.
  static func behaviour(_ text: String) -> String {
    let word = plain(text)
    return behaviours[word] ?? word
  }

  private static func plain(_ text: String) -> String {
    String(TextNormal.normal(text).lowercased().map { $0 == " " || $0 == "-" ? "_" : $0 })
  }

  private static func ours<Word: RawRepresentable<String>>(_ text: String, _ words: [String: Word]) -> Word? {
    let word = plain(text)
    return Word(rawValue: word) ?? words[word]
  }

  private static let contactKinds: [String: ContactEvent.Kind] = [
    "inquiry": .question, "enquiry": .question, "咨询": .question, "问题": .question, "incident": .fault, "defect": .fault, "故障": .fault,
    "报障": .fault, "投诉": .complaint, "change": .changeRequest, "变更": .changeRequest, "idea": .suggestion, "feedback": .suggestion,
    "建议": .suggestion, "custom": .tailoredNeed, "定制": .tailoredNeed, "个性化需求": .tailoredNeed, "shipping": .delivery, "交付": .delivery,
    "配送": .delivery, "物流": .delivery,
  ]
  private static let urgencies: [String: ContactEvent.Urgency] = [
    "down": .systemDown, "系统瘫痪": .systemDown, "受阻": .blocked, "degradation": .degraded, "降级": .degraded, "咨询": .question,
  ]
  private static let directions: [String: ContactEvent.Direction] = [
    "in": .inbound, "incoming": .inbound, "呼入": .inbound, "来访": .inbound, "out": .outbound, "outgoing": .outbound, "呼出": .outbound,
    "回访": .outbound,
  ]
  private static let metrics: [String: AnswerEvent.Metric] = ["净推荐值": .nps, "满意度": .csat, "费力度": .ces]
  private static let behaviours = [
    "page_view": "browse", "pageview": "browse", "view": "browse", "浏览": "browse", "访问": "visit", "到店": "visit", "session": "visit",
    "登录": "login", "sign_in": "login", "搜索": "search", "add_to_cart": "cart", "加购": "cart", "favorite": "favourite", "wishlist": "favourite",
    "收藏": "favourite", "评价": "review", "评论": "review", "分享": "share", "转发": "share", "关注": "follow", "邀请": "invite", "推荐": "invite",
  ]

  /// Every way to break a line is one, and control characters that are none of text are blanks.
  static func lineBreaks(_ text: String) -> String {
    guard text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else { return text }
    var result = String.UnicodeScalarView()
    var isAfterReturn = false
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0x0D: result.append("\n")
      case 0x0A: if !isAfterReturn { result.append("\n") }
      case 0x09: result.append("\t")
      case 0..<0x20, 0x7F: result.append(" ")
      default: result.append(scalar)
      }
      isAfterReturn = scalar.value == 0x0D
    }
    return String(result)
  }
}
