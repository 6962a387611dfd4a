// What other teams would have written: run by their own script, in a Python of their own, against the same servers.
import Embedded
import Glibc
import Lifecycle
import Text

struct Rivals: Sendable {
  /// One run of one rival, per event where not a rate.
  struct Result: Sendable, Equatable {
    let rate: Double
    let ownMicroseconds: Double
    let postgresMicroseconds: Double
    /// Only measured with many facts stored.
    var walBytes: Double?
  }

  static let usual = ["floor-1", "python", "rust-best"]
  static let toLearnFrom = ["rust-best-20k", "swift-o"]
  static let database = "rivals"

  let folder: String
  let python: String
  /// Where their events lie.
  let data: String

  /// The rivals, or why there are none.
  static func find(_ bench: Bench) async throws -> (rivals: Rivals?, reason: String) {
    let options = bench.options
    guard let folder = absolute(options.rivals), access(folder + "/bench.py", R_OK) == 0 else {
      return (nil, "there are no rivals in \(options.rivals)")
    }
    guard let python = options.python ?? Executables.onPath("python3") else { return (nil, "there is no python3") }
    let data = bench.ground.folder + "/rivals"
    mkdir(data, 0o755)
    let modules = "import confluent_kafka, psycopg, orjson"
    guard try await run(python, ["-c", modules], folder: data, log: data + "/modules.log", environment: [:], bench) == 0 else {
      return (nil, "the rivals need Python with confluent-kafka, psycopg and orjson (`make bench` installs them into .build/bench/python)")
    }
    return (Rivals(folder: folder, python: python, data: data), "")
  }

  static func absolute(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// Their 200,000 events, made once.
  func events(_ bench: Bench) async throws -> OrderStream {
    if access(data + "/expected.json", R_OK) != 0 {
      bench.say("making the events")
      let status = try await Rivals.run(python, [folder + "/gen_events.py"], folder: data, log: data + "/events.log", environment: [:], bench)
      guard status == 0 else { throw BenchFailure("the events could not be made: see \(data)/events.log") }
    }
    let stream = try OrderStream.read(data + "/events.ndjson", count: bench.options.events)
    guard bench.options.events == BenchOptions.eventsDefault else { return stream }
    guard let text = SmallFile.read(data + "/expected.json"), let expected = Rivals.sums(expected: text), expected == stream.expected else {
      throw BenchFailure("the events in \(data) do not come to what expected.json says: remove that folder")
    }
    return stream
  }

  static func sums(expected text: String) -> OrderStream.Sums? {
    guard let value = try? JSONValue(parsing: text), let orders = value["orders"]?.int64Value, let spend = value["spend"]?.stringValue,
      let cents = try? MinorUnits.parse(spend, digits: 2), let customers = value["customers"]?.int64Value
    else { return nil }
    return OrderStream.Sums(orders: orders, cents: cents, customers: customers)
  }

  // MARK: - Running them

  func once(_ name: String, _ bench: Bench) async throws -> Result {
    let lines = try await script("bench.py", ["--rounds", "1", "--data", data, name], database: Rivals.database, bench)
    guard let result = Rivals.result(of: name, in: lines) else { throw BenchFailure("the output of bench.py \(name) cannot be read: see \(log)") }
    return result
  }

  private var log: String { data + "/rivals.log" }

  /// Runs one of their scripts to its end; returns what it printed.
  func script(_ script: String, _ arguments: [String], database: String, _ bench: Bench) async throws -> String {
    unlink(log)
    let environment = [
      "BOOT": bench.ground.brokers, "PGDSN": try await bench.ground.keyValues(database), "PG_PID": String(bench.ground.postmaster),
      "PYTHONDONTWRITEBYTECODE": "1",
    ]
    let status = try await Rivals.run(python, ["\(folder)/\(script)"] + arguments, folder: data, log: log, environment: environment, bench)
    let text = SmallFile.read(log) ?? ""
    guard status == 0 else { throw BenchFailure("\(script) \(arguments.last ?? "") failed: \(text.suffix(400))") }
    return text
  }

  /// nil when the run was to end first.
  private static func run(
    _ program: String, _ arguments: [String], folder: String, log: String, environment: [String: String], _ bench: Bench
  ) async throws -> Int32? {
    let process = try await HelperProcess.start(
      .init(
        executable: program, arguments: arguments, environment: HelperProcess.currentEnvironment().merging(environment) { $1 }, directory: folder,
        standardOutput: .file(path: log), standardError: .file(path: log)))
    while true {
      if let status = await process.waitForExit(within: .milliseconds(100)) { return status }
      guard !bench.stop.isStopping else {
        process.terminate(SIGTERM, group: true)
        _ = await process.stop(within: .seconds(2))
        throw Stopped()
      }
    }
  }

  // MARK: - Reading what they print

  /// The row of a rival in the table that bench.py and large.py print: name, events/s, (x floor-1,) own us, PostgreSQL us, (WAL bytes).
  static func result(of name: String, in text: String) -> Result? {
    let lines = text.split(separator: "\n").map { line in line.split(separator: " ").map(String.init) }
    guard let head = lines.lastIndex(where: { $0.first == "rival" }), let row = lines[head...].first(where: { $0.first == name }) else { return nil }
    let numbers = row.dropFirst().map { Double($0.filter { $0 != "," }) }
    let hasWAL = lines[head].contains("WAL")
    let places = hasWAL ? (own: 1, postgres: 2) : (own: 2, postgres: 3)
    guard numbers.count > places.postgres + (hasWAL ? 1 : 0), let rate = numbers[0], let own = numbers[places.own], rate > 0, own.isFinite else { return nil }
    return Result(rate: rate, ownMicroseconds: own, postgresMicroseconds: numbers[places.postgres] ?? .nan, walBytes: hasWAL ? numbers[3] : nil)
  }
}
