// The desk's queues and lists: order, counts, filters, clocks, files, and who sees them.
import Access
import Domain
import HTTP
import TestSupport
import Testing
import Text

@testable import console

@Suite("The desk", .enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)")) struct DeskTests {
  private static func queue(_ peers: FakePeers, words: String = "It is broken.") {
    func clocks(_ deadline: String) -> [String] { [DeskAnswers.clock("resolution", ("resolution", "解决"), deadline: deadline)] }
    let late = DeskAnswers.ticket("0000000000000002", words: "late " + words, owner: "Li Na", clocks: clocks("2026-11-29T10:30:00Z"))
    let soon = DeskAnswers.ticket("0000000000000003", words: "soon " + words, owner: nil, team: "other", clocks: clocks("2026-11-30T10:30:00Z"))
    let later = DeskAnswers.ticket("0000000000000001", words: "later " + words, clocks: clocks("2026-12-02T10:30:00Z"))
    let asleep = DeskAnswers.ticket(
      "0000000000000004", words: "asleep " + words, clocks: [DeskAnswers.clock("resolution", ("resolution", "解决"), deadline: nil, left: 7_200)])
    // As the service has them: by what is due first, and each queue for itself.
    for (queue, tickets) in [
      ("", [late, soon, later, asleep]), ("&owner=Wang%20Fang", [later, asleep]), ("&team=service-desk", [late, later, asleep]),
      ("&unassigned=true", [soon]), ("&late=true", [late]),
    ] {
      peers.answer(.get, "/v1/tickets?state=unresolved&order=due\(queue)&limit=40", DeskAnswers.list(tickets))
    }
    peers.answer(.get, "/v1/tickets/counts", #"{"as_of":"2026-11-29T15:59:59Z","tickets":4,"late":1,"due_soon":0,"unassigned":1,"mine":2,"my_team":3}"#)
    peers.answer(.get, "/v1/staff", DeskAnswers.staff)
  }

  @Test("Queues come in the order of the service and say how many they hold, and each row how long there still is")
  func sorted() async throws {
    try await TestConsole.with { console in
      DeskTests.queue(console.peers)
      let secret = try await console.signIn([.manager])
      let page = try await console.get("/tickets?queue=all", as: secret).page
      let places = ["late It", "soon It", "later It", "asleep It"].map { page.firstRange(of: ">\($0)")?.lowerBound }
      #expect(!places.contains(nil) && places.compactMap(\.self) == places.compactMap(\.self).sorted())
      for words in ["Mine (2)", "My team&#39;s (3)", "Nobody&#39;s yet (1)", "Late (1)", "All (4)"] { #expect(page.contains(words), "\(words)") }
      // Business time stands at the end of 2026-11-29 in Shanghai.
      #expect(page.contains(#"data-now="1795967999" data-still="true""#))
      #expect(page.contains(#"<span class="until late" data-until="1795948200">5 h 29 min late</span>"#))
      #expect(page.contains(#"<span class="until" data-until="1796034600">18 h 30 min left</span>"#))
      #expect(page.contains("2026-11-30 18:30") && page.contains("stands still") && page.contains("2 h 0 min left"))
      let chinese = try await console.get("/tickets?queue=all&lang=zh", as: secret).page
      for words in ["我的（2）", "已超时 5 小时 29 分", "剩余 18 小时 30 分", "暂停计时", "重点客户", "投诉"] { #expect(chinese.contains(words), "\(words)") }
    }
  }

  @Test("A queue holds what it says, and whoever works on no ticket sees all of them first")
  func queues() async throws {
    try await TestConsole.with { console in
      DeskTests.queue(console.peers)
      let (manager, lead) = (try await console.signIn([.manager]), try await console.signIn([.lead], name: "Somebody"))
      for (queue, titles) in [
        ("mine", ["later", "asleep"]), ("team", ["later", "late", "asleep"]), ("unassigned", ["soon"]), ("overdue", ["late"]),
        ("nonsense", ["later", "asleep"]),
      ] {
        let page = try await console.get("/tickets?queue=\(queue)", as: manager).page
        for title in ["later", "late", "soon", "asleep"] { #expect(page.contains(">\(title) It") == titles.contains(title), "\(queue) \(title)") }
      }
      #expect(console.peers.asked.contains { $0.target == "/v1/tickets/counts?state=unresolved&mine=Wang%20Fang&my_team=service-desk" })
      let all = try await console.get("/tickets", as: lead).page
      #expect(all.contains(">soon It") && !all.contains("My team"))
      let agent = try await console.signIn([.agent], name: "Li Na")
      #expect(try await !console.get("/tickets", as: agent).page.contains("queue=all"))
      // Somebody else's tickets are not in one's own queue: nobody is asked for them.
      let asked = console.peers.asked.count { $0.target.hasPrefix("/v1/tickets?") }
      #expect(try await console.get("/tickets?queue=mine&owner=Li+Na", as: manager).page.contains("Nothing is to be done here"))
      #expect(console.peers.asked.count { $0.target.hasPrefix("/v1/tickets?") } == asked)
    }
  }

  @Test("Filters go to the service; what is no state, kind or priority does not; only open tickets are ordered by what is due")
  func filters() async throws {
    try await TestConsole.with { console in
      DeskTests.queue(console.peers)
      console.peers.answer(.get, "/v1/tickets", DeskAnswers.list([]))
      console.peers.answer(.get, "/v1/customers", #"{"customer_id":"\#(DeskAnswers.customer)"}"#)
      let secret = try await console.signIn([.manager])
      _ = try await console.get("/tickets?queue=all&state=resolved&priority=P1&kind=fault&owner=Li+Na&customer=M+130&due=2026-11-30", as: secret)
      let asked = console.peers.asked.map(\.target)
      #expect(asked.contains("/v1/customers?member_id=M%20130"))
      let filter = "state=resolved&priority=P1&kind=fault&owner=Li%20Na&customer_id=\(DeskAnswers.customer)&due_by=2026-11-30"
      #expect(asked.contains("/v1/tickets?\(filter)&limit=40") && asked.contains { $0.hasPrefix("/v1/tickets/counts?\(filter)&mine=") })
      let page = try await console.get("/tickets?queue=all&state=%3Cscript%3E&priority=P9&kind=x", as: secret).page
      #expect(console.peers.asked.contains { $0.target == "/v1/tickets?state=unresolved&order=due&limit=40" } && !page.contains("<script>"))
    }
  }

  @Test("A customer that nobody knows is said to be none, and phone numbers and e-mail addresses are looked up as such")
  func customers() async throws {
    try await TestConsole.with { console in
      DeskTests.queue(console.peers)
      let secret = try await console.signIn([.manager])
      let page = try await console.get("/tickets?customer=%22%3E%3Cb%3E", as: secret).page
      #expect(page.contains("There is no customer of this number") && page.contains("value=\"&quot;&gt;&lt;b&gt;\""))
      // As ingest keeps them: profile knows identifiers by their hashes alone.
      for (entered, query) in [("138%200000%200000", "phone=%2B8613800000000"), ("A%40x.cn", "email=a%40x.cn"), ("00001", "member_id=00001")] {
        _ = try await console.get("/tickets?customer=\(entered)", as: secret)
        #expect(console.peers.asked.contains { $0.target == "/v1/customers?\(query)" }, "\(query)")
      }
      #expect(!console.peers.asked.contains { $0.target.contains("customer_id") })
    }
  }

  @Test("The file of a queue has all its rows and runs no formula; what customers wrote harms nobody", arguments: Hostile.texts)
  func hostile(_ text: String) async throws {
    try await TestConsole.with { console in
      let clocks = DeskAnswers.clocks
      console.peers.answer(
        .get, "/v1/tickets",
        DeskAnswers.list((1...50).map { DeskAnswers.ticket("00000000000000\($0 + 10)", words: text, owner: text, clocks: clocks) }))
      console.peers.answer(.get, "/v1/staff", DeskAnswers.staff.replacing("\"Li Na\"", with: Hostile.json(text)))
      let secret = try await console.signIn([.manager])
      let page = try await console.get("/tickets?queue=all", as: secret).page
      #expect(Hostile.isHarmless(page))
      let file = try await console.get("/tickets?queue=all&csv=tickets", as: secret)
      #expect(file.headers["Content-Type"] == "text/csv; charset=utf-8" && file.page.split(separator: "\r\n").count == 51)
      #expect(!file.page.contains(",=1+1"))
    }
  }

  @Test("A queue of many tickets goes on from page to page, and its file has them all, within a bound")
  func many() async throws {
    try await TestConsole.with { console in
      DeskTests.queue(console.peers)
      let list = "/v1/tickets?state=unresolved&order=due"
      let (page, place) = ((1...40).map { DeskAnswers.ticket("00000000000001\($0 + 10)") }, "1-0000000000000001")
      console.peers.answer(.get, "\(list)&limit=40", DeskAnswers.list(page, next: place))
      console.peers.answer(.get, "\(list)&after=\(place)&limit=40", DeskAnswers.list([DeskAnswers.ticket()]))
      console.peers.answer(.get, "\(list)&limit=200", DeskAnswers.list(page, next: place))
      console.peers.answer(.get, "\(list)&after=\(place)&limit=200", DeskAnswers.list([DeskAnswers.ticket()]))
      let secret = try await console.signIn([.manager])
      #expect(try await console.get("/tickets?queue=all", as: secret).page.contains("after=\(place)"))
      let last = try await console.get("/tickets?queue=all&after=\(place)", as: secret).page
      #expect(last.contains(DeskAnswers.ticket) && !last.contains("Further on"))
      let file = try await console.get("/tickets?queue=all&after=\(place)&csv=tickets", as: secret).page
      #expect(file.split(separator: "\r\n").count == 42)
      // A service that never comes to an end is not asked for ever.
      for limit in [200, 160, 120, 80, 40] { console.peers.answer(.get, "\(list)&after=\(place)&limit=\(limit)", DeskAnswers.list(page, next: place)) }
      let most = try await console.get("/tickets?queue=all&csv=tickets", as: secret).page
      #expect(most.split(separator: "\r\n").count == 5_001)
    }
  }

  @Test("Whoever may not see tickets gets no page of them, and asks the service for nothing")
  func forbidden() async throws {
    try await TestConsole.with { console in
      let (analyst, agent, auditor) = (try await console.signIn([.analyst]), try await console.signIn([.agent]), try await console.signIn([.auditor]))
      for path in ["/tickets", "/tickets/new", "/tickets/\(DeskAnswers.ticket)", "/tickets/grants"] {
        #expect(try await console.get(path, as: analyst).status == .forbidden, "\(path)")
      }
      #expect(try await console.get("/tickets/grants", as: agent).status == .forbidden)
      #expect(try await console.get("/tickets/new", as: auditor).status == .forbidden)
      #expect(console.peers.asked.isEmpty)
    }
  }

  @Test("Grants that wait are listed with where they belong; articles are found in the customer's words", arguments: Hostile.texts)
  func others(_ text: String) async throws {
    try await TestConsole.with { console in
      console.peers.answer(.get, "/v1/grants", DeskAnswers.grants(text))
      console.peers.answer(.get, "/v1/staff", DeskAnswers.staff)
      let words = Hostile.json(text)
      let version = #"""
        {"number":1,"state":"approved","category":\#(words),"valid_until":"2027-06-30","authors":[\#(words)],"decision":{"actor":\#(words)},\#
        "texts":{"en":{"title":\#(words),"body":\#(words)}}}
        """#
      let head = #"""
        "article_id":"\#(DeskAnswers.other)","state":"approved","state_name":{"en":"approved","zh":"生效"},"category":\#(words),\#
        "valid_until":"2027-06-30","version":1,"titles":{"en":\#(words)}
        """#
      console.peers.answer(.get, "/v1/articles", "{\"articles\":[{\(head)}],\"next\":null}")
      console.peers.answer(.get, "/v1/articles/\(DeskAnswers.other)", "{\(head),\"current\":\(version),\"draft\":null}")
      console.peers.answer(
        .get, "/v1/suggestions", #"{"language":"en","articles":[{"article_id":"\#(DeskAnswers.other)","score":43,"title":\#(words),"body":\#(words)}]}"#)
      let secret = try await console.signIn([.manager])
      for path in ["/tickets/grants", "/tickets/grants?lang=zh", "/articles", "/articles?q=late", "/articles/\(DeskAnswers.other)"] {
        let answer = try await console.get(path, as: secret)
        #expect(answer.status == .ok && Hostile.isHarmless(answer.page), "\(path)")
      }
      #expect(console.peers.asked.contains { $0.target == "/v1/grants?state=waiting" })
      #expect(console.peers.asked.contains { $0.target == "/v1/suggestions?text=late&limit=10" })
      #expect(try await console.get("/articles/nonsense", as: secret).status == .notFound)
      for path in ["/tickets/grants?csv=grants", "/articles?csv=articles"] {
        #expect(try await !console.get(path, as: secret).page.contains(",=1+1"), "\(path)")
      }
    }
  }
}
