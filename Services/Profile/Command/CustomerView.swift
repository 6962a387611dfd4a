// A customer as the API shows it.
import Access
import Domain
import HTTP
import Handling
import ProfileCore
import Text

struct CustomerView {
  let customer: Customer
  let facts: CustomerFacts
  let asked: CustomerID
  let environment: ProfileEnvironment
  let today: Day
  /// Only what had happened by the end of this day is shown.
  let asOf: Day?
  /// What the customer is marked with, and the contacts, behaviours and answers behind it.
  let tags: TagView
  /// Who asks sees it in full, or not.
  let request: Request

  var json: JSONValue {
    let digits = environment.currency.minorDigits
    func money(_ minorUnits: Int64) -> JSONValue { .text(MinorUnits.text(minorUnits, digits: digits)) }
    let ledger = customer.ledger
    let day = max(today, ledger.lastDay ?? today)
    let figures = ledger.purchases(at: day)
    let aggregates = OrderAggregates((facts.orders[customer.id] ?? []).map(\.record), on: day, in: environment.rules.zone)
    let stage = environment.rules.lifecycle.stage(firstPaidDay: ledger.firstPaidDay, lastPaidDay: ledger.lastPaidDay, at: today)
    return .object([
      JSONMember("customer_id", .text(customer.id.description)),
      JSONMember("asked_for", .text(asked.description)),
      JSONMember("version", .integer(customer.version)),
      JSONMember("member_id", .textOrNull(customer.memberID)),
      JSONMember("first_seen_at", .text(RFC3339.text(customer.firstSeenAt.microseconds))),
      JSONMember("identifiers", .array(identifiers)),
      JSONMember("attributes", .object(customer.attributes.values.sorted { $0.key < $1.key }.map { JSONMember($0.key.key, .text($0.value.value)) })),
      JSONMember("lifecycle", .text(stage.name)),
      JSONMember("lifecycle_zh", .text(stage.chinese)),
      JSONMember("as_of", .text(day.description)),
      JSONMember("known_on", .textOrNull(facts.knownOn?.description)),
      JSONMember("currency", .text(environment.currency.description)),
      JSONMember("recency_days", figures.recencyDays.map { .integer(Int64($0)) } ?? .null),
      JSONMember("frequency", .integer(figures.frequency)),
      JSONMember("monetary", money(figures.monetary)),
      JSONMember("repeat_orders", .integer(figures.repeatOrders)),
      JSONMember("average_order_value", figures.averageOrderValue.map { money(Int64(clamping: $0.roundedHalfUp)) } ?? .null),
      JSONMember("repurchase_rate", rate(figures.repurchaseRate)),
      JSONMember("order_growth", rate(figures.orderGrowth)),
      JSONMember("refund_rate", rate(aggregates.refundRate)),
      JSONMember("categories", shares(aggregates.categories, money)),
      JSONMember("channels", shares(aggregates.channels, money)),
      JSONMember("behaviours", .object(behaviours)),
      JSONMember("tags", .array(tags.current)),
      JSONMember("orders_of_all_time", .integer(ledger.orderCount)),
      JSONMember("spend_of_all_time", money(ledger.spend)),
      JSONMember(
        "months",
        .array(
          ledger.months(at: day).map {
            ["month": .text($0.month.description), "orders": .integer($0.orders), "spend": money($0.spend)]
          })),
      JSONMember("orders", .array(orders(money))),
    ])
  }

  /// What was done beside buying, by name (P-05).
  private var behaviours: [JSONMember] {
    var sums: [String: Int64] = [:]
    for event in tags.interactions where had(event.occurredAt) {
      if case .behaviour(let event) = event { sums[event.name, default: 0] &+= event.count }
    }
    return sums.sorted { $0.key < $1.key }.map { JSONMember($0.key, .integer($0.value)) }
  }

  /// A share as a decimal fraction with four digits, null where there is nothing to divide by.
  private func rate(_ value: Rational?) -> JSONValue { .textOrNull(value.map { $0.decimalText(fractionDigitsMax: 4, keepsZeros: true) }) }

  private func shares(_ shares: [OrderAggregates.Share], _ money: (Int64) -> JSONValue) -> JSONValue {
    .array(shares.prefix(CustomerView.sharesMax).map { ["name": .text($0.name), "orders": .integer($0.orders), "spend": money($0.minorUnits)] })
  }

  /// Categories and channels shown, the largest first.
  static let sharesMax = 20

  private var identifiers: [JSONValue] {
    (facts.identities[customer.id] ?? []).filter { had($0.firstSeenAt) }.sorted { ($0.kind, $0.value) < ($1.kind, $1.value) }.map { identity in
      [
        "kind": .text(identity.kind.name), "value": .text(request.shown(identity, of: customer.id)), "strong": .boolean(identity.isStrong),
        "shared": .boolean(identity.isShared), "first_seen_at": .text(RFC3339.text(identity.firstSeenAt.microseconds)),
      ]
    }
  }

  private func orders(_ money: (Int64) -> JSONValue) -> [JSONValue] {
    let latest = (facts.orders[customer.id] ?? []).map(\.record).filter(hadHappened).sorted { moment($0) > moment($1) }.prefix(ProfileAPI.ordersShownMax)
    return latest.map { record in
      var members = [JSONMember("source", .text(record.source)), JSONMember("order_id", .text(record.orderID))]
      if !record.creditNote.isEmpty { members.append(JSONMember("credit_note", .text(record.creditNote))) }
      if let header = record.header {
        members += [
          JSONMember("revision", .integer(header.revision)), JSONMember("ordered_at", .text(RFC3339.text(header.orderedAt.microseconds))),
          JSONMember("paid_at", .textOrNull(header.paidAt.map { RFC3339.text($0.microseconds) })), JSONMember("total", money(header.baseMinorUnits)),
          JSONMember("channel", .text(header.channel)), JSONMember("lines", .integer(Int64(header.lines.count))),
          JSONMember("known_on", .textOrNull(header.knownOn?.description)),
        ]
      }
      let movements = record.movements.filter { had($0.at) }.map { movement -> JSONValue in
        [
          "type": .text(movement.kind.name), "at": .text(RFC3339.text(movement.at.microseconds)), "amount": money(movement.baseMinorUnits),
          "known_on": .textOrNull(movement.knownOn?.description),
        ]
      }
      members.append(JSONMember("movements", .array(movements)))
      return .object(members)
    }
  }

  private func had(_ at: Instant) -> Bool { asOf.map { environment.rules.zone.day(of: at) <= $0 } ?? true }

  private func hadHappened(_ record: OrderRecord) -> Bool { (record.header.map { had($0.orderedAt) } ?? false) || record.movements.contains { had($0.at) } }

  private func moment(_ record: OrderRecord) -> Instant {
    record.header?.orderedAt ?? record.movements.map(\.at).max() ?? Instant(microseconds: .min)
  }

  /// One line of `/v1/indicators`: whole numbers only, so that the reader decides about rounding.
  static func writeIndicators(_ customer: Customer, _ ledger: DayLedger, _ rules: ProfileRules, _ day: Day, to writer: inout JSONWriter) {
    let figures = ledger.purchases(at: day)
    writer.beginObject()
    writer.key("customer_id")
    writer.text(customer.id.description)
    writer.key("member_id")
    writer.textOrNull(customer.memberID)
    writer.key("recency_days")
    writer.integerOrNull(figures.recencyDays.map(Int64.init))
    writer.key("frequency")
    writer.integer(figures.frequency)
    writer.key("monetary")
    writer.integer(figures.monetary)
    writer.key("repeat_orders")
    writer.integer(figures.repeatOrders)
    writer.key("orders_last_quarter")
    writer.integer(figures.ordersLastQuarter)
    writer.key("orders_quarter_before")
    writer.integer(figures.ordersQuarterBefore)
    writer.key("lifecycle")
    writer.text(rules.lifecycle.stage(firstPaidDay: ledger.firstPaidDay, lastPaidDay: ledger.lastPaidDay, at: day).name)
    writer.key("last_interaction_day")
    writer.textOrNull([ledger.lastPaidDay, customer.lastInteractionDay].compactMap { $0 }.max()?.description)
    writer.key("industry")
    writer.textOrNull(customer.attributes[.industry])
    writer.endObject()
    writer.endLine()
  }
}

extension Request {
  /// An identifier, masked where it is contact data (S-02); in full where the answer is a look.
  func shown(_ identity: Identity, of customer: CustomerID) -> String {
    guard identity.kind != .memberID else { return identity.value }
    return masking(identity.value, as: masked(identity.value), "identifier.\(identity.kind.name)", of: customer)
  }
}
