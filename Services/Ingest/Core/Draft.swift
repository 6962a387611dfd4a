// A record in our words before anything in it has been judged: what contract records and mapped records have in common.
import Contracts
import Domain

/// A time as it was given.
enum DraftTime {
  /// With its own offset.
  case rfc3339(String)
  /// As a mapping says.
  case mapped(MappedTime)

  var text: String {
    switch self {
    case .rfc3339(let text): text
    case .mapped(let time): time.text
    }
  }
}

struct DraftIdentifier {
  var kind: IdentifierKind
  var value: String
  /// nil where the source does not say; then it counts as not verified.
  var isVerified: Bool?
}

struct DraftLine {
  var sku: String?
  var name: String?
  var quantity: String?
  var unitPrice: String?
  var amount: String?
  var category: String?
}

struct DraftAttachment {
  var reference: String?
  var name: String?
}

struct DraftFollowUp {
  var question: String?
  var answer: String?
}

struct Draft {
  enum Kind {
    case order(OrderEvent.Kind)
    case customer, contact, behaviour, answer

    /// What records of a public topic are, as long as they do not say it themselves.
    init(_ stream: InputStream) {
      switch stream {
      case .orders: self = .order(.order)
      case .customers: self = .customer
      case .contacts: self = .contact
      case .behaviours: self = .behaviour
      case .answers: self = .answer
      }
    }
  }
  var kind: Kind
  var source: String?
  var eventID: String?
  var orderID: String?
  var revision: String?
  var reference: String?
  var occurredAt: DraftTime?
  var paidAt: DraftTime?
  var status: String?
  /// nil: the base currency. An empty text: the source left the field empty.
  var currency: String?
  var isCurrencyStated = false
  var isInMinorUnits = false
  var amount: String?
  /// The amount's name in this record.
  var amountField = "amount"
  var channel: String?
  var identifiers: [DraftIdentifier] = []
  var attributes: [CustomerAttribute: String] = [:]
  var lines: [DraftLine] = []
  /// What only contacts, behaviours and answers have.
  var details: [InteractionField: String] = [:]
  var attachments: [DraftAttachment] = []
  var followUps: [DraftFollowUp] = []
  /// Fields that were there but could not be read: nothing more is said about them.
  var unreadable: Set<String> = []

  init(_ kind: Kind) { self.kind = kind }
}
