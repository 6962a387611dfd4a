// Contacts, behaviours and answers: what a customer does besides buying. They share their head and their home.

public enum InteractionEvent: Hashable, Sendable {
  case contact(ContactEvent)
  case behaviour(BehaviourEvent)
  case answer(AnswerEvent)

  public var source: String {
    switch self {
    case .contact(let event): event.source
    case .behaviour(let event): event.source
    case .answer(let event): event.source
    }
  }
  public var eventID: String {
    get {
      switch self {
      case .contact(let event): event.eventID
      case .behaviour(let event): event.eventID
      case .answer(let event): event.eventID
      }
    }
    set {
      switch self {
      case .contact(var event):
        event.eventID = newValue
        self = .contact(event)
      case .behaviour(var event):
        event.eventID = newValue
        self = .behaviour(event)
      case .answer(var event):
        event.eventID = newValue
        self = .answer(event)
      }
    }
  }
  public var occurredAt: Instant {
    switch self {
    case .contact(let event): event.occurredAt
    case .behaviour(let event): event.occurredAt
    case .answer(let event): event.occurredAt
    }
  }
  public var kindName: String {
    switch self {
    case .contact: "contact"
    case .behaviour: "behaviour"
    case .answer: "answer"
    }
  }
  /// Strongest first; the first is its home.
  public var identifiers: [Identifier] {
    switch self {
    case .contact(let event): event.identifiers
    case .behaviour(let event): event.identifiers
    case .answer(let event): event.identifiers
    }
  }
}

/// The fields that only contacts, behaviours or answers have, by their names in the contract and in mappings.
public enum InteractionField: String, CaseIterable, Hashable, Sendable {
  case kind, category, urgency, text, direction, reference
  /// Mappings only: the reference of one attachment. In the contract `attachments` is a list.
  case attachment
  case name, item, count, value
  case durationSeconds = "duration_seconds"
  case survey, metric, score, comment
  case surveyVersion = "survey_version"
  case ticketID = "ticket_id"

  public static let ofContact: [InteractionField] = [.kind, .category, .urgency, .text, .direction, .reference, .attachment]
  public static let ofBehaviour: [InteractionField] = [.name, .item, .category, .count, .durationSeconds, .value, .text]
  public static let ofAnswer: [InteractionField] = [.survey, .surveyVersion, .metric, .score, .comment, .ticketID, .item]
}
