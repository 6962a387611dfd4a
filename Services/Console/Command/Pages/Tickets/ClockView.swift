// A promise of a ticket as people see it: until when, how long that still is, or how it went. The site's script goes on counting.
import Domain
import HTML
import Text

/// One clock of a ticket, as an answer tells it.
struct ClockView: Sendable {
  let json: JSONValue
  /// nil: it stands still, or there is none.
  let deadline: Int64?
  let outcome: String
  /// nil: what was promised is not done.
  let doneAt: Int64?

  init(_ json: JSONValue) {
    self.json = json
    deadline = ClockView.moment(json["deadline"])
    outcome = json["outcome"]?.stringValue ?? ""
    doneAt = ClockView.moment(json["done_at"])
  }

  static func all(of ticket: JSONValue) -> [ClockView] { (ticket["clocks"]?.arrayValue ?? []).map { ClockView($0) } }

  static func moment(_ value: JSONValue?) -> Int64? { value?.stringValue.flatMap { try? RFC3339.parse($0) } }

  var clock: ServiceClock? { json["clock"]?.stringValue.flatMap(ServiceClock.init(rawValue:)) }
  /// Whether something is to be done for it; what is late is still to be done.
  var isOpen: Bool { outcome == "running" || (outcome == "missed" && doneAt == nil) }
  /// Seconds that are left while it stands still.
  var left: Int64? { outcome == "running" ? json["left_seconds"]?.int64Value : nil }

  func isLate(_ visit: Visit) -> Bool {
    guard isOpen else { return false }
    return outcome == "missed" || deadline.map { $0 <= visit.now.microseconds } ?? false
  }

  func name(_ visit: Visit) -> String { visit.say(json["name"]) }

  /// The same words as the site's script puts here while it counts.
  static func words(until deadline: Int64, _ visit: Visit) -> String {
    let seconds = floorDivide(deadline, 1_000_000) - floorDivide(visit.now.microseconds, 1_000_000)
    let span = visit.span(seconds: seconds)
    return seconds > 0 ? visit.say("\(span) left", "剩余 \(span)") : visit.say("\(span) late", "已超时 \(span)")
  }

  /// How it stands.
  @NodeBuilder func nodes(_ visit: Visit) -> [Node] {
    if let left {
      Parts.badge(visit.say("stands still", "暂停计时"))
      Element(.small, visit.say("\(visit.span(seconds: left)) left", "剩余 \(visit.span(seconds: left))"))
    } else if isOpen, let deadline {
      Element(
        .span, [.class(isLate(visit) ? "until late" : "until"), .label(.until, String(floorDivide(deadline, 1_000_000)))],
        ClockView.words(until: deadline, visit))
      Element(.small) { time(deadline, visit) }
    } else {
      switch outcome {
      case "met": Parts.badge(visit.say("kept", "按时"), .good)
      case "missed": Parts.badge(visit.say("missed", "超时"), .bad)
      default: Parts.badge(visit.say("withdrawn", "已撤销"))
      }
      if let doneAt { Element(.small) { time(doneAt, visit) } }
    }
  }

  /// The same for a file: the word, and the moment.
  func plain(_ visit: Visit) -> String {
    if let left { return visit.say("stands still, \(visit.span(seconds: left)) left", "暂停计时，剩余 \(visit.span(seconds: left))") }
    if isOpen, let deadline { return "\(visit.moment(deadline)) (\(ClockView.words(until: deadline, visit)))" }
    let word = outcome == "met" ? visit.say("kept", "按时") : outcome == "missed" ? visit.say("missed", "超时") : visit.say("withdrawn", "已撤销")
    return doneAt.map { "\(word) \(visit.moment($0))" } ?? word
  }

  private func time(_ moment: Int64, _ visit: Visit) -> Element { Element(.time, [.label(.datetime, RFC3339.text(moment))], visit.moment(moment)) }
}

extension Visit {
  /// A moment in a table.
  func cell(moment value: JSONValue?) -> Cell { .shown([.element(time(value))], plain: ClockView.moment(value).map { moment($0) } ?? "") }

  /// A moment as `time` has it, read by the clocks of the business.
  func time(_ value: JSONValue?) -> Element {
    guard let at = ClockView.moment(value) else { return Element(.span, "–") }
    return Element(.time, [.label(.datetime, RFC3339.text(at))], moment(at))
  }
}
