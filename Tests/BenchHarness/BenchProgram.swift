// The program `bench`: chooses the parts, runs them one after the other, prints what they found, and leaves nothing running.
import Dispatch
import Embedded
import Glibc
import Lifecycle

public enum BenchProgram {
  /// Returns the exit status: 0 when everything asked for was measured, 1 when something failed or was wrong, 2 for arguments that cannot be used.
  public static func main(_ arguments: some Sequence<String>) async -> Int32 {
    let options: BenchOptions
    do throws(BenchOptions.Refusal) {
      options = try BenchOptions(arguments, environment: HelperProcess.currentEnvironment())
    } catch {
      say("bench: \(error)")
      return 2
    }
    if options.wantsHelp {
      show([BenchOptions.help])
      return 0
    }
    guard let folder = workFolder(options.folder) else {
      say("bench: \(options.folder) cannot be made")
      return 2
    }
    let stop = StopSignal()
    let interrupts = interrupts(stop)
    defer { withExtendedLifetime(interrupts) {} }
    let ground = Ground(folder: folder, kafkaHome: options.kafkaHome)
    let bench = Bench(options: options, ground: ground, stop: stop, say: say)
    let parts = BenchParts(bench)
    var report = Report()
    report.conditions = Conditions.found(options)
    for part in options.parts where !stop.isStopping {
      let measured = await parts.run(part)
      report.tables += measured.tables
      report.figures += measured.figures
      report.failures += measured.failures
    }
    await ground.stopAll()
    if stop.isStopping { report.failures.append("the run was stopped before its end") }
    for figure in report.figures where figure.value == nil { say("bench: no \(figure.name): \(figure.reason ?? "it was not measured")") }
    for failure in report.failures { say("bench: \(failure)") }
    show(options.json ? [report.json] : report.tables.flatMap { $0.lines + [""] })
    show(report.closing)
    return report.failures.isEmpty ? 0 : 1
  }

  private static func workFolder(_ path: String) -> String? {
    var made = path.hasPrefix("/") ? "/" : ""
    for name in path.split(separator: "/") {
      made += (made.isEmpty || made == "/" ? "" : "/") + name
      mkdir(made, 0o755)
    }
    return Rivals.absolute(path)
  }

  /// A first signal ends the run in order; the sources must be kept for as long as they are to be heard.
  private static func interrupts(_ stop: StopSignal) -> [any DispatchSourceSignal] {
    ProcessSignals.ignoreBrokenPipe()
    return ProcessSignals.termination.map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: DispatchQueue(label: "bench-signals"))
      source.setEventHandler { stop.stop(reason: .signal(number)) }
      source.activate()
      return source
    }
  }

  @Sendable private static func say(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = write(2, bytes, bytes.count)
  }

  private static func show(_ lines: [String]) {
    guard !lines.isEmpty else { return }
    let bytes = Array(lines.joined(separator: "\n").utf8) + [0x0A]
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes { write(1, $0.baseAddress?.advanced(by: sent), $0.count - sent) }
      guard count > 0 else { return }
      sent += count
    }
  }
}

/// What the machine and the programs are, for whoever compares runs.
enum Conditions {
  static func found(_ options: BenchOptions) -> [(name: String, text: String)] {
    let model = (SmallFile.read("/proc/cpuinfo") ?? "").split(separator: "\n").first { $0.hasPrefix("model name") }
    let name = model.flatMap { $0.split(separator: ":").last }.map { String($0.drop { $0 == " " }) } ?? "unknown"
    let kafka = options.kafkaHome.map { String($0.split(separator: "/").last ?? "") } ?? "none"
    let memory = (SmallFile.read("/proc/meminfo") ?? "").split(separator: "\n").first.map { String($0.drop { !$0.isNumber }) } ?? "unknown"
    return [("processors", "\(sysconf(Int32(_SC_NPROCESSORS_ONLN))) of \(name)"), ("memory", memory), ("kafka", kafka)]
  }
}
