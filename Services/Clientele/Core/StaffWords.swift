// Who works on tickets, as the tickets service tells it, for people (K-07).
public import CommandLine
public import Domain
public import Text

public enum StaffWords {
  private static func text(_ value: JSONValue?) -> String { value?.stringValue ?? "-" }
  private static func number(_ value: JSONValue?) -> String { value?.numberText ?? "-" }

  public static func teams(_ answer: JSONValue, isChinese: Bool) -> Table {
    func say(_ english: String, _ chinese: String) -> String { isChinese ? chinese : english }
    var table = Table([.init(say("Team", "团队")), .init(say("Name", "名称")), .init(say("Open tickets", "未解决工单"), .right)])
    for team in answer["teams"]?.arrayValue ?? [] {
      table.add([text(team["id"]), text(team["name"]?[isChinese ? "zh" : "en"]), number(team["open"])])
    }
    return table
  }

  /// Who is on call in the teams that have a roster, now and next; nil: none has.
  public static func onCall(_ answer: JSONValue, _ zone: BusinessZone, isChinese: Bool) -> Table? {
    func say(_ english: String, _ chinese: String) -> String { isChinese ? chinese : english }
    let teams = (answer["teams"]?.arrayValue ?? []).filter { $0["on_call"]?.members != nil }
    guard !teams.isEmpty else { return nil }
    var table = Table([
      .init(say("Team", "团队")), .init(say("On call", "当前值班")), .init(say("Until", "至")), .init(say("Next", "下一班")), .init(say("From", "自")),
    ])
    for team in teams {
      let (now, next) = (team["on_call"]?["now"], team["on_call"]?["next"])
      table.add([
        text(team["id"]), text(now?["person"]), TicketWords.moment(now?["until"], zone), text(next?["person"]), TicketWords.moment(next?["from"], zone),
      ])
    }
    return table
  }

  /// Who left the file with tickets has no team.
  public static func people(_ answer: JSONValue, isChinese: Bool) -> Table {
    func say(_ english: String, _ chinese: String) -> String { isChinese ? chinese : english }
    var table = Table([
      .init(say("Person", "姓名")), .init(say("Team", "团队")), .init(say("Role", "角色")), .init(say("Skills", "技能")), .init(say("Deputy", "代理人")),
      .init(say("Away", "缺勤")), .init(say("Open tickets", "未解决工单"), .right),
    ])
    for person in answer["people"]?.arrayValue ?? [] {
      let skills = (person["skills"]?.arrayValue ?? []).compactMap(\.stringValue)
      table.add([
        text(person["name"]), text(person["team"]), text(person["role_name"]?[isChinese ? "zh" : "en"]), skills.isEmpty ? "-" : skills.joined(separator: " "),
        text(person["deputy"]), person["is_absent"] == true ? say("yes", "是") : "-", number(person["open"]),
      ])
    }
    return table
  }

  public static func absences(_ answer: JSONValue, _ zone: BusinessZone, isChinese: Bool) -> Table {
    var table = Table((isChinese ? ["从", "到", "登记人", "理由"] : ["From", "Until", "By", "Why"]).map { Table.Column($0) })
    for absence in answer["absences"]?.arrayValue ?? [] {
      table.add([TicketWords.moment(absence["from"], zone), TicketWords.moment(absence["until"], zone), text(absence["actor"]), text(absence["reason"])])
    }
    return table
  }

  /// nil: nobody was named yet.
  public static func attendant(_ answer: JSONValue, _ zone: BusinessZone, isChinese: Bool) -> String? {
    guard let person = answer["person"]?.stringValue else { return nil }
    let (since, actor) = (TicketWords.moment(answer["since"], zone), text(answer["actor"]))
    let why = answer["reason"]?.stringValue.map { isChinese ? "（\($0)）" : " (\($0))" } ?? ""
    return DisplayWidth.plain(isChinese ? "\(person)，自 \(since)，由 \(actor) 指定\(why)" : "\(person) since \(since), named by \(actor)\(why)")
  }
}
