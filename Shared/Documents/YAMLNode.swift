// A YAML document as a tree of texts: what the reader makes and the decoders take apart.

/// A value with its place in the file. Lines and columns count from 1, columns in Unicode scalars.
public struct YAMLNode: Hashable, Sendable {
  public enum Content: Hashable, Sendable {
    /// `isPlain`: written without quotes. Only then can the text be a number or a truth value.
    case scalar(String, isPlain: Bool)
    case sequence([YAMLNode])
    /// In the file's order; no key twice.
    case mapping([YAMLEntry])
  }
  public let content: Content
  public let line: Int
  public let column: Int

  public init(_ content: Content, line: Int, column: Int) {
    self.content = content
    self.line = line
    self.column = column
  }

  /// A mapping's value; nil for an absent key and for a node that is no mapping.
  public subscript(key: String) -> YAMLNode? {
    guard case .mapping(let entries) = content else { return nil }
    return entries.first { $0.key == key }?.value
  }
}

public struct YAMLEntry: Hashable, Sendable {
  public let key: String
  /// Where the key stands.
  public let line: Int
  public let column: Int
  public let value: YAMLNode

  public init(key: String, line: Int, column: Int, value: YAMLNode) {
    self.key = key
    self.line = line
    self.column = column
    self.value = value
  }
}

/// One thing wrong with a document.
public struct DocumentFault: Error, Hashable, Sendable, CustomStringConvertible {
  /// From the root: `dimensions[0].indicators[2].weight`; empty for the whole.
  public let path: String
  /// From 1; 0 where the file could not be read at all.
  public let line: Int
  public let column: Int
  /// What is wrong and what would be right.
  public let problem: String

  public init(path: String, line: Int, column: Int, problem: String) {
    self.path = path
    self.line = line
    self.column = column
    self.problem = problem
  }

  /// `12:5: dimensions[0].weight: …`
  public var description: String { "\(line):\(column): \(path.isEmpty ? "" : path + ": ")\(problem)" }
}

/// All faults found in a document, in the order of its lines; never empty.
public struct DocumentFaults: Error, Hashable, Sendable, CustomStringConvertible {
  /// The file's name, for messages.
  public let source: String
  public let faults: [DocumentFault]

  public init(source: String, faults: [DocumentFault]) {
    self.source = source
    self.faults = faults
  }

  /// One line per fault, as compilers print them: `standard.yaml:12:5: …`
  public var description: String { faults.map { "\(source):\($0)" }.joined(separator: "\n") }
}

/// Bounds of a document; generous for anything written by hand.
public struct DocumentLimits: Hashable, Sendable {
  public var sizeBytesMax: Int
  /// libyaml's time grows with the square of the depth of `[[[`, and readers recurse; both end here.
  public var depthMax: Int
  /// After so many faults the rest is not worth reading.
  public var faultsCountMax: Int

  public init(sizeBytesMax: Int = 4 << 20, depthMax: Int = 32, faultsCountMax: Int = 100) {
    self.sizeBytesMax = sizeBytesMax
    self.depthMax = depthMax
    self.faultsCountMax = faultsCountMax
  }

  public static let standard = DocumentLimits()
}
