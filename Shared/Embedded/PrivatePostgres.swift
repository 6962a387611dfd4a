// A PostgreSQL of one's own: made from the machine's programs in a private folder, reachable from this machine only.
import Glibc
import Synchronization

/// A running private PostgreSQL server. Made once per folder, started again on the same folder later; durable unless `fast`.
///
/// The folder holds `data`, `socket`, `postgres.log` and `password` (of the superuser, for TCP). One program at a time may use it.
public final class PrivatePostgres: Sendable {
  /// How the server is run.
  public struct Options: Sendable {
    /// For tests: no waiting for the disk. A crash of the machine may then lose the data.
    public var isFast = false
    /// Whether the server ends with this process, however that ends.
    public var isTied = true
    /// Port on 127.0.0.1; nil takes a free one.
    public var port: Int?
    /// Further server settings, as in `postgresql.conf`.
    public var settings: [String: String] = [:]

    public init() {}
  }

  /// Time for making the database files, and for the server to take connections (recovery included).
  public static let initLimit: Duration = .seconds(60)
  public static let startLimit: Duration = .seconds(60)
  /// Time for a clean stop; then the server is killed and recovers at its next start.
  public static let stopLimit: Duration = .seconds(20)
  static let startAttemptsMax = 5

  /// Name of the superuser.
  public static let user = "clientele"

  public let folder: String
  public let port: Int
  /// The server's process.
  public var pid: Int32 { process.pid }

  private let socketFolder: String
  private let password: String
  private let programs: PostgresPrograms
  private let process: HelperProcess
  private let lock: FolderLock

  private init(
    _ folder: PostgresFolder, _ port: Int, _ password: String, _ programs: PostgresPrograms, _ process: HelperProcess, _ lock: FolderLock
  ) {
    self.folder = folder.root
    socketFolder = folder.socket
    self.port = port
    self.password = password
    self.programs = programs
    self.process = process
    self.lock = lock
  }

  /// Whether this machine has PostgreSQL's server programs.
  public static var isAvailable: Bool { PostgresPrograms.find(version: nil) != nil }

  /// The address over TCP, with the superuser's password. Database names are plain words here.
  public func url(database: String = "postgres") -> String {
    "postgres://\(Self.user):\(password)@127.0.0.1:\(port)/\(database)?sslmode=disable&gssencmode=disable"
  }

  /// The address over the private socket; only this account and root can open it.
  public func socketURL(database: String = "postgres") -> String {
    let host = socketFolder.utf8.map { byte in
      let isPlain = (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == 45 || byte == 95
      return isPlain ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }.joined()
    return "postgres:///\(database)?host=\(host)&port=\(port)&user=\(Self.user)"
  }

  /// Makes the folder's database when it is new, starts the server and returns once it takes connections.
  ///
  /// - Parameter folder: created when absent. Run by root, the server uses the account `postgres` or `nobody`, which must be able to
  ///   enter the folders above.
  public static func start(folder path: String, options: Options = Options()) async throws(HelperFailure) -> PrivatePostgres {
    let (account, folder, lock, programs, password) = try await make(path, options)
    try await folder.clearStaleLock()
    folder.limitLog()
    var failure = HelperFailure("PostgreSQL was not started")
    for _ in 0..<startAttemptsMax {
      guard let port = options.port ?? freePort() else { throw HelperFailure("no free port on 127.0.0.1") }
      do throws(HelperFailure) {
        let process = try await launch(folder, programs, account, port, options)
        return PrivatePostgres(folder, port, password, programs, process, lock)
      } catch {
        // Another program may have taken the port, or processes of a killed server may still be letting go.
        failure = error
        try? await Task.sleep(for: .milliseconds(300))
        if Task.isCancelled { break }
      }
    }
    throw failure
  }

  /// Makes the folder's database when it is new, and starts nothing.
  public static func prepare(folder path: String, options: Options = Options()) async throws(HelperFailure) {
    _ = try await make(path, options)
  }

  private typealias Made = (ServerAccount, PostgresFolder, FolderLock, PostgresPrograms, password: String)

  private static func make(_ path: String, _ options: Options) async throws(HelperFailure) -> Made {
    let account = try ServerAccount.choose()
    let folder = try PostgresFolder(path, account)
    let lock = try FolderLock(folder.lock)
    guard let programs = PostgresPrograms.find(version: folder.version) else {
      let version = folder.version.map { " \($0), which made \(folder.data)," } ?? ""
      throw HelperFailure("PostgreSQL\(version) is not installed; on Debian: apt-get install postgresql")
    }
    let password = try folder.keepPassword()
    if folder.version == nil { try await folder.makeDatabase(programs, account, password, isFast: options.isFast) }
    return (account, folder, lock, programs, password)
  }

  /// Stops the server cleanly: sessions are ended, everything is written. Calling it again does nothing.
  public func stop() async {
    await process.stop(signal: SIGINT, within: Self.stopLimit)
    lock.release()
  }

  /// Kills the server as a power cut would (for tests of recovery).
  public func kill() async {
    process.terminate(SIGKILL)
    _ = await process.waitForExit(within: Self.stopLimit)
    lock.release()
  }

  /// Creates a database if it is not there yet.
  public func createDatabase(_ name: String) async throws(HelperFailure) {
    guard !name.isEmpty, name.utf8.allSatisfy({ (97...122).contains($0) || (48...57).contains($0) || $0 == 95 }) else {
      throw HelperFailure("a database name here is made of a to z, 0 to 9 and _")
    }
    let connection = ["-h", socketFolder, "-p", String(port), "-U", Self.user]
    let ask = connection + ["-X", "-A", "-t", "-d", "postgres", "-c", "SELECT count(*) FROM pg_database WHERE datname = '\(name)'"]
    if try await programs.run("psql", ask) == "1" { return }
    _ = try await programs.run("createdb", connection + [name])
  }

  private static func launch(
    _ folder: PostgresFolder, _ programs: PostgresPrograms, _ account: ServerAccount, _ port: Int, _ options: Options
  ) async throws(HelperFailure) -> HelperProcess {
    var settings = [
      "listen_addresses": "127.0.0.1", "port": String(port), "unix_socket_directories": folder.socket,
      "unix_socket_permissions": "0700", "max_connections": "200", "deadlock_timeout": "200ms", "timezone": "UTC",
      "log_timezone": "UTC", "jit": "off", "client_connection_check_interval": "5s", "log_min_messages": "warning",
      "password_encryption": "scram-sha-256", "log_checkpoints": "off",
      // No detail lines: they repeat rows.
      "log_error_verbosity": "terse",
    ]
    if options.isFast { settings.merge(["fsync": "off", "full_page_writes": "off"]) { $1 } }
    settings.merge(options.settings) { $1 }
    var arguments = ["-D", folder.data]
    for (name, value) in settings.sorted(by: { $0.key < $1.key }) { arguments += ["-c", "\(name)=\(value)"] }
    let launch = try account.launch(
      programs.path("postgres"), arguments, log: folder.log, isTied: options.isTied, endSignal: "INT", directory: folder.data)
    let process = try await HelperProcess.start(launch)
    let end = ContinuousClock.now + startLimit
    while ContinuousClock.now < end {
      if folder.isReady(process.pid) { return process }
      if await process.waitForExit(within: .milliseconds(20)) != nil {
        throw HelperFailure("PostgreSQL ended at once; the end of \(folder.log): \(folder.logTail())")
      }
      if Task.isCancelled { break }
    }
    await process.stop(signal: SIGINT, within: stopLimit)
    throw HelperFailure("PostgreSQL did not take connections within \(startLimit); see \(folder.log)")
  }

  /// A port of 127.0.0.1 that is free at this moment.
  static func freePort() -> Int? {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
      }
    }
    return isBound ? Int(UInt16(bigEndian: address.sin_port)) : nil
  }
}

/// The account under which the server runs: PostgreSQL refuses to run as root.
struct ServerAccount: Sendable {
  /// nil: the account of this process.
  let other: (uid: UInt32, gid: UInt32)?
  /// util-linux's `setpriv`, which changes account and sets the signal of the parent's end; may be absent when not root.
  let setpriv: String?

  static func choose() throws(HelperFailure) -> ServerAccount {
    let setpriv = Executables.onPath("setpriv")
    guard geteuid() == 0 else { return ServerAccount(other: nil, setpriv: setpriv) }
    guard let setpriv else {
      throw HelperFailure("PostgreSQL does not run as root, and setpriv (util-linux) is not installed; run as another user")
    }
    guard let account = find("postgres") ?? find("nobody") else {
      throw HelperFailure("PostgreSQL does not run as root, and there is no account postgres or nobody; run as another user")
    }
    return ServerAccount(other: account, setpriv: setpriv)
  }

  private static func find(_ name: String) -> (uid: UInt32, gid: UInt32)? {
    var entry = passwd()
    var found: UnsafeMutablePointer<passwd>?
    var buffer = [CChar](repeating: 0, count: 16_384)
    guard getpwnam_r(name, &entry, &buffer, buffer.count, &found) == 0, found != nil, entry.pw_uid != 0 else { return nil }
    return (entry.pw_uid, entry.pw_gid)
  }

  func own(_ path: String) throws(HelperFailure) {
    guard let other else { return }
    guard chown(path, other.uid, other.gid) == 0 else { throw HelperFailure("\(path) cannot be given away: \(systemText(errno))") }
  }

  /// The start of a program under this account. The kernel forgets the parent-death signal when the account changes, so `setpriv`
  /// sets it anew; a signal that ends the server cleanly is better than the usual kill anyway.
  func launch(
    _ program: String, _ arguments: [String], log: String, isTied: Bool, endSignal: String, directory: String
  ) throws(HelperFailure) -> HelperProcess.Launch {
    var launch = HelperProcess.Launch(executable: program, arguments: arguments)
    if let setpriv {
      var words = ["--no-new-privs"]
      if let other { words += ["--reuid=\(other.uid)", "--regid=\(other.gid)", "--clear-groups", "--inh-caps=-all"] }
      if isTied { words += ["--pdeathsig", endSignal] }
      launch.executable = setpriv
      launch.arguments = words + ["--", program] + arguments
    }
    launch.environment = ["PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"]
    launch.directory = directory
    launch.standardOutput = .file(path: log)
    launch.standardError = .file(path: log)
    launch.tied = isTied
    return launch
  }
}

/// Where PostgreSQL's programs are.
struct PostgresPrograms: Sendable {
  let folder: String

  /// The folder with `initdb` and `postgres`, of the given major version or the newest.
  static func find(version: Int?) -> PostgresPrograms? {
    var candidates: [(version: Int?, folder: String)] = []
    for root in ["/usr/lib/postgresql", "/usr/pgsql-"] {
      if root.hasSuffix("-") {
        for number in (14...30).reversed() { candidates.append((number, "\(root)\(number)/bin")) }
      } else {
        let numbers = names(in: root).compactMap { Int($0) }.sorted(by: >)
        candidates += numbers.map { ($0, "\(root)/\($0)/bin") }
      }
    }
    if let found = Executables.onPath("postgres") { candidates.append((nil, String(found.dropLast("/postgres".count)))) }
    candidates.append((nil, "/usr/local/pgsql/bin"))
    for (known, folder) in candidates where version == nil || known == nil || known == version {
      let isComplete = ["initdb", "postgres"].allSatisfy { Executables.ifExecutable("\(folder)/\($0)") != nil }
      if isComplete { return PostgresPrograms(folder: folder) }
    }
    return nil
  }

  func path(_ name: String) -> String { "\(folder)/\(name)" }

  /// Runs a client program to its end and returns the first line it printed.
  func run(_ name: String, _ arguments: [String]) async throws(HelperFailure) -> String? {
    guard let program = Executables.ifExecutable(path(name)) ?? Executables.onPath(name) else {
      throw HelperFailure("\(name) is not installed; on Debian: apt-get install postgresql-client")
    }
    let process = try await HelperProcess.start(
      HelperProcess.Launch(
        executable: program, arguments: arguments, environment: ["PATH": "/usr/bin:/bin", "LC_ALL": "C"],
        standardOutput: .firstLine(thenFile: nil)))
    let status = await process.waitForExit(within: .seconds(30))
    if status == nil { process.terminate(SIGKILL) }
    guard status == 0 else { throw HelperFailure("\(name) failed with status \(status.map(String.init) ?? "none")") }
    return await process.firstLine(within: .seconds(1))
  }

  private static func names(in folder: String) -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      names.append(
        withUnsafePointer(to: &entry.pointee.d_name) { $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) } })
    }
    return names
  }
}

/// One program at a time uses a folder. The kernel drops the lock when the holder ends, however it ends.
final class FolderLock: Sendable {
  private let descriptor: Mutex<Int32>

  init(_ path: String) throws(HelperFailure) {
    let opened = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard opened >= 0 else { throw HelperFailure("\(path) cannot be opened: \(systemText(errno))") }
    guard flock(opened, LOCK_EX | LOCK_NB) == 0 else {
      close(opened)
      throw HelperFailure("\(path) is held: another program uses this folder")
    }
    descriptor = Mutex(opened)
  }

  deinit { release() }

  func release() {
    descriptor.withLock { descriptor in
      if descriptor >= 0 { close(descriptor) }
      descriptor = -1
    }
  }
}

/// The private folder and what is in it.
struct PostgresFolder: Sendable {
  let root: String
  let socket: String
  var data: String { root + "/data" }
  var log: String { root + "/postgres.log" }
  var lock: String { root + "/lock" }
  private var passwordFile: String { root + "/password" }

  /// The kernel's limit for a socket's path is 107 bytes, name and port included.
  private static let socketFolderBytesMax = 85

  init(_ path: String, _ account: ServerAccount) throws(HelperFailure) {
    root = try Self.absolute(path)
    let own = root + "/socket"
    socket = own.utf8.count <= Self.socketFolderBytesMax ? own : "/tmp/clientele-\(Self.fingerprint(root))"
    // Others may pass through, to reach what is theirs, but not look.
    try Self.make(root, 0o711)
    try Self.make(socket, 0o700)
    try account.own(socket)
  }

  /// The major version that made the database; nil when there is none yet.
  var version: Int? {
    readWholeFile(data + "/PG_VERSION", bytesMax: 16).flatMap { Int(String(decoding: $0.prefix { $0 >= 48 && $0 <= 57 }, as: UTF8.self)) }
  }

  /// The superuser's password, made with the folder and kept beside the data.
  func keepPassword() throws(HelperFailure) -> String {
    if let kept = readWholeFile(passwordFile, bytesMax: 200), kept.count >= 32 { return String(decoding: kept.prefix(32), as: UTF8.self) }
    if version != nil { throw HelperFailure("\(passwordFile) is missing; remove \(root) to begin anew") }
    var random = SystemRandomNumberGenerator()
    let digits = Array("0123456789abcdef".utf8)
    let password = String(decoding: (0..<32).map { _ in digits[Int(random.next() & 15)] }, as: UTF8.self)
    try Self.write(password + "\n", passwordFile)
    return password
  }

  /// Runs initdb beside the final place and moves the result there, so that an interrupted one is never taken for a database.
  func makeDatabase(
    _ programs: PostgresPrograms, _ account: ServerAccount, _ password: String, isFast: Bool
  ) async throws(HelperFailure) {
    let new = root + "/data.new"
    let passwordCopy = root + "/password.new"
    try await remove(new)
    try Self.make(new, 0o700)
    try account.own(new)
    try Self.write(password + "\n", passwordCopy)
    defer { unlink(passwordCopy) }
    try account.own(passwordCopy)
    var arguments = [
      "-D", new, "-U", PrivatePostgres.user, "--pwfile=\(passwordCopy)", "--auth-local=trust", "--auth-host=scram-sha-256",
      "-E", "UTF8", "--locale=C.UTF-8",
    ]
    arguments.append(isFast ? "--no-sync" : "--data-checksums")
    let launch = try account.launch(programs.path("initdb"), arguments, log: log, isTied: true, endSignal: "KILL", directory: new)
    let process = try await HelperProcess.start(launch)
    let status = await process.waitForExit(within: PrivatePostgres.initLimit)
    if status == nil { process.terminate(SIGKILL) }
    guard status == 0 else {
      let advice = account.other == nil ? "" : " (the server's account must be able to enter the folders above \(root))"
      throw HelperFailure("initdb failed\(advice); the end of \(log): \(logTail())")
    }
    guard rename(new, data) == 0 else { throw HelperFailure("\(data) cannot be made: \(systemText(errno))") }
  }

  /// `postmaster.pid` of a server that was killed: removed when no such server lives, so that a process that got the same id
  /// does not stop us. A server that is just ending is waited for.
  func clearStaleLock() async throws(HelperFailure) {
    let file = data + "/postmaster.pid"
    let end = ContinuousClock.now + PrivatePostgres.stopLimit
    while let pid = serverPID() {
      guard isServer(pid) else {
        unlink(file)
        return
      }
      if ContinuousClock.now > end { throw HelperFailure("a PostgreSQL (process \(pid)) already runs in \(data); stop it first") }
      do { try await Task.sleep(for: .milliseconds(50)) } catch { throw HelperFailure("cancelled") }
    }
  }

  /// The server writes `ready` into the eighth line of its lock file when it takes connections.
  func isReady(_ pid: Int32) -> Bool {
    let lines = lockLines()
    return lines.count >= 8 && lines[0] == String(pid) && lines[7].hasPrefix("ready")
  }

  /// Keeps one former log beside the current one, so that neither grows without end.
  func limitLog() {
    var status = stat()
    if stat(log, &status) == 0, status.st_size > Self.logBytesMax { rename(log, log + ".old") }
  }

  private static let logBytesMax = 16 << 20

  /// The last lines of the server's log, for a failure's text.
  func logTail() -> String {
    guard let bytes = readWholeFile(log, bytesMax: 4 * Self.logBytesMax) else { return "(empty)" }
    return String(decoding: bytes.suffix(600), as: UTF8.self).split(whereSeparator: \.isNewline).joined(separator: " | ")
  }

  private func lockLines() -> [Substring] {
    guard let bytes = readWholeFile(data + "/postmaster.pid", bytesMax: 4_096) else { return [] }
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
  }

  private func serverPID() -> Int32? { lockLines().first.flatMap { Int32($0) } }

  /// Whether the process is a server on this very folder.
  private func isServer(_ pid: Int32) -> Bool {
    guard pid > 1, let line = readWholeFile("/proc/\(pid)/cmdline", bytesMax: 65_536) else { return false }
    let words = line.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    return words.first?.hasSuffix("postgres") == true && words.contains(data)
  }

  private func remove(_ path: String) async throws(HelperFailure) {
    guard access(path, F_OK) == 0, let program = Executables.onPath("rm") else { return }
    let process = try await HelperProcess.start(HelperProcess.Launch(executable: program, arguments: ["-rf", "--", path]))
    guard await process.waitForExit(within: .seconds(30)) == 0 else { throw HelperFailure("\(path) cannot be removed") }
  }

  private static func absolute(_ path: String) throws(HelperFailure) -> String {
    if path.hasPrefix("/") { return path }
    guard let folder = getcwd(nil, 0) else { throw HelperFailure("the current folder is gone: \(systemText(errno))") }
    defer { free(folder) }
    return String(cString: folder) + "/" + path
  }

  /// The folder and those above it.
  private static func make(_ path: String, _ mode: mode_t) throws(HelperFailure) {
    var place = ""
    let parts = path.split(separator: "/")
    for (index, part) in parts.enumerated() {
      place += "/" + part
      let isLast = index == parts.count - 1
      if mkdir(place, isLast ? mode : 0o755) != 0, errno != EEXIST { throw HelperFailure("\(place) cannot be made: \(systemText(errno))") }
      // Whatever the umask took away.
      if isLast { chmod(place, mode) }
    }
  }

  private static func write(_ text: String, _ path: String) throws(HelperFailure) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw HelperFailure("\(path) cannot be written: \(systemText(errno))") }
    defer { close(descriptor) }
    let bytes = Array(text.utf8)
    guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
      throw HelperFailure("\(path) cannot be written: \(systemText(errno))")
    }
  }

  /// FNV-1a, in hexadecimal: a short name for a long path.
  private static func fingerprint(_ text: String) -> String {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return String(hash, radix: 16)
  }
}
