// The private server: its folder outlives it, whatever ends it.
import Embedded
import Glibc
import Postgres
import TestSupport
import Testing

@Suite(.enabled(if: PrivatePostgres.isAvailable, "needs PostgreSQL's server programs"))
struct PrivatePostgresTests {
  private static func options(_ port: Int? = nil) -> PrivatePostgres.Options {
    var options = PrivatePostgres.Options()
    options.isFast = true
    options.port = port
    return options
  }

  private func execute(_ url: String, _ text: String) async throws {
    try await TestDatabase.blocking { try PostgresSession(PostgresSettings(url: url)).execute(text) }
  }

  private func count(_ url: String) async throws -> Int64 {
    try await TestDatabase.blocking { try PostgresSession(PostgresSettings(url: url)).query(sql("SELECT count(*) FROM t")).int64(0, 0) }
  }

  @Test func theDataOutlivesACleanStopAndAKill() async throws {
    try await TestDatabase.withServer { server in
      try await server.createDatabase("suite")
      try await server.createDatabase("suite")
      try await execute(server.socketURL(database: "suite"), "CREATE TABLE t (a int8); INSERT INTO t VALUES (1)")
      await server.stop()
      let second = try await PrivatePostgres.start(folder: server.folder, options: Self.options())
      try await execute(second.url(database: "suite"), "INSERT INTO t VALUES (2)")
      await second.kill()
      let third = try await PrivatePostgres.start(folder: server.folder, options: Self.options())
      #expect(try await count(third.url(database: "suite")) == 2)
      await third.stop()
    }
  }

  @Test(.enabled(if: TestDatabase.isPrivate, "needs a private server"))
  func aFolderIsUsedByOneProgramAtATime() async throws {
    let server = try #require(try await TestDatabase.sharedServer())
    let thrown = await expectError(HelperFailure.self) {
      _ = try await PrivatePostgres.start(folder: server.folder, options: Self.options())
    }
    #expect(thrown?.description.contains("another program") == true)
  }

  @Test(.enabled(if: TestDatabase.isPrivate, "needs a private server"))
  func thePasswordIsAskedOverTCP() async throws {
    let server = try #require(try await TestDatabase.sharedServer())
    try await execute(server.url(), "SELECT 1")
    let url = "postgres://clientele@127.0.0.1:\(server.port)/postgres?sslmode=disable"
    let found = try await TestDatabase.blocking { failure { _ = try PostgresSession(PostgresSettings(url: url)) } }
    #expect(found?.kind == .unavailable || found?.kind == .configuration)
  }

  @Test func aLockFileWhoseProcessIsSomebodyElseDoesNotStopTheStart() async throws {
    try await TestDatabase.withServerFolder { folder in
      let file = open(folder + "/data/postmaster.pid", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
      let text = Array("\(getpid())\n\(folder)/data\n".utf8)
      _ = write(file, text, text.count)
      close(file)
      let server = try await PrivatePostgres.start(folder: folder, options: Self.options())
      #expect(server.pid > 0)
      await server.stop()
    }
  }

  @Test func aServerThatCannotStartSaysWhy() async throws {
    try await TestDatabase.withServerFolder { folder in
      var options = Self.options()
      options.settings["shared_buffers"] = "nonsense"
      let wrong = options
      let thrown = await expectError(HelperFailure.self) { _ = try await PrivatePostgres.start(folder: folder, options: wrong) }
      #expect(thrown?.description.contains("shared_buffers") == true)
    }
  }

  @Test func theServerEndsWithAProcessThatWasKilled() async throws {
    let folder = "\(TestDatabase.temporaryFolder)/clientele-tied-\(getpid())"
    await #expect(processExitsWith: .signal(SIGKILL)) {
      var options = PrivatePostgres.Options()
      options.isFast = true
      // The child derives the same name: it is the test process's own child.
      let server = try await PrivatePostgres.start(folder: "\(TestDatabase.temporaryFolder)/clientele-tied-\(getppid())", options: options)
      _ = server.pid
      kill(getpid(), SIGKILL)
    }
    // Started anew on the same folder, it waits for the old one to be gone.
    let again = try await PrivatePostgres.start(folder: folder, options: Self.options())
    await again.stop()
    try await TestDatabase.removeFolder(folder)
  }
}
