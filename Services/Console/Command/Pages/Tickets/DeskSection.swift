// The pages of the desk, together.
import HTTP

enum DeskSection {
  static func add(_ site: Site, to router: inout Router) {
    DeskPage(site: site).add(to: &router)
    NewTicketPage(site: site).add(to: &router)
    TicketPage(site: site).add(to: &router)
    TicketDeeds(site: site).add(to: &router)
    GrantPages(site: site).add(to: &router)
    ArticlePages(site: site).add(to: &router)
  }
}
