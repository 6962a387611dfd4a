// A hash table from 64 random bits to a place in an array, for keys that are hashes already.

/// Open addressing, at most half full. The caller says which of the places with equal bits is meant.
struct KeyTable: Sendable {
  private var bits: [UInt64]
  private var places: [Int32]
  private var count = 0

  static let capacityMin = 1_024

  init() {
    bits = Array(repeating: 0, count: KeyTable.capacityMin)
    places = Array(repeating: -1, count: KeyTable.capacityMin)
  }

  @inline(__always)
  func find(_ key: UInt64, _ isMeant: (Int) -> Bool) -> Int? {
    let mask = places.count &- 1
    var at = Int(truncatingIfNeeded: key) & mask
    while places[at] >= 0 {
      if bits[at] == key, isMeant(Int(places[at])) { return Int(places[at]) }
      at = (at &+ 1) & mask
    }
    return nil
  }

  /// Adds a key that is not there.
  mutating func insert(_ key: UInt64, _ place: Int) {
    if (count &+ 1) &* 2 > places.count { grow() }
    put(key, Int32(truncatingIfNeeded: place))
    count &+= 1
  }

  private mutating func put(_ key: UInt64, _ place: Int32) {
    let mask = places.count &- 1
    var at = Int(truncatingIfNeeded: key) & mask
    while places[at] >= 0 { at = (at &+ 1) & mask }
    bits[at] = key
    places[at] = place
  }

  private mutating func grow() {
    let (oldBits, oldPlaces) = (bits, places)
    bits = Array(repeating: 0, count: oldPlaces.count * 2)
    places = Array(repeating: -1, count: oldPlaces.count * 2)
    for (at, place) in oldPlaces.enumerated() where place >= 0 { put(oldBits[at], place) }
  }

  mutating func removeAll() {
    for at in places.indices { places[at] = -1 }
    count = 0
  }
}

/// Which 64-bit keys came lately: two sets in turn, the older given up when the younger is full.
struct RecentKeys: Sendable {
  private var young: [Int64]
  private var old: [Int64]
  private var count = 0
  private let countMax: Int
  /// Stands for an empty place; a key of this value is remembered as another one, which only costs a look-up.
  private static let empty: Int64 = 0

  init(countMax: Int) {
    self.countMax = max(1, countMax)
    young = []
    old = []
  }

  private func holds(_ keys: [Int64], _ key: Int64) -> Bool {
    guard !keys.isEmpty else { return false }
    let mask = keys.count &- 1
    var at = Int(truncatingIfNeeded: key) & mask
    while keys[at] != RecentKeys.empty {
      if keys[at] == key { return true }
      at = (at &+ 1) & mask
    }
    return false
  }

  mutating func removeAll() {
    young = []
    old = []
    count = 0
  }

  func contains(_ key: Int64) -> Bool {
    let key = key == RecentKeys.empty ? 1 : key
    return holds(young, key) || holds(old, key)
  }

  mutating func insert(_ key: Int64) {
    let key = key == RecentKeys.empty ? 1 : key
    if count >= countMax {
      old = young
      young = []
      count = 0
    }
    if young.isEmpty {
      var capacity = 64
      while capacity < countMax * 2 { capacity *= 2 }
      young = Array(repeating: RecentKeys.empty, count: capacity)
    }
    let mask = young.count &- 1
    var at = Int(truncatingIfNeeded: key) & mask
    while young[at] != RecentKeys.empty {
      if young[at] == key { return }
      at = (at &+ 1) & mask
    }
    young[at] = key
    count += 1
  }
}
