// What the running parts of a service have in common: they wait for the database, and end together.
public import Lifecycle
public import Postgres
public import Telemetry
import Messaging

/// A part ended that should not have.
struct PartsEnded: Error, CustomStringConvertible { let description: String }

extension ServiceContext {
  /// Runs parts that only a stop may end.
  public func run(_ parts: [any Service], until stop: StopSignal) async throws {
    let outcome = await ServiceGroup(services: parts, logger: logger).run(signals: [], stop: stop)
    if !outcome.isClean { throw PartsEnded(description: "\(outcome)") }
  }

  /// What the database answers; nil when the stop came first. One that is away is waited for; settings that it refuses, damaged rows and whatever else
  /// is asked for throws are errors.
  public func answer<Answer: Sendable>(
    _ problem: StaticString, _ stop: StopSignal, _ ask: @escaping @Sendable (PostgresSession) throws -> Answer
  ) async throws -> Answer? {
    var backoff = Backoff()
    while !stop.isStopping {
      do { return try await pool.withSession(isKept: false, ask) } catch let failure as PostgresFailure
        where failure.kind != .configuration && failure.kind != .damaged
      {
        logger.warning(problem, [.error: .string(failure.description)])
      }
      _ = await stop.wait(atMost: .milliseconds(backoff.nextMilliseconds()))
    }
    return nil
  }
}

/// Keeps a number that the tables know up to date for `/metrics`.
public struct CountGauge: Service {
  public let name: String
  private let pool: PostgresPool
  private let gauge: Gauge
  private let seconds: Int
  private let count: @Sendable (PostgresSession) throws -> Int64

  /// - Parameter seconds: between two looks.
  public init(_ name: String, every seconds: Int, _ pool: PostgresPool, _ gauge: Gauge, _ count: @escaping @Sendable (PostgresSession) throws -> Int64) {
    self.name = name
    self.seconds = seconds
    self.pool = pool
    self.gauge = gauge
    self.count = count
  }

  public func run(_ stop: StopSignal) async throws {
    while !stop.isStopping {
      // Without an answer the last number stands; that the database is away is said elsewhere.
      if let count = try? await pool.withSession(count) { gauge.set(count) }
      _ = await stop.wait(atMost: .seconds(seconds))
    }
  }
}
