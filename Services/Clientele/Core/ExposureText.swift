// The leak drill's answer for people: nothing in it is cut, however long.
public import Domain
import CommandLine
import Text

/// Says an exposure in one language.
public struct ExposureText {
  private let exposure: JSONValue
  private let grouping: Exposure.Grouping
  private let zone: BusinessZone
  private let isChinese: Bool

  public init(_ exposure: Exposure, by grouping: Exposure.Grouping, _ zone: BusinessZone, isChinese: Bool) {
    self.exposure = exposure.json(by: grouping)
    (self.grouping, self.zone, self.isChinese) = (grouping, zone, isChinese)
  }

  public var text: String {
    var lines: [String] = []
    for group in exposure[grouping == .person ? "people" : "customers"]?.arrayValue ?? [] {
      lines.append("\(grouping == .person ? person(group) : owner(group)) — \(span(group))")
      lines.append((isChinese ? "  理由：" : "  because: ") + reasons(group))
      for one in group[grouping == .person ? "seen" : "seen_by"]?.arrayValue ?? [] {
        lines.append("  \(grouping == .person ? owner(one) : person(one)): \(fields(one)) — \(span(one))")
      }
    }
    lines.append(summary)
    return lines.joined(separator: "\n") + "\n"
  }

  private func number(_ value: JSONValue, _ name: String) -> Int64 { value[name]?.int64Value ?? 0 }
  private func plain(_ value: JSONValue, _ name: String) -> String { DisplayWidth.plain(value[name]?.stringValue ?? "") }

  private func person(_ value: JSONValue) -> String {
    let (name, subject) = (plain(value, "actor"), plain(value, "subject"))
    if name.isEmpty { return isChinese ? "（未启用访问控制）" : "(access off)" }
    return subject.isEmpty || subject == name ? name : "\(name) (\(subject))"
  }

  private func owner(_ value: JSONValue) -> String {
    let customer = plain(value, "customer")
    return customer.isEmpty ? (isChinese ? "不明客户（\(plain(value, "record"))）" : "unknown customer (\(plain(value, "record")))") : customer
  }

  private func fields(_ value: JSONValue) -> String { (value["fields"]?.arrayValue ?? []).compactMap(\.stringValue).joined(separator: ", ") }

  private func reasons(_ value: JSONValue) -> String {
    (value["reasons"]?.arrayValue ?? []).map { "\(plain($0, "reason")) (\(number($0, "looks")))" }.joined(separator: isChinese ? "；" : "; ")
  }

  private func span(_ value: JSONValue) -> String {
    let (looks, first, last) = (number(value, "looks"), TicketWords.moment(value["first_at"], zone), TicketWords.moment(value["last_at"], zone))
    let time = first == last ? first : isChinese ? "\(first) 至 \(last)" : "\(first) to \(last)"
    return isChinese ? "\(looks) 次，\(time)" : "\(counted(looks, "look", "looks")), \(time)"
  }

  private var summary: String {
    let sum = exposure["summary"] ?? .null
    let (customers, people, looks) = (number(sum, "customers"), number(sum, "people"), number(sum, "looks"))
    return isChinese
      ? "\(customers) 位客户，\(people) 人，\(looks) 次查看"
      : "\(counted(customers, "customer", "customers")), \(counted(people, "person", "people")), \(counted(looks, "look", "looks"))"
  }

  private func counted(_ count: Int64, _ one: String, _ many: String) -> String { "\(count) \(count == 1 ? one : many)" }
}
