// As whom the operator's commands speak to the services: by tokens that they make with the suite's key, or by one that they were given.
import Access
import CommandLine
public import HTTP
import Hashing
import Runtime
import Telemetry
import Text

/// What a command shows to the services.
public struct Credentials: Sendable {
  static let given = Setting(
    "token", "CLIENTELE_TOKEN", HelpText("token that commands show to the services, as `clientele token` or an identity provider gives it", zh: "命令所用的令牌"),
    isSecret: true)

  /// Seconds for which the token of one request holds: it is looked at once, when the request comes.
  static let lifetimeSeconds = 300
  /// As whom commands act that name nobody.
  static let subject = "clientele"
  /// Larger bodies are files, and name nobody.
  private static let instructionBytesMax = 4 << 20

  private enum Source: Sendable {
    case nothing
    case token(String)
    case key(BuiltInKey)
  }
  private let source: Source
  /// For ingest alone, where there is nothing else.
  private let ingestToken: String?

  /// Nothing is shown.
  public static let none = Credentials(source: .nothing, ingestToken: nil)

  private init(source: Source, ingestToken: String?) {
    self.source = source
    self.ingestToken = ingestToken
  }

  /// A token that was given comes before the key of the suite.
  ///
  /// - Parameter secret: the suite's own key; the newest of several.
  init(token: String?, secret: String?, ingestToken: String?) throws {
    if let token {
      source = .token(token)
    } else if let first = secret?.split(separator: ",").first {
      guard let key = try? BuiltInKey(Array(first.utf8)) else { throw SuiteFailure("\(AccessSettings.tokenKey.variable) must have at least 32 bytes") }
      source = .key(key)
    } else {
      source = .nothing
    }
    self.ingestToken = ingestToken
  }

  /// Those of a suite in a folder of this machine.
  init(_ folder: SuiteFolder) throws { try self.init(token: nil, secret: try folder.tokenKey(), ingestToken: nil) }

  /// The headers of a request.
  ///
  /// - Parameters:
  ///   - service: whom it goes to.
  ///   - actor: by whom it says it is done: who holds the suite's key speaks for everybody, so the token is made out to them.
  public func headers(_ service: String, actor: String? = nil) throws -> HTTPHeaders {
    switch source {
    case .token(let token): return ["Authorization": "Bearer \(token)"]
    case .key(let key): return ["Authorization": "Bearer \(try Credentials.made(key, actor ?? Credentials.subject, [.admin], Credentials.lifetimeSeconds))"]
    case .nothing:
      guard service == "ingest", let ingestToken else { return [:] }
      return ["Authorization": "Bearer \(ingestToken)"]
    }
  }

  /// By whom the body of a request says that it is done.
  static func actor(of body: [UInt8], _ contentType: String?) -> String? {
    guard contentType == "application/json", body.count <= instructionBytesMax else { return nil }
    return (try? JSONValue(body))?["actor"]?.stringValue.flatMap { $0.isEmpty ? nil : $0 }
  }

  private static let noKey =
    "there is no key to do that with: set \(AccessSettings.tokenKey.variable), or name the folder of a suite of this machine"

  /// A token for somebody; throws where there is no key to make one with.
  public func token(subject: String, name: String?, roles: [String], lifetimeSeconds: Int) throws -> String {
    guard case .key(let key) = source else {
      throw SuiteFailure(Credentials.noKey)
    }
    return try Credentials.made(key, subject, roles.compactMap(Role.init), lifetimeSeconds, name: name)
  }

  /// A code with which somebody signs in at the console, once; nil where everybody is let in.
  public func signInCode(subject: String, name: String?, roles: [String]) throws -> String? {
    switch source {
    case .nothing: return nil
    case .token: throw SuiteFailure(Credentials.noKey)
    case .key(let key):
      return try key.signInCode(
        subject: subject, name: name, roles: roles.compactMap(Role.init), now: SystemTime.unixMicroseconds() / 1_000_000, random: randomKey(bytes: 16))
    }
  }

  private static func made(_ key: BuiltInKey, _ subject: String, _ roles: [Role], _ seconds: Int, name: String? = nil) throws -> String {
    try key.token(subject: subject, name: name, roles: roles, now: SystemTime.unixMicroseconds() / 1_000_000, lifetimeSeconds: seconds)
  }
}
