// docs/asyncapi.yaml says what Contracts say: topics, headers, event types, schemas.
import Contracts
import Documents
import Testing

@Suite("AsyncAPI document")
struct AsyncAPITests {
  static let path = "docs/asyncapi.yaml"
  /// The specification's own schema, kept beside the checkout.
  static let specification = "../shared/web/asyncapi-3.0.0.schema.json"

  /// Topics that no service of the suite reads: they are for whoever asks.
  static let forOthers = [Topics.merges.name, Topics.ticketAlerts.name]

  private func document() throws -> YAMLNode { try YAMLReader.read(try Checkout.bytes(AsyncAPITests.path), source: AsyncAPITests.path) }

  @Test("Its channels are exactly the suite's topics, kept as the suite keeps them")
  func topics() throws {
    var found: [String: String] = [:]
    for channel in try document()["channels"]?.entries ?? [] {
      let policy = channel.value["bindings"]?["kafka"]?["topicConfiguration"]?["cleanup.policy"]?.items.compactMap(\.text).joined(separator: ",")
      found[channel.value["address"]?.text ?? ""] = policy ?? ""
    }
    let wanted = Topics.all.map { ($0.name, $0.keeping == .compact ? "compact" : "delete") }
    #expect(found == Dictionary(uniqueKeysWithValues: wanted))
  }

  @Test("Its headers are exactly those that Contracts name")
  func headers() throws {
    let schemas = try document()["components"]?["schemas"]?.entries ?? []
    let found = schemas.flatMap { $0.value["properties"]?.entries.map(\.key) ?? [] }
    #expect(Set(found) == Set(try constants(of: "Header")))
    #expect(try constants(of: "Header").contains(Header.replayOf))
  }

  @Test("Its event types are exactly those that Contracts name")
  func types() throws {
    let messages = try document()["components"]?["messages"]?.entries ?? []
    let names = messages.compactMap { $0.value["name"]?.text }.filter { $0.hasPrefix("clientele.") }
    #expect(names.sorted() == (try constants(of: "EventType")).sorted())
    #expect(names.contains(EventType.tier))
  }

  @Test("Every channel is read or written, every message is used, and every topic but the public ones and announcements has its reader")
  func operations() throws {
    let document = try document()
    let operations = document["operations"]?.entries.map(\.value) ?? []
    let used = operations.map { ($0["channel"]?["$ref"]?.text ?? "", $0["action"]?.text ?? "") }
    for channel in document["channels"]?.entries ?? [] {
      let actions = Set(used.filter { $0.0 == "#/channels/\(channel.key)" }.map(\.1))
      #expect(actions.contains("send"), "\(channel.key) is written by nobody")
      let address = channel.value["address"]?.text ?? ""
      let isForOthers = address.hasSuffix(".parked") || AsyncAPITests.forOthers.contains(address)
      #expect(actions.contains("receive") != isForOthers, "\(channel.key)")
    }
    let carried = (document["channels"]?.entries ?? []).flatMap { $0.value["messages"]?.entries ?? [] }.compactMap { $0.value["$ref"]?.text }
    let declared = (document["components"]?["messages"]?.entries ?? []).map { "#/components/messages/\($0.key)" }
    #expect(Set(carried) == Set(declared))
  }

  @Test("Every schema it refers to is there, and every schema is referred to")
  func schemas() throws {
    let messages = try document()["components"]?["messages"]?.entries ?? []
    let found = messages.compactMap { $0.value["payload"]?["$ref"]?.text }.map { String($0.dropFirst("../deploy/schemas/".count)) }
    #expect(Set(found).sorted() == Checkout.names(in: "deploy/schemas"))
  }

  @Test(
    "It is valid AsyncAPI 3.0.0", .enabled("needs the specification's schema beside the checkout") { Checkout.exists(specification) },
    .enabled(SchemaJudge.whyNot) { await SchemaJudge.isAvailable() })
  func validity() async throws {
    let judge = try #require(await SchemaJudge.start())
    #expect(try await judge.faults(ofYAML: AsyncAPITests.path, by: AsyncAPITests.specification) == [])
    await judge.stop()
  }

  /// The texts of an enumeration's constants, as the source has them: what is added there is missed here.
  private func constants(of name: String) throws -> [String] {
    let source = String(decoding: try Checkout.bytes("Shared/Contracts/Names.swift"), as: UTF8.self)
    let lines = source.split(separator: "\n", omittingEmptySubsequences: false)
    let body = lines.drop { !$0.hasPrefix("public enum \(name) ") }.prefix { $0 != "}" }
    return body.filter { $0.contains("static let ") }.compactMap { line in
      let parts = line.split(separator: "\"")
      return parts.count >= 2 ? String(parts[1]) : nil
    }
  }
}

extension YAMLNode {
  var entries: [YAMLEntry] { if case .mapping(let entries) = content { entries } else { [] } }
  var items: [YAMLNode] { if case .sequence(let items) = content { items } else { [] } }
  var text: String? { if case .scalar(let text, _) = content { text } else { nil } }
}
