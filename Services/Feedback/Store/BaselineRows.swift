// Baselines in their table (F-07).
public import Domain
public import FeedbackCore
public import Postgres
import Text

public enum BaselineQueries {
  /// What became of taking one.
  public enum Taken: Sendable {
    case new(Baseline)
    /// The same name and period: the one that there is stays.
    case known(Baseline)
    /// Another period has the name.
    case taken(Baseline)
  }

  private static let insert = Statement(
    name: "baselines_insert",
    sql: """
      INSERT INTO baselines (name, first_day, last_day, taken_at, actor, reason, figures) VALUES ($1, $2, $3, $4, $5, $6, $7)
      ON CONFLICT (name) DO NOTHING
      """)
  private static let columns = "name, first_day, last_day, taken_at, actor, reason, figures"
  private static let find = Statement(name: "baselines_find", sql: "SELECT \(columns) FROM baselines WHERE name = $1")
  private static let page = Statement(
    name: "baselines_page", sql: "SELECT \(columns) FROM baselines WHERE $1::text IS NULL OR name > $1 ORDER BY name LIMIT $2")

  /// Takes the figures of a period, all as they are at one moment.
  public static func take(
    _ name: String, of period: AnswerReport.Period, by actor: String, because reason: String, at now: Instant, in zone: BusinessZone,
    _ session: PostgresSession
  ) throws -> Taken {
    // Whoever changed something meanwhile has an entry in the trail that this one does not see: then it is taken anew.
    try session.retryingTransaction { session in
      // All queries see the same answers.
      try session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
      if let known = try baseline(name, session) { return known.period == period ? .known(known) : .taken(known) }
      let figures = Baseline.figures(try reports(over: period, in: zone, session))
      let baseline = Baseline(name: name, period: period, takenAt: now, actor: actor, reason: reason, figures: figures)
      _ = try session.run(insert) { parameters in
        parameters.text(name)
        parameters.date(unixDays: period.first.number)
        parameters.date(unixDays: period.last.number)
        parameters.timestamptz(now.microseconds)
        parameters.text(actor)
        parameters.text(reason)
        parameters.text(encode(figures))
      }
      return .new(baseline)
    }
  }

  /// The answers of a period by each metric and each grouping that a baseline has.
  static func reports(over period: AnswerReport.Period, in zone: BusinessZone, _ session: PostgresSession) throws -> [AnswerReport] {
    try AnswerEvent.Metric.allCases.flatMap { metric in
      try BaselineGroup.groupings.map { grouping in
        var report = AnswerReport(metric, by: grouping, over: period, isCompared: false)
        try AnswerQueries.fill(&report, survey: nil, in: zone, session)
        return report
      }
    }
  }

  public static func figures(
    over period: AnswerReport.Period, in zone: BusinessZone, _ session: PostgresSession
  ) throws -> [AnswerEvent.Metric: [BaselineGroup: ScoreCounts]] {
    Baseline.figures(try reports(over: period, in: zone, session))
  }

  public static func baseline(_ name: String, _ session: PostgresSession) throws -> Baseline? {
    let rows = try session.query(find) { $0.text(name) }
    return rows.count == 0 ? nil : try read(rows, 0)
  }

  /// By name.
  public static func page(after name: String?, limit: Int, _ session: PostgresSession) throws -> [Baseline] {
    let rows = try session.query(page) { parameters in
      parameters.text(name)
      parameters.int64(Int64(limit))
    }
    return try (0..<rows.count).map { try read(rows, $0) }
  }

  private static func read(_ rows: Rows, _ row: Int) throws -> Baseline {
    guard let period = AnswerReport.Period(from: Day(number: try rows.date(row, 1)), to: Day(number: try rows.date(row, 2))) else { throw damaged("period") }
    return Baseline(
      name: try rows.text(row, 0), period: period, takenAt: Instant(microseconds: try rows.timestamptz(row, 3)), actor: try rows.text(row, 4),
      reason: try rows.text(row, 5), figures: try decode(try rows.text(row, 6)))
  }

  // MARK: - Figures as text

  /// `{"nps":[{"by":"tier","group":"vip","scores":[0,…]}]}`; all answers have no `by`.
  private static func encode(_ figures: [AnswerEvent.Metric: [BaselineGroup: ScoreCounts]]) -> String {
    let metrics = figures.sorted { $0.key.rawValue < $1.key.rawValue }.map { metric, groups in
      JSONMember(
        metric.rawValue,
        .array(
          groups.sorted { $0.key < $1.key }.map { group, counts in
            [
              "by": .textOrNull(group.grouping?.rawValue), "group": .textOrNull(group.word), "scores": .array(counts.counts.map { .integer($0) }),
            ]
          }))
    }
    return JSONValue.object(metrics).encodedText
  }

  private static func decode(_ text: String) throws -> [AnswerEvent.Metric: [BaselineGroup: ScoreCounts]] {
    guard let value = try? JSONValue(parsing: text), let members = value.members else { throw damaged("baseline") }
    var figures: [AnswerEvent.Metric: [BaselineGroup: ScoreCounts]] = [:]
    for member in members {
      guard let metric = AnswerEvent.Metric(rawValue: member.key), let groups = member.value.arrayValue else { throw damaged("baseline") }
      for group in groups {
        guard let scores = group["scores"]?.arrayValue?.compactMap(\.int64Value), scores.count == metric.scores.count else { throw damaged("baseline") }
        var counts = ScoreCounts(metric)
        for (score, count) in zip(metric.scores, scores) { counts.add(score, count: count) }
        let grouping = group["by"]?.stringValue.flatMap { AnswerReport.Grouping(rawValue: $0) }
        figures[metric, default: [:]][BaselineGroup(grouping, group["group"]?.stringValue)] = counts
      }
    }
    return figures
  }
}
