// What customers read, and how it stands in a mail (E-05).
@testable import ConnectorCore
import Contracts
import Documents
import Domain
import Testing
import Text

@testable import connector

@Suite("The words of a message") struct WordingTests {
  private func wording(_ request: SurveySend) throws -> Wording {
    Wording(request, link: request.link, texts: try shippedTexts().content, zone: zone)
  }

  @Test("A message is in its customer's language, and in both where that is not known")
  func languages() throws {
    let english = try wording(send(1, to: 1, language: .english))
    #expect(english.subject == "How are we doing?" && english.sender == "Customer Service")
    #expect(english.body.contains("https://ask.example.com/s/abc\n") && english.body.contains("until 2099-12-14") && !english.body.contains("您好"))
    let chinese = try wording(send(1, to: 1, kind: .reminder, language: .chinese))
    #expect(chinese.subject == "提醒：您对我们满意吗？" && chinese.body.contains("有效期至 2099-12-14"))
    let both = try wording(send(1, to: 1, language: nil))
    #expect(both.subject == "您对我们满意吗？ / How are we doing?" && both.sender == "客户服务 / Customer Service")
    #expect(both.body.hasPrefix("您好") && both.body.contains("\n————\n\nHello"))
  }

  @Test("What a title holds in braces is no word of the text")
  func filledOnce() {
    let said = MessageTexts.filled("{title}: {link} {", [.title: "{link}", .link: "x"])
    #expect(said == "{link}: x {")
  }

  /// The file with one line in place of another.
  private func faults(_ from: String, _ to: String) throws -> [String] {
    let text = try shippedTexts().yaml
    #expect(text.contains(from))
    let parts = text.components(around: from)
    do throws(DocumentFaults) {
      _ = try MessagesDocument.decode(Array((parts.0 + to + parts.1).utf8), source: "m.yaml")
      return []
    } catch { return error.faults.map(\.description) }
  }

  @Test("A file of texts says everything that is wrong with it, with its line")
  func checked() throws {
    #expect(try faults("{link}", "{link}").isEmpty)
    let missing = try faults("      {link}\n\n      The link", "      The link")
    #expect(missing.count == 1 && missing[0].contains("invitation.body.en") && missing[0].contains("{link}"), "\(missing)")
    let unknown = try faults("until {expires}. The page", "until {date}. The page")
    #expect(unknown.count == 1 && unknown[0].contains("{date}") && unknown[0].contains("{expires}, {link}, {title}"), "\(unknown)")
    #expect(try faults("en: \"{title}\"", "en: \"{link}\"").first?.contains("cannot stand here") == true)
    #expect(try faults("zh: 客户服务", "zh: \"客户\\n服务\"").first?.contains("one line") == true)
    #expect(try faults("messages: 1", "messages: 0").first?.contains("messages") == true)
  }

  @Test("A mail has what RFC 5322 asks for, no line but in seven bits, and says the same on every attempt")
  func mail() throws {
    let request = send(1, to: 1, language: .chinese)
    let id = try ConnectorHandler.id(of: request)
    let bytes = MailText.message(
      try wording(request), from: "service@shop.example", to: "an@example.com", id: id, unsubscribe: .page(request.link),
      date: Instant(microseconds: 1_790_000_000_000_000))
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\r\n", omittingEmptySubsequences: false).map(String.init)
    let head = Array(lines.prefix { !$0.isEmpty })
    #expect(bytes.allSatisfy { $0 < 0x80 } && lines.allSatisfy { $0.utf8.count <= 78 } && lines.last == "")
    #expect(head.contains("Date: Mon, 21 Sep 2026 14:13:20 +0000"))
    #expect(head.contains("From: =?utf-8?B?5a6i5oi35pyN5Yqh?= <service@shop.example>") && head.contains("To: <an@example.com>"))
    #expect(head.contains("Message-ID: <\(id)@shop.example>") && head.contains("List-Unsubscribe: <https://ask.example.com/s/abc>"))
    #expect(!head.contains { $0.hasPrefix("List-Unsubscribe-Post") })
    let body = lines.drop { !$0.isEmpty }.dropFirst().joined()
    let text = String(decoding: try #require(Base64.decoded(body)), as: UTF8.self)
    #expect(text.contains("https://ask.example.com/s/abc\r\n") && text.hasPrefix("您好：\r\n") && !text.contains("\r\n\r\n\r\n"))
  }

  @Test("Where one POST is enough to be asked nothing more, the mail says so as RFC 8058 has it")
  func oneClick() throws {
    let bytes = MailText.message(
      try wording(send(1, to: 1)), from: "s@shop.example", to: "a@b.example", id: DeliveryID(number: 1),
      unsubscribe: .oneClick("https://ask.example.com/s/abc/stop"), date: Instant(microseconds: 0))
    let head = String(decoding: bytes, as: UTF8.self).components(around: "\r\n\r\n").0
    #expect(head.contains("\r\nList-Unsubscribe: <https://ask.example.com/s/abc/stop>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click"))
  }

  @Test("A link with anything in it that could end its header, or that no header may have, stands in the body alone", arguments: [
    "https://ask.example.com/s/a\r\nBcc: x@y.example", "https://ask.example.com/s/a> <b", "https://问卷.example.com/s/a",
  ])
  func oddLink(link: String) throws {
    let request = send(1, to: 1, link: link)
    let bytes = MailText.message(
      try wording(request), from: "s@shop.example", to: "a@b.example", id: DeliveryID(number: 1), unsubscribe: .oneClick(link), date: Instant(microseconds: 0))
    let text = String(decoding: bytes, as: UTF8.self)
    #expect(bytes.allSatisfy { $0 < 0x80 } && !text.contains("Bcc") && !text.contains("List-Unsubscribe"))
  }

  @Test("Dates are those of the calendar", arguments: [
    (0, "Thu, 1 Jan 1970 00:00:00 +0000"), (951_782_400, "Tue, 29 Feb 2000 00:00:00 +0000"), (1_795_996_799, "Sun, 29 Nov 2026 23:59:59 +0000"),
    (4_102_444_800, "Fri, 1 Jan 2100 00:00:00 +0000"),
  ])
  func dates(second: Int64, text: String) { #expect(MailText.date(Instant(microseconds: second * 1_000_000)) == text) }

  @Test("A long subject is cut between characters, never inside one")
  func longSubject() throws {
    var request = send(1, to: 1, language: .chinese)
    request.title = LocalizedName(en: "x", zh: String(repeating: "满意度👍", count: 30))
    let bytes = MailText.message(
      try wording(request), from: "s@shop.example", to: "a@b.example", id: DeliveryID(number: 1), unsubscribe: .page(""), date: Instant(microseconds: 0))
    let text = String(decoding: bytes, as: UTF8.self)
    let subject = text.components(around: "Subject: ").1.components(around: "\r\nMessage-ID").0
    let words = subject.split(separator: "\r\n ")
    #expect(words.count > 5 && words.allSatisfy { $0.utf8.count <= 75 })
    let decoded = words.compactMap { Base64.decoded(String($0.dropFirst("=?utf-8?B?".count).dropLast(2))) }
    #expect(decoded.allSatisfy { String(validating: $0, as: UTF8.self) != nil })
    #expect(String(decoding: decoded.joined(), as: UTF8.self) == request.title.zh)
    #expect(!text.contains("List-Unsubscribe"))
  }
}

extension String {
  /// What stands before and behind the first time that a text comes; all of it and nothing when it does not.
  fileprivate func components(around text: String) -> (String, String) {
    var place = startIndex
    while place < endIndex {
      if self[place...].hasPrefix(text) { return (String(self[..<place]), String(self[index(place, offsetBy: text.count)...])) }
      place = index(after: place)
    }
    return (self, "")
  }
}
