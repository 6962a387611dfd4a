// The steps of a scorecard into use and out of it. Each is asked for once more, and says before it is done how many customers it moves (T-10).
import Access
import Domain
import HTML
import HTTP
import Text

struct StepPage {
  let visit: Visit
  let reference: CardReference
  let step: ScorecardStep

  /// What was entered, and what is wrong with it.
  private struct Entry {
    var reason = ""
    var percent = String(CanaryTrial.percentDefault)
    var skipsCanary = false
    var faults: [String: String] = [:]
    var failure: PeerFailure?
    var status = HTTPStatus.ok
  }

  /// What comes to pass, as far as it is known beforehand.
  private struct Outlook {
    /// The one that would rate all customers again.
    var before: CardReference?
    var moves: MoveOutcome?
  }

  init(_ visit: Visit, _ step: ScorecardStep) throws {
    self.visit = visit
    self.step = step
    reference = try CardReference(visit.request)
  }

  func ask() async throws -> Response { try await show(Entry()) }

  func take() async throws -> Response {
    let form = try visit.request.form()
    var entry = Entry(
      reason: (form["reason"] ?? "").trimmed, percent: (form["percent"] ?? "").trimmed, skipsCanary: form["without_canary"] != nil)
    var members: [JSONMember] = [JSONMember("reason", .text(entry.reason))]
    if entry.reason.isEmpty { entry.faults["reason"] = visit.say("A reason is needed.", "请填写理由。") }
    if step == .canary {
      if let percent = Int64(entry.percent), CanaryTrial.percentRange.contains(Int(clamping: percent)) {
        members.append(JSONMember("percent", .integer(percent)))
      } else {
        entry.faults["percent"] = visit.say("A whole number from 1 to 50.", "请填写 1 至 50 的整数。")
      }
    }
    if step == .activate, entry.skipsCanary { members.append(JSONMember("without_canary", true)) }
    guard entry.faults.isEmpty else {
      entry.status = .unprocessable
      return try await show(entry)
    }
    do throws(PeerFailure) {
      let tag = form["tag"].flatMap { $0.isEmpty ? nil : $0 }
      _ = try await visit.api.send(.post, .tiering, reference.source + "/" + step.rawValue, .object(members), seen: tag)
    } catch {
      if case .refused(_, _, _, let faults) = error { for fault in faults { entry.faults[fault.field] = fault.detail } }
      (entry.failure, entry.status) = (error, error.status)
      return try await show(entry)
    }
    let done: Done = step == .retire ? .decided : .activated
    return visit.go(to: step == .back ? ScorecardPages.path : reference.path, done: done)
  }

  // MARK: - Page

  private func show(_ entry: Entry) async throws -> Response {
    let card = try await ShownCard(reference, visit.api)
    let outlook = await outlook(card)
    let title = visit.say(StepWords.title(step, reference))
    return visit.page(title, .scorecards, status: entry.status) {
      CardTrail.element(visit, reference)
      Element(.h1, title)
      if let failure = entry.failure { Notice.failure(failure, visit) }
      Element(.section, [.class("card"), .label(.labelled, "outlook")]) {
        Element(.h2, [.id("outlook")], visit.say("What will happen", "将会发生什么"))
        Element(.ul) { for line in said(card, outlook) { Element(.li, line) } }
        if let moves = outlook.moves { told(moves, by: outlook.before ?? reference) }
      }
      if isTooEarly(card) {
        Element(.p) {
          visit.say(StepWords.early) + visit.say(" ", "")
          Parts.link(visit.say("Simulate it", "前往试算"), visit.target(reference.path + "/moves"))
        }
      } else if step != .back || outlook.before != nil { form(card, entry) }
    }
  }

  /// Nobody is rated by what was not simulated.
  private func isTooEarly(_ card: ShownCard) -> Bool { [.canary, .activate].contains(step) && ["draft", "retired"].contains(card.state) }

  private func outlook(_ card: ShownCard) async -> Outlook {
    let api = visit.api
    var outlook = Outlook()
    switch step {
    case .activate:
      if visit.may(.scorecardsSimulate) { outlook.moves = await MoveRun.of(card.yaml, api, listed: false) }
    case .back:
      outlook.before = await before(api)
      if visit.may(.scorecardsSimulate), let before = outlook.before, case .success(let yaml) = await ShownCard.file(before, api) {
        outlook.moves = await MoveRun.of(String(decoding: yaml, as: UTF8.self), api, listed: false)
      }
    default: break
    }
    return outlook
  }

  /// The one in whose place it was put in force.
  private func before(_ api: PeerAPI) async -> CardReference? {
    let query: [(name: String, value: String?)] = [("name", reference.name), ("version", String(reference.version)), ("limit", "100")]
    let events = await api.section(.tiering, "/v1/scorecards/history", query).json?["events"]?.arrayValue ?? []
    let last = events.first { ["activated", "restored"].contains($0["kind"]?.stringValue) }
    return last?["replaced"].flatMap { CardReference($0) }
  }

  private func said(_ card: ShownCard, _ outlook: Outlook) -> [String] {
    let summary = card.json["simulation"]?["detail"]
    let all = summary?["customers"]?.counted
    var lines = StepWords.said(step, reference, isTrial: card.state == "canary", before: outlook.before?.title).map { visit.say($0) }
    if step == .canary, let summary, let all {
      let (percent, part) = (CanaryTrial.percentDefault, visit.number(all * Int64(CanaryTrial.percentDefault) / 100))
      let sentence = MoveParts(visit, summary, currency: nil).sentence
      lines.append(
        visit.say(
          "By the simulation on record: \(sentence) With \(percent) % about \(part) customers are on trial, and about as large a part of those moves "
            + "comes true at once.", "据已记录的试算：\(sentence)按 \(percent)% 计，约 \(part) 名客户参与试行，上述变动中约同等比例会立即生效。"))
    }
    return lines
  }

  @NodeBuilder private func told(_ outcome: MoveOutcome, by card: CardReference) -> [Node] {
    if case .moved(let moves) = outcome {
      let parts = MoveParts(visit, moves.summary, currency: moves.head["currency"]?.stringValue)
      Element(.p) { Element(.strong, parts.sentence) }
      Element(.p) {
        Parts.link(visit.say("Who would move", "查看会变动的客户"), visit.target(card.path + "/moves"))
      }
    } else {
      MoveNotice.element(outcome, visit)
      Element(.p, visit.say("How many customers would change their tier is not known just now.", "暂时无法得知有多少客户等级会变化。"))
    }
  }

  private func form(_ card: ShownCard, _ entry: Entry) -> Element {
    Parts.form(visit, visit.target(reference.path + "/" + step.rawValue), [.class("sheet")]) {
      Parts.hidden("tag", card.tag ?? "")
      if step == .canary {
        Parts.field(
          visit.say("Share of the customers in percent, 1 to 50", "参与试行的客户占比（%，1 至 50）"), "percent", value: entry.percent,
          [.label(.inputmode, "numeric"), .label(.min, "1"), .label(.max, "50"), .on(.required)], type: .number, fault: entry.faults["percent"])
      }
      if step == .activate, card.state == "simulated" {
        Element(.p) {
          Element(
            .input,
            [.input(.checkbox), .id("field-without_canary"), .label(.name, "without_canary"), .label(.value, "1")]
              + Attribute.on(.checked, if: entry.skipsCanary))
          " "
          Element(
            .label, [.label(.for, "field-without_canary")],
            visit.say("Although no part of the customers has tried it", "未经部分客户试行，仍直接启用"))
        }
      }
      Parts.area(
        visit.say("Reason, kept for ever with your name", "理由（与您的姓名一并永久记录）"), "reason", value: entry.reason, rows: 3,
        [.label(.maxlength, "1000"), .on(.required)], fault: entry.faults["reason"])
      Element(.div, [.class("actions")]) {
        Element(.button, [.class(step == .retire || step == .back ? "danger" : "main")], visit.say(StepWords.confirm(step)))
        Parts.link(visit.say("Leave it as it is", "取消"), visit.target(reference.path))
      }
    }
  }
}

enum StepWords {
  static let early = LocalizedName(en: "A simulation has to be put on record first.", zh: "须先正式记录一次试算。")

  static func button(_ step: ScorecardStep) -> LocalizedName {
    switch step {
    case .simulate: LocalizedName(en: "Simulate", zh: "试算")
    case .canary: LocalizedName(en: "Try on a part of the customers", zh: "对部分客户试行")
    case .activate: LocalizedName(en: "Put in force", zh: "启用")
    case .retire: LocalizedName(en: "Retire", zh: "停用")
    case .back: LocalizedName(en: "Go back to the one before", zh: "恢复上一个评分卡")
    }
  }

  static func confirm(_ step: ScorecardStep) -> LocalizedName {
    switch step {
    case .simulate: button(step)
    case .canary: LocalizedName(en: "Begin the trial", zh: "开始试行")
    case .activate: LocalizedName(en: "Put it in force now", zh: "立即启用")
    case .retire: LocalizedName(en: "Retire it now", zh: "立即停用")
    case .back: LocalizedName(en: "Go back now", zh: "立即恢复")
    }
  }

  static func title(_ step: ScorecardStep, _ reference: CardReference) -> LocalizedName {
    let name = reference.title
    return switch step {
    case .simulate: LocalizedName(en: "Simulate \(name)", zh: "试算 \(name)")
    case .canary: LocalizedName(en: "Try \(name) on a part of the customers", zh: "对部分客户试行 \(name)")
    case .activate: LocalizedName(en: "Put \(name) in force", zh: "启用 \(name)")
    case .retire: LocalizedName(en: "Retire \(name)", zh: "停用 \(name)")
    case .back: LocalizedName(en: "Go back from \(name)", zh: "停用 \(name) 并恢复上一个评分卡")
    }
  }

  static func said(_ step: ScorecardStep, _ reference: CardReference, isTrial: Bool, before: String?) -> [LocalizedName] {
    let name = reference.title
    switch step {
    case .simulate: return []
    case .canary:
      return [
        LocalizedName(
          en: "\(name) rates the share of customers that you enter below; the same customers for as long as the trial lasts. All others stay as they are.",
          zh: "\(name) 将对下方所填比例的客户评级，试行期间始终是同一批客户；其余客户不受影响。"),
        LocalizedName(en: "Retiring it ends the trial: those customers are rated as all others again.", zh: "停用即结束试行，届时这些客户恢复按现行评分卡评级。"),
      ]
    case .activate:
      return [
        LocalizedName(
          en: "\(name) rates all customers from this moment on. The one that rates now is retired; you can go back to it.",
          zh: "自确认之时起 \(name) 对全体客户评级；现行评分卡随之停用，可随时恢复。"),
        LocalizedName(
          en: "Customers keep their tier until they are rated anew, which takes moments. Changes that the policy sends to a person wait under Reviews.",
          zh: "重新评级完成前（通常片刻）客户保持原等级；按策略须人工确认的变更会进入“待审”。"),
      ]
    case .retire:
      return isTrial
        ? [LocalizedName(en: "The trial ends: its customers are rated as all others again.", zh: "试行结束，参与试行的客户恢复按现行评分卡评级。")]
        : [LocalizedName(en: "\(name) is put aside. It rates nobody, so no tier changes.", zh: "\(name) 将被搁置。它当前未对任何客户评级，因此等级不会变化。")]
    case .back:
      guard let before else {
        return [LocalizedName(en: "No scorecard rated all customers before this one: there is none to go back to.", zh: "此前没有对全体客户评级的评分卡，无可恢复。")]
      }
      return [
        LocalizedName(en: "\(before) rates all customers again from this moment on; \(name) is retired.", zh: "自确认之时起 \(before) 恢复对全体客户评级，\(name) 停用。")
      ]
    }
  }
}
