// Who is on call, out of an iCalendar file (K-05): events with times that name people of the staff's file. docs/tickets.md says what is read.

public import Domain
import Text

public enum OnCallDocument {
  /// Shifts of a file, each repetition counted.
  public static let shiftsMax = 20_000
  /// The longest shift.
  public static let shiftDaysMax: Int64 = 366
  /// Characters of a name that nobody has, in a message.
  static let namesShownMax = 100

  /// Throws all faults of the file, each with its line.
  ///
  /// - Parameters:
  ///   - zone: whole days, and times that name no zone, are meant in it.
  ///   - isKnown: whether somebody of this name is in the staff's file.
  public static func decode(
    _ bytes: [UInt8], source: String, zone: BusinessZone, zoneNamed: (String) -> BusinessZone?, isKnown: (String) -> Bool,
    limits: DocumentLimits = .standard
  ) throws(DocumentFaults) -> OnCallRoster {
    var reading = ICalendarReading(bytes, limits: limits)
    var shifts: [OnCallShift] = []
    for event in reading.events where !event.isCancelled {
      let person = reading.person(event, isKnown)
      guard let series = reading.series(event, zone, zoneNamed), let person else { continue }
      guard series.append(to: &shifts, person) else {
        reading.add(event.line, "", "with this event there are more than \(shiftsMax) shifts; let it end earlier, or leave out what is past")
        break
      }
    }
    if shifts.isEmpty, reading.isWhole { reading.add(1, "", "there is no shift in the file") }
    try reading.finish(source, limits)
    return OnCallRoster(shifts)
  }
}

/// An event with its repetitions.
private struct ShiftSeries {
  let first: ICalendarTime
  let length: ICalendarDuration
  let rule: ICalendarRule?
  let without: Set<Instant>

  /// False: there are too many.
  func append(to shifts: inout [OnCallShift], _ person: String) -> Bool {
    // Those that are left out count as well, so that nothing is gone through without an end.
    var left = OnCallDocument.shiftsMax - shifts.count
    func take(_ moment: ICalendarMoment) -> Bool {
      left -= 1
      guard left >= 0 else { return false }
      if !without.contains(moment.start) { shifts.append(OnCallShift(person: person, from: moment.start, until: moment.end(after: length))) }
      return true
    }
    if let rule { rule.visit(from: first, take) } else { _ = take(ICalendarMoment(of: first, on: first.wall.day)) }
    return left >= 0
  }
}

extension ICalendarEvent {
  fileprivate var isCancelled: Bool { properties.contains { $0.name == "STATUS" && $0.value.uppercased() == "CANCELLED" } }
}

extension ICalendarReading {
  /// Whom an event names: the one person of the staff's file that its summary, a category or an attendee is called by.
  fileprivate mutating func person(_ event: ICalendarEvent, _ isKnown: (String) -> Bool) -> String? {
    var names: [String] = []
    for property in event.properties {
      switch property.name {
      case "SUMMARY": names.append(ICalendarText.text(property.value))
      case "CATEGORIES": names += ICalendarText.texts(property.value)
      case "ATTENDEE": names += property.parameter("CN").map { [$0] } ?? []
      default: break
      }
    }
    names = names.map(TextNormal.trimmed).filter { !$0.isEmpty }
    let people = Set(names.filter(isKnown))
    guard people.count != 1 else { return people.first }
    let line = event.properties.first { $0.name == "SUMMARY" }?.line ?? event.line
    if people.isEmpty {
      let told = names.isEmpty ? "the event names nobody" : "nobody in the staff's file is named `\(names[0].prefix(OnCallDocument.namesShownMax))`"
      add(line, "SUMMARY", told + "; SUMMARY, one of CATEGORIES or the CN of an ATTENDEE must be a name of that file")
    } else {
      add(line, "SUMMARY", "it names \(people.sorted().joined(separator: " and ")); one is on call, list the others in events of their own")
    }
    return nil
  }

  fileprivate mutating func series(_ event: ICalendarEvent, _ zone: BusinessZone, _ zoneNamed: (String) -> BusinessZone?) -> ShiftSeries? {
    var single: [String: ICalendarProperty] = [:]
    var isReadable = true
    for property in event.properties {
      switch property.name {
      case "DTSTART", "DTEND", "DURATION", "RRULE":
        guard single.updateValue(property, forKey: property.name) != nil else { continue }
        add(property.line, property.name, "the event has another")
        isReadable = false
      case "RDATE", "EXRULE":
        add(property.line, property.name, "is not read; list these shifts as events of their own")
        isReadable = false
      case "RECURRENCE-ID":
        add(property.line, property.name, "is not read; leave that day out of the series by EXDATE, and list the shift as an event of its own")
        isReadable = false
      default: break
      }
    }
    guard let start = single["DTSTART"] else {
      add(event.line, "DTSTART", "the event has none; when does the shift begin?")
      return nil
    }
    let first = time(start, start.value, zone, zoneNamed)
    let end = single["DTEND"].map { ($0, time($0, $0.value, zone, zoneNamed)) }
    guard let first else { return nil }
    let length = length(event, first, end, single["DURATION"])
    let rule = single["RRULE"].map { self.rule($0, first) }
    let without = exceptions(event, first, zone, zoneNamed)
    guard isReadable, let length, let without, rule.map({ $0 != nil }) ?? true else { return nil }
    return ShiftSeries(first: first, length: length, rule: rule ?? nil, without: without)
  }

  private mutating func time(
    _ property: ICalendarProperty, _ text: String, _ zone: BusinessZone, _ zoneNamed: (String) -> BusinessZone?
  ) -> ICalendarTime? {
    guard let wall = ICalendarWall(text), (wall.second == nil) == property.isDay else {
      let name = property.name
      add(
        property.line, name,
        "`\(text.prefix(OnCallDocument.namesShownMax))` is no moment; write \(name):20261001T010000Z, \(name);TZID=Asia/Shanghai:20261001T090000, "
          + "\(name):20261001T090000 or \(name);VALUE=DATE:20261001")
      return nil
    }
    if property.isDay { return ICalendarTime(wall: wall, zone: zone, kind: .day) }
    if wall.isUTC { return ICalendarTime(wall: wall, zone: .utc, kind: .utc) }
    guard let name = property.parameter("TZID") else { return ICalendarTime(wall: wall, zone: zone, kind: .floating) }
    guard let named = zoneNamed(name) else {
      add(property.line, property.name, "there is no time zone `\(name.prefix(OnCallDocument.namesShownMax))` here; name one as Asia/Shanghai, or write UTC")
      return nil
    }
    return ICalendarTime(wall: wall, zone: named, kind: .zoned(name))
  }

  private mutating func length(
    _ event: ICalendarEvent, _ first: ICalendarTime, _ end: (property: ICalendarProperty, time: ICalendarTime?)?, _ duration: ICalendarProperty?
  ) -> ICalendarDuration? {
    var length: ICalendarDuration?
    var line = event.line
    switch (end, duration) {
    case (.some, .some(let duration)):
      add(duration.line, "DURATION", "DTEND says already when the shift ends")
      return nil
    case (nil, nil):
      guard first.kind == .day else {
        add(event.line, "DTEND", "the event has neither DTEND nor DURATION; when does the shift end?")
        return nil
      }
      length = ICalendarDuration(days: 1)
    case (nil, .some(let duration)):
      (length, line) = (ICalendarDuration(duration.value), duration.line)
      if length == nil { add(line, "DURATION", "a length is needed here, as PT12H or P7D") }
    case (.some(let (property, time)), nil):
      guard let time else { return nil }
      line = property.line
      guard (time.kind == .day) == (first.kind == .day) else {
        add(line, "DTEND", "DTSTART and DTEND must both be days or both have times")
        return nil
      }
      length = time.kind == .day
        ? ICalendarDuration(days: Int64(time.wall.day - first.wall.day))
        : ICalendarDuration(seconds: (time.moment.microseconds - first.moment.microseconds) / 1_000_000)
    }
    guard let length else { return nil }
    let seconds = length.days * 86_400 + length.seconds
    guard seconds > 0, seconds <= OnCallDocument.shiftDaysMax * 86_400, first.kind != .day || length.seconds == 0 else {
      let limit = "at most \(OnCallDocument.shiftDaysMax) days later"
      add(line, end == nil ? "DURATION" : "DTEND", "a shift ends after it begins, \(limit); one of whole days lasts whole days")
      return nil
    }
    return length
  }

  // MARK: Repetition

  private mutating func exceptions(
    _ event: ICalendarEvent, _ first: ICalendarTime, _ zone: BusinessZone, _ zoneNamed: (String) -> BusinessZone?
  ) -> Set<Instant>? {
    var without: Set<Instant> = []
    var isReadable = true
    for property in event.properties where property.name == "EXDATE" {
      for text in property.value.split(separator: ",", omittingEmptySubsequences: false) {
        guard let time = time(property, String(text), zone, zoneNamed) else {
          isReadable = false
          continue
        }
        without.insert(time.moment)
        guard (time.kind == .day) != (first.kind == .day) else { continue }
        add(property.line, "EXDATE", "DTSTART and EXDATE must both be days or both have times")
        isReadable = false
      }
    }
    return isReadable ? without : nil
  }

  private mutating func rule(_ property: ICalendarProperty, _ first: ICalendarTime) -> ICalendarRule? {
    var parts: [String: String] = [:]
    var isReadable = true
    func refuse(_ problem: String, _ reading: inout ICalendarReading) {
      reading.add(property.line, "RRULE", problem)
      isReadable = false
    }
    for part in property.value.uppercased().split(separator: ";") {
      let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      if pair.count != 2 || !["FREQ", "INTERVAL", "BYDAY", "WKST", "COUNT", "UNTIL"].contains(pair[0]) {
        refuse("`\(pair[0])` is not read, only FREQ, INTERVAL, BYDAY, WKST, COUNT and UNTIL; list these shifts one by one", &self)
      } else if parts.updateValue(pair[1], forKey: pair[0]) != nil {
        refuse("\(pair[0]) comes twice", &self)
      }
    }
    let frequency = ICalendarRule.Frequency(rawValue: parts["FREQ"] ?? "")
    if frequency == nil { refuse("FREQ must be DAILY or WEEKLY; list other shifts one by one", &self) }
    let interval = Int(parts["INTERVAL"] ?? "1").flatMap { (1...ICalendarRule.intervalMax).contains($0) ? $0 : nil }
    if interval == nil { refuse("INTERVAL must be from 1 to \(ICalendarRule.intervalMax)", &self) }
    let weekBegins = ICalendarRule.words[parts["WKST"] ?? "MO"]
    if weekBegins == nil { refuse("WKST must be MO, TU, WE, TH, FR, SA or SU", &self) }
    let words = (parts["BYDAY"] ?? "").split(separator: ",").map(String.init)
    let weekdays = Set(words.compactMap { ICalendarRule.words[$0] })
    if words.contains(where: { ICalendarRule.words[$0] == nil }) || (words.isEmpty && parts["BYDAY"] != nil) {
      refuse("BYDAY must list MO, TU, WE, TH, FR, SA or SU", &self)
    } else if !weekdays.isEmpty, !weekdays.contains(Weekday(of: first.wall.day)) {
      refuse("DTSTART is the first shift, and not on a day of BYDAY; let it begin on one", &self)
    }
    let end = end(parts, property, first)
    guard isReadable, let frequency, let interval, let weekBegins, let end else { return nil }
    return ICalendarRule(frequency: frequency, interval: interval, weekdays: weekdays, weekBegins: weekBegins, end: end)
  }

  private mutating func end(_ parts: [String: String], _ property: ICalendarProperty, _ first: ICalendarTime) -> ICalendarRule.End? {
    switch (parts["COUNT"], parts["UNTIL"]) {
    case (.some(let count), nil):
      if let count = Int(count), (1...OnCallDocument.shiftsMax).contains(count) { return .count(count) }
      add(property.line, "RRULE", "COUNT must be from 1 to \(OnCallDocument.shiftsMax)")
    case (nil, .some(let text)):
      // What RFC 5545 asks for: of the kind of DTSTART, and in UTC where that names a zone.
      let wall = ICalendarWall(text)
      let isFit =
        switch first.kind {
        case .day: wall?.second == nil
        case .floating: wall?.second != nil && wall?.isUTC == false
        case .utc, .zoned: wall?.isUTC == true
        }
      if let wall, isFit { return .until((wall.isUTC ? .utc : first.zone).instant(localSeconds: wall.localSeconds)) }
      add(property.line, "RRULE", "UNTIL must be a day where DTSTART is one, UTC (20271231T160000Z) where that has a zone, else a time without one")
    default: add(property.line, "RRULE", "a rule needs COUNT or UNTIL, one of them: a roster says how long it holds")
    }
    return nil
  }
}
