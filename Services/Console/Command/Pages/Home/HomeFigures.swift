// What the first page tells whoever looks, as far as they may see it: asked once for the page, and again while somebody watches.
import Access
import Domain
import HTML
import HTTP
import Handling
import Text

struct HomeFigures: Sendable {
  /// How a figure is looked at: its colour. The words say it too.
  enum State: String, Sendable { case plain = "", good, warn, bad }

  struct Tile: Sendable {
    /// Names it to the site's script.
    let id: String
    let name: String
    var value = "–"
    var note = ""
    var state = State.plain
    var target: PageTarget?
  }

  struct Group: Sendable {
    let id: String
    let title: String
    let tiles: [Tile]
  }

  let asOf: String
  let alerts: [String]
  let groups: [Group]
  /// nil: whoever looks may not see it.
  let tiers: SharedFigures?
  let tickets: HomeTickets?

  static func read(_ visit: Visit) async -> HomeFigures {
    async let tiers = visit.may(.figuresRead) ? visit.api.figures(.tiering, "/v1/tiers/summary") : nil
    async let satisfaction = asked(visit, .figuresRead, .feedback, "/v1/reports/answers", [("metric", "nps")])
    async let quality = asked(visit, .sourcesRead, .ingest, "/v1/quality", [("days", "1")])
    async let quarantine = asked(visit, .quarantineRead, .ingest, "/v1/quarantine/counts")
    async let waiting = asked(visit, .operationsRead, .ingest, "/v1/waiting")
    async let reviews = asked(visit, .identitiesRead, .profile, "/v1/reviews", [("limit", "200")])
    async let proposals = HomeReviews.maySeeProposals(visit) ? asked(visit, .tiersRead, .tiering, "/v1/proposals", [("limit", "1")]) : nil
    async let grants = asked(visit, .grantsRead, .tickets, "/v1/grants", [("state", "waiting"), ("limit", "200")])
    async let tickets = HomeTickets.read(visit)
    async let health = HomeAlerts.read(visit)
    let data = HomeData(visit: visit, quality: await quality, quarantine: await quarantine, waiting: await waiting)
    let desk = await tickets
    let groups = [
      desk?.group(visit), HomeReviews(visit: visit, reviews: await reviews, proposals: await proposals, grants: await grants).group,
      satisfactionGroup(visit, await satisfaction), data.group,
    ]
    return HomeFigures(
      asOf: asOf(visit), alerts: await health + data.alerts, groups: groups.compactMap { $0 }, tiers: await tiers, tickets: desk)
  }

  private static func asked(
    _ visit: Visit, _ permission: Permission, _ peer: Peer, _ path: String, _ query: [(name: String, value: String?)] = []
  ) async -> Section? {
    guard visit.may(permission) else { return nil }
    return await visit.api.section(peer, path, query)
  }

  /// Business time, and the machine's where that is another.
  private static func asOf(_ visit: Visit) -> String {
    let (business, now) = (visit.site.clock.now().microseconds, visit.site.now())
    let read = visit.momentWithSeconds(now)
    guard abs(business - now) > 60_000_000 else { return visit.say("As of \(read)", "截至 \(read)") }
    let moment = visit.moment(business)
    return visit.say("As of \(moment) by the business clock, read at \(read)", "截至业务时间 \(moment)，读取于 \(read)")
  }

  // MARK: - For the site's script

  /// Every text that is renewed, by the name of its place.
  var texts: [(name: String, text: String)] {
    var texts = [("as-of", asOf), ("alerts", ""), ("alerts.state", alertState.rawValue)]
    for group in groups {
      for tile in group.tiles { texts += [(tile.id, tile.value), ("\(tile.id).note", tile.note), ("\(tile.id).state", tile.state.rawValue)] }
    }
    return texts
  }

  var alertState: State { alerts.isEmpty ? .good : .bad }

  func alertText(_ visit: Visit) -> String {
    guard !alerts.isEmpty else { return visit.say("No alerts: every service answers.", "无告警：所有服务正常响应。") }
    return alerts.joined(separator: visit.say("; ", "；"))
  }

  /// The event that renews a page.
  func event(_ visit: Visit) -> String {
    var members = texts.map { JSONMember($0.name, .text($0.name == "alerts" ? alertText(visit) : $0.text)) }
    if let json = tiers?.section.json { members += HomeTiers.cells(json, visit).map { JSONMember($0.name, .text($0.text)) } }
    return JSONValue.object(members).encodedText
  }

  // MARK: - What customers say

  private static func satisfactionGroup(_ visit: Visit, _ section: Section?) -> Group? {
    guard let section else { return nil }
    var tile = Tile(id: "nps", name: visit.say("NPS of the last 90 days", "近 90 天 NPS"), target: visit.target("/reports/satisfaction"))
    switch section {
    case .success(let json):
      let (total, least) = (json["total"], json.count("answers_min"))
      let answers = total?.count("answers") ?? 0
      tile.value = visit.figure(total?["value"])
      tile.note = visit.say("n = \(visit.number(answers))", "n = \(visit.number(answers))")
      let interval = visit.interval(total)
      if interval != "–" { tile.note += visit.say(", 95 % interval \(interval)", "，95% 置信区间 \(interval)") }
      if answers < least { tile.note += visit.say("; too few for a figure (\(least) are needed)", "；样本不足，至少需要 \(least) 份") }
    case .failure(let failure): tile.note = HomeFigures.why(failure, visit)
    }
    return Group(id: "customers", title: visit.say("What customers say", "客户之声"), tiles: [tile])
  }

  // MARK: - For all groups

  static func why(_ failure: PeerFailure, _ visit: Visit) -> String {
    switch failure {
    case .away(let peer): visit.say("\(peer.rawValue) does not answer", "服务 \(peer.rawValue) 无响应")
    case .refused(403, _, _, _): visit.say("not for your roles", "当前角色无权查看")
    case .refused(_, let title, _, _): title
    }
  }

  /// A count, and `+` where a list went on.
  static func count(_ json: JSONValue, _ list: String, _ visit: Visit) -> String {
    visit.number(Int64(json[list]?.list.count ?? 0)) + (json["next"]?.isNull ?? true ? "" : "+")
  }
}

extension Visit {
  /// A moment by the clocks of the business, to the second.
  func momentWithSeconds(_ microseconds: Int64) -> String {
    let seconds = microseconds / 1_000_000
    let wall = RFC3339.text((seconds + Int64(site.zone.offsetSeconds(atUnixSeconds: seconds))) * 1_000_000)
    return wall.prefix(10) + " " + wall.dropFirst(11).prefix(8)
  }
}
