/// All that is known of one order: its latest revision and the payments, refunds and cancellation that came for it.
///
/// A fold over facts that does not depend on their order (P-06): revisions take the highest, the rest are sets.
public struct OrderRecord: Hashable, Sendable {
  public struct Header: Hashable, Sendable {
    public var revision: Int64
    public var orderedAt: Instant
    public var paidAt: Instant?
    public var money: Money
    public var baseMinorUnits: Int64
    public var channel: String
    public var lines: [OrderLine]
    /// The business day on which this revision became known (P-12); nil for what was taken in before that was kept.
    public var knownOn: Day?

    public init(
      revision: Int64, orderedAt: Instant, paidAt: Instant?, money: Money, baseMinorUnits: Int64, channel: String, lines: [OrderLine], knownOn: Day? = nil
    ) {
      self.revision = revision
      self.orderedAt = orderedAt
      self.paidAt = paidAt
      self.money = money
      self.baseMinorUnits = baseMinorUnits
      self.channel = channel
      self.lines = lines
      self.knownOn = knownOn
    }
  }

  /// A payment, a refund or the cancellation.
  public struct Movement: Hashable, Sendable, Comparable {
    public var kind: OrderEvent.Kind
    public var reference: String
    public var at: Instant
    public var baseMinorUnits: Int64
    public var knownOn: Day?

    public init(kind: OrderEvent.Kind, reference: String, at: Instant, baseMinorUnits: Int64, knownOn: Day? = nil) {
      self.kind = kind
      self.reference = reference
      self.at = at
      self.baseMinorUnits = baseMinorUnits
      self.knownOn = knownOn
    }

    public static func < (left: Movement, right: Movement) -> Bool {
      (left.kind.rawValue, left.reference) < (right.kind.rawValue, right.reference)
    }
  }

  public let source: String
  /// Of a refund that belongs to no order: empty, and `creditNote` names it.
  public let orderID: String
  public let creditNote: String
  public private(set) var header: Header?
  /// Sorted by kind and reference, none twice.
  public private(set) var movements: [Movement]
  /// Revisions that stood for some days and were replaced, ascending: what was known then (P-12). Of very many the last.
  public private(set) var earlier: [Header]

  public init(source: String, orderID: String, creditNote: String = "", header: Header? = nil, movements: [Movement] = [], earlier: [Header] = []) {
    self.source = source
    self.orderID = orderID
    self.creditNote = creditNote
    self.header = header
    self.movements = movements
    self.earlier = earlier
  }

  /// The record an event belongs to, still empty.
  public init(for event: OrderEvent) {
    self.init(source: event.source, orderID: event.orderID ?? "", creditNote: event.orderID == nil ? event.reference : "")
  }

  /// Payments, refunds and cancellation of one order.
  public static let movementsMax = 1_000
  /// Replaced revisions that are kept of one order.
  public static let earlierMax = 20

  public enum Refusal: Error, Equatable, Sendable { case tooManyMovements }

  /// When something happened to the order last; nil while the order itself has not come.
  public var lastMoment: Instant? {
    guard header != nil || orderID.isEmpty else { return nil }
    return ([header?.orderedAt, header?.paidAt].compactMap { $0 } + movements.map(\.at)).max()
  }

  /// Takes one fact in. False when it changes nothing: it came before, or a higher revision stands (I-06).
  ///
  /// - Parameter day: the business day on which it becomes known.
  public mutating func apply(_ event: OrderEvent, knownOn day: Day? = nil) throws(Refusal) -> Bool {
    guard event.kind != .order else { return revise(event, knownOn: day) }
    let movement = Movement(
      kind: event.kind, reference: event.reference, at: event.occurredAt, baseMinorUnits: event.baseMinorUnits, knownOn: day)
    guard !movements.contains(where: { $0.kind == movement.kind && $0.reference == movement.reference }) else { return false }
    guard movements.count < OrderRecord.movementsMax else { throw .tooManyMovements }
    let place = movements.firstIndex(where: { movement < $0 }) ?? movements.endIndex
    movements.insert(movement, at: place)
    return true
  }

  private mutating func revise(_ event: OrderEvent, knownOn day: Day?) -> Bool {
    if let header, header.revision >= event.revision { return false }
    // What stood for less than a day nobody can ask for.
    if let header, let day, header.knownOn.map({ $0 < day }) ?? true { earlier = Array((earlier + [header]).suffix(OrderRecord.earlierMax)) }
    header = Header(
      revision: event.revision, orderedAt: event.occurredAt, paidAt: event.paidAt, money: event.money,
      baseMinorUnits: event.baseMinorUnits, channel: event.channel, lines: event.lines, knownOn: day)
    return true
  }

  /// The order as it was known at the end of a business day (P-12); nil when nothing of it was.
  public func asKnown(on day: Day) -> OrderRecord? {
    let standing = ([header].compactMap { $0 } + earlier.reversed()).first { $0.knownOn.map { $0 <= day } ?? true }
    let moved = movements.filter { $0.knownOn.map { $0 <= day } ?? true }
    if standing == nil, moved.isEmpty { return nil }
    return OrderRecord(source: source, orderID: orderID, creditNote: creditNote, header: standing, movements: moved)
  }

  /// What this order adds to its customer's days, with what had happened by the end of `asOf` (nil: everything known).
  ///
  /// Spend counts when paid, on the day of payment; refunds and a cancellation each on their own day (P-06, P-07).
  public func contribution(in zone: BusinessZone, asOf: Day? = nil) -> [DayEntry] {
    var days: [DayEntry] = []
    func add(_ day: Day, paid: Int32 = 0, counted: Int32 = 0, spend: Int64) {
      if let index = days.firstIndex(where: { $0.day == day }) {
        days[index].paidOrders += paid
        days[index].countedOrders += counted
        days[index].spend &+= spend
      } else {
        days.append(DayEntry(day: day, paidOrders: paid, countedOrders: counted, spend: spend))
      }
    }
    func known(_ at: Instant) -> Day? {
      let day = zone.day(of: at)
      if let asOf, day > asOf { return nil }
      return day
    }

    if orderID.isEmpty {
      for refund in movements { if let day = known(refund.at) { add(day, spend: -refund.baseMinorUnits) } }
      return days
    }
    var payments = movements.filter { $0.kind == .payment }
    if payments.isEmpty, let header, let paidAt = header.paidAt {
      payments = [Movement(kind: .payment, reference: "", at: paidAt, baseMinorUnits: header.baseMinorUnits)]
    }
    let received = payments.compactMap { payment in known(payment.at).map { (day: $0, amount: payment.baseMinorUnits) } }
    guard let firstDay = received.map(\.day).min() else { return [] }
    var paid: Int64 = 0
    var returned: Int64 = 0
    var wasReturned = false
    for payment in received {
      paid &+= payment.amount
      add(payment.day, spend: payment.amount)
    }
    for refund in movements where refund.kind == .refund {
      guard let day = known(refund.at) else { continue }
      wasReturned = true
      returned &+= refund.baseMinorUnits
      add(day, spend: -refund.baseMinorUnits)
    }
    let cancelled = movements.filter { $0.kind == .cancellation }.compactMap { known($0.at) }.min()
    if let cancelled {
      wasReturned = true
      if paid > returned { add(cancelled, spend: -(paid - returned)) }
      returned = max(returned, paid)
    }
    add(firstDay, paid: 1, counted: wasReturned && returned >= paid ? 0 : 1, spend: 0)
    return days
  }
}
