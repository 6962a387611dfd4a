// What the profile keeps only since a later version, summed up once for the customers from before it.
public import Domain

public enum FillIn {
  /// Brings the day of the last interaction (T-06) of these customers forward to the newest of everything stored, and returns those that it changed.
  /// Nothing was forgotten here: that is a rebuild's to find, of customers that were filled in.
  public static func lastInteractions(of ids: [CustomerID], in store: inout some ProfileStore, zone: BusinessZone) throws -> [Customer] {
    let standing = try store.lockCustomers(ids.sorted()).filter { $0.mergedInto == nil }
    let days = try store.lastInteractionDays(try Tagging.owners(of: standing.map(\.id), &store), in: zone)
    var changes = ProfileChanges()
    for before in standing {
      guard let day = days[before.id] else { continue }
      var after = before
      after.interacted(on: day)
      guard after != before else { continue }
      after.version += 1
      changes.changedCustomers.append(after)
    }
    if !changes.isEmpty { try store.write(changes) }
    return changes.changedCustomers
  }
}
