// How far somebody came with a survey: the score first, then step by step the further questions that it leads to (F-01, F-03).

/// What was said so far. Once there is a score it counts, whether or not anything follows.
public struct SurveyDraft: Hashable, Sendable {
  public private(set) var score: Int64?
  /// In the customer's own words; empty: nothing was said.
  public private(set) var comment = ""
  /// By question. Questions that were passed over have none.
  public private(set) var answers: [String: String] = [:]
  /// The questions that were put, answered or not; the one for a comment among them.
  public private(set) var asked: Set<String> = []

  public init(score: Int64? = nil, comment: String = "", answers: [String: String] = [:], asked: Set<String> = []) {
    self.score = score
    self.comment = comment
    self.answers = answers
    self.asked = asked
  }

  /// Only for a score of the survey's scale. What was said before stays; whether it still counts depends on the score.
  public mutating func give(_ score: Int64) { self.score = score }

  /// Takes what was said to the questions of one step; those that are left out were passed over.
  public mutating func take(_ step: SurveyStep, _ said: [String: String]) {
    if step.asksComment {
      asked.insert(Survey.commentID)
      comment = said[Survey.commentID] ?? ""
    }
    for question in step.questions {
      asked.insert(question.id)
      answers[question.id] = said[question.id].flatMap { $0.isEmpty ? nil : $0 }
    }
  }

  /// Whether the question belongs to the way that the answers take.
  public func leads(to question: SurveyQuestion, in survey: Survey) -> Bool {
    guard let score, question.condition.scores?.contains(score) ?? true else { return false }
    guard let earlier = question.condition.earlier else { return true }
    guard let before = survey[earlier.question], leads(to: before, in: survey) else { return false }
    return answers[before.id].map { earlier.answers.contains($0) } ?? false
  }

  /// What is to be asked next: every question that is certain by now. Nil when nothing is left, or while there is no score.
  public func next(in survey: Survey) -> SurveyStep? {
    guard score != nil else { return nil }
    let open = survey.questions.filter { !asked.contains($0.id) && leads(to: $0, in: survey) }
    let step = SurveyStep(asksComment: survey.comment != nil && !asked.contains(Survey.commentID), questions: open)
    return step.isEmpty ? nil : step
  }

  /// The further questions on the way with what was said to them, in the order of the survey.
  public func followUps(in survey: Survey) -> [AnswerEvent.FollowUp] {
    survey.questions.compactMap { question in
      guard leads(to: question, in: survey), let answer = answers[question.id] else { return nil }
      return AnswerEvent.FollowUp(question: question.id, answer: answer)
    }
  }
}

/// Questions that stand on one page.
public struct SurveyStep: Hashable, Sendable {
  public let asksComment: Bool
  public let questions: [SurveyQuestion]

  public init(asksComment: Bool, questions: [SurveyQuestion]) {
    self.asksComment = asksComment
    self.questions = questions
  }

  public var isEmpty: Bool { !asksComment && questions.isEmpty }
}
