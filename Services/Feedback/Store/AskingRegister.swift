// The rules of when and how often customers are asked, kept as they were (F-02): why somebody was asked can be told later.
public import Documents
public import Domain
public import Postgres
import Registering

public enum AskingRegister {
  /// Keeps the rules. Throws ``RuleChanged`` when others are registered under their version.
  public static func register(_ rules: RuleFile<AskingRules>, at now: Instant, _ session: PostgresSession) throws {
    try RuleFileRows.keep(rules, kind: "asking", version: rules.content.version, use: "customers were asked", at: now, session)
  }
}
