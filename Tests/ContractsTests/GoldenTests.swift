// The bytes of every message of ours, and what its reader refuses.
import Testing
import Text

@Suite("Pinned messages")
struct GoldenTests {
  @Test("Every message is written as the bytes that are pinned", arguments: Golden.all.filter { !$0.isOnlyRead })
  func writing(_ golden: Golden) throws {
    let (bytes, misuses) = golden.written()
    #expect(String(decoding: bytes, as: UTF8.self) == String(decoding: try golden.bytes, as: UTF8.self))
    #expect(try bytes == golden.bytes)
    #expect(misuses == 0)
  }

  @Test("Every pinned message is read as what was written", arguments: Golden.all)
  func reading(_ golden: Golden) throws { #expect(try golden.isReadFrom(golden.bytes)) }

  @Test("Every file among the pinned ones belongs to a message")
  func completeness() {
    #expect(Checkout.names(in: "Tests/ContractsTests/Golden") == Golden.all.map { "\($0.file).json" }.sorted())
  }

  @Test("Members that a reader does not know change nothing", arguments: Golden.all)
  func unknownMembers(_ golden: Golden) throws {
    let more = try Tree(golden).changed { path, members in
      guard !golden.isData(path) else { return members }
      let unknown = JSONMember("a_later_version_has_this", ["deep": [1, nil, "x", true]])
      return [unknown] + members + [JSONMember("and_this", .number("1.5e3"))]
    }
    #expect(try golden.isReadFrom(more.encoded))
  }

  @Test("The order of members means nothing", arguments: Golden.all)
  func reversed(_ golden: Golden) throws {
    let turned = try Tree(golden).changed { path, members in golden.isData(path) ? members : members.reversed() }
    #expect(try golden.isReadFrom(turned.encoded))
  }

  @Test("A required member that is missing is refused by its name, any other is not", arguments: Golden.all)
  func missingMembers(_ golden: Golden) throws {
    let tree = try Tree(golden)
    for member in tree.paths where !golden.keys.free.contains(member) {
      let refusal = golden.refusal(tree.without(member).encoded)
      if golden.keys.required.contains(member) {
        let name = golden.keys.missedAs[member] ?? member
        #expect(refusal?.field == name && refusal?.rule == .missing, "\(member): \(refusal.map(\.description) ?? "read")")
      } else {
        #expect(golden.keys.optional.union(golden.keys.unread).contains(member), "\(member) is in no list of this test")
        #expect(refusal == nil, "\(member)")
      }
    }
  }

  @Test("A known member that comes twice is refused", arguments: Golden.all)
  func duplicates(_ golden: Golden) throws {
    let tree = try Tree(golden)
    for member in tree.paths.subtracting(golden.keys.unread).subtracting(golden.keys.free) {
      let refusal = golden.refusal(tree.twice(member).encoded)
      #expect(refusal?.rule == .duplicateKey, "\(member): \(refusal.map(\.description) ?? "read")")
    }
  }

  @Test("No beginning of a message is a message, nor one with something behind it", arguments: Golden.all)
  func truncations(_ golden: Golden) throws {
    let bytes = try golden.bytes
    let read = (0..<bytes.count).filter { golden.refusal(Array(bytes[..<$0])) == nil }
    #expect(read == [])
    #expect(golden.refusal(bytes + [0x7D])?.rule == .trailing)
    #expect(golden.refusal(bytes + bytes)?.rule == .trailing)
    #expect(golden.refusal(bytes + [0x20, 0x0A]) == nil)
  }

  @Test("A member of another type is refused", arguments: Golden.all)
  func otherTypes(_ golden: Golden) throws {
    let tree = try Tree(golden)
    for member in golden.keys.required where tree.paths.contains(member) {
      // No field of ours is a truth value that must be there, nor a map of texts from nothing to a number.
      for other in [JSONValue.boolean(true), ["deep": 1], .number("1.5")] where !(member == "records.values" && other.members != nil) {
        #expect(golden.refusal(tree.with(member, other).encoded) != nil, "\(member) as \(other.encodedText)")
      }
    }
  }
}

extension Golden {
  func isData(_ path: String) -> Bool { keys.free.contains { $0.hasPrefix(path + ".") } && path == "records.values" }
}

/// A pinned message as a tree whose members can be taken out and doubled. `lines.sku` is a member of every item of `lines`.
struct Tree {
  let value: JSONValue

  init(_ golden: Golden) throws { value = try JSONValue(golden.bytes) }
  private init(_ value: JSONValue) { self.value = value }

  var encoded: [UInt8] { value.encoded }

  var paths: Set<String> {
    var found: Set<String> = []
    _ = Tree.walk(value, "") { path, members in
      for member in members { found.insert(Tree.join(path, member.key)) }
      return members
    }
    return found
  }

  func changed(_ change: (String, [JSONMember]) -> [JSONMember]) -> Tree { Tree(Tree.walk(value, "", change)) }

  func without(_ member: String) -> Tree {
    changed { path, members in members.filter { Tree.join(path, $0.key) != member } }
  }

  func twice(_ member: String) -> Tree {
    changed { path, members in members.flatMap { Tree.join(path, $0.key) == member ? [$0, $0] : [$0] } }
  }

  func with(_ member: String, _ value: JSONValue) -> Tree {
    changed { path, members in members.map { Tree.join(path, $0.key) == member ? JSONMember($0.key, value) : $0 } }
  }

  private static func join(_ path: String, _ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

  private static func walk(_ value: JSONValue, _ path: String, _ change: (String, [JSONMember]) -> [JSONMember]) -> JSONValue {
    switch value {
    case .array(let items): .array(items.map { walk($0, path, change) })
    case .object(let members): .object(change(path, members.map { JSONMember($0.key, walk($0.value, join(path, $0.key), change)) }))
    case .null, .boolean, .number, .text: value
    }
  }
}
