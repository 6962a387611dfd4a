// Topics, headers and event types: every name that goes over the wire, once.

/// A topic, who writes it and how its records are kept.
public struct Topic: Hashable, Sendable {
  public enum Keeping: Hashable, Sendable {
    /// Facts and requests: deleted by age.
    case delete
    /// Snapshots: the last record of a key stays.
    case compact
  }
  public let name: String
  public let keeping: Keeping

  public init(name: String, keeping: Keeping) {
    self.name = name
    self.keeping = keeping
  }
}

public enum Topics {
  /// Public inputs: any Kafka client writes them.
  public static let ordersIn = Topic(name: "in.orders.v1", keeping: .delete)
  public static let customersIn = Topic(name: "in.customers.v1", keeping: .delete)
  public static let contactsIn = Topic(name: "in.contacts.v1", keeping: .delete)
  public static let behavioursIn = Topic(name: "in.behaviours.v1", keeping: .delete)
  public static let answersIn = Topic(name: "in.answers.v1", keeping: .delete)
  /// Validated facts, written by ingest only.
  public static let orders = Topic(name: "ingest.orders.v1", keeping: .delete)
  public static let customers = Topic(name: "ingest.customers.v1", keeping: .delete)
  public static let contacts = Topic(name: "ingest.contacts.v1", keeping: .delete)
  public static let behaviours = Topic(name: "ingest.behaviours.v1", keeping: .delete)
  public static let answers = Topic(name: "ingest.answers.v1", keeping: .delete)
  /// Snapshots.
  public static let profiles = Topic(name: "profile.profiles.v1", keeping: .compact)
  public static let tiers = Topic(name: "tiering.tiers.v1", keeping: .compact)
  /// Merges of customers, announced (P-02).
  public static let merges = Topic(name: "profile.merges.v1", keeping: .delete)

  /// Contacts with the customer they belong to, and where an identity belongs once that has changed (K-01).
  public static let customerContacts = Topic(name: "profile.contacts.v1", keeping: .delete)
  /// Answers to surveys in the same way (F-03).
  public static let customerAnswers = Topic(name: "profile.answers.v1", keeping: .delete)
  public static let moves = Topic(name: "profile.moves.v1", keeping: .compact)
  /// Where customers are reached, for whoever sends (E-05).
  public static let addresses = Topic(name: "profile.addresses.v1", keeping: .compact)

  /// Snapshots of tickets, and what their clocks alarm people about (K-05).
  public static let tickets = Topic(name: "tickets.tickets.v1", keeping: .compact)
  public static let ticketAlerts = Topic(name: "tickets.alerts.v1", keeping: .delete)

  /// Answers that somebody has to get back to, as contacts with their customers (F-05).
  public static let feedbackContacts = Topic(name: "feedback.contacts.v1", keeping: .delete)
  /// Answers that were given on survey pages, for their customers' timelines (F-03, P-13).
  public static let pageAnswers = Topic(name: "feedback.answers.v1", keeping: .delete)
  /// Invitations to surveys that somebody is to bring to the customer (F-02).
  public static let surveySends = Topic(name: "feedback.sends.v1", keeping: .delete)
  /// Those of them that are wanted no longer (F-02).
  public static let surveyWithdrawals = Topic(name: "feedback.withdrawals.v1", keeping: .delete)
  /// What became of messages to customers (E-05).
  public static let outcomes = Topic(name: "connector.outcomes.v1", keeping: .delete)

  /// Where a consumer announces the records of a topic that it refused (I-05).
  public static func parked(_ consumer: String, _ topic: String) -> Topic { Topic(name: "\(consumer).\(topic).parked", keeping: .delete) }

  /// Every topic of the suite, in the order records flow.
  public static let all =
    InputStream.allCases.map(\.topic) + [orders, customers, contacts, behaviours, answers, profiles, merges, customerContacts, customerAnswers, moves]
    + [addresses, tiers, tickets, ticketAlerts, feedbackContacts, pageAnswers, surveySends, surveyWithdrawals, outcomes]
    + InputStream.allCases.map { parked("ingest", $0.topic.name) } + [
      parked("profile", orders.name), parked("profile", customers.name), parked("profile", contacts.name), parked("profile", behaviours.name),
      parked("profile", answers.name), parked("profile", pageAnswers.name),
    ] + ofTiering.map { parked("tiering", $0.name) } + ofTickets.map { parked("tickets", $0.name) } + ofFeedback.map { parked("feedback", $0.name) }
    + ofConnector.map { parked("connector", $0.name) }

  /// The facts that ingest publishes and profile reads.
  public static let facts = [orders, customers, contacts, behaviours, answers]

  /// What profile reads.
  public static let ofProfile = facts + [pageAnswers]

  /// What tiering reads: customers, and which complaints were upheld (T-06).
  public static let ofTiering = [profiles, tickets]

  /// What tickets reads.
  public static let ofTickets = [customerContacts, moves, tiers, feedbackContacts, customerAnswers]

  /// What feedback reads.
  public static let ofFeedback = [customerAnswers, moves, tiers, tickets, profiles, outcomes]

  /// What connector reads.
  public static let ofConnector = [addresses, moves, surveySends, surveyWithdrawals]
}

/// The public inputs, by the name that requests and commands know them by (I-02).
public enum InputStream: String, CaseIterable, Hashable, Sendable {
  case orders, customers, contacts, behaviours, answers

  public var topic: Topic {
    switch self {
    case .orders: Topics.ordersIn
    case .customers: Topics.customersIn
    case .contacts: Topics.contactsIn
    case .behaviours: Topics.behavioursIn
    case .answers: Topics.answersIn
    }
  }

  public init?(topic name: String) {
    guard let stream = InputStream.allCases.first(where: { $0.topic.name == name }) else { return nil }
    self = stream
  }
}

/// Header names. CloudEvents 1.0 attributes in binary mode, W3C trace context, and the suite's own.
public enum Header {
  public static let specVersion = "ce_specversion"
  public static let id = "ce_id"
  public static let source = "ce_source"
  public static let type = "ce_type"
  public static let time = "ce_time"
  public static let contentType = "content-type"
  public static let traceParent = "traceparent"
  /// The producing partition processor, and the number of this record among those it wrote to this partition.
  public static let lane = "lane"
  public static let sequence = "seq"
  /// Public inputs: the registered source, the mapping that reads the record, the import it belongs to, and of a file the number of
  /// its first line and how many lines the record stands for.
  public static let inputSource = "source"
  public static let mapping = "mapping"
  public static let importID = "import-id"
  public static let line = "line"
  public static let lines = "lines"
  /// Set when an operator sends a quarantined record again: the number it has in quarantine.
  public static let replayOf = "replay-of"
  /// Parked records: where they came from and why they were refused.
  public static let parkedTopic = "parked-topic"
  public static let parkedPartition = "parked-partition"
  public static let parkedOffset = "parked-offset"
  public static let parkedReasons = "parked-reasons"
  /// Size of key and value, where they are too large for the topic and only quarantine has them.
  public static let parkedBytes = "parked-bytes"
}

/// Event types, as in `ce_type`.
public enum EventType {
  public static let order = "clientele.ingest.order.v1"
  public static let customer = "clientele.ingest.customer.v1"
  public static let contact = "clientele.ingest.contact.v1"
  public static let behaviour = "clientele.ingest.behaviour.v1"
  public static let answer = "clientele.ingest.answer.v1"
  public static let profile = "clientele.profile.profile.v1"
  public static let merge = "clientele.profile.merge.v1"
  public static let customerContact = "clientele.profile.contact.v1"
  public static let customerAnswer = "clientele.profile.answer.v1"
  public static let feedbackContact = "clientele.feedback.contact.v1"
  public static let pageAnswer = "clientele.feedback.answer.v1"
  public static let surveySend = "clientele.feedback.send.v1"
  public static let surveyWithdrawal = "clientele.feedback.withdrawal.v1"
  public static let move = "clientele.profile.move.v1"
  public static let address = "clientele.profile.address.v1"
  public static let outcome = "clientele.connector.outcome.v1"
  public static let tier = "clientele.tiering.tier.v1"
  public static let ticket = "clientele.tickets.ticket.v1"
  public static let ticketAlert = "clientele.tickets.alert.v1"
  public static let parked = "clientele.parked.v1"
}
