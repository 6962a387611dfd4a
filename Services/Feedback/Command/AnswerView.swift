// Answers and their figures as JSON. What has no value is null.
import Domain
import FeedbackCore
import Runtime
import Text

enum AnswerView {
  static func answer(_ record: AnswerRecord) -> JSONValue {
    let answer = record.answer
    func textOrNull(_ text: String) -> JSONValue { text.isEmpty ? .null : .text(text) }
    return [
      "answer_id": .text(CustomerID(number: record.number).description), "customer_id": .text(record.customer.description),
      "tier": .textOrNull(record.tier?.text), "segment": .textOrNull(record.segment?.rfmName),
      "contribution": .textOrNull(record.segment?.contributionName), "source": .text(answer.source), "event_id": .text(answer.eventID),
      "occurred_at": .text(RFC3339.text(answer.occurredAt.microseconds)), "survey": .text(answer.survey), "survey_version": .integer(answer.surveyVersion),
      "metric": .text(answer.metric.rawValue), "score": .integer(answer.score), "comment": textOrNull(answer.comment),
      "channel": textOrNull(answer.channel), "ticket_id": .textOrNull(answer.ticketID), "order_id": .textOrNull(answer.orderID),
      "item": textOrNull(answer.item), "polarity": .textOrNull(record.reading?.polarity.rawValue),
      "topics": .array((record.reading?.topics ?? []).map { ["topic": .text($0.id), "polarity": .text($0.polarity.rawValue)] }),
      "follow_ups": .array(answer.followUps.map { ["question": .text($0.question), "answer": .text($0.answer)] }),
    ]
  }

  static func report(_ report: AnswerReport, _ responses: ResponseReport, survey: String?, ladder: TierLadder, asOf: Instant) -> JSONValue {
    let titles = report.grouping == .tier ? ladder.tiers.map { ($0.id.text, $0.name) } : (report.grouping.division ?? []).map { ($0.name, $0.title) }
    let names = Dictionary(titles) { first, _ in first }
    let ordered = report.ordered(report.grouping == .month ? report.period.months.map(\.description) : titles.map(\.0))
    var groups = ordered.map { word, figures -> JSONValue in
      let label: JSONValue = word.flatMap { names[$0] }.map(JSONValue.name) ?? .null
      let asked = members(responses.groups[word] ?? ResponseFigures())
      return .object([JSONMember("group", .textOrNull(word)), JSONMember("name", label)] + members(figures, report) + asked)
    }
    let others = responses.others(than: Set(ordered.map(\.group)))
    if report.others.now.answers + report.others.before.answers + others.invited > 0 {
      let label: JSONValue = ["en": "others", "zh": "其他"]
      groups.append(.object([JSONMember("group", .null), JSONMember("name", label)] + members(report.others, report) + members(others)))
    }
    return [
      "metric": .text(report.metric.rawValue), "survey": .textOrNull(survey), "by": .text(report.grouping.rawValue),
      "from": .text(report.period.first.description), "to": .text(report.period.last.description), "as_of": .text(RFC3339.text(asOf.microseconds)),
      "answers_min": .integer(ScoreCounts.answersMin), "groups": .array(groups), "total": .object(members(report.total, report) + members(responses.total)),
    ]
  }

  /// Who was asked, and the share that answered; null where nobody was.
  private static func members(_ responses: ResponseFigures) -> [JSONMember] {
    let share = responses.share
    return [
      JSONMember("invited", .integer(responses.invited)), JSONMember("invited_answered", .integer(responses.answered)),
      JSONMember("response_rate", share == nil ? .null : .object(estimate(share, isShown: responses.invited >= ScoreCounts.answersMin))),
    ]
  }

  private static func members(_ figures: GroupFigures, _ report: AnswerReport) -> [JSONMember] {
    let now = figures.now
    let scores = zip(report.metric.scores, now.counts).map { JSONMember(String($0.0), .integer($0.1)) }
    var members = [
      JSONMember("answers", .integer(now.answers)), JSONMember("favourable", .integer(now.favourable)),
      JSONMember("unfavourable", .integer(now.unfavourable)), JSONMember("scores", .object(scores)),
    ]
    members += estimate(now.estimate, isShown: now.isEnough)
    if report.isCompared {
      let change = figures.change
      members += [
        JSONMember("answers_before", .integer(figures.before.answers)),
        JSONMember(
          "change",
          change == nil ? .null : .object(estimate(change, isShown: now.isEnough && figures.before.isEnough))),
      ]
    }
    return members
  }

  /// Answers and figure of one group.
  static func figure(_ counts: ScoreCounts) -> [JSONMember] {
    [JSONMember("answers", .integer(counts.answers))] + estimate(counts.estimate, isShown: counts.isEnough)
  }

  /// The figure itself is kept back on too few answers (F-04); its interval says how little is known.
  static func estimate(_ estimate: SurveyEstimate?, isShown: Bool) -> [JSONMember] {
    [
      JSONMember("value", (isShown ? estimate : nil).map { .number($0.value.decimalText(fractionDigitsMax: fractionDigitsMax)) } ?? .null),
      JSONMember("low", estimate.map { .number(decimal($0.interval.low)) } ?? .null),
      JSONMember("high", estimate.map { .number(decimal($0.interval.high)) } ?? .null),
    ]
  }

  /// Of a figure.
  static let fractionDigitsMax = 2

  /// The bounds of an interval, to hundredths.
  static func decimal(_ value: Double) -> String {
    let hundredths = Int64((value * 100).rounded())
    return (Rational(Int128(hundredths), over: 100) ?? .zero).decimalText(fractionDigitsMax: fractionDigitsMax)
  }
}
