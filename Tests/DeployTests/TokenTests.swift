// The token in front of everything that writes to ingest over HTTP, and secrets that stand in files.
import ClienteleCore
import CommandLine
import Domain
import HTTP
import Handling
import IngestCore
import Kafka
import Lifecycle
import Postgres
import Runtime
import Synchronization
import Telemetry
import Testing
import Text

@testable import clientele
@testable import ingest

private let secret = "0123456789abcdefABCDEF-._~+/="

/// Ingest's routes over a database and brokers that nobody asks here.
private func routes(token: String?) throws -> Router {
  let rules = IngestRules(zone: .utc, rates: try ExchangeRates("", base: .cny), zoneNamed: { _ in nil })
  let settings = IngestSettings(rules: rules, pseudonymKey: Array("0123456789abcdef".utf8), token: token.map { WriteToken($0) })
  var router = Router()
  let nowhere = PostgresSettings(servers: [.init(host: "127.0.0.1", port: 1)], database: "x", user: "x")
  let pool = PostgresPool(nowhere, waitLimit: .milliseconds(100))
  IngestRoutes(parts: IngestParts(settings), pool: pool, clock: FixedClock(Instant(seconds: 0))).add(to: &router)
  return router
}

private func answer(_ router: Router, _ method: HTTPMethod, _ path: String, _ authorization: String? = nil) async -> Response? {
  var headers: HTTPHeaders = ["Content-Type": "application/json"]
  if let authorization { headers["Authorization"] = authorization }
  guard let request = try? Request(method, path, headers: headers, body: Array("{}".utf8)) else { return nil }
  // What throws came past the token: there are no brokers and no database here.
  return try? await router.respond(to: request)
}

@Suite("Token of ingest") struct TokenTests {
  @Test("Every route but those that only show something asks for it")
  func everyRoute() async throws {
    let router = try routes(token: secret)
    let all = router.routes.map { $0.split(separator: " ").map(String.init) }
    let writing = all.filter { $0[0] != "GET" }
    #expect(writing.count == 8, "\(writing)")
    for route in writing {
      let path = route[1].replacing("{id}", with: "1").replacing("{name}", with: "shop")
      let response = try #require(await answer(router, HTTPMethod(rawValue: route[0]), path), "\(route) went past the token")
      #expect(response.status.rawValue == 401, "\(route)")
      #expect(response.headers["WWW-Authenticate"] == #"Bearer realm="clientele""#)
      #expect(response.headers["Content-Type"] == "application/problem+json")
      let body = try JSONValue(response.bytes ?? [])
      #expect(body["status"]?.int64Value == 401 && body["detail"]?.stringValue?.isEmpty == false)
    }
    for route in all where route[0] == "GET" {
      let response = await answer(router, .get, route[1].replacing("{id}", with: "1"))
      #expect(response?.status.rawValue != 401, "\(route)")
    }
  }

  @Test(
    "Only the whole token counts",
    arguments: ["", "Basic " + secret, "Bearer", "Bearer ", "Bearer " + secret.dropLast(), "Bearer " + secret + "x", secret])
  func wrong(_ authorization: String) async throws {
    let response = try #require(await answer(try routes(token: secret), .post, "/v1/events", authorization))
    #expect(response.status.rawValue == 401)
    if authorization.hasPrefix("Bearer") { #expect(response.headers["WWW-Authenticate"]?.contains(#"error="invalid_token""#) == true) }
  }

  @Test("With the token, in any writing of the scheme, a request is let through", arguments: ["Bearer ", "bearer ", "BEARER  "])
  func right(_ scheme: String) async throws {
    // Past the token stands a service without brokers.
    let response = try #require(await answer(try routes(token: secret), .post, "/v1/events", scheme + secret))
    #expect(response.status.rawValue == 503)
  }

  @Test("Records are shown raw to those who have the token only")
  func raw() async throws {
    let router = try routes(token: secret)
    #expect(await answer(router, .get, "/v1/quarantine?raw=1")?.status.rawValue == 401)
    #expect(await answer(router, .get, "/v1/quarantine?raw=1", "Bearer " + secret)?.status.rawValue != 401)
  }

  @Test("Without one everybody may write")
  func open() async throws {
    #expect(await answer(try routes(token: nil), .post, "/v1/events")?.status.rawValue == 503)
  }

  @Test("A token that is short or cannot stand in a header is refused at the start", arguments: ["short", "has a blank in it, and more", "ümlaute-sind-nichts"])
  func refused(_ text: String) {
    var reader = SettingsReader(arguments: [:], environment: ["CLIENTELE_INGEST_TOKEN": text])
    #expect(WriteToken(&reader) == nil)
    #expect(reader.faults.map(\.setting) == ["CLIENTELE_INGEST_TOKEN"])
    #expect(!"\(reader.faults)".contains(text))
  }

  @Test("A start on an address that others reach says that anybody may write; one with a token or on loopback does not", arguments: [
    ("0.0.0.0", nil, true), ("0.0.0.0", secret, false), ("127.0.0.1", nil, false),
  ])
  func warned(_ host: String, _ token: String?, _ isWarned: Bool) async throws {
    try await Runner.withFolder { folder in
      var environment = [
        "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none", "KAFKA_BROKERS": "127.0.0.1:1", "CLIENTELE_PSEUDONYM_KEY": "0123456789abcdef", "HTTP_HOST": host,
        "HTTP_PORT": "0", "HTTP_PORT_FILE": folder + "/port",
      ]
      environment["CLIENTELE_INGEST_TOKEN"] = token
      let log = try await Service.log("ingest", environment, folder: folder) { $0.contains("waiting for a dependency") }
      #expect(log.contains("anybody who reaches this port may write") == isWarned, "\(log)")
      #expect(!log.contains(secret))
    }
  }

  @Test("The operator's tool sends it to ingest, and to no other service")
  func tool() async throws {
    let seen = Mutex<[String: String?]>([:])
    var router = Router()
    for path in ["/ingest/v1/sources", "/profile/v1/statistics"] {
      router.get(path) { request in
        seen.withLock { $0[path] = request.headers["Authorization"] }
        return .json(Array("{}".utf8))
      }
    }
    let server = HTTPServer(settings: HTTPServerSettings(host: "127.0.0.1", port: 0), router: router, logger: .silent)
    let stop = StopSignal()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await server.run(stop) }
      let base = "http://127.0.0.1:\(try await server.boundPort)"
      let connection = try SuiteConnection.find(
        folder: nil, environment: ["CLIENTELE_INGEST_URL": base + "/ingest", "CLIENTELE_PROFILE_URL": base + "/profile", "CLIENTELE_INGEST_TOKEN": secret])
      let client = ServiceClient(connection)
      _ = try await client.call("ingest", .get, "/v1/sources")
      _ = try await client.call("profile", .get, "/v1/statistics")
      await client.close()
      stop.stop()
      try await group.waitForAll()
    }
    let found = seen.withLock { $0 }
    #expect(found["/ingest/v1/sources"] == "Bearer " + secret)
    #expect(found["/profile/v1/statistics"] == .some(nil))
  }
}

@Suite("Secrets in files") struct SecretFileTests {
  private let setting = Setting("kafka-password", "KAFKA_PASSWORD", "password", isSecret: true)
  private let plain = Setting("kafka-user", "KAFKA_USER", "user")

  @Test("A secret is read from the file that VARIABLE_FILE names, without the line end that editors leave")
  func read() async throws {
    try await Runner.withFolder { folder in
      for (text, wanted) in [("word", "word"), ("word\n", "word"), ("word\r\n", "word"), (" wo rd ", " wo rd ")] {
        try Runner.write(folder + "/secret", text, mode: 0o600)
        var reader = SettingsReader(arguments: [:], environment: ["KAFKA_PASSWORD_FILE": folder + "/secret"])
        #expect(reader.text(setting) == wanted)
        #expect(reader.faults.isEmpty)
      }
    }
  }

  @Test("A file that is missing, empty or beside the variable itself is a fault that names both and shows no secret")
  func refused() async throws {
    try await Runner.withFolder { folder in
      try Runner.write(folder + "/empty", "\n")
      try Runner.write(folder + "/secret", "word-in-a-file")
      let cases = [
        ["KAFKA_PASSWORD_FILE": folder + "/none"], ["KAFKA_PASSWORD_FILE": folder + "/empty"],
        ["KAFKA_PASSWORD_FILE": folder + "/secret", "KAFKA_PASSWORD": "word-in-a-variable"],
      ]
      for environment in cases {
        var reader = SettingsReader(arguments: [:], environment: environment)
        _ = reader.text(setting)
        #expect(reader.faults.count == 1 && reader.faults[0].setting == "KAFKA_PASSWORD", "\(reader.faults)")
        #expect("\(reader.faults)".contains("KAFKA_PASSWORD_FILE") && !"\(reader.faults)".contains("word-in"))
      }
    }
  }

  @Test("What is no secret has no such file, and an empty variable is one that is not set")
  func others() {
    var reader = SettingsReader(arguments: [:], environment: ["KAFKA_USER_FILE": "/etc/hostname", "KAFKA_USER": ""], file: ["kafka-user": "from the file"])
    #expect(reader.text(plain) == "from the file")
  }

  @Test("The database's password may stand beside the URL, but not in both places")
  func databasePassword() {
    func read(_ url: String, _ password: String) -> (CommonSettings, [SettingFault]) {
      var reader = SettingsReader(arguments: [:], environment: ["DATABASE_URL": url, "DATABASE_PASSWORD": password])
      let settings = CommonSettings(&reader, service: "profile")
      return (settings, reader.faults.filter { $0.setting == "DATABASE_PASSWORD" })
    }
    let beside = read("postgres://u@h/d", "p@ss/w:rd%")
    #expect(beside.0.database.password?.revealed == "p@ss/w:rd%" && beside.1.isEmpty)
    #expect(!"\(beside.0)".contains("p@ss"))
    #expect(read("postgres://u:one@h/d", "two").1.count == 1)
  }

  @Test("SASL is a matter of settings, and what is missing is named")
  func sasl() {
    func security(_ environment: [String: String]) -> (KafkaSecurity, [String]) {
      var reader = SettingsReader(arguments: [:], environment: environment.merging(["KAFKA_BROKERS": "b:1"]) { $1 })
      let settings = CommonSettings(&reader, service: "profile")
      return (settings.kafka.security, reader.faults.map(\.setting).filter { $0.lowercased().contains("kafka") })
    }
    let base = ["KAFKA_SECURITY_PROTOCOL": "sasl_ssl", "KAFKA_USER": "u", "KAFKA_PASSWORD": "p"]
    #expect(security(base).0 == .saslPlain(user: "u", password: KafkaSecret("p"), tls: KafkaTLS()))
    let scram = security(base.merging(["KAFKA_SASL_MECHANISM": "SCRAM-SHA-256"]) { $1 })
    #expect(scram.0 == .saslScram(.sha256, user: "u", password: KafkaSecret("p"), tls: KafkaTLS()) && scram.1.isEmpty)
    #expect(security(base.merging(["KAFKA_SASL_MECHANISM": "GSSAPI"]) { $1 }).1 == ["kafka-sasl-mechanism"])
    #expect(security(["KAFKA_SECURITY_PROTOCOL": "sasl_ssl"]).1 == ["kafka-user", "KAFKA_PASSWORD"])
    #expect(security(base.merging(["KAFKA_CA_FILE": "/no/such/file"]) { $1 }).1 == ["kafka-ca-file"])
  }
}
