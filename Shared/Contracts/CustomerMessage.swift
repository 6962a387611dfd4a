// `ingest.customers.v1`: one registration or change of what is known about a person.
public import Domain
public import Text

extension CustomerEvent {
  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writeHead(source, eventID, occurredAt, to: &writer)
    writer.key("identifiers")
    writeIdentifiers(identifiers, to: &writer)
    writer.key("attributes")
    writer.beginObject()
    for (attribute, value) in attributes.sorted(by: { $0.key < $1.key }) {
      writer.key(attribute.key)
      writer.text(value)
    }
    writer.endObject()
    writer.endObject()
  }

  public init(reading reader: inout JSONReader) throws(JSONFault) {
    var head = FactHead(), identifiers: [Identifier] = [], attributes: [CustomerAttribute: String] = [:]
    var seen: UInt64 = 0
    try reader.beginObject("$")
    while let key = try reader.nextKey() {
      if try head.take(key, &seen, &reader) {
        continue
      } else if key.is("identifiers") {
        try reader.once(&seen, 3, "identifiers")
        identifiers = try readIdentifiers(&reader)
      } else if key.is("attributes") {
        try reader.once(&seen, 4, "attributes")
        attributes = try CustomerEvent.readAttributes(&reader)
      } else {
        try reader.skip()
      }
    }
    try reader.finish()
    try reader.require(seen, 0, "source")
    try reader.require(seen, 1, "event_id")
    guard let occurredAt = head.occurredAt else { throw reader.fault(.missing, "occurred_at") }
    guard !identifiers.isEmpty else { throw reader.fault(.missing, "identifiers") }
    self.init(source: head.source, eventID: head.eventID, occurredAt: occurredAt, identifiers: identifiers, attributes: attributes)
  }

  private static func readAttributes(_ reader: inout JSONReader) throws(JSONFault) -> [CustomerAttribute: String] {
    var attributes: [CustomerAttribute: String] = [:]
    try reader.beginObject("attributes")
    while let key = try reader.nextKey() {
      guard let attribute = CustomerAttribute(key: key.string) else {
        try reader.skip()
        continue
      }
      guard attributes[attribute] == nil else { throw reader.fault(.duplicateKey, "attributes") }
      attributes[attribute] = try reader.text("attributes", bytesMax: ContractLimits.textBytesMax).string
    }
    return attributes
  }
}
