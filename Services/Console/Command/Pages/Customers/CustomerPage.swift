// The first page of a customer: everything at a glance, and the newest of the timeline (P-12, P-13, T-05).
import Access
import Domain
import HTML
import HTTP
import Text

struct CustomerPage: Sendable {
  let site: Site
  let kept: KeptFigures

  /// The timeline's newest entries that this page shows.
  private static let entriesMax = 20

  func add(to router: inout Router) { router.page("/customers/{id}", site, needs: .customersRead, look: .contacts) { try await show($0) } }

  /// What the services say; nil: not asked, for it may not be seen or is not told of the past.
  private struct Known {
    let timeline: Section
    let ratings: Section?
    let entitlements: Section?
    let tickets: Section?
    let attendant: Section?
    let contacts: Section?
    let answers: Section?
    let invitations: Section?
    let segment: CustomerSegment?
  }

  private func show(_ visit: Visit) async throws -> Response {
    guard let id = CustomerFile.id(visit) else { return CustomerFile.none(visit) }
    let (api, days) = (visit.api, AsOf(visit))
    let isNow = !days.isPast
    async let customer = api.section(.profile, "/v1/customers/\(id)", days.query)
    async let timeline = api.section(.profile, "/v1/customers/\(id)/timeline", [("limit", String(CustomerPage.entriesMax))] + days.query)
    async let rated = visit.may(.tiersRead) ? rating(visit, id, days) : nil
    async let ratings = visit.may(.tiersRead) ? api.section(.tiering, "/v1/customers/\(id)/ratings", [("limit", "20")]) : nil
    async let entitlements = isNow && visit.may(.tiersRead) ? api.section(.tiering, "/v1/customers/\(id)/entitlements") : nil
    async let tickets = isNow && visit.may(.ticketsRead)
      ? api.section(.tickets, "/v1/tickets", [("customer_id", id), ("state", "unresolved"), ("limit", "5")]) : nil
    async let attendant = isNow && visit.may(.staffRead) ? api.section(.tickets, "/v1/customers/\(id)/attendant") : nil
    async let contacts = isNow && visit.may(.invitationsRead) ? api.section(.feedback, "/v1/customers/\(id)/contacts") : nil
    async let answers = isNow && visit.may(.answersRead) ? api.section(.feedback, "/v1/answers", [("customer_id", id), ("limit", "3")]) : nil
    async let invitations = isNow && visit.may(.invitationsRead)
      ? api.section(.feedback, "/v1/invitations", [("customer_id", id), ("limit", "20")]) : nil
    async let lines = isNow ? kept.means.today(visit) : nil
    let (found, known) = (await customer, await lines)
    let file: CustomerFile
    let rating = await rated
    switch found {
    case .success(let json): file = CustomerFile(visit: visit, days: days, json: json, rating: rating)
    case .failure(let failure):
      guard failure.isMissing else { throw failure }
      return CustomerFile.none(visit)
    }
    if file.id != id { return file.led(from: id) }
    let parts = await Known(
      timeline: timeline, ratings: ratings, entitlements: entitlements, tickets: tickets, attendant: attendant, contacts: contacts, answers: answers,
      invitations: invitations, segment: known?.segment(of: file.json))
    let score = rating?.json.map { ScoreView(visit: visit, rating: $0) }
    if let file = visit.file(of: score.map { [$0.table] } ?? []) { return file }
    return file.page(.overview) {
      tiles(file)
      Element(.div, [.class("sides")]) {
        Element(.div) {
          if let rating { CustomerCards.card(visit.say("Why this score", "得分说明")) { scoreCard(file, rating) } }
          CustomerCards.card(visit.say("Timeline", "时间线")) { timelineCard(file, parts) }
        }
        Element(.div) { sideCards(file, parts) }
      }
      asOfForm(file)
    }
  }

  // MARK: - Parts

  private func tiles(_ file: CustomerFile) -> Element {
    let (visit, json) = (file.visit, file.json)
    let currency = visit.text(json["currency"])
    let day = visit.text(json["as_of"])
    return Element(.div, [.class("tiles")]) {
      if let rated = file.rating?.json {
        Parts.tile(
          visit.say("Score", "得分"), visit.number(rated["score"]), "\(visit.text(rated["scorecard"])) v\(visit.number(rated["scorecard_version"]))",
          target: visit.target(CustomerFile.path(file.id, .tier)))
        let review = rated["next_review"]?.stringValue
        Parts.tile(
          visit.say("Tier", "等级"), file.tierName(rated),
          visit.say("since \(visit.dayOf(rated["tier_since"]))", "自 \(visit.dayOf(rated["tier_since"])) 起")
            + (review.map { visit.say(", review \($0)", "，复核 \($0)") } ?? ""))
      }
      Parts.tile(visit.say("Spend in 12 months", "近 12 个月消费"), visit.whole(json["monetary"]), "\(currency), \(day)")
      Parts.tile(
        visit.say("Orders in 12 months", "近 12 个月订单"), visit.number(json["frequency"]),
        visit.say("of all time \(visit.number(json["orders_of_all_time"]))", "累计 \(visit.number(json["orders_of_all_time"])) 单"),
        target: visit.target(CustomerFile.path(file.id, .orders), file.days.query))
      Parts.tile(
        visit.say("Last order", "最近下单"), json["recency_days"]?.int64Value.map { visit.say("\($0) d ago", "\($0) 天前") } ?? "–",
        visit.say("average \(visit.amount(json["average_order_value"])) \(currency)", "客单价 \(visit.amount(json["average_order_value"])) \(currency)"))
      Parts.tile(
        visit.say("Spend of all time", "累计消费"), visit.whole(json["spend_of_all_time"]),
        visit.say("repurchase \(visit.percentOfOne(json["repurchase_rate"]))", "复购率 \(visit.percentOfOne(json["repurchase_rate"]))"))
    }
  }

  @NodeBuilder private func scoreCard(_ file: CustomerFile, _ rating: Section) -> [Node] {
    let visit = file.visit
    if case .failure(let failure) = rating, failure.isMissing {
      Element(.p, [.class("soft")], visit.say("Not rated yet, or not by the day asked for.", "尚未评分，或截至所选日期尚未评分。"))
    } else {
      rating.shown(visit) { rated in
        let score = ScoreView(visit: visit, rating: rated)
        if !file.days.isPast { for line in score.decision { Element(.p, line) } }
        score.shown(isWhole: false)
      }
    }
  }

  @NodeBuilder private func timelineCard(_ file: CustomerFile, _ parts: Known) -> [Node] {
    let (visit, view) = (file.visit, TimelineView(visit: file.visit))
    parts.timeline.shown(visit) { answer in
      let lines = (answer["entries"]?.arrayValue ?? []).compactMap { view.line($0, visit.text(file.json["currency"])) }
      let more = answer["next"]?.stringValue != nil
      let others = file.days.isPast ? [] : view.tiers(parts.ratings?.json, file) + view.invitations(parts.invitations?.json)
      view.shown(Array(TimelineView.merged(lines, others, from: more ? lines.last?.at : nil, before: nil).prefix(CustomerPage.entriesMax)))
    }
    Element(.p) {
      Parts.link(visit.say("The whole timeline", "完整时间线"), visit.target(CustomerFile.path(file.id, .timeline), file.days.query))
    }
  }

  @NodeBuilder private func sideCards(_ file: CustomerFile, _ parts: Known) -> [Node] {
    let cards = CustomerCards(file: file)
    cards.who
    cards.tags(parts.segment)
    if let tickets = parts.tickets { cards.tickets(tickets) }
    if let attendant = parts.attendant { cards.attendant(attendant) }
    if let entitlements = parts.entitlements, !entitlements.isNotThere { cards.benefits(entitlements) }
    if parts.contacts != nil || parts.answers != nil { cards.surveys(parts.contacts, parts.answers) }
    if let ratings = parts.ratings, !file.days.isPast, !ratings.isNotThere { tierCard(file, ratings) }
  }

  private func tierCard(_ file: CustomerFile, _ ratings: Section) -> Element {
    let visit = file.visit
    return CustomerCards.card(visit.say("Tiers before", "历史等级")) {
      ratings.shown(visit) { answer in
        let lines = Array(TimelineView(visit: visit).tiers(answer, file).prefix(6))
        if lines.isEmpty { Element(.p, [.class("soft")], visit.say("No change of the tier yet.", "等级尚无变更。")) } else {
          Element(.ul, [.class("lines")]) { for line in lines { Element(.li, "\(visit.moment(line.at).prefix(10)) \(line.text)") } }
        }
      }
      Element(.p) { Parts.link(visit.say("All ratings and decisions", "全部评分与决定"), CustomerFile.target(file.id, .tier)) }
    }
  }

  /// How the customer stood on another day (P-12).
  private func asOfForm(_ file: CustomerFile) -> Element {
    let visit = file.visit
    return Element(.details, file.days.isPast ? [.on(.open)] : []) {
      Element(.summary, visit.say("How it stood on another day", "查看历史某日的情况"))
      Parts.search(CustomerFile.target(file.id), visit.say("How it stood on another day", "查看历史某日的情况")) {
        Parts.field(visit.say("On the day", "截至日期"), AsOf.names.asOf, value: file.days.asOf?.description ?? "", type: .date)
        Parts.field(visit.say("As known on (may be left empty)", "以当日已知为准（可不填）"), AsOf.names.knownOn, value: file.days.knownOn?.description ?? "", type: .date)
        Element(.button, visit.say("Show", "查看"))
      }
    }
  }

  /// The rating of today, or the one that held on a day of the past.
  private func rating(_ visit: Visit, _ id: String, _ days: AsOf) async -> Section {
    guard let day = days.last else { return await visit.api.section(.tiering, "/v1/tiers/\(id)") }
    let history = await visit.api.section(.tiering, "/v1/customers/\(id)/ratings", [("limit", "200")])
    guard let answer = history.json else { return history }
    let held = (answer["ratings"]?.arrayValue ?? []).first { rating in
      rating["rated_day"]?.stringValue.flatMap { Day($0) }.map { $0 <= day } ?? false
    }
    guard let version = held?["version"]?.int64Value else {
      return .failure(.refused(status: 404, title: "No such rating", detail: nil, faults: []))
    }
    return await visit.api.section(.tiering, "/v1/customers/\(id)/ratings/\(version)")
  }
}

extension Section {
  var isNotThere: Bool { if case .failure(let failure) = self { failure.isMissing } else { false } }
}
