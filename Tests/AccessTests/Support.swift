// What the tests of access share: a clock that stands, keys, and routers that answer to tokens.
import Embedded
import HTTP
import Synchronization
import Telemetry
import Text

@testable import Access

enum Fixed {
  /// Where the clock stands, in seconds since 1970.
  static let now: Int64 = 1_800_000_000
  static let secret = Array("a secret of the tests of access alone".utf8)

  static func key() throws -> BuiltInKey { try BuiltInKey(secret) }

  static func verifier(_ keys: [BuiltInKey]) -> TokenVerifier { TokenVerifier(builtIn: keys, now: { now }) }
}

/// The rule that a token breaks; nil: none.
func refusal(_ token: String, _ verifier: TokenVerifier) async -> TokenRefusal? {
  do throws(TokenRefusal) {
    _ = try await verifier.principal(Array(token.utf8))
    return nil
  } catch { return error }
}

/// A number that a test moves.
final class Moved: Sendable {
  private let stored: Mutex<Int64>
  init(_ value: Int64) { stored = Mutex(value) }
  var value: Int64 {
    get { stored.withLock { $0 } }
    set { stored.withLock { $0 = newValue } }
  }
  @discardableResult func add(_ more: Int64) -> Int64 {
    stored.withLock {
      $0 += more
      return $0
    }
  }
}
