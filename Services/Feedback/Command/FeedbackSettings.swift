// The settings of the feedback service: the tiers, by which figures are ordered and named, and the surveys that customers are asked.
import CommandLine
import Documents
import Domain
import FeedbackCore
import Runtime
import Synchronization

struct FeedbackSettings: Sendable {
  static let policiesFile = Setting(
    "policies-file", "FEEDBACK_POLICIES_FILE",
    HelpText("the tiers' file of tiering, when it is not the one that comes with the program (YAML)", zh: "自定义分级策略文件（与 tiering 一致）"))
  static let surveyFiles = Setting(
    "survey-files", "FEEDBACK_SURVEY_FILES",
    HelpText(
      "surveys beside those that come with the program, separated by commas; one of the same name takes its place (YAML)",
      zh: "自定义问卷文件，以逗号分隔；同名者取代随附问卷"))
  static let commentsFile = Setting(
    "comments-file", "FEEDBACK_COMMENTS_FILE",
    HelpText("topics and words by which comments are sorted, when not those that come with the program (YAML)", zh: "自定义意见主题与褒贬词规则文件"))
  static let all = [policiesFile, surveyFiles, commentsFile]

  static let shippedPolicies = "deploy/policies.yaml"
  /// Files of an operator's own.
  static let surveyFilesMax = 100

  let ladder: TierLadder
  let surveyFiles: [RuleFile<Survey>]
  let comments: RuleFile<CommentRules>
  /// With former versions, once they are read from the tables.
  let surveys: SharedSurveys

  init(ladder: TierLadder, surveys: [RuleFile<Survey>] = [], comments: RuleFile<CommentRules>) {
    self.ladder = ladder
    self.comments = comments
    surveyFiles = surveys
    self.surveys = SharedSurveys(SurveyBook(current: surveys.map(\.content)))
  }

  /// nil when a fault was found; all faults stay in the reader.
  init?(_ reader: inout SettingsReader) {
    let ladder = FeedbackSettings.ladder(&reader)
    let surveys = FeedbackSettings.surveys(&reader)
    let comments = FeedbackSettings.comments(&reader)
    guard let ladder, let surveys, let comments else { return nil }
    self.init(ladder: ladder, surveys: surveys, comments: comments)
  }

  private static func ladder(_ reader: inout SettingsReader) -> TierLadder? {
    do throws(DocumentFaults) {
      let file = try RuleFile(at: reader.optional(policiesFile), shipped: shippedPolicies, Resources.bytes) { bytes, source throws(DocumentFaults) in
        try PolicyDocument.decode(bytes, source: source)
      }
      return file.content.ladder
    } catch {
      reader.refuse(policiesFile, "\(error)")
      return nil
    }
  }

  private static func comments(_ reader: inout SettingsReader) -> RuleFile<CommentRules>? {
    do throws(DocumentFaults) { return try comments(at: reader.optional(commentsFile)) } catch {
      reader.refuse(commentsFile, "\(error)")
      return nil
    }
  }

  /// The file at a path, else the one that comes with the program.
  static func comments(at path: String?) throws(DocumentFaults) -> RuleFile<CommentRules> {
    try RuleFile(at: path, shipped: CommentDocument.shipped, Resources.bytes) { bytes, source throws(DocumentFaults) in
      try CommentDocument.decode(bytes, source: source)
    }
  }

  /// Those of the operator, then those that come with the program and have another name.
  private static func surveys(_ reader: inout SettingsReader) -> [RuleFile<Survey>]? {
    let paths = (reader.optional(surveyFiles) ?? "").split(separator: ",").map { String($0.drop(while: \.isWhitespace)) }.filter { !$0.isEmpty }
    guard paths.count <= surveyFilesMax else {
      reader.refuse(surveyFiles, "names \(paths.count) files, and may name \(surveyFilesMax)")
      return nil
    }
    var own: [RuleFile<Survey>] = []
    var isWhole = true
    for path in paths {
      do throws(DocumentFaults) {
        let file = try RuleFile(try DocumentFile.read(path), source: path) { bytes, source throws(DocumentFaults) in
          try SurveyDocument.decode(bytes, source: source)
        }
        if let other = own.first(where: { $0.content.reference.name == file.content.reference.name }) {
          reader.refuse(surveyFiles, "\(path) and \(other.source) are both called \(file.content.reference.name): leave one out, or give it another name")
          isWhole = false
        }
        own.append(file)
      } catch {
        reader.refuse(surveyFiles, "\(error)")
        isWhole = false
      }
    }
    guard isWhole else { return nil }
    do throws(DocumentFaults) {
      let shipped = try shippedSurveys()
      return own + shipped.filter { file in !own.contains { $0.content.reference.name == file.content.reference.name } }
    } catch {
      reader.refuse(surveyFiles, "\(error)")
      return nil
    }
  }

  static func shippedSurveys() throws(DocumentFaults) -> [RuleFile<Survey>] {
    var files: [RuleFile<Survey>] = []
    for path in Resources.paths.sorted() where path.hasPrefix(SurveyDocument.shippedFolder) {
      files.append(try RuleFile(Resources.bytes(path) ?? [], source: path) { bytes, source throws(DocumentFaults) in
        try SurveyDocument.decode(bytes, source: source)
      })
    }
    return files
  }
}

/// The surveys as everybody in the process sees them.
final class SharedSurveys: Sendable {
  private let stored: Mutex<SurveyBook>

  init(_ book: SurveyBook) { stored = Mutex(book) }

  var value: SurveyBook { stored.withLock { $0 } }

  func set(_ book: SurveyBook) { stored.withLock { $0 = book } }
}
