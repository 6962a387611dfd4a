// Proposals and decisions about tiers as the tiering service tells them, for people (T-07, S-07).
public import CommandLine
public import Text
import Domain
import HTTP

public enum TierDecisions {
  /// A proposal with its ETag; nil when nothing waits of the customer.
  public static func proposal(of customer: String, _ services: ServiceClient) async throws -> (answer: JSONValue, tag: String?)? {
    do { return try await services.tagged("tiering", .get, "/v1/proposals/" + ServiceClient.escaped(customer)) } catch let refusal as ServiceRefusal
      where refusal.status == 404
    {
      return nil
    }
  }

  /// The rating of a customer with its ETag; nil when there is none.
  ///
  /// - Parameter version: one of the past.
  public static func rating(of customer: String, version: Int? = nil, _ services: ServiceClient) async throws -> (answer: JSONValue, tag: String?)? {
    let path = ServiceClient.path("/v1/tiers/" + ServiceClient.escaped(customer), [("version", version.map { String($0) })])
    do { return try await services.tagged("tiering", .get, path) } catch let refusal as ServiceRefusal where refusal.status == 404 { return nil }
  }

  // MARK: - The queue

  public static func table(_ proposals: [JSONValue], isChinese: Bool) -> Table {
    func say(_ english: String, _ chinese: String) -> String { isChinese ? chinese : english }
    var table = Table([
      .init(say("Customer", "客户")), .init(say("Member", "会员号")), .init(say("Tier", "现等级")), .init(say("Proposed", "建议等级")),
      .init(say("Score", "得分"), .right), .init(say("Because", "起因")), .init(say("Since", "提出日期")), .init(say("Until", "到期")),
      .init(say("Asked by", "申请人")),
    ])
    for proposal in proposals {
      table.add([
        proposal["customer_id"]?.stringValue ?? "-", proposal["member_id"]?.stringValue ?? "-", name(proposal["tier_name"], isChinese),
        name(proposal["proposed_tier_name"], isChinese), proposal["score"]?.intValue.map { String($0) } ?? "-",
        cause(proposal["cause"]?.stringValue ?? "-", isChinese), String((proposal["opened_at"]?.stringValue ?? "-").prefix(10)),
        proposal["expires"]?.stringValue ?? "-", proposal["terms"]?["actor"]?.stringValue ?? "-",
      ])
    }
    return table
  }

  private static func name(_ name: JSONValue?, _ isChinese: Bool) -> String { name?[isChinese ? "zh" : "en"]?.stringValue ?? "-" }

  /// A proposal with the figures behind it.
  public static func text(of proposal: JSONValue, isChinese: Bool) -> String {
    let (tier, proposed) = (name(proposal["tier_name"], isChinese), name(proposal["proposed_tier_name"], isChinese))
    let customer = proposal["customer_id"]?.stringValue ?? "-"
    let member = proposal["member_id"]?.stringValue.map { isChinese ? "（会员 \($0)）" : " (member \($0))" } ?? ""
    let version = proposal["rating_version"]?.int64Value ?? 0
    let reason = cause(proposal["cause"]?.stringValue ?? "-", isChinese)
    let since = String((proposal["opened_at"]?.stringValue ?? "-").prefix(10))
    var lines = [
      isChinese ? "客户 \(customer)\(member)：现为\(tier)，建议调整为\(proposed)" : "Customer \(customer)\(member): \(tier), \(proposed) is proposed",
      isChinese
        ? "起因：\(reason)；自 \(since) 起，\(proposal["expires"]?.stringValue ?? "-") 到期；评分版本 \(version)"
        : "Because: \(reason); since \(since), until \(proposal["expires"]?.stringValue ?? "-"); rating \(version)",
    ]
    if let terms = proposal["terms"], let actor = terms["actor"]?.stringValue {
      let (until, words) = (terms["until"]?.stringValue ?? "-", terms["reason"]?.stringValue ?? "-")
      let next = terms["at_next_rating"]?.stringValue ?? "-"
      lines.append(
        isChinese ? "\(actor) 申请，至 \(until)，期间评分：\(next)，理由：\(words)" : "Asked for by \(actor) until \(until), at the next rating: \(next), because: \(words)")
    }
    if let text = proposal["explanation"]?["text"]?[isChinese ? "zh" : "en"]?.stringValue { lines += ["", text] }
    return lines.joined(separator: "\n") + "\n"
  }

  // MARK: - Why

  /// Everything behind a rating: who confirmed the tier and what waits, then score, contributions and ways.
  public static func why(_ rating: JSONValue, isChinese: Bool) -> String {
    let language = isChinese ? "zh" : "en"
    var lines: [String] = []
    let version = rating["version"]?.int64Value ?? 0
    let customer = rating["customer_id"]?.stringValue ?? "-"
    let member = rating["member_id"]?.stringValue.map { isChinese ? "（会员 \($0)）" : " (member \($0))" } ?? ""
    lines.append(isChinese ? "客户 \(customer)\(member)，评分版本 \(version)" : "Customer \(customer)\(member), rating \(version)")
    if let decision = rating["decision"]?["text"]?[language]?.stringValue {
      lines.append(decision)
      let policy = rating["decision"]?["review_policy"]?.stringValue ?? "-"
      lines.append(isChinese ? "审核策略：\(policy)" : "Review policy: \(policy)")
    } else {
      lines += past(rating, isChinese)
    }
    lines.append("")
    if let text = rating["explanation"]?["text"]?[language]?.stringValue {
      lines.append(text)
      let borders = (rating["explanation"]?["thresholds"]?.arrayValue ?? []).compactMap { border -> String? in
        guard case .number(let least)? = border["at_least"], let tier = border["tier"]?.stringValue else { return nil }
        return isChinese ? "\(tier) ≥ \(least)" : "\(tier) from \(least)"
      }
      if !borders.isEmpty { lines.append((isChinese ? "等级线：" : "Borders: ") + borders.joined(separator: isChinese ? "，" : ", ")) }
    } else {
      lines.append(isChinese ? "没有可计分的数据" : "No indicator has a value, so there is no score to explain")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func past(_ rating: JSONValue, _ isChinese: Bool) -> [String] {
    let (tier, decided) = (rating["tier"]?.stringValue ?? "-", rating["decided_tier"]?.stringValue ?? "-")
    let by = rating["confirmed_by"]?.stringValue ?? (isChinese ? "策略" : "the policy")
    let reason = cause(rating["reason"]?.stringValue ?? "-", isChinese)
    let at = rating["rated_at"]?.stringValue ?? "-"
    var lines = [
      isChinese
        ? "\(at)（\(reason)）：已确认等级 \(tier)，由 \(by) 确认；按数据判定为 \(decided)"
        : "\(at) (\(reason)): confirmed tier \(tier), by \(by); the figures decided \(decided)"
    ]
    if let proposed = rating["proposed_tier"]?.stringValue { lines.append(isChinese ? "待确认：\(proposed)" : "Waiting to be confirmed: \(proposed)") }
    if let action = rating["action"], let actor = action["actor"]?.stringValue {
      lines.append("\(actor): \(action["reason"]?.stringValue ?? "")")
    }
    return lines
  }

  /// The history of a customer's ratings.
  public static func history(_ ratings: [JSONValue], isChinese: Bool) -> Table {
    func say(_ english: String, _ chinese: String) -> String { isChinese ? chinese : english }
    var table = Table([
      .init(say("Rating", "版本"), .right), .init(say("At", "时间")), .init(say("Because", "起因")), .init(say("Score", "得分"), .right),
      .init(say("Decided", "判定")), .init(say("Confirmed", "已确认")), .init(say("By", "确认人")), .init(say("Waits", "待确认")), .init(say("Who and why", "操作人与理由")),
    ])
    for line in ratings {
      let action = line["action"].flatMap { action in
        action["actor"]?.stringValue.map { actor in
          let reason = action["reason"]?.stringValue ?? ""
          return reason.isEmpty ? actor : "\(actor): \(reason)"
        }
      }
      table.add([
        line["version"]?.int64Value.map { String($0) } ?? "-", line["at"]?.stringValue ?? "-", cause(line["reason"]?.stringValue ?? "-", isChinese),
        line["score"]?.intValue.map { String($0) } ?? "-", line["decided_tier"]?.stringValue ?? "-", line["tier"]?.stringValue ?? "-",
        line["confirmed_by"]?.stringValue ?? say("policy", "策略"), line["proposed_tier"]?.stringValue ?? "-", action ?? "-",
      ])
    }
    return table
  }

  /// Why a rating was made, in words; a cause that this program does not know yet is shown by its name.
  static func cause(_ name: String, _ isChinese: Bool) -> String {
    let words: [String: (String, String)] = [
      "first": ("first rating", "首次评分"), "change": ("figures changed", "数据变化"), "review": ("review", "定期复核"),
      "spend_fell": ("spend fell twice by half", "消费连续两月减半"), "quiet": ("no interaction for months", "数月无互动"), "rules": ("new rules", "规则变更"),
      "merged": ("merged", "已合并"), "restored": ("merge undone", "合并撤销"), "step": ("rest of a step down", "降级后续"), "expired": ("proposal expired", "建议逾期"),
      "notice": ("loss foreseen", "降级预告"), "override_ended": ("override ended", "人工设定到期"), "confirmed": ("confirmed", "人工确认"), "rejected": ("rejected", "人工驳回"),
      "override_asked": ("override asked for", "申请人工设定"), "opted_out": ("refused automated tiering", "拒绝自动分级"),
      "opted_in": ("accepts automated tiering", "恢复自动分级"), "complaint": ("complaint upheld", "投诉成立"),
    ]
    return words[name].map { isChinese ? $0.1 : $0.0 } ?? name
  }
}
