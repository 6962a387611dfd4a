// A file of rules together with what it says: services keep the text, so that what was decided by it can be explained later.

/// A file of rules with what it says.
public struct RuleFile<Content: Sendable>: Sendable {
  public let content: Content
  public let yaml: String
  /// Where it came from, for messages.
  public let source: String

  public init(content: Content, yaml: String, source: String) {
    self.content = content
    self.yaml = yaml
    self.source = source
  }

  public init(_ bytes: [UInt8], source: String, _ decode: ([UInt8], String) throws(DocumentFaults) -> Content) throws(DocumentFaults) {
    self.init(content: try decode(bytes, source), yaml: String(decoding: bytes, as: UTF8.self), source: source)
  }

  /// The file at a path; without one, what comes with the program.
  ///
  /// - Parameters:
  ///   - shipped: the path of what comes with the program.
  ///   - resource: its bytes.
  public init(
    at path: String?, shipped: String, _ resource: (String) -> [UInt8]?, _ decode: ([UInt8], String) throws(DocumentFaults) -> Content
  ) throws(DocumentFaults) {
    let bytes = if let path { try DocumentFile.read(path) } else { resource(shipped) ?? [] }
    try self.init(bytes, source: path ?? shipped, decode)
  }
}

/// A file says something else than the version of the same number that is registered.
public struct RuleChanged: Error, Sendable, CustomStringConvertible {
  public let rule: String
  public let source: String
  /// What the registered one was used for, as "ratings were made".
  public let use: String

  public init(rule: String, source: String, use: String) {
    self.rule = rule
    self.source = source
    self.use = use
  }

  public var description: String {
    "\(source) differs from the registered \(rule): \(use) by that one; raise the version in the file, or restore the file"
  }
}
