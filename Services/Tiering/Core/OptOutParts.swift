// Who refused automated tiering and became part of another customer since: the refusal is the person's, so it counts for whoever stands now (S-07).
public import Domain

extension TieringBatch {
  /// How long what came before its survivor waits, in seconds of the machine's time.
  static var survivorSeconds: Int64 { 60 }

  /// Looks at customers that became part of another one, or stand by themselves again: at them and all below them that refused, at whoever stands for these
  /// now and whoever did before.
  ///
  /// Everybody who changes what a customer is part of holds its lock and asks for this look at it; and this is done by one lane. So it sees what was
  /// changed, or is asked again.
  public static func settleRefusals(
    below ids: [CustomerID], _ store: inout some TieringStore, rules: TieringRules, at moment: RatingMoment
  ) throws -> TieringOutcome {
    var batch = TieringBatch(rules, moment)
    let ids = ids.sorted()
    let read = try OptOutParts(below: ids, &store)
    // Also where nobody refused: a change that is not committed yet could not ask for another look while this one is under way.
    let locked = Dictionary(try store.lockCustomers(Set(ids).union(read.touched).sorted()).map { ($0.id, $0) }) { first, _ in first }
    // By now what is part of what may have changed.
    let parts = try OptOutParts(below: ids, &store)
    guard !parts.isEmpty else { return batch.outcome }
    let below = Dictionary(grouping: try store.refusals(under: parts.touched.sorted()), by: \.top)
    for id in parts.touched.sorted() {
      guard let customer = locked[id] else { continue }
      let refusing = customer.mergedInto == nil ? (below[id] ?? []).map(\.part).filter { $0 != id }.min() : nil
      batch.settle(customer, refusing: refusing)
    }
    if !batch.changes.isEmpty { try store.write(batch.changes) }
    try store.count(parts.survivors.filter { part, _ in parts.touched(by: part).isSubset(of: locked.keys) })
    // Who stands for them is not locked: not known here yet, or another one since they were read.
    let again = ids.filter { id in !parts.touched(below: id).isSubset(of: locked.keys) }
    batch.outcome.tooEarly = again.map { id in
      (id, parts.touched(below: id).isSubset(of: read.touched) ? moment.real.adding(seconds: TieringBatch.survivorSeconds) : moment.real)
    }
    return batch.outcome
  }

  private mutating func settle(_ before: RatedCustomer, refusing part: CustomerID?) {
    guard before.course.review.refusingPart != part else { return }
    var customer = before
    customer.course.review.refusingPart = part
    let isChanged = before.course.review.refusesAutomation != customer.course.review.refusesAutomation
    if isChanged, customer.mergedInto == nil, let standing = customer.standing {
      note(&customer, standing, part == nil ? .optedIn : .optedOut)
      publish(customer, standing, "")
    }
    // What waited while a person had to decide may confirm itself now.
    if isChanged, customer.mergedInto == nil { changes.waiting.append((customer.id, RatingMoment.atOnce)) }
    changes.ratedCustomers.append(customer)
  }
}

/// Who refused at or below some customers, who stands for each of them now, and who did when they were counted last.
private struct OptOutParts {
  /// Those who refused, by the customer that they are at or below.
  private let below: [CustomerID: [CustomerID]]
  /// By who refused; itself when it is part of nobody.
  let survivors: [CustomerID: CustomerID]
  private let counted: [CustomerID: CustomerID]

  init(below ids: [CustomerID], _ store: inout some TieringStore) throws {
    let found = try store.refusals(under: ids)
    let parts = Set(found.map(\.part)).sorted()
    below = Dictionary(grouping: found, by: \.top).mapValues { $0.map(\.part) }
    survivors = try store.survivors(of: parts)
    counted = try store.counted(parts)
  }

  var isEmpty: Bool { survivors.isEmpty }

  /// All customers for whom it may make a difference.
  var touched: Set<CustomerID> { Set(survivors.values).union(counted.values) }
  func touched(by part: CustomerID) -> Set<CustomerID> { Set([survivors[part], counted[part]].compactMap { $0 }) }
  func touched(below id: CustomerID) -> Set<CustomerID> { (below[id] ?? []).reduce(into: []) { $0.formUnion(touched(by: $1)) } }
}
