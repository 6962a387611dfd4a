// What a customer bought: orders, and spend by month, category and channel (I-08, P-06, P-07).
import Access
import Domain
import HTML
import HTTP
import Text

struct CustomerOrderPage: Sendable {
  let site: Site

  /// Orders that the page shows; the file has all that the service tells.
  private static let ordersMax = 50

  func add(to router: inout Router) {
    router.page("/customers/{id}/orders", site, needs: .customersRead) { visit in try await CustomerFile.with(visit, "/orders") { show($0) } }
  }

  private func show(_ file: CustomerFile) -> Response {
    let (visit, json) = (file.visit, file.json)
    let (currency, day) = (visit.text(json["currency"]), visit.text(json["as_of"]))
    let (months, all) = (months(file), orders(file))
    let parts = [
      part(file, "categories", visit.say("By category, 12 months", "按品类（近 12 个月）")), part(file, "channels", visit.say("By channel, 12 months", "按渠道（近 12 个月）")),
    ]
    if let answer = visit.file(of: [months, all] + parts) { return answer }
    var shown = all
    shown.rows = Array(all.rows.prefix(CustomerOrderPage.ordersMax))
    let values = (json["months"]?.arrayValue ?? []).map { ($0["month"]?.stringValue ?? "", $0["spend"]?.stringValue.flatMap(Double.init)) }
    return file.page(.orders) {
      Parts.facts([
        (visit.say("Orders of all time", "累计订单"), visit.number(json["orders_of_all_time"])),
        (visit.say("Spend of all time", "累计消费"), visit.amount(json["spend_of_all_time"], unit: currency)),
        (visit.say("Average order, 12 months", "近 12 个月客单价"), visit.amount(json["average_order_value"], unit: currency)),
        (visit.say("Repurchase rate", "复购率"), visit.percentOfOne(json["repurchase_rate"])),
        (visit.say("Growth of orders", "订单增长"), visit.percentOfOne(json["order_growth"])),
        (visit.say("Given back", "退款率"), visit.percentOfOne(json["refund_rate"])), (visit.say("As of", "截至"), day),
      ])
      if values.count > 1 {
        Element(.h2, visit.say("Spend by month", "月度消费"))
        Chart.lines(
          visit.say("Spend by month in \(currency)", "月度消费（\(currency)）"), values.map(\.0),
          [Chart.Line(name: visit.say("Spend", "消费"), values: values.map(\.1))])
        Element(.details) {
          Element(.summary, visit.say("The figures behind it", "查看明细数据"))
          months.element(visit, empty: visit.say("Nothing.", "没有记录。"))
        }
      }
      Element(.div, [.class("columns")]) { for part in parts { part.element(visit, empty: visit.say("Nothing.", "没有记录。")) } }
      shown.element(visit, empty: visit.say("No orders.", "没有订单。"))
      if all.rows.count > shown.rows.count {
        Element(.p, [.class("soft")], visit.say(
          "The latest \(shown.rows.count) are shown; the file has \(all.rows.count).", "显示最近 \(shown.rows.count) 单；CSV 含 \(all.rows.count) 单。"))
      }
    }
  }

  private func months(_ file: CustomerFile) -> DataTable {
    let visit = file.visit
    return DataTable(
      "months", visit.say("Spend by month", "月度消费"), [visit.say("Month", "月份"), visit.say("Orders", "订单"), visit.say("Spend", "消费")],
      (file.json["months"]?.arrayValue ?? []).map { [.text(visit.text($0["month"])), .number(visit.number($0["orders"])), .number(visit.amount($0["spend"]))] })
  }

  private func part(_ file: CustomerFile, _ name: String, _ caption: String) -> DataTable {
    let visit = file.visit
    return DataTable(
      name, caption, [visit.say("Name", "名称"), visit.say("Orders", "订单"), visit.say("Spend", "消费")],
      (file.json[name]?.arrayValue ?? []).map { row in
        let word = name == "channels" ? visit.word(row["name"], of: CustomerWords.channels) : row["name"]?.stringValue ?? ""
        return [
          .text(word.isEmpty ? visit.say("not told", "未知") : word), .number(visit.number(row["orders"])), .number(visit.amount(row["spend"])),
        ]
      })
  }

  private func orders(_ file: CustomerFile) -> DataTable {
    let visit = file.visit
    return DataTable(
      "orders", visit.say("Orders, the latest first", "订单（由近及远）"),
      [
        visit.say("Order", "订单号"), visit.say("Ordered", "下单时间"), visit.say("Source", "来源"), visit.say("Channel", "渠道"), visit.say("Total", "金额"),
        visit.say("Paid", "付款时间"), visit.say("Payments, refunds, cancellations", "收退款"),
      ],
      (file.json["orders"]?.arrayValue ?? []).map { order in
        let movements = (order["movements"]?.arrayValue ?? []).map {
          "\(visit.word($0["type"], of: CustomerWords.entries)) \(visit.amount($0["amount"])) \(visit.dayOf($0["at"]))"
        }
        return [
          .text(visit.text(order["order_id"])), .text(visit.moment(order["ordered_at"])), .text(visit.text(order["source"])),
          .text(visit.word(order["channel"], of: CustomerWords.channels)), .number(visit.amount(order["total"])), .text(visit.moment(order["paid_at"])),
          .text(movements.isEmpty ? "–" : movements.joined(separator: visit.say("; ", "；"))),
        ]
      })
  }
}
