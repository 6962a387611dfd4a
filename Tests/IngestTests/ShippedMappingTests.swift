// The mappings that are shipped, each over its sample: every record becomes exactly what is written here (I-03, I-04).
import Contracts
import Documents
import Domain
import Glibc
import Handling
import Testing
import Text

@testable import IngestCore

@Suite struct ShippedMappingTests {
  struct Shipped: Sendable, CustomTestStringConvertible {
    let name: String
    let sample: String
    let wanted: [String]
    var testDescription: String { name }
  }

  static let all = [
    Shipped(
      name: "shopify-order", sample: "shopify-order.json",
      wanted: [
        "order 5678901234567 r202606120930050800 2026-06-12T01:30:00Z unpaid 331.00 web phone:+8613912345678? "
          + "email:an.na@example.com? external_id:shopify:7012345678901? TEA-LJ-250=239.00x2 Gift wrap=100.00x1 name=安娜 region=浙江省",
        "order 5678901234567 r202606120931400800 2026-06-12T01:30:00Z paid@2026-06-12T01:30:00Z 331.00 web phone:+8613912345678? "
          + "email:an.na@example.com? external_id:shopify:7012345678901? TEA-LJ-250=239.00x2 Gift wrap=100.00x1 name=安娜 region=浙江省",
        "cancellation 5678901234999 r1 2026-06-14T00:00:00Z unpaid 0.00 external_id:shopify:7012345670000?",
        "skipped test orders",
      ]),
    Shipped(
      name: "shopify-refund", sample: "shopify-refund.json",
      wanted: ["refund 5678901234567 929361462000 2026-06-20T02:15:00Z unpaid 119.50 alipay=100.00x1 gift_card=19.50x1"]),
    Shipped(
      name: "youzan-order", sample: "youzan-order.json",
      wanted: [
        "order E20260612093000012345678 r20260612093043 2026-06-12T01:30:00Z paid@2026-06-12T01:30:42Z 249.00 mini_program "
          + "phone:+8613912345678 open_id:WkT3xQ8m601234567890? external_id:youzan:8012345678? TEA-LJ-250=219.00x2 601002=20.00x1 "
          + "name=小安 region=浙江省",
        "order E20260613110000012345679 r20260613110000 2026-06-13T03:00:00Z unpaid 88.00 web phone:+8613912345678 "
          + "open_id:WkT3xQ8m601234567890? external_id:youzan:8012345678? 601003=88.00x1",
        "cancellation E20260613110000012345679 r1 2026-06-13T04:00:01Z unpaid 0.00 external_id:youzan:8012345678?",
      ]),
    Shipped(
      name: "pos-journal", sample: "pos-journal.txt",
      wanted: [
        "order S01-R02-000123 r1 2026-06-12T01:30:00Z paid@2026-06-12T01:30:00Z 261.00 shop pos_card:880017? "
          + "6901234567892=239.00x2 2000001=42.00x0.350 会员折扣=-20.00x1",
        "order S01-R02-000124 r1 2026-06-12T01:31:20Z paid@2026-06-12T01:31:20Z 88.00 shop phone:+8613912345678? 6901234500001=88.00x1",
        "skipped no card and no phone", "skipped training at the till",
        "cancellation S01-R02-000124 r1 2026-06-12T02:15:00Z unpaid 0.00 shop",
        "refund S01-R02-000123 S01-R02-000127 2026-06-13T07:00:00Z unpaid 119.50 shop pos_card:880017? 6901234567892=-119.50x-1",
        "refused customer.phone.format",
      ]),
    Shipped(
      name: "generic-csv", sample: "generic-csv.csv",
      wanted: [
        "order A-1001 r1 2026-06-12T01:30:00Z paid@2026-06-12T01:31:00Z 1249.00 web member_id:M-7 email:an@example.com? TEA-1=1239.00x2 POST=10.00x1 name=安娜",
        "order A-1002 r2 2026-06-13T03:00:00Z unpaid 88.00 web phone:+8613912345678? CUP-4=88.00x1",
        "refund A-1001 R-1 2026-06-20T02:15:00Z unpaid 619.50 web member_id:M-7 TEA-1=-619.50x1",
        "cancellation A-1002 r1 2026-06-13T04:00:00Z unpaid 0.00",
        "refused occurred_at.format",
      ]),
  ]

  @Test("a shipped mapping makes of its sample what it is to make", arguments: all) func samples(_ shipped: Shipped) throws {
    let yaml = try ShippedMappingTests.bytes("deploy/mappings/\(shipped.name).yaml")
    let mapping = try Kit.mapping(String(decoding: yaml, as: UTF8.self))
    var file = FileRecords(mapping: mapping.mapping, mappingID: mapping.id, importID: "i")
    let records = try file.take(ShippedMappingTests.bytes("deploy/sample/mappings/\(shipped.sample)")) + file.finish()
    let reading = RecordReading(rules: try Kit.rules())
    let found = records.map { record in
      let input = InputRecord(stream: .orders, value: record.value) { name in record.headers.first { $0.name == name }?.value }
      return ShippedMappingTests.text(reading.read(input, mapping: mapping, now: Kit.now))
    }
    #expect(found == shipped.wanted)
  }

  @Test("every mapping and every sample that is shipped is tested") func completeness() {
    let mappings = ShippedMappingTests.names(in: "deploy/mappings").filter { $0 != "cdnow.yaml" && $0 != "online-retail.yaml" }
    #expect(mappings == ShippedMappingTests.all.map { "\($0.name).yaml" }.sorted())
    #expect(ShippedMappingTests.names(in: "deploy/sample/mappings") == ShippedMappingTests.all.map(\.sample).sorted())
  }

  @Test("a Shopify order's later webhook replaces the earlier one, and its refund finds it, whatever comes first") func order() throws {
    var feed = try Feed()
    var store = MemoryIngestStore()
    func records(_ name: String, _ sample: String) throws -> [(InputRecord, CompiledMapping)] {
      let mapping = try Kit.mapping(String(decoding: ShippedMappingTests.bytes("deploy/mappings/\(name).yaml"), as: UTF8.self))
      var file = FileRecords(mapping: mapping.mapping, mappingID: mapping.id, importID: "i")
      return try (file.take(ShippedMappingTests.bytes("deploy/sample/mappings/\(sample)")) + file.finish()).map { record in
        (InputRecord(stream: .orders, value: record.value) { name in record.headers.first { $0.name == name }?.value }, mapping)
      }
    }
    let shuffled = try records("shopify-refund", "shopify-refund.json") + records("shopify-order", "shopify-order.json").reversed()
    var events: [OrderEvent] = []
    for (record, mapping) in shuffled + shuffled {
      let outcome = try IngestBatch.apply(
        [feed.judged(record, mapping: mapping)], to: &store, hasher: try FactHasher(), zone: Kit.shanghai, at: Kit.now)
      #expect(outcome.refusals.isEmpty)
      events += outcome.orders
    }
    #expect(events.map(\.kind) == [.cancellation, .order, .refund, .order])
    #expect(events.filter { $0.kind == .refund }.allSatisfy { $0.identifiers.first == events.first { $0.kind == .order }?.identifiers.first })
  }

  private static func bytes(_ path: String) throws -> [UInt8] {
    guard let file = fopen("\(Kit.root)/\(path)", "r") else { throw Surprise("\(path) cannot be opened") }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    let count = fread(&bytes, 1, bytes.count, file)
    return Array(bytes[..<count])
  }

  private static func names(in folder: String) -> [String] {
    guard let handle = opendir("\(Kit.root)/\(folder)") else { return [] }
    defer { closedir(handle) }
    var names: [String] = []
    while let entry = readdir(handle) {
      names.append(withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
    }
    return names.filter { !$0.hasPrefix(".") }.sorted()
  }

  /// A verdict in one line: `?` behind an identifier that is weak.
  private static func text(_ verdict: Verdict) -> String {
    switch verdict {
    case .skipped(let reason): return "skipped \(reason)"
    case .refused(let faults): return "refused " + faults.map(\.code).joined(separator: " ")
    case .fact(.order(let fact)): return text(fact)
    case .fact: return "something else"
    }
  }

  private static func text(_ fact: OrderFact) -> String {
    let event = fact.event
    func yuan(_ units: Int64) -> String {
      let cents = String(units.magnitude % 100)
      return (units < 0 ? "-" : "") + "\(units.magnitude / 100)." + (cents.count < 2 ? "0" : "") + cents
    }
    var words = [event.kind.name, event.orderID ?? "-", event.reference.isEmpty ? "r\(event.revision)" : event.reference]
    words += [RFC3339.text(event.occurredAt.microseconds), event.paidAt.map { "paid@" + RFC3339.text($0.microseconds) } ?? "unpaid"]
    words += [yuan(event.money.minorUnits), event.channel].filter { !$0.isEmpty }
    words += event.identifiers.map { "\($0.kind.name):\($0.value)" + ($0.isStrong ? "" : "?") }
    words += event.lines.map { "\($0.sku.isEmpty ? $0.name : $0.sku)=\(yuan($0.minorUnits))x\($0.quantity)" }
    words += fact.attributes.sorted { $0.key < $1.key }.map { "\($0.key.key)=\($0.value)" }
    return words.joined(separator: " ")
  }
}
