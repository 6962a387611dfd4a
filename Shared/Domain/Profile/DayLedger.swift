/// What one day brought: the unit all aggregates of a customer are sums of.
public struct DayEntry: Hashable, Sendable {
  public var day: Day
  /// Orders whose first payment fell on this day.
  public var paidOrders: Int32
  /// Those of them that are not fully refunded: what F counts.
  public var countedOrders: Int32
  /// Payments less refunds and cancellations of this day, minor units of the base currency.
  public var spend: Int64

  public init(day: Day, paidOrders: Int32, countedOrders: Int32, spend: Int64) {
    self.day = day
    self.paidOrders = paidOrders
    self.countedOrders = countedOrders
    self.spend = spend
  }

  public var isEmpty: Bool { paidOrders == 0 && countedOrders == 0 && spend == 0 }
}

/// A customer's purchases by day: the last 26 months one by one, everything older as one sum.
///
/// A pure sum of its orders' contributions, so it is the same whatever order they came in (P-05, P-06). The month boundary
/// hangs on the newest day in it, not on a clock, so that adding events one by one and adding them all at once agree.
public struct DayLedger: Hashable, Sendable {
  /// Ascending by day, none empty.
  public private(set) var days: [DayEntry]
  public private(set) var older: Older

  public struct Older: Hashable, Sendable {
    public var paidOrders: Int64
    public var countedOrders: Int64
    public var spend: Int64
    public var firstPaidDay: Day?
    public var lastPaidDay: Day?

    public init(paidOrders: Int64 = 0, countedOrders: Int64 = 0, spend: Int64 = 0, firstPaidDay: Day? = nil, lastPaidDay: Day? = nil) {
      self.paidOrders = paidOrders
      self.countedOrders = countedOrders
      self.spend = spend
      self.firstPaidDay = firstPaidDay
      self.lastPaidDay = lastPaidDay
    }
  }

  /// Months kept day by day before the newest one. Twelve for the window, three for the repurchases before it, 24 for the buckets.
  public static let monthsKept = 26
  /// The days these months have at least.
  private static let daysKeptMin = monthsKept * 28

  public init(days: [DayEntry] = [], older: Older = Older()) {
    self.days = days
    self.older = older
  }

  /// The ledger of all these orders, worked out at once.
  public init(contributions: some Sequence<DayEntry>) {
    self.init()
    var sums: [Day: DayEntry] = [:]
    for entry in contributions {
      if var sum = sums[entry.day] {
        sum.paidOrders += entry.paidOrders
        sum.countedOrders += entry.countedOrders
        sum.spend &+= entry.spend
        sums[entry.day] = sum
      } else {
        sums[entry.day] = entry
      }
    }
    days = sums.values.filter { !$0.isEmpty }.sorted { $0.day < $1.day }
    fold()
  }

  /// Replaces what one order added before by what it adds now.
  ///
  /// Returns false when that cannot be done exactly from here (a change to days already summed up, or the newest day went):
  /// then the caller works the ledger out anew from the facts.
  public mutating func replace(_ before: [DayEntry], by after: [DayEntry]) -> Bool {
    let newest = days.last?.day
    if let newest {
      let cut = DayLedger.firstDayKept(newest: newest)
      // Days that are already summed up cannot be taken back one by one: first and last day would be lost.
      if before.contains(where: { $0.day < cut }) { return false }
    } else if !before.isEmpty {
      return false
    }
    for entry in before { add(entry, sign: -1) }
    for entry in after { add(entry, sign: 1) }
    days.removeAll(where: \.isEmpty)
    if let newest, (days.last?.day ?? Day(number: .min)) < newest { return false }
    fold()
    return true
  }

  /// Adds what a new order brought: the same as replacing nothing by it.
  public mutating func take(_ entry: DayEntry) {
    add(entry, sign: 1)
    fold()
  }

  private mutating func add(_ entry: DayEntry, sign: Int32) {
    // Orders mostly come in the order of their days.
    if let newest = days.last?.day, entry.day > newest, sign > 0 { return days.append(entry) }
    var low = 0
    var high = days.count
    while low < high {
      let middle = (low + high) / 2
      if days[middle].day < entry.day { low = middle + 1 } else { high = middle }
    }
    if low == days.count || days[low].day != entry.day {
      days.insert(DayEntry(day: entry.day, paidOrders: 0, countedOrders: 0, spend: 0), at: low)
    }
    days[low].paidOrders += sign * entry.paidOrders
    days[low].countedOrders += sign * entry.countedOrders
    days[low].spend &+= Int64(sign) &* entry.spend
  }

  private static func firstDayKept(newest: Day) -> Day {
    let month = newest.month.adding(-monthsKept)
    return Day(year: max(1, month.year), month: month.number, day: 1) ?? newest
  }

  private mutating func fold() {
    guard let newest = days.last?.day, let oldest = days.first?.day, newest - oldest > DayLedger.daysKeptMin else { return }
    let cut = DayLedger.firstDayKept(newest: newest)
    let old = days.prefix(while: { $0.day < cut })
    guard !old.isEmpty else { return }
    for entry in old {
      older.paidOrders += Int64(entry.paidOrders)
      older.countedOrders += Int64(entry.countedOrders)
      older.spend &+= entry.spend
      if entry.paidOrders > 0 {
        older.firstPaidDay = min(older.firstPaidDay ?? entry.day, entry.day)
        older.lastPaidDay = max(older.lastPaidDay ?? entry.day, entry.day)
      }
    }
    days.removeFirst(old.count)
  }

  /// The first of the days that stand one by one; nil: all of them do.
  private var keptFrom: Day? { older == Older() ? nil : days.last.map { DayLedger.firstDayKept(newest: $0.day) } }

  /// What had been bought by the end of a day, as is known now; nil where the twelve months up to it are summed up already.
  public func upTo(_ day: Day) -> DayLedger? {
    if let keptFrom, day.adding(months: -Purchases.windowMonths) + 1 < keptFrom { return nil }
    return DayLedger(days: Array(days.prefix { $0.day <= day }), older: older)
  }

  /// What was bought from one day to another, both included; nil where a part of it is summed up already.
  public func bought(from first: Day, to last: Day) -> (orders: Int64, spend: Int64)? {
    if let keptFrom, first < keptFrom { return nil }
    var sum: (orders: Int64, spend: Int64) = (0, 0)
    for entry in days where first <= entry.day && entry.day <= last {
      sum.orders += Int64(entry.countedOrders)
      sum.spend &+= entry.spend
    }
    return sum
  }

  public var lastDay: Day? { days.last?.day }
  public var firstPaidDay: Day? { older.firstPaidDay ?? days.first(where: { $0.paidOrders > 0 })?.day }
  public var lastPaidDay: Day? { days.last(where: { $0.paidOrders > 0 })?.day ?? older.lastPaidDay }
  public var orderCount: Int64 { days.reduce(older.countedOrders) { $0 + Int64($1.countedOrders) } }
  public var spend: Int64 { days.reduce(older.spend) { $0 &+ $1.spend } }
}
