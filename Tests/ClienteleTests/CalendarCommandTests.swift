// `clientele calendar`: days, deadlines and lists of holidays, without a running suite (K-04).
import CommandLine
import Testing
import Text

@Suite(.timeLimit(.minutes(1)))
struct CalendarCommandTests {
  private func call(_ words: String...) async -> Called { await Tool.call(["calendar"] + words) }

  @Test func aDeadlineIsToldWithEveryPieceOfTheTime() async {
    let called = await call(
      "deadline", "office", "--from", "2026-02-13T16:00:00+08:00", "--within", "4h", "--pause", "2026-02-14T09:30:00+08:00/2026-02-14T10:00:00+08:00")
    #expect(
      called
        == Called(
          code: .ok,
          out: """
            due 2026-02-14T11:30:00+08:00

            From                       To                           Length  Counts as
            -------------------------  -------------------------  --------  -------------
            2026-02-13T16:00:00+08:00  2026-02-13T18:00:00+08:00   2:00:00  counted
            2026-02-13T18:00:00+08:00  2026-02-14T09:00:00+08:00  15:00:00  outside hours
            2026-02-14T09:00:00+08:00  2026-02-14T09:30:00+08:00   0:30:00  counted
            2026-02-14T09:30:00+08:00  2026-02-14T10:00:00+08:00   0:30:00  paused
            2026-02-14T10:00:00+08:00  2026-02-14T11:30:00+08:00   1:30:00  counted

            """, error: ""))
  }

  @Test func whileTheClockStandsStillWhatIsLeftIsTold() async {
    let words = ["deadline", "office", "--from", "2026-11-30T09:00:00+08:00", "--within", "4h", "--pause", "2026-11-30T10:00:00+08:00/"]
    #expect(await Tool.call(["calendar"] + words).out == "standing still, 3:00:00 left\n")
    let json = await Tool.call(["calendar"] + words + ["--json"]).out
    #expect(json.contains(#""deadline":null,"state":"paused","left_seconds":10800"#))
  }

  @Test func timeThatHasPassedIsMeasuredInWorkingTime() async throws {
    let called = await call("elapsed", "office", "--from", "2026-02-13T16:00:00+08:00", "--to", "2026-02-25T10:00:00+08:00", "--json")
    let answer = try JSONValue(parsing: called.out)
    #expect(answer["working_seconds"]?.int64Value == 75_600)
    #expect(answer["segments"]?.arrayValue?.compactMap { $0["kind"]?.stringValue }.contains("holiday") == true)
  }

  @Test func daysAreShownInBothLanguages() async {
    let english = await call("days", "office", "--from", "2026-02-28", "--count", "2")
    #expect(english.out.contains("2026-02-28  Saturday  09:00-18:00  make-up day for Spring Festival"))
    let chinese = await call("days", "office", "--from", "2026-02-28", "--count", "2", "--lang", "zh")
    #expect(chinese.out.contains("星期六") && chinese.out.contains("春节调休上班"))
  }

  @Test(arguments: [
    (["deadline", "offic", "--from", "2026-02-13T16:00:00Z", "--within", "4h"], "there is no calendar `offic`; known are always, office"),
    (["deadline", "office", "--from", "2026-02-13", "--within", "4h"], "is no moment, as 2026-11-27T16:00:00+08:00"),
    (["deadline", "office", "--from", "2026-02-13T16:00:00Z", "--within", "4h", "--pause", "2026-02-13T16:00:00Z"], "is no pause, as FROM/TO"),
    (["elapsed", "office", "--from", "2026-02-13T16:00:00Z", "--to", "2026-02-12T16:00:00Z"], "--to lies before --from"),
    (["days", "office", "--from", "yesterday"], "is no day, as 2026-10-01"), (["check", "/nowhere.yaml"], "the file cannot be opened"),
  ])
  func whatCannotBeAnsweredSaysWhy(words: [String], problem: String) async {
    let called = await Tool.call(["calendar"] + words)
    #expect(called.code != .ok && called.out.isEmpty)
    #expect(called.error.contains(problem), "\(called.error)")
  }
}

@Suite(.timeLimit(.minutes(1)))
struct StandardCommandTests {
  private func deadlines(_ words: String..., language: CommandLineLanguage = .en) async -> Called {
    await Tool.call(["standard", "deadlines", "--from", "2026-11-28T10:00:00+08:00"] + words, language: language)
  }

  @Test func whatAVIPIsPromisedOnASaturdayIsATable() async {
    let called = await deadlines("--tier", "vip", "--kind", "question", "--urgency", "degraded")
    #expect(
      called
        == Called(
          code: .ok,
          out: """
            Priority P2, standards version 1

            Clock                      Within  Calendar         Due
            --------------  -----------------  ---------------  -------------------------
            first response            0:30:00  Round the clock  2026-11-28T10:30:00+08:00
            next response             0:30:00  Round the clock  2026-11-28T10:30:00+08:00
            resolution      2:00:00 (day off)  Round the clock  2026-11-28T12:00:00+08:00

            """, error: ""))
  }

  @Test func programsGetTheSameWithTheRuleBehindEachClock() async throws {
    let answer = try JSONValue(parsing: await deadlines("--tier", "watch", "--pause", "2026-11-28T09:00:00+08:00/", "--json").out)
    #expect(answer["priority"]?.stringValue == "P4")
    let resolution = answer["clocks"]?.arrayValue?.last
    #expect(resolution?["state"]?.stringValue == "paused" && resolution?["left_seconds"]?.int64Value == 5 * 9 * 3_600)
    #expect(resolution?["rule"]?.int64Value == 6)
  }

  @Test func anUnknownTierOrKindIsRefusedWithThoseThatAreKnown() async {
    let tier = await deadlines("--tier", "gold")
    #expect(tier.code != .ok && tier.error.contains("there is no tier `gold`; known are vip, key, normal, watch"))
    let kind = await deadlines("--tier", "vip", "--kind", "praise")
    #expect(kind.code != .ok && kind.error.contains("praise"))
    #expect(await deadlines("--tier", "vip", language: .zh).out.contains("首次响应"))
  }
}
