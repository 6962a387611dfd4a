// How long records take from the brokers to the services' tables, from the services' own measures (I-07).
import Domain
import HTTP
import Text

struct SourceDelay: Equatable {
  /// No more than so many seconds from a source to the customer's profile.
  static let secondsMax: Double = 300

  /// Batches that were measured since the service began.
  var batches: Int64 = 0
  /// At most so many seconds for 95 % of them; nil: beyond the largest bound, or nothing was measured.
  var most: Double?

  /// Adds the histogram's series of all topics up.
  init(metrics text: String) {
    var counts: [Double: Int64] = [:]
    for line in text.split(separator: "\n") where line.hasPrefix("clientele_source_to_table_seconds_bucket{") {
      // `name{topic="in.orders.v1",le="0.5"} 12`: what stands in quotation marks follows its label, every other part.
      let parts = line.split(separator: "\"", omittingEmptySubsequences: false)
      guard let label = parts.indices.first(where: { $0 % 2 == 0 && (parts[$0].hasSuffix(",le=") || parts[$0].hasSuffix("{le=")) }), label + 1 < parts.count,
        let value = line.split(separator: " ").last.flatMap({ Double($0) }), (0...1e12).contains(value)
      else { continue }
      counts[Double(parts[label + 1]) ?? .infinity, default: 0] += Int64(value)
    }
    batches = counts[.infinity] ?? counts.values.max() ?? 0
    guard batches > 0 else { return }
    let bound = counts.sorted { $0.key < $1.key }.first { Double($0.value) >= 0.95 * Double(batches) }?.key
    most = bound.flatMap { $0.isFinite ? $0 : nil }
  }

  static func of(_ peer: Peer, _ api: PeerAPI) async -> SourceDelay? {
    guard let answer = try? await api.bytes(peer, .get, "/metrics") else { return nil }
    return SourceDelay(metrics: String(decoding: answer.body, as: UTF8.self))
  }

  /// Both services one after the other, in seconds; nil: not measured, or beyond measure.
  static func sum(_ delays: [SourceDelay?]) -> Double? {
    let most = delays.map { $0?.most }
    return most.contains(where: { $0 == nil }) ? nil : most.compactMap { $0 }.reduce(0, +)
  }
}
