// A customer's answer to a survey (F-01).

/// One answer with its score: validated, normalised. A fact.
public struct AnswerEvent: Hashable, Sendable {
  /// What the score measures, and on which scale (F-01).
  public enum Metric: String, Hashable, Sendable, CaseIterable {
    case nps, csat, ces

    public var scores: ClosedRange<Int64> {
      switch self {
      case .nps: 0...10
      case .csat: 1...5
      case .ces: 1...7
      }
    }
  }

  /// The answer to one further question.
  public struct FollowUp: Hashable, Sendable {
    public var question: String
    public var answer: String

    public init(question: String, answer: String) {
      self.question = question
      self.answer = answer
    }
  }

  public var source: String
  /// Unique within the source (I-06).
  public var eventID: String
  public var occurredAt: Instant
  /// The survey's name.
  public var survey: String
  /// The version of the survey that was answered; 1 where the source does not count.
  public var surveyVersion: Int64
  public var metric: Metric
  /// Within ``Metric/scores``.
  public var score: Int64
  /// In the customer's own words, line breaks included; empty where there are none.
  public var comment: String
  public var channel: String
  /// The ticket, the order and the article that were asked about; nil or empty where there was none.
  public var ticketID: String?
  public var orderID: String?
  public var item: String
  public var followUps: [FollowUp]
  /// Strongest first, none twice, never empty.
  public var identifiers: [Identifier]

  public init(
    source: String, eventID: String, occurredAt: Instant, survey: String, surveyVersion: Int64 = 1, metric: Metric, score: Int64, comment: String = "",
    channel: String = "", ticketID: String? = nil, orderID: String? = nil, item: String = "", followUps: [FollowUp] = [], identifiers: [Identifier]
  ) {
    self.source = source
    self.eventID = eventID
    self.occurredAt = occurredAt
    self.survey = survey
    self.surveyVersion = surveyVersion
    self.metric = metric
    self.score = score
    self.comment = comment
    self.channel = channel
    self.ticketID = ticketID
    self.orderID = orderID
    self.item = item
    self.followUps = followUps
    self.identifiers = identifiers
  }

  /// Further questions of one answer.
  public static let followUpsMax = 50
}
