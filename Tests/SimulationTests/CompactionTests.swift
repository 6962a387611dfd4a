// Snapshots on compacted topics: what a cleaner leaves must be enough for whoever reads later.
import Contracts
import Kafka
import Testing

@testable import Messaging

@Suite("Compaction") struct CompactionTests {
  private func record(_ offset: Int64, _ customer: Int, _ version: Int, number: Int) -> KafkaRecord {
    let id = "000000000000000\(customer)"
    let value =
      #"{"customer_id":"\#(id)","version":\#(version),"as_of":"1998-07-01","first_seen_at":"1998-01-01T00:00:00Z","lifecycle":"potential","#
      + #""currency":"CNY","days":[]}"#
    return KafkaRecord(
      topic: Topics.profiles.name, partition: 0, offset: offset, key: Array(id.utf8), value: Array(value.utf8),
      headers: [KafkaHeader(Header.lane, "profile/ingest.orders.v1/0"), KafkaHeader(Header.sequence, String(number))])
  }

  @Test("A snapshot of which only a late copy is left is read, although higher numbers of its lane came before")
  func theOnlyCopyLeftIsNotARepeat() throws {
    let place = TopicPartition(topic: Topics.profiles.name, partition: 0)
    let reading = PartitionReading(try Setting.shared.get().tiering(true), place)
    var batch = Batch<SimulatedTiering.Item>(from: Position(nextOffset: 0, epoch: 1))
    // The log was 1: customer 1, 2: customer 2, 3: customer 2, and then 1 again, from a former owner whose request came late.
    for record in [record(2, 2, 2, number: 3), record(3, 1, 1, number: 1)] {
      record.withBorrowed { reading.read($0, into: &batch) { _, _ in false } }
    }
    let halt = batch.halt
    #expect(halt == nil)
    #expect(batch.entries.map(\.offset) == [2, 3])
  }

  @Test("The same seed gives the same run, step by step")
  func runsCanBeHadAgain() throws {
    for seed in 1...5 as ClosedRange<UInt64> {
      let traces = try (0..<2).map { _ in
        let world = try World(seed: seed, setting: try Setting.shared.get(), isTraced: true)
        world.run()
        return world.trace
      }
      #expect(traces[0] == traces[1], "seed \(seed)")
    }
  }
}
