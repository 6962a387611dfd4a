// Looks at database and broker from time to time, so that their absence is a figure and not only a line in the log.
import Contracts
import Kafka
import Lifecycle
import Postgres
import Telemetry

/// Sets `clientele_dependency_up` for the database and the broker. It decides nothing: whoever needs them waits for them by itself.
struct DependencyWatch: Service {
  /// Pause between two looks.
  static let pause: Duration = .seconds(5)
  /// Time for one answer of the broker, milliseconds.
  static let answerMillisecondsMax = 3_000

  private static let question = Statement(name: "dependency_watch", sql: "SELECT 1")

  private let context: ServiceContext
  private let database: Gauge
  /// nil for a service without topics.
  private let broker: Gauge?
  var name: String { "dependency watch" }

  init(_ context: ServiceContext, usesTopics: Bool) {
    self.context = context
    func gauge(_ dependency: String) -> Gauge {
      context.metrics.gauge(
        "clientele_dependency_up", help: "1 when the dependency answered the last time it was asked.", labels: ["dependency": dependency])
    }
    database = gauge("database")
    broker = usesTopics ? gauge("broker") : nil
  }

  func run(_ stop: StopSignal) async throws {
    let probe = try broker.map { _ in try KafkaProbe(context.settings.kafka, limitMilliseconds: DependencyWatch.answerMillisecondsMax) }
    while !stop.isStopping {
      async let first = databaseAnswers()
      if let probe, let broker { broker.set(await DependencyWatch.brokerAnswers(probe) ? 1 : 0) }
      database.set(Int64(await first ? 1 : 0))
      _ = await stop.wait(atMost: DependencyWatch.pause)
    }
    probe?.close()
  }

  private func databaseAnswers() async -> Bool {
    (try? await context.pool.withSession { try $0.query(DependencyWatch.question).count }) == 1
  }

  /// A refusal is an answer too: a broker that says no is not away.
  private static func brokerAnswers(_ probe: KafkaProbe) async -> Bool {
    let outcome = try? await OwnedThread.value(name: "broker-watch") { () -> Result<Int32, KafkaFailure> in
      do throws(KafkaFailure) { return .success(try probe.partitionCount(Topics.ordersIn.name)) } catch { return .failure(error) }
    }
    switch outcome {
    case .success: return true
    case .failure(let failure): return failure.code > 0
    case nil: return false
    }
  }
}
