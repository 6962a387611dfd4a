// Invitations to surveys as the feedback service tells them, for people (F-02, F-03).
public import CommandLine
public import Domain
public import Text

public enum InvitationWords {
  private static func text(_ value: JSONValue?) -> String { value?.stringValue ?? "-" }

  /// What became of an order, customer by customer.
  ///
  /// - Parameter base: goes in front of links that say no host.
  public static func made(_ answer: JSONValue, base: String, _ zone: BusinessZone, isChinese: Bool) -> Table {
    let titles = isChinese ? ["客户", "结果", "链接", "有效期至", "说明"] : ["Customer", "Outcome", "Link", "Expires", "Why not"]
    var table = Table(titles.map { Table.Column($0) })
    for line in answer["invitations"]?.arrayValue ?? [] {
      let link = line["link"]?.stringValue.map { $0.hasPrefix("/") ? base + $0 : $0 } ?? "-"
      let expires = line["expires_at"]?.stringValue == nil ? "-" : TicketWords.moment(line["expires_at"], zone)
      table.add([text(line["customer_id"]), outcome(text(line["outcome"]), isChinese), link, expires, why(line, isChinese)])
    }
    return table
  }

  private static func outcome(_ word: String, _ isChinese: Bool) -> String {
    guard isChinese else { return word == "invited" || word == "known" ? word : "refused" }
    return word == "invited" ? "已邀请" : word == "known" ? "此前已邀请" : "未邀请"
  }

  private static func why(_ line: JSONValue, _ isChinese: Bool) -> String {
    guard isChinese else { return text(line["detail"]) }
    switch text(line["outcome"]) {
    case "unknown": return "没有该客户的任何记录"
    case "opted_out": return "客户不愿接收问卷"
    case "twice": return "与本次另一编号为同一客户"
    case let word: return HoldReason(rawValue: word)?.name.zh ?? "-"
    }
  }

  public static func table(_ answer: JSONValue, _ zone: BusinessZone, isChinese: Bool) -> Table {
    let titles = isChinese
      ? ["邀请", "状态", "客户", "等级", "问卷", "缘由", "发出", "有效期至", "分数"]
      : ["Invitation", "State", "Customer", "Tier", "Survey", "Cause", "Sent", "Expires", "Score"]
    var table = Table(titles.map { Table.Column($0) })
    for line in answer["invitations"]?.arrayValue ?? [] {
      let sent = line["sent_at"]?.stringValue == nil ? "-" : TicketWords.moment(line["sent_at"], zone)
      table.add([
        text(line["invitation_id"]), text(line["state"]), text(line["customer_id"]), text(line["tier"]),
        "\(text(line["survey"])) v\(line["survey_version"]?.numberText ?? "-")", text(line["cause"]), sent, TicketWords.moment(line["expires_at"], zone),
        line["score"]?.numberText ?? "-",
      ])
    }
    return table
  }

  /// How often a customer was asked, what is planned, and what it may be asked now.
  public static func budget(_ answer: JSONValue, _ zone: BusinessZone, isChinese: Bool) -> String {
    func say(_ english: String, _ chinese: String) -> String { isChinese ? chinese : english }
    var out = text(answer["customer_id"]) + (answer["is_opted_out"] == true ? say(": wants no surveys\n", "：不愿接收问卷\n") : "\n")
    let contacts = answer["contacts"]?.arrayValue ?? []
    out += say("asked in 365 days: \(contacts.count)\n", "365 天内已询问：\(contacts.count) 次\n")
    for contact in contacts { out += "  \(TicketWords.moment(contact["at"], zone))  \(text(contact["purpose"]))\n" }
    let planned = answer["planned"]?.arrayValue ?? []
    if !planned.isEmpty { out += say("planned:\n", "已计划：\n") }
    for plan in planned { out += "  \(TicketWords.moment(plan["at"], zone))  \(text(plan["purpose"]))  \(text(plan["invitation_id"]))\n" }
    var table = Table([say("Purpose", "用途"), say("Now", "当前"), say("Until", "至"), say("Why not", "原因")].map { Table.Column($0) })
    for verdict in answer["budget"]?.arrayValue ?? [] {
      let until = verdict["until"]?.stringValue == nil ? "-" : TicketWords.moment(verdict["until"], zone)
      table.add([
        text(verdict["purpose"]), verdict["may_be_asked"] == true ? say("may be asked", "可询问") : say("not", "不可"), until,
        text(verdict["why"]?[isChinese ? "zh" : "en"]),
      ])
    }
    return out + table.render()
  }

  public static func optOut(_ answer: JSONValue, _ zone: BusinessZone, isChinese: Bool) -> String {
    let customer = text(answer["customer_id"])
    guard answer["is_opted_out"] == true else { return isChinese ? "\(customer) 可接收问卷邀请\n" : "\(customer) may be asked\n" }
    let (since, actor) = (TicketWords.moment(answer["since"], zone), text(answer["actor"]))
    let why = answer["reason"]?.stringValue.map { isChinese ? "（\($0)）" : " (\($0))" } ?? ""
    let chinese = "\(customer) 自 \(since) 起不再接收问卷，登记人 \(actor)\(why)"
    return DisplayWidth.plain(isChinese ? chinese : "\(customer) is not asked since \(since), by \(actor)\(why)") + "\n"
  }
}
