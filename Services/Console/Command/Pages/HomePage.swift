// The first page: how things stand just now, for whoever looks.
import Access
import Domain
import HTML
import HTTP
import Text

struct HomePage: Sendable {
  let site: Site

  func add(to router: inout Router) { router.page("/", site, needs: nil) { await show($0) } }

  private func show(_ visit: Visit) async -> Response {
    let api = visit.api
    async let tiers = visit.may(.figuresRead) ? api.section(.tiering, "/v1/tiers/summary") : nil
    let summary = await tiers
    return visit.page(visit.say("Home", "首页"), .home) {
      Element(.h1, visit.say("Home", "首页"))
      if let summary { summary.shown(visit) { json in Element(.pre, json.encodedText) } }
    }
  }
}
