// What becomes of a sample by a mapping, worked out here: nothing is published and no suite is needed (I-03).
public import Domain
public import IngestCore
public import Text
import Contracts
import Handling
import Phones
import Runtime

/// A sample read by a mapping, record by record.
public struct MappingTrial: Sendable {
  /// What one record became.
  public struct Result: Sendable {
    public let line: Int64
    public let lines: Int64
    public let verdict: Verdict
  }

  /// The first results, as many as were asked for.
  public private(set) var results: [Result] = []
  public private(set) var records: Int64 = 0
  public private(set) var accepted: Int64 = 0
  /// By what they are.
  public private(set) var kinds: [String: Int64] = [:]
  public private(set) var skipped: [String: Int64] = [:]
  /// By the first reason.
  public private(set) var refused: [String: Int64] = [:]
  private let resultsMax: Int

  private init(resultsMax: Int) { self.resultsMax = resultsMax }

  /// Throws ``SuiteFailure`` when the sample cannot be read at all.
  public static func run(_ path: String, by mapping: CompiledMapping, _ rules: IngestRules, at now: Instant, resultsMax: Int) async throws -> MappingTrial {
    let file = try InputFile(path)
    let reading = RecordReading(rules: rules)
    var trial = MappingTrial(resultsMax: resultsMax)
    var records = FileRecords(mapping: mapping.mapping, mappingID: mapping.id, importID: "trial")
    do {
      while true {
        let chunk = try await file.next()
        for record in chunk.isEmpty ? try records.finish() : try records.take(chunk) {
          let input = InputRecord(stream: .orders, value: record.value) { name in record.headers.first { $0.name == name }?.value }
          trial.add(Result(line: record.line, lines: record.lines, verdict: reading.read(input, mapping: mapping, now: now)))
        }
        if chunk.isEmpty { return trial }
      }
    } catch let unreadable as FileUnreadable {
      throw SuiteFailure("\(path) cannot be read by this mapping:\n" + unreadable.problems.map { "  " + $0 }.joined(separator: "\n"))
    }
  }

  private mutating func add(_ result: Result) {
    records += 1
    switch result.verdict {
    case .fact(let fact):
      accepted += 1
      kinds[fact.kindName, default: 0] += 1
    case .skipped(let reason): skipped[reason, default: 0] += 1
    case .refused(let faults): refused[faults.first?.code ?? "", default: 0] += 1
    }
    if results.count < resultsMax { results.append(result) }
  }

  // MARK: - For people and scripts

  public var json: JSONValue {
    func counts(_ counts: [String: Int64]) -> JSONValue { .object(counts.sorted { $0.key < $1.key }.map { JSONMember($0.key, .integer($0.value)) }) }
    return [
      "records": .integer(records), "accepted": .integer(accepted), "kinds": counts(kinds), "skipped": counts(skipped), "refused": counts(refused),
      "results": .array(results.map(MappingTrial.json)),
    ]
  }

  private static func json(_ result: Result) -> JSONValue {
    var members = [JSONMember("line", .integer(result.line)), JSONMember("lines", .integer(result.lines))]
    switch result.verdict {
    case .fact(let fact): members += [JSONMember("outcome", "accepted"), JSONMember("kind", .text(fact.kindName)), JSONMember("event", fact.message)]
    case .skipped(let reason): members += [JSONMember("outcome", "skipped"), JSONMember("reason", .text(reason))]
    case .refused(let faults):
      let reasons = faults.map { fault -> JSONValue in ["field": .text(fault.field), "rule": .text(fault.rule), "detail": .text(fault.detail)] }
      members += [JSONMember("outcome", "refused"), JSONMember("reasons", .array(reasons))]
    }
    return .object(members)
  }

  public func text(isChinese: Bool) -> String {
    func say(_ english: String, _ chinese: String) -> String { isChinese ? chinese : english }
    var lines: [String] = []
    for result in results {
      let place = say("line \(result.line): ", "第 \(result.line) 行：")
      switch result.verdict {
      case .fact(let fact): lines += [place + fact.kindName, "  " + fact.message.encodedText]
      case .skipped(let reason): lines.append(place + say("skipped, ", "跳过，") + reason)
      case .refused(let faults):
        lines.append(place + say("refused", "拒收"))
        lines += faults.map { "  \($0.field).\($0.rule): \($0.detail)" }
      }
    }
    if records > Int64(results.count) { lines.append(say("... \(records - Int64(results.count)) more", "……另有 \(records - Int64(results.count)) 条")) }
    lines.append("")
    lines.append(say("records   ", "记录  ") + "\(records)")
    let sorted = kinds.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
    lines.append(say("accepted  ", "接受  ") + "\(accepted)" + (sorted.isEmpty ? "" : " (\(sorted))"))
    for (reason, count) in skipped.sorted(by: { $0.key < $1.key }) { lines.append(say("skipped   ", "跳过  ") + "\(count)  \(reason)") }
    for (reason, count) in refused.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }) { lines.append(say("refused   ", "拒收  ") + "\(count)  \(reason)") }
    return lines.joined(separator: "\n") + "\n"
  }
}

extension MappingTrial {
  /// The rules that ingest would read by, from the same variables.
  public static func rules(environment: [String: String]) throws -> IngestRules {
    typealias S = CommonSettings
    var reader = SettingsReader(arguments: [:], environment: environment)
    let (zone, currency, region) = (reader.zone(S.zone), reader.currency(S.currency), reader.text(S.phoneRegion))
    var rates = ExchangeRates(base: currency)
    do throws(RateFault) { rates = try ExchangeRates(reader.optional(S.exchangeRates) ?? "", base: currency) } catch {
      reader.refuse(S.exchangeRates, error.problem)
    }
    let junk = (reader.optional(S.junkIdentifiers) ?? "").split(separator: ",").map(String.init)
    guard reader.faults.isEmpty else { throw SuiteFailure(reader.faults.map(\.description).joined(separator: "\n")) }
    return IngestRules(
      zone: zone, rates: rates, junk: JunkIdentifiers.standard.adding(junk), phones: PhoneNumbers(region: region), zoneNamed: { TimeZones.zone($0) })
  }
}
