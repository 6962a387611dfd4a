// `ingest.contacts.v1` and `profile.contacts.v1`: one contact with a customer.
public import Domain
public import Text

extension ContactEvent {
  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writeContact(to: &writer)
    writer.key("identifiers")
    writeIdentifiers(identifiers, to: &writer)
    writeAttachments(to: &writer)
    writer.endObject()
  }

  /// What is said of it beside the persons.
  fileprivate func writeContact(to writer: inout JSONWriter) {
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
  }

  fileprivate func writeAttachments(to writer: inout JSONWriter) {
    guard !attachments.isEmpty else { return }
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

  public init(reading reader: inout JSONReader) throws(JSONFault) {
    var members = ContactMembers(), identifiers: [Identifier] = []
    var seen: UInt64 = 0
    try reader.beginObject("$")
    while let key = try reader.nextKey() {
      if try members.take(key, &seen, &reader) {
        continue
      } else if key.is("identifiers") {
        try reader.once(&seen, 11, "identifiers")
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

  fileprivate static func readAttachments(_ reader: inout JSONReader) throws(JSONFault) -> [Attachment] {
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

/// The members that every message about a contact has. They are the bits 0 to 10 and 12 of what was seen.
private struct ContactMembers {
  private var head = FactHead()
  private var direction: ContactEvent.Direction?
  private var channel = "", category = "", text = "", reference = ""
  private var kind: ContactEvent.Kind?
  private var urgency: ContactEvent.Urgency?
  private var orderID: String?
  private var attachments: [ContactEvent.Attachment] = []

  mutating func take(_ key: JSONText, _ seen: inout UInt64, _ reader: inout JSONReader) throws(JSONFault) -> Bool {
    if try head.take(key, &seen, &reader) {
      return true
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
    } else if key.is("attachments") {
      try reader.once(&seen, 12, "attachments")
      attachments = try ContactEvent.readAttachments(&reader)
    } else {
      return false
    }
    return true
  }

  /// The contact, without identifiers.
  func event(_ seen: UInt64, _ reader: inout JSONReader) throws(JSONFault) -> ContactEvent {
    try reader.require(seen, 0, "source")
    try reader.require(seen, 1, "event_id")
    guard let occurredAt = head.occurredAt else { throw reader.fault(.missing, "occurred_at") }
    guard let direction else { throw reader.fault(.missing, "direction") }
    return ContactEvent(
      source: head.source, eventID: head.eventID, occurredAt: occurredAt, direction: direction, channel: channel, kind: kind, category: category,
      urgency: urgency, text: text, reference: reference, orderID: orderID, attachments: attachments, identifiers: [])
  }
}

/// `profile.contacts.v1`: a contact and the customer it belongs to. Persons are named by the customer alone (K-01, S-02).
public struct CustomerContact: Hashable, Sendable {
  /// To whom the identity belonged when this was published.
  public var customer: CustomerID
  /// The identity it came in with: where that belongs later, `profile.moves.v1` says.
  public var identity: CustomerID
  /// Which of two owners of an identity is the later one: they only grow, here and on `profile.moves.v1`.
  public var version: Int64
  /// Without its identifiers.
  public var contact: ContactEvent

  public init(customer: CustomerID, identity: CustomerID, version: Int64, contact: ContactEvent) {
    self.customer = customer
    self.identity = identity
    self.version = version
    self.contact = contact
    self.contact.identifiers = []
  }

  /// The same however often it is published.
  public var eventID: String { "\(identity):\(contact.source):\(contact.eventID)" }

  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    CustomerMembers.write(customer, identity, version, to: &writer)
    contact.writeContact(to: &writer)
    contact.writeAttachments(to: &writer)
    writer.endObject()
  }

  public init(reading reader: inout JSONReader) throws(JSONFault) {
    var members = ContactMembers(), owner = CustomerMembers()
    var seen: UInt64 = 0
    try reader.beginObject("$")
    while let key = try reader.nextKey() {
      if try members.take(key, &seen, &reader) { continue }
      if try owner.take(key, &seen, &reader) { continue }
      try reader.skip()
    }
    try reader.finish()
    let contact = try members.event(seen, &reader)
    let (customer, identity, version) = try owner.values(seen, &reader)
    self.init(customer: customer, identity: identity, version: version, contact: contact)
  }
}
