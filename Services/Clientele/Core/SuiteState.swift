// What a running suite says about itself: `.clientele/state.json`, written by `clientele up`, read by every other command.
public import Text
import Runtime

public struct SuiteState: Equatable, Sendable {
  public struct Service: Equatable, Sendable {
    public var pid: Int32
    public var url: String
    public init(pid: Int32, url: String) {
      self.pid = pid
      self.url = url
    }
  }
  /// The process of `clientele up`.
  public var pid: Int32
  public var isReady: Bool
  public var kafkaKind: String
  public var brokers: String
  public var databaseURL: String
  /// Business time stands at the end of this day; nil: it is the real time.
  public var clock: String?
  public var businessZone: String
  public var baseCurrency: String
  public var services: [String: Service]

  public init(
    pid: Int32, isReady: Bool = false, kafkaKind: String, brokers: String, databaseURL: String, clock: String?, businessZone: String, baseCurrency: String,
    services: [String: Service] = [:]
  ) {
    self.pid = pid
    self.isReady = isReady
    self.kafkaKind = kafkaKind
    self.brokers = brokers
    self.databaseURL = databaseURL
    self.clock = clock
    self.businessZone = businessZone
    self.baseCurrency = baseCurrency
    self.services = services
  }

  public var json: JSONValue {
    .object([
      JSONMember("pid", .integer(Int64(pid))), JSONMember("ready", .boolean(isReady)), JSONMember("kafka_kind", .text(kafkaKind)),
      JSONMember("brokers", .text(brokers)), JSONMember("database_url", .text(databaseURL)), JSONMember("clock", .textOrNull(clock)),
      JSONMember("business_zone", .text(businessZone)), JSONMember("base_currency", .text(baseCurrency)),
      JSONMember(
        "services",
        .object(
          services.sorted { $0.key < $1.key }.map { JSONMember($0.key, ["pid": .integer(Int64($0.value.pid)), "url": .text($0.value.url)]) })),
    ])
  }

  public init?(json: JSONValue) {
    guard let pid = json["pid"]?.int64Value.flatMap({ Int32(exactly: $0) }), let kind = json["kafka_kind"]?.stringValue,
      let brokers = json["brokers"]?.stringValue, let database = json["database_url"]?.stringValue, let zone = json["business_zone"]?.stringValue,
      let currency = json["base_currency"]?.stringValue
    else { return nil }
    var services: [String: Service] = [:]
    for member in json["services"]?.members ?? [] {
      guard let pid = member.value["pid"]?.int64Value.flatMap({ Int32(exactly: $0) }), let url = member.value["url"]?.stringValue else { return nil }
      services[member.key] = Service(pid: pid, url: url)
    }
    self.init(
      pid: pid, isReady: json["ready"]?.booleanValue ?? false, kafkaKind: kind, brokers: brokers, databaseURL: database, clock: json["clock"]?.stringValue,
      businessZone: zone, baseCurrency: currency, services: services)
  }

  public static let fileName = "state.json"

  /// The state written in a folder, or nil when none can be read there.
  public static func read(folder: String) -> SuiteState? {
    guard let bytes = Files.read(folder + "/" + fileName, bytesMax: 1 << 20), let json = try? JSONValue(bytes) else { return nil }
    return SuiteState(json: json)
  }

  public func write(folder: String) throws { try Files.write(folder + "/" + SuiteState.fileName, json.encodedText + "\n") }
}
