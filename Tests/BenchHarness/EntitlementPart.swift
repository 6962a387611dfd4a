// How fast a program is told what a customer may have (T-11): a steady stream of questions, each about another customer.
import HTTP
import Lifecycle
import Telemetry

struct EntitlementPart: Sendable {
  static let figures = ["entitlement_p99_ms"]
  static let database = "bench_entitlements"
  static let perSecond = 500
  static let warmSeconds = 3
  static let seconds = 20
  private static let path = "/entitlements?benefit=discount&value=5"

  let bench: Bench
  let stream: OrderStream

  func run(_ report: inout Report) async throws {
    let stored = RatedCustomers(bench: bench, stream: stream)
    try await stored.copy(to: EntitlementPart.database)
    let service = try await stored.serve(EntitlementPart.database)
    bench.say("asking what customers may have, \(EntitlementPart.perSecond) times a second")
    let milliseconds = try await ask(service)
    try await service.stop()
    await bench.ground.dropDatabase(EntitlementPart.database)
    await bench.ground.stopKafka()
    var table = TextTable(
      "GET /v1/customers/{id}/entitlements over loopback, \(EntitlementPart.perSecond) a second for \(EntitlementPart.seconds) s, each of another customer",
      ["", "p50 ms", "p90 ms", "p99 ms", "max ms"])
    func text(_ percent: Double) -> String { Statistics.percentile(percent, of: milliseconds).map { NumberText.fixed($0, 2) } ?? "-" }
    table.rows.append(["asked to answered", text(50), text(90), text(99), text(100)])
    report.tables.append(table)
    report.figures.append(Figure("entitlement_p99_ms", Statistics.percentile(99, of: milliseconds), digits: 2))
  }

  /// Questions go out at their time whether or not the ones before are answered: a slow answer delays no question.
  private func ask(_ service: RunningService) async throws -> [Double] {
    let client = HTTPClient(name: "bench-entitlements")
    let warm = EntitlementPart.warmSeconds * EntitlementPart.perSecond
    let count = warm + EntitlementPart.seconds * EntitlementPart.perSecond
    let customers = bench.options.customers
    let pace = Duration.nanoseconds(1_000_000_000 / EntitlementPart.perSecond)
    let answers = try await withThrowingTaskGroup(of: (number: Int, milliseconds: Double).self) { group in
      let began = ContinuousClock.now
      for number in 0..<count {
        if bench.stop.isStopping { throw Stopped() }
        let early = began + pace * number - ContinuousClock.now
        if early > .zero { _ = await bench.stop.wait(atMost: early) }
        let url = service.url + "/v1/customers/\(SnapshotRecords.customer(number % customers + 1))\(EntitlementPart.path)"
        group.addTask {
          let asked = SystemTime.monotonicNanoseconds()
          let answer = try await client.get(url)
          guard answer.status == .ok else { throw BenchFailure("tiering answers \(answer.status.rawValue) to \(url)") }
          return (number, Double(SystemTime.monotonicNanoseconds() - asked) / 1e6)
        }
      }
      var answers: [(number: Int, milliseconds: Double)] = []
      for try await answer in group { answers.append(answer) }
      return answers
    }
    await client.close()
    return answers.filter { $0.number >= warm }.map(\.milliseconds)
  }
}
