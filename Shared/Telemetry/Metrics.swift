// The registry of everything a process counts, and its text for Prometheus.
import Synchronization

/// All metrics of a process. Asking twice for the same name and labels gives the same handle.
///
/// Names follow Prometheus: `_total` on counters only, base units in the name (`_seconds`, `_bytes`). A request that breaks a rule gets a
/// handle that works but may not be shown; `faults` says what is wrong, and a test of every service expects none.
public final class Metrics: Sendable {
  /// Series of one metric unless said otherwise; what exceeds it is counted together under the label value `overflow`.
  public static let seriesMaxDefault = 500
  /// Faults kept for reading.
  public static let faultsMax = 100

  enum Kind: String {
    case counter, gauge, histogram
  }

  enum Series: Sendable {
    case counter(Counter)
    case gauge(Gauge)
    case histogram(Histogram)
    case read(@Sendable () -> Double)
  }

  struct Family {
    let kind: Kind
    let help: String
    let labelNames: [String]
    let bounds: [Double]
    var series: [MetricLabels: Series] = [:]
  }

  private struct State {
    var families: [String: Family] = [:]
    var faults: [String] = []
    var overflows = 0

    mutating func fault(_ text: String) {
      if self.faults.count < Metrics.faultsMax, !self.faults.contains(text) { self.faults.append(text) }
    }
  }

  /// Most series of one metric, without the one for the rest.
  public let seriesMax: Int
  private let state = Mutex(State())

  public init(seriesMax: Int = Metrics.seriesMaxDefault) { self.seriesMax = max(1, seriesMax) }

  /// A number that only grows.
  /// - Parameters:
  ///   - name: ends in `_total`, with the unit before it where there is one.
  ///   - help: one sentence for the reader of a dashboard.
  public func counter(_ name: String, help: String, labels: MetricLabels = .none) -> Counter {
    let fresh = Counter()
    guard case .counter(let known) = self.series(name, .counter, help, labels, [], fresh: .counter(fresh)) else { return fresh }
    return known
  }

  /// A counter that is kept elsewhere and read whenever the text is made. Registering it again replaces the closure.
  public func counter(_ name: String, help: String, labels: MetricLabels = .none, read: @escaping @Sendable () -> Double) {
    _ = self.series(name, .counter, help, labels, [], fresh: .read(read))
  }

  /// A number that rises and falls.
  public func gauge(_ name: String, help: String, labels: MetricLabels = .none) -> Gauge {
    let fresh = Gauge()
    guard case .gauge(let known) = self.series(name, .gauge, help, labels, [], fresh: .gauge(fresh)) else { return fresh }
    return known
  }

  /// A gauge that is kept elsewhere and read whenever the text is made. Registering it again replaces the closure.
  public func gauge(_ name: String, help: String, labels: MetricLabels = .none, read: @escaping @Sendable () -> Double) {
    _ = self.series(name, .gauge, help, labels, [], fresh: .read(read))
  }

  /// How often values fell into which range.
  /// - Parameter bounds: upper bounds, growing; the first registration of a name decides.
  public func histogram(
    _ name: String, help: String, bounds: [Double] = Histogram.secondsBounds, labels: MetricLabels = .none
  ) -> Histogram {
    let shared = self.state.withLock { $0.families[name]?.bounds } ?? bounds
    let fresh = Histogram(bounds: shared)
    let series = self.series(name, .histogram, help, labels, bounds, fresh: .histogram(fresh))
    guard case .histogram(let known) = series else { return fresh }
    return known
  }

  /// Takes a series out of the text, for example when its partition went to another process. Handles keep working, unseen.
  public func remove(_ name: String, labels: MetricLabels = .none) {
    _ = self.state.withLock { $0.families[name]?.series.removeValue(forKey: labels) }
  }

  /// What is wrong with the metrics that were asked for; empty in a correct program.
  public var faults: [String] { self.state.withLock { $0.faults } }

  /// All metrics in Prometheus' text format 0.0.4, ordered by name and labels. The media type is `Metrics.contentType`.
  public func render() -> String {
    let (families, overflows) = self.state.withLock { ($0.families, $0.overflows) }
    var text = MetricsText()
    for (name, family) in families.sorted(by: { $0.key < $1.key }) where !family.series.isEmpty { text.append(name, family) }
    if overflows > 0 {
      let overflow = Family(
        kind: .counter, help: "Series that were asked for beyond the limit of their metric.", labelNames: [], bounds: [],
        series: [.none: .read { Double(overflows) }])
      text.append("telemetry_series_overflow_total", overflow)
    }
    return text.text
  }

  /// Media type of `render()`.
  public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

  /// The series to use: the known one, the new one, or the one for the rest. A fault leaves the new one unregistered.
  private func series(
    _ name: String, _ kind: Kind, _ help: String, _ labels: MetricLabels, _ bounds: [Double], fresh: Series
  ) -> Series {
    self.state.withLock { state in
      if let fault = MetricRules.fault(name: name, kind: kind, help: help, labels: labels) {
        state.fault(fault)
        return fresh
      }
      var family = state.families[name] ?? Family(kind: kind, help: help, labelNames: labels.names, bounds: bounds)
      guard family.kind == kind, family.labelNames == labels.names else {
        state.fault("\(name): a \(kind) with labels \(labels.names) was before a \(family.kind) with labels \(family.labelNames)")
        return fresh
      }
      var place = labels
      if family.series[place] == nil, family.series.count >= self.seriesMax {
        place = labels.overflow
        state.overflows += 1
      }
      let series = Self.chosen(known: family.series[place], fresh: fresh)
      family.series[place] = series
      state.families[name] = family
      return series
    }
  }

  private static func chosen(known: Series?, fresh: Series) -> Series {
    if case .read = fresh { return fresh }
    guard let known else { return fresh }
    if case .read = known { return fresh }
    return known
  }
}

/// The rules a metric's name, help and labels must keep.
enum MetricRules {
  static func fault(name: String, kind: Metrics.Kind, help: String, labels: MetricLabels) -> String? {
    guard self.isName(name) else { return "\(name) is not a metric name: small letters, digits and underscores" }
    if help.isEmpty { return "\(name) has no help" }
    if (kind == .counter) != name.hasSuffix("_total") { return "\(name): _total is for counters, and all of them" }
    for suffix in ["_count", "_sum", "_bucket", "_info"] where name.hasSuffix(suffix) {
      return "\(name): the ending \(suffix) has another meaning"
    }
    for unit in ["_milliseconds", "_microseconds", "_nanoseconds", "_minutes", "_hours", "_kilobytes", "_megabytes", "_ms"]
    where name.hasSuffix(unit) || name.hasSuffix(unit + "_total") {
      return "\(name): use seconds or bytes"
    }
    for label in labels.names where !self.isName(label) || label.hasPrefix("__") || label == "le" || label == "quantile" {
      return "\(name): \(label) is not a label name"
    }
    return nil
  }

  private static func isName(_ text: String) -> Bool {
    guard let first = text.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else { return false }
    return text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): true
      default: false
      }
    }
  }
}
