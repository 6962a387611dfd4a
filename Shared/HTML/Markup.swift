// Elements of a page as typed values: every text and every attribute is escaped when it is written.

/// An element or a text inside one.
public enum Node: Hashable, Sendable {
  case text(String)
  case element(Element)
}

/// The elements that pages are made of. There is none that runs or loads anything.
public enum Tag: String, Hashable, Sendable, CaseIterable {
  case a, abbr, article, aside, br, button, caption, code, col, colgroup, dd, details, div, dl, dt, em, fieldset, figcaption, figure, footer, form
  case h1, h2, h3, h4, header, hr, input, label, legend, li, main, nav, ol, option, p, pre, section, select, small, span, strong, sub, summary, sup
  case table, tbody, td, textarea, tfoot, th, thead, time, tr, ul
  // Drawings (SVG) that stand in a page.
  case circle, desc, g, line, path, polyline, rect, svg, text, title

  /// Has neither content nor an end.
  public var isVoid: Bool { [.br, .col, .hr, .input].contains(self) }
}

/// An attribute of an element. Only these can be made: none of them holds code, a style, or the address of something that is loaded.
public struct Attribute: Hashable, Sendable {
  let name: String
  /// nil: it says enough by being there.
  let value: String?

  private init(_ name: String, _ value: String?) {
    self.name = name
    self.value = value
  }

  /// Names without a value.
  public enum Switch: String, Sendable { case autofocus, checked, disabled, multiple, novalidate, open, readonly, required, selected }
  /// Names with a text that means nothing to a browser but what it says.
  public enum Label: String, Sendable {
    case accept = "accept-charset"
    case autocomplete, `class`, colspan, datetime, `for`, headers, id, inputmode, lang, max, maxlength, min, minlength, name, pattern, placeholder
    case list, role, rows, rowspan, scope, size, span, step, title, value
    case labelled = "aria-labelledby"
    case described = "aria-describedby"
    case spoken = "aria-label"
    case invalid = "aria-invalid"
    case current = "aria-current"
    case hidden = "aria-hidden"
    case announced = "aria-live"
    case sorted = "aria-sort"
    /// For the site's own script: which figure stands here.
    case live = "data-live"
    /// For the site's own script: the moment that is counted down to, in seconds since 1970.
    case until = "data-until"
    /// For the site's own script: the moment that it is, by the clock that counts here, in seconds since 1970; and that this clock stands still.
    case now = "data-now"
    case still = "data-still"
    case tabindex
    // Of drawings.
    case d, points, viewBox, preserveAspectRatio
    case anchor = "text-anchor"
  }
  /// Attributes of drawings that are numbers.
  public enum Measure: String, Sendable { case cx, cy, height, r, rx, width, x, x1, x2, y, y1, y2 }
  public enum Input: String, Sendable { case checkbox, date, email, hidden, number, password, radio, search, submit, text }
  public enum Method: String, Sendable { case get, post }

  public static func on(_ name: Switch) -> Attribute { Attribute(name.rawValue, nil) }
  /// The attribute when it holds, else none.
  public static func on(_ name: Switch, if holds: Bool) -> [Attribute] { holds ? [on(name)] : [] }
  public static func label(_ name: Label, _ value: String) -> Attribute { Attribute(name.rawValue, value) }
  /// Of a drawing, to a hundredth.
  public static func measure(_ name: Measure, _ value: Double) -> Attribute { Attribute(name.rawValue, Drawing.number(value)) }
  public static func `class`(_ name: String) -> Attribute { label(.class, name) }
  public static func id(_ name: String) -> Attribute { label(.id, name) }
  public static func input(_ type: Input) -> Attribute { Attribute("type", type.rawValue) }
  public static func method(_ method: Method) -> Attribute { Attribute("method", method.rawValue) }
  /// Where a link leads.
  public static func href(_ target: PageTarget) -> Attribute { Attribute("href", target.text) }
  /// Where a form is sent.
  public static func action(_ target: PageTarget) -> Attribute { Attribute("action", target.text) }
}

/// Where a link or a form may lead: a place of the same site, or another site over HTTPS.
public struct PageTarget: Hashable, Sendable {
  /// The first page of the site.
  public static let top = PageTarget(own: "/")

  let text: String

  private init(own text: String) { self.text = text }

  /// nil unless the text is `/path`, `?query`, `#part` or `https://...`, in visible ASCII: all else is written with percent signs in addresses.
  public init?(_ text: String) {
    let isVisible = text.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\\") }
    // `//host` would be another site.
    let isOwn = text.hasPrefix("?") || text.hasPrefix("#") || (text.hasPrefix("/") && !text.hasPrefix("//"))
    guard isVisible, isOwn || (text.hasPrefix("https://") && text.utf8.count > 8) else { return nil }
    self.text = text
  }
}

public struct Element: Hashable, Sendable {
  public let tag: Tag
  public let attributes: [Attribute]
  public let content: [Node]

  /// Content of an element that can have none is left out.
  public init(_ tag: Tag, _ attributes: [Attribute] = [], @NodeBuilder _ content: () -> [Node] = { [] }) {
    self.tag = tag
    self.attributes = attributes
    self.content = tag.isVoid ? [] : content()
  }

  public init(_ tag: Tag, _ text: String) { self.init(tag, []) { text } }
  public init(_ tag: Tag, _ attributes: [Attribute], _ text: String) { self.init(tag, attributes) { text } }
}

/// Puts elements and texts one after another, with `if`, `switch` and `for`.
@resultBuilder
public enum NodeBuilder {
  public static func buildExpression(_ text: String) -> [Node] { [.text(text)] }
  public static func buildExpression(_ element: Element) -> [Node] { [.element(element)] }
  public static func buildExpression(_ nodes: [Node]) -> [Node] { nodes }
  public static func buildBlock(_ parts: [Node]...) -> [Node] { parts.flatMap { $0 } }
  public static func buildOptional(_ part: [Node]?) -> [Node] { part ?? [] }
  public static func buildEither(first: [Node]) -> [Node] { first }
  public static func buildEither(second: [Node]) -> [Node] { second }
  public static func buildArray(_ parts: [[Node]]) -> [Node] { parts.flatMap { $0 } }
}

// MARK: - Writing

enum Escaping {
  /// Text as it stands in a page, between tags and in quotes. What a page cannot hold, as a NUL, is shown as a replacement mark.
  static func append(_ text: String, to bytes: inout [UInt8]) {
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": bytes.append(contentsOf: "&amp;".utf8)
      case "<": bytes.append(contentsOf: "&lt;".utf8)
      case ">": bytes.append(contentsOf: "&gt;".utf8)
      case "\"": bytes.append(contentsOf: "&quot;".utf8)
      case "'": bytes.append(contentsOf: "&#39;".utf8)
      case "\t", "\n", "\r": bytes.append(UInt8(scalar.value))
      default: bytes.append(contentsOf: UTF8.encode(isForbidden(scalar) ? "\u{FFFD}" : scalar) ?? UTF8.encodedReplacementCharacter)
      }
    }
  }

  private static func isForbidden(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || (0xFDD0...0xFDEF).contains(scalar.value) || scalar.value & 0xFFFE == 0xFFFE
  }
}

extension Node {
  func write(to bytes: inout [UInt8]) {
    switch self {
    case .text(let text): Escaping.append(text, to: &bytes)
    case .element(let element): element.write(to: &bytes)
    }
  }
}

extension Element {
  func write(to bytes: inout [UInt8]) {
    bytes += Array("<\(tag.rawValue)".utf8)
    // A browser takes the first of two attributes with one name; so does this.
    var names: Set<String> = []
    for attribute in attributes where names.insert(attribute.name).inserted {
      bytes += Array(" \(attribute.name)".utf8)
      guard let value = attribute.value else { continue }
      bytes += Array("=\"".utf8)
      Escaping.append(value, to: &bytes)
      bytes.append(UInt8(ascii: "\""))
    }
    bytes.append(UInt8(ascii: ">"))
    guard !tag.isVoid else { return }
    // A browser drops the line end that a text field begins with: it is given one to drop.
    if tag == .textarea { bytes.append(0x0A) }
    for node in content { node.write(to: &bytes) }
    bytes += Array("</\(tag.rawValue)>".utf8)
  }
}
