// The months that a report is about: one, a quarter, or a year.
import Domain
import HTML
import HTTP

struct ReportPeriod: Hashable, Sendable {
  /// The field's name in forms and addresses.
  static let parameter = "period"
  /// How far back one can choose: in months, quarters and years with the current one.
  private static let offered = (months: 15, quarters: 6, years: 3)

  let first: Month
  let count: Int

  var last: Month { first.adding(count - 1) }
  var months: [Month] { (0..<count).map { first.adding($0) } }
  var from: Day { ReportPeriod.day(first) }
  /// The last day with it.
  var to: Day { ReportPeriod.day(first.adding(count)) + -1 }
  /// As many months before.
  var before: ReportPeriod { ReportPeriod(first: first.adding(-count), count: count) }

  private static func day(_ month: Month) -> Day { Day(year: month.year, month: month.number, day: 1) ?? Day(number: 0) }

  init(first: Month, count: Int) {
    self.first = first
    self.count = count
  }

  /// `1998-07`, `1998-Q3` or `1998`; nil for what is none of these, or has not begun.
  init?(_ text: String, today: Day) {
    if let month = ReportPeriod.month(text) {
      self.init(first: month, count: 1)
    } else if text.utf8.count == 4, let year = ReportPeriod.month("\(text)-01") {
      self.init(first: year, count: 12)
    } else {
      let parts = text.split(separator: "-", omittingEmptySubsequences: false)
      guard parts.count == 2, let year = ReportPeriod.month("\(parts[0])-01"),
        let quarter = ["Q1", "Q2", "Q3", "Q4"].firstIndex(of: String(parts[1]))
      else { return nil }
      self.init(first: year.adding(quarter * 3), count: 3)
    }
    guard first <= today.month else { return nil }
  }

  /// `1998-07`.
  private static func month(_ text: String) -> Month? { text.utf8.count == 7 ? Day("\(text)-01")?.month : nil }

  /// Before that many days of a month have gone there is little to see in it.
  private static let daysMin = 7

  /// What the address asks for, else the month that runs, and in its first week the one before.
  init(_ visit: Visit) {
    let asked = visit.request.query[ReportPeriod.parameter].flatMap { ReportPeriod($0, today: visit.today) }
    let running = ReportPeriod(first: visit.today.month, count: 1)
    self = asked ?? (visit.today < running.from + ReportPeriod.daysMin ? running.before : running)
  }

  /// As it stands in addresses.
  var text: String {
    switch count {
    case 1: first.description
    case 3: "\(String(first.description.prefix(4)))-Q\((first.number + 2) / 3)"
    default: String(first.description.prefix(4))
    }
  }

  func name(_ visit: Visit) -> String {
    let year = first.description.prefix(4)
    switch count {
    case 1: return visit.say(first.description, "\(year) 年 \(first.number) 月")
    case 3: return visit.say("Quarter \((first.number + 2) / 3), \(year)", "\(year) 年第 \((first.number + 2) / 3) 季度")
    default: return visit.say("Year \(year)", "\(year) 年全年")
    }
  }

  /// Whether the period is still going on.
  func runs(_ today: Day) -> Bool { today <= to }

  /// The field to choose it by.
  ///
  /// - Parameter onlyMonths: for what can be had by single months alone.
  static func choice(_ visit: Visit, _ chosen: ReportPeriod, onlyMonths: Bool = false) -> Element {
    let month = visit.today.month
    var all = (0..<offered.months).map { ReportPeriod(first: month.adding(-$0), count: 1) }
    if !onlyMonths {
      let quarter = month.adding(-((month.number - 1) % 3))
      all += (0..<offered.quarters).map { ReportPeriod(first: quarter.adding(-$0 * 3), count: 3) }
      let year = month.adding(1 - month.number)
      all += (0..<offered.years).map { ReportPeriod(first: year.adding(-$0 * 12), count: 12) }
    }
    if !all.contains(chosen) { all.insert(chosen, at: 0) }
    return Parts.choice(visit.say("Period", "期间"), parameter, all.map { ($0.text, $0.name(visit)) }, chosen: chosen.text)
  }
}
