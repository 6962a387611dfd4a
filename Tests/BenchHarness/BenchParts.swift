// Which part measures what, and what is said where a part cannot run.
import Lifecycle
import Synchronization

/// Runs the parts of one run; what several of them need is found once.
final class BenchParts: Sendable {
  private struct Found {
    var rivals: Rivals?
    var reason = ""
    var stream: OrderStream
  }
  private let bench: Bench
  private let found = Mutex<Found?>(nil)

  init(_ bench: Bench) { self.bench = bench }

  /// The closing lines of a part; without what it needs they say none.
  static func figures(of part: BenchPart) -> [String] {
    switch part {
    case .json: JSONPart.figures
    case .profile: ProfilePart.figures
    case .latency: LatencyPart.figures
    case .scores: ScoresPart.figures
    case .memory: MemoryPart.figures
    case .import: ImportPart.figures
    case .scale: ScalePart.figures
    case .rerate: ReratePart.figures
    case .population: PopulationPart.figures
    case .entitlements: EntitlementPart.figures
    case .deadlines: DeadlinePart.figures
    case .desk: DeskPart.figures
    case .knowledge: KnowledgePart.figures
    case .answers: AnswerPart.figures
    case .console: ConsolePart.figures
    case .large: LargePart.figures
    }
  }

  private static func needsKafka(_ part: BenchPart) -> Bool { ![.json, .scores, .desk, .knowledge].contains(part) }

  /// Runs one part. What fails is told, and the other parts go on.
  func run(_ part: BenchPart) async -> Report {
    var report = Report()
    func none(_ reason: String) {
      for name in BenchParts.figures(of: part) where !report.figures.contains(where: { $0.name == name }) {
        report.figures.append(Figure(name, nil, digits: 0, reason: reason))
      }
    }
    guard bench.ground.hasKafka || !BenchParts.needsKafka(part) else {
      none("there is no Apache Kafka: set KAFKA_HOME")
      return report
    }
    bench.say("measuring \(part.rawValue)")
    do {
      // First of all: its lock keeps a second bench out of this folder.
      if BenchParts.needsKafka(part) { _ = try await bench.ground.postgres() }
      try await measure(part, &report)
    } catch is Stopped {
      none("the run was stopped")
    } catch {
      report.failures.append("\(part.rawValue): \(error)")
      none("the part failed")
    }
    // After a failure something may still run.
    await bench.ground.stopServices()
    return report
  }

  private func measure(_ part: BenchPart, _ report: inout Report) async throws {
    let found = try await find()
    switch part {
    case .json: try await JSONPart(bench: bench, stream: found.stream).run(&report)
    case .profile: try await ProfilePart(bench: bench, rivals: found.rivals, reason: found.reason, stream: found.stream).run(&report)
    case .latency: try await LatencyPart(bench: bench).run(&report)
    case .scores: try await ScoresPart(bench: bench, stream: found.stream).run(&report)
    case .memory: try await MemoryPart(bench: bench, stream: found.stream).run(&report)
    case .import: try await ImportPart(bench: bench).run(&report)
    case .scale: try await ScalePart(bench: bench, stream: found.stream).run(&report)
    case .rerate: try await ReratePart(bench: bench, stream: found.stream).run(&report)
    case .population: try await PopulationPart(bench: bench, stream: found.stream).run(&report)
    case .entitlements: try await EntitlementPart(bench: bench, stream: found.stream).run(&report)
    case .deadlines: try await DeadlinePart(bench: bench).run(&report)
    case .desk: try await DeskPart(bench: bench).run(&report)
    case .knowledge: try await KnowledgePart(bench: bench).run(&report)
    case .answers: try await AnswerPart(bench: bench).run(&report)
    case .console: try await ConsolePart(bench: bench).run(&report)
    case .large: try await LargePart(bench: bench, rivals: found.rivals, reason: found.reason, stream: found.stream).run(&report)
    }
  }

  private func find() async throws -> Found {
    if let found = found.withLock({ $0 }) { return found }
    let (rivals, reason) = try await Rivals.find(bench)
    if rivals == nil { bench.say("bench: without rivals: \(reason)") }
    let stream = try await rivals?.events(bench) ?? OrderStream.made(count: bench.options.events)
    let new = Found(rivals: rivals, reason: reason, stream: stream)
    found.withLock { $0 = new }
    return new
  }
}
