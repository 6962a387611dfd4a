// The fixed token by which programs bring events to ingest, access that is off, and secrets that stand in files.
import ClienteleCore
import CommandLine
import Domain
import HTTP
import Handling
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
private let key = "0123456789abcdef0123456789abcdef"

/// What every service wants to know; nobody is asked at these addresses.
private let base = [
  "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none", "KAFKA_BROKERS": "127.0.0.1:1", "CLIENTELE_PSEUDONYM_KEY": "0123456789abcdef",
]

/// Ingest's routes as they are served.
private func routes(_ settings: [String: String] = ["CLIENTELE_TOKEN_KEY": key, "CLIENTELE_INGEST_TOKEN": secret]) throws -> Router {
  try IngestParts.program.router(settings: base.merging(settings) { $1 }, logger: .silent, poolWait: .milliseconds(100))
}

private func answer(_ router: Router, _ method: HTTPMethod, _ path: String, _ authorization: String? = nil) async -> Response? {
  var headers: HTTPHeaders = ["Content-Type": "application/json"]
  if let authorization { headers["Authorization"] = authorization }
  guard let request = try? Request(method, path, headers: headers, body: Array("{}".utf8)) else { return nil }
  // What throws was let in: there are no brokers and no database here.
  return try? await router.respond(to: request)
}

@Suite("Token of ingest") struct TokenTests {
  @Test("It lets events in, and nothing else that only some may do")
  func everyRoute() async throws {
    let router = try routes()
    let guarded = router.registered.filter { !$0.isImmediate && $0.need?.word != "" }
    #expect(guarded.count > 20)
    for route in guarded {
      let path = route.pattern.replacing("{id}", with: "1").replacing("{name}", with: "shop")
      let without = try #require(await answer(router, route.method, path), "\(route) went past the token")
      #expect(without.status.rawValue == 401, "\(route)")
      #expect(without.headers["WWW-Authenticate"] == #"Bearer realm="clientele""#)
      #expect(without.headers["Content-Type"] == "application/problem+json")
      let body = try JSONValue(without.bytes ?? [])
      #expect(body["status"]?.int64Value == 401 && body["detail"]?.stringValue?.isEmpty == false)
      let status = await answer(router, route.method, path, "Bearer " + secret)?.status.rawValue
      #expect((status == 403) == (path != "/v1/events"), "\(route): \(status ?? 0)")
    }
  }

  @Test(
    "Only the whole token counts",
    arguments: ["", "Basic " + secret, "Bearer", "Bearer ", "Bearer " + secret.dropLast(), "Bearer " + secret + "x", secret])
  func wrong(_ authorization: String) async throws {
    let response = try #require(await answer(try routes(), .post, "/v1/events", authorization))
    #expect(response.status.rawValue == 401)
    if authorization.hasPrefix("Bearer") { #expect(response.headers["WWW-Authenticate"]?.contains(#"error="invalid_token""#) == true) }
  }

  @Test("With the token, in any writing of the scheme, a request is let through", arguments: ["Bearer ", "bearer ", "BEARER  "])
  func right(_ scheme: String) async throws {
    // Past the token stands a service without brokers.
    let response = try #require(await answer(try routes(), .post, "/v1/events", scheme + secret))
    #expect(response.status.rawValue == 503)
  }

  @Test("Where access is off everybody may do everything")
  func open() async throws {
    #expect(await answer(try routes(["CLIENTELE_ACCESS": "off"]), .post, "/v1/events")?.status.rawValue == 503)
  }

  @Test("A token that is short or cannot stand in a header is refused at the start", arguments: ["short", "has a blank in it, and more", "ümlaute-sind-nichts"])
  func refused(_ text: String) {
    let failure = #expect(throws: SettingFaults.self) { _ = try routes(["CLIENTELE_TOKEN_KEY": key, "CLIENTELE_INGEST_TOKEN": text]) }
    #expect(failure?.faults.map(\.setting) == ["CLIENTELE_INGEST_TOKEN"])
    let told = failure?.description ?? text
    #expect(!told.contains(text))
  }

  @Test("A service into which nobody could get, or everybody from elsewhere, does not start and says so", arguments: [
    ([:], "127.0.0.1"), (["CLIENTELE_INGEST_TOKEN": secret], "127.0.0.1"), (["CLIENTELE_ACCESS": "off"], "0.0.0.0"),
  ])
  func closed(_ settings: [String: String], _ host: String) async throws {
    let environment = base.merging(settings) { $1 }.merging(["HTTP_HOST": host]) { $1 }
    for words in [["serve"], ["check-config"]] {
      let ran = try await Runner.run("ingest", words, environment: environment)
      #expect(ran.status != 0 && ran.errors.contains("access: ") && ran.errors.contains(host == "0.0.0.0" ? host : "CLIENTELE_TOKEN_KEY"), "\(ran.both)")
      #expect(!ran.both.contains(secret))
    }
  }

  @Test("A start with access off says so in the log; one with a key does not")
  func warned() async throws {
    for (settings, isWarned) in [(["CLIENTELE_ACCESS": "off"], true), (["CLIENTELE_TOKEN_KEY": key, "CLIENTELE_INGEST_TOKEN": secret], false)] {
      try await Runner.withFolder { folder in
        let environment = base.merging(settings) { $1 }.merging(["HTTP_PORT": "0", "HTTP_PORT_FILE": folder + "/port"]) { $1 }
        let log = try await Service.log("ingest", environment, folder: folder) { $0.contains("waiting for a dependency") }
        #expect(log.contains("access is off") == isWarned, "\(log)")
        #expect(!log.contains(secret) && !log.contains(key))
      }
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
