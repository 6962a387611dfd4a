// A survey's file to the survey (F-01); docs/feedback.md explains the file line by line.

public import Domain

public enum SurveyDocument {
  /// The folder of the files that come with the programs.
  public static let shippedFolder = "deploy/surveys/"

  /// Throws all faults of the file, each with its line.
  public static func decode(_ bytes: [UInt8], source: String, limits: DocumentLimits = .standard) throws(DocumentFaults) -> Survey {
    var decoding = try DocumentDecoding(bytes, source: source, limits: limits)
    let survey = decoding.survey()
    return try decoding.finish(survey)
  }
}

extension DocumentDecoding {
  fileprivate mutating func survey() -> Survey? {
    let keys = ["survey", "version", "author", "metric", "purpose", "expires_days", "title", "question", "scale", "comment", "questions", "thanks"]
    guard let root = rootFields(keys: keys) else { return nil }
    let before = faults.count
    let name = text(root, "survey", bytesMax: Survey.nameBytesMax)
    let version = integer(root, "version", in: 1...1_000_000)
    let author = text(root, "author", bytesMax: Scorecard.authorBytesMax)
    let metric = required(root, "metric").flatMap { choice($0, "metric", of: AnswerEvent.Metric.self) }
    let purpose = required(root, "purpose").flatMap { choice($0, "purpose", of: Survey.Purpose.self) }
    let days = integer(root, "expires_days", in: 1...Survey.expiresDaysMax)
    let (title, question, thanks) = (self.name(root, "title"), self.name(root, "question"), self.name(root, "thanks"))
    let ends = required(root, "scale").flatMap { self.ends($0) }
    let comment = root["comment"] == nil ? nil : self.name(root, "comment")
    let questions = self.questions(root)
    guard faults.count == before, let name, let version, let author, let metric, let purpose, let days, let title, let question, let thanks, let ends,
      let questions
    else { return nil }
    do throws(ConfigurationFaults) {
      return try Survey(
        reference: SurveyReference(name: name, version: version), author: author, metric: metric, purpose: purpose, expiresAfterDays: days, title: title,
        question: question, ends: ends, comment: comment, questions: questions, thanks: thanks)
    } catch {
      add(error)
      return nil
    }
  }

  private mutating func ends(_ node: YAMLNode) -> Survey.Ends? {
    guard let fields = fields(node, "scale", keys: ["low", "high"]) else { return nil }
    let (low, high) = (name(fields, "low"), name(fields, "high"))
    guard let low, let high else { return nil }
    return Survey.Ends(low: low, high: high)
  }

  /// Without the key there are none.
  private mutating func questions(_ root: DocumentFields) -> [SurveyQuestion]? {
    guard let node = root["questions"] else { return [] }
    guard let nodes = items(node, "questions") else { return nil }
    return nodes.prefix(Survey.questionsMax + 1).enumerated().compactMap { place, node in question(node, "questions[\(place)]") }
  }

  private enum QuestionKind: String, CaseIterable {
    case text, choice
    case yesNo = "yes_no"
  }

  private mutating func question(_ node: YAMLNode, _ path: String) -> SurveyQuestion? {
    guard let fields = fields(node, path, keys: ["id", "kind", "text", "options", "when"]) else { return nil }
    let before = faults.count
    let (id, words) = (text(fields, "id", bytesMax: Survey.nameBytesMax), name(fields, "text"))
    let word = required(fields, "kind").flatMap { choice($0, "\(path).kind", of: QuestionKind.self) }
    let options = word == .choice ? required(fields, "options").flatMap { self.options($0, "\(path).options") } : nil
    if let node = fields["options"], let word, word != .choice { add(node, "\(path).options", "only a `choice` has options") }
    let condition = fields["when"].map { self.condition($0, "\(path).when") } ?? SurveyQuestion.Condition()
    guard faults.count == before, let id, let words, let word else { return nil }
    let kind: SurveyQuestion.Kind =
      switch word {
      case .text: .text
      case .yesNo: .yesNo
      case .choice: .choice(options ?? [])
      }
    return SurveyQuestion(id: id, text: words, kind: kind, condition: condition)
  }

  private mutating func options(_ node: YAMLNode, _ path: String) -> [SurveyQuestion.Option]? {
    guard let nodes = items(node, path) else { return nil }
    return nodes.prefix(Survey.optionsMax + 1).enumerated().compactMap { place, node in
      guard let fields = fields(node, "\(path)[\(place)]", keys: ["id", "name"]) else { return nil }
      let (id, name) = (text(fields, "id", bytesMax: Survey.nameBytesMax), name(fields, "name"))
      guard let id, let name else { return nil }
      return SurveyQuestion.Option(id: id, name: name)
    }
  }

  private mutating func condition(_ node: YAMLNode, _ path: String) -> SurveyQuestion.Condition {
    guard let fields = fields(node, path, keys: ["from", "to", "question", "is"]) else { return SurveyQuestion.Condition() }
    if fields.entries.isEmpty { add(node, path, "say when: `from` and `to` of the score, or `question` and `is`") }
    return SurveyQuestion.Condition(scores: scores(fields), earlier: earlier(fields))
  }

  private mutating func scores(_ fields: DocumentFields) -> ClosedRange<Int64>? {
    guard fields["from"] != nil || fields["to"] != nil else { return nil }
    let (from, to) = (integer(fields, "from", in: 0...10), integer(fields, "to", in: 0...10))
    guard let from, let to else { return nil }
    guard from <= to else {
      add(fields.node, join(fields.path, "to"), "\(to) lies below `from`, \(from)")
      return nil
    }
    return Int64(from)...Int64(to)
  }

  private mutating func earlier(_ fields: DocumentFields) -> SurveyQuestion.Condition.Earlier? {
    guard fields["question"] != nil || fields["is"] != nil else { return nil }
    let path = join(fields.path, "is")
    let question = text(fields, "question", bytesMax: Survey.nameBytesMax)
    guard let nodes = required(fields, "is").flatMap({ items($0, path) }) else { return nil }
    let answers = nodes.enumerated().compactMap { place, node in text(node, "\(path)[\(place)]", bytesMax: Survey.nameBytesMax) }
    guard let question, answers.count == nodes.count else { return nil }
    return SurveyQuestion.Condition.Earlier(question: question, answers: answers)
  }
}
