// The audit trail as services tell it, for people (S-05).
public import CommandLine
public import Domain
public import Text

public enum AuditWords {
  /// Entries with the services they are of.
  public static func table(_ entries: [(service: String, entry: JSONValue)], _ zone: BusinessZone, isChinese: Bool) -> Table {
    var table = Table((isChinese ? ["时间", "服务", "操作人", "角色", "操作", "查看理由"] : ["At", "Service", "By", "Roles", "What", "Seen because"]).map { Table.Column($0) })
    for (service, entry) in entries {
      func text(_ name: String) -> String { DisplayWidth.plain(entry[name]?.stringValue ?? "-") }
      let actor = text("actor").isEmpty ? (isChinese ? "（未启用访问控制）" : "(access off)") : text("actor")
      let (what, reason) = ("\(text("method")) \(text("path"))", DisplayWidth.plain(entry["reason"]?.stringValue ?? ""))
      table.add([TicketWords.moment(entry["at"], zone), service, actor, text("roles"), what, reason])
    }
    return table
  }

  /// What looking through the trail of a service came to.
  public static func verdict(_ service: String, _ answer: JSONValue, isChinese: Bool) -> String {
    let (entries, head) = (number(answer["entries"]), answer["head"]?.stringValue ?? "-")
    if answer["intact"] == true { return isChinese ? "\(service)：完整，共 \(entries) 条，链头 \(head)" : "\(service): intact, \(entries) entries, head \(head)" }
    let place = answer["first_break"]
    let (day, entry, problem) = (place?["day"]?.stringValue ?? "-", number(place?["entry"]), place?["problem"]?.stringValue ?? "-")
    return isChinese
      ? "\(service)：在 \(day) 第 \(entry) 条处断裂：\(problem)（之前 \(entries) 条完整）"
      : "\(service): BROKEN at \(day) entry \(entry): \(problem) (\(entries) before it fit)"
  }

  private static func number(_ value: JSONValue?) -> String { value?.numberText ?? "-" }
}
