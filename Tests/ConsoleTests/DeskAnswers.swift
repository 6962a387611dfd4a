// What the services answer about tickets in these tests: the shape of real answers, small.
import HTTP
import Text

@testable import console

/// What nobody may be harmed by, wherever it stands.
enum Hostile {
  static let texts = ["<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "=1+1"]

  /// Every text of an answer that customers or people wrote, as one of these.
  static func json(_ text: String) -> String { JSONValue.text(text).encodedText }

  /// What a page must not hold, whatever was entered.
  static func isHarmless(_ page: String) -> Bool { !page.contains("<script>alert") && !page.contains("<img") }
}

enum DeskAnswers {
  static let ticket = "4af6532eeb1446fd"
  static let other = "4af6532eeb1446fe"
  static let customer = "26dc6bb397ee4a51"
  static let grant = "75e02036d63fb28e"

  static func clock(
    _ clock: String, _ name: (String, String), deadline: String?, outcome: String = "running", left: Int? = nil, done: String? = nil
  ) -> String {
    func text(_ value: String?) -> String { value.map { "\"\($0)\"" } ?? "null" }
    return """
      {"clock":"\(clock)","name":{"en":"\(name.0)","zh":"\(name.1)"},"started_at":"2026-11-28T08:00:00Z","within_seconds":28800,"calendar":"always",\
      "deadline":\(text(deadline)),"left_seconds":\(left.map { "\($0)" } ?? "null"),"outcome":"\(outcome)","done_at":\(text(done)),"percent_reached":0}
      """
  }

  static let clocks = [
    clock("first_response", ("first response", "首次响应"), deadline: "2026-11-29T10:00:00Z", outcome: "missed"),
    clock("resolution", ("resolution", "解决"), deadline: "2026-11-30T10:30:00Z"),
  ]

  static func ticket(
    _ id: String = ticket, words: String = "It is broken.\nPlease help.", owner: String? = "Wang Fang", team: String = "service-desk", state: String = "open",
    clocks: [String] = clocks, steps: [String] = ["reply", "message", "wait_for_customer", "wait_for_third_party", "resolve"], more: String = ""
  ) -> String {
    let text = Hostile.json(words)
    let names = ["open": #"{"en":"open","zh":"处理中"}"#, "resolved": #"{"en":"resolved","zh":"已解决"}"#]
    return """
      {"ticket_id":"\(id)","version":3,"customer_id":"\(customer)","state":"\(state)","state_name":\(names[state] ?? #"{"en":"new","zh":"新建"}"#),\
      "kind":"complaint","category":\(text),"urgency":"degraded","priority":"P2","tier":"key","owner":\(owner.map { Hostile.json($0) } ?? "null"),\
      "team":"\(team)","channel":"hotline","source":"crm","reference":\(text),"order_id":\(text),"text":\(text),\
      "attachments":[{"reference":\(text),"name":\(text)}],"opened_at":"2026-11-28T08:00:00Z","last_message_at":null,"last_reply_at":null,"replies":1,\
      "clocks":[\(clocks.joined(separator: ","))],"resolution_code":null,"root_cause":null,"complaint_upheld":false,"resolved_at":null,"closed_at":null,\
      "times_reopened":0,"merged_into":null,"acceptance":null,"steps":[\(steps.map { "\"\($0)\"" }.joined(separator: ","))]\(more)}
      """
  }

  static func list(_ tickets: [String], next: String? = nil) -> String {
    #"{"tickets":[\#(tickets.joined(separator: ","))],"next":\#(next.map { "\"\($0)\"" } ?? "null")}"#
  }

  static let staff = """
    {"version":2,"teams":[{"id":"service-desk","name":{"en":"Service desk","zh":"客服组"},"open":2,"on_call":null}],\
    "people":[{"name":"Wang Fang","team":"service-desk","role":"manager","role_name":{"en":"manager","zh":"经理"},"skills":[],"deputy":null,\
    "is_absent":false,"open":1},{"name":"Li Na","team":"service-desk","role":"agent","role_name":{"en":"agent","zh":"客服"},"skills":[],\
    "deputy":null,"is_absent":true,"open":0}],"grants":{"currency":"CNY","limits":{"agent":50.00,"team_lead":500.00,"manager":5000.00,\
    "director":50000.00},"yearly":{"key":5000.00},"upgrades":[{"id":"express-delivery","name":{"en":"Express delivery","zh":"加急配送"},"worth":30.00}]}}
    """

  static let desk = """
    {"version":4,"on_change":"only_better","ladder":[{"percent":50,"role":"owner","role_name":{"en":"owner","zh":"负责人"}}],\
    "resolution_codes":[{"id":"fixed","name":{"en":"fixed","zh":"已修复"},"upheld":true}],\
    "root_causes":[{"id":"logistics","name":{"en":"logistics","zh":"物流"}}],"checklist":[],"acceptance":null}
    """

  static func history(_ words: String = "It is broken.\nPlease help.") -> String {
    let text = Hostile.json(words)
    func event(_ number: Int, _ kind: String, _ more: String) -> String {
      """
      {"number":\(number),"kind":"\(kind)","at":"2026-11-28T08:0\(number % 10):00Z","known_at":"2026-11-28T08:0\(number % 10):30Z","actor":"Wang Fang",\
      "state_before":"new","state_after":"open",\(more)}
      """
    }
    let none = #""clock":null,"percent":null,"role":null"#
    return """
      {"ticket_id":"\(ticket)","events":[\(event(1, "opened", "\"reason\":null,\(none),\"text\":\(text)")),\
      \(event(2, "assigned", "\"reason\":\"looks after the customer\",\(none),\"text\":\"Wang Fang\"")),\
      \(event(3, "breached", "\"reason\":null,\"clock\":\"first_response\",\"percent\":100,\"role\":\"manager\",\"text\":null")),\
      \(event(4, "linked", "\"reason\":\(text),\(none),\"text\":\"\(other)\"")),\
      \(event(5, "retargeted", "\"reason\":null,\(none),\"text\":\"key complaint degraded P2\"")),\
      \(event(6, "grant_asked", "\"reason\":\(text),\(none),\"text\":\"compensation 380.00 CNY\""))],"next":null}
      """
  }

  static let explanation = """
    {"ticket_id":"\(ticket)","state":"open","as_of":"2026-11-29T15:59:59Z","pauses":[{"from":"2026-11-28T09:00:00Z","to":"2026-11-28T10:00:00Z",\
    "waits_for":"customer"}],"clocks":[{"clock":"resolution","name":{"en":"resolution","zh":"解决"},"started_at":"2026-11-28T08:00:00Z",\
    "within_seconds":86400,"calendar":"office","deadline":"2026-11-30T10:30:00Z","left_seconds":null,"outcome":"running","done_at":null,\
    "percent_reached":0,"counted_from":"2026-11-28T08:00:00Z","standards_version":1,"calendars_version":1,"rule":4,"on_day_off":false,\
    "segments":[{"from":"2026-11-28T08:00:00Z","to":"2026-11-28T09:00:00Z","counts_as":"counted"},\
    {"from":"2026-11-28T09:00:00Z","to":"2026-11-28T10:00:00Z","counts_as":"paused"}]}]}
    """

  static func grants(_ words: String, state: String = "waiting", by asker: String = "Li Na") -> String {
    let text = Hostile.json(words)
    return """
      {"grants":[{"grant_id":"\(grant)","ticket_id":"\(ticket)","customer_id":"\(customer)","state":"\(state)",\
      "state_name":{"en":"waits for approval","zh":"待审批"},"kind":"compensation","upgrade":null,"amount":380.00,"currency":"CNY",\
      "asked_at":"2026-11-28T08:00:00Z","asked_by":\(Hostile.json(asker)),"reason":\(text),"decided_at":null,"decided_by":null,"decision_reason":null}],\
      "next":null}
      """
  }

  /// Everything that a ticket's page asks for.
  static func answer(_ peers: FakePeers, words: String = "It is broken.\nPlease help.", ticket shown: String? = nil) {
    let (text, path) = (Hostile.json(words), "/v1/tickets/\(ticket)")
    peers.answer(.get, path, shown ?? ticket(words: words), tag: "\"v3\"")
    peers.answer(.get, "\(path)/history", history(words))
    peers.answer(.get, "\(path)/explanation", explanation)
    peers.answer(
      .get, "\(path)/suggestions",
      #"{"language":"en","articles":[{"article_id":"\#(other)","version":1,"language":"en","category":null,"score":43,"title":\#(text),"body":\#(text)}]}"#)
    peers.answer(.get, "/v1/tickets", list([ticket(words: words), ticket(other, words: words)]))
    peers.answer(.get, "/v1/staff", staff)
    peers.answer(.get, "/v1/desk", desk)
    peers.answer(.get, "/v1/grants", grants(words))
    peers.answer(
      .get, "/v1/customers/\(customer)/allowance", #"""
        {"customer_id":"\#(customer)","year":2026,"tier":"key","currency":"CNY","cap":5000.00,"given":0.00,"left":4970.00}
        """#)
    peers.answer(
      .get, "/v1/customers/\(customer)/attendant",
      #"{"customer_id":"\#(customer)","person":\#(text),"since":"2026-11-28T08:00:00Z","actor":"clientele","reason":null}"#)
    peers.answer(
      .get, "/v1/tiers/\(customer)", #"{"customer_id":"\#(customer)","tier":"key","score":97,"decision":{"text":{"en":\#(text),"zh":\#(text)}}}"#)
    peers.answer(
      .get, "/v1/customers/\(customer)",
      #"{"customer_id":"\#(customer)","frequency":12,"identifiers":[{"kind":"member_id","value":\#(text)}]}"#)
    peers.answer(
      .get, "/v1/answers", #"{"answers":[{"metric":"nps","score":9,"occurred_at":"2026-11-01T08:00:00Z"}],"next":null}"#)
  }
}
