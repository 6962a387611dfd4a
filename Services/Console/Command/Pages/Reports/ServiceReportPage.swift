// How tickets were served against the standard (K-09, K-13): a month, quarter or year by group, and the twelve months up to it.
import Access
import Domain
import HTML
import HTTP
import Text

/// What the months of a period add up to. Middle values cannot be put together: they are told of single months.
struct ServiceCounts {
  static let names = [
    "tickets", "first_response_met", "first_response_missed", "first_response_running", "resolution_met", "resolution_missed", "resolution_running", "resolved",
    "first_contact", "reopened", "merged",
  ]

  private var counts: [String: Int64] = [:]

  init(_ figures: [JSONValue]) {
    for one in figures { for name in ServiceCounts.names { counts[name, default: 0] += one.count(name) } }
  }

  subscript(_ name: String) -> Int64 { counts[name] ?? 0 }

  /// Of those whose clock has ended, how many in time.
  func onTime(_ clock: String) -> Rational? { Visit.share(self["\(clock)_met"], of: self["\(clock)_met"] + self["\(clock)_missed"]) }
  var resolutionRate: Rational? { Visit.share(self["resolved"], of: self["tickets"]) }
  var firstContactRate: Rational? { Visit.share(self["first_contact"], of: self["resolved"]) }
}

struct ServiceReportPage {
  let visit: Visit

  private static let trendMonths = 12
  private static let groupings = ["tier", "kind", "channel", "team", "owner"]

  private var grouping: String {
    let asked = visit.request.query["by"] ?? "tier"
    return ServiceReportPage.groupings.contains(asked) ? asked : "tier"
  }

  func show() async -> Response {
    let period = ReportPeriod(visit)
    let answers: Result<[Month: JSONValue], PeerFailure> = await read(period)
    guard case .success(let months) = answers else {
      return visit.report(.service) {
        form(period)
        if case .failure(let failure) = answers { Notice.failure(failure, visit) }
      }
    }
    let ofPeriod = period.months.compactMap { months[$0] }
    let tables = [shares(period, ofPeriod), times(months), trend(months)]
    if let file = visit.file(of: tables) { return file }
    let (now, before) = (ServiceCounts(ofPeriod.compactMap { $0["total"] }), ServiceCounts(period.before.months.compactMap { months[$0]?["total"] }))
    let isBeforeKnown = period.before.months.allSatisfy { months[$0] != nil }
    return visit.report(.service) {
      form(period)
      visit.asOf(ofPeriod.last?["as_of"])
      tiles(now, isBeforeKnown ? before : nil, goal: ofPeriod.last?["resolution_goal_percent"])
      tables[0].element(visit, empty: visit.say("No tickets were opened.", "没有工单。"))
      Element(.h2, visit.say("The twelve months up to it", "近十二个月趋势"))
      chart(months)
      Element.behind(visit.say("Numbers by month", "按月明细")) { tables[2].element(visit, empty: "") }
      Element(.h2, visit.say("How long it took, and what was given", "用时与补偿"))
      Element(.p, [.class("soft")], visit.say("Half of the tickets took no longer than the middle time, nine in ten no longer than the other.",
        "中位用时：一半工单不超过；90% 用时：九成工单不超过。"))
      tables[1].element(visit, empty: "")
    }
  }

  /// Months that nobody can tell of are missing in it; it fails where none can be had.
  private func read(_ period: ReportPeriod) async -> Result<[Month: JSONValue], PeerFailure> {
    let last = min(period.last, visit.today.month)
    let first = min(period.first, last.adding(1 - ServiceReportPage.trendMonths))
    let grouping = grouping
    let found = await withTaskGroup(of: (month: Month, section: Section).self) { group in
      for month in (0...Int(last.index - first.index)).map({ first.adding($0) }) {
        group.addTask { (month, await visit.api.section(.tickets, "/v1/reports/service", [("month", month.description), ("by", grouping)])) }
      }
      var found: [(month: Month, section: Section)] = []
      for await one in group { found.append(one) }
      return found
    }
    // The month that was asked for decides: without it there is nothing to show.
    if let needed = found.first(where: { $0.month == last }), case .failure(let failure) = needed.section { return .failure(failure) }
    var months: [Month: JSONValue] = [:]
    for one in found { months[one.month] = one.section.json }
    return .success(months)
  }

  private func form(_ period: ReportPeriod) -> Element {
    Parts.search(visit.target(ReportPages.Report.service.path), visit.say("What to show", "查看条件")) {
      ReportPeriod.choice(visit, period)
      Parts.choice(visit.say("By", "分组"), "by", ServiceReportPage.groupings.map { ($0, groupingName($0)) }, chosen: grouping)
      visit.showButton()
    }
  }

  private func groupingName(_ word: String) -> String {
    switch word {
    case "kind": visit.say("Kind", "类别")
    case "channel": visit.say("Channel", "渠道")
    case "team": visit.say("Team", "团队")
    case "owner": visit.say("Owner", "负责人")
    default: visit.say("Tier", "等级")
    }
  }

  private func tiles(_ now: ServiceCounts, _ before: ServiceCounts?, goal: JSONValue?) -> Element {
    func note(_ value: Rational??) -> String { value.map { visit.say("before: \(visit.percent($0))", "上期 \(visit.percent($0))") } ?? "" }
    let goalText = visit.say("goal \(visit.figure(goal, digits: 0)) %", "目标 \(visit.figure(goal, digits: 0))%")
    return Element(.div, [.class("tiles")]) {
      Parts.tile(visit.say("Tickets", "工单"), visit.number(now["tickets"]), before.map { visit.say("before: \(visit.number($0["tickets"]))",
        "上期 \(visit.number($0["tickets"]))") } ?? "")
      Parts.tile(visit.say("First response on time", "首次响应及时率"), visit.percent(now.onTime("first_response")), note(before.map { $0.onTime("first_response") }))
      Parts.tile(visit.say("Resolution on time", "解决及时率"), visit.percent(now.onTime("resolution")), note(before.map { $0.onTime("resolution") }))
      Parts.tile(
        visit.say("Resolved", "解决率"), visit.percent(now.resolutionRate),
        [goalText, note(before.map(\.resolutionRate))].filter { !$0.isEmpty }.joined(separator: visit.say(", ", "，")))
      Parts.tile(visit.say("At first contact", "首次解决率"), visit.percent(now.firstContactRate), note(before.map(\.firstContactRate)))
    }
  }

  // MARK: - Tables

  private func label(_ group: JSONValue) -> String {
    if let name = group["name"], !name.isNull { return visit.say(name) }
    return group["group"]?.stringValue ?? visit.say("not known", "未知")
  }

  private func shares(_ period: ReportPeriod, _ months: [JSONValue]) -> DataTable {
    var names: [String] = []
    var groups: [String: [JSONValue]] = [:]
    for group in months.flatMap({ $0["groups"]?.list ?? [] }) {
      let name = label(group)
      if groups[name] == nil { names.append(name) }
      groups[name, default: []].append(group)
    }
    let lines = names.map { ($0, ServiceCounts(groups[$0] ?? [])) } + [(visit.say("All", "合计"), ServiceCounts(months.compactMap { $0["total"] }))]
    let rows = lines.map { name, counts -> [Cell] in
      func count(_ key: String) -> Cell { .figure(visit.number(counts[key]), file: String(counts[key])) }
      return [
        .text(name), count("tickets"), visit.cell(percent: counts.onTime("first_response")), count("first_response_missed"), count("first_response_running"),
        visit.cell(percent: counts.onTime("resolution")), count("resolution_missed"), count("resolution_running"), visit.cell(percent: counts.resolutionRate),
        visit.cell(percent: counts.firstContactRate), count("reopened"),
      ]
    }
    let running = visit.say("still running", "计时中")
    return DataTable(
      "service", visit.say("Tickets opened in \(period.name(visit))", "\(period.name(visit))开启的工单"),
      [
        groupingName(grouping), visit.say("Tickets", "工单数"), visit.say("Response on time %", "响应及时率 %"), visit.say("late", "超时"), running,
        visit.say("Resolution on time %", "解决及时率 %"), visit.say("late", "超时"), running, visit.say("Resolved %", "解决率 %"),
        visit.say("At first contact %", "首次解决率 %"), visit.say("Reopened", "重新打开"),
      ], rows)
  }

  private func times(_ months: [Month: JSONValue]) -> DataTable {
    let currency = visit.currency(of: months.values.first)
    let rows = months.keys.sorted(by: >).compactMap { month -> [Cell]? in
      guard let total = months[month]?["total"] else { return nil }
      let seconds = ["first_response_median_seconds", "first_response_p90_seconds", "resolution_median_seconds", "resolution_p90_seconds"]
      return [.text(month.description)] + seconds.map { visit.cell(seconds: total[$0]) }
        + ["compensation", "upgrades"].map { visit.cell(amount: total[$0], currency) }
        + [visit.cell(percent: total["satisfied_percent"]), visit.cell(total["satisfaction_answers"])]
    }
    let nine = visit.say("90 % within", "90% 用时")
    return DataTable(
      "service-times", visit.say("By month", "按月"),
      [
        visit.say("Month", "月份"), visit.say("To response: middle", "响应中位用时"), nine, visit.say("To resolution: middle", "解决中位用时"), nine,
        visit.say("Compensation (\(currency))", "补偿（\(currency)）"), visit.say("Upgrades (\(currency))", "服务升级（\(currency)）"), visit.say("Satisfied %", "满意度 %"),
        visit.say("Answers", "回答数"),
      ], rows)
  }

  private func trend(_ months: [Month: JSONValue]) -> DataTable {
    let rows = months.keys.sorted().compactMap { month -> [Cell]? in
      guard let total = months[month]?["total"] else { return nil }
      let percents = ["first_response_on_time_percent", "resolution_on_time_percent", "resolution_rate_percent", "first_contact_percent"]
      return [.text(month.description), visit.cell(total["tickets"])] + percents.map { visit.cell(percent: total[$0]) }
    }
    return DataTable(
      "service-trend", visit.say("Month by month", "逐月"),
      [
        visit.say("Month", "月份"), visit.say("Tickets", "工单数"), visit.say("Response on time %", "响应及时率 %"), visit.say("Resolution on time %", "解决及时率 %"),
        visit.say("Resolved %", "解决率 %"), visit.say("At first contact %", "首次解决率 %"),
      ], rows)
  }

  @NodeBuilder private func chart(_ months: [Month: JSONValue]) -> [Node] {
    let all = months.keys.sorted()
    let lines = [
      (visit.say("Response on time %", "响应及时率 %"), "first_response_on_time_percent", "a"),
      (visit.say("Resolution on time %", "解决及时率 %"), "resolution_on_time_percent", "b"),
      (visit.say("Resolved %", "解决率 %"), "resolution_rate_percent", "c"), (visit.say("At first contact %", "首次解决率 %"), "first_contact_percent", "d"),
    ].map { name, key, color in Chart.Line(name: name, values: all.map { months[$0]?["total"]?[key]?.measure }, color: color) }
    Chart.lines(visit.say("Shares of tickets by month, in percent", "按月的工单指标（%）"), all.map(\.description), lines)
    Chart.legend(lines)
  }
}
