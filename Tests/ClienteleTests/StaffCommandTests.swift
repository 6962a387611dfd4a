// `clientele staff` against a service that answers what it is told to (K-07).
import CommandLine
import HTTP
import Testing
import Text

@Suite(.timeLimit(.minutes(1)))
struct StaffCommandTests {
  private static let staff = #"""
    {"version":1,"teams":[{"id":"east","name":{"en":"East","zh":"东组"},"open":3,"on_call":{"now":{"person":"王芳","from":"2026-11-30T01:00:00Z",
    "until":"2026-12-01T01:00:00Z"},"next":{"person":"李娜","from":"2026-12-01T01:00:00Z","until":"2026-12-02T01:00:00Z"}}},
    {"id":"west","name":{"en":"West","zh":"西组"},"open":0,"on_call":{"now":null,"next":null}},
    {"id":"north","name":{"en":"North","zh":"北组"},"open":0,"on_call":null}],"people":[
    {"name":"王芳","team":"east","role":"agent","role_name":{"en":"agent","zh":"客服"},"skills":["technical","network"],"deputy":"李娜","is_absent":true,"open":2},
    {"name":"Gone","team":null,"role":null,"role_name":null,"skills":[],"deputy":null,"is_absent":false,"open":1}]}
    """#
  private static let absences = #"""
    {"person":"王芳","absences":[{"from":"2026-11-30T01:00:00Z","until":"2026-12-01T01:00:00Z","actor":"Li","reason":null}]}
    """#
  private static let attendant = #"""
    {"customer_id":"5f4158138ec69708","person":"王芳","since":"2026-11-30T01:00:00Z","actor":"Li","reason":"knows them"}
    """#

  private func call(_ words: [String], language: String = "en") async throws -> (Called, [String]) {
    @Sendable func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
    return try await FakeSuite.run({ router, asked in
      router.get("/v1/customers") { _ in .json(bytes(#"{"customer_id":"5f4158138ec69708"}"#)) }
      router.get("/v1/staff") { _ in .json(bytes(Self.staff)) }
      for what in ["absences", "return"] {
        router.post("/v1/staff/{person}/\(what)") { request in
          asked.add("\(what) \(try request.parameter("person")) \(String(decoding: request.body, as: UTF8.self))")
          return .json(bytes(what == "return" ? #"{"person":"王芳","absences":[]}"# : Self.absences))
        }
      }
      router.get("/v1/customers/{id}/attendant") { _ in .json(bytes(#"{"person":null}"#), headers: ["ETag": "\"a0\""]) }
      router.post("/v1/customers/{id}/attendant") { request in
        asked.add("attend \(request.headers["If-Match"] ?? "-") \(String(decoding: request.body, as: UTF8.self))")
        return .json(bytes(Self.attendant))
      }
    }) { suite in (await suite.call(["staff"] + words + ["--lang", language]), suite.requests) }
  }

  private func lines(_ text: String) -> [String] { text.split(whereSeparator: \.isNewline).map { $0.split(separator: " ").joined(separator: " ") } }

  @Test func everybodyIsListedWithWhatTheyHaveInBothLanguages() async throws {
    let english = lines(try await call(["list"]).0.out)
    #expect(english.contains("east East 3") && english.contains("王芳 east agent technical network 李娜 yes 2") && english.contains("Gone - - - - - 1"))
    let chinese = lines(try await call(["list"], language: "zh").0.out)
    #expect(chinese.contains("east 东组 3") && chinese.contains("王芳 east 客服 technical network 李娜 是 2"))
    let onCall = "east 王芳 2026-12-01T09:00:00+08:00 李娜 2026-12-01T09:00:00+08:00"
    #expect(english.contains("Team On call Until Next From") && english.contains(onCall) && english.contains("west - - - -"))
    #expect(chinese.contains("团队 当前值班 至 下一班 自") && chinese.contains(onCall))
    #expect(english.count { $0.hasPrefix("north ") } == 1, "without a roster it is not among them")
    #expect(try await call(["list", "--json"]).0.out.contains(#""version":1"#))
  }

  @Test func absencesAreNotedAndEnded() async throws {
    let (called, requests) = try await call(
      ["absent", "王芳", "--from", "2026-11-30T09:00:00+08:00", "--until", "2026-12-01T09:00:00+08:00", "--actor", "Li"])
    #expect(requests.last == #"absences 王芳 {"actor":"Li","from":"2026-11-30T09:00:00+08:00","until":"2026-12-01T09:00:00+08:00"}"#)
    #expect(lines(called.out).last == "2026-11-30T09:00:00+08:00 2026-12-01T09:00:00+08:00 Li -")
    let (back, asked) = try await call(["back", "王芳", "--actor", "Li"])
    #expect(asked.last == #"return 王芳 {"actor":"Li"}"# && back.out == "not away, and not about to be\n")
  }

  @Test func anAttendantIsNamedOverWhatWasSeen() async throws {
    #expect(try await call(["attendant", "--member", "M1"]).0.out == "nobody was named yet\n")
    let (called, requests) = try await call(["attend", "--member", "M1", "--person", "王芳", "--actor", "Li", "--reason", "knows them"])
    #expect(requests.last == #"attend "a0" {"actor":"Li","reason":"knows them","person":"王芳"}"#)
    #expect(called.out == "王芳 since 2026-11-30T09:00:00+08:00, named by Li (knows them)\n")
    #expect(try await call(["attend", "--person", "王芳", "--actor", "Li", "--reason", "r"]).0.code == .usage)
  }
}
