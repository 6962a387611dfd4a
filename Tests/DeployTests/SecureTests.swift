// TLS and SASL by settings alone, on real servers: the right ones work, the wrong ones are refused in words, and no password is told.
import Contracts
import Embedded
import Glibc
import Kafka
import TestSupport
import Testing

private let home = HelperProcess.currentEnvironment()["KAFKA_HOME"] ?? ""
private let hasKafka = Executables.onPath("java") != nil && Checkout.exists(home + "/bin/kafka-storage.sh") && Certificates.isPossible
private let kafkaWhyNot: Comment = "needs KAFKA_HOME, Java and openssl"
private let hasPostgres = TestDatabase.isPrivate && Certificates.isPossible
private let postgresWhyNot: Comment = "needs PostgreSQL's server programs and openssl"

/// The distribution of KAFKA_HOME, and the newest of 3.9 beside it.
private let distributions: [String] = {
  guard hasKafka else { return [] }
  let beside = ["3.9.3", "3.9.2", "3.9.1"].map { home + "/../" + $0 }.first { Checkout.exists($0 + "/bin/kafka-storage.sh") }
  return [home] + (beside.map { [$0] } ?? [])
}()

private let wrong = "some-other-word-77"

@Suite("Kafka over TLS with SASL", .enabled(if: hasKafka, kafkaWhyNot), .serialized) struct SecureKafkaTests {
  /// `isRefused`: the library tries a refused connection again for ever, so the wait is what such a test lasts.
  private func create(_ environment: [String: String], isRefused: Bool = false) async throws -> Ran {
    let words = ["topics", "create", "--partitions", "1"] + (isRefused ? ["--wait-seconds", "8"] : [])
    let ran = try await Runner.run("clientele", words, environment: environment, within: .seconds(120))
    #expect(!ran.both.contains(SecureKafka.password) && !ran.both.contains(wrong), "a password was told: \(ran.both)")
    return ran
  }

  @Test("PLAIN: the right user makes topics; another password, another authority, no TLS are refused in words")
  func plain() async throws {
    try await SecureKafka.with(home: home) { kafka in
      let right = try await create(kafka.environment())
      #expect(right.status == 0, "\(right.both)")
      #expect(right.output.split(separator: "\n").map { $0.prefix { $0 != " " } } == Topics.all.map { $0.name[...] })
      #expect(try await create(kafka.environment()).status == 0, "again, over topics that are there")
      let password = try await create(kafka.environment(password: wrong), isRefused: true)
      #expect(password.status == 1 && password.errors.contains("Authentication failed"), "\(password.both)")
      let authority = try await create(kafka.environment(authority: kafka.certificates.otherAuthority), isRefused: true)
      #expect(authority.status == 1 && authority.errors.contains("certificate verify failed"), "\(authority.both)")
      var clear = kafka.environment()
      clear["KAFKA_SECURITY_PROTOCOL"] = "plaintext"
      #expect(try await create(clear, isRefused: true).status == 1)
      try Runner.write(kafka.certificates.folder + "/secret", SecureKafka.password + "\n", mode: 0o600)
      var file = kafka.environment(password: "")
      file["KAFKA_PASSWORD_FILE"] = kafka.certificates.folder + "/secret"
      #expect(try await create(file).status == 0, "from a file")
    }
  }

  @Test("SCRAM works wherever library and broker agree on it, and is refused in words where they do not", arguments: distributions)
  func scram(_ home: String) async throws {
    // Releases before 2.6.1 of the library send what brokers from 4.0 on refuse.
    let isOldBroker = home.split(separator: "/").last?.hasPrefix("3.") == true
    try await SecureKafka.with(home: home) { kafka in
      let works = isOldBroker || KafkaLibrary.hasStrictScram
      let right = try await create(kafka.environment(mechanism: "SCRAM-SHA-256"), isRefused: !works)
      if works {
        #expect(right.status == 0, "\(right.both)")
      } else {
        #expect(right.status == 1 && right.errors.contains("SCRAM"), "\(right.both)")
      }
      let password = try await create(kafka.environment(mechanism: "SCRAM-SHA-256", password: wrong), isRefused: true)
      #expect(password.status == 1 && password.errors.contains("uthentication"), "\(password.both)")
    }
  }
}

@Suite("PostgreSQL over TLS", .enabled(if: hasPostgres, postgresWhyNot), .serialized) struct SecurePostgresTests {
  private static let others = ["KAFKA_BROKERS": "localhost:1", "CLIENTELE_PSEUDONYM_KEY": "0123456789abcdef"]

  @Test("verify-full: the right authority and password work; others, and a connection in the clear, are refused in words")
  func verifyFull() async throws {
    try await SecurePostgres.with { postgres in
      func migrate(_ options: String, _ password: String) async throws -> Ran {
        let ran = try await Runner.run(
          "profile", ["migrate"],
          environment: SecurePostgresTests.others.merging(["DATABASE_URL": postgres.url(options), "DATABASE_PASSWORD": password]) { $1 })
        #expect(!ran.both.contains(postgres.password) && !ran.both.contains(wrong), "a password was told: \(ran.both)")
        return ran
      }
      let full = "sslmode=verify-full&sslrootcert="
      let right = try await migrate(full + postgres.certificates.authority, postgres.password)
      #expect(right.status == 0, "\(right.both)")
      let authority = try await migrate(full + postgres.certificates.otherAuthority, postgres.password)
      #expect(authority.status != 0 && authority.both.contains("certificate verify failed"), "\(authority.both)")
      let password = try await migrate(full + postgres.certificates.authority, wrong)
      #expect(password.status != 0 && password.both.contains("password authentication failed"), "\(password.both)")
      let clear = try await migrate("sslmode=disable", postgres.password)
      #expect(clear.status != 0 && clear.both.contains("no pg_hba.conf entry"), "\(clear.both)")
    }
  }
}

@Suite("A service over TLS", .enabled(if: hasKafka && hasPostgres, kafkaWhyNot), .serialized) struct SecureServiceTests {
  private static func base(_ postgres: SecurePostgres, _ folder: String) -> [String: String] {
    [
      "DATABASE_URL": postgres.url("sslmode=verify-full&sslrootcert=" + postgres.certificates.authority), "DATABASE_PASSWORD": postgres.password,
      "CLIENTELE_PSEUDONYM_KEY": "0123456789abcdef-key", "CLIENTELE_ACCESS": "off", "HTTP_PORT": "0", "HTTP_PORT_FILE": folder + "/port",
    ]
  }

  @Test("It becomes ready over TLS to both, says what is wrong when it may not, and no secret is in its log")
  func ready() async throws {
    try await SecureKafka.with(home: home) { kafka in
      try await SecurePostgres.with { postgres in
        try await Runner.withFolder { folder in
          let environment = SecureServiceTests.base(postgres, folder).merging(kafka.environment()) { $1 }
          try await Runner.done("clientele", ["topics", "create", "--partitions", "1"], environment: environment)
          try await Runner.done("profile", ["migrate"], environment: environment)
          let right = try await Service.log("profile", environment, folder: folder) { log in
            guard log.contains("service ready") else { return false }
            let health = try await Runner.run("profile", ["healthcheck", "--ready"], environment: ["HTTP_PORT": "0", "HTTP_PORT_FILE": folder + "/port"])
            return health.status == 0
          }
          unlink(folder + "/port")
          let refused = try await Service.log(
            "profile", SecureServiceTests.base(postgres, folder).merging(kafka.environment(password: wrong)) { $1 }, folder: folder
          ) { $0.contains("Authentication failed") }
          for text in [right, refused] {
            for secret in [SecureKafka.password, postgres.password, wrong, "0123456789abcdef-key"] { #expect(!text.contains(secret)) }
          }
        }
      }
    }
  }
}
