// Scorecards and policies by name: those that come with the program, or files of the operator's own.
public import Documents
public import Domain
import Runtime

/// Finds scorecards (T-01) and policies (T-04).
public enum RuleBook {
  private static let scorecardFolder = "deploy/scorecards/"
  private static let policiesPath = "deploy/policies.yaml"
  /// The scorecard of examples, and of reports when no tiering service says which one is in force.
  public static let scorecardDefault = "rfm-plus"

  /// The scorecards that come with the program, with the text of their files.
  public static func shipped() throws(DocumentFaults) -> [(scorecard: Scorecard, yaml: String)] {
    var found: [(scorecard: Scorecard, yaml: String)] = []
    for path in Resources.paths.sorted() where path.hasPrefix(scorecardFolder) {
      let bytes = Resources.bytes(path) ?? []
      found.append((try ScorecardDocument.decode(bytes, source: path), String(decoding: bytes, as: UTF8.self)))
    }
    return found
  }

  /// A scorecard by its name, or by the path of its file: what has a slash in it or ends in `.yaml` or `.yml`.
  public static func scorecard(_ name: String) throws -> (scorecard: Scorecard, yaml: String) {
    if isFile(name) { return try scorecard(path: name) }
    let all = try shipped()
    guard let named = newest(name, of: all) else {
      let known = Set(all.map(\.scorecard.name)).sorted().joined(separator: ", ")
      throw SuiteFailure("there is no scorecard `\(name)`; known are \(known), and a path to a YAML file is taken too")
    }
    return named
  }

  /// Whether an operator means a file.
  public static func isFile(_ name: String) -> Bool { name.contains("/") || name.hasSuffix(".yaml") || name.hasSuffix(".yml") }

  public static func scorecard(path: String) throws -> (scorecard: Scorecard, yaml: String) {
    let bytes = try DocumentFile.read(path)
    return (try ScorecardDocument.decode(bytes, source: path), String(decoding: bytes, as: UTF8.self))
  }

  /// The text of a file, or of a scorecard that comes with the program; nil for a name that neither knows.
  public static func fileOrShipped(_ name: String) throws -> String? {
    if isFile(name) { return try scorecard(path: name).yaml }
    return newest(name, of: try shipped())?.yaml
  }

  private static func newest(_ name: String, of all: [(scorecard: Scorecard, yaml: String)]) -> (scorecard: Scorecard, yaml: String)? {
    all.filter { $0.scorecard.name == name }.max { $0.scorecard.version < $1.scorecard.version }
  }

  /// The tiers and policies that come with the program.
  public static func policies() throws(DocumentFaults) -> TierConfiguration {
    try PolicyDocument.decode(Resources.bytes(policiesPath) ?? [], source: policiesPath)
  }

  /// A policy by its kind; nil: the one that the policies' file has in force.
  public static func policy(_ kind: TierConfiguration.Kind?) throws -> TierPolicy {
    let configuration = try policies()
    let policy: TierPolicy? =
      switch kind {
      case nil: configuration.inForce
      case .score: configuration.score.map(TierPolicy.score)
      case .quota: configuration.quota.map(TierPolicy.quota)
      case .spend: configuration.spend.map(TierPolicy.spend)
      }
    guard let policy else { throw SuiteFailure("the policies have no section `\(kind?.rawValue ?? "")`") }
    return policy
  }

  /// Growth of industries in percent a year, as `retail=5,it=15`; names in lower case.
  public static func growth(_ text: String) throws -> [String: Rational] {
    var percents: [String: Rational] = [:]
    for item in text.split(separator: ",") {
      let parts = item.split(separator: "=", omittingEmptySubsequences: false).map { String($0).filter { $0 != " " } }
      guard parts.count == 2, !parts[0].isEmpty, let percent = Rational(decimal: parts[1]) else {
        throw SuiteFailure("`\(item)` is not an industry and its growth in percent a year, as retail=5")
      }
      percents[parts[0].lowercased()] = percent
    }
    return percents
  }
}
