// Digests and keyed hashes against published answers.
import Hashing
import Testing

private func hexadecimal(_ bytes: [UInt8]) -> String { bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }

@Suite struct HashingTests {
  @Test func sha256GivesTheAnswersOfFIPS180() throws {
    let hasher = try Hasher256()
    func digest(_ text: String) throws -> String { try Array(text.utf8).withUnsafeBytes { hexadecimal(try hasher.sha256($0)) } }
    #expect(try digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(try digest("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
  }

  @Test func hmacGivesTheAnswerOfRFC4231AlsoWhenUsedAgain() throws {
    // Test case 1: key of twenty bytes 0x0b, data "Hi There".
    let hasher = try KeyedHasher(key: [UInt8](repeating: 0x0B, count: 20))
    for _ in 0..<3 {
      let digest = try Array("Hi There".utf8).withUnsafeBytes { try hasher.hash($0) }
      #expect(hexadecimal(digest.bytes) == "b0344c61d8db38535ca8afceaf0bf12b")
    }
  }

  @Test func shortKeysAreRefused() { #expect(throws: HashingFailure.self) { _ = try KeyedHasher(key: [1, 2, 3]) } }

  @Test func bordersBetweenPartsCount() throws {
    let hasher = try Hasher256()
    #expect(try hasher.digest(texts: ["ab", "c"]) != hasher.digest(texts: ["a", "bc"]))
    #expect(try hasher.digest(texts: ["ab", "c"]) == hasher.digest(texts: ["ab", "c"]))
    let pseudonyms = try Pseudonyms(key: [UInt8](repeating: 7, count: 32))
    #expect(try pseudonyms.hash(word: 1, "x") != pseudonyms.hash(word: 2, "x"))
  }
}
