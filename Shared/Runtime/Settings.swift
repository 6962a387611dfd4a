// Settings: declared once, read from arguments, environment and file, typed, every fault reported together.
public import CommandLine
public import Domain
import Glibc
import Text

/// One setting: its name on the command line, in the environment and in the settings file, and what it means.
public struct Setting: Sendable {
  /// `--kafka-brokers` on the command line, `kafka-brokers = ...` in the file.
  public let name: String
  /// `KAFKA_BROKERS`
  public let variable: String
  public let help: HelpText
  public let defaultText: String?
  /// Never printed, and never an argument: arguments are seen by every process of the machine.
  public let isSecret: Bool

  public init(_ name: String, _ variable: String, _ help: HelpText, defaultText: String? = nil, isSecret: Bool = false) {
    self.name = name
    self.variable = variable
    self.help = help
    self.defaultText = defaultText
    self.isSecret = isSecret
  }

  /// `KAFKA_PASSWORD_FILE`: names a file that holds the value. Only secrets have one.
  public var fileVariable: String { variable + "_FILE" }

  /// As it stands in a list of faults: a secret has no name on the command line.
  public var faultName: String { isSecret ? variable : name }

  /// As a command-line option; nil for a secret.
  public var option: Option? {
    guard !isSecret else { return nil }
    // No default here: an option that was not given must not outrank the environment.
    let note = defaultText.map { $0.isEmpty ? "" : " (default \($0))" } ?? ""
    return .value(name, help: HelpText("\(help.en); \(variable)\(note)", zh: help.zh.map { "\($0)；\(variable)\(note)" }))
  }
}

/// One thing wrong with the settings.
public struct SettingFault: Hashable, Sendable, CustomStringConvertible {
  public let setting: String
  public let problem: String
  public init(setting: String, problem: String) {
    self.setting = setting
    self.problem = problem
  }
  public var description: String { "\(setting): \(problem)" }
}

/// All faults of the settings at once.
public struct SettingFaults: Error, Sendable, CustomStringConvertible {
  public let faults: [SettingFault]
  public init(faults: [SettingFault]) { self.faults = faults }
  public var description: String { faults.map(\.description).joined(separator: "\n") }
}

/// Gives typed values and collects faults; ``finish()`` throws them all.
public struct SettingsReader {
  private let arguments: [String: String]
  private let environment: [String: String]
  private let file: [String: String]
  public private(set) var faults: [SettingFault] = []

  public init(arguments: [String: String], environment: [String: String], file: [String: String] = [:]) {
    self.arguments = arguments
    self.environment = environment
    self.file = file
  }

  /// Reads a settings file: `name = value` lines, `#` comments, none twice, none unknown.
  public static func file(_ text: String, known: [Setting]) throws(SettingFaults) -> [String: String] {
    var values: [String: String] = [:]
    var faults: [SettingFault] = []
    for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let line = trimmed(line)
      if line.isEmpty || line.hasPrefix("#") { continue }
      guard let sign = line.firstIndex(of: "=") else {
        faults.append(SettingFault(setting: "line \(number + 1)", problem: "is not `name = value`"))
        continue
      }
      let name = trimmed(line[..<sign])
      if !known.contains(where: { $0.name == name }) { faults.append(SettingFault(setting: "line \(number + 1)", problem: "there is no setting \(name)")) }
      if values[name] != nil { faults.append(SettingFault(setting: "line \(number + 1)", problem: "\(name) is set twice")) }
      values[name] = trimmed(line[line.index(after: sign)...])
    }
    if !faults.isEmpty { throw SettingFaults(faults: faults) }
    return values
  }

  private static func trimmed(_ text: some StringProtocol) -> String {
    String(text.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
  }

  /// The text of a setting: argument, else environment, else file, else default. nil when there is none.
  /// An empty text in the environment counts as none, because deployments pass on variables that nobody set.
  ///
  /// A secret may also stand in a file of its own that ``Setting/fileVariable`` names, as container platforms hand them over.
  public mutating func optional(_ setting: Setting) -> String? {
    let given = environment[setting.variable].flatMap { $0.isEmpty ? nil : $0 }
    if setting.isSecret, let path = environment[setting.fileVariable], !path.isEmpty {
      guard given == nil else {
        refuse(setting, "is set twice: \(setting.variable) and \(setting.fileVariable)")
        return nil
      }
      return secret(setting, in: path)
    }
    let found = arguments[setting.name] ?? given ?? file[setting.name] ?? setting.defaultText
    return found?.isEmpty ?? true ? nil : found
  }

  /// The longest secret in a file, in bytes.
  static let secretBytesMax = 64 << 10

  /// The text of a secret's file, without the line end that editors leave.
  private mutating func secret(_ setting: Setting, in path: String) -> String? {
    guard let bytes = Files.read(path, bytesMax: SettingsReader.secretBytesMax), let text = String(validating: bytes, as: UTF8.self) else {
      refuse(setting, "the file that \(setting.fileVariable) names, \(path), cannot be read")
      return nil
    }
    let trimmed = String(text.reversed().drop(while: \.isNewline).reversed())
    guard !trimmed.isEmpty else {
      refuse(setting, "the file that \(setting.fileVariable) names, \(path), is empty")
      return nil
    }
    return trimmed
  }

  public mutating func text(_ setting: Setting) -> String {
    let before = faults.count
    if let text = optional(setting) { return text }
    let other = setting.isSecret ? setting.fileVariable : "give --\(setting.name)"
    if faults.count == before { refuse(setting, "is missing; set \(setting.variable) or \(other)") }
    return ""
  }

  public mutating func integer(_ setting: Setting, in range: ClosedRange<Int>) -> Int {
    let text = text(setting)
    guard !text.isEmpty else { return range.lowerBound }
    guard let value = Int(text), range.contains(value) else {
      refuse(setting, "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
      return range.lowerBound
    }
    return value
  }

  public mutating func choice(_ setting: Setting, of choices: [String]) -> String {
    let text = text(setting)
    if !text.isEmpty, !choices.contains(text) { refuse(setting, "must be one of \(choices.joined(separator: ", "))") }
    return text
  }

  public mutating func currency(_ setting: Setting) -> Currency {
    guard let currency = Currency(text(setting)) else {
      refuse(setting, "must be a current ISO 4217 code, as CNY")
      return .cny
    }
    return currency
  }

  /// A calendar day, or nil when the setting is empty.
  public mutating func day(_ setting: Setting) -> Day? {
    guard let text = optional(setting) else { return nil }
    guard let day = Day(text) else {
      refuse(setting, "must be a day as 1998-07-01")
      return nil
    }
    return day
  }

  /// A time zone by its IANA name, from the machine's database or, for the default, from the program itself.
  public mutating func zone(_ setting: Setting) -> BusinessZone {
    let name = text(setting)
    guard !name.isEmpty else { return .utc }
    guard let zone = TimeZones.zone(name) else {
      refuse(setting, "there is no time zone \(name); use an IANA name, as Asia/Shanghai (other zones than that and UTC need the tzdata package)")
      return .utc
    }
    return zone
  }

  /// What the text of a setting leads to, as a file that it names; nil when reading failed, which stays in the reader.
  public mutating func value<Value, Fault: Error>(of setting: Setting, _ read: (String?) throws(Fault) -> Value) -> Value? {
    do throws(Fault) { return try read(optional(setting)) } catch {
      refuse(setting, "\(error)")
      return nil
    }
  }

  public mutating func refuse(_ setting: Setting, _ problem: String) {
    faults.append(SettingFault(setting: setting.faultName, problem: problem))
  }

  /// Throws every fault found so far.
  public func finish() throws(SettingFaults) { if !faults.isEmpty { throw SettingFaults(faults: faults) } }
}

/// Time zones by name.
public enum TimeZones {
  public static let folder = "/usr/share/zoneinfo/"

  /// nil when there is no such zone here. Names cannot leave the folder.
  public static func zone(_ name: String) -> BusinessZone? {
    if let builtIn = TimeZoneFile.builtIn(name) { return zone(name, builtIn) }
    let isName = name.utf8.allSatisfy { byte in
      (0x61...0x7A).contains(byte | 0x20) || (0x30...0x39).contains(byte) || byte == 0x2F || byte == 0x5F || byte == 0x2B || byte == 0x2D
    }
    guard isName, !name.isEmpty, !name.hasPrefix("/"), let bytes = Files.read(folder + name, bytesMax: TimeZoneFile.fileBytesMax),
      let periods = try? TimeZoneFile.parse(bytes)
    else { return nil }
    return zone(name, periods)
  }

  private static func zone(_ name: String, _ periods: TimeZoneFile.Periods) -> BusinessZone {
    BusinessZone(
      name: name, firstOffsetSeconds: periods.firstOffset, periods: periods.periods.map { .init(startsAt: $0.startsAt, offsetSeconds: $0.offset) })
  }
}

/// Small files, read whole.
public enum Files {
  /// nil when the file cannot be read or is larger.
  public static func read(_ path: String, bytesMax: Int) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count == 0 { return bytes }
      guard count > 0, bytes.count + count <= bytesMax else { return nil }
      bytes.append(contentsOf: chunk[0..<count])
    }
  }
}
