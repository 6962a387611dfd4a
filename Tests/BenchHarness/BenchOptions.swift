// The command line of `bench`.

/// What can be measured by itself.
enum BenchPart: String, CaseIterable, Sendable {
  case json, profile, latency, scores, rerate, population, entitlements, deadlines, desk, knowledge, answers, console, memory, `import`, scale, large
}

struct BenchOptions: Sendable {
  struct Refusal: Error, Sendable, CustomStringConvertible { let description: String }

  static let help = """
    usage: bench [--rounds N] [--only PART[,PART]] [--all] [--scale] [--large] [--json] [--folder PATH] [--rivals PATH]
                 [--data PATH] [--facts N] [--customers N] [--events N] [--batch-records N]

    Measures the suite on this machine, beside what other teams wrote for the same work (docs/performance.md). Starts a PostgreSQL and an
    Apache Kafka of its own, and ends them. Progress goes to standard error, tables and closing lines `bench NAME VALUE` to standard output.

      --rounds N     interleaved rounds, of which the medians are taken; 5 unless given, 2 with --large
      --only PART    json, profile, latency, scores, rerate, population, entitlements, deadlines, desk, knowledge, answers, console, memory,
                     import, scale or large; several with commas. Unless given: all but population, deadlines, desk, knowledge, answers,
                     console, scale and large
      --all          beside the usual rivals also those that were built to learn from
      --scale        two, then four processes of profile as well
      --large        the hot path with millions of facts stored, and nothing else
      --facts N      facts stored before --large; 10000000 unless given
      --customers N  customers stored before they are rated anew or asked about; 1000000 unless given
      --events N     order events of a run; 200000 unless given. Rivals run with 200000 only
      --batch-records N  what the services are told by CLIENTELE_BATCH_RECORDS; their own default unless given
      --json         one JSON document instead of tables
      --folder PATH  where to work and to keep what was prepared; .build/bench unless given
      --rivals PATH  folder of the rivals; ../shared/rivals unless given
      --data PATH    folder of real data; ../shared/data unless given

    Environment: KAFKA_HOME, a Kafka distribution; BENCH_PYTHON, a Python with confluent-kafka, psycopg and orjson for the rivals.
    Exit status: 0 measured, 1 something failed or gave a wrong result, 2 arguments that cannot be used.
    """

  static let eventsDefault = 200_000

  var rounds = 0
  var parts: [BenchPart] = [.json, .profile, .latency, .scores, .rerate, .entitlements, .memory, .import]
  var hasAllRivals = false
  var facts = 10_000_000
  var customers = 1_000_000
  var events = BenchOptions.eventsDefault
  var json = false
  var wantsHelp = false
  var folder = ".build/bench"
  var rivals = "../shared/rivals"
  var data = "../shared/data"
  /// nil: the services' own.
  var batchRecords: Int?
  var kafkaHome: String?
  var python: String?

  init(_ arguments: some Sequence<String>, environment: [String: String]) throws(Refusal) {
    func given(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
    kafkaHome = given("KAFKA_HOME")
    python = given("BENCH_PYTHON")
    var only: [BenchPart]?
    var (scale, large) = (false, false)
    var rest = Array(arguments)[...]
    while let word = rest.popFirst() {
      switch word {
      case "--help", "-h": wantsHelp = true
      case "--json": json = true
      case "--all": hasAllRivals = true
      case "--scale": scale = true
      case "--large": large = true
      case "--rounds", "--only", "--facts", "--customers", "--events", "--folder", "--rivals", "--data", "--batch-records":
        guard let value = rest.popFirst() else { throw Refusal(description: "\(word) needs a value") }
        if word == "--only" { only = try BenchOptions.parts(value) } else { try set(word, value) }
      default: throw Refusal(description: "unknown argument \(word); see bench --help")
      }
    }
    if large, scale || only != nil { throw Refusal(description: "--large goes with neither --only nor --scale") }
    if let only { parts = only }
    if scale, !parts.contains(.scale) { parts.append(.scale) }
    if large { parts = [.large] }
    if rounds == 0 { rounds = parts == [.large] ? 2 : 5 }
  }

  private static func parts(_ value: String) throws(Refusal) -> [BenchPart] {
    var parts: [BenchPart] = []
    for name in value.split(separator: ",") {
      guard let part = BenchPart(rawValue: String(name)) else {
        throw Refusal(description: "--only takes \(BenchPart.allCases.map(\.rawValue).joined(separator: ", ")), not \(name)")
      }
      if !parts.contains(part) { parts.append(part) }
    }
    guard !parts.isEmpty else { throw Refusal(description: "--only needs the name of a part") }
    return parts
  }

  private mutating func set(_ name: String, _ value: String) throws(Refusal) {
    func number(_ range: ClosedRange<Int>) throws(Refusal) -> Int {
      guard let number = Int(value), range.contains(number) else {
        throw Refusal(description: "\(name) takes a number from \(range.lowerBound) to \(range.upperBound)")
      }
      return number
    }
    switch name {
    case "--rounds": rounds = try number(1...100)
    case "--facts": facts = try number(1_000...1_000_000_000)
    case "--customers": customers = try number(100...100_000_000)
    case "--events": events = try number(1_000...10_000_000)
    case "--batch-records": batchRecords = try number(100...100_000)
    default:
      guard !value.isEmpty else { throw Refusal(description: "\(name) needs a path") }
      switch name {
      case "--folder": folder = value
      case "--data": data = value
      default: rivals = value
      }
    }
  }
}
