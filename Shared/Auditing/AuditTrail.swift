// Puts every change that a caller makes into the trail, in the transaction that makes it, and every look at contact data in full before it is answered
// (S-05): no route has to remember to.
import Access
public import Domain
public import HTTP
import Hashing
public import Postgres

public enum AuditTrail {
  /// Methods that change nothing.
  private static let reading: Set<HTTPMethod> = [.get, .head, .options]
  /// Routes that show and change nothing, and take a body all the same.
  private static let looking: Set<String> = ["/v1/quarantine/{id}/try"]

  /// Goes around every handler, inside the guard. Customers' own pages and what is told back by signed calls are no changes of a caller whom the suite knows.
  ///
  /// - Parameters:
  ///   - pool: where looks are noted.
  ///   - clock: microseconds since 1970 by the machine's clock.
  ///   - zone: of business days.
  public static func middleware(pool: PostgresPool, zone: BusinessZone, clock: @escaping @Sendable () -> Int64) -> Middleware {
    { request, next in
      guard let route = request.route, request.principal?.isNobody != true else { return try await next(request) }
      if let look = try look(request, route) {
        let now = clock()
        return try await shown(request, look, next) { seen in
          let entries = try entries(seen, look.reason, request, route, at: now)
          try await pool.transaction { try AuditRows.add(entries, on: zone.day(of: Instant(microseconds: now)), $0) }
        }
      }
      guard !reading.contains(request.method) else { return try await next(request) }
      let closing = TransactionClosing { session in
        let now = clock()
        try AuditRows.note({ try entry(request, route, at: now) }, on: zone.day(of: Instant(microseconds: now)), session)
      }
      return try await PostgresPool.$closing.withValue(closing) { try await next(request) }
    }
  }

  // MARK: - Looks

  /// nil where nobody asks for data in full. A HEAD shows nothing.
  private static func look(_ request: Request, _ route: String) throws(Problem) -> Look? {
    guard request.headers.contains(Look.header) else { return nil }
    try request.demand(.contactsRead)
    guard let reason = try Look.reason(request.headers) else { return nil }
    guard request.method != .head else { return nil }
    guard request.method == .get || looking.contains(route) else {
      throw Look.refused("method", "a reason goes with GET alone: what a change answers stays masked")
    }
    return Look(reason: reason)
  }

  /// What was shown is noted before anybody gets it; if it cannot be, nobody does.
  private static func shown(
    _ request: Request, _ look: Look, _ next: RequestHandler, note: ([SeenData]) async throws -> Void
  ) async throws -> Response {
    var looking = request
    looking.look = look
    // Whoever has the masked form by the same tag has not got this one.
    looking.headers["If-None-Match"] = nil
    var answer = try await next(looking)
    let seen = look.end()
    if !seen.isEmpty { try await note(seen) }
    answer.headers["Cache-Control"] = "no-store"
    return answer
  }

  private static func entries(_ seen: [SeenData], _ reason: String, _ request: Request, _ route: String, at now: Int64) throws -> [AuditEntry] {
    try stride(from: 0, to: seen.count, by: AuditEntry.seenMax).map { start in
      var entry = try entry(request, route, at: now)
      entry.reason = reason
      entry.seen = AuditEntry.seenText(seen[start..<min(start + AuditEntry.seenMax, seen.count)])
      return entry
    }
  }

  // MARK: - Entries

  /// Made for what is changed or shown alone: events are many, and their bodies large.
  private static func entry(_ request: Request, _ route: String, at now: Int64) throws -> AuditEntry {
    let principal = request.principal
    return AuditEntry(
      at: now, actor: text(principal?.actor ?? ""), subject: text(principal?.subject ?? ""), issuer: text(principal?.issuer ?? ""),
      roles: (principal?.roles.map(\.rawValue) ?? []).sorted().joined(separator: " "), method: request.method.rawValue, route: route, path: text(request.path),
      body: try Hasher256.sha256(request.body))
  }

  /// What PostgreSQL can hold.
  private static func text(_ text: String) -> String { text.contains("\0") ? text.split(separator: "\0").joined(separator: "\u{FFFD}") : text }
}
