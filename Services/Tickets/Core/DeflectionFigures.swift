// How many questions are answered without an agent (K-12): what that means stands here and nowhere else. Pure sums.
public import Domain

/// Questions that are alike in all that counts.
public struct AskedQuestions: Hashable, Sendable {
  /// Empty: none was given.
  public var category: String
  public var channel: String
  public var language: Language
  /// nil: nobody has said.
  public var outcome: QuestionOutcome?
  /// Whether any article was suggested.
  public var isSuggested: Bool
  /// Whether a ticket was opened from it.
  public var isTicket: Bool
  public var count: Int64

  public init(category: String, channel: String, language: Language, outcome: QuestionOutcome?, isSuggested: Bool, isTicket: Bool, count: Int64) {
    self.category = category
    self.channel = channel
    self.language = language
    self.outcome = outcome
    self.isSuggested = isSuggested
    self.isTicket = isTicket
    self.count = count
  }
}

public struct DeflectionFigures: Hashable, Sendable {
  public private(set) var asked: Int64 = 0
  /// Who asked said that an article helped.
  public private(set) var helped: Int64 = 0
  /// Who asked said that none did, opened a ticket, or was suggested nothing.
  public private(set) var notHelped: Int64 = 0
  /// Something was suggested, and nobody said whether it helped: no part of the share.
  public private(set) var open: Int64 = 0
  /// Part of `notHelped`: no article was suggested.
  public private(set) var nothingFound: Int64 = 0
  public private(set) var tickets: Int64 = 0

  /// Percent of the questions that ought to be answered without an agent.
  public static let goalPercent = 80

  public init() {}

  public mutating func add(_ questions: AskedQuestions) {
    let count = questions.count
    asked += count
    if questions.isTicket { tickets += count }
    if !questions.isSuggested { nothingFound += count }
    if questions.isTicket || !questions.isSuggested || questions.outcome == .notHelped {
      notHelped += count
    } else if questions.outcome == .helped {
      helped += count
    } else {
      open += count
    }
  }

  /// Percent of the questions whose outcome is known; nil: of none.
  public var deflection: Rational? { ServiceFigures.percent(helped, of: helped + notHelped) }
  /// The same if nobody who said nothing was helped: no share can be less.
  public var deflectionAtLeast: Rational? { ServiceFigures.percent(helped, of: asked) }
}

/// The report on the questions of one month.
public struct DeflectionReport: Sendable {
  public enum Grouping: String, Sendable, CaseIterable { case category, language, channel }

  public let grouping: Grouping
  public private(set) var total = DeflectionFigures()
  private var groups: [String?: DeflectionFigures] = [:]

  public init(by grouping: Grouping) { self.grouping = grouping }

  public mutating func add(_ questions: AskedQuestions) {
    let word: String? =
      switch grouping {
      case .category: questions.category.isEmpty ? nil : questions.category
      case .language: questions.language.rawValue
      case .channel: questions.channel.isEmpty ? nil : questions.channel
      }
    groups[word, default: DeflectionFigures()].add(questions)
    total.add(questions)
  }

  /// Where most was asked comes first; of the same by name, what is not known last.
  public var ordered: [(group: String?, figures: DeflectionFigures)] {
    groups.map { (group: $0.key, figures: $0.value) }.sorted { left, right in
      (-left.figures.asked, left.group == nil ? 1 : 0, left.group ?? "") < (-right.figures.asked, right.group == nil ? 1 : 0, right.group ?? "")
    }
  }
}
