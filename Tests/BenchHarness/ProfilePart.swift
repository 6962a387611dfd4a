// The hot path of `profile` beside the rivals, in interleaved rounds.

struct ProfilePart: Sendable {
  let bench: Bench
  let rivals: Rivals?
  let reason: String
  let stream: OrderStream

  static let figures = ["profile_vs_floor", "profile_vs_rust", "profile_vs_python", "postgres_cpu_vs_floor", "own_cpu_vs_rust", "events_per_second"]

  func run(_ report: inout Report) async throws {
    let names = contestants
    let path = HotPath(bench: bench)
    try await path.startKafka()
    if !names.isEmpty { try await bench.ground.makeDatabase(Rivals.database) }
    var others: [String: [Rivals.Result]] = [:]
    var own: [HotPathRun] = []
    for round in 1...bench.options.rounds {
      for name in names {
        guard let result = try await rivals?.once(name, bench) else { continue }
        others[name, default: []].append(result)
        bench.say("round \(round) \(name) \(NumberText.grouped(result.rate))/s")
      }
      let result = try await once(path, stream)
      own.append(result)
      bench.say("round \(round) profile \(NumberText.grouped(result.rate))/s, published after \(NumberText.fixed(result.publishedSeconds, 2)) s")
    }
    await bench.ground.dropDatabase(Rivals.database)
    await bench.ground.dropDatabase(HotPath.database)
    await bench.ground.stopKafka()
    add(names, others, own, to: &report)
  }

  /// Rivals run with their own 200,000 events or not at all.
  private var contestants: [String] {
    guard rivals != nil, bench.options.events == BenchOptions.eventsDefault else { return [] }
    return Rivals.usual + (bench.options.hasAllRivals ? Rivals.toLearnFrom : [])
  }

  private func once(_ path: HotPath, _ stream: OrderStream) async throws -> HotPathRun {
    try await path.makeTables()
    let run = try await path.run(stream)
    try await path.check(run, published: stream.expected, stored: stream.expected)
    return run
  }

  private func add(_ names: [String], _ others: [String: [Rivals.Result]], _ own: [HotPathRun], to report: inout Report) {
    func median(_ name: String, _ value: (Rivals.Result) -> Double) -> Double? { Statistics.median((others[name] ?? []).map(value)) }
    func median(_ value: (HotPathRun) -> Double) -> Double? { Statistics.median(own.map(value)) }
    let floor = median("floor-1", \.rate)
    let rate = median(\.rate)
    var table = TextTable(
      "hot path: \(bench.options.events) events, empty tables, medians of \(own.count) rounds",
      ["who", "events/s", "x floor-1", "own us", "PostgreSQL us", "WAL bytes", "published s", "RSS MB"])
    func text(_ value: Double?, _ digits: Int) -> String { value.map { NumberText.fixed($0, digits) } ?? "-" }
    func row(_ name: String, _ rate: Double?, _ own: Double?, _ postgres: Double?, _ rest: [String]) -> [String] {
      [name, rate.map(NumberText.grouped) ?? "-", text(Statistics.ratio(rate, floor), 2), text(own, 2), text(postgres, 1)] + rest
    }
    for name in names {
      table.rows.append(row(name, median(name, \.rate), median(name, \.ownMicroseconds), median(name, \.postgresMicroseconds), ["-", "-", "-"]))
    }
    table.rows.append(
      row(
        "profile", rate, median(\.ownMicroseconds), median(\.postgresMicroseconds),
        [text(median(\.walBytes), 0), text(median(\.publishedSeconds), 2), text(median(\.peakMebibytes), 0)]))
    report.tables.append(table)
    let why = names.isEmpty ? (rivals == nil ? reason : "the rivals run with \(BenchOptions.eventsDefault) events only") : ""
    func figure(_ name: String, _ value: Double?) { report.figures.append(Figure(name, value, digits: 3, reason: value == nil ? why : nil)) }
    figure("profile_vs_floor", Statistics.ratio(rate, floor))
    figure("profile_vs_rust", Statistics.ratio(rate, median("rust-best", \.rate)))
    figure("profile_vs_python", Statistics.ratio(rate, median("python", \.rate)))
    figure("postgres_cpu_vs_floor", Statistics.ratio(median(\.postgresMicroseconds), median("floor-1", \.postgresMicroseconds)))
    figure("own_cpu_vs_rust", Statistics.ratio(median(\.ownMicroseconds), median("rust-best", \.ownMicroseconds)))
    report.figures.append(Figure("events_per_second", rate, digits: 0))
  }
}
