// The pages of surveys, together, and the ways from one to the other.
import Access
import Domain
import HTML
import HTTP
import Text

enum SurveySection {
  static func add(_ site: Site, to router: inout Router) {
    SurveyResultsPage(site: site).add(to: &router)
    SurveyTopicsPage(site: site).add(to: &router)
    SurveyRecoveryPage(site: site).add(to: &router)
    SurveyBaselinePages(site: site).add(to: &router)
    SurveyAnswersPage(site: site).add(to: &router)
    SurveyInvitationsPage(site: site).add(to: &router)
    SurveyDeliveriesPage(site: site).add(to: &router)
    AskedSurveyPages(site: site).add(to: &router)
  }

  enum Place: String, CaseIterable {
    case results = "/surveys"
    case topics = "/surveys/topics"
    case recovery = "/surveys/recovery"
    case baselines = "/surveys/baselines"
    case answers = "/surveys/answers"
    case asked = "/surveys/asked"
    case invitations = "/surveys/invitations"
    case deliveries = "/surveys/deliveries"

    var needs: Permission {
      switch self {
      case .results, .topics, .recovery, .baselines: .figuresRead
      case .answers: .answersRead
      case .asked: .surveysRead
      case .invitations, .deliveries: .invitationsRead
      }
    }

    var name: LocalizedName {
      switch self {
      case .results: LocalizedName(en: "Results", zh: "结果")
      case .topics: LocalizedName(en: "What comments speak of", zh: "意见主题")
      case .recovery: LocalizedName(en: "Won back", zh: "挽回")
      case .baselines: LocalizedName(en: "Before and after", zh: "基线对比")
      case .answers: LocalizedName(en: "Answers", zh: "回答")
      case .asked: LocalizedName(en: "What we ask", zh: "问卷")
      case .invitations: LocalizedName(en: "Invitations", zh: "邀请")
      case .deliveries: LocalizedName(en: "Deliveries", zh: "投递")
      }
    }
  }

  static func tabs(_ visit: Visit, _ here: Place?) -> Element {
    Parts.tabs(
      visit.say("Pages on surveys", "调研页面"),
      Place.allCases.filter { visit.may($0.needs) }.map { (text: visit.say($0.name), target: visit.target($0.rawValue), isHere: $0 == here) })
  }
}

/// What a page on surveys is narrowed down to, as its address says. What is no day or no metric counts as not said.
struct SurveyWanted {
  let metric: AnswerEvent.Metric
  let survey: String?
  let from: Day
  let to: Day

  static let daysUsual = 90
  private static let daysMax = 3_660

  /// - Parameter days: so many with the last one, unless the address says.
  init(_ visit: Visit, days: Int = SurveyWanted.daysUsual) {
    let query = visit.request.query
    metric = query["metric"].flatMap(AnswerEvent.Metric.init(rawValue:)) ?? .nps
    survey = query["survey"].flatMap { $0.isEmpty || $0.utf8.count > 64 ? nil : $0 }
    let last = query["to"].flatMap { Day($0) } ?? visit.today
    let first = query["from"].flatMap { Day($0) } ?? last + (1 - days)
    to = last
    from = max(min(first, last), last + (1 - SurveyWanted.daysMax))
  }

  /// As the reports of the service take it.
  var query: [(name: String, value: String?)] {
    [(name: "metric", value: metric.rawValue), (name: "survey", value: survey), (name: "from", value: "\(from)"), (name: "to", value: "\(to)")]
  }

  func period(_ visit: Visit) -> String { visit.say("\(from) to \(to)", "\(from) 至 \(to)") }

  // MARK: - The form

  /// The usual fields of a page's filter.
  @NodeBuilder func fields(_ visit: Visit, surveys: Section?, hasMetric: Bool = true) -> [Node] {
    if hasMetric {
      Parts.choice(
        visit.say("Figure", "指标"), "metric", AnswerEvent.Metric.allCases.map { (value: $0.rawValue, text: $0.rawValue.uppercased()) },
        chosen: metric.rawValue)
    }
    Parts.choice(visit.say("Survey", "问卷"), "survey", SurveyWanted.surveys(surveys, chosen: survey, visit), chosen: survey ?? "")
    Parts.field(visit.say("From", "从"), "from", value: "\(from)", type: .date)
    Parts.field(visit.say("To", "到"), "to", value: "\(to)", type: .date)
  }

  /// The surveys that there are, and the one that is looked at whether it still is one or not.
  static func surveys(_ section: Section?, chosen: String?, _ visit: Visit) -> [(value: String, text: String)] {
    var seen: Set<String> = []
    var options = [(value: "", text: visit.say("all", "全部"))]
    for survey in section?.json?["surveys"]?.arrayValue ?? [] {
      guard let id = survey["survey"]?.stringValue, seen.insert(id).inserted else { continue }
      options.append((value: id, text: "\(visit.say(survey["title"])) (\(id))"))
    }
    if let chosen, seen.insert(chosen).inserted { options.append((value: chosen, text: chosen)) }
    return options
  }
}
