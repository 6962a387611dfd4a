// The running service under twenty thousand requests that no server may take.
import Contracts
import Embedded
import Glibc
import Kafka
import Lifecycle
import Postgres
import TestSupport
import Testing
import Text

/// The `ingest` program over a private database and a broker, both of this test alone.
private struct RunningIngest: Sendable {
  let process: HelperProcess
  let port: UInt16
  let kafka: KafkaSettings

  static let isAvailable = Executables.beside("ingest") != nil && Executables.beside("broker") != nil && TestDatabase.isPrivate
  static let whyNot = "needs the built programs beside the tests, and PostgreSQL's server programs"
  static let startLimit = Duration.seconds(60)

  static func with(_ body: (RunningIngest) async throws -> Void) async throws {
    try await TestDatabase.withDatabase { database in
      let folder = "\(TestDatabase.temporaryFolder)/clientele-malformed-\(getpid())"
      guard mkdir(folder, 0o700) == 0 else { throw Surprise("\(folder) cannot be made") }
      try await TestKafka.with(topics: Topics.all.map { ($0.name, 2) }) { kafka in
        let running = try await start(database.database, kafka, folder)
        try await body(running)
        let status = await running.process.stop(within: .seconds(20))
        #expect(status == 0, "see \(folder)/ingest.log")
      }
      try await TestDatabase.removeFolder(folder)
    }
  }

  private static func start(_ database: String, _ kafka: KafkaSettings, _ folder: String) async throws -> RunningIngest {
    guard let program = Executables.beside("ingest"), let server = try await TestDatabase.sharedServer() else { throw Surprise(whyNot) }
    var environment = HelperProcess.currentEnvironment()
    environment["DATABASE_URL"] = server.socketURL(database: database)
    environment["KAFKA_BROKERS"] = kafka.brokers
    environment["CLIENTELE_KAFKA_KIND"] = kafka.isBuiltIn ? "built-in" : "kafka"
    environment["CLIENTELE_PSEUDONYM_KEY"] = "0123456789abcdef"
    environment["CLIENTELE_ACCESS"] = "off"
    environment["HTTP_HOST"] = "127.0.0.1"
    environment["HTTP_PORT"] = "0"
    environment["HTTP_PORT_FILE"] = folder + "/port"
    let log = HelperProcess.Output.file(path: folder + "/ingest.log")
    let migration = try await HelperProcess.start(
      .init(executable: program, arguments: ["migrate"], environment: environment, standardOutput: log, standardError: log))
    guard await migration.waitForExit(within: startLimit) == 0 else { throw Surprise("ingest migrate failed: see \(folder)/ingest.log") }
    let process = try await HelperProcess.start(
      .init(executable: program, arguments: ["serve"], environment: environment, standardOutput: log, standardError: log))
    let clock = ContinuousClock()
    let deadline = clock.now + startLimit
    while clock.now < deadline {
      if let text = try? readFile(folder + "/port"), let port = UInt16(text.prefix { $0 != "\n" }),
        try await ask(port, "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n") == [200] {
        return RunningIngest(process: process, port: port, kafka: kafka)
      }
      // Also the pause between two questions.
      if await process.waitForExit(within: .milliseconds(50)) != nil { break }
    }
    await process.stop(within: .seconds(5))
    throw Surprise("ingest was not ready: see \(folder)/ingest.log")
  }

  private static func readFile(_ path: String) throws -> String {
    guard let file = fopen(path, "r") else { throw Surprise("\(path) is not there") }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 64)
    let count = fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes.prefix(count), as: UTF8.self)
  }

  /// The status of every answer on a connection that carries this alone.
  static func ask(_ port: UInt16, _ request: String) async throws -> [Int] {
    try await OwnedThread.value(name: "test-ask") { RawExchange.answers(port, Array(request.utf8)).statuses }
  }

  func text(of path: String) async throws -> String {
    let port = port
    let request = Array("GET \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".utf8)
    return try await OwnedThread.value(name: "test-ask") { RawExchange.answers(port, request).text }
  }

  func records(_ topic: Topic) async throws -> Int {
    let settings = kafka
    return try await TestDatabase.blocking {
      let probe = try KafkaProbe(settings)
      defer { probe.close() }
      return try probe.readAll(topic.name).count
    }
  }
}

/// One connection: all bytes out, then everything that comes back. Blocks, with a limit.
struct RawExchange {
  static let secondsMax = 10
  var bytes: [UInt8] = []
  /// Whether the server ended the connection within the limit.
  var isEnded = false

  static func answers(_ port: UInt16, _ bytes: [UInt8]) -> RawExchange {
    let descriptor = open(port)
    guard descriptor >= 0 else { return RawExchange() }
    defer { close(descriptor) }
    send(descriptor, bytes)
    return receive(descriptor)
  }

  static func open(_ port: UInt16) -> Int32 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var limit = timeval(tv_sec: secondsMax, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let code = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
    guard code == 0 else {
      close(descriptor)
      return -1
    }
    return descriptor
  }

  static func send(_ descriptor: Int32, _ bytes: [UInt8]) {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress.map { $0 + sent }, $0.count - sent, Int32(MSG_NOSIGNAL)) }
      // The server may refuse the rest.
      if count <= 0 { break }
      sent += count
    }
  }

  /// Whether something came, or the end, within so many milliseconds.
  static func hasNews(_ descriptor: Int32, milliseconds: Int32) -> Bool {
    var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&wanted, 1, milliseconds) > 0
  }

  /// Goes away: an orderly end, or a reset.
  static func leave(_ descriptor: Int32, byReset: Bool) {
    if byReset {
      var immediate = linger(l_onoff: 1, l_linger: 0)
      setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &immediate, socklen_t(MemoryLayout<linger>.size))
    }
    close(descriptor)
  }

  static func receive(_ descriptor: Int32) -> RawExchange {
    var result = RawExchange()
    var room = [UInt8](repeating: 0, count: 16 << 10)
    while true {
      let count = recv(descriptor, &room, room.count, 0)
      if count < 0, errno == EAGAIN { break }
      guard count > 0 else {
        result.isEnded = true
        break
      }
      result.bytes += room.prefix(count)
      // Answered: from here on only the server's end is waited for.
      shutdown(descriptor, Int32(SHUT_WR))
    }
    return result
  }

  var text: String { String(decoding: bytes, as: UTF8.self) }

  /// The status of every answer in it, found by their status lines.
  var statuses: [Int] {
    var statuses: [Int] = []
    bytes.withUnsafeBytes { room in
      guard let base = room.baseAddress else { return }
      var start = 0
      while start < room.count, let found = memchr(base + start, Int32(UInt8(ascii: "H")), room.count - start) {
        start = UnsafeRawPointer(found) - base + 1
        guard room.count - start > 11, memcmp(found, "HTTP/1.", 7) == 0 else { continue }
        if let status = Int(String(decoding: room[(start + 8)..<(start + 11)], as: UTF8.self)) { statuses.append(status) }
      }
    }
    return statuses
  }
}

@Suite(.enabled(if: RunningIngest.isAvailable, Comment(rawValue: RunningIngest.whyNot)), .timeLimit(.minutes(5)))
struct MalformedRequestTests {
  static let requests = 20_000
  static let workers = 4
  /// Connections of one worker at the same time.
  static let connectionsAtOnce = 50
  /// For an answer to what may not be whole.
  static let patienceMilliseconds: Int32 = 1

  @Test("twenty thousand malformed requests are refused or cut off, nothing of them is stored, and the service serves on")
  func twentyThousand() async throws {
    try await RunningIngest.with { running in
      let port = running.port
      let surprises = try await withThrowingTaskGroup(of: [String].self) { group in
        for worker in 0..<Self.workers {
          group.addTask { try await OwnedThread.value(name: "test-malformed") { Self.flood(port, seed: UInt64(worker)) } }
        }
        var all: [String] = []
        for try await some in group { all += some }
        return all
      }
      #expect(surprises.isEmpty, "\(surprises.count), such as \(surprises.prefix(5).joined(separator: "\n"))")
      #expect(running.process.exitStatus == nil)
      #expect(try await RunningIngest.ask(port, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n") == [200])
      for topic in Topics.all { #expect(try await running.records(topic) == 0, "\(topic.name)") }
      for table in ["/v1/quarantine", "/v1/quarantine/counts", "/v1/sources", "/v1/mappings"] {
        let answer = try await running.text(of: table)
        #expect(answer.hasPrefix("HTTP/1.1 200") && answer.hasSuffix("[]"), "\(table): \(answer)")
      }
      let good = Malformed.request(body: Array(MalformedRequest.goodOrder.utf8))
      #expect(try await RunningIngest.ask(port, String(decoding: good, as: UTF8.self)) == [202])
      #expect(try await running.records(Topics.ordersIn) == 1)
    }
  }

  /// One worker's share; says what was not as it should be.
  private static func flood(_ port: UInt16, seed: UInt64) -> [String] {
    var chance = Chance(seed)
    var surprises: [String] = []
    for _ in 0..<requests / workers / connectionsAtOnce {
      let batch = (0..<connectionsAtOnce).map { _ in
        let request = MalformedRequest(&chance)
        return (request, RawExchange.open(port))
      }
      for (request, descriptor) in batch { RawExchange.send(descriptor, request.bytes) }
      // What is whole first: meanwhile the others have been read.
      for (request, descriptor) in batch where request.isWhole {
        if let problem = problem(request, RawExchange.receive(descriptor)) { surprises.append(text(problem, request)) }
      }
      // Some of these the server waits on, until a deadline of its own or until they go.
      for (request, descriptor) in batch where !request.isWhole && RawExchange.hasNews(descriptor, milliseconds: patienceMilliseconds) {
        if let problem = problem(request, RawExchange.receive(descriptor)) { surprises.append(text(problem, request)) }
      }
      for (_, descriptor) in batch { RawExchange.leave(descriptor, byReset: Bool.random(using: &chance)) }
    }
    return surprises
  }

  private static func text(_ problem: String, _ request: MalformedRequest) -> String {
    "\(request.kind): \(problem) to \(String(decoding: request.bytes.prefix(300), as: UTF8.self).debugDescription)"
  }

  private static func problem(_ request: MalformedRequest, _ exchange: RawExchange) -> String? {
    guard exchange.isEnded else { return "neither answer nor end" }
    let statuses = exchange.statuses
    let refusals = statuses.drop { $0 == 200 }
    guard statuses.count - refusals.count <= request.soundBefore else { return "taken: \(statuses)" }
    // 501 and 505: a coding or a version of HTTP that is not spoken here.
    guard refusals.allSatisfy({ (400..<500).contains($0) || $0 == 501 || $0 == 505 }) else { return "\(statuses)" }
    // Sound HTTP is told what is wrong with the rest.
    if request.kind == .body || request.kind == .route, refusals.isEmpty { return "no answer" }
    return nil
  }
}
