// What a customer is asked (F-02): whether it wants to be, how often it was, what it may be asked now, what it answered; and the deed about its consent.
import Access
import Domain
import HTML
import HTTP
import Text

struct CustomerSurveyPages: Sendable {
  let site: Site

  private static let rowsMax = "20"

  func add(to router: inout Router) {
    router.page("/customers/{id}/surveys", site, needs: .consentsRead) { visit in
      try await CustomerFile.with(visit, "/surveys") { try await show($0, .nothing) }
    }
    router.page("/customers/{id}/opt-out", site, needs: .consentsChange) { visit in
      try await CustomerFile.with(visit, "/opt-out") { try await ask($0, .nothing) }
    }
    router.form("/customers/{id}/opt-out", site, needs: .consentsChange) { visit in try await CustomerFile.with(visit) { try await change($0) } }
  }

  // MARK: - How it stands

  private func show(_ file: CustomerFile, _ entered: Entered) async throws -> Response {
    let (visit, api) = (file.visit, file.visit.api)
    async let consent = api.section(.feedback, "/v1/customers/\(file.id)/opt-out")
    async let contacts = visit.may(.invitationsRead) ? api.section(.feedback, "/v1/customers/\(file.id)/contacts") : nil
    async let answers = visit.may(.answersRead)
      ? api.section(.feedback, "/v1/answers", [("customer_id", file.id), ("limit", CustomerSurveyPages.rowsMax), ("after", visit.request.query["answers"])])
      : nil
    async let invitations = visit.may(.invitationsRead)
      ? api.section(
        .feedback, "/v1/invitations", [("customer_id", file.id), ("limit", CustomerSurveyPages.rowsMax), ("after", visit.request.query["invitations"])]) : nil
    let (said, asked, told, sent) = (await consent, await contacts, await answers, await invitations)
    let tables = [budget(visit, asked?.json), self.answers(visit, told?.json), self.invitations(visit, sent?.json)]
    if let found = visit.file(of: tables) { return found }
    return file.page(.surveys) {
      Element(.section) {
        Element(.h2, visit.say("Consent", "授权"))
        said.shown(visit) { answer in
          Element(.p, CustomerSurveyPages.consent(visit, answer))
          if visit.may(.consentsChange) {
            Element(.div, [.class("actions")]) {
              Element(
                .a, [.class("button")] + Parts.href(visit.target("/customers/\(file.id)/opt-out")),
                answer["is_opted_out"] == true ? visit.say("May be asked again", "恢复接收问卷") : visit.say("Wants no surveys", "不再接收问卷"))
            }
          }
        }
      }
      if let asked {
        Element(.section) {
          Element(.h2, visit.say("How often it is asked", "询问配额"))
          asked.shown(visit) { answer in
            Element(.p, visit.say(
              "Asked in 365 days: \(answer["contacts"]?.arrayValue?.count ?? 0); as of \(visit.moment(answer["as_of"])).",
              "365 天内已询问 \(answer["contacts"]?.arrayValue?.count ?? 0) 次；截至 \(visit.moment(answer["as_of"]))。"))
            moments(visit, visit.say("Asked", "已询问"), answer["contacts"])
            moments(visit, visit.say("Planned", "已计划"), answer["planned"])
            tables[0].element(visit, empty: visit.say("Nothing.", "没有记录。"))
          }
        }
      }
      if let told {
        Element(.section) {
          Element(.h2, visit.say("Answers", "回答"))
          told.shown(visit) { answer in
            tables[1].element(visit, empty: visit.say("None.", "没有回答。"))
            Parts.pager(visit, next: answer["next"]?.stringValue, parameter: "answers")
          }
        }
      }
      if let sent {
        Element(.section) {
          Element(.h2, visit.say("Invitations", "问卷邀请"))
          sent.shown(visit) { answer in
            tables[2].element(visit, empty: visit.say("None.", "没有邀请。"))
            Parts.pager(visit, next: answer["next"]?.stringValue, parameter: "invitations")
          }
        }
      }
    }
  }

  static func consent(_ visit: Visit, _ answer: JSONValue) -> String {
    guard answer["is_opted_out"] == true else { return visit.say("May be asked.", "可接收问卷邀请。") }
    let why = answer["reason"]?.stringValue.map { visit.say(" (\($0))", "（\($0)）") } ?? ""
    return visit.say(
      "Wants no surveys, since \(visit.moment(answer["since"])), noted by \(visit.text(answer["actor"]))\(why).",
      "自 \(visit.moment(answer["since"])) 起不再接收问卷，登记人 \(visit.text(answer["actor"]))\(why)。")
  }

  @NodeBuilder private func moments(_ visit: Visit, _ title: String, _ list: JSONValue?) -> [Node] {
    let rows = list?.arrayValue ?? []
    if !rows.isEmpty {
      Element(.h3, title)
      Element(.ul, [.class("lines")]) {
        for row in rows.prefix(12) { Element(.li, "\(visit.moment(row["at"])) · \(visit.word(row["purpose"], of: CustomerWords.purposes))") }
      }
    }
  }

  private func budget(_ visit: Visit, _ answer: JSONValue?) -> DataTable {
    DataTable(
      "budget", visit.say("What it may be asked now", "当前可询问的内容"),
      [visit.say("Purpose", "用途"), visit.say("Now", "当前"), visit.say("Until", "至"), visit.say("Why not", "原因")],
      (answer?["budget"]?.arrayValue ?? []).map { verdict in
        [
          .text(visit.word(verdict["purpose"], of: CustomerWords.purposes)),
          .text(verdict["may_be_asked"] == true ? visit.say("may be asked", "可询问") : visit.say("not", "不可")), .text(visit.moment(verdict["until"])),
          .text(verdict["why"].flatMap { $0.isNull ? nil : visit.say($0) } ?? "–"),
        ]
      })
  }

  private func answers(_ visit: Visit, _ answer: JSONValue?) -> DataTable {
    DataTable(
      "answers", visit.say("Answers, the newest first", "回答（由近及远）"),
      [
        visit.say("At", "时间"), visit.say("Survey", "问卷"), visit.say("Metric", "指标"), visit.say("Score", "分数"), visit.say("Channel", "渠道"),
        visit.say("Tone", "褒贬"), visit.say("Comment", "意见"),
      ],
      (answer?["answers"]?.arrayValue ?? []).map { row in
        [
          .text(visit.moment(row["occurred_at"])), .text(visit.text(row["survey"])), .text(visit.word(row["metric"], of: CustomerWords.metrics)),
          .number(visit.number(row["score"])), .text(visit.word(row["channel"], of: CustomerWords.channels)),
          .text(visit.word(row["polarity"], of: CustomerWords.tones)), .text(visit.text(row["comment"])),
        ]
      })
  }

  private func invitations(_ visit: Visit, _ answer: JSONValue?) -> DataTable {
    DataTable(
      "invitations", visit.say("Invitations, the newest first", "邀请（由近及远）"),
      [
        visit.say("Made", "创建时间"), visit.say("Survey", "问卷"), visit.say("State", "状态"), visit.say("Planned for", "计划时间"), visit.say("Sent", "发出"),
        visit.say("Expires", "有效期至"), visit.say("Score", "分数"),
      ],
      (answer?["invitations"]?.arrayValue ?? []).map { row in
        [
          .text(visit.moment(row["created_at"])), .text("\(visit.text(row["survey"])) v\(visit.number(row["survey_version"]))"),
          .text(visit.word(row["state"], of: CustomerWords.invitationStates)), .text(visit.moment(row["planned_at"])), .text(visit.moment(row["sent_at"])),
          .text(visit.moment(row["expires_at"])), .number(visit.number(row["score"])),
        ]
      })
  }

  // MARK: - Consent

  private func ask(_ file: CustomerFile, _ entered: Entered) async throws -> Response {
    let visit = file.visit
    let answer = try await visit.api.get(.feedback, "/v1/customers/\(file.id)/opt-out")
    let isOut = answer["is_opted_out"] == true
    let title = isOut ? visit.say("May be asked again", "恢复接收问卷") : visit.say("Wants no surveys", "不再接收问卷")
    return file.page(.surveys, status: entered.status, title: title) {
      Element(.h2, title)
      entered.notice(visit, fields: ["reason"])
      Element(.p, visit.say("Now: ", "当前：") + CustomerSurveyPages.consent(visit, answer))
      Element(.p, visit.say(
        "It takes effect with the next decision: nobody who does not want to be asked gets an invitation, whatever was planned.",
        "立即对后续决定生效：不愿接收问卷的客户不会收到任何邀请，包括已计划的。"))
      Parts.form(visit, visit.target("/customers/\(file.id)/opt-out"), [.class("sheet")]) {
        Parts.hidden("wanted", isOut ? "in" : "out")
        if !isOut { ReasonField.shown(visit, entered, isNeeded: false) }
        Element(.div, [.class("actions")]) {
          Element(
            .button, [.class("main")],
            isOut ? visit.say("The customer may be asked", "客户同意接收问卷") : visit.say("The customer wants no surveys", "客户不愿接收问卷"))
          Parts.link(visit.say("Leave it as it is", "取消"), CustomerFile.target(file.id, .surveys))
        }
      }
    }
  }

  private func change(_ file: CustomerFile) async throws -> Response {
    let visit = file.visit
    let form = try visit.request.form()
    let path = "/v1/customers/\(file.id)/opt-out"
    return try await visit.trying(form) { () throws(PeerFailure) in
      if form["wanted"] == "in" { _ = try await visit.api.send(.delete, .feedback, path) } else {
        let reason = form["reason"].flatMap { $0.isEmpty ? nil : $0 }
        _ = try await visit.api.send(.put, .feedback, path, .object(reason.map { [JSONMember("reason", .text($0))] } ?? []))
      }
      return visit.go(to: CustomerFile.path(file.id, .surveys), done: .saved)
    } else: { try await ask(file, $0) }
  }
}
