// One record for the profile: an order as it lies in its message, or a fact as a value.
import Domain

public enum ProfileItem: Sendable {
  case plain(PlainOrder)
  indirect case full(Arrival)

  /// The fact as a value.
  func arrival(_ batch: UnsafeRawBufferPointer) -> Arrival {
    switch self {
    case .plain(let order): order.arrival(in: batch)
    case .full(let arrival): arrival
    }
  }

  /// The identifiers it names.
  var keys: [IdentityKey] {
    switch self {
    case .plain(let order): [order.home]
    case .full(let arrival): arrival.sighting.named.map(\.key)
    }
  }

  var occurredAt: Instant {
    switch self {
    case .plain(let order): order.occurredAt
    case .full(let arrival): arrival.sighting.at
    }
  }

  /// False for an order in its first revision: nothing can have come before it but itself.
  var mayBeStored: Bool {
    switch self {
    case .plain(let order): return order.kind != .order || order.revision != 1
    case .full(let arrival):
      guard case .order(let event) = arrival.event else { return true }
      return event.kind != .order || event.revision != 1
    }
  }

  func reference(_ batch: UnsafeRawBufferPointer) -> OrderReference {
    switch self {
    case .plain(let order):
      return OrderReference(
        identity: order.home.identityID, source: order.source.text(in: batch), orderID: order.orderID.text(in: batch),
        creditNote: order.creditNote.text(in: batch))
    case .full(let arrival):
      let home = arrival.sighting.named.first?.key.identityID ?? CustomerID(number: 0)
      guard case .order(let event) = arrival.event else { return OrderReference(identity: home, source: "", orderID: "", creditNote: "") }
      return OrderReference(
        identity: home, source: event.source, orderID: event.orderID ?? "", creditNote: event.orderID == nil ? event.reference : "")
    }
  }

  /// The identity its order is kept under and the 64-bit hash it is found by.
  func orderKey(_ batch: UnsafeRawBufferPointer, _ store: some ProfileStore) -> (identity: CustomerID, key: Int64) {
    switch self {
    case .plain(let order):
      let key = store.orderKey(source: order.source.bytes(in: batch), orderID: order.orderID.bytes(in: batch), creditNote: order.creditNote.bytes(in: batch))
      return (order.home.identityID, key)
    case .full:
      let reference = reference(batch)
      return (reference.identity, store.orderKey(reference))
    }
  }
}

extension ProfileStore {
  public func orderKey(_ reference: OrderReference) -> Int64 {
    var (source, orderID, creditNote) = (reference.source, reference.orderID, reference.creditNote)
    return source.withUTF8 { source in
      orderID.withUTF8 { orderID in
        creditNote.withUTF8 { creditNote in
          orderKey(
            source: UnsafeRawBufferPointer(source), orderID: UnsafeRawBufferPointer(orderID), creditNote: UnsafeRawBufferPointer(creditNote))
        }
      }
    }
  }
}
