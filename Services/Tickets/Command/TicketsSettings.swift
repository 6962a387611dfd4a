// The settings of the tickets service: the files that say what is promised, how the desk works and who works at it.
import Messaging
import CommandLine
import Documents
import Domain
import Runtime
import Synchronization
import Text
import TicketsCore
import TicketsStore

struct TicketsSettings: Sendable {
  static let standardsFile = Setting(
    "standards-file", "TICKETS_STANDARDS_FILE",
    HelpText("service standards instead of those that come with the program (YAML)", zh: "自定义服务标准文件"))
  static let calendarsFile = Setting(
    "calendars-file", "TICKETS_CALENDARS_FILE", HelpText("calendars instead of those that come with the program (YAML)", zh: "自定义工作日历文件"))
  static let policiesFile = Setting(
    "policies-file", "TICKETS_POLICIES_FILE",
    HelpText("the tiers' file of tiering, when it is not the one that comes with the program (YAML)", zh: "自定义分级策略文件（与 tiering 一致）"))
  static let deskFile = Setting(
    "desk-file", "TICKETS_DESK_FILE",
    HelpText("how the desk works, instead of what comes with the program (YAML)", zh: "自定义服务台规则文件"))
  static let staffFile = Setting(
    "staff-file", "TICKETS_STAFF_FILE",
    HelpText("who works on tickets and what they may give, instead of what comes with the program (YAML)", zh: "自定义客服人员、团队与授权文件"))
  static let onCallFiles = Setting(
    "on-call-files", "TICKETS_ON_CALL_FILES",
    HelpText(
      "who is on call, as TEAM=FILE separated by commas: iCalendar files of shifts that name people of the staff's file",
      zh: "值班表，格式为 团队=文件，以逗号分隔：iCalendar 文件，班次须写明人员文件中的姓名"))
  static let all = [standardsFile, calendarsFile, policiesFile, deskFile, staffFile, onCallFiles]

  static let shippedPolicies = "deploy/policies.yaml"

  let standards: RuleFile<ServiceStandards>
  let calendars: RuleFile<CalendarBook>
  let desk: RuleFile<DeskRules>
  let staff: RuleFile<StaffRules>
  /// Lets a request wake the lane of due work, once there is one.
  let lane = LaneBell()
  /// What clocks are measured by; whole once the calendars of former versions are read from the tables.
  let rules: SharedRules

  /// nil when a fault was found; all faults stay in the reader.
  init?(_ reader: inout SettingsReader, _ common: CommonSettings) {
    typealias S = TicketsSettings
    let policies = S.read(&reader, S.policiesFile, S.shippedPolicies) { bytes, source throws(DocumentFaults) in
      try PolicyDocument.decode(bytes, source: source)
    }
    let calendars = S.read(&reader, S.calendarsFile, CalendarDocument.shipped) { bytes, source throws(DocumentFaults) in
      try CalendarDocument.decode(bytes, source: source, zoneNamed: TimeZones.zone)
    }
    let desk = S.read(&reader, S.deskFile, DeskDocument.shipped) { bytes, source throws(DocumentFaults) in
      try DeskDocument.decode(bytes, source: source)
    }
    guard let policies, let calendars, let desk else { return nil }
    let standards = S.read(&reader, S.standardsFile, StandardDocument.shipped) { bytes, source throws(DocumentFaults) in
      try StandardDocument.decode(bytes, source: source, ladder: policies.content.ladder, calendars: calendars.content)
    }
    let staff = S.read(&reader, S.staffFile, StaffDocument.shipped) { bytes, source throws(DocumentFaults) in
      try StaffDocument.decode(bytes, source: source, ladder: policies.content.ladder, currency: common.currency)
    }
    guard let standards, let staff, let rosters = S.rosters(&reader, staff.content, common.zone) else { return nil }
    self.init(
      standards: standards, calendars: calendars, desk: desk, staff: staff, rosters: rosters, zone: common.zone, currency: common.currency)
  }

  init(
    standards: RuleFile<ServiceStandards>, calendars: RuleFile<CalendarBook>, desk: RuleFile<DeskRules>, staff: RuleFile<StaffRules>,
    rosters: [String: OnCallRoster] = [:], zone: BusinessZone, currency: Currency
  ) {
    self.standards = standards
    self.calendars = calendars
    self.desk = desk
    self.staff = staff
    rules = SharedRules(
      TicketRules(
        book: ServiceRuleBook(standards: standards.content, calendars: calendars.content), desk: desk.content, staff: staff.content, rosters: rosters,
        zone: zone, currency: currency))
  }

  /// The rosters by their teams; nil when a fault was found.
  static func rosters(_ reader: inout SettingsReader, _ staff: StaffRules, _ zone: BusinessZone) -> [String: OnCallRoster]? {
    var rosters: [String: OnCallRoster] = [:]
    var teams: Set<Substring> = []
    var isWhole = true
    func refuse(_ problem: String, _ reader: inout SettingsReader) {
      reader.refuse(onCallFiles, problem)
      isWhole = false
    }
    for entry in (reader.optional(onCallFiles) ?? "").split(separator: ",").map({ $0.drop(while: \.isWhitespace) }) where !entry.isEmpty {
      guard let equals = entry.firstIndex(of: "=") else {
        refuse("`\(entry)` must be TEAM=FILE", &reader)
        continue
      }
      let (team, path) = (entry[..<equals], String(entry[entry.index(after: equals)...]))
      if !teams.insert(team).inserted { refuse("the team `\(team)` has two files; put all its shifts into one", &reader) }
      if staff.team(String(team)) == nil { refuse("`\(team)` is no team of the staff's file", &reader) }
      do throws(DocumentFaults) {
        rosters[String(team)] = try OnCallDocument.decode(
          try DocumentFile.read(path), source: path, zone: zone, zoneNamed: TimeZones.zone, isKnown: { staff[$0] != nil })
      } catch { refuse("\(error)", &reader) }
    }
    return isWhole ? rosters : nil
  }

  private static func read<Content: Sendable>(
    _ reader: inout SettingsReader, _ setting: Setting, _ shipped: String, _ decode: ([UInt8], String) throws(DocumentFaults) -> Content
  ) -> RuleFile<Content>? {
    reader.value(of: setting) { path throws(DocumentFaults) in try RuleFile(at: path, shipped: shipped, Resources.bytes, decode) }
  }
}

/// The rules as everybody in the process sees them.
final class SharedRules: Sendable {
  private let stored: Mutex<TicketRules>

  init(_ rules: TicketRules) { stored = Mutex(rules) }

  var value: TicketRules { stored.withLock { $0 } }

  func set(_ book: ServiceRuleBook) { stored.withLock { $0.book = book } }
}
