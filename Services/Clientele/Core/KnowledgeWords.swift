// The knowledge base as the tickets service tells it, for people and spreadsheets (K-12).
public import CommandLine
public import Domain
public import Text

public enum KnowledgeWords {
  /// The languages of articles, as the service names them.
  public static let languages = Domain.Language.allCases.map(\.rawValue)
  /// Characters of a text that lists show.
  private static let shownMax = 60

  private static func text(_ value: JSONValue?) -> String { value?.stringValue ?? "-" }
  private static func number(_ value: JSONValue?, _ none: String = "-") -> String { value?.numberText ?? none }
  private static func say(_ isChinese: Bool, _ english: String, _ chinese: String) -> String { isChinese ? chinese : english }

  private static func title(_ titles: JSONValue?, _ isChinese: Bool) -> String {
    let own: Domain.Language = isChinese ? .chinese : .english
    let order = [own] + Domain.Language.allCases.filter { $0 != own }
    return order.compactMap { titles?[$0.rawValue]?.stringValue }.first ?? "-"
  }

  private static func line(_ text: String) -> String {
    let plain = DisplayWidth.plain(text.split(whereSeparator: \.isNewline).joined(separator: " "))
    return plain.count > shownMax ? plain.prefix(shownMax) + "…" : plain
  }

  // MARK: - Articles

  public static func table(_ articles: [JSONValue], isChinese: Bool) -> Table {
    let titles = isChinese
      ? ["文章", "状态", "版本", "草稿", "有效至", "分类", "标题"] : ["Article", "State", "Version", "Draft", "Good until", "Category", "Title"]
    var table = Table(titles.map { Table.Column($0) })
    for article in articles {
      table.add([
        text(article["article_id"]), text(article["state_name"]?[isChinese ? "zh" : "en"]), number(article["version"]), number(article["draft_version"]),
        text(article["valid_until"]), text(article["category"]), title(article["titles"], isChinese),
      ])
    }
    return table
  }

  public static func sheet(_ article: JSONValue, _ zone: BusinessZone, isChinese: Bool) -> String {
    var out = "\(text(article["article_id"]))  \(text(article["state_name"]?[isChinese ? "zh" : "en"]))\n"
    for member in ["current", "draft"] {
      if let version = article[member], version != .null { out += "\n" + self.version(version, zone, isChinese: isChinese) }
    }
    return out
  }

  public static func version(_ version: JSONValue, _ zone: BusinessZone, isChinese: Bool) -> String {
    func person(_ value: JSONValue?) -> String {
      let reason = value?["reason"]?.stringValue.map { " (\(DisplayWidth.plain($0)))" } ?? ""
      return "\(DisplayWidth.plain(text(value?["actor"]))) \(TicketWords.moment(value?["at"], zone))\(reason)"
    }
    let state = stateName(text(version["state"]), isChinese)
    let (until, category) = (text(version["valid_until"]), DisplayWidth.plain(text(version["category"])))
    var out = say(
      isChinese, "version \(number(version["number"])), \(state), good until \(until), category \(category)\n",
      "版本 \(number(version["number"]))，\(state)，有效至 \(until)，分类 \(category)\n")
    let authors = (version["authors"]?.arrayValue ?? []).compactMap(\.stringValue).map { DisplayWidth.plain($0) }.joined(separator: ", ")
    out += say(isChinese, "written by \(authors); last ", "作者 \(authors)；最后修改 ") + person(version["written"]) + "\n"
    if let decision = version["decision"], decision != .null { out += say(isChinese, "decided by ", "审批 ") + person(decision) + "\n" }
    if let ending = version["ending"], ending != .null { out += say(isChinese, "ended by ", "终止 ") + person(ending) + "\n" }
    for language in languages {
      guard let given = version["texts"]?[language] else { continue }
      out += "\n[\(language)] \(DisplayWidth.plain(text(given["title"])))\n"
      if let keywords = given["keywords"]?.stringValue { out += say(isChinese, "keywords: ", "关键词：") + DisplayWidth.plain(keywords) + "\n" }
      out += text(given["body"]).split(separator: "\n", omittingEmptySubsequences: false).map { DisplayWidth.plain(String($0)) }.joined(separator: "\n") + "\n"
    }
    return out
  }

  private static func stateName(_ word: String, _ isChinese: Bool) -> String {
    guard isChinese else { return word }
    return switch ArticleVersionState(rawValue: word) {
    case .draft: "草稿"
    case .approved: "已批准"
    case .replaced: "已被替换"
    case .rejected: "已驳回"
    case .withdrawn: "已撤回"
    case nil: word
    }
  }

  /// What was found, the best first, each with the beginning of its text.
  public static func found(_ articles: [JSONValue], isChinese: Bool) -> Table {
    let titles = isChinese ? ["文章", "匹配 %", "语言", "标题", "内容"] : ["Article", "Score %", "Language", "Title", "Text"]
    var table = Table(titles.enumerated().map { Table.Column($0.element, $0.offset == 1 ? .right : .left) })
    for article in articles {
      table.add([text(article["article_id"]), number(article["score"]), text(article["language"]), text(article["title"]), line(text(article["body"]))])
    }
    return table
  }

  // MARK: - Questions

  private static func outcome(_ question: JSONValue, _ isChinese: Bool) -> String {
    if question["ticket_id"]?.stringValue != nil { return say(isChinese, "ticket", "已转工单") }
    switch question["outcome"]?.stringValue {
    case "helped": return say(isChinese, "helped", "已解决")
    case "not_helped": return say(isChinese, "did not help", "未解决")
    default: return question["suggestions"]?.arrayValue?.isEmpty == true ? say(isChinese, "nothing found", "无匹配") : "-"
    }
  }

  public static func questions(_ questions: [JSONValue], _ zone: BusinessZone, isChinese: Bool) -> Table {
    let titles = isChinese ? ["问题", "时间", "分类", "结果", "内容"] : ["Question", "Asked", "Category", "Outcome", "Text"]
    var table = Table(titles.map { Table.Column($0) })
    for question in questions {
      table.add([
        text(question["question_id"]), TicketWords.moment(question["asked_at"], zone), text(question["category"]), outcome(question, isChinese),
        line(text(question["text"])),
      ])
    }
    return table
  }

  // MARK: - The report

  private static let figures = [
    "asked", "helped", "not_helped", "nothing_found", "open", "tickets", "deflection_percent", "deflection_at_least_percent",
  ]

  public static func report(_ answer: JSONValue, _ zone: BusinessZone, isChinese: Bool) -> String {
    let (month, at) = (text(answer["month"]), TicketWords.moment(answer["as_of"], zone))
    let out = say(isChinese, "Questions asked in \(month), as they stand at \(at)\n\n", "\(month) 提出的问题，截至 \(at)\n\n")
    let grouping: String =
      switch answer["by"]?.stringValue {
      case "language": say(isChinese, "Language", "语言")
      case "channel": say(isChinese, "Channel", "渠道")
      default: say(isChinese, "Category", "分类")
      }
    let titles = isChinese
      ? ["提问数", "已解决", "未解决", "无匹配", "未反馈", "转工单", "自助解决率 %", "至少 %"]
      : ["Asked", "Helped", "Did not help", "Nothing found", "Not told", "Tickets", "Without an agent %", "At least %"]
    var table = Table([.init(grouping)] + titles.map { .init($0, .right) })
    let groups = (answer["groups"]?.arrayValue ?? []).map { ($0["group"]?.stringValue ?? say(isChinese, "not known", "未知"), $0) }
    for (name, group) in groups + [(say(isChinese, "all", "合计"), answer["total"] ?? .null)] { table.add([name] + figures.map { number(group[$0]) }) }
    let goal = number(answer["deflection_goal_percent"])
    return out + table.render() + "\n" + say(isChinese, "goal of questions answered without an agent: \(goal) %\n", "自助解决率目标：\(goal)%\n")
  }

  /// One record per group; an empty group is not known, an empty figure no value.
  public static func csv(_ answer: JSONValue) -> [UInt8] {
    var writer = DelimitedWriter()
    writer.record(["month", answer["by"]?.stringValue ?? "group"] + figures)
    for group in answer["groups"]?.arrayValue ?? [] {
      writer.record([text(answer["month"]), group["group"]?.stringValue ?? ""] + figures.map { number(group[$0], "") })
    }
    return writer.take()
  }
}
