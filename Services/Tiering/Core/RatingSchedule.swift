// When time alone asks for a rating (T-06): reviews, months without interaction, spend that fell twice by half. Pure.
public import Domain

/// What the schedule looks at.
public struct RatingSchedule: Sendable {
  /// From this many months without interaction on a customer counts as quiet.
  public var quietMonths: Int
  /// So many days before a loss that can be foreseen customers are told; 0: never (T-09).
  public var noticeDays: Int

  public static let quietMonthsDefault = 3
  /// Months differ in length: a day counted in months is searched for this many days at most.
  private static let monthEndDaysMax = 4

  public init(quietMonths: Int = RatingSchedule.quietMonthsDefault, noticeDays: Int = 0) {
    self.quietMonths = quietMonths
    self.noticeDays = noticeDays
  }

  /// Days to come on which time alone will rate the customer, who is to be told before: the next review, the first quiet day, the end of an override.
  func foreseeable(_ customer: RatedCustomer, today: Day) -> [Day] {
    guard customer.mergedInto == nil, let standing = customer.standing else { return [] }
    let days = [standing.rating.nextReview, quietDay(customer), customer.course.review.override.map { $0.terms.until + 1 }]
    return days.compactMap { $0 }.filter { $0 > today }
  }

  /// What asks for a rating today; nil when nothing does. What was missed while the service was down still counts.
  public func reason(_ customer: RatedCustomer, today: Day) -> RatingReason? {
    guard customer.mergedInto == nil, let standing = customer.standing else { return nil }
    let review = customer.course.review
    if standing.rating.nextReview <= today { return .review }
    if let override = review.override, today > override.terms.until { return .overrideEnded }
    if standing.ratedDay < RatingSchedule.firstDay(of: today.month), RatingSchedule.hasFallenTwice(customer.ledger, before: today.month) {
      return .spendFell
    }
    if let quiet = quietDay(customer), standing.ratedDay < quiet, quiet <= today { return .quiet }
    if let landing = review.landing, landing.until <= today { return .step }
    if let proposal = review.proposal, proposal.expires <= today { return .expired }
    return nil
  }

  /// The first day after `today` on which ``reason(_:today:)`` has to be asked again; nil when never.
  public func nextDay(_ customer: RatedCustomer, today: Day) -> Day? {
    guard customer.mergedInto == nil, customer.standing != nil else { return nil }
    var days = foreseeable(customer, today: today)
    if noticeDays > 0 { days += days.map { $0 + -noticeDays } }
    let review = customer.course.review
    days += [review.landing?.until, review.proposal?.expires].compactMap { $0 }
    // Two falls need three months; whoever spent in this month or the last may have the second one at this month's end.
    let months = customer.ledger.months(at: today)
    if months.contains(where: { $0.month >= today.month.adding(-1) && $0.spend > 0 }) {
      days.append(RatingSchedule.firstDay(of: today.month.adding(1)))
    }
    return days.filter { $0 > today }.min()
  }

  /// The first day that is quiet: the window is cut as in P-07, which at month ends is not simply some months later.
  func quietDay(_ customer: RatedCustomer) -> Day? {
    guard let last = customer.lastInteraction else { return nil }
    let candidate = last.adding(months: quietMonths)
    return (0...RatingSchedule.monthEndDaysMax).lazy.map { candidate + $0 }.first { $0.adding(months: -quietMonths) >= last }
  }

  /// Whether spend fell by half or more in each of the two full months before `month`, each against the one before. A month
  /// without spend cannot fall further.
  static func hasFallenTwice(_ ledger: DayLedger, before month: Month) -> Bool {
    let spends = [3, 2, 1].map { ago in
      ledger.months(at: firstDay(of: month)).first { $0.month == month.adding(-ago) }?.spend ?? 0
    }
    return zip(spends, spends.dropFirst()).allSatisfy { earlier, later in earlier > 0 && later <= earlier / 2 }
  }

  static func firstDay(of month: Month) -> Day { Day(year: month.year, month: month.number, day: 1) ?? Day(number: .min) }
}
