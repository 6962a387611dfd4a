// Charts drawn on the server (SVG). Each says in words what it shows, and stands beside a table with its numbers.
import HTML

enum Chart {
  /// One bar of a chart.
  struct Bar {
    let label: String
    let value: Double
    /// As people read it.
    let text: String
    /// A word of the style sheet for its colour: `a` to `f`, `good`, `warn`, `bad`.
    var color = "a"
  }

  private static let rowHeight = 26.0
  private static let width = 640.0
  private static let labelWidth = 212.0
  private static let textWidth = 116.0
  /// Longer labels would run out of the drawing; the table beside it has them whole.
  private static let labelLetters = 26

  /// Bars one below another; what is negative goes to the left.
  static func bars(_ title: String, _ bars: [Bar]) -> Element {
    let values = bars.map { drawn($0.value) }
    let (least, most) = (min(0, values.min() ?? 0), max(0, values.max() ?? 0))
    let range = max(most - least, leastRange)
    let room = width - labelWidth - textWidth
    func x(_ value: Double) -> Double { labelWidth + (value - least) / range * room }
    let height = Double(bars.count) * rowHeight + 8
    return drawing(title, height: height) {
      Element(.line, [.class("axis"), .measure(.x1, x(0)), .measure(.x2, x(0)), .measure(.y1, 0), .measure(.y2, height)])
      for (place, (bar, value)) in zip(bars, values).enumerated() {
        let y = Double(place) * rowHeight + 6
        let (from, to) = (min(x(0), x(value)), max(x(0), x(value)))
        let label = Parts.brief(bar.label, width: labelLetters)
        Element(.text, [.class("label"), .measure(.x, labelWidth - 8), .measure(.y, y + 14), .label(.anchor, "end")], label)
        Element(
          .rect,
          [.class("fill-\(bar.color)"), .measure(.x, from), .measure(.y, y), .measure(.width, max(1, to - from)), .measure(.height, rowHeight - 8),
            .measure(.rx, 2)])
        Element(.text, [.class("value"), .measure(.x, to + 6), .measure(.y, y + 14)], bar.text)
      }
    }
  }

  /// Values over time: one line for each series, over labels below.
  struct Line {
    let name: String
    /// nil: nothing is known there.
    let values: [Double?]
    var color = "a"
  }

  static func lines(_ title: String, _ labels: [String], _ lines: [Line], zero: Bool = true) -> Element {
    let (height, left, bottom, top) = (240.0, 56.0, 28.0, 12.0)
    let series = lines.map { line in line.values.map { $0.map(drawn) } }
    let all = series.flatMap { $0.compactMap(\.self) }
    let (smallest, greatest) = (zero ? min(0, all.min() ?? 0) : all.min() ?? 0, all.max() ?? 1)
    // Lines of the grid stand at round figures.
    let distance = round(upTo: max(greatest - smallest, leastRange, greatest.magnitude * 1e-6) / 4)
    let least = (smallest / distance).rounded(.down) * distance
    let parts = max(1, Int(((greatest - least) / distance).rounded(.up)))
    let range = Double(parts) * distance
    func x(_ place: Int) -> Double { left + (labels.count < 2 ? 0 : Double(place) / Double(labels.count - 1) * (width - left - 24)) }
    func y(_ value: Double) -> Double { top + (1 - (value - least) / range) * (height - bottom - top) }
    // No more labels than can be read.
    let step = max(1, (labels.count + 7) / 8)
    return drawing(title, height: height) {
      for part in 0...parts {
        let value = least + distance * Double(part)
        Element(.line, [.class("grid"), .measure(.x1, left), .measure(.x2, width - 16), .measure(.y1, y(value)), .measure(.y2, y(value))])
        Element(.text, [.class("label"), .measure(.x, left - 6), .measure(.y, y(value) + 4), .label(.anchor, "end")], tick(value, range))
      }
      for (place, label) in labels.enumerated() where place % step == 0 {
        Element(.text, [.class("label"), .measure(.x, x(place)), .measure(.y, height - 8), .label(.anchor, "middle")], label)
      }
      for (line, values) in zip(lines, series) {
        for piece in pieces(values) {
          Element(.polyline, [.class("line-\(line.color)"), .label(.points, Drawing.points(piece.map { (x($0.place), y($0.value)) }))])
          for point in piece { Element(.circle, [.class("fill-\(line.color)"), .measure(.cx, x(point.place)), .measure(.cy, y(point.value)), .measure(.r, 3)]) }
        }
      }
    }
  }

  /// Which colour is which line.
  static func legend(_ lines: [Line]) -> Element {
    Element(.ul, [.class("legend")]) { for line in lines { Element(.li, [.class("key-\(line.color)")], line.name) } }
  }

  // MARK: - Parts

  /// Numbers of services' answers may be any: a drawing of what no business has must end, too.
  private static func drawn(_ value: Double) -> Double { value.isNaN ? 0 : min(max(value, -largest), largest) }
  private static let largest = 1e15
  private static let leastRange = 1e-9

  private static func drawing(_ title: String, height: Double, @NodeBuilder _ content: () -> [Node]) -> Element {
    let inside = content()
    return Element(
      .svg, [.class("chart"), .label(.viewBox, "0 0 \(Drawing.number(width)) \(Drawing.number(height))"), .label(.role, "img"), .label(.spoken, title)]
    ) {
      Element(.title, title)
      inside
    }
  }

  private static func pieces(_ values: [Double?]) -> [[(place: Int, value: Double)]] {
    var (pieces, piece): ([[(place: Int, value: Double)]], [(place: Int, value: Double)]) = ([], [])
    for (place, value) in values.enumerated() {
      if let value { piece.append((place, value)) } else if !piece.isEmpty {
        pieces.append(piece)
        piece = []
      }
    }
    return piece.isEmpty ? pieces : pieces + [piece]
  }

  /// 1, 2, 2.5 or 5 times a power of ten, and no less than what is given.
  private static func round(upTo value: Double) -> Double {
    var power = 1.0
    while power > value { power /= 10 }
    while power * 10 <= value { power *= 10 }
    return ([1, 2, 2.5, 5, 10].first { $0 * power >= value * 0.999_999 } ?? 10) * power
  }

  private static func tick(_ value: Double, _ range: Double) -> String {
    if abs(value) >= 1_000_000 { return Drawing.number((value / 100_000).rounded() / 10) + "M" }
    if abs(value) >= 10_000 { return Drawing.number((value / 100).rounded() / 10) + "k" }
    return Drawing.number(range >= 8 ? value.rounded() : value)
  }

}
