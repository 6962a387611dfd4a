// docker-compose.yml, Dockerfile and .env.example against the code: every name in them is one that exists.
import Contracts
import Embedded
import Glibc
import Runtime
import Testing

@testable import ingest
@testable import profile
@testable import tickets
@testable import connector
@testable import console
@testable import feedback
@testable import tiering

private let compose = Executables.onPath("docker-compose")
private let whyNot: Comment = "needs docker-compose (deploy/setup/install --tests)"

/// The compose file as lines, cut up by its sections.
private struct ComposeFile {
  let lines: [String]

  init() throws { lines = try Checkout.lines("docker-compose.yml").filter { !Words.trimmed($0).hasPrefix("#") } }

  /// The lines under a key at this depth, up to the next key that is no deeper.
  func section(_ key: String, indent: Int) -> [String] {
    let blanks = String(repeating: " ", count: indent)
    guard let start = lines.firstIndex(where: { $0.hasPrefix("\(blanks)\(key):") }) else { return [] }
    return Array(lines[(start + 1)...].prefix { line in line.isEmpty || line.hasPrefix(blanks + " ") })
  }

  /// The services with their lines.
  var services: [(name: String, lines: [String])] {
    section("services", indent: 0).compactMap { line in
      guard line.hasPrefix("  "), !line.hasPrefix("   "), line.hasSuffix(":") else { return nil }
      let name = String(Words.trimmed(line).dropLast())
      return (name, section(name, indent: 2))
    }
  }

  /// Variables given to the suite's own programs.
  var variables: Set<String> {
    let names = ["x-kafka", "x-access", "x-common", "x-ingest", "x-profile", "x-tiering", "x-tickets", "x-feedback", "x-connector", "x-console"]
    let common = names.flatMap { section($0, indent: 0) }
    let tool = services.first { $0.name == "clientele" }?.lines ?? []
    return Set((common + tool).compactMap { line in
      let name = Words.trimmed(line).prefix { $0 != ":" }
      return name.count > 3 && name.allSatisfy { $0.isUppercase || $0 == "_" || $0.isNumber } ? String(name) : nil
    })
  }

  /// `${NAME}`, `${NAME:-default}`, `${NAME:?message}`: names with what stands behind `:-`, nil where nothing does.
  var interpolations: [(name: String, standard: String?)] {
    lines.flatMap { line in
      line.components(separatedBy: "${").dropFirst().map { rest in
        let inner = rest.prefix { $0 != "}" }
        let name = inner.prefix { $0.isLetter || $0 == "_" || $0.isNumber }
        let tail = inner.dropFirst(name.count)
        return (String(name), tail.hasPrefix(":-") ? String(tail.dropFirst(2)) : nil)
      }
    }
  }
}

extension String {
  fileprivate func components(separatedBy mark: String) -> [String] {
    var parts: [String] = []
    var rest = self[...]
    while let range = rest.firstRange(of: mark) {
      parts.append(String(rest[..<range.lowerBound]))
      rest = rest[range.upperBound...]
    }
    return parts + [String(rest)]
  }
}

/// The variables that the programs read.
private var knownVariables: Set<String> {
  let settings = CommonSettings.all + IngestSettings.all + ProfileSettings.all + TieringSettings.all + TicketsSettings.all + FeedbackSettings.all
    + ConnectorSettings.all + ConsoleSettings.all
  let services = ["ingest", "profile", "tiering", "tickets", "feedback", "connector", "console"]
  return Set(settings.map(\.variable)).union(services.map { "CLIENTELE_\($0.uppercased())_URL" })
}

/// `.env.example` as names and values.
private func example() throws -> [String: String] {
  var values: [String: String] = [:]
  for line in try Checkout.lines(".env.example") where !line.hasPrefix("#") && !line.isEmpty {
    let sign = try #require(line.firstIndex(of: "="), "\(line)")
    let name = String(line[..<sign])
    #expect(values[name] == nil, "\(name) is there twice")
    values[name] = String(line[line.index(after: sign)...])
  }
  return values
}

@Suite("Compose file") struct ComposeTests {
  /// Names that compose itself reads.
  private static let composesOwn: Set = ["COMPOSE_PROJECT_NAME"]

  @Test("Compose takes it, with every profile and without", .enabled(if: compose != nil, whyNot), arguments: [[], ["observe"], ["observe", "tools"]])
  func accepted(_ profiles: [String]) async throws {
    try await Runner.withFolder { folder in
      try Runner.write(folder + "/env", try await Runner.done(Checkout.root + "/deploy/compose/new-env", []))
      let words = ["--project-directory", Checkout.root, "-f", Checkout.root + "/docker-compose.yml", "--env-file", folder + "/env"]
      let ran = try await Runner.run(compose ?? "", words + profiles.flatMap { ["--profile", $0] } + ["config"])
      #expect(ran.status == 0, "\(ran.errors)")
      #expect(ran.output.contains("clientele topics create") || ran.output.contains("- topics"))
      let services = try await Runner.done(compose ?? "", words + profiles.flatMap { ["--profile", $0] } + ["config", "--services"])
      let found = Set(services.split(separator: "\n").map(String.init))
      #expect(found.isSuperset(of: ["kafka", "postgres", "roles", "topics", "ingest", "profile", "tiering", "tickets", "feedback", "connector", "console"]))
    }
  }

  @Test("Without passwords it is refused, and says which one is missing", .enabled(if: compose != nil, whyNot))
  func refused() async throws {
    let words = ["--project-directory", Checkout.root, "-f", Checkout.root + "/docker-compose.yml", "--env-file", Checkout.root + "/.env.example", "config"]
    let ran = try await Runner.run(compose ?? "", words)
    #expect(ran.status != 0)
    let required = try ComposeFile().lines.filter { $0.contains(":?") }
    #expect(required.contains { line in Words.between("?", "}", in: line).contains { ran.errors.contains($0) } }, "\(ran.errors)")
  }

  @Test("Nothing in it is too new for Compose 1.29")
  func old() throws {
    let file = try ComposeFile()
    #expect(!file.lines.contains { $0.hasPrefix("version:") || $0.hasPrefix("name:") || $0.hasPrefix("include:") || $0.hasPrefix("configs:") })
    #expect(!file.lines.contains { $0.contains("start_interval") || $0.contains("required:") || $0.contains("pull_policy") })
  }

  @Test("Every variable that it gives to a program is one that the program reads")
  func variables() throws {
    let given = try ComposeFile().variables
    #expect(given.count > 20)
    #expect(given.subtracting(knownVariables).isEmpty, "\(given.subtracting(knownVariables).sorted())")
  }

  @Test("Every setting of the services is in it, or is one that has no use in a container")
  func complete() throws {
    let all = CommonSettings.all + IngestSettings.all + ProfileSettings.all + TieringSettings.all + TicketsSettings.all + FeedbackSettings.all
    + ConnectorSettings.all
    let settings = Set(all.map(\.variable))
    let elsewhere: Set = [
      // The container's own name; the fixed port; the broker of `clientele up`; mutual TLS and own rule files need files: docs/deploy.md shows an override.
      // Access is off on one machine only, and containers are reached from others.
      "CLIENTELE_ACCESS",
      "HOSTNAME", "HTTP_PORT_FILE", "CLIENTELE_KAFKA_KIND", "KAFKA_CERTIFICATE_FILE", "KAFKA_KEY_FILE", "KAFKA_KEY_PASSWORD", "TIERING_SCORECARD_FILE",
      "TIERING_POLICIES_FILE", "TIERING_BENEFITS_FILE", "IDENTITY_RULES_FILE", "TAGS_FILE", "TICKETS_STANDARDS_FILE", "TICKETS_CALENDARS_FILE",
      "TICKETS_POLICIES_FILE", "FEEDBACK_POLICIES_FILE", "FEEDBACK_SURVEY_FILES", "FEEDBACK_COMMENTS_FILE", "FEEDBACK_ASKING_FILE",
      "CONNECTOR_CA_FILE", "CONNECTOR_MESSAGES_FILE", "TICKETS_DESK_FILE", "TICKETS_STAFF_FILE", "TICKETS_ON_CALL_FILES",
    ]
    let missing = settings.subtracting(try ComposeFile().variables).subtracting(elsewhere)
    #expect(missing.isEmpty, "\(missing.sorted())")
    #expect(elsewhere.isSubset(of: settings))
  }

  @Test("Every variable of .env.example is used, every used one is in it, with the same default")
  func examples() throws {
    let example = try example()
    let used = try ComposeFile().interpolations
    let names = Set(used.map(\.name))
    #expect(names.subtracting(example.keys).isEmpty, "not in .env.example: \(names.subtracting(example.keys).sorted())")
    let unused = Set(example.keys).subtracting(names).subtracting(ComposeTests.composesOwn)
    #expect(unused.isEmpty, "in .env.example only: \(unused.sorted())")
    for (name, standard) in used {
      guard let standard else { continue }
      #expect(example[name] == standard, "\(name): .env.example says \(example[name] ?? "nothing"), docker-compose.yml \(standard)")
    }
  }

  @Test("docs/deploy.md explains every variable of .env.example and of the services, and no other")
  func documented() throws {
    let page = try Checkout.text("docs/deploy.md")
    let rows = page.split(separator: "\n").filter { $0.hasPrefix("| `") }
    let names = rows.flatMap { row in Words.between("`", "`", in: row.split(separator: "|").first ?? "") }
    let explained = Set(names.filter { $0.allSatisfy { $0.isUppercase || $0 == "_" } })
    let example = Set(try example().keys)
    #expect(explained == example, "\(explained.symmetricDifference(example).sorted())")
    let settings = CommonSettings.all + IngestSettings.all + ProfileSettings.all + TieringSettings.all + TicketsSettings.all + FeedbackSettings.all
    + ConnectorSettings.all + ConsoleSettings.all
    for setting in settings where setting.isSecret && setting.name != "database-url" {
      #expect(page.contains("`\(setting.fileVariable)`"), "\(setting.fileVariable)")
    }
  }

  @Test("What new-env prints lacks no secret and passes the services' own checks")
  func newSecrets() async throws {
    let text = try await Runner.done(Checkout.root + "/deploy/compose/new-env", [])
    var values: [String: String] = [:]
    for line in text.split(separator: "\n") where !line.hasPrefix("#") {
      values[String(line.prefix { $0 != "=" })] = String(line.drop { $0 != "=" }.dropFirst())
    }
    for name in ["POSTGRES", "INGEST_DB", "PROFILE_DB", "TIERING_DB"] { #expect((values[name + "_PASSWORD"] ?? "").count >= 32) }
    #expect(Set(values.filter { $0.key.hasSuffix("PASSWORD") && !$0.value.isEmpty }.values).count >= 4, "no two are the same")
    #expect((values["KAFKA_CLUSTER_ID"] ?? "").count == 22)
    let ran = try await Runner.run(
      "ingest", ["check-config"],
      environment: [
        "DATABASE_URL": "postgres://ingest@postgres/clientele", "DATABASE_PASSWORD": values["INGEST_DB_PASSWORD"] ?? "", "KAFKA_BROKERS": "kafka:9092",
        "CLIENTELE_PSEUDONYM_KEY": values["CLIENTELE_PSEUDONYM_KEY"] ?? "", "CLIENTELE_INGEST_TOKEN": values["CLIENTELE_INGEST_TOKEN"] ?? "",
        "CLIENTELE_TOKEN_KEY": values["CLIENTELE_TOKEN_KEY"] ?? "",
      ])
    #expect(ran.status == 0, "\(ran.both)")
  }

  @Test("Every program and subcommand that it starts exists")
  func commands() async throws {
    let programs = try Checkout.programs()
    var seen = 0
    for service in try ComposeFile().services {
      for line in service.lines where line.contains(" command: [") || line.contains(" test: [") {
        guard let list = Words.between("[", "]", in: line).first else { continue }
        var words = list.split(separator: ",").map { Words.trimmed($0).filter { $0 != "\"" } }
        if words.first == "CMD" { words.removeFirst() }
        guard let program = words.first, programs.contains(program) else { continue }
        let help = try await Runner.run(program, Array(words.dropFirst()) + ["--help"])
        let path = words.prefix { !$0.hasPrefix("-") }.joined(separator: " ")
        // A word that is no subcommand leads to the page of the command above it.
        #expect(help.status == 0 && help.output.contains("Usage: \(path)"), "\(words): \(help.both)")
        seen += 1
      }
    }
    #expect(seen >= 9, "three services with health checks, three migrations, the topics")
  }

  @Test("A service that can be scaled has no port of the host; only loopback is published")
  func ports() throws {
    let file = try ComposeFile()
    let port = try #require(CommonSettings.port.defaultText)
    for service in file.services {
      let published = service.lines.drop { !$0.contains("ports:") }.dropFirst().prefix { $0.contains("- \"") }
      if ["profile", "tiering", "tickets", "feedback", "connector"].contains(service.name) { #expect(published.isEmpty, "\(service.name)") }
      for line in published { #expect(line.contains("${PUBLISH_ADDRESS:-127.0.0.1}:"), "\(line)") }
      if service.name == "ingest" { #expect(published.contains { $0.hasSuffix(":\(port)\"") }, "\(published)") }
    }
    #expect(file.lines.contains { $0.contains("HTTP_PORT: \"\(port)\"") })
    #expect(try Checkout.text("deploy/Dockerfile").contains("EXPOSE \(port)\n"))
    for url in file.lines where url.contains("_URL: http://") { #expect(url.hasSuffix(":\(port)")) }
  }

  @Test("Every container of the suite has no rights, no root to write to, limits, and a time to stop that the services keep")
  func hardening() throws {
    let file = try ComposeFile()
    let base = file.section("x-suite", indent: 0).joined(separator: "\n")
    for wanted in ["read_only: true", "cap_drop: [ALL]", "no-new-privileges:true", "user: \"10001:10001\""] { #expect(base.contains(wanted)) }
    for name in ["x-service", "x-job"] {
      let lines = file.section(name, indent: 0).joined(separator: "\n")
      #expect(lines.contains("<<: *suite") && lines.contains("limits:"), "\(name)")
    }
    #expect(file.section("x-service", indent: 0).contains { $0.contains("restart: unless-stopped") })
    for service in file.services where ["ingest", "profile", "tiering", "tickets", "feedback", "connector", "console"].contains(service.name) {
      #expect(service.lines.contains { $0.contains("<<: *service") } && service.lines.contains { $0.contains("healthcheck") }, "\(service.name)")
    }
  }
}

@Suite("Dockerfile") struct DockerfileTests {
  @Test("It puts every program of the manifest into the image, and nothing else")
  func programs() throws {
    let text = try Checkout.text("deploy/Dockerfile")
    let list = try #require(text.components(separatedBy: "for program in ").last?.prefix { $0 != ";" })
    #expect(Set(list.split(separator: " ").map(String.init)) == (try Checkout.programs()))
  }

  @Test("The libraries it builds with are those of the manifest, and each has its counterpart at run time")
  func libraries() throws {
    let manifest = try Checkout.lines("Package.swift").filter { $0.hasPrefix("  system(") }
    let needed = Set(manifest.compactMap { Words.between("\"", "\"", in: $0).last })
    let text = try Checkout.text("deploy/Dockerfile")
    let words = Set(text.split { " \\\n".contains($0) }.map(String.init))
    #expect(needed.count == 6 && needed.isSubset(of: words), "\(needed.subtracting(words))")
    // libcurl4-openssl-dev belongs to libcurl4, librdkafka-dev to librdkafka1.
    for package in needed {
      let stem = package.prefix { $0 != "-" }.prefix { !$0.isNumber }
      #expect(words.contains { $0.hasPrefix(stem) && !$0.hasSuffix("-dev") }, "\(package)")
    }
  }

  @Test("What is built into the programs is copied, and not kept out of the build")
  func resources() throws {
    let text = try Checkout.text("deploy/Dockerfile")
    let letThrough = try Checkout.lines(".dockerignore").filter { $0.hasPrefix("!") }.map { String($0.dropFirst()) }
    for path in Resources.paths {
      #expect(letThrough.contains { path.hasPrefix($0) }, "\(path) does not reach the build")
      #expect(text.components(separatedBy: "\nCOPY ").dropFirst().contains { path.hasPrefix($0.prefix { $0 != " " }) }, "\(path) is not copied")
    }
    for line in text.split(separator: "\n") where line.hasPrefix("COPY ") && !line.contains("--from") && !line.contains(" out/") {
      let source = line.dropFirst(5).prefix { $0 != " " }
      #expect(Checkout.exists(String(source)), "\(source)")
    }
  }

  @Test("The image runs as 10001, keeps names for backtraces, and the stage with programs from outside is the last")
  func image() throws {
    let lines = try Checkout.lines("deploy/Dockerfile")
    #expect(lines.contains("USER 10001:10001"))
    #expect(lines.contains { $0.contains("strip -g") } && !lines.contains { $0.contains("strip -s") })
    #expect(lines.last { $0.hasPrefix("FROM ") } == "FROM base AS prebuilt")
    let environment = lines.joined(separator: "\n").components(separatedBy: "ENV ").last?.prefix { $0 != "W" } ?? ""
    let settings = Set(CommonSettings.all.map(\.variable))
    for name in ["HTTP_HOST", "HTTP_PORT"] { #expect(environment.contains(name + "=") && settings.contains(name)) }
  }
}

@Suite("Health check") struct HealthCheckTests {
  @Test("Without a service it fails and says where it asked")
  func nobody() async throws {
    // Port 1 of the loopback is nobody's.
    let ran = try await Runner.run("profile", ["healthcheck"], environment: ["HTTP_HOST": "0.0.0.0", "HTTP_PORT": "1"])
    #expect(ran.status == 1 && ran.errors.contains("http://127.0.0.1:1/healthz does not answer"), "\(ran.both)")
  }

  @Test("It needs no other setting than the address, and says what is wrong with that")
  func settings() async throws {
    let ran = try await Runner.run("profile", ["healthcheck", "--ready"], environment: ["HTTP_PORT": "0"])
    #expect(ran.status == 1, "\(ran.status)")
    #expect(ran.errors.contains("HTTP_PORT_FILE"), "\(ran.both)")
  }
}
