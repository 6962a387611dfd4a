// A ledger of finance compared with the profile's spend (I-08).
public import Domain
public import Text
import HTTP

/// The file: customer, period, amount.
public enum LedgerFile {
  public static let bytesMax = 256 << 20

  public struct Line: Hashable, Sendable {
    public let line: Int
    public let customer: String
    public let period: String
    /// Minor units of the base currency.
    public let amount: Int64
  }

  public static func read(_ bytes: [UInt8], name: String, currency: Currency) throws -> [Line] {
    var reader = DelimitedReader(.csv)
    var lines: [Line] = []
    var rest = bytes[...]
    do {
      repeat {
        try reader.feed(Array(rest.prefix(InputFile.chunkBytesMax)))
        rest = rest.dropFirst(InputFile.chunkBytesMax)
        if rest.isEmpty { reader.finish() }
        while let record = try reader.next() { lines.append(try line(record, reader, name, currency)) }
      } while !rest.isEmpty
    } catch let fault as DelimitedFault { throw SuiteFailure("\(name): \(fault)") }
    return lines
  }

  private static func line(_ record: DelimitedRecord, _ reader: DelimitedReader, _ name: String, _ currency: Currency) throws -> Line {
    func field(_ column: String) throws -> String {
      guard let index = reader.column(column) else { throw SuiteFailure("\(name) has no column \(column): the header must name customer, period and amount") }
      guard index < record.count else { throw SuiteFailure("\(name):\(record.line): there is no \(column)") }
      return record.text(index)
    }
    let (customer, period) = (try field("customer"), try field("period"))
    guard !customer.isEmpty else { throw SuiteFailure("\(name):\(record.line): customer is empty") }
    let parts = period.split(separator: "-", omittingEmptySubsequences: false)
    guard (period.utf8.count == 4 && Day(period + "-01-01") != nil) || (parts.count == 2 && Day(period + "-01") != nil) else {
      throw SuiteFailure("\(name):\(record.line): period must be a month as 2025-03 or a year as 2025, not `\(period)`")
    }
    let text = try field("amount")
    guard let amount = try? MinorUnits.parse(text, digits: currency.minorDigits) else {
      throw SuiteFailure("\(name):\(record.line): amount must be a number as 128.00, not `\(text)`")
    }
    return Line(line: record.line, customer: customer, period: period, amount: amount)
  }
}

public enum LedgerCheck {
  /// One customer whose figures differ.
  public struct Difference: Sendable {
    public let period: String
    /// As the file calls the customer; nil: the file does not have it.
    public let customer: String?
    public let customerID: String?
    /// nil: the file does not have the customer, or the suite does not.
    public let theirs: String?
    public let ours: String?
    /// Source, order, spend.
    public let orders: [JSONValue]

    public var json: JSONValue {
      [
        "period": .text(period), "customer": .textOrNull(customer), "customer_id": .textOrNull(customerID), "ledger": .textOrNull(theirs),
        "suite": .textOrNull(ours), "orders": .array(orders),
      ]
    }

    public func text(isChinese: Bool) -> String {
      var out = "\(period) \(customer ?? "-") \(customerID ?? "-"): "
      out += isChinese ? "台账 \(theirs ?? "无")，套件 \(ours ?? "无")\n" : "ledger \(theirs ?? "nothing"), suite \(ours ?? "nothing")\n"
      for order in orders {
        out += "  " + ["source", "order_id", "paid_at", "spend"].map { order[$0]?.stringValue ?? "-" }.joined(separator: " ") + "\n"
      }
      return out
    }
  }

  private struct Ours {
    let id: String
    let spend: Int64
  }

  /// In the order of periods and of the file; customers that the file does not have come last.
  public static func differences(_ lines: [LedgerFile.Line], _ services: ServiceClient) async throws -> [Difference] {
    var result: [Difference] = []
    var periods: [String] = []
    var byPeriod: [String: [LedgerFile.Line]] = [:]
    for line in lines {
      if byPeriod[line.period] == nil { periods.append(line.period) }
      byPeriod[line.period, default: []].append(line)
    }
    for period in periods { result += try await differences(byPeriod[period] ?? [], of: period, services) }
    return result
  }

  private static func differences(_ lines: [LedgerFile.Line], of period: String, _ services: ServiceClient) async throws -> [Difference] {
    let digits = services.connection.currency.minorDigits
    var byID: [String: Ours] = [:]
    var byMember: [String: String] = [:]
    try await services.eachLine("profile", ServiceClient.path("/v1/spend", [("period", period)])) { line in
      let value = try JSONValue(line)
      guard let id = value["customer_id"]?.stringValue, let spend = value["spend"]?.stringValue else {
        throw SuiteFailure("profile listed a customer without spend")
      }
      byID[id] = Ours(id: id, spend: try MinorUnits.parse(spend, digits: digits))
      if let member = value["member_id"]?.stringValue { byMember[member] = id }
    }
    // Several lines may be one customer's: members that were put together.
    var theirs: [(id: String?, name: String, amount: Int64)] = []
    var places: [String: Int] = [:]
    for line in lines {
      let id: String?
      let known = byMember[line.customer] ?? byID[line.customer.lowercased()]?.id
      if let known { id = known } else { id = try await find(line.customer, services) }
      if let id, let place = places[id] {
        let (sum, overflows) = theirs[place].amount.addingReportingOverflow(line.amount)
        guard !overflows else { throw SuiteFailure("line \(line.line): the amounts of \(line.customer) are too large together") }
        theirs[place].amount = sum
      } else {
        if let id { places[id] = theirs.count }
        theirs.append((id, line.customer, line.amount))
      }
    }
    var result: [Difference] = []
    for (id, name, amount) in theirs {
      let ours = id.map { byID[$0]?.spend ?? 0 }
      guard ours != amount else { continue }
      result.append(try await difference(period, name, id, amount, ours, services))
    }
    for ours in byID.values.sorted(by: { $0.id < $1.id }) where places[ours.id] == nil && ours.spend != 0 {
      result.append(try await difference(period, nil, ours.id, nil, ours.spend, services))
    }
    return result
  }

  /// A customer by a member id or a number that the period's list does not have: one that was merged, or who spent nothing.
  private static func find(_ customer: String, _ services: ServiceClient) async throws -> String? {
    var paths = [ServiceClient.path("/v1/customers", [("member_id", customer)])]
    if CustomerID(customer.lowercased()) != nil { paths.append("/v1/customers/" + ServiceClient.escaped(customer.lowercased())) }
    for path in paths {
      do {
        if let id = try await services.call("profile", .get, path)["customer_id"]?.stringValue { return id }
      } catch let refusal as ServiceRefusal where refusal.status == 404 { continue }
    }
    return nil
  }

  private static func difference(
    _ period: String, _ name: String?, _ id: String?, _ theirs: Int64?, _ ours: Int64?, _ services: ServiceClient
  ) async throws -> Difference {
    let digits = services.connection.currency.minorDigits
    var orders: [JSONValue] = []
    if let id {
      let path = ServiceClient.path("/v1/customers/" + ServiceClient.escaped(id) + "/spend", [("period", period)])
      orders = try await services.call("profile", .get, path)["orders"]?.arrayValue ?? []
    }
    return Difference(
      period: period, customer: name, customerID: id, theirs: theirs.map { MinorUnits.text($0, digits: digits) },
      ours: ours.map { MinorUnits.text($0, digits: digits) }, orders: orders)
  }

  /// One record for each order behind a difference, or one without an order.
  public static func csv(_ differences: [Difference]) -> String {
    var writer = DelimitedWriter()
    writer.record(["period", "customer", "customer_id", "ledger", "suite", "source", "order_id", "paid_at", "spend"])
    for difference in differences {
      let head = [difference.period, difference.customer ?? "", difference.customerID ?? "", difference.theirs ?? "", difference.ours ?? ""]
      for order in difference.orders.isEmpty ? [.null] : difference.orders {
        writer.record(head + ["source", "order_id", "paid_at", "spend"].map { order[$0]?.stringValue ?? "" })
      }
    }
    return String(decoding: writer.take(), as: UTF8.self)
  }
}
