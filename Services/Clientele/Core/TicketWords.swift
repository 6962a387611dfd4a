// Tickets as the tickets service tells them, for people (K-01 to K-06).
public import CommandLine
public import Domain
public import HTTP
public import Text

public enum TicketWords {
  /// The ticket as it stands, with the tag that a change of it names.
  public static func find(_ id: String, _ services: ServiceClient, _ headers: HTTPHeaders = [:]) async throws -> (ticket: JSONValue, tag: String?) {
    let found = try await services.tagged("tickets", .get, "/v1/tickets/" + ServiceClient.escaped(id), headers: headers)
    return (found.answer, found.tag)
  }

  /// Carries out what one person decided, if nobody changed the ticket since this program looked.
  public static func order(_ id: String, _ what: String, _ members: [JSONMember], _ services: ServiceClient) async throws -> JSONValue {
    let tag = try await find(id, services).tag
    return try await services.tagged(
      "tickets", .post, "/v1/tickets/\(ServiceClient.escaped(id))/\(what)", body: JSONValue.object(members).encoded, contentType: "application/json",
      seen: tag ?? "*"
    ).answer
  }

  private static func text(_ value: JSONValue?) -> String { value?.stringValue ?? "-" }

  private static func name(_ value: JSONValue?, _ isChinese: Bool) -> String { text(value?[isChinese ? "zh" : "en"]) }

  /// A moment in the suite's zone, to the second.
  static func moment(_ value: JSONValue?, _ zone: BusinessZone) -> String {
    guard let given = value?.stringValue, let at = try? RFC3339.parse(given) else { return "-" }
    return Calendars.text(Instant(microseconds: at - floorModulo(at)), zone)
  }

  /// Microseconds beyond the second.
  private static func floorModulo(_ microseconds: Int64) -> Int64 { (microseconds % 1_000_000 + 1_000_000) % 1_000_000 }

  public static func table(_ tickets: [JSONValue], _ zone: BusinessZone, isChinese: Bool) -> Table {
    let titles = isChinese
      ? ["工单", "优先级", "状态", "等级", "类别", "分类", "负责人", "开启时间", "下一时限"]
      : ["Ticket", "Priority", "State", "Tier", "Kind", "Category", "Owner", "Opened", "Next deadline"]
    var table = Table(titles.map { Table.Column($0) })
    for ticket in tickets {
      table.add([
        text(ticket["ticket_id"]), text(ticket["priority"]), name(ticket["state_name"], isChinese), text(ticket["tier"]), text(ticket["kind"]),
        text(ticket["category"]), text(ticket["owner"]), moment(ticket["opened_at"], zone), next(ticket, zone, isChinese),
      ])
    }
    return table
  }

  /// What is due first of what is still to be done, late or not.
  private static func next(_ ticket: JSONValue, _ zone: BusinessZone, _ isChinese: Bool) -> String {
    let due = (ticket["clocks"]?.arrayValue ?? []).compactMap { clock -> (deadline: String, isLate: Bool)? in
      let isLate = clock["outcome"] == "missed"
      guard clock["outcome"] == "running" || (isLate && clock["done_at"]?.stringValue == nil) else { return nil }
      return clock["deadline"]?.stringValue.map { ($0, isLate) }
    }
    guard let first = due.min(by: { $0.deadline < $1.deadline }) else { return "-" }
    return moment(.text(first.deadline), zone) + (!first.isLate ? "" : isChinese ? "（已超时）" : " (late)")
  }

  /// One ticket with its clocks.
  public static func sheet(_ ticket: JSONValue, _ zone: BusinessZone, isChinese: Bool) -> String {
    let head = [text(ticket["ticket_id"]), text(ticket["priority"]), name(ticket["state_name"], isChinese)].joined(separator: "  ")
    let lines: [(String, String, String)] = [
      ("customer", "客户", text(ticket["customer_id"])), ("tier", "等级", text(ticket["tier"])), ("kind", "类别", text(ticket["kind"])),
      ("category", "分类", text(ticket["category"])), ("owner", "负责人", text(ticket["owner"])),
      ("team", "团队", text(ticket["team"])), ("opened", "开启", moment(ticket["opened_at"], zone)),
      ("resolved", "解决", [moment(ticket["resolved_at"], zone), text(ticket["resolution_code"]), text(ticket["root_cause"])].joined(separator: " ")),
      ("acceptance", "验收", acceptance(ticket["acceptance"], zone, isChinese)),
      ("part of", "已并入", text(ticket["merged_into"])), ("said", "内容", text(ticket["text"])),
    ]
    var out = head + "\n"
    for (english, chinese, value) in lines where !value.hasPrefix("-") { out += "\(isChinese ? chinese : english): \(DisplayWidth.plain(value))\n" }
    return out + "\n" + clocks(ticket, zone, isChinese: isChinese).render()
  }

  private static func acceptance(_ value: JSONValue?, _ zone: BusinessZone, _ isChinese: Bool) -> String {
    guard let value, value != .null else { return "-" }
    guard value["state"] == "accepted" else { return isChinese ? "待验收，\(text(value["due_on"])) 前" : "awaited until \(text(value["due_on"]))" }
    let words = [name(value["value_name"], isChinese), value["note"]?.stringValue].compactMap(\.self).joined(separator: ": ")
    return "\(text(value["actor"])) \(moment(value["at"], zone)) \(words)"
  }

  /// What is to be accepted; a star marks what was due before today.
  public static func acceptances(_ tickets: [JSONValue], today: String, isChinese: Bool) -> Table {
    let titles = isChinese ? ["工单", "验收期限", "类别", "客户", "负责人", "分类"] : ["Ticket", "Due", "Kind", "Customer", "Owner", "Category"]
    var table = Table(titles.map { Table.Column($0) })
    for ticket in tickets {
      let due = text(ticket["acceptance"]?["due_on"])
      table.add([
        text(ticket["ticket_id"]), due < today ? due + " *" : due, text(ticket["kind"]), text(ticket["customer_id"]), text(ticket["owner"]),
        text(ticket["category"]),
      ])
    }
    return table
  }

  private static func clocks(_ ticket: JSONValue, _ zone: BusinessZone, isChinese: Bool) -> Table {
    let titles = isChinese ? ["时钟", "开始", "时限", "结果", "完成"] : ["Clock", "Started", "Deadline", "Outcome", "Done"]
    var table = Table(titles.map { Table.Column($0) })
    for clock in ticket["clocks"]?.arrayValue ?? [] {
      let left = clock["left_seconds"]?.int64Value.map { isChinese ? "暂停，剩余 \($0) 秒" : "stands still, \($0) s left" }
      table.add([
        name(clock["name"], isChinese), moment(clock["started_at"], zone), left ?? moment(clock["deadline"], zone), text(clock["outcome"]),
        moment(clock["done_at"], zone),
      ])
    }
    return table
  }

  /// Every clock with every piece of its time.
  public static func explanation(_ answer: JSONValue, _ zone: BusinessZone, isChinese: Bool) -> String {
    let words = isChinese
      ? ["counted": "计时", "outside_hours": "非工作时间", "holiday": "节假日", "paused": "暂停"]
      : ["counted": "counted", "outside_hours": "outside hours", "holiday": "holiday", "paused": "paused"]
    var out = ""
    for clock in answer["clocks"]?.arrayValue ?? [] {
      let within = clock["within_seconds"]?.int64Value ?? 0
      out += "\(name(clock["name"], isChinese)): \(within) s, \(text(clock["calendar"])), \(text(clock["outcome"])), \(moment(clock["deadline"], zone))\n"
      var table = Table((isChinese ? ["从", "到", "计为"] : ["From", "To", "Counts as"]).map { Table.Column($0) })
      for piece in clock["segments"]?.arrayValue ?? [] {
        let word = words[text(piece["counts_as"])] ?? text(piece["counts_as"])
        let holiday = piece["name"].map { " (\(name($0, isChinese)))" } ?? ""
        table.add([moment(piece["from"], zone), moment(piece["to"], zone), word + holiday])
      }
      out += table.render() + "\n"
    }
    return out
  }

  public static func history(_ events: [JSONValue], _ zone: BusinessZone, isChinese: Bool) -> Table {
    let titles = isChinese ? ["时间", "事件", "由", "状态", "说明"] : ["At", "Event", "By", "State", "Words"]
    var table = Table(titles.map { Table.Column($0) })
    for event in events {
      let clock = [event["clock"]?.stringValue, event["percent"]?.int64Value.map { "\($0) %" }, event["role"]?.stringValue].compactMap(\.self)
      let words = (clock + [event["reason"]?.stringValue, event["text"]?.stringValue].compactMap(\.self)).joined(separator: " ")
      table.add([moment(event["at"], zone), text(event["kind"]), text(event["actor"]), text(event["state_after"]), words])
    }
    return table
  }
}
