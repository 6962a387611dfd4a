// The pure parts of the bench: middles and tails, numbers as text, the rivals' tables, the kernel's files, the command line.
@testable import BenchHarness
import Domain
import Kafka
import Testing

@Suite("Bench: statistics")
struct BenchStatisticsTests {
  @Test(arguments: zip([[3.0], [4, 1], [9, 1, 5], [1, 2, 3, 10]], [3.0, 2.5, 5, 2.5]))
  func theMedianIsTheMiddle(_ values: [Double], _ expected: Double) { #expect(Statistics.median(values) == expected) }

  @Test func nothingHasNoMiddleAndNoTail() {
    #expect(Statistics.median([]) == nil)
    #expect(Statistics.percentile(99, of: []) == nil)
  }

  @Test func aPercentileIsAValueThatWasThere() {
    let values = (1...100).map(Double.init).shuffled()
    #expect(Statistics.percentile(50, of: values) == 50)
    #expect(Statistics.percentile(99, of: values) == 99)
    #expect(Statistics.percentile(100, of: values) == 100)
    #expect(Statistics.percentile(0, of: values) == 1)
    #expect(Statistics.percentile(99, of: [7]) == 7)
  }

  @Test func aRatioNeedsBoth() {
    #expect(Statistics.ratio(3, 2) == 1.5)
    #expect(Statistics.ratio(nil, 2) == nil)
    #expect(Statistics.ratio(3, nil) == nil)
    #expect(Statistics.ratio(3, 0) == nil)
  }

  @Test func numbersAreWrittenAsPeopleReadThem() {
    #expect(NumberText.fixed(1.005, 2) == "1.00" || NumberText.fixed(1.005, 2) == "1.01")
    #expect(NumberText.fixed(0.0625, 3) == "0.063")
    #expect(NumberText.fixed(-0.001, 2) == "0.00")
    #expect(NumberText.fixed(-2.5, 1) == "-2.5")
    #expect(NumberText.fixed(12, 0) == "12")
    #expect(NumberText.fixed(.nan, 2) == "none")
    #expect(NumberText.grouped(1_234_567.4) == "1,234,567")
    #expect(NumberText.grouped(999) == "999")
    #expect(NumberText.grouped(-1_000) == "-1,000")
  }
}

@Suite("Bench: reading")
struct BenchReadingTests {
  @Test func aRowOfTheRivalsTableIsFound() {
    let text = """
      round 1 rust-best 155,718/s
      rival          events/s x floor-1  own us PostgreSQL us
      floor-1          43,047      1.00     0.2          23.0
      rust-best       155,718      3.62     2.3           8.6
      """
    #expect(Rivals.result(of: "rust-best", in: text) == Rivals.Result(rate: 155_718, ownMicroseconds: 2.3, postgresMicroseconds: 8.6))
    #expect(Rivals.result(of: "floor-1", in: text)?.rate == 43_047)
    #expect(Rivals.result(of: "rust", in: text) == nil)
    #expect(Rivals.result(of: "rust-best", in: "round 1 rust-best 155,718/s") == nil)
  }

  @Test func aRivalAloneHasNoRatio() {
    let text = "rival          events/s x floor-1  own us PostgreSQL us\npython           27,015       nan    11.7          43.9\n"
    #expect(Rivals.result(of: "python", in: text) == Rivals.Result(rate: 27_015, ownMicroseconds: 11.7, postgresMicroseconds: 43.9))
  }

  @Test func withManyFactsTheLastColumnIsTheLog() {
    let text = "rival                 events/s  own us PostgreSQL us WAL bytes\nrust-best               58,698     2.9          26.1     2,641\n"
    let expected = Rivals.Result(rate: 58_698, ownMicroseconds: 2.9, postgresMicroseconds: 26.1, walBytes: 2_641)
    #expect(Rivals.result(of: "rust-best", in: text) == expected)
  }

  @Test func whatTheStreamMustComeToIsRead() {
    let text = #"{"orders": 198000, "spend": "6934567.80", "customers": 67000, "customer_months": 150000, "events": 200000}"#
    #expect(Rivals.sums(expected: text) == OrderStream.Sums(orders: 198_000, cents: 693_456_780, customers: 67_000))
    #expect(Rivals.sums(expected: "{}") == nil)
  }

  @Test func aProcessWithAnOddNameHasItsTimes() {
    let stat = "77 (a) b (c) S 5 77 77 0 -1 4194560 1 2 3 4 150 50 7 3 20 0 1 0 100 200 300"
    let times = ProcessFigures.times(stat: stat, ticksPerSecond: 100)
    #expect(times == ProcessFigures.Times(own: 2, endedChildren: 0.1, parent: 5))
    #expect(ProcessFigures.times(stat: "77 (a)", ticksPerSecond: 100) == nil)
  }

  @Test func memoryIsReadInMebibytes() {
    let status = "Name:\tprofile\nVmPeak:\t  999999 kB\nVmHWM:\t   20480 kB\nVmRSS:\t   10240 kB\n"
    #expect(ProcessFigures.memory(status: status) == ProcessFigures.Memory(residentMebibytes: 10, peakMebibytes: 20))
    #expect(ProcessFigures.memory(status: "Name:\tx\n") == nil)
  }
}

@Suite("Bench: the stream")
struct BenchStreamTests {
  @Test func anOrderOfTheRivalsIsRead() throws {
    let json = #"""
      {"event_id":"CD1-000001-1","type":"order.placed","order_id":"CD1-000001","customer":{"source":"cdnow","external_id":"1-00001"},
      "ordered_at":"1997-01-01T02:11:59Z","currency":"USD","amount":"11.77","items":1,"channel":"web"}
      """#
    let order = try OrderStream.order(Array(json.utf8))
    #expect(order.orderID == "CD1-000001")
    #expect(order.cents == 1_177)
    #expect(order.event.identifiers.first?.value == "1-00001")
    #expect(order.event.paidAt == order.event.occurredAt)
  }

  @Test func repetitionsCountOnce() {
    let stream = OrderStream.made(count: 2_000)
    #expect(stream.orders.count == 2_000)
    #expect(stream.expected.orders == 1_980)
    #expect(stream.expected == OrderStream.made(count: 2_000).expected)
  }

  @Test func lanesAreNumberedByDestination() throws {
    var records = try IngestRecords(partitions: 2)
    var last: [String: Int] = [:]
    for order in OrderStream.made(count: 500).orders {
      let record = try records.record(order)
      func header(_ name: String) -> String { record.headers.first { $0.name == name }?.value.map { String(decoding: $0, as: UTF8.self) } ?? "" }
      let lane = "\(header("lane"))>\(record.partition ?? -1)"
      #expect(Int(header("seq")) == (last[lane] ?? 0) + 1)
      last[lane, default: 0] += 1
    }
    #expect(last.count == 4)
  }
}

@Suite("Bench: what is stored before")
struct BenchStoredTests {
  @Test func everyCustomerOfTheStreamHasFacts() {
    let stream = OrderStream.made(count: 2_000)
    let facts = StoredFacts(count: 20_000, stream: stream)
    let orders = (0..<facts.count).map(facts.order)
    #expect(Set(orders.map(\.customer)).count == facts.customers)
    #expect(Set(orders.map(\.orderID)).count == 20_000)
    let own = Set(stream.orders.map(\.customer))
    let before = OrderStream.sums(orders.filter { own.contains($0.customer) })
    #expect(facts.ofTheStream.orders == before.orders)
    #expect(facts.ofTheStream.cents == before.cents)
    #expect(before.customers == stream.expected.customers)
  }

  @Test func snapshotsAreOfDifferentCustomersAndReadable() throws {
    let ledgers = ScoresPart.ledgers(OrderStream.made(count: 300))
    var records = try SnapshotRecords(ledgers, partitions: 2)
    let made = (1...500).map { records.record($0) }
    #expect(Set(made.compactMap(\.key)).count == 500)
    let sums = try HotPath.sums(
      made.map { KafkaRecord(topic: $0.topic, partition: $0.partition ?? 0, offset: 0, key: $0.key, value: $0.value) })
    #expect(sums.customers == 500)
    #expect(sums.orders > 500)
  }
}

@Suite("Bench: the desk")
struct BenchDeskTests {
  @Test func theEarliestMomentComesFirstAndOfOneMomentWhatCameFirst() {
    var queue = MomentQueue<Int>()
    let moments: [Int64] = (0..<500).map { Int64(Draw.mixed($0) % 40) }
    for (number, moment) in moments.enumerated() { queue.push(number, at: Instant(seconds: moment)) }
    var taken: [Int] = []
    while let (_, item) = queue.pop() { taken.append(item) }
    #expect(taken == moments.indices.sorted { (moments[$0], $0) < (moments[$1], $1) })
    #expect(queue.first == nil)
  }

  @Test func everyTicketIsClosedInTheEndAndTheSameDaysGoTheSameWay() throws {
    func lived() throws -> DeskYear.Result {
      var desk = try DeskYear(ShippedDesk(), days: 2)
      try desk.live { false }
      return try desk.checked()
    }
    let result = try lived()
    #expect(result.breaches > 0 && result.lines > 4 * result.tickets)
    #expect(try lived() == result)
  }
}

@Suite("Bench: command line and report")
struct BenchOptionsTests {
  private func options(_ words: String...) throws -> BenchOptions { try BenchOptions(words, environment: ["KAFKA_HOME": ""]) }

  @Test func whatIsNotGivenHasAValue() throws {
    let options = try options()
    #expect(options.rounds == 5)
    #expect(options.events == 200_000)
    #expect(!options.parts.contains(.large))
    #expect(!options.parts.contains(.deadlines))
    #expect(options.kafkaHome == nil)
  }

  @Test func partsAreChosen() throws {
    #expect(try options("--only", "json,profile,json").parts == [.json, .profile])
    #expect(try options("--scale").parts.last == .scale)
    let large = try options("--large", "--facts", "5000")
    #expect(large.parts == [.large])
    #expect(large.rounds == 2)
    #expect(large.facts == 5_000)
  }

  @Test(arguments: [
    ["--rounds"], ["--rounds", "0"], ["--rounds", "x"], ["--only", "nothing"], ["--only", ""], ["--large", "--scale"], ["--quick"], ["--events", "5"],
    ["--folder", ""],
  ])
  func whatCannotBeUsedIsRefused(_ words: [String]) {
    #expect(throws: BenchOptions.Refusal.self) { try BenchOptions(words, environment: [:]) }
  }

  @Test func closingLinesComeInTheirOrder() {
    var report = Report()
    report.figures = [Figure("events_per_second", 12_345.6, digits: 0), Figure("scale_2", 1.5, digits: 2), Figure("profile_vs_rust", nil, digits: 3)]
    #expect(report.closing == ["bench profile_vs_rust none", "bench events_per_second 12346", "bench scale_2 1.50"])
  }

  @Test func aTableIsAligned() {
    var table = TextTable("t", ["who", "events/s"])
    table.rows = [["rust-best", "1"], ["us", "12,345"]]
    #expect(table.lines == ["t", "who        events/s", "rust-best         1", "us           12,345"])
  }
}
