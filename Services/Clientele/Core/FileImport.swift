// `clientele import`: a file through the whole suite, and every line of it accounted for (I-02, I-03).
public import CommandLine
public import Domain
import Contracts
import Documents
import Glibc
import HTTP
import IngestCore
import Kafka
import Lifecycle
import Synchronization
import Telemetry
import Text

/// What is to be imported.
public struct ImportOrder: Sendable {
  public var file: String
  public var source: String
  public var mapping: String
  /// How long the suite may take to read everything, and how long nothing may move while publishing.
  public var waitLimit: Duration
  /// A file that remembers how far the import came; with it an import that was broken off goes on from there.
  public var checkpoint: String?

  public init(file: String, source: String, mapping: String, waitLimit: Duration, checkpoint: String? = nil) {
    self.file = file
    self.source = source
    self.mapping = mapping
    self.waitLimit = waitLimit
    self.checkpoint = checkpoint
  }
}

/// One import: registers the mapping, publishes the records, waits until the suite has read them, counts.
public final class FileImport: Sendable {
  private let order: ImportOrder
  private let services: ServiceClient
  private let progress: Progress
  private let say: @Sendable (String) -> Void

  /// - Parameter say: told in words what is waited for.
  public init(_ order: ImportOrder, services: ServiceClient, progress: Progress, say: @escaping @Sendable (String) -> Void) {
    self.order = order
    self.services = services
    self.progress = progress
    self.say = say
  }

  /// Records of the file that were handed to the brokers so far.
  public var publishedRecords: Int { progress.done }

  public func run() async throws -> ImportResult {
    let begun = ContinuousClock.now
    let (mapping, yaml) = try FileImport.mapping(order)
    // Before anything is registered or published.
    let file = try InputFile(order.file)
    let registered = try await services.call("ingest", .put, "/v1/mappings", body: yaml, contentType: "application/yaml")
    guard let mappingID = registered["id"]?.stringValue else { throw SuiteFailure("ingest did not say under which id it keeps the mapping") }
    let start = try await self.start(mappingID)
    let admin = try KafkaAdmin(try services.connection.kafka(), limitMilliseconds: 10_000)
    do {
      var result = try await publish(file, mapping, start, admin)
      if result.records > 0 {
        result.take(import: try await services.call("ingest", .get, "/v1/imports/" + ServiceClient.escaped(result.importID)))
      }
      result.take(unification: try await services.call("profile", .get, "/v1/sources/\(ServiceClient.escaped(order.source))/unification"))
      if let path = order.checkpoint { remove(path) }
      result.milliseconds = Int64(begun.duration(to: .now) / .milliseconds(1))
      await admin.close()
      return result
    } catch {
      await admin.close()
      throw error
    }
  }

  /// The mapping and the text of its file; throws all its faults with their lines.
  public static func mapping(_ order: ImportOrder) throws -> (mapping: Mapping, yaml: [UInt8]) {
    let yaml = try DocumentFile.read(order.mapping)
    return (try MappingDocument.decode(yaml, source: order.mapping), yaml)
  }

  /// Where to begin: at the file's beginning, or where the checkpoint says. A file that cannot be read twice has none.
  private func start(_ mappingID: String) async throws -> ImportCheckpoint {
    guard let path = order.checkpoint else {
      return ImportCheckpoint(importID: FileImport.newID(), mappingID: mappingID, source: order.source, digest: "", digestBytes: 0)
    }
    let digest = try await ImportCheckpoint.digest(of: order.file)
    guard let found = try await ImportCheckpoint.load(path) else {
      return ImportCheckpoint(
        importID: FileImport.newID(), mappingID: mappingID, source: order.source, digest: digest.text, digestBytes: digest.bytes)
    }
    if let obstacle = found.obstacle(file: order.file, mappingID: mappingID, source: order.source, digest: digest) {
      throw SuiteFailure("the checkpoint \(path) cannot be used: \(obstacle). Remove it to begin anew; records that are known count as duplicates")
    }
    return found
  }

  private func publish(_ file: borrowing InputFile, _ mapping: Mapping, _ start: ImportCheckpoint, _ admin: KafkaAdmin) async throws -> ImportResult {
    let topic = FileRecords.topic(of: mapping).name
    let partitions = try await admin.partitionCount(topic)
    let services = services
    let ingest = try services.connection.url(of: "ingest")
    let publisher = try PacedPublisher(
      try services.connection.kafka(), topic: topic, partitions: partitions, limit: order.waitLimit,
      positions: { try await ServicePositions.read(ingest, services.client, try services.connection.credentials.headers("ingest")).next })
    var result: ImportResult
    let ends: [TopicPartition: Int64]
    do {
      var records = FileRecords(
        mapping: mapping, mappingID: start.mappingID, importID: start.importID, source: order.source, afterLine: start.line)
      try await publish(file, &records, start, publisher)
      ends = try await publisher.finish()
      result = ImportResult(
        importID: start.importID, mappingID: start.mappingID, source: order.source, records: start.records + records.lineCount,
        events: start.events + records.recordCount)
      result.isResumed = start.line > 0
    } catch {
      await publisher.close(within: .seconds(2))
      throw error
    }
    await publisher.close()
    progress.finish()
    try await CatchUp(addresses: services.connection.addresses(), client: services.client, admin: admin, partitions: partitions)
      .wait(ends: ends, limit: order.waitLimit, said: say)
    return result
  }

  /// Events between two checkpoints: each waits until the brokers have confirmed everything before it.
  static let checkpointEvents: Int64 = 5_000

  private func publish(
    _ file: borrowing InputFile, _ records: inout FileRecords, _ start: ImportCheckpoint, _ publisher: PacedPublisher
  ) async throws {
    var reached = start
    var saved = start.events
    do {
      while true {
        let chunk = try await file.next()
        let found = chunk.isEmpty ? try records.finish() : try records.take(chunk)
        for record in found {
          try Task.checkCancellation()
          try await publisher.publish(key: record.key, value: record.value, headers: record.headers)
          progress.advance(by: Int(record.lines))
          reached.line = record.line
          reached.records += record.lines
          reached.events += 1
          guard let path = order.checkpoint, reached.events - saved >= FileImport.checkpointEvents else { continue }
          _ = try await publisher.finish()
          try reached.save(path)
          saved = reached.events
        }
        if chunk.isEmpty { return }
      }
    } catch let unreadable as FileUnreadable {
      throw SuiteFailure("\(order.file) cannot be read by this mapping:\n" + unreadable.problems.map { "  " + $0 }.joined(separator: "\n"))
    }
  }

  /// An import's own name: the moment and a random part, so that counts of two imports never mix.
  private static func newID() -> String {
    "import-\(String(SystemTime.unixMicroseconds(), radix: 36))-\(String(UInt32.random(in: .min ... .max), radix: 36))"
  }
}

/// Says what is waited for, but not more often than every few seconds.
public final class WaitTeller: Sendable {
  /// Between two remarks.
  static let pause: Duration = .seconds(5)

  private let last: Mutex<ContinuousClock.Instant>
  private let say: @Sendable (String) -> Void

  public init(_ say: @escaping @Sendable (String) -> Void) {
    last = Mutex(.now)
    self.say = say
  }

  public func tell(_ text: String) {
    let isDue = last.withLock { last in
      guard last.duration(to: .now) >= WaitTeller.pause else { return false }
      last = .now
      return true
    }
    if isDue { say(text) }
  }
}
