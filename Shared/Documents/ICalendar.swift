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
    var reading = ICalendarReading(bytes, limits: limits)
    let days = reading.events.compactMap { reading.days($0) }
    try reading.finish(source, limits)
    return days
  }
}

extension ICalendarReading {
  fileprivate mutating func days(_ event: ICalendarEvent) -> ICalendarDays? {
    // As the file has it, the end is the day after the last.
    var first: Day?, end: Day?, summary = "", isMakeUp = false
    for property in event.properties {
      switch property.name {
      case "DTSTART": first = day(property)
      case "DTEND": end = day(property)
      case "SUMMARY": summary = ICalendarText.text(property.value)
      case "X-APPLE-SPECIAL-DAY": isMakeUp = property.value.uppercased() == "ALTERNATE-WORKDAY"
      case "RRULE", "RDATE", "EXDATE", "EXRULE", "DURATION":
        add(property.line, property.name, "repeated events and durations are not read; list the days one by one")
      default: break
      }
    }
    guard let first else {
      add(event.line, "DTSTART", "the event has no DTSTART that is a day")
      return nil
    }
    let last = end.map { $0 + -1 } ?? first
    guard (1...CalendarDocument.lineDaysMax).contains(last - first + 1) else {
      add(event.line, "DTEND", "it must lie after DTSTART, and at most \(CalendarDocument.lineDaysMax) days after it")
      return nil
    }
    return ICalendarDays(first: first, last: last, summary: summary, isMakeUp: isMakeUp, line: event.line)
  }

  private mutating func day(_ property: ICalendarProperty) -> Day? {
    guard property.isDay, property.value.utf8.count == 8, property.value.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
      add(property.line, property.name, "only whole days are read, as \(property.name);VALUE=DATE:20261001")
      return nil
    }
    guard let wall = ICalendarWall(property.value) else {
      add(property.line, property.name, "\(property.value) is no day")
      return nil
    }
    return wall.day
  }
}
