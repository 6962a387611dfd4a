// Taking a tree apart into values: every step notes what is wrong and goes on, so that one run shows all faults.

import Domain

/// Gathers faults while a document is taken apart.
struct DocumentDecoding {
  let source: String
  let limits: DocumentLimits
  let root: YAMLNode
  /// For documents that were kept before a rule came: a curve that rises and falls need not say so.
  var acceptsTurns = false
  private(set) var faults: [DocumentFault] = []
  /// Where a stand-in took the place of something unreadable: what the rules say about it means nothing.
  private var muted: [String] = []
  /// Where a sum is judged one of whose parts is unknown.
  private var unsure: Set<String> = []

  init(_ bytes: [UInt8], source: String, limits: DocumentLimits) throws(DocumentFaults) {
    self.root = try YAMLReader.read(bytes, source: source, limits: limits)
    self.source = source
    self.limits = limits
  }

  /// The value, if nothing was wrong.
  func finish<Value>(_ value: Value?) throws(DocumentFaults) -> Value {
    guard let value, faults.isEmpty else {
      let unreadable = DocumentFault(path: "", line: 1, column: 1, problem: "the document cannot be used")
      let sorted = faults.sorted { ($0.line, $0.column, $0.path, $0.problem) < ($1.line, $1.column, $1.path, $1.problem) }
      throw DocumentFaults(source: source, faults: sorted.isEmpty ? [unreadable] : Array(sorted.prefix(limits.faultsCountMax)))
    }
    return value
  }

  mutating func add(_ node: YAMLNode, _ path: String, _ problem: String) {
    faults.append(DocumentFault(path: path, line: node.line, column: node.column, problem: problem))
  }

  // MARK: Faults of the rules

  /// A stand-in is used at this path.
  mutating func mute(_ path: String) { muted.append(path) }

  /// A part of what is judged at exactly this path is unknown.
  mutating func markUnsure(_ path: String) { unsure.insert(path) }

  /// Notes what the domain's rules found, each at the line its path leads to.
  mutating func add(_ found: ConfigurationFaults) {
    for fault in found.faults {
      if muted.contains(where: { fault.path == $0 || isBelow(fault.path, $0) }) { continue }
      if unsure.contains(fault.path) { continue }
      let place = locate(fault.path)
      faults.append(DocumentFault(path: fault.path, line: place.line, column: place.column, problem: fault.problem))
    }
  }

  private func isBelow(_ path: String, _ parent: String) -> Bool {
    parent.isEmpty || (path.hasPrefix(parent) && [".", "["].contains(path.dropFirst(parent.count).first ?? "x"))
  }

  /// The deepest place a path leads to: the key's, where there is one.
  private func locate(_ path: String) -> (line: Int, column: Int) {
    var node = root
    var place = (line: root.line, column: root.column)
    for step in path.split(whereSeparator: { $0 == "." || $0 == "[" }) {
      switch node.content {
      case .mapping(let entries):
        guard let entry = entries.first(where: { $0.key == step }) else { return place }
        place = (entry.line, entry.column)
        node = entry.value
      case .sequence(let items):
        guard let index = Int(step.dropLast()), items.indices.contains(index) else { return place }
        node = items[index]
        place = (node.line, node.column)
      case .scalar: return place
      }
    }
    return place
  }

  // MARK: Collections

  /// A mapping that may have these keys and no others.
  mutating func fields(_ node: YAMLNode, _ path: String, keys: [String]) -> DocumentFields? {
    guard case .mapping(let entries) = node.content else {
      add(node, path, "keys and values are needed here (\(keys.joined(separator: ", ")))")
      return nil
    }
    for entry in entries where !keys.contains(entry.key) {
      let near = nearest(to: entry.key, among: keys).map { "; did you mean `\($0)`?" } ?? "; known are \(keys.joined(separator: ", "))"
      faults.append(DocumentFault(path: join(path, entry.key), line: entry.line, column: entry.column, problem: "unknown key\(near)"))
    }
    return DocumentFields(node: node, path: path, entries: entries)
  }

  /// The root of a document whose last key must be `end: true`, so that a file cut short does not pass for a whole one.
  mutating func rootFields(keys: [String]) -> DocumentFields? {
    guard let fields = fields(root, "", keys: keys + ["end"]) else { return nil }
    let problem = "the last line must be `end: true`; without it a file cut short looks whole"
    guard let last = fields.entries.last, last.key == "end" else {
      let last = fields.entries.last?.value ?? root
      faults.append(DocumentFault(path: "end", line: last.line, column: last.column, problem: problem))
      return fields
    }
    if last.value.content != .scalar("true", isPlain: true) { add(last.value, "end", problem) }
    return fields
  }

  mutating func items(_ node: YAMLNode, _ path: String) -> [YAMLNode]? {
    guard case .sequence(let items) = node.content else {
      add(node, path, "a list is needed here")
      return nil
    }
    return items
  }

  /// A mapping's value that must be there.
  mutating func required(_ fields: DocumentFields, _ key: String) -> YAMLNode? {
    if let node = fields[key] { return node }
    add(fields.node, join(fields.path, key), "`\(key)` is missing")
    return nil
  }

  // MARK: Scalars

  mutating func text(_ node: YAMLNode, _ path: String, bytesMax: Int = 1_000, mayBeEmpty: Bool = false) -> String? {
    guard case .scalar(let text, _) = node.content else {
      add(node, path, "a text is needed here")
      return nil
    }
    if text.isEmpty && !mayBeEmpty {
      add(node, path, "a text is needed here, this is empty")
      return nil
    }
    guard text.utf8.count <= bytesMax else {
      add(node, path, "at most \(bytesMax) bytes, this has \(text.utf8.count)")
      return nil
    }
    return text
  }

  mutating func text(_ fields: DocumentFields, _ key: String, bytesMax: Int = 1_000) -> String? {
    required(fields, key).flatMap { text($0, join(fields.path, key), bytesMax: bytesMax) }
  }

  /// Only plain `true` and `false`: `no`, `off` and `"true"` are texts.
  mutating func boolean(_ node: YAMLNode, _ path: String) -> Bool? {
    switch node.content {
    case .scalar("true", isPlain: true): return true
    case .scalar("false", isPlain: true): return false
    default:
      add(node, path, "`true` or `false` is needed here, without quotes")
      return nil
    }
  }

  /// Plain decimal digits: no sign but a minus, no leading zero, no other base, no quotes.
  mutating func integer(_ node: YAMLNode, _ path: String, in range: ClosedRange<Int>) -> Int? {
    guard let number = plainNumber(node), !number.utf8.contains(0x2E), !number.utf8.contains(0x2F), let value = Int(number) else {
      add(node, path, "a whole number is needed here, as 12, without quotes")
      return nil
    }
    guard range.contains(value) else {
      add(node, path, "from \(range.lowerBound) to \(range.upperBound), not \(value)")
      return nil
    }
    return value
  }

  mutating func integer(_ fields: DocumentFields, _ key: String, in range: ClosedRange<Int>) -> Int? {
    required(fields, key).flatMap { integer($0, join(fields.path, key), in: range) }
  }

  /// An exact number: `12`, `-2.5`, `100/3`.
  mutating func number(_ node: YAMLNode, _ path: String) -> Rational? {
    guard let number = plainNumber(node), let value = Rational(text: number) else {
      add(node, path, "a number is needed here, as 12, 12.5 or 100/3, without quotes")
      return nil
    }
    return value
  }

  mutating func number(_ fields: DocumentFields, _ key: String) -> Rational? {
    required(fields, key).flatMap { number($0, join(fields.path, key)) }
  }

  private func plainNumber(_ node: YAMLNode) -> String? {
    guard case .scalar(let text, isPlain: true) = node.content, !text.hasPrefix("+") else { return nil }
    let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
    let parts = digits.split(separator: "/", omittingEmptySubsequences: false)
    // 010 is eight to some readers and ten to others.
    let hasLeadingZero = parts.contains { $0.utf8.count > 1 && $0.utf8.first == 0x30 && !$0.hasPrefix("0.") }
    return hasLeadingZero ? nil : text
  }

  mutating func choice<Value: RawRepresentable & CaseIterable>(_ node: YAMLNode, _ path: String, of type: Value.Type) -> Value?
  where Value.RawValue == String {
    if case .scalar(let text, _) = node.content, let value = Value(rawValue: text) { return value }
    add(node, path, "one of \(Value.allCases.map(\.rawValue).joined(separator: ", ")) is needed here")
    return nil
  }

  mutating func name(_ fields: DocumentFields, _ key: String) -> LocalizedName? {
    guard let node = required(fields, key) else { return nil }
    let path = join(fields.path, key)
    guard let names = self.fields(node, path, keys: ["en", "zh"]) else { return nil }
    let (en, zh) = (text(names, "en"), text(names, "zh"))
    guard let en, let zh else { return nil }
    return LocalizedName(en: en, zh: zh)
  }
}

/// A mapping under its path.
struct DocumentFields {
  let node: YAMLNode
  let path: String
  let entries: [YAMLEntry]

  subscript(key: String) -> YAMLNode? { entries.first { $0.key == key }?.value }
}

func join(_ path: String, _ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

/// The known word a slip of the pen was probably meant to be: at most two letters away.
private func nearest(to word: String, among known: [String]) -> String? {
  let distances = known.map { (word: $0, distance: editDistance(word, $0)) }
  guard let best = distances.min(by: { $0.distance < $1.distance }), best.distance <= 2, best.distance < word.count else { return nil }
  return best.word
}

private func editDistance(_ left: String, _ right: String) -> Int {
  let (a, b) = (Array(left.utf8.prefix(64)), Array(right.utf8.prefix(64)))
  var row = Array(0...b.count)
  for i in a.indices {
    var diagonal = row[0]
    row[0] = i + 1
    for j in b.indices {
      let cost = a[i] == b[j] ? diagonal : min(diagonal, row[j], row[j + 1]) + 1
      diagonal = row[j + 1]
      row[j + 1] = cost
    }
  }
  return row[b.count]
}
