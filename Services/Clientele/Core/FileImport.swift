// `clientele import`: a file through the whole suite, and every line of it accounted for (I-02, I-03).
public import CommandLine
public import Domain
import Contracts
import Documents
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

  public init(file: String, source: String, mapping: String, waitLimit: Duration) {
    self.file = file
    self.source = source
    self.mapping = mapping
    self.waitLimit = waitLimit
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
    let admin = try KafkaAdmin(try services.connection.kafka(), limitMilliseconds: 10_000)
    do {
      var result = try await publish(file, mapping, mappingID, admin)
      if result.records > 0 {
        result.take(import: try await services.call("ingest", .get, "/v1/imports/" + ServiceClient.escaped(result.importID)))
      }
      result.take(unification: try await services.call("profile", .get, "/v1/sources/\(ServiceClient.escaped(order.source))/unification"))
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

  private func publish(_ file: borrowing InputFile, _ mapping: Mapping, _ mappingID: String, _ admin: KafkaAdmin) async throws -> ImportResult {
    let topic = FileRecords.topic(of: mapping).name
    let partitions = try await admin.partitionCount(topic)
    let services = services
    let ingest = try services.connection.url(of: "ingest")
    let publisher = try PacedPublisher(
      try services.connection.kafka(), topic: topic, partitions: partitions, limit: order.waitLimit,
      positions: { try await ServicePositions.read(ingest, services.client).next })
    var result: ImportResult
    let ends: [TopicPartition: Int64]
    do {
      let importID = FileImport.newID()
      var records = FileRecords(mapping: mapping, mappingID: mappingID, importID: importID, source: order.source)
      try await publish(file, &records, publisher)
      ends = try await publisher.finish()
      result = ImportResult(
        importID: importID, mappingID: mappingID, source: order.source, records: records.lineCount, events: records.recordCount)
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

  private func publish(_ file: borrowing InputFile, _ records: inout FileRecords, _ publisher: PacedPublisher) async throws {
    do {
      while true {
        let chunk = try await file.next()
        let found = chunk.isEmpty ? try records.finish() : try records.take(chunk)
        for record in found {
          try Task.checkCancellation()
          try await publisher.publish(key: record.key, value: record.value, headers: record.headers)
          progress.advance(by: Int(record.lines))
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
