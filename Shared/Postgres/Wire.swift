// One libpq connection and all waiting on it. Everything that touches the C handle's socket is here.
import CPostgres
import Glibc
import Telemetry

/// A connection handle with its waiting loops. Non-blocking underneath, so that every wait has a limit, can be cancelled, and reads
/// while it writes (else client and server could wait for each other). Used by one thread at a time.
final class Wire {
  let connection: OpaquePointer
  /// Set when the conversation is out of step; such a wire is closed and never used again.
  private(set) var isBroken = false
  /// True while a statement that must not be cut off (a commit) is in hand.
  var isShielded = false

  private let canceller: OpaquePointer?
  private let bell: CancelHandle
  private let silenceMilliseconds: Int?
  private let notices: NoticeSink

  init(_ settings: PostgresSettings, _ server: PostgresSettings.Server, _ bell: CancelHandle, _ logger: Logger) throws(PostgresFailure) {
    let notices = NoticeSink(logger)
    let connection = try Self.open(settings, server, notices)
    self.connection = connection
    self.bell = bell
    self.notices = notices
    silenceMilliseconds = settings.silenceMilliseconds
    canceller = PQgetCancel(connection)
    // Messages of single statements are read field by field; only connecting needs the verbose form.
    PQsetErrorVerbosity(connection, PQERRORS_DEFAULT)
    PQsetnonblocking(connection, 1)
  }

  deinit {
    PQfreeCancel(canceller)
    PQfinish(connection)
  }

  var hasLostConnection: Bool { isBroken || PQstatus(connection) != CONNECTION_OK }

  /// Gives the connection up: whatever the server still says cannot be matched to what was asked.
  func markBroken() { isBroken = true }

  /// Between statements nothing should arrive but notices and the end.
  func isStillOpen() -> Bool {
    var waited = pollfd(fd: PQsocket(connection), events: Int16(POLLIN), revents: 0)
    if !hasLostConnection, poll(&waited, 1, 0) > 0 {
      // A server that shuts down says so before it closes; the word and the end are read in two steps.
      if PQconsumeInput(connection) == 0 || PQisBusy(connection) == 1 { markBroken() }
      _ = poll(&waited, 1, 0) > 0 && PQconsumeInput(connection) == 0
    }
    return !hasLostConnection
  }

  /// Sends all that is buffered, reading answers meanwhile.
  func flush() throws(PostgresFailure) {
    while true {
      let unsent = PQflush(connection)
      if unsent == 0 { return }
      // A failed write is not the whole story: the server may have said why before it closed. The caller reads on.
      if unsent < 0 { return }
      try wait(unsent: true)
    }
  }

  /// The next result of the conversation; nil at the end of a statement. The caller clears it.
  func nextResult() throws(PostgresFailure) -> OpaquePointer? {
    while PQisBusy(connection) == 1 {
      guard try wait(unsent: PQflush(connection) > 0) else { break }
    }
    return PQgetResult(connection)
  }

  /// The next row of a `COPY … TO STDOUT`; nil at its end.
  func nextCopiedRow() throws(PostgresFailure) -> (UnsafeMutablePointer<CChar>, Int)? {
    while true {
      var row: UnsafeMutablePointer<CChar>?
      let length = PQgetCopyData(connection, &row, 1)
      if length > 0, let row { return (row, Int(length)) }
      guard length == 0, try wait(unsent: false) else { return nil }
    }
  }

  /// Waits until something arrives or can be sent. False when the connection is gone; the next result then says why.
  @discardableResult
  private func wait(unsent: Bool) throws(PostgresFailure) -> Bool {
    while true {
      var waited = [
        pollfd(fd: PQsocket(connection), events: Int16(POLLIN) | (unsent ? Int16(POLLOUT) : 0), revents: 0),
        pollfd(fd: isShielded ? -1 : bell.descriptor, events: Int16(POLLIN), revents: 0),
      ]
      if waited[0].fd < 0 { return false }
      let ready = poll(&waited, 2, silenceMilliseconds.map { Int32(clamping: $0) } ?? -1)
      if ready < 0, errno == EINTR { continue }
      if ready <= 0 { throw giveUp() }
      if waited[1].revents != 0, bell.take() { sendCancel() }
      if waited[0].revents & ~Int16(POLLOUT) != 0 { return PQconsumeInput(connection) == 1 }
      if waited[0].revents & Int16(POLLOUT) != 0 { return true }
    }
  }

  /// Was a cancel asked before the statement was even sent?
  func refuseIfCancelled(_ statement: String) throws(PostgresFailure) {
    guard !isShielded, bell.take() else { return }
    throw PostgresFailure(kind: .timedOut, message: "cancelled before it was sent", sqlState: "57014", statementName: statement)
  }

  /// Tells the server to end the statement in hand. Blocks for one short connection to the server.
  func sendCancel() {
    var complaint = [CChar](repeating: 0, count: 256)
    if PQcancel(canceller, &complaint, 256) == 1 { return }
    let reason = String(decoding: complaint.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    notices.logger.warning("a request to cancel did not reach PostgreSQL", [.reason: .string(reason)])
  }

  private func giveUp() -> PostgresFailure {
    isBroken = true
    sendCancel()
    return PostgresFailure(kind: .connectionLost, message: "no answer within \(silenceMilliseconds ?? 0) ms; the connection was given up")
  }
}

// MARK: Connecting.

extension Wire {
  /// Connects to one server within the limit. Verbose messages are on meanwhile: libpq gives the SQLSTATE of a refused
  /// connection in no other way.
  private static func open(
    _ settings: PostgresSettings, _ server: PostgresSettings.Server, _ notices: NoticeSink
  ) throws(PostgresFailure) -> OpaquePointer {
    let words = settings.keywords(for: server)
    var names = CStrings(words.map(\.0))
    var values = CStrings(words.map(\.1))
    let started = names.withPointers { names in values.withPointers { PQconnectStartParams(names, $0, 0) } }
    guard let connection = started else {
      throw PostgresFailure(kind: .resourceExhausted, message: "no memory for a database connection")
    }
    PQsetErrorVerbosity(connection, PQERRORS_VERBOSE)
    notices.attach(to: connection)
    let limit = Deadline(milliseconds: settings.connectTimeoutSeconds * 1_000)
    do throws(PostgresFailure) {
      try finish(connection, limit, server)
      return connection
    } catch {
      withExtendedLifetime(notices) { PQfinish(connection) }
      throw error
    }
  }

  private static func finish(_ connection: OpaquePointer, _ limit: Deadline, _ server: PostgresSettings.Server) throws(PostgresFailure) {
    var events = Int16(POLLOUT)
    while PQstatus(connection) != CONNECTION_BAD {
      var waited = pollfd(fd: PQsocket(connection), events: events, revents: 0)
      let ready = poll(&waited, 1, limit.millisecondsLeft)
      if ready < 0, errno == EINTR { continue }
      if ready <= 0 {
        throw PostgresFailure(kind: .unavailable, message: "\(server.host):\(server.port) did not take the connection in time")
      }
      switch PQconnectPoll(connection) {
      case PGRES_POLLING_OK: return
      case PGRES_POLLING_WRITING: events = Int16(POLLOUT)
      case PGRES_POLLING_FAILED: throw PostgresFailure(refusing: connection, server)
      default: events = Int16(POLLIN)
      }
    }
    throw PostgresFailure(refusing: connection, server)
  }
}

/// A point in monotonic time.
struct Deadline {
  private let end: Int64

  init(milliseconds: Int) { end = Self.now &+ Int64(milliseconds) }

  var millisecondsLeft: Int32 { Int32(clamping: max(0, end - Self.now)) }

  private static var now: Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
  }
}

/// A list of C strings ended by a null pointer, all in one block.
struct CStrings {
  private var bytes: [CChar] = []
  private var offsets: [Int] = []

  init(_ texts: [String]) {
    for text in texts {
      offsets.append(bytes.count)
      for byte in text.utf8 where byte != 0 { bytes.append(CChar(bitPattern: byte)) }
      bytes.append(0)
    }
  }

  mutating func withPointers<Value>(_ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> Value) -> Value {
    bytes.withUnsafeBufferPointer { bytes in
      let list = offsets.map { offset in bytes.baseAddress.map { $0 + offset } } + [nil]
      return list.withUnsafeBufferPointer { body($0.baseAddress) }
    }
  }
}
