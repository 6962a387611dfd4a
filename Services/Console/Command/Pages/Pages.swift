// Every page of the site, by its section.
import Access
import HTML
import HTTP

/// The parts of the site that its menu leads to.
enum SiteSection: String, CaseIterable {
  case home, customers, reviews, tickets, scorecards, surveys, quality, reports, audit

  /// Those that there are pages of.
  static let built: Set<SiteSection> = [.home, .customers, .reviews, .tickets, .scorecards, .surveys, .quality, .reports, .audit]
}

enum Pages {
  static func add(_ site: Site, to router: inout Router) {
    SiteFiles.add(to: &router)
    SignInPages(site: site).add(to: &router)
    PreferencePages(site: site).add(to: &router)
    HomePage(site: site).add(to: &router)
    let kept = KeptFigures()
    CustomerPages.add(site, kept, to: &router)
    ReviewPages(site: site, kept: kept).add(to: &router)
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
  /// - Parameters:
  ///   - withLook: it holds what is masked: whoever may can see that in full, with a reason.
  ///   - lookNeeds: what one may then.
  ///   - lookBytesMax: of the form that asks for it, which may hold more than the reason.
  mutating func page(
    _ pattern: String, _ site: Site, needs: Permission?, limits: RouteLimits = RouteLimits(), withLook: Bool = false,
    lookNeeds: Permission = .contactsRead, lookBytesMax: Int = Pages.formBytesMax, _ handler: @escaping PageHandler
  ) {
    on(.get, pattern, need: needs?.need ?? PageNeed.signedIn, limits: limits) { request in
      var visit = Visit(site, request)
      if withLook { visit.look = lookNeeds }
      return try await ErrorPages.around(visit, handler)
    }
    guard withLook else { return }
    // A form, not an address: no link of another site makes somebody look.
    form(pattern + Look.ending, site, needs: lookNeeds, bodyBytesMax: lookBytesMax) { visit in
      if let needs { try visit.request.demand(needs) }
      return try await ErrorPages.around(visit) { try await Look.take($0, lookNeeds, handler) }
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
