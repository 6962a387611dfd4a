// Pages: what is written into them stays text, whatever it holds, and nothing in them loads or runs anything.
import HTML
import Testing

@Suite("Pages")
struct PageTests {
  private func written(@NodeBuilder _ content: () -> [Node]) -> String {
    let text = Page(.english, title: "T", style: StyleSheet("p { margin: 0 }"), content).text
    let body = text.split(separator: "<body>\n", maxSplits: 1).last.map(String.init) ?? ""
    return body.split(separator: "\n</body>", maxSplits: 1).first.map(String.init) ?? ""
  }

  @Test("A text is shown as it is: nothing in it becomes an element, an end or an entity")
  func texts() {
    #expect(written { Element(.p, "a < b & \"c\" > 'd' 张") } == "<p>a &lt; b &amp; &quot;c&quot; &gt; &#39;d&#39; 张</p>")
    #expect(written { "</body><script>alert(1)</script>" } == "&lt;/body&gt;&lt;script&gt;alert(1)&lt;/script&gt;")
    #expect(written { Element(.p, "&lt;") } == "<p>&amp;lt;</p>")
  }

  @Test("What a page cannot hold is shown as a replacement mark, line ends and tabs stay")
  func controls() { #expect(written { Element(.p, "a\u{0}b\u{1B}c\u{85}d\te\nf\u{FFFF}") } == "<p>a\u{FFFD}b\u{FFFD}c\u{FFFD}d\te\nf\u{FFFD}</p>") }

  @Test("An attribute's value cannot leave its quotes, and of two with one name the first counts")
  func attributes() {
    #expect(
      written { Element(.td, [.class("x\" onclick=\"y"), .class("z")], "1") } == "<td class=\"x&quot; onclick=&quot;y\">1</td>")
    let choice = written { Element(.input, [.input(.radio), .label(.name, "q"), .on(.required)] + Attribute.on(.checked, if: false)) }
    #expect(choice == "<input type=\"radio\" name=\"q\" required>")
  }

  @Test("An element without content has no end and takes none; a text field keeps the line end it begins with")
  func ends() {
    #expect(written { Element(.br) { "lost" } } == "<br>")
    #expect(written { Element(.textarea, "\nsecond line") } == "<textarea>\n\nsecond line</textarea>")
  }

  @Test("Conditions and loops put together what they say")
  func builder() {
    let isShown = false
    let page = written {
      Element(.ul) {
        for word in ["a", "b"] { Element(.li, word) }
        if isShown { Element(.li, "c") } else { Element(.li, "d") }
        if isShown { "e" }
      }
    }
    #expect(page == "<ul><li>a</li><li>b</li><li>d</li></ul>")
  }

  @Test("A link leads to this site or to another over HTTPS, and to nothing that runs", arguments: [
    ("/v1/reports?month=2026-11&by=tier", true), ("?lang=en", true), ("#part", true), ("https://example.com/a", true), ("//example.com", false),
    ("javascript:alert(1)", false), ("JaVaScRiPt:alert(1)", false), ("data:text/html,x", false), ("http://example.com", false), ("/\\example.com", false),
    ("", false), ("https://", false), (" /a", false), ("/a b", false), ("/张", false), ("/a\n", false),
  ])
  func targets(_ text: String, _ isTarget: Bool) { #expect((PageTarget(text) != nil) == isTarget) }

  @Test("A page names its language, escapes its title, and says that nothing may be loaded")
  func frame() {
    let page = Page(.chinese, title: "服务 </title><script>", style: StyleSheet("a::before { content: \"</style>\" }")) { Element(.h1, "服务") }.text
    #expect(page.hasPrefix("<!DOCTYPE html>\n<html lang=\"zh-CN\">\n<head>\n<meta charset=\"utf-8\">\n"))
    #expect(page.contains("<title>服务 &lt;/title&gt;&lt;script&gt;</title>"))
    #expect(page.contains("content: \"\\3C /style>\"") && page.components(of: "</style>") == 2)
    #expect(page.hasSuffix("<h1>服务</h1>\n</body>\n</html>\n"))
    let policy = Page.headers.first { $0.0 == "Content-Security-Policy" }?.1 ?? ""
    #expect(policy.hasPrefix("default-src 'none';"))
  }

  @Test("The plain style loads nothing and is taken as it is")
  func style() {
    let page = Page(.english, title: "T") {}.text
    #expect(!page.contains("url(") && !page.contains("@import") && page.contains("@media print"))
  }

  @Test("The language is the one asked for by name, else the one the browser likes best, else the usual one", arguments: [
    ("zh", ["en"], .chinese), ("EN-gb", ["zh"], .english), (nil, ["zh-CN,zh;q=0.9,en;q=0.8"], .chinese),
    (nil, ["fr, en;q=0.3, zh;q=0.4"], .chinese),
    (nil, ["zh;q=0, en;q=0.001"], .english), (nil, ["zh;q=2", "en;q=0.1"], .english), (nil, ["*"], .english), (nil, ["fr"], .english), (nil, [], .english),
    ("fr", ["zh-Hans-CN"], .chinese), (nil, [";;,,q=1"], .english), (nil, ["zh;q=0.5, zh-TW;q=0.7, en;q=0.6"], .chinese),
  ] as [(String?, [String], PageLanguage)])
  func languages(_ name: String?, _ accepted: [String], _ language: PageLanguage) {
    #expect(PageLanguage(named: name, accepted: accepted, else: .english) == language)
  }
}

extension String {
  fileprivate func components(of separator: String) -> Int { split(separator: separator, omittingEmptySubsequences: false).count }
}
