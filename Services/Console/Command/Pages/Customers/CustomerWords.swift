// Words of answers about customers as people read them, in both languages; a word that this program does not know yet is shown as it came.
import Domain
import Text

enum CustomerWords {
  typealias Words = [String: LocalizedName]

  private static func name(_ english: String, _ chinese: String) -> LocalizedName { LocalizedName(en: english, zh: chinese) }

  private static func words<Kind: RawRepresentable<String> & CaseIterable>(of kind: Kind.Type, _ name: (Kind) -> LocalizedName) -> Words {
    Dictionary(Kind.allCases.map { ($0.rawValue, name($0)) }) { first, _ in first }
  }

  /// Of identifiers.
  static let kinds: Words = [
    "member_id": name("Member id", "会员号"), "national_id_hash": name("National id (hashed)", "证件号（散列）"), "union_id": name("WeChat union id", "微信 UnionID"),
    "phone": name("Phone", "手机号"), "email": name("E-mail", "邮箱"), "open_id": name("WeChat open id", "微信 OpenID"),
    "pos_card": name("POS card", "门店会员卡"), "device_id": name("Device", "设备号"), "external_id": name("External id", "外部编号"),
  ]

  static let lifecycles: Words = [
    "potential": name("potential", "潜在"), "new": name("new", "新客"), "active": name("active", "活跃"), "at_risk": name("at risk", "流失风险"),
    "dormant": name("dormant", "沉睡"), "churned": name("churned", "流失"),
  ]

  static let attributes: Words = [
    "name": name("Name", "姓名"), "gender": name("Gender", "性别"), "birthday": name("Birthday", "生日"), "region": name("Region", "地区"),
    "industry": name("Industry", "行业"),
  ]

  static let genders: Words = ["female": name("female", "女"), "male": name("male", "男")]

  static let channels: Words = DeskWords.channels.merging(["": name("not told", "未知")]) { known, _ in known }

  /// What stands on a timeline.
  static let entries: Words = [
    "order": name("Order", "下单"), "payment": name("Payment", "付款"), "refund": name("Refund", "退款"), "cancellation": name("Cancellation", "取消"),
    "registration": name("Told about themselves", "资料登记"), "contact": name("Contact", "联络"), "behaviour": name("Behaviour", "行为"),
    "answer": name("Answer", "问卷回答"), "tier": name("Tier", "等级变更"), "ticket": name("Ticket", "工单"), "invitation": name("Invitation", "问卷邀请"),
  ]

  static let directions: Words = ["inbound": name("the customer spoke", "客户来联"), "outbound": name("we spoke", "我方联络")]

  static let contactKinds: Words = words(of: ContactEvent.Kind.self, \.title)

  static let behaviours: Words = [
    "visit": name("visit", "访问"), "login": name("sign-in", "登录"), "browse": name("browsing", "浏览"), "search": name("search", "搜索"),
    "cart": name("put into the cart", "加购"), "favourite": name("favourite", "收藏"), "review": name("review", "评价"), "share": name("share", "分享"),
    "follow": name("follow", "关注"), "invite": name("invitation of others", "邀请好友"),
  ]

  static let metrics: Words = ["nps": name("NPS", "NPS"), "csat": name("CSAT", "满意度 CSAT"), "ces": name("CES", "费力度 CES")]

  static let tones: Words = words(of: CommentPolarity.self, \.name)

  static let purposes: Words = [
    "relationship": name("how they stand to us", "整体关系"), "transaction": name("how one thing went", "单次服务"),
    "recovery": name("whether it was put right", "补救回访"), "research": name("everything else", "其他调研"),
  ]

  static let invitationStates: Words = [
    "planned": name("planned", "已计划"), "sent": name("sent", "已发出"), "undelivered": name("not delivered", "未送达"), "opened": name("opened", "已打开"),
    "begun": name("begun", "已开始作答"), "answered": name("answered", "已回答"), "expired": name("expired", "已过期"), "dropped": name("dropped", "已放弃"),
  ]

  /// Why a rating was made.
  static let causes: Words = [
    "first": name("first rating", "首次评分"), "change": name("figures changed", "数据变化"), "review": name("regular review", "定期复核"),
    "spend_fell": name("spend fell twice by half", "消费连续两月减半"), "quiet": name("no interaction for months", "数月无互动"), "rules": name("new rules", "规则变更"),
    "merged": name("merged", "已合并"), "restored": name("merge undone", "合并撤销"), "step": name("rest of a step down", "降级后续"),
    "expired": name("proposal expired", "建议逾期"), "notice": name("loss foreseen", "降级预告"), "override_ended": name("override ended", "人工设定到期"),
    "confirmed": name("confirmed", "人工确认"), "rejected": name("rejected", "人工驳回"), "override_asked": name("override asked for", "申请人工设定"),
    "opted_out": name("refused automated tiering", "拒绝自动分级"), "opted_in": name("accepts automated tiering", "恢复自动分级"),
    "complaint": name("complaint upheld", "投诉成立"),
  ]

  /// What an override does when the customer is rated meanwhile (T-07).
  static let overrideRules: Words = [
    "hold": name("hold: the tier stays as set until the last day", "保持：到期前等级不变"),
    "floor": name("floor: ratings may give more, not less", "保底：评分可上调，不可下调"),
    "drop": name("drop: the next rating of a later day ends it", "失效：次日起首次评分时失效"),
  ]

  /// What stopped a merge (P-03).
  static let guards: Words = [
    "shared_identifier": name("an identifier that many use", "多人共用标识"), "different_national_ids": name("different national ids", "证件号不同"),
    "too_many_values": name("too many identifiers of one kind", "同类标识过多"), "too_many_customers": name("one event named too many", "单次事件涉及客户过多"),
  ]

  static let guardReasons: Words = [
    "shared_identifier": name(
      "The identifier was named beside many customers, as a shop's own phone is. It merges nobody by itself.", "该标识出现在许多客户名下（例如门店电话），不会自动合并任何人。"),
    "different_national_ids": name(
      "Both have a national id, and they differ: a couple or a family may share a phone. Such customers are never merged by themselves.",
      "双方都有证件号且不一致：可能是夫妻或家人共用手机号，系统不会自动合并。"),
    "too_many_values": name(
      "Merged, one customer would have more identifiers of a kind than a person usually has.", "合并后，一个客户的同类标识将超过常人应有的数量。"),
    "too_many_customers": name(
      "One event named more identifiers than one person usually shows at once.", "单次事件携带的标识数量超过一个人通常会出示的数量。"),
  ]

  static let units: Words = [
    "days": name("days", "天"), "orders": name("orders", "单"), "percent": name("%", "%"),
  ]
}

extension Visit {
  /// A word of an answer in the language of the page.
  func word(_ value: JSONValue?, of words: CustomerWords.Words) -> String {
    guard let text = value?.stringValue else { return "–" }
    return word(text, of: words)
  }

  func word(_ text: String, of words: CustomerWords.Words) -> String { words[text].map { say($0) } ?? text }

  /// A figure with its thousands apart, whatever its fraction; money comes as a text, other figures as numbers.
  func amount(_ value: JSONValue?, unit: String = "") -> String {
    guard let text = value?.stringValue ?? value?.numberText, !text.isEmpty else { return "–" }
    let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
    let parts = digits.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard let whole = parts.first, whole.utf8.count <= 18, whole.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return text }
    let sign = text.hasPrefix("-") ? "−" : ""
    let fraction = parts.count == 2 ? "." + parts[1] : ""
    return sign + number(Int64(whole) ?? 0) + fraction + (unit.isEmpty ? "" : " " + unit)
  }

  /// Money without its fraction, for large letters.
  func whole(_ value: JSONValue?) -> String {
    guard let text = value?.stringValue, let number = Double(text), abs(number) < 1e15 else { return amount(value) }
    return self.number(Int64(number.rounded()))
  }

  /// A part of one (`0.9444`) in percent to a tenth.
  func percentOfOne(_ value: JSONValue?) -> String {
    guard let part = (value?.stringValue ?? value?.numberText).flatMap(Double.init) else { return "–" }
    return "\(CustomerWords.tenths(part * 100)) %"
  }

  /// The day of a moment by the clocks of the business.
  func dayOf(_ value: JSONValue?) -> String { String(moment(value).prefix(10)) }
}

extension CustomerWords {
  static func tenths(_ value: Double) -> String {
    guard value.isFinite, abs(value) < 1e12 else { return "–" }
    let tenths = Int64((value * 10).rounded())
    return "\(tenths < 0 ? "−" : "")\(tenths.magnitude / 10).\(tenths.magnitude % 10)"
  }
}
