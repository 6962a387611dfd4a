// Mappings and sources' defaults as they were read last, for all partitions of the process.
import Domain
import IngestCore
import IngestStore
import Postgres
import Synchronization

/// Mappings never change under their id, so they are kept; which one a source has by default may change, and is read anew by every batch.
final class MappingCatalog: Sendable {
  /// Mappings kept compiled; when there are more, all are read again as they are needed.
  static let mappingsMax = 200
  /// Sources whose default is kept.
  static let sourcesMax = 10_000

  private struct State {
    var mappings: [String: CompiledMapping] = [:]
    var defaults: [String: String?] = [:]
  }
  private let state = Mutex(State())
  private let rules: IngestRules

  init(rules: IngestRules) { self.rules = rules }

  subscript(id: String) -> CompiledMapping? { state.withLock { $0.mappings[id] } }

  /// The default mapping of a source; nil when it is not known here whether there is one.
  func defaultMapping(of source: String) -> String?? { state.withLock { $0.defaults[source] } }

  func keep(_ mapping: CompiledMapping) {
    state.withLock { state in
      if state.mappings.count >= MappingCatalog.mappingsMax { state.mappings = [:] }
      state.mappings[mapping.id] = mapping
    }
  }

  /// Reads what these records need and the catalog does not hold. Blocks.
  ///
  /// Returns the defaults as they stand in the session's transaction.
  func load(mappings: Set<String>, sources: Set<String>, _ session: PostgresSession) throws -> [String: String?] {
    try load(mappings: mappings, sources: sources, sources.isEmpty ? [:] : try SourceTable.known(sources.sorted(), session), session)
  }

  /// The same with what the session's transaction knows of these sources.
  func load(
    mappings: Set<String>, sources: Set<String>, _ known: [String: KnownSource], _ session: PostgresSession
  ) throws -> [String: String?] {
    var defaults: [String: String?] = [:]
    if !sources.isEmpty {
      for source in sources { defaults[source] = .some(known[source]?.mappingID) }
      let found = defaults
      state.withLock { state in
        if state.defaults.count + found.count > MappingCatalog.sourcesMax { state.defaults = [:] }
        state.defaults.merge(found) { _, new in new }
      }
    }
    let wanted = mappings.union(defaults.values.compactMap { $0 }).filter { self[$0] == nil }
    guard !wanted.isEmpty else { return defaults }
    for stored in try MappingTable.find(wanted.sorted(), session) {
      // One that this machine cannot use, for want of a time zone, stays unknown: its records go to quarantine and can be replayed.
      if let compiled = try? MappingTable.compile(Array(stored.yaml.utf8), zone: rules.zone, zoneNamed: rules.zoneNamed) { keep(compiled) }
    }
    return defaults
  }
}
