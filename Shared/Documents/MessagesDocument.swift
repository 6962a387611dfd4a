// The file of what messages to customers say, to the texts (E-05); docs/connector.md explains the file line by line.

public import Domain

public enum MessagesDocument {
  /// The file that comes with the programs.
  public static let shipped = "deploy/messages.yaml"

  /// Throws all faults of the file, each with its line.
  public static func decode(_ bytes: [UInt8], source: String, limits: DocumentLimits = .standard) throws(DocumentFaults) -> MessageTexts {
    var decoding = try DocumentDecoding(bytes, source: source, limits: limits)
    let texts = decoding.messages()
    return try decoding.finish(texts)
  }
}

extension DocumentDecoding {
  fileprivate mutating func messages() -> MessageTexts? {
    guard let root = rootFields(keys: ["messages", "author", "sender", "invitation", "reminder"]) else { return nil }
    let version = integer(root, "messages", in: 1...1_000_000)
    let author = text(root, "author", bytesMax: Scorecard.authorBytesMax)
    let sender = name(root, "sender")
    let (invitation, reminder) = (message(root, "invitation"), message(root, "reminder"))
    guard let version, let author, let sender, let invitation, let reminder else { return nil }
    do throws(ConfigurationFaults) {
      return try MessageTexts(version: version, author: author, sender: sender, invitation: invitation, reminder: reminder)
    } catch {
      add(error)
      return nil
    }
  }

  private mutating func message(_ root: DocumentFields, _ key: String) -> MessageTexts.Text? {
    guard let fields = required(root, key).flatMap({ self.fields($0, key, keys: ["subject", "body"]) }) else { return nil }
    let (subject, body) = (name(fields, "subject"), body(fields))
    guard let subject, let body else { return nil }
    return MessageTexts.Text(subject: subject, body: body)
  }

  private mutating func body(_ fields: DocumentFields) -> LocalizedName? {
    let path = join(fields.path, "body")
    guard let names = required(fields, "body").flatMap({ self.fields($0, path, keys: ["en", "zh"]) }) else { return nil }
    let (en, zh) = (text(names, "en", bytesMax: MessageTexts.bodyBytesMax), text(names, "zh", bytesMax: MessageTexts.bodyBytesMax))
    guard let en, let zh else { return nil }
    return LocalizedName(en: en, zh: zh)
  }
}
