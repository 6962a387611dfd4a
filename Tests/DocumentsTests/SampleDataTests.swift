// The shipped mappings over the real files they are for. Splitting lines is done here in the simplest way that fits these two.

import Documents
import Domain
import Glibc
import Testing

struct SampleDataTests {
  static let cdnow = "\(Repository.data)/cdnow/CDNOW_master.txt"
  static let retail = "\(Repository.data)/online-retail/online-retail.csv.gz"

  private func mapping(_ name: String) throws -> Mapping { try MappingDocument.load("\(Repository.root)/deploy/mappings/\(name).yaml") }

  /// Fields of a line of a CSV file without line breaks in quotes.
  private func split(_ line: Substring) -> [String] {
    guard line.utf8.contains(0x22) else { return line.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
    var fields = [""]
    var isQuoted = false
    for character in line {
      if character == "\"" {
        isQuoted.toggle()
      } else if character == ",", !isQuoted {
        fields.append("")
      } else {
        fields[fields.count - 1].append(character)
      }
    }
    return fields
  }

  @Test(.enabled(if: Repository.isThere(cdnow), "the CDNOW data is not beside the checkout"))
  func everyCDNOWLineBecomesAnOrderAndTheTotalIsTheFilesOwn() throws {
    let mapping = try mapping("cdnow")
    let text = try #require(Repository.output(of: "tr -d '\\r\\032' < '\(SampleDataTests.cdnow)'"))
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    let columns = try mapping.columns(in: lines[0].split(separator: " ").map(String.init))
    var total = Rational.zero
    var customers: Set<String> = []
    var orders: Set<String> = []
    var last: MappedRecord?
    for (index, line) in lines.enumerated().dropFirst() where !line.isEmpty {
      let fields = line.split(separator: " ")
      let record = SourceRecord(lineNumber: Int64(index + 1), values: columns.map { String(fields[$0]) })
      guard case .mapped(let order) = mapping.apply([record]) else {
        Issue.record("line \(index + 1) was not mapped")
        continue
      }
      total = try total + #require(order.amount.flatMap { Rational(decimal: $0) })
      customers.insert(try #require(order.identifiers.first).value)
      orders.insert(try #require(order.orderID))
      last = order
    }
    #expect(orders.count == 69_659)
    #expect(customers.count == 23_570)
    #expect(total.decimalText(fractionDigitsMax: 2) == "2500315.63")
    let order = try #require(last)
    #expect(order.orderID == "line-69660")
    #expect(order.identifiers == [MappedIdentifier(kind: .memberID, value: "23570")])
    #expect(order.occurredAt?.text == "19970326")
    #expect(order.paidAt == order.occurredAt)
    #expect(order.lines == [MappedLine(sku: "CD", name: "CDs", quantity: "2", amount: "42.96")])
  }

  @Test(.enabled(if: Repository.isThere(retail), "the Online Retail data is not beside the checkout"))
  func onlineRetailInvoicesAreWholeAndCancellationsAreRefunds() throws {
    let mapping = try mapping("online-retail")
    // The first invoices, and the stretch where another invoice stands between the lines of one.
    let text = try #require(Repository.output(of: "gzip -dc '\(SampleDataTests.retail)' | sed -n '1,12000p;78000,78300p' | tr -d '\\r'"))
    let lines = text.split(separator: "\n")
    let columns = try mapping.columns(in: split(lines[0]))
    var grouper = LineGrouper()
    var groups: [LineGroup] = []
    for (index, line) in lines.enumerated().dropFirst() {
      let fields = split(line)
      let record = SourceRecord(lineNumber: Int64(index + 1), values: columns.map { fields[$0] })
      groups += grouper.add(record, key: mapping.groupKey(of: record))
    }
    groups += grouper.finish()
    #expect(groups.map(\.records.count).reduce(0, +) == lines.count - 1)
    #expect(Set(groups.map(\.key)).count == groups.count)
    var kinds: [MappedKind: Int] = [:]
    for group in groups {
      guard case .mapped(let record) = mapping.apply(group) else {
        Issue.record("\(group.key) was not mapped: \(mapping.apply(group))")
        continue
      }
      kinds[record.kind, default: 0] += 1
      #expect((record.kind == .refund) == group.key.hasPrefix("C"))
      #expect(record.lines.count == group.records.count)
      if record.kind == .refund { #expect(record.amount?.hasPrefix("-") == false) }
    }
    #expect(kinds[.refund, default: 0] > 50)
    let first = try #require(groups.first)
    guard case .mapped(let invoice) = mapping.apply(first) else { return }
    #expect(invoice.orderID == "536365")
    #expect(invoice.amount == "139.12")
    #expect(invoice.lines.count == 7)
    #expect(invoice.identifiers == [MappedIdentifier(kind: .memberID, value: "17850")])
    #expect(invoice.occurredAt?.text == "2010-12-01 08:26:00")
  }
}
