// The events of an iCalendar file (RFC 5545) with their properties, each with its line. What they mean is said by those who read them.

import Domain

/// A property of an event as it stands in the file.
struct ICalendarProperty {
  /// In capital letters.
  let name: String
  /// Names in capital letters; values as they are, without quotes.
  let parameters: [(name: String, value: String)]
  let value: String
  let line: Int

  func parameter(_ name: String) -> String? { parameters.first { $0.name == name }?.value }

  /// Whether it says that its value is a day.
  var isDay: Bool { parameter("VALUE")?.uppercased() == "DATE" }
}

struct ICalendarEvent {
  /// Where it begins in the file.
  let line: Int
  var properties: [ICalendarProperty] = []
}

/// A file that is read, with all that was found wrong with it so far.
struct ICalendarReading {
  private(set) var events: [ICalendarEvent] = []
  private var faults: [DocumentFault] = []
  private var open: [(name: String, line: Int)] = []
  private var calendars = 0
  private var event = ICalendarEvent(line: 0)

  init(_ bytes: [UInt8], limits: DocumentLimits) {
    if bytes.count > limits.sizeBytesMax {
      add(0, "", "more than \(limits.sizeBytesMax) bytes")
    } else if let text = String(validating: bytes, as: UTF8.self) {
      for line in ICalendarReading.lines(text) { take(line.text, at: line.number) }
      end()
    } else {
      add(0, "", "this is not UTF-8")
    }
  }

  var isWhole: Bool { faults.isEmpty }

  mutating func add(_ line: Int, _ path: String, _ problem: String) {
    faults.append(DocumentFault(path: path, line: line, column: 1, problem: problem))
  }

  /// Throws what was found wrong, in the order of the lines.
  func finish(_ source: String, _ limits: DocumentLimits) throws(DocumentFaults) {
    guard !faults.isEmpty else { return }
    let ordered = faults.enumerated().sorted { ($0.element.line, $0.offset) < ($1.element.line, $1.offset) }.map(\.element)
    throw DocumentFaults(source: source, faults: Array(ordered.prefix(limits.faultsCountMax)))
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

  private mutating func take(_ text: String, at line: Int) {
    guard let colon = ICalendarText.places(of: ":", in: text).first else {
      add(line, "", "a line NAME:VALUE is needed here")
      return
    }
    let head = ICalendarText.split(text[..<colon], at: ";")
    let name = (head.first ?? "").uppercased()
    let value = String(text[text.index(after: colon)...])
    switch name {
    case "BEGIN": begin(value.uppercased(), line)
    case "END": end(value.uppercased(), line)
    default:
      if open.isEmpty { add(line, name, "the file must begin with BEGIN:VCALENDAR") }
      guard open.last?.name == "VEVENT" else { return }
      let parameters = head.dropFirst().map { text -> (name: String, value: String) in
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        return (parts[0].uppercased(), parts.count == 2 ? parts[1].filter { $0 != "\"" } : "")
      }
      event.properties.append(ICalendarProperty(name: name, parameters: parameters, value: value, line: line))
    }
  }

  private mutating func begin(_ name: String, _ line: Int) {
    if open.isEmpty {
      calendars += 1
      if name != "VCALENDAR" { add(line, name, "the file must begin with BEGIN:VCALENDAR") }
      if calendars == 2 { add(line, name, "one calendar in a file, this is another; divide the file") }
    }
    if name == "VEVENT" { event = ICalendarEvent(line: line) }
    guard open.count < ICalendar.nestingMax else { return add(line, name, "at most \(ICalendar.nestingMax) levels") }
    open.append((name, line))
  }

  private mutating func end(_ name: String, _ line: Int) {
    guard let last = open.popLast(), last.name == name else { return add(line, name, "this ends what was not begun") }
    guard name == "VEVENT" else { return }
    guard events.count < ICalendar.eventsMax else { return add(event.line, "", "at most \(ICalendar.eventsMax) events") }
    events.append(event)
  }

  private mutating func end() {
    if calendars == 0 { add(1, "", "there is no BEGIN:VCALENDAR") }
    for left in open { add(left.line, left.name, "the file ends before END:\(left.name); it may be cut short") }
  }
}

enum ICalendarText {
  /// Where a character stands outside quotes.
  static func places(of character: Character, in text: some StringProtocol) -> [String.Index] {
    var isQuoted = false
    return text.indices.filter { index in
      if text[index] == "\"" { isQuoted.toggle() }
      return text[index] == character && !isQuoted
    }
  }

  /// Divided at a character that stands outside quotes.
  static func split(_ text: Substring, at character: Character) -> [String] {
    var (parts, start): ([String], String.Index) = ([], text.startIndex)
    for place in places(of: character, in: text) {
      parts.append(String(text[start..<place]))
      start = text.index(after: place)
    }
    return parts + [String(text[start...])]
  }

  /// Texts of a list, which commas part.
  static func texts(_ value: String) -> [String] {
    var texts = [""]
    var isEscaped = false
    for character in value {
      if isEscaped {
        texts[texts.count - 1].append(character == "n" || character == "N" ? " " : character)
        isEscaped = false
      } else if character == "\\" {
        isEscaped = true
      } else if character == "," {
        texts.append("")
      } else {
        texts[texts.count - 1].append(character)
      }
    }
    return texts
  }

  /// A text of its own: commas that nobody escaped belong to it.
  static func text(_ value: String) -> String { texts(value).joined(separator: ",") }
}
