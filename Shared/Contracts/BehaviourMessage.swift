// `ingest.behaviours.v1`: one action of a customer that is neither an order nor a contact.
public import Domain
public import Text

extension BehaviourEvent {
  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writeHead(source, eventID, occurredAt, to: &writer)
    writer.key("name")
    writer.text(name)
    writer.key("count")
    writer.integer(count)
    if let durationSeconds {
      writer.key("duration_seconds")
      writer.integer(durationSeconds)
    }
    writeUnlessEmpty("channel", channel, to: &writer)
    writeUnlessEmpty("item", item, to: &writer)
    writeUnlessEmpty("category", category, to: &writer)
    if let value {
      writer.key("value")
      writer.integer(value)
    }
    writeUnlessEmpty("text", text, to: &writer)
    writer.key("identifiers")
    writeIdentifiers(identifiers, to: &writer)
    writer.endObject()
  }

  public init(reading reader: inout JSONReader) throws(JSONFault) {
    var head = FactHead(), name = "", count: Int64 = 1, duration: Int64?, channel = "", item = "", category = ""
    var value: Int64?, text = "", identifiers: [Identifier] = []
    var seen: UInt64 = 0
    try reader.beginObject("$")
    while let key = try reader.nextKey() {
      if try head.take(key, &seen, &reader) {
        continue
      } else if key.is("name") {
        try reader.once(&seen, 3, "name")
        name = try reader.text("name", bytesMax: ContractLimits.wordBytesMax).string
      } else if key.is("count") {
        try reader.once(&seen, 4, "count")
        count = try reader.integer("count")
        guard BehaviourEvent.countRange.contains(count) else { throw reader.fault(.numberRange, "count") }
      } else if key.is("duration_seconds") {
        try reader.once(&seen, 5, "duration_seconds")
        duration = try readInteger(&reader, "duration_seconds", in: BehaviourEvent.durationRange)
      } else if key.is("channel") {
        try reader.once(&seen, 6, "channel")
        channel = try reader.text("channel", bytesMax: ContractLimits.wordBytesMax).string
      } else if key.is("item") {
        try reader.once(&seen, 7, "item")
        item = try reader.text("item", bytesMax: ContractLimits.idBytesMax).string
      } else if key.is("category") {
        try reader.once(&seen, 8, "category")
        category = try reader.text("category", bytesMax: ContractLimits.textBytesMax).string
      } else if key.is("value") {
        try reader.once(&seen, 9, "value")
        value = try readInteger(&reader, "value", in: BehaviourEvent.valueRange)
      } else if key.is("text") {
        try reader.once(&seen, 10, "text")
        text = try reader.text("text", bytesMax: ContractLimits.longTextBytesMax).string
      } else if key.is("identifiers") {
        try reader.once(&seen, 11, "identifiers")
        identifiers = try readIdentifiers(&reader)
      } else {
        try reader.skip()
      }
    }
    try reader.finish()
    try reader.require(seen, 0, "source")
    try reader.require(seen, 1, "event_id")
    guard let occurredAt = head.occurredAt else { throw reader.fault(.missing, "occurred_at") }
    guard !name.isEmpty else { throw reader.fault(.missing, "name") }
    try reader.require(seen, 4, "count")
    guard !identifiers.isEmpty else { throw reader.fault(.missing, "identifiers") }
    self.init(
      source: head.source, eventID: head.eventID, occurredAt: occurredAt, name: name, count: count, durationSeconds: duration, channel: channel, item: item,
      category: category, value: value, text: text, identifiers: identifiers)
  }
}
