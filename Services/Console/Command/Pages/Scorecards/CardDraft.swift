// A scorecard as somebody edits it: texts, as they were entered, and the file that they make. Nothing that was typed is lost by being wrong.
import Documents
import Domain
import HTTP
import Text

struct CardDraft: Equatable {
  /// A point of a line, or a band: from which value on, and how many points.
  struct Row: Equatable {
    var raw: String
    var points: String
    var isBlank: Bool { raw.isEmpty && points.isEmpty }
  }

  enum Shape: String, CaseIterable { case line, bands }
  /// What happens without a value.
  enum Missing: String, CaseIterable { case leaveOut = "leave_out", points, value }

  struct Indicator: Equatable {
    var key: String
    var en: String
    var zh: String
    var weight: String
    var shape = Shape.line
    var rows: [Row]
    var turns = false
    var missing = Missing.leaveOut
    var standIn = ""
  }

  struct Dimension: Equatable {
    var en: String
    var zh: String
    var weight: String
    var indicators: [Indicator]
  }

  var name: String
  var version: String
  var author: String
  var dimensions: [Dimension]

  /// How the lowest band begins.
  static let lowest = "lowest"
}

// MARK: - From a scorecard

extension CardDraft {
  init(_ card: Scorecard) {
    name = card.name
    version = String(card.version)
    author = card.author
    dimensions = card.dimensions.map { dimension in
      Dimension(
        en: dimension.name.en, zh: dimension.name.zh, weight: CardDraft.text(dimension.weight), indicators: dimension.indicators.map(Indicator.init))
    }
  }

  /// A number as files have it: a decimal where it has an end, else a fraction.
  static func text(_ number: Rational) -> String { number.exactDecimalText ?? number.description }

  /// Indicators that are not weighed yet.
  var unused: [IndicatorKey] {
    let used = Set(dimensions.flatMap { $0.indicators.map(\.key) })
    return IndicatorKey.allCases.filter { !used.contains($0.name) }
  }
}

extension CardDraft.Indicator {
  init(_ indicator: ScorecardIndicator) {
    let text = CardDraft.text
    switch indicator.curve {
    case .line(let points): (shape, rows) = (.line, points.map { CardDraft.Row(raw: text($0.raw), points: text($0.points)) })
    case .bands(let bands):
      (shape, rows) = (.bands, bands.map { CardDraft.Row(raw: $0.from.map(text) ?? CardDraft.lowest, points: text($0.points)) })
    }
    switch indicator.missing {
    case .leaveOut: break
    case .standInPoints(let points): (missing, standIn) = (.points, text(points))
    case .standInValue(let value): (missing, standIn) = (.value, text(value))
    }
    (key, en, zh, weight) = (indicator.key.name, indicator.name.en, indicator.name.zh, text(indicator.weight))
    turns = indicator.mayTurn
  }

  /// One that is added: everything but its names is to be entered.
  init(adding key: IndicatorKey) {
    let name = CardWords.indicator(key.name)
    self.init(key: key.name, en: name.en, zh: name.zh, weight: "", rows: [CardDraft.Row(raw: "", points: ""), CardDraft.Row(raw: "", points: "")])
  }

  /// The curve as far as its texts are numbers, for drawing.
  var curve: Curve? {
    func number(_ text: String) -> Rational? { Rational(text: text) }
    switch shape {
    case .line:
      let points = rows.compactMap { row in number(row.raw).flatMap { raw in number(row.points).map { CurvePoint(raw: raw, points: $0) } } }
      return points.count >= 2 && points.count == rows.count ? .line(points) : nil
    case .bands:
      let bands = rows.enumerated().compactMap { place, row in
        number(row.points).flatMap { points in
          place == 0 ? CurveBand(from: nil, points: points) : number(row.raw).map { CurveBand(from: $0, points: points) }
        }
      }
      return !bands.isEmpty && bands.count == rows.count ? .bands(bands) : nil
    }
  }
}

// MARK: - From a form

/// The names of the form's fields.
enum CardField {
  static func dimension(_ place: Int, _ part: String) -> String { "d\(place).\(part)" }
  static func indicator(_ place: Int, _ other: Int, _ part: String) -> String { "d\(place).i\(other).\(part)" }
  static func row(_ place: Int, _ other: Int, _ row: Int, _ part: String) -> String { "d\(place).i\(other).r\(row).\(part)" }

  /// The field that a fault of the file is about: `dimensions[0].indicators[1].curve.points[2][0]` is `d0.i1.r2.raw`.
  static func of(fault path: String) -> String {
    var parts = path.split(whereSeparator: { ".[]".contains($0) }).map(String.init)[...]
    guard parts.first == "dimensions", parts.count > 1 else { return parts.first ?? "" }
    let dimension = "d" + parts[1]
    parts = parts.dropFirst(2)
    guard parts.first == "indicators", parts.count > 1 else { return dimension + "." + (parts.first == "name" ? parts.last ?? "" : parts.first ?? "weight") }
    let indicator = dimension + ".i" + parts[parts.startIndex + 1]
    parts = parts.dropFirst(2)
    switch parts.first {
    case "curve": return indicator + "." + curve(Array(parts.dropFirst()))
    case "name": return indicator + "." + (parts.last ?? "en")
    case let other: return indicator + "." + (other ?? "weight")
    }
  }

  private static func curve(_ parts: [String]) -> String {
    guard parts.count > 1 else { return "curve" }
    let last = parts.count > 2 ? parts[2] : ""
    return "r\(parts[1])." + (last == "1" || last == "points" ? "points" : "raw")
  }
}

extension CardDraft {
  /// What a form holds, as it was entered. What is empty in a curve is left out; what was marked to go is gone, what was asked for is added.
  init(_ form: QueryItems) {
    func text(_ name: String) -> String { (form[name] ?? "").trimmed }
    name = text("scorecard")
    version = text("version")
    author = text("author")
    dimensions = []
    var place = 0
    while form[CardField.dimension(place, "en")] != nil {
      if form[CardField.dimension(place, "remove")] == nil { dimensions.append(CardDraft.dimension(place, form)) }
      place += 1
    }
    for number in dimensions.indices {
      for key in dimensions[number].indicators.indices { dimensions[number].indicators[key].settle() }
    }
    // What was added stands in one dimension only, though two may have asked for it.
    place = 0
    var target = 0
    while form[CardField.dimension(place, "en")] != nil {
      guard form[CardField.dimension(place, "remove")] == nil else {
        place += 1
        continue
      }
      if let key = form[CardField.dimension(place, "add")].flatMap({ IndicatorKey(name: $0) }), unused.contains(key) {
        dimensions[target].indicators.append(Indicator(adding: key))
      }
      (place, target) = (place + 1, target + 1)
    }
    if form["more"] != nil { dimensions.append(Dimension(en: "", zh: "", weight: "", indicators: [])) }
  }

  private static func dimension(_ place: Int, _ form: QueryItems) -> Dimension {
    func text(_ part: String) -> String { (form[CardField.dimension(place, part)] ?? "").trimmed }
    var indicators: [Indicator] = []
    var number = 0
    while let key = form[CardField.indicator(place, number, "key")] {
      if form[CardField.indicator(place, number, "remove")] == nil { indicators.append(indicator(place, number, key, form)) }
      number += 1
    }
    return Dimension(en: text("en"), zh: text("zh"), weight: text("weight"), indicators: indicators)
  }

  private static func indicator(_ place: Int, _ number: Int, _ key: String, _ form: QueryItems) -> Indicator {
    func text(_ part: String) -> String { (form[CardField.indicator(place, number, part)] ?? "").trimmed }
    var rows: [Row] = []
    var row = 0
    while let raw = form[CardField.row(place, number, row, "raw")], row <= Curve.stepsCountMax {
      rows.append(Row(raw: raw.trimmed, points: (form[CardField.row(place, number, row, "points")] ?? "").trimmed))
      row += 1
    }
    return Indicator(
      key: key, en: text("en"), zh: text("zh"), weight: text("weight"), shape: Shape(rawValue: text("shape")) ?? .line, rows: rows,
      turns: form[CardField.indicator(place, number, "turns")] != nil, missing: Missing(rawValue: text("missing")) ?? .leaveOut, standIn: text("stand_in"))
  }
}

extension CardDraft.Indicator {
  /// Empty rows go, and the first band begins below everything whatever stood there.
  fileprivate mutating func settle() {
    rows = rows.filter { !$0.isBlank && !($0.raw == CardDraft.lowest && $0.points.isEmpty) }
    guard !rows.isEmpty else { return }
    if shape == .bands { rows[0].raw = CardDraft.lowest }
    if shape == .line, rows[0].raw == CardDraft.lowest { rows[0].raw = "" }
  }
}

extension String {
  /// Without blanks at its ends.
  var trimmed: String { TextNormal.trimmed(self) }
}

// MARK: - To a file

extension CardDraft {
  /// The file, whatever was entered: what is no number stands in quotes, and is told as a fault.
  var yaml: String {
    var lines = ["scorecard: \(CardDraft.word(name))", "version: \(CardDraft.number(version))", "author: \(CardDraft.quoted(author))", "dimensions:"]
    if dimensions.isEmpty { lines[3] += " []" }
    for dimension in dimensions {
      lines.append("  - name: {en: \(CardDraft.quoted(dimension.en)), zh: \(CardDraft.quoted(dimension.zh))}")
      lines.append("    weight: \(CardDraft.number(dimension.weight))")
      lines.append("    indicators:" + (dimension.indicators.isEmpty ? " []" : ""))
      lines += dimension.indicators.flatMap(\.lines)
    }
    return (lines + ["end: true", ""]).joined(separator: "\n")
  }

  fileprivate static func quoted(_ text: String) -> String { JSONValue.text(text).encodedText }

  /// A plain word where it can be one.
  fileprivate static func word(_ text: String) -> String {
    let isPlain = !text.isEmpty && text.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x5F }
    return isPlain && text.utf8.first != 0x2D ? text : quoted(text)
  }

  fileprivate static func number(_ text: String) -> String { Rational(text: text) == nil ? quoted(text) : text }
}

extension CardDraft.Indicator {
  fileprivate var lines: [String] {
    let number = CardDraft.number
    let steps =
      switch shape {
      case .line: "points: [" + rows.map { "[\(number($0.raw)), \(number($0.points))]" }.joined(separator: ", ") + "]"
      case .bands:
        "bands: ["
          + rows.map { "{from: \($0.raw == CardDraft.lowest ? $0.raw : number($0.raw)), points: \(number($0.points))}" }.joined(separator: ", ") + "]"
      }
    let without = missing == .leaveOut ? missing.rawValue : "{\(missing.rawValue): \(number(standIn))}"
    return [
      "      - key: \(CardDraft.word(key))", "        name: {en: \(CardDraft.quoted(en)), zh: \(CardDraft.quoted(zh))}",
      "        weight: \(number(weight))", "        unit: \(IndicatorKey(name: key)?.unit.rawValue ?? IndicatorUnit.count.rawValue)",
      "        curve: {\(steps)\(turns ? ", turns: true" : "")}", "        missing: \(without)",
    ]
  }
}

/// A scorecard's file as somebody begins with it.
enum CardFile {
  /// The same file under another version and author, and without a state, which the service keeps. Comments stay.
  static func raised(_ yaml: String, version: Int, author: String) -> String {
    yaml.split(separator: "\n", omittingEmptySubsequences: false).compactMap { line in
      if line.hasPrefix("state:") { return nil }
      if line.hasPrefix("version:") { return "version: \(version)" }
      if line.hasPrefix("author:") { return "author: \(CardDraft.quoted(author))" }
      return String(line)
    }.joined(separator: "\n")
  }
}
