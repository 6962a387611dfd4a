// `ingest.contacts.v1`: one contact with a customer.
public import Domain
public import Text

extension ContactEvent {
  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writeHead(source, eventID, occurredAt, to: &writer)
    writer.key("direction")
    writer.text(direction.rawValue)
    writeUnlessEmpty("channel", channel, to: &writer)
    writeUnlessEmpty("kind", kind?.rawValue ?? "", to: &writer)
    writeUnlessEmpty("category", category, to: &writer)
    writeUnlessEmpty("urgency", urgency?.rawValue ?? "", to: &writer)
    writeUnlessEmpty("text", text, to: &writer)
    writeUnlessEmpty("reference", reference, to: &writer)
    writeUnlessEmpty("order_id", orderID ?? "", to: &writer)
    writer.key("identifiers")
    writeIdentifiers(identifiers, to: &writer)
    if !attachments.isEmpty {
      writer.key("attachments")
      writer.beginArray()
      for attachment in attachments {
        writer.beginObject()
        writer.key("reference")
        writer.text(attachment.reference)
        writeUnlessEmpty("name", attachment.name, to: &writer)
        writer.endObject()
      }
      writer.endArray()
    }
    writer.endObject()
  }

  public init(reading reader: inout JSONReader) throws(JSONFault) {
    var head = FactHead(), direction: Direction?, channel = "", kind: Kind?, category = "", urgency: Urgency?
    var text = "", reference = "", orderID: String?, attachments: [Attachment] = [], identifiers: [Identifier] = []
    var seen: UInt64 = 0
    try reader.beginObject("$")
    while let key = try reader.nextKey() {
      if try head.take(key, &seen, &reader) {
        continue
      } else if key.is("direction") {
        try reader.once(&seen, 3, "direction")
        direction = try readChoice(&reader, "direction")
      } else if key.is("channel") {
        try reader.once(&seen, 4, "channel")
        channel = try reader.text("channel", bytesMax: ContractLimits.wordBytesMax).string
      } else if key.is("kind") {
        try reader.once(&seen, 5, "kind")
        kind = try readChoice(&reader, "kind")
      } else if key.is("category") {
        try reader.once(&seen, 6, "category")
        category = try reader.text("category", bytesMax: ContractLimits.textBytesMax).string
      } else if key.is("urgency") {
        try reader.once(&seen, 7, "urgency")
        urgency = try readChoice(&reader, "urgency")
      } else if key.is("text") {
        try reader.once(&seen, 8, "text")
        text = try reader.text("text", bytesMax: ContractLimits.longTextBytesMax).string
      } else if key.is("reference") {
        try reader.once(&seen, 9, "reference")
        reference = try reader.text("reference", bytesMax: ContractLimits.idBytesMax).string
      } else if key.is("order_id") {
        try reader.once(&seen, 10, "order_id")
        orderID = try reader.textOrNull("order_id", bytesMax: ContractLimits.idBytesMax)?.string
      } else if key.is("identifiers") {
        try reader.once(&seen, 11, "identifiers")
        identifiers = try readIdentifiers(&reader)
      } else if key.is("attachments") {
        try reader.once(&seen, 12, "attachments")
        attachments = try ContactEvent.readAttachments(&reader)
      } else {
        try reader.skip()
      }
    }
    try reader.finish()
    try reader.require(seen, 0, "source")
    try reader.require(seen, 1, "event_id")
    guard let occurredAt = head.occurredAt else { throw reader.fault(.missing, "occurred_at") }
    guard let direction else { throw reader.fault(.missing, "direction") }
    guard !identifiers.isEmpty else { throw reader.fault(.missing, "identifiers") }
    self.init(
      source: head.source, eventID: head.eventID, occurredAt: occurredAt, direction: direction, channel: channel, kind: kind, category: category,
      urgency: urgency, text: text, reference: reference, orderID: orderID, attachments: attachments, identifiers: identifiers)
  }

  private static func readAttachments(_ reader: inout JSONReader) throws(JSONFault) -> [Attachment] {
    var attachments: [Attachment] = []
    try reader.beginArray("attachments")
    while try reader.nextItem() {
      guard attachments.count < ContactEvent.attachmentsMax else { throw reader.fault(.value, "attachments") }
      var attachment = Attachment(reference: "")
      var seen: UInt64 = 0
      try reader.beginObject("attachments")
      while let key = try reader.nextKey() {
        if key.is("reference") {
          try reader.once(&seen, 0, "attachments.reference")
          attachment.reference = try reader.text("attachments.reference", bytesMax: ContractLimits.textBytesMax).string
        } else if key.is("name") {
          try reader.once(&seen, 1, "attachments.name")
          attachment.name = try reader.text("attachments.name", bytesMax: ContractLimits.textBytesMax).string
        } else {
          try reader.skip()
        }
      }
      try reader.require(seen, 0, "attachments.reference")
      attachments.append(attachment)
    }
    return attachments
  }
}
