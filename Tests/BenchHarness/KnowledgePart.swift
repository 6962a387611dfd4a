// The search among 20,000 articles in two languages (K-12): how long it takes, and how often it finds what answers a question in a customer's words.
import Domain
import Lifecycle
import Postgres
import Runtime
import Telemetry
import Text
import TicketsCore
import TicketsStore

struct KnowledgePart: Sendable {
  static let figures = ["knowledge_search_p99_ms", "knowledge_found_percent"]
  static let database = "bench_knowledge"
  static let articles = 20_000
  /// Each question is asked so often.
  static let rounds = 10
  /// Of a suggestion.
  static let shown = 3
  static let today = Day(number: 20_000)

  let bench: Bench

  func run(_ report: inout Report) async throws {
    _ = try await bench.ground.postgres()
    try await bench.ground.makeDatabase(KnowledgePart.database)
    var own = try await bench.ground.settings(KnowledgePart.database)
    own.schema = "tickets"
    let (settings, stop) = (own, bench.stop)
    bench.say("approving \(KnowledgePart.articles) articles in two languages")
    let (alone, seconds) = try await blocking { () throws -> (SearchTrial, Double) in
      _ = try Migrations(schema: "tickets", Resources.migrations(of: "tickets")).apply(to: settings)
      let session = try PostgresSession(settings)
      defer { session.close() }
      var stock = KnowledgeStock()
      let sample = KnowledgeSample.articles.count
      try stock.approve(0..<sample, session, on: KnowledgePart.today) { stop.isStopping }
      let alone = try SearchTrial(rounds: 1, stop) { try KnowledgePart.find($0, session) }
      let began = SystemTime.monotonicNanoseconds()
      try stock.approve(sample..<KnowledgePart.articles, session, on: KnowledgePart.today) { stop.isStopping }
      return (alone, secondsSince(began))
    }
    try await bench.ground.execute(KnowledgePart.database, ["VACUUM ANALYZE"])
    bench.say("asking \(KnowledgeSample.questions.count) questions \(KnowledgePart.rounds) times")
    let (ours, rival, plan) = try await blocking { () throws -> (SearchTrial, SearchTrial, [String]) in
      let session = try PostgresSession(settings)
      defer { session.close() }
      let ours = try SearchTrial(rounds: KnowledgePart.rounds, stop) { try KnowledgePart.find($0, session) }
      let builtIn = try BuiltInSearch(session)
      let rival = try SearchTrial(rounds: KnowledgePart.rounds, stop) { question in
        try builtIn.find(question, limit: KnowledgePart.shown, session).map { KnowledgeStock.names[$0] ?? "" }
      }
      return (ours, rival, try KnowledgeStock.plan(of: "退货一周了，钱什么时候退到银行卡", session))
    }
    let rows = try await bench.ground.numbers(
      KnowledgePart.database,
      "SELECT count(*), pg_total_relation_size('tickets.article_terms') / 1048576 FROM tickets.article_terms")
    await bench.ground.dropDatabase(KnowledgePart.database)
    let all = NumberText.grouped(Double(KnowledgePart.articles))
    tellQuality(
      [("alone", alone), ("among \(all)", ours), ("PostgreSQL's text search and ts_rank, among \(all)", rival)], &report)
    tellCost(plan, Double(KnowledgePart.articles - KnowledgeSample.articles.count) / max(0.001, seconds), rows, &report)
    let qualities = Language.allCases.map(ours.quality)
    let (asked, found) = qualities.reduce((0, 0)) { ($0.0 + $1.asked, $0.1 + $1.found) }
    report.figures.append(Figure("knowledge_search_p99_ms", Statistics.percentile(99, of: Language.allCases.flatMap(ours.milliseconds)), digits: 1))
    report.figures.append(Figure("knowledge_found_percent", Statistics.ratio(Double(found) * 100, Double(asked)), digits: 1))
  }

  private static func find(_ question: JudgedQuestion, _ session: PostgresSession) throws -> [String] {
    try KnowledgeIndex.find(question.text, language: nil, category: nil, on: today, limit: shown, session).map { KnowledgeStock.names[$0.article] ?? "" }
  }

  private func tellQuality(_ trials: [(name: String, trial: SearchTrial)], _ report: inout Report) {
    var found = TextTable(
      "questions in customers' words: how often the article that answers one is suggested",
      ["", "questions", "first", "among three", "something for what none answers", "p50 ms", "p99 ms"])
    for (name, trial) in trials {
      for language in Language.allCases {
        let quality = trial.quality(language)
        found.rows.append([
          "\(name), \(language.rawValue)", String(quality.asked), String(quality.first), String(quality.found), "\(quality.misled) of \(quality.unanswerable)",
          NumberText.fixed(Statistics.percentile(50, of: trial.milliseconds(language)) ?? 0, 1),
          NumberText.fixed(Statistics.percentile(99, of: trial.milliseconds(language)) ?? 0, 1),
        ])
      }
    }
    report.tables.append(found)
  }

  private func tellCost(_ plan: [String], _ perSecond: Double, _ rows: [Int64], _ report: inout Report) {
    var index = TextTable("the index", ["articles approved a second", "entries", "MiB"])
    index.rows.append([perSecond, Double(rows.first ?? 0), Double(rows.last ?? 0)].map { NumberText.grouped($0) })
    report.tables.append(index)
    var steps = TextTable("the plan of a search", [""])
    steps.rows = plan.map { [$0] }
    report.tables.append(steps)
  }
}

/// The sample's articles among made ones that share many of their words.
struct KnowledgeStock: Sendable {
  private var chance = Draw(seed: 12)

  /// The sample's articles by the numbers they have here.
  static let names = Dictionary(KnowledgeSample.articles.enumerated().map { (TicketID(number: Int64($0.offset + 1)), $0.element.name) }) { first, _ in first }

  /// Articles of one transaction.
  private static let atOnce = 200
  /// Terms of a made text.
  private static let terms = 120
  /// Words that only made articles have.
  private static let ownWords = 8_000

  /// The first of them are the sample's.
  mutating func approve(_ numbers: Range<Int>, _ session: PostgresSession, on today: Day, isStopping: () -> Bool) throws {
    for first in stride(from: numbers.lowerBound, to: numbers.upperBound, by: KnowledgeStock.atOnce) {
      if isStopping() { throw Stopped() }
      let contents = (first..<min(first + KnowledgeStock.atOnce, numbers.upperBound)).map { number -> ArticleContent in
        let sample = KnowledgeSample.articles.indices.contains(number) ? KnowledgeSample.articles[number] : nil
        return ArticleContent(category: sample?.category ?? "made", texts: sample?.texts ?? KnowledgeStock.texts(&chance), validUntil: today + 365)
      }
      try session.transaction { session in
        for (offset, content) in contents.enumerated() {
          let at = Instant(seconds: 1_700_000_000)
          var article = Article(TicketID(number: Int64(first + offset + 1)), content, by: ArticleLine(TicketActor("Wang"), at: at))
          guard try ArticleQueries.begin(article, session) else { throw BenchFailure("an article is there already") }
          let approved = try article.take(.approve, by: ArticleLine(TicketActor("Li"), at: at), on: today)
          try ArticleQueries.write(article, approved, wasInForce: nil, session)
        }
      }
    }
  }

  private static let englishWords = KnowledgeSample.articles.flatMap { article in
    article.texts[.english].map { "\($0.title) \($0.body)".split { !$0.isLetter }.map(String.init) } ?? []
  }
  private static let chineseWords = KnowledgeSample.articles.flatMap { article -> [String] in
    let text = article.texts[.chinese].map { Array("\($0.title)\($0.body)") } ?? []
    return text.indices.dropLast().map { String(text[$0...$0 + 1]) }
  }

  /// About something else: a title of made up words, some of them everywhere and most of them rare; of ten words of the text three are the sample's.
  private static func texts(_ chance: inout Draw) -> [Language: ArticleText] {
    func words(_ count: Int, _ shared: [String], _ own: (Int) -> String, _ chance: inout Draw) -> [String] {
      (0..<count).map { _ in
        if !shared.isEmpty, chance.below(10) < 3 { return shared[chance.below(shared.count)] }
        let bound = 1 + chance.below(ownWords)
        return own(chance.below(bound))
      }
    }
    func english(_ number: Int) -> String {
      let syllables = ["ba", "ko", "li", "mu", "ne", "po", "ra", "su", "ti", "vo", "wa", "xe", "yo", "za", "du", "fi", "ga", "hu", "je", "ce"]
      return syllables[number % 20] + syllables[number / 20 % 20] + syllables[number / 400 % 20] + "r"
    }
    func chinese(_ number: Int) -> String {
      // Ideographs from the beginning of their block; most of them are in no article of the sample.
      [number % 90, 90 + number / 90].compactMap { Unicode.Scalar(0x5000 + UInt32($0)).map(String.init) }.joined()
    }
    let (title, body) = (words(5, [], english, &chance), words(terms, englishWords, english, &chance))
    let (chineseTitle, chineseBody) = (words(4, [], chinese, &chance), words(terms / 2, chineseWords, chinese, &chance))
    return [
      .english: ArticleText(title: title.joined(separator: " "), body: body.joined(separator: " ")),
      .chinese: ArticleText(title: chineseTitle.joined(), body: chineseBody.joined(separator: "，")),
    ]
  }

  /// How PostgreSQL carries out the search for a question.
  static func plan(of question: String, _ session: PostgresSession) throws -> [String] {
    let language = KnowledgeTerms.language(of: question)
    let plan = try KnowledgeIndex.plan(KnowledgeTerms.asked(question), language, session)
    let explained = Statement(name: "bench_knowledge_plan", sql: "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) " + KnowledgeIndex.search.sql)
    let rows = try session.query(explained) { parameters in
      parameters.textArray(plan.terms.map(\.term))
      parameters.int64Array(plan.terms.map(\.rarity))
      parameters.int16(language == .english ? 0 : 1)
      parameters.date(unixDays: KnowledgePart.today.number)
      parameters.text(nil)
      parameters.int64(plan.leastSum)
      parameters.int64(Int64(KnowledgePart.shown))
    }
    return try (0..<rows.count).map { try rows.text($0, 0) }
  }
}

/// PostgreSQL's own text search over the same articles: what there is without a word of code. It knows no Chinese.
struct BuiltInSearch: Sendable {
  private static let find = Statement(
    name: "bench_built_in",
    sql: """
      SELECT d.article_id FROM bench_documents d, to_tsquery($1::text::regconfig, $2) q WHERE d.language = $3 AND d.document @@ q
      ORDER BY ts_rank(d.document, q) DESC, d.article_id LIMIT $4
      """)

  init(_ session: PostgresSession) throws {
    for statement in [
      """
      CREATE TABLE bench_documents AS SELECT t.article_id, t.language,
        setweight(to_tsvector((CASE t.language WHEN 0 THEN 'english' ELSE 'simple' END)::regconfig, t.title), 'A')
          || to_tsvector((CASE t.language WHEN 0 THEN 'english' ELSE 'simple' END)::regconfig, t.body) AS document
      FROM article_texts t
      """, "CREATE INDEX ON bench_documents USING gin (document)", "ANALYZE bench_documents",
    ] { try session.execute(statement) }
  }

  /// Any word of the question.
  func find(_ question: JudgedQuestion, limit: Int, _ session: PostgresSession) throws -> [TicketID] {
    let words = question.text.split { !$0.isLetter && !$0.isNumber }.map { "'\($0)'" }.joined(separator: " | ")
    let rows = try session.query(BuiltInSearch.find) { parameters in
      parameters.text(question.language == .english ? "english" : "simple")
      parameters.text(words)
      parameters.int16(question.language == .english ? 0 : 1)
      parameters.int64(Int64(limit))
    }
    return try (0..<rows.count).map { TicketID(number: try rows.int64($0, 0)) }
  }
}

/// Every question of the sample asked, with what was found and how long it took.
struct SearchTrial: Sendable {
  struct Quality: Sendable, Equatable {
    var asked = 0
    var first = 0
    /// Among those that are shown.
    var found = 0
    var unanswerable = 0
    /// Something was suggested although no article answers it.
    var misled = 0
  }

  private var qualities: [Language: Quality] = [:]
  private var times: [Language: [Double]] = [:]

  init(rounds: Int, _ stop: StopSignal? = nil, _ find: (JudgedQuestion) throws -> [String]) throws {
    for round in 0..<rounds {
      for question in KnowledgeSample.questions {
        if stop?.isStopping ?? false { throw Stopped() }
        let began = SystemTime.monotonicNanoseconds()
        let names = try find(question)
        times[question.language, default: []].append(secondsSince(began) * 1e3)
        if round == 0 { add(question, names) }
      }
    }
  }

  private mutating func add(_ question: JudgedQuestion, _ names: [String]) {
    var quality = qualities[question.language] ?? Quality()
    if let answer = question.answer {
      quality.asked += 1
      if names.first == answer { quality.first += 1 }
      if names.contains(answer) { quality.found += 1 }
    } else {
      quality.unanswerable += 1
      if !names.isEmpty { quality.misled += 1 }
    }
    qualities[question.language] = quality
  }

  func quality(_ language: Language) -> Quality { qualities[language] ?? Quality() }
  func milliseconds(_ language: Language) -> [Double] { times[language] ?? [] }
}
