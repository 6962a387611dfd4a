// The settings that only ingest has.
import CommandLine
import Domain
import IngestCore
import Runtime

struct IngestSettings: Sendable {
  static let rates = Setting(
    "exchange-rates", "CLIENTELE_EXCHANGE_RATES",
    HelpText("worth of other currencies in the base currency, as USD=7.12,GBP=9.05", zh: "外币汇率（折合基准币种）"))
  static let junk = Setting(
    "junk-identifiers", "CLIENTELE_JUNK_IDENTIFIERS", HelpText("further values that name nobody, separated by commas", zh: "额外的无效标识值"))
  static let all = [rates, junk, CommonSettings.ingestToken]

  var rules: IngestRules
  var pseudonymKey: [UInt8]
  /// nil: anybody who reaches the port may write.
  var token: WriteToken?

  init(rules: IngestRules, pseudonymKey: [UInt8], token: WriteToken? = nil) {
    self.rules = rules
    self.pseudonymKey = pseudonymKey
    self.token = token
  }

  /// Faults stay in the reader.
  init(_ reader: inout SettingsReader, _ common: CommonSettings) {
    var rates = ExchangeRates(base: common.currency)
    do throws(RateFault) { rates = try ExchangeRates(reader.optional(IngestSettings.rates) ?? "", base: common.currency) } catch {
      reader.refuse(IngestSettings.rates, error.problem)
    }
    let junk = (reader.optional(IngestSettings.junk) ?? "").split(separator: ",").map(String.init)
    rules = IngestRules(zone: common.zone, rates: rates, junk: JunkIdentifiers.standard.adding(junk), zoneNamed: { TimeZones.zone($0) })
    pseudonymKey = common.pseudonymKey
    token = WriteToken(&reader)
  }
}
