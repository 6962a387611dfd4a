// `clientele report nps` and `clientele survey answers` against a service that answers what is known (F-03, F-04).
import CommandLine
import HTTP
import Testing
import Text

@Suite(.timeLimit(.minutes(1)))
struct SurveyCommandTests {
  private static let report = #"""
    {"metric":"nps","survey":null,"by":"tier","from":"2026-09-01","to":"2026-11-29","as_of":"2026-11-29T02:00:00Z","answers_min":30,"groups":[
    {"group":"vip","name":{"en":"VIP","zh":"VIP 客户"},"answers":40,"favourable":24,"unfavourable":12,"scores":{"10":24},"value":30,"low":1.27,"high":54.54,
    "answers_before":30,"change":{"value":-3.33,"low":-33.5,"high":26.8}},
    {"group":null,"name":null,"answers":5,"favourable":5,"unfavourable":0,"scores":{"10":5},"value":null,"low":31.2,"high":100,
    "answers_before":0,"change":null}],
    "total":{"answers":45,"favourable":29,"unfavourable":12,"scores":{"10":29},"value":37.78,"low":11.3,"high":59.5,
    "answers_before":30,"change":{"value":4.45,"low":-20,"high":30}}}
    """#
  private static let recovery = #"""
    {"metric":"csat","survey":null,"from":"2026-09-01","to":"2026-11-29","as_of":"2026-11-29T02:00:00Z","answers_min":30,"unfavourable":80,"asked_again":40,
    "recovered":30,"value":75,"low":59.81,"high":85.81}
    """#
  private static let answers = #"""
    {"answers":[{"answer_id":"0000000000000001","customer_id":"00000000000000c5","tier":"vip","source":"polls","event_id":"a",
    "occurred_at":"2026-11-29T02:00:00Z","survey":"nps","survey_version":1,
    "metric":"nps","score":2,"comment":"慢\n太慢","channel":null,
    "ticket_id":null,"order_id":null,"item":null,"follow_ups":[]}],
    "next":"17-0000000000000001"}
    """#

  private func call(_ words: [String], language: String = "en") async throws -> (Called, [String]) {
    try await FakeSuite.run({ router, asked in
      router.get("/v1/reports/answers") { request in
        let names = ["metric", "by", "survey", "from", "to", "compare"]
        asked.add(names.map { request.query[$0] ?? "-" }.joined(separator: " "))
        return .json(Array(Self.report.utf8))
      }
      router.get("/v1/reports/recovery") { request in
        asked.add(["metric", "survey", "from", "to"].map { request.query[$0] ?? "-" }.joined(separator: " "))
        return .json(Array(Self.recovery.utf8))
      }
      router.get("/v1/answers") { request in
        asked.add(["customer_id", "metric", "survey", "unfavourable", "limit"].map { request.query[$0] ?? "-" }.joined(separator: " "))
        return .json(Array(Self.answers.utf8))
      }
    }) { suite in (await suite.call(words + ["--lang", language]), suite.requests) }
  }

  @Test func figuresStandWithTheirIntervalsAndTooFewAnswersHaveNone() async throws {
    let (called, requests) = try await call(["report", "nps", "--compare", "--from", "2026-09-01", "--survey", "nps"])
    #expect(called.code == .ok && requests.last == "nps tier nps 2026-09-01 - true", "\(called.error)")
    let lines = called.out.split(whereSeparator: \.isNewline).map { $0.split(separator: " ").joined(separator: " ") }
    #expect(lines.first == "Answers from 2026-09-01 to 2026-11-29")
    #expect(lines.contains("VIP 40 24 12 30.00 1.27 … 54.54 30 -3.33 -33.50 … 26.80"), "\(called.out)")
    #expect(lines.contains("not known 5 5 0 - 31.20 … 100.00 0 - -") && lines.contains("all 45 29 12 37.78 11.30 … 59.50 30 4.45 -20.00 … 30.00"))
    #expect(lines.contains("A figure on fewer than 30 answers is -: only its interval is told."))
  }

  @Test func headingsAreChineseWhereThatIsAsked() async throws {
    let out = try await call(["report", "nps"], language: "zh").0.out
    for words in ["2026-09-01 至 2026-11-29 的回答", "推荐者", "贬损者", "95% 置信区间", "上期回答数", "VIP 客户", "未知", "合计"] { #expect(out.contains(words), "\(words)") }
  }

  @Test func spreadsheetsAndProgramsGetTheSame() async throws {
    let lines = try await call(["report", "nps", "--csv"]).0.out.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    #expect(lines.first == "metric,from,to,tier,answers,favourable,unfavourable,value,low,high,answers_before,change,change_low,change_high")
    #expect(lines.dropFirst().first == "nps,2026-09-01,2026-11-29,vip,40,24,12,30,1.27,54.54,30,-3.33,-33.5,26.8")
    #expect(lines.dropFirst(2).first == "nps,2026-09-01,2026-11-29,,5,5,0,,31.2,100,0,,,")
    #expect(try JSONValue(parsing: try await call(["report", "nps", "--json"]).0.out)["total"]?["answers"] == 45)
  }

  @Test func whatCannotBeAskedIsRefusedBeforeAnythingIsAsked() async throws {
    for words in [["--by", "mood"], ["--metric", "joy"], ["--from", "yesterday"], ["--csv", "--json"], ["--by", "month", "--compare"]] {
      let (called, requests) = try await call(["report", "nps"] + words)
      #expect(called.code == .usage && requests.isEmpty, "\(words): \(called.error)")
    }
  }

  @Test func whoWasWonBackIsToldInASentence() async throws {
    let (english, requests) = try await call(["report", "recovery", "--metric", "csat", "--from", "2026-09-01"])
    #expect(english.code == .ok && requests.last == "csat - 2026-09-01 -", "\(english.error)")
    #expect(english.out.hasPrefix("CSAT, 2026-09-01 to 2026-11-29: 80 customers answered unfavourably, 40 of them answered again, 30 of these no longer so\n"))
    #expect(english.out.contains("won back: 75 %, 95 % interval 59.81 … 85.81"))
    let chinese = try await call(["report", "recovery"], language: "zh").0.out
    #expect(chinese.contains("80 位客户给出不利回答") && chinese.contains("挽回率：75 %"))
    #expect(try await call(["report", "recovery", "--to", "soon"]).0.code == .usage)
  }

  @Test func answersAreListedOnOneLineEachWithThePlaceToGoOn() async throws {
    let (called, requests) = try await call(["survey", "answers", "--unfavourable", "--customer", "00000000000000c5", "--limit", "7"])
    #expect(called.code == .ok && requests.last == "00000000000000c5 - - true 7", "\(requests) \(called.error)")
    let lines = called.out.split(whereSeparator: \.isNewline).map { $0.split(separator: " ").joined(separator: " ") }
    #expect(lines.contains("2026-11-29T10:00:00+08:00 00000000000000c5 vip nps nps 2 - 慢 太慢"), "\(called.out)")
    #expect(lines.last == "more: --after 17-0000000000000001")
  }
}
