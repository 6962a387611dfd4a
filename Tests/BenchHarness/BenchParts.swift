// Which part measures what, and what is said where a part cannot run.
import Lifecycle

enum BenchParts {
  /// The closing lines of a part; without what it needs they say none.
  static func figures(of part: BenchPart) -> [String] {
    switch part {
    case .profile: ProfilePart.figures
    default: []
    }
  }

  private static func needsKafka(_ part: BenchPart) -> Bool { part != .json && part != .scores }

  /// Runs one part. What fails is told, and the other parts go on.
  static func run(_ part: BenchPart, _ bench: Bench) async -> Report {
    var report = Report()
    guard bench.ground.hasKafka || !needsKafka(part) else {
      let reason = "there is no Apache Kafka: set KAFKA_HOME"
      report.figures = figures(of: part).map { Figure($0, nil, digits: 0, reason: reason) }
      return report
    }
    bench.say("measuring \(part.rawValue)")
    do {
      switch part {
      case .profile:
        let (rivals, reason) = try await Rivals.find(bench)
        try await ProfilePart(bench: bench, rivals: rivals, reason: reason).run(&report)
      default: throw BenchFailure("not there yet")
      }
    } catch is Stopped {
      return report
    } catch {
      report.failures.append("\(part.rawValue): \(error)")
      for name in figures(of: part) where !report.figures.contains(where: { $0.name == name }) {
        report.figures.append(Figure(name, nil, digits: 0, reason: "the part failed"))
      }
    }
    return report
  }
}
