// `clientele import`: what is refused before anything happens, how fast records go out, and that every line is accounted for.
import ClienteleCore
import CommandLine
import IngestCore
import Kafka
import Synchronization
import Testing
import Text

@testable import ClienteleCore

@Suite(.timeLimit(.minutes(1)))
struct ImportTests {
  private static let mapping = """
    mapping: till
    version: 1
    source: till
    owner: test
    format: {kind: csv}
    kinds: [{kind: order}]
    order:
      order_id: {field: id}
      occurred_at: {field: at, pattern: "%Y%m%d", time_zone: business}
      paid_at: occurred_at
      currency: base
      total: {field: total}
      channel: {constant: shop}
      status: {constant: paid}
      customer:
        member_id: {field: member}
      lines:
        sku: {constant: X}
        name: {constant: x}
        quantity: {constant: "1"}
        amount: {field: total}
    end: true

    """

  private static func call(_ folder: Folder, file: String, source: String = "till", mapping: String = mapping) async -> Called {
    let path = folder.write("till.yaml", mapping)
    return await Tool.call(["import", file, "--source", source, "--mapping", path, "--folder", folder.path])
  }

  @Test func aMappingsFaultsAreToldWithTheirLinesBeforeASuiteIsLookedFor() async {
    let called = await Self.call(Folder(), file: "/nowhere.csv", mapping: Self.mapping.replacing("version: 1", with: "version: none"))
    #expect(called.code == .failed && called.error.contains("till.yaml:2:"), "\(called.error)")
  }

  @Test func theSourceGivenOutranksTheMappingsOwn() throws {
    let folder = Folder()
    let order = ImportOrder(file: "/nowhere.csv", source: "web", mapping: folder.write("till.yaml", Self.mapping), waitLimit: .seconds(1))
    let mapping = try FileImport.mapping(order).mapping
    var records = FileRecords(mapping: mapping, mappingID: "till@1-0", importID: "i", source: order.source)
    let found = try records.take(Array("id,at,member,total\n1,20260102,M1,5.00\n".utf8)) + records.finish()
    let header = found.first?.headers.first { $0.name == "source" }?.value
    #expect(header == "web")
  }

  @Test func aMissingFileIsToldBeforeAnythingIsRegistered() async throws {
    let mapping = Self.mapping
    let (called, requests) = try await FakeSuite.run({ _, _ in }) { suite in
      (await Self.call(suite.folder, file: "/nowhere.csv", mapping: mapping), suite.requests)
    }
    #expect(called == Called(code: .failed, out: "", error: "clientele: /nowhere.csv cannot be opened: No such file or directory\n"))
    #expect(requests == [])
  }

  @Test func whatIsMissingOnTheCommandLineIsSaid() async {
    #expect(await Tool.call(["import", "a.csv", "--source", "till"]).code == .usage)
    #expect(await Tool.call(["import", "a.csv", "--source", "till", "--mapping", "m.yaml", "--wait-seconds", "0"]).code == .usage)
  }

  @Test func everyRecordOfTheFileIsAccountedFor() throws {
    var result = ImportResult(importID: "i", mappingID: "m", source: "till", records: 20, events: 12)
    result.take(
      import: try JSONValue(
        parsing: #"""
          {"accepted":{"records":5,"lines":9},"duplicate":{"records":1,"lines":2},"skipped":{"records":1,"lines":1},
           "quarantined":{"records":4,"lines":7},
           "reasons":[{"outcome":"skipped","reason":"test order","records":1,"lines":1},
            {"outcome":"quarantined","reason":"customer.missing","records":2,"lines":4},{"outcome":"quarantined","reason":"total.form","records":1,"lines":1}]}
          """#))
    #expect(result.unaccounted == 1)
    #expect(result.quarantined == ["customer.missing": 4, "total.form": 1, "unnamed": 2])
    result.milliseconds = 1_005
    result.records = 19
    #expect(result.unaccounted == 0)
    #expect(
      result.json.encodedText == #"""
        {"records":19,"events":12,"accepted":9,"accepted_events":5,"duplicates":2,"skipped":{"test order":1},\#
        "quarantined":{"customer.missing":4,"total.form":1,"unnamed":2},"customers":0,"merged":0,"seconds":1.005,"lines_per_second":18,\#
        "is_resumed":false,"import_id":"i","mapping_id":"m"}
        """#)
  }

  @Test func whatAResumedImportSentTwiceIsNoLoss() {
    var result = ImportResult(importID: "i", mappingID: "m", source: "till", records: 20, events: 20)
    result.accepted = 18
    result.duplicates = 5
    #expect(result.unaccounted == -3)
    result.isResumed = true
    result.milliseconds = 1_000
    #expect(result.unaccounted == 0 && result.linesPerSecond == nil)
    result.accepted = 10
    #expect(result.unaccounted == 5)
  }

  // MARK: - Checkpoints

  @Test func aCheckpointReadsBackAsItWasAndFitsOnlyItsOwnFileMappingAndSource() async throws {
    let folder = Folder()
    let file = folder.write("a.csv", "id,total\n1,5\n")
    let digest = try await ImportCheckpoint.digest(of: file)
    var checkpoint = ImportCheckpoint(importID: "i", mappingID: "m@1", source: "till", digest: digest.text, digestBytes: digest.bytes)
    (checkpoint.line, checkpoint.records, checkpoint.events) = (7, 6, 3)
    let path = folder.write("c.json", "")
    try checkpoint.save(path)
    #expect(try await ImportCheckpoint.load(path) == checkpoint)
    #expect(try await ImportCheckpoint.load(folder.path + "/none.json") == nil)
    #expect(checkpoint.obstacle(file: file, mappingID: "m@1", source: "till", digest: digest) == nil)
    #expect(checkpoint.obstacle(file: file, mappingID: "m@2", source: "till", digest: digest) == "the mapping was m@1 and is m@2")
    #expect(checkpoint.obstacle(file: file, mappingID: "m@1", source: "web", digest: digest) == "the source was till and is web")
    let other = try await ImportCheckpoint.digest(of: folder.write("b.csv", "id,total\n1,6\n"))
    #expect(checkpoint.obstacle(file: "b.csv", mappingID: "m@1", source: "till", digest: other) == "it is of another file than b.csv")
    _ = folder.write("broken.json", "{\"import_id\":1}")
    await #expect(throws: SuiteFailure.self) { _ = try await ImportCheckpoint.load(folder.path + "/broken.json") }
    #expect(await Tool.call(["import", "-", "--source", "till", "--mapping", file, "--checkpoint", path]).code == .usage)
  }

  // MARK: - Pace

  @Test func bytesCountFromHandingOverUntilTheyAreRead() {
    var unread = UnreadBytes(isLimited: true)
    unread.handedOver(0, 1_500_000)
    #expect(unread.hasRoom(0, 597_152) && !unread.hasRoom(0, 597_153) && unread.hasRoom(1, 2_000_000))
    unread.stored(0, 1_000_000, at: 10)
    unread.stored(0, 500_000, at: 12)
    #expect(unread.total(0) == 1_500_000)
    unread.read(0, upTo: 12)
    #expect(unread.total(0) == 500_000 && unread.isRefillable(0, 548_576) && !unread.isRefillable(0, 548_577))
    unread.read(0, upTo: 13)
    #expect(unread.total(0) == 0 && unread.ends == [0: 13])
    // Alone, a record of any size goes.
    #expect(unread.hasRoom(0, 9_000_000))
    unread.handedOver(0, 100)
    unread.failed(0, 100)
    #expect(unread.total(0) == 0)
  }

  @Test func aBrokerThatKeepsWhatIsUnreadIsNotWaitedFor() {
    var unread = UnreadBytes(isLimited: false)
    unread.handedOver(0, 50_000_000)
    unread.stored(0, 50_000_000, at: 0)
    #expect(unread.hasRoom(0, 50_000_000) && unread.ends == [0: 1])
  }

  @Test func noPartitionOfTheBuiltInBrokerEverHoldsMoreThanIsAllowed() async throws {
    let broker = try BuiltInBroker()
    try broker.createTopic("in", partitions: 2)
    let settings = KafkaSettings(brokers: broker.address, clientId: "test", isBuiltIn: true)
    let admin = try KafkaAdmin(settings)
    let reader = Reader(admin)
    let publisher = try PacedPublisher(settings, topic: "in", partitions: 2, limit: .seconds(20)) { try await reader.read() }
    let value = [UInt8](repeating: 0x78, count: 50_000)
    for number in 0..<200 { try await publisher.publish(key: Array("k\(number)".utf8), value: value, headers: []) }
    let ends = try await publisher.finish()
    await publisher.close()
    await admin.close()
    #expect(ends.values.reduce(0, +) == 200)
    #expect(ends.keys.sorted() == [TopicPartition(topic: "in", partition: 0), TopicPartition(topic: "in", partition: 1)])
    let most = reader.most
    #expect(most > 0 && most * 50_000 <= 2 << 20, "\(most) records were unread at once")
    broker.stop()
  }

  /// Reads everything that is there whenever it is asked, and remembers the most it found in one partition.
  private final class Reader: Sendable {
    private let admin: KafkaAdmin
    private let state = Mutex<(next: [TopicPartition: Int64], most: Int64)>(([:], 0))

    init(_ admin: KafkaAdmin) { self.admin = admin }

    var most: Int64 { state.withLock { $0.most } }

    func read() async throws -> [TopicPartition: Int64] {
      for number in Int32(0)..<2 {
        let place = TopicPartition(topic: "in", partition: number)
        let high = try await admin.watermarks(place).high
        state.withLock { state in
          state.most = max(state.most, high - (state.next[place] ?? 0))
          state.next[place] = high
        }
      }
      return state.withLock { $0.next }
    }
  }

  @Test func aSuiteThatDoesNotReadIsGivenUp() async throws {
    let broker = try BuiltInBroker()
    try broker.createTopic("in", partitions: 1)
    let settings = KafkaSettings(brokers: broker.address, clientId: "test", isBuiltIn: true)
    let publisher = try PacedPublisher(settings, topic: "in", partitions: 1, limit: .milliseconds(200)) { [:] }
    await #expect(throws: SuiteFailure.self) {
      for _ in 0..<100 { try await publisher.publish(key: nil, value: [UInt8](repeating: 0x78, count: 50_000), headers: []) }
    }
    await publisher.close()
    broker.stop()
  }
}
