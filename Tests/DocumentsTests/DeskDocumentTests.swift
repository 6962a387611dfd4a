// The desk's file: what is shipped, and what of acceptance is refused (K-09).
import Documents
import Domain
import Testing

struct DeskDocumentTests {
  private static func shipped() throws -> String { String(decoding: try DocumentFile.read("\(Repository.root)/deploy/desk.yaml"), as: UTF8.self) }
  private static let rule = "acceptance:                     # work that is accepted"

  private func read(_ text: String) throws -> DeskRules { try DeskDocument.decode(Array(text.utf8), source: "d.yaml") }

  /// The file with other lines about acceptance; nil: with none.
  private func file(_ lines: String?) throws -> String {
    let text = try Self.shipped()
    let start = try #require(text.firstRange(of: Self.rule)).lowerBound
    return text[..<start] + (lines.map { "acceptance: \($0)\n" } ?? "") + "end: true\n"
  }

  @Test func deliveriesAndTailoredNeedsAreAcceptedWithinAWeekUnlessTheFileSaysNothingOfIt() throws {
    let rule = try #require(try read(try Self.shipped()).acceptance)
    #expect(rule == AcceptanceRule(kinds: [.delivery, .tailoredNeed], codes: ["delivered", "fixed"], days: 7))
    #expect(try read(try file(nil)).acceptance == nil)
  }

  @Test(arguments: [
    ("{kinds: [delivery], codes: [built], days: 7}", "acceptance.codes"), ("{kinds: [gift], codes: [fixed], days: 7}", "acceptance.kinds[0]"),
    ("{kinds: [delivery], codes: [fixed], days: 400}", "acceptance.days"), ("{kinds: [delivery], days: 7}", "acceptance.codes"),
    ("soon", "acceptance"), ("{kinds: [delivery], codes: [fixed], days: 7, value: 1}", "acceptance.value"),
  ])
  func whatIsWrongWithItIsToldByItsPlace(_ lines: String, _ path: String) throws {
    let text = try file(lines)
    let error = #expect(throws: DocumentFaults.self) { try read(text) }
    #expect(error?.faults.map(\.path) == [path], "\(error?.description ?? "-")")
  }
}
