// The settings that only ingest has.
import CommandLine
import Documents
import Domain
import IngestCore
import Phones
import Runtime

struct IngestSettings: Sendable {
  static let identityFile = Setting(
    "identity-rules-file", "IDENTITY_RULES_FILE",
    HelpText("rules of who is who, with the values that name nobody, instead of those that come with the program (YAML)", zh: "自定义客户识别规则文件（含无效标识值）"))
  static let all = [CommonSettings.exchangeRates, CommonSettings.junkIdentifiers, identityFile, CommonSettings.phoneRegion, CommonSettings.ingestToken]

  var rules: IngestRules
  var pseudonymKey: [UInt8]

  init(rules: IngestRules, pseudonymKey: [UInt8]) {
    self.rules = rules
    self.pseudonymKey = pseudonymKey
  }

  /// Faults stay in the reader.
  init(_ reader: inout SettingsReader, _ common: CommonSettings) {
    var rates = ExchangeRates(base: common.currency)
    do throws(RateFault) { rates = try ExchangeRates(reader.optional(CommonSettings.exchangeRates) ?? "", base: common.currency) } catch {
      reader.refuse(CommonSettings.exchangeRates, error.problem)
    }
    let junk = (reader.optional(CommonSettings.junkIdentifiers) ?? "").split(separator: ",").map(String.init)
    let region = reader.text(CommonSettings.phoneRegion)
    // The library is loaded when there is a number for it; for the default it need not be asked.
    if region != CommonSettings.phoneRegion.defaultText, !PhoneNumbers.knows(region: region) {
      reader.refuse(CommonSettings.phoneRegion, "`\(region)` is no country whose numbers are known; two capital letters as CN, HK, US are needed")
    }
    rules = IngestRules(
      zone: common.zone, rates: rates, junk: IngestSettings.junkValues(&reader).adding(junk), phones: PhoneNumbers(region: region),
      zoneNamed: { TimeZones.zone($0) })
    pseudonymKey = common.pseudonymKey
  }

  private static func junkValues(_ reader: inout SettingsReader) -> JunkIdentifiers {
    do throws(DocumentFaults) {
      guard let path = reader.optional(identityFile) else { return .standard }
      return try IdentityDocument.load(path).junk
    } catch {
      reader.refuse(identityFile, "\(error)")
      return .standard
    }
  }
}
