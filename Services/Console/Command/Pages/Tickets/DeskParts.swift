// What several pages of the desk show alike: a customer with its tier, a choice of words, where the section leads.
import Access
import Domain
import HTML
import HTTP
import Text

enum DeskParts {
  /// A customer: a link where there are pages of customers.
  static func customer(_ id: String?, _ visit: Visit) -> Element {
    guard let id, !id.isEmpty else { return Element(.span, "–") }
    guard visit.may(.customersRead) else { return Element(.code, id) }
    return Element(.a, [.class("code")] + Parts.href(visit.target("/customers/\(id)")), id)
  }

  static func tier(_ word: String?, _ visit: Visit) -> Element {
    word.map { Parts.badge(DeskWords.tier($0, visit), $0 == "vip" || $0 == "key" ? .good : .plain) } ?? Parts.badge(visit.say("tier not known", "等级未知"))
  }

  /// Two parts, one below the other.
  static func below(_ first: Element, _ second: Element) -> [Node] {
    [.element(Element(.div) { first }), .element(Element(.div) { second })]
  }

  /// The choices of a list with one in front that chooses nothing.
  static func options<Choice: RawRepresentable<String> & CaseIterable>(
    _ type: Choice.Type, none: String, _ visit: Visit, _ title: (Choice) -> LocalizedName
  ) -> [(value: String, text: String)] {
    [(value: "", text: none)] + Choice.allCases.map { (value: $0.rawValue, text: visit.say(title($0))) }
  }

  static func options(_ list: JSONValue?, none: String?, _ visit: Visit) -> [(value: String, text: String)] {
    let first = none.map { [(value: "", text: $0)] } ?? []
    return first + (list?.arrayValue ?? []).map { (value: $0["id"]?.stringValue ?? "", text: visit.say($0["name"])) }
  }

  /// A value of the address that is one of these, else nil: anything may stand there.
  static func word<Choice: RawRepresentable<String>>(_ name: String, of: Choice.Type, _ visit: Visit) -> String? {
    visit.request.query[name].flatMap { Choice(rawValue: $0) }?.rawValue
  }

  static func asOf(_ visit: Visit, _ moment: JSONValue? = nil) -> Element {
    let at = moment.flatMap { ClockView.moment($0) } ?? visit.now.microseconds
    return Element(.p, [.class("note")], visit.say("As of \(visit.moment(at))", "截至 \(visit.moment(at))"))
  }
}

/// Finds a customer by what somebody typed: its number, a member number, a phone number or an e-mail address.
enum CustomerEntry {
  /// nil: there is no such customer.
  static func find(_ entered: String, _ visit: Visit) async throws(PeerFailure) -> String? {
    let text = TextNormal.trimmed(entered)
    guard !text.isEmpty else { return nil }
    if let id = CustomerID(text) { return id.description }
    guard let reading = CustomerSearch.reading(text, as: kind(text), visit) else { return nil }
    do throws(PeerFailure) {
      return try await visit.api.get(.profile, "/v1/customers", [(name: reading.kind?.name ?? "", value: reading.value)])["customer_id"]?.stringValue
    } catch {
      if case .refused(422, _, _, _) = error { return nil }
      guard error.isMissing else { throw error }
      return nil
    }
  }

  private static func kind(_ text: String) -> IdentifierKind {
    if text.contains("@") { return .email }
    let digits = text.filter { !" -()".contains($0) }
    let isPhone = digits.hasPrefix("+") || (digits.count >= 10 && digits.allSatisfy { $0.isASCII && $0.isNumber })
    return isPhone ? .phone : .memberID
  }
}
