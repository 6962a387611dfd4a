// An HTTP/1.1 server over libmicrohttpd: one thread of the library's for sockets, one of ours for start, deadlines and stop.

import CMicroHTTPD
import Glibc
public import Lifecycle
import Synchronization
public import Telemetry

/// Serves a ``Router`` until it is asked to stop.
///
/// A stop refuses new connections at once, answers new requests on open ones with 503, ends event streams, gives the others
/// `stopMillisecondsMax`, then answers them with 503 and cancels their handlers.
public final class HTTPServer: Service {
  /// For a thread that has decided to resume a connection to do so.
  private static let resumeMillisecondsMax = 5_000

  public let name: String
  private let settings: HTTPServerSettings
  private let core: ServerCore
  private let hasRun = Atomic(false)
  private let isCancelled = Atomic(false)
  private let port = Announcement<Int, HTTPServerFailure>()

  /// `observer` is called on the server's thread for each finished request and must be quick.
  public init(
    name: String = "http", settings: HTTPServerSettings, router: Router, logger: Logger, observer: RequestObserver? = nil
  ) {
    self.name = name
    self.settings = settings
    self.core = ServerCore(router, settings.limits, logger.with([.part: .string(name)]), observer)
  }

  /// The port it listens on, once it does. Throws ``HTTPServerFailure`` when it cannot, and `CancellationError`.
  public var boundPort: Int {
    get async throws { try await port.value }
  }

  /// Connections open and requests running now.
  public var counts: (connections: Int, requests: Int) { core.registry.counts }

  /// Serves until `stop`; throws ``HTTPServerFailure`` when it cannot listen. One run for each server.
  public func run(_ stop: StopSignal) async throws {
    guard !hasRun.exchange(true, ordering: .relaxed) else {
      throw HTTPServerFailure(.alreadyRun, "a server runs once: create another")
    }
    let failure = Mutex<HTTPServerFailure?>(nil)
    let thread = try OwnedThread.start(name: name) { [self] in
      do throws(HTTPServerFailure) { try serve(stop) } catch { failure.withLock { $0 = error } }
    }
    await withTaskCancellationHandler {
      await thread.ended()
    } onCancel: {
      isCancelled.store(true, ordering: .relaxed)
    }
    if let failure = failure.withLock({ $0 }) { throw failure }
  }

  // MARK: on our own thread

  private func serve(_ stop: StopSignal) throws(HTTPServerFailure) {
    do throws(HTTPServerFailure) {
      let listener = try Listener(settings)
      defer { close(listener.socket) }
      let daemon = try Daemon(listener, settings.limits, core)
      port.announce(.success(listener.port))
      core.logger.info("listening", ["host": .string(settings.host), "port": .int(listener.port)])
      while !stop.waitBlocking(milliseconds: settings.limits.sweepMillisecondsMax), !isCancelled.load(ordering: .relaxed) {
        core.registry.sweep()
      }
      finish(daemon, listener)
      port.announce(.failure(HTTPServerFailure(.stopped, "the server has stopped")))
    } catch {
      port.announce(.failure(error))
      throw error
    }
  }

  private func finish(_ daemon: consuming Daemon, _ listener: Listener) {
    let limits = settings.limits
    // First, so that whoever sees the listener closed also sees requests refused.
    core.registry.drain()
    daemon.quiesce()
    // The descriptor must stay open until the library's thread has ended; shutting it down refuses clients already now.
    shutdown(listener.socket, Int32(SHUT_RDWR))
    let started = SystemTime.monotonicNanoseconds()
    var isEmpty = false
    while !isEmpty, !isCancelled.load(ordering: .relaxed) {
      let left = limits.stopMillisecondsMax - Int((SystemTime.monotonicNanoseconds() - started) / 1_000_000)
      guard left > 0 else { break }
      isEmpty = core.registry.waitUntilEmpty(milliseconds: min(left, limits.sweepMillisecondsMax))
      core.registry.sweep()
    }
    let abandoned = core.registry.close()
    // Time for the last responses to leave.
    _ = core.registry.waitUntilEmpty(milliseconds: limits.settleMillisecondsMax)
    if core.suspensions.waitUntilNone(milliseconds: HTTPServer.resumeMillisecondsMax) {
      daemon.stop()
    } else {
      daemon.abandon()
      core.logger.error("libmicrohttpd was left running: a connection stayed suspended")
    }
    if abandoned > 0 {
      core.logger.warning("stopped with requests unfinished", [.count: .int(abandoned)])
    } else {
      core.logger.info("stopped")
    }
  }
}

/// libmicrohttpd's server. Started and stopped by the same thread of ours.
private struct Daemon: ~Copyable {
  private let raw: OpaquePointer
  private let callbacks: UnsafeMutablePointer<cmhd_callbacks>
  private let context: Unmanaged<ServerCore>

  init(_ listener: Listener, _ limits: HTTPServerLimits, _ core: ServerCore) throws(HTTPServerFailure) {
    // Retained for the library's callbacks until `stop`, after which it makes none.
    context = Unmanaged.passRetained(core)
    callbacks = .allocate(capacity: 1)
    callbacks.initialize(
      to: cmhd_callbacks(
        context: context.toOpaque(), access: mhdAccess, completed: mhdCompleted, connection: mhdConnection, target: mhdTarget,
        log: mhdLog))
    let started = cmhd_start(
      listener.socket, UInt32(clamping: limits.connectionsMax), UInt32(clamping: limits.idleSecondsMax), limits.connectionBytesMax,
      callbacks)
    guard let started else {
      let code = errno
      callbacks.deallocate()
      context.release()
      throw HTTPServerFailure(.other, "libmicrohttpd does not start: \(String(cString: strerror(code)))")
    }
    raw = started
  }

  func quiesce() { _ = MHD_quiesce_daemon(raw) }

  /// Waits for the library's thread. No connection may be suspended then: the library would end the process.
  consuming func stop() {
    MHD_stop_daemon(raw)
    callbacks.deallocate()
    context.release()
  }

  /// Leaves the library's thread running, with all it needs, until the process ends.
  consuming func abandon() {}
}
