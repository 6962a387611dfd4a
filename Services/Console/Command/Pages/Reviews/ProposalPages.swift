// Changes of tiers that wait for a person (T-07): the list, one with the figures behind it, and many confirmed at once.
import Access
import Domain
import HTML
import HTTP
import Text

struct ProposalPages: Sendable {
  let site: Site

  static let path = "/reviews/tiers"
  private static let bulk = "/reviews/tiers/confirmation"
  private static let rowsMax = "50"
  /// Proposals that are confirmed at once: as many as somebody can look through.
  private static let bulkMax: Int64 = 100

  static func target(_ customer: String) -> PageTarget? { PageTarget("\(path)/\(customer)") }

  func add(to router: inout Router) {
    router.page(ProposalPages.path, site, needs: .tiersRead) { try await list($0) }
    router.page(ProposalPages.bulk, site, needs: .tiersDecide) { try await preview($0, Entered(form: $0.request.query, failure: nil)) }
    router.form(ProposalPages.bulk, site, needs: .tiersDecide) { try await confirmAll($0) }
    router.page(ProposalPages.path + "/{id}", site, needs: .tiersRead) { try await show($0, .nothing) }
    router.form(ProposalPages.path + "/{id}", site, needs: .tiersDecide) { try await decide($0) }
  }

  // MARK: - The list

  private struct Filter {
    let tier: String?
    let proposed: String?
    let kind: String?

    init(_ items: QueryItems) {
      func read(_ name: String) -> String? { items[name].flatMap { $0.isEmpty ? nil : $0 } }
      (tier, proposed, kind) = (read("tier"), read("proposed_tier"), read("kind"))
    }

    var query: [(name: String, value: String?)] { [("tier", tier), ("proposed_tier", proposed), ("kind", kind)] }
    /// Of those that many can be confirmed of at once; overrides are never among them.
    var bulk: [(name: String, value: String?)] { [("tier", tier), ("proposed_tier", proposed)] }
  }

  private func list(_ visit: Visit) async throws -> Response {
    let filter = Filter(visit.request.query)
    async let known = visit.tiersBeside()
    let answer: JSONValue
    do {
      answer = try await visit.api.get(
        .tiering, "/v1/proposals", filter.query + [("limit", ProposalPages.rowsMax), ("after", visit.request.query["after"])])
    } catch {
      _ = await known
      throw error
    }
    let tiers = await known
    let table = ProposalPages.table(visit, answer["proposals"]?.arrayValue ?? [], CustomerLists.names(tiers, visit))
    if let file = visit.file(of: [table]) { return file }
    let title = visit.say("Changes of tiers that wait", "待确认的等级变更")
    let count = visit.number(answer["count"])
    return visit.page(title, .reviews) {
      ReviewPages.trail(visit, title, nil)
      Element(.h1, visit.say("\(title): \(count)", "\(title)：\(count)"))
      Parts.search(PageTarget(ProposalPages.path), visit.say("Filter", "筛选")) {
        let all = (value: "", text: visit.say("all", "全部"))
        Parts.choice(visit.say("Tier now", "现等级"), "tier", [all] + CustomerLists.options(tiers, visit, kept: filter.tier), chosen: filter.tier ?? "")
        Parts.choice(
          visit.say("Proposed", "建议等级"), "proposed_tier", [all] + CustomerLists.options(tiers, visit, kept: filter.proposed), chosen: filter.proposed ?? "")
        Parts.choice(
          visit.say("Kind", "类型"), "kind", [all, ("rating", visit.say("from figures", "按数据建议")), ("override", visit.say("override asked for", "人工设定申请"))],
          chosen: filter.kind ?? "")
        Element(.button, visit.say("Show", "查看"))
      }
      if visit.may(.tiersDecide), filter.kind != "override", answer["count"]?.counted ?? 0 > 1 {
        Element(.div, [.class("actions")]) {
          Element(
            .a, [.class("button")] + Parts.href(visit.target(ProposalPages.bulk, filter.bulk)), visit.say("Confirm many of these at once", "批量确认"))
        }
      }
      table.element(visit, empty: visit.say("Nothing waits.", "没有待确认的变更。"))
      Parts.pager(visit, next: answer["next"]?.stringValue, parameter: "after")
    }
  }

  static func table(_ visit: Visit, _ proposals: [JSONValue], _ names: [String: String]) -> DataTable {
    DataTable(
      "proposals", visit.say("Changes of tiers, the oldest first", "等级变更（最早的在前）"),
      [
        visit.say("Customer", "客户"), visit.say("Member", "会员号"), visit.say("Tier now", "现等级"), visit.say("Proposed", "建议等级"), visit.say("Score", "得分"),
        visit.say("Because", "起因"), visit.say("Since", "提出日期"), visit.say("Expires", "到期"), visit.say("Asked by", "申请人"),
      ],
      proposals.map { proposal in
        let id = proposal["customer_id"]?.stringValue ?? ""
        return [
          .link(id, target(id)), .text(visit.text(proposal["member_id"])), .text(tier(visit, proposal, "tier", names)),
          .text(tier(visit, proposal, "proposed_tier", names)), .number(visit.number(proposal["score"])),
          .text(visit.word(proposal["cause"], of: CustomerWords.causes)), .text(visit.dayOf(proposal["opened_at"])), .text(visit.text(proposal["expires"])),
          .text(visit.text(proposal["terms"]?["actor"])),
        ]
      })
  }

  private static func tier(_ visit: Visit, _ proposal: JSONValue, _ key: String, _ names: [String: String] = [:]) -> String {
    if let name = proposal["\(key)_name"], !name.isNull { return visit.say(name) }
    return proposal[key]?.stringValue.map { names[$0] ?? $0 } ?? "–"
  }

  // MARK: - One

  private static let reject = "reject"
  private static let confirm = "confirm"

  private func show(_ visit: Visit, _ entered: Entered) async throws -> Response {
    guard let id = CustomerFile.id(visit) else { return CustomerFile.none(visit) }
    let api = visit.api
    async let looked = visit.may(.customersRead) ? api.section(.profile, "/v1/customers/\(id)") : nil
    let answer: PeerAnswer
    do { answer = try await api.call(.tiering, .get, "/v1/proposals/\(id)") } catch {
      _ = await looked
      // Somebody was faster, or the figures took it back.
      guard error.isMissing else { throw error }
      return gone(visit, id, entered)
    }
    let (proposal, customer) = (answer.json, await looked?.json)
    let score = ScoreView(visit: visit, rating: proposal)
    if let file = visit.file(of: [score.table]) { return file }
    let (from, to) = (ProposalPages.tier(visit, proposal, "tier"), ProposalPages.tier(visit, proposal, "proposed_tier"))
    let title = visit.say("\(from) to \(to)", "\(from) → \(to)")
    let name = customer?["attributes"]?["name"]?.stringValue ?? proposal["member_id"]?.stringValue ?? id
    return visit.page("\(name): \(title)", .reviews, status: entered.status) {
      ReviewPages.trail(visit, visit.say("Changes of tiers", "等级变更"), PageTarget(ProposalPages.path))
      Element(.div, [.class("person")]) {
        Element(.h1, visit.say("\(name): \(title)", "\(name)：\(title)"))
        if proposal["kind"] == "override" { Parts.badge(visit.say("override asked for", "人工设定申请"), .warn) }
      }
      entered.notice(visit, fields: ["reason"])
      facts(visit, proposal, customer, id)
      Element(.div, [.class("sides")]) {
        Element(.section) {
          Element(.h2, visit.say("Why this score", "得分说明"))
          score.shown(isWhole: false)
        }
        if visit.may(.tiersDecide) { deeds(visit, id, proposal, answer.tag, entered) }
      }
    }
  }

  private func facts(_ visit: Visit, _ proposal: JSONValue, _ customer: JSONValue?, _ id: String) -> Element {
    var facts: [(name: String, value: [Node])] = [
      (visit.say("Customer", "客户"), [.element(Parts.link(id, visit.may(.customersRead) ? CustomerFile.target(id) : nil))]),
      (visit.say("Because", "起因"), [.text(visit.word(proposal["cause"], of: CustomerWords.causes))]),
      (visit.say("Waits since", "提出时间"), [.text(visit.moment(proposal["opened_at"]))]),
      (visit.say("Expires", "到期"), [.text(visit.text(proposal["expires"]))]), (visit.say("Score", "得分"), [.text(visit.number(proposal["score"]))]),
    ]
    if let customer {
      facts += [
        (visit.say("Spend in 12 months", "近 12 个月消费"), [.text(visit.amount(customer["monetary"], unit: visit.text(customer["currency"])))]),
        (visit.say("Orders in 12 months", "近 12 个月订单"), [.text(visit.number(customer["frequency"]))]),
        (visit.say("Lifecycle", "生命周期"), [.text(visit.word(customer["lifecycle"], of: CustomerWords.lifecycles))]),
      ]
    }
    if let terms = proposal["terms"], !terms.isNull {
      facts += [
        (visit.say("Asked by", "申请人"), [.text(visit.text(terms["actor"]))]), (visit.say("Why", "理由"), [.text(visit.text(terms["reason"]))]),
        (visit.say("Until", "有效至"), [.text(visit.text(terms["until"]))]),
        (visit.say("At the next rating", "期间评分时"), [.text(visit.word(terms["at_next_rating"], of: CustomerWords.overrideRules))]),
      ]
    }
    return Parts.facts(facts)
  }

  private func deeds(_ visit: Visit, _ id: String, _ proposal: JSONValue, _ tag: String?, _ entered: Entered) -> Element {
    let to = ProposalPages.tier(visit, proposal, "proposed_tier")
    return Element(.section, [.class("card")]) {
      Element(.h2, visit.say("Decide", "决定"))
      Parts.form(visit, ProposalPages.target(id)) {
        Parts.hidden("seen", tag ?? "*")
        ReasonField.shown(visit, entered, isNeeded: false)
        Element(.p, [.class("soft")], visit.say("To reject it, say why.", "驳回时须填写理由。"))
        Element(.div, [.class("actions")]) {
          Element(.button, [.class("main"), .label(.name, "deed"), .label(.value, ProposalPages.confirm)], visit.say("Confirm \(to)", "确认\(to)"))
          Element(.button, [.class("danger"), .label(.name, "deed"), .label(.value, ProposalPages.reject)], visit.say("Reject it", "驳回"))
        }
      }
      Element(.p) { Parts.link(visit.say("Neither: ask for another tier", "都不合适：申请其他等级"), visit.target("/customers/\(id)/override")) }
    }
  }

  private func gone(_ visit: Visit, _ id: String, _ entered: Entered) -> Response {
    let title = visit.say("Nothing waits of this customer", "该客户没有待确认的变更")
    return visit.page(title, .reviews, status: entered.failure == nil ? .notFound : .conflict) {
      ReviewPages.trail(visit, visit.say("Changes of tiers", "等级变更"), PageTarget(ProposalPages.path))
      Element(.h1, title)
      Element(.p, visit.say("Somebody has decided it, or the figures no longer propose it.", "可能已有他人决定，或数据已不再支持该建议。"))
      if visit.may(.customersRead) { Element(.p) { Parts.link(visit.say("The customer's tier now", "查看该客户当前等级"), CustomerFile.target(id, .tier)) } }
    }
  }

  private func decide(_ visit: Visit) async throws -> Response {
    guard let id = CustomerFile.id(visit) else { return CustomerFile.none(visit) }
    let form = try visit.request.form()
    let isRejection = form["deed"] == ProposalPages.reject
    let reason = form["reason"].flatMap { $0.isEmpty ? nil : $0 }
    // A rejection says why; the service asks for it, too.
    let members = reason.map { [JSONMember("reason", .text($0))] } ?? (isRejection ? [JSONMember("reason", "")] : [])
    return try await visit.trying(form) { () throws(PeerFailure) in
      _ = try await visit.api.send(
        .post, .tiering, "/v1/proposals/\(id)/\(isRejection ? "rejection" : "confirmation")", .object(members), seen: form["seen"] ?? "*")
      return visit.go(to: ProposalPages.path, done: .decided)
    } else: { try await show(visit, $0) }
  }

  // MARK: - Many at once

  private func order(_ filter: Filter, digest: String? = nil, reason: String? = nil) -> JSONValue {
    let texts = filter.bulk + [(name: "digest", value: digest), (name: "reason", value: reason.flatMap { $0.isEmpty ? nil : $0 })]
    return .object(texts.compactMap { text in text.value.map { JSONMember(text.name, .text($0)) } } + [JSONMember("limit", .integer(ProposalPages.bulkMax))])
  }

  /// What would be confirmed: nothing is changed by asking.
  private func preview(_ visit: Visit, _ entered: Entered) async throws -> Response {
    let filter = Filter(entered.form)
    let answer = try await visit.api.send(.post, .tiering, "/v1/confirmations", order(filter))
    let table = ProposalPages.table(visit, answer["proposals"]?.arrayValue ?? [], [:])
    let count = visit.number(answer["count"])
    let title = visit.say("Confirm \(count) changes of tiers", "批量确认 \(count) 条等级变更")
    return visit.page(title, .reviews, status: entered.status) {
      ReviewPages.trail(visit, visit.say("Changes of tiers", "等级变更"), visit.target(ProposalPages.path, filter.query))
      Element(.h1, title)
      entered.notice(visit, fields: ["reason"])
      if let left = answer["left"]?.int64Value, left > 0 {
        Element(.p, visit.say("\(visit.number(left)) more wait after these.", "之后还有 \(visit.number(left)) 条待确认。"))
      }
      table.element(visit, empty: visit.say("Nothing waits.", "没有待确认的变更。"), hasFile: false)
      if answer["count"]?.counted ?? 0 > 0 {
        Parts.form(visit, PageTarget(ProposalPages.bulk), [.class("sheet")]) {
          for (name, value) in filter.bulk { if let value { Parts.hidden(name, value) } }
          Parts.hidden("digest", answer["digest"]?.stringValue ?? "")
          ReasonField.shown(visit, entered, isNeeded: false)
          Element(.p, [.class("soft")], visit.say(
            "These and no others are confirmed: if one of them changes before, nothing is. Overrides are never among them.",
            "仅确认以上条目；若期间有任何变化则全部不执行。人工设定不在其中。"))
          Element(.div, [.class("actions")]) {
            Element(.button, [.class("main")], visit.say("Confirm these \(count)", "确认以上 \(count) 条"))
            Parts.link(visit.say("Back to the list", "返回列表"), visit.target(ProposalPages.path, filter.query))
          }
        }
      }
    }
  }

  private func confirmAll(_ visit: Visit) async throws -> Response {
    let form = try visit.request.form()
    let filter = Filter(form)
    // Without the digest it would be a question, and nothing would be confirmed.
    guard let digest = form["digest"], !digest.isEmpty else { return try await preview(visit, Entered(form: form, failure: nil)) }
    return try await visit.trying(form) { () throws(PeerFailure) in
      _ = try await visit.api.send(.post, .tiering, "/v1/confirmations", order(filter, digest: digest, reason: form["reason"]))
      return visit.go(to: ProposalPages.path, filter.bulk, done: .decided)
    } else: { try await preview(visit, $0) }
  }
}
