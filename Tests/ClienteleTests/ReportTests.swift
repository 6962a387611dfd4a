// The report on tiers: its arithmetic against Python's fractions, its shape, and how it is asked for.
import ClienteleCore
import CommandLine
import Domain
import HTTP
import Testing
import Text

/// A population as the profile service lists it: random, the same for every run.
enum Population {
  struct Generator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      // SplitMix64
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }
  }

  static func lines(_ count: Int, seed: UInt64) -> [String] {
    var random = Generator(state: seed)
    return (1...count).map { number in
      let frequency = Int64.random(in: 0...30, using: &random)
      let monetary = frequency == 0 ? 0 : Int64.random(in: -5_000...80_000_000, using: &random)
      let days = Int.random(in: 0...9, using: &random) == 0 ? "null" : String(Int.random(in: 0...700, using: &random))
      let repeats = Int64.random(in: 0...frequency, using: &random)
      let last = days == "null" ? "null" : "\"\((Day(year: 1998, month: 7, day: 1).map { $0 + -(Int(days) ?? 0) })?.description ?? "")\""
      let member = number % 7 == 0 ? "null" : "\"m\(number)\""
      let industry = ["null", "\"Retail\"", "\"it\"", "\"mining\""][Int.random(in: 0...3, using: &random)]
      let id = String(repeating: "0", count: 16 - String(number, radix: 16).count) + String(number, radix: 16)
      return """
        {"customer_id":"\(id)","member_id":\(member),"recency_days":\(days),"frequency":\(frequency),"monetary":\(monetary),\
        "repeat_orders":\(repeats),"orders_last_quarter":0,"orders_quarter_before":0,"lifecycle":"active","last_interaction_day":\(last),\
        "industry":\(industry)}
        """
    }
  }

  static func routes(_ router: inout Router, lines: [String]) {
    let body = Array((lines.joined(separator: "\n") + "\n").utf8)
    router.get("/v1/indicators") { _ in .stream(contentType: "application/x-ndjson") { try await $0.write(body) } }
    router.get("/v1/scorecards") { _ in
      .json(Array(#"{"scorecards":[{"name":"standard","version":1,"in_force":false},{"name":"rfm-plus","version":1,"in_force":true}]}"#.utf8))
    }
    router.get("/v1/tiers/summary") { _ in .json(Array(#"{"policy":"spend v1"}"#.utf8)) }
  }
}

@Suite(.timeLimit(.minutes(1)))
struct ReportTests {
  /// Rules T-03 and T-04 once more, in another language, with fractions.
  private static let python = #"""
    import json, sys
    from datetime import date
    from fractions import Fraction as F
    policy, path = sys.argv[1], sys.argv[2]
    growth = {"retail": F(5), "it": F(-3, 2)}
    def line(points, x):
        if x <= points[0][0]: return F(points[0][1])
        for (a, p), (b, q) in zip(points, points[1:]):
            if x <= b: return p + F(x - a) / (b - a) * (q - p)
        return F(points[-1][1])
    cards = [("recency_days", 20, [(0, 100), (300, 0)]), ("frequency", 15, [(0, 0), (2, 40), (6, 75), (12, 90), (24, 100)]),
      ("monetary", 35, [(0, 0), (50000, 50), (200000, 70), (500000, 100)]), ("industry_growth", 15, [(-20, 0), (20, 100)]),
      ("repurchase_rate", 15, [(0, 0), (100, 100)])]
    def text(x, digits):
        if x is None: return ""
        whole = (x * 10 ** digits + F(1, 2)).__floor__()
        s = f"{abs(whole):0{digits + 1}d}"
        s = s[:-digits] + "." + s[-digits:]
        return ("-" if whole < 0 else "") + s
    def short(x): return "" if x is None else text(x, 4).rstrip("0").rstrip(".")
    people = []
    for row in map(json.loads, open(path)):
        f = row["frequency"]
        v = {"recency_days": None if row["recency_days"] is None else F(row["recency_days"]), "frequency": F(f),
          "monetary": F(row["monetary"], 100), "industry_growth": growth.get((row["industry"] or "").lower()),
          "repurchase_rate": F(row["repeat_orders"] * 100, f) if f else None}
        points = [None if v[k] is None else min(F(100), max(F(0), line(c, v[k]))) for k, w, c in cards]
        used = [(w, p) for (k, w, c), p in zip(cards, points) if p is not None]
        exact = sum(w * p for w, p in used) / sum(w for w, p in used)
        people.append(dict(row=row, v=v, points=points, exact=exact, score=(exact + F(1, 2)).__floor__()))
    def tier(p):
        if policy == "score": return ("vip" if p["score"] >= 90 else "key" if p["score"] >= 70 else "normal" if p["score"] >= 50 else "watch")
        if policy == "spend":
            last = p["row"]["last_interaction_day"]
            if last is None or date.fromisoformat(last) <= date(1998, 4, 1): return "watch"
            m = p["v"]["monetary"]
            return "vip" if m >= 500000 else "key" if m >= 200000 else "normal" if m >= 50000 else "watch"
        above = sum(1 for q in people if q["exact"] > p["exact"])
        share = F(above * 100, len(people))
        return "vip" if share < 10 else "key" if share < 30 else "normal" if share < 80 else "watch"
    for p in people: p["tier"] = tier(p)
    print("customer_id,member_id,recency_days,frequency,monetary,repurchase_rate," + ",".join(k + "_points" for k, w, c in cards) + ",score,tier")
    for p in sorted(people, key=lambda p: (-p["score"], p["row"]["customer_id"])):
        r = p["row"]
        print(",".join([r["customer_id"], r["member_id"] or "", "" if r["recency_days"] is None else str(r["recency_days"]), str(r["frequency"]),
          text(p["v"]["monetary"], 2), short(p["v"]["repurchase_rate"])] + [short(x) for x in p["points"]] + [str(p["score"]), p["tier"]]))
    """#

  @Test(.enabled(if: Shell.hasPython, "needs python3"), arguments: ["score", "quota", "spend"])
  func everyCustomersPointsScoreAndTierAreThoseOfPythonsFractions(policy: String) async throws {
    let lines = Population.lines(600, seed: 42)
    let called = try await FakeSuite.run({ router, _ in Population.routes(&router, lines: lines) }) { suite in
      await suite.call(
        [
          "report", "tiers", "--as-of", "1998-07-01", "--scorecard", "rfm-plus", "--policy", policy, "--industry-growth", "retail=5,IT=-1.5", "--customers",
          "--csv",
        ])
    }
    let folder = Folder()
    let script = folder.write("report.py", Self.python)
    let data = folder.write("indicators.ndjson", lines.joined(separator: "\n") + "\n")
    let expected = try #require(Shell.output("python3 \(script) \(policy) \(data)"))
    #expect(called.code == .ok && called.error.isEmpty)
    #expect(called.out.replacing("\r\n", with: "\n") == expected)
  }

  private static func report(_ lines: [String], kind: TierConfiguration.Kind = .score, withPoints: Bool = true) throws -> TierReport {
    let day = try #require(Day("1998-07-01"))
    return try TierReport(
      lines.map { try CustomerFigures(line: Array($0.utf8), day: day) }, day: day, scorecard: try RuleBook.scorecard("rfm-plus").scorecard,
      policy: try RuleBook.policy(kind), currency: .cny, withPoints: withPoints)
  }

  @Test func tiersAreTheSameWithAndWithoutPoints() throws {
    let lines = Population.lines(500, seed: 7)
    for kind in TierConfiguration.Kind.allCases {
      let (with, without) = (try Self.report(lines, kind: kind), try Self.report(lines, kind: kind, withPoints: false))
      // Compared first: hundreds of fractions in a message help nobody.
      let isSame = with.customers.map(\.exact) == without.customers.map(\.exact) && with.tiersCSV() == without.tiersCSV()
      #expect(isSame, "\(kind)")
    }
  }

  @Test func theTiersStandInTheLaddersOrderWithSharesInPercent() throws {
    func line(_ id: Int, _ monetary: Int, _ frequency: Int, _ recency: Int) -> String {
      let figures = #""recency_days":\#(recency),"frequency":\#(frequency),"monetary":\#(monetary),"repeat_orders":0"#
      return #"{"customer_id":"000000000000000\#(id)","member_id":null,\#(figures)}"#
    }
    let report = try Self.report([line(1, 100, 1, 290), line(2, 60_000_000, 24, 0), line(3, 200, 1, 299)])
    #expect(
      String(decoding: report.tiersCSV(), as: UTF8.self)
        == "tier,customers,share,revenue,revenue_share\r\nvip,0,0,0.00,0\r\nkey,1,33.3333,600000.00,99.9995\r\nnormal,0,0,0.00,0\r\n"
        + "watch,2,66.6667,3.00,0.0005\r\n")
    #expect(report.customers.map(\.figures.id.number) == [2, 1, 3])
  }

  @Test func noCustomersAreNoShares() throws {
    let csv = String(decoding: try Self.report([]).tiersCSV(), as: UTF8.self)
    #expect(csv.hasSuffix("vip,0,,0.00,\r\nkey,0,,0.00,\r\nnormal,0,,0.00,\r\nwatch,0,,0.00,\r\n"))
  }

  @Test func withoutOptionsTheRulesInForceAndTheSuitesDayCount() async throws {
    let (called, requests) = try await FakeSuite.run({ router, _ in Population.routes(&router, lines: Population.lines(3, seed: 1)) }) { suite in
      (await suite.call(["report", "tiers"]), suite.requests)
    }
    #expect(called.out.hasPrefix("Tiers on 1998-07-01 by scorecard rfm-plus v1, policy spend v2, amounts in CNY\n"), "\(called)")
    #expect(requests.contains("GET /v1/indicators?1998-07-01"))
  }

  @Test func theJSONHoldsTheSameFigures() async throws {
    let lines = Population.lines(40, seed: 3)
    let json = try await FakeSuite.run({ router, _ in Population.routes(&router, lines: lines) }) { suite in
      try JSONValue(parsing: await suite.call(["report", "tiers", "--policy", "score", "--customers", "--json"]).out)
    }
    let report = try Self.report(lines)
    #expect(json["customers"]?.intValue == 40 && json["list"]?.arrayValue?.count == 40)
    #expect(json["tiers"]?.arrayValue?.compactMap { $0["customers"]?.intValue } == report.lines.map(\.customers))
    #expect(json["list"]?[0]?["score_exact"]?.stringValue == report.customers[0].exact?.description)
    #expect(json["tiers"]?[0]?["name"]?["zh"]?.stringValue == "VIP 客户")
  }

  @Test func wrongQuestionsAreRefused() async throws {
    #expect(await Tool.call(["report", "tiers", "--csv", "--json"]).code == .usage)
    #expect(await Tool.call(["report", "tiers", "--as-of", "1998-02-30"]).error.contains("--as-of must be a day as 1998-07-01"))
    #expect(await Tool.call(["report", "tiers", "--policy", "none"]).code == .usage)
    #expect(await Tool.call(["report", "tiers", "--industry-growth", "retail"]).error.contains("`retail` is not an industry"))
    let broken = try await FakeSuite.run({ router, _ in Population.routes(&router, lines: ["{\"customer_id\":\"1\"}"]) }) {
      await $0.call(["report", "tiers"])
    }
    #expect(broken.code == .failed && broken.error.contains("line 1"), "\(broken)")
  }
}
