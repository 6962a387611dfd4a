// The file of identity rules: the shipped one says what the code takes for granted, and faults are named with their lines.
import Documents
import Domain
import Testing

@Suite struct IdentityDocumentTests {
  @Test func theShippedFileSaysWhatHoldsWithoutAFile() throws {
    let rules = try IdentityDocument.load("deploy/identity.yaml")
    #expect(rules.name == "standard" && rules.version == 1 && rules.customersPerEventMax == IdentityRules.standard.customersPerEventMax)
    for kind in IdentifierKind.allCases { #expect(rules[kind] == IdentityRules.standard[kind], "\(kind.name)") }
    #expect(rules.junk == JunkIdentifiers.standard)
  }

  @Test func everyFaultIsNamedWithItsLine() {
    let text = """
      identity: own
      version: 2
      author: Li
      kinds:
        member_id: {priority: 1, per_customer: 0}
        national_id_hash: {priority: 2, per_customer: 1}
        union_id: {priority: 2, per_customer: 5}
        phone: {priority: 4, per_customer: 10}
      customers_per_event: 10
      junk: [test, Test]
      end: true
      """
    do {
      _ = try IdentityDocument.decode(Array(text.utf8), source: "own.yaml")
      Issue.record("the file was taken")
    } catch {
      #expect(error.faults.map(\.line) == [5, 5, 7, 10])
    }
  }
}
