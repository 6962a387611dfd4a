// The workshop: a copy of a scorecard is changed in a form or as a file, checked, simulated on all customers, and registered (T-01, T-10).
import Access
import Documents
import Domain
import HTML
import HTTP
import Text

struct WorkshopPage {
  let visit: Visit
  let reference: CardReference

  /// A file of a scorecard as a form sends it, where each of its bytes may take three.
  static let formBytesMax = 1 << 20
  /// A form that would be larger than a request may have fields is edited as a file.
  static let fieldsMax = 240

  /// What stands on the page.
  struct Work {
    var draft: CardDraft?
    var yaml = ""
    var asFile = false
    var reason = ""
    var faults: [DocumentFault] = []
    /// Faults by the names of fields of the form.
    var told: [String: String] = [:]
    var failure: PeerFailure?
    var outcome: MoveOutcome?
    var isChecked = false
    var isTooLarge = false
    var status = HTTPStatus.ok
  }

  /// What a button asks for.
  enum Wish: String { case check, file, form, simulate, register }

  init(_ visit: Visit) throws {
    self.visit = visit
    reference = try CardReference(visit.request)
  }

  // MARK: - Begin

  func begin() async throws -> Response {
    let api = visit.api
    async let asked = api.section(.tiering, "/v1/scorecards")
    let card = try await ShownCard(reference, api)
    let versions = (await asked.json?["scorecards"]?.arrayValue ?? []).compactMap { CardReference($0) }.filter { $0.name == reference.name }.map(\.version)
    let next = (versions.max() ?? reference.version) + 1
    let author = visit.caller?.principal.actor ?? ""
    var work = Work()
    work.yaml = CardFile.raised(card.yaml, version: next, author: author)
    work.asFile = visit.request.query["as"] == "file"
    if !work.asFile {
      guard let content = card.card else {
        work.asFile = true
        return page(work)
      }
      var draft = CardDraft(content)
      (draft.version, draft.author) = (String(next), author)
      set(draft, &work)
    }
    return page(work)
  }

  /// The form shows a draft; one with too many fields is shown as its file.
  private func set(_ draft: CardDraft, _ work: inout Work) {
    (work.draft, work.yaml) = (draft, draft.yaml)
    work.isTooLarge = WorkshopForm.fields(of: draft) > WorkshopPage.fieldsMax
    work.asFile = work.isTooLarge
  }

  // MARK: - Taking what was entered

  func take() async throws -> Response {
    let form = try visit.request.form()
    let wish = form["do"].flatMap(Wish.init) ?? .check
    var work = Work()
    work.reason = (form["reason"] ?? "").trimmed
    if let text = form["yaml"] {
      // Browsers end lines of a text field with CR LF.
      work.yaml = text.replacing("\r\n", with: "\n")
      work.asFile = true
    } else {
      set(CardDraft(form), &work)
    }
    let card = check(&work)
    switch wish {
    case .check: work.isChecked = card != nil
    case .file: work.asFile = true
    case .form: if let card { set(CardDraft(card), &work) }
    case .simulate: if card != nil { work.outcome = await MoveRun.of(work.yaml, visit.api) }
    case .register:
      if work.reason.isEmpty { work.told["reason"] = visit.say("A reason is needed.", "请填写理由。") }
      if card != nil, work.told.isEmpty, let done = await register(&work) { return done }
    }
    // The same can be looked at as a file whatever is wrong in it.
    if wish != .file, work.status == .ok, !work.faults.isEmpty || !work.told.isEmpty { work.status = .unprocessable }
    return page(work)
  }

  /// The same rules as the service's; nil: faults were found.
  private func check(_ work: inout Work) -> Scorecard? {
    do throws(DocumentFaults) { return try ScorecardDocument.decode(Array(work.yaml.utf8), source: "scorecard") } catch {
      work.faults = error.faults
      for fault in error.faults {
        let field = CardField.of(fault: fault.path)
        if work.told[field] == nil { work.told[field] = visit.say(CardWords.fault(fault.problem)) }
      }
      return nil
    }
  }

  /// nil: it was refused.
  private func register(_ work: inout Work) async -> Response? {
    guard visit.may(.scorecardsDecide) else {
      work.failure = .refused(status: 403, title: "", detail: nil, faults: [])
      work.status = .forbidden
      return nil
    }
    do throws(PeerFailure) {
      let json = try await visit.api.send(.post, .tiering, "/v1/scorecards", ["yaml": .text(work.yaml), "reason": .text(work.reason)])
      return visit.go(to: CardReference(json)?.path ?? ScorecardPages.path, done: .saved)
    } catch {
      (work.failure, work.status) = (error, error.status)
      if case .refused(409, _, _, _) = error {
        work.told["version"] = visit.say("This version is registered with other content. Take a higher one.", "该版本已登记且内容不同，请提高版本号。")
      }
      return nil
    }
  }

  // MARK: - Page

  private func page(_ work: Work) -> Response {
    let title = visit.say("Change a copy of \(reference.title)", "编辑 \(reference.title) 的副本")
    return visit.page(title, .scorecards, status: work.status) {
      CardTrail.element(visit, reference)
      Element(.h1, title)
      Element(.p, visit.say(WorkshopText.what))
      if let failure = work.failure { Notice.failure(failure, visit) }
      found(work)
      if let outcome = work.outcome { simulated(outcome) }
      Parts.form(visit, visit.target(reference.path + "/edit"), [.label(.spoken, visit.say("Scorecard", "评分卡"))]) {
        WorkshopForm(visit: visit, work: work).content
      }
    }
  }

  @NodeBuilder private func found(_ work: Work) -> [Node] {
    if work.isTooLarge { Notice.plain(visit.say(WorkshopText.tooLarge)) }
    if work.isChecked { Notice.good(visit.say(WorkshopText.good)) }
    if !work.faults.isEmpty {
      Element(.div, [.class("notice bad"), .label(.role, "alert")]) {
        Element(.p, visit.say("\(work.faults.count) to put right:", "有 \(work.faults.count) 处需要更正："))
        Element(.ul) { for fault in work.faults { Element(.li) { line(fault, work) } } }
      }
    }
  }

  /// Where it is, and what is wrong there.
  @NodeBuilder private func line(_ fault: DocumentFault, _ work: Work) -> [Node] {
    let words = visit.say(CardWords.fault(fault.problem))
    if work.asFile {
      visit.say("Line \(fault.line), column \(fault.column): ", "第 \(fault.line) 行第 \(fault.column) 列：")
      if !fault.path.isEmpty { Element(.code, fault.path) }
      " " + words
    } else {
      Parts.link(WorkshopForm.place(fault, work, visit), PageTarget("#" + WorkshopForm.id(CardField.of(fault: fault.path))))
      visit.say(": ", "：") + words
    }
  }

  @NodeBuilder private func simulated(_ outcome: MoveOutcome) -> [Node] {
    Element(.section, [.class("card"), .label(.labelled, "simulated")]) {
      Element(.h2, [.id("simulated")], visit.say("Who would move", "谁会变动"))
      MoveNotice.element(outcome, visit)
      if case .moved(let moves) = outcome {
        let parts = MoveParts(visit, moves.summary, currency: moves.head["currency"]?.stringValue)
        if moves.head["registered_otherwise"]?.booleanValue == true { Notice.plain(visit.say(WorkshopText.taken)) }
        MoveNotice.told(moves, parts, visit)
        parts.shown(hasFile: false)
        parts.customers(moves.customers).element(visit, empty: visit.say("Nobody moves.", "没有客户变动。"), hasFile: false)
      }
    }
  }
}

enum WorkshopText {
  static let what = LocalizedName(
    en: "What is registered never changes: you make a new version. Nothing here changes any customer's tier; simulate as often as you like before "
      + "you register.",
    zh: "已登记的版本不可更改，编辑后会成为新版本。本页操作不影响任何客户的等级，登记前可反复试算。")
  static let good = LocalizedName(en: "Nothing is wrong with it.", zh: "检查通过。")
  static let taken = LocalizedName(
    en: "This version is registered with other content: raise the version before you register.", zh: "该版本号已登记且内容不同，登记前请提高版本号。")
  static let tooLarge = LocalizedName(en: "It has more points than a form can hold, so it is shown as its file.", zh: "曲线点数超出表单容量，已改为文件方式编辑。")
  static let comments = LocalizedName(
    en: "The form writes the file anew, without the comments that the first one has. Edit it as a file to keep them.",
    zh: "使用表单会重新生成文件，原文件中的注释不会保留；如需保留请以文件方式编辑。")
  static let rows = LocalizedName(
    en: "Straight lines run between points, level before the first and after the last. Leave both fields of a line empty to take it away; empty "
      + "lines add points.",
    zh: "点与点之间按直线换算，首点之前与末点之后保持水平。两栏都留空即删除该行，末尾空行用于新增。")
}
