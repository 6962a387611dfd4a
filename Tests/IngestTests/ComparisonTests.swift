// Two records with one id, side by side (I-06).
import Testing
import Text

@testable import IngestCore

@Suite struct ComparisonTests {
  private func differences(_ first: String, _ second: String) -> [String]? {
    RecordComparison(first: Array(first.utf8), second: Array(second.utf8))?.differences.map { difference in
      "\(difference.field): \(difference.first?.encodedText ?? "-") / \(difference.second?.encodedText ?? "-")"
    }
  }

  @Test("every field that differs is named with both values, in the first record's order; the order of members means nothing") func fields() {
    let first = #"{"total":"5","customer":{"phone":"1","name":"A"},"lines":[{"sku":"S"},{"sku":"T"}],"note":null}"#
    let second = #"{"lines":[{"sku":"S","q":2}],"customer":{"name":"B","phone":"1"},"total":5,"note":null,"more":[]}"#
    #expect(
      differences(first, second) == [
        #"total: "5" / 5"#, #"customer.name: "A" / "B""#, #"lines[0].q: - / 2"#, #"lines[1]: {"sku":"T"} / -"#, "more: - / []",
      ])
    #expect(differences(first, first) == [])
  }

  @Test("an envelope is no part of the content, and what is no JSON cannot be compared by fields") func envelopes() {
    #expect(differences(#"{"specversion":"1.0","id":"1","data":{"a":1}}"#, #"{"a":2}"#) == ["a: 1 / 2"])
    #expect(differences("[1]", "{}") == ["record: [1] / {}"])
    #expect(differences("{", "{}") == nil)
  }

  @Test("what two records may differ in has a bound, and it is said") func bound() throws {
    func record(_ value: Int) -> [UInt8] { Array(("[" + Array(repeating: "\(value)", count: 500).joined(separator: ",") + "]").utf8) }
    let comparison = try #require(RecordComparison(first: record(1), second: record(2)))
    #expect(comparison.differences.count == RecordComparison.differencesMax && comparison.isCut)
  }
}
