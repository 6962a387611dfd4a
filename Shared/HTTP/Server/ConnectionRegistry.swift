// Every open connection and running request of a server: deadlines, closed peers, and what a stop must wait for.

import CMicroHTTPD
import Dispatch
import Glibc
import Synchronization
import Telemetry

/// libmicrohttpd's handle of a connection.
///
/// `@unchecked` is true because the library allows resuming from any thread, suspending happens only on its own, and the handle is
/// used only between the start of a request and its completion, which the library does not reach while the connection is suspended.
struct ConnectionHandle: @unchecked Sendable {
  let raw: OpaquePointer
  let suspensions: Suspensions

  /// On the server's thread only.
  func suspend() {
    suspensions.began()
    MHD_suspend_connection(raw)
  }

  /// Once for each suspension.
  func resume() {
    MHD_resume_connection(raw)
    suspensions.ended()
  }
}

/// Counts suspended connections of one server: the library ends the process when it is stopped while there is one, and between the
/// decision to resume and the call a thread may be held up for any time.
final class Suspensions: Sendable {
  private let count = Atomic(0)

  func began() { count.add(1, ordering: .sequentiallyConsistent) }

  func ended() { count.subtract(1, ordering: .sequentiallyConsistent) }

  /// Waits on the calling thread; false when there is still one after so long.
  func waitUntilNone(milliseconds: Int) -> Bool {
    for _ in 0..<max(1, milliseconds) {
      if count.load(ordering: .sequentiallyConsistent) == 0 { return true }
      usleep(1_000)
    }
    return count.load(ordering: .sequentiallyConsistent) == 0
  }
}

/// Which deadline a connection is under.
enum ConnectionPhase: Sendable, Equatable {
  /// For the next request's headers, or idle.
  case waiting
  case body(limitMilliseconds: Int)
  case handling(limitMilliseconds: Int)
  case replying
  /// A streamed body has no deadline of its own; it must move (idle limit) and its peer must be there.
  case streaming

  /// How long it may last, nil for any time.
  func limitMilliseconds(_ limits: HTTPServerLimits) -> Int? {
    switch self {
    case .waiting: limits.headerMillisecondsMax
    case .body(let limit): limit
    case .handling(let limit): limit
    case .replying: limits.replyMillisecondsMax
    case .streaming: nil
    }
  }

  /// Whether libmicrohttpd does not look at the socket, so that we have to.
  var mayBeSuspended: Bool {
    switch self {
    case .handling, .streaming: true
    case .waiting, .body, .replying: false
    }
  }
}

/// One open connection.
final class ConnectionRecord: Sendable {
  private struct State {
    var phase = ConnectionPhase.waiting
    var since: Int64
    var exchange: Exchange?
  }

  let socket: Int32
  let peer: String
  private let state: Mutex<State>

  init(socket: Int32, peer: String) {
    self.socket = socket
    self.peer = peer
    self.state = Mutex(State(since: SystemTime.monotonicNanoseconds()))
  }

  /// `exchange` is the request the phase belongs to; none while waiting for one.
  func enter(_ phase: ConnectionPhase, _ exchange: Exchange?) {
    let now = SystemTime.monotonicNanoseconds()
    state.withLock { $0 = State(phase: phase, since: now, exchange: exchange) }
  }

  /// A new phase of the same request; nothing when that request is over.
  func advance(_ phase: ConnectionPhase, of exchange: Exchange) {
    let now = SystemTime.monotonicNanoseconds()
    state.withLock { if $0.exchange === exchange { $0 = State(phase: phase, since: now, exchange: exchange) } }
  }

  func look() -> (phase: ConnectionPhase, since: Int64, exchange: Exchange?) {
    state.withLock { ($0.phase, $0.since, $0.exchange) }
  }
}

/// All connections and requests of one server.
final class ConnectionRegistry: Sendable {
  /// What a look at all connections found; carried out after the lock.
  private enum Finding {
    case peerGone(Exchange)
    case tooLong(Exchange)
    case quiet(Exchange)
  }

  private struct State {
    var records: [ObjectIdentifier: ConnectionRecord] = [:]
    var exchanges: [ObjectIdentifier: Exchange] = [:]
    var bodyBytes = 0
    var isDraining = false
    var isClosed = false
  }

  private let limits: HTTPServerLimits
  private let state = Mutex(State())
  private let emptied = DispatchSemaphore(value: 0)

  init(limits: HTTPServerLimits) { self.limits = limits }

  var isDraining: Bool { state.withLock { $0.isDraining } }
  var isClosed: Bool { state.withLock { $0.isClosed } }
  var counts: (connections: Int, requests: Int) { state.withLock { ($0.records.count, $0.exchanges.count) } }

  // MARK: connections

  func opened(_ record: ConnectionRecord) { state.withLock { $0.records[ObjectIdentifier(record)] = record } }

  /// Before the descriptor is closed: whoever holds the lock may still use it.
  func closed(_ record: ConnectionRecord) { _ = state.withLock { $0.records.removeValue(forKey: ObjectIdentifier(record)) } }

  // MARK: requests

  /// False when the server is stopping and the request is to be refused. It counts as running either way.
  func enter(_ exchange: Exchange) -> Bool {
    state.withLock {
      $0.exchanges[ObjectIdentifier(exchange)] = exchange
      return !$0.isDraining
    }
  }

  func leave(_ exchange: Exchange) {
    let isLast = state.withLock {
      $0.exchanges.removeValue(forKey: ObjectIdentifier(exchange)) != nil && $0.isDraining && $0.exchanges.isEmpty
    }
    if isLast { emptied.signal() }
  }

  /// Counts bytes of request bodies in memory; false when they do not fit.
  func reserve(_ bytes: Int) -> Bool {
    state.withLock {
      guard $0.bodyBytes + bytes <= limits.bodiesTotalBytesMax else { return false }
      $0.bodyBytes += bytes
      return true
    }
  }

  func release(_ bytes: Int) { state.withLock { $0.bodyBytes -= bytes } }

  // MARK: the sweep

  /// Cuts connections past their deadline; cancels requests whose client is gone or that take too long; keeps event streams alive.
  /// Called by the server's own thread.
  func sweep() {
    let now = SystemTime.monotonicNanoseconds()
    let findings = state.withLock { state -> [Finding] in
      let looks = state.records.values.map { ($0.socket, $0.look()) }
      var polls = looks.filter { $0.1.phase.mayBeSuspended }.map { pollfd(fd: $0.0, events: cmhd_poll_peer_closed, revents: 0) }
      if !polls.isEmpty { _ = poll(&polls, nfds_t(polls.count), 0) }
      let gone = Set(polls.filter { $0.revents != 0 }.map(\.fd))
      return looks.compactMap { socket, look in
        if gone.contains(socket) { return look.exchange.map { .peerGone($0) } }
        let milliseconds = (now - look.since) / 1_000_000
        if let limit = look.phase.limitMilliseconds(limits), milliseconds > Int64(limit) {
          if case .handling = look.phase { return look.exchange.map { .tooLong($0) } }
          // The lock keeps the descriptor ours: libmicrohttpd closes it only after `closed` has had the lock.
          shutdown(socket, Int32(SHUT_RDWR))
        }
        return look.phase == .streaming ? look.exchange.map { .quiet($0) } : nil
      }
    }
    for finding in findings {
      switch finding {
      case .peerGone(let exchange): exchange.peerGone()
      case .tooLong(let exchange): exchange.tookTooLong()
      case .quiet(let exchange): exchange.heartbeat(now, limits)
      }
    }
  }

  // MARK: the stop

  /// From now on new requests are refused; event streams end.
  func drain() {
    let running = state.withLock {
      $0.isDraining = true
      return Array($0.exchanges.values)
    }
    for exchange in running { exchange.stopEvents() }
  }

  /// From now on no handler starts; those that run are answered for and cancelled. Returns how many there were.
  func close() -> Int {
    let running = state.withLock {
      $0.isClosed = true
      return Array($0.exchanges.values)
    }
    return running.count { $0.abandon() }
  }

  /// Waits on the calling thread until no request is left; false when the time is over first.
  func waitUntilEmpty(milliseconds: Int) -> Bool {
    let deadline = DispatchTime.now() + .milliseconds(max(0, milliseconds))
    while true {
      if state.withLock({ $0.exchanges.isEmpty }) { return true }
      if emptied.wait(timeout: deadline) == .timedOut { return state.withLock { $0.exchanges.isEmpty } }
    }
  }
}
