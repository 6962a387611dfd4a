// `ingest.answers.v1` and `profile.answers.v1`: one answer to a survey.
public import Domain
public import Text

extension AnswerEvent {
  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writeAnswer(to: &writer)
    writer.key("identifiers")
    writeIdentifiers(identifiers, to: &writer)
    writeFollowUps(to: &writer)
    writer.endObject()
  }

  /// What is said of it beside the persons.
  fileprivate func writeAnswer(to writer: inout JSONWriter) {
    writeHead(source, eventID, occurredAt, to: &writer)
    writer.key("survey")
    writer.text(survey)
    writer.key("survey_version")
    writer.integer(surveyVersion)
    writer.key("metric")
    writer.text(metric.rawValue)
    writer.key("score")
    writer.integer(score)
    writeUnlessEmpty("comment", comment, to: &writer)
    writeUnlessEmpty("channel", channel, to: &writer)
    writeUnlessEmpty("ticket_id", ticketID ?? "", to: &writer)
    writeUnlessEmpty("order_id", orderID ?? "", to: &writer)
    writeUnlessEmpty("item", item, to: &writer)
  }

  fileprivate func writeFollowUps(to writer: inout JSONWriter) {
    guard !followUps.isEmpty else { return }
    writer.key("follow_ups")
    writer.beginArray()
    for followUp in followUps {
      writer.beginObject()
      writer.key("question")
      writer.text(followUp.question)
      writer.key("answer")
      writer.text(followUp.answer)
      writer.endObject()
    }
    writer.endArray()
  }

  public init(reading reader: inout JSONReader) throws(JSONFault) {
    var members = AnswerMembers(), identifiers: [Identifier] = []
    var seen: UInt64 = 0
    try reader.beginObject("$")
    while let key = try reader.nextKey() {
      if try members.take(key, &seen, &reader) {
        continue
      } else if key.is("identifiers") {
        try reader.once(&seen, 12, "identifiers")
        identifiers = try readIdentifiers(&reader)
      } else {
        try reader.skip()
      }
    }
    try reader.finish()
    self = try members.event(seen, &reader)
    guard !identifiers.isEmpty else { throw reader.fault(.missing, "identifiers") }
    self.identifiers = identifiers
  }

  fileprivate static func readFollowUps(_ reader: inout JSONReader) throws(JSONFault) -> [FollowUp] {
    var followUps: [FollowUp] = []
    try reader.beginArray("follow_ups")
    while try reader.nextItem() {
      guard followUps.count < followUpsMax else { throw reader.fault(.value, "follow_ups") }
      var followUp = FollowUp(question: "", answer: "")
      var seen: UInt64 = 0
      try reader.beginObject("follow_ups")
      while let key = try reader.nextKey() {
        if key.is("question") {
          try reader.once(&seen, 0, "follow_ups.question")
          followUp.question = try reader.text("follow_ups.question", bytesMax: ContractLimits.textBytesMax).string
        } else if key.is("answer") {
          try reader.once(&seen, 1, "follow_ups.answer")
          followUp.answer = try reader.text("follow_ups.answer", bytesMax: ContractLimits.longTextBytesMax).string
        } else {
          try reader.skip()
        }
      }
      try reader.require(seen, 0, "follow_ups.question")
      try reader.require(seen, 1, "follow_ups.answer")
      followUps.append(followUp)
    }
    return followUps
  }
}

/// The members that every message about an answer has. They are the bits 0 to 11 and 13 of what was seen.
private struct AnswerMembers {
  private var head = FactHead()
  private var survey = "", comment = "", channel = "", item = ""
  private var version: Int64 = 1
  private var metric: AnswerEvent.Metric?
  private var score: Int64?
  private var ticketID: String?, orderID: String?
  private var followUps: [AnswerEvent.FollowUp] = []

  mutating func take(_ key: JSONText, _ seen: inout UInt64, _ reader: inout JSONReader) throws(JSONFault) -> Bool {
    if try head.take(key, &seen, &reader) {
      return true
    } else if key.is("survey") {
      try reader.once(&seen, 3, "survey")
      survey = try reader.text("survey", bytesMax: ContractLimits.wordBytesMax).string
    } else if key.is("survey_version") {
      try reader.once(&seen, 4, "survey_version")
      version = try readInteger(&reader, "survey_version", in: 1...Int64.max)
    } else if key.is("metric") {
      try reader.once(&seen, 5, "metric")
      metric = try readChoice(&reader, "metric")
    } else if key.is("score") {
      try reader.once(&seen, 6, "score")
      score = try reader.integer("score")
    } else if key.is("comment") {
      try reader.once(&seen, 7, "comment")
      comment = try reader.text("comment", bytesMax: ContractLimits.longTextBytesMax).string
    } else if key.is("channel") {
      try reader.once(&seen, 8, "channel")
      channel = try reader.text("channel", bytesMax: ContractLimits.wordBytesMax).string
    } else if key.is("ticket_id") {
      try reader.once(&seen, 9, "ticket_id")
      ticketID = try reader.textOrNull("ticket_id", bytesMax: ContractLimits.idBytesMax)?.string
    } else if key.is("order_id") {
      try reader.once(&seen, 10, "order_id")
      orderID = try reader.textOrNull("order_id", bytesMax: ContractLimits.idBytesMax)?.string
    } else if key.is("item") {
      try reader.once(&seen, 11, "item")
      item = try reader.text("item", bytesMax: ContractLimits.idBytesMax).string
    } else if key.is("follow_ups") {
      try reader.once(&seen, 13, "follow_ups")
      followUps = try AnswerEvent.readFollowUps(&reader)
    } else {
      return false
    }
    return true
  }

  /// The answer, without identifiers.
  func event(_ seen: UInt64, _ reader: inout JSONReader) throws(JSONFault) -> AnswerEvent {
    for (bit, field) in [(0, "source"), (1, "event_id"), (3, "survey")] as [(Int, StaticString)] { try reader.require(seen, bit, field) }
    guard let occurredAt = head.occurredAt else { throw reader.fault(.missing, "occurred_at") }
    guard let metric else { throw reader.fault(.missing, "metric") }
    guard let score else { throw reader.fault(.missing, "score") }
    guard metric.scores.contains(score) else { throw reader.fault(.numberRange, "score") }
    return AnswerEvent(
      source: head.source, eventID: head.eventID, occurredAt: occurredAt, survey: survey, surveyVersion: version, metric: metric, score: score,
      comment: comment, channel: channel, ticketID: ticketID, orderID: orderID, item: item, followUps: followUps, identifiers: [])
  }
}

/// `profile.answers.v1`: an answer and the customer it belongs to. Persons are named by the customer alone (F-03, S-02).
public struct CustomerAnswer: Hashable, Sendable {
  /// To whom the identity belonged when this was published.
  public var customer: CustomerID
  /// The identity it came in with: where that belongs later, `profile.moves.v1` says.
  public var identity: CustomerID
  /// Which of two owners of an identity is the later one: they only grow, here and on `profile.moves.v1`.
  public var version: Int64
  /// Without its identifiers.
  public var answer: AnswerEvent

  public init(customer: CustomerID, identity: CustomerID, version: Int64, answer: AnswerEvent) {
    self.customer = customer
    self.identity = identity
    self.version = version
    self.answer = answer
    self.answer.identifiers = []
  }

  /// The same however often it is published.
  public var eventID: String { "\(identity):\(answer.source):\(answer.eventID)" }

  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    CustomerMembers.write(customer, identity, version, to: &writer)
    answer.writeAnswer(to: &writer)
    answer.writeFollowUps(to: &writer)
    writer.endObject()
  }

  public init(reading reader: inout JSONReader) throws(JSONFault) {
    var members = AnswerMembers(), owner = CustomerMembers()
    var seen: UInt64 = 0
    try reader.beginObject("$")
    while let key = try reader.nextKey() {
      if try members.take(key, &seen, &reader) { continue }
      if try owner.take(key, &seen, &reader) { continue }
      try reader.skip()
    }
    try reader.finish()
    let answer = try members.event(seen, &reader)
    let (customer, identity, version) = try owner.values(seen, &reader)
    self.init(customer: customer, identity: identity, version: version, answer: answer)
  }
}
