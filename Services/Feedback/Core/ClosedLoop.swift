// Whom the business gets back to (F-05): a detractor, a dissatisfied customer, somebody with a suggestion. Each such answer is told once, as a contact, and so
// becomes a ticket with the deadlines of its kind.
public import Contracts
import Domain

public enum ClosedLoop {
  /// As a contact it comes from here.
  public static let source = "feedback"
  /// The further question whose answer is a suggestion.
  public static let suggestionQuestion = "suggestion"

  /// What the answer is told as; nil where nobody need get back to the customer.
  ///
  /// - Parameter version: how late the word is that the identity belongs to this customer.
  public static func contact(for record: AnswerRecord, version: Int64) -> CustomerContact? {
    let answer = record.answer
    let suggestion = answer.followUps.first { $0.question == suggestionQuestion && !$0.answer.allSatisfy(\.isWhitespace) }?.answer
    guard isUnfavourable(answer) || suggestion != nil else { return nil }
    let said = [answer.comment, suggestion ?? ""].filter { !$0.isEmpty }
    let head = "\(answer.metric.rawValue.uppercased()) \(answer.score)/\(answer.metric.scores.upperBound)"
    let id = CustomerID(number: record.number).description
    return CustomerContact(
      customer: record.customer, identity: record.identity, version: version,
      contact: ContactEvent(
        source: source, eventID: "answer-\(id)", occurredAt: answer.occurredAt, channel: answer.channel,
        kind: isUnfavourable(answer) ? .complaint : .suggestion, category: answer.survey, text: bounded(([head] + said).joined(separator: "\n")),
        reference: "answer-\(id)", orderID: answer.orderID, identifiers: []))
  }

  /// A detractor, or a CSAT of 1 or 2.
  private static func isUnfavourable(_ answer: AnswerEvent) -> Bool {
    answer.metric != .ces && answer.metric.unfavourableScores.contains(answer.score)
  }

  /// A contact's text is no longer than a comment may be: what is added in front may cost the end.
  private static func bounded(_ text: String) -> String {
    var text = text[...]
    while text.utf8.count > ContractLimits.longTextBytesMax { text = text.dropLast() }
    return String(text)
  }
}
