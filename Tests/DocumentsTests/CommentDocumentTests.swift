// The file of comment rules (F-06): the shipped one, and what is said of a wrong one.
import Documents
import Domain
import Testing

@Suite("The file of comment rules")
struct CommentDocumentTests {
  private static func shipped() throws -> CommentRules {
    try CommentDocument.decode(try DocumentFile.read(CommentDocument.shipped), source: CommentDocument.shipped)
  }

  // Sentences as customers write them, with what a person finds in them.
  @Test(
    "The shipped rules find in plain sentences of both languages what a person finds",
    arguments: [
      ("物流很快，但是质量太差，客服态度也不好", ["mixed", "logistics positive", "quality negative", "staff negative"]),
      ("没问题，挺满意", ["positive"]), ("快递员不太热情，价格不贵", ["mixed", "price positive", "staff negative"]),
      ("小程序老是闪退，登录不上", ["negative", "app negative"]), ("退款拖了一个月", ["negative", "refund negative"]),
      ("包装精美，味道好吃，会回购", ["positive", "packaging positive", "quality positive"]), ("一般吧", ["neutral"]),
      ("发票还没到", ["negative", "payment negative"]),
      ("Delivery was slow but the staff were very helpful.", ["mixed", "logistics negative", "staff positive"]),
      ("The parcel never arrived", ["negative", "logistics negative"]), ("It wasn't delivered on time.", ["negative", "logistics negative"]),
      ("I am not happy with the refund", ["negative", "refund negative"]), ("Great value for money, love it!", ["positive", "price positive"]),
      ("The app crashes at checkout", ["negative", "app negative"]),
      ("Broken on arrival; nobody answers", ["negative", "logistics negative", "quality negative"]),
      ("Not bad. Would recommend.", ["positive"]),
    ])
  func sentences(comment: String, expected: [String]) throws {
    let reading = try CommentDocumentTests.shipped().read(comment)
    #expect(Set([reading.polarity.rawValue] + reading.topics.map { "\($0.id) \($0.polarity.rawValue)" }) == Set(expected))
  }

  @Test("All that is wrong with a file is said at once, by line")
  func faults() {
    let yaml = """
      comments: 0
      author: t
      topics:
        - {id: A B, name: {en: a, zh: a}, words: [x]}
        - {id: b, name: {en: b}, words: y, more: 1}
      positive: [good]
      negative: []
      negations: {}
      end: true
      """
    do {
      _ = try CommentDocument.decode(Array(yaml.utf8), source: "c.yaml")
      Issue.record("it was taken")
    } catch {
      #expect(error.faults.map { "\($0.line) \($0.path)" } == [
        "1 contrasts", "1 comments", "5 topics[1].name.zh", "5 topics[1].words", "5 topics[1].more", "8 negations",
      ])
    }
  }
}
