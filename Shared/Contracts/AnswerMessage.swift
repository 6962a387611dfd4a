// `ingest.answers.v1`: one answer to a survey.
public import Domain
public import Text

extension AnswerEvent {
  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
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
    writer.key("identifiers")
    writeIdentifiers(identifiers, to: &writer)
    if !followUps.isEmpty {
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
    writer.endObject()
  }

  public init(reading reader: inout JSONReader) throws(JSONFault) {
    var head = FactHead(), survey = "", version: Int64 = 1, metric: Metric?, score: Int64?, comment = "", channel = ""
    var ticketID: String?, orderID: String?, item = "", followUps: [FollowUp] = [], identifiers: [Identifier] = []
    var seen: UInt64 = 0
    try reader.beginObject("$")
    while let key = try reader.nextKey() {
      if try head.take(key, &seen, &reader) {
        continue
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
      } else if key.is("identifiers") {
        try reader.once(&seen, 12, "identifiers")
        identifiers = try readIdentifiers(&reader)
      } else if key.is("follow_ups") {
        try reader.once(&seen, 13, "follow_ups")
        followUps = try AnswerEvent.readFollowUps(&reader)
      } else {
        try reader.skip()
      }
    }
    try reader.finish()
    for (bit, field) in [(0, "source"), (1, "event_id"), (3, "survey")] as [(Int, StaticString)] { try reader.require(seen, bit, field) }
    guard let occurredAt = head.occurredAt else { throw reader.fault(.missing, "occurred_at") }
    guard let metric else { throw reader.fault(.missing, "metric") }
    guard let score else { throw reader.fault(.missing, "score") }
    guard metric.scores.contains(score) else { throw reader.fault(.numberRange, "score") }
    guard !identifiers.isEmpty else { throw reader.fault(.missing, "identifiers") }
    self.init(
      source: head.source, eventID: head.eventID, occurredAt: occurredAt, survey: survey, surveyVersion: version, metric: metric, score: score,
      comment: comment, channel: channel, ticketID: ticketID, orderID: orderID, item: item, followUps: followUps, identifiers: identifiers)
  }

  private static func readFollowUps(_ reader: inout JSONReader) throws(JSONFault) -> [FollowUp] {
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
