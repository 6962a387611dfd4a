// Unix signals become values on a thread of ours.
//
// A handler that only writes the signal's number into a pipe is used, because it works on whichever thread the kernel picks, also on one
// that existed before anybody could set its mask. The thread that reads the pipe takes the signals itself when all others block them.
import Dispatch
import Glibc
import Synchronization

/// Settings of the whole process that have to do with signals.
public enum ProcessSignals {
  /// The signals that ask a service to stop: SIGTERM from the system, SIGINT from the keyboard.
  public static let termination: [Int32] = [SIGTERM, SIGINT]

  /// Blocks the signals on the calling thread and on all threads started from it later. As the first statement of a program it spares C
  /// libraries interrupted system calls; the group receives the signals all the same.
  public static func shield(_ signals: [Int32] = ProcessSignals.termination) {
    var set = SignalMask.set(of: signals)
    _ = pthread_sigmask(SIG_BLOCK, &set, nil)
  }

  /// Lets a write to a closed pipe or socket fail with an error instead of ending the process.
  public static func ignoreBrokenPipe() { _ = signal(SIGPIPE, SIG_IGN) }
}

/// Signal masks of threads.
enum SignalMask {
  static func set(of signals: [Int32]) -> sigset_t {
    var set = sigset_t()
    sigemptyset(&set)
    for signal in signals { sigaddset(&set, signal) }
    return set
  }

  /// Blocks all that another process may send. Faults of the thread itself and the profilers' signals stay open.
  static func blockAll() {
    var set = sigset_t()
    sigfillset(&set)
    for signal in [SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS, SIGPROF] { sigdelset(&set, signal) }
    _ = pthread_sigmask(SIG_SETMASK, &set, nil)
  }
}

/// Watches signals of the process until it is ended. One at a time.
final class SignalWatch: Sendable {
  /// Wakes the reader for the end; no signal has this number.
  private static let endNumber: UInt8 = 0

  private let thread: OwnedThread

  private init(thread: OwnedThread) { self.thread = thread }

  /// Installs handlers and calls `act` for each signal, on the watching thread.
  /// - Throws: `ThreadFailure`, with EBUSY when another watch is at work.
  static func start(_ signals: [Int32], _ act: @escaping @Sendable (Int32) -> Void) throws(ThreadFailure) -> SignalWatch {
    guard signalPipe.isTaken.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing).exchanged else {
      throw ThreadFailure(what: "second watch of signals in one process", code: EBUSY)
    }
    do throws(ThreadFailure) {
      try signalPipe.open()
      let installed = DispatchSemaphore(value: 0)
      let thread = try OwnedThread.start(name: "signals", stackBytes: 256 << 10) {
        Self.watch(signals, installed: installed, act)
        signalPipe.isTaken.store(false, ordering: .releasing)
      }
      // A few microseconds: the handlers must be there before any service starts.
      installed.wait()
      return SignalWatch(thread: thread)
    } catch {
      signalPipe.isTaken.store(false, ordering: .releasing)
      throw error
    }
  }

  /// Puts the former handlers back and ends the thread.
  func end() async {
    signalPipe.send(Self.endNumber)
    await self.thread.ended()
  }

  private static func watch(_ signals: [Int32], installed: DispatchSemaphore, _ act: (Int32) -> Void) {
    var former: [(Int32, sigaction)] = []
    for signal in signals {
      var action = sigaction()
      action.__sigaction_handler.sa_handler = signalArrived
      action.sa_flags = SA_RESTART
      sigfillset(&action.sa_mask)
      var old = sigaction()
      if sigaction(signal, &action, &old) == 0 { former.append((signal, old)) }
    }
    var set = SignalMask.set(of: signals)
    _ = pthread_sigmask(SIG_UNBLOCK, &set, nil)
    installed.signal()
    while let number = signalPipe.receive(), number != Self.endNumber { act(Int32(number)) }
    for (signal, old) in former {
      var old = old
      _ = sigaction(signal, &old, nil)
    }
  }
}

/// The pipe between the handler and the thread. It is never closed, so that a handler that is late cannot write into a file that got the
/// same number.
private final class SignalPipe: Sendable {
  let readEnd = Atomic<Int32>(-1)
  let writeEnd = Atomic<Int32>(-1)
  let isTaken = Atomic<Bool>(false)

  func open() throws(ThreadFailure) {
    guard self.readEnd.load(ordering: .relaxed) < 0 else { return }
    var ends: [Int32] = [-1, -1]
    // A pair of sockets instead of a pipe, since only that can be had closed for children at once by what Swift sees of C.
    guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
      throw ThreadFailure(what: "pipe for signals", code: errno)
    }
    // The handler must never block: a full pipe already holds more signals than anybody needs.
    _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
    self.readEnd.store(ends[0], ordering: .relaxed)
    self.writeEnd.store(ends[1], ordering: .sequentiallyConsistent)
  }

  func send(_ number: UInt8) {
    var byte = number
    _ = write(self.writeEnd.load(ordering: .relaxed), &byte, 1)
  }

  func receive() -> UInt8? {
    var byte: UInt8 = 0
    while true {
      let count = read(self.readEnd.load(ordering: .relaxed), &byte, 1)
      if count == 1 { return byte }
      guard count < 0, errno == EINTR else { return nil }
    }
  }
}

private let signalPipe = SignalPipe()

/// The handler: two atomic reads and a write(2), which may be called at any moment. `signalPipe` exists before it is installed.
private func signalArrived(_ number: Int32) {
  let kept = errno
  signalPipe.send(UInt8(truncatingIfNeeded: number))
  errno = kept
}

/// The usual name of a signal, for people.
func signalName(_ number: Int32) -> String {
  switch number {
  case SIGHUP: "SIGHUP"
  case SIGINT: "SIGINT"
  case SIGQUIT: "SIGQUIT"
  case SIGTERM: "SIGTERM"
  case SIGUSR1: "SIGUSR1"
  case SIGUSR2: "SIGUSR2"
  default: "\(number)"
  }
}
