// Complaints that were upheld: their customers are rated at once, once for each (T-06). Whether they were is the desk's to say; here they are counted.
public import Domain

/// What a ticket says of itself: whether it is a complaint that was right, and whose.
public struct TicketVerdict: Hashable, Sendable {
  public let ticket: TicketID
  /// Only grows; the newest counts.
  public let version: Int64
  public let customer: CustomerID
  public let isUpheld: Bool
  /// The business day on which it was resolved; of one that is not, any.
  public let day: Day

  public init(ticket: TicketID, version: Int64, customer: CustomerID, isUpheld: Bool, day: Day) {
    self.ticket = ticket
    self.version = version
    self.customer = customer
    self.isUpheld = isUpheld
    self.day = day
  }

  /// What it adds to a customer's count; nil: nothing.
  fileprivate var count: ComplaintCount? { isUpheld ? ComplaintCount(customer: customer, day: day) : nil }
}

private struct ComplaintCount: Hashable {
  let customer: CustomerID
  let day: Day
}

/// The tables, as complaints need them.
public protocol ComplaintStore: TieringStore {
  /// What these tickets said last; those that never were an upheld complaint are left out.
  mutating func verdicts(_ tickets: [TicketID]) throws -> [TicketVerdict]
  /// Keeps what tickets say, and asks for a look at the customers whose count it changes.
  mutating func keep(_ verdicts: [TicketVerdict], changing customers: [CustomerID]) throws
  /// The days of upheld complaints of each of these customers, the oldest first, at most ``UpheldComplaints/daysMax`` of one.
  mutating func complaintDays(of customers: [CustomerID]) throws -> [CustomerID: [Day]]
}

public enum UpheldComplaints {
  /// Of one customer; the newest ones. Far more than any of them has in the 12 months that count.
  public static let daysMax = 1_000
  /// How long a complaint of a customer that is not known here yet waits, in seconds of the machine's time.
  public static let customerSeconds: Int64 = 60

  /// Keeps what is newer than what is known. Old and repeated snapshots of tickets have no effect.
  ///
  /// Whoever changes a count holds the customer's lock and asks for a look at it, and the lane that looks locks the customer before it counts. So it
  /// sees what was changed, or is asked again.
  public static func receive(_ received: [TicketVerdict], _ store: inout some ComplaintStore) throws {
    let newest = Dictionary(received.map { ($0.ticket, $0) }) { $0.version >= $1.version ? $0 : $1 }
    let known = Dictionary(try store.verdicts(newest.keys.sorted()).map { ($0.ticket, $0) }) { first, _ in first }
    var kept: [TicketVerdict] = []
    var touched: Set<CustomerID> = []
    for (ticket, verdict) in newest.sorted(by: { $0.key < $1.key }) {
      let before = known[ticket]
      // Most tickets are no complaints: nothing is kept of them.
      guard verdict.version > before?.version ?? 0, before != nil || verdict.isUpheld else { continue }
      kept.append(verdict)
      if before?.count != verdict.count { touched.formUnion([before?.count?.customer, verdict.count?.customer].compactMap { $0 }) }
    }
    guard !kept.isEmpty else { return }
    let customers = touched.sorted()
    _ = try store.lockCustomers(customers)
    try store.keep(kept, changing: customers)
  }
}

extension TieringBatch {
  /// Counts the complaints of customers anew, and rates whose count has changed, whenever they were rated last.
  public static func settleComplaints(
    of ids: [CustomerID], _ store: inout some ComplaintStore, rules: TieringRules, at moment: RatingMoment
  ) throws -> TieringOutcome {
    var batch = TieringBatch(rules, moment)
    let ids = ids.sorted()
    let locked = Dictionary(try store.lockCustomers(ids).map { ($0.id, $0) }) { first, _ in first }
    let days = try store.complaintDays(of: ids)
    for id in ids {
      guard let customer = locked[id] else {
        batch.outcome.tooEarly.append((id, moment.real.adding(seconds: UpheldComplaints.customerSeconds)))
        continue
      }
      batch.count(days[id] ?? [], for: customer)
    }
    if !batch.changes.isEmpty { try store.write(batch.changes) }
    return batch.outcome
  }

  private mutating func count(_ days: [Day], for before: RatedCustomer) {
    guard before.complaintDays != days else { return }
    var customer = before
    customer.complaintDays = days
    if customer.mergedInto == nil { rateKept(&customer, because: .complaint) }
    changes.changedCustomers.append(customer)
  }
}
