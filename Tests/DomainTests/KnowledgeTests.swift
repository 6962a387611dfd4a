// K-12: an article's life in versions, and who may approve what.
import Domain
import Testing

@Suite("Knowledge base: versions")
struct KnowledgeTests {
  private static let today = Day(number: 20_000)

  private func content(_ title: String, until days: Int = 30) -> ArticleContent {
    ArticleContent(category: "bill", texts: [.english: ArticleText(title: title, body: "b")], validUntil: Self.today + days)
  }

  private func line(_ name: String) -> ArticleLine { ArticleLine(TicketActor(name), at: Instant(seconds: 1_000)) }

  private func draft() -> Article { Article(TicketID(number: 7), content("first"), by: line("Wang")) }

  @Test("A draft comes into force by somebody who wrote nothing of it")
  func fourEyes() throws {
    var article = draft()
    #expect(article.state(on: Self.today) == .draft)
    #expect(throws: ArticleRefusal.ownWork) { try article.take(.approve, by: line("Wang"), on: Self.today) }
    _ = try article.write(content("better"), by: line("Li"))
    #expect(throws: ArticleRefusal.ownWork) { try article.take(.approve, by: line("Wang"), on: Self.today) }
    #expect(throws: ArticleRefusal.ownWork) { try article.take(.approve, by: line("Li"), on: Self.today) }
    let changed = try article.take(.approve, by: line("Zhao"), on: Self.today)
    #expect(article.state(on: Self.today) == .approved && changed.map(\.state) == [.approved] && article.draft == nil)
    #expect(article.current?.content.texts[.english]?.title == "better" && article.current?.number == 1)
  }

  @Test("What is in force stays as it is while the next version is written, and is replaced by it")
  func versions() throws {
    var article = draft()
    _ = try article.take(.approve, by: line("Zhao"), on: Self.today)
    let written = try article.write(content("second"), by: line("Zhao"))
    #expect(written.map(\.number) == [2] && article.current?.content.texts[.english]?.title == "first")
    // Who approved the first version may write the second, and then not approve it.
    #expect(throws: ArticleRefusal.ownWork) { try article.take(.approve, by: line("Zhao"), on: Self.today) }
    let changed = try article.take(.approve, by: line("Wang"), on: Self.today)
    #expect(changed.map { "\($0.number) \($0.state)" } == ["1 replaced", "2 approved"] && changed.first?.ending?.actor.name == "Wang")
    #expect(article.revision == 4)
  }

  @Test("It is good on its last day and over on the next; what would be over at once is not approved")
  func expiry() throws {
    var article = draft()
    #expect(throws: ArticleRefusal.over(Self.today + 30)) { try article.take(.approve, by: line("Zhao"), on: Self.today + 31) }
    _ = try article.take(.approve, by: line("Zhao"), on: Self.today + 30)
    #expect(article.state(on: Self.today + 30) == .approved && article.state(on: Self.today + 31) == .expired)
    _ = try article.write(content("again", until: 90), by: line("Wang"))
    #expect(article.state(on: Self.today + 31) == .expired, "a draft changes nothing")
    _ = try article.take(.approve, by: line("Zhao"), on: Self.today + 31)
    #expect(article.state(on: Self.today + 31) == .approved)
  }

  @Test("Withdrawing ends what is in force, rejecting ends the draft alone")
  func endings() throws {
    var article = draft()
    #expect(throws: ArticleRefusal.notInForce) { try article.take(.withdraw, by: line("Li"), on: Self.today) }
    #expect(try article.take(.reject, by: line("Wang"), on: Self.today).map(\.state) == [.rejected])
    #expect(article.state(on: Self.today) == .withdrawn)
    #expect(throws: ArticleRefusal.noDraft) { try article.take(.approve, by: line("Li"), on: Self.today) }
    _ = try article.write(content("new"), by: line("Wang"))
    _ = try article.take(.approve, by: line("Li"), on: Self.today)
    _ = try article.write(content("newer"), by: line("Wang"))
    #expect(try article.take(.withdraw, by: line("Li"), on: Self.today).map { "\($0.number) \($0.state)" } == ["2 withdrawn"])
    #expect(article.state(on: Self.today) == .draft && article.draft?.number == 3)
  }

  @Test("Of the languages it is written in the one asked for is given, else the other")
  func languages() {
    let both = ArticleContent(
      category: "", texts: [.english: ArticleText(title: "en", body: "b"), .chinese: ArticleText(title: "zh", body: "b")], validUntil: Self.today)
    #expect(both.text(in: .chinese)?.text.title == "zh" && both.text(in: .english)?.text.title == "en")
    #expect(content("only").text(in: .chinese)?.language == .english)
  }
}
