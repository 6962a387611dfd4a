// Computations over many seeds, on all processors.
import Glibc

/// Looks at each of these seeds by itself, as many at a time as there are processors, and returns what was found of the smallest ones.
public func everywhere<Found: Sendable>(_ seeds: Range<UInt64>, _ look: @escaping @Sendable (UInt64) throws -> Found?) async throws -> [Found] {
  let processors = UInt64(max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
  return try await withThrowingTaskGroup(of: [(UInt64, Found)].self) { group in
    for first in 0..<processors {
      group.addTask {
        try stride(from: seeds.lowerBound + first, to: seeds.upperBound, by: Int(processors)).compactMap { seed in try look(seed).map { (seed, $0) } }
      }
    }
    return try await group.reduce(into: []) { $0 += $1 }.sorted { $0.0 < $1.0 }.map(\.1)
  }
}
