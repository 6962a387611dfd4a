// The settings of the console: where it is reached, where the services are, and for how long somebody stays signed in.
import Access
import CommandLine
import ConsoleCore
import HTTP
import Hashing
import Lifecycle
import Phones
import Runtime
import Telemetry

/// A service whose API the pages are made of.
enum Peer: String, Sendable, CaseIterable {
  case ingest, profile, tiering, tickets, feedback, connector

  var setting: Setting {
    Setting(
      "\(rawValue)-url", "CLIENTELE_\(rawValue.uppercased())_URL", HelpText("address of the service \(rawValue)", zh: "\(rawValue) 服务的地址"),
      defaultText: "http://\(rawValue):8080")
  }
}

struct ConsoleSettings: Sendable {
  static let url = Setting(
    "console-url", "CONSOLE_URL",
    HelpText("address that browsers reach the console by, as https://desk.example.com; unset: only on this machine", zh: "浏览器访问控制台的地址；不设则仅限本机"))
  static let idleMinutes = Setting(
    "console-idle-minutes", "CONSOLE_IDLE_MINUTES", HelpText("minutes without a request after which somebody signs in anew", zh: "无操作多少分钟后需重新登录"),
    defaultText: "60")
  static let clientID = Setting(
    "console-oidc-client-id", "CONSOLE_OIDC_CLIENT_ID",
    HelpText("name under which the identity provider knows the console; set: people sign in there", zh: "控制台在身份提供方处的客户端标识；设置后由其登录"))
  static let clientSecret = Setting(
    "console-oidc-client-secret", "CONSOLE_OIDC_CLIENT_SECRET",
    HelpText("secret of that client; unset: a public client", zh: "该客户端的密钥；不设则为公开客户端"), isSecret: true)
  static let scopes = Setting(
    "console-oidc-scopes", "CONSOLE_OIDC_SCOPES",
    HelpText("what is asked of the provider; offline_access brings tokens that renew themselves", zh: "向身份提供方请求的范围"), defaultText: "openid profile")
  static let sealKey = Setting(
    "console-seal-key", "CONSOLE_SEAL_KEY",
    HelpText("secret of at least 32 bytes that the provider's tokens are sealed with in the table", zh: "存储身份提供方令牌所用的加密密钥（至少 32 字节）"), isSecret: true)
  static let proxyHops = Setting(
    "console-proxy-hops", "CONSOLE_PROXY_HOPS", HelpText("proxies of your own in front of the console, which write X-Forwarded-For", zh: "控制台前自有代理的层数"),
    defaultText: "0")
  static let all = [url, idleMinutes, proxyHops, CommonSettings.phoneRegion, clientID, clientSecret, scopes, sealKey] + Peer.allCases.map(\.setting)

  /// Requests to the services under way at one time, and such as may wait for their turn.
  private static let transfersMax = 64
  private static let waitingTransfersMax = 1_024
  /// A page waits no longer for a service, in milliseconds.
  static let answerMillisecondsMax = 10_000

  /// Without a slash at its end; nil: what is asked for by names of this machine.
  let url: String?
  let rules: SessionRules
  let proxyHops: Int
  let peers: [Peer: String]
  let client: HTTPClient
  /// nil: people sign in by codes of the suite's own key.
  let provider: Provider?

  /// How people sign in by an identity provider.
  struct Provider: Sendable {
    let party: RelyingParty
    let seal: SealingKey
    let parts: [any Service]
  }
  /// By the rules that ingest reads phone numbers by.
  let phones: PhoneNumbers

  /// nil when a fault was found; all faults stay in the reader.
  init?(_ reader: inout SettingsReader, _ common: CommonSettings) {
    let url = reader.optional(ConsoleSettings.url)
    if let url, !ConsoleSettings.isAddress(url) {
      reader.refuse(
        ConsoleSettings.url, "must be https://HOST without a path (http:// for this machine alone): whoever is on the way could take over who is signed in")
    }
    if url == nil, !Loopback.isLoopback(common.host) {
      reader.refuse(ConsoleSettings.url, "is missing: \(CommonSettings.host.variable) is \(common.host), which others reach")
    }
    let minutes = reader.integer(ConsoleSettings.idleMinutes, in: 1...600)
    let hops = reader.integer(ConsoleSettings.proxyHops, in: 0...10)
    let region = reader.text(CommonSettings.phoneRegion)
    if region != CommonSettings.phoneRegion.defaultText, !PhoneNumbers.knows(region: region) {
      reader.refuse(CommonSettings.phoneRegion, "`\(region)` is no country whose numbers are known; two capital letters as CN, HK, US are needed")
    }
    var peers: [Peer: String] = [:]
    for peer in Peer.allCases {
      var address = reader.text(peer.setting)
      if !address.isEmpty, !address.hasPrefix("http://"), !address.hasPrefix("https://") {
        reader.refuse(peer.setting, "must begin with http:// or https://")
      }
      while address.hasSuffix("/") { address.removeLast() }
      peers[peer] = address
    }
    let provider = ConsoleSettings.provider(&reader, common)
    if !reader.faults.isEmpty { return nil }
    self.init(url: url, rules: SessionRules(idleSeconds: Int64(minutes) * 60), proxyHops: hops, peers: peers, phones: PhoneNumbers(region: region),
      provider: provider)
  }

  private static func provider(_ reader: inout SettingsReader, _ common: CommonSettings) -> Provider? {
    let (secret, scopes, key) = (reader.optional(clientSecret), reader.text(scopes), reader.optional(sealKey))
    guard let id = reader.optional(clientID) else {
      if secret != nil { reader.refuse(clientSecret, "is set, and \(clientID.variable) is not: nobody signs in by a provider") }
      return nil
    }
    if !scopes.split(separator: " ").contains("openid") { reader.refuse(self.scopes, "must hold openid: without it the provider does not say who it is") }
    guard let key else {
      reader.refuse(sealKey, "is missing: \(clientID.variable) is set, and the provider's tokens are not stored readable")
      return nil
    }
    // What OpenSSL says of it could tell something of the key.
    guard let seal = try? SealingKey(Array(key.utf8)) else {
      reader.refuse(sealKey, "must have at least \(SealingKey.secretBytesMin) bytes")
      return nil
    }
    let client = RelyingParty.Client(id: id, secret: secret, scopes: scopes)
    guard let (party, parts) = common.access.relyingParty(client, logger: Logger(service: "console", level: common.level)) else {
      reader.refuse(clientID, "is set, and \(AccessSettings.issuer.variable) is not: which provider is it?")
      return nil
    }
    return Provider(party: party, seal: seal, parts: parts)
  }

  init(
    url: String?, rules: SessionRules, proxyHops: Int = 0, peers: [Peer: String], phones: PhoneNumbers, provider: Provider? = nil
  ) {
    self.url = url
    self.proxyHops = proxyHops
    self.provider = provider
    self.rules = rules
    self.peers = peers
    self.phones = phones
    var settings = HTTPClientSettings()
    settings.limits.transfersMax = ConsoleSettings.transfersMax
    settings.limits.waitingTransfersMax = ConsoleSettings.waitingTransfersMax
    settings.limits.totalMillisecondsMax = ConsoleSettings.answerMillisecondsMax
    client = HTTPClient(name: "console", settings: settings)
  }

  private static func isAddress(_ text: String) -> Bool {
    let isPlain = text.hasPrefix("http://")
    guard isPlain || text.hasPrefix("https://") else { return false }
    let host = text.dropFirst(isPlain ? 7 : 8)
    guard !host.isEmpty, !host.contains(where: { "/?#@ ".contains($0) }) else { return false }
    return !isPlain || Loopback.isLoopback(authority: host)
  }

}
