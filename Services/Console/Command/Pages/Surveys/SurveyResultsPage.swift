// NPS, CSAT and CES of a period: with their ranges, over time, by tier, segment, channel or product, and beside the period before (F-04).
import Access
import Domain
import HTML
import HTTP
import Text

struct SurveyResultsPage: Sendable {
  let site: Site

  private static let path = SurveySection.Place.results.rawValue
  /// Months of the chart.
  private static let monthsShown = 12

  /// By what the answers are put together.
  private enum Cut: String, CaseIterable {
    case tier, segment, contribution, channel, item, survey

    var name: LocalizedName {
      switch self {
      case .tier: LocalizedName(en: "Tier", zh: "等级")
      case .segment: LocalizedName(en: "Segment", zh: "分群")
      case .contribution: LocalizedName(en: "Contribution", zh: "贡献分群")
      case .channel: LocalizedName(en: "Channel", zh: "渠道")
      case .item: LocalizedName(en: "Product", zh: "商品")
      case .survey: LocalizedName(en: "Survey", zh: "问卷")
      }
    }
  }

  func add(to router: inout Router) {
    // Who may see no figures sees what customers are asked.
    router.page(SurveyResultsPage.path, site, needs: .surveysRead) { visit in
      visit.may(.figuresRead) ? try await show(visit) : visit.go(to: SurveySection.Place.asked.rawValue)
    }
  }

  private func show(_ visit: Visit) async throws -> Response {
    let wanted = SurveyWanted(visit)
    let cut = visit.request.query["by"].flatMap(Cut.init(rawValue:)) ?? .tier
    let api = visit.api
    func report(_ metric: AnswerEvent.Metric, _ more: [(name: String, value: String?)]) async -> Section {
      let query = wanted.query.filter { $0.name != "metric" } + [(name: "metric", value: metric.rawValue)] + more
      return await api.section(.feedback, "/v1/reports/answers", query)
    }
    let months = (name: "from", value: Optional("\(Month(index: wanted.to.month.index - Int32(SurveyResultsPage.monthsShown - 1)))-01"))
    let others = AnswerEvent.Metric.allCases.filter { $0 != wanted.metric }
    async let surveys = api.section(.feedback, "/v1/surveys")
    async let first = report(others[0], [(name: "by", value: "tier"), (name: "compare", value: "true")])
    async let second = report(others[1], [(name: "by", value: "tier"), (name: "compare", value: "true")])
    async let overTime = api.section(
      .feedback, "/v1/reports/answers", wanted.query.filter { $0.name != "from" } + [months, (name: "by", value: "month")])
    let answer = try await api.get(
      .feedback, "/v1/reports/answers", wanted.query + [(name: "by", value: cut.rawValue), (name: "compare", value: "true")])
    let tables = [
      SurveyResultsPage.table(answer, cut, visit), SurveyResultsPage.months(await overTime.json ?? .null, visit), SurveyResultsPage.scores(answer, visit),
    ]
    if let file = visit.file(of: tables) { return file }
    let (one, other, month, list) = (await first, await second, await overTime, await surveys)
    return visit.page(visit.say("Surveys", "调研"), .surveys) {
      Element(.h1, visit.say("How satisfied customers are", "客户满意度"))
      SurveySection.tabs(visit, .results)
      filters(visit, wanted, cut, list)
      Element(.div, [.class("tiles wide")]) {
        SurveyFigures.tile(answer, visit, target: visit.here([(name: "metric", value: wanted.metric.rawValue)]))
        for (metric, section) in zip(others, [one, other]) {
          section.shown(visit) { SurveyFigures.tile($0, visit, target: visit.here([(name: "metric", value: metric.rawValue)])) }
        }
      }
      month.shown(visit) { SurveyResultsPage.chart($0, tables[1], visit) }
      SurveyResultsPage.cut(answer, cut, tables[0], visit)
      SurveyResultsPage.distribution(answer, tables[2], visit)
      Element(.p, [.class("note")], visit.say(SurveyText.least(answer["answers_min"]?.numberText ?? "30")))
      DeskParts.asOf(visit, answer["as_of"])
    }
  }

  private func filters(_ visit: Visit, _ wanted: SurveyWanted, _ cut: Cut, _ surveys: Section) -> Element {
    Parts.search(visit.target(SurveyResultsPage.path), visit.say("Choose what is shown", "选择显示内容")) {
      wanted.fields(visit, surveys: surveys)
      Parts.choice(visit.say("Put together by", "分组"), "by", Cut.allCases.map { (value: $0.rawValue, text: visit.say($0.name)) }, chosen: cut.rawValue)
      Element(.button, visit.say("Show", "查看"))
    }
  }

  // MARK: - Over time

  private static func chart(_ report: JSONValue, _ table: DataTable, _ visit: Visit) -> [Node] {
    let groups = report["groups"]?.arrayValue ?? []
    let metric = report["metric"]?.stringValue
    let lines = [
      Chart.Line(name: visit.say("figure", "指标"), values: groups.map { $0["value"]?.doubleValue }, color: "a"),
      Chart.Line(name: visit.say("lower end of the range", "区间下限"), values: groups.map { $0["low"]?.doubleValue }, color: "b"),
      Chart.Line(name: visit.say("upper end of the range", "区间上限"), values: groups.map { $0["high"]?.doubleValue }, color: "c"),
    ]
    let title = visit.say("\(SurveyFigures.name(metric, visit)), month by month", "\(SurveyFigures.name(metric, visit))，按月")
    return [
      .element(
        Element(.section, [.label(.labelled, "over-time")]) {
          Element(.h2, [.id("over-time")], visit.say("Over time", "趋势"))
          Chart.lines(title, groups.map { $0["group"]?.stringValue ?? "" }, lines, zero: false)
          Chart.legend(lines)
          Element(.details) {
            Element(.summary, visit.say("The numbers", "数据"))
            table.element(visit, empty: visit.say("No answers.", "没有回答。"))
          }
        })
    ]
  }

  private static func months(_ report: JSONValue, _ visit: Visit) -> DataTable {
    let metric = report["metric"]?.stringValue
    let digits = SurveyFigures.digits(metric)
    return DataTable(
      "months", visit.say("Month by month", "按月"),
      [visit.say("Month", "月份"), visit.say("Answers", "回答数"), SurveyFigures.name(metric, visit), visit.say("From", "下限"), visit.say("To", "上限")],
      (report["groups"]?.arrayValue ?? []).map { group in
        [
          .text(group["group"]?.stringValue ?? ""), .number(visit.number(group["answers"])), .number(SurveyFigures.text(group["value"], digits: digits)),
          .number(SurveyFigures.text(group["low"], digits: digits)), .number(SurveyFigures.text(group["high"], digits: digits)),
        ]
      })
  }

  // MARK: - By groups

  @NodeBuilder private static func cut(_ report: JSONValue, _ cut: Cut, _ table: DataTable, _ visit: Visit) -> [Node] {
    let digits = SurveyFigures.digits(report["metric"]?.stringValue)
    let bars = (report["groups"]?.arrayValue ?? []).compactMap { group -> Chart.Bar? in
      guard let value = group["value"]?.doubleValue else { return nil }
      return Chart.Bar(label: SurveyFigures.group(group, cut.rawValue, visit), value: value, text: SurveyFigures.text(group["value"], digits: digits))
    }
    Element(.section, [.label(.labelled, "groups")]) {
      Element(.h2, [.id("groups")], visit.say("By \(visit.say(cut.name).lowercased())", "按\(visit.say(cut.name))"))
      if bars.count > 1 {
        let name = SurveyFigures.name(report["metric"]?.stringValue, visit)
        Chart.bars(visit.say("\(name), by \(visit.say(cut.name).lowercased())", "\(name)，按\(visit.say(cut.name))"), bars)
      }
      table.element(visit, empty: visit.say("Nobody answered in this time.", "此期间没有回答。"))
    }
  }

  private static func table(_ report: JSONValue, _ cut: Cut, _ visit: Visit) -> DataTable {
    let metric = report["metric"]?.stringValue
    let digits = SurveyFigures.digits(metric)
    let groups = (report["groups"]?.arrayValue ?? []).map { (SurveyFigures.group($0, cut.rawValue, visit), $0) }
    let rows = (groups + [(visit.say("all", "合计"), report["total"] ?? .null)]).map { name, figures -> [Cell] in
      let (change, rate) = (figures["change"], figures["response_rate"])
      return [
        .text(name), .number(visit.number(figures["answers"])), .number(visit.number(figures["favourable"])), .number(visit.number(figures["unfavourable"])),
        .number(SurveyFigures.text(figures["value"], digits: digits)), .number(SurveyFigures.range(figures, digits: digits)),
        .number(visit.number(figures["answers_before"])), .number(SurveyFigures.signed(change?["value"], digits)),
        .number(SurveyFigures.range(change, digits: digits)), .number(visit.number(figures["invited"])), .number(SurveyFigures.text(rate?["value"])),
      ]
    }
    return DataTable(
      "results", visit.say("\(SurveyFigures.name(metric, visit)), \(period(report, visit))", "\(SurveyFigures.name(metric, visit))，\(period(report, visit))"),
      [
        visit.say(cut.name), visit.say("Answers", "回答数"), SurveyFigures.favourable(metric, visit), SurveyFigures.unfavourable(metric, visit),
        (metric ?? "").uppercased(), visit.say("95 % range", "95% 区间"), visit.say("Answers before", "上期回答数"), visit.say("Change", "变化"),
        visit.say("Its range", "变化区间"), visit.say("Asked", "邀请数"), visit.say("Answered %", "回复率 %"),
      ], rows)
  }

  private static func period(_ report: JSONValue, _ visit: Visit) -> String {
    let (from, to) = (visit.text(report["from"]), visit.text(report["to"]))
    return visit.say("\(from) to \(to)", "\(from) 至 \(to)")
  }

  // MARK: - Scores

  private static func scores(_ report: JSONValue, _ visit: Visit) -> DataTable {
    let all = max(1, report["total"]?["answers"]?.counted ?? 0)
    return DataTable(
      "scores", visit.say("How often each score was given", "各分数的次数"), [visit.say("Score", "分数"), visit.say("Answers", "回答数"), "%"],
      (report["total"]?["scores"]?.members ?? []).map { member in
        let count = member.value.counted ?? 0
        return [.text(member.key), .number(visit.number(count)), .number(SurveyFigures.text(.number(String(Double(count) * 100 / Double(all)))))]
      })
  }

  @NodeBuilder private static func distribution(_ report: JSONValue, _ table: DataTable, _ visit: Visit) -> [Node] {
    let metric = report["metric"]?.stringValue
    let bars = (report["total"]?["scores"]?.members ?? []).map { member in
      let badge = SurveyFigures.badge(metric, Int64(member.key))
      let color = badge == .good ? "good" : badge == .bad ? "bad" : "warn"
      return Chart.Bar(label: member.key, value: member.value.doubleValue ?? 0, text: visit.number(member.value), color: color)
    }
    if !bars.isEmpty {
      Element(.section, [.label(.labelled, "distribution")]) {
        Element(.h2, [.id("distribution")], visit.say("Scores", "分数分布"))
        Chart.bars(visit.say("How often each score was given", "各分数的次数"), bars)
        Element(.details) {
          Element(.summary, visit.say("The numbers", "数据"))
          table.element(visit, empty: visit.say("No answers.", "没有回答。"))
        }
      }
    }
  }
}

enum SurveyText {
  static func least(_ count: String) -> LocalizedName {
    LocalizedName(
      en: "On fewer than \(count) answers there is no figure, only the range that holds the true one 95 times of 100: a single answer could move it far. "
        + "A change whose range holds 0 may be chance.",
      zh: "回答少于 \(count) 份时不显示指标，仅显示真实值有 95% 把握落入的区间，因为个别回答就能使其大幅变动。变化的区间包含 0 时，可能只是偶然波动。")
  }
}
