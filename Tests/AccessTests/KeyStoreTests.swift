// An issuer's keys: when they are fetched, how long they are kept, and what is taken out of a document.
import HTTP
import Hashing
import Synchronization
import Telemetry
import Testing
import Text

@testable import Access

private let point: [JSONMember] = [
  JSONMember("kty", "EC"), JSONMember("crv", "P-256"), JSONMember("x", "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"),
  JSONMember("y", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"),
]

private func document(_ kids: [String]) -> [UInt8] {
  JSONValue.object([JSONMember("keys", .array(kids.map { .object(point + [JSONMember("kid", .text($0))]) }))]).encoded
}

/// An issuer whose answer and whose clock a test moves.
private final class Issuer: Sendable {
  struct Away: Error {}
  let clock = Moved(1_000)
  private let state = Mutex<(answer: [UInt8]?, asked: Int)>((document(["a"]), 0))

  var asked: Int { state.withLock { $0.asked } }
  func answers(_ bytes: [UInt8]?) { state.withLock { $0.answer = bytes } }

  func fetch() throws -> [UInt8] {
    let answer = state.withLock { state in
      state.asked += 1
      return state.answer
    }
    guard let answer else { throw Away() }
    return answer
  }

  func store() -> KeyStore { KeyStore(fetch: { try self.fetch() }, seconds: { self.clock.value }, logger: .silent) }
}

/// Whether a key is there; nil: nobody can tell.
private func has(_ kid: String, _ store: KeyStore) async -> Bool? {
  do throws(TokenRefusal) { return try await store.key(kid) != nil } catch { return nil }
}

@Suite("Keys of an issuer") struct KeyStoreTests {
  @Test("They are fetched once, and again for an unknown name, but not within a minute")
  func floor() async {
    let issuer = Issuer()
    let store = issuer.store()
    #expect(await has("a", store) == true)
    #expect(await has("a", store) == true)
    #expect(issuer.asked == 1)
    issuer.answers(document(["a", "b"]))
    for _ in 0..<100 { #expect(await has("b", store) == false) }
    issuer.clock.add(KeyStore.refetchSecondsMin - 1)
    #expect(await has("b", store) == false)
    #expect(issuer.asked == 1)
    issuer.clock.add(1)
    #expect(await has("b", store) == true)
    #expect(issuer.asked == 2)
  }

  @Test("A key that the issuer took back is good for no longer than they are fresh")
  func takenBack() async {
    let issuer = Issuer()
    let store = issuer.store()
    #expect(await has("a", store) == true)
    issuer.answers(document(["b"]))
    issuer.clock.add(KeyStore.freshSecondsMax)
    #expect(await has("a", store) == false)
  }

  @Test("While the issuer is away, or says what cannot be used, the keys of before are good for a while, and then nobody is believed", arguments: [false, true])
  func away(_ isNonsense: Bool) async {
    let issuer = Issuer()
    let store = issuer.store()
    #expect(await has("a", store) == true)
    issuer.answers(isNonsense ? Array(#"{"keys":[]}"#.utf8) : nil)
    issuer.clock.add(KeyStore.keptSecondsMax)
    #expect(await has("a", store) == true)
    issuer.clock.add(1)
    #expect(await has("a", store) == nil)
    issuer.answers(document(["a"]))
    issuer.clock.add(KeyStore.refetchSecondsMin)
    #expect(await has("a", store) == true)
  }

  @Test("Whose key is there does not wait for an issuer that is away")
  func notWaited() async {
    let issuer = Issuer()
    let store = issuer.store()
    #expect(await has("a", store) == true)
    issuer.answers(nil)
    issuer.clock.add(KeyStore.freshSecondsMax)
    #expect(await has("a", store) == true)
    issuer.clock.add(KeyStore.refetchSecondsMin)
    #expect(await has("a", store) == true)
    #expect(issuer.asked == 2, "the second of these found the issuer away, the third did not ask")
    await store.keepFresh()
    #expect(issuer.asked == 3, "who keeps them goes on asking")
    issuer.answers(document(["a", "b"]))
    issuer.clock.add(KeyStore.refetchSecondsMin)
    await store.keepFresh()
    #expect(await has("b", store) == true)
  }

  @Test("Before there are any, an issuer that is away is asked every few seconds, and callers are told to come again")
  func never() async throws {
    let issuer = Issuer()
    issuer.answers(nil)
    let store = issuer.store()
    for _ in 0..<10 { #expect(await has("a", store) == nil) }
    #expect(issuer.asked == 1)
    issuer.answers(document(["a"]))
    issuer.clock.add(KeyStore.firstFetchSecondsMin)
    #expect(await has("a", store) == true)
    let problem = AccessProblem.refused(.keysAway)
    #expect(problem.status.rawValue == 503 && problem.headers["Retry-After"] != nil)
  }

  @Test("Who asks while a fetch runs waits for that one")
  func together() async {
    let (begun, done) = (Gate(), Gate())
    let count = Moved(0)
    let store = KeyStore(
      fetch: {
        count.add(1)
        await begun.open()
        await done.wait()
        return document(["a"])
      }, seconds: { 0 }, logger: .silent)
    await withTaskGroup(of: Bool?.self) { group in
      for _ in 0..<20 { group.addTask { await has("a", store) } }
      await begun.wait()
      await done.open()
      for await found in group { #expect(found == true) }
    }
    #expect(count.value == 1)
  }

  @Test("Of a document only what can sign for us is kept")
  func kept() {
    func keys(_ entries: [[JSONMember]]) -> Set<String>? {
      KeySet(JSONValue.object([JSONMember("keys", .array(entries.map { .object($0) }))]).encoded).map { Set($0.keys.keys) }
    }
    let good = point + [JSONMember("kid", "good")]
    func other(_ more: JSONMember...) -> [JSONMember] {
      point.filter { member in !more.contains { $0.key == member.key } } + [JSONMember("kid", "other")] + more
    }
    #expect(keys([good]) == ["good"])
    for entry in [
      other(JSONMember("use", "enc")), other(JSONMember("use", .null)), other(JSONMember("alg", "ES384")), other(JSONMember("alg", 1)),
      other(JSONMember("crv", "P-384")), other(JSONMember("kty", "oct"), JSONMember("k", "AAAA")), other(JSONMember("d", "AAAA")),
      other(JSONMember("key_ops", ["sign"])), other(JSONMember("x", "AAAA")), other(JSONMember("y", .text("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a1"))),
      other(JSONMember("kty", "RSA"), JSONMember("n", "AQAB"), JSONMember("e", "AQAB")), point,
    ] { #expect(keys([good, entry]) == ["good"], "\(entry)") }
    #expect(keys([good + [JSONMember("use", "sig"), JSONMember("alg", "ES256"), JSONMember("key_ops", ["verify"])]]) == ["good"])
    // Two of one name leave open which signed.
    #expect(keys([good, good, other()]) == ["other"])
    #expect(keys([]) == nil && keys([point]) == nil && KeySet([]) == nil && KeySet(Array("[]".utf8)) == nil)
    #expect(keys(.init(repeating: good, count: KeySet.keysMax + 1)) == nil)
  }

  @Test("Keys come over https, or from this machine", arguments: [
    ("https://id.example.com", true), ("http://localhost:8080/x", true), ("http://127.0.0.1/x", true), ("http://[::1]:9/x", true),
    ("http://id.example.com", false),
    ("http://127.0.0.1.example.com/", false), ("http://localhost@example.com/", false), ("ftp://localhost/", false), ("https://", false), ("", false),
  ])
  func safe(_ address: String, _ isSafe: Bool) { #expect(IssuerDocuments.isSafe(address) == isSafe) }
}

/// Lets those through who wait, once it is open.
private actor Gate {
  private var isOpen = false
  private var waiting: [CheckedContinuation<Void, Never>] = []

  func open() {
    isOpen = true
    for continuation in waiting { continuation.resume() }
    waiting = []
  }

  func wait() async {
    if isOpen { return }
    await withCheckedContinuation { waiting.append($0) }
  }
}
