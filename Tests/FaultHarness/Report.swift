// What a run found, for people and as JSON.
public import Failpoints
import Text

/// What became of one planted mistake.
public struct MutantVerdict: Sendable {
  public let mutant: Mutant
  /// The statements that broke with the mistake.
  public let caughtBy: [Finding]
  /// The statements that broke without it: must be empty.
  public let brokenWithout: [Finding]
  /// Why it could not be tried.
  public let failure: String?

  public init(mutant: Mutant, caughtBy: [Finding], brokenWithout: [Finding], failure: String? = nil) {
    self.mutant = mutant
    self.caughtBy = caughtBy
    self.brokenWithout = brokenWithout
    self.failure = failure
  }

  public var isCaught: Bool { failure == nil && !caughtBy.isEmpty && brokenWithout.isEmpty }
}

public struct Report: Sendable {
  public var runs: [RunResult] = []
  public var mutants: [MutantVerdict] = []
  public var failures: [String] = []

  public init() {}

  public var isGood: Bool { failures.isEmpty && runs.allSatisfy(\.findings.holds) && mutants.allSatisfy(\.isCaught) }

  private var findings: [Finding] { runs.flatMap(\.findings) }

  /// The lines other programs read.
  public var closing: [String] {
    [
      ("kills", runs.reduce(0) { $0 + $1.tally.kills }), ("events", runs.reduce(0) { $0 + $1.events }), ("lost", Int(findings.sum(.lost))),
      ("duplicated", Int(findings.sum(.duplicated))), ("reordered", Int(findings.sum(.reordered))), ("mutants", mutants.count),
      ("mutants_caught", mutants.count(where: \.isCaught)),
    ].map { "faults \($0.0) \($0.1)" }
  }

  // MARK: - Text

  public static func text(_ run: RunResult) -> [String] {
    var lines = [
      "",
      "\(run.name), seed \(run.seed): \(run.events) records, \(run.tally.kills) kills, \(Int(run.seconds)) s, "
        + "caught up \(Int(run.settleSeconds)) s after the last fault",
    ]
    lines += run.notRun.map { "not run: \($0)" }
    lines.append("")
    for finding in run.findings {
      let numbers = pad("\(finding.broken) of \(finding.examined)", 22)
      lines.append("\(finding.holds ? "ok    " : "BROKEN") \(pad(finding.invariant, 4))\(numbers)\(finding.statement)")
      if !finding.detail.isEmpty { lines.append("            \(finding.detail)") }
    }
    lines.append("")
    lines.append("records in suite topics \(run.records), of them copies that readers drop \(run.copies)")
    lines.append("")
    lines.append("\(pad("fault", 60))injected  recovered  p50 s  p99 s")
    for (kind, count) in run.tally.injected.sorted(by: { $0.key < $1.key }) {
      let seconds = run.tally.seconds[kind] ?? []
      let p50 = Tally.percentile(seconds, 50).map(rounded) ?? "-"
      let p99 = Tally.percentile(seconds, 99).map(rounded) ?? "-"
      lines.append("\(pad(kind, 60))\(pad(left: String(count), 8))\(pad(left: String(seconds.count), 11))\(pad(left: p50, 7))\(pad(left: p99, 7))")
    }
    return lines
  }

  public static func text(_ verdict: MutantVerdict) -> [String] {
    let name = pad(verdict.mutant.rawValue, 30)
    if let failure = verdict.failure { return ["FAILED \(name)\(failure)"] }
    var lines: [String] = []
    for finding in verdict.brokenWithout {
      lines.append("BROKEN \(name)without the mistake: \(finding.invariant) \(finding.statement): \(finding.broken) \(finding.detail)")
    }
    guard let first = verdict.caughtBy.first else { return lines + ["MISSED \(name)no statement broke"] }
    lines.append("caught \(name)\(first.invariant) \(first.statement): \(first.broken) of \(first.examined) (\(verdict.caughtBy.count) statements)")
    return lines
  }

  private static func rounded(_ seconds: Double) -> String {
    let tenths = Int((seconds * 10).rounded())
    return "\(tenths / 10).\(tenths % 10)"
  }

  private static func pad(_ text: String, _ width: Int) -> String { text + String(repeating: " ", count: max(1, width - text.count)) }
  private static func pad(left text: String, _ width: Int) -> String { String(repeating: " ", count: max(1, width - text.count)) + text }

  // MARK: - JSON

  public var json: String {
    func whole(_ number: some BinaryInteger) -> JSONValue { .integer(Int64(number)) }
    func milliseconds(_ seconds: Double?) -> JSONValue { seconds.map { .integer(Int64($0 * 1_000)) } ?? .null }
    let runs = runs.map { run -> JSONValue in
      let faults = run.tally.injected.sorted { $0.key < $1.key }.map { kind, count -> JSONValue in
        let seconds = run.tally.seconds[kind] ?? []
        return [
          "fault": .text(kind), "injected": whole(count), "recovered": whole(seconds.count), "p50_ms": milliseconds(Tally.percentile(seconds, 50)),
          "p99_ms": milliseconds(Tally.percentile(seconds, 99)),
        ]
      }
      return [
        "name": .text(run.name), "seed": .text(String(run.seed)), "events": whole(run.events), "kills": whole(run.tally.kills),
        "findings": .array(run.findings.map(Report.json)), "faults": .array(faults), "copies": whole(run.copies),
        "not_run": .array(run.notRun.map { .text($0) }), "seconds": whole(Int(run.seconds)),
      ]
    }
    let mutants = mutants.map { verdict -> JSONValue in
      [
        "mutant": .text(verdict.mutant.rawValue), "caught": .boolean(verdict.isCaught), "by": .array(verdict.caughtBy.map(Report.json)),
        "broken_without": .array(verdict.brokenWithout.map(Report.json)), "failure": .textOrNull(verdict.failure),
      ]
    }
    return JSONValue.object([
      JSONMember("good", .boolean(isGood)), JSONMember("runs", .array(runs)), JSONMember("mutants", .array(mutants)),
      JSONMember("failures", .array(failures.map { .text($0) })),
    ]).encodedText
  }

  private static func json(_ finding: Finding) -> JSONValue {
    [
      "invariant": .text(finding.invariant), "statement": .text(finding.statement), "examined": .integer(finding.examined),
      "broken": .integer(finding.broken), "detail": .text(finding.detail),
    ]
  }
}
