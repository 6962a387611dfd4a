// Ways to customers without a number: who has a tag, and who spends most. Each is bounded: a page, or the first so many.
import Access
import Domain
import HTML
import HTTP
import Text

struct CustomerLists: Sendable {
  let site: Site

  static let tagged = "/customers/tagged"
  static let top = "/customers/top"
  /// Rows of one page.
  private static let rowsMax = 50
  /// Tags that the search page offers.
  private static let tagsMax = 20
  /// All customers are looked through for those who spend most, for no longer than this.
  private static let topMilliseconds = 8_000

  func add(to router: inout Router) {
    router.page(CustomerLists.tagged, site, needs: .customersExport) { try await showTagged($0) }
    router.page(CustomerLists.top, site, needs: .customersExport) { try await showTop($0) }
  }

  // MARK: - On the search page

  @NodeBuilder static func tiers(_ visit: Visit, _ summary: JSONValue) -> [Node] {
    Element(.ul, [.class("lines")]) {
      for tier in summary["tiers"]?.arrayValue ?? [] {
        Element(.li) {
          let name = visit.say(tier["name"])
          if visit.may(.customersExport) { Parts.link(name, visit.target(top, [("tier", tier["tier"]?.stringValue)])) } else { name }
          visit.say(
            ": \(visit.number(tier["customers"])), \(visit.text(tier["revenue_share_percent"])) % of revenue",
            "：\(visit.number(tier["customers"])) 人，占收入 \(visit.text(tier["revenue_share_percent"]))%")
        }
      }
    }
    if visit.may(.customersExport) { Element(.p) { Parts.link(visit.say("Who spends most", "消费最高的客户"), PageTarget(top)) } }
    Element(.p, [.class("soft")], visit.say("As of \(visit.today)", "截至 \(visit.today)"))
  }

  @NodeBuilder static func tags(_ visit: Visit, _ answer: JSONValue) -> [Node] {
    let known = ((answer["tags"]?.arrayValue ?? []) + (answer["given"]?.arrayValue ?? [])).filter { ($0["customers"]?.counted ?? 0) > 0 }
    let most = known.sorted { ($0["customers"]?.counted ?? 0) > ($1["customers"]?.counted ?? 0) }.prefix(tagsMax)
    if most.isEmpty { Element(.p, [.class("soft")], visit.say("Nobody has a tag yet.", "暂无客户有标签。")) } else {
      Element(.ul, [.class("lines")]) {
        for tag in most {
          Element(.li) {
            Parts.link(tag["name"].map { visit.say($0) } ?? visit.text(tag["tag"]), visit.target(tagged, [("tag", tag["tag"]?.stringValue)]))
            ": \(visit.number(tag["customers"]))"
          }
        }
      }
    }
  }

  // MARK: - Who has a tag

  private func showTagged(_ visit: Visit) async throws -> Response {
    let tag = visit.request.query["tag"] ?? ""
    async let known = visit.may(.figuresRead) ? visit.api.section(.profile, "/v1/tags") : nil
    let answer = try await visit.api.get(
      .profile, "/v1/tags/customers", [("tag", tag), ("limit", String(CustomerLists.rowsMax)), ("after", visit.request.query["after"])])
    var names: [String: String] = [:]
    for rule in (await known)?.json?["tags"]?.arrayValue ?? [] { if let id = rule["tag"]?.stringValue, let name = rule["name"] { names[id] = visit.say(name) } }
    let title = visit.say("Customers with the tag \(names[tag] ?? tag)", "标签“\(names[tag] ?? tag)”的客户")
    let table = DataTable(
      "tagged", title, [visit.say("Customer", "客户"), visit.say("Member", "会员号"), visit.say("All tags", "全部标签")],
      (answer["customers"]?.arrayValue ?? []).map { row in
        let tags = (row["tags"]?.arrayValue ?? []).compactMap(\.stringValue).map { names[$0] ?? $0 }.joined(separator: visit.say(", ", "、"))
        return [CustomerLists.link(visit, row), .text(visit.text(row["member_id"])), .text(tags)]
      })
    if let file = visit.file(of: [table]) { return file }
    return visit.page(title, .customers) {
      CustomerLists.trail(visit)
      Element(.h1, title)
      table.element(visit, empty: visit.say("Nobody has it.", "没有客户有此标签。"))
      Parts.pager(visit, next: answer["next"]?.stringValue, parameter: "after")
    }
  }

  /// Analysts have no customer's page.
  private static func link(_ visit: Visit, _ row: JSONValue) -> Cell {
    let id = row["customer_id"]?.stringValue ?? ""
    return .link(id, visit.may(.customersRead) ? CustomerFile.target(id) : nil)
  }

  private static func trail(_ visit: Visit) -> Element {
    Element(.p, [.class("trail")]) { Parts.link(visit.say("Customers", "客户"), visit.may(.customersRead) ? PageTarget(CustomerSearch.path) : nil) }
  }

  // MARK: - Who spends most

  private func showTop(_ visit: Visit) async throws -> Response {
    let wanted = visit.request.query["tier"].flatMap { $0.isEmpty ? nil : $0 }
    async let tiers = visit.tiersBeside()
    let looked = try await CustomerLists.most(visit, tier: wanted)
    let summary = await tiers
    let names = CustomerLists.names(summary, visit)
    let title = visit.say("Who spends most", "消费最高的客户")
    let table = DataTable(
      "top", wanted.map { "\(title): \(names[$0] ?? $0)" } ?? title,
      [
        visit.say("Customer", "客户"), visit.say("Member", "会员号"), visit.say("Tier", "等级"), visit.say("Score", "得分"),
        visit.say("Spend in 12 months, \(site.currency)", "近 12 个月消费（\(site.currency)）"), visit.say("Orders", "订单"),
        visit.say("Days since the last", "距上次下单（天）"),
      ],
      looked.rows.map { row in
        let spend = MinorUnits.text(row["monetary"]?.int64Value ?? 0, digits: site.currency.minorDigits)
        return [
          CustomerLists.link(visit, row), .text(visit.text(row["member_id"])), .text(row["tier"]?.stringValue.map { names[$0] ?? $0 } ?? "–"),
          .number(visit.number(row["score"])), .number(visit.amount(.text(spend))),
          .number(visit.number(row["frequency"])), .number(visit.number(row["recency_days"])),
        ]
      })
    if let file = visit.file(of: [table]) { return file }
    return visit.page(title, .customers) {
      CustomerLists.trail(visit)
      Element(.h1, title)
      Parts.search(PageTarget(CustomerLists.top), visit.say("Filter", "筛选")) {
        Parts.choice(
          visit.say("Tier", "等级"), "tier", [("", visit.say("all", "全部"))] + CustomerLists.options(summary, visit, kept: wanted), chosen: wanted ?? "")
        Element(.button, visit.say("Show", "查看"))
      }
      if !looked.isWhole {
        Notice.plain(
          visit.say("There are too many customers to look through in time; these are the most of \(visit.number(Int64(looked.count))).",
            "客户数量过多，未能全部查看；以下为前 \(visit.number(Int64(looked.count))) 位中的结果。"))
      }
      table.element(visit, empty: visit.say("Nobody.", "没有客户。"))
      Element(.p, [.class("soft")], visit.say(
        "The first \(CustomerLists.rowsMax) of \(visit.number(Int64(looked.count))) customers, as of \(visit.today); waiting changes of tiers are not counted.",
        "共 \(visit.number(Int64(looked.count))) 位客户，显示前 \(CustomerLists.rowsMax) 位；截至 \(visit.today)，不含待确认的等级变更。"))
    }
  }

  private struct Looked {
    var rows: [JSONValue] = []
    var count = 0
    var isWhole = true
  }

  /// Looks through all customers and keeps those with the most spend.
  private static func most(_ visit: Visit, tier: String?) async throws(PeerFailure) -> Looked {
    var looked = Looked()
    var kept: [(spend: Int64, row: JSONValue)] = []
    func trim() {
      kept.sort { $0.spend > $1.spend }
      kept.removeLast(max(0, kept.count - rowsMax))
    }
    looked.isWhole = try await visit.api.lines(.tiering, ClientRequest(.get, "/v1/tiers"), milliseconds: topMilliseconds) { row in
      guard tier == nil || row["tier"]?.stringValue == tier else { return }
      looked.count += 1
      kept.append((row["monetary"]?.int64Value ?? 0, row))
      if kept.count >= rowsMax * 8 { trim() }
    }
    trim()
    looked.rows = kept.map(\.row)
    return looked
  }

  // MARK: - Tiers by name

  static func names(_ summary: JSONValue?, _ visit: Visit) -> [String: String] {
    var names = TierNames.usual.mapValues { visit.say($0) }
    for tier in summary?["tiers"]?.arrayValue ?? [] { if let id = tier["tier"]?.stringValue { names[id] = visit.say(tier["name"]) } }
    return names
  }

  /// Tiers to choose from: those that are configured.
  static func options(_ summary: JSONValue?, _ visit: Visit, kept: String? = nil) -> [(value: String, text: String)] {
    var found = (summary?["tiers"]?.arrayValue ?? []).compactMap { tier in tier["tier"]?.stringValue.map { (value: $0, text: visit.say(tier["name"])) } }
    // Not known just now: the shipped ones.
    if found.isEmpty { found = ["vip", "key", "normal", "watch"].map { ($0, visit.word($0, of: TierNames.usual)) } }
    if let kept, !kept.isEmpty, !found.contains(where: { $0.value == kept }) { found.append((kept, TierNames.usual[kept].map { visit.say($0) } ?? kept)) }
    return found
  }
}
