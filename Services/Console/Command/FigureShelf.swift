// Figures over all customers, kept for a moment: whoever may see them sees the same, and reading them takes as long as there are customers.
import Access
import Domain
import HTTP
import Handling
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
  /// - Parameters:
  ///   - now: microseconds of a clock that grows.
  ///   - least: kept for so long at least, in milliseconds; nil: as all are.
  func figures(
    _ name: String, now: @escaping @Sendable () -> Int64, least: Int64? = nil, _ read: @escaping @Sendable () async -> Section
  ) async -> SharedFigures {
    guard let task = task(name, now, least ?? milliseconds, read) else { return SharedFigures(section: await read(), readAt: now()) }
    return await task.value
  }

  /// The same, waited for no longer than `patience` milliseconds: what comes later is there for whoever asks next. nil: it did not come in time.
  func figures(
    _ name: String, now: @escaping @Sendable () -> Int64, least: Int64, patience: Int64, _ read: @escaping @Sendable () async -> Section
  ) async -> SharedFigures? {
    guard let task = task(name, now, least, read) else { return nil }
    return await FirstOf.value(task, within: patience)
  }

  /// nil: there are too many already.
  private func task(
    _ name: String, _ now: @escaping @Sendable () -> Int64, _ least: Int64, _ read: @escaping @Sendable () async -> Section
  ) -> Task<SharedFigures, Never>? {
    let began = now()
    return entries.withLock { entries -> Task<SharedFigures, Never>? in
      if let entry = entries[name], entry.goodUntil.map({ began < $0 }) ?? true { return entry.task }
      if entries.count >= FigureShelf.entriesMax { entries = entries.filter { $0.value.goodUntil.map { began < $0 } ?? true } }
      guard entries.count < FigureShelf.entriesMax else { return nil }
      // No child of the request that comes first: others want the answer too when its reader has gone.
      let task = Task {
        let section = await read()
        let ended = now()
        self.settle(name, section.json == nil ? nil : ended + max(least * 1_000, self.kept(ended - began)))
        return SharedFigures(section: section, readAt: ended)
      }
      entries[name] = Entry(task: task)
      return task
    }
  }

  private func kept(_ microseconds: Int64) -> Int64 { milliseconds == 0 ? 0 : microseconds * FigureShelf.timesAsLong }

  private func settle(_ name: String, _ end: Int64?) {
    entries.withLock { entries in
      if let end { entries[name]?.goodUntil = end } else { entries[name] = nil }
    }
  }
}

/// What a task gives within a time. The task goes on, whoever waits for it.
private enum FirstOf {
  private final class Gate: Sendable {
    private let waiting: Mutex<CheckedContinuation<SharedFigures?, Never>?>
    init(_ continuation: CheckedContinuation<SharedFigures?, Never>) { waiting = Mutex(continuation) }

    /// Only the first counts.
    func open(_ value: SharedFigures?) {
      let continuation = waiting.withLock { waiting in
        defer { waiting = nil }
        return waiting
      }
      continuation?.resume(returning: value)
    }
  }

  static func value(_ task: Task<SharedFigures, Never>, within milliseconds: Int64) async -> SharedFigures? {
    await withCheckedContinuation { continuation in
      let gate = Gate(continuation)
      let timer = Task {
        try? await Task.sleep(for: .milliseconds(milliseconds))
        gate.open(nil)
      }
      Task {
        gate.open(await task.value)
        timer.cancel()
      }
    }
  }
}

extension Visit {
  /// A page waits no longer for figures that it shows beside others, and shows them as they were so long ago at most; both in milliseconds.
  private static let besideMilliseconds: (patience: Int64, kept: Int64) = (300, 600_000)

  /// Figures over all customers that a page needs beside others, as the lines between segments; nil where they are not known, or may not be seen.
  func beside(_ peer: Peer, _ path: String) async -> JSONValue? {
    guard may(.figuresRead) else { return nil }
    let (api, (patience, kept)) = (api, Visit.besideMilliseconds)
    return await site.figures.figures("\(api.shelf(peer, path)) on \(today)", now: site.now, least: kept, patience: patience) {
      await api.readFigures(peer, path)
    }?.section.json
  }

  /// The tiers that are configured, in their order, with their names: `{"tiers": [{"tier", "name"}]}`.
  func tiersBeside() async -> JSONValue? { await beside(.tiering, "/v1/tiers/summary") }
}

extension PeerAPI {
  /// For figures over all customers, in milliseconds.
  private static let figuresMillisecondsMax = 50_000

  /// Figures over all customers, as somebody with the same roles may have been given them a moment ago.
  func figures(_ peer: Peer, _ path: String, _ query: [(name: String, value: String?)] = []) async -> SharedFigures {
    let target = PercentEncoding.path(path, query)
    return await site.figures.figures(shelf(peer, target), now: site.now) { await readFigures(peer, target) }
  }

  /// Where they lie: those of the same roles see the same.
  fileprivate func shelf(_ peer: Peer, _ target: String) -> String {
    let roles = caller?.principal.roles.map(\.rawValue).sorted().joined(separator: " ") ?? ""
    return "\(roles) \(peer.rawValue) \(target)"
  }

  fileprivate func readFigures(_ peer: Peer, _ target: String) async -> Section {
    do throws(PeerFailure) {
      let answer = try await bytes(peer, .get, target, millisecondsMax: PeerAPI.figuresMillisecondsMax)
      guard let json = try? JSONValue(answer.body, limits: PeerAPI.limits) else { throw .away(peer) }
      return .success(json)
    } catch { return .failure(error) }
  }
}
