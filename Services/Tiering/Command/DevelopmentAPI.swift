// The report on what became of the tiers (T-12): from the ratings that customers really had, not worked out anew.
import Access
import Contracts
import Domain
import HTTP
import Handling
import Messaging
import Postgres
import Runtime
import Text
import TieringCore
import TieringStore

struct DevelopmentAPI: Sendable {
  let settings: TieringSettings
  let clock: any BusinessClock
  let pool: PostgresPool
  let places: SimulationPlaces

  static let monthsUsual = 12
  static let monthsMax = 36

  func add(to router: inout Router) { router.get("/v1/reports/tiers", needs: .figuresRead) { try await report($0) } }

  /// What is asked for.
  private struct Wish: Sendable {
    let day: Day
    let months: [Month]
    /// The first moments of the months, and the one behind the day.
    let starts: [Instant]
    let end: Instant
  }

  private func report(_ request: Request) async throws -> Response {
    let zone = settings.rules.zone
    let today = zone.day(of: clock.now())
    let day = try day(request, today)
    let months = (0..<(try months(request))).reversed().map { day.month.adding(-$0) }
    let starts = months.map { zone.startOfDay(DevelopmentAPI.firstDay(of: $0)) }
    let wish = Wish(day: day, months: months, starts: starts, end: zone.startOfDay(day + 1))
    return try await LongAnswer.respond(request, try places.takeOrRefuse()) { sign in
      let development = try await sum(wish, sign)
      let isAged = wish.day < today.adding(months: -TierDevelopment.agedMonthsMax)
      let ladder = settings.rules.policy.ladder
      return DevelopmentView(development: development, months: wish.months, ladder: ladder, currency: settings.rules.currency, isAged: isAged).json
    }
  }

  private struct Page: Sendable {
    let customers: [DevelopedCustomer]
    let last: Int64?
    let moves: [(move: TierMove, count: Int64)]
  }

  /// While a page is summed up, the next one is read.
  private func sum(_ wish: Wish, _ sign: ProgressSign?) async throws -> TierDevelopment {
    var development = TierDevelopment(day: wish.day)
    let before = settings.rules.zone.startOfDay(development.dayBefore + 1)
    var count: Int64 = 0
    var page = try await self.page(after: .min, wish, before: before)
    while let last = page.last {
      async let next = self.page(after: last, wish, before: before)
      for customer in page.customers { development.add(customer) }
      for found in page.moves { development.add(found.move, count: found.count) }
      count += Int64(page.customers.count)
      try await sign?.reached(count)
      page = try await next
    }
    return development
  }

  private func page(after id: Int64, _ wish: Wish, before: Instant) async throws -> Page {
    try await pool.withSession { session in
      let page = try DevelopmentQueries.page(after: id, until: wish.end, before: before, session)
      let moves = try page.last.map {
        try DevelopmentQueries.moves(after: id, upTo: $0, months: wish.months, starts: wish.starts, end: wish.end, session)
      }
      return Page(customers: page.customers, last: page.last, moves: moves ?? [])
    }
  }

  private static func firstDay(of month: Month) -> Day { Day(year: month.year, month: month.number, day: 1) ?? Day(number: .min) }

  /// The business day unless one is asked for; tomorrow is not known.
  private func day(_ request: Request, _ today: Day) throws(Problem) -> Day {
    guard let text = request.query["as_of"] else { return today }
    let first = max(ProfileSnapshot.firstDay, today.adding(months: -TierDevelopment.reachMonthsMax))
    guard let day = Day(text), (first...today).contains(day) else {
      let why = "purchases before that are not kept day by day"
      throw Problem.invalid([.init(field: "as_of", rule: "range", detail: "a day from \(first) to \(today), as 1998-07-01: \(why)")])
    }
    return day
  }

  private func months(_ request: Request) throws(Problem) -> Int {
    guard let text = request.query["months"] else { return DevelopmentAPI.monthsUsual }
    guard let count = Int(text), (1...DevelopmentAPI.monthsMax).contains(count) else {
      throw Problem.invalid([.init(field: "months", rule: "range", detail: "a whole number from 1 to \(DevelopmentAPI.monthsMax)")])
    }
    return count
  }
}

/// The report as JSON. What has no value is null, and its reason stands beside it.
struct DevelopmentView {
  let development: TierDevelopment
  let months: [Month]
  let ladder: TierLadder
  let currency: Currency
  /// The day lies so far back that ledgers may not reach over the period before.
  let isAged: Bool

  private var tiers: [TierID] {
    let moved = development.moves.keys.flatMap { [$0.from, $0.to] }.compactMap { $0 }
    let known = ladder.tiers.map(\.id)
    return known + Set(moved + Array(development.lines.keys)).filter { !known.contains($0) }.sorted { $0.text < $1.text }
  }

  var json: JSONValue {
    let lines = development.lines.values
    let (customers, revenue) = (lines.reduce(0) { $0 + $1.customers }, lines.reduce(Int128(0)) { $0 + $1.revenue })
    let traffic = months.flatMap { month in tiers.map { self.traffic($0, month) } }
    return [
      "as_of": .text(development.day.description), "before": .text(development.dayBefore.description), "currency": .text(currency.description),
      "customers": .integer(customers), "revenue": SimulationView.integer(revenue), "months": .array(months.map { .text($0.description) }),
      "tiers": .array(tiers.map { line($0, customers, revenue) }), "traffic": .array(traffic), "moves": .array(pairs),
      "none": [
        "referrals": .name(LocalizedName(en: "no source of referrals yet", zh: "尚无推荐数据来源")),
        "service_cost": .name(
          LocalizedName(
            en: "no source of service times yet; simulations use the figures stated in the benefits' file",
            zh: "尚无服务工时数据来源；试算使用权益文件中声明的数值")),
        "return_on_service": .name(LocalizedName(en: "needs the cost of service", zh: "需要服务成本数据")),
      ],
    ]
  }

  private func line(_ tier: TierID, _ customers: Int64, _ revenue: Int128) -> JSONValue {
    let line = development.lines[tier] ?? TierDevelopmentLine()
    let (before, months) = (development.dayBefore, TierDevelopment.agedMonthsMax)
    let aged = LocalizedName(
      en: "the day lies more than \(months) months back: purchases of the period before are not kept day by day", zh: "该日距今超过 \(months) 个月，上一期间的购买不再按日保存")
    let noCohort = LocalizedName(en: "nobody was in this tier at the end of \(before)", zh: "\(before) 日终时该等级无客户")
    let noOrders = LocalizedName(en: "no order in 12 months", zh: "12 个月内无订单")
    let noGrowth = LocalizedName(en: "no order in one of the two periods", zh: "两个期间之一无订单")
    func reason(_ value: Rational?, _ reason: LocalizedName) -> JSONValue { value == nil ? .name(reason) : .null }
    let growth = isAged ? nil : line.averageOrderGrowth
    return [
      "tier": .text(tier.text), "name": ladder[tier].map { .name($0.name) } ?? .null, "customers": .integer(line.customers),
      "share_percent": SimulationView.percent(Int128(line.customers), of: Int128(customers)), "revenue": SimulationView.integer(line.revenue),
      "revenue_share_percent": SimulationView.percent(line.revenue, of: revenue), "cohort": .integer(line.cohort),
      "retention_percent": RatingView.number(line.retention), "retention_none": reason(line.retention, noCohort),
      "repurchase_percent": RatingView.number(line.repurchase), "repurchase_none": reason(line.repurchase, noOrders),
      "average_order": RatingView.number(line.averageOrder), "average_order_before": isAged ? .null : RatingView.number(line.averageOrderBefore),
      "average_order_growth_percent": RatingView.number(growth), "average_order_growth_none": reason(growth, isAged ? aged : noGrowth),
      "referrals": .null, "service_cost": .null, "return_on_service": .null,
    ]
  }

  private func traffic(_ tier: TierID, _ month: Month) -> JSONValue {
    let sum = development.traffic(tier, month)
    return [
      "month": .text(month.description), "tier": .text(tier.text), "in": .integer(sum.came), "out": .integer(sum.left), "first": .integer(sum.first),
      "merged": .integer(sum.merged),
    ]
  }

  private var pairs: [JSONValue] {
    let sorted = development.moves.sorted { left, right in
      (left.key.month.index, left.key.from?.text ?? "", left.key.to?.text ?? "") < (right.key.month.index, right.key.from?.text ?? "", right.key.to?.text ?? "")
    }
    return sorted.map { move, count in
      ["month": .text(move.month.description), "from": .textOrNull(move.from?.text), "to": .textOrNull(move.to?.text), "customers": .integer(count)]
    }
  }
}
