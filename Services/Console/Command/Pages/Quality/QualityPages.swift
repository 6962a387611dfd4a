// Data quality: what sources send, how much of it is refused and how late it comes, by day and field, against the limits (I-07).
import Access
import Domain
import HTML
import HTTP
import Text

struct QualityPages: Sendable {
  let site: Site

  static let path = "/quality"

  func add(to router: inout Router) {
    router.page(QualityPages.path, site, needs: .sourcesRead) { try await QualityPage(visit: $0).show() }
    router.page(SourcePages.imports, site, needs: .sourcesRead) { try await SourcePages(visit: $0).listImports() }
    router.page("\(SourcePages.imports)/{id}", site, needs: .sourcesRead) { try await SourcePages(visit: $0).showImport() }
    router.page("/mappings/{id}", site, needs: .sourcesRead) { try await SourcePages(visit: $0).showMapping() }
    router.page("/conflicts", site, needs: .quarantineRead, look: .records) { try await ConflictPage(visit: $0).show() }
    router.page(QuarantinePage.path, site, needs: .quarantineRead) { try await QuarantinePage(visit: $0).show() }
    for act in [ManyPage.Act.replay, .dismiss] {
      router.page("/quarantine/many/\(act.rawValue)", site, needs: .quarantineAct) { try await ManyPage($0, act).ask() }
      router.form("/quarantine/many/\(act.rawValue)", site, needs: .quarantineAct) { try await ManyPage($0, act).take() }
    }
    router.page("/quarantine/{id}", site, needs: .quarantineRead, look: .records) { try await RefusedPage($0).show() }
    router.form("/quarantine/{id}", site, needs: .quarantineAct, bodyBytesMax: RefusedPage.formBytesMax) { visit in
      var page = try RefusedPage(visit)
      return try await page.take()
    }
  }
}

struct QualityPage {
  let visit: Visit

  static let periods = [7, 30, 90, 400]
  private static let linesMax = 5

  private var days: Int { visit.request.query["days"].flatMap { Int($0) }.flatMap { QualityPage.periods.contains($0) ? $0 : nil } ?? 30 }
  private var source: String? { visit.request.query["source"].flatMap { $0.isEmpty ? nil : $0 } }

  func show() async throws -> Response {
    let api = visit.api
    async let sources = api.section(.ingest, "/v1/sources")
    async let counts = visit.may(.quarantineRead) ? api.section(.ingest, "/v1/quarantine/counts") : nil
    async let ingest = SourceDelay.of(.ingest, api)
    async let profile = SourceDelay.of(.profile, api)
    async let waiting = visit.may(.operationsRead) ? api.section(.ingest, "/v1/waiting") : nil
    let rows = try await api.get(.ingest, "/v1/quality", [("days", String(days)), ("source", source)]).arrayValue ?? []
    let (known, open, late, delays) = (await sources, await counts, await waiting, [await ingest, await profile])
    let figures = QualityFigures(visit: visit, rows: rows)
    let (list, table, fields) = (sourceTable(known.json?.arrayValue ?? []), figures.days, figures.fields(all: source != nil))
    let lateness = figures.lateness
    if let file = visit.file(of: [list, table, fields, lateness]) { return file }
    return visit.page(visit.say("Data quality", "数据质量"), .quality) {
      Element(.h1, visit.say("Data quality", "数据质量"))
      tiles(figures, open, late, delays)
      filters(known.json?.arrayValue ?? [])
      Element(.h2, visit.say("Refused records by day", "每日拒收率"))
      Element(
        .p, [.class("note")],
        visit.say(
          "Refused among all records of a day of arrival. Above 0.3 % is too many. Up to business day \(visit.today).",
          "按到达日统计的拒收记录占比，超过 0.3% 即为超标。截至业务日 \(visit.today)。"))
      rates(figures)
      table.element(visit, empty: visit.say("No records came in these days.", "所选日期内没有记录。"))
      Element(.h2, visit.say("How late records came", "数据延迟"))
      Element(
        .p, [.class("note")],
        visit.say(
          "From what happened to its arrival, of accepted records that belong to no import. More than 5 minutes is late.",
          "从发生到到达的时间（不含文件导入）。超过 5 分钟即为迟到。"))
      Chart.bars(visit.say("Records by lateness", "按延迟划分的记录数"), figures.latenessBars)
      lateness.element(visit, empty: "")
      Element(.h2, visit.say("Fields", "字段质量"))
      fields.element(visit, empty: visit.say("No field has an error. Choose a source to see all its fields.", "没有出错的字段。选择来源可查看其全部字段。"))
      Element(.h2, visit.say("Sources", "数据来源"))
      known.shown(visit) { _ in list.element(visit, empty: visit.say("No source has sent anything yet.", "尚无来源发送数据。")) }
      SourcePages.find(visit)
      Element(.p) { Parts.link(visit.say("All imports", "全部导入"), visit.target(SourcePages.imports)) }
    }
  }

  private func tiles(_ figures: QualityFigures, _ counts: Section?, _ waiting: Section?, _ delays: [SourceDelay?]) -> Element {
    let open = (counts?.json?.arrayValue ?? []).filter { $0["state"]?.stringValue == "open" }
    let conflicts = open.filter { QualityWords.rule(ofCode: $0["reason"]?.stringValue ?? "") == "conflict" }
    func sum(_ rows: [JSONValue]) -> Int64 { rows.reduce(0) { $0 + ($1["records"]?.counted ?? 0) } }
    return Element(.div, [.class("tiles")]) {
      Parts.tile(
        visit.say("Refused, \(days) days", "拒收率（\(days) 天）"), figures.percent(figures.refused, of: figures.records),
        figures.isAboveCeiling ? visit.say("above 0.3 % on some day", "有日期超过 0.3%") : visit.say("limit 0.3 %", "上限 0.3%"))
      Parts.tile(
        visit.say("Late", "迟到率"), figures.percent(figures.late, of: figures.timed),
        visit.say("more than 5 minutes, of \(visit.number(figures.timed))", "超过 5 分钟，共 \(visit.number(figures.timed)) 条"))
      delay(delays)
      if let counts {
        Parts.tile(
          visit.say("In quarantine", "隔离待处理"), counts.json == nil ? "–" : visit.number(sum(open)), visit.say("open records", "未处理记录"),
          target: visit.target(QuarantinePage.path))
        Parts.tile(
          visit.say("Conflicts", "冲突"), counts.json == nil ? "–" : visit.number(sum(conflicts)), visit.say("same id, other content", "同号不同内容"),
          target: visit.target("/conflicts"))
      }
      if let waiting {
        let since = waiting.json?["since"]
        Parts.tile(
          visit.say("Waiting for their order", "等待订单"), visit.number(waiting.json?["facts"]),
          since?.stringValue == nil
            ? visit.say("payments, refunds, cancellations", "付款、退款与取消")
            : visit.say("since \(visit.moment(since))", "最早 \(visit.moment(since))"))
      }
    }
  }

  /// How long the suite itself takes, ingest and profile one after the other.
  private func delay(_ delays: [SourceDelay?]) -> Element {
    let isMeasured = delays.allSatisfy { ($0?.batches ?? 0) > 0 }
    let sum = SourceDelay.sum(delays)
    let verdict =
      !isMeasured
      ? visit.say("not measured yet", "尚无测量数据")
      : (sum ?? .infinity) > SourceDelay.secondsMax ? visit.say("above the limit of 5 minutes", "超过 5 分钟上限") : visit.say("limit 5 minutes", "上限 5 分钟")
    return Parts.tile(
      visit.say("Source to profile, 95 % within", "数据到达客户档案（95%）"),
      sum.map { visit.say("\(Drawing.number($0)) s", "\(Drawing.number($0)) 秒") } ?? (isMeasured ? visit.say("beyond measure", "超出量程") : "–"), verdict)
  }

  private func filters(_ sources: [JSONValue]) -> Element {
    let names = sources.compactMap { $0["name"]?.stringValue }
    return Parts.search(visit.target(QualityPages.path), visit.say("Which quality", "筛选")) {
      Parts.choice(
        visit.say("Source", "来源"), "source", [(value: "", text: visit.say("all", "全部"))] + names.map { (value: $0, text: $0) }, chosen: source ?? "")
      Parts.choice(
        visit.say("Period", "时间范围"), "days", QualityPage.periods.map { (value: String($0), text: visit.say("\($0) days", "近 \($0) 天")) },
        chosen: String(days))
      Element(.button, visit.say("Show", "查看"))
    }
  }

  @NodeBuilder private func rates(_ figures: QualityFigures) -> [Node] {
    let days = figures.span(visit.today, days)
    let sources = figures.sources.prefix(QualityPage.linesMax)
    let colors = ["a", "b", "c", "d", "e"]
    let limit = Chart.Line(name: visit.say("limit 0.3 %", "上限 0.3%"), values: days.map { _ in QualityWords.ceilingPercent }, color: "limit")
    let lines = sources.enumerated().map { place, name in
      Chart.Line(name: name, values: days.map { figures.rate(name, on: $0) }, color: colors[place])
    }
    if !lines.isEmpty {
      Chart.lines(
        visit.say("Refused records in percent by day and source, with the limit of 0.3 %", "各来源每日拒收率（%）及 0.3% 上限"), days.map { String($0.dropFirst(5)) },
        lines + [limit])
      Chart.legend(lines + [limit])
    }
  }

  private func sourceTable(_ sources: [JSONValue]) -> DataTable {
    let rows = sources.map { source -> [Cell] in
      let name = source["name"]?.stringValue ?? ""
      let mapping = source["mapping"]?.stringValue ?? source["newest_mapping"]?.stringValue
      let version = source["mapping_version"]?.int64Value ?? source["newest_mapping_version"]?.int64Value
      let days = source["days"]?.arrayValue ?? []
      func sum(_ key: String) -> Int64 { days.reduce(0) { $0 + ($1[key]?.counted ?? 0) } }
      let above = days.filter { $0["is_above_ceiling"]?.booleanValue == true }.count
      let state = source["state"]?.stringValue
      return [
        .link(name, visit.target(QualityPages.path, [("source", name), ("days", String(self.days))])),
        .shown(
          [.element(Parts.badge(visit.say(QualityWords.source(state)), state == "active" ? .good : state == "blocked" ? .bad : .plain))],
          plain: visit.say(QualityWords.source(state))), .text(visit.say(QualityWords.kind(source["kind"]?.stringValue))),
        .text(visit.text(source["owner"])),
        .link(
          mapping.map { id in version.map { visit.say("\(id), version \($0)", "\(id)，版本 \($0)") } ?? id } ?? visit.say("the contract", "标准契约"),
          mapping.flatMap { visit.target("/mappings/\(PercentEncoding.encoded($0))") }), .text(visit.moment(source["first_seen_at"])),
        .number(visit.number(sum("records"))), .number(visit.number(sum("refused"))), .number(visit.number(Int64(above))),
      ]
    }
    return DataTable(
      "sources", visit.say("Sources, with the counts of 30 days", "数据来源及近 30 天统计"),
      [
        visit.say("Source", "来源"), visit.say("State", "状态"), visit.say("Kind", "类型"), visit.say("Owner", "负责人"), visit.say("Mapping", "映射"),
        visit.say("First seen", "首次出现"), visit.say("Records", "记录"), visit.say("Refused", "拒收"), visit.say("Days above 0.3 %", "超标天数"),
      ], rows)
  }
}
