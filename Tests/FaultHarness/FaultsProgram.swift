// The program `faults`: the large run, the full disk, the planted mistakes, a report and an exit status.
import Dispatch
import Embedded
import Failpoints
import Glibc
import Lifecycle
import Synchronization

public enum FaultsProgram {
  /// Returns the exit status: 0 when everything held and every mistake was noticed, 1 when not, 2 for arguments that cannot be used.
  public static func main(_ arguments: some Sequence<String>) async -> Int32 {
    let options: HarnessOptions
    do throws(HarnessOptions.Refusal) {
      options = try HarnessOptions(arguments, environment: HelperProcess.currentEnvironment())
    } catch {
      say("faults: \(error)")
      return 2
    }
    if options.wantsHelp {
      show([HarnessOptions.help])
      return 0
    }
    let stop = StopSignal()
    let interrupts = interrupts(stop)
    defer { withExtendedLifetime(interrupts) {} }
    mkdir(options.folder, 0o755)
    say("faults: seed \(options.seed), \(options.kafkaHome == nil ? "built-in broker" : "Apache Kafka"), folder \(options.folder)")
    var report = Report()
    if !options.onlyMutants {
      if options.kills > 0 || options.mutants.isEmpty { await run(Scenarios.large(options, folder: options.folder + "/kills"), stop, options, &report) }
      if geteuid() == 0 { await run(Scenarios.fullDisk(options, folder: options.folder + "/disk"), stop, options, &report) }
    }
    for mutant in options.mutants where !stop.isStopping {
      let verdict = await MutantTrial.verdict(mutant, options, stop, say: say)
      report.mutants.append(verdict)
      if !options.json { show(Report.text(verdict)) }
    }
    if stop.isStopping { report.failures.append("the run was stopped before its end") }
    show(options.json ? [report.json] : report.failures.map { "FAILED \($0)" } + [""])
    show(report.closing)
    if report.isGood { rmdir(options.folder) } else { say("faults: not everything held; logs are in \(options.folder), repeat with --seed \(options.seed)") }
    return report.isGood ? 0 : 1
  }

  private static func run(_ plan: RunPlan, _ stop: StopSignal, _ options: HarnessOptions, _ report: inout Report) async {
    guard !stop.isStopping else { return }
    do {
      let result = try await Run(plan, stop: stop, say: say).result()
      report.runs.append(result)
      if !options.json { show(Report.text(result)) }
    } catch {
      report.failures.append("\(plan.name): \(error)")
    }
  }

  /// A first signal ends the run in order; the sources must be kept for as long as they are to be heard.
  private static func interrupts(_ stop: StopSignal) -> [any DispatchSourceSignal] {
    ProcessSignals.ignoreBrokenPipe()
    return ProcessSignals.termination.map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: DispatchQueue(label: "faults-signals"))
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
    let bytes = Array(lines.joined(separator: "\n").utf8) + [0x0A]
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes { write(1, $0.baseAddress?.advanced(by: sent), $0.count - sent) }
      guard count > 0 else { return }
      sent += count
    }
  }
}

/// Runs a scenario with and without its mistake.
enum MutantTrial {
  static func verdict(_ mutant: Mutant, _ options: HarnessOptions, _ stop: StopSignal, say: @escaping @Sendable (String) -> Void) async -> MutantVerdict {
    do {
      say("\(mutant.rawValue): without it")
      let without = try await Run(Scenarios.provoking(mutant, options, folder: "\(options.folder)/\(mutant.rawValue)-off"), stop: stop, say: say).result()
      var plan = Scenarios.provoking(mutant, options, folder: "\(options.folder)/\(mutant.rawValue)-on")
      plan.mutant = mutant
      say("\(mutant.rawValue): with it")
      let with = try await Run(plan, stop: stop, say: say).result()
      return MutantVerdict(mutant: mutant, caughtBy: with.findings.broken, brokenWithout: without.findings.broken)
    } catch {
      return MutantVerdict(mutant: mutant, caughtBy: [], brokenWithout: [], failure: "\(error)")
    }
  }
}
