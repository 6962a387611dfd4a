// Scorecards: all of them with their states, what was done to them, and where each page of this part of the site is (T-10).
import Access
import Documents
import Domain
import HTML
import HTTP
import Text

struct ScorecardPages: Sendable {
  let site: Site

  static let path = "/scorecards"
  private static let eventsOnPage = 30

  func add(to router: inout Router) {
    router.page(ScorecardPages.path, site, needs: .scorecardsRead) { try await list($0) }
    router.page("/scorecards/compare", site, needs: .scorecardsRead) { try await VersionPages(visit: $0).show() }
    router.page("/scorecards/{name}/{version}", site, needs: .scorecardsRead) { try await ScorecardPage($0).show() }
    router.page("/scorecards/{name}/{version}/file", site, needs: .scorecardsRead) { try await ScorecardPage($0).file() }
    router.page("/scorecards/{name}/{version}/moves", site, needs: .scorecardsSimulate) { try await MovePage($0).show() }
    router.form("/scorecards/{name}/{version}/simulation", site, needs: .scorecardsSimulate) { try await MovePage($0).record() }
    router.page("/scorecards/{name}/{version}/comparison", site, needs: .scorecardsRead) { try await TrialPage($0).show() }
    router.page("/scorecards/{name}/{version}/edit", site, needs: .scorecardsSimulate) { try await WorkshopPage($0).begin() }
    router.form("/scorecards/{name}/{version}/edit", site, needs: .scorecardsSimulate, bodyBytesMax: WorkshopPage.formBytesMax) {
      try await WorkshopPage($0).take()
    }
    for step in [ScorecardStep.canary, .activate, .retire, .back] {
      router.page("/scorecards/{name}/{version}/\(step.rawValue)", site, needs: .scorecardsDecide) { try await StepPage($0, step).ask() }
      router.form("/scorecards/{name}/{version}/\(step.rawValue)", site, needs: .scorecardsDecide) { try await StepPage($0, step).take() }
    }
  }

  // MARK: - All of them

  private func list(_ visit: Visit) async throws -> Response {
    let api = visit.api
    let before = visit.request.query["before"]
    async let asked = api.section(
      .tiering, "/v1/scorecards/history", [("limit", String(ScorecardPages.eventsOnPage)), ("before", before)])
    let cards = try await api.get(.tiering, "/v1/scorecards")["scorecards"]?.arrayValue ?? []
    let history = await asked
    let (all, events) = (cardTable(cards, visit), CardHistory.table(history.json, visit))
    if let file = visit.file(of: [all, events]) { return file }
    return visit.page(visit.say("Scorecards", "评分卡"), .scorecards) {
      Element(.h1, visit.say("Scorecards", "评分卡"))
      tiles(cards, visit)
      all.element(visit, empty: visit.say("No scorecard is registered.", "尚未登记评分卡。"))
      if cards.count > 1 { compare(cards, visit) }
      Element(.h2, visit.say("What was done, by whom and why", "变更记录"))
      history.shown(visit) { json in
        events.element(visit, empty: visit.say("Nothing yet.", "暂无记录。"))
        Parts.pager(visit, next: json["next"]?.int64Value.map { String($0) })
      }
    }
  }

  private func tiles(_ cards: [JSONValue], _ visit: Visit) -> Element {
    Element(.div, [.class("tiles")]) {
      for card in cards where ["active", "canary"].contains(card["state"]?.stringValue) {
        let reference = CardReference(card)
        let isTrial = card["state"]?.stringValue == "canary"
        Parts.tile(
          isTrial ? visit.say("On trial", "试行中") : visit.say("Rates all customers", "正在评级"), reference?.title ?? "–",
          isTrial
            ? visit.say("\(visit.number(card["canary_percent"])) % of the customers", "\(visit.number(card["canary_percent"]))% 的客户")
            : visit.say("by \(visit.text(card["author"]))", "负责人 \(visit.text(card["author"]))"),
          target: reference.flatMap { visit.target($0.path) })
      }
    }
  }

  private func cardTable(_ cards: [JSONValue], _ visit: Visit) -> DataTable {
    let rows = cards.reversed().map { card -> [Cell] in
      let (reference, state) = (CardReference(card), card["state"]?.stringValue)
      let word = visit.say(CardWords.state(state)) + (card["canary_percent"]?.int64Value.map { " \($0) %" } ?? "")
      return [
        .link(reference?.title ?? "–", reference.flatMap { visit.target($0.path) }),
        .shown([.element(Parts.badge(word, CardWords.badge(state)))], plain: word), .text(visit.text(card["author"])),
        .text(visit.moment(card["registered_at"])),
        .text((card["indicators"]?.arrayValue ?? []).map { visit.say(CardWords.indicator($0.stringValue ?? "")) }.joined(separator: visit.say(", ", "、"))),
      ]
    }
    return DataTable(
      "scorecards", visit.say("Registered scorecards", "已登记的评分卡"),
      [
        visit.say("Scorecard", "评分卡"), visit.say("State", "状态"), visit.say("Author", "负责人"), visit.say("Registered", "登记时间"),
        visit.say("What it weighs", "指标"),
      ], rows)
  }

  private func compare(_ cards: [JSONValue], _ visit: Visit) -> Element {
    let names = cards.compactMap { CardReference($0) }.reversed().map { (value: $0.word, text: $0.title) }
    let active = cards.first { $0["state"]?.stringValue == "active" }.flatMap { CardReference($0) }?.word
    return Parts.search(visit.target("/scorecards/compare"), visit.say("Compare two scorecards", "比较两个评分卡")) {
      Parts.choice(visit.say("Compare", "比较"), "a", names, chosen: active)
      Parts.choice(visit.say("with", "与"), "b", names, chosen: names.first { $0.value != active }?.value)
      Element(.button, visit.say("Show side by side", "并列显示"))
    }
  }
}

/// A scorecard as addresses name it.
struct CardReference: Sendable, Equatable {
  let name: String
  let version: Int

  init(name: String, version: Int) { (self.name, self.version) = (name, version) }

  /// nil for an answer that names none.
  init?(_ json: JSONValue) {
    guard let name = json["name"]?.stringValue, let version = json["version"]?.int64Value.flatMap({ Int32(exactly: $0) }) else { return nil }
    self.init(name: name, version: Int(version))
  }

  /// What the page's address names.
  init(_ request: Request) throws(Problem) {
    let (name, text) = (try request.parameter("name"), try request.parameter("version"))
    guard Scorecard.isName(name), let version = Int32(text), version > 0 else { throw Problem(.notFound) }
    self.init(name: name, version: Int(version))
  }

  /// `rfm-plus@2`
  init?(word: String?) {
    let parts = (word ?? "").split(separator: "@", omittingEmptySubsequences: false)
    guard parts.count == 2, Scorecard.isName(String(parts[0])), let version = Int32(parts[1]), version > 0 else { return nil }
    self.init(name: String(parts[0]), version: Int(version))
  }

  var title: String { "\(name) v\(version)" }
  var word: String { "\(name)@\(version)" }
  var path: String { "/scorecards/\(PercentEncoding.encoded(name))/\(version)" }
  /// Of the tiering service.
  var source: String { "/v1" + path }
}

/// A registered scorecard with its file, as pages show it.
struct ShownCard: Sendable {
  let reference: CardReference
  let json: JSONValue
  let tag: String?
  let yaml: String
  /// nil: the file cannot be read by this program.
  let card: Scorecard?

  init(_ reference: CardReference, _ api: PeerAPI) async throws(PeerFailure) {
    async let asked = ShownCard.file(reference, api)
    let answer = try await api.call(.tiering, .get, reference.source)
    let bytes = try await asked.get()
    self.reference = reference
    (json, tag) = (answer.json, answer.tag)
    yaml = String(decoding: bytes, as: UTF8.self)
    card = try? ScorecardDocument.decode(bytes, source: reference.title, isKept: true)
  }

  static func file(_ reference: CardReference, _ api: PeerAPI) async -> Result<[UInt8], PeerFailure> {
    do throws(PeerFailure) { return .success(try await api.bytes(.tiering, .get, reference.source + "/file").body) } catch { return .failure(error) }
  }

  var state: String? { json["state"]?.stringValue }
}

/// What was done to scorecards.
enum CardHistory {
  static func table(_ json: JSONValue?, _ visit: Visit) -> DataTable {
    let rows = (json?["events"]?.arrayValue ?? []).map { event -> [Cell] in
      let reference = CardReference(event)
      return [
        .text(visit.moment(event["at"])), .link(reference?.title ?? "–", reference.flatMap { visit.target($0.path) }),
        .text(what(event, visit)), .text(visit.text(event["actor"])), .text(visit.text(event["reason"])),
      ]
    }
    return DataTable(
      "scorecard-history", visit.say("History, the newest first", "变更记录（最新在前）"),
      [visit.say("When", "时间"), visit.say("Scorecard", "评分卡"), visit.say("What", "事项"), visit.say("Who", "操作人"), visit.say("Why", "理由")], rows)
  }

  private static func what(_ event: JSONValue, _ visit: Visit) -> String {
    let word = visit.say(CardWords.event(event["kind"]?.stringValue))
    if let percent = event["detail"]?["percent"]?.int64Value { return "\(word) (\(percent) %)" }
    if let replaced = event["replaced"].flatMap({ CardReference($0) }) {
      return visit.say("\(word) in the place of \(replaced.title)", "\(word)，替代 \(replaced.title)")
    }
    guard let customers = event["detail"]?["customers"]?.counted, let kept = event["detail"]?["kept"]?.counted else { return word }
    return visit.say("\(word): \(visit.number(customers - kept)) would move", "\(word)：\(visit.number(customers - kept)) 名会变动")
  }
}
