// Public holidays out of an iCalendar file (RFC 5545): the part of the format that lists of days need, everything else refused by its line.

public import Domain

/// An event that covers whole days.
public struct ICalendarDays: Hashable, Sendable {
  public let first: Day
  /// The last day, itself included.
  public let last: Day
  public let summary: String
  /// Worked to make up for a holiday, as calendars for China mark it.
  public let isMakeUp: Bool
  /// Where it begins in the file.
  public let line: Int
}

public enum ICalendar {
  static let eventsMax = 5_000
  static let nestingMax = 8

  /// The events of a file, in its order. Throws all faults, each with its line.
  ///
  /// Events must cover whole days (`VALUE=DATE`) and must not repeat: what a rule comes to depends on who reads it.
  public static func days(_ bytes: [UInt8], source: String, limits: DocumentLimits = .standard) throws(DocumentFaults) -> [ICalendarDays] {
    var reading = Reading()
    if bytes.count > limits.sizeBytesMax {
      reading.add(0, "", "more than \(limits.sizeBytesMax) bytes")
    } else if let text = String(validating: bytes, as: UTF8.self) {
      for line in lines(text) { reading.take(line.text, at: line.number) }
      reading.end()
    } else {
      reading.add(0, "", "this is not UTF-8")
    }
    guard reading.faults.isEmpty else {
      throw DocumentFaults(source: source, faults: Array(reading.faults.prefix(limits.faultsCountMax)))
    }
    return reading.events
  }

  /// Content lines: one that begins with a space or a tab goes on with the line before it.
  private static func lines(_ text: String) -> [(number: Int, text: String)] {
    var lines: [(number: Int, text: String)] = []
    var number = 0
    let body = text.unicodeScalars.first == "\u{FEFF}" ? String(text.unicodeScalars.dropFirst()) : text
    for raw in body.split(omittingEmptySubsequences: false, whereSeparator: { $0 == "\n" || $0 == "\r\n" }) {
      number += 1
      let line = String(raw)
      if let first = line.utf8.first, first == 0x20 || first == 0x09, !lines.isEmpty {
        lines[lines.count - 1].text += line.dropFirst()
      } else if !line.isEmpty {
        lines.append((number, line))
      }
    }
    return lines
  }
}

/// A file while it is read.
private struct Reading {
  private(set) var events: [ICalendarDays] = []
  private(set) var faults: [DocumentFault] = []
  private var open: [(name: String, line: Int)] = []
  private var calendars = 0
  private var event = Event(line: 0)

  private struct Event {
    let line: Int
    var first: Day?
    /// As the file has it: the day after the last.
    var end: Day?
    var summary = ""
    var isMakeUp = false
  }

  mutating func add(_ line: Int, _ path: String, _ problem: String) {
    faults.append(DocumentFault(path: path, line: line, column: 1, problem: problem))
  }

  mutating func take(_ text: String, at line: Int) {
    guard let colon = ICalendarLine.colon(in: text) else {
      add(line, "", "a line NAME:VALUE is needed here")
      return
    }
    let head = text[..<colon].split(separator: ";", omittingEmptySubsequences: false).map(String.init)
    let (name, parameters) = ((head.first ?? "").uppercased(), head.dropFirst().map { $0.uppercased() })
    let value = String(text[text.index(after: colon)...])
    switch name {
    case "BEGIN": begin(value.uppercased(), line)
    case "END": end(value.uppercased(), line)
    default:
      if open.isEmpty { add(line, name, "the file must begin with BEGIN:VCALENDAR") }
      if open.last?.name == "VEVENT" { take(name, Array(parameters), value, line) }
    }
  }

  private mutating func begin(_ name: String, _ line: Int) {
    if open.isEmpty {
      calendars += 1
      if name != "VCALENDAR" { add(line, name, "the file must begin with BEGIN:VCALENDAR") }
      if calendars == 2 { add(line, name, "one calendar in a file, this is another; divide the file") }
    }
    if name == "VEVENT" { event = Event(line: line) }
    guard open.count < ICalendar.nestingMax else { return add(line, name, "at most \(ICalendar.nestingMax) levels") }
    open.append((name, line))
  }

  private mutating func end(_ name: String, _ line: Int) {
    guard let last = open.popLast(), last.name == name else { return add(line, name, "this ends what was not begun") }
    if name == "VEVENT" { close(event) }
  }

  private mutating func close(_ event: Event) {
    guard let first = event.first else { return add(event.line, "DTSTART", "the event has no DTSTART that is a day") }
    let last = event.end.map { $0 + -1 } ?? first
    let count = last - first + 1
    guard (1...CalendarDocument.lineDaysMax).contains(count) else {
      return add(event.line, "DTEND", "it must lie after DTSTART, and at most \(CalendarDocument.lineDaysMax) days after it")
    }
    guard events.count < ICalendar.eventsMax else { return add(event.line, "", "at most \(ICalendar.eventsMax) events") }
    events.append(ICalendarDays(first: first, last: last, summary: event.summary, isMakeUp: event.isMakeUp, line: event.line))
  }

  private mutating func take(_ name: String, _ parameters: [String], _ value: String, _ line: Int) {
    switch name {
    case "DTSTART": event.first = day(name, parameters, value, line)
    case "DTEND": event.end = day(name, parameters, value, line)
    case "SUMMARY": event.summary = ICalendarLine.unescaped(value)
    case "X-APPLE-SPECIAL-DAY": event.isMakeUp = value.uppercased() == "ALTERNATE-WORKDAY"
    case "RRULE", "RDATE", "EXDATE", "EXRULE", "DURATION": add(line, name, "repeated events and durations are not read; list the days one by one")
    default: break
    }
  }

  private mutating func day(_ name: String, _ parameters: [String], _ value: String, _ line: Int) -> Day? {
    let digits = Array(value.utf8)
    let isDate = digits.count == 8 && digits.allSatisfy { (0x30...0x39).contains($0) }
    guard parameters.contains("VALUE=DATE"), isDate else {
      add(line, name, "only whole days are read, as \(name);VALUE=DATE:20261001")
      return nil
    }
    func number(_ range: Range<Int>) -> Int { digits[range].reduce(0) { $0 * 10 + Int($1 - 0x30) } }
    guard let day = Day(year: number(0..<4), month: number(4..<6), day: number(6..<8)) else {
      add(line, name, "\(value) is no day")
      return nil
    }
    return day
  }

  mutating func end() {
    if calendars == 0 { add(1, "", "there is no BEGIN:VCALENDAR") }
    for left in open { add(left.line, left.name, "the file ends before END:\(left.name); it may be cut short") }
  }
}

private enum ICalendarLine {
  /// The first colon outside quotes, which parts the name from the value.
  static func colon(in text: String) -> String.Index? {
    var isQuoted = false
    for index in text.indices {
      if text[index] == "\"" { isQuoted.toggle() }
      if text[index] == ":", !isQuoted { return index }
    }
    return nil
  }

  static func unescaped(_ value: String) -> String {
    var text = ""
    var isEscaped = false
    for character in value {
      if isEscaped {
        text.append(character == "n" || character == "N" ? " " : character)
        isEscaped = false
      } else if character == "\\" {
        isEscaped = true
      } else {
        text.append(character)
      }
    }
    return text
  }
}
