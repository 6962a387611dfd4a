// Reports: their figures, charts and files in both languages, and the periods that one can choose.
import Access
import ConsoleCore
import Domain
import HTML
import HTTP
import TestSupport
import Testing
import Text

@testable import console

private enum ReportAnswers {
  static func put(_ peers: FakePeers, name: String = "Key") {
    HomeAnswers.put(peers, tier: name)
    let result = """
      {"as_of":"2026-11-29","currency":"CNY","months":["2026-10","2026-11"],"tiers":[{"tier":"key","name":{"en":"\(name)","zh":"重点客户"},"customers":24,
      "share_percent":0.1015,"revenue":1110800000,"revenue_share_percent":88.0364,"cohort":0,"retention_percent":null,
      "retention_none":{"en":"nobody was rated a year ago","zh":"一年前无评级"},"repurchase_percent":90.9434,"average_order":4191698.1132,
      "average_order_growth_percent":-12.34}],"traffic":[{"month":"2026-11","tier":"key","in":7,"out":2,"first":3,"merged":1}],
      "moves":[{"month":"2026-11","from":null,"to":"key","customers":3}]}
      """
    peers.answer("/v1/reports/tiers", "{\"so_far\":10}\n{\"end\":true,\"result\":\(result.replacing("\n", with: ""))}\n")
    peers.answer(
      "/v1/segments",
      """
      {"as_of":"2026-11-29","currency":"CNY","customers":100,"revenue":"12461282.92",
      "thresholds":{"recency_days_at_most":"367.46","frequency_at_least":"1.20","monetary_at_least":"527.35"},
      "rfm":[{"segment":"important_value","segment_zh":"重要价值","customers":342,"customers_percent":"1.45","revenue":"11673610.45","revenue_percent":"93.68"}],
      "contribution":[{"segment":"fading","segment_zh":"渐行渐远","customers":20286,"customers_percent":"85.85","revenue":"448590.22","revenue_percent":"3.60",
      "reference_percent":{"customers":20,"revenue":10}}]}
      """)
    let figures = """
      "tickets":36,"merged":0,"first_response_met":2,"first_response_missed":6,"first_response_running":1,"first_response_on_time_percent":25,
      "resolution_met":1,"resolution_missed":3,"resolution_running":4,"resolution_on_time_percent":25,"resolved":9,"resolution_rate_percent":25,
      "first_contact":3,"first_contact_percent":33.3333,"reopened":1,"first_response_median_seconds":7200,"first_response_p90_seconds":9000,
      "resolution_median_seconds":90000,
      "resolution_p90_seconds":100000,"compensation":30.00,"upgrades":0.00,"satisfaction_answers":40,"satisfied_percent":81.25
      """
    peers.answer(
      "/v1/reports/service",
      """
      {"month":"2026-11","as_of":"2026-11-29T15:59:59Z","by":"tier","resolution_goal_percent":98,"currency":"CNY",
      "groups":[{"group":"key","name":{"en":"\(name)","zh":"重点客户"},\(figures)},{"group":null,"name":null,\(figures)}],"total":{\(figures)}}
      """)
    peers.answer(
      "/v1/reports/complaints",
      """
      {"month":"2026-11","until":"2026-11-29T15:59:59Z","before_from":"2026-09-30T16:00:00Z","before_until":"2026-10-29T15:59:59Z","complaints":21,"before":14,
      "spots":[{"root_cause":"price","root_cause_name":{"en":"\(name)","zh":"价格"},"category":"bill","complaints":21,"before":14,"change":7,"growth_percent":50,
      "is_hot":true}]}
      """)
    let asked = #""asked":10,"helped":8,"not_helped":1,"nothing_found":1,"open":0,"tickets":1,"deflection_percent":80,"deflection_at_least_percent":80"#
    peers.answer(
      "/v1/reports/knowledge",
      """
      {"month":"2026-11","as_of":"2026-11-29T15:59:59Z","by":"category","deflection_goal_percent":80,"groups":[{"group":"\(name)",\(asked)}],"total":{\(asked)}}
      """)
    peers.answer(
      "/v1/reports/answers",
      """
      {"metric":"nps","by":"tier","as_of":"2026-11-29T15:59:59Z","answers_min":30,"groups":[{"group":"2026-11","name":{"en":"\(name)","zh":"重点客户"},
      "answers":77,"favourable":40,"unfavourable":17,"value":29.87,"low":11.1,"high":46.4,"answers_before":78,"change":{"value":-5.5,"low":-19.3,"high":29.9}}],
      "total":{"answers":77,"favourable":40,"unfavourable":17,"value":29.87,"low":11.1,"high":46.4,"answers_before":78,
      "change":{"value":-5.5,"low":-19.3,"high":29.9}}}
      """)
    peers.answer("/v1/baselines", #"{"baselines":[{"name":"before-it","from":"2026-01-01","to":"2026-03-31"}],"next":null}"#)
    peers.answer(
      "/v1/baselines/before-it/comparison",
      """
      {"baseline":{"name":"before-it","from":"2026-01-01","to":"2026-03-31","reason":"\(name)"},"from":"2026-11-01","to":"2026-11-29","answers_min":30,
      "groups":[{"metric":"nps","by":"tier","group":"key","name":{"en":"\(name)","zh":"重点客户"},"before":{"answers":113,"value":23.89},
      "after":{"answers":77,"value":29.87},"change":{"value":5.98,"low":-16,"high":28.1}}]}
      """)
    peers.answer(
      "/v1/unification",
      """
      {"records":70077,"identities":23637,"customers":23630,"merged":7,"merged_share":"0.0003","spend":"13895990.63","currency":"CNY",
      "average_spend_before":"587.89","average_spend_after":"588.07"}
      """)
    peers.answer("/v1/sources", "[{\"name\":\"\(name)\"}]")
    peers.answer("/v1/statistics", #"{"customers":23630,"identities":23637,"orders":70017,"merges":3,"refused_merges":0}"#)
    peers.answer("/v1/cold-orders/summary", #"{"cold_after_months":36,"cold_before":"2023-11-29","moved":12}"#)
  }
}

@Suite("Reports of the console", .enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)")) struct ReportTests {
  /// Of each report a figure that it shows, and a file with a line of it.
  private static let told: [(ReportPages.Report, shown: String, table: String, line: String)] = [
    (.tiers, "1,234,567.89", "tiers", "Key,1200,97.08,1234567.89,88.66"),
    (.development, "11,108,000.00", "tiers", "Key,24,0.1015,11108000.00,88.0364,,90.9434,41916.98,-12.34"),
    (.segments, "11,673,610.45", "rfm-segments", "\"Important, value\",342,1.45,11673610.45,93.68"),
    (.satisfaction, "29.9", "satisfaction", "Key,77,40,17,29.87,11.1,46.4,78,-5.5,-19.3,29.9"),
    (.service, "25.0", "service", "Key,36,25,6,1,25,3,4,25,33.3333,1"), (.complaints, "21", "complaints", "Key,bill,21,14,7,50,hot spot"),
    (.knowledge, "80.0", "knowledge", "Key,10,8,1,1,0,1,80,80"), (.unification, "13,895,990.63", "unification", "Customers,23630"),
    (.statistics, "70,017", "statistics", "Orders,70017"),
  ]

  @Test("Each report shows its figures with their moment and its charts beside them, in both languages, and gives them as a file", arguments: told.indices)
  func shown(_ place: Int) async throws {
    let (report, figure, table, line) = ReportTests.told[place]
    try await TestConsole.with { console in
      ReportAnswers.put(console.peers)
      let secret = try await console.signIn([.lead])
      for language in PageLanguage.allCases {
        let answer = try await console.get(report.path, as: secret, headers: ["Cookie": "language=\(language.rawValue)"])
        #expect(answer.status == .ok && answer.page.contains(figure) && answer.page.contains("2026-11-29"), "\(report) \(language)")
        #expect(answer.page.contains("<h1>\(language == .english ? report.title.en : report.title.zh)</h1>"))
        if report != .statistics { #expect(answer.page.contains("<svg class=\"chart\"")) }
      }
      let file = try await console.get("\(report.path)?csv=\(table)", as: secret)
      #expect(file.headers["Content-Type"] == "text/csv; charset=utf-8" && file.page.contains("\r\n\(line)\r\n"), "\(file.page)")
    }
  }

  @Test("What is written in answers stays text in every report, and no formula in any file", arguments: ReportPages.Report.allCases)
  func hostile(_ report: ReportPages.Report) async throws {
    try await TestConsole.with { console in
      ReportAnswers.put(console.peers, name: HomeAnswers.hostile + HomeAnswers.image)
      let secret = try await console.signIn([.admin])
      let query = report == .satisfaction ? "?baseline=before-it" : ""
      let page = try await console.get(report.path + query, as: secret).page
      #expect(!page.contains("<script>alert") && !page.contains("<img"))
      ReportAnswers.put(console.peers, name: "=1+1")
      for (place, one) in ReportTests.told.enumerated() where one.0 == report && place > 0 && one.table != "rfm-segments" {
        let file = try await console.get("\(report.path)?csv=\(one.table)", as: secret).page
        #expect(!file.contains("\n=1") && !file.contains(",=1"))
      }
    }
  }

  @Test("Agents get no report, analysts get all", arguments: ReportPages.Report.allCases)
  func roles(_ report: ReportPages.Report) async throws {
    try await TestConsole.with { console in
      ReportAnswers.put(console.peers)
      let agents = try await console.signIn([.agent])
      #expect(try await console.get(report.path, as: agents).status == .forbidden)
      #expect(console.peers.asked.isEmpty)
      let analysts = try await console.signIn([.analyst])
      #expect(try await console.get(report.path, as: analysts).status == .ok)
    }
  }

  @Test("The list names every report once, with a line of what it tells")
  func list() async throws {
    try await TestConsole.with { console in
      let page = try await console.get("/reports", as: try await console.signIn([.analyst])).page
      for report in ReportPages.Report.allCases {
        #expect(page.ranges(of: "href=\"\(report.path)\"").count == 1 && page.contains(report.line.en))
      }
    }
  }

  @Test("A quarter is its months put together, and shares are of the sums")
  func quarter() async throws {
    try await TestConsole.with { console in
      ReportAnswers.put(console.peers)
      let secret = try await console.signIn([.lead])
      let file = try await console.get("/reports/service?period=2026-Q4&by=team&csv=service", as: secret).page
      // October and November: December has not begun.
      #expect(file.contains("Key,72,25,12,2,25,6,8,25,33.3333,2\r\n") && file.contains("not known,72"))
      let months = console.peers.asked.filter { $0.target.hasPrefix("/v1/reports/service?") }.map(\.target)
      #expect(months.count == 12 && months.contains("/v1/reports/service?month=2026-11&by=team") && !months.contains { $0.contains("2026-12") })
    }
  }

  @Test("Satisfaction asks for the days of the period, and for a baseline beside it")
  func satisfaction() async throws {
    try await TestConsole.with { console in
      ReportAnswers.put(console.peers)
      let address = "/reports/satisfaction?period=2026-Q3&metric=csat&by=channel&baseline=before-it"
      let page = try await console.get(address, as: try await console.signIn([.lead])).page
      let asked = Set(console.peers.asked.map(\.target))
      #expect(asked.contains("/v1/reports/answers?metric=csat&by=channel&from=2026-07-01&to=2026-09-30&compare=true"))
      #expect(asked.contains("/v1/reports/answers?metric=csat&by=month&from=2025-10-01&to=2026-09-30"))
      #expect(asked.contains("/v1/baselines/before-it/comparison?metric=csat&from=2026-07-01&to=2026-09-30"))
      _ = try await console.get("/reports/satisfaction", as: try await console.signIn([.lead]))
      // A month that runs is told up to today.
      let running = "/v1/reports/answers?metric=nps&by=tier&from=2026-11-01&to=2026-11-29&compare=true"
      #expect(console.peers.asked.contains { $0.target == running })
      #expect(page.contains("Beside the baseline") && page.contains(">before-it</option>"))
    }
  }

  @Test("A report that is cut in the middle is no report")
  func cut() async throws {
    try await TestConsole.with { console in
      console.peers.answer("/v1/reports/tiers", "{\"so_far\":10}\n{\"so_far\":20}\n")
      let answer = try await console.get("/reports/tiers/development", as: try await console.signIn([.lead]))
      #expect(answer.status == .ok && answer.page.contains("The service tiering does not answer just now"))
    }
  }

  @Test("Periods are months, quarters and years that have begun")
  func periods() throws {
    let today = try #require(Day("2026-11-29"))
    let quarter = try #require(ReportPeriod("2026-Q3", today: today))
    #expect(quarter.from.description == "2026-07-01" && quarter.to.description == "2026-09-30" && quarter.text == "2026-Q3" && !quarter.runs(today))
    #expect(quarter.before.text == "2026-Q2")
    let year = try #require(ReportPeriod("2026", today: today))
    #expect(year.from.description == "2026-01-01" && year.to.description == "2026-12-31" && year.runs(today) && year.text == "2026")
    #expect(ReportPeriod("2026-02", today: today)?.to.description == "2026-02-28")
    for wrong in ["", "2026-12", "2027", "2026-Q5", "2026-13", "2026-1", "abcd", "2026-07-01", "<x>"] {
      #expect(ReportPeriod(wrong, today: today) == nil, "\(wrong)")
    }
  }

  @Test("Figures are rounded half up, with their thousands apart, and a dash where there is none")
  func figures() async throws {
    try await TestConsole.with { console in
      let visit = Visit(console.site, try Request(.get, "/"))
      #expect(visit.figure(.number("1234567.25")) == "1,234,567.3" && visit.figure(.number("-0.04")) == "0.0" && visit.figure(.number("-12.25")) == "−12.2")
      #expect(visit.money(minor: .number("123456789"), .cny) == "1,234,567.89" && visit.money(minor: nil, .cny) == "–" && visit.percent(JSONValue.null) == "–")
      #expect(Visit.share(1, of: 0) == nil && visit.percent(Visit.share(1, of: 3)) == "33.3 %")
    }
  }
}
