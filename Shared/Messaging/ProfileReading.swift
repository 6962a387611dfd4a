// Snapshots of profile, read by the services that build on them.
public import Contracts
public import Domain
public import Handling

extension ProfileSnapshot {
  /// Days outside the years 1 to 9998 are no days of a business; beyond them calendar arithmetic ends.
  public static let firstDay = Day(year: 1, month: 1, day: 1) ?? Day(number: 0)
  public static let lastDay = Day(year: 9_998, month: 12, day: 31) ?? Day(number: 0)

  /// What makes a snapshot unfit to be worked with by a service that sums up in a currency.
  public func faults(in base: Currency) -> [Fault] {
    var faults: [Fault] = []
    if currency != base {
      let detail = "amounts are in \(currency), this service sums \(base); give both services the same base currency"
      faults.append(Fault(field: "currency", rule: "mismatch", detail: detail))
    }
    if version < 1 { faults.append(Fault(field: "version", rule: "range", detail: "versions begin at 1")) }
    if mergedInto == customer {
      faults.append(Fault(field: "merged_into", rule: "self", detail: "a customer cannot be part of itself"))
    }
    let older = [ledger.older.firstPaidDay, ledger.older.lastPaidDay].compactMap { $0 }
    let days = [asOf] + older + [ledger.days.first?.day, ledger.lastDay, lastInteractionDay].compactMap { $0 }
    if !days.allSatisfy({ (ProfileSnapshot.firstDay...ProfileSnapshot.lastDay).contains($0) }) {
      faults.append(Fault(field: "days", rule: "range", detail: "a day lies outside the years 1 to 9998"))
    }
    return faults
  }
}
