// Reads a strict subset of YAML with libyaml's event parser.
//
// Refused, because each means something else than it seems to or makes a small file large: anchors, aliases, tags, merge keys,
// keys that are not texts, repeated keys, directives, a second document, control characters, encodings other than UTF-8.
// Scalars stay texts; what they mean is decided where they are used.

import CYaml

public enum YAMLReader {
  /// Reads one document. Throws all faults the subset has with it; a syntax error ends the reading, so it is the last.
  public static func read(_ bytes: [UInt8], source: String, limits: DocumentLimits = .standard) throws(DocumentFaults) -> YAMLNode {
    var text = bytes[...]
    if text.starts(with: [0xEF, 0xBB, 0xBF]) { text = text.dropFirst(3) }
    if let fault = YAMLBytes.firstFault(in: text, limits: limits) { throw DocumentFaults(source: source, faults: [fault]) }
    var builder = YAMLBuilder(limits: limits)
    text.withUnsafeBufferPointer { YAMLReader.parse($0, into: &builder) }
    guard let root = builder.root, builder.faults.isEmpty else {
      let empty = DocumentFault(path: "", line: 1, column: 1, problem: "the file holds no document")
      throw DocumentFaults(source: source, faults: builder.faults.isEmpty ? [empty] : builder.faults)
    }
    return root
  }

  private static func parse(_ text: UnsafeBufferPointer<UInt8>, into builder: inout YAMLBuilder) {
    let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
    let event = UnsafeMutablePointer<yaml_event_t>.allocate(capacity: 1)
    defer {
      parser.deallocate()
      event.deallocate()
    }
    guard yaml_parser_initialize(parser) == 1 else {
      builder.faults.append(DocumentFault(path: "", line: 0, column: 0, problem: "no memory to read the file"))
      return
    }
    defer { yaml_parser_delete(parser) }
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    yaml_parser_set_input_string(parser, text.baseAddress, text.count)
    while true {
      guard yaml_parser_parse(parser, event) == 1 else {
        builder.failed(parser.pointee)
        return
      }
      let flow = builder.take(event.pointee)
      yaml_event_delete(event)
      if flow == .stop { return }
    }
  }
}

/// Puts the tree together, event by event; no recursion.
struct YAMLBuilder {
  enum Flow { case next, stop }

  private enum Collection {
    case sequence([YAMLNode])
    case mapping([YAMLEntry], pending: Key?)
  }
  private struct Key {
    let text: String
    let line: Int
    let column: Int
  }
  private struct Frame {
    var collection: Collection
    /// Keys seen, with their lines.
    var keys: [String: Int] = [:]
    let line: Int
    let column: Int
  }

  let limits: DocumentLimits
  private(set) var root: YAMLNode?
  var faults: [DocumentFault] = []
  private var frames: [Frame] = []
  private var documents = 0

  init(limits: DocumentLimits) { self.limits = limits }

  mutating func take(_ event: yaml_event_t) -> Flow {
    let line = Int(event.start_mark.line) + 1
    let column = Int(event.start_mark.column) + 1
    switch event.type {
    case YAML_STREAM_END_EVENT: return .stop
    case YAML_DOCUMENT_START_EVENT:
      documents += 1
      if documents > 1 {
        fault(line, column, "a second document starts here; a file holds one")
        return .stop
      }
      let start = event.data.document_start
      if start.version_directive != nil || start.tag_directives.start != start.tag_directives.end {
        fault(line, column, "directives (%YAML, %TAG) are not read")
      }
    case YAML_ALIAS_EVENT:
      fault(line, column, "aliases (*name) are not read; repeat the value")
      place(.scalar("", isPlain: true), line, column)
    case YAML_SCALAR_EVENT: scalar(event.data.scalar, line, column)
    case YAML_SEQUENCE_START_EVENT:
      refuse(anchor: event.data.sequence_start.anchor, tag: event.data.sequence_start.tag, line, column)
      return open(.sequence([]), line, column)
    case YAML_MAPPING_START_EVENT:
      refuse(anchor: event.data.mapping_start.anchor, tag: event.data.mapping_start.tag, line, column)
      return open(.mapping([], pending: nil), line, column)
    case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: close()
    default: break
    }
    return faults.count < limits.faultsCountMax ? .next : .stop
  }

  /// libyaml's own complaint, with the place it names.
  mutating func failed(_ parser: yaml_parser_t) {
    // The texts are static, inside libyaml.
    let problem = parser.problem.map { String(cString: $0) } ?? "the file cannot be read"
    let context = parser.context.map { String(cString: $0) + ": " } ?? ""
    let mark = parser.problem_mark
    let hint =
      problem.contains("cannot start any token") ? " (indent with spaces, not tabs; put quotes around texts that start with a sign)" : ""
    fault(Int(mark.line) + 1, Int(mark.column) + 1, "not YAML: \(context)\(problem)\(hint)")
  }

  // MARK: Steps

  private mutating func scalar(_ scalar: yaml_event_s.__Unnamed_union_data.__Unnamed_struct_scalar, _ line: Int, _ column: Int) {
    refuse(anchor: scalar.anchor, tag: scalar.tag, line, column)
    let text = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
    // Escapes in double quotes can make what the bytes could not hold.
    if let control = text.unicodeScalars.first(where: { YAMLBytes.isRefused($0) }) {
      fault(line, column, "the text holds the control character U+\(String(control.value, radix: 16, uppercase: true))")
    }
    place(.scalar(text, isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE), line, column)
  }

  private mutating func refuse(anchor: UnsafeMutablePointer<UInt8>?, tag: UnsafeMutablePointer<UInt8>?, _ line: Int, _ column: Int) {
    if anchor != nil { fault(line, column, "anchors (&name) are not read") }
    if tag != nil { fault(line, column, "tags (!name) are not read") }
  }

  private mutating func open(_ collection: Collection, _ line: Int, _ column: Int) -> Flow {
    if isAtKey {
      fault(line, column, "a key must be a text")
      return .stop
    }
    guard frames.count < limits.depthMax else {
      fault(line, column, "deeper than \(limits.depthMax) levels")
      return .stop
    }
    frames.append(Frame(collection: collection, line: line, column: column))
    return .next
  }

  private mutating func close() {
    guard let frame = frames.popLast() else { return }
    switch frame.collection {
    case .sequence(let items): place(.sequence(items), frame.line, frame.column)
    case .mapping(let entries, _): place(.mapping(entries), frame.line, frame.column)
    }
  }

  private var isAtKey: Bool {
    if case .mapping(_, pending: nil) = frames.last?.collection { true } else { false }
  }

  /// A finished value goes where the innermost open collection wants it.
  private mutating func place(_ content: YAMLNode.Content, _ line: Int, _ column: Int) {
    guard !frames.isEmpty else {
      root = YAMLNode(content, line: line, column: column)
      return
    }
    let last = frames.count - 1
    switch frames[last].collection {
    case .sequence(var items):
      // Emptied first, so that appending does not copy what is there.
      frames[last].collection = .sequence([])
      items.append(YAMLNode(content, line: line, column: column))
      frames[last].collection = .sequence(items)
    case .mapping(let entries, pending: nil):
      guard case .scalar(let key, let isPlain) = content else { return }
      if key == "<<", isPlain { fault(line, column, "merge keys (<<) are not read") }
      if let first = frames[last].keys[key] {
        fault(line, column, "the key `\(key)` was given already on line \(first)")
      } else {
        frames[last].keys[key] = line
      }
      frames[last].collection = .mapping(entries, pending: Key(text: key, line: line, column: column))
    case .mapping(var entries, let pending?):
      frames[last].collection = .mapping([], pending: nil)
      let value = YAMLNode(content, line: line, column: column)
      // Of a repeated key only the first counts; the fault is noted.
      if frames[last].keys[pending.text] == pending.line || !entries.contains(where: { $0.key == pending.text }) {
        entries.append(YAMLEntry(key: pending.text, line: pending.line, column: pending.column, value: value))
      }
      frames[last].collection = .mapping(entries, pending: nil)
    }
  }

  private mutating func fault(_ line: Int, _ column: Int, _ problem: String) {
    faults.append(DocumentFault(path: path, line: line, column: column, problem: problem))
  }

  /// Where the next value will stand.
  private var path: String {
    frames.reduce(into: "") { path, frame in
      switch frame.collection {
      case .sequence(let items): path += "[\(items.count)]"
      case .mapping(_, let pending?): path += (path.isEmpty ? "" : ".") + pending.text
      case .mapping(_, pending: nil): break
      }
    }
  }
}

/// What must hold of the bytes before libyaml sees them: it would name no line, or take a character for a line's end.
enum YAMLBytes {
  static func firstFault(in text: ArraySlice<UInt8>, limits: DocumentLimits) -> DocumentFault? {
    guard text.count <= limits.sizeBytesMax else {
      return DocumentFault(path: "", line: 1, column: 1, problem: "\(text.count) bytes; a file has at most \(limits.sizeBytesMax)")
    }
    if text.starts(with: [0xFF, 0xFE]) || text.starts(with: [0xFE, 0xFF]) {
      return DocumentFault(path: "", line: 1, column: 1, problem: "the file is UTF-16; save it as UTF-8")
    }
    var (line, column) = (1, 1)
    var parser = Unicode.UTF8.ForwardParser()
    var bytes = text.makeIterator()
    while true {
      switch parser.parseScalar(from: &bytes) {
      case .emptyInput: return nil
      case .error: return DocumentFault(path: "", line: line, column: column, problem: "these bytes are not UTF-8")
      case .valid(let encoded):
        let scalar = Unicode.UTF8.decode(encoded)
        if isRefused(scalar) && scalar != "\r" {
          let problem = "the control character U+\(String(scalar.value, radix: 16, uppercase: true)) is not allowed"
          return DocumentFault(path: "", line: line, column: column, problem: problem)
        }
        if scalar == "\n" { (line, column) = (line + 1, 1) } else { column += 1 }
      }
    }
  }

  /// Control characters but tab and line feed; next line, line and paragraph separator, which YAML takes for line ends.
  static func isRefused(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x09, 0x0A: false
    case 0x00...0x1F, 0x7F...0x9F, 0x2028, 0x2029, 0xFEFF: true
    default: false
    }
  }
}
