// `clientele customer entitlements`: what a customer may have by its tier, as the tiering service answers it (T-11).
public import CommandLine
import Domain
import HTTP
public import Text

/// The benefits of one customer, or the answer about one of them.
public struct Entitlements: Sendable {
  /// As the tiering service tells it.
  public let json: JSONValue

  /// nil when there is no such customer, or none that tiering knows.
  ///
  /// - Parameters:
  ///   - benefit: asks about this one alone.
  ///   - value: how much of it is asked for.
  public static func find(_ asked: CustomerAsked, benefit: String?, value: String?, _ services: ServiceClient) async throws -> Entitlements? {
    guard let id = try await asked.customerID(services) else { return nil }
    let path = ServiceClient.path("/v1/customers/\(ServiceClient.escaped(id))/entitlements", [("benefit", benefit), ("value", value)])
    do { return Entitlements(json: try await services.call("tiering", .get, path)) } catch let refusal as ServiceRefusal where refusal.status == 404 {
      return nil
    }
  }

  /// For people, in the console's language.
  public func text(for console: Console) -> String {
    let isChinese = console.language == .zh
    var lines = [head(isChinese)]
    guard let benefits = json["benefits"]?.arrayValue else {
      lines.append(json["text"]?[isChinese ? "zh" : "en"]?.stringValue ?? "-")
      if json["touches_price"]?.booleanValue == true { lines.append(isChinese ? "该权益影响价格" : "This benefit touches the price") }
      return lines.joined(separator: "\n") + "\n"
    }
    guard !benefits.isEmpty else { return lines[0] + "\n" + (isChinese ? "没有权益" : "No benefits") + "\n" }
    return lines[0] + "\n\n" + table(benefits, isChinese).render()
  }

  private func head(_ isChinese: Bool) -> String {
    func value(_ key: String) -> String { json[key]?.stringValue ?? "-" }
    let id = value("customer_id")
    let merged = value("asked_for") == id ? "" : isChinese ? "（由 \(value("asked_for")) 合并）" : " (\(value("asked_for")) is part of it)"
    guard let tier = json["tier_name"]?[isChinese ? "zh" : "en"]?.stringValue else {
      return isChinese ? "客户 \(id)\(merged)：尚未评级" : "Customer \(id)\(merged): not rated yet"
    }
    return isChinese
      ? "客户 \(id)\(merged)：\(tier)，有效至下次复核 \(value("valid_until"))" : "Customer \(id)\(merged): \(tier), valid until the next review on \(value("valid_until"))"
  }

  private func table(_ benefits: [JSONValue], _ isChinese: Bool) -> Table {
    func say(_ english: String, _ chinese: String) -> String { isChinese ? chinese : english }
    var table = Table([.init(say("Benefit", "权益")), .init(say("Name", "名称")), .init(say("Limit", "上限")), .init(say("Touches the price", "影响价格"))])
    for benefit in benefits {
      table.add([
        benefit["benefit"]?.stringValue ?? "-", benefit["name"]?[isChinese ? "zh" : "en"]?.stringValue ?? "-", Entitlements.limit(benefit, isChinese),
        benefit["touches_price"]?.booleanValue == true ? say("yes", "是") : "-",
      ])
    }
    return table
  }

  /// The limit with its unit; a unit that this program does not know yet is shown by its name.
  private static func limit(_ benefit: JSONValue, _ isChinese: Bool) -> String {
    guard case .number(let text)? = benefit["limit"] else { return "-" }
    let unit = benefit["unit"]?.stringValue ?? ""
    guard let known = BenefitUnit(rawValue: unit), let limit = Rational(decimal: text) else { return "\(text) \(unit)" }
    return known.limitText(limit, in: isChinese ? .chinese : .english)
  }
}
