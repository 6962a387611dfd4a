// Deliveries as the connector tells them, for people (E-05).
public import CommandLine
public import Domain
public import Text

public enum DeliveryWords {
  private static func text(_ value: JSONValue?) -> String { DisplayWidth.plain(value?.stringValue ?? "-") }
  private static func moment(_ value: JSONValue?, _ zone: BusinessZone) -> String { value?.stringValue == nil ? "-" : TicketWords.moment(value, zone) }

  private static let chinese = [
    "waiting": "等待发送", "accepted": "已移交", "bounced": "被拒收", "undeliverable": "无法送达", "refused": "对方拒收", "expired": "链接已过期",
    "no_address": "没有可用地址", "no_way": "未配置发送方式", "no_link": "链接缺少主机名",
    "too_many_attempts": "尝试次数过多", "later": "暂不可达", "refused_address": "地址被拒",
    "refused_message": "消息被拒", "opted_out": "客户不愿接收问卷", "answered": "客户已作答", "withdrawn": "已撤回",
    "email": "邮件", "webhook": "webhook", "invitation": "邀请", "reminder": "提醒",
  ]
  private static let english = [
    "no_address": "no address", "no_way": "nothing is set up to send by",
    "no_link": "its link names no host", "too_many_attempts": "tried too often", "expired": "the link is over",
    "refused_address": "address refused", "refused_message": "message refused", "opted_out": "the customer wants no surveys",
    "answered": "answered already", "withdrawn": "called back",
  ]

  /// A word of the service's as people read it; one that is not known stays as it is.
  private static func say(_ value: JSONValue?, _ isChinese: Bool) -> String {
    guard let word = value?.stringValue else { return "-" }
    return (isChinese ? chinese : english)[word] ?? DisplayWidth.plain(word)
  }

  public static func table(_ answer: JSONValue, _ zone: BusinessZone, isChinese: Bool) -> Table {
    let titles = isChinese
      ? ["投递", "状态", "类型", "客户", "问卷", "方式", "尝试", "请求时间", "下次尝试", "原因"]
      : ["Delivery", "State", "Kind", "Customer", "Survey", "Way", "Attempts", "Asked", "Next", "Why"]
    var table = Table(titles.map { Table.Column($0) })
    for line in answer["deliveries"]?.arrayValue ?? [] {
      table.add([
        text(line["delivery_id"]), say(line["state"], isChinese), say(line["kind"], isChinese), text(line["customer_id"]), text(line["survey"]),
        say(line["way"], isChinese), line["attempts"]?.numberText ?? "-", moment(line["asked_at"], zone), moment(line["next_attempt_at"], zone),
        say(line["reason"], isChinese),
      ])
    }
    return table
  }

  /// One delivery with its history.
  public static func one(_ answer: JSONValue, _ zone: BusinessZone, isChinese: Bool) -> String {
    func title(_ english: String, _ chinese: String) -> String { isChinese ? chinese : english }
    var out = "\(text(answer["delivery_id"])): \(say(answer["state"], isChinese))"
    if answer["reason"]?.stringValue != nil { out += " (\(say(answer["reason"], isChinese)))" }
    out += "\n"
    let rows: [(String, String)] = [
      (title("customer", "客户"), text(answer["customer_id"])), (title("invitation", "邀请"), text(answer["invitation_id"])),
      (title("asked", "请求时间"), moment(answer["asked_at"], zone)), (title("link works until", "链接有效期至"), moment(answer["expires_at"], zone)),
      (title("handed over", "移交时间"), answer["state"] == "accepted" ? moment(answer["finished_at"], zone) : "-"),
      (title("arrived", "送达时间"), moment(answer["delivered_at"], zone)), (title("opened", "打开时间"), moment(answer["opened_at"], zone)),
      (title("next attempt", "下次尝试"), moment(answer["next_attempt_at"], zone)),
    ]
    for (name, value) in rows where value != "-" { out += "  \(name)\(isChinese ? "：" : ": ")\(value)\n" }
    let attempts = answer["history"]?.arrayValue ?? []
    guard !attempts.isEmpty else { return out }
    let titles = isChinese ? ["次", "时间", "方式", "结果", "代码"] : ["Attempt", "At", "Way", "Result", "Code"]
    var table = Table(titles.map { Table.Column($0) })
    for attempt in attempts {
      let result = attempt["result"]?.stringValue == nil ? title("not heard", "未知") : say(attempt["result"], isChinese)
      table.add([
        attempt["number"]?.numberText ?? "-", moment(attempt["at"], zone), say(attempt["way"], isChinese), result, attempt["code"]?.numberText ?? "-",
      ])
    }
    return out + table.render()
  }

  /// By what messages go, and how many are where.
  public static func ways(_ answer: JSONValue, _ zone: BusinessZone, isChinese: Bool) -> String {
    func title(_ english: String, _ chinese: String) -> String { isChinese ? chinese : english }
    var out = ""
    for way in ["email", "webhook"] {
      out += "\(say(.text(way), isChinese)): \(answer[way] == true ? title("set up", "已配置") : title("not set up", "未配置"))"
      if let until = answer["resting_until"]?[way], until.stringValue != nil {
        out += title("; nobody takes messages there, they wait until \(moment(until, zone))", "；暂不可用，消息等待至 \(moment(until, zone))")
      }
      out += "\n"
    }
    out += "\(title("texts", "文案")): v\(answer["texts"]?["version"]?.numberText ?? "-"), \(text(answer["texts"]?["source"]))\n"
    for state in answer["deliveries"]?.members ?? [] { out += "\(say(.text(state.key), isChinese)): \(state.value.numberText ?? "-")\n" }
    return out
  }
}
