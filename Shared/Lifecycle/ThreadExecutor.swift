// One OS thread as an actor's executor, so that a blocking C call inside the actor blocks nobody else.
import Dispatch
import Glibc
import Synchronization

/// Runs the jobs of an actor in order on one thread of its own.
///
/// The actor keeps it and names it as its executor:
///
///     actor Connection {
///       private let thread: ThreadExecutor
///       nonisolated var unownedExecutor: UnownedSerialExecutor { self.thread.asUnownedSerialExecutor() }
///     }
///
/// The thread ends after `stop()`, or when the last actor using it is gone. A job that comes after `stop()` is still run, in order, on a
/// thread of the system: a caller must never wait for ever.
public final class ThreadExecutor: SerialExecutor {
  private struct Job: Sendable {
    let job: UnownedJob
    /// Keeps the executor alive until the job has run: the job may let go of the last actor that uses it.
    let executor: ThreadExecutor
  }

  /// Shared by the executor and its thread, which therefore does not keep the executor alive.
  private final class Inbox: Sendable {
    struct State {
      var jobs: [Job] = []
      var isStopped = false
      /// Whether the thread has taken its last look; from then on jobs are run elsewhere.
      var hasEnded = false
      var isDraining = false
    }

    let state = Mutex(State())
    let wake = DispatchSemaphore(value: 0)
    /// The thread that runs jobs at this moment; 0 is no thread.
    let runner = Atomic<UInt>(0)

    /// Waits for jobs; `nil` when there will be none.
    func next() -> [Job]? {
      while true {
        self.wake.wait()
        let (jobs, isStopped) = self.state.withLock { state in
          defer { state.jobs.removeAll(keepingCapacity: true) }
          if state.jobs.isEmpty, state.isStopped { state.hasEnded = true }
          return (state.jobs, state.isStopped)
        }
        // Every job and every stop has a wake-up of its own, so none is missed when one wake-up serves several.
        if !jobs.isEmpty { return jobs }
        if isStopped { return nil }
      }
    }

    func run(_ jobs: [Job]) {
      self.runner.store(UInt(pthread_self()), ordering: .relaxed)
      for job in jobs { job.job.runSynchronously(on: job.executor.asUnownedSerialExecutor()) }
      self.runner.store(0, ordering: .relaxed)
    }

    /// Runs jobs that came too late, until there are none left.
    func drain() {
      while true {
        let jobs = self.state.withLock { state in
          defer { state.jobs = [] }
          if state.jobs.isEmpty { state.isDraining = false }
          return state.jobs
        }
        if jobs.isEmpty { return }
        self.run(jobs)
      }
    }
  }

  private let inbox: Inbox
  let thread: OwnedThread

  /// Starts the thread.
  /// - Parameter name: shown by `ps -T` and debuggers; the first `OwnedThread.nameBytesMax` bytes count.
  public init(name: String, stackBytes: Int = OwnedThread.stackBytesDefault) throws(ThreadFailure) {
    let inbox = Inbox()
    self.inbox = inbox
    self.thread = try OwnedThread.start(name: name, stackBytes: stackBytes) {
      while let jobs = inbox.next() { inbox.run(jobs) }
    }
  }

  deinit { self.stop() }

  public func enqueue(_ job: consuming ExecutorJob) {
    let job = Job(job: UnownedJob(job), executor: self)
    let isLate = self.inbox.state.withLock { state in
      state.jobs.append(job)
      guard state.hasEnded, !state.isDraining else { return false }
      state.isDraining = true
      return true
    }
    if isLate {
      let inbox = self.inbox
      DispatchQueue.global().async { inbox.drain() }
    } else {
      self.inbox.wake.signal()
    }
  }

  /// Lets the thread end after the jobs it has.
  public func stop() {
    self.inbox.state.withLock { $0.isStopped = true }
    self.inbox.wake.signal()
  }

  /// Returns once the thread has ended, which it does only after `stop()`.
  public func ended() async { await self.thread.ended() }

  /// Whether the caller is on the thread that runs the actor's jobs.
  public var isCurrent: Bool { self.inbox.runner.load(ordering: .relaxed) == UInt(pthread_self()) }

  public func isIsolatingCurrentContext() -> Bool? { self.isCurrent }

  /// Part of the protocol's contract: the runtime asks this when it could not prove isolation, and expects a trap when it is missing.
  public func checkIsolated() {
    precondition(self.isCurrent, "used off the thread \(self.thread.name)")
  }
}
