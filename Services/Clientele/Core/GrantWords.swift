// What customers were given, as the tickets service tells it, for people (K-08).
public import CommandLine
public import Domain
public import Text

public enum GrantWords {
  private static func text(_ value: JSONValue?) -> String { value?.stringValue ?? "-" }
  private static func amount(_ value: JSONValue, _ key: String) -> String { "\(value[key]?.numberText ?? "-") \(text(value["currency"]))" }
  private static func state(_ grant: JSONValue, _ isChinese: Bool) -> String { text(grant["state_name"]?[isChinese ? "zh" : "en"]) }

  /// Money, or which upgrade.
  private static func what(_ grant: JSONValue, _ isChinese: Bool) -> String {
    grant["upgrade"]?.stringValue ?? (isChinese ? "补偿" : "compensation")
  }

  public static func table(_ grants: [JSONValue], _ zone: BusinessZone, isChinese: Bool) -> Table {
    func say(_ english: String, _ chinese: String) -> String { isChinese ? chinese : english }
    var table = Table([
      .init(say("Grant", "授予")), .init(say("Ticket", "工单")), .init(say("What", "内容")), .init(say("Amount", "金额"), .right),
      .init(say("State", "状态")), .init(say("Asked", "申请时间")), .init(say("By", "申请人")), .init(say("Decided by", "决定人")), .init(say("Why", "理由")),
    ])
    for grant in grants {
      table.add([
        text(grant["grant_id"]), text(grant["ticket_id"]), what(grant, isChinese), amount(grant, "amount"), state(grant, isChinese),
        TicketWords.moment(grant["asked_at"], zone), text(grant["asked_by"]), text(grant["decided_by"]), text(grant["reason"]),
      ])
    }
    return table
  }

  public static func sheet(_ grant: JSONValue, _ zone: BusinessZone, isChinese: Bool) -> String {
    let lines: [(String, String, String)] = [
      ("ticket", "工单", text(grant["ticket_id"])), ("customer", "客户", text(grant["customer_id"])),
      ("asked", "申请", "\(TicketWords.moment(grant["asked_at"], zone)) \(text(grant["asked_by"]))"), ("why", "理由", text(grant["reason"])),
      ("decided", "决定", "\(TicketWords.moment(grant["decided_at"], zone)) \(text(grant["decided_by"]))"),
      ("because", "决定理由", text(grant["decision_reason"])),
    ]
    var out = [text(grant["grant_id"]), what(grant, isChinese), amount(grant, "amount"), state(grant, isChinese)].joined(separator: "  ") + "\n"
    for (english, chinese, value) in lines where !value.hasPrefix("-") { out += "\(isChinese ? chinese : english): \(DisplayWidth.plain(value))\n" }
    return out
  }

  public static func allowance(_ answer: JSONValue, isChinese: Bool) -> String {
    let (year, tier) = (answer["year"]?.int64Value.map(String.init) ?? "-", answer["tier"]?.stringValue ?? (isChinese ? "未知" : "not known"))
    let (given, cap, left) = (amount(answer, "given"), amount(answer, "cap"), amount(answer, "left"))
    return isChinese ? "\(year) 年：已授予 \(given)，上限 \(cap)（等级：\(tier)），剩余 \(left)" : "\(year): given \(given) of \(cap) (tier \(tier)), left \(left)"
  }
}
