// The settings of the service: every fault is said in words that help.
import Documents
import Domain
import Runtime
import Testing
import TieringCore
import TieringStore

@testable import tiering

@Suite("Settings")
struct SettingsTests {
  private func read(_ own: [String: String]) -> (TieringSettings?, [String]) {
    var environment = [
      "DATABASE_URL": "postgres://tiering@localhost/x", "KAFKA_BROKERS": "localhost:9092", "CLIENTELE_PSEUDONYM_KEY": "0123456789abcdef",
    ]
    environment.merge(own) { _, new in new }
    var reader = SettingsReader(arguments: [:], environment: environment)
    let common = CommonSettings(&reader, service: "tiering")
    let settings = TieringSettings(&reader, common)
    return (settings, reader.faults.map(\.description))
  }

  @Test("Without settings the standard scorecard and the policy in force rate at most once a minute (T-02, T-06)")
  func defaults() throws {
    let (settings, faults) = read([:])
    #expect(faults.isEmpty)
    #expect(settings?.rules.scorecard.reference == ScorecardReference(name: "standard", version: 2))
    #expect(settings?.rules.policy.reference.name == "score")
    #expect(settings?.rules.intervalSeconds == 60)
    #expect(settings?.rules.schedule.quietMonths == 3)
    #expect(settings?.scorecards.map(\.content.name).sorted() == ["rfm-plus", "standard"])
    #expect(settings?.rules.decisions.review.policy.name == "b2c")
    #expect(settings?.rules.decisions.steadiness.bandPoints == 2)
  }

  @Test("Another review policy of the file can be chosen; an unknown one names the known ones (T-07)")
  func reviewPolicy() throws {
    let (settings, faults) = read(["TIERING_REVIEW_POLICY": "b2b"])
    #expect(faults.isEmpty)
    #expect(settings?.rules.decisions.review.policy.name == "b2b")
    let (none, refused) = read(["TIERING_REVIEW_POLICY": "b2x"])
    #expect(none == nil)
    #expect(refused.count == 1)
    #expect(refused.first?.contains("known are b2b, b2c") == true)
  }

  @Test("A quota rates too, by borders that are drawn at most every ten minutes unless said otherwise (T-04)")
  func quota() {
    let (settings, faults) = read(["TIERING_POLICY": "quota"])
    #expect(faults.isEmpty && settings?.rules.policy.reference.name == "quota")
    #expect(settings?.quotaIntervalSeconds == 600)
    #expect(read(["TIERING_QUOTA_INTERVAL_SECONDS": "30"]).0?.quotaIntervalSeconds == 30)
    #expect(read(["TIERING_QUOTA_INTERVAL_SECONDS": "0"]).1.count == 1)
  }

  @Test("All faults are reported together: an unknown scorecard names the known ones")
  func faults() {
    let (settings, faults) = read([
      "TIERING_SCORECARD": "gold", "TIERING_POLICY": "luck", "TIERING_INDUSTRY_GROWTH": "retail=5,it,a=x",
      "TIERING_RATING_INTERVAL_SECONDS": "-1",
    ])
    #expect(settings == nil)
    #expect(faults.count == 5)
    #expect(faults.contains { $0.contains("known are rfm-plus, standard") })
  }

  @Test("Industries are read as names and percent, compared without regard to case")
  func growth() {
    let (settings, faults) = read(["TIERING_INDUSTRY_GROWTH": " Retail = 5 , it=-2.5", "TIERING_POLICY": "spend"])
    #expect(faults.isEmpty)
    #expect(settings?.rules.growth["retail"] == Rational(5))
    #expect(settings?.rules.growth["IT"] == Rational(-5, over: 2))
    #expect(settings?.rules.growth["mining"] == nil)
    #expect(settings?.rules.policy.reference.name == "spend")
  }

  @Test("The benefits that come with the program are taken, and a file that is not there is said to be so (T-11)")
  func benefits() {
    let (settings, faults) = read([:])
    #expect(faults.isEmpty)
    #expect(settings?.benefits.content.version == 2)
    #expect(tierID("watch").flatMap { settings?.benefits.content.grants(of: $0) }?.count == 5)
    let (none, missing) = read(["TIERING_BENEFITS_FILE": "/nowhere/benefits.yaml"])
    #expect(none == nil)
    #expect(missing.count == 1 && missing[0].contains("the file cannot be opened"), "\(missing)")
  }
}
