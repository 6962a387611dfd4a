// How far a long piece of work has come, for whoever waits for it.
import Glibc
import Synchronization

/// How progress is shown.
public enum ProgressStyle: Sendable, Equatable {
  /// One line that is written over again.
  case terminal
  /// A new line every few seconds, for logs and pipes.
  case lines
  /// Nothing: `--quiet` or `--json`.
  case silent
}

/// Decides when a line is due and what it says. Times are nanoseconds on a clock that only grows.
struct ProgressLine {
  /// Least time between two lines, in nanoseconds.
  static let terminalNanosecondsMin: Int64 = 100_000_000
  static let linesNanosecondsMin: Int64 = 5_000_000_000
  /// No end is foretold before so much of the work and time.
  private static let forecastNanosecondsMin: Int64 = 2_000_000_000
  /// Longest forecast, in seconds; a longer one says nothing.
  private static let forecastSecondsMax = 360_000.0

  let label: HelpText
  let unit: HelpText
  let total: Int?
  let style: ProgressStyle
  let language: Language
  let columns: Int
  let startedAt: Int64
  private(set) var done = 0
  private var shownAt: Int64?
  private var isOver = false

  init(
    label: HelpText, unit: HelpText, total: Int?, style: ProgressStyle, language: Language, columns: Int, startedAt: Int64
  ) {
    self.label = label
    self.unit = unit
    self.total = total
    self.style = style
    self.language = language
    self.columns = columns
    self.startedAt = startedAt
  }

  /// The text to write now, or `nil`.
  mutating func advanced(to done: Int, at now: Int64) -> String? {
    self.done = max(self.done, done)
    guard !self.isOver, self.style != .silent else { return nil }
    let least = self.style == .terminal ? Self.terminalNanosecondsMin : Self.linesNanosecondsMin
    guard now - (self.shownAt ?? self.startedAt) >= least else { return nil }
    self.shownAt = now
    let line = self.line(at: now)
    // One column stays free: a full line makes some terminals go on to the next.
    return self.style == .terminal ? "\r" + DisplayWidth.cut(line, toColumns: self.columns - 1) + "\u{1B}[K" : line + "\n"
  }

  /// The last line, once.
  mutating func finished(at now: Int64) -> String? {
    guard !self.isOver, self.style != .silent else { return nil }
    self.isOver = true
    let seconds = Double(now - self.startedAt) / 1e9
    let time = Self.time(seconds)
    let rate = self.rate(seconds).map { HelpText(" (\($0)/s)", zh: "（\($0)/秒）").text(in: self.language) } ?? ""
    let text = HelpText(
      "\(self.label.en): \(Self.grouped(self.done)) \(self.unit.en) in \(time)",
      zh: "\(self.label.text(in: .zh))：\(Self.grouped(self.done)) \(self.unit.text(in: .zh))，用时 \(time)")
    let line = DisplayWidth.plain(text.text(in: self.language) + rate)
    return self.style == .terminal ? "\r" + line + "\u{1B}[K\n" : line + "\n"
  }

  private func line(at now: Int64) -> String {
    let seconds = Double(now - self.startedAt) / 1e9
    var parts = [Self.grouped(self.done)]
    if let total = self.total {
      let percent = total > 0 ? min(100, Int(Double(self.done) / Double(total) * 100)) : 100
      parts[0] += " / \(Self.grouped(total)) \(self.unit.text(in: self.language)) \(percent) %"
    } else {
      parts[0] += " \(self.unit.text(in: self.language))"
    }
    if let rate = self.rate(seconds) { parts.append(HelpText("\(rate)/s", zh: "\(rate)/秒").text(in: self.language)) }
    if let left = self.secondsLeft(at: now) {
      let time = Self.time(left)
      parts.append(HelpText("\(time) left", zh: "剩余 \(time)").text(in: self.language))
    }
    let separator = self.language == .zh ? "：" : ": "
    return DisplayWidth.plain(self.label.text(in: self.language) + separator + parts.joined(separator: "  "))
  }

  private func rate(_ seconds: Double) -> String? {
    guard seconds > 0, self.done > 0 else { return nil }
    let rate = Double(self.done) / seconds
    guard rate < 1e15 else { return nil }
    return rate < 10 ? Self.tenths(rate) : Self.grouped(Int(rate.rounded()))
  }

  private func secondsLeft(at now: Int64) -> Double? {
    guard let total = self.total, self.done > 0, self.done < total, now - self.startedAt >= Self.forecastNanosecondsMin else { return nil }
    let left = Double(now - self.startedAt) / 1e9 * Double(total - self.done) / Double(self.done)
    return left <= Self.forecastSecondsMax ? left : nil
  }

  static func time(_ seconds: Double) -> String {
    if seconds < 9.95 { return Self.tenths(max(0, seconds)) + " s" }
    let whole = Int(min(seconds, 1e9).rounded())
    if whole < 60 { return "\(whole) s" }
    if whole < 3_600 { return "\(whole / 60) min \(whole % 60) s" }
    return "\(whole / 3_600) h \(whole / 60 % 60) min"
  }

  /// One digit after the point.
  private static func tenths(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    return "\(tenths / 10).\(tenths % 10)"
  }

  /// Thousands set apart by commas.
  static func grouped(_ number: Int) -> String {
    let digits = String(number.magnitude)
    var grouped = number < 0 ? "-" : ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { grouped += "," }
      grouped.append(digit)
    }
    return grouped
  }
}

/// Shows how far a piece of work has come, on standard error. May be advanced from any task.
public final class Progress: Sendable {
  private let output: any TextOutput
  private let nanoseconds: @Sendable () -> Int64
  private let line: Mutex<ProgressLine>

  /// - Parameters:
  ///   - label: what is being done: `importing`.
  ///   - unit: what is counted, in the plural: `records`.
  ///   - total: how many there will be; `nil` when nobody knows.
  ///   - isSilent: shows nothing, for `--quiet` and `--json`.
  ///   - nanoseconds: a clock that only grows.
  public init(
    _ label: HelpText, unit: HelpText, total: Int? = nil, console: Console, isSilent: Bool = false,
    nanoseconds: @escaping @Sendable () -> Int64 = Progress.monotonicNanoseconds
  ) {
    let style: ProgressStyle = isSilent ? .silent : console.isErrorTerminal ? .terminal : .lines
    self.output = console.error
    self.nanoseconds = nanoseconds
    self.line = Mutex(
      ProgressLine(
        label: label, unit: unit, total: total, style: style, language: console.language, columns: console.columns,
        startedAt: nanoseconds()))
  }

  /// So many more are done.
  public func advance(by count: Int = 1) { self.show { $0.advanced(to: $0.done + min(max(0, count), Int.max - $0.done), at: $1) } }

  /// So many are done altogether. A smaller number than before is ignored.
  public func update(to done: Int) { self.show { $0.advanced(to: done, at: $1) } }

  /// Ends the display with one last line. Later calls show nothing.
  public func finish() { self.show { $0.finished(at: $1) } }

  public var done: Int { self.line.withLock { $0.done } }

  /// Written outside the lock: a slow terminal must not hold up who counts.
  private func show(_ change: (inout ProgressLine, Int64) -> String?) {
    let now = self.nanoseconds()
    if let text = self.line.withLock({ change(&$0, now) }) { self.output.write(text) }
  }

  @Sendable public static func monotonicNanoseconds() -> Int64 {
    var now = timespec()
    _ = clock_gettime(CLOCK_MONOTONIC, &now)
    return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
  }
}
