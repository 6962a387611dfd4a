// Figures over all customers, kept for a moment: whoever may see them sees the same, and reading them takes as long as there are customers.
import Access
import HTTP
import Synchronization
import Text

/// An answer that others may have been given before, and when it was read.
struct SharedFigures: Sendable {
  let section: Section
  /// Microseconds since 1970 by the machine's clock.
  let readAt: Int64
}

final class FigureShelf: Sendable {
  /// Kept for so long, in milliseconds; what takes long to read is kept longer, so that no more than a tenth of the time goes into reading it.
  static let milliseconds: Int64 = 5_000
  /// Answers at one time; further ones are read for whoever asks.
  static let entriesMax = 100
  private static let timesAsLong: Int64 = 10

  private struct Entry {
    let task: Task<SharedFigures, Never>
    /// nil: it is being read.
    var goodUntil: Int64?
  }

  private let milliseconds: Int64
  private let entries = Mutex<[String: Entry]>([:])

  init(milliseconds: Int64 = FigureShelf.milliseconds) { self.milliseconds = milliseconds }

  /// Read once for all who ask at the same time, or soon after. What failed is asked for anew.
  ///
  /// - Parameter now: microseconds of a clock that grows.
  func figures(_ name: String, now: @escaping @Sendable () -> Int64, _ read: @escaping @Sendable () async -> Section) async -> SharedFigures {
    let began = now()
    let task = entries.withLock { entries -> Task<SharedFigures, Never>? in
      if let entry = entries[name], entry.goodUntil.map({ began < $0 }) ?? true { return entry.task }
      if entries.count >= FigureShelf.entriesMax { entries = entries.filter { $0.value.goodUntil.map { began < $0 } ?? true } }
      guard entries.count < FigureShelf.entriesMax else { return nil }
      // No child of the request that comes first: others want the answer too when its reader has gone.
      let task = Task {
        let section = await read()
        let ended = now()
        self.settle(name, section.json == nil ? nil : ended + max(self.milliseconds * 1_000, self.kept(ended - began)))
        return SharedFigures(section: section, readAt: ended)
      }
      entries[name] = Entry(task: task)
      return task
    }
    guard let task else { return SharedFigures(section: await read(), readAt: now()) }
    return await task.value
  }

  private func kept(_ microseconds: Int64) -> Int64 { milliseconds == 0 ? 0 : microseconds * FigureShelf.timesAsLong }

  private func settle(_ name: String, _ end: Int64?) {
    entries.withLock { entries in
      if let end { entries[name]?.goodUntil = end } else { entries[name] = nil }
    }
  }
}

extension PeerAPI {
  /// For figures over all customers, in milliseconds.
  private static let figuresMillisecondsMax = 50_000

  /// Figures over all customers, as somebody with the same roles may have been given them a moment ago.
  func figures(_ peer: Peer, _ path: String, _ query: [(name: String, value: String?)] = []) async -> SharedFigures {
    let target = PercentEncoding.path(path, query)
    let roles = caller?.principal.roles.map(\.rawValue).sorted().joined(separator: " ") ?? ""
    return await site.figures.figures("\(roles) \(peer.rawValue) \(target)", now: site.now) {
      do throws(PeerFailure) {
        let answer = try await bytes(peer, .get, target, millisecondsMax: PeerAPI.figuresMillisecondsMax)
        guard let json = try? JSONValue(answer.body, limits: PeerAPI.limits) else { throw .away(peer) }
        return .success(json)
      } catch { return .failure(error) }
    }
  }
}
