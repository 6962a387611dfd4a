// `clientele audit exposure` and `--unmask` against services that answer what a test wants (S-02, S-06).
import CommandLine
import HTTP
import Synchronization
import Testing
import Text

@Suite("The leak drill and reasons to look", .timeLimit(.minutes(1))) struct ExposureCommandTests {
  private static let seven = #"{"customer":"0000000000000007","fields":["ticket.text"]}"#
  private static let eight = #"{"customer":"0000000000000008","fields":["ticket.acceptance.note","ticket.text"]}"#
  private static let question = #"{"customer":null,"record":"question 1","fields":["question.text"]}"#

  private static func look(_ entry: Int, _ at: String, _ actor: String, _ reason: String, _ seen: String) -> String {
    #"{"day":"1998-07-01","entry":\#(entry),"at":"1998-07-01T\#(at)Z","actor":"\#(actor)","subject":"s-\#(actor)","issuer":"i","roles":"lead","#
      + #""reason":"\#(reason)","route":"/v1/tickets","path":"/v1/tickets","seen":\#(seen)}"#
  }

  private func exposure(_ words: [String], seen: String = "[\(eight)]") async throws -> (Called, [String]) {
    @Sendable func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
    let first = [Self.look(4, "10:00:00.5", "Li", "calling back", seen), Self.look(3, "10:00:00", "Li", "calling back", "[\(Self.seven),\(Self.question)]")]
    let second = [Self.look(2, "09:00:00", "王芳", "回访", "[\(Self.seven)]")]
    return try await FakeSuite.run({ router, asked in
      router.get("/v1/audit/exposure") { request in
        let query = ["from", "to", "actor", "customer", "before"].compactMap { name in request.query[name].map { "\(name)=\($0)" } }
        asked.add("looks \(query.joined(separator: " "))")
        let rows = request.query["before"] == nil ? first : second
        return .json(bytes(#"{"looks":[\#(rows.joined(separator: ","))],"next":\#(request.query["before"] == nil ? "\"1998-07-01/3\"" : "null")}"#))
      }
    }) { suite in (await suite.call(["audit", "exposure", "--service", "tickets"] + words), suite.requests.filter { $0.hasPrefix("looks") }) }
  }

  @Test("By person it says whose data they saw, which fields, how often, from when to when, and why; nobody is left out, however many pages there are")
  func byPerson() async throws {
    let (called, asked) = try await exposure(["--from", "1998-07-01", "--to", "1998-07-02", "--actor", "Li", "--customer", "000000000000000A"])
    #expect(
      called.out == """
        Li (s-Li) — 2 looks, 1998-07-01T18:00:00+08:00
          because: calling back (2)
          unknown customer (question 1): question.text — 1 look, 1998-07-01T18:00:00+08:00
          0000000000000007: ticket.text — 1 look, 1998-07-01T18:00:00+08:00
          0000000000000008: ticket.acceptance.note, ticket.text — 1 look, 1998-07-01T18:00:00+08:00
        王芳 (s-王芳) — 1 look, 1998-07-01T17:00:00+08:00
          because: 回访 (1)
          0000000000000007: ticket.text — 1 look, 1998-07-01T17:00:00+08:00
        2 customers, 2 people, 3 looks

        """, "\(called.error)")
    let query = "from=1998-07-01 to=1998-07-02 actor=Li customer=000000000000000a"
    #expect(called.code == .ok && asked == ["looks \(query)", "looks \(query) before=1998-07-01/3"])
  }

  @Test("By customer it says who saw them; in Chinese and as JSON too")
  func byCustomer() async throws {
    let span = ["--from", "1998-07-01", "--to", "1998-07-02", "--by", "customer"]
    let chinese = try await exposure(span + ["--lang", "zh"]).0.out
    #expect(
      chinese == """
        不明客户（question 1） — 1 次，1998-07-01T18:00:00+08:00
          理由：calling back (1)
          Li (s-Li): question.text — 1 次，1998-07-01T18:00:00+08:00
        0000000000000007 — 2 次，1998-07-01T17:00:00+08:00 至 1998-07-01T18:00:00+08:00
          理由：calling back (1)；回访 (1)
          Li (s-Li): ticket.text — 1 次，1998-07-01T18:00:00+08:00
          王芳 (s-王芳): ticket.text — 1 次，1998-07-01T17:00:00+08:00
        0000000000000008 — 1 次，1998-07-01T18:00:00+08:00
          理由：calling back (1)
          Li (s-Li): ticket.acceptance.note, ticket.text — 1 次，1998-07-01T18:00:00+08:00
        2 位客户，2 人，3 次查看

        """)
    let json = try JSONValue(Array(try await exposure(span + ["--json"]).0.out.utf8))
    #expect(json["summary"] == ["customers": 2, "people": 2, "looks": 3])
    let second = json["customers"]?[1]
    #expect(second?["customer"] == "0000000000000007" && second?["looks"] == 2 && second?["first_at"] == "1998-07-01T09:00:00Z")
    #expect(second?["seen_by"]?[1]?["actor"] == "王芳" && second?["seen_by"]?[1]?["services"] == ["tickets"])
    #expect(second?["reasons"] == [["reason": "calling back", "looks": 1], ["reason": "回访", "looks": 1]])
  }

  @Test("A trail that was altered so that nobody can read it is no empty one; without days it asks for them")
  func refused() async throws {
    let (called, _) = try await exposure(["--from", "1998-07-01", "--to", "1998-07-02"], seen: "null")
    #expect(called.code == .failed && called.out.isEmpty && called.error.contains("clientele audit verify"))
    for words in [[], ["--from", "1998-07-01"], ["--to", "1998-07-01"], ["--from", "1998-07-01", "--to", "1998-07-01", "--by", "day"]] {
      #expect(await Tool.call(["audit", "exposure"] + words).code == .usage)
    }
  }

  @Test("--unmask sends the reason with what is shown, percent-encoded, and with nothing else", arguments: [
    (["ticket", "show", "4af6532eeb1446fd"], "/v1/tickets/4af6532eeb1446fd"), (["ticket", "list", "--phone", "13812340000"], "/v1/tickets"),
    (["ticket", "history", "4af6532eeb1446fd"], "/v1/tickets/4af6532eeb1446fd/history"), (["ticket", "acceptances"], "/v1/acceptances"),
    (["customer", "timeline", "--phone", "13812340000"], "/v1/customers/0000000000000007/timeline"),
    (["customer", "show", "0000000000000007"], "/v1/customers/0000000000000007"), (["knowledge", "questions"], "/v1/questions"),
    (["survey", "answers"], "/v1/answers"), (["customer", "reviews", "show", "x"], "/v1/reviews/x"), (["quarantine", "show", "1", "--raw"], "/v1/quarantine/1"),
    (["quarantine", "list", "--raw"], "/v1/quarantine"), (["quarantine", "conflicts", "--raw"], "/v1/conflicts"),
    (["quarantine", "check", "1", "--raw"], "/v1/quarantine/1/try"),
  ])
  func reason(_ words: [String], _ path: String) async throws {
    let reasons = try await FakeSuite.run({ router, asked in
      let answer: RequestHandler = { request in
        asked.add("reason \(request.path) \(request.headers["Unmask-Reason"] ?? "-")")
        return .json(Array(#"{"customer_id":"0000000000000007"}"#.utf8))
      }
      router.get("/{all...}", handler: answer)
      router.post("/{all...}", handler: answer)
    }) { suite in
      _ = await suite.call(words + ["--unmask", "回电 7"])
      return suite.requests.filter { $0.hasPrefix("reason") }
    }
    #expect(reasons.filter { !$0.hasSuffix(" -") } == ["reason \(path) %E5%9B%9E%E7%94%B5%207"])
  }

  @Test("A reason that is too short is told before anybody is asked; --raw and --unmask go together, and --as with --unmask")
  func slips() async throws {
    for words in [
      ["ticket", "show", "4af6532eeb1446fd", "--unmask", "ab"], ["ticket", "show", "4af6532eeb1446fd", "--unmask", "  a  "],
      ["ticket", "show", "4af6532eeb1446fd", "--as", "Li"], ["quarantine", "show", "1", "--raw"], ["quarantine", "show", "1", "--unmask", "calling back"],
    ] {
      let called = await Tool.call(words)
      #expect(called.code == .usage && called.out.isEmpty && !called.error.isEmpty, "\(words)")
    }
  }
}
