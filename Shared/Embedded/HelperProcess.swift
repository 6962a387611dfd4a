// Starts programs that serve this one (a private PostgreSQL, a broker), watches them and stops them.
// Linux ties the parent-death signal to the forking *thread*, so every fork happens on one thread that never ends.
import CProcess
import Dispatch
import Glibc
import Lifecycle
import Synchronization

/// Why a helper process could not be started or did not answer. `description` says what to do where something can be done.
public struct HelperFailure: Error, Hashable, Sendable, CustomStringConvertible {
  public let description: String

  public init(_ description: String) { self.description = description }
}

/// A started child process. It is reaped as soon as it ends, and signals never reach a process id that was given to somebody else.
public final class HelperProcess: Sendable {
  /// Where one of the child's output streams goes.
  public enum Output: Hashable, Sendable {
    /// To `/dev/null`.
    case discard
    /// Appended to the file at this path, which is created when absent (mode 0600).
    case file(path: String)
    /// Read by this process, line by line: see ``HelperProcess/nextLine(within:)``. Lines that nobody asks for are kept up to a bound and
    /// then dropped, so that the child never blocks on a full pipe; all of them are appended to `copy`, when given.
    case lines(copy: String?)
  }

  /// Everything needed to start a program.
  public struct Launch: Hashable, Sendable {
    /// Absolute path, or a path relative to the current folder. Use ``Executables`` to find one by name.
    public var executable: String
    /// Arguments without the program's own name.
    public var arguments: [String]
    /// The child's whole environment; ``HelperProcess/currentEnvironment()`` is the usual base.
    public var environment: [String: String]
    /// The child's working folder; nil keeps the parent's.
    public var directory: String?
    public var standardOutput: Output
    /// `lines` is for standard output only; here it counts as `file` or `discard`.
    public var standardError: Output
    /// Gives the child a pipe as standard input: see ``HelperProcess/send(line:)``. Otherwise it reads `/dev/null`.
    public var pipesInput: Bool
    /// Whether the child is killed when this process ends, however it ends.
    public var tied: Bool

    public init(
      executable: String, arguments: [String] = [], environment: [String: String] = HelperProcess.currentEnvironment(),
      directory: String? = nil, standardOutput: Output = .discard, standardError: Output = .discard,
      pipesInput: Bool = false, tied: Bool = true
    ) {
      self.executable = executable
      self.arguments = arguments
      self.environment = environment
      self.directory = directory
      self.standardOutput = standardOutput
      self.standardError = standardError
      self.pipesInput = pipesInput
      self.tied = tied
    }
  }

  /// The child's process id, which is also its process group.
  public let pid: Int32
  private let exit = Settlement<Int32>()
  private let lines = LineBox()
  private let reaped = Mutex(false)
  private let input: Mutex<Int32>

  private init(pid: Int32, input: Int32) {
    self.pid = pid
    self.input = Mutex(input)
  }

  /// Starts the program. A program that cannot be executed is reported here; one that ends at once is seen by ``waitForExit(within:)``.
  public static func start(_ launch: Launch) async throws(HelperFailure) -> HelperProcess {
    guard access(launch.executable, X_OK) == 0 else {
      throw HelperFailure("\(launch.executable) cannot be executed: \(systemText(errno))")
    }
    var descriptors = try LaunchDescriptors(launch)
    let outcome = await Forks.shared.fork(launch, descriptors)
    descriptors.closeChildSide()
    switch outcome {
    case .failure(let failure):
      descriptors.closeParentSide()
      throw failure
    case .success(let pid):
      let process = HelperProcess(pid: pid, input: descriptors.inputWriter)
      do throws(ThreadFailure) {
        try process.watch()
        if descriptors.lineReader >= 0 {
          try process.readLines(from: descriptors.lineReader, copy: launch.standardOutput.copyFile)
        } else {
          process.lines.finish()
        }
      } catch {
        // Without a thread to watch it the child cannot be looked after.
        kill(pid, SIGKILL)
        throw HelperFailure(error.description)
      }
      return process
    }
  }

  /// The exit status once the child has ended: its exit code, or 128 + the signal that ended it.
  public var exitStatus: Int32? { self.exit.value }

  /// Sends a signal to the child (`group`: to its whole process group, which also reaches its own children).
  /// Returns false when the child has ended already.
  @discardableResult
  public func terminate(_ signal: Int32 = 15, group: Bool = false) -> Bool {
    // Under the lock that reaping takes, so the id cannot belong to another process here.
    self.reaped.withLock { reaped in
      guard !reaped else { return false }
      return kill(group ? -self.pid : self.pid, signal) == 0
    }
  }

  /// Waits for the end of the child, at most `limit`. Returns the exit status, or nil when it still runs or the task was cancelled.
  public func waitForExit(within limit: Duration) async -> Int32? {
    await self.exit.value(within: limit)
  }

  /// Asks the child to end with `signal`, and kills it with its group when it has not ended within `limit`.
  /// Returns the exit status, or nil when even that end was not seen. Not undone by cancellation: a cancelled task kills at once.
  @discardableResult
  public func stop(signal: Int32 = 15, within limit: Duration) async -> Int32? {
    self.terminate(signal)
    if let status = await self.exit.value(within: limit) { return status }
    self.terminate(9, group: true)
    return await self.exit.value(within: .seconds(HelperProcess.killSecondsMax))
  }

  /// How long the end of a killed child is waited for, in seconds: a busy machine takes its time to see it.
  static let killSecondsMax = 10

  /// The next line the child wrote to standard output, without its newline; of a longer one the first `lineBytesMax` bytes.
  /// nil when the child closed the stream, the limit passed, the task was cancelled, or the output was not `lines`.
  public func nextLine(within limit: Duration) async -> String? {
    await self.lines.next(within: limit)
  }

  /// The first line, when no line was asked for before.
  public func firstLine(within limit: Duration) async -> String? { await self.nextLine(within: limit) }

  /// Writes a line to the child's standard input. Blocks while the pipe is full, so only short lines to a child that reads.
  public func send(line: String) throws(HelperFailure) {
    let bytes = Array((line + "\n").utf8)
    let failed = self.input.withLock { descriptor -> Int32? in
      guard descriptor >= 0 else { return EPIPE }
      var sent = 0
      while sent < bytes.count {
        let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress?.advanced(by: sent), $0.count - sent) }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return errno }
        sent += count
      }
      return nil
    }
    if let failed { throw HelperFailure("process \(self.pid) takes no input: \(systemText(failed))") }
  }

  /// Ends the child's standard input, when it was started with `pipesInput`.
  public func closeInput() {
    self.input.withLock { descriptor in
      if descriptor >= 0 { close(descriptor) }
      descriptor = -1
    }
  }

  deinit { self.closeInput() }

  /// The environment this process was started with.
  public static func currentEnvironment() -> [String: String] {
    // The C global `environ` may change under a reader; the kernel's copy cannot.
    guard let bytes = readWholeFile("/proc/self/environ", bytesMax: environmentBytesMax) else { return [:] }
    var result: [String: String] = [:]
    for entry in bytes.split(separator: 0) {
      guard let equals = entry.firstIndex(of: UInt8(ascii: "=")) else { continue }
      result[String(decoding: entry[..<equals], as: UTF8.self)] = String(decoding: entry[(equals + 1)...], as: UTF8.self)
    }
    return result
  }

  /// The longest line kept, in bytes.
  public static let lineBytesMax = 65_536
  /// Lines kept for a reader; later ones are dropped until it takes some.
  public static let linesMax = 1_000
  static let environmentBytesMax = 4 << 20

  private func watch() throws(ThreadFailure) {
    _ = try OwnedThread.start(name: "helper-wait") { [self] in
      // First see the end, then reap under the lock: between the two the id still belongs to the child.
      var info = siginfo_t()
      while waitid(P_PID, id_t(self.pid), &info, WEXITED | WNOWAIT) < 0, errno == EINTR {}
      let status = self.reaped.withLock { reaped in
        var status: Int32 = -1
        _ = cprocess_wait(self.pid, 1, &status)
        reaped = true
        return status
      }
      self.exit.settle(status)
    }
  }

  private func readLines(from descriptor: Int32, copy: String?) throws(ThreadFailure) {
    // Holds the lines, not the process: a child that nobody holds any more may still write.
    let lines = self.lines
    _ = try OwnedThread.start(name: "helper-read") {
      let file = copy.map { open($0, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600) } ?? -1
      var line: [UInt8] = []
      var chunk = [UInt8](repeating: 0, count: 4096)
      while true {
        let count = read(descriptor, &chunk, chunk.count)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { break }
        if file >= 0 { _ = write(file, chunk, count) }
        for byte in chunk[..<count] {
          if byte == UInt8(ascii: "\n") {
            lines.add(String(decoding: line, as: UTF8.self))
            line.removeAll(keepingCapacity: true)
          } else if line.count < HelperProcess.lineBytesMax {
            line.append(byte)
          }
        }
      }
      if !line.isEmpty { lines.add(String(decoding: line, as: UTF8.self)) }
      lines.finish()
      close(descriptor)
      if file >= 0 { close(file) }
    }
  }
}

extension HelperProcess.Output {
  /// The same for a child of which only the first line matters: see ``HelperProcess/firstLine(within:)``.
  public static func firstLine(thenFile copy: String?) -> HelperProcess.Output { .lines(copy: copy) }

  var copyFile: String? {
    if case .lines(let file) = self { return file }
    return nil
  }
}

/// Finds programs by name.
public enum Executables {
  /// The folder of the running executable, without a trailing slash; nil when the kernel does not say.
  public static func ownFolder() -> String? {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
    guard count > 0 else { return nil }
    let path = buffer[..<count].map { UInt8(bitPattern: $0) }
    guard let slash = path.lastIndex(of: UInt8(ascii: "/")), slash > 0 else { return nil }
    return String(decoding: path[..<slash], as: UTF8.self)
  }

  /// The executable called `name` in the folder of the running one: how a service finds its siblings.
  public static func beside(_ name: String) -> String? {
    guard let folder = Executables.ownFolder() else { return nil }
    return Executables.ifExecutable(folder + "/" + name)
  }

  /// The executable called `name` in a folder of `PATH`.
  public static func onPath(_ name: String, path: String? = HelperProcess.currentEnvironment()["PATH"]) -> String? {
    for folder in (path ?? "/usr/local/bin:/usr/bin:/bin").split(separator: ":") {
      if let found = Executables.ifExecutable(folder + "/" + name) { return found }
    }
    return nil
  }

  /// Beside the running executable first, then on `PATH`.
  public static func find(_ name: String) -> String? { Executables.beside(name) ?? Executables.onPath(name) }

  static func ifExecutable(_ path: String) -> String? {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG, access(path, X_OK) == 0 else { return nil }
    return path
  }
}

/// The descriptors of one start: the child's side is closed here after the fork, the parent's side is kept.
private struct LaunchDescriptors: Sendable {
  var input: Int32 = -1
  var output: Int32 = -1
  var error: Int32 = -1
  var inputWriter: Int32 = -1
  var lineReader: Int32 = -1

  init(_ launch: HelperProcess.Launch) throws(HelperFailure) {
    do {
      if launch.pipesInput { (self.input, self.inputWriter) = try LaunchDescriptors.makePipe() }
      switch launch.standardOutput {
      case .discard: break
      case .file(let path): self.output = try LaunchDescriptors.openLog(path)
      case .lines: (self.lineReader, self.output) = try LaunchDescriptors.makePipe()
      }
      switch launch.standardError {
      case .file(let path), .lines(.some(let path)): self.error = try LaunchDescriptors.openLog(path)
      case .discard, .lines(nil): break
      }
    } catch {
      self.closeChildSide()
      self.closeParentSide()
      throw error
    }
  }

  mutating func closeChildSide() {
    for descriptor in [self.input, self.output, self.error] where descriptor >= 0 { close(descriptor) }
    (self.input, self.output, self.error) = (-1, -1, -1)
  }

  mutating func closeParentSide() {
    for descriptor in [self.inputWriter, self.lineReader] where descriptor >= 0 { close(descriptor) }
    (self.inputWriter, self.lineReader) = (-1, -1)
  }

  private static func makePipe() throws(HelperFailure) -> (reader: Int32, writer: Int32) {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw HelperFailure("a pipe could not be made: \(systemText(errno))") }
    // `pipe2` is not imported; a fork between the two calls is one of ours, and those close every other descriptor.
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
  }

  private static func openLog(_ path: String) throws(HelperFailure) -> Int32 {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw HelperFailure("\(path) cannot be written: \(systemText(errno))") }
    return descriptor
  }
}

/// The one thread on which all forks happen. It never ends, so that the parent-death signal comes only with the process's end.
private final class Forks: Sendable {
  typealias Outcome = Result<Int32, HelperFailure>

  static let shared = Forks()
  private struct State {
    var jobs: [@Sendable () -> Void] = []
    var isRunning = false
  }
  private let state = Mutex(State())
  private let wake = DispatchSemaphore(value: 0)

  func fork(_ launch: HelperProcess.Launch, _ descriptors: LaunchDescriptors) async -> Outcome {
    do throws(ThreadFailure) {
      try self.startThread()
    } catch {
      return .failure(HelperFailure(error.description))
    }
    return await withCheckedContinuation { continuation in
      self.state.withLock { $0.jobs.append { continuation.resume(returning: Forks.forkNow(launch, descriptors)) } }
      self.wake.signal()
    }
  }

  private func startThread() throws(ThreadFailure) {
    let isFirst = self.state.withLock { state in
      defer { state.isRunning = true }
      return !state.isRunning
    }
    guard isFirst else { return }
    do throws(ThreadFailure) {
      _ = try OwnedThread.start(name: "helper-forks") {
        while true {
          self.wake.wait()
          let job = self.state.withLock { $0.jobs.isEmpty ? nil : $0.jobs.removeFirst() }
          job?()
        }
      }
    } catch {
      self.state.withLock { $0.isRunning = false }
      throw error
    }
  }

  private static func forkNow(_ launch: HelperProcess.Launch, _ descriptors: LaunchDescriptors) -> Outcome {
    let arguments = [launch.executable] + launch.arguments
    let environment = launch.environment.map { $0.key + "=" + $0.value }.sorted()
    var arena = CStringArena()
    let argumentOffsets = arguments.map { arena.add($0) }
    let environmentOffsets = environment.map { arena.add($0) }
    let directory = launch.directory.map { arena.add($0) }
    return arena.bytes.withUnsafeMutableBufferPointer { bytes -> Outcome in
      guard let base = bytes.baseAddress else { return .failure(HelperFailure("no program was named")) }
      var argv: [UnsafeMutablePointer<CChar>?] = argumentOffsets.map { base + $0 } + [nil]
      var envp: [UnsafeMutablePointer<CChar>?] = environmentOffsets.map { base + $0 } + [nil]
      let pid = cprocess_start(
        base + argumentOffsets[0], &argv, &envp, directory.map { UnsafePointer(base + $0) },
        descriptors.input, descriptors.output, descriptors.error, launch.tied ? 1 : 0)
      guard pid > 0 else { return .failure(HelperFailure("\(launch.executable) could not be started: \(systemText(errno))")) }
      return .success(pid)
    }
  }
}

/// Many C strings in one allocation, addressed by offset, because pointers must all be alive for one call.
private struct CStringArena {
  var bytes: [CChar] = []

  mutating func add(_ text: String) -> Int {
    let offset = self.bytes.count
    self.bytes += text.utf8.map { CChar(bitPattern: $0) } + [0]
    return offset
  }
}

/// Lines that were read and that nobody has asked for yet, or the one who waits for the next.
private final class LineBox: Sendable {
  private struct State {
    var lines: [String] = []
    var isFinished = false
    var waiter: Settlement<String?>?
  }
  private let state = Mutex(State())

  func add(_ line: String) {
    let waiter = self.state.withLock { state -> Settlement<String?>? in
      if let waiter = state.waiter {
        state.waiter = nil
        return waiter
      }
      if state.lines.count < HelperProcess.linesMax { state.lines.append(line) }
      return nil
    }
    waiter?.settle(line)
  }

  func finish() {
    let waiter = self.state.withLock { state in
      state.isFinished = true
      defer { state.waiter = nil }
      return state.waiter
    }
    waiter?.settle(nil)
  }

  /// One reader at a time; a second one takes the place of the first, which hears nil.
  func next(within limit: Duration) async -> String? {
    let mine = Settlement<String?>()
    let earlier = self.state.withLock { state -> Settlement<String?>? in
      if !state.lines.isEmpty {
        mine.settle(state.lines.removeFirst())
      } else if state.isFinished {
        mine.settle(nil)
      } else {
        defer { state.waiter = mine }
        return state.waiter
      }
      return nil
    }
    earlier?.settle(nil)
    let line = await mine.value(within: limit) ?? nil
    let late = self.state.withLock { state -> Bool in
      if state.waiter === mine { state.waiter = nil }
      return line == nil
    }
    // A line that came between the end of the limit and here is not lost.
    if late, let value = mine.value, let value { return value }
    return line
  }
}

/// A value that arrives once, from any thread, and that tasks await with a limit. The first settlement stands.
final class Settlement<Value: Sendable>: Sendable {
  private struct State {
    var value: Value?
    var waiters: [Int: CheckedContinuation<Value?, Never>] = [:]
    var cancelled: Set<Int> = []
    var waiterNext = 0
  }
  private let state = Mutex(State())

  var value: Value? { self.state.withLock { $0.value } }

  func settle(_ value: Value) {
    let waiters = self.state.withLock { state -> [CheckedContinuation<Value?, Never>] in
      guard state.value == nil else { return [] }
      state.value = value
      defer { state.waiters = [:] }
      return Array(state.waiters.values)
    }
    for waiter in waiters { waiter.resume(returning: value) }
  }

  /// nil when the limit passed or the task was cancelled first.
  func value(within limit: Duration) async -> Value? {
    await withTaskGroup(of: Value?.self) { group in
      group.addTask { await self.wait() }
      group.addTask {
        try? await Task.sleep(for: limit)
        return nil
      }
      let first = await group.next() ?? nil
      group.cancelAll()
      return first
    }
  }

  private func wait() async -> Value? {
    let id = self.state.withLock { state in
      state.waiterNext += 1
      return state.waiterNext
    }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let now: Value?? = self.state.withLock { state in
          if let value = state.value { return .some(value) }
          if state.cancelled.remove(id) != nil { return .some(nil) }
          state.waiters[id] = continuation
          return nil
        }
        if let now { continuation.resume(returning: now) }
      }
    } onCancel: {
      let waiter = self.state.withLock { state -> CheckedContinuation<Value?, Never>? in
        if let waiter = state.waiters.removeValue(forKey: id) { return waiter }
        if state.value == nil { state.cancelled.insert(id) }
        return nil
      }
      waiter?.resume(returning: nil)
    }
  }
}

func systemText(_ code: Int32) -> String {
  var buffer = [CChar](repeating: 0, count: 256)
  guard strerror_r(code, &buffer, buffer.count) == 0 else { return "error \(code)" }
  return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

func readWholeFile(_ path: String, bytesMax: Int) -> [UInt8]? {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { return nil }
  defer { close(descriptor) }
  var result: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 16_384)
  while result.count < bytesMax {
    let count = read(descriptor, &chunk, chunk.count)
    if count < 0, errno == EINTR { continue }
    guard count > 0 else { break }
    result += chunk[..<count]
  }
  return result
}
