// Every page of the site, by its section.
import Access
import HTML
import HTTP

/// The parts of the site that its menu leads to.
enum SiteSection: String, CaseIterable {
  case home, customers, reviews, tickets, scorecards, surveys, quality, reports, audit
}

enum Pages {
  static func add(_ site: Site, to router: inout Router) {
    SiteFiles.add(to: &router)
    SignInPages(site: site).add(to: &router)
    PreferencePages(site: site).add(to: &router)
    HomePage(site: site).add(to: &router)
    CustomerPages.add(site, to: &router)
    ReviewPages(site: site).add(to: &router)
    DeskSection.add(site, to: &router)
    ScorecardPages(site: site).add(to: &router)
    QualityPages(site: site).add(to: &router)
    ReportPages(site: site).add(to: &router)
    AuditPages(site: site).add(to: &router)
    SurveySection.add(site, to: &router)
  }
}

/// What answers a request for a page.
typealias PageHandler = @Sendable (Visit) async throws -> Response

extension Router {
  /// A page that shows something.
  ///
  /// - Parameter look: what it holds that whoever may can see in full, with a reason.
  mutating func page(
    _ pattern: String, _ site: Site, needs: Permission?, limits: RouteLimits = RouteLimits(), look: Look.Kind? = nil, _ handler: @escaping PageHandler
  ) {
    on(.get, pattern, need: needs?.need ?? PageNeed.signedIn, limits: limits) { request in
      var visit = Visit(site, request)
      visit.look = look
      return try await ErrorPages.around(visit, handler)
    }
    guard let look else { return }
    // A form, not an address: no link of another site makes somebody look.
    form(pattern + Look.ending, site, needs: .contactsRead) { visit in
      for permission in [needs, look.needs].compactMap(\.self) { try visit.request.demand(permission) }
      return try await ErrorPages.around(visit) { try await Look.take($0, look, handler) }
    }
  }

  /// A form that does something.
  mutating func form(_ pattern: String, _ site: Site, needs: Permission?, bodyBytesMax: Int = Pages.formBytesMax, _ handler: @escaping PageHandler) {
    on(.post, pattern, need: needs?.need ?? PageNeed.signedIn, limits: RouteLimits(bodyBytesMax: bodyBytesMax)) {
      try await ErrorPages.around(Visit(site, $0), handler)
    }
  }
}

extension Pages {
  /// Of what a browser sends with a form.
  static let formBytesMax = 64 << 10
}
