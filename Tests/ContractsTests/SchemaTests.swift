// The JSON Schemas in deploy/schemas, by the judgement of Python's jsonschema: what is published satisfies them, and what they promise is kept.
import Contracts
import Domain
import Handling
import Hashing
import IngestCore
import Testing
import Text

@Suite("JSON Schemas")
struct SchemaTests {
  /// 2026-07-01T12:00:00Z
  private let now = Instant(seconds: 1_782_907_200)
  private let place = InputPlace(topic: Topics.ordersIn.name, partition: 0, offset: 0)

  private func read(_ input: Input) throws -> Verdict {
    let rules = IngestRules(zone: .utc, rates: try ExchangeRates("USD=7.12", base: .cny))
    let record = InputRecord(stream: input.stream, value: Array(input.json.utf8)) { _ in nil }
    return RecordReading(rules: rules).read(record, mapping: nil, now: now)
  }

  @Test("Ingest accepts the records that it is to accept, and no other", arguments: Input.all)
  func ingest(_ input: Input) throws {
    let verdict = try read(input)
    switch verdict {
    case .fact: #expect(input.fate != .bad)
    case .refused(let faults): #expect(input.fate == .bad, "\(faults.map(\.code))")
    case .skipped: Issue.record("skipped: \(input.what)")
    }
  }

  @Test("The schemas of the public topics say the same", .enabled(SchemaJudge.whyNot) { await SchemaJudge.isAvailable() })
  func inputs() async throws {
    let judge = try #require(await SchemaJudge.start())
    for input in Input.all {
      let line = input.json.split(separator: "\n").joined(separator: " ")
      // An array of thousands of lines is quoted in the answer; what counts is that there is one.
      let faults = try await judge.faults(line, by: input.schema)
      #expect(faults.isEmpty == (input.fate == .good), "\(input.what): \(faults.map { $0.prefix(200) })")
    }
    await judge.stop()
  }

  @Test("Every pinned message satisfies its schema", .enabled(SchemaJudge.whyNot) { await SchemaJudge.isAvailable() })
  func goldens() async throws {
    let judge = try #require(await SchemaJudge.start())
    for golden in Golden.all {
      let faults = try await judge.faults(String(decoding: golden.bytes, as: UTF8.self), by: golden.schema)
      #expect(faults == [], "\(golden.file)")
    }
    await judge.stop()
  }

  @Test("A pinned message without a member that our reader needs breaks its schema", .enabled(SchemaJudge.whyNot) { await SchemaJudge.isAvailable() })
  func strictness() async throws {
    let judge = try #require(await SchemaJudge.start())
    for golden in Golden.all {
      let tree = try Tree(golden)
      for member in golden.keys.required.intersection(tree.paths) {
        let document = String(decoding: tree.without(member).encoded, as: UTF8.self)
        #expect(try await judge.faults(document, by: golden.schema) != [], "\(golden.file) without \(member)")
      }
    }
    await judge.stop()
  }

  @Test(
    "What ingest makes of records satisfies the schemas of the topics they go to",
    .enabled(SchemaJudge.whyNot) { await SchemaJudge.isAvailable() })
  func published() async throws {
    let judge = try #require(await SchemaJudge.start())
    var sent = 0
    var store = NoTables()
    let judged = try Input.all.enumerated().map { index, input in
      Judged(record: InputRecord(stream: input.stream, value: []) { _ in nil }, place: place, verdict: try read(input.apart(index)))
    }
    let outcome = try IngestBatch.apply(judged, to: &store, hasher: try FactHasher(), zone: .utc, at: now)
    for publication in outcome.publications {
      sent += 1
      switch publication.event {
      case .order(let event):
        #expect(try await judge.faults(text(event), by: "deploy/schemas/ingest-order.schema.json") == [])
        #expect(try OrderEvent.read(event.written().bytes) == event)
      case .customer(let event):
        #expect(try await judge.faults(text(event), by: "deploy/schemas/ingest-customer.schema.json") == [])
        #expect(try CustomerEvent.read(event.written().bytes) == event)
      case .interaction(.contact(let event)):
        #expect(try await judge.faults(text(event), by: "deploy/schemas/ingest-contact.schema.json") == [])
        #expect(try ContactEvent.read(event.written().bytes) == event)
      case .interaction(.behaviour(let event)):
        #expect(try await judge.faults(text(event), by: "deploy/schemas/ingest-behaviour.schema.json") == [])
        #expect(try BehaviourEvent.read(event.written().bytes) == event)
      case .interaction(.answer(let event)):
        #expect(try await judge.faults(text(event), by: "deploy/schemas/ingest-answer.schema.json") == [])
        #expect(try AnswerEvent.read(event.written().bytes) == event)
      }
    }
    #expect(sent >= 24)
    await judge.stop()
  }

  private func text(_ message: some Message) -> String { String(decoding: message.written().bytes, as: UTF8.self) }
}

extension Input {
  /// The same record about an order and an event of its own, so that none is a duplicate of another.
  func apart(_ index: Int) -> Input {
    Input(what, fate, in: stream, json.replacing("\"shop\"", with: "\"shop-\(index)\"").replacing("\"crm\"", with: "\"crm-\(index)\""))
  }
}

/// Tables that hold nothing yet and keep nothing.
struct NoTables: IngestStore {
  mutating func load(facts keys: [Digest128], orders: [Digest128]) -> (facts: [StoredFact], orders: [OrderHome]) { ([], []) }
  mutating func takeWaiting(_ keys: [Digest128]) -> [WaitingFact] { [] }
  mutating func write(_ changes: IngestChanges) {}
}
