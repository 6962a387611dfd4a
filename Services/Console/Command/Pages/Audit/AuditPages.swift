// What was changed and by whom, in all services, and whether any trail of it was altered (S-05).
import Access
import Domain
import HTML
import HTTP
import Text

struct AuditPages: Sendable {
  let site: Site

  static let path = "/audit"
  static let verificationPath = "/audit/verification"
  static let exposurePath = "/audit/exposure"
  private static let rows = 50
  private static let actorMax = 100

  func add(to router: inout Router) {
    router.page(AuditPages.path, site, needs: .auditRead) { await trail($0) }
    // Every hash is worked out anew.
    router.page(
      AuditPages.verificationPath, site, needs: .auditRead, limits: RouteLimits(handlerMillisecondsMax: PeerAPI.longMillisecondsMax + 5_000)
    ) { await verification($0) }
    router.page(AuditPages.exposurePath, site, needs: .auditRead) { await ExposurePage(visit: $0).show() }
  }

  // MARK: - The trail

  private func trail(_ visit: Visit) async -> Response {
    let filter = Filter(visit)
    guard filter.fault == nil else { return trail(visit, filter, TrailPage(), status: .unprocessable) }
    let page = await TrailPage.read(
      visit, filter.peers, "/v1/audit", list: "entries", [("actor", filter.actor), ("day", filter.day)],
      from: visit.request.query["before"].map { TrailPlaces($0) } ?? TrailPlaces(), rows: AuditPages.rows)
    let table = AuditPages.table(page.entries, visit)
    if let file = visit.file(of: [table]) { return file }
    return trail(visit, filter, page, status: .ok)
  }

  private func trail(_ visit: Visit, _ filter: Filter, _ page: TrailPage, status: HTTPStatus) -> Response {
    visit.page(visit.say("Audit", "审计"), .audit, status: status) {
      Element(.h1, visit.say("Audit trail", "操作审计"))
      Element(.p, visit.say(AuditText.what))
      Element(.p, [.class("actions")]) {
        Parts.link(visit.say("Was a trail altered?", "校验审计链"), visit.target(AuditPages.verificationPath))
        Parts.link(visit.say("Who saw contact data in full?", "敏感信息查看记录"), visit.target(AuditPages.exposurePath))
      }
      Parts.search(visit.target(AuditPages.path), visit.say("Which entries", "筛选")) {
        Parts.field(visit.say("Person", "操作人"), "actor", value: filter.actor ?? "", [.label(.maxlength, String(AuditPages.actorMax))])
        Parts.field(visit.say("Day", "日期"), "day", value: filter.day ?? "", type: .date, fault: filter.fault)
        Parts.choice(
          visit.say("Service", "服务"), "service", [("", visit.say("all", "全部"))] + Peer.allCases.map { ($0.rawValue, $0.rawValue) },
          chosen: filter.service?.rawValue ?? "")
        visit.showButton()
      }
      page.notices(visit)
      AuditPages.table(page.entries, visit).element(visit, empty: visit.say("There are no such entries.", "没有符合条件的记录。"))
      Parts.pager(visit, next: page.next?.text)
    }
  }

  /// Which entries are asked for.
  private struct Filter {
    let actor: String?
    let day: String?
    let service: Peer?
    var fault: String?

    init(_ visit: Visit) {
      func given(_ name: String) -> String? { visit.request.query[name].flatMap { $0.isEmpty ? nil : $0 } }
      actor = given("actor")
      day = given("day")
      service = given("service").flatMap(Peer.init)
      if let day, Day(day) == nil { fault = visit.say("Give a day as 2026-11-29.", "请输入日期，例如 2026-11-29。") }
    }

    var peers: [Peer] { service.map { [$0] } ?? Peer.allCases }
  }

  private static func table(_ entries: [TrailEntry], _ visit: Visit) -> DataTable {
    let rows = entries.map { entry -> [Cell] in
      let json = entry.json
      let what = "\(visit.text(json["method"])) \(visit.text(json["path"]))"
      return [
        .text(visit.trailMoment(json["at"])), .text(visit.actor(json)), .text(visit.text(json["roles"])), .text(entry.peer.rawValue),
        .shown([.element(Element(.code, what))], plain: what), .text(json["reason"]?.stringValue ?? ""),
      ]
    }
    return DataTable(
      "audit", visit.say("Entries", "记录"),
      [
        visit.say("At", "时间"), visit.say("By", "操作人"), visit.say("Roles", "角色"), visit.say("Service", "服务"), visit.say("What", "操作"),
        visit.say("Reason", "理由"),
      ], rows)
  }

  // MARK: - Verification

  private func verification(_ visit: Visit) async -> Response {
    let found = await withTaskGroup(of: (peer: Peer, section: Section).self) { group in
      for peer in Peer.allCases {
        group.addTask {
          do throws(PeerFailure) {
            let answer = try await visit.api.bytes(peer, .get, "/v1/audit/verification", millisecondsMax: PeerAPI.longMillisecondsMax)
            guard let json = try? JSONValue(answer.body, limits: PeerAPI.limits) else { throw .away(peer) }
            return (peer, .success(json))
          } catch { return (peer, .failure(error)) }
        }
      }
      var found: [(peer: Peer, section: Section)] = []
      for await one in group { found.append(one) }
      return found
    }
    let all = Peer.allCases.compactMap { peer in found.first { $0.peer == peer } }
    let table = AuditPages.verdicts(all, visit)
    if let file = visit.file(of: [table]) { return file }
    let (answers, broken) = (all.compactMap(\.section.json), all.filter { $0.section.json?["intact"] == false })
    return visit.page(visit.say("Was a trail altered?", "校验审计链"), .audit) {
      Element(.p, [.class("trail")]) { Parts.link(visit.say("Audit", "审计"), visit.target(AuditPages.path)) }
      Element(.h1, visit.say("Was a trail altered?", "校验审计链"))
      if broken.isEmpty, answers.count == Peer.allCases.count {
        Notice.good(visit.say("The trails of all services are intact: every hash was worked out anew.", "所有服务的审计链完整：已重新计算全部哈希。"))
      } else if !broken.isEmpty {
        Notice.fault(visit.say("A trail was altered: see where below.", "审计链已被改动，位置见下表。"))
      } else {
        Notice.plain(visit.say("Not every service told; those that did are intact.", "部分服务未响应；已响应的服务审计链完整。"))
      }
      Element(.p, [.class("soft")], visit.say("Checked at \(visit.momentWithSeconds(site.now())).", "校验时间 \(visit.momentWithSeconds(site.now()))。"))
      table.element(visit, empty: "")
      Element(.p, [.class("soft")], visit.say(AuditText.heads))
    }
  }

  private static func verdicts(_ all: [(peer: Peer, section: Section)], _ visit: Visit) -> DataTable {
    let rows = all.map { peer, section -> [Cell] in
      switch section {
      case .failure(let failure): return [.text(peer.rawValue), .text(HomeFigures.why(failure, visit)), .text("–"), .text("–"), .text("–"), .text("–")]
      case .success(let json):
        let isIntact = json["intact"] == true
        let word = isIntact ? visit.say("intact", "完整") : visit.say("broken", "断裂")
        let place = json["first_break"]
        let problem = AuditText.problem(place?["problem"]?.stringValue, visit)
        let first = isIntact ? "–" : "\(visit.text(place?["day"])) / \(visit.text(place?["entry"])): \(problem)"
        let head = visit.text(json["head"])
        return [
          .text(peer.rawValue), .shown([.element(Parts.badge(word, isIntact ? .good : .bad))], plain: word), visit.cell(json["entries"]),
          visit.cell(json["days"]), .text(first), .shown([.element(Element(.code, head))], plain: head),
        ]
      }
    }
    return DataTable(
      "verification", visit.say("Trails", "审计链"),
      [
        visit.say("Service", "服务"), visit.say("Result", "结果"), visit.say("Entries that fit", "连续条目"), visit.say("Days", "天数"),
        visit.say("First break (day / entry)", "首个断点（日期 / 条目）"), visit.say("Head", "链头"),
      ], rows)
  }
}

extension Visit {
  /// Who did it; where access was switched off, nobody is known.
  func actor(_ entry: JSONValue) -> String {
    let actor = entry["actor"]?.stringValue ?? ""
    return actor.isEmpty ? say("(access off)", "（未启用访问控制）") : actor
  }

  /// A moment of a trail, to the second.
  func trailMoment(_ value: JSONValue?) -> String { value?.stringValue.flatMap { try? RFC3339.parse($0) }.map { momentWithSeconds($0) } ?? "–" }
}

enum AuditText {
  static let what = LocalizedName(
    en: "What people and programs changed in all services, and when they saw contact data in full: the newest first.", zh: "各服务中的变更与敏感信息查看记录，由新到旧。")
  static let heads = LocalizedName(
    en: "Note the heads somewhere else: whoever compares them later can also tell a trail that was made anew as a whole.", zh: "请将链头另行保存：日后比对可识别整体重造的审计链。")

  private static let problems = [
    "altered": LocalizedName(en: "altered", zh: "被改动"), "missing": LocalizedName(en: "an entry is missing", zh: "条目缺失"),
    "added": LocalizedName(en: "an entry was added", zh: "被插入条目"), "cut": LocalizedName(en: "cut off at the end", zh: "尾部被截断"),
  ]

  static func problem(_ word: String?, _ visit: Visit) -> String { word.map { problems[$0].map { visit.say($0) } ?? $0 } ?? "–" }
}
