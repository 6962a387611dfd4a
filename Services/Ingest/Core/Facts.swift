// What a record becomes: validated facts with their identity (I-06).
public import Domain
public import Handling
import Hashing
import Contracts
public import Text

/// A fact about an order, and what its record told about the person besides.
public struct OrderFact: Hashable, Sendable {
  /// Identifiers strongest first; empty where only the order's home can tell.
  public var event: OrderEvent
  public var attributes: [CustomerAttribute: String]
  /// Whether the source named the event itself.
  public var hasOwnEventID: Bool

  public init(event: OrderEvent, attributes: [CustomerAttribute: String] = [:], hasOwnEventID: Bool) {
    self.event = event
    self.attributes = attributes
    self.hasOwnEventID = hasOwnEventID
  }
}

/// A contact, a behaviour or an answer, and what its record told about the person besides.
public struct InteractionFact: Hashable, Sendable {
  public var event: InteractionEvent
  public var attributes: [CustomerAttribute: String]

  public init(event: InteractionEvent, attributes: [CustomerAttribute: String] = [:]) {
    self.event = event
    self.attributes = attributes
  }
}

public enum Fact: Hashable, Sendable {
  case order(OrderFact)
  case customer(CustomerEvent)
  case interaction(InteractionFact)

  public var source: String {
    switch self {
    case .order(let fact): fact.event.source
    case .customer(let event): event.source
    case .interaction(let fact): fact.event.source
    }
  }
  public var eventID: String {
    switch self {
    case .order(let fact): fact.event.eventID
    case .customer(let event): event.eventID
    case .interaction(let fact): fact.event.eventID
    }
  }
}

/// What reading a record came to.
public enum Verdict: Hashable, Sendable {
  case fact(Fact)
  /// Left out because its mapping says so, with the reason.
  case skipped(reason: String)
  case refused([Fault])
}

/// Names facts and orders by hashes, and tells their contents apart. Belongs to one thread, for as long as a batch.
public final class FactHasher {
  private let hasher: Hasher256

  public init() throws { hasher = try Hasher256() }

  /// The natural key of a fact.
  func naturalKey(_ fact: Fact) throws -> Digest128 {
    switch fact {
    case .order(let fact):
      let event = fact.event
      return try hasher.digest(texts: [event.source, event.kind.name, event.orderID ?? "", event.reference, String(event.revision)])
    case .customer(let event): return try eventKey(event.source, event.eventID)
    case .interaction(let fact): return try eventKey(fact.event.source, fact.event.eventID)
    }
  }

  func eventKey(_ source: String, _ eventID: String) throws -> Digest128 { try hasher.digest(texts: [source, "event", eventID]) }

  func orderKey(_ source: String, _ orderID: String) throws -> Digest128 { try hasher.digest(texts: [source, orderID]) }

  /// A digest of all that was said, without the event id, which does not belong to the content, and without what our own rates made of it.
  func contentDigest(_ fact: Fact) throws -> Int64 {
    var writer = JSONWriter(capacityBytes: 1_024)
    switch fact {
    case .order(var fact):
      fact.event.eventID = ""
      fact.event.baseMinorUnits = 0
      fact.event.write(to: &writer)
    case .customer(var event):
      event.eventID = ""
      event.write(to: &writer)
    case .interaction(var fact):
      fact.event.eventID = ""
      fact.event.write(to: &writer)
    }
    var attributes = JSONWriter()
    let told: (at: Instant, attributes: [CustomerAttribute: String])? =
      switch fact {
      case .order(let fact): (fact.event.occurredAt, fact.attributes)
      case .interaction(let fact): (fact.event.occurredAt, fact.attributes)
      case .customer: nil
      }
    if let told, !told.attributes.isEmpty {
      CustomerEvent(source: "", eventID: "", occurredAt: told.at, identifiers: [], attributes: told.attributes).write(to: &attributes)
    }
    let digest = try writer.withUnsafeBytes { content in try attributes.withUnsafeBytes { try hasher.digest(parts: [content, $0]) } }
    return Int64(bitPattern: digest.high)
  }
}

extension InteractionEvent {
  /// The message that it is published as.
  public func write(to writer: inout JSONWriter) {
    switch self {
    case .contact(let event): event.write(to: &writer)
    case .behaviour(let event): event.write(to: &writer)
    case .answer(let event): event.write(to: &writer)
    }
  }
}
