// Spot checks, as the tickets service tells them, for people (K-11).
public import CommandLine
public import Domain
public import Text

public enum SpotCheckWords {
  private static func text(_ value: JSONValue?) -> String { value?.stringValue ?? "-" }

  public static func sheet(_ check: JSONValue, isChinese: Bool) -> String {
    func say(_ english: String, _ chinese: String) -> String { isChinese ? chinese : english }
    var table = Table([
      .init(say("Tier", "等级")), .init(say("Tickets", "工单数"), .right), .init(say("Drawn", "抽取"), .right), .init(say("Looked at", "已检查"), .right),
      .init(say("Passed", "合格"), .right), .init(say("Passed %", "合格率 %"), .right),
    ])
    func add(_ label: String, _ figures: JSONValue?) {
      let keys = ["population", "drawn", "checked", "passed", "passed_percent"]
      table.add([label] + keys.map { figures?[$0]?.numberText ?? "-" })
    }
    for stratum in check["strata"]?.arrayValue ?? [] {
      add(stratum["name"]?[isChinese ? "zh" : "en"]?.stringValue ?? stratum["tier"]?.stringValue ?? say("not known", "未知"), stratum)
    }
    add(say("all", "合计"), check["total"])
    let (month, seed, actor) = (text(check["month"]), text(check["seed"]), DisplayWidth.plain(text(check["actor"])))
    return say("\(month), seed \(seed), drawn by \(actor)\n\n", "\(month)，种子 \(seed)，抽取人 \(actor)\n\n") + table.render()
  }

  public static func table(_ tickets: [JSONValue], _ zone: BusinessZone, isChinese: Bool) -> Table {
    func say(_ english: String, _ chinese: String) -> String { isChinese ? chinese : english }
    var table = Table([
      .init(say("Ticket", "工单")), .init(say("Tier", "等级")), .init(say("Result", "结果")), .init(say("Failed", "不合格项")), .init(say("By", "检查人")),
      .init(say("At", "时间")), .init(say("Note", "说明")),
    ])
    for ticket in tickets {
      let failed = (ticket["marks"]?.members ?? []).filter { $0.value.stringValue == SpotMark.fail.rawValue }.map(\.key)
      let result = ticket["is_passed"]?.booleanValue.map { $0 ? say("passed", "合格") : say("failed", "不合格") }
      table.add([
        text(ticket["ticket_id"]), text(ticket["tier"]), result ?? "-", failed.isEmpty ? "-" : failed.joined(separator: " "), text(ticket["checked_by"]),
        TicketWords.moment(ticket["checked_at"], zone), text(ticket["note"]),
      ])
    }
    return table
  }
}
