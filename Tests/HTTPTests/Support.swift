// Starts a server for one test, and lets tests wait for events.
import Glibc
import HTTP
import Lifecycle
import Synchronization
import Telemetry
import Testing

/// A server on a free port while `body` runs; then it is stopped, which must end well.
func withServer<Value: Sendable>(
  _ router: Router, limits: HTTPServerLimits = .quick, logger: Logger = .silent, observer: RequestObserver? = nil,
  _ body: (_ port: Int, _ server: HTTPServer, _ stop: StopSignal) async throws -> Value
) async throws -> Value {
  let server = HTTPServer(settings: HTTPServerSettings(port: 0, limits: limits), router: router, logger: logger, observer: observer)
  let stop = StopSignal()
  let running = Task { try await server.run(stop) }
  // A test past its time limit is cancelled; the server then ends without waiting for anything.
  return try await withTaskCancellationHandler {
    do {
      let value = try await body(try await server.boundPort, server, stop)
      stop.stop()
      try await running.value
      return value
    } catch {
      stop.stop()
      _ = await running.result
      throw error
    }
  } onCancel: {
    running.cancel()
  }
}

extension HTTPServerLimits {
  /// Looks at its connections often, so that tests need not wait; all else as in a service.
  static var quick: HTTPServerLimits {
    var limits = HTTPServerLimits()
    limits.sweepMillisecondsMax = 20
    // Long enough for a busy machine: what is about these limits sets its own.
    limits.stopMillisecondsMax = 30_000
    limits.headerMillisecondsMax = 60_000
    return limits
  }
}

/// Something that happens, any number of times; waited for by count.
final class Event: Sendable {
  private struct State {
    var count = 0
    var lastID = 0
    var waiters: [(id: Int, count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    var cancelled: Set<Int> = []
  }

  private let state = Mutex(State())

  var count: Int { state.withLock { $0.count } }

  func happened() {
    let ready = state.withLock { state in
      state.count += 1
      let count = state.count
      let ready = state.waiters.filter { $0.count <= count }
      state.waiters.removeAll { $0.count <= count }
      return ready
    }
    for waiter in ready { waiter.continuation.resume() }
  }

  /// Also returns when the task is cancelled, so that a test's time limit ends it.
  func wait(times: Int = 1) async {
    let id = state.withLock { state in
      state.lastID += 1
      return state.lastID
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isOver = state.withLock { state in
          if state.count >= times || state.cancelled.contains(id) { return true }
          state.waiters.append((id, times, continuation))
          return false
        }
        if isOver { continuation.resume() }
      }
    } onCancel: {
      let waiter = state.withLock { state in
        state.cancelled.insert(id)
        defer { state.waiters.removeAll { $0.id == id } }
        return state.waiters.first { $0.id == id }
      }
      waiter?.continuation.resume()
    }
  }
}

/// Whether this machine can listen on IPv6.
let hasIPv6: Bool = {
  let descriptor = socket(AF_INET6, Int32(SOCK_STREAM.rawValue), 0)
  guard descriptor >= 0 else { return false }
  var address = sockaddr_in6()
  address.sin6_family = sa_family_t(AF_INET6)
  address.sin6_addr = in6addr_loopback
  defer { close(descriptor) }
  return withUnsafePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in6>.size)) == 0 }
  }
}()

/// Waits until its task is cancelled.
func untilCancelled() async throws {
  let never = AsyncStream<Void> { _ in }
  for await _ in never {}
  throw CancellationError()
}

/// A sequence of numbers from a seed, the same everywhere (SplitMix64).
struct SeededNumbers: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }
}
