// Brings messages to customers: takes those that are due, tries each by one way, notes how it ended. Any number of processes may do so at once.
import ConnectorCore
import ConnectorStore
import Contracts
import Documents
import Domain
import HTTP
import Handling
import Lifecycle
import Messaging
import Postgres
import Runtime
import Telemetry

struct Sender: Service {
  let settings: ConnectorSettings
  let zone: BusinessZone
  let clock: any BusinessClock
  let pool: PostgresPool
  let measures: ConnectorMeasures
  let logger: Logger
  let name = "sender"
  /// While the mail server is away, every message that waits would have a line of its own.
  private let limiter = LogLimiter(linesMax: 60, windowSeconds: 60)

  /// How often the first of the senders looks at the table while nothing is due, and how often the others do, in milliseconds.
  static let lookMilliseconds = 500
  static let idleMilliseconds = 2_000
  /// For an answer of the webhook.
  static let webhookMillisecondsMax = 30_000
  /// So long a stop waits for messages that are under way; what is not over then is tried again when its lease ends.
  static let stopMilliseconds = 5_000

  func run(_ stop: StopSignal) async throws {
    let ways = Ways(settings, measures, logger)
    await withTaskGroup(of: Bool.self) { group in
      for place in 0..<settings.senders {
        group.addTask {
          await self.work(place, ways, stop)
          return true
        }
      }
      group.addTask {
        await stop.wait()
        try? await Task.sleep(for: .milliseconds(Sender.stopMilliseconds))
        return false
      }
      var working = settings.senders
      for await isWorker in group {
        if isWorker { working -= 1 }
        if working == 0 || !isWorker { group.cancelAll() }
      }
    }
    await ways.close()
  }

  /// One message after the other.
  private func work(_ place: Int, _ ways: Ways, _ stop: StopSignal) async {
    var backoff = Backoff()
    while !stop.isStopping {
      do {
        let now = Sender.machineTime()
        // Where nothing can go anywhere nothing is taken.
        if let end = settings.rests.end(ofAll: settings.ways.all, at: now) {
          _ = await stop.wait(atMost: .milliseconds(min(Sender.idleMilliseconds, Int((end.microseconds - now.microseconds) / 1_000) + 1)))
          continue
        }
        let claimed = try await pool.transaction { try DeliveryQueries.claim(max: 1, at: now, $0) }
        backoff.reset()
        for one in claimed { await bring(one, ways, until: now.adding(seconds: DeliveryQueries.leaseSeconds)) }
        if claimed.isEmpty { _ = await stop.wait(atMost: .milliseconds(place == 0 ? Sender.lookMilliseconds : Sender.idleMilliseconds)) }
      } catch {
        if place == 0 { logger.warning("messages wait for the database", [.error: .describing(error)]) }
        _ = await stop.wait(atMost: .milliseconds(backoff.nextMilliseconds()))
      }
    }
  }

  /// Leases and pauses go by the machine's time: the business's may stand still.
  static func machineTime() -> Instant { Instant(microseconds: SystemTime.unixMicroseconds()) }

  /// One attempt, from the choice of the way until its end is noted.
  private func bring(_ claimed: ClaimedDelivery, _ ways: Ways, until lease: Instant) async {
    let delivery = claimed.delivery
    let expiresAt = delivery.request.expiresAt
    do {
      if let reason = claimed.withdrawn {
        return try await note(DeliveryQueries.Ending(delivery, .withdrawn(reason), .withdrawn(reason), way: nil, at: clock.now()), until: lease)
      }
      if clock.now() >= expiresAt {
        let verdict = AttemptVerdict.over(.undeliverable, reason: AttemptVerdict.expired)
        return try await note(DeliveryQueries.Ending(delivery, .later, verdict, way: nil, at: clock.now()), until: lease)
      }
      let route = Route.choose(channel: delivery.request.channel, addresses: claimed.addresses, ways: settings.ways)
      let trial: Ways.Trial
      switch try await ways.attempt(delivery, route, zone) {
      case .made(let made): trial = made
      case .resting(let until):
        _ = try await pool.transaction { try DeliveryQueries.release(delivery, until: until, $0) }
        return
      }
      // Given up by a stop: nobody knows how it ended, the lease does.
      if Task.isCancelled, trial.result == .later { return }
      measures.note(trial.result, trial.way)
      var left = claimed.addresses
      for place in left.indices where left[place].identity == trial.refused { left[place].bouncedAt = clock.now() }
      let other = Route.choose(channel: delivery.request.channel, addresses: left, ways: settings.ways)
      let (business, now) = (clock.now(), Sender.machineTime())
      // The link is over by the business's clock; the pause goes by the machine's.
      let verdict = AttemptVerdict.of(
        trial.result, attempts: delivery.attempts - delivery.attemptsBefore, hasOther: !other.isNone && other != route,
        isOver: { $0.microseconds - now.microseconds >= expiresAt.microseconds - business.microseconds }, at: now)
      if trial.result == .later {
        logger.log(
          .warning, limitedBy: limiter, "a message could not be sent yet",
          [
            "delivery": .string(delivery.id.description), "way": .string(trial.way?.rawValue ?? "-"), "code": .int(trial.code),
            .reason: .string(trial.problem),
          ])
      }
      let ending = DeliveryQueries.Ending(delivery, trial.result, verdict, way: trial.way, code: trial.code, refused: trial.refused, at: business)
      // In a task of its own: a stop must not keep from being noted what is known.
      try await Task { try await note(ending, until: lease) }.value
    } catch {
      // It is tried again when its lease is over.
      logger.error("an attempt to send a message could not be noted", ["delivery": .string(delivery.id.description), .error: .describing(error)])
    }
  }

  /// As long as the message is ours: a database that is away for a moment must not have it sent twice.
  private func note(_ ending: DeliveryQueries.Ending, until lease: Instant) async throws {
    var backoff = Backoff()
    while true {
      do {
        if try await pool.transaction({ try DeliveryQueries.end(ending, $0) }) { settings.lane.ring() }
        return
      } catch {
        let pause = backoff.nextMilliseconds()
        guard !Task.isCancelled, Sender.machineTime().adding(seconds: Int64(pause / 1_000) + 1) < lease else { throw error }
        logger.log(
          .warning, limitedBy: limiter, "what became of a message waits for the database",
          ["delivery": .string(ending.delivery.id.description), .error: .describing(error)])
        try await Task.sleep(for: .milliseconds(pause))
      }
    }
  }
}

extension Route {
  fileprivate var isNone: Bool { if case .none = self { true } else { false } }
}
