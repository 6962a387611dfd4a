// The settings of the tiering service: which scorecard and policy rate, and how often.
import Messaging
import CommandLine
import Documents
import Domain
import Runtime
import TieringCore
import TieringStore

struct TieringSettings: Sendable {
  static let scorecard = Setting(
    "scorecard", "TIERING_SCORECARD",
    HelpText("name of the scorecard that rates in a new database; afterwards `clientele scorecard` decides", zh: "新数据库首次使用的评分卡；之后由 clientele scorecard 决定"),
    defaultText: "standard")
  static let policy = Setting(
    "policy", "TIERING_POLICY",
    HelpText("score, quota or spend: how figures become a tier; unset: what the policies' file has in force", zh: "分级策略（score、quota 或 spend）"))
  static let review = Setting(
    "review-policy", "TIERING_REVIEW_POLICY",
    HelpText("which changes of a tier wait for a person, as b2c or b2b; unset: what the policies' file has in force", zh: "等级变更审核策略（b2c 或 b2b）"))
  static let interval = Setting(
    "rating-interval-seconds", "TIERING_RATING_INTERVAL_SECONDS",
    HelpText("a customer is rated at most once in so many seconds", zh: "同一客户两次评分的最短间隔（秒）"),
    defaultText: "60")
  static let quotaInterval = Setting(
    "quota-interval-seconds", "TIERING_QUOTA_INTERVAL_SECONDS",
    HelpText("a quota's borders are drawn at most once in so many seconds", zh: "按比例分级时，两次划线的最短间隔（秒）"), defaultText: "600")
  static let growth = Setting(
    "industry-growth", "TIERING_INDUSTRY_GROWTH", HelpText("growth of industries in percent a year, as retail=5,it=15", zh: "行业年增长率（%）"))
  static let scorecardFile = Setting(
    "scorecard-file", "TIERING_SCORECARD_FILE", HelpText("a scorecard beside those that come with the program (YAML)", zh: "自定义评分卡文件"))
  static let policiesFile = Setting(
    "policies-file", "TIERING_POLICIES_FILE",
    HelpText("tiers and policies instead of those that come with the program (YAML)", zh: "自定义分级策略文件"))
  static let benefitsFile = Setting(
    "benefits-file", "TIERING_BENEFITS_FILE",
    HelpText("benefits by tier instead of those that come with the program (YAML)", zh: "自定义等级权益文件"))
  static let all = [scorecard, policy, review, interval, quotaInterval, growth, scorecardFile, policiesFile, benefitsFile]

  static let shippedPolicies = "deploy/policies.yaml"
  static let shippedBenefits = "deploy/benefits.yaml"
  static let shippedScorecards = "deploy/scorecards/"

  /// As the settings say; which scorecards rate says ``inForce``.
  let rules: TieringRules
  let inForce: RulesInForce
  let scorecards: [RuleFile<Scorecard>]
  let policies: RuleFile<TierConfiguration>
  let benefits: RuleFile<BenefitCatalogue>
  /// The borders of a quota are drawn at most once in this time (T-04).
  let quotaIntervalSeconds: Int64
  /// Lets a request wake the lane of due work, once there is one.
  let lane = LaneBell()

  /// nil when a fault was found; all faults stay in the reader.
  init?(_ reader: inout SettingsReader, _ common: CommonSettings) {
    typealias S = TieringSettings
    let scorecards = S.scorecards(&reader)
    let policies = S.policies(&reader)
    let chosen = S.choose(&reader, scorecards)
    let policy = policies.flatMap { S.policy(&reader, $0.content) }
    let decisions = policies.flatMap { S.decisions(&reader, $0.content) }
    let seconds = reader.integer(S.interval, in: 0...3_600)
    let quotaSeconds = reader.integer(S.quotaInterval, in: 1...86_400)
    let growth = S.growth(&reader)
    let benefits = policies.flatMap { S.benefits(&reader, $0.content.ladder) }
    guard let policies, let chosen, let policy, let decisions, let benefits else { return nil }
    self.scorecards = scorecards
    self.policies = policies
    self.benefits = benefits
    quotaIntervalSeconds = Int64(quotaSeconds)
    rules = TieringRules(
      zone: common.zone, currency: common.currency, scorecard: chosen, policy: policy, growth: growth,
      schedule: RatingSchedule(
        quietMonths: policies.content.spend?.quietMonthsMax ?? RatingSchedule.quietMonthsDefault, noticeDays: decisions.steadiness.noticeDays),
      decisions: decisions, intervalSeconds: Int64(seconds))
    inForce = RulesInForce(rules)
  }

  init(
    rules: TieringRules, scorecards: [RuleFile<Scorecard>], policies: RuleFile<TierConfiguration>, benefits: RuleFile<BenefitCatalogue>,
    quotaIntervalSeconds: Int64 = 600
  ) {
    self.quotaIntervalSeconds = quotaIntervalSeconds
    self.rules = rules
    inForce = RulesInForce(rules)
    self.scorecards = scorecards
    self.policies = policies
    self.benefits = benefits
  }

  private static func scorecards(_ reader: inout SettingsReader) -> [RuleFile<Scorecard>] {
    var files: [RuleFile<Scorecard>] = []
    for path in Resources.paths where path.hasPrefix(shippedScorecards) {
      guard let bytes = Resources.bytes(path) else { continue }
      do throws(DocumentFaults) { files.append(try RuleFile(scorecard: bytes, source: path)) } catch {
        reader.refuse(scorecard, "\(error)")
      }
    }
    guard let path = reader.optional(scorecardFile) else { return files }
    do throws(DocumentFaults) {
      files.append(try RuleFile(scorecard: try DocumentFile.read(path), source: path))
    } catch {
      reader.refuse(scorecardFile, "\(error)")
    }
    return files
  }

  private static func policies(_ reader: inout SettingsReader) -> RuleFile<TierConfiguration>? {
    reader.value(of: policiesFile) { path throws(DocumentFaults) in try policies(at: path) }
  }

  /// - Parameter path: nil: those that come with the program.
  static func policies(at path: String?) throws(DocumentFaults) -> RuleFile<TierConfiguration> {
    try RuleFile(at: path, shipped: shippedPolicies, Resources.bytes) { bytes, source throws(DocumentFaults) in
      try PolicyDocument.decode(bytes, source: source)
    }
  }

  /// The file speaks of every tier of the policies and of no other: a tier that it forgot would leave customers without an answer.
  private static func benefits(_ reader: inout SettingsReader, _ ladder: TierLadder) -> RuleFile<BenefitCatalogue>? {
    let path = reader.optional(benefitsFile)
    do throws(DocumentFaults) { return try benefits(at: path, ladder) } catch {
      let way = path == nil ? "the benefits that come with the program do not fit your tiers: name a file of your own\n" : ""
      reader.refuse(benefitsFile, "\(way)\(error)")
      return nil
    }
  }

  /// - Parameter path: nil: those that come with the program.
  static func benefits(at path: String?, _ ladder: TierLadder) throws(DocumentFaults) -> RuleFile<BenefitCatalogue> {
    try RuleFile(at: path, shipped: shippedBenefits, Resources.bytes) { bytes, source throws(DocumentFaults) in
      try BenefitDocument.decode(bytes, source: source, ladder: ladder)
    }
  }

  /// The newest version of the named scorecard.
  private static func choose(_ reader: inout SettingsReader, _ scorecards: [RuleFile<Scorecard>]) -> Scorecard? {
    let name = reader.text(scorecard)
    if let found = scorecards.map(\.content).filter({ $0.name == name }).max(by: { $0.version < $1.version }) { return found }
    let known = Set(scorecards.map(\.content.name)).sorted().joined(separator: ", ")
    reader.refuse(scorecard, "there is no scorecard \(name); known are \(known), and --\(scorecardFile.name) adds one")
    return nil
  }

  private static func policy(_ reader: inout SettingsReader, _ file: TierConfiguration) -> TierPolicy? {
    let chosen: TierPolicy?
    switch reader.optional(policy) {
    case nil: chosen = file.inForce
    case "score": chosen = file.score.map(TierPolicy.score)
    case "spend": chosen = file.spend.map(TierPolicy.spend)
    case "quota": chosen = file.quota.map(TierPolicy.quota)
    case .some:
      reader.refuse(policy, "must be score, quota or spend")
      return nil
    }
    if chosen == nil { reader.refuse(policy, "the policies' file has no such section") }
    return chosen
  }

  /// What the file says of steadiness and review, with the review policy that is chosen.
  private static func decisions(_ reader: inout SettingsReader, _ file: TierConfiguration) -> DecisionRules? {
    guard let name = reader.optional(review) else { return file.decisions }
    if let rules = file.reviews.first(where: { $0.policy.name == name }) { return DecisionRules(steadiness: file.steadiness, review: rules) }
    let known = file.reviews.map(\.policy.name).sorted().joined(separator: ", ")
    reader.refuse(review, known.isEmpty ? "the policies' file has no section `review`" : "there is no review policy \(name); known are \(known)")
    return nil
  }

  private static func growth(_ reader: inout SettingsReader) -> IndustryGrowth {
    var percents: [String: Rational] = [:]
    let items = (reader.optional(growth) ?? "").split(separator: ",")
    if items.count > IndustryGrowth.industriesMax {
      reader.refuse(growth, "at most \(IndustryGrowth.industriesMax) industries are possible, there are \(items.count)")
      return .none
    }
    for item in items {
      let parts = item.split(separator: "=", omittingEmptySubsequences: false).map(trimmed)
      guard parts.count == 2, !parts[0].isEmpty, let percent = Rational(decimal: parts[1]), percent.magnitude <= Rational(1_000) else {
        reader.refuse(growth, "`\(trimmed(item))` is not a name and percent a year, as retail=5")
        continue
      }
      if percents.updateValue(percent, forKey: parts[0].lowercased()) != nil { reader.refuse(growth, "\(parts[0]) is listed twice") }
    }
    return IndustryGrowth(percents)
  }

  private static func trimmed(_ text: some StringProtocol) -> String {
    String(text.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
  }
}
