// What a message to a customer says, in its language or in both (E-05).
public import Contracts
public import Domain

public struct Wording: Hashable, Sendable {
  public let sender: String
  public let subject: String
  /// Lines ended by a line feed.
  public let body: String

  /// Chinese first where the customer's language is not known, as most customers of the business read it.
  private static let both: [Language] = [.chinese, .english]
  private static let (between, rule) = (" / ", "\n————\n\n")

  /// - Parameter link: with its host.
  public init(_ request: SurveySend, link: String, texts: MessageTexts, zone: BusinessZone) {
    let text = request.kind == .reminder ? texts.reminder : texts.invitation
    // The last whole day on which it works; a link that is over within a day names that day.
    let expires = zone.day(of: request.expiresAt.adding(seconds: -1)).description
    let languages = request.language.map { [$0] } ?? Wording.both
    func said(_ name: LocalizedName, _ language: Language) -> String {
      MessageTexts.filled(name.text(in: language), [.title: request.title.text(in: language), .link: link, .expires: expires])
    }
    var subjects: [String] = []
    for subject in languages.map({ said(text.subject, $0) }) where !subjects.contains(subject) { subjects.append(subject) }
    subject = subjects.joined(separator: Wording.between)
    body = languages.map { said(text.body, $0) }.map { $0.hasSuffix("\n") ? $0 : $0 + "\n" }.joined(separator: Wording.rule)
    sender = languages.map { texts.sender.text(in: $0) }.joined(separator: Wording.between)
  }
}
