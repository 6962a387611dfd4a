// `clientele customer show`: who a customer is, what it bought, which tier it has and why, from two services on one page.
public import CommandLine
public import HTTP
public import Text
import Phones

/// By what a customer is asked for.
public enum CustomerAsked: Sendable, Equatable {
  case id(String)
  case member(String)
  case phone(String)
  case email(String)

  /// The path at the profile service. A phone number is brought to E.164 first and an address to lower case, as ingest does (I-04).
  func path(_ phones: PhoneNumbers) throws -> String {
    switch self {
    case .id(let id): return "/v1/customers/" + ServiceClient.escaped(id.lowercased())
    case .member(let member): return ServiceClient.path("/v1/customers", [("member_id", member)])
    case .phone(let text):
      guard let phone = phones.e164(text) else {
        throw SuiteFailure("`\(text)` is no phone number in \(phones.region): write +44... for other countries' numbers, or set CLIENTELE_PHONE_REGION")
      }
      return ServiceClient.path("/v1/customers", [("phone", phone)])
    case .email(let text): return ServiceClient.path("/v1/customers", [("email", text.lowercased())])
    }
  }

  /// The customer's id, which only for another name has to be asked of the profile service; nil when there is no such customer.
  public func customerID(_ services: ServiceClient) async throws -> String? {
    if case .id(let id) = self { return id.lowercased() }
    let profile: JSONValue
    let path = try path(services.connection.phones)
    do { profile = try await services.call("profile", .get, path) } catch let refusal as ServiceRefusal where refusal.status == 404 { return nil }
    guard let id = profile["customer_id"]?.stringValue else { throw SuiteFailure("profile answered without a customer_id") }
    return id
  }
}

/// What the services know of one customer.
public struct CustomerFound: Sendable {
  /// As the profile service tells it.
  public let profile: JSONValue
  /// As the tiering service tells it; nil while it has not rated the customer.
  public let rating: JSONValue?

  /// The profile is of a past day: a rating of today says nothing about it.
  public let isPast: Bool

  /// nil when there is no such customer.
  ///
  /// - Parameter days: `as_of` and `known_on`, each nil for today.
  public static func find(
    _ asked: CustomerAsked, days: [(name: String, value: String?)] = [], _ services: ServiceClient, _ headers: HTTPHeaders = [:]
  ) async throws -> CustomerFound? {
    let profile: JSONValue
    let path = ServiceClient.path(try asked.path(services.connection.phones), days)
    let isPast = days.contains { $0.value != nil }
    do { profile = try await services.call("profile", .get, path, headers: headers) } catch let refusal as ServiceRefusal where refusal.status == 404 {
      return nil
    }
    guard let id = profile["customer_id"]?.stringValue else { throw SuiteFailure("profile answered without a customer_id") }
    if isPast { return CustomerFound(profile: profile, rating: nil, isPast: true) }
    do {
      return CustomerFound(profile: profile, rating: try await services.call("tiering", .get, "/v1/tiers/" + ServiceClient.escaped(id)), isPast: false)
    } catch let refusal as ServiceRefusal where refusal.status == 404 {
      return CustomerFound(profile: profile, rating: nil, isPast: false)
    }
  }

  public var json: JSONValue { ["profile": profile, "rating": rating ?? .null] }

  /// One page for people, in the console's language; identifiers are masked by the profile service unless a reason was given (S-02).
  public func text(for console: Console, ordersMax: Int) -> String {
    let isChinese = console.language == .zh
    var lines = identity(isChinese) + figures(isChinese) + [""] + rated(isChinese)
    let orders = profile["orders"]?.arrayValue ?? []
    lines.append("")
    if orders.isEmpty {
      lines.append(isChinese ? "没有订单" : "No orders")
      return lines.joined(separator: "\n") + "\n"
    }
    let shown = min(orders.count, ordersMax)
    lines.append(isChinese ? "最近订单（共 \(orders.count) 单，显示 \(shown) 单）" : "Latest orders (\(shown) of \(orders.count))")
    return lines.joined(separator: "\n") + "\n" + table(of: orders.prefix(ordersMax), isChinese).render()
  }

  private func value(_ key: String) -> String {
    switch profile[key] {
    case .text(let text), .number(let text): text
    default: "-"
    }
  }

  private func identity(_ isChinese: Bool) -> [String] {
    func row(_ english: String, _ chinese: String, _ value: String) -> String {
      let label = isChinese ? chinese : english
      return label + String(repeating: " ", count: max(1, 14 - (isChinese ? 2 * label.count : label.count))) + value
    }
    let known = (profile["identifiers"]?.arrayValue ?? []).map { item -> String in
      var notes: [String] = []
      if item["strong"]?.booleanValue == false { notes.append(isChinese ? "弱" : "weak") }
      if item["shared"]?.booleanValue == true { notes.append(isChinese ? "共用" : "shared") }
      let mark = notes.isEmpty ? "" : " (\(notes.joined(separator: ", ")))"
      return "\(item["kind"]?.stringValue ?? "") \(item["value"]?.stringValue ?? "")\(mark)"
    }
    var rows = [row("Customer", "客户", value("customer_id")), row("Member", "会员号", value("member_id"))]
    if let asked = profile["asked_for"]?.stringValue, asked != profile["customer_id"]?.stringValue {
      rows.append(row("Merged from", "合并自", asked))
    }
    rows += [row("Known by", "标识", known.isEmpty ? "-" : known.joined(separator: "; ")), row("First seen", "首次出现", value("first_seen_at"))]
    rows.append(row("Lifecycle", "生命周期", isChinese ? value("lifecycle_zh") : value("lifecycle")))
    let tags = (profile["tags"]?.arrayValue ?? []).compactMap { $0["tag"]?.stringValue }
    if !tags.isEmpty { rows.append(row("Tags", "标签", tags.joined(separator: ", "))) }
    for member in profile["attributes"]?.members ?? [] {
      if let text = member.value.stringValue { rows.append(row(member.key, member.key, text)) }
    }
    return rows
  }

  private func figures(_ isChinese: Bool) -> [String] {
    let (recency, frequency, money, currency) = (value("recency_days"), value("frequency"), value("monetary"), value("currency"))
    let (orders, spend) = (value("orders_of_all_time"), value("spend_of_all_time"))
    return isChinese
      ? [
        "截至 \(value("as_of"))：距上次付款 \(recency) 天；近 12 个月 \(frequency) 单，\(money) \(currency)；累计 \(orders) 单，\(spend) \(currency)"
      ]
      : [
        "On \(value("as_of")): last paid order \(recency) days before; orders in 12 months: \(frequency), \(money) \(currency); "
          + "of all time: \(orders), \(spend) \(currency)"
      ]
  }

  private func rated(_ isChinese: Bool) -> [String] {
    if isPast { return [isChinese ? "过去某日的情况：不显示现时等级" : "As of a past day: the tier of today is left out"] }
    guard let rating else { return [isChinese ? "尚未分级" : "Not rated yet"] }
    let language = isChinese ? "zh" : "en"
    // Only where there is more to say than that the figures decide.
    let made = rating["decision"]
    let isPlain = ["proposal", "override", "notice", "landed_until"].allSatisfy { made?[$0] ?? .null == .null } && made?["automated"] != false
    let decision = isPlain && rating["decided_tier"] == rating["tier"] ? [] : made?["text"]?[language]?.stringValue.map { [$0] } ?? []
    if let text = rating["explanation"]?["text"]?[language]?.stringValue { return decision + [text] }
    let tier = rating["tier"]?.stringValue ?? "-"
    return decision + [isChinese ? "等级 \(tier)：没有可计分的数据" : "Tier \(tier): no indicator has a value, so there is no score to explain"]
  }

  private func table(of orders: some Sequence<JSONValue>, _ isChinese: Bool) -> Table {
    func say(_ english: String, _ chinese: String) -> String { isChinese ? chinese : english }
    var table = Table([
      .init(say("Ordered", "下单时间")), .init(say("Order", "订单号")), .init(say("Source", "来源")), .init(say("Channel", "渠道")), .init(say("Total", "金额"), .right),
      .init(say("Paid", "付款时间")), .init(say("Movements", "收退款")),
    ])
    for order in orders {
      let movements = (order["movements"]?.arrayValue ?? []).map { "\($0["type"]?.stringValue ?? "") \($0["amount"]?.stringValue ?? "")" }
      table.add(
        ["ordered_at", "order_id", "source", "channel", "total", "paid_at"].map { order[$0]?.stringValue ?? "-" } + [movements.joined(separator: ", ")])
    }
    return table
  }
}
