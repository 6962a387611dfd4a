// Broken documents by the hundred thousand: none may harm, and what is accepted must be what others accept.
import Foundation
import Testing
import Text

/// Documents made from good ones by a few random changes.
struct Mutator {
  private var random: SplitMix
  private static let samples: [[UInt8]] = [
    #"{"id":"o-1","at":"2024-05-01T10:00:00Z","amount":-12050,"paid":true,"note":null,"lines":[{"sku":"A","qty":2.5e-1}]}"#,
    #" [ 0 , -0.0 , 1E+9 , [ ] , { } , "\ud83d\ude00\u5ba2\n\"\\/" , "客户 😀 é" , {"a":{"b":[[["c"]]]}} ] "#,
    #"{"name":"王小明","phone":"+8613800138000","tags":["vip","新"],"x":{"y":{"z":[1,2,{"w":"\t"}]}},"k":false,"n":9007199254740993}"#,
  ].map { Array($0.utf8) }
  private static let pieces: [[UInt8]] =
    [
      "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "\\ud800", "\\udc00", "\\u0000", "\\u0061", "0", "-", ".", "e", "E+", "00", "null",
      "true",
      "nul", " ", "\n", "\u{0}", "\u{1F}", "\u{7F}", "é", "客", "😀", "\u{FEFF}", "\"a\":1,", "\"id\":1,", "1e999", "/**/", "NaN",
    ].map { Array($0.utf8) } + [[0xC0, 0x80], [0xED, 0xA0, 0x80], [0xFF], [0xE5, 0xAE], [0xF4, 0x90, 0x80, 0x80], [0x80]]

  init(seed: UInt64) { random = SplitMix(seed) }

  mutating func next() -> [UInt8] {
    var bytes = Self.samples[random.below(Self.samples.count)]
    for _ in 0..<1 + random.below(3) where !bytes.isEmpty {
      let place = random.below(bytes.count)
      let other = min(bytes.count, place + random.below(12))
      switch random.below(7) {
      case 0: bytes[place] ^= 1 << UInt8(random.below(8))
      case 1: bytes.remove(at: place)
      case 2: bytes.insert(contentsOf: Self.pieces[random.below(Self.pieces.count)], at: place)
      case 3: bytes.insert(contentsOf: bytes[place..<other], at: place)
      case 4: bytes.removeSubrange(place..<other)
      case 5: bytes.swapAt(place, random.below(bytes.count))
      default: bytes.replaceSubrange(place..<other, with: Self.pieces[random.below(Self.pieces.count)])
      }
    }
    return bytes
  }
}

/// A value in one unmistakable spelling: both decoders write it, and the lines are compared.
private func spelling(_ value: JSONValue) -> String {
  switch value {
  case .null: "n"
  case .boolean(let value): value ? "t" : "f"
  case .number(let token): "#\(token)"
  case .text(let text): "s" + hex(text)
  case .array(let items): "[" + items.map(spelling).joined(separator: ",") + "]"
  case .object(let members): "{" + members.map { hex($0.key) + ":" + spelling($0.value) }.joined(separator: ",") + "}"
  }
}

private let hexDigits = Array("0123456789abcdef".utf8)
private func hex(_ text: String) -> String {
  String(decoding: text.utf8.flatMap { [hexDigits[Int($0 >> 4)], hexDigits[Int($0 & 15)]] }, as: UTF8.self)
}

struct JSONMutationTests {
  @Test(arguments: 0..<4 as Range<UInt64>) func aHundredThousandBrokenDocumentsDoNoHarm(seed: UInt64) {
    var mutator = Mutator(seed: seed)
    var accepted = 0
    for number in 0..<25_000 {
      let document = mutator.next()
      let found = skipFault(document)
      if found == nil { accepted += 1 }
      if let found, !(0...document.count).contains(found.offset) { Issue.record("seed \(seed), \(number): \(found)") }
      // A caller that pulls an order out of it stays within the document too.
      _ = jsonFault(document) { (reader) throws(JSONFault) in _ = try Order.read(&reader) }
    }
    #expect((250..<15_000).contains(accepted), "seed \(seed): the mutations no longer give both kinds")
  }

  @Test(arguments: 0..<2 as Range<UInt64>) func whatIsAcceptedAsATreeIsAcceptedWhenSkippedAndWrittenBack(seed: UInt64) {
    var mutator = Mutator(seed: 100 + seed)
    for number in 0..<4_000 {
      let document = mutator.next()
      let skipped = skipFault(document)
      do throws(JSONFault) {
        let value = try JSONValue(document)
        let again = try JSONValue(value.encoded)
        if skipped != nil || again != value { Issue.record("seed \(seed), \(number): \(String(decoding: document, as: UTF8.self))") }
      } catch {
        // A tree refuses repeated keys, which a reader that skips does not know.
        if error.rule != .duplicateKey, skipped?.offset != error.offset || skipped?.rule != error.rule {
          Issue.record("seed \(seed), \(number): tree \(error), skipped \(String(describing: skipped))")
        }
      }
    }
  }

  /// Python's decoder, made strict: repeated keys, NUL, half surrogate pairs, NaN and Infinity, a byte order mark and nesting
  /// beyond 64 are accepted there by default and refused here on purpose, and number tokens are kept as text.
  private static let strictPython = """
    import json, sys
    class Refused(Exception): pass
    class Token(str): pass
    def pairs(members):
        if len({k for k, _ in members}) != len(members): raise Refused()
        return ('object', members)
    def constant(_): raise Refused()
    def token(text):
        if len(text) > 256: raise Refused()
        return Token(text)
    def text(value):
        if '\\0' in value: raise Refused()
        return value.encode('utf-8').hex()
    def spell(value, depth):
        if value is None: return 'n'
        if value is True: return 't'
        if value is False: return 'f'
        if isinstance(value, Token): return '#' + value
        if isinstance(value, str): return 's' + text(value)
        if depth == 64: raise Refused()
        if isinstance(value, list): return '[' + ','.join(spell(v, depth + 1) for v in value) + ']'
        return '{' + ','.join(text(k) + ':' + spell(v, depth + 1) for k, v in value[1]) + '}'
    out = open(sys.argv[2], 'w')
    for line in open(sys.argv[1]).read().split():
        try:
            document = bytes.fromhex(line[1:]).decode('utf-8')
            value = json.loads(document, object_pairs_hook=pairs, parse_constant=constant, parse_int=token, parse_float=token)
            out.write(spell(value, 0) + '\\n')
        except (Refused, ValueError):
            out.write('refused\\n')
    """

  @Test(.enabled(if: Python.isInstalled, Python.absent))
  func pythonAcceptsTheSameDocumentsWithTheSameValues() async throws {
    var mutator = Mutator(seed: 7)
    let documents = (0..<8_000).map { _ in mutator.next() }
    let input = documents.map { "x" + hex(bytes: $0) }.joined(separator: "\n")
    let answers = try await Python.run(Self.strictPython, input).split(separator: "\n").map(String.init)
    try #require(answers.count == documents.count)
    var accepted = 0
    for (document, answer) in zip(documents, answers) {
      let own = (try? JSONValue(document)).map(spelling) ?? "refused"
      if own != "refused" { accepted += 1 }
      if own != answer { Issue.record("\(String(decoding: document, as: UTF8.self)): own \(own), Python \(answer)") }
    }
    #expect(accepted > 200)
  }

  private func hex(bytes: [UInt8]) -> String {
    String(decoding: bytes.flatMap { [hexDigits[Int($0 >> 4)], hexDigits[Int($0 & 15)]] }, as: UTF8.self)
  }

  @Test func whatIsAcceptedFoundationAcceptsWithTheSameTexts() throws {
    var mutator = Mutator(seed: 21)
    var compared = 0
    for _ in 0..<3_000 {
      let document = mutator.next()
      guard let own = try? JSONValue(document), !hasExponent(own) else { continue }
      // Foundation drops a byte order mark inside a key.
      guard !String(decoding: document, as: UTF8.self).unicodeScalars.contains("\u{FEFF}") else { continue }
      let other = try JSONSerialization.jsonObject(with: Data(document), options: .fragmentsAllowed)
      #expect(isSame(own, other), "\(own.encodedText)")
      compared += 1
    }
    #expect(compared > 100)
  }

  /// Foundation refuses numbers that no Double holds; here numbers stay text.
  private func hasExponent(_ value: JSONValue) -> Bool {
    switch value {
    case .number(let token): token.contains { $0 == "e" || $0 == "E" }
    case .array(let items): items.contains(where: hasExponent)
    case .object(let members): members.contains { hasExponent($0.value) }
    case .null, .boolean, .text: false
    }
  }

  private func isSame(_ own: JSONValue, _ other: Any) -> Bool {
    switch own {
    case .null: return other is NSNull
    case .boolean(let value): return (other as? Bool) == value
    case .number(let token):
      guard let number = other as? NSNumber, let expected = Double(token) else { return false }
      return abs(number.doubleValue - expected) <= abs(expected) * 1e-12
    case .text(let text): return (other as? String).map { $0.utf8.elementsEqual(text.utf8) } ?? false
    case .array(let items):
      guard let others = other as? [Any], others.count == items.count else { return false }
      return zip(items, others).allSatisfy { isSame($0, $1) }
    case .object(let members):
      guard let others = other as? [String: Any] else { return false }
      return members.allSatisfy { member in others[member.key].map { isSame(member.value, $0) } ?? false }
    }
  }
}
