// The surveys that customers were asked, kept as they were: a link that is under way shows the version it was made with (F-01, F-03).
public import Documents
public import Domain
public import FeedbackCore
public import Postgres
import Registering

public enum SurveyRegister {
  /// Before the survey's name.
  private static let kind = "survey "

  /// Keeps these files, and gives them together with all that were ever kept. Throws ``RuleChanged`` when one differs from what is registered under its name
  /// and version.
  public static func register(_ files: [RuleFile<Survey>], at now: Instant, _ session: PostgresSession) throws -> SurveyBook {
    try session.transaction { session in
      for file in files.sorted(by: { $0.content.reference < $1.content.reference }) {
        let reference = file.content.reference
        try RuleFileRows.keep(file, kind: kind + reference.name, version: reference.version, use: "customers were asked", at: now, session)
      }
      let former = try RuleFileRows.all(kindsFrom: kind, session).map { file in
        try SurveyDocument.decode(Array(file.yaml.utf8), source: "\(file.kind) v\(file.version)")
      }
      return SurveyBook(current: files.map(\.content), former: former)
    }
  }
}
