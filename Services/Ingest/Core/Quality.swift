// Data quality by source, stream, field and day: what came, what was refused, what was filled in, how late it was (I-07).
import Contracts
import Domain
import Handling
import Text

/// A field of the contract as quality counts it. The numbers are places in stored lists: new ones go to the end, none changes.
public enum QualityField: Int, CaseIterable, Hashable, Sendable {
  /// The record as a whole: its JSON, its mapping, its identity.
  case record = 0
  case source, eventID, orderID, reference, revision, occurredAt, paidAt, status, currency, amount, channel, customer
  case memberID, nationalIDHash, unionID, phone, email, openID, posCard, deviceID, external
  case name, gender, birthday, region, industry, lines
  case direction, kind, category, urgency, text, attachments
  case behaviourName, item, count, duration, value
  case survey, surveyVersion, metric, score, comment, ticketID, followUps
  /// Anything that has no place of its own.
  case other

  /// As the contract spells it.
  public var key: String {
    switch self {
    case .record: "record"
    case .source: "source"
    case .eventID: "event_id"
    case .orderID: "order_id"
    case .reference: "reference"
    case .revision: "revision"
    case .occurredAt: "occurred_at"
    case .paidAt: "paid_at"
    case .status: "status"
    case .currency: "currency"
    case .amount: "amount"
    case .channel: "channel"
    case .customer: "customer"
    case .memberID: "customer.member_id"
    case .nationalIDHash: "customer.national_id_hash"
    case .unionID: "customer.union_id"
    case .phone: "customer.phone"
    case .email: "customer.email"
    case .openID: "customer.open_id"
    case .posCard: "customer.pos_card"
    case .deviceID: "customer.device_id"
    case .external: "customer.external_id"
    case .name: "customer.name"
    case .gender: "customer.gender"
    case .birthday: "customer.birthday"
    case .region: "customer.region"
    case .industry: "customer.industry"
    case .lines: "lines"
    case .direction: "direction"
    case .kind: "kind"
    case .category: "category"
    case .urgency: "urgency"
    case .text: "text"
    case .attachments: "attachments"
    case .behaviourName: "name"
    case .item: "item"
    case .count: "count"
    case .duration: "duration_seconds"
    case .value: "value"
    case .survey: "survey"
    case .surveyVersion: "survey_version"
    case .metric: "metric"
    case .score: "score"
    case .comment: "comment"
    case .ticketID: "ticket_id"
    case .followUps: "follow_ups"
    case .other: "other"
    }
  }

  private static let byKey = Dictionary(uniqueKeysWithValues: allCases.map { ($0.key, $0) })

  /// The field that a fault is about: `lines[3].quantity` is `lines`, `total` is `amount`.
  init(fault field: String) {
    let list = field.firstIndex { $0 == "[" }.map { String(field[..<$0]) } ?? field
    let head = list.firstIndex { $0 == "." }.map { String(list[..<$0]) } ?? list
    self = list == "total" ? .amount : QualityField.byKey[list] ?? QualityField.byKey[head] ?? .other
  }

  init(_ kind: IdentifierKind) {
    switch kind {
    case .memberID: self = .memberID
    case .nationalIDHash: self = .nationalIDHash
    case .unionID: self = .unionID
    case .phone: self = .phone
    case .email: self = .email
    case .openID: self = .openID
    case .posCard: self = .posCard
    case .deviceID: self = .deviceID
    case .external: self = .external
    }
  }

  init(_ attribute: CustomerAttribute) {
    switch attribute {
    case .name: self = .name
    case .gender: self = .gender
    case .birthday: self = .birthday
    case .region: self = .region
    case .industry: self = .industry
    }
  }
}

/// The fields that an accepted record filled in, one bit each.
struct FilledFields {
  private(set) var bits: UInt64 = 0

  private mutating func add(_ field: QualityField, if isFilled: Bool = true) {
    if isFilled { bits |= 1 << UInt64(field.rawValue) }
  }

  init(_ fact: Fact) {
    for field in [QualityField.record, .source, .occurredAt] { add(field) }
    switch fact {
    case .order(let fact):
      add(.eventID, if: fact.hasOwnEventID)
      add(fact.event)
      add(fact.event.identifiers, fact.attributes)
    case .customer(let event):
      add(.eventID)
      add(event.identifiers, event.attributes)
    case .interaction(let fact):
      add(.eventID)
      add(fact.event.identifiers, fact.attributes)
      switch fact.event {
      case .contact(let event): add(event)
      case .behaviour(let event): add(event)
      case .answer(let event): add(event)
      }
    }
  }

  private mutating func add(_ identifiers: [Identifier], _ attributes: [CustomerAttribute: String]) {
    add(.customer, if: !identifiers.isEmpty)
    for identifier in identifiers { add(QualityField(identifier.kind)) }
    for attribute in attributes.keys { add(QualityField(attribute)) }
  }

  private mutating func add(_ event: OrderEvent) {
    add(.orderID, if: event.orderID != nil)
    add(.reference, if: !event.reference.isEmpty)
    add(.paidAt, if: event.paidAt != nil)
    add(.amount)
    add(.currency)
    add(.channel, if: !event.channel.isEmpty)
    add(.lines, if: !event.lines.isEmpty)
  }

  private mutating func add(_ event: ContactEvent) {
    add(.direction)
    add(.channel, if: !event.channel.isEmpty)
    add(.kind, if: event.kind != nil)
    add(.category, if: !event.category.isEmpty)
    add(.urgency, if: event.urgency != nil)
    add(.text, if: !event.text.isEmpty)
    add(.reference, if: !event.reference.isEmpty)
    add(.orderID, if: event.orderID != nil)
    add(.attachments, if: !event.attachments.isEmpty)
  }

  private mutating func add(_ event: BehaviourEvent) {
    add(.behaviourName)
    add(.count)
    add(.duration, if: event.durationSeconds != nil)
    add(.channel, if: !event.channel.isEmpty)
    add(.item, if: !event.item.isEmpty)
    add(.category, if: !event.category.isEmpty)
    add(.value, if: event.value != nil)
    add(.text, if: !event.text.isEmpty)
  }

  private mutating func add(_ event: AnswerEvent) {
    for field in [QualityField.survey, .surveyVersion, .metric, .score] { add(field) }
    add(.comment, if: !event.comment.isEmpty)
    add(.channel, if: !event.channel.isEmpty)
    add(.ticketID, if: event.ticketID != nil)
    add(.orderID, if: event.orderID != nil)
    add(.item, if: !event.item.isEmpty)
    add(.followUps, if: !event.followUps.isEmpty)
  }
}

/// Counts of one source and stream, of a batch or of a day.
public struct QualityCount: Hashable, Sendable {
  public var source: String
  /// `orders`, `contacts`...
  public var stream: String
  public var records: Int64 = 0
  public var accepted: Int64 = 0
  public var duplicates: Int64 = 0
  public var refused: Int64 = 0
  /// By ``QualityField``: accepted records that filled it in, and records refused for it.
  public var filled = [Int64](repeating: 0, count: QualityField.allCases.count)
  public var errors = [Int64](repeating: 0, count: QualityField.allCases.count)
  /// By ``latenessBounds``, with one place more for what is beyond: accepted records, those of imports left out.
  public var lateness = [Int64](repeating: 0, count: QualityCount.latenessBounds.count + 1)
  /// The latest of them, in seconds.
  public var latestSeconds: Int64 = 0

  public init(source: String, stream: String) {
    self.source = source
    self.stream = stream
  }

  /// Seconds from what happened to its arrival. The fourth is the ceiling.
  public static let latenessBounds: [Int64] = [1, 10, 60, 300, 3_600, 86_400]
  public static let latenessSecondsMax: Int64 = 300
  /// The ceiling of refused records: 3 in 1,000 (I-07).
  public static func isAboveCeiling(_ errors: Int64, of records: Int64) -> Bool { errors * 1_000 > records * 3 }

  /// Accepted records that came more than five minutes late.
  public var late: Int64 {
    zip(QualityCount.latenessBounds + [.max], lateness).reduce(0) { $0 + ($1.0 > QualityCount.latenessSecondsMax ? $1.1 : 0) }
  }

  /// Adds another count of the same source and stream.
  public mutating func add(_ other: QualityCount) {
    records += other.records
    accepted += other.accepted
    duplicates += other.duplicates
    refused += other.refused
    for place in filled.indices where other.filled.indices.contains(place) { filled[place] += other.filled[place] }
    for place in errors.indices where other.errors.indices.contains(place) { errors[place] += other.errors[place] }
    for place in lateness.indices where other.lateness.indices.contains(place) { lateness[place] += other.lateness[place] }
    latestSeconds = max(latestSeconds, other.latestSeconds)
  }

  mutating func accept(_ fact: Fact, at now: Instant, isImported: Bool) {
    var bits = FilledFields(fact).bits
    while bits != 0 {
      filled[bits.trailingZeroBitCount] += 1
      bits &= bits - 1
    }
    guard !isImported else { return }
    let seconds = max(0, (now.microseconds - fact.occurredAt.microseconds) / 1_000_000)
    lateness[QualityCount.latenessBounds.firstIndex { seconds <= $0 } ?? QualityCount.latenessBounds.count] += 1
    latestSeconds = max(latestSeconds, seconds)
  }

  /// Each field counts once for a record, however many faults it has.
  mutating func refuse(_ faults: [Fault]) {
    for field in Set(faults.map { QualityField(fault: $0.field) }) { errors[field.rawValue] += 1 }
  }
}

extension Fact {
  var occurredAt: Instant {
    switch self {
    case .order(let fact): fact.event.occurredAt
    case .customer(let event): event.occurredAt
    case .interaction(let fact): fact.event.occurredAt
    }
  }

  /// The public input it would have come by.
  var stream: InputStream {
    switch self {
    case .order: .orders
    case .customer: .customers
    case .interaction(let fact):
      switch fact.event {
      case .contact: .contacts
      case .behaviour: .behaviours
      case .answer: .answers
      }
    }
  }
}
