// Facts from services that know no identifiers, only the number of an identity: before a batch is applied they get the identifier behind it (F-03).
import Domain

public enum HomelessArrivals {
  /// Gives each of these facts its home. Returns the places of those whose identity is not known; they stay as they are, and a batch passes over them.
  public static func findHomes(_ items: inout [ProfileItem], _ store: inout some ProfileStore) throws -> [Int] {
    // A partition belongs to one topic: the first fact is like all others.
    guard case .full(let first)? = items.first, first.home != nil else { return [] }
    let numbers = items.compactMap { item in if case .full(let arrival) = item { arrival.home } else { nil } }
    let found = try store.identities(numbered: Set(numbers).sorted()).map(\.identity)
    let byNumber = Dictionary(found.map { ($0.id, $0) }) { first, second in first.key < second.key ? first : second }
    var unknown: [Int] = []
    for place in items.indices {
      guard case .full(let arrival) = items[place], let home = arrival.home else { continue }
      guard let identity = byNumber[home] else {
        unknown.append(place)
        continue
      }
      items[place] = .full(arrival.at(identity))
    }
    return unknown
  }
}

extension Arrival {
  fileprivate func at(_ identity: Identity) -> Arrival {
    let identifier = Identifier(kind: identity.kind, value: identity.value, isVerified: identity.isStrong)
    var event = event
    if case .interaction(.answer(var answer)) = event {
      answer.identifiers = [identifier]
      event = .interaction(.answer(answer))
    }
    let named = [Sighting.Named(key: identity.key, identifier: identifier)]
    return Arrival(event: event, sighting: Sighting(named: named, at: sighting.at, eventID: sighting.eventID))
  }
}
