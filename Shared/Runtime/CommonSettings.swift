// The settings that every service shares.
public import Domain
public import Handling
public import Kafka
public import Messaging
public import Postgres
public import Telemetry
import CommandLine

public struct CommonSettings: Sendable {
  public static let database = Setting(
    "database-url", "DATABASE_URL", HelpText("PostgreSQL, as postgres://user:password@host:5432/clientele", zh: "PostgreSQL 连接地址"), isSecret: true)
  public static let databasePassword = Setting(
    "database-password", "DATABASE_PASSWORD", HelpText("password for PostgreSQL, where the URL holds none", zh: "PostgreSQL 密码"), isSecret: true)
  public static let brokers = Setting("kafka-brokers", "KAFKA_BROKERS", HelpText("Kafka brokers, host:port separated by commas", zh: "Kafka 服务器列表"))
  public static let brokerKind = Setting(
    "kafka-kind", "CLIENTELE_KAFKA_KIND", HelpText("kafka, or built-in for the broker of `clientele up`", zh: "Kafka 类型"), defaultText: "kafka")
  public static let protocolName = Setting(
    "kafka-security", "KAFKA_SECURITY_PROTOCOL", HelpText("plaintext, ssl, sasl_plaintext or sasl_ssl", zh: "Kafka 安全协议"), defaultText: "plaintext")
  public static let authority = Setting("kafka-ca-file", "KAFKA_CA_FILE", HelpText("certificate authority of the brokers (PEM)", zh: "Kafka 根证书"))
  public static let certificate = Setting(
    "kafka-certificate-file", "KAFKA_CERTIFICATE_FILE", HelpText("own certificate for mutual TLS (PEM)", zh: "客户端证书"))
  public static let certificateKey = Setting("kafka-key-file", "KAFKA_KEY_FILE", HelpText("key of the own certificate (PEM)", zh: "客户端私钥"))
  public static let certificateKeyPassword = Setting(
    "kafka-key-password", "KAFKA_KEY_PASSWORD", HelpText("password of that key", zh: "私钥密码"), isSecret: true)
  public static let mechanism = Setting(
    "kafka-sasl-mechanism", "KAFKA_SASL_MECHANISM",
    HelpText("PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512 (SCRAM on Kafka 4 needs librdkafka 2.6.1)", zh: "SASL 机制"), defaultText: "PLAIN")
  public static let user = Setting("kafka-user", "KAFKA_USER", HelpText("user for SASL", zh: "SASL 用户名"))
  public static let password = Setting("kafka-password", "KAFKA_PASSWORD", HelpText("password for SASL", zh: "SASL 密码"), isSecret: true)
  public static let session = Setting(
    "kafka-session-ms", "KAFKA_SESSION_TIMEOUT_MS",
    HelpText("milliseconds a silent process keeps its partitions before others take them", zh: "消费者会话超时（毫秒）"), defaultText: "30000")
  public static let batchRecords = Setting(
    "batch-records", "CLIENTELE_BATCH_RECORDS",
    HelpText(
      "records of one transaction at most: fewer need less memory and more of PostgreSQL; each service knows what is best for it",
      zh: "单个事务的最大记录数（越小内存越省，数据库负载越高）；各服务自有默认值"))
  public static let partitions = Setting(
    "partitions", "CLIENTELE_PARTITIONS", HelpText("partitions of topics that `topics create` makes", zh: "新建主题的分区数"), defaultText: "6")
  public static let host = Setting("http-host", "HTTP_HOST", HelpText("address the HTTP server listens on", zh: "HTTP 监听地址"), defaultText: "127.0.0.1")
  public static let port = Setting("http-port", "HTTP_PORT", HelpText("port of the HTTP server, 0 for any", zh: "HTTP 端口"), defaultText: "8080")
  public static let portFile = Setting("http-port-file", "HTTP_PORT_FILE", HelpText("file to write the port to once it is known", zh: "端口号输出文件"))
  public static let zone = Setting(
    "business-zone", "CLIENTELE_BUSINESS_ZONE", HelpText("time zone of business days and months", zh: "业务时区"), defaultText: "Asia/Shanghai")
  public static let currency = Setting(
    "base-currency", "CLIENTELE_BASE_CURRENCY", HelpText("currency all spend is summed in", zh: "基准币种"), defaultText: "CNY")
  public static let clock = Setting(
    "clock", "CLIENTELE_CLOCK", HelpText("let business time stand at the end of this day (for trying out)", zh: "将业务时间固定在某日（试用）"))
  public static let pseudonymKey = Setting(
    "pseudonym-key", "CLIENTELE_PSEUDONYM_KEY",
    HelpText("secret of at least 16 bytes that customer keys are hashed with; never change it", zh: "客户标识散列密钥"), isSecret: true)
  /// Of ingest and of whoever writes to it over HTTP; no common setting of the services.
  public static let ingestToken = Setting(
    "ingest-token", "CLIENTELE_INGEST_TOKEN",
    HelpText("fixed token of at least 16 characters by which programs bring events over HTTP", zh: "程序经 HTTP 写入事件所用的固定令牌"), isSecret: true)
  /// Of ingest and of whoever tries a mapping; no common settings of the services.
  public static let exchangeRates = Setting(
    "exchange-rates", "CLIENTELE_EXCHANGE_RATES",
    HelpText("worth of other currencies in the base currency, as USD=7.12,GBP=9.05", zh: "外币汇率（折合基准币种）"))
  public static let junkIdentifiers = Setting(
    "junk-identifiers", "CLIENTELE_JUNK_IDENTIFIERS", HelpText("further values that name nobody, separated by commas", zh: "额外的无效标识值"))
  /// Of ingest and of whoever asks for a customer by a phone number; no common setting of the services.
  public static let phoneRegion = Setting(
    "phone-region", "CLIENTELE_PHONE_REGION",
    HelpText("country of phone numbers without a country code, two letters; never change it over stored data", zh: "无国家码电话号码的默认地区"), defaultText: "CN")
  public static let level = Setting("log-level", "LOG_LEVEL", HelpText("trace, debug, info, warning or error", zh: "日志级别"), defaultText: "info")
  public static let instance = Setting("instance", "HOSTNAME", HelpText("name of this process, for people", zh: "实例名称"), defaultText: "local")

  public static let all = [
    database, databasePassword, brokers, brokerKind, protocolName, authority, certificate, certificateKey, certificateKeyPassword, mechanism, user, password,
    session, batchRecords, partitions, host, port, portFile, zone, currency, clock, pseudonymKey, level, instance,
  ] + AccessSettings.all
  /// Those of a service that reads and writes no topics.
  public static let withoutTopics = {
    let topics = Set((kafka + [session, batchRecords, partitions, pseudonymKey]).map(\.name))
    return all.filter { !topics.contains($0.name) }
  }()
  /// Those that say how to reach the brokers.
  public static let kafka = [
    brokers, brokerKind, protocolName, authority, certificate, certificateKey, certificateKeyPassword, mechanism, user, password,
  ]

  public var database: PostgresSettings
  public var kafka: KafkaSettings
  public var batchRecords: Int
  public var partitions: Int
  public var access: AccessSettings
  public var host: String
  public var port: Int
  public var portFile: String?
  public var zone: BusinessZone
  public var currency: Currency
  public var clock: any BusinessClock
  public var pseudonymKey: [UInt8]
  public var level: LogLevel
  public var instance: String

  /// Reads all of them; faults stay in the reader.
  ///
  /// - Parameters:
  ///   - usesTopics: false: what has to do with Kafka is neither needed nor looked at, nor is the key of customers' names.
  ///   - batchRecords: records of one transaction at most, unless an operator says otherwise.
  public init(_ reader: inout SettingsReader, service: String, usesTopics: Bool = true, batchRecords: Int = BatchLimits.recordsDefault) {
    typealias S = CommonSettings
    database = PostgresSettings(servers: [], database: service, user: service)
    let url = reader.text(S.database)
    if !url.isEmpty {
      do throws(PostgresFailure) { database = try PostgresSettings(url: url) } catch { reader.refuse(S.database, error.message) }
    }
    if let password = reader.optional(S.databasePassword) {
      if database.password != nil { reader.refuse(S.databasePassword, "is set, and \(S.database.variable) holds a password too") }
      database.password = PostgresSettings.Secret(password)
    }
    database.applicationName = "clientele-\(service)"
    database.schema = service
    kafka = KafkaSettings(brokers: "", clientId: "clientele-\(service)", security: .plaintext, isBuiltIn: false)
    self.batchRecords = batchRecords
    partitions = 1
    pseudonymKey = []
    host = reader.text(S.host)
    access = AccessSettings(&reader, host: host)
    port = reader.integer(S.port, in: 0...65_535)
    portFile = reader.optional(S.portFile)
    zone = reader.zone(S.zone)
    currency = reader.currency(S.currency)
    clock = reader.day(S.clock).map { [zone] day in FixedClock(zone.startOfDay(day + 1).adding(seconds: -1)) as any BusinessClock } ?? SystemClock()
    level = LogLevel(name: reader.choice(S.level, of: LogLevel.allCases.map(\.name))) ?? .info
    instance = reader.text(S.instance)
    if usesTopics { readTopics(&reader, service) }
  }

  private mutating func readTopics(_ reader: inout SettingsReader, _ service: String) {
    typealias S = CommonSettings
    let kind = reader.choice(S.brokerKind, of: ["kafka", "built-in"])
    kafka = KafkaSettings(
      brokers: reader.text(S.brokers), clientId: "clientele-\(service)", security: S.security(&reader), isBuiltIn: kind == "built-in")
    let sessionMilliseconds = reader.integer(S.session, in: 200...600_000)
    // The built-in broker has a least one of its own, which is the usual one there.
    if kind != "built-in" || reader.optional(S.session) != S.session.defaultText { kafka.sessionTimeoutMilliseconds = sessionMilliseconds }
    if reader.optional(S.batchRecords) != nil { batchRecords = reader.integer(S.batchRecords, in: 100...100_000) }
    partitions = reader.integer(S.partitions, in: 1...200)
    pseudonymKey = Array(reader.text(S.pseudonymKey).utf8)
    if !pseudonymKey.isEmpty, pseudonymKey.count < 16 { reader.refuse(S.pseudonymKey, "must have at least 16 bytes") }
  }

  private static func security(_ reader: inout SettingsReader) -> KafkaSecurity {
    let name = reader.choice(protocolName, of: ["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"])
    let tls = KafkaTLS(
      authorityFile: file(authority, &reader), certificateFile: file(certificate, &reader), keyFile: file(certificateKey, &reader),
      keyPassword: reader.optional(certificateKeyPassword).map(KafkaSecret.init))
    switch name {
    case "ssl": return .tls(tls)
    case "sasl_plaintext": return sasl(&reader, nil)
    case "sasl_ssl": return sasl(&reader, tls)
    default: return .plaintext
    }
  }

  private static func sasl(_ reader: inout SettingsReader, _ tls: KafkaTLS?) -> KafkaSecurity {
    let chosen = reader.choice(mechanism, of: ["PLAIN"] + KafkaScram.allCases.map(\.rawValue))
    let (user, password) = (reader.text(user), KafkaSecret(reader.text(password)))
    guard let scram = KafkaScram(rawValue: chosen) else { return .saslPlain(user: user, password: password, tls: tls) }
    return .saslScram(scram, user: user, password: password, tls: tls)
  }

  /// A file that must be there: the library's own complaint would name no setting.
  private static func file(_ setting: Setting, _ reader: inout SettingsReader) -> String? {
    guard let path = reader.optional(setting) else { return nil }
    if Files.read(path, bytesMax: certificateBytesMax) == nil { reader.refuse(setting, "the file \(path) cannot be read") }
    return path
  }

  /// The largest file with certificates, in bytes.
  static let certificateBytesMax = 4 << 20
}

/// The real time.
public struct SystemClock: BusinessClock {
  public init() {}
  public func now() -> Instant { Instant(microseconds: SystemTime.unixMicroseconds()) }
}
