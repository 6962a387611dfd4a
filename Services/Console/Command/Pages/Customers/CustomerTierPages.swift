// A customer's tier: why it has it, what it had before, what goes with it, and the deeds of people about it (T-05, T-07, T-11, S-07).
import Access
import Domain
import HTML
import HTTP
import Text

struct CustomerTierPages: Sendable {
  let site: Site

  private static let ratingsMax = 20

  func add(to router: inout Router) {
    router.page("/customers/{id}/tier", site, needs: .tiersRead) { visit in try await CustomerFile.with(visit, "/tier") { try await show($0) } }
    router.page("/customers/{id}/override", site, needs: .tiersDecide) { visit in
      try await CustomerFile.with(visit, "/override") { try await askOverride($0, .nothing) }
    }
    router.form("/customers/{id}/override", site, needs: .tiersDecide) { visit in try await CustomerFile.with(visit) { try await override($0) } }
    router.page("/customers/{id}/automated-tiering", site, needs: .consentsChange) { visit in
      try await CustomerFile.with(visit, "/automated-tiering") { try await askAutomation($0, .nothing) }
    }
    router.form("/customers/{id}/automated-tiering", site, needs: .consentsChange) { visit in
      try await CustomerFile.with(visit) { try await automate($0) }
    }
  }

  // MARK: - How it stands

  private func show(_ file: CustomerFile) async throws -> Response {
    let (visit, api) = (file.visit, file.visit.api)
    let before = visit.request.query["before"]
    let wanted = visit.request.query["rating"].flatMap { Int64($0) }
    async let history = api.section(.tiering, "/v1/customers/\(file.id)/ratings", [("limit", String(CustomerTierPages.ratingsMax)), ("before", before)])
    async let entitlements = api.section(.tiering, "/v1/customers/\(file.id)/entitlements")
    async let automated = api.section(.tiering, "/v1/customers/\(file.id)/automated-tiering")
    async let past = wanted == nil ? nil : api.section(.tiering, "/v1/customers/\(file.id)/ratings/\(wanted ?? 0)")
    let (ratings, benefits, automation, then) = (await history, await entitlements, await automated, await past)
    let shown = then ?? file.rating
    let score = shown?.json.map { ScoreView(visit: visit, rating: $0) }
    let table = self.history(file, ratings.json)
    if let answer = visit.file(of: [table, self.benefits(file, benefits.json)] + (score.map { [$0.table] } ?? [])) { return answer }
    return file.page(.tier) {
      if let shown {
        shown.shown(visit) { rated in
          Element(.section) {
            if let wanted {
              Element(.h2, visit.say("Rating \(wanted), made \(visit.moment(rated["rated_at"]))", "第 \(wanted) 次评分（\(visit.moment(rated["rated_at"]))）"))
              Element(.p) { Parts.link(visit.say("Back to the rating of now", "返回当前评分"), CustomerFile.target(file.id, .tier)) }
            } else {
              Element(.h2, visit.say("How it stands", "当前等级"))
            }
            if wanted == nil { standing(file, rated, automation.json) }
            for line in ScoreView(visit: visit, rating: rated).decision { Element(.p, line) }
          }
          Element(.section) {
            Element(.h2, visit.say("Why this score", "得分说明"))
            ScoreView(visit: visit, rating: rated).shown(isWhole: true)
          }
        }
      }
      Element(.section) {
        Element(.h2, visit.say("Ratings and decisions", "评分与决定"))
        ratings.shown(visit) { answer in
          table.element(visit, empty: visit.say("Not rated yet.", "尚未评分。"))
          Parts.pager(visit, next: answer["next"]?.int64Value.map { String($0) })
        }
      }
      Element(.section) {
        Element(.h2, visit.say("Benefits of the tier", "等级权益"))
        benefits.shown(visit) { _ in self.benefits(file, benefits.json).element(visit, empty: visit.say("None.", "没有权益。")) }
      }
    }
  }

  @NodeBuilder private func standing(_ file: CustomerFile, _ rated: JSONValue, _ automation: JSONValue?) -> [Node] {
    let visit = file.visit
    let by = rated["confirmed_by"]?.stringValue ?? visit.say("the policy", "策略自动确认")
    Parts.facts([
      (visit.say("Confirmed tier", "已确认等级"), file.tierName(rated)), (visit.say("By", "确认人"), by),
      (visit.say("The figures decide", "按数据判定"), file.tierWord(rated["decided_tier"]?.stringValue ?? "–", rated)),
      (visit.say("Since", "起始"), visit.moment(rated["tier_since"])), (visit.say("Rated", "评分时间"), visit.moment(rated["rated_at"])),
      (visit.say("Next review", "下次复核"), visit.text(rated["next_review"])),
      (visit.say("Automated tiering", "自动分级"), automated(visit, automation)),
    ])
    Element(.div, [.class("actions")]) {
      if visit.may(.tiersDecide), rated["proposed_tier"]?.stringValue != nil {
        Element(.a, [.class("button main")] + Parts.href(ProposalPages.target(file.id)), visit.say("Decide what waits", "处理待确认变更"))
      }
      if visit.may(.tiersDecide) {
        Element(.a, [.class("button")] + Parts.href(visit.target("/customers/\(file.id)/override")), visit.say("Ask for another tier", "申请人工设定等级"))
      }
      if visit.may(.consentsChange) {
        Element(
          .a, [.class("button")] + Parts.href(visit.target("/customers/\(file.id)/automated-tiering")), visit.say("Automated tiering", "自动分级设置"))
      }
    }
  }

  private func automated(_ visit: Visit, _ answer: JSONValue?) -> String {
    guard let answer else { return "–" }
    if answer["allowed"] != false { return visit.say("accepted", "已接受") }
    let part = answer["refused_by"]?.stringValue
    let of = part == answer["customer_id"]?.stringValue ? "" : part.map { visit.say(" (as \($0), part of it)", "（来自已并入的 \($0)）") } ?? ""
    return visit.say("refused: a person decides every change\(of)", "已拒绝：任何变更均由人工决定\(of)")
  }

  private func history(_ file: CustomerFile, _ answer: JSONValue?) -> DataTable {
    let visit = file.visit
    let known = file.rating?.json ?? .null
    func tier(_ value: JSONValue?) -> String { value?.stringValue.map { file.tierWord($0, known) } ?? "–" }
    return DataTable(
      "ratings", visit.say("Ratings and decisions, the newest first", "评分与决定（由近及远）"),
      [
        visit.say("Rating", "版本"), visit.say("At", "时间"), visit.say("Because", "起因"), visit.say("Score", "得分"), visit.say("Figures decide", "按数据判定"),
        visit.say("Confirmed", "已确认"), visit.say("By", "确认人"), visit.say("Waits", "待确认"), visit.say("Who and why", "操作人与理由"),
      ],
      (answer?["ratings"]?.arrayValue ?? []).map { rating in
        let version = rating["version"]?.int64Value ?? 0
        let who = rating["action"]?["actor"]?.stringValue.map { actor in
          [actor, rating["action"]?["reason"]?.stringValue ?? ""].filter { !$0.isEmpty }.joined(separator: visit.say(": ", "："))
        }
        return [
          .link(String(version), visit.target(CustomerFile.path(file.id, .tier), [("rating", String(version))])), .text(visit.moment(rating["at"])),
          .text(visit.word(rating["reason"], of: CustomerWords.causes)), .number(visit.number(rating["score"])), .text(tier(rating["decided_tier"])),
          .text(tier(rating["tier"])), .text(rating["confirmed_by"]?.stringValue ?? visit.say("policy", "策略")), .text(tier(rating["proposed_tier"])),
          .text(who ?? "–"),
        ]
      })
  }

  private func benefits(_ file: CustomerFile, _ answer: JSONValue?) -> DataTable {
    let visit = file.visit
    let until = answer?["valid_until"]?.stringValue ?? "–"
    return DataTable(
      "benefits", visit.say("What it may have, until the next review on \(until)", "可享权益（有效至下次复核 \(until)）"),
      [visit.say("Benefit", "权益"), visit.say("Limit", "上限"), visit.say("Touches the price", "影响价格")],
      (answer?["benefits"]?.arrayValue ?? []).map { benefit in
        [
          .text(visit.say(benefit["name"])), .text(CustomerCards.limit(benefit, visit) ?? "–"),
          .text(benefit["touches_price"] == true ? visit.say("yes", "是") : visit.say("no", "否")),
        ]
      })
  }

  // MARK: - Another tier than the figures give

  private static let overrideFields: Set<String> = ["tier", "until", "at_next_rating", "reason"]

  private func askOverride(_ file: CustomerFile, _ entered: Entered) async throws -> Response {
    let (visit, api) = (file.visit, file.visit.api)
    async let known = visit.tiersBeside()
    // The tag says which rating the person saw; a form that comes again keeps the one of now, which stands above it.
    let rated = try await api.call(.tiering, .get, "/v1/tiers/\(file.id)")
    let tiers = CustomerLists.options(await known, visit, kept: entered["tier"])
    let words = OverrideText.self
    return file.page(.tier, status: entered.status, title: visit.say(words.title)) {
      Element(.h2, visit.say(words.title))
      entered.notice(visit, fields: CustomerTierPages.overrideFields)
      Element(.p, visit.say(words.how))
      for line in ScoreView(visit: visit, rating: rated.json).decision { Element(.p, line) }
      Parts.form(visit, visit.target("/customers/\(file.id)/override"), [.class("sheet")]) {
        Parts.hidden("seen", rated.tag ?? "*")
        Parts.choice(visit.say(words.tier), "tier", tiers, chosen: entered["tier"] ?? rated.json["tier"]?.stringValue, fault: entered.fault("tier", visit))
        Parts.field(
          visit.say(words.until), "until", value: entered.value("until"), [.on(.required), .label(.min, visit.today.description)], type: .date,
          fault: entered.fault("until", visit))
        Parts.choice(
          visit.say(words.meanwhile), "at_next_rating", ["hold", "floor", "drop"].map { ($0, visit.word($0, of: CustomerWords.overrideRules)) },
          chosen: entered["at_next_rating"], fault: entered.fault("at_next_rating", visit))
        ReasonField.shown(visit, entered)
        Element(.div, [.class("actions")]) {
          Element(.button, [.class("main")], visit.say(words.ask))
          Parts.link(visit.say("Leave it as it is", "取消"), CustomerFile.target(file.id, .tier))
        }
      }
    }
  }

  private func override(_ file: CustomerFile) async throws -> Response {
    let visit = file.visit
    let form = try visit.request.form()
    let body = JSONValue.object(
      ["tier", "until", "at_next_rating", "reason"].map { JSONMember($0, .text(form[$0] ?? "")) })
    return try await visit.trying(form) { () throws(PeerFailure) in
      _ = try await visit.api.send(.post, .tiering, "/v1/customers/\(file.id)/override", body, seen: form["seen"] ?? "*")
      return visit.go(to: CustomerFile.path(file.id, .tier), done: .saved)
    } else: { try await askOverride(file, $0) }
  }

  // MARK: - Whether ratings may change it by themselves

  private func askAutomation(_ file: CustomerFile, _ entered: Entered) async throws -> Response {
    let visit = file.visit
    let answer = try await visit.api.call(.tiering, .get, "/v1/customers/\(file.id)/automated-tiering")
    let isAllowed = answer.json["allowed"] != false
    let words = AutomationText.self
    return file.page(.tier, status: entered.status, title: visit.say(words.title)) {
      Element(.h2, visit.say(words.title))
      entered.notice(visit, fields: ["reason"])
      Element(.p) {
        visit.say("Now: ", "当前：")
        Element(.strong, automated(visit, answer.json))
      }
      Element(.p, visit.say(words.how))
      Parts.form(visit, visit.target("/customers/\(file.id)/automated-tiering"), [.class("sheet")]) {
        Parts.hidden("seen", answer.tag ?? "*")
        Parts.hidden("allowed", isAllowed ? "false" : "true")
        ReasonField.shown(visit, entered)
        Element(.div, [.class("actions")]) {
          Element(.button, [.class("main")], visit.say(isAllowed ? words.refuse : words.accept))
          Parts.link(visit.say("Leave it as it is", "取消"), CustomerFile.target(file.id, .tier))
        }
      }
    }
  }

  private func automate(_ file: CustomerFile) async throws -> Response {
    let visit = file.visit
    let form = try visit.request.form()
    let body: JSONValue = ["allowed": .boolean(form["allowed"] == "true"), "reason": .text(form["reason"] ?? "")]
    return try await visit.trying(form) { () throws(PeerFailure) in
      _ = try await visit.api.send(.put, .tiering, "/v1/customers/\(file.id)/automated-tiering", body, seen: form["seen"] ?? "*")
      return visit.go(to: CustomerFile.path(file.id, .tier), done: .saved)
    } else: { try await askAutomation(file, $0) }
  }
}

/// Why somebody decides so; kept for ever.
enum ReasonField {
  static let name = "reason"
  private static let charactersMax = "1000"

  static func shown(_ visit: Visit, _ entered: Entered, isNeeded: Bool = true) -> Element {
    Parts.area(
      isNeeded ? visit.say("Why (kept for ever)", "理由（永久记录）") : visit.say("Why, if there is something to say (kept for ever)", "理由（选填，永久记录）"), name,
      value: entered.value(name), rows: 2, [.label(.maxlength, charactersMax)] + Attribute.on(.required, if: isNeeded), fault: entered.fault(name, visit))
  }
}

private enum OverrideText {
  static let title = LocalizedName(en: "Ask for another tier", zh: "申请人工设定等级")
  static let how = LocalizedName(
    en: "For customers who are worth more, or less, than their figures say. It comes into force when another person confirms it, and ends by itself.",
    zh: "适用于价值高于或低于数据表现的客户。须由他人确认后生效，到期自动结束。")
  static let tier = LocalizedName(en: "Tier", zh: "等级")
  static let until = LocalizedName(en: "Until (the last day on which it holds, two years at most)", zh: "有效至（含当日，最长两年）")
  static let meanwhile = LocalizedName(en: "When the customer is rated meanwhile", zh: "期间评分时")
  static let ask = LocalizedName(en: "Ask for it", zh: "提交申请")
}

private enum AutomationText {
  static let title = LocalizedName(en: "Automated tiering", zh: "自动分级")
  static let how = LocalizedName(
    en: "A customer may refuse that ratings change the tier by themselves. Then every change is a proposal, and a person decides.",
    zh: "客户有权拒绝自动分级。拒绝后，任何等级变更都仅为建议，由人工决定。")
  static let refuse = LocalizedName(en: "The customer refuses automated tiering", zh: "客户拒绝自动分级")
  static let accept = LocalizedName(en: "The customer accepts automated tiering again", zh: "客户恢复自动分级")
}
