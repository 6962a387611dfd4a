// The settings of the feedback service: the tiers, by which figures are ordered and named, what customers are asked, and how they reach its pages.
import CommandLine
import Documents
import Domain
import FeedbackCore
import Hashing
import Messaging
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
  static let askingFile = Setting(
    "asking-file", "FEEDBACK_ASKING_FILE",
    HelpText("when and how often customers are asked, when not as the file says that comes with the program (YAML)", zh: "自定义询问时机与触达额度规则文件"))
  static let linkKey = Setting(
    "link-key", "FEEDBACK_LINK_KEY",
    HelpText(
      "secrets of at least 16 bytes that survey links are signed with, separated by commas: the first signs, links of all of them work",
      zh: "问卷链接签名密钥，以逗号分隔：首个用于签名，其余仍可验证"), isSecret: true)
  static let publicURL = Setting(
    "public-url", "FEEDBACK_PUBLIC_URL",
    HelpText("where customers reach the survey pages, as https://ask.example.com; unset: links begin with /s/", zh: "客户访问问卷页面的地址"))
  static let proxyHops = Setting(
    "proxy-hops", "FEEDBACK_PROXY_HOPS",
    HelpText(
      "proxies between customers and the survey pages: so many addresses from the right of X-Forwarded-For are believed", zh: "客户与问卷页面之间的代理层数"),
    defaultText: "0")
  static let pageRate = Setting(
    "page-rate", "FEEDBACK_PAGE_RATE",
    HelpText("requests to survey pages that one address may make in a minute", zh: "单个地址每分钟可请求问卷页面的次数"), defaultText: "300")
  static let all = [policiesFile, surveyFiles, commentsFile, askingFile, linkKey, publicURL, proxyHops, pageRate]

  static let shippedPolicies = "deploy/policies.yaml"
  /// Files of an operator's own.
  static let surveyFilesMax = 100
  static let linkKeysMax = 8
  static let publicURLBytesMax = 200

  let ladder: TierLadder
  let surveyFiles: [RuleFile<Survey>]
  let comments: RuleFile<CommentRules>
  let asking: RuleFile<AskingRules>
  /// With former versions, once they are read from the tables.
  let surveys: SharedSurveys
  let pages: PageSettings
  /// Lets a request wake the lane of due work, once there is one.
  let lane = LaneBell()

  init(ladder: TierLadder, surveys: [RuleFile<Survey>] = [], comments: RuleFile<CommentRules>, asking: RuleFile<AskingRules>, pages: PageSettings) {
    self.ladder = ladder
    self.comments = comments
    self.asking = asking
    surveyFiles = surveys
    self.surveys = SharedSurveys(SurveyBook(current: surveys.map(\.content)))
    self.pages = pages
  }

  /// nil when a fault was found; all faults stay in the reader.
  init?(_ reader: inout SettingsReader) {
    let ladder = FeedbackSettings.ladder(&reader)
    let surveys = FeedbackSettings.surveys(&reader)
    let comments = reader.value(of: FeedbackSettings.commentsFile) { path throws(DocumentFaults) in try FeedbackSettings.comments(at: path) }
    let names = surveys.map { Set($0.map(\.content.reference.name)) }
    let asking = names.flatMap { names in
      reader.value(of: FeedbackSettings.askingFile) { path throws(DocumentFaults) in try FeedbackSettings.asking(at: path, surveys: names) }
    }
    let pages = FeedbackSettings.pages(&reader)
    guard let ladder, let surveys, let comments, let asking, let pages else { return nil }
    if let tier = asking.content.schedules.flatMap(\.tiers).first(where: { ladder.rank(of: $0) == nil }) {
      reader.refuse(FeedbackSettings.askingFile, "a schedule names the tier `\(tier.text)`, which the tiers' file does not know")
      return nil
    }
    self.init(ladder: ladder, surveys: surveys, comments: comments, asking: asking, pages: pages)
  }

  private static func pages(_ reader: inout SettingsReader) -> PageSettings? {
    let links = links(&reader)
    let url = reader.optional(publicURL) ?? ""
    let isAddress = url.isEmpty || ((url.hasPrefix("https://") || url.hasPrefix("http://")) && url.utf8.allSatisfy { (0x21...0x7E).contains($0) })
    if !isAddress || url.hasSuffix("/") || url.utf8.count > publicURLBytesMax {
      reader.refuse(publicURL, "must begin with https:// and have no slash at its end, as https://ask.example.com")
    }
    let hops = reader.integer(proxyHops, in: 0...8)
    let rate = reader.integer(pageRate, in: 10...1_000_000)
    return links.map { PageSettings(links: $0, publicURL: url, proxyHops: hops, requestsPerMinuteMax: rate) }
  }

  private static func links(_ reader: inout SettingsReader) -> LinkTokens? {
    let text = reader.text(linkKey)
    guard !text.isEmpty else { return nil }
    let keys = text.split(separator: ",", omittingEmptySubsequences: false).map { Array($0.utf8) }
    guard keys.count <= linkKeysMax, keys.allSatisfy({ $0.count >= KeyedHasher.keyBytesMin }) else {
      reader.refuse(
        linkKey, "from 1 to \(linkKeysMax) keys separated by commas, each of at least \(KeyedHasher.keyBytesMin) bytes; put a new key in front of the old ones")
      return nil
    }
    do { return try LinkTokens(keys: keys) } catch {
      reader.refuse(linkKey, "\(error)")
      return nil
    }
  }

  private static func ladder(_ reader: inout SettingsReader) -> TierLadder? {
    reader.value(of: policiesFile) { path throws(DocumentFaults) in
      try RuleFile(at: path, shipped: shippedPolicies, Resources.bytes) { bytes, source throws(DocumentFaults) in
        try PolicyDocument.decode(bytes, source: source)
      }.content.ladder
    }
  }

  static func asking(at path: String?, surveys: Set<String>) throws(DocumentFaults) -> RuleFile<AskingRules> {
    try RuleFile(at: path, shipped: AskingDocument.shipped, Resources.bytes) { bytes, source throws(DocumentFaults) in
      try AskingDocument.decode(bytes, source: source, surveys: surveys)
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

/// How survey pages are reached.
struct PageSettings: Sendable {
  let links: LinkTokens
  /// Empty: links begin with a slash.
  let publicURL: String
  let proxyHops: Int
  let requestsPerMinuteMax: Int

  init(links: LinkTokens, publicURL: String = "", proxyHops: Int = 0, requestsPerMinuteMax: Int = 300) {
    self.links = links
    self.publicURL = publicURL
    self.proxyHops = proxyHops
    self.requestsPerMinuteMax = requestsPerMinuteMax
  }

  func link(to id: InvitationID) throws -> String { "\(publicURL)/s/\(try links.token(for: id))" }

  /// Where the customer of an invitation is asked whether there shall be no more, and one POST says so.
  static func stopLink(of link: String) -> String { "\(link)/stop" }
}

/// The surveys as everybody in the process sees them.
final class SharedSurveys: Sendable {
  private let stored: Mutex<SurveyBook>

  init(_ book: SurveyBook) { stored = Mutex(book) }

  var value: SurveyBook { stored.withLock { $0 } }

  func set(_ book: SurveyBook) { stored.withLock { $0 = book } }
}
