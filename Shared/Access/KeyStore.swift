// The issuer's keys, kept for a while, asked for again when one is not known, and never asked for often.
import Hashing
public import Lifecycle
public import Telemetry

/// Keeps the keys of one issuer.
public actor KeyStore {
  /// Seconds between two fetches at least: a token may name any key, and must not make us ask the issuer each time.
  public static let refetchSecondsMin: Int64 = 60
  /// The same while there are no keys at all, in seconds.
  public static let firstFetchSecondsMin: Int64 = 5
  /// Seconds after which keys are fetched anew: a key that the issuer took back is good for no longer.
  public static let freshSecondsMax: Int64 = 300
  /// Seconds for which keys are good while the issuer cannot be asked.
  public static let keptSecondsMax: Int64 = 21_600

  private let fetch: @Sendable () async throws -> [UInt8]
  private let seconds: @Sendable () -> Int64
  private let logger: Logger
  private var keys: [String: VerifyingKey] = [:]
  private var fetchedAt: Int64?
  private var triedAt: Int64?
  private var hasFailed = false
  private var running: Task<Void, Never>?

  /// - Parameters:
  ///   - fetch: gets the issuer's document; bounded in time and size by who gives it.
  ///   - seconds: a clock that only grows.
  public init(fetch: @escaping @Sendable () async throws -> [UInt8], seconds: @escaping @Sendable () -> Int64, logger: Logger) {
    self.fetch = fetch
    self.seconds = seconds
    self.logger = logger
  }

  /// The key of a name; nil: the issuer has none of that name. Throws when there are no keys that are young enough.
  func key(_ kid: String) async throws(TokenRefusal) -> VerifyingKey? {
    // While the issuer is away nobody waits for it whose key is there: ``KeyKeeper`` goes on asking.
    if keys[kid] == nil || isOld || isStale && !hasFailed { await refetch() }
    if isOld { throw .keysAway }
    return keys[kid]
  }

  /// Fetches the keys if they are not fresh, so that no request has to wait for them.
  public func keepFresh() async { if isStale { await refetch() } }

  private var isStale: Bool { fetchedAt.map { seconds() - $0 >= KeyStore.freshSecondsMax } ?? true }
  private var isOld: Bool { fetchedAt.map { seconds() - $0 > KeyStore.keptSecondsMax } ?? true }

  /// One fetch at a time, and none too soon; whoever comes meanwhile waits for the one that runs.
  private func refetch() async {
    if let running { return await running.value }
    let floor = fetchedAt == nil ? KeyStore.firstFetchSecondsMin : KeyStore.refetchSecondsMin
    if let triedAt, seconds() - triedAt < floor { return }
    triedAt = seconds()
    // Not the caller's own task: who goes away must not take the answer from those that wait for it.
    let task = Task { await load() }
    running = task
    await task.value
  }

  private func load() async {
    defer { running = nil }
    hasFailed = true
    do {
      guard let found = KeySet(try await fetch()) else {
        logger.warning("the identity provider's keys cannot be used")
        return
      }
      (keys, fetchedAt, hasFailed) = (found.keys, seconds(), false)
    } catch { logger.warning("the identity provider's keys cannot be had", [.error: .describing(error)]) }
  }
}

/// Fetches keys before they are needed.
public struct KeyKeeper: Service {
  public let name = "access keys"
  /// Seconds between two looks.
  static let pauseSeconds = 30
  private let store: KeyStore

  public init(_ store: KeyStore) { self.store = store }

  public func run(_ stop: StopSignal) async throws {
    while !stop.isStopping {
      await store.keepFresh()
      _ = await stop.wait(atMost: .seconds(KeyKeeper.pauseSeconds))
    }
  }
}
