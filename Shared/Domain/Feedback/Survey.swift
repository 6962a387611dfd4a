// A survey as data (F-01): what customers are asked, in Chinese and English, and which further question follows on which answer.

/// Which survey in which version; a version never changes.
public struct SurveyReference: Hashable, Sendable, Comparable, CustomStringConvertible {
  public let name: String
  public let version: Int

  public init(name: String, version: Int) {
    self.name = name
    self.version = version
  }

  public var description: String { "\(name) v\(version)" }
  public static func < (left: SurveyReference, right: SurveyReference) -> Bool { (left.name, left.version) < (right.name, right.version) }
}

/// A further question, after the score.
public struct SurveyQuestion: Hashable, Sendable {
  public enum Kind: Hashable, Sendable {
    /// In the customer's own words.
    case text
    case yesNo
    /// One of several.
    case choice([Option])
  }

  /// One of the answers that may be chosen.
  public struct Option: Hashable, Sendable {
    public let id: String
    public let name: LocalizedName

    public init(id: String, name: LocalizedName) {
      self.id = id
      self.name = name
    }
  }

  /// When it is asked; both must hold where both are there.
  public struct Condition: Hashable, Sendable {
    /// The score lies here.
    public let scores: ClosedRange<Int64>?
    /// An earlier question was answered with one of these.
    public let earlier: Earlier?

    public struct Earlier: Hashable, Sendable {
      public let question: String
      public let answers: [String]

      public init(question: String, answers: [String]) {
        self.question = question
        self.answers = answers
      }
    }

    public init(scores: ClosedRange<Int64>? = nil, earlier: Earlier? = nil) {
      self.scores = scores
      self.earlier = earlier
    }
  }

  public let id: String
  public let text: LocalizedName
  public let kind: Kind
  public let condition: Condition

  public init(id: String, text: LocalizedName, kind: Kind, condition: Condition = Condition()) {
    self.id = id
    self.text = text
    self.kind = kind
    self.condition = condition
  }

  public static let yes = "yes"
  public static let no = "no"

  /// The answers that may be chosen; nil where the customer writes.
  public var choices: [String]? {
    switch kind {
    case .text: nil
    case .yesNo: [SurveyQuestion.yes, SurveyQuestion.no]
    case .choice(let options): options.map(\.id)
    }
  }
}

public struct Survey: Hashable, Sendable {
  /// What a survey is for: a contact budget weighs the purposes against each other (F-02).
  public enum Purpose: String, Hashable, Sendable, CaseIterable {
    /// How the customer stands to the business as a whole, asked regularly.
    case relationship
    /// How one thing went: a ticket, a delivery.
    case transaction
    /// Whether something was put right.
    case recovery
    /// Everything else that somebody wants to know.
    case research
  }

  /// What the two ends of the scale mean.
  public struct Ends: Hashable, Sendable {
    public let low: LocalizedName
    public let high: LocalizedName

    public init(low: LocalizedName, high: LocalizedName) {
      self.low = low
      self.high = high
    }
  }

  public let reference: SurveyReference
  public let author: String
  public let metric: AnswerEvent.Metric
  public let purpose: Purpose
  /// A link that nobody used works so many days (F-03).
  public let expiresAfterDays: Int
  public let title: LocalizedName
  /// What the score answers.
  public let question: LocalizedName
  public let ends: Ends
  /// The question for a comment; nil: none is asked for.
  public let comment: LocalizedName?
  public let questions: [SurveyQuestion]
  public let thanks: LocalizedName

  public static let nameBytesMax = 64
  public static let questionsMax = 20
  public static let optionsMax = 20
  public static let expiresDaysMax = 90
  /// The question for a comment goes by this name among the others.
  public static let commentID = "comment"

  public init(
    reference: SurveyReference, author: String, metric: AnswerEvent.Metric, purpose: Purpose, expiresAfterDays: Int, title: LocalizedName,
    question: LocalizedName, ends: Ends, comment: LocalizedName?, questions: [SurveyQuestion], thanks: LocalizedName
  ) throws(ConfigurationFaults) {
    var faults: [ConfigurationFault] = []
    if !isSlug(reference.name, bytesMax: Survey.nameBytesMax) {
      faults.append(ConfigurationFault(path: "survey", problem: "small letters, digits and hyphens, at most \(Survey.nameBytesMax)"))
    }
    if questions.count > Survey.questionsMax {
      faults.append(ConfigurationFault(path: "questions", problem: "at most \(Survey.questionsMax) questions, not \(questions.count)"))
    }
    for place in questions.indices { faults += Survey.faults(of: questions[place], at: "questions[\(place)]", after: questions[..<place], metric) }
    guard faults.isEmpty else { throw ConfigurationFaults(faults) }
    self.reference = reference
    self.author = author
    self.metric = metric
    self.purpose = purpose
    self.expiresAfterDays = expiresAfterDays
    self.title = title
    self.question = question
    self.ends = ends
    self.comment = comment
    self.questions = questions
    self.thanks = thanks
  }

  public subscript(id: String) -> SurveyQuestion? { questions.first { $0.id == id } }

  private static func faults(
    of question: SurveyQuestion, at path: String, after earlier: ArraySlice<SurveyQuestion>, _ metric: AnswerEvent.Metric
  ) -> [ConfigurationFault] {
    var faults: [ConfigurationFault] = []
    func add(_ part: String, _ problem: String) { faults.append(ConfigurationFault(path: "\(path).\(part)", problem: problem)) }
    if !isSlug(question.id, bytesMax: nameBytesMax) { add("id", "small letters, digits and hyphens, at most \(nameBytesMax)") }
    if question.id == commentID { add("id", "`\(commentID)` is the name of the question for a comment") }
    if earlier.contains(where: { $0.id == question.id }) { add("id", "`\(question.id)` is listed already") }
    if case .choice(let options) = question.kind {
      if !(2...optionsMax).contains(options.count) { add("options", "from 2 to \(optionsMax) are needed, not \(options.count)") }
      for (place, option) in options.enumerated() {
        if !isSlug(option.id, bytesMax: nameBytesMax) { add("options[\(place)].id", "small letters, digits and hyphens, at most \(nameBytesMax)") }
        if options[..<place].contains(where: { $0.id == option.id }) { add("options[\(place)].id", "`\(option.id)` is listed already") }
      }
    }
    if let scores = question.condition.scores, scores.lowerBound < metric.scores.lowerBound || scores.upperBound > metric.scores.upperBound {
      add("when", "scores of \(metric.rawValue) go from \(metric.scores.lowerBound) to \(metric.scores.upperBound)")
    }
    guard let wanted = question.condition.earlier else { return faults }
    guard let asked = earlier.first(where: { $0.id == wanted.question }) else {
      add("when.question", "`\(wanted.question)` is no question before this one")
      return faults
    }
    guard let choices = asked.choices else {
      add("when.question", "`\(wanted.question)` is answered in the customer's own words: name one with answers to choose from")
      return faults
    }
    if wanted.answers.isEmpty { add("when.is", "at least one answer is needed") }
    for (place, answer) in wanted.answers.enumerated() where !choices.contains(answer) {
      add("when.is[\(place)]", "`\(wanted.question)` has no answer `\(answer)`; it has \(choices.joined(separator: ", "))")
    }
    return faults
  }
}
