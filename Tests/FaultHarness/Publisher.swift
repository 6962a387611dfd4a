// Publishes the generator's records at a steady rate and sends again what got no report of success.
import Contracts
import Kafka
import Lifecycle
import Synchronization
import Telemetry

/// Publishes one run's stream. The input topics' logs say what was stored; reports only say what need not be sent again.
final class Publisher: Sendable {
  /// The header with a record's number.
  static let numberHeader = "n"
  /// Records on their way; the stream waits beyond that.
  static let unreportedMax = 20_000

  private struct State {
    var unreported: [UInt64: OutgoingRecord] = [:]
    var failed = false
    var published = 0
    var rebuilt = 0
  }
  private let state = Mutex(State())
  private let settings: KafkaSettings
  private let pauses: Pauses

  init(_ settings: KafkaSettings, _ pauses: Pauses) {
    self.settings = settings
    self.pauses = pauses
  }

  var published: Int { state.withLock { $0.published } }
  /// Producers made anew after a failure.
  var rebuilt: Int { state.withLock { $0.rebuilt } }

  private static func outgoing(_ record: InputRecord, _ number: Int) -> OutgoingRecord {
    OutgoingRecord(
      topic: record.stream == .orders ? Topics.ordersIn.name : Topics.customersIn.name, key: Array(record.key.utf8), value: Array(record.value.utf8),
      headers: [KafkaHeader(Header.inputSource, record.source), KafkaHeader(numberHeader, String(number))])
  }

  private func makeProducer() throws -> Producer {
    let producer = try Producer(settings, logger: .silent) { [self] report in
      state.withLock { state in
        switch report.result {
        case .success:
          state.unreported[report.token] = nil
          state.published += 1
        case .failure: state.failed = true
        }
      }
    }
    try producer.start()
    return producer
  }

  /// Makes and publishes `count` records. `mayGoOn` says how many may be out at this moment.
  func publish(_ generator: Generator, count: Int, perSecond: Int, mayGoOn: @escaping @Sendable () -> Int) async throws -> Generator {
    var generator = generator
    var producer = try makeProducer()
    var number = 0
    var allowance = 0.0
    var last = SystemTime.monotonicNanoseconds()
    while number < count || generator.hasMore || !state.withLock({ $0.unreported.isEmpty }) {
      if pauses.stop.isStopping { break }
      if state.withLock({ $0.failed }) || producer.fatalFailure != nil { producer = try await startAnew(producer) }
      let now = SystemTime.monotonicNanoseconds()
      // What could not be sent in time is not made up for in one burst.
      allowance = min(Double(perSecond) / 4, allowance + Double(perSecond) * Double(now - last) / 1e9)
      last = now
      let bound = min(count, mayGoOn())
      while number < bound || (number >= count && generator.hasMore), allowance >= 1, state.withLock({ $0.unreported.count }) < Publisher.unreportedMax {
        let record = Publisher.outgoing(generator.next(), number)
        let token = UInt64(number)
        state.withLock { $0.unreported[token] = record }
        number += 1
        allowance -= 1
        do throws(KafkaFailure) { try producer.enqueue(record, token: token) } catch {
          state.withLock { $0.failed = true }
          break
        }
      }
      await pauses.wait(milliseconds: 10)
    }
    _ = await producer.close(within: .seconds(10))
    return generator
  }

  /// A report that is not a success proves nothing: everything without one is sent again, in order.
  private func startAnew(_ former: Producer) async throws -> Producer {
    _ = await former.close(within: .seconds(1))
    let again = state.withLock { state in
      state.failed = false
      state.rebuilt += 1
      return state.unreported.sorted { $0.key < $1.key }
    }
    let producer = try makeProducer()
    for (token, record) in again {
      do throws(KafkaFailure) { try producer.enqueue(record, token: token) } catch {
        state.withLock { $0.failed = true }
        break
      }
    }
    return producer
  }
}
