// What waits for a person: decisions about tiers and about who is who, as forms send them and services take or refuse them.
import Access
import HTTP
import TestSupport
import Testing
import Text

@testable import console

@Suite("Reviews in the console", .enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)")) struct ReviewTests {
  private static let id = CustomerAnswers.id
  private static let proposal = "/reviews/tiers/\(CustomerAnswers.id)"
  private static let identity = "/reviews/identities/\(CustomerAnswers.caseID)"

  @Test("A change of a tier is confirmed or rejected as it was seen")
  func decided() async throws {
    try await TestConsole.with { console in
      CustomerAnswers.tell(console.peers)
      let secret = try await console.signIn([.manager])
      #expect(try await console.get(ReviewTests.proposal, as: secret).page.contains("name=\"seen\" value=\"&quot;seen&quot;\""))
      for (deed, reason, api, body) in [
        ("confirm", "", "confirmation", "{}"), ("confirm", "good", "confirmation", #"{"reason":"good"}"#), ("reject", "no", "rejection", #"{"reason":"no"}"#),
        ("reject", "", "rejection", #"{"reason":""}"#),
      ] {
        let target = "/v1/proposals/\(ReviewTests.id)/\(api)"
        console.peers.answer(.post, target, CustomerAnswers.rating)
        let answer = try await console.post(ReviewTests.proposal, [("deed", deed), ("reason", reason), ("seen", "\"seen\"")], as: secret)
        #expect(answer.status == .seeOther && answer.location == "/reviews/tiers?done=decided")
        #expect(console.peers.deeds(.post).last == FakePeers.Asked(method: "POST", target: target, body: body, ifMatch: "\"seen\""))
      }
    }
  }

  @Test("Nobody confirms their own override, nor what somebody else has decided meanwhile; what was entered is kept")
  func refused() async throws {
    try await TestConsole.with { console in
      CustomerAnswers.tell(console.peers)
      let secret = try await console.signIn([.manager])
      let target = "/v1/proposals/\(ReviewTests.id)/confirmation"
      let fields = [("deed", "confirm"), ("reason", "because & so"), ("seen", "\"old\"")]
      console.peers.answer(.post, target, #"{"title":"Own override","status":403,"detail":"x"}"#, status: .forbidden)
      let own = try await console.post(ReviewTests.proposal, fields, as: secret)
      #expect(own.status == .forbidden && own.page.contains("another person must confirm it") && own.page.contains("because &amp; so"))
      console.peers.answer(.post, target, #"{"title":"Changed meanwhile","status":412,"detail":"x"}"#, status: .preconditionFailed)
      let late = try await console.post(ReviewTests.proposal, fields, as: secret)
      #expect(late.status == .preconditionFailed && late.page.contains("because &amp; so") && late.page.contains("value=\"&quot;seen&quot;\""))
      console.peers.answer(.get, "/v1/proposals/\(ReviewTests.id)", #"{"title":"Nothing waits","status":404}"#, status: .notFound)
      #expect(try await console.get(ReviewTests.proposal, as: secret).status == .notFound)
      #expect(try await console.post(ReviewTests.proposal, fields, as: secret).status == .conflict)
    }
  }

  @Test("Many are confirmed after all were shown, by the digest of what was shown")
  func many() async throws {
    try await TestConsole.with { console in
      CustomerAnswers.tell(console.peers)
      let secret = try await console.signIn([.manager])
      let path = "/reviews/tiers/confirmation"
      let page = try await console.get(path + "?proposed_tier=vip&kind=", as: secret).page
      #expect(page.contains("name=\"digest\" value=\"d1\"") && page.contains("name=\"proposed_tier\" value=\"vip\""))
      #expect(console.peers.deeds(.post).map(\.body) == [#"{"proposed_tier":"vip","limit":100}"#])
      // Without a digest the service would only answer a question.
      #expect(try await console.post(path, [("proposed_tier", "vip"), ("digest", "")], as: secret).status == .ok)
      let answer = try await console.post(path, [("proposed_tier", "vip"), ("digest", "d1"), ("reason", "all good")], as: secret)
      #expect(answer.status == .seeOther && answer.location == "/reviews/tiers?proposed_tier=vip&done=decided")
      #expect(console.peers.deeds(.post).last?.body == #"{"proposed_tier":"vip","digest":"d1","reason":"all good","limit":100}"#)
    }
  }

  @Test("Lists are filtered and gone through by what the services say, and counted")
  func lists() async throws {
    try await TestConsole.with { console in
      CustomerAnswers.tell(console.peers)
      let secret = try await console.signIn([.manager])
      let page = try await console.get("/reviews/tiers?tier=key&proposed_tier=vip&kind=rating&after=x", as: secret).page
      #expect(console.peers.asked.contains { $0.target == "/v1/proposals?tier=key&proposed_tier=vip&kind=rating&limit=50&after=x" })
      #expect(page.contains("after=899308799000000-\(ReviewTests.id)") && page.contains("<option value=\"vip\" selected>VIP</option>"))
      _ = try await console.get("/reviews/identities?guard=too_many_values&customer=653098A4E80E7C61", as: secret)
      #expect(console.peers.asked.contains { $0.target == "/v1/reviews?guard=too_many_values&customer=\(ReviewTests.id)&limit=50" })
      let merges = try await console.get("/merges?customer=\(ReviewTests.id)", as: secret).page
      #expect(merges.contains("after=51") && merges.contains("undone") && merges.contains("holds"))
      #expect(try await console.get("/reviews", as: secret).page.contains(">2+</p>"))
    }
  }

  @Test("A case is decided with a reason: the same person, or two")
  func identities() async throws {
    try await TestConsole.with { console in
      CustomerAnswers.tell(console.peers)
      let secret = try await console.signIn([.manager])
      let target = "/v1/reviews/\(CustomerAnswers.caseID)/decision"
      console.peers.answer(.post, target, CustomerAnswers.decision, status: .accepted)
      for decision in ["merge", "keep_apart"] {
        let answer = try await console.post(ReviewTests.identity, [("decision", decision), ("reason", "seen both")], as: secret)
        #expect(answer.status == .seeOther && answer.location == "/reviews/identities?done=decided")
        #expect(console.peers.deeds(.post).last?.body == #"{"decision":"\#(decision)","reason":"seen both"}"#)
      }
      let faults = #"[{"field":"decision","rule":"enum","detail":"decision is merge or keep_apart"}]"#
      console.peers.answer(.post, target, #"{"title":"x","status":422,"errors":\#(faults)}"#, status: .unprocessable)
      let refused = try await console.post(ReviewTests.identity, [("reason", "seen both")], as: secret)
      #expect(refused.status == .unprocessable && refused.page.contains("seen both</textarea>") && refused.page.contains("id=\"fault-decision\""))
      console.peers.answer(.post, target, #"{"title":"Already one customer","status":409}"#, status: .conflict)
      let again = try await console.post(ReviewTests.identity, [("decision", "merge"), ("reason", "x")], as: secret)
      #expect(again.status == .conflict && again.page.contains("one customer already") && again.page.contains("value=\"merge\" required checked"))
    }
  }

  @Test("An undone merge shows both again, and who undid it; one that holds says what its undoing does")
  func merges() async throws {
    try await TestConsole.with { console in
      CustomerAnswers.tell(console.peers)
      let secret = try await console.signIn([.manager])
      let page = try await console.get("/merges/4", as: secret).page
      #expect(page.contains("There will be two customers again") && page.contains("Each gets its own orders"))
      console.peers.answer(.post, "/v1/merges/4/undo", CustomerAnswers.decision, status: .accepted)
      let answer = try await console.post("/merges/4", [("reason", "two people")], as: secret)
      #expect(answer.status == .seeOther && answer.location == "/merges/4?done=undone")
      #expect(console.peers.deeds(.post).last?.body == #"{"reason":"two people"}"#)
      console.peers.answer(.post, "/v1/merges/4/undo", #"{"title":"Already undone","status":409}"#, status: .conflict)
      let again = try await console.post("/merges/4", [("reason", "two <people>")], as: secret)
      #expect(again.status == .conflict && again.page.contains("undone before") && again.page.contains("two &lt;people&gt;"))
      console.peers.answer(.get, "/v1/merges/4", CustomerAnswers.merge(undoneBy: 9))
      let undone = try await console.get("/merges/4", as: secret).page
      #expect(undone.contains("by Wang Fang") && undone.contains("Both customers") && !undone.contains("Undo the merge"))
      for path in ["/merges/0", "/merges/x", "/reviews/identities/..x"] { #expect(try await console.get(path, as: secret).status != .ok) }
    }
  }
}
