// The file of comment rules to the rules (F-06); docs/feedback.md explains the file line by line.

public import Domain

public enum CommentDocument {
  /// The file that comes with the programs.
  public static let shipped = "deploy/comments.yaml"

  /// Throws all faults of the file, each with its line.
  public static func decode(_ bytes: [UInt8], source: String, limits: DocumentLimits = .standard) throws(DocumentFaults) -> CommentRules {
    var decoding = try DocumentDecoding(bytes, source: source, limits: limits)
    let rules = decoding.commentRules()
    return try decoding.finish(rules)
  }
}

extension DocumentDecoding {
  fileprivate mutating func commentRules() -> CommentRules? {
    let lists = CommentRules.List.allCases
    guard let root = rootFields(keys: ["comments", "author", "topics"] + lists.map(\.rawValue)) else { return nil }
    let before = faults.count
    let version = integer(root, "comments", in: 1...1_000_000)
    let author = text(root, "author", bytesMax: Scorecard.authorBytesMax)
    let topics = required(root, "topics").flatMap { self.topics($0) }
    var words: [CommentRules.List: [String]] = [:]
    for list in lists { words[list] = required(root, list.rawValue).flatMap { self.words($0, list.rawValue) } }
    guard faults.count == before, let version, let author, let topics else { return nil }
    do throws(ConfigurationFaults) {
      return try CommentRules(version: version, author: author, topics: topics, lists: words)
    } catch {
      add(error)
      return nil
    }
  }

  private mutating func topics(_ node: YAMLNode) -> [CommentRules.Topic]? {
    guard let nodes = items(node, "topics") else { return nil }
    var topics: [CommentRules.Topic] = []
    for (place, node) in nodes.prefix(CommentRules.topicsMax + 1).enumerated() {
      let path = "topics[\(place)]"
      guard let fields = fields(node, path, keys: ["id", "name", "words"]) else { continue }
      let (id, name) = (text(fields, "id", bytesMax: CommentRules.topicBytesMax), name(fields, "name"))
      let words = required(fields, "words").flatMap { self.words($0, "\(path).words") }
      if let id, let name, let words { topics.append(CommentRules.Topic(id: id, name: name, words: words)) }
    }
    return topics
  }

  private mutating func words(_ node: YAMLNode, _ path: String) -> [String]? {
    guard let nodes = items(node, path) else { return nil }
    return nodes.prefix(CommentRules.wordsMax + 1).enumerated().compactMap { place, node in
      text(node, "\(path)[\(place)]", bytesMax: CommentRules.wordBytesMax)
    }
  }
}
