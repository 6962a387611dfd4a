// Who would move by a registered scorecard, worked out anew: to look at, as files, and put on record as the step before a trial.
import Access
import Domain
import HTML
import HTTP
import Text

struct MovePage {
  let visit: Visit
  let reference: CardReference

  init(_ visit: Visit) throws {
    self.visit = visit
    reference = try CardReference(visit.request)
  }

  func show(fault: String? = nil, failure: PeerFailure? = nil, reason: String = "", status: HTTPStatus = .ok) async throws -> Response {
    let api = visit.api
    let card = try await ShownCard(reference, api)
    let wantsAll = visit.request.query[DataTable.parameter] == "moves"
    let outcome = await MoveRun.of(card.yaml, api, keepsAll: wantsAll)
    if case .moved(let moves) = outcome {
      let parts = MoveParts(visit, moves.summary, currency: moves.head["currency"]?.stringValue)
      if let file = visit.file(of: parts.tables + [parts.customers(moves.customers)]) { return file }
    }
    let shown: HTTPStatus = if case .moved = outcome { status } else { status == .ok ? .serviceUnavailable : status }
    return visit.page(visit.say("Who would move by \(reference.title)", "\(reference.title)：谁会变动"), .scorecards, status: shown) {
      CardTrail.element(visit, reference)
      Element(.h1, visit.say("Who would move by \(reference.title)", "\(reference.title)：谁会变动"))
      MoveNotice.element(outcome, visit)
      if case .moved(let moves) = outcome {
        let parts = MoveParts(visit, moves.summary, currency: moves.head["currency"]?.stringValue)
        MoveNotice.told(moves, parts, visit)
        Element(.h2, visit.say("From tier to tier", "等级变动"))
        parts.shown(hasFile: true)
        parts.customers(moves.customers).element(visit, empty: visit.say("Nobody moves.", "没有客户变动。"))
      }
      if let failure { Notice.failure(failure, visit) }
      if ["draft", "simulated", "retired"].contains(card.state) { recordForm(card, fault, reason) }
    }
  }

  private func recordForm(_ card: ShownCard, _ fault: String?, _ reason: String) -> Element {
    Parts.form(visit, visit.target(reference.path + "/simulation"), [.class("sheet")]) {
      Element(.h2, visit.say("Put it on record", "正式记录试算"))
      Element(
        .p,
        visit.say(
          "It is worked out once more and kept in the history with your name. \(reference.title) may be tried on customers afterwards. No tier changes by it.",
          "将重新试算一次，并以您的名义写入变更记录；之后 \(reference.title) 可以对部分客户试行。此操作不改变任何客户的等级。"))
      Parts.hidden("tag", card.tag ?? "")
      Parts.area(visit.say("Reason", "理由"), "reason", value: reason, rows: 2, [.label(.maxlength, "1000"), .on(.required)], fault: fault)
      Element(.div, [.class("actions")]) { Element(.button, [.class("main")], visit.say("Put on record", "记录试算")) }
    }
  }

  func record() async throws -> Response {
    let form = try visit.request.form()
    let reason = (form["reason"] ?? "").trimmed
    guard !reason.isEmpty else { return try await show(fault: visit.say("A reason is needed.", "请填写理由。"), status: .unprocessable) }
    switch await MoveRun.record(reference.source, seen: form["tag"] ?? "", reason: reason, visit.api) {
    case .moved: return visit.go(to: reference.path, done: .saved)
    case .refused(let failure): return try await show(failure: failure, reason: reason, status: failure.status)
    case .late, .busy: return try await show(reason: reason, status: .serviceUnavailable)
    }
  }
}

/// What is said above the figures of a simulation, or in their place.
enum MoveNotice {
  @NodeBuilder static func element(_ outcome: MoveOutcome, _ visit: Visit) -> [Node] {
    switch outcome {
    case .moved: []
    case .busy: Notice.fault(visit.say(MoveText.busy))
    case .late: Notice.fault(visit.say(MoveText.late))
    case .refused(let failure): Notice.failure(failure, visit)
    }
  }

  @NodeBuilder static func told(_ moves: Moves, _ parts: MoveParts, _ visit: Visit) -> [Node] {
    Element(.div, [.class("notice"), .label(.role, "status")]) {
      Element(.p) {
        visit.say("If it came into force today: ", "若今日启用：")
        Element(.strong, parts.sentence)
        visit.say(" Nothing has changed by this look.", "本次试算未作任何改动。")
      }
      if let waiting = moves.head["waiting"]?.int64Value, waiting > 0 {
        Element(
          .p,
          visit.say(
            "\(visit.number(waiting)) customers have new figures and are not rated by them yet: their moves may come from those, not from the scorecard.",
            "有 \(visit.number(waiting)) 名客户数据已变、尚待重新评级，其变动可能来自新数据而非评分卡。"))
      }
    }
    Element(
      .p, [.class("note")],
      visit.say(
        "Figures of \(visit.text(moves.head["as_of"])), policy \(visit.text(moves.head["policy"])) v\(visit.number(moves.head["policy_version"])).",
        "数据日期 \(visit.text(moves.head["as_of"]))，策略 \(visit.text(moves.head["policy"])) v\(visit.number(moves.head["policy_version"]))。"))
  }
}

enum MoveText {
  static let busy = LocalizedName(
    en: "Somebody else simulates just now; one simulation runs at a time. Try again in a few seconds.", zh: "有其他试算正在进行（同一时间只运行一个），请稍候几秒再试。")
  static let late = LocalizedName(
    en: "It takes longer than a page waits. `clientele scorecard simulate` has no such limit.", zh: "试算耗时超过页面等待上限，请改用命令 clientele scorecard simulate。")
}
