// How survey pages look: plain, for small screens first, in light and dark, usable with the keyboard alone and by screen readers (WCAG 2.2 AA).
import Domain
import FeedbackCore
import HTML

enum SurveyPageView {
  /// What all parts of a page need.
  struct Frame {
    let language: PageLanguage
    let token: String?

    func say(_ name: LocalizedName) -> String { language == .chinese ? name.zh : name.en }

    /// The page of the same link; the query is of our own making.
    func target(_ query: String = "", path: String = "") -> PageTarget? {
      token.flatMap { PageTarget("/s/\($0)\(path)?lang=\(language.rawValue)" + (query.isEmpty ? "" : "&\(query)")) }
    }
  }

  // MARK: - Pages

  static func notice(_ notice: SurveyPageText.Notice, _ language: PageLanguage) -> Page {
    let frame = Frame(language: language, token: nil)
    return Page(language, title: frame.say(notice.title), style: style) {
      Element(.main) {
        Element(.h1, frame.say(notice.title))
        Element(.p, frame.say(notice.text))
      }
    }
  }

  /// Asks whether there shall be no more.
  static func stop(_ language: PageLanguage, token: String) -> Page {
    let frame = Frame(language: language, token: token)
    return Page(language, title: frame.say(SurveyPageText.ask.title), style: style) {
      Element(.header) { languages(frame, path: "/stop") }
      Element(.main) {
        Element(.h1, frame.say(SurveyPageText.ask.title))
        Element(.p, frame.say(SurveyPageText.ask.text))
        stopForm(frame)
      }
    }
  }

  static func thanks(_ survey: Survey, _ language: PageLanguage, token: String) -> Page {
    let frame = Frame(language: language, token: token)
    return page(frame, survey) { Element(.p, [.label(.role, "status")], frame.say(survey.thanks)) }
  }

  static func score(_ survey: Survey, _ given: Int64?, _ language: PageLanguage, token: String, fault: SurveyForm.Fault? = nil) -> Page {
    let frame = Frame(language: language, token: token)
    let scores = survey.metric.scores
    let ends = [(scores.lowerBound, survey.ends.low), (scores.upperBound, survey.ends.high)].map { "\($0.0) – \(frame.say($0.1))" }
    return page(frame, survey, fault: fault) {
      form(frame) {
        Element(.fieldset, described("ends", fault.map { _ in "fault-score" })) {
          Element(.legend) { Element(.h2, frame.say(survey.question)) }
          if let fault { self.fault(fault, frame, id: "fault-score") }
          Element(.p, [.id("ends"), .class("ends")]) { for end in ends { Element(.span, end) } }
          Element(.div, [.class("scale")]) {
            for score in scores {
              Element(.label) {
                radio("score", String(score), isChecked: given == score, isRequired: true)
                Element(.span, String(score))
              }
            }
          }
        }
        Element(.button, [], frame.say(SurveyPageText.next))
      }
    }
  }

  static func step(
    _ step: SurveyStep, of survey: Survey, _ draft: SurveyDraft, _ language: PageLanguage, token: String, fault: SurveyForm.Fault? = nil
  ) -> Page {
    let frame = Frame(language: language, token: token)
    let ids = (step.asksComment ? [Survey.commentID] : []) + step.questions.map(\.id)
    return page(frame, survey, fault: fault) {
      Element(.p) {
        "\(frame.say(SurveyPageText.given)) "
        Element(.strong, draft.score.map { String($0) } ?? "")
        " "
        if let target = frame.target("step=score") { Element(.a, [.href(target)], frame.say(SurveyPageText.changeScore)) }
      }
      Element(.p, frame.say(SurveyPageText.kept))
      form(frame) {
        Element(.input, [.input(.hidden), .label(.name, SurveyForm.shown), .label(.value, ids.joined(separator: " "))])
        if step.asksComment, let comment = survey.comment {
          words(Survey.commentID, frame.say(comment), fault?.said[Survey.commentID] ?? draft.comment, fault, frame)
        }
        for question in step.questions {
          self.question(question, fault?.said[question.id] ?? draft.answers[question.id] ?? "", fault, frame)
        }
        Element(.button, [], frame.say(mayGoOn(step, survey) ? SurveyPageText.next : SurveyPageText.send))
      }
    }
  }

  /// Whether an answer on this page may lead to a further question.
  private static func mayGoOn(_ step: SurveyStep, _ survey: Survey) -> Bool {
    survey.questions.contains { question in step.questions.contains { $0.id == question.condition.earlier?.question } }
  }

  // MARK: - Parts

  private static func page(_ frame: Frame, _ survey: Survey, fault: SurveyForm.Fault? = nil, @NodeBuilder _ content: () -> [Node]) -> Page {
    let title = frame.say(survey.title)
    let content = content()
    return Page(frame.language, title: fault == nil ? title : "\(frame.say(SurveyPageText.error)): \(title)", style: style) {
      Element(.header) { languages(frame) }
      Element(.main) {
        Element(.h1, title)
        content
      }
      Element(.footer) { stopForm(frame, [.class("quiet")]) }
    }
  }

  /// By which a customer says that there shall be no more.
  @NodeBuilder private static func stopForm(_ frame: Frame, _ button: [Attribute] = []) -> [Node] {
    if let target = frame.target(path: "/stop") {
      Element(.form, [.method(.post), .action(target)]) { Element(.button, button, frame.say(SurveyPageText.stop)) }
    }
  }

  private static func languages(_ frame: Frame, path: String = "") -> [Node] {
    let choices: [(PageLanguage, String)] = [(.chinese, "中文"), (.english, "English")]
    return [
      .element(
        Element(.nav, [.label(.spoken, frame.language == .chinese ? "语言" : "Language")]) {
          for (language, name) in choices {
            if language == frame.language {
              Element(.span, [.label(.lang, language.rawValue), .label(.current, "true")], name)
            } else if let target = Frame(language: language, token: frame.token).target(path: path) {
              Element(.a, [.href(target), .label(.lang, language.rawValue)], name)
            }
          }
        })
    ]
  }

  private static func form(_ frame: Frame, @NodeBuilder _ content: () -> [Node]) -> Element {
    let content = content()
    return Element(.form, [.method(.post), .label(.accept, "utf-8")] + (frame.target().map { [.action($0)] } ?? [])) { content }
  }

  private static func described(_ ids: String?...) -> [Attribute] {
    let ids = ids.compactMap { $0 }
    return ids.isEmpty ? [] : [.label(.described, ids.joined(separator: " "))]
  }

  private static func fault(_ fault: SurveyForm.Fault, _ frame: Frame, id: String) -> [Node] {
    [.element(Element(.p, [.id(id), .class("fault"), .label(.role, "alert")], frame.say(fault.text)))]
  }

  private static func radio(_ name: String, _ value: String, isChecked: Bool, isRequired: Bool = false) -> Element {
    Element(
      .input,
      [.input(.radio), .label(.name, name), .label(.value, value)] + Attribute.on(.checked, if: isChecked) + Attribute.on(.required, if: isRequired))
  }

  private static func question(_ question: SurveyQuestion, _ given: String, _ fault: SurveyForm.Fault?, _ frame: Frame) -> [Node] {
    let options: [(String, LocalizedName)] =
      switch question.kind {
      case .text: []
      case .yesNo: [(SurveyQuestion.yes, SurveyPageText.yes), (SurveyQuestion.no, SurveyPageText.no)]
      case .choice(let options): options.map { ($0.id, $0.name) }
      }
    guard !options.isEmpty else { return words(question.id, frame.say(question.text), given, fault, frame) }
    let own = fault?.question == question.id ? fault : nil
    let faultID = "fault-\(question.id)"
    let field = Element(.fieldset, described(own.map { _ in faultID })) {
      Element(.legend, frame.say(question.text))
      if let own { self.fault(own, frame, id: faultID) }
      for (value, name) in options {
        Element(.label, [.class("option")]) {
          radio(SurveyForm.prefix + question.id, value, isChecked: given == value)
          Element(.span, frame.say(name))
        }
      }
    }
    return [.element(field)]
  }

  private static func words(_ id: String, _ text: String, _ given: String, _ fault: SurveyForm.Fault?, _ frame: Frame) -> [Node] {
    let own = fault?.question == id ? fault : nil
    let (name, faultID) = (SurveyForm.prefix + id, "fault-\(id)")
    let limit = String(SurveyPages.textMax)
    let attributes: [Attribute] = [.id(name), .label(.name, name), .label(.rows, "4"), .label(.maxlength, limit)]
    let state = own == nil ? [] : [Attribute.label(.invalid, "true")] + described(faultID)
    let field = Element(.div, [.class("words")]) {
      Element(.label, [.label(.for, name)], text)
      if let own { self.fault(own, frame, id: faultID) }
      Element(.textarea, attributes + state, given)
    }
    return [.element(field)]
  }

  /// Targets of about 44 pixels, contrasts of at least 4.5 to 1, and of 3 to 1 for borders.
  private static let style = StyleSheet(
    """
    :root { color-scheme: light dark; --back: #fff; --text: #1b1b1b; --line: #6b6b6b; --main: #0b57d0; --on-main: #fff; --soft: #f2f5fb; --bad: #a50e0e; }
    @media (prefers-color-scheme: dark) {
      :root { --back: #16181d; --text: #ececec; --line: #9a9a9a; --main: #a8c7fa; --on-main: #10213f; --soft: #22262e; --bad: #f6aea9; }
    }
    * { box-sizing: border-box; }
    body { background: var(--back); color: var(--text); font: 1.0625rem/1.5 system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif;
      margin: 0 auto; max-width: 40rem; overflow-wrap: anywhere; padding: 1rem; }
    header { display: flex; justify-content: flex-end; }
    nav { display: flex; gap: 0.5rem; } nav > * { display: inline-block; padding: 0.6rem; }
    nav > span { font-weight: bold; }
    a { color: var(--main); } main a { display: inline-block; padding: 0.4rem; }
    h1 { font-size: 1.4rem; margin: 0.5rem 0 1rem; } h2 { font-size: 1.15rem; margin: 0; }
    fieldset { border: 0; margin: 0 0 1.5rem; min-width: 0; padding: 0; }
    legend { font-weight: bold; margin-bottom: 0.5rem; padding: 0; }
    .ends { display: flex; flex-wrap: wrap; font-size: 0.95rem; gap: 0.25rem 1.5rem; justify-content: space-between; margin: 0 0 0.75rem; }
    .scale { display: grid; gap: 0.4rem; grid-template-columns: repeat(auto-fit, minmax(2.4rem, 1fr)); }
    .scale label, .option { align-items: center; border: 1px solid var(--line); border-radius: 0.5rem; cursor: pointer; display: flex; gap: 0.6rem;
      min-height: 2.75rem; padding: 0.4rem 0.75rem; }
    .scale label { flex-direction: column; gap: 0; justify-content: center; padding: 0.4rem 0; }
    .option + .option, legend + .option { margin-top: 0.5rem; }
    label:has(:checked) { background: var(--soft); border-color: var(--main); outline: 1px solid var(--main); }
    input[type=radio] { accent-color: var(--main); flex: none; height: 1.25rem; margin: 0.25rem; width: 1.25rem; }
    .words { margin-bottom: 1.5rem; } .words label { display: block; font-weight: bold; margin-bottom: 0.5rem; }
    textarea { background: var(--back); border: 1px solid var(--line); border-radius: 0.5rem; color: var(--text); font: inherit; padding: 0.5rem; width: 100%; }
    button { background: var(--main); border: 1px solid var(--main); border-radius: 0.5rem; color: var(--on-main); cursor: pointer; font: inherit;
      font-weight: bold; min-height: 2.75rem; padding: 0.5rem 1.5rem; }
    .quiet { background: transparent; border-color: transparent; color: var(--text); font-size: 0.95rem; font-weight: normal; padding: 0.5rem 0;
      text-decoration: underline; }
    footer { border-top: 1px solid var(--line); margin-top: 2rem; padding-top: 0.5rem; }
    .fault { color: var(--bad); font-weight: bold; margin: 0 0 0.5rem; }
    :focus-visible { outline: 3px solid var(--main); outline-offset: 2px; }
    """)
}
