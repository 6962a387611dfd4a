// What is found in comments, and what a file of rules may say (F-06).
import Domain
import Testing

@Suite("Comments are read by rules")
struct CommentRulesTests {
  private static func rules() throws -> CommentRules {
    try CommentRules(
      version: 1, author: "t",
      topics: [
        .init(id: "logistics", name: LocalizedName(en: "Delivery", zh: "物流"), words: ["物流", "快递", "deliver*", "parcel"]),
        .init(id: "price", name: LocalizedName(en: "Price", zh: "价格"), words: ["价格", "贵", "price", "cheap"]),
        .init(id: "staff", name: LocalizedName(en: "Staff", zh: "人员"), words: ["客服", "快递员", "staff"]),
        .init(id: "value", name: LocalizedName(en: "Value", zh: "值"), words: ["price"]),
      ],
      lists: [
        .positive: ["好", "快", "满意", "没问题", "good", "cheap", "not bad"], .negative: ["差", "慢", "贵", "问题", "bad", "late", "slow*"],
        .negations: ["不", "没", "not", "isn't"], .contrasts: ["但", "but"],
      ])
  }

  private static func found(_ comment: String) throws -> [String] {
    let reading = try rules().read(comment)
    return [reading.polarity.rawValue] + reading.topics.map { "\($0.id) \($0.polarity.rawValue)" }
  }

  @Test(
    "Clause by clause, what is said of one topic is not said of another",
    arguments: [
      ("物流很快，客服太差", ["mixed", "logistics positive", "staff negative"]),
      ("物流很快但客服太差", ["mixed", "logistics positive", "staff negative"]),
      ("Delivery was good but the staff bad", ["mixed", "logistics positive", "staff negative"]),
      ("物流，太慢了！", ["negative", "logistics negative"]),
      ("物流好，差", ["mixed", "logistics positive"]),
      ("物流不好，物流好", ["mixed", "logistics mixed"]),
      ("收到了", ["neutral"]), ("", ["neutral"]), ("，，。", ["neutral"]),
      ("Staff: 3.5 of 5, price good", ["positive", "price positive", "staff neutral", "value positive"]),
    ])
  func clauses(comment: String, expected: [String]) throws {
    #expect(try Set(CommentRulesTests.found(comment)) == Set(expected))
    #expect(try CommentRulesTests.found(comment).first == expected.first)
  }

  @Test(
    "The longest word counts, whole words only where words have ends, and a part of a topic's word is no tone",
    arguments: [
      ("没问题", "positive"), ("有问题", "negative"), ("没有差", "positive"), ("not bad", "positive"), ("badly", "neutral"), ("slowly", "negative"),
      ("snow", "neutral"), ("slow", "negative"), ("快递", "neutral"), ("快递快", "positive"), ("ＧＯＯＤ", "positive"), ("GOOD", "positive"), ("lately", "neutral"),
    ])
  func words(comment: String, expected: String) throws { #expect(try CommentRulesTests.found(comment).first == expected) }

  @Test(
    "A negation turns the next word near it, in its clause, once",
    arguments: [
      ("不好", "negative"), ("不贵", "positive"), ("不是很好，满意", "mixed"), ("不，好", "positive"), ("isn't good", "negative"), ("isn’t good", "negative"),
      ("not good and cheap", "mixed"), ("不知道是不是今天下午还是明天上午送来 好", "positive"), ("不不好", "negative"),
    ])
  func negations(comment: String, expected: String) throws { #expect(try CommentRulesTests.found(comment).first == expected) }

  @Test("Everything that is wrong with the rules is said at once, with its place")
  func faults() throws {
    let topics = [
      CommentRules.Topic(id: "Bad Id", name: LocalizedName(en: "a", zh: "a"), words: ["x", "*", "x"]),
      CommentRules.Topic(id: "b", name: LocalizedName(en: "b", zh: "b"), words: []),
      CommentRules.Topic(id: "b", name: LocalizedName(en: "b", zh: "b"), words: ["a*b", " c"]),
    ]
    do {
      _ = try CommentRules(version: 1, author: "t", topics: topics, lists: [.positive: ["good", "!"], .negative: ["GOOD"]])
      Issue.record("it was taken")
    } catch {
      #expect(
        error.faults.map(\.path) == [
          "topics[0].id", "topics[0].words[1]", "topics[0].words[2]", "topics[1].words", "topics[2].id", "topics[2].words[0]", "topics[2].words[1]",
          "positive[1]", "negative[0]",
        ])
    }
    let many = Array(repeating: "a", count: CommentRules.wordsMax + 1)
    #expect(throws: ConfigurationFaults.self) {
      try CommentRules(version: 1, author: "t", topics: [.init(id: "a", name: LocalizedName(en: "a", zh: "a"), words: many)], lists: [:])
    }
  }

  @Test("Growth is hot from three on, when it is half as much again; without a before there is no percentage")
  func growth() {
    #expect(Growth(3, before: 2).isHot && !Growth(3, before: 3).isHot && !Growth(2, before: 0).isHot && Growth(3, before: 0).isHot)
    #expect(!Growth(149, before: 100).isHot && Growth(150, before: 100).isHot)
    #expect(Growth(150, before: 100).percent == Rational(50) && Growth(1, before: 0).percent == nil)
  }
}
