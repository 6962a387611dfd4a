// Every page about customers.
import HTTP

enum CustomerPages {
  static func add(_ site: Site, _ kept: KeptFigures, to router: inout Router) {
    CustomerSearch(site: site).add(to: &router)
    CustomerLists(site: site, kept: kept).add(to: &router)
    CustomerPage(site: site, kept: kept).add(to: &router)
    CustomerTierPages(site: site, kept: kept).add(to: &router)
    CustomerTimelinePage(site: site).add(to: &router)
    CustomerOrderPage(site: site).add(to: &router)
    CustomerTagPages(site: site).add(to: &router)
    CustomerSurveyPages(site: site).add(to: &router)
    CustomerIdentityPages(site: site).add(to: &router)
  }
}
