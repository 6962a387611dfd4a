// What plain orders come to, for the store: by the places of items and known customers, so that nothing is copied before it is written.
import Contracts
public import Domain

public struct PlainRows: Sendable {
  /// An order that nobody has seen: its row is made from the item.
  public struct NewOrder: Sendable {
    public let identity: CustomerID
    public let key: Int64
    public let month: OrderMonth
    public let item: Int
  }

  /// By month, identity and key.
  public internal(set) var newOrders: [NewOrder] = []
  /// Places of customers among the known, by id; the first item of each says which identifier it is born from.
  public internal(set) var newCustomers: [(place: Int, founder: Int)] = []
  /// Places of customers among the known, by id.
  public internal(set) var movedCustomers: [Int] = []
  /// Those of all of them who are due on another day than before.
  public internal(set) var dueMoved: [Int] = []
  /// The business day on which the orders become known.
  public internal(set) var knownOn: Day?

  public init() {}

  public var isEmpty: Bool { newOrders.isEmpty && newCustomers.isEmpty && movedCustomers.isEmpty }

  /// The places of all customers that others are to hear of.
  public var changedPlaces: [Int] { newCustomers.map(\.place) + movedCustomers }

  private static func identity(of order: PlainOrder, _ bytes: UnsafeRawBufferPointer, _ customer: Customer) -> Identity {
    Identity(
      key: order.home, kind: order.identifierKind, value: order.identifier.text(in: bytes), isStrong: order.isStrong, firstSeenAt: customer.firstSeenAt)
  }

  /// The identifiers of new customers that are addresses. Mostly none is: nothing is made of the others.
  func addresses(of items: [ProfileItem], _ bytes: UnsafeRawBufferPointer, _ known: borrowing KnownCustomers) -> [CustomerAddress] {
    var addresses: [CustomerAddress] = []
    for (place, founder) in newCustomers {
      guard case .plain(let order) = items[founder], AddressKind(order.identifierKind) != nil else { continue }
      let customer = known[place].customer
      if let address = CustomerAddress(PlainRows.identity(of: order, bytes, customer), of: customer) { addresses.append(address) }
    }
    return addresses
  }

  /// All of it as rows together with what else its batch changes, for stores that have no quicker way.
  public func changes(
    of items: [ProfileItem], _ bytes: UnsafeRawBufferPointer, _ known: borrowing KnownCustomers, beside others: ProfileChanges
  ) -> ProfileChanges {
    var changes = ProfileChanges()
    for order in newOrders {
      guard case .order(let event) = items[order.item].arrival(bytes).event else { continue }
      var record = OrderRecord(for: event)
      // An order by itself is always news to an empty record, and is never one too many.
      guard (try? record.apply(event, knownOn: knownOn)) == true else { continue }
      changes.newOrders.append((items[order.item].reference(bytes), StoredOrder(record, key: order.key, month: order.month)))
    }
    for (place, founder) in newCustomers {
      changes.newCustomers.append(known[place].customer)
      guard case .plain(let order) = items[founder] else { continue }
      changes.newIdentities.append(PlainRows.identity(of: order, bytes, known[place].customer))
    }
    changes.unlockedCustomers = movedCustomers.map { known[$0].customer }
    changes.newIdentities.sort { $0.key < $1.key }
    changes.newOrders.sort { $0.reference < $1.reference }
    changes.add(others)
    return changes
  }
}
