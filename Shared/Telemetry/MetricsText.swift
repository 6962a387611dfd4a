// Prometheus' text format 0.0.4.

/// Builds the text, one metric after the other.
struct MetricsText {
  private(set) var text = ""

  mutating func append(_ name: String, _ family: Metrics.Family) {
    self.text += "# HELP \(name) \(Self.escaped(family.help, quotes: false))\n# TYPE \(name) \(family.kind.rawValue)\n"
    let ordered = family.series.sorted { left, right in
      left.key.pairs.lexicographicallyPrecedes(right.key.pairs) { ($0.name, $0.value) < ($1.name, $1.value) }
    }
    for (labels, series) in ordered {
      switch series {
      case .counter(let counter): self.line(name, labels, String(counter.value))
      case .gauge(let gauge): self.line(name, labels, Self.number(gauge.value))
      case .read(let read): self.line(name, labels, Self.number(read()))
      case .histogram(let histogram): self.lines(name, labels, histogram)
      }
    }
  }

  private mutating func lines(_ name: String, _ labels: MetricLabels, _ histogram: Histogram) {
    let snapshot = histogram.snapshot
    var total = 0
    for (bound, count) in zip(histogram.bounds + [.infinity], snapshot.counts) {
      total += count
      self.line(name + "_bucket", labels, String(total), bound: Self.number(bound))
    }
    self.line(name + "_sum", labels, Self.number(snapshot.sum))
    self.line(name + "_count", labels, String(total))
  }

  private mutating func line(_ name: String, _ labels: MetricLabels, _ value: String, bound: String? = nil) {
    self.text += name
    var parts = labels.pairs.map { "\($0.name)=\"\(Self.escaped($0.value, quotes: true))\"" }
    if let bound { parts.append("le=\"\(bound)\"") }
    if !parts.isEmpty { self.text += "{" + parts.joined(separator: ",") + "}" }
    self.text += " " + value + "\n"
  }

  /// Go's way of writing numbers, which readers of the format expect for the three special ones.
  static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    if let whole = Int64(exactly: value), abs(value) < 1e15 { return String(whole) }
    return "\(value)"
  }

  private static func escaped(_ text: String, quotes: Bool) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": escaped += "\\\\"
      case "\n": escaped += "\\n"
      case "\"" where quotes: escaped += "\\\""
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }
}
