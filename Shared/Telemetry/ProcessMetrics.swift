// The metrics every Prometheus client offers about its own process, read from /proc whenever the text is made.
import Glibc

extension Metrics {
  /// Adds `process_*`: memory, processor time, descriptors, threads and start of this process.
  public func addProcessMetrics() {
    self.gauge("process_resident_memory_bytes", help: "Resident memory of the process in bytes.") {
      ProcessFacts.residentBytes() ?? .nan
    }
    self.counter("process_cpu_seconds_total", help: "User and system processor time of the process in seconds.") {
      ProcessFacts.processorSeconds()
    }
    self.gauge("process_open_fds", help: "Open file descriptors of the process.") { ProcessFacts.openDescriptors() ?? .nan }
    self.gauge("process_max_fds", help: "Most file descriptors the process may open.") { ProcessFacts.descriptorsMax() }
    self.gauge("process_threads", help: "Threads of the process.") { ProcessFacts.statField(20) ?? .nan }
    // Does not change while the process lives.
    let started = ProcessFacts.startUnixSeconds() ?? .nan
    self.gauge("process_start_time_seconds", help: "Start of the process in seconds since 1970.") { started }
  }
}

/// Facts about this process from the kernel. Reading /proc does not wait for a disk.
enum ProcessFacts {
  /// More than the longest of the files read here; /proc/stat has its longest lines, one per interrupt, after the one needed.
  private static let fileBytesMax = 65_536

  static func residentBytes() -> Double? {
    guard let pages = self.words("/proc/self/statm").dropFirst().first.flatMap({ Double($0) }) else { return nil }
    return pages * Double(sysconf(Int32(_SC_PAGESIZE)))
  }

  static func processorSeconds() -> Double {
    var used = rusage()
    guard getrusage(RUSAGE_SELF.rawValue, &used) == 0 else { return .nan }
    let seconds = Double(used.ru_utime.tv_sec + used.ru_stime.tv_sec)
    return seconds + Double(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1_000_000
  }

  static func openDescriptors() -> Double? {
    guard let folder = opendir("/proc/self/fd") else { return nil }
    defer { closedir(folder) }
    var entries = 0
    while readdir(folder) != nil { entries += 1 }
    // Not counted: the two dots and the descriptor of this very reading.
    return Double(max(0, entries - 3))
  }

  static func descriptorsMax() -> Double {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return .nan }
    return limit.rlim_cur == rlim_t.max ? .infinity : Double(limit.rlim_cur)
  }

  static func startUnixSeconds() -> Double? {
    guard let ticks = self.statField(22), let boot = self.bootUnixSeconds() else { return nil }
    return boot + ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
  }

  private static func bootUnixSeconds() -> Double? {
    let line = self.read("/proc/stat").split(separator: "\n").first { $0.hasPrefix("btime ") }
    return line.flatMap { Double($0.dropFirst(6)) }
  }

  /// A numeric field of /proc/self/stat, counted from 1 as in its manual page. The second is the program's name in parentheses, which
  /// may hold spaces and parentheses, so counting begins after the last one.
  static func statField(_ number: Int) -> Double? {
    let text = self.read("/proc/self/stat")
    guard let end = text.lastIndex(of: ")") else { return nil }
    let fields = text[text.index(after: end)...].split(separator: " ")
    let place = number - 3
    guard fields.indices.contains(place) else { return nil }
    return Double(fields[place])
  }

  private static func words(_ path: String) -> [Substring] { self.read(path).split(separator: " ") }

  private static func read(_ path: String) -> String {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return "" }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: Self.fileBytesMax)
    var used = 0
    while used < bytes.count {
      let count = bytes.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress?.advanced(by: used), $0.count - used) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { break }
      used += count
    }
    return String(decoding: bytes.prefix(used), as: UTF8.self)
  }
}
