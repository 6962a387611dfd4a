// A message that is to be brought to a customer, and how far that came (E-05).
public import Contracts
public import Domain

/// Sixteen hexadecimal digits, as shown to people. It follows from the request, so that a request that comes again finds itself here.
public struct DeliveryID: Hashable, Sendable, Comparable, CustomStringConvertible {
  public let number: Int64

  public init(number: Int64) { self.number = number }

  public init?(_ text: String) {
    guard let id = CustomerID(text) else { return nil }
    number = id.number
  }

  public var description: String { CustomerID(number: number).description }
  public static func < (left: DeliveryID, right: DeliveryID) -> Bool { left.number < right.number }
}

/// A request with its number.
public struct Delivery: Hashable, Sendable {
  public enum State: String, Hashable, Sendable, CaseIterable {
    /// It is tried, now or later.
    case waiting
    /// The mail server or the webhook took it over.
    case accepted
    /// It was refused for good.
    case bounced
    /// Nobody could be reached, or its time is over.
    case undeliverable
  }

  public let id: DeliveryID
  public let request: SurveySend
  /// To whom the customer of the request belongs by now.
  public var customer: CustomerID
  /// When the request came.
  public let askedAt: Instant
  public var state: State
  /// How often it was tried, the present time included.
  public var attempts: Int
  /// Those of them before a person let it be tried anew.
  public var attemptsBefore: Int
  /// When it is tried next, by the machine's time; nil: at once.
  public var dueAt: Instant?

  public init(
    id: DeliveryID, request: SurveySend, customer: CustomerID? = nil, askedAt: Instant, state: State = .waiting, attempts: Int = 0, attemptsBefore: Int = 0,
    dueAt: Instant? = nil
  ) {
    self.id = id
    self.request = request
    self.customer = customer ?? request.customer
    self.askedAt = askedAt
    self.state = state
    self.attempts = attempts
    self.attemptsBefore = attemptsBefore
    self.dueAt = dueAt
  }
}

/// An address of a customer, as far as it is known here.
public struct KnownAddress: Hashable, Sendable {
  public let identity: CustomerID
  public var customer: CustomerID
  public let kind: AddressKind
  public let value: String
  public var isVerified: Bool
  public var isShared: Bool
  public var firstSeenAt: Instant
  /// When somebody refused it for good; nothing more is sent there.
  public var bouncedAt: Instant?

  public init(
    identity: CustomerID, customer: CustomerID, kind: AddressKind, value: String, isVerified: Bool, isShared: Bool = false, firstSeenAt: Instant,
    bouncedAt: Instant? = nil
  ) {
    self.identity = identity
    self.customer = customer
    self.kind = kind
    self.value = value
    self.isVerified = isVerified
    self.isShared = isShared
    self.firstSeenAt = firstSeenAt
    self.bouncedAt = bouncedAt
  }

  public var isUsable: Bool { !isShared && bouncedAt == nil }
}
