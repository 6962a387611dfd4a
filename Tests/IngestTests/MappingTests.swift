// Records that a mapping reads, and files on their way to be such records (I-02, I-03).
import Contracts
import Domain
import Embedded
import Glibc
import Handling
import Testing
import Text

@testable import IngestCore

@Suite struct MappedRecordTests {
  static let json = """
    mapping: shop-json
    version: 3
    source: shop
    owner: shop team
    format:
      kind: json
    kinds:
      - {kind: refund, when: {field: event, equals: refund}}
      - {kind: customer, when: {field: event, equals: signup}}
      - {kind: order}
    skip:
      - {when: {field: event, equals: ping}, reason: heartbeat}
    order:
      order_id: {field: order.id}
      occurred_at: {field: order.at, pattern: unix_milliseconds}
      paid_at: occurred_at
      currency: {field: order.currency}
      units: minor
      total: {field: order.cents}
      customer:
        phone: {field: buyer.tel, verified: true}
      lines:
        sku: {field: "order.items[].sku"}
        quantity: {field: "order.items[].n"}
        amount: {field: "order.items[].cents"}
    refund:
      refund_id: {field: refund.id}
      order_id: {field: order.id}
      occurred_at: {field: refund.at, pattern: rfc3339}
      currency: base
      amount: {field: refund.amount}
      customer:
        phone: {field: buyer.tel}
    customer:
      event_id: {field: id}
      occurred_at: {field: at, pattern: "%d.%m.%Y %H:%M", time_zone: UTC}
      customer:
        email: {field: mail}
      attributes:
        name: {field: name}
    end: true
    """

  private func read(_ json: String, _ yaml: String = MappedRecordTests.json) throws -> Verdict {
    RecordReading(rules: try Kit.rules()).read(Kit.input(json), mapping: try Kit.mapping(yaml), now: Kit.now)
  }

  @Test("a JSON object of a foreign shape becomes an order by its mapping") func order() throws {
    let verdict = try read(
      #"{"event":"paid","order":{"id":7,"at":1782813600000,"currency":"USD","cents":1001,"items":[{"sku":"a","#
        + #""n":2,"cents":1001}]},"buyer":{"tel":"13912345678"}}"#
    )
    guard case .fact(.order(let fact)) = verdict else { throw Surprise("\(verdict)") }
    #expect(fact.event.source == "shop" && fact.event.orderID == "7" && fact.event.paidAt == fact.event.occurredAt)
    #expect(RFC3339.text(fact.event.occurredAt.microseconds) == "2026-06-30T10:00:00Z")
    #expect(fact.event.money.minorUnits == 1_001 && fact.event.baseMinorUnits == 7_127)
    #expect(fact.event.identifiers == [Identifier(kind: .phone, value: "+8613912345678", isVerified: true)])
    #expect(fact.event.lines == [OrderLine(sku: "a", quantity: "2", minorUnits: 1_001)])
  }

  @Test("one mapping may make refunds, customers and nothing at all") func kinds() throws {
    let refund = try read(#"{"event":"refund","order":{"id":"7"},"refund":{"id":"r","at":"2026-06-30T10:00:00Z","amount":"3"}}"#)
    guard case .fact(.order(let fact)) = refund else { throw Surprise("\(refund)") }
    #expect(fact.event.kind == .refund && fact.event.identifiers.isEmpty)
    let customer = try read(#"{"event":"signup","id":"c1","at":"30.06.2026 10:00","mail":"A@b.cn","name":"Li"}"#)
    guard case .fact(.customer(let event)) = customer else { throw Surprise("\(customer)") }
    #expect(RFC3339.text(event.occurredAt.microseconds) == "2026-06-30T10:00:00Z" && event.attributes == [.name: "Li"])
    #expect(try read(#"{"event":"ping"}"#) == .skipped(reason: "heartbeat"))
  }

  @Test("faults of mapped records carry the contract's field names") func faults() throws {
    #expect(try Kit.codes(read(#"{"event":"paid","order":{"id":{},"at":1}}"#)) == ["order.id.type"])
    #expect(
      try Kit.codes(read(#"{"order":{"at":"x","currency":"","cents":"-1"},"buyer":{"tel":"1"}}"#)) == [
        "order_id.missing", "customer.phone.format", "occurred_at.format", "currency.missing",
      ])
    #expect(try Kit.codes(read("[]")) == ["record.type"])
    #expect(try Kit.codes(read("{")) == ["record.truncated"])
  }

  @Test("a mapping with a time zone that is not there cannot be used") func zone() {
    #expect(throws: MappingUnusable.self) {
      try Kit.mapping(MappedRecordTests.json.replacing("time_zone: UTC", with: "time_zone: Mars/Phobos"))
    }
  }

  @Test("what a file's record message holds is read back as it was written") func sourceMessage() throws {
    let message = SourceMessage(
      lines: [
        .init(number: 2, values: [.init("a", "1"), .init("名", "\"x\"\n")]),
        .init(number: 9, values: [.init(SourceMessage.rawName, "a;b")], fault: "quote"),
      ], isPiece: true)
    let bytes = JSONWriter.bytes { message.write(to: &$0) }
    let back = try bytes.withUnsafeBytes { raw in
      var reader = JSONReader(raw)
      return try SourceMessage(reading: &reader)
    }
    #expect(back == message)
  }
}

@Suite struct FileTests {
  static func yaml(_ name: String) throws -> String {
    guard let bytes = FileTests.read("\(Kit.root)/deploy/mappings/\(name).yaml") else { throw Surprise("no mapping \(name)") }
    return String(decoding: bytes, as: UTF8.self)
  }

  static func read(_ path: String) -> [UInt8]? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { bytes += chunk[..<count] }
    return bytes
  }

  /// The records of a file, fed in chunks of this size.
  static func records(_ file: [UInt8], _ mapping: CompiledMapping, chunk: Int, afterLine: Int64 = 0) throws -> [FileRecord] {
    var files = FileRecords(mapping: mapping.mapping, mappingID: mapping.id, importID: "i", afterLine: afterLine)
    var records: [FileRecord] = []
    var start = 0
    while start < file.count {
      records += try files.take(Array(file[start..<min(file.count, start + chunk)]))
      start += chunk
    }
    return records + (try files.finish())
  }

  /// Through ingest, in batches.
  static func ingest(_ records: [FileRecord], _ mapping: CompiledMapping) throws -> (MemoryIngestStore, [OrderEvent]) {
    var store = MemoryIngestStore()
    var feed = try Feed()
    var orders: [OrderEvent] = []
    var rest = records[...]
    while !rest.isEmpty {
      let batch = rest.prefix(500).map { record in
        feed.judged(
          InputRecord(stream: .orders, value: record.value) { name in record.headers.first { $0.name == name }?.value },
          mapping: mapping)
      }
      rest = rest.dropFirst(500)
      orders += try IngestBatch.apply(batch, to: &store, hasher: try FactHasher(), zone: Kit.shanghai, at: Kit.now).orders
    }
    return (store, orders)
  }

  static let invoiceFile = """
    InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
    1,A,"TEA, GREEN",2,2010-12-01 08:26:00,2.55,17850.0,UK
    1,B,CUP,1,2010-12-01 08:26:00,0.001,17850.0,UK
    C2,A,TEA,-1,2010-12-01 09:00:00,2.55,17850.0,UK
    3,A,TEA,1,2010-12-01 10:00:00,2.55,,UK
    3,B,CUP,1,2010-12-01 10:00:00,1.00,,UK
    4,A,"BROKEN" X,1,2010-12-01 10:00:00,2.55,17850.0,UK
    5,A,SHORT
    1,C,"LATE
    LINE",1,2010-12-01 08:26:00,1.00,17850.0,UK

    """

  @Test("lines of a file are grouped, mapped and counted, whatever the chunks", arguments: [1, 7, 64, 100_000])
  func invoices(chunk: Int) throws {
    let mapping = try Kit.mapping(try FileTests.yaml("online-retail"))
    let records = try FileTests.records(Array(FileTests.invoiceFile.utf8), mapping, chunk: chunk)
    let (store, orders) = try FileTests.ingest(records, mapping)
    #expect(orders.map(\.kind) == [.order, .refund])
    #expect(orders.first?.lines.count == 3 && orders.first?.money.minorUnits == 610)
    #expect(orders.first.map { RFC3339.text($0.occurredAt.microseconds) } == "2010-12-01T00:26:00Z")
    #expect(orders.first?.identifiers == [Identifier(kind: .memberID, value: "17850")])
    #expect(orders.last?.money.minorUnits == 255)
    #expect(store.import_(.accepted) == (2, 4))
    #expect(store.imports[.init(importID: "i", outcome: .quarantined, reason: "customer.missing")]?.lines == 2)
    #expect(store.imports[.init(importID: "i", outcome: .quarantined, reason: "record.quote")]?.lines == 1)
    #expect(store.imports[.init(importID: "i", outcome: .quarantined, reason: "record.field_count")]?.lines == 1)
  }

  @Test("an import that was broken off goes on after the last record that was stored") func resume() throws {
    let mapping = try Kit.mapping(try FileTests.yaml("online-retail"))
    let file = Array(FileTests.invoiceFile.utf8)
    let all = try FileTests.records(file, mapping, chunk: 64)
    for stop in all.indices {
      let rest = try FileTests.records(file, mapping, chunk: 50, afterLine: all[stop].line)
      let wanted = all.filter { $0.line > all[stop].line }
      #expect(rest.map(\.value) == wanted.map(\.value))
    }
  }

  @Test("a file without a column that the mapping reads is refused before its first record") func columns() throws {
    let mapping = try Kit.mapping(try FileTests.yaml("online-retail"))
    for file in ["InvoiceNo,StockCode\n1,2\n", "InvoiceNo,StockCode\n"] {
      #expect(throws: FileUnreadable.self) { try FileTests.records(Array(file.utf8), mapping, chunk: 10) }
    }
  }

  @Test("behind a quotation that never ends all lines go to quarantine together, none is lost") func unterminated() throws {
    let mapping = try Kit.mapping(try FileTests.yaml("online-retail"))
    let head = FileTests.invoiceFile.split(separator: "\n").prefix(3).joined(separator: "\n")
    let file = head + "\n7,A,\"never ends,1\n8,A,TEA,1\n9,A,TEA,1\n"
    let records = try FileTests.records(Array(file.utf8), mapping, chunk: 16)
    let (store, _) = try FileTests.ingest(records, mapping)
    #expect(store.import_(.accepted).lines == 2)
    #expect(store.imports[.init(importID: "i", outcome: .quarantined, reason: "record.unterminated_quote")]?.lines == 3)
  }

  @Test("a record too large for one message is cut into pieces, and every line of it refused") func tooLarge() throws {
    let mapping = try Kit.mapping(try FileTests.yaml("online-retail"))
    let line = "1,A,\(String(repeating: "x", count: 2_000)),1,2010-12-01 08:26:00,2.55,17850.0,UK\n"
    let file = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n" + String(repeating: line, count: 1_000)
    let records = try FileTests.records(Array(file.utf8), mapping, chunk: 100_000)
    #expect(records.count > 1 && records.allSatisfy { $0.value.count <= FileRecords.valueBytesMax })
    let (store, _) = try FileTests.ingest(records, mapping)
    #expect(store.imports[.init(importID: "i", outcome: .quarantined, reason: "lines.too_many_lines")]?.lines == 1_000)
  }

  @Test("NDJSON and JSON files are cut into records byte by byte, and what is broken stays whole", arguments: [1, 5, 1_000])
  func json(chunk: Int) throws {
    let mapping = try Kit.mapping(MappedRecordTests.json)
    let array = "\u{FEFF}[ {\"a\":\"]},{\"},\n {\"b\":[1,{}]} , 17, \"x\\\"y\" ,{\"c\":\n1}\n]\n"
    let records = try FileTests.records(Array(array.utf8), mapping, chunk: chunk)
    #expect(
      records.map { String(decoding: $0.value, as: UTF8.self) } == [#"{"a":"]},{"}"#, #"{"b":[1,{}]}"#, "17", #""x\"y""#, "{\"c\":\n1}"])
    #expect(records.map(\.line) == [1, 2, 2, 2, 2])
    let lines = try Kit.mapping(MappedRecordTests.json.replacing("kind: json", with: "kind: ndjson"))
    let ndjson = "{\"a\":1}\r\n\n  {\"b\":\n not json\n{\"c\":3}"
    #expect(
      try FileTests.records(Array(ndjson.utf8), lines, chunk: chunk).map { String(decoding: $0.value, as: UTF8.self) } == [
        #"{"a":1}"#, #"{"b":"#, "not json", #"{"c":3}"#,
      ])
  }

  static let cdnowPath = "\(Kit.root)/../shared/data/cdnow/CDNOW_master.txt"
  static let retailPath = "\(Kit.root)/../shared/data/online-retail/online-retail.csv.gz"

  @Test(
    "the first 5,000 lines of CDNOW are accepted, every one",
    .enabled(if: access(cdnowPath, R_OK) == 0, "needs shared/data/cdnow beside the repository"))
  func cdnow() throws {
    let file = try #require(FileTests.read(FileTests.cdnowPath))
    let cut = file.split(separator: 0x0A, maxSplits: 5_001).prefix(5_001).joined(separator: [0x0A])
    let mapping = try Kit.mapping(try FileTests.yaml("cdnow"))
    let records = try FileTests.records(Array(cut), mapping, chunk: 30_000)
    let (store, orders) = try FileTests.ingest(records, mapping)
    #expect(store.import_(.accepted) == (5_000, 5_000) && orders.count == 5_000)
    // The sum as `awk '{s+=$4}'` gives it for the same lines.
    let cents = cut.split(separator: 0x0A).dropFirst().reduce(Int64(0)) { sum, line in
      let last = line.split(separator: 0x20).last.map { String(decoding: $0.filter { $0 > 0x20 }, as: UTF8.self) } ?? "0"
      return sum + ((try? MinorUnits.parse(last, digits: 2)) ?? 0)
    }
    #expect(orders.reduce(0) { $0 + $1.baseMinorUnits } == cents)
  }

  @Test(
    "of the first 20,000 lines of Online Retail every one is accounted for",
    .enabled(
      if: access(retailPath, R_OK) == 0 && Executables.onPath("gzip") != nil,
      "needs shared/data/online-retail beside the repository, and gzip"))
  func retail() async throws {
    let gzip = try #require(Executables.onPath("gzip"))
    let path = "/tmp/clientele-retail-\(getpid()).csv"
    let process = try await HelperProcess.start(
      HelperProcess.Launch(executable: gzip, arguments: ["-dc", FileTests.retailPath], environment: [:], standardOutput: .file(path: path)))
    #expect(await process.waitForExit(within: .seconds(30)) == 0)
    let file = try #require(FileTests.read(path))
    unlink(path)
    let cut = Array(file.split(separator: 0x0A, maxSplits: 20_001).prefix(20_001).joined(separator: [0x0A]))
    let mapping = try Kit.mapping(try FileTests.yaml("online-retail"))
    let (store, _) = try FileTests.ingest(try FileTests.records(cut, mapping, chunk: 65_536), mapping)
    #expect(store.imports.values.reduce(0) { $0 + $1.lines } == 20_000)
    // Lines without a customer, counted from the text: nothing before the last comma.
    let nameless = cut.split(separator: 0x0A).count {
      $0.split(separator: 0x2C, omittingEmptySubsequences: false).suffix(2).first?.isEmpty == true
    }
    #expect(store.imports[.init(importID: "i", outcome: .quarantined, reason: "customer.missing")]?.lines == Int64(nameless))
    #expect(store.import_(.accepted).lines == Int64(20_000 - nameless))
  }
}
