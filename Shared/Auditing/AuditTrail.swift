// Puts every change that a caller makes into the trail, in the transaction that makes it (S-05): no route has to remember to.
import Access
public import Domain
public import HTTP
import Hashing
import Postgres

public enum AuditTrail {
  /// Methods that change nothing.
  private static let reading: Set<HTTPMethod> = [.get, .head, .options]

  /// Goes around every handler, inside the guard. Customers' own pages and what is told back by signed calls are no changes of a caller whom the suite knows.
  ///
  /// - Parameters:
  ///   - clock: microseconds since 1970 by the machine's clock.
  ///   - zone: of business days.
  public static func middleware(zone: BusinessZone, clock: @escaping @Sendable () -> Int64) -> Middleware {
    { request, next in
      guard !reading.contains(request.method), let route = request.route, request.principal?.isNobody != true else { return try await next(request) }
      let closing = TransactionClosing { session in
        let now = clock()
        try AuditRows.note({ try entry(request, route, at: now) }, on: zone.day(of: Instant(microseconds: now)), session)
      }
      return try await PostgresPool.$closing.withValue(closing) { try await next(request) }
    }
  }

  /// Made for what is changed alone: events are many, and their bodies large.
  private static func entry(_ request: Request, _ route: String, at now: Int64) throws -> AuditEntry {
    let principal = request.principal
    return AuditEntry(
      at: now, actor: text(principal?.actor ?? ""), subject: text(principal?.subject ?? ""), issuer: text(principal?.issuer ?? ""),
      roles: (principal?.roles.map(\.rawValue) ?? []).sorted().joined(separator: " "), method: request.method.rawValue, route: route, path: text(request.path),
      body: try request.body.withUnsafeBytes { try Hasher256().sha256($0) })
  }

  /// What PostgreSQL can hold.
  private static func text(_ text: String) -> String { text.contains("\0") ? text.split(separator: "\0").joined(separator: "\u{FFFD}") : text }
}
