// What became of customers who answered unfavourably (F-05): who was won back, and what each of them bought after the answer. Each customer counts once.
public import Domain

/// How it went on after the first unfavourable answer of a period.
public enum RecoveryOutcome: String, Hashable, Sendable, CaseIterable {
  /// The last answer to the same metric is no longer unfavourable.
  case recovered
  /// It is so still, or again.
  case notRecovered = "not_recovered"
  /// There is none: nobody asked again, or nobody answered.
  case notAgain = "not_again"

  public var name: LocalizedName {
    switch self {
    case .recovered: LocalizedName(en: "won back", zh: "已挽回")
    case .notRecovered: LocalizedName(en: "not won back", zh: "未挽回")
    case .notAgain: LocalizedName(en: "not answered again", zh: "未再回答")
    }
  }
}

/// A customer who answered unfavourably.
public struct UnhappyCustomer: Hashable, Sendable {
  public let customer: CustomerID
  /// The first unfavourable answer of the period.
  public let answeredAt: Instant
  public let outcome: RecoveryOutcome

  public init(customer: CustomerID, answeredAt: Instant, outcome: RecoveryOutcome) {
    self.customer = customer
    self.answeredAt = answeredAt
    self.outcome = outcome
  }
}

/// The customers of one outcome, and what those of them bought whose span is over.
public struct RecoveryGroup: Hashable, Sendable {
  public private(set) var customers: Int64 = 0
  /// Of whom all days of the span are known. The others count nothing below.
  public private(set) var observed: Int64 = 0
  /// Of them, those who ordered in it.
  public private(set) var ordered: Int64 = 0
  public private(set) var orders: Int64 = 0
  /// Minor units of the base currency.
  public private(set) var spend: Int128 = 0

  public init() {}

  /// - Parameter bought: nil where the span is not over, or what was bought in it is not known.
  public mutating func add(_ bought: (orders: Int64, spend: Int64)?) {
    customers += 1
    guard let bought else { return }
    observed += 1
    ordered += bought.orders > 0 ? 1 : 0
    orders += bought.orders
    spend += Int128(bought.spend)
  }

  /// A share is a share: counted like the satisfied among the answers to a CSAT.
  private var counts: ScoreCounts {
    var counts = ScoreCounts(.csat)
    counts.add(5, count: ordered)
    counts.add(1, count: observed - ordered)
    return counts
  }

  public var isEnough: Bool { counts.isEnough }
  /// Those who ordered, in percent of the observed, with Wilson's interval; nil when there are none.
  public var share: SurveyEstimate? { counts.estimate }
  /// This share less that of others, with Newcombe's interval.
  public func difference(from other: RecoveryGroup) -> SurveyEstimate? { counts.difference(from: other.counts) }
  /// nil when nobody was observed.
  public var ordersEach: Rational? { Rational(Int128(orders), over: Int128(observed)) }
  /// Minor units, rounded half up.
  public var spendEach: Int64? {
    guard observed > 0 else { return nil }
    let (doubled, whole) = (2 * spend + Int128(observed), 2 * Int128(observed))
    let rest = ((doubled % whole) + whole) % whole
    return Int64(clamping: (doubled - rest) / whole)
  }
}

public struct RecoveryFigures: Hashable, Sendable {
  /// Days after that of the answer in which orders count.
  public let spanDays: Int
  public private(set) var groups: [RecoveryOutcome: RecoveryGroup] = [:]

  public init(spanDays: Int) { self.spanDays = spanDays }

  public subscript(outcome: RecoveryOutcome) -> RecoveryGroup { groups[outcome] ?? RecoveryGroup() }

  /// Takes a customer in.
  ///
  /// - Parameters:
  ///   - ledger: what the customer bought; nil: that is not known.
  ///   - today: the span is over when it ends before.
  public mutating func add(_ unhappy: UnhappyCustomer, _ ledger: DayLedger?, today: Day, in zone: BusinessZone) {
    // An order of the same day may have come before the answer.
    let first = zone.day(of: unhappy.answeredAt) + 1
    let last = first + (spanDays - 1)
    groups[unhappy.outcome, default: RecoveryGroup()].add(last < today ? ledger?.bought(from: first, to: last) : nil)
  }

  /// Gave an unfavourable answer in the period.
  public var unfavourable: Int64 { groups.values.reduce(0) { $0 + $1.customers } }
  /// Answered the same metric again, later.
  public var askedAgain: Int64 { self[.recovered].customers + self[.notRecovered].customers }
  /// No longer unfavourably, in their last answer.
  public var recovered: Int64 { self[.recovered].customers }

  /// The recovered in percent of those who answered again, with Wilson's interval; nil when nobody did.
  public var share: SurveyEstimate? {
    var counts = ScoreCounts(.csat)
    counts.add(5, count: recovered)
    counts.add(1, count: askedAgain - recovered)
    return counts.estimate
  }
}
