// How to reach a cluster and how to behave there. The defaults are chosen so that nothing is lost and nothing is skipped in silence.
import CRdKafka

/// The client library.
public enum KafkaLibrary {
  /// Its version, e.g. `2.0.2`: to be logged at the start, since what it can do depends on it.
  public static var version: String { String(cString: rd_kafka_version_str()) }

  /// Whether its SCRAM is one that brokers from 4.0 on take: releases before 2.6.1 send the client's nonce twice.
  public static var hasStrictScram: Bool { rd_kafka_version() >= 0x0206_0100 }
}

/// A text that must not be shown: it prints as stars, also inside other values.
public struct KafkaSecret: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// The text itself.
  public let revealed: String

  public init(_ text: String) { self.revealed = text }

  public var description: String { "***" }
  public var debugDescription: String { "***" }
  public var customMirror: Mirror { Mirror(self, children: []) }
}

/// Encryption of the connection. Paths name PEM files; nil leaves the system's certificates and no client certificate.
public struct KafkaTLS: Hashable, Sendable {
  public var authorityFile: String?
  public var certificateFile: String?
  public var keyFile: String?
  public var keyPassword: KafkaSecret?
  /// Whether the certificate must name the host that was asked for.
  public var verifiesHostName: Bool

  public init(
    authorityFile: String? = nil, certificateFile: String? = nil, keyFile: String? = nil, keyPassword: KafkaSecret? = nil,
    verifiesHostName: Bool = true
  ) {
    self.authorityFile = authorityFile
    self.certificateFile = certificateFile
    self.keyFile = keyFile
    self.keyPassword = keyPassword
    self.verifiesHostName = verifiesHostName
  }
}

/// A form of SCRAM by its name in SASL. Brokers from 4.0 on refuse it from an older library: see ``KafkaLibrary/hasStrictScram``.
public enum KafkaScram: String, Hashable, Sendable, CaseIterable {
  case sha256 = "SCRAM-SHA-256"
  case sha512 = "SCRAM-SHA-512"
}

/// How the client shows who it is.
public enum KafkaSecurity: Hashable, Sendable {
  case plaintext
  /// Encrypted; with a client certificate in it, also authenticated.
  case tls(KafkaTLS)
  /// User and password; `tls` nil sends them readable on the wire.
  case saslPlain(user: String, password: KafkaSecret, tls: KafkaTLS?)
  /// User and password, of which the broker learns no more than that the client knows it; `tls` nil leaves everything else readable.
  case saslScram(KafkaScram, user: String, password: KafkaSecret, tls: KafkaTLS?)
}

/// Everything a client needs to know about a cluster.
public struct KafkaSettings: Hashable, Sendable {
  /// `host:port`, several separated by commas.
  public var brokers: String
  /// Name of this client in the broker's logs and quotas.
  public var clientId: String
  public var security: KafkaSecurity
  /// Whether the cluster is the built-in one (see ``BuiltInBroker``), which needs shorter waits than Apache Kafka does.
  public var isBuiltIn: Bool
  /// How long a member may be silent before its partitions go to others, in milliseconds; nil: 30,000, on the built-in broker the least
  /// it can do with, `builtInSessionMillisecondsMin`.
  public var sessionTimeoutMilliseconds: Int?
  /// How often statistics are handed to `onStatistics` closures, in milliseconds; 0: never.
  public var statisticsMilliseconds: Int
  /// Time in which nothing comes from a partition's broker although its reader waits, after which the log says so, in milliseconds.
  public var fetchQuietMillisecondsMax: Int64 = 30_000
  /// Bytes fetched ahead for one partition, in KiB. Counted per partition, because each has its own queue.
  public var prefetchKibibytesMax = KafkaSettings.prefetchKibibytesDefault
  /// librdkafka settings by name, applied last, to every client made from these settings.
  public var overrides: [String: String]

  public init(
    brokers: String, clientId: String, security: KafkaSecurity = .plaintext, isBuiltIn: Bool = false,
    sessionTimeoutMilliseconds: Int? = nil, statisticsMilliseconds: Int = 0, overrides: [String: String] = [:]
  ) {
    self.brokers = brokers
    self.clientId = clientId
    self.security = security
    self.isBuiltIn = isBuiltIn
    self.sessionTimeoutMilliseconds = sessionTimeoutMilliseconds
    self.statisticsMilliseconds = statisticsMilliseconds
    self.overrides = overrides
  }

  /// See ``prefetchKibibytesMax``.
  public static let prefetchKibibytesDefault = 4_096
  /// Of one answer for one partition, as it lies in the log. Records are two to five times as large once they are here, and what is fetched ahead may
  /// be exceeded by them.
  static let fetchBytesMax = 512 << 10
  /// How long a broker may wait for records before it answers. There is one request at a time, and partitions that were full when it was sent are not
  /// in it: while others have nothing new, they wait as long.
  static let fetchWaitMilliseconds = 100
  /// The built-in broker keeps a group's first member waiting for three seconds, takes that for silence, and forgets a member whose
  /// session is shorter.
  public static let builtInSessionMillisecondsMin = 4_000
  /// Records fetched ahead for one partition. Fewer makes release 2.0.2 pause for a second whenever the number is reached.
  public static let prefetchRecordsMin = 100_000
}

extension KafkaSettings {
  typealias Entries = [(name: String, value: String)]

  /// What every client has in common.
  private var common: Entries {
    var entries: Entries = [
      ("bootstrap.servers", self.brokers), ("client.id", self.clientId), ("log.queue", "true"),
      // A hung broker is left after this time; the library's minute would stall a partition for as long.
      ("socket.timeout.ms", "10000"), ("socket.nagle.disable", "true"), ("socket.keepalive.enable", "true"),
      ("reconnect.backoff.ms", "50"), ("reconnect.backoff.max.ms", "500"),
      ("statistics.interval.ms", String(self.statisticsMilliseconds)),
    ]
    entries += self.securityEntries
    return entries
  }

  private var securityEntries: Entries {
    var entries: Entries = []
    switch self.security {
    case .plaintext: entries.append(("security.protocol", "plaintext"))
    case .tls(let tls):
      entries.append(("security.protocol", "ssl"))
      entries += tls.entries
    case .saslPlain(let user, let password, let tls): entries += KafkaSettings.sasl("PLAIN", user, password, tls)
    case .saslScram(let scram, let user, let password, let tls): entries += KafkaSettings.sasl(scram.rawValue, user, password, tls)
    }
    return entries
  }

  private static func sasl(_ mechanism: String, _ user: String, _ password: KafkaSecret, _ tls: KafkaTLS?) -> Entries {
    let entries: Entries = [
      ("security.protocol", tls == nil ? "sasl_plaintext" : "sasl_ssl"), ("sasl.mechanism", mechanism), ("sasl.username", user),
      ("sasl.password", password.revealed),
    ]
    return entries + (tls?.entries ?? [])
  }

  private var custom: Entries { self.overrides.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } }

  /// Reads a partition from an absolute offset and never moves by itself.
  func readerEntries(endsAreSeen: Bool, isolation: String = "read_committed") -> Entries {
    self.common + [
      ("auto.offset.reset", "error"), ("check.crcs", "true"), ("isolation.level", isolation),
      ("enable.auto.commit", "false"), ("enable.auto.offset.store", "false"), ("allow.auto.create.topics", "false"),
      ("queued.min.messages", String(KafkaSettings.prefetchRecordsMin)),
      ("queued.max.messages.kbytes", String(self.prefetchKibibytesMax)),
      ("fetch.message.max.bytes", String(KafkaSettings.fetchBytesMax)),
      // The built-in broker does not wake a waiting fetch when a record arrives, so it must be asked often.
      ("fetch.wait.max.ms", self.isBuiltIn ? "10" : String(KafkaSettings.fetchWaitMilliseconds)),
      ("enable.partition.eof", endsAreSeen ? "true" : "false"),
    ] + self.custom
  }

  /// The consumer's reader: its statistics are needed for the watch over its fetching, whether anybody else wants them or not.
  func streamEntries() -> Entries {
    var entries = self.readerEntries(endsAreSeen: false)
    if self.statisticsMilliseconds == 0 {
      let interval = max(100, min(5_000, self.fetchQuietMillisecondsMax / 3))
      entries.append(("statistics.interval.ms", String(interval)))
    }
    return entries
  }

  /// Belongs to a group, and learns from it which partitions are its own.
  func memberEntries(group: String) -> Entries {
    let least = self.isBuiltIn ? KafkaSettings.builtInSessionMillisecondsMin : 0
    let session = max(least, self.sessionTimeoutMilliseconds ?? (self.isBuiltIn ? least : 30_000))
    return self.common + [
      ("group.id", group), ("partition.assignment.strategy", "range"), ("auto.offset.reset", "error"),
      ("enable.auto.commit", "false"), ("enable.auto.offset.store", "false"), ("allow.auto.create.topics", "false"),
      ("session.timeout.ms", String(session)), ("heartbeat.interval.ms", String(max(100, min(3_000, session / 6)))),
      ("max.poll.interval.ms", String(max(300_000, session))),
    ] + self.custom
  }

  func producerEntries(_ options: ProducerOptions) -> Entries {
    self.common + [
      // Without the guarantee a batch that fails for good, as one without rights, lets later records overtake it.
      ("enable.idempotence", "true"), ("enable.gapless.guarantee", "true"), ("acks", "all"), ("message.timeout.ms", String(options.messageTimeoutMilliseconds)),
      ("partitioner", "murmur2_random"), ("compression.type", options.compression), ("linger.ms", String(options.lingerMilliseconds)),
      ("queue.buffering.max.messages", String(options.queuedRecordsMax)),
      ("queue.buffering.max.kbytes", String(options.queuedKibibytesMax)),
    ] + self.custom
  }

  /// Only administrative requests.
  func adminEntries() -> Entries {
    self.common + [("allow.auto.create.topics", "false")] + self.custom
  }
}

extension KafkaTLS {
  var entries: KafkaSettings.Entries {
    var entries: KafkaSettings.Entries = [
      ("ssl.endpoint.identification.algorithm", self.verifiesHostName ? "https" : "none")
    ]
    if let file = self.authorityFile { entries.append(("ssl.ca.location", file)) }
    if let file = self.certificateFile { entries.append(("ssl.certificate.location", file)) }
    if let file = self.keyFile { entries.append(("ssl.key.location", file)) }
    if let password = self.keyPassword { entries.append(("ssl.key.password", password.revealed)) }
    return entries
  }
}
