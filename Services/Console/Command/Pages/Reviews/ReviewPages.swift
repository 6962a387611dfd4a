// What waits for a person: changes of tiers and cases of who is who, in one place with their numbers (T-07, P-03).
import Access
import Domain
import HTML
import HTTP
import Text

struct ReviewPages: Sendable {
  let site: Site
  let kept: KeptFigures

  static let path = "/reviews"
  /// Of each kind the first page shows so many, the oldest first.
  private static let shownMax = 10
  /// Cases and merges have no count: so many are looked at.
  private static let casesMax = 100

  func add(to router: inout Router) {
    router.page(ReviewPages.path, site, needs: nil) { try await show($0) }
    ProposalPages(site: site, kept: kept).add(to: &router)
    CasePages(site: site).add(to: &router)
    MergePages(site: site).add(to: &router)
  }

  private func show(_ visit: Visit) async throws -> Response {
    guard visit.may(.identitiesRead) || visit.may(.tiersDecide) else { throw Problem(.forbidden) }
    let api = visit.api
    async let proposed = visit.may(.tiersRead) ? api.section(.tiering, "/v1/proposals", [("limit", String(ReviewPages.shownMax))]) : nil
    async let overridden = visit.may(.tiersRead) ? api.section(.tiering, "/v1/proposals", [("kind", "override"), ("limit", "1")]) : nil
    async let open = visit.may(.identitiesRead) ? api.section(.profile, "/v1/reviews", [("limit", String(ReviewPages.casesMax))]) : nil
    async let made = visit.may(.identitiesRead) ? api.section(.profile, "/v1/merges", [("limit", String(ReviewPages.casesMax))]) : nil
    let (proposals, overrides, cases, merges) = (await proposed, await overridden, await open, await made)
    let rows = cases?.json?["reviews"]?.arrayValue ?? []
    let tables = [
      ProposalPages.table(visit, proposals?.json?["proposals"]?.arrayValue ?? [], [:]), CasePages.table(visit, Array(rows.prefix(ReviewPages.shownMax))),
    ]
    if let file = visit.file(of: tables) { return file }
    let title = visit.say("Reviews", "待审")
    return visit.page(title, .reviews) {
      Element(.h1, visit.say("What waits for a person", "待人工处理"))
      Element(.div, [.class("tiles")]) {
        if let proposals {
          Parts.tile(
            visit.say("Changes of tiers", "等级变更"), visit.number(proposals.json?["count"]), visit.say("proposed, not confirmed", "待确认"),
            target: PageTarget(ProposalPages.path))
          Parts.tile(
            visit.say("Of them overrides", "其中人工设定"), visit.number(overrides?.json?["count"]), visit.say("asked for by somebody", "由他人申请"),
            target: visit.target(ProposalPages.path, [("kind", "override")]))
        }
        if let cases {
          Parts.tile(
            visit.say("Who is who", "身份核实"), ReviewPages.count(cases, "reviews"), visit.say("cases that a rule stopped", "被规则拦下的条目"),
            target: PageTarget(CasePages.path))
          Parts.tile(
            visit.say("Merges", "合并"), ReviewPages.count(merges, "merges"), visit.say("made, each can be undone", "已发生，均可撤销"),
            target: PageTarget(MergePages.path))
        }
      }
      if let proposals {
        Element(.section) {
          Element(.h2, visit.say("Changes of tiers", "等级变更"))
          proposals.shown(visit) { answer in
            tables[0].element(visit, empty: visit.say("Nothing waits.", "没有待确认的变更。"))
            ReviewPages.more(visit, answer["next"]?.stringValue != nil, ProposalPages.path)
          }
        }
      }
      if let cases {
        Element(.section) {
          Element(.h2, visit.say("Who is who", "身份核实"))
          cases.shown(visit) { _ in
            tables[1].element(visit, empty: visit.say("Nothing waits.", "没有待核实的条目。"))
            ReviewPages.more(visit, rows.count > ReviewPages.shownMax, CasePages.path)
          }
        }
      }
      Element(.p, [.class("soft")], visit.say("As of \(visit.today).", "截至 \(visit.today)。"))
    }
  }

  /// How many a list has; it has no count of its own, so that more than were asked for are `100+`.
  private static func count(_ section: Section?, _ name: String) -> String {
    guard let answer = section?.json, let rows = answer[name]?.arrayValue else { return "–" }
    return "\(rows.count)" + (answer["next"].map { $0.isNull ? "" : "+" } ?? "")
  }

  private static func more(_ visit: Visit, _ isMore: Bool, _ path: String) -> Element {
    Element(.p) { Parts.link(isMore ? visit.say("All of them, with filters", "查看全部并筛选") : visit.say("With filters", "筛选"), PageTarget(path)) }
  }

  /// The way back to the queue.
  static func trail(_ visit: Visit, _ name: String, _ target: PageTarget?) -> Element {
    Element(.p, [.class("trail")]) {
      Parts.link(visit.say("Reviews", "待审"), visit.may(.identitiesRead) || visit.may(.tiersDecide) ? PageTarget(path) : nil)
      " / "
      Parts.link(name, target)
    }
  }
}
