// How the operator's commands find a running suite: the state that `clientele up` writes, or addresses in the environment.
public import Domain
public import Handling
public import Kafka
import Embedded
import Glibc
import Phones
import Runtime

/// Where a suite's services and brokers are, and by which day, zone and currency it reckons.
public struct SuiteConnection: Sendable {
  /// The services that commands speak to.
  public static let services = ["ingest", "profile", "tiering", "tickets", "feedback", "connector"]

  /// How the suite came to its broker: `built-in`, `distribution` or `external`.
  public let kafkaKind: String
  public let databaseURL: String?
  /// What services are shown.
  public let credentials: Credentials
  /// Phone numbers as ingest reads them.
  let phones: PhoneNumbers
  public let zone: BusinessZone
  public let currency: Currency
  public let clock: any BusinessClock
  private let brokers: KafkaSettings
  private let urls: [String: String]

  /// Finds the suite.
  ///
  /// A folder that was named is the only place looked at. Otherwise addresses in the environment (`CLIENTELE_INGEST_URL` and so on) come
  /// first, and `.clientele` in the current folder second. Addresses that `clientele env` gave of a suite that has ended do not count.
  public static func find(folder: String?, environment: [String: String]) throws -> SuiteConnection {
    var urls: [String: String] = [:]
    for service in services + Suite.sites where !isOfEndedSuite(environment) {
      if let url = environment[variable(service)], !url.isEmpty { urls[service] = withoutSlash(url) }
    }
    if folder == nil, !urls.isEmpty { return try SuiteConnection(urls: urls, environment: environment) }
    let path = folder ?? ".clientele"
    guard let state = SuiteState.read(folder: path), kill(state.pid, 0) == 0 || errno == EPERM else {
      let place = folder.map { " in \($0)" } ?? " here"
      throw SuiteFailure("no suite runs\(place): start one with `clientele up`, or set \(services.map(variable).joined(separator: ", "))")
    }
    guard state.isReady else { throw SuiteFailure("the suite in \(path) is not ready yet: `clientele status` shows how far it is") }
    return try SuiteConnection(state, key: SuiteFolder.storedTokenKey(in: path), environment: environment)
  }

  /// What to show to services, without looking for them: the folder's key if one is named, else what the environment has, else that of the folder here.
  public static func credentials(folder: String?, environment: [String: String]) throws -> Credentials {
    var reader = SettingsReader(arguments: [:], environment: environment)
    let given = folder == nil && !isOfEndedSuite(environment) ? reader.optional(AccessSettings.tokenKey) : nil
    if !reader.faults.isEmpty { throw SuiteFailure(reader.faults.map(\.description).joined(separator: "\n")) }
    return try Credentials(token: nil, secret: given ?? SuiteFolder.storedTokenKey(in: folder ?? ".clientele"), ingestToken: nil)
  }

  /// The process of the suite whose addresses `clientele env` put into the environment.
  public static let suiteProcess = "CLIENTELE_SUITE_PID"
  /// Its brokers, where they ended with it.
  public static let suiteBrokers = "CLIENTELE_SUITE_BROKERS"

  private static func isOfEndedSuite(_ environment: [String: String]) -> Bool {
    guard let process = environment[suiteProcess].flatMap({ Int32($0) }), process > 0 else { return false }
    return kill(process, 0) != 0 && errno == ESRCH
  }

  private init(_ state: SuiteState, key: String?, environment: [String: String]) throws {
    var environment = environment
    // What the state says holds, also where it says nothing; a broker of the suite's own is spoken to in the clear.
    environment["CLIENTELE_CLOCK"] = nil
    // Its services have the key that lies in its folder, and no other.
    environment[AccessSettings.tokenKey.fileVariable] = nil
    environment[AccessSettings.tokenKey.variable] = key
    if state.kafkaKind != KafkaKind.external.rawValue { environment["KAFKA_SECURITY_PROTOCOL"] = nil }
    var given = [
      "kafka-brokers": state.brokers, "kafka-kind": state.kafkaKind == KafkaKind.builtIn.rawValue ? "built-in" : "kafka",
      "business-zone": state.businessZone, "base-currency": state.baseCurrency,
    ]
    given["clock"] = state.clock
    try self.init(
      urls: state.services.mapValues { SuiteConnection.withoutSlash($0.url) }, kafkaKind: state.kafkaKind, databaseURL: state.databaseURL, given,
      environment)
  }

  private init(urls: [String: String], environment: [String: String]) throws {
    let isBuiltIn = environment["CLIENTELE_KAFKA_KIND"] == "built-in"
    try self.init(
      urls: urls, kafkaKind: isBuiltIn ? KafkaKind.builtIn.rawValue : KafkaKind.external.rawValue, databaseURL: environment["DATABASE_URL"], [:],
      environment)
  }

  private init(
    urls: [String: String], kafkaKind: String, databaseURL: String?, _ given: [String: String], _ environment: [String: String]
  ) throws {
    var reader = SettingsReader(arguments: given, environment: environment)
    let common = CommonSettings(&reader, service: "clientele")
    let ingestToken = reader.optional(CommonSettings.ingestToken)
    let (token, secret) = (reader.optional(Credentials.given), reader.optional(AccessSettings.tokenKey))
    let region = reader.text(CommonSettings.phoneRegion)
    typealias S = CommonSettings
    let known = [S.zone, S.currency, S.clock, S.ingestToken, Credentials.given, AccessSettings.tokenKey] + S.kafka.filter { $0.name != S.brokers.name }
    let names = Set(known.map(\.faultName))
    // Settings that only services need may be absent here.
    let faults = reader.faults.filter { names.contains($0.setting) }
    guard faults.isEmpty else { throw SuiteFailure(faults.map(\.description).joined(separator: "\n")) }
    self.urls = urls
    self.kafkaKind = kafkaKind
    self.databaseURL = databaseURL
    credentials = try Credentials(token: token, secret: secret, ingestToken: ingestToken)
    phones = PhoneNumbers(region: region)
    zone = common.zone
    currency = common.currency
    clock = common.clock
    var kafka = common.kafka
    kafka.clientId = "clientele"
    brokers = kafka
  }

  /// The business day that it is for the suite.
  public var today: Day { zone.day(of: clock.now()) }

  /// Whether the address of a service is known.
  public func knows(_ service: String) -> Bool { urls[service] != nil }

  /// The address of a service, without a slash at its end.
  public func url(of service: String) throws -> String {
    guard let url = urls[service] else { throw SuiteFailure("\(SuiteConnection.variable(service)) is not set: where is the service \(service)?") }
    return url
  }

  public func addresses() throws -> SuiteAddresses {
    SuiteAddresses(
      ingest: try url(of: "ingest"), profile: try url(of: "profile"), tiering: try url(of: "tiering"), tickets: try url(of: "tickets"),
      feedback: try url(of: "feedback"), connector: try url(of: "connector"), credentials: credentials)
  }

  /// How to reach the brokers.
  public func kafka() throws -> KafkaSettings {
    guard !brokers.brokers.isEmpty else { throw SuiteFailure("KAFKA_BROKERS is not set: where are the suite's brokers?") }
    return brokers
  }

  static func variable(_ service: String) -> String { "CLIENTELE_\(service.uppercased())_URL" }

  private static func withoutSlash(_ url: String) -> String {
    var url = url
    while url.hasSuffix("/") { url.removeLast() }
    return url
  }
}
