// Who may call a service over HTTP, as its settings say: a shared key, an identity provider, both, or, on this machine alone, everybody.
public import Access
import CommandLine
import HTTP
public import Lifecycle
public import Telemetry

public struct AccessSettings: Sendable {
  public static let mode = Setting(
    "access", "CLIENTELE_ACCESS",
    HelpText("tokens, or off: then everybody may do everything, and only addresses of this machine are listened on", zh: "访问控制：tokens 或 off（仅限本机地址）"),
    defaultText: "tokens")
  public static let tokenKey = Setting(
    "token-key", "CLIENTELE_TOKEN_KEY",
    HelpText("secret of at least 32 bytes for the suite's own tokens; NEW,OLD while it is renewed", zh: "内置令牌的密钥（至少 32 字节；更换期间写作 新,旧）"), isSecret: true)
  public static let issuer = Setting(
    "oidc-issuer", "CLIENTELE_OIDC_ISSUER", HelpText("issuer of the identity provider's tokens, as https://id.example.com", zh: "身份提供方（OIDC issuer）"))
  public static let audience = Setting("oidc-audience", "CLIENTELE_OIDC_AUDIENCE", HelpText("audience that those tokens are for", zh: "令牌的受众（aud）"))
  public static let jwks = Setting(
    "jwks-url", "CLIENTELE_JWKS_URL", HelpText("address of the provider's keys; unset: its discovery document says", zh: "公钥地址（缺省由发现文档给出）"))
  public static let rolesClaim = Setting(
    "roles-claim", "CLIENTELE_ROLES_CLAIM", HelpText("claim that holds the roles, as realm_access.roles", zh: "角色所在的声明"), defaultText: "roles")
  public static let staffClaim = Setting(
    "staff-claim", "CLIENTELE_STAFF_CLAIM",
    HelpText("claim with the name that the staff's file and histories have; people must not be able to change it", zh: "人员姓名所在的声明（本人不可修改）"),
    defaultText: "staff")

  public static let callerRate = Setting(
    "caller-rate", "CLIENTELE_CALLER_RATE",
    HelpText("requests that one person may make in a minute, at each process; programs (role service) are not counted", zh: "每人每分钟的请求上限（每个进程；程序角色不计）"),
    defaultText: "6000")

  public static let all = [mode, tokenKey, issuer, audience, jwks, rolesClaim, staffClaim, callerRate]

  /// Everybody may do everything.
  public let isOff: Bool
  public let keys: [BuiltInKey]
  public let rules: TokenRules?
  let jwksURL: String?
  let callerRate: Int

  /// Reads all of them; faults stay in the reader. That nothing is set is a fault only for who serves: ``refuseNothing(_:)``.
  init(_ reader: inout SettingsReader, host: String) {
    typealias S = AccessSettings
    isOff = reader.choice(S.mode, of: ["tokens", "off"]) == "off"
    if isOff, !Loopback.isLoopback(host) {
      reader.refuse(S.mode, "is off, and \(CommonSettings.host.variable) is \(host), which others reach: set a key or an issuer")
    }
    keys = S.keys(&reader)
    let audience = reader.optional(S.audience)
    let (roles, staff) = (reader.text(S.rolesClaim), reader.text(S.staffClaim))
    callerRate = reader.integer(S.callerRate, in: 60...10_000_000)
    let issuer = S.address(S.issuer, &reader)
    jwksURL = S.address(S.jwks, &reader)
    rules = issuer.map { TokenRules(issuer: $0, audience: audience ?? "", rolesClaim: roles, staffClaim: staff) }
    if issuer != nil, audience == nil { reader.refuse(S.audience, "is missing: \(S.issuer.variable) is set, and tokens for others must not be taken") }
    if issuer == nil, reader.optional(S.issuer) == nil {
      for setting in [S.audience, S.jwks] where reader.optional(setting) != nil { reader.refuse(setting, "is set, and \(S.issuer.variable) is not") }
    }
    if isOff {
      for setting in [S.tokenKey, S.issuer] where reader.optional(setting) != nil { reader.refuse(setting, "is set, and \(S.mode.variable) is off") }
    }
  }

  private static func keys(_ reader: inout SettingsReader) -> [BuiltInKey] {
    guard let text = reader.optional(tokenKey) else { return [] }
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    guard parts.count <= BuiltInKey.keysMax else {
      reader.refuse(tokenKey, "holds more than \(BuiltInKey.keysMax) keys")
      return []
    }
    return parts.compactMap { part in
      // What OpenSSL says of it could tell something of the key.
      guard let key = try? BuiltInKey(Array(part.utf8)) else {
        reader.refuse(tokenKey, "must have at least 32 bytes, each of several keys with commas between them")
        return nil
      }
      return key
    }
  }

  private static func address(_ setting: Setting, _ reader: inout SettingsReader) -> String? {
    guard let text = reader.optional(setting) else { return nil }
    guard IssuerDocuments.isSafe(text) else {
      reader.refuse(setting, "must be an https address: whoever is on the way could put other keys there (http is for this machine alone)")
      return nil
    }
    return text
  }

  /// A service that nobody was let into on purpose does not start.
  func refuseNothing(_ reader: inout SettingsReader) {
    guard !isOff, keys.isEmpty, rules == nil, reader.faults.allSatisfy({ fault in !AccessSettings.all.contains { $0.faultName == fault.setting } })
    else { return }
    reader.refuse(
      AccessSettings.mode,
      "nobody could get in: set \(AccessSettings.tokenKey.variable) or \(AccessSettings.issuer.variable), or on this machine alone "
        + "\(AccessSettings.mode.variable)=off")
  }

  /// The identity provider as somebody who signs people in by it sees it, and what must run for that; nil where there is none.
  public func relyingParty(_ client: RelyingParty.Client, logger: Logger) -> (party: RelyingParty, parts: [any Service])? {
    guard let rules else { return nil }
    let http = HTTPClient(name: "sign-in", settings: IssuerDocuments.clientSettings)
    let documents = IssuerDocuments(client: http, issuer: rules.issuer, keys: jwksURL)
    let store = KeyStore(fetch: { try await documents.fetch() }, seconds: { SystemTime.monotonicNanoseconds() / 1_000_000_000 }, logger: logger)
    let party = RelyingParty(
      client, documents: documents, http: http, rules: rules, store: store, now: { SystemTime.unixMicroseconds() / 1_000_000 })
    return (party, [http, KeyKeeper(store)])
  }

  /// What stands before the routes, and what must run so that it works.
  ///
  /// - Parameter fixed: a fixed secret that is taken too.
  func access(fixed: StaticToken?, logger: Logger) -> (access: AccessGuard, parts: [any Service]) {
    if isOff { return (.off, []) }
    let now: @Sendable () -> Int64 = { SystemTime.unixMicroseconds() / 1_000_000 }
    let callers = RequestLimiter(requestsPerMinuteMax: callerRate)
    guard let rules else { return (.tokens(TokenVerifier(builtIn: keys, fixed: fixed, now: now), callers), []) }
    let client = HTTPClient(name: "identity provider", settings: IssuerDocuments.clientSettings)
    let documents = IssuerDocuments(client: client, issuer: rules.issuer, keys: jwksURL)
    let store = KeyStore(
      fetch: { try await documents.fetch() }, seconds: { SystemTime.monotonicNanoseconds() / 1_000_000_000 }, logger: logger)
    return (.tokens(TokenVerifier(builtIn: keys, issuer: (rules, store), fixed: fixed, now: now), callers), [client, KeyKeeper(store)])
  }
}
