// Duplicates, conflicts, homes and waiting facts, over a store in memory (I-05, I-06).
import Contracts
import Domain
import Handling
import Testing
import Text

@testable import IngestCore

enum Sample {
  static func order(
    _ id: String, customer: String? = "M1", revision: Int = 1, total: String = "5", eventID: String? = nil, source: String = "s"
  ) -> InputRecord {
    Kit.input(
      """
      {"source":"\(source)","order_id":"\(id)","revision":\(revision),\
      "occurred_at":"2026-06-30T10:00:00Z","status":"paid","total":"\(total)"\
      \(eventID.map { ",\"event_id\":\"\($0)\"" } ?? "")\(customer.map { ",\"customer\":{\"member_id\":\"\($0)\"}" } ?? "")}
      """)
  }

  static func refund(_ reference: String, of order: String?, customer: String? = nil, amount: String = "1") -> InputRecord {
    Kit.input(
      """
      {"type":"refund","source":"s","refund_id":"\(reference)","occurred_at":"2026-06-30T11:00:00Z","amount":"\(amount)"\
      \(order.map { ",\"order_id\":\"\($0)\"" } ?? "")\(customer.map { ",\"customer\":{\"member_id\":\"\($0)\"}" } ?? "")}
      """)
  }

  /// Orders with revisions, payments, refunds, cancellations and repetitions of them, some without a customer.
  static func history(_ chance: inout Chance, orders: Int = 12) -> [InputRecord] {
    var records: [InputRecord] = []
    for number in 0..<orders {
      let customer = "M\(Int.random(in: 0..<5, using: &chance))"
      for revision in 1...Int.random(in: 1...2, using: &chance) {
        records.append(
          order(
            "o\(number)", customer: customer, revision: revision, total: "\(10 + revision)", eventID: revision == 1 ? "e\(number)" : nil))
      }
      for refund in 0..<Int.random(in: 0...2, using: &chance) {
        records.append(self.refund("r\(refund)", of: "o\(number)", customer: Bool.random(using: &chance) ? customer : nil))
      }
    }
    // Facts of orders that never come.
    records += [refund("x", of: "never"), refund("y", of: "never")]
    for _ in 0..<records.count / 2 { if let again = records.randomElement(using: &chance) { records.append(again) } }
    records.shuffle(using: &chance)
    return records
  }
}

@Suite struct IdentityTests {
  @Test("a fact that comes again has no effect, whatever comes between") func duplicate() throws {
    var feed = try Feed()
    var store = MemoryIngestStore()
    #expect(try feed.apply([Sample.order("1"), Sample.order("1")], to: &store).orders.count == 1)
    let again = try feed.apply([Sample.order("1"), Sample.order("2"), Sample.order("1")], to: &store)
    #expect(again.orders.map(\.orderID) == ["2"] && again.refusals.isEmpty)
    #expect(store.sources["s"] == SourceCount(source: "s", records: 5, accepted: 2, duplicates: 3, refused: 0))
  }

  @Test("a repetition under another event id is still a repetition") func otherEventID() throws {
    var feed = try Feed()
    var store = MemoryIngestStore()
    _ = try feed.apply([Sample.order("1", eventID: "a")], to: &store)
    let outcome = try feed.apply([Sample.order("1", eventID: "b")], to: &store)
    #expect(outcome.orders.isEmpty && outcome.refusals.isEmpty)
  }

  @Test("another content under the same order id and revision is refused, and the first is named") func conflict() throws {
    var feed = try Feed()
    var store = MemoryIngestStore()
    _ = try feed.apply([Sample.order("0"), Sample.order("1", total: "5")], to: &store)
    let outcome = try feed.apply([Sample.order("1", total: "6")], to: &store)
    #expect(outcome.codes == ["order_id.conflict"])
    let detail = outcome.refusals.first?.faults.first?.detail ?? ""
    let first = FirstOfConflict(in: detail)
    #expect(first?.place == InputPlace(topic: "in.orders.v1", partition: 0, offset: 1) && first?.receivedAt == "2026-07-01T12:00:00Z")
    #expect(outcome.orders.isEmpty)
  }

  @Test("another content under the same event id is refused") func eventConflict() throws {
    var feed = try Feed()
    var store = MemoryIngestStore()
    let outcome = try feed.apply(
      [Sample.order("1", eventID: "e"), Sample.order("2", eventID: "e"), Sample.order("2", eventID: "f")], to: &store)
    #expect(outcome.codes == ["event_id.conflict"])
    #expect(outcome.orders.map(\.orderID) == ["1", "2"])
  }

  @Test("the same event id from two sources is no conflict") func sources() throws {
    var feed = try Feed()
    var store = MemoryIngestStore()
    let outcome = try feed.apply([Sample.order("1", eventID: "e"), Sample.order("1", eventID: "e", source: "t")], to: &store)
    #expect(outcome.orders.count == 2 && outcome.refusals.isEmpty)
  }

  @Test("a refused record leaves nothing behind: corrected, it is accepted") func corrected() throws {
    var feed = try Feed()
    var store = MemoryIngestStore()
    _ = try feed.apply([Sample.order("1", total: "-5")], to: &store)
    #expect(store.facts.isEmpty && store.orders.isEmpty)
    #expect(try feed.apply([Sample.order("1", total: "5")], to: &store).orders.count == 1)
  }

  @Test("a fact without a customer takes the order's, before and after the order") func home() throws {
    for records in [[Sample.order("1"), Sample.refund("r", of: "1")], [Sample.refund("r", of: "1"), Sample.order("1")]] {
      for batches in [[records], records.map { [$0] }] {
        var feed = try Feed()
        var store = MemoryIngestStore()
        var events: [OrderEvent] = []
        for batch in batches { events += try feed.apply(batch, to: &store).orders }
        #expect(Set(events.map(\.kind)) == [.order, .refund])
        #expect(events.allSatisfy { $0.identifiers == [Identifier(kind: .memberID, value: "M1")] })
        #expect(store.waiting.isEmpty)
      }
    }
  }

  @Test("a fact of an order that nobody has told of waits, and counts as accepted") func waits() throws {
    var feed = try Feed()
    var store = MemoryIngestStore()
    let outcome = try feed.apply([Sample.refund("r", of: "1"), Sample.refund("r", of: "1")], to: &store)
    #expect(outcome.orders.isEmpty && outcome.refusals.isEmpty && store.waiting.count == 1)
    #expect(store.sources["s"]?.accepted == 1 && store.sources["s"]?.duplicates == 1)
  }

  @Test("any event that names somebody frees what waits for its order") func freed() throws {
    var feed = try Feed()
    var store = MemoryIngestStore()
    _ = try feed.apply([Sample.refund("r1", of: "1")], to: &store)
    let outcome = try feed.apply([Sample.refund("r2", of: "1", customer: "M1"), Sample.refund("r3", of: "1")], to: &store)
    #expect(Set(outcome.orders.map(\.reference)) == ["r1", "r2", "r3"] && store.waiting.isEmpty)
  }

  @Test("an order's home comes first in all its events, then their own identifiers") func homeFirst() throws {
    var feed = try Feed()
    var store = MemoryIngestStore()
    _ = try feed.apply(
      [Kit.input(#"{"source":"s","order_id":"1","occurred_at":"2026-06-30T10:00:00Z","total":"5","customer":{"open_id":"o1"}}"#)],
      to: &store)
    let outcome = try feed.apply([Sample.refund("r", of: "1", customer: "M1")], to: &store)
    #expect(outcome.orders.first?.identifiers == [Identifier(kind: .openID, value: "o1"), Identifier(kind: .memberID, value: "M1")])
  }

  @Test("an order does not move to another person") func moved() throws {
    var feed = try Feed()
    var store = MemoryIngestStore()
    _ = try feed.apply([Sample.order("1", customer: "M1")], to: &store)
    let outcome = try feed.apply([Sample.refund("r", of: "1", customer: "M2"), Sample.refund("q", of: "1", customer: "M1")], to: &store)
    #expect(outcome.codes == ["customer.member_id.order_moved"] && outcome.orders.map(\.reference) == ["q"])
  }

  @Test("a second phone of the same member is no other person") func samePerson() throws {
    func record(_ order: String, _ phone: String) -> InputRecord {
      Kit.input(
        #"{"source":"s","order_id":"1","revision":\#(order),"occurred_at":"2026-06-30T10:00:00Z","total":"5","#
          + #""customer":{"member_id":"M","phone":"\#(phone)","phone_verified":true}}"#
      )
    }
    var feed = try Feed()
    var store = MemoryIngestStore()
    let outcome = try feed.apply([record("1", "13912345678"), record("2", "13912345679")], to: &store)
    #expect(outcome.refusals.isEmpty && outcome.orders.count == 2)
  }

  @Test("what an order tells about a person becomes a customer fact of its own") func attributes() throws {
    var feed = try Feed()
    var store = MemoryIngestStore()
    let record = Kit.input(
      #"{"source":"s","order_id":"1","occurred_at":"2026-06-30T10:00:00Z","total":"5","customer":{"member_id":"M","name":"Li"}}"#)
    let outcome = try feed.apply([record, record], to: &store)
    #expect(outcome.customers.map(\.eventID) == ["order/1/1/customer"] && outcome.customers.first?.attributes == [.name: "Li"])
  }

  @Test("the same records in any order and any batches end in the same published facts", arguments: 0..<200)
  func anyOrder(seed: Int) throws {
    var chance = Chance(UInt64(seed))
    let history = Sample.history(&chance)
    let first = try IdentityTests.published(history, &chance)
    let second = try IdentityTests.published(history.shuffled(using: &chance), &chance)
    #expect(first.events == second.events && first.waiting == second.waiting, "seed \(seed)")
    #expect(!first.events.isEmpty && first.waiting == ["x", "y"])
  }

  static func published(_ records: [InputRecord], _ chance: inout Chance) throws -> (events: Set<OrderEvent>, waiting: Set<String>) {
    var feed = try Feed()
    var store = MemoryIngestStore()
    var events: [OrderEvent] = []
    var rest = records[...]
    while !rest.isEmpty {
      let batch = rest.prefix(Int.random(in: 1...9, using: &chance))
      rest = rest.dropFirst(batch.count)
      let outcome = try feed.apply(Array(batch), to: &store)
      #expect(outcome.refusals.isEmpty)
      events += outcome.orders
    }
    #expect(Set(events).count == events.count, "nothing is published twice")
    return (Set(events), Set(store.waiting.map(\.event.reference)))
  }

  @Test("imports count records and lines: accepted, duplicate, quarantined by the first reason") func imports() throws {
    func part(of record: InputRecord, lines: Int64) -> InputRecord {
      var record = record
      record.importID = "i1"
      record.lines = lines
      return record
    }
    var feed = try Feed()
    var store = MemoryIngestStore()
    _ = try feed.apply(
      [
        part(of: Sample.order("1"), lines: 3), part(of: Sample.order("1"), lines: 3), part(of: Sample.order("2", customer: nil), lines: 4),
        part(of: Sample.order("1", total: "9"), lines: 1), part(of: Sample.refund("r", of: "9"), lines: 2), Sample.order("5"),
      ], to: &store)
    #expect(store.import_(.accepted) == (2, 5))
    #expect(store.import_(.duplicate) == (1, 3))
    #expect(store.import_(.quarantined) == (2, 5))
    #expect(store.imports[.init(importID: "i1", outcome: .quarantined, reason: "customer.missing")]?.lines == 4)
    #expect(store.imports[.init(importID: "i1", outcome: .quarantined, reason: "order_id.conflict")]?.lines == 1)
  }

  @Test("a trace goes through; a record without one gets the same each time") func traces() throws {
    var feed = try Feed()
    var store = MemoryIngestStore()
    var traced = Sample.order("1")
    traced.traceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    let outcome = try feed.apply([traced, Sample.order("2")], to: &store)
    #expect(outcome.publications.first?.traceParent == traced.traceParent)
    #expect(outcome.publications.last?.traceParent == TraceText.made(of: InputPlace(topic: "in.orders.v1", partition: 0, offset: 1)))
    #expect(outcome.publications.last?.traceParent.count == 55)
  }
}
