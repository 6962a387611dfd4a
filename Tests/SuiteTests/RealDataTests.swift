// Orders that real shops had, through the whole suite as an operator runs it; every customer's figures compared with a plain computation.
import Embedded
import TestSupport
import Testing
import Text

@Suite(.serialized, .enabled(if: Programs.isAvailable, Programs.whyNot), .enabled(if: Programs.python != nil, "needs python3"))
struct RealDataTests {
  /// Lines of a file that a test takes, unless CLIENTELE_TEST_WHOLE is set.
  static let cutLines = 6_000

  /// Real Kafka when one is at hand, else the built-in broker.
  static let kafkaHome: String? = HelperProcess.currentEnvironment()["KAFKA_HOME"].flatMap { $0.isEmpty ? nil : $0 }

  private func cut(_ bytes: [UInt8]) -> [UInt8] {
    if HelperProcess.currentEnvironment()["CLIENTELE_TEST_WHOLE"] != nil { return bytes }
    var lines = 0
    let end = bytes.firstIndex { byte in
      if byte == 0x0A { lines += 1 }
      return lines > RealDataTests.cutLines
    }
    return end.map { Array(bytes[...$0]) } ?? bytes
  }

  /// CDNOW when it is there, else purchases made up in its form.
  private func purchases() -> [UInt8] {
    let file = Programs.data + "/cdnow/CDNOW_master.txt"
    if Programs.exists(file) { return cut(Programs.read(file)) }
    var text = " customer_id  date number_of_cds  dollar_value\r\n"
    var random = SystemRandomNumberGenerator()
    for customer in 1...400 {
      for _ in 0..<Int.random(in: 1...8, using: &random) {
        let date = 19_970_000 + Int.random(in: 1...12, using: &random) * 100 + Int.random(in: 1...28, using: &random)
        let zeros = String(repeating: "0", count: 5 - String(customer).count)
        let amount = "\(Int.random(in: 0...99, using: &random)).\(Int.random(in: 10...99, using: &random))"
        text += " \(zeros)\(customer) \(date)  1   \(amount)\r\n"
      }
    }
    return Array(text.utf8)
  }

  private func dataLines(_ bytes: [UInt8]) -> Int64 {
    Int64(String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).count - 1)
  }

  @Test func everyCustomersFiguresEqualAPlainComputationOverTheFile() async throws {
    try await RunningSuite.with(clock: "1998-07-01", kafkaHome: RealDataTests.kafkaHome) { suite in
      let file = suite.folder + "/purchases.txt"
      let bytes = purchases()
      try Programs.write(file, bytes)
      let mapping = Programs.repository + "/deploy/mappings/cdnow.yaml"
      let truth = try await RunningSuite.truth("cdnow", file, "1998-07-01", in: suite.folder)

      let first = try await suite.json("import", file, "--source", "cdnow", "--mapping", mapping, "--json")
      #expect(first["records"]?.int64Value == dataLines(bytes))
      #expect(first["accepted"]?.int64Value == dataLines(bytes))
      #expect(first["duplicates"]?.int64Value == 0)
      #expect(first["customers"]?.int64Value == Int64(truth.count))
      #expect(try await suite.figures(asOf: "1998-07-01") == truth)

      // A day in the past is worked out from the facts.
      let past = try await RunningSuite.truth("cdnow", file, "1997-06-30", in: suite.folder).filter { !$0.hasSuffix(",,0,0.00,") }
      #expect(try await suite.figures(asOf: "1997-06-30") == past)

      // The same file again changes nothing.
      let again = try await suite.json("import", file, "--source", "cdnow", "--mapping", mapping, "--json")
      #expect(again["accepted"]?.int64Value == 0)
      #expect(again["duplicates"]?.int64Value == dataLines(bytes))
      #expect(try await suite.figures(asOf: "1998-07-01") == truth)

      let rebuild = try await suite.clientele("rebuild")
      #expect(rebuild.status == 0, "\(rebuild.output) \(rebuild.errors)")
    }
  }

  @Test func storedCustomersOutliveAStopAndTheNewBrokerGoesOn() async throws {
    try await RunningSuite.with(clock: "1998-07-01") { suite in
      let file = suite.folder + "/purchases.txt"
      try Programs.write(file, Array(purchases().prefix(20_000)) + [0x0A])
      let mapping = Programs.repository + "/deploy/mappings/cdnow.yaml"
      _ = try await suite.json("import", file, "--source", "cdnow", "--mapping", mapping, "--json")
      let before = try await suite.figures(asOf: "1998-07-01")
      #expect(try await suite.clientele("down").status == 0)
      let none = try await suite.clientele("status")
      #expect(none.status != 0 && none.errors.contains("clientele up"))
      let up = try await suite.clientele("up", "--clock", "1998-07-01", "--detach")
      #expect(up.status == 0, "\(up.errors)")
      #expect(try await suite.figures(asOf: "1998-07-01") == before)
      let again = try await suite.json("import", file, "--source", "cdnow", "--mapping", mapping, "--json")
      #expect(again["accepted"]?.int64Value == 0)
      let second = try await suite.clientele("up", "--detach")
      #expect(second.status != 0 && second.errors.contains("already"))
    }
  }

  @Test func anImportThatWasKilledGoesOnFromItsCheckpointAndEveryLineCountsOnce() async throws {
    try await RunningSuite.with(clock: "1998-07-01") { suite in
      let (file, checkpoint) = (suite.folder + "/many.txt", suite.folder + "/many.checkpoint")
      var text = " customer_id  date number_of_cds  dollar_value\r\n"
      for line in 1...12_000 { text += " \(10_000 + line % 3_000) 199801\(10 + line % 19)  1   \(line % 90).\(10 + line % 80)\r\n" }
      try Programs.write(file, Array(text.utf8))
      let words = [
        "import", file, "--source", "cdnow", "--mapping", Programs.repository + "/deploy/mappings/cdnow.yaml", "--checkpoint", checkpoint, "--json",
      ]
      try await suite.killed(words) { Programs.exists(checkpoint) }
      let rest = try await suite.json(words)
      #expect(rest["is_resumed"] == true && rest["records"] == 12_000 && rest["events"] == 12_000 && rest["accepted"] == 12_000, "\(rest.encodedText)")
      #expect(rest["quarantined"] == [:] && rest["customers"] == 3_000)
      #expect(!Programs.exists(checkpoint))
      let again = try await suite.json(words)
      #expect(again["accepted"] == 0 && again["duplicates"] == 12_000 && again["is_resumed"] == false)
    }
  }

  /// Invoice lines of Online Retail when they are there, else a few made up with its quirks.
  private func invoices() async throws -> [UInt8] {
    let file = Programs.data + "/online-retail/online-retail.csv.gz"
    if Programs.exists(file), let gzip = Executables.onPath("gzip") {
      let ran = try await Programs.run(gzip, ["-dc", file], in: TestDatabase.temporaryFolder)
      return cut(Array(ran.output.utf8))
    }
    return Array(
      """
      InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
      536365,85123A,"HOLDER, WHITE",6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom
      536365,71053,WHITE METAL LANTERN,6,2010-12-01 08:26:00,3.39,17850.0,United Kingdom
      536366,22633,HAND WARMER,6,2010-12-01 08:28:00,1.85,,United Kingdom
      C536379,D,Discount,-1,2010-12-01 09:41:00,27.5,17850.0,United Kingdom

      """.utf8)
  }

  @Test func invoicesAreGroupedCancellationsBecomeRefundsAndEveryLineIsAccountedFor() async throws {
    try await RunningSuite.with(clock: "2011-12-10", kafkaHome: RealDataTests.kafkaHome) { suite in
      let file = suite.folder + "/retail.csv"
      let bytes = try await invoices()
      try Programs.write(file, bytes)
      let result = try await suite.json(
        "import", file, "--source", "retail", "--mapping", Programs.repository + "/deploy/mappings/online-retail.yaml", "--json")
      let rows = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).dropFirst()
      #expect(result["records"]?.int64Value == Int64(rows.count))
      let quarantined = (result["quarantined"]?.members ?? []).reduce(Int64(0)) { $0 + ($1.value.int64Value ?? 0) }
      #expect((result["accepted"]?.int64Value ?? 0) + quarantined + (result["duplicates"]?.int64Value ?? 0) == Int64(rows.count))
      let withoutCustomer = rows.count { $0.contains(",,") && $0.split(separator: ",", omittingEmptySubsequences: false).suffix(2).first?.isEmpty ?? false }
      #expect(result["quarantined"]?["customer.missing"]?.int64Value == Int64(withoutCustomer))
      #expect(try await suite.figures(asOf: "2011-12-10") == RunningSuite.truth("retail", file, "2011-12-10", in: suite.folder))
    }
  }

  private static let reviews = """
    mapping: marketplace-reviews
    version: 1
    source: marketplace
    owner: tests
    format: {kind: csv}
    kinds:
      - {kind: answer}
    answer:
      event_id: {field: id}
      occurred_at: {field: answered_at, pattern: "%Y-%m-%d %H:%M:%S", time_zone: business}
      customer:
        member_id: {field: customer}
      survey: {constant: review}
      metric: {constant: csat}
      score: {field: score}
      comment: {field: comment}
      order_id: {field: order}
    end: true

    """

  @Test func reviewsThatAreImportedAsAnswersHaveTheDistributionOfTheFile() async throws {
    let python = try #require(Programs.python)
    try await RunningSuite.with(clock: "2018-12-31", kafkaHome: RealDataTests.kafkaHome) { suite in
      let (file, mapping) = (suite.folder + "/reviews.csv", suite.folder + "/reviews.yaml")
      try Programs.write(mapping, Array(RealDataTests.reviews.utf8))
      let ran = try await Programs.run(python, [Programs.here + "/reviews.py", Programs.data + "/reviews", file], in: suite.folder)
      let truth = ran.lines.map(String.init)
      let scores = truth[0].split(separator: ",").compactMap { Int64($0) }
      let comments = Int64(truth[1])
      let result = try await suite.json("import", file, "--source", "marketplace", "--mapping", mapping, "--json")
      #expect(result["accepted"]?.int64Value == scores.reduce(0, +) && result["quarantined"] == [:], "\(result.encodedText)")

      let days = ["--from", "2016-01-01", "--to", "2018-12-31", "--json"]
      let report = try await suite.json(["report", "nps", "--metric", "csat"] + days)["total"]
      #expect((1...5).map { report?["scores"]?[String($0)]?.int64Value } == scores)
      // Satisfied are 4 and 5 of 5; the figure is told to hundredths.
      let satisfied = Double((scores[3] + scores[4]) * 100) / Double(scores.reduce(0, +))
      #expect(abs((report?["value"]?.doubleValue ?? 0) - satisfied) <= 0.005)
      let topics = try await suite.json(["report", "topics"] + days)
      #expect(topics["total"]?["comments"]?.int64Value == comments && topics["unread"] == 0)

      // The same file again: nobody answered twice.
      _ = try await suite.json("import", file, "--source", "marketplace", "--mapping", mapping, "--json")
      #expect(try await suite.json(["report", "nps", "--metric", "csat"] + days)["total"] == report)
    }
  }
}
