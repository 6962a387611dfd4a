// `clientele report service` against a service that answers a known report (K-13).
import CommandLine
import HTTP
import Testing
import Text

@Suite(.timeLimit(.minutes(1)))
struct ServiceReportTests {
  private static let figures = #"""
    "tickets":8,"merged":1,"first_response_met":4,"first_response_missed":2,"first_response_running":1,"first_response_on_time_percent":66.6667,
    "resolution_met":3,"resolution_missed":2,"resolution_running":2,"resolution_on_time_percent":60,"resolved":4,"resolution_rate_percent":50,
    "first_contact":2,"first_contact_percent":50,"reopened":2,"open_at_end":4,"first_response_median_seconds":1205,"first_response_p90_seconds":2400,
    "resolution_median_seconds":7200,"resolution_p90_seconds":360000,"compensation":120.50,"upgrades":30.00,
    "satisfaction_answers":40,"satisfied_percent":75,"satisfied_low_percent":59.81,"satisfied_high_percent":85.81
    """#
  private static let nothing = #"""
    "tickets":0,"merged":0,"first_response_met":0,"first_response_missed":0,"first_response_running":0,"first_response_on_time_percent":null,
    "resolution_met":0,"resolution_missed":0,"resolution_running":0,"resolution_on_time_percent":null,"resolved":0,"resolution_rate_percent":null,
    "first_contact":0,"first_contact_percent":null,"reopened":0,"open_at_end":0,"first_response_median_seconds":null,"first_response_p90_seconds":null,
    "resolution_median_seconds":null,"resolution_p90_seconds":null,"compensation":0.00,"upgrades":0.00,
    "satisfaction_answers":0,"satisfied_percent":null,"satisfied_low_percent":null,"satisfied_high_percent":null
    """#
  private static let report = #"""
    {"month":"2026-11","as_of":"2026-12-01T02:00:00.25Z","by":"tier","resolution_goal_percent":98,"currency":"CNY","groups":[
    {"group":"vip","name":{"en":"VIP","zh":"VIP 客户"},\#(figures)},{"group":"key","name":{"en":"Key","zh":"重点客户"},\#(nothing)},
    {"group":null,"name":null,\#(nothing)}],"total":{\#(figures)}}
    """#

  private func call(_ words: [String], language: String = "en") async throws -> (Called, [String]) {
    try await FakeSuite.run({ router, asked in
      router.get("/v1/reports/service") { request in
        asked.add("asked \(request.query["month"] ?? "-") \(request.query["by"] ?? "-")")
        if request.query["format"] == "html" { return .text("<!DOCTYPE html>\n<html lang=\"\(request.query["lang"] ?? "-")\">") }
        return .json(Array(Self.report.utf8))
      }
    }) { suite in (await suite.call(["report", "service"] + words + ["--lang", language]), suite.requests) }
  }

  @Test func sharesTimesAndTheGoalAreToldAndNothingIsADash() async throws {
    let (called, requests) = try await call(["--month", "2026-11", "--by", "tier"])
    #expect(called.code == .ok && requests.last == "asked 2026-11 tier")
    let lines = called.out.split(whereSeparator: \.isNewline).map { $0.split(separator: " ").joined(separator: " ") }
    #expect(lines.first == "Tickets opened in 2026-11, as they stand at 2026-12-01T10:00:00+08:00", "\(called.out)")
    #expect(lines.contains("VIP 8 66.6667 1 60 2 50 50 75 40 2 4") && lines.contains("VIP 0:20:05 0:40:00 2:00:00 100:00:00 120.50 30.00"))
    #expect(lines.contains("Key 0 - 0 - 0 - - - 0 0 0") && lines.contains("Key - - - - 0.00 0.00") && lines.contains("not known - - - - 0.00 0.00"))
    #expect(lines.contains("all 8 66.6667 1 60 2 50 50 75 40 2 4") && lines.contains("goal of the resolution rate: 98 %"))
    #expect(lines.contains("not counted, as they became part of others: 1"))
  }

  @Test func headingsAreChineseWhereThatIsAsked() async throws {
    let out = try await call([], language: "zh").0.out
    for words in ["2026-11 开启的工单，截至", "响应及时率 %", "解决及时率 %", "首次解决率 %", "期末未解决", "解决用时：中位数", "补偿 CNY", "重点客户", "未知", "合计", "解决率目标：98%"] {
      #expect(out.contains(words), "\(words): \(out)")
    }
  }

  @Test func spreadsheetsAndProgramsGetTheSame() async throws {
    let lines = try await call(["--csv"]).0.out.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    #expect(lines.first?.hasPrefix("month,tier,tickets,merged,first_response_met,") == true)
    #expect(lines.dropFirst().first == "2026-11,vip,8,1,4,2,1,66.6667,3,2,2,60,4,50,2,50,2,4,1205,2400,7200,360000,120.50,30.00,40,75,59.81,85.81")
    #expect(lines.dropFirst(2).first == "2026-11,key,0,0,0,0,0,,0,0,0,,0,,0,,0,0,,,,,0.00,0.00,0,,,")
    #expect(lines.dropFirst(3).first == "2026-11,,0,0,0,0,0,,0,0,0,,0,,0,,0,0,,,,,0.00,0.00,0,,,")
    #expect(try JSONValue(parsing: try await call(["--json"]).0.out)["total"]?["resolved"] == 4)
  }

  @Test func aPageIsGivenAsTheServiceMakesItInTheLanguageOfTheCommand() async throws {
    #expect(try await call(["--html", "--month", "2026-11"]).0.out == "<!DOCTYPE html>\n<html lang=\"en\">")
    #expect(try await call(["--html"], language: "zh").0.out == "<!DOCTYPE html>\n<html lang=\"zh-CN\">")
  }

  @Test func whatCannotBeAskedIsRefusedBeforeAnythingIsAsked() async throws {
    for words in [["--month", "2026-13"], ["--month", "November"], ["--by", "colour"], ["--csv", "--json"], ["--csv", "--html"]] {
      let (called, requests) = try await call(words)
      #expect(called.code == .usage && requests.isEmpty, "\(words): \(called.error)")
    }
    #expect(try await call([]).1.last == "asked - tier")
  }
}
