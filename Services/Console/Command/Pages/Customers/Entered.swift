// What somebody entered in a form that a service did not take, and why: the form is shown again with both.
import Domain
import HTML
import HTTP

struct Entered: Sendable {
  let form: QueryItems
  let failure: PeerFailure?

  /// A form that nobody has filled in yet.
  static let nothing = Entered(form: QueryItems(), failure: nil)

  init(form: QueryItems, failure: PeerFailure?) {
    self.form = form
    self.failure = failure
  }

  subscript(_ name: String) -> String? { form[name] }
  func value(_ name: String, _ usual: String = "") -> String { form[name] ?? usual }

  /// Of the page that shows it again.
  var status: HTTPStatus {
    switch failure {
    case nil: .ok
    case .away: .serviceUnavailable
    case .refused(let code, _, _, _): [403, 409, 412].contains(code) ? HTTPStatus(rawValue: code) : .unprocessable
    }
  }

  /// What is wrong with a field.
  func fault(_ field: String, _ visit: Visit) -> String? {
    guard case .refused(_, _, _, let faults) = failure, let fault = faults.first(where: { $0.field == field }) else { return nil }
    return visit.language == .chinese ? Entered.chinese[fault.rule].map { "\($0)（\(fault.detail)）" } ?? fault.detail : fault.detail
  }

  /// Why it was not taken, where no field of the form can say it.
  ///
  /// - Parameter fields: those that show their own faults.
  func notice(_ visit: Visit, fields: Set<String> = []) -> [Node] {
    guard let failure else { return [] }
    guard case .refused(let code, let title, _, let faults) = failure else { return [.element(Notice.failure(failure, visit))] }
    if code == 412 { return [.element(Notice.fault(visit.say(Entered.faster)))] }
    if let known = Entered.titles[title] { return [.element(Notice.fault(visit.say(known)))] }
    if !faults.isEmpty, faults.allSatisfy({ fields.contains($0.field) }) { return [.element(Notice.fault(visit.say(Entered.wrong)))] }
    return [.element(Notice.failure(failure, visit))]
  }

  /// In front of what services say of a field, which they say in English.
  private static let chinese = [
    "missing": "必填", "format": "格式不正确", "enum": "不在可选范围内", "range": "超出允许范围", "type": "类型不正确", "unknown": "无法识别", "too_many": "数量过多",
  ]

  private static let wrong = LocalizedName(en: "Something that was entered cannot be taken; it says so below.", zh: "部分内容无法接受，请查看下方提示。")
  private static let faster = LocalizedName(
    en: "Somebody else has changed this meanwhile. Below is how it stands now; what you entered is kept. Look again and decide anew.",
    zh: "期间已有他人更改。下方为最新情况，您填写的内容已保留，请重新核对后再决定。")

  /// Refusals that people meet at their work, by their titles.
  private static let titles: [String: LocalizedName] = [
    "Own override": LocalizedName(en: "You asked for this override yourself: another person must confirm it.", zh: "该人工设定由您本人申请，须由他人确认。"),
    "Nothing waits": LocalizedName(en: "Nothing of this customer waits for a decision any more.", zh: "该客户已没有待确认的变更。"),
    "Already so": LocalizedName(en: "It is so already: nothing would change.", zh: "已经如此，无需更改。"),
    "Merged": LocalizedName(en: "This customer has become part of another one; decide there.", zh: "该客户已并入其他客户，请在那里处理。"),
    "Already one customer": LocalizedName(en: "Both are one customer already.", zh: "双方已是同一客户。"),
    "Already undone": LocalizedName(en: "This merge was undone before.", zh: "该合并此前已撤销。"),
    "Not one customer": LocalizedName(en: "The two sides of this merge are different customers already.", zh: "该合并的双方已经是不同客户。"),
    "No such customer": LocalizedName(en: "There is no such customer, or it has become part of another one.", zh: "没有该客户，或已并入其他客户。"),
    "Given already": LocalizedName(en: "The customer has this tag from a person already.", zh: "该客户已有此人工标签。"),
    "Too many tags": LocalizedName(en: "The customer has as many tags from people as it can have; take one away first.", zh: "人工标签数量已达上限，请先移除一个。"),
    "No such tag": LocalizedName(en: "No person gave this tag, or it was taken away before.", zh: "没有此人工标签，或已被移除。"),
    "Being merged": LocalizedName(en: "The customer is being merged just now; try again in a moment.", zh: "该客户正在合并，请稍后重试。"),
    "No such case": LocalizedName(en: "There is no such case.", zh: "没有该待核实条目。"),
  ]
}

extension Visit {
  /// Sends what a form says; what a service refuses comes back with what was entered.
  func trying(_ form: QueryItems, _ send: () async throws(PeerFailure) -> Response, else show: (Entered) async throws -> Response) async throws -> Response {
    do { return try await send() } catch { return try await show(Entered(form: form, failure: error)) }
  }
}
