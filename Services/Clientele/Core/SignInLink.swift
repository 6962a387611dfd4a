// The address by which somebody signs in at the console.
import HTTP

public struct SignInLink: Sendable {
  public let url: String
  /// nil: access is switched off, and nobody needs one.
  public let code: String?

  public init(_ connection: SuiteConnection, subject: String, name: String? = nil, roles: [String]) throws {
    code = try connection.credentials.signInCode(subject: subject, name: name, roles: roles)
    url = PercentEncoding.path(try connection.url(of: "console") + "/sign-in", [("code", code)])
  }
}
