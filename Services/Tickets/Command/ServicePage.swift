// The service execution report as a page for the screen and for paper (K-13), in English or Chinese. It shows what the JSON says, rounded for people.
import Domain
import HTML
import HTTP
import Text
import TicketsCore

/// What form of an answer a request asks for.
enum ReportForm: String, CaseIterable {
  case json, html

  /// The form that is named, else what the program that asks says it shows: browsers name `text/html`, programs do not.
  init?(named name: String?, accepted: [String]) {
    guard let name else {
      let types = accepted.flatMap { $0.split(separator: ",") }.compactMap { $0.split(separator: ";").first }.map { $0.filter { $0 != " " }.lowercased() }
      self = types.contains("text/html") && !types.contains("application/json") ? .html : .json
      return
    }
    self.init(rawValue: name)
  }
}

struct ServicePage {
  let report: ServiceReport
  let month: Month
  let rules: TicketRules
  let zone: BusinessZone
  let language: PageLanguage

  private static let percentDigits = 1
  /// What an answer depends on beside its address.
  static let vary = "Accept, Accept-Language"

  var response: Response {
    var headers: HTTPHeaders = ["Vary": ServicePage.vary]
    for (name, value) in Page.headers { headers[name] = value }
    return Response(.ok, headers: headers, body: page.bytes)
  }

  private func say(_ english: String, _ chinese: String) -> String { language == .chinese ? chinese : english }

  var page: Page {
    let title = say("Service execution report, \(month)", "服务执行报告 \(month)")
    let merged = report.total.merged
    return Page(language, title: title) {
      Element(.h1, title)
      Element(.p, say("Tickets opened in the month, as they stand at \(moment).", "统计当月开启的工单，截至 \(moment)。"))
      table(say("How well", "服务质量"), shares)
      table(say("How long, and what was given", "用时与补偿"), times)
      Element(.footer) {
        Element(.p) {
          say("Goal of the resolution rate: ", "解决率目标：")
          "\(ServiceFigures.resolutionGoalPercent) %"
        }
        if merged > 0 {
          Element(.p, say("Not counted, as they became part of others: \(merged)", "已并入其他工单、未计入：\(merged)"))
        }
        Element(.p) {
          let least = ScoreCounts.answersMin
          say("Satisfaction is not told on fewer than \(least) answers.", "回答少于 \(least) 份时不显示满意度。")
        }
        Element(.p) {
          say(
            "What still runs and is not late is no part of a share; a share of nothing is –. Times are by the clock on the wall, nights and waits included.",
            "仍在计时且未超时的不计入及时率；无数据显示为 –。用时为自然时间，含夜间与等待。")
        }
      }
    }
  }

  /// As the suite's clocks show it, to the minute.
  private var moment: String {
    let offset = Int64(zone.offsetSeconds(atUnixSeconds: floorDivide(report.asOf.microseconds, 1_000_000)))
    let wall = RFC3339.text(report.asOf.adding(seconds: offset).microseconds)
    return wall.prefix(10) + " " + wall.dropFirst(11).prefix(5)
  }

  // MARK: - Tables

  private typealias Column = (title: String, value: (ServiceFigures) -> String)

  private func table(_ caption: String, _ columns: [Column]) -> Element {
    Element(.table) {
      Element(.caption, caption)
      Element(.thead) {
        Element(.tr) {
          Element(.th, [.label(.scope, "col")], grouping)
          for column in columns { Element(.th, [.label(.scope, "col")], column.title) }
        }
      }
      Element(.tbody) { for group in groups { row(group.label, group.figures, columns) } }
      Element(.tfoot) { row(say("all", "合计"), report.total, columns) }
    }
  }

  private func row(_ label: String, _ figures: ServiceFigures, _ columns: [Column]) -> Element {
    Element(.tr) {
      Element(.th, [.label(.scope, "row")], label)
      for column in columns { Element(.td, column.value(figures)) }
    }
  }

  private var grouping: String {
    switch report.grouping {
    case .tier: say("Tier", "等级")
    case .kind: say("Kind", "类别")
    case .channel: say("Channel", "渠道")
    case .team: say("Team", "团队")
    case .owner: say("Owner", "负责人")
    }
  }

  private var groups: [(label: String, figures: ServiceFigures)] {
    let names = report.names(rules)
    return report.ordered(names.map(\.id)).map { group, figures in
      let name = group.flatMap { id in names.first { $0.id == id }?.name }
      return (name.map { say($0.en, $0.zh) } ?? group ?? say("not known", "未知"), figures)
    }
  }

  private func percent(_ value: Rational?) -> String { value.map { $0.decimalText(fractionDigitsMax: ServicePage.percentDigits) } ?? "–" }

  private var shares: [Column] {
    [
      (say("Tickets", "工单数"), { String($0.tickets) }),
      (say("Response on time %", "响应及时率 %"), { percent($0.firstResponse.onTime) }),
      (say("met", "及时"), { String($0.firstResponse.met) }), (say("missed", "超时"), { String($0.firstResponse.missed) }),
      (say("Resolution on time %", "解决及时率 %"), { percent($0.resolution.onTime) }),
      (say("met", "及时"), { String($0.resolution.met) }), (say("missed", "超时"), { String($0.resolution.missed) }),
      (say("Resolved %", "解决率 %"), { percent($0.resolutionRate) }), (say("At first contact %", "首次解决率 %"), { percent($0.firstContactRate) }),
      (say("Satisfied %", "满意度 %"), { percent($0.satisfied) }), (say("answers", "回答数"), { String($0.satisfaction.answers) }),
      (say("Reopened", "重新打开"), { String($0.reopened) }), (say("Open at end", "期末未解决"), { String($0.openAtEnd) }),
    ]
  }

  private var times: [Column] {
    func time(_ value: Int64?) -> String {
      guard let seconds = value else { return "–" }
      func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : String(number) }
      return "\(seconds / 3_600):\(two(seconds / 60 % 60)):\(two(seconds % 60))"
    }
    func amount(_ minorUnits: Int64) -> String { MinorUnits.text(minorUnits, digits: rules.currency.minorDigits) }
    return [
      (say("Time to response: median", "响应用时：中位数"), { time($0.responseTimes.median) }),
      (say("90 % within", "90% 不超过"), { time($0.responseTimes.ninetieth) }),
      (say("Time to resolution: median", "解决用时：中位数"), { time($0.resolutionTimes.median) }),
      (say("90 % within", "90% 不超过"), { time($0.resolutionTimes.ninetieth) }),
      (say("Compensation \(rules.currency)", "补偿 \(rules.currency)"), { amount($0.compensation) }),
      (say("Upgrades \(rules.currency)", "服务升级 \(rules.currency)"), { amount($0.upgrades) }),
    ]
  }
}
