// A table of figures: on the page, and as a file for spreadsheets.
import Domain
import HTML
import Text

/// What stands in a cell.
enum Cell {
  case text(String)
  /// Set to the right.
  case number(String)
  /// A number as people read it, and as a spreadsheet counts with it; the site's script renews it where it has a name.
  case figure(String, file: String, live: String? = nil)
  /// Where it leads is not in the file.
  case link(String, PageTarget?)
  /// For people on the page, and as a text for the file.
  case shown([Node], plain: String)

  var plain: String {
    switch self {
    case .text(let text), .link(let text, _): text
    case .number(let text): Cell.bare(text)
    case .figure(_, let text, _): text
    case .shown(_, let text): text
    }
  }

  /// A number as spreadsheets read it: without the marks that help people, and nothing where there is none.
  private static func bare(_ text: String) -> String {
    guard text != "–" else { return "" }
    let plain = String(text.compactMap { $0 == "," ? nil : $0 == "−" ? "-" : $0 })
    return plain.allSatisfy { $0.isASCII && ($0.isNumber || $0 == "." || $0 == "-") } ? plain : text
  }
}

struct DataTable {
  /// The query's name for the table that is wanted as a file.
  static let parameter = "csv"

  /// Names the table in addresses and files: lower case letters and hyphens.
  let id: String
  let caption: String
  let columns: [String]
  var rows: [[Cell]]

  init(_ id: String, _ caption: String, _ columns: [String], _ rows: [[Cell]]) {
    self.id = id
    self.caption = caption
    self.columns = columns
    self.rows = rows
  }

  /// - Parameter hasFile: whether the page answers to the table's name in its address.
  func element(_ visit: Visit, empty: String, hasFile: Bool = true) -> Element {
    Element(.div, [.class("table"), .label(.role, "region"), .label(.labelled, "table-\(id)"), .label(.tabindex, "0")]) {
      Element(.table) {
        Element(.caption, [.id("table-\(id)")]) {
          caption
          if hasFile, !rows.isEmpty { Element(.a, [.class("file")] + Parts.href(visit.here([(name: DataTable.parameter, value: id)])), "CSV") }
        }
        Element(.thead) {
          Element(.tr) { for (place, column) in columns.enumerated() { Element(.th, [.label(.scope, "col")] + numeric(place), column) } }
        }
        Element(.tbody) {
          if rows.isEmpty { Element(.tr) { Element(.td, [.label(.colspan, String(columns.count)), .class("empty")], empty) } }
          for row in rows {
            Element(.tr) { for (place, cell) in row.enumerated() { DataTable.element(cell, isFirst: place == 0) } }
          }
        }
      }
    }
  }

  /// The head of a column of numbers stands above them.
  private func numeric(_ place: Int) -> [Attribute] {
    guard let first = rows.first, place < first.count else { return [] }
    return switch first[place] {
    case .number, .figure: [.class("number")]
    default: []
    }
  }

  private static func element(_ cell: Cell, isFirst: Bool) -> Element {
    let tag: Tag = isFirst ? .th : .td
    let scope: [Attribute] = isFirst ? [.label(.scope, "row")] : []
    return switch cell {
    case .text(let text): Element(tag, scope, text)
    case .number(let text): Element(tag, scope + [.class("number")], text)
    case .figure(let text, _, let name): Element(tag, scope + [.class("number")] + (name.map { [.label(.live, $0)] } ?? []), text)
    case .link(let text, let target): Element(tag, scope) { Parts.link(text, target) }
    case .shown(let nodes, _): Element(tag, scope) { nodes }
    }
  }

  /// For spreadsheets, which run no formula of it.
  var csv: [UInt8] {
    var writer = DelimitedWriter(hasByteOrderMark: true)
    writer.record(columns)
    for row in rows { writer.record(row.map(\.plain)) }
    return writer.take()
  }
}
