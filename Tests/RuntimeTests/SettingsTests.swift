// Settings: where they come from, and that everything wrong with them is said at once.
import CommandLine
import Domain
import Handling
import Runtime
import Testing
import Text

@Suite struct SettingsTests {
  private let name = Setting("kafka-brokers", "KAFKA_BROKERS", "brokers")
  private let count = Setting("partitions", "CLIENTELE_PARTITIONS", "partitions", defaultText: "6")
  private let secret = Setting("pseudonym-key", "CLIENTELE_PSEUDONYM_KEY", "key", isSecret: true)

  @Test func argumentsComeBeforeTheEnvironmentTheFileAndTheDefault() {
    func read(_ arguments: [String: String], _ environment: [String: String], _ file: [String: String]) -> Int {
      var reader = SettingsReader(arguments: arguments, environment: environment, file: file)
      return reader.integer(count, in: 1...100)
    }
    #expect(read(["partitions": "1"], ["CLIENTELE_PARTITIONS": "2"], ["partitions": "3"]) == 1)
    #expect(read([:], ["CLIENTELE_PARTITIONS": "2"], ["partitions": "3"]) == 2)
    #expect(read([:], [:], ["partitions": "3"]) == 3)
    #expect(read([:], [:], [:]) == 6)
  }

  @Test func everyFaultIsReportedTogetherAndNoSecretIsPrinted() {
    var reader = SettingsReader(arguments: [:], environment: ["CLIENTELE_PARTITIONS": "many", "CLIENTELE_BUSINESS_ZONE": "Mars/Olympus"])
    _ = reader.text(name)
    _ = reader.integer(count, in: 1...100)
    _ = reader.text(secret)
    _ = reader.zone(CommonSettings.zone)
    do throws(SettingFaults) {
      try reader.finish()
      Issue.record("faults were not thrown")
    } catch {
      #expect(error.faults.map(\.setting) == ["kafka-brokers", "partitions", "CLIENTELE_PSEUDONYM_KEY", "business-zone"])
      #expect(error.description.contains("KAFKA_BROKERS"))
    }
  }

  @Test func aServiceReadsItsCommonSettingsOrSaysAllThatIsMissing() {
    var empty = SettingsReader(arguments: [:], environment: [:])
    _ = CommonSettings(&empty, service: "profile")
    #expect(Set(empty.faults.map(\.setting)) == ["DATABASE_URL", "kafka-brokers", "CLIENTELE_PSEUDONYM_KEY"])
    var full = SettingsReader(
      arguments: [:],
      environment: [
        "DATABASE_URL": "postgres://u:hidden-word@127.0.0.1/clientele", "KAFKA_BROKERS": "127.0.0.1:9092", "CLIENTELE_PSEUDONYM_KEY": "0123456789abcdef",
        "CLIENTELE_CLOCK": "1998-07-01",
      ])
    let settings = CommonSettings(&full, service: "profile")
    #expect(full.faults.isEmpty && settings.batchRecords == 3_000)
    #expect(!"\(settings.database)".contains("hidden-word"))
    #expect(RFC3339.text(settings.clock.now().microseconds) == "1998-07-01T15:59:59Z")
  }

  @Test func aSettingsFileSaysWhichLineIsWrong() {
    do throws(SettingFaults) {
      _ = try SettingsReader.file("# a comment\npartitions = 4\nnonsense\nunheard-of = 1\npartitions = 5\n", known: [count])
      Issue.record("faults were not thrown")
    } catch {
      #expect(error.faults.map(\.setting) == ["line 3", "line 4", "line 5"])
    }
  }

  @Test func namesOfZonesCannotLeaveTheirFolder() {
    #expect(TimeZones.zone("../../etc/passwd") == nil)
    #expect(TimeZones.zone("/etc/passwd") == nil)
    #expect(TimeZones.zone("") == nil)
    #expect(TimeZones.zone("Asia/Shanghai")?.offsetSeconds(atUnixSeconds: 900_000_000) == 28_800)
  }

  @Test func whatTravelsInTheProgramsIsThere() {
    #expect(Resources.text("deploy/scorecards/rfm-plus.yaml")?.contains("rfm-plus") == true)
    #expect(Resources.bytes("deploy/none.yaml") == nil)
  }

  @Test("The migrations of a service, messaging's and its own, are numbered from 1 without a gap, in order", arguments: ["ingest", "profile", "tiering"])
  func migrationsAreNumbered(_ service: String) {
    let names = Resources.migrations(of: service).map(\.name)
    #expect(names.prefix(3) == ["0001_create_messaging", "0002_create_\(service)", "0003_create_unsettled"])
    #expect(names.enumerated().allSatisfy { Int($0.element.prefix(4)) == $0.offset + 1 }, "\(names)")
  }
}
