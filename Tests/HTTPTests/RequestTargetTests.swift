// Reading request targets: known answers from Python's urllib.parse, refusals of our own.
import Testing

@testable import HTTP

@Suite struct RequestTargetTests {
  @Test(arguments: [
    ("/", [""]), ("/a/b", ["a", "b"]), ("/a/", ["a", ""]), ("//a", ["", "a"]), ("/a%2Fb", ["a/b"]),
    ("/%E5%AE%A2%E6%88%B7", ["客户"]), ("/a+b", ["a+b"]), ("/%7Euser", ["~user"]), ("/a;b=c", ["a;b=c"]), ("/x%3Fy", ["x?y"]),
    ("http://example.org/a?b", ["a"]), ("HTTPS://example.org", [""]), ("http://example.org?x=/y", [""]), ("/...", ["..."]),
  ])
  func partsAreDecodedOneByOne(raw: String, segments: [String]) throws {
    #expect(try RequestTarget(raw.utf8).segments == segments)
  }

  @Test(arguments: [
    ("a=1&b=2&a=3", [["a", "1"], ["b", "2"], ["a", "3"]]), ("a=1+2&b=%2B", [["a", "1 2"], ["b", "+"]]), ("a&b=", [["a", ""], ["b", ""]]),
    ("=x", [["", "x"]]), ("a=b=c", [["a", "b=c"]]), ("%E5%AE%A2=%26%3D", [["客", "&="]]), ("&&a=1&&", [["a", "1"]]),
    ("a=1;b=2", [["a", "1;b=2"]]), ("a=%0A", [["a", "\n"]]), ("a=?b", [["a", "?b"]]), ("", []),
  ])
  func queriesAreReadAsFormsAre(query: String, pairs: [[String]]) throws {
    #expect(try RequestTarget("/?\(query)".utf8).query.items.map { [$0.name, $0.value] } == pairs)
  }

  @Test func aQueryGivesItsFirstAndAllValues() throws {
    let query = try RequestTarget("/?a=1&b=2&a=3".utf8).query
    #expect(query["a"] == "1")
    #expect(query.all("a") == ["1", "3"])
    #expect(query["c"] == nil)
  }

  @Test(arguments: [
    ("/%00", RequestTarget.Refusal.control), ("/a%0Ab", .control), ("/%7F", .control), ("/?a=%00", .control), ("/%", .badEscape),
    ("/%4", .badEscape), ("/%g0", .badEscape), ("/?%", .badEscape), ("/%FF", .notUTF8), ("/%C0%AF", .notUTF8), ("/%ED%A0%80", .notUTF8),
    ("/?a=%80", .notUTF8), ("/a b", .badByte), ("/a#b", .badByte), ("/客", .badByte), ("/a\u{1}", .badByte), ("/.", .dots),
    ("/a/..", .dots),
    ("/%2e%2E/a", .dots), ("", .notAPath), ("a/b", .notAPath), ("*", .notAPath), ("example.org:443", .notAPath), ("ftp://a/", .notAPath),
  ])
  func whatIsAmbiguousIsRefused(raw: String, refusal: RequestTarget.Refusal) {
    #expect(throws: refusal) { try RequestTarget(raw.utf8) }
  }

  @Test func queryItemsAreCounted() throws {
    let most = RequestTarget.queryItemsMax
    #expect(try RequestTarget("/?\(String(repeating: "a&", count: most))".utf8).query.items.count == most)
    #expect(throws: RequestTarget.Refusal.tooManyItems) { try RequestTarget("/?\(String(repeating: "a&", count: most + 1))".utf8) }
  }
}

@Suite struct HTTPHeadersTests {
  @Test func namesAreFoundInAnyCaseAndKeepTheirOrder() {
    var headers: HTTPHeaders = ["Accept": "a", "X-One": "1"]
    headers.add("accept", "b")
    #expect(headers["ACCEPT"] == "a")
    #expect(headers.all("Accept") == ["a", "b"])
    headers["aCCept"] = "c"
    #expect(headers.all("Accept") == ["c"])
    headers["X-ONE"] = nil
    #expect(!headers.contains("x-one"))
    // KELVIN SIGN folds to k in Unicode, not in HTTP.
    #expect(HTTPHeaders(dictionaryLiteral: ("\u{212A}ey", "1"))["key"] == nil)
  }

  @Test(arguments: [
    ("X", "a\r\nY: b"), ("X", "a\nb"), ("X", "a\rb"), ("X", "a\0b"), ("X", "\u{7F}"), ("X ", "a"), ("", "a"), ("X:", "a"), ("X\r\n", "a"),
    ("客", "a"),
  ])
  func whatWouldBreakAMessageIsInvalid(name: String, value: String) {
    #expect(!HTTPHeaders([.init(name: name, value: value)]).isValid)
  }

  @Test(arguments: ["", "a b", "a\tb", "客", "\"q\"; x=y"]) func visibleTextIsValid(value: String) {
    #expect(HTTPHeaders([.init(name: "X-Any_1.~", value: value)]).isValid)
  }

  @Test(arguments: [
    ("0", 0), ("007", 7), ("9223372036854775807", Int.max), ("9223372036854775808", nil),
    ("", nil), ("+1", nil), ("-1", nil), ("1 ", nil), ("١", nil),
  ])
  func numbersAreDigitsThatFit(text: String, number: Int?) {
    #expect(HTTPText.number(text.utf8) == number)
  }
}

@Suite struct ProblemTests {
  @Test func aProblemIsWrittenAsRFC9457Says() {
    // The members of the RFC's example in section 3.
    let problem = Problem(
      .forbidden, title: "You do not have enough credit.", detail: "Your current balance is 30, but that costs 50.",
      type: "https://example.com/probs/out-of-credit",
      extra: [
        .init("instance", .string("/account/12345/msgs/abc")), .init("balance", .int(30)),
        .init("accounts", .list([.string("/account/12345"), .string("/account/67890")])),
      ])
    let expected =
      #"{"type":"https://example.com/probs/out-of-credit","title":"You do not have enough credit.","status":403,"#
      + #""detail":"Your current balance is 30, but that costs 50.","instance":"/account/12345/msgs/abc","balance":30,"#
      + #""accounts":["/account/12345","/account/67890"]}"#
    #expect(String(decoding: problem.json, as: UTF8.self) == expected)
    #expect(problem.response.headers["Content-Type"] == "application/problem+json")
    #expect(problem.response.headers["Cache-Control"] == "no-store")
    #expect(problem.response.status == .forbidden)
  }

  @Test func textIsEscapedAsRFC8259Says() {
    let extra: [ProblemValue.Member] = [.init("ok", .bool(true)), .init("o", .object([]))]
    let problem = Problem(.conflict, title: "\"\\\n\r\t\u{1}\u{1F}/é客\u{2028}", extra: extra)
    let expected = #"{"type":"about:blank","title":"\"\\\n\r\t\u0001\u001f/é客"# + "\u{2028}" + #"","status":409,"ok":true,"o":{}}"#
    #expect(String(decoding: problem.json, as: UTF8.self) == expected)
  }

  @Test func onlySoManyFaultsAreListed() {
    let fault = Problem.FieldFault(field: "f", rule: "r", detail: "d")
    let problem = Problem.invalid(Array(repeating: fault, count: 101))
    #expect(problem.extra.last == .init("errors_omitted", .int(1)))
    guard case .list(let errors)? = problem.extra.first?.value else {
      Issue.record("no list of errors")
      return
    }
    #expect(errors.count == 100)
  }

  @Test func headersOfAProblemAreSentWithIt() {
    let response = Problem(.tooManyRequests, headers: ["Retry-After": "7"]).response
    #expect(response.headers["Retry-After"] == "7")
  }

  @Test func aFormIsReadLikeAQueryAndNothingElseIsAForm() throws {
    let type: HTTPHeaders = ["Content-Type": "application/x-www-form-urlencoded; charset=utf-8"]
    let form = try Request(.post, "/s", headers: type, body: Array("score=9&q-why=%E5%A5%BD+a%0D%0Ab".utf8)).form()
    #expect(form["score"] == "9" && form["q-why"] == "好 a\r\nb" && form["more"] == nil)
    func status(_ headers: HTTPHeaders, _ body: String) throws -> HTTPStatus? {
      do {
        _ = try Request(.post, "/s", headers: headers, body: Array(body.utf8)).form()
        return nil
      } catch { return error.status }
    }
    #expect(try status(["Content-Type": "application/json"], "{}") == .unsupportedMediaType && status([:], "a=1") == .unsupportedMediaType)
    #expect(try status(type, "a=%0") == .badRequest && status(type, "a=%FF") == .badRequest && status(type, "a=%00") == .badRequest)
    #expect(try status(type, String(repeating: "a=1&", count: 300)) == .badRequest)
  }
}
