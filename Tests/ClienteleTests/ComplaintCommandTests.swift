// `clientele complaint` against a service that answers what it is told to (K-10).
import CommandLine
import HTTP
import Testing
import Text

@Suite(.timeLimit(.minutes(1)))
struct ComplaintCommandTests {
  private static let report = #"""
    {"month":"2026-11","until":"2026-11-30T16:00:00Z","before_from":"2026-09-30T16:00:00Z","before_until":"2026-10-31T16:00:00Z","complaints":7,"before":3,
    "spots":[{"root_cause":"logistics","root_cause_name":{"en":"logistics","zh":"物流"},"category":"late","complaints":6,"before":3,"change":3,
    "growth_percent":100,"is_hot":true},{"root_cause":null,"root_cause_name":null,"category":null,"complaints":1,"before":0,"change":1,
    "growth_percent":null,"is_hot":false}]}
    """#
  private static let record = #"""
    {"improvement_id":"00000000000000a7","root_cause":"logistics","category":null,"window_days":30,"reached":"measure","next":"effect",
    "effective_at":"2026-11-01T01:00:00Z","steps":[{"step":"problem","text":"parcels late","actor":"Li","reason":null,"at":"2026-10-05T01:00:00Z"},
    {"step":"cause","text":"one carrier","actor":"Li","reason":"asked","at":"2026-10-06T01:00:00Z"}],
    "figures":{"before":8,"after":2,"change_percent":-75,"is_whole":false,"whole_at":"2026-12-01T01:00:00Z"}}
    """#

  private func call(_ words: [String], language: String = "en") async throws -> (Called, [String]) {
    @Sendable func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
    return try await FakeSuite.run({ router, asked in
      router.get("/v1/reports/complaints") { request in
        asked.add("report \(request.query["month"] ?? "-")")
        return .json(bytes(Self.report))
      }
      router.get("/v1/improvements") { request in
        asked.add("list \(request.query["reached"] ?? "-")")
        return .json(bytes(#"{"improvements":[\#(Self.record)],"next":null}"#))
      }
      router.get("/v1/improvements/{id}") { _ in .json(bytes(Self.record), headers: ["ETag": "\"measure\""]) }
      for path in ["/v1/improvements", "/v1/improvements/{id}/steps"] {
        router.post(path) { request in
          let tag = request.headers["If-Match"] ?? request.headers["Idempotency-Key"] ?? "-"
          asked.add("post \(tag) \(String(decoding: request.body, as: UTF8.self))")
          return .json(bytes(Self.record))
        }
      }
    }) { suite in (await suite.call(["complaint"] + words + ["--lang", language]), suite.requests) }
  }

  private func lines(_ text: String) -> [String] { text.split(whereSeparator: \.isNewline).map { $0.split(separator: " ").joined(separator: " ") } }

  @Test func hotSpotsAreATableInBothLanguagesAndASheet() async throws {
    let (called, requests) = try await call(["hotspots", "--month", "2026-11"])
    #expect(requests.last == "report 2026-11")
    let english = lines(called.out)
    #expect(english.contains("logistics late 6 3 3 100 yes") && english.contains("not known - 1 0 1 - -"))
    #expect(english.first?.hasPrefix("Complaints opened in 2026-11 until 2026-12-01T00:00:00+08:00: 7; before (") == true, "\(called.out)")
    #expect(lines(try await call(["hotspots"], language: "zh").0.out).contains("物流 late 6 3 3 100 是"))
    let sheet = lines(try await call(["hotspots", "--csv"]).0.out)
    #expect(sheet.last == "2026-11,,,1,0,1,,false" && sheet.dropFirst().first == "2026-11,logistics,late,6,3,3,100,true")
    #expect(try await call(["hotspots", "--csv", "--json"]).0.code == .usage)
  }

  @Test func aRecordIsToldWithItsStepsAndFigures() async throws {
    let english = lines(try await call(["show", "00000000000000a7"]).0.out)
    #expect(english.contains("cause: one carrier (asked) 2026-10-06T09:00:00+08:00 Li") && english.last == "next: effect")
    #expect(english.contains("complaints in 30 days before and after: 8, 2 (-75 %); whole on 2026-12-01T09:00:00+08:00"))
    #expect(lines(try await call(["list", "--reached", "measure"]).0.out).last == "00000000000000a7 logistics - improvement parcels late")
    #expect(lines(try await call(["list"], language: "zh").0.out).last == "00000000000000a7 logistics - 改进 parcels late")
  }

  @Test func stepsAreTakenOverWhatWasSeen() async throws {
    let opened = try await call(["open", "--text", "late", "--root-cause", "logistics", "--key", "k", "--actor", "Li"]).1.last
    #expect(opened == #"post k {"actor":"Li","text":"late","root_cause":"logistics","window_days":30}"#)
    #expect(try await call(["open", "--text", "late", "--actor", "Li"]).0.code == .usage)
    let measure = ["measure", "00000000000000a7", "--text", "t", "--from", "2026-11-01T09:00:00+08:00", "--actor", "Li"]
    #expect(try await call(measure).1.last == #"post "measure" {"actor":"Li","text":"t","effective_at":"2026-11-01T09:00:00+08:00","step":"measure"}"#)
    let effect = try await call(["effect", "00000000000000a7", "--text", "t", "--actor", "Li"]).1.last
    #expect(effect == #"post "measure" {"actor":"Li","text":"t","step":"effect"}"#)
  }
}
