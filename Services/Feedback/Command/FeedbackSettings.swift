// The settings of the feedback service: the tiers, by which figures are ordered and named.
import CommandLine
import Documents
import Domain
import Runtime

struct FeedbackSettings: Sendable {
  static let policiesFile = Setting(
    "policies-file", "FEEDBACK_POLICIES_FILE",
    HelpText("the tiers' file of tiering, when it is not the one that comes with the program (YAML)", zh: "自定义分级策略文件（与 tiering 一致）"))
  static let all = [policiesFile]

  static let shippedPolicies = "deploy/policies.yaml"

  let ladder: TierLadder

  init(ladder: TierLadder) { self.ladder = ladder }

  /// nil when a fault was found; all faults stay in the reader.
  init?(_ reader: inout SettingsReader) {
    typealias S = FeedbackSettings
    do throws(DocumentFaults) {
      let file = try RuleFile(at: reader.optional(S.policiesFile), shipped: S.shippedPolicies, Resources.bytes) { bytes, source throws(DocumentFaults) in
        try PolicyDocument.decode(bytes, source: source)
      }
      ladder = file.content.ladder
    } catch {
      reader.refuse(S.policiesFile, "\(error)")
      return nil
    }
  }
}
