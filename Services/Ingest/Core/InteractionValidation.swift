// Contacts, behaviours and answers, judged field by field (I-04).
import Contracts
import Domain
import Handling
import Text

extension Validation {
  /// What all three begin with. nil only with a fault.
  private struct Head {
    let source: String
    let eventID: String
    let occurredAt: Instant
    let identifiers: [Identifier]
    let attributes: [CustomerAttribute: String]
  }

  mutating func interaction(_ draft: Draft) -> InteractionFact? {
    let source = required(draft.source, "source", bytesMax: ContractLimits.wordBytesMax, draft)
    let eventID = required(draft.eventID, "event_id", bytesMax: IngestLimits.eventIDBytesMax, draft)
    let identifiers = identifiers(draft, isNeeded: true, source: source)
    let attributes = attributes(draft)
    let occurredAt = time(draft.occurredAt, "occurred_at", draft, isNeeded: true)
    let head: Head? =
      if let source, let eventID, let occurredAt {
        Head(source: source, eventID: eventID, occurredAt: occurredAt, identifiers: identifiers, attributes: attributes)
      } else { nil }
    let event: InteractionEvent? =
      switch draft.kind {
      case .contact: contact(draft, head).map(InteractionEvent.contact)
      case .behaviour: behaviour(draft, head).map(InteractionEvent.behaviour)
      case .answer: answer(draft, head).map(InteractionEvent.answer)
      case .order, .customer: nil
      }
    guard let event, faults.isEmpty else { return nil }
    return InteractionFact(event: event, attributes: attributes)
  }

  private mutating func contact(_ draft: Draft, _ head: Head?) -> ContactEvent? {
    let kind: ContactEvent.Kind? = choice(draft, .kind, Normalising.contactKind)
    let urgency: ContactEvent.Urgency? = choice(draft, .urgency, Normalising.urgency)
    let direction: ContactEvent.Direction? = choice(draft, .direction, Normalising.direction)
    let channel = channel(draft)
    let category = prose(draft.details[.category], "category", bytesMax: ContractLimits.textBytesMax) ?? ""
    let text = words(draft.details[.text], "text")
    let reference = optional(draft.details[.reference], "reference", bytesMax: ContractLimits.idBytesMax) ?? ""
    let orderID = optional(draft.orderID, "order_id", bytesMax: IngestLimits.orderIDBytesMax) ?? ""
    let attachments = attachments(draft)
    guard let head, faults.isEmpty else { return nil }
    return ContactEvent(
      source: head.source, eventID: head.eventID, occurredAt: head.occurredAt, direction: direction ?? .inbound, channel: channel, kind: kind,
      category: category, urgency: urgency, text: text, reference: reference, orderID: orderID.isEmpty ? nil : orderID, attachments: attachments,
      identifiers: head.identifiers)
  }

  private mutating func attachments(_ draft: Draft) -> [ContactEvent.Attachment] {
    var given = draft.attachments
    if let single = draft.details[.attachment] { given.append(DraftAttachment(reference: single)) }
    var attachments: [ContactEvent.Attachment] = []
    for (number, attachment) in given.enumerated() {
      let field = "attachments[\(number)]"
      let reference = required(attachment.reference, "\(field).reference", bytesMax: ContractLimits.textBytesMax, draft)
      let name = prose(attachment.name, "\(field).name", bytesMax: ContractLimits.textBytesMax) ?? ""
      if let reference { attachments.append(ContactEvent.Attachment(reference: reference, name: name)) }
    }
    return attachments
  }

  private mutating func behaviour(_ draft: Draft, _ head: Head?) -> BehaviourEvent? {
    let name = required(draft.details[.name].map(Normalising.behaviour), "name", bytesMax: ContractLimits.wordBytesMax, draft)
    let count = whole(draft, .count, in: BehaviourEvent.countRange)
    let duration = duration(draft)
    let value = whole(draft, .value, in: BehaviourEvent.valueRange)
    let channel = channel(draft)
    let item = optional(draft.details[.item], "item", bytesMax: ContractLimits.idBytesMax) ?? ""
    let category = prose(draft.details[.category], "category", bytesMax: ContractLimits.textBytesMax) ?? ""
    let text = words(draft.details[.text], "text")
    guard let head, let name, faults.isEmpty else { return nil }
    return BehaviourEvent(
      source: head.source, eventID: head.eventID, occurredAt: head.occurredAt, name: name, count: count ?? 1, durationSeconds: duration,
      channel: channel, item: item, category: category, value: value, text: text, identifiers: head.identifiers)
  }

  private mutating func answer(_ draft: Draft, _ head: Head?) -> AnswerEvent? {
    let survey = required(draft.details[.survey], "survey", bytesMax: ContractLimits.wordBytesMax, draft)
    let version = whole(draft, .surveyVersion, in: 1...Int64.max)
    let metric: AnswerEvent.Metric? = choice(draft, .metric, Normalising.metric)
    if metric == nil { miss(draft, .metric, "say nps, csat or ces") }
    let score = score(draft, metric)
    let comment = words(draft.details[.comment], "comment")
    let channel = channel(draft)
    let ticketID = optional(draft.details[.ticketID], "ticket_id", bytesMax: ContractLimits.idBytesMax) ?? ""
    let orderID = optional(draft.orderID, "order_id", bytesMax: IngestLimits.orderIDBytesMax) ?? ""
    let item = optional(draft.details[.item], "item", bytesMax: ContractLimits.idBytesMax) ?? ""
    let followUps = followUps(draft)
    guard let head, let survey, let metric, let score, faults.isEmpty else { return nil }
    return AnswerEvent(
      source: head.source, eventID: head.eventID, occurredAt: head.occurredAt, survey: survey, surveyVersion: version ?? 1, metric: metric,
      score: score, comment: comment, channel: channel, ticketID: ticketID.isEmpty ? nil : ticketID, orderID: orderID.isEmpty ? nil : orderID,
      item: item, followUps: followUps, identifiers: head.identifiers)
  }

  private mutating func score(_ draft: Draft, _ metric: AnswerEvent.Metric?) -> Int64? {
    // Without a metric no scale is known; that it is a number can still be seen.
    let score = whole(draft, .score, in: 0...10)
    guard let score else {
      miss(draft, .score, "without it this is no answer")
      return nil
    }
    guard let metric, !metric.scores.contains(score) else { return score }
    fault("score", Rule.range, "\(metric.rawValue) is answered by \(metric.scores.lowerBound) to \(metric.scores.upperBound)")
    return nil
  }

  private mutating func followUps(_ draft: Draft) -> [AnswerEvent.FollowUp] {
    var followUps: [AnswerEvent.FollowUp] = []
    for (number, given) in draft.followUps.enumerated() {
      let field = "follow_ups[\(number)]"
      let question = required(given.question, "\(field).question", bytesMax: ContractLimits.textBytesMax, draft)
      let answer = words(given.answer, "\(field).answer")
      // A question that was passed over says nothing.
      if let question, !answer.isEmpty { followUps.append(AnswerEvent.FollowUp(question: question, answer: answer)) }
    }
    return followUps
  }

  // MARK: - Single fields

  private mutating func channel(_ draft: Draft) -> String {
    optional(draft.channel.map(Normalising.channel), "channel", bytesMax: ContractLimits.wordBytesMax) ?? ""
  }

  /// One of our words for a source's; nil where the source says nothing, and, with a fault, where it says something else.
  private mutating func choice<Choice: CaseIterable & RawRepresentable<String>>(
    _ draft: Draft, _ field: InteractionField, _ find: (String) -> Choice?
  ) -> Choice? {
    guard let text = draft.details[field], !TextNormal.normal(text).isEmpty else { return nil }
    if let found = find(text) { return found }
    fault(field.rawValue, Rule.choice, "is none of " + Choice.allCases.map(\.rawValue).joined(separator: ", "))
    return nil
  }

  /// Says that a field is missing, unless something else was said about it.
  private mutating func miss(_ draft: Draft, _ field: InteractionField, _ detail: String) {
    guard draft.details[field].map({ TextNormal.normal($0).isEmpty }) ?? true, !draft.unreadable.contains(field.rawValue) else { return }
    fault(field.rawValue, Rule.missing, "is missing; \(detail)")
  }

  private mutating func whole(_ draft: Draft, _ field: InteractionField, in range: ClosedRange<Int64>) -> Int64? {
    guard let text = draft.details[field].map(TextNormal.trimmed), !text.isEmpty else { return nil }
    guard !text.utf8.dropFirst().contains(where: { !(0x30...0x39).contains($0) }), let first = text.utf8.first,
      (0x30...0x39).contains(first) || ((first == 0x2D || first == 0x2B) && text.utf8.count > 1)
    else {
      fault(field.rawValue, Rule.type, "must be a whole number")
      return nil
    }
    if let number = Int64(text), range.contains(number) { return number }
    let bounds = range.upperBound == .max ? "counts from \(range.lowerBound)" : "must lie between \(range.lowerBound) and \(range.upperBound)"
    fault(field.rawValue, Rule.range, bounds)
    return nil
  }

  /// Whole seconds; fractions are rounded half up.
  private mutating func duration(_ draft: Draft) -> Int64? {
    let field = InteractionField.durationSeconds
    guard let text = draft.details[field].map(TextNormal.trimmed), !text.isEmpty else { return nil }
    guard let seconds = try? ExactDecimal.parse(text).minorUnits(digits: 0) else {
      fault(field.rawValue, Rule.type, "must be a number of seconds, as 90 or 0.5")
      return nil
    }
    if BehaviourEvent.durationRange.contains(seconds) { return seconds }
    fault(field.rawValue, Rule.range, "must lie between 0 and \(BehaviourEvent.durationRange.upperBound) seconds")
    return nil
  }

  /// What somebody wrote: line breaks stay, every other control character is a blank.
  private mutating func words(_ text: String?, _ field: String) -> String {
    guard let text else { return "" }
    let value = TextNormal.normal(Normalising.lineBreaks(text))
    guard value.utf8.count <= ContractLimits.longTextBytesMax else {
      fault(field, Rule.length, "has \(value.utf8.count) bytes, at most \(ContractLimits.longTextBytesMax) are possible")
      return ""
    }
    return value
  }
}
