// Language and colours, as somebody chose them, in cookies of the browser.
import Access
import HTML
import HTTP

struct PreferencePages: Sendable {
  let site: Site

  static let path = "/preferences"
  private static let seconds: Int64 = 31_536_000

  func add(to router: inout Router) {
    // Also before signing in: it changes nothing but how pages look in this browser.
    router.on(.post, PreferencePages.path, need: Permission.everybody.need, limits: RouteLimits(bodyBytesMax: Pages.formBytesMax)) {
      try change(Visit(site, $0))
    }
  }

  private func change(_ visit: Visit) throws -> Response {
    let form = try visit.request.form()
    var cookies: [String] = []
    if let language = form["language"].flatMap({ PageLanguage(tag: $0) }) {
      cookies.append(site.cookie(Visit.languageCookie, language.rawValue, seconds: PreferencePages.seconds))
    }
    if let theme = form["theme"] {
      let chosen = PageTheme(rawValue: theme)
      cookies.append(site.cookie(Visit.themeCookie, chosen?.rawValue ?? "", seconds: chosen == nil ? 0 : PreferencePages.seconds))
    }
    let path = form[SignInPages.target] ?? "/"
    return visit.go(to: path.hasPrefix("/") && !path.hasPrefix("//") && PageTarget(path) != nil ? path : "/", cookies: cookies)
  }
}
