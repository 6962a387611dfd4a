// A whole page: its language, its title, its style sheet and what it shows. Nothing is loaded from elsewhere.

/// The languages of pages, as `lang` names them.
public enum PageLanguage: String, Hashable, Sendable, CaseIterable {
  case english = "en"
  case chinese = "zh-CN"

  /// What a word such as `zh`, `zh-Hans-CN` or `EN` names; nil for a language that there are no pages in.
  public init?(tag: String) {
    switch tag.lowercased().split(separator: "-", omittingEmptySubsequences: false).first {
    case "en": self = .english
    case "zh": self = .chinese
    default: return nil
    }
  }

  /// The language that somebody asks for by name, else the one that the browser likes best (`Accept-Language`), else `usual`.
  ///
  /// - Parameter accepted: the values of the header, each a list such as `zh-CN,zh;q=0.9,en;q=0.8`.
  public init(named name: String?, accepted: [String], else usual: PageLanguage) {
    if let named = name.flatMap(PageLanguage.init(tag:)) {
      self = named
      return
    }
    var (best, weight): (PageLanguage?, Int) = (nil, 0)
    for item in accepted.flatMap({ $0.split(separator: ",") }) {
      let parts = item.split(separator: ";").map { part in String(part.filter { $0 != " " && $0 != "\t" }) }
      guard let tag = parts.first, let language = tag == "*" ? usual : PageLanguage(tag: tag) else { continue }
      let given = parts.dropFirst().first { $0.lowercased().hasPrefix("q=") }.map { PageLanguage.weight($0.dropFirst(2)) } ?? 1_000
      if given > weight { (best, weight) = (language, given) }
    }
    self = best ?? usual
  }

  /// `0.8` as 800; what is no weight counts as none.
  private static func weight(_ text: Substring) -> Int {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count <= 2, let whole = parts.first.flatMap({ Int($0) }), (0...1).contains(whole) else { return 0 }
    let digits = parts.count == 2 ? String(parts[1]) : ""
    guard digits.utf8.count <= 3, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return 0 }
    let thousandths = Int(digits + String(repeating: "0", count: 3 - digits.utf8.count)) ?? 0
    return min(1_000, whole * 1_000 + thousandths)
  }
}

/// A style sheet that stands in the page. Only a constant of the program can be one: nothing that was entered gets into it.
public struct StyleSheet: Sendable {
  private let text: StaticString

  public init(_ text: StaticString) { self.text = text }

  /// As CSS writes it where it stands in an element: `<` can then never end that.
  func write(to bytes: inout [UInt8]) {
    for byte in Array(text.description.utf8) {
      if byte == UInt8(ascii: "<") { bytes += Array("\\3C ".utf8) } else { bytes.append(byte) }
    }
  }
}

/// Light or dark, as somebody chose; nil anywhere: as the browser says.
public enum PageTheme: String, Hashable, Sendable, CaseIterable { case light, dark }

/// The files of the same site that a page is shown with.
public struct PageFiles: Hashable, Sendable {
  public let style: PageTarget
  public let script: PageTarget?
  public let icon: PageTarget?

  public init(style: PageTarget, script: PageTarget? = nil, icon: PageTarget? = nil) {
    self.style = style
    self.script = script
    self.icon = icon
  }
}

public struct Page: Sendable {
  private enum Look { case inside(StyleSheet), files(PageFiles) }

  public let language: PageLanguage
  public let title: String
  public let theme: PageTheme?
  public let content: [Node]
  private let look: Look

  /// A page that needs nothing else.
  public init(_ language: PageLanguage, title: String, style: StyleSheet = .plain, @NodeBuilder _ content: () -> [Node]) {
    self.language = language
    self.title = title
    theme = nil
    look = .inside(style)
    self.content = content()
  }

  /// A page of a site with a style sheet, and perhaps a script, of its own.
  public init(_ language: PageLanguage, title: String, theme: PageTheme?, files: PageFiles, @NodeBuilder _ content: () -> [Node]) {
    self.language = language
    self.title = title
    self.theme = theme
    look = .files(files)
    self.content = content()
  }

  public static let contentType = "text/html; charset=utf-8"

  /// What goes with a page as headers: the browser loads nothing, runs nothing, shows the page in no frame, sends forms to this site alone, and tells no
  /// other site from which page somebody came.
  public static let headers = [
    ("Content-Type", contentType),
    ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"),
    ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"),
  ]

  /// The same for a page with files: the site's own style sheet, script and live figures, and nothing that stands in the page.
  public static let headersWithFiles = [
    ("Content-Type", contentType),
    (
      "Content-Security-Policy",
      "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
        + "frame-ancestors 'none'"
    ),
    ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "same-origin"), ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"), ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
  ]

  /// The page in UTF-8.
  public var bytes: [UInt8] {
    let theme = theme.map { " data-theme=\"\($0.rawValue)\"" } ?? ""
    var bytes = Array("<!DOCTYPE html>\n<html lang=\"\(language.rawValue)\"\(theme)>\n<head>\n<meta charset=\"utf-8\">\n".utf8)
    bytes += Array("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>".utf8)
    Escaping.append(title, to: &bytes)
    bytes += Array("</title>\n".utf8)
    switch look {
    case .inside(let style):
      bytes += Array("<style>\n".utf8)
      style.write(to: &bytes)
      bytes += Array("\n</style>\n".utf8)
    case .files(let files):
      for (start, target, end) in [
        ("<link rel=\"stylesheet\" href=\"", files.style, "\">\n"), ("<link rel=\"icon\" href=\"", files.icon, "\">\n"),
        ("<script src=\"", files.script, "\" defer></script>\n"),
      ] {
        guard let target else { continue }
        bytes += Array(start.utf8)
        Escaping.append(target.text, to: &bytes)
        bytes += Array(end.utf8)
      }
    }
    bytes += Array("</head>\n<body>\n".utf8)
    for node in content {
      node.write(to: &bytes)
      bytes.append(0x0A)
    }
    bytes += Array("</body>\n</html>\n".utf8)
    return bytes
  }

  public var text: String { String(decoding: bytes, as: UTF8.self) }
}

extension StyleSheet {
  /// For reading on a screen and on paper, in both languages, by the fonts of the reader's machine.
  public static let plain = StyleSheet(
    """
    :root { color-scheme: light; }
    body { font: 16px/1.5 system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; }
    h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; }
    table { border-collapse: collapse; font-size: 0.9em; width: 100%; font-variant-numeric: tabular-nums; }
    caption { text-align: left; font-weight: bold; padding: 0.5rem 0; }
    th, td { border: 1px solid #767676; padding: 0.25rem 0.35rem; text-align: right; vertical-align: top; }
    th[scope=row], thead th { background: #f2f2f2; } th[scope=row], thead th:first-child { text-align: left; }
    small, footer { color: #4d4d4d; }
    label { display: inline-block; margin: 0.15rem 1rem 0.15rem 0; } fieldset { border: 1px solid #767676; margin: 1rem 0; }
    textarea, input, select, button { font: inherit; } textarea { width: 100%; box-sizing: border-box; }
    :focus-visible { outline: 3px solid #0b57d0; outline-offset: 2px; }
    @media print {
      @page { size: A4 landscape; margin: 12mm; }
      body { font-size: 9pt; margin: 0; max-width: none; padding: 0; }
      thead { display: table-header-group; } tr { break-inside: avoid; } h1, h2, caption { break-after: avoid; }
      a { color: inherit; text-decoration: none; } .screen { display: none; }
    }
    """)
}
