// What became of the unhappy, as JSON (F-05). What has no value is null.
import Domain
import FeedbackCore
import Runtime
import Text

struct RecoveryView {
  let figures: RecoveryFigures
  let metric: AnswerEvent.Metric
  let survey: String?
  let period: AnswerReport.Period
  let currency: Currency
  let asOf: Instant

  var json: JSONValue {
    .object(
      [
        JSONMember("metric", .text(metric.rawValue)), JSONMember("survey", .textOrNull(survey)), JSONMember("from", .text(period.first.description)),
        JSONMember("to", .text(period.last.description)), JSONMember("as_of", .text(RFC3339.text(asOf.microseconds))),
        JSONMember("answers_min", .integer(ScoreCounts.answersMin)), JSONMember("unfavourable", .integer(figures.unfavourable)),
        JSONMember("asked_again", .integer(figures.askedAgain)), JSONMember("recovered", .integer(figures.recovered)),
      ] + AnswerView.estimate(figures.share, isShown: figures.askedAgain >= ScoreCounts.answersMin) + [
        JSONMember("days", .integer(Int64(figures.spanDays))), JSONMember("currency", .text(currency.description)),
        JSONMember("groups", .array(RecoveryOutcome.allCases.map(group))),
      ])
  }

  private func group(_ outcome: RecoveryOutcome) -> JSONValue {
    let (group, recovered) = (figures[outcome], figures[.recovered])
    let share = group.share
    let isShown = group.isEnough
    let difference = outcome == .recovered ? nil : recovered.difference(from: group)
    return [
      "group": .text(outcome.rawValue), "name": .name(outcome.name), "customers": .integer(group.customers), "observed": .integer(group.observed),
      "ordered": .integer(group.ordered),
      "reorder_rate": share == nil ? .null : .object(AnswerView.estimate(share, isShown: isShown)),
      "orders_each": (isShown ? group.ordersEach : nil).map { .number($0.decimalText(fractionDigitsMax: AnswerView.fractionDigitsMax)) } ?? .null,
      "spend_each": (isShown ? group.spendEach : nil).map { .text(MinorUnits.text($0, digits: currency.minorDigits)) } ?? .null,
      "difference": difference == nil ? .null : .object(AnswerView.estimate(difference, isShown: isShown && recovered.isEnough)),
    ]
  }
}
