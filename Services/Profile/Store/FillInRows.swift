// Customers from before something was kept wait here until it is summed up for them.
public import Postgres

public enum FillInRows {
  /// Kind of due work: the day of a customer's last interaction is to be summed up once (T-06). Only the migration that began to keep it asks for it.
  public static let lastInteractionWork: Int16 = 7

  private static let take = Statement(
    name: "fill_in_take", sql: "DELETE FROM due_work WHERE kind = \(lastInteractionWork) AND id = ANY($1::int8[]) RETURNING id")

  /// Those of these customers that still wait. They wait no longer: this transaction fills them in.
  public static func take(_ customers: [Int64], _ session: PostgresSession) throws -> [Int64] {
    let rows = try session.query(take) { $0.int64Array(customers) }
    return try (0..<rows.count).map { try rows.int64($0, 0) }
  }
}
