// How a caller is told that they are not let in: which rule, and nothing that helps to guess.
import HTTP

enum AccessProblem {
  static let realm = #"Bearer realm="clientele""#

  /// No token came (RFC 6750 section 3.1 wants no error word then).
  static var missing: Problem {
    Problem(
      .unauthorized, detail: "this request needs Authorization: Bearer and a token", extra: [rule("missing")], headers: ["WWW-Authenticate": realm])
  }

  static func refused(_ refusal: TokenRefusal) -> Problem {
    if refusal == .keysAway {
      return Problem(.serviceUnavailable, detail: refusal.detail, extra: [rule(refusal.rawValue)], headers: ["Retry-After": "5"])
    }
    let challenge = realm + #", error="invalid_token", error_description="\#(refusal.detail)""#
    return Problem(.unauthorized, detail: refusal.detail, extra: [rule(refusal.rawValue)], headers: ["WWW-Authenticate": challenge])
  }

  static func lacking(_ permission: Permission) -> Problem {
    Problem(
      .forbidden, detail: "this needs the permission \(permission.rawValue), which none of your roles has",
      extra: [rule("permission"), .init("permission", .string(permission.rawValue))],
      headers: ["WWW-Authenticate": realm + #", error="insufficient_scope", scope="\#(permission.rawValue)""#])
  }

  static func tooMany(retryAfter seconds: Int64) -> Problem {
    Problem(
      .tooManyRequests, detail: "you have asked more often than this service answers one caller in a minute: go on in \(seconds) s",
      extra: [rule("rate")], headers: ["Retry-After": String(seconds)])
  }

  static var foreign: Problem {
    Problem(
      .forbidden, title: "Another site", detail: "access is switched off here, for programs of this machine: not for pages of other sites",
      extra: [rule("site")])
  }

  static var anotherActor: Problem {
    Problem(
      .forbidden, title: "Another actor", detail: "actor names somebody else than the token is for: leave it out, or act with a token of that person",
      extra: [rule("actor")])
  }

  private static func rule(_ word: String) -> ProblemValue.Member { .init("rule", .string(word)) }
}
