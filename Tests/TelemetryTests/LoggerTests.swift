// Levels, fields, limits and the descriptor that lines go to.
import Glibc
import Testing

@testable import Telemetry

@Suite struct LoggerTests {
  @Test func linesBelowTheLevelAreNotWrittenAndTheirFieldsNotComputed() {
    let logs = LogCollector()
    let logger = Logger(service: "s", level: .warning, sink: logs)
    var computed = 0
    func fields() -> LogFields {
      computed += 1
      return [:]
    }
    logger.trace("a", fields())
    logger.debug("b", fields())
    logger.info("c", fields())
    #expect(computed == 0)
    logger.warning("d", fields())
    logger.error("e", fields())
    #expect(computed == 2)
    #expect(logs.messages == ["d", "e"])
    #expect(logs.records.map(\.level) == [.warning, .error])
  }

  @Test func childLoggersAddFieldsAndTheNearestValueCounts() {
    let logs = LogCollector()
    let logger = Logger(service: "s", sink: logs, unixMicroseconds: { 42 }).with([.topic: .string("t"), .partition: .int(1)])
    logger.with([.partition: .int(2)]).info("x", [.offset: .int(3), .partition: .int(4), .error: nil])
    #expect(
      logs.records == [
        LogRecord(
          unixMicroseconds: 42, level: .info, service: "s", message: "x",
          fields: [.topic: .string("t"), .partition: .int(4), .offset: .int(3)])
      ])
    #expect(logger.fields == [.topic: .string("t"), .partition: .int(1)])
  }

  @Test func levelsHaveNamesThatSettingsUse() {
    for level in LogLevel.allCases { #expect(LogLevel(name: level.name.uppercased()) == level) }
    #expect(LogLevel(name: "loud") == nil)
    #expect(LogLevel.allCases.sorted() == [.trace, .debug, .info, .warning, .error])
  }

  @Test func fieldsKeepTheirOrderAndReplaceInPlace() {
    var fields: LogFields = ["a": .int(1), "b": .int(2), "a": .int(3), "c": nil]
    #expect(fields.pairs.map(\.key) == ["a", "b"])
    #expect(fields["a"] == .int(3))
    fields["a"] = nil
    fields["d"] = .describing(LogLevel.info)
    #expect(fields == ["b": .int(2), "d": .string("info")])
  }

  @Test func theCollectorForgetsTheOldest() {
    let logs = LogCollector()
    let logger = Logger(service: "s", sink: logs)
    for index in 0...LogCollector.recordsMax { logger.info("x", [.count: .int(index)]) }
    #expect(logs.records.count == LogCollector.recordsMax)
    #expect(logs.records.first?.fields[.count] == .int(1))
  }

  @Test func aLimiterLetsSoManyThroughInEachWindowAndCountsTheRest() {
    let clock = ManualClock()
    let logs = LogCollector()
    let logger = Logger(service: "s", sink: logs)
    let limiter = LogLimiter(linesMax: 2, windowSeconds: 10, nanoseconds: { clock.read() })
    for _ in 0..<5 { logger.log(.warning, limitedBy: limiter, "noise") }
    #expect(logs.records.map { $0.fields[.suppressed] } == [nil, nil])
    clock.move(to: 9_999_999_999)
    logger.log(.warning, limitedBy: limiter, "noise")
    #expect(logs.records.count == 2)
    clock.move(to: 10_000_000_000)
    for _ in 0..<3 { logger.log(.warning, limitedBy: limiter, "noise", [.topic: .string("t")]) }
    #expect(logs.records.map { $0.fields[.suppressed] } == [nil, nil, .int(4), nil])
    #expect(logs.records[2].fields[.topic] == .string("t"))
    clock.move(to: 20_000_000_000)
    #expect(limiter.admit() == 1)
  }

  @Test func linesBelowTheLevelDoNotUseUpALimit() {
    let limiter = LogLimiter(linesMax: 1, windowSeconds: 10, nanoseconds: { 0 })
    Logger(service: "s", level: .error, sink: LogCollector()).log(.info, limitedBy: limiter, "x")
    #expect(limiter.admit() == 0)
    #expect(limiter.admit() == nil)
  }
}

@Suite struct StandardErrorSinkTests {
  private func readAll(_ descriptor: Int32) -> String {
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    let count = read(descriptor, &bytes, bytes.count)
    return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
  }

  @Test func linesOfManyThreadsAreWrittenWhole() async {
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    let logger = Logger(service: "s", sink: StandardErrorSink(descriptor: ends[1]))
    await withTaskGroup(of: Void.self) { group in
      for number in 0..<100 { group.addTask { logger.info("a phrase", [.count: .int(number)]) } }
    }
    let lines = self.readAll(ends[0]).split(separator: "\n")
    #expect(lines.count == 100)
    #expect(lines.allSatisfy { $0.hasPrefix("{\"time\":") && $0.hasSuffix("}") })
    close(ends[0])
    close(ends[1])
  }

  @Test func aReaderThatStoppedReadingCostsLinesAndNotTheService() {
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    let logger = Logger(service: "s", sink: StandardErrorSink(descriptor: ends[1]))
    // A pipe holds 64 KiB; nobody reads, and nobody waits for ever.
    let value = LogValue.string(String(repeating: "x", count: 900))
    for _ in 0..<200 { logger.info("kept or lost", ["x": value]) }
    let kept = self.readAll(ends[0]).split(separator: "\n").count
    #expect(kept > 30 && kept < 100)
    logger.info("the reader is back")
    let after = self.readAll(ends[0]).split(separator: "\n").map(String.init)
    #expect(after.count == 2)
    #expect(after.first?.contains("the reader is back") == true)
    #expect(after.last?.contains(#""message":"log lines were dropped: their reader was too slow","count":\#(200 - kept)}"#) == true)
    logger.info("quiet again")
    #expect(self.readAll(ends[0]).split(separator: "\n").count == 1)
    close(ends[0])
    close(ends[1])
  }

  @Test func theFirstLineWaitsForItsReaderAndTheNextOnesDoNot() {
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    let value = LogValue.string(String(repeating: "x", count: 900))
    let filler = Logger(service: "s", sink: StandardErrorSink(descriptor: ends[1], stallMilliseconds: 0))
    for _ in 0..<200 { filler.info("fills the pipe", ["x": value]) }
    let logger = Logger(service: "s", sink: StandardErrorSink(descriptor: ends[1], stallMilliseconds: 100))
    // Real time is the subject. The thousand lines would take 100 seconds if each of them waited.
    let begun = ContinuousClock.now
    logger.info("waits", ["x": value])
    #expect(begun.duration(to: .now) >= .milliseconds(100))
    for _ in 0..<1_000 { logger.info("does not wait", ["x": value]) }
    #expect(begun.duration(to: .now) < .seconds(60))
    close(ends[0])
    close(ends[1])
  }

  @Test func aDescriptorThatIsGoneCostsLinesOnly() {
    let logger = Logger(service: "s", sink: StandardErrorSink(descriptor: -1))
    logger.info("nobody hears this")
  }
}
