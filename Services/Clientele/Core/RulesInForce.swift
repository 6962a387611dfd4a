// What a report needs of the services: the figures of all customers, and the rules that ratings are made with.
import Documents
public import Domain
import HTTP
import Text

extension ServiceClient {
  /// The figures of every customer at the end of a day (P-07).
  public func figures(on day: Day) async throws -> [CustomerFigures] {
    var figures: [CustomerFigures] = []
    try await eachLine("profile", ServiceClient.path("/v1/indicators", [("as_of", day.description)])) { line in
      do { figures.append(try CustomerFigures(line: line, day: day)) } catch {
        throw SuiteFailure("profile sent figures that cannot be read, line \(figures.count + 1): \(error)")
      }
    }
    return figures
  }

  /// The scorecard that ratings are made with; the usual one when the tiering service does not answer.
  public func scorecardInForce() async throws -> Scorecard {
    guard let answer = try? await call("tiering", .get, "/v1/scorecards"),
      let row = answer["scorecards"]?.arrayValue?.first(where: { $0["in_force"]?.booleanValue == true }), let name = row["name"]?.stringValue
    else { return try RuleBook.scorecard(RuleBook.scorecardDefault).scorecard }
    let reference = ScorecardReference(name: name, version: row["version"]?.intValue ?? 0)
    if let known = try? RuleBook.scorecard(name).scorecard, known.reference == reference { return known }
    return try ScorecardDocument.decode(try await ScorecardDesk(self).file(reference), source: "scorecard \(reference)", isKept: true)
  }

  /// The policy that ratings are made with; the one of the policies' file when the tiering service does not answer.
  public func policyInForce() async throws -> TierPolicy {
    let summary = try? await call("tiering", .get, "/v1/tiers/summary")
    let name = summary?["policy"]?.stringValue?.split(separator: " ").first.map { String($0) }
    return try RuleBook.policy(name.flatMap { TierConfiguration.Kind(rawValue: $0) })
  }
}
