// What the kernel knows of a process: time on the processors, memory. From /proc, for all contestants alike.
import Glibc

enum ProcessFigures {
  /// User and system time of a process, and of its ended children, in seconds. nil when there is no such process.
  struct Times: Equatable {
    let own: Double
    let endedChildren: Double
    let parent: Int32
  }

  struct Memory: Equatable {
    let residentMebibytes: Double
    /// The most it ever was.
    let peakMebibytes: Double
  }

  static let ticksPerSecond = Double(sysconf(Int32(_SC_CLK_TCK)))

  static func times(of pid: Int32) -> Times? { read("/proc/\(pid)/stat").flatMap { times(stat: $0, ticksPerSecond: ticksPerSecond) } }

  /// Fields are counted behind the last parenthesis: a program's name may hold anything.
  static func times(stat: String, ticksPerSecond: Double) -> Times? {
    guard let end = stat.lastIndex(of: ")") else { return nil }
    let fields = stat[stat.index(after: end)...].split(separator: " ")
    guard fields.count > 14, let parent = Int32(fields[1]), let user = Double(fields[11]), let system = Double(fields[12]),
      let childrenUser = Double(fields[13]), let childrenSystem = Double(fields[14])
    else { return nil }
    return Times(own: (user + system) / ticksPerSecond, endedChildren: (childrenUser + childrenSystem) / ticksPerSecond, parent: parent)
  }

  static func memory(of pid: Int32) -> Memory? { read("/proc/\(pid)/status").flatMap { memory(status: $0) } }

  static func memory(status: String) -> Memory? {
    func kibibytes(_ name: String) -> Double? {
      status.split(separator: "\n").first { $0.hasPrefix(name + ":") }.flatMap { line in
        line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Double($0) }
      }
    }
    guard let resident = kibibytes("VmRSS"), let peak = kibibytes("VmHWM") else { return nil }
    return Memory(residentMebibytes: resident / 1_024, peakMebibytes: peak / 1_024)
  }

  /// Time of PostgreSQL: the postmaster with its ended children, and every server process that is its child.
  static func postgresSeconds(postmaster: Int32) -> Double {
    var total = 0.0
    for pid in processes() {
      guard let times = times(of: pid) else { continue }
      if pid == postmaster { total += times.own + times.endedChildren } else if times.parent == postmaster { total += times.own }
    }
    return total
  }

  private static func processes() -> [Int32] {
    guard let folder = opendir("/proc") else { return [] }
    defer { closedir(folder) }
    var found: [Int32] = []
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) } }
      if let pid = Int32(name) { found.append(pid) }
    }
    return found
  }

  private static func read(_ path: String) -> String? { SmallFile.read(path) }
}

/// Files that are read whole.
enum SmallFile {
  static func read(_ path: String) -> String? { bytes(path).map { String(decoding: $0, as: UTF8.self) } }

  static func bytes(_ path: String) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var result: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return count == 0 ? result : nil }
      result += chunk[..<count]
    }
  }
}
