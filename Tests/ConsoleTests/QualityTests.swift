// Data quality and refused records on pages: figures against their limits, and records that are tried, sent again and put aside.
import Access
import ConsoleCore
import Documents
import HTTP
import Runtime
import Testing
import Text

@testable import console

/// What the ingest service says, in small.
private enum Intake {
  static func quality(_ source: String) -> String {
    func row(_ day: String, _ refused: Int, _ isAbove: Bool) -> String {
      """
      {"source":\(JSONValue.text(source).encodedText),"stream":"orders","day":"\(day)","records":1000,"accepted":\(1000 - refused),"duplicates":2,
       "refused":\(refused),"error_rate":0.0050,"is_above_ceiling":\(isAbove),
       "lateness":{"records":500,"late":25,"late_share":0.05,"latest_seconds":7200,
        "counts":[{"up_to_seconds":300,"records":475},{"up_to_seconds":null,"records":25}]},
       "fields":[{"field":"customer.phone","filled":800,"completeness":0.8,"errors":\(refused),"error_rate":0.005,"is_above_ceiling":\(isAbove)},
        {"field":"order_id","filled":995,"completeness":1,"errors":0,"error_rate":0,"is_above_ceiling":false}]}
      """
    }
    return "[\(row("2026-11-28", 5, true)),\(row("2026-11-29", 1, false))]"
  }

  static func record(_ text: String, state: String = "open", value: String) -> String {
    """
    {"id":4,"topic":"in.orders.v1","partition":1,"offset":35036,"source":\(JSONValue.text(text).encodedText),"received_at":"2026-11-29T00:00:00Z",
     "state":"\(state)","lines":1,"reasons":[{"rule":"future","field":"occurred_at","detail":\(JSONValue.text(text).encodedText)}],
     "headers":{"source":"shop","mapping":"shop@1-abc","import-id":\(JSONValue.text(text).encodedText)},"value":\(value),
     "first":{"topic":"in.orders.v1","partition":1,"offset":1,"received_at":"2026-11-28T00:00:00Z","is_gone":false},
     "differences":[{"field":"total","first":"1.00","second":\(JSONValue.text(text).encodedText)}],"has_more_differences":false}
    """
  }

  static let raw = "{\"order_id\":\"B2\",\"total\":12.50}"

  static func tell(_ peers: FakePeers, text: String = "shop") {
    let named = JSONValue.text(text).encodedText
    peers.answer(.get, "/v1/quality", quality(text))
    peers.answer(
      .get, "/v1/sources",
      """
      [{"name":\(named),"owner":\(named),"kind":"pos","state":"blocked","mapping":null,"mapping_version":null,"newest_mapping":"shop@1-abc",
        "newest_mapping_version":1,"first_seen_at":"2026-11-01T00:00:00Z","changed_at":null,
        "days":[{"day":"2026-11-28","records":1000,"accepted":995,"duplicates":2,"refused":5,"is_above_ceiling":true}]}]
      """)
    peers.answer(.get, "/v1/waiting", "{\"facts\":7,\"since\":\"2026-11-29T01:00:00Z\"}")
    peers.answer(
      .get, "/v1/quarantine/counts",
      """
      [{"source":\(named),"reason":"total.type","state":"open","records":3,"lines":3},
       {"source":\(named),"reason":"order_id.conflict","state":"open","records":2,"lines":2},
       {"source":"pos","reason":"total.type","state":"dismissed","records":9,"lines":9}]
      """)
    peers.answer(.get, "/v1/quarantine", "[\(record(text, value: "{\"order_id\":\"**\"}"))]")
    peers.answer(.get, "/v1/quarantine/4", record(text, value: JSONValue.text(raw).encodedText))
    peers.answer(.get, "/v1/conflicts", "{\"conflicts\":[\(record(text, value: "null"))],\"last_id\":4,\"more\":true}")
    let mapping = "{\"id\":\"shop@1-abc\",\"name\":\(named),\"version\":1,\"source\":\(named),\"owner\":\(named),\"registered_at\":\"2026-11-01T00:00:00Z\""
    peers.answer(.get, "/v1/mappings", "[\(mapping)}]")
    let field = text.filter { $0 != "\"" }
    let yaml = "mapping: shop\norder:\n  order_id: {field: \"\(field)\"}\n  lines:\n    sku: {first_of: [a, b], remove: \"-\"}\nend: true\n"
    peers.answer(.get, "/v1/mappings/shop@1-abc", "\(mapping),\"yaml\":\(JSONValue.text(yaml).encodedText)}")
    let (none, some) = ("{\"records\":0,\"lines\":0}", "{\"records\":1,\"lines\":7}")
    peers.answer(
      .get, "/v1/imports",
      """
      {"imports":[{"id":\(named),"first_at":"2026-11-01T00:00:00Z","last_at":"2026-11-01T00:01:00Z","accepted":\(some),"duplicate":\(none),
       "skipped":\(none),"quarantined":\(some)}],"next":"1793491260000000 july"}
      """)
    peers.answer(
      .get, "/v1/imports/july",
      """
      {"id":"july","first_at":"2026-11-01T00:00:00Z","last_at":"2026-11-01T00:01:00Z","accepted":{"records":10,"lines":20},
       "duplicate":{"records":0,"lines":0},"skipped":{"records":0,"lines":0},"quarantined":{"records":1,"lines":1},
       "reasons":[{"outcome":"quarantined","reason":\(named),"records":1,"lines":1}]}
      """)
    peers.answer(.get, "/metrics", "x")
  }
}

@Suite("Data quality")
struct QualityTests {
  private static let chinese: HTTPHeaders = ["Cookie": "language=zh-CN"]
  private static let pages = [
    "/quality", "/quality?source=shop&days=7", "/quarantine", "/quarantine?source=shop", "/quarantine/4", "/conflicts",
    "/mappings/shop%401-abc", "/imports", "/imports/july", "/quarantine/many/replay?source=shop", "/quarantine/many/dismiss?source=shop",
  ]

  @Test("Figures of sources, days and fields against the limits, in both languages")
  func figures() async throws {
    try await TestConsole.with { console in
      Intake.tell(console.peers)
      let secret = try await console.signIn([.admin])
      let page = try await console.get("/quality", as: secret).page
      for text in ["0.3 %", "above 0.3 % on some day", "blocked", "point of sale", "shop@1-abc, version 1", "customer.phone", "2 h 0 min", "line-limit"] {
        #expect(page.contains(text), "\(text)")
      }
      #expect(!page.contains(">order_id<"))
      #expect(try await console.get("/quality?source=shop", as: secret).page.contains(">order_id<"))
      #expect(console.peers.asked.contains { $0.target == "/v1/quality?days=30&source=shop" })
      let chinese = try await console.get("/quality?days=7", as: secret, headers: QualityTests.chinese).page
      #expect(chinese.contains("超过 0.3%") && chinese.contains("收银系统（POS）") && chinese.contains("停用") && chinese.contains("最早 2026-11-29 09:00"))
      #expect(try await console.get("/quality?csv=quality-days", as: secret).page.contains("2026-11-28,shop,orders,1000,2,5,0.5 %,above 0.3 %,5 %"))
    }
  }

  @Test("Analysts see figures and no refused record; agents see nothing of it; parts that somebody may not see are not asked for")
  func forbidden() async throws {
    try await TestConsole.with { console in
      Intake.tell(console.peers)
      let (analyst, agent, auditor) = (
        try await console.signIn([.analyst]), try await console.signIn([.agent], name: "Ag"), try await console.signIn([.auditor], name: "Au")
      )
      for target in QualityTests.pages { #expect(try await console.get(target, as: agent).status == .forbidden, "\(target)") }
      for target in QualityTests.pages where target.contains("quarantine") || target.contains("conflicts") {
        #expect(try await console.get(target, as: analyst).status == .forbidden, "\(target)")
      }
      #expect(console.peers.asked.isEmpty)
      let page = try await console.get("/quality", as: analyst).page
      #expect(!page.contains("In quarantine") && !page.contains("Waiting for"))
      #expect(Set(console.peers.asked.map { $0.target.prefix { $0 != "?" } }) == ["/v1/quality", "/v1/sources", "/metrics"])
      // An auditor reads, with personal data masked whatever is asked for, and settles nothing.
      let record = try await console.get("/quarantine/4?raw=1", as: auditor).page
      #expect(!record.contains("unmasked"))
      for target in ["/quarantine/4/unmasked", "/conflicts/unmasked"] {
        #expect(try await console.post(target, [("unmask_reason", "because")], as: auditor).status == .forbidden, "\(target)")
      }
      #expect(!record.contains("name=\"do\"") && console.peers.asked.last { $0.target.hasPrefix("/v1/quarantine/4") }?.target == "/v1/quarantine/4")
      #expect(try await console.post("/quarantine/4", [("do", "replay")], as: auditor).status == .forbidden)
      #expect(try await console.post("/quarantine/many/dismiss", [("source", "shop"), ("open", "3")], as: auditor).status == .forbidden)
    }
  }

  @Test("What records and sources hold stays a text, on every page and in every file", arguments: [
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "=1+1",
  ])
  func hostile(_ text: String) async throws {
    try await TestConsole.with { console in
      Intake.tell(console.peers, text: text)
      let secret = try await console.signIn([.admin])
      for target in QualityTests.pages + ["/quality?source=" + PercentEncoding.encoded(text), "/quarantine?reason=" + PercentEncoding.encoded(text)] {
        let page = try await console.get(target, as: secret)
        #expect(page.status == .ok && !page.page.contains("<script>alert") && !page.page.contains("<img"), "\(target)")
      }
      for target in ["/quality?csv=quality-days", "/quality?csv=sources", "/quarantine?csv=refused", "/quarantine/4?csv=reasons", "/conflicts?csv=conflicts",
        "/mappings/shop%401-abc?csv=mapping", "/imports/july?csv=import-reasons",
      ] {
        let file = try await console.get(target, as: secret)
        #expect(file.headers["Content-Type"]?.hasPrefix("text/csv") == true, "\(target)")
        #expect(!file.page.contains(",=1+1") && !file.page.contains("\n=1+1"), "\(target)")
      }
    }
  }

  @Test("A service that is away leaves the rest of the page standing")
  func away() async throws {
    try await TestConsole.with { console in
      console.peers.answer(.get, "/v1/quality", Intake.quality("shop"))
      console.peers.answer(.get, "/v1/sources", "{}", status: .serviceUnavailable)
      let page = try await console.get("/quality", as: try await console.signIn([.admin]))
      #expect(page.status == .ok && page.page.contains("2026-11-28"))
    }
  }

  @Test("A mapping says which field comes from where, and an import what became of it")
  func origins() async throws {
    try await TestConsole.with { console in
      Intake.tell(console.peers)
      let secret = try await console.signIn([.analyst])
      let mapping = try await console.get("/mappings/shop%401-abc", as: secret).page
      #expect(mapping.contains("order.lines.sku") && mapping.contains("the first that is not empty: a, b") && mapping.contains("remove: &quot;-&quot;"))
      #expect(try await console.get("/mappings/shop%401-abc", as: secret, headers: QualityTests.chinese).page.contains("取首个非空：a, b"))
      #expect(try await console.get("/imports?id=july", as: secret).location == "/imports/july")
      #expect(try await console.get("/imports?id=a%2F..%2Fb", as: secret).location == "/imports/a%2F..%2Fb")
      #expect(try await console.get("/imports/july", as: secret).page.contains("20"))
    }
  }

  @Test("Every mapping that is shipped is told field by field", arguments: [
    "cdnow", "generic-csv", "online-retail", "pos-journal", "shopify-order", "youzan-order",
  ])
  func shipped(_ name: String) throws {
    let root = try YAMLReader.read(try #require(Resources.bytes("deploy/mappings/\(name).yaml")), source: name)
    let rows = MappingOrigins(root).rows
    #expect(rows.count > 5 && rows.allSatisfy { !$0.field.isEmpty && !$0.from.isEmpty })
  }

  @Test("How long records take is read from the services' own measures")
  func delay() {
    func line(_ bound: String, _ count: Int) -> String { "clientele_source_to_table_seconds_bucket{topic=\"a,le=\",le=\"\(bound)\"} \(count)\n" }
    let delay = SourceDelay(metrics: "# x\n" + line("1", 90) + line("5", 96) + line("60", 99) + line("+Inf", 100))
    #expect(delay.batches == 100 && delay.most == 5)
    #expect(SourceDelay(metrics: line("1", 90) + line("+Inf", 100)).most == nil)
    for wild in ["-1e300", "1e300", "nan", "9e18", "-1"] {
      #expect(SourceDelay(metrics: line("1", 90) + line("+Inf", 100).replacing("100", with: wild)).batches == 90)
    }
    #expect(SourceDelay(metrics: "").batches == 0 && SourceDelay.sum([delay, nil]) == nil && SourceDelay.sum([delay, delay]) == 10)
  }
}

@Suite("Refused records")
struct QuarantineTests {
  @Test("A record shows why it was refused and what helps, in both languages")
  func shows() async throws {
    try await TestConsole.with { console in
      Intake.tell(console.peers)
      let secret = try await console.signIn([.admin])
      let page = try await console.get("/quarantine/4", as: secret).page
      #expect(page.contains("It lies more than 5 minutes in the future.") && page.contains("/mappings/shop%401-abc") && page.contains("/imports/shop"))
      #expect(page.contains("Show values as they came") && !page.contains("<textarea"))
      #expect(console.peers.asked.allSatisfy { $0.reason == nil && !$0.target.contains("raw") })
      let inChinese: HTTPHeaders = ["Cookie": "language=zh-CN"]
      let chinese = try await console.post("/quarantine/4/unmasked", [("unmask_reason", "核对金额")], as: secret, headers: inChinese).page
      // Records as they came are given to those alone who say why.
      let asked = console.peers.asked.filter { $0.reason != nil }
      #expect(asked.map(\.target) == ["/v1/quarantine/4?raw=1"] && asked.first?.reason == PercentEncoding.encoded("核对金额"))
      #expect(chinese.contains("请校准来源系统的时钟") && chinese.contains("<textarea") && chinese.contains("&quot;total&quot;: 12.50"))
      let list = try await console.get("/quarantine?state=open&reason=total.type", as: secret).page
      #expect(list.contains("/quarantine/many/replay?reason=total.type") && list.contains("The value is of another type"))
      #expect(console.peers.asked.last { $0.target.hasPrefix("/v1/quarantine?") }?.target == "/v1/quarantine?state=open&reason=total.type&limit=50")
    }
  }

  @Test("A correction is tried as it was entered, and shown again with what would become of it")
  func tries() async throws {
    try await TestConsole.with { console in
      Intake.tell(console.peers)
      let secret = try await console.signIn([.admin])
      let shown = RefusedParts.text(.text(Intake.raw))
      console.peers.answer(
        .post, "/v1/quarantine/4/try", "{\"id\":4,\"outcome\":\"refused\",\"reasons\":[{\"field\":\"total\",\"rule\":\"type\",\"detail\":\"<b>\"}]}")
      let entered = "{\r\n  \"total\": <i>\r\n}"
      let refused = try await console.post(
        "/quarantine/4", [("unmask_reason", "the total"), ("shown", shown), ("value", entered), ("mapping", "shop@1-abc"), ("do", "try")], as: secret)
      #expect(refused.page.contains("It would be refused again") && refused.page.contains("&lt;b&gt;") && refused.page.contains("\"total\": <i>".escaped))
      let asked = try #require(console.peers.asked.last { $0.method == "POST" })
      #expect(asked.target == "/v1/quarantine/4/try?mapping=shop%401-abc&raw=1" && asked.body == "{\n  \"total\": <i>\n}")
      #expect(asked.reason == "the%20total" && refused.page.contains("name=\"unmask_reason\" value=\"the total\""))
      #expect(refused.page.contains("<option value=\"shop@1-abc\" selected>"))
      // What was not changed is tried as it came, byte for byte.
      console.peers.answer(.post, "/v1/quarantine/4/try", "{\"id\":4,\"outcome\":\"accepted\",\"kind\":\"order\",\"event\":{\"a\":1}}")
      let good = try await console.post(
        "/quarantine/4",
        [
          ("unmask_reason", "the total"), ("shown", shown.replacing("\n", with: "\r\n")), ("value", shown.replacing("\n", with: "\r\n")), ("do", "try"),
        ], as: secret)
      #expect(good.page.contains("It would be accepted as order") && console.peers.asked.last { $0.method == "POST" }?.body == "")
    }
  }

  @Test("A record is sent again, or put aside, and a refusal keeps what was entered")
  func settles() async throws {
    try await TestConsole.with { console in
      Intake.tell(console.peers)
      let secret = try await console.signIn([.admin])
      console.peers.answer(.post, "/v1/quarantine/4/replay", "{\"detail\":\"record 4 was replayed before\"}", status: .conflict)
      let fields = [("unmask_reason", "the total"), ("shown", "x"), ("value", "{\"a\": 2}"), ("do", "replay")]
      let late = try await console.post("/quarantine/4", fields, as: secret)
      #expect(late.status == .conflict && late.page.contains("record 4 was replayed before") && late.page.contains("{&quot;a&quot;: 2}"))
      console.peers.answer(.post, "/v1/quarantine/4/replay", "{\"id\":4,\"state\":\"replayed\"}", status: .accepted)
      let done = try await console.post("/quarantine/4", fields, as: secret)
      #expect(done.location == "/quarantine/4?done=replayed" && console.peers.asked.last?.body == "{\"a\": 2}")
      // A reason goes with what shows something alone.
      #expect(console.peers.asked.allSatisfy { $0.reason == nil || !$0.target.contains("/replay") })
      console.peers.answer(.post, "/v1/quarantine/4/dismiss", "{\"id\":4,\"state\":\"dismissed\"}")
      #expect(try await console.post("/quarantine/4", [("do", "dismiss")], as: secret).location == "/quarantine/4?done=dismissed")
      #expect(console.peers.asked.last?.target == "/v1/quarantine/4/dismiss")
    }
  }

  @Test("Many are settled by source and reason: as many as were seen, and it is said how many that were")
  func many() async throws {
    try await TestConsole.with { console in
      Intake.tell(console.peers)
      let secret = try await console.signIn([.admin])
      let page = try await console.get("/quarantine/many/replay?source=shop", as: secret).page
      #expect(page.contains("Send 5 records again") && page.contains("name=\"open\" value=\"5\"") && page.contains("shop@1-abc"))
      console.peers.answer(.post, "/v1/quarantine/replay", "{\"replayed\":4,\"failed\":1,\"last_id\":9,\"more\":true}", status: .accepted)
      let form = [("source", "shop"), ("reason", "total.type"), ("open", "5"), ("mapping", "shop@1-abc")]
      let done = try await console.post("/quarantine/many/replay", form, as: secret)
      #expect(done.location == "/quarantine?source=shop&reason=total.type&settled=4&failed=1")
      #expect(console.peers.asked.last?.target == "/v1/quarantine/replay?source=shop&reason=total.type&after=0&limit=5&mapping=shop%401-abc")
      let told = try await console.get("/quarantine?source=shop&settled=4&failed=1", as: secret).page
      #expect(told.contains("4 records settled.") && told.contains("1 were not confirmed"))
      console.peers.answer(.post, "/v1/quarantine/dismiss", "{\"dismissed\":1000,\"last_id\":1,\"more\":true}")
      let more = try await console.post("/quarantine/many/dismiss", [("source", "shop"), ("open", "9000")], as: secret)
      #expect(more.location == "/quarantine?source=shop&settled=2000&more=1")
      // Without saying which, nothing is settled.
      #expect(try await console.post("/quarantine/many/dismiss", [("open", "9")], as: secret).location == "/quarantine")
      console.peers.answer(.post, "/v1/quarantine/dismiss", "{\"detail\":\"not <now>\"}", status: .badRequest)
      let refused = try await console.post("/quarantine/many/dismiss", [("source", "shop"), ("open", "3")], as: secret)
      #expect(refused.status == .badRequest && refused.page.contains("not &lt;now&gt;"))
    }
  }

  @Test("Every rule that refuses has its words")
  func words() {
    let rules = [
      "missing", "type", "format", "range", "enum", "length", "decimals", "too_many", "future", "unknown_currency", "no_rate", "conflict",
      "order_moved", "blocked",
      "syntax", "truncated", "quote", "unterminated_quote", "field_count", "line_break", "too_many_fields", "not_a_number", "not_in_table", "no_kind",
      "too_many_lines", "out_of_range", "unknown", "size", "depth",
    ]
    for rule in rules where rule != "syntax" { #expect(RefusalWords(rule).meaning != RefusalText.syntax, "\(rule)") }
    #expect(RefusalWords(nil).meaning == RefusalText.syntax && QualityWords.rule(ofCode: "lines.quantity.type") == "type")
  }
}

extension String {
  /// As a page holds it.
  fileprivate var escaped: String {
    replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;").replacing("\"", with: "&quot;")
  }
}
