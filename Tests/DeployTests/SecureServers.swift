// Servers that take encrypted connections only: an Apache Kafka with SASL over TLS, a PostgreSQL with hostssl lines alone.
import Embedded
import Glibc
import Kafka
import TestSupport

/// Certificates by openssl: an authority, a server's certificate of it for 127.0.0.1 and localhost, and a second authority that signed nothing.
struct Certificates {
  let folder: String
  var authority: String { folder + "/ca.pem" }
  var otherAuthority: String { folder + "/other.pem" }
  var certificate: String { folder + "/server.pem" }
  var key: String { folder + "/server.key" }

  static let isPossible = Executables.onPath("openssl") != nil

  static func make(_ folder: String) async throws -> Certificates {
    let made = Certificates(folder: folder)
    func openssl(_ words: String) async throws { try await Runner.done("openssl", words.split(separator: " ").map(String.init), in: folder) }
    for name in ["ca", "other"] {
      try await openssl("req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=\(name) -keyout \(name).key -out \(name).pem")
    }
    try await openssl("req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr")
    try Runner.write(folder + "/names", "subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    try await openssl("x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.pem")
    return made
  }
}

/// Ports of the loopback that are free now; all are held until all are found.
func freePorts(_ count: Int) throws -> [UInt16] {
  var sockets: [Int32] = []
  defer { for descriptor in sockets { close(descriptor) } }
  return try (0..<count).map { _ in
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    sockets.append(descriptor)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0 }
    }
    guard isBound else { throw HelperFailure("no free port") }
    return UInt16(bigEndian: address.sin_port)
  }
}

/// One node with a listener in the clear for the test itself and one that wants TLS and SASL.
struct SecureKafka {
  static let user = "alice"
  static let password = "kafka-word-9c1f"

  let certificates: Certificates
  let brokers: String
  private let process: HelperProcess

  /// What a program needs to reach it.
  func environment(mechanism: String = "PLAIN", password: String = SecureKafka.password, authority: String? = nil) -> [String: String] {
    [
      "KAFKA_BROKERS": brokers, "KAFKA_SECURITY_PROTOCOL": "sasl_ssl", "KAFKA_SASL_MECHANISM": mechanism, "KAFKA_USER": SecureKafka.user,
      "KAFKA_PASSWORD": password, "KAFKA_CA_FILE": authority ?? certificates.authority,
    ]
  }

  static func with<Value>(home: String, _ body: (SecureKafka) async throws -> Value) async throws -> Value {
    try await Runner.withFolder { folder in
      let certificates = try await Certificates.make(folder)
      let ports = try freePorts(3)
      let key = try Checkout.text(certificates.key)
      try Runner.write(folder + "/keystore.pem", key + (try Checkout.text(certificates.certificate)), mode: 0o600)
      try Runner.write(folder + "/server.properties", properties(folder, ports), mode: 0o600)
      let environment = ["LOG_DIR": folder + "/logs", "KAFKA_HEAP_OPTS": "-Xms128m -Xmx400m"]
      try await Runner.done(
        home + "/bin/kafka-storage.sh",
        ["format", "-t", "Kf7AKf7AAAAAAAAAAAAAAA", "-c", folder + "/server.properties"]
          + ["--add-scram", "SCRAM-SHA-256=[name=\(user),password=\(password)]"], environment: environment)
      var given = environment
      given["PATH"] = HelperProcess.currentEnvironment()["PATH"]
      given["JAVA_HOME"] = HelperProcess.currentEnvironment()["JAVA_HOME"]
      let process = try await HelperProcess.start(
        .init(
          executable: home + "/bin/kafka-server-start.sh", arguments: [folder + "/server.properties"], environment: given,
          standardOutput: .file(path: folder + "/kafka.log"), standardError: .file(path: folder + "/kafka.log")))
      let result: Result<Value, any Error>
      do {
        try await awaitBroker("127.0.0.1:\(ports[0])", process)
        result = .success(try await body(SecureKafka(certificates: certificates, brokers: "localhost:\(ports[1])", process: process)))
      } catch { result = .failure(error) }
      await process.stop(within: .seconds(30))
      return try result.get()
    }
  }

  private static func awaitBroker(_ address: String, _ process: HelperProcess) async throws {
    try await eventually("an answer of the broker", within: .seconds(90)) {
      if await process.waitForExit(within: .milliseconds(200)) != nil { throw HelperFailure("Kafka ended at its start") }
      return try await TestDatabase.blocking {
        guard let probe = try? KafkaProbe(KafkaSettings(brokers: address, clientId: "test"), limitMilliseconds: 2_000) else { return false }
        defer { probe.close() }
        return (try? probe.topics()) != nil
      }
    }
  }

  private static func properties(_ folder: String, _ ports: [UInt16]) -> String {
    """
    process.roles=broker,controller
    node.id=1
    controller.quorum.voters=1@127.0.0.1:\(ports[2])
    controller.listener.names=CONTROLLER
    listeners=CLEAR://127.0.0.1:\(ports[0]),SECURE://127.0.0.1:\(ports[1]),CONTROLLER://127.0.0.1:\(ports[2])
    advertised.listeners=CLEAR://127.0.0.1:\(ports[0]),SECURE://localhost:\(ports[1])
    listener.security.protocol.map=CLEAR:PLAINTEXT,SECURE:SASL_SSL,CONTROLLER:PLAINTEXT
    inter.broker.listener.name=CLEAR
    sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256
    listener.name.secure.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_\(user)="\(password)";
    listener.name.secure.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
    ssl.keystore.type=PEM
    ssl.keystore.location=\(folder)/keystore.pem
    log.dirs=\(folder)/data
    auto.create.topics.enable=false
    offsets.topic.replication.factor=1
    offsets.topic.num.partitions=4
    transaction.state.log.replication.factor=1
    transaction.state.log.min.isr=1
    group.initial.rebalance.delay.ms=0

    """
  }
}

/// A server that refuses whoever comes in the clear over TCP.
struct SecurePostgres {
  let certificates: Certificates
  let server: PrivatePostgres
  let password: String

  /// The address without the password.
  func url(_ options: String) -> String { "postgres://\(PrivatePostgres.user)@localhost:\(server.port)/clientele?gssencmode=disable&\(options)" }

  static func with<Value>(_ body: (SecurePostgres) async throws -> Value) async throws -> Value {
    try await TestDatabase.withServerFolder { folder in
      let certificates = try await Certificates.make(folder)
      var owner = stat()
      guard stat(folder + "/data", &owner) == 0 else { throw HelperFailure("\(folder)/data is not there") }
      try Runner.write(
        folder + "/hba", "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\nhostssl all all ::1/128 scram-sha-256\n")
      // The server takes a key that is its own and nobody else's to read.
      for file in [certificates.key, certificates.certificate, folder + "/hba"] {
        guard chmod(file, 0o600) == 0, chown(file, owner.st_uid, owner.st_gid) == 0 else { throw HelperFailure("\(file) cannot be given away") }
      }
      var options = PrivatePostgres.Options()
      options.isFast = true
      options.settings = [
        "ssl": "on", "ssl_cert_file": certificates.certificate, "ssl_key_file": certificates.key, "hba_file": folder + "/hba",
      ]
      let server = try await PrivatePostgres.start(folder: folder, options: options)
      let result: Result<Value, any Error>
      do {
        try await server.createDatabase("clientele")
        let password = try Checkout.text(folder + "/password").filter { $0 != "\n" }
        result = .success(try await body(SecurePostgres(certificates: certificates, server: server, password: password)))
      } catch { result = .failure(error) }
      await server.stop()
      return try result.get()
    }
  }
}
