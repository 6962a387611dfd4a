// The settings that only the profile service has.
import CommandLine
import Documents
import Domain
import Hashing
import ProfileCore
import ProfileStore
import Runtime

enum ProfileSettings {
  static let identityFile = Setting(
    "identity-rules-file", "IDENTITY_RULES_FILE",
    HelpText("rules of who is who instead of those that come with the program (YAML)", zh: "自定义客户识别规则文件"))
  static let tagsFile = Setting(
    "tags-file", "TAGS_FILE", HelpText("rules of tags instead of those that come with the program (YAML)", zh: "自定义标签规则文件"))
  static let coldAfter = Setting(
    "cold-after-months", "PROFILE_COLD_AFTER_MONTHS",
    HelpText("put orders away of which everything happened so many months ago; unset: never", zh: "将全部发生于若干个月之前的订单移出热表；未设置则不移"))
  static let all = [identityFile, tagsFile, coldAfter]
  /// A customer's row holds the days of 26 months: what they are made of stays at hand.
  static let coldMonthsRange = (DayLedger.monthsKept + 1)...600

  /// nil when a fault was found; all faults stay in the reader.
  static func environment(_ reader: inout SettingsReader, _ common: CommonSettings) -> ProfileEnvironment? {
    let tags = tagFile(&reader, common.currency)
    guard let identity = identityRules(&reader), let tags else { return nil }
    var rules = ProfileRules(zone: common.zone, identity: identity, tags: tags.rules)
    if reader.optional(coldAfter) != nil { rules.coldAfterMonths = reader.integer(coldAfter, in: coldMonthsRange) }
    do {
      return ProfileEnvironment(rules: rules, currency: common.currency, pseudonyms: try Pseudonyms(key: common.pseudonymKey), tags: tags)
    } catch { return nil }
  }

  private static func tagFile(_ reader: inout SettingsReader, _ currency: Currency) -> TagFile? {
    reader.value(of: tagsFile) { path throws(DocumentFaults) in
      try TagFile(at: path, shipped: TagDocument.shipped, Resources.bytes) { bytes, source throws(DocumentFaults) in
        try TagDocument.decode(bytes, source: source, currency: currency)
      }
    }
  }

  private static func identityRules(_ reader: inout SettingsReader) -> IdentityRules? {
    reader.value(of: identityFile) { path throws(DocumentFaults) in
      try RuleFile(at: path, shipped: IdentityDocument.shipped, Resources.bytes) { bytes, source throws(DocumentFaults) in
        try IdentityDocument.decode(bytes, source: source)
      }.content
    }
  }
}
