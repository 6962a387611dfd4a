// The contracts of `in.contacts.v1`, `in.behaviours.v1` and `in.answers.v1`, read into a draft (K-01, P-10, F-01).
import Contracts
import Domain
import Handling
import Text

extension ContractReader {
  /// A field of one of the three, and whether a number may stand in the place of its text.
  private struct Place: Sendable {
    let key: StaticString
    let field: InteractionField
    var takesNumber = true
  }

  private static let contactPlaces = [
    Place(key: "kind", field: .kind, takesNumber: false), Place(key: "category", field: .category), Place(key: "reference", field: .reference),
    Place(key: "urgency", field: .urgency, takesNumber: false), Place(key: "text", field: .text, takesNumber: false),
    Place(key: "direction", field: .direction, takesNumber: false),
  ]
  private static let behaviourPlaces = [
    Place(key: "name", field: .name, takesNumber: false), Place(key: "item", field: .item), Place(key: "category", field: .category),
    Place(key: "count", field: .count), Place(key: "duration_seconds", field: .durationSeconds), Place(key: "value", field: .value),
    Place(key: "text", field: .text, takesNumber: false),
  ]
  private static let answerPlaces = [
    Place(key: "survey", field: .survey), Place(key: "survey_version", field: .surveyVersion), Place(key: "score", field: .score),
    Place(key: "metric", field: .metric, takesNumber: false), Place(key: "comment", field: .comment, takesNumber: false),
    Place(key: "ticket_id", field: .ticketID), Place(key: "item", field: .item),
  ]

  mutating func readInteraction(_ reader: inout JSONReader, _ kind: Draft.Kind) throws(JSONFault) {
    let (word, places) =
      switch kind {
      case .contact: ("contact", ContractReader.contactPlaces)
      case .behaviour: ("behaviour", ContractReader.behaviourPlaces)
      case .answer: ("answer", ContractReader.answerPlaces)
      case .order, .customer: ("", [])
      }
    var seen: UInt64 = 0
    try reader.beginObject("record")
    next: while let key = try reader.nextKey() {
      for (bit, place) in places.enumerated() where key.is(place.key) {
        try reader.once(&seen, bit, place.key)
        draft.details[place.field] = try text(&reader, place.field.rawValue, takesNumber: place.takesNumber)
        continue next
      }
      if key.is("type") {
        try reader.once(&seen, 50, "type")
        check(type: try text(&reader, "type"), is: word)
      } else if key.is("occurred_at") {
        try reader.once(&seen, 51, "occurred_at")
        draft.occurredAt = try time(&reader, "occurred_at")
      } else if key.is("channel") {
        try reader.once(&seen, 52, "channel")
        draft.channel = try text(&reader, "channel")
      } else if word != "behaviour", key.is("order_id") {
        try reader.once(&seen, 53, "order_id")
        draft.orderID = try text(&reader, "order_id", takesNumber: true)
      } else if word == "contact", key.is("attachments") {
        try reader.once(&seen, 54, "attachments")
        try readAttachments(&reader)
      } else if word == "answer", key.is("follow_ups") {
        try reader.once(&seen, 55, "follow_ups")
        try readFollowUps(&reader)
      } else {
        try readCommon(key, &reader, &seen)
      }
    }
  }

  private mutating func check(type: String?, is word: String) {
    guard let type, TextNormal.normal(type).lowercased() != word else { return }
    note("type", Rule.choice, "must be \(word) on this topic")
  }

  private mutating func readAttachments(_ reader: inout JSONReader) throws(JSONFault) {
    try readItems(&reader, "attachments", max: ContactEvent.attachmentsMax) { contract, reader, field throws(JSONFault) in
      if reader.peek() == .text {
        contract.draft.attachments.append(DraftAttachment(reference: try contract.text(&reader, field)))
        return
      }
      guard let (reference, name) = try contract.pair(&reader, field, "reference", "name") else { return }
      contract.draft.attachments.append(DraftAttachment(reference: reference, name: name))
    }
  }

  private mutating func readFollowUps(_ reader: inout JSONReader) throws(JSONFault) {
    try readItems(&reader, "follow_ups", max: AnswerEvent.followUpsMax) { contract, reader, field throws(JSONFault) in
      guard let (question, answer) = try contract.pair(&reader, field, "question", "answer") else { return }
      contract.draft.followUps.append(DraftFollowUp(question: question, answer: answer))
    }
  }

  /// An array with a bound; what is behind the bound, and what is no array, is noted and passed over.
  private mutating func readItems(
    _ reader: inout JSONReader, _ list: StaticString, max: Int,
    _ read: (inout ContractReader, inout JSONReader, String) throws(JSONFault) -> Void
  ) throws(JSONFault) {
    switch reader.peek() {
    case .null where reader.takeNull(): return
    case .array, .end, .other, .null: try reader.beginArray(list)
    case .object, .text, .number, .boolean:
      let place = try passed(&reader)
      return note("\(list)", Rule.type, "must be an array (byte \(place))")
    }
    var number = 0
    while try reader.nextItem() {
      defer { number += 1 }
      guard number < max else {
        if number == max { note("\(list)", Rule.tooMany, "at most \(max) are possible") }
        try reader.skip()
        continue
      }
      try read(&self, &reader, "\(list)[\(number)]")
    }
  }

  /// An object of two texts; nil, noted, for anything else.
  private mutating func pair(_ reader: inout JSONReader, _ field: String, _ first: StaticString, _ second: StaticString) throws(JSONFault)
    -> (String?, String?)?
  {
    guard reader.peek() == .object else {
      let place = try passed(&reader)
      note(field, Rule.type, "must be an object with \(first) and \(second) (byte \(place))")
      return nil
    }
    var found: (String?, String?) = (nil, nil)
    var seen: UInt64 = 0
    try reader.beginObject("record")
    while let key = try reader.nextKey() {
      if key.is(first) {
        try reader.once(&seen, 0, first)
        found.0 = try text(&reader, "\(field).\(first)", takesNumber: true)
      } else if key.is(second) {
        try reader.once(&seen, 1, second)
        found.1 = try text(&reader, "\(field).\(second)", takesNumber: true)
      } else {
        try reader.skip()
      }
    }
    return found
  }
}
