// Reports for those who look after the business: a list of them, and what all of them have in common. Each chart stands beside its numbers.
import Access
import Domain
import HTML
import HTTP
import Text

struct ReportPages: Sendable {
  let site: Site

  static let path = "/reports"

  /// The reports in the order of the list, by what they are about.
  enum Report: String, CaseIterable {
    case tiers, development = "tiers/development", segments, satisfaction, service, complaints, knowledge, unification, statistics

    var path: String { "\(ReportPages.path)/\(rawValue)" }
  }

  private static let views: [(name: LocalizedName, reports: [Report])] = [
    (LocalizedName(en: "Money", zh: "价值"), [.tiers, .development, .segments]), (LocalizedName(en: "Customers", zh: "客户"), [.satisfaction]),
    (LocalizedName(en: "Operations", zh: "运营"), [.service, .complaints, .knowledge]), (LocalizedName(en: "Data", zh: "数据"), [.unification, .statistics]),
  ]

  func add(to router: inout Router) {
    router.page(ReportPages.path, site, needs: .figuresRead) { list($0) }
    router.page(Report.tiers.path, site, needs: .figuresRead) { await TierReportPage(visit: $0).show() }
    // It reads all customers.
    router.page(Report.development.path, site, needs: .figuresRead, limits: RouteLimits(handlerMillisecondsMax: PeerAPI.longMillisecondsMax + 5_000)) {
      await DevelopmentReportPage(visit: $0).show()
    }
    router.page(Report.segments.path, site, needs: .figuresRead) { await SegmentReportPage(visit: $0).show() }
    router.page(Report.satisfaction.path, site, needs: .figuresRead) { await SatisfactionReportPage(visit: $0).show() }
    router.page(Report.service.path, site, needs: .figuresRead) { await ServiceReportPage(visit: $0).show() }
    router.page(Report.complaints.path, site, needs: .figuresRead) { await ComplaintReportPage(visit: $0).show() }
    router.page(Report.knowledge.path, site, needs: .figuresRead) { await KnowledgeReportPage(visit: $0).show() }
    router.page(Report.unification.path, site, needs: .figuresRead) { await UnificationReportPage(visit: $0).show() }
    router.page(Report.statistics.path, site, needs: .figuresRead) { await StatisticsReportPage(visit: $0).show() }
  }

  private func list(_ visit: Visit) -> Response {
    visit.page(visit.say("Reports", "报表"), .reports) {
      Element(.h1, visit.say("Reports", "报表"))
      for view in ReportPages.views {
        Element(.h2, visit.say(view.name))
        Element(.ul, [.class("reports")]) {
          for report in view.reports {
            Element(.li) {
              Element(.p) { Parts.link(visit.say(report.title), visit.target(report.path)) }
              Element(.p, [.class("soft")], visit.say(report.line))
            }
          }
        }
      }
    }
  }
}

extension Visit {
  /// A page of a report, with the way back to the list.
  func report(_ report: ReportPages.Report, @NodeBuilder _ content: () -> [Node]) -> Response {
    let inside = content()
    return page(say(report.title), .reports) {
      Element(.p, [.class("trail")]) { Parts.link(say("Reports", "报表"), target(ReportPages.path)) }
      Element(.h1, say(report.title))
      inside
    }
  }

  /// From when figures are.
  func asOf(_ moment: JSONValue?) -> Element {
    let text = moment?.stringValue ?? ""
    // Some services say a day, others a moment.
    let shown = text.utf8.count == 10 ? text : self.moment(moment)
    return Element(.p, [.class("soft")], say("As of \(shown)", "截至 \(shown)"))
  }

  /// The business day, and when figures were read that others may have been given before.
  func asOf(_ figures: SharedFigures) -> Element {
    let moment = momentWithSeconds(figures.readAt)
    return Element(.p, [.class("soft")], say("As of \(today), read at \(moment)", "截至 \(today)，读取于 \(moment)"))
  }

  /// The button of a form that asks.
  func showButton() -> Element { Element(.button, [.class("main")], say("Show", "查看")) }
}

extension Element {
  /// A table that says the same as the chart before it: there for whoever wants the numbers.
  static func behind(_ summary: String, @NodeBuilder _ content: () -> [Node]) -> Element {
    let inside = content()
    return Element(.details) {
      Element(.summary, summary)
      inside
    }
  }
}

extension ReportPages.Report {
  var title: LocalizedName {
    switch self {
    case .tiers: LocalizedName(en: "Tiers", zh: "客户等级")
    case .development: LocalizedName(en: "What became of the tiers", zh: "等级发展")
    case .segments: LocalizedName(en: "Segments", zh: "客户分群")
    case .satisfaction: LocalizedName(en: "Satisfaction", zh: "满意度")
    case .service: LocalizedName(en: "How tickets were served", zh: "服务执行")
    case .complaints: LocalizedName(en: "Complaints", zh: "投诉热点")
    case .knowledge: LocalizedName(en: "Knowledge base", zh: "知识库")
    case .unification: LocalizedName(en: "Who is who", zh: "身份统一")
    case .statistics: LocalizedName(en: "What is stored", zh: "数据规模")
    }
  }

  /// What it tells, in a line.
  var line: LocalizedName {
    switch self {
    case .tiers: LocalizedName(en: "Customers and revenue of each tier, today.", zh: "各等级当前的客户数与消费额。")
    case .development:
      LocalizedName(en: "Who came, who left, who stayed; repurchase and the average order, by tier and month.", zh: "各等级按月的进入、离开、留存、复购与客单价。")
    case .segments:
      LocalizedName(
        en: "The eight segments by recency, frequency and spend, and the four by contribution: their share of customers and of revenue.",
        zh: "RFM 八分群与四类贡献分群的客户占比和消费占比。")
    case .satisfaction: LocalizedName(en: "NPS, CSAT and CES over time and by group, beside a baseline.", zh: "NPS、CSAT、CES 的趋势、分组及与基线的比较。")
    case .service:
      LocalizedName(en: "On time or late against the standard, resolved, at first contact, how long it took.", zh: "对照服务标准：及时率、解决率、首次解决率与用时。")
    case .complaints: LocalizedName(en: "What complaints are about, against the month before.", zh: "投诉的原因与分类，与上月比较。")
    case .knowledge: LocalizedName(en: "How many questions were answered without an agent.", zh: "无需人工即获解答的提问占比。")
    case .unification:
      LocalizedName(en: "How many customers the records of all sources are, and what that does to spend per customer.", zh: "各来源记录合并为多少客户，以及对人均消费的影响。")
    case .statistics: LocalizedName(en: "Customers, identities, orders and merges there are.", zh: "客户、身份、订单与合并的数量。")
    }
  }
}
