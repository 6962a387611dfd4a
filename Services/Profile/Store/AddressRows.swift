// Customers whose addresses are to be told once more: those from before they were told at all, and all when somebody asks for it.
public import Postgres

public enum AddressRows {
  /// Kind of due work: the addresses of a customer are to be told (E-05).
  public static let work: Int16 = 8

  /// As the migration that began to tell them asks.
  private static let ask = Statement(
    name: "addresses_ask",
    sql: """
      INSERT INTO due_work (kind, id, due_at) SELECT DISTINCT \(work), customer_id, '-infinity'::timestamptz FROM identities WHERE kind IN (4, 5, 6)
      ON CONFLICT (kind, id) DO NOTHING
      """)

  /// Asks for the addresses of every customer to be told again. Returns how many were asked for.
  public static func askAll(_ session: PostgresSession) throws -> Int { try session.run(ask) }
}
