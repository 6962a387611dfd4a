// The services at the end of the flow, killed in the middle of their work again and again: each contact and each answer counts once, and what is told of
// it is told once.
@testable import FaultHarness
import Contracts
import Domain
import Embedded
import Glibc
import Kafka
import Lifecycle
import Postgres
import TestSupport
import Testing
import Text

@Suite("Killed readers", .serialized, .enabled(if: TestDatabase.isPrivate, "needs PostgreSQL's server programs"), .timeLimit(.minutes(4)))
struct KilledReaderTests {
  private static let kills = 4
  private static let records = 3_000
  private static let customers = 250

  /// One service with a broker and a database of its own.
  private struct Ground: Sendable {
    let service: String
    let kafka: KafkaSettings
    let database: PostgresSettings
    let folder: String

    func start(_ command: String) async throws -> HelperProcess {
      guard let program = Executables.beside(service), let server = database.servers.first else { throw HelperFailure("\(service) is not built") }
      var environment = HelperProcess.currentEnvironment()
      let host = server.host.replacing("/", with: "%2F")
      environment["DATABASE_URL"] = "postgres:///\(database.database)?host=\(host)&port=\(server.port)&user=\(database.user)"
      environment["KAFKA_BROKERS"] = kafka.brokers
      environment["CLIENTELE_KAFKA_KIND"] = kafka.isBuiltIn ? "built-in" : "kafka"
      environment["CLIENTELE_PSEUDONYM_KEY"] = "0123456789abcdef"
      environment["FEEDBACK_LINK_KEY"] = "0123456789abcdef"
      environment["CLIENTELE_ACCESS"] = "off"
      environment["CLIENTELE_BUSINESS_ZONE"] = "UTC"
      environment["CLIENTELE_CLOCK"] = "2026-11-10"
      // A killed one is given up by the group after so long.
      environment["KAFKA_SESSION_TIMEOUT_MS"] = "1500"
      (environment["HTTP_HOST"], environment["HTTP_PORT"]) = ("127.0.0.1", "0")
      let log = "\(folder)/\(service).log"
      return try await HelperProcess.start(
        .init(executable: program, arguments: [command], environment: environment, standardOutput: .file(path: log), standardError: .file(path: log)))
    }

    func number(_ sql: String) async throws -> Int64 {
      try await TestDatabase.blocking { [database] in
        let session = try PostgresSession(database)
        defer { session.close() }
        return try session.query(Statement(name: "", sql: sql)).int64(0, 0)
      }
    }

    /// Kills the service whenever it has taken in some more, and lets it end its work at last.
    func runUnderKills(counted table: String) async throws {
      let migrated = try await start("migrate")
      #expect(await migrated.waitForExit(within: .seconds(60)) == 0)
      var process = try await start("serve")
      var kills = 0
      var before: Int64 = 0
      let step = Int64(KilledReaderTests.records / (KilledReaderTests.kills + 2))
      while true {
        let taken = try await number("SELECT count(*) FROM \(service).\(table)")
        let isDone = taken == Int64(KilledReaderTests.records)
        if kills < KilledReaderTests.kills, taken >= before + step || isDone {
          process.terminate(9)
          _ = await process.waitForExit(within: .seconds(10))
          (kills, before) = (kills + 1, taken)
          process = try await start("serve")
        } else if isDone, try await number("SELECT count(*) FROM \(service).outbox") == 0 {
          break
        }
        if let status = process.exitStatus { throw HelperFailure("\(service) ended with \(status): see \(folder)") }
        _ = await process.waitForExit(within: .milliseconds(2))
      }
      #expect(kills == KilledReaderTests.kills)
      process.terminate(15)
      #expect(await process.waitForExit(within: .seconds(30)) == 0)
    }

    /// A topic as a reader goes through it.
    func audit(_ topic: Topic) async throws -> (audit: LaneAudit, newest: [String: Int64]) {
      let records = try await TestDatabase.blocking { [kafka] in
        let probe = try KafkaProbe(kafka)
        defer { probe.close() }
        return try probe.readAll(topic.name)
      }
      var (audit, newest) = (LaneAudit(topic: topic.name), [String: Int64]())
      for record in records {
        func text(_ name: String) -> String { record.header(name).map { String(decoding: $0, as: UTF8.self) } ?? "" }
        let version = topic.keeping == .compact ? (try? JSONValue(record.value ?? []))?["version"]?.int64Value : nil
        let key = record.key ?? []
        audit.take(
          AuditedRecord(
            partition: record.partition, lane: text(Header.lane), sequence: Int64(text(Header.sequence)) ?? 0, eventID: text(Header.id), key: key,
            version: version))
        if let version { newest[String(decoding: key, as: UTF8.self)] = max(newest[String(decoding: key, as: UTF8.self)] ?? 0, version) }
      }
      return (audit, newest)
    }
  }

  private func with(_ service: String, _ body: (Ground) async throws -> Void) async throws {
    let folder = TestDatabase.temporaryFolder + "/clientele-killed-\(getpid())-\(UInt32.random(in: 0 ..< .max))"
    mkdir(folder, 0o755)
    try await TestKafka.with(topics: Topics.all.map { ($0.name, 2) }) { kafka in
      try await TestDatabase.withDatabase { database in
        try await body(Ground(service: service, kafka: kafka, database: database, folder: folder))
      }
    }
    try await TestDatabase.removeFolder(folder)
  }

  private func publish(_ topic: Topic, to kafka: KafkaSettings, _ value: @escaping @Sendable (Int, CustomerID) -> [UInt8]) async throws {
    try await TestDatabase.blocking { try KilledReaderTests.enqueue(topic, kafka, value) }
  }

  private static func enqueue(_ topic: Topic, _ kafka: KafkaSettings, _ value: (Int, CustomerID) -> [UInt8]) throws {
    let producer = try Producer(kafka)
    var reports: [DeliveryReport] = []
    var sequences = [0, 0]
    for number in 0..<KilledReaderTests.records {
      let customer = CustomerID(number: Int64(1 + number % KilledReaderTests.customers))
      let partition = number % KilledReaderTests.customers % 2
      sequences[partition] += 1
      let headers = [KafkaHeader(Header.lane, "profile/by-hand/\(partition)"), KafkaHeader(Header.sequence, String(sequences[partition]))]
      try producer.enqueue(
        OutgoingRecord(
          topic: topic.name, partition: Int32(partition), key: Array(customer.description.utf8), value: value(number, customer), headers: headers),
        token: UInt64(number))
    }
    while producer.unreportedCount > 0 { _ = try producer.drainReports(into: &reports, waitMilliseconds: 100) }
    for report in reports { _ = try report.result.get() }
    #expect(reports.count == KilledReaderTests.records)
    _ = producer.closeBlocking(withinMilliseconds: 1_000, into: &reports)
  }

  private static let start = Instant(seconds: 1_793_664_000)

  @Test func everyContactIsInOneTicketAndTheNewestStateOfEachIsTheLastThatWasTold() async throws {
    try await with("tickets") { ground in
      try await publish(Topics.customerContacts, to: ground.kafka) { number, customer in
        let contact = ContactEvent(
          source: "desk", eventID: "c-\(number)", occurredAt: KilledReaderTests.start.adding(seconds: Int64(number)), channel: "app", kind: .question,
          category: ["a", "b"][number % 2], text: "no. \(number)", identifiers: [])
        let content = CustomerContact(customer: customer, identity: customer, version: 1, contact: contact)
        return JSONWriter.bytes { content.write(to: &$0) }
      }
      try await ground.runUnderKills(counted: "contacts")
      // Each of a customer's contacts about a matter came within the day: one ticket for each, and a line for each contact.
      let lines = try await ground.number("SELECT count(*) FROM tickets.ticket_events WHERE kind IN ('opened', 'message')")
      #expect(lines == Int64(KilledReaderTests.records))
      let distinct = try await ground.number("SELECT count(DISTINCT body) FROM tickets.ticket_events WHERE kind IN ('opened', 'message')")
      #expect(distinct == Int64(KilledReaderTests.records))
      let tickets = try await ground.number("SELECT count(*) FROM tickets.tickets")
      let (audit, newest) = try await ground.audit(Topics.tickets)
      #expect(audit.missing == 0 && audit.changedEvents == 0 && audit.foreign == 0 && audit.reordered == 0 && Int64(newest.count) == tickets)
      let stale = try await ground.number(
        "SELECT count(*) FROM tickets.tickets t JOIN (VALUES \(newest.map { "(\(Int64($0.key, radix: 16) ?? 0), \($0.value))" }.joined(separator: ","))) "
          + "AS n(id, version) ON n.id = t.ticket_id WHERE n.version <> t.version")
      #expect(stale == 0)
    }
  }

  @Test func everyAnswerCountsOnceAndWhoeverIsUnhappyIsToldOnce() async throws {
    try await with("feedback") { ground in
      try await publish(Topics.customerAnswers, to: ground.kafka) { number, customer in
        let answer = AnswerEvent(
          source: "polls", eventID: "a-\(number)", occurredAt: KilledReaderTests.start.adding(seconds: Int64(number)), survey: "nps-quarterly", metric: .nps,
          score: Int64(number % 11), comment: number % 3 == 0 ? "物流太慢" : "", identifiers: [])
        let content = CustomerAnswer(customer: customer, identity: customer, version: 1, answer: answer)
        return JSONWriter.bytes { content.write(to: &$0) }
      }
      try await ground.runUnderKills(counted: "answers")
      #expect(try await ground.number("SELECT count(DISTINCT event_id) FROM feedback.answers") == Int64(KilledReaderTests.records))
      let comments = (0..<KilledReaderTests.records).count { $0 % 3 == 0 }
      #expect(try await ground.number("SELECT count(*) FROM feedback.comment_topics WHERE topic = 'logistics'") == Int64(comments))
      let detractors = (0..<KilledReaderTests.records).count { $0 % 11 <= 6 }
      let (audit, _) = try await ground.audit(Topics.feedbackContacts)
      #expect(audit.distinct == detractors && audit.twice == 0 && audit.missing == 0 && audit.changedEvents == 0 && audit.foreign == 0)
    }
  }
}
