/// What a source said happened to an order: validated, normalised, in the base currency (I-04). A fact: it has a natural key
/// and is applied once.
public struct OrderEvent: Hashable, Sendable {
  public enum Kind: Int16, Sendable, CaseIterable {
    /// The order itself, whole, at a revision. A higher revision replaces a lower one.
    case order = 1
    /// Money received for an order. Payments given one by one stand in place of the order's own `paidAt`.
    case payment = 2
    /// Money given back, for an order or (a credit note) for none.
    case refund = 3
    /// The order will not be fulfilled: what is still paid for it is given back on that day.
    case cancellation = 4

    public var name: String {
      switch self {
      case .order: "order"
      case .payment: "payment"
      case .refund: "refund"
      case .cancellation: "cancellation"
      }
    }
    public init?(name: String) {
      guard let kind = Kind.allCases.first(where: { $0.name == name }) else { return nil }
      self = kind
    }
  }

  public var kind: Kind
  /// Who says so: the name of a registered source (I-01).
  public var source: String
  /// Unique within the source; what I-06 calls the event id.
  public var eventID: String
  /// nil only for a refund that belongs to no order.
  public var orderID: String?
  /// Counted by the source; 1 when it does not count. Orders only.
  public var revision: Int64
  /// The payment's or refund's own id; empty for orders and cancellations.
  public var reference: String
  /// When it happened: ordered, paid, refunded, cancelled.
  public var occurredAt: Instant
  /// Orders only: when it was paid in full, nil when it was not, or when payments come on their own.
  public var paidAt: Instant?
  /// As the source gave it.
  public var money: Money
  /// The same in minor units of the suite's base currency.
  public var baseMinorUnits: Int64
  public var channel: String
  /// Identifiers of the customer, none twice. The first is the order's home: the one its facts are kept under, the same for
  /// every event of an order; the others follow, strongest first. Empty only before ingest has found the order's home.
  public var identifiers: [Identifier]
  public var lines: [OrderLine]

  public init(
    kind: Kind, source: String, eventID: String, orderID: String?, revision: Int64 = 1, reference: String = "", occurredAt: Instant,
    paidAt: Instant? = nil, money: Money, baseMinorUnits: Int64, channel: String = "", identifiers: [Identifier], lines: [OrderLine] = []
  ) {
    self.kind = kind
    self.source = source
    self.eventID = eventID
    self.orderID = orderID
    self.revision = revision
    self.reference = reference
    self.occurredAt = occurredAt
    self.paidAt = paidAt
    self.money = money
    self.baseMinorUnits = baseMinorUnits
    self.channel = channel
    self.identifiers = identifiers
    self.lines = lines
  }

  /// Lines of one order.
  public static let linesMax = 5_000
}

/// One line of an order.
public struct OrderLine: Hashable, Sendable {
  public var sku: String
  public var name: String
  /// Decimal text as the source gave it, checked.
  public var quantity: String
  /// Minor units of the order's currency, quantity included.
  public var minorUnits: Int64
  public var category: String

  public init(sku: String, name: String = "", quantity: String = "1", minorUnits: Int64, category: String = "") {
    self.sku = sku
    self.name = name
    self.quantity = quantity
    self.minorUnits = minorUnits
    self.category = category
  }
}
