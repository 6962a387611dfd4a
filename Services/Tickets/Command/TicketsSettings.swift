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
  static let all = [standardsFile, calendarsFile, policiesFile, deskFile, staffFile]

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
    guard let standards, let staff else { return nil }
    self.init(standards: standards, calendars: calendars, desk: desk, staff: staff, zone: common.zone, currency: common.currency)
  }

  init(
    standards: RuleFile<ServiceStandards>, calendars: RuleFile<CalendarBook>, desk: RuleFile<DeskRules>, staff: RuleFile<StaffRules>, zone: BusinessZone,
    currency: Currency
  ) {
    self.standards = standards
    self.calendars = calendars
    self.desk = desk
    self.staff = staff
    rules = SharedRules(
      TicketRules(
        book: ServiceRuleBook(standards: standards.content, calendars: calendars.content), desk: desk.content, staff: staff.content, zone: zone,
        currency: currency))
  }

  private static func read<Content: Sendable>(
    _ reader: inout SettingsReader, _ setting: Setting, _ shipped: String, _ decode: ([UInt8], String) throws(DocumentFaults) -> Content
  ) -> RuleFile<Content>? {
    do throws(DocumentFaults) { return try RuleFile(at: reader.optional(setting), shipped: shipped, Resources.bytes, decode) } catch {
      reader.refuse(setting, "\(error)")
      return nil
    }
  }
}

/// The rules as everybody in the process sees them.
final class SharedRules: Sendable {
  private let stored: Mutex<TicketRules>

  init(_ rules: TicketRules) { stored = Mutex(rules) }

  var value: TicketRules { stored.withLock { $0 } }

  func set(_ book: ServiceRuleBook) { stored.withLock { $0.book = book } }
}
