// What comments speak of, and how: found by words that an operator lists (F-06). Pure, and the same for the same text whenever it is read.

/// How a comment, or what it says of one topic, sounds.
public enum CommentPolarity: String, Hashable, Sendable, CaseIterable {
  case positive, negative
  /// Both.
  case mixed
  /// No word of either kind.
  case neutral

  init(isPositive: Bool, isNegative: Bool) {
    self = isPositive ? (isNegative ? .mixed : .positive) : isNegative ? .negative : .neutral
  }

  public var name: LocalizedName {
    switch self {
    case .positive: LocalizedName(en: "positive", zh: "正面")
    case .negative: LocalizedName(en: "negative", zh: "负面")
    case .mixed: LocalizedName(en: "mixed", zh: "褒贬不一")
    case .neutral: LocalizedName(en: "neutral", zh: "中性")
    }
  }
}

/// What was found in a comment.
public struct CommentReading: Hashable, Sendable {
  public struct Topic: Hashable, Sendable {
    public let id: String
    public let polarity: CommentPolarity

    public init(id: String, polarity: CommentPolarity) {
      self.id = id
      self.polarity = polarity
    }
  }

  public let polarity: CommentPolarity
  /// In the order of the rules.
  public let topics: [Topic]

  public init(polarity: CommentPolarity, topics: [Topic]) {
    self.polarity = polarity
    self.topics = topics
  }
}

/// Topics and words, as an operator wrote them down.
///
/// A comment is read clause by clause: a mark of punctuation ends one, and so does a word such as "but". In a clause the longest word that fits counts,
/// so that `not bad` or 没问题 may stand in the list of good words although a part of it stands in the other; and a part of a topic's word is none.
/// A negation turns the next good or bad word near it. What a clause says counts for the topics that it names, and for those of the clause before when it
/// names none and that one said nothing.
public struct CommentRules: Hashable, Sendable {
  public struct Topic: Hashable, Sendable {
    public let id: String
    public let name: LocalizedName
    public let words: [String]

    public init(id: String, name: LocalizedName, words: [String]) {
      self.id = id
      self.name = name
      self.words = words
    }
  }

  /// The words beside those of topics.
  public enum List: String, Hashable, Sendable, CaseIterable { case positive, negative, negations, contrasts }

  public let version: Int
  public let author: String
  public let topics: [Topic]
  public let lists: [List: [String]]
  private let topicWords: WordIndex<Int>
  private let toneWords: WordIndex<List>

  public static let topicsMax = 100
  public static let topicBytesMax = 64
  /// Words of one topic or list.
  public static let wordsMax = 500
  public static let wordBytesMax = 64
  /// From the end of a negation to the word that it turns, in characters: `not at all very good`, 没有觉得很好.
  static let negationReach = 14

  /// Throws everything that is wrong.
  public init(version: Int, author: String, topics: [Topic], lists: [List: [String]]) throws(ConfigurationFaults) {
    var faults: [ConfigurationFault] = []
    if topics.isEmpty || topics.count > CommentRules.topicsMax {
      faults.append(ConfigurationFault(path: "topics", problem: "from 1 to \(CommentRules.topicsMax) are needed, not \(topics.count)"))
    }
    var topicWords = WordIndex<Int>()
    var toneWords = WordIndex<List>()
    for (place, topic) in topics.enumerated() {
      if !isSlug(topic.id, bytesMax: CommentRules.topicBytesMax) {
        faults.append(
          ConfigurationFault(path: "topics[\(place)].id", problem: "small letters, digits and hyphens, at most \(CommentRules.topicBytesMax)"))
      }
      if topics[..<place].contains(where: { $0.id == topic.id }) {
        faults.append(ConfigurationFault(path: "topics[\(place)].id", problem: "`\(topic.id)` is listed already"))
      }
      if topic.words.isEmpty { faults.append(ConfigurationFault(path: "topics[\(place)].words", problem: "the list is empty")) }
      faults += CommentRules.fill(&topicWords, topic.words, place, "topics[\(place)].words", mayShare: true)
    }
    for list in List.allCases { faults += CommentRules.fill(&toneWords, lists[list] ?? [], list, list.rawValue, mayShare: false) }
    guard faults.isEmpty else { throw ConfigurationFaults(faults) }
    self.version = version
    self.author = author
    self.topics = topics
    self.lists = lists
    self.topicWords = topicWords
    self.toneWords = toneWords
  }

  private static func fill<Value: Equatable>(
    _ index: inout WordIndex<Value>, _ words: [String], _ value: Value, _ path: String, mayShare: Bool
  ) -> [ConfigurationFault] {
    if words.count > wordsMax { return [ConfigurationFault(path: path, problem: "at most \(wordsMax) words, not \(words.count)")] }
    return words.enumerated().compactMap { place, word in
      guard let entry = IndexedWord(word) else {
        return ConfigurationFault(path: "\(path)[\(place)]", problem: "a word has a letter or a character; a star may only stand at its end")
      }
      // One word may belong to several topics; of the lists it is in one.
      return index.add(entry, value, mayShare: mayShare) ? nil : ConfigurationFault(path: "\(path)[\(place)]", problem: "`\(word)` is listed already")
    }
  }

  // MARK: - Reading

  private struct Clause {
    var topics: Set<Int> = []
    var isPositive = false
    var isNegative = false
    var isToned: Bool { isPositive || isNegative }
  }

  public func read(_ comment: String) -> CommentReading {
    let text = FoldedText(comment)
    var tones: [Int: (isPositive: Bool, isNegative: Bool)] = [:]
    var whole = (isPositive: false, isNegative: false)
    var former = Clause()
    for range in clauses(of: text) {
      let clause = read(text, range)
      whole = (whole.isPositive || clause.isPositive, whole.isNegative || clause.isNegative)
      let isAfterthought = clause.topics.isEmpty && clause.isToned && !former.isToned
      for topic in isAfterthought ? former.topics : clause.topics {
        let known = tones[topic] ?? (false, false)
        tones[topic] = (known.isPositive || clause.isPositive, known.isNegative || clause.isNegative)
      }
      former = clause
    }
    return CommentReading(
      polarity: CommentPolarity(isPositive: whole.isPositive, isNegative: whole.isNegative),
      topics: tones.sorted { $0.key < $1.key }.map { place, tone in
        CommentReading.Topic(id: topics[place].id, polarity: CommentPolarity(isPositive: tone.isPositive, isNegative: tone.isNegative))
      })
  }

  private static let ends = Set("，。！？；：,.!?;:\n\r…~～".unicodeScalars.map(\.value))

  /// A mark between two digits, as in 3.5 or 12:30, ends none.
  private func clauses(of text: FoldedText) -> [Range<Int>] {
    var clauses: [Range<Int>] = []
    var start = 0
    var at = 0
    while at < text.scalars.count {
      if let found = toneWords.longest(in: text, at: at, before: text.scalars.count) {
        if found.value == .contrasts, at > start {
          clauses.append(start..<at)
          start = at
        }
        at = found.end
      } else {
        if CommentRules.ends.contains(text.scalars[at]), !(text.isDigit(at - 1) && text.isDigit(at + 1)) {
          if at > start { clauses.append(start..<at) }
          start = at + 1
        }
        at += 1
      }
    }
    if start < text.scalars.count { clauses.append(start..<text.scalars.count) }
    return clauses
  }

  private func read(_ text: FoldedText, _ range: Range<Int>) -> Clause {
    var clause = Clause()
    var named: [Range<Int>] = []
    topicWords.each(in: text, range) { topics, start, end in
      clause.topics.formUnion(topics)
      named.append(start..<end)
    }
    var negatedUntil = range.lowerBound
    toneWords.each(in: text, range) { values, start, end in
      // 快递 is not 快.
      let isPart = named.contains { $0.lowerBound <= start && end <= $0.upperBound && $0.count > end - start }
      guard let list = values.first, !isPart else { return }
      switch list {
      case .negations: negatedUntil = end + CommentRules.negationReach
      case .contrasts: break
      case .positive, .negative:
        let isNegated = start < negatedUntil && negatedUntil > range.lowerBound
        if (list == .positive) != isNegated { clause.isPositive = true } else { clause.isNegative = true }
        negatedUntil = range.lowerBound
      }
    }
    return clause
  }
}

/// Text in the form in which words are compared: small letters, half-width, plain apostrophes.
private struct FoldedText {
  let scalars: [UInt32]

  init(_ text: String) { scalars = text.lowercased().unicodeScalars.map { FoldedText.fold($0.value) } }

  private static func fold(_ scalar: UInt32) -> UInt32 {
    switch scalar {
    // Full-width forms of ASCII; those that end a clause are known in both.
    case 0xFF01...0xFF5E: scalar - 0xFEE0
    case 0x3000, 0x00A0: 0x20
    case 0x2018, 0x2019: 0x27
    default: scalar
    }
  }

  func isDigit(_ place: Int) -> Bool { scalars.indices.contains(place) && (0x30...0x39).contains(scalars[place]) }

  /// A letter or digit of a script that parts its words by blanks.
  func isWordLetter(_ place: Int) -> Bool { scalars.indices.contains(place) && FoldedText.isWordLetter(scalars[place]) }

  static func isWordLetter(_ scalar: UInt32) -> Bool {
    switch scalar {
    case 0x30...0x39, 0x61...0x7A, 0xC0...0xD6, 0xD8...0xF6, 0xF8...0x24F, 0x370...0x52F: true
    default: false
    }
  }
}

/// A word of a list. One with a star at its end is the beginning of a word.
private struct IndexedWord: Hashable {
  let scalars: [UInt32]
  let isBeginning: Bool

  init?(_ text: String) {
    var text = text
    isBeginning = text.hasSuffix("*")
    if isBeginning { text.removeLast() }
    let folded = FoldedText(text).scalars
    guard !folded.isEmpty, !folded.contains(0x2A), folded.first != 0x20, folded.last != 0x20,
      folded.contains(where: { FoldedText.isWordLetter($0) || $0 >= 0x2E80 })
    else { return nil }
    scalars = folded
  }

  /// Chinese knows no ends of words; where a word begins or ends with a letter, no other may stand beside it.
  func fits(_ text: FoldedText, at place: Int, before end: Int) -> Bool {
    guard place + scalars.count <= end else { return false }
    for (offset, scalar) in scalars.enumerated() where text.scalars[place + offset] != scalar { return false }
    if FoldedText.isWordLetter(scalars[0]), text.isWordLetter(place - 1) { return false }
    return isBeginning || !FoldedText.isWordLetter(scalars[scalars.count - 1]) || !text.isWordLetter(place + scalars.count)
  }
}

/// Words by their first character, the longest first.
private struct WordIndex<Value: Hashable & Sendable>: Hashable, Sendable {
  private struct Entry: Hashable, Sendable {
    let word: IndexedWord
    var values: [Value]
  }
  private var entries: [UInt32: [Entry]] = [:]

  /// False when it has the word already: with this value, or with any where a word may have one only.
  mutating func add(_ word: IndexedWord, _ value: Value, mayShare: Bool) -> Bool {
    guard let first = word.scalars.first else { return false }
    var known = entries[first] ?? []
    if let place = known.firstIndex(where: { $0.word == word }) {
      guard mayShare, !known[place].values.contains(value) else { return false }
      known[place].values.append(value)
    } else {
      let place = known.firstIndex { $0.word.scalars.count < word.scalars.count } ?? known.count
      known.insert(Entry(word: word, values: [value]), at: place)
    }
    entries[first] = known
    return true
  }

  private func entry(in text: FoldedText, at place: Int, before end: Int) -> (entry: Entry, end: Int)? {
    guard let entry = entries[text.scalars[place]]?.first(where: { $0.word.fits(text, at: place, before: end) }) else { return nil }
    return (entry, place + entry.word.scalars.count)
  }

  func longest(in text: FoldedText, at place: Int, before end: Int) -> (value: Value, end: Int)? {
    entry(in: text, at: place, before: end).flatMap { found in found.entry.values.first.map { ($0, found.end) } }
  }

  /// Every word of a part of the text, none over another: values, start, end.
  func each(in text: FoldedText, _ range: Range<Int>, _ body: ([Value], Int, Int) -> Void) {
    var place = range.lowerBound
    while place < range.upperBound {
      if let found = entry(in: text, at: place, before: range.upperBound) {
        body(found.entry.values, place, found.end)
        place = found.end
      } else {
        place += 1
      }
    }
  }
}
