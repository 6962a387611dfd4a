// The parts of the harness: the stream and its truth, the audit of a log, the finder of commits, the command line.
@testable import FaultHarness
import Failpoints
import Testing

@Suite("Stream and truth")
struct TruthTests {
  @Test func aSeedRepeatsTheStreamAndAnotherDoesNot() {
    func stream(_ seed: UInt64) -> [InputRecord] {
      var generator = Generator(seed: seed, mix: GeneratorMix(customers: 20))
      return (0..<500).map { _ in generator.next() }
    }
    #expect(stream(7) == stream(7))
    #expect(stream(7) != stream(8))
  }

  @Test func theMixIsAsAskedFor() {
    var generator = Generator(seed: 3, mix: GeneratorMix(customers: 500))
    var count = 0
    while count < 20_000 || generator.hasMore {
      _ = generator.next()
      count += 1
    }
    let truth = generator.truth
    let repeats = truth.meanings.count { $0 == .repetition }
    let invalid = truth.meanings.count { $0 == .invalid }
    #expect((700...1_200).contains(repeats))
    #expect((120...280).contains(invalid))
    #expect(truth.facts == count - repeats - invalid)
    #expect(truth.eventIDs.count == truth.facts)
    #expect(truth.mergedPairs > 0)
  }

  /// total, paid at once, payment, refund, cancelled; orders that count, spend.
  @Test(arguments: [
    ([1_000, 1, -1, -1, 0], [1, 1_000]), ([1_000, 0, -1, -1, 0], [0, 0]), ([1_000, 0, 1_000, -1, 0], [1, 1_000]), ([1_000, 1, -1, 1_000, 0], [0, 0]),
    ([1_000, 1, -1, 333, 0], [1, 667]), ([1_000, 1, -1, 333, 1], [0, 0]), ([1_000, 0, -1, -1, 1], [0, 0]), ([900, 0, 500, 900, 0], [0, -400]),
    ([900, 0, 500, 900, 1], [0, -400]),
  ])
  func anOrderCountsWhatWasPaidAndNotGivenBack(_ order: [Int], _ expected: [Int64]) {
    var entry = Truth.Order(customer: 0, day: 0, total: Int32(order[0]))
    entry.isPaidAtOnce = order[1] == 1
    entry.payment = Int32(order[2])
    entry.refund = Int32(order[3])
    entry.isCancelled = order[4] == 1
    #expect(entry.figures == Truth.Figures(orders: expected[0], spend: expected[1]))
  }

  @Test func daysAreCountedBackOverMonthsAndYears() {
    #expect(Generator.moment(0) == "2026-06-30T12:00:00+08:00")
    #expect(Generator.moment(30) == "2026-05-31T12:00:00+08:00")
    #expect(Generator.moment(181) == "2025-12-31T12:00:00+08:00")
    #expect(Generator.money(5) == "0.05")
    #expect(Generator.money(12_345) == "123.45")
  }

  @Test func figuresAreReadFromTheStoredDays() {
    let days: [UInt8] = [0, 0, 80, 0, 0, 0, 0, 2, 0, 0, 0, 1, 255, 255, 255, 255, 255, 255, 255, 156]
    let older: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 1, 0] + [UInt8](repeating: 0, count: 8)
    #expect(Collector.figures(days: days, older: older) == Truth.Figures(orders: 9, spend: 156))
    #expect(Collector.figures(days: [1, 1, 0xA0, 0x9C, 0x01, 0x21, 0xC7, 1], older: older) == Truth.Figures(orders: 9, spend: 156))
    #expect(Collector.figures(days: [], older: []) == Truth.Figures())
    #expect(Collector.figures(days: [7], older: []) != Truth.Figures())
  }
}

@Suite("Audit of a log")
struct AuditTests {
  @Test func aNumberOnceMoreWithTheSameEventIsACopy() {
    var audit = HandMade.audit("t", lane: "l", ["a", "b", "c"])
    audit.take(HandMade.record(lane: "l", 2, "b"))
    audit.take(HandMade.record(lane: "l", 3, "c"))
    audit.take(HandMade.record(lane: "l", 4, "d"))
    #expect(audit.copies == 2)
    #expect(audit.missing == 0 && audit.changedEvents == 0 && audit.twice == 0)
    #expect(audit.lastNumbers == [.init(partition: 0, name: "l"): 4])
  }

  @Test func aNumberOnceMoreWithAnotherStateOfItsSnapshotIsACopyAndWithAnotherKeyIsNone() {
    var audit = HandMade.audit("t", lane: "l", ["k:2", "k:3"], versions: [2, 3])
    audit.take(HandMade.record(lane: "l", 1, "k:3", version: 3))
    // What a former owner had under way.
    audit.take(HandMade.record(lane: "l", 2, "k:2", version: 2))
    #expect(audit.copies == 2 && audit.changedEvents == 0)
    var other = HandMade.record(lane: "l", 2, "x:3", version: 3)
    other.key = Array("another".utf8)
    audit.take(other)
    #expect(audit.changedEvents == 1)
  }

  @Test func aSnapshotThatLiesBehindANewerOneOfAnotherLaneIsOvertakenUntilTheNewestComesAgain() {
    var audit = HandMade.audit("t", lane: "l", ["k:2"], versions: [2])
    audit.take(HandMade.record(lane: "m", 1, "k:1", version: 1))
    #expect(audit.reordered == 0)
    #expect(audit.overtaken == 1)
    audit.take(HandMade.record(lane: "l", 2, "k:2", version: 2))
    #expect(audit.reordered == 0 && audit.twice == 0)
    #expect(audit.overtaken == 0)
  }
}

@Suite("Finding commits")
struct CommitWatchTests {
  private func message(_ kind: String, _ parts: [String]) -> [UInt8] {
    var body: [UInt8] = []
    for part in parts { body += Array(part.utf8) + [0] }
    let length = body.count + 4
    return Array(kind.utf8) + [0, 0, UInt8(truncatingIfNeeded: length >> 8), UInt8(truncatingIfNeeded: length)] + body
  }
  private let start: [UInt8] = [0, 0, 0, 8, 0, 3, 0, 0]

  @Test(arguments: [1, 3, 1_000]) func aCommitIsFoundHoweverTheBytesArrive(_ slice: Int) {
    let before = start + message("Q", ["BEGIN"]) + message("P", ["s1", "COMMIT"]) + message("P", ["s2", "SELECT 1"]) + message("B", ["", "s2"])
    let bytes = before + message("B", ["", "s1"]) + message("Q", ["COMMIT"])
    var watch = CommitWatch()
    var found: [Int] = []
    for place in stride(from: 0, to: bytes.count, by: slice) { found += watch.take(bytes[place..<min(bytes.count, place + slice)]) }
    #expect(found == [before.count, before.count + message("B", ["", "s1"]).count])
  }

  @Test func aLongMessageIsPassedOver() {
    let long = message("Q", [String(repeating: "x", count: 10_000)])
    var watch = CommitWatch()
    let bytes = start + long + message("Q", ["COMMIT"])
    #expect(watch.take(bytes) == [start.count + long.count])
  }
}

@Suite("Command line of faults")
struct OptionsTests {
  @Test func whatIsGivenIsTaken() throws {
    let options = try HarnessOptions(
      ["--events", "500", "--kills", "7", "--seed", "9", "--mutants", "none", "--minutes-max", "3", "--json"], environment: ["TMPDIR": "/x"])
    #expect(options.events == 500 && options.kills == 7 && options.seed == 9 && options.minutesMax == 3 && options.json)
    #expect(options.mutants.isEmpty)
    #expect(options.folder.hasPrefix("/x/clientele-faults-9-"))
  }

  @Test(arguments: [["--events"], ["--events", "x"], ["--kills", "-1"], ["--mutants", "nobody"], ["--what"]])
  func whatCannotBeUsedIsRefused(_ arguments: [String]) {
    #expect(throws: HarnessOptions.Refusal.self) { try HarnessOptions(arguments, environment: [:]) }
  }

  @Test func aBuildWithoutMistakesRefusesThem() {
    let isRefused = (try? HarnessOptions(["--mutants", Mutant.fenceOff.rawValue], environment: [:])) == nil
    #expect(isRefused == !Mutant.areBuiltIn)
  }
}
