// What articles are found by (K-12): words of English cut down to their stems, pairs of Chinese characters; and how much each of them says. Pure.
public import Domain
import Glibc
import Text

/// The terms of a text.
public enum KnowledgeTerms {
  /// Scalars of a longer word that count.
  static let wordMax = 40
  /// Terms of a question that are looked for; what comes after them is not.
  public static let askedMax = 100
  /// Scalars of a question that are looked at.
  public static let questionMax = 10_000

  // A word of the title or of the keywords says more about the article than one of its body.
  private static let titleWeight = 8
  private static let keywordWeight = 4
  // How soon repeating a word stops saying more, and how much less it says in a long text (BM25 with k1 4 and b 0.75), against a text of this many terms.
  private static let saturation = 4.0
  private static let lengthShare = 0.75
  private static let usualLength = 150.0

  /// Words that say nothing of what is asked.
  private static let silent: Set<String> = [
    "a", "about", "am", "an", "and", "any", "are", "as", "at", "be", "been", "but", "by", "can", "cant", "could", "did", "didnt", "do", "does", "doesnt",
    "dont", "for", "from", "get", "had", "has", "have", "hello", "help", "hi", "how", "i", "if", "im", "in", "into", "is", "it", "its", "ive", "many", "may",
    "me", "much", "my", "need", "of", "on", "or", "our", "please", "should", "so", "some", "that", "the", "their", "them", "then", "there", "these", "they",
    "this", "to", "us", "want", "was", "we", "were", "what", "when", "where", "which", "who", "why", "will", "with", "wont", "would", "you", "your",
  ]
  /// The same in Chinese, the longest first: a pair of characters never reaches over one.
  private static let silentPhrases: [[Unicode.Scalar]] = [
    "为什么", "怎么办", "怎么样", "能不能", "可不可以", "有没有", "是不是", "请问", "你好", "您好", "怎么", "怎样", "如何", "什么", "哪里", "哪儿", "多少", "可以", "是否", "我们", "你们",
    "他们", "一下", "一个", "这个", "那个", "的", "了", "吗", "呢", "吧", "啊", "呀", "我", "你", "您", "请", "在", "和", "与", "就", "都", "也", "把", "被", "让", "给", "想", "要",
  ].map { Array($0.unicodeScalars) }.sorted { $0.count > $1.count }

  /// Every term of a text, as often as it comes.
  public static func all(of text: String) -> [String] {
    var terms: [String] = []
    var (word, run): ([Unicode.Scalar], [Unicode.Scalar]) = ([], [])
    func end() {
      if !word.isEmpty { add(word, to: &terms) }
      if !run.isEmpty { addPairs(of: run, to: &terms) }
      (word, run) = ([], [])
    }
    for scalar in TextNormal.nfc(text).unicodeScalars {
      let plain = narrow(scalar)
      if isIdeograph(plain) {
        if !word.isEmpty { end() }
        run.append(plain)
      } else if plain.properties.isAlphabetic || plain.properties.numericType != nil {
        if !run.isEmpty { end() }
        word += Array(plain.properties.lowercaseMapping.unicodeScalars)
      } else if plain != "'" && plain != "\u{2019}" {
        end()
      }
    }
    end()
    return terms
  }

  /// Full-width Latin as ASCII.
  private static func narrow(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
    (0xFF01...0xFF5E).contains(scalar.value) ? Unicode.Scalar(scalar.value - 0xFEE0) ?? scalar : scalar
  }

  static func isIdeograph(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0xF900...0xFAFF, 0x20000...0x3FFFF, 0x3005: true
    default: false
    }
  }

  private static func add(_ word: [Unicode.Scalar], to terms: inout [String]) {
    let text = String(String.UnicodeScalarView(word.prefix(wordMax)))
    if silent.contains(text) { return }
    terms.append(stem(text))
  }

  /// A word without the endings of English: refunds, refunded and refunding are one. The stem need not be a word itself.
  static func stem(_ word: String) -> String {
    var bytes = Array(word.utf8)
    guard bytes.count > 3, bytes.allSatisfy({ (0x61...0x7A).contains($0) }) else { return word }
    func ends(_ ending: String) -> Bool { bytes.count > ending.utf8.count + 2 && bytes.suffix(ending.utf8.count).elementsEqual(ending.utf8) }
    if ends("ies") {
      bytes.replaceSubrange((bytes.count - 3)..., with: Array("y".utf8))
    } else if ends("s"), !ends("ss"), !ends("us"), !ends("is") {
      bytes.removeLast()
    }
    for ending in ["ing", "ed"] where ends(ending) {
      let rest = bytes.dropLast(ending.utf8.count)
      guard rest.contains(where: { Array("aeiouy".utf8).contains($0) }) else { break }
      bytes = Array(rest)
      // stopped, stop; cancelled, cancel; but called, call.
      let kept = Array((bytes.count > 5 ? "aeiousz" : "aeioulsz").utf8)
      if let last = bytes.last, bytes.dropLast().last == last, !kept.contains(last) { bytes.removeLast() }
      break
    }
    if bytes.count > 3, bytes.last == UInt8(ascii: "e") { bytes.removeLast() }
    if bytes.count > 3, bytes.last == UInt8(ascii: "y") { bytes[bytes.count - 1] = UInt8(ascii: "i") }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Chinese has no blanks between words, most of which have two characters: each pair is a term; a character that stands alone is one by itself.
  private static func addPairs(of run: [Unicode.Scalar], to terms: inout [String]) {
    func add(_ part: ArraySlice<Unicode.Scalar>) {
      func term(_ scalars: ArraySlice<Unicode.Scalar>) -> String { String(String.UnicodeScalarView(scalars)) }
      if part.count == 1 { terms.append(term(part)) }
      for start in part.indices.dropLast() { terms.append(term(part[start...start + 1])) }
    }
    var (start, place) = (0, 0)
    while place < run.count {
      guard let phrase = silentPhrases.first(where: { run[place...].starts(with: $0) }) else {
        place += 1
        continue
      }
      add(run[start..<place])
      place += phrase.count
      start = place
    }
    add(run[start...])
  }

  // MARK: - Weights

  /// The terms of an article's text, each with what it says about the article, from 1 to 999. Depends on nothing but the text.
  public static func weights(of text: ArticleText) -> [(term: String, weight: Int16)] {
    var counts: [String: Int] = [:]
    var length = 0
    for (part, weight) in [(text.title, titleWeight), (text.keywords, keywordWeight), (text.body, 1)] {
      let terms = all(of: part)
      length += terms.count
      for term in terms { counts[term, default: 0] += weight }
    }
    let slowness = saturation * (1 - lengthShare + lengthShare * Double(length) / usualLength)
    return counts.sorted { $0.key < $1.key }.map { term, count in
      (term, Int16(clamping: max(1, Int((1_000 * Double(count) / (Double(count) + slowness)).rounded(.down)))))
    }
  }

  /// The terms of a question, each once, in their order.
  public static func asked(_ question: String) -> [String] {
    var seen: Set<String> = []
    let text = question.unicodeScalars.count > questionMax ? String(String.UnicodeScalarView(question.unicodeScalars.prefix(questionMax))) : question
    return Array(all(of: text).filter { seen.insert($0).inserted }.prefix(askedMax))
  }

  /// The language of a question: Chinese when any of it is.
  public static func language(of question: String) -> Language { question.unicodeScalars.contains(where: isIdeograph) ? .chinese : .english }
}

/// Which terms of a question are looked for, and how much each counts.
public struct KnowledgePlan: Hashable, Sendable {
  public struct Term: Hashable, Sendable {
    public let term: String
    /// The rarer, the more (the inverse document frequency of BM25, in thousandths).
    public let rarity: Int64
  }

  /// The rarest first.
  public let terms: [Term]
  /// The rarity of all that was asked.
  public let whole: Int64

  /// Entries of the index that one search reads at most; the rarest term is looked for in any case.
  public static let entriesMax: Int64 = 20_000
  /// Percent of what was asked that an article must cover to be suggested.
  public static let scoreMin = 20
  /// The weight of a word in a title, about.
  private static let titleSaid: Int64 = 667
  private static let unknownPairDivisor: Int64 = 3

  /// - Parameters:
  ///   - articles: how many there are in the language.
  ///   - counts: how many of them have each term; 0 where none has.
  public init(_ asked: [String], articles: Int64, counts: [String: Int64], entriesMax: Int64 = entriesMax) {
    func rarity(_ count: Int64) -> Int64 {
      // What every article has still says a little: else a question of such words alone would be covered by nothing at all.
      max(1, Int64((1_000 * log(1 + (Double(max(0, articles - count)) + 0.5) / (Double(count) + 0.5))).rounded()))
    }
    let known = asked.enumerated().filter { counts[$0.element] ?? 0 > 0 }.sorted {
      (counts[$0.element] ?? 0, $0.offset) < (counts[$1.element] ?? 0, $1.offset)
    }
    let sum = known.reduce(0) { $0 + rarity(counts[$1.element] ?? 0) }
    // A word that no article has says that something else is asked: it counts as the others do on average. A pair of Chinese characters that no article
    // has is often none: two words touch in it.
    let unknown = asked.filter { counts[$0] ?? 0 <= 0 }
    let pairs = unknown.count { $0.unicodeScalars.contains(where: KnowledgeTerms.isIdeograph) }
    let strange = Int64(unknown.count - pairs) * KnowledgePlan.unknownPairDivisor + Int64(pairs)
    whole = known.isEmpty ? 0 : sum + sum * strange / (Int64(known.count) * KnowledgePlan.unknownPairDivisor)
    var (chosen, entries): ([Term], Int64) = ([], 0)
    for (_, term) in known {
      let count = counts[term] ?? 0
      guard chosen.isEmpty || entries + count <= entriesMax else { break }
      entries += count
      chosen.append(Term(term: term, rarity: rarity(count)))
    }
    terms = chosen
  }

  /// The least sum of weight times rarity that is enough.
  public var leastSum: Int64 { whole * KnowledgePlan.titleSaid * Int64(KnowledgePlan.scoreMin) / 100 }

  /// Percent of what was asked, of such a sum; 100: the title says all of it.
  public func score(_ sum: Int64) -> Int { whole > 0 ? Int(min(100, sum * 100 / (whole * KnowledgePlan.titleSaid))) : 0 }
}
