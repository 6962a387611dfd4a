// The settings of the console: where it is reached, where the services are, and for how long somebody stays signed in.
import Access
import CommandLine
import ConsoleCore
import HTTP
import Hashing
import Phones
import Runtime

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
  static let all = [url, idleMinutes, CommonSettings.phoneRegion] + Peer.allCases.map(\.setting)

  /// Requests to the services under way at one time, and such as may wait for their turn.
  private static let transfersMax = 64
  private static let waitingTransfersMax = 1_024
  /// A page waits no longer for a service, in milliseconds.
  static let answerMillisecondsMax = 10_000

  /// Without a slash at its end; nil: what is asked for by names of this machine.
  let url: String?
  let rules: SessionRules
  let peers: [Peer: String]
  let client: HTTPClient
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
    if !reader.faults.isEmpty { return nil }
    self.init(url: url, rules: SessionRules(idleSeconds: Int64(minutes) * 60), peers: peers, phones: PhoneNumbers(region: region))
  }

  init(url: String?, rules: SessionRules, peers: [Peer: String], phones: PhoneNumbers) {
    self.url = url
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
    return !isPlain || Loopback.isLoopback(ConsoleSettings.name(of: host))
  }

  /// The name in `name:port`.
  static func name(of host: some StringProtocol) -> String {
    if host.hasPrefix("["), let end = host.firstIndex(of: "]") { return String(host[host.index(after: host.startIndex)..<end]) }
    return String(host.prefix { $0 != ":" })
  }
}
