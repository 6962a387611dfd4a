// Data quality by source, stream and field (I-07).
import Contracts
import Domain
import Handling
import Hashing
import Testing
import Text

@testable import IngestCore

@Suite struct QualityTests {
  private static func order(_ id: String, _ members: String, headers: [String: String] = [:], at time: String = "2026-07-01T00:00:00Z") -> InputRecord {
    Kit.input("{\"source\":\"s\",\"order_id\":\"\(id)\",\"occurred_at\":\"\(time)\",\(members)}", headers: headers)
  }

  /// The counts of one batch, by source and stream.
  private func counts(_ records: [InputRecord], at now: Instant = Kit.now) throws -> [QualityCount] {
    var feed = try Feed()
    var store = QualityStore()
    let judged = records.map { record -> Judged in
      var judged = feed.judged(record)
      judged.knownSource = "s"
      return judged
    }
    _ = try IngestBatch.apply(judged, to: &store, hasher: try FactHasher(), zone: Kit.shanghai, at: now)
    return store.written
  }

  @Test("a field is complete in the accepted records that fill it, and in error once for each record that is refused for it") func fields() throws {
    let counts = try counts([
      QualityTests.order("1", #""total":"5","channel":"web","customer":{"member_id":"M","phone":"13912345678"},"lines":[{"sku":"S","amount":1}]"#),
      QualityTests.order("2", #""total":"5","event_id":"e","customer":{"member_id":"M","name":"A"}"#),
      QualityTests.order("2", #""total":"5","event_id":"e","customer":{"member_id":"M","name":"A"}"#),
      QualityTests.order("3", #""total":"x","customer":{"phone":"1"},"lines":[{"amount":1},{"sku":"S","quantity":"q","amount":1}]"#),
      Kit.input("{", headers: [:]),
    ])
    let count = try #require(counts.first)
    #expect(counts.count == 1 && count.source == "s" && count.stream == "orders")
    #expect([count.records, count.accepted, count.duplicates, count.refused] == [5, 2, 1, 2])
    func filled(_ field: QualityField) -> Int64 { count.filled[field.rawValue] }
    #expect([filled(.record), filled(.orderID), filled(.memberID), filled(.customer), filled(.amount)] == [2, 2, 2, 2, 2])
    #expect([filled(.eventID), filled(.channel), filled(.phone), filled(.name), filled(.lines), filled(.paidAt)] == [1, 1, 1, 1, 1, 0])
    func errors(_ field: QualityField) -> Int64 { count.errors[field.rawValue] }
    #expect([errors(.amount), errors(.phone), errors(.lines), errors(.record), errors(.other)] == [1, 1, 1, 1, 0])
  }

  @Test("lateness is from what happened to its arrival; imports of the past are not late") func lateness() throws {
    // Kit.now is 2026-07-01T12:00:00Z.
    let body = #""total":"5","customer":{"member_id":"M"}"#
    let now = Instant(seconds: 1_782_907_200)
    let counts = try counts(
      [
        QualityTests.order("1", body, at: "2026-07-01T11:59:59Z"), QualityTests.order("2", body, at: "2026-07-01T11:55:00Z"),
        QualityTests.order("3", body, at: "2026-07-01T11:54:59Z"), QualityTests.order("4", body, at: "2026-06-01T12:00:00Z"),
        QualityTests.order("5", body, at: "2026-07-01T12:04:00Z"), QualityTests.order("6", body, headers: [Header.importID: "i"], at: "2010-01-01T00:00:00Z"),
      ], at: now)
    let count = try #require(counts.first)
    #expect(count.lateness == [2, 0, 0, 1, 1, 0, 1] && count.late == 2 && count.latestSeconds == 30 * 86_400)
  }

  @Test("contacts, behaviours and answers are counted apart, by what they are and not by the topic that a mapping's file came by") func streams() throws {
    let counts = try counts([
      Kit.input(InteractionTests.contact, stream: .contacts), Kit.input(InteractionTests.behaviour, stream: .behaviours),
      Kit.input(InteractionTests.answer, stream: .answers), Kit.input("{}", stream: .answers),
    ])
    #expect(counts.map { "\($0.source) \($0.stream) \($0.records) \($0.refused)" } == [
      "app behaviours 1 0", "desk contacts 1 0", "polls answers 1 0", "s answers 1 1",
    ])
    #expect(counts[1].filled[QualityField.attachments.rawValue] == 1 && counts[2].filled[QualityField.score.rawValue] == 1)
  }

  @Test("3 in 1,000 is the ceiling, and is not above it") func ceiling() {
    #expect(!QualityCount.isAboveCeiling(3, of: 1_000) && QualityCount.isAboveCeiling(4, of: 1_000))
    #expect(!QualityCount.isAboveCeiling(0, of: 0) && QualityCount.isAboveCeiling(1, of: 1))
  }

  @Test("the places of fields in stored lists never change") func places() {
    // What a stored list means: changing one of these gives old days another sense.
    #expect(QualityField.record.rawValue == 0 && QualityField.amount.rawValue == 10 && QualityField.phone.rawValue == 16)
    #expect(QualityField.lines.rawValue == 27 && QualityField.survey.rawValue == 39 && QualityField.other.rawValue == 46)
    #expect(Set(QualityField.allCases.map(\.key)).count == QualityField.allCases.count)
  }
}

private struct QualityStore: IngestStore {
  var written: [QualityCount] = []

  mutating func load(facts keys: [Digest128], orders: [Digest128]) -> (facts: [StoredFact], orders: [OrderHome]) { ([], []) }
  mutating func takeWaiting(_ keys: [Digest128]) -> [WaitingFact] { [] }
  mutating func write(_ changes: IngestChanges) { written = changes.quality }
}
