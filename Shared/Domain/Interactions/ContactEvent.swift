// A contact with a customer over any channel (K-01, P-05, P-13).

/// One message, call or visit in which a customer and the business spoke: validated, normalised. A fact.
public struct ContactEvent: Hashable, Sendable {
  /// What it is about (K-01).
  public enum Kind: String, Hashable, Sendable, CaseIterable {
    case question, fault, complaint
    case changeRequest = "change_request"
    case suggestion
    case tailoredNeed = "tailored_need"
    case delivery
  }

  /// How bad it is for the customer, worst first (K-02).
  public enum Urgency: String, Hashable, Sendable, CaseIterable {
    case systemDown = "system_down"
    case blocked, degraded, question
  }

  /// Who spoke.
  public enum Direction: String, Hashable, Sendable, CaseIterable {
    /// The customer.
    case inbound
    /// The business.
    case outbound
  }

  /// A file that came with a contact, by reference: the suite never holds its content.
  public struct Attachment: Hashable, Sendable {
    /// Where it can be had: an address, or the key in the source's own store.
    public var reference: String
    public var name: String

    public init(reference: String, name: String = "") {
      self.reference = reference
      self.name = name
    }
  }

  public var source: String
  /// Unique within the source (I-06).
  public var eventID: String
  public var occurredAt: Instant
  public var direction: Direction
  public var channel: String
  /// nil: nobody has sorted it yet.
  public var kind: Kind?
  /// The source's own word for the subject; empty where it has none.
  public var category: String
  /// nil: not judged.
  public var urgency: Urgency?
  /// What was said, line breaks included; empty where only the contact itself is known, as of a call.
  public var text: String
  /// The conversation, call or ticket of the source that it belongs to; contacts with the same one are one conversation.
  public var reference: String
  /// The order that it is about; nil when it is about none, or nobody says.
  public var orderID: String?
  public var attachments: [Attachment]
  /// Strongest first, none twice, never empty.
  public var identifiers: [Identifier]

  public init(
    source: String, eventID: String, occurredAt: Instant, direction: Direction = .inbound, channel: String = "", kind: Kind? = nil,
    category: String = "", urgency: Urgency? = nil, text: String = "", reference: String = "", orderID: String? = nil,
    attachments: [Attachment] = [], identifiers: [Identifier]
  ) {
    self.source = source
    self.eventID = eventID
    self.occurredAt = occurredAt
    self.direction = direction
    self.channel = channel
    self.kind = kind
    self.category = category
    self.urgency = urgency
    self.text = text
    self.reference = reference
    self.orderID = orderID
    self.attachments = attachments
    self.identifiers = identifiers
  }

  /// Attachments of one contact.
  public static let attachmentsMax = 20
}
