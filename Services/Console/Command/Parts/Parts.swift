// The parts that pages are put together from: forms and their fields, notices, lists of facts, tiles.
import ConsoleCore
import Domain
import HTML
import HTTP
import Text

enum Parts {
  static func href(_ target: PageTarget?) -> [Attribute] { target.map { [.href($0)] } ?? [] }
  static func action(_ target: PageTarget?) -> [Attribute] { target.map { [.action($0)] } ?? [] }

  /// A link; what leads nowhere stays a text.
  static func link(_ text: String, _ target: PageTarget?) -> Element { target.map { Element(.a, [.href($0)], text) } ?? Element(.span, text) }

  static func hidden(_ name: String, _ value: String) -> Element { Element(.input, [.input(.hidden), .label(.name, name), .label(.value, value)]) }

  /// What every form of somebody who is signed in holds.
  static func token(_ visit: Visit) -> [Node] {
    guard let token = try? visit.caller?.secret.formToken else { return [] }
    return [.element(hidden(FormToken.field, token))]
  }

  /// A form that does something, with what it must hold.
  static func form(_ visit: Visit, _ target: PageTarget?, _ more: [Attribute] = [], @NodeBuilder _ content: () -> [Node]) -> Element {
    let inside = content()
    return Element(.form, [.method(.post)] + action(target) + more) {
      token(visit)
      inside
    }
  }

  /// A form that asks, by the address of a page.
  static func search(_ target: PageTarget?, _ spoken: String, @NodeBuilder _ content: () -> [Node]) -> Element {
    let inside = content()
    return Element(.form, [.method(.get), .class("filters"), .label(.role, "search"), .label(.spoken, spoken)] + action(target)) { inside }
  }

  /// A line of text with its name above it.
  ///
  /// - Parameters:
  ///   - more: further attributes of the input.
  ///   - fault: what is wrong with what was entered.
  static func field(
    _ label: String, _ name: String, value: String = "", _ more: [Attribute] = [], type: Attribute.Input = .text, fault: String? = nil
  ) -> Element {
    entry(label, name, fault) { described in
      Element(.input, [.input(type), .id("field-\(name)"), .label(.name, name), .label(.value, value)] + more + described)
    }
  }

  /// Several lines of text.
  static func area(_ label: String, _ name: String, value: String = "", rows: Int = 4, _ more: [Attribute] = [], fault: String? = nil) -> Element {
    entry(label, name, fault) { described in
      Element(.textarea, [.id("field-\(name)"), .label(.name, name), .label(.rows, String(rows))] + more + described, value)
    }
  }

  /// One of several.
  static func choice(
    _ label: String, _ name: String, _ options: [(value: String, text: String)], chosen: String?, _ more: [Attribute] = [], fault: String? = nil
  ) -> Element {
    entry(label, name, fault) { described in
      Element(.select, [.id("field-\(name)"), .label(.name, name)] + more + described) {
        for option in options {
          Element(.option, [.label(.value, option.value)] + Attribute.on(.selected, if: option.value == chosen), option.text)
        }
      }
    }
  }

  private static func entry(_ label: String, _ name: String, _ fault: String?, _ input: ([Attribute]) -> Element) -> Element {
    Element(.div, [.class("field")]) {
      Element(.label, [.label(.for, "field-\(name)")], label)
      input(fault == nil ? [] : [.label(.described, "fault-\(name)"), .label(.invalid, "true")])
      if let fault { Element(.p, [.class("fault"), .id("fault-\(name)")], fault) }
    }
  }

  /// Names with what they stand for.
  static func facts(_ facts: [(name: String, value: [Node])]) -> Element {
    Element(.dl, [.class("facts")]) {
      for fact in facts {
        Element(.div) {
          Element(.dt, fact.name)
          Element(.dd) { fact.value }
        }
      }
    }
  }

  static func facts(_ facts: [(name: String, value: String)]) -> Element { self.facts(facts.map { ($0.name, [.text($0.value)]) }) }

  /// A figure in large letters.
  ///
  /// - Parameter live: the name by which the site's script puts newer ones here.
  static func tile(_ name: String, _ value: String, _ note: String = "", target: PageTarget? = nil, live: String? = nil) -> Element {
    Element(.div, [.class("tile")]) {
      Element(.p, [.class("name")]) { link(name, target) }
      Element(.p, [.class("value")] + (live.map { [.label(.live, $0)] } ?? []), value)
      if !note.isEmpty { Element(.p, [.class("note")] + (live.map { [.label(.live, $0 + ".note")] } ?? []), note) }
    }
  }

  /// A word with a colour of its own; the word alone says it too.
  static func badge(_ text: String, _ kind: Badge = .plain) -> Element { Element(.span, [.class("badge \(kind.rawValue)")], text) }

  enum Badge: String { case plain, good, warn, bad }

  /// The ways to the pages of a section.
  static func tabs(_ spoken: String, _ tabs: [(text: String, target: PageTarget?, isHere: Bool)]) -> Element {
    Element(.nav, [.class("tabs"), .label(.spoken, spoken)]) {
      Element(.ul) {
        for tab in tabs {
          Element(.li) { Element(.a, Parts.href(tab.target) + (tab.isHere ? [.label(.current, "page")] : []), tab.text) }
        }
      }
    }
  }

  /// As much as stands in one line of a list; a Chinese character counts for two.
  static func brief(_ text: String, width widthMax: Int = 72) -> String {
    var (kept, width) = ("", 0)
    for character in text {
      width += character.isASCII ? 1 : 2
      guard width <= widthMax else { return kept + "…" }
      kept.append(character)
    }
    return kept
  }

  /// The way to the next page of a list.
  static func pager(_ visit: Visit, next: String?, parameter: String = "before") -> [Node] {
    guard let next else { return [] }
    return [
      .element(
        Element(.nav, [.class("pager"), .label(.spoken, visit.say("Pages", "分页"))]) {
          link(visit.say("Further on", "下一页"), visit.here([(name: parameter, value: next)]))
        })
    ]
  }
}

enum Notice {
  static func fault(_ text: String) -> Element { Element(.div, [.class("notice bad"), .label(.role, "alert")]) { Element(.p, text) } }
  static func good(_ text: String) -> Element { Element(.div, [.class("notice good"), .label(.role, "status")]) { Element(.p, text) } }
  static func plain(_ text: String) -> Element { Element(.div, [.class("notice")]) { Element(.p, text) } }

  /// Why a service gave no answer, for people.
  static func failure(_ failure: PeerFailure, _ visit: Visit) -> Element {
    switch failure {
    case .away(let peer):
      plain(visit.say("The service \(peer.rawValue) does not answer just now. What it knows is missing here.", "服务 \(peer.rawValue) 暂时没有响应，此处缺少它的数据。"))
    case .refused(403, _, _, _): plain(visit.say("Your roles do not let you see this.", "您的角色无权查看此内容。"))
    case .refused(404, _, _, _): plain(visit.say("There is nothing here.", "没有找到内容。"))
    case .refused(_, let title, let detail, let faults):
      Element(.div, [.class("notice bad"), .label(.role, "alert")]) {
        Element(.p, detail ?? title)
        if !faults.isEmpty {
          Element(.ul) { for fault in faults { Element(.li) { Element(.strong, fault.field); ": \(fault.detail)" } } }
        }
      }
    }
  }
}

/// A part of a page that one service fills: where that does not answer, the rest of the page stands.
typealias Section = Result<JSONValue, PeerFailure>

extension PeerAPI {
  /// The same as ``get(_:_:_:headers:)``, for a part of a page.
  func section(_ peer: Peer, _ path: String, _ query: [(name: String, value: String?)] = []) async -> Section {
    do throws(PeerFailure) { return .success(try await get(peer, path, query)) } catch { return .failure(error) }
  }
}

extension Section {
  var json: JSONValue? { if case .success(let json) = self { json } else { nil } }

  /// What is shown of it, or why nothing can be.
  @NodeBuilder func shown(_ visit: Visit, @NodeBuilder _ content: (JSONValue) -> [Node]) -> [Node] {
    switch self {
    case .success(let json): content(json)
    case .failure(let failure): Notice.failure(failure, visit)
    }
  }
}
