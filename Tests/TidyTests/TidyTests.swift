// The rules of the house, kept by the whole checkout.
import Testing

@Suite("Tidy")
struct TidyTests {
  /// Violations shown of one rule.
  private static let shownMax = 40

  private func expectNone(_ violations: [Violation], sourceLocation: SourceLocation = #_sourceLocation) {
    let shown = violations.prefix(TidyTests.shownMax).map(\.description).joined(separator: "\n")
    #expect(violations.isEmpty, "\(violations.count):\n\(shown)", sourceLocation: sourceLocation)
  }

  @Test("The checkout is found, with its rooms and services")
  func checkout() {
    let rooms = Set(SourceTree.swift.map(\.room))
    #expect(rooms.isSuperset(of: ["Shared/Domain", "Shared/Kafka", "Services/Profile/Core", "Tests/TidyTests"]))
    #expect(SourceTree.files.contains { $0.path == "Package.swift" })
  }

  @Test("Every folder imports only what lies below it")
  func imports() { expectNone(SourceTree.swift.flatMap(Imports.violations)) }

  @Test("Every C library is seen by one room")
  func cLibraries() { expectNone(SourceTree.swift.flatMap(Imports.cViolations)) }

  @Test("No function has more than 70 lines")
  func functions() { expectNone(SourceTree.swift.flatMap(Layout.longFunctions)) }

  @Test("No line has more than 160 columns")
  func lines() { expectNone(SourceTree.swift.flatMap(Layout.longLines)) }

  @Test("No tabs, no blanks at the end of a line")
  func blanks() { expectNone(SourceTree.swift.flatMap(Layout.blanks)) }

  @Test("Every Swift file begins by saying what it is for")
  func firstLines() { expectNone(SourceTree.swift.flatMap(Layout.firstLine)) }

  @Test("The file with @main is short")
  func mains() { expectNone(SourceTree.swift.flatMap(Layout.longMain)) }

  @Test("What has a better replacement is not called", arguments: Ban.all)
  func bans(_ ban: Ban) { expectNone(SourceTree.swift.flatMap(ban.violations)) }

  @Test("Nothing is unwrapped by force")
  func unwraps() { expectNone(SourceTree.swift.flatMap(ForcedUnwraps.violations)) }

  @Test("Exemptions from the compiler's checks are counted, and explained beside them")
  func exemptions() {
    expectNone(SourceTree.swift.flatMap { Exemptions.violations($0) })
    let paths = Set(SourceTree.swift.map(\.path))
    #expect(Exemptions.allowed.keys.filter { !paths.contains($0) } == [], "the list names files that are gone")
  }

  @Test("No unfinished work, no path of one machine, no package registry")
  func texts() { expectNone(SourceTree.files.flatMap(Texts.violations)) }

  @Test("Every migration and every shipped rule file is built in")
  func embeds() throws {
    let list = try #require(SourceTree.files.first { $0.path == Embeds.list })
    expectNone(Embeds.violations(list: list.text, files: SourceTree.files.map(\.path)))
  }
}

extension Ban: CustomTestStringConvertible {
  var testDescription: String { code }
}
