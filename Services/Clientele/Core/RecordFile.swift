// `clientele publish`: records that somebody wrote down, line by line, to a public topic.
import Contracts
import HTTP
import Kafka
import Text

/// What is to be published.
public struct PublishOrder: Sendable {
  public var file: String
  public var topic: String
  /// The registered source; goes into the record's header.
  public var source: String?
  /// The mapping that reads the records, where it is not the source's own.
  public var mapping: String?
  /// The field at the top of each record whose text becomes the key.
  public var keyField: String?
  public var waitLimit: Duration

  public init(file: String, topic: String, source: String?, mapping: String?, keyField: String?, waitLimit: Duration) {
    self.file = file
    self.topic = topic
    self.source = source
    self.mapping = mapping
    self.keyField = keyField
    self.waitLimit = waitLimit
  }

  /// The longest record, in bytes: brokers take a megabyte.
  public static let recordBytesMax = 900_000
}

extension ServiceClient {
  /// Publishes each line that is not empty as it stands. Returns how many there were; a line that is too long ends it.
  public func publish(_ order: PublishOrder) async throws -> Int {
    let file = try InputFile(order.file)
    let kafka = try connection.kafka()
    let admin = try KafkaAdmin(kafka)
    let partitions = try await admin.partitionCount(order.topic)
    await admin.close()
    let ingest = try connection.url(of: "ingest")
    let (client, credentials) = (client, connection.credentials)
    let publisher = try PacedPublisher(
      kafka, topic: order.topic, partitions: partitions, limit: order.waitLimit,
      positions: { try await ServicePositions.read(ingest, client, try credentials.headers("ingest")).next })
    do {
      let count = try await ServiceClient.publish(file, order, publisher)
      _ = try await publisher.finish()
      await publisher.close()
      return count
    } catch {
      await publisher.close(within: .seconds(2))
      throw error
    }
  }

  private static func publish(_ file: borrowing InputFile, _ order: PublishOrder, _ publisher: PacedPublisher) async throws -> Int {
    let headers = [(Header.inputSource, order.source), (Header.mapping, order.mapping)].compactMap { header in
      header.1.map { (name: header.0, value: $0) }
    }
    var count = 0
    var rest: [UInt8] = []
    while true {
      let chunk = try await file.next()
      var lines = (rest + chunk).split(separator: 0x0A, omittingEmptySubsequences: false)
      rest = chunk.isEmpty ? [] : Array(lines.popLast() ?? [])
      for line in lines where line.contains(where: { $0 > 0x20 }) {
        count += 1
        guard line.count <= PublishOrder.recordBytesMax else {
          throw SuiteFailure("record \(count) has more than \(PublishOrder.recordBytesMax) bytes; \(count - 1) were published")
        }
        let value = Array(line.last == 0x0D ? line.dropLast() : line)
        try await publisher.publish(key: order.keyField.flatMap { key(in: value, $0) }, value: value, headers: headers)
      }
      guard rest.count <= PublishOrder.recordBytesMax else {
        throw SuiteFailure("record \(count + 1) has more than \(PublishOrder.recordBytesMax) bytes; \(count) were published")
      }
      if chunk.isEmpty { return count }
    }
  }

  /// The text or number of a field; nil for a record without it, which then goes to any partition.
  private static func key(in value: [UInt8], _ field: String) -> [UInt8]? {
    switch (try? JSONValue(value))?[field] {
    case .text(let text), .number(let text): Array(text.utf8)
    default: nil
    }
  }
}
