// Addresses, moves of identities, requests and what is wanted no longer in; results out.
import ConnectorCore
import ConnectorStore
import Contracts
import Domain
import Handling
import Hashing
import Kafka
import Messaging
import Telemetry
import Text

/// One record of any of the topics that this service reads.
enum ConnectorItem: Sendable {
  case address(CustomerAddress)
  case move(IdentityMove)
  case send(DeliveryID, SurveySend)
  case withdrawal(SurveyWithdrawal)
}

struct ConnectorHandler: RecordHandler {
  let measures: ConnectorMeasures
  let consumer = "connector"
  let hasLanes = true

  func read(_ record: borrowing BorrowedRecord, topic: String) -> Reading<ConnectorItem> {
    guard let value = record.value else { return .ignored }
    return ConnectorHandler.read(value, topic: topic)
  }

  static func read(_ value: UnsafeRawBufferPointer, topic: String) -> Reading<ConnectorItem> {
    do {
      var reader = JSONReader(value)
      switch topic {
      case Topics.addresses.name: return .item(.address(try CustomerAddress(reading: &reader)))
      case Topics.moves.name: return .item(.move(try IdentityMove(reading: &reader)))
      case Topics.surveyWithdrawals.name: return .item(.withdrawal(try SurveyWithdrawal(reading: &reader)))
      default:
        let request = try SurveySend(reading: &reader)
        return .item(.send(try id(of: request), request))
      }
    } catch { return .refused(because: error) }
  }

  /// The same for the same request, whoever reads it and whenever.
  static func id(of request: SurveySend) throws -> DeliveryID {
    DeliveryID(number: max(1, Int64(bitPattern: try Hasher256().digest(texts: ["survey send", request.eventID]).high >> 1)))
  }

  func apply(_ items: [ConnectorItem], _ kept: inout NothingKept, _ scope: inout BatchScope) throws -> [Refusal] {
    var store = PostgresConnectorStore(scope.session)
    // A partition belongs to one topic: only one of these has anything.
    let addresses = items.compactMap { item in if case .address(let address) = item { address } else { nil } }
    let moves = items.compactMap { item in if case .move(let move) = item { move } else { nil } }
    let now = scope.now
    let sends = items.compactMap { item in if case .send(let id, let request) = item { Delivery(id: id, request: request, askedAt: now) } else { nil } }
    let withdrawals = items.compactMap { item in if case .withdrawal(let withdrawal) = item { withdrawal } else { nil } }
    if !addresses.isEmpty { try ConnectorBatch.learn(addresses, &store) }
    if !moves.isEmpty { try ConnectorBatch.moved(moves, &store) }
    if !sends.isEmpty { measures.noteAsked(try ConnectorBatch.receive(sends, &store)) }
    if !withdrawals.isEmpty { try ConnectorBatch.withdraw(withdrawals, &store) }
    return []
  }
}

/// Tells what became of deliveries.
struct ConnectorDueHandler: DueHandler {
  private static let results: [Int16: DeliveryOutcome.Result] = [
    ConnectorWork.accepted: .accepted, ConnectorWork.delivered: .delivered, ConnectorWork.opened: .opened, ConnectorWork.bounced: .bounced,
    ConnectorWork.undeliverable: .undeliverable,
  ]
  let kinds = [ConnectorWork.accepted, ConnectorWork.delivered, ConnectorWork.opened, ConnectorWork.bounced, ConnectorWork.undeliverable].map { DueKind($0) }

  func apply(_ due: [DueItem], _ scope: inout BatchScope) throws -> [DueItem] {
    let found = try DeliveryQueries.records(Set(due.map { DeliveryID(number: $0.id) }).sorted(), scope.session)
    let records = Dictionary(found.map { ($0.delivery.id, $0) }) { first, _ in first }
    for item in due {
      guard let record = records[DeliveryID(number: item.id)], let result = ConnectorDueHandler.results[item.kind] else { continue }
      let request = record.delivery.request
      let outcome = DeliveryOutcome(
        delivery: CustomerID(number: item.id), result: result, kind: request.kind, invitation: request.invitation, customer: request.customer,
        way: record.way, reason: result == .bounced || result == .undeliverable ? record.reason : "", at: item.at)
      scope.send(
        OutgoingMessage(
          topic: Topics.outcomes.name, key: Array(request.customer.description.utf8), value: JSONWriter.bytes { outcome.write(to: &$0) },
          id: outcome.eventID, type: EventType.outcome, time: scope.now))
    }
    return []
  }
}

/// Metrics of messages. Work that is done again after a conflict counts again.
struct ConnectorMeasures: Sendable {
  private let asked: Counter
  private let ended: [AttemptKind: Counter]
  private let resting: [DeliveryOutcome.Way: Gauge]
  let waiting: Gauge

  private struct AttemptKind: Hashable {
    let way: String
    let result: String
  }

  private static let results: [AttemptResult] = [.accepted, .refusedAddress, .refusedMessage, .later, .noRoute(.noAddress), .noRoute(.noWay), .noRoute(.noLink)]
  private static let noWay = "none"

  init(_ metrics: Metrics) {
    asked = metrics.counter("clientele_deliveries_asked_total", help: "Messages that were to be brought to customers.")
    waiting = metrics.gauge("clientele_deliveries_waiting", help: "Messages that are not brought yet.")
    resting = Dictionary(
      uniqueKeysWithValues: DeliveryOutcome.Way.allCases.map { way in
        (way, metrics.gauge("clientele_delivery_way_resting", help: "1: nobody takes messages there just now, and they wait.", labels: ["way": way.rawValue]))
      })
    let ways = DeliveryOutcome.Way.allCases.map(\.rawValue) + [ConnectorMeasures.noWay]
    let kinds = ways.flatMap { way in ConnectorMeasures.results.map { AttemptKind(way: way, result: $0.word) } }
    ended = Dictionary(
      uniqueKeysWithValues: kinds.map { kind in
        (
          kind,
          metrics.counter("clientele_delivery_attempts_total", help: "Attempts to bring a message.", labels: ["way": kind.way, "result": kind.result])
        )
      })
  }

  func noteRest(of way: DeliveryOutcome.Way, _ isResting: Bool) { resting[way]?.set(isResting ? 1 : 0) }
  func noteAsked(_ count: Int) { asked.increment(by: count) }
  func note(_ result: AttemptResult, _ way: DeliveryOutcome.Way?) {
    ended[AttemptKind(way: way?.rawValue ?? ConnectorMeasures.noWay, result: result.word)]?.increment()
  }
}
