// deploy/roles/roles.sql on a real server: what each service's role may, and what PostgreSQL refuses it.
import Embedded
import Glibc
import Postgres
import Runtime
import TestSupport
import Testing

private let whyNot: Comment = "needs PostgreSQL's server programs and psql"
private let isPossible = TestDatabase.isPrivate && Executables.onPath("psql") != nil

private struct Roles {
  static let services = ["connector", "console", "feedback", "ingest", "profile", "tickets", "tiering"]
  let server: PrivatePostgres

  static func password(_ service: String) -> String { "secret-word-of-\(service)" }

  static func with(_ body: (Roles) async throws -> Void) async throws {
    try await TestDatabase.withServer { server in
      try await server.createDatabase("clientele")
      try await body(Roles(server: server))
    }
  }

  func apply(_ changes: [String: String] = [:]) async throws -> Ran {
    var environment: [String: String] = [:]
    for service in Roles.services { environment["\(service.uppercased())_DB_PASSWORD"] = Roles.password(service) }
    environment.merge(changes) { $1 }
    return try await Runner.run(
      "psql", ["--no-psqlrc", "--file=" + Checkout.root + "/deploy/roles/roles.sql", server.url(database: "clientele")], environment: environment)
  }

  func settings(_ service: String, database: String = "clientele") throws -> PostgresSettings {
    let url = "postgres://\(service):\(Roles.password(service))@127.0.0.1:\(server.port)/\(database)?sslmode=disable&gssencmode=disable"
    var settings = try PostgresSettings(url: url)
    settings.connectTimeoutSeconds = 30
    return settings
  }

  func query(_ sql: String, as service: String? = nil) async throws -> [[String]] {
    let settings = try service.map { try self.settings($0) } ?? PostgresSettings(url: server.url(database: "clientele"))
    return try await TestDatabase.blocking {
      let session = try PostgresSession(settings)
      defer { session.close() }
      let rows = try session.query(Statement(name: "", sql: sql))
      return try (0..<rows.count).map { row in try (0..<rows.columnCount).map { try rows.text(row, $0) } }
    }
  }

  /// The SQLSTATE and text with which the server refuses a statement; nil when it does not.
  func refusal(_ sql: String, as service: String, database: String = "clientele") async throws -> (state: String, text: String)? {
    let settings = try self.settings(service, database: database)
    return try await TestDatabase.blocking {
      do {
        let session = try PostgresSession(settings)
        defer { session.close() }
        try session.execute(sql)
        return nil
      } catch let failure as PostgresFailure { return (failure.sqlState, failure.message) }
    }
  }

  func migrate() async throws {
    for service in Roles.services {
      let settings = try self.settings(service)
      let applied = try await TestDatabase.blocking { try Migrations(schema: service, Resources.migrations(of: service)).apply(to: settings) }
      #expect(applied == Resources.migrations(of: service).map(\.name).sorted(), "\(service)")
    }
  }
}

@Suite("Roles", .enabled(if: isPossible, whyNot), .serialized) struct RolesTests {
  @Test("Applied twice it is the same, and every service's migrations run under its own role")
  func twice() async throws {
    try await Roles.with { roles in
      let state = """
        SELECT rolname || ' ' || rolsuper || rolcreatedb || rolcreaterole || rolreplication || rolbypassrls || rolinherit || rolcanlogin || rolconnlimit,
        array_to_string(rolconfig, ' ') FROM pg_roles WHERE rolname = ANY('{\(Roles.services.joined(separator: ","))}') ORDER BY rolname
        """
      for _ in 0..<2 {
        let ran = try await roles.apply()
        #expect(ran.status == 0 && ran.errors.isEmpty, "\(ran.both)")
        let found = try await roles.query(state)
        #expect(found.map { $0[0] } == Roles.services.map { "\($0) falsefalsefalsefalsefalsefalsetrue60" })
        for (service, row) in zip(Roles.services, found) {
          #expect(row[1].hasPrefix("search_path=\(service) statement_timeout=30s lock_timeout=5s idle_in_transaction_session_timeout=15s"), "\(row[1])")
        }
      }
      try await roles.migrate()
      #expect(try await roles.apply().status == 0, "also over tables that are there")
      for service in Roles.services {
        #expect(try await roles.query("SELECT count(*)::text FROM audit", as: service) == [["0"]], "the path leads to the own schema")
      }
    }
  }

  @Test("No service reads, writes or even names what is another's")
  func apart() async throws {
    try await Roles.with { roles in
      _ = try await roles.apply()
      try await roles.migrate()
      for service in Roles.services {
        for other in Roles.services where other != service {
          let tries = ["SELECT * FROM \(other).positions", "DELETE FROM \(other).outbox", "CREATE TABLE \(other).mine ()", "DROP SCHEMA \(other) CASCADE"]
          for sql in tries {
            let refusal = try #require(try await roles.refusal(sql, as: service), "\(service): \(sql)")
            #expect(refusal.state == "42501", "\(service): \(sql): \(refusal)")
          }
          #expect(try await roles.refusal("SET ROLE \(other)", as: service)?.state == "42501")
        }
      }
    }
  }

  @Test("A service has no right outside of its schema")
  func least() async throws {
    try await Roles.with { roles in
      _ = try await roles.apply()
      for sql in [
        "CREATE TABLE public.mine ()", "CREATE SCHEMA more", "CREATE TEMPORARY TABLE mine ()", "CREATE DATABASE more", "CREATE ROLE more",
        "ALTER ROLE ingest SUPERUSER", "ALTER ROLE ingest CONNECTION LIMIT 1000", "COPY (SELECT 1) TO '/tmp/mine'",
      ] {
        let refusal = try #require(try await roles.refusal(sql, as: "ingest"), "\(sql)")
        #expect(refusal.state == "42501", "\(sql): \(refusal)")
      }
      #expect(try await roles.query("SELECT has_schema_privilege('ingest', 'public', 'USAGE')::text") == [["false"]])
      let elsewhere = try #require(try await roles.refusal("SELECT 1", as: "ingest", database: "postgres"))
      #expect(elsewhere.text.contains("permission denied for database"), "\(elsewhere)")
      #expect(try await roles.refusal("CREATE TABLE mine ()", as: "ingest") == nil)
    }
  }

  @Test("On a server that others use too their databases stay as they are, and that is said")
  func shared() async throws {
    try await Roles.with { roles in
      try await roles.server.createDatabase("others")
      let ran = try await roles.apply()
      #expect(ran.status == 0 && ran.errors.contains("there are other databases on this server"), "\(ran.both)")
      #expect(try await roles.query("SELECT (datacl IS NULL)::text FROM pg_database WHERE datname = 'others'") == [["true"]])
    }
  }

  @Test("A right that was given by hand is gone after the next run; a new password counts")
  func again() async throws {
    try await Roles.with { roles in
      _ = try await roles.apply()
      try await roles.migrate()
      _ = try await roles.query("SELECT 1::text")
      for sql in [
        "ALTER ROLE ingest SUPERUSER", "GRANT profile TO ingest", "GRANT USAGE ON SCHEMA tiering TO ingest", "GRANT SELECT ON tiering.positions TO ingest",
      ] {
        try await TestDatabase.blocking { [settings = try PostgresSettings(url: roles.server.url(database: "clientele"))] in
          let session = try PostgresSession(settings)
          defer { session.close() }
          try session.execute(sql)
        }
      }
      #expect(try await roles.refusal("SELECT * FROM tiering.positions", as: "ingest") == nil, "the test's own grants count")
      let ran = try await roles.apply(["TIERING_DB_PASSWORD": "quite-another-word"])
      #expect(ran.status == 0, "\(ran.both)")
      #expect(try await roles.refusal("SELECT * FROM tiering.positions", as: "ingest")?.state == "42501")
      #expect(try await roles.refusal("SET ROLE profile", as: "ingest")?.state == "42501")
      #expect(try await roles.refusal("SELECT 1", as: "tiering")?.text.contains("password authentication failed") == true)
    }
  }

  @Test("A short password is refused by name, and no password is in the server's log or in psql's output")
  func secrets() async throws {
    try await Roles.with { roles in
      let short = try await roles.apply(["PROFILE_DB_PASSWORD": "tiny-word"])
      #expect(short.status != 0 && short.errors.contains("PROFILE_DB_PASSWORD must have at least 12 characters"), "\(short.both)")
      #expect(try await roles.query("SELECT count(*)::text FROM pg_roles WHERE rolname = 'ingest'") == [["0"]], "all or nothing")
      let missing = try await roles.apply(["PROFILE_DB_PASSWORD": ""])
      #expect(missing.status != 0)
      let right = try await roles.apply()
      let log = try Checkout.text(roles.server.folder + "/postgres.log")
      for text in [short.both, missing.both, right.both, log] {
        #expect(!text.contains("secret-word") && !text.contains("tiny-word"), "\(text)")
      }
    }
  }
}
