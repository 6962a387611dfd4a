// What messages to customers say (E-05): data in two languages, that an operator edits. Words in braces stand for what differs from message to message.

public struct MessageTexts: Hashable, Sendable {
  /// What stands in braces.
  public enum Word: String, Hashable, Sendable, CaseIterable {
    /// Of the survey.
    case title
    case link
    /// The last day on which the link works.
    case expires
  }

  /// A subject and the lines below it.
  public struct Text: Hashable, Sendable {
    public let subject: LocalizedName
    public let body: LocalizedName

    public init(subject: LocalizedName, body: LocalizedName) {
      self.subject = subject
      self.body = body
    }
  }

  public let version: Int
  public let author: String
  /// Whom messages come from, as customers read it.
  public let sender: LocalizedName
  public let invitation: Text
  public let reminder: Text

  /// In bytes.
  public static let bodyBytesMax = 4_000

  /// Throws everything that is wrong with them.
  public init(version: Int, author: String, sender: LocalizedName, invitation: Text, reminder: Text) throws(ConfigurationFaults) {
    self.version = version
    self.author = author
    self.sender = sender
    self.invitation = invitation
    self.reminder = reminder
    var faults = MessageTexts.faults(of: sender, "sender", allows: [], isOneLine: true)
    for (path, text) in [("invitation", invitation), ("reminder", reminder)] {
      faults += MessageTexts.faults(of: text.subject, "\(path).subject", allows: [.title, .expires], isOneLine: true)
      faults += MessageTexts.faults(of: text.body, "\(path).body", allows: Set(Word.allCases), needs: .link, isOneLine: false)
    }
    if !faults.isEmpty { throw ConfigurationFaults(faults) }
  }

  private static func faults(
    of name: LocalizedName, _ path: String, allows words: Set<Word>, needs needed: Word? = nil, isOneLine: Bool
  ) -> [ConfigurationFault] {
    Language.allCases.flatMap { language -> [ConfigurationFault] in
      let (text, path) = (name.text(in: language), "\(path).\(language == .english ? "en" : "zh")")
      var problems: [String] = []
      if isOneLine, text.contains(where: \.isNewline) { problems.append("this is one line") }
      let found = pieces(of: text)
      let known = words.map { "{\($0.rawValue)}" }.sorted().joined(separator: ", ")
      for case .unknown(let word) in found {
        problems.append("`{\(word)}` stands for nothing; " + (known.isEmpty ? "no words in braces here" : "known here: \(known)"))
      }
      for case .word(let word) in found where !words.contains(word) { problems.append("`{\(word.rawValue)}` cannot stand here") }
      if let needed, !found.contains(.word(needed)) { problems.append("`{\(needed.rawValue)}` is missing: without it nobody can answer") }
      return problems.map { ConfigurationFault(path: path, problem: $0) }
    }
  }

  // MARK: - Filling in

  private enum Piece: Hashable {
    case plain(String)
    case word(Word)
    case unknown(String)
  }

  /// Braces without an end are plain text.
  private static func pieces(of text: String) -> [Piece] {
    var pieces: [Piece] = []
    var rest = text[...]
    while let start = rest.firstIndex(of: "{"), let end = rest[start...].firstIndex(of: "}") {
      if start > rest.startIndex { pieces.append(.plain(String(rest[..<start]))) }
      let name = String(rest[rest.index(after: start)..<end])
      pieces.append(Word(rawValue: name).map { .word($0) } ?? .unknown(name))
      rest = rest[rest.index(after: end)...]
    }
    if !rest.isEmpty { pieces.append(.plain(String(rest))) }
    return pieces
  }

  /// A text with its words filled in; what they stand for is not looked at again.
  public static func filled(_ text: String, _ words: [Word: String]) -> String {
    pieces(of: text).map { piece in
      switch piece {
      case .plain(let text): text
      case .word(let word): words[word] ?? ""
      case .unknown(let name): "{\(name)}"
      }
    }.joined()
  }
}
