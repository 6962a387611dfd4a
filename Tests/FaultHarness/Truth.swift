// What a run's records must come to, worked out without any of the suite's code.

/// Filled by ``Generator`` while it makes records.
public struct Truth: Sendable {
  /// One order and what came for it. Amounts in cents.
  public struct Order: Sendable, Equatable {
    public var customer: Int32
    /// Days before the clock's day.
    public var day: Int16
    public var total: Int32
    public var revision: Int32 = 1
    public var isPaidAtOnce = false
    public var isCancelled = false
    /// Paid by a record of its own; -1: none came.
    public var payment: Int32 = -1
    public var refund: Int32 = -1

    public init(customer: Int32, day: Int16, total: Int32) {
      self.customer = customer
      self.day = day
      self.total = total
    }

    /// What the customer has paid and not got back, and whether the order counts: paid and not given back whole.
    public var figures: Figures {
      guard payment >= 0 || isPaidAtOnce else { return Figures() }
      let paid = Int64(payment >= 0 ? payment : total)
      let back = Int64(max(0, refund))
      if isCancelled { return Figures(orders: 0, spend: min(0, paid - back)) }
      return Figures(orders: refund >= 0 && back >= paid ? 0 : 1, spend: paid - back)
    }
  }

  public struct Figures: Sendable, Equatable {
    public var orders: Int64
    public var spend: Int64

    public init(orders: Int64 = 0, spend: Int64 = 0) {
      self.orders = orders
      self.spend = spend
    }

    static func + (left: Figures, right: Figures) -> Figures { Figures(orders: left.orders + right.orders, spend: left.spend + right.spend) }
  }

  /// By the record's number.
  public internal(set) var meanings: [InputMeaning] = []
  /// By the record's number: true for the topic of orders.
  public internal(set) var streams: [Bool] = []
  public internal(set) var orders: [Order] = []
  public internal(set) var customerFacts = 0
  /// The event ids of all facts, as fingerprints: source and the record's own key.
  public internal(set) var eventIDs: Set<UInt64> = []
  /// How many facts there are; a fingerprint that two facts share would show as a difference.
  public internal(set) var facts = 0
  private var registered: Set<Int> = []
  private var phones: [Int: Set<Int>] = [:]
  private let customers: Int

  public init(customers: Int) { self.customers = customers }

  public static func member(_ customer: Int) -> String { "M\(customer + 1_000_000)" }

  mutating func expect(_ eventID: String) {
    facts += 1
    eventIDs.insert(fingerprint(eventID.utf8))
  }

  mutating func see(_ customer: Int) { registered.insert(customer) }
  mutating func register(_ customer: Int, withPhoneOf pair: Int) { phones[pair, default: []].insert(customer) }

  /// Pairs of customers that a telephone made one.
  public var mergedPairs: Int { phones.values.count { $0.count == 2 } }

  /// The figures of every customer that any record named, members of one pair together, by the customers that they are.
  public var people: [(members: [Int], figures: Figures)] {
    var sums = [Figures?](repeating: nil, count: customers)
    for order in orders { sums[Int(order.customer)] = (sums[Int(order.customer)] ?? Figures()) + order.figures }
    for customer in registered where sums[customer] == nil { sums[customer] = Figures() }
    var result: [(members: [Int], figures: Figures)] = []
    for customer in 0..<customers {
      let pair = customer / 2
      let isMerged = phones[pair]?.count == 2
      if isMerged, customer % 2 == 1 { continue }
      let members = isMerged ? [customer, customer + 1] : [customer]
      let known = members.filter { sums[$0] != nil }
      guard !known.isEmpty else { continue }
      result.append((known, known.reduce(Figures()) { $0 + (sums[$1] ?? Figures()) }))
    }
    return result
  }
}
