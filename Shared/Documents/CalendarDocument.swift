// The calendars' file to calendars of working hours (K-04); docs/calendars.md explains the file line by line.

public import Domain

public enum CalendarDocument {
  /// The file that comes with the programs.
  public static let shipped = "deploy/calendars.yaml"
  /// Days of one list of holidays, and days that one line may cover.
  static let daysMax = 5_000
  static let lineDaysMax = 60
  static let calendarsMax = 200

  /// Throws all faults of the file, each with its line.
  ///
  /// - Parameter zoneNamed: the time zone of a name; nil when there is none.
  public static func decode(
    _ bytes: [UInt8], source: String, limits: DocumentLimits = .standard, zoneNamed: (String) -> BusinessZone?
  ) throws(DocumentFaults) -> CalendarBook {
    var decoding = try DocumentDecoding(bytes, source: source, limits: limits)
    let book = decoding.calendarBook(zoneNamed)
    return try decoding.finish(book)
  }

  public static func load(_ path: String, zoneNamed: (String) -> BusinessZone?) throws(DocumentFaults) -> CalendarBook {
    try decode(try DocumentFile.read(path), source: path, zoneNamed: zoneNamed)
  }
}

/// A list of holidays before it is known which hours its make-up days have.
private struct HolidayList {
  struct Line {
    let day: Day
    let isMakeUp: Bool
    let name: LocalizedName
    let node: YAMLNode
    let path: String
  }
  let id: String
  let lines: [Line]
}

extension DocumentDecoding {
  fileprivate mutating func calendarBook(_ zoneNamed: (String) -> BusinessZone?) -> CalendarBook? {
    guard let root = rootFields(keys: ["calendars", "author", "holidays", "working_hours"]) else { return nil }
    let version = integer(root, "calendars", in: 1...1_000_000)
    let author = text(root, "author", bytesMax: Scorecard.authorBytesMax)
    var lists: [HolidayList] = []
    for (place, node) in (root["holidays"].flatMap { items($0, "holidays") } ?? []).enumerated() {
      guard let list = holidayList(node, "holidays[\(place)]") else { continue }
      if lists.contains(where: { $0.id == list.id }) { add(node, "holidays[\(place)].id", "there is another list `\(list.id)`") }
      lists.append(list)
    }
    guard let nodes = required(root, "working_hours").flatMap({ items($0, "working_hours") }) else { return nil }
    if nodes.isEmpty || nodes.count > CalendarDocument.calendarsMax {
      add(root.node, "working_hours", "from 1 to \(CalendarDocument.calendarsMax) calendars, not \(nodes.count)")
    }
    var calendars: [WorkCalendar] = []
    for (place, node) in nodes.prefix(CalendarDocument.calendarsMax).enumerated() {
      guard let calendar = calendar(node, "working_hours[\(place)]", lists, zoneNamed) else { continue }
      if calendars.contains(where: { $0.id == calendar.id }) { add(node, "working_hours[\(place)].id", "there is another calendar `\(calendar.id)`") }
      calendars.append(calendar)
    }
    guard let version, let author else { return nil }
    return CalendarBook(version: version, author: author, calendars: calendars)
  }

  private mutating func id(_ fields: DocumentFields) -> String? {
    guard let node = required(fields, "id"), let text = text(node, join(fields.path, "id"), bytesMax: 64) else { return nil }
    guard text.utf8.allSatisfy({ (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D }) else {
      add(node, join(fields.path, "id"), "an id is small letters, digits and hyphens")
      return nil
    }
    return text
  }

  private mutating func day(_ fields: DocumentFields, _ key: String) -> Day? {
    guard let node = required(fields, key) else { return nil }
    guard let text = text(node, join(fields.path, key)), let day = Day(text) else {
      add(node, join(fields.path, key), "a day is needed here, as 2026-10-01")
      return nil
    }
    return day
  }

  private mutating func hours(_ node: YAMLNode, _ path: String) -> DayHours? {
    guard let text = text(node, path) else { return nil }
    guard let hours = DayHours(text: text) else {
      add(node, path, "hours are needed here, in order and without overlap, as `09:00-12:00 13:30-18:00`, or closed, or all_day")
      return nil
    }
    return hours
  }

  // MARK: Holidays

  private mutating func holidayList(_ node: YAMLNode, _ path: String) -> HolidayList? {
    guard let fields = fields(node, path, keys: ["id", "closed", "make_up"]) else { return nil }
    let id = id(fields)
    var lines: [HolidayList.Line] = []
    for key in ["closed", "make_up"] {
      for (place, node) in (fields[key].flatMap { items($0, join(path, key)) } ?? []).enumerated() {
        lines += holidayLines(node, "\(join(path, key))[\(place)]", isMakeUp: key == "make_up")
      }
    }
    if lines.count > CalendarDocument.daysMax { add(node, path, "at most \(CalendarDocument.daysMax) days, this list has \(lines.count)") }
    return id.map { HolidayList(id: $0, lines: lines) }
  }

  /// One day, or all from the first to the last.
  private mutating func holidayLines(_ node: YAMLNode, _ path: String, isMakeUp: Bool) -> [HolidayList.Line] {
    guard let fields = fields(node, path, keys: isMakeUp ? ["on", "name"] : ["from", "to", "name"]) else { return [] }
    let first = day(fields, isMakeUp ? "on" : "from")
    let last = fields["to"] == nil ? first : day(fields, "to")
    guard let name = name(fields, "name"), let first, let last else { return [] }
    let count = last - first + 1
    guard (1...CalendarDocument.lineDaysMax).contains(count) else {
      add(node, join(path, "to"), "on or after `from`, and at most \(CalendarDocument.lineDaysMax) days in one line")
      return []
    }
    return (0..<count).map { HolidayList.Line(day: first + $0, isMakeUp: isMakeUp, name: name, node: node, path: path) }
  }

  // MARK: Calendars

  private mutating func calendar(
    _ node: YAMLNode, _ path: String, _ lists: [HolidayList], _ zoneNamed: (String) -> BusinessZone?
  ) -> WorkCalendar? {
    guard let fields = fields(node, path, keys: ["id", "name", "zone", "week", "holidays", "make_up", "own_days"]) else { return nil }
    let (id, name) = (id(fields), name(fields, "name"))
    var zone: BusinessZone?
    if let node = required(fields, "zone"), let text = text(node, "\(path).zone") {
      zone = zoneNamed(text)
      if zone == nil { add(node, "\(path).zone", "there is no time zone \(text); use an IANA name, as Asia/Shanghai") }
    }
    let week = required(fields, "week").flatMap { self.week($0, "\(path).week") }
    let makeUp = fields["make_up"].map { hours($0, "\(path).make_up") } ?? week?[Weekday.monday.rawValue]
    let named = holidays(of: fields, lists)
    let own = ownDays(fields)
    guard let id, let name, let zone, let week, let makeUp else { return nil }
    // A day that the calendar names itself has the last word.
    var special = Dictionary(own.map { ($0.day, $0) }) { first, _ in first }
    var byDay = [Day: HolidayList.Line]()
    for line in named {
      if let other = byDay[line.day], other.isMakeUp != line.isMakeUp || other.path == line.path {
        add(line.node, line.path, "\(line.day) is in the lists of calendar `\(id)` twice")
      }
      byDay[line.day] = line
      if special[line.day] == nil {
        special[line.day] = SpecialDay(
          day: line.day, kind: line.isMakeUp ? .makeUp : .holiday, hours: line.isMakeUp ? makeUp : .closed, name: line.name)
      }
    }
    return WorkCalendar(id: id, name: name, zone: zone, week: week, specialDays: Array(special.values))
  }

  private mutating func week(_ node: YAMLNode, _ path: String) -> [DayHours]? {
    guard let fields = fields(node, path, keys: Weekday.allCases.map(\.word)) else { return nil }
    let days = Weekday.allCases.map { day in required(fields, day.word).flatMap { hours($0, join(path, day.word)) } }
    let whole = days.compactMap { $0 }
    return whole.count == days.count ? whole : nil
  }

  private mutating func holidays(of fields: DocumentFields, _ lists: [HolidayList]) -> [HolidayList.Line] {
    let path = join(fields.path, "holidays")
    var lines: [HolidayList.Line] = []
    for (place, node) in (fields["holidays"].flatMap { items($0, path) } ?? []).enumerated() {
      guard let text = text(node, "\(path)[\(place)]") else { continue }
      guard let list = lists.first(where: { $0.id == text }) else {
        add(node, "\(path)[\(place)]", "there is no list `\(text)` under holidays")
        continue
      }
      lines += list.lines
    }
    return lines
  }

  private mutating func ownDays(_ fields: DocumentFields) -> [SpecialDay] {
    let path = join(fields.path, "own_days")
    var days: [SpecialDay] = []
    for (place, node) in (fields["own_days"].flatMap { items($0, path) } ?? []).enumerated() {
      guard let line = self.fields(node, "\(path)[\(place)]", keys: ["on", "hours", "name"]) else { continue }
      let (day, name) = (day(line, "on"), name(line, "name"))
      guard let hours = required(line, "hours").flatMap({ hours($0, join(line.path, "hours")) }), let day, let name else { continue }
      if days.contains(where: { $0.day == day }) { add(node, line.path, "\(day) is there twice") }
      days.append(SpecialDay(day: day, kind: hours.isClosed ? .holiday : .ownHours, hours: hours, name: name))
    }
    return days
  }
}
