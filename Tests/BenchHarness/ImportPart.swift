// A real file through everything: `clientele import` of Online Retail, from its first byte until the last tier is rated.
import Embedded
import Glibc
import Lifecycle
import Text

struct ImportPart: Sendable {
  static let figures = ["import_lines_per_second"]
  static let archive = "online-retail/online-retail.csv.gz"
  static let mapping = "deploy/mappings/online-retail.yaml"
  static let secondsMax = 600

  let bench: Bench

  func run(_ report: inout Report) async throws {
    let archive = "\(bench.options.data)/\(ImportPart.archive)"
    guard access(archive, R_OK) == 0, access(ImportPart.mapping, R_OK) == 0 else {
      report.figures.append(Figure("import_lines_per_second", nil, digits: 0, reason: "there is no \(archive), or no \(ImportPart.mapping) here"))
      return
    }
    let folder = bench.ground.folder
    let (file, output) = ("\(folder)/online-retail.csv", "\(folder)/import.json")
    defer { unlink(file) }
    // The file is what an operator has: unpacked before the clock starts.
    try await run("/usr/bin/env", ["gzip", "-dc", archive], [:], output: file)
    // Its amounts are in pounds.
    let suite = try await WholeSuite.start(
      bench, clock: nil, services: WholeSuite.allServices,
      settings: ["CLIENTELE_EXCHANGE_RATES": "GBP=9.05", "FEEDBACK_LINK_KEY": "bench-bench-bench"])
    var environment = ["KAFKA_BROKERS": bench.ground.brokers, "CLIENTELE_KAFKA_KIND": "kafka", "CLIENTELE_BUSINESS_ZONE": "UTC"]
    environment["CLIENTELE_BASE_CURRENCY"] = OrderStream.currency
    for service in suite.running { environment["CLIENTELE_\(service.name.uppercased())_URL"] = service.url }
    let words = ["import", file, "--source", "retail", "--mapping", ImportPart.mapping, "--json"]
    try await run(try bench.ground.program("clientele"), words, environment, output: output)
    let result = try JSONValue(parsing: SmallFile.read(output) ?? "")
    try await suite.stop()
    func count(_ name: String) throws -> Int64 {
      guard let count = result[name]?.int64Value else { throw BenchFailure("the import's result has no \(name): see \(output)") }
      return count
    }
    func sum(_ name: String) -> Int64 { (result[name]?.members ?? []).reduce(0) { $0 + ($1.value.int64Value ?? 0) } }
    let records = try count("records")
    let told = try count("accepted") + count("duplicates") + sum("skipped") + sum("quarantined")
    guard told == records else { throw BenchFailure("\(told) of \(records) lines are accounted for: see \(output)") }
    let rate = try count("lines_per_second")
    unlink(output)
    var table = TextTable("Online Retail imported: every line published, read by all services and accounted for, every customer rated", [
      "lines", "accepted", "orders", "customers", "lines/s",
    ])
    func text(_ number: Int64) -> String { NumberText.grouped(Double(number)) }
    table.rows.append([text(records), text(try count("accepted")), text(try count("events")), text(try count("customers")), text(rate)])
    report.tables.append(table)
    report.figures.append(Figure("import_lines_per_second", Double(rate), digits: 0))
  }

  private func run(_ program: String, _ words: [String], _ environment: [String: String], output: String) async throws {
    let log = "\(bench.ground.folder)/import.log"
    let process = try await HelperProcess.start(
      .init(
        executable: program, arguments: words, environment: HelperProcess.currentEnvironment().merging(environment) { $1 },
        standardOutput: .file(path: output), standardError: .file(path: log)))
    bench.ground.adopt(process)
    let status = await process.waitForExit(within: .seconds(ImportPart.secondsMax))
    guard status == 0 else {
      throw BenchFailure("\(words.prefix(2).joined(separator: " ")) ended with \(status.map { "status \($0)" } ?? "no status in time"): see \(log)")
    }
    unlink(log)
  }
}
