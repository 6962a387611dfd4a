// Figures of surveys as people read them: never without how sure they are, and none on too few answers (F-04).
import Domain
import HTML
import Text

enum SurveyFigures {
  /// To one decimal, of a mean score to two; a dash where there is none.
  static func text(_ value: JSONValue?, digits: Int = 1) -> String {
    guard let number = value?.doubleValue, number.isFinite, abs(number) < 1e12 else { return "–" }
    let scale = digits == 2 ? 100 : 10
    let parts = Int((number * Double(scale)).rounded())
    let rest = String(parts.magnitude % UInt(scale))
    let fraction = String(repeating: "0", count: max(0, digits - rest.count)) + rest
    return (parts < 0 ? "−" : "") + "\(parts.magnitude / UInt(scale)).\(fraction)"
  }

  static func digits(_ metric: String?) -> Int { metric == "ces" ? 2 : 1 }

  /// The range in which the true figure lies 95 times of 100.
  static func range(_ figures: JSONValue?, digits: Int = 1) -> String {
    let (low, high) = (text(figures?["low"], digits: digits), text(figures?["high"], digits: digits))
    return low == "–" || high == "–" ? "–" : "\(low) … \(high)"
  }

  /// Whether a change may well be chance: its range holds 0. nil: nothing is known.
  static func mayBeChance(_ change: JSONValue?) -> Bool? {
    guard let low = change?["low"]?.doubleValue, let high = change?["high"]?.doubleValue else { return nil }
    return low <= 0 && high >= 0
  }

  static func name(_ metric: String?, _ visit: Visit) -> String {
    switch metric {
    case "csat": visit.say("CSAT, % satisfied", "CSAT（满意占比 %）")
    case "ces": visit.say("CES, mean of 1 to 7", "CES（1–7 平均分）")
    default: visit.say("NPS, −100 to 100", "NPS（−100 至 100）")
    }
  }

  static func favourable(_ metric: String?, _ visit: Visit) -> String {
    metric == "nps" ? visit.say("Promoters", "推荐者") : metric == "csat" ? visit.say("Satisfied", "满意") : visit.say("Easy", "轻松")
  }

  static func unfavourable(_ metric: String?, _ visit: Visit) -> String {
    metric == "nps" ? visit.say("Detractors", "贬损者") : metric == "csat" ? visit.say("Dissatisfied", "不满意") : visit.say("Hard", "费力")
  }

  /// Whether a score is a good or a bad one of its metric.
  static func badge(_ metric: String?, _ score: Int64?) -> Parts.Badge {
    guard let score else { return .plain }
    switch metric {
    case "nps": return score >= 9 ? .good : score >= 7 ? .plain : .bad
    case "csat": return score >= 4 ? .good : score == 3 ? .plain : .bad
    default: return score >= 5 ? .good : score == 4 ? .plain : .bad
    }
  }

  /// A group of a report by its name, its word, or that it is not known.
  static func group(_ group: JSONValue, _ by: String?, _ visit: Visit) -> String {
    let name = visit.say(group["name"])
    if !name.isEmpty { return name }
    guard let word = group["group"]?.stringValue else { return visit.say("not known", "未知") }
    return by == "channel" ? DeskWords.channel(word, visit) : word
  }

  /// A figure with its range, how many answered, and how it was before.
  static func tile(_ report: JSONValue, _ visit: Visit, target: PageTarget?) -> Element {
    let metric = report["metric"]?.stringValue
    let (total, least, digits) = (report["total"], report["answers_min"]?.counted ?? 0, digits(metric))
    let count = total?["answers"]?.counted ?? 0
    let range = range(total, digits: digits)
    let isEnough = total?["value"].map { !$0.isNull } ?? false
    let answers = visit.say("\(visit.number(count)) answers", "\(visit.number(count)) 份回答")
    var notes: [String] = []
    if isEnough {
      notes = [visit.say("between \(range), \(answers)", "区间 \(range)，\(answers)")]
      if let change = total?["change"], !change.isNull, let mayBe = mayBeChance(change), !(change["value"]?.isNull ?? true) {
        let chance = mayBe ? visit.say("; may be chance", "；可能是偶然波动") : ""
        notes.append(visit.say("before: \(signed(change["value"], digits))\(chance)", "较上期 \(signed(change["value"], digits))\(chance)"))
      }
    } else if count > 0 {
      notes = [visit.say("\(answers): fewer than \(least) give a range and no figure", "\(answers)：不足 \(least) 份，仅给出区间")]
    } else {
      notes = [visit.say("no answers", "没有回答")]
    }
    if let rate = total?["response_rate"], !rate.isNull {
      let value = rate["value"].map { !$0.isNull } ?? false
      let words = value ? "\(text(rate["value"])) %" : "\(self.range(rate)) %"
      notes.append(visit.say("\(words) of those asked answered", "回复率 \(words)"))
    }
    return Parts.tile(
      (metric ?? "").uppercased(), isEnough ? text(total?["value"], digits: digits) : range, notes.joined(separator: visit.say(" · ", " · ")), target: target)
  }

  static func signed(_ value: JSONValue?, _ digits: Int) -> String {
    let words = text(value, digits: digits)
    return (value?.doubleValue ?? 0) > 0 ? "+\(words)" : words
  }
}
