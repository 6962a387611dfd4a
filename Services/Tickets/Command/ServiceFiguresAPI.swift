// The service execution report over HTTP (K-13): the tickets of a business month by tier, kind, channel, team or owner, as JSON or as a page.
import Access
import Domain
import HTML
import HTTP
import Handling
import Postgres
import Runtime
import Text
import TicketsCore
import TicketsStore

struct ServiceFiguresAPI: Sendable {
  let settings: TicketsSettings
  let zone: BusinessZone
  let clock: any BusinessClock
  let pool: PostgresPool

  init(settings: TicketsSettings, context: ServiceContext) {
    self.init(settings: settings, zone: context.settings.zone, clock: context.settings.clock, pool: context.pool)
  }

  init(settings: TicketsSettings, zone: BusinessZone, clock: any BusinessClock, pool: PostgresPool) {
    self.settings = settings
    self.zone = zone
    self.clock = clock
    self.pool = pool
  }

  func add(to router: inout Router) { router.get("/v1/reports/service", needs: .figuresRead) { try await report($0) } }

  private func report(_ request: Request) async throws -> Response {
    let now = clock.now()
    var reader = BodyReader(.object([]))
    let first = ServiceMonth.firstDay(request.query["month"], today: zone.day(of: now), &reader)
    let grouping = request.query["by"].map { ServiceReport.Grouping(rawValue: $0) } ?? .tier
    if grouping == nil { reader.refuse("by", "enum", "by is one of \(BodyReader.words(ServiceReport.Grouping.self))") }
    let form = ReportForm(named: request.query["format"], accepted: request.headers.all("Accept"))
    if form == nil { reader.refuse("format", "enum", "format is one of \(BodyReader.words(ReportForm.self))") }
    let named = request.query["lang"]
    if let named, PageLanguage(tag: named) == nil { reader.refuse("lang", "enum", "lang is one of \(BodyReader.words(PageLanguage.self))") }
    try reader.finish()
    guard let first, let grouping, let form else { throw Problem(.internalServerError) }
    let (start, end) = (zone.startOfDay(first), zone.startOfDay(first.adding(months: 1)))
    var report = ServiceReport(by: grouping, asOf: now)
    var place: TicketPlace?
    repeat {
      let after = place
      let page = try await pool.withSession { try ServiceFigureQueries.page(from: start, until: end, after: after, $0) }
      for ticket in page.tickets { report.add(ticket) }
      place = page.last
    } while place != nil
    switch form {
    case .json:
      let view = ServiceFiguresView(report: report, month: first.month, rules: settings.rules.value)
      return .json(view.json.encoded, headers: ["Vary": ServicePage.vary])
    case .html:
      let language = PageLanguage(named: named, accepted: request.headers.all("Accept-Language"), else: .english)
      return ServicePage(report: report, month: first.month, rules: settings.rules.value, zone: zone, language: language).response
    }
  }
}

enum ServiceMonth {
  /// Of the month that is asked for, else of that which runs; one that has not begun has no tickets.
  static func firstDay(_ text: String?, today: Day, _ reader: inout BodyReader) -> Day? {
    guard let text else { return Day("\(today.month)-01") }
    guard let day = Day("\(text)-01"), day <= today else {
      reader.refuse("month", "range", "a month up to \(today.month), as 1998-07")
      return nil
    }
    return day
  }
}

extension ServiceReport {
  /// The groups that are usual, in their order, with their names.
  func names(_ rules: TicketRules) -> [(id: String, name: LocalizedName)] {
    switch grouping {
    case .tier: rules.book.standards.ladder.tiers.map { ($0.id.text, $0.name) }
    case .team: rules.staff.teams.map { ($0.id, $0.name) }
    case .kind, .channel, .owner: []
    }
  }
}

/// The report as JSON. What has no value is null.
struct ServiceFiguresView {
  let report: ServiceReport
  let month: Month
  let rules: TicketRules

  /// Of a percentage.
  static let fractionDigitsMax = 4

  var json: JSONValue {
    let named = report.names(rules)
    let names = Dictionary(named) { first, _ in first }
    let groups = report.ordered(named.map(\.id)).map { group, figures -> JSONValue in
      let name = group.flatMap { names[$0] }
      return .object([JSONMember("group", .textOrNull(group)), JSONMember("name", name.map(JSONValue.name) ?? .null)] + members(figures))
    }
    return [
      "month": .text(month.description), "as_of": TicketView.instant(report.asOf), "by": .text(report.grouping.rawValue),
      "resolution_goal_percent": .integer(Int64(ServiceFigures.resolutionGoalPercent)), "currency": .text(rules.currency.description),
      "groups": .array(groups), "total": .object(members(report.total)),
    ]
  }

  private func members(_ figures: ServiceFigures) -> [JSONMember] {
    func percent(_ value: Rational?) -> JSONValue {
      value.map { .number($0.decimalText(fractionDigitsMax: ServiceFiguresView.fractionDigitsMax)) } ?? .null
    }
    func amount(_ minorUnits: Int64) -> JSONValue { .number(MinorUnits.text(minorUnits, digits: rules.currency.minorDigits)) }
    /// To hundredths.
    func bound(_ value: Double?) -> JSONValue {
      value.flatMap { Rational(Int128(($0 * 100).rounded()), over: 100) }.map { .number($0.decimalText(fractionDigitsMax: 2)) } ?? .null
    }
    func seconds(_ value: Int64?) -> JSONValue { value.map { .integer($0) } ?? .null }
    func promise(_ name: String, _ count: PromiseCount) -> [JSONMember] {
      [
        JSONMember("\(name)_met", .integer(count.met)), JSONMember("\(name)_missed", .integer(count.missed)),
        JSONMember("\(name)_running", .integer(count.running)), JSONMember("\(name)_on_time_percent", percent(count.onTime)),
      ]
    }
    func times(_ name: String, _ times: ServiceTimes) -> [JSONMember] {
      [JSONMember("\(name)_median_seconds", seconds(times.median)), JSONMember("\(name)_p90_seconds", seconds(times.ninetieth))]
    }
    return [JSONMember("tickets", .integer(figures.tickets)), JSONMember("merged", .integer(figures.merged))]
      + promise("first_response", figures.firstResponse) + promise("resolution", figures.resolution) + [
        JSONMember("resolved", .integer(figures.resolved)), JSONMember("resolution_rate_percent", percent(figures.resolutionRate)),
        JSONMember("first_contact", .integer(figures.atFirstContact)), JSONMember("first_contact_percent", percent(figures.firstContactRate)),
        JSONMember("reopened", .integer(figures.reopened)), JSONMember("open_at_end", .integer(figures.openAtEnd)),
      ] + times("first_response", figures.responseTimes) + times("resolution", figures.resolutionTimes) + [
        JSONMember("compensation", amount(figures.compensation)), JSONMember("upgrades", amount(figures.upgrades)),
        JSONMember("satisfaction_answers", .integer(figures.satisfaction.answers)), JSONMember("satisfied_percent", percent(figures.satisfied)),
        JSONMember("satisfied_low_percent", bound(figures.satisfaction.estimate?.interval.low)),
        JSONMember("satisfied_high_percent", bound(figures.satisfaction.estimate?.interval.high)),
      ]
  }
}
