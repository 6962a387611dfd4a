// A small truth and what a run without fault leaves of it, made by hand.
@testable import FaultHarness
import Contracts

enum HandMade {
  /// Two orders, one of them partly refunded, a registration, a repetition and a record that must be refused.
  static var truth: Truth {
    var truth = Truth(customers: 2)
    truth.meanings = [.fact, .repetition, .invalid, .fact, .fact, .fact]
    truth.streams = [true, true, true, true, true, false]
    var first = Truth.Order(customer: 0, day: 3, total: 1_000)
    first.isPaidAtOnce = true
    var second = Truth.Order(customer: 1, day: 4, total: 500)
    second.isPaidAtOnce = true
    second.refund = 200
    truth.orders = [first, second]
    truth.customerFacts = 1
    for id in facts { truth.expect(id) }
    truth.see(1)
    return truth
  }

  static let facts = ["shop/order/O0/1", "shop/order/O1/1", "shop/refund/O1/R1", "crm/E1"]
  static let refused = PlaceKey(topic: Topics.ordersIn.name, partition: 0, offset: 2)

  static func audit(_ topic: String, lane: String, _ ids: [String], versions: [Int64?] = []) -> LaneAudit {
    var audit = LaneAudit(topic: topic)
    for (place, id) in ids.enumerated() {
      audit.take(record(lane: lane, Int64(place) + 1, id, version: place < versions.count ? versions[place] : nil))
    }
    return audit
  }

  static func record(lane: String, _ sequence: Int64, _ id: String, version: Int64? = nil) -> AuditedRecord {
    AuditedRecord(partition: 0, lane: lane, sequence: sequence, eventID: id, key: Array("key".utf8), version: version)
  }

  static var evidence: Evidence {
    let orders = Topics.orders.name, customers = Topics.customers.name, profiles = Topics.profiles.name
    let parked = Topics.parked("ingest", Topics.ordersIn.name).name
    var evidence = Evidence()
    evidence.input = [Topics.ordersIn.name: [0: [0, 1, 2, 3, 4]], Topics.customersIn.name: [0: [5]]]
    evidence.ends = [Topics.ordersIn.name: [0: 5], Topics.customersIn.name: [0: 1], orders: [0: 3], customers: [0: 1], profiles: [0: 2]]
    evidence.audits = [
      orders: audit(orders, lane: "ingest/in.orders.v1/0", Array(facts.prefix(3))),
      customers: audit(customers, lane: "ingest/in.customers.v1/0", [facts[3]]),
      parked: audit(parked, lane: "ingest/in.orders.v1/0", ["ingest/in.orders.v1/0/2"]),
      profiles: audit(profiles, lane: "profile/ingest.orders.v1/0", ["11:1", "12:1"], versions: [1, 2]),
    ]
    evidence.positions = [
      StoredPosition(consumer: "ingest", topic: Topics.ordersIn.name, partition: 0, next: 5, lanesOut: ["\(orders)/0": 3, "\(parked)/0": 1]),
      StoredPosition(consumer: "ingest", topic: Topics.customersIn.name, partition: 0, next: 1, lanesOut: ["\(customers)/0": 1]),
      StoredPosition(consumer: "profile", topic: orders, partition: 0, next: 3, lanesOut: ["\(profiles)/0": 2]),
      StoredPosition(consumer: "profile", topic: customers, partition: 0, next: 1),
      StoredPosition(consumer: "tiering", topic: profiles, partition: 0, next: 2),
    ]
    evidence.ingestFacts = 4
    evidence.sourceCounts = SourceCounts(records: 6, accepted: 4, duplicates: 1, refused: 1)
    evidence.orders = [
      StoredOrder(number: 0, revision: 1, total: 1_000, isPaid: true), StoredOrder(number: 1, revision: 1, total: 500, isPaid: true, refund: 200),
    ]
    evidence.registrations = 1
    evidence.members = [Truth.member(0): 11, Truth.member(1): 12]
    evidence.profile = [
      11: StoredCustomer(version: 1, figures: .init(orders: 1, spend: 1_000)), 12: StoredCustomer(version: 2, figures: .init(orders: 1, spend: 300)),
    ]
    evidence.tiering = evidence.profile
    evidence.quarantine = [refused: 1]
    evidence.rebuildDifferences = 0
    return evidence
  }
}
