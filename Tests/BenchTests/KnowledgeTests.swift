// What the search is judged by, and how well it does among the sample's own articles. Known answers: no time is measured here.
@testable import BenchHarness
import Domain
import Testing
import TicketsCore

@Suite("Bench: the knowledge base")
struct BenchKnowledgeTests {
  @Test func everyArticleHasBothLanguagesAndAQuestionInEach() {
    #expect(KnowledgeSample.articles.count == 40 && Set(KnowledgeSample.articles.map(\.name)).count == 40)
    #expect(KnowledgeSample.articles.allSatisfy { article in Language.allCases.allSatisfy { article.texts[$0]?.body.isEmpty == false } })
    for language in Language.allCases {
      let questions = KnowledgeSample.questions.filter { $0.language == language }
      #expect(Set(questions.compactMap(\.answer)) == Set(KnowledgeSample.articles.map(\.name)))
      #expect(questions.filter { $0.answer == nil }.count == 5)
      #expect(questions.allSatisfy { KnowledgeTerms.language(of: $0.text) == language })
    }
  }

  private typealias Lists = [String: [(name: String, weight: Int64)]]

  /// The search of the service over lists in memory.
  private func find(_ question: JudgedQuestion, _ lists: Lists) -> [String] {
    let plan = KnowledgePlan(
      KnowledgeTerms.asked(question.text), articles: Int64(KnowledgeSample.articles.count), counts: lists.mapValues { Int64($0.count) })
    var sums: [String: Int64] = [:]
    for term in plan.terms { for entry in lists[term.term] ?? [] { sums[entry.name, default: 0] += entry.weight * term.rarity } }
    return sums.filter { $0.value >= plan.leastSum }.sorted { (-$0.value, $0.key) < (-$1.value, $1.key) }.prefix(KnowledgePart.shown).map(\.key)
  }

  @Test("Of forty questions in each language more than nine in ten are answered by one of three suggestions", arguments: Language.allCases)
  func quality(_ language: Language) throws {
    var lists: Lists = [:]
    for article in KnowledgeSample.articles {
      guard let text = article.texts[language] else { continue }
      for (term, weight) in KnowledgeTerms.weights(of: text) { lists[term, default: []].append((article.name, Int64(weight))) }
    }
    let known = lists
    let quality = try SearchTrial(rounds: 1) { $0.language == language ? find($0, known) : [] }.quality(language)
    #expect(quality.asked == 40 && quality.found >= 38 && quality.first >= 34, "\(quality)")
    #expect(quality.misled <= 2 && quality.unanswerable == 5, "\(quality)")
  }
}
