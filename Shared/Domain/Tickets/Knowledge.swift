// The knowledge base (K-12): articles in versions, each written by some and approved by somebody else, good until a day. Pure: time is an argument.

/// What an article says in one language.
public struct ArticleText: Hashable, Sendable {
  public let title: String
  public let body: String
  /// Other words for the same, and questions that it answers; empty: none.
  public let keywords: String

  public static let titleMax = 200
  public static let bodyMax = 20_000
  public static let keywordsMax = 1_000

  public init(title: String, body: String, keywords: String = "") {
    self.title = title
    self.body = body
    self.keywords = keywords
  }
}

/// What is approved as a whole: the same in each language it is written in.
public struct ArticleContent: Hashable, Sendable {
  /// Empty: none.
  public let category: String
  /// At least one.
  public let texts: [Language: ArticleText]
  /// The last business day on which it is good.
  public let validUntil: Day

  /// Nothing is good unseen for longer.
  public static let validDaysMax = 1_096

  public init(category: String, texts: [Language: ArticleText], validUntil: Day) {
    self.category = category
    self.texts = texts
    self.validUntil = validUntil
  }

  /// The text in a language, else in the other one.
  public func text(in language: Language) -> (language: Language, text: ArticleText)? {
    if let text = texts[language] { return (language, text) }
    return Language.allCases.compactMap { other in texts[other].map { (other, $0) } }.first
  }
}

public enum ArticleVersionState: String, Hashable, Sendable, CaseIterable {
  case draft, approved, replaced, rejected, withdrawn
}

/// Who did something to an article, when and why.
public struct ArticleLine: Hashable, Sendable {
  public let actor: TicketActor
  public let at: Instant

  public init(_ actor: TicketActor, at: Instant) {
    self.actor = actor
    self.at = at
  }
}

/// One version. Its content changes only while it is a draft.
public struct ArticleVersion: Hashable, Sendable {
  public let number: Int
  public fileprivate(set) var state: ArticleVersionState
  public fileprivate(set) var content: ArticleContent
  /// Everybody who wrote on it, the first one first.
  public fileprivate(set) var authors: [String]
  /// The last writing.
  public fileprivate(set) var written: ArticleLine
  /// Who approved or rejected it.
  public fileprivate(set) var decision: ArticleLine?
  /// Who withdrew it, or approved the next one.
  public fileprivate(set) var ending: ArticleLine?

  /// People that may write on one draft.
  public static let authorsMax = 100

  public init(
    number: Int, state: ArticleVersionState, content: ArticleContent, authors: [String], written: ArticleLine, decision: ArticleLine? = nil,
    ending: ArticleLine? = nil
  ) {
    self.number = number
    self.state = state
    self.content = content
    self.authors = authors
    self.written = written
    self.decision = decision
    self.ending = ending
  }
}

/// What people do with an article beside writing.
public enum ArticleStep: String, Hashable, Sendable, CaseIterable {
  /// The draft comes into force; what was in force is replaced.
  case approve
  /// The draft is given up.
  case reject
  /// What is in force is so no longer.
  case withdraw
}

public enum ArticleState: String, Hashable, Sendable, CaseIterable {
  case draft, approved, expired, withdrawn

  public var name: LocalizedName {
    switch self {
    case .draft: LocalizedName(en: "draft", zh: "草稿")
    case .approved: LocalizedName(en: "approved", zh: "已批准")
    case .expired: LocalizedName(en: "expired", zh: "已过期")
    case .withdrawn: LocalizedName(en: "withdrawn", zh: "已撤回")
    }
  }
}

/// Why something is not done with an article.
public enum ArticleRefusal: Error, Hashable, Sendable {
  case noDraft
  case notInForce
  /// Nobody approves what they wrote on.
  case ownWork
  /// It would be over when it begins.
  case over(Day)
  case tooManyAuthors
}

/// An article as far as it matters what to do next: the version in force and the draft of the next one.
public struct Article: Hashable, Sendable {
  public let id: TicketID
  /// Grows with every change.
  public private(set) var revision: Int64
  /// The number of the newest version.
  public private(set) var lastNumber: Int
  public private(set) var current: ArticleVersion?
  public private(set) var draft: ArticleVersion?
  public let createdAt: Instant

  /// As it is stored.
  public init(id: TicketID, revision: Int64, lastNumber: Int, current: ArticleVersion?, draft: ArticleVersion?, createdAt: Instant) {
    self.id = id
    self.revision = revision
    self.lastNumber = lastNumber
    self.current = current
    self.draft = draft
    self.createdAt = createdAt
  }

  /// A first draft.
  public init(_ id: TicketID, _ content: ArticleContent, by line: ArticleLine) {
    let draft = ArticleVersion(number: 1, state: .draft, content: content, authors: [line.actor.name], written: line)
    self.init(id: id, revision: 1, lastNumber: 1, current: nil, draft: draft, createdAt: line.at)
  }

  public func state(on today: Day) -> ArticleState {
    guard let current else { return draft == nil ? .withdrawn : .draft }
    return today <= current.content.validUntil ? .approved : .expired
  }

  /// Writes the draft anew, or begins one.
  ///
  /// - Returns: the versions that are new or changed.
  public mutating func write(_ content: ArticleContent, by line: ArticleLine) throws(ArticleRefusal) -> [ArticleVersion] {
    var next: ArticleVersion
    if let draft {
      next = draft
      next.content = content
      next.written = line
      if !next.authors.contains(line.actor.name) {
        guard next.authors.count < ArticleVersion.authorsMax else { throw .tooManyAuthors }
        next.authors.append(line.actor.name)
      }
    } else {
      lastNumber += 1
      next = ArticleVersion(number: lastNumber, state: .draft, content: content, authors: [line.actor.name], written: line)
    }
    draft = next
    revision += 1
    return [next]
  }

  /// - Returns: the versions that changed.
  public mutating func take(_ step: ArticleStep, by line: ArticleLine, on today: Day) throws(ArticleRefusal) -> [ArticleVersion] {
    switch step {
    case .approve:
      guard var next = draft else { throw .noDraft }
      guard !next.authors.contains(line.actor.name) else { throw .ownWork }
      guard next.content.validUntil >= today else { throw .over(next.content.validUntil) }
      next.state = .approved
      next.decision = line
      let former = ended(.replaced, line)
      (current, draft) = (next, nil)
      revision += 1
      return former + [next]
    case .reject:
      guard var given = draft else { throw .noDraft }
      given.state = .rejected
      given.decision = line
      draft = nil
      revision += 1
      return [given]
    case .withdraw:
      guard current != nil else { throw .notInForce }
      let former = ended(.withdrawn, line)
      current = nil
      revision += 1
      return former
    }
  }

  private func ended(_ state: ArticleVersionState, _ line: ArticleLine) -> [ArticleVersion] {
    guard var former = current else { return [] }
    former.state = state
    former.ending = line
    return [former]
  }
}

/// What became of a question, as who asked it says.
public enum QuestionOutcome: String, Hashable, Sendable, CaseIterable {
  case helped
  case notHelped = "not_helped"
}
