// What every page has at hand: settings, tables, clocks, and how people are known.
import Access
import ConsoleCore
import Domain
import HTML
import HTTP
import Handling
import Hashing
import Postgres
import Runtime
import Telemetry

struct Site: Sendable {
  let settings: ConsoleSettings
  let pool: PostgresPool
  let logger: Logger
  let zone: BusinessZone
  let currency: Currency
  /// Business time.
  let clock: any BusinessClock
  let access: AccessSettings
  /// Microseconds since 1970 by the machine's clock.
  let now: @Sendable () -> Int64
  let random: @Sendable (Int) throws -> [UInt8]
  let figures: FigureShelf

  init(_ settings: ConsoleSettings, _ context: ServiceContext) {
    self.init(settings, context.settings, pool: context.pool, logger: context.logger)
  }

  init(
    _ settings: ConsoleSettings, _ common: CommonSettings, pool: PostgresPool, logger: Logger,
    now: @escaping @Sendable () -> Int64 = SystemTime.unixMicroseconds,
    random: @escaping @Sendable (Int) throws -> [UInt8] = { try randomKey(bytes: $0) }, figures: FigureShelf = FigureShelf()
  ) {
    self.settings = settings
    self.pool = pool
    self.logger = logger
    zone = common.zone
    currency = common.currency
    clock = common.clock
    access = common.access
    self.now = now
    self.random = random
    self.figures = figures
  }

  /// Whether browsers reach the console over TLS.
  var isSecure: Bool { settings.url?.hasPrefix("https://") ?? false }

  /// Whether a request was meant for this site. A page of another name that was made to lead here could read what is shown here.
  func isOwn(host: String?) -> Bool {
    guard let host else { return false }
    guard let url = settings.url else { return Loopback.isLoopback(authority: host) }
    return url.split(separator: "/", omittingEmptySubsequences: true).last.map(String.init)?.lowercased() == host.lowercased()
  }

  /// The address by which a request came here, without a slash at its end.
  func origin(of request: Request) -> String { settings.url ?? "http://\(request.headers["Host"] ?? "")" }

  // MARK: - Cookies

  /// The prefix makes browsers take the cookie over TLS and from this host alone.
  var sessionCookie: String { isSecure ? "__Host-session" : "session" }

  /// - Parameter seconds: nil: until the browser is closed; 0: forget it.
  func cookie(_ name: String, _ value: String, seconds: Int64?) -> String {
    var text = "\(name)=\(value); Path=/; HttpOnly; SameSite=Lax"
    if isSecure { text += "; Secure" }
    if let seconds { text += "; Max-Age=\(seconds)" }
    return text
  }

  static func cookie(_ name: String, of request: Request) -> String? {
    for header in request.headers.all("Cookie") {
      for pair in header.split(separator: ";") {
        let parts = pair.split(separator: "=", maxSplits: 1).map { $0.filter { $0 != " " } }
        if parts.count == 2, parts[0] == name { return parts[1] }
      }
    }
    return nil
  }
}

/// A person who is signed in, for as long as a request takes.
struct SignedIn: KnownCaller {
  let principal: Principal
  let session: Session
  let secret: SessionSecret
  /// An identity provider's; nil: the console makes tokens itself.
  var tokens: ProviderTokens?
}
