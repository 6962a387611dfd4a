// `clientele ticket` against a service that answers what it is told to (K-01 to K-06).
import CommandLine
import HTTP
import Testing
import Text

@Suite(.timeLimit(.minutes(1)))
struct TicketCommandTests {
  private static let id = "4af6532eeb1446fd"
  private static let ticket = #"""
    {"ticket_id":"4af6532eeb1446fd","version":3,"customer_id":"5f4158138ec69708","state":"waiting_for_customer","state_name":{"en":"waiting for customer",
    "zh":"等待客户"},"kind":"fault","category":"net","urgency":"blocked","priority":"P1","tier":"vip","owner":null,"text":"no network",
    "opened_at":"2026-11-30T02:00:00.5Z","resolved_at":null,"resolution_code":null,"root_cause":null,"merged_into":null,
    "clocks":[{"clock":"first_response","name":{"en":"first response","zh":"首次响应"},"started_at":"2026-11-30T02:00:00Z","deadline":"2026-11-30T04:00:00Z",
    "left_seconds":null,"outcome":"met","done_at":"2026-11-30T02:10:00Z"},{"clock":"resolution","name":{"en":"resolution","zh":"解决"},
    "started_at":"2026-11-30T02:00:00Z","deadline":null,"left_seconds":600,"outcome":"running","done_at":null}]}
    """#
  private static let explanation = #"""
    {"clocks":[{"name":{"en":"resolution","zh":"解决"},"within_seconds":7200,"calendar":"office","outcome":"running","deadline":"2026-12-02T02:00:00Z",
    "segments":[{"from":"2026-11-30T02:00:00Z","to":"2026-11-30T03:00:00Z","counts_as":"counted"},
    {"from":"2026-12-01T01:00:00Z","to":"2026-12-01T10:00:00Z","counts_as":"holiday","name":{"en":"Day off","zh":"假日"}}]}]}
    """#

  private func call(_ words: [String], language: String = "en") async throws -> (Called, [String]) {
    @Sendable func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
    return try await FakeSuite.run({ router, asked in
      router.get("/v1/customers") { _ in .json(bytes(#"{"customer_id":"5f4158138ec69708"}"#)) }
      router.get("/v1/tickets") { request in
        asked.add("list \(request.query["state"] ?? "-") \(request.query["customer_id"] ?? "-")")
        if request.query["order"] == "due" {
          asked.add("by due \(request.query["late"] ?? "-") \(request.query["unassigned"] ?? "-")")
          let late = Self.ticket.replacing(#""left_seconds":600,"outcome":"running""#, with: #""left_seconds":null,"outcome":"missed""#)
            .replacing(#""deadline":null"#, with: #""deadline":"2026-11-30T05:00:00Z""#)
          return .json(bytes(#"{"tickets":[\#(late)],"next":null}"#))
        }
        return .json(bytes(#"{"tickets":[\#(Self.ticket)],"next":"9-4af6532eeb1446fd"}"#))
      }
      router.get("/v1/tickets/{id}") { request in
        guard try request.parameter("id") == Self.id else { throw Problem(.notFound, detail: "no such ticket") }
        return .json(bytes(Self.ticket), headers: ["ETag": "\"v3\""])
      }
      router.get("/v1/tickets/{id}/explanation") { _ in .json(bytes(Self.explanation)) }
      router.post("/v1/tickets") { request in
        asked.add("open \(request.headers["Idempotency-Key"] ?? "-") \(String(decoding: request.body, as: UTF8.self))")
        return .json(bytes(Self.ticket), status: .created)
      }
      router.get("/v1/acceptances") { request in
        asked.add("acceptances \(request.query["overdue"] ?? "-")")
        let awaited = Self.ticket.dropLast() + #","acceptance":{"state":"awaited","due_on":"2026-12-03"}}"#
        return .json(bytes(#"{"today":"2026-12-04","tickets":[\#(awaited)],"next":null}"#))
      }
      for what in ["steps", "assignment", "merge", "acceptance"] {
        router.post("/v1/tickets/{id}/\(what)") { request in
          asked.add("\(what) \(request.headers["If-Match"] ?? "-") \(String(decoding: request.body, as: UTF8.self))")
          return .json(bytes(Self.ticket))
        }
      }
    }) { suite in (await suite.call(words + ["--lang", language]), suite.requests) }
  }

  private func orders(_ requests: [String], _ what: String) -> [String] { requests.filter { $0.hasPrefix(what) } }

  @Test func deliveredWorkIsAcceptedOrDeclinedAsItWasSeen() async throws {
    let accepted = try await call(["ticket", "accept", Self.id, "--value", "full", "--note", "as ordered", "--actor", "Li"])
    #expect(accepted.1.last == #"acceptance "v3" {"actor":"Li","value":"full","note":"as ordered","outcome":"accepted"}"#, "\(accepted.0.error)")
    let declined = try await call(["ticket", "decline", Self.id, "--value", "none", "--reason", "wrong", "--actor", "Li"]).1.last
    #expect(declined == #"acceptance "v3" {"actor":"Li","reason":"wrong","value":"none","outcome":"rejected"}"#)
    #expect(try await call(["ticket", "accept", Self.id, "--actor", "Li"]).0.code == .usage)
    let (listed, requests) = try await call(["ticket", "acceptances", "--overdue"])
    #expect(requests.last == "acceptances true" && listed.out.contains("2026-12-03 *") && listed.out.contains("fault"))
  }

  @Test func ticketsAreATableWithTheWayToMore() async throws {
    let (called, requests) = try await call(["ticket", "list", "--member", "M1"])
    #expect(called.out.contains("4af6532eeb1446fd  P1        waiting for customer  vip   fault  net       -      2026-11-30T10:00:00+08:00"))
    #expect(called.out.contains("more: --after 9-4af6532eeb1446fd"))
    #expect(orders(requests, "list") == ["list unresolved 5f4158138ec69708"])
  }

  @Test func whatIsLateIsStillDueAndComesFirstWhereThatIsAskedFor() async throws {
    let (called, requests) = try await call(["ticket", "list", "--order", "due", "--late", "--unassigned"])
    #expect(orders(requests, "by due") == ["by due true true"] && called.out.contains("2026-11-30T13:00:00+08:00 (late)"), "\(called.out)")
    #expect(try await call(["ticket", "list", "--order", "due"], language: "zh").0.out.contains("2026-11-30T13:00:00+08:00（已超时）"))
    #expect(try await call(["ticket", "list", "--order", "age"]).0.code == .usage)
  }

  @Test func aTicketIsShownWithItsClocksInBothLanguages() async throws {
    let english = try await call(["ticket", "show", Self.id]).0.out
    #expect(english.contains("stands still, 600 s left") && english.contains("said: no network"))
    let chinese = try await call(["ticket", "show", Self.id], language: "zh").0.out
    #expect(chinese.contains("暂停，剩余 600 秒") && chinese.contains("内容: no network"))
    #expect(try await call(["ticket", "show", Self.id, "--json"]).0.out.contains(#""version":3"#))
  }

  @Test func aDeadlineIsExplainedPieceByPiece() async throws {
    let (called, _) = try await call(["ticket", "explain", Self.id])
    #expect(called.out.contains("resolution: 7200 s, office, running, 2026-12-02T10:00:00+08:00"))
    #expect(called.out.contains("holiday (Day off)"))
  }

  @Test func everyChangeNamesTheStateThatWasSeen() async throws {
    for (words, order) in [
      (["reply", Self.id, "--text", "we look"], #"steps "v3" {"actor":"Li","text":"we look","step":"reply"}"#),
      (["wait", Self.id, "--for", "third-party"], #"steps "v3" {"actor":"Li","step":"wait_for_third_party"}"#),
      (
        ["resolve", Self.id, "--code", "fixed", "--root-cause", "product"],
        #"steps "v3" {"actor":"Li","code":"fixed","root_cause":"product","step":"resolve"}"#
      ),
      (["assign", Self.id, "--owner", "Zhao"], #"assignment "v3" {"actor":"Li","owner":"Zhao"}"#),
      (["merge", Self.id, "--into", "00000000000000a7", "--reason", "same"], #"merge "v3" {"actor":"Li","reason":"same","into":"00000000000000a7"}"#),
    ] {
      let (called, requests) = try await call(["ticket"] + words + ["--actor", "Li"])
      #expect(called.code == .ok, "\(called.error)")
      #expect(requests.last == order)
    }
  }

  @Test func aTicketIsOpenedForOneCustomerWithAKey() async throws {
    let (_, requests) = try await call(["ticket", "open", "--member", "M1", "--text", "hi", "--kind", "question", "--key", "k1", "--actor", "Li"])
    #expect(orders(requests, "open") == [#"open k1 {"actor":"Li","kind":"question","text":"hi","customer_id":"5f4158138ec69708"}"#])
    let (refused, _) = try await call(["ticket", "open", "--text", "hi", "--actor", "Li"])
    #expect(refused.code != .ok && refused.error.contains("exactly one of"))
  }

  @Test func whatTheServiceRefusesIsToldAndFails() async throws {
    let (called, _) = try await call(["ticket", "show", "00000000000000a7"])
    #expect(called.code != .ok && called.error.contains("no such ticket"))
  }
}
