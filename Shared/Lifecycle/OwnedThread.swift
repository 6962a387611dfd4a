// Threads of our own, for C calls that block.
import Dispatch
import Glibc
import Synchronization

/// The system refused a thread, a pipe or a signal handler.
public struct ThreadFailure: Error, Sendable, Equatable, CustomStringConvertible {
  /// What was asked for.
  public let what: String
  /// The system's error number.
  public let code: Int32

  public var description: String { "\(self.what): \(String(cString: strerror(self.code))) (\(self.code)); see ulimit -u and -n" }
}

/// One OS thread that runs one body to its end. For C calls that block, which must never run on the cooperative pool.
///
/// The thread takes no Unix signals, and neither do threads that a C library starts from it.
public final class OwnedThread: Sendable {
  /// Longest name the kernel keeps, in bytes; what is longer is cut.
  public static let nameBytesMax = 15
  /// Stack unless said otherwise, in bytes. Only what is touched takes memory.
  public static let stackBytesDefault = 1 << 20
  /// Least stack, in bytes; what is less is raised to it.
  public static let stackBytesMin = 128 << 10

  public let name: String

  private struct Ending {
    var hasEnded = false
    var observers: [@Sendable () -> Void] = []
  }

  private let ending = Mutex(Ending())

  private init(name: String) { self.name = name }

  /// Starts the thread.
  /// - Parameters:
  ///   - name: shown by `ps -T` and debuggers.
  ///   - stackBytes: size of its stack in bytes.
  ///   - body: what it runs; the thread ends with it.
  public static func start(
    name: String, stackBytes: Int = OwnedThread.stackBytesDefault, _ body: @escaping @Sendable () -> Void
  ) throws(ThreadFailure) -> OwnedThread {
    let thread = OwnedThread(name: name)
    // Unmanaged because pthread_create takes an untyped pointer: retained here once, released once by the thread that starts.
    let start = Unmanaged.passRetained(ThreadStart(thread: thread, body: body))
    let code = createThread(stackBytes: max(stackBytes, Self.stackBytesMin), start.toOpaque())
    guard code == 0 else {
      start.release()
      throw ThreadFailure(what: "thread \(name)", code: code)
    }
    return thread
  }

  /// Runs the body on a thread of its own and gives back its value: for a single call that blocks.
  public static func value<Value: Sendable>(
    name: String, _ body: @escaping @Sendable () -> Value
  ) async throws(ThreadFailure) -> Value {
    let result: Result<Value, ThreadFailure> = await withCheckedContinuation { continuation in
      do throws(ThreadFailure) {
        _ = try OwnedThread.start(name: name) { continuation.resume(returning: .success(body())) }
      } catch {
        continuation.resume(returning: .failure(error))
      }
    }
    return try result.get()
  }

  /// Returns once the body has ended. Not ended early by cancellation, so that what the thread used may be freed afterwards.
  public func ended() async {
    await withCheckedContinuation { continuation in self.onEnd { continuation.resume() } }
  }

  /// Blocks until the body has ended. Only from another owned thread or the main thread, never from the body itself.
  public func join() {
    let wake = DispatchSemaphore(value: 0)
    self.onEnd { wake.signal() }
    wake.wait()
  }

  private func onEnd(_ act: @escaping @Sendable () -> Void) {
    let hasEnded = self.ending.withLock { ending in
      if !ending.hasEnded { ending.observers.append(act) }
      return ending.hasEnded
    }
    if hasEnded { act() }
  }

  fileprivate func leave() {
    let observers = self.ending.withLock { ending in
      ending.hasEnded = true
      defer { ending.observers = [] }
      return ending.observers
    }
    for act in observers { act() }
  }
}

/// What a thread needs to begin.
private final class ThreadStart: Sendable {
  let thread: OwnedThread
  let body: @Sendable () -> Void

  init(thread: OwnedThread, body: @escaping @Sendable () -> Void) {
    self.thread = thread
    self.body = body
  }
}

/// Starts a thread and gives back the system's error number, 0 for none.
private func createThread(stackBytes: Int, _ start: UnsafeMutableRawPointer) -> Int32 {
  // Room without a value: the type's initialiser belongs to whichever C module was imported first, so it cannot be named here.
  withUnsafeTemporaryAllocation(of: pthread_attr_t.self, capacity: 1) { room in
    guard let attributes = room.baseAddress else { return ENOMEM }
    var code = pthread_attr_init(attributes)
    guard code == 0 else { return code }
    defer { pthread_attr_destroy(attributes) }
    code = pthread_attr_setstacksize(attributes, stackBytes)
    guard code == 0 else { return code }
    // Nobody joins by pthread_join: the end of the body is what callers wait for, any number of them.
    code = pthread_attr_setdetachstate(attributes, Int32(PTHREAD_CREATE_DETACHED))
    guard code == 0 else { return code }
    var handle = pthread_t()
    return pthread_create(&handle, attributes, runThread, start)
  }
}

/// The first function of every owned thread.
private func runThread(_ raw: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let raw else { return nil }
  // Balances passRetained in `OwnedThread.start`; the pointer is handed over to exactly one thread.
  let start = Unmanaged<ThreadStart>.fromOpaque(raw).takeRetainedValue()
  SignalMask.blockAll()
  nameCallingThread(start.thread.name)
  start.body()
  start.thread.leave()
  return nil
}

/// Names the calling thread for `ps -T` and debuggers. Through /proc, because the C function is a GNU extension that Swift does not see;
/// a name is a convenience, so a failure is of no account.
private func nameCallingThread(_ name: String) {
  let descriptor = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
  guard descriptor >= 0 else { return }
  defer { close(descriptor) }
  let bytes = Array(name.utf8.prefix(OwnedThread.nameBytesMax))
  _ = write(descriptor, bytes, bytes.count)
}
