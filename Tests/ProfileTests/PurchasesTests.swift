// P-06, P-07, P-08: what counts when, worked through by hand.
import Domain
import Testing

private func day(_ text: String) -> Day { Day(text) ?? Day(number: 0) }
private func noon(_ text: String) -> Instant { BusinessZone.utc.startOfDay(day(text)).adding(seconds: 43_200) }
private let member = [Identifier(kind: .memberID, value: "M")]

private func order(_ id: String, paid: String?, _ amount: Int64, revision: Int64 = 1) -> OrderEvent {
  OrderEvent(
    kind: .order, source: "s", eventID: "o\(id)-\(revision)", orderID: id, revision: revision, occurredAt: noon(paid ?? "1998-01-01"),
    paidAt: paid.map(noon), money: Money(minorUnits: amount, currency: .cny), baseMinorUnits: amount, identifiers: member)
}

private func movement(_ kind: OrderEvent.Kind, of id: String?, _ reference: String, _ on: String, _ amount: Int64) -> OrderEvent {
  OrderEvent(
    kind: kind, source: "s", eventID: "\(kind.name)-\(reference)", orderID: id, reference: reference, occurredAt: noon(on),
    money: Money(minorUnits: amount, currency: .cny), baseMinorUnits: amount, identifiers: member)
}

private func ledger(_ events: [OrderEvent], asOf: Day? = nil) throws -> DayLedger {
  var records: [String: OrderRecord] = [:]
  for event in events {
    let key = event.orderID ?? "credit " + event.reference
    var record = records[key] ?? OrderRecord(for: event)
    _ = try record.apply(event)
    records[key] = record
  }
  return DayLedger(contributions: records.values.flatMap { $0.contribution(in: .utc, asOf: asOf) })
}

@Suite struct PurchasesTests {
  @Test func theWindowHoldsTheDaysAfterTheSameDayAYearBeforeUpToTheDayItself() throws {
    let all = try ledger([order("1", paid: "1997-07-01", 100), order("2", paid: "1997-07-02", 200), order("3", paid: "1998-07-01", 400)])
    let figures = all.purchases(at: day("1998-07-01"))
    #expect(figures.frequency == 2)
    #expect(figures.monetary == 600)
    #expect(figures.recencyDays == 0)
  }

  @Test func spendCountsOnTheDayOfPaymentAndRefundsOnTheirOwn() throws {
    let all = try ledger([order("1", paid: "1997-06-30", 1_000), movement(.refund, of: "1", "r", "1997-08-01", 300)])
    let figures = all.purchases(at: day("1998-07-01"))
    #expect(figures.monetary == -300)
    #expect(figures.frequency == 0)
    #expect(figures.recencyDays == 366)
  }

  @Test func aFullyRefundedOrderIsNoFrequencyButStillTheLastPaidOrder() throws {
    let all = try ledger([order("1", paid: "1998-06-01", 1_000), movement(.refund, of: "1", "r", "1998-06-11", 1_000)])
    let figures = all.purchases(at: day("1998-07-01"))
    #expect(figures.frequency == 0)
    #expect(figures.monetary == 0)
    #expect(figures.recencyDays == 30)
  }

  @Test func aCancellationGivesBackWhatIsStillPaid() throws {
    let all = try ledger([
      order("1", paid: "1998-05-01", 1_000), movement(.refund, of: "1", "r", "1998-05-05", 400), movement(.cancellation, of: "1", "", "1998-05-09", 0),
    ])
    #expect(all.days.map(\.spend) == [1_000, -400, -600])
    #expect(all.purchases(at: day("1998-07-01")).frequency == 0)
  }

  @Test func anUnpaidOrderCountsForNothingUntilAPaymentComes() throws {
    #expect(try ledger([order("1", paid: nil, 500)]) == DayLedger())
    let paid = try ledger([order("1", paid: nil, 500), movement(.payment, of: "1", "p", "1998-02-02", 500)])
    #expect(paid.purchases(at: day("1998-07-01")).monetary == 500)
  }

  @Test func paymentsGivenOneByOneStandInPlaceOfTheOrdersOwn() throws {
    let all = try ledger([
      order("1", paid: "1998-02-01", 900), movement(.payment, of: "1", "a", "1998-02-02", 300), movement(.payment, of: "1", "b", "1998-02-03", 600),
    ])
    #expect(all.days.map(\.spend) == [300, 600])
    #expect(all.days.map(\.paidOrders) == [1, 0])
  }

  @Test func aCreditNoteWithoutAnOrderLowersSpendOnItsDayAndNothingElse() throws {
    let all = try ledger([order("1", paid: "1998-02-01", 900), movement(.refund, of: nil, "C1", "1998-03-01", 200)])
    let figures = all.purchases(at: day("1998-07-01"))
    #expect(figures.monetary == 700)
    #expect(figures.frequency == 1)
  }

  @Test func aHigherRevisionReplacesALowerOneWhicheverComesFirst() throws {
    let one = try ledger([order("1", paid: "1998-02-01", 900), order("1", paid: "1998-02-03", 100, revision: 2)])
    let other = try ledger([order("1", paid: "1998-02-03", 100, revision: 2), order("1", paid: "1998-02-01", 900)])
    #expect(one == other)
    #expect(one.days.map(\.spend) == [100])
  }

  @Test func aRepurchaseFollowsAnEarlierCountedOrderWithinNinetyDays() throws {
    let all = try ledger([
      // Before the window, but within 90 days of the first in it.
      order("0", paid: "1997-06-15", 1), order("1", paid: "1997-07-10", 1),
      // Same day: the second follows the first.
      order("2", paid: "1998-01-10", 1), order("3", paid: "1998-01-10", 1),
      // 90 days later counts, 91 would not.
      order("4", paid: "1998-04-10", 1),
    ])
    let figures = all.purchases(at: day("1998-07-01"))
    #expect(figures.frequency == 4)
    #expect(figures.repeatOrders == 3)
    let late = try ledger([order("2", paid: "1998-01-10", 1), order("4", paid: "1998-04-11", 1)])
    #expect(late.purchases(at: day("1998-07-01")).repeatOrders == 0)
  }

  @Test func asOfADayInThePastLaterRefundsHaveNotHappenedYet() throws {
    let events = [order("1", paid: "1998-01-01", 100), movement(.refund, of: "1", "r", "1998-03-01", 100)]
    let then = try ledger(events, asOf: day("1998-02-01")).purchases(at: day("1998-02-01"))
    #expect(then.frequency == 1)
    #expect(then.monetary == 100)
  }

  @Test func daysOlderThanTwentySixMonthsAreSummedUpWithoutLosingFirstAndLast() throws {
    let all = try ledger([order("1", paid: "1995-01-15", 10), order("2", paid: "1995-02-15", 20), order("3", paid: "1998-06-01", 40)])
    #expect(all.days.count == 1)
    #expect(all.older.spend == 30)
    #expect(all.firstPaidDay == day("1995-01-15"))
    #expect(all.spend == 70)
    #expect(all.orderCount == 3)
  }

  @Test func timeAloneMovesACustomerFromStageToStage() {
    let rule = LifecycleRule()
    let first = day("1998-01-01")
    func stage(_ days: Int) -> LifecycleStage { rule.stage(firstPaidDay: first, lastPaidDay: first, at: first + days) }
    #expect(rule.stage(firstPaidDay: nil, lastPaidDay: nil, at: first) == .potential)
    #expect([0, 30, 31, 90, 91, 180, 181, 365, 366].map(stage) == [.new, .new, .active, .active, .atRisk, .atRisk, .dormant, .dormant, .churned])
    var today = first
    var changes: [Int] = []
    while let next = rule.nextChange(firstPaidDay: first, lastPaidDay: first, after: today) {
      changes.append(next - first)
      today = next
    }
    #expect(changes == [31, 91, 181, 366])
  }
}
