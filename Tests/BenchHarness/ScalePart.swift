// One, two and four processes of `profile` on as many partitions: each has its own share, and nobody waits for another.

struct ScalePart: Sendable {
  static let figures = ["scale_2_vs_1", "scale_4_vs_1"]
  let bench: Bench
  let stream: OrderStream

  func run(_ report: inout Report) async throws {
    var rates: [Int: Double] = [:]
    var table = TextTable(
      "processes of profile, one partition each: \(stream.orders.count) events, medians of \(bench.options.rounds) rounds",
      ["processes", "events/s", "x one", "own us", "PostgreSQL us"])
    for processes in [1, 2, 4] {
      let path = HotPath(bench: bench, partitions: processes, processes: processes)
      try await path.startKafka()
      var runs: [HotPathRun] = []
      for round in 1...bench.options.rounds {
        try await path.makeTables()
        let run = try await path.run(stream)
        try await path.check(run, published: stream.expected, stored: stream.expected)
        runs.append(run)
        bench.say("round \(round) \(processes) processes \(NumberText.grouped(run.rate))/s")
      }
      let rate = Statistics.median(runs.map(\.rate)) ?? 0
      rates[processes] = rate
      let share = Statistics.ratio(rate, rates[1]).map { NumberText.fixed($0, 2) } ?? "-"
      let costs = [\HotPathRun.ownMicroseconds, \.postgresMicroseconds].map { cost in
        Statistics.median(runs.map { $0[keyPath: cost] }).map { NumberText.fixed($0, 1) } ?? "-"
      }
      table.rows.append([String(processes), NumberText.grouped(rate), share] + costs)
    }
    await bench.ground.dropDatabase(HotPath.database)
    await bench.ground.stopKafka()
    report.tables.append(table)
    for processes in [2, 4] { report.figures.append(Figure("scale_\(processes)_vs_1", Statistics.ratio(rates[processes], rates[1]), digits: 2)) }
  }
}
