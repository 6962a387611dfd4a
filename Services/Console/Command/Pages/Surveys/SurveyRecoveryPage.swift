// Which unhappy customers were won back, and what they and the others ordered afterwards (F-05).
import Access
import Domain
import HTML
import HTTP
import Text

struct SurveyRecoveryPage: Sendable {
  let site: Site

  private static let path = SurveySection.Place.recovery.rawValue
  /// What happens afterwards takes its time: a longer span than of other pages.
  private static let daysUsual = 180
  private static let observed: [Int64] = [30, 60, 90, 180]

  func add(to router: inout Router) { router.page(SurveyRecoveryPage.path, site, needs: .figuresRead) { try await SurveyRecoveryPage.show($0) } }

  private static func show(_ visit: Visit) async throws -> Response {
    let wanted = SurveyWanted(visit, days: daysUsual)
    let days = visit.request.query["days"].flatMap { Int64($0) }.flatMap { observed.contains($0) ? $0 : nil } ?? 90
    async let surveys = visit.api.section(.feedback, "/v1/surveys")
    let report = try await visit.api.get(.feedback, "/v1/reports/recovery", wanted.query + [(name: "days", value: String(days))])
    let table = table(report, days, visit)
    if let file = visit.file(of: [table]) { return file }
    let list = await surveys
    return visit.page(visit.say("Won back", "挽回"), .surveys) {
      Element(.h1, visit.say("Unhappy customers who were won back", "不满客户的挽回"))
      SurveySection.tabs(visit, .recovery)
      Parts.search(visit.target(path), visit.say("Choose what is shown", "选择显示内容")) {
        wanted.fields(visit, surveys: list)
        Parts.choice(
          visit.say("Orders within", "订单观察期"), "days", observed.map { (value: String($0), text: visit.say("\($0) days", "\($0) 天")) }, chosen: String(days))
        Element(.button, visit.say("Show", "查看"))
      }
      Element(.div, [.class("tiles wide")]) {
        Parts.tile(visit.say("Answered unfavourably", "给出不利回答"), visit.number(report["unfavourable"]), visit.say("customers", "位客户"))
        Parts.tile(visit.say("Answered again", "再次回答"), visit.number(report["asked_again"]), visit.say("of them", "其中"))
        Parts.tile(visit.say("No longer so", "已不再不利"), visit.number(report["recovered"]), visit.say("of these", "其中"))
        share(report, visit)
      }
      table.element(visit, empty: visit.say("Nobody answered unfavourably.", "没有不利回答。"))
      Element(.p, [.class("note")], visit.say(text))
      DeskParts.asOf(visit, report["as_of"])
    }
  }

  private static func share(_ report: JSONValue, _ visit: Visit) -> Element {
    let range = SurveyFigures.range(report)
    let isEnough = report["value"].map { !$0.isNull } ?? false
    let least = report["answers_min"]?.numberText ?? "30"
    let note = isEnough ? visit.say("between \(range)", "区间 \(range)") : visit.say("fewer than \(least): only a range", "不足 \(least) 位，仅给出区间")
    return Parts.tile(visit.say("Share won back, %", "挽回率 %"), isEnough ? SurveyFigures.text(report["value"]) : range, note)
  }

  private static func table(_ report: JSONValue, _ days: Int64, _ visit: Visit) -> DataTable {
    let rows = (report["groups"]?.arrayValue ?? []).map { group -> [Cell] in
      let (rate, difference) = (group["reorder_rate"], group["difference"])
      return [
        .text(visit.say(group["name"])), .number(visit.number(group["customers"])), .number(visit.number(group["observed"])),
        .number(visit.number(group["ordered"])), .number(SurveyFigures.text(rate?["value"])), .number(SurveyFigures.range(rate)),
        .number(SurveyFigures.text(group["orders_each"], digits: 2)), .number(visit.text(group["spend_each"])),
        .number(SurveyFigures.signed(difference?["value"], 1)), .number(SurveyFigures.range(difference)),
      ]
    }
    let currency = visit.text(report["currency"])
    return DataTable(
      "recovery", visit.say("What they ordered within \(days) days after the answer", "回答后 \(days) 天内的订单"),
      [
        visit.say("Customers", "客户"), visit.say("Number", "人数"), visit.say("Observed", "已观察"), visit.say("Ordered", "下单人数"),
        visit.say("Ordered %", "下单比例 %"), visit.say("95 % range", "95% 区间"), visit.say("Orders each", "人均订单"),
        visit.say("\(currency) each", "人均 \(currency)"), visit.say("Won back, more by", "已挽回者高出"), visit.say("Its range", "差异区间"),
      ], rows)
  }

  private static let text = LocalizedName(
    en: "Only customers whose days are over are observed, so a period that ended a short while ago says little. That groups differ does not say why: who "
      + "answers again may be who buys more.",
    zh: "仅观察期已满的客户计入，因此刚结束的期间参考意义有限。各组的差异并不说明原因：愿意再次回答的客户可能本来就买得更多。")
}
