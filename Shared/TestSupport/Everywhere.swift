// Computations over many seeds, on all processors.
import Glibc

/// Looks at each of these seeds by itself, as many at a time as there are processors, and returns what was found, that of the smallest seed first.
public func everywhere<Found: Sendable>(_ seeds: Range<UInt64>, _ look: @escaping @Sendable (UInt64) throws -> Found?) async throws -> [Found] {
  let processors = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
  return try await withThrowingTaskGroup(of: (UInt64, Found?).self) { group in
    var (left, found): (Range<UInt64>, [(UInt64, Found)]) = (seeds, [])
    // One takes long, another does not: whoever is done takes the next.
    func goOn() {
      guard let seed = left.popFirst() else { return }
      group.addTask { (seed, try look(seed)) }
    }
    for _ in 0..<processors { goOn() }
    while let (seed, one) = try await group.next() {
      if let one { found.append((seed, one)) }
      goOn()
    }
    return found.sorted { $0.0 < $1.0 }.map(\.1)
  }
}
