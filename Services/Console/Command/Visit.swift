// One request for a page: who asks, in which language, and what pages are made with.
import Access
import Domain
import HTML
import HTTP
import Handling
import Text

struct Visit: Sendable {
  let site: Site
  let request: Request
  /// nil: nobody is signed in.
  let caller: SignedIn?
  let language: PageLanguage
  let theme: PageTheme?
  /// Why contact data is shown in full (S-02); nil: it is masked.
  var reason: String?
  /// What the page holds that whoever may can see in full.
  var look: Look.Kind?
  /// What is wrong with the reason that was entered.
  var lookFault: String?

  static let languageCookie = "language"
  static let themeCookie = "theme"

  init(_ site: Site, _ request: Request) {
    self.site = site
    self.request = request
    caller = request.caller as? SignedIn
    language = PageLanguage(
      named: request.query["lang"] ?? Site.cookie(Visit.languageCookie, of: request), accepted: request.headers.all("Accept-Language"), else: .english)
    theme = Site.cookie(Visit.themeCookie, of: request).flatMap(PageTheme.init)
  }

  var api: PeerAPI { PeerAPI(site: site, caller: caller, reason: reason) }

  func say(_ name: LocalizedName) -> String { language == .chinese ? name.zh : name.en }
  func say(_ english: String, _ chinese: String) -> String { language == .chinese ? chinese : english }

  /// A name as the services' answers have it: `{"en": ..., "zh": ...}`.
  func say(_ value: JSONValue?) -> String { value?[language == .chinese ? "zh" : "en"]?.stringValue ?? value?.stringValue ?? "" }

  func may(_ permission: Permission) -> Bool { caller?.principal.may(permission) ?? false }

  /// Business time.
  var now: Instant { site.clock.now() }
  /// The business day that it is.
  var today: Day { site.zone.day(of: now) }

  /// A place of this site; nothing that was entered can make it another's.
  func target(_ path: String, _ query: [(name: String, value: String?)] = []) -> PageTarget? { PageTarget(PercentEncoding.path(path, query)) }

  /// The same page with other values in its address; nil takes one away.
  func here(_ changes: [(name: String, value: String?)]) -> PageTarget? {
    let names = Set(changes.map(\.name))
    let kept = request.query.items.filter { !names.contains($0.name) }.map { (name: $0.name, value: Optional($0.value)) }
    return target(ownPath, kept + changes)
  }

  /// The same page with contact data in full: what was chosen of a list stays chosen.
  var unmasked: PageTarget? {
    let chosen = request.query.items.filter { ![Done.parameter, DataTable.parameter].contains($0.name) }
    return target(ownPath + Look.ending, chosen.map { (name: $0.name, value: Optional($0.value)) })
  }

  /// The path as it can stand in a link.
  var ownPath: String {
    let path = String(request.target.prefix { $0 != "?" })
    return look != nil && path.hasSuffix(Look.ending) ? String(path.dropLast(Look.ending.count)) : path
  }

  // MARK: - Answers

  /// A page of the site with its frame around it.
  func page(
    _ title: String, _ section: SiteSection?, status: HTTPStatus = .ok, headers: HTTPHeaders = [:], @NodeBuilder _ content: () -> [Node]
  ) -> Response {
    var all = headers
    all["Cache-Control"] = "no-store"
    for (name, value) in Page.headersWithFiles { all[name] = value }
    if site.isSecure { all["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains" }
    let inside = content()
    let page = Page(language, title: "\(title) – Clientele", theme: theme, files: SiteFiles.page) { Frame(visit: self, section: section).around(inside) }
    return Response(status, headers: all, body: page.bytes)
  }

  /// Goes on to another page of this site, after something was done; to the first one where a service's answer makes no address of it.
  func go(to path: String, _ query: [(name: String, value: String?)] = [], cookies: [String] = []) -> Response {
    let place = PercentEncoding.path(path, query)
    var headers: HTTPHeaders = ["Location": place.hasPrefix("/") && PageTarget(place) != nil ? place : "/", "Cache-Control": "no-store"]
    for cookie in cookies { headers.add("Set-Cookie", cookie) }
    return Response(.seeOther, headers: headers)
  }

  /// The same, where it says what was done.
  func go(to path: String, _ query: [(name: String, value: String?)] = [], done: Done) -> Response {
    go(to: path, query + [(name: Done.parameter, value: done.rawValue)])
  }

  /// A table as a file for spreadsheets, when the address asks for it.
  func file(of tables: [DataTable]) -> Response? {
    guard let id = request.query[DataTable.parameter], let table = tables.first(where: { $0.id == id }) else { return nil }
    return Response(
      .ok,
      headers: [
        "Content-Type": "text/csv; charset=utf-8", "Content-Disposition": "attachment; filename=\"\(id)-\(today).csv\"", "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
      ], body: table.csv)
  }
}
