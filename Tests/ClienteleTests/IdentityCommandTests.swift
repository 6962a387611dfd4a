// `clientele customer merge|undo|merges|reviews` and `clientele report segments|unification` against services that answer what they are told to.
import ClienteleCore
import CommandLine
import HTTP
import Synchronization
import Testing
import Text

@Suite(.timeLimit(.minutes(1)))
struct IdentityCommandTests {
  private static let case1 = "0123456789abcdef0123456789abcdef-fedcba9876543210fedcba9876543210"

  /// Takes decisions, which are followed when they are asked for the second time; what was posted is kept.
  private static func services(_ router: inout Router, _ posted: Posted) {
    let answer = #"{"id":7,"decision":"keep_apart","applied_at":null}"#
    for path in ["/v1/merges", "/v1/merges/{id}/undo", "/v1/reviews/{id}/decision"] {
      router.post(path) { request in
        posted.add(request.target + " " + String(decoding: request.body, as: UTF8.self))
        return .json(Array(answer.utf8), status: .accepted)
      }
    }
    router.get("/v1/decisions/{id}") { _ in .json(Array(#"{"id":7,"decision":"keep_apart","applied_at":"1998-07-01T00:00:00Z"}"#.utf8)) }
    router.get("/v1/merges") { _ in .json(Array(merges.utf8)) }
    router.get("/v1/reviews") { _ in .json(Array(reviews.utf8)) }
    router.get("/v1/customers/{id}/timeline") { _ in .json(Array(timeline.utf8)) }
    router.get("/v1/customers") { request in
      guard request.query["member_id"] == "M1" else { throw Problem(.notFound, detail: "there is no such customer") }
      return .json(Array(#"{"customer_id":"0000000000000001"}"#.utf8))
    }
    router.get("/v1/segments") { _ in .json(Array(segments.utf8)) }
  }

  private static let merges = """
    {"merges":[{"id":3,"at":"1998-01-01T00:00:00Z","survivor":"0000000000000001","absorbed":"0000000000000002","evidence":"e1","undone_by":null}],
     "next":3}
    """
  private static let reviews = """
    {"reviews":[{"id":"\(case1)","guard":"different_national_ids","at":"1998-01-01T00:00:00Z","evidence":"e2",
     "sides":[{"customer_id":"0000000000000001","kind":"phone","value":"+86***"},{"customer_id":"0000000000000002","kind":"email","value":"l***"}]}],
     "next":null}
    """
  private static let timeline = """
    {"customer_id":"0000000000000001","entries":[
     {"at":"1998-02-01T00:00:00Z","type":"contact","source":"hotline","channel":"phone","direction":"inbound","text":"late"},
     {"at":"1998-01-01T00:00:00Z","type":"order","source":"shop","order_id":"o1","amount":"5.00","lines":[{"sku":"x","name":"tea","quantity":"1"}]}],
     "next":"1:0:4:shopx"}
    """
  private static let segments = """
    {"as_of":"1998-07-01","currency":"CNY","customers":4,"revenue":"16.00",
     "thresholds":{"recency_days_at_most":"100.00","frequency_at_least":"4.00","monetary_at_least":"4.00"},
     "rfm":[{"segment":"important_value","segment_zh":"重要价值","customers":1,"customers_percent":"25.00","revenue":"10.00",
     "revenue_percent":"62.50"}],"contribution":[]}
    """

  final class Posted: Sendable {
    private let kept = Mutex<[String]>([])
    func add(_ text: String) { kept.withLock { $0.append(text) } }
    var all: [String] { kept.withLock { $0 } }
  }

  private let why = ["--actor", "wang", "--reason", "two brothers"]

  @Test func aDecisionIsSentWithActorAndReasonAndWaitedFor() async throws {
    let posted = Posted()
    let calls = try await FakeSuite.run({ router, _ in Self.services(&router, posted) }) { suite in
      [
        await suite.call(["customer", "undo", "3"] + why), await suite.call(["customer", "merge", "0000000000000001", "0000000000000002"] + why),
        await suite.call(["customer", "reviews", "decide", Self.case1, "--keep-apart"] + why),
      ]
    }
    for called in calls { #expect(called == Called(code: .ok, out: "decision 7 is recorded and customers are worked out by it\n", error: "")) }
    #expect(
      posted.all == [
        #"/v1/merges/3/undo {"actor":"wang","reason":"two brothers"}"#,
        #"/v1/merges {"customers":["0000000000000001","0000000000000002"],"actor":"wang","reason":"two brothers"}"#,
        #"/v1/reviews/\#(Self.case1)/decision {"decision":"keep_apart","actor":"wang","reason":"two brothers"}"#,
      ])
  }

  @Test func whatIsMissingInADecisionIsSaidBeforeAnythingIsSent() async throws {
    let posted = Posted()
    let codes = try await FakeSuite.run({ router, _ in Self.services(&router, posted) }) { suite in
      [
        await suite.call(["customer", "undo", "3"]).code, await suite.call(["customer", "undo", "3", "--actor", "wang"]).code,
        await suite.call(["customer", "reviews", "decide", Self.case1] + why).code,
        await suite.call(["customer", "reviews", "decide", Self.case1, "--merge", "--keep-apart"] + why).code,
      ]
    }
    #expect(codes == [.usage, .usage, .usage, .usage])
    #expect(posted.all.isEmpty)
  }

  @Test func aTimelineIsShownLineByLineAndSaysHowToGoOn() async throws {
    let posted = Posted()
    let called = try await FakeSuite.run({ router, _ in Self.services(&router, posted) }) { await $0.call(["customer", "timeline", "0000000000000001"]) }
    #expect(
      called.out == """
        1998-02-01T00:00:00Z contact hotline channel=phone direction=inbound text=late
        1998-01-01T00:00:00Z order shop order_id=o1 amount=5.00 lines=tea
        more: --before '1:0:4:shopx'

        """)
  }

  @Test func aTimelineIsFoundByWhatACustomerIsKnownBy() async throws {
    let posted = Posted()
    let (byID, byMember, unknown, nobody) = try await FakeSuite.run({ router, _ in Self.services(&router, posted) }) { suite in
      (
        await suite.call(["customer", "timeline", "0000000000000001"]), await suite.call(["customer", "timeline", "--member", "M1"]),
        await suite.call(["customer", "timeline", "--member", "M2"]), await suite.call(["customer", "timeline"])
      )
    }
    #expect(byMember.out == byID.out && !byID.out.isEmpty)
    #expect(unknown.code == .failed && unknown.error.contains("no such customer"))
    #expect(nobody.code == .usage)
  }

  @Test func listsAreShownForPeopleAndForPrograms() async throws {
    let posted = Posted()
    let (merges, reviews, csv) = try await FakeSuite.run({ router, _ in Self.services(&router, posted) }) { suite in
      (
        await suite.call(["customer", "merges"]), await suite.call(["customer", "reviews", "list"]),
        await suite.call(["report", "segments", "--csv"])
      )
    }
    #expect(merges.out.contains("0000000000000001  0000000000000002  e1") && merges.out.hasSuffix("more: --after 3\n"))
    #expect(reviews.out.contains("different_national_ids, named together by e2") && reviews.out.contains("0000000000000002 (email l***)"))
    #expect(csv.out.hasSuffix("1998-07-01,rfm,important_value,重要价值,1,25.00,10.00,62.50\r\n"))
  }
}
