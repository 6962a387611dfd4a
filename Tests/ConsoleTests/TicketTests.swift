// One ticket's page and its forms: what is told and why, what can be done by whom, and what becomes of a form that is refused.
import Access
import ConsoleCore
import Domain
import HTTP
import TestSupport
import Testing
import Text

@testable import console

@Suite("A ticket's page", .enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)")) struct TicketTests {
  private static let path = "/tickets/\(DeskAnswers.ticket)"
  private static let api = "/v1/tickets/\(DeskAnswers.ticket)"

  @Test("It tells words, promises, why they are so, who has it and why, what happened, and the customer, in both languages")
  func whole() async throws {
    try await TestConsole.with { console in
      DeskAnswers.answer(console.peers)
      let secret = try await console.signIn([.manager])
      let page = try await console.get(TicketTests.path, as: secret).page
      for words in [
        "<p class=\"words\">It is broken.\nPlease help.</p>", "5 h 59 min late", "18 h 30 min left", "looks after this customer by name",
        "Priority P2, because of how bad it is (works badly) and of the customer&#39;s tier (Key)", "within 1 d 0 h, counted in office hours",
        "Rule 5 of the service standards (version 1)", "2026-11-28 17:00 to 2026-11-28 18:00, for the customer", "first response 100 % → manager",
        "Key · complaint · works badly · P2", "compensation 380.00 CNY", "Compensation 380.00 CNY", "4970.00 / 5000.00 CNY", "50 % owner", ">97<",
        "9 · 2026-11-01", "href=\"/tickets/\(DeskAnswers.other)\"", "fits to 43 %",
      ] { #expect(page.contains(words), "\(words)") }
      let chinese = try await console.get(TicketTests.path + "?lang=zh", as: secret).page
      for words in [
        "客户所述", "已超时 5 小时 59 分", "剩余 18 小时 30 分", "该客户的专属负责人", "优先级 P2：由紧急程度（功能降级）和客户等级（重点客户）共同决定", "适用服务标准（版本 1）第 5 条",
        "重点客户 · 投诉 · 功能降级 · P2", "补偿 380.00 CNY", "等待客户", "首次响应 100 % → 经理",
      ] { #expect(chinese.contains(words), "\(words)") }
      let file = try await console.get(TicketTests.path + "?csv=pieces-1", as: secret).page
      #expect(file.contains("2026-11-28 17:00,2026-11-28 18:00,1 h 0 min,stands still"))
      #expect(try await console.get("/tickets/nonsense", as: secret).status == .notFound)
      #expect(try await console.get("/tickets/0000000000000007", as: secret).status == .notFound)
    }
  }

  @Test("Only what is possible in its state is offered, and nothing to whoever may only look")
  func offered() async throws {
    try await TestConsole.with { console in
      DeskAnswers.answer(console.peers)
      let (manager, auditor) = (try await console.signIn([.manager]), try await console.signIn([.auditor]))
      func forms(_ secret: SessionSecret) async throws -> Set<String> {
        let page = try await console.get(TicketTests.path, as: secret).page
        return Set(TicketForm.allCases.map(\.rawValue).filter { page.contains("action=\"\(TicketTests.path)/\($0)\"") })
      }
      #expect(try await forms(manager) == ["reply", "message", "wait", "resolve", "assign", "subject", "link", "merge", "grant", "decide"])
      #expect(try await forms(auditor).isEmpty)
      let resolved = DeskAnswers.ticket(state: "resolved", steps: ["close", "reopen", "message"], more: "")
        .replacing(
          "\"acceptance\":null",
          with: #""acceptance":{"state":"awaited","due_on":"2026-12-06","value":null,"value_name":null,"note":null,"actor":null,"reason":null,"at":null}"#)
      console.peers.answer(.get, TicketTests.api, resolved, tag: "\"v4\"")
      // What awaits acceptance is not closed.
      #expect(try await forms(manager) == ["message", "reopen", "accept", "assign", "subject", "link", "merge", "grant", "decide"])
      let merged = DeskAnswers.ticket(state: "closed", steps: []).replacing("\"merged_into\":null", with: "\"merged_into\":\"\(DeskAnswers.other)\"")
      console.peers.answer(.get, TicketTests.api, merged, tag: "\"v5\"")
      #expect(try await forms(manager) == ["decide"])
    }
  }

  @Test("Who asked for a grant does not decide on it, and parts that somebody may not see are not asked for")
  func parts() async throws {
    try await TestConsole.with { console in
      DeskAnswers.answer(console.peers)
      console.peers.answer(.get, "/v1/grants", DeskAnswers.grants("late", by: "Wang Fang"))
      let page = try await console.get(TicketTests.path, as: try await console.signIn([.manager])).page
      #expect(page.contains("Somebody else has to decide on it.") && !page.contains("\(TicketTests.path)/decide"))
      let before = console.peers.asked.count
      let agents = try await console.get(TicketTests.path, as: try await console.signIn([.agent])).page
      let asked = console.peers.asked.dropFirst(before).map(\.target)
      #expect(!asked.contains { $0.hasPrefix("/v1/grants") || $0.hasPrefix("/v1/answers") } && !agents.contains("Last NPS answer"))
    }
  }

  @Test("A service that does not answer leaves the rest of the page standing")
  func away() async throws {
    try await TestConsole.with { console in
      DeskAnswers.answer(console.peers)
      for path in ["/v1/tiers/\(DeskAnswers.customer)", "/v1/answers", "\(TicketTests.api)/explanation"] {
        console.peers.answer(.get, path, #"{"title":"Service Unavailable"}"#, status: .serviceUnavailable)
      }
      let answer = try await console.get(TicketTests.path, as: try await console.signIn([.manager]))
      #expect(answer.status == .ok && answer.page.contains("Service Unavailable") && answer.page.contains("Please help."))
    }
  }

  @Test("Whatever customers and people wrote stays text; no two parts of a page have one id", arguments: Hostile.texts)
  func hostile(_ text: String) async throws {
    try await TestConsole.with { console in
      DeskAnswers.answer(console.peers, words: text)
      let secret = try await console.signIn([.manager])
      for lang in ["en", "zh"] {
        let page = try await console.get("\(TicketTests.path)?lang=\(lang)", as: secret).page
        #expect(Hostile.isHarmless(page) && page.utf8.count < 60_000)
        let ids = page.split(separator: " id=\"").dropFirst().map { String($0.prefix { $0 != "\"" }) }
        #expect(Set(ids).count == ids.count)
        for target in page.split(separator: " for=\"").dropFirst().map({ String($0.prefix { $0 != "\"" }) }) { #expect(ids.contains(target), "\(target)") }
      }
    }
  }

  // MARK: - Forms

  /// A form with its fields, and what the service is asked.
  struct Deed: Sendable, CustomTestStringConvertible {
    let form: String
    let fields: [(String, String)]
    let part: String
    let body: String
    var testDescription: String { form + fields.map(\.1).joined(separator: " ") }
  }

  static let deeds: [Deed] = [
    Deed(form: "start", fields: [], part: "steps", body: #"{"step":"start"}"#),
    Deed(form: "reply", fields: [("reply_text", "Two\nlines ")], part: "steps", body: #"{"step":"reply","text":"Two\nlines"}"#),
    Deed(form: "message", fields: [("message_text", "还没到")], part: "steps", body: #"{"step":"message","text":"还没到"}"#),
    Deed(
      form: "wait", fields: [("wait_step", "wait_for_third_party"), ("wait_reason", "carrier")], part: "steps",
      body: #"{"step":"wait_for_third_party","reason":"carrier"}"#),
    Deed(form: "wait", fields: [("wait_step", "close")], part: "steps", body: #"{"step":"wait_for_customer"}"#),
    Deed(form: "resume", fields: [], part: "steps", body: #"{"step":"resume"}"#),
    Deed(
      form: "resolve", fields: [("resolve_code", "fixed"), ("resolve_root_cause", "logistics"), ("resolve_reason", "")], part: "steps",
      body: #"{"step":"resolve","code":"fixed","root_cause":"logistics"}"#),
    Deed(form: "close", fields: [], part: "steps", body: #"{"step":"close"}"#),
    Deed(form: "reopen", fields: [("reopen_reason", "again")], part: "steps", body: #"{"step":"reopen","reason":"again"}"#),
    Deed(form: "assign", fields: [("assign_whom", "owner:Li Na"), ("assign_reason", "away")], part: "assignment", body: #"{"owner":"Li Na","reason":"away"}"#),
    Deed(form: "assign", fields: [("assign_whom", "team:service-desk")], part: "assignment", body: #"{"team":"service-desk"}"#),
    Deed(form: "assign", fields: [("assign_whom", "")], part: "assignment", body: "{}"),
    Deed(
      form: "subject", fields: [("subject_kind", "fault"), ("subject_category", ""), ("subject_urgency", "blocked")], part: "subject",
      body: #"{"kind":"fault","urgency":"blocked"}"#),
    Deed(form: "milestone", fields: [("milestone_clock", "on_site")], part: "milestones", body: #"{"clock":"on_site"}"#),
    Deed(form: "link", fields: [("link_ticket_id", DeskAnswers.other)], part: "links", body: #"{"ticket_id":"\#(DeskAnswers.other)"}"#),
    Deed(form: "merge", fields: [("merge_into", DeskAnswers.other)], part: "merge", body: #"{"into":"\#(DeskAnswers.other)"}"#),
    Deed(
      form: "accept", fields: [("accept_outcome", "rejected"), ("accept_value", "none"), ("accept_reason", "another year")], part: "acceptance",
      body: #"{"outcome":"rejected","value":"none","reason":"another year"}"#),
    Deed(form: "grant", fields: [("grant_amount", "1,200.50"), ("grant_reason", "late")], part: "grants", body: #"{"amount":1200.50,"reason":"late"}"#),
    Deed(
      form: "grant", fields: [("grant_amount", "1}"), ("grant_upgrade", "express-delivery"), ("grant_reason", "x")], part: "grants",
      body: #"{"amount":"1}","upgrade":"express-delivery","reason":"x"}"#),
  ]

  @Test("A form sends exactly what the service takes, over the state that was seen")
  func sent() async throws {
    try await TestConsole.with { console in
      DeskAnswers.answer(console.peers)
      let secret = try await console.signIn([.manager])
      for deed in TicketTests.deeds {
        console.peers.answer(.post, "\(TicketTests.api)/\(deed.part)", DeskAnswers.ticket())
        let before = console.peers.asked.count
        let answer = try await console.post("\(TicketTests.path)/\(deed.form)", deed.fields + [("seen", "\"v3\"")], as: secret)
        #expect(answer.status == .seeOther && answer.location?.hasPrefix("\(TicketTests.path)?done=") == true, "\(deed)")
        let asked = FakePeers.Asked(method: "POST", target: "\(TicketTests.api)/\(deed.part)", body: deed.body, ifMatch: "\"v3\"")
        #expect(Array(console.peers.asked.dropFirst(before)) == [asked], "\(deed)")
      }
    }
  }

  @Test("A decision on a grant goes to the grant, as long as it waits", arguments: ["approval", "rejection"])
  func decided(_ decision: String) async throws {
    try await TestConsole.with { console in
      DeskAnswers.answer(console.peers)
      console.peers.answer(.post, "/v1/grants/\(DeskAnswers.grant)/\(decision)", "{}")
      let fields = [("grant", DeskAnswers.grant), ("decision", decision), ("decide_\(DeskAnswers.grant)_reason", "fair"), ("seen", "\"v3\"")]
      let answer = try await console.post("\(TicketTests.path)/decide", fields, as: try await console.signIn([.manager]))
      #expect(answer.location == "\(TicketTests.path)?done=decided")
      let asked = console.peers.asked.first { $0.method == "POST" }
      #expect(asked?.target == "/v1/grants/\(DeskAnswers.grant)/\(decision)" && asked?.body == #"{"reason":"fair"}"# && asked?.ifMatch == "\"waiting\"")
      let strange = try await console.post("\(TicketTests.path)/decide", [("grant", "../x"), ("decision", decision)], as: try await console.signIn([.manager]))
      #expect(strange.status == .notFound || strange.status == .serviceUnavailable)
    }
  }

  @Test("A refusal is shown with everything that was entered, and what is wrong at its field")
  func refused() async throws {
    try await TestConsole.with { console in
      DeskAnswers.answer(console.peers)
      let refusal = #"{"title":"Unprocessable Content","errors":[{"field":"root_cause","rule":"missing","detail":"needed"}]}"#
      console.peers.answer(.post, "\(TicketTests.api)/steps", refusal, status: .unprocessable)
      let secret = try await console.signIn([.manager])
      let fields = [("resolve_code", "fixed"), ("resolve_reason", "\"><b>kept"), ("seen", "\"v3\"")]
      let answer = try await console.post("\(TicketTests.path)/resolve", fields, as: secret)
      #expect(answer.status == .unprocessable && answer.page.contains("value=\"&quot;&gt;&lt;b&gt;kept\""))
      #expect(answer.page.contains(#"<p class="fault" id="fault-resolve_root_cause">This is needed.</p>"#))
      #expect(answer.page.contains(#"<option value="fixed" selected>fixed</option>"#) && answer.page.contains("look at what is marked below"))
      // Without words there is no answer to note.
      let empty = try await console.post("\(TicketTests.path)/reply", [("reply_text", " \n"), ("seen", "\"v3\"")], as: secret)
      #expect(empty.status == .unprocessable && empty.page.contains("fault-reply_text"))
      #expect(console.peers.asked.count { $0.method == "POST" } == 1)
    }
  }

  @Test("Whom another was faster than sees the ticket as it is now, with what was written; what is not possible any more comes back as text")
  func faster() async throws {
    try await TestConsole.with { console in
      DeskAnswers.answer(console.peers)
      console.peers.answer(.get, TicketTests.api, DeskAnswers.ticket(), tag: "\"v4\"")
      console.peers.answer(.post, "\(TicketTests.api)/steps", #"{"title":"Changed meanwhile"}"#, status: .preconditionFailed)
      let secret = try await console.signIn([.manager])
      let fields = [("reply_text", "a long answer"), ("seen", "\"v3\"")]
      let answer = try await console.post("\(TicketTests.path)/reply", fields, as: secret)
      #expect(answer.status.rawValue == 412 && answer.page.contains("Somebody changed this meanwhile") && answer.page.contains("\na long answer</textarea>"))
      #expect(answer.page.contains("name=\"seen\" value=\"&quot;v4&quot;\"") && !answer.page.contains("&quot;v3&quot;"))
      console.peers.answer(.get, TicketTests.api, DeskAnswers.ticket(state: "resolved", steps: ["close", "reopen", "message"]), tag: "\"v5\"")
      console.peers.answer(
        .post, "\(TicketTests.api)/steps", #"{"title":"Not possible now","detail":"reply is not possible"}"#, status: .conflict)
      let late = try await console.post("\(TicketTests.path)/reply?lang=zh", fields, as: secret)
      #expect(late.status == .conflict && late.page.contains("当前状态下不能执行该操作。") && late.page.contains("<pre>a long answer</pre>"))
    }
  }

  @Test("What was written is not lost either when the service is away")
  func kept() async throws {
    try await TestConsole.with { console in
      let secret = try await console.signIn([.manager])
      let unavailable = #"{"title":"Service Unavailable"}"#
      console.peers.answer(.get, TicketTests.api, unavailable, status: .serviceUnavailable)
      console.peers.answer(.post, "\(TicketTests.api)/steps", unavailable, status: .serviceUnavailable)
      let answer = try await console.post("\(TicketTests.path)/reply", [("reply_text", "<b>a long answer"), ("seen", "\"v3\"")], as: secret)
      #expect(answer.status.rawValue >= 500 && answer.page.contains("<pre>&lt;b&gt;a long answer</pre>"))
      #expect(answer.page.contains("name=\"reply_text\" value=\"&lt;b&gt;a long answer\"") && answer.page.contains("Send it again"))
    }
  }

  @Test("Who may only look does nothing, and a grant is decided on by nobody who only works on tickets")
  func forbidden() async throws {
    try await TestConsole.with { console in
      let (auditor, agent) = (try await console.signIn([.auditor]), try await console.signIn([.agent]))
      for form in TicketForm.allCases { #expect(try await console.post("\(TicketTests.path)/\(form.rawValue)", [], as: auditor).status == .forbidden) }
      #expect(try await console.post("\(TicketTests.path)/decide", [], as: agent).status == .forbidden)
      #expect(try await console.post("\(TicketTests.path)/reply", [], as: agent, withToken: false).status == .forbidden)
      #expect(console.peers.asked.isEmpty)
    }
  }

  // MARK: - New ones

  @Test("A ticket is opened once for whom was meant; a customer that nobody knows is asked for again, with everything that was entered")
  func opened() async throws {
    try await TestConsole.with { console in
      let secret = try await console.signIn([.agent])
      let form = try await console.get("/tickets/new?customer=M1", as: secret).page
      #expect(form.contains("name=\"new_customer_id\" value=\"M1\"") && form.contains("name=\"key\" value=\""))
      let fields = [("key", "abc"), ("new_customer_id", "M1"), ("new_text", "no\nword"), ("new_kind", "fault"), ("new_urgency", ""), ("new_channel", "hotline")]
      let unknown = try await console.post("/tickets/new", fields, as: secret)
      #expect(unknown.status == .unprocessable && unknown.page.contains("\nno\nword</textarea>") && unknown.page.contains("fault-new_customer_id"))
      #expect(unknown.page.contains("name=\"key\" value=\"abc\""))
      console.peers.answer(.get, "/v1/customers", #"{"customer_id":"\#(DeskAnswers.customer)"}"#)
      console.peers.answer(.post, "/v1/tickets", DeskAnswers.ticket(), status: .created)
      let answer = try await console.post("/tickets/new", fields, as: secret)
      #expect(answer.location == "\(TicketTests.path)?done=opened")
      #expect(
        console.peers.asked.last?.body == #"{"customer_id":"\#(DeskAnswers.customer)","text":"no\nword","kind":"fault","channel":"hotline"}"#)
    }
  }
}
