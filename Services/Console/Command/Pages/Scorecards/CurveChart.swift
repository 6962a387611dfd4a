// The curves of a scorecard, drawn over the indicator's own values: lines through points, steps of bands.
import Domain
import HTML

enum CurveChart {
  struct Drawn {
    let curve: Curve
    /// A word of the style sheet for its colour.
    var color = "a"
  }

  private static let (width, height, left, right, top, bottom) = (360.0, 150.0, 36.0, 14.0, 8.0, 24.0)

  static func element(_ title: String, _ drawn: [Drawn]) -> Element {
    let (least, most) = range(drawn.map(\.curve))
    func x(_ value: Double) -> Double { left + (value - least) / max(most - least, 1e-9) * (width - left - right) }
    func y(_ points: Double) -> Double { top + (1 - min(max(points, 0), 100) / 100) * (height - top - bottom) }
    return Element(.svg, [.class("chart curve"), .label(.viewBox, "0 0 360 150"), .label(.role, "img"), .label(.spoken, title)]) {
      Element(.title, title)
      for points in [0.0, 50, 100] {
        Element(.line, [.class("grid"), .measure(.x1, left), .measure(.x2, width - right), .measure(.y1, y(points)), .measure(.y2, y(points))])
        Element(.text, [.class("label"), .measure(.x, left - 6), .measure(.y, y(points) + 4), .label(.anchor, "end")], Drawing.number(points))
      }
      for value in labels(drawn.map(\.curve), least, most) {
        let anchor = value == least ? "start" : value == most ? "end" : "middle"
        Element(.text, [.class("label"), .measure(.x, x(value)), .measure(.y, height - 6), .label(.anchor, anchor)], short(value))
      }
      for one in drawn {
        let corners = corners(one.curve, least, most)
        Element(.polyline, [.class("line-\(one.color)"), .label(.points, Drawing.points(corners.map { (x($0.raw), y($0.points)) }))])
        if case .line(let points) = one.curve {
          for point in points {
            Element(
              .circle,
              [.class("fill-\(one.color)"), .measure(.cx, x(point.raw.double)), .measure(.cy, y(point.points.double)), .measure(.r, 3)])
          }
        }
      }
    }
  }

  /// What lies between the first and the last value that anything changes at, and something on both sides of it.
  private static func range(_ curves: [Curve]) -> (Double, Double) {
    let values = curves.flatMap { curve in
      switch curve {
      case .line(let points): points.map(\.raw.double)
      case .bands(let bands): bands.compactMap { $0.from?.double }
      }
    }
    guard let least = values.min(), let most = values.max() else { return (0, 1) }
    let room = most > least ? (most - least) * 0.08 : 1
    let isBanded = curves.contains { if case .bands = $0 { true } else { false } }
    guard isBanded else { return (least, most) }
    // What counts something begins at nothing.
    return (least > 0 ? 0 : least - room * 2, most + (most - min(0, least)) * 0.15)
  }

  /// Values that stand below the drawing: both ends of lines, the beginnings of bands.
  private static func labels(_ curves: [Curve], _ least: Double, _ most: Double) -> [Double] {
    var starts: [Double] = []
    for case .bands(let bands) in curves { starts += bands.compactMap { $0.from?.double } }
    guard !starts.isEmpty else { return [least, most] }
    return Array(Set(starts)).sorted().prefix(6) + []
  }

  private static func corners(_ curve: Curve, _ least: Double, _ most: Double) -> [(raw: Double, points: Double)] {
    switch curve {
    case .line(let points):
      let inside = points.map { (raw: $0.raw.double, points: $0.points.double) }
      guard let first = inside.first, let last = inside.last else { return [] }
      return [(least, first.points)] + inside + [(most, last.points)]
    case .bands(let bands):
      var (corners, before): ([(raw: Double, points: Double)], Double?) = ([], nil)
      for band in bands {
        let from = band.from?.double ?? least
        if let before { corners.append((from, before)) }
        corners.append((from, band.points.double))
        before = band.points.double
      }
      return corners + (before.map { [(most, $0)] } ?? [])
    }
  }

  private static func short(_ value: Double) -> String {
    if abs(value) >= 1_000_000 { return Drawing.number(value / 1_000_000) + "M" }
    if abs(value) >= 10_000 { return Drawing.number((value / 100).rounded() / 10) + "k" }
    return Drawing.number(value)
  }
}

extension Rational {
  /// For drawings.
  var double: Double { Double(numerator) / Double(denominator) }
}
